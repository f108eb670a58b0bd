#include "daemon/pipeline/patterns.h"

#include <string.h>

#include "base/mem.h"

enum { MASKS = 1 << KITH_FIELDS_MAX, KEPT_MORE = 4096, GIFTS_MAX = 8192 };

/* So many records of a pattern keep company with a rarer one. */
struct gift {
  uint16_t from;
  uint16_t to;
  uint64_t n;
};

struct kith_patterns {
  unsigned minimum; /* 1: nothing is coarsened */
  unsigned n_fields;
  uint32_t weights[KITH_FIELDS_MAX];
  unsigned n_groups;
  uint16_t groups[KITH_EVIDENCE_GROUPS_MAX]; /* fields that give a group of the evidence; not 0 */
  uint64_t *counts;                          /* owned; MASKS; records as they came */
  uint64_t *kept;                            /* owned; MASKS; of these, to be kept */
  uint64_t n_kept_more;
  uint64_t *held; /* owned; MASKS; where the plan has put them */
  uint16_t *to;   /* owned; MASKS; one step of a pattern's way */
  uint16_t *list; /* owned; the patterns that hold records */
  unsigned n_list;
  struct gift *gifts; /* owned; GIFTS_MAX */
  size_t n_gifts;
  uint64_t n_coarsened;
  uint64_t n_lost;
};

/* ---- what a policy's field says */

static bool is_name(enum kith_field field)
{
  return field == KITH_FIELD_GIVEN_NAME || field == KITH_FIELD_SURNAME ||
         field == KITH_FIELD_NAMES || field == KITH_FIELD_NAME_FORMS;
}

/* Whether a field that is encoded says what the evidence asks for. */
static bool gives(enum kith_field encoded, enum kith_field asked)
{
  bool of_both = encoded == KITH_FIELD_NAMES || encoded == KITH_FIELD_NAME_FORMS ||
                 asked == KITH_FIELD_NAMES || asked == KITH_FIELD_NAME_FORMS;

  return encoded == asked || (of_both && is_name(encoded) && is_name(asked));
}

static void groups_make(struct kith_patterns *patterns, const struct kith_policy *policy)
{
  for (unsigned g = 0; g < policy->evidence.n_groups; g++) {
    const struct kith_evidence_group *group = &policy->evidence.groups[g];
    uint16_t fields = 0;

    for (unsigned i = 0; i < policy->n_fields; i++)
      for (unsigned k = 0; k < group->n; k++)
        if (gives(kith_field_of_policy(policy->fields[i].field),
                  kith_field_of_policy(group->fields[k])))
          fields = (uint16_t)(fields | 1u << i);
    if (fields)
      patterns->groups[patterns->n_groups++] = fields;
  }
}

static bool has_value(const struct kith_values *values)
{
  for (unsigned i = 0; i < values->n; i++)
    if (values->text[i][0])
      return true;
  return false;
}

uint16_t kith_pattern_of(const struct kith_policy *policy, const struct kith_record *record)
{
  uint16_t mask = 0;

  for (unsigned i = 0; i < policy->n_fields; i++) {
    enum kith_field field = kith_field_of_policy(policy->fields[i].field);
    bool there = false;

    if (field == KITH_FIELD_NAMES)
      there = has_value(&record->values[KITH_FIELD_GIVEN_NAME]) ||
              has_value(&record->values[KITH_FIELD_SURNAME]);
    else if (field == KITH_FIELD_NAME_FORMS)
      there = has_value(&record->name_forms);
    else if (field < KITH_FIELD_COUNT)
      there = has_value(&record->values[field]);
    mask = (uint16_t)(mask | (unsigned)there << i);
  }
  return mask;
}

/* ---- the plan */

static uint32_t weight_of(const struct kith_patterns *patterns, uint16_t mask)
{
  uint32_t weight = 0;

  for (unsigned left = mask; left; left &= left - 1)
    weight += patterns->weights[__builtin_ctz(left)];
  return weight;
}

/* What a pattern had of the evidence, it must keep. */
static bool keeps_evidence(const struct kith_patterns *patterns, uint16_t from, uint16_t to)
{
  for (unsigned g = 0; g < patterns->n_groups; g++)
    if ((from & patterns->groups[g]) && !(to & patterns->groups[g]))
      return false;
  return to != 0;
}

static uint16_t end_of(const struct kith_patterns *patterns, uint16_t mask)
{
  while (patterns->to[mask] != mask)
    mask = patterns->to[mask];
  return mask;
}

/* A pattern without records can be a place for some. */
static void move(struct kith_patterns *patterns, uint16_t from, uint16_t to)
{
  if (from == to)
    return;
  if (patterns->held[to] == 0 && to != 0)
    patterns->list[patterns->n_list++] = to;
  patterns->held[to] += patterns->held[from];
  patterns->held[from] = 0;
  patterns->to[from] = to;
}

static void list_tidy(struct kith_patterns *patterns)
{
  unsigned n = 0;

  for (unsigned i = 0; i < patterns->n_list; i++)
    if (patterns->held[patterns->list[i]])
      patterns->list[n++] = patterns->list[i];
  patterns->n_list = n;
}

/* The rare pattern that is dealt with next: of the fewest records, then the one with more to lose.
 * 0: there is none. */
static uint16_t rarest(const struct kith_patterns *patterns)
{
  uint16_t best = 0;

  for (unsigned i = 0; i < patterns->n_list; i++) {
    uint16_t mask = patterns->list[i];
    uint64_t held = patterns->held[mask];

    if (held >= patterns->minimum)
      continue;
    if (best == 0 || held < patterns->held[best] ||
        (held == patterns->held[best] &&
         (weight_of(patterns, mask) > weight_of(patterns, best) ||
          (weight_of(patterns, mask) == weight_of(patterns, best) && mask > best))))
      best = mask;
  }
  return best;
}

/* Where the rare pattern meets another at the least loss of weight over both their records. A
 * common pattern never gives up a field. *with: the other; 0 where there is none to meet. */
static uint16_t meeting(const struct kith_patterns *patterns, uint16_t rare, uint16_t *with,
                        uint64_t *cost)
{
  uint64_t least = UINT64_MAX;
  uint16_t best = 0;

  *with = 0;
  for (unsigned i = 0; i < patterns->n_list; i++) {
    uint16_t other = patterns->list[i];
    uint16_t to = end_of(patterns, rare & other);
    uint64_t loss;

    if (other == rare || !keeps_evidence(patterns, rare, to) ||
        !keeps_evidence(patterns, other, to) ||
        (to != other && patterns->held[other] >= patterns->minimum))
      continue;
    loss = patterns->held[rare] * (weight_of(patterns, rare) - weight_of(patterns, to)) +
           patterns->held[other] * (weight_of(patterns, other) - weight_of(patterns, to));
    if (loss < least || (loss == least && (to > best || (to == best && other > *with)))) {
      least = loss;
      best = to;
      *with = other;
    }
  }
  *cost = least;
  return best;
}

/* ---- company */

/* How many records of a common pattern can go with the rare one. */
static uint64_t spare(const struct kith_patterns *patterns, uint16_t from, uint16_t to)
{
  uint64_t more =
      patterns->held[from] < patterns->minimum ? 0 : patterns->held[from] - patterns->minimum;

  if ((from & to) != to || from == to || !keeps_evidence(patterns, from, to))
    return 0;
  return more < patterns->kept[from] ? more : patterns->kept[from];
}

/* The common pattern that loses least by it, next to the one that lost `more_than`, `after`; 0:
 * there is none. */
static uint16_t donor(const struct kith_patterns *patterns, uint16_t to, uint32_t *loss,
                      uint32_t more_than, uint16_t after)
{
  uint16_t best = 0;

  for (unsigned i = 0; i < patterns->n_list; i++) {
    uint16_t from = patterns->list[i];
    uint32_t lost = weight_of(patterns, from) - weight_of(patterns, to);

    if (spare(patterns, from, to) == 0 || lost < more_than || (lost == more_than && from <= after))
      continue;
    if (best == 0 || lost < *loss || (lost == *loss && from < best)) {
      best = from;
      *loss = lost;
    }
  }
  return best;
}

/* What making the rare pattern common by company costs, and with `give` does it; UINT64_MAX where
 * too few can be found. */
static uint64_t company(struct kith_patterns *patterns, uint16_t rare, bool give)
{
  uint64_t need = patterns->minimum - patterns->held[rare];
  uint64_t cost = 0;
  uint32_t loss = 0;
  uint16_t from = 0;

  if (patterns->n_gifts + need > GIFTS_MAX)
    return UINT64_MAX;
  while (need > 0 && (from = donor(patterns, rare, &loss, loss, from)) != 0) {
    uint64_t n = spare(patterns, from, rare) < need ? spare(patterns, from, rare) : need;

    if (give) {
      patterns->gifts[patterns->n_gifts++] = (struct gift){from, rare, n};
      patterns->held[from] -= n;
      patterns->kept[from] -= n;
      patterns->held[rare] += n;
      patterns->n_coarsened += n;
    }
    need -= n;
    cost += n * loss;
  }
  return need ? UINT64_MAX : cost;
}

/* ---- all of it */

static void totals(struct kith_patterns *patterns)
{
  for (unsigned mask = 0; mask < MASKS; mask++) {
    uint16_t to = end_of(patterns, (uint16_t)mask);

    if (to == mask || patterns->counts[mask] == 0)
      continue;
    if (to)
      patterns->n_coarsened += patterns->counts[mask];
    else
      patterns->n_lost += patterns->counts[mask];
  }
}

void kith_patterns_plan(struct kith_patterns *patterns)
{
  uint64_t n = 0;
  uint16_t rare;

  for (unsigned mask = 0; mask < MASKS; mask++)
    n += patterns->counts[mask];
  if (patterns->minimum <= 1 || n < patterns->minimum)
    return;
  memcpy(patterns->held, patterns->counts, MASKS * sizeof *patterns->held);
  for (unsigned mask = 1; mask < MASKS; mask++)
    if (patterns->held[mask])
      patterns->list[patterns->n_list++] = (uint16_t)mask;
  while ((rare = rarest(patterns)) != 0) {
    uint64_t all = patterns->held[rare] * weight_of(patterns, rare);
    uint64_t loss = UINT64_MAX;
    uint16_t with;
    uint16_t to = meeting(patterns, rare, &with, &loss);
    uint64_t of_company = company(patterns, rare, false);

    if (of_company < loss && of_company < all) {
      (void)company(patterns, rare, true);
      continue;
    }
    if (loss >= all)
      with = to = 0;
    if (with)
      move(patterns, with, to);
    move(patterns, rare, to);
    list_tidy(patterns);
  }
  totals(patterns);
}

uint16_t kith_patterns_take(struct kith_patterns *patterns, uint16_t mask)
{
  for (size_t i = 0; i < patterns->n_gifts; i++) {
    struct gift *gift = &patterns->gifts[i];

    if (gift->from == mask && gift->n > 0) {
      gift->n--;
      return end_of(patterns, gift->to);
    }
  }
  return end_of(patterns, mask);
}

uint64_t kith_patterns_coarsened(const struct kith_patterns *patterns)
{
  return patterns->n_coarsened;
}

uint64_t kith_patterns_lost(const struct kith_patterns *patterns)
{
  return patterns->n_lost;
}

/* ---- life */

bool kith_patterns_add(struct kith_patterns *patterns, uint16_t mask)
{
  bool few = ++patterns->counts[mask] < patterns->minimum;

  if (mask == 0 || patterns->minimum <= 1 || (!few && patterns->n_kept_more == KEPT_MORE))
    return false;
  patterns->n_kept_more += !few;
  patterns->kept[mask]++;
  return true;
}

enum kith_err kith_patterns_new(struct kith_patterns **out, const struct kith_policy *policy)
{
  struct kith_patterns *patterns = KITH_NEW(struct kith_patterns);

  if (!patterns)
    return KITH_ERR_MEMORY;
  patterns->minimum = policy->mask ? policy->mask_minimum : 1;
  patterns->n_fields = policy->n_fields;
  for (unsigned i = 0; i < policy->n_fields; i++)
    patterns->weights[i] = policy->fields[i].weight;
  groups_make(patterns, policy);
  patterns->counts = KITH_NEW_ARRAY(uint64_t, MASKS);
  patterns->kept = KITH_NEW_ARRAY(uint64_t, MASKS);
  patterns->held = KITH_NEW_ARRAY(uint64_t, MASKS);
  patterns->gifts = KITH_NEW_ARRAY(struct gift, GIFTS_MAX);
  patterns->to = KITH_NEW_ARRAY(uint16_t, MASKS);
  patterns->list = KITH_NEW_ARRAY(uint16_t, MASKS + 2);
  if (!patterns->counts || !patterns->kept || !patterns->held || !patterns->gifts ||
      !patterns->to || !patterns->list) {
    kith_patterns_free(patterns);
    return KITH_ERR_MEMORY;
  }
  for (unsigned mask = 0; mask < MASKS; mask++)
    patterns->to[mask] = (uint16_t)mask;
  *out = patterns;
  return KITH_OK;
}

void kith_patterns_free(struct kith_patterns *patterns)
{
  if (!patterns)
    return;
  kith_free(patterns->counts);
  kith_free(patterns->kept);
  kith_free(patterns->held);
  kith_free(patterns->gifts);
  kith_free(patterns->to);
  kith_free(patterns->list);
  kith_free(patterns);
}
