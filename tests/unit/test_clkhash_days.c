/* Dates that are taken apart set the bits that their digits set as a string. */
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/encode/clkhash.h"
#include "crypto/secret.h"
#include "tests/unit/unit.h"

enum { BITS = 256, BYTES = BITS / 8, DATE_BYTES = 16, FIRST_YEAR = 1850, LAST_YEAR = 2050 };

struct pair {
  struct kith_clkhash_schema *schemas[2]; /* of dates, of strings */
  struct kith_clkhash_encoder *encoders[2];
};

static void one_new(struct pair *pair, unsigned which, const char *format, const char *hashing)
{
  struct kith_secret *secret = NULL;
  struct kith_fault fault = {0};
  char text[1024];
  int len = snprintf(text, sizeof text,
                     "{\"version\": 3, \"clkConfig\": {\"l\": %d, \"kdf\": {\"type\": \"HKDF\"}}, "
                     "\"features\": [{\"identifier\": \"born\", \"format\": %s, \"hashing\": %s}]}",
                     BITS, format, hashing);

  assert_true(len > 0 && (size_t)len < sizeof text);
  assert_int_equal(
      kith_clkhash_schema_parse(&pair->schemas[which], text, (size_t)len, "schema", &fault),
      KITH_OK);
  assert_int_equal(kith_secret_copy(&secret, "secret", 6), KITH_OK);
  assert_int_equal(
      kith_clkhash_encoder_new(&pair->encoders[which], pair->schemas[which], secret, 1 << 20),
      KITH_OK);
  kith_secret_free(secret);
}

static void pair_new(struct pair *pair, const char *date, const char *hashing)
{
  char format[128];

  (void)snprintf(format, sizeof format, "{\"type\": \"date\", \"format\": \"%s\"}", date);
  one_new(pair, 0, format, hashing);
  one_new(pair, 1, "{\"type\": \"string\"}", hashing);
}

static void pair_free(struct pair *pair)
{
  for (unsigned i = 0; i < 2; i++) {
    kith_clkhash_encoder_free(pair->encoders[i]);
    kith_clkhash_schema_free(pair->schemas[i]);
  }
}

static void check(struct pair *pair, const char *date, const char *digits)
{
  uint8_t filters[2][BYTES];
  struct kith_fault fault = {0};

  assert_int_equal(kith_clkhash_encode(pair->encoders[0], filters[0], &date, NULL, 1, &fault),
                   KITH_OK);
  assert_int_equal(kith_clkhash_encode(pair->encoders[1], filters[1], &digits, NULL, 1, &fault),
                   KITH_OK);
  assert_memory_equal(filters[0], filters[1], BYTES);
}

static void refused(struct pair *pair, const char *date)
{
  uint8_t filter[BYTES];
  struct kith_fault fault = {0};

  assert_int_equal(kith_clkhash_encode(pair->encoders[0], filter, &date, NULL, 1, &fault),
                   KITH_ERR_DATA);
}

static void date_write(char out[DATE_BYTES], const char *format, struct kith_date date)
{
  size_t at = 0;

  for (; *format; format++) {
    int len = 1;

    if (*format != '%')
      out[at] = *format;
    else if (*++format == 'Y')
      len = snprintf(out + at, DATE_BYTES - at, "%04d", date.year);
    else
      len = snprintf(out + at, DATE_BYTES - at, "%02d", *format == 'm' ? date.month : date.day);
    at += (size_t)len;
  }
  out[at] = '\0';
}

#define GRAMS(strategy, positional)                                                                \
  "{\"comparison\": {\"type\": \"ngram\", \"n\": 1, \"positional\": " positional                   \
  "}, \"strategy\": {" strategy "}}"

/* Each day of two centuries, and each thing beside them that looks like one. */
static void every_day(void **state)
{
  static const char *const formats[] = {"%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%m.%d.%Y"};
  static const char *const hashings[] = {
      GRAMS("\"bitsPerFeature\": 30", "true"), GRAMS("\"bitsPerToken\": 3", "true"),
      GRAMS("\"bitsPerFeature\": 5", "false"),
      "{\"comparison\": {\"type\": \"ngram\", \"n\": 2}, \"strategy\": {\"bitsPerToken\": 2}}"};

  (void)state;
  for (size_t f = 0; f < KITH_COUNT_OF(formats); f++) {
    struct pair pair = {0};
    unsigned n_refused = 0;

    pair_new(&pair, formats[f], hashings[f]);
    for (int year = FIRST_YEAR; year <= LAST_YEAR; year++)
      for (int day = 0; day < 13 * 33; day++) {
        const struct kith_date date = {year, day / 33, day % 33};
        char text[DATE_BYTES];
        char digits[DATE_BYTES];

        date_write(text, formats[f], date);
        date_write(digits, "%Y%m%d", date);
        if (kith_date_valid(date)) {
          check(&pair, text, digits);
        } else if (strcmp(formats[f], "%Y%m%d") != 0) { /* "20000133": one-digit days and months */
          refused(&pair, text);
          n_refused++;
        }
      }
    assert_true(n_refused > 0 || strcmp(formats[f], "%Y%m%d") == 0);
    pair_free(&pair);
  }
}

/* What is a date, but not as it usually is, and what is not. */
static void other_forms(void **state)
{
  static const char *const no_dates[] = {"1985-03-1x",    "1985-03/12", "1985-0:-12", "x985-03-12",
                                         "1985-03-\x80z", "0000-01-01", "1985-03-012"};
  struct pair pair = {0};

  (void)state;
  pair_new(&pair, "%Y-%m-%d", GRAMS("\"bitsPerFeature\": 40", "true"));
  for (unsigned round = 0; round < 2; round++) {
    check(&pair, "1985-03-12", "19850312");
    check(&pair, "1985-3-2", "19850302");
    check(&pair, "0985-03-12", "9850312");
    check(&pair, "2000-02-29", "20000229");
    refused(&pair, "1900-02-29");
    for (size_t i = 0; i < KITH_COUNT_OF(no_dates); i++)
      refused(&pair, no_dates[i]);
  }
  pair_free(&pair);
}

/* More years than are kept, of rows that were expected before the last place was given away. */
static void many_years(void **state)
{
  enum { ROWS = 2000 };
  static char texts[ROWS][DATE_BYTES];
  static const char *values[ROWS];
  struct pair pair = {0};
  size_t expected = 0;

  (void)state;
  pair_new(&pair, "%Y-%m-%d", GRAMS("\"bitsPerFeature\": 40", "true"));
  for (int i = 0; i < ROWS; i++) {
    date_write(texts[i], "%Y-%m-%d", (struct kith_date){1000 + i % 700, 1 + i % 12, 1 + i % 28});
    values[i] = texts[i];
  }
  for (int i = 0; i < ROWS; i++) {
    uint8_t filters[2][BYTES];
    char digits[DATE_BYTES];
    const char *string = digits;
    struct kith_fault fault = {0};

    for (; expected < ROWS && expected < (size_t)i + KITH_CLKHASH_AHEAD; expected++)
      kith_clkhash_expect(pair.encoders[0], &values[expected], NULL, 1);
    date_write(digits, "%Y%m%d", (struct kith_date){1000 + i % 700, 1 + i % 12, 1 + i % 28});
    assert_int_equal(kith_clkhash_encode(pair.encoders[0], filters[0], &values[i], NULL, 1, &fault),
                     KITH_OK);
    assert_int_equal(kith_clkhash_encode(pair.encoders[1], filters[1], &string, NULL, 1, &fault),
                     KITH_OK);
    assert_memory_equal(filters[0], filters[1], BYTES);
  }
  pair_free(&pair);
}

static void sentinels(void **state)
{
  struct pair pair = {0};

  (void)state;
  pair_new(&pair, "%Y-%m-%d",
           "{\"comparison\": {\"type\": \"ngram\", \"n\": 1}, \"strategy\": {\"bitsPerToken\": 4}, "
           "\"missingValue\": {\"sentinel\": \"1900-01-01\", \"replaceWith\": \"none\"}}");
  check(&pair, "1900-01-01", "none");
  check(&pair, "1900-01-02", "19000102");
  pair_free(&pair);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_day),
      cmocka_unit_test(other_forms),
      cmocka_unit_test(many_years),
      cmocka_unit_test(sentinels),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests_name("clkhash_days", tests, NULL, NULL);
}
