/* `kith cohort`: the list that a recipient gets. What is pulled stays sealed on disk; it is opened
 * with the recipient's key each time, and checked against the release statement that the matcher
 * signed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/home.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/cohort_select.h"
#include "cli/recipient/recipient_note.h"
#include "cli/verbs.h"
#include "proto/release.h"

enum { HANDLE_HEX_BYTES = 2 * KITH_HANDLE_BYTES + 1 };

/* ---- showing */

static void services_text(char *out, size_t cap, const struct kith_cohort *cohort,
                          const struct kith_cohort_person *person)
{
  const uint32_t seen = kith_cohort_agencies(cohort, person);
  size_t used = 0;

  out[0] = '\0';
  for (unsigned i = 0; i < cohort->n_agencies && used < cap; i++)
    if (seen & 1u << i)
      used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? " " : "",
                               cohort->agencies[i].agency);
}

static bool any_withdrawn(const struct kith_cohort *cohort, const struct kith_cohort_person *person)
{
  for (uint32_t i = 0; i < person->n_records; i++)
    if (cohort->records[person->first + i].withdrawn)
      return true;
  return false;
}

static void flags_text(char *out, size_t cap, const struct kith_cohort *cohort,
                       const struct kith_cohort_person *person)
{
  const uint32_t flags = person->flags;
  size_t used = 0;

  out[0] = '\0';
  for (unsigned i = 0; i < KITH_COHORT_FLAGS && used < cap; i++)
    if (flags & 1u << i)
      used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? " " : "",
                               kith_cohort_flag_names[i]);
  if (any_withdrawn(cohort, person) && used < cap)
    (void)snprintf(out + used, cap - used, "%swithdrawn", used ? " " : "");
}

static void ppm_text(char out[16], uint32_t ppm)
{
  (void)snprintf(out, 16, "%u.%06u", ppm / KITH_CONFIDENCE_ONE, ppm % KITH_CONFIDENCE_ONE);
}

/* Another record that was found to be of another person before: they share a token. */
static bool wrong_before(const json_t *told, const json_t *all)
{
  const char *handle;
  json_t *other;
  json_t *token;
  size_t i;

  json_object_foreach((json_t *)all, handle, other)
  {
    const json_t *tokens = json_object_get(other, "tokens");

    if (other == told)
      continue;
    json_array_foreach(
        json_object_get(told, "tokens"), i,
        token) for (size_t k = 0; k < json_array_size(tokens);
                    k++) if (json_equal(token, json_array_get(tokens, k))) return true;
  }
  return false;
}

/* What is known of a list; each may be NULL: not looked at. */
struct known {
  json_t *told;    /* owned; what became of requests, by handle */
  json_t *notes;   /* owned; the team's own */
  json_t *context; /* owned; what agencies tell unasked, by handle */
};

static json_t *handles_json(const struct kith_cohort *cohort,
                            const struct kith_cohort_person *person, const struct known *known)
{
  const json_t *told = known->told;
  json_t *handles = json_array();

  for (uint32_t i = 0; i < person->n_records; i++) {
    const struct kith_cohort_record *record = &cohort->records[person->first + i];
    char hex[HANDLE_HEX_BYTES];
    json_t *entry;

    kith_hex_encode(hex, record->handle, KITH_HANDLE_BYTES);
    entry =
        json_pack("{s:s, s:s}", "agency", cohort->agencies[record->agency].agency, "handle", hex);
    if (record->withdrawn)
      json_object_set_new(entry, "withdrawn", json_true());
    else if (json_object_get(known->context, hex))
      json_object_set(entry, "context", json_object_get(known->context, hex));
    if (json_object_get(told, hex)) {
      json_object_update(entry, json_object_get(told, hex));
      json_object_set_new(entry, "wrong_before",
                          json_boolean(wrong_before(json_object_get(told, hex), told)));
      json_object_del(entry, "rank");
      json_object_del(entry, "tokens");
    }
    json_array_append_new(handles, entry);
  }
  return handles;
}

static json_t *person_json(const struct kith_cohort *cohort,
                           const struct kith_cohort_person *person, const struct known *known)
{
  json_t *note = json_deep_copy(kith_note_of(known->notes, person->number));
  char flags[64];
  json_t *json;

  flags_text(flags, sizeof flags, cohort, person);
  json = json_pack("{s:I, s:i, s:f, s:f, s:s, s:o}", "cohort", (json_int_t)person->number,
                   "services", (int)kith_cohort_services(cohort, person), "confidence",
                   (double)person->confidence / KITH_CONFIDENCE_ONE, "weakest",
                   (double)person->weakest / KITH_CONFIDENCE_ONE, "flags", flags, "handles",
                   handles_json(cohort, person, known));
  if (note)
    (void)json_object_set_new(json, "note", note);
  return json;
}

/* JSON lines, one person each. */
static int print_json(const struct kith_cohort *cohort, uint32_t only, const struct known *known)
{
  for (size_t i = 0; i < cohort->n_people; i++) {
    json_t *person;
    char *text;

    if (only && cohort->people[i].number != only)
      continue;
    person = person_json(cohort, &cohort->people[i], known);
    text = person ? json_dumps(person, JSON_COMPACT) : NULL;
    json_decref(person);
    if (!text)
      return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
    puts(text);
    free(text);
  }
  return kith_cli_finish_stdout();
}

static int print_table(const struct kith_cohort *cohort, uint64_t limit)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "COHORT", "KNOWN TO", "CONFIDENCE", "SERVICES", "FLAGS");
  for (size_t i = 0; i < cohort->n_people && i < limit; i++) {
    const struct kith_cohort_person *person = &cohort->people[i];
    char number[16];
    char count[16];
    char confidence[16];
    char services[KITH_AGENCIES_MAX * KITH_MEMBER_ID_BYTES];
    char flags[64];

    (void)snprintf(number, sizeof number, "%u", person->number);
    (void)snprintf(count, sizeof count, "%u", kith_cohort_services(cohort, person));
    (void)snprintf(confidence, sizeof confidence, "%.3f",
                   (double)person->confidence / KITH_CONFIDENCE_ONE);
    services_text(services, sizeof services, cohort, person);
    flags_text(flags, sizeof flags, cohort, person);
    KITH_CLI_ROW(&table, number, count, confidence, services, flags);
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (err != KITH_OK)
    return kith_cli_error(err, "out of memory");
  if (limit < cohort->n_people)
    fprintf(stderr, "%zu of %zu people; --limit shows more\n", (size_t)limit, cohort->n_people);
  return kith_cli_finish_stdout();
}

static void print_told(const json_t *told, const json_t *all)
{
  const char *marker = json_string_value(json_object_get(told, "marker"));
  const char *refusal = json_string_value(json_object_get(told, "refusal"));
  const char *reference = json_string_value(json_object_get(told, "reference"));
  const char *field;
  json_t *value;

  if (!told)
    return;
  printf("  %-18s %s%s%s\n", "asked", json_string_value(json_object_get(told, "state")),
         *refusal ? ": " : "", *refusal ? kith_refusal_words(refusal, NULL) : "");
  if (*marker)
    printf("  %-18s %s\n", "SAFETY MARKER", marker);
  if (wrong_before(told, all))
    printf("  %-18s %s\n", "CARE", "another record of this entry was found to be of somebody else");
  if (*reference)
    printf("  %-18s %s\n", "reference", reference);
  json_object_foreach(json_object_get(told, "fields"), field, value)
  {
    printf("  %-18s %s\n", field, json_string_value(value));
  }
}

static void print_note(const json_t *note)
{
  const char *reference = json_string_value(json_object_get(note, "reference"));
  const char *words = json_string_value(json_object_get(note, "words"));

  if (reference && *reference)
    printf("own case    %s\n", reference);
  if (words && *words)
    printf("noted       %s\n", words);
}

static void print_context(const json_t *context)
{
  const char *attribute;
  json_t *value;

  json_object_foreach((json_t *)context, attribute, value)
  {
    printf("  %-18s %s\n", attribute, json_string_value(value));
  }
}

static int print_person(const struct kith_cohort *cohort, uint32_t number,
                        const struct known *known)
{
  for (size_t i = 0; i < cohort->n_people; i++) {
    const struct kith_cohort_person *person = &cohort->people[i];

    if (person->number != number)
      continue;
    printf("cohort      %u\nconfidence  %.6f\nweakest     %.6f\n", person->number,
           (double)person->confidence / KITH_CONFIDENCE_ONE,
           (double)person->weakest / KITH_CONFIDENCE_ONE);
    print_note(kith_note_of(known->notes, person->number));
    for (uint32_t k = 0; k < person->n_records; k++) {
      const struct kith_cohort_record *record = &cohort->records[person->first + k];
      char hex[HANDLE_HEX_BYTES];

      kith_hex_encode(hex, record->handle, KITH_HANDLE_BYTES);
      printf("%-20s %s%s\n", cohort->agencies[record->agency].agency, hex,
             record->withdrawn ? "  withdrawn by the agency" : "");
      if (!record->withdrawn)
        print_context(json_object_get(known->context, hex));
      print_told(json_object_get(known->told, hex), known->told);
    }
    return kith_cli_finish_stdout();
  }
  return kith_cli_error(KITH_ERR_NOT_FOUND, "the list has no number %u", number);
}

/* ---- export */

static void write_person(FILE *stream, const struct kith_cohort *cohort,
                         const struct kith_cohort_person *person)
{
  char confidence[16];

  ppm_text(confidence, person->confidence);
  for (uint32_t i = 0; i < person->n_records; i++) {
    const struct kith_cohort_record *record = &cohort->records[person->first + i];
    char hex[HANDLE_HEX_BYTES];

    if (record->withdrawn)
      continue;
    kith_hex_encode(hex, record->handle, KITH_HANDLE_BYTES);
    (void)fprintf(stream, "%u,%u,%s,%s,%s\n", person->number, kith_cohort_services(cohort, person),
                  cohort->agencies[record->agency].agency, hex, confidence);
  }
}

static enum kith_err export_list(const struct kith_cohort *cohort, const char *dir,
                                 struct kith_fault *fault)
{
  KITH_AUTO_FREE char *path = kith_path_join(dir, "cohort.csv");
  struct kith_file_out *file = NULL;
  enum kith_err err;

  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = kith_dir_make(dir, 0700, fault)) != KITH_OK ||
      (err = kith_file_out_new(&file, path, 0600, fault)) != KITH_OK)
    return err;
  (void)fputs("cohort,services,party,handle,confidence\n", kith_file_out_stream(file));
  for (size_t i = 0; i < cohort->n_people; i++)
    write_person(kith_file_out_stream(file), cohort, &cohort->people[i]);
  err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  return err;
}

/* ---- verbs */

struct arguments {
  const char *home;
  const char *passphrase_file;
  const char *out;
  bool json;
  uint64_t limit;
  uint64_t number;
  struct kith_cohort_selection selection;
  bool wants_known;
  struct known known;
};
enum { N_OPTIONS = 6 + KITH_COHORT_SELECTION_OPTIONS, DEFAULT_LIMIT = 50 };

/* Every verb takes a round; which options it takes is told by `take`. */
enum take { TAKE_OUT = 1, TAKE_JSON = 2, TAKE_LIMIT = 4, TAKE_NUMBER = 8, TAKE_SELECTION = 16 };

static void arguments_free(struct arguments *arguments)
{
  json_decref(arguments->known.told);
  json_decref(arguments->known.notes);
  json_decref(arguments->known.context);
}

static size_t fill_options(struct kith_cli_option *options, struct arguments *arguments,
                           unsigned take)
{
  size_t n = 0;

  options[n++] = (struct kith_cli_option){.name = "home",
                                          .kind = KITH_CLI_STRING,
                                          .out = &arguments->home,
                                          .value = "DIR",
                                          .help = "the recipient's home; $KITH_HOME"};
  options[n++] = (struct kith_cli_option){.name = "passphrase-file",
                                          .kind = KITH_CLI_STRING,
                                          .out = &arguments->passphrase_file,
                                          .value = "FILE",
                                          .help = "its first line unwraps the key file"};
  if (take & TAKE_OUT)
    options[n++] = (struct kith_cli_option){.name = "out",
                                            .kind = KITH_CLI_STRING,
                                            .out = &arguments->out,
                                            .value = "DIR",
                                            .help = "where cohort.csv goes (required)"};
  if (take & TAKE_JSON)
    options[n++] = (struct kith_cli_option){
        .name = "json", .kind = KITH_CLI_FLAG, .out = &arguments->json, .help = "JSON lines"};
  if (take & TAKE_LIMIT)
    options[n++] = (struct kith_cli_option){.name = "limit",
                                            .kind = KITH_CLI_U64,
                                            .out = &arguments->limit,
                                            .value = "N",
                                            .help = "show at most so many people (50)",
                                            .min = 1,
                                            .max = UINT32_MAX};
  if (take & TAKE_NUMBER)
    options[n++] = (struct kith_cli_option){.name = "number",
                                            .kind = KITH_CLI_U64,
                                            .out = &arguments->number,
                                            .value = "N",
                                            .help = "which person of the list (required)",
                                            .min = 1,
                                            .max = UINT32_MAX};
  if (take & TAKE_SELECTION)
    n += kith_cohort_selection_options(options + n, &arguments->selection);
  return n;
}

/* What is past its time is destroyed by opening the store. */
static enum kith_err sweep(struct kith_home *home, struct kith_fault *fault)
{
  struct kith_recipient recipient = {0};
  enum kith_err err = kith_recipient_open(&recipient, home, fault);

  kith_recipient_close(&recipient);
  return err;
}

/* What is kept, and with it what is known of its people. */
static enum kith_err open_kept(struct kith_cohort *cohort, struct arguments *arguments,
                               struct kith_home *home, const kith_round_id id,
                               const struct kith_kept *kept, struct kith_fault *fault)
{
  struct known *known = &arguments->known;
  enum kith_err err =
      arguments->wants_known
          ? kith_recipient_known(home, id, &known->told, &known->notes, &known->context, fault)
          : sweep(home, fault);

  return err == KITH_OK ? kith_cohort_open_kept(cohort, NULL, home, kept, fault) : err;
}

/* Parses; opens the home; pulls or opens what was pulled. False: leave with *status. */
static bool load_with(struct kith_cohort *cohort, struct arguments *arguments,
                      const struct kith_cli_spec *spec, unsigned take, bool from_matcher, int argc,
                      char **argv, int *status)
{
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  struct kith_kept kept = {0};
  kith_round_id id;
  int first;

  if (!kith_cli_parse(spec, argc, argv, &first, status))
    return false;
  if (first + 1 != argc || ((take & TAKE_OUT) && !arguments->out) ||
      ((take & TAKE_NUMBER) && !arguments->number)) {
    *status = kith_cli_usage(spec->usage, "expected one round and what is required");
    return false;
  }
  fault.err = kith_cli_round_id(id, argv[first], &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_cohort_home_open(&home, arguments->home, &fault);
  if (fault.err == KITH_OK)
    fault.err = from_matcher ? kith_home_connect(&home, arguments->passphrase_file, &fault)
                             : kith_home_unlock(&home, arguments->passphrase_file, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_kept_init(&kept, &home, argv[first], &fault);
  if (fault.err == KITH_OK)
    fault.err = from_matcher ? kith_cohort_pull(&home, id, &kept, cohort, &fault)
                             : open_kept(cohort, arguments, &home, id, &kept, &fault);
  kith_kept_free(&kept);
  kith_home_close(&home);
  if (fault.err == KITH_OK)
    return true;
  arguments_free(arguments);
  *status = kith_cli_fail(&fault);
  return false;
}

/* The same, with the options that `take` names. */
static bool load(struct kith_cohort *cohort, struct arguments *arguments,
                 const struct kith_cli_spec *spec, unsigned take, bool from_matcher, int argc,
                 char **argv, int *status)
{
  struct kith_cli_option options[N_OPTIONS];
  struct kith_cli_spec whole = *spec;

  whole.options = options;
  whole.n_options = fill_options(options, arguments, take);
  return load_with(cohort, arguments, &whole, take, from_matcher, argc, argv, status);
}

static size_t n_withdrawn(const struct kith_cohort *cohort)
{
  size_t n = 0;

  for (size_t i = 0; i < cohort->n_records; i++)
    n += cohort->records[i].withdrawn;
  return n;
}

static int cohort_pull(int argc, char **argv)
{
  struct arguments arguments = {0};
  const struct kith_cli_spec spec = {
      .usage = "kith cohort pull ROUND",
      .about = "Fetches the sealed list of a released round, opens it, checks that it is the one "
               "that the matcher released under this round's documents and manifests, and keeps it "
               "sealed in the home.",
      .examples = "  $ kith cohort pull --home horizon 6f1c...\n"};
  struct kith_cohort cohort = {0};
  int status;

  if (!load(&cohort, &arguments, &spec, TAKE_JSON, true, argc, argv, &status))
    return status;
  if (arguments.json)
    status = kith_cli_json(json_pack("{s:I, s:I, s:I}", "people", (json_int_t)cohort.n_people,
                                     "records", (json_int_t)cohort.n_records, "withdrawn",
                                     (json_int_t)n_withdrawn(&cohort)));
  else {
    printf("%zu people, %zu records; the list is the one that was released\n", cohort.n_people,
           cohort.n_records);
    if (n_withdrawn(&cohort))
      printf("%zu of the records are withdrawn by their agency\n", n_withdrawn(&cohort));
    status = kith_cli_finish_stdout();
  }
  kith_cohort_free(&cohort);
  return status;
}

static int cohort_list(int argc, char **argv)
{
  struct arguments arguments = {.limit = DEFAULT_LIMIT, .wants_known = true};
  const struct kith_cli_spec spec = {
      .usage = "kith cohort list [--limit N] [--json] [--known-to ID] [--not-known-to ID] "
               "[--services-min N] ... ROUND",
      .about = "The people of a pulled list: most services first, then the "
               "surest. --json prints all of them, with handles.",
      .examples = "  $ kith cohort list --home horizon 6f1c...\n"
                  "  $ kith cohort list --home horizon --known-to police --unflagged weak \\\n"
                  "      --unasked --order weakest 6f1c...\n"};
  struct kith_cohort cohort = {0};
  struct kith_fault fault = {0};
  int status;

  if (!load(&cohort, &arguments, &spec, TAKE_JSON | TAKE_LIMIT | TAKE_SELECTION, false, argc, argv,
            &status))
    return status;
  fault.err = kith_cohort_narrow(&cohort, &arguments.selection, arguments.known.told, &fault);
  json_decref(arguments.known.told); /* of one person only */
  arguments.known.told = NULL;
  status = fault.err != KITH_OK ? kith_cli_fail(&fault)
           : arguments.json     ? print_json(&cohort, 0, &arguments.known)
                                : print_table(&cohort, arguments.limit);
  arguments_free(&arguments);
  kith_cohort_free(&cohort);
  return status;
}

static int cohort_show(int argc, char **argv)
{
  struct arguments arguments = {.wants_known = true};
  const struct kith_cli_spec spec = {
      .usage = "kith cohort show --number N [--json] ROUND",
      .about =
          "One person of a pulled list, with the handles by which each agency knows the "
          "record, what they tell of it under the policy's \"context\", and what they have told "
          "about them: 'kith disclosure request' asks, "
          "'kith disclosure pull' fetches answers.",
      .examples = "  $ kith cohort show --home horizon --number 1 6f1c...\n"};
  struct kith_cohort cohort = {0};
  int status;

  if (!load(&cohort, &arguments, &spec, TAKE_JSON | TAKE_NUMBER, false, argc, argv, &status))
    return status;
  status = arguments.json ? print_json(&cohort, (uint32_t)arguments.number, &arguments.known)
                          : print_person(&cohort, (uint32_t)arguments.number, &arguments.known);
  arguments_free(&arguments);
  kith_cohort_free(&cohort);
  return status;
}

static int cohort_export(int argc, char **argv)
{
  struct arguments arguments = {0};
  const struct kith_cli_spec spec = {
      .usage = "kith cohort export --out DIR ROUND",
      .about = "Writes a pulled list to DIR/cohort.csv: cohort,services,party,handle,confidence. "
               "Withdrawn records are left out.",
      .examples = "  $ kith cohort export --home horizon --out lists 6f1c...\n"};
  struct kith_cohort cohort = {0};
  struct kith_fault fault = {0};
  int status;

  if (!load(&cohort, &arguments, &spec, TAKE_OUT, false, argc, argv, &status))
    return status;
  fault.err = export_list(&cohort, arguments.out, &fault);
  kith_cohort_free(&cohort);
  return fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
}

int kith_cmd_cohort(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"pull", cohort_pull, "fetch, open and check the list of a released round"},
      {"list", cohort_list, "the people of a pulled list"},
      {"show", cohort_show, "one person of it"},
      {"note", kith_cohort_note, "note the team's own case number on a person"},
      {"places", kith_cohort_places, "how many of its people are of each ward, school or age band"},
      {"diff", kith_cohort_diff, "a list beside an earlier one"},
      {"feedback", kith_cohort_feedback, "say whether it was right"},
      {"export", cohort_export, "write it as CSV"}};

  return kith_cli_verbs("cohort", "The list that a recipient gets of a released round.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
