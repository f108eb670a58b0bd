#include "crypto/shamir.h"

#include <string.h>

uint8_t kith_gf256_multiply(uint8_t a, uint8_t b)
{
  unsigned product = 0;
  unsigned x = a;

  for (unsigned i = 0; i < 8; i++) {
    product ^= x & (0U - (b >> i & 1U));
    x = x << 1 ^ (0x11bU & (0U - (x >> 7 & 1U)));
  }
  return (uint8_t)product;
}

/* a^254 is the inverse of a; 0 gives 0. */
static uint8_t inverse(uint8_t a)
{
  uint8_t power = a;
  uint8_t product = 1;

  for (unsigned i = 1; i < 8; i++) {
    power = kith_gf256_multiply(power, power);
    product = kith_gf256_multiply(product, power);
  }
  return product;
}

/* Each byte's value at x: Horner's rule, the highest coefficient first. `coefficients` has those of
 * 1, x, ... x^(m-1), one after the other. */
static void evaluate(struct kith_secret *out, uint8_t x, const struct kith_secret *coefficients,
                     unsigned m)
{
  size_t len = kith_secret_len(out);
  uint8_t *values = kith_secret_bytes(out);

  for (unsigned degree = m; degree-- > 0;) {
    const uint8_t *of_degree = kith_secret_peek(coefficients) + degree * len;

    for (size_t i = 0; i < len; i++)
      values[i] = kith_gf256_multiply(values[i], x) ^ of_degree[i];
  }
}

enum kith_err kith_shamir_split(struct kith_secret *shares[], unsigned n, unsigned m,
                                const struct kith_secret *secret)
{
  size_t len = kith_secret_len(secret);
  struct kith_secret *coefficients;
  enum kith_err err;
  unsigned made = 0;

  if (m < 1 || m > n || n > KITH_SHARES_MAX)
    return KITH_ERR_LIMIT;
  if ((err = kith_secret_random(&coefficients, m * len)) != KITH_OK)
    return err;
  memcpy(kith_secret_bytes(coefficients), kith_secret_peek(secret), len);
  while (made < n && (err = kith_secret_new(&shares[made], len)) == KITH_OK) {
    evaluate(shares[made], (uint8_t)(made + 1), coefficients, m);
    made++;
  }
  kith_secret_free(coefficients);
  while (err != KITH_OK && made-- > 0) {
    kith_secret_free(shares[made]);
    shares[made] = NULL;
  }
  return err;
}

/* Lagrange's coefficient of share i at 0. Numbers of shares are no secret; 0 where two are equal.
 */
static uint8_t weight(const uint8_t at[], unsigned m, unsigned i)
{
  uint8_t product = 1;

  for (unsigned j = 0; j < m; j++) {
    if (j != i)
      product = kith_gf256_multiply(product,
                                    kith_gf256_multiply(at[j], inverse((uint8_t)(at[i] ^ at[j]))));
  }
  return product;
}

enum kith_err kith_shamir_join(struct kith_secret **out, const struct kith_secret *const shares[],
                               const uint8_t at[], unsigned m)
{
  struct kith_secret *secret;
  enum kith_err err;

  if (m < 1 || m > KITH_SHARES_MAX)
    return KITH_ERR_LIMIT;
  for (unsigned i = 0; i < m; i++) {
    if (weight(at, m, i) == 0 || at[i] == 0 ||
        kith_secret_len(shares[i]) != kith_secret_len(shares[0]))
      return KITH_ERR_DATA;
  }
  err = kith_secret_new(&secret, kith_secret_len(shares[0]));
  if (err != KITH_OK)
    return err;
  for (unsigned i = 0; i < m; i++) {
    const uint8_t *share = kith_secret_peek(shares[i]);
    uint8_t by = weight(at, m, i);

    for (size_t k = 0; k < kith_secret_len(secret); k++)
      kith_secret_bytes(secret)[k] ^= kith_gf256_multiply(share[k], by);
  }
  *out = secret;
  return KITH_OK;
}
