/* Time. kith_clock_now is Unix seconds; a test build reads an offset in seconds from the file
 * that KITH_TEST_CLOCK names, so that deadlines can be tested. Monotonic time is for waiting. */
#ifndef KITH_BASE_CLOCK_H
#define KITH_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

int64_t kith_clock_now(void);
int64_t kith_clock_monotonic_ms(void);
int64_t kith_clock_monotonic_ns(void);

enum { KITH_TIME_BYTES = 21 };
/* "2026-11-23T09:30:00Z" */
void kith_time_format(char out[KITH_TIME_BYTES], int64_t unix_seconds);
/* The same form only; KITH_ERR_DATA otherwise. */
KITH_MUST_USE enum kith_err kith_time_parse(int64_t *out, const char *text);

/* A civil date. Days count from 1970-01-01 (proleptic Gregorian). */
struct kith_date {
  int year;
  int month;
  int day;
};
bool kith_date_valid(struct kith_date date);
int64_t kith_date_days(struct kith_date date);
struct kith_date kith_date_of_days(int64_t days); /* of the years from 1 */

#endif
