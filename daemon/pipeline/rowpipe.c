#include "daemon/pipeline/rowpipe.h"

#include <string.h>

#include "base/text.h"

enum { FIXED_BYTES = 12, LEN_BYTES = 4 };

static void put_u32(uint8_t out[4], uint32_t value)
{
  for (unsigned i = 0; i < 4; i++)
    out[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *bytes)
{
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

/* ---- writing */

size_t kith_rowpipe_begin(struct kith_buf *buf, enum kith_rowpipe_type type, uint32_t a, uint32_t b)
{
  uint8_t head[KITH_ROWPIPE_HEAD_BYTES + FIXED_BYTES] = {(uint8_t)type};
  size_t frame = buf->len;

  put_u32(head + KITH_ROWPIPE_HEAD_BYTES, a);
  put_u32(head + KITH_ROWPIPE_HEAD_BYTES + 4, b);
  kith_buf_append(buf, head, sizeof head);
  return frame;
}

void kith_rowpipe_text(struct kith_buf *buf, const char *text, size_t len)
{
  uint8_t head[LEN_BYTES];

  put_u32(head, (uint32_t)len);
  kith_buf_append(buf, head, sizeof head);
  kith_buf_append(buf, text, len);
  kith_buf_append(buf, "", 1);
}

void kith_rowpipe_end(struct kith_buf *buf, size_t frame, size_t n_texts)
{
  if (kith_buf_err(buf) != KITH_OK)
    return;
  put_u32(buf->bytes + frame + 1, (uint32_t)(buf->len - frame - KITH_ROWPIPE_HEAD_BYTES));
  put_u32(buf->bytes + frame + KITH_ROWPIPE_HEAD_BYTES + 8, (uint32_t)n_texts);
}

void kith_rowpipe_strings(struct kith_buf *buf, enum kith_rowpipe_type type, uint32_t a,
                          const char *const *strings, size_t n)
{
  size_t frame = kith_rowpipe_begin(buf, type, a, 0);

  for (size_t i = 0; i < n; i++)
    kith_rowpipe_text(buf, strings[i], strlen(strings[i]));
  kith_rowpipe_end(buf, frame, n);
}

/* ---- reading */

static enum kith_err read_texts(struct kith_rowpipe_frame *out, const uint8_t *bytes, size_t len)
{
  size_t at = 0;

  for (size_t i = 0; i < out->n_texts; i++) {
    size_t text_len;

    if (len - at < LEN_BYTES + 1)
      return KITH_ERR_DATA;
    text_len = get_u32(bytes + at);
    at += LEN_BYTES;
    if (text_len >= len - at || bytes[at + text_len] != '\0' ||
        memchr(bytes + at, '\0', text_len) || !kith_utf8_valid((const char *)bytes + at, text_len))
      return KITH_ERR_DATA;
    out->texts[i] = (const char *)bytes + at;
    out->lens[i] = text_len;
    at += text_len + 1;
  }
  return at == len ? KITH_OK : KITH_ERR_DATA;
}

enum kith_err kith_rowpipe_read(struct kith_rowpipe_frame *out, size_t *used, const uint8_t *bytes,
                                size_t len)
{
  size_t body;
  enum kith_err err;

  if (len >= 1 && (bytes[0] == '\0' || !strchr("QOHREF", bytes[0])))
    return KITH_ERR_DATA;
  if (len < KITH_ROWPIPE_HEAD_BYTES)
    return KITH_ERR_NOT_FOUND;
  body = get_u32(bytes + 1);
  if (body < FIXED_BYTES || body > KITH_ROWPIPE_BODY_BYTES_MAX)
    return KITH_ERR_DATA;
  if (len - KITH_ROWPIPE_HEAD_BYTES < body)
    return KITH_ERR_NOT_FOUND;
  out->type = (enum kith_rowpipe_type)bytes[0];
  bytes += KITH_ROWPIPE_HEAD_BYTES;
  out->a = get_u32(bytes);
  out->b = get_u32(bytes + 4);
  out->n_texts = get_u32(bytes + 8);
  if (out->n_texts > KITH_ROWPIPE_TEXTS_MAX)
    return KITH_ERR_DATA;
  err = read_texts(out, bytes + FIXED_BYTES, body - FIXED_BYTES);
  if (err == KITH_OK)
    *used = KITH_ROWPIPE_HEAD_BYTES + body;
  return err;
}
