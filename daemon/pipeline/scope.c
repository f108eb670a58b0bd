#include "daemon/pipeline/scope.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "proto/policy_blind.h"

static const struct {
  const char *name;
  const char *key;
} reasons[KITH_SCOPE_REASON_COUNT] = {
    [KITH_SCOPE_IN] = {"in scope", "in_scope"},
    [KITH_SCOPE_OBJECTED] = {"objected to", "objected"},
    [KITH_SCOPE_BIRTH_CONFLICT] = {"two dates of birth that differ", "birth_conflict"},
    [KITH_SCOPE_BIRTH_UNKNOWN] = {"age not known", "unknown_birth"},
    [KITH_SCOPE_AGE] = {"outside the ages", "age"},
    [KITH_SCOPE_PLACE_UNKNOWN] = {"place not known", "unknown_place"},
    [KITH_SCOPE_PLACE] = {"outside the places", "place"},
    [KITH_SCOPE_PERIOD_UNKNOWN] = {"date of the record not known", "unknown_period"},
    [KITH_SCOPE_PERIOD] = {"outside the period", "period"},
    [KITH_SCOPE_SPARSE] = {"too sparse", "sparse"},
    [KITH_SCOPE_RARE] = {"lacking fields as too few others do", "rare"},
};

const char *kith_scope_reason_name(enum kith_scope_reason reason)
{
  return reasons[reason].name;
}

const char *kith_scope_reason_key(enum kith_scope_reason reason)
{
  return reasons[reason].key;
}

uint64_t kith_scope_counts_out(const struct kith_scope_counts *counts)
{
  uint64_t n = 0;

  for (unsigned i = KITH_SCOPE_BIRTH_CONFLICT; i <= KITH_SCOPE_PERIOD; i++)
    n += counts->n[i];
  return n;
}

void kith_scope_counts_add(struct kith_scope_counts *to, const struct kith_scope_counts *more)
{
  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++)
    to->n[i] += more->n[i];
}

void kith_scope_counts_rare(struct kith_scope_counts *counts, uint64_t n)
{
  counts->n[KITH_SCOPE_IN] -= n;
  counts->n[KITH_SCOPE_RARE] += n;
}

/* ---- dates known in part */

/* The days that a date may stand for; false where it says nothing. */
static bool date_span(struct kith_date *first, struct kith_date *last, struct kith_date date)
{
  if (!date.year || (!date.month && date.day))
    return false;
  *first = *last = date;
  if (!date.month)
    first->month = 1, last->month = 12;
  if (!date.day)
    first->day = 1, last->day = 31;
  return true;
}

/* Below, at or above 0 as a is before, on or after b. */
static int date_order(struct kith_date a, struct kith_date b)
{
  return (a.year - b.year) * 512 + (a.month - b.month) * 32 + (a.day - b.day);
}

/* Whole years from birth to `on`; below 0 where birth lies after it. */
static int age_on(struct kith_date birth, struct kith_date on)
{
  int birthday_to_come = birth.month > on.month || (birth.month == on.month && birth.day > on.day);

  return on.year - birth.year - birthday_to_come;
}

enum kith_scope_reason kith_scope_age(const struct kith_scope *scope, struct kith_date birth)
{
  struct kith_date first;
  struct kith_date last;
  int oldest;
  int youngest;

  if (!scope->present || !scope->on.year)
    return KITH_SCOPE_IN;
  if (!date_span(&first, &last, birth))
    return KITH_SCOPE_BIRTH_UNKNOWN;
  oldest = age_on(first, scope->on);
  youngest = age_on(last, scope->on);
  /* A date that may lie after the day can't, if it may also lie before it. */
  if (youngest < 0 && oldest >= 0)
    youngest = 0;
  if (oldest < (int)scope->age_min || youngest > (int)scope->age_max)
    return KITH_SCOPE_AGE;
  return youngest >= (int)scope->age_min && oldest <= (int)scope->age_max
             ? KITH_SCOPE_IN
             : KITH_SCOPE_BIRTH_UNKNOWN;
}

enum kith_scope_reason kith_scope_period(const struct kith_scope *scope,
                                         struct kith_date record_date)
{
  struct kith_date first;
  struct kith_date last;

  if (!scope->present || !scope->from.year)
    return KITH_SCOPE_IN;
  if (!date_span(&first, &last, record_date))
    return KITH_SCOPE_PERIOD_UNKNOWN;
  if (date_order(last, scope->from) < 0 || date_order(first, scope->to) > 0)
    return KITH_SCOPE_PERIOD;
  return date_order(first, scope->from) >= 0 && date_order(last, scope->to) <= 0
             ? KITH_SCOPE_IN
             : KITH_SCOPE_PERIOD_UNKNOWN;
}

/* ---- places */

static bool is_letter(char c)
{
  return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* The length of the outward code at the start of a standardised postcode, of which it may be all:
 * "cv6" of "cv62lu". 0 where the value has not the form of a British one. */
static size_t outward_len(const char *code)
{
  size_t len = strlen(code);
  size_t area = 0;

  if (len >= 5 && is_digit(code[len - 3]) && is_letter(code[len - 2]) && is_letter(code[len - 1]))
    len -= 3;
  while (area < 2 && is_letter(code[area]))
    area++;
  if (area == 0 || len <= area || len > area + 2 || !is_digit(code[area]))
    return 0;
  return len == area + 1 || is_digit(code[area + 1]) || is_letter(code[area + 1]) ? len : 0;
}

/* Whether the outward code lies in the area or district. */
static enum kith_scope_reason outward_judge(const char *place, const char *code, size_t len)
{
  size_t place_len = strlen(place);

  if (strncmp(place, code, place_len < len ? place_len : len) != 0)
    return KITH_SCOPE_PLACE;
  if (place_len > len) /* "ec1" may be in "ec1a"; "cv1" is not in "cv10" */
    return is_letter(place[len]) ? KITH_SCOPE_PLACE_UNKNOWN : KITH_SCOPE_PLACE;
  if (place_len == len)
    return KITH_SCOPE_IN;
  if (is_letter(place[place_len - 1])) /* an area: "b" has "b1" and not "bs1" */
    return is_digit(code[place_len]) ? KITH_SCOPE_IN : KITH_SCOPE_PLACE;
  return is_letter(code[place_len]) ? KITH_SCOPE_IN : KITH_SCOPE_PLACE;
}

static bool all_digits(const char *text)
{
  return text[strspn(text, "0123456789")] == '\0';
}

static enum kith_scope_reason postcode_judge(const struct kith_scope *scope, const char *code)
{
  enum kith_scope_reason reason = KITH_SCOPE_PLACE;
  size_t len = outward_len(code);

  if (len == 0) /* of another country, or with a slip */
    return all_digits(code) ? KITH_SCOPE_PLACE : KITH_SCOPE_PLACE_UNKNOWN;
  for (unsigned i = 0; i < scope->n_places; i++) {
    enum kith_scope_reason one = outward_judge(scope->places[i], code, len);

    if (one == KITH_SCOPE_IN)
      return one;
    if (one == KITH_SCOPE_PLACE_UNKNOWN)
      reason = one;
  }
  return reason;
}

enum kith_scope_reason kith_scope_place(const struct kith_scope *scope,
                                        const struct kith_values *postcodes)
{
  enum kith_scope_reason reason = postcodes->n > 0 ? KITH_SCOPE_PLACE : KITH_SCOPE_PLACE_UNKNOWN;

  if (!scope->present || scope->n_places == 0)
    return KITH_SCOPE_IN;
  for (unsigned i = 0; i < postcodes->n; i++) {
    enum kith_scope_reason one = postcode_judge(scope, postcodes->text[i]);

    if (one == KITH_SCOPE_IN)
      return one;
    if (one == KITH_SCOPE_PLACE_UNKNOWN)
      reason = one;
  }
  return reason;
}

/* ---- all of it */

static bool is_encoded(const struct kith_policy *policy, enum kith_field field)
{
  for (unsigned i = 0; i < policy->n_fields; i++)
    if (kith_field_of_policy(policy->fields[i].field) == field)
      return true;
  /* Not compared by itself, but in the match keys that ask for a home. */
  return field == KITH_FIELD_STREET && kith_policy_blind_asks(policy, KITH_PART_HOME);
}

/* A value that is not encoded tells nobody apart: of a group with encoded fields only these count.
 */
static uint32_t encoded_only(const struct kith_policy *policy, uint32_t group)
{
  uint32_t encoded = 0;

  for (unsigned field = 0; field < KITH_FIELD_UNKNOWN; field++)
    if (group >> field & 1 && is_encoded(policy, (enum kith_field)field))
      encoded |= (uint32_t)1 << field;
  return encoded ? encoded : group;
}

enum kith_err kith_scope_rules_make(struct kith_scope_rules *out, const struct kith_policy *policy,
                                    struct kith_fault *fault)
{
  struct kith_scope_rules rules = {.scope = policy->scope, .n_groups = policy->evidence.n_groups};

  for (unsigned i = 0; i < rules.n_groups; i++) {
    const struct kith_evidence_group *group = &policy->evidence.groups[i];

    for (unsigned j = 0; j < group->n; j++) {
      enum kith_field field = kith_field_of_policy(group->fields[j]);

      if (field == KITH_FIELD_UNKNOWN)
        return kith_fail(fault, KITH_ERR_CONFIG,
                         "the policy's evidence has a field \"%s\", which is no standard field",
                         group->fields[j]);
      rules.groups[i] |= (uint32_t)1 << field;
    }
    rules.groups[i] = encoded_only(policy, rules.groups[i]);
  }
  *out = rules;
  return KITH_OK;
}

static bool field_present(const struct kith_record *record, enum kith_field field)
{
  if (field == KITH_FIELD_NAMES)
    return record->values[KITH_FIELD_GIVEN_NAME].n + record->values[KITH_FIELD_SURNAME].n > 0;
  if (field == KITH_FIELD_NAME_FORMS)
    return record->name_forms.n > 0;
  return record->values[field].n > 0;
}

static bool evidence_there(const struct kith_scope_rules *rules, const struct kith_record *record)
{
  for (unsigned i = 0; i < rules->n_groups; i++) {
    bool there = false;

    for (unsigned field = 0; field < KITH_FIELD_UNKNOWN && !there; field++)
      there = rules->groups[i] >> field & 1 && field_present(record, (enum kith_field)field);
    if (!there)
      return false;
  }
  return true;
}

enum kith_scope_reason kith_scope_judge(const struct kith_scope_rules *rules,
                                        const struct kith_record *record, bool birth_conflicts)
{
  const struct kith_scope *scope = &rules->scope;
  enum kith_scope_reason reason = kith_scope_age(scope, record->birth);

  /* Of two dates neither is more the person's than the other. */
  if (birth_conflicts && scope->present && scope->on.year)
    reason = KITH_SCOPE_BIRTH_CONFLICT;
  if (reason != KITH_SCOPE_IN && (reason == KITH_SCOPE_AGE || !scope->unknown_birth_in))
    return reason;
  reason = kith_scope_place(scope, &record->values[KITH_FIELD_POSTCODE]);
  if (reason != KITH_SCOPE_IN && (reason == KITH_SCOPE_PLACE || !scope->unknown_place_in))
    return reason;
  reason = kith_scope_period(scope, record->record_date);
  if (reason != KITH_SCOPE_IN && (reason == KITH_SCOPE_PERIOD || !scope->unknown_period_in))
    return reason;
  return evidence_there(rules, record) ? KITH_SCOPE_IN : KITH_SCOPE_SPARSE;
}

static bool part_differs(int a, int b)
{
  return a != 0 && b != 0 && a != b;
}

bool kith_scope_births_differ(struct kith_date birth, const char *other,
                              const struct kith_standardise_options *options)
{
  const char *fields[KITH_FIELD_COUNT] = {0};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  struct kith_record record;
  bool differ;

  if (!other || *other == '\0')
    return false;
  fields[KITH_FIELD_DATE_OF_BIRTH] = other;
  kith_standardise(&record, outcomes, fields, options);
  differ = part_differs(birth.year, record.birth.year) ||
           part_differs(birth.month, record.birth.month) ||
           part_differs(birth.day, record.birth.day);
  kith_wipe(&record, sizeof record);
  return differ;
}

void kith_scope_dates(struct kith_standardise_options *options, const struct kith_policy *policy)
{
  options->year_min = (int)policy->dates.year_min;
  options->year_max = (int)policy->dates.year_max;
}

void kith_scope_drop_date(struct kith_record *record, const struct kith_policy *policy)
{
  unsigned year = (unsigned)record->birth.year;

  if (!policy->dates.drop_outside || year == 0 ||
      (year >= policy->dates.year_min && year <= policy->dates.year_max))
    return;
  record->values[KITH_FIELD_DATE_OF_BIRTH] = (struct kith_values){0};
  record->birth = (struct kith_date){0};
}
