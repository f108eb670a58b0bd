#include "matcher/service/service.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/seal.h"
#include "matcher/service/intake.h"
#include "proto/batch.h"
#include "proto/release.h"
#include "proto/submission.h"

static const char software[] = "kith-matcher " KITH_VERSION;

/* What a reply borrows until it is written. */
struct scratch {
  uint8_t bitmap[KITH_BATCHES_MAX / 8];
  uint8_t *list;  /* owned */
  uint8_t **held; /* owned, n_held of them */
  uint32_t n_held;
  struct kith_span *spans; /* owned */
  struct kith_letters letters;
};

static void scratch_free(struct scratch *scratch)
{
  for (uint32_t i = 0; i < scratch->n_held; i++)
    kith_free(scratch->held[i]);
  kith_free(scratch->held);
  kith_free(scratch->spans);
  kith_free(scratch->list);
  kith_letters_free(&scratch->letters);
}

/* ---- documents
 * ----------------------------------------------------------------------------------- */

enum kith_err kith_matcher_allow_members(struct kith_matcher *matcher)
{
  uint8_t keys[KITH_MEMBERS_MAX][KITH_PUBLIC_BYTES];
  unsigned n = 0;

  for (unsigned i = 0; i < matcher->node->charter.n_members; i++)
    if (matcher->node->charter.members[i].role != KITH_ROLE_MATCHER)
      memcpy(keys[n++], matcher->node->charter.members[i].keys.curve, KITH_PUBLIC_BYTES);
  return kith_server_allow(matcher->server, (const uint8_t(*)[KITH_PUBLIC_BYTES])keys, n);
}

static enum kith_reply_error document_put(struct kith_matcher *matcher,
                                          const struct kith_member *member,
                                          const struct kith_request *request,
                                          struct kith_reply *reply)
{
  enum kith_err err;

  if (member->role != KITH_ROLE_GOVERNANCE)
    return KITH_REPLY_DENIED;
  err = kith_node_take_document(matcher->node, &request->body.document_put, NULL);
  kith_signed_hash(&reply->body.document_put, &request->body.document_put);
  if (err == KITH_OK && request->body.document_put.kind == KITH_DOCUMENT_CHARTER)
    err = kith_matcher_allow_members(matcher);
  switch (err) {
  case KITH_OK:
  case KITH_ERR_EXISTS:
    return KITH_REPLY_OK;
  case KITH_ERR_NO:
    return KITH_REPLY_BAD_SIGNATURE;
  case KITH_ERR_DENIED:
    return KITH_REPLY_STALE;
  case KITH_ERR_DATA:
  case KITH_ERR_CONFIG:
    return KITH_REPLY_MALFORMED;
  default:
    return KITH_REPLY_INTERNAL;
  }
}

static enum kith_reply_error document_get(struct kith_matcher *matcher,
                                          const struct kith_request *request,
                                          struct kith_reply *reply)
{
  enum kith_err err = kith_node_document(
      matcher->node, &reply->body.document_get.document, request->body.document_get.kind,
      request->body.document_get.newest ? NULL : &request->body.document_get.hash);

  if (err == KITH_ERR_NOT_FOUND)
    return KITH_REPLY_NOT_FOUND;
  if (err != KITH_OK)
    return KITH_REPLY_INTERNAL;
  kith_signed_hash(&reply->body.document_get.hash, &reply->body.document_get.document);
  return KITH_REPLY_OK;
}

/* ---- rounds and their statements
 * -------------------------------------------------------------------- */

static bool concerns(const struct kith_matcher_round *round, const struct kith_member *member)
{
  const struct kith_open *open = &kith_node_round_view(round->node)->open;

  if (member->role == KITH_ROLE_GOVERNANCE ||
      kith_round_seat(kith_node_round_view(round->node), member->id))
    return true;
  for (unsigned i = 0; i < open->n_recipients; i++)
    if (strcmp(open->recipients[i], member->id) == 0)
      return true;
  return false;
}

static enum kith_reply_error round_list(struct kith_matcher *matcher,
                                        const struct kith_member *member, struct kith_reply *reply)
{
  uint32_t n = 0;

  reply->body.round_list.rounds = KITH_NEW_ARRAY(struct kith_round_entry, matcher->n_rounds);
  if (!reply->body.round_list.rounds)
    return KITH_REPLY_INTERNAL;
  for (unsigned i = 0; i < matcher->n_rounds; i++) {
    const struct kith_matcher_round *round = matcher->rounds[i];
    struct kith_round_entry *entry = &reply->body.round_list.rounds[n];

    if (!concerns(round, member))
      continue;
    memcpy(entry->round, round->node->id, sizeof entry->round);
    entry->state = round->state;
    entry->attempt = kith_node_round_view(round->node)->attempt;
    entry->opened = kith_node_round_view(round->node)->opened_at;
    entry->deadline = round->deadline;
    n++;
  }
  reply->body.round_list.n = n;
  return KITH_REPLY_OK;
}

/* Records what a member says of its audit log, and answers with ours. */
static enum kith_reply_error exchange_checkpoints(struct kith_matcher *matcher,
                                                  const struct kith_member *member,
                                                  const struct kith_checkpoint *theirs,
                                                  struct kith_checkpoint *ours)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = KITH_OK;

  if (theirs->seq) {
    err = kith_node_begin(&txn, matcher->node);
    if (err == KITH_OK)
      err = kith_audit_record_peer(txn, KITH_TABLE_AUDIT, kith_node_now(matcher->node), member->id,
                                   theirs, member->keys.sign);
    if (err == KITH_OK || err == KITH_ERR_FULL) {
      enum kith_err committed = kith_txn_commit(txn);

      err = err == KITH_OK ? committed : err;
    } else {
      kith_txn_abort(txn);
    }
  }
  if (err == KITH_ERR_NO)
    return KITH_REPLY_BAD_SIGNATURE;
  if (err == KITH_ERR_FULL)
    return KITH_REPLY_CONFLICT;
  if (err == KITH_OK)
    err = kith_node_checkpoint(matcher->node, ours);
  return err == KITH_OK ? KITH_REPLY_OK : KITH_REPLY_INTERNAL;
}

static enum kith_reply_error statement_put(struct kith_matcher *matcher,
                                           const struct kith_member *member,
                                           const struct kith_request *request,
                                           struct kith_reply *reply)
{
  const struct kith_checkpoint none = {0};
  const struct kith_checkpoint *theirs = &request->body.statement_put.checkpoint;
  const struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.statement_put.round);
  uint32_t before = round ? kith_node_round_view(round->node)->n_statements : 0;
  enum kith_reply_error error = kith_matcher_take_statement(
      matcher, member, request->body.statement_put.round,
      request->body.statement_put.statement.bytes, request->body.statement_put.statement.len,
      &reply->body.statement_put.index);

  if (error != KITH_REPLY_OK)
    return error;
  /* Each checkpoint is an entry: a repeated statement may bring a few, not ever new ones. */
  if (reply->body.statement_put.index < before && !kith_matcher_may_note(matcher, member->id))
    theirs = &none;
  return exchange_checkpoints(matcher, member, theirs, &reply->body.statement_put.checkpoint);
}

/* Room for all but the statements in a message of statements. */
enum { STATEMENTS_OVERHEAD = 1024 };

static enum kith_err statements_from(struct kith_matcher *matcher,
                                     const struct kith_matcher_round *round, uint32_t from,
                                     uint32_t total, struct scratch *scratch)
{
  size_t room = KITH_MESSAGE_BYTES_MAX - STATEMENTS_OVERHEAD;
  uint32_t n = total - from;
  enum kith_err err = KITH_OK;

  scratch->held = KITH_NEW_ARRAY(uint8_t *, n);
  scratch->spans = KITH_NEW_ARRAY(struct kith_span, n);
  if (!scratch->held || !scratch->spans)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; err == KITH_OK && i < n; i++) {
    size_t len = 0;

    err = kith_node_statement(matcher->node, round->node->id, from + i, &scratch->held[i], &len);
    if (err != KITH_OK)
      break;
    scratch->n_held = i + 1;
    if (len + 8 > room) {
      scratch->n_held = i;
      kith_free(scratch->held[i]);
      break;
    }
    room -= len + 8;
    scratch->spans[i] = (struct kith_span){scratch->held[i], len};
  }
  return err;
}

static uint32_t progress_of(const struct kith_matcher *matcher,
                            const struct kith_matcher_round *round)
{
  if (round->state == KITH_ROUND_MATCHING && matcher->matching &&
      kith_matching_is_of(matcher->matching, round))
    return kith_matching_progress(matcher->matching);
  return round->state >= KITH_ROUND_RELEASED ? 1000 : 0;
}

static enum kith_reply_error statement_get(struct kith_matcher *matcher,
                                           const struct kith_member *member,
                                           const struct kith_request *request,
                                           struct kith_reply *reply, struct scratch *scratch)
{
  const struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.statement_get.round);
  uint32_t from = request->body.statement_get.from;
  uint32_t total;

  if (!round || !concerns(round, member))
    return KITH_REPLY_NOT_FOUND;
  total = kith_node_round_view(round->node)->n_statements;
  if (from > total)
    return KITH_REPLY_BAD_REFERENCE;
  if (statements_from(matcher, round, from, total, scratch) != KITH_OK)
    return KITH_REPLY_INTERNAL;
  reply->body.statement_get.state = round->state;
  reply->body.statement_get.attempt = kith_node_round_view(round->node)->attempt;
  reply->body.statement_get.deadline = round->deadline;
  reply->body.statement_get.progress = progress_of(matcher, round);
  reply->body.statement_get.total = total;
  reply->body.statement_get.n = scratch->n_held;
  reply->body.statement_get.statements = scratch->spans;
  return KITH_REPLY_OK;
}

/* ---- batches
 * --------------------------------------------------------------------------------------------- */

static const struct kith_seat *submitting_seat(const struct kith_matcher_round *round,
                                               const struct kith_member *member)
{
  const struct kith_seat *seat =
      round ? kith_round_seat(kith_node_round_view(round->node), member->id) : NULL;

  return seat && seat->in_roster ? seat : NULL;
}

/* All agencies' intents must be there, so that nobody sends before every count has been looked at.
 */
static enum kith_reply_error check_batch(const struct kith_matcher_round *round,
                                         const struct kith_seat *seat,
                                         const struct kith_request *request)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_span *rows = &request->body.batch_put.rows;
  uint32_t number = request->body.batch_put.number;
  struct kith_batch_plan plan;
  struct kith_hash hash;

  kith_batch_plan_make(&plan, &round->policy, seat->intent.n_records, kith_round_roster_size(view));
  if (round->state != KITH_ROUND_SUBMITTING || kith_round_step(view) < KITH_STEP_SUBMIT ||
      seat->manifested)
    return KITH_REPLY_WRONG_STATE;
  if (seat->intent.row_bytes != plan.row_bytes || seat->intent.n_batches != plan.n_batches ||
      number >= plan.n_batches || !kith_batch_plan_fits(&plan, number, rows->len))
    return KITH_REPLY_MALFORMED;
  kith_batch_hash(&hash, round->node->id, seat->member, number, rows->bytes, rows->len);
  return kith_hash_equal(&hash, &request->body.batch_put.hash) ? KITH_REPLY_OK
                                                               : KITH_REPLY_BAD_REFERENCE;
}

static enum kith_reply_error batch_put(struct kith_matcher *matcher,
                                       const struct kith_member *member,
                                       const struct kith_request *request, struct kith_reply *reply,
                                       struct scratch *scratch)
{
  const struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.batch_put.round);
  const struct kith_seat *seat = submitting_seat(round, member);
  enum kith_reply_error error;
  enum kith_err err;

  if (!seat)
    return KITH_REPLY_DENIED;
  error = check_batch(round, seat, request);
  if (error != KITH_REPLY_OK)
    return error;
  err = kith_intake_put(matcher->node, round->node->id, member->id, request->body.batch_put.number,
                        &request->body.batch_put.hash, request->body.batch_put.rows.bytes,
                        request->body.batch_put.rows.len);
  if (err == KITH_ERR_NO)
    return KITH_REPLY_CONFLICT;
  if (err != KITH_OK && err != KITH_ERR_EXISTS)
    return KITH_REPLY_INTERNAL;
  err = kith_intake_held(matcher->node, round->node->id, member->id, scratch->bitmap,
                         sizeof scratch->bitmap, &reply->body.batch_put.held);
  if (err == KITH_OK)
    err = kith_node_checkpoint(matcher->node, &reply->body.batch_put.checkpoint);
  return err == KITH_OK ? KITH_REPLY_OK : KITH_REPLY_INTERNAL;
}

static enum kith_reply_error batch_status(struct kith_matcher *matcher,
                                          const struct kith_member *member,
                                          const struct kith_request *request,
                                          struct kith_reply *reply, struct scratch *scratch)
{
  const struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.batch_status.round);
  const struct kith_seat *seat = submitting_seat(round, member);
  uint32_t held = 0;

  if (!seat || !seat->intended)
    return KITH_REPLY_WRONG_STATE;
  if (kith_intake_held(matcher->node, round->node->id, member->id, scratch->bitmap,
                       sizeof scratch->bitmap, &held) != KITH_OK)
    return KITH_REPLY_INTERNAL;
  reply->body.batch_status = (struct kith_span){scratch->bitmap, (seat->intent.n_batches + 7) / 8};
  return KITH_REPLY_OK;
}

/* ---- the sealed list
 * --------------------------------------------------------------------------------------- */

static enum kith_reply_error cohort_get(struct kith_matcher *matcher,
                                        const struct kith_member *member,
                                        const struct kith_request *request,
                                        struct kith_reply *reply, struct scratch *scratch)
{
  const struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.cohort_get.round);
  uint64_t offset = request->body.cohort_get.offset;
  size_t len = 0;
  enum kith_err err;

  if (member->role != KITH_ROLE_RECIPIENT || !round || !concerns(round, member))
    return KITH_REPLY_DENIED;
  if (round->state != KITH_ROUND_RELEASED)
    return KITH_REPLY_WRONG_STATE;
  err = kith_release_list_load(matcher, round, member->id, &scratch->list, &len);
  if (err == KITH_ERR_NOT_FOUND)
    return KITH_REPLY_NOT_FOUND;
  if (err != KITH_OK)
    return KITH_REPLY_INTERNAL;
  if (offset > len)
    return KITH_REPLY_BAD_REFERENCE;
  kith_sealed_list_hash(&reply->body.cohort_get.hash, scratch->list, len);
  reply->body.cohort_get.total = len;
  reply->body.cohort_get.chunk.bytes = scratch->list + offset;
  reply->body.cohort_get.chunk.len =
      len - offset > KITH_CHUNK_BYTES_MAX ? KITH_CHUNK_BYTES_MAX : (size_t)(len - offset);
  return KITH_REPLY_OK;
}

/* ---- the audit log: it holds nothing that a member may not know */

static enum kith_reply_error audit_get(struct kith_matcher *matcher,
                                       const struct kith_request *request, struct kith_reply *reply,
                                       struct scratch *scratch)
{
  struct kith_span *piece = &reply->body.cohort_get.chunk;
  enum kith_err err = kith_node_audit_piece(matcher->node, request->body.audit_get.offset,
                                            KITH_CHUNK_BYTES_MAX, &scratch->list, &piece->len);

  if (err == KITH_ERR_NOT_FOUND)
    return KITH_REPLY_BAD_REFERENCE;
  if (err != KITH_OK)
    return KITH_REPLY_INTERNAL;
  piece->bytes = scratch->list;
  reply->body.cohort_get.total = matcher->node->audit_export.len;
  reply->body.cohort_get.hash = matcher->node->audit_export.hash;
  return KITH_REPLY_OK;
}

/* ---- the review */

static enum kith_reply_error review_get(struct kith_matcher *matcher,
                                        const struct kith_member *member,
                                        const struct kith_request *request,
                                        struct kith_reply *reply, struct scratch *scratch)
{
  const struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.review_get.round);
  size_t len = 0;
  enum kith_err err;

  if (member->role != KITH_ROLE_GOVERNANCE)
    return KITH_REPLY_DENIED;
  if (!round)
    return KITH_REPLY_NOT_FOUND;
  err = kith_review_load(matcher, round, &scratch->list, &len);
  if (err == KITH_ERR_NOT_FOUND)
    return KITH_REPLY_WRONG_STATE;
  if (err != KITH_OK)
    return KITH_REPLY_INTERNAL;
  reply->body.review_get = (struct kith_span){scratch->list, len};
  return KITH_REPLY_OK;
}

/* ---- what waits for more signatures of governance */

static enum kith_reply_error proposal_list(struct kith_matcher *matcher,
                                           const struct kith_member *member,
                                           struct kith_reply *reply, struct scratch *scratch)
{
  if (member->role != KITH_ROLE_GOVERNANCE)
    return KITH_REPLY_DENIED;
  scratch->held = KITH_NEW_ARRAY(uint8_t *, KITH_PROPOSALS_MAX);
  scratch->spans = KITH_NEW_ARRAY(struct kith_span, KITH_PROPOSALS_MAX);
  if (!scratch->held || !scratch->spans ||
      kith_proposals_load(matcher, scratch->held, scratch->spans, &scratch->n_held) != KITH_OK)
    return KITH_REPLY_INTERNAL;
  reply->body.proposal_list.n = scratch->n_held;
  reply->body.proposal_list.statements = scratch->spans;
  return KITH_REPLY_OK;
}

/* ---- letters */

static enum kith_reply_error letter_put(struct kith_matcher *matcher,
                                        const struct kith_member *member,
                                        const struct kith_request *request,
                                        struct kith_reply *reply)
{
  struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.letter_put.round);

  if (!round || !kith_letters_concern(round, member))
    return KITH_REPLY_DENIED;
  return kith_letters_put(matcher, round, member, request, &reply->body.letter_put);
}

static enum kith_reply_error letter_get(struct kith_matcher *matcher,
                                        const struct kith_member *member,
                                        const struct kith_request *request,
                                        struct kith_reply *reply, struct scratch *scratch)
{
  const struct kith_matcher_round *round =
      kith_matcher_round_find(matcher, request->body.letter_get.round);

  if (!round || !kith_letters_concern(round, member))
    return KITH_REPLY_DENIED;
  if (round->state != KITH_ROUND_RELEASED)
    return KITH_REPLY_WRONG_STATE;
  if (kith_letters_get(matcher, round, member->id, request->body.letter_get.after,
                       &scratch->letters) != KITH_OK)
    return KITH_REPLY_INTERNAL;
  reply->body.letter_get.n = scratch->letters.n;
  reply->body.letter_get.letters = scratch->letters.letters;
  return KITH_REPLY_OK;
}

/* ---- dispatch */

static enum kith_reply_error answer(struct kith_matcher *matcher, const struct kith_member *member,
                                    const struct kith_request *request, struct kith_reply *reply,
                                    struct scratch *scratch)
{
  switch (request->type) {
  case KITH_REQUEST_HELLO:
    memcpy(reply->body.hello.software, software, sizeof software);
    reply->body.hello.time = kith_node_now(matcher->node);
    reply->body.hello.charter = matcher->node->charter_hash;
    reply->body.hello.n_rounds = matcher->n_rounds;
    return KITH_REPLY_OK;
  case KITH_REQUEST_DOCUMENT_PUT:
    return document_put(matcher, member, request, reply);
  case KITH_REQUEST_DOCUMENT_GET:
    return document_get(matcher, request, reply);
  case KITH_REQUEST_ROUND_LIST:
    return round_list(matcher, member, reply);
  case KITH_REQUEST_STATEMENT_PUT:
    return statement_put(matcher, member, request, reply);
  case KITH_REQUEST_STATEMENT_GET:
    return statement_get(matcher, member, request, reply, scratch);
  case KITH_REQUEST_BATCH_PUT:
    return batch_put(matcher, member, request, reply, scratch);
  case KITH_REQUEST_BATCH_STATUS:
    return batch_status(matcher, member, request, reply, scratch);
  case KITH_REQUEST_COHORT_GET:
    return cohort_get(matcher, member, request, reply, scratch);
  case KITH_REQUEST_AUDIT_GET:
    return audit_get(matcher, request, reply, scratch);
  case KITH_REQUEST_REVIEW_GET:
    return review_get(matcher, member, request, reply, scratch);
  case KITH_REQUEST_PROPOSAL_PUT:
    return kith_proposal_put(matcher, member, &request->body.proposal_put, reply);
  case KITH_REQUEST_PROPOSAL_LIST:
    return proposal_list(matcher, member, reply, scratch);
  case KITH_REQUEST_LETTER_PUT:
    return letter_put(matcher, member, request, reply);
  case KITH_REQUEST_LETTER_GET:
    return letter_get(matcher, member, request, reply, scratch);
  case KITH_REQUEST_COSIGN_GET:
    return kith_matcher_cosign_get(matcher, member, request, reply);
  case KITH_REQUEST_COSIGN_PUT:
    return kith_matcher_cosign_put(matcher, member, request, reply);
  case KITH_REQUEST_TYPES:
    break;
  }
  return KITH_REPLY_UNKNOWN_TYPE;
}

/* What the reply owns itself; the rest is the scratch's. */
static void reply_release(struct kith_reply *reply)
{
  if (reply->type == KITH_REQUEST_DOCUMENT_GET)
    kith_signed_free(&reply->body.document_get.document);
  else if (reply->type == KITH_REQUEST_ROUND_LIST)
    kith_free(reply->body.round_list.rounds);
}

enum kith_err kith_matcher_answer(struct kith_matcher *matcher, struct kith_buf *out,
                                  const struct kith_member *member, const void *bytes, size_t len)
{
  struct kith_request request;
  struct kith_reply reply = {0};
  struct scratch scratch = {0};
  enum kith_err err = kith_request_read(&request, bytes, len);

  if (err == KITH_OK) {
    reply.type = request.type;
    reply.request_id = request.request_id;
    reply.error = answer(matcher, member, &request, &reply, &scratch);
    kith_request_free(&request);
  } else {
    reply.type = request.type ? request.type : KITH_REQUEST_HELLO;
    reply.request_id = request.request_id;
    reply.error = err == KITH_ERR_NOT_FOUND ? KITH_REPLY_UNKNOWN_TYPE : KITH_REPLY_MALFORMED;
  }
  err = kith_reply_write(out, &reply);
  reply_release(&reply);
  scratch_free(&scratch);
  return err;
}
