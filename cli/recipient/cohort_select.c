#include "cli/recipient/cohort_select.h"

#include <string.h>

#include "base/mem.h"

const char *const kith_cohort_flag_names[KITH_COHORT_FLAGS] = {"ambiguous", "weak", "duplicate"};

size_t kith_cohort_selection_options(struct kith_cli_option options[KITH_COHORT_SELECTION_OPTIONS],
                                     struct kith_cohort_selection *selection)
{
  const struct kith_cli_option all[KITH_COHORT_SELECTION_OPTIONS] = {
      {"known-to", KITH_CLI_LIST, &selection->known_to, "AGENCY",
       "only people of whom this agency has a record; repeat for more", 0, 0, NULL},
      {"not-known-to", KITH_CLI_LIST, &selection->not_known_to, "AGENCY",
       "only people of whom it has none; repeat for more", 0, 0, NULL},
      {"services-min", KITH_CLI_U64, &selection->services_min, "N",
       "only people whom at least N agencies know", 1, KITH_AGENCIES_MAX, NULL},
      {"confidence-min", KITH_CLI_RATIO, &selection->confidence_min, "P",
       "only people with at least this confidence", 0, 0, NULL},
      {"weakest-min", KITH_CLI_RATIO, &selection->weakest_min, "P",
       "only people whose weakest link is at least this probable", 0, 0, NULL},
      {"flagged", KITH_CLI_LIST, &selection->flagged, "FLAG",
       "only people with this flag: ambiguous, weak, duplicate; repeat for any of more", 0, 0,
       NULL},
      {"unflagged", KITH_CLI_LIST, &selection->unflagged, "FLAG",
       "only people without it; repeat for more", 0, 0, NULL},
      {"unasked", KITH_CLI_FLAG, &selection->unasked, NULL,
       "only people about whom no agency was asked", 0, 0, NULL},
      {"order", KITH_CLI_STRING, &selection->order, "KEY",
       "services (the default), confidence, weakest or number: what ranks first", 0, 0, NULL}};

  memcpy(options, all, sizeof all);
  return KITH_COUNT_OF(all);
}

uint32_t kith_cohort_agencies(const struct kith_cohort *cohort,
                              const struct kith_cohort_person *person)
{
  uint32_t seen = 0;

  for (uint32_t i = 0; i < person->n_records; i++)
    if (!cohort->records[person->first + i].withdrawn)
      seen |= 1u << cohort->records[person->first + i].agency;
  return seen;
}

unsigned kith_cohort_services(const struct kith_cohort *cohort,
                              const struct kith_cohort_person *person)
{
  return (unsigned)__builtin_popcount(kith_cohort_agencies(cohort, person));
}

/* ---- names into bits */

static enum kith_err agencies_mask(uint32_t *out, const struct kith_cohort *cohort,
                                   const struct kith_cli_list *names, const char *option,
                                   struct kith_fault *fault)
{
  *out = 0;
  for (size_t i = 0; i < names->n; i++) {
    unsigned at = 0;

    while (at < cohort->n_agencies && strcmp(cohort->agencies[at].agency, names->items[i]) != 0)
      at++;
    if (at == cohort->n_agencies)
      return kith_fail(fault, KITH_ERR_USAGE, "--%s: %.32s has no records in this round", option,
                       names->items[i]);
    *out |= 1u << at;
  }
  return KITH_OK;
}

static enum kith_err flags_mask(uint32_t *out, const struct kith_cli_list *names,
                                const char *option, struct kith_fault *fault)
{
  *out = 0;
  for (size_t i = 0; i < names->n; i++) {
    unsigned at = 0;

    while (at < KITH_COHORT_FLAGS && strcmp(kith_cohort_flag_names[at], names->items[i]) != 0)
      at++;
    if (at == KITH_COHORT_FLAGS)
      return kith_fail(fault, KITH_ERR_USAGE,
                       "--%s: expected ambiguous, weak or duplicate, found \"%.32s\"", option,
                       names->items[i]);
    *out |= 1u << at;
  }
  return KITH_OK;
}

struct chosen {
  const struct kith_cohort *cohort;
  uint32_t known_to;
  uint32_t not_known_to;
  uint32_t flagged;
  uint32_t unflagged;
};

static enum kith_err choose(struct chosen *out, const struct kith_cohort_selection *selection,
                            struct kith_fault *fault)
{
  enum kith_err err;

  if ((err = agencies_mask(&out->known_to, out->cohort, &selection->known_to, "known-to", fault)) !=
          KITH_OK ||
      (err = agencies_mask(&out->not_known_to, out->cohort, &selection->not_known_to,
                           "not-known-to", fault)) != KITH_OK ||
      (err = flags_mask(&out->flagged, &selection->flagged, "flagged", fault)) != KITH_OK)
    return err;
  return flags_mask(&out->unflagged, &selection->unflagged, "unflagged", fault);
}

/* ---- filter */

static bool at_least(uint32_t ppm, const struct kith_ratio *min)
{
  return min->denominator == 0 ||
         (uint64_t)ppm * min->denominator >= (uint64_t)min->numerator * KITH_CONFIDENCE_ONE;
}

static bool asked_about(const struct kith_cohort *cohort, const struct kith_cohort_person *person,
                        const json_t *told)
{
  for (uint32_t i = 0; i < person->n_records; i++) {
    char hex[2 * KITH_HANDLE_BYTES + 1];

    kith_hex_encode(hex, cohort->records[person->first + i].handle, KITH_HANDLE_BYTES);
    if (json_object_get(told, hex))
      return true;
  }
  return false;
}

static bool selected(const struct chosen *chosen, const struct kith_cohort_selection *selection,
                     const struct kith_cohort_person *person, const json_t *told)
{
  uint32_t agencies = kith_cohort_agencies(chosen->cohort, person);

  return (agencies & chosen->known_to) == chosen->known_to && !(agencies & chosen->not_known_to) &&
         (unsigned)__builtin_popcount(agencies) >= selection->services_min &&
         (!chosen->flagged || (person->flags & chosen->flagged)) &&
         !(person->flags & chosen->unflagged) &&
         at_least(person->confidence, &selection->confidence_min) &&
         at_least(person->weakest, &selection->weakest_min) &&
         !(selection->unasked && asked_about(chosen->cohort, person, told));
}

/* ---- order: ties are broken by what comes next in the rank, at last by the number */

enum order { BY_SERVICES, BY_CONFIDENCE, BY_WEAKEST, BY_NUMBER, ORDERS };
static const char *const order_names[ORDERS] = {"services", "confidence", "weakest", "number"};

struct ranking {
  const struct kith_cohort *cohort;
  enum order order;
};

/* Descending. */
static int by(uint32_t a, uint32_t b)
{
  return (a < b) - (a > b);
}

static int compare(const void *a, const void *b, void *context)
{
  const struct kith_cohort_person *one = a;
  const struct kith_cohort_person *other = b;
  const struct ranking *ranking = context;
  int services =
      by(kith_cohort_services(ranking->cohort, one), kith_cohort_services(ranking->cohort, other));
  int confidence = by(one->confidence, other->confidence);
  int weakest = by(one->weakest, other->weakest);
  const int keys[ORDERS][3] = {[BY_SERVICES] = {services, confidence, weakest},
                               [BY_CONFIDENCE] = {confidence, services, weakest},
                               [BY_WEAKEST] = {weakest, services, confidence},
                               [BY_NUMBER] = {0, 0, 0}};

  for (size_t i = 0; i < KITH_COUNT_OF(keys[0]); i++)
    if (keys[ranking->order][i])
      return keys[ranking->order][i];
  return (one->number > other->number) - (one->number < other->number);
}

static enum kith_err order_of(enum order *out, const char *name, struct kith_fault *fault)
{
  for (unsigned i = 0; i < ORDERS; i++)
    if (!name || strcmp(order_names[i], name) == 0) {
      *out = (enum order)i;
      return KITH_OK;
    }
  return kith_fail(fault, KITH_ERR_USAGE,
                   "--order: expected services, confidence, weakest or number, found \"%.32s\"",
                   name);
}

enum kith_err kith_cohort_narrow(struct kith_cohort *cohort,
                                 const struct kith_cohort_selection *selection, const json_t *told,
                                 struct kith_fault *fault)
{
  struct chosen chosen = {.cohort = cohort};
  struct ranking ranking = {.cohort = cohort};
  size_t n = 0;
  enum kith_err err = choose(&chosen, selection, fault);

  if (err == KITH_OK)
    err = order_of(&ranking.order, selection->order, fault);
  if (err != KITH_OK)
    return err;
  for (size_t i = 0; i < cohort->n_people; i++)
    if (selected(&chosen, selection, &cohort->people[i], told))
      cohort->people[n++] = cohort->people[i];
  cohort->n_people = n;
  if (n > 1)
    qsort_r(cohort->people, n, sizeof *cohort->people, compare, &ranking);
  return KITH_OK;
}
