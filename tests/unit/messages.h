/* For tests of messages: a request or a reply of any type with random contents. */
#ifndef KITH_TESTS_UNIT_MESSAGES_H
#define KITH_TESTS_UNIT_MESSAGES_H

#include "proto/message.h"
#include "tests/unit/statements.h"

enum { MESSAGE_SPANS = 5 };

/* Some bytes that are there for the whole run. */
static inline struct kith_span random_span(size_t min)
{
  static uint8_t bytes[300];

  if (!bytes[0])
    for (size_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (uint8_t)(i * 7 + 1);
  return (struct kith_span){bytes + rand() % 100, (size_t)random_between(min, 200)};
}

static inline void random_document(struct kith_signed *out, enum kith_document_kind kind)
{
  struct kith_span span = random_span(1);

  assert_int_equal(kith_signed_from_bytes(out, kind, span.bytes, span.len), KITH_OK);
  out->n_signatures = (unsigned)random_between(0, 3);
  random_fill(out->signatures, out->n_signatures * sizeof out->signatures[0]);
}

static inline void random_checkpoint(struct kith_checkpoint *out)
{
  out->seq = random_between(0, 2);
  if (!out->seq)
    return;
  random_fill(&out->root, sizeof out->root);
  random_fill(out->signature, sizeof out->signature);
}

static inline void random_proof(struct kith_tree_proof *out)
{
  out->n = (unsigned)random_between(0, KITH_TREE_PROOF_MAX);
  random_fill(out->hashes, out->n * sizeof out->hashes[0]);
}

static inline enum kith_document_kind random_kind(void)
{
  return rand() % 2 ? KITH_DOCUMENT_CHARTER : KITH_DOCUMENT_POLICY;
}

/* Every round id of a request is in the same place of its body, but for the first four types. */
static inline void random_request(struct kith_request *out, enum kith_request_type type)
{
  memset(out, 0, sizeof *out);
  out->type = type;
  random_fill(&out->request_id, sizeof out->request_id);
  if (type >= KITH_REQUEST_STATEMENT_PUT)
    random_fill(out->body.batch_status.round, sizeof out->body.batch_status.round);
  switch (type) {
  case KITH_REQUEST_DOCUMENT_PUT:
    random_document(&out->body.document_put, random_kind());
    break;
  case KITH_REQUEST_DOCUMENT_GET:
    out->body.document_get.kind = random_kind();
    out->body.document_get.newest = rand() % 2;
    if (!out->body.document_get.newest)
      random_fill(&out->body.document_get.hash, sizeof out->body.document_get.hash);
    break;
  case KITH_REQUEST_STATEMENT_PUT:
    out->body.statement_put.statement = random_span(1);
    random_checkpoint(&out->body.statement_put.checkpoint);
    break;
  case KITH_REQUEST_STATEMENT_GET:
    out->body.statement_get.from = (uint32_t)random_between(0, KITH_STATEMENTS_MAX);
    break;
  case KITH_REQUEST_BATCH_PUT:
    out->body.batch_put.number = (uint32_t)random_between(0, KITH_BATCHES_MAX - 1);
    random_fill(&out->body.batch_put.hash, sizeof out->body.batch_put.hash);
    out->body.batch_put.rows = random_span(1);
    break;
  case KITH_REQUEST_COHORT_GET:
    out->body.cohort_get.offset = random_between(0, KITH_LIST_BYTES_MAX);
    break;
  case KITH_REQUEST_PROPOSAL_PUT:
    out->body.proposal_put = random_span(1);
    break;
  case KITH_REQUEST_AUDIT_GET:
    out->body.audit_get.offset = random_between(0, KITH_AUDIT_EXPORT_BYTES_MAX);
    break;
  case KITH_REQUEST_LETTER_PUT:
    snprintf(out->body.letter_put.reader, sizeof out->body.letter_put.reader, "agency_%d", rand());
    out->body.letter_put.kind = (enum kith_letter_kind)random_between(1, KITH_LETTER_KINDS - 1);
    random_fill(&out->body.letter_put.id, sizeof out->body.letter_put.id);
    out->body.letter_put.sealed = random_span(1);
    break;
  case KITH_REQUEST_LETTER_GET:
    out->body.letter_get.after = (uint32_t)rand();
    break;
  case KITH_REQUEST_COSIGN_GET:
    out->body.cosign_get.old = random_between(0, 1000);
    break;
  case KITH_REQUEST_COSIGN_PUT:
    out->body.cosign_put.seq = random_between(1, 1000);
    out->body.cosign_put.time = rand();
    random_fill(out->body.cosign_put.signature, sizeof out->body.cosign_put.signature);
    random_checkpoint(&out->body.cosign_put.checkpoint);
    random_proof(&out->body.cosign_put.proof);
    break;
  default:
    break;
  }
}

static inline void random_round_list(struct kith_reply *out)
{
  out->body.round_list.n = (uint32_t)random_between(0, 20);
  out->body.round_list.rounds = KITH_NEW_ARRAY(struct kith_round_entry, out->body.round_list.n);
  assert_non_null(out->body.round_list.rounds);
  for (uint32_t i = 0; i < out->body.round_list.n; i++) {
    struct kith_round_entry *entry = &out->body.round_list.rounds[i];

    random_fill(entry->round, sizeof entry->round);
    entry->state = (enum kith_round_state)random_between(1, KITH_ROUND_STATES - 1);
    entry->attempt = (uint32_t)random_between(1, KITH_ATTEMPTS_MAX);
    entry->opened = rand();
    entry->deadline = rand() % 2 ? 0 : INT64_MAX;
  }
}

static inline void random_statements(struct kith_reply *out)
{
  out->body.statement_get.state = (enum kith_round_state)random_between(1, KITH_ROUND_STATES - 1);
  out->body.statement_get.attempt = (uint32_t)random_between(1, KITH_ATTEMPTS_MAX);
  out->body.statement_get.deadline = rand();
  out->body.statement_get.progress = (uint32_t)random_between(0, 1000);
  out->body.statement_get.total = (uint32_t)random_between(0, KITH_STATEMENTS_MAX);
  out->body.statement_get.n = (uint32_t)random_between(0, MESSAGE_SPANS);
  out->body.statement_get.statements = KITH_NEW_ARRAY(struct kith_span, out->body.statement_get.n);
  assert_non_null(out->body.statement_get.statements);
  for (uint32_t i = 0; i < out->body.statement_get.n; i++)
    out->body.statement_get.statements[i] = random_span(1);
}

static inline void random_proposals(struct kith_reply *out)
{
  out->body.proposal_list.n = (uint32_t)random_between(0, MESSAGE_SPANS);
  out->body.proposal_list.statements = KITH_NEW_ARRAY(struct kith_span, MESSAGE_SPANS);
  assert_non_null(out->body.proposal_list.statements);
  for (uint32_t i = 0; i < out->body.proposal_list.n; i++)
    out->body.proposal_list.statements[i] = random_span(1);
}

static inline void random_letters(struct kith_reply *out)
{
  out->body.letter_get.n = (uint32_t)random_between(0, MESSAGE_SPANS);
  out->body.letter_get.letters = KITH_NEW_ARRAY(struct kith_letter_entry, out->body.letter_get.n);
  assert_non_null(out->body.letter_get.letters);
  for (uint32_t i = 0; i < out->body.letter_get.n; i++) {
    struct kith_letter_entry *letter = &out->body.letter_get.letters[i];

    letter->number = (uint32_t)random_between(1, UINT32_MAX);
    snprintf(letter->author, sizeof letter->author, "author_%d", rand());
    letter->kind = (enum kith_letter_kind)random_between(1, KITH_LETTER_KINDS - 1);
    random_fill(&letter->id, sizeof letter->id);
    letter->sealed = random_span(1);
  }
}

static inline void random_proposed(struct kith_reply *out)
{
  out->body.proposal_put.n_signed = (unsigned)random_between(0, KITH_GOVERNANCE_KEYS_MAX);
  out->body.proposal_put.n_needed = (unsigned)random_between(1, KITH_GOVERNANCE_KEYS_MAX);
  out->body.proposal_put.said = rand() % 2;
}

static inline void random_hello(struct kith_reply *out)
{
  snprintf(out->body.hello.software, sizeof out->body.hello.software, "kith %d", rand());
  out->body.hello.time = rand();
  random_fill(&out->body.hello.charter, sizeof out->body.hello.charter);
  out->body.hello.n_rounds = (uint32_t)random_between(0, KITH_ROUNDS_MAX);
}

static inline void random_got(struct kith_reply *out)
{
  random_fill(&out->body.document_get.hash, sizeof out->body.document_get.hash);
  random_document(&out->body.document_get.document, random_kind());
}

static inline void random_held(struct kith_reply *out)
{
  out->body.batch_put.held = (uint32_t)random_between(0, KITH_BATCHES_MAX);
  random_checkpoint(&out->body.batch_put.checkpoint);
}

static inline void random_chunk(struct kith_reply *out)
{
  out->body.cohort_get.total = random_between(0, KITH_LIST_BYTES_MAX);
  random_fill(&out->body.cohort_get.hash, sizeof out->body.cohort_get.hash);
  out->body.cohort_get.chunk = random_span(0);
}

static inline void random_cosigning(struct kith_reply *out)
{
  if (out->type == KITH_REQUEST_COSIGN_GET) {
    random_checkpoint(&out->body.cosign_get.checkpoint);
    random_proof(&out->body.cosign_get.proof);
    out->body.cosign_get.cosigned = random_between(0, 1000);
    out->body.cosign_get.held = random_between(0, 1000);
  } else {
    out->body.cosign_put.time = rand();
    random_fill(out->body.cosign_put.signature, sizeof out->body.cosign_put.signature);
  }
}

/* Free with kith_reply_free. */
static inline void random_reply(struct kith_reply *out, enum kith_request_type type,
                                enum kith_reply_error error)
{
  memset(out, 0, sizeof *out);
  out->type = type;
  out->error = error;
  random_fill(&out->request_id, sizeof out->request_id);
  if (error != KITH_REPLY_OK)
    return;
  switch (type) {
  case KITH_REQUEST_HELLO:
    random_hello(out);
    break;
  case KITH_REQUEST_DOCUMENT_PUT:
    random_fill(&out->body.document_put, sizeof out->body.document_put);
    break;
  case KITH_REQUEST_DOCUMENT_GET:
    random_got(out);
    break;
  case KITH_REQUEST_ROUND_LIST:
    random_round_list(out);
    break;
  case KITH_REQUEST_STATEMENT_PUT:
    out->body.statement_put.index = (uint32_t)random_between(0, KITH_STATEMENTS_MAX);
    random_checkpoint(&out->body.statement_put.checkpoint);
    break;
  case KITH_REQUEST_STATEMENT_GET:
    random_statements(out);
    break;
  case KITH_REQUEST_BATCH_PUT:
    random_held(out);
    break;
  case KITH_REQUEST_BATCH_STATUS:
    out->body.batch_status = random_span(0);
    break;
  case KITH_REQUEST_REVIEW_GET:
    out->body.review_get = random_span(1);
    break;
  case KITH_REQUEST_PROPOSAL_PUT:
    random_proposed(out);
    break;
  case KITH_REQUEST_PROPOSAL_LIST:
    random_proposals(out);
    break;
  case KITH_REQUEST_LETTER_PUT:
    out->body.letter_put = (uint32_t)random_between(1, UINT32_MAX);
    break;
  case KITH_REQUEST_LETTER_GET:
    random_letters(out);
    break;
  case KITH_REQUEST_COSIGN_GET:
  case KITH_REQUEST_COSIGN_PUT:
    random_cosigning(out);
    break;
  case KITH_REQUEST_COHORT_GET:
  case KITH_REQUEST_AUDIT_GET:
    random_chunk(out);
    break;
  default:
    break;
  }
}

#endif
