/* What requests and replies on the control socket are made of (officer.c has the list). */
#ifndef KITH_DAEMON_SERVICE_CONTROL_JSON_H
#define KITH_DAEMON_SERVICE_CONTROL_JSON_H

#include <jansson.h>

#include "base/err.h"
#include "proto/officer.h"

/* {"ok": false, "error": TEXT, "exit": N}; fresh, NULL: out of memory. */
json_t *kith_control_refuse(enum kith_err err, const char *text);
/* A fresh string in hexadecimal, of at most KITH_HASH_BYTES. */
json_t *kith_control_hex(const void *bytes, size_t len);
/* The request's "decision", an officer's, not verified. KITH_ERR_DENIED: there is none.
 * KITH_ERR_DATA: it is none. */
KITH_MUST_USE enum kith_err kith_control_decision(struct kith_officer_decision *out,
                                                  const json_t *request);

#endif
