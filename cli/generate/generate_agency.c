/* Who is known to which agency, and its table of them. */
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "cli/generate/generate.h"

enum { STREAM_ROWS = 2, STREAM_PEOPLE = 16, RISK_BASE = 256 };

/* Who an agency knows: of the people of an age, `base` in ten thousand and `by_risk` more for each
 * step of risk squared (0 .. 255, 28 on average). */
struct reach {
  int age_min;
  int age_max;
  uint32_t base;
  uint32_t by_risk;
};

struct agency {
  const char *name;
  char prefix[4];
  struct reach reach[3]; /* the first that fits the age counts */
  uint32_t twice;        /* records of which the agency has a second, in ten thousand */
  uint32_t men_more;     /* per cent of `by_risk` for men and boys */
  struct kith_gen_care care;
};

static const struct agency agencies[KITH_GEN_AGENCIES_MAX] = {
    {"police",
     "POL",
     {{10, 24, 40, 34}, {25, 50, 40, 17}, {51, 80, 50, 4}},
     800,
     160,
     {100, 1500, 350, 10000, true, false}},
    {"youth_justice",
     "YJS",
     {{10, 21, 0, 26}, {0}, {0}},
     250,
     170,
     {75, 400, 50, 9000, false, false}},
    {"probation",
     "PRO",
     {{17, 25, 0, 32}, {26, 75, 0, 5}, {0}},
     300,
     170,
     {65, 900, 50, 10000, true, false}},
    {"childrens_services",
     "CSC",
     {{0, 17, 100, 22}, {18, 25, 20, 10}, {26, 55, 30, 3}},
     550,
     100,
     {95, 650, 180, 6000, false, false}},
    {"education",
     "EDU",
     {{4, 18, 9600, 0}, {19, 20, 1500, 0}, {0}},
     140,
     100,
     {25, 80, 5, 2000, false, false}},
    {"health", "HEA", {{0, 120, 9650, 0}, {0}, {0}}, 70, 100, {25, 60, 10, 10000, false, true}},
    {"fire",
     "FRS",
     {{8, 17, 10, 8}, {18, 99, 90, 2}, {0}},
     200,
     130,
     {110, 500, 1500, 9000, false, false}},
    {"prison",
     "PRI",
     {{18, 40, 0, 6}, {41, 70, 0, 2}, {0}},
     100,
     190,
     {55, 2500, 30, 9500, true, false}},
    {"charity",
     "CHA",
     {{8, 25, 20, 18}, {26, 60, 30, 2}, {0}},
     400,
     110,
     {150, 1800, 900, 5000, false, false}},
    {"housing", "HOU", {{16, 99, 700, 14}, {0}, {0}}, 250, 100, {60, 150, 300, 7000, false, false}},
    {"ambulance",
     "AMB",
     {{0, 64, 350, 8}, {65, 120, 1800, 5}, {0}},
     900,
     100,
     {130, 900, 700, 10000, false, true}},
    {"employment",
     "EMP",
     {{16, 66, 500, 12}, {0}, {0}},
     120,
     105,
     {40, 200, 30, 8000, false, false}},
};

const char *kith_gen_agency_name(unsigned agency)
{
  return agencies[agency].name;
}

static bool is_known(struct kith_gen_rng *rng, const struct agency *agency,
                     const struct kith_gen_person *person, int age)
{
  uint32_t risk = (uint32_t)person->risk * person->risk / RISK_BASE;

  for (size_t i = 0; i < KITH_COUNT_OF(agency->reach); i++) {
    const struct reach *reach = &agency->reach[i];
    uint32_t by_risk = risk * reach->by_risk;

    if (age < reach->age_min || age > reach->age_max)
      continue;
    if (!person->female)
      by_risk = by_risk * agency->men_more / 100;
    return kith_gen_chance(rng, reach->base + by_risk);
  }
  return false;
}

static void write_record(FILE *stream, const char *id, const struct kith_gen_record *record)
{
  const char *const fields[] = {record->given,    record->middle, record->surname,
                                record->known_as, record->birth,  record->sex,
                                record->street,   record->town,   record->postcode};

  kith_csv_write_field(stream, id);
  for (size_t i = 0; i < KITH_COUNT_OF(fields); i++) {
    (void)putc(',', stream);
    kith_csv_write_field(stream, fields[i]);
  }
  (void)putc('\n', stream);
}

/* Indexes of the people that the agency knows, some twice, in random order. */
static enum kith_err rows_choose(uint32_t **out, size_t *n, const struct kith_gen_city *city,
                                 unsigned number)
{
  const struct agency *agency = &agencies[number];
  struct kith_gen_rng rng;
  uint32_t *rows = KITH_NEW_ARRAY(uint32_t, 2 * city->n_people);
  size_t n_rows = 0;

  if (!rows)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < city->n_people; i++) {
    const struct kith_gen_person *person = &city->people[i];

    /* A stream for each person and agency: more agencies leave the others' tables as they are. */
    kith_gen_seed(&rng, city->seed, STREAM_PEOPLE + i * KITH_GEN_AGENCIES_MAX + number);
    if (!is_known(&rng, agency, person, kith_gen_age(person, city->today)))
      continue;
    rows[n_rows++] = (uint32_t)i;
    if (kith_gen_chance(&rng, agency->twice))
      rows[n_rows++] = (uint32_t)i;
  }
  kith_gen_seed(&rng, city->seed ^ (uint64_t)number << 32, STREAM_ROWS);
  for (size_t i = n_rows; i > 1; i--) {
    size_t j = kith_gen_below(&rng, (uint32_t)i);
    uint32_t held = rows[i - 1];
    rows[i - 1] = rows[j];
    rows[j] = held;
  }
  *out = rows;
  *n = n_rows;
  return KITH_OK;
}

enum kith_err kith_gen_agency_write(const struct kith_gen_city *city, unsigned number,
                                    FILE *records, FILE *truth, size_t *n_records)
{
  const struct agency *agency = &agencies[number];
  struct kith_gen_rng rng;
  uint32_t *rows = NULL;
  size_t n = 0;
  enum kith_err err = rows_choose(&rows, &n, city, number);

  if (err != KITH_OK)
    return err;
  (void)fprintf(records, "id,given_name,middle_names,surname,known_as,date_of_birth,sex,street,"
                         "town,postcode\n");
  kith_gen_seed(&rng, city->seed + number, STREAM_ROWS + 1);
  for (size_t i = 0; i < n; i++) {
    struct kith_gen_record record;
    char id[24];

    kith_gen_record_make(&record, &rng, city, &city->people[rows[i]], &agency->care);
    (void)snprintf(id, sizeof id, "%s%07zu", agency->prefix, i + 1);
    write_record(records, id, &record);
    (void)fprintf(truth, "%s,%s,E%07u\n", agency->name, id, rows[i] + 1);
  }
  kith_free(rows);
  *n_records = n;
  return KITH_OK;
}
