#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <utf8proc.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

/* What Python's strptime takes for each directive, in its C locale. */
static const struct directive {
  char name;
  const char *pattern;
} directives[] = {
    {'Y', "(\\d\\d\\d\\d)"},
    {'y', "(\\d\\d)"},
    {'G', "(\\d\\d\\d\\d)"},
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
    {'u', "([1-7])"},
    {'U', "(5[0-3]|[0-4]\\d|\\d)"},
    {'W', "(5[0-3]|[0-4]\\d|\\d)"},
    {'V', "(5[0-3]|0[1-9]|[1-4]\\d|\\d)"},
    {'z', "([+-]\\d\\d:?[0-5]\\d(?::?[0-5]\\d(?:\\.\\d{1,6})?)?|(?-i:Z))"},
    {'Z', "(utc|gmt)"},
};
/* Directives that stand for several. */
static const struct {
  char name;
  const char *format;
} several[] = {{'c', "%a %b %d %H:%M:%S %Y"}, {'x', "%m/%d/%y"}, {'X', "%H:%M:%S"}};

/* ---- the format ---- */

static const char *format_translate(struct kith_clkhash_date *date, struct kith_buf *pattern,
                                    const char *format);

static const char *directive_add(struct kith_clkhash_date *date, struct kith_buf *pattern,
                                 char name)
{
  if (name == '%') {
    kith_buf_append_string(pattern, "%");
    return NULL;
  }
  for (size_t i = 0; i < KITH_COUNT_OF(several); i++)
    if (several[i].name == name)
      return format_translate(date, pattern, several[i].format);
  for (unsigned i = 0; i < date->n_parts; i++)
    if (date->parts[i] == name)
      return "a date format has a directive twice";
  for (size_t i = 0; i < KITH_COUNT_OF(directives); i++)
    if (directives[i].name == name) {
      kith_buf_append_string(pattern, directives[i].pattern);
      date->parts[date->n_parts++] = name;
      return NULL;
    }
  return "a date format has a directive that strptime doesn't know";
}

/* The bytes of a blank of Python's at the start of the text, 0: none. */
static size_t blank_len(const char *text)
{
  utf8proc_int32_t c = 0;
  utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);
  bool blank = (c >= 9 && c <= 13) || (c >= 0x1c && c <= ' ') || c == 0x85 || c == 0x2028 ||
               c == 0x2029 || utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;

  return len > 0 && c && blank ? (size_t)len : 0;
}

/* Blanks stand for one or more blanks, letters for either case. */
static const char *format_translate(struct kith_clkhash_date *date, struct kith_buf *pattern,
                                    const char *format)
{
  const char *wrong = NULL;

  while (!wrong && *format) {
    size_t blank = blank_len(format);

    if (blank) {
      kith_buf_append_string(pattern, "[" KITH_CLKHASH_BLANKS "]+");
      while ((blank = blank_len(format)) > 0)
        format += blank;
    } else if (*format == '%') {
      wrong = directive_add(date, pattern, format[1]);
      format += format[1] ? 2 : 1;
    } else {
      if (strchr("\\.^$*+?(){}[]|", *format))
        kith_buf_append_string(pattern, "\\");
      kith_buf_append(pattern, format++, 1);
    }
  }
  return wrong;
}

/* The format with Y, m and d for its three directives, where it has these and no others, and else
 * only ASCII that isn't blank. */
static void plain_make(struct kith_clkhash_date *date, const char *format)
{
  size_t n = 0;

  if (date->n_parts != 3 || memchr(date->parts, 'Y', 3) == NULL ||
      memchr(date->parts, 'm', 3) == NULL || memchr(date->parts, 'd', 3) == NULL)
    return;
  for (; *format && n < sizeof date->plain - 1; n++) {
    if (*format == '%')
      date->plain[n] = *++format;
    else if (strchr("-/.,:", *format))
      date->plain[n] = *format;
    else
      break;
    format++;
  }
  if (*format || strchr(date->plain, '%'))
    n = 0;
  date->plain[n] = '\0';
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
  if (err != KITH_OK)
    return err;
  plain_make(&date, format);
  *out = date;
  return KITH_OK;
}

/* ---- the parts of a value ---- */

enum { NONE = -1 };

struct parts {
  int year; /* NONE: not given, as below */
  int iso_year;
  int month;
  int day;
  int julian;
  int weekday; /* 0: Monday */
  int week;    /* of the year, which starts on a Sunday or, with weeks_from_monday, a Monday */
  bool weeks_from_monday;
  int iso_week;
  int second;
};

/* The place of a name in a list of names of three letters or their starts, or NONE. Python's list
 * has the rest of the names too, which matters for letters that only look alike in lower case. */
static int name_index(const char *const *names, int n, size_t start, const char *text, size_t len)
{
  for (int i = 0; i < n; i++)
    if ((start ? start : strlen(names[i])) == len) {
      size_t k = 0;

      while (k < len && (text[k] | 0x20) == names[i][k])
        k++;
      if (k == len)
        return i;
    }
  return NONE;
}

static int month_of(const char *text, size_t len, size_t start)
{
  static const char *const months[] = {"january",   "february", "march",    "april",
                                       "may",       "june",     "july",     "august",
                                       "september", "october",  "november", "december"};
  int month = name_index(months, 12, start, text, len);

  return month == NONE ? NONE : month + 1;
}

static int weekday_of(const char *text, size_t len, size_t start)
{
  static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                     "friday", "saturday", "sunday"};

  return name_index(days, 7, start, text, len);
}

/* Whether hours, minutes and seconds from UTC are less than a day; Python is particular about
 * colons. */
static bool zone_valid(const char *text, size_t len)
{
  bool first = len > 3 && text[3] == ':';
  size_t seconds = first ? 6 : 5;

  if (len == 1) /* Z */
    return true;
  if (len > seconds && (text[seconds] == ':') != first)
    return false;
  return (text[1] - '0') * 10 + text[2] - '0' < 24;
}

static enum kith_err zone_check(const char *text, size_t len)
{
  char *copy = kith_strndup(text, len);
  char *plain = NULL;
  enum kith_err err = copy ? kith_clkhash_number_text(&plain, copy) : KITH_ERR_MEMORY;

  if (err == KITH_OK && !zone_valid(plain, strlen(plain)))
    err = KITH_ERR_DATA;
  kith_free(plain);
  kith_free(copy);
  return err;
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

static void number_take(struct parts *parts, char directive, int number)
{
  switch (directive) {
  case 'Y':
    parts->year = number;
    break;
  case 'y':
    parts->year = number + (number < 69 ? 2000 : 1900);
    break;
  case 'G':
    parts->iso_year = number;
    break;
  case 'm':
    parts->month = number;
    break;
  case 'd':
    parts->day = number;
    break;
  case 'j':
    parts->julian = number;
    break;
  case 'S':
    parts->second = number;
    break;
  case 'w':
    parts->weekday = (number + 6) % 7;
    break;
  case 'u':
    parts->weekday = number - 1;
    break;
  case 'V':
    parts->iso_week = number;
    break;
  default: /* U and W */
    parts->week = number;
    parts->weeks_from_monday = directive == 'W';
    break;
  }
}

static enum kith_err part_take(struct parts *parts, char directive, const char *text, size_t len)
{
  int number = 0;
  enum kith_err err;

  switch (directive) {
  case 'b':
    parts->month = month_of(text, len, 3);
    return parts->month == NONE ? KITH_ERR_DATA : KITH_OK;
  case 'B':
    parts->month = month_of(text, len, 0);
    return parts->month == NONE ? KITH_ERR_DATA : KITH_OK;
  case 'a':
    parts->weekday = weekday_of(text, len, 3);
    return parts->weekday == NONE ? KITH_ERR_DATA : KITH_OK;
  case 'A':
    parts->weekday = weekday_of(text, len, 0);
    return parts->weekday == NONE ? KITH_ERR_DATA : KITH_OK;
  case 'z':
    return zone_check(text, len);
  default:
    if (!strchr("YyGmdjSwuVUW", directive))
      return KITH_OK; /* of the day, which is not asked for */
    err = part_number(&number, text, len);
    if (err == KITH_OK)
      number_take(parts, directive, number);
    return err;
  }
}

/* ---- from parts to a date ---- */

static int days_in_year(int year)
{
  return kith_date_valid((struct kith_date){year, 2, 29}) ? 366 : 365;
}

/* 0: Monday */
static int weekday_of_new_year(int year)
{
  int64_t days = kith_date_days((struct kith_date){year, 1, 1}) + 3; /* 1970 began on a Thursday */

  return (int)((days % 7 + 7) % 7);
}

/* The day of the year that a week and a weekday are, which may be one of the year before. */
static void week_apply(struct parts *parts)
{
  int shift = parts->weeks_from_monday ? 0 : 1;
  int first = (weekday_of_new_year(parts->year) + shift) % 7;
  int day = (parts->weekday + shift) % 7;

  parts->julian =
      parts->week == 0 ? 1 + day - first : 1 + (7 - first) % 7 + 7 * (parts->week - 1) + day;
  if (parts->julian <= 0)
    parts->julian += days_in_year(--parts->year);
}

/* The same for a week of ISO 8601, where the first has the 4th of January. */
static void iso_week_apply(struct parts *parts)
{
  int fourth = (weekday_of_new_year(parts->iso_year) + 3) % 7 + 1;

  parts->year = parts->iso_year;
  parts->julian = parts->iso_week * 7 + parts->weekday + 1 - (fourth + 3);
  if (parts->julian < 1)
    parts->julian += days_in_year(--parts->year);
}

/* The day of the year wins over month and day, and may run into the next year. */
static void julian_apply(struct parts *parts)
{
  int64_t first = kith_date_days((struct kith_date){parts->year, 1, 1});
  struct kith_date date = kith_date_of_days(first + parts->julian - 1);

  parts->year = date.year;
  parts->month = date.month;
  parts->day = date.day;
}

/* Whether parts of both calendars go together. */
static bool weeks_fit(const struct parts *parts)
{
  if (parts->year == NONE && parts->iso_year != NONE)
    return parts->iso_week != NONE && parts->weekday != NONE && parts->julian == NONE;
  return parts->week != NONE || parts->iso_week == NONE;
}

static bool year_valid(int year)
{
  return year >= 1 && year <= 9999;
}

/* Fills year, month and day. */
static bool parts_resolve(struct parts *parts)
{
  bool no_year = parts->year == NONE;
  bool leap_day = no_year && parts->month == 2 && parts->day == 29;

  if (!weeks_fit(parts))
    return false;
  if (no_year)
    parts->year = leap_day ? 1904 : 1900;
  if (!year_valid(parts->year))
    return false;
  if (parts->julian == NONE && parts->weekday != NONE) {
    if (parts->week != NONE) {
      week_apply(parts);
    } else if (parts->iso_year != NONE && parts->iso_week != NONE) {
      if (!year_valid(parts->iso_year))
        return false;
      iso_week_apply(parts);
    }
  }
  if (!year_valid(parts->year))
    return false;
  if (parts->julian != NONE)
    julian_apply(parts);
  if (!year_valid(parts->year) ||
      !kith_date_valid((struct kith_date){parts->year, parts->month, parts->day}))
    return false;
  if (leap_day)
    parts->year = 1900;
  return parts->second <= 59 &&
         kith_date_valid((struct kith_date){parts->year, parts->month, parts->day});
}

/* ---- a value ---- */

static bool digits_read(int *out, const char **text, int n)
{
  *out = 0;
  for (int i = 0; i < n; i++, (*text)++) {
    if (**text < '0' || **text > '9')
      return false;
    *out = *out * 10 + **text - '0';
  }
  return true;
}

/* The usual: all digits are there, and the date is one. False: the regular expression must see. */
static bool plain_read(struct parts *parts, const char *plain, const char *text)
{
  bool fits = plain[0] != '\0';

  for (; *plain && fits; plain++) {
    if (*plain == 'Y')
      fits = digits_read(&parts->year, &text, 4);
    else if (*plain == 'm')
      fits = digits_read(&parts->month, &text, 2);
    else if (*plain == 'd')
      fits = digits_read(&parts->day, &text, 2);
    else
      fits = *text++ == *plain;
  }
  return fits && !*text && year_valid(parts->year) &&
         kith_date_valid((struct kith_date){parts->year, parts->month, parts->day});
}

static enum kith_err match_read(struct parts *parts, const struct kith_clkhash_date *date,
                                pcre2_match_data *match, const char *text)
{
  enum kith_err err = kith_clkhash_regex_match(&date->regex, match, text);
  const size_t *at = pcre2_get_ovector_pointer(match);

  if (err != KITH_OK)
    return err;
  if (at[1] != strlen(text))
    return KITH_ERR_DATA;
  for (unsigned i = 0; err == KITH_OK && i < date->n_parts; i++) {
    size_t start = at[2 * i + 2];

    err = part_take(parts, date->parts[i], text + start, at[2 * i + 3] - start);
  }
  if (err == KITH_OK && !parts_resolve(parts))
    err = KITH_ERR_DATA;
  return err;
}

enum kith_err kith_clkhash_date_format(const struct kith_clkhash_date *date,
                                       pcre2_match_data *match, char out[16], const char *text)
{
  static const struct parts nothing = {NONE, NONE, 1, 1, NONE, NONE, NONE, false, NONE, 0};
  struct parts parts = nothing;
  enum kith_err err = KITH_OK;

  if (!plain_read(&parts, date->plain, text)) {
    parts = nothing;
    err = match_read(&parts, date, match, text);
  }
  if (err == KITH_OK)
    (void)snprintf(out, 16, "%d%02d%02d", parts.year, parts.month, parts.day);
  return err;
}
