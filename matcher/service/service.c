#include "matcher/service/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static const char *const table_names[] = {"batches",   "batch_hashes", "lists",  "reviews",
                                          "proposals", "journal",      "letters"};

enum kith_err kith_matcher_new(struct kith_matcher **out, const char *config_path,
                               struct kith_fault *fault)
{
  struct kith_matcher *matcher = KITH_NEW(struct kith_matcher);
  struct kith_node_options options = {
      .role = KITH_ROLE_MATCHER, .tables = table_names, .n_tables = KITH_COUNT_OF(table_names)};
  enum kith_err err;

  if (!matcher)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = kith_matcher_config_load(&matcher->config, config_path, fault)) != KITH_OK)
    goto fail;
  options.map_bytes = matcher->config.map_bytes;
  if ((err = kith_node_open(&matcher->node, &matcher->config.node, &options, fault)) != KITH_OK ||
      (err = kith_matcher_rounds_load(matcher, fault)) != KITH_OK ||
      (err = kith_server_new(&matcher->server, matcher->config.listen, matcher->node->identity,
                             fault)) != KITH_OK ||
      (err = kith_matcher_allow_members(matcher)) != KITH_OK)
    goto fail;
  *out = matcher;
  return KITH_OK;

fail:
  kith_matcher_free(matcher);
  return err;
}

void kith_matcher_free(struct kith_matcher *matcher)
{
  if (!matcher)
    return;
  kith_matching_cancel(matcher);
  kith_server_free(matcher->server);
  kith_matcher_rounds_free(matcher);
  kith_node_close(matcher->node);
  kith_matcher_config_free(&matcher->config);
  kith_free(matcher);
}

static enum kith_err note(struct kith_matcher *matcher, enum kith_audit_event event)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err = kith_node_audit(matcher->node, txn, event, NULL, NULL, NULL, 0);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* One message, if there is one. What can't be answered is not: the member asks again. */
static enum kith_err serve_one(struct kith_matcher *matcher, struct kith_buf *reply, bool *served)
{
  struct kith_incoming incoming;
  const struct kith_member *member;
  enum kith_err err = kith_server_receive(matcher->server, &incoming,
                                          *served ? 0 : matcher->config.poll_ms, NULL, 0);

  *served = err == KITH_OK;
  if (err != KITH_OK)
    return err == KITH_ERR_TIMEOUT ? KITH_OK : err;
  member = kith_charter_by_curve(&matcher->node->charter, incoming.curve);
  if (!member || member->role == KITH_ROLE_MATCHER)
    return KITH_OK;
  err = kith_matcher_answer(matcher, reply, member, incoming.bytes, incoming.len);
  if (err == KITH_OK)
    kith_server_reply(matcher->server, &incoming, reply->bytes, reply->len);
  else
    kith_log(KITH_LOG_ERROR, "answer.failed", KITH_LOG_STR("error", kith_err_name(err)));
  return KITH_OK;
}

enum { STUCK_LOG_MS = 60000 };

/* A turn may come with every message: what is stuck is said once a minute. */
static void log_stuck(struct kith_matcher *matcher, enum kith_err err)
{
  int64_t now_ms = kith_clock_monotonic_ms();

  if (matcher->stuck_logged_ms && now_ms - matcher->stuck_logged_ms < STUCK_LOG_MS)
    return;
  matcher->stuck_logged_ms = now_ms;
  kith_log(KITH_LOG_ERROR, "round.stuck", KITH_LOG_STR("error", kith_err_name(err)));
}

static void advance_all(struct kith_matcher *matcher)
{
  for (unsigned i = 0; i < matcher->n_rounds; i++) {
    enum kith_err err = kith_matcher_advance(matcher, matcher->rounds[i]);

    /* A full disk passes, and the round is tried again in the next turn. */
    if (err != KITH_OK)
      log_stuck(matcher, err);
  }
}

enum kith_err kith_matcher_run(struct kith_matcher *matcher, const volatile int *stop,
                               const struct kith_daemon_hooks *hooks, struct kith_fault *fault)
{
  enum { MESSAGES_A_TURN = 64 };
  struct kith_buf reply;
  bool served = false;
  enum kith_err err = note(matcher, KITH_AUDIT_STARTED);

  kith_buf_init(&reply, KITH_MESSAGE_BYTES_MAX);
  if (err == KITH_OK)
    hooks->ready(kith_server_address(matcher->server));
  while (err == KITH_OK && !*stop) {
    /* A flood of messages must not keep deadlines from being looked at. */
    for (unsigned i = 0; err == KITH_OK && !*stop && i < MESSAGES_A_TURN; i++) {
      err = serve_one(matcher, &reply, &served);
      if (!served)
        break;
    }
    hooks->alive();
    if (err == KITH_OK)
      advance_all(matcher);
  }
  kith_buf_free(&reply);
  if (err == KITH_OK)
    return note(matcher, KITH_AUDIT_STOPPED);
  return kith_fail(fault, err, "the matcher can't go on: %s", kith_err_name(err));
}
