/* The verbs of `kith key` that share and recover keys: cli/key_escrow.c. */
#ifndef KITH_CLI_KEY_H
#define KITH_CLI_KEY_H

int kith_key_escrow(int argc, char **argv);
int kith_key_share(int argc, char **argv);
int kith_key_recover(int argc, char **argv);

#endif
