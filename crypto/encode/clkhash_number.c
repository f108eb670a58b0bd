#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

/* A step above is infinite to clkhash when it halves it. */
enum { DOUBLE_DIGITS = 53, HALVED_BITS_MAX = 1025 };

/* ---- text to plain ASCII, as Python does before it reads a number ---- */

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static bool is_blank(utf8proc_int32_t c)
{
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0x2028 || c == 0x2029 ||
         utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

/* Decimal digits of every script stand in runs of ten, from nought to nine. */
static char digit_of(utf8proc_int32_t c)
{
  utf8proc_int32_t first = c;

  while (utf8proc_category(first - 1) == UTF8PROC_CATEGORY_ND)
    first--;
  return (char)('0' + (c - first) % 10);
}

/* Drops underscores between digits; false where one stands elsewhere. */
static bool underscores_drop(char *text)
{
  size_t n = 0;

  for (size_t i = 0; text[i]; i++) {
    if (text[i] != '_')
      text[n++] = text[i];
    else if (i == 0 || !is_digit(text[i - 1]) || !is_digit(text[i + 1]))
      return false;
  }
  text[n] = '\0';
  return true;
}

enum kith_err kith_clkhash_number_text(char **out, const char *text)
{
  char *plain = kith_calloc(strlen(text) + 1, 1);
  size_t n = 0;
  size_t start = 0;
  bool fits = true;

  if (!plain)
    return KITH_ERR_MEMORY;
  while (*text && fits) {
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);

    fits = len > 0;
    if (!fits)
      break;
    if (is_blank(c))
      plain[n++] = ' ';
    else if (c < 0x80)
      plain[n++] = (char)c;
    else if (utf8proc_category(c) == UTF8PROC_CATEGORY_ND)
      plain[n++] = digit_of(c);
    else
      fits = false;
    text += len;
  }
  while (n > 0 && plain[n - 1] == ' ')
    n--;
  plain[n] = '\0';
  while (plain[start] == ' ')
    start++;
  memmove(plain, plain + start, n + 1 - start);
  if (!fits || !underscores_drop(plain)) {
    kith_free(plain);
    return KITH_ERR_DATA;
  }
  *out = plain;
  return KITH_OK;
}

static size_t digits(const char *text)
{
  size_t n = 0;

  while (is_digit(text[n]))
    n++;
  return n;
}

/* ---- integers ---- */

static enum kith_err plain_integer(BIGNUM *out, const char *plain)
{
  const char *number = plain[0] == '+' ? plain + 1 : plain;
  const char *first = number + (number == plain && plain[0] == '-');
  size_t n = digits(first);
  BIGNUM *value = out;

  if (n == 0 || n > KITH_CLKHASH_DIGITS_MAX || first[n])
    return KITH_ERR_DATA;
  return BN_dec2bn(&value, number) ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_clkhash_integer_parse(BIGNUM *out, const char *text)
{
  char *plain = NULL;
  enum kith_err err = kith_clkhash_number_text(&plain, text);

  if (err == KITH_OK)
    err = plain_integer(out, plain);
  kith_free(plain);
  return err;
}

enum kith_err kith_clkhash_bn_set_int(BIGNUM *out, int64_t value)
{
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

  if (!BN_set_word(out, magnitude))
    return KITH_ERR_MEMORY;
  BN_set_negative(out, value < 0);
  return KITH_OK;
}

/* A double that is a whole number, exactly. */
static enum kith_err bn_set_double(BIGNUM *out, double whole)
{
  int exponent = 0;
  double fraction = frexp(fabs(whole), &exponent);

  if (!BN_set_word(out, (uint64_t)ldexp(fraction, DOUBLE_DIGITS)))
    return KITH_ERR_MEMORY;
  exponent -= DOUBLE_DIGITS;
  if (exponent >= 0 ? !BN_lshift(out, out, exponent) : !BN_rshift(out, out, -exponent))
    return KITH_ERR_MEMORY;
  BN_set_negative(out, whole < 0);
  return KITH_OK;
}

/* ---- doubles ---- */

/* Python's grammar, which has no hexadecimal and, here, no infinities. strtod rounds correctly,
 * and the program never leaves the C locale. */
static enum kith_err plain_double(double *out, const char *plain)
{
  const char *at = plain + (plain[0] == '+' || plain[0] == '-');
  size_t whole = digits(at);
  size_t fraction = 0;

  at += whole;
  if (*at == '.') {
    fraction = digits(at + 1);
    at += 1 + fraction;
  }
  if (whole + fraction == 0)
    return KITH_ERR_DATA;
  if (*at == 'e' || *at == 'E') {
    at += 1 + (at[1] == '+' || at[1] == '-');
    if (digits(at) == 0)
      return KITH_ERR_DATA;
    at += digits(at);
  }
  if (*at)
    return KITH_ERR_DATA;
  *out = strtod(plain, NULL);
  return isfinite(*out) ? KITH_OK : KITH_ERR_DATA;
}

static enum kith_err scaled_double(BIGNUM *out, double value, unsigned precision)
{
  char power[16];

  if (precision > 0) {
    (void)snprintf(power, sizeof power, "1e%u", precision);
    value = rint(value * strtod(power, NULL));
  } else {
    value = trunc(value);
  }
  return isfinite(value) ? bn_set_double(out, value) : KITH_ERR_DATA;
}

static enum kith_err scale(BIGNUM *number, unsigned precision)
{
  for (unsigned i = 0; i < precision; i++)
    if (!BN_mul_word(number, 10))
      return KITH_ERR_MEMORY;
  return KITH_OK;
}

/* ---- the numeric comparison ---- */

/* As a double has it: 53 bits, to the nearest, in the middle to the even. */
static bool double_rounded(BIGNUM *out, const BIGNUM *number)
{
  int extra = BN_num_bits(number) - DOUBLE_DIGITS;
  bool up;

  if (extra <= 0)
    return BN_copy(out, number) != NULL;
  up = BN_is_bit_set(number, extra - 1) != 0;
  if (up && !BN_is_bit_set(number, extra)) { /* the middle, unless there is more below it */
    int below = 0;

    while (below < extra - 1 && !BN_is_bit_set(number, below))
      below++;
    up = below < extra - 1;
  }
  return BN_rshift(out, number, extra) && (!up || BN_add_word(out, 1)) &&
         BN_lshift(out, out, extra);
}

enum kith_err kith_clkhash_numeric_new(struct kith_clkhash_numeric *out, const json_t *threshold,
                                       unsigned resolution, unsigned precision)
{
  BIGNUM *step = BN_new();
  BIGNUM *rounded = BN_new();
  enum kith_err err = step && rounded ? KITH_OK : KITH_ERR_MEMORY;

  if (err != KITH_OK)
    goto failed;
  if (json_is_integer(threshold)) {
    err = kith_clkhash_bn_set_int(step, json_integer_value(threshold));
    if (err == KITH_OK)
      err = scale(step, precision);
  } else {
    /* To the nearest even without a precision too, unlike a value. */
    double whole = json_real_value(threshold);

    err = precision ? scaled_double(step, whole, precision) : bn_set_double(step, rint(whole));
  }
  if (err == KITH_OK && (BN_is_zero(step) || BN_is_negative(step)))
    err = KITH_ERR_CONFIG;
  if (err == KITH_OK && !double_rounded(rounded, step))
    err = KITH_ERR_MEMORY;
  if (err != KITH_OK)
    goto failed;
  *out = (struct kith_clkhash_numeric){step, rounded, resolution, precision};
  return KITH_OK;

failed:
  BN_free(rounded);
  BN_free(step);
  return err == KITH_ERR_DATA ? KITH_ERR_CONFIG : err;
}

void kith_clkhash_numeric_free(struct kith_clkhash_numeric *numeric)
{
  BN_free(numeric->step);
  BN_free(numeric->rounded);
  memset(numeric, 0, sizeof *numeric);
}

/* value x 2 x resolution, moved to the nearer multiple of the step, up from the middle, which is
 * half of the step as a double. */
static bool snap(const struct kith_clkhash_numeric *numeric, BIGNUM *value, BIGNUM *rest,
                 BIGNUM *span, BN_CTX *context)
{
  if (!BN_mul_word(value, 2 * (BN_ULONG)numeric->resolution) ||
      !BN_nnmod(rest, value, numeric->step, context) || !BN_sub(value, value, rest) ||
      !BN_lshift1(rest, rest))
    return false;
  if (BN_cmp(rest, numeric->rounded) >= 0 && !BN_add(value, value, numeric->step))
    return false;
  return BN_copy(span, numeric->step) && BN_mul_word(span, numeric->resolution) &&
         BN_sub(value, value, span);
}

enum kith_err kith_clkhash_numeric_first(const struct kith_clkhash_numeric *numeric, BIGNUM *out,
                                         const char *text)
{
  char *plain = NULL;
  BN_CTX *context = BN_CTX_new();
  BIGNUM *rest = BN_new();
  BIGNUM *span = BN_new();
  enum kith_err err =
      context && rest && span ? kith_clkhash_number_text(&plain, text) : KITH_ERR_MEMORY;

  if (err == KITH_OK) {
    err = plain_integer(out, plain);
    if (err == KITH_OK) {
      err = scale(out, numeric->precision);
    } else if (err == KITH_ERR_DATA) {
      double value = 0;

      err = plain_double(&value, plain);
      if (err == KITH_OK)
        err = scaled_double(out, value, numeric->precision);
    }
  }
  if (err == KITH_OK && !snap(numeric, out, rest, span, context))
    err = KITH_ERR_MEMORY;
  if (err == KITH_OK && BN_num_bits(numeric->rounded) > HALVED_BITS_MAX && !BN_is_zero(rest))
    err = KITH_ERR_DATA;
  BN_clear_free(span);
  BN_clear_free(rest);
  BN_CTX_free(context);
  if (plain)
    OPENSSL_cleanse(plain, strlen(plain));
  kith_free(plain);
  return err;
}
