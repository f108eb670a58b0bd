/* Attacks on cases whose answer is known: assignment against all permutations, intervals against
 * published values, both kinds of graph matching with and without information. */
#include "tests/unit/unit.h"

#include <math.h>

#include "cli/attack/assign.h"
#include "cli/attack/dense.h"
#include "cli/attack/graph.h"
#include "cli/attack/interval.h"

enum { SMALL = 6, PEOPLE = 60, TRAITS = 40, NODES = 200, EDGES = 300 };

static uint64_t seed;

static unsigned below(unsigned n)
{
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (unsigned)((z ^ (z >> 31)) % n);
}

static void shuffle(uint32_t *items, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    items[i] = i;
  for (uint32_t i = n; i > 1; i--) {
    uint32_t k = below(i);
    uint32_t kept = items[i - 1];

    items[i - 1] = items[k];
    items[k] = kept;
  }
}

/* ---- assignment */

static float cheapest(const float *cost, unsigned row, unsigned used)
{
  float least = row == SMALL ? 0 : 1e9F;

  for (unsigned j = 0; j < SMALL && row < SMALL; j++)
    if (!(used >> j & 1))
      least = fminf(least, cost[row * SMALL + j] + cheapest(cost, row + 1, used | 1U << j));
  return least;
}

static void assignment(void **state)
{
  (void)state;
  for (unsigned trial = 0; trial < 200; trial++) {
    float cost[SMALL * SMALL];
    uint32_t columns[SMALL];
    unsigned used = 0;
    float sum = 0;

    for (unsigned i = 0; i < SMALL * SMALL; i++)
      cost[i] = (float)below(trial % 2 ? 4 : 1000) - 300; /* with ties, and below 0 */
    assert_int_equal(kith_assign(columns, cost, SMALL), KITH_OK);
    for (unsigned i = 0; i < SMALL; i++) {
      used |= 1U << columns[i];
      sum += cost[i * SMALL + columns[i]];
    }
    assert_int_equal(used, (1U << SMALL) - 1);
    assert_true(fabsf(sum - cheapest(cost, 0, 0)) < 1e-3F);
  }
}

/* ---- intervals */

static void expect_near(double value, double wanted)
{
  assert_true(fabs(value - wanted) < 5e-5);
}

static void intervals(void **state)
{
  struct kith_interval interval = kith_interval(15, 148);

  (void)state;
  expect_near(interval.low, 0.0624); /* Newcombe 1998, table I, method 3 */
  expect_near(interval.high, 0.1605);
  interval = kith_interval(0, 20);
  expect_near(interval.low, 0);
  expect_near(interval.high, 0.1611);
  interval = kith_interval(0, 0);
  expect_near(interval.low, 0);
  expect_near(interval.high, 1);
  interval = kith_interval(20, 20);
  expect_near(interval.high, 1);
}

/* ---- dense */

/* Similarities of people with traits, and the same with a share of noise, in another order. */
static void similarities(float *target, float *list, const uint32_t *truth, bool related)
{
  uint8_t traits[2][PEOPLE][TRAITS];

  for (unsigned i = 0; i < PEOPLE; i++)
    for (unsigned k = 0; k < TRAITS; k++) {
      traits[0][i][k] = (uint8_t)below(3);
      traits[1][i][k] = related && below(20) ? traits[0][i][k] : (uint8_t)below(3);
    }
  for (unsigned i = 0; i < PEOPLE; i++)
    for (unsigned j = 0; j < PEOPLE; j++) {
      float same[2] = {0};

      for (unsigned k = 0; k < TRAITS; k++)
        for (unsigned side = 0; side < 2; side++)
          same[side] += (float)(traits[side][i][k] == traits[side][j][k]) / TRAITS;
      target[i * PEOPLE + j] = same[0];
      list[truth[i] * PEOPLE + truth[j]] = same[1];
    }
}

static unsigned dense_hits(bool related, unsigned n_known)
{
  static float target[PEOPLE * PEOPLE];
  static float list[PEOPLE * PEOPLE];
  uint32_t truth[PEOPLE];
  uint32_t known[PEOPLE];
  uint32_t guess[PEOPLE];
  unsigned hits = 0;

  shuffle(truth, PEOPLE);
  similarities(target, list, truth, related);
  for (unsigned i = 0; i < PEOPLE; i++)
    known[i] = i < n_known ? truth[i] : KITH_ATTACK_NONE;
  assert_int_equal(kith_attack_dense(guess, target, list, known, PEOPLE), KITH_OK);
  for (unsigned i = 0; i < PEOPLE; i++) {
    if (i < n_known)
      assert_int_equal(guess[i], truth[i]);
    else
      hits += guess[i] == truth[i];
  }
  return hits;
}

static void dense(void **state)
{
  (void)state;
  seed = 1;
  assert_true(dense_hits(true, 10) >= 45);
  assert_true(dense_hits(false, 10) <= 10);
}

/* ---- graph */

static void make_edges(struct kith_graph_edge *target, struct kith_graph_edge *list,
                       const uint32_t *truth, bool marked)
{
  for (unsigned i = 0; i < EDGES; i++) {
    struct kith_graph_edge *e = &target[i];
    struct kith_graph_edge *f = &list[i];

    *e = (struct kith_graph_edge){.a = below(NODES), .keys = 1};
    e->b = (e->a + 1 + below(NODES - 1)) % NODES;
    for (unsigned k = 0; k < 4; k++)
      e->distances[k] = marked ? (uint8_t)below(32) : 3;
    *f = *e;
    f->a = truth[e->b]; /* turned round: an edge has no direction */
    f->b = truth[e->a];
  }
}

static unsigned graph_hits(bool marked, unsigned n_known)
{
  static struct kith_graph_edge edges[2][EDGES];
  const struct kith_blind_layout layout = {.n_fields = 4, .bits = {64, 64, 64, 64}};
  const struct kith_graph target = {.n = NODES, .n_edges = EDGES, .edges = edges[0]};
  const struct kith_graph list = {.n = NODES, .n_edges = EDGES, .edges = edges[1]};
  uint32_t truth[NODES];
  uint32_t known[NODES];
  uint32_t guess[NODES];
  unsigned hits = 0;

  shuffle(truth, NODES);
  make_edges(edges[0], edges[1], truth, marked);
  for (unsigned i = 0; i < NODES; i++)
    known[i] = i < n_known ? truth[i] : KITH_ATTACK_NONE;
  assert_int_equal(kith_attack_graph(guess, &target, &list, known, &layout), KITH_OK);
  for (unsigned i = 0; i < NODES; i++)
    hits += guess[i] == truth[i];
  return hits;
}

static void graph(void **state)
{
  (void)state;
  seed = 2;
  assert_true(graph_hits(true, 0) >= 160); /* of 200, some without an edge */
  assert_true(graph_hits(true, 20) >= 165);
  assert_true(graph_hits(false, 0) <= 20); /* edges that are all alike */
}

static void nothing(void **state)
{
  const struct kith_blind_layout layout = {.n_fields = 1, .bits = {64}};
  const struct kith_graph empty = {.n = 1};
  uint32_t known = KITH_ATTACK_NONE;
  uint32_t guess = 7;
  float one = 1;

  (void)state;
  assert_int_equal(kith_attack_graph(&guess, &empty, &empty, &known, &layout), KITH_OK);
  assert_int_equal(guess, KITH_ATTACK_NONE);
  assert_int_equal(kith_attack_dense(&guess, &one, &one, &known, 1), KITH_OK);
  assert_int_equal(guess, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(assignment), cmocka_unit_test(intervals), cmocka_unit_test(dense),
      cmocka_unit_test(graph),      cmocka_unit_test(nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
