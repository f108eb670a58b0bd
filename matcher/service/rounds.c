#include "matcher/service/service.h"

#include <string.h>

#include "base/mem.h"
#include "matcher/service/intake.h"
#include "proto/batch.h"
#include "proto/endorsement.h"
#include "proto/gateway.h"

/* ---- the round's record: state, deadline, destroyed
 * ----------------------------------------------- */

enum kith_err kith_matcher_round_store(struct kith_matcher *matcher, struct kith_txn *txn,
                                       const struct kith_matcher_round *round)
{
  struct kith_buf buf;
  enum kith_err err;

  (void)matcher;
  kith_buf_init(&buf, 256);
  kith_write_array(&buf, 3);
  kith_write_u64(&buf, round->state);
  kith_write_u64(&buf, (uint64_t)round->deadline);
  kith_write_u64(&buf, round->destroyed);
  err = kith_buf_err(&buf);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_ROUNDS,
                         (struct kith_bytes){round->node->id, KITH_ROUND_ID_BYTES},
                         (struct kith_bytes){buf.bytes, buf.len});
  kith_buf_free(&buf);
  return err;
}

static enum kith_err record_read(struct kith_matcher_round *round, const void *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 3);
  round->state =
      (enum kith_round_state)kith_read_u64(&reader, KITH_ROUND_ANNOUNCED, KITH_ROUND_STATES - 1);
  round->deadline = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  round->destroyed = kith_read_u64(&reader, 0, 1) == 1;
  return kith_reader_done(&reader);
}

/* ---- all rounds
 * -------------------------------------------------------------------------------------- */

static void round_free(struct kith_matcher_round *round)
{
  if (!round)
    return;
  kith_node_round_free(round->node);
  kith_free(round);
}

void kith_matcher_rounds_free(struct kith_matcher *matcher)
{
  for (unsigned i = 0; i < matcher->n_rounds; i++)
    round_free(matcher->rounds[i]);
  kith_free(matcher->rounds);
  matcher->rounds = NULL;
  matcher->n_rounds = 0;
}

static enum kith_err rounds_add(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  struct kith_matcher_round **rounds;

  if (matcher->n_rounds == KITH_ROUNDS_MAX)
    return KITH_ERR_LIMIT;
  rounds = kith_realloc(matcher->rounds, matcher->n_rounds + 1, sizeof *rounds);
  if (!rounds)
    return KITH_ERR_MEMORY;
  matcher->rounds = rounds;
  rounds[matcher->n_rounds++] = round;
  return KITH_OK;
}

static enum kith_err policy_of(struct kith_matcher *matcher, struct kith_policy *out,
                               const struct kith_hash *hash)
{
  struct kith_signed document = {0};
  enum kith_err err = kith_node_document(matcher->node, &document, KITH_DOCUMENT_POLICY, hash);

  if (err == KITH_OK)
    err = kith_policy_parse(out, document.bytes, document.len, "policy of the round", NULL);
  kith_signed_free(&document);
  return err;
}

static enum kith_err round_load(struct kith_matcher *matcher, const kith_round_id id,
                                const void *record, size_t len, struct kith_fault *fault)
{
  struct kith_matcher_round *round = KITH_NEW(struct kith_matcher_round);
  enum kith_err err;

  if (!round)
    return KITH_ERR_MEMORY;
  if ((err = record_read(round, record, len)) != KITH_OK ||
      (err = kith_node_round_load(matcher->node, &round->node, id, fault)) != KITH_OK ||
      (err = policy_of(matcher, &round->policy, &kith_node_round_view(round->node)->open.policy)) !=
          KITH_OK ||
      (err = rounds_add(matcher, round)) != KITH_OK)
    round_free(round);
  return err;
}

struct records {
  struct kith_buf ids;
  struct kith_buf values; /* each 64 bytes: length, then the record */
};

enum { RECORD_SLOT = 64 };

static enum kith_err record_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct records *records = context;
  uint8_t slot[RECORD_SLOT] = {0};

  if (key.len != KITH_ROUND_ID_BYTES || value.len >= RECORD_SLOT)
    return KITH_ERR_INTERNAL;
  slot[0] = (uint8_t)value.len;
  memcpy(slot + 1, value.bytes, value.len);
  kith_buf_append(&records->ids, key.bytes, key.len);
  kith_buf_append(&records->values, slot, sizeof slot);
  return kith_buf_err(&records->values);
}

static int opened_before(const void *a, const void *b)
{
  const struct kith_round_view *left =
      kith_node_round_view((*(struct kith_matcher_round *const *)a)->node);
  const struct kith_round_view *right =
      kith_node_round_view((*(struct kith_matcher_round *const *)b)->node);

  if (left->opened_at != right->opened_at)
    return left->opened_at < right->opened_at ? -1 : 1;
  return memcmp(left->round, right->round, sizeof left->round);
}

enum kith_err kith_matcher_rounds_load(struct kith_matcher *matcher, struct kith_fault *fault)
{
  struct records records;
  struct kith_txn *txn = NULL;
  enum kith_err err;

  kith_buf_init(&records.ids, 0);
  kith_buf_init(&records.values, 0);
  err = kith_txn_begin(&txn, matcher->node->store, false);
  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_ROUNDS, (struct kith_bytes){NULL, 0}, record_visit,
                          &records);
  kith_txn_abort(txn);
  if (err == KITH_OK)
    err = kith_buf_err(&records.ids);
  for (size_t i = 0; err == KITH_OK && i < records.ids.len / KITH_ROUND_ID_BYTES; i++)
    err = round_load(matcher, records.ids.bytes + i * KITH_ROUND_ID_BYTES,
                     records.values.bytes + i * RECORD_SLOT + 1,
                     records.values.bytes[i * RECORD_SLOT], fault);
  kith_buf_free(&records.ids);
  kith_buf_free(&records.values);
  if (err == KITH_OK && matcher->n_rounds)
    qsort(matcher->rounds, matcher->n_rounds, sizeof *matcher->rounds, opened_before);
  return err;
}

struct kith_matcher_round *kith_matcher_round_find(struct kith_matcher *matcher,
                                                   const kith_round_id id)
{
  for (unsigned i = 0; i < matcher->n_rounds; i++)
    if (memcmp(matcher->rounds[i]->node->id, id, KITH_ROUND_ID_BYTES) == 0)
      return matcher->rounds[i];
  return NULL;
}

/* ---- opening
 * -------------------------------------------------------------------------------------------- */

/* Whether as many rounds as the policy allows in its period are there already. */
static bool too_many(struct kith_matcher *matcher, const struct kith_policy *policy)
{
  int64_t now = kith_node_now(matcher->node);
  unsigned n = 0;

  for (unsigned i = 0; policy->rounds_max && i < matcher->n_rounds; i++) {
    const struct kith_round_view *view = kith_node_round_view(matcher->rounds[i]->node);

    n += kith_round_in_period(policy, view->opened_at, now) && kith_round_counts(view, NULL);
  }
  return policy->rounds_max && n >= policy->rounds_max;
}

/* What the signed documents allow, and now. */
static enum kith_reply_error check_open(struct kith_matcher *matcher,
                                        const struct kith_matcher_round *round)
{
  const struct kith_open *open = &kith_node_round_view(round->node)->open;
  const struct kith_policy *policy = &round->policy;
  kith_member_id culprit;

  if (!kith_hash_equal(&open->charter, &matcher->node->charter_hash))
    return KITH_REPLY_BAD_REFERENCE;
  if (open->expires <= kith_node_now(matcher->node) || policy->expires < open->expires)
    return KITH_REPLY_STALE;
  if (kith_round_check_open(open, &round->node->charter, policy) != KITH_OK ||
      kith_gateways_check(policy, &round->node->charter, culprit, NULL) != KITH_OK)
    return KITH_REPLY_DENIED;
  if (too_many(matcher, policy))
    return KITH_REPLY_LIMIT;
  return KITH_REPLY_OK;
}

static enum kith_reply_error reply_of(enum kith_err err)
{
  switch (err) {
  case KITH_OK:
  case KITH_ERR_EXISTS:
    return KITH_REPLY_OK;
  case KITH_ERR_DATA:
    return KITH_REPLY_MALFORMED;
  case KITH_ERR_DENIED:
    return KITH_REPLY_DENIED;
  case KITH_ERR_NO:
    return KITH_REPLY_BAD_SIGNATURE;
  case KITH_ERR_FULL:
    return KITH_REPLY_CONFLICT;
  case KITH_ERR_NOT_FOUND:
    return KITH_REPLY_BAD_REFERENCE;
  case KITH_ERR_LIMIT:
    return KITH_REPLY_LIMIT;
  default:
    return KITH_REPLY_INTERNAL;
  }
}

static enum kith_err store_opened(struct kith_matcher *matcher, struct kith_matcher_round *round,
                                  const void *bytes, size_t len)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err = kith_node_log_store(matcher->node, txn, round->node->id, 0, bytes, len);
  if (err == KITH_OK)
    err = kith_matcher_round_store(matcher, txn, round);
  if (err == KITH_OK)
    err = kith_node_audit(matcher->node, txn, KITH_AUDIT_ROUND_STATE, round->node->id, NULL, NULL,
                          round->state);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static enum kith_reply_error take_open(struct kith_matcher *matcher, const void *bytes, size_t len)
{
  struct kith_matcher_round *round = KITH_NEW(struct kith_matcher_round);
  const struct kith_round_view *view;
  enum kith_reply_error reply;
  enum kith_err err;

  if (!round)
    return KITH_REPLY_INTERNAL;
  err = kith_node_round_new(matcher->node, &round->node, bytes, len, kith_node_now(matcher->node),
                            NULL);
  if (err != KITH_OK) {
    round_free(round);
    return reply_of(err);
  }
  view = kith_node_round_view(round->node);
  if (policy_of(matcher, &round->policy, &view->open.policy) != KITH_OK) {
    round_free(round);
    return KITH_REPLY_BAD_REFERENCE;
  }
  reply = check_open(matcher, round);
  if (reply != KITH_REPLY_OK) {
    round_free(round);
    return reply;
  }
  round->state = KITH_ROUND_ANNOUNCED;
  round->deadline = kith_node_now(matcher->node) + view->open.gather_s;
  /* Before it is stored: a store with more rounds than there is room for would not load again. */
  err = matcher->n_rounds < KITH_ROUNDS_MAX ? store_opened(matcher, round, bytes, len)
                                            : KITH_ERR_LIMIT;
  if (err == KITH_OK)
    err = rounds_add(matcher, round);
  if (err != KITH_OK)
    round_free(round);
  return reply_of(err);
}

/* ---- later statements
 * --------------------------------------------------------------------------------- */

#define STATE(state) (1u << KITH_ROUND_##state)

static const unsigned allowed_states[KITH_STATEMENT_TYPES] = {
    [KITH_STATEMENT_JOIN] = STATE(ANNOUNCED) | STATE(GATHERING),
    [KITH_STATEMENT_DECLINE] = STATE(ANNOUNCED) | STATE(GATHERING),
    [KITH_STATEMENT_COMMITMENT] = STATE(KEYING),
    [KITH_STATEMENT_OPENING] = STATE(KEYING),
    [KITH_STATEMENT_CONFIRMATION] = STATE(KEYING),
    [KITH_STATEMENT_COMPLAINT] = STATE(KEYING),
    [KITH_STATEMENT_INTENT] = STATE(SUBMITTING),
    [KITH_STATEMENT_MANIFEST] = STATE(SUBMITTING),
    [KITH_STATEMENT_CONSENT] = STATE(SUBMITTING),
    [KITH_STATEMENT_DECISION] = STATE(REVIEW),
    [KITH_STATEMENT_WITHDRAW] =
        STATE(SUBMITTING) | STATE(MATCHING) | STATE(REVIEW) | STATE(RELEASED),
    [KITH_STATEMENT_DESTROYED] = STATE(GATHERING) | STATE(KEYING) | STATE(SUBMITTING) |
                                 STATE(MATCHING) | STATE(REVIEW) | STATE(RELEASED) | STATE(CLOSED) |
                                 STATE(ABORTED),
    [KITH_STATEMENT_CLOSE] = STATE(RELEASED),
    [KITH_STATEMENT_ABORT] = STATE(ANNOUNCED) | STATE(GATHERING) | STATE(KEYING) |
                             STATE(SUBMITTING) | STATE(MATCHING) | STATE(REVIEW),
};

/* Where the same bytes stand already. */
static bool find_statement(struct kith_matcher *matcher, const struct kith_matcher_round *round,
                           const void *bytes, size_t len, uint32_t *index)
{
  uint32_t n = kith_node_round_view(round->node)->n_statements;

  for (uint32_t i = 0; i < n; i++) {
    KITH_AUTO_FREE uint8_t *held = NULL;
    size_t held_len = 0;

    if (kith_node_statement(matcher->node, round->node->id, i, &held, &held_len) == KITH_OK &&
        held_len == len && memcmp(held, bytes, len) == 0) {
      *index = i;
      return true;
    }
  }
  return false;
}

void kith_matcher_round_reload(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  struct kith_node_round *fresh = NULL;

  if (kith_node_round_load(matcher->node, &fresh, round->node->id, NULL) != KITH_OK)
    return;
  kith_node_round_free(round->node);
  round->node = fresh;
}

/* The receipt: the checkpoint that answers the statement is over this entry, too. */
static enum kith_err audit_withdrawal(struct kith_matcher *matcher, struct kith_txn *txn,
                                      const struct kith_matcher_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_withdrawal *last = &view->withdrawals[view->n_withdrawals - 1];

  return kith_node_audit(matcher->node, txn, KITH_AUDIT_RECORD_WITHDRAWN, round->node->id,
                         last->agency, &last->said.index, last->said.reason);
}

static enum kith_err store_statement(struct kith_matcher *matcher, struct kith_matcher_round *round,
                                     enum kith_statement_type type, const void *bytes, size_t len,
                                     uint32_t index)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err = kith_node_log_store(matcher->node, txn, round->node->id, index, bytes, len);
  if (err == KITH_OK && type == KITH_STATEMENT_WITHDRAW)
    err = audit_withdrawal(matcher, txn, round);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* An intent has the policy's rows and as many batches as its records take: memory is set aside by
 * these numbers later on. */
static bool intent_fits(const struct kith_matcher_round *round, const struct kith_intent *intent)
{
  struct kith_batch_plan plan;

  kith_batch_plan_make(&plan, &round->policy, intent->n_records,
                       kith_round_roster_size(kith_node_round_view(round->node)));
  return intent->row_bytes == plan.row_bytes && intent->n_batches == plan.n_batches &&
         plan.n_batches <= KITH_BATCHES_MAX;
}

/* Statements that governance says jointly are counted again under the keys that are still in
 * force: the log counts those of the round's own charter. */
static enum kith_reply_error check_joint(const struct kith_matcher *matcher,
                                         const struct kith_matcher_round *round,
                                         const struct kith_statement *statement, const void *bytes,
                                         size_t len)
{
  const struct kith_member *author = kith_charter_member(&round->node->charter, statement->author);
  struct kith_signers signers;

  /* Who is not governance has no say in it, whoever signs: the log refuses that. */
  if (!author || author->role != KITH_ROLE_GOVERNANCE ||
      !kith_statement_is_joint(statement->type, author->role))
    return KITH_REPLY_OK;
  kith_matcher_signers(&signers, matcher, &round->node->charter);
  return reply_of(kith_endorsement_check(bytes, len, author->keys.sign, &signers, NULL));
}

/* Before the release the record must be one of the author's. After it the rows are destroyed, and
 * recipients hold the index against their list. */
static enum kith_reply_error check_withdraw(struct kith_matcher *matcher,
                                            const struct kith_matcher_round *round,
                                            const struct kith_statement *statement)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *seat = kith_round_seat(view, statement->author);
  enum kith_err err;

  if (round->state == KITH_ROUND_RELEASED)
    return KITH_REPLY_OK;
  if (!seat || !seat->manifested)
    return KITH_REPLY_DENIED;
  err = kith_intake_has(matcher->node, view, seat, &round->policy, &statement->body.withdraw.index);
  return err == KITH_ERR_NO ? KITH_REPLY_DENIED : reply_of(err);
}

/* What a submission says is held against the policy and against the batches that are there. */
static enum kith_reply_error check_submission(struct kith_matcher *matcher,
                                              const struct kith_matcher_round *round,
                                              const void *bytes, size_t len)
{
  struct kith_statement statement;
  enum kith_reply_error reply = KITH_REPLY_OK;

  if (kith_statement_read(&statement, bytes, len) != KITH_OK)
    return KITH_REPLY_MALFORMED;
  reply = check_joint(matcher, round, &statement, bytes, len);
  if (reply != KITH_REPLY_OK)
    ;
  else if (statement.type == KITH_STATEMENT_INTENT && !intent_fits(round, &statement.body.intent))
    reply = KITH_REPLY_MALFORMED;
  else if (statement.type == KITH_STATEMENT_MANIFEST &&
           kith_intake_complete(matcher->node, round->node->id, statement.author,
                                &statement.body.manifest) != KITH_OK)
    reply = KITH_REPLY_WRONG_STATE;
  else if (statement.type == KITH_STATEMENT_WITHDRAW)
    reply = check_withdraw(matcher, round, &statement);
  else if (statement.type == KITH_STATEMENT_DECISION)
    reply = kith_review_check(matcher, round, &statement.body.decision);
  kith_statement_free(&statement);
  return reply;
}

static enum kith_reply_error take_into(struct kith_matcher *matcher,
                                       struct kith_matcher_round *round,
                                       enum kith_statement_type type, const void *bytes, size_t len,
                                       uint32_t *index)
{
  enum kith_reply_error reply;
  struct kith_fault fault;
  enum kith_err err;

  if (find_statement(matcher, round, bytes, len, index))
    return KITH_REPLY_OK;
  if (!(allowed_states[type] & 1u << round->state))
    return KITH_REPLY_WRONG_STATE;
  reply = check_submission(matcher, round, bytes, len);
  if (reply != KITH_REPLY_OK)
    return reply;
  err = kith_round_log_add(round->node->log, &round->node->charter, bytes, len,
                           kith_node_now(matcher->node), NULL, &fault);
  if (err != KITH_OK)
    return reply_of(err);
  *index = kith_node_round_view(round->node)->n_statements - 1;
  err = store_statement(matcher, round, type, bytes, len, *index);
  if (err != KITH_OK) {
    kith_matcher_round_reload(matcher, round);
    return KITH_REPLY_INTERNAL;
  }
  /* What runs has the row in its memory; it begins again without it. */
  if (type == KITH_STATEMENT_WITHDRAW && matcher->matching &&
      kith_matching_is_of(matcher->matching, round))
    kith_matching_cancel(matcher);
  return kith_matcher_advance(matcher, round) == KITH_OK ? KITH_REPLY_OK : KITH_REPLY_INTERNAL;
}

enum { NOTES_AN_HOUR = 30, HOUR_S = 3600 };

bool kith_matcher_may_note(struct kith_matcher *matcher, const char *member)
{
  int64_t hour = kith_node_now(matcher->node) / HOUR_S;
  unsigned place = KITH_MEMBERS_MAX;

  for (unsigned i = KITH_MEMBERS_MAX; i-- > 0;) {
    if (strcmp(matcher->notes[i].member, member) == 0) {
      place = i;
      break;
    }
    if (matcher->notes[i].hour != hour)
      place = i;
  }
  /* No place: as many members as a charter has have been noted, and then some were replaced. */
  if (place == KITH_MEMBERS_MAX)
    return false;
  if (strcmp(matcher->notes[place].member, member) != 0 || matcher->notes[place].hour != hour) {
    memset(&matcher->notes[place], 0, sizeof matcher->notes[place]);
    memcpy(matcher->notes[place].member, member, strlen(member));
    matcher->notes[place].hour = hour;
  }
  if (matcher->notes[place].n == NOTES_AN_HOUR)
    return false;
  matcher->notes[place].n++;
  return true;
}

static void note_refusal(struct kith_matcher *matcher, enum kith_audit_event event,
                         const kith_round_id id, const char *member, enum kith_reply_error reply)
{
  struct kith_txn *txn = NULL;

  if (!kith_matcher_may_note(matcher, member) || kith_node_begin(&txn, matcher->node) != KITH_OK)
    return;
  if (kith_node_audit(matcher->node, txn, event, id, member, NULL, reply) != KITH_OK) {
    kith_txn_abort(txn);
    return;
  }
  /* The refusal stands whether or not its note could be kept. */
  if (kith_txn_commit(txn) != KITH_OK)
    return;
}

enum kith_reply_error kith_matcher_take_statement(struct kith_matcher *matcher,
                                                  const struct kith_member *member,
                                                  const kith_round_id id, const void *bytes,
                                                  size_t len, uint32_t *index)
{
  struct kith_matcher_round *round = kith_matcher_round_find(matcher, id);
  struct kith_statement statement;
  enum kith_reply_error reply;
  enum kith_statement_type type;

  *index = 0;
  if (kith_statement_read(&statement, bytes, len) != KITH_OK ||
      memcmp(statement.round, id, KITH_ROUND_ID_BYTES) != 0)
    return KITH_REPLY_MALFORMED;
  type = statement.type;
  /* Nobody brings another's statement, be it ever so well signed. */
  reply = strcmp(statement.author, member->id) == 0 ? KITH_REPLY_OK : KITH_REPLY_DENIED;
  kith_statement_free(&statement);
  if (reply != KITH_REPLY_OK)
    ;
  else if (round)
    reply = take_into(matcher, round, type, bytes, len, index);
  else if (type == KITH_STATEMENT_OPEN)
    reply = take_open(matcher, bytes, len);
  else
    reply = KITH_REPLY_NOT_FOUND;
  if (reply == KITH_REPLY_CONFLICT)
    note_refusal(matcher, KITH_AUDIT_CONFLICT, id, member->id, reply);
  else if (reply != KITH_REPLY_OK)
    note_refusal(matcher, KITH_AUDIT_STATEMENT_REFUSED, id, member->id, reply);
  return reply;
}
