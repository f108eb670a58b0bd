#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/attack/dense.h"
#include "cli/privacy/privacy.h"

void kith_privacy_dense_free(struct kith_privacy_dense *dense)
{
  kith_free(dense->target);
  kith_free(dense->list);
  kith_free(dense->truth);
  *dense = (struct kith_privacy_dense){0};
}

enum kith_err kith_privacy_dense_new(struct kith_privacy *run, struct kith_privacy_dense *dense,
                                     uint32_t n)
{
  *dense = (struct kith_privacy_dense){.n = n};
  dense->target = KITH_NEW_ARRAY(float, (size_t)n *n + 1);
  dense->list = KITH_NEW_ARRAY(float, (size_t)n *n + 1);
  dense->truth = KITH_NEW_ARRAY(uint32_t, (size_t)n + 1);
  if (!dense->target || !dense->list || !dense->truth) {
    kith_privacy_dense_free(dense);
    return KITH_ERR_MEMORY;
  }
  kith_privacy_shuffle(run, dense->truth, n);
  return KITH_OK;
}

enum kith_err kith_privacy_dense_run(struct kith_privacy *run,
                                     const struct kith_privacy_dense *dense, const char *name,
                                     enum kith_privacy_who who)
{
  KITH_AUTO_FREE uint32_t *known = KITH_NEW_ARRAY(uint32_t, (size_t)dense->n + 1);
  KITH_AUTO_FREE uint32_t *guess = KITH_NEW_ARRAY(uint32_t, (size_t)dense->n + 1);
  enum kith_err err = known && guess ? KITH_OK : KITH_ERR_MEMORY;

  for (unsigned k = 0; k < run->n_known && err == KITH_OK; k++) {
    struct kith_privacy_attack attack = {.name = name, .who = who, .known = run->known[k]};

    if (2 * (uint64_t)attack.known > dense->n)
      continue;
    for (uint32_t i = 0; i < dense->n; i++)
      known[i] = i < attack.known ? dense->truth[i] : KITH_ATTACK_NONE;
    err = kith_attack_dense(guess, dense->target, dense->list, known, dense->n);
    if (err != KITH_OK)
      break;
    for (uint32_t i = attack.known; i < dense->n; i++)
      attack.hits += guess[i] == dense->truth[i];
    attack.n = dense->n - attack.known;
    kith_privacy_add(run, attack);
  }
  return err;
}

struct held {
  uint32_t entity;
  uint32_t row;
};

static int by_entity(const void *left, const void *right)
{
  const struct held *a = left;
  const struct held *b = right;

  if (a->entity != b->entity)
    return a->entity < b->entity ? -1 : 1;
  return (a->row > b->row) - (a->row < b->row);
}

/* Rows that may leave and have somebody, each person's first. */
static enum kith_err held_list(struct kith_privacy *run, struct held **out, size_t *n,
                               const struct kith_encoded *table, const char *party)
{
  struct held *held = KITH_NEW_ARRAY(struct held, table->encodings.n + 1);
  size_t kept = 0;

  *n = 0;
  *out = held;
  if (!held)
    return KITH_ERR_MEMORY;
  for (uint32_t row = 0; row < table->encodings.n; row++) {
    uint32_t entity = table->in_scope[row]
                          ? kith_privacy_entity(run, party, kith_ids_at(&table->ids, row))
                          : KITH_INTERN_NONE;

    if (entity != KITH_INTERN_NONE)
      held[(*n)++] = (struct held){entity, row};
  }
  if (*n > 1)
    qsort(held, *n, sizeof *held, by_entity);
  for (size_t i = 0; i < *n; i++)
    if (kept == 0 || held[kept - 1].entity != held[i].entity)
      held[kept++] = held[i];
  *n = kept;
  return KITH_OK;
}

enum kith_err kith_privacy_both(struct kith_privacy *run, struct kith_privacy_both **out,
                                uint32_t *n, const struct kith_encoded *target,
                                const struct kith_encoded *list)
{
  KITH_AUTO_FREE struct held *first = NULL;
  KITH_AUTO_FREE struct held *second = NULL;
  KITH_AUTO_FREE uint32_t *order = NULL;
  size_t n_first = 0;
  size_t n_second = 0;
  size_t found = 0;
  enum kith_err err = held_list(run, &first, &n_first, target, run->names[0]);

  *n = 0;
  if (err == KITH_OK)
    err = held_list(run, &second, &n_second, list, kith_privacy_list(run));
  if (err != KITH_OK)
    return err;
  for (size_t i = 0, k = 0; i < n_first; i++) {
    while (k < n_second && second[k].entity < first[i].entity)
      k++;
    if (k < n_second && second[k].entity == first[i].entity)
      first[found++] = (struct held){second[k].row, first[i].row};
  }
  order = KITH_NEW_ARRAY(uint32_t, found + 1);
  *n = (uint32_t)(found < run->records ? found : run->records);
  *out = KITH_NEW_ARRAY(struct kith_privacy_both, (size_t)*n + 1);
  if (!order || !*out)
    return KITH_ERR_MEMORY;
  kith_privacy_shuffle(run, order, found);
  for (uint32_t i = 0; i < *n; i++)
    (*out)[i] = (struct kith_privacy_both){first[order[i]].row, first[order[i]].entity};
  return KITH_OK;
}
