/* Linkage and cohort on made-up people: what must not matter (order, threads), and what must. */
#include "tests/unit/unit.h"

#include "matcher/linkage/cohort.h"
#include "tests/unit/people.h"

static int set_up(void **state)
{
  (void)state;
  make_policy();
  return 0;
}

/* ---- what must hold of every result */

static void check_result(const struct kith_linkage_result *result,
                         const struct party *const *parties)
{
  size_t records = 0;
  uint32_t *seen = KITH_NEW_ARRAY(uint32_t, result->n_clusters);

  for (unsigned p = 0; p < result->n_parties; p++)
    for (size_t row = 0; row < parties[p]->encodings.n; row++, records++) {
      assert_true(result->cluster_of[p][row] < result->n_clusters);
      assert_true(result->clusters[result->cluster_of[p][row]].parties >> p & 1);
      seen[result->cluster_of[p][row]]++;
    }
  for (size_t i = 0; i < result->n_clusters; i++) {
    const struct kith_cluster *cluster = &result->clusters[i];

    assert_int_equal(seen[i], cluster->n_records);
    assert_true(cluster->n_records >= (uint32_t)__builtin_popcount(cluster->parties));
    /* Two records of one party: as duplicates only. */
    if (cluster->n_records > (uint32_t)__builtin_popcount(cluster->parties))
      assert_true(cluster->flags & KITH_CLUSTER_DUPLICATE);
    assert_true(cluster->confidence <= KITH_PPM && cluster->weakest <= KITH_PPM);
    if (cluster->n_records == 1)
      assert_int_equal(cluster->weakest, KITH_PPM);
  }
  kith_free(seen);
  for (size_t i = 0; i < result->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &result->pairs[i];

    assert_true(pair->probability <= KITH_PPM);
    assert_int_equal(pair->linked, result->cluster_of[pair->party_a][pair->row_a] ==
                                       result->cluster_of[pair->party_b][pair->row_b]);
  }
  for (unsigned step = 1; step < KITH_CURVE_STEPS; step++) {
    assert_true(result->curve[step].links <= result->curve[step - 1].links);
    assert_true(result->curve[step].threshold > result->curve[step - 1].threshold);
    assert_true(result->curve[step].recall <= result->curve[step - 1].recall + 1e-9);
  }
}

struct scores {
  double precision;
  double recall;
  double f1;
};

static struct scores score(const struct kith_linkage_result *result,
                           const struct party *const *parties)
{
  double n_true = 0;
  double linked = 0;
  double correct = 0;

  for (unsigned p = 0; p < result->n_parties; p++)
    for (unsigned q = result->n_parties > 1 ? p + 1 : p; q < result->n_parties; q++)
      for (size_t i = 0; i < parties[p]->encodings.n; i++)
        for (size_t k = p == q ? i + 1 : 0; k < parties[q]->encodings.n; k++) {
          bool same = parties[p]->people[i].who == parties[q]->people[k].who;
          bool together = result->cluster_of[p][i] == result->cluster_of[q][k];

          n_true += same;
          linked += together;
          correct += same && together;
        }
  return (struct scores){correct / linked, correct / n_true, 2 * correct / (n_true + linked)};
}

/* ---- tests */

static void test_finds_people(void **state)
{
  struct party city[PARTIES];
  const struct party *const parties[] = {&city[0], &city[1], &city[2]};

  (void)state;
  start_random();
  city_make(city);
  struct kith_linkage_result result = run_city(city);
  struct scores scores = score(&result, parties);
  const struct kith_curve_point *point =
      &result.curve[result.threshold / (KITH_PPM / 100) - KITH_CURVE_FIRST];

  check_result(&result, parties);
  print_message("precision %.4f (foretold %.4f), recall %.4f (%.4f), F1 %.4f\n", scores.precision,
                point->precision, scores.recall, point->recall, scores.f1);
  assert_true(scores.f1 > 0.95);
  assert_true(point->precision > scores.precision - 0.05);
  assert_true(point->precision < scores.precision + 0.05);
  /* The empty row is alone, and the repeated one with itself. */
  size_t last = city[0].encodings.n - 1;
  assert_int_equal(result.clusters[result.cluster_of[0][last]].n_records, 1);
  assert_int_equal(result.cluster_of[0][last - 1], result.cluster_of[0][0]);
  kith_linkage_result_free(&result);
  city_free(city);
}

/* A cluster as text that knows nothing of order: a hash of each record's party name and content. */
static int compare_u64(const void *left, const void *right)
{
  const uint64_t *a = left;
  const uint64_t *b = right;

  return (*a > *b) - (*a < *b);
}

static uint64_t content_of(const struct party *party, unsigned name, size_t row)
{
  uint64_t hash = mix(name + 1) ^ party->encodings.masks[row];

  for (size_t i = 0; i < party->encodings.row_bytes; i++)
    hash = mix(hash ^ kith_encodings_row(&party->encodings, row)[i]);
  return hash;
}

/* The sorted hashes of the clusters: each the sum of its records', mixed with what is said of it.
 */
static uint64_t *fingerprint(const struct kith_linkage_result *result,
                             const struct party *const *parties, const unsigned *order)
{
  uint64_t *sums = KITH_NEW_ARRAY(uint64_t, result->n_clusters);

  for (unsigned p = 0; p < result->n_parties; p++)
    for (size_t row = 0; row < parties[p]->encodings.n; row++)
      sums[result->cluster_of[p][row]] += content_of(parties[p], order[p], row);
  for (size_t i = 0; i < result->n_clusters; i++)
    sums[i] = mix(sums[i] + result->clusters[i].confidence) + result->clusters[i].weakest +
              result->clusters[i].flags;
  qsort(sums, result->n_clusters, sizeof *sums, compare_u64);
  return sums;
}

static void shuffle_party(struct party *out, const struct party *from)
{
  size_t n = from->encodings.n;
  struct person *rows = kith_memdup(from->people, n * sizeof *rows);

  for (size_t i = n; i > 1; i--) {
    size_t k = below((unsigned)i);
    struct person swap = rows[i - 1];

    rows[i - 1] = rows[k];
    rows[k] = swap;
  }
  party_make(out, rows, n);
  kith_free(rows);
}

static void test_order_does_not_matter(void **state)
{
  static const unsigned orders[][PARTIES] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}};
  struct party city[PARTIES];
  const unsigned *const straight = orders[0];

  (void)state;
  start_random();
  for (unsigned round = 0; round < 3; round++) {
    city_make(city);
    const struct party *const parties[] = {&city[0], &city[1], &city[2]};
    struct kith_linkage_result wanted = run_city(city);
    uint64_t *prints = fingerprint(&wanted, parties, straight);

    for (unsigned i = 0; i < KITH_COUNT_OF(orders); i++) {
      struct party shuffled[PARTIES];
      const struct party *given[PARTIES];

      for (unsigned p = 0; p < PARTIES; p++) {
        shuffle_party(&shuffled[p], &city[orders[i][p]]);
        given[p] = &shuffled[p];
      }
      struct kith_linkage_result result = run_all(given, PARTIES, 1 + i, true);
      uint64_t *got = fingerprint(&result, given, orders[i]);

      check_result(&result, given);
      assert_int_equal(result.n_pairs, wanted.n_pairs);
      assert_int_equal(result.n_clusters, wanted.n_clusters);
      assert_int_equal(result.threshold, wanted.threshold);
      assert_memory_equal(result.curve, wanted.curve, sizeof result.curve);
      assert_memory_equal(got, prints, result.n_clusters * sizeof *got);
      kith_free(got);
      kith_linkage_result_free(&result);
      city_free(shuffled);
    }
    kith_free(prints);
    kith_linkage_result_free(&wanted);
    city_free(city);
  }
}

static void test_duplicates_alone(void **state)
{
  struct party city[PARTIES];

  (void)state;
  start_random();
  city_make(city);
  const struct party *const parties[] = {&city[0], &city[1], &city[2]};
  struct kith_linkage_result within = run_all(parties, PARTIES, 1, true);
  struct kith_linkage_result without = run_all(parties, PARTIES, 1, false);

  check_result(&without, parties);
  assert_true(without.n_clusters >= within.n_clusters);
  for (size_t i = 0; i < without.n_clusters; i++)
    if (__builtin_popcount(without.clusters[i].parties) == 1)
      assert_int_equal(without.clusters[i].n_records, 1);
  /* What links across is the same. */
  for (size_t i = 0; i < within.n_pairs; i++)
    if (within.pairs[i].party_a != within.pairs[i].party_b)
      assert_int_equal(within.pairs[i].linked, without.pairs[i].linked);
  kith_linkage_result_free(&within);
  kith_linkage_result_free(&without);
  city_free(city);
}

static void test_one_party(void **state)
{
  static struct person rows[600];
  struct party party;
  size_t n = 0;

  (void)state;
  start_random();
  for (unsigned who = 0; who < 300; who++) {
    struct person person = new_person(who);

    for (unsigned copies = 1 + below(3) / 2 + below(3) / 2; copies > 0 && n < 600; copies--)
      rows[n++] = noisy(person);
  }
  party_make(&party, rows, n);
  const struct party *const parties[] = {&party};
  struct kith_linkage_result result = run_all(parties, 1, 1, true);
  struct scores scores = score(&result, parties);

  check_result(&result, parties);
  print_message("precision %.4f, recall %.4f, F1 %.4f\n", scores.precision, scores.recall,
                scores.f1);
  assert_true(scores.f1 > 0.9);
  kith_linkage_result_free(&result);
  party_free(&party);
}

/* People alike but for two letters of the forename: ten in one party who have a namesake there and
 * are in the other party too, and ten the other way round. */
static void test_twins_are_flagged(void **state)
{
  enum { ROWS = 200, TWINS = 10 };
  static struct person rows[2][ROWS + TWINS];
  struct party city[2];

  (void)state;
  start_random();
  for (unsigned i = 0; i < ROWS; i++) {
    struct person person = new_person(i);

    rows[0][i] = i < 2 * TWINS ? person : noisy(person);
    rows[1][i] = i < 2 * TWINS ? person : noisy(person);
  }
  for (unsigned p = 0; p < 2; p++)
    for (unsigned i = 0; i < TWINS; i++) {
      struct person *twin = &rows[p][ROWS + i];

      *twin = rows[p][p * TWINS + i];
      twin->typo[FORENAME] = 77 + i;
      twin->who += 7000;
    }
  for (unsigned p = 0; p < 2; p++)
    party_make(&city[p], rows[p], ROWS + TWINS);
  const struct party *const parties[] = {&city[0], &city[1]};
  struct kith_linkage_result result = run_all(parties, 2, 1, true);

  check_result(&result, parties);
  for (unsigned i = 0; i < 2 * TWINS; i++) {
    const struct kith_cluster *cluster = &result.clusters[result.cluster_of[0][i]];

    assert_int_equal(result.cluster_of[0][i], result.cluster_of[1][i]);
    assert_int_equal(cluster->n_records, 2);
    assert_int_equal(cluster->flags, KITH_CLUSTER_AMBIGUOUS);
  }
  kith_linkage_result_free(&result);
  party_free(&city[0]);
  party_free(&city[1]);
}

static void test_no_overlap(void **state)
{
  static struct person rows[2][400];
  struct party city[2];

  (void)state;
  start_random();
  for (unsigned p = 0; p < 2; p++)
    for (unsigned i = 0; i < 400; i++)
      rows[p][i] = new_person(p * 1000 + i);
  for (unsigned p = 0; p < 2; p++)
    party_make(&city[p], rows[p], 400);
  const struct party *const parties[] = {&city[0], &city[1]};
  struct kith_linkage_result result = run_all(parties, 2, 1, true);
  size_t linked = 0;

  check_result(&result, parties);
  for (size_t i = 0; i < result.n_pairs; i++)
    linked += result.pairs[i].linked;
  print_message("%zu of %zu candidates linked\n", linked, result.n_pairs);
  assert_true(linked < 8);
  kith_linkage_result_free(&result);
  party_free(&city[0]);
  party_free(&city[1]);
}

static void test_small_and_empty(void **state)
{
  struct party city[PARTIES];
  struct person person;
  struct person nobody = {.missing = {true, true, true, true, true}};

  (void)state;
  start_random();
  person = new_person(1);
  party_make(&city[0], NULL, 0);
  party_make(&city[1], &person, 1);
  party_make(&city[2], &person, 1);
  const struct party *const all[] = {&city[0], &city[1], &city[2]};
  struct kith_linkage_result result = run_city(city);
  check_result(&result, all);
  assert_int_equal(result.n_clusters, 1); /* one person, twice the same bits */
  kith_linkage_result_free(&result);
  result = run_all(all, 1, 1, true);
  assert_int_equal(result.n_clusters, 0);
  kith_linkage_result_free(&result);
  party_free(&city[2]);
  party_make(&city[2], &nobody, 1);
  result = run_city(city);
  check_result(&result, all);
  assert_int_equal(result.n_clusters, 2);
  kith_linkage_result_free(&result);
  city_free(city);
}

static void test_threshold_of_the_policy(void **state)
{
  struct party city[PARTIES];
  size_t linked[2] = {0, 0};

  (void)state;
  start_random();
  city_make(city);
  for (unsigned round = 0; round < 2; round++) {
    policy.threshold.auto_default = false;
    policy.threshold.default_probability = (struct kith_ratio){round ? 99 : 50, 100};
    struct kith_linkage_result result = run_city(city);

    assert_int_equal(result.threshold, round ? 990000 : 500000);
    for (size_t i = 0; i < result.n_pairs; i++)
      linked[round] += result.pairs[i].linked;
    kith_linkage_result_free(&result);
  }
  assert_true(linked[1] <= linked[0] && linked[1] > 0);
  make_policy();
  city_free(city);
}

static void test_cohort(void **state)
{
  struct party city[PARTIES];
  struct kith_cohort_selection cohort;
  struct kith_fault fault = {0};

  (void)state;
  start_random();
  city_make(city);
  const struct kith_encodings *const encodings[] = {&city[0].encodings, &city[1].encodings,
                                                    &city[2].encodings};
  const struct kith_linkage_input input = {
      .n_parties = PARTIES, .parties = encodings, .policy = &policy, .n_threads = 1};
  struct kith_linkage_result result = run_city(city);

  (void)snprintf(policy.rule, sizeof policy.rule, "police and not education");
  assert_int_equal(kith_cohort_select(&cohort, &input, &result, name_list, &fault), KITH_OK);
  size_t wanted = 0;
  for (size_t i = 0; i < result.n_clusters; i++)
    wanted += (result.clusters[i].parties & 5) == 1;
  assert_int_equal(cohort.n, wanted);
  for (size_t i = 0; i < cohort.n; i++) {
    const struct kith_cluster *cluster = &result.clusters[cohort.members[i].cluster];

    assert_int_equal(cluster->parties & 5, 1);
    assert_int_equal(cluster->n_records, cohort.members[i].n_records);
    for (uint32_t k = 0; k < cohort.members[i].n_records; k++) {
      const struct kith_cohort_record_ref *record = &cohort.records[cohort.members[i].first + k];

      assert_int_equal(result.cluster_of[record->party][record->row], cohort.members[i].cluster);
    }
  }
  kith_cohort_selection_free(&cohort);
  (void)snprintf(policy.rule, sizeof policy.rule, "fire_service");
  assert_int_equal(kith_cohort_select(&cohort, &input, &result, name_list, &fault),
                   KITH_ERR_CONFIG);
  make_policy();
  kith_linkage_result_free(&result);
  city_free(city);
}

static void test_refusals(void **state)
{
  struct party city[PARTIES];
  struct kith_linkage_result result;
  struct kith_fault fault = {0};
  const atomic_bool stop = true;

  (void)state;
  start_random();
  city_make(city);
  const struct kith_encodings *const encodings[] = {&city[0].encodings, &city[1].encodings,
                                                    &city[2].encodings};
  struct kith_linkage_input input = {
      .n_parties = 0, .parties = encodings, .policy = &policy, .n_threads = 1};

  assert_int_equal(kith_linkage_run(&result, &input, &fault), KITH_ERR_USAGE);
  input.n_parties = KITH_LINKAGE_PARTIES_MAX + 1;
  assert_int_equal(kith_linkage_run(&result, &input, &fault), KITH_ERR_USAGE);
  input.n_parties = PARTIES;
  input.pairs_max = 3;
  assert_int_equal(kith_linkage_run(&result, &input, &fault), KITH_ERR_LIMIT);
  input.pairs_max = 0;
  input.cancel = &stop;
  assert_int_equal(kith_linkage_run(&result, &input, &fault), KITH_ERR_CANCELLED);
  city_free(city);
}

static void test_no_memory(void **state)
{
  struct person rows[2][30];
  struct party city[2];

  (void)state;
  start_random();
  for (unsigned i = 0; i < 30; i++) {
    struct person person = new_person(i);

    rows[0][i] = noisy(person);
    rows[1][i] = noisy(person);
  }
  for (unsigned p = 0; p < 2; p++)
    party_make(&city[p], rows[p], 30);
  const struct kith_encodings *const encodings[] = {&city[0].encodings, &city[1].encodings};
  const struct kith_linkage_input input = {
      .n_parties = 2, .parties = encodings, .policy = &policy, .n_threads = 1};
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_linkage_result result;
    struct kith_cohort_selection cohort;
    enum kith_err err = kith_linkage_run(&result, &input, NULL);

    if (err == KITH_OK) {
      err = kith_cohort_select(&cohort, &input, &result, name_list, NULL);
      if (err == KITH_OK) {
        kith_cohort_selection_free(&cohort);
        unit_allocations_done();
      }
      kith_linkage_result_free(&result);
    }
    if (err != KITH_OK)
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
  party_free(&city[0]);
  party_free(&city[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_finds_people),
      cmocka_unit_test(test_order_does_not_matter),
      cmocka_unit_test(test_duplicates_alone),
      cmocka_unit_test(test_one_party),
      cmocka_unit_test(test_twins_are_flagged),
      cmocka_unit_test(test_no_overlap),
      cmocka_unit_test(test_small_and_empty),
      cmocka_unit_test(test_threshold_of_the_policy),
      cmocka_unit_test(test_cohort),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
