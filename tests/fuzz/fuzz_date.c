/* A date, under each order and two ranges: a real one or none, the same in any case, and the same
 * again from its own ISO form. The second field is the record's date. */
#include <stdio.h>

#include "tests/fuzz/standardised.h"

static void check_date(struct kith_date date)
{
  require(date.year >= 0 && date.year <= 2100);
  require(date.month >= 0 && date.month <= 12 && date.day >= 0 && date.day <= 31);
  if (date.year && date.month && date.day)
    require(kith_date_valid(date));
}

static void check_order(const char *text, const struct kith_standardise_options *options)
{
  static struct kith_record record;
  static struct kith_record again;
  char other[FUZZ_TEXT_MAX + 4];
  char iso[16];
  enum kith_outcome outcome = fuzz_standardise(&record, KITH_FIELD_DATE_OF_BIRTH, text, options);
  struct kith_date birth = record.birth;

  check_date(birth);
  require((outcome >= KITH_VALUE_IMPLAUSIBLE) == (birth.year || birth.month || birth.day));
  require((outcome >= KITH_VALUE_IMPLAUSIBLE) == (record.values[KITH_FIELD_DATE_OF_BIRTH].n > 0));
  if (outcome > KITH_VALUE_IMPLAUSIBLE && birth.year)
    require(birth.year >= options->year_min && birth.year <= options->year_max);
  fuzz_retype(other, text);
  if (strlen(other) <= KITH_FIELD_BYTES_MAX) {
    require(fuzz_standardise(&again, KITH_FIELD_DATE_OF_BIRTH, other, options) == outcome);
    require(fuzz_same_values(&record.values[KITH_FIELD_DATE_OF_BIRTH],
                             &again.values[KITH_FIELD_DATE_OF_BIRTH]));
  }
  if (birth.year && birth.month && birth.day) {
    snprintf(iso, sizeof iso, "%04d-%02d-%02d", birth.year, birth.month, birth.day);
    (void)fuzz_standardise(&again, KITH_FIELD_DATE_OF_BIRTH, iso, options);
    /* but for the days that stand for none */
    if (again.birth.year)
      require(fuzz_same_values(&record.values[KITH_FIELD_DATE_OF_BIRTH],
                               &again.values[KITH_FIELD_DATE_OF_BIRTH]));
  }
  (void)fuzz_standardise(&again, KITH_FIELD_RECORD_DATE, text, options);
  require(again.values[KITH_FIELD_RECORD_DATE].n == 0);
  require(again.record_date.year == birth.year && again.record_date.month == birth.month &&
          again.record_date.day == birth.day);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct kith_standardise_options options[] = {
      {KITH_YEAR_MIN, KITH_YEAR_MAX, KITH_DATE_DMY},
      {1990, 2015, KITH_DATE_MDY},
      {1700, 2000, KITH_DATE_YMD},
  };
  char text[FUZZ_TEXT_MAX];

  if (!fuzz_text(text, data, size))
    return 0;
  for (unsigned i = 0; i < 3; i++)
    check_order(text, &options[i]);
  return 0;
}
