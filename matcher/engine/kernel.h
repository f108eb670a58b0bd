/* Kernels: count the common bits of a few queries with many rows, and tell where the count
 * reaches a threshold. One file per instruction set; every kernel gives the same hits.
 *
 * Rows stand in blocks of eight, word by word: word w of lane r of block k is
 * blocks[(k x n_words + w) x 8 + r], 64-byte aligned. Queries come in fours: word w of query i is
 * queries[w x 8 + i], the same word shifted right by four bits is queries[w x 8 + 4 + i]. */
#ifndef KITH_MATCHER_ENGINE_KERNEL_H
#define KITH_MATCHER_ENGINE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
  KITH_KERNEL_LANES = 8,   /* rows of a block */
  KITH_KERNEL_QUERIES = 4, /* queries of a quad */
  KITH_KERNEL_QUAD_WORDS = 2 * KITH_KERNEL_QUERIES,
  KITH_KERNEL_ALIGNMENT = 64
};

/* A threshold that no count reaches; positive for signed comparisons too. */
#define KITH_KERNEL_NEVER ((uint64_t)INT64_MAX)

struct kith_kernel_scan {
  const uint64_t *queries;
  const uint64_t *blocks; /* the tile's first block */
  size_t n_words;
  size_t first_block; /* of the tile, first_block <= k < end_block */
  size_t end_block;
  const uint64_t *thresholds[KITH_KERNEL_QUERIES]; /* per query, per block of the tile */
};

struct kith_kernel_hit {
  uint32_t row; /* in the tile: block x 8 + lane */
  uint32_t query;
  uint32_t common;
};

/* Writes a hit for every (query, row) whose count is at or above the threshold of the row's
 * block; at most 4 x 8 x blocks of them. Returns how many. */
typedef size_t kith_kernel_scan_fn(const struct kith_kernel_scan *scan,
                                   struct kith_kernel_hit *hits);

struct kith_kernel {
  const char *name;
  bool (*usable)(void);
  kith_kernel_scan_fn *scan;
};

/* The table, best first; *n kernels. */
const struct kith_kernel *kith_kernel_table(size_t *n);

/* The kernel named, or, where `name` is NULL, the one that KITH_KERNEL names in the environment,
 * or the best usable one. KITH_ERR_USAGE: no such kernel here. */
KITH_MUST_USE enum kith_err kith_kernel_choose(const struct kith_kernel **out, const char *name,
                                               struct kith_fault *fault);

kith_kernel_scan_fn kith_kernel_scan_scalar;
#if defined(__x86_64__)
kith_kernel_scan_fn kith_kernel_scan_avx2;
kith_kernel_scan_fn kith_kernel_scan_avx512;
#endif

/* Appends the hits of one block for one query. */
static inline size_t kith_kernel_hits(struct kith_kernel_hit *hits, unsigned lanes, size_t block,
                                      uint32_t query, const uint64_t counts[KITH_KERNEL_LANES])
{
  size_t n = 0;
  while (lanes) {
    unsigned lane = (unsigned)__builtin_ctz(lanes);
    lanes &= lanes - 1;
    hits[n++] = (struct kith_kernel_hit){(uint32_t)(block * KITH_KERNEL_LANES + lane), query,
                                         (uint32_t)counts[lane]};
  }
  return n;
}

#endif
