/* How a recipient's store keeps what belongs to a round: shared by what was asked (recipient.c) and
 * the team's own notes (recipient_note.c).
 *
 * Keys: round, then 'd' and an id: what was asked; 'n' and a number of the list: a note; both boxed
 * under the round's key with their key as associated data, as 'c' and a handle: its context is.
 * 'u': until when all of it is kept; 'm': the policy's minimum count; 'r': the last letter that was
 * read; these in clear. */
#ifndef KITH_CLI_RECIPIENT_RECIPIENT_PARTS_H
#define KITH_CLI_RECIPIENT_RECIPIENT_PARTS_H

#include "cli/recipient/recipient.h"

enum kith_recipient_table { KITH_RECIPIENT_TABLE = KITH_NODE_TABLES };

enum {
  KITH_RECIPIENT_PREFIX_BYTES = KITH_ROUND_ID_BYTES + 1,
  KITH_RECIPIENT_KEY_BYTES = KITH_RECIPIENT_PREFIX_BYTES + KITH_HASH_BYTES
};

/* Borrows `key`. `id` is of at most KITH_HASH_BYTES. */
struct kith_bytes kith_recipient_key(uint8_t key[KITH_RECIPIENT_KEY_BYTES],
                                     const kith_round_id round, char kind, const void *id,
                                     size_t id_len);

/* *out: fresh (kith_free) of *len bytes. Makes the round's key where there is none. */
KITH_MUST_USE enum kith_err kith_recipient_box(const struct kith_recipient *recipient,
                                               const kith_round_id round, struct kith_bytes key,
                                               struct kith_bytes value, uint8_t **out, size_t *len);
/* *out: fresh (kith_free_wiped) of *len bytes. KITH_ERR_INTERNAL: it is not what was put there. */
KITH_MUST_USE enum kith_err kith_recipient_unbox(const struct kith_recipient *recipient,
                                                 struct kith_bytes key, struct kith_bytes value,
                                                 uint8_t **out, size_t *len);

#endif
