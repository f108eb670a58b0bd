/* Digests of match keys' values (docs/blind.md, 2): fixed length, whatever the parts are. Not
 * keyed: a digest is worth as much as the values, and stays in the agency's memory. */
#ifndef KITH_CRYPTO_ENCODE_MATCH_KEY_H
#define KITH_CRYPTO_ENCODE_MATCH_KEY_H

#include <stdbool.h>
#include <stdint.h>

enum { KITH_MATCH_DIGEST_BYTES = 16, KITH_MATCH_PARTS_MAX = 6 };

struct kith_match_digest {
  uint8_t bytes[KITH_MATCH_DIGEST_BYTES];
};

/* Of 1 to KITH_MATCH_PARTS_MAX parts. False, and zero bytes, where a part is NULL or empty: the
 * record has no value for this match key. */
bool kith_match_digest(struct kith_match_digest *out, const char *const *parts, unsigned n_parts);

#endif
