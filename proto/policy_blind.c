#include "proto/policy_blind.h"

#include <stdio.h>
#include <string.h>

#include "proto/policy_parts.h"

enum { WEIGHT_MAX = 1000, Q_MAX = 4 };

static const char *const part_names[KITH_PART_COUNT] = {
    "birth",     "birth_year",    "birth_month_day", "given_name",
    "surname",   "given_form",    "surname_form",    "given_3",
    "surname_3", "given_initial", "surname_initial", "initials",
    "forms",     "postcode",      "district",        "sex",
    "home"};

const char *kith_blind_part_name(unsigned part)
{
  return part < KITH_PART_COUNT ? part_names[part] : NULL;
}

bool kith_policy_blind_asks(const struct kith_policy *policy, enum kith_blind_part part)
{
  for (unsigned k = 0; k < policy->blind.n_keys; k++)
    for (unsigned i = 0; i < policy->blind.keys[k].n; i++)
      if (policy->blind.keys[k].parts[i] == part)
        return true;
  return false;
}

/* Each finds people whom the others miss, and hardly a value of any occurs twice in an agency of a
 * city's size: docs/blind.md, 9. */
static const struct kith_blind_key_terms default_keys[] = {
    {2, {KITH_PART_BIRTH, KITH_PART_GIVEN_FORM}},
    {2, {KITH_PART_BIRTH, KITH_PART_SURNAME_FORM}},
    {2, {KITH_PART_BIRTH, KITH_PART_SURNAME_3}},
    {2, {KITH_PART_BIRTH, KITH_PART_INITIALS}},
    {2, {KITH_PART_BIRTH, KITH_PART_HOME}},
    {2, {KITH_PART_FORMS, KITH_PART_BIRTH_YEAR}},
    {2, {KITH_PART_FORMS, KITH_PART_BIRTH_MONTH_DAY}},
    {2, {KITH_PART_FORMS, KITH_PART_HOME}},
};

static const struct kith_blind_field default_fields[] = {
    {"given_name", 2, 64, 2},    {"surname", 2, 64, 2},  {"name_forms", 0, 64, 2},
    {"date_of_birth", 0, 64, 4}, {"postcode", 2, 32, 1}, {"sex", 0, 8, 1},
};

/* Fields are also where other parts of the program look for what a policy compares. */
static void mirror_fields(struct kith_policy *policy)
{
  policy->n_fields = policy->blind.n_fields;
  for (unsigned f = 0; f < policy->blind.n_fields; f++) {
    const struct kith_blind_field *from = &policy->blind.fields[f];
    struct kith_policy_field *to = &policy->fields[f];

    *to = (struct kith_policy_field){.q = from->q, .bits_per_token = 1, .weight = from->weight};
    memcpy(to->field, from->field, sizeof to->field);
  }
}

/* No filters, no bound on a similarity of theirs. */
static void empty_filters(struct kith_policy *policy)
{
  policy->bits = 0;
  policy->n_filters = 0;
  memset(policy->filters, 0, sizeof policy->filters);
  memset(policy->fields, 0, sizeof policy->fields);
  policy->mask = policy->masked_dice = false;
  policy->mask_minimum = 1;
  policy->candidate_bound = policy->candidate_floor = (struct kith_ratio){0, 1};
  policy->candidates_max = 0;
}

void kith_policy_default_blind(struct kith_policy *policy)
{
  struct kith_policy_blind *blind = &policy->blind;

  empty_filters(policy);
  policy->protection = KITH_PROTECTION_BLIND;
  *blind = (struct kith_policy_blind){.occurrences = 1,
                                      .n_keys = sizeof default_keys / sizeof *default_keys,
                                      .n_fields = sizeof default_fields / sizeof *default_fields};
  memcpy(blind->keys, default_keys, sizeof default_keys);
  memcpy(blind->fields, default_fields, sizeof default_fields);
  mirror_fields(policy);
}

void kith_policy_blind_layout(struct kith_blind_layout *out, const struct kith_policy *policy)
{
  const struct kith_policy_blind *blind = &policy->blind;

  *out = (struct kith_blind_layout){
      .n_fields = blind->n_fields, .n_keys = blind->n_keys, .occurrences = blind->occurrences};
  for (unsigned f = 0; f < blind->n_fields; f++)
    out->bits[f] = blind->fields[f].bits;
  (void)kith_blind_layout_make(out); /* the reader has checked it */
}

/* ---- reading */

static void key_read(struct kith_policy_blind *blind, struct kith_json_reader *reader,
                     const json_t *array, size_t i)
{
  struct kith_blind_key_terms *key = &blind->keys[i];
  const json_t *parts = json_array_get(array, i);
  char place[64];

  (void)snprintf(place, sizeof place, "match_keys[%zu]", i);
  if (!json_is_array(parts) || json_array_size(parts) < 2 ||
      json_array_size(parts) > KITH_BLIND_PARTS_MAX) {
    kith_json_refuse(reader, place, "expected 2 to %d parts, such as [\"birth\", \"initials\"]",
                     KITH_BLIND_PARTS_MAX);
    return;
  }
  for (size_t k = 0; k < json_array_size(parts) && reader->err == KITH_OK; k++) {
    const char *text = json_string_value(json_array_get(parts, k));
    unsigned part = 0;

    while (part < KITH_PART_COUNT && (!text || strcmp(text, part_names[part]) != 0))
      part++;
    if (part == KITH_PART_COUNT)
      kith_json_refuse(reader, place, "part %zu is none that kith knows: kith-policy(5)", k);
    for (unsigned j = 0; j < key->n; j++)
      if (key->parts[j] == part)
        kith_json_refuse(reader, place, "has one part twice");
    key->parts[key->n++] = (enum kith_blind_part)part;
  }
  for (size_t k = 0; k < i && reader->err == KITH_OK; k++)
    if (memcmp(&blind->keys[k], key, sizeof *key) == 0)
      kith_json_refuse(reader, place, "match_keys[%zu] is the same; take one out", k);
}

static void field_read(struct kith_policy_blind *blind, struct kith_json_reader *reader,
                       const json_t *array, size_t i)
{
  struct kith_blind_field *field = &blind->fields[i];
  struct kith_json_reader nested;

  element_begin(&nested, reader, "fields", array, i);
  name_read(&nested, "field", field->field);
  field->q = number(&nested, "q", 0, Q_MAX);
  field->bits = number(&nested, "bits", 8, 128);
  field->weight = number(&nested, "weight", 1, WEIGHT_MAX);
  if (nested.err == KITH_OK && (field->bits & (field->bits - 1)))
    kith_json_refuse(&nested, "bits", "expected 8, 16, 32, 64 or 128");
  for (size_t k = 0; k < i; k++)
    if (strcmp(field->field, blind->fields[k].field) == 0)
      kith_json_refuse(&nested, "field", "fields[%zu] is the same; take one out", k);
  nested_end(reader, &nested);
}

void kith_policy_blind_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  struct kith_policy_blind *blind = &out->blind;
  struct kith_json_reader nested;
  json_t *array;

  empty_filters(out);
  kith_json_nested(&nested, reader, "blind", true);
  blind->occurrences = number(&nested, "occurrences", 1, KITH_BLIND_OCCURRENCES_MAX);
  array = kith_json_array(&nested, "match_keys", 1, KITH_BLIND_KEYS_MAX);
  for (size_t i = 0; i < json_array_size(array) && nested.err == KITH_OK; i++) {
    key_read(blind, &nested, array, i);
    blind->n_keys++;
  }
  array = kith_json_array(&nested, "fields", 1, KITH_BLIND_FIELDS_MAX);
  for (size_t i = 0; i < json_array_size(array) && nested.err == KITH_OK; i++) {
    field_read(blind, &nested, array, i);
    blind->n_fields++;
  }
  nested_end(reader, &nested);
  mirror_fields(out);
}

/* ---- printing */

static int put_keys(json_t *object, const struct kith_policy_blind *blind)
{
  json_t *keys = json_array();
  int bad = 0;

  for (unsigned i = 0; i < blind->n_keys; i++) {
    json_t *parts = json_array();

    for (unsigned k = 0; k < blind->keys[i].n; k++)
      bad |= json_array_append_new(parts, json_string(part_names[blind->keys[i].parts[k]]));
    bad |= json_array_append_new(keys, parts);
  }
  return bad | put(object, "match_keys", keys);
}

int kith_policy_blind_put(json_t *object, const struct kith_policy *policy)
{
  const struct kith_policy_blind *blind = &policy->blind;
  json_t *inner = json_object();
  json_t *fields = json_array();
  int bad = put_number(inner, "occurrences", blind->occurrences) | put_keys(inner, blind);

  for (unsigned f = 0; f < blind->n_fields; f++) {
    json_t *field = json_object();

    bad |= put_string(field, "field", blind->fields[f].field);
    bad |= put_number(field, "q", blind->fields[f].q);
    bad |= put_number(field, "bits", blind->fields[f].bits);
    bad |= put_number(field, "weight", blind->fields[f].weight);
    bad |= json_array_append_new(fields, field);
  }
  bad |= put(inner, "fields", fields);
  return bad | put(object, "blind", inner);
}

/* ---- what two sides agree on */

enum kith_err kith_policy_blind_hash(struct kith_hash *out, const struct kith_policy *policy)
{
  json_t *object = json_object();
  char *text = NULL;
  int bad = put_string(object, "standardiser", policy->standardiser);

  bad |= kith_policy_blind_put(object, policy);
  if (!bad)
    text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
  json_decref(object);
  if (!text)
    return KITH_ERR_MEMORY;
  kith_hash_bytes(out, "kith blind terms v1", text, strlen(text));
  free(text);
  return KITH_OK;
}
