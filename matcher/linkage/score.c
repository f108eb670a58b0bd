#include "matcher/linkage/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  RATIO_PAIRS_MIN = 50,   /* a cut-off with fewer pairs across tells nothing of R */
  WINDOW_BINS = 5,        /* five hundredths are two windows */
  ANCHOR_BINS = 10,       /* at the bottom there are hardly any matches */
  ANCHOR_PAIRS_MIN = 100, /* pairs within, to trust an anchor */
  SMOOTH_PAIRS = 8,
  SMOOTH_BINS = 20,
  NEAR_BINS = 2,
  LEAST_BIN = 130,      /* similarity 0.65 */
  PARTY_WEIGHT_MAX = 10 /* of one pair within a small party */
};
static const double anchor_min = 0.1;
static const double anchor_max = 10;
static const double duplicate_ratio_max = 0.9;
static const double sure = 0.9; /* from here on up duplicates are counted */
/* The fall of non-matches per bin, where only one party tells of it: by a fifth to a half a window.
 */
static const double fall_min = 0.045;
static const double fall_max = 0.14;

unsigned kith_score_bin(uint32_t similarity_ppm)
{
  unsigned bin = similarity_ppm / (KITH_PPM / KITH_SCORE_BINS);

  return bin < KITH_SCORE_BINS ? bin : KITH_SCORE_BINS - 1;
}

static double clamp(double value, double least, double most)
{
  return value < least ? least : value > most ? most : value;
}

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

/* The lowest bin that holds anything. */
static unsigned first_bin(const uint64_t *counts)
{
  unsigned bin = 0;

  while (bin + 1 < KITH_SCORE_BINS && !counts[bin])
    bin++;
  return bin;
}

/* Pool adjacent violators: the nearest sequence that never falls, weighted. */
static void make_monotone(double *values, const double *weights, unsigned n_values)
{
  double sums[KITH_SCORE_BINS];
  double totals[KITH_SCORE_BINS];
  unsigned sizes[KITH_SCORE_BINS];
  unsigned n = 0;
  unsigned at = 0;

  for (unsigned bin = 0; bin < n_values; bin++) {
    sums[n] = values[bin] * weights[bin];
    totals[n] = weights[bin];
    sizes[n++] = 1;
    while (n > 1 && sums[n - 2] * totals[n - 1] > sums[n - 1] * totals[n - 2]) {
      sums[n - 2] += sums[n - 1];
      totals[n - 2] += totals[n - 1];
      sizes[n - 2] += sizes[n - 1];
      n--;
    }
  }
  for (unsigned i = 0; i < n; i++)
    for (unsigned k = 0; k < sizes[i]; k++)
      values[at++] = totals[i] > 0 ? sums[i] / totals[i] : 0;
}

/* Where pairs within are rare, each bin takes the mean of its surroundings: as far as it needs to
 * see SMOOTH_PAIRS of them, so that one pair, which may stand for many across, does not say all. */
static void smooth(double *values, const uint64_t *seen, unsigned first)
{
  double means[KITH_SCORE_BINS] = {0};

  for (unsigned bin = first; bin < KITH_SCORE_BINS; bin++) {
    unsigned low = bin;
    unsigned high = bin;
    uint64_t n = seen[bin];
    double sum = 0;

    for (unsigned width = 1; n < SMOOTH_PAIRS && width <= SMOOTH_BINS; width++) {
      if (low > first)
        n += seen[--low];
      if (high + 1 < KITH_SCORE_BINS)
        n += seen[++high];
    }
    for (unsigned at = low; at <= high; at++)
      sum += values[at];
    means[bin] = sum / (high - low + 1);
  }
  for (unsigned bin = first; bin < KITH_SCORE_BINS; bin++)
    values[bin] = means[bin] > 0 ? means[bin] : 0;
}

static void count_seen(uint64_t *seen, const struct kith_score_counts *counts, unsigned evidence)
{
  memset(seen, 0, KITH_SCORE_BINS * sizeof *seen);
  for (unsigned p = 0; p < counts->n_parties; p++)
    for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++)
      seen[bin] += counts->within[p][evidence][bin];
}

/* expected[] false pairs among counts[] pairs, to probabilities. A trace of weight lets an empty
 * bin take its neighbours' value. */
static void to_probabilities(double *out, const uint64_t *counts, const double *expected)
{
  double weights[KITH_SCORE_BINS];

  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
    double n = (double)counts[bin];

    weights[bin] = n + 1e-6;
    out[bin] = n > 0 ? 1 - expected[bin] / n : 0;
  }
  make_monotone(out, weights, KITH_SCORE_BINS);
  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++)
    out[bin] = clamp(out[bin], 0, 1);
}

/* ---- where nothing is known to be a non-match: one party
 *
 * Non-matches fall off with similarity at least exponentially; how fast is read off at the bottom.
 */
static void extrapolate(double *expected, const uint64_t *counts)
{
  unsigned first = first_bin(counts);
  double low = 0;
  double high = 0;
  double fall;

  for (unsigned bin = first; bin < first + WINDOW_BINS && bin < KITH_SCORE_BINS; bin++)
    low += (double)counts[bin];
  for (unsigned bin = first + WINDOW_BINS; bin < first + 2 * WINDOW_BINS && bin < KITH_SCORE_BINS;
       bin++)
    high += (double)counts[bin];
  fall = clamp(log((low + 0.5) / (high + 0.5)) / WINDOW_BINS, fall_min, fall_max);
  memset(expected, 0, KITH_SCORE_BINS * sizeof *expected);
  for (unsigned bin = first; bin < KITH_SCORE_BINS; bin++)
    expected[bin] =
        low / WINDOW_BINS * exp(-fall * ((double)bin - first - ((double)WINDOW_BINS - 1) / 2));
  /* Of one party nobody is told apart at less than this, however few they are. */
  for (unsigned bin = first; bin < LEAST_BIN; bin++)
    expected[bin] = (double)counts[bin];
}

/* ---- several parties */

static double across_comparisons(const struct kith_score_counts *counts, unsigned evidence)
{
  double sum = 0; /* of whole numbers */

  for (unsigned p = 0; p < counts->n_parties; p++)
    for (unsigned q = p + 1; q < counts->n_parties; q++)
      sum += counts->comparisons[p][q][evidence];
  return sum;
}

/* How many pairs across one pair within party p stands for. */
static double party_weight(const struct kith_score_counts *counts, unsigned p, unsigned evidence)
{
  double own = counts->comparisons[p][p][evidence];
  double others = 0;
  double weight;

  for (unsigned q = 0; q < counts->n_parties; q++)
    if (q != p)
      others += counts->comparisons[p < q ? p : q][p < q ? q : p][evidence];
  weight = own > 0 ? others / 2 / own : 0;
  return weight < PARTY_WEIGHT_MAX ? weight : PARTY_WEIGHT_MAX;
}

/* H: the pairs within, as pairs across. False where the class has no comparison within. */
static bool weigh_within(double *out, const struct kith_score_counts *counts, unsigned evidence)
{
  double weights[KITH_SCORE_PARTIES] = {0};
  double parts[KITH_SCORE_PARTIES] = {0};
  double covered;
  double scale;

  for (unsigned p = 0; p < counts->n_parties; p++) {
    weights[p] = party_weight(counts, p, evidence);
    parts[p] = weights[p] * counts->comparisons[p][p][evidence];
  }
  covered = sum_of(parts, counts->n_parties);
  if (covered <= 0)
    return false;
  scale = across_comparisons(counts, evidence) / covered;
  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
    for (unsigned p = 0; p < counts->n_parties; p++)
      parts[p] = weights[p] * (double)counts->within[p][evidence][bin];
    out[bin] = scale * sum_of(parts, counts->n_parties);
  }
  return true;
}

/* Parties are no random parts of one population: at the bottom, where there are hardly any matches,
 * the pairs across say how far H is off. */
static double anchor_of(const struct kith_score_counts *counts, unsigned evidence,
                        const double *weighted)
{
  unsigned first = first_bin(counts->across[evidence]);
  double across = 0;
  double expected = 0;
  double seen = 0;

  for (unsigned bin = first; bin < first + ANCHOR_BINS && bin < KITH_SCORE_BINS; bin++) {
    across += (double)counts->across[evidence][bin];
    expected += weighted[bin];
    for (unsigned p = 0; p < counts->n_parties; p++)
      seen += (double)counts->within[p][evidence][bin];
  }
  return seen >= ANCHOR_PAIRS_MIN && expected > 0 ? clamp(across / expected, anchor_min, anchor_max)
                                                  : 1;
}

/* The least H / h_x over cut-offs from the top down, in the class that has most evidence. */
static double find_duplicate_ratio(const struct kith_score_counts *counts,
                                   double weighted[KITH_SCORE_CLASSES][KITH_SCORE_BINS])
{
  for (unsigned evidence = 0; evidence < KITH_SCORE_CLASSES; evidence++) {
    double across = 0;
    double within = 0;
    double least = 1;

    for (unsigned bin = KITH_SCORE_BINS; bin-- > 0;) {
      across += (double)counts->across[evidence][bin];
      within += weighted[evidence][bin];
      if (across >= RATIO_PAIRS_MIN && within / across < least)
        least = within / across;
    }
    if (across >= RATIO_PAIRS_MIN)
      return least < duplicate_ratio_max ? least : 0;
  }
  return 0;
}

void kith_score_learn(struct kith_score *out, const struct kith_score_counts *counts,
                      double duplicate_ratio)
{
  double weighted[KITH_SCORE_CLASSES][KITH_SCORE_BINS] = {{0}};
  bool usable[KITH_SCORE_CLASSES];
  double ratio = duplicate_ratio;

  for (unsigned evidence = 0; evidence < KITH_SCORE_CLASSES; evidence++) {
    usable[evidence] = weigh_within(weighted[evidence], counts, evidence);
    out->comparisons[evidence] = across_comparisons(counts, evidence);
  }
  if (ratio < 0)
    ratio = find_duplicate_ratio(counts, weighted);
  out->duplicate_ratio = ratio;
  for (unsigned evidence = 0; evidence < KITH_SCORE_CLASSES; evidence++) {
    double *expected = out->false_pairs[evidence];
    double anchor = anchor_of(counts, evidence, weighted[evidence]);
    unsigned first = first_bin(counts->across[evidence]);
    uint64_t seen[KITH_SCORE_BINS];

    count_seen(seen, counts, evidence);
    if (!usable[evidence])
      extrapolate(expected, counts->across[evidence]);
    for (unsigned bin = 0; usable[evidence] && bin < KITH_SCORE_BINS; bin++) {
      double h = anchor * weighted[evidence][bin] - ratio * (double)counts->unlinked[evidence][bin];

      expected[bin] = h / (1 - ratio);
    }
    if (usable[evidence])
      smooth(expected, seen, first);
    to_probabilities(out->across[evidence], counts->across[evidence], expected);
  }
}

/* ---- duplicates */

/* True pairs across of a class at a bin. */
static double matches_at(const struct kith_score *score, const struct kith_score_counts *counts,
                         unsigned evidence, unsigned bin)
{
  return score->across[evidence][bin] * (double)counts->across[evidence][bin];
}

/* Pairs within party p that are duplicates, for one true pair across: counted where matches are
 * sure. */
static double party_duplicates(const struct kith_score *score,
                               const struct kith_score_counts *counts, unsigned p)
{
  double scale =
      score->comparisons[0] > 0 ? counts->comparisons[p][p][0] / score->comparisons[0] : 0;
  double matches = 0;
  double within = 0;

  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
    if (score->across[0][bin] < sure)
      continue;
    matches += matches_at(score, counts, 0, bin);
    within += (double)counts->within[p][0][bin] - scale * score->false_pairs[0][bin];
  }
  return within > 0 && matches > 0 ? within / matches : 0;
}

/* A pair is a duplicate as far as duplicates account for the pairs that are foretold at its
 * similarity from all parties; or for half of those that are surely more in its own (two standard
 * deviations): twins are not everywhere alike many. */
static void learn_party(struct kith_score *score, const struct kith_score_counts *counts,
                        unsigned p, unsigned evidence)
{
  double ratio = party_duplicates(score, counts, p);
  double *out = score->within[p][evidence];
  double weights[KITH_SCORE_BINS];
  double scale = score->comparisons[evidence] > 0
                     ? counts->comparisons[p][p][evidence] / score->comparisons[evidence]
                     : 0;

  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
    unsigned low = bin > NEAR_BINS ? bin - NEAR_BINS : 0;
    double duplicates = 0;
    double foretold = 0;
    double seen = 0;

    for (unsigned at = low; at <= bin + NEAR_BINS && at < KITH_SCORE_BINS; at++) {
      duplicates += ratio * matches_at(score, counts, evidence, at);
      foretold += scale * score->false_pairs[evidence][at];
      seen += (double)counts->within[p][evidence][at];
    }
    foretold += duplicates;
    seen = (seen - 2 * sqrt(seen)) / 2;
    out[bin] = duplicates > 0 ? duplicates / (seen > foretold ? seen : foretold) : 0;
    weights[bin] = foretold + 1e-6;
  }
  make_monotone(out, weights, KITH_SCORE_BINS);
}

void kith_score_learn_within(struct kith_score *score, const struct kith_score_counts *counts)
{
  for (unsigned p = 0; p < counts->n_parties; p++)
    for (unsigned evidence = 0; evidence < KITH_SCORE_CLASSES; evidence++) {
      double expected[KITH_SCORE_BINS] = {0};

      if (counts->n_parties > 1) {
        learn_party(score, counts, p, evidence);
        continue;
      }
      extrapolate(expected, counts->within[p][evidence]);
      to_probabilities(score->within[p][evidence], counts->within[p][evidence], expected);
    }
}

static uint32_t ppm(double probability)
{
  return (uint32_t)lrint(clamp(probability, 0, 1) * KITH_PPM);
}

uint32_t kith_score_across(const struct kith_score *score, unsigned evidence,
                           uint32_t similarity_ppm)
{
  return ppm(score->across[evidence][kith_score_bin(similarity_ppm)]);
}

uint32_t kith_score_within(const struct kith_score *score, unsigned party, unsigned evidence,
                           uint32_t similarity_ppm)
{
  return ppm(score->within[party][evidence][kith_score_bin(similarity_ppm)]);
}
