/* kith-matcher: the linkage unit. */
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
#include "matcher/service/service.h"

static volatile int stop_asked;

static void on_signal(int signal)
{
  (void)signal;
  stop_asked = 1;
}

static void notify_ready(const char *address)
{
  sd_notify(0, "READY=1");
  kith_log(KITH_LOG_INFO, "ready", KITH_LOG_STR("address", address));
}

static void notify_alive(void)
{
  sd_notify(0, "WATCHDOG=1");
}

static int fail(const struct kith_fault *fault)
{
  fprintf(stderr, "kith-matcher: %s\n", fault->text);
  return kith_err_exit_status(fault->err);
}

static int serve(const char *config_path)
{
  struct kith_matcher_hooks hooks = {notify_ready, notify_alive};
  struct sigaction action = {.sa_handler = on_signal};
  struct kith_fault fault = {0};
  struct kith_matcher *matcher = NULL;
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
  err = kith_matcher_new(&matcher, config_path, &fault);
  if (err == KITH_OK)
    err = kith_matcher_run(matcher, &stop_asked, &hooks, &fault);
  sd_notify(0, "STOPPING=1");
  kith_matcher_free(matcher);
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
  const char *config_path = "/etc/kith/kith-matcher.conf";
  int option;

  while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
    switch (option) {
    case 'c':
      config_path = optarg;
      break;
    case 'h':
      puts("usage: kith-matcher [--config FILE]\n\nThe linkage unit. Example:\n"
           "  $ kith-matcher --config /etc/kith/kith-matcher.conf");
      return 0;
    case 'V':
      puts("kith-matcher 0.1.0");
      return 0;
    default:
      return 2;
    }
  }
  if (optind < argc) {
    fputs("kith-matcher: no operands were expected; see kith-matcher --help\n", stderr);
    return 2;
  }
  return serve(config_path);
}
