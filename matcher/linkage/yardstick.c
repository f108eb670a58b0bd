#include "matcher/linkage/yardstick.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  /* A cut-off tells something of r where it has as many pairs across, and within; or enough. */
  RATIO_PAIRS_MIN = 50,
  RATIO_SEEN_MIN = 30,
  RATIO_PAIRS_ENOUGH = 1000,
  PARTY_WEIGHT_MAX = 10 /* of one pair within a small party */
};
/* Duplicates for one match, were this party the only yardstick: from here on it is a poor one. */
const double kith_yardstick_full = 0.5;

static int compare_doubles(const void *left, const void *right)
{
  const double *a = left;
  const double *b = right;

  return (*a > *b) - (*a < *b);
}

/* Smallest first, so that the order of the parties does not show in the last bit. */
static double sum_of(double *values, unsigned n)
{
  double sum = 0;

  qsort(values, n, sizeof *values, compare_doubles);
  for (unsigned i = 0; i < n; i++)
    sum += values[i];
  return sum;
}

static double count_sum(const uint64_t *counts)
{
  double sum = 0; /* of whole numbers */

  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    sum += (double)counts[bin];
  return sum;
}

double kith_yardstick_comparisons(const struct kith_bins *bins, unsigned class)
{
  double sum = 0; /* of whole numbers */

  for (unsigned p = 0; p < bins->n_parties; p++)
    for (unsigned q = p + 1; q < bins->n_parties; q++)
      sum += bins->comparisons[p][q][class];
  return sum;
}

/* ---- duplicates */

static double find_duplicates(const struct kith_bins *bins, unsigned p)
{
  for (unsigned share = 0; share < KITH_SHARES; share++) {
    double across = 0;
    double within = 0;
    double least = 1;

    for (unsigned bin = KITH_BINS; bin-- > 0;) {
      for (unsigned class = share * KITH_LEVELS; class < (share + 1) * KITH_LEVELS; class ++) {
        across += (double)bins->unlinked[p][class][bin];
        within += (double)bins->within[p][class][bin];
      }
      if (across >= RATIO_PAIRS_ENOUGH || (across >= RATIO_PAIRS_MIN && within >= RATIO_SEEN_MIN)) {
        double ratio = within / across;

        least = ratio < least ? ratio : least;
      }
    }
    if (across >= RATIO_PAIRS_MIN)
      return least < 1 && least > 0 ? least : 0;
  }
  return 0;
}

void kith_yardstick_duplicates(double out[KITH_BIN_PARTIES], const struct kith_bins *bins)
{
  for (unsigned p = 0; p < bins->n_parties; p++)
    out[p] = find_duplicates(bins, p);
}

/* Duplicates in it for one match across, were party p the only yardstick of these classes; below 0
 * where it has no comparison. Levels that share their comparisons are counted once. */
static double lone_ratio(const struct kith_bins *bins, const double *duplicates, unsigned p,
                         unsigned first, unsigned end)
{
  double own = 0;
  double others = 0;
  double involved = 0;
  double across = 0;

  for (unsigned class = first; class < end; class ++) {
    if (class == first || class % KITH_LEVELS < 2) {
      own += bins->comparisons[p][p][class];
      others += kith_yardstick_comparisons(bins, class);
    }
    involved += count_sum(bins->unlinked[p][class]);
    across += count_sum(bins->across[class]);
  }
  return own > 0 && across > 0 ? duplicates[p] * others / own * involved / across : -1;
}

bool kith_yardstick_all_full(const struct kith_bins *bins, const double *duplicates, double most)
{
  bool any = false;

  for (unsigned p = 0; p < bins->n_parties; p++) {
    double ratio = lone_ratio(bins, duplicates, p, 0, KITH_LEVELS);

    if (ratio >= 0 && ratio <= most)
      return false;
    any |= ratio > most;
  }
  return any;
}

/* ---- the yardstick of a class */

/* How many pairs across one pair within party p stands for. */
static double party_weight(const struct kith_bins *bins, unsigned p, unsigned class)
{
  double own = bins->comparisons[p][p][class];
  double others = 0;
  double weight;

  for (unsigned q = 0; q < bins->n_parties; q++)
    if (q != p)
      others += bins->comparisons[p < q ? p : q][p < q ? q : p][class];
  weight = own > 0 ? others / 2 / own : 0;
  return weight < PARTY_WEIGHT_MAX ? weight : PARTY_WEIGHT_MAX;
}

static void weigh_parties(double weights[KITH_BIN_PARTIES], const struct kith_bins *bins,
                          const double *duplicates, unsigned class)
{
  double ratios[KITH_BIN_PARTIES];
  double least = HUGE_VAL;

  for (unsigned p = 0; p < bins->n_parties; p++) {
    weights[p] = party_weight(bins, p, class);
    ratios[p] = lone_ratio(bins, duplicates, p, class, class + 1);
    if (weights[p] > 0 && ratios[p] >= 0 && ratios[p] < least)
      least = ratios[p];
  }
  for (unsigned p = 0; p < bins->n_parties; p++)
    if (ratios[p] > kith_yardstick_full && ratios[p] > 2 * least)
      weights[p] = 0;
}

bool kith_yardstick_make(struct kith_yardstick *out, const struct kith_bins *bins,
                         const double *duplicates, unsigned class)
{
  double weights[KITH_BIN_PARTIES] = {0};
  double parts[KITH_BIN_PARTIES] = {0};
  double covered;
  double scale;

  memset(out, 0, sizeof *out);
  weigh_parties(weights, bins, duplicates, class);
  for (unsigned p = 0; p < bins->n_parties; p++)
    parts[p] = weights[p] * bins->comparisons[p][p][class];
  covered = sum_of(parts, bins->n_parties);
  if (covered <= 0)
    return false;
  scale = kith_yardstick_comparisons(bins, class) / covered;
  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    uint64_t ends = 0;

    for (unsigned p = 0; p < bins->n_parties; p++) {
      parts[p] = weights[p] * (double)bins->within[p][class][bin];
      ends += bins->unlinked[p][class][bin];
      out->seen[bin] += weights[p] > 0 ? bins->within[p][class][bin] : 0;
    }
    out->within[bin] = scale * sum_of(parts, bins->n_parties);
    for (unsigned p = 0; p < bins->n_parties; p++)
      parts[p] = weights[p] * duplicates[p] * (double)bins->unlinked[p][class][bin];
    out->ratio[bin] = ends > 0 ? scale * sum_of(parts, bins->n_parties) / ((double)ends / 2) : 0;
  }
  return true;
}
