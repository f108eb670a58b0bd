#include "crypto/encode/permutation.h"

#include <string.h>

typedef unsigned __int128 string128;

static string128 load(const uint8_t *bytes, unsigned bits)
{
  uint64_t words[2] = {0};

  memcpy(words, bytes, bits / 8);
  return (string128)words[1] << 64 | words[0];
}

static void store(uint8_t *bytes, unsigned bits, string128 string)
{
  const uint64_t words[2] = {(uint64_t)string, (uint64_t)(string >> 64)};

  memcpy(bytes, words, bits / 8);
}

/* ---- plain: bit by bit, by counts; no branch and no index that depends on a label or a bit */

static string128 riffle_plain(string128 string, string128 label, unsigned bits)
{
  string128 out = 0;
  unsigned next[2] = {bits, 0}; /* where the next one goes of those with 1, with 0 */

  for (unsigned b = 0; b < bits; b++)
    next[0] -= (unsigned)(label >> b & 1);
  for (unsigned b = 0; b < bits; b++) {
    unsigned up = (unsigned)(label >> b & 1);
    unsigned mask = 0u - up;
    unsigned to = (next[0] & mask) | (next[1] & ~mask);

    out |= (string >> b & 1) << to;
    next[0] += up;
    next[1] += 1 - up;
  }
  return out;
}

void kith_permute_plain(uint8_t *string, unsigned bits, const uint8_t *labels)
{
  string128 bits_of = load(string, bits);

  for (unsigned t = 0; t < KITH_RIFFLES; t++)
    bits_of = riffle_plain(bits_of, load(labels + t * (bits / 8), bits), bits);
  store(string, bits, bits_of);
}

/* ---- parallel bit extract */

#if defined(__x86_64__)
#include <immintrin.h>

/* All bits at once, up to 64. Inlined for each length, so that loads are of one word. */
#define EXTRACT(name, word)                                                                        \
  __attribute__((target("bmi2,popcnt"))) static void name(uint8_t *string, const uint8_t *labels)  \
  {                                                                                                \
    const uint64_t all = (word) ~(word)0;                                                          \
    word whole;                                                                                    \
    uint64_t x;                                                                                    \
                                                                                                   \
    memcpy(&whole, string, sizeof whole);                                                          \
    x = whole;                                                                                     \
    for (unsigned t = 0; t < KITH_RIFFLES; t++) {                                                  \
      word label;                                                                                  \
      uint64_t ones;                                                                               \
      uint64_t zeros;                                                                              \
                                                                                                   \
      memcpy(&label, labels + t * sizeof label, sizeof label);                                     \
      ones = label;                                                                                \
      zeros = ~ones & all;                                                                         \
      /* Where all are zeros nothing is left to shift: 64 modulo 64 does no harm. */               \
      x = _pext_u64(x, zeros) | _pext_u64(x, ones)                                                 \
                                    << ((unsigned)__builtin_popcountll(zeros) & 63);               \
    }                                                                                              \
    whole = (word)x;                                                                               \
    memcpy(string, &whole, sizeof whole);                                                          \
  }
EXTRACT(extract_8, uint8_t)
EXTRACT(extract_16, uint16_t)
EXTRACT(extract_32, uint32_t)
EXTRACT(extract_64, uint64_t)

__attribute__((target("bmi2,popcnt"))) static void extract_128(uint8_t *string,
                                                               const uint8_t *labels)
{
  uint64_t x[2];

  memcpy(x, string, sizeof x);
  for (unsigned t = 0; t < KITH_RIFFLES; t++) {
    uint64_t ones[2];
    string128 low;
    string128 high;
    unsigned zeros_0;
    unsigned ones_0;
    unsigned n_zeros;

    memcpy(ones, labels + t * sizeof ones, sizeof ones);
    ones_0 = (unsigned)__builtin_popcountll(ones[0]);
    zeros_0 = 64 - ones_0;
    n_zeros = zeros_0 + 64 - (unsigned)__builtin_popcountll(ones[1]);
    low = _pext_u64(x[0], ~ones[0]) | (string128)_pext_u64(x[1], ~ones[1]) << zeros_0;
    high = _pext_u64(x[0], ones[0]) | (string128)_pext_u64(x[1], ones[1]) << ones_0;
    low |= high << (n_zeros & 127);
    x[0] = (uint64_t)low;
    x[1] = (uint64_t)(low >> 64);
  }
  memcpy(string, x, sizeof x);
}

bool kith_permute_extract(uint8_t *string, unsigned bits, const uint8_t *labels)
{
  if (!__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("popcnt"))
    return false;
  switch (bits) {
  case 128:
    extract_128(string, labels);
    break;
  case 64:
    extract_64(string, labels);
    break;
  case 32:
    extract_32(string, labels);
    break;
  case 16:
    extract_16(string, labels);
    break;
  default:
    extract_8(string, labels);
  }
  return true;
}
#else
bool kith_permute_extract(uint8_t *string, unsigned bits, const uint8_t *labels)
{
  (void)string;
  (void)bits;
  (void)labels;
  return false;
}
#endif

void kith_permute(uint8_t *string, unsigned bits, const uint8_t *labels)
{
  if (!kith_permute_extract(string, bits, labels))
    kith_permute_plain(string, bits, labels);
}
