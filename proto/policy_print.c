#include "proto/policy.h"

#include <stdio.h>
#include <string.h>

#include "proto/document.h"
#include "proto/policy_parts.h"

void kith_policy_ratio_text(char out[KITH_RATIO_TEXT_BYTES], struct kith_ratio ratio)
{
  uint32_t power = 1;
  int decimals = 0;

  while (power < ratio.denominator && decimals < 9) {
    power *= 10;
    decimals++;
  }
  if (power != ratio.denominator) {
    (void)snprintf(out, KITH_RATIO_TEXT_BYTES, "%u/%u", ratio.numerator, ratio.denominator);
  } else if (decimals == 0) {
    (void)snprintf(out, KITH_RATIO_TEXT_BYTES, "%u", ratio.numerator);
  } else {
    char digits[16]; /* a 1 before them keeps the leading zeros */

    (void)snprintf(digits, sizeof digits, "%u", power + ratio.numerator % power);
    (void)snprintf(out, KITH_RATIO_TEXT_BYTES, "%u.%s", ratio.numerator / power, digits + 1);
  }
}

static int put_agencies(json_t *object, const struct kith_policy *policy)
{
  json_t *array = json_array();
  int bad = 0;

  for (unsigned i = 0; i < policy->n_agencies; i++) {
    json_t *agency = json_object();

    bad |= put_string(agency, "id", policy->agencies[i].id);
    bad |= put_string(agency, "gateway", policy->agencies[i].gateway);
    bad |= json_array_append_new(array, agency);
  }
  return bad | put(object, "agencies", array);
}

static int put_fields(json_t *object, const struct kith_policy *policy)
{
  json_t *array = json_array();
  int bad = 0;

  for (unsigned i = 0; i < policy->n_fields; i++) {
    json_t *field = json_object();

    bad |= put_string(field, "field", policy->fields[i].field);
    bad |= put_number(field, "q", policy->fields[i].q);
    bad |= put_number(field, "bits_per_token", policy->fields[i].bits_per_token);
    bad |= put_number(field, "weight", policy->fields[i].weight);
    if (policy->n_filters)
      bad |= put_string(field, "filter", policy->filters[policy->fields[i].filter].name);
    bad |= json_array_append_new(array, field);
  }
  return bad | put(object, "fields", array);
}

static int put_filters(json_t *object, const struct kith_policy *policy)
{
  int bad = kith_policy_filters_put(object, policy);

  bad |= put(object, "mask", json_boolean(policy->mask));
  if (policy->mask && policy->mask_minimum > 1)
    bad |= put_number(object, "mask_minimum", policy->mask_minimum);
  bad |= kith_policy_leaks_put(object, policy);
  bad |= put_string(object, "similarity", policy->masked_dice ? "masked_dice" : "dice");
  bad |= put_fields(object, policy);
  bad |= put_ratio(object, "candidate_bound", policy->candidate_bound);
  if (policy->candidates_max) {
    bad |= put_ratio(object, "candidate_floor", policy->candidate_floor);
    bad |= put_number(object, "candidates_max", policy->candidates_max);
  }
  return bad;
}

static int put_linkage(json_t *object, const struct kith_policy *policy)
{
  const struct kith_threshold *threshold = &policy->threshold;
  bool blind = policy->protection == KITH_PROTECTION_BLIND;
  json_t *inner = json_object();
  json_t *band = json_object();
  int bad = put_string(inner, "protection", kith_protection_name(policy->protection));

  bad |= blind ? kith_policy_blind_put(inner, policy) : put_filters(inner, policy);
  bad |= threshold->auto_default ? put_string(band, "default", "auto")
                                 : put_ratio(band, "default", threshold->default_probability);
  bad |= put_ratio(band, "min", threshold->min);
  bad |= put_ratio(band, "max", threshold->max);
  if (threshold->review)
    bad |= put(band, "review", json_true());
  bad |= put(inner, "threshold", band);
  return bad | put(object, "linkage", inner);
}

static int put_cohort_and_round(json_t *object, const struct kith_policy *policy)
{
  json_t *cohort = json_object();
  json_t *round = json_object();
  int bad = put_string(cohort, "rule", policy->rule);

  bad |= put_number(cohort, "minimum_count", policy->minimum_count);
  bad |= put(object, "cohort", cohort);
  bad |= put_number(round, "quorum", policy->quorum);
  if (policy->officers > 1)
    bad |= put_number(round, "officers", policy->officers);
  bad |= put_number(round, "minimum_batch", policy->minimum_batch);
  if (policy->rounds_max) {
    bad |= put_number(round, "rounds_max", policy->rounds_max);
    bad |= put_number(round, "rounds_days", policy->rounds_days);
  }
  bad |= put_number(round, "gather_s", policy->gather_s);
  bad |= put_number(round, "keying_s", policy->keying_s);
  bad |= put_number(round, "submit_s", policy->submit_s);
  return bad | put(object, "round", round);
}

static int put_release(json_t *object, const struct kith_policy *policy)
{
  json_t *inner = json_object();
  json_t *recipients = json_array();
  int bad = 0;

  for (unsigned i = 0; i < policy->n_recipients; i++)
    bad |= json_array_append_new(recipients, json_string(policy->recipients[i]));
  bad |= put(inner, "recipients", recipients);
  bad |= put_number(inner, "review_days", policy->review_days);
  bad |= put_number(inner, "retention_days", policy->retention_days);
  return bad | put(object, "release", inner);
}

enum kith_err kith_policy_print(struct kith_buf *out, const struct kith_policy *policy)
{
  json_t *object = json_object();
  int bad = put_string(object, "kith", "policy");

  bad |= put_number(object, "format", 1);
  bad |= put_string(object, "name", policy->name);
  bad |= put_number(object, "version", policy->version);
  bad |= put(object, "expires", kith_document_time_json(policy->expires));
  bad |= put_string(object, "purpose", policy->purpose);
  bad |= put(object, "trial", json_boolean(policy->trial));
  bad |= put_agencies(object, policy);
  bad |= kith_policy_records_put(object, policy);
  bad |= put_string(object, "standardiser", policy->standardiser);
  bad |= put_linkage(object, policy);
  bad |= put_cohort_and_round(object, policy);
  bad |= put_release(object, policy);
  bad |= kith_policy_disclosure_put(object, policy);
  bad |= kith_policy_context_put(object, policy);
  if (policy->privacy_bound.denominator)
    bad |= put_ratio(object, "privacy_bound", policy->privacy_bound);
  if (bad) {
    json_decref(object);
    object = NULL;
  }
  return kith_document_dump(out, object);
}
