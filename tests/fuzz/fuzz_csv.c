/* CSV from bytes to rows, in pieces of any size, against a reader that goes byte by byte
 * (tests/unit/csv_oracle.h). The first bytes say the delimiter, the limits and the pieces. */
#include <stdlib.h>

#include "tests/unit/csv_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTINGS = 6, TEXT_MAX = 4096 };

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct kith_csv_block *block;
  struct kith_csv_parser parser = {.line = 1};
  struct kith_buf want = {0};
  struct kith_buf got = {0};
  struct pieces pieces = {{0}, false};

  if (size < SETTINGS || size > TEXT_MAX)
    return 0;
  if (!block)
    require(kith_csv_block_make(&block, KITH_CSV_TEXT_BYTES) == KITH_OK);
  parser.delimiter = ",;\t|"[data[0] % 4];
  parser.max_columns = 1 + data[0] / 4;
  parser.max_field_bytes = data[1] ? data[1] : TEXT_MAX;
  parser.max_row_bytes = data[2] ? data[2] : TEXT_MAX;
  for (size_t i = 0; i < 3; i++)
    pieces.sizes[i] = data[3 + i];
  data += SETTINGS;
  size -= SETTINGS;
  oracle_rows(&want, &parser, data, size);
  pieces_rows(&got, parser, block, data, size, &pieces);
  require(kith_buf_err(&want) == KITH_OK && kith_buf_err(&got) == KITH_OK);
  require(want.len == got.len && (want.len == 0 || memcmp(want.bytes, got.bytes, want.len) == 0));
  kith_buf_free(&want);
  kith_buf_free(&got);
  return 0;
}
