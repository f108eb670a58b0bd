/* Made-up people of three parties, encoded: for the tests of linkage. A program that includes it
 * uses all of it. */
#ifndef KITH_TESTS_UNIT_PEOPLE_H
#define KITH_TESTS_UNIT_PEOPLE_H

#include "tests/unit/unit.h"

#include <stdbool.h>

#include "base/mem.h"
#include "matcher/linkage/linkage.h"

/* ---- randomness: splitmix64 */

static uint64_t seed;

static uint64_t mix(uint64_t z)
{
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static unsigned below(unsigned n)
{
  return (unsigned)(mix(seed += UINT64_C(0x9e3779b97f4a7c15)) % n);
}

static void start_random(void)
{
  const char *text = getenv("KITH_TEST_SEED");

  seed = text ? strtoull(text, NULL, 10) : 20261123;
  print_message("seed %llu\n", (unsigned long long)seed);
}

/* ---- people: numbers stand for values, and a value sets the bits of its tokens */

enum { FORENAME, SURNAME, BIRTH, SEX, POSTCODE, FIELDS };
static const unsigned tokens_of[FIELDS] = {7, 8, 8, 1, 8};
static const unsigned bits_of[FIELDS] = {10, 10, 20, 20, 3};

struct person {
  unsigned value[FIELDS];
  unsigned typo[FIELDS]; /* not 0: the last two tokens are other ones */
  bool missing[FIELDS];
  unsigned who;
};

static struct person new_person(unsigned who)
{
  return (struct person){.value = {below(60), below(400), below(20000), below(2), below(3000)},
                         .who = who};
}

/* The same person as another agency has them. */
static struct person noisy(struct person person)
{
  if (below(5) == 0)
    person.typo[FORENAME] = 1 + below(1000);
  if (below(8) == 0)
    person.typo[SURNAME] = 1 + below(1000);
  if (below(25) == 0)
    person.typo[BIRTH] = 1 + below(1000);
  if (below(3) == 0)
    person.value[POSTCODE] = below(3000);
  person.missing[POSTCODE] = below(6) == 0;
  person.missing[SEX] = below(20) == 0;
  return person;
}

struct party {
  struct kith_encodings encodings;
  struct person *people;
};

static struct kith_policy policy;
static const char names[][KITH_MEMBER_ID_BYTES] = {"police", "health", "education"};
static const char *const name_list[] = {"police", "health", "education"};

static void encode(struct kith_encodings *enc, size_t row, const struct person *person)
{
  uint8_t *bits = kith_encodings_row(enc, row);

  for (unsigned f = 0; f < FIELDS; f++) {
    if (person->missing[f])
      continue;
    enc->masks[row] = (uint16_t)(enc->masks[row] | 1u << f);
    for (unsigned t = 0; t < tokens_of[f]; t++)
      for (unsigned b = 0; b < bits_of[f]; b++) {
        uint64_t other = person->typo[f] && t + 2 >= tokens_of[f] ? person->typo[f] : 0;
        uint64_t at =
            mix(mix(((uint64_t)person->value[f] << 32 | other << 16 | t << 8 | b) * 16 + f)) % 1024;

        bits[at / 8] = (uint8_t)(bits[at / 8] | 0x80u >> at % 8);
      }
  }
}

static void party_make(struct party *party, const struct person *people, size_t n)
{
  kith_encodings_init(&party->encodings);
  assert_int_equal(kith_encodings_alloc(&party->encodings, n, 1024, true), KITH_OK);
  party->encodings.n_fields = FIELDS;
  for (unsigned f = 0; f < FIELDS; f++)
    party->encodings.field_weights[f] = policy.fields[f].weight;
  party->people = kith_memdup(people, n * sizeof *people);
  for (size_t row = 0; row < n; row++)
    encode(&party->encodings, row, &people[row]);
}

static void party_free(struct party *party)
{
  kith_encodings_free(&party->encodings);
  kith_free(party->people);
}

enum { PARTIES = 3, PEOPLE = 500, ROOM = 800 };

/* Police have a third of the people, some twice; health nearly all; education half. People come in
 * households of three: one surname, one postcode. */
static void city_make(struct party city[PARTIES])
{
  static struct person rows[PARTIES][ROOM];
  size_t n[PARTIES] = {0};
  struct person first = {0};

  for (unsigned who = 0; who < PEOPLE; who++) {
    struct person person = new_person(who);

    if (who % 3 == 0)
      first = person;
    person.value[SURNAME] = first.value[SURNAME];
    person.value[POSTCODE] = first.value[POSTCODE];
    if (below(3) == 0)
      rows[0][n[0]++] = noisy(person);
    if (below(3) == 0 && n[0] && rows[0][n[0] - 1].who == who && below(4) == 0)
      rows[0][n[0]++] = noisy(person);
    if (below(20))
      rows[1][n[1]++] = noisy(person);
    if (below(2))
      rows[2][n[2]++] = noisy(person);
  }
  rows[0][n[0]] = rows[0][0]; /* the very same once more */
  rows[0][++n[0]] = (struct person){.missing = {true, true, true, true, true}, .who = 9999};
  n[0]++;
  for (unsigned p = 0; p < PARTIES; p++)
    party_make(&city[p], rows[p], n[p]);
}

static void city_free(struct party city[PARTIES])
{
  for (unsigned p = 0; p < PARTIES; p++)
    party_free(&city[p]);
}

static struct kith_linkage_result run_all(const struct party *const *parties, unsigned n,
                                          unsigned n_threads, bool within)
{
  const struct kith_encodings *encodings[PARTIES];
  struct kith_linkage_result result;
  struct kith_fault fault = {0};

  for (unsigned p = 0; p < n; p++)
    encodings[p] = &parties[p]->encodings;
  const struct kith_linkage_input input = {.n_parties = n,
                                           .parties = encodings,
                                           .policy = &policy,
                                           .within = within,
                                           .n_threads = n_threads};
  assert_int_equal(kith_linkage_run(&result, &input, &fault), KITH_OK);
  return result;
}

static struct kith_linkage_result run_city(const struct party city[PARTIES])
{
  const struct party *const parties[] = {&city[0], &city[1], &city[2]};

  return run_all(parties, PARTIES, 1, true);
}

/* The default, with fields of its own. */
static void make_policy(void)
{
  static const struct kith_policy_field fields[FIELDS] = {{"given_name", 2, 10, 67, 0},
                                                          {"surname", 2, 10, 76, 0},
                                                          {"date_of_birth", 0, 20, 147, 0},
                                                          {"sex", 0, 20, 20, 0},
                                                          {"postcode", 2, 3, 24, 0}};

  kith_policy_default(&policy, names, PARTIES);
  policy.n_fields = FIELDS;
  memcpy(policy.fields, fields, sizeof fields);
  policy.candidate_bound = policy.candidate_floor = (struct kith_ratio){55, 100};
  policy.candidates_max = 0;
}

#endif
