/* The part of a policy that says which filters a record has, and what they show. */
#include "proto/policy.h"

#include <string.h>

#include "base/mem.h"
#include "proto/policy_parts.h"

void kith_policy_filters_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  json_t *array;

  if (!kith_json_has(reader, "filters")) {
    out->bits = number(reader, "bits", KITH_BITS_MIN, KITH_BITS_MAX);
    return;
  }
  if (kith_json_has(reader, "bits"))
    kith_json_refuse(reader, "bits", "stands beside filters, which have their own; take it out");
  array = kith_json_array(reader, "filters", 2, KITH_FILTERS_MAX);
  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    struct kith_policy_filter *filter = &out->filters[i];
    struct kith_json_reader nested;

    element_begin(&nested, reader, "filters", array, i);
    name_read(&nested, "name", filter->name);
    filter->bits = number(&nested, "bits", KITH_BITS_MIN, KITH_BITS_MAX);
    for (size_t j = 0; j < i; j++) {
      if (strcmp(filter->name, out->filters[j].name) == 0)
        kith_json_refuse(&nested, "name", "filters[%zu] is the same; take one out", j);
    }
    nested_end(reader, &nested);
    out->n_filters++;
  }
  out->bits = out->filters[0].bits;
}

void kith_policy_field_filter_read(const struct kith_policy *policy,
                                   struct kith_policy_field *field, struct kith_json_reader *reader)
{
  char name[KITH_FIELD_NAME_BYTES] = "";
  unsigned i = 0;

  if (policy->n_filters == 0 || !kith_json_has(reader, "filter"))
    return;
  name_read(reader, "filter", name);
  while (i < policy->n_filters && strcmp(policy->filters[i].name, name) != 0)
    i++;
  if (i < policy->n_filters)
    field->filter = i;
  else
    kith_json_refuse(reader, "filter", "linkage.filters has none of this name");
}

/* A filter that stays empty would only cost room. */
void kith_policy_filters_check(const struct kith_policy *policy, struct kith_json_reader *reader)
{
  for (unsigned i = 0; i < policy->n_filters && reader->err == KITH_OK; i++) {
    bool used = false;

    for (unsigned k = 0; k < policy->n_fields; k++)
      used |= policy->fields[k].filter == i;
    if (!used)
      kith_json_refuse(reader, "filters", "no field is in \"%s\"; take it out",
                       policy->filters[i].name);
  }
}

int kith_policy_filters_put(json_t *object, const struct kith_policy *policy)
{
  json_t *array;
  int bad = 0;

  if (policy->n_filters == 0)
    return put_number(object, "bits", policy->bits);
  array = json_array();
  for (unsigned i = 0; i < policy->n_filters; i++) {
    json_t *filter = json_object();

    bad |= put_string(filter, "name", policy->filters[i].name);
    bad |= put_number(filter, "bits", policy->filters[i].bits);
    bad |= json_array_append_new(array, filter);
  }
  return bad | put(object, "filters", array);
}

size_t kith_policy_row_bytes(const struct kith_policy *policy)
{
  size_t bytes = 0;

  for (unsigned i = 0; i < policy->n_filters; i++)
    bytes += ((size_t)policy->filters[i].bits + 7) / 8;
  return policy->n_filters ? bytes : ((size_t)policy->bits + 7) / 8;
}

/* ---- leaks */

static const struct {
  enum kith_leak leak;
  const char *name;
  const char *words;
} leaks[] = {{KITH_LEAK_HOUSEHOLDS, "households",
              "a filter of the address alone shows the matcher who lives together and how many, "
              "and so households, hostels, refuges and children's homes"}};

const char *kith_leak_name(enum kith_leak leak)
{
  for (size_t i = 0; i < KITH_COUNT_OF(leaks); i++)
    if (leaks[i].leak == leak)
      return leaks[i].name;
  return "";
}

const char *kith_leak_words(enum kith_leak leak)
{
  for (size_t i = 0; i < KITH_COUNT_OF(leaks); i++)
    if (leaks[i].leak == leak)
      return leaks[i].words;
  return "";
}

static bool is_one_of(const char *field, const char *const *names, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(field, names[i]) == 0)
      return true;
  return false;
}

/* An address without a name, a date or a number beside it is the same for all who live there. */
unsigned kith_policy_leaks(const struct kith_policy *policy)
{
  static const char *const address[] = {"street", "town", "postcode"};
  static const char *const shared[] = {"street", "town", "postcode", "sex"};
  unsigned out = 0;

  for (unsigned i = 0; i == 0 || i < policy->n_filters; i++) {
    bool has_address = false;
    bool has_own = false;

    for (unsigned k = 0; k < policy->n_fields; k++) {
      const char *field = policy->fields[k].field;

      if (policy->fields[k].filter != i)
        continue;
      has_address |= is_one_of(field, address, KITH_COUNT_OF(address));
      has_own |= !is_one_of(field, shared, KITH_COUNT_OF(shared));
    }
    if (has_address && !has_own)
      out |= KITH_LEAK_HOUSEHOLDS;
  }
  return out;
}

void kith_policy_leaks_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  json_t *array;

  if (!kith_json_has(reader, "accepted_leaks"))
    return;
  array = kith_json_array(reader, "accepted_leaks", 1, KITH_COUNT_OF(leaks));
  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    const json_t *value = json_array_get(array, i);
    const char *name = json_is_string(value) ? json_string_value(value) : "";
    size_t at = 0;

    while (at < KITH_COUNT_OF(leaks) && strcmp(name, leaks[at].name) != 0)
      at++;
    if (at < KITH_COUNT_OF(leaks))
      out->accepted_leaks |= (unsigned)leaks[at].leak;
    else
      kith_json_refuse(reader, "accepted_leaks",
                       "expected \"households\", the one that has a name");
  }
}

int kith_policy_leaks_put(json_t *object, const struct kith_policy *policy)
{
  json_t *array;
  int bad = 0;

  if (policy->accepted_leaks == 0)
    return 0;
  array = json_array();
  for (size_t i = 0; i < KITH_COUNT_OF(leaks); i++)
    if (policy->accepted_leaks & (unsigned)leaks[i].leak)
      bad |= json_array_append_new(array, json_string(leaks[i].name));
  return bad | put(object, "accepted_leaks", array);
}
