/* The profile that `kith source check` proposes for a table that nobody has described. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/page.h"
#include "cli/source/source.h"
#include "cli/verbs.h"

typedef unsigned long long ull;

enum { SHOWN_BYTES = KITH_COLUMN_CALLED_BYTES };

/* ---- making it */

/* A pipe can't be read from its start again. */
static bool reads_again(const struct kith_table_place *place)
{
  struct stat status;

  return place->kind != KITH_TABLE_FILE ||
         (stat(place->path, &status) == 0 && S_ISREG(status.st_mode));
}

/* With the standard columns, is there more to find? */
static bool lacks_fields(const struct kith_source *source)
{
  static const enum kith_field wanted[] = {KITH_FIELD_GIVEN_NAME, KITH_FIELD_SURNAME,
                                           KITH_FIELD_DATE_OF_BIRTH, KITH_FIELD_SEX,
                                           KITH_FIELD_POSTCODE};

  for (size_t i = 0; i < KITH_COUNT_OF(wanted); i++)
    if (!kith_source_has(source, wanted[i]))
      return true;
  return false;
}

/* Whether a column that is proposed is not read yet. */
static bool adds_fields(const struct kith_proposal *proposal, const struct kith_source *source)
{
  for (size_t i = 0; i < proposal->n_columns; i++) {
    const struct kith_proposal_column *column = &proposal->columns[i];
    enum kith_field field = column->key ? kith_field_find(column->key) : KITH_FIELD_COUNT;

    if (!column->key || column->sure == KITH_UNSURE || strcmp(column->key, "id") == 0)
      continue;
    if (strcmp(column->key, "full_name") == 0 || strcmp(column->key, "given_names") == 0)
      field = KITH_FIELD_GIVEN_NAME;
    else if (strcmp(column->key, "address") == 0)
      field = KITH_FIELD_STREET;
    if (field != KITH_FIELD_COUNT && !kith_source_has(source, field))
      return true;
  }
  return false;
}

static enum kith_err rows_look(struct kith_source_check *check, struct kith_fault *fault)
{
  const atomic_bool *cancel = kith_cli_cancel_on_signal();
  struct kith_table_row row;
  enum kith_err err = KITH_OK;

  for (uint64_t n = 0; n < KITH_PROPOSE_ROWS_MAX && err == KITH_OK; n++) {
    err = kith_table_next(check->proposed, &row, fault);
    if (err == KITH_OK)
      kith_proposer_add(check->proposer, &row);
    if (err == KITH_OK && atomic_load(cancel))
      err = kith_fail(fault, KITH_ERR_CANCELLED, "%s: stopped", check->name);
  }
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static enum kith_err propose(struct kith_source_check *check, struct kith_fault *fault)
{
  const char *const *header;
  size_t n_columns;
  enum kith_err err = kith_table_open(&check->proposed, &check->spec.place, fault);

  if (err != KITH_OK)
    return err;
  (void)snprintf(check->name, sizeof check->name, "%s", kith_table_name(check->proposed));
  header = kith_table_header(check->proposed, &n_columns);
  err = kith_proposer_new(&check->proposer, header, n_columns);
  if (err == KITH_OK && (err = rows_look(check, fault)) != KITH_OK)
    return err;
  if (err == KITH_OK)
    err = kith_proposer_finish(&check->proposal, check->proposer);
  return err == KITH_OK ? err : kith_fail(fault, err, "%s: not enough memory", check->name);
}

enum kith_err kith_source_propose(struct kith_source_check *check, enum kith_err err,
                                  struct kith_fault *fault)
{
  const bool unread = err == KITH_ERR_DATA && !check->source;
  enum kith_err proposed;

  if (check->spec.profile || (err != KITH_OK && !unread))
    return KITH_OK;
  if (err == KITH_OK && !check->propose_path && !lacks_fields(check->source))
    return KITH_OK;
  if (!reads_again(&check->spec.place))
    return check->propose_path ? kith_fail(fault, KITH_ERR_USAGE,
                                           "%s: --propose needs a file that can be read twice",
                                           check->spec.place.path)
                               : KITH_OK;
  proposed = propose(check, fault);
  if (proposed == KITH_OK && err == KITH_OK && !check->propose_path &&
      !adds_fields(check->proposal, check->source))
    check->proposal = NULL;
  return proposed;
}

enum kith_err kith_source_propose_write(const struct kith_source_check *check,
                                        struct kith_fault *fault)
{
  const char *slash = strrchr(check->name, '/');
  char about[sizeof check->name + 16];
  struct kith_buf text;
  enum kith_err err;

  if (!check->proposal)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--propose: the configuration has a profile for this source already");
  /* Somebody may have worked on it. */
  if (kith_file_exists(check->propose_path))
    return kith_fail(fault, KITH_ERR_CREATE, "%s: is there already; choose another name",
                     check->propose_path);
  kith_buf_init(&text, 0);
  (void)snprintf(about, sizeof about, "proposed for %s", slash ? slash + 1 : check->name);
  err = kith_proposal_write(&text, check->proposal, about);
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "not enough memory for the profile");
  else
    err = kith_file_write(check->propose_path, 0640, text.bytes, text.len, fault);
  kith_buf_free(&text);
  return err;
}

/* ---- showing it */

static const char *shown_key(const struct kith_proposal_column *column, char out[SHOWN_BYTES])
{
  const char *key = column->key ? column->key : "";

  if (column->is_id && strcmp(key, "id") != 0)
    (void)snprintf(out, SHOWN_BYTES, "id, %s", key);
  else if (column->part > 0)
    (void)snprintf(out, SHOWN_BYTES, "%s, part %u", key, column->part);
  else
    (void)snprintf(out, SHOWN_BYTES, "%s", column->key ? key : "not used");
  return out;
}

static void shown_name(char out[SHOWN_BYTES], const struct kith_proposal *proposal, size_t column)
{
  char called[KITH_COLUMN_CALLED_BYTES];

  kith_proposal_called(called, proposal, column);
  kith_source_show(out, SHOWN_BYTES, called);
}

static enum kith_err print_columns(const struct kith_proposal *proposal)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "COLUMN", "FIELD", "HOW SURE", "WHY");
  for (size_t i = 0; i < proposal->n_columns; i++) {
    const struct kith_proposal_column *column = &proposal->columns[i];
    char name[SHOWN_BYTES];
    char key[SHOWN_BYTES];

    shown_name(name, proposal, i);
    KITH_CLI_ROW(&table, name, shown_key(column, key),
                 column->key ? kith_sure_name(column->sure) : "", column->reason);
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

struct format {
  const char *what;
  const char *value;
};
enum { FORMATS = 3 };

static void formats_of(struct format out[FORMATS], const struct kith_proposal *proposal)
{
  out[0] = (struct format){"names are written", proposal->name_format};
  out[1] = (struct format){"addresses are written", proposal->address_format};
  out[2] = (struct format){"dates are written", proposal->date_order};
}

static void print_rest(const struct kith_proposal *proposal)
{
  struct format formats[FORMATS];

  formats_of(formats, proposal);
  printf("\n");
  for (unsigned i = 0; i < FORMATS; i++)
    if (formats[i].value)
      printf("%s \"%s\"\n", formats[i].what, formats[i].value);
  for (unsigned i = 0; i < proposal->n_missing; i++)
    printf("%s%s%s", i == 0 ? "No column was found for: " : ", ", proposal->missing[i],
           i + 1 == proposal->n_missing ? "\n" : "");
  for (unsigned i = 0; i < proposal->n_notes; i++) {
    char note[KITH_PROPOSE_REASON_BYTES];

    kith_source_show(note, sizeof note, proposal->notes[i]);
    printf("%s  - %s\n", i == 0 ? "\nWhat to look at:\n" : "", note);
  }
}

/* What to do next. */
static void next_step(char *out, size_t cap, const struct kith_source_check *check)
{
  const struct kith_proposal *proposal = check->proposal;

  if (proposal->builtin)
    (void)snprintf(out, cap,
                   "The profile \"%s\", which comes with kith, reads these columns the "
                   "same way; prefer it: --profile %s",
                   proposal->builtin, proposal->builtin);
  else if (!check->propose_path)
    (void)snprintf(out, cap,
                   "--propose OUT.ini writes this as a profile (kith-profile(5)). Look at "
                   "each line, then check the file with --profile OUT.ini");
  else
    (void)snprintf(out, cap,
                   "The profile was written. Look at each line of it, then check the file "
                   "with it as --profile");
}

int kith_source_proposal_print(const struct kith_source_check *check)
{
  const struct kith_proposal *proposal = check->proposal;
  char next[256];
  enum kith_err err;

  printf("%s: what its columns seem to be, by their names and the values of %s of the rows%s:\n\n",
         check->name, kith_source_count(proposal->sample),
         proposal->rows == KITH_PROPOSE_ROWS_MAX ? " (of the first 100,000)" : "");
  err = print_columns(proposal);
  if (err != KITH_OK)
    return kith_cli_error(err, "not enough memory");
  print_rest(proposal);
  next_step(next, sizeof next, check);
  printf("\n%s\n", next);
  return kith_cli_finish_stdout();
}

static json_t *column_json(const struct kith_proposal *proposal, size_t i)
{
  const struct kith_proposal_column *column = &proposal->columns[i];
  char name[SHOWN_BYTES];

  kith_source_show(name, sizeof name, column->name ? column->name : "");
  return json_pack("{s:i, s:s?, s:s?, s:b, s:i, s:s?, s:f, s:s}", "column", (int)i + 1, "name",
                   column->name ? name : NULL, "field", column->key, "id", (int)column->is_id,
                   "part", (int)column->part, "sure",
                   column->key ? kith_sure_name(column->sure) : NULL, "score", column->score, "why",
                   column->reason);
}

json_t *kith_source_proposal_json(const struct kith_source_check *check)
{
  const struct kith_proposal *proposal = check->proposal;
  json_t *columns = json_array();
  json_t *missing = json_array();
  json_t *notes = json_array();

  for (size_t i = 0; i < proposal->n_columns; i++)
    json_array_append_new(columns, column_json(proposal, i));
  for (unsigned i = 0; i < proposal->n_missing; i++)
    json_array_append_new(missing, json_string(proposal->missing[i]));
  for (unsigned i = 0; i < proposal->n_notes; i++) {
    char note[KITH_PROPOSE_REASON_BYTES];

    kith_source_show(note, sizeof note, proposal->notes[i]);
    json_array_append_new(notes, json_string(note));
  }
  return json_pack("{s:I, s:I, s:I, s:b, s:b, s:s?, s:{s:s?, s:s?, s:s?}, s:o, s:o, s:o}", "rows",
                   (json_int_t)proposal->rows, "sample", (json_int_t)proposal->sample, "ragged",
                   (json_int_t)proposal->ragged, "headerless", (int)proposal->headerless, "row_id",
                   (int)proposal->row_id, "builtin", proposal->builtin, "formats", "full_name",
                   proposal->name_format, "address", proposal->address_format, "dates",
                   proposal->date_order, "columns", columns, "missing", missing, "notes", notes);
}

static void put(struct kith_buf *page, const char *open, const char *text, const char *close)
{
  kith_buf_append_string(page, open);
  kith_page_text(page, text);
  kith_buf_append_string(page, close);
}

static void html_columns(struct kith_buf *page, const struct kith_proposal *proposal)
{
  kith_page_put(page,
                "<div class=\"wide\"><table><caption>By their names and the values of %llu of the "
                "rows</caption>\n<thead><tr><th scope=\"col\">Column</th><th scope=\"col\">Field"
                "</th><th scope=\"col\">How sure</th><th scope=\"col\">Why</th></tr></thead>\n"
                "<tbody>\n",
                (ull)proposal->sample);
  for (size_t i = 0; i < proposal->n_columns; i++) {
    const struct kith_proposal_column *column = &proposal->columns[i];
    char text[SHOWN_BYTES];

    shown_name(text, proposal, i);
    put(page, "<tr><th scope=\"row\">", text, "</th>");
    put(page, "<td>", shown_key(column, text), "</td>");
    put(page, "<td>", column->key ? kith_sure_name(column->sure) : "", "</td>");
    put(page, "<td class=\"list\">", column->reason, "</td></tr>\n");
  }
  kith_page_put(page, "</tbody></table></div>\n");
}

void kith_source_proposal_html(struct kith_buf *page, const struct kith_source_check *check)
{
  const struct kith_proposal *proposal = check->proposal;
  struct format formats[FORMATS];
  char next[256];

  kith_page_put(page, "<h2>What the columns seem to be</h2>\n");
  html_columns(page, proposal);
  formats_of(formats, proposal);
  kith_page_put(page, "<ul class=\"findings\">\n");
  for (unsigned i = 0; i < FORMATS; i++) {
    if (!formats[i].value)
      continue;
    kith_page_put(page, "<li class=\"note\"><span class=\"label\">Note</span> %s ",
                  formats[i].what);
    put(page, "“", formats[i].value, "”</li>\n");
  }
  for (unsigned i = 0; i < proposal->n_missing; i++)
    put(page, "<li class=\"note\"><span class=\"label\">Note</span> no column was found for ",
        proposal->missing[i], "</li>\n");
  for (unsigned i = 0; i < proposal->n_notes; i++) {
    char note[KITH_PROPOSE_REASON_BYTES];

    kith_source_show(note, sizeof note, proposal->notes[i]);
    put(page, "<li class=\"remark\"><span class=\"label\">Remark</span> ", note, "</li>\n");
  }
  next_step(next, sizeof next, check);
  put(page, "<li class=\"remark\"><span class=\"label\">Next</span> ", next, "</li>\n</ul>\n");
}
