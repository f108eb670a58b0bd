/* Configuration files in the systemd manner ([section], key = value), through libinih.
 * Every key must be asked for: kith_ini_done refuses unknown ones by line (KITH_ERR_CONFIG). */
#ifndef KITH_BASE_INI_H
#define KITH_BASE_INI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct kith_ini;
KITH_MUST_USE enum kith_err kith_ini_load(struct kith_ini **out, const char *path,
                                          struct kith_fault *fault);
/* The same from text that is there; `name` stands for the file in faults. */
KITH_MUST_USE enum kith_err kith_ini_parse(struct kith_ini **out, const char *text,
                                           const char *name, struct kith_fault *fault);
/* Borrowed strings; NULL where the key is absent. */
const char *kith_ini_get(struct kith_ini *ini, const char *section, const char *key);
/* Required: KITH_ERR_CONFIG with *fault naming file, section and key. */
KITH_MUST_USE enum kith_err kith_ini_require(struct kith_ini *ini, const char **out,
                                             const char *section, const char *key,
                                             struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_ini_u64(struct kith_ini *ini, uint64_t *out, const char *section,
                                         const char *key, uint64_t min, uint64_t max,
                                         uint64_t fallback, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_ini_bool(struct kith_ini *ini, bool *out, const char *section,
                                          const char *key, bool fallback, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_ini_done(struct kith_ini *ini, struct kith_fault *fault);
void kith_ini_free(struct kith_ini *ini);

#endif
