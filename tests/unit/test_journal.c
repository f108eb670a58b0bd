/* A run that stops and goes on: with what the journal has, the same pairs as in one go. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "matcher/engine/engine.h"

enum { ROWS = 3000, UNITS_MAX = 1 << 20 };

static uint64_t seed;

static unsigned below(unsigned n)
{
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (unsigned)((z ^ (z >> 31)) % n);
}

/* Rows of 256 bits, many of them alike. */
static void make_party(struct kith_encodings *enc, const struct kith_encodings *like)
{
  kith_encodings_init(enc);
  assert_int_equal(kith_encodings_alloc(enc, ROWS, 256, false), KITH_OK);
  for (size_t i = 0; i < ROWS; i++) {
    uint8_t *row = kith_encodings_row(enc, i);
    if (like && below(3) == 0)
      memcpy(row, kith_encodings_row(like, below(ROWS)), enc->row_bytes);
    for (unsigned n = like ? below(3) : 60; n > 0; n--)
      row[below(32)] |= (uint8_t)(1u << below(8));
  }
}

struct memory {
  uint64_t layout;
  size_t n_units;
  bool finished[UNITS_MAX];
  struct kith_pairs found; /* of finished units */
  struct kith_pairs open;  /* of units under way */
  size_t units_of_open[1 << 16];
  size_t n_done;
  size_t stop_after; /* units; 0: never */
  uint64_t comparisons;
  uint64_t comparisons_done;
};

static enum kith_err journal_open(void *context, uint64_t layout, size_t n_units,
                                  uint64_t comparisons, bool *finished)
{
  struct memory *memory = context;
  memory->comparisons = comparisons;
  assert_true(n_units <= UNITS_MAX);
  assert_true(!memory->n_units || (memory->layout == layout && memory->n_units == n_units));
  memory->layout = layout;
  memory->n_units = n_units;
  memory->open.n = 0;
  memory->n_done = 0;
  memcpy(finished, memory->finished, n_units * sizeof finished[0]);
  return KITH_OK;
}

static enum kith_err journal_add(void *context, size_t unit, const struct kith_pair *pairs,
                                 size_t n)
{
  struct memory *memory = context;
  assert_false(memory->finished[unit]);
  for (size_t i = 0; i < n; i++)
    memory->units_of_open[memory->open.n + i] = unit;
  return kith_pairs_sink(&memory->open, pairs, n);
}

static enum kith_err journal_done(void *context, size_t unit, uint64_t comparisons)
{
  struct memory *memory = context;
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < memory->open.n && !err && !memory->finished[unit]; i++)
    if (memory->units_of_open[i] == unit)
      err = kith_pairs_sink(&memory->found, &memory->open.items[i], 1);
  memory->finished[unit] = true;
  memory->comparisons_done += comparisons;
  return !err && ++memory->n_done == memory->stop_after ? KITH_ERR_IO : err;
}

static enum kith_err no_sink(void *context, const struct kith_pair *pairs, size_t n)
{
  (void)context;
  (void)pairs;
  (void)n;
  return KITH_OK;
}

static void keep_progress(void *context, uint64_t done, uint64_t total)
{
  uint64_t *told = context;
  assert_true(done >= *told && done <= total);
  *told = done;
}

static void check(const struct kith_encodings *const *list, struct kith_engine_options *options)
{
  struct kith_pairs want = {0};
  struct memory *memory = KITH_NEW(struct memory);
  const struct kith_engine_journal journal = {memory, journal_open, journal_add, journal_done};
  unsigned n_runs = 0;
  options->journal = NULL;
  assert_int_equal(kith_engine_run(list, 2, options, kith_pairs_sink, &want, NULL), KITH_OK);
  assert_true(want.n > 100);
  options->journal = &journal;
  memory->stop_after = 1;
  enum kith_err err;
  const unsigned n_threads = options->n_threads;
  /* The layout is the same on any number of threads: journal_open looks. */
  while ((err = kith_engine_run(list, 2, options, no_sink, NULL, NULL)) == KITH_ERR_IO) {
    memory->stop_after = memory->n_units / 7 + 1;
    n_runs++;
    options->n_threads = 1 + (n_threads + n_runs) % 5;
  }
  options->n_threads = n_threads;
  assert_int_equal(err, KITH_OK);
  assert_true(n_runs > 0);
  /* Where nothing is left to do, that is told too. */
  uint64_t told = 0;
  options->progress = keep_progress;
  options->progress_context = &told;
  memory->stop_after = 0;
  assert_int_equal(kith_engine_run(list, 2, options, no_sink, NULL, NULL), KITH_OK);
  assert_int_equal(told, memory->comparisons);
  options->progress = NULL;
  assert_int_equal(memory->comparisons_done, memory->comparisons);
  kith_pairs_sort(&want);
  kith_pairs_sort(&memory->found);
  assert_int_equal(memory->found.n, want.n);
  for (size_t i = 0; i < want.n; i++) {
    assert_int_equal(memory->found.items[i].row_a, want.items[i].row_a);
    assert_int_equal(memory->found.items[i].row_b, want.items[i].row_b);
    assert_int_equal(memory->found.items[i].common, want.items[i].common);
  }
  kith_pairs_free(&memory->found);
  kith_pairs_free(&memory->open);
  kith_pairs_free(&want);
  kith_free(memory);
}

static void goes_on(void **state)
{
  (void)state;
  static const enum kith_engine_method methods[] = {KITH_ENGINE_BRUTE, KITH_ENGINE_SKETCH,
                                                    KITH_ENGINE_PIGEONHOLE};
  struct kith_encodings parties[2];
  const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
  struct kith_engine_options options;
  make_party(&parties[0], NULL);
  make_party(&parties[1], &parties[0]);
  kith_engine_options_init(&options);
  options.bound = (struct kith_ratio){9, 10};
  for (size_t m = 0; m < KITH_COUNT_OF(methods); m++)
    for (options.n_threads = 1; options.n_threads <= 3; options.n_threads += 2) {
      options.method = methods[m];
      options.within = below(2);
      check(list, &options);
    }
  kith_encodings_free(&parties[0]);
  kith_encodings_free(&parties[1]);
}

int main(void)
{
  const char *given = getenv("KITH_TEST_SEED");
  seed = given ? strtoull(given, NULL, 0) : 20261123;
  printf("seed %llu\n", (unsigned long long)seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(goes_on)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
