#include "crypto/public.h"

#include <sodium.h>

bool kith_sign_key_valid(const uint8_t key[KITH_PUBLIC_BYTES])
{
  return crypto_core_ed25519_is_valid_point(key) == 1;
}

bool kith_exchange_key_valid(const uint8_t key[KITH_PUBLIC_BYTES])
{
  /* Any scalar serves: clamped ones are multiples of the cofactor. */
  static const uint8_t scalar[crypto_scalarmult_SCALARBYTES] = {8};
  uint8_t shared[crypto_scalarmult_BYTES];

  return crypto_scalarmult(shared, scalar, key) == 0;
}
