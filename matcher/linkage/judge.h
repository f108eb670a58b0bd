/* What each candidate pair is worth: probabilities from the bits of both rows, learnt from all of
 * the pairs. Private to matcher/linkage/.
 *
 * The first weights are the similarities themselves. From weights come probabilities (score.h), in
 * three passes: duplicates inside parties are allowed for by their share, and the pairs are
 * clustered; what clustering took for duplicates is taken out of the pairs within, and the rest
 * learnt again; pairs that could still be links (their clusters have no party in common) get a
 * probability of their own: a person who was found in a party already has no second record to be
 * found there. Then likely matches teach what each bit is worth (weights.h); the weights of all
 * pairs follow, and the second and third pass again; then what each row's neighbours take off its
 * weights (crowd.h), and the passes again; and so once more.
 *
 * Life: zero bytes, init, learn, free. */
#ifndef KITH_MATCHER_LINKAGE_JUDGE_H
#define KITH_MATCHER_LINKAGE_JUDGE_H

#include "matcher/linkage/coverage.h"
#include "matcher/linkage/crowd.h"
#include "matcher/linkage/score.h"
#include "matcher/linkage/weights.h"

struct kith_judge {
  const struct kith_linkage_input *input;
  struct kith_classes classes;
  /* People are not known to parties just once: one party, or all are full of duplicates. */
  bool loose;
  /* Pairs that are no candidates say nothing: nobody compared them (blind.h). */
  bool sparse;
  struct kith_weights weights; /* empty while similarities stand for them */
  struct kith_crowd crowd;     /* empty until there are weights */
  int32_t low;                 /* the range of weights */
  int32_t high;
  double duplicates[KITH_BIN_PARTIES]; /* r of each party: yardstick.h */
  struct kith_score score;
  struct kith_score open;
  int32_t even[KITH_CLASSES]; /* the weight of an even chance */
  int32_t slack;              /* how far below it a cluster may be on average */
  int32_t further;            /* so much less, where it has more than two records: further.h */
  struct kith_coverage coverage;
};

KITH_MUST_USE enum kith_err kith_judge_init(struct kith_judge *judge,
                                            const struct kith_linkage_input *input);
void kith_judge_free(struct kith_judge *judge);

/* Sets class, weight and probability of each of the result's pairs. Leaves clusters of no meaning
 * behind. */
KITH_MUST_USE enum kith_err kith_judge_learn(struct kith_judge *judge,
                                             struct kith_linkage_result *result);
/* The same for a pair that was no candidate; it has its similarity. */
void kith_judge_pair(const struct kith_judge *judge, struct kith_linkage_pair *pair);
/* True pairs across (of one party, inside it), seen or not: matches by weight, where likely ones
 * are sure; further down as many as the probabilities say, but never more than above. */
double kith_judge_true_pairs(const struct kith_judge *judge,
                             const struct kith_linkage_result *result);
/* How far the weight of a pair that was judged is above the least that may hold a cluster together
 * on average; `further`: one of more than two records. */
int32_t kith_judge_margin(const struct kith_judge *judge, const struct kith_linkage_pair *pair,
                          bool further);

#endif
