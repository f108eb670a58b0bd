/* From cells of distances to match probabilities, without labels. Private to matcher/linkage/.
 *
 * With h(c) the pairs across in a cell c and F(c) those that the agencies' histograms foretell to
 * be false: the weight of a cell is the sum over fields (and the number of match keys) of log(m /
 * u), m from h - F, u from F; over bins of weight a pair is a match with probability 1 - F / h,
 * made monotone. Life: zero bytes, init, learn, free. */
#ifndef KITH_MATCHER_LINKAGE_BLIND_SCORE_H
#define KITH_MATCHER_LINKAGE_BLIND_SCORE_H

#include "matcher/linkage/bins.h"
#include "matcher/linkage/blind.h"

/* Pairs of a cell, across two parties. */
struct kith_blind_cells {
  size_t n;
  uint32_t *cells;     /* owned; rising, of all parties */
  double *across;      /* owned; pairs of this cell */
  double *expected;    /* owned; false pairs of it, foretold */
  double *probability; /* owned */
  int32_t *weight;     /* owned */
};

/* What two parties' histograms foretell, in pairs: count x scale. */
struct kith_blind_foretold {
  const struct kith_blind_histogram *histograms[2];
  double scale;
};

KITH_MUST_USE enum kith_err kith_blind_cells_init(struct kith_blind_cells *cells,
                                                  const uint32_t *pairs, size_t n_pairs,
                                                  const struct kith_blind_foretold *foretold,
                                                  size_t n_foretold);
void kith_blind_cells_free(struct kith_blind_cells *cells);
/* The place of a cell that is there. */
size_t kith_blind_cells_at(const struct kith_blind_cells *cells, uint32_t cell);

/* Sets weight and probability of each cell. */
void kith_blind_score_learn(struct kith_blind_cells *cells, unsigned n_fields);
/* The same weights, other counts: probabilities alone, into out[n]. */
void kith_blind_score_apply(double *out, const struct kith_blind_cells *cells, const double *across,
                            const double *expected);

#endif
