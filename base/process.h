/* What every program does first: harden its process.
 *
 * Ignores SIGPIPE and SIGXFSZ (a closed pipe and a full quota are errors of the write, not
 * deaths), forbids core dumps and tracing by others (RLIMIT_CORE, PR_SET_DUMPABLE), and for a
 * daemon keeps new files private (umask 0077). A test build stays traceable where
 * KITH_TEST_DUMPABLE=1, so that a test can search its memory. */
#ifndef KITH_BASE_PROCESS_H
#define KITH_BASE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* KITH_ERR_INTERNAL if the system refuses one of them. */
KITH_MUST_USE enum kith_err kith_process_setup(bool daemon, struct kith_fault *fault);

/* Starts the program `path`, in a process group of its own, without this process's descriptors and
 * with no signal blocked or SIGPIPE ignored. `in` and `out`: its standard input and output, -1 for
 * /dev/null, as its standard error is. `arguments` and `environment` end with NULL. 0, or an errno.
 */
KITH_MUST_USE int kith_process_spawn(pid_t *pid, const char *path, char *const arguments[],
                                     char *const environment[], int in, int out);

#endif
