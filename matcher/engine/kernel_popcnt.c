/* x86-64 with the instruction POPCNT (2008 on): a word at a time. What vectors must beat. */
#include <string.h>

#include "matcher/engine/kernel.h"

#if defined(__x86_64__)

enum { LANES = KITH_KERNEL_LANES };

#define TARGET __attribute__((target("popcnt")))

/* Eight sums in eight registers. */
TARGET static void count_block(uint64_t counts[LANES], const uint64_t *query, const uint64_t *block,
                               size_t n_words)
{
  uint64_t sums[LANES] = {0};
  for (size_t w = 0; w < n_words; w++) {
    const uint64_t word = query[w * KITH_KERNEL_QUAD_WORDS];
    const uint64_t *rows = block + w * LANES;
    sums[0] += (uint64_t)__builtin_popcountll(word & rows[0]);
    sums[1] += (uint64_t)__builtin_popcountll(word & rows[1]);
    sums[2] += (uint64_t)__builtin_popcountll(word & rows[2]);
    sums[3] += (uint64_t)__builtin_popcountll(word & rows[3]);
    sums[4] += (uint64_t)__builtin_popcountll(word & rows[4]);
    sums[5] += (uint64_t)__builtin_popcountll(word & rows[5]);
    sums[6] += (uint64_t)__builtin_popcountll(word & rows[6]);
    sums[7] += (uint64_t)__builtin_popcountll(word & rows[7]);
  }
  memcpy(counts, sums, sizeof sums);
}

TARGET size_t kith_kernel_scan_popcnt(const struct kith_kernel_scan *scan,
                                      struct kith_kernel_hit *hits)
{
  size_t n = 0;
  for (size_t k = scan->first_block; k < scan->end_block; k++) {
    const uint64_t *block = scan->blocks + k * scan->n_words * LANES;
    for (uint32_t i = 0; i < KITH_KERNEL_QUERIES; i++) {
      uint64_t counts[LANES];
      const uint64_t threshold = scan->thresholds[i][k];
      if (threshold == KITH_KERNEL_NEVER)
        continue;
      count_block(counts, scan->queries + i, block, scan->n_words);
      unsigned lanes = 0;
      for (unsigned lane = 0; lane < LANES; lane++)
        lanes |= (unsigned)(counts[lane] >= threshold) << lane;
      n += kith_kernel_hits(hits + n, lanes, k, i, counts);
    }
  }
  return n;
}

TARGET uint32_t kith_kernel_apart_popcnt(const uint64_t *a, const uint64_t *b, size_t n_words)
{
  uint64_t count = 0;
  for (size_t w = 0; w < n_words; w++)
    count += (uint64_t)__builtin_popcountll(a[w] ^ b[w]);
  return (uint32_t)count;
}

TARGET size_t kith_kernel_near_popcnt(uint64_t query, const uint64_t *words, size_t n,
                                      unsigned most, uint32_t *near)
{
  size_t n_near = 0;
  for (size_t i = 0; i < n; i++) {
    near[n_near] = (uint32_t)i;
    n_near += (unsigned)__builtin_popcountll(query ^ words[i]) <= most;
  }
  return n_near;
}

TARGET uint32_t kith_kernel_count_popcnt(const uint8_t *bytes, size_t n)
{
  uint64_t count = 0;
  for (size_t at = 0; at < n; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    memcpy(&word, bytes + at, n - at < sizeof word ? n - at : sizeof word);
    count += (uint64_t)__builtin_popcountll(word);
  }
  return (uint32_t)count;
}

#else

/* ISO C forbids an empty translation unit. */
typedef int kith_kernel_popcnt_unused;

#endif
