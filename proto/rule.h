/* The cohort rule: a small boolean language over services.
 *
 *   expr   = term { "or" term }       term = factor { "and" factor }
 *   factor = "not" factor | "(" expr ")" | service
 *            | "at least" N "of" "{" service { "," service } "}"
 *            | "at least" N "services" | "at least" N "service"
 *
 * At most 64 nodes and 8 levels. Services are members' ids. */
#ifndef KITH_PROTO_RULE_H
#define KITH_PROTO_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/limits.h"

struct kith_rule; /* opaque */

/* Services of the rule must be among `services`; KITH_ERR_CONFIG with *fault naming the column. */
KITH_MUST_USE enum kith_err kith_rule_parse(struct kith_rule **out, const char *text,
                                            const char (*services)[KITH_MEMBER_ID_BYTES],
                                            unsigned n_services, struct kith_fault *fault);
/* Bit i of `present`: the cluster has a record of services[i]. */
bool kith_rule_holds(const struct kith_rule *rule, uint32_t present);
void kith_rule_free(struct kith_rule *rule);

#endif
