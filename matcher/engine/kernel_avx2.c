/* AVX2: bits are counted nibble by nibble with a table in a register (vpshufb; Mula, Kurz and
 * Lemire, "Faster population counts using AVX2 instructions", 2018). The nibbles of the rows are
 * split once for four queries; the queries come with a copy shifted by four bits. */
#include "matcher/engine/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

enum {
  LANES = KITH_KERNEL_LANES,
  QUERIES = KITH_KERNEL_QUERIES,
  WORDS_PER_SUM = 31 /* x 8 bits a byte <= 255 */
};

AVX2 static inline __m256i nibble_counts(__m256i nibbles)
{
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2,
                                         1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  return _mm256_shuffle_epi8(table, nibbles);
}

AVX2 static inline __m256i add_common(__m256i bytes, const uint64_t *query, __m256i low,
                                      __m256i high)
{
  __m256i word = _mm256_set1_epi64x((long long)query[0]);
  __m256i shifted = _mm256_set1_epi64x((long long)query[QUERIES]);
  __m256i sum = _mm256_add_epi8(nibble_counts(_mm256_and_si256(low, word)),
                                nibble_counts(_mm256_and_si256(high, shifted)));
  return _mm256_add_epi8(bytes, sum);
}

/* Four lanes of a block against four queries. */
AVX2 static inline void count_half(__m256i counts[QUERIES], const uint64_t *queries,
                                   const uint64_t *half, size_t n_words)
{
  const __m256i zero = _mm256_setzero_si256();
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i c0 = zero, c1 = zero, c2 = zero, c3 = zero;
  for (size_t first = 0; first < n_words; first += WORDS_PER_SUM) {
    size_t end = n_words - first < WORDS_PER_SUM ? n_words : first + WORDS_PER_SUM;
    __m256i b0 = zero, b1 = zero, b2 = zero, b3 = zero;
    for (size_t w = first; w < end; w++) {
      const uint64_t *query = queries + w * KITH_KERNEL_QUAD_WORDS;
      __m256i rows = _mm256_load_si256((const __m256i *)(const void *)(half + w * LANES));
      __m256i low = _mm256_and_si256(rows, nibble);
      __m256i high = _mm256_and_si256(_mm256_srli_epi16(rows, 4), nibble);
      b0 = add_common(b0, query, low, high);
      b1 = add_common(b1, query + 1, low, high);
      b2 = add_common(b2, query + 2, low, high);
      b3 = add_common(b3, query + 3, low, high);
    }
    c0 = _mm256_add_epi64(c0, _mm256_sad_epu8(b0, zero));
    c1 = _mm256_add_epi64(c1, _mm256_sad_epu8(b1, zero));
    c2 = _mm256_add_epi64(c2, _mm256_sad_epu8(b2, zero));
    c3 = _mm256_add_epi64(c3, _mm256_sad_epu8(b3, zero));
  }
  counts[0] = c0;
  counts[1] = c1;
  counts[2] = c2;
  counts[3] = c3;
}

/* Bit r: counts[r] >= threshold. */
AVX2 static inline unsigned reached(__m256i counts, uint64_t threshold)
{
  __m256i below = _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)threshold), counts);
  return ~(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(below)) & 0xf;
}

AVX2 static __attribute__((noinline)) size_t report(struct kith_kernel_hit *hits,
                                                    const struct kith_kernel_scan *scan, size_t k,
                                                    const __m256i *low, const __m256i *high)
{
  size_t n = 0;
  for (uint32_t i = 0; i < QUERIES; i++) {
    _Alignas(32) uint64_t counts[LANES];
    uint64_t threshold = scan->thresholds[i][k];
    _mm256_store_si256((__m256i *)(void *)counts, low[i]);
    _mm256_store_si256((__m256i *)(void *)(counts + 4), high[i]);
    unsigned lanes = reached(low[i], threshold) | reached(high[i], threshold) << 4;
    n += kith_kernel_hits(hits + n, lanes, k, i, counts);
  }
  return n;
}

AVX2 size_t kith_kernel_scan_avx2(const struct kith_kernel_scan *scan, struct kith_kernel_hit *hits)
{
  size_t n = 0;
  const uint64_t *block = scan->blocks + scan->first_block * scan->n_words * LANES;
  for (size_t k = scan->first_block; k < scan->end_block; k++) {
    __m256i low[QUERIES];
    __m256i high[QUERIES];
    count_half(low, scan->queries, block, scan->n_words);
    count_half(high, scan->queries, block + 4, scan->n_words);
    unsigned any = 0;
    for (unsigned i = 0; i < QUERIES; i++)
      any |= reached(low[i], scan->thresholds[i][k]) | reached(high[i], scan->thresholds[i][k]);
    if (__builtin_expect(any != 0, 0))
      n += report(hits + n, scan, k, low, high);
    block += scan->n_words * LANES;
  }
  return n;
}

AVX2 static inline __m256i load(const uint8_t *bytes)
{
  return _mm256_load_si256((const __m256i *)(const void *)bytes);
}

AVX2 static inline uint64_t within_window(__m256i low, __m256i high, uint8_t window)
{
  __m256i most = _mm256_set1_epi8((char)window);
  uint32_t l = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(low, most), low));
  uint32_t h = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(high, most), high));
  return (uint64_t)h << 32 | l;
}

AVX2 size_t kith_kernel_sieve_avx2(const struct kith_kernel_sieve *sieve,
                                   struct kith_kernel_candidate *candidates)
{
  size_t n = 0;
  struct kith_kernel_pending pending;
  pending.n = 0;
  for (size_t u = sieve->first_unit; u < sieve->end_unit; u++) {
    const uint8_t *rows = sieve->sketches + u * sieve->n_groups * KITH_KERNEL_UNIT;
    __m256i low[QUERIES];
    __m256i high[QUERIES];
    for (unsigned i = 0; i < QUERIES; i++) {
      const uint8_t *start = sieve->start[i] + u * KITH_KERNEL_UNIT;
      __m256i shift = _mm256_set1_epi8((char)sieve->shift[i]);
      low[i] = _mm256_sub_epi8(load(start), shift);
      high[i] = _mm256_sub_epi8(load(start + 32), shift);
    }
    __m256i l0 = low[0], l1 = low[1], l2 = low[2], l3 = low[3];
    __m256i h0 = high[0], h1 = high[1], h2 = high[2], h3 = high[3];
    const uint32_t *query = sieve->queries;
    for (size_t g = 0; g < sieve->n_groups; g++) {
      __m256i x = load(rows), y = load(rows + 32);
      __m256i count = _mm256_set1_epi32((int)query[0]);
      l0 = _mm256_add_epi8(l0, _mm256_min_epu8(count, x));
      h0 = _mm256_add_epi8(h0, _mm256_min_epu8(count, y));
      count = _mm256_set1_epi32((int)query[1]);
      l1 = _mm256_add_epi8(l1, _mm256_min_epu8(count, x));
      h1 = _mm256_add_epi8(h1, _mm256_min_epu8(count, y));
      count = _mm256_set1_epi32((int)query[2]);
      l2 = _mm256_add_epi8(l2, _mm256_min_epu8(count, x));
      h2 = _mm256_add_epi8(h2, _mm256_min_epu8(count, y));
      count = _mm256_set1_epi32((int)query[3]);
      l3 = _mm256_add_epi8(l3, _mm256_min_epu8(count, x));
      h3 = _mm256_add_epi8(h3, _mm256_min_epu8(count, y));
      rows += KITH_KERNEL_UNIT;
      query += QUERIES;
    }
    n += kith_kernel_make_room(&pending, QUERIES, candidates + n);
    kith_kernel_pend(&pending, within_window(l0, h0, sieve->window[0]), u, 0);
    kith_kernel_pend(&pending, within_window(l1, h1, sieve->window[1]), u, 1);
    kith_kernel_pend(&pending, within_window(l2, h2, sieve->window[2]), u, 2);
    kith_kernel_pend(&pending, within_window(l3, h3, sieve->window[3]), u, 3);
  }
  return n + kith_kernel_expand(&pending, candidates + n);
}

__attribute__((target("popcnt"))) uint32_t kith_kernel_apart_avx2(const uint64_t *a,
                                                                  const uint64_t *b, size_t n_words)
{
  uint64_t count = 0;
  for (size_t w = 0; w < n_words; w++)
    count += (uint64_t)__builtin_popcountll(a[w] ^ b[w]);
  return (uint32_t)count;
}

__attribute__((target("popcnt"))) size_t kith_kernel_near_avx2(uint64_t query,
                                                               const uint64_t *words, size_t n,
                                                               unsigned most, uint32_t *near)
{
  size_t n_near = 0;
  for (size_t i = 0; i < n; i++) {
    near[n_near] = (uint32_t)i;
    n_near += (unsigned)__builtin_popcountll(query ^ words[i]) <= most;
  }
  return n_near;
}

__attribute__((target("popcnt"))) uint32_t kith_kernel_count_avx2(const uint8_t *bytes, size_t n)
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
typedef int kith_kernel_avx2_is_for_x86;
#endif
