/* Matching two dense similarity matrices of the same people in different orders: what encodings
 * show, and what a list in the clear gives.
 *
 * Landmarks: a record's features are its similarities to the pairs held for sure, on each side to
 * its own half of the pair, standardised by landmark. An assignment by the features' correlation
 * gives more pairs; those with the widest lead become landmarks of the next round. Without known
 * pairs the first assignment goes by the distribution of a record's similarities, sorted. Nothing
 * is floored or dropped: weak similarities are most of the evidence. */
#ifndef KITH_CLI_ATTACK_DENSE_H
#define KITH_CLI_ATTACK_DENSE_H

#include <stdint.h>

#include "base/err.h"

#define KITH_ATTACK_NONE UINT32_MAX

/* target, list: n x n, symmetric, the diagonal is not looked at. known: n; the record of the list,
 * or KITH_ATTACK_NONE. guess: n, a permutation that has the known pairs. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_attack_dense(uint32_t *guess, const float *target,
                                              const float *list, const uint32_t *known, uint32_t n);

#endif
