#include "matcher/linkage/cohort.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/rule.h"

struct order {
  const struct kith_linkage_input *input;
  const struct kith_linkage_result *result;
  const struct kith_cohort_selection *selection;
};

/* ---- which clusters
 * ------------------------------------------------------------------------------- */

static enum kith_err parse_rule(struct kith_rule **out, const struct kith_policy *policy,
                                struct kith_fault *fault)
{
  char services[KITH_AGENCIES_MAX][KITH_MEMBER_ID_BYTES];

  for (unsigned i = 0; i < policy->n_agencies; i++)
    memcpy(services[i], policy->agencies[i].id, sizeof services[i]);
  return kith_rule_parse(out, policy->rule, (const char(*)[KITH_MEMBER_ID_BYTES])services,
                         policy->n_agencies, fault);
}

/* For each party the bit that its service has in the rule; 0 where the policy does not name it. */
static void service_bits(uint32_t bits[KITH_LINKAGE_PARTIES_MAX],
                         const struct kith_linkage_input *input, const char *const *names)
{
  for (unsigned p = 0; p < input->n_parties; p++) {
    bits[p] = 0;
    for (unsigned i = 0; i < input->policy->n_agencies; i++)
      if (strcmp(names[p], input->policy->agencies[i].id) == 0)
        bits[p] = 1u << i;
  }
}

static bool selected(const struct kith_rule *rule, const struct kith_cluster *cluster,
                     const uint32_t bits[KITH_LINKAGE_PARTIES_MAX], unsigned n_parties)
{
  uint32_t present = 0;

  for (unsigned p = 0; p < n_parties; p++)
    if (cluster->parties & 1u << p)
      present |= bits[p];
  return kith_rule_holds(rule, present);
}

/* ---- order
 * ------------------------------------------------------------------------------------------ */

static int compare_content(const struct order *order, const struct kith_cohort_record_ref *a,
                           const struct kith_cohort_record_ref *b)
{
  const struct kith_encodings *left = order->input->parties[a->party];
  const struct kith_encodings *right = order->input->parties[b->party];

  return memcmp(kith_encodings_row(left, a->row), kith_encodings_row(right, b->row), left->stride);
}

static int compare_records(const void *left, const void *right, void *context)
{
  const struct kith_cohort_record_ref *a = left;
  const struct kith_cohort_record_ref *b = right;

  if (a->party != b->party)
    return a->party < b->party ? -1 : 1;
  return compare_content(context, a, b);
}

static unsigned n_services(const struct order *order, const struct kith_cohort_member *member)
{
  return (unsigned)__builtin_popcount(order->result->clusters[member->cluster].parties);
}

static int compare_members(const void *left, const void *right, void *context)
{
  const struct order *order = context;
  const struct kith_cohort_member *a = left;
  const struct kith_cohort_member *b = right;
  uint32_t confidence_a = order->result->clusters[a->cluster].confidence;
  uint32_t confidence_b = order->result->clusters[b->cluster].confidence;

  if (n_services(order, a) != n_services(order, b))
    return n_services(order, a) > n_services(order, b) ? -1 : 1;
  if (confidence_a != confidence_b)
    return confidence_a > confidence_b ? -1 : 1;
  return compare_content(order, &order->selection->records[a->first],
                         &order->selection->records[b->first]);
}

/* ---- selection
 * ------------------------------------------------------------------------------------------ */

/* Members with room for their records, in the order of the clusters; *place: a cluster's member
 * + 1. */
static enum kith_err select_members(struct kith_cohort_selection *out,
                                    const struct kith_linkage_input *input,
                                    const struct kith_linkage_result *result,
                                    const struct kith_rule *rule, const char *const *names,
                                    uint32_t *place)
{
  uint32_t bits[KITH_LINKAGE_PARTIES_MAX];

  service_bits(bits, input, names);
  out->members = KITH_NEW_ARRAY(struct kith_cohort_member, result->n_clusters);
  if (!out->members)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < result->n_clusters; i++) {
    if (!selected(rule, &result->clusters[i], bits, input->n_parties))
      continue;
    out->members[out->n] = (struct kith_cohort_member){(uint32_t)i, (uint32_t)out->n_records, 0};
    out->n_records += result->clusters[i].n_records;
    place[i] = (uint32_t)++out->n;
  }
  out->records = KITH_NEW_ARRAY(struct kith_cohort_record_ref, out->n_records);
  return out->records ? KITH_OK : KITH_ERR_MEMORY;
}

static void fill_records(struct kith_cohort_selection *out, const struct kith_linkage_input *input,
                         const struct kith_linkage_result *result, const uint32_t *place)
{
  for (unsigned p = 0; p < input->n_parties; p++)
    for (uint32_t row = 0; row < input->parties[p]->n; row++) {
      uint32_t at = place[result->cluster_of[p][row]];
      struct kith_cohort_member *member;

      if (!at)
        continue;
      member = &out->members[at - 1];
      out->records[member->first + member->n_records++] =
          (struct kith_cohort_record_ref){row, (uint8_t)p};
    }
}

enum kith_err kith_cohort_select(struct kith_cohort_selection *out,
                                 const struct kith_linkage_input *input,
                                 const struct kith_linkage_result *result, const char *const *names,
                                 struct kith_fault *fault)
{
  struct kith_cohort_selection selection = {0};
  struct order order = {input, result, &selection};
  KITH_AUTO_FREE uint32_t *place = KITH_NEW_ARRAY(uint32_t, result->n_clusters);
  struct kith_rule *rule = NULL;
  enum kith_err err;

  if (!place)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = parse_rule(&rule, input->policy, fault);
  if (err == KITH_OK)
    err = select_members(&selection, input, result, rule, names, place);
  kith_rule_free(rule);
  if (err != KITH_OK) {
    kith_cohort_selection_free(&selection);
    return err;
  }
  fill_records(&selection, input, result, place);
  for (size_t i = 0; i < selection.n; i++)
    qsort_r(selection.records + selection.members[i].first, selection.members[i].n_records,
            sizeof *selection.records, compare_records, &order);
  qsort_r(selection.members, selection.n, sizeof *selection.members, compare_members, &order);
  *out = selection;
  return KITH_OK;
}

void kith_cohort_selection_free(struct kith_cohort_selection *selection)
{
  kith_free(selection->members);
  kith_free(selection->records);
  memset(selection, 0, sizeof *selection);
}
