/* Records read anew from the source, raw, for an officer to look at and for an answer. */
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/profile.h"
#include "daemon/pipeline/source.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/subjects.h"
#include "proto/document.h"

enum { ROWS_ALIVE = 4096 };

void kith_source_record_free(struct kith_source_record *record)
{
  json_decref(record->columns);
  json_decref(record->fields);
  kith_wipe(record->marker, sizeof record->marker);
  record->columns = record->fields = NULL;
  record->found = false;
}

/* As the source has it, on one line: a character that people can't see becomes a blank, and what is
 * over the limit is cut between characters. */
static void plain_copy(char *out, size_t cap, const char *text)
{
  size_t used = 0;

  for (const char *at = text; *at;) {
    size_t len = 1;
    char one[8] = "";

    while (len < 4 && ((uint8_t)at[len] & 0xc0) == 0x80)
      len++;
    memcpy(one, at, len);
    at += len;
    if (!kith_text_plain(one)) {
      one[0] = ' ';
      len = 1;
    }
    if (used + len >= cap)
      break;
    memcpy(out + used, one, len);
    used += len;
  }
  out[used] = '\0';
}

/* One more safety marker of the record: none takes another's place. KITH_ERR_LIMIT: no room. */
static enum kith_err marker_add(struct kith_source_record *record, const char *text)
{
  static const char between[] = "; ";
  size_t used = strlen(record->marker);
  size_t gap = used ? sizeof between - 1 : 0;
  char plain[KITH_MARKER_BYTES];
  size_t len;

  plain_copy(plain, sizeof plain, text);
  len = strlen(plain);
  if (plain[strspn(plain, " ")] == '\0' || strstr(record->marker, plain))
    return KITH_OK;
  if (used + gap + len >= sizeof record->marker)
    return KITH_ERR_LIMIT;
  memcpy(record->marker + used, between, gap);
  memcpy(record->marker + used + gap, plain, len + 1);
  kith_wipe(plain, sizeof plain);
  return KITH_OK;
}

static json_t *plain_json(const char *text, size_t cap)
{
  KITH_AUTO_FREE char *plain = kith_calloc(cap, 1);
  json_t *json;

  if (!plain)
    return NULL;
  plain_copy(plain, cap, text);
  json = json_string(plain);
  kith_wipe(plain, cap);
  return json;
}

/* ---- fields: a standard one as the profile finds it, else a column of that name */

static const char *value_of(const struct kith_source *source, const struct kith_source_row *row,
                            const char *field)
{
  const struct kith_table *table = kith_source_table(source);
  size_t n_columns;
  size_t n_cells;
  const char *const *header = kith_table_header(table, &n_columns);
  const char *const *cells = kith_source_cells(source, &n_cells);

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    if (row->fields[i] && strcmp(kith_field_name((enum kith_field)i), field) == 0)
      return row->fields[i];
  for (size_t i = 0; cells && i < n_columns && i < n_cells; i++)
    if (kith_profile_same_column(header[i], field))
      return cells[i];
  return NULL;
}

static enum kith_err record_fill(struct kith_source_record *record,
                                 const struct kith_source *source,
                                 const struct kith_source_row *row,
                                 const struct kith_policy *policy, const char *safety_column)
{
  size_t n_columns;
  size_t n_cells;
  const char *const *header = kith_table_header(kith_source_table(source), &n_columns);
  const char *const *cells = kith_source_cells(source, &n_cells);
  int bad;

  record->columns = json_array();
  record->fields = json_object();
  bad = !record->columns || !record->fields || !cells;
  for (size_t i = 0; !bad && i < n_columns && i < n_cells; i++) {
    json_t *pair = json_array();

    bad = json_array_append_new(pair, plain_json(header[i], KITH_DISCLOSED_BYTES)) |
          json_array_append_new(pair, plain_json(cells[i], KITH_DISCLOSED_BYTES)) |
          json_array_append_new(record->columns, pair);
    if (!bad && safety_column && kith_profile_same_column(header[i], safety_column))
      bad = marker_add(record, cells[i]) != KITH_OK;
  }
  for (unsigned i = 0; !bad && i < policy->disclosure.n_fields; i++) {
    const char *field = policy->disclosure.fields[i];
    const char *value = value_of(source, row, field);

    if (value)
      bad = json_object_set_new(record->fields, field, plain_json(value, KITH_DISCLOSED_BYTES));
  }
  record->found = !bad;
  return bad ? KITH_ERR_MEMORY : KITH_OK;
}

/* ---- safety markers of a file */

static enum kith_err markers_read(struct kith_table *table, struct kith_source_record *records,
                                  size_t n, struct kith_fault *fault)
{
  size_t n_columns;
  const char *const *header = kith_table_header(table, &n_columns);
  size_t id = SIZE_MAX;
  size_t marker = SIZE_MAX;
  struct kith_table_row row;
  enum kith_err err = KITH_OK;

  for (size_t i = 0; i < n_columns; i++) {
    id = kith_profile_same_column(header[i], "id") ? i : id;
    marker = kith_profile_same_column(header[i], "marker") ? i : marker;
  }
  if (id == SIZE_MAX || marker == SIZE_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "%s: row 1: expected the columns id and marker",
                     kith_table_name(table));
  while ((err = kith_table_next(table, &row, fault)) == KITH_OK) {
    if (row.problem != KITH_CSV_FINE)
      return kith_fail(fault, KITH_ERR_DATA,
                       "%s: row %llu: can't be read; nothing is disclosed "
                       "until all of the safety markers can",
                       kith_table_name(table), (unsigned long long)row.row);
    for (size_t i = 0; i < n; i++)
      if (strcmp(row.cells[id], records[i].id) == 0 &&
          marker_add(&records[i], row.cells[marker]) != KITH_OK)
        return kith_fail(fault, KITH_ERR_LIMIT,
                         "%s: row %llu: this record's safety markers are longer than %d bytes "
                         "together; shorten them",
                         kith_table_name(table), (unsigned long long)row.row,
                         KITH_MARKER_BYTES - 1);
  }
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* What is known of wrong links, and the safety markers. */
static enum kith_err markers_find(struct kith_agency *agency, struct kith_source_record *records,
                                  size_t n, struct kith_fault *fault)
{
  const struct kith_table_place place = {.kind = KITH_TABLE_FILE,
                                         .path = agency->config.safety_file};
  struct kith_table *table = NULL;
  enum kith_err err = KITH_OK;

  for (size_t i = 0; err == KITH_OK && i < n; i++)
    err = kith_subjects_tokens(agency, records[i].id, records[i].tokens, &records[i].n_tokens);
  if (err != KITH_OK)
    return kith_fail(fault, err, "what is known of wrong links can't be read");
  if (!agency->config.safety_file)
    return KITH_OK;
  err = kith_table_open(&table, &place, fault);
  if (err == KITH_OK)
    err = markers_read(table, records, n, fault);
  kith_table_free(table);
  return err == KITH_OK ? err : kith_fail_at(fault, err, "safety_file");
}

/* ---- the source */

/* A safety column that the source lacks would be a marker that nobody sees. */
static enum kith_err column_check(const struct kith_source *source, const char *safety_column,
                                  struct kith_fault *fault)
{
  size_t n;
  const char *const *header = kith_table_header(kith_source_table(source), &n);

  for (size_t i = 0; safety_column && i < n; i++)
    if (kith_profile_same_column(header[i], safety_column))
      return KITH_OK;
  if (!safety_column)
    return KITH_OK;
  return kith_fail(fault, KITH_ERR_DATA,
                   "[source] safety_column: %s has no such column; nothing is disclosed without it",
                   kith_table_name(kith_source_table(source)));
}

enum kith_err kith_source_records(struct kith_agency *agency, struct kith_source_record *records,
                                  size_t n, const struct kith_policy *policy,
                                  struct kith_fault *fault)
{
  struct kith_source_spec spec = agency->config.source;
  struct kith_source *source = NULL;
  struct kith_source_row row;
  uint64_t n_rows = 0;
  enum kith_err err;

  if (n == 0)
    return KITH_OK;
  spec.place.wait = kith_agency_alive_waiting;
  spec.place.wait_context = agency;
  err = kith_source_open(&source, &spec, fault);
  if (err == KITH_OK)
    err = column_check(source, agency->config.safety_column, fault);
  while (err == KITH_OK && (err = kith_source_next(source, &row, fault)) == KITH_OK) {
    if (++n_rows % ROWS_ALIVE == 0)
      kith_agency_alive(agency);
    for (size_t i = 0; err == KITH_OK && row.rule == KITH_ROW_FINE && i < n; i++)
      if (strcmp(row.id, records[i].id) == 0)
        err = record_fill(&records[i], source, &row, policy, agency->config.safety_column);
  }
  kith_source_free(source);
  if (err == KITH_ERR_NOT_FOUND)
    err = markers_find(agency, records, n, fault);
  return err == KITH_ERR_MEMORY ? kith_fail(fault, err, "out of memory") : err;
}
