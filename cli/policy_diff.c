/* `kith policy diff`: which terms of two policies differ, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/policy.h"

/* What the keys of a policy mean to people. */
static const struct {
  const char *key;
  const char *words;
} meanings[] = {
    {"name", "its name"},
    {"version", "its version"},
    {"expires", "when it expires"},
    {"purpose", "its purpose"},
    {"trial", "whether it is a trial"},
    {"agencies", "agency"},
    {"scope", "whose records are in scope"},
    {"scope.on", "the day on which ages are counted"},
    {"scope.age_min", "the youngest age in scope"},
    {"scope.age_max", "the oldest age in scope"},
    {"scope.unknown_birth", "whether records whose age isn't known are in scope"},
    {"scope.places", "postcodes in scope:"},
    {"scope.unknown_place", "whether records whose postcode isn't known are in scope"},
    {"scope.period", "the period of records in scope"},
    {"scope.period.from", "the first day of records in scope"},
    {"scope.period.to", "the last day of records in scope"},
    {"scope.unknown_period", "whether records without a usable date of their own are in scope"},
    {"evidence", "the fields that a record needs to be encoded"},
    {"dates.year_min", "the first plausible year of birth"},
    {"dates.year_max", "the last plausible year of birth"},
    {"dates.outside", "what becomes of dates of birth outside those years"},
    {"source.minimum_linkable", "the least share of usable records in an agency's source"},
    {"source.maximum_set_aside", "the largest share of rows set aside in an agency's source"},
    {"standardiser", "how values are standardised"},
    {"linkage.protection", "how values are hidden from the matcher"},
    {"linkage.bits", "the bits of a filter"},
    {"linkage.mask", "whether the matcher sees which fields are missing"},
    {"linkage.similarity", "how filters are compared"},
    {"linkage.fields", "field"},
    {"linkage.candidate_bound", "how alike two records must be to be judged"},
    {"linkage.candidate_floor", "how alike they must be where few records are compared"},
    {"linkage.candidates_max", "the most pairs that few records may have"},
    {"linkage.blind.occurrences", "how many records of one value of a match key take part"},
    {"linkage.blind.match_keys", "the match keys"},
    {"linkage.blind.fields", "field"},
    {"linkage.threshold.default", "the match probability to link at"},
    {"linkage.threshold.min", "the least match probability governance may choose"},
    {"linkage.threshold.max", "the highest match probability governance may choose"},
    {"linkage.threshold.review", "whether governance decides on the threshold of each round"},
    {"cohort.rule", "who is selected"},
    {"cohort.minimum_count", "the least count that is shown"},
    {"round.quorum", "the fewest agencies"},
    {"round.minimum_batch", "the fewest records of an agency"},
    {"round.rounds_max", "the most rounds in a period"},
    {"round.rounds_days", "the days of that period"},
    {"round.gather_s", "seconds for joining"},
    {"round.keying_s", "seconds for making the secret"},
    {"round.submit_s", "seconds for sending"},
    {"release.recipients", "recipient"},
    {"release.review_days", "days until encodings are destroyed"},
    {"release.retention_days", "days the list is kept"},
};

static const char *meaning(const char *key)
{
  for (size_t i = 0; i < KITH_COUNT_OF(meanings); i++) {
    if (strcmp(meanings[i].key, key) == 0)
      return meanings[i].words;
  }
  return key;
}

struct difference {
  json_t *list; /* [{"key", "what", "from", "to"}] with null where there is nothing */
  bool failed;
};

static void differ(struct difference *out, const char *key, const char *element, json_t *from,
                   json_t *to)
{
  char what[KITH_TEXT_BYTES];

  (void)snprintf(what, sizeof what, "%s%s%s", meaning(key), *element ? " " : "", element);
  if (json_array_append_new(out->list, json_pack("{s:s, s:s, s:O?, s:O?}", "key", key, "what", what,
                                                 "from", from, "to", to)) != 0)
    out->failed = true;
}

/* What names an element of an array: an agency's id, a field's name, a recipient itself. */
static const char *element_name(const json_t *element)
{
  const json_t *name = json_object_get(element, "id");

  if (!name)
    name = json_object_get(element, "field");
  return json_string_value(name ? name : element);
}

static json_t *element_named(const json_t *array, const char *name)
{
  for (size_t i = 0; i < json_array_size(array); i++) {
    if (strcmp(element_name(json_array_get(array, i)), name) == 0)
      return json_array_get(array, i);
  }
  return NULL;
}

static void compare_arrays(struct difference *out, const char *key, const json_t *a,
                           const json_t *b)
{
  for (size_t i = 0; i < json_array_size(a); i++) {
    json_t *from = json_array_get(a, i);
    json_t *to = element_named(b, element_name(from));

    if (!to || !json_equal(from, to))
      differ(out, key, element_name(from), from, to);
  }
  for (size_t i = 0; i < json_array_size(b); i++) {
    json_t *to = json_array_get(b, i);

    if (!element_named(a, element_name(to)))
      differ(out, key, element_name(to), NULL, to);
  }
}

/* Objects are at most three deep in a policy: linkage.blind.fields. An array of arrays has no
 * elements with names: it differs as a whole. */
static void compare(struct difference *out, const char *place, json_t *a, json_t *b)
{
  const char *key;
  json_t *from;

  json_object_foreach(a, key, from)
  {
    json_t *to = json_object_get(b, key);
    char path[128];

    (void)snprintf(path, sizeof path, "%s%s%s", place, *place ? "." : "", key);
    if (json_is_object(from) && json_is_object(to))
      compare(out, path, from, to);
    else if (json_is_array(from) && json_is_array(to) && strcmp(path, "evidence") != 0 &&
             strcmp(path, "linkage.blind.match_keys") != 0)
      compare_arrays(out, path, from, to);
    else if (!to || !json_equal(from, to))
      differ(out, path, "", from, to);
  }
  json_object_foreach(b, key, from)
  {
    char path[128];

    (void)snprintf(path, sizeof path, "%s%s%s", place, *place ? "." : "", key);
    if (!json_object_get(a, key))
      differ(out, path, "", NULL, from);
  }
}

/* The policy as JSON with every key in its place, whatever the file's own text looks like. */
static enum kith_err canonical(json_t **out, const char *path, struct kith_fault *fault)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_signed document = {0};
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cli_policy_load(&document, policy, path, fault);
  if (err == KITH_OK) {
    *out = kith_policy_print(&buf, policy) == KITH_OK
               ? json_loadb((const char *)buf.bytes, buf.len, 0, NULL)
               : NULL;
    if (!*out)
      err = kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  }
  kith_signed_free(&document);
  kith_buf_free(&buf);
  kith_free(policy);
  return err;
}

static void print_side(const char *sign, const json_t *value)
{
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

  if (text && !json_is_null(value))
    printf("  %s %s\n", sign, text);
  free(text);
}

static void print_words(const json_t *list)
{
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    const json_t *from = json_object_get(item, "from");
    const json_t *to = json_object_get(item, "to");

    printf("%s %s (%s)\n", json_string_value(json_object_get(item, "what")),
           json_is_null(from) ? "is new"
           : json_is_null(to) ? "is gone"
                              : "changes",
           json_string_value(json_object_get(item, "key")));
    print_side("-", from);
    print_side("+", to);
  }
  if (json_array_size(list) == 0)
    printf("no difference\n");
}

static int diff(const char *path_a, const char *path_b, bool json)
{
  struct difference difference = {.list = json_array()};
  struct kith_fault fault = {0};
  json_t *a = NULL;
  json_t *b = NULL;
  size_t n;
  int status;

  if ((fault.err = canonical(&a, path_a, &fault)) == KITH_OK)
    fault.err = canonical(&b, path_b, &fault);
  if (fault.err == KITH_OK) {
    compare(&difference, "", a, b);
    if (difference.failed || !difference.list)
      fault.err = kith_fail(&fault, KITH_ERR_MEMORY, "out of memory");
  }
  n = json_array_size(difference.list);
  if (fault.err != KITH_OK) {
    status = kith_cli_fail(&fault);
  } else if (json) {
    status = kith_cli_json(json_incref(difference.list));
  } else {
    print_words(difference.list);
    status = kith_cli_finish_stdout();
  }
  json_decref(difference.list);
  json_decref(a);
  json_decref(b);
  return status == 0 && n > 0 ? kith_err_exit_status(KITH_ERR_NO) : status;
}

int kith_policy_diff(int argc, char **argv)
{
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith policy diff [--json] OLD NEW",
      .about = "Says in words which terms of two policies differ. Exit status 1 where any do, as "
               "diff(1).",
      .examples = "  $ kith policy diff policy-1.json policy-2.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 2 != argc)
    return kith_cli_usage(spec.usage, "expected two policies");
  return diff(argv[first], argv[first + 1], json);
}
