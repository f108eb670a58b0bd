/* `kith cohort places`: how many people of a list are of each place, so that a school or a family
 * hub can be offered help without a name. Small numbers are left out, with the places' names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/recipient_context.h"
#include "cli/verbs.h"
#include "proto/policy.h"

enum { HANDLE_HEX_BYTES = 2 * KITH_HANDLE_BYTES + 1 };

struct counting {
  const char *home_dir;
  const char *passphrase_file;
  const char *by; /* NULL: each attribute */
  bool json;
  uint32_t minimum;
  struct kith_cohort cohort;
  json_t *context; /* owned; of the records */
  json_t *counts;  /* owned; {attribute: {place: people}} */
};

/* ---- counting: a person once in each place that any of their records has */

static int count_value(json_t *counts, json_t *seen, const char *attribute, const char *place)
{
  char key[KITH_FIELD_NAME_BYTES + 32];
  json_t *places = json_object_get(counts, attribute);
  int bad = 0;

  (void)snprintf(key, sizeof key, "%s=%s", attribute, place);
  if (json_object_get(seen, key))
    return 0;
  if (!places) {
    places = json_object();
    bad = json_object_set_new(counts, attribute, places);
  }
  bad |= json_object_set_new(seen, key, json_true());
  return bad |
         json_object_set_new(places, place,
                             json_integer(json_integer_value(json_object_get(places, place)) + 1));
}

static int count_person(const struct counting *counting, const struct kith_cohort_person *person)
{
  json_t *seen = json_object();
  int bad = 0;

  for (uint32_t i = 0; i < person->n_records; i++) {
    const struct kith_cohort_record *record = &counting->cohort.records[person->first + i];
    char hex[HANDLE_HEX_BYTES];
    const char *attribute;
    json_t *value;

    if (record->withdrawn)
      continue;
    kith_hex_encode(hex, record->handle, KITH_HANDLE_BYTES);
    json_object_foreach(json_object_get(counting->context, hex), attribute, value)
    {
      if (!counting->by || strcmp(counting->by, attribute) == 0)
        bad |= count_value(counting->counts, seen, attribute, json_string_value(value));
    }
  }
  json_decref(seen);
  return bad;
}

/* ---- showing */

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As every public number is: hidden below the policy's minimum, and rounded. 0: hidden. */
static json_int_t public_number(json_int_t n, uint32_t minimum)
{
  return n < (json_int_t)minimum ? 0 : (json_int_t)kith_count_rounded((uint64_t)n);
}

/* [{"place", "people"}] in the order of the places; *left_out: there are others. */
static json_t *places_json(const json_t *places, uint32_t minimum, bool *left_out)
{
  size_t n = json_object_size(places);
  const char **names = KITH_NEW_ARRAY(const char *, n);
  json_t *list = json_array();
  const char *name;
  json_t *value;
  size_t i = 0;

  if (!names || !list)
    goto end;
  json_object_foreach((json_t *)places, name, value) names[i++] = name;
  qsort(names, n, sizeof *names, compare_names);
  for (i = 0; i < n; i++) {
    json_int_t people =
        public_number(json_integer_value(json_object_get(places, names[i])), minimum);

    *left_out |= !people;
    if (people)
      json_array_append_new(list, json_pack("{s:s, s:I}", "place", names[i], "people", people));
  }
end:
  kith_free(names);
  return list;
}

/* [{"attribute", "places", "left_out"}]. */
static json_t *attributes_json(const struct counting *counting)
{
  json_t *list = json_array();
  const char *attribute;
  json_t *places;

  json_object_foreach(counting->counts, attribute, places)
  {
    bool left_out = false;
    json_t *shown = places_json(places, counting->minimum, &left_out);

    json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "attribute", attribute, "places",
                                          shown, "left_out", left_out));
  }
  return list;
}

static int print_table(const json_t *attributes, uint32_t minimum)
{
  struct kith_cli_table table = {0};
  bool left_out = false;
  const json_t *attribute;
  const json_t *place;
  enum kith_err err;
  size_t i;
  size_t k;

  KITH_CLI_ROW(&table, "BY", "PLACE", "PEOPLE");
  json_array_foreach(attributes, i, attribute)
  {
    left_out |= json_is_true(json_object_get(attribute, "left_out"));
    json_array_foreach(json_object_get(attribute, "places"), k, place)
    {
      char people[24];

      (void)snprintf(people, sizeof people, "%lld",
                     (long long)json_integer_value(json_object_get(place, "people")));
      KITH_CLI_ROW(&table, json_string_value(json_object_get(attribute, "attribute")),
                   json_string_value(json_object_get(place, "place")), people);
    }
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (err != KITH_OK)
    return kith_cli_error(err, "out of memory");
  printf("numbers are rounded to %d%s", KITH_COUNT_STEP, left_out ? "" : "\n");
  if (left_out)
    printf("; places of fewer than %u people are left out\n", minimum);
  return kith_cli_finish_stdout();
}

static int show(const struct counting *counting)
{
  json_t *attributes = attributes_json(counting);
  int status;

  if (!attributes)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  if (counting->json)
    return kith_cli_json(json_pack("{s:I, s:o}", "minimum", (json_int_t)counting->minimum,
                                   "attributes", attributes));
  status = print_table(attributes, counting->minimum);
  json_decref(attributes);
  return status;
}

/* ---- the verb */

static enum kith_err open_recipient(struct counting *counting, struct kith_home *home,
                                    const kith_round_id id, struct kith_fault *fault)
{
  struct kith_recipient recipient = {0};
  enum kith_err err = kith_recipient_open(&recipient, home, fault);

  if (err != KITH_OK)
    return err;
  err = kith_recipient_minimum(&recipient, id, &counting->minimum);
  if (err == KITH_ERR_NOT_FOUND)
    err = kith_fail(fault, KITH_ERR_NO_INPUT,
                    "what small numbers are was not noted with this list: pull it again");
  else if (err == KITH_OK)
    err = kith_recipient_context(&recipient, id, &counting->context);
  if (err != KITH_OK && !fault->text[0])
    err = kith_fail(fault, err, "what was told of the list can't be read: %s", kith_err_name(err));
  kith_recipient_close(&recipient);
  return err;
}

static enum kith_err count(struct counting *counting, const char *round, struct kith_fault *fault)
{
  struct kith_home home = {0};
  struct kith_kept kept = {0};
  kith_round_id id;
  int bad = 0;
  enum kith_err err = kith_cli_round_id(id, round, fault);

  if (err == KITH_OK)
    err = kith_cohort_home_open(&home, counting->home_dir, fault);
  if (err == KITH_OK)
    err = kith_home_unlock(&home, counting->passphrase_file, fault);
  if (err == KITH_OK)
    err = kith_kept_init(&kept, &home, round, fault);
  if (err == KITH_OK)
    err = open_recipient(counting, &home, id, fault);
  if (err == KITH_OK)
    err = kith_cohort_open_kept(&counting->cohort, NULL, &home, &kept, fault);
  kith_kept_free(&kept);
  kith_home_close(&home);
  if (err != KITH_OK)
    return err;
  counting->counts = json_object();
  for (size_t i = 0; i < counting->cohort.n_people; i++)
    bad |= count_person(counting, &counting->cohort.people[i]);
  if (bad || !counting->counts)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if (counting->by && !json_object_size(counting->counts))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--by: nothing of this name was told of the list; 'kith disclosure pull' "
                     "fetches what agencies tell");
  return KITH_OK;
}

int kith_cohort_places(int argc, char **argv)
{
  struct counting counting = {0};
  const struct kith_cli_option options[] = {
      {.name = "by",
       .kind = KITH_CLI_STRING,
       .out = &counting.by,
       .value = "NAME",
       .help = "this attribute only, such as ward"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &counting.json, .help = "print JSON"},
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &counting.home_dir,
       .value = "DIR",
       .help = "the recipient's home; $KITH_HOME"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &counting.passphrase_file,
       .value = "FILE",
       .help = "its first line unwraps the key file"}};
  const struct kith_cli_spec spec = {
      .usage = "kith cohort places [--by NAME] [--json] ROUND",
      .about = "How many people of a pulled list are of each ward, school, age band or whatever "
               "else agencies tell of them under the policy's \"context\"; 'kith disclosure pull' "
               "fetches it. A person counts once in each place that a record of theirs names. "
               "Places below the policy's minimum count are left out, other numbers rounded to 5.",
      .examples = "  $ kith cohort places --home horizon --by ward 6f1c...\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one round");
  fault.err = count(&counting, argv[first], &fault);
  status = fault.err == KITH_OK ? show(&counting) : kith_cli_fail(&fault);
  kith_cohort_free(&counting.cohort);
  json_decref(counting.context);
  json_decref(counting.counts);
  return status;
}
