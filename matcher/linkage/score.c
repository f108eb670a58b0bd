#include "matcher/linkage/score.h"

#include <math.h>

#include "base/mem.h"
#include "matcher/linkage/yardstick.h"

enum {
  ANCHOR_BINS = KITH_BINS / 5, /* at most so many tell how far pairs within are off */
  ANCHOR_PAIRS = 1000,         /* pairs within that are enough for it */
  ANCHOR_PAIRS_MIN = 25,       /* fewer tell nothing */
  CLASS_PAIRS_MIN = 25,        /* pairs within, for a class to learn by itself */
  HOPELESS = 4,                /* as many times more pairs above than matches: all are false */
  UNEVEN = 10, /* times its share of the comparisons: a class has no larger one of the matches */
  SMOOTH_PAIRS = 8,
  SMOOTH_BINS = 20,
  NEAR_BINS = 2,
  MATCHES_MIN = 50 /* fewer don't say how many duplicates there are for one */
};
static const double anchor_min = 0.1;
static const double anchor_max = 10;
/* With more duplicates than this the two equations hardly differ: then all pairs within count as
 * false, which is more than there are. */
static const double ratio_max = 0.65;
static const double sure = 0.9; /* from here on up duplicates are counted */

/* Where pairs within are rare, each bin takes the mean of its surroundings: as far as it needs to
 * see SMOOTH_PAIRS of them, so that one pair, which may stand for many across, does not say all. */
static void smooth(double *values, const uint64_t *seen, unsigned first)
{
  double means[KITH_BINS] = {0};

  for (unsigned bin = first; bin < KITH_BINS; bin++) {
    unsigned low = bin;
    unsigned high = bin;
    uint64_t n = seen[bin];
    double sum = 0;

    for (unsigned width = 1; n < SMOOTH_PAIRS && width <= SMOOTH_BINS; width++) {
      if (low > first)
        n += seen[--low];
      if (high + 1 < KITH_BINS)
        n += seen[++high];
    }
    for (unsigned at = low; at <= high; at++)
      sum += values[at];
    means[bin] = sum / (high - low + 1);
  }
  for (unsigned bin = first; bin < KITH_BINS; bin++)
    values[bin] = means[bin] > 0 ? means[bin] : 0;
}

/* ---- how far pairs within are off */

/* Parties are no random parts of one population: where there are hardly any matches, the pairs
 * across say how far what pairs within foretell is off. */
struct anchor {
  double factor;     /* below 0: too few pairs tell */
  unsigned hopeless; /* below this bin there are so many pairs that all are taken to be false */
};

/* Some levels of one share; or bins. */
struct span {
  unsigned first;
  unsigned end;
};

static double bin_sum(const struct kith_bins *bins, struct span classes, unsigned bin)
{
  double sum = 0; /* of whole numbers */

  for (unsigned class = classes.first; class < classes.end; class ++)
    sum += (double)bins->across[class][bin];
  return sum;
}

/* Surely more than the matches in these levels of one share, which have their comparisons in common
 * but for those that have nothing to tell levels by. */
static double matches_most(const struct kith_bins *bins, struct span classes)
{
  double all = 0;
  double own = 0;

  for (unsigned class = 0; class < KITH_CLASSES; class ++) {
    if (class % KITH_LEVELS < 2)
      all += kith_yardstick_comparisons(bins, class);
    if (class >= classes.first && class < classes.end &&
        (class == classes.first || class % KITH_LEVELS < 2))
      own += kith_yardstick_comparisons(bins, class);
  }
  return bins->matches_max * (own * UNEVEN < all ? own * UNEVEN / all : 1) + MATCHES_MIN;
}

static double seen_sum(const struct kith_yardstick *yardsticks, struct span classes, unsigned bin)
{
  double sum = 0; /* of whole numbers */

  for (unsigned class = classes.first; class < classes.end; class ++)
    sum += (double)yardsticks[class].seen[bin];
  return sum;
}

/* The bins [first, end) that tell, as near to the top as they can be: just below the first hopeless
 * bin; or else the lower half of what was seen within. */
static struct span anchor_bins(const struct kith_yardstick *yardsticks, struct span classes,
                               unsigned hopeless)
{
  struct span bins = {hopeless, hopeless};
  double half = 0;
  double seen = 0;

  if (hopeless > 0) {
    while (bins.first > 0 && bins.end - bins.first < ANCHOR_BINS && seen < ANCHOR_PAIRS)
      seen += seen_sum(yardsticks, classes, --bins.first);
    return bins;
  }
  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    half += seen_sum(yardsticks, classes, bin) / 2;
  while (bins.end < KITH_BINS && seen < half)
    seen += seen_sum(yardsticks, classes, bins.end++);
  return bins;
}

static struct anchor find_anchor(const struct kith_bins *bins, struct span classes,
                                 const struct kith_yardstick *yardsticks)
{
  struct anchor anchor = {-1, KITH_BINS};
  double most = HOPELESS * matches_most(bins, classes);
  double above = 0;
  double across = 0;
  double expected = 0;
  double seen = 0;
  struct span at;

  while (anchor.hopeless > 0 && above < most)
    above += bin_sum(bins, classes, --anchor.hopeless);
  at = anchor_bins(yardsticks, classes, anchor.hopeless);
  for (unsigned bin = at.first; bin < at.end; bin++) {
    across += bin_sum(bins, classes, bin);
    seen += seen_sum(yardsticks, classes, bin);
    for (unsigned class = classes.first; class < classes.end; class ++)
      expected += yardsticks[class].within[bin];
  }
  if (seen >= ANCHOR_PAIRS_MIN && expected > 0)
    anchor.factor = kith_clamp(across / expected, anchor_min, anchor_max);
  return anchor;
}

/* A class's own, or where that has too few pairs, that of all its share's levels. */
static struct anchor anchor_of(const struct kith_bins *bins, unsigned class,
                               const struct kith_yardstick *yardsticks)
{
  unsigned first = class - class % KITH_LEVELS;
  struct anchor anchor = find_anchor(bins, (struct span){class, class + 1}, yardsticks);

  if (anchor.factor < 0)
    anchor = find_anchor(bins, (struct span){first, first + KITH_LEVELS}, yardsticks);
  if (anchor.factor < 0)
    anchor.factor = 1;
  return anchor;
}

/* ---- pairs across */

static void expect_false(double *expected, const struct kith_bins *bins, unsigned class,
                         const struct kith_yardstick *yardstick, struct anchor anchor)
{
  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    double ratio = anchor.factor * yardstick->ratio[bin];
    uint64_t ends = 0;

    if (ratio > ratio_max)
      ratio = 0;

    for (unsigned p = 0; p < bins->n_parties; p++)
      ends += bins->unlinked[p][class][bin];
    expected[bin] =
        (anchor.factor * yardstick->within[bin] - ratio * (double)ends / 2) / (1 - ratio);
  }
  smooth(expected, yardstick->seen, kith_bins_first(bins->across[class]));
  for (unsigned bin = 0; bin < anchor.hopeless; bin++)
    expected[bin] = (double)bins->across[class][bin];
}

/* Whether too few pairs within were seen to say what is false among the class's pairs. */
static bool is_thin(const struct kith_yardstick *yardstick)
{
  uint64_t seen = 0;

  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    seen += yardstick->seen[bin];
  return seen < CLASS_PAIRS_MIN;
}

/* A pair that shares less, at the same weight, as one that shares nearly all: what is missing has
 * counted against it there. */
static void borrow(struct kith_score *out, const struct kith_bins *bins, unsigned class)
{
  const double *lender = out->across[class % KITH_LEVELS];

  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    out->across[class][bin] = lender[bin];
    out->false_pairs[class][bin] = (1 - lender[bin]) * (double)bins->across[class][bin];
  }
}

void kith_score_learn(struct kith_score *out, const struct kith_bins *bins,
                      const double *duplicates)
{
  struct kith_yardstick yardsticks[KITH_CLASSES];
  bool usable[KITH_CLASSES];
  bool blind = kith_yardstick_all_full(bins, duplicates, ratio_max);

  for (unsigned class = 0; class < KITH_CLASSES; class ++) {
    usable[class] = kith_yardstick_make(&yardsticks[class], bins, duplicates, class) && !blind;
    out->comparisons[class] = kith_yardstick_comparisons(bins, class);
  }
  for (unsigned class = 0; class < KITH_CLASSES; class ++) {
    unsigned lender = class % KITH_LEVELS;

    if (class != lender && usable[lender] && (!usable[class] || is_thin(&yardsticks[class]))) {
      borrow(out, bins, class);
      continue;
    }
    if (usable[class])
      expect_false(out->false_pairs[class], bins, class, &yardsticks[class],
                   anchor_of(bins, class, yardsticks));
    else
      kith_bins_extrapolate(out->false_pairs[class], bins->across[class], bins->near_bound[class]);
    kith_bins_probabilities(out->across[class], bins->across[class], out->false_pairs[class]);
  }
}

/* ---- pairs inside parties */

/* True pairs across of a class at a bin. */
static double matches_at(const struct kith_score *score, const struct kith_bins *bins,
                         unsigned class, unsigned bin)
{
  return score->across[class][bin] * (double)bins->across[class][bin];
}

static double scale_of(const struct kith_score *score, const struct kith_bins *bins, unsigned p,
                       unsigned class)
{
  return score->comparisons[class] > 0 ? bins->comparisons[p][p][class] / score->comparisons[class]
                                       : 0;
}

/* Pairs within party p that are duplicates, for one true pair across: counted where matches are
 * sure, among classes [first, end). Below 0 where there are too few matches to tell. */
static double duplicates_per_match(const struct kith_score *score, const struct kith_bins *bins,
                                   unsigned p, struct span classes)
{
  double matches = 0;
  double within = 0;

  for (unsigned class = classes.first; class < classes.end; class ++) {
    double scale = scale_of(score, bins, p, class);

    for (unsigned bin = 0; bin < KITH_BINS; bin++) {
      if (score->across[class][bin] < sure)
        continue;
      matches += matches_at(score, bins, class, bin);
      within += (double)bins->within[p][class][bin] - scale * score->false_pairs[class][bin];
    }
  }
  if (matches < MATCHES_MIN)
    return -1;
  return within > 0 ? within / matches : 0;
}

/* A pair is a duplicate as far as duplicates account for the pairs that are foretold at its weight
 * from all parties; or for half of those that are surely more in its own (two standard deviations):
 * twins are not everywhere alike many. */
static void learn_party(struct kith_score *score, const struct kith_bins *bins, unsigned p,
                        unsigned class, double per_match)
{
  double scale = scale_of(score, bins, p, class);
  double parts[KITH_BINS];
  double totals[KITH_BINS];

  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    unsigned low = bin > NEAR_BINS ? bin - NEAR_BINS : 0;
    double duplicates = 0;
    double foretold = 0;
    double seen = 0;

    for (unsigned at = low; at <= bin + NEAR_BINS && at < KITH_BINS; at++) {
      duplicates += per_match * matches_at(score, bins, class, at);
      foretold += scale * score->false_pairs[class][at];
      seen += (double)bins->within[p][class][at];
    }
    foretold += duplicates;
    seen = (seen - 2 * sqrt(seen)) / 2;
    parts[bin] = duplicates;
    totals[bin] = seen > foretold ? seen : foretold;
  }
  kith_bins_make_monotone(score->within[p][class], parts, totals);
}

static void learn_one_party(struct kith_score *score, const struct kith_bins *bins)
{
  for (unsigned class = 0; class < KITH_CLASSES; class ++) {
    double expected[KITH_BINS];

    kith_bins_extrapolate(expected, bins->within[0][class], bins->near_bound[class]);
    kith_bins_probabilities(score->within[0][class], bins->within[0][class], expected);
  }
}

void kith_score_learn_within(struct kith_score *score, const struct kith_bins *bins)
{
  if (bins->n_parties == 1) {
    learn_one_party(score, bins);
    return;
  }
  for (unsigned p = 0; p < bins->n_parties; p++) {
    double all = duplicates_per_match(score, bins, p, (struct span){0, KITH_LEVELS});

    for (unsigned level = 0; level < KITH_LEVELS; level++) {
      double own = duplicates_per_match(score, bins, p, (struct span){level, level + 1});

      for (unsigned class = level; class < KITH_CLASSES; class += KITH_LEVELS)
        learn_party(score, bins, p, class, own >= 0 ? own : all >= 0 ? all : 0);
    }
  }
}
