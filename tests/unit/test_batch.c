#include "proto/batch.h"

#include "tests/unit/unit.h"

static void row_sizes(void **state)
{
  (void)state;
  assert_int_equal(kith_batch_row_bytes(8), 16 + 2 + 8);
  assert_int_equal(kith_batch_row_bytes(9), 16 + 2 + 9);
  assert_int_equal(kith_batch_row_bytes(128), 16 + 2 + 128);
  assert_int_equal(kith_batch_row_bytes(KITH_FILTER_BYTES_MAX), 16 + 2 + 1024);
}

/* Handle, mask with its low byte first, filter; and not a byte more. */
static void rows(void **state)
{
  uint8_t handle[KITH_HANDLE_BYTES];
  uint8_t filter[9];
  uint8_t row[16 + 2 + 9 + 1];

  (void)state;
  memset(handle, 0xaa, sizeof handle);
  memset(filter, 0xbb, sizeof filter);
  for (size_t bytes = 1; bytes <= sizeof filter; bytes++) {
    size_t len = kith_batch_row_bytes(bytes);

    memset(row, 0x11, sizeof row);
    kith_batch_row_write(row, handle, 0x1234, filter, bytes);
    assert_memory_equal(row, handle, 16);
    assert_int_equal(row[16], 0x34);
    assert_int_equal(row[17], 0x12);
    assert_int_equal(row[18], 0xbb);
    assert_int_equal(row[len - 1], 0xbb);
    assert_int_equal(row[len], 0x11);
    assert_int_equal(kith_batch_row_mask(row), 0x1234);
    assert_ptr_equal(kith_batch_row_filters(row), row + 18);
  }
  kith_batch_row_write(row, handle, 0xffff, filter, 8);
  assert_int_equal(kith_batch_row_mask(row), 0xffff);
}

static void counts(void **state)
{
  static const size_t bytes[] = {8, 13, 128, KITH_FILTERS_MAX * KITH_FILTER_BYTES_MAX};

  (void)state;
  assert_int_equal(kith_batch_rows_max(146), 7182);
  assert_int_equal(kith_batch_rows_max(KITH_BATCH_BYTES_MAX), 1);
  for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
    size_t row_bytes = kith_batch_row_bytes(bytes[i]);
    uint64_t rows_max = kith_batch_rows_max(row_bytes);

    assert_true(rows_max * row_bytes <= KITH_BATCH_BYTES_MAX);
    assert_true((rows_max + 1) * row_bytes > KITH_BATCH_BYTES_MAX);
    assert_int_equal(kith_batch_count(0, row_bytes), 0);
    assert_int_equal(kith_batch_count(1, row_bytes), 1);
    assert_int_equal(kith_batch_count(rows_max, row_bytes), 1);
    assert_int_equal(kith_batch_count(rows_max + 1, row_bytes), 2);
    assert_int_equal(kith_batch_count(7 * rows_max, row_bytes), 7);
    assert_int_equal(kith_batch_count(UINT32_MAX, row_bytes),
                     UINT32_MAX / rows_max + (UINT32_MAX % rows_max ? 1 : 0));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(row_sizes),
      cmocka_unit_test(rows),
      cmocka_unit_test(counts),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
