/* Folding: text as people typed it to letters that can be compared.
 *
 * Text in UTF-8 of which any bytes that were read as Windows-1252 are put back (as where "ł" shows
 * as two letters), then compatibility decomposition and case folding (Unicode Standard Annex 15, by
 * libutf8proc), accents of Latin, Greek, Cyrillic, Arabic and Hebrew letters dropped (vowel signs
 * of other scripts are letters to their readers and stay), letters that don't decompose and the
 * Cyrillic and Greek alphabets written in Latin ones (words.h), dashes as '-', apostrophes as
 * '\'', blanks and control characters as ' '. Folding what is folded changes nothing more. */
#ifndef KITH_DAEMON_PIPELINE_FOLD_H
#define KITH_DAEMON_PIPELINE_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { KITH_FOLDED_BYTES = 4096 };

/* `text` is valid UTF-8; at most KITH_FIELD_BYTES_MAX bytes of it are looked at, and the result
 * is cut between code points where it is too long. *mended: bytes were put back, or text was cut.
 * Gives the length; out is terminated. */
size_t kith_fold(char out[KITH_FOLDED_BYTES], bool *mended, const char *text);

size_t kith_fold_step_beyond(const char *text);
/* The bytes of the code point at `text` (1 .. 4; 1 for a byte that starts none). */
static inline size_t kith_fold_step(const char *text)
{
  return (unsigned char)*text < 0x80 ? 1 : kith_fold_step_beyond(text);
}

#endif
