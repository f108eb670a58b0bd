#include "proto/daemon_main.h"

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/process.h"
#include "crypto/secret.h"

static volatile int stop_asked;

static void on_signal(int signal)
{
  (void)signal;
  stop_asked = 1;
}

static void notify_ready(const char *address)
{
  sd_notify(0, "READY=1");
  if (address)
    kith_log(KITH_LOG_INFO, "ready", KITH_LOG_STR("address", address));
  else
    kith_log(KITH_LOG_INFO, "ready");
}

static void notify_alive(void)
{
  sd_notify(0, "WATCHDOG=1");
}

static int serve(const struct kith_daemon *daemon, const char *config_path)
{
  const struct kith_daemon_hooks hooks = {notify_ready, notify_alive};
  struct sigaction action = {.sa_handler = on_signal};
  struct kith_fault fault = {0};
  bool locked = false;
  enum kith_err err;

  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  err = kith_process_setup(true, &fault);
  if (err == KITH_OK && (err = kith_crypto_init(&locked)) != KITH_OK)
    kith_fail(&fault, err, "the cryptographic library can't be started");
  if (err == KITH_OK) {
    /* Said once: keys may then reach the swap. */
    if (!locked)
      kith_log(KITH_LOG_WARNING, "memory.unlocked");
    err = daemon->serve(config_path, &stop_asked, &hooks, &fault);
  }
  sd_notify(0, "STOPPING=1");
  if (err == KITH_OK)
    return 0;
  (void)fprintf(stderr, "%s: %s\n", daemon->name, fault.text[0] ? fault.text : kith_err_name(err));
  return kith_err_exit_status(err);
}

int kith_daemon_main(const struct kith_daemon *daemon, int argc, char **argv)
{
  static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
  const char *config_path = daemon->config_path;
  int option;

  while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
    switch (option) {
    case 'c':
      config_path = optarg;
      break;
    case 'h':
      printf("usage: %s [--config FILE]\n\n%s Example:\n  $ %s --config %s\n", daemon->name,
             daemon->about, daemon->name, daemon->config_path);
      return 0;
    case 'V':
      printf("%s %s\n", daemon->name, KITH_VERSION);
      return 0;
    default:
      return kith_err_exit_status(KITH_ERR_USAGE);
    }
  }
  if (optind < argc) {
    (void)fprintf(stderr, "%s: no operands were expected; see %s --help\n", daemon->name,
                  daemon->name);
    return kith_err_exit_status(KITH_ERR_USAGE);
  }
  return serve(daemon, config_path);
}
