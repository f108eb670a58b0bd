/* From similarity to match probability, without labels.
 *
 * Pairs within a party have the siblings, twins and namesakes that pairs across have, and no matches but
 * the party's own duplicates. With h_x(s), h_w(s) the numbers of pairs across and within at similarity s,
 * N_x, N_w the comparisons made, f0 the density of non-matches and f1 that of matches:
 *
 *     h_x = N_x f0 + M f1         h_w = N_w f0 + D f1
 *
 * At the very top there are hardly any non-matches, so r = D / M is the least h_w / h_x over cut-offs there;
 * f0 = (h_w - r h_x) / (N_w - r N_x); and a pair at s is a match with probability 1 - N_x f0 / h_x, made
 * monotone. docs/linkage.md has the derivation and how well it foretells. */
#ifndef KITH_MATCHER_LINKAGE_SCORE_H
#define KITH_MATCHER_LINKAGE_SCORE_H

#include <stdint.h>

enum { KITH_SCORE_BINS = 200 }; /* of half a hundredth */

struct kith_score_counts {
  uint64_t across[KITH_SCORE_BINS];
  uint64_t within[KITH_SCORE_BINS];
  double across_comparisons;
  double within_comparisons;
};

struct kith_score {
  double across[KITH_SCORE_BINS]; /* match probability of a pair across, by bin */
  double within[KITH_SCORE_BINS]; /* of a pair inside a party: duplicates */
  double duplicate_ratio;         /* r */
};

unsigned kith_score_bin(uint32_t similarity_ppm);
void kith_score_learn(struct kith_score *out, const struct kith_score_counts *counts);
/* Probability in ppm. */
uint32_t kith_score_across(const struct kith_score *score, uint32_t similarity_ppm);
uint32_t kith_score_within(const struct kith_score *score, uint32_t similarity_ppm);

#endif
