/* The pipeline: places, scope, equality of what is alike, the fingerprint, cancelling, memory. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/encode.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/words.h"

static const uint8_t secret[] = "a secret of the tests";
static const char agencies[][KITH_MEMBER_ID_BYTES] = {"police", "health"};

static const char people[] = "id,given_name,surname,date_of_birth,sex,postcode\n"
                             "1,Anna,Example,1985-04-20,F,QX1 1AB\n"
                             "2,ANNA,EXAMPLE,20/04/1985,female,qx11ab\n"
                             "2,Again,Again,1990-01-02,F,\n"
                             "3,,,,,\n"
                             "4,Child,Example,2015-06-07,M,QX1 1AB\n"
                             "5,Nodate,Example,,M,QX1 1AB\n";

static struct kith_policy default_policy(void)
{
  struct kith_policy policy;

  kith_policy_default(&policy, agencies, 2);
  return policy;
}

static enum kith_err run(struct kith_encoded *out, const struct kith_policy *policy,
                         const char *path, const struct kith_pipeline_options *options,
                         struct kith_fault *fault)
{
  const struct kith_source_spec source = kith_source_of_file(path);

  *out = (struct kith_encoded){0};
  return kith_pipeline_run(out, policy, secret, sizeof secret, &source, options, fault);
}

static bool same_row(const struct kith_encodings *enc, size_t a, size_t b)
{
  return memcmp(kith_encodings_row(enc, a), kith_encodings_row(enc, b), enc->row_bytes) == 0;
}

static unsigned row_bits(const struct kith_encodings *enc, size_t row)
{
  unsigned n = 0;

  for (size_t i = 0; i < enc->row_bytes; i++)
    n += (unsigned)__builtin_popcount(kith_encodings_row(enc, row)[i]);
  return n;
}

static void places(void **state)
{
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  struct kith_policy policy = default_policy();
  struct kith_encoded out;

  assert_int_equal(run(&out, &policy, path, NULL, NULL), KITH_OK);
  assert_int_equal(out.encodings.n, 6);
  assert_int_equal(out.encodings.bits, policy.bits);
  assert_int_equal(kith_encodings_check(&out.encodings, "test", NULL), KITH_OK);
  assert_int_equal(out.n_in_scope, 4);
  assert_int_equal(out.n_set_aside, 1);
  assert_int_equal(out.n_out_of_scope, 0);
  assert_int_equal(out.scope.n[KITH_SCOPE_SPARSE], 1);
  assert_string_equal(kith_ids_at(&out.ids, 4), "4");
  assert_int_equal(out.source_rows[5], 7);
  assert_true(same_row(&out.encodings, 0, 1));
  assert_false(same_row(&out.encodings, 0, 4));
  assert_int_equal(out.encodings.masks[0], 0x7f);
  assert_false(out.in_scope[2]);
  assert_int_equal(row_bits(&out.encodings, 2), 0);
  assert_int_equal(out.encodings.masks[2], 0);
  assert_false(out.in_scope[3]); /* nothing in it */
  assert_int_equal(row_bits(&out.encodings, 3), 0);
  assert_int_equal(out.encodings.masks[5], 0x6f); /* no date of birth */
  assert_true(row_bits(&out.encodings, 0) > 200 && row_bits(&out.encodings, 0) < 400);
  kith_encoded_free(&out);
  kith_encoded_free(&out);
}

/* Names typed the wrong way round share the bits of "names". */
static void names_swapped(void **state)
{
  static const char swapped[] = "id,given_name,surname\n"
                                "1,Anna,Example\n2,Example,Anna\n3,Peter,Sample\n";
  const char *path = unit_file(state, "swapped.csv", swapped, sizeof swapped - 1);
  struct kith_policy policy = default_policy();
  struct kith_encoded out;

  assert_string_equal(policy.fields[2].field, "names");
  policy.fields[0] = policy.fields[2];
  policy.n_fields = 1;
  policy.evidence.n_groups = 0;
  assert_int_equal(run(&out, &policy, path, NULL, NULL), KITH_OK);
  assert_true(row_bits(&out.encodings, 0) > 50);
  assert_true(same_row(&out.encodings, 0, 1));
  assert_false(same_row(&out.encodings, 0, 2));
  kith_encoded_free(&out);
}

static void keys_and_masks(void **state)
{
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  const struct kith_source_spec source = kith_source_of_file(path);
  struct kith_policy policy = default_policy();
  struct kith_encoded a;
  struct kith_encoded b;

  assert_int_equal(run(&a, &policy, path, NULL, NULL), KITH_OK);
  b = (struct kith_encoded){0};
  assert_int_equal(kith_pipeline_run(&b, &policy, secret, sizeof secret - 1, &source, NULL, NULL),
                   KITH_OK);
  assert_memory_not_equal(a.encodings.filters, b.encodings.filters, a.encodings.row_bytes);
  assert_memory_not_equal(a.encodings.key_check, b.encodings.key_check, KITH_KEY_CHECK_BYTES);
  assert_memory_equal(a.encodings.schema_hash, b.encodings.schema_hash, KITH_SCHEMA_HASH_BYTES);
  kith_encoded_free(&b);
  policy.mask = false;
  assert_int_equal(run(&b, &policy, path, NULL, NULL), KITH_OK);
  assert_null(b.encodings.masks);
  assert_memory_equal(a.encodings.filters, b.encodings.filters, 6 * a.encodings.row_bytes);
  kith_encoded_free(&a);
  kith_encoded_free(&b);
}

/* A row that was objected to keeps its place; its values are not even looked at. */
static void count_looks(void *context, unsigned thread, const struct kith_record *record,
                        const enum kith_outcome outcomes[KITH_FIELD_COUNT], bool in_scope)
{
  unsigned *n = context;

  (void)thread, (void)record, (void)outcomes;
  n[in_scope]++;
}

static void objections(void **state)
{
  static const char list[] = "id\n1\n2\n99\n";
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  const char *list_path = unit_file(state, "objections.csv", list, sizeof list - 1);
  struct kith_policy policy = default_policy();

  for (unsigned n_threads = 1; n_threads <= 3; n_threads++) {
    unsigned looked[2] = {0};
    struct kith_pipeline_options options = {
        .n_threads = 1, .look = count_looks, .look_context = looked};
    struct kith_encoded all;
    struct kith_encoded out;

    assert_int_equal(run(&all, &policy, path, NULL, NULL), KITH_OK);
    assert_int_equal(kith_objections_load(&options.objections, list_path, NULL), KITH_OK);
    options.n_threads = n_threads;
    options.look = n_threads == 1 ? count_looks : NULL;
    assert_int_equal(run(&out, &policy, path, &options, NULL), KITH_OK);
    assert_int_equal(out.encodings.n, 6);
    assert_int_equal(out.scope.n[KITH_SCOPE_OBJECTED], 2);
    assert_int_equal(out.n_in_scope, 2);
    assert_int_equal(out.n_set_aside, 1); /* the second row of 2: no fault is hidden */
    assert_int_equal(out.scope.n[KITH_SCOPE_SPARSE], 1);
    for (size_t i = 0; i < 3; i++) {
      assert_false(out.in_scope[i]);
      assert_int_equal(row_bits(&out.encodings, i), 0);
      assert_int_equal(out.encodings.masks[i], 0);
    }
    assert_string_equal(kith_ids_at(&out.ids, 0), "1");
    assert_memory_equal(kith_encodings_row(&out.encodings, 4),
                        kith_encodings_row(&all.encodings, 4), out.encodings.row_bytes);
    assert_int_equal(kith_objections_missed(options.objections), 1);
    if (n_threads == 1) {
      assert_int_equal(looked[true], 2);
      assert_int_equal(looked[false], 1);
    }
    kith_objections_free(options.objections);
    kith_encoded_free(&out);
    kith_encoded_free(&all);
  }
}

/* Years outside the policy's are dropped where it says so, and read by it. */
static void dates(void **state)
{
  static const char old[] = "id,given_name,surname,date_of_birth\n1,Anna,Example,1852-04-20\n"
                            "2,Anna,Example,20/04/30\n3,Anna,Example,1930-04-20\n"
                            "4,Anna,Example,2030-04-20\n";
  const char *path = unit_file(state, "old.csv", old, sizeof old - 1);
  struct kith_policy policy = default_policy();
  struct kith_encoded out;

  assert_int_equal(run(&out, &policy, path, NULL, NULL), KITH_OK);
  assert_int_equal(out.n_in_scope, 4);
  assert_true(same_row(&out.encodings, 1, 2));
  kith_encoded_free(&out);
  policy.dates.drop_outside = true;
  policy.dates.year_max = 2035;
  assert_int_equal(run(&out, &policy, path, NULL, NULL), KITH_OK);
  assert_int_equal(out.n_in_scope, 3);
  assert_int_equal(out.scope.n[KITH_SCOPE_SPARSE], 1);
  assert_false(out.in_scope[0]);
  assert_true(same_row(&out.encodings, 1, 3));
  kith_encoded_free(&out);
}

static void unknown_evidence(void **state)
{
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  struct kith_policy policy = default_policy();
  struct kith_fault fault = {0};
  struct kith_encoded out;

  strcpy(policy.evidence.groups[0].fields[0], "shoe_size");
  assert_int_equal(run(&out, &policy, path, NULL, &fault), KITH_ERR_CONFIG);
  assert_non_null(strstr(fault.text, "shoe_size"));
}

static void scope(void **state)
{
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  struct kith_policy policy = default_policy();
  struct kith_encoded out;

  policy.scope = (struct kith_scope){.present = true, .on = {2026, 1, 1}, .age_max = 24};
  assert_int_equal(run(&out, &policy, path, NULL, NULL), KITH_OK);
  assert_int_equal(out.n_in_scope, 1);
  assert_int_equal(out.n_out_of_scope, 4);
  assert_int_equal(out.scope.n[KITH_SCOPE_AGE], 2);
  assert_int_equal(out.scope.n[KITH_SCOPE_BIRTH_UNKNOWN], 2);
  assert_int_equal(out.n_set_aside, 1);
  assert_true(out.in_scope[4]);
  assert_int_equal(row_bits(&out.encodings, 0), 0);
  assert_int_equal(out.encodings.masks[0], 0);
  kith_encoded_free(&out);
}

static void refusals(void **state)
{
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  struct kith_source_spec strict = kith_source_of_file(path);
  struct kith_policy policy = default_policy();
  struct kith_encoded out;
  struct kith_fault fault = {0};

  assert_int_equal(run(&out, &policy, unit_path(state, "none"), NULL, &fault), KITH_ERR_NO_INPUT);
  out = (struct kith_encoded){0};
  strict.strict = true;
  assert_int_equal(kith_pipeline_run(&out, &policy, secret, sizeof secret, &strict, NULL, &fault),
                   KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "row 4, column 1: repeated id"));
  assert_null(strstr(fault.text, "Again"));
  assert_null(out.encodings.filters);
  strcpy(policy.fields[0].field, "shoe_size");
  assert_int_equal(run(&out, &policy, path, NULL, &fault), KITH_ERR_CONFIG);
  policy = default_policy();
  strcpy(policy.standardiser, "kith-2");
  assert_int_equal(run(&out, &policy, path, NULL, &fault), KITH_ERR_CONFIG);
  policy = default_policy();
  policy.bits = 1000;
  assert_int_equal(run(&out, &policy, path, NULL, &fault), KITH_ERR_CONFIG);
}

static void progress(void *context, double share)
{
  double *shares = context;

  assert_true(share >= shares[0] && share <= 1);
  shares[0] = share;
  shares[1]++;
}

static void watched_and_cancelled(void **state)
{
  const char *path = unit_path(state, "many.csv");
  FILE *file = fopen(path, "wb");
  double shares[2] = {0, 0};
  atomic_bool cancel = false;
  const struct kith_pipeline_options options = {
      .progress = progress, .progress_context = shares, .cancel = &cancel};
  struct kith_policy policy = default_policy();
  struct kith_encoded out;

  fprintf(file, "id,surname\n");
  for (int i = 0; i < 5000; i++)
    fprintf(file, "%d,Name%c\n", i, 'a' + i % 26);
  fclose(file);
  assert_int_equal(run(&out, &policy, path, &options, NULL), KITH_OK);
  assert_int_equal(out.encodings.n, 5000);
  assert_true(shares[0] == 1 && shares[1] > 10);
  kith_encoded_free(&out);
  atomic_store(&cancel, true);
  assert_int_equal(run(&out, &policy, path, &options, NULL), KITH_ERR_CANCELLED);
  assert_null(out.encodings.filters);
}

/* ---- threads */

enum { MANY = 9000 };

static const char *many_people(void **state, const char *name, int bad_row)
{
  static const char *const names[] = {"Anna", "Bert", "Caroline", "Dwight", "Zo\xc3\xab", ""};
  const char *path = unit_path(state, name);
  FILE *file = fopen(path, "wb");

  fprintf(file, "id,given_name,surname,date_of_birth,sex,postcode,street\n");
  for (int i = 0; i < MANY; i++) {
    if (i == bad_row)
      fprintf(file, "%d,\xff\xfe,,,,,\n", i);
    else
      fprintf(file, "%d,%s,Example%d,%d-%02d-%02d,%s,QX%d 1AB,%.*s\n", i % 97 == 96 ? i - 1 : i,
              names[i % 6], i % 321, 1950 + i % 60, 1 + i % 12, 1 + i % 28, i & 1 ? "f" : "m",
              i % 50, i % 500 == 0 ? 300 : 1, "a long street whose name goes on and on");
  }
  fclose(file);
  return path;
}

static void same_encoded(const struct kith_encoded *a, const struct kith_encoded *b)
{
  const struct kith_encodings *left = &a->encodings;
  const struct kith_encodings *right = &b->encodings;

  assert_int_equal(left->n, right->n);
  assert_int_equal(left->stride, right->stride);
  assert_memory_equal(left->filters, right->filters, left->n * left->stride);
  assert_memory_equal(left->masks, right->masks, left->n * sizeof *left->masks);
  assert_memory_equal(a->source_rows, b->source_rows, left->n * sizeof *a->source_rows);
  assert_memory_equal(a->in_scope, b->in_scope, left->n * sizeof *a->in_scope);
  assert_int_equal(a->n_in_scope, b->n_in_scope);
  assert_int_equal(a->n_set_aside, b->n_set_aside);
  assert_int_equal(a->n_out_of_scope, b->n_out_of_scope);
  for (size_t i = 0; i < left->n; i++)
    assert_string_equal(kith_ids_at(&a->ids, i), kith_ids_at(&b->ids, i));
}

struct looks {
  uint64_t rows[KITH_PIPELINE_THREADS_MAX];
  uint64_t in_scope[KITH_PIPELINE_THREADS_MAX];
};

static void look(void *context, unsigned thread, const struct kith_record *record,
                 const enum kith_outcome outcomes[KITH_FIELD_COUNT], bool in_scope)
{
  struct looks *looks = context;

  (void)record;
  (void)outcomes;
  looks->rows[thread]++;
  looks->in_scope[thread] += in_scope;
}

/* The same bytes whatever the number of threads, and each row is looked at once. */
static void any_number_of_threads(void **state)
{
  static const unsigned threads[] = {1, 2, 3, 8, 0};
  const char *path = many_people(state, "threads.csv", -1);
  struct kith_policy policy = default_policy();
  struct kith_encoded first;

  policy.scope =
      (struct kith_scope){.present = true, .on = {2026, 1, 1}, .age_min = 20, .age_max = 70};
  for (size_t i = 0; i < KITH_COUNT_OF(threads); i++) {
    struct looks looks = {0};
    const struct kith_pipeline_options options = {
        .n_threads = threads[i], .look = look, .look_context = &looks};
    struct kith_encoded out;
    uint64_t rows = 0;
    uint64_t in_scope = 0;

    assert_int_equal(run(&out, &policy, path, &options, NULL), KITH_OK);
    assert_int_equal(out.encodings.n, MANY);
    for (unsigned k = 0; k < KITH_PIPELINE_THREADS_MAX; k++) {
      rows += looks.rows[k];
      in_scope += looks.in_scope[k];
      assert_true(looks.rows[k] == 0 || k < kith_pipeline_threads(threads[i]));
    }
    assert_int_equal(rows, MANY - out.n_set_aside);
    assert_int_equal(in_scope, out.n_in_scope);
    assert_true(out.n_set_aside > 50 && out.n_out_of_scope > 100);
    if (i == 0) {
      first = out;
      continue;
    }
    same_encoded(&first, &out);
    kith_encoded_free(&out);
  }
  kith_encoded_free(&first);
}

/* In blocks: the same rows; what is wrong comes after the rows before it, for every number. */
static void blocks_and_errors(void **state)
{
  const char *path = many_people(state, "blocks.csv", 5000);
  struct kith_policy policy = default_policy();
  struct kith_source_spec strict = kith_source_of_file(path);

  strict.strict = true;
  for (unsigned n_threads = 1; n_threads <= 4; n_threads++) {
    const struct kith_pipeline_options options = {.n_threads = n_threads};
    const struct kith_block *block = NULL;
    struct kith_pipeline *pipeline = NULL;
    struct kith_fault fault = {0};
    size_t n = 0;
    enum kith_err err;

    assert_int_equal(
        kith_pipeline_open(&pipeline, &policy, secret, sizeof secret, &strict, &options, &fault),
        KITH_OK);
    while ((err = kith_pipeline_next(pipeline, &block, &fault)) == KITH_OK) {
      assert_true(block->n > 0);
      assert_int_equal(block->source_rows[0], n + 2);
      n += block->n;
    }
    assert_int_equal(err, KITH_ERR_DATA);
    assert_int_equal(n, 96); /* the id of row 98 is that of row 97 */
    assert_non_null(strstr(fault.text, "row 98, column 1: repeated id"));
    kith_pipeline_free(pipeline);
  }
}

/* Left in the middle, with blocks at work. */
static void left_early(void **state)
{
  const char *path = many_people(state, "early.csv", -1);
  const struct kith_source_spec spec = kith_source_of_file(path);
  struct kith_policy policy = default_policy();

  for (unsigned n_threads = 1; n_threads <= 4; n_threads++) {
    const struct kith_pipeline_options options = {.n_threads = n_threads};
    const struct kith_block *block = NULL;
    struct kith_pipeline *pipeline = NULL;

    assert_int_equal(
        kith_pipeline_open(&pipeline, &policy, secret, sizeof secret, &spec, &options, NULL),
        KITH_OK);
    assert_int_equal(kith_pipeline_next(pipeline, &block, NULL), KITH_OK);
    kith_pipeline_free(pipeline);
  }
  kith_pipeline_free(NULL);
}

/* ---- several filters */

/* Each field sets bits in its own filter alone, and every filter has its own keys. */
static void several_filters(void **state)
{
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  struct kith_policy policy = default_policy();
  struct kith_encoded one;
  struct kith_encoded two;
  unsigned last = policy.n_fields - 1;

  assert_int_equal(run(&one, &policy, path, NULL, NULL), KITH_OK);
  assert_int_equal(one.encodings.n_filters, 1);
  assert_string_equal(policy.fields[last].field, "postcode");
  policy.n_filters = 2;
  policy.filters[0] = (struct kith_policy_filter){"stable", 1024};
  policy.filters[1] = (struct kith_policy_filter){"volatile", 512};
  policy.fields[last].filter = 1;
  assert_int_equal(kith_policy_row_bytes(&policy), 192);
  assert_int_equal(run(&two, &policy, path, NULL, NULL), KITH_OK);
  assert_int_equal(kith_encodings_check(&two.encodings, "test", NULL), KITH_OK);
  assert_int_equal(two.encodings.n_filters, 2);
  assert_int_equal(two.encodings.stride, 192);
  assert_int_equal(two.encodings.row_bytes, 128);
  assert_int_equal(two.encodings.field_filters[last], 1);
  assert_int_equal(kith_encodings_filter_fields(&two.encodings, 1), 1u << last);
  for (size_t i = 0; i < two.encodings.n; i++) {
    const uint8_t *second = kith_encodings_filter(&two.encodings, i, 1);
    unsigned n = 0;

    assert_ptr_equal(second, kith_encodings_row(&two.encodings, i) + 128);
    for (size_t k = 0; k < 64; k++)
      n += (unsigned)__builtin_popcount(second[k]);
    assert_int_equal(two.encodings.masks[i], one.encodings.masks[i]);
    assert_int_equal(n > 0, two.encodings.masks[i] >> last & 1);
  }
  assert_memory_not_equal(one.encodings.schema_hash, two.encodings.schema_hash,
                          KITH_SCHEMA_HASH_BYTES);
  assert_memory_not_equal(kith_encodings_row(&one.encodings, 0),
                          kith_encodings_row(&two.encodings, 0), 128);
  assert_int_equal(kith_encodings_comparable(&one.encodings, "a", &two.encodings, "b", NULL),
                   KITH_ERR_DATA);
  kith_encoded_free(&one);
  kith_encoded_free(&two);
}

static void fingerprint_of(struct kith_hash *out, const struct kith_policy *policy)
{
  assert_int_equal(kith_pipeline_fingerprint(out, policy), KITH_OK);
}

/* Whichever entry of whichever table differs, the fingerprint does. */
static void fingerprints(void **state)
{
  struct kith_policy policy = default_policy();
  struct kith_hash first;
  struct kith_hash other;

  (void)state;
  policy.bits = 64; /* the entries below are many */
  policy.n_fields = 1;
  fingerprint_of(&first, &policy);
  fingerprint_of(&other, &policy);
  assert_true(kith_hash_equal(&first, &other));
  for (size_t list = 0; list < KITH_WORD_LISTS; list++) {
    for (size_t i = 0; i < kith_word_lists[list].n; i++) {
      char *word = kith_word_lists[list].words[i].word;
      char held = word[0];
      word[0] = '~';
      fingerprint_of(&other, &policy);
      assert_false(kith_hash_equal(&first, &other));
      word[0] = held;
    }
  }
  for (size_t i = 0; i < kith_n_letters; i++) {
    char held = kith_letters[i].latin[0];
    kith_letters[i].latin[0] = '~';
    fingerprint_of(&other, &policy);
    assert_false(kith_hash_equal(&first, &other));
    kith_letters[i].latin[0] = held;
  }
  fingerprint_of(&other, &policy);
  assert_true(kith_hash_equal(&first, &other));
  policy.fields[0].bits_per_token++;
  fingerprint_of(&other, &policy);
  assert_false(kith_hash_equal(&first, &other));
}

static void no_memory(void **state)
{
  const char *path = unit_file(state, "people.csv", people, sizeof people - 1);
  struct kith_policy policy = default_policy();

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_encoded out;
    const struct kith_pipeline_options options = {.n_threads = 1 + (unsigned)(n & 1)};
    enum kith_err err = run(&out, &policy, path, &options, NULL);

    if (err == KITH_OK) {
      unit_allocations_done();
      kith_encoded_free(&out);
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_null(out.encodings.filters);
      assert_null(out.ids.text);
    }
  }
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_hash hash;

    if (kith_pipeline_fingerprint(&hash, &policy) == KITH_OK)
      unit_allocations_done();
  }
}

static int set_up(void **state)
{
  bool locked;

  return kith_crypto_init(&locked) == KITH_OK ? unit_folder_make(state) : -1;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places),
      cmocka_unit_test(names_swapped),
      cmocka_unit_test(keys_and_masks),
      cmocka_unit_test(scope),
      cmocka_unit_test(objections),
      cmocka_unit_test(dates),
      cmocka_unit_test(unknown_evidence),
      cmocka_unit_test(refusals),
      cmocka_unit_test(watched_and_cancelled),
      cmocka_unit_test(any_number_of_threads),
      cmocka_unit_test(blocks_and_errors),
      cmocka_unit_test(left_early),
      cmocka_unit_test(several_filters),
      cmocka_unit_test(fingerprints),
      cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, set_up, unit_folder_remove);
}
