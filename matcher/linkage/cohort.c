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

enum kith_err kith_cohort_table(uint8_t **out, const struct kith_linkage_input *input,
                                const char *const *names, struct kith_fault *fault)
{
  const struct kith_policy *policy = input->policy;
  uint32_t n_sets = 1u << input->n_parties;
  uint8_t *table = KITH_NEW_ARRAY(uint8_t, n_sets);
  struct kith_rule *rule = NULL;
  enum kith_err err =
      table ? parse_rule(&rule, policy, fault) : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");

  for (uint32_t set = 0; err == KITH_OK && set < n_sets; set++) {
    uint32_t present = 0;

    for (unsigned p = 0; p < input->n_parties; p++)
      for (unsigned i = 0; set >> p & 1 && i < policy->n_agencies; i++)
        if (strcmp(names[p], policy->agencies[i].id) == 0)
          present |= 1u << i;
    table[set] = kith_rule_holds(rule, present);
  }
  kith_rule_free(rule);
  if (err != KITH_OK) {
    kith_free(table);
    return err;
  }
  *out = table;
  return KITH_OK;
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
                                    const struct kith_linkage_result *result, const uint8_t *table,
                                    uint32_t *place)
{
  out->members = KITH_NEW_ARRAY(struct kith_cohort_member, result->n_clusters);
  if (!out->members)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < result->n_clusters; i++) {
    if (!table[result->clusters[i].parties])
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
  KITH_AUTO_FREE uint8_t *table = NULL;
  enum kith_err err;

  if (!place)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cohort_table(&table, input, names, fault);
  if (err == KITH_OK)
    err = select_members(&selection, result, table, place);
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
