/* An order of the bits of a row in which every run of neighbours tells rows apart about equally
 * well. Bits of a Bloom filter differ much in this: some are set in nearly every row or in hardly
 * any, and those of a common token are set together. The pigeonhole join cuts rows into runs
 * (pigeon.h), and a dull run would throw too many rows together.
 *
 * The order changes the speed only, never the result: counts of common bits do not depend on it. */
#ifndef KITH_MATCHER_ENGINE_ORDER_H
#define KITH_MATCHER_ENGINE_ORDER_H

#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/sketch.h"
#include "proto/encodings.h"

/* A plain value but for size. */
struct kith_bit_order {
  unsigned n_bits; /* 64 x words of a row; rows longer than KITH_SKETCH_BITS_MAX stay as they are */
  uint16_t to[KITH_SKETCH_BITS_MAX]; /* where bit i of byte b, 8 b + i, goes */
};

/* Bits as they are. */
void kith_bit_order_none(struct kith_bit_order *out, unsigned n_bits);
/* From a sample of rows: bits are ranked by entropy, and rank k goes to the place that is k with
 * its binary digits reversed, so that each run has its share of every rank. */
void kith_bit_order_learn(struct kith_bit_order *out, unsigned n_bits,
                          const struct kith_encodings *const *parties, unsigned n_parties,
                          unsigned n_threads);

/* Rows spread evenly over all parties: at most `most` of them; returns how many. Borrowed. */
size_t kith_bit_order_sample(const uint8_t **rows, size_t most,
                             const struct kith_encodings *const *parties, unsigned n_parties);

/* out: n x n_bits / 64 words, overwritten with the party's rows `rows` in the new order, one row
 * after the other. */
void kith_bit_order_rows(const struct kith_bit_order *order, uint64_t *out,
                         const struct kith_encodings *enc, const uint32_t *rows, size_t n);

#endif
