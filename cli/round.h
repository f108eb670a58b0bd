/* Verbs of `kith round` in files of their own: round_show.c, round_decide.c, proposal.c,
 * trial_map.c. */
#ifndef KITH_CLI_ROUND_H
#define KITH_CLI_ROUND_H

#include <jansson.h>
#include <stdint.h>

#include "crypto/identity.h"

int kith_round_list(int argc, char **argv);
int kith_round_show(int argc, char **argv);
int kith_round_watch(int argc, char **argv);
int kith_round_proposals(int argc, char **argv);
int kith_round_sign(int argc, char **argv);
int kith_round_join(int argc, char **argv);
int kith_round_decline(int argc, char **argv);
int kith_round_trial_map(int argc, char **argv);

/* When an officer's decision on what was shown is signed: now, and after their last one of
 * "decisions", since an older one is taken for a replay. */
int64_t kith_cli_decision_time(const json_t *shown, const struct kith_identity *officer);

#endif
