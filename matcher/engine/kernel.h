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

/* ---- the sieve: sums of minima of sketches (sketch.h), modulo 256
 *
 * Rows stand in units of 64, group by group: the count of group g of lane r of unit u is
 * sketches[(u x n_groups + g) x 64 + r]. A row passes for a query where
 *
 *   start[query][row] - shift[query] + the sum over groups of min(query's count, row's count),
 *
 * modulo 256, is at most window[query]. */
enum { KITH_KERNEL_UNIT = 64 };

struct kith_kernel_sieve {
  const uint32_t *queries; /* [g x 4 + i]: the count of query i in group g, in each byte */
  const uint8_t *sketches; /* the tile's first unit */
  size_t n_groups;
  size_t first_unit; /* of the tile, first_unit <= u < end_unit */
  size_t end_unit;
  const uint8_t *start[KITH_KERNEL_QUERIES]; /* 64-byte aligned, per row of the tile */
  uint8_t shift[KITH_KERNEL_QUERIES];
  uint8_t window[KITH_KERNEL_QUERIES];
};

struct kith_kernel_candidate {
  uint32_t row; /* of the tile */
  uint32_t query;
};

/* Writes the rows that pass, at most 4 x 64 x units; returns how many. */
typedef size_t kith_kernel_sieve_fn(const struct kith_kernel_sieve *sieve,
                                    struct kith_kernel_candidate *candidates);

/* The number of bits in which two rows of n_words words differ. */
typedef uint32_t kith_kernel_apart_fn(const uint64_t *a, const uint64_t *b, size_t n_words);

/* The number of set bits of n bytes. */
typedef uint32_t kith_kernel_count_fn(const uint8_t *bytes, size_t n);

/* ---- near: words that differ from the query's in few bits
 *
 * Writes which of the `n` words differ from `query` in at most `most` bits; returns how many. */
typedef size_t kith_kernel_near_fn(uint64_t query, const uint64_t *words, size_t n, unsigned most,
                                   uint32_t *near);

struct kith_kernel {
  const char *name;
  bool (*usable)(void);
  kith_kernel_scan_fn *scan;
  kith_kernel_sieve_fn *sieve;
  kith_kernel_apart_fn *apart;
  kith_kernel_near_fn *near;
  kith_kernel_count_fn *count;
  /* Measured costs, in cycles a pair of rows, for the planner. */
  double word_cost;   /* of a scan, a word */
  double group_cost;  /* of a sieve, a group */
  double verify_cost; /* of a candidate */
  double near_cost;   /* of two words */
};

/* The table, best first; *n kernels. */
const struct kith_kernel *kith_kernel_table(size_t *n);

/* The kernel named, or, where `name` is NULL, the one that KITH_KERNEL names in the environment,
 * or the best usable one. KITH_ERR_USAGE: no such kernel here. */
KITH_MUST_USE enum kith_err kith_kernel_choose(const struct kith_kernel **out, const char *name,
                                               struct kith_fault *fault);

#define KITH_KERNEL_DECLARE(suffix)                                                                \
  kith_kernel_scan_fn kith_kernel_scan_##suffix;                                                   \
  kith_kernel_sieve_fn kith_kernel_sieve_##suffix;                                                 \
  kith_kernel_apart_fn kith_kernel_apart_##suffix;                                                 \
  kith_kernel_near_fn kith_kernel_near_##suffix;                                                   \
  kith_kernel_count_fn kith_kernel_count_##suffix
KITH_KERNEL_DECLARE(scalar);
#if defined(__x86_64__)
KITH_KERNEL_DECLARE(avx2);
KITH_KERNEL_DECLARE(avx512);
kith_kernel_scan_fn kith_kernel_scan_avx512bw; /* the rest from the two */
kith_kernel_scan_fn kith_kernel_scan_popcnt;   /* the sieve from the plain one */
kith_kernel_apart_fn kith_kernel_apart_popcnt;
kith_kernel_near_fn kith_kernel_near_popcnt;
kith_kernel_count_fn kith_kernel_count_popcnt;
#elif defined(__aarch64__)
KITH_KERNEL_DECLARE(neon);
#endif

/* Units and queries with candidates. Most have none, and which have some can't be foreseen, so
 * they are noted without a branch and expanded together. */
enum { KITH_KERNEL_PENDING_MAX = 256 };
struct kith_kernel_pending {
  size_t n;
  uint64_t lanes[KITH_KERNEL_PENDING_MAX];
  uint32_t first_row[KITH_KERNEL_PENDING_MAX];
  uint32_t query[KITH_KERNEL_PENDING_MAX];
};

/* There must be room. */
static inline void kith_kernel_pend(struct kith_kernel_pending *pending, uint64_t lanes,
                                    size_t unit, uint32_t query)
{
  const size_t n = pending->n;
  pending->lanes[n] = lanes;
  pending->first_row[n] = (uint32_t)(unit * KITH_KERNEL_UNIT);
  pending->query[n] = query;
  pending->n = n + (lanes != 0);
}

/* Writes the candidates and forgets them; returns how many. */
static inline size_t kith_kernel_expand(struct kith_kernel_pending *pending,
                                        struct kith_kernel_candidate *candidates)
{
  size_t n = 0;
  for (size_t p = 0; p < pending->n; p++) {
    uint64_t lanes = pending->lanes[p];
    do {
      candidates[n++] = (struct kith_kernel_candidate){
          pending->first_row[p] + (uint32_t)__builtin_ctzll(lanes), pending->query[p]};
      lanes &= lanes - 1;
    } while (lanes);
  }
  pending->n = 0;
  return n;
}

/* The same where fewer than `room` more could be noted. */
static inline size_t kith_kernel_make_room(struct kith_kernel_pending *pending, size_t room,
                                           struct kith_kernel_candidate *candidates)
{
  return pending->n + room > KITH_KERNEL_PENDING_MAX ? kith_kernel_expand(pending, candidates) : 0;
}

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
