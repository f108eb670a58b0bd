#include "base/csv_scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { LANE_BYTES = 16, CONTROLS_END = 13 };

void kith_csv_scan_plain(struct kith_csv_window *windows, const uint8_t *text, size_t n,
                         char delimiter)
{
  for (size_t w = 0; w < n; w++, text += KITH_CSV_WINDOW_BYTES) {
    struct kith_csv_window window = {0, 0};

    for (unsigned i = 0; i < KITH_CSV_WINDOW_BYTES; i++) {
      uint8_t byte = text[i];
      uint64_t special = byte <= CONTROLS_END || byte == '"' || byte == (uint8_t)delimiter;

      window.special |= special << i;
      window.high |= (uint64_t)(byte >> 7) << i;
    }
    windows[w] = window;
  }
}

#if defined(__SSE2__)

/* 2 cycles or so for 16 bytes; twice as wide vectors would save 1 of 40 nanoseconds a row. */
void kith_csv_scan(struct kith_csv_window *windows, const uint8_t *text, size_t n, char delimiter)
{
  const __m128i parts = _mm_set1_epi8(delimiter);
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i control = _mm_set1_epi8(CONTROLS_END);

  for (size_t w = 0; w < n; w++, text += KITH_CSV_WINDOW_BYTES) {
    struct kith_csv_window window = {0, 0};

    for (unsigned i = 0; i < KITH_CSV_WINDOW_BYTES; i += LANE_BYTES) {
      __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
      __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes);
      __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, parts), _mm_cmpeq_epi8(bytes, quote));

      window.special |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(low, marks)) << i;
      window.high |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes) << i;
    }
    windows[w] = window;
  }
}

#else

void kith_csv_scan(struct kith_csv_window *windows, const uint8_t *text, size_t n, char delimiter)
{
  kith_csv_scan_plain(windows, text, n, delimiter);
}

#endif
