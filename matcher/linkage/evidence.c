#include "matcher/linkage/evidence.h"

#include <string.h>

#include "base/mem.h"

/* Hundredths of the fields' weight that both sides have, from which a record is there nearly whole,
 * and for the most part. */
enum { SHARE_NEARLY_ALL = 80, SHARE_MOST = 45 };

/* Hundredths of Dice from which volatile fields are alike, and as good as the same. */
enum { LEVEL_ALIKE = 40, LEVEL_SAME = 75 };

enum { GIVEN_NAME = 1, SURNAME = 2, NAMES = 4, BIRTH = 8, POSTCODE = 16 };

/* The fields that say something on their own. */
static unsigned kind_of(const char *field)
{
  static const char *const kinds[] = {"given_name", "surname", "names", "date_of_birth",
                                      "postcode"};
  for (unsigned i = 0; i < KITH_COUNT_OF(kinds); i++)
    if (strcmp(field, kinds[i]) == 0)
      return 1u << i;
  return strcmp(field, "name_forms") == 0 ? NAMES : 0;
}

static bool lacks(unsigned there, unsigned encoded, unsigned kinds)
{
  return (encoded & kinds) && !(there & kinds);
}

static uint8_t share_of(const struct kith_policy *policy, unsigned mask)
{
  uint64_t all = 0;
  uint64_t shared = 0;
  uint64_t names = 0;
  unsigned encoded = 0;
  unsigned there = 0;

  for (unsigned i = 0; i < policy->n_fields; i++) {
    unsigned kind = kind_of(policy->fields[i].field);

    if (policy->fields[i].filter)
      continue;
    all += policy->fields[i].weight;
    encoded |= kind;
    if (mask >> i & 1) {
      shared += policy->fields[i].weight;
      there |= kind;
      names += kind == NAMES ? policy->fields[i].weight : 0;
    }
  }
  if (lacks(there, encoded, GIVEN_NAME | SURNAME | NAMES) ||
      lacks(there, encoded, BIRTH | POSTCODE) || shared == 0)
    return 0;
  /* A field of all names is hardly there where one of the names is not. */
  if (lacks(there, encoded, GIVEN_NAME) || lacks(there, encoded, SURNAME))
    shared -= names;
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
