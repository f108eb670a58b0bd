#include "daemon/pipeline/fold.h"

#include <string.h>

#include <utf8proc.h>

#include "daemon/pipeline/record.h"
#include "daemon/pipeline/words.h"

enum {
  SETTLE_MAX = 4,
  POINTS_MAX = KITH_FIELD_BYTES_MAX,
  DECOMPOSED_MAX = POINTS_MAX * 6 /* 18 for 3 bytes is the most Unicode 14 has */
};

size_t kith_fold_step_beyond(const char *text)
{
  uint8_t first = (uint8_t)text[0];
  size_t want = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  size_t len = 1;

  while (len < want && ((uint8_t)text[len] & 0xc0) == 0x80)
    len++;
  return len;
}

/* ---- text that was read as Windows-1252 */

/* The byte that Windows-1252 shows as this code point, -1 if none does. */
static int cp1252_byte(int32_t point)
{
  static const uint16_t high[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                    0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                    0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                    0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
  if (point < 0x80 || (point >= 0xa0 && point <= 0xff))
    return (int)point;
  for (int i = 0; i < 32; i++) {
    if (high[i] == point)
      return 0x80 + i;
  }
  return -1;
}

/* Bytes that were UTF-8, shown as Windows-1252 and written as UTF-8 again, put back in place.
 * Only where all of the text agrees: real text has no "Å" before a currency sign. */
static bool put_back(char *text, size_t *len)
{
  uint8_t bytes[POINTS_MAX + 1];
  size_t n = 0;

  for (size_t at = 0; at < *len;) {
    int32_t point;
    int byte;
    utf8proc_ssize_t step =
        utf8proc_iterate((const uint8_t *)text + at, (utf8proc_ssize_t)(*len - at), &point);
    if (step <= 0)
      return false;
    byte = cp1252_byte(point);
    if (byte < 0)
      return false;
    bytes[n++] = (uint8_t)byte;
    at += (size_t)step;
  }
  bytes[n] = 0;
  for (size_t at = 0; at < n;) {
    int32_t point;
    utf8proc_ssize_t step = utf8proc_iterate(bytes + at, (utf8proc_ssize_t)(n - at), &point);
    if (step <= 0)
      return false;
    at += (size_t)step;
  }
  memcpy(text, bytes, n + 1);
  *len = n;
  return true;
}

/* ---- decomposed code points */

/* Apostrophes and their look-alikes: some would decompose to a blank and an accent, others are what
 * is decomposed to. */
static int32_t mark_fold(int32_t point, void *data)
{
  (void)data;
  switch (point) {
  case 0x60:
  case 0xb4:
  case 0x2018:
  case 0x2019:
  case 0x201b:
  case 0x2032:
  case 0x2035:
  case 0x2bb:
  case 0x2bc:
  case 0x2bd:
  case 0x2be:
  case 0x2bf:
  case 0xff07:
    return '\'';
  default:
    return point;
  }
}

static bool between(int32_t point, int32_t first, int32_t last)
{
  return point >= first && point <= last;
}

/* Accents, and the vowel points of Hebrew and Arabic. */
static bool is_dropped(int32_t point)
{
  return between(point, 0x300, 0x36f) || between(point, 0x1ab0, 0x1aff) ||
         between(point, 0x1dc0, 0x1dff) || between(point, 0x20d0, 0x20ff) ||
         between(point, 0xfe20, 0xfe2f) || between(point, 0x591, 0x5bd) ||
         between(point, 0x5bf, 0x5c7) || between(point, 0x610, 0x61a) || point == 0x640 ||
         between(point, 0x64b, 0x65f) || point == 0x670 || between(point, 0x6d6, 0x6ed);
}

static const char *letter_find(int32_t point)
{
  size_t low = 0;
  size_t high = kith_n_letters;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (kith_letters[middle].letter == point)
      return kith_letters[middle].latin;
    if (kith_letters[middle].letter < point)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

/* What a code point beyond ASCII becomes, at most 8 bytes and a terminator. */
static void point_fold(char out[9], int32_t point)
{
  const char *latin = letter_find(point);
  utf8proc_ssize_t len;

  out[0] = '\0';
  if (is_dropped(point))
    return;
  if (latin) {
    memcpy(out, latin, strlen(latin) + 1);
    return;
  }
  switch (utf8proc_category(point)) {
  case UTF8PROC_CATEGORY_PD:
    out[0] = '-';
    out[1] = '\0';
    return;
  case UTF8PROC_CATEGORY_CF:
    return;
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_PO:
  case UTF8PROC_CATEGORY_PI:
  case UTF8PROC_CATEGORY_PF:
  case UTF8PROC_CATEGORY_PS:
  case UTF8PROC_CATEGORY_PE:
  case UTF8PROC_CATEGORY_PC:
  case UTF8PROC_CATEGORY_SK:
  case UTF8PROC_CATEGORY_SO:
  case UTF8PROC_CATEGORY_SC:
  case UTF8PROC_CATEGORY_SM:
    out[0] = ' ';
    out[1] = '\0';
    return;
  default:
    len = utf8proc_encode_char(point, (uint8_t *)out);
    out[len] = '\0';
  }
}

/* What each ASCII character becomes. */
static const char ascii_folded[129] = "                                "
                                      " !\"#$%&'()*+,-./0123456789:;<=>?"
                                      "@abcdefghijklmnopqrstuvwxyz[\\]^_"
                                      "'abcdefghijklmnopqrstuvwxyz{|}~ ";

static size_t beyond_ascii(char out[KITH_FOLDED_BYTES], const char *text, size_t len)
{
  int32_t points[DECOMPOSED_MAX];
  size_t n_out = 0;
  utf8proc_ssize_t n = utf8proc_decompose_custom(
      (const uint8_t *)text, (utf8proc_ssize_t)len, points, DECOMPOSED_MAX,
      UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, mark_fold, NULL);

  if (n < 0 || n > DECOMPOSED_MAX) /* no UTF-8, which callers have excluded */
    n = 0;
  for (utf8proc_ssize_t i = 0; i < n; i++) {
    char piece[9] = {0};

    points[i] = mark_fold(points[i], NULL);
    if (points[i] < 0x80)
      piece[0] = ascii_folded[points[i]];
    else
      point_fold(piece, points[i]);
    if (n_out + strlen(piece) >= KITH_FOLDED_BYTES)
      break;
    memcpy(out + n_out, piece, strlen(piece));
    n_out += strlen(piece);
  }
  out[n_out] = '\0';
  return n_out;
}

static bool is_ascii(const char *text)
{
  while (*text != '\0' && (unsigned char)*text < 0x80)
    text++;
  return *text == '\0';
}

/* What was dropped may have stood between two marks that now change places: once more, until
 * nothing changes. */
static size_t settle(char out[KITH_FOLDED_BYTES], size_t len)
{
  char before[KITH_FOLDED_BYTES];

  for (int i = 0; i < SETTLE_MAX && !is_ascii(out); i++) {
    memcpy(before, out, len + 1);
    len = beyond_ascii(out, before, len);
    if (strcmp(before, out) == 0)
      break;
  }
  return len;
}

size_t kith_fold(char out[KITH_FOLDED_BYTES], bool *mended, const char *text)
{
  size_t len = 0;
  char cut[KITH_FIELD_BYTES_MAX + 1];

  *mended = false;
  for (; len < KITH_FIELD_BYTES_MAX && (signed char)text[len] > 0; len++)
    out[len] = ascii_folded[(unsigned char)text[len]];
  if (text[len] == '\0' || ((signed char)text[len] > 0 && len == KITH_FIELD_BYTES_MAX)) {
    *mended = text[len] != '\0';
    out[len] = '\0';
    return len;
  }
  while (text[len] != '\0') {
    size_t step = kith_fold_step(text + len);
    if (len + step > KITH_FIELD_BYTES_MAX) {
      *mended = true;
      break;
    }
    len += step;
  }
  memcpy(cut, text, len);
  cut[len] = '\0';
  if (put_back(cut, &len))
    *mended = true;
  return settle(out, beyond_ascii(out, cut, len));
}
