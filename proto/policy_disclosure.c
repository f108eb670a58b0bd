/* What a policy lets a recipient ask about the people of a list. */
#include "proto/document.h"
#include "proto/gateway.h"
#include "proto/policy.h"
#include "proto/policy_parts.h"

enum { ANSWER_DAYS_MAX = 365, REQUESTS_MAX = 4096 };

static void names_read(char (*out)[KITH_FIELD_NAME_BYTES], unsigned *n,
                       struct kith_json_reader *reader)
{
  json_t *array = kith_json_array(reader, "fields", 1, KITH_FIELDS_MAX);

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    name_copy(reader, "fields", json_array_get(array, i), out[i]);
    for (size_t j = 0; j < i; j++)
      if (strcmp(out[i], out[j]) == 0)
        kith_json_refuse(reader, "fields", "has \"%s\" twice; take one out", out[i]);
    (*n)++;
  }
}

/* Codes are written as members' ids are, so that audit logs can hold them. */
static void codes_read(struct kith_policy_disclosure *out, struct kith_json_reader *reader)
{
  json_t *array = kith_json_array(reader, "reasons", 1, KITH_REASON_CODES_MAX);

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    kith_document_member_of(reader, "reasons", json_array_get(array, i), out->reasons[i]);
    for (size_t j = 0; j < i; j++)
      if (strcmp(out->reasons[i], out->reasons[j]) == 0)
        kith_json_refuse(reader, "reasons", "has \"%s\" twice; take one out", out->reasons[i]);
    out->n_reasons++;
  }
}

static void gateways_read(struct kith_policy_agency *out, unsigned *n, const char *key, size_t max,
                          struct kith_json_reader *reader)
{
  json_t *array = kith_json_array(reader, key, 1, max);

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    struct kith_json_reader nested;

    element_begin(&nested, reader, key, array, i);
    kith_document_member(&nested, "id", out[i].id);
    kith_document_text(&nested, "gateway", out[i].gateway, sizeof out[i].gateway, false);
    for (size_t j = 0; j < i; j++)
      if (strcmp(out[i].id, out[j].id) == 0)
        kith_json_refuse(&nested, "id", "%s[%zu] has the same; take one out", key, j);
    nested_end(reader, &nested);
    (*n)++;
  }
}

/* Whoever is named must be of the policy. */
static void members_check(const struct kith_policy *policy, struct kith_json_reader *reader)
{
  const struct kith_policy_disclosure *disclosure = &policy->disclosure;

  for (unsigned i = 0; i < disclosure->n_agencies; i++) {
    bool found = false;

    for (unsigned j = 0; j < policy->n_agencies; j++)
      found |= strcmp(disclosure->agencies[i].id, policy->agencies[j].id) == 0;
    if (!found)
      kith_json_refuse(reader, "agencies", "%s is not one of the policy's agencies",
                       disclosure->agencies[i].id);
  }
  for (unsigned i = 0; i < disclosure->n_recipients; i++) {
    bool found = false;

    for (unsigned j = 0; j < policy->n_recipients; j++)
      found |= strcmp(disclosure->recipients[i].id, policy->recipients[j]) == 0;
    if (!found)
      kith_json_refuse(reader, "recipients", "%s is not one of release.recipients",
                       disclosure->recipients[i].id);
  }
}

void kith_policy_disclosure_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  struct kith_policy_disclosure *disclosure = &out->disclosure;
  struct kith_json_reader nested;

  if (!kith_json_has(reader, "disclosure"))
    return;
  kith_json_nested(&nested, reader, "disclosure", true);
  disclosure->present = true;
  names_read(disclosure->fields, &disclosure->n_fields, &nested);
  codes_read(disclosure, &nested);
  gateways_read(disclosure->recipients, &disclosure->n_recipients, "recipients",
                KITH_RECIPIENTS_MAX, &nested);
  gateways_read(disclosure->agencies, &disclosure->n_agencies, "agencies", KITH_AGENCIES_MAX,
                &nested);
  disclosure->officers = number(&nested, "officers", 1, KITH_POLICY_OFFICERS_MAX);
  disclosure->answer_days = number(&nested, "answer_days", 1, ANSWER_DAYS_MAX);
  disclosure->requests_per_round = number(&nested, "requests_per_round", 1, REQUESTS_MAX);
  disclosure->requests_per_day =
      number(&nested, "requests_per_day", 1, disclosure->requests_per_round);
  members_check(out, &nested);
  nested_end(reader, &nested);
}

static json_t *gateways_json(const struct kith_policy_agency *members, unsigned n)
{
  json_t *array = json_array();
  int bad = 0;

  for (unsigned i = 0; i < n; i++) {
    json_t *member = json_object();

    bad |= put_string(member, "id", members[i].id);
    bad |= put_string(member, "gateway", members[i].gateway);
    bad |= json_array_append_new(array, member);
  }
  if (!bad)
    return array;
  json_decref(array);
  return NULL;
}

int kith_policy_disclosure_put(json_t *object, const struct kith_policy *policy)
{
  const struct kith_policy_disclosure *disclosure = &policy->disclosure;
  json_t *inner;
  json_t *fields;
  json_t *reasons;
  int bad = 0;

  if (!disclosure->present)
    return 0;
  inner = json_object();
  fields = json_array();
  reasons = json_array();
  for (unsigned i = 0; i < disclosure->n_fields; i++)
    bad |= json_array_append_new(fields, json_string(disclosure->fields[i]));
  for (unsigned i = 0; i < disclosure->n_reasons; i++)
    bad |= json_array_append_new(reasons, json_string(disclosure->reasons[i]));
  bad |= put(inner, "fields", fields);
  bad |= put(inner, "reasons", reasons);
  bad |= put(inner, "recipients", gateways_json(disclosure->recipients, disclosure->n_recipients));
  bad |= put(inner, "agencies", gateways_json(disclosure->agencies, disclosure->n_agencies));
  bad |= put_number(inner, "officers", disclosure->officers);
  bad |= put_number(inner, "answer_days", disclosure->answer_days);
  bad |= put_number(inner, "requests_per_round", disclosure->requests_per_round);
  bad |= put_number(inner, "requests_per_day", disclosure->requests_per_day);
  return bad | put(object, "disclosure", inner);
}

/* ---- asking */

static const char *gateway_of(const struct kith_policy_agency *members, unsigned n, const char *id)
{
  for (unsigned i = 0; i < n; i++)
    if (strcmp(members[i].id, id) == 0 && kith_gateway_is_stated(&members[i]))
      return members[i].gateway;
  return NULL;
}

const char *kith_policy_asks(const struct kith_policy *policy, const char *recipient)
{
  return gateway_of(policy->disclosure.recipients, policy->disclosure.n_recipients, recipient);
}

const char *kith_policy_answers(const struct kith_policy *policy, const char *agency)
{
  return gateway_of(policy->disclosure.agencies, policy->disclosure.n_agencies, agency);
}

bool kith_policy_disclosable(const struct kith_policy *policy, const char *field)
{
  for (unsigned i = 0; i < policy->disclosure.n_fields; i++)
    if (strcmp(policy->disclosure.fields[i], field) == 0)
      return true;
  return false;
}

bool kith_policy_reason_allowed(const struct kith_policy *policy, const char *reason)
{
  for (unsigned i = 0; i < policy->disclosure.n_reasons; i++)
    if (strcmp(policy->disclosure.reasons[i], reason) == 0)
      return true;
  return false;
}
