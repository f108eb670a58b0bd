/* Rows of a submission (docs/blind.md, 3): a record's signatures, missing fields and handle under a
 * token, masked so that a row alone is noise and the two rows of a token open just what they
 * should.
 *
 * Life: kith_masker_new, used by one thread, kith_masker_free (wipes). */
#ifndef KITH_CRYPTO_ENCODE_MASK_H
#define KITH_CRYPTO_ENCODE_MASK_H

#include "crypto/blind_layout.h"
#include "crypto/encode/blind_key.h"

struct kith_masker;

/* Keeps the key only as a cipher; the layout is copied. */
KITH_MUST_USE enum kith_err kith_masker_new(struct kith_masker **out,
                                            const struct kith_blind_key *key,
                                            const struct kith_blind_layout *layout);
void kith_masker_free(struct kith_masker *masker);

/* What a row is made of. */
struct kith_mask_record {
  const uint8_t *signatures; /* the layout's block_bytes, field by field */
  uint16_t missing;          /* bit f: field f is */
  unsigned match_key;        /* its number, below 256 */
  uint64_t handle;           /* of 56 bits */
};

/* row: the layout's row_bytes, of which the token is there already; the rest is overwritten.
 * `high`: this side is hi. KITH_ERR_INTERNAL where the cipher fails. */
KITH_MUST_USE enum kith_err kith_mask_row(struct kith_masker *masker, uint8_t *row,
                                          const struct kith_mask_record *record, bool high);

#endif
