#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECONDS_PER_DAY = 86400 };

#ifdef KITH_TESTING
static int64_t test_offset(void)
{
  const char *path = getenv("KITH_TEST_CLOCK");
  FILE *file = path ? fopen(path, "re") : NULL;
  char line[32];
  int64_t offset = 0;

  if (!file)
    return 0;
  if (fgets(line, sizeof line, file))
    offset = strtoll(line, NULL, 10);
  fclose(file);
  return offset;
}
#endif

int64_t kith_clock_now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_REALTIME, &now);
#ifdef KITH_TESTING
  return (int64_t)now.tv_sec + test_offset();
#else
  return (int64_t)now.tv_sec;
#endif
}

int64_t kith_clock_monotonic_ns(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t kith_clock_monotonic_ms(void)
{
  return kith_clock_monotonic_ns() / 1000000;
}

static bool leap(int year)
{
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool kith_date_valid(struct kith_date date)
{
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

  if (date.year < 1 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1)
    return false;
  return date.day <= lengths[date.month - 1] + (date.month == 2 && leap(date.year));
}

/* Days to the first of March of year 0, then by years that begin in March, so that the leap
 * day is the last of its year. */
int64_t kith_date_days(struct kith_date date)
{
  int64_t year = date.month > 2 ? date.year : date.year - 1;
  int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
  int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;

  return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

struct kith_date kith_date_of_days(int64_t days)
{
  struct kith_date date = {.year = 1 + (int)((days + 719162) / 366), .month = 1, .day = 1};

  /* The guess is never late, and early by a few years at most in four digits. */
  while (kith_date_days((struct kith_date){date.year + 1, 1, 1}) <= days)
    date.year++;
  while (date.month < 12 &&
         kith_date_days((struct kith_date){date.year, date.month + 1, 1}) <= days)
    date.month++;
  date.day += (int)(days - kith_date_days(date));
  return date;
}

void kith_time_format(char out[KITH_TIME_BYTES], int64_t unix_seconds)
{
  const int64_t first = kith_date_days((struct kith_date){1, 1, 1}) * SECONDS_PER_DAY;
  const int64_t last =
      kith_date_days((struct kith_date){9999, 12, 31}) * SECONDS_PER_DAY + SECONDS_PER_DAY - 1;
  char text[64];
  struct kith_date date;
  int64_t days;
  int seconds;

  /* Four digits hold no more. */
  if (unix_seconds < first)
    unix_seconds = first;
  if (unix_seconds > last)
    unix_seconds = last;
  days = unix_seconds / SECONDS_PER_DAY - (unix_seconds % SECONDS_PER_DAY < 0);
  seconds = (int)(unix_seconds - days * SECONDS_PER_DAY);
  date = kith_date_of_days(days);
  snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", date.year, date.month, date.day,
           seconds / 3600, seconds / 60 % 60, seconds % 60);
  memcpy(out, text, KITH_TIME_BYTES);
}

static int digits(const char *text, int n)
{
  int value = 0;

  for (int i = 0; i < n; i++)
    value = value * 10 + (text[i] - '0');
  return value;
}

enum kith_err kith_time_parse(int64_t *out, const char *text)
{
  static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
  struct kith_date date;
  int hour;
  int minute;
  int second;

  for (size_t i = 0; i < sizeof form; i++) {
    if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
      return KITH_ERR_DATA;
  }
  date = (struct kith_date){digits(text, 4), digits(text + 5, 2), digits(text + 8, 2)};
  hour = digits(text + 11, 2);
  minute = digits(text + 14, 2);
  second = digits(text + 17, 2);
  if (!kith_date_valid(date) || hour > 23 || minute > 59 || second > 59)
    return KITH_ERR_DATA;
  *out = kith_date_days(date) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
  return KITH_OK;
}
