/* Encodings as the clkhash command makes them, bit for bit, from a linkage schema of version 3
 * (versions 1 and 2 are converted). Which bits a value sets: docs/encoding.md.
 *
 * Life: parse a schema; make an encoder from it and the secret; encode rows by one thread; free
 * the encoder, then the schema. Faults name the place in the schema, or the column and the rule
 * that a value breaks, never the value. */
#ifndef KITH_CRYPTO_ENCODE_CLKHASH_H
#define KITH_CRYPTO_ENCODE_CLKHASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/secret.h"

enum {
  KITH_CLKHASH_SCHEMA_BYTES_MAX = 1 << 20,
  KITH_CLKHASH_FEATURES_MAX = 1024,
  KITH_CLKHASH_BITS_MAX = 1 << 20,      /* after folding */
  KITH_CLKHASH_WIDE_BITS_MAX = 1 << 24, /* before */
  KITH_CLKHASH_AMOUNT_MAX = 1 << 20,    /* bits per token or feature */
  KITH_CLKHASH_N_MAX = 1024,            /* of an n-gram */
  KITH_CLKHASH_RESOLUTION_MAX = 10000,
  KITH_CLKHASH_PRECISION_MAX = 300,
  KITH_CLKHASH_DIGITS_MAX = 4300, /* of a number: Python's own ceiling */
  KITH_CLKHASH_CACHE_BYTES = 32 << 20,
  KITH_CLKHASH_AHEAD = 16 /* rows */
};

struct kith_clkhash_schema;
struct kith_clkhash_encoder;

/* KITH_ERR_CONFIG: the document is no schema that can be served. `name` stands for the file. */
KITH_MUST_USE enum kith_err kith_clkhash_schema_parse(struct kith_clkhash_schema **out,
                                                      const void *bytes, size_t len,
                                                      const char *name, struct kith_fault *fault);
void kith_clkhash_schema_free(struct kith_clkhash_schema *schema); /* takes NULL */
unsigned kith_clkhash_schema_bits(const struct kith_clkhash_schema *schema);
/* The header must have the schema's identifiers, all of them in their order. */
KITH_MUST_USE enum kith_err kith_clkhash_schema_header(const struct kith_clkhash_schema *schema,
                                                       const char *const *header, size_t n_columns,
                                                       struct kith_fault *fault);

/* Derives the keys; the secret is not kept, the schema is borrowed. An encoder remembers the bits
 * of tokens and whole values in cache_bytes (0: KITH_CLKHASH_CACHE_BYTES), which are kept out of
 * core dumps, and wiped when it is freed. */
KITH_MUST_USE enum kith_err kith_clkhash_encoder_new(struct kith_clkhash_encoder **out,
                                                     struct kith_clkhash_schema *schema,
                                                     const struct kith_secret *secret,
                                                     size_t cache_bytes);
void kith_clkhash_encoder_free(struct kith_clkhash_encoder *encoder); /* takes NULL; wipes */

/* Says that the row will be encoded after those that were said before, so that what is remembered
 * of its values comes near. For speed alone; beyond KITH_CLKHASH_AHEAD rows nothing is done. The
 * values must stay where they are until then. */
void kith_clkhash_expect(struct kith_clkhash_encoder *encoder, const char *const *values,
                         const size_t *lens, size_t n_values);

/* One row, one value for each feature (UTF-8, NUL-terminated; lens NULL: not known). filter:
 * ceil(bits / 8) bytes, bit 0 the most significant of byte 0, overwritten; zeroed on failure.
 * KITH_ERR_DATA: a value breaks a rule of the schema. */
KITH_MUST_USE enum kith_err kith_clkhash_encode(struct kith_clkhash_encoder *encoder,
                                                uint8_t *filter, const char *const *values,
                                                const size_t *lens, size_t n_values,
                                                struct kith_fault *fault);

#endif
