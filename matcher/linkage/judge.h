/* What each candidate pair is worth: probabilities from similarities, learnt from all of them in
 * three passes. Private to matcher/linkage/.
 *
 * First, duplicates inside parties are allowed for by their share; the pairs are clustered. Second,
 * what clustering took for duplicates is taken out of the pairs within, and the rest learnt again.
 * Third, pairs that could still be links (their clusters have no party in common) get a probability
 * of their own: a person who was found in a party already has no second record to be found there.
 *
 * Life: zero bytes, init, learn, free. */
#ifndef KITH_MATCHER_LINKAGE_JUDGE_H
#define KITH_MATCHER_LINKAGE_JUDGE_H

#include "matcher/linkage/linkage.h"
#include "matcher/linkage/score.h"

struct kith_judge {
  const struct kith_linkage_input *input;
  bool masked;
  uint8_t *evidence; /* owned; by the mask of fields on both sides: class + 1, 0: too little */
  struct kith_score score;
  struct kith_score open;
};

/* The first of two probabilities that make a pair a link while learning, in ppm. */
enum { KITH_LEARNING_THRESHOLD = 500000 };

KITH_MUST_USE enum kith_err kith_judge_init(struct kith_judge *judge,
                                            const struct kith_linkage_input *input);
void kith_judge_free(struct kith_judge *judge);

/* Whether the two rows share the policy's minimum evidence: a name, and a date of birth or a
 * postcode. Fields that the policy does not encode can't be asked for. */
bool kith_judge_has_evidence(const struct kith_judge *judge, unsigned party_a, uint32_t row_a,
                             unsigned party_b, uint32_t row_b);

/* Sets the probability of each of the result's pairs. Leaves clusters of no meaning behind. */
KITH_MUST_USE enum kith_err kith_judge_learn(struct kith_judge *judge,
                                             struct kith_linkage_result *result);
/* The same for a pair that was no candidate: ppm. */
uint32_t kith_judge_probability(const struct kith_judge *judge,
                                const struct kith_linkage_pair *pair);

#endif
