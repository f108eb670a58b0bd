/* The verbs of `kith charter` that have a file of their own. */
#ifndef KITH_CLI_CHARTER_H
#define KITH_CLI_CHARTER_H

int kith_charter_show(int argc, char **argv);
/* cli/publish.c */
int kith_charter_publish(int argc, char **argv);
int kith_charter_verify(int argc, char **argv);

#endif
