/* The keys of blind comparison: one for each other agency of the roster, from the two round keys
 * (docs/protocol.md, 5). They are one key file, "p" and the attempt, from the confirmation until
 * the manifest is acknowledged. */
#ifndef KITH_DAEMON_SERVICE_PAIRING_H
#define KITH_DAEMON_SERVICE_PAIRING_H

#include "daemon/service/agency.h"

/* Makes the keys where they are not there, and what shows each peer that we have its one. */
KITH_MUST_USE enum kith_err kith_pairing_confirm(struct kith_agency *agency,
                                                 struct kith_agency_round *round,
                                                 struct kith_confirmation *confirmation);
/* KITH_ERR_NO with a problem for the officer: some peer's word does not hold under our key. */
KITH_MUST_USE enum kith_err kith_pairing_check(struct kith_agency *agency,
                                               struct kith_agency_round *round);
/* The other agencies of the roster, by id, and the key with each, which is the caller's. */
KITH_MUST_USE enum kith_err kith_pairing_keys(struct kith_agency *agency,
                                              const struct kith_agency_round *round,
                                              const struct kith_seat *peers[KITH_AGENCIES_MAX],
                                              struct kith_secret *keys[KITH_AGENCIES_MAX],
                                              unsigned *n);
void kith_pairing_keys_free(struct kith_secret *keys[KITH_AGENCIES_MAX], unsigned n);

#endif
