/* From similarity to match probability, without labels.
 *
 * Pairs within a party have the siblings, twins and namesakes that pairs across have, and no
 * matches but the party's own duplicates. For each class of evidence (how much of a record the two
 * sides share) and each bin of similarity s, with h_x(s) the number of pairs across and H(s) that
 * of pairs within, weighted so that each party stands for the comparisons it takes part in:
 *
 *     H = F + R T,   h_x = F + T     so that F = (H - R h_x) / (1 - R)
 *
 * F are the false pairs, T the true ones, R the duplicates within for one true pair across: at the
 * very top there are hardly any false pairs, so R is the least H / h_x over cut-offs there. Once
 * clusters are there, duplicates that were found are taken out of H, and links out of the h_x that
 * R stands with. A pair at s is a match with probability 1 - F / h_x, made monotone.
 * docs/linkage.md has the derivation. */
#ifndef KITH_MATCHER_LINKAGE_SCORE_H
#define KITH_MATCHER_LINKAGE_SCORE_H

#include <stdint.h>

#include "matcher/linkage/linkage.h"

enum {
  KITH_SCORE_BINS = 200,  /* of half a hundredth */
  KITH_SCORE_CLASSES = 3, /* of evidence: nearly all fields on both sides, most, few */
  KITH_SCORE_PARTIES = KITH_LINKAGE_PARTIES_MAX
};

struct kith_score_counts {
  unsigned n_parties;
  uint64_t across[KITH_SCORE_CLASSES][KITH_SCORE_BINS];   /* pairs across parties */
  uint64_t unlinked[KITH_SCORE_CLASSES][KITH_SCORE_BINS]; /* those that are not in one cluster */
  /* Pairs inside a party that are not in one cluster. */
  uint64_t within[KITH_SCORE_PARTIES][KITH_SCORE_CLASSES][KITH_SCORE_BINS];
  /* Comparisons [p][q][class], p <= q; where p < q only those that could be links (open). */
  double comparisons[KITH_SCORE_PARTIES][KITH_SCORE_PARTIES][KITH_SCORE_CLASSES];
};

struct kith_score {
  double across[KITH_SCORE_CLASSES][KITH_SCORE_BINS];      /* match probability of a pair across */
  double false_pairs[KITH_SCORE_CLASSES][KITH_SCORE_BINS]; /* expected among those counted */
  double within[KITH_SCORE_PARTIES][KITH_SCORE_CLASSES][KITH_SCORE_BINS]; /* of a pair inside one */
  double comparisons[KITH_SCORE_CLASSES];                                 /* across */
  double duplicate_ratio;                                                 /* R */
};

unsigned kith_score_bin(uint32_t similarity_ppm);
/* `duplicate_ratio` below 0: to be found, from counts of which nothing is in a cluster yet. */
void kith_score_learn(struct kith_score *out, const struct kith_score_counts *counts,
                      double duplicate_ratio);
/* The probabilities of pairs inside parties, from a score learnt over all pairs across and counts
 * of which nothing is in a cluster. With one party it is all there is. */
void kith_score_learn_within(struct kith_score *score, const struct kith_score_counts *counts);
/* Probabilities in ppm. */
uint32_t kith_score_across(const struct kith_score *score, unsigned evidence,
                           uint32_t similarity_ppm);
uint32_t kith_score_within(const struct kith_score *score, unsigned party, unsigned evidence,
                           uint32_t similarity_ppm);

#endif
