#include "proto/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "proto/document.h"
#include "proto/policy_parts.h"
#include "proto/rule.h"

enum {
  PHASE_S_MAX = 366 * 86400,
  COUNT_MAX = 1000,
  MASK_MINIMUM_MAX = 100,
  BATCH_MAX = 1000000000,
  ROUNDS_MAX = 1000,
  ROUNDS_DAYS_MAX = 366,
  CANDIDATES_MAX = 1000000000,
  REVIEW_DAYS_MAX = 365,
  RETENTION_DAYS_MAX = 3650
};

static bool ratio_below(struct kith_ratio a, struct kith_ratio b)
{
  return (uint64_t)a.numerator * b.denominator < (uint64_t)b.numerator * a.denominator;
}

static void agencies_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  json_t *array = kith_json_array(reader, "agencies", 1, KITH_AGENCIES_MAX);

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    struct kith_policy_agency *agency = &out->agencies[i];
    struct kith_json_reader nested;

    element_begin(&nested, reader, "agencies", array, i);
    kith_document_member(&nested, "id", agency->id);
    kith_document_text(&nested, "gateway", agency->gateway, sizeof agency->gateway, true);
    for (size_t j = 0; j < i; j++) {
      if (strcmp(agency->id, out->agencies[j].id) == 0)
        kith_json_refuse(&nested, "id", "agencies[%zu] has the same; take one out", j);
    }
    nested_end(reader, &nested);
    out->n_agencies++;
  }
}

enum kith_err kith_policy_date_parse(struct kith_date *out, const char *text)
{
  char time[KITH_TIME_BYTES];
  int64_t seconds;

  if (strlen(text) != strlen("2026-11-23"))
    return KITH_ERR_DATA;
  (void)snprintf(time, sizeof time, "%.10sT00:00:00Z", text);
  if (kith_time_parse(&seconds, time) != KITH_OK)
    return KITH_ERR_DATA;
  *out = (struct kith_date){
      (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0'),
      (text[5] - '0') * 10 + (text[6] - '0'), (text[8] - '0') * 10 + (text[9] - '0')};
  return KITH_OK;
}

static void fields_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  json_t *array = kith_json_array(reader, "fields", 1, KITH_FIELDS_MAX);

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    struct kith_policy_field *field = &out->fields[i];
    struct kith_json_reader nested;

    element_begin(&nested, reader, "fields", array, i);
    name_read(&nested, "field", field->field);
    field->q = number(&nested, "q", 0, 4);
    field->bits_per_token = number(&nested, "bits_per_token", 1, 64);
    field->weight = number(&nested, "weight", 1, 65535);
    kith_policy_field_filter_read(out, field, &nested);
    for (size_t j = 0; j < i; j++) {
      if (strcmp(field->field, out->fields[j].field) == 0)
        kith_json_refuse(&nested, "field", "fields[%zu] is the same; take one out", j);
    }
    nested_end(reader, &nested);
    out->n_fields++;
  }
}

static void threshold_read(struct kith_threshold *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;
  const char *text;

  kith_json_nested(&nested, reader, "threshold", true);
  text = kith_json_string(&nested, "default", NULL);
  out->auto_default = strcmp(text, "auto") == 0;
  if (nested.err == KITH_OK && !out->auto_default &&
      kith_ratio_parse(&out->default_probability, text, NULL) != KITH_OK)
    kith_json_refuse(&nested, "default",
                     "expected \"auto\" or a probability in quotes, such as \"0.9\"");
  out->min = ratio(&nested, "min");
  out->max = ratio(&nested, "max");
  out->review = kith_json_bool_or(&nested, "review", false);
  if (ratio_below(out->max, out->min))
    kith_json_refuse(&nested, "max", "is below min");
  if (!out->auto_default && (ratio_below(out->default_probability, out->min) ||
                             ratio_below(out->max, out->default_probability)))
    kith_json_refuse(&nested, "default", "is not between min and max");
  nested_end(reader, &nested);
}

/* Where few records are compared, candidates may be looked for further down. */
static void floor_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  out->candidate_floor = out->candidate_bound;
  if (!kith_json_has(reader, "candidate_floor") && !kith_json_has(reader, "candidates_max"))
    return;
  out->candidate_floor = ratio(reader, "candidate_floor");
  out->candidates_max = number(reader, "candidates_max", 1, CANDIDATES_MAX);
  if (out->candidate_floor.numerator == 0)
    kith_json_refuse(reader, "candidate_floor", "is 0: every pair would be a candidate");
  if (!ratio_below(out->candidate_floor, out->candidate_bound))
    kith_json_refuse(reader, "candidate_floor", "is not below candidate_bound; leave it out");
}

static void mask_minimum_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  out->mask_minimum = (unsigned)kith_json_int_or(reader, "mask_minimum", 1, MASK_MINIMUM_MAX, 1);
  if (kith_json_has(reader, "mask_minimum") && !out->mask)
    kith_json_refuse(reader, "mask_minimum", "is of a mask, and \"mask\" is false; leave it out");
}

/* What "clk" asks for. */
static void filters_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  const char *text;

  kith_policy_filters_read(out, reader);
  out->mask = kith_document_bool(reader, "mask");
  text = kith_json_string(reader, "similarity", NULL);
  out->masked_dice = strcmp(text, "masked_dice") == 0;
  if (reader->err == KITH_OK && !out->masked_dice && strcmp(text, "dice") != 0)
    kith_json_refuse(reader, "similarity", "expected \"masked_dice\" or \"dice\"");
  if (out->masked_dice && !out->mask)
    kith_json_refuse(reader, "similarity", "masked_dice needs \"mask\": true; or say \"dice\"");
  mask_minimum_read(out, reader);
  fields_read(out, reader);
  kith_policy_filters_check(out, reader);
  kith_policy_leaks_read(out, reader);
  out->candidate_bound = ratio(reader, "candidate_bound");
  if (out->candidate_bound.numerator == 0)
    kith_json_refuse(reader, "candidate_bound", "is 0: every pair would be a candidate");
  floor_read(out, reader);
}

const char *kith_protection_name(enum kith_protection protection)
{
  return protection == KITH_PROTECTION_BLIND ? "blind" : "clk";
}

bool kith_protection_parse(enum kith_protection *out, const char *name)
{
  bool blind = strcmp(name, "blind") == 0;

  if (!blind && strcmp(name, "clk") != 0)
    return false;
  *out = blind ? KITH_PROTECTION_BLIND : KITH_PROTECTION_CLK;
  return true;
}

static void linkage_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;
  const char *text;

  kith_json_nested(&nested, reader, "linkage", true);
  text = kith_json_string(&nested, "protection", NULL);
  out->protection = KITH_PROTECTION_CLK;
  if (nested.err == KITH_OK && !kith_protection_parse(&out->protection, text))
    kith_json_refuse(&nested, "protection", "expected \"clk\" or \"blind\"");
  out->mask_minimum = 1;
  if (out->protection == KITH_PROTECTION_BLIND)
    kith_policy_blind_read(out, &nested);
  else
    filters_read(out, &nested);
  threshold_read(&out->threshold, &nested);
  nested_end(reader, &nested);
}

static void rule_check(struct kith_policy *policy, struct kith_json_reader *reader)
{
  char ids[KITH_AGENCIES_MAX][KITH_MEMBER_ID_BYTES];
  struct kith_fault fault = {0};
  struct kith_rule *rule = NULL;
  enum kith_err err;

  if (reader->err != KITH_OK)
    return;
  for (unsigned i = 0; i < policy->n_agencies; i++)
    memcpy(ids[i], policy->agencies[i].id, sizeof ids[i]);
  err = kith_rule_parse(&rule, policy->rule, (const char(*)[KITH_MEMBER_ID_BYTES])ids,
                        policy->n_agencies, &fault);
  if (err == KITH_ERR_MEMORY)
    reader->err = kith_fail(reader->fault, err, "%s: out of memory", reader->place);
  else if (err != KITH_OK)
    kith_json_refuse(reader, "rule", "%s", fault.text);
  kith_rule_free(rule);
}

static void cohort_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;

  kith_json_nested(&nested, reader, "cohort", true);
  kith_document_text(&nested, "rule", out->rule, sizeof out->rule, false);
  rule_check(out, &nested);
  out->minimum_count = number(&nested, "minimum_count", 1, COUNT_MAX);
  nested_end(reader, &nested);
}

static void round_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  unsigned n = out->n_agencies > 0 ? out->n_agencies : 1;
  struct kith_json_reader nested;

  kith_json_nested(&nested, reader, "round", true);
  out->quorum = number(&nested, "quorum", n < 2 ? 1 : 2, n);
  out->officers = (unsigned)kith_json_int_or(&nested, "officers", 1, KITH_POLICY_OFFICERS_MAX, 1);
  out->minimum_batch = number(&nested, "minimum_batch", 1, BATCH_MAX);
  out->rounds_max = (unsigned)kith_json_int_or(&nested, "rounds_max", 1, ROUNDS_MAX, 0);
  out->rounds_days = (unsigned)kith_json_int_or(&nested, "rounds_days", 1, ROUNDS_DAYS_MAX, 0);
  if (!out->rounds_max != !out->rounds_days)
    kith_json_refuse(&nested, out->rounds_max ? "rounds_days" : "rounds_max",
                     "is missing: rounds_max rounds in rounds_days days go together");
  if (out->minimum_batch < out->mask_minimum)
    kith_json_refuse(&nested, "minimum_batch",
                     "is below linkage.mask_minimum: so few records can't have patterns that many "
                     "share");
  out->gather_s = number(&nested, "gather_s", 1, PHASE_S_MAX);
  out->keying_s = number(&nested, "keying_s", 1, PHASE_S_MAX);
  out->submit_s = number(&nested, "submit_s", 1, PHASE_S_MAX);
  nested_end(reader, &nested);
}

static void release_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;
  json_t *array;

  kith_json_nested(&nested, reader, "release", true);
  array = kith_json_array(&nested, "recipients", 0, KITH_RECIPIENTS_MAX);
  for (size_t i = 0; i < json_array_size(array) && nested.err == KITH_OK; i++) {
    char key[48];

    (void)snprintf(key, sizeof key, "recipients[%zu]", i);
    kith_document_member_of(&nested, key, json_array_get(array, i), out->recipients[i]);
    for (size_t j = 0; j < i; j++) {
      if (strcmp(out->recipients[i], out->recipients[j]) == 0)
        kith_json_refuse(&nested, key, "is the same as recipients[%zu]; take one out", j);
    }
    out->n_recipients++;
  }
  out->review_days = number(&nested, "review_days", 0, REVIEW_DAYS_MAX);
  out->retention_days =
      number(&nested, "retention_days", out->review_days > 0 ? (int64_t)out->review_days : 1,
             RETENTION_DAYS_MAX);
  nested_end(reader, &nested);
}

static void policy_read(struct kith_policy *out, struct kith_json_reader *reader)
{
  kith_document_head(reader, "policy");
  kith_document_text(reader, "name", out->name, sizeof out->name, false);
  out->version = (uint64_t)kith_json_int(reader, "version", 1, KITH_VERSION_MAX);
  out->expires = kith_document_time(reader, "expires");
  kith_document_text(reader, "purpose", out->purpose, sizeof out->purpose, false);
  out->trial = kith_document_bool(reader, "trial");
  agencies_read(out, reader);
  kith_policy_records_read(out, reader);
  name_read(reader, "standardiser", out->standardiser);
  linkage_read(out, reader);
  cohort_read(out, reader);
  round_read(out, reader);
  release_read(out, reader);
  kith_policy_disclosure_read(out, reader);
  kith_policy_context_read(out, reader);
  if (kith_json_has(reader, "privacy_bound"))
    out->privacy_bound = ratio(reader, "privacy_bound");
}

enum kith_err kith_policy_parse(struct kith_policy *out, const void *bytes, size_t len,
                                const char *name, struct kith_fault *fault)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_json_reader reader;
  json_t *json = NULL;
  enum kith_err err;

  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: out of memory", name);
  err = kith_json_parse(&json, bytes, len, name, fault);
  if (err != KITH_OK)
    goto end;
  kith_json_begin(&reader, json, name, fault);
  policy_read(policy, &reader);
  err = kith_json_done(&reader);
  if (err == KITH_OK)
    *out = *policy;
end:
  json_decref(json);
  kith_free(policy);
  return err;
}

enum kith_err kith_policy_accept(struct kith_policy *out, const struct kith_signed *document,
                                 const struct kith_signers *governance, int64_t now,
                                 struct kith_fault *fault)
{
  struct kith_policy *policy;
  char expires[KITH_TIME_BYTES];
  enum kith_err err = kith_signed_verify(document, governance, fault);

  if (err != KITH_OK)
    return err;
  policy = KITH_NEW(struct kith_policy);
  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "policy: out of memory");
  err = kith_policy_parse(policy, document->bytes, document->len, "policy", fault);
  if (err == KITH_OK && policy->expires <= now) {
    kith_time_format(expires, policy->expires);
    err = kith_fail(fault, KITH_ERR_DENIED,
                    "policy: expired at %s; governance must sign one with a later expiry", expires);
  }
  if (err == KITH_OK && (kith_policy_leaks(policy) & ~policy->accepted_leaks))
    err = kith_fail(fault, KITH_ERR_DENIED,
                    "policy: %s, and linkage.accepted_leaks does not accept it",
                    kith_leak_words(KITH_LEAK_HOUSEHOLDS));
  if (err == KITH_OK)
    *out = *policy;
  kith_free(policy);
  return err;
}
