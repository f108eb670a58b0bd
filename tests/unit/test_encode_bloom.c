#include "base/mem.h"
#include "base/text.h"
#include "crypto/encode/bloom.h"
#include "crypto/secret.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors/encode_vectors.h"

static const uint8_t secret[] = "a secret\n";
enum { SECRET_LEN = sizeof secret - 1, FILTER_BYTES_MAX = KITH_ENCODE_BITS_MAX / 8 };

static struct kith_encode_schema schema_of(unsigned bits)
{
  struct kith_encode_schema schema = {.bits = bits, .n_fields = KITH_COUNT_OF(bloom_fields)};

  for (size_t i = 0; i < KITH_COUNT_OF(bloom_fields); i++) {
    strcpy(schema.fields[i].name, bloom_fields[i].name);
    schema.fields[i].q = bloom_fields[i].q;
    schema.fields[i].bits_per_token = bloom_fields[i].bits_per_token;
    schema.fields[i].weight = 100;
  }
  return schema;
}

static struct kith_encode_schema schema_of_filters(void)
{
  struct kith_encode_schema schema = schema_of(64); /* which does not count */

  schema.n_filters = KITH_COUNT_OF(bloom_filter_list);
  for (unsigned i = 0; i < schema.n_filters; i++) {
    strcpy(schema.filters[i].name, bloom_filter_list[i].name);
    schema.filters[i].bits = bloom_filter_list[i].bits;
    for (unsigned f = 0; f < schema.n_fields; f++)
      if (bloom_filter_list[i].fields >> f & 1)
        schema.fields[f].filter = i;
  }
  return schema;
}

static struct kith_encoder *encoder_of(const struct kith_encode_schema *schema)
{
  struct kith_encoder *encoder = NULL;

  assert_int_equal(kith_encoder_new(&encoder, schema, secret, SECRET_LEN), KITH_OK);
  return encoder;
}

static void encode_vector(struct kith_encoder *encoder, const struct bloom_vector *vector,
                          uint8_t *filter, uint16_t *mask)
{
  struct kith_encode_values fields[KITH_COUNT_OF(bloom_fields)];

  for (size_t i = 0; i < KITH_COUNT_OF(fields); i++) {
    fields[i] = (struct kith_encode_values){vector->values[i], 0};
    while (fields[i].n < 4 && vector->values[i][fields[i].n])
      fields[i].n++;
  }
  assert_int_equal(kith_encoder_encode(encoder, filter, mask, fields), KITH_OK);
}

static void check_vectors(const struct bloom_vector *vectors, size_t n,
                          const struct kith_encode_schema *schema)
{
  struct kith_encoder *encoder = encoder_of(schema);
  struct kith_encode_layout layout;

  kith_encode_layout(&layout, schema);

  /* Twice: the second time positions come from what was remembered. */
  for (size_t i = 0; i < 2 * n; i++) {
    uint8_t filter[FILTER_BYTES_MAX];
    char hex[2 * FILTER_BYTES_MAX + 1];
    uint16_t mask = 0xffff;

    memset(filter, 0x5a, sizeof filter);
    encode_vector(encoder, &vectors[i % n], filter, &mask);
    kith_hex_encode(hex, filter, layout.bytes);
    assert_string_equal(hex, vectors[i % n].filter);
    assert_int_equal(mask, vectors[i % n].mask);
  }
  kith_encoder_free(encoder);
}

static void known_filters(void **state)
{
  const struct kith_encode_schema small = schema_of(64);
  const struct kith_encode_schema usual = schema_of(1024);
  const struct kith_encode_schema several = schema_of_filters();

  (void)state;
  check_vectors(bloom_64, KITH_COUNT_OF(bloom_64), &small);
  check_vectors(bloom_1024, KITH_COUNT_OF(bloom_1024), &usual);
  check_vectors(bloom_filters, KITH_COUNT_OF(bloom_filters), &several);
}

/* Many texts through few places, in two orders: what is remembered is what would be hashed. A new
 * encoder for each value has nothing to remember. */
static void remembered_as_hashed(void **state)
{
  enum { TEXTS = 40000, CHECKED = 40 };
  const struct kith_encode_schema schema = schema_of(512);
  struct kith_encoder *encoder = encoder_of(&schema);

  (void)state;
  for (unsigned i = 0; i < TEXTS + CHECKED; i++) {
    unsigned number = i % TEXTS; /* the first ones again, after all the others */
    char text[64];
    const char *values[] = {text};
    struct kith_encode_values fields[5] = {{values, 1}, {NULL, 0}, {values, 1}};
    struct kith_encoder *fresh;
    uint8_t filters[2][64];
    uint16_t mask;

    (void)snprintf(text, sizeof text, "%u-%.*s", number * 2654435761u, (int)(number % 40),
                   "a tail that is longer than what is remembered");
    assert_int_equal(kith_encoder_encode(encoder, filters[0], &mask, fields), KITH_OK);
    if (number >= CHECKED)
      continue;
    fresh = encoder_of(&schema);
    assert_int_equal(kith_encoder_encode(fresh, filters[1], &mask, fields), KITH_OK);
    assert_memory_equal(filters[0], filters[1], sizeof filters[0]);
    kith_encoder_free(fresh);
  }
  kith_encoder_free(encoder);
}

static void known_key_check(void **state)
{
  const struct kith_encode_schema schema = schema_of(512);
  struct kith_encoder *encoder = encoder_of(&schema);
  uint8_t check[KITH_ENCODE_KEY_CHECK_BYTES];
  uint8_t other[KITH_ENCODE_KEY_CHECK_BYTES];
  char hex[2 * sizeof check + 1];

  (void)state;
  kith_encoder_key_check(encoder, check);
  kith_hex_encode(hex, check, sizeof check);
  assert_string_equal(hex, bloom_key_check);
  kith_encoder_free(encoder);
  assert_int_equal(kith_encoder_new(&encoder, &schema, secret, SECRET_LEN - 1), KITH_OK);
  kith_encoder_key_check(encoder, other);
  assert_memory_not_equal(check, other, sizeof check);
  kith_encoder_free(encoder);
}

static void refuse(struct kith_encode_schema schema)
{
  struct kith_encoder *encoder = (struct kith_encoder *)&schema;

  assert_int_equal(kith_encoder_new(&encoder, &schema, secret, SECRET_LEN), KITH_ERR_CONFIG);
  assert_ptr_equal(encoder, &schema);
}

static void refused_schemas(void **state)
{
  static const unsigned bits[] = {0, 1, 32, 63, 65, 96, 1000, 16384, 1u << 31};
  struct kith_encode_schema schema;

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(bits); i++)
    refuse(schema_of(bits[i]));
  schema = schema_of(512);
  schema.n_fields = 0;
  refuse(schema);
  schema.n_fields = KITH_ENCODE_FIELDS_MAX + 1;
  refuse(schema);
  schema = schema_of(512);
  schema.fields[1].q = 5;
  refuse(schema);
  schema = schema_of(512);
  schema.fields[4].bits_per_token = 0;
  refuse(schema);
  schema.fields[4].bits_per_token = KITH_ENCODE_TOKEN_BITS_MAX + 1;
  refuse(schema);
  schema = schema_of(512);
  schema.fields[0].name[0] = '\0';
  refuse(schema);
  schema = schema_of(512);
  strcpy(schema.fields[3].name, schema.fields[0].name);
  refuse(schema);
  memset(schema.fields[3].name, 'x', sizeof schema.fields[3].name);
  refuse(schema);
  schema = schema_of(512);
  schema.fields[1].filter = 1;
  refuse(schema);
  schema = schema_of_filters();
  schema.fields[1].filter = 3;
  refuse(schema);
  schema = schema_of_filters();
  schema.filters[2].bits = 65;
  refuse(schema);
  schema = schema_of_filters();
  strcpy(schema.filters[2].name, schema.filters[0].name);
  refuse(schema);
  schema = schema_of_filters();
  schema.filters[1].name[0] = '\0';
  refuse(schema);
  schema = schema_of_filters();
  schema.n_filters = KITH_ENCODE_FILTERS_MAX + 1;
  refuse(schema);
}

static void schema_hashes_differ(void **state)
{
  struct kith_encode_schema schemas[11];
  struct kith_hash hashes[KITH_COUNT_OF(schemas)];

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(schemas); i++)
    schemas[i] = schema_of(512);
  schemas[1].bits = 1024;
  schemas[2].fields[2].q = 1;
  schemas[3].fields[2].bits_per_token++;
  schemas[4].fields[2].weight++;
  schemas[5].fields[2].name[0]++;
  schemas[6].n_fields--;
  for (size_t i = 7; i < 11; i++)
    schemas[i] = schema_of_filters();
  schemas[8].filters[1].bits *= 2;
  schemas[9].filters[1].name[0]++;
  schemas[10].fields[0].filter = 1;
  for (size_t i = 0; i < KITH_COUNT_OF(schemas); i++) {
    kith_encode_schema_hash(&hashes[i], &schemas[i]);
    for (size_t k = 0; k < i; k++)
      assert_memory_not_equal(hashes[i].bytes, hashes[k].bytes, sizeof hashes[i].bytes);
  }
}

/* A whole value is hashed by its first 256 bytes; nothing is read past them. */
static void long_values(void **state)
{
  const struct kith_encode_schema schema = schema_of(512);
  struct kith_encoder *encoder = encoder_of(&schema);
  char text[2][1024];
  uint8_t filters[2][64];
  uint16_t mask;

  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    const char *values[] = {text[i]};
    struct kith_encode_values fields[5] = {{values, 1}, {NULL, 0}, {values, 1}};

    memset(text[i], 'a', sizeof text[i]);
    text[i][256 + 300 * i] = '\0';
    assert_int_equal(kith_encoder_encode(encoder, filters[i], &mask, fields), KITH_OK);
    assert_int_equal(mask, 5);
  }
  assert_memory_equal(filters[0], filters[1], sizeof filters[0]);
  kith_encoder_free(encoder);
}

static void allocations_fail(void **state)
{
  const struct kith_encode_schema schema = schema_of(512);

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_encoder *encoder = NULL;
    enum kith_err err = kith_encoder_new(&encoder, &schema, secret, SECRET_LEN);

    if (err == KITH_OK) {
      kith_encoder_free(encoder);
      unit_allocations_done();
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_null(encoder);
    }
  }
  kith_encoder_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_filters),        cmocka_unit_test(known_key_check),
      cmocka_unit_test(refused_schemas),      cmocka_unit_test(schema_hashes_differ),
      cmocka_unit_test(long_values),          cmocka_unit_test(allocations_fail),
      cmocka_unit_test(remembered_as_hashed),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests_name("encode_bloom", tests, NULL, NULL);
}
