#include "crypto/encode/token.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

enum { WHOLE_BYTES = 16 };

void kith_token(uint8_t out[KITH_TOKEN_BYTES], const struct kith_blind_key *key, unsigned number,
                const struct kith_match_digest *digest, unsigned i, unsigned j)
{
  uint8_t message[1 + KITH_MATCH_DIGEST_BYTES + 2];
  uint8_t whole[WHOLE_BYTES];
  int failed;

  assert(number < 256 && i < 256 && j < 256);
  message[0] = (uint8_t)number;
  memcpy(message + 1, digest->bytes, KITH_MATCH_DIGEST_BYTES);
  message[1 + KITH_MATCH_DIGEST_BYTES] = (uint8_t)i;
  message[2 + KITH_MATCH_DIGEST_BYTES] = (uint8_t)j;
  failed = crypto_generichash(whole, sizeof whole, message, sizeof message,
                              kith_secret_peek(key->token), kith_secret_len(key->token));
  assert(failed == 0); /* lengths are ours */
  (void)failed;
  memcpy(out, whole, KITH_TOKEN_BYTES);
  kith_wipe(message, sizeof message);
}
