#include "matcher/linkage/evidence.h"

#include <string.h>

#include "base/mem.h"

/* Hundredths of the fields' weight that both sides have, from which a record is there nearly whole,
 * and for the most part. */
enum { SHARE_NEARLY_ALL = 80, SHARE_MOST = 45 };

/* Hundredths of Dice from which volatile fields are alike, and as good as the same. */
enum { LEVEL_ALIKE = 40, LEVEL_SAME = 75 };

static bool is_one_of(const struct kith_evidence_group *group, const char *field)
{
  for (unsigned i = 0; i < group->n; i++)
    if (strcmp(group->fields[i], field) == 0)
      return true;
  return false;
}

/* Whether fields with this mask have one of the group; of a group that is not encoded nothing can
 * be asked. */
static bool has_one_of(const struct kith_policy *policy, const struct kith_evidence_group *group,
                       unsigned mask)
{
  bool encoded = false;

  for (unsigned i = 0; i < policy->n_fields; i++) {
    if (!is_one_of(group, policy->fields[i].field))
      continue;
    if (mask >> i & 1)
      return true;
    encoded = true;
  }
  return !encoded;
}

static bool has_evidence(const struct kith_policy *policy, unsigned mask)
{
  for (unsigned i = 0; i < policy->evidence.n_groups; i++)
    if (!has_one_of(policy, &policy->evidence.groups[i], mask))
      return false;
  return true;
}

static bool lacks(const struct kith_policy *policy, unsigned mask, const char *field)
{
  for (unsigned i = 0; i < policy->n_fields; i++)
    if (strcmp(policy->fields[i].field, field) == 0)
      return !(mask >> i & 1);
  return false;
}

static uint8_t share_of(const struct kith_policy *policy, unsigned mask)
{
  uint64_t all = 0;
  uint64_t shared = 0;
  /* A field of all names is hardly there where one of the names is not. */
  bool whole_name = !lacks(policy, mask, "given_name") && !lacks(policy, mask, "surname");

  for (unsigned i = 0; i < policy->n_fields; i++) {
    const struct kith_policy_field *field = &policy->fields[i];
    bool of_both = strcmp(field->field, "names") == 0 || strcmp(field->field, "name_forms") == 0;

    if (field->filter)
      continue;
    all += field->weight;
    shared += (mask >> i & 1) && (whole_name || !of_both) ? field->weight : 0;
  }
  if (!has_evidence(policy, mask))
    return 0;
  return shared * 100 >= all * SHARE_NEARLY_ALL ? 1 : shared * 100 >= all * SHARE_MOST ? 2 : 3;
}

enum kith_err kith_classes_init(struct kith_classes *classes,
                                const struct kith_linkage_input *input)
{
  classes->input = input;
  classes->masked = true;
  for (unsigned p = 0; p < input->n_parties; p++)
    classes->masked &= input->parties[p]->n == 0 || input->parties[p]->masks;
  for (unsigned i = 0; i < input->policy->n_fields; i++)
    classes->volatiles |= (uint16_t)((input->policy->fields[i].filter != 0) << i);
  classes->shares = KITH_NEW_ARRAY(uint8_t, KITH_MASKS);
  if (!classes->shares)
    return KITH_ERR_MEMORY;
  for (unsigned mask = 0; mask < KITH_MASKS && mask >> input->policy->n_fields == 0; mask++)
    classes->shares[mask] = share_of(input->policy, mask);
  return KITH_OK;
}

void kith_classes_free(struct kith_classes *classes)
{
  kith_free(classes->shares);
  classes->shares = NULL;
}

bool kith_classes_enough(const struct kith_classes *classes, uint16_t both)
{
  return !classes->masked || classes->shares[both] > 0;
}

uint16_t kith_classes_both(const struct kith_classes *classes, const struct kith_linkage_pair *pair)
{
  const struct kith_encodings *const *parties = classes->input->parties;

  if (!classes->masked)
    return UINT16_MAX;
  return parties[pair->party_a]->masks[pair->row_a] & parties[pair->party_b]->masks[pair->row_b];
}

void kith_classes_levels(const struct kith_classes *classes, uint16_t both, unsigned *first,
                         unsigned *end)
{
  bool told = classes->masked && !classes->flat && (both & classes->volatiles);

  *first = told ? 1 : 0;
  *end = told ? KITH_LEVELS : 1;
}

/* Dice of all filters beyond the first. */
static unsigned level_of(const struct kith_encodings *a, const uint8_t *row_a, const uint8_t *row_b)
{
  unsigned common = 0;
  unsigned sum = 0;

  for (size_t i = a->row_bytes; i < a->stride; i++) {
    common += (unsigned)__builtin_popcount(row_a[i] & row_b[i]);
    sum += (unsigned)__builtin_popcount(row_a[i]) + (unsigned)__builtin_popcount(row_b[i]);
  }
  return common * 200 < sum * LEVEL_ALIKE ? 1 : common * 200 < sum * LEVEL_SAME ? 2 : 3;
}

unsigned kith_class_of(const struct kith_classes *classes, const struct kith_linkage_pair *pair)
{
  const struct kith_encodings *a = classes->input->parties[pair->party_a];
  const struct kith_encodings *b = classes->input->parties[pair->party_b];
  uint16_t both = kith_classes_both(classes, pair);
  unsigned share = classes->masked ? classes->shares[both] : 1;
  unsigned level;
  unsigned end;

  kith_classes_levels(classes, both, &level, &end);
  if (end > 1)
    level = level_of(a, kith_encodings_row(a, pair->row_a), kith_encodings_row(b, pair->row_b));
  return (share ? share - 1 : KITH_SHARES - 1) * KITH_LEVELS + level;
}
