/* MessagePack, strictly. The only files that include msgpack.h are proto/wire*.c.
 *
 * Writer: appends to a kith_buf; errors stick in the buffer. Reader: a cursor over bytes that it
 * does not own, with a sticky error: after the first violation every read gives zero or empty, and
 * kith_reader_done tells. kith_reader_init first walks the whole input: one value, no deeper than
 * KITH_WIRE_DEPTH_MAX, every declared length covered by bytes that are there, shortest integer and
 * length forms, no ext, float or map, no trailing bytes. */
#ifndef KITH_PROTO_WIRE_H
#define KITH_PROTO_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/limits.h"

void kith_write_array(struct kith_buf *buf, uint32_t n);
void kith_write_u64(struct kith_buf *buf, uint64_t number);
void kith_write_bin(struct kith_buf *buf, const void *bytes, size_t len);
void kith_write_string(struct kith_buf *buf, const char *string);

struct kith_reader {
  const uint8_t *bytes;
  size_t len;
  size_t at;
  enum kith_err err; /* KITH_OK or KITH_ERR_DATA, sticky */
};

KITH_MUST_USE enum kith_err kith_reader_init(struct kith_reader *reader, const void *bytes,
                                             size_t len);
/* An array of exactly n elements; the elements follow. */
void kith_read_array(struct kith_reader *reader, uint32_t n);
/* An array of min .. max elements; their number is returned (0 on error). */
uint32_t kith_read_array_between(struct kith_reader *reader, uint32_t min, uint32_t max);
uint64_t kith_read_u64(struct kith_reader *reader, uint64_t min, uint64_t max);
/* Borrowed bytes of the input, min .. max long; NULL and *len = 0 on error. */
const uint8_t *kith_read_bin(struct kith_reader *reader, size_t *len, size_t min, size_t max);
/* Exactly `len` bytes, copied; zeroed on error. */
void kith_read_bin_exact(struct kith_reader *reader, void *out, size_t len);
/* UTF-8 without NUL, 0 .. cap - 1 bytes, copied with a terminator; empty on error. */
void kith_read_string(struct kith_reader *reader, char *out, size_t cap);
/* A member's id, [a-z0-9_]{1,32}. */
void kith_read_member(struct kith_reader *reader, char out[KITH_MEMBER_ID_BYTES]);
/* The bytes of the next value, whole, borrowed, and the cursor after it. */
const uint8_t *kith_read_value(struct kith_reader *reader, size_t *len);
/* The sticky error, or KITH_ERR_DATA where something is left. */
KITH_MUST_USE enum kith_err kith_reader_done(const struct kith_reader *reader);

bool kith_member_id_valid(const char *id);

#endif
