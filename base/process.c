#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
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

static int files_of_child(posix_spawn_file_actions_t *actions, int in, int out)
{
  int status = in < 0 ? posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
                      : posix_spawn_file_actions_adddup2(actions, in, 0);

  if (status == 0)
    status = out < 0 ? posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0)
                     : posix_spawn_file_actions_adddup2(actions, out, 1);
  if (status == 0)
    status = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
  return status == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, 3) : status;
}

static int signals_of_child(posix_spawnattr_t *attributes)
{
  sigset_t none;
  sigset_t defaults;
  int status;

  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  /* A group of its own: an interrupt from the terminal is for the parent to act on. */
  if ((status = posix_spawnattr_setsigmask(attributes, &none)) != 0 ||
      (status = posix_spawnattr_setsigdefault(attributes, &defaults)) != 0)
    return status;
  return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETPGROUP);
}

int kith_process_spawn(pid_t *pid, const char *path, char *const arguments[],
                       char *const environment[], int in, int out)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int status = posix_spawn_file_actions_init(&actions);

  if (status != 0)
    return status;
  if ((status = posix_spawnattr_init(&attributes)) == 0) {
    if ((status = files_of_child(&actions, in, out)) == 0 &&
        (status = signals_of_child(&attributes)) == 0)
      status = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return status;
}
