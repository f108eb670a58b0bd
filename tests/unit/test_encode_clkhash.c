#include <dirent.h>
#include <jansson.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/encode/clkhash.h"
#include "crypto/encode/clkhash_parts.h"
#include "crypto/secret.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors/encode_vectors.h"

#define VALUE_THAT_IS_NOT_SHOWN "Zyxwvu"

/* A schema and its encoder under a secret. */
struct pair {
  struct kith_clkhash_schema *schema;
  struct kith_clkhash_encoder *encoder;
};

static enum kith_err pair_new(struct pair *pair, const char *schema, const char *secret_text,
                              struct kith_fault *fault)
{
  struct kith_secret *secret = NULL;
  enum kith_err err =
      kith_clkhash_schema_parse(&pair->schema, schema, strlen(schema), "s.json", fault);

  if (err == KITH_OK)
    err = kith_secret_copy(&secret, secret_text, strlen(secret_text));
  if (err == KITH_OK)
    err = kith_clkhash_encoder_new(&pair->encoder, pair->schema, secret, 0);
  kith_secret_free(secret);
  return err;
}

static void pair_free(struct pair *pair)
{
  kith_clkhash_encoder_free(pair->encoder);
  kith_clkhash_schema_free(pair->schema);
  memset(pair, 0, sizeof *pair);
}

/* ---- vectors of our own ---- */

static void check_row(struct pair *pair, const struct clkhash_vector *vector,
                      const struct clkhash_row *row)
{
  size_t bytes = ((size_t)kith_clkhash_schema_bits(pair->schema) + 7) / 8;
  uint8_t *filter = kith_calloc(bytes, 1);
  char *hex = kith_calloc(2 * bytes + 1, 1);
  struct kith_fault fault;
  enum kith_err err =
      kith_clkhash_encode(pair->encoder, filter, row->values, NULL, vector->n_values, &fault);

  if (err != (row->clk ? KITH_OK : KITH_ERR_DATA))
    fail_msg("%s: row %td: %s", vector->name, row - vector->rows,
             err == KITH_OK ? "accepted" : fault.text);
  kith_hex_encode(hex, filter, bytes);
  if (row->clk && strcmp(hex, row->clk) != 0)
    fail_msg("%s: row %td: another filter", vector->name, row - vector->rows);
  for (size_t i = 0; !row->clk && i < bytes; i++)
    assert_int_equal(filter[i], 0);
  kith_free(hex);
  kith_free(filter);
}

static void own_vectors(void **state)
{
  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(clkhash_vectors); i++) {
    const struct clkhash_vector *vector = &clkhash_vectors[i];
    struct kith_fault fault = {0};
    struct pair pair = {0};

    if (pair_new(&pair, vector->schema, "a secret\n", &fault) != KITH_OK)
      fail_msg("%s: %s", vector->name, fault.text);
    for (size_t r = 0; r < vector->n_rows; r++)
      check_row(&pair, vector, &vector->rows[r]);
    pair_free(&pair);
  }
}

/* ---- vectors that clkhash itself made, where they are there ---- */

static const char *shared(void)
{
  static char path[512];
  const char *root = getenv("KITH_SHARED");

  (void)snprintf(path, sizeof path, "%s/vectors", root ? root : "../shared");
  return access(path, R_OK) == 0 ? path : NULL;
}

static char *text_of(const char *dir, const char *name, size_t *len)
{
  uint8_t *bytes = NULL;
  char path[2048];

  (void)snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_int_equal(kith_file_read(&bytes, len, path, 1 << 24, NULL), KITH_OK);
  return (char *)bytes;
}

static void check_case(const char *dir)
{
  size_t len;
  char *schema = text_of(dir, "schema.json", &len);
  char *secret = text_of(dir, "secret.txt", &len);
  char *expected = text_of(dir, "clks.json", &len);
  json_t *document = json_loads(expected, 0, NULL);
  const json_t *clks = json_object_get(document, "clks");
  struct pair pair = {0};
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;
  struct kith_fault fault;
  char path[2048];
  uint8_t *filter;
  char *base64;
  size_t bytes;
  size_t n = 0;
  size_t n_columns;
  const char *const *header;

  (void)snprintf(path, sizeof path, "%s/data.csv", dir);
  assert_int_equal(pair_new(&pair, schema, secret, &fault), KITH_OK);
  assert_int_equal(kith_csv_open(&csv, path, NULL, &fault), KITH_OK);
  header = kith_csv_header(csv, &n_columns);
  assert_int_equal(kith_clkhash_schema_header(pair.schema, header, n_columns, &fault), KITH_OK);
  bytes = ((size_t)kith_clkhash_schema_bits(pair.schema) + 7) / 8;
  filter = kith_calloc(bytes, 1);
  base64 = kith_calloc(KITH_BASE64_BYTES(bytes), 1);
  while (kith_csv_next(csv, &row, &fault) == KITH_OK) {
    assert_int_equal(
        kith_clkhash_encode(pair.encoder, filter, row.fields, row.lens, row.n_fields, &fault),
        KITH_OK);
    kith_base64_encode(base64, filter, bytes);
    assert_string_equal(base64, json_string_value(json_array_get(clks, n++)));
  }
  assert_int_equal(n, json_array_size(clks));
  kith_free(base64);
  kith_free(filter);
  kith_csv_free(csv);
  pair_free(&pair);
  json_decref(document);
  kith_free(schema);
  kith_free(secret);
  kith_free(expected);
}

static void shared_vectors(void **state)
{
  const char *root = shared();
  DIR *dir = root ? opendir(root) : NULL;
  struct dirent *entry;
  unsigned n = 0;

  (void)state;
  if (!dir) {
    print_message("skipped: no vectors in KITH_SHARED\n");
    skip();
  }
  while ((entry = readdir(dir)) != NULL) {
    char path[1024];

    (void)snprintf(path, sizeof path, "%s/%.300s", root, entry->d_name);
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
      continue;
    check_case(path);
    n++;
  }
  closedir(dir);
  assert_true(n >= 7);
}

static void check_outcome(struct pair *pair, const char *name, const json_t *row)
{
  const json_t *values = json_object_get(row, "row");
  bool accepted = json_is_string(json_object_get(row, "clk"));
  const char *fields[8] = {0};
  uint8_t filter[512];
  char base64[KITH_BASE64_BYTES(sizeof filter)];
  struct kith_fault fault;
  enum kith_err err;

  for (size_t i = 0; i < json_array_size(values); i++)
    fields[i] = json_string_value(json_array_get(values, i));
  err = kith_clkhash_encode(pair->encoder, filter, fields, NULL, json_array_size(values), &fault);
  if (err != (accepted ? KITH_OK : KITH_ERR_DATA))
    fail_msg("%s: %s", name, err == KITH_OK ? "accepted" : fault.text);
  if (!accepted)
    return;
  kith_base64_encode(base64, filter, (kith_clkhash_schema_bits(pair->schema) + 7) / 8);
  assert_string_equal(base64, json_string_value(json_object_get(row, "clk")));
}

static void shared_outcomes(void **state)
{
  const char *root = shared();
  size_t len;
  char *text;
  json_t *cases;
  json_t *one;
  size_t i;

  (void)state;
  if (!root) {
    print_message("skipped: no vectors in KITH_SHARED\n");
    skip();
  }
  text = text_of(root, "accept-reject.json", &len);
  cases = json_loads(text, 0, NULL);
  assert_true(json_array_size(cases) > 50);
  json_array_foreach(cases, i, one)
  {
    const char *name = json_string_value(json_object_get(one, "name"));
    char *schema = json_dumps(json_object_get(one, "schema"), 0);
    const json_t *rows = json_object_get(one, "rows");
    bool refused = true;
    struct pair pair = {0};
    struct kith_fault fault;

    for (size_t r = 0; r < json_array_size(rows); r++)
      if (!strcmp(json_string_value(json_object_get(json_array_get(rows, r), "outcome")), "ok"))
        refused = false;
    if (pair_new(&pair, schema, json_string_value(json_object_get(one, "secret")), &fault) ==
        KITH_OK) {
      for (size_t r = 0; r < json_array_size(rows); r++)
        check_outcome(&pair, name, json_array_get(rows, r));
      assert_true(json_array_size(rows) > 0);
    } else if (!refused) {
      fail_msg("%s: %s", name, fault.text);
    }
    pair_free(&pair);
    free(schema);
  }
  json_decref(cases);
  kith_free(text);
}

/* ---- answers of clkhash 0.18.3 on schemas and rows made up at random, which come with the tests;
 * tests/unit/vectors/README.md says how they were made ---- */

static void clkhash_answers(void **state)
{
  size_t len;
  char *text = text_of("tests/unit/vectors", "clkhash_answers.json", &len);
  json_t *cases = json_loads(text, 0, NULL);
  json_t *one;
  size_t i;

  (void)state;
  assert_true(json_array_size(cases) >= 70);
  json_array_foreach(cases, i, one)
  {
    char *schema = json_dumps(json_object_get(one, "schema"), 0);
    const json_t *rows = json_object_get(one, "rows");
    struct pair pair = {0};
    struct kith_fault fault;

    if (pair_new(&pair, schema, json_string_value(json_object_get(one, "secret")), &fault) !=
        KITH_OK)
      fail_msg("%s", fault.text);
    /* Twice: what is remembered is what was computed. */
    for (size_t r = 0; r < 2 * json_array_size(rows); r++)
      check_outcome(&pair, schema, json_array_get(rows, r / 2));
    pair_free(&pair);
    free(schema);
  }
  json_decref(cases);
  kith_free(text);
}

/* ---- schemas that are refused ---- */

#define CONFIG "\"clkConfig\": {\"l\": 64, \"kdf\": {\"type\": \"HKDF\"}}"
#define FEATURE(format, hashing)                                                                   \
  "{\"version\": 3, " CONFIG ", \"features\": [{\"identifier\": \"a\", \"format\": " format        \
  ", \"hashing\": " hashing "}]}"
#define HASHING "{\"comparison\": {\"type\": \"exact\"}, \"strategy\": {\"bitsPerToken\": 1}}"
#define WITH(config, more)                                                                         \
  "{\"version\": 3, \"clkConfig\": " config                                                        \
  ", \"features\": [{\"identifier\": \"a\", \"format\": {\"type\": \"string\"}, \"hashing\": "     \
  "{\"comparison\": {\"type\": \"exact\"}, \"strategy\": {\"bitsPerToken\": 1}" more "}}]}"
#define TEXT "{\"type\": \"string\"}"
#define PATTERN(pattern) FEATURE("{\"type\": \"string\", \"pattern\": \"" pattern "\"}", HASHING)
#define DATE(format) FEATURE("{\"type\": \"date\", \"format\": \"" format "\"}", HASHING)

#define V1(hash, hashing, more)                                                                    \
  "{\"version\": 1, \"clkConfig\": {\"l\": 64, \"k\": 20, \"hash\": " hash                         \
  ", \"kdf\": {\"type\": "                                                                         \
  "\"HKDF\"}}, \"features\": [{\"identifier\": \"a\", \"format\": " TEXT                           \
  ", \"hashing\": " hashing more "}]}"

static const struct {
  const char *schema;
  const char *place; /* what the fault must say */
} refused[] = {
    {"", "s.json"},
    {"[]", "s.json"},
    {"{}", "version"},
    {"{\"version\": 4}", "version"},
    {"{\"version\": \"3\"}", "version"},
    {"{\"version\": 3}", "clkConfig"},
    {"{\"version\": 3, " CONFIG "}", "features"},
    {"{\"version\": 3, " CONFIG ", \"features\": [3]}", "features[0]"},
    {"{\"version\": 3, " CONFIG ", \"features\": []}", "features"},
    {FEATURE("{\"type\": \"text\"}", HASHING), "features[0].format.type"},
    {FEATURE("{\"type\": \"date\"}", HASHING), "features[0].format.format"},
    {FEATURE("{\"type\": \"enum\", \"values\": [1]}", HASHING), "features[0].format.values"},
    {FEATURE("{\"type\": \"integer\", \"minimum\": 1.5}", HASHING), "format.minimum"},
    {FEATURE("{\"type\": \"string\", \"minimum\": 1}", HASHING), "format.minimum"},
    {FEATURE(TEXT, "{}"), "hashing.comparison"},
    {FEATURE(TEXT, "{\"comparison\": {\"type\": \"exact\"}}"), "hashing.strategy"},
    {FEATURE(TEXT, "{\"comparison\": {\"type\": \"ngram\", \"n\": 100000}, \"strategy\": "
                   "{\"bitsPerToken\": 1}}"),
     "comparison.n"},
    {FEATURE(TEXT, "{\"comparison\": {\"type\": \"numeric\", \"resolution\": 1, "
                   "\"thresholdDistance\": 1e308, \"fractional_precision\": 2}, "
                   "\"strategy\": {\"bitsPerToken\": 1}}"),
     "comparison.thresholdDistance"},
    {FEATURE(TEXT, "{\"comparison\": {\"type\": \"exact\"}, \"strategy\": {\"bitsPerToken\": "
                   "1}, \"missingValue\": {}}"),
     "missingValue.sentinel"},
    {PATTERN("(?R)"), "format.pattern"},
    {PATTERN("(*UTF)a"), "format.pattern"},
    {PATTERN("a\\\\K"), "format.pattern"},
    {PATTERN("\\\\p{L}"), "format.pattern"},
    {PATTERN("[\\\\S]"), "format.pattern"},
    {PATTERN("(?<n>a)"), "format.pattern"},
    {PATTERN("a\\\\"), "format.pattern"},
    {PATTERN("[a"), "format.pattern"},
    {PATTERN("*"), "format.pattern"},
    {PATTERN("a(?i)b"), "format.pattern"},
    {PATTERN("(?-i)b"), "format.pattern"},
    {PATTERN("^*a"), "format.pattern"},
    {PATTERN("\\\\b+a"), "format.pattern"},
    {PATTERN("a{2}{3}"), "format.pattern"},
    {PATTERN("a+?*"), "format.pattern"},
    {DATE("%Y %Y"), "format.format"},
    {DATE("%Q"), "format.format"},
    {DATE("%c %Y"), "format.format"},
    {DATE("%Y%"), "format.format"},
    {"{\"version\": 2, " CONFIG ", \"features\": [{\"identifier\": \"a\", \"format\": " TEXT
     ", \"hashing\": {\"ngram\": 2}}]}",
     "features[0].hashing.strategy"},
    {"{\"version\": 2, " CONFIG ", \"features\": [{\"identifier\": \"a\", \"format\": " TEXT
     ", \"hashing\": {\"ngram\": 0, \"strategy\": {\"k\": 1}}}]}",
     "features[0].hashing.ngram"},
    {WITH("{\"l\": 65, \"kdf\": {\"type\": \"HKDF\"}}", ""), "power of two"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\", \"keySize\": 65}}", ""), "keySize"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\", \"keySize\": 4081}}",
          ", \"hash\": {\"type\": \"doubleHash\"}"),
     "clkConfig.kdf.keySize"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\", \"salt\": \"a!b\"}}", ""), "kdf.salt"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\", \"info\": \"eA\"}}", ""), "kdf.info"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\"}, \"xor_folds\": -1}", ""), "xor_folds"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\"}, \"xor_folds\": 19}", ""), "xor_folds"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\"}}",
          ", \"hash\": {\"type\": \"blakeHash\", \"prevent_singularity\": false}"),
     "hash.prevent_singularity"},
    {"{\"version\": 1, " CONFIG ", \"features\": []}", "clkConfig.k"},
    {V1("{\"type\": \"md5\"}", "{\"ngram\": 2}", ""), "clkConfig.hash.type"},
    {V1("{\"type\": \"doubleHash\"}", "{\"ngram\": 2, \"weight\": -1}", ""),
     "features[0].hashing.weight"},
    {V1("{\"type\": \"doubleHash\"}", "{\"ngram\": 2, \"weight\": 0.01}", ""),
     "features[0].hashing.weight"},
    {V1("{\"type\": \"doubleHash\"}", "{\"ngram\": 0}", ""), "features[0].hashing.ngram"},
    {V1("{\"type\": \"doubleHash\"}", "{\"ngram\": 2, \"n\": 1}", ""), "features[0].hashing.n"},
    {V1("{\"type\": \"doubleHash\"}", "{\"ngram\": 2}", ", \"ignored\": true"),
     "features[0].ignored"},
    {"{\"version\": 2, " CONFIG ", \"features\": [{\"identifier\": \"a\", \"format\": " TEXT
     ", \"hashing\": {\"ngram\": 2, \"strategy\": {\"k\": 1, \"numBits\": 2}}}]}",
     "features[0].hashing.strategy"},
    {"{\"version\": 2, " CONFIG ", \"features\": [{\"identifier\": \"a\", \"format\": " TEXT
     ", \"hashing\": {\"ngram\": 2, \"strategy\": {\"k\": 1, \"z\": 2}}}]}",
     "features[0].hashing.strategy.z"},
    {WITH("{\"l\": 64, \"kdf\": {\"type\": \"HKDF\", \"salt\": \"abcde\"}}", ""), "kdf.salt"},
    {DATE("%Y-%m-%d %"), "format.format"},
};

static void refused_schemas(void **state)
{
  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(refused); i++) {
    struct kith_clkhash_schema *schema = NULL;
    struct kith_fault fault = {0};

    assert_int_equal(kith_clkhash_schema_parse(&schema, refused[i].schema,
                                               strlen(refused[i].schema), "s.json", &fault),
                     KITH_ERR_CONFIG);
    assert_null(schema);
    assert_int_equal(fault.err, KITH_ERR_CONFIG);
    if (!strstr(fault.text, refused[i].place))
      fail_msg("%s: says \"%s\", not \"%s\"", refused[i].schema, fault.text, refused[i].place);
  }
}

/* ---- versions 1 and 2 ---- */

static void same_filter(const char *one, const char *other)
{
  static const char *const values[] = {"Anna", "Example"};
  uint8_t filters[2][8];
  struct kith_fault fault = {0};

  for (int i = 0; i < 2; i++) {
    struct pair pair = {0};

    if (pair_new(&pair, i ? other : one, "secret", &fault) != KITH_OK)
      fail_msg("%s", fault.text);
    assert_int_equal(kith_clkhash_encode(pair.encoder, filters[i], values, NULL, 2, &fault),
                     KITH_OK);
    pair_free(&pair);
  }
  assert_memory_equal(filters[0], filters[1], 8);
}

static void older_versions(void **state)
{
  (void)state;
  same_filter(
      "{\"version\": 2, " CONFIG ", \"features\": [{\"identifier\": \"a\", \"format\": " TEXT
      ", \"hashing\": {\"ngram\": 2, \"strategy\": {\"numBits\": 9}}}, {\"identifier\": "
      "\"b\", \"ignored\": true}]}",
      "{\"version\": 3, " CONFIG ", \"features\": [{\"identifier\": \"a\", \"format\": " TEXT
      ", \"hashing\": {\"comparison\": {\"type\": \"ngram\", \"n\": 2}, \"strategy\": "
      "{\"bitsPerFeature\": 9}}}, {\"identifier\": \"b\", \"ignored\": true}]}");
  same_filter("{\"version\": 1, \"clkConfig\": {\"l\": 64, \"k\": 4, \"hash\": {\"type\": "
              "\"doubleHash\"}, \"kdf\": {\"type\": \"HKDF\"}}, \"features\": [{\"identifier\": "
              "\"a\", \"format\": " TEXT ", \"hashing\": {\"ngram\": 1, \"weight\": 0.5, "
              "\"positional\": true}}, {\"identifier\": \"b\", \"format\": " TEXT
              ", \"hashing\": {\"ngram\": 2, \"weight\": 0}}]}",
              "{\"version\": 3, " CONFIG
              ", \"features\": [{\"identifier\": \"a\", \"format\": " TEXT
              ", \"hashing\": {\"comparison\": {\"type\": \"ngram\", \"n\": 1, \"positional\": "
              "true}, \"strategy\": {\"bitsPerToken\": 2}, \"hash\": {\"type\": \"doubleHash\"}}}, "
              "{\"identifier\": \"b\", \"ignored\": true}]}");
}

/* ---- rows and headers ---- */

static void faults_name_no_value(void **state)
{
  static const char *const schemas[] = {
      FEATURE("{\"type\": \"integer\"}", HASHING),
      DATE("%Y"),
      PATTERN("a"),
      FEATURE("{\"type\": \"enum\", \"values\": [\"a\"]}", HASHING),
      FEATURE("{\"type\": \"string\", \"case\": \"upper\"}", HASHING),
      FEATURE("{\"type\": \"string\", \"maxLength\": 2}", HASHING),
      FEATURE(TEXT, "{\"comparison\": {\"type\": \"numeric\", \"resolution\": 1, "
                    "\"thresholdDistance\": 1}, \"strategy\": {\"bitsPerToken\": 1}}"),
      PATTERN("(Z|(.+)+)*!"),
  };
  static const char *const value[] = {VALUE_THAT_IS_NOT_SHOWN};

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(schemas); i++) {
    struct kith_fault fault = {0};
    struct pair pair = {0};
    uint8_t filter[8];

    assert_int_equal(pair_new(&pair, schemas[i], "secret", &fault), KITH_OK);
    assert_int_equal(kith_clkhash_encode(pair.encoder, filter, value, NULL, 1, &fault),
                     KITH_ERR_DATA);
    assert_non_null(strstr(fault.text, "column 1 (\"a\")"));
    assert_null(strstr(fault.text, VALUE_THAT_IS_NOT_SHOWN));
    pair_free(&pair);
  }
}

static void headers(void **state)
{
  static const char *const names[] = {"a", "b"};
  static const char *const other[] = {"A"};
  struct pair pair = {0};
  struct kith_fault fault;
  uint8_t filter[8];

  (void)state;
  assert_int_equal(pair_new(&pair, FEATURE(TEXT, HASHING), "secret", &fault), KITH_OK);
  assert_int_equal(kith_clkhash_schema_header(pair.schema, names, 1, &fault), KITH_OK);
  assert_int_equal(kith_clkhash_schema_header(pair.schema, names, 2, &fault), KITH_ERR_DATA);
  assert_int_equal(kith_clkhash_schema_header(pair.schema, names, 0, &fault), KITH_ERR_DATA);
  assert_int_equal(kith_clkhash_schema_header(pair.schema, other, 1, &fault), KITH_ERR_DATA);
  assert_int_equal(kith_clkhash_encode(pair.encoder, filter, names, NULL, 2, &fault),
                   KITH_ERR_DATA);
  assert_int_equal(kith_clkhash_encode(pair.encoder, filter, names, NULL, 0, &fault),
                   KITH_ERR_DATA);
  pair_free(&pair);
}

/* ---- no memory ---- */

static void allocations_fail(void **state)
{
  const struct clkhash_vector *vector = &clkhash_vectors[0];
  static const char numeric[] =
      FEATURE("{\"type\": \"string\", \"pattern\": \"[0-9]+\"}",
              "{\"comparison\": {\"type\": \"numeric\", \"resolution\": 1, \"thresholdDistance\": "
              "1}, \"strategy\": {\"bitsPerToken\": 1}}");
  static const char *const number[] = {"123"};

  (void)state;
  for (int i = 0; i < 2; i++)
    UNIT_EACH_ALLOCATION(n)
    {
      struct kith_fault fault = {0};
      struct pair pair = {0};
      uint8_t filter[128];
      enum kith_err err = pair_new(&pair, i ? numeric : vector->schema, "a secret\n", &fault);

      if (err == KITH_OK)
        err = kith_clkhash_encode(pair.encoder, filter, i ? number : vector->rows[0].values, NULL,
                                  i ? 1 : vector->n_values, &fault);
      pair_free(&pair);
      if (err == KITH_OK)
        unit_allocations_done();
      else
        assert_int_equal(err, KITH_ERR_MEMORY);
    }
  pair_free(&(struct pair){0});
}

/* Masks together, by what this machine has and by what every machine has, of every length. */
static void masks_ored(void **state)
{
  enum { MASKS = 6, WORDS = 32, BYTES_MAX = 20 * WORDS };
  uint8_t *block = kith_calloc_aligned(WORDS, MASKS + 3, BYTES_MAX);
  uint8_t *quick = block + MASKS * BYTES_MAX;
  uint8_t *plain = quick + BYTES_MAX;
  uint8_t *known = plain + BYTES_MAX;
  const uint8_t *masks[MASKS];
  uint32_t seed = 1;

  (void)state;
  for (size_t i = 0; i < MASKS; i++)
    masks[i] = block + i * BYTES_MAX;
  for (size_t bytes = 0; bytes <= BYTES_MAX; bytes += WORDS)
    for (size_t n = 0; n <= MASKS; n++)
      for (unsigned fresh = 0; fresh < 2; fresh++) {
        for (size_t i = 0; i < MASKS * BYTES_MAX; i++)
          block[i] = (uint8_t)(1u << ((seed = seed * 1103515245u + 12345u) >> 16) % 32);
        for (size_t i = 0; i < BYTES_MAX; i++) {
          quick[i] = plain[i] = known[i] = 0x10;
          if (i < bytes && fresh)
            known[i] = 0;
          for (size_t m = 0; i < bytes && m < n; m++)
            known[i] |= masks[m][i];
        }
        kith_clkhash_or(quick, masks, n, bytes, fresh);
        kith_clkhash_or_plain(plain, masks, n, bytes, fresh);
        assert_memory_equal(quick, known, BYTES_MAX);
        assert_memory_equal(plain, known, BYTES_MAX);
      }
  kith_free(block);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(own_vectors),          cmocka_unit_test(shared_vectors),
      cmocka_unit_test(shared_outcomes),      cmocka_unit_test(clkhash_answers),
      cmocka_unit_test(refused_schemas),      cmocka_unit_test(older_versions),
      cmocka_unit_test(faults_name_no_value), cmocka_unit_test(headers),
      cmocka_unit_test(allocations_fail),     cmocka_unit_test(masks_ored),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests_name("encode_clkhash", tests, NULL, NULL);
}
