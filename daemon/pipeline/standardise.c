#include "daemon/pipeline/standardise.h"

#include <string.h>

#include "daemon/pipeline/parts.h"

static const struct kith_standardise_options defaults = {KITH_YEAR_MIN, KITH_YEAR_MAX,
                                                         KITH_DATE_DMY};

const char *kith_outcome_name(enum kith_outcome outcome)
{
  static const char *const names[KITH_OUTCOME_COUNT] = {
      "missing", "placeholder", "unusable", "implausible", "partial", "repaired", "fine"};
  return names[outcome];
}

void kith_values_add(struct kith_values *values, const char *text, size_t len)
{
  size_t kept = len;

  if (len >= KITH_VALUE_BYTES) {
    kept = 0;
    while (kept + kith_fold_step(text + kept) < KITH_VALUE_BYTES)
      kept += kith_fold_step(text + kept);
  }
  if (kept == 0 || values->n == KITH_VALUES_MAX)
    return;
  for (unsigned i = 0; i < values->n; i++) {
    if (memcmp(values->text[i], text, kept) == 0 && values->text[i][kept] == '\0')
      return;
  }
  memcpy(values->text[values->n], text, kept);
  values->text[values->n++][kept] = '\0';
}

size_t kith_text_trim(char *text)
{
  size_t len = 0;
  size_t from = 0;

  while (text[from] != '\0' && !kith_is_word_byte(text[from]))
    from++;
  for (; text[from] != '\0'; from++) {
    if (text[from] != ' ' || text[len - 1] != ' ')
      text[len++] = text[from];
  }
  while (len > 0 && !kith_is_word_byte(text[len - 1]))
    len--;
  text[len] = '\0';
  return len;
}

/* ---- the record */

/* One row on its way: folded text is of the field that is being read. */
struct row {
  struct kith_record *record;
  enum kith_outcome *outcomes;
  const char *const *fields;
  const struct kith_standardise_options *options;
  bool mended[KITH_FIELD_COUNT];
  char folded[KITH_FOLDED_BYTES];
};

/* The field folded; false where it is empty. */
static bool fold_field(struct row *row, enum kith_field field)
{
  const char *text = row->fields[field];

  row->mended[field] = false;
  if (!text || text[0] == '\0') {
    row->outcomes[field] = KITH_VALUE_MISSING;
    return false;
  }
  return kith_fold(row->folded, &row->mended[field], text) > 0;
}

static void values_append(struct kith_values *values, const struct kith_values *more)
{
  for (unsigned i = 0; i < more->n; i++)
    kith_values_add(values, more->text[i], strlen(more->text[i]));
}

static void read_name(struct row *row, enum kith_field field, struct kith_values *also,
                      struct kith_values *right)
{
  if (fold_field(row, field))
    row->outcomes[field] = kith_read_name(&row->record->values[field], also, right, row->folded,
                                          field == KITH_FIELD_SURNAME);
  else
    row->outcomes[field] = KITH_VALUE_MISSING;
}

static void read_names(struct row *row)
{
  struct kith_values *given = &row->record->values[KITH_FIELD_GIVEN_NAME];
  const struct kith_values *surname = &row->record->values[KITH_FIELD_SURNAME];
  const struct kith_values *middle = &row->record->values[KITH_FIELD_MIDDLE_NAMES];
  struct kith_values also;
  struct kith_values right;

  also.n = right.n = 0;
  read_name(row, KITH_FIELD_GIVEN_NAME, &also, NULL);
  read_name(row, KITH_FIELD_MIDDLE_NAMES, NULL, NULL);
  read_name(row, KITH_FIELD_SURNAME, NULL, &right);
  read_name(row, KITH_FIELD_KNOWN_AS, NULL, NULL);
  /* "SMITH, John" where there is no other given name. */
  if (given->n == 0 && right.n > 0) {
    values_append(given, &right);
    row->outcomes[KITH_FIELD_GIVEN_NAME] = KITH_VALUE_REPAIRED;
  }
  values_append(given, &row->record->values[KITH_FIELD_KNOWN_AS]);
  values_append(given, &also);
  kith_name_forms(&row->record->name_forms, given, false);
  kith_name_forms(&row->record->name_forms, surname, true);
  kith_name_forms(&row->record->name_forms, middle, false);
}

/* Nobody is on record before they are born. */
static bool is_after(struct kith_date a, struct kith_date b)
{
  return kith_date_valid(a) && kith_date_valid(b) && kith_date_days(a) > kith_date_days(b);
}

static enum kith_outcome read_other(struct row *row, enum kith_field field)
{
  struct kith_values *values = &row->record->values[field];
  char *text = row->folded;

  switch (field) {
  case KITH_FIELD_DATE_OF_BIRTH:
    return kith_read_date(&row->record->birth, text, row->options);
  case KITH_FIELD_RECORD_DATE:
    return kith_read_date(&row->record->record_date, text, row->options);
  case KITH_FIELD_SEX:
    return kith_read_sex(values, text);
  case KITH_FIELD_POSTCODE:
    return kith_read_postcode(values, text);
  case KITH_FIELD_NHS_NUMBER:
    return kith_read_nhs_number(values, text);
  case KITH_FIELD_UPN:
    return kith_read_upn(values, text);
  case KITH_FIELD_PNC_ID:
    return kith_read_pnc_id(values, text);
  case KITH_FIELD_CRN:
    return kith_read_crn(values, text);
  default:
    return kith_read_address(values, text);
  }
}

static void read_others(struct row *row)
{
  for (unsigned i = KITH_FIELD_DATE_OF_BIRTH; i < KITH_FIELD_COUNT; i++) {
    char *text = row->folded;

    if (!fold_field(row, (enum kith_field)i) || text[strspn(text, " ")] == '\0')
      row->outcomes[i] = KITH_VALUE_MISSING;
    else if (kith_text_trim(text) == 0 || kith_word_find(KITH_WORDS_PLACEHOLDERS, text))
      row->outcomes[i] = KITH_VALUE_PLACEHOLDER;
    else
      row->outcomes[i] = read_other(row, (enum kith_field)i);
  }
  if (is_after(row->record->birth, row->record->record_date))
    row->outcomes[KITH_FIELD_DATE_OF_BIRTH] = KITH_VALUE_IMPLAUSIBLE;
}

static void add_number(struct kith_values *values, char sign, int number, int digits)
{
  char *text = values->text[values->n++];

  text[0] = sign;
  text[digits + 1] = '\0';
  for (int i = digits; i > 0; i--, number /= 10)
    text[i] = (char)('0' + number % 10);
}

/* The date's parts, and pairs of them: two dates with one slip still share half or more, two
 * random dates hardly any. "x" has day and month in no order, for dates typed the other way. The
 * signs keep the values apart. */
static void add_birth(struct kith_values *values, struct kith_date birth)
{
  int year = birth.year;
  int month = birth.month;
  int day = birth.day;

  if (year) {
    add_number(values, 'y', year, 4);
    add_number(values, 't', year / 10, 3);
    add_number(values, 'u', year % 10, 1);
  }
  if (month)
    add_number(values, 'm', month, 2);
  if (day)
    add_number(values, 'd', day, 2);
  if (month && day)
    add_number(values, 'x', month < day ? month * 100 + day : day * 100 + month, 4);
  if (year && month)
    add_number(values, 'n', year * 100 + month, 6);
  if (year && day)
    add_number(values, 'e', year * 100 + day, 6);
}

void kith_standardise(struct kith_record *out, enum kith_outcome outcomes[KITH_FIELD_COUNT],
                      const char *const fields[KITH_FIELD_COUNT],
                      const struct kith_standardise_options *options)
{
  struct row row;

  row.record = out;
  row.outcomes = outcomes;
  row.fields = fields;
  row.options = options ? options : &defaults;
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    out->values[i].n = 0;
  out->name_forms.n = 0;
  out->birth = out->record_date = (struct kith_date){0};
  read_names(&row);
  read_others(&row);
  add_birth(&out->values[KITH_FIELD_DATE_OF_BIRTH], out->birth);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    if (row.mended[i] && outcomes[i] == KITH_VALUE_FINE)
      outcomes[i] = KITH_VALUE_REPAIRED;
  }
}

void kith_standardise_count(struct kith_standardise_counts *counts,
                            const enum kith_outcome outcomes[KITH_FIELD_COUNT])
{
  counts->rows++;
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    counts->n[i][outcomes[i]]++;
}
