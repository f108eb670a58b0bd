/* Whether people have more than two records. Private to matcher/linkage/.
 *
 * Where nobody is known just once, a record that has a partner may have another. In some files that
 * is as good as certain, in others a person who stands there twice is rare and one who stands there
 * three times was never seen; then a third record that is like one of two is a namesake of theirs.
 * The likely matches say which: two matches of one record, of which the other ends match, too, are
 * a person of three records; where they don't, one of both is false. */
#ifndef KITH_MATCHER_LINKAGE_FURTHER_H
#define KITH_MATCHER_LINKAGE_FURTHER_H

#include "matcher/linkage/linkage.h"

/* *out, at most 0: log of the number of further partners of a record that has one, for one partner
 * of a record of which nothing is known. Pairs of that probability (ppm) and more are matches. */
KITH_MUST_USE enum kith_err kith_further_log(double *out, const struct kith_linkage_input *input,
                                             const struct kith_linkage_pair *pairs, size_t n_pairs,
                                             uint32_t likely);

#endif
