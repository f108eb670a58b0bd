/* A pulled list as a recipient keeps it: sealed, with what it is held against. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/recipient.h"
#include "proto/withdrawal.h"

/* ---- where a pulled list is kept: HOME/cohorts/ROUND.{list,statements,charter.json}
 * ------------------ */

static char *kept_path(const char *dir, const char *round, const char *ending)
{
  char name[KITH_ROUND_HEX_BYTES + 16];

  (void)snprintf(name, sizeof name, "%s%s", round, ending);
  return kith_path_join(dir, name);
}

void kith_kept_free(struct kith_kept *kept)
{
  kith_free(kept->dir);
  kith_free(kept->list);
  kith_free(kept->statements);
  kith_free(kept->charter);
}

enum kith_err kith_cohort_home_open(struct kith_home *home, const char *dir,
                                    struct kith_fault *fault)
{
  enum kith_err err = kith_home_open(home, dir, fault);

  if (err == KITH_OK && home->agency)
    err = kith_fail(fault, KITH_ERR_CONFIG, "an agency's home: only recipients have lists");
  return err;
}

enum kith_err kith_kept_init(struct kith_kept *kept, const struct kith_home *home,
                             const char *round, struct kith_fault *fault)
{
  *kept = (struct kith_kept){.dir = kith_path_join(home->dir, "cohorts")};
  if (kept->dir) {
    kept->list = kept_path(kept->dir, round, ".list");
    kept->statements = kept_path(kept->dir, round, ".statements");
    kept->charter = kept_path(kept->dir, round, ".charter.json");
  }
  if (kept->list && kept->statements && kept->charter)
    return KITH_OK;
  return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
}

/* ---- pull */

static enum kith_err fetch_list(struct kith_home *home, const kith_round_id id,
                                struct kith_buf *list, struct kith_fault *fault)
{
  uint64_t total = 1;
  enum kith_err err = KITH_OK;

  while (err == KITH_OK && list->len < total) {
    struct kith_request request = {.type = KITH_REQUEST_COHORT_GET};
    struct kith_reply reply;

    memcpy(request.body.cohort_get.round, id, KITH_ROUND_ID_BYTES);
    request.body.cohort_get.offset = list->len;
    if ((err = kith_home_call(home, &reply, &request, fault)) != KITH_OK)
      return err;
    total = reply.body.cohort_get.total;
    if (!reply.body.cohort_get.chunk.len)
      err = kith_fail(fault, KITH_ERR_NO, "the matcher sent an empty piece of the list");
    kith_buf_append(list, reply.body.cohort_get.chunk.bytes, reply.body.cohort_get.chunk.len);
    kith_reply_free(&reply);
    if (err == KITH_OK && (err = kith_buf_err(list)) != KITH_OK)
      kith_fail(fault, err, "the list is too long, or out of memory");
  }
  return err;
}

/* The sealed bytes are the ones that the release statement names for this recipient. */
static enum kith_err check_sealed(const struct kith_round_view *view, const char *recipient,
                                  const uint8_t *bytes, size_t len, struct kith_fault *fault)
{
  struct kith_hash hash;

  if (!view->released)
    return kith_fail(fault, KITH_ERR_NO, "the round has not been released");
  kith_sealed_list_hash(&hash, bytes, len);
  for (unsigned i = 0; i < view->release.n_lists; i++)
    if (strcmp(view->release.lists[i].recipient, recipient) == 0)
      return kith_hash_equal(&hash, &view->release.lists[i].list)
                 ? KITH_OK
                 : kith_fail(fault, KITH_ERR_NO,
                             "the list is not the one that the matcher released: it was altered");
  return kith_fail(fault, KITH_ERR_DENIED, "the round was not released to %s", recipient);
}

/* Opens and checks against everything that the release statement binds it to. */
static enum kith_err open_list(struct kith_cohort *out, const struct kith_home *home,
                               const struct kith_round_view *view, const uint8_t *bytes, size_t len,
                               struct kith_fault *fault)
{
  uint8_t *list = NULL;
  size_t list_len = 0;
  enum kith_err err = check_sealed(view, home->config.id, bytes, len, fault);

  if (err != KITH_OK)
    return err;
  err = kith_cohort_unseal(&list, &list_len, home->identity->seal, view->round, home->config.id,
                           bytes, len);
  if (err != KITH_OK)
    return kith_fail(fault, err, "the list does not open with this key, or it was altered");
  err = kith_cohort_read(out, list, list_len, fault);
  kith_wipe(list, list_len);
  kith_free(list);
  if (err != KITH_OK)
    return err;
  err = kith_cohort_check(out, view->round, &view->release, fault);
  if (err == KITH_OK)
    err = kith_withdrawals_mark(out, view, fault);
  if (err != KITH_OK)
    kith_cohort_free(out);
  return err;
}

/* From then on the home knows how long the list may be kept. */
static enum kith_err keep_until(const struct kith_recipient *recipient,
                                const struct kith_remote_round *round, struct kith_fault *fault)
{
  KITH_AUTO_FREE struct kith_policy *policy = KITH_NEW(struct kith_policy);
  enum kith_err err = policy ? kith_recipient_policy(recipient->home, policy, round, fault)
                             : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");

  return err == KITH_OK ? kith_recipient_until(recipient, kith_round_log_view(round->log), policy)
                        : err;
}

static enum kith_err keep(const struct kith_recipient *recipient, const struct kith_kept *kept,
                          const struct kith_remote_round *round, const struct kith_buf *list,
                          struct kith_fault *fault)
{
  const struct kith_round_view *view = kith_round_log_view(round->log);
  enum kith_err err;

  if ((err = keep_until(recipient, round, fault)) != KITH_OK ||
      (err = kith_dir_make(kept->dir, 0700, fault)) != KITH_OK ||
      (err = kith_signed_save(&round->charter_document, kept->charter, fault)) != KITH_OK ||
      (err = kith_file_write(kept->statements, 0600, round->statements.bytes, round->statements.len,
                             fault)) != KITH_OK ||
      (err = kith_file_write(kept->list, 0600, list->bytes, list->len, fault)) != KITH_OK)
    return err;
  return view->n_withdrawals ? kith_recipient_withdraw(recipient, view, fault) : KITH_OK;
}

enum kith_err kith_cohort_pull(struct kith_home *home, const kith_round_id id,
                               const struct kith_kept *kept, struct kith_cohort *cohort,
                               struct kith_fault *fault)
{
  struct kith_recipient recipient = {0};
  struct kith_remote_round round = {0};
  struct kith_buf list;
  enum kith_err err = kith_recipient_open(&recipient, home, fault);

  kith_buf_init(&list, KITH_LIST_BYTES_MAX);
  if (err == KITH_OK)
    err = kith_remote_round_fetch(&round, home, id, fault);
  if (err == KITH_OK && !kith_round_log_view(round.log)->released)
    err = kith_fail(fault, KITH_ERR_NO, "the round is %s: there is no list yet",
                    kith_round_state_name(round.state));
  if (err == KITH_OK)
    err = fetch_list(home, id, &list, fault);
  if (err == KITH_OK)
    err = open_list(cohort, home, kith_round_log_view(round.log), list.bytes, list.len, fault);
  if (err == KITH_OK && (err = keep(&recipient, kept, &round, &list, fault)) != KITH_OK)
    kith_cohort_free(cohort);
  kith_buf_free(&list);
  kith_remote_round_free(&round);
  kith_recipient_close(&recipient);
  return err;
}

enum kith_err kith_cohort_open_kept(struct kith_cohort *out, struct kith_remote_round *round_out,
                                    struct kith_home *home, const struct kith_kept *kept,
                                    struct kith_fault *fault)
{
  struct kith_remote_round round = {0};
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&bytes, &len, kept->list, KITH_LIST_BYTES_MAX, fault);

  if (err == KITH_ERR_NO_INPUT)
    return kith_fail(fault, err, "%s is not there: pull the list first", kept->list);
  if (err == KITH_OK)
    err = kith_remote_round_read(&round, home, kept->charter, kept->statements, fault);
  if (err != KITH_OK)
    return err;
  err = open_list(out, home, kith_round_log_view(round.log), bytes, len, fault);
  if (err == KITH_OK && round_out)
    *round_out = round;
  else
    kith_remote_round_free(&round);
  return err;
}

enum kith_err kith_kept_destroy(const struct kith_kept *kept, struct kith_fault *fault)
{
  KITH_AUTO_FREE char *signatures = kith_calloc(strlen(kept->charter) + sizeof ".sig", 1);
  const char *paths[] = {kept->list, kept->statements, kept->charter, signatures};
  enum kith_err err = KITH_OK;

  if (!signatures)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  memcpy(signatures, kept->charter, strlen(kept->charter));
  memcpy(signatures + strlen(kept->charter), ".sig", sizeof ".sig");
  for (size_t i = 0; err == KITH_OK && i < KITH_COUNT_OF(paths); i++)
    err = kith_file_destroy(paths[i], fault);
  return err;
}

enum kith_err kith_kept_only(const struct kith_home *home, char round[KITH_ROUND_HEX_BYTES],
                             struct kith_fault *fault)
{
  KITH_AUTO_FREE char *path = kith_path_join(home->dir, "cohorts");
  unsigned n = 0;
  struct dirent *entry;
  DIR *dir;

  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  dir = opendir(path);
  while (dir && (entry = readdir(dir)) != NULL) {
    size_t len = strlen(entry->d_name);

    if (len != KITH_ROUND_HEX_BYTES - 1 + strlen(".list") ||
        strcmp(entry->d_name + KITH_ROUND_HEX_BYTES - 1, ".list") != 0)
      continue;
    memcpy(round, entry->d_name, KITH_ROUND_HEX_BYTES - 1);
    round[KITH_ROUND_HEX_BYTES - 1] = '\0';
    n++;
  }
  if (dir)
    closedir(dir);
  if (n == 1)
    return KITH_OK;
  return kith_fail(fault, KITH_ERR_USAGE,
                   n ? "which round? There are %u lists in this home"
                     : "which round? %u lists are in this home: pull one first",
                   n);
}
