/* The matching of a round under blind comparison: each agency's handles and histograms, then for
 * each two agencies their rows for each other, joined and let go of; two submissions are in memory
 * at a time, 134 bytes a row of the larger agencies'. What agencies have sent is checked here, as
 * docs/blind.md, 4 says. Nothing of it is kept: a matcher that was killed begins again.
 *
 * No row says whose it is before it has met another, so a withdrawn record's rows are joined as all
 * are, which holds the agencies to the protocol; what they opened is dropped before anything is
 * made of it.
 * Failpoint: matching.pair. */
#ifndef KITH_MATCHER_SERVICE_BLIND_H
#define KITH_MATCHER_SERVICE_BLIND_H

#include "matcher/linkage/linkage.h"
#include "matcher/service/intake.h"
#include "proto/round.h"

struct kith_blind_matching {
  struct kith_node *node;
  const struct kith_secret *key; /* of the intake */
  const uint8_t *round;
  unsigned n_roster;
  /* Of each party, in order of id: which of the roster it is, and the records of its manifest. */
  unsigned n_parties;
  unsigned at[KITH_AGENCIES_MAX];
  uint32_t n_records[KITH_AGENCIES_MAX];
  struct kith_intake_rows
      *parties; /* filled: a row is a handle's opening (matcher/linkage/blind.h) */
  struct kith_withdrawals withdrawals; /* whose records are left out */
};

/* input->parties: the encodings of `parties`, which are filled here. KITH_ERR_DATA: an agency does
 * not follow the protocol; *culprit is its number, or -1 where it can't be told which of two. */
KITH_MUST_USE enum kith_err kith_blind_match(struct kith_linkage_result *out,
                                             const struct kith_blind_matching *matching,
                                             const struct kith_linkage_input *input, int *culprit,
                                             struct kith_fault *fault);

#endif
