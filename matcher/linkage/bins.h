/* Pairs by class of evidence and bin of weight: what probabilities are learnt from, and how.
 * Private to matcher/linkage/. */
#ifndef KITH_MATCHER_LINKAGE_BINS_H
#define KITH_MATCHER_LINKAGE_BINS_H

#include <stdint.h>

#include "matcher/linkage/evidence.h"

enum { KITH_BINS = 200, KITH_BIN_PARTIES = KITH_LINKAGE_PARTIES_MAX };

struct kith_bins {
  unsigned n_parties;
  double matches_max;                       /* across: there are surely no more */
  uint64_t across[KITH_CLASSES][KITH_BINS]; /* pairs across parties */
  /* Those that involve a party and are not in one cluster. */
  uint64_t unlinked[KITH_BIN_PARTIES][KITH_CLASSES][KITH_BINS];
  /* Pairs inside a party that are not in one cluster. */
  uint64_t within[KITH_BIN_PARTIES][KITH_CLASSES][KITH_BINS];
  /* Pairs (across; of one party, inside it) so near the candidate bound that others like them were
   * cut off. */
  uint64_t near_bound[KITH_CLASSES][KITH_BINS];
  /* Comparisons [p][q][class], p <= q; where p < q only those that could be links. The levels that
   * a comparison can have share it. */
  double comparisons[KITH_BIN_PARTIES][KITH_BIN_PARTIES][KITH_CLASSES];
};

/* Pool adjacent violators: part / total of each bin, as a sequence that never falls, in [0, 1].
 * What an empty bin is short of its neighbours must make up for. */
void kith_bins_make_monotone(double out[KITH_BINS], const double parts[KITH_BINS],
                             const double totals[KITH_BINS]);
/* expected[] false pairs among counts[] pairs, to probabilities of a match that never fall. */
void kith_bins_probabilities(double out[KITH_BINS], const uint64_t counts[KITH_BINS],
                             const double expected[KITH_BINS]);
/* The expected false pairs where nothing is known to be a non-match (tail.c). */
void kith_bins_extrapolate(double expected[KITH_BINS], const uint64_t counts[KITH_BINS],
                           const uint64_t near_bound[KITH_BINS]);
/* All matches, where bins of counts[] pairs have matches[] (ppm) of them: of most kinds of errors
 * there are fewer the worse they are, so below where nearly all pairs are matches each stretch of
 * bins has no more than the one above it. In ppm. */
double kith_bins_matches(const uint64_t counts[KITH_BINS], const uint64_t matches[KITH_BINS]);
/* The sum of values[0..n), which it sorts: the smallest is added first, so that their order (of
 * parties, say) does not show in the last bit. */
double kith_bins_sum(double *values, unsigned n);
/* The lowest bin that holds anything; the last, where none does. */
unsigned kith_bins_first(const uint64_t counts[KITH_BINS]);

static inline double kith_clamp(double value, double least, double most)
{
  return value < least ? least : value > most ? most : value;
}

#endif
