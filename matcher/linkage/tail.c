/* Where only one party tells of non-matches, or none does: they fall off with weight, faster and
 * faster. From where the candidate bound cuts nothing off, the pairs are followed upward as long as
 * they fall steeply; where they stop to, matches begin, and the last fall is carried on. */
#include <math.h>

#include "matcher/linkage/bins.h"

enum {
  WINDOW_BINS = 5,
  FALL_WINDOWS = 4,        /* that the fall is measured over */
  WINDOW_PAIRS_MIN = 20,   /* to be followed */
  VALLEY_MATCHES_MIN = 20, /* fewer show no valley */
  VALLEY_WINDOW_PAIRS = 20
};
/* Of the pairs per bin, in natural logarithms. */
static const double fall_min = 0.03;
static const double fall_usual = 0.1;
static const double fall_max = 0.2;
static const double near_share_max = 0.1;
/* So many times the pairs in the valley there may be matches in a bin below it: kinds of errors
 * make valleys of their own. */
static const double valley_margin = 1.33;

static double window_sum(const uint64_t *counts, unsigned from)
{
  double sum = 0;

  for (unsigned bin = from; bin < from + WINDOW_BINS && bin < KITH_BINS; bin++)
    sum += (double)counts[bin];
  return sum;
}

/* Above where most pairs are that are near the bound, the first bin that hardly has one. */
static unsigned uncut_bin(const uint64_t *counts, const uint64_t *near_bound)
{
  unsigned bin = kith_bins_first(counts);

  for (unsigned at = bin; at < KITH_BINS; at++)
    if (window_sum(near_bound, at) > window_sum(near_bound, bin))
      bin = at;
  while (bin + WINDOW_BINS < KITH_BINS &&
         window_sum(near_bound, bin) > near_share_max * window_sum(counts, bin))
    bin++;
  return bin;
}

/* The fall per bin from one window to the one `windows` on. */
static double fall_between(const uint64_t *counts, unsigned at, unsigned windows)
{
  unsigned bins = windows * WINDOW_BINS;

  return log((window_sum(counts, at) + 0.5) / (window_sum(counts, at + bins) + 0.5)) / bins;
}

/* Where the steep part that begins at `start` ends. */
static unsigned steep_end(const uint64_t *counts, unsigned start)
{
  unsigned end = start;
  double steepest = 0;

  for (unsigned at = start; at + 2 * WINDOW_BINS <= KITH_BINS; at += WINDOW_BINS) {
    double fall = fall_between(counts, at, 1);

    if (window_sum(counts, at) < WINDOW_PAIRS_MIN || fall < fall_min)
      break;
    steepest = fall > steepest ? fall : steepest;
    if (fall >= steepest / 2)
      end = at + WINDOW_BINS;
  }
  return end;
}

/* The bin from which on the upper quarter of the pairs lies that are above what is expected; *sum:
 * all of these. */
static unsigned upper_quarter(const uint64_t *counts, const double *expected, double *sum)
{
  unsigned bin = KITH_BINS;
  double above = 0;

  *sum = 0;
  for (unsigned at = 0; at < KITH_BINS; at++)
    *sum += fmax((double)counts[at] - expected[at], 0);
  while (bin > 0 && above < *sum / 4)
    bin--, above += fmax((double)counts[bin] - expected[bin], 0);
  return bin;
}

/* Mean of the pairs in `width` bins, of which `bin` is the first (or as near to it as there are so
 * many). */
static double mean_from(const uint64_t *counts, unsigned bin, unsigned width)
{
  double sum = 0;

  bin = bin + width > KITH_BINS ? KITH_BINS - width : bin;
  for (unsigned at = bin; at < bin + width; at++)
    sum += (double)counts[at];
  return sum / width;
}

/* The first bin of the first valley: of the windows of `width` bins from `end` on, the lowest
 * before one that is surely higher (two standard deviations), or before `top`. */
static unsigned find_valley(const uint64_t *counts, unsigned end, unsigned top, unsigned width)
{
  unsigned valley = end;
  double lowest = mean_from(counts, end, width) * width;

  for (unsigned bin = end; bin < top; bin++) {
    double sum = mean_from(counts, bin, width) * width;

    if (sum < lowest) {
      valley = bin;
      lowest = sum;
    } else if (bin >= valley + width && sum - lowest > 2 * sqrt(sum + lowest)) {
      break;
    }
  }
  return valley;
}

/* Matches get rarer downward from where most of them are, so below the first valley there are in no
 * bin more of them than pairs in the valley: what is more is false. False pairs never grow in
 * number upward. */
static void respect_valley(double *expected, const uint64_t *counts, unsigned end)
{
  double matches;
  unsigned top = upper_quarter(counts, expected, &matches);
  unsigned width = WINDOW_BINS;
  unsigned valley;
  double least;
  double most = HUGE_VAL;

  if (matches < VALLEY_MATCHES_MIN || end >= top)
    return;
  while (width < KITH_BINS / 5 && matches * width < VALLEY_WINDOW_PAIRS * (KITH_BINS - end))
    width++;
  valley = find_valley(counts, end, top, width);
  least = valley_margin * mean_from(counts, valley, width);
  for (unsigned bin = end; bin < KITH_BINS; bin++) {
    unsigned from = bin > WINDOW_BINS / 2 ? bin - WINDOW_BINS / 2 : 0;

    if (bin < valley + width)
      expected[bin] = fmax(expected[bin], mean_from(counts, from, WINDOW_BINS) - least);
    most = expected[bin] = fmin(expected[bin], most);
  }
}

void kith_bins_extrapolate(double expected[KITH_BINS], const uint64_t counts[KITH_BINS],
                           const uint64_t near_bound[KITH_BINS])
{
  unsigned start = uncut_bin(counts, near_bound);
  unsigned end = steep_end(counts, start);
  unsigned windows = (end - start) / WINDOW_BINS;
  double fall = fall_usual;

  windows = windows < FALL_WINDOWS ? windows : FALL_WINDOWS;
  if (windows > 0)
    fall = fall_between(counts, end - windows * WINDOW_BINS, windows);
  fall = kith_clamp(fall, fall_min, fall_max);
  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    expected[bin] = bin < end
                        ? (double)counts[bin]
                        : window_sum(counts, end) / WINDOW_BINS *
                              exp(-fall * ((double)bin - end - ((double)WINDOW_BINS - 1) / 2));
  respect_valley(expected, counts, end);
}
