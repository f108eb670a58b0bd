#include "matcher/linkage/forest.h"

#include <stdlib.h>

#include "base/mem.h"

/* Larger groups are people nobody can tell apart: a part of their links is left out. */
enum { TREE_NODES_MAX = 256 };

struct grower {
  struct kith_forest *forest;
  const struct kith_linkage_input *input;
  const struct kith_linkage_pair *pairs;
  const struct kith_linkage_result *base;
  uint32_t *order; /* pairs, likeliest first */
  size_t n_order;
  uint32_t *root;
  uint32_t *size;
  uint32_t *parties;
  struct kith_forest_edge *edges; /* in the order of merging */
  size_t n_edges;
};

static uint32_t find(struct grower *grower, uint32_t node)
{
  while (grower->root[node] != node)
    node = grower->root[node] = grower->root[grower->root[node]];
  return node;
}

static int compare_pairs(const void *left, const void *right, void *context)
{
  const struct grower *grower = context;
  const struct kith_linkage_pair *a = &grower->pairs[*(const uint32_t *)left];
  const struct kith_linkage_pair *b = &grower->pairs[*(const uint32_t *)right];

  if (a->probability != b->probability)
    return a->probability > b->probability ? -1 : 1;
  if (a->similarity != b->similarity)
    return a->similarity > b->similarity ? -1 : 1;
  return (*(const uint32_t *)left > *(const uint32_t *)right) * 2 - 1;
}

static bool in_one_cluster(const struct grower *grower, const struct kith_linkage_pair *pair)
{
  return grower->base->cluster_of[pair->party_a][pair->row_a] ==
         grower->base->cluster_of[pair->party_b][pair->row_b];
}

/* The links of `linked` pairs, or of those that are not. */
static void grow(struct grower *grower, bool linked)
{
  const uint32_t *offset = grower->forest->offset;

  for (size_t i = 0; i < grower->n_order; i++) {
    const struct kith_linkage_pair *pair = &grower->pairs[grower->order[i]];
    uint32_t a = offset[pair->party_a] + pair->row_a;
    uint32_t b = offset[pair->party_b] + pair->row_b;
    uint32_t root_a = find(grower, a);
    uint32_t root_b = find(grower, b);

    if (root_a == root_b || in_one_cluster(grower, pair) != linked ||
        grower->size[root_a] + grower->size[root_b] > TREE_NODES_MAX ||
        (!linked && grower->input->n_parties > 1 &&
         (pair->party_a == pair->party_b || (grower->parties[root_a] & grower->parties[root_b]))))
      continue;
    grower->root[root_b] = root_a;
    grower->size[root_a] += grower->size[root_b];
    grower->parties[root_a] |= grower->parties[root_b];
    grower->edges[grower->n_edges++] = (struct kith_forest_edge){a, b, pair->probability};
  }
}

/* Trees in the order of their first node; nodes and edges side by side. */
static enum kith_err collect(struct grower *grower)
{
  struct kith_forest *forest = grower->forest;
  KITH_AUTO_FREE uint32_t *tree_of = KITH_NEW_ARRAY(uint32_t, forest->n_nodes);
  KITH_AUTO_FREE uint32_t *filled = NULL;
  uint32_t n_nodes = 0;

  forest->trees = KITH_NEW_ARRAY(struct kith_forest_tree, grower->n_edges + 1);
  filled = KITH_NEW_ARRAY(uint32_t, grower->n_edges + 1);
  if (!tree_of || !forest->trees || !filled)
    return KITH_ERR_MEMORY;
  for (uint32_t node = 0; node < forest->n_nodes; node++) {
    uint32_t root = find(grower, node);

    if (grower->size[root] < 2)
      continue;
    if (!tree_of[root]) {
      uint32_t number = (uint32_t)forest->n_trees++;

      forest->trees[number] = (struct kith_forest_tree){n_nodes, grower->size[root],
                                                        n_nodes - number, grower->parties[root]};
      n_nodes += grower->size[root];
      tree_of[root] = number + 1;
    }
    uint32_t at = filled[tree_of[root] - 1]++;
    forest->place[node] = at;
    forest->nodes[forest->trees[tree_of[root] - 1].first_node + at] = node;
  }
  for (size_t i = 0; i < forest->n_trees; i++)
    filled[i] = 0;
  for (size_t i = 0; i < grower->n_edges; i++) {
    uint32_t tree = tree_of[find(grower, grower->edges[i].a)] - 1;

    forest->edges[forest->trees[tree].first_edge + filled[tree]++] = grower->edges[i];
  }
  return KITH_OK;
}

static enum kith_err grower_init(struct grower *grower, size_t n_pairs)
{
  struct kith_forest *forest = grower->forest;
  size_t n = 0;

  for (size_t i = 0; i < n_pairs; i++)
    n += grower->pairs[i].probability >= KITH_FOREST_LEAST;
  grower->order = KITH_NEW_ARRAY(uint32_t, n);
  grower->root = KITH_NEW_ARRAY(uint32_t, forest->n_nodes);
  grower->size = KITH_NEW_ARRAY(uint32_t, forest->n_nodes);
  grower->parties = KITH_NEW_ARRAY(uint32_t, forest->n_nodes);
  grower->edges = KITH_NEW_ARRAY(struct kith_forest_edge, forest->n_nodes);
  forest->party = KITH_NEW_ARRAY(uint8_t, forest->n_nodes);
  forest->nodes = KITH_NEW_ARRAY(uint32_t, forest->n_nodes);
  forest->place = KITH_NEW_ARRAY(uint32_t, forest->n_nodes);
  forest->edges = KITH_NEW_ARRAY(struct kith_forest_edge, forest->n_nodes);
  if (!grower->order || !grower->root || !grower->size || !grower->parties || !grower->edges ||
      !forest->party || !forest->nodes || !forest->place || !forest->edges)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < n_pairs; i++)
    if (grower->pairs[i].probability >= KITH_FOREST_LEAST)
      grower->order[grower->n_order++] = (uint32_t)i;
  for (unsigned p = 0; p < grower->input->n_parties; p++)
    for (uint32_t node = forest->offset[p]; node < forest->offset[p + 1]; node++) {
      grower->root[node] = node;
      grower->size[node] = 1;
      grower->parties[node] = 1u << p;
      forest->party[node] = (uint8_t)p;
    }
  if (n > 1)
    qsort_r(grower->order, n, sizeof *grower->order, compare_pairs, grower);
  return KITH_OK;
}

enum kith_err kith_forest_make(struct kith_forest *forest, const struct kith_linkage_input *input,
                               const struct kith_linkage_pair *pairs, size_t n_pairs,
                               const struct kith_linkage_result *base)
{
  struct grower grower = {.forest = forest, .input = input, .pairs = pairs, .base = base};
  enum kith_err err;

  *forest = (struct kith_forest){0};
  for (unsigned p = 0; p < input->n_parties; p++)
    forest->offset[p + 1] = forest->offset[p] + (uint32_t)input->parties[p]->n;
  forest->n_nodes = forest->offset[input->n_parties];
  err = grower_init(&grower, n_pairs);
  if (err == KITH_OK) {
    grow(&grower, true);
    grow(&grower, false);
    err = collect(&grower);
  }
  kith_free(grower.order);
  kith_free(grower.root);
  kith_free(grower.size);
  kith_free(grower.parties);
  kith_free(grower.edges);
  return err;
}

void kith_forest_free(struct kith_forest *forest)
{
  kith_free(forest->party);
  kith_free(forest->nodes);
  kith_free(forest->place);
  kith_free(forest->edges);
  kith_free(forest->trees);
  *forest = (struct kith_forest){0};
}

/* ---- states */

enum kith_err kith_forest_states_init(struct kith_forest_states *states, uint32_t n_nodes)
{
  *states = (struct kith_forest_states){0};
  states->weight = KITH_NEW_ARRAY(double, (size_t)1 << KITH_FOREST_DOUBTFUL_MAX);
  states->label = KITH_NEW_ARRAY(uint16_t, (size_t)n_nodes << KITH_FOREST_DOUBTFUL_MAX);
  return states->weight && states->label ? KITH_OK : KITH_ERR_MEMORY;
}

void kith_forest_states_free(struct kith_forest_states *states)
{
  kith_free(states->weight);
  kith_free(states->label);
  *states = (struct kith_forest_states){0};
}

static uint32_t doubt(const struct kith_forest_edge *edge)
{
  return edge->probability < KITH_PPM / 2 ? edge->probability : KITH_PPM - edge->probability;
}

/* The tree's most doubtful edges: their indices. */
static unsigned doubtful(unsigned out[KITH_FOREST_DOUBTFUL_MAX],
                         const struct kith_forest_edge *edges, unsigned n_edges)
{
  unsigned n = 0;

  for (unsigned i = 0; i < n_edges; i++) {
    unsigned at = n;

    if (doubt(&edges[i]) == 0)
      continue;
    while (at > 0 && doubt(&edges[out[at - 1]]) < doubt(&edges[i]))
      at--;
    if (at == KITH_FOREST_DOUBTFUL_MAX)
      continue;
    n += n < KITH_FOREST_DOUBTFUL_MAX;
    for (unsigned k = n - 1; k > at; k--)
      out[k] = out[k - 1];
    out[at] = i;
  }
  return n;
}

static void join(uint16_t *label, uint32_t n_nodes, uint16_t a, uint16_t b)
{
  uint16_t keep = a < b ? a : b;
  uint16_t give = a < b ? b : a;

  for (uint32_t i = 0; a != b && i < n_nodes; i++)
    if (label[i] == give)
      label[i] = keep;
}

void kith_forest_states_of(struct kith_forest_states *states, const struct kith_forest *forest,
                           const struct kith_forest_tree *tree)
{
  const struct kith_forest_edge *edges = forest->edges + tree->first_edge;
  unsigned picked[KITH_FOREST_DOUBTFUL_MAX];
  unsigned n = doubtful(picked, edges, tree->n_nodes - 1);

  states->n = 1u << n;
  for (unsigned state = 0; state < states->n; state++) {
    uint16_t *label = states->label + (size_t)state * tree->n_nodes;

    states->weight[state] = 1;
    for (uint32_t i = 0; i < tree->n_nodes; i++)
      label[i] = (uint16_t)i;
    for (unsigned e = 0; e < tree->n_nodes - 1; e++) {
      double p = (double)edges[e].probability / KITH_PPM;
      bool right = edges[e].probability >= KITH_PPM / 2;

      for (unsigned k = 0; k < n; k++)
        if (picked[k] == e) {
          right = state >> k & 1;
          states->weight[state] *= right ? p : 1 - p;
        }
      if (right)
        join(label, tree->n_nodes, label[forest->place[edges[e].a]],
             label[forest->place[edges[e].b]]);
    }
  }
}
