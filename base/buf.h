/* A growing byte buffer with a ceiling, for building messages and files.
 *
 * Life: kith_buf_init (or zero bytes with max = 0, meaning no ceiling), append, kith_buf_free.
 * The first failed append sticks: later appends do nothing, kith_buf_err tells, so that a
 * writer checks once at the end. Not for secrets. */
#ifndef KITH_BASE_BUF_H
#define KITH_BASE_BUF_H

#include <stdint.h>

#include "base/err.h"

struct kith_buf {
  uint8_t *bytes; /* owned; `len` are in use */
  size_t len;
  size_t cap;
  size_t max; /* ceiling in bytes, 0 for none */
  enum kith_err err;
};

void kith_buf_init(struct kith_buf *buf, size_t max);
void kith_buf_append(struct kith_buf *buf, const void *bytes, size_t len);
void kith_buf_append_string(struct kith_buf *buf, const char *string);
void kith_buf_printf(struct kith_buf *buf, const char *format, ...) KITH_PRINTF(2, 3);
/* KITH_OK, KITH_ERR_MEMORY or KITH_ERR_LIMIT. */
KITH_MUST_USE enum kith_err kith_buf_err(const struct kith_buf *buf);
/* Forgets the content and the error, keeps the memory. */
void kith_buf_clear(struct kith_buf *buf);
void kith_buf_free(struct kith_buf *buf);

#endif
