/* Kernels one by one: every one that this processor has, each of its functions, against sums made
 * bit by bit, at lengths from 0 up. */
#include "tests/unit/oracle.h"

#include "matcher/engine/kernel.h"

enum {
  LANES = KITH_KERNEL_LANES,
  QUERIES = KITH_KERNEL_QUERIES,
  UNIT = KITH_KERNEL_UNIT,
  BLOCKS_MAX = 7,
  UNITS_MAX = 5,
  GROUPS_MAX = 130
};

static unsigned bits_of(uint64_t word)
{
  unsigned n = 0;
  for (; word; word >>= 1)
    n += (unsigned)(word & 1);
  return n;
}

/* Of all fills, all zeros and all ones among them. */
static uint64_t some_word(void)
{
  const unsigned kind = below(6);
  const uint64_t word = next_random();
  return kind == 0   ? 0
         : kind == 1 ? UINT64_MAX
         : kind == 2 ? word & next_random() & next_random()
         : kind == 3 ? word | next_random()
                     : word;
}

/* ---- scan */

struct scan_data {
  uint64_t *queries; /* as the kernels have them */
  uint64_t *blocks;
  uint64_t thresholds[QUERIES][BLOCKS_MAX];
  size_t n_words;
};

static uint32_t common_of(const struct scan_data *data, size_t row, size_t query)
{
  uint32_t n = 0;
  for (size_t w = 0; w < data->n_words; w++)
    n += bits_of(data->blocks[(row / LANES * data->n_words + w) * LANES + row % LANES] &
                 data->queries[w * KITH_KERNEL_QUAD_WORDS + query]);
  return n;
}

static void fill_scan(struct scan_data *data)
{
  for (size_t i = 0; i < BLOCKS_MAX * data->n_words * LANES; i++)
    data->blocks[i] = some_word();
  for (size_t w = 0; w < data->n_words; w++)
    for (size_t i = 0; i < QUERIES; i++) {
      uint64_t word = some_word();
      data->queries[w * KITH_KERNEL_QUAD_WORDS + i] = word;
      data->queries[w * KITH_KERNEL_QUAD_WORDS + QUERIES + i] = word >> 4;
    }
  for (size_t i = 0; i < QUERIES; i++) /* what a row has exactly, or one more, or never */
    for (size_t k = 0; k < BLOCKS_MAX; k++)
      data->thresholds[i][k] =
          below(5) ? common_of(data, k * LANES + below(LANES), i) + below(2) : KITH_KERNEL_NEVER;
}

static void check_scan(const struct scan_data *data, const struct kith_kernel *kernel, size_t first,
                       size_t end)
{
  static struct kith_kernel_hit hits[BLOCKS_MAX * LANES * QUERIES];
  bool seen[QUERIES][BLOCKS_MAX * LANES] = {{false}};
  struct kith_kernel_scan scan = {.queries = data->queries,
                                  .blocks = data->blocks,
                                  .n_words = data->n_words,
                                  .first_block = first,
                                  .end_block = end};
  for (size_t i = 0; i < QUERIES; i++)
    scan.thresholds[i] = data->thresholds[i];
  const size_t n = kernel->scan(&scan, hits);
  for (size_t h = 0; h < n; h++) {
    assert_true(hits[h].query < QUERIES && hits[h].row / LANES >= first &&
                hits[h].row / LANES < end);
    assert_false(seen[hits[h].query][hits[h].row]);
    seen[hits[h].query][hits[h].row] = true;
    assert_int_equal(hits[h].common, common_of(data, hits[h].row, hits[h].query));
  }
  for (size_t i = 0; i < QUERIES; i++)
    for (size_t row = first * LANES; row < end * LANES; row++)
      assert_int_equal(seen[i][row], common_of(data, row, i) >= data->thresholds[i][row / LANES]);
}

static void test_scan(void **state)
{
  (void)state;
  static const size_t lengths[] = {1,  2,  3,  4,  7,  8,  9,  15, 16,  17,  30,
                                   31, 32, 33, 62, 63, 64, 65, 93, 128, 1024};
  size_t n_kernels;
  const struct kith_kernel *kernels = kith_kernel_table(&n_kernels);
  for (size_t l = 0; l < KITH_COUNT_OF(lengths); l++)
    for (unsigned round = 0; round < 3; round++) {
      struct scan_data *data = test_calloc(1, sizeof *data);
      data->n_words = lengths[l];
      data->queries = kith_calloc_aligned(64, data->n_words * KITH_KERNEL_QUAD_WORDS, 8);
      data->blocks = kith_calloc_aligned(64, BLOCKS_MAX * data->n_words * LANES, 8);
      fill_scan(data);
      for (size_t k = 0; k < n_kernels; k++) {
        size_t first = below(BLOCKS_MAX);
        if (kernels[k].usable())
          check_scan(data, &kernels[k], first, first + below((unsigned)(BLOCKS_MAX - first + 1)));
      }
      kith_free(data->queries);
      kith_free(data->blocks);
      test_free(data);
    }
}

/* ---- sieve */

struct sieve_data {
  uint32_t queries[GROUPS_MAX * QUERIES];
  _Alignas(64) uint8_t sketches[UNITS_MAX * GROUPS_MAX * UNIT];
  _Alignas(64) uint8_t start[QUERIES][UNITS_MAX * UNIT];
  struct kith_kernel_sieve sieve;
};

static void fill_sieve(struct sieve_data *data)
{
  const size_t n_groups = 1 + below(GROUPS_MAX);
  const unsigned most = 1 + below(240);
  data->sieve = (struct kith_kernel_sieve){
      .queries = data->queries, .sketches = data->sketches, .n_groups = n_groups};
  for (size_t i = 0; i < n_groups * QUERIES; i++)
    data->queries[i] = UINT32_C(0x01010101) * below(most);
  for (size_t i = 0; i < UNITS_MAX * n_groups * UNIT; i++)
    data->sketches[i] = (uint8_t)below(most);
  for (size_t i = 0; i < QUERIES; i++) {
    for (size_t row = 0; row < UNITS_MAX * UNIT; row++)
      data->start[i][row] = (uint8_t)below(256);
    data->sieve.start[i] = data->start[i];
    data->sieve.shift[i] = (uint8_t)below(256);
    data->sieve.window[i] = (uint8_t)(below(4) ? below(8) : below(256));
  }
}

static bool passes(const struct sieve_data *data, size_t row, size_t query)
{
  const struct kith_kernel_sieve *sieve = &data->sieve;
  unsigned sum = data->start[query][row] + 256u - sieve->shift[query];
  for (size_t g = 0; g < sieve->n_groups; g++) {
    const unsigned own = data->queries[g * QUERIES + query] & 0xff;
    const unsigned other = data->sketches[(row / UNIT * sieve->n_groups + g) * UNIT + row % UNIT];
    sum += own < other ? own : other;
  }
  return sum % 256 <= sieve->window[query];
}

static void check_sieve(struct sieve_data *data, const struct kith_kernel *kernel)
{
  static struct kith_kernel_candidate candidates[UNITS_MAX * UNIT * QUERIES];
  bool seen[QUERIES][UNITS_MAX * UNIT] = {{false}};
  const size_t first = below(UNITS_MAX);
  const size_t end = first + below((unsigned)(UNITS_MAX - first + 1));
  data->sieve.first_unit = first;
  data->sieve.end_unit = end;
  const size_t n = kernel->sieve(&data->sieve, candidates);
  for (size_t c = 0; c < n; c++) {
    assert_true(candidates[c].query < QUERIES && candidates[c].row < UNITS_MAX * UNIT);
    assert_false(seen[candidates[c].query][candidates[c].row]);
    seen[candidates[c].query][candidates[c].row] = true;
  }
  for (size_t i = 0; i < QUERIES; i++)
    for (size_t row = 0; row < UNITS_MAX * UNIT; row++)
      assert_int_equal(seen[i][row],
                       row / UNIT >= first && row / UNIT < end && passes(data, row, i));
}

static void test_sieve(void **state)
{
  (void)state;
  size_t n_kernels;
  const struct kith_kernel *kernels = kith_kernel_table(&n_kernels);
  struct sieve_data *data = kith_calloc_aligned(64, 1, sizeof *data);
  for (unsigned round = 0; round < 60; round++) {
    fill_sieve(data);
    for (size_t k = 0; k < n_kernels; k++)
      if (kernels[k].usable())
        check_sieve(data, &kernels[k]);
  }
  kith_free(data);
}

/* ---- single rows and words */

static void test_apart_and_count(void **state)
{
  (void)state;
  enum { WORDS_MAX = 140 };
  size_t n_kernels;
  const struct kith_kernel *kernels = kith_kernel_table(&n_kernels);
  for (size_t n = 0; n <= WORDS_MAX; n++) {
    uint64_t a[WORDS_MAX + 1];
    uint64_t b[WORDS_MAX + 1];
    uint32_t apart = 0;
    for (size_t w = 0; w <= n && w <= WORDS_MAX; w++) {
      a[w] = some_word();
      b[w] = below(3) ? some_word() : ~a[w];
      apart += w < n ? bits_of(a[w] ^ b[w]) : 0;
    }
    for (size_t k = 0; k < n_kernels; k++) {
      if (!kernels[k].usable())
        continue;
      assert_int_equal(kernels[k].apart(a, b, n), apart);
      uint32_t count = 0;
      const size_t offset = below(8); /* rows of a file stand anywhere */
      const uint8_t *bytes = (const uint8_t *)a + offset;
      for (size_t i = 0; i + offset <= n * 8; i++) {
        assert_int_equal(kernels[k].count(bytes, i), count);
        count += bits_of(bytes[i]);
      }
    }
  }
}

/* The words of a bucket. */
static void test_near(void **state)
{
  (void)state;
  uint64_t words[70];
  size_t n_kernels;
  const struct kith_kernel *kernels = kith_kernel_table(&n_kernels);
  for (unsigned round = 0; round < 10000; round++) {
    const size_t n = below(70);
    const unsigned most = below(66);
    const uint64_t query = next_random();
    uint32_t near[70];
    uint32_t want[70];
    size_t n_want = 0;
    for (size_t i = 0; i < n; i++) {
      words[i] = query;
      for (unsigned flips = below(70); flips > 0; flips--)
        words[i] ^= UINT64_C(1) << below(64);
      if (bits_of(words[i] ^ query) <= most)
        want[n_want++] = (uint32_t)i;
    }
    for (size_t k = 0; k < n_kernels; k++) {
      if (!kernels[k].usable())
        continue;
      assert_int_equal(kernels[k].near(query, words, n, most, near), n_want);
      assert_memory_equal(near, want, n_want * sizeof want[0]);
    }
  }
}

/* ---- which one is taken */

static void test_choice(void **state)
{
  (void)state;
  size_t n_kernels;
  const struct kith_kernel *kernels = kith_kernel_table(&n_kernels);
  const struct kith_kernel *best = NULL;
  const struct kith_kernel *got = NULL;
  assert_int_equal(unsetenv("KITH_KERNEL"), 0);
  for (size_t k = n_kernels; k-- > 0;) {
    struct kith_fault fault = {0};
    assert_int_equal(kith_kernel_choose(&got, kernels[k].name, &fault),
                     kernels[k].usable() ? KITH_OK : KITH_ERR_USAGE);
    if (kernels[k].usable())
      best = &kernels[k];
    else
      assert_non_null(strstr(fault.text, "processor"));
    assert_int_equal(setenv("KITH_KERNEL", kernels[k].name, 1), 0);
    assert_int_equal(kith_kernel_choose(&got, NULL, &fault),
                     kernels[k].usable() ? KITH_OK : KITH_ERR_USAGE);
    assert_true(!kernels[k].usable() || got == &kernels[k]);
    assert_int_equal(unsetenv("KITH_KERNEL"), 0);
  }
  assert_int_equal(kith_kernel_choose(&got, NULL, NULL), KITH_OK);
  assert_ptr_equal(got, best);
  assert_string_equal(kernels[n_kernels - 1].name, "scalar");
  assert_int_equal(kith_kernel_choose(&got, "abacus", NULL), KITH_ERR_USAGE);
}

int main(void)
{
  start_random();
  bool usable = false;
  const char *name = NULL;
  for (size_t k = 0; (name = kith_engine_kernel_name(k, &usable)); k++)
    printf("kernel %s: %s\n", name, usable ? "tested" : "skipped, this processor lacks it");
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_scan), cmocka_unit_test(test_sieve),
                                     cmocka_unit_test(test_apart_and_count),
                                     cmocka_unit_test(test_near), cmocka_unit_test(test_choice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
