/* AVX-512 with VPOPCNTDQ: eight rows to a register, one word of each; the sums of words are the
 * counts, with no sum across lanes. Two blocks against four queries use each broadcast twice. */
#include "matcher/engine/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vpopcntdq")))
#define SIEVE __attribute__((target("avx512f,avx512bw"))) /* avx512bw's too */

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

SIEVE static inline __m512i add_least(__m512i sum, __m512i count, __m512i rows)
{
  return _mm512_add_epi8(sum, _mm512_min_epu8(count, rows));
}

SIEVE static inline __m512i started(const struct kith_kernel_sieve *sieve, unsigned i, size_t unit)
{
  return _mm512_sub_epi8(_mm512_load_si512(sieve->start[i] + unit * KITH_KERNEL_UNIT),
                         _mm512_set1_epi8((char)sieve->shift[i]));
}

SIEVE static inline void pass(struct kith_kernel_pending *pending,
                              const struct kith_kernel_sieve *sieve, __m512i sum, size_t unit,
                              unsigned i)
{
  uint64_t lanes = _mm512_cmple_epu8_mask(sum, _mm512_set1_epi8((char)sieve->window[i]));
  kith_kernel_pend(pending, lanes, unit, i);
}

SIEVE size_t kith_kernel_sieve_avx512(const struct kith_kernel_sieve *sieve,
                                      struct kith_kernel_candidate *candidates)
{
  size_t n = 0;
  struct kith_kernel_pending pending;
  const size_t unit_bytes = sieve->n_groups * KITH_KERNEL_UNIT;
  pending.n = 0;
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
    n += kith_kernel_make_room(&pending, 2 * (size_t)QUERIES, candidates + n);
    pass(&pending, sieve, a0, u, 0);
    pass(&pending, sieve, a1, u, 1);
    pass(&pending, sieve, a2, u, 2);
    pass(&pending, sieve, a3, u, 3);
    if (v == u)
      break;
    pass(&pending, sieve, b0, v, 0);
    pass(&pending, sieve, b1, v, 1);
    pass(&pending, sieve, b2, v, 2);
    pass(&pending, sieve, b3, v, 3);
  }
  return n + kith_kernel_expand(&pending, candidates + n);
}

AVX512 static inline __m512i add_apart(__m512i sum, __m512i a, __m512i b)
{
  return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(a, b)));
}

AVX512 uint32_t kith_kernel_apart_avx512(const uint64_t *a, const uint64_t *b, size_t n_words)
{
  __m512i sum = _mm512_setzero_si512();
  size_t w = 0;
  for (; w + LANES <= n_words; w += LANES)
    sum = add_apart(sum, _mm512_loadu_si512(a + w), _mm512_loadu_si512(b + w));
  if (w < n_words) {
    __mmask8 rest = (__mmask8)((1u << (n_words - w)) - 1);
    sum = add_apart(sum, _mm512_maskz_loadu_epi64(rest, a + w),
                    _mm512_maskz_loadu_epi64(rest, b + w));
  }
  return (uint32_t)_mm512_reduce_add_epi64(sum);
}

AVX512 size_t kith_kernel_near_avx512(uint64_t query, const uint64_t *words, size_t n,
                                      unsigned most, uint32_t *near)
{
  const __m512i own = _mm512_set1_epi64((long long)query);
  const __m512i limit = _mm512_set1_epi64(most);
  size_t n_near = 0;
  for (size_t i = 0; i < n; i += LANES) {
    unsigned here = n - i < LANES ? (1u << (n - i)) - 1 : 0xff;
    __m512i there = _mm512_maskz_loadu_epi64((__mmask8)here, words + i);
    __m512i count = _mm512_popcnt_epi64(_mm512_xor_si512(own, there));
    unsigned lanes = _mm512_mask_cmple_epu64_mask((__mmask8)here, count, limit);
    __asm__("" : "+r"(lanes)); /* as in report() */
    for (lanes &= 0xff; __builtin_expect(lanes != 0, 0); lanes &= lanes - 1)
      near[n_near++] = (uint32_t)i + (uint32_t)__builtin_ctz(lanes);
  }
  return n_near;
}

AVX512 uint32_t kith_kernel_count_avx512(const uint8_t *bytes, size_t n)
{
  __m512i sum = _mm512_setzero_si512();
  for (size_t at = 0; at < n; at += sizeof sum) {
    const __mmask64 here = n - at < sizeof sum ? (UINT64_C(1) << (n - at)) - 1 : UINT64_MAX;
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_maskz_loadu_epi8(here, bytes + at)));
  }
  return (uint32_t)_mm512_reduce_add_epi64(sum);
}

#else
typedef int kith_kernel_avx512_is_for_x86;
#endif
