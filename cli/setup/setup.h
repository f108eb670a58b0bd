/* What `kith setup` works on: the command is cli/setup/setup.c, the files it writes are
 * cli/setup/setup_files.c. */
#ifndef KITH_CLI_SETUP_SETUP_H
#define KITH_CLI_SETUP_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/cli.h"
#include "proto/charter.h"

struct kith_setup {
  enum kith_role role;
  enum kith_agency_kind kind;
  bool is_daemon;
  /* As given; NULL where absent. */
  const char *home;
  const char *id;
  const char *name;
  const char *kind_name;
  const char *source;
  const char *dsn; /* of a database, in place of a source */
  const char *query_path;
  const char *credential; /* a file with a slash in its name, or a systemd credential */
  const char *profile;    /* of the source; NULL: the standard columns */
  const char *listen;
  const char *passphrase_given;
  const char *charter;
  struct kith_cli_list governance_keys;
  uint64_t governance_threshold;
  struct kith_cli_list peer_networks;
  struct kith_cli_list database_networks;
  bool allow_trial;
  bool offline;
  /* Made from them, owned. */
  char *own_home;
  char *key_path;
  char *card_path;
  char *charter_path;
  char *state_path;
  char *own_passphrase_path;
  const char *passphrase_path; /* one of the above, or NULL: a person is asked */
};

/* kithd.conf, kith-matcher.conf or kith.conf in the home. */
KITH_MUST_USE enum kith_err kith_setup_write_config(const struct kith_setup *setup,
                                                    struct kith_fault *fault);
/* HOME/kithd.service.d/peers.conf (or kith-matcher's): which addresses the unit may talk to. */
KITH_MUST_USE enum kith_err kith_setup_write_drop_in(const struct kith_setup *setup,
                                                     const struct kith_charter *charter,
                                                     struct kith_fault *fault);
/* A whole path, fresh (kith_free); NULL if no memory or no working directory. */
char *kith_setup_absolute(const char *path);

#endif
