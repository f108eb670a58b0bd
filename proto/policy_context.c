/* What a policy lets agencies tell of the people of a list without being asked. */
#include "proto/document.h"
#include "proto/policy.h"
#include "proto/policy_parts.h"

static void attributes_read(struct kith_policy_context *out, struct kith_json_reader *reader)
{
  json_t *array = kith_json_array(reader, "attributes", 1, KITH_CONTEXT_ATTRIBUTES_MAX);

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    name_copy(reader, "attributes", json_array_get(array, i), out->attributes[i]);
    for (size_t j = 0; j < i; j++)
      if (strcmp(out->attributes[i], out->attributes[j]) == 0)
        kith_json_refuse(reader, "attributes", "has \"%s\" twice; take one out",
                         out->attributes[i]);
    out->n_attributes++;
  }
}

static void agency_check(const struct kith_policy *policy, const struct kith_policy_context *agency,
                         struct kith_json_reader *reader)
{
  bool found = false;

  for (unsigned i = 0; i < policy->n_agencies; i++)
    found |= strcmp(agency->id, policy->agencies[i].id) == 0;
  if (!found)
    kith_json_refuse(reader, "id", "%s is not one of the policy's agencies", agency->id);
  for (unsigned i = 0; i < agency->n_attributes; i++)
    if (strcmp(agency->attributes[i], KITH_CONTEXT_AGE_BAND) == 0 && !policy->scope.on.year)
      kith_json_refuse(reader, "attributes",
                       "has \"%s\", and scope.on does not say on which day ages are counted",
                       KITH_CONTEXT_AGE_BAND);
}

void kith_policy_context_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  struct kith_json_reader section;
  json_t *array;

  if (!kith_json_has(reader, "context"))
    return;
  kith_json_nested(&section, reader, "context", true);
  array = kith_json_array(&section, "agencies", 1, KITH_AGENCIES_MAX);
  for (size_t i = 0; i < json_array_size(array) && section.err == KITH_OK; i++) {
    struct kith_policy_context *agency = &out->context[i];
    struct kith_json_reader nested;

    element_begin(&nested, &section, "agencies", array, i);
    kith_document_member(&nested, "id", agency->id);
    attributes_read(agency, &nested);
    agency_check(out, agency, &nested);
    for (size_t j = 0; j < i; j++)
      if (strcmp(agency->id, out->context[j].id) == 0)
        kith_json_refuse(&nested, "id", "agencies[%zu] has the same; take one out", j);
    nested_end(&section, &nested);
    out->n_context++;
  }
  nested_end(reader, &section);
}

int kith_policy_context_put(json_t *object, const struct kith_policy *policy)
{
  json_t *agencies;
  json_t *inner;
  int bad = 0;

  if (!policy->n_context)
    return 0;
  agencies = json_array();
  inner = json_object();
  for (unsigned i = 0; i < policy->n_context; i++) {
    json_t *agency = json_object();
    json_t *attributes = json_array();

    for (unsigned k = 0; k < policy->context[i].n_attributes; k++)
      bad |= json_array_append_new(attributes, json_string(policy->context[i].attributes[k]));
    bad |= put_string(agency, "id", policy->context[i].id);
    bad |= put(agency, "attributes", attributes);
    bad |= json_array_append_new(agencies, agency);
  }
  bad |= put(inner, "agencies", agencies);
  return bad | put(object, "context", inner);
}

const struct kith_policy_context *kith_policy_context_of(const struct kith_policy *policy,
                                                         const char *agency)
{
  for (unsigned i = 0; i < policy->n_context; i++)
    if (strcmp(policy->context[i].id, agency) == 0)
      return &policy->context[i];
  return NULL;
}
