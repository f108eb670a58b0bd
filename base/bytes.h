/* Whole numbers in files, little-endian. */
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

#endif
