/* The journal of a round's matching: which units of the engine's work are done, and their pairs, so
 * that a matcher that was killed goes on. Records are sealed under the round's intake key, as the
 * rows are, and so are destroyed with it; they are deleted as soon as the matching has ended.
 *
 * Units are gathered until they are a hundredth of a run's work, ten seconds old or 4 MiB long, and
 * then committed together. Where the store is full, or the journal has grown to its ceiling, the
 * matching goes on without: a journal saves time, and nothing else depends on it.
 *
 * Key: round, run (1), number BE (4). Record 0 of a run, integers little-endian: identity (32),
 * bound (4, 4), layout (8), units (8), 1 where the run ended above its ceiling (1). The others:
 * units as matcher/engine/gather.h has them, a pair in 14 bytes: rows (4, 4), parties (1, 1),
 * millionths (4). What does not fit the run at hand, or does not open, is forgotten.
 *
 * Failpoint: matching.unit. */
#ifndef KITH_MATCHER_SERVICE_JOURNAL_H
#define KITH_MATCHER_SERVICE_JOURNAL_H

#include "base/err.h"
#include "base/store.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "matcher/linkage/linkage.h"
#include "proto/node.h"

struct kith_matching_journal;

/* `identity` tells what is matched: the same agencies' same rows, under the same policy. Borrows
 * the store, takes the key. `bytes_max`: of all records. */
KITH_MUST_USE enum kith_err
kith_matching_journal_new(struct kith_matching_journal **out, struct kith_store *store,
                          struct kith_secret *key, const kith_round_id round,
                          const struct kith_hash *identity, size_t bytes_max);
/* Takes NULL. Records stay. */
void kith_matching_journal_free(struct kith_matching_journal *journal);

/* For kith_linkage_run; valid as long as the journal. */
struct kith_linkage_journal kith_matching_journal_linkage(struct kith_matching_journal *journal);

/* Deletes a round's records. */
KITH_MUST_USE enum kith_err kith_matching_journal_delete(struct kith_txn *txn,
                                                         const kith_round_id round);

#endif
