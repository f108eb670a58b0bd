#include "proto/policy_diff.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

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
    {"linkage.mask_minimum", "how many records must lack the same fields for that to be seen"},
    {"linkage.filters", "filter"},
    {"linkage.accepted_leaks", "acceptance of a leak"},
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
    {"round.officers", "how many officers of an agency must decide"},
    {"round.minimum_batch", "the fewest records of an agency"},
    {"round.rounds_max", "the most rounds in a period"},
    {"round.rounds_days", "the days of that period"},
    {"round.gather_s", "seconds for joining"},
    {"round.keying_s", "seconds for making the secret"},
    {"round.submit_s", "seconds for sending"},
    {"release.recipients", "recipient"},
    {"release.review_days", "days until encodings are destroyed"},
    {"release.retention_days", "days the list is kept"},
    {"disclosure", "what may be disclosed about people of the list"},
    {"disclosure.fields", "what may be disclosed:"},
    {"disclosure.reasons", "a reason to ask:"},
    {"disclosure.recipients", "who may ask, and under which law:"},
    {"disclosure.agencies", "who may answer, and under which law:"},
    {"disclosure.officers", "how many officers must agree to an answer"},
    {"disclosure.answer_days", "days until a request expires"},
    {"disclosure.requests_per_round", "the most requests of a recipient in a round"},
    {"disclosure.requests_per_day", "the most requests of a recipient a day"},
    {"context", "what is told of people of the list unasked"},
    {"context.agencies", "what is told of people of the list unasked, by"},
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

/* What names an element of an array: an agency's id, a field's or filter's name, a recipient
 * itself. */
static const char *element_name(const json_t *element)
{
  const json_t *name = json_object_get(element, "id");

  if (!name)
    name = json_object_get(element, "field");
  if (!name)
    name = json_object_get(element, "name");
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

/* Objects are at most three deep in a policy: linkage.threshold.min. An array of arrays has no
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

/* The policy as JSON with every key in its place, whatever the document's own text looks like. */
static json_t *canonical(const struct kith_policy *policy)
{
  struct kith_buf buf;
  json_t *json = NULL;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  if (kith_policy_print(&buf, policy) == KITH_OK)
    json = json_loadb((const char *)buf.bytes, buf.len, 0, NULL);
  kith_buf_free(&buf);
  return json;
}

enum kith_err kith_policy_differences(json_t **out, const struct kith_policy *from,
                                      const struct kith_policy *to)
{
  struct difference difference = {.list = json_array()};
  json_t *a = canonical(from);
  json_t *b = canonical(to);
  enum kith_err err = KITH_ERR_MEMORY;

  if (a && b && difference.list) {
    compare(&difference, "", a, b);
    if (!difference.failed)
      err = KITH_OK;
  }
  json_decref(a);
  json_decref(b);
  if (err == KITH_OK)
    *out = difference.list;
  else
    json_decref(difference.list);
  return err;
}
