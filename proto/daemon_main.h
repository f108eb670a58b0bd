/* The main of a daemon, the same for both: options, a hardened process, locked memory, signals, and
 * notification of systemd (sd_notify(3): ready, alive, stopping). */
#ifndef KITH_PROTO_DAEMON_MAIN_H
#define KITH_PROTO_DAEMON_MAIN_H

#include "base/err.h"

#define KITH_VERSION "0.1.0"

/* What a daemon calls while it serves; none may be NULL. */
struct kith_daemon_hooks {
  void (*ready)(const char *address); /* once; NULL where it listens nowhere */
  void (*alive)(void);                /* in every turn, at least every few seconds */
};

struct kith_daemon {
  const char *name;        /* "kithd" */
  const char *about;       /* one line for --help */
  const char *config_path; /* where it is unless --config says otherwise */
  /* Serves until *stop is set. */
  enum kith_err (*serve)(const char *config_path, const volatile int *stop,
                         const struct kith_daemon_hooks *hooks, struct kith_fault *fault);
};

/* The exit status. */
int kith_daemon_main(const struct kith_daemon *daemon, int argc, char **argv);

#endif
