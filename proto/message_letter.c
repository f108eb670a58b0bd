/* letter.put and letter.get, with their replies. */
#include "base/mem.h"
#include "proto/message.h"

static enum kith_letter_kind read_kind(struct kith_reader *reader)
{
  return (enum kith_letter_kind)kith_read_u64(reader, KITH_LETTER_REQUEST, KITH_LETTER_KINDS - 1);
}

void kith_letter_request_write(struct kith_buf *out, const struct kith_request *request)
{
  if (request->type == KITH_REQUEST_LETTER_GET) {
    kith_write_array(out, 2);
    kith_write_bin(out, request->body.letter_get.round, KITH_ROUND_ID_BYTES);
    kith_write_u64(out, request->body.letter_get.after);
    return;
  }
  kith_write_array(out, 5);
  kith_write_bin(out, request->body.letter_put.round, KITH_ROUND_ID_BYTES);
  kith_write_string(out, request->body.letter_put.reader);
  kith_write_u64(out, request->body.letter_put.kind);
  kith_write_bin(out, request->body.letter_put.id.bytes, KITH_HASH_BYTES);
  kith_write_bin(out, request->body.letter_put.sealed.bytes, request->body.letter_put.sealed.len);
}

void kith_letter_request_read(struct kith_reader *reader, struct kith_request *out)
{
  struct kith_span *sealed = &out->body.letter_put.sealed;

  if (out->type == KITH_REQUEST_LETTER_GET) {
    kith_read_array(reader, 2);
    kith_read_bin_exact(reader, out->body.letter_get.round, KITH_ROUND_ID_BYTES);
    out->body.letter_get.after = (uint32_t)kith_read_u64(reader, 0, UINT32_MAX);
    return;
  }
  kith_read_array(reader, 5);
  kith_read_bin_exact(reader, out->body.letter_put.round, KITH_ROUND_ID_BYTES);
  kith_read_member(reader, out->body.letter_put.reader);
  out->body.letter_put.kind = read_kind(reader);
  kith_read_bin_exact(reader, out->body.letter_put.id.bytes, KITH_HASH_BYTES);
  sealed->bytes = kith_read_bin(reader, &sealed->len, 1, KITH_SEALED_LETTER_BYTES_MAX);
}

void kith_letter_reply_write(struct kith_buf *out, const struct kith_reply *reply)
{
  kith_write_array(out, 1);
  if (reply->type == KITH_REQUEST_LETTER_PUT) {
    kith_write_u64(out, reply->body.letter_put);
    return;
  }
  kith_write_array(out, reply->body.letter_get.n);
  for (uint32_t i = 0; i < reply->body.letter_get.n; i++) {
    const struct kith_letter_entry *letter = &reply->body.letter_get.letters[i];

    kith_write_array(out, 5);
    kith_write_u64(out, letter->number);
    kith_write_string(out, letter->author);
    kith_write_u64(out, letter->kind);
    kith_write_bin(out, letter->id.bytes, KITH_HASH_BYTES);
    kith_write_bin(out, letter->sealed.bytes, letter->sealed.len);
  }
}

enum kith_err kith_letter_reply_read(struct kith_reader *reader, struct kith_reply *out)
{
  uint32_t n;

  kith_read_array(reader, 1);
  if (out->type == KITH_REQUEST_LETTER_PUT) {
    out->body.letter_put = (uint32_t)kith_read_u64(reader, 1, UINT32_MAX);
    return reader->err;
  }
  n = kith_read_array_between(reader, 0, KITH_LETTERS_MAX);
  out->body.letter_get.letters = KITH_NEW_ARRAY(struct kith_letter_entry, n);
  if (!out->body.letter_get.letters)
    return KITH_ERR_MEMORY;
  out->body.letter_get.n = n;
  for (uint32_t i = 0; i < n; i++) {
    struct kith_letter_entry *letter = &out->body.letter_get.letters[i];

    kith_read_array(reader, 5);
    letter->number = (uint32_t)kith_read_u64(reader, 1, UINT32_MAX);
    kith_read_member(reader, letter->author);
    letter->kind = read_kind(reader);
    kith_read_bin_exact(reader, letter->id.bytes, KITH_HASH_BYTES);
    letter->sealed.bytes =
        kith_read_bin(reader, &letter->sealed.len, 1, KITH_SEALED_LETTER_BYTES_MAX);
  }
  return reader->err;
}
