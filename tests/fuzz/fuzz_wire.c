/* The reader of MessagePack: what it takes, read value by value and written again, is the same
 * bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_value(struct kith_reader *reader, struct kith_buf *out)
{
  uint8_t first = reader->bytes[reader->at];
  size_t len;

  if ((first >= 0x90 && first <= 0x9f) || first == 0xdc || first == 0xdd) {
    uint32_t n = kith_read_array_between(reader, 0, UINT32_MAX);

    kith_write_array(out, n);
    for (uint32_t i = 0; i < n && reader->err == KITH_OK; i++)
      copy_value(reader, out);
  } else if ((first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb)) {
    char *text = malloc(reader->len + 1);

    if (!text)
      abort();
    kith_read_string(reader, text, reader->len + 1);
    kith_write_string(out, text);
    free(text);
  } else if (first >= 0xc4 && first <= 0xc6) {
    const uint8_t *bytes = kith_read_bin(reader, &len, 0, SIZE_MAX);

    kith_write_bin(out, bytes, len);
  } else {
    kith_write_u64(out, kith_read_u64(reader, 0, UINT64_MAX));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_reader reader;
  struct kith_reader whole;
  struct kith_buf out = {0};
  size_t len;

  if (kith_reader_init(&reader, data, size) != KITH_OK) {
    if (kith_read_u64(&reader, 0, UINT64_MAX) || kith_read_value(&reader, &len))
      abort();
    return 0;
  }
  whole = reader;
  if (kith_read_value(&whole, &len) != data || len != size || kith_reader_done(&whole) != KITH_OK)
    abort();
  copy_value(&reader, &out);
  /* Only text can still be refused. */
  if (kith_reader_done(&reader) == KITH_OK &&
      (kith_buf_err(&out) != KITH_OK || out.len != size || memcmp(out.bytes, data, size) != 0))
    abort();
  kith_buf_free(&out);
  return 0;
}
