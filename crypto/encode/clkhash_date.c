#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

/* What Python's strptime takes for each directive, in its C locale. */
static const struct directive {
  char name;
  const char *pattern;
} directives[] = {
    {'Y', "(\\d\\d\\d\\d)"},
    {'y', "(\\d\\d)"},
    {'m', "(1[0-2]|0[1-9]|[1-9])"},
    {'d', "(3[0-1]|[1-2]\\d|0[1-9]|[1-9]| [1-9])"},
    {'b', "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"},
    {'B',
     "(september|february|november|december|january|october|august|march|april|june|july|may)"},
    {'a', "(mon|tue|wed|thu|fri|sat|sun)"},
    {'A', "(wednesday|thursday|saturday|tuesday|monday|friday|sunday)"},
    {'j', "(36[0-6]|3[0-5]\\d|[1-2]\\d\\d|0[1-9]\\d|00[1-9]|[1-9]\\d|0[1-9]|[1-9])"},
    {'H', "(2[0-3]|[0-1]\\d|\\d)"},
    {'I', "(1[0-2]|0[1-9]|[1-9])"},
    {'M', "([0-5]\\d|\\d)"},
    {'S', "(6[0-1]|[0-5]\\d|\\d)"},
    {'p', "(am|pm)"},
    {'f', "([0-9]{1,6})"},
    {'w', "([0-6])"},
};

static const unsigned month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(int year)
{
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in(int year, unsigned month)
{
  return month_days[month - 1] + (month == 2 && is_leap(year));
}

/* ---- the format ---- */

static const char *directive_add(struct kith_clkhash_date *date, struct kith_buf *pattern,
                                 char name)
{
  if (name == '%') {
    kith_buf_append_string(pattern, "%");
    return NULL;
  }
  for (unsigned i = 0; i < date->n_parts; i++)
    if (date->parts[i] == name)
      return "a date format has a directive twice";
  for (size_t i = 0; i < KITH_COUNT_OF(directives); i++)
    if (directives[i].name == name && date->n_parts < KITH_CLKHASH_DATE_PARTS_MAX) {
      kith_buf_append_string(pattern, directives[i].pattern);
      date->parts[date->n_parts++] = name;
      return NULL;
    }
  return "a date format has a directive that is not served";
}

/* Blanks stand for one or more blanks, letters for either case. */
static const char *format_translate(struct kith_clkhash_date *date, struct kith_buf *pattern,
                                    const char *format)
{
  const char *wrong = NULL;

  for (size_t at = 0; format[at] && !wrong; at++) {
    if (format[at] == '%') {
      wrong = directive_add(date, pattern, format[++at]);
    } else if (strchr(" \t\n\v\f\r", format[at])) {
      kith_buf_append_string(pattern, "[" KITH_CLKHASH_BLANKS "]+");
      while (format[at + 1] && strchr(" \t\n\v\f\r", format[at + 1]))
        at++;
    } else {
      if (strchr("\\.^$*+?(){}[]|", format[at]))
        kith_buf_append_string(pattern, "\\");
      kith_buf_append(pattern, format + at, 1);
    }
  }
  return wrong;
}

enum kith_err kith_clkhash_date_new(struct kith_clkhash_date *out, const char *format,
                                    char why[128])
{
  struct kith_clkhash_date date = {0};
  struct kith_buf pattern;
  const char *wrong;
  enum kith_err err;

  kith_buf_init(&pattern, 0);
  wrong = format_translate(&date, &pattern, format);
  kith_buf_append(&pattern, "", 1);
  err = kith_buf_err(&pattern);
  if (wrong) {
    err = KITH_ERR_CONFIG;
    memcpy(why, wrong, strlen(wrong) + 1);
  } else if (err == KITH_OK) {
    err = kith_clkhash_regex_compile(&date.regex, (const char *)pattern.bytes,
                                     KITH_CLKHASH_REGEX_CASELESS, why);
  }
  kith_buf_free(&pattern);
  if (err == KITH_OK)
    *out = date;
  return err;
}

/* ---- a value ---- */

struct parts {
  int year;
  unsigned month;
  unsigned day;
  unsigned julian; /* 0: none */
  unsigned second;
};

static unsigned month_of(const char *name)
{
  static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  char lower[3];

  for (size_t i = 0; i < 3; i++)
    lower[i] = (char)(name[i] | 0x20);
  for (unsigned m = 0; m < 12; m++)
    if (memcmp(months + (size_t)3 * m, lower, 3) == 0)
      return m + 1;
  return 1; /* the pattern took nothing else */
}

static enum kith_err part_number(int *out, const char *text, size_t len)
{
  char *copy = kith_strndup(text, len);
  BIGNUM *number = BN_new();
  enum kith_err err = copy && number ? kith_clkhash_integer_parse(number, copy) : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    *out = (int)BN_get_word(number);
  BN_clear_free(number);
  kith_free(copy);
  return err;
}

static enum kith_err part_take(struct parts *parts, char directive, const char *text, size_t len)
{
  int number = 0;
  enum kith_err err = KITH_OK;

  if (strchr("YymdjS", directive))
    err = part_number(&number, text, len);
  if (err != KITH_OK)
    return err;
  switch (directive) {
  case 'Y':
    parts->year = number;
    break;
  case 'y':
    parts->year = number + (number < 69 ? 2000 : 1900);
    break;
  case 'm':
    parts->month = (unsigned)number;
    break;
  case 'b':
  case 'B':
    parts->month = month_of(text);
    break;
  case 'd':
    parts->day = (unsigned)number;
    break;
  case 'j':
    parts->julian = (unsigned)number;
    break;
  case 'S':
    parts->second = (unsigned)number;
    break;
  default:
    break;
  }
  return KITH_OK;
}

/* The day of the year wins over month and day, and may run into the next year. */
static void julian_apply(struct parts *parts)
{
  unsigned left = parts->julian;

  parts->month = 1;
  while (left > days_in(parts->year, parts->month)) {
    left -= days_in(parts->year, parts->month);
    if (++parts->month > 12) {
      parts->month = 1;
      parts->year++;
    }
  }
  parts->day = left;
}

enum kith_err kith_clkhash_date_format(const struct kith_clkhash_date *date, char out[16],
                                       const char *text)
{
  struct parts parts = {.year = 1900, .month = 1, .day = 1};
  enum kith_err err = kith_clkhash_regex_match(&date->regex, text);
  const size_t *at = pcre2_get_ovector_pointer(date->regex.match);

  if (err != KITH_OK)
    return err;
  if (at[1] != strlen(text))
    return KITH_ERR_DATA;
  for (unsigned i = 0; err == KITH_OK && i < date->n_parts; i++) {
    size_t start = at[2 * i + 2];

    err = part_take(&parts, date->parts[i], text + start, at[2 * i + 3] - start);
  }
  if (err != KITH_OK)
    return err;
  if (parts.year < 1 || parts.second > 59 || parts.month < 1 || parts.month > 12)
    return KITH_ERR_DATA;
  if (parts.julian)
    julian_apply(&parts);
  if (parts.year > 9999 || parts.day > days_in(parts.year, parts.month))
    return KITH_ERR_DATA;
  (void)snprintf(out, 16, "%d%02u%02u", parts.year, parts.month % 100, parts.day % 100);
  return KITH_OK;
}
