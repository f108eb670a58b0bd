#include "daemon/service/notices.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/officers.h"

enum {
  RUN_MS = 60 * 1000,
  AGAIN_MS = 10 * 60 * 1000,
  ROUND_NEAR_S = 86400,
  REQUEST_NEAR_S = 2 * 86400,
  KEY_BYTES = KITH_ROUND_ID_BYTES + 1
};

enum event { ROUND_OPENED = 1, REQUEST_WAITING, DEADLINE_NEAR, EVENTS };
static const char *const event_names[EVENTS] = {
    [ROUND_OPENED] = "round-opened",
    [REQUEST_WAITING] = "request-waiting",
    [DEADLINE_NEAR] = "deadline-near",
};

enum kith_err kith_notices_check(const char *command, struct kith_fault *fault)
{
  if (command[0] != '/')
    return kith_fail(
        fault, KITH_ERR_CONFIG,
        "[notify] command: expected the absolute path of a program, without arguments");
  if (access(command, X_OK) != 0)
    return kith_fail(fault, KITH_ERR_CONFIG, "[notify] command: %s can't be run: %s", command,
                     strerror(errno));
  return KITH_OK;
}

/* ---- what was noticed: (round, event) -> a number that only grows */

static enum kith_err mark_get(const struct kith_agency *agency,
                              const struct kith_agency_round *round, enum event event,
                              int64_t *mark)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, agency->node->store, false);

  *mark = 0;
  memcpy(key, round->node->id, KITH_ROUND_ID_BYTES);
  key[KITH_ROUND_ID_BYTES] = (uint8_t)event;
  if (err == KITH_OK)
    err =
        kith_store_get(txn, KITH_TABLE_NOTICES, (struct kith_bytes){key, sizeof key}, &value, &len);
  kith_txn_abort(txn);
  if (err == KITH_ERR_NOT_FOUND)
    return KITH_OK;
  if (err == KITH_OK && len != sizeof *mark)
    return KITH_ERR_INTERNAL;
  if (err == KITH_OK)
    memcpy(mark, value, sizeof *mark);
  return err;
}

static enum kith_err mark_put(const struct kith_agency *agency, const struct kith_notice *notice)
{
  uint8_t key[KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  memcpy(key, notice->round, KITH_ROUND_ID_BYTES);
  key[KITH_ROUND_ID_BYTES] = (uint8_t)notice->event;
  err = kith_store_put(txn, KITH_TABLE_NOTICES, (struct kith_bytes){key, sizeof key},
                       (struct kith_bytes){&notice->mark, sizeof notice->mark});
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* ---- what there is to notice, as the mark it would leave; 0: nothing */

struct waiting {
  int64_t now;
  int64_t came;    /* the latest's */
  int64_t expires; /* the latest of those that soon do */
};

static enum kith_err waiting_visit(void *context, struct kith_disclosure *disclosure)
{
  struct waiting *waiting = context;
  int64_t expires = disclosure->letter->body.request.expires;

  if (disclosure->state != KITH_DISCLOSURE_WAITING)
    return KITH_OK;
  if (disclosure->came > waiting->came)
    waiting->came = disclosure->came;
  if (expires - waiting->now < REQUEST_NEAR_S && expires > waiting->expires)
    waiting->expires = expires;
  return KITH_OK;
}

static enum kith_err marks_of(struct kith_agency *agency, const struct kith_agency_round *round,
                              int64_t marks[EVENTS])
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  struct waiting waiting = {.now = kith_node_now(agency->node)};
  struct kith_disclosures *box = NULL;
  enum kith_err err = KITH_OK;

  if (kith_agency_undecided(agency, round)) {
    int64_t deadline = round->deadline ? round->deadline : view->open.expires;

    marks[ROUND_OPENED] = 1;
    if (deadline - waiting.now < ROUND_NEAR_S)
      marks[DEADLINE_NEAR] = 1;
  }
  if (!kith_disclosures_may_be(agency, round))
    return KITH_OK;
  err = kith_disclosures_open(&box, agency, round->node->id);
  if (err == KITH_OK)
    err = kith_disclosures_each(box, waiting_visit, &waiting);
  kith_disclosures_close(box);
  marks[REQUEST_WAITING] = waiting.came;
  if (waiting.expires)
    marks[DEADLINE_NEAR] = waiting.expires;
  return err;
}

/* The first that is due, in *out; event 0: none is. */
static enum kith_err due_find(struct kith_agency *agency, struct kith_notice *out)
{
  for (unsigned i = 0; i < agency->n_rounds; i++) {
    int64_t marks[EVENTS] = {0};
    enum kith_err err = marks_of(agency, agency->rounds[i], marks);

    for (unsigned event = 1; err == KITH_OK && event < EVENTS; event++) {
      int64_t noticed = 0;

      if (!marks[event])
        continue;
      err = mark_get(agency, agency->rounds[i], (enum event)event, &noticed);
      if (err != KITH_OK || noticed >= marks[event])
        continue;
      memcpy(out->round, agency->rounds[i]->node->id, KITH_ROUND_ID_BYTES);
      out->event = event;
      out->mark = marks[event];
      return KITH_OK;
    }
    if (err != KITH_OK)
      return err;
  }
  return KITH_OK;
}

/* ---- the command */

static int spawn(pid_t *pid, const char *command, const char *event, const char *round)
{
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char *const environment[] = {path, NULL};
  char *const arguments[] = {(char *)command, (char *)event, (char *)round, NULL};

  return kith_process_spawn(pid, command, arguments, environment, -1, -1);
}

static void failed(struct kith_notice *notice, const char *why, int status)
{
  kith_log(KITH_LOG_WARNING, "notice.failed", KITH_LOG_STR("event", event_names[notice->event]),
           KITH_LOG_STR("why", why), KITH_LOG_INT("status", status));
  notice->pid = 0;
  notice->again_ms = kith_clock_monotonic_ms() + AGAIN_MS;
}

/* Looks after the command that runs. */
static enum kith_err reap(struct kith_agency *agency)
{
  struct kith_notice *notice = &agency->notice;
  int status = 0;
  pid_t ended = waitpid(notice->pid, &status, WNOHANG);

  if (ended == 0) {
    if (kith_clock_monotonic_ms() < notice->until_ms)
      return KITH_OK;
    (void)kill(-notice->pid, SIGKILL);
    (void)waitpid(notice->pid, &status, 0);
    failed(notice, "it took longer than a minute", 0);
    return KITH_OK;
  }
  if (ended < 0 || !WIFEXITED(status)) {
    failed(notice, "it was killed", ended < 0 ? 0 : WTERMSIG(status));
    return KITH_OK;
  }
  if (WEXITSTATUS(status) != 0) {
    failed(notice, "it failed", WEXITSTATUS(status));
    return KITH_OK;
  }
  notice->pid = 0;
  notice->again_ms = 0;
  kith_log(KITH_LOG_INFO, "notice.given", KITH_LOG_STR("event", event_names[notice->event]));
  return mark_put(agency, notice);
}

enum kith_err kith_notices_turn(struct kith_agency *agency)
{
  struct kith_notice *notice = &agency->notice;
  char round[2 * KITH_ROUND_ID_BYTES + 1];
  enum kith_err err;
  int status;

  if (!agency->config.notify_command)
    return KITH_OK;
  if (notice->pid) {
    err = reap(agency);
    if (err != KITH_OK || notice->pid)
      return err;
  }
  if (kith_clock_monotonic_ms() < notice->again_ms)
    return KITH_OK;
  notice->event = 0;
  err = due_find(agency, notice);
  if (err != KITH_OK || !notice->event)
    return err;
  kith_hex_encode(round, notice->round, KITH_ROUND_ID_BYTES);
  status = spawn(&notice->pid, agency->config.notify_command, event_names[notice->event], round);
  if (status != 0)
    failed(notice, "it can't be started", status);
  else
    notice->until_ms = kith_clock_monotonic_ms() + RUN_MS;
  return KITH_OK;
}

void kith_notices_end(struct kith_agency *agency)
{
  if (!agency->notice.pid)
    return;
  (void)kill(-agency->notice.pid, SIGKILL);
  (void)waitpid(agency->notice.pid, NULL, 0);
  agency->notice.pid = 0;
}
