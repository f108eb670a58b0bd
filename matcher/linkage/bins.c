#include "matcher/linkage/bins.h"

#include <stdlib.h>

enum {
  STRETCH_BINS = KITH_BINS / 20,
  NEARLY_ALL = 800000 /* ppm of a bin's pairs */
};
/* Of an empty bin, so that it takes its neighbours' value. */
static const double trace = 1e-6;

unsigned kith_bins_first(const uint64_t counts[KITH_BINS])
{
  unsigned bin = 0;

  while (bin + 1 < KITH_BINS && !counts[bin])
    bin++;
  return bin;
}

void kith_bins_make_monotone(double out[KITH_BINS], const double parts[KITH_BINS],
                             const double totals[KITH_BINS])
{
  double part[KITH_BINS];
  double total[KITH_BINS];
  unsigned sizes[KITH_BINS];
  unsigned n = 0;
  unsigned at = 0;

  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    part[n] = parts[bin];
    total[n] = totals[bin] + trace;
    sizes[n++] = 1;
    while (n > 1 && part[n - 2] * total[n - 1] > part[n - 1] * total[n - 2]) {
      part[n - 2] += part[n - 1];
      total[n - 2] += total[n - 1];
      sizes[n - 2] += sizes[n - 1];
      n--;
    }
  }
  for (unsigned i = 0; i < n; i++)
    for (unsigned k = 0; k < sizes[i]; k++)
      out[at++] = kith_clamp(part[i] / total[i], 0, 1);
}

void kith_bins_probabilities(double out[KITH_BINS], const uint64_t counts[KITH_BINS],
                             const double expected[KITH_BINS])
{
  double true_pairs[KITH_BINS];
  double pairs[KITH_BINS];

  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    pairs[bin] = (double)counts[bin];
    true_pairs[bin] = pairs[bin] - expected[bin];
  }
  kith_bins_make_monotone(out, true_pairs, pairs);
}

double kith_bins_matches(const uint64_t counts[KITH_BINS], const uint64_t matches[KITH_BINS])
{
  unsigned first = KITH_BINS; /* of the bins where nearly all are matches */
  double sum = 0;
  double most = 0;

  while (first > 0 && matches[first - 1] >= counts[first - 1] * NEARLY_ALL)
    first--;
  for (unsigned bin = first; bin < KITH_BINS; bin++) {
    sum += (double)matches[bin];
    most += bin < first + STRETCH_BINS ? (double)matches[bin] : 0;
  }
  for (unsigned end = first; end > 0; end = end > STRETCH_BINS ? end - STRETCH_BINS : 0) {
    double stretch = 0;

    for (unsigned bin = end > STRETCH_BINS ? end - STRETCH_BINS : 0; bin < end; bin++)
      stretch += (double)matches[bin];
    most = stretch < most ? stretch : most;
    sum += most;
  }
  return sum;
}

static int compare_doubles(const void *left, const void *right)
{
  const double *a = left;
  const double *b = right;

  return (*a > *b) - (*a < *b);
}

double kith_bins_sum(double *values, unsigned n)
{
  double sum = 0;

  qsort(values, n, sizeof *values, compare_doubles);
  for (unsigned i = 0; i < n; i++)
    sum += values[i];
  return sum;
}
