/* kith's own encoding: one keyed Bloom filter for a record, over all fields of a policy, after
 * Schnell, Bachteler and Reiher (2009), with positions from independent keyed hashes (never h1 + i
 * x h2, whose structure attacks use).
 *
 *   field key: HKDF-SHA-256 without salt of the linkage secret, info "kith field v1" || 0x00 ||
 *     field; with several filters "kith filter field v1" || 0x00 || filter || 0x00 || field
 *   tokens: q > 0: the q-grams, in code points, of each value with q - 1 blanks put on both ends;
 *     q = 0: each value whole
 *   positions: 16-bit big-endian pieces of HMAC-SHA-256(field key, token || i), i = 0, 1, ... one
 *     byte, modulo the filter's length: the first bits_per_token of them
 *
 * A bit that is set twice is set: tokens are a set. Bit p of a filter is bit 7 - p % 8 of byte
 * p / 8. A record can have several filters over different fields, one after the other.
 *
 * What hashing gave for values and grams is remembered, in at most 5 MB an encoder.
 *
 * Life: new, encode by one thread, free (wipes keys and what was remembered). */
#ifndef KITH_CRYPTO_ENCODE_BLOOM_H
#define KITH_CRYPTO_ENCODE_BLOOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/hash.h"

enum {
  KITH_ENCODE_FIELDS_MAX = 16,
  KITH_ENCODE_FILTERS_MAX = 4,
  KITH_ENCODE_NAME_BYTES = 32,
  KITH_ENCODE_BITS_MIN = 64,
  KITH_ENCODE_BITS_MAX = 8192,
  KITH_ENCODE_TOKEN_BITS_MAX = 64,
  KITH_ENCODE_KEY_CHECK_BYTES = 16
};

struct kith_encode_field {
  char name[KITH_ENCODE_NAME_BYTES]; /* gives the field its key; all different */
  unsigned q;                        /* 1 .. 4; 0: whole values */
  unsigned bits_per_token;           /* 1 .. KITH_ENCODE_TOKEN_BITS_MAX */
  uint32_t weight;                   /* only hashed: two sides that differ in it must differ */
  unsigned filter;                   /* which one, from 0 */
};

struct kith_encode_filter {
  char name[KITH_ENCODE_NAME_BYTES]; /* goes into its fields' keys; all different */
  unsigned bits;                     /* a power of two */
};

struct kith_encode_schema {
  unsigned bits;      /* a power of two; of the one filter, where n_filters <= 1 */
  unsigned n_filters; /* 0 or 1: one without a name; above: `filters` has them */
  struct kith_encode_filter filters[KITH_ENCODE_FILTERS_MAX];
  unsigned n_fields;
  struct kith_encode_field fields[KITH_ENCODE_FIELDS_MAX];
};

/* Where the filters of a record are. */
struct kith_encode_layout {
  unsigned n_filters; /* 1 or more */
  unsigned bits[KITH_ENCODE_FILTERS_MAX];
  size_t offsets[KITH_ENCODE_FILTERS_MAX];
  size_t bytes; /* of all */
};
/* Of a valid schema. */
void kith_encode_layout(struct kith_encode_layout *out, const struct kith_encode_schema *schema);

/* A field of a record: standardised values, UTF-8; an empty one counts for nothing. */
struct kith_encode_values {
  const char *const *values;
  unsigned n;
};

struct kith_encoder;

/* KITH_ERR_CONFIG: the schema is out of range. The secret is not kept. */
KITH_MUST_USE enum kith_err kith_encoder_new(struct kith_encoder **out,
                                             const struct kith_encode_schema *schema,
                                             const uint8_t *secret, size_t secret_len);
void kith_encoder_free(struct kith_encoder *encoder);

/* filters: the layout's bytes, overwritten. *mask: bit f set where field f gave a token. `fields`:
 * n_fields of them, in the schema's order. */
KITH_MUST_USE enum kith_err kith_encoder_encode(struct kith_encoder *encoder, uint8_t *filters,
                                                uint16_t *mask,
                                                const struct kith_encode_values *fields);

/* Tells two secrets apart without telling anything of them: HMAC under a key of its own. */
void kith_encoder_key_check(const struct kith_encoder *encoder,
                            uint8_t out[KITH_ENCODE_KEY_CHECK_BYTES]);
void kith_encode_schema_hash(struct kith_hash *out, const struct kith_encode_schema *schema);

#endif
