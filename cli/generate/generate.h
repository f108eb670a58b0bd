/* Of `kith generate` only: a synthetic city. Integers and an own generator throughout, so that the
 * same seed gives the same bytes on every machine. Nobody in it is real: names are drawn at random
 * from lists of common ones, towns and postcode areas do not exist.
 *
 * Life: kith_gen_city_make, kith_gen_agency_write for each agency, kith_gen_city_free. */
#ifndef KITH_CLI_GENERATE_GENERATE_H
#define KITH_CLI_GENERATE_GENERATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"

/* ---- random numbers (xoshiro256**, Blackman and Vigna 2018, seeded by splitmix64) */

struct kith_gen_rng {
  uint64_t state[4];
};
void kith_gen_seed(struct kith_gen_rng *rng, uint64_t seed, uint64_t stream);
/* Uniform in 0 .. n - 1, n above 0. */
uint32_t kith_gen_below(struct kith_gen_rng *rng, uint32_t n);
/* Ranks 0 .. n - 1, low ones oftener, about as names are. */
uint32_t kith_gen_rank(struct kith_gen_rng *rng, uint32_t n);
/* True `per_10000` times in ten thousand. */
bool kith_gen_chance(struct kith_gen_rng *rng, uint32_t per_10000);

/* ---- names */

enum { KITH_GEN_NAME_BYTES = 48 };

enum kith_gen_custom {                    /* how surnames go through a family */
                       KITH_GEN_SHARED,   /* the father's; now and then both, with a hyphen */
                       KITH_GEN_SIKH,     /* Singh or Kaur in the middle, or as the surname */
                       KITH_GEN_MUSLIM,   /* women's second names are their own */
                       KITH_GEN_SLAVIC,   /* feminine endings */
                       KITH_GEN_PATRONYM, /* given name, father's, grandfather's */
                       KITH_GEN_CHINESE   /* two syllables, written in three ways */
};

struct kith_gen_list {
  const char *const *words;
  uint32_t n;
};

struct kith_gen_tradition {
  uint32_t share; /* of households, per 100 */
  enum kith_gen_custom custom;
  struct kith_gen_list male;
  struct kith_gen_list female;
  struct kith_gen_list surnames;
};
extern const struct kith_gen_tradition kith_gen_traditions[];
extern const uint32_t kith_gen_n_traditions;
extern const struct kith_gen_list kith_gen_streets;

/* Another spelling or a short form of the name; NULL where none is known. */
const char *kith_gen_spelling(struct kith_gen_rng *rng, const char *name);
const char *kith_gen_nickname(struct kith_gen_rng *rng, const char *name);

/* ---- the city */

struct kith_gen_home {
  uint32_t street; /* of kith_gen_streets */
  uint16_t number;
  uint8_t flat; /* 0: none */
  uint8_t town; /* 0: the city; others are elsewhere */
  char postcode[9];
};

struct kith_gen_person {
  char given[KITH_GEN_NAME_BYTES];
  char middle[KITH_GEN_NAME_BYTES];
  char surname[KITH_GEN_NAME_BYTES];
  int32_t born;  /* days since 1970-01-01 */
  int32_t moved; /* day of moving in; before it they lived at `before` */
  uint32_t home; /* index into homes */
  uint32_t before;
  uint8_t tradition;
  bool female;
  uint8_t risk; /* 0 .. 255: what services come to know of, higher is more */
};

struct kith_gen_city {
  uint64_t seed;
  int32_t today;
  size_t n_people;
  struct kith_gen_person *people; /* owned */
  size_t n_homes;
  struct kith_gen_home *homes; /* owned */
  size_t homes_cap;
};
KITH_MUST_USE enum kith_err kith_gen_city_make(struct kith_gen_city *city, size_t n_people,
                                               uint64_t seed);
void kith_gen_city_free(struct kith_gen_city *city);
/* Whole years on the day. */
int kith_gen_age(const struct kith_gen_person *person, int32_t day);
struct kith_date kith_gen_date(int32_t days);

/* ---- agencies */

enum { KITH_GEN_AGENCIES_MAX = 12 };
const char *kith_gen_agency_name(unsigned agency);
/* Writes the agency's rows and its part of the truth; *n_records is how many there are. */
KITH_MUST_USE enum kith_err kith_gen_agency_write(const struct kith_gen_city *city, unsigned agency,
                                                  FILE *records, FILE *truth, size_t *n_records);

/* One record as an agency has it: right values that have gone through its people's hands. */
struct kith_gen_record {
  char given[2 * KITH_GEN_NAME_BYTES];
  char middle[2 * KITH_GEN_NAME_BYTES];
  char surname[2 * KITH_GEN_NAME_BYTES];
  char known_as[KITH_GEN_NAME_BYTES];
  char birth[16];
  char sex[2];
  char street[96];
  char town[24];
  char postcode[12];
};
/* How careless an agency is, per ten thousand records; `slips` scales all the rest, 100 = one. */
struct kith_gen_care {
  uint32_t slips;
  uint32_t no_postcode;
  uint32_t no_birth;
  uint32_t plain_letters; /* writes no accents */
  bool upper_surname;
  bool upper_all;
};
void kith_gen_record_make(struct kith_gen_record *out, struct kith_gen_rng *rng,
                          const struct kith_gen_city *city, const struct kith_gen_person *person,
                          const struct kith_gen_care *care);

#endif
