/* What a policy says of records: whose are in scope, what evidence they need, which dates are
 * plausible, and what a source must be like. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proto/document.h"
#include "proto/policy_parts.h"

enum { AGE_MAX = 150, YEAR_MIN = 1800, YEAR_MAX = 2200, DATE_BYTES = 48 };

/* A person is recognised by a name and something that tells namesakes apart: a street, too, where
 * the policy encodes it. */
static const struct kith_evidence default_evidence = {
    2, {{3, {"given_name", "surname", "names"}}, {3, {"date_of_birth", "postcode", "street"}}}};
static const struct kith_plausible_dates default_dates = {1900, 2026, false};
static const struct kith_source_minima default_source = {{5, 10}, {2, 10}};

void kith_policy_default_records(struct kith_policy *out)
{
  out->evidence = default_evidence;
  out->dates = default_dates;
  out->source = default_source;
}

/* ---- read */

/* A nested object that may be missing, but says something where it is there. */
static bool nested_begin(struct kith_json_reader *nested, struct kith_json_reader *reader,
                         const char *key)
{
  if (!kith_json_has(reader, key))
    return false;
  kith_json_nested(nested, reader, key, true);
  if (nested->err == KITH_OK && json_object_size(nested->object) == 0) {
    kith_json_refuse(reader, key, "is empty; say what holds, or leave it out");
    nested->err = reader->err;
  }
  return true;
}

/* One of two words; whether it is the second. `first` where the key is missing. */
static bool second_word(struct kith_json_reader *reader, const char *key, const char *first,
                        const char *second)
{
  const char *text = kith_json_string(reader, key, first);
  bool is_second = strcmp(text, second) == 0;

  if (reader->err == KITH_OK && !is_second && strcmp(text, first) != 0)
    kith_json_refuse(reader, key, "expected \"%s\" or \"%s\"", first, second);
  return is_second;
}

/* "out" or "in"; refused where the scope has nothing that it could be about. */
static bool unknown_in(struct kith_json_reader *reader, const char *key, bool about,
                       const char *what)
{
  if (kith_json_has(reader, key) && !about)
    kith_json_refuse(reader, key, "has nothing to be about: the scope has no \"%s\"", what);
  return second_word(reader, key, "out", "in");
}

static void date_read(struct kith_json_reader *reader, const char *key, struct kith_date *out)
{
  const char *text = kith_json_string(reader, key, NULL);

  if (reader->err == KITH_OK && (kith_policy_date_parse(out, text) != KITH_OK || out->year == 0))
    kith_json_refuse(reader, key, "expected a date such as \"2026-11-23\"");
}

static void ages_read(struct kith_scope *out, struct kith_json_reader *reader)
{
  bool bounded = kith_json_has(reader, "age_min") || kith_json_has(reader, "age_max");

  if (kith_json_has(reader, "on")) {
    date_read(reader, "on", &out->on);
    out->age_min = (unsigned)kith_json_int_or(reader, "age_min", 0, AGE_MAX, 0);
    out->age_max = (unsigned)kith_json_int_or(reader, "age_max", out->age_min, AGE_MAX, AGE_MAX);
  } else if (bounded) {
    kith_json_refuse(reader, "on", "is missing; ages are counted on a day");
  }
  out->unknown_birth_in = unknown_in(reader, "unknown_birth", kith_json_has(reader, "on"), "on");
}

bool kith_policy_place_valid(const char *text)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
  static const char digits[] = "0123456789";
  size_t area = strspn(text, letters);

  if (area == 0 || area > 2)
    return false;
  text += area;
  if (*text == '\0')
    return true;
  return strspn(text, digits) > 0 &&
         (text[1] == '\0' ||
          (text[2] == '\0' && (strchr(letters, text[1]) || strchr(digits, text[1]))));
}

static void places_read(struct kith_scope *out, struct kith_json_reader *reader)
{
  bool has = kith_json_has(reader, "places");
  json_t *array = has ? kith_json_array(reader, "places", 1, KITH_PLACES_MAX) : NULL;

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    const json_t *value = json_array_get(array, i);
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    char key[48];

    (void)snprintf(key, sizeof key, "places[%zu]", i);
    if (!kith_policy_place_valid(text)) {
      kith_json_refuse(reader, key,
                       "expected a postcode area or district in lower case, such as \"cv\" or "
                       "\"cv1\"");
      return;
    }
    memcpy(out->places[i], text, strlen(text) + 1);
    for (size_t j = 0; j < i; j++) {
      if (strcmp(out->places[i], out->places[j]) == 0)
        kith_json_refuse(reader, key, "is the same as places[%zu]; take one out", j);
    }
    out->n_places++;
  }
  out->unknown_place_in = unknown_in(reader, "unknown_place", has, "places");
}

static void period_read(struct kith_scope *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;
  bool has = nested_begin(&nested, reader, "period");

  if (has) {
    date_read(&nested, "from", &out->from);
    date_read(&nested, "to", &out->to);
    if (nested.err == KITH_OK && kith_date_days(out->to) < kith_date_days(out->from))
      kith_json_refuse(&nested, "to", "is before \"from\"");
    nested_end(reader, &nested);
  }
  out->unknown_period_in = unknown_in(reader, "unknown_period", has, "period");
}

static void scope_read(struct kith_scope *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;

  out->present = nested_begin(&nested, reader, "scope");
  if (!out->present)
    return;
  ages_read(out, &nested);
  places_read(out, &nested);
  period_read(out, &nested);
  nested_end(reader, &nested);
}

static void group_read(struct kith_evidence_group *out, struct kith_json_reader *reader,
                       const json_t *array, size_t at)
{
  char key[64];

  (void)snprintf(key, sizeof key, "evidence[%zu]", at);
  if (!json_is_array(array) || json_array_size(array) == 0 ||
      json_array_size(array) > KITH_FIELDS_MAX) {
    kith_json_refuse(reader, key, "expected an array of 1 to %d fields", KITH_FIELDS_MAX);
    return;
  }
  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    (void)snprintf(key, sizeof key, "evidence[%zu][%zu]", at, i);
    name_copy(reader, key, json_array_get(array, i), out->fields[i]);
    for (size_t j = 0; j < i; j++) {
      if (strcmp(out->fields[i], out->fields[j]) == 0)
        kith_json_refuse(reader, key, "is the same as evidence[%zu][%zu]; take one out", at, j);
    }
    out->n++;
  }
}

static void evidence_read(struct kith_evidence *out, struct kith_json_reader *reader)
{
  json_t *array;

  if (!kith_json_has(reader, "evidence"))
    return;
  *out = (struct kith_evidence){0};
  array = kith_json_array(reader, "evidence", 0, KITH_EVIDENCE_GROUPS_MAX);
  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    group_read(&out->groups[i], reader, json_array_get(array, i), i);
    out->n_groups++;
  }
}

static void dates_read(struct kith_plausible_dates *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;

  if (!nested_begin(&nested, reader, "dates"))
    return;
  out->year_min =
      (unsigned)kith_json_int_or(&nested, "year_min", YEAR_MIN, YEAR_MAX, out->year_min);
  out->year_max =
      (unsigned)kith_json_int_or(&nested, "year_max", YEAR_MIN, YEAR_MAX, out->year_max);
  if (nested.err == KITH_OK && out->year_max < out->year_min)
    kith_json_refuse(&nested, "year_max", "%u is before year_min, %u", out->year_max,
                     out->year_min);
  out->drop_outside = second_word(&nested, "outside", "keep", "drop");
  nested_end(reader, &nested);
}

static struct kith_ratio ratio_or(struct kith_json_reader *reader, const char *key,
                                  struct kith_ratio fallback)
{
  return kith_json_has(reader, key) ? ratio(reader, key) : fallback;
}

static void source_read(struct kith_source_minima *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;

  if (!nested_begin(&nested, reader, "source"))
    return;
  out->minimum_linkable = ratio_or(&nested, "minimum_linkable", out->minimum_linkable);
  out->maximum_set_aside = ratio_or(&nested, "maximum_set_aside", out->maximum_set_aside);
  nested_end(reader, &nested);
}

void kith_policy_records_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  kith_policy_default_records(out);
  scope_read(&out->scope, reader);
  evidence_read(&out->evidence, reader);
  dates_read(&out->dates, reader);
  source_read(&out->source, reader);
}

/* ---- print */

static int put_date(json_t *object, const char *key, struct kith_date date)
{
  char text[DATE_BYTES];

  (void)snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
  return put_string(object, key, text);
}

static int put_unknown(json_t *object, const char *key, bool in)
{
  return put_string(object, key, in ? "in" : "out");
}

static int put_scope(json_t *object, const struct kith_scope *scope)
{
  json_t *inner;
  int bad = 0;

  if (!scope->present)
    return 0;
  inner = json_object();
  if (scope->on.year != 0) {
    bad |= put_date(inner, "on", scope->on);
    bad |= put_number(inner, "age_min", scope->age_min);
    bad |= put_number(inner, "age_max", scope->age_max);
    bad |= put_unknown(inner, "unknown_birth", scope->unknown_birth_in);
  }
  if (scope->n_places > 0) {
    json_t *places = json_array();

    for (unsigned i = 0; i < scope->n_places; i++)
      bad |= json_array_append_new(places, json_string(scope->places[i]));
    bad |= put(inner, "places", places);
    bad |= put_unknown(inner, "unknown_place", scope->unknown_place_in);
  }
  if (scope->from.year != 0) {
    json_t *period = json_object();

    bad |= put_date(period, "from", scope->from);
    bad |= put_date(period, "to", scope->to);
    bad |= put(inner, "period", period);
    bad |= put_unknown(inner, "unknown_period", scope->unknown_period_in);
  }
  return bad | put(object, "scope", inner);
}

static int put_evidence(json_t *object, const struct kith_evidence *evidence)
{
  json_t *groups = json_array();
  int bad = 0;

  for (unsigned i = 0; i < evidence->n_groups; i++) {
    const struct kith_evidence_group *group = &evidence->groups[i];
    json_t *fields = json_array();

    for (unsigned j = 0; j < group->n; j++)
      bad |= json_array_append_new(fields, json_string(group->fields[j]));
    bad |= json_array_append_new(groups, fields);
  }
  return bad | put(object, "evidence", groups);
}

int kith_policy_records_put(json_t *object, const struct kith_policy *policy)
{
  json_t *dates = json_object();
  json_t *source = json_object();
  int bad = put_scope(object, &policy->scope) | put_evidence(object, &policy->evidence);

  bad |= put_number(dates, "year_min", policy->dates.year_min);
  bad |= put_number(dates, "year_max", policy->dates.year_max);
  bad |= put_string(dates, "outside", policy->dates.drop_outside ? "drop" : "keep");
  bad |= put(object, "dates", dates);
  bad |= put_ratio(source, "minimum_linkable", policy->source.minimum_linkable);
  bad |= put_ratio(source, "maximum_set_aside", policy->source.maximum_set_aside);
  return bad | put(object, "source", source);
}
