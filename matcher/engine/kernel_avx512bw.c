/* AVX-512 without VPOPCNTDQ, as server processors of 2017 to 2019 have it: bits are counted nibble
 * by nibble as with AVX2 (kernel_avx2.c), in registers twice as wide. */
#include "matcher/engine/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512BW __attribute__((target("avx512f,avx512bw,popcnt")))

enum {
  LANES = KITH_KERNEL_LANES,
  QUERIES = KITH_KERNEL_QUERIES,
  WORDS_PER_SUM = 31 /* x 8 bits a byte <= 255 */
};

AVX512BW static inline __m512i nibble_counts(__m512i nibbles)
{
  const __m512i table =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  return _mm512_shuffle_epi8(table, nibbles);
}

AVX512BW static inline __m512i add_common(__m512i bytes, const uint64_t *query, __m512i low,
                                          __m512i high)
{
  const __m512i word = _mm512_set1_epi64((long long)query[0]);
  const __m512i shifted = _mm512_set1_epi64((long long)query[QUERIES]);
  bytes = _mm512_add_epi8(bytes, nibble_counts(_mm512_and_si512(low, word)));
  return _mm512_add_epi8(bytes, nibble_counts(_mm512_and_si512(high, shifted)));
}

/* A block against four queries. */
AVX512BW static inline void count_block(__m512i counts[QUERIES], const uint64_t *queries,
                                        const uint64_t *block, size_t n_words)
{
  const __m512i zero = _mm512_setzero_si512();
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i c0 = zero, c1 = zero, c2 = zero, c3 = zero;
  for (size_t first = 0; first < n_words; first += WORDS_PER_SUM) {
    const size_t end = n_words - first < WORDS_PER_SUM ? n_words : first + WORDS_PER_SUM;
    __m512i b0 = zero, b1 = zero, b2 = zero, b3 = zero;
    for (size_t w = first; w < end; w++) {
      const uint64_t *query = queries + w * KITH_KERNEL_QUAD_WORDS;
      const __m512i rows = _mm512_load_si512(block + w * LANES);
      const __m512i low = _mm512_and_si512(rows, nibble);
      const __m512i high = _mm512_and_si512(_mm512_srli_epi16(rows, 4), nibble);
      b0 = add_common(b0, query, low, high);
      b1 = add_common(b1, query + 1, low, high);
      b2 = add_common(b2, query + 2, low, high);
      b3 = add_common(b3, query + 3, low, high);
    }
    c0 = _mm512_add_epi64(c0, _mm512_sad_epu8(b0, zero));
    c1 = _mm512_add_epi64(c1, _mm512_sad_epu8(b1, zero));
    c2 = _mm512_add_epi64(c2, _mm512_sad_epu8(b2, zero));
    c3 = _mm512_add_epi64(c3, _mm512_sad_epu8(b3, zero));
  }
  counts[0] = c0;
  counts[1] = c1;
  counts[2] = c2;
  counts[3] = c3;
}

AVX512BW static inline unsigned reached(__m512i counts, uint64_t threshold)
{
  unsigned lanes = _mm512_cmpge_epu64_mask(counts, _mm512_set1_epi64((long long)threshold));
  __asm__("" : "+r"(lanes)); /* as in kernel_avx512.c */
  return lanes & 0xff;
}

AVX512BW static __attribute__((noinline)) size_t report(struct kith_kernel_hit *hits,
                                                        const struct kith_kernel_scan *scan,
                                                        size_t k, const __m512i *sums)
{
  size_t n = 0;
  for (uint32_t i = 0; i < QUERIES; i++) {
    _Alignas(64) uint64_t counts[LANES];
    _mm512_store_si512(counts, sums[i]);
    n += kith_kernel_hits(hits + n, reached(sums[i], scan->thresholds[i][k]), k, i, counts);
  }
  return n;
}

AVX512BW size_t kith_kernel_scan_avx512bw(const struct kith_kernel_scan *scan,
                                          struct kith_kernel_hit *hits)
{
  size_t n = 0;
  for (size_t k = scan->first_block; k < scan->end_block; k++) {
    __m512i sums[QUERIES];
    unsigned any = 0;
    count_block(sums, scan->queries, scan->blocks + k * scan->n_words * LANES, scan->n_words);
    for (unsigned i = 0; i < QUERIES; i++)
      any |= reached(sums[i], scan->thresholds[i][k]);
    if (__builtin_expect(any != 0, 0))
      n += report(hits + n, scan, k, sums);
  }
  return n;
}

#else
typedef int kith_kernel_avx512bw_is_for_x86;
#endif
