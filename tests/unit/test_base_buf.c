#include "base/buf.h"

#include "tests/unit/unit.h"

static void grows(void **state)
{
  struct kith_buf buf;

  (void)state;
  kith_buf_init(&buf, 0);
  for (int i = 0; i < 1000; i++)
    kith_buf_printf(&buf, "%03d,", i);
  kith_buf_append_string(&buf, "end");
  kith_buf_append(&buf, NULL, 0);
  assert_int_equal(kith_buf_err(&buf), KITH_OK);
  assert_int_equal(buf.len, 4003);
  assert_memory_equal(buf.bytes, "000,001,002,", 12);
  assert_memory_equal(buf.bytes + 4000, "end", 3);
  kith_buf_free(&buf);
  assert_null(buf.bytes);
}

static void prints_long_text(void **state)
{
  struct kith_buf buf = {0};

  (void)state;
  kith_buf_printf(&buf, "%0255d", 7);
  kith_buf_printf(&buf, "%0256d", 8);
  kith_buf_printf(&buf, "%05000d", 9);
  assert_int_equal(kith_buf_err(&buf), KITH_OK);
  assert_int_equal(buf.len, 255 + 256 + 5000);
  assert_int_equal(buf.bytes[254], '7');
  assert_int_equal(buf.bytes[255 + 255], '8');
  assert_int_equal(buf.bytes[buf.len - 1], '9');
  kith_buf_free(&buf);
}

static void ceiling_sticks(void **state)
{
  struct kith_buf buf;

  (void)state;
  kith_buf_init(&buf, 4);
  kith_buf_append(&buf, "abcd", 4);
  assert_int_equal(kith_buf_err(&buf), KITH_OK);
  kith_buf_append(&buf, "e", 1);
  assert_int_equal(kith_buf_err(&buf), KITH_ERR_LIMIT);
  assert_int_equal(buf.len, 4);
  kith_buf_clear(&buf);
  assert_int_equal(kith_buf_err(&buf), KITH_OK);
  kith_buf_append(&buf, "abcde", 5);
  kith_buf_append(&buf, "a", 1);
  assert_int_equal(kith_buf_err(&buf), KITH_ERR_LIMIT);
  assert_int_equal(buf.len, 0);
  kith_buf_clear(&buf);
  kith_buf_append(&buf, "a", SIZE_MAX);
  assert_int_equal(kith_buf_err(&buf), KITH_ERR_LIMIT);
  kith_buf_free(&buf);
}

static void memory_runs_out(void **state)
{
  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_buf buf = {0};

    kith_buf_append(&buf, "some", 4);
    kith_buf_printf(&buf, "%0600d", 1);
    if (kith_buf_err(&buf) == KITH_OK) {
      assert_int_equal(buf.len, 604);
      unit_allocations_done();
    } else {
      assert_int_equal(kith_buf_err(&buf), KITH_ERR_MEMORY);
    }
    kith_buf_free(&buf);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grows),
      cmocka_unit_test(prints_long_text),
      cmocka_unit_test(ceiling_sticks),
      cmocka_unit_test(memory_runs_out),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
