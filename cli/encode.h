/* Of kith encode: what was asked for, and its half for schemas of clkhash. */
#ifndef KITH_CLI_ENCODE_H
#define KITH_CLI_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/secret.h"

enum { KITH_ENCODE_OUT_MODE = 0600 };

struct kith_encode {
  const char *schema_path;
  const char *secret_path;
  const char *format; /* "clkhash" or "kith"; NULL: as the schema is */
  const char *out_path;
  const char *objections_path;
  const char *profile_name;
  const char *path;
  uint64_t n_threads; /* 0: all processors */
  bool skip_bad;
  bool strict;
  bool quiet;
  struct kith_secret *secret;
  uint64_t n_encoded;
  uint64_t n_bad;
};

/* Encodes encode->path for the schema; counts rows in *encode. */
KITH_MUST_USE enum kith_err kith_encode_clkhash(struct kith_encode *encode, const uint8_t *schema,
                                                size_t len, struct kith_fault *fault);

#endif
