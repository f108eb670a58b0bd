/* Dates in every form that people and databases write them in. */
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/parts.h"

enum {
  ITEMS_MAX = 3,
  YEAR_FIRST = 1000, /* history has its registers too */
  YEAR_LAST = 2100,
  SERIAL_DIGITS = 5 /* of a spreadsheet's day number: 31137 is 1985-03-31 */
};

struct item {
  int number; /* 0: unknown, as in "00" or "xx" */
  int digits; /* 0: a word */
  bool month; /* a month by name */
};

struct items {
  struct item item[ITEMS_MAX];
  int n;
  bool guessed; /* "about 1985" */
};

/* A word at *text: a month, one of x's, or one to step over (*skip); false where it is none. */
static bool word_read(struct items *items, bool *skip, const char **text)
{
  struct item *item = &items->item[items->n];
  char word[16];
  size_t len = strspn(*text, "abcdefghijklmnopqrstuvwxyz");
  const struct kith_word *found;

  *skip = false;
  if (len == 0 || len >= sizeof word)
    return false;
  memcpy(word, *text, len);
  word[len] = '\0';
  *text += len;
  if (word[strspn(word, "x")] == '\0')
    return items->n < ITEMS_MAX;
  found = kith_word_find(KITH_WORDS_DATE_NOTES, word);
  if (found) {
    items->guessed |= found->other[0] != '\0';
    *skip = true;
    return true;
  }
  found = kith_word_find(KITH_WORDS_MONTHS, word);
  if (!found || items->n == ITEMS_MAX)
    return false;
  item->month = true;
  item->number = (found->other[0] - '0') * 10 + (found->other[1] - '0');
  return true;
}

static bool number_read(struct item *item, const char **text)
{
  size_t n_digits = strspn(*text, "0123456789");

  if (n_digits > 8)
    return false;
  for (size_t i = 0; i < n_digits; i++)
    item->number = item->number * 10 + ((*text)[i] - '0');
  item->digits = (int)n_digits;
  *text += n_digits;
  /* "1st", "22nd" */
  if (strncmp(*text, "st", 2) == 0 || strncmp(*text, "nd", 2) == 0 ||
      strncmp(*text, "rd", 2) == 0 || strncmp(*text, "th", 2) == 0)
    *text += 2;
  return true;
}

/* What is left is a time of day, or nothing. */
static bool is_time(const char *text)
{
  return text[strspn(text, "0123456789t:.z+- apm")] == '\0';
}

/* Up to three items; what follows them may only be a time of day. */
static bool items_read(struct items *items, const char *text)
{
  *items = (struct items){0};
  for (;;) {
    bool skip = false;

    text += strspn(text, " /-.,_'~?\\|");
    if (*text == '\0')
      return true;
    if (items->n == ITEMS_MAX || (items->n == 1 && items->item[0].digits == 8))
      return is_time(text);
    if (!(kith_is_digit(*text) ? number_read(&items->item[items->n], &text)
                               : word_read(items, &skip, &text)))
      return false;
    items->n += !skip;
  }
}

/* A year of two digits is the last such year that is plausible. */
static int year_of(struct item item, const struct kith_standardise_options *options)
{
  int year = options->year_max / 100 * 100 + item.number;

  if (item.digits == 2)
    return year <= options->year_max ? year : year - 100;
  return item.digits == 4 ? item.number : item.number == 0 && item.digits <= 2 ? 0 : -1;
}

static bool is_day_and_month(int day, int month)
{
  return day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

/* The date of a spreadsheet's day number, whose day 60 is the 29 February 1900 that never was. */
static bool serial_date(struct kith_date *out, int serial)
{
  int year = 1900;
  int days = serial - (serial > 60 ? 2 : 1);

  for (; days >= 365 + (kith_date_valid((struct kith_date){year, 2, 29}) ? 1 : 0); year++)
    days -= 365 + (kith_date_valid((struct kith_date){year, 2, 29}) ? 1 : 0);
  for (int month = 1; month <= 12; month++) {
    int length = 31;

    while (!kith_date_valid((struct kith_date){year, month, length}))
      length--;
    if (days < length) {
      *out = (struct kith_date){year, month, days + 1};
      return true;
    }
    days -= length;
  }
  return false;
}

/* Six digits are day, month and year, or year and month: whichever they can be, if not both. */
static bool six_digits(struct kith_date *out, int number,
                       const struct kith_standardise_options *options)
{
  struct kith_date whole = {year_of((struct item){number % 100, 2, false}, options),
                            number / 100 % 100, number / 10000};
  struct kith_date part = {.year = number / 100, .month = number % 100};
  bool is_whole;
  bool is_part = part.year >= options->year_min && part.year <= options->year_max &&
                 part.month >= 1 && part.month <= 12;

  if (options->date_order == KITH_DATE_MDY)
    whole = (struct kith_date){whole.year, whole.day, whole.month};
  else if (options->date_order == KITH_DATE_YMD)
    whole = (struct kith_date){year_of((struct item){number / 10000, 2, false}, options),
                               number / 100 % 100, number % 100};
  is_whole = is_day_and_month(whole.day, whole.month);
  *out = is_whole ? whole : part;
  return is_whole != is_part;
}

static bool one_item(struct kith_date *out, struct item item,
                     const struct kith_standardise_options *options)
{
  int first = item.number / 10000;
  int last = item.number % 10000;

  if (item.digits == 4 && item.number >= YEAR_FIRST) {
    *out = (struct kith_date){.year = item.number};
    return true;
  }
  if (item.digits == SERIAL_DIGITS)
    return serial_date(out, item.number) && out->year >= options->year_min &&
           out->year <= options->year_max;
  if (item.digits == 6)
    return six_digits(out, item.number, options);
  if (item.digits != 8)
    return false;
  *out = (struct kith_date){first, last / 100, last % 100};
  if (out->year >= 1300 && out->month <= 12 && out->day <= 31)
    return true;
  *out = options->date_order == KITH_DATE_MDY ? (struct kith_date){last, first / 100, first % 100}
                                              : (struct kith_date){last, first % 100, first / 100};
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

static bool three_items(struct kith_date *out, bool *repaired, const struct item items[ITEMS_MAX],
                        const struct kith_standardise_options *options)
{
  struct item year = items[2];
  struct item month = items[1];
  struct item day = items[0];

  if (items[0].digits == 4 ||                                           /* as ISO 8601 says */
      (options->date_order == KITH_DATE_YMD && items[2].digits != 4) || /* 85/04/20 */
      (items[0].digits == 2 && items[0].number > 31 && items[2].digits != 4)) {
    year = items[0];
    day = items[2];
    *repaired = items[0].digits == 2 && options->date_order != KITH_DATE_YMD;
  } else if (items[0].month || /* October 30, 2001 */
             (options->date_order == KITH_DATE_MDY && !items[1].month)) {
    month = items[0];
    day = items[1];
  }
  if (year.month || day.month || day.digits > 2 || month.digits > 2)
    return false;
  *out = (struct kith_date){year_of(year, options), month.number, day.number};
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

/* A wrong digit makes a day or a month that there is none of: then it is not known, and the rest
 * is. Not where both are so, or where the year has two digits: who knows which is which. */
static void drop_impossible(struct kith_date *date, const struct items *items)
{
  bool sure = items->n == 3 && (items->item[0].digits == 4 || items->item[2].digits == 4);

  if (sure && date->day > 31 && date->month <= 12)
    date->day = 0;
  else if (sure && date->month > 12 && date->day >= 1 && date->day <= 31)
    date->month = 0;
}

/* What was read, made sense of: order, what stands for a part only, what can't be. */
static enum kith_outcome date_settle(struct kith_date *out, struct kith_date date,
                                     const struct items *items,
                                     const struct kith_standardise_options *options)
{
  enum kith_outcome outcome = KITH_VALUE_FINE;

  if (date.month > 12 && date.month <= 31 && date.day >= 1 && date.day <= 12) {
    date = (struct kith_date){date.year, date.day, date.month};
    outcome = KITH_VALUE_REPAIRED;
  }
  drop_impossible(&date, items);
  if ((date.year && (date.year < YEAR_FIRST || date.year > YEAR_LAST)) || date.month > 12 ||
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
  if (date.year && (date.year < options->year_min || date.year > options->year_max))
    return KITH_VALUE_IMPLAUSIBLE;
  return date.year && date.month && date.day ? outcome : KITH_VALUE_PARTIAL;
}

enum kith_outcome kith_read_date(struct kith_date *out, const char *text,
                                 const struct kith_standardise_options *options)
{
  struct items items;
  struct kith_date date = {0};
  bool repaired = false;
  enum kith_outcome outcome;

  if (!items_read(&items, text) ||
      !((items.n == 1 && one_item(&date, items.item[0], options)) ||
        (items.n == 2 && two_items(&date, items.item)) ||
        (items.n == 3 && three_items(&date, &repaired, items.item, options))))
    return KITH_VALUE_UNUSABLE;
  /* 01/01/01 is nobody's birthday. */
  if (is_placeholder(date) || (items.n == 3 && items.item[2].digits == 2 && date.year == 2001 &&
                               date.month == 1 && date.day == 1))
    return KITH_VALUE_PLACEHOLDER;
  if (items.guessed) /* the year is what is known */
    date.month = date.day = 0;
  outcome = date_settle(out, date, &items, options);
  if (outcome == KITH_VALUE_FINE && (repaired || items.item[0].digits == SERIAL_DIGITS))
    outcome = KITH_VALUE_REPAIRED;
  return outcome;
}
