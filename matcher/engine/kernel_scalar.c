/* Plain C: for processors without a kernel of their own, and what the others are tested
 * against. Counts stay in bytes for as long as these can't overflow, so that no multiplication
 * or table is needed for each word, and a compiler can work on several lanes at once. */
#include <string.h>

#include "matcher/engine/kernel.h"

enum { LANES = KITH_KERNEL_LANES, WORDS_PER_SUM = 31 /* x 8 bits a byte <= 255 */ };

#define BYTES(b) (UINT64_C(0x0101010101010101) * (b))

/* The number of set bits of each byte. */
static inline uint64_t byte_counts(uint64_t x)
{
  x -= x >> 1 & BYTES(0x55);
  x = (x & BYTES(0x33)) + (x >> 2 & BYTES(0x33));
  return (x + (x >> 4)) & BYTES(0x0f);
}

/* The sum of the eight bytes; they may add up to more than a byte holds. */
static inline uint64_t byte_sum(uint64_t x)
{
  x = (x & UINT64_C(0x00ff00ff00ff00ff)) + (x >> 8 & UINT64_C(0x00ff00ff00ff00ff));
  return (x * UINT64_C(0x0001000100010001)) >> 48;
}

static void count_block(uint64_t counts[LANES], const uint64_t *query, const uint64_t *block,
                        size_t n_words)
{
  memset(counts, 0, LANES * sizeof counts[0]);
  for (size_t first = 0; first < n_words; first += WORDS_PER_SUM) {
    size_t end = n_words - first < WORDS_PER_SUM ? n_words : first + WORDS_PER_SUM;
    uint64_t bytes[LANES] = {0};
    for (size_t w = first; w < end; w++) {
      uint64_t word = query[w * KITH_KERNEL_QUAD_WORDS];
      for (unsigned lane = 0; lane < LANES; lane++)
        bytes[lane] += byte_counts(word & block[w * LANES + lane]);
    }
    for (unsigned lane = 0; lane < LANES; lane++)
      counts[lane] += byte_sum(bytes[lane]);
  }
}

size_t kith_kernel_scan_scalar(const struct kith_kernel_scan *scan, struct kith_kernel_hit *hits)
{
  size_t n = 0;
  for (size_t k = scan->first_block; k < scan->end_block; k++) {
    const uint64_t *block = scan->blocks + k * scan->n_words * LANES;
    for (uint32_t i = 0; i < KITH_KERNEL_QUERIES; i++) {
      uint64_t counts[LANES];
      uint64_t threshold = scan->thresholds[i][k];
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

size_t kith_kernel_sieve_scalar(const struct kith_kernel_sieve *sieve,
                                struct kith_kernel_candidate *candidates)
{
  size_t n = 0;
  struct kith_kernel_pending pending;
  pending.n = 0;
  for (size_t u = sieve->first_unit; u < sieve->end_unit; u++) {
    const uint8_t *sketches = sieve->sketches + u * sieve->n_groups * KITH_KERNEL_UNIT;
    for (uint32_t i = 0; i < KITH_KERNEL_QUERIES; i++) {
      uint8_t sums[KITH_KERNEL_UNIT];
      for (unsigned r = 0; r < KITH_KERNEL_UNIT; r++)
        sums[r] = (uint8_t)(sieve->start[i][u * KITH_KERNEL_UNIT + r] - sieve->shift[i]);
      for (size_t g = 0; g < sieve->n_groups; g++) {
        uint8_t count = (uint8_t)sieve->queries[g * KITH_KERNEL_QUERIES + i];
        const uint8_t *row = sketches + g * KITH_KERNEL_UNIT;
        for (unsigned r = 0; r < KITH_KERNEL_UNIT; r++)
          sums[r] = (uint8_t)(sums[r] + (row[r] < count ? row[r] : count));
      }
      uint64_t lanes = 0;
      for (unsigned r = 0; r < KITH_KERNEL_UNIT; r++)
        lanes |= (uint64_t)(sums[r] <= sieve->window[i]) << r;
      n += kith_kernel_make_room(&pending, 1, candidates + n);
      kith_kernel_pend(&pending, lanes, u, i);
    }
  }
  return n + kith_kernel_expand(&pending, candidates + n);
}

uint32_t kith_kernel_apart_scalar(const uint64_t *a, const uint64_t *b, size_t n_words)
{
  uint64_t count = 0;
  for (size_t w = 0; w < n_words; w++)
    count += byte_sum(byte_counts(a[w] ^ b[w]));
  return (uint32_t)count;
}

size_t kith_kernel_near_scalar(uint64_t query, const uint64_t *words, size_t n, unsigned most,
                               uint32_t *near)
{
  size_t n_near = 0;
  for (size_t i = 0; i < n; i++) {
    near[n_near] = (uint32_t)i;
    n_near += byte_sum(byte_counts(query ^ words[i])) <= most;
  }
  return n_near;
}

uint32_t kith_kernel_count_scalar(const uint8_t *bytes, size_t n)
{
  uint64_t count = 0;
  for (size_t at = 0; at < n; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    memcpy(&word, bytes + at, n - at < sizeof word ? n - at : sizeof word);
    count += byte_sum(byte_counts(word));
  }
  return (uint32_t)count;
}
