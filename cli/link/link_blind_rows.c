#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/link/link_blind.h"

/* A record that is in a cluster of several. */
struct member {
  uint32_t cluster;
  uint32_t row;
  uint32_t record; /* of the agency */
  uint8_t party;
};

static int compare_members(const void *left, const void *right)
{
  const struct member *a = left;
  const struct member *b = right;

  if (a->cluster != b->cluster)
    return a->cluster < b->cluster ? -1 : 1;
  if (a->party != b->party)
    return a->party < b->party ? -1 : 1;
  return (a->row > b->row) - (a->row < b->row);
}

/* ---- clusters */

/* A duplicate follows its person, unless that is in no other file and nobody asked for --within. */
static void follow(struct kith_link *link, unsigned p)
{
  const struct kith_blind_agency *agency = &link->blind->agencies[p];
  struct kith_linkage_result *result = &link->result;

  for (size_t i = 0; i < agency->n; i++) {
    const struct kith_blind_record *record = &agency->records[i];
    uint32_t to = result->cluster_of[p][agency->records[record->person].row];
    struct kith_cluster *cluster = &result->clusters[to];

    if (record->person == i || (!link->within && !(cluster->parties & (cluster->parties - 1))))
      continue;
    result->clusters[result->cluster_of[p][record->row]].n_records = 0;
    result->cluster_of[p][record->row] = to;
    cluster->n_records++;
    cluster->flags |= KITH_CLUSTER_DUPLICATE;
    if (record->probability < cluster->confidence)
      cluster->confidence = record->probability;
    if (record->probability < cluster->weakest)
      cluster->weakest = record->probability;
  }
}

/* Numbers the clusters anew, in order of their first record. */
static enum kith_err renumber(struct kith_link *link)
{
  struct kith_linkage_result *result = &link->result;
  KITH_AUTO_FREE uint32_t *number = KITH_NEW_ARRAY(uint32_t, result->n_clusters);
  struct kith_cluster *clusters = KITH_NEW_ARRAY(struct kith_cluster, result->n_clusters);
  size_t n = 0;

  if (!number || !clusters) {
    kith_free(clusters);
    return KITH_ERR_MEMORY;
  }
  for (unsigned p = 0; p < link->n_parties; p++)
    for (size_t row = 0; row < link->parties[p].encodings.n; row++) {
      uint32_t *of = &result->cluster_of[p][row];

      if (!number[*of]) {
        clusters[n] = result->clusters[*of];
        number[*of] = (uint32_t)++n;
      }
      *of = number[*of] - 1;
    }
  kith_free(result->clusters);
  result->clusters = clusters;
  result->n_clusters = n;
  return KITH_OK;
}

/* ---- pairs */

struct pairs {
  struct kith_linkage_pair *items; /* owned */
  size_t n;
  size_t cap;
};

static enum kith_err pairs_add(struct pairs *pairs, const struct kith_linkage_pair *pair)
{
  if (pairs->n == pairs->cap) {
    size_t cap = pairs->cap * 2 + 64;
    struct kith_linkage_pair *grown = kith_realloc(pairs->items, cap, sizeof *grown);

    if (!grown)
      return KITH_ERR_MEMORY;
    pairs->items = grown;
    pairs->cap = cap;
  }
  pairs->items[pairs->n++] = *pair;
  return KITH_OK;
}

static uint32_t least(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

/* How sure it is that a record is its person's. */
static uint32_t own_probability(const struct kith_blind_agency *agency, uint32_t record)
{
  return agency->records[record].person == record ? KITH_PPM : agency->records[record].probability;
}

/* Two records of one cluster: as their people, where these were a candidate pair; where they were
 * not, nothing is known of their distance. */
static struct kith_linkage_pair pair_of(const struct kith_link *link, const struct member *a,
                                        const struct member *b)
{
  const struct kith_blind_agency *of_a = &link->blind->agencies[a->party];
  const struct kith_blind_agency *of_b = &link->blind->agencies[b->party];
  struct kith_linkage_pair people = {.row_a = of_a->records[of_a->records[a->record].person].row,
                                     .row_b = of_b->records[of_b->records[b->record].person].row,
                                     .party_a = a->party,
                                     .party_b = b->party,
                                     .probability = link->result.clusters[a->cluster].weakest};
  const struct kith_linkage_pair *held =
      link->result.n_pairs ? bsearch(&people, link->result.pairs, link->result.n_pairs,
                                     sizeof people, kith_linkage_pair_compare)
                           : NULL;
  struct kith_linkage_pair pair = held ? *held : people;

  if (a->party == b->party) {
    pair.similarity = kith_blind_overlap(of_a, a->record, b->record);
    pair.probability = KITH_PPM;
  }
  pair.probability = least(pair.probability, own_probability(of_a, a->record));
  pair.probability = least(pair.probability, own_probability(of_b, b->record));
  pair.row_a = a->row;
  pair.row_b = b->row;
  pair.linked = true;
  return pair;
}

static enum kith_err list_members(struct member **out, size_t *n, const struct kith_link *link)
{
  struct member *members;
  size_t n_all = 0;

  for (unsigned p = 0; p < link->n_parties; p++)
    n_all += link->blind->agencies[p].n;
  *n = 0;
  members = KITH_NEW_ARRAY(struct member, n_all);
  if (!members)
    return KITH_ERR_MEMORY;
  for (unsigned p = 0; p < link->n_parties; p++)
    for (uint32_t i = 0; i < link->blind->agencies[p].n; i++) {
      uint32_t row = link->blind->agencies[p].records[i].row;
      uint32_t cluster = link->result.cluster_of[p][row];

      if (link->result.clusters[cluster].n_records > 1)
        members[(*n)++] = (struct member){cluster, row, i, (uint8_t)p};
    }
  if (*n > 1)
    qsort(members, *n, sizeof *members, compare_members);
  *out = members;
  return KITH_OK;
}

/* All pairs of clusters, and the candidates that are in none. */
static enum kith_err list_pairs(struct kith_link *link)
{
  struct kith_linkage_result *result = &link->result;
  struct member *members = NULL;
  struct pairs pairs = {0};
  size_t n = 0;
  enum kith_err err = list_members(&members, &n, link);

  for (size_t i = 0; i < result->n_pairs && err == KITH_OK; i++)
    if (!result->pairs[i].linked)
      err = pairs_add(&pairs, &result->pairs[i]);
  for (size_t i = 0; i < n; i++)
    for (size_t k = i + 1; k < n && members[k].cluster == members[i].cluster && err == KITH_OK;
         k++) {
      struct kith_linkage_pair pair = pair_of(link, &members[i], &members[k]);

      err = pairs_add(&pairs, &pair);
    }
  kith_free(members);
  if (err != KITH_OK) {
    kith_free(pairs.items);
    return err;
  }
  if (pairs.n > 1)
    qsort(pairs.items, pairs.n, sizeof *pairs.items, kith_linkage_pair_compare);
  kith_free(result->pairs);
  result->pairs = pairs.items;
  result->n_pairs = pairs.n;
  return KITH_OK;
}

enum kith_err kith_link_blind_expand(struct kith_link *link)
{
  enum kith_err err;

  for (unsigned p = 0; p < link->n_parties; p++)
    follow(link, p);
  err = renumber(link);
  return err == KITH_OK ? list_pairs(link) : err;
}
