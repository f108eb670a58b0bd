/* Of the CSV reader only: where in a text the characters are that may mean something.
 *
 * A window is 64 bytes of text. Its `special` has a bit for each byte that is the delimiter, a
 * quote or at most 13 (line ends, NUL; a few control characters that mean nothing come along), the
 * byte at the lowest address in the lowest bit; `high` one for each byte above 127. */
#ifndef KITH_BASE_CSV_SCAN_H
#define KITH_BASE_CSV_SCAN_H

#include <stddef.h>
#include <stdint.h>

enum { KITH_CSV_WINDOW_BYTES = 64 };

struct kith_csv_window {
  uint64_t special;
  uint64_t high;
};

/* n windows over n x 64 bytes of text. By vectors of 16 bytes where the machine has them. */
void kith_csv_scan(struct kith_csv_window *windows, const uint8_t *text, size_t n, char delimiter);

/* The same, byte by byte: for machines without, and what the other is tested against. */
void kith_csv_scan_plain(struct kith_csv_window *windows, const uint8_t *text, size_t n,
                         char delimiter);

#endif
