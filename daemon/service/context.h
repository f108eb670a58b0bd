/* What an agency tells recipients of the people of a list without being asked (docs/protocol.md,
 * section 13). It is made with the outbox, where each record's handle is known, sealed to each
 * recipient, kept boxed under the round key "letters", and sent once the round is released: before
 * that nobody has any of it. */
#ifndef KITH_DAEMON_SERVICE_CONTEXT_H
#define KITH_DAEMON_SERVICE_CONTEXT_H

#include "daemon/service/agency.h"

/* A record of the outbox. */
struct kith_context_ref {
  const char *id; /* borrowed */
  uint8_t handle[KITH_HANDLE_BYTES];
};

/* Reads the source and keeps the letters; sorts `refs`. Nothing where the policy asks for none of
 * this agency. A failure leaves what stands in the way in round->problem. */
KITH_MUST_USE enum kith_err kith_context_fill(struct kith_agency *agency,
                                              struct kith_agency_round *round,
                                              struct kith_context_ref *refs, size_t n);
/* Of a released round: sends what is not sent yet. */
KITH_MUST_USE enum kith_err kith_context_turn(struct kith_agency *agency,
                                              struct kith_agency_round *round);

#endif
