/* The engine against a bit-by-bit oracle: every kernel that this processor has, every kind of
 * similarity, many lengths, rows made to be hard. */
#include "tests/unit/oracle.h"

#include "matcher/engine/sketch.h"

static void check_all_ways(const struct kith_encodings *const *parties, unsigned n_parties,
                           struct kith_engine_options *options)
{
  static const enum kith_engine_method methods[] = {KITH_ENGINE_BRUTE, KITH_ENGINE_SKETCH,
                                                    KITH_ENGINE_PIGEONHOLE};
  struct oracle_pair *want = NULL;
  size_t n = oracle_run(&want, parties, n_parties, options);
  bool usable = false;
  for (size_t k = 0; (options->kernel = kith_engine_kernel_name(k, &usable)); k++)
    for (options->n_threads = 1; usable && options->n_threads <= 4; options->n_threads++) {
      struct kith_pairs pairs = {0};
      bool learn = parties[0]->bits <= 100 || below(30) == 0; /* learning takes time */
      options->method = learn ? methods[below(KITH_COUNT_OF(methods))] : KITH_ENGINE_BRUTE;
      options->sketch_groups = below(8) ? 1 + below(KITH_SKETCH_GROUPS_MAX) : 0;
      assert_int_equal(kith_engine_run(parties, n_parties, options, kith_pairs_sink, &pairs, NULL),
                       KITH_OK);
      kith_pairs_sort(&pairs);
      compare(&pairs, want, n);
      kith_pairs_free(&pairs);
    }
  free(want);
}

static void check_length(unsigned bits, unsigned n_max)
{
  struct kith_encodings parties[3];
  const struct kith_encodings *list[3] = {&parties[0], &parties[1], &parties[2]};
  bool masks = below(2);
  make_party(&parties[0], below(n_max), bits, masks, NULL);
  make_party(&parties[1], below(n_max), bits, masks, &parties[0]);
  make_party(&parties[2], below(n_max), bits, masks, &parties[0]);
  struct kith_engine_options options;
  kith_engine_options_init(&options);
  unsigned n_kinds = masks ? 4 : 3;
  for (unsigned kind = 0; kind < n_kinds; kind++) {
    options.similarity = (enum kith_similarity_kind)kind;
    options.bound = random_bound();
    options.within = below(2);
    options.across = !options.within || below(2);
    check_all_ways(list, 1 + below(3), &options);
  }
  for (unsigned p = 0; p < 3; p++)
    kith_encodings_free(&parties[p]);
}

static void test_against_oracle(void **state)
{
  (void)state;
  static const unsigned lengths[] = {1,    7,    8,    63,   64,   65,   100,  127,  128,
                                     192,  250,  511,  512,  513,  520,  576,  960,  1000,
                                     1024, 1025, 1088, 2048, 2049, 4000, 4096, 8191, 8192};
  for (size_t i = 0; i < KITH_COUNT_OF(lengths); i++)
    for (unsigned round = 0; round < (lengths[i] <= 1025 ? 6u : 1u); round++)
      check_length(lengths[i], lengths[i] <= 1025 ? 70 : 24);
  for (unsigned round = 0; round < 60; round++)
    check_length(1 + below(1100), 50);
  check_length(65536, 6);
}

/* Enough rows for several chunks and tiles, few bits so that the oracle is quick. */
static void test_many_rows(void **state)
{
  (void)state;
  struct kith_encodings parties[2];
  const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
  struct kith_engine_options options;
  kith_engine_options_init(&options);
  for (unsigned kind = 0; kind < 2; kind++) {
    make_party(&parties[0], 2300 + below(20), 24, true, NULL);
    make_party(&parties[1], 1100 + below(20), 24, true, &parties[0]);
    options.similarity = kind ? KITH_SIMILARITY_MASKED : KITH_SIMILARITY_DICE;
    options.bound = (struct kith_ratio){9, 10};
    options.within = true;
    check_all_ways(list, 2, &options);
    kith_encodings_free(&parties[0]);
    kith_encodings_free(&parties[1]);
  }
}

/* Rows like those of people: a dozen tokens of a skewed list, ten bits a token; some of the second
 * party's are rows of the first with a token changed. */
static void make_people(struct kith_encodings *enc, size_t n, const struct kith_encodings *like)
{
  kith_encodings_init(enc);
  assert_int_equal(kith_encodings_alloc(enc, n, 1024, true), KITH_OK);
  enc->n_fields = 2;
  enc->field_weights[0] = 100;
  enc->field_weights[1] = 60;
  for (size_t i = 0; i < n; i++) {
    uint8_t *row = kith_encodings_row(enc, i);
    unsigned n_tokens = 12 + below(20);
    enc->masks[i] = (uint16_t)(1 + below(3));
    if (like && below(3) == 0) {
      memcpy(row, kith_encodings_row(like, below((unsigned)like->n)), enc->row_bytes);
      n_tokens = below(3);
    }
    for (unsigned t = 0; t < n_tokens; t++) {
      uint64_t token = below(1 + below(1 + below(500)));
      for (unsigned k = 0; k < 10; k++)
        set_bit(row, (unsigned)((token * 10 + k) * UINT64_C(0x9e3779b97f4a7c15) >> 54), true);
    }
  }
}

static void compare_methods(const struct kith_pairs *brute, const struct kith_pairs *other)
{
  assert_int_equal(brute->n, other->n);
  for (size_t i = 0; i < brute->n; i++) {
    assert_int_equal(brute->items[i].row_a, other->items[i].row_a);
    assert_int_equal(brute->items[i].row_b, other->items[i].row_b);
    assert_int_equal(brute->items[i].party_b, other->items[i].party_b);
    assert_int_equal(brute->items[i].common, other->items[i].common);
  }
}

static void test_methods_agree(void **state)
{
  (void)state;
  static const unsigned groups[] = {0, 5, 20, 56, 128};
  struct kith_encodings parties[2];
  const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
  struct kith_engine_options options;
  make_people(&parties[0], 2500, NULL);
  make_people(&parties[1], 1700, &parties[0]);
  kith_engine_options_init(&options);
  options.within = true;
  options.n_threads = 2;
  for (unsigned round = 0; round < 8; round++) {
    options.similarity = round % 2 ? KITH_SIMILARITY_MASKED : KITH_SIMILARITY_DICE;
    options.bound = (struct kith_ratio){60 + 5 * round, 100};
    options.sketch_groups = groups[round % KITH_COUNT_OF(groups)];
    struct kith_pairs brute = {0};
    options.method = KITH_ENGINE_BRUTE;
    assert_int_equal(kith_engine_run(list, 2, &options, kith_pairs_sink, &brute, NULL), KITH_OK);
    assert_true(brute.n > 100);
    kith_pairs_sort(&brute);
    for (int method = KITH_ENGINE_SKETCH; method <= KITH_ENGINE_PIGEONHOLE; method++) {
      struct kith_pairs other = {0};
      options.method = (enum kith_engine_method)method;
      assert_int_equal(kith_engine_run(list, 2, &options, kith_pairs_sink, &other, NULL), KITH_OK);
      kith_pairs_sort(&other);
      compare_methods(&brute, &other);
      kith_pairs_free(&other);
    }
    kith_pairs_free(&brute);
  }
  kith_encodings_free(&parties[0]);
  kith_encodings_free(&parties[1]);
}

/* Two rows of 20 and 20 bits with 17 in common are exactly 0.85. */
static void test_equality_is_in(void **state)
{
  (void)state;
  struct kith_encodings enc;
  const struct kith_encodings *list[1] = {&enc};
  kith_encodings_init(&enc);
  assert_int_equal(kith_encodings_alloc(&enc, 2, 1000, false), KITH_OK);
  for (unsigned bit = 0; bit < 20; bit++)
    set_bit(kith_encodings_row(&enc, 0), 50 * bit, true);
  for (unsigned bit = 3; bit < 23; bit++)
    set_bit(kith_encodings_row(&enc, 1), bit < 20 ? 50 * bit : 50 * bit - 999, true);
  struct kith_engine_options options;
  kith_engine_options_init(&options);
  options.within = true;
  for (unsigned more = 0; more < 2; more++) {
    struct kith_pairs pairs = {0};
    options.bound = (struct kith_ratio){850000000 + more, 1000000000};
    assert_int_equal(kith_engine_run(list, 1, &options, kith_pairs_sink, &pairs, NULL), KITH_OK);
    assert_int_equal(pairs.n, more ? 0 : 1);
    kith_pairs_free(&pairs);
  }
  kith_encodings_free(&enc);
}

/* ---- refusals, ceilings, cancellation, failing memory */

static enum kith_err never_called(void *context, const struct kith_pair *pairs, size_t n)
{
  (void)context;
  (void)pairs;
  (void)n;
  fail_msg("the sink was called");
  return KITH_ERR_INTERNAL;
}

static void test_refusals(void **state)
{
  (void)state;
  struct kith_encodings a, b;
  const struct kith_encodings *list[2] = {&a, &b};
  struct kith_fault fault = {0};
  struct kith_engine_options good;
  kith_engine_options_init(&good);
  good.bound = (struct kith_ratio){1, 2};
  make_party(&a, 20, 64, false, NULL);
  make_party(&b, 20, 72, false, NULL);
  assert_int_equal(kith_engine_run(list, 2, &good, never_called, NULL, &fault), KITH_ERR_DATA);
  assert_int_equal(kith_engine_run(list, 0, &good, never_called, NULL, &fault), KITH_ERR_USAGE);
  assert_int_equal(
      kith_engine_run(list, KITH_ENGINE_PARTIES_MAX + 1, &good, never_called, NULL, &fault),
      KITH_ERR_USAGE);
  struct kith_engine_options bad = good;
  bad.bound.numerator = 0;
  assert_int_equal(kith_engine_run(list, 1, &bad, never_called, NULL, &fault), KITH_ERR_USAGE);
  bad.bound.numerator = 3;
  assert_int_equal(kith_engine_run(list, 1, &bad, never_called, NULL, &fault), KITH_ERR_USAGE);
  bad = good;
  bad.n_threads = 0;
  assert_int_equal(kith_engine_run(list, 1, &bad, never_called, NULL, &fault), KITH_ERR_USAGE);
  bad = good;
  bad.kernel = "abacus";
  assert_int_equal(kith_engine_run(list, 1, &bad, never_called, NULL, &fault), KITH_ERR_USAGE);
  bad = good;
  bad.similarity = KITH_SIMILARITY_MASKED;
  bad.within = true;
  assert_int_equal(kith_engine_run(list, 1, &bad, never_called, NULL, &fault), KITH_ERR_DATA);
  bad = good;
  bad.memory_bytes_max = 1000;
  assert_int_equal(kith_engine_run(list, 1, &bad, never_called, NULL, &fault), KITH_ERR_LIMIT);
  assert_non_null(strstr(fault.text, "memory"));
  kith_encodings_free(&b);
  make_party(&b, 20, 64, true, NULL);
  bad = good;
  bad.similarity = KITH_SIMILARITY_MASKED;
  assert_int_equal(kith_engine_run(list, 2, &bad, never_called, NULL, &fault), KITH_ERR_DATA);
  kith_encodings_free(&a);
  make_party(&a, 20, 64, true, NULL);
  a.field_weights[0] = b.field_weights[0] + 1;
  assert_int_equal(kith_engine_run(list, 2, &bad, never_called, NULL, &fault), KITH_ERR_DATA);
  kith_encodings_free(&a);
  kith_encodings_free(&b);
}

static void make_equal_rows(struct kith_encodings *enc, size_t n)
{
  kith_encodings_init(enc);
  assert_int_equal(kith_encodings_alloc(enc, n, 64, false), KITH_OK);
  memset(enc->filters, 0x3c, n * enc->row_bytes);
}

static void test_results_ceiling(void **state)
{
  (void)state;
  struct kith_encodings enc;
  const struct kith_encodings *list[1] = {&enc};
  struct kith_engine_options options;
  make_equal_rows(&enc, 200);
  kith_engine_options_init(&options);
  options.bound = (struct kith_ratio){1, 1};
  options.within = true;
  options.n_threads = 2;
  for (unsigned less = 0; less < 2; less++) {
    struct kith_pairs pairs = {0};
    struct kith_fault fault = {0};
    options.results_max = 200 * 199 / 2 - less;
    assert_int_equal(kith_engine_run(list, 1, &options, kith_pairs_sink, &pairs, &fault),
                     less ? KITH_ERR_LIMIT : KITH_OK);
    assert_true(!less || strstr(fault.text, "threshold"));
    assert_true(pairs.n <= options.results_max);
    kith_pairs_free(&pairs);
  }
  kith_encodings_free(&enc);
}

struct watch {
  atomic_bool cancel;
  uint64_t done;
  uint64_t total;
  unsigned calls;
  unsigned cancel_at;
};

static void on_progress(void *context, uint64_t done, uint64_t total)
{
  struct watch *watch = context;
  assert_true(done >= watch->done && done <= total);
  watch->done = done;
  watch->total = total;
  if (++watch->calls == watch->cancel_at)
    atomic_store(&watch->cancel, true);
}

static void test_progress_and_cancel(void **state)
{
  (void)state;
  struct kith_encodings a, b;
  const struct kith_encodings *list[2] = {&a, &b};
  struct kith_engine_options options;
  struct watch watch = {0};
  make_party(&a, 3000, 64, false, NULL);
  make_party(&b, 5001, 64, false, &a);
  kith_engine_options_init(&options);
  options.bound = (struct kith_ratio){1, 1};
  options.within = true;
  options.n_threads = 2;
  options.progress = on_progress;
  options.progress_context = &watch;
  options.cancel = &watch.cancel;
  for (unsigned cancel_at = 0; cancel_at < 3; cancel_at++) {
    struct kith_pairs pairs = {0};
    watch = (struct watch){.cancel_at = cancel_at};
    enum kith_err err = kith_engine_run(list, 2, &options, kith_pairs_sink, &pairs, NULL);
    assert_int_equal(err, cancel_at ? KITH_ERR_CANCELLED : KITH_OK);
    assert_int_equal(watch.total, 3000 * 5001 + 3000 * 2999 / 2 + 5001 * 5000 / 2);
    assert_true(cancel_at ? watch.calls <= cancel_at + 1 : watch.done == watch.total);
    kith_pairs_free(&pairs);
  }
  kith_encodings_free(&a);
  kith_encodings_free(&b);
}

static enum kith_err full_sink(void *context, const struct kith_pair *pairs, size_t n)
{
  (void)context;
  (void)pairs;
  return n > 0 ? KITH_ERR_IO : KITH_OK;
}

static void test_sink_error_is_returned(void **state)
{
  (void)state;
  struct kith_encodings enc;
  const struct kith_encodings *list[1] = {&enc};
  struct kith_engine_options options;
  make_equal_rows(&enc, 300);
  kith_engine_options_init(&options);
  options.bound = (struct kith_ratio){1, 1};
  options.within = true;
  options.n_threads = 3;
  assert_int_equal(kith_engine_run(list, 1, &options, full_sink, NULL, NULL), KITH_ERR_IO);
  kith_encodings_free(&enc);
}

static void test_every_allocation_fails(void **state)
{
  (void)state;
  struct kith_encodings a, b;
  const struct kith_encodings *list[2] = {&a, &b};
  struct kith_engine_options options;
  make_equal_rows(&a, 40);
  make_equal_rows(&b, 30);
  kith_engine_options_init(&options);
  options.bound = (struct kith_ratio){1, 1};
  options.n_threads = 2;
  options.method = KITH_ENGINE_SKETCH;
  enum kith_err err = KITH_ERR_MEMORY;
  unsigned n = 0;
  while (err) {
    struct kith_pairs pairs = {0};
    kith_failpoint_arm("alloc", ++n);
    err = kith_engine_run(list, 2, &options, kith_pairs_sink, &pairs, NULL);
    kith_failpoint_arm(NULL, 0);
    assert_true(err == KITH_OK || err == KITH_ERR_MEMORY);
    assert_true(err || pairs.n == 1200);
    kith_pairs_free(&pairs);
  }
  assert_true(n > 10);
  kith_encodings_free(&a);
  kith_encodings_free(&b);
}

int main(void)
{
  start_random();
  bool usable = false;
  const char *name = NULL;
  for (size_t k = 0; (name = kith_engine_kernel_name(k, &usable)); k++)
    printf("kernel %s: %s\n", name, usable ? "tested" : "skipped, this processor lacks it");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_against_oracle),
      cmocka_unit_test(test_many_rows),
      cmocka_unit_test(test_methods_agree),
      cmocka_unit_test(test_equality_is_in),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_results_ceiling),
      cmocka_unit_test(test_progress_and_cancel),
      cmocka_unit_test(test_sink_error_is_returned),
      cmocka_unit_test(test_every_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
