/* Who could be one person with whom: for each group of records the links that hold it together, and
 * how likely each of them is right. Each state of the doubtful links (right or wrong) divides the
 * group into people. Of curve.c only. */
#ifndef KITH_MATCHER_LINKAGE_FOREST_H
#define KITH_MATCHER_LINKAGE_FOREST_H

#include "matcher/linkage/linkage.h"

enum {
  KITH_FOREST_LEAST = 100000,   /* ppm: less likely links are left out, as in the pairs' curve */
  KITH_FOREST_DOUBTFUL_MAX = 10 /* links of a tree that may be right or wrong; others as likely */
};

struct kith_forest_edge {
  uint32_t a; /* nodes */
  uint32_t b;
  uint32_t probability; /* ppm */
};

/* nodes[first .. first + n_nodes), edges[first - tree's number .. + n_nodes - 1). */
struct kith_forest_tree {
  uint32_t first_node;
  uint32_t n_nodes;
  uint32_t first_edge;
  uint32_t parties;
};

struct kith_forest {
  uint32_t offset[KITH_LINKAGE_PARTIES_MAX + 1]; /* node = offset[party] + row */
  uint32_t n_nodes;
  uint8_t *party;                 /* owned; by node */
  uint32_t *nodes;                /* owned; by tree */
  uint32_t *place;                /* owned; by node: its index within its tree */
  struct kith_forest_edge *edges; /* owned; by tree */
  struct kith_forest_tree *trees; /* owned; of two nodes and more */
  size_t n_trees;
};

/* The clusters of `base`, each held by its likeliest links, and then the likeliest links between
 * groups that have no party in common. Free with kith_forest_free, after a failure, too. */
KITH_MUST_USE enum kith_err kith_forest_make(struct kith_forest *forest,
                                             const struct kith_linkage_input *input,
                                             const struct kith_linkage_pair *pairs, size_t n_pairs,
                                             const struct kith_linkage_result *base);
void kith_forest_free(struct kith_forest *forest);

/* All states of a tree. */
struct kith_forest_states {
  unsigned n;
  double *weight;  /* owned; adds up to 1 */
  uint16_t *label; /* owned; [state * n_nodes + place]: the least place of its person */
};
/* Room for trees of up to n_nodes nodes. */
KITH_MUST_USE enum kith_err kith_forest_states_init(struct kith_forest_states *states,
                                                    uint32_t n_nodes);
void kith_forest_states_free(struct kith_forest_states *states);
void kith_forest_states_of(struct kith_forest_states *states, const struct kith_forest *forest,
                           const struct kith_forest_tree *tree);

#endif
