/* Hex and base64 (standard alphabet, padded), strictly; UTF-8 checks; exact decimals. */
#ifndef KITH_BASE_TEXT_H
#define KITH_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* out holds 2 x len + 1 bytes. */
void kith_hex_encode(char *out, const void *bytes, size_t len);
/* Exactly 2 x len digits; KITH_ERR_DATA otherwise. */
KITH_MUST_USE enum kith_err kith_hex_decode(void *out, size_t len, const char *hex);

#define KITH_BASE64_BYTES(len) (((len) + 2) / 3 * 4 + 1)
/* By vectors of 64 or 16 bytes where the machine has them. */
void kith_base64_encode(char *out, const void *bytes, size_t len);
/* The same for any machine, and what the other is tested against. */
void kith_base64_encode_plain(char *out, const void *bytes, size_t len);
/* Exactly `len` bytes, canonical padding; KITH_ERR_DATA otherwise. */
KITH_MUST_USE enum kith_err kith_base64_decode(void *out, size_t len, const char *base64);
/* Any length up to `cap`; *len is set. */
KITH_MUST_USE enum kith_err kith_base64_decode_any(void *out, size_t *len, size_t cap,
                                                   const char *base64, size_t base64_len);

bool kith_utf8_valid(const char *text, size_t len);

/* numerator / denominator, both at most 10^9, the denominator above 0. */
struct kith_ratio {
  uint32_t numerator;
  uint32_t denominator;
};

/* Reads an exact decimal of up to 9 digits ("0.85", "1") or "N/D" in [0, 1], never through
 * floating point. KITH_ERR_USAGE with *fault otherwise. */
KITH_MUST_USE enum kith_err kith_ratio_parse(struct kith_ratio *out, const char *text,
                                             struct kith_fault *fault);
double kith_ratio_double(struct kith_ratio ratio);

/* Strict decimal integer in [min, max]: no sign, blanks or trailing bytes. */
KITH_MUST_USE enum kith_err kith_u64_parse(uint64_t *out, const char *text, uint64_t min,
                                           uint64_t max);

#endif
