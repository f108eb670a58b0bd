/* Whole numbers in files and keys: little-endian, or big-endian where bytes are to sort like
 * numbers. */
#ifndef KITH_BASE_BYTES_H
#define KITH_BASE_BYTES_H

#include <stdint.h>

/* The low n_bytes of the value, at most 8. */
static inline void kith_put_le(uint8_t *out, unsigned n_bytes, uint64_t value)
{
  for (unsigned i = 0; i < n_bytes; i++)
    out[i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t kith_get_le(const uint8_t *in, unsigned n_bytes)
{
  uint64_t value = 0;
  for (unsigned i = 0; i < n_bytes; i++)
    value |= (uint64_t)in[i] << 8 * i;
  return value;
}

static inline void kith_put_be(uint8_t *out, unsigned n_bytes, uint64_t value)
{
  for (unsigned i = 0; i < n_bytes; i++)
    out[i] = (uint8_t)(value >> 8 * (n_bytes - 1 - i));
}

static inline uint64_t kith_get_be(const uint8_t *in, unsigned n_bytes)
{
  uint64_t value = 0;
  for (unsigned i = 0; i < n_bytes; i++)
    value = value << 8 | in[i];
  return value;
}

#endif
