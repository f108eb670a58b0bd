/* kithd: the daemon of an agency. */
#include "daemon/service/agency.h"
#include "proto/daemon_main.h"

static enum kith_err serve(const char *config_path, const volatile int *stop,
                           const struct kith_daemon_hooks *hooks, struct kith_fault *fault)
{
  struct kith_agency *agency = NULL;
  enum kith_err err = kith_agency_new(&agency, config_path, fault);

  if (err == KITH_OK)
    err = kith_agency_run(agency, stop, hooks, fault);
  kith_agency_free(agency);
  return err;
}

int main(int argc, char **argv)
{
  static const struct kith_daemon kithd = {"kithd", "The daemon of an agency.",
                                           "/etc/kith/kithd.conf", serve};

  return kith_daemon_main(&kithd, argc, argv);
}
