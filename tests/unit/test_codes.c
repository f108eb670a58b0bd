/* Dates, numbers, sexes, postcodes, addresses: known answers, and what is refused. */
#include "tests/unit/standardised.h"

static const struct answer dates_typed[] = {
    {"1985-04-20", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20/04/1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20.4.1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20 Apr 85", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20-APR-1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20th April 1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"April 20, 1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"19850420", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20041985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"1985-04-20T00:00:00", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"1985-04-20 00:00:00.000Z", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20/04/1985 12:30", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"04/20/1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (repaired)"},
    {"1985-20-04", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (repaired)"},
    {"1/2/03", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
    {"1/2/26", "y2026|t202|u6|m02|d01|x0102|n202602|e202601 (fine)"},
    {"1/2/27", "y1927|t192|u7|m02|d01|x0102|n192702|e192701 (fine)"},
    {"1985", "y1985|t198|u5 (partial)"},
    {"1985-04", "y1985|t198|u5|m04|n198504 (partial)"},
    {"04/1985", "y1985|t198|u5|m04|n198504 (partial)"},
    {"Apr 1985", "y1985|t198|u5|m04|n198504 (partial)"},
    {"00/04/1985", "y1985|t198|u5|m04|n198504 (partial)"},
    {"xx/04/1985", "y1985|t198|u5|m04|n198504 (partial)"},
    {"01/01/1985", "y1985|t198|u5 (partial)"},
    {"2001-02-29", "y2001|t200|u1|m02|n200102 (partial)"},
    {"2000-02-29", "y2000|t200|u0|m02|d29|x0229|n200002|e200029 (fine)"},
    {"1900-01-01", "(placeholder)"},
    {"01/01/1900", "(placeholder)"},
    {"01/01/01", "(placeholder)"},
    {"1/1/01", "(placeholder)"},
    {"9999-12-31", "(placeholder)"},
    {"00/00/0000", "(placeholder)"},
    {"unknown", "(placeholder)"},
    {"--", "(placeholder)"},
    {"", "(missing)"},
    {"35/17/1985", "(unusable)"},
    {"1985-13-13", "y1985|t198|u5|d13|e198513 (partial)"}, /* a wrong digit: the rest is known */
    {"1985-04-71", "y1985|t198|u5|m04|n198504 (partial)"},
    {"71/04/1985", "y1985|t198|u5|m04|n198504 (partial)"},
    {"71 April 1985", "y1985|t198|u5|m04|n198504 (partial)"},
    {"1850-04-71", "y1850|t185|u0|m04|n185004 (implausible)"},
    {"1985-71-00", "(unusable)"},
    {"71/04/85", "(unusable)"}, /* what is the year? */
    {"9999-04-71", "(unusable)"},
    {"19850471", "(unusable)"},
    {"20/04/985", "(unusable)"},
    {"20/04/19850", "(unusable)"},
    {"20/04", "(unusable)"},
    {"20/Foo/1985", "(unusable)"},
    {"198504", "y1985|t198|u5|m04|n198504 (partial)"},
    {"123456789", "(unusable)"},
    {"1985-04-20-11x", "(unusable)"},
    {"3012-01-02", "(unusable)"},
    {"hello", "(unusable)"},
    {"85/04/20", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (repaired)"},
    {"200485", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"200504", "(unusable)"}, /* 20 May 2004, or May 2005 */
    {"31157", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (repaired)"}, /* a spreadsheet's */
    {"99999", "(unusable)"},
    {"Sat 20 April 1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"Apr 20 1985 12:00AM", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20 kwietnia 1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20 Avril 1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"20.IV.1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"1985\\04\\20", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
    {"c. 1985", "y1985|t198|u5 (partial)"},
    {"approx 20/04/1985", "y1985|t198|u5 (partial)"},
    {"1850-04-20", "y1850|t185|u0|m04|d20|x0420|n185004|e185020 (implausible)"},
    {"2027-04-20", "y2027|t202|u7|m04|d20|x0420|n202704|e202720 (implausible)"},
    {"20/20/1985", "y1985|t198|u5|d20|e198520 (partial)"},
};

static void dates(void **state)
{
  (void)state;
  check_answers(KITH_FIELD_DATE_OF_BIRTH, dates_typed, KITH_COUNT_OF(dates_typed));
}

/* What the options change. */
static void dates_elsewhere(void **state)
{
  static const struct kith_standardise_options american = {1900, 2026, KITH_DATE_MDY};
  static const struct kith_standardise_options year_first = {1900, 2026, KITH_DATE_YMD};
  static const struct kith_standardise_options young = {1996, 2015, KITH_DATE_DMY};
  static const struct answer of_american[] = {
      {"02/01/2003", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
      {"13/01/2003", "y2003|t200|u3|m01|d13|x0113|n200301|e200313 (repaired)"},
      {"1 Feb 2003", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
      {"02012003", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
      {"2003-02-01", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
  };
  static const struct answer of_year_first[] = {
      {"03/02/01", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
      {"030201", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
      {"01/02/2003", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
  };
  static const struct answer of_young[] = {
      {"02/01/15", "y2015|t201|u5|m01|d02|x0102|n201501|e201502 (fine)"},
      {"02/01/16", "y1916|t191|u6|m01|d02|x0102|n191601|e191602 (implausible)"},
      {"02/01/96", "y1996|t199|u6|m01|d02|x0102|n199601|e199602 (fine)"},
      {"02/01/1995", "y1995|t199|u5|m01|d02|x0102|n199501|e199502 (implausible)"},
      {"1995", "y1995|t199|u5 (implausible)"},
      {"31157", "(unusable)"},
  };

  (void)state;
  check_answers_with(KITH_FIELD_DATE_OF_BIRTH, of_american, KITH_COUNT_OF(of_american), &american);
  check_answers_with(KITH_FIELD_DATE_OF_BIRTH, of_year_first, KITH_COUNT_OF(of_year_first),
                     &year_first);
  check_answers_with(KITH_FIELD_DATE_OF_BIRTH, of_young, KITH_COUNT_OF(of_young), &young);
}

/* The record's own date: no values, and nobody is on record before birth. */
static void record_dates(void **state)
{
  const char *fields[KITH_FIELD_COUNT] = {
      [KITH_FIELD_DATE_OF_BIRTH] = "2020-05-02", [KITH_FIELD_RECORD_DATE] = "01/05/2020"};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  struct kith_record record;

  (void)state;
  kith_standardise(&record, outcomes, fields, NULL);
  assert_int_equal(record.values[KITH_FIELD_RECORD_DATE].n, 0);
  assert_int_equal(record.record_date.year, 2020);
  assert_int_equal(record.record_date.month, 5);
  assert_int_equal(record.record_date.day, 1);
  assert_int_equal(outcomes[KITH_FIELD_RECORD_DATE], KITH_VALUE_FINE);
  assert_int_equal(outcomes[KITH_FIELD_DATE_OF_BIRTH], KITH_VALUE_IMPLAUSIBLE);
  assert_int_equal(record.values[KITH_FIELD_DATE_OF_BIRTH].n, 8);
  fields[KITH_FIELD_RECORD_DATE] = "02/05/2020";
  kith_standardise(&record, outcomes, fields, NULL);
  assert_int_equal(outcomes[KITH_FIELD_DATE_OF_BIRTH], KITH_VALUE_FINE);
  fields[KITH_FIELD_RECORD_DATE] = "soon";
  kith_standardise(&record, outcomes, fields, NULL);
  assert_int_equal(outcomes[KITH_FIELD_RECORD_DATE], KITH_VALUE_UNUSABLE);
  assert_int_equal(record.record_date.year, 0);
}

static const struct answer nhs_typed[] = {
    {"943 476 5919", "9434765919 (fine)"},
    {"9434765919", "9434765919 (fine)"},
    {"943-476-5919", "9434765919 (fine)"},
    {"NHS No: 943 476 5919", "9434765919 (fine)"},
    {"943476591O", "(unusable)"},
    {"943476S919", "9434765919 (repaired)"},
    {"9434765918", "(unusable)"},
    {"943476591", "(unusable)"},
    {"94347659199", "(unusable)"},
    {"0000000000", "(placeholder)"},
    {"9999999999", "(placeholder)"},
    {"0", "(placeholder)"},
    {"943476591\xd9\xa9", "(unusable)"}, /* an Arabic nine */
    {"", "(missing)"},
    {"n/a", "(placeholder)"},
    {"unknown", "(placeholder)"},
    {"12345678901234567890123456789012345", "(unusable)"},
};
static const struct answer upns_typed[] = {
    {"T999100618496", "t999100618496 (fine)"},
    {"t 999 1006 18 496", "t999100618496 (fine)"},
    {"UPN T999100618496", "t999100618496 (fine)"},
    {"T99910061849O", "(unusable)"},
    {"T9991OO618496", "t999100618496 (repaired)"},
    {"S999100618496", "(unusable)"},
    {"T999100618497", "(unusable)"},
    {"999100618496", "(unusable)"},
    {"T99910061849", "(unusable)"},
    {"H801200001001", "h801200001001 (fine)"},
    {"M82029990200A", "m82029990200a (partial)"}, /* a temporary one */
    {"M82029990200B", "(unusable)"},
    {"A000000000000", "(placeholder)"},
    {"0000000000000", "(placeholder)"},
};
static const struct answer pncs_typed[] = {
    {"2003/0011985X", "030011985x (fine)"},
    {"03/11985x", "030011985x (fine)"},
    {"03/0011985X", "030011985x (fine)"},
    {"2003 0011985 X", "030011985x (fine)"},
    {"20030011985X", "030011985x (fine)"},
    {"030011985X", "030011985x (fine)"},
    {"PNC: 2003/0011985X", "030011985x (fine)"},
    {"SF03/11985X", "030011985x (fine)"},
    {"2008/0056560Z", "080056560z (fine)"},
    {"2003/0011985Y", "(unusable)"},
    {"2003/0011985", "(unusable)"},
    {"2003/00119850X", "(unusable)"},
    {"203/0011985X", "(unusable)"},
    {"2003/X", "(unusable)"},
    {"2003/0011985XX", "(unusable)"},
    {"00/0000000", "(placeholder)"},
    {"X", "(unusable)"},
};
static const struct answer crns_typed[] = {
    {"X123456", "x123456 (fine)"},     {"x 123 456", "x123456 (fine)"},
    {"CRN X123456", "x123456 (fine)"}, {"XI23456", "x123456 (repaired)"},
    {"X12345", "(unusable)"},          {"X1234567", "(unusable)"},
    {"1234567", "(unusable)"},         {"XX12345", "(unusable)"},
    {"X000000", "(placeholder)"},      {"0000000", "(placeholder)"},
};

static void numbers(void **state)
{
  (void)state;
  check_answers(KITH_FIELD_NHS_NUMBER, nhs_typed, KITH_COUNT_OF(nhs_typed));
  check_answers(KITH_FIELD_UPN, upns_typed, KITH_COUNT_OF(upns_typed));
  check_answers(KITH_FIELD_PNC_ID, pncs_typed, KITH_COUNT_OF(pncs_typed));
  check_answers(KITH_FIELD_CRN, crns_typed, KITH_COUNT_OF(crns_typed));
}

/* Any one digit that is wrong, and any two that changed places, show (PNC ids: nearly any). */
static void numbers_checked(void **state)
{
  static const char nhs[] = "9434765919";
  static const char upn[] = "T999100618496";

  (void)state;
  for (size_t i = 0; i < sizeof nhs - 1; i++) {
    for (char c = '0'; c <= '9'; c++) {
      char text[sizeof nhs];

      memcpy(text, nhs, sizeof nhs);
      text[i] = c;
      if (c != nhs[i])
        assert_string_equal(standardised_with(KITH_FIELD_NHS_NUMBER, text, NULL), "(unusable)");
    }
  }
  for (size_t i = 1; i + 2 < sizeof upn; i++) {
    char text[sizeof upn];

    memcpy(text, upn, sizeof upn);
    text[i] = upn[i + 1];
    text[i + 1] = upn[i];
    if (text[i] != upn[i])
      assert_string_equal(standardised_with(KITH_FIELD_UPN, text, NULL), "(unusable)");
  }
}

static void sexes_and_postcodes(void **state)
{
  static const struct answer sexes[] = {
      {"M", "m (fine)"},      {"male", "m (fine)"},   {"1", "m (fine)"},
      {"F", "f (fine)"},      {"Female", "f (fine)"}, {"2", "f (fine)"},
      {"9", "(placeholder)"}, {"U", "(placeholder)"}, {"Not recorded", "(placeholder)"},
      {"", "(missing)"},      {"Q", "(unusable)"},    {"12", "(unusable)"},
  };
  static const struct answer postcodes[] = {
      {"CV6 2LU", "cv62lu (fine)"},
      {"cv62lu", "cv62lu (fine)"},
      {" CV6  2LU. ", "cv62lu (fine)"},
      {"SW1A 1AA", "sw1a1aa (fine)"},
      {"M1 1AE", "m11ae (fine)"},
      {"CV6 2LÚ", "cv62lu (fine)"},
      {"CVB 2LU", "cvb2lu (partial)"},
      {"CV6 OLU", "cv60lu (repaired)"},
      {"5W1A 1AA", "sw1a1aa (repaired)"},
      {"CV6", "cv6 (partial)"},
      {"CV6 2", "cv62 (partial)"},
      {"3013", "3013 (fine)"},
      {"90-001", "90001 (fine)"},
      {"NFA", "(placeholder)"},
      {"no fixed abode", "(placeholder)"},
      {"ZZ99 3VZ", "(placeholder)"},
      {"ZZ993AB", "(placeholder)"},
      {"Z-Z99 3VZ", "(placeholder)"},
      {"AA1 1AA", "(placeholder)"},
      {"Unknown", "(placeholder)"},
      {"", "(missing)"},
      {"HELLO", "(unusable)"},
      {"7", "(unusable)"},
      {"CV6 2LU and more", "(unusable)"},
  };
  (void)state;
  check_answers(KITH_FIELD_SEX, sexes, KITH_COUNT_OF(sexes));
  check_answers(KITH_FIELD_POSTCODE, postcodes, KITH_COUNT_OF(postcodes));
}

static void addresses(void **state)
{
  static const struct answer answers[] = {
      {"3 High St", "3|high|street (fine)"},
      {"3 High Street.", "3|high|street (fine)"},
      {"12 St Anne's Rd", "12|st|annes|road (fine)"},
      {"Flat 2, 14 Mill Ln", "flat|2|14|mill|lane (fine)"},
      {"Apt 2, 14 Mill La", "flat|2|14|mill|lane (fine)"},
      {"No Fixed Abode", "(placeholder)"},
      {"NFA", "(placeholder)"},
      {"", "(missing)"},
  };
  (void)state;
  check_answers(KITH_FIELD_STREET, answers, KITH_COUNT_OF(answers));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates),           cmocka_unit_test(dates_elsewhere),
      cmocka_unit_test(record_dates),    cmocka_unit_test(numbers),
      cmocka_unit_test(numbers_checked), cmocka_unit_test(sexes_and_postcodes),
      cmocka_unit_test(addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
