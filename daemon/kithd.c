/* kithd: the daemon of an agency. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "base/err.h"
#include "base/log.h"
#include "base/process.h"
#include "crypto/secret.h"
#include "daemon/service/agency.h"

static volatile int stop_asked;

static void on_signal(int signal)
{
  (void)signal;
  stop_asked = 1;
}

static void notify_ready(void)
{
  sd_notify(0, "READY=1");
  kith_log(KITH_LOG_INFO, "ready");
}

static void notify_alive(void)
{
  sd_notify(0, "WATCHDOG=1");
}

static int fail(const struct kith_fault *fault)
{
  fprintf(stderr, "kithd: %s\n", fault->text);
  return kith_err_exit_status(fault->err);
}

static int serve(const char *config_path)
{
  struct kith_agency_hooks hooks = {notify_ready, notify_alive};
  struct sigaction action = {.sa_handler = on_signal};
  struct kith_fault fault = {0};
  struct kith_agency *agency = NULL;
  bool locked = false;
  enum kith_err err;

  if ((err = kith_process_setup(true, &fault)) != KITH_OK ||
      (err = kith_crypto_init(&locked)) != KITH_OK) {
    fault.err = err;
    return fail(&fault);
  }
  if (!locked)
    kith_log(KITH_LOG_WARNING, "memory.unlocked");
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  err = kith_agency_new(&agency, config_path, &fault);
  if (err == KITH_OK)
    err = kith_agency_run(agency, &stop_asked, &hooks, &fault);
  sd_notify(0, "STOPPING=1");
  kith_agency_free(agency);
  if (err == KITH_OK)
    return 0;
  fault.err = err;
  return fail(&fault);
}

int main(int argc, char **argv)
{
  static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
  const char *config_path = "/etc/kith/kithd.conf";
  int option;

  while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
    switch (option) {
    case 'c':
      config_path = optarg;
      break;
    case 'h':
      puts("usage: kithd [--config FILE]\n\nThe daemon of an agency. Example:\n"
           "  $ kithd --config /etc/kith/kithd.conf");
      return 0;
    case 'V':
      puts("kithd 0.1.0");
      return 0;
    default:
      return 2;
    }
  }
  if (optind < argc) {
    fputs("kithd: no operands were expected; see kithd --help\n", stderr);
    return 2;
  }
  return serve(config_path);
}
