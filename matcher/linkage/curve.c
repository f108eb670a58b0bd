#include "matcher/linkage/curve.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/cluster.h"
#include "matcher/linkage/cohort.h"
#include "matcher/linkage/forest.h"

/* Sums are of whole billionths, so that they don't depend on the order of trees. */
static const double billion = 1e9;
static const double z_90 = 1.6448536269514722; /* 5% of a normal distribution are above */
/* What is left of the error of the probabilities themselves, as a share of a count: measured
 * against the truth of several open sets (docs/thresholds.md). */
static const double model_error = 0.6;

struct sum {
  int64_t mean; /* billionths */
  int64_t variance;
};
struct sums {
  struct sum all;
  struct sum services[KITH_LINKAGE_PARTIES_MAX + 1];
  struct sum pairs[KITH_LINKAGE_PARTIES_MAX][KITH_LINKAGE_PARTIES_MAX];
};

struct maker {
  const struct kith_linkage_input *input;
  const struct kith_linkage_pair *pairs;
  size_t n_pairs;
  uint8_t *table;   /* kith_cohort_table */
  uint8_t *reaches; /* by set of parties: whether the rule selects it or a part of it */
  struct kith_forest forest;
  struct kith_forest_states states;
  double scale; /* comparisons across parties for one within */
  double true_pairs;

  /* of one threshold */
  struct kith_linkage_result result; /* of the point that is made */
  struct sums wrong;
  struct sums missed;

  /* of one tree; room for the largest */
  uint32_t *cluster;   /* of each place */
  uint32_t *entries;   /* clusters that the rule selects */
  uint32_t *entry_set; /* parties of its records here */
  double *entry_wrong; /* probability */
  uint32_t *person_set;
  uint8_t *person_right;
  uint32_t n_entries;
  struct sums tree_missed; /* expected numbers; variance is not used */
};

uint32_t kith_people_threshold(unsigned step)
{
  uint32_t hundredths = KITH_CURVE_FIRST + 2 * step;

  return (hundredths < 99 ? hundredths : 99) * (KITH_PPM / 100);
}

struct kith_estimate kith_estimate_of(double mean, double variance)
{
  struct kith_estimate estimate = {mean, mean, mean};

  if (mean <= 0 || variance <= 0) {
    estimate.high = mean + z_90 * sqrt(variance > 0 ? variance : 0);
    return estimate;
  }
  /* Quantiles of a gamma distribution by its cube root (Wilson and Hilferty 1931). */
  double shape = mean * mean / variance;
  double spread = z_90 / (3 * sqrt(shape));
  double low = 1 - 1 / (9 * shape) - spread;
  double high = 1 - 1 / (9 * shape) + spread;

  estimate.low = low > 0 ? mean * low * low * low : 0;
  estimate.high = high > 0 ? mean * high * high * high : 0;
  /* Of a count that is hardly ever above 0 the cube root is no guide. */
  double plain = mean + z_90 * sqrt(variance);
  if (shape < 0.25 && estimate.high < plain)
    estimate.high = plain;
  return estimate;
}

/* ---- sums */

static void add(struct sum *sum, double mean, double variance)
{
  sum->mean += llrint(mean * billion);
  sum->variance += llrint(variance * billion);
}

/* To all groups that people of these parties are in. */
static void add_groups(struct sums *sums, uint32_t set, double mean, double variance)
{
  add(&sums->all, mean, variance);
  add(&sums->services[__builtin_popcount(set)], mean, variance);
  for (unsigned p = 0; p < KITH_LINKAGE_PARTIES_MAX; p++)
    for (unsigned q = p + 1; (set >> p & 1) && q < KITH_LINKAGE_PARTIES_MAX; q++)
      if (set >> q & 1)
        add(&sums->pairs[p][q], mean, variance);
}

/* A tree's number of missed people is taken for that of a coin, or, above 1, of rare events. */
static void close_missed(struct sum *out, struct sum *tree)
{
  double mean = (double)tree->mean / billion;

  if (tree->mean)
    add(out, mean, mean < 0.5 ? mean * (1 - mean) : mean / 2);
  *tree = (struct sum){0};
}

static void close_tree(struct maker *maker)
{
  struct sums *tree = &maker->tree_missed;
  unsigned n = maker->input->n_parties;

  for (uint32_t i = 0; i < maker->n_entries; i++) {
    double wrong = maker->entry_wrong[i];

    if (wrong > 0)
      add_groups(&maker->wrong, maker->entry_set[i], wrong, wrong * (1 - wrong));
  }
  if (!tree->all.mean)
    return;
  close_missed(&maker->missed.all, &tree->all);
  for (unsigned p = 0; p <= n; p++)
    close_missed(&maker->missed.services[p], &tree->services[p]);
  for (unsigned p = 0; p < n; p++)
    for (unsigned q = p + 1; q < n; q++)
      close_missed(&maker->missed.pairs[p][q], &tree->pairs[p][q]);
}

/* ---- one tree at one threshold */

static void find_entries(struct maker *maker, const struct kith_forest_tree *tree)
{
  maker->n_entries = 0;
  for (uint32_t i = 0; i < tree->n_nodes; i++) {
    uint32_t node = maker->forest.nodes[tree->first_node + i];
    unsigned party = maker->forest.party[node];
    uint32_t cluster = maker->result.cluster_of[party][node - maker->forest.offset[party]];
    uint32_t entry = 0;

    maker->cluster[i] = cluster;
    if (!maker->table[maker->result.clusters[cluster].parties])
      continue;
    while (entry < maker->n_entries && maker->entries[entry] != cluster)
      entry++;
    if (entry == maker->n_entries) {
      maker->entries[entry] = cluster;
      maker->entry_set[entry] = 0;
      maker->entry_wrong[entry] = 0;
      maker->n_entries++;
    }
    maker->entry_set[entry] |= 1u << party;
  }
}

/* The person that an entry stands for: a label. */
static uint16_t person_of(const struct maker *maker, const struct kith_forest_tree *tree,
                          const uint16_t *label, uint32_t cluster)
{
  uint16_t best = 0;
  uint32_t best_n = 0;
  bool best_belongs = false;

  for (uint32_t i = 0; i < tree->n_nodes; i++) {
    uint32_t n = 0;

    if (maker->cluster[i] != cluster)
      continue;
    for (uint32_t k = 0; k < tree->n_nodes; k++)
      n += maker->cluster[k] == cluster && label[k] == label[i];
    bool belongs = maker->table[maker->person_set[label[i]]];
    if (n > best_n || (n == best_n && belongs && !best_belongs)) {
      best = label[i];
      best_n = n;
      best_belongs = belongs;
    }
  }
  return best;
}

static void count_state(struct maker *maker, const struct kith_forest_tree *tree, unsigned state)
{
  const uint16_t *label = maker->states.label + (size_t)state * tree->n_nodes;
  double weight = maker->states.weight[state];

  for (uint32_t i = 0; i < tree->n_nodes; i++) {
    maker->person_set[i] = 0;
    maker->person_right[i] = 0;
  }
  for (uint32_t i = 0; i < tree->n_nodes; i++)
    maker->person_set[label[i]] |=
        1u << maker->forest.party[maker->forest.nodes[tree->first_node + i]];
  for (uint32_t i = 0; i < maker->n_entries; i++) {
    uint16_t person = person_of(maker, tree, label, maker->entries[i]);

    if (maker->table[maker->person_set[person]] && !maker->person_right[person])
      maker->person_right[person] = 1;
    else
      maker->entry_wrong[i] += weight;
  }
  for (uint32_t i = 0; i < tree->n_nodes; i++)
    if (label[i] == i && maker->table[maker->person_set[i]] && !maker->person_right[i])
      add_groups(&maker->tree_missed, maker->person_set[i], weight, 0);
}

/* ---- one threshold */

static void count_listed(const struct maker *maker, struct kith_people_point *point)
{
  unsigned n = maker->input->n_parties;

  for (size_t i = 0; i < maker->result.n_clusters; i++) {
    uint32_t set = maker->result.clusters[i].parties;

    if (!maker->table[set])
      continue;
    point->all.listed++;
    point->services[__builtin_popcount(set)].listed++;
    for (unsigned p = 0; p < n; p++)
      for (unsigned q = p + 1; (set >> p & 1) && q < n; q++)
        point->pairs[p][q].listed += set >> q & 1;
  }
}

/* How far the number of false links may be off, as a share of it, where `wrong` of them are
 * foretold: it stands on pairs within parties, each for `scale` pairs across, and on one more than
 * were seen. In people: `people` for all of them. */
static double learning_variance(const struct maker *maker, double wrong, double people, double most)
{
  double seen = wrong / maker->scale;
  double deviation = maker->scale * sqrt(seen + 1);
  double share = wrong > people && wrong > 0 ? people / wrong : most;

  return deviation * share * (deviation * share) + model_error * people * (model_error * people);
}

struct doubts {
  double linked;     /* links across, expected to be false */
  double unlinked;   /* likely enough pairs that are not linked, expected to be false */
  double n_links;    /* all links */
  double n_unlinked; /* expected true ones that are not linked */
};

static struct doubts doubts_of(const struct maker *maker)
{
  struct doubts doubts = {0};
  bool across = maker->input->n_parties > 1;
  uint64_t sums[4] = {0};

  for (size_t i = 0; i < maker->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &maker->pairs[i];
    const struct kith_linkage_result *result = &maker->result;

    if ((pair->party_a != pair->party_b) != across || pair->probability < KITH_FOREST_LEAST)
      continue;
    uint32_t a = result->cluster_of[pair->party_a][pair->row_a];
    uint32_t b = result->cluster_of[pair->party_b][pair->row_b];
    if (a == b) {
      sums[0] += KITH_PPM - pair->probability;
      sums[2] += KITH_PPM;
    } else if (!across || !(result->clusters[a].parties & result->clusters[b].parties)) {
      sums[1] += KITH_PPM - pair->probability;
      sums[3] += pair->probability;
    }
  }
  doubts.linked = (double)sums[0] / KITH_PPM;
  doubts.unlinked = (double)sums[1] / KITH_PPM;
  doubts.n_links = (double)sums[2] / KITH_PPM;
  doubts.n_unlinked = (double)sums[3] / KITH_PPM;
  return doubts;
}

/* A group's share of the learning error is its share of the people: errors of one source, so that
 * standard deviations add up, not variances. */
static struct kith_estimate estimate(const struct sum *sum, const struct sum *all, double learning)
{
  double mean = (double)sum->mean / billion;
  double share = all->mean > 0 ? (double)sum->mean / (double)all->mean : sum == all ? 1 : 0;

  return kith_estimate_of(mean, (double)sum->variance / billion + learning * share * share);
}

/* True pairs that no tree has, for one that was found. */
static double unseen_share(const struct maker *maker, const struct doubts *doubts)
{
  double found = doubts->n_links - doubts->linked;
  double unseen = maker->true_pairs - found - doubts->n_unlinked;

  return found > 0 && unseen > 0 ? unseen / found : 0;
}

/* People who are missed for want of such pairs: to those of whom pairs were found as these pairs
 * are to those. */
static void add_unseen_to(struct sum *missed, const struct sum *wrong, uint64_t listed,
                          double share)
{
  double people = share * fmax((double)listed - (double)wrong->mean / billion, 0);

  add(missed, people, people);
}

static void add_unseen(struct maker *maker, const struct kith_people_point *point, double share)
{
  struct sums *missed = &maker->missed;
  const struct sums *wrong = &maker->wrong;
  unsigned n = maker->input->n_parties;

  add_unseen_to(&missed->all, &wrong->all, point->all.listed, share);
  for (unsigned p = 0; p <= n; p++)
    add_unseen_to(&missed->services[p], &wrong->services[p], point->services[p].listed, share);
  for (unsigned p = 0; p < n; p++)
    for (unsigned q = p + 1; q < n; q++)
      add_unseen_to(&missed->pairs[p][q], &wrong->pairs[p][q], point->pairs[p][q].listed, share);
}

static void estimate_all(struct maker *maker, struct kith_people_point *point)
{
  struct doubts doubts = doubts_of(maker);
  double listed = (double)point->all.listed;
  double share = doubts.n_links > 0 && listed < doubts.n_links ? listed / doubts.n_links : 1;
  double more = unseen_share(maker, &doubts);
  const struct sums *wrong = &maker->wrong;
  const struct sums *missed = &maker->missed;
  double wrong_error = 0;
  double missed_error = 0;
  unsigned n = maker->input->n_parties;

  add_unseen(maker, point, more);
  if (listed > 0)
    wrong_error = learning_variance(maker, doubts.linked, (double)wrong->all.mean / billion, share);
  if (doubts.n_unlinked > 0)
    missed_error = learning_variance(maker, doubts.unlinked, (double)missed->all.mean / billion,
                                     (double)missed->all.mean / billion / doubts.n_unlinked);
  point->all.wrong = estimate(&wrong->all, &wrong->all, wrong_error);
  point->all.missed = estimate(&missed->all, &missed->all, missed_error);
  for (unsigned p = 0; p <= n; p++) {
    point->services[p].wrong = estimate(&wrong->services[p], &wrong->all, wrong_error);
    point->services[p].missed = estimate(&missed->services[p], &missed->all, missed_error);
  }
  for (unsigned p = 0; p < n; p++)
    for (unsigned q = p + 1; q < n; q++) {
      point->pairs[p][q].wrong = estimate(&wrong->pairs[p][q], &wrong->all, wrong_error);
      point->pairs[p][q].missed = estimate(&missed->pairs[p][q], &missed->all, missed_error);
    }
}

/* States of a tree are found once for all thresholds: trees outside, thresholds inside would need
 * all partitions at once; so they are found again for each. Trees the rule can't reach are not. */
static void make_point(struct maker *maker, struct kith_people_point *point)
{
  memset(&maker->wrong, 0, sizeof maker->wrong);
  memset(&maker->missed, 0, sizeof maker->missed);
  count_listed(maker, point);
  for (size_t i = 0; i < maker->forest.n_trees; i++) {
    const struct kith_forest_tree *tree = &maker->forest.trees[i];

    if (!maker->reaches[tree->parties])
      continue;
    find_entries(maker, tree);
    kith_forest_states_of(&maker->states, &maker->forest, tree);
    for (unsigned state = 0; state < maker->states.n; state++)
      count_state(maker, tree, state);
    close_tree(maker);
  }
  estimate_all(maker, point);
}

/* ---- all of them */

static enum kith_err make_room(struct maker *maker)
{
  uint32_t most = 1;

  for (size_t i = 0; i < maker->forest.n_trees; i++)
    if (maker->forest.trees[i].n_nodes > most)
      most = maker->forest.trees[i].n_nodes;
  maker->cluster = KITH_NEW_ARRAY(uint32_t, most);
  maker->entries = KITH_NEW_ARRAY(uint32_t, most);
  maker->entry_set = KITH_NEW_ARRAY(uint32_t, most);
  maker->entry_wrong = KITH_NEW_ARRAY(double, most);
  maker->person_set = KITH_NEW_ARRAY(uint32_t, most);
  maker->person_right = KITH_NEW_ARRAY(uint8_t, most);
  if (!maker->cluster || !maker->entries || !maker->entry_set || !maker->entry_wrong ||
      !maker->person_set || !maker->person_right)
    return KITH_ERR_MEMORY;
  return kith_forest_states_init(&maker->states, most);
}

static enum kith_err find_reaches(struct maker *maker)
{
  uint32_t n_sets = 1u << maker->input->n_parties;

  maker->reaches = KITH_NEW_ARRAY(uint8_t, n_sets);
  if (!maker->reaches)
    return KITH_ERR_MEMORY;
  for (uint32_t set = 0; set < n_sets; set++) {
    maker->reaches[set] = set != 0 && maker->table[set];
    for (unsigned p = 0; p < maker->input->n_parties; p++)
      if (set >> p & 1)
        maker->reaches[set] |= maker->reaches[set & ~(1u << p)];
  }
  return KITH_OK;
}

static double comparisons_scale(const struct kith_linkage_input *input)
{
  double across = 0;
  double within = 0;

  for (unsigned p = 0; p < input->n_parties; p++) {
    double n = (double)input->parties[p]->n;

    within += n * (n - 1) / 2;
    for (unsigned q = p + 1; q < input->n_parties; q++)
      across += n * (double)input->parties[q]->n;
  }
  return within > 0 && across > within ? across / within : 1;
}

static enum kith_err make_points(struct maker *maker, struct kith_people_curve *curve,
                                 kith_cluster_fn cluster, void *context)
{
  enum kith_err err = KITH_OK;

  for (unsigned step = 0; err == KITH_OK && step < KITH_PEOPLE_STEPS; step++) {
    struct kith_linkage_result *result = &maker->result;

    *result = (struct kith_linkage_result){.n_parties = maker->input->n_parties,
                                           .n_pairs = maker->n_pairs,
                                           .pairs = (struct kith_linkage_pair *)maker->pairs};
    curve->points[step].threshold = kith_people_threshold(step);
    err = cluster(context, result, curve->points[step].threshold);
    if (err == KITH_OK && step == 0) {
      err = kith_forest_make(&maker->forest, maker->input, maker->pairs, maker->n_pairs, result);
      if (err == KITH_OK)
        err = make_room(maker);
    }
    if (err == KITH_OK)
      make_point(maker, &curve->points[step]);
    kith_cluster_clear(result);
  }
  return err;
}

enum kith_err kith_people_curve_make(struct kith_people_curve **out,
                                     const struct kith_linkage_input *input,
                                     const struct kith_linkage_pair *pairs, size_t n_pairs,
                                     double true_pairs, kith_cluster_fn cluster, void *context,
                                     struct kith_fault *fault)
{
  struct maker *maker = KITH_NEW(struct maker);
  struct kith_people_curve *curve = KITH_NEW(struct kith_people_curve);
  enum kith_err err = maker && curve ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK) {
    *maker = (struct maker){
        .input = input, .pairs = pairs, .n_pairs = n_pairs, .true_pairs = true_pairs};
    maker->scale = comparisons_scale(input);
    curve->n_parties = input->n_parties;
    curve->n_points = KITH_PEOPLE_STEPS;
    if ((err = kith_cohort_table(&maker->table, input, input->names, fault)) == KITH_OK &&
        (err = find_reaches(maker)) == KITH_OK)
      err = make_points(maker, curve, cluster, context);
    kith_free(maker->table);
    kith_free(maker->reaches);
    kith_free(maker->cluster);
    kith_free(maker->entries);
    kith_free(maker->entry_set);
    kith_free(maker->entry_wrong);
    kith_free(maker->person_set);
    kith_free(maker->person_right);
    kith_forest_states_free(&maker->states);
    kith_forest_free(&maker->forest);
  }
  kith_free(maker);
  if (err != KITH_OK) {
    kith_free(curve);
    return err;
  }
  *out = curve;
  return KITH_OK;
}
