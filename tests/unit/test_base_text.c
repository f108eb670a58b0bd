#include "base/text.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static void hex(void **state)
{
  static const char *const bad[] = {"", "00", "0001f", "0001fff", "0001fg", " 001ff", "0x01ff"};
  const uint8_t bytes[] = {0x00, 0x01, 0xff};
  uint8_t back[3];
  char text[7];

  (void)state;
  kith_hex_encode(text, bytes, 3);
  assert_string_equal(text, "0001ff");
  assert_int_equal(kith_hex_decode(back, 3, "0001Ff"), KITH_OK);
  assert_memory_equal(back, bytes, 3);
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_int_equal(kith_hex_decode(back, 3, bad[i]), KITH_ERR_DATA);
  kith_hex_encode(text, bytes, 0);
  assert_string_equal(text, "");
  assert_int_equal(kith_hex_decode(back, 0, ""), KITH_OK);
}

/* RFC 4648, section 10. */
static void base64_known_answers(void **state)
{
  static const char *const answers[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  uint8_t back[8];
  char text[16];
  size_t len;

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(answers); i++) {
    kith_base64_encode(text, "foobar", i);
    assert_string_equal(text, answers[i]);
    assert_int_equal(strlen(text) + 1, KITH_BASE64_BYTES(i));
    assert_int_equal(kith_base64_decode(back, i, answers[i]), KITH_OK);
    assert_memory_equal(back, "foobar", i);
    assert_int_equal(
        kith_base64_decode_any(back, &len, sizeof back, answers[i], strlen(answers[i])), KITH_OK);
    assert_int_equal(len, i);
    if (i > 0)
      assert_int_equal(kith_base64_decode_any(back, &len, i - 1, answers[i], strlen(answers[i])),
                       KITH_ERR_LIMIT);
    if (i > 0)
      assert_int_equal(kith_base64_decode(back, i - 1, answers[i]), KITH_ERR_DATA);
    assert_int_equal(kith_base64_decode(back, i + 1, answers[i]), KITH_ERR_DATA);
  }
}

/* Every length, of bytes in a block of their own, as vectors take many at once: nothing is read or
 * written beside it. */
static void base64_any_length(void **state)
{
  unsigned seed = 1;

  (void)state;
  for (size_t len = 0; len < 300; len++) {
    uint8_t *bytes = kith_calloc(len, 1);
    char *text = kith_calloc(KITH_BASE64_BYTES(len), 1);
    char *plain = kith_calloc(KITH_BASE64_BYTES(len), 1);
    uint8_t *back = kith_calloc(len, 1);

    for (size_t i = 0; i < len; i++)
      bytes[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
    kith_base64_encode(text, bytes, len);
    assert_int_equal(strlen(text), KITH_BASE64_BYTES(len) - 1);
    kith_base64_encode_plain(plain, bytes, len);
    assert_string_equal(text, plain);
    assert_int_equal(kith_base64_decode(back, len, text), KITH_OK);
    assert_memory_equal(back, bytes, len);
    kith_free(back);
    kith_free(plain);
    kith_free(text);
    kith_free(bytes);
  }
}

static void base64_refusals(void **state)
{
  static const char *const bad[] = {"Z",        "Zg",       "Zg=",      "Zh==",     "Zm9=",
                                    "Zg===",    "====",     "=Zg=",     "Z===",     "Zm=v",
                                    "Zm9vYg=v", "Zg==Zg==", "Zm9v Zm8", "Zm9v\nZg", "Zm9-",
                                    "Zm9_",     "Zm8=Zm8=", "Zg==\n",   "Zm9v===="};
  uint8_t back[16];
  size_t len;

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_int_equal(kith_base64_decode_any(back, &len, sizeof back, bad[i], strlen(bad[i])),
                     KITH_ERR_DATA);
}

/* RFC 3629, and the table of well-formed sequences in the Unicode Standard, 3-7. */
static void utf8(void **state)
{
  static const char *const good[] = {"",
                                     "abcdefgh\x7f",
                                     "\xc2\x80",
                                     "\xdf\xbf",
                                     "\xe0\xa0\x80",
                                     "\xed\x9f\xbf",
                                     "\xee\x80\x80",
                                     "\xf0\x90\x80\x80",
                                     "\xf4\x8f\xbf\xbf",
                                     "ascii-\xc3\xa9-ascii-ascii"};
  static const char *const bad[] = {"\x80",
                                    "\xbf",
                                    "\xc0\x80",
                                    "\xc1\xbf",
                                    "\xc2",
                                    "\xc2\x7f",
                                    "\xc2\xc0",
                                    "\xe0\x9f\xbf",
                                    "\xed\xa0\x80",
                                    "\xed\xbf\xbf",
                                    "\xe1\x80",
                                    "\xe1\x80\x7f",
                                    "\xf0\x8f\xbf\xbf",
                                    "\xf4\x90\x80\x80",
                                    "\xf5\x80\x80\x80",
                                    "\xf1\x80\x80",
                                    "\xff",
                                    "\xfe",
                                    "eight by\xe9tes",
                                    "12345678\xe9"};

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(good); i++)
    assert_true(kith_utf8_valid(good[i], strlen(good[i])));
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_false(kith_utf8_valid(bad[i], strlen(bad[i])));
}

/* Every code point, encoded by hand, at the end of a text of each length up to 9. */
static void utf8_every_code_point(void **state)
{
  (void)state;
  for (uint32_t c = 0; c < 0x120000; c++) {
    char text[16] = "aaaaaaaaa";
    size_t at = c % 10;
    uint8_t *p = (uint8_t *)text + at;
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = 1; i < n; i++)
      p[i] = (uint8_t)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
    p[0] = (uint8_t)(lead[n] | c >> (6 * (n - 1)));
    assert_int_equal(kith_utf8_valid(text, at + n), c < 0x110000 && !(c >= 0xd800 && c < 0xe000));
  }
}

static void ratios(void **state)
{
  static const struct {
    const char *text;
    uint32_t numerator;
    uint32_t denominator;
  } good[] = {{"0", 0, 1},
              {"1", 1, 1},
              {"0.85", 85, 100},
              {"1.000000000", 1000000000, 1000000000},
              {"0.123456789", 123456789, 1000000000},
              {"17/20", 17, 20},
              {"0/7", 0, 7},
              {"1000000000/1000000000", 1000000000, 1000000000}};
  static const char *const bad[] = {
      "",    "-0.5", "+0.5",          " 0.5",         "0.5 ",  ".5",   "5.",
      "1.1", "2",    "3/2",           "1/0",          "0/0",   "1/-2", "1/2/3",
      "0x1", "1e-1", "0,5",           "0.1234567891", "1.0/2", "nan",  "inf",
      "1/",  "/2",   "1/10000000000", "1/1000000001", "0.5\n"};
  struct kith_ratio ratio;
  struct kith_fault fault = {0};

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(good); i++) {
    assert_int_equal(kith_ratio_parse(&ratio, good[i].text, &fault), KITH_OK);
    assert_int_equal(ratio.numerator, good[i].numerator);
    assert_int_equal(ratio.denominator, good[i].denominator);
  }
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    ratio = (struct kith_ratio){3, 4};
    assert_int_equal(kith_ratio_parse(&ratio, bad[i], &fault), KITH_ERR_USAGE);
    assert_int_equal(ratio.numerator, 3);
    assert_int_equal(ratio.denominator, 4);
    assert_int_equal(fault.err, KITH_ERR_USAGE);
  }
  assert_true(kith_ratio_double((struct kith_ratio){3, 4}) == 0.75);
}

static void integers(void **state)
{
  static const char *const bad[] = {"",
                                    "-1",
                                    "+1",
                                    " 1",
                                    "1 ",
                                    "0x1",
                                    "1.0",
                                    "1e3",
                                    "18446744073709551616",
                                    "99999999999999999999999"};
  uint64_t value = 5;

  (void)state;
  assert_int_equal(kith_u64_parse(&value, "18446744073709551615", 0, UINT64_MAX), KITH_OK);
  assert_true(value == UINT64_MAX);
  assert_int_equal(kith_u64_parse(&value, "007", 7, 7), KITH_OK);
  assert_int_equal(value, 7);
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_int_equal(kith_u64_parse(&value, bad[i], 0, UINT64_MAX), KITH_ERR_DATA);
  assert_int_equal(kith_u64_parse(&value, "6", 7, 9), KITH_ERR_DATA);
  assert_int_equal(kith_u64_parse(&value, "10", 7, 9), KITH_ERR_DATA);
  assert_int_equal(value, 7);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hex),
      cmocka_unit_test(base64_known_answers),
      cmocka_unit_test(base64_any_length),
      cmocka_unit_test(base64_refusals),
      cmocka_unit_test(utf8),
      cmocka_unit_test(utf8_every_code_point),
      cmocka_unit_test(ratios),
      cmocka_unit_test(integers),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
