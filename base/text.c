#include "base/text.h"

#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

void kith_hex_encode(char *out, const void *bytes, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  const uint8_t *in = bytes;

  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[in[i] >> 4];
    out[2 * i + 1] = digits[in[i] & 15];
  }
  out[2 * len] = '\0';
}

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

enum kith_err kith_hex_decode(void *out, size_t len, const char *hex)
{
  uint8_t *to = out;

  if (strlen(hex) != 2 * len)
    return KITH_ERR_DATA;
  for (size_t i = 0; i < len; i++) {
    int high = hex_digit(hex[2 * i]);
    int low = hex_digit(hex[2 * i + 1]);

    if (high < 0 || low < 0) {
      memset(out, 0, len);
      return KITH_ERR_DATA;
    }
    to[i] = (uint8_t)(high << 4 | low);
  }
  return KITH_OK;
}

/* ---- base64 */

void kith_base64_encode_plain(char *out, const void *bytes, size_t len)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *in = bytes;

  for (size_t i = 0; i < len; i += 3) {
    size_t left = len - i;
    uint32_t group = (uint32_t)in[i] << 16;

    if (left > 1)
      group |= (uint32_t)in[i + 1] << 8;
    if (left > 2)
      group |= in[i + 2];
    *out++ = digits[group >> 18];
    *out++ = digits[group >> 12 & 63];
    *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
    *out++ = left > 2 ? digits[group & 63] : '=';
  }
  *out = '\0';
}

#ifdef __SSE2__
enum { VECTOR_IN = 12, VECTOR_READ = 16, VECTOR_OUT = 16, WIDE_IN = 48, WIDE_OUT = 64 };

/* 12 of the 16 bytes, each 3 of them spread over 4 by shifts of 16-bit lanes, then turned into
 * digits by one look-up of what is to be added. */
__attribute__((target("ssse3"))) static inline __m128i base64_digits(__m128i bytes)
{
  const __m128i spread = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
  /* By the digit's kind: 0 for 26 to 51 (a-z), 1 to 10 for 0-9, 11 for +, 12 for /, 13 for A-Z. */
  const __m128i offsets =
      _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                    '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
  __m128i wide = _mm_shuffle_epi8(bytes, spread);
  __m128i high =
      _mm_mulhi_epu16(_mm_and_si128(wide, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
  __m128i low =
      _mm_mullo_epi16(_mm_and_si128(wide, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
  __m128i digits = _mm_or_si128(high, low);
  __m128i capital = _mm_cmpgt_epi8(_mm_set1_epi8(26), digits);
  __m128i kind = _mm_or_si128(_mm_subs_epu8(digits, _mm_set1_epi8(51)),
                              _mm_and_si128(capital, _mm_set1_epi8(13)));

  return _mm_add_epi8(digits, _mm_shuffle_epi8(offsets, kind));
}

/* Returns the bytes that are done: all but up to two at the end. */
__attribute__((target("ssse3"))) static size_t base64_vector(char *out, const uint8_t *in,
                                                             size_t len)
{
  size_t at = 0;

  for (; at + VECTOR_READ <= len; at += VECTOR_IN, out += VECTOR_OUT)
    _mm_storeu_si128((__m128i *)out, base64_digits(_mm_loadu_si128((const __m128i *)(in + at))));
  while (at + 3 <= len) {
    size_t left = len - at < VECTOR_IN ? (len - at) / 3 * 3 : VECTOR_IN;
    uint8_t bytes[VECTOR_READ] = {0};
    char digits[VECTOR_OUT];

    memcpy(bytes, in + at, left);
    _mm_storeu_si128((__m128i *)digits, base64_digits(_mm_loadu_si128((const __m128i *)bytes)));
    memcpy(out, digits, left / 3 * 4);
    out += left / 3 * 4;
    at += left;
  }
  return at;
}

/* 48 bytes a step: each 3 of them reversed into 4 (b c a b, from the lowest), from which one
 * instruction takes six bits at 10, 4, 22 and 16, and another turns them into digits. What is not
 * read or written is masked out. */
__attribute__((target("avx512vbmi,avx512bw,avx512vl,avx512f"))) static void
base64_wide(char *out, const uint8_t *in, size_t len)
{
  static const uint8_t spread[WIDE_OUT] = {
      1,  0,  2,  1,  4,  3,  5,  4,  7,  6,  8,  7,  10, 9,  11, 10, 13, 12, 14, 13, 16, 15,
      17, 16, 19, 18, 20, 19, 22, 21, 23, 22, 25, 24, 26, 25, 28, 27, 29, 28, 31, 30, 32, 31,
      34, 33, 35, 34, 37, 36, 38, 37, 40, 39, 41, 40, 43, 42, 44, 43, 46, 45, 47, 46};
  static const char digits[WIDE_OUT + 1] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const __m512i places = _mm512_loadu_si512(spread);
  const __m512i table = _mm512_loadu_si512(digits);
  const __m512i shifts = _mm512_set1_epi64(0x3036242a1016040a);

  for (size_t at = 0; at < len; at += WIDE_IN) {
    size_t left = len - at < WIDE_IN ? len - at : WIDE_IN;
    size_t n = (left + 2) / 3 * 4;
    __mmask64 read = ~UINT64_C(0) >> (WIDE_OUT - left);
    __mmask64 written = ~UINT64_C(0) >> (WIDE_OUT - n);
    __m512i bytes = _mm512_maskz_loadu_epi8(read, in + at);
    __m512i sixes = _mm512_multishift_epi64_epi8(shifts, _mm512_permutexvar_epi8(places, bytes));

    _mm512_mask_storeu_epi8(out, written, _mm512_permutexvar_epi8(sixes, table));
    out += n;
  }
  for (size_t i = 1; i <= (3 - len % 3) % 3; i++)
    *(out - i) = '=';
  *out = '\0';
}

#endif

void kith_base64_encode(char *out, const void *bytes, size_t len)
{
  size_t done = 0;

#ifdef __SSE2__
  if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw")) {
    base64_wide(out, bytes, len);
    return;
  }
  if (__builtin_cpu_supports("ssse3"))
    done = base64_vector(out, bytes, len);
#endif
  kith_base64_encode_plain(out + done / 3 * 4, (const uint8_t *)bytes + done, len - done);
}

static int base64_digit(char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '+')
    return 62;
  return c == '/' ? 63 : -1;
}

/* One group of four digits, of which `n_digits` count; false where one is no digit or a bit
 * that belongs to no byte is set. */
static bool base64_group(uint8_t *out, const char *in, size_t n_digits)
{
  uint32_t group = 0;
  size_t n_bytes = n_digits - 1;

  for (size_t i = 0; i < 4; i++) {
    int digit = i < n_digits ? base64_digit(in[i]) : 0;

    if (digit < 0)
      return false;
    group = group << 6 | (uint32_t)digit;
  }
  if (group & (0xffffffu >> (8 * n_bytes)))
    return false;
  for (size_t i = 0; i < n_bytes; i++)
    out[i] = (uint8_t)(group >> (16 - 8 * i));
  return true;
}

enum kith_err kith_base64_decode_any(void *out, size_t *len, size_t cap, const char *base64,
                                     size_t base64_len)
{
  uint8_t *to = out;
  size_t padding = 0;
  size_t n_bytes;
  size_t done = 0;

  if (base64_len % 4 != 0)
    return KITH_ERR_DATA;
  while (padding < 2 && padding < base64_len && base64[base64_len - 1 - padding] == '=')
    padding++;
  n_bytes = base64_len / 4 * 3 - padding;
  if (n_bytes > cap)
    return KITH_ERR_LIMIT;
  for (size_t i = 0; i < base64_len; i += 4) {
    size_t n_digits = i + 4 == base64_len ? 4 - padding : 4;

    if (!base64_group(to + done, base64 + i, n_digits)) {
      memset(out, 0, done);
      return KITH_ERR_DATA;
    }
    done += n_digits - 1;
  }
  *len = n_bytes;
  return KITH_OK;
}

enum kith_err kith_base64_decode(void *out, size_t len, const char *base64)
{
  size_t got;
  size_t base64_len = strlen(base64);

  if (base64_len != KITH_BASE64_BYTES(len) - 1)
    return KITH_ERR_DATA;
  /* The padding decides the length: checked first, so that nothing is written in vain. */
  if ((len % 3 == 1 && base64[base64_len - 2] != '=') ||
      (len % 3 == 2 && base64[base64_len - 1] != '=') ||
      (len % 3 == 2 && base64[base64_len - 2] == '=') ||
      (len && len % 3 == 0 && base64[base64_len - 1] == '='))
    return KITH_ERR_DATA;
  return kith_base64_decode_any(out, &got, len, base64, base64_len);
}

/* Length in bytes of the sequence at `s` (RFC 3629, table in section 4), 0 if it is none. */
static size_t utf8_sequence(const uint8_t *s, size_t left)
{
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  size_t n;

  if (s[0] < 0x80)
    return 1;
  if (s[0] >= 0xc2 && s[0] <= 0xdf)
    n = 2;
  else if (s[0] >= 0xe0 && s[0] <= 0xef)
    n = 3;
  else if (s[0] >= 0xf0 && s[0] <= 0xf4)
    n = 4;
  else
    return 0;
  if (s[0] == 0xe0)
    low = 0xa0; /* overlong */
  else if (s[0] == 0xed)
    high = 0x9f; /* surrogates */
  else if (s[0] == 0xf0)
    low = 0x90; /* overlong */
  else if (s[0] == 0xf4)
    high = 0x8f; /* past U+10FFFF */
  if (left < n || s[1] < low || s[1] > high)
    return 0;
  for (size_t i = 2; i < n; i++) {
    if (s[i] < 0x80 || s[i] > 0xbf)
      return 0;
  }
  return n;
}

bool kith_utf8_valid(const char *text, size_t len)
{
  const uint8_t *s = (const uint8_t *)text;
  size_t i = 0;

  while (i < len) {
    uint64_t word;
    size_t n;

    if (len - i >= sizeof word) {
      memcpy(&word, s + i, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        i += sizeof word;
        continue;
      }
    }
    n = utf8_sequence(s + i, len - i);
    if (n == 0)
      return false;
    i += n;
  }
  return true;
}

enum { RATIO_MAX = 1000000000, RATIO_DIGITS = 9 };

/* 1 to `max_digits` digits at *text, which is moved past them. */
static bool digits_read(uint64_t *out, const char **text, size_t max_digits, size_t *n_digits)
{
  uint64_t value = 0;
  size_t n = 0;

  while ((*text)[n] >= '0' && (*text)[n] <= '9') {
    if (n == max_digits)
      return false;
    value = value * 10 + (uint64_t)((*text)[n] - '0');
    n++;
  }
  *text += n;
  *out = value;
  *n_digits = n;
  return n > 0;
}

static bool ratio_read(struct kith_ratio *out, const char *text)
{
  uint64_t numerator;
  uint64_t denominator = 1;
  uint64_t fraction;
  size_t n;

  if (!digits_read(&numerator, &text, RATIO_DIGITS + 1, &n))
    return false;
  if (*text == '/') {
    text++;
    if (!digits_read(&denominator, &text, RATIO_DIGITS + 1, &n))
      return false;
  } else if (*text == '.') {
    text++;
    if (numerator > 1 || !digits_read(&fraction, &text, RATIO_DIGITS, &n))
      return false;
    for (size_t i = 0; i < n; i++)
      denominator *= 10;
    numerator = numerator * denominator + fraction;
  }
  if (*text != '\0' || denominator == 0 || denominator > RATIO_MAX || numerator > denominator)
    return false;
  *out = (struct kith_ratio){(uint32_t)numerator, (uint32_t)denominator};
  return true;
}

enum kith_err kith_ratio_parse(struct kith_ratio *out, const char *text, struct kith_fault *fault)
{
  if (!ratio_read(out, text))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "expected a number from 0 to 1 of up to 9 decimals (0.85), or N/D (17/20)");
  return KITH_OK;
}

double kith_ratio_double(struct kith_ratio ratio)
{
  return (double)ratio.numerator / (double)ratio.denominator;
}

enum kith_err kith_u64_parse(uint64_t *out, const char *text, uint64_t min, uint64_t max)
{
  uint64_t value = 0;

  if (*text == '\0')
    return KITH_ERR_DATA;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
        __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
      return KITH_ERR_DATA;
  }
  if (value < min || value > max)
    return KITH_ERR_DATA;
  *out = value;
  return KITH_OK;
}
