/* Under blind comparison: from the id of a record to the handle of its person.
 *
 * There a handle is random, and stands for a person by the first of their records (docs/blind.md,
 * 6). To take a person out of a round their agency has to find it from any of their ids, so each
 * record that was read has an entry: as if it had a handle of its own (kith_handle_of), which leads
 * to the person's. It is sealed like the table of handles, under the same key of the round: without
 * the id the key opens nothing. */
#ifndef KITH_DAEMON_SERVICE_PEOPLE_H
#define KITH_DAEMON_SERVICE_PEOPLE_H

#include "daemon/service/agency.h"

struct kith_person_record {
  const char *id;                    /* borrowed */
  uint8_t handle[KITH_HANDLE_BYTES]; /* of the person */
};

/* Adds an entry for each, in transactions of its own. */
KITH_MUST_USE enum kith_err kith_people_keep(struct kith_agency *agency, const kith_round_id round,
                                             const struct kith_secret *table_key,
                                             const struct kith_person_record *records, size_t n);
/* KITH_ERR_NO: no record with this id was read. KITH_ERR_NOT_FOUND: the table key is destroyed, or
 * was not made yet. */
KITH_MUST_USE enum kith_err kith_people_find(const struct kith_agency *agency,
                                             const kith_round_id round, const char *id,
                                             uint8_t handle[KITH_HANDLE_BYTES]);

#endif
