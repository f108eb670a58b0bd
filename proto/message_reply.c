#include <string.h>

#include "base/mem.h"
#include "proto/message_parts.h"

static void write_round_list(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_write_array(out, 1);
  kith_write_array(out, reply->body.round_list.n);
  for (uint32_t i = 0; i < reply->body.round_list.n; i++) {
    const struct kith_round_entry *entry = &reply->body.round_list.rounds[i];

    kith_write_array(out, 5);
    write_round(out, entry->round);
    kith_write_u64(out, entry->state);
    kith_write_u64(out, entry->attempt);
    kith_write_u64(out, (uint64_t)entry->opened);
    kith_write_u64(out, (uint64_t)entry->deadline);
  }
}

static void write_statements(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_write_array(out, 6);
  kith_write_u64(out, reply->body.statement_get.state);
  kith_write_u64(out, reply->body.statement_get.attempt);
  kith_write_u64(out, (uint64_t)reply->body.statement_get.deadline);
  kith_write_u64(out, reply->body.statement_get.progress);
  kith_write_u64(out, reply->body.statement_get.total);
  kith_write_array(out, reply->body.statement_get.n);
  for (uint32_t i = 0; i < reply->body.statement_get.n; i++)
    write_span(out, &reply->body.statement_get.statements[i]);
}

static void write_proposals(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_write_array(out, 1);
  kith_write_array(out, reply->body.proposal_list.n);
  for (uint32_t i = 0; i < reply->body.proposal_list.n; i++)
    write_span(out, &reply->body.proposal_list.statements[i]);
}

static void write_proposed(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_write_array(out, 3);
  kith_write_u64(out, reply->body.proposal_put.n_signed);
  kith_write_u64(out, reply->body.proposal_put.n_needed);
  kith_write_u64(out, reply->body.proposal_put.said);
}

static void write_hello(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_write_array(out, 4);
  kith_write_string(out, reply->body.hello.software);
  kith_write_u64(out, (uint64_t)reply->body.hello.time);
  write_hash(out, &reply->body.hello.charter);
  kith_write_u64(out, reply->body.hello.n_rounds);
}

static void write_reply_body(struct kith_buf *out, const struct kith_reply *reply)
{
  switch (reply->type) {
  case KITH_REQUEST_HELLO:
    write_hello(out, reply);
    break;
  case KITH_REQUEST_DOCUMENT_PUT:
    kith_write_array(out, 1);
    write_hash(out, &reply->body.document_put);
    break;
  case KITH_REQUEST_DOCUMENT_GET:
    kith_write_array(out, 4);
    write_hash(out, &reply->body.document_get.hash);
    kith_write_u64(out, reply->body.document_get.document.kind);
    kith_signed_write(out, &reply->body.document_get.document);
    break;
  case KITH_REQUEST_ROUND_LIST:
    write_round_list(out, reply);
    break;
  case KITH_REQUEST_STATEMENT_PUT:
    kith_write_array(out, 2);
    kith_write_u64(out, reply->body.statement_put.index);
    kith_checkpoint_write(out, &reply->body.statement_put.checkpoint);
    break;
  case KITH_REQUEST_STATEMENT_GET:
    write_statements(out, reply);
    break;
  case KITH_REQUEST_BATCH_PUT:
    kith_write_array(out, 2);
    kith_write_u64(out, reply->body.batch_put.held);
    kith_checkpoint_write(out, &reply->body.batch_put.checkpoint);
    break;
  case KITH_REQUEST_COHORT_GET:
  case KITH_REQUEST_AUDIT_GET:
    kith_write_array(out, 3);
    kith_write_u64(out, reply->body.cohort_get.total);
    write_hash(out, &reply->body.cohort_get.hash);
    write_span(out, &reply->body.cohort_get.chunk);
    break;
  case KITH_REQUEST_BATCH_STATUS: /* one span, as review.get */
  case KITH_REQUEST_REVIEW_GET:
    kith_write_array(out, 1);
    write_span(out, &reply->body.review_get);
    break;
  case KITH_REQUEST_PROPOSAL_PUT:
    write_proposed(out, reply);
    break;
  case KITH_REQUEST_PROPOSAL_LIST:
    write_proposals(out, reply);
    break;
  case KITH_REQUEST_COSIGN_GET:
  case KITH_REQUEST_COSIGN_PUT:
    kith_cosign_reply_write(out, reply);
    break;
  default:
    kith_letter_reply_write(out, reply);
    break;
  }
}

enum kith_err kith_reply_write(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_buf_clear(out);
  kith_write_array(out, 5);
  kith_write_u64(out, KITH_MESSAGE_VERSION);
  kith_write_u64(out, reply->type);
  kith_write_u64(out, reply->request_id);
  kith_write_u64(out, reply->error);
  if (reply->error == KITH_REPLY_OK)
    write_reply_body(out, reply);
  else
    kith_write_array(out, 0);
  return kith_buf_err(out);
}

static enum kith_round_state read_state(struct kith_reader *reader)
{
  return (enum kith_round_state)kith_read_u64(reader, KITH_ROUND_ANNOUNCED, KITH_ROUND_STATES - 1);
}

static enum kith_err read_round_list(struct kith_reader *reader, struct kith_reply *out)
{
  uint32_t n;

  kith_read_array(reader, 1);
  n = kith_read_array_between(reader, 0, KITH_ROUNDS_MAX);
  out->body.round_list.rounds = KITH_NEW_ARRAY(struct kith_round_entry, n);
  if (!out->body.round_list.rounds)
    return KITH_ERR_MEMORY;
  out->body.round_list.n = n;
  for (uint32_t i = 0; i < n; i++) {
    struct kith_round_entry *entry = &out->body.round_list.rounds[i];

    kith_read_array(reader, 5);
    read_round(reader, entry->round);
    entry->state = read_state(reader);
    entry->attempt = (uint32_t)kith_read_u64(reader, 1, KITH_ATTEMPTS_MAX);
    entry->opened = (int64_t)kith_read_u64(reader, 0, INT64_MAX);
    entry->deadline = (int64_t)kith_read_u64(reader, 0, INT64_MAX);
  }
  return reader->err;
}

static enum kith_err read_statements(struct kith_reader *reader, struct kith_reply *out)
{
  uint32_t n;

  kith_read_array(reader, 6);
  out->body.statement_get.state = read_state(reader);
  out->body.statement_get.attempt = (uint32_t)kith_read_u64(reader, 1, KITH_ATTEMPTS_MAX);
  out->body.statement_get.deadline = (int64_t)kith_read_u64(reader, 0, INT64_MAX);
  out->body.statement_get.progress = (uint32_t)kith_read_u64(reader, 0, 1000);
  out->body.statement_get.total = (uint32_t)kith_read_u64(reader, 0, KITH_STATEMENTS_MAX);
  n = kith_read_array_between(reader, 0, KITH_STATEMENTS_MAX);
  out->body.statement_get.statements = KITH_NEW_ARRAY(struct kith_span, n);
  if (!out->body.statement_get.statements)
    return KITH_ERR_MEMORY;
  out->body.statement_get.n = n;
  for (uint32_t i = 0; i < n; i++)
    read_span(reader, &out->body.statement_get.statements[i], 1, KITH_STATEMENT_BYTES_MAX);
  return reader->err;
}

static enum kith_err read_proposals(struct kith_reader *reader, struct kith_reply *out)
{
  uint32_t n;

  kith_read_array(reader, 1);
  n = kith_read_array_between(reader, 0, KITH_PROPOSALS_MAX);
  out->body.proposal_list.statements = KITH_NEW_ARRAY(struct kith_span, n);
  if (!out->body.proposal_list.statements)
    return KITH_ERR_MEMORY;
  out->body.proposal_list.n = n;
  for (uint32_t i = 0; i < n; i++)
    read_span(reader, &out->body.proposal_list.statements[i], 1, KITH_PROPOSAL_BYTES_MAX);
  return reader->err;
}

static enum kith_err read_document_got(struct kith_reader *reader, struct kith_reply *out)
{
  enum kith_document_kind kind;

  kith_read_array(reader, 4);
  read_hash(reader, &out->body.document_get.hash);
  kind = read_kind(reader);
  if (reader->err != KITH_OK)
    return reader->err;
  return kith_signed_read(&out->body.document_get.document, kind, reader);
}

static void read_hello(struct kith_reader *reader, struct kith_reply *out)
{
  kith_read_array(reader, 4);
  kith_read_string(reader, out->body.hello.software, sizeof out->body.hello.software);
  out->body.hello.time = (int64_t)kith_read_u64(reader, 0, INT64_MAX);
  read_hash(reader, &out->body.hello.charter);
  out->body.hello.n_rounds = (uint32_t)kith_read_u64(reader, 0, KITH_ROUNDS_MAX);
}

static enum kith_err read_reply_body(struct kith_reader *reader, struct kith_reply *out)
{
  switch (out->type) {
  case KITH_REQUEST_HELLO:
    read_hello(reader, out);
    break;
  case KITH_REQUEST_DOCUMENT_PUT:
    kith_read_array(reader, 1);
    read_hash(reader, &out->body.document_put);
    break;
  case KITH_REQUEST_DOCUMENT_GET:
    return read_document_got(reader, out);
  case KITH_REQUEST_ROUND_LIST:
    return read_round_list(reader, out);
  case KITH_REQUEST_STATEMENT_PUT:
    kith_read_array(reader, 2);
    out->body.statement_put.index = (uint32_t)kith_read_u64(reader, 0, KITH_STATEMENTS_MAX);
    kith_checkpoint_read(reader, &out->body.statement_put.checkpoint);
    break;
  case KITH_REQUEST_STATEMENT_GET:
    return read_statements(reader, out);
  case KITH_REQUEST_BATCH_PUT:
    kith_read_array(reader, 2);
    out->body.batch_put.held = (uint32_t)kith_read_u64(reader, 0, KITH_BATCHES_MAX);
    kith_checkpoint_read(reader, &out->body.batch_put.checkpoint);
    break;
  case KITH_REQUEST_BATCH_STATUS:
    kith_read_array(reader, 1);
    read_span(reader, &out->body.batch_status, 0, KITH_BATCHES_MAX / 8);
    break;
  case KITH_REQUEST_COHORT_GET:
  case KITH_REQUEST_AUDIT_GET:
    kith_read_array(reader, 3);
    out->body.cohort_get.total = kith_read_u64(reader, 0, KITH_LIST_BYTES_MAX);
    read_hash(reader, &out->body.cohort_get.hash);
    read_span(reader, &out->body.cohort_get.chunk, 0, KITH_CHUNK_BYTES_MAX);
    break;
  case KITH_REQUEST_REVIEW_GET:
    kith_read_array(reader, 1);
    read_span(reader, &out->body.review_get, 1, KITH_REVIEW_BYTES_MAX);
    break;
  case KITH_REQUEST_PROPOSAL_PUT:
    kith_read_array(reader, 3);
    out->body.proposal_put.n_signed = (unsigned)kith_read_u64(reader, 0, KITH_GOVERNANCE_KEYS_MAX);
    out->body.proposal_put.n_needed = (unsigned)kith_read_u64(reader, 1, KITH_GOVERNANCE_KEYS_MAX);
    out->body.proposal_put.said = kith_read_u64(reader, 0, 1) == 1;
    break;
  case KITH_REQUEST_PROPOSAL_LIST:
    return read_proposals(reader, out);
  case KITH_REQUEST_LETTER_PUT:
  case KITH_REQUEST_LETTER_GET:
    return kith_letter_reply_read(reader, out);
  case KITH_REQUEST_COSIGN_GET:
  case KITH_REQUEST_COSIGN_PUT:
    kith_cosign_reply_read(reader, out);
    break;
  case KITH_REQUEST_TYPES:
    return KITH_ERR_DATA;
  }
  return reader->err;
}

enum kith_err kith_reply_read(struct kith_reply *out, const void *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err;

  memset(out, 0, sizeof *out);
  if ((err = kith_reader_init(&reader, bytes, len)) != KITH_OK)
    return err;
  kith_read_array(&reader, 5);
  kith_read_u64(&reader, KITH_MESSAGE_VERSION, KITH_MESSAGE_VERSION);
  out->type =
      (enum kith_request_type)kith_read_u64(&reader, KITH_REQUEST_HELLO, KITH_REQUEST_TYPES - 1);
  out->request_id = kith_read_u64(&reader, 0, UINT64_MAX);
  out->error = (enum kith_reply_error)kith_read_u64(&reader, 0, KITH_REPLY_ERRORS - 1);
  if (reader.err != KITH_OK)
    return reader.err;
  if (out->error == KITH_REPLY_OK)
    err = read_reply_body(&reader, out);
  else
    kith_read_array(&reader, 0);
  if (err == KITH_OK)
    err = kith_reader_done(&reader);
  if (err != KITH_OK)
    kith_reply_free(out);
  return err;
}

void kith_reply_free(struct kith_reply *reply)
{
  if (reply->type == KITH_REQUEST_DOCUMENT_GET)
    kith_signed_free(&reply->body.document_get.document);
  else if (reply->type == KITH_REQUEST_ROUND_LIST)
    kith_free(reply->body.round_list.rounds);
  else if (reply->type == KITH_REQUEST_STATEMENT_GET)
    kith_free(reply->body.statement_get.statements);
  else if (reply->type == KITH_REQUEST_PROPOSAL_LIST)
    kith_free(reply->body.proposal_list.statements);
  else if (reply->type == KITH_REQUEST_LETTER_GET)
    kith_free(reply->body.letter_get.letters);
  memset(reply, 0, sizeof *reply);
}
