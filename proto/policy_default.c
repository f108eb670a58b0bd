#include "proto/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proto/gateway.h"

/* What each field of the default filter is and weighs. "names" has the parts of given name and
 * surname together: names typed the wrong way round still agree by half. "name_forms" has a code
 * for each part that spellings, short forms and languages share, and for middle names. A date
 * (eight tokens: its parts and pairs of them) is worth nearly as much as all names, sex and
 * postcode little: siblings share one, people move from the other. `weight` is the number of bits
 * the field sets on average: tokens x bits, less collisions. Measured: docs/standardisation.md. */
static const struct kith_policy_field default_fields[] = {
    /* field          q  bits  weight */
    {"given_name", 2, 5, 34, 0},  {"surname", 2, 5, 36, 0},         {"names", 2, 4, 53, 0},
    {"name_forms", 0, 20, 57, 0}, {"date_of_birth", 0, 20, 147, 0}, {"sex", 0, 26, 26, 0},
    {"postcode", 2, 3, 21, 0},
};

/* What a filter of the address has, where a policy wants one. */
static const struct kith_policy_field address_fields[] = {{"street", 2, 6, 88, 1},
                                                          {"town", 2, 6, 60, 1}};

enum {
  DEFAULT_BITS = 1024,
  DEFAULT_ADDRESS_BITS = 512,
  DEFAULT_MASK_MINIMUM = 5,
  DEFAULT_CANDIDATES_MAX = 4000000,
  DEFAULT_MINIMUM_COUNT = 5,
  DEFAULT_MINIMUM_BATCH = 20,
  DEFAULT_ROUNDS_MAX = 12,
  DEFAULT_ROUNDS_DAYS = 30,
  DEFAULT_GATHER_S = 7 * 86400,
  DEFAULT_KEYING_S = 3600,
  DEFAULT_SUBMIT_S = 86400,
  DEFAULT_REVIEW_DAYS = 7,
  DEFAULT_RETENTION_DAYS = 30,
  DEFAULT_SERVICES = 3
};
static const struct kith_ratio default_candidate_bound = {65, 100};
static const struct kith_ratio default_candidate_floor = {5, 10};
static const struct kith_ratio default_threshold_min = {5, 10};
static const struct kith_ratio default_threshold_max = {99, 100};

/* 2036-01-01T00:00:00Z: a fixed date, because the default must have the same bytes every day.
 * Governance sets its own. */
static const int64_t default_expires = 2082758400;

void kith_policy_default(struct kith_policy *out, const char (*agencies)[KITH_MEMBER_ID_BYTES],
                         unsigned n_agencies)
{
  unsigned n_services = n_agencies < DEFAULT_SERVICES ? n_agencies : DEFAULT_SERVICES;

  *out = (struct kith_policy){
      .name = "default",
      .version = 1,
      .expires = default_expires,
      .purpose = "find the people who are known to several services, so that help can start early",
      .standardiser = "kith-1",
      .protection = KITH_PROTECTION_CLK,
      .bits = DEFAULT_BITS,
      .mask = true,
      .mask_minimum = DEFAULT_MASK_MINIMUM,
      .masked_dice = true,
      .n_fields = KITH_COUNT_OF(default_fields),
      .candidate_bound = default_candidate_bound,
      .candidate_floor = default_candidate_floor,
      .candidates_max = DEFAULT_CANDIDATES_MAX,
      .threshold = {.auto_default = true,
                    .min = default_threshold_min,
                    .max = default_threshold_max},
      .minimum_count = DEFAULT_MINIMUM_COUNT,
      .quorum = n_agencies < 2 ? 1 : 2,
      .officers = 1,
      .minimum_batch = DEFAULT_MINIMUM_BATCH,
      .rounds_max = DEFAULT_ROUNDS_MAX,
      .rounds_days = DEFAULT_ROUNDS_DAYS,
      .gather_s = DEFAULT_GATHER_S,
      .keying_s = DEFAULT_KEYING_S,
      .submit_s = DEFAULT_SUBMIT_S,
      .review_days = DEFAULT_REVIEW_DAYS,
      .retention_days = DEFAULT_RETENTION_DAYS,
  };
  kith_policy_default_records(out);
  memcpy(out->fields, default_fields, sizeof default_fields);
  (void)snprintf(out->rule, sizeof out->rule, "at least %u service%s", n_services,
                 n_services == 1 ? "" : "s");
  for (unsigned i = 0; i < n_agencies && i < KITH_AGENCIES_MAX; i++) {
    struct kith_policy_agency *agency = &out->agencies[out->n_agencies++];

    (void)snprintf(agency->id, sizeof agency->id, "%s", agencies[i]);
    kith_gateway_unstated(agency->gateway, agencies[i]);
  }
}

void kith_policy_add_address_filter(struct kith_policy *policy)
{
  policy->n_filters = 2;
  policy->filters[0] = (struct kith_policy_filter){"stable", policy->bits};
  policy->filters[1] = (struct kith_policy_filter){"volatile", DEFAULT_ADDRESS_BITS};
  for (size_t i = 0; i < KITH_COUNT_OF(address_fields) && policy->n_fields < KITH_FIELDS_MAX; i++)
    policy->fields[policy->n_fields++] = address_fields[i];
  policy->accepted_leaks |= KITH_LEAK_HOUSEHOLDS;
}
