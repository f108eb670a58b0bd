/* Tokens of blind comparison (docs/blind.md, 2): keyed BLAKE2b (RFC 7693) of a match key's value
 * and the two numbers (i, j) of the occurrence at either side. */
#ifndef KITH_CRYPTO_ENCODE_TOKEN_H
#define KITH_CRYPTO_ENCODE_TOKEN_H

#include "crypto/blind_layout.h"
#include "crypto/encode/blind_key.h"
#include "crypto/encode/match_key.h"

enum { KITH_TOKEN_BYTES = KITH_BLIND_TOKEN_BYTES };

/* i, j: below 256; `number` of the match key likewise. */
void kith_token(uint8_t out[KITH_TOKEN_BYTES], const struct kith_blind_key *key, unsigned number,
                const struct kith_match_digest *digest, unsigned i, unsigned j);

#endif
