#include "cli/evaluate/evaluation_cohort.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct counter {
  const struct kith_evaluation_cohort_input *input;
  struct kith_evaluation_cohort *out;
  uint32_t *order;     /* records with an entry, by entry, then entity */
  uint32_t *by_entity; /* all records, by entity */
  uint32_t *set;       /* of an entity: its parties */
  uint8_t *listed;     /* an entity: has an entry */
  uint32_t *seen;      /* of a group: the entry or entity that counted in it last, plus 1 */
};

static int compare_entries(const void *left, const void *right, void *context)
{
  const struct kith_evaluation_cohort_input *input = context;
  uint32_t a = *(const uint32_t *)left;
  uint32_t b = *(const uint32_t *)right;

  if (input->entries[a] != input->entries[b])
    return input->entries[a] < input->entries[b] ? -1 : 1;
  if (input->records[a].entity != input->records[b].entity)
    return input->records[a].entity < input->records[b].entity ? -1 : 1;
  return (a > b) - (a < b);
}

static int compare_entities(const void *left, const void *right, void *context)
{
  const struct kith_evaluation_cohort_input *input = context;
  uint32_t a = *(const uint32_t *)left;
  uint32_t b = *(const uint32_t *)right;

  if (input->records[a].entity != input->records[b].entity)
    return input->records[a].entity < input->records[b].entity ? -1 : 1;
  return (a > b) - (a < b);
}

static void add(struct kith_cohort_tally *sum, const struct kith_cohort_tally *one)
{
  sum->listed += one->listed;
  sum->wrong += one->wrong;
  sum->repeated += one->repeated;
  sum->mixed += one->mixed;
  sum->missed += one->missed;
  sum->belong += one->belong;
}

/* Adds one entry or person with these parties and records to all that it is part of. `mark` is a
 * number of its own. */
static void add_all(struct counter *counter, const struct kith_cohort_tally *one, uint32_t set,
                    const uint32_t *records, size_t n, uint32_t mark)
{
  uint32_t n_parties = counter->input->n_parties;

  add(&counter->out->all, one);
  add(&counter->out->services[__builtin_popcount(set)], one);
  for (uint32_t p = 0; p < n_parties; p++)
    for (uint32_t q = p + 1; (set >> p & 1) && q < n_parties; q++)
      if (set >> q & 1)
        add(&counter->out->pairs[(size_t)p * n_parties + q], one);
  for (size_t i = 0; i < n; i++) {
    uint32_t group = counter->input->records[records[i]].group;

    if (group != KITH_EVALUATION_NONE && counter->seen[group] != mark) {
      counter->seen[group] = mark;
      add(&counter->out->groups[group], one);
    }
  }
}

/* records[0 .. n): those of one entry, by entity. */
static void count_entry(struct counter *counter, const uint32_t *records, size_t n, uint32_t mark)
{
  const struct kith_evaluation_cohort_input *input = counter->input;
  struct kith_cohort_tally one = {.listed = 1};
  uint32_t person = 0;
  uint32_t set = 0;
  size_t most = 0;
  bool belongs = false;

  for (size_t i = 0, end; i < n; i = end) {
    uint32_t entity = input->records[records[i]].entity;
    bool good = input->table[counter->set[entity]];

    for (end = i; end < n && input->records[records[end]].entity == entity; end++)
      set |= 1u << input->records[records[end]].party;
    if (end - i > most || (end - i == most && good && !belongs)) {
      most = end - i;
      person = entity;
      belongs = good;
    }
  }
  one.repeated = belongs && counter->listed[person];
  one.wrong = !belongs || one.repeated;
  one.mixed = !one.wrong && most < n;
  if (!one.wrong)
    counter->listed[person] = 1;
  add_all(counter, &one, set, records, n, mark);
}

static void count_entries(struct counter *counter)
{
  const struct kith_evaluation_cohort_input *input = counter->input;
  size_t n = 0;

  for (size_t i = 0; i < input->n_records; i++)
    if (input->entries[i] != KITH_EVALUATION_NONE)
      counter->order[n++] = (uint32_t)i;
  if (n > 1)
    qsort_r(counter->order, n, sizeof *counter->order, compare_entries, (void *)input);
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i + 1;
         end < n && input->entries[counter->order[end]] == input->entries[counter->order[i]];)
      end++;
    count_entry(counter, counter->order + i, end - i, input->entries[counter->order[i]] + 1);
  }
}

static void count_people(struct counter *counter)
{
  const struct kith_evaluation_cohort_input *input = counter->input;
  const uint32_t *records = counter->by_entity;

  for (size_t i = 0, end; i < input->n_records; i = end) {
    uint32_t entity = input->records[records[i]].entity;
    uint32_t set = counter->set[entity];

    for (end = i + 1; end < input->n_records && input->records[records[end]].entity == entity;)
      end++;
    if (input->table[set]) {
      const struct kith_cohort_tally one = {.belong = 1, .missed = !counter->listed[entity]};

      add_all(counter, &one, set, records + i, end - i, input->n_entries + 1 + entity);
    }
  }
}

static enum kith_err counter_init(struct counter *counter)
{
  const struct kith_evaluation_cohort_input *input = counter->input;

  counter->order = KITH_NEW_ARRAY(uint32_t, input->n_records);
  counter->by_entity = KITH_NEW_ARRAY(uint32_t, input->n_records);
  counter->set = KITH_NEW_ARRAY(uint32_t, input->n_entities);
  counter->listed = KITH_NEW_ARRAY(uint8_t, input->n_entities);
  counter->seen = KITH_NEW_ARRAY(uint32_t, input->n_groups);
  counter->out->pairs =
      KITH_NEW_ARRAY(struct kith_cohort_tally, (size_t)input->n_parties * input->n_parties);
  counter->out->groups = KITH_NEW_ARRAY(struct kith_cohort_tally, input->n_groups);
  if (!counter->order || !counter->by_entity || !counter->set || !counter->listed ||
      !counter->seen || !counter->out->pairs || !counter->out->groups)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < input->n_records; i++) {
    counter->by_entity[i] = (uint32_t)i;
    counter->set[input->records[i].entity] |= 1u << input->records[i].party;
  }
  if (input->n_records > 1)
    qsort_r(counter->by_entity, input->n_records, sizeof *counter->by_entity, compare_entities,
            (void *)input);
  return KITH_OK;
}

enum kith_err kith_evaluation_cohort_run(struct kith_evaluation_cohort *out,
                                         const struct kith_evaluation_cohort_input *input)
{
  struct counter counter = {.input = input, .out = out};
  enum kith_err err;

  *out = (struct kith_evaluation_cohort){0};
  err = counter_init(&counter);
  if (err == KITH_OK) {
    count_entries(&counter);
    count_people(&counter);
  }
  kith_free(counter.order);
  kith_free(counter.by_entity);
  kith_free(counter.set);
  kith_free(counter.listed);
  kith_free(counter.seen);
  if (err != KITH_OK)
    kith_evaluation_cohort_free(out);
  return err;
}

void kith_evaluation_cohort_free(struct kith_evaluation_cohort *cohort)
{
  kith_free(cohort->pairs);
  kith_free(cohort->groups);
  *cohort = (struct kith_evaluation_cohort){0};
}
