#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static bool stays_dumpable(void)
{
#ifdef KITH_TESTING
  const char *value = getenv("KITH_TEST_DUMPABLE");

  return value && strcmp(value, "1") == 0;
#else
  return false;
#endif
}

enum kith_err kith_process_setup(bool daemon, struct kith_fault *fault)
{
  struct rlimit none = {0, 0};
  struct sigaction ignore = {.sa_handler = SIG_IGN};

  if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0)
    return kith_fail(fault, KITH_ERR_INTERNAL, "signals can't be ignored: %s", strerror(errno));
  if (setrlimit(RLIMIT_CORE, &none) != 0)
    return kith_fail(fault, KITH_ERR_INTERNAL, "core dumps can't be turned off: %s",
                     strerror(errno));
  if (!stays_dumpable() && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return kith_fail(fault, KITH_ERR_INTERNAL, "the process can't be made private: %s",
                     strerror(errno));
  if (daemon)
    umask(0077);
  return KITH_OK;
}
