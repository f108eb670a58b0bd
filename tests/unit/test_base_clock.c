#include "base/clock.h"

#include <time.h>

#include "base/mem.h"
#include "tests/unit/unit.h"

static void formats(void **state)
{
  static const struct {
    int64_t seconds;
    const char *text;
  } answers[] = {{0, "1970-01-01T00:00:00Z"},           {-1, "1969-12-31T23:59:59Z"},
                 {951782400, "2000-02-29T00:00:00Z"},   {1795426200, "2026-11-23T09:30:00Z"},
                 {4107542399, "2100-02-28T23:59:59Z"},  {253402300799, "9999-12-31T23:59:59Z"},
                 {-62135596800, "0001-01-01T00:00:00Z"}};
  char text[KITH_TIME_BYTES];
  int64_t back;

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(answers); i++) {
    kith_time_format(text, answers[i].seconds);
    assert_string_equal(text, answers[i].text);
    assert_int_equal(kith_time_parse(&back, text), KITH_OK);
    assert_true(back == answers[i].seconds);
  }
  kith_time_format(text, INT64_MAX);
  assert_string_equal(text, "9999-12-31T23:59:59Z");
  kith_time_format(text, INT64_MIN);
  assert_string_equal(text, "0001-01-01T00:00:00Z");
}

/* The C library as an oracle, a day and some seconds at a time. */
static void agrees_with_gmtime(void **state)
{
  (void)state;
  for (int64_t t = -62135596800; t < 253402300800; t += 86400 * 7 + 3607) {
    char text[KITH_TIME_BYTES];
    char expected[64];
    time_t seconds = (time_t)t;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    kith_time_format(text, t);
    assert_string_equal(text, expected);
  }
}

static void refuses(void **state)
{
  static const char *const bad[] = {
      "",
      "2026-11-23",
      "2026-11-23T09:30:00",
      "2026-11-23T09:30:00z",
      "2026-11-23 09:30:00Z",
      "2026-11-23T09:30:00Z ",
      " 2026-11-23T09:30:00Z",
      "2026-11-23T09:30:00+00:00",
      "2026-13-23T09:30:00Z",
      "2026-00-23T09:30:00Z",
      "2026-11-31T09:30:00Z",
      "2026-02-29T09:30:00Z",
      "2100-02-29T09:30:00Z",
      "2026-11-00T09:30:00Z",
      "2026-11-23T24:00:00Z",
      "2026-11-23T09:60:00Z",
      "2026-11-23T09:30:60Z",
      "0000-11-23T09:30:00Z",
      "+026-11-23T09:30:00Z",
      "2026-11-23T09:30:0xZ",
  };
  int64_t out = 5;

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_int_equal(kith_time_parse(&out, bad[i]), KITH_ERR_DATA);
  assert_int_equal(out, 5);
}

static void dates(void **state)
{
  int64_t expected = kith_date_days((struct kith_date){1, 1, 1});
  unsigned n_leap = 0;

  (void)state;
  assert_int_equal(expected, -719162);
  for (int year = 1; year <= 9999; year++) {
    for (int month = 0; month <= 13; month++) {
      for (int day = 0; day <= 32; day++) {
        struct kith_date date = {year, month, day};

        if (!kith_date_valid(date))
          continue;
        if (kith_date_days(date) != expected)
          fail_msg("%d-%d-%d", year, month, day);
        expected++;
        n_leap += month == 2 && day == 29;
      }
    }
  }
  assert_int_equal(n_leap, 2424);
  assert_int_equal(expected, 2932897);
  assert_false(kith_date_valid((struct kith_date){0, 1, 1}));
  assert_false(kith_date_valid((struct kith_date){10000, 1, 1}));
  assert_false(kith_date_valid((struct kith_date){2000, 1, -1}));
}

static void test_clock_moves_time(void **state)
{
  const char *path = unit_file(state, "clock", "3600\n", 5);
  int64_t before = (int64_t)time(NULL);
  int64_t monotonic = kith_clock_monotonic_ms();
  int64_t now;

  setenv("KITH_TEST_CLOCK", path, 1);
  now = kith_clock_now();
  assert_true(now >= before + 3600 && now < before + 3660);
  unit_file(state, "clock", "-86400", 6);
  now = kith_clock_now();
  assert_true(now >= before - 86400 && now < before - 86340);
  unsetenv("KITH_TEST_CLOCK");
  now = kith_clock_now();
  assert_true(now >= before && now < before + 60);
  assert_true(kith_clock_monotonic_ms() >= monotonic);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formats), cmocka_unit_test(agrees_with_gmtime),    cmocka_unit_test(refuses),
      cmocka_unit_test(dates),   cmocka_unit_test(test_clock_moves_time),
  };

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
