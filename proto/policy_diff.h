/* Which terms of two policies differ, in words for people. */
#ifndef KITH_PROTO_POLICY_DIFF_H
#define KITH_PROTO_POLICY_DIFF_H

#include <jansson.h>

#include "proto/policy.h"

/* *out: [{"key", "what", "from", "to"}], empty where nothing differs; null where a term is on one
 * side only. "what" is the key in words, with the name of the element where there are several.
 * KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_policy_differences(json_t **out, const struct kith_policy *from,
                                                    const struct kith_policy *to);

#endif
