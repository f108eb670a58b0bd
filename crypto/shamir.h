/* Sharing of a secret so that any m of n shares give it back and m - 1 say nothing of it (A.
 * Shamir, "How to share a secret", CACM 22(11), 1979): each byte is the value at 0 of a random
 * polynomial of degree m - 1 over GF(2^8), the field of AES (x^8 + x^4 + x^3 + x + 1); share i, 1
 * .. n, has the values at i.
 *
 * Constant time in the secret and the shares: no table and no branch depends on them. Shares have
 * no check of their own: shares that are wrong or of different secrets give another secret. crypto/
 * escrow.h has commitments. */
#ifndef KITH_CRYPTO_SHAMIR_H
#define KITH_CRYPTO_SHAMIR_H

#include <stdint.h>

#include "base/err.h"
#include "crypto/secret.h"

enum { KITH_SHARES_MAX = 16 };

/* n fresh shares of the secret's length; 1 <= m <= n <= KITH_SHARES_MAX, otherwise KITH_ERR_LIMIT.
 * m = 1 makes copies. The caller frees them; on an error there are none. */
KITH_MUST_USE enum kith_err kith_shamir_split(struct kith_secret *shares[], unsigned n, unsigned m,
                                              const struct kith_secret *secret);
/* The secret of m shares; at[i], 1 .. 255, is the number of shares[i], and no number is there
 * twice. KITH_ERR_DATA where one is, or the lengths differ. */
KITH_MUST_USE enum kith_err kith_shamir_join(struct kith_secret **out,
                                             const struct kith_secret *const shares[],
                                             const uint8_t at[], unsigned m);
/* a * b in the field, in constant time: for tests. */
uint8_t kith_gf256_multiply(uint8_t a, uint8_t b);

#endif
