/* `kith cohort diff`: a list beside an earlier one. Handles are new in each round, so that nobody
 * can follow a person from list to list by them. A person is found again by what the team itself
 * knows: a reference that an agency disclosed, or the team's own case number. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/cohort_select.h"
#include "cli/recipient/recipient_note.h"
#include "cli/verbs.h"

/* A pulled list with what is known of its people. */
struct listed {
  kith_round_id id;
  struct kith_cohort cohort;
  json_t *told;
  json_t *notes;
};

struct diffing {
  const char *home_dir;
  const char *passphrase_file;
  bool json;
  struct kith_home home;
  struct listed old;
  struct listed new;
  json_t *old_marks; /* mark -> numbers in the old list */
  json_t *seen;      /* old numbers that were found again, as keys */
  json_t *lines;
  unsigned n_again;
  unsigned n_not_before;
  unsigned n_no_mark;
  unsigned n_not_again;
};

static void listed_free(struct listed *listed)
{
  kith_cohort_free(&listed->cohort);
  json_decref(listed->told);
  json_decref(listed->notes);
}

static enum kith_err listed_open(struct listed *listed, struct kith_home *home, const char *round,
                                 struct kith_fault *fault)
{
  struct kith_kept kept = {0};
  enum kith_err err = kith_cli_round_id(listed->id, round, fault);

  if (err == KITH_OK)
    err = kith_recipient_known(home, listed->id, &listed->told, &listed->notes, NULL, fault);
  if (err != KITH_OK)
    return err;
  err = kith_kept_init(&kept, home, round, fault);
  if (err == KITH_OK)
    err = kith_cohort_open_kept(&listed->cohort, NULL, home, &kept, fault);
  kith_kept_free(&kept);
  return err;
}

/* ---- marks */

static enum kith_err mark_add(json_t *marks, const char *from, const char *reference)
{
  KITH_AUTO_FREE char *mark = NULL;
  size_t len = strlen(from) + strlen(reference) + 2;

  if (!*reference)
    return KITH_OK;
  mark = kith_calloc(len, 1);
  if (!mark)
    return KITH_ERR_MEMORY;
  (void)snprintf(mark, len, "%s/%s", from, reference); /* no id of a member has a slash */
  return json_object_set_new(marks, mark, json_true()) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

/* *out: fresh; what the person can be found again by, as keys. */
static enum kith_err marks_of(json_t **out, const struct listed *listed,
                              const struct kith_cohort_person *person)
{
  const char *own =
      json_string_value(json_object_get(kith_note_of(listed->notes, person->number), "reference"));
  json_t *marks = json_object();
  enum kith_err err = marks ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK && own)
    err = mark_add(marks, "", own);
  for (uint32_t i = 0; err == KITH_OK && i < person->n_records; i++) {
    const struct kith_cohort_record *record = &listed->cohort.records[person->first + i];
    const char *reference;
    char hex[2 * KITH_HANDLE_BYTES + 1];

    kith_hex_encode(hex, record->handle, KITH_HANDLE_BYTES);
    reference = json_string_value(json_object_get(json_object_get(listed->told, hex), "reference"));
    if (reference)
      err = mark_add(marks, listed->cohort.agencies[record->agency].agency, reference);
  }
  if (err == KITH_OK)
    *out = marks;
  else
    json_decref(marks);
  return err;
}

static enum kith_err index_old(struct diffing *diffing)
{
  const struct kith_cohort *cohort = &diffing->old.cohort;
  enum kith_err err = KITH_OK;

  for (size_t i = 0; err == KITH_OK && i < cohort->n_people; i++) {
    json_t *marks = NULL;
    json_t *value;
    const char *mark;

    err = marks_of(&marks, &diffing->old, &cohort->people[i]);
    json_object_foreach(marks, mark, value)
    {
      json_t *numbers = json_object_get(diffing->old_marks, mark);

      if (!numbers) {
        numbers = json_array();
        (void)json_object_set_new(diffing->old_marks, mark, numbers);
      }
      if (json_array_append_new(numbers, json_integer(cohort->people[i].number)) != 0)
        err = KITH_ERR_MEMORY;
    }
    json_decref(marks);
  }
  return err;
}

/* ---- one line a person */

static enum kith_err line_add(struct diffing *diffing, const char *status, uint32_t number,
                              json_t *before, const struct kith_cohort_person *person)
{
  json_t *line = json_object();

  (void)json_object_set_new(line, "status", json_string(status));
  if (number)
    (void)json_object_set_new(line, "cohort", json_integer(number));
  if (before)
    (void)json_object_set_new(line, "before", before);
  (void)json_object_set_new(line, "services",
                            json_integer(kith_cohort_services(
                                number ? &diffing->new.cohort : &diffing->old.cohort, person)));
  return json_array_append_new(diffing->lines, line) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

static bool has(const json_t *numbers, json_int_t number)
{
  const json_t *item;
  size_t i;

  json_array_foreach(numbers, i, item)
  {
    if (json_integer_value(item) == number)
      return true;
  }
  return false;
}

/* Whom the marks were in the old list: several where the lists cut people otherwise. */
static json_t *before_of(struct diffing *diffing, json_t *marks)
{
  json_t *before = json_array();
  const char *mark;
  json_t *value;

  json_object_foreach(marks, mark, value)
  {
    const json_t *numbers = json_object_get(diffing->old_marks, mark);
    const json_t *number;
    size_t i;

    json_array_foreach(numbers, i, number)
    {
      char key[16];

      if (!has(before, json_integer_value(number)))
        (void)json_array_append_new(before, json_integer(json_integer_value(number)));
      (void)snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
      (void)json_object_set_new(diffing->seen, key, json_true());
    }
  }
  return before;
}

static enum kith_err new_person(struct diffing *diffing, const struct kith_cohort_person *person)
{
  json_t *marks = NULL;
  json_t *before;
  size_t n_marks;
  enum kith_err err = marks_of(&marks, &diffing->new, person);

  if (err != KITH_OK)
    return err;
  before = before_of(diffing, marks);
  n_marks = json_object_size(marks);
  json_decref(marks);
  if (json_array_size(before) > 0) {
    diffing->n_again++;
    return line_add(diffing, "again", person->number, before, person);
  }
  json_decref(before);
  diffing->n_not_before += n_marks > 0;
  diffing->n_no_mark += n_marks == 0;
  return line_add(diffing, n_marks ? "not_before" : "no_reference", person->number, NULL, person);
}

static enum kith_err old_person(struct diffing *diffing, const struct kith_cohort_person *person)
{
  json_t *marks = NULL;
  char key[16];
  size_t n_marks;
  enum kith_err err;

  (void)snprintf(key, sizeof key, "%u", person->number);
  if (json_object_get(diffing->seen, key))
    return KITH_OK;
  err = marks_of(&marks, &diffing->old, person);
  n_marks = json_object_size(marks);
  json_decref(marks);
  if (err != KITH_OK || n_marks == 0)
    return err;
  diffing->n_not_again++;
  return line_add(diffing, "not_again", 0, json_pack("[I]", (json_int_t)person->number), person);
}

static enum kith_err compare_lists(struct diffing *diffing)
{
  enum kith_err err;

  diffing->old_marks = json_object();
  diffing->seen = json_object();
  diffing->lines = json_array();
  err = index_old(diffing);
  for (size_t i = 0; err == KITH_OK && i < diffing->new.cohort.n_people; i++)
    err = new_person(diffing, &diffing->new.cohort.people[i]);
  for (size_t i = 0; err == KITH_OK && i < diffing->old.cohort.n_people; i++)
    err = old_person(diffing, &diffing->old.cohort.people[i]);
  return err;
}

static enum kith_err diff(struct diffing *diffing, char **operands, struct kith_fault *fault)
{
  enum kith_err err = kith_cohort_home_open(&diffing->home, diffing->home_dir, fault);

  if (err != KITH_OK ||
      (err = kith_home_unlock(&diffing->home, diffing->passphrase_file, fault)) != KITH_OK ||
      (err = listed_open(&diffing->old, &diffing->home, operands[0], fault)) != KITH_OK ||
      (err = listed_open(&diffing->new, &diffing->home, operands[1], fault)) != KITH_OK)
    return err;
  if (memcmp(diffing->old.id, diffing->new.id, sizeof diffing->old.id) == 0)
    return kith_fail(fault, KITH_ERR_USAGE, "the two rounds are one and the same");
  err = compare_lists(diffing);
  return err == KITH_OK ? err : kith_fail(fault, err, "out of memory");
}

/* ---- print */

static const char *words_of(const char *status)
{
  return strcmp(status, "again") == 0        ? "on the list before, too"
         : strcmp(status, "not_before") == 0 ? "not found on the list before"
         : strcmp(status, "not_again") == 0  ? "not found on the list now"
                                             : "no reference to tell by";
}

static void numbers_text(char *out, size_t cap, const json_t *numbers)
{
  const json_t *number;
  size_t used = 0;
  size_t i;

  out[0] = '\0';
  json_array_foreach(numbers, i, number)
  {
    if (used < cap)
      used += (size_t)snprintf(out + used, cap - used, "%s%" JSON_INTEGER_FORMAT, used ? " " : "",
                               json_integer_value(number));
  }
}

static int print_table(const struct diffing *diffing)
{
  struct kith_cli_table table = {0};
  const json_t *line;
  size_t i;
  enum kith_err err;

  KITH_CLI_ROW(&table, "NOW", "BEFORE", "KNOWN TO", "");
  json_array_foreach(diffing->lines, i, line)
  {
    const json_t *now = json_object_get(line, "cohort");
    char number[16] = "";
    char before[64];
    char services[16];

    if (now)
      (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(now));
    numbers_text(before, sizeof before, json_object_get(line, "before"));
    (void)snprintf(services, sizeof services, "%" JSON_INTEGER_FORMAT,
                   json_integer_value(json_object_get(line, "services")));
    KITH_CLI_ROW(&table, number, before, services,
                 words_of(json_string_value(json_object_get(line, "status"))));
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (err != KITH_OK)
    return kith_cli_error(err, "out of memory");
  printf("\n%u on both, %u not found before, %u not found now, %u without a reference\n",
         diffing->n_again, diffing->n_not_before, diffing->n_not_again, diffing->n_no_mark);
  puts("Handles don't link lists, on purpose: people are found again by references that agencies\n"
       "disclosed and by the team's own case numbers. Who has none on one list may be on both.");
  return kith_cli_finish_stdout();
}

/* JSON lines, one person each. */
static int print_json(const struct diffing *diffing)
{
  const json_t *line;
  size_t i;

  json_array_foreach(diffing->lines, i, line)
  {
    char *text = json_dumps(line, JSON_COMPACT);

    if (!text)
      return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
    puts(text);
    free(text);
  }
  return kith_cli_finish_stdout();
}

int kith_cohort_diff(int argc, char **argv)
{
  struct diffing diffing = {0};
  const struct kith_cli_option options[] = {
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &diffing.json, .help = "JSON lines"},
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &diffing.home_dir,
       .value = "DIR",
       .help = "the recipient's home; $KITH_HOME"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &diffing.passphrase_file,
       .value = "FILE",
       .help = "its first line unwraps the key file"}};
  const struct kith_cli_spec spec = {
      .usage = "kith cohort diff [--json] BEFORE NOW",
      .about = "Two pulled lists side by side, by their rounds. Handles are new in each round, so "
               "that nobody can follow a person by them; people are found again by references "
               "that agencies disclosed ('kith disclosure request') and by the team's own case "
               "numbers ('kith cohort note').",
      .examples = "  $ kith cohort diff --home horizon 6f1c... 90ab...\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 2 != argc)
    return kith_cli_usage(spec.usage, "expected two rounds, the earlier one first");
  fault.err = diff(&diffing, argv + first, &fault);
  status = fault.err != KITH_OK ? kith_cli_fail(&fault)
           : diffing.json       ? print_json(&diffing)
                                : print_table(&diffing);
  listed_free(&diffing.old);
  listed_free(&diffing.new);
  json_decref(diffing.old_marks);
  json_decref(diffing.seen);
  json_decref(diffing.lines);
  kith_home_close(&diffing.home);
  return status;
}
