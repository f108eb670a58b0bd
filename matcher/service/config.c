#include "matcher/service/config.h"

#include <string.h>
#include <unistd.h>

static enum kith_err read_sections(struct kith_matcher_config *config, struct kith_fault *fault)
{
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t threads = 0;
  uint64_t store_gib = 0;
  uint64_t poll_ms = 0;
  enum kith_err err;

  if ((err = kith_node_config_read(&config->node, config->ini, fault)) != KITH_OK ||
      (err = kith_ini_require(config->ini, &config->listen, "matcher", "listen", fault)) !=
          KITH_OK ||
      (err = kith_ini_u64(config->ini, &threads, "matcher", "threads", 1, 1024,
                          processors > 0 ? (uint64_t)processors : 1, fault)) != KITH_OK ||
      (err = kith_ini_u64(config->ini, &store_gib, "matcher", "store_gib", 1, 4096, 16, fault)) !=
          KITH_OK ||
      (err = kith_ini_u64(config->ini, &poll_ms, "matcher", "poll_ms", 10, 20000, 1000, fault)) !=
          KITH_OK)
    return err;
  config->threads = (unsigned)threads;
  config->map_bytes = (size_t)store_gib << 30;
  config->poll_ms = (int)poll_ms;
  return kith_ini_done(config->ini, fault);
}

enum kith_err kith_matcher_config_load(struct kith_matcher_config *out, const char *path,
                                       struct kith_fault *fault)
{
  enum kith_err err;

  memset(out, 0, sizeof *out);
  err = kith_ini_load(&out->ini, path, fault);
  if (err == KITH_OK)
    err = read_sections(out, fault);
  if (err != KITH_OK)
    kith_matcher_config_free(out);
  return err;
}

void kith_matcher_config_free(struct kith_matcher_config *config)
{
  kith_ini_free(config->ini);
  memset(config, 0, sizeof *config);
}
