/* Field signatures of blind comparison (docs/blind.md, 3): 1-bit minhashes of a field's q-gram set,
 * after Li and Koenig, "b-Bit minwise hashing" (2010). Two sets of Jaccard similarity J have
 * signatures that differ in each bit with probability (1 - J) / 2. */
#ifndef KITH_CRYPTO_ENCODE_SIGNATURE_H
#define KITH_CRYPTO_ENCODE_SIGNATURE_H

#include <stdbool.h>

#include "crypto/encode/blind_key.h"

enum {
  KITH_SIGNATURE_BITS_MAX = 128,
  KITH_SIGNATURE_BYTES_MAX = KITH_SIGNATURE_BITS_MAX / 8,
  KITH_GRAMS_MAX = 96, /* of a field; further ones are left out */
  KITH_GRAM_BYTES = 64
};

/* A q-gram or whole value; its bytes are the caller's. */
struct kith_gram {
  const char *bytes;
  unsigned len;
};

/* The q-grams of a value, q in 1 .. 4 code points with q - 1 blanks at both ends, or itself where q
 * is 0, added to out[n .. KITH_GRAMS_MAX); the new n. `room` keeps the padded text: at least
 * strlen(value) + 2 * KITH_Q_PADDING bytes, as long as the grams are used. */
enum { KITH_Q_PADDING = 4 };
unsigned kith_grams_add(struct kith_gram *out, unsigned n, char *room, const char *value,
                        unsigned q);

/* One number for a gram of a field under a key: signatures are made of these. */
uint32_t kith_gram_seed(const struct kith_blind_key *key, unsigned field,
                        const struct kith_gram *gram);
/* bits: a multiple of 8 up to KITH_SIGNATURE_BITS_MAX; bit b is bit b % 8 of byte b / 8. n >= 1;
 * seeds that stand there twice count once. */
void kith_signature(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n);

/* The two variants, for tests. */
void kith_signature_plain(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n);
/* False: this processor lacks AVX2, and nothing was done. */
bool kith_signature_lanes(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n);

#endif
