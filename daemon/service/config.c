#include "daemon/service/config.h"

#include <string.h>

#include "base/mem.h"
#include "daemon/service/notices.h"

/* Six years: as long as a person may bring a claim about it (docs/decisions.md). */
enum { LOG_DAYS = 2190, LOG_DAYS_MAX = 36500 };

static enum kith_err read_sections(struct kith_agency_config *config, struct kith_fault *fault)
{
  uint64_t store_gib = 0;
  uint64_t poll_ms = 0;
  uint64_t log_days = 0;
  const char *value;
  enum kith_err err;

  if ((err = kith_node_config_read(&config->node, config->ini, fault)) != KITH_OK ||
      (err = kith_agency_config_source(config, fault)) != KITH_OK ||
      (err = kith_ini_bool(config->ini, &config->allow_trial, "agency", "allow_trial", false,
                           fault)) != KITH_OK ||
      (err = kith_ini_u64(config->ini, &log_days, "agency", "subject_log_days", 0, LOG_DAYS_MAX,
                          LOG_DAYS, fault)) != KITH_OK ||
      (err = kith_ini_u64(config->ini, &store_gib, "agency", "store_gib", 1, 4096, 8, fault)) !=
          KITH_OK ||
      (err = kith_ini_u64(config->ini, &poll_ms, "agency", "poll_ms", 10, 600000, 2000, fault)) !=
          KITH_OK)
    return err;
  if ((value = kith_ini_get(config->ini, "source", "profile")) &&
      (err = kith_profile_load(&config->profile, value, fault)) != KITH_OK)
    return err;
  config->source.profile = config->profile;
  config->objections = kith_ini_get(config->ini, "source", "objections");
  config->safety_column = kith_ini_get(config->ini, "source", "safety_column");
  config->safety_file = kith_ini_get(config->ini, "source", "safety_file");
  if (config->safety_column && config->safety_file)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "[source] expected safety_column or safety_file, not both");
  config->subject_log_days = (unsigned)log_days;
  config->control_socket = kith_ini_get(config->ini, "agency", "control_socket");
  if (!config->control_socket)
    config->control_socket = "/run/kithd/control";
  config->notify_command = kith_ini_get(config->ini, "notify", "command");
  if (config->notify_command &&
      (err = kith_notices_check(config->notify_command, fault)) != KITH_OK)
    return err;
  config->map_bytes = (size_t)store_gib << 30;
  config->poll_ms = (int)poll_ms;
  return kith_ini_done(config->ini, fault);
}

enum kith_err kith_agency_config_load(struct kith_agency_config *out, const char *path,
                                      struct kith_fault *fault)
{
  enum kith_err err;

  memset(out, 0, sizeof *out);
  err = kith_ini_load(&out->ini, path, fault);
  if (err == KITH_OK)
    err = read_sections(out, fault);
  if (err != KITH_OK)
    kith_agency_config_free(out);
  return err;
}

void kith_agency_config_free(struct kith_agency_config *config)
{
  kith_profile_free(config->profile);
  kith_free(config->query);
  kith_ini_free(config->ini);
  memset(config, 0, sizeof *config);
}
