/* The agency by itself: its duplicates, and what it tells of its near misses. */
#include "tests/unit/blind.h"

static void test_duplicates_come_out(void **state)
{
  char *others = people(10, 300);
  char *text = NULL;
  struct agency a;
  unsigned n;

  assert_true(asprintf(&text, "%s%s", others,
                       "A,Johanna,Marie,Weatherby,2001-03-04,F,CV1 1AA\n"
                       "B,Johanna,,Weatherbe,2001-03-04,F,\n"
                       "C,Bettina,,Weatherby,2001-03-04,F,CV1 1AA\n"        /* her twin */
                       "D,Johanna,,Weatherby,1969-11-12,F,CV1 1AA\n") > 0); /* her mother */
  agency_make(&a, state, "a.csv", text);
  n = (unsigned)a.blind.n;
  assert_int_equal(a.blind.records[n - 3].person, n - 4);
  assert_int_equal(a.blind.records[n - 4].person, n - 4);
  assert_int_equal(a.blind.records[n - 2].person, n - 2);
  assert_int_equal(a.blind.records[n - 1].person, n - 1);
  assert_true(a.blind.records[n - 3].probability >= 500000);
  agency_free(&a);
  free(text);
  free(others);
}

/* 300 pairs of twins; nobody else shares a value of a match key. */
static char *twins(bool both)
{
  static const char family[] = "bdfgklmnprstvz";
  char *text = NULL;
  size_t len = 0;
  FILE *file = open_memstream(&text, &len);

  for (unsigned i = 0; i < 300; i++)
    for (unsigned twin = 0; twin < (both ? 2 : 1); twin++)
      fprintf(file, "R%u.%u,%s,,%ca%ci%co%cu,%u-%02u-%02u,F,CV%u %u%c%c\n", i, twin,
              twin ? "Bettina" : "Johanna", family[i % 14], family[i / 14 % 14],
              family[(i + 3) % 14], family[i * 5 % 14], 1930 + i % 90, 1 + i * 7 % 12,
              13 + (i * 3 + i / 90 * 5) % 15, 1 + i % 9, i / 9 % 10, 'A' + i / 90, 'A' + i % 7);
  assert_int_equal(fclose(file), 0);
  return text;
}

/* What leaves are multiples of minimum_count; of twins, once or twice each pair, and of a person
 * with himself nothing. */
static void test_histograms(void **state)
{
  for (unsigned both = 0; both < 2; both++) {
    char *text = twins(both);
    struct kith_blind_histogram all = {0};
    struct kith_blind_histogram some = {0};
    uint64_t sum = 0;
    struct agency a;

    agency_make(&a, state, "a.csv", text);
    assert_int_equal(a.blind.n_people, both ? 600 : 300);
    assert_int_equal(kith_blind_within(&all, &a.blind, a.secret, SIZE_MAX), KITH_OK);
    assert_int_equal(kith_blind_within(&some, &a.blind, a.secret, a.blind.n_people / 4), KITH_OK);
    assert_true(all.comparisons == (double)a.blind.n_people * (double)(a.blind.n_people - 1));
    assert_true(some.comparisons == all.comparisons / 4);
    for (size_t i = 0; i < all.n; i++) {
      assert_int_equal(all.counts[i].count % policy.minimum_count, 0);
      assert_true(all.counts[i].count > 0);
      sum += all.counts[i].count;
    }
    assert_true(both ? sum > 300 && sum <= 640 : sum < 20);
    kith_blind_histogram_free(&all);
    kith_blind_histogram_free(&some);
    agency_free(&a);
    free(text);
  }
}

/* The share next to the peer's size by ratio, down to a sixteenth. */
static void test_steps(void **state)
{
  (void)state;
  assert_int_equal(kith_blind_step(1000, 5000), 0);
  assert_int_equal(kith_blind_step(1000, 1000), 0);
  assert_int_equal(kith_blind_step(1000, 720), 0);
  assert_int_equal(kith_blind_step(1000, 700), 1);
  assert_int_equal(kith_blind_step(1000, 500), 1);
  assert_int_equal(kith_blind_step(1000, 250), 2);
  assert_int_equal(kith_blind_step(1000, 62), 4);
  assert_int_equal(kith_blind_step(1000, 0), 4);
  assert_int_equal(kith_blind_step(0, 0), 0);
  assert_int_equal(kith_blind_step_people(1000, 4), 62);
  assert_int_equal(kith_blind_step_people(3, 4), 1);
  assert_int_equal(kith_blind_step_people(0, 2), 0);
  for (uint64_t n = 2; n < 200000; n = n * 3 / 2)
    for (unsigned step = 0; step < KITH_BLIND_STEPS && n >> step > 1; step++)
      assert_int_equal(kith_blind_step(n, kith_blind_step_people(n, step)), step);
}

static void test_histograms_as_bytes(void **state)
{
  struct kith_blind_count counts[] = {{3, 5}, {8, 10}, {(2u << 24) + 1, 5}};
  struct kith_blind_histogram all[KITH_BLIND_STEPS] = {{.n = 3, .counts = counts},
                                                       {.n = 1, .counts = counts}};
  struct kith_blind_histogram back[KITH_BLIND_STEPS];
  struct kith_blind_layout layout;
  uint8_t *bytes = NULL;
  size_t len = 0;

  (void)state;
  kith_policy_blind_layout(&layout, &policy);
  assert_int_equal(kith_blind_histograms_write(&bytes, &len, all, 20 + 4 * 8 - 1), KITH_ERR_LIMIT);
  assert_int_equal(kith_blind_histograms_write(&bytes, &len, all, 20 + 4 * 8), KITH_OK);
  assert_int_equal(len, 20 + 4 * 8);
  assert_int_equal(kith_blind_histograms_read(back, bytes, len, &layout, 100), KITH_OK);
  assert_int_equal(back[0].n, 3);
  assert_int_equal(back[1].n, 1);
  assert_int_equal(back[4].n, 0);
  assert_memory_equal(back[0].counts, counts, sizeof counts);
  assert_true(back[0].comparisons == 9900 && back[1].comparisons == 4950);
  for (unsigned step = 0; step < KITH_BLIND_STEPS; step++)
    kith_blind_histogram_free(&back[step]);
  for (size_t cut = 0; cut < len; cut++)
    assert_int_equal(kith_blind_histograms_read(back, bytes, cut, &layout, 100), KITH_ERR_DATA);
  bytes[4] = 9; /* no longer rising */
  assert_int_equal(kith_blind_histograms_read(back, bytes, len, &layout, 100), KITH_ERR_DATA);
  bytes[4] = 3;
  bytes[8] = 0; /* a cell without a pair */
  assert_int_equal(kith_blind_histograms_read(back, bytes, len, &layout, 100), KITH_ERR_DATA);
  bytes[8] = 5;
  bytes[4 + 2 * 8 + 3] = 4; /* no such number of match keys */
  assert_int_equal(kith_blind_histograms_read(back, bytes, len, &layout, 100), KITH_ERR_DATA);
  bytes[4 + 2 * 8 + 3] = 2;
  bytes[4 + 2 * 8 + 2] = 4; /* a field that the layout does not have */
  assert_int_equal(kith_blind_histograms_read(back, bytes, len, &layout, 100), KITH_ERR_DATA);
  kith_free(bytes);
}

static void test_levels(void **state)
{
  (void)state;
  assert_int_equal(kith_blind_level(0, 64, 0), 0);
  assert_int_equal(kith_blind_level(1, 64, 0), 1);
  assert_int_equal(kith_blind_level(6, 64, 0), 1);
  assert_int_equal(kith_blind_level(7, 64, 0), 2);
  assert_int_equal(kith_blind_level(24, 64, 0), 4);
  assert_int_equal(kith_blind_level(25, 64, 0), 5);
  assert_int_equal(kith_blind_level(64, 64, 0), 5);
  assert_int_equal(kith_blind_level(3, 8, 0), 4);
  assert_int_equal(kith_blind_level(30, 64, 1), KITH_BLIND_LEVEL_ONE_LACKS);
  assert_int_equal(kith_blind_level(0, 64, 2), KITH_BLIND_LEVEL_BOTH_LACK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_duplicates_come_out),
      cmocka_unit_test(test_histograms),
      cmocka_unit_test(test_levels),
      cmocka_unit_test(test_steps),
      cmocka_unit_test(test_histograms_as_bytes),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return 1;
  return cmocka_run_group_tests(tests, set_up, unit_folder_remove);
}
