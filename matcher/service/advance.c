#include "matcher/service/service.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "matcher/service/intake.h"

/* ---- moves: the statement, the state and the audit entry, in one transaction
 * ---------------------- */

static void log_state(const struct kith_matcher_round *round)
{
  char id[2 * KITH_ROUND_ID_BYTES + 1];

  kith_hex_encode(id, round->node->id, KITH_ROUND_ID_BYTES);
  kith_log(KITH_LOG_INFO, "round.state", KITH_LOG_STR("round", id),
           KITH_LOG_STR("state", kith_round_state_name(round->state)));
}

static enum kith_err store_move(struct kith_matcher *matcher, struct kith_txn *txn,
                                const struct kith_matcher_round *round, uint32_t index,
                                const struct kith_buf *statement)
{
  enum kith_err err = KITH_OK;

  if (statement)
    err = kith_node_log_store(matcher->node, txn, round->node->id, index, statement->bytes,
                              statement->len);
  if (err == KITH_OK)
    err = kith_matcher_round_store(matcher, txn, round);
  if (err == KITH_OK)
    err = kith_node_audit(matcher->node, txn, KITH_AUDIT_ROUND_STATE, round->node->id, NULL, NULL,
                          round->state);
  return err;
}

enum kith_err kith_matcher_move_in(struct kith_matcher *matcher, struct kith_txn *txn,
                                   struct kith_matcher_round *round, enum kith_round_state state,
                                   int64_t deadline, struct kith_statement *statement)
{
  enum kith_round_state old_state = round->state;
  int64_t old_deadline = round->deadline;
  uint32_t index = kith_node_round_view(round->node)->n_statements;
  bool added = false;
  struct kith_buf bytes;
  enum kith_err err = KITH_OK;

  kith_buf_init(&bytes, KITH_STATEMENT_BYTES_MAX);
  round->state = state;
  round->deadline = deadline;
  if (statement) {
    memcpy(statement->round, round->node->id, sizeof statement->round);
    statement->attempt = kith_node_round_view(round->node)->attempt;
    err = kith_node_sign(matcher->node, &bytes, statement);
  }
  /* The log first: what it refuses must not be in the store, which could not be read back then. */
  if (err == KITH_OK && statement) {
    err = kith_round_log_add(round->node->log, &round->node->charter, bytes.bytes, bytes.len, 0,
                             NULL, NULL);
    added = err == KITH_OK;
  }
  if (err == KITH_OK)
    err = store_move(matcher, txn, round, index, statement ? &bytes : NULL);
  if (err == KITH_OK)
    err = kith_txn_commit(txn);
  else
    kith_txn_abort(txn);
  if (err != KITH_OK) {
    round->state = old_state;
    round->deadline = old_deadline;
    if (added)
      kith_matcher_round_reload(matcher, round);
  }
  if (err == KITH_OK && old_state != state)
    log_state(round);
  kith_buf_free(&bytes);
  return err;
}

enum kith_err kith_matcher_move(struct kith_matcher *matcher, struct kith_matcher_round *round,
                                enum kith_round_state state, int64_t deadline,
                                struct kith_statement *statement)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  return err == KITH_OK ? kith_matcher_move_in(matcher, txn, round, state, deadline, statement)
                        : err;
}

enum kith_err kith_matcher_abort_round(struct kith_matcher *matcher,
                                       struct kith_matcher_round *round, enum kith_reason reason,
                                       const char *culprit)
{
  struct kith_statement abort = {.type = KITH_STATEMENT_ABORT};

  abort.body.ending.reason = reason;
  if (culprit)
    memccpy(abort.body.ending.culprit, culprit, 0, sizeof abort.body.ending.culprit - 1);
  return kith_matcher_move(matcher, round, KITH_ROUND_ABORTED, 0, &abort);
}

/* ---- gathering
 * ----------------------------------------------------------------------------------------- */

static enum kith_err make_roster(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  struct kith_statement statement = {.type = KITH_STATEMENT_ROSTER};
  struct kith_roster *roster = &statement.body.roster;

  for (unsigned i = 0; i < view->n_seats; i++)
    if (view->seats[i].joined)
      roster->joins[roster->n++] = view->seats[i].join_hash;
  return kith_matcher_move(matcher, round, KITH_ROUND_KEYING,
                           kith_node_now(matcher->node) + view->open.keying_s, &statement);
}

static enum kith_err leave_gathering(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  kith_member_id culprit;
  enum kith_reason reason;
  unsigned joined = 0;
  unsigned open = 0;

  if (kith_round_check_joins(view, &reason, culprit) != KITH_OK)
    return kith_matcher_abort_round(matcher, round, reason, culprit);
  for (unsigned i = 0; i < view->n_seats; i++) {
    joined += view->seats[i].joined;
    open += view->seats[i].invited && !view->seats[i].joined && !view->seats[i].declined;
  }
  if (open && kith_node_now(matcher->node) < round->deadline) {
    if (round->state == KITH_ROUND_ANNOUNCED && joined)
      return kith_matcher_move(matcher, round, KITH_ROUND_GATHERING, round->deadline, NULL);
    return KITH_OK;
  }
  if (joined < view->open.quorum)
    return kith_matcher_abort_round(matcher, round, KITH_REASON_NO_QUORUM, NULL);
  return make_roster(matcher, round);
}

/* ---- keying
 * ---------------------------------------------------------------------------------------------- */

/* Whether a seat has done what the whole roster is waiting for. */
static bool seat_is_late(const struct kith_seat *seat, enum kith_round_step step)
{
  return (step == KITH_STEP_COMMIT && !seat->committed) ||
         (step == KITH_STEP_OPEN && !seat->opened) ||
         (step == KITH_STEP_CONFIRM && !seat->confirmed);
}

static enum kith_err retry_without_the_late(struct kith_matcher *matcher,
                                            struct kith_matcher_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  enum kith_round_step step = kith_round_step(view);
  struct kith_statement statement = {.type = KITH_STATEMENT_RETRY};
  struct kith_retry *retry = &statement.body.retry;
  unsigned left = 0;

  retry->attempt = view->attempt + 1;
  retry->reason = KITH_REASON_NO_QUORUM;
  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    if (seat->in_roster && !seat_is_late(seat, step))
      left++;
    else
      memcpy(retry->excluded[retry->n_excluded++], seat->member, sizeof seat->member);
  }
  if (left < view->open.quorum || retry->attempt > KITH_ATTEMPTS_MAX)
    return kith_matcher_abort_round(matcher, round, KITH_REASON_NO_QUORUM, NULL);
  return kith_matcher_move(matcher, round, KITH_ROUND_GATHERING,
                           kith_node_now(matcher->node) + view->open.keying_s, &statement);
}

static enum kith_err leave_keying(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  kith_member_id culprit;
  enum kith_reason reason;

  for (unsigned i = 0; i < view->n_complaints; i++)
    if (kith_round_judge(view, view->complaints[i].author, &view->complaints[i].complaint, &reason,
                         culprit) == KITH_OK)
      return kith_matcher_abort_round(matcher, round, reason, culprit);
  if (kith_round_step(view) >= KITH_STEP_INTEND)
    return kith_matcher_move(matcher, round, KITH_ROUND_SUBMITTING,
                             kith_node_now(matcher->node) + view->open.submit_s, NULL);
  if (kith_node_now(matcher->node) >= round->deadline)
    return retry_without_the_late(matcher, round);
  return KITH_OK;
}

/* ---- submitting
 * ------------------------------------------------------------------------------------------- */

/* A consent to fewer than the quorum is none. */
static bool consented(const struct kith_round_view *view)
{
  return view->consented && view->consent.n >= view->open.quorum;
}

bool kith_matcher_takes_part(const struct kith_matcher_round *round, const struct kith_seat *seat)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);

  if (!seat->manifested || !consented(view))
    return seat->manifested;
  for (unsigned i = 0; i < view->consent.n; i++)
    if (strcmp(view->consent.agencies[i], seat->member) == 0)
      return true;
  return false;
}

static enum kith_err leave_submitting(struct kith_matcher *matcher,
                                      struct kith_matcher_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  enum kith_round_step step = kith_round_step(view);
  unsigned manifested = 0;

  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    manifested += seat->manifested;
    if (seat->intended && seat->intent.n_records < round->policy.minimum_batch)
      return kith_matcher_abort_round(matcher, round, KITH_REASON_TOO_FEW_RECORDS, seat->member);
  }
  if (step == KITH_STEP_MATCH || consented(view))
    return kith_matcher_move(matcher, round, KITH_ROUND_MATCHING, 0, NULL);
  /* At the deadline, with a quorum, the round waits for governance's consent to the smaller set:
   * batches and manifests are still taken, and the round's own expiry ends the waiting. */
  if (kith_node_now(matcher->node) >= round->deadline && manifested < view->open.quorum)
    return kith_matcher_abort_round(matcher, round, KITH_REASON_NO_QUORUM, NULL);
  return KITH_OK;
}

/* ---- after the release
 * -------------------------------------------------------------------------------------- */

static enum kith_err attest(struct kith_matcher *matcher, struct kith_matcher_round *round,
                            enum kith_destroyed what)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_DESTROYED};
  struct kith_audit_head head;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err =
      kith_node_audit(matcher->node, txn, KITH_AUDIT_DESTROYED, round->node->id, NULL, NULL, what);
  if (err == KITH_OK)
    err = kith_audit_head(txn, KITH_TABLE_AUDIT, &head);
  if (err != KITH_OK) {
    kith_txn_abort(txn);
    return err;
  }
  statement.body.destroyed.what = what;
  statement.body.destroyed.audit_seq = head.seq;
  statement.body.destroyed.audit_head = head.head;
  round->destroyed = true;
  err = kith_matcher_move_in(matcher, txn, round, round->state, round->deadline, &statement);
  if (err != KITH_OK)
    round->destroyed = false;
  return err;
}

static enum kith_err lists_delete(struct kith_matcher *matcher, const kith_round_id id)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err =
      kith_store_delete_prefix(txn, KITH_TABLE_LISTS, (struct kith_bytes){id, KITH_ROUND_ID_BYTES});
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static enum kith_err destroy_all(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  enum kith_err err;

  if (round->destroyed)
    return KITH_OK;
  if (matcher->matching && kith_matching_is_of(matcher->matching, round))
    kith_matching_cancel(matcher);
  if ((err = kith_roundkey_destroy_all(matcher->node->keys, round->node->id, NULL)) != KITH_OK ||
      (err = kith_intake_destroy(matcher->node, round->node->id, NULL)) != KITH_OK ||
      (err = lists_delete(matcher, round->node->id)) != KITH_OK ||
      (err = kith_letters_delete(matcher, round->node->id)) != KITH_OK ||
      (err = kith_review_destroy(matcher, round->node->id)) != KITH_OK)
    return err;
  return attest(matcher, round, KITH_DESTROYED_ALL);
}

static enum kith_err leave_released(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  int64_t retention = (int64_t)round->policy.retention_days * 86400;
  enum kith_err err = KITH_OK;

  if (!round->destroyed) {
    err = kith_intake_destroy(matcher->node, round->node->id, NULL);
    if (err == KITH_OK)
      err = attest(matcher, round, KITH_DESTROYED_ENCODINGS);
  }
  if (err != KITH_OK)
    return err;
  if (view->closed || kith_node_now(matcher->node) >= view->released_at + retention) {
    round->destroyed = false;
    err = kith_matcher_move(matcher, round, KITH_ROUND_CLOSED, 0, NULL);
    if (err != KITH_OK)
      round->destroyed = true;
  }
  return err;
}

/* ---- all of it */

/* What ends a round whatever its state, before the release. */
static enum kith_err check_standing(struct kith_matcher *matcher, struct kith_matcher_round *round,
                                    bool *ended)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  int64_t now = kith_node_now(matcher->node);
  struct kith_signers signers;

  *ended = round->state >= KITH_ROUND_RELEASED;
  if (*ended)
    return KITH_OK;
  *ended = true;
  /* Said by governance or an agency: the log has it, the state follows. */
  if (view->aborted)
    return kith_matcher_move(matcher, round, KITH_ROUND_ABORTED, 0, NULL);
  if (now >= view->open.expires || now >= round->policy.expires)
    return kith_matcher_abort_round(matcher, round, KITH_REASON_POLICY_EXPIRED, NULL);
  /* Nobody could decide on the round any more: its governance keys were replaced. */
  kith_matcher_signers(&signers, matcher, &round->node->charter);
  if (signers.n_keys < signers.threshold)
    return kith_matcher_abort_round(matcher, round, KITH_REASON_MEMBER_REMOVED, view->governance);
  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];
    const struct kith_member *then = kith_charter_member(&round->node->charter, seat->member);
    const struct kith_member *today = kith_charter_member(&matcher->node->charter, seat->member);

    if (seat->joined &&
        (!today || !then || memcmp(&today->keys, &then->keys, sizeof then->keys) != 0))
      return kith_matcher_abort_round(matcher, round, KITH_REASON_MEMBER_REMOVED, seat->member);
  }
  *ended = false;
  return KITH_OK;
}

static enum kith_err leave_matching(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  struct kith_fault fault = {0};
  enum kith_err err;

  if (!matcher->matching) {
    err = kith_matching_start(matcher, round, &fault);
    if (err == KITH_OK)
      return KITH_OK;
    kith_log(KITH_LOG_ERROR, "matching.start", KITH_LOG_STR("error", kith_err_name(err)));
    /* What the agencies sent can't be read as rows: no later try would do better. */
    return err == KITH_ERR_DATA
               ? kith_matcher_abort_round(matcher, round, KITH_REASON_INTERNAL, NULL)
               : err;
  }
  if (!kith_matching_is_of(matcher->matching, round) || !kith_matching_done(matcher->matching))
    return KITH_OK;
  return kith_matching_finish(matcher, round);
}

/* The decision is in the log; what it decides is found again from the encodings: nothing of the
 * first matching is kept but the numbers that governance was shown. */
static enum kith_err leave_review(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  if (kith_node_round_view(round->node)->decided)
    return kith_matcher_move(matcher, round, KITH_ROUND_MATCHING, 0, NULL);
  if (kith_node_now(matcher->node) >= round->deadline)
    return kith_matcher_abort_round(matcher, round, KITH_REASON_NO_DECISION, NULL);
  return KITH_OK;
}

static enum kith_err step_once(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  bool ended = false;
  enum kith_err err = check_standing(matcher, round, &ended);

  if (err != KITH_OK)
    return err;
  switch (round->state) {
  case KITH_ROUND_ANNOUNCED:
  case KITH_ROUND_GATHERING:
    return leave_gathering(matcher, round);
  case KITH_ROUND_KEYING:
    return leave_keying(matcher, round);
  case KITH_ROUND_SUBMITTING:
    return leave_submitting(matcher, round);
  case KITH_ROUND_MATCHING:
    return leave_matching(matcher, round);
  case KITH_ROUND_REVIEW:
    return leave_review(matcher, round);
  case KITH_ROUND_RELEASED:
    return leave_released(matcher, round);
  case KITH_ROUND_CLOSED:
  case KITH_ROUND_ABORTED:
    return destroy_all(matcher, round);
  default:
    return KITH_OK;
  }
}

enum kith_err kith_matcher_advance(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  enum kith_round_state before;
  enum kith_err err;

  do {
    before = round->state;
    err = step_once(matcher, round);
  } while (err == KITH_OK && round->state != before);
  return err;
}
