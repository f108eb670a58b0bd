#include "daemon/pipeline/blind_parts.h"

#include <stdio.h>

#include "daemon/pipeline/parts.h"

enum { PART_BYTES = 2 * KITH_VALUE_BYTES, INWARD_BYTES = 3, WHOLE_POSTCODE_MIN = 5, LETTERS = 3 };

/* The first n code points. */
static void copy_letters(char out[PART_BYTES], const char *text, unsigned n)
{
  size_t len = 0;

  while (n-- > 0 && text[len] != '\0')
    len += kith_fold_step(text + len);
  memcpy(out, text, len);
  out[len] = '\0';
}

/* Both, the lesser first; nothing where one is missing. */
static void join_sorted(char out[PART_BYTES], const char *a, const char *b)
{
  bool in_order = strcmp(a, b) <= 0;

  out[0] = '\0';
  if (*a && *b)
    (void)snprintf(out, PART_BYTES, "%.60s|%.60s", in_order ? a : b, in_order ? b : a);
}

static void name_parts(struct kith_blind_parts *out, const struct kith_values *values,
                       bool is_surname)
{
  const char *text = values->n ? values->text[0] : "";
  struct kith_values forms = {0};

  kith_name_forms(&forms, values, is_surname);
  copy_letters(out->text[is_surname ? KITH_PART_SURNAME : KITH_PART_GIVEN_NAME], text,
               KITH_VALUE_BYTES);
  copy_letters(out->text[is_surname ? KITH_PART_SURNAME_FORM : KITH_PART_GIVEN_FORM],
               forms.n ? forms.text[0] : "", KITH_VALUE_BYTES);
  copy_letters(out->text[is_surname ? KITH_PART_SURNAME_3 : KITH_PART_GIVEN_3], text, LETTERS);
  copy_letters(out->text[is_surname ? KITH_PART_SURNAME_INITIAL : KITH_PART_GIVEN_INITIAL], text,
               1);
}

static void birth_parts(struct kith_blind_parts *out, struct kith_date birth)
{
  int low = birth.month < birth.day ? birth.month : birth.day;
  int high = birth.month < birth.day ? birth.day : birth.month;

  if (birth.year)
    (void)snprintf(out->text[KITH_PART_BIRTH_YEAR], PART_BYTES, "%04d", birth.year);
  if (low)
    (void)snprintf(out->text[KITH_PART_BIRTH_MONTH_DAY], PART_BYTES, "%02d%02d", low, high);
  if (birth.year && low)
    (void)snprintf(out->text[KITH_PART_BIRTH], PART_BYTES, "%04d%02d%02d", birth.year, birth.month,
                   birth.day);
}

/* A whole code has an inward part; what is shorter is a district. */
static void postcode_parts(struct kith_blind_parts *out, const char *code)
{
  size_t len = strlen(code);
  bool whole = len >= WHOLE_POSTCODE_MIN && kith_is_digit(code[len - INWARD_BYTES]);

  if (whole)
    copy_letters(out->text[KITH_PART_POSTCODE], code, KITH_VALUE_BYTES);
  (void)snprintf(out->text[KITH_PART_DISTRICT], PART_BYTES, "%.*s",
                 (int)(whole ? len - INWARD_BYTES : len), code);
}

/* Where people live together: the street's words stand in where there is no whole postcode. */
static void home_part(struct kith_blind_parts *out, const struct kith_values *street)
{
  char *home = out->text[KITH_PART_HOME];
  size_t len = 0;

  if (out->text[KITH_PART_POSTCODE][0] != '\0') {
    memcpy(home, out->text[KITH_PART_POSTCODE], PART_BYTES);
    return;
  }
  for (unsigned i = 0; i < street->n && len < PART_BYTES; i++)
    len += (size_t)snprintf(home + len, PART_BYTES - len, " %s", street->text[i]);
}

void kith_blind_parts_of(struct kith_blind_parts *out, const struct kith_record *record)
{
  const struct kith_values *postcodes = &record->values[KITH_FIELD_POSTCODE];
  const struct kith_values *sex = &record->values[KITH_FIELD_SEX];

  memset(out, 0, sizeof *out);
  birth_parts(out, record->birth);
  name_parts(out, &record->values[KITH_FIELD_GIVEN_NAME], false);
  name_parts(out, &record->values[KITH_FIELD_SURNAME], true);
  join_sorted(out->text[KITH_PART_INITIALS], out->text[KITH_PART_GIVEN_INITIAL],
              out->text[KITH_PART_SURNAME_INITIAL]);
  join_sorted(out->text[KITH_PART_FORMS], out->text[KITH_PART_GIVEN_FORM],
              out->text[KITH_PART_SURNAME_FORM]);
  if (postcodes->n)
    postcode_parts(out, postcodes->text[0]);
  home_part(out, &record->values[KITH_FIELD_STREET]);
  if (sex->n)
    copy_letters(out->text[KITH_PART_SEX], sex->text[0], 1);
}
