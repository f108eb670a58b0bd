/* A record as the linkage sees it: the standard fields, each with a few standardised values.
 *
 * Plain data without pointers, a few kilobytes, made anew for every row by kith_standardise. A
 * name of several parts, or a name with a known-as beside it, has several values; a field that is
 * missing has none. It holds personal data: it never leaves the agency and is wiped by whoever
 * keeps it longer than a row. */
#ifndef KITH_DAEMON_PIPELINE_RECORD_H
#define KITH_DAEMON_PIPELINE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"

enum kith_field {
  KITH_FIELD_GIVEN_NAME,
  KITH_FIELD_MIDDLE_NAMES,
  KITH_FIELD_SURNAME,
  KITH_FIELD_KNOWN_AS,
  KITH_FIELD_DATE_OF_BIRTH,
  KITH_FIELD_SEX,
  KITH_FIELD_STREET,
  KITH_FIELD_TOWN,
  KITH_FIELD_POSTCODE,
  KITH_FIELD_NHS_NUMBER,
  KITH_FIELD_UPN,
  KITH_FIELD_PNC_ID,
  KITH_FIELD_CRN,
  KITH_FIELD_RECORD_DATE, /* for the policy's scope only, never encoded */
  KITH_FIELD_COUNT,
  /* Not a column, but a policy may encode it: the values of given_name and surname as one field, so
   * that names typed the wrong way round still agree. */
  KITH_FIELD_NAMES = KITH_FIELD_COUNT,
  KITH_FIELD_NAME_FORMS, /* the same: what spellings of each of these parts have in common */
  KITH_FIELD_UNKNOWN
};

enum {
  KITH_VALUES_MAX = 12,       /* of a field; further ones are left out */
  KITH_VALUE_BYTES = 64,      /* with its terminator; a longer value is cut between code points */
  KITH_FIELD_BYTES_MAX = 1024 /* of a field as it came; what follows is not looked at */
};

struct kith_values {
  unsigned n;
  char text[KITH_VALUES_MAX][KITH_VALUE_BYTES]; /* UTF-8, terminated, not empty, all different */
};

struct kith_record {
  struct kith_values values[KITH_FIELD_COUNT];
  struct kith_values name_forms;
  struct kith_date birth;       /* year, month, day; 0 where unknown */
  struct kith_date record_date; /* the same: when the agency last had to do with the person */
};

/* The column's and the policy's name of a field, static. */
static inline const char *kith_field_name(enum kith_field field)
{
  static const char *const names[KITH_FIELD_COUNT] = {
      "given_name", "middle_names", "surname", "known_as",   "date_of_birth",
      "sex",        "street",       "town",    "postcode",   "nhs_number",
      "upn",        "pnc_id",       "crn",     "record_date"};
  return names[field];
}

/* The column of this name; KITH_FIELD_COUNT where there is none. */
static inline enum kith_field kith_field_find(const char *name)
{
  unsigned field = 0;

  while (field < KITH_FIELD_COUNT && strcmp(kith_field_name((enum kith_field)field), name) != 0)
    field++;
  return (enum kith_field)field;
}

/* The same for what a policy may encode: also "names" and "name_forms", not "record_date";
 * KITH_FIELD_UNKNOWN where there is none. */
static inline enum kith_field kith_field_of_policy(const char *name)
{
  enum kith_field field = kith_field_find(name);

  if (field != KITH_FIELD_COUNT)
    return field == KITH_FIELD_RECORD_DATE ? KITH_FIELD_UNKNOWN : field;
  if (strcmp(name, "names") == 0)
    return KITH_FIELD_NAMES;
  return strcmp(name, "name_forms") == 0 ? KITH_FIELD_NAME_FORMS : KITH_FIELD_UNKNOWN;
}

#endif
