/* The synthetic city: the same from the same seed, whole, and with what a real one has. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/generate/generate.h"

/* All of an agency's table and truth as text. */
static char *table_text(const struct kith_gen_city *city, unsigned agency, size_t *n)
{
  char *text = NULL;
  size_t len;
  FILE *stream = open_memstream(&text, &len);

  assert_int_equal(kith_gen_agency_write(city, agency, stream, stream, n), KITH_OK);
  fclose(stream);
  assert_true(kith_utf8_valid(text, len));
  return text;
}

static void same_seed(void **state)
{
  struct kith_gen_city a;
  struct kith_gen_city b;
  struct kith_gen_city c;

  (void)state;
  assert_int_equal(kith_gen_city_make(&a, 3000, 11), KITH_OK);
  assert_int_equal(kith_gen_city_make(&b, 3000, 11), KITH_OK);
  assert_int_equal(kith_gen_city_make(&c, 3000, 12), KITH_OK);
  for (unsigned i = 0; i < KITH_GEN_AGENCIES_MAX; i++) {
    size_t n_a;
    size_t n_b;
    size_t n_c;
    char *text_a = table_text(&a, i, &n_a);
    char *text_b = table_text(&b, i, &n_b);
    char *text_c = table_text(&c, i, &n_c);

    assert_true(n_a > 0 && n_a == n_b);
    assert_string_equal(text_a, text_b);
    assert_string_not_equal(text_a, text_c);
    free(text_a);
    free(text_b);
    free(text_c);
  }
  kith_gen_city_free(&a);
  kith_gen_city_free(&b);
  kith_gen_city_free(&c);
}

/* Every number of people, down to one. */
static void sizes(void **state)
{
  (void)state;
  for (size_t n = 1; n < 200; n += n < 20 ? 1 : 37) {
    struct kith_gen_city city;

    assert_int_equal(kith_gen_city_make(&city, n, n), KITH_OK);
    assert_int_equal(city.n_people, n);
    for (size_t i = 0; i < n; i++) {
      assert_true(city.people[i].home < city.n_homes && city.people[i].before < city.n_homes);
      assert_true(city.people[i].given[0] != '\0' && city.people[i].surname[0] != '\0');
      assert_true(kith_gen_age(&city.people[i], city.today) >= 0);
      assert_true(kith_gen_age(&city.people[i], city.today) < 110);
    }
    kith_gen_city_free(&city);
  }
}

static void like_a_city(void **state)
{
  enum { N = 20000 };
  struct kith_gen_city city;
  size_t young = 0;
  size_t twins = 0;
  size_t movers = 0;

  (void)state;
  assert_int_equal(kith_gen_city_make(&city, N, 1), KITH_OK);
  for (size_t i = 0; i < N; i++) {
    const struct kith_gen_person *person = &city.people[i];
    young += kith_gen_age(person, city.today) < 25;
    movers += person->before != person->home;
    twins += i > 0 && person->born == person[-1].born && person->home == person[-1].home;
  }
  assert_in_range(young, N / 4, N / 2);
  assert_in_range(movers, N / 5, N / 2);
  assert_in_range(twins, 20, N / 50);
  kith_gen_city_free(&city);
}

static void dates(void **state)
{
  (void)state;
  for (int32_t days = -60000; days < 60000; days++) {
    struct kith_date date = kith_gen_date(days);
    assert_true(kith_date_valid(date));
    assert_int_equal(kith_date_days(date), days);
  }
}

static void random_numbers(void **state)
{
  struct kith_gen_rng rng;
  unsigned counts[10] = {0};
  unsigned ranks[10] = {0};
  unsigned hits = 0;

  (void)state;
  kith_gen_seed(&rng, 5, 6);
  for (int i = 0; i < 100000; i++) {
    counts[kith_gen_below(&rng, 10)]++;
    ranks[kith_gen_rank(&rng, 10)]++;
    hits += kith_gen_chance(&rng, 2500);
  }
  for (int i = 0; i < 10; i++) {
    assert_in_range(counts[i], 9000, 11000);
    assert_true(i == 0 || ranks[i] < ranks[i - 1]);
  }
  assert_in_range(hits, 24000, 26000);
}

static void no_memory(void **state)
{
  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_gen_city city = {0};
    enum kith_err err = kith_gen_city_make(&city, 3000, 4);
    size_t n_records;
    FILE *nowhere = fopen("/dev/null", "w");

    if (err == KITH_OK)
      err = kith_gen_agency_write(&city, 0, nowhere, nowhere, &n_records);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
    fclose(nowhere);
    kith_gen_city_free(&city);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_seed), cmocka_unit_test(sizes),          cmocka_unit_test(like_a_city),
      cmocka_unit_test(dates),     cmocka_unit_test(random_numbers), cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
