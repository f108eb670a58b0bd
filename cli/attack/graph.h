/* Matching two sparse graphs of people whose edges have marks: which match keys agreed, and how far
 * apart each field is. What a matcher sees under blind comparison, and what a list gives when it is
 * compared with itself.
 *
 * Edges that could be the same give votes to pairs of their ends; votes of neighbours that are
 * matched already count more (percolation from the known pairs, Yartseva and Grossglauser 2013,
 * with marked edges); the best pairs are matched one to one, and that again until it stands. */
#ifndef KITH_CLI_ATTACK_GRAPH_H
#define KITH_CLI_ATTACK_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/attack/dense.h"
#include "crypto/blind_layout.h"

struct kith_graph_edge {
  uint32_t a; /* a == b: between two records of one person */
  uint32_t b;
  uint16_t keys; /* match keys that agree */
  uint16_t kind; /* edges of different kinds are never the same */
  uint8_t distances[KITH_BLIND_FIELDS_MAX];
  uint8_t missing[KITH_BLIND_FIELDS_MAX];
};

struct kith_graph {
  uint32_t n; /* nodes, from 0 */
  size_t n_edges;
  struct kith_graph_edge *edges; /* owned by whoever made it */
};

/* known: target->n, a node of the list or KITH_ATTACK_NONE; guess: likewise. No two guesses are the
 * same. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_attack_graph(uint32_t *guess, const struct kith_graph *target,
                                              const struct kith_graph *list, const uint32_t *known,
                                              const struct kith_blind_layout *layout);

#endif
