/* For tests of the test builds: what this agency has submitted, to be held against a matching of
 * the same rows by other means. In the programs that are installed it is nothing at all. */
#ifndef KITH_DAEMON_SERVICE_REVEAL_H
#define KITH_DAEMON_SERVICE_REVEAL_H

#include "daemon/service/agency.h"

#ifdef KITH_TESTING
/* Writes the outbox's rows, as they are sent, to $KITH_TEST_REVEAL/MEMBER.ROUND.rows, if that is
 * set; whole or not at all. */
KITH_MUST_USE enum kith_err kith_agency_reveal(struct kith_agency *agency,
                                               const struct kith_agency_round *round,
                                               uint32_t n_batches);
#else
static inline enum kith_err kith_agency_reveal(struct kith_agency *agency,
                                               const struct kith_agency_round *round,
                                               uint32_t n_batches)
{
  (void)agency;
  (void)round;
  (void)n_batches;
  return KITH_OK;
}
#endif

#endif
