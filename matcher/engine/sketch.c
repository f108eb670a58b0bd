#include "matcher/engine/sketch.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/engine/kernel.h"
#include "matcher/engine/order.h"
#include "matcher/engine/threads.h"

enum {
  SAMPLE_ROWS = 4096,
  SAMPLE_WORDS = SAMPLE_ROWS / 64,
  SLICE_BYTES = 4, /* of a row, that a thread takes at a time */
  SLICE_BITS = 16,
  SWEEPS_MAX = 12
};

/* ---- covariance */

struct measuring {
  const struct kith_bit_order *order;
  const struct kith_kernel *kernel;
  const uint8_t *rows[SAMPLE_ROWS];
  size_t n_rows;
  uint64_t *columns; /* SAMPLE_WORDS words for each bit */
  uint32_t *counts;
  float *entries;
};

/* Bytes [first, end) of the sampled rows, transposed. */
static void fill_columns(void *context, size_t first, size_t end)
{
  const struct measuring *of = context;
  for (size_t byte = first; byte < end; byte++)
    for (unsigned i = 0; i < 8; i++) {
      const size_t bit = of->order->to[byte * 8 + i];
      uint64_t *column = of->columns + bit * SAMPLE_WORDS;
      for (size_t s = 0; s < of->n_rows; s++)
        column[s / 64] |= (uint64_t)(of->rows[s][byte] >> i & 1) << s % 64;
    }
}

static void count_columns(void *context, size_t first, size_t end)
{
  const struct measuring *of = context;
  for (size_t i = first; i < end; i++)
    of->counts[i] = of->kernel->count((const uint8_t *)(of->columns + i * SAMPLE_WORDS),
                                      SAMPLE_WORDS * sizeof of->columns[0]);
}

/* Bits [first, end) with themselves and all that follow. */
static void fill_entries(void *context, size_t first, size_t end)
{
  const struct measuring *of = context;
  const size_t n_bits = of->order->n_bits;
  const uint32_t *counts = of->counts;
  const float n = (float)of->n_rows;
  for (size_t i = first; i < end; i++)
    for (size_t j = i; j < n_bits; j++) {
      const uint32_t apart = of->kernel->apart(of->columns + i * SAMPLE_WORDS,
                                               of->columns + j * SAMPLE_WORDS, SAMPLE_WORDS);
      const uint32_t common = (counts[i] + counts[j] - apart) / 2;
      const float value = (float)common / n - (float)counts[i] / n * ((float)counts[j] / n);
      of->entries[i * n_bits + j] = value;
      of->entries[j * n_bits + i] = value;
    }
}

enum kith_err kith_covariance_new(struct kith_covariance *out,
                                  const struct kith_encodings *const *parties, unsigned n_parties,
                                  const struct kith_bit_order *order,
                                  const struct kith_kernel *kernel, unsigned n_threads)
{
  const size_t n_bits = order->n_bits;
  size_t row_bytes = 0;
  struct measuring of = {.order = order, .kernel = kernel};
  of.columns = KITH_NEW_ARRAY(uint64_t, n_bits * SAMPLE_WORDS);
  of.counts = KITH_NEW_ARRAY(uint32_t, n_bits);
  of.entries = kith_calloc(n_bits * n_bits, sizeof *of.entries);
  enum kith_err err = of.columns && of.counts && of.entries ? KITH_OK : KITH_ERR_MEMORY;
  if (!err) {
    of.n_rows = kith_bit_order_sample(of.rows, SAMPLE_ROWS, parties, n_parties);
    for (unsigned p = 0; p < n_parties; p++)
      row_bytes = parties[p]->n ? parties[p]->row_bytes : row_bytes;
    kith_engine_parallel(n_threads, row_bytes, SLICE_BYTES, fill_columns, &of);
    kith_engine_parallel(n_threads, n_bits, SLICE_BITS, count_columns, &of);
    kith_engine_parallel(n_threads, n_bits, SLICE_BITS, fill_entries, &of);
    *out = (struct kith_covariance){(unsigned)n_bits, of.entries};
    of.entries = NULL;
  }
  kith_free(of.columns);
  kith_free(of.counts);
  kith_free(of.entries);
  return err;
}

void kith_covariance_free(struct kith_covariance *covariance)
{
  kith_free(covariance->entries);
  memset(covariance, 0, sizeof *covariance);
}

/* ---- learning */

/* The state of the search. A group's signed sum is the sum of its bits, the inverted ones
 * negative. */
struct search {
  const struct kith_covariance *covariance;
  struct kith_sketch *sketch;
  float *with;     /* n_groups x n_bits: covariance of a group's signed sum with each bit */
  float *variance; /* n_groups: of the signed sum */
  unsigned sizes[KITH_SKETCH_GROUPS_MAX];
};

static float root(float x)
{
  return x > 0 ? sqrtf(x) : 0;
}

/* Takes `bit` into (sign 1) or out of (sign -1) its group. */
static void change(struct search *search, unsigned group, unsigned bit, float sign)
{
  unsigned n_bits = search->covariance->n_bits;
  const float *row = search->covariance->entries + (size_t)bit * n_bits;
  float *with = search->with + (size_t)group * n_bits;
  float signed_one = search->sketch->inverted[bit] ? -sign : sign;
  search->variance[group] += 2 * signed_one * with[bit] + row[bit];
  for (unsigned i = 0; i < n_bits; i++)
    with[i] += signed_one * row[i];
  search->sizes[group] += sign > 0 ? 1u : -1u;
}

static void put(struct search *search, unsigned group, unsigned bit)
{
  const float *with = search->with + (size_t)group * search->covariance->n_bits;
  search->sketch->group[bit] = (uint8_t)group;
  search->sketch->inverted[bit] = with[bit] < 0;
  change(search, group, bit, 1);
}

/* Each group starts from the widest bit left and takes those most correlated with it. */
static void start_groups(struct search *search, bool *taken)
{
  const struct kith_covariance *covariance = search->covariance;
  unsigned n_bits = covariance->n_bits;
  unsigned n_groups = search->sketch->n_groups;
  for (unsigned group = 0; group < n_groups; group++) {
    unsigned size = n_bits / n_groups + (group < n_bits % n_groups);
    for (unsigned k = 0; k < size; k++) {
      unsigned best = n_bits;
      float best_value = -1;
      for (unsigned i = 0; i < n_bits; i++) {
        float value = k ? fabsf(search->with[(size_t)group * n_bits + i])
                        : covariance->entries[(size_t)i * n_bits + i];
        if (!taken[i] && value > best_value) {
          best = i;
          best_value = value;
        }
      }
      taken[best] = true;
      put(search, group, best);
    }
  }
}

/* Moves a bit to where it adds most to the sum of standard deviations; true if it moved. */
static bool improve_bit(struct search *search, unsigned bit)
{
  const unsigned n_bits = search->covariance->n_bits;
  const unsigned from = search->sketch->group[bit];
  const float own = search->covariance->entries[(size_t)bit * n_bits + bit];
  const float sign = search->sketch->inverted[bit] ? -1 : 1;
  bool inverted = false;
  unsigned best = from;
  float best_gain = -1;
  if (search->sizes[from] <= 1)
    return false;
  for (unsigned group = 0; group < search->sketch->n_groups; group++) {
    float before = search->variance[group];
    float with = search->with[(size_t)group * n_bits + bit];
    if (group == from) { /* as if the bit were out of it */
      before += own - 2 * sign * with;
      with -= sign * own;
    }
    float gain = root(before + 2 * fabsf(with) + own) - root(before);
    if (group == from)
      gain += 1e-6f; /* no move for nothing */
    if (gain > best_gain && (group == from || search->sizes[group] < KITH_SKETCH_GROUP_BITS_MAX)) {
      best = group;
      best_gain = gain;
      inverted = with < 0;
    }
  }
  if (best == from && inverted == search->sketch->inverted[bit])
    return false;
  change(search, from, bit, -1);
  put(search, best, bit);
  return best != from;
}

enum kith_err kith_sketch_learn(struct kith_sketch *out, const struct kith_covariance *covariance,
                                unsigned n_groups)
{
  unsigned n_bits = covariance->n_bits;
  if (n_bits > KITH_SKETCH_BITS_MAX || n_groups > KITH_SKETCH_GROUPS_MAX ||
      n_groups * KITH_SKETCH_GROUP_BITS_MAX < n_bits)
    return KITH_ERR_LIMIT;
  struct search search = {.covariance = covariance, .sketch = out};
  bool *taken = kith_calloc(n_bits, sizeof *taken);
  search.with = kith_calloc((size_t)n_groups * n_bits, sizeof *search.with);
  search.variance = kith_calloc(n_groups, sizeof *search.variance);
  enum kith_err err = taken && search.with && search.variance ? KITH_OK : KITH_ERR_MEMORY;
  if (!err) {
    memset(out, 0, sizeof *out);
    out->n_groups = n_groups;
    out->n_bits = n_bits;
    start_groups(&search, taken);
    unsigned n_moved = n_bits;
    for (unsigned sweep = 0; sweep < SWEEPS_MAX && n_moved > n_bits / 200; sweep++) {
      n_moved = 0;
      for (unsigned bit = 0; bit < n_bits; bit++)
        n_moved += improve_bit(&search, bit);
    }
  }
  kith_free(taken);
  kith_free(search.with);
  kith_free(search.variance);
  return err;
}

/* ---- sketches of rows */

enum { NIBBLES = 16, LANE_BYTES = 16, LANES_MAX = KITH_SKETCH_GROUPS_MAX / LANE_BYTES };

typedef uint8_t lane __attribute__((vector_size(LANE_BYTES)));

enum kith_err kith_sketch_table_new(struct kith_sketch_table *out, const struct kith_sketch *sketch)
{
  struct kith_sketch_table table = {.n_groups = sketch->n_groups,
                                    .n_nibbles = sketch->n_bits / 4,
                                    .n_lanes = (sketch->n_groups + LANE_BYTES - 1) / LANE_BYTES};
  const size_t entry_bytes = table.n_lanes * LANE_BYTES;
  table.counts = kith_calloc_aligned(LANE_BYTES, table.n_nibbles * NIBBLES, entry_bytes);
  if (!table.counts)
    return KITH_ERR_MEMORY;
  for (size_t entry = 0; entry < table.n_nibbles * NIBBLES; entry++) {
    uint8_t *counts = table.counts + entry * entry_bytes;
    for (unsigned i = 0; i < 4; i++) {
      size_t bit = entry / NIBBLES * 4 + i;
      bool set = entry >> i & 1;
      if (set != sketch->inverted[bit])
        counts[sketch->group[bit]]++;
    }
  }
  *out = table;
  return KITH_OK;
}

void kith_sketch_table_free(struct kith_sketch_table *table)
{
  kith_free(table->counts);
  memset(table, 0, sizeof *table);
}

/* With n_lanes known to the compiler the sums stay in registers. Bytes stay below 256:
 * KITH_SKETCH_GROUP_BITS_MAX. */
static inline __attribute__((always_inline)) void add_nibbles(lane *out, const void *counts,
                                                              const uint64_t *row, size_t n_words,
                                                              const size_t n_lanes)
{
  const lane *entries = counts;
  lane sums[LANES_MAX] = {{0}};
  for (size_t w = 0; w < n_words; w++)
    for (uint64_t word = row[w], i = 0; i < NIBBLES; i++, word >>= 4) {
      const lane *entry = entries + (word & 15) * n_lanes;
      for (size_t l = 0; l < n_lanes; l++)
        sums[l] += entry[l];
      entries += NIBBLES * n_lanes;
    }
  memcpy(out, sums, n_lanes * sizeof sums[0]);
}

int32_t kith_sketch_table_row(const struct kith_sketch_table *table, uint8_t *counts,
                              const uint64_t *row)
{
  lane sums[LANES_MAX];
  const size_t n_words = table->n_nibbles / NIBBLES;
  int32_t sum = 0;
  switch (table->n_lanes) {
  case 1:
    add_nibbles(sums, table->counts, row, n_words, 1);
    break;
  case 2:
    add_nibbles(sums, table->counts, row, n_words, 2);
    break;
  case 3:
    add_nibbles(sums, table->counts, row, n_words, 3);
    break;
  case 4:
    add_nibbles(sums, table->counts, row, n_words, 4);
    break;
  default:
    add_nibbles(sums, table->counts, row, n_words, table->n_lanes);
  }
  memcpy(counts, sums, table->n_groups);
  for (unsigned group = 0; group < table->n_groups; group++)
    sum += counts[group];
  return sum;
}
