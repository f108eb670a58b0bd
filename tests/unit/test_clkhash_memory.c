/* What an encoder remembers never shows in what it gives, however little room there is. */
#include "base/mem.h"
#include "crypto/encode/clkhash.h"
#include "crypto/secret.h"
#include "tests/unit/unit.h"

enum { FEATURES = 12, BITS = 128, ROWS = 4000, TEXT_BYTES = 8 };

static struct kith_clkhash_schema *schema_make(void)
{
  struct kith_clkhash_schema *schema = NULL;
  struct kith_fault fault = {0};
  char text[4096];
  int len = snprintf(text, sizeof text,
                     "{\"version\": 3, \"clkConfig\": {\"l\": %d, \"kdf\": {\"type\": \"HKDF\"}}, "
                     "\"features\": [",
                     BITS);

  for (int i = 0; i < FEATURES; i++)
    len += snprintf(
        text + len, sizeof text - (size_t)len,
        "%s{\"identifier\": \"f%d\", \"format\": {\"type\": \"string\", \"maxLength\": 5}, "
        "\"hashing\": {\"comparison\": {\"type\": \"ngram\", \"n\": 2}, \"strategy\": "
        "{\"bitsPerToken\": 2}}}",
        i ? ", " : "", i);
  len += snprintf(text + len, sizeof text - (size_t)len, "]}");
  assert_int_equal(kith_clkhash_schema_parse(&schema, text, (size_t)len, "schema", &fault),
                   KITH_OK);
  return schema;
}

static struct kith_clkhash_encoder *encoder_make(struct kith_clkhash_schema *schema,
                                                 size_t cache_bytes)
{
  struct kith_clkhash_encoder *encoder = NULL;
  struct kith_secret *secret = NULL;

  assert_int_equal(kith_secret_copy(&secret, "secret", 6), KITH_OK);
  assert_int_equal(kith_clkhash_encoder_new(&encoder, schema, secret, cache_bytes), KITH_OK);
  kith_secret_free(secret);
  return encoder;
}

/* Letters of few, so that values repeat; some too long to be taken. */
static void row_make(char texts[FEATURES][TEXT_BYTES], uint32_t *seed)
{
  for (unsigned i = 0; i < FEATURES; i++) {
    unsigned random = (*seed = *seed * 1103515245u + 12345u) >> 8;
    unsigned len = random % 1000 == 0 ? 6 : random % 4;

    memset(texts[i], 0, TEXT_BYTES);
    for (unsigned at = 0; at < len; at++)
      texts[i][at] = (char)('a' + (random >> (10 + 2 * at)) % 3);
  }
}

/* One group of places, seven, for twelve values a row: of a value that was found another takes the
 * place within the same row. */
static void no_room(void **state)
{
  struct kith_clkhash_schema *schema = schema_make();
  struct kith_clkhash_encoder *narrow = encoder_make(schema, 1);
  struct kith_clkhash_encoder *wide = encoder_make(schema, 0);
  static char texts[ROWS][FEATURES][TEXT_BYTES];
  static const char *values[ROWS][FEATURES];
  struct kith_fault fault = {0};
  unsigned n_refused = 0;
  uint32_t seed = 1;

  (void)state;
  for (size_t row = 0; row < ROWS; row++) {
    row_make(texts[row], &seed);
    for (size_t i = 0; i < FEATURES; i++)
      values[row][i] = texts[row][i];
  }
  for (size_t row = 0; row < ROWS; row++) {
    uint8_t filters[2][BITS / 8];
    enum kith_err err;

    /* Expected all, not at all, and one that does not come. */
    if (row / 100 % 3 && row + 1 < ROWS)
      kith_clkhash_expect(narrow, values[row / 100 % 3 == 1 ? row : row + 1], NULL, FEATURES);
    err = kith_clkhash_encode(narrow, filters[0], values[row], NULL, FEATURES, &fault);
    assert_int_equal(kith_clkhash_encode(wide, filters[1], values[row], NULL, FEATURES, &fault),
                     err);
    assert_memory_equal(filters[0], filters[1], sizeof filters[0]);
    n_refused += err == KITH_ERR_DATA;
  }
  assert_true(n_refused > 0 && n_refused < ROWS / 2);
  kith_clkhash_encoder_free(narrow);
  kith_clkhash_encoder_free(wide);
  kith_clkhash_schema_free(schema);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_room),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests_name("clkhash_memory", tests, NULL, NULL);
}
