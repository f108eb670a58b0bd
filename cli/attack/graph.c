#include "cli/attack/graph.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BEST = 12, ROUNDS = 8 };
/* In units of log likelihood, about: what two equal edges are worth, and a matched neighbour. */
static const float EDGE_WORTH = 10;
static const float NEIGHBOUR_WORTH = 14;
static const float DEGREE_COST = 0.5F;

/* The edge `edge` speaks for (u, x), and more so where v and y are matched. */
struct vote {
  uint32_t u;
  uint32_t x;
  uint32_t edge;
  uint32_t v;
  uint32_t y;
  float worth;
};

struct pair {
  uint32_t u;
  uint32_t x;
  float worth;
};

struct matching {
  const struct kith_graph *target;
  const struct kith_graph *list;
  const uint32_t *known;
  uint32_t *guess;
  uint32_t *taken; /* owned; list->n: by whom */
  uint32_t *degrees[2];
  struct vote *votes; /* owned */
  size_t n_votes;
  struct pair *pairs; /* owned; n_votes */
};

/* How likely two edges are the same. Distances are binomial: their variance follows from them. */
static float edge_worth(const struct kith_graph_edge *e, const struct kith_graph_edge *f,
                        const struct kith_blind_layout *layout)
{
  float worth = EDGE_WORTH;

  if (e->kind != f->kind)
    return 0;
  worth -= 1.5F * (float)__builtin_popcount(e->keys ^ f->keys);
  for (unsigned k = 0; k < layout->n_fields && worth > 0; k++) {
    float bits = (float)layout->bits[k];
    float share = ((float)e->distances[k] + (float)f->distances[k] + 1) / (2 * bits + 2);
    float apart = (float)e->distances[k] - (float)f->distances[k];

    if (e->missing[k] != f->missing[k])
      worth -= 2;
    else if (e->missing[k] == 0)
      worth -= apart * apart / (4 * bits * share * (1 - share) + 1);
  }
  return worth;
}

struct best {
  unsigned n;
  uint32_t edges[BEST];
  float worths[BEST];
};

/* Of equals the later ones replace earlier ones by turns, so that ties are spread. */
static void best_add(struct best *best, uint32_t edge, float worth)
{
  unsigned least = 0;

  if (best->n < BEST) {
    best->edges[best->n] = edge;
    best->worths[best->n++] = worth;
    return;
  }
  for (unsigned i = 1; i < BEST; i++)
    if (best->worths[i] < best->worths[least])
      least = i;
  if (worth > best->worths[least]) {
    best->edges[least] = edge;
    best->worths[least] = worth;
  }
}

static void vote(struct matching *m, uint32_t edge, bool turned, const struct kith_graph_edge *f,
                 float worth)
{
  const struct kith_graph_edge *e = &m->target->edges[edge];
  struct vote first = {e->a, turned ? f->b : f->a, edge, e->b, turned ? f->a : f->b, worth};
  struct vote second = {first.v, first.y, edge, first.u, first.x, worth};

  m->votes[m->n_votes++] = first;
  if (e->a != e->b)
    m->votes[m->n_votes++] = second;
}

/* Whether a pair of nodes may be one at all. */
static bool may_be(const struct matching *m, uint32_t u, uint32_t x)
{
  return m->known[u] == KITH_ATTACK_NONE || m->known[u] == x;
}

static enum kith_err collect(struct matching *m, const struct kith_blind_layout *layout)
{
  const struct kith_graph *list = m->list;
  size_t n = m->target->n_edges * BEST * 4;

  m->votes = KITH_NEW_ARRAY(struct vote, n + 1);
  m->pairs = KITH_NEW_ARRAY(struct pair, n + 1);
  if (!m->votes || !m->pairs)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; i < m->target->n_edges; i++) {
    const struct kith_graph_edge *e = &m->target->edges[i];
    struct best best = {0};

    for (uint32_t j = 0; j < list->n_edges; j++) {
      const struct kith_graph_edge *f = &list->edges[j];
      float worth = (e->a == e->b) == (f->a == f->b) ? edge_worth(e, f, layout) : 0;

      if (worth > 0 && m->known[e->a] != KITH_ATTACK_NONE &&
          (m->known[e->a] == f->a || m->known[e->a] == f->b))
        worth += NEIGHBOUR_WORTH;
      if (worth > 0 && m->known[e->b] != KITH_ATTACK_NONE &&
          (m->known[e->b] == f->a || m->known[e->b] == f->b))
        worth += NEIGHBOUR_WORTH;
      if (worth > 0)
        best_add(&best, j, worth);
    }
    for (unsigned k = 0; k < best.n; k++) {
      const struct kith_graph_edge *f = &list->edges[best.edges[k]];
      float worth = edge_worth(e, f, layout);

      if (may_be(m, e->a, f->a) && may_be(m, e->b, f->b))
        vote(m, i, false, f, worth);
      if (e->a != e->b && may_be(m, e->a, f->b) && may_be(m, e->b, f->a))
        vote(m, i, true, f, worth);
    }
  }
  return KITH_OK;
}

static int by_pair(const void *left, const void *right)
{
  const struct vote *a = left;
  const struct vote *b = right;

  if (a->u != b->u)
    return a->u < b->u ? -1 : 1;
  if (a->x != b->x)
    return a->x < b->x ? -1 : 1;
  return (a->edge > b->edge) - (a->edge < b->edge);
}

static int by_worth(const void *left, const void *right)
{
  const struct pair *a = left;
  const struct pair *b = right;

  if (a->worth != b->worth)
    return a->worth > b->worth ? -1 : 1;
  if (a->u != b->u)
    return a->u < b->u ? -1 : 1;
  return (a->x > b->x) - (a->x < b->x);
}

/* Sums each pair's votes, one for each edge: the best. */
static size_t sum_votes(struct matching *m)
{
  size_t n = 0;

  for (size_t i = 0; i < m->n_votes;) {
    uint32_t u = m->votes[i].u;
    uint32_t x = m->votes[i].x;
    float gap = fabsf((float)m->degrees[0][u] - (float)m->degrees[1][x]);
    float worth = -DEGREE_COST * gap;

    while (i < m->n_votes && m->votes[i].u == u && m->votes[i].x == x) {
      uint32_t edge = m->votes[i].edge;
      float most = 0;

      for (; i < m->n_votes && m->votes[i].u == u && m->votes[i].x == x && m->votes[i].edge == edge;
           i++) {
        const struct vote *vote = &m->votes[i];
        float of = vote->worth;

        if (vote->v != u && m->guess[vote->v] == vote->y)
          of += NEIGHBOUR_WORTH;
        most = of > most ? of : most;
      }
      worth += most;
    }
    m->pairs[n++] = (struct pair){u, x, worth};
  }
  return n;
}

static void match(struct matching *m, size_t n)
{
  memset(m->guess, 0xff, m->target->n * sizeof *m->guess);
  memset(m->taken, 0xff, m->list->n * sizeof *m->taken);
  for (uint32_t u = 0; u < m->target->n; u++)
    if (m->known[u] != KITH_ATTACK_NONE) {
      m->guess[u] = m->known[u];
      m->taken[m->known[u]] = u;
    }
  if (n > 1)
    qsort(m->pairs, n, sizeof *m->pairs, by_worth);
  for (size_t i = 0; i < n; i++) {
    const struct pair *pair = &m->pairs[i];

    if (m->guess[pair->u] == KITH_ATTACK_NONE && m->taken[pair->x] == KITH_ATTACK_NONE) {
      m->guess[pair->u] = pair->x;
      m->taken[pair->x] = pair->u;
    }
  }
}

static void count_degrees(uint32_t *degrees, const struct kith_graph *graph)
{
  for (size_t i = 0; i < graph->n_edges; i++)
    if (graph->edges[i].a != graph->edges[i].b) {
      degrees[graph->edges[i].a]++;
      degrees[graph->edges[i].b]++;
    }
}

enum kith_err kith_attack_graph(uint32_t *guess, const struct kith_graph *target,
                                const struct kith_graph *list, const uint32_t *known,
                                const struct kith_blind_layout *layout)
{
  struct matching m = {.target = target, .list = list, .known = known, .guess = guess};
  enum kith_err err = KITH_ERR_MEMORY;

  m.taken = KITH_NEW_ARRAY(uint32_t, (size_t)list->n + 1);
  m.degrees[0] = KITH_NEW_ARRAY(uint32_t, (size_t)target->n + 1);
  m.degrees[1] = KITH_NEW_ARRAY(uint32_t, (size_t)list->n + 1);
  if (m.taken && m.degrees[0] && m.degrees[1]) {
    count_degrees(m.degrees[0], target);
    count_degrees(m.degrees[1], list);
    err = collect(&m, layout);
  }
  if (err == KITH_OK) {
    if (m.n_votes > 1)
      qsort(m.votes, m.n_votes, sizeof *m.votes, by_pair);
    match(&m, 0);
    for (unsigned round = 0; round < ROUNDS; round++)
      match(&m, sum_votes(&m));
  }
  kith_free(m.taken);
  kith_free(m.degrees[0]);
  kith_free(m.degrees[1]);
  kith_free(m.votes);
  kith_free(m.pairs);
  return err;
}
