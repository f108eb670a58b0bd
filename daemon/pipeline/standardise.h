/* The standardiser "kith-1": a row's fields as typed to the values that are encoded.
 *
 * Pure and without state: the same row gives the same record at every agency. What it does with
 * each field is written in docs/standardisation.md; the words it knows are in words.h. */
#ifndef KITH_DAEMON_PIPELINE_STANDARDISE_H
#define KITH_DAEMON_PIPELINE_STANDARDISE_H

#include <stdint.h>

#include "daemon/pipeline/record.h"

#define KITH_STANDARDISER "kith-1"

/* What became of one field of one row. */
enum kith_outcome {
  KITH_VALUE_MISSING,     /* empty, or no such column */
  KITH_VALUE_PLACEHOLDER, /* says in words or numbers that it is not known */
  KITH_VALUE_UNUSABLE,    /* something is there that can't be read, or whose check digit is wrong */
  KITH_VALUE_IMPLAUSIBLE, /* a date outside the plausible range: kept, as evidence */
  KITH_VALUE_PARTIAL,     /* a part can be used: the year of a date, a postcode's district */
  KITH_VALUE_REPAIRED,    /* read after a change beyond case, accents and blanks */
  KITH_VALUE_FINE,
  KITH_OUTCOME_COUNT
};
/* "missing", "placeholder", ..., static. */
const char *kith_outcome_name(enum kith_outcome outcome);

struct kith_standardise_counts {
  uint64_t rows;
  uint64_t n[KITH_FIELD_COUNT][KITH_OUTCOME_COUNT];
};

/* How the agency's system writes dates that may be read two ways: 03/04/05. A year of four digits
 * in front is always ISO 8601. */
enum kith_date_order { KITH_DATE_DMY, KITH_DATE_MDY, KITH_DATE_YMD };

enum { KITH_YEAR_MIN = 1900, KITH_YEAR_MAX = 2026 }; /* plausible where nobody says otherwise */

struct kith_standardise_options {
  int year_min; /* years of birth outside year_min .. year_max are implausible; two digits are */
  int year_max; /* the last such year up to year_max */
  enum kith_date_order date_order;
};

/* `fields` are valid UTF-8; NULL stands for "". `options`: NULL for the defaults above. The values
 * of a record:
 *   given_name     its parts, then the parts of known_as and of a name in brackets
 *   surname, middle_names, known_as   their parts
 *   name_forms     a form of each part of given_name and surname (parts.h)
 *   date_of_birth  of 1985-04-20, as far as known: "y1985", "t198", "u5" (year, decade, last
 *                  digit), "m04", "d20", "x0420" (both, the lesser first), "n198504", "e198520"
 *   sex            "m" or "f"
 *   street, town   their words
 *   postcode       "cv62lu", or the district "cv6"; other countries' codes as they are
 *   nhs_number "9434765919", upn "a801200001001", pnc_id "170012701e" (year, number, letter),
 *   crn "x123456"
 *   record_date    none; out->record_date has it */
void kith_standardise(struct kith_record *out, enum kith_outcome outcomes[KITH_FIELD_COUNT],
                      const char *const fields[KITH_FIELD_COUNT],
                      const struct kith_standardise_options *options);
void kith_standardise_count(struct kith_standardise_counts *counts,
                            const enum kith_outcome outcomes[KITH_FIELD_COUNT]);

#endif
