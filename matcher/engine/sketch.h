/* Count sketches: a few sums per row that bound how many bits two rows can have in common.
 *
 * The bits are split into groups, some of them inverted; a row's sketch is its number of set bits
 * in each group, a byte each. For two rows so inverted, x and y, at most the sum over groups of
 * min(x_g, y_g) bits are common, so a pair whose sum is too small is dropped without looking at the
 * rows, and none is dropped that should not be. Bits of Bloom filters of q-grams are correlated:
 * groups chosen to spread the counts (the greatest sum of their standard deviations, from the
 * covariance of a sample) make the bound much sharper than random groups. What is learned
 * needs neither key nor plaintext, and changes the speed only, never the result. */
#ifndef KITH_MATCHER_ENGINE_SKETCH_H
#define KITH_MATCHER_ENGINE_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/encodings.h"

enum {
  KITH_SKETCH_BITS_MAX = 2048, /* the covariance has bits x bits entries */
  KITH_SKETCH_GROUPS_MAX = 128,
  KITH_SKETCH_GROUP_BITS_MAX = 240, /* a count fits a byte */
};

/* A plain value but for size. Bit 64 w + i is bit i of word w of a packed row. */
struct kith_sketch {
  unsigned n_groups;
  unsigned n_bits; /* 64 x words */
  uint8_t group[KITH_SKETCH_BITS_MAX];
  bool inverted[KITH_SKETCH_BITS_MAX];
};

/* Covariances of the bits over a sample of rows; learned once for several sketches.
 * Life: kith_covariance_new, kith_sketch_learn, kith_covariance_free. */
struct kith_covariance {
  unsigned n_bits;
  float *entries; /* owned, n_bits x n_bits */
};
struct kith_bit_order;
struct kith_kernel;
KITH_MUST_USE enum kith_err
kith_covariance_new(struct kith_covariance *out, const struct kith_encodings *const *parties,
                    unsigned n_parties, const struct kith_bit_order *order,
                    const struct kith_kernel *kernel, unsigned n_threads);
void kith_covariance_free(struct kith_covariance *covariance);

/* n_groups from the least that n_bits needs to KITH_SKETCH_GROUPS_MAX. */
KITH_MUST_USE enum kith_err kith_sketch_learn(struct kith_sketch *out,
                                              const struct kith_covariance *covariance,
                                              unsigned n_groups);

/* What each four bits of a row add to the counts of all groups. Life: kith_sketch_table_new,
 * kith_sketch_table_row by any thread, kith_sketch_table_free. */
struct kith_sketch_table {
  unsigned n_groups;
  size_t n_nibbles;
  size_t n_lanes;  /* 16-byte lanes that hold n_groups bytes */
  uint8_t *counts; /* owned, aligned, n_nibbles x 16 x n_lanes x 16 */
};
KITH_MUST_USE enum kith_err kith_sketch_table_new(struct kith_sketch_table *out,
                                                  const struct kith_sketch *sketch);
void kith_sketch_table_free(struct kith_sketch_table *table);
/* counts[0 .. n_groups) of a row; returns their sum. */
int32_t kith_sketch_table_row(const struct kith_sketch_table *table, uint8_t *counts,
                              const uint64_t *row);

#endif
