#include "cli/evaluate/evaluation.h"

#include <stdlib.h>

#include "base/mem.h"

double kith_evaluation_share(double a, double b)
{
  return b > 0 ? a / b : -1;
}

double kith_evaluation_f1(double precision, double recall)
{
  if (precision < 0 || recall < 0 || precision + recall <= 0)
    return -1;
  return 2 * precision * recall / (precision + recall);
}

static void count_pair(struct kith_evaluation *out, const struct kith_evaluation_record *a,
                       const struct kith_evaluation_record *b, enum kith_tally_what what)
{
  uint32_t p = a->party < b->party ? a->party : b->party;
  uint32_t q = a->party < b->party ? b->party : a->party;

  out->party_pairs[(size_t)p * out->n_parties + q].n[what]++;
  if (p == q)
    out->within.n[what]++;
  if (p == q && out->n_parties > 1)
    return;
  out->pairs.n[what]++;
  if (a->group != KITH_EVALUATION_NONE)
    out->groups[a->group].n[what]++;
  if (b->group != KITH_EVALUATION_NONE && b->group != a->group)
    out->groups[b->group].n[what]++;
}

static int compare_pairs(const void *left, const void *right)
{
  const struct kith_evaluation_pair *a = left;
  const struct kith_evaluation_pair *b = right;

  if (a->a != b->a)
    return a->a < b->a ? -1 : 1;
  return (a->b > b->b) - (a->b < b->b);
}

static void count_linked(struct kith_evaluation *out, const struct kith_evaluation_input *input)
{
  struct kith_evaluation_pair *linked = input->linked;

  for (size_t i = 0; i < input->n_linked; i++)
    if (linked[i].a > linked[i].b)
      linked[i] = (struct kith_evaluation_pair){linked[i].b, linked[i].a};
  if (input->n_linked > 1)
    qsort(linked, input->n_linked, sizeof *linked, compare_pairs);
  for (size_t i = 0; i < input->n_linked; i++) {
    const struct kith_evaluation_record *a = &input->records[linked[i].a];
    const struct kith_evaluation_record *b = &input->records[linked[i].b];

    if (linked[i].a == linked[i].b || (i > 0 && compare_pairs(&linked[i - 1], &linked[i]) == 0))
      continue;
    count_pair(out, a, b, KITH_TALLY_LINKED);
    if (a->entity == b->entity)
      count_pair(out, a, b, KITH_TALLY_CORRECT);
  }
}

/* Records by entity: order[starts[e] .. starts[e + 1]) are those of e. */
struct by_entity {
  uint32_t *order;
  size_t *starts;
};

static enum kith_err sort_by_entity(struct by_entity *out,
                                    const struct kith_evaluation_input *input)
{
  out->order = KITH_NEW_ARRAY(uint32_t, input->n_records);
  out->starts = KITH_NEW_ARRAY(size_t, (size_t)input->n_entities + 2);
  if (!out->order || !out->starts)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < input->n_records; i++)
    out->starts[input->records[i].entity + 2]++;
  for (size_t e = 2; e <= (size_t)input->n_entities + 1; e++)
    out->starts[e] += out->starts[e - 1];
  for (size_t i = 0; i < input->n_records; i++)
    out->order[out->starts[input->records[i].entity + 1]++] = (uint32_t)i;
  return KITH_OK;
}

static void count_true(struct kith_evaluation *out, const struct kith_evaluation_input *input,
                       const struct by_entity *by)
{
  for (uint32_t e = 0; e < input->n_entities; e++)
    for (size_t i = by->starts[e]; i < by->starts[e + 1]; i++)
      for (size_t j = i + 1; j < by->starts[e + 1]; j++)
        count_pair(out, &input->records[by->order[i]], &input->records[by->order[j]],
                   KITH_TALLY_TRUE);
}

struct cell {
  uint32_t cluster;
  uint32_t entity;
};

static int compare_cells(const void *left, const void *right)
{
  const struct cell *a = left;
  const struct cell *b = right;

  if (a->cluster != b->cluster)
    return a->cluster < b->cluster ? -1 : 1;
  return (a->entity > b->entity) - (a->entity < b->entity);
}

/* One cluster: cells[0 .. n), in order of entity. */
static void count_cluster(struct kith_evaluation *out, const struct cell *cells, size_t n,
                          const struct by_entity *by)
{
  for (size_t i = 0, end; i < n; i = end) {
    size_t e = cells[i].entity;
    size_t whole = by->starts[e + 1] - by->starts[e];

    for (end = i + 1; end < n && cells[end].entity == cells[i].entity;)
      end++;
    double common = (double)(end - i);
    out->bcubed_precision += common * common / (double)n;
    out->bcubed_recall += common * common / (double)whole;
    if (end - i == n && n == whole) {
      out->exact.n[KITH_TALLY_CORRECT]++;
      out->exact_several.n[KITH_TALLY_CORRECT] += n > 1;
    }
  }
  out->exact.n[KITH_TALLY_LINKED]++;
  out->exact_several.n[KITH_TALLY_LINKED] += n > 1;
}

static enum kith_err count_clusters(struct kith_evaluation *out,
                                    const struct kith_evaluation_input *input,
                                    const struct by_entity *by)
{
  struct cell *cells = KITH_NEW_ARRAY(struct cell, input->n_records);
  size_t n = 0;

  if (!cells)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < input->n_records; i++)
    if (input->records[i].cluster != KITH_EVALUATION_NONE)
      cells[n++] = (struct cell){input->records[i].cluster, input->records[i].entity};
  if (n > 1)
    qsort(cells, n, sizeof *cells, compare_cells);
  out->n_found = n;
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && cells[end].cluster == cells[i].cluster;)
      end++;
    count_cluster(out, cells + i, end - i, by);
  }
  for (uint32_t e = 0; e < input->n_entities; e++) {
    size_t whole = by->starts[e + 1] - by->starts[e];

    out->exact.n[KITH_TALLY_TRUE] += whole > 0;
    out->exact_several.n[KITH_TALLY_TRUE] += whole > 1;
  }
  kith_free(cells);
  return KITH_OK;
}

enum kith_err kith_evaluation_run(struct kith_evaluation *out,
                                  const struct kith_evaluation_input *input)
{
  struct by_entity by = {0};
  enum kith_err err;

  *out = (struct kith_evaluation){
      .n_parties = input->n_parties, .n_groups = input->n_groups, .n_records = input->n_records};
  out->party_pairs = KITH_NEW_ARRAY(struct kith_tally, (size_t)input->n_parties * input->n_parties);
  out->groups = KITH_NEW_ARRAY(struct kith_tally, input->n_groups);
  err = out->party_pairs && out->groups ? sort_by_entity(&by, input) : KITH_ERR_MEMORY;
  if (!err) {
    count_true(out, input, &by);
    count_linked(out, input);
    err = count_clusters(out, input, &by);
  }
  kith_free(by.order);
  kith_free(by.starts);
  if (err)
    kith_evaluation_free(out);
  return err;
}

void kith_evaluation_free(struct kith_evaluation *evaluation)
{
  kith_free(evaluation->party_pairs);
  kith_free(evaluation->groups);
  *evaluation = (struct kith_evaluation){0};
}
