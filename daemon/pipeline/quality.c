#include "daemon/pipeline/quality.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/patterns.h"
#include "daemon/pipeline/quality_sketch.h"
#include "proto/batch.h"

enum { PEOPLE_MAX = 1 << 20, POSTCODE_WHOLE = 5 };

/* What a value is hashed as, so that equal texts of two kinds are not equal. */
enum kind {
  KIND_FIELD,
  KIND_SAME = KITH_FIELD_COUNT,
  KIND_ALIKE,
  KIND_NUMBER,
  KIND_NAME,
  KIND_DATE
};

struct field_sketch {
  struct kith_distinct distinct;
  struct kith_commonest commonest;
};

struct kith_quality {
  struct kith_quality_options options;
  struct kith_scope_rules evidence; /* the policy's, without the bounds of its scope */
  struct field_sketch *sketches;    /* KITH_FIELD_COUNT */
  struct kith_pile same;
  struct kith_pile alike;
  struct kith_pile number_dates;
  struct kith_pile name_dates;
  struct kith_patterns *patterns; /* of the rows in scope */
  struct kith_quality_report report;
};

const char *kith_age_band_name(enum kith_age_band band)
{
  static const char *const names[KITH_AGE_BANDS] = {"born later", "under 10",    "10 to 17",
                                                    "18 to 25",   "26 to 39",    "40 to 64",
                                                    "65 to 99",   "100 or more", "not known"};
  return names[band];
}

/* ---- hashing */

struct text {
  size_t len;
  char bytes[3 * KITH_VALUES_MAX * KITH_VALUE_BYTES];
};

static void text_add(struct text *text, const char *part)
{
  size_t len = strlen(part) + 1;

  memcpy(text->bytes + text->len, part, len);
  text->len += len;
}

static void text_add_values(struct text *text, const struct kith_values *values)
{
  for (unsigned i = 0; i < values->n; i++)
    text_add(text, values->text[i]);
  text->bytes[text->len++] = '\0';
}

static void text_add_date(struct text *text, struct kith_date date)
{
  int parts[] = {date.year, date.month, date.day};

  memcpy(text->bytes + text->len, parts, sizeof parts);
  text->len += sizeof parts;
}

/* Wipes the text. SipHash-2-4. */
static uint64_t text_hash(const struct kith_quality *quality, struct text *text, unsigned kind)
{
  uint64_t hash;

  text->bytes[text->len++] = (char)kind;
  (void)crypto_shorthash((uint8_t *)&hash, (const uint8_t *)text->bytes, text->len,
                         quality->options.key);
  kith_wipe(text->bytes, text->len);
  text->len = 0;
  return hash;
}

static uint64_t values_hash(const struct kith_quality *quality, const struct kith_values *values,
                            unsigned kind)
{
  struct text text;

  text.len = 0;
  text_add_values(&text, values);
  return text_hash(quality, &text, kind);
}

/* ---- rows */

static enum kith_err rows_add(struct kith_quality_rows *rows, uint64_t row)
{
  if (rows->n == KITH_QUALITY_ROWS_MAX)
    return KITH_OK;
  if (!rows->rows)
    rows->rows = KITH_NEW_ARRAY(uint64_t, KITH_QUALITY_ROWS_MAX);
  if (!rows->rows)
    return KITH_ERR_MEMORY;
  rows->rows[rows->n++] = row;
  return KITH_OK;
}

/* To a list that has its memory. */
static void rows_note(struct kith_quality_rows *rows, uint64_t row)
{
  if (rows->n < KITH_QUALITY_ROWS_MAX)
    rows->rows[rows->n++] = row;
}

static enum kith_err field_add(struct kith_quality *quality, enum kith_field field, uint64_t row,
                               const struct kith_record *record, enum kith_outcome outcome)
{
  struct kith_quality_field *to = &quality->report.fields[field];
  const struct kith_values *values = &record->values[field];

  to->n[outcome]++;
  if (values->n > 0) {
    uint64_t hash = values_hash(quality, values, KIND_FIELD + field);

    to->n_valued++;
    kith_distinct_add(&quality->sketches[field].distinct, hash);
    kith_commonest_add(&quality->sketches[field].commonest, hash);
  }
  if (outcome == KITH_VALUE_FINE || !to->column)
    return KITH_OK;
  return rows_add(&to->rows[outcome], row);
}

static bool date_whole(struct kith_date date)
{
  return date.year && date.month && date.day;
}

static const struct kith_values *number_of(const struct kith_record *record, enum kith_field *field)
{
  static const enum kith_field numbers[] = {KITH_FIELD_NHS_NUMBER, KITH_FIELD_UPN,
                                            KITH_FIELD_PNC_ID, KITH_FIELD_CRN};

  for (size_t i = 0; i < KITH_COUNT_OF(numbers); i++) {
    *field = numbers[i];
    if (record->values[numbers[i]].n > 0)
      return &record->values[numbers[i]];
  }
  return NULL;
}

static int compare_texts(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The forms of all names, in one order, and the date. */
static uint64_t alike_hash(const struct kith_quality *quality, const struct kith_record *record)
{
  const char *forms[KITH_VALUES_MAX] = {0};
  unsigned n = record->name_forms.n;
  struct text text;

  for (unsigned i = 0; i < n; i++)
    forms[i] = record->name_forms.text[i];
  qsort(forms, n, sizeof forms[0], compare_texts);
  text.len = 0;
  for (unsigned i = 0; i < n; i++)
    text_add(&text, forms[i]);
  text_add_date(&text, record->birth);
  return text_hash(quality, &text, KIND_ALIKE);
}

static uint64_t names_hash(const struct kith_quality *quality, const struct kith_record *record,
                           const struct kith_values *postcode, unsigned kind)
{
  struct text text;

  text.len = 0;
  text_add_values(&text, &record->values[KITH_FIELD_GIVEN_NAME]);
  text_add_values(&text, &record->values[KITH_FIELD_SURNAME]);
  if (postcode)
    text_add_values(&text, postcode);
  else
    text_add_date(&text, record->birth);
  return text_hash(quality, &text, kind);
}

/* People of whom another row may speak, by the four ways to tell. */
static enum kith_err person_add(struct kith_quality *quality, uint64_t row,
                                const struct kith_record *record)
{
  const struct kith_values *postcode = &record->values[KITH_FIELD_POSTCODE];
  bool named =
      record->values[KITH_FIELD_GIVEN_NAME].n > 0 && record->values[KITH_FIELD_SURNAME].n > 0;
  enum kith_field field;
  const struct kith_values *number = number_of(record, &field);
  struct text text;
  uint64_t date;
  enum kith_err err = KITH_OK;

  if (!date_whole(record->birth))
    return KITH_OK;
  text.len = 0;
  text_add_date(&text, record->birth);
  date = text_hash(quality, &text, KIND_DATE);
  if (named) {
    uint64_t same = names_hash(quality, record, NULL, KIND_SAME);

    err = kith_pile_add(&quality->same, same, 0, row);
    if (err == KITH_OK && record->name_forms.n > 0)
      err = kith_pile_add(&quality->alike, alike_hash(quality, record), same, row);
    if (err == KITH_OK && postcode->n > 0 && strlen(postcode->text[0]) >= POSTCODE_WHOLE)
      err = kith_pile_add(&quality->name_dates, names_hash(quality, record, postcode, KIND_NAME),
                          date, row);
  }
  if (err == KITH_OK && number)
    err = kith_pile_add(&quality->number_dates,
                        values_hash(quality, number, KIND_NUMBER + (unsigned)field), date, row);
  return err;
}

static enum kith_age_band age_band(const struct kith_quality_options *options,
                                   struct kith_date birth)
{
  static const int below[] = {0, 10, 18, 26, 40, 65, 100};
  const struct kith_scope *scope = &options->policy->scope;
  struct kith_date on = scope->present && scope->on.year ? scope->on : options->today;
  unsigned band = KITH_AGE_UNBORN;
  int age;

  if (!birth.year)
    return KITH_AGE_UNKNOWN;
  age = on.year - birth.year;
  if (birth.month > on.month || (birth.month == on.month && birth.day > on.day))
    age--;
  while (band < KITH_COUNT_OF(below) && age >= below[band])
    band++;
  return (enum kith_age_band)band;
}

void kith_quality_set_aside(struct kith_quality *quality)
{
  quality->report.summary.rows++;
  quality->report.summary.set_aside++;
}

void kith_quality_objected(struct kith_quality *quality)
{
  quality->report.summary.rows++;
  quality->report.summary.objected++;
  quality->report.scope.n[KITH_SCOPE_OBJECTED]++;
}

enum kith_err kith_quality_add(struct kith_quality *quality, uint64_t row,
                               const struct kith_record *record,
                               const enum kith_outcome outcomes[KITH_FIELD_COUNT],
                               enum kith_scope_reason reason)
{
  struct kith_quality_report *report = &quality->report;
  enum kith_err err = KITH_OK;

  report->summary.rows++;
  report->scope.n[reason]++;
  if (reason == KITH_SCOPE_IN)
    (void)kith_patterns_add(quality->patterns, kith_pattern_of(quality->options.policy, record));
  report->ages[age_band(&quality->options, record->birth)]++;
  for (unsigned i = 0; err == KITH_OK && i < KITH_FIELD_COUNT; i++)
    err = field_add(quality, (enum kith_field)i, row, record, outcomes[i]);
  if (err == KITH_OK && kith_scope_judge(&quality->evidence, record, false) == KITH_SCOPE_IN)
    report->summary.linkable++;
  else if (err == KITH_OK)
    err = rows_add(&report->sparse, row);
  return err == KITH_OK ? person_add(quality, row, record) : err;
}

/* ---- the end */

static int compare_rows(const void *a, const void *b)
{
  const uint64_t *left = a;
  const uint64_t *right = b;

  return (*left > *right) - (*left < *right);
}

static void rows_sort(struct kith_quality_rows *rows)
{
  if (rows->n > 0)
    qsort(rows->rows, rows->n, sizeof rows->rows[0], compare_rows);
}

/* Groups of several rows; with `differing` only those whose entries differ in `other`. */
static void people_count(struct kith_quality_people *out, struct kith_pile *pile, bool differing)
{
  size_t end;

  kith_pile_sort(pile);
  for (size_t at = 0; at < pile->n; at = end) {
    bool differs = false;

    end = kith_pile_group_end(pile, at);
    for (size_t i = at + 1; i < end; i++)
      differs = differs || pile->entries[i].other != pile->entries[at].other;
    if (end - at < 2 || (differing && !differs))
      continue;
    out->people++;
    out->rows += end - at - !differing;
    for (size_t i = at + !differing; i < end; i++)
      rows_note(&out->first, pile->entries[i].row);
  }
  rows_sort(&out->first);
  out->people <<= pile->level;
  out->rows <<= pile->level;
  out->estimated = pile->level > 0;
}

/* Rows that are alike a first one and not the same as any before in their group. */
static void alike_count(struct kith_quality_people *out, struct kith_pile *pile)
{
  size_t end;

  kith_pile_sort(pile);
  for (size_t at = 0; at < pile->n; at = end) {
    uint64_t found = 0;

    end = kith_pile_group_end(pile, at);
    for (size_t i = at + 1; i < end; i++) {
      bool seen = false;

      /* Groups are small; where a default fills a table, the first 64 of it tell. */
      for (size_t j = at; j < i && j < at + 64 && !seen; j++)
        seen = pile->entries[j].other == pile->entries[i].other;
      if (seen)
        continue;
      found++;
      rows_note(&out->first, pile->entries[i].row);
    }
    out->people += found > 0;
    out->rows += found;
  }
  rows_sort(&out->first);
  out->people <<= pile->level;
  out->rows <<= pile->level;
  out->estimated = pile->level > 0;
}

static void leaving_count(struct kith_quality *quality)
{
  struct kith_quality_report *report = &quality->report;
  const struct kith_policy *policy = quality->options.policy;

  kith_patterns_plan(quality->patterns);
  kith_scope_counts_rare(&report->scope, kith_patterns_lost(quality->patterns));
  report->n_coarsened = kith_patterns_coarsened(quality->patterns);
  report->n_leaving = report->scope.n[KITH_SCOPE_IN];
  report->row_bytes = KITH_ROW_HEADER_BYTES + kith_policy_row_bytes(policy);
  report->bytes = report->n_leaving * report->row_bytes;
  report->bits = policy->n_filters ? 0 : policy->bits;
  for (unsigned i = 0; i < policy->n_filters; i++)
    report->bits += policy->filters[i].bits;
  for (unsigned i = 0; i < policy->n_fields; i++) {
    enum kith_field field = kith_field_of_policy(policy->fields[i].field);

    report->n_fields += field >= KITH_FIELD_COUNT
                            ? quality->options.columns[KITH_FIELD_GIVEN_NAME] ||
                                  quality->options.columns[KITH_FIELD_SURNAME]
                            : quality->options.columns[field];
  }
}

const struct kith_quality_report *kith_quality_finish(struct kith_quality *quality)
{
  struct kith_quality_report *report = &quality->report;

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    struct kith_quality_field *field = &report->fields[i];

    field->n_distinct = kith_distinct_estimate(&quality->sketches[i].distinct);
    if (field->n_distinct > field->n_valued)
      field->n_distinct = field->n_valued;
    field->n_commonest = quality->sketches[i].commonest.most;
  }
  people_count(&report->same, &quality->same, false);
  alike_count(&report->alike, &quality->alike);
  people_count(&report->number_dates, &quality->number_dates, true);
  people_count(&report->name_dates, &quality->name_dates, true);
  leaving_count(quality);
  kith_quality_find(report, &quality->options);
  return report;
}

/* ---- life */

static void people_lists(struct kith_quality_people *out[4], struct kith_quality_report *report)
{
  out[0] = &report->same;
  out[1] = &report->alike;
  out[2] = &report->number_dates;
  out[3] = &report->name_dates;
}

enum kith_err kith_quality_new(struct kith_quality **out,
                               const struct kith_quality_options *options, struct kith_fault *fault)
{
  struct kith_quality *quality = KITH_NEW(struct kith_quality);
  struct kith_quality_people *people[4];
  enum kith_err err = KITH_OK;

  if (quality)
    quality->sketches = KITH_NEW_ARRAY(struct field_sketch, KITH_FIELD_COUNT);
  if (!quality || !quality->sketches)
    err = kith_fail(fault, KITH_ERR_MEMORY, "no memory for a data quality report");
  else if ((err = kith_patterns_new(&quality->patterns, options->policy)) != KITH_OK)
    (void)kith_fail(fault, err, "no memory for a data quality report");
  else
    err = kith_scope_rules_make(&quality->evidence, options->policy, fault);
  if (err != KITH_OK) {
    kith_quality_free(quality);
    return err;
  }
  quality->options = *options;
  people_lists(people, &quality->report);
  for (unsigned i = 0; i < KITH_COUNT_OF(people); i++) {
    people[i]->first.rows = KITH_NEW_ARRAY(uint64_t, KITH_QUALITY_ROWS_MAX);
    if (!people[i]->first.rows) {
      kith_quality_free(quality);
      return kith_fail(fault, KITH_ERR_MEMORY, "no memory for a data quality report");
    }
  }
  quality->evidence.scope = (struct kith_scope){0};
  quality->same.max = quality->alike.max = PEOPLE_MAX;
  quality->number_dates.max = quality->name_dates.max = PEOPLE_MAX;
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    quality->report.fields[i].column = options->columns[i];
  *out = quality;
  return KITH_OK;
}

void kith_quality_free(struct kith_quality *quality)
{
  struct kith_quality_report *report = quality ? &quality->report : NULL;

  if (!quality)
    return;
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    for (unsigned j = 0; j < KITH_OUTCOME_COUNT; j++)
      kith_free(report->fields[i].rows[j].rows);
  }
  kith_free(report->sparse.rows);
  kith_free(report->same.first.rows);
  kith_free(report->alike.first.rows);
  kith_free(report->number_dates.first.rows);
  kith_free(report->name_dates.first.rows);
  kith_pile_free(&quality->same);
  kith_pile_free(&quality->alike);
  kith_pile_free(&quality->number_dates);
  kith_pile_free(&quality->name_dates);
  if (quality->sketches)
    kith_wipe(quality->sketches, KITH_FIELD_COUNT * sizeof *quality->sketches);
  kith_free(quality->sketches);
  kith_patterns_free(quality->patterns);
  kith_wipe(quality->options.key, sizeof quality->options.key);
  kith_free(quality);
}
