#include "matcher/linkage/score.h"

#include <math.h>
#include <string.h>

#include "matcher/linkage/linkage.h"

enum {
  RATIO_PAIRS_MIN = 50, /* a cut-off with fewer pairs across tells nothing of the ratio */
  VALLEY_HALF_WIDTH = 2
};

unsigned kith_score_bin(uint32_t similarity_ppm)
{
  unsigned bin = similarity_ppm / (KITH_PPM / KITH_SCORE_BINS);

  return bin < KITH_SCORE_BINS ? bin : KITH_SCORE_BINS - 1;
}

/* The least h_w / h_x over cut-offs from the top down, as far as it stays below what pure non-matches
 * would show. */
static double duplicate_ratio(const struct kith_score_counts *counts)
{
  double ceiling = counts->within_comparisons / counts->across_comparisons;
  double across = 0;
  double within = 0;
  double least = ceiling;

  for (unsigned bin = KITH_SCORE_BINS; bin-- > 0;) {
    across += (double)counts->across[bin];
    within += (double)counts->within[bin];
    if (across >= RATIO_PAIRS_MIN && within / across < least)
      least = within / across;
  }
  return least < ceiling ? least : 0;
}

/* Pool adjacent violators: the nearest sequence that never falls, weighted. */
static void make_monotone(double *values, const double *weights)
{
  double sums[KITH_SCORE_BINS];
  double totals[KITH_SCORE_BINS];
  unsigned sizes[KITH_SCORE_BINS];
  unsigned n = 0;
  unsigned at = 0;

  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
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

static double clamp(double value)
{
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/* expected[] false pairs among counts[] pairs, to probabilities. Half a pair that might be either is put
 * into every bin, so that an empty one takes its neighbours' value and a full one its own. */
static void to_probabilities(double *out, const uint64_t *counts, const double *expected)
{
  double weights[KITH_SCORE_BINS];

  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
    double n = (double)counts[bin];

    weights[bin] = n + 1e-6;
    out[bin] = n > 0 ? clamp(1 - expected[bin] / n) : 0;
  }
  make_monotone(out, weights);
}

/* ---- one party: nothing within it is known to be a non-match --------------------------------------
 *
 * Non-matches fall off roughly exponentially with similarity; the fall is read off below the valley
 * between the two humps and carried on above it. */
static void extrapolate(double *expected, const uint64_t *counts)
{
  double smooth[KITH_SCORE_BINS];
  unsigned first = 0;
  unsigned valley;
  unsigned middle;
  double low;
  double high;
  double fall;

  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
    double sum = 0;
    double n = 0;

    for (int k = -VALLEY_HALF_WIDTH; k <= VALLEY_HALF_WIDTH; k++)
      if ((int)bin + k >= 0 && (int)bin + k < KITH_SCORE_BINS) {
        sum += (double)counts[(int)bin + k];
        n++;
      }
    smooth[bin] = sum / n;
  }
  while (first < KITH_SCORE_BINS && !counts[first])
    first++;
  valley = first;
  for (unsigned bin = first; bin < KITH_SCORE_BINS; bin++)
    if (smooth[bin] < smooth[valley])
      valley = bin;
  memset(expected, 0, KITH_SCORE_BINS * sizeof *expected);
  if (valley < first + 4) /* no fall to be seen: what is here are matches */
    return;
  middle = first + (valley - first) / 2;
  low = high = 0;
  for (unsigned bin = first; bin < valley; bin++) {
    if (bin < middle)
      low += (double)counts[bin] / (middle - first);
    else
      high += (double)counts[bin] / (valley - middle);
  }
  fall = log((low + 0.5) / (high + 0.5)) / ((double)(valley - first) / 2);
  fall = fall > 0.01 ? fall : 0.01;
  for (unsigned bin = first; bin < KITH_SCORE_BINS; bin++)
    expected[bin] = bin < valley ? (double)counts[bin]
                                 : smooth[valley] * exp(-fall * (double)(bin - valley));
}

void kith_score_learn(struct kith_score *out, const struct kith_score_counts *counts)
{
  double expected[KITH_SCORE_BINS];
  double expected_within[KITH_SCORE_BINS];
  double scale;
  double r;

  memset(out, 0, sizeof *out);
  if (counts->across_comparisons <= 0 || counts->within_comparisons <= 0) {
    const uint64_t *only = counts->across_comparisons > 0 ? counts->across : counts->within;

    extrapolate(expected, only);
    to_probabilities(counts->across_comparisons > 0 ? out->across : out->within, only, expected);
    return;
  }
  r = duplicate_ratio(counts);
  scale = counts->across_comparisons /
          (counts->within_comparisons - r * counts->across_comparisons);
  for (unsigned bin = 0; bin < KITH_SCORE_BINS; bin++) {
    double across = (double)counts->across[bin];
    double within = (double)counts->within[bin];
    double non_matches = within - r * across;

    expected[bin] = non_matches > 0 ? non_matches * scale : 0;
    /* Duplicates are to matches as r: the rest inside a party are others who are alike. */
    expected_within[bin] = within - clamp((across - expected[bin]) / (across + 1e-9)) * across * r;
  }
  out->duplicate_ratio = r;
  to_probabilities(out->across, counts->across, expected);
  to_probabilities(out->within, counts->within, expected_within);
}

static uint32_t ppm(double probability)
{
  return (uint32_t)lrint(clamp(probability) * KITH_PPM);
}

uint32_t kith_score_across(const struct kith_score *score, uint32_t similarity_ppm)
{
  return ppm(score->across[kith_score_bin(similarity_ppm)]);
}

uint32_t kith_score_within(const struct kith_score *score, uint32_t similarity_ppm)
{
  return ppm(score->within[kith_score_bin(similarity_ppm)]);
}
