/* What every program does first: harden its process.
 *
 * Ignores SIGPIPE and SIGXFSZ (a closed pipe and a full quota are errors of the write, not
 * deaths), forbids core dumps and tracing by others (RLIMIT_CORE, PR_SET_DUMPABLE), and for a
 * daemon keeps new files private (umask 0077). A test build stays traceable where
 * KITH_TEST_DUMPABLE=1, so that a test can search its memory. */
#ifndef KITH_BASE_PROCESS_H
#define KITH_BASE_PROCESS_H

#include <stdbool.h>

#include "base/err.h"

/* KITH_ERR_INTERNAL if the system refuses one of them. */
KITH_MUST_USE enum kith_err kith_process_setup(bool daemon, struct kith_fault *fault);

#endif
