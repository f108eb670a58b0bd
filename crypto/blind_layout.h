/* Where the parts of a row of a blind submission are (docs/blind.md, 3 and 4). No secrets, no keys:
 * agencies and matcher share it. */
#ifndef KITH_CRYPTO_BLIND_LAYOUT_H
#define KITH_CRYPTO_BLIND_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  KITH_BLIND_FIELDS_MAX = 8,
  KITH_BLIND_KEYS_MAX = 16,
  KITH_BLIND_OCCURRENCES_MAX = 4,
  KITH_BLIND_TOKEN_BYTES = 12,
  KITH_BLIND_OPENING_BYTES = 8, /* the match key's number, then a handle of 7 */
  KITH_BLIND_HANDLE_BITS = 56,
  KITH_BLIND_DIGITS_A_BYTE = 5,
  KITH_BLIND_DIGITS_END = 243, /* 3^5 */
  KITH_BLIND_ROW_BYTES_MAX =
      KITH_BLIND_TOKEN_BYTES + 16 * KITH_BLIND_FIELDS_MAX + 2 + 2 * KITH_BLIND_OPENING_BYTES
};

struct kith_blind_layout {
  unsigned n_fields;
  unsigned bits[KITH_BLIND_FIELDS_MAX]; /* of a field's signature: 8, 16, 32, 64 or 128 */
  unsigned n_keys;
  unsigned occurrences;
  /* What follows from these. */
  size_t blocks; /* offsets within a row */
  size_t block_bytes;
  size_t digits;
  size_t digit_bytes;
  size_t openings; /* of lo, then of hi */
  size_t row_bytes;
};

/* Sets what follows from the first four, which must be in range; false where they are not. */
bool kith_blind_layout_make(struct kith_blind_layout *layout);

static inline uint64_t kith_blind_rows(const struct kith_blind_layout *layout, uint64_t records)
{
  return records * layout->n_keys * layout->occurrences;
}

#endif
