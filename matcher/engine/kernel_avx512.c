/* AVX-512 with VPOPCNTDQ: eight rows to a register, one word of each; the sums of words are the
 * counts, with no sum across lanes. Two blocks against four queries use each broadcast twice. */
#include "matcher/engine/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vpopcntdq")))

enum { LANES = KITH_KERNEL_LANES, QUERIES = KITH_KERNEL_QUERIES };

AVX512 static inline __m512i add_common(__m512i sum, __m512i word, __m512i rows)
{
  return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_and_si512(word, rows)));
}

AVX512 static inline __m512i broadcast(const uint64_t *word)
{
  return _mm512_set1_epi64((long long)*word);
}

AVX512 static __attribute__((noinline)) size_t report(struct kith_kernel_hit *hits,
                                                      const struct kith_kernel_scan *scan, size_t k,
                                                      const __m512i *sums)
{
  size_t n = 0;
  for (uint32_t i = 0; i < QUERIES; i++) {
    _Alignas(64) uint64_t counts[LANES];
    _mm512_store_si512(counts, sums[i]);
    unsigned lanes = _mm512_cmpge_epu64_mask(sums[i], broadcast(&scan->thresholds[i][k]));
    /* gcc 12 under sanitizers stores the mask as a byte and loads it as a word. */
    __asm__("" : "+r"(lanes));
    n += kith_kernel_hits(hits + n, lanes, k, i, counts);
  }
  return n;
}

AVX512 static inline unsigned any_reached(const struct kith_kernel_scan *scan, size_t k,
                                          const __m512i *sums)
{
  unsigned any = 0;
  for (unsigned i = 0; i < QUERIES; i++)
    any |= (unsigned)_mm512_cmpge_epu64_mask(sums[i], broadcast(&scan->thresholds[i][k])) & 0xff;
  return any;
}

/* Sums of two blocks; `next` may be `block` itself. */
AVX512 static inline void count_blocks(__m512i here[QUERIES], __m512i there[QUERIES],
                                       const uint64_t *queries, const uint64_t *block,
                                       const uint64_t *next, size_t n_words)
{
  __m512i a0 = _mm512_setzero_si512(), a1 = a0, a2 = a0, a3 = a0;
  __m512i b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (size_t w = 0; w < n_words; w++) {
    const uint64_t *query = queries + w * KITH_KERNEL_QUAD_WORDS;
    __m512i x = _mm512_load_si512(block + w * LANES);
    __m512i y = _mm512_load_si512(next + w * LANES);
    __m512i word = broadcast(query);
    a0 = add_common(a0, word, x);
    b0 = add_common(b0, word, y);
    word = broadcast(query + 1);
    a1 = add_common(a1, word, x);
    b1 = add_common(b1, word, y);
    word = broadcast(query + 2);
    a2 = add_common(a2, word, x);
    b2 = add_common(b2, word, y);
    word = broadcast(query + 3);
    a3 = add_common(a3, word, x);
    b3 = add_common(b3, word, y);
  }
  here[0] = a0, here[1] = a1, here[2] = a2, here[3] = a3;
  there[0] = b0, there[1] = b1, there[2] = b2, there[3] = b3;
}

AVX512 size_t kith_kernel_scan_avx512(const struct kith_kernel_scan *scan,
                                      struct kith_kernel_hit *hits)
{
  size_t n = 0;
  const size_t block_words = scan->n_words * LANES;
  const uint64_t *block = scan->blocks + scan->first_block * block_words;
  for (size_t k = scan->first_block; k < scan->end_block; k += 2) {
    __m512i here[QUERIES];
    __m512i there[QUERIES];
    bool both = k + 1 < scan->end_block;
    count_blocks(here, there, scan->queries, block, both ? block + block_words : block,
                 scan->n_words);
    if (__builtin_expect(any_reached(scan, k, here) != 0, 0))
      n += report(hits + n, scan, k, here);
    if (both && __builtin_expect(any_reached(scan, k + 1, there) != 0, 0))
      n += report(hits + n, scan, k + 1, there);
    block += 2 * block_words;
  }
  return n;
}

AVX512 static inline __m512i add_least(__m512i sum, __m512i count, __m512i rows)
{
  return _mm512_add_epi8(sum, _mm512_min_epu8(count, rows));
}

AVX512 static inline __m512i started(const struct kith_kernel_sieve *sieve, unsigned i, size_t unit)
{
  return _mm512_sub_epi8(_mm512_load_si512(sieve->start[i] + unit * KITH_KERNEL_UNIT),
                         _mm512_set1_epi8((char)sieve->shift[i]));
}

AVX512 static inline size_t pass(struct kith_kernel_candidate *candidates,
                                 const struct kith_kernel_sieve *sieve, __m512i sum, size_t unit,
                                 unsigned i)
{
  uint64_t lanes = _mm512_cmple_epu8_mask(sum, _mm512_set1_epi8((char)sieve->window[i]));
  return kith_kernel_candidates(candidates, lanes, unit, i);
}

AVX512 size_t kith_kernel_sieve_avx512(const struct kith_kernel_sieve *sieve,
                                       struct kith_kernel_candidate *candidates)
{
  size_t n = 0;
  const size_t unit_bytes = sieve->n_groups * KITH_KERNEL_UNIT;
  for (size_t u = sieve->first_unit; u < sieve->end_unit; u += 2) {
    size_t v = u + 1 < sieve->end_unit ? u + 1 : u; /* the last may be alone */
    const uint8_t *here = sieve->sketches + u * unit_bytes;
    const uint8_t *there = sieve->sketches + v * unit_bytes;
    const uint32_t *query = sieve->queries;
    __m512i a0 = started(sieve, 0, u), a1 = started(sieve, 1, u);
    __m512i a2 = started(sieve, 2, u), a3 = started(sieve, 3, u);
    __m512i b0 = started(sieve, 0, v), b1 = started(sieve, 1, v);
    __m512i b2 = started(sieve, 2, v), b3 = started(sieve, 3, v);
    for (size_t at = 0; at < unit_bytes; at += KITH_KERNEL_UNIT) {
      __m512i x = _mm512_load_si512(here + at), y = _mm512_load_si512(there + at);
      __m512i count = _mm512_set1_epi32((int)query[0]);
      a0 = add_least(a0, count, x);
      b0 = add_least(b0, count, y);
      count = _mm512_set1_epi32((int)query[1]);
      a1 = add_least(a1, count, x);
      b1 = add_least(b1, count, y);
      count = _mm512_set1_epi32((int)query[2]);
      a2 = add_least(a2, count, x);
      b2 = add_least(b2, count, y);
      count = _mm512_set1_epi32((int)query[3]);
      a3 = add_least(a3, count, x);
      b3 = add_least(b3, count, y);
      query += QUERIES;
    }
    n += pass(candidates + n, sieve, a0, u, 0);
    n += pass(candidates + n, sieve, a1, u, 1);
    n += pass(candidates + n, sieve, a2, u, 2);
    n += pass(candidates + n, sieve, a3, u, 3);
    if (v == u)
      break;
    n += pass(candidates + n, sieve, b0, v, 0);
    n += pass(candidates + n, sieve, b1, v, 1);
    n += pass(candidates + n, sieve, b2, v, 2);
    n += pass(candidates + n, sieve, b3, v, 3);
  }
  return n;
}

AVX512 uint32_t kith_kernel_common_avx512(const uint64_t *a, const uint64_t *b, size_t n_words)
{
  __m512i sum = _mm512_setzero_si512();
  size_t w = 0;
  for (; w + LANES <= n_words; w += LANES)
    sum = add_common(sum, _mm512_loadu_si512(a + w), _mm512_loadu_si512(b + w));
  __mmask8 rest = (__mmask8)((1u << (n_words - w)) - 1);
  sum =
      add_common(sum, _mm512_maskz_loadu_epi64(rest, a + w), _mm512_maskz_loadu_epi64(rest, b + w));
  return (uint32_t)_mm512_reduce_add_epi64(sum);
}

/* The sums of the distances in each 8 bytes, added up over the row's `width`. */
AVX512 static inline __m512i row_sums(__m512i sums, size_t width)
{
  if (width >= 16)
    sums = _mm512_add_epi64(sums, _mm512_shuffle_epi32(sums, _MM_PERM_BADC));
  if (width == 32)
    sums = _mm512_add_epi64(sums, _mm512_shuffle_i64x2(sums, sums, 0xb1));
  return sums;
}

AVX512 static inline __attribute__((always_inline)) size_t near_rows(const uint8_t *query,
                                                                     const uint8_t *rows, size_t n,
                                                                     size_t width, uint32_t most,
                                                                     uint32_t *near)
{
  const size_t at_once = 64 / width;
  const unsigned step = (unsigned)(8 / at_once);
  const __m512i limit = _mm512_set1_epi64((long long)most);
  __m512i own;
  size_t n_near = 0;
  uint64_t word;
  if (width == 8) {
    memcpy(&word, query, sizeof word);
    own = _mm512_set1_epi64((long long)word);
  } else if (width == 16) {
    own = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)query));
  } else {
    own = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)query));
  }
  for (size_t r = 0; r < n; r += at_once, rows += 64) {
    __m512i sums = row_sums(_mm512_sad_epu8(own, _mm512_loadu_si512(rows)), width);
    unsigned lanes = _mm512_cmple_epu64_mask(sums, limit);
    __asm__("" : "+r"(lanes)); /* as in report() */
    if (__builtin_expect(lanes != 0, 0))
      for (size_t i = 0; i < at_once && r + i < n; i++)
        if (lanes >> i * step & 1)
          near[n_near++] = (uint32_t)(r + i);
  }
  return n_near;
}

AVX512 size_t kith_kernel_near_avx512(const uint8_t *query, const uint8_t *rows, size_t n,
                                      size_t width, uint32_t most, uint32_t *near)
{
  switch (width) {
  case 8:
    return near_rows(query, rows, n, 8, most, near);
  case 16:
    return near_rows(query, rows, n, 16, most, near);
  default:
    return near_rows(query, rows, n, 32, most, near);
  }
}

#else
typedef int kith_kernel_avx512_is_for_x86;
#endif
