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

void kith_signature_plain(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n)
{
  memset(out, 0, bits / 8);
  for (unsigned b = 0; b < bits; b++) {
    uint32_t tweak = mix(b + 1);
    uint32_t least = UINT32_MAX;

    for (unsigned g = 0; g < n; g++) {
      uint32_t value = mix(seeds[g] ^ tweak);

      least = value < least ? value : least;
    }
    out[b / 8] |= (uint8_t)((least & 1) << b % 8);
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

enum { LANES = 8 };

__attribute__((target("avx2"))) static __m256i mix_lanes(__m256i x)
{
  x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
  x = _mm256_mullo_epi32(x, _mm256_set1_epi32(0x7feb352d));
  x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 15));
  x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x846ca68bu));
  return _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
}

/* A byte of the signature at a time. */
__attribute__((target("avx2"))) static void signature_avx2(uint8_t *out, unsigned bits,
                                                           const uint32_t *seeds, unsigned n)
{
  __m256i numbers = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8);

  for (unsigned b = 0; b < bits; b += LANES) {
    __m256i tweak = mix_lanes(_mm256_add_epi32(numbers, _mm256_set1_epi32((int)b)));
    __m256i least = _mm256_set1_epi32(-1);

    for (unsigned g = 0; g < n; g++)
      least = _mm256_min_epu32(
          least, mix_lanes(_mm256_xor_si256(tweak, _mm256_set1_epi32((int)seeds[g]))));
    out[b / 8] = (uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(least, 31)));
  }
}

bool kith_signature_lanes(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n)
{
  if (!__builtin_cpu_supports("avx2"))
    return false;
  signature_avx2(out, bits, seeds, n);
  return true;
}
#else
bool kith_signature_lanes(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n)
{
  (void)out;
  (void)bits;
  (void)seeds;
  (void)n;
  return false;
}
#endif

void kith_signature(uint8_t *out, unsigned bits, const uint32_t *seeds, unsigned n)
{
  if (!kith_signature_lanes(out, bits, seeds, n))
    kith_signature_plain(out, bits, seeds, n);
}
