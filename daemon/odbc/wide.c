#include "daemon/odbc/wide.h"

#include <utf8proc.h>

enum {
  HIGH = 0xd800,
  LOW = 0xdc00,
  LOW_END = 0xe000,
  PLANE = 0x10000,
  UTF8_BYTES = 4,
  ASCII_BYTES = 256
};

static uint32_t next_letter(const char **utf8)
{
  utf8proc_int32_t letter = 0;
  utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)*utf8, -1, &letter);

  *utf8 += n > 0 ? n : 1;
  return n > 0 ? (uint32_t)letter : 0xfffd;
}

size_t kith_wide_len(const char *utf8)
{
  size_t n = 0;

  while (*utf8 != '\0')
    n += next_letter(&utf8) >= PLANE ? 2 : 1;
  return n;
}

void kith_wide_from(uint16_t *out, const char *utf8)
{
  while (*utf8 != '\0') {
    uint32_t letter = next_letter(&utf8);

    if (letter >= PLANE) {
      *out++ = (uint16_t)(HIGH | (letter - PLANE) >> 10);
      letter = LOW | ((letter - PLANE) & 0x3ff);
    }
    *out++ = (uint16_t)letter;
  }
  *out = 0;
}

static void put(struct kith_buf *out, uint32_t letter)
{
  utf8proc_uint8_t bytes[UTF8_BYTES];

  kith_buf_append(out, bytes, (size_t)utf8proc_encode_char((utf8proc_int32_t)letter, bytes));
}

/* Most of most texts. How many of the units, the first of which is one, were taken. */
static size_t put_ascii(struct kith_buf *out, const uint16_t *units, size_t n)
{
  char bytes[ASCII_BYTES];
  size_t len = 0;

  while (len < n && len < sizeof bytes && units[len] != 0 && units[len] < 0x80) {
    bytes[len] = (char)units[len];
    len++;
  }
  kith_buf_append(out, bytes, len);
  return len;
}

void kith_wide_read(struct kith_wide_reader *reader, struct kith_buf *out, const uint16_t *units,
                    size_t n)
{
  for (size_t i = 0; i < n; i++) {
    const uint16_t unit = units[i];

    if (reader->high) {
      if (unit >= LOW && unit < LOW_END)
        put(out, PLANE + ((uint32_t)(reader->high - HIGH) << 10 | (uint32_t)(unit - LOW)));
      else
        reader->bad = true;
      reader->high = 0;
      if (unit >= LOW && unit < LOW_END)
        continue;
    }
    if (unit >= HIGH && unit < LOW)
      reader->high = unit;
    else if (unit >= LOW && unit < LOW_END)
      reader->bad = true;
    else if (unit == 0)
      reader->nul = true;
    else if (unit < 0x80)
      i += put_ascii(out, units + i, n - i) - 1;
    else
      put(out, unit);
  }
}

void kith_wide_end(struct kith_wide_reader *reader)
{
  reader->bad |= reader->high != 0;
  reader->high = 0;
}
