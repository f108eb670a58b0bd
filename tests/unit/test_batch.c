#include "proto/batch.h"
#include "proto/policy_blind.h"

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

/* Every row of every kind has one place, in order; what is one row longer does not fit. */
static void plans(void **state)
{
  static const uint64_t records[] = {1, 1956, 1957, 65536, 65537, 345000};
  static kith_member_id agencies[] = {"a", "b", "c"};
  static struct kith_policy policy;

  (void)state;
  kith_policy_default(&policy, (const char(*)[KITH_MEMBER_ID_BYTES])agencies, 3);
  kith_policy_default_blind(&policy);
  for (size_t i = 0; i < sizeof records / sizeof *records; i++)
    for (unsigned roster = 2; roster <= 6; roster++) {
      struct kith_batch_plan plan;
      struct kith_batch_place at;
      uint64_t n_handles = 0;
      uint64_t n_rows[6] = {0};
      uint32_t number = 0;

      kith_batch_plan_make(&plan, &policy, records[i], roster);
      assert_int_equal(plan.n_peer_rows, records[i] * 8);
      for (; number + 1 < plan.n_batches; number++) {
        kith_batch_plan_at(&at, &plan, number);
        assert_true(at.n > 0 && at.n * at.row_bytes <= KITH_BATCH_BYTES_MAX);
        assert_true(kith_batch_plan_fits(&plan, number, at.n * at.row_bytes));
        assert_false(kith_batch_plan_fits(&plan, number, (at.n + 1) * at.row_bytes));
        assert_false(kith_batch_plan_fits(&plan, number, at.n * at.row_bytes - 1));
        assert_int_equal(at.first, at.kind == KITH_BATCH_HANDLES ? n_handles : n_rows[at.peer]);
        *(at.kind == KITH_BATCH_HANDLES ? &n_handles : &n_rows[at.peer]) += at.n;
      }
      kith_batch_plan_at(&at, &plan, number);
      assert_int_equal(at.kind, KITH_BATCH_NEAR);
      assert_true(kith_batch_plan_fits(&plan, number, 20));
      assert_false(kith_batch_plan_fits(&plan, number, 0));
      assert_false(kith_batch_plan_fits(&plan, number, KITH_BATCH_BYTES_MAX + 1));
      assert_int_equal(n_handles, records[i]);
      for (unsigned peer = 0; peer + 1 < roster; peer++)
        assert_int_equal(n_rows[peer], plan.n_peer_rows);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(row_sizes),
      cmocka_unit_test(rows),
      cmocka_unit_test(counts),
      cmocka_unit_test(plans),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
