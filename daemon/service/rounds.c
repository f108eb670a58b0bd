#include "daemon/service/agency.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/officers.h"
#include "daemon/service/withdraw.h"

void kith_agency_problem(struct kith_agency_round *round, const char *format, ...)
{
  char text[KITH_PROBLEM_BYTES];
  char id[2 * KITH_ROUND_ID_BYTES + 1];
  va_list args;

  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (strcmp(text, round->problem) == 0)
    return;
  memcpy(round->problem, text, sizeof text);
  kith_hex_encode(id, round->node->id, KITH_ROUND_ID_BYTES);
  /* The words may name a file: they are for the officer, who asks; the log says only that there are
   * some. */
  kith_log(KITH_LOG_WARNING, "round.problem", KITH_LOG_STR("round", id));
}

/* ---- the round's record
 * ---------------------------------------------------------------------------- */

/* Two more since officers are told the number of records in scope, one since duplicates are. */
enum { RECORD_VALUES = 9, RECORD_VALUES_SCOPE = 8, RECORD_VALUES_BEFORE = 6 };

enum kith_err kith_agency_round_store(struct kith_agency *agency, struct kith_txn *txn,
                                      const struct kith_agency_round *round)
{
  struct kith_buf buf;
  enum kith_err err;

  (void)agency;
  kith_buf_init(&buf, 256);
  kith_write_array(&buf, RECORD_VALUES);
  kith_write_u64(&buf, round->decision);
  kith_write_u64(&buf, round->verified);
  kith_write_u64(&buf, round->verified_attempt);
  kith_write_u64(&buf, round->outbox_ready);
  kith_write_u64(&buf, round->n_records);
  kith_write_u64(&buf, round->finished);
  kith_write_u64(&buf, round->n_in_scope);
  kith_write_u64(&buf, (uint64_t)round->counted_at);
  kith_write_u64(&buf, round->n_duplicates);
  err = kith_buf_err(&buf);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_ROUNDS,
                         (struct kith_bytes){round->node->id, KITH_ROUND_ID_BYTES},
                         (struct kith_bytes){buf.bytes, buf.len});
  kith_buf_free(&buf);
  return err;
}

enum kith_err kith_agency_round_save(struct kith_agency *agency,
                                     const struct kith_agency_round *round,
                                     enum kith_audit_event event, uint64_t number)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_agency_round_store(agency, txn, round);
  if (err == KITH_OK)
    err = kith_node_audit(agency->node, txn, event, round->node->id, NULL, NULL, number);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static enum kith_err record_read(struct kith_agency_round *round, const void *bytes, size_t len)
{
  struct kith_reader reader;
  uint32_t n;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  n = kith_read_array_between(&reader, RECORD_VALUES_BEFORE, RECORD_VALUES);
  round->decision = (enum kith_decision)kith_read_u64(&reader, 0, KITH_DECISION_DECLINE);
  round->verified = kith_read_u64(&reader, 0, 1) == 1;
  round->verified_attempt = (uint32_t)kith_read_u64(&reader, 0, KITH_ATTEMPTS_MAX);
  round->outbox_ready = kith_read_u64(&reader, 0, 1) == 1;
  round->n_records = (uint32_t)kith_read_u64(&reader, 0, UINT32_MAX);
  round->finished = kith_read_u64(&reader, 0, 1) == 1;
  if (n >= RECORD_VALUES_SCOPE) {
    round->n_in_scope = kith_read_u64(&reader, 0, UINT64_MAX);
    round->counted_at = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  }
  if (n == RECORD_VALUES)
    round->n_duplicates = kith_read_u64(&reader, 0, UINT64_MAX);
  return kith_reader_done(&reader);
}

/* ---- all rounds
 * ---------------------------------------------------------------------------------------- */

static void round_free(struct kith_agency_round *round)
{
  if (!round)
    return;
  kith_node_round_free(round->node);
  kith_free(round->decisions);
  kith_free(round->withdrawals);
  kith_free(round);
}

void kith_agency_rounds_free(struct kith_agency *agency)
{
  for (unsigned i = 0; i < agency->n_rounds; i++)
    round_free(agency->rounds[i]);
  kith_free(agency->rounds);
  agency->rounds = NULL;
  agency->n_rounds = 0;
}

struct kith_agency_round *kith_agency_round_find(struct kith_agency *agency, const kith_round_id id)
{
  for (unsigned i = 0; i < agency->n_rounds; i++)
    if (memcmp(agency->rounds[i]->node->id, id, KITH_ROUND_ID_BYTES) == 0)
      return agency->rounds[i];
  return NULL;
}

static enum kith_err rounds_add(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_agency_round **rounds;

  if (agency->n_rounds == KITH_ROUNDS_MAX)
    return KITH_ERR_LIMIT;
  rounds = kith_realloc(agency->rounds, agency->n_rounds + 1, sizeof *rounds);
  if (!rounds)
    return KITH_ERR_MEMORY;
  agency->rounds = rounds;
  rounds[agency->n_rounds++] = round;
  return KITH_OK;
}

static enum kith_err policy_parse(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_signed document = {0};
  enum kith_err err = kith_node_document(agency->node, &document, KITH_DOCUMENT_POLICY,
                                         &kith_node_round_view(round->node)->open.policy);

  if (err == KITH_OK)
    err = kith_policy_parse(&round->policy, document.bytes, document.len, "policy of the round",
                            NULL);
  kith_signed_free(&document);
  return err;
}

static enum kith_err id_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_buf *ids = context;

  (void)value;
  if (key.len != KITH_ROUND_ID_BYTES)
    return KITH_ERR_INTERNAL;
  kith_buf_append(ids, key.bytes, key.len);
  return kith_buf_err(ids);
}

static enum kith_err round_load(struct kith_agency *agency, const kith_round_id id,
                                struct kith_fault *fault)
{
  struct kith_agency_round *round = KITH_NEW(struct kith_agency_round);
  KITH_AUTO_FREE uint8_t *record = NULL;
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err;

  if (!round)
    return KITH_ERR_MEMORY;
  err = kith_txn_begin(&txn, agency->node->store, false);
  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_TABLE_ROUNDS, (struct kith_bytes){id, KITH_ROUND_ID_BYTES},
                         &record, &len);
  kith_txn_abort(txn);
  if (err == KITH_OK)
    err = record_read(round, record, len);
  if (err == KITH_OK)
    err = kith_node_round_load(agency->node, &round->node, id, fault);
  if (err == KITH_OK)
    err = policy_parse(agency, round);
  if (err == KITH_OK)
    err = kith_agency_decisions_load(agency, round);
  if (err == KITH_OK)
    err = kith_withdrawals_load(agency, round);
  if (err == KITH_OK)
    err = rounds_add(agency, round);
  if (err != KITH_OK)
    round_free(round);
  return err;
}

enum kith_err kith_agency_rounds_load(struct kith_agency *agency, struct kith_fault *fault)
{
  struct kith_buf ids;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, agency->node->store, false);

  kith_buf_init(&ids, 0);
  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_ROUNDS, (struct kith_bytes){NULL, 0}, id_visit, &ids);
  kith_txn_abort(txn);
  for (size_t i = 0; err == KITH_OK && i < ids.len / KITH_ROUND_ID_BYTES; i++)
    err = round_load(agency, ids.bytes + i * KITH_ROUND_ID_BYTES, fault);
  kith_buf_free(&ids);
  return err;
}

/* ---- asking the matcher
 * ------------------------------------------------------------------------------------ */

/* Fetches a document and takes it, if its signatures hold; hash NULL: the newest. */
static enum kith_err fetch_document(struct kith_agency *agency, enum kith_document_kind kind,
                                    const struct kith_hash *hash)
{
  struct kith_request request = {.type = KITH_REQUEST_DOCUMENT_GET};
  struct kith_fault fault = {0};
  struct kith_reply reply;
  enum kith_err err;

  request.body.document_get.kind = kind;
  request.body.document_get.newest = hash == NULL;
  if (hash)
    request.body.document_get.hash = *hash;
  if ((err = kith_agency_exchange(agency, &reply, &request)) != KITH_OK)
    return err;
  if (reply.error != KITH_REPLY_OK) {
    err = KITH_ERR_NOT_FOUND;
  } else if (reply.body.document_get.document.kind != kind) {
    err = KITH_ERR_DATA;
  } else {
    err = kith_node_take_document(agency->node, &reply.body.document_get.document, &fault);
    if (err == KITH_ERR_EXISTS)
      err = KITH_OK;
  }
  if (err != KITH_OK)
    kith_log(KITH_LOG_WARNING, "document.refused",
             KITH_LOG_STR("kind", kind == KITH_DOCUMENT_CHARTER ? "charter" : "policy"),
             KITH_LOG_STR("error", kith_err_name(err)));
  kith_reply_free(&reply);
  return err;
}

static enum kith_err store_statement(struct kith_agency *agency,
                                     const struct kith_agency_round *round, bool fresh,
                                     uint32_t index, const struct kith_span *bytes)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_node_log_store(agency->node, txn, round->node->id, index, bytes->bytes, bytes->len);
  if (err == KITH_OK && fresh)
    err = kith_agency_round_store(agency, txn, round);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* The first statement of a round that is new here: with the documents that it names. */
static enum kith_err take_first(struct kith_agency *agency, const struct kith_span *bytes,
                                struct kith_agency_round **out)
{
  struct kith_agency_round *round = KITH_NEW(struct kith_agency_round);
  struct kith_fault fault = {0};
  enum kith_err err;

  if (!round)
    return KITH_ERR_MEMORY;
  /* Before it is stored: a store with more rounds than there is room for would not load again. */
  if (agency->n_rounds == KITH_ROUNDS_MAX) {
    round_free(round);
    return KITH_ERR_LIMIT;
  }
  err = kith_node_round_new(agency->node, &round->node, bytes->bytes, bytes->len,
                            kith_node_now(agency->node), &fault);
  if (err == KITH_OK && policy_parse(agency, round) != KITH_OK)
    err = KITH_ERR_NOT_FOUND;
  if (err == KITH_OK)
    err = store_statement(agency, round, true, 0, bytes);
  if (err == KITH_OK)
    err = rounds_add(agency, round);
  if (err != KITH_OK) {
    round_free(round);
    return err;
  }
  *out = round;
  return KITH_OK;
}

/* The policy that an open statement names must be held before the round is taken; it is signed by
 * governance, so it may be asked for before the statement is verified. */
static enum kith_err fetch_named_policy(struct kith_agency *agency, const struct kith_span *bytes)
{
  struct kith_signed held = {0};
  struct kith_statement open;
  struct kith_hash hash;
  enum kith_err err = kith_statement_read(&open, bytes->bytes, bytes->len);

  if (err != KITH_OK)
    return err;
  hash = open.body.open.policy;
  err = open.type == KITH_STATEMENT_OPEN ? KITH_OK : KITH_ERR_DATA;
  kith_statement_free(&open);
  if (err != KITH_OK)
    return err;
  if (kith_node_document(agency->node, &held, KITH_DOCUMENT_POLICY, &hash) == KITH_OK) {
    kith_signed_free(&held);
    return KITH_OK;
  }
  return fetch_document(agency, KITH_DOCUMENT_POLICY, &hash);
}

static enum kith_err take_next(struct kith_agency *agency, struct kith_agency_round *round,
                               const struct kith_span *bytes)
{
  uint32_t index = kith_node_round_view(round->node)->n_statements;
  struct kith_fault fault = {0};
  enum kith_err err = kith_round_log_add(round->node->log, &round->node->charter, bytes->bytes,
                                         bytes->len, kith_node_now(agency->node), NULL, &fault);

  if (err != KITH_OK) {
    kith_agency_problem(round, "what the matcher relays does not verify: %s", fault.text);
    return err;
  }
  err = store_statement(agency, round, false, index, bytes);
  if (err != KITH_OK) {
    struct kith_node_round *again = NULL;

    /* The log in memory is ahead of the store now: take it from the store again. */
    if (kith_node_round_load(agency->node, &again, round->node->id, NULL) == KITH_OK) {
      kith_node_round_free(round->node);
      round->node = again;
    }
  }
  return err;
}

/* One request for statements: those it brings are copied first, because what they need (a policy,
 * an officer's answer) may use the connection. */
static enum kith_err fetch_statements(struct kith_agency *agency, const kith_round_id id,
                                      struct kith_agency_round **round, uint32_t *total)
{
  struct kith_request request = {.type = KITH_REQUEST_STATEMENT_GET};
  struct kith_reply reply;
  enum kith_err err;

  memcpy(request.body.statement_get.round, id, KITH_ROUND_ID_BYTES);
  request.body.statement_get.from = *round ? kith_node_round_view((*round)->node)->n_statements : 0;
  if ((err = kith_agency_exchange(agency, &reply, &request)) != KITH_OK)
    return err;
  if (reply.error != KITH_REPLY_OK) {
    kith_reply_free(&reply);
    return KITH_ERR_NO;
  }
  *total = reply.body.statement_get.total;
  if (!*round && reply.body.statement_get.n) {
    struct kith_span first = reply.body.statement_get.statements[0];
    KITH_AUTO_FREE uint8_t *copy = kith_memdup(first.bytes, first.len);

    kith_reply_free(&reply);
    if (!copy)
      return KITH_ERR_MEMORY;
    first.bytes = copy;
    err = fetch_named_policy(agency, &first);
    return err == KITH_OK ? take_first(agency, &first, round) : err;
  }
  for (uint32_t i = 0; err == KITH_OK && i < reply.body.statement_get.n; i++)
    err = take_next(agency, *round, &reply.body.statement_get.statements[i]);
  if (err == KITH_OK && *round) {
    (*round)->state = reply.body.statement_get.state;
    (*round)->deadline = reply.body.statement_get.deadline;
    (*round)->progress = reply.body.statement_get.progress;
  }
  kith_reply_free(&reply);
  return err;
}

static uint32_t statements_known(const struct kith_agency_round *round)
{
  return round ? kith_node_round_view(round->node)->n_statements : 0;
}

/* Takes all that is new, acts, and looks again: what we say may be what the round waited for. */
enum { TURNS_MAX = 32 };

static enum kith_err sync_round(struct kith_agency *agency, const kith_round_id id)
{
  struct kith_agency_round *round = kith_agency_round_find(agency, id);
  enum kith_err err = KITH_OK;

  for (unsigned turn = 0; err == KITH_OK && turn < TURNS_MAX; turn++) {
    uint32_t known = statements_known(round);
    uint32_t total = 0;
    uint32_t before;

    if (round && round->finished)
      return KITH_OK;
    do {
      before = statements_known(round);
      err = fetch_statements(agency, id, &round, &total);
    } while (err == KITH_OK && statements_known(round) > before && statements_known(round) < total);
    if (err != KITH_OK || !round)
      return err;
    if (turn && statements_known(round) == known)
      return KITH_OK;
    err = kith_agency_act(agency, round);
  }
  return err;
}

/* A round whose statements don't verify, or that is under documents we refuse, must not keep the
 * others from going on. */
static bool concerns_one_round(enum kith_err err)
{
  return err == KITH_ERR_DATA || err == KITH_ERR_DENIED || err == KITH_ERR_NO ||
         err == KITH_ERR_NOT_FOUND || err == KITH_ERR_EXISTS || err == KITH_ERR_FULL ||
         err == KITH_ERR_LIMIT || err == KITH_ERR_CONFIG;
}

/* What nothing has said yet: an officer must be able to see why a round does not go on. */
static void note_failure(struct kith_agency *agency, const kith_round_id id, enum kith_err err)
{
  struct kith_agency_round *round = kith_agency_round_find(agency, id);

  if (err != KITH_OK && err != KITH_ERR_TIMEOUT && err != KITH_ERR_CANCELLED && round &&
      !round->problem[0])
    kith_agency_problem(round, "this round can't go on now: %s", kith_err_name(err));
}

static enum kith_err sync_all(struct kith_agency *agency)
{
  struct kith_request request = {.type = KITH_REQUEST_ROUND_LIST};
  KITH_AUTO_FREE struct kith_round_entry *entries = NULL;
  struct kith_reply reply;
  uint32_t n;
  enum kith_err err = kith_agency_exchange(agency, &reply, &request);

  if (err != KITH_OK)
    return err;
  if (reply.error != KITH_REPLY_OK) {
    kith_reply_free(&reply);
    return KITH_ERR_NO;
  }
  n = reply.body.round_list.n;
  entries = reply.body.round_list.rounds; /* ours now */
  for (uint32_t i = 0; i < n; i++) {
    err = sync_round(agency, entries[i].round);
    note_failure(agency, entries[i].round, err);
    if (err != KITH_OK && !concerns_one_round(err))
      return err;
  }
  return KITH_OK;
}

enum kith_err kith_agency_sync(struct kith_agency *agency)
{
  struct kith_request request = {.type = KITH_REQUEST_HELLO};
  struct kith_reply reply;
  bool other_charter;
  enum kith_err err = kith_agency_exchange(agency, &reply, &request);

  if (err != KITH_OK)
    return err;
  other_charter = reply.error == KITH_REPLY_OK &&
                  !kith_hash_equal(&reply.body.hello.charter, &agency->node->charter_hash);
  kith_reply_free(&reply);
  if (other_charter) {
    err = fetch_document(agency, KITH_DOCUMENT_CHARTER, NULL);
    if (err != KITH_OK && !concerns_one_round(err))
      return err;
  }
  return sync_all(agency);
}
