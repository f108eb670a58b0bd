#include "daemon/pipeline/source.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { INDEX_FIRST = 1 << 10, IDS_FIRST = 1 << 10, TEXT_FIRST = 1 << 14, PLACE_BYTES = 64 };

struct kith_source {
  struct kith_table *table;
  bool strict;
  struct kith_profile *standard; /* owned; where the spec has no profile */
  struct kith_layout *layout;
  size_t n_columns;
  bool header_is_next;      /* the first row, where the table has no header */
  char row_id[24];          /* where rows are named by their number */
  const char *const *cells; /* of the last row; borrowed from the table */
  size_t n_cells;
  struct kith_ids ids;
  uint32_t *index; /* open addressing: row + 1 of an id, 0: free */
  size_t index_size;
  size_t index_used;
  uint64_t set_aside[KITH_ROW_RULE_COUNT];
  struct kith_row_fault *faults;
  size_t n_faults;
};

const char *kith_row_rule_name(enum kith_row_rule rule)
{
  static const char *const names[KITH_ROW_RULE_COUNT] = {"fine",         "wrong number of fields",
                                                         "not UTF-8",    "broken quotes",
                                                         "over a limit", "no id",
                                                         "unusable id",  "repeated id"};
  return names[rule];
}

void kith_row_place(char *out, size_t cap, uint64_t row, uint64_t line)
{
  int len = snprintf(out, cap, "%llu", (unsigned long long)row);

  if (line && line != row && len > 0 && (size_t)len < cap)
    (void)snprintf(out + len, cap - (size_t)len, " (line %llu)", (unsigned long long)line);
}

/* ---- ids */

const char *kith_ids_at(const struct kith_ids *ids, size_t row)
{
  return ids->text + ids->offsets[row];
}

void kith_ids_free(struct kith_ids *ids)
{
  kith_free(ids->text);
  kith_free(ids->offsets);
  *ids = (struct kith_ids){0};
}

enum kith_err kith_ids_add(struct kith_ids *ids, const char *id)
{
  size_t len = strlen(id) + 1;

  if (ids->n == ids->cap) {
    size_t cap = ids->cap ? ids->cap + ids->cap / 2 : IDS_FIRST;
    uint64_t *offsets = kith_realloc(ids->offsets, cap, sizeof *offsets);
    if (!offsets)
      return KITH_ERR_MEMORY;
    ids->offsets = offsets;
    ids->cap = cap;
  }
  if (ids->text_cap - ids->text_len < len) {
    size_t cap = (ids->text_cap ? ids->text_cap + ids->text_cap / 2 : TEXT_FIRST) + len;
    char *text = kith_realloc(ids->text, cap, 1);
    if (!text)
      return KITH_ERR_MEMORY;
    ids->text = text;
    ids->text_cap = cap;
  }
  memcpy(ids->text + ids->text_len, id, len);
  ids->offsets[ids->n++] = ids->text_len;
  ids->text_len += len;
  return KITH_OK;
}

/* FNV-1a, its high bits folded into the low ones that pick the place. */
static uint64_t id_hash(const char *id)
{
  uint64_t hash = 14695981039346656037u;

  for (; *id != '\0'; id++)
    hash = (hash ^ (uint8_t)*id) * 1099511628211u;
  return hash ^ hash >> 32;
}

/* The place of the id, or the free place where it belongs. */
static size_t index_place(const struct kith_source *source, const char *id)
{
  size_t at = (size_t)id_hash(id) & (source->index_size - 1);

  while (source->index[at] && strcmp(kith_ids_at(&source->ids, source->index[at] - 1), id) != 0)
    at = (at + 1) & (source->index_size - 1);
  return at;
}

static enum kith_err index_grow(struct kith_source *source)
{
  size_t old_size = source->index_size;
  uint32_t *old = source->index;
  uint32_t *fresh;

  if (source->index_used * 2 < old_size)
    return KITH_OK;
  fresh = KITH_NEW_ARRAY(uint32_t, old_size ? old_size * 2 : INDEX_FIRST);
  if (!fresh)
    return KITH_ERR_MEMORY;
  source->index = fresh;
  source->index_size = old_size ? old_size * 2 : INDEX_FIRST;
  for (size_t i = 0; i < old_size; i++) {
    if (old[i])
      fresh[index_place(source, kith_ids_at(&source->ids, old[i] - 1))] = old[i];
  }
  kith_free(old);
  return KITH_OK;
}

/* ---- rows */

static bool has_control(const char *id)
{
  for (; *id != '\0'; id++) {
    if ((uint8_t)*id < 0x20 || *id == 0x7f)
      return true;
  }
  return false;
}

static enum kith_row_rule rule_of(enum kith_csv_problem problem)
{
  static const enum kith_row_rule rules[] = {
      [KITH_CSV_RAGGED] = KITH_ROW_RAGGED,     [KITH_CSV_BAD_TEXT] = KITH_ROW_BAD_TEXT,
      [KITH_CSV_MARK] = KITH_ROW_BAD_TEXT,     [KITH_CSV_NUL] = KITH_ROW_BAD_TEXT,
      [KITH_CSV_QUOTE] = KITH_ROW_QUOTES,      [KITH_CSV_QUOTE_OPEN] = KITH_ROW_QUOTES,
      [KITH_CSV_LONG_FIELD] = KITH_ROW_LONG,   [KITH_CSV_LONG_ROW] = KITH_ROW_LONG,
      [KITH_CSV_MANY_COLUMNS] = KITH_ROW_LONG,
  };

  return rules[problem];
}

/* Fills the row and says which rule it breaks, in which column (0-based, SIZE_MAX: none). */
static enum kith_row_rule row_read(struct kith_source *source, const struct kith_table_row *raw,
                                   struct kith_source_row *row, size_t *column)
{
  const char *id;

  *column = SIZE_MAX;
  if (raw->problem == KITH_CSV_RAGGED)
    return KITH_ROW_RAGGED;
  *column = raw->bad_column;
  if (raw->problem != KITH_CSV_FINE)
    return rule_of(raw->problem);
  *column = kith_layout_id_column(source->layout);
  id = kith_layout_apply(source->layout, raw->cells, row->fields);
  if (kith_layout_id_is_row(source->layout)) {
    (void)snprintf(source->row_id, sizeof source->row_id, "%llu", (unsigned long long)raw->row);
    id = source->row_id;
  }
  if (id[strspn(id, " \t")] == '\0')
    return KITH_ROW_NO_ID;
  if (strlen(id) > KITH_ID_BYTES_MAX || has_control(id))
    return KITH_ROW_BAD_ID;
  row->id = id;
  row->other_birth = kith_layout_other_birth(source->layout, raw->cells);
  if (source->index_size && source->index[index_place(source, id)])
    return KITH_ROW_REPEATED_ID;
  *column = SIZE_MAX;
  return KITH_ROW_FINE;
}

static enum kith_err row_set_aside(struct kith_source *source, struct kith_source_row *row,
                                   uint64_t line, size_t column, struct kith_fault *fault)
{
  char place[PLACE_BYTES];

  source->set_aside[row->rule]++;
  if (source->n_faults < KITH_ROW_FAULTS_MAX)
    source->faults[source->n_faults++] = (struct kith_row_fault){
        row->row, line, column == SIZE_MAX ? 0 : (uint32_t)column + 1, row->rule};
  if (!source->strict)
    return KITH_OK;
  kith_row_place(place, sizeof place, row->row, line);
  if (column == SIZE_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "%s: row %s: %s; expected %zu fields",
                     kith_table_name(source->table), place, kith_row_rule_name(row->rule),
                     source->n_columns);
  return kith_fail(fault, KITH_ERR_DATA, "%s: row %s, column %zu: %s",
                   kith_table_name(source->table), place, column + 1,
                   kith_row_rule_name(row->rule));
}

/* Keeps the id of every row, set aside or not, so that ids and rows stay in step. */
static enum kith_err row_keep_id(struct kith_source *source, const struct kith_source_row *row,
                                 struct kith_fault *fault)
{
  enum kith_err err;

  if (source->ids.n >= UINT32_MAX - 1)
    return kith_fail(fault, KITH_ERR_LIMIT, "%s: row %llu: too many rows",
                     kith_table_name(source->table), (unsigned long long)row->row);
  err = index_grow(source);
  if (err == KITH_OK)
    err = kith_ids_add(&source->ids, row->id);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: no memory for its ids", kith_table_name(source->table));
  if (row->rule == KITH_ROW_FINE) {
    source->index[index_place(source, row->id)] = (uint32_t)source->ids.n;
    source->index_used++;
  }
  return KITH_OK;
}

static enum kith_err row_next(struct kith_source *source, struct kith_table_row *raw,
                              struct kith_fault *fault)
{
  if (!source->header_is_next)
    return kith_table_next(source->table, raw, fault);
  source->header_is_next = false;
  *raw = (struct kith_table_row){.row = 1, .line = 1};
  raw->cells = kith_table_header(source->table, &raw->n_cells);
  return KITH_OK;
}

enum kith_err kith_source_next(struct kith_source *source, struct kith_source_row *row,
                               struct kith_fault *fault)
{
  struct kith_table_row raw;
  size_t column;
  enum kith_err err = row_next(source, &raw, fault);

  source->cells = NULL;
  source->n_cells = 0;
  if (err != KITH_OK)
    return err;
  *row = (struct kith_source_row){.row = raw.row, .id = ""};
  row->rule = row_read(source, &raw, row, &column);
  if (row->rule == KITH_ROW_FINE) {
    source->cells = raw.cells;
    source->n_cells = raw.n_cells;
    return row_keep_id(source, row, fault);
  }
  memset(row->fields, 0, sizeof row->fields);
  row->other_birth = NULL;
  err = row_set_aside(source, row, raw.line, column, fault);
  return err != KITH_OK ? err : row_keep_id(source, row, fault);
}

/* ---- opening */

static enum kith_err columns_find(struct kith_source *source, const struct kith_profile *profile,
                                  struct kith_fault *fault)
{
  const char *const *header = kith_table_header(source->table, &source->n_columns);
  enum kith_err err = KITH_OK;

  if (!profile) {
    err = kith_profile_load(&source->standard, "standard", fault);
    profile = source->standard;
  }
  if (err != KITH_OK)
    return err;
  source->header_is_next = kith_profile_headerless(profile);
  return kith_layout_new(&source->layout, profile, header, source->n_columns,
                         kith_table_name(source->table), fault);
}

struct kith_source_spec kith_source_of_file(const char *path)
{
  return (struct kith_source_spec){.place = {.kind = KITH_TABLE_FILE, .path = path}};
}

enum kith_err kith_source_open(struct kith_source **out, const struct kith_source_spec *spec,
                               struct kith_fault *fault)
{
  struct kith_source *source = KITH_NEW(struct kith_source);
  enum kith_err err;

  if (!source)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for a source");
  source->strict = spec->strict;
  err = kith_table_open(&source->table, &spec->place, fault);
  if (err != KITH_OK)
    goto fail;
  source->faults = KITH_NEW_ARRAY(struct kith_row_fault, KITH_ROW_FAULTS_MAX);
  if (!source->faults)
    err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", kith_table_name(source->table));
  else
    err = columns_find(source, spec->profile, fault);
  if (err != KITH_OK)
    goto fail;
  *out = source;
  return KITH_OK;
fail:
  kith_source_free(source);
  return err;
}

const char *const *kith_source_cells(const struct kith_source *source, size_t *n)
{
  *n = source->n_cells;
  return source->cells;
}

const struct kith_table *kith_source_table(const struct kith_source *source)
{
  return source->table;
}

bool kith_source_has(const struct kith_source *source, enum kith_field field)
{
  return kith_layout_has(source->layout, field);
}

bool kith_source_uses(const struct kith_source *source, size_t column)
{
  return kith_layout_uses(source->layout, column);
}

size_t kith_source_ignored_columns(const struct kith_source *source)
{
  return kith_layout_ignored(source->layout);
}

const char *kith_source_charset(const struct kith_source *source)
{
  return kith_table_charset(source->table);
}

char kith_source_delimiter(const struct kith_source *source)
{
  return kith_table_delimiter(source->table);
}

double kith_source_share(const struct kith_source *source)
{
  return kith_table_share(source->table);
}

uint64_t kith_source_set_aside(const struct kith_source *source, enum kith_row_rule rule)
{
  return source->set_aside[rule];
}

uint64_t kith_source_set_aside_all(const struct kith_source *source)
{
  uint64_t n = 0;

  for (unsigned i = 0; i < KITH_ROW_RULE_COUNT; i++)
    n += source->set_aside[i];
  return n;
}

const struct kith_row_fault *kith_source_faults(const struct kith_source *source, size_t *n)
{
  *n = source->n_faults;
  return source->faults;
}

void kith_source_take_ids(struct kith_source *source, struct kith_ids *out)
{
  *out = source->ids;
  source->ids = (struct kith_ids){0};
  kith_free(source->index);
  source->index = NULL;
  source->index_size = 0;
  source->index_used = 0;
}

void kith_source_free(struct kith_source *source)
{
  if (!source)
    return;
  kith_layout_free(source->layout);
  kith_profile_free(source->standard);
  kith_table_free(source->table);
  kith_ids_free(&source->ids);
  kith_free(source->index);
  kith_free(source->faults);
  kith_free(source);
}
