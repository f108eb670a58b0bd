#include "base/buf.h"
#include "base/csv.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/secret.h"
#include "daemon/pipeline/clkhash.h"
#include "tests/unit/unit.h"

enum { ROWS = 20000, BAD_ROW = 15001 };

#define SCHEMA(bits)                                                                               \
  "{\"version\": 3, \"clkConfig\": {\"l\": " bits ", \"kdf\": {\"type\": \"HKDF\"}}, "             \
  "\"features\": [{\"identifier\": \"name\", \"format\": {\"type\": \"string\", \"pattern\": "     \
  "\"[^ ]+\"}, \"hashing\": "                                                                      \
  "{\"comparison\": {\"type\": \"ngram\", \"n\": 2}, \"strategy\": {\"bitsPerFeature\": 50}}}, "   \
  "{\"identifier\": \"number\", \"format\": {\"type\": \"integer\"}, \"hashing\": "                \
  "{\"comparison\": "                                                                              \
  "{\"type\": \"numeric\", \"resolution\": 3, \"thresholdDistance\": 5}, \"strategy\": "           \
  "{\"bitsPerToken\": 4}}}, {\"identifier\": \"born\", \"format\": {\"type\": \"date\", "          \
  "\"format\": \"%d.%m.%y\"}, \"hashing\": {\"comparison\": {\"type\": \"ngram\", \"n\": 1}, "     \
  "\"strategy\": {\"bitsPerToken\": 4}}}]}"

static struct kith_secret *secret;

static struct kith_clkhash_schema *schema_of(const char *text)
{
  struct kith_clkhash_schema *schema = NULL;
  struct kith_fault fault = {0};

  if (kith_clkhash_schema_parse(&schema, text, strlen(text), "s", &fault) != KITH_OK)
    fail_msg("%s", fault.text);
  return schema;
}

/* Names that repeat, numbers that hardly do; row numbers in bad[] have no number. */
static const char *table(void **state, const char *name, size_t n_rows, const size_t *bad,
                         size_t n_bad)
{
  const char *path = unit_path(state, name);
  FILE *file = fopen(path, "w");

  assert_non_null(file);
  (void)fputs("name,number,born\n", file);
  for (size_t row = 2; row < n_rows + 2; row++) {
    bool is_bad = false;

    for (size_t i = 0; i < n_bad; i++)
      is_bad = is_bad || bad[i] == row;
    (void)fprintf(file, "name%s%zu,%s%zu,%zu.%zu.%02zu\n", row % 3 ? "" : "é", row * 7919 % 400,
                  is_bad ? "Hidden" : "", row * 104729 % 1000000, row % 28 + 1, row % 12 + 1,
                  row % 100);
  }
  assert_int_equal(fclose(file), 0);
  return path;
}

static enum kith_err run(struct kith_buf *text, uint64_t *last_row, uint64_t *n_bad,
                         struct kith_clkhash_schema *schema, const char *path,
                         const struct kith_clkhash_options *options, struct kith_fault *fault)
{
  struct kith_clkhash_pipeline *pipeline = NULL;
  struct kith_clkhash_block block;
  enum kith_err err = kith_clkhash_open(&pipeline, schema, secret, path, options, fault);

  kith_buf_init(text, 0);
  *n_bad = *last_row = 0;
  while (err == KITH_OK && (err = kith_clkhash_next(pipeline, &block, fault)) == KITH_OK) {
    kith_buf_append(text, block.text, block.len);
    for (size_t i = 0; i < block.n; i++) {
      assert_true(block.source_rows[i] > *last_row);
      *last_row = block.source_rows[i];
    }
    *n_bad += block.n_bad;
  }
  kith_clkhash_free(pipeline);
  return err;
}

/* Row by row, by an encoder that remembers next to nothing. */
static void row_by_row(struct kith_buf *text, struct kith_clkhash_schema *schema, const char *path)
{
  size_t bytes = (kith_clkhash_schema_bits(schema) + 7) / 8;
  struct kith_clkhash_encoder *encoder = NULL;
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;
  uint8_t *filter = kith_calloc(bytes, 1);
  char *base64 = kith_calloc(KITH_BASE64_BYTES(bytes), 1);

  kith_buf_init(text, 0);
  assert_int_equal(kith_clkhash_encoder_new(&encoder, schema, secret, 1), KITH_OK);
  assert_int_equal(kith_csv_open(&csv, path, NULL, NULL), KITH_OK);
  while (kith_csv_next(csv, &row, NULL) == KITH_OK) {
    assert_int_equal(kith_clkhash_encode(encoder, filter, row.fields, NULL, row.n_fields, NULL),
                     KITH_OK);
    kith_base64_encode(base64, filter, bytes);
    kith_buf_printf(text, ", \"%s\"", base64);
  }
  kith_csv_free(csv);
  kith_clkhash_encoder_free(encoder);
  kith_free(base64);
  kith_free(filter);
}

static void any_number_of_threads(void **state)
{
  static const char *const schemas[] = {SCHEMA("1024"), SCHEMA("64"), SCHEMA("32768")};
  static const size_t n_rows[] = {ROWS, ROWS, 500};

  for (size_t s = 0; s < KITH_COUNT_OF(schemas); s++) {
    const char *path = table(state, "threads.csv", n_rows[s], NULL, 0);
    struct kith_clkhash_schema *schema = schema_of(schemas[s]);
    struct kith_buf expected;

    row_by_row(&expected, schema, path);
    for (unsigned n_threads = 0; n_threads <= 5; n_threads++) {
      const struct kith_clkhash_options options = {.n_threads = n_threads};
      struct kith_fault fault = {0};
      struct kith_buf text;
      uint64_t last = 0;
      uint64_t n_bad = 0;

      assert_int_equal(run(&text, &last, &n_bad, schema, path, &options, &fault),
                       KITH_ERR_NOT_FOUND);
      assert_int_equal(last, n_rows[s] + 1);
      assert_int_equal(n_bad, 0);
      assert_int_equal(text.len, expected.len);
      assert_memory_equal(text.bytes, expected.bytes, text.len);
      kith_buf_free(&text);
    }
    kith_buf_free(&expected);
    kith_clkhash_schema_free(schema);
  }
}

static void first_bad_row(void **state)
{
  static const size_t bad[] = {BAD_ROW, BAD_ROW + 1, ROWS};
  const char *path = table(state, "bad.csv", ROWS, bad, KITH_COUNT_OF(bad));
  struct kith_clkhash_schema *schema = schema_of(SCHEMA("1024"));

  for (unsigned n_threads = 1; n_threads <= 4; n_threads++)
    for (int skip = 0; skip < 2; skip++) {
      const struct kith_clkhash_options options = {.n_threads = n_threads, .skip_bad = skip};
      struct kith_fault fault = {0};
      struct kith_buf text;
      uint64_t last = 0;
      uint64_t n_bad = 0;

      assert_int_equal(run(&text, &last, &n_bad, schema, path, &options, &fault),
                       skip ? KITH_ERR_NOT_FOUND : KITH_ERR_DATA);
      assert_true(skip ? last == ROWS + 1 : last < BAD_ROW);
      assert_int_equal(n_bad, skip ? KITH_COUNT_OF(bad) : 0);
      if (!skip && !strstr(fault.text, "bad.csv: row 15001: column 2 (\"number\"): "))
        fail_msg("%s", fault.text);
      assert_null(strstr(fault.text, "Hidden"));
      kith_buf_free(&text);
    }
  kith_clkhash_schema_free(schema);
}

static void stopped(void **state)
{
  const char *path = table(state, "stopped.csv", ROWS, NULL, 0);
  struct kith_clkhash_schema *schema = schema_of(SCHEMA("1024"));
  struct kith_clkhash_pipeline *pipeline = NULL;
  struct kith_clkhash_block block;
  struct kith_fault fault = {0};
  atomic_bool cancel = false;
  const struct kith_clkhash_options options = {.n_threads = 3, .cancel = &cancel};
  enum kith_err err = KITH_OK;

  assert_int_equal(kith_clkhash_open(&pipeline, schema, secret, path, &options, &fault), KITH_OK);
  assert_int_equal(kith_clkhash_next(pipeline, &block, &fault), KITH_OK);
  atomic_store(&cancel, true);
  while (err == KITH_OK)
    err = kith_clkhash_next(pipeline, &block, &fault);
  assert_int_equal(err, KITH_ERR_CANCELLED);
  assert_true(kith_clkhash_share(pipeline) < 1);
  kith_clkhash_free(pipeline);
  kith_clkhash_free(NULL);
  kith_clkhash_schema_free(schema);
}

static void allocations_fail(void **state)
{
  const char *path = table(state, "memory.csv", 30, NULL, 0);
  struct kith_clkhash_schema *schema = schema_of(SCHEMA("1024"));
  const struct kith_clkhash_options options = {.n_threads = 2};

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_fault fault = {0};
    struct kith_buf text;
    uint64_t last = 0;
    uint64_t n_bad = 0;
    enum kith_err err = run(&text, &last, &n_bad, schema, path, &options, &fault);

    if (err == KITH_ERR_NOT_FOUND && kith_buf_err(&text) == KITH_OK)
      unit_allocations_done();
    else
      assert_true(err == KITH_ERR_MEMORY || kith_buf_err(&text) == KITH_ERR_MEMORY);
    kith_buf_free(&text);
  }
  kith_clkhash_schema_free(schema);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_threads),
      cmocka_unit_test(first_bad_row),
      cmocka_unit_test(stopped),
      cmocka_unit_test(allocations_fail),
  };
  bool locked;
  int failed;

  if (kith_crypto_init(&locked) != KITH_OK || kith_secret_copy(&secret, "a secret", 8) != KITH_OK)
    return EXIT_FAILURE;
  failed =
      cmocka_run_group_tests_name("clkhash_pipeline", tests, unit_folder_make, unit_folder_remove);
  kith_secret_free(secret);
  return failed;
}
