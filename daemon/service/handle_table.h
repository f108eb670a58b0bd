/* Tables of a round from a handle's index to what only the handle opens (proto/submission.h): the
 * ids of records (outbox.c), and under blind comparison of each record the handle of its person
 * (people.h). Both are sealed under the round's table key, and closed to it without the handles. */
#ifndef KITH_DAEMON_SERVICE_HANDLE_TABLE_H
#define KITH_DAEMON_SERVICE_HANDLE_TABLE_H

#include "daemon/service/agency.h"
#include "proto/submission.h"

/* `index` is the handle's. */
KITH_MUST_USE enum kith_err
kith_handle_table_put(struct kith_txn *txn, enum kith_agency_table table,
                      struct kith_handles *handles, const kith_round_id round,
                      const struct kith_hash *index, const uint8_t handle[KITH_HANDLE_BYTES],
                      const void *bytes, size_t len);
/* Into *out, cleared first. KITH_ERR_NOT_FOUND: nothing is there. KITH_ERR_NO: it does not open. */
KITH_MUST_USE enum kith_err
kith_handle_table_get(const struct kith_agency *agency, enum kith_agency_table table,
                      const kith_round_id round, const struct kith_secret *table_key,
                      const uint8_t handle[KITH_HANDLE_BYTES], struct kith_buf *out);

#endif
