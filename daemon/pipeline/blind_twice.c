/* Records of one person within an agency, in the clear: Fellegi and Sunter's weights on the overlap
 * of q-grams, agreement weighed by how often the value occurs in this agency's own file. Households
 * share all but names and dates, so these two must agree whatever the rest says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/blind.h"

enum {
  GROUP_MAX = 50, /* of records with one value: more say nothing about a person */
  PASSES = 8,     /* of estimating how many duplicates there are */
  PPM = 1000000,
  LEVELS = 5 /* the same, much, some, little, nothing in common */
};
static const double overlap_least[LEVELS - 1] = {1, 0.5, 0.25, 1e-9};
static const double name_overlap_min = 0.25;
static const double birth_overlap_min = 0.25;
static const double first_share = 0.02; /* duplicates for each record, to begin with */
static const double even = 0.5;

enum kind { KIND_NAME, KIND_FORMS, KIND_BIRTH, KIND_SEX, KIND_PLACE, KIND_COUNT };

/* How often levels come up among records of one person, and of two. Of the first, `u` is the
 * value's own frequency instead. Forms only help to tell whether names agree. */
static const struct {
  double m[LEVELS];
  double u[LEVELS];
} chances[KIND_COUNT] = {
    [KIND_NAME] = {{0.82, 0.08, 0.05, 0.02, 0.03}, {0, 0.002, 0.01, 0.15, 0.84}},
    [KIND_FORMS] = {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
    [KIND_BIRTH] = {{0.94, 0.02, 0.03, 0.005, 0.005}, {0, 0.0005, 0.01, 0.5, 0.49}},
    [KIND_SEX] = {{0.985, 0.005, 0.005, 0.005, 0.015}, {0, 0.5, 0.5, 0.5, 0.5}},
    [KIND_PLACE] = {{0.6, 0.05, 0.1, 0.15, 0.1}, {0, 0.01, 0.2, 0.5, 0.29}},
};

struct kith_blind_twins {
  const struct kith_blind_agency *agency;
  enum kind kinds[KITH_BLIND_FIELDS_MAX];
  uint32_t *counts;  /* owned; records x fields: how many have the same value */
  double prior;      /* log odds of a pair taken at random */
  double *log_count; /* owned; 0 .. n */
};

static enum kind kind_of(const char *field)
{
  static const struct {
    const char *name;
    enum kind kind;
  } kinds[] = {{"date_of_birth", KIND_BIRTH}, {"sex", KIND_SEX},
               {"postcode", KIND_PLACE},      {"street", KIND_PLACE},
               {"town", KIND_PLACE},          {"name_forms", KIND_FORMS},
               {"names", KIND_FORMS},         {"middle_names", KIND_FORMS},
               {"known_as", KIND_FORMS}};

  for (size_t i = 0; i < KITH_COUNT_OF(kinds); i++)
    if (strcmp(field, kinds[i].name) == 0)
      return kinds[i].kind;
  return KIND_NAME;
}

/* ---- fields of two records */

static const uint32_t *grams_of(const struct kith_blind_agency *agency, uint32_t record, unsigned f)
{
  return agency->pool + agency->records[record].first[f];
}

static unsigned n_common(const struct kith_blind_agency *agency, uint32_t a, uint32_t b, unsigned f)
{
  const uint32_t *in_a = grams_of(agency, a, f);
  const uint32_t *in_b = grams_of(agency, b, f);
  unsigned n_a = agency->records[a].n[f];
  unsigned n_b = agency->records[b].n[f];
  unsigned n = 0;

  for (unsigned i = 0, k = 0; i < n_a && k < n_b;) {
    uint32_t gram = in_a[i];

    n += gram == in_b[k];
    i += gram <= in_b[k];
    k += in_b[k] <= gram;
  }
  return n;
}

static double overlap_of(const struct kith_blind_agency *agency, uint32_t a, uint32_t b, unsigned f)
{
  unsigned common = n_common(agency, a, b, f);
  unsigned all = agency->records[a].n[f] + agency->records[b].n[f] - common;

  return all ? (double)common / all : 0;
}

/* Twins have all but the given name; a father and his son all but the date. */
static bool could_be_one(const struct kith_blind_twins *twins, uint32_t a, uint32_t b)
{
  const struct kith_blind_agency *agency = twins->agency;
  unsigned missing = agency->records[a].missing | agency->records[b].missing;
  bool names = true;
  bool forms = false;
  bool births = true;

  for (unsigned f = 0; f < agency->layout.n_fields; f++) {
    const char *field = agency->policy->blind.fields[f].field;

    if (missing >> f & 1)
      continue;
    if (strcmp(field, "given_name") == 0)
      names = overlap_of(agency, a, b, f) >= name_overlap_min;
    else if (strcmp(field, "name_forms") == 0)
      forms = n_common(agency, a, b, f) >= 2;
    else if (twins->kinds[f] == KIND_BIRTH)
      births = overlap_of(agency, a, b, f) >= birth_overlap_min;
  }
  return (names || forms) && births;
}

static double weight_of(const struct kith_blind_twins *twins, uint32_t a, uint32_t b)
{
  const struct kith_blind_agency *agency = twins->agency;
  unsigned n_fields = agency->layout.n_fields;
  unsigned missing = agency->records[a].missing | agency->records[b].missing;
  double sum = 0;

  for (unsigned f = 0; f < n_fields; f++) {
    double overlap;
    unsigned level = 0;

    if ((missing >> f & 1) || twins->kinds[f] == KIND_FORMS)
      continue;
    overlap = overlap_of(agency, a, b, f);
    while (level < LEVELS - 1 && overlap < overlap_least[level])
      level++;
    sum += log(chances[twins->kinds[f]].m[level]);
    sum -= level ? log(chances[twins->kinds[f]].u[level])
                 : twins->log_count[twins->counts[a * n_fields + f]] - twins->log_count[agency->n];
  }
  return sum;
}

double kith_blind_twins_probability(const struct kith_blind_twins *twins, uint32_t a, uint32_t b)
{
  if (!could_be_one(twins, a, b))
    return 0;
  return 1 / (1 + exp(-twins->prior - weight_of(twins, a, b)));
}

/* ---- how often values occur */

struct value {
  uint64_t hash;
  uint32_t record;
};

static int compare_values(const void *left, const void *right)
{
  const struct value *a = left;
  const struct value *b = right;

  return (a->hash > b->hash) - (a->hash < b->hash);
}

static enum kith_err count_values(struct kith_blind_twins *twins, unsigned f)
{
  const struct kith_blind_agency *agency = twins->agency;
  KITH_AUTO_FREE struct value *values = KITH_NEW_ARRAY(struct value, agency->n);

  if (!values)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; i < agency->n; i++) {
    const uint32_t *grams = grams_of(agency, i, f);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (unsigned k = 0; k < agency->records[i].n[f]; k++) {
      hash = (hash ^ grams[k]) * UINT64_C(0x9e3779b97f4a7c15);
      hash ^= hash >> 32;
    }
    values[i] = (struct value){hash, i};
  }
  if (agency->n > 1)
    qsort(values, agency->n, sizeof *values, compare_values);
  for (size_t first = 0, end; first < agency->n; first = end) {
    for (end = first + 1; end < agency->n && values[end].hash == values[first].hash;)
      end++;
    for (size_t i = first; i < end; i++)
      twins->counts[values[i].record * agency->layout.n_fields + f] = (uint32_t)(end - first);
  }
  return KITH_OK;
}

/* ---- life */

static double log_odds(const struct kith_blind_agency *agency, double duplicates)
{
  double n = (double)agency->n;
  double pairs = n > 1 ? n * (n - 1) / 2 : 1;

  return log((duplicates > 1 ? duplicates : 1) / pairs);
}

enum kith_err kith_blind_twins_new(struct kith_blind_twins **out,
                                   const struct kith_blind_agency *agency)
{
  struct kith_blind_twins *twins = KITH_NEW(struct kith_blind_twins);
  enum kith_err err = twins ? KITH_OK : KITH_ERR_MEMORY;

  if (twins) {
    twins->agency = agency;
    twins->counts = KITH_NEW_ARRAY(uint32_t, agency->n * agency->layout.n_fields);
    twins->log_count = KITH_NEW_ARRAY(double, agency->n + 1);
    twins->prior = log_odds(agency, (double)(agency->n - agency->n_people));
    err = twins->counts && twins->log_count ? KITH_OK : KITH_ERR_MEMORY;
  }
  for (size_t i = 1; err == KITH_OK && i <= agency->n; i++)
    twins->log_count[i] = log((double)i);
  for (unsigned f = 0; err == KITH_OK && f < agency->layout.n_fields; f++) {
    twins->kinds[f] = kind_of(agency->policy->blind.fields[f].field);
    err = count_values(twins, f);
  }
  if (err == KITH_OK)
    *out = twins;
  else
    kith_blind_twins_free(twins);
  return err;
}

void kith_blind_twins_free(struct kith_blind_twins *twins)
{
  if (!twins)
    return;
  kith_free(twins->counts);
  kith_free(twins->log_count);
  kith_free(twins);
}

/* ---- pairs that share a match key */

struct pair {
  uint32_t a;
  uint32_t b;
  double weight;
};
struct pairs {
  struct pair *items; /* owned */
  size_t n;
  size_t cap;
};

static int compare_pairs(const void *left, const void *right)
{
  const struct pair *a = left;
  const struct pair *b = right;

  if (a->a != b->a)
    return a->a < b->a ? -1 : 1;
  return (a->b > b->b) - (a->b < b->b);
}

static enum kith_err pairs_add(struct pairs *pairs, const struct kith_blind_twins *twins,
                               uint32_t a, uint32_t b)
{
  if (!could_be_one(twins, a, b))
    return KITH_OK;
  if (pairs->n == pairs->cap) {
    size_t cap = pairs->cap * 2 + 1024;
    struct pair *grown = kith_realloc(pairs->items, cap, sizeof *grown);

    if (!grown)
      return KITH_ERR_MEMORY;
    pairs->items = grown;
    pairs->cap = cap;
  }
  pairs->items[pairs->n++] = (struct pair){a < b ? a : b, a < b ? b : a, weight_of(twins, a, b)};
  return KITH_OK;
}

static enum kith_err pairs_of_key(struct pairs *pairs, const struct kith_blind_twins *twins,
                                  unsigned match_key)
{
  struct kith_blind_holder *holders = NULL;
  size_t n = 0;
  enum kith_err err = kith_blind_holders(&holders, &n, twins->agency, match_key, NULL, 0);

  for (size_t first = 0, end; first < n && err == KITH_OK; first = end) {
    for (end = first + 1; end < n && memcmp(&holders[end].digest, &holders[first].digest,
                                            sizeof holders[end].digest) == 0;)
      end++;
    for (size_t i = first; end - first <= GROUP_MAX && i < end; i++)
      for (size_t k = i + 1; k < end && err == KITH_OK; k++)
        err = pairs_add(pairs, twins, holders[i].record, holders[k].record);
  }
  kith_free(holders);
  return err;
}

static void drop_repeated(struct pairs *pairs)
{
  size_t n = 0;

  if (pairs->n)
    qsort(pairs->items, pairs->n, sizeof *pairs->items, compare_pairs);
  for (size_t i = 0; i < pairs->n; i++)
    if (n == 0 || compare_pairs(&pairs->items[i], &pairs->items[n - 1]) != 0)
      pairs->items[n++] = pairs->items[i];
  pairs->n = n;
}

/* ---- people */

static double probability_of(const struct pair *pair, double prior)
{
  return 1 / (1 + exp(-prior - pair->weight));
}

/* As many duplicates as the pairs then say there are. */
static double find_prior(const struct kith_blind_agency *agency, const struct pairs *pairs)
{
  double prior = log_odds(agency, first_share * (double)agency->n);

  for (unsigned pass = 0; pass < PASSES; pass++) {
    uint64_t sum = 0; /* whole numbers: no order shows */

    for (size_t i = 0; i < pairs->n; i++)
      sum += (uint64_t)(probability_of(&pairs->items[i], prior) * PPM);
    prior = log_odds(agency, (double)sum / PPM);
  }
  return prior;
}

static uint32_t root_of(struct kith_blind_agency *agency, uint32_t record)
{
  while (agency->records[record].person != record) {
    uint32_t next = agency->records[record].person;

    agency->records[record].person = agency->records[next].person;
    record = next;
  }
  return record;
}

/* Whether a stands for the person rather than b: more fields, more letters, then by handle. */
static bool leads(const struct kith_blind_agency *agency, uint32_t a, uint32_t b)
{
  const struct kith_blind_record *left = &agency->records[a];
  const struct kith_blind_record *right = &agency->records[b];
  int fields = __builtin_popcount(right->missing) - __builtin_popcount(left->missing);
  int grams = 0;

  for (unsigned f = 0; f < agency->layout.n_fields; f++)
    grams += left->n[f] - right->n[f];
  return fields ? fields > 0 : grams ? grams > 0 : left->handle < right->handle;
}

static void merge(struct kith_blind_agency *agency, const struct pair *pair, double probability)
{
  uint32_t a = root_of(agency, pair->a);
  uint32_t b = root_of(agency, pair->b);
  uint32_t ppm = (uint32_t)(probability * PPM);
  const uint32_t ends[] = {pair->a, pair->b};

  for (unsigned i = 0; i < 2; i++)
    if (agency->records[ends[i]].probability < ppm)
      agency->records[ends[i]].probability = ppm;
  if (a != b)
    agency->records[leads(agency, a, b) ? b : a].person = leads(agency, a, b) ? a : b;
}

/* What the record that stands for the person lacks is taken from another of them, the one of least
 * handle that has it. */
static void complete(struct kith_blind_agency *agency, uint32_t person, uint32_t from)
{
  struct kith_blind_record *to = &agency->records[person];
  const struct kith_blind_record *of = &agency->records[from];
  const struct kith_match_digest none = {{0}};
  unsigned n_keys = agency->layout.n_keys;

  for (unsigned f = 0; f < agency->layout.n_fields; f++)
    if ((to->missing & ~of->missing) >> f & 1) {
      to->first[f] = of->first[f];
      to->n[f] = of->n[f];
      to->missing &= (uint16_t) ~(1u << f);
    }
  for (unsigned k = 0; k < n_keys; k++) {
    struct kith_match_digest *digest = &agency->digests[person * (size_t)n_keys + k];

    if (memcmp(digest, &none, sizeof none) == 0)
      *digest = agency->digests[from * (size_t)n_keys + k];
  }
}

static int compare_members(const void *left, const void *right, void *context)
{
  const struct kith_blind_record *records = context;
  uint64_t a = records[*(const uint32_t *)left].handle;
  uint64_t b = records[*(const uint32_t *)right].handle;

  return (a > b) - (a < b);
}

static enum kith_err list_people(struct kith_blind_agency *agency)
{
  KITH_AUTO_FREE uint32_t *others = KITH_NEW_ARRAY(uint32_t, agency->n);
  size_t n = 0;

  agency->people = KITH_NEW_ARRAY(uint32_t, agency->n);
  if (!agency->people || !others)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; i < agency->n; i++) {
    agency->records[i].person = root_of(agency, i);
    if (agency->records[i].person == i)
      agency->people[agency->n_people++] = i;
    else
      others[n++] = i;
  }
  if (n > 1)
    qsort_r(others, n, sizeof *others, compare_members, agency->records);
  for (size_t i = 0; i < n; i++)
    complete(agency, agency->records[others[i]].person, others[i]);
  return KITH_OK;
}

enum kith_err kith_blind_merge_duplicates(struct kith_blind_agency *agency)
{
  struct kith_blind_twins *twins = NULL;
  struct pairs pairs = {0};
  enum kith_err err = kith_blind_twins_new(&twins, agency);

  for (unsigned k = 0; k < agency->layout.n_keys && err == KITH_OK; k++)
    err = pairs_of_key(&pairs, twins, k);
  if (err == KITH_OK) {
    double prior;

    drop_repeated(&pairs);
    prior = find_prior(agency, &pairs);
    for (size_t i = 0; i < pairs.n; i++) {
      double probability = probability_of(&pairs.items[i], prior);

      if (probability >= even)
        merge(agency, &pairs.items[i], probability);
    }
    err = list_people(agency);
  }
  kith_free(pairs.items);
  kith_blind_twins_free(twins);
  return err;
}

uint32_t kith_blind_overlap(const struct kith_blind_agency *agency, uint32_t a, uint32_t b)
{
  unsigned missing = agency->records[a].missing | agency->records[b].missing;
  double weights = 0;
  double sum = 0;

  for (unsigned f = 0; f < agency->layout.n_fields; f++) {
    if (missing >> f & 1)
      continue;
    weights += agency->policy->blind.fields[f].weight;
    sum += agency->policy->blind.fields[f].weight * overlap_of(agency, a, b, f);
  }
  return weights > 0 ? (uint32_t)lrint(sum / weights * PPM) : 0;
}
