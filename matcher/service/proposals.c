/* What governance has proposed and too few have signed yet. A proposal is a joint statement
 * (proto/endorsement.h) that waits here, where the other governance members find it; signed by
 * enough it is said, as if its author had brought it whole. The matcher only collects: it can't
 * sign, and every member counts the signatures again. */
#include "matcher/service/service.h"

#include <string.h>

#include "base/mem.h"
#include "matcher/service/tables.h"
#include "proto/endorsement.h"

void kith_matcher_signers(struct kith_signers *out, const struct kith_matcher *matcher,
                          const struct kith_charter *charter)
{
  const struct kith_signers *now = &matcher->node->charter.governance;

  *out = (struct kith_signers){.threshold = charter->governance.threshold};
  for (unsigned i = 0; i < charter->governance.n_keys; i++)
    if (kith_signers_have(now, charter->governance.keys[i]))
      memcpy(out->keys[out->n_keys++], charter->governance.keys[i], KITH_PUBLIC_BYTES);
}

struct proposal {
  const struct kith_member *author;
  enum kith_statement_type type;
  int64_t time;
  kith_round_id round;
  struct kith_hash hash;
  struct kith_signers signers;
};

static bool is_current(const struct kith_matcher *matcher, int64_t time)
{
  int64_t now = kith_node_now(matcher->node);

  return time <= now + KITH_CLOCK_SKEW_S && time > now - KITH_PROPOSAL_S;
}

/* Others' keys would only take the room of those that count. */
static bool signers_only(const struct kith_signers *signers, const void *bytes, size_t len)
{
  struct kith_statement_parts parts;

  if (kith_statement_split(&parts, bytes, len) != KITH_OK)
    return false;
  for (unsigned i = 0; i < parts.n_endorsements; i++)
    if (!kith_signers_have(signers, parts.endorsements[i].key))
      return false;
  return true;
}

/* Reads a proposal and checks what can be known of it before it is signed by enough. */
static enum kith_reply_error check(struct kith_matcher *matcher, struct proposal *out,
                                   const void *bytes, size_t len)
{
  const struct kith_matcher_round *round;
  const struct kith_charter *charter = &matcher->node->charter;
  enum kith_reply_error reply = KITH_REPLY_OK;
  struct kith_statement statement;

  if (kith_statement_read(&statement, bytes, len) != KITH_OK ||
      kith_proposal_hash(&out->hash, bytes, len) != KITH_OK)
    return KITH_REPLY_MALFORMED;
  out->author = kith_charter_member(&matcher->node->charter, statement.author);
  out->type = statement.type;
  out->time = statement.time;
  memcpy(out->round, statement.round, sizeof out->round);
  round = kith_matcher_round_find(matcher, out->round);
  if (round && out->type == KITH_STATEMENT_DECISION)
    reply = kith_review_check(matcher, round, &statement.body.decision);
  kith_statement_free(&statement);
  if (reply != KITH_REPLY_OK)
    return reply;
  if (!out->author || out->author->role != KITH_ROLE_GOVERNANCE ||
      !kith_statement_is_joint(out->type, out->author->role))
    return KITH_REPLY_DENIED;
  if (kith_statement_verify(bytes, len, out->author->keys.sign) != KITH_OK)
    return KITH_REPLY_BAD_SIGNATURE;
  if (!is_current(matcher, out->time))
    return KITH_REPLY_STALE;
  if (!round && out->type != KITH_STATEMENT_OPEN)
    return KITH_REPLY_NOT_FOUND;
  if (round)
    charter = &round->node->charter;
  kith_matcher_signers(&out->signers, matcher, charter);
  return signers_only(&out->signers, bytes, len) ? KITH_REPLY_OK : KITH_REPLY_DENIED;
}

/* ---- the table
 * ----------------------------------------------------------------------------------------- */

static struct kith_bytes key_of(const struct kith_hash *hash)
{
  return (struct kith_bytes){hash->bytes, sizeof hash->bytes};
}

struct sweep {
  const struct kith_matcher *matcher;
  const char *author;
  struct kith_hash old[KITH_PROPOSALS_MAX];
  unsigned n_old;
  unsigned n;
  unsigned n_author;
};

static enum kith_err sweep_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct sweep *sweep = context;
  struct kith_statement statement;
  bool current = false;

  if (key.len != KITH_HASH_BYTES)
    return KITH_ERR_INTERNAL;
  if (kith_statement_read(&statement, value.bytes, value.len) == KITH_OK) {
    current = is_current(sweep->matcher, statement.time);
    sweep->n_author += current && strcmp(statement.author, sweep->author) == 0;
    kith_statement_free(&statement);
  }
  if (!current && sweep->n_old < KITH_PROPOSALS_MAX)
    memcpy(sweep->old[sweep->n_old++].bytes, key.bytes, key.len);
  sweep->n += current;
  return KITH_OK;
}

/* Forgets those that are too old. KITH_ERR_LIMIT where as many as there may be are left, of all or
 * of the author. */
static enum kith_err make_room(struct kith_matcher *matcher, struct kith_txn *txn,
                               const char *author)
{
  struct sweep *sweep = KITH_NEW(struct sweep);
  enum kith_err err;

  if (!sweep)
    return KITH_ERR_MEMORY;
  sweep->matcher = matcher;
  sweep->author = author;
  err =
      kith_store_each(txn, KITH_TABLE_PROPOSALS, (struct kith_bytes){NULL, 0}, sweep_visit, sweep);
  for (unsigned i = 0; err == KITH_OK && i < sweep->n_old; i++)
    err = kith_store_delete(txn, KITH_TABLE_PROPOSALS, key_of(&sweep->old[i]));
  if (err == KITH_OK &&
      (sweep->n >= KITH_PROPOSALS_MAX || sweep->n_author >= KITH_PROPOSALS_OF_ONE_MAX))
    err = KITH_ERR_LIMIT;
  kith_free(sweep);
  return err;
}

static enum kith_err hold(struct kith_matcher *matcher, const struct kith_member *member,
                          const struct proposal *proposal, const struct kith_buf *bytes, bool fresh)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  if (fresh)
    err = make_room(matcher, txn, proposal->author->id);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_PROPOSALS, key_of(&proposal->hash),
                         (struct kith_bytes){bytes->bytes, bytes->len});
  if (err == KITH_OK)
    err = kith_node_audit(matcher->node, txn, KITH_AUDIT_PROPOSAL, proposal->round, member->id,
                          &proposal->hash, proposal->type);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static enum kith_err forget(struct kith_matcher *matcher, const struct kith_hash *hash)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err = kith_store_delete(txn, KITH_TABLE_PROPOSALS, key_of(hash));
  if (err == KITH_OK || err == KITH_ERR_NOT_FOUND)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* ---- requests
 * ------------------------------------------------------------------------------------------ */

/* The statement with all endorsements there are; *held is whether some were held, *grown whether
 * these are more. */
static enum kith_err gather(struct kith_matcher *matcher, struct kith_buf *out,
                            const struct proposal *proposal, const struct kith_span *given,
                            bool *held, bool *grown)
{
  KITH_AUTO_FREE uint8_t *before = NULL;
  struct kith_txn *txn = NULL;
  size_t before_len = 0;
  enum kith_err err = kith_txn_begin(&txn, matcher->node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_store_get(txn, KITH_TABLE_PROPOSALS, key_of(&proposal->hash), &before, &before_len);
  *held = err == KITH_OK;
  if (err == KITH_OK)
    err = kith_endorsement_merge(out, before, before_len, given->bytes, given->len);
  else if (err == KITH_ERR_NOT_FOUND) {
    kith_buf_append(out, given->bytes, given->len);
    err = kith_buf_err(out);
  }
  kith_txn_abort(txn);
  *grown = out->len != before_len;
  return err;
}

static enum kith_reply_error reply_of(enum kith_err err)
{
  switch (err) {
  case KITH_OK:
    return KITH_REPLY_OK;
  case KITH_ERR_NO:
    return KITH_REPLY_BAD_SIGNATURE;
  case KITH_ERR_DATA:
    return KITH_REPLY_MALFORMED;
  case KITH_ERR_LIMIT:
    return KITH_REPLY_LIMIT;
  default:
    return KITH_REPLY_INTERNAL;
  }
}

/* Signed by enough: it is the author's statement now. */
static enum kith_reply_error say(struct kith_matcher *matcher, const struct proposal *proposal,
                                 const struct kith_buf *bytes)
{
  uint32_t index;
  enum kith_reply_error reply = kith_matcher_take_statement(
      matcher, proposal->author, proposal->round, bytes->bytes, bytes->len, &index);

  if (reply == KITH_REPLY_OK && forget(matcher, &proposal->hash) != KITH_OK)
    return KITH_REPLY_INTERNAL;
  return reply;
}

enum kith_reply_error kith_proposal_put(struct kith_matcher *matcher,
                                        const struct kith_member *member,
                                        const struct kith_span *given, struct kith_reply *reply)
{
  struct proposal proposal = {0};
  struct kith_buf bytes;
  unsigned n = 0;
  bool held = false;
  bool grown = false;
  enum kith_reply_error error;
  enum kith_err err;

  if (member->role != KITH_ROLE_GOVERNANCE)
    return KITH_REPLY_DENIED;
  error = check(matcher, &proposal, given->bytes, given->len);
  if (error != KITH_REPLY_OK)
    return error;
  kith_buf_init(&bytes, KITH_PROPOSAL_BYTES_MAX);
  err = gather(matcher, &bytes, &proposal, given, &held, &grown);
  if (err == KITH_OK)
    err = kith_endorsement_count(&n, bytes.bytes, bytes.len, proposal.author->keys.sign,
                                 &proposal.signers);
  reply->body.proposal_put.n_signed = n;
  reply->body.proposal_put.n_needed = proposal.signers.threshold;
  reply->body.proposal_put.said = n >= proposal.signers.threshold;
  error = reply_of(err);
  if (err == KITH_OK && reply->body.proposal_put.said)
    error = say(matcher, &proposal, &bytes);
  else if (err == KITH_OK && grown)
    error = reply_of(hold(matcher, member, &proposal, &bytes, !held));
  kith_buf_free(&bytes);
  return error;
}

struct listing {
  const struct kith_matcher *matcher;
  uint8_t **held;
  struct kith_span *spans;
  uint32_t n;
};

static enum kith_err list_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct listing *listing = context;
  struct kith_statement statement;
  bool current;

  (void)key;
  if (listing->n == KITH_PROPOSALS_MAX ||
      kith_statement_read(&statement, value.bytes, value.len) != KITH_OK)
    return KITH_OK;
  current = is_current(listing->matcher, statement.time);
  kith_statement_free(&statement);
  if (!current)
    return KITH_OK;
  listing->held[listing->n] = kith_memdup(value.bytes, value.len);
  if (!listing->held[listing->n])
    return KITH_ERR_MEMORY;
  listing->spans[listing->n] = (struct kith_span){listing->held[listing->n], value.len};
  listing->n++;
  return KITH_OK;
}

enum kith_err kith_proposals_load(struct kith_matcher *matcher, uint8_t **held,
                                  struct kith_span *spans, uint32_t *n)
{
  struct listing listing = {.matcher = matcher, .held = held, .spans = spans};
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, matcher->node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_store_each(txn, KITH_TABLE_PROPOSALS, (struct kith_bytes){NULL, 0}, list_visit,
                        &listing);
  kith_txn_abort(txn);
  *n = listing.n;
  return err;
}
