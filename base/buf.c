#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_CAP = 256 };

void kith_buf_init(struct kith_buf *buf, size_t max)
{
  *buf = (struct kith_buf){.max = max};
}

/* Room for `extra` bytes more, or a sticky error. */
static int reserve(struct kith_buf *buf, size_t extra)
{
  size_t need;
  size_t cap = buf->cap ? buf->cap : FIRST_CAP;
  uint8_t *bytes;

  if (buf->err != KITH_OK)
    return 0;
  if (__builtin_add_overflow(buf->len, extra, &need) || (buf->max && need > buf->max)) {
    buf->err = KITH_ERR_LIMIT;
    return 0;
  }
  if (buf->bytes && need <= buf->cap)
    return 1;
  while (cap < need && !__builtin_mul_overflow(cap, (size_t)2, &cap))
    ;
  bytes = cap >= need ? kith_realloc(buf->bytes, cap, 1) : NULL;
  if (!bytes) {
    buf->err = KITH_ERR_MEMORY;
    return 0;
  }
  buf->bytes = bytes;
  buf->cap = cap;
  return 1;
}

void kith_buf_append(struct kith_buf *buf, const void *bytes, size_t len)
{
  if (!reserve(buf, len))
    return;
  if (len)
    memcpy(buf->bytes + buf->len, bytes, len);
  buf->len += len;
}

void kith_buf_append_string(struct kith_buf *buf, const char *string)
{
  kith_buf_append(buf, string, strlen(string));
}

void kith_buf_printf(struct kith_buf *buf, const char *format, ...)
{
  char few[256];
  char *text = few;
  va_list args;
  int len;

  if (buf->err != KITH_OK)
    return;
  va_start(args, format);
  len = vsnprintf(few, sizeof few, format, args);
  va_end(args);
  if (len >= 0 && (size_t)len >= sizeof few) {
    text = kith_calloc((size_t)len + 1, 1);
    if (text) {
      va_start(args, format);
      len = vsnprintf(text, (size_t)len + 1, format, args);
      va_end(args);
    }
  }
  if (len < 0 || !text)
    buf->err = KITH_ERR_MEMORY;
  else
    kith_buf_append(buf, text, (size_t)len);
  if (text != few)
    kith_free(text);
}

enum kith_err kith_buf_err(const struct kith_buf *buf)
{
  return buf->err;
}

void kith_buf_clear(struct kith_buf *buf)
{
  buf->len = 0;
  buf->err = KITH_OK;
}

void kith_buf_free(struct kith_buf *buf)
{
  kith_free(buf->bytes);
  *buf = (struct kith_buf){.max = buf->max};
}
