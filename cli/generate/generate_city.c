/* Households, the people in them, and where they live. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/generate/generate.h"

enum {
  TODAY_YEAR = 2026, /* the city is as of the 1st of January of this year, whatever the day */
  YEAR_DAYS = 365,
  STREAM_CITY = 1,
  TOWNS = 4,
  CHILDREN_MAX = 5
};

/* ---- random numbers */

static uint64_t splitmix(uint64_t *state)
{
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void kith_gen_seed(struct kith_gen_rng *rng, uint64_t seed, uint64_t stream)
{
  uint64_t state = seed;

  state = splitmix(&state) ^ stream;
  for (int i = 0; i < 4; i++)
    rng->state[i] = splitmix(&state);
}

static uint64_t next_number(struct kith_gen_rng *rng)
{
  uint64_t *s = rng->state;
  uint64_t scrambled = s[1] * 5;
  uint64_t result = (scrambled << 7 | scrambled >> 57) * 9;
  uint64_t t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = s[3] << 45 | s[3] >> 19;
  return result;
}

uint32_t kith_gen_below(struct kith_gen_rng *rng, uint32_t n)
{
  return (uint32_t)(((next_number(rng) >> 32) * n) >> 32);
}

/* The product of two uniform numbers: the density falls as -log x. */
uint32_t kith_gen_rank(struct kith_gen_rng *rng, uint32_t n)
{
  uint64_t product = (next_number(rng) >> 32) * (next_number(rng) >> 32);

  return (uint32_t)(((product >> 32) * n) >> 32);
}

bool kith_gen_chance(struct kith_gen_rng *rng, uint32_t per_10000)
{
  return kith_gen_below(rng, 10000) < per_10000;
}

static const char *pick(struct kith_gen_rng *rng, const struct kith_gen_list *list)
{
  return list->words[kith_gen_rank(rng, list->n)];
}

/* ---- days */

/* The inverse of kith_date_days, after Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
struct kith_date kith_gen_date(int32_t days)
{
  int z = days + 719468;
  int era = (z >= 0 ? z : z - 146096) / 146097;
  int day_of_era = z - era * 146097;
  int year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / YEAR_DAYS;
  int day_of_year = day_of_era - (YEAR_DAYS * year_of_era + year_of_era / 4 - year_of_era / 100);
  int shifted = (5 * day_of_year + 2) / 153; /* months from March */
  int month = shifted < 10 ? shifted + 3 : shifted - 9;

  return (struct kith_date){year_of_era + era * 400 + (month <= 2), month,
                            day_of_year - (153 * shifted + 2) / 5 + 1};
}

int kith_gen_age(const struct kith_gen_person *person, int32_t day)
{
  struct kith_date birth = kith_gen_date(person->born);
  struct kith_date date = kith_gen_date(day);
  bool to_come = birth.month > date.month || (birth.month == date.month && birth.day > date.day);

  return date.year - birth.year - to_come;
}

/* A birthday at which one is `age` today. */
static int32_t born_at(struct kith_gen_rng *rng, const struct kith_gen_city *city, uint32_t age)
{
  uint32_t years = age * 1461 / 4; /* days of `age` years */

  return city->today - 1 - (int32_t)years - (int32_t)kith_gen_below(rng, YEAR_DAYS);
}

/* ---- homes */

struct builder {
  struct kith_gen_city *city;
  struct kith_gen_rng rng;
  struct kith_gen_home at[TOWNS]; /* the last home of each town: the next is beside it */
  uint32_t left[TOWNS];           /* homes left in its postcode */
};

static void postcode_new(struct kith_gen_rng *rng, struct kith_gen_home *home, uint8_t town)
{
  static const char letters[] = "ABDEFGHJLNPQRSTUWXYZ";
  static const char areas[TOWNS][3] = {"QX", "QY", "QZ", "VX"}; /* none of these exists */

  (void)snprintf(home->postcode, sizeof home->postcode, "%s%u %u%c%c", areas[town],
                 1 + kith_gen_below(rng, 9), kith_gen_below(rng, 10),
                 letters[kith_gen_below(rng, sizeof letters - 1)],
                 letters[kith_gen_below(rng, sizeof letters - 1)]);
  home->street = kith_gen_below(rng, kith_gen_streets.n);
  home->number = (uint16_t)(1 + kith_gen_below(rng, 90));
  home->town = town;
  home->flat = kith_gen_chance(rng, 2000) ? 1 : 0;
}

static enum kith_err home_add(struct builder *builder, uint32_t *index, uint8_t town)
{
  struct kith_gen_city *city = builder->city;
  struct kith_gen_home *at = &builder->at[town];

  if (city->n_homes == city->homes_cap) {
    size_t cap = city->homes_cap + city->homes_cap / 2 + 1024;
    struct kith_gen_home *homes = kith_realloc(city->homes, cap, sizeof *homes);
    if (!homes)
      return KITH_ERR_MEMORY;
    city->homes = homes;
    city->homes_cap = cap;
  }
  if (builder->left[town] == 0) {
    postcode_new(&builder->rng, at, town);
    builder->left[town] = 8 + kith_gen_below(&builder->rng, 18);
  } else if (at->flat) {
    at->flat++;
  } else {
    at->number = (uint16_t)(at->number + 2);
  }
  builder->left[town]--;
  *index = (uint32_t)city->n_homes;
  city->homes[city->n_homes++] = *at;
  return KITH_OK;
}

/* ---- names */

static void name_set(char out[KITH_GEN_NAME_BYTES], const char *name)
{
  (void)snprintf(out, KITH_GEN_NAME_BYTES, "%s", name);
}

static void give_forenames(struct kith_gen_rng *rng, struct kith_gen_person *person)
{
  const struct kith_gen_tradition *tradition = &kith_gen_traditions[person->tradition];
  const struct kith_gen_list *list = person->female ? &tradition->female : &tradition->male;

  name_set(person->given, pick(rng, list));
  person->middle[0] = '\0';
  if (tradition->custom == KITH_GEN_SIKH)
    name_set(person->middle, person->female ? "Kaur" : "Singh");
  else if (kith_gen_chance(rng, tradition->custom == KITH_GEN_SHARED ? 6000 : 2000))
    name_set(person->middle, pick(rng, list));
  if (strcmp(person->middle, person->given) == 0)
    person->middle[0] = '\0';
}

/* Ends in "ski" or "cki": a woman's ends in "ska". */
static void feminine(char *surname)
{
  size_t len = strlen(surname);

  if (len > 3 && strcmp(surname + len - 2, "ki") == 0)
    surname[len - 1] = 'a';
}

/* The surname as a member of the family has it; `father` may be NULL. */
static void give_surname(struct kith_gen_rng *rng, struct kith_gen_person *person,
                         const char *family, const struct kith_gen_person *father)
{
  static const char *const second[] = {"Begum", "Bibi", "Akhtar", "Khatun", "Kauser", "Khanum"};

  name_set(person->surname, family);
  switch (kith_gen_traditions[person->tradition].custom) {
  case KITH_GEN_SIKH:
    if (kith_gen_chance(rng, 3000)) {
      name_set(person->surname, person->middle);
      person->middle[0] = '\0';
    }
    break;
  case KITH_GEN_MUSLIM:
    if (person->female && kith_gen_chance(rng, 4500))
      name_set(person->surname, second[kith_gen_rank(rng, KITH_COUNT_OF(second))]);
    break;
  case KITH_GEN_SLAVIC:
    if (person->female)
      feminine(person->surname);
    break;
  case KITH_GEN_PATRONYM:
    if (father) {
      name_set(person->middle, father->given);
      name_set(person->surname, father->middle[0] ? father->middle : father->surname);
    }
    break;
  case KITH_GEN_SHARED:
  case KITH_GEN_CHINESE:
    break;
  }
}

/* ---- households */

struct household {
  uint8_t tradition;
  uint8_t risk;
  uint32_t home;
  uint32_t before;
  int32_t moved;
  const char *family;
};

static struct kith_gen_person *
person_add(struct builder *builder, const struct household *household, bool female, int32_t born)
{
  struct kith_gen_city *city = builder->city;
  struct kith_gen_person *person = &city->people[city->n_people++];
  uint32_t own = kith_gen_rank(&builder->rng, 256);

  *person = (struct kith_gen_person){.born = born,
                                     .home = household->home,
                                     .before = household->before,
                                     .moved = household->moved,
                                     .tradition = household->tradition,
                                     .female = female,
                                     .risk = (uint8_t)((2 * own + household->risk) / 3)};
  give_forenames(&builder->rng, person);
  return person;
}

static void add_children(struct builder *builder, const struct household *household,
                         const struct kith_gen_person *father, const char *mothers_name,
                         uint32_t mothers_age, size_t room)
{
  struct kith_gen_rng *rng = &builder->rng;
  uint32_t n = 1 + kith_gen_rank(rng, CHILDREN_MAX);
  uint32_t oldest = mothers_age > 42 ? 24 : mothers_age - 18;
  char name[2 * KITH_GEN_NAME_BYTES];
  int32_t born = 0;

  (void)snprintf(name, sizeof name, "%s", household->family);
  if (kith_gen_traditions[household->tradition].custom == KITH_GEN_SHARED &&
      kith_gen_chance(rng, 700))
    (void)snprintf(name, sizeof name, "%s-%s", household->family, mothers_name);
  for (uint32_t i = 0; i < n && room > 0; i++, room--) {
    bool twin = i > 0 && kith_gen_chance(rng, 250);
    bool female = kith_gen_chance(rng, 4900);
    struct kith_gen_person *child;

    if (!twin)
      born = born_at(rng, builder->city, kith_gen_below(rng, oldest + 1));
    child = person_add(builder, household, female, born);
    if (father && !female && i == 0 && kith_gen_chance(rng, 400))
      name_set(child->given, father->given);
    give_surname(rng, child, name, father);
    /* Born since the family moved in: never lived elsewhere. */
    if (child->moved < born)
      child->moved = born;
  }
}

static enum kith_err household_start(struct builder *builder, struct household *household)
{
  struct kith_gen_rng *rng = &builder->rng;
  struct kith_gen_city *city = builder->city;
  uint32_t draw = kith_gen_below(rng, 100);
  uint8_t tradition = 0;
  enum kith_err err;

  while (tradition + 1u < kith_gen_n_traditions && draw >= kith_gen_traditions[tradition].share)
    draw -= kith_gen_traditions[tradition++].share;
  *household = (struct household){.tradition = tradition,
                                  .risk = (uint8_t)kith_gen_rank(rng, 256),
                                  .family = pick(rng, &kith_gen_traditions[tradition].surnames)};
  err = home_add(builder, &household->home, 0);
  household->before = household->home;
  household->moved = city->today - 20 * YEAR_DAYS;
  if (err != KITH_OK || !kith_gen_chance(rng, 4000))
    return err;
  household->moved = city->today - (int32_t)kith_gen_below(rng, 8 * YEAR_DAYS);
  if (kith_gen_chance(rng, 2500))
    return home_add(builder, &household->before, (uint8_t)(1 + kith_gen_below(rng, TOWNS - 1)));
  household->before = kith_gen_below(rng, (uint32_t)city->n_homes);
  return KITH_OK;
}

static enum kith_err household_add(struct builder *builder, size_t room)
{
  struct kith_gen_rng *rng = &builder->rng;
  struct household household;
  uint32_t kind = kith_gen_below(rng, 100);
  uint32_t age = kind < 72 ? 20 + kith_gen_below(rng, 31) : 22 + kith_gen_below(rng, 64);
  bool with_children = kind < 52;
  bool with_father = kind < 36 || (kind >= 52 && kind < 75);
  bool with_mother = kind < 92;
  struct kith_gen_person *father = NULL;
  const char *mothers_name;
  enum kith_err err = household_start(builder, &household);

  if (err != KITH_OK)
    return err;
  mothers_name = pick(rng, &kith_gen_traditions[household.tradition].surnames);
  if ((with_father || !with_mother) && room > 0) {
    uint32_t older = kith_gen_below(rng, 6);
    father = person_add(builder, &household, false, born_at(rng, builder->city, age + older));
    give_surname(rng, father, household.family, NULL);
    room--;
  }
  if (with_mother && room > 0) {
    struct kith_gen_person *mother =
        person_add(builder, &household, true, born_at(rng, builder->city, age));
    bool own = father && kith_gen_chance(rng, 3000);
    give_surname(rng, mother, own ? mothers_name : household.family, NULL);
    room--;
  }
  if (with_children)
    add_children(builder, &household, father, mothers_name, age < 20 ? 20 : age, room);
  return KITH_OK;
}

enum kith_err kith_gen_city_make(struct kith_gen_city *city, size_t n_people, uint64_t seed)
{
  struct builder builder = {.city = city};
  enum kith_err err = KITH_OK;

  *city = (struct kith_gen_city){
      .seed = seed, .today = (int32_t)kith_date_days((struct kith_date){TODAY_YEAR, 1, 1})};
  kith_gen_seed(&builder.rng, seed, STREAM_CITY);
  city->people = KITH_NEW_ARRAY(struct kith_gen_person, n_people);
  if (!city->people)
    return KITH_ERR_MEMORY;
  while (err == KITH_OK && city->n_people < n_people)
    err = household_add(&builder, n_people - city->n_people);
  if (err != KITH_OK)
    kith_gen_city_free(city);
  return err;
}

void kith_gen_city_free(struct kith_gen_city *city)
{
  kith_free(city->people);
  kith_free(city->homes);
  *city = (struct kith_gen_city){0};
}
