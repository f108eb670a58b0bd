/* `kith help`: the list of commands, and topics that no single command explains. */
#ifndef KITH_CLI_HELP_H
#define KITH_CLI_HELP_H

#include <stddef.h>

struct kith_cli_command {
  const char *name;
  int (*run)(int argc, char **argv); /* NULL: not in this build */
  const char *about;
};

/* The list where `topic` is "" (or NULL: on standard error, as a usage fault), else the topic's or
 * the command's own help. The exit status. */
int kith_cli_help(const struct kith_cli_command *commands, size_t n, const char *topic);
int kith_cli_version(void);

#endif
