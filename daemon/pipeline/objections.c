#include "daemon/pipeline/objections.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/source.h"

enum { INDEX_FIRST = 1 << 10 };

#define REMEDY "nothing is encoded until the list of objections can be read as a whole"

struct kith_objections {
  struct kith_ids ids; /* all different */
  uint32_t *index;     /* open addressing: number + 1 of an id, 0: free */
  size_t index_size;
  bool *asked; /* of each id */
  size_t asked_cap;
  size_t n_asked;
};

/* FNV-1a, its high bits folded into the low ones that pick the place. */
static uint64_t id_hash(const char *id)
{
  uint64_t hash = 14695981039346656037u;

  for (; *id != '\0'; id++)
    hash = (hash ^ (uint8_t)*id) * 1099511628211u;
  return hash ^ hash >> 32;
}

/* The place of the id, or the free place where it belongs. */
static size_t place_of(const struct kith_objections *list, const char *id)
{
  size_t at = (size_t)id_hash(id) & (list->index_size - 1);

  while (list->index[at] && strcmp(kith_ids_at(&list->ids, list->index[at] - 1), id) != 0)
    at = (at + 1) & (list->index_size - 1);
  return at;
}

static enum kith_err index_grow(struct kith_objections *list)
{
  size_t size = list->index_size ? list->index_size * 2 : INDEX_FIRST;
  uint32_t *fresh;

  if (list->ids.n * 2 < list->index_size)
    return KITH_OK;
  fresh = KITH_NEW_ARRAY(uint32_t, size);
  if (!fresh)
    return KITH_ERR_MEMORY;
  kith_free(list->index);
  list->index = fresh;
  list->index_size = size;
  for (size_t i = 0; i < list->ids.n; i++)
    fresh[place_of(list, kith_ids_at(&list->ids, i))] = (uint32_t)i + 1;
  return KITH_OK;
}

static enum kith_err asked_grow(struct kith_objections *list)
{
  size_t cap = list->asked_cap ? list->asked_cap * 2 : INDEX_FIRST;
  bool *fresh;

  if (list->ids.n < list->asked_cap)
    return KITH_OK;
  fresh = kith_realloc(list->asked, cap, sizeof *fresh);
  if (!fresh)
    return KITH_ERR_MEMORY;
  list->asked = fresh;
  list->asked_cap = cap;
  return KITH_OK;
}

static enum kith_err id_add(struct kith_objections *list, const char *id)
{
  enum kith_err err;
  size_t at;

  if ((err = index_grow(list)) != KITH_OK || (err = asked_grow(list)) != KITH_OK)
    return err;
  at = place_of(list, id);
  if (list->index[at])
    return KITH_OK;
  if (list->ids.n == KITH_OBJECTIONS_MAX)
    return KITH_ERR_LIMIT;
  list->asked[list->ids.n] = false;
  err = kith_ids_add(&list->ids, id);
  if (err == KITH_OK)
    list->index[at] = (uint32_t)list->ids.n;
  return err;
}

/* ---- reading */

static bool has_control(const char *id)
{
  for (; *id != '\0'; id++) {
    if ((uint8_t)*id < 0x20 || *id == 0x7f)
      return true;
  }
  return false;
}

/* NULL where the row is in order. */
static const char *row_problem(const struct kith_table_row *row, size_t column)
{
  const char *id;

  if (row->problem == KITH_CSV_RAGGED)
    return "has more or fewer fields than the header";
  if (row->problem == KITH_CSV_BAD_TEXT)
    return "is not UTF-8";
  if (row->problem != KITH_CSV_FINE)
    return kith_csv_problem_text(row->problem);
  id = row->cells[column];
  if (id[strspn(id, " \t")] == '\0')
    return "has no id";
  return row->lens[column] > KITH_ID_BYTES_MAX || has_control(id) ? "has an unusable id" : NULL;
}

static enum kith_err column_find(size_t *out, const struct kith_table *table,
                                 struct kith_fault *fault)
{
  size_t n;
  const char *const *header = kith_table_header(table, &n);

  *out = SIZE_MAX;
  for (size_t i = 0; i < n; i++) {
    if (strcasecmp(header[i], "id") != 0)
      continue;
    if (*out != SIZE_MAX)
      return kith_fail(fault, KITH_ERR_DATA,
                       "%s: row 1: columns %zu and %zu are both \"id\"; " REMEDY,
                       kith_table_name(table), *out + 1, i + 1);
    *out = i;
  }
  if (*out == SIZE_MAX)
    return kith_fail(
        fault, KITH_ERR_DATA,
        "%s: row 1: no column \"id\"; expected one with the ids of the source; " REMEDY,
        kith_table_name(table));
  return KITH_OK;
}

static enum kith_err rows_read(struct kith_objections *list, struct kith_table *table,
                               struct kith_fault *fault)
{
  struct kith_table_row row;
  size_t column;
  enum kith_err err = column_find(&column, table, fault);

  while (err == KITH_OK) {
    const char *problem;

    err = kith_table_next(table, &row, fault);
    if (err != KITH_OK)
      break;
    problem = row_problem(&row, column);
    if (problem)
      return kith_fail(fault, KITH_ERR_DATA, "%s: row %llu: %s; " REMEDY, kith_table_name(table),
                       (unsigned long long)row.row, problem);
    err = id_add(list, row.cells[column]);
    if (err == KITH_ERR_LIMIT)
      return kith_fail(fault, err, "%s: row %llu: more than %d ids; " REMEDY,
                       kith_table_name(table), (unsigned long long)row.row, KITH_OBJECTIONS_MAX);
    if (err != KITH_OK)
      return kith_fail(fault, err, "%s: no memory for its ids", kith_table_name(table));
  }
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_objections_load(struct kith_objections **out, const char *path,
                                   struct kith_fault *fault)
{
  const struct kith_table_place place = {.kind = KITH_TABLE_FILE, .path = path};
  struct kith_objections *list = KITH_NEW(struct kith_objections);
  struct kith_table *table = NULL;
  enum kith_err err;

  if (!list)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  err = index_grow(list);
  if (err != KITH_OK)
    err = kith_fail(fault, err, "%s: no memory", path);
  if (err == KITH_OK && (err = kith_table_open(&table, &place, fault)) == KITH_OK)
    err = rows_read(list, table, fault);
  kith_table_free(table);
  if (err != KITH_OK) {
    kith_objections_free(list);
    return kith_fail_at(fault, err, "objections");
  }
  *out = list;
  return KITH_OK;
}

void kith_objections_free(struct kith_objections *list)
{
  if (!list)
    return;
  if (list->ids.text)
    kith_wipe(list->ids.text, list->ids.text_len);
  kith_ids_free(&list->ids);
  kith_free(list->index);
  kith_free(list->asked);
  kith_free(list);
}

/* ---- asking */

bool kith_objections_hit(struct kith_objections *list, const char *id)
{
  uint32_t number = list->index[place_of(list, id)];

  if (number == 0)
    return false;
  if (!list->asked[number - 1]) {
    list->asked[number - 1] = true;
    list->n_asked++;
  }
  return true;
}

size_t kith_objections_n(const struct kith_objections *list)
{
  return list->ids.n;
}

const char *kith_objections_id(const struct kith_objections *list, size_t number)
{
  return kith_ids_at(&list->ids, number);
}

size_t kith_objections_missed(const struct kith_objections *list)
{
  return list->ids.n - list->n_asked;
}
