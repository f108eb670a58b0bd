#include "proto/message.h"

#include <string.h>

#include "base/mem.h"

enum { MESSAGE_VERSION = 1 };

static const char *const request_names[KITH_REQUEST_TYPES] = {
    [KITH_REQUEST_HELLO] = "hello",
    [KITH_REQUEST_DOCUMENT_PUT] = "document.put",
    [KITH_REQUEST_DOCUMENT_GET] = "document.get",
    [KITH_REQUEST_ROUND_LIST] = "round.list",
    [KITH_REQUEST_STATEMENT_PUT] = "statement.put",
    [KITH_REQUEST_STATEMENT_GET] = "statement.get",
    [KITH_REQUEST_BATCH_PUT] = "batch.put",
    [KITH_REQUEST_BATCH_STATUS] = "batch.status",
    [KITH_REQUEST_COHORT_GET] = "cohort.get",
    [KITH_REQUEST_AUDIT_GET] = "audit.get",
    [KITH_REQUEST_REVIEW_GET] = "review.get",
};

static const char *const reply_error_names[KITH_REPLY_ERRORS] = {
    [KITH_REPLY_OK] = "done",
    [KITH_REPLY_DENIED] = "denied",
    [KITH_REPLY_MALFORMED] = "malformed",
    [KITH_REPLY_UNKNOWN_TYPE] = "unknown type of request",
    [KITH_REPLY_NOT_FOUND] = "not found",
    [KITH_REPLY_WRONG_STATE] = "not in this state of the round",
    [KITH_REPLY_CONFLICT] = "conflict with what was said before",
    [KITH_REPLY_BAD_SIGNATURE] = "bad signature",
    [KITH_REPLY_LIMIT] = "over a limit",
    [KITH_REPLY_INTERNAL] = "internal error of the matcher",
    [KITH_REPLY_BAD_REFERENCE] = "refers to another document or statement",
    [KITH_REPLY_STALE] = "stale",
};

static const char *const state_names[KITH_ROUND_STATES] = {
    [KITH_ROUND_ANNOUNCED] = "announced", [KITH_ROUND_GATHERING] = "gathering",
    [KITH_ROUND_KEYING] = "keying",       [KITH_ROUND_SUBMITTING] = "submitting",
    [KITH_ROUND_MATCHING] = "matching",   [KITH_ROUND_REVIEW] = "review",
    [KITH_ROUND_RELEASED] = "released",   [KITH_ROUND_CLOSED] = "closed",
    [KITH_ROUND_ABORTED] = "aborted",
};

static const char *name_of(const char *const *names, size_t n, unsigned i)
{
  return i < n && names[i] ? names[i] : "unknown";
}

const char *kith_request_name(enum kith_request_type type)
{
  return name_of(request_names, KITH_COUNT_OF(request_names), type);
}

const char *kith_reply_error_name(enum kith_reply_error error)
{
  return name_of(reply_error_names, KITH_COUNT_OF(reply_error_names), error);
}

const char *kith_round_state_name(enum kith_round_state state)
{
  return name_of(state_names, KITH_COUNT_OF(state_names), state);
}

bool kith_round_state_final(enum kith_round_state state)
{
  return state == KITH_ROUND_CLOSED || state == KITH_ROUND_ABORTED;
}

/* ---- pieces of both ----------------------------------------------------------------------------
 */

static void write_round(struct kith_buf *buf, const kith_round_id round)
{
  kith_write_bin(buf, round, KITH_ROUND_ID_BYTES);
}

static void read_round(struct kith_reader *reader, kith_round_id out)
{
  kith_read_bin_exact(reader, out, KITH_ROUND_ID_BYTES);
}

static void write_hash(struct kith_buf *buf, const struct kith_hash *hash)
{
  kith_write_bin(buf, hash->bytes, sizeof hash->bytes);
}

static void read_hash(struct kith_reader *reader, struct kith_hash *out)
{
  kith_read_bin_exact(reader, out->bytes, sizeof out->bytes);
}

static void write_span(struct kith_buf *buf, const struct kith_span *span)
{
  kith_write_bin(buf, span->bytes, span->len);
}

static void read_span(struct kith_reader *reader, struct kith_span *out, size_t min, size_t max)
{
  out->bytes = kith_read_bin(reader, &out->len, min, max);
}

void kith_checkpoint_write(struct kith_buf *buf, const struct kith_checkpoint *checkpoint)
{
  size_t present = checkpoint->seq ? 1 : 0;

  kith_write_array(buf, 3);
  kith_write_u64(buf, checkpoint->seq);
  kith_write_bin(buf, checkpoint->root.bytes, present * sizeof checkpoint->root.bytes);
  kith_write_bin(buf, checkpoint->signature, present * sizeof checkpoint->signature);
}

void kith_checkpoint_read(struct kith_reader *reader, struct kith_checkpoint *out)
{
  memset(out, 0, sizeof *out);
  kith_read_array(reader, 3);
  out->seq = kith_read_u64(reader, 0, UINT64_MAX);
  kith_read_bin_exact(reader, out->root.bytes, out->seq ? sizeof out->root.bytes : 0);
  kith_read_bin_exact(reader, out->signature, out->seq ? sizeof out->signature : 0);
}

static enum kith_document_kind read_kind(struct kith_reader *reader)
{
  return (enum kith_document_kind)kith_read_u64(reader, KITH_DOCUMENT_CHARTER,
                                                KITH_DOCUMENT_POLICY);
}

/* ---- requests
 * ------------------------------------------------------------------------------------ */

static void write_request_body(struct kith_buf *out, const struct kith_request *request)
{
  switch (request->type) {
  case KITH_REQUEST_HELLO:
  case KITH_REQUEST_ROUND_LIST:
    kith_write_array(out, 0);
    break;
  case KITH_REQUEST_DOCUMENT_PUT:
    kith_write_array(out, 3);
    kith_write_u64(out, request->body.document_put.kind);
    kith_signed_write(out, &request->body.document_put);
    break;
  case KITH_REQUEST_DOCUMENT_GET:
    kith_write_array(out, 2);
    kith_write_u64(out, request->body.document_get.kind);
    kith_write_bin(out, request->body.document_get.hash.bytes,
                   request->body.document_get.newest ? 0 : KITH_HASH_BYTES);
    break;
  case KITH_REQUEST_STATEMENT_PUT:
    kith_write_array(out, 3);
    write_round(out, request->body.statement_put.round);
    write_span(out, &request->body.statement_put.statement);
    kith_checkpoint_write(out, &request->body.statement_put.checkpoint);
    break;
  case KITH_REQUEST_STATEMENT_GET:
    kith_write_array(out, 2);
    write_round(out, request->body.statement_get.round);
    kith_write_u64(out, request->body.statement_get.from);
    break;
  case KITH_REQUEST_BATCH_PUT:
    kith_write_array(out, 4);
    write_round(out, request->body.batch_put.round);
    kith_write_u64(out, request->body.batch_put.number);
    write_hash(out, &request->body.batch_put.hash);
    write_span(out, &request->body.batch_put.rows);
    break;
  case KITH_REQUEST_BATCH_STATUS:
    kith_write_array(out, 1);
    write_round(out, request->body.batch_status.round);
    break;
  case KITH_REQUEST_COHORT_GET:
    kith_write_array(out, 2);
    write_round(out, request->body.cohort_get.round);
    kith_write_u64(out, request->body.cohort_get.offset);
    break;
  case KITH_REQUEST_AUDIT_GET:
    kith_write_array(out, 1);
    kith_write_u64(out, request->body.audit_get.offset);
    break;
  case KITH_REQUEST_REVIEW_GET:
    kith_write_array(out, 1);
    write_round(out, request->body.review_get.round);
    break;
  case KITH_REQUEST_TYPES:
    break;
  }
}

enum kith_err kith_request_write(struct kith_buf *out, const struct kith_request *request)
{
  kith_buf_clear(out);
  kith_write_array(out, 4);
  kith_write_u64(out, MESSAGE_VERSION);
  kith_write_u64(out, request->type);
  kith_write_u64(out, request->request_id);
  write_request_body(out, request);
  return kith_buf_err(out);
}

static enum kith_err read_document_put(struct kith_reader *reader, struct kith_signed *out)
{
  enum kith_document_kind kind;

  kith_read_array(reader, 3);
  kind = read_kind(reader);
  return reader->err == KITH_OK ? kith_signed_read(out, kind, reader) : reader->err;
}

static void read_document_get(struct kith_reader *reader, struct kith_request *out)
{
  size_t len = 0;
  const uint8_t *hash;

  kith_read_array(reader, 2);
  out->body.document_get.kind = read_kind(reader);
  hash = kith_read_bin(reader, &len, 0, KITH_HASH_BYTES);
  if (len == KITH_HASH_BYTES)
    memcpy(out->body.document_get.hash.bytes, hash, len);
  else if (len)
    reader->err = KITH_ERR_DATA;
  out->body.document_get.newest = len == 0;
}

static enum kith_err read_request_body(struct kith_reader *reader, struct kith_request *out)
{
  switch (out->type) {
  case KITH_REQUEST_HELLO:
  case KITH_REQUEST_ROUND_LIST:
    kith_read_array(reader, 0);
    break;
  case KITH_REQUEST_DOCUMENT_PUT:
    return read_document_put(reader, &out->body.document_put);
  case KITH_REQUEST_DOCUMENT_GET:
    read_document_get(reader, out);
    break;
  case KITH_REQUEST_STATEMENT_PUT:
    kith_read_array(reader, 3);
    read_round(reader, out->body.statement_put.round);
    read_span(reader, &out->body.statement_put.statement, 1, KITH_STATEMENT_BYTES_MAX);
    kith_checkpoint_read(reader, &out->body.statement_put.checkpoint);
    break;
  case KITH_REQUEST_STATEMENT_GET:
    kith_read_array(reader, 2);
    read_round(reader, out->body.statement_get.round);
    out->body.statement_get.from = (uint32_t)kith_read_u64(reader, 0, KITH_STATEMENTS_MAX);
    break;
  case KITH_REQUEST_BATCH_PUT:
    kith_read_array(reader, 4);
    read_round(reader, out->body.batch_put.round);
    out->body.batch_put.number = (uint32_t)kith_read_u64(reader, 0, KITH_BATCHES_MAX - 1);
    read_hash(reader, &out->body.batch_put.hash);
    read_span(reader, &out->body.batch_put.rows, 1, KITH_BATCH_BYTES_MAX);
    break;
  case KITH_REQUEST_BATCH_STATUS:
    kith_read_array(reader, 1);
    read_round(reader, out->body.batch_status.round);
    break;
  case KITH_REQUEST_COHORT_GET:
    kith_read_array(reader, 2);
    read_round(reader, out->body.cohort_get.round);
    out->body.cohort_get.offset = kith_read_u64(reader, 0, KITH_LIST_BYTES_MAX);
    break;
  case KITH_REQUEST_AUDIT_GET:
    kith_read_array(reader, 1);
    out->body.audit_get.offset = kith_read_u64(reader, 0, KITH_AUDIT_EXPORT_BYTES_MAX);
    break;
  case KITH_REQUEST_REVIEW_GET:
    kith_read_array(reader, 1);
    read_round(reader, out->body.review_get.round);
    break;
  case KITH_REQUEST_TYPES:
    return KITH_ERR_NOT_FOUND;
  }
  return reader->err;
}

enum kith_err kith_request_read(struct kith_request *out, const void *bytes, size_t len)
{
  struct kith_reader reader;
  uint64_t type;
  enum kith_err err;

  memset(out, 0, sizeof *out);
  if ((err = kith_reader_init(&reader, bytes, len)) != KITH_OK)
    return err;
  kith_read_array(&reader, 4);
  kith_read_u64(&reader, MESSAGE_VERSION, MESSAGE_VERSION);
  type = kith_read_u64(&reader, 0, UINT64_MAX);
  out->request_id = kith_read_u64(&reader, 0, UINT64_MAX);
  if (reader.err != KITH_OK)
    return reader.err;
  if (type < KITH_REQUEST_HELLO || type >= KITH_REQUEST_TYPES)
    return KITH_ERR_NOT_FOUND;
  out->type = (enum kith_request_type)type;
  err = read_request_body(&reader, out);
  if (err == KITH_OK && (err = kith_reader_done(&reader)) != KITH_OK)
    kith_request_free(out);
  return err;
}

void kith_request_free(struct kith_request *request)
{
  if (request->type == KITH_REQUEST_DOCUMENT_PUT)
    kith_signed_free(&request->body.document_put);
}

/* ---- replies
 * --------------------------------------------------------------------------------------- */

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

static void write_reply_body(struct kith_buf *out, const struct kith_reply *reply)
{
  switch (reply->type) {
  case KITH_REQUEST_HELLO:
    kith_write_array(out, 4);
    kith_write_string(out, reply->body.hello.software);
    kith_write_u64(out, (uint64_t)reply->body.hello.time);
    write_hash(out, &reply->body.hello.charter);
    kith_write_u64(out, reply->body.hello.n_rounds);
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
  case KITH_REQUEST_BATCH_STATUS:
    kith_write_array(out, 1);
    write_span(out, &reply->body.batch_status);
    break;
  case KITH_REQUEST_COHORT_GET:
  case KITH_REQUEST_AUDIT_GET:
    kith_write_array(out, 3);
    kith_write_u64(out, reply->body.cohort_get.total);
    write_hash(out, &reply->body.cohort_get.hash);
    write_span(out, &reply->body.cohort_get.chunk);
    break;
  case KITH_REQUEST_REVIEW_GET:
    kith_write_array(out, 1);
    write_span(out, &reply->body.review_get);
    break;
  case KITH_REQUEST_TYPES:
    break;
  }
}

enum kith_err kith_reply_write(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_buf_clear(out);
  kith_write_array(out, 5);
  kith_write_u64(out, MESSAGE_VERSION);
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

static enum kith_err read_reply_body(struct kith_reader *reader, struct kith_reply *out)
{
  switch (out->type) {
  case KITH_REQUEST_HELLO:
    kith_read_array(reader, 4);
    kith_read_string(reader, out->body.hello.software, sizeof out->body.hello.software);
    out->body.hello.time = (int64_t)kith_read_u64(reader, 0, INT64_MAX);
    read_hash(reader, &out->body.hello.charter);
    out->body.hello.n_rounds = (uint32_t)kith_read_u64(reader, 0, KITH_ROUNDS_MAX);
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
  kith_read_u64(&reader, MESSAGE_VERSION, MESSAGE_VERSION);
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
  memset(reply, 0, sizeof *reply);
}
