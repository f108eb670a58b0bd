#include "crypto/encode/signature.h"

#include <string.h>

#include <sodium.h>

/* ---- grams */

static unsigned code_point_bytes(const char *text)
{
  unsigned n = 1;

  while (((unsigned char)text[n] & 0xc0) == 0x80)
    n++;
  return n;
}

unsigned kith_grams_add(struct kith_gram *out, unsigned n, char *room, const char *value,
                        unsigned q)
{
  size_t len = strlen(value);
  char *text = room;
  const char *end;

  if (len == 0)
    return n;
  if (q == 0) {
    memcpy(text, value, len + 1);
    if (n < KITH_GRAMS_MAX)
      out[n++] = (struct kith_gram){text, (unsigned)len};
    return n;
  }
  memset(text, ' ', q - 1);
  memcpy(text + q - 1, value, len);
  memset(text + q - 1 + len, ' ', q - 1);
  text[len + 2 * (size_t)(q - 1)] = '\0';
  end = text;
  for (unsigned i = 0; i < q; i++)
    end += code_point_bytes(end);
  for (const char *at = text; n < KITH_GRAMS_MAX; at += code_point_bytes(at)) {
    out[n++] = (struct kith_gram){at, (unsigned)(end - at)};
    if (*end == '\0')
      break;
    end += code_point_bytes(end);
  }
  return n;
}

/* ---- signatures */

/* A permutation of the 32-bit numbers in which each bit of the input moves each of the output about
 * half of the time. */
static uint32_t mix(uint32_t x)
{
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
  return x;
}

uint32_t kith_gram_seed(const struct kith_blind_key *key, unsigned field,
                        const struct kith_gram *gram)
{
  uint8_t message[1 + KITH_GRAM_BYTES];
  uint8_t hash[crypto_shorthash_BYTES];
  unsigned len = gram->len < KITH_GRAM_BYTES ? gram->len : KITH_GRAM_BYTES;

  message[0] = (uint8_t)field;
  memcpy(message + 1, gram->bytes, len);
  (void)crypto_shorthash(hash, message, 1 + (unsigned long long)len,
                         kith_secret_peek(key->signature));
  return (uint32_t)hash[0] | (uint32_t)hash[1] << 8 | (uint32_t)hash[2] << 16 |
         (uint32_t)hash[3] << 24;
}

void kith_signature(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n)
{
  uint32_t least[KITH_SIGNATURE_BITS_MAX];
  uint32_t tweak[KITH_SIGNATURE_BITS_MAX];

  for (unsigned b = 0; b < bits; b++) {
    tweak[b] = mix(b + 1);
    least[b] = UINT32_MAX;
  }
  for (unsigned g = 0; g < n; g++)
    for (unsigned b = 0; b < bits; b++) {
      uint32_t value = mix(seeds[g] ^ tweak[b]);

      least[b] = value < least[b] ? value : least[b];
    }
  memset(out, 0, bits / 8);
  for (unsigned b = 0; b < bits; b++)
    out[b / 8] |= (uint8_t)((least[b] & 1) << b % 8);
}
