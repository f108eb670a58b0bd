/* UTF-16, which ODBC has for text whatever the locale is, to UTF-8 and back. */
#ifndef KITH_DAEMON_ODBC_WIDE_H
#define KITH_DAEMON_ODBC_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Units of UTF-16 that the text needs, without a terminator; the text is valid UTF-8. */
size_t kith_wide_len(const char *utf8);
/* With a terminator: kith_wide_len + 1 units. */
void kith_wide_from(uint16_t *out, const char *utf8);

/* A text that comes in pieces. Zeroed to begin with. */
struct kith_wide_reader {
  uint16_t high; /* the first half of a pair, whose second is in the next piece; 0: none */
  bool bad;      /* half a pair without the other */
  bool nul;      /* a NUL in the text */
};
/* Appends the piece as UTF-8. */
void kith_wide_read(struct kith_wide_reader *reader, struct kith_buf *out, const uint16_t *units,
                    size_t n);
/* After the last piece. */
void kith_wide_end(struct kith_wide_reader *reader);

#endif
