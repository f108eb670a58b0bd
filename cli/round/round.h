/* Verbs of `kith round` in files of their own: round_show.c, round_decide.c,
 * round_withdraw.c, proposal.c, trial_map.c. */
#ifndef KITH_CLI_ROUND_ROUND_H
#define KITH_CLI_ROUND_ROUND_H

int kith_round_list(int argc, char **argv);
int kith_round_show(int argc, char **argv);
int kith_round_watch(int argc, char **argv);
int kith_round_proposals(int argc, char **argv);
int kith_round_sign(int argc, char **argv);
int kith_round_join(int argc, char **argv);
int kith_round_decline(int argc, char **argv);
int kith_round_withdraw(int argc, char **argv);
int kith_round_trial_map(int argc, char **argv);

#endif
