/* What an agency submits and keeps (docs/protocol.md, section 6): handles and the table that leads
 * from a handle back to a record, batch hashes, the manifest's root. Pure. */
#ifndef KITH_PROTO_SUBMISSION_H
#define KITH_PROTO_SUBMISSION_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "proto/statement.h"

enum {
  KITH_HANDLE_BYTES = 16,
  KITH_TABLE_KEY_BYTES = 32,
  KITH_RECORD_ID_BYTES_MAX = 1024,
  KITH_RECORD_ID_PADDING = 32 /* an entry's length tells an id's only up to this */
};

/* `rows`: the batch's bytes, as they are sent. */
void kith_batch_hash(struct kith_hash *out, const kith_round_id round, const char *member,
                     uint64_t number, const void *rows, size_t len);
void kith_manifest_root(struct kith_hash *out, const kith_round_id round, const char *member,
                        uint64_t n_records, const struct kith_hash *batches, size_t n_batches);

/* A record's handle: the first bytes of HMAC(table key, "kith handle v1" || 0x00 || round || id).
 * Random to everybody else, and made again by the agency for as long as it has the table key.
 * KITH_ERR_LIMIT: an id of more than KITH_RECORD_ID_BYTES_MAX. */
KITH_MUST_USE enum kith_err kith_handle_of(uint8_t out[KITH_HANDLE_BYTES],
                                           const kith_round_id round,
                                           const struct kith_secret *table_key,
                                           const void *record_id, size_t len);

/* Where a handle's entry is kept. */
void kith_handle_index(struct kith_hash *out, const kith_round_id round,
                       const uint8_t handle[KITH_HANDLE_BYTES]);

/* Seals and opens entries of one round's handle table: the record's id, padded, in a box under
 * HMAC(table key, "kith handle entry v1" || 0x00 || round || handle). Without the handle the table
 * key opens nothing, and without the table key neither does the handle. Life: new (copies the table
 * key), use by one thread, free (wipes). */
struct kith_handles;
KITH_MUST_USE enum kith_err kith_handles_new(struct kith_handles **out, const kith_round_id round,
                                             const struct kith_secret *table_key);
void kith_handles_free(struct kith_handles *handles);

/* *out is cleared first. KITH_ERR_LIMIT: an id of more than KITH_RECORD_ID_BYTES_MAX. */
KITH_MUST_USE enum kith_err kith_handle_seal(struct kith_handles *handles, struct kith_buf *out,
                                             const uint8_t handle[KITH_HANDLE_BYTES],
                                             const void *record_id, size_t len);
/* *out is cleared first and holds the id. KITH_ERR_NO: another handle's, round's or key's entry, or
 * altered. */
KITH_MUST_USE enum kith_err kith_handle_open(struct kith_handles *handles, struct kith_buf *out,
                                             const uint8_t handle[KITH_HANDLE_BYTES],
                                             const void *entry, size_t len);

#endif
