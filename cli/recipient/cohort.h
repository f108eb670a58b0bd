/* What the commands on a recipient's list share: where a pulled list is kept, and opening it. What
 * is kept stays sealed; it is opened with the recipient's key each time and checked against the
 * release statement that the matcher signed. */
#ifndef KITH_CLI_RECIPIENT_COHORT_H
#define KITH_CLI_RECIPIENT_COHORT_H

#include "cli/home.h"
#include "proto/release.h"

enum { KITH_ROUND_HEX_BYTES = 2 * KITH_ROUND_ID_BYTES + 1 };

int kith_cohort_feedback(int argc, char **argv);
int kith_cohort_note(int argc, char **argv);
int kith_cohort_diff(int argc, char **argv);
int kith_cohort_places(int argc, char **argv);

/* A recipient's home: KITH_ERR_CONFIG with *fault where it is an agency's. */
KITH_MUST_USE enum kith_err kith_cohort_home_open(struct kith_home *home, const char *dir,
                                                  struct kith_fault *fault);

/* HOME/cohorts/ROUND.{list,statements,charter.json} */
struct kith_kept {
  char *dir;
  char *list;
  char *statements;
  char *charter;
};
KITH_MUST_USE enum kith_err kith_kept_init(struct kith_kept *kept, const struct kith_home *home,
                                           const char *round, struct kith_fault *fault);
void kith_kept_free(struct kith_kept *kept); /* takes a zeroed one */
/* Overwrites and unlinks all of it. */
KITH_MUST_USE enum kith_err kith_kept_destroy(const struct kith_kept *kept,
                                              struct kith_fault *fault);
/* The round of the only list that is kept. KITH_ERR_USAGE where there are none or several. */
KITH_MUST_USE enum kith_err kith_kept_only(const struct kith_home *home,
                                           char round[KITH_ROUND_HEX_BYTES],
                                           struct kith_fault *fault);

/* From the matcher, and kept. */
KITH_MUST_USE enum kith_err kith_cohort_pull(struct kith_home *home, const kith_round_id id,
                                             const struct kith_kept *kept,
                                             struct kith_cohort *cohort, struct kith_fault *fault);
/* What is kept. `round` (NULL: not wanted) is freed by the caller. */
KITH_MUST_USE enum kith_err kith_cohort_open_kept(struct kith_cohort *out,
                                                  struct kith_remote_round *round,
                                                  struct kith_home *home,
                                                  const struct kith_kept *kept,
                                                  struct kith_fault *fault);

#endif
