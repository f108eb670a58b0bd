/* kith-matcher.conf: the [node] section of proto/node.h, and
 *
 *   [matcher]
 *   listen = tcp://0.0.0.0:7420     where members connect to
 *   threads = 2                     of the engine; default: all processors
 *   store_gib = 16                  the most the store may grow to
 *   poll_ms = 1000                  how often deadlines are looked at
 */
#ifndef KITH_MATCHER_SERVICE_CONFIG_H
#define KITH_MATCHER_SERVICE_CONFIG_H

#include "base/err.h"
#include "base/ini.h"
#include "proto/node.h"

struct kith_matcher_config {
  struct kith_ini *ini; /* owns the strings */
  struct kith_node_config node;
  const char *listen;
  unsigned threads;
  size_t map_bytes;
  int poll_ms;
};

KITH_MUST_USE enum kith_err kith_matcher_config_load(struct kith_matcher_config *out,
                                                     const char *path, struct kith_fault *fault);
void kith_matcher_config_free(struct kith_matcher_config *config);

#endif
