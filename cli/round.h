/* Verbs of `kith round` that show: in cli/round_show.c and cli/trial_map.c. */
#ifndef KITH_CLI_ROUND_H
#define KITH_CLI_ROUND_H

int kith_round_list(int argc, char **argv);
int kith_round_show(int argc, char **argv);
int kith_round_watch(int argc, char **argv);
int kith_round_trial_map(int argc, char **argv);

#endif
