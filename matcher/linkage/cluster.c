#include "matcher/linkage/cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/foretell.h"

enum {
  /* Two groups become one only if the mean probability over all their pairs reaches this: one good
   * pair among many bad ones is a chain, not a person. */
  CHAIN_MEAN_MIN = 300000,

  /* A refused partner at least so likely makes a cluster ambiguous. */
  PLAUSIBLE = 300000,
  /* Pairs inside a party from here on are duplicates: an even chance. */
  DUPLICATE = 500000,
  /* Less likely pairs are left out: they are many, and nothing stands on them. */
  LIVE = 20000,
  /* Less likely pairs are not counted as missed: a small error in so many is worth more than they.
   */
  MISSED = 100000
};

/* Records are numbered through all parties: node = offset[party] + row. */
struct graph {
  const struct kith_judge *judge;
  const struct kith_linkage_input *input;
  struct kith_linkage_result *result;
  uint32_t threshold;
  uint32_t offset[KITH_LINKAGE_PARTIES_MAX + 1];
  uint32_t n_nodes;
  size_t n_live;
  uint32_t *order;    /* the live pairs, best first */
  uint32_t *first;    /* n_nodes + 1: where a node's pairs begin in `touching` */
  uint32_t *touching; /* pair indices */
  uint32_t *root;     /* of a node's group */
  uint32_t *next;     /* the group's members, a ring */
  uint32_t *size;     /* by root */
  uint32_t *parties;  /* by root */
  uint32_t *weakest;  /* by root */
  uint32_t *flags;    /* by root */

  struct kith_foretell foretell;
};

static uint32_t node_a(const struct graph *graph, const struct kith_linkage_pair *pair)
{
  return graph->offset[pair->party_a] + pair->row_a;
}

static uint32_t node_b(const struct graph *graph, const struct kith_linkage_pair *pair)
{
  return graph->offset[pair->party_b] + pair->row_b;
}

/* ---- order: probability, weight, similarity, then the content of the two rows; where nobody is
 * known just once, weight alone comes first: averages decide there */

static int compare_rows(const struct kith_encodings *a, uint32_t row_a,
                        const struct kith_encodings *b, uint32_t row_b)
{
  int order = memcmp(kith_encodings_row(a, row_a), kith_encodings_row(b, row_b), a->stride);

  if (order == 0 && a->masks && b->masks)
    order = (a->masks[row_a] > b->masks[row_b]) - (a->masks[row_a] < b->masks[row_b]);
  return order;
}

struct ends {
  const struct kith_encodings *low, *high;
  uint32_t low_row, high_row;
};

/* The two rows of a pair, the lesser first, so that neither party nor row order tells. */
static struct ends ends_of(const struct kith_linkage_input *input,
                           const struct kith_linkage_pair *pair)
{
  const struct kith_encodings *a = input->parties[pair->party_a];
  const struct kith_encodings *b = input->parties[pair->party_b];

  if (compare_rows(a, pair->row_a, b, pair->row_b) <= 0)
    return (struct ends){a, b, pair->row_a, pair->row_b};
  return (struct ends){b, a, pair->row_b, pair->row_a};
}

static int compare_pairs(const void *left, const void *right, void *context)
{
  const struct graph *graph = context;
  const struct kith_linkage_pair *a = &graph->result->pairs[*(const uint32_t *)left];
  const struct kith_linkage_pair *b = &graph->result->pairs[*(const uint32_t *)right];
  struct ends ends_a, ends_b;
  int order;

  if (a->probability != b->probability && !graph->judge->loose)
    return a->probability > b->probability ? -1 : 1;
  if (a->weight != b->weight)
    return a->weight > b->weight ? -1 : 1;
  if (a->similarity != b->similarity)
    return a->similarity > b->similarity ? -1 : 1;
  ends_a = ends_of(graph->input, a);
  ends_b = ends_of(graph->input, b);
  order = compare_rows(ends_a.low, ends_a.low_row, ends_b.low, ends_b.low_row);
  if (order == 0)
    order = compare_rows(ends_a.high, ends_a.high_row, ends_b.high, ends_b.high_row);
  /* Alike in content: which comes first changes names only; one order all the same. */
  return order ? order : (*(const uint32_t *)left > *(const uint32_t *)right) * 2 - 1;
}

/* ---- the graph */

static void graph_free(struct graph *graph)
{
  kith_free(graph->order);
  kith_free(graph->first);
  kith_free(graph->touching);
  kith_free(graph->root);
  kith_free(graph->next);
  kith_free(graph->size);
  kith_free(graph->parties);
  kith_free(graph->weakest);
  kith_free(graph->flags);
}

static void graph_index(struct graph *graph)
{
  const struct kith_linkage_pair *pairs = graph->result->pairs;

  for (size_t i = 0; i < graph->n_live; i++) {
    graph->first[node_a(graph, &pairs[graph->order[i]]) + 1]++;
    graph->first[node_b(graph, &pairs[graph->order[i]]) + 1]++;
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    graph->first[i + 1] += graph->first[i];
  for (size_t i = 0; i < graph->n_live; i++) {
    graph->touching[graph->first[node_a(graph, &pairs[graph->order[i]])]++] = graph->order[i];
    graph->touching[graph->first[node_b(graph, &pairs[graph->order[i]])]++] = graph->order[i];
  }
  memmove(graph->first + 1, graph->first, graph->n_nodes * sizeof *graph->first);
  graph->first[0] = 0;
}

static enum kith_err graph_room(struct graph *graph)
{
  graph->order = KITH_NEW_ARRAY(uint32_t, graph->n_live);
  graph->touching = KITH_NEW_ARRAY(uint32_t, 2 * graph->n_live);
  graph->first = KITH_NEW_ARRAY(uint32_t, (size_t)graph->n_nodes + 2);
  graph->root = KITH_NEW_ARRAY(uint32_t, graph->n_nodes);
  graph->next = KITH_NEW_ARRAY(uint32_t, graph->n_nodes);
  graph->size = KITH_NEW_ARRAY(uint32_t, graph->n_nodes);
  graph->parties = KITH_NEW_ARRAY(uint32_t, graph->n_nodes);
  graph->weakest = KITH_NEW_ARRAY(uint32_t, graph->n_nodes);
  graph->flags = KITH_NEW_ARRAY(uint32_t, graph->n_nodes);
  return graph->order && graph->touching && graph->first && graph->root && graph->next &&
                 graph->size && graph->parties && graph->weakest && graph->flags
             ? KITH_OK
             : KITH_ERR_MEMORY;
}

static enum kith_err graph_init(struct graph *graph, struct kith_linkage_result *result,
                                const struct kith_judge *judge, uint32_t threshold)
{
  const struct kith_linkage_input *input = judge->input;
  size_t n = 0;

  *graph = (struct graph){.judge = judge, .input = input, .result = result, .threshold = threshold};
  for (unsigned p = 0; p < input->n_parties; p++)
    graph->offset[p + 1] = graph->offset[p] + (uint32_t)input->parties[p]->n;
  graph->n_nodes = graph->offset[input->n_parties];
  for (size_t i = 0; i < result->n_pairs; i++)
    graph->n_live += result->pairs[i].probability >= LIVE;
  if (graph_room(graph) != KITH_OK)
    return KITH_ERR_MEMORY;
  for (unsigned p = 0; p < input->n_parties; p++)
    for (uint32_t i = graph->offset[p]; i < graph->offset[p + 1]; i++) {
      graph->root[i] = graph->next[i] = i;
      graph->size[i] = 1;
      graph->parties[i] = 1u << p;
      graph->weakest[i] = KITH_PPM;
    }
  for (size_t i = 0; i < result->n_pairs; i++)
    if (result->pairs[i].probability >= LIVE)
      graph->order[n++] = (uint32_t)i;
  graph_index(graph);
  qsort_r(graph->order, graph->n_live, sizeof *graph->order, compare_pairs, graph);
  return KITH_OK;
}

/* ---- merging */

static void merge(struct graph *graph, uint32_t a, uint32_t b, uint32_t probability)
{
  uint32_t keep = graph->size[a] >= graph->size[b] ? a : b;
  uint32_t give = keep == a ? b : a;
  uint32_t node = give;
  uint32_t swap;

  do {
    graph->root[node] = keep;
    node = graph->next[node];
  } while (node != give);
  swap = graph->next[keep];
  graph->next[keep] = graph->next[give];
  graph->next[give] = swap;
  graph->size[keep] += graph->size[give];
  graph->parties[keep] |= graph->parties[give];
  graph->flags[keep] |= graph->flags[give];
  if (graph->weakest[give] < graph->weakest[keep])
    graph->weakest[keep] = graph->weakest[give];
  if (probability < graph->weakest[keep])
    graph->weakest[keep] = probability;
}

/* Sum of the probabilities of all pairs between the two groups, and how many are live; pairs that
 * are no candidates add 0. */
static uint64_t probability_between(const struct graph *graph, uint64_t *n_live, uint32_t a,
                                    uint32_t b)
{
  uint32_t small = graph->size[a] <= graph->size[b] ? a : b;
  uint32_t other = small == a ? b : a;
  uint32_t node = small;
  uint64_t sum = 0;

  do {
    for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
      const struct kith_linkage_pair *pair = &graph->result->pairs[graph->touching[i]];
      uint32_t end = node_a(graph, pair) == node ? node_b(graph, pair) : node_a(graph, pair);

      if (graph->root[end] == other) {
        sum += pair->probability;
        ++*n_live;
      }
    }
    node = graph->next[node];
  } while (node != small);
  return sum;
}

static struct kith_linkage_pair pair_of(const struct graph *graph, uint32_t a, uint32_t b)
{
  struct kith_linkage_pair pair = {0};

  while (a >= graph->offset[pair.party_a + 1])
    pair.party_a++;
  while (b >= graph->offset[pair.party_b + 1])
    pair.party_b++;
  pair.row_a = a - graph->offset[pair.party_a];
  pair.row_b = b - graph->offset[pair.party_b];
  return pair;
}

/* What a merge joins, for the curve. */
struct joint {
  uint64_t pairs; /* across parties; of one party, inside it */
  uint32_t alone; /* ppm: the mean probability of those with enough evidence, each by itself */
};

/* Over all pairs between the two groups, candidates or not. *joint's mean stays as it is where no
 * pair has enough evidence. */
static bool holds_on_average(const struct graph *graph, uint32_t a, uint32_t b, struct joint *joint)
{
  const struct kith_classes *classes = &graph->judge->classes;
  uint64_t probability = 0;
  uint64_t n = 0;
  bool further = graph->size[a] + graph->size[b] > 2;
  uint32_t node_of_a = a;
  int64_t sum = 0;

  do {
    uint32_t node_of_b = b;

    do {
      struct kith_linkage_pair pair = pair_of(graph, node_of_a, node_of_b);

      kith_judge_pair(graph->judge, &pair);
      sum += kith_judge_margin(graph->judge, &pair, further);
      if (graph->input->n_parties > 1 && pair.party_a == pair.party_b)
        joint->pairs--;
      else if (kith_classes_enough(classes, kith_classes_both(classes, &pair))) {
        probability += pair.probability;
        n++;
      }
      node_of_b = graph->next[node_of_b];
    } while (node_of_b != b);
    node_of_a = graph->next[node_of_a];
  } while (node_of_a != a);
  if (n > 0)
    joint->alone = (uint32_t)(probability / n);
  return sum >= 0;
}

static bool holds_together(const struct graph *graph, uint32_t a, uint32_t b, struct joint *joint)
{
  uint64_t pairs = (uint64_t)graph->size[a] * graph->size[b];
  uint64_t n_live = 0;
  uint64_t sum;

  if (pairs == 1) {
    if (graph->input->n_parties > 1 && graph->parties[a] == graph->parties[b])
      joint->pairs = 0;
    return true;
  }
  /* While similarities stand for weights only candidates have one. */
  if (graph->judge->loose && graph->judge->weights.bytes)
    return holds_on_average(graph, a, b, joint);
  sum = probability_between(graph, &n_live, a, b);
  return sum >= (graph->judge->sparse ? n_live : pairs) * CHAIN_MEAN_MIN;
}

static bool inside(const struct kith_linkage_pair *pair)
{
  return pair->party_a == pair->party_b;
}

/* Merges the two groups if they hold together; notes it for the curve where it is asked for. */
static void try_merge(struct graph *graph, uint32_t a, uint32_t b, uint32_t probability, bool note)
{
  struct joint joint = {(uint64_t)graph->size[a] * graph->size[b], probability};

  if (!holds_together(graph, a, b, &joint))
    return;
  if (note)
    kith_foretell_add(&graph->foretell, joint.pairs, probability, joint.alone);
  if (graph->parties[a] & graph->parties[b]) {
    graph->flags[a] |= KITH_CLUSTER_DUPLICATE;
    graph->flags[b] |= KITH_CLUSTER_DUPLICATE;
  }
  merge(graph, a, b, probability);
}

/* Where people are known to parties just once, duplicates come first: from then on a group is one
 * record of its party. */
static void merge_duplicates(struct graph *graph)
{
  for (size_t i = 0; i < graph->n_live; i++) {
    const struct kith_linkage_pair *pair = &graph->result->pairs[graph->order[i]];
    uint32_t a = graph->root[node_a(graph, pair)];
    uint32_t b = graph->root[node_b(graph, pair)];

    if (pair->probability < DUPLICATE)
      break;
    if (inside(pair) && a != b)
      try_merge(graph, a, b, pair->probability, false);
  }
}

static void merge_across(struct graph *graph)
{
  for (size_t i = 0; i < graph->n_live; i++) {
    const struct kith_linkage_pair *pair = &graph->result->pairs[graph->order[i]];
    uint32_t a = graph->root[node_a(graph, pair)];
    uint32_t b = graph->root[node_b(graph, pair)];

    if (pair->probability < PLAUSIBLE && pair->probability < graph->threshold)
      break;
    if (inside(pair) || a == b)
      continue;
    if (graph->parties[a] & graph->parties[b]) {
      graph->flags[a] |= KITH_CLUSTER_AMBIGUOUS;
      graph->flags[b] |= KITH_CLUSTER_AMBIGUOUS;
    } else if (pair->probability >= graph->threshold) {
      try_merge(graph, a, b, pair->probability, true);
    }
  }
}

/* Where nobody is known just once, groups of whatever parties grow as long as they hold together.
 */
static void merge_loosely(struct graph *graph)
{
  for (size_t i = 0; i < graph->n_live; i++) {
    const struct kith_linkage_pair *pair = &graph->result->pairs[graph->order[i]];
    uint32_t a = graph->root[node_a(graph, pair)];
    uint32_t b = graph->root[node_b(graph, pair)];

    if (pair->probability >= graph->threshold && a != b)
      try_merge(graph, a, b, pair->probability, true);
  }
}

/* ---- the curve */

/* True pairs that are still apart. */
static uint64_t missed_ppm(const struct graph *graph)
{
  bool across = graph->input->n_parties > 1;
  uint64_t sum = 0;

  for (size_t i = 0; i < graph->n_live; i++) {
    const struct kith_linkage_pair *pair = &graph->result->pairs[graph->order[i]];
    uint32_t a = graph->root[node_a(graph, pair)];
    uint32_t b = graph->root[node_b(graph, pair)];

    if (a != b && pair->probability >= MISSED && (pair->party_a != pair->party_b) == across)
      sum += pair->probability;
  }
  return sum;
}

/* ---- the result */

static uint32_t best_inside(const struct graph *graph, uint32_t node)
{
  uint32_t best = 0;

  for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
    const struct kith_linkage_pair *pair = &graph->result->pairs[graph->touching[i]];

    if (graph->root[node_a(graph, pair)] == graph->root[node_b(graph, pair)] &&
        pair->probability > best)
      best = pair->probability;
  }
  return best;
}

/* Clusters of one party alone, where they were not asked for, fall apart. */
static void split_lone_parties(struct graph *graph)
{
  if (graph->input->within || graph->input->n_parties == 1)
    return;
  for (uint32_t node = 0; node < graph->n_nodes; node++) {
    uint32_t root = graph->root[node];

    if (graph->parties[root] & (graph->parties[root] - 1)) /* several parties */
      continue;
    graph->root[node] = graph->next[node] = node;
    graph->size[node] = 1;
    graph->parties[node] = graph->parties[root];
    graph->weakest[node] = KITH_PPM;
    graph->flags[node] = graph->flags[root] & ~(uint32_t)KITH_CLUSTER_DUPLICATE;
  }
}

static enum kith_err number_clusters(struct graph *graph)
{
  struct kith_linkage_result *result = graph->result;
  KITH_AUTO_FREE uint32_t *number = KITH_NEW_ARRAY(uint32_t, graph->n_nodes);
  size_t n = 0;

  result->clusters = KITH_NEW_ARRAY(struct kith_cluster, graph->n_nodes);
  if (!number || !result->clusters)
    return KITH_ERR_MEMORY;
  for (unsigned p = 0; p < result->n_parties; p++) {
    uint32_t rows = graph->offset[p + 1] - graph->offset[p];

    result->cluster_of[p] = KITH_NEW_ARRAY(uint32_t, rows);
    if (!result->cluster_of[p])
      return KITH_ERR_MEMORY;
    for (uint32_t row = 0; row < rows; row++) {
      uint32_t node = graph->offset[p] + row;
      uint32_t root = graph->root[node];
      struct kith_cluster *cluster;

      if (!number[root]) {
        number[root] = (uint32_t)++n;
        result->clusters[n - 1] =
            (struct kith_cluster){graph->size[root], graph->parties[root], KITH_PPM,
                                  graph->weakest[root], graph->flags[root]};
      }
      cluster = &result->clusters[number[root] - 1];
      result->cluster_of[p][row] = number[root] - 1;
      if (cluster->n_records > 1) {
        uint32_t best = best_inside(graph, node);

        cluster->confidence = best < cluster->confidence ? best : cluster->confidence;
      }
    }
  }
  result->n_clusters = n;
  return KITH_OK;
}

void kith_cluster_clear(struct kith_linkage_result *result)
{
  for (unsigned p = 0; p < KITH_LINKAGE_PARTIES_MAX; p++) {
    kith_free(result->cluster_of[p]);
    result->cluster_of[p] = NULL;
  }
  kith_free(result->clusters);
  result->clusters = NULL;
  result->n_clusters = 0;
}

enum kith_err kith_cluster_build(struct kith_linkage_result *result, const struct kith_judge *judge,
                                 uint32_t threshold, bool whole)
{
  struct graph graph;
  enum kith_err err = graph_init(&graph, result, judge, threshold);

  kith_cluster_clear(result);
  if (err == KITH_OK) {
    if (judge->loose) {
      merge_loosely(&graph);
    } else {
      merge_duplicates(&graph);
      merge_across(&graph);
    }
    if (whole) {
      kith_foretell_curve(result, &graph.foretell, judge, judge->loose ? missed_ppm(&graph) : 0);
      split_lone_parties(&graph);
    }
    err = number_clusters(&graph);
  }
  graph_free(&graph);
  return err;
}
