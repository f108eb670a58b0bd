/* NEON, which every 64-bit ARM processor has: bits are counted byte by byte (CNT), bytes are
 * summed when they could overflow. Two rows stand in a register. */
#include "matcher/engine/kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>

enum {
  LANES = KITH_KERNEL_LANES,
  QUERIES = KITH_KERNEL_QUERIES,
  PAIRS = LANES / 2,
  WORDS_PER_SUM = 31 /* x 8 bits a byte <= 255 */
};

static inline uint8x16_t load(const void *bytes)
{
  return vld1q_u8(bytes);
}

/* The sums of the eight bytes of each half. */
static inline uint64x2_t sum_bytes(uint8x16_t bytes)
{
  return vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(bytes)));
}

static inline uint8x16_t add_common(uint8x16_t bytes, uint8x16_t query, uint8x16_t rows)
{
  return vaddq_u8(bytes, vcntq_u8(vandq_u8(query, rows)));
}

/* Two queries against the eight rows of a block: eight sums in registers. */
static inline void count_block(uint64x2_t counts[2][PAIRS], const uint64_t *queries,
                               const uint64_t *block, size_t n_words)
{
  for (unsigned p = 0; p < PAIRS; p++)
    counts[0][p] = counts[1][p] = vdupq_n_u64(0);
  for (size_t first = 0; first < n_words; first += WORDS_PER_SUM) {
    const size_t end = n_words - first < WORDS_PER_SUM ? n_words : first + WORDS_PER_SUM;
    uint8x16_t a0 = vdupq_n_u8(0), a1 = a0, a2 = a0, a3 = a0;
    uint8x16_t b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (size_t w = first; w < end; w++) {
      const uint64_t *query = queries + w * KITH_KERNEL_QUAD_WORDS;
      const uint8x16_t x = vreinterpretq_u8_u64(vdupq_n_u64(query[0]));
      const uint8x16_t y = vreinterpretq_u8_u64(vdupq_n_u64(query[1]));
      const uint64_t *rows = block + w * LANES;
      const uint8x16_t r0 = load(rows), r1 = load(rows + 2);
      const uint8x16_t r2 = load(rows + 4), r3 = load(rows + 6);
      a0 = add_common(a0, x, r0), b0 = add_common(b0, y, r0);
      a1 = add_common(a1, x, r1), b1 = add_common(b1, y, r1);
      a2 = add_common(a2, x, r2), b2 = add_common(b2, y, r2);
      a3 = add_common(a3, x, r3), b3 = add_common(b3, y, r3);
    }
    counts[0][0] = vaddq_u64(counts[0][0], sum_bytes(a0));
    counts[0][1] = vaddq_u64(counts[0][1], sum_bytes(a1));
    counts[0][2] = vaddq_u64(counts[0][2], sum_bytes(a2));
    counts[0][3] = vaddq_u64(counts[0][3], sum_bytes(a3));
    counts[1][0] = vaddq_u64(counts[1][0], sum_bytes(b0));
    counts[1][1] = vaddq_u64(counts[1][1], sum_bytes(b1));
    counts[1][2] = vaddq_u64(counts[1][2], sum_bytes(b2));
    counts[1][3] = vaddq_u64(counts[1][3], sum_bytes(b3));
  }
}

static inline size_t report(struct kith_kernel_hit *hits, const uint64x2_t sums[PAIRS],
                            uint64_t threshold, size_t block, uint32_t query)
{
  uint64_t counts[LANES];
  unsigned lanes = 0;
  for (unsigned p = 0; p < PAIRS; p++)
    vst1q_u64(counts + 2 * p, sums[p]);
  for (unsigned lane = 0; lane < LANES; lane++)
    lanes |= (unsigned)(counts[lane] >= threshold) << lane;
  return kith_kernel_hits(hits, lanes, block, query, counts);
}

static inline bool any_reached(const uint64x2_t sums[PAIRS], uint64_t threshold)
{
  const uint64x2_t least = vdupq_n_u64(threshold);
  const uint64x2_t any = vorrq_u64(vorrq_u64(vcgeq_u64(sums[0], least), vcgeq_u64(sums[1], least)),
                                   vorrq_u64(vcgeq_u64(sums[2], least), vcgeq_u64(sums[3], least)));
  return vmaxvq_u32(vreinterpretq_u32_u64(any)) != 0;
}

size_t kith_kernel_scan_neon(const struct kith_kernel_scan *scan, struct kith_kernel_hit *hits)
{
  size_t n = 0;
  for (size_t k = scan->first_block; k < scan->end_block; k++) {
    const uint64_t *block = scan->blocks + k * scan->n_words * LANES;
    for (uint32_t i = 0; i < QUERIES; i += 2) {
      uint64x2_t counts[2][PAIRS];
      count_block(counts, scan->queries + i, block, scan->n_words);
      for (uint32_t j = 0; j < 2; j++)
        if (__builtin_expect(any_reached(counts[j], scan->thresholds[i + j][k]), 0))
          n += report(hits + n, counts[j], scan->thresholds[i + j][k], k, i + j);
    }
  }
  return n;
}

/* ---- the sieve: 64 rows in four registers */

enum { PARTS = KITH_KERNEL_UNIT / 16 };

/* Bit r: byte r of the four masks, 0 or 255, is set. */
static inline uint64_t bits_of(const uint8x16_t masks[PARTS])
{
  static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t place = load(places);
  const uint8x16_t low = vpaddq_u8(vandq_u8(masks[0], place), vandq_u8(masks[1], place));
  const uint8x16_t high = vpaddq_u8(vandq_u8(masks[2], place), vandq_u8(masks[3], place));
  const uint8x16_t fours = vpaddq_u8(low, high);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(fours, fours)), 0);
}

static inline uint64_t pass(const uint8x16_t sums[PARTS], uint8_t window)
{
  const uint8x16_t most = vdupq_n_u8(window);
  uint8x16_t masks[PARTS];
  for (unsigned p = 0; p < PARTS; p++)
    masks[p] = vcleq_u8(sums[p], most);
  return bits_of(masks);
}

static inline uint8x16_t add_least(uint8x16_t sum, uint8x16_t count, uint8x16_t rows)
{
  return vaddq_u8(sum, vminq_u8(count, rows));
}

/* Two queries, i and i + 1, against a unit. */
static void sieve_unit(const struct kith_kernel_sieve *sieve, size_t unit, uint32_t i,
                       struct kith_kernel_pending *pending)
{
  const uint8_t *rows = sieve->sketches + unit * sieve->n_groups * KITH_KERNEL_UNIT;
  const uint32_t *query = sieve->queries + i;
  uint8x16_t a[PARTS];
  uint8x16_t b[PARTS];
  for (unsigned p = 0; p < PARTS; p++) {
    const size_t at = unit * KITH_KERNEL_UNIT + 16 * p;
    a[p] = vsubq_u8(load(sieve->start[i] + at), vdupq_n_u8(sieve->shift[i]));
    b[p] = vsubq_u8(load(sieve->start[i + 1] + at), vdupq_n_u8(sieve->shift[i + 1]));
  }
  for (size_t g = 0; g < sieve->n_groups; g++) {
    const uint8x16_t x = vreinterpretq_u8_u32(vdupq_n_u32(query[0]));
    const uint8x16_t y = vreinterpretq_u8_u32(vdupq_n_u32(query[1]));
    const uint8x16_t r0 = load(rows), r1 = load(rows + 16);
    const uint8x16_t r2 = load(rows + 32), r3 = load(rows + 48);
    a[0] = add_least(a[0], x, r0), b[0] = add_least(b[0], y, r0);
    a[1] = add_least(a[1], x, r1), b[1] = add_least(b[1], y, r1);
    a[2] = add_least(a[2], x, r2), b[2] = add_least(b[2], y, r2);
    a[3] = add_least(a[3], x, r3), b[3] = add_least(b[3], y, r3);
    rows += KITH_KERNEL_UNIT;
    query += QUERIES;
  }
  kith_kernel_pend(pending, pass(a, sieve->window[i]), unit, i);
  kith_kernel_pend(pending, pass(b, sieve->window[i + 1]), unit, i + 1);
}

size_t kith_kernel_sieve_neon(const struct kith_kernel_sieve *sieve,
                              struct kith_kernel_candidate *candidates)
{
  size_t n = 0;
  struct kith_kernel_pending pending;
  pending.n = 0;
  for (size_t u = sieve->first_unit; u < sieve->end_unit; u++) {
    n += kith_kernel_make_room(&pending, QUERIES, candidates + n);
    for (uint32_t i = 0; i < QUERIES; i += 2)
      sieve_unit(sieve, u, i, &pending);
  }
  return n + kith_kernel_expand(&pending, candidates + n);
}

/* ---- single rows and words */

static inline uint32_t count_word(uint64_t word)
{
  return vaddlv_u8(vcnt_u8(vcreate_u8(word)));
}

uint32_t kith_kernel_apart_neon(const uint64_t *a, const uint64_t *b, size_t n_words)
{
  uint64x2_t sum = vdupq_n_u64(0);
  size_t w = 0;
  while (w + 2 <= n_words) {
    uint8x16_t bytes = vdupq_n_u8(0);
    const size_t end = n_words - w < 2 * WORDS_PER_SUM ? n_words : w + 2 * WORDS_PER_SUM;
    for (; w + 2 <= end; w += 2)
      bytes = vaddq_u8(bytes, vcntq_u8(veorq_u8(load(a + w), load(b + w))));
    sum = vaddq_u64(sum, sum_bytes(bytes));
  }
  uint32_t count = (uint32_t)vaddvq_u64(sum);
  return w < n_words ? count + count_word(a[w] ^ b[w]) : count;
}

size_t kith_kernel_near_neon(uint64_t query, const uint64_t *words, size_t n, unsigned most,
                             uint32_t *near)
{
  size_t n_near = 0;
  for (size_t i = 0; i < n; i++) {
    near[n_near] = (uint32_t)i;
    n_near += count_word(query ^ words[i]) <= most;
  }
  return n_near;
}

uint32_t kith_kernel_count_neon(const uint8_t *bytes, size_t n)
{
  uint32_t count = 0;
  size_t at = 0;
  for (; at + 16 <= n; at += 16)
    count += vaddlvq_u8(vcntq_u8(load(bytes + at)));
  for (; at < n; at++)
    count += (uint32_t)__builtin_popcount(bytes[at]);
  return count;
}

#else
typedef int kith_kernel_neon_is_for_aarch64;
#endif
