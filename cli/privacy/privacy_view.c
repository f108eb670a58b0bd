#include "cli/privacy/privacy_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SECRET_BYTES = 32 };

static void no_progress(void *context, double share)
{
  (void)context;
  (void)share;
}

static enum kith_err run_view(struct kith_link *view, const struct kith_secret *secret,
                              struct kith_fault *fault)
{
  const struct kith_encodings *encodings[KITH_LINKAGE_PARTIES_MAX];
  const struct kith_linkage_input input = {.n_parties = view->n_parties,
                                           .parties = encodings,
                                           .policy = &view->policy,
                                           .names = (const char *const *)view->names,
                                           .n_threads = kith_cli_processors(),
                                           .progress = no_progress,
                                           .cancel = kith_cli_cancel_on_signal()};
  enum kith_err err = kith_link_blind_check(view, fault);

  if (err == KITH_OK)
    err = kith_link_blind_read(view, secret, fault);
  for (unsigned p = 0; p < view->n_parties; p++)
    encodings[p] = &view->parties[p].encodings;
  return err == KITH_OK ? kith_link_blind_run(view, secret, &input, fault) : err;
}

enum kith_err kith_privacy_view(struct kith_link **out, const struct kith_policy *policy,
                                char *const *paths, char **names, unsigned n,
                                struct kith_fault *fault)
{
  struct kith_link *view = KITH_NEW(struct kith_link);
  struct kith_secret *secret = NULL;
  enum kith_err err = view ? kith_secret_random(&secret, SECRET_BYTES) : KITH_ERR_MEMORY;

  *out = view;
  if (err == KITH_OK) {
    view->policy = *policy;
    /* Whom the rule selects is nothing that an attack needs, and it may name others. */
    (void)snprintf(view->policy.rule, sizeof view->policy.rule, "at least 2 services");
    view->paths = paths;
    view->names = names;
    view->n_parties = n;
    view->quiet = true;
    err = run_view(view, secret, fault);
  }
  kith_secret_free(secret);
  if (err != KITH_OK) {
    kith_privacy_view_free(view);
    *out = NULL;
  }
  return err;
}

void kith_privacy_view_free(struct kith_link *view)
{
  if (!view)
    return;
  kith_link_blind_free(view->blind);
  kith_linkage_result_free(&view->result);
  for (unsigned p = 0; p < view->n_parties; p++)
    kith_encoded_free(&view->parties[p]);
  kith_free(view);
}

/* ---- handles */

struct handle {
  uint64_t handle;
  uint32_t row;
};

struct kith_privacy_handles {
  struct handle *items[KITH_LINKAGE_PARTIES_MAX]; /* owned; by handle */
  size_t n[KITH_LINKAGE_PARTIES_MAX];
};

static int by_handle(const void *left, const void *right)
{
  const struct handle *a = left;
  const struct handle *b = right;

  return (a->handle > b->handle) - (a->handle < b->handle);
}

enum kith_err kith_privacy_handles_new(struct kith_privacy_handles **out,
                                       const struct kith_link *view)
{
  struct kith_privacy_handles *handles = KITH_NEW(struct kith_privacy_handles);

  *out = handles;
  for (unsigned p = 0; handles && p < view->n_parties; p++) {
    const struct kith_blind_agency *agency = &view->blind->agencies[p];

    handles->items[p] = KITH_NEW_ARRAY(struct handle, agency->n + 1);
    if (!handles->items[p])
      return KITH_ERR_MEMORY;
    for (size_t i = 0; i < agency->n; i++)
      handles->items[p][i] = (struct handle){agency->records[i].handle, agency->records[i].row};
    handles->n[p] = agency->n;
    if (agency->n > 1)
      qsort(handles->items[p], agency->n, sizeof *handles->items[p], by_handle);
  }
  return handles ? KITH_OK : KITH_ERR_MEMORY;
}

uint32_t kith_privacy_row(const struct kith_privacy_handles *handles, unsigned p, uint64_t handle)
{
  struct handle wanted = {handle, 0};
  const struct handle *found =
      handles->n[p] ? bsearch(&wanted, handles->items[p], handles->n[p], sizeof wanted, by_handle)
                    : NULL;

  return found ? found->row : UINT32_MAX;
}

void kith_privacy_handles_free(struct kith_privacy_handles *handles)
{
  for (unsigned p = 0; handles && p < KITH_LINKAGE_PARTIES_MAX; p++)
    kith_free(handles->items[p]);
  kith_free(handles);
}

bool kith_privacy_is_low(const struct kith_link *view, unsigned p, unsigned q)
{
  return strcmp(view->names[p], view->names[q]) < 0;
}

/* ---- graphs */

static int by_ends(const void *left, const void *right)
{
  const struct kith_graph_edge *a = left;
  const struct kith_graph_edge *b = right;

  if (a->a != b->a)
    return a->a < b->a ? -1 : 1;
  if (a->b != b->b)
    return a->b < b->b ? -1 : 1;
  return (a->kind > b->kind) - (a->kind < b->kind);
}

/* Edges of the same ends become one: all keys, and the least distances. */
static void merge(struct kith_graph *graph)
{
  size_t n = 0;

  if (graph->n_edges > 1)
    qsort(graph->edges, graph->n_edges, sizeof *graph->edges, by_ends);
  for (size_t i = 0; i < graph->n_edges; i++) {
    struct kith_graph_edge *edge = &graph->edges[i];
    struct kith_graph_edge *last = n ? &graph->edges[n - 1] : NULL;

    if (!last || by_ends(last, edge) != 0) {
      graph->edges[n++] = *edge;
      continue;
    }
    last->keys |= edge->keys;
    for (unsigned f = 0; f < KITH_BLIND_FIELDS_MAX; f++) {
      if (edge->missing[f] > last->missing[f])
        continue;
      if (edge->missing[f] < last->missing[f] || edge->distances[f] < last->distances[f])
        last->distances[f] = edge->distances[f];
      last->missing[f] = edge->missing[f];
    }
  }
  graph->n_edges = n;
}

static void add(struct kith_graph *graph, uint32_t a, uint32_t b, unsigned kind,
                const struct kith_blind_pair *pair)
{
  struct kith_graph_edge *edge = &graph->edges[graph->n_edges++];

  *edge = (struct kith_graph_edge){
      .a = a < b ? a : b, .b = a < b ? b : a, .keys = pair->keys, .kind = (uint16_t)kind};
  memcpy(edge->distances, pair->distances, sizeof edge->distances);
  memcpy(edge->missing, pair->missing, sizeof edge->missing);
}

static size_t count_pairs(const struct kith_link *view)
{
  size_t n = 0;

  for (unsigned p = 0; p < view->n_parties; p++)
    for (unsigned q = p + 1; q < view->n_parties; q++)
      n += view->blind->pairs[p][q].n;
  return n;
}

/* rows: nodes are rows, whichever party's; else clusters. */
static enum kith_err make(struct kith_graph *out, const struct kith_link *view, bool rows,
                          bool inner)
{
  struct kith_privacy_handles *handles = NULL;
  enum kith_err err = kith_privacy_handles_new(&handles, view);

  *out = (struct kith_graph){
      .n = (uint32_t)(rows ? view->parties[0].encodings.n : view->result.n_clusters)};
  out->edges = KITH_NEW_ARRAY(struct kith_graph_edge, count_pairs(view) + 1);
  if (!out->edges)
    err = KITH_ERR_MEMORY;
  for (unsigned p = 0; p < view->n_parties && err == KITH_OK; p++)
    for (unsigned q = p + 1; q < view->n_parties; q++) {
      bool low = kith_privacy_is_low(view, p, q);
      const struct kith_blind_pairs *pairs = &view->blind->pairs[p][q];

      for (size_t i = 0; i < pairs->n; i++) {
        const struct kith_blind_pair *pair = &pairs->items[i];
        uint32_t a = kith_privacy_row(handles, p, low ? pair->low : pair->high);
        uint32_t b = kith_privacy_row(handles, q, low ? pair->high : pair->low);

        if (a == UINT32_MAX || b == UINT32_MAX)
          continue; /* nobody's: the join has counted them already */
        a = rows ? a : view->result.cluster_of[p][a];
        b = rows ? b : view->result.cluster_of[q][b];
        if (a != b)
          add(out, a, b, 0, pair);
        else if (inner)
          add(out, a, b, 1 + p * KITH_LINKAGE_PARTIES_MAX + q, pair);
      }
    }
  kith_privacy_handles_free(handles);
  if (err != KITH_OK) {
    kith_free(out->edges);
    out->edges = NULL;
    return err;
  }
  merge(out);
  return KITH_OK;
}

enum kith_err kith_privacy_clusters_graph(struct kith_graph *out, const struct kith_link *view,
                                          bool inner)
{
  return make(out, view, false, inner);
}

enum kith_err kith_privacy_table_graph(struct kith_graph *out, const struct kith_link *view)
{
  return make(out, view, true, false);
}
