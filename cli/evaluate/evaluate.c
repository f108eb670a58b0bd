/* `kith evaluate`: a linkage against a truth file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/evaluate/evaluate.h"
#include "cli/verbs.h"

enum { COLUMNS_MAX = 8, KEY_BYTES = 1024 };

/* ---- reading */

struct table {
  const char *path;
  struct kith_csv *csv;
  size_t columns[COLUMNS_MAX];
  struct kith_csv_row row;
};

static enum kith_err table_open(struct table *table, const char *path, const char *const *names,
                                size_t n, struct kith_fault *fault)
{
  *table = (struct table){.path = path};
  enum kith_err err = kith_csv_open(&table->csv, path, NULL, fault);
  for (size_t i = 0; i < n && !err; i++) {
    table->columns[i] = kith_csv_column(table->csv, names[i]);
    if (table->columns[i] == SIZE_MAX)
      err = kith_fail(fault, KITH_ERR_DATA, "%s: row 1: expected a column \"%s\"", path, names[i]);
  }
  if (err)
    kith_csv_free(table->csv);
  return err;
}

static enum kith_err table_next(struct table *table, struct kith_fault *fault)
{
  enum kith_err err = kith_csv_next(table->csv, &table->row, fault);
  if (!err && table->row.problem != KITH_CSV_FINE)
    err = kith_csv_refuse(table->csv, &table->row, fault);
  return err;
}

static const char *cell(const struct table *table, size_t i)
{
  return table->row.fields[table->columns[i]];
}

static enum kith_err refuse(const struct table *table, struct kith_fault *fault, const char *why)
{
  return kith_fail(fault, KITH_ERR_DATA, "%s: row %llu: %s", table->path,
                   (unsigned long long)table->row.row, why);
}

/* A record's or a handle's name among all parties'. False: too long, or the party is unknown. */
static bool make_key(char key[KEY_BYTES], const struct kith_evaluate *run, const char *party,
                     const char *id)
{
  uint32_t number = kith_intern_find(&run->parties, party);
  int len = snprintf(key, KEY_BYTES, "%u %s", number, id);
  return number != KITH_INTERN_NONE && len > 0 && len < KEY_BYTES;
}

static enum kith_err add_truth(struct kith_evaluate *run, const struct table *table,
                               struct kith_fault *fault)
{
  struct kith_evaluation_record record = {0, 0, KITH_EVALUATION_NONE, KITH_EVALUATION_NONE};
  char key[KEY_BYTES];
  uint32_t number = 0;
  enum kith_err err = kith_intern_add(&run->parties, &record.party, cell(table, 0));
  if (!err)
    err = kith_intern_add(&run->entities, &record.entity, cell(table, 2));
  if (!err && run->group_by)
    err = kith_intern_add(&run->groups, &record.group, cell(table, 3));
  if (err)
    return kith_fail(fault, err, "%s: not enough memory", table->path);
  if (run->parties.n > KITH_EVALUATION_PARTIES_MAX)
    return refuse(table, fault, "too many parties: is \"party\" the right column?");
  if (!make_key(key, run, cell(table, 0), cell(table, 1)))
    return refuse(table, fault, "an id that is too long");
  if ((err = kith_intern_add(&run->ids, &number, key)) != KITH_OK)
    return kith_fail(fault, err, "%s: not enough memory", table->path);
  if (number < run->n_records)
    return refuse(table, fault, "a record that an earlier row has");
  if (run->n_records == run->records_room) {
    size_t room = run->records_room ? 2 * run->records_room : 1024;
    struct kith_evaluation_record *more = kith_realloc(run->records, room, sizeof *more);
    if (!more)
      return kith_fail(fault, KITH_ERR_MEMORY, "%s: not enough memory", table->path);
    run->records = more;
    run->records_room = room;
  }
  run->records[run->n_records++] = record;
  return KITH_OK;
}

static enum kith_err read_truth(struct kith_evaluate *run, struct kith_fault *fault)
{
  const char *const names[] = {"party", "id", "entity", run->group_by};
  struct table table;
  enum kith_err err = table_open(&table, run->truth, names, run->group_by ? 4 : 3, fault);
  if (err)
    return err;
  while ((err = table_next(&table, fault)) == KITH_OK)
    if ((err = add_truth(run, &table, fault)) != KITH_OK)
      break;
  kith_csv_free(table.csv);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static enum kith_err read_map(struct kith_evaluate *run, const char *path, struct kith_fault *fault)
{
  static const char *const names[] = {"party", "handle", "id"};
  struct table table;
  char key[KEY_BYTES];
  enum kith_err err = table_open(&table, path, names, KITH_COUNT_OF(names), fault);
  if (err)
    return err;
  while ((err = table_next(&table, fault)) == KITH_OK) {
    uint32_t number = 0;
    uint32_t record = make_key(key, run, cell(&table, 0), cell(&table, 2))
                          ? kith_intern_find(&run->ids, key)
                          : KITH_INTERN_NONE;
    if (record == KITH_INTERN_NONE) {
      err = refuse(&table, fault, "a record that the truth file does not have");
      break;
    }
    if (!make_key(key, run, cell(&table, 0), cell(&table, 1))) {
      err = refuse(&table, fault, "a handle that is too long");
      break;
    }
    uint32_t known = run->handles.n;
    if ((err = kith_intern_add(&run->handles, &number, key)) != KITH_OK)
      break;
    if (number < known) {
      err = refuse(&table, fault, "a handle that an earlier row has");
      break;
    }
    if (number == run->handle_room) {
      size_t room = run->handle_room ? 2 * run->handle_room : 1024;
      uint32_t *more = kith_realloc(run->handle_record, room, sizeof *more);
      if (!more) {
        err = kith_fail(fault, KITH_ERR_MEMORY, "%s: not enough memory", path);
        break;
      }
      run->handle_record = more;
      run->handle_room = room;
    }
    run->handle_record[number] = record;
  }
  kith_csv_free(table.csv);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* The record that two cells of a row speak of. */
static enum kith_err find_record(uint32_t *record, const struct kith_evaluate *run,
                                 const struct table *table, size_t party, size_t id,
                                 struct kith_fault *fault)
{
  char key[KEY_BYTES];
  bool mapped = run->maps.n > 0;
  uint32_t number = KITH_INTERN_NONE;
  if (make_key(key, run, cell(table, party), cell(table, id)))
    number = kith_intern_find(mapped ? &run->handles : &run->ids, key);
  if (number == KITH_INTERN_NONE)
    return refuse(table, fault,
                  mapped ? "a handle that no map file has"
                         : "a record that the truth file does not have");
  *record = mapped ? run->handle_record[number] : number;
  return KITH_OK;
}

static enum kith_err add_linked(struct kith_evaluate *run, uint32_t a, uint32_t b,
                                struct kith_fault *fault)
{
  if (run->n_linked == run->linked_room) {
    size_t room = run->linked_room ? 2 * run->linked_room : 1024;
    struct kith_evaluation_pair *more = kith_realloc(run->linked, room, sizeof *more);
    if (!more)
      return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
    run->linked = more;
    run->linked_room = room;
  }
  run->linked[run->n_linked++] = (struct kith_evaluation_pair){a, b};
  return KITH_OK;
}

/* clusters.csv (cluster,party,id) or cohort.csv (cohort,...,party,id or handle,...). */
static enum kith_err read_clusters(struct kith_evaluate *run, const char *path, bool cohort,
                                   struct kith_fault *fault)
{
  const char *const names[] = {cohort ? "cohort" : "cluster", "party",
                               cohort && run->maps.n ? "handle" : "id"};
  struct table table;
  enum kith_err err = table_open(&table, path, names, KITH_COUNT_OF(names), fault);
  if (err)
    return err;
  while ((err = table_next(&table, fault)) == KITH_OK) {
    uint32_t record = 0;
    uint32_t cluster = 0;
    if ((err = find_record(&record, run, &table, 1, 2, fault)) != KITH_OK)
      break;
    if (run->records[record].cluster != KITH_EVALUATION_NONE) {
      err = refuse(&table, fault, "a record that an earlier row has");
      break;
    }
    if ((err = kith_intern_add(&run->clusters, &cluster, cell(&table, 0))) != KITH_OK)
      break;
    run->records[record].cluster = cluster;
  }
  kith_csv_free(table.csv);
  run->has_clusters = true;
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* cohort.csv of kith link, next to the report that says which rule made it. */
static enum kith_err read_cohort(struct kith_evaluate *run, const char *path,
                                 struct kith_fault *fault)
{
  static const char *const names[] = {"cohort", "party", "id"};
  struct table table;
  enum kith_err err = table_open(&table, path, names, KITH_COUNT_OF(names), fault);
  if (err)
    return err;
  run->entries = KITH_NEW_ARRAY(uint32_t, run->n_records);
  if (!run->entries)
    err = kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  for (size_t i = 0; i < run->n_records && !err; i++)
    run->entries[i] = KITH_EVALUATION_NONE;
  while (!err && (err = table_next(&table, fault)) == KITH_OK) {
    uint32_t record = 0;
    if ((err = find_record(&record, run, &table, 1, 2, fault)) != KITH_OK)
      break;
    if (run->entries[record] != KITH_EVALUATION_NONE)
      err = refuse(&table, fault, "a record that an earlier row has");
    else
      err = kith_intern_add(&run->cohort, &run->entries[record], cell(&table, 0));
  }
  kith_csv_free(table.csv);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* The list against the truth, where there is a list and what made it. */
static enum kith_err judge_cohort(struct kith_evaluate *run, struct kith_fault *fault)
{
  KITH_AUTO_FREE char *report = kith_path_join(run->dir, "report.json");
  KITH_AUTO_FREE char *cohort = kith_path_join(run->dir, "cohort.csv");
  KITH_AUTO_FREE uint8_t *table = NULL;
  enum kith_err err = KITH_OK;
  run->foretold = KITH_NEW(struct kith_foretold);
  if (!report || !cohort || !run->foretold)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  if (run->maps.n || !kith_file_exists(cohort))
    return KITH_OK;
  if ((err = kith_foretold_read(run->foretold, report, fault)) != KITH_OK || !run->foretold->there)
    return err;
  if ((err = read_cohort(run, cohort, fault)) != KITH_OK ||
      (err = kith_evaluate_table(&table, run->foretold->rule, &run->parties, fault)) != KITH_OK)
    return err;
  const struct kith_evaluation_cohort_input input = {.records = run->records,
                                                     .entries = run->entries,
                                                     .n_records = run->n_records,
                                                     .n_parties = run->parties.n,
                                                     .n_entities = run->entities.n,
                                                     .n_groups = run->group_by ? run->groups.n : 0,
                                                     .n_entries = run->cohort.n,
                                                     .table = table};
  err = kith_evaluation_cohort_run(&run->list, &input);
  run->has_list = err == KITH_OK;
  return err;
}

static enum kith_err read_pairs(struct kith_evaluate *run, const char *path,
                                struct kith_fault *fault)
{
  static const char *const names[] = {"party_a", "id_a", "party_b", "id_b", "linked"};
  struct table table;
  enum kith_err err = table_open(&table, path, names, KITH_COUNT_OF(names), fault);
  if (err)
    return err;
  while ((err = table_next(&table, fault)) == KITH_OK) {
    const char *linked = cell(&table, 4);
    uint32_t a = 0;
    uint32_t b = 0;
    if (strcmp(linked, "0") != 0 && strcmp(linked, "1") != 0)
      err = refuse(&table, fault, "\"linked\" must be 0 or 1");
    if (!err)
      err = find_record(&a, run, &table, 0, 1, fault);
    if (!err)
      err = find_record(&b, run, &table, 2, 3, fault);
    if (!err && *linked == '1')
      err = add_linked(run, a, b, fault);
    if (err)
      break;
  }
  kith_csv_free(table.csv);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

struct member {
  uint32_t cluster;
  uint32_t record;
};

static int compare_members(const void *left, const void *right)
{
  const struct member *a = left;
  const struct member *b = right;
  if (a->cluster != b->cluster)
    return a->cluster < b->cluster ? -1 : 1;
  return (a->record > b->record) - (a->record < b->record);
}

/* Every two records of a cluster are linked. */
static enum kith_err pairs_from_clusters(struct kith_evaluate *run, struct kith_fault *fault)
{
  KITH_AUTO_FREE struct member *members = KITH_NEW_ARRAY(struct member, run->n_records);
  size_t n = 0;
  enum kith_err err = KITH_OK;
  if (!members)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  for (size_t i = 0; i < run->n_records; i++)
    if (run->records[i].cluster != KITH_EVALUATION_NONE)
      members[n++] = (struct member){run->records[i].cluster, (uint32_t)i};
  if (n > 1)
    qsort(members, n, sizeof *members, compare_members);
  for (size_t i = 0; i < n && !err; i++)
    for (size_t j = i + 1; j < n && members[j].cluster == members[i].cluster && !err; j++)
      err = add_linked(run, members[i].record, members[j].record, fault);
  return err;
}

static enum kith_err read_dir(struct kith_evaluate *run, struct kith_fault *fault)
{
  KITH_AUTO_FREE char *pairs = kith_path_join(run->dir, "pairs.csv");
  KITH_AUTO_FREE char *clusters = kith_path_join(run->dir, "clusters.csv");
  KITH_AUTO_FREE char *cohort = kith_path_join(run->dir, "cohort.csv");
  enum kith_err err = KITH_OK;
  if (!pairs || !clusters || !cohort)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  if (kith_file_exists(clusters))
    err = read_clusters(run, clusters, false, fault);
  else if (run->maps.n)
    err = read_clusters(run, cohort, true, fault);
  else if (!kith_file_exists(pairs))
    return kith_fail(fault, KITH_ERR_NO_INPUT,
                     "%s: expected pairs.csv and clusters.csv, as kith link writes them", run->dir);
  if (err)
    return err;
  return kith_file_exists(pairs) ? read_pairs(run, pairs, fault) : pairs_from_clusters(run, fault);
}

/* ---- all of it */

static int run_evaluate(struct kith_evaluate *run)
{
  struct kith_fault fault = {0};
  struct kith_evaluation result = {0};
  enum kith_err err = read_truth(run, &fault);
  for (size_t i = 0; i < run->maps.n && !err; i++)
    err = read_map(run, run->maps.items[i], &fault);
  if (!err)
    err = read_dir(run, &fault);
  if (!err)
    err = judge_cohort(run, &fault);
  if (!err) {
    const struct kith_evaluation_input input = {run->records,    run->n_records, run->parties.n,
                                                run->entities.n, run->groups.n,  run->linked,
                                                run->n_linked};
    err = kith_evaluation_run(&result, &input);
  }
  if (err && !fault.err)
    (void)kith_fail(&fault, err, "not enough memory");
  int status = err         ? kith_cli_fail(&fault)
               : run->json ? kith_cli_json(kith_evaluate_json(run, &result))
                           : kith_evaluate_print(run, &result);
  kith_evaluation_free(&result);
  kith_intern_free(&run->parties);
  kith_intern_free(&run->ids);
  kith_intern_free(&run->entities);
  kith_intern_free(&run->groups);
  kith_intern_free(&run->clusters);
  kith_intern_free(&run->handles);
  kith_intern_free(&run->cohort);
  kith_evaluation_cohort_free(&run->list);
  kith_free(run->entries);
  kith_free(run->foretold);
  kith_free(run->handle_record);
  kith_free(run->records);
  kith_free(run->linked);
  return status;
}

int kith_cmd_evaluate(int argc, char **argv)
{
  static struct kith_evaluate run;
  run = (struct kith_evaluate){0};
  const struct kith_cli_option options[] = {
      {"truth", KITH_CLI_STRING, &run.truth, "FILE", "CSV: party,id,entity and other columns", 0, 0,
       NULL},
      {"group-by", KITH_CLI_STRING, &run.group_by, "COLUMN",
       "also by the values of a column of the truth file", 0, 0, NULL},
      {"within", KITH_CLI_FLAG, &run.within, NULL, "also pairs inside each party, apart", 0, 0,
       NULL},
      {"map", KITH_CLI_LIST, &run.maps, "FILE ...",
       "CSV: party,handle,id of a trial round; several may follow", 0, 0, NULL},
      {"json", KITH_CLI_FLAG, &run.json, NULL, "one JSON document", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith evaluate --truth FILE [OPTIONS] [--map FILE ...] DIR",
      .about =
          "Precision, recall and F1 of the linkage in DIR (of kith link, or with --map of kith\n"
          "cohort export) against the truth. Pairs: records of different parties (one party:\n"
          "inside it). Clusters: B-cubed over all records, and people found exactly. The list: who "
          "on\n"
          "it does not belong, who is missed, and how far off kith's own estimates were.\n"
          "A record of the truth that DIR does not have counts as missed.",
      .examples =
          "  $ kith evaluate --truth truth.csv --group-by tradition linked/\n"
          "  $ kith evaluate --truth truth.csv --json --map police.csv health.csv exported/\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  int first = 0;
  int status = 0;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!run.truth)
    return kith_cli_usage(spec.usage, "--truth is missing");
  /* After --map the operands before the last are map files, too. */
  for (; run.maps.n && argc - first > 1; first++) {
    if (run.maps.n == KITH_CLI_LIST_MAX)
      return kith_cli_usage(spec.usage, "--map: too many files");
    run.maps.items[run.maps.n++] = argv[first];
  }
  if (argc - first != 1)
    return kith_cli_usage(spec.usage, "expected one directory");
  run.dir = argv[first];
  return run_evaluate(&run);
}
