#include "matcher/linkage/count.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
  NEAR_BOUND = 20000, /* ppm above the candidate bound */
  LIKELY = 500000,    /* ppm: pairs that count as matches for matches_max */
  MATCHES_MARGIN = 50 /* and so many more */
};

/* ---- comparisons */

/* How many rows have each key: a mask, and above it the parties of a cluster. */
struct tally {
  uint32_t key;
  uint64_t n;
};
struct tallies {
  struct tally *items; /* owned */
  size_t n;
};

static int compare_keys(const void *left, const void *right)
{
  const uint32_t *a = left;
  const uint32_t *b = right;

  return (*a > *b) - (*a < *b);
}

/* Sorts `keys`. */
static enum kith_err tally_keys(struct tallies *out, uint32_t *keys, size_t n)
{
  out->n = 0;
  out->items = KITH_NEW_ARRAY(struct tally, n);
  if (!out->items)
    return KITH_ERR_MEMORY;
  if (n > 1)
    qsort(keys, n, sizeof *keys, compare_keys);
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || keys[i] != keys[i - 1])
      out->items[out->n++].key = keys[i];
    out->items[out->n - 1].n++;
  }
  return KITH_OK;
}

static uint32_t key_of(const struct kith_count *count, bool open, unsigned party, size_t row)
{
  const struct kith_linkage_result *result = count->result;
  uint32_t mask = count->classes->masked ? count->classes->input->parties[party]->masks[row] : 0;
  uint32_t parties = open ? result->clusters[result->cluster_of[party][row]].parties : 0;

  return parties << KITH_ENCODINGS_FIELDS_MAX | mask;
}

static void compare_tallies(const struct kith_classes *classes, double out[KITH_CLASSES],
                            const struct tallies *a, const struct tallies *b)
{
  for (size_t i = 0; i < a->n; i++)
    for (size_t k = a == b ? i : 0; k < b->n; k++) {
      uint32_t both = a->items[i].key & b->items[k].key;
      uint16_t mask = classes->masked ? (uint16_t)(both % KITH_MASKS) : UINT16_MAX;
      unsigned share = classes->masked ? classes->shares[mask] : 1;
      double n = (double)a->items[i].n * (double)b->items[k].n;
      unsigned first;
      unsigned end;

      if (a == b && i == k)
        n = (double)a->items[i].n * ((double)a->items[i].n - 1) / 2;
      if (!share || (a != b && both >= KITH_MASKS))
        continue;
      kith_classes_levels(classes, mask, &first, &end);
      for (unsigned level = first; level < end; level++)
        out[(share - 1) * KITH_LEVELS + level] += n;
    }
}

static enum kith_err count_comparisons(struct kith_bins *out, const struct kith_count *count,
                                       bool open)
{
  const struct kith_linkage_input *input = count->classes->input;
  struct tallies tallies[KITH_LINKAGE_PARTIES_MAX] = {0};
  enum kith_err err = KITH_OK;

  for (unsigned p = 0; p < input->n_parties && err == KITH_OK; p++) {
    size_t n = input->parties[p]->n;
    KITH_AUTO_FREE uint32_t *keys = KITH_NEW_ARRAY(uint32_t, n);

    for (size_t row = 0; keys && row < n; row++)
      keys[row] = key_of(count, open, p, row);
    err = keys ? tally_keys(&tallies[p], keys, n) : KITH_ERR_MEMORY;
  }
  for (unsigned p = 0; p < input->n_parties && err == KITH_OK; p++)
    for (unsigned q = p; q < input->n_parties; q++)
      compare_tallies(count->classes, out->comparisons[p][q], &tallies[p], &tallies[q]);
  for (unsigned p = 0; p < input->n_parties; p++)
    kith_free(tallies[p].items);
  return err;
}

/* ---- pairs */

static uint32_t cluster_a(const struct kith_linkage_result *result,
                          const struct kith_linkage_pair *pair)
{
  return result->cluster_of[pair->party_a][pair->row_a];
}

static uint32_t cluster_b(const struct kith_linkage_result *result,
                          const struct kith_linkage_pair *pair)
{
  return result->cluster_of[pair->party_b][pair->row_b];
}

bool kith_count_is_open(const struct kith_linkage_result *result,
                        const struct kith_linkage_pair *pair)
{
  return (result->clusters[cluster_a(result, pair)].parties &
          result->clusters[cluster_b(result, pair)].parties) == 0;
}

unsigned kith_count_bin(const struct kith_count *count, int32_t weight)
{
  int64_t range = (int64_t)count->high - count->low + 1;
  int64_t above = weight - (int64_t)count->low;

  if (above < 0)
    return 0;
  return above < range ? (unsigned)(above * KITH_BINS / range) : KITH_BINS - 1;
}

static void count_pairs(struct kith_bins *out, const struct kith_count *count,
                        enum kith_counting counting)
{
  const struct kith_linkage_result *result = count->result;
  double bound = kith_ratio_double(result->candidate_bound);
  uint32_t near_bound = (uint32_t)lrint(bound * KITH_PPM) + NEAR_BOUND;
  bool lone = out->n_parties == 1;
  uint64_t likely = 0;

  for (size_t i = 0; i < result->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &result->pairs[i];
    unsigned bin = kith_count_bin(count, pair->weight);
    bool inside = pair->party_a == pair->party_b;
    bool together =
        counting != KITH_COUNT_ALL && cluster_a(result, pair) == cluster_b(result, pair);

    out->near_bound[pair->class][bin] += inside == lone && pair->similarity < near_bound;
    if (inside) {
      out->within[pair->party_a][pair->class][bin] += !together;
    } else if (counting != KITH_COUNT_OPEN || kith_count_is_open(result, pair)) {
      out->across[pair->class][bin]++;
      out->unlinked[pair->party_a][pair->class][bin] += !together;
      out->unlinked[pair->party_b][pair->class][bin] += !together;
      likely += pair->probability >= LIKELY;
    }
  }
  if (counting != KITH_COUNT_ALL)
    out->matches_max = (double)(likely + MATCHES_MARGIN);
}

enum kith_err kith_count_into(struct kith_bins *out, const struct kith_count *count,
                              enum kith_counting counting)
{
  const struct kith_linkage_input *input = count->classes->input;

  memset(out, 0, sizeof *out);
  out->n_parties = input->n_parties;
  for (unsigned p = 0; p < input->n_parties; p++)
    for (unsigned q = p + 1; q < input->n_parties; q++)
      out->matches_max +=
          (double)(input->parties[p]->n < input->parties[q]->n ? input->parties[p]->n
                                                               : input->parties[q]->n);
  count_pairs(out, count, counting);
  return count_comparisons(out, count, counting == KITH_COUNT_OPEN);
}
