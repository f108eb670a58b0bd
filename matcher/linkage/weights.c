#include "matcher/linkage/weights.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { NIBBLES = 16 };

/* The share of a record's set bits that its match is taken to keep, and how many pairs that belief
 * is worth. */
static const double prior_kept = 0.85;
static const double prior_pairs = 300;
/* No share is taken for less: a bit that was never seen to differ may differ yet. */
static const double least_share = 1e-4;

struct counts {
  uint64_t *set;    /* owned; by bit: rows that have it */
  uint64_t *kept;   /* owned; by bit: likely matches that both have it */
  uint64_t *either; /* owned; by bit: its rows among likely matches, both sides counted */
  uint64_t rows;
  uint64_t pairs;
};

static void counts_free(struct counts *counts)
{
  kith_free(counts->set);
  kith_free(counts->kept);
  kith_free(counts->either);
}

static enum kith_err counts_init(struct counts *counts, size_t bits)
{
  counts->set = KITH_NEW_ARRAY(uint64_t, bits);
  counts->kept = KITH_NEW_ARRAY(uint64_t, bits);
  counts->either = KITH_NEW_ARRAY(uint64_t, bits);
  return counts->set && counts->kept && counts->either ? KITH_OK : KITH_ERR_MEMORY;
}

/* Adds n to each bit that both rows have set. */
static void add_common(uint64_t *counts, const uint8_t *a, const uint8_t *b, size_t bytes,
                       uint64_t n)
{
  for (size_t i = 0; i < bytes; i++)
    for (unsigned left = a[i] & b[i]; left; left &= left - 1)
      counts[i * 8 + 7 - (unsigned)__builtin_ctz(left)] += n;
}

static bool is_empty(const uint8_t *row, size_t bytes)
{
  return row[0] == 0 && memcmp(row, row + 1, bytes - 1) == 0;
}

/* Each row once, and once for each likely match that it is in. */
static enum kith_err count_rows(struct counts *counts, const struct kith_linkage_input *input,
                                size_t bytes, uint32_t *const *matches)
{
  for (unsigned p = 0; p < input->n_parties; p++)
    for (size_t i = 0; i < input->parties[p]->n; i++) {
      const uint8_t *row = kith_encodings_row(input->parties[p], i);

      if (is_empty(row, bytes))
        continue;
      counts->rows++;
      add_common(counts->set, row, row, bytes, 1);
      if (matches[p][i])
        add_common(counts->either, row, row, bytes, matches[p][i]);
    }
  return KITH_OK;
}

static enum kith_err count_all(struct counts *counts, const struct kith_linkage_input *input,
                               const struct kith_linkage_pair *pairs, size_t n_pairs,
                               kith_weights_likely likely, const void *context, size_t bytes)
{
  uint32_t *matches[KITH_LINKAGE_PARTIES_MAX] = {0};
  enum kith_err err = counts_init(counts, bytes * 8);

  for (unsigned p = 0; err == KITH_OK && p < input->n_parties; p++) {
    matches[p] = KITH_NEW_ARRAY(uint32_t, input->parties[p]->n);
    err = matches[p] ? KITH_OK : KITH_ERR_MEMORY;
  }
  for (size_t i = 0; err == KITH_OK && i < n_pairs; i++) {
    const struct kith_linkage_pair *pair = &pairs[i];

    if (!likely(context, pair))
      continue;
    counts->pairs++;
    matches[pair->party_a][pair->row_a]++;
    matches[pair->party_b][pair->row_b]++;
    add_common(counts->kept, kith_encodings_row(input->parties[pair->party_a], pair->row_a),
               kith_encodings_row(input->parties[pair->party_b], pair->row_b), bytes, 1);
  }
  if (err == KITH_OK)
    err = count_rows(counts, input, bytes, matches);
  for (unsigned p = 0; p < input->n_parties; p++)
    kith_free(matches[p]);
  return err;
}

/* ---- weights from counts */

static double share(double value)
{
  return value > least_share ? value : least_share;
}

static int32_t units(double value)
{
  return (int32_t)lrint(value * KITH_WEIGHT_UNIT);
}

struct bit {
  int32_t none; /* set in neither row */
  int32_t each; /* what a row that has it adds */
  int32_t both; /* and what is added where both have it */
};

static struct bit weigh_bit(const struct counts *counts, size_t bit)
{
  double fill = counts->rows ? (double)counts->set[bit] / (double)counts->rows : 0;
  double pairs = (double)counts->pairs + prior_pairs;
  double kept = prior_pairs * fill * (prior_kept + (1 - prior_kept) * fill);
  double m11 = ((double)counts->kept[bit] + kept) / pairs;
  double m1 = ((double)counts->either[bit] / 2 + prior_pairs * fill) / pairs;
  double none = log(share(1 - 2 * m1 + m11) / share((1 - fill) * (1 - fill)));
  double one = log(share(m1 - m11) / share(fill * (1 - fill)));
  double both = log(share(m11) / share(fill * fill));

  return (struct bit){units(none), units(one - none), units(both - 2 * one + none)};
}

static void fill_tables(struct kith_weights *weights, const struct counts *counts)
{
  weights->base = 0;
  for (size_t half = 0; half < weights->bytes * 2; half++) {
    int32_t *both = weights->both + half * NIBBLES;
    int32_t *each = weights->each + half * NIBBLES;

    for (unsigned i = 0; i < 4; i++) {
      struct bit bit = weigh_bit(counts, half * 4 + i);

      weights->base += bit.none;
      for (unsigned value = 0; value < NIBBLES; value++)
        if (value >> (3 - i) & 1) {
          both[value] += bit.both;
          each[value] += bit.each;
        }
    }
  }
}

enum kith_err kith_weights_learn(struct kith_weights *weights,
                                 const struct kith_linkage_input *input,
                                 const struct kith_linkage_pair *pairs, size_t n_pairs,
                                 kith_weights_likely likely, const void *context)
{
  struct counts counts = {0};
  size_t bytes = 0;
  enum kith_err err;

  for (unsigned p = 0; p < input->n_parties; p++)
    bytes = input->parties[p]->stride > bytes ? input->parties[p]->stride : bytes;
  kith_weights_free(weights);
  weights->bytes = bytes;
  weights->both = KITH_NEW_ARRAY(int32_t, bytes * 2 * NIBBLES);
  weights->each = KITH_NEW_ARRAY(int32_t, bytes * 2 * NIBBLES);
  err = weights->both && weights->each
            ? count_all(&counts, input, pairs, n_pairs, likely, context, bytes)
            : KITH_ERR_MEMORY;
  if (err == KITH_OK)
    fill_tables(weights, &counts);
  counts_free(&counts);
  return err;
}

void kith_weights_free(struct kith_weights *weights)
{
  kith_free(weights->both);
  kith_free(weights->each);
  *weights = (struct kith_weights){0};
}

int32_t kith_weights_of(const struct kith_weights *weights, const uint8_t *row_a,
                        const uint8_t *row_b)
{
  const int32_t *both = weights->both;
  const int32_t *each = weights->each;
  int32_t sum = weights->base;

  for (size_t i = 0; i < weights->bytes; i++) {
    unsigned a = row_a[i];
    unsigned b = row_b[i];

    sum += both[(a & b) >> 4] + each[a >> 4] + each[b >> 4];
    both += NIBBLES;
    each += NIBBLES;
    sum += both[a & b & 15] + each[a & 15] + each[b & 15];
    both += NIBBLES;
    each += NIBBLES;
  }
  return sum;
}
