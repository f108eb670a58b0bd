/* `kith disclosure`: a file for the recipient's verbs, one for the agency's. Each is called after
 * the home is open, and closes it not. */
#ifndef KITH_CLI_DISCLOSURE_H
#define KITH_CLI_DISCLOSURE_H

#include "cli/home.h"
#include "proto/policy.h"
#include "proto/release.h"

int kith_disclosure_request_verb(int argc, char **argv);
int kith_disclosure_pull_verb(int argc, char **argv);
int kith_disclosure_approve_verb(int argc, char **argv);
int kith_disclosure_refuse_verb(int argc, char **argv);

/* `list`, by whose home it is. */
int kith_disclosure_list_asked(struct kith_home *home, const char *passphrase_file, bool all,
                               bool json);
int kith_disclosure_list_queue(struct kith_home *home, bool all, bool json);

/* A file of words on one line: line ends become blanks. At most cap - 1 bytes, not empty, without
 * characters that people can't see. */
KITH_MUST_USE enum kith_err kith_cli_words(char *out, size_t cap, const char *path,
                                           struct kith_fault *fault);

/* Operands [ROUND] NUMBER: a person of a kept list, unlocked and opened. */
struct kith_cohort_person_at {
  kith_round_id id;
  struct kith_cohort cohort;
  struct kith_remote_round round;
  const struct kith_cohort_person *person;
};
KITH_MUST_USE enum kith_err kith_cohort_person_open(struct kith_cohort_person_at *out,
                                                    struct kith_home *home, int n_operands,
                                                    char **operands, struct kith_fault *fault);
void kith_cohort_person_free(struct kith_cohort_person_at *at); /* takes a zeroed one */

#endif
