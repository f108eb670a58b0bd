/* Dates, sexes, postcodes and addresses: fields with a form of their own. */
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/parts.h"

enum {
  ITEMS_MAX = 3,
  YEAR_MIN = 1000, /* history has its registers too */
  YEAR_MAX = 2100,
  PIVOT = 26 /* a two-digit year up to this is of this century; "kith-1" will not change it */
};

/* ---- dates */

struct item {
  int number; /* 0: unknown, as in "00" or "xx" */
  int digits; /* 0: a word */
  bool month; /* a month by name */
};

/* Reads one item at *text and moves on; false where it is none. */
static bool item_read(struct item *out, const char **text)
{
  size_t n_digits = strspn(*text, "0123456789");
  size_t n_letters = strspn(*text, "abcdefghijklmnopqrstuvwxyz");
  char word[16];
  const struct kith_word *month;

  *out = (struct item){0};
  if (n_digits > 0) {
    if (n_digits > 8)
      return false;
    for (size_t i = 0; i < n_digits; i++)
      out->number = out->number * 10 + ((*text)[i] - '0');
    out->digits = (int)n_digits;
    *text += n_digits;
    /* "1st", "22nd" */
    if (n_letters == 0 && (strncmp(*text, "st", 2) == 0 || strncmp(*text, "nd", 2) == 0 ||
                           strncmp(*text, "rd", 2) == 0 || strncmp(*text, "th", 2) == 0))
      *text += 2;
    return true;
  }
  if (n_letters == 0 || n_letters >= sizeof word)
    return false;
  memcpy(word, *text, n_letters);
  word[n_letters] = '\0';
  *text += n_letters;
  if (word[strspn(word, "x")] == '\0')
    return true;
  month = kith_word_find(KITH_WORDS_MONTHS, word);
  if (!month)
    return false;
  out->month = true;
  out->number = (month->other[0] - '0') * 10 + (month->other[1] - '0');
  return true;
}

/* Up to three items; what follows them may only be a time of day. -1: no date. */
static int items_read(struct item items[ITEMS_MAX], const char *text)
{
  int n = 0;

  while (*text != '\0') {
    text += strspn(text, " /-.,_");
    if (n == ITEMS_MAX || (n == 1 && items[0].digits == 8))
      return text[strspn(text, "0123456789t:.z+- ")] == '\0' ? n : -1;
    if (*text == '\0')
      break;
    if (!item_read(&items[n], &text))
      return -1;
    n++;
  }
  return n;
}

static int year_of(struct item item)
{
  if (item.digits == 2)
    return item.number <= PIVOT ? 2000 + item.number : 1900 + item.number;
  return item.digits == 4 ? item.number : item.number == 0 ? 0 : -1;
}

static bool one_item(struct kith_date *out, struct item item)
{
  int first = item.number / 10000;

  if (item.digits == 4 && item.number >= YEAR_MIN) {
    *out = (struct kith_date){.year = item.number};
    return true;
  }
  if (item.digits != 8)
    return false;
  *out = (struct kith_date){first, item.number / 100 % 100, item.number % 100};
  if (out->year < 1300 || out->month > 12 || out->day > 31)
    *out = (struct kith_date){item.number % 10000, first % 100, first / 100};
  return true;
}

static bool two_items(struct kith_date *out, const struct item items[ITEMS_MAX])
{
  int year_at = items[0].digits == 4 ? 0 : 1;

  if (items[year_at].digits != 4 || items[!year_at].digits > 2)
    return false;
  *out = (struct kith_date){.year = items[year_at].number, .month = items[!year_at].number};
  return true;
}

static bool three_items(struct kith_date *out, const struct item items[ITEMS_MAX])
{
  struct item year = items[2];
  struct item month = items[1];
  struct item day = items[0];

  if (items[0].digits == 4) { /* as ISO 8601 says */
    year = items[0];
    day = items[2];
  } else if (items[0].month) { /* October 30, 2001 */
    month = items[0];
    day = items[1];
  }
  if (year.month || day.month || day.digits > 2 || month.digits > 2)
    return false;
  *out = (struct kith_date){year_of(year), month.number, day.number};
  return out->year >= 0;
}

/* Dates that forms and databases put where they have none. */
static bool is_placeholder(struct kith_date date)
{
  static const struct kith_date dates[] = {
      {1900, 1, 1}, {1901, 1, 1},   {1899, 12, 30}, {1899, 12, 31}, {1753, 1, 1},
      {1800, 1, 1}, {1111, 11, 11}, {2099, 12, 31}, {2100, 1, 1},   {9999, 12, 31},
      {9999, 9, 9}, {1, 1, 1},      {0, 0, 0},      {1000, 1, 1},   {1600, 1, 1}};

  for (size_t i = 0; i < KITH_COUNT_OF(dates); i++) {
    if (date.year == dates[i].year && date.month == dates[i].month && date.day == dates[i].day)
      return true;
  }
  return false;
}

enum kith_outcome kith_read_date(struct kith_date *out, const char *text)
{
  struct item items[ITEMS_MAX] = {0};
  struct kith_date date = {0};
  enum kith_outcome outcome = KITH_VALUE_FINE;
  int n = items_read(items, text);
  bool read = (n == 1 && one_item(&date, items[0])) || (n == 2 && two_items(&date, items)) ||
              (n == 3 && three_items(&date, items));

  if (!read)
    return KITH_VALUE_UNUSABLE;
  /* 01/01/01 is nobody's birthday. */
  if (is_placeholder(date) ||
      (n == 3 && items[2].digits == 2 && date.year == 2001 && date.month == 1 && date.day == 1))
    return KITH_VALUE_PLACEHOLDER;
  if (date.month > 12 && date.month <= 31 && date.day >= 1 && date.day <= 12) {
    int day = date.month;
    date.month = date.day;
    date.day = day;
    outcome = KITH_VALUE_REPAIRED;
  }
  if ((date.year && (date.year < YEAR_MIN || date.year > YEAR_MAX)) || date.month > 12 ||
      date.day > 31)
    return KITH_VALUE_UNUSABLE;
  /* 1 January stands for a year alone, a day that its month lacks for a month alone. */
  if (date.month == 1 && date.day == 1)
    date.month = date.day = 0;
  if (date.month && date.day &&
      !kith_date_valid((struct kith_date){date.year ? date.year : 2000, date.month, date.day}))
    date.day = 0;
  if (!date.year && !date.month && !date.day)
    return KITH_VALUE_PLACEHOLDER;
  *out = date;
  return date.year && date.month && date.day ? outcome : KITH_VALUE_PARTIAL;
}

enum kith_outcome kith_read_sex(struct kith_values *out, const char *text)
{
  const struct kith_word *word = kith_word_find(KITH_WORDS_SEXES, text);

  if (!word)
    return KITH_VALUE_UNUSABLE;
  if (word->other[0] == '\0')
    return KITH_VALUE_PLACEHOLDER;
  kith_values_add(out, word->other, 1);
  return KITH_VALUE_FINE;
}

/* ---- postcodes */

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
  return c >= 'a' && c <= 'z';
}

/* A letter that was meant as a digit, and the other way round; unchanged where neither. */
static char as_digit(char c)
{
  return c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c == 's' ? '5' : c;
}

static char as_letter(char c)
{
  return c == '0' ? 'o' : c == '1' ? 'i' : c == '5' ? 's' : c;
}

/* A9, A99, AA9, AA99, A9A, AA9A: the district, mended in place. */
static bool outward_mend(char *code, size_t len)
{
  size_t at = 1;

  if (len < 2 || len > 4)
    return false;
  code[0] = as_letter(code[0]);
  if (!is_letter(code[0]))
    return false;
  if (len > 2 && is_letter(code[1]))
    at = 2;
  code[at] = as_digit(code[at]);
  if (!is_digit(code[at]))
    return false;
  return at + 1 == len || (at + 2 == len && (is_digit(code[len - 1]) || is_letter(code[len - 1])));
}

static bool inward_mend(char *code)
{
  code[0] = as_digit(code[0]);
  code[1] = as_letter(code[1]);
  code[2] = as_letter(code[2]);
  return is_digit(code[0]) && is_letter(code[1]) && is_letter(code[2]);
}

enum kith_outcome kith_read_postcode(struct kith_values *out, const char *text)
{
  enum { CODE_MAX = 10 };
  char code[CODE_MAX + 1] = {0};
  char mended[CODE_MAX + 1];
  size_t len = 0;
  size_t n_digits = 0;

  if (kith_word_find(KITH_WORDS_ADDRESS_PLACEHOLDERS, text))
    return KITH_VALUE_PLACEHOLDER;
  for (; *text != '\0'; text++) {
    if (!is_digit(*text) && !is_letter(*text))
      continue;
    if (len == CODE_MAX)
      return KITH_VALUE_UNUSABLE;
    n_digits += is_digit(*text);
    code[len++] = *text;
  }
  memcpy(mended, code, sizeof mended);
  if (len >= 5 && len <= 7 && outward_mend(mended, len - 3) && inward_mend(mended + len - 3)) {
    kith_values_add(out, mended, len);
    return memcmp(mended, code, len) == 0 ? KITH_VALUE_FINE : KITH_VALUE_REPAIRED;
  }
  memcpy(mended, code, sizeof mended);
  if (n_digits == 0 || len < 2)
    return KITH_VALUE_UNUSABLE;
  /* A district alone, a code of another country, or one with a slip: what is there still tells. */
  kith_values_add(out, code, len);
  return n_digits == len && len >= 4 ? KITH_VALUE_FINE : KITH_VALUE_PARTIAL;
}

/* ---- addresses */

enum kith_outcome kith_read_address(struct kith_values *out, const char *text)
{
  bool first = true;

  if (kith_word_find(KITH_WORDS_ADDRESS_PLACEHOLDERS, text))
    return KITH_VALUE_PLACEHOLDER;
  while (*text != '\0') {
    char word[KITH_VALUE_BYTES];
    size_t len = 0;
    const struct kith_word *form = NULL;

    for (; *text != '\0' && !strchr(" ,./-()&:;\"#", *text); text += kith_fold_step(text)) {
      size_t step = kith_fold_step(text);
      if (*text != '\'' && len + step < sizeof word) {
        memcpy(word + len, text, step);
        len += step;
      }
    }
    word[len] = '\0';
    text += *text != '\0';
    /* "St Johns Road" is a saint's, "High St" is a street. */
    if (len > 0 && !(first && strcmp(word, "st") == 0))
      form = kith_word_find(KITH_WORDS_STREET_WORDS, word);
    first = first && (len == 0 || is_digit(word[0]));
    if (form)
      kith_values_add(out, form->other, strlen(form->other));
    else
      kith_values_add(out, word, len);
  }
  return out->n ? KITH_VALUE_FINE : KITH_VALUE_UNUSABLE;
}
