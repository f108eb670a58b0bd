/* Whether public keys that others gave are fit for use. */
#ifndef KITH_CRYPTO_PUBLIC_H
#define KITH_CRYPTO_PUBLIC_H

#include <stdbool.h>

#include "crypto/identity.h"

/* A point of the prime-order group, in its canonical form (RFC 8032, section 5.1). */
bool kith_sign_key_valid(const uint8_t key[KITH_PUBLIC_BYTES]);
/* Not of small order: a shared secret with it is no constant (RFC 7748, section 6.1). */
bool kith_exchange_key_valid(const uint8_t key[KITH_PUBLIC_BYTES]);

#endif
