/* Which people of a list are shown, and in what order. */
#ifndef KITH_CLI_RECIPIENT_COHORT_SELECT_H
#define KITH_CLI_RECIPIENT_COHORT_SELECT_H

#include <jansson.h>

#include "cli/cli.h"
#include "proto/release.h"

/* The matcher's flags of a person, for a person to look at. */
enum { KITH_COHORT_FLAGS = 3 };
extern const char *const kith_cohort_flag_names[KITH_COHORT_FLAGS];

/* As the options give them; zeroed: everybody, in the list's own order. */
struct kith_cohort_selection {
  struct kith_cli_list known_to;     /* each of these agencies has a record */
  struct kith_cli_list not_known_to; /* none of these has */
  struct kith_cli_list flagged;      /* has one of these flags */
  struct kith_cli_list unflagged;    /* has none of these */
  uint64_t services_min;
  struct kith_ratio confidence_min; /* a denominator of 0: not given */
  struct kith_ratio weakest_min;
  bool unasked;      /* no agency was asked about */
  const char *order; /* "services", "confidence", "weakest" or "number"; NULL: services */
};

/* The options that fill a selection; returns how many. */
enum { KITH_COHORT_SELECTION_OPTIONS = 9 };
size_t kith_cohort_selection_options(struct kith_cli_option options[KITH_COHORT_SELECTION_OPTIONS],
                                     struct kith_cohort_selection *selection);

/* The agencies whose record of the person is not withdrawn: bit i for cohort->agencies[i]; and how
 * many they are. */
uint32_t kith_cohort_agencies(const struct kith_cohort *cohort,
                              const struct kith_cohort_person *person);
unsigned kith_cohort_services(const struct kith_cohort *cohort,
                              const struct kith_cohort_person *person);

/* Leaves in the list only the people who are selected, ranked. `told` (kith_recipient_told) is
 * needed for `unasked` only. KITH_ERR_USAGE with *fault: an agency, flag or order that there is
 * not. */
KITH_MUST_USE enum kith_err kith_cohort_narrow(struct kith_cohort *cohort,
                                               const struct kith_cohort_selection *selection,
                                               const json_t *told, struct kith_fault *fault);

#endif
