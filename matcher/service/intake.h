/* The batches that agencies have sent: sealed under the round's intake key, which is a file of its
 * own, so that destroying that file destroys them (docs/threat-model.md says what that means). */
#ifndef KITH_MATCHER_SERVICE_INTAKE_H
#define KITH_MATCHER_SERVICE_INTAKE_H

#include <stdint.h>

#include "base/err.h"
#include "proto/encodings.h"
#include "proto/node.h"
#include "proto/withdrawal.h"

/* Stores a batch whose hash the caller has checked. KITH_ERR_EXISTS: held, the same bytes;
 * KITH_ERR_NO: other bytes are held at this number. */
KITH_MUST_USE enum kith_err kith_intake_put(struct kith_node *node, const kith_round_id round,
                                            const char *agency, uint32_t number,
                                            const struct kith_hash *hash, const void *rows,
                                            size_t len);

/* Sets bit `number` (least significant first) of `bitmap` for each batch held below 8 x bytes; the
 * number held is *held. */
KITH_MUST_USE enum kith_err kith_intake_held(struct kith_node *node, const kith_round_id round,
                                             const char *agency, uint8_t *bitmap, size_t bytes,
                                             uint32_t *held);

/* Whether exactly the manifest's batches are held. KITH_ERR_NO if not. */
KITH_MUST_USE enum kith_err kith_intake_complete(struct kith_node *node, const kith_round_id round,
                                                 const char *agency,
                                                 const struct kith_manifest *manifest);

/* One batch, opened (kith_free_wiped). `key`: kith_intake_key. Takes a transaction of its own, so
 * that another thread may call it. */
KITH_MUST_USE enum kith_err kith_intake_batch(struct kith_node *node, const struct kith_secret *key,
                                              const kith_round_id round, const char *agency,
                                              uint32_t number, uint8_t **rows, size_t *len);

/* An agency's rows, opened. */
struct kith_intake_rows {
  struct kith_encodings encodings;
  uint8_t *handles; /* n x KITH_HANDLE_BYTES, owned */
};
/* `policy` gives the shape (bits, fields, weights). KITH_ERR_DATA with *fault where a row is not of
 * that shape (pad bits set, a mask of fields that the policy has not). */
KITH_MUST_USE enum kith_err kith_intake_load(struct kith_node *node, struct kith_intake_rows *out,
                                             const kith_round_id round, const char *agency,
                                             const struct kith_manifest *manifest,
                                             const struct kith_policy *policy,
                                             struct kith_fault *fault);
/* Takes out, and wipes, the rows that the agency has withdrawn from the round; the others keep
 * their order. How many; *dropped (NULL: not wanted): their handles, KITH_WITHDRAWALS_MAX at most.
 */
size_t kith_intake_drop_withdrawn(struct kith_intake_rows *rows,
                                  const struct kith_withdrawals *withdrawals, const char *agency,
                                  uint8_t (*dropped)[KITH_HANDLE_BYTES]);
/* Whether one of the agency's rows, or under blind comparison of its handles, has this index
 * (proto/withdrawal.h): reads its batches. KITH_ERR_NO if not. */
KITH_MUST_USE enum kith_err kith_intake_has(struct kith_node *node,
                                            const struct kith_round_view *view,
                                            const struct kith_seat *seat,
                                            const struct kith_policy *policy,
                                            const struct kith_hash *index);
void kith_intake_rows_free(struct kith_intake_rows *rows);

/* The key, which seals the journal of the matching too (journal.h). The caller frees it. */
KITH_MUST_USE enum kith_err kith_intake_key(struct kith_node *node, struct kith_secret **out,
                                            const kith_round_id round, struct kith_fault *fault);

/* Destroys the key, then deletes what it sealed. Does nothing the second time. */
KITH_MUST_USE enum kith_err kith_intake_destroy(struct kith_node *node, const kith_round_id round,
                                                struct kith_fault *fault);

#endif
