/* The report of `kith source check` as JSON. Its keys are stable: docs/data-quality.md. */
#include "cli/source/source.h"

#include <string.h>

static json_t *number(uint64_t n)
{
  return json_integer((json_int_t)n);
}

static json_t *rows_json(const struct kith_quality_rows *rows)
{
  json_t *array = json_array();

  for (size_t i = 0; i < rows->n; i++)
    json_array_append_new(array, number(rows->rows[i]));
  return array;
}

/* ---- fields */

static json_t *fields_json(const struct kith_quality_report *report)
{
  json_t *fields = json_object();

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    json_t *field = json_pack("{s:b}", "column", (int)report->fields[i].column);

    for (unsigned j = 0; j < KITH_OUTCOME_COUNT; j++)
      json_object_set_new(field, kith_outcome_name((enum kith_outcome)j),
                          number(report->fields[i].n[j]));
    json_object_set_new(fields, kith_field_name((enum kith_field)i), field);
  }
  return fields;
}

static json_t *values_json(const struct kith_quality_report *report)
{
  json_t *values = json_object();

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    const struct kith_quality_field *field = &report->fields[i];

    if (field->n_valued > 0)
      json_object_set_new(values, kith_field_name((enum kith_field)i),
                          json_pack("{s:o, s:o, s:o, s:f}", "rows", number(field->n_valued),
                                    "distinct", number(field->n_distinct), "commonest_rows",
                                    number(field->n_commonest), "commonest_share",
                                    (double)field->n_commonest / (double)field->n_valued));
  }
  return values;
}

static json_t *field_rows_json(const struct kith_quality_report *report)
{
  json_t *fields = json_object();

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    json_t *field = json_object();

    for (unsigned j = 0; j < KITH_OUTCOME_COUNT; j++) {
      if (report->fields[i].rows[j].n > 0)
        json_object_set_new(field, kith_outcome_name((enum kith_outcome)j),
                            rows_json(&report->fields[i].rows[j]));
    }
    if (json_object_size(field) > 0)
      json_object_set_new(fields, kith_field_name((enum kith_field)i), field);
    else
      json_decref(field);
  }
  return fields;
}

/* Row and field of values that can't be used, in the order of rows, the first of them. */
static json_t *unusable_json(const struct kith_quality_report *report)
{
  size_t at[KITH_FIELD_COUNT] = {0};
  json_t *unusable = json_array();

  while (json_array_size(unusable) < KITH_QUALITY_ROWS_MAX) {
    unsigned next = KITH_FIELD_COUNT;
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
      const struct kith_quality_rows *rows = &report->fields[i].rows[KITH_VALUE_UNUSABLE];

      if (at[i] < rows->n && rows->rows[at[i]] < least)
        least = rows->rows[at[i]], next = i;
    }
    if (next == KITH_FIELD_COUNT)
      break;
    at[next]++;
    json_array_append_new(unusable, json_pack("{s:o, s:s}", "row", number(least), "field",
                                              kith_field_name((enum kith_field)next)));
  }
  return unusable;
}

/* ---- rows and people */

static json_t *set_aside_json(const struct kith_source *source)
{
  size_t n;
  const struct kith_row_fault *faults = kith_source_faults(source, &n);
  json_t *rules = json_object();
  json_t *first = json_array();

  for (unsigned i = KITH_ROW_FINE + 1; i < KITH_ROW_RULE_COUNT; i++)
    json_object_set_new(rules, kith_row_rule_name((enum kith_row_rule)i),
                        number(kith_source_set_aside(source, (enum kith_row_rule)i)));
  for (size_t i = 0; i < n; i++)
    json_array_append_new(first,
                          json_pack("{s:o, s:o, s:o, s:s}", "row", number(faults[i].row), "line",
                                    faults[i].line ? number(faults[i].line) : json_null(), "column",
                                    faults[i].column ? number(faults[i].column) : json_null(),
                                    "rule", kith_row_rule_name(faults[i].rule)));
  return json_pack("{s:o, s:o, s:o}", "rows", number(kith_source_set_aside_all(source)), "by_rule",
                   rules, "first", first);
}

static json_t *people_json(const struct kith_quality_people *people)
{
  return json_pack("{s:o, s:o, s:b, s:o}", "rows", number(people->rows), "people",
                   number(people->people), "estimated", (int)people->estimated, "first",
                   rows_json(&people->first));
}

static json_t *ages_json(const struct kith_quality_report *report)
{
  json_t *ages = json_object();

  for (unsigned i = 0; i < KITH_AGE_BANDS; i++)
    json_object_set_new(ages, kith_age_band_name((enum kith_age_band)i), number(report->ages[i]));
  return ages;
}

static json_t *scope_json(const struct kith_quality_report *report)
{
  json_t *scope = json_object();

  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++)
    json_object_set_new(scope, kith_scope_reason_key((enum kith_scope_reason)i),
                        number(report->scope.n[i]));
  return scope;
}

static json_t *findings_json(const struct kith_quality_report *report)
{
  json_t *findings = json_array();

  for (unsigned i = 0; i < report->n_findings; i++) {
    const struct kith_finding *finding = &report->findings[i];

    json_array_append_new(findings,
                          json_pack("{s:s, s:s, s:s, s:s}", "severity",
                                    kith_severity_name(finding->severity), "about", finding->about,
                                    "text", finding->text, "remedy", finding->remedy));
  }
  return findings;
}

static json_t *columns_json(const struct kith_source_check *check)
{
  json_t *columns = json_array();

  for (size_t i = 0; i < check->n_columns; i++)
    json_array_append_new(columns, json_pack("{s:s, s:s?}", "name", check->columns[i].name, "field",
                                             check->columns[i].role));
  return columns;
}

/* What came after the first version of the report. */
static int more_json(json_t *object, const struct kith_source_check *check)
{
  const struct kith_quality_report *report = check->report;
  json_t *more = json_pack(
      "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:i, s:i, "
      "s:o}}",
      "verdict", kith_verdict_name(report->verdict), "findings", findings_json(report), "columns",
      columns_json(check), "values", values_json(report), "field_rows", field_rows_json(report),
      "same_people", people_json(&report->same), "likely_people", people_json(&report->alike),
      "number_conflicts", people_json(&report->number_dates), "name_conflicts",
      people_json(&report->name_dates), "ages", ages_json(report), "scope", scope_json(report),
      "linkable", number(report->summary.linkable), "sparse_rows", rows_json(&report->sparse),
      "leaves", "records", number(report->n_leaving), "coarsened", number(report->n_coarsened),
      "fields", (int)report->n_fields, "bits", (int)report->bits, "bytes", number(report->bytes));
  const char *charset = kith_source_charset(check->source);
  const char delimiter[2] = {charset && *charset ? kith_source_delimiter(check->source) : '\0'};
  int bad = !more || json_object_set_new(more, "charset", json_string(charset ? charset : "")) ||
            json_object_set_new(more, "delimiter", json_string(delimiter)) ||
            json_object_update(object, more) != 0;

  if (check->proposal && !bad)
    bad = json_object_set_new(object, "proposal", kith_source_proposal_json(check));

  json_decref(more);
  return bad;
}

json_t *kith_source_json(const struct kith_source_check *check)
{
  const struct kith_quality_report *report = check->report;
  const uint64_t *dates = report->fields[KITH_FIELD_DATE_OF_BIRTH].n;
  json_t *json = json_pack(
      "{s:s, s:s, s:s, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:{s:o, s:o}, s:o, s:o}", "file",
      check->name, "profile", kith_source_profile(check), "standardiser", KITH_STANDARDISER, "rows",
      number(report->summary.rows), "ignored_columns",
      number(kith_source_ignored_columns(check->source)), "fields", fields_json(report),
      "bad_dates", "unusable", number(dates[KITH_VALUE_UNUSABLE]), "placeholder",
      number(dates[KITH_VALUE_PLACEHOLDER]), "partial", number(dates[KITH_VALUE_PARTIAL]),
      "duplicates", "rows", number(report->same.rows), "people", number(report->same.people),
      "set_aside", set_aside_json(check->source), "unusable", unusable_json(report));

  if (json && more_json(json, check) != 0) {
    json_decref(json);
    return NULL;
  }
  return json;
}
