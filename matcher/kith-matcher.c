/* kith-matcher: the linkage unit. */
#include "matcher/service/service.h"
#include "proto/daemon_main.h"

static enum kith_err serve(const char *config_path, const volatile int *stop,
                           const struct kith_daemon_hooks *hooks, struct kith_fault *fault)
{
  struct kith_matcher *matcher = NULL;
  enum kith_err err = kith_matcher_new(&matcher, config_path, fault);

  if (err == KITH_OK)
    err = kith_matcher_run(matcher, stop, hooks, fault);
  kith_matcher_free(matcher);
  return err;
}

int main(int argc, char **argv)
{
  static const struct kith_daemon matcher = {"kith-matcher", "The linkage unit.",
                                             "/etc/kith/kith-matcher.conf", serve};

  return kith_daemon_main(&matcher, argc, argv);
}
