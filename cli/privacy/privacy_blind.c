/* Attacks on blind comparison: on the graph of candidate pairs, which is all that the matcher has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/privacy/privacy_view.h"
#include "crypto/encode/blind_key.h"

enum { SECRET_BYTES = 32 };
#define EVERY_CLUSTERS_MAX ((size_t)60000)

struct attacked {
  struct kith_link *view; /* of all files, as the matcher has it; owned, as all of it */
  struct kith_link *own;  /* the list compared with itself */
  struct kith_graph target;
  struct kith_graph list;
  uint32_t *entities;       /* of each cluster: its first record's */
  uint32_t *node_of_entity; /* of the list: a row */
  uint32_t *order;          /* people in both, those with edges first */
  uint32_t n;
};

static const char *list_of(const struct kith_privacy *run)
{
  return run->list_path ? run->list_path : run->paths[0];
}

/* ---- who is who */

static enum kith_err find_people(struct kith_privacy *run, struct attacked *a)
{
  const struct kith_link *view = a->view;
  const struct kith_encoded *list = &a->own->parties[0];
  const struct kith_blind_agency *agency = &a->own->blind->agencies[0];
  size_t n_clusters = view->result.n_clusters;
  KITH_AUTO_FREE uint32_t *shuffled = KITH_NEW_ARRAY(uint32_t, n_clusters + 1);
  KITH_AUTO_FREE bool *has_edge = KITH_NEW_ARRAY(bool, n_clusters + 1);

  a->entities = KITH_NEW_ARRAY(uint32_t, n_clusters + 1);
  a->order = KITH_NEW_ARRAY(uint32_t, n_clusters + 1);
  if (!shuffled || !has_edge || !a->entities || !a->order)
    return KITH_ERR_MEMORY;
  memset(a->entities, 0xff, n_clusters * sizeof *a->entities);
  for (unsigned p = 0; p < view->n_parties; p++)
    for (uint32_t row = 0; row < view->parties[p].encodings.n; row++) {
      uint32_t *of = &a->entities[view->result.cluster_of[p][row]];

      if (*of == KITH_INTERN_NONE && view->parties[p].in_scope[row])
        *of = kith_privacy_entity(run, view->names[p], kith_ids_at(&view->parties[p].ids, row));
    }
  for (uint32_t row = 0; row < list->encodings.n; row++)
    (void)kith_privacy_entity(run, kith_privacy_list(run), kith_ids_at(&list->ids, row));
  a->node_of_entity = KITH_NEW_ARRAY(uint32_t, (size_t)run->entities.n + 1);
  if (!a->node_of_entity)
    return KITH_ERR_MEMORY;
  memset(a->node_of_entity, 0xff, ((size_t)run->entities.n + 1) * sizeof *a->node_of_entity);
  for (size_t i = 0; i < agency->n_people; i++) {
    uint32_t row = agency->records[agency->people[i]].row;
    uint32_t entity =
        kith_privacy_entity(run, kith_privacy_list(run), kith_ids_at(&list->ids, row));

    if (entity != KITH_INTERN_NONE && a->node_of_entity[entity] == KITH_ATTACK_NONE)
      a->node_of_entity[entity] = row;
  }
  for (size_t i = 0; i < a->target.n_edges; i++)
    has_edge[a->target.edges[i].a] = has_edge[a->target.edges[i].b] = true;
  kith_privacy_shuffle(run, shuffled, n_clusters);
  for (unsigned pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < n_clusters; i++) {
      uint32_t entity = a->entities[shuffled[i]];

      if (entity != KITH_INTERN_NONE && a->node_of_entity[entity] != KITH_ATTACK_NONE &&
          has_edge[shuffled[i]] == (pass == 0))
        a->order[a->n++] = shuffled[i];
    }
  return KITH_OK;
}

/* The row of the list that a cluster is. */
static uint32_t truth_of(const struct attacked *a, uint32_t cluster)
{
  return a->node_of_entity[a->entities[cluster]];
}

/* ---- graph matching */

static enum kith_err match_graph(struct kith_privacy *run, const struct attacked *a)
{
  KITH_AUTO_FREE uint32_t *known = KITH_NEW_ARRAY(uint32_t, (size_t)a->target.n + 1);
  KITH_AUTO_FREE uint32_t *guess = KITH_NEW_ARRAY(uint32_t, (size_t)a->target.n + 1);
  enum kith_err err = known && guess ? KITH_OK : KITH_ERR_MEMORY;

  for (unsigned k = 0; k < run->n_known && err == KITH_OK; k++) {
    struct kith_privacy_attack attack = {.name = "graph", .known = run->known[k]};

    if (2 * (uint64_t)attack.known > a->n)
      continue;
    memset(known, 0xff, a->target.n * sizeof *known);
    for (uint32_t i = 0; i < attack.known; i++)
      known[a->order[i]] = truth_of(a, a->order[i]);
    err =
        kith_attack_graph(guess, &a->target, &a->list, known, &a->view->blind->agencies[0].layout);
    for (uint32_t i = attack.known; i < a->n && err == KITH_OK; i++)
      attack.hits += guess[a->order[i]] == truth_of(a, a->order[i]);
    attack.n = a->n - attack.known;
    if (err == KITH_OK)
      kith_privacy_add(run, attack);
  }
  return err;
}

/* An attacker who holds what every agency holds makes the matcher's graph himself. */
static enum kith_err match_every(struct kith_privacy *run, const struct attacked *a,
                                 struct kith_fault *fault)
{
  struct kith_privacy_attack attack = {.name = "every list", .who = KITH_PRIVACY_EVERY};
  struct kith_link *other = NULL;
  struct kith_graph target = {0};
  struct kith_graph list = {0};
  uint32_t *known = KITH_NEW_ARRAY(uint32_t, a->view->result.n_clusters + 1);
  uint32_t *guess = KITH_NEW_ARRAY(uint32_t, a->view->result.n_clusters + 1);
  enum kith_err err = known && guess ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = kith_privacy_view(&other, &run->policy, run->paths, run->names, run->n_parties, fault);
  if (err == KITH_OK)
    err = kith_privacy_clusters_graph(&target, a->view, true);
  if (err == KITH_OK)
    err = kith_privacy_clusters_graph(&list, other, true);
  if (err == KITH_OK) {
    memset(known, 0xff, target.n * sizeof *known);
    err = kith_attack_graph(guess, &target, &list, known, &a->view->blind->agencies[0].layout);
  }
  for (uint32_t row = 0; err == KITH_OK && row < a->view->parties[0].encodings.n; row++) {
    if (!a->view->parties[0].in_scope[row])
      continue;
    attack.n++;
    attack.hits += guess[a->view->result.cluster_of[0][row]] == other->result.cluster_of[0][row];
  }
  if (err == KITH_OK)
    kith_privacy_add(run, attack);
  kith_privacy_view_free(other);
  kith_free(target.edges);
  kith_free(list.edges);
  kith_free(known);
  kith_free(guess);
  return err;
}

/* ---- which fields are missing */

/* Of each cluster, the fields that one of its pairs lacks. */
static enum kith_err lacking(uint16_t **out, const struct kith_link *view)
{
  struct kith_graph graph = {0};
  enum kith_err err = kith_privacy_clusters_graph(&graph, view, true);

  *out = KITH_NEW_ARRAY(uint16_t, view->result.n_clusters + 1);
  if (!*out)
    err = KITH_ERR_MEMORY;
  for (size_t i = 0; i < graph.n_edges && err == KITH_OK; i++)
    for (unsigned f = 0; f < KITH_BLIND_FIELDS_MAX && graph.edges[i].a == graph.edges[i].b; f++)
      if (graph.edges[i].missing[f])
        (*out)[graph.edges[i].a] |= (uint16_t)(1U << f);
  kith_free(graph.edges);
  return err;
}

/* Anybody of the list who lacks the same, each once. No token is there twice, so there is no other
 * frequency. */
static enum kith_err frequency(struct kith_privacy *run, const struct attacked *a)
{
  enum { PATTERNS = 1 << KITH_BLIND_FIELDS_MAX };
  const struct kith_blind_agency *agency = &a->own->blind->agencies[0];
  struct kith_privacy_attack attack = {.name = "frequency", .n = a->n};
  KITH_AUTO_FREE uint16_t *lack = NULL;
  KITH_AUTO_FREE uint32_t *order = KITH_NEW_ARRAY(uint32_t, agency->n + 1);
  KITH_AUTO_FREE uint32_t *next = KITH_NEW_ARRAY(uint32_t, agency->n + 1);
  KITH_AUTO_FREE uint32_t *heads = KITH_NEW_ARRAY(uint32_t, PATTERNS);
  enum kith_err err = lacking(&lack, a->view);

  if (err == KITH_OK && (!order || !next || !heads))
    err = KITH_ERR_MEMORY;
  if (err != KITH_OK)
    return err;
  memset(heads, 0xff, PATTERNS * sizeof *heads);
  kith_privacy_shuffle(run, order, agency->n);
  for (size_t i = 0; i < agency->n; i++) {
    uint32_t *head = &heads[agency->records[order[i]].missing % PATTERNS];

    next[order[i]] = *head;
    *head = order[i];
  }
  for (uint32_t i = 0; i < a->n; i++) {
    uint32_t *head = &heads[lack[a->order[i]] % PATTERNS];

    if (*head == UINT32_MAX)
      continue;
    attack.hits += agency->records[*head].row == truth_of(a, a->order[i]);
    *head = next[*head];
  }
  kith_privacy_add(run, attack);
  return KITH_OK;
}

/* ---- with a key */

/* The list as if it were an agency's, against the first file: the matcher helped by an agency. */
static enum kith_err dictionary(struct kith_privacy *run, struct kith_fault *fault)
{
  static char list_name[] = "a";
  static char target_name[] = "b";
  struct kith_privacy_attack attack = {.name = "dictionary", .who = KITH_PRIVACY_INSIDER};
  char *paths[] = {(char *)(run->list_path ? run->list_path : run->paths[0]), run->paths[0]};
  char *names[] = {list_name, target_name};
  struct kith_privacy_handles *handles = NULL;
  struct kith_link *view = NULL;
  uint32_t *best = NULL;
  uint32_t *most = NULL;
  struct kith_privacy_both *both = NULL;
  uint32_t n = 0;
  uint64_t records = run->records;
  enum kith_err err = kith_privacy_view(&view, &run->policy, paths, names, 2, fault);

  if (err == KITH_OK)
    err = kith_privacy_handles_new(&handles, view);
  run->records = UINT32_MAX;
  if (err == KITH_OK)
    err = kith_privacy_both(run, &both, &n, &view->parties[1], &view->parties[0]);
  run->records = records;
  best = err == KITH_OK ? KITH_NEW_ARRAY(uint32_t, view->parties[1].encodings.n + 1) : NULL;
  most = err == KITH_OK ? KITH_NEW_ARRAY(uint32_t, view->parties[1].encodings.n + 1) : NULL;
  if (err == KITH_OK && (!best || !most))
    err = KITH_ERR_MEMORY;
  for (size_t i = 0; err == KITH_OK && i < view->blind->pairs[0][1].n; i++) {
    const struct kith_blind_pair *pair = &view->blind->pairs[0][1].items[i];
    uint32_t similarity = kith_blind_similarity(&run->policy, pair->distances, pair->missing);
    uint32_t row = kith_privacy_row(handles, 1, pair->high);

    if (row != UINT32_MAX && similarity + 1 > most[row]) {
      most[row] = similarity + 1;
      best[row] = kith_privacy_row(handles, 0, pair->low);
    }
  }
  for (uint32_t i = 0; err == KITH_OK && i < n; i++)
    attack.hits += most[both[i].target] && best[both[i].target] == both[i].list;
  if (err == KITH_OK) {
    attack.n = n;
    attack.guesses_per_s = view->blind->submit_ms
                               ? 1000.0 *
                                     (double)(view->blind->n_people[0] + view->blind->n_people[1]) /
                                     (double)view->blind->submit_ms
                               : 0;
    kith_privacy_add(run, attack);
  }
  kith_privacy_handles_free(handles);
  kith_privacy_view_free(view);
  kith_free(best);
  kith_free(most);
  kith_free(both);
  return err;
}

/* ---- control: signatures without permutation and mask */

static float overlap_of(const struct kith_policy *policy, const struct kith_blind_agency *agency,
                        const uint8_t *signatures, uint32_t a, uint32_t b)
{
  const uint8_t *x = signatures + (size_t)a * agency->layout.block_bytes;
  const uint8_t *y = signatures + (size_t)b * agency->layout.block_bytes;
  uint16_t missing = agency->records[a].missing | agency->records[b].missing;
  float sum = 0;
  float weights = 0;

  for (unsigned f = 0; f < agency->layout.n_fields; f++) {
    unsigned bytes = agency->layout.bits[f] / 8;
    unsigned distance = 0;
    float weight = (float)policy->blind.fields[f].weight;

    for (unsigned k = 0; k < bytes; k++)
      distance += (unsigned)__builtin_popcount(x[k] ^ y[k]);
    x += bytes;
    y += bytes;
    if (missing >> f & 1)
      continue;
    sum += weight * (1 - 2 * (float)distance / (float)agency->layout.bits[f]);
    weights += weight;
  }
  return weights > 0 ? sum / weights : 0;
}

/* Signatures of all records under a random key, with noise where a field is missing. */
static enum kith_err sign_all(uint8_t **out, const struct kith_blind_agency *agency)
{
  struct kith_blind_key key = {0};
  struct kith_secret *secret = NULL;
  size_t bytes = agency->layout.block_bytes;
  uint32_t *seeds = KITH_NEW_ARRAY(uint32_t, kith_blind_grams_n(agency->grams) + 1);
  uint8_t noise[16 * KITH_BLIND_FIELDS_MAX];
  enum kith_err err = kith_secret_random(&secret, SECRET_BYTES);

  *out = kith_calloc(agency->n + 1, bytes);
  if (err == KITH_OK && (!seeds || !*out))
    err = KITH_ERR_MEMORY;
  if (err == KITH_OK)
    err = kith_blind_key_init(&key, secret);
  if (err == KITH_OK) {
    kith_blind_grams_seed(seeds, agency->grams, &key);
    for (uint32_t i = 0; i < agency->n; i++) {
      kith_random_bytes(noise, sizeof noise);
      kith_blind_signatures(*out + i * bytes, agency, i, seeds, noise);
    }
  }
  kith_blind_key_free(&key);
  kith_secret_free(secret);
  kith_free(seeds);
  return err;
}

/* A record of the agency for each row. */
static enum kith_err records_of_rows(uint32_t **out, const struct kith_blind_agency *agency,
                                     size_t n_rows)
{
  *out = KITH_NEW_ARRAY(uint32_t, n_rows + 1);
  for (uint32_t i = 0; *out && i < agency->n; i++)
    (*out)[agency->records[i].row] = i;
  return *out ? KITH_OK : KITH_ERR_MEMORY;
}

static enum kith_err unmasked(struct kith_privacy *run, const struct attacked *a)
{
  const struct kith_blind_agency *target = &a->view->blind->agencies[0];
  const struct kith_blind_agency *list = &a->own->blind->agencies[0];
  struct kith_privacy_dense dense = {0};
  KITH_AUTO_FREE struct kith_privacy_both *both = NULL;
  KITH_AUTO_FREE uint32_t *left = NULL;
  KITH_AUTO_FREE uint32_t *right = NULL;
  KITH_AUTO_FREE uint8_t *signatures = NULL;
  uint32_t n = 0;
  enum kith_err err = kith_privacy_both(run, &both, &n, &a->view->parties[0], &a->own->parties[0]);

  if (err == KITH_OK)
    err = records_of_rows(&left, target, a->view->parties[0].encodings.n);
  if (err == KITH_OK)
    err = records_of_rows(&right, list, a->own->parties[0].encodings.n);
  if (err == KITH_OK)
    err = sign_all(&signatures, target);
  if (err == KITH_OK)
    err = kith_privacy_dense_new(run, &dense, n);
  for (uint32_t i = 0; i < n && err == KITH_OK; i++)
    for (uint32_t j = 0; j < n; j++) {
      dense.target[(size_t)i * n + j] =
          overlap_of(&run->policy, target, signatures, left[both[i].target], left[both[j].target]);
      dense.list[(size_t)dense.truth[i] * n + dense.truth[j]] =
          (float)kith_blind_overlap(list, right[both[i].list], right[both[j].list]) / KITH_PPM;
    }
  if (err == KITH_OK)
    err = kith_privacy_dense_run(run, &dense, "unmasked", KITH_PRIVACY_CONTROL);
  kith_privacy_dense_free(&dense);
  return err;
}

/* ---- all of it */

static enum kith_err attack_all(struct kith_privacy *run, struct attacked *a,
                                struct kith_fault *fault)
{
  enum kith_err err = find_people(run, a);

  if (err == KITH_OK && a->n < 2)
    err = kith_fail(fault, KITH_ERR_DATA,
                    "%s: fewer than two people that are in the attacker's list too", run->paths[0]);
  if (err == KITH_OK)
    err = frequency(run, a);
  if (err == KITH_OK)
    err = match_graph(run, a);
  if (err == KITH_OK)
    err = dictionary(run, fault);
  if (err == KITH_OK && a->target.n <= EVERY_CLUSTERS_MAX)
    err = match_every(run, a, fault);
  return err == KITH_OK ? unmasked(run, a) : err;
}

enum kith_err kith_privacy_blind(struct kith_privacy *run, struct kith_fault *fault)
{
  static char first[] = "a";
  static char second[] = "b";
  char *paths[] = {(char *)list_of(run), (char *)list_of(run)};
  char *names[] = {first, second};
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct attacked a = {0};
  enum kith_err err = policy ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = kith_privacy_view(&a.view, &run->policy, run->paths, run->names, run->n_parties, fault);
  if (err == KITH_OK) {
    *policy = run->policy; /* he sees all his namesakes, whatever the policy's cap */
    policy->blind.occurrences = KITH_BLIND_OCCURRENCES_MAX;
    err = kith_privacy_view(&a.own, policy, paths, names, 2, fault);
  }
  if (err == KITH_OK)
    err = kith_privacy_clusters_graph(&a.target, a.view, false);
  if (err == KITH_OK)
    err = kith_privacy_table_graph(&a.list, a.own);
  if (err == KITH_OK)
    err = attack_all(run, &a, fault);
  kith_privacy_view_free(a.view);
  kith_privacy_view_free(a.own);
  kith_free(a.target.edges);
  kith_free(a.list.edges);
  kith_free(a.entities);
  kith_free(a.node_of_entity);
  kith_free(a.order);
  kith_free(policy);
  return err;
}
