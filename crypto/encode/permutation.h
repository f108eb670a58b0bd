/* Keyed permutation of a string of bits in constant time (docs/blind.md, 3 and 8): KITH_RIFFLES
 * riffles, each by one bit of every position's label. What comes out is uniform among the strings
 * of its weight w up to a statistical distance of w (n - w) / 2^40, if labels are random; Bayer and
 * Diaconis, "Trailing the dovetail shuffle to its lair" (1992), for the inverse riffle. */
#ifndef KITH_CRYPTO_ENCODE_PERMUTATION_H
#define KITH_CRYPTO_ENCODE_PERMUTATION_H

#include <stdbool.h>
#include <stdint.h>

enum { KITH_RIFFLES = 40, KITH_PERMUTE_BYTES_MAX = 16 };

/* In place; bits: 8, 16, 32, 64 or 128; bit b is bit b % 8 of byte b / 8. labels: KITH_RIFFLES
 * times bits / 8 bytes, bit b of the t-th piece being bit t of the label of b. */
void kith_permute(uint8_t *string, unsigned bits, const uint8_t *labels);

/* The two variants, for tests and the benchmark. */
void kith_permute_plain(uint8_t *string, unsigned bits, const uint8_t *labels);
/* False: this processor has no parallel bit extract, and nothing was done. */
bool kith_permute_extract(uint8_t *string, unsigned bits, const uint8_t *labels);

#endif
