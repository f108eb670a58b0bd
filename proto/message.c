#include "proto/message.h"

#include <string.h>

#include "base/mem.h"
#include "proto/message_parts.h"

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
    [KITH_REQUEST_PROPOSAL_PUT] = "proposal.put",
    [KITH_REQUEST_PROPOSAL_LIST] = "proposal.list",
    [KITH_REQUEST_LETTER_PUT] = "letter.put",
    [KITH_REQUEST_LETTER_GET] = "letter.get",
    [KITH_REQUEST_COSIGN_GET] = "cosign.get",
    [KITH_REQUEST_COSIGN_PUT] = "cosign.put",
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

/* ---- requests
 * ------------------------------------------------------------------------------------ */

static void write_batch_put(struct kith_buf *out, const struct kith_request *request)
{
  kith_write_array(out, 4);
  write_round(out, request->body.batch_put.round);
  kith_write_u64(out, request->body.batch_put.number);
  write_hash(out, &request->body.batch_put.hash);
  write_span(out, &request->body.batch_put.rows);
}

static void write_request_body(struct kith_buf *out, const struct kith_request *request)
{
  switch (request->type) {
  case KITH_REQUEST_HELLO:
  case KITH_REQUEST_ROUND_LIST:
  case KITH_REQUEST_PROPOSAL_LIST:
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
    write_batch_put(out, request);
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
  case KITH_REQUEST_BATCH_STATUS: /* the round alone, as review.get */
  case KITH_REQUEST_REVIEW_GET:
    kith_write_array(out, 1);
    write_round(out, request->body.review_get.round);
    break;
  case KITH_REQUEST_PROPOSAL_PUT:
    kith_write_array(out, 1);
    write_span(out, &request->body.proposal_put);
    break;
  case KITH_REQUEST_COSIGN_GET:
  case KITH_REQUEST_COSIGN_PUT:
    kith_cosign_request_write(out, request);
    break;
  default:
    kith_letter_request_write(out, request);
    break;
  }
}

enum kith_err kith_request_write(struct kith_buf *out, const struct kith_request *request)
{
  kith_buf_clear(out);
  kith_write_array(out, 4);
  kith_write_u64(out, KITH_MESSAGE_VERSION);
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

static void read_batch_put(struct kith_reader *reader, struct kith_request *out)
{
  kith_read_array(reader, 4);
  read_round(reader, out->body.batch_put.round);
  out->body.batch_put.number = (uint32_t)kith_read_u64(reader, 0, KITH_BATCHES_MAX - 1);
  read_hash(reader, &out->body.batch_put.hash);
  read_span(reader, &out->body.batch_put.rows, 1, KITH_BATCH_BYTES_MAX);
}

static enum kith_err read_request_body(struct kith_reader *reader, struct kith_request *out)
{
  switch (out->type) {
  case KITH_REQUEST_HELLO:
  case KITH_REQUEST_ROUND_LIST:
  case KITH_REQUEST_PROPOSAL_LIST:
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
    read_batch_put(reader, out);
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
  case KITH_REQUEST_PROPOSAL_PUT:
    kith_read_array(reader, 1);
    read_span(reader, &out->body.proposal_put, 1, KITH_PROPOSAL_BYTES_MAX);
    break;
  case KITH_REQUEST_LETTER_PUT:
  case KITH_REQUEST_LETTER_GET:
    kith_letter_request_read(reader, out);
    break;
  case KITH_REQUEST_COSIGN_GET:
  case KITH_REQUEST_COSIGN_PUT:
    kith_cosign_request_read(reader, out);
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
  kith_read_u64(&reader, KITH_MESSAGE_VERSION, KITH_MESSAGE_VERSION);
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
