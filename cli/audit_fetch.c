/* An audit log, asked of the node that keeps it, in pieces of one export. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/home.h"

enum { TRIES = 3 };

struct piece {
  uint64_t total;
  struct kith_hash hash;
  uint8_t *bytes; /* owned */
  size_t len;
};

static enum kith_err ask_daemon(struct kith_home *home, struct piece *out, uint64_t offset,
                                struct kith_fault *fault)
{
  json_t *reply = NULL;
  const char *base64;
  const char *hash;
  size_t cap;
  enum kith_err err = kith_home_ask(
      home, &reply, json_pack("{s:s, s:I}", "do", "audit", "offset", (json_int_t)offset), fault);

  if (err != KITH_OK)
    return err;
  base64 = json_string_value(json_object_get(reply, "piece"));
  hash = json_string_value(json_object_get(reply, "hash"));
  out->total = (uint64_t)json_integer_value(json_object_get(reply, "total"));
  cap = base64 ? strlen(base64) / 4 * 3 + 1 : 1;
  out->bytes = kith_realloc(NULL, cap, 1);
  if (!out->bytes)
    err = kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  else if (!base64 || !hash ||
           kith_base64_decode_any(out->bytes, &out->len, cap, base64, strlen(base64)) != KITH_OK ||
           kith_hex_decode(out->hash.bytes, KITH_HASH_BYTES, hash) != KITH_OK)
    err = kith_fail(fault, KITH_ERR_INTERNAL, "kithd's answer can't be read");
  json_decref(reply);
  return err;
}

static enum kith_err ask_matcher(struct kith_home *home, struct piece *out, uint64_t offset,
                                 struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_AUDIT_GET};
  struct kith_reply reply;
  enum kith_err err;

  request.body.audit_get.offset = offset;
  err = kith_home_call(home, &reply, &request, fault);
  if (err != KITH_OK)
    return err;
  out->total = reply.body.cohort_get.total;
  out->hash = reply.body.cohort_get.hash;
  out->len = reply.body.cohort_get.chunk.len;
  out->bytes = kith_memdup(reply.body.cohort_get.chunk.bytes, out->len);
  kith_reply_free(&reply);
  return out->bytes || out->len == 0 ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
}

/* KITH_ERR_EXISTS: another export was made meanwhile. */
static enum kith_err fetch(struct kith_home *home, struct kith_buf *out, struct kith_fault *fault)
{
  struct kith_hash hash = {{0}};
  struct kith_hash found;
  uint64_t total = 1;
  enum kith_err err = KITH_OK;

  kith_buf_clear(out);
  while (err == KITH_OK && out->len < total) {
    struct piece piece = {0};

    err = home->agency ? ask_daemon(home, &piece, out->len, fault)
                       : ask_matcher(home, &piece, out->len, fault);
    if (err == KITH_OK && out->len == 0)
      hash = piece.hash;
    total = piece.total;
    if (err == KITH_OK && !kith_hash_equal(&hash, &piece.hash))
      err = KITH_ERR_EXISTS;
    else if (err == KITH_OK && piece.len == 0)
      err = kith_fail(fault, KITH_ERR_INTERNAL, "the audit log came to an end before its end");
    if (err == KITH_OK) {
      kith_buf_append(out, piece.bytes, piece.len);
      err = kith_buf_err(out);
    }
    kith_free(piece.bytes);
  }
  if (err != KITH_OK)
    return err;
  kith_hash_bytes(&found, "kith audit export v1", out->bytes, out->len);
  return kith_hash_equal(&found, &hash) ? KITH_OK : KITH_ERR_EXISTS;
}

enum kith_err kith_home_audit(struct kith_home *home, uint8_t **out, size_t *len,
                              struct kith_fault *fault)
{
  struct kith_buf bytes;
  enum kith_err err = KITH_ERR_EXISTS;

  kith_buf_init(&bytes, KITH_AUDIT_EXPORT_BYTES_MAX);
  for (unsigned i = 0; err == KITH_ERR_EXISTS && i < TRIES; i++)
    err = fetch(home, &bytes, fault);
  if (err == KITH_ERR_EXISTS)
    err = kith_fail(fault, KITH_ERR_UNAVAILABLE, "the log grows too fast just now: try again");
  if (err == KITH_OK) {
    *out = bytes.bytes;
    *len = bytes.len;
    return KITH_OK;
  }
  kith_buf_free(&bytes);
  return err;
}
