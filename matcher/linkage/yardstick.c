#include "matcher/linkage/yardstick.h"

#include <math.h>
#include <string.h>

enum {
  /* A cut-off tells something of r where it has as many pairs across, and within; or enough. */
  RATIO_PAIRS_MIN = 50,
  RATIO_SEEN_MIN = 30,
  RATIO_PAIRS_ENOUGH = 1000,
  POOLED_SEEN_MIN = 8,  /* the same of all parties together, where none has enough of its own */
  PARTY_WEIGHT_MAX = 10 /* of one pair within a small party */
};
/* Duplicates for one match, were this party the only yardstick: from here on it is a poor one. */
const double kith_yardstick_full = 0.5;

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

/* Below 0 where no cut-off tells. */
static double find_duplicates(const struct kith_bins *bins, unsigned p)
{
  for (unsigned share = 0; share < KITH_SHARES; share++) {
    double across = 0;
    double within = 0;
    double least = HUGE_VAL;

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
    if (least < HUGE_VAL)
      return least < 1 ? least : 0;
    if (across >= RATIO_PAIRS_MIN)
      return -1;
  }
  return -1;
}

/* Of several parties together, and how many pairs each has above the cut-off that tells least. */
struct pool {
  double ratio; /* below 0: nothing tells */
  double across[KITH_BIN_PARTIES];
  double within[KITH_BIN_PARTIES];
};

static void pool_parties(struct pool *out, const struct kith_bins *bins, const bool *in_pool)
{
  struct pool seen = {0};
  double across = 0;
  double within = 0;

  out->ratio = -1;
  for (unsigned bin = KITH_BINS; bin-- > 0;) {
    for (unsigned p = 0; p < bins->n_parties; p++)
      for (unsigned class = 0; in_pool[p] && class < KITH_LEVELS; class ++) {
        seen.across[p] += (double)bins->unlinked[p][class][bin];
        seen.within[p] += (double)bins->within[p][class][bin];
        across += (double)bins->unlinked[p][class][bin];
        within += (double)bins->within[p][class][bin];
      }
    if (across < RATIO_PAIRS_MIN || within < POOLED_SEEN_MIN)
      continue;
    seen.ratio = within / across;
    if (seen.ratio < 1 && (out->ratio < 0 || seen.ratio < out->ratio))
      *out = seen;
  }
}

/* Where there are few records no party tells by itself, and taking its duplicates for people who
 * are alike would foretell false links that there are not: a party is then held to be like the
 * others, the more so the less it has. */
static void borrow_duplicates(double out[KITH_BIN_PARTIES], const struct kith_bins *bins)
{
  bool in_pool[KITH_BIN_PARTIES] = {false};
  struct pool pool;

  for (unsigned p = 0; p < bins->n_parties; p++)
    in_pool[p] = out[p] < 0;
  pool_parties(&pool, bins, in_pool);
  for (unsigned p = 0; p < bins->n_parties; p++)
    if (in_pool[p])
      out[p] = pool.ratio < 0 ? 0
                              : (pool.within[p] + pool.ratio * RATIO_PAIRS_MIN) /
                                    (pool.across[p] + RATIO_PAIRS_MIN);
}

void kith_yardstick_duplicates(double out[KITH_BIN_PARTIES], const struct kith_bins *bins)
{
  for (unsigned p = 0; p < bins->n_parties; p++)
    out[p] = find_duplicates(bins, p);
  borrow_duplicates(out, bins);
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
  covered = kith_bins_sum(parts, bins->n_parties);
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
    out->within[bin] = scale * kith_bins_sum(parts, bins->n_parties);
    for (unsigned p = 0; p < bins->n_parties; p++)
      parts[p] = weights[p] * duplicates[p] * (double)bins->unlinked[p][class][bin];
    out->ratio[bin] =
        ends > 0 ? scale * kith_bins_sum(parts, bins->n_parties) / ((double)ends / 2) : 0;
  }
  return true;
}
