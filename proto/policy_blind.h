/* The part of a policy that says how blind comparison is done: "linkage" under "protection":
 * "blind", instead of filters and bounds (docs/blind.md, docs/man/kith-policy.5).
 *
 *   "blind": { "occurrences": 1,
 *              "match_keys": [ ["birth", "initials"], ["birth", "given_form"], ... ],
 *              "fields": [ { "field": "given_name", "q": 2, "bits": 64, "weight": 2 }, ... ] } */
#ifndef KITH_PROTO_POLICY_BLIND_H
#define KITH_PROTO_POLICY_BLIND_H

#include "crypto/blind_layout.h"
#include "crypto/hash.h"
#include "proto/policy.h"

/* "birth", ..., static; NULL beyond the last. */
const char *kith_blind_part_name(unsigned part);

/* Whether a match key asks for the part. */
bool kith_policy_blind_asks(const struct kith_policy *policy, enum kith_blind_part part);

/* Sets protection and the section to kith's default; what only filters have is emptied. */
void kith_policy_default_blind(struct kith_policy *policy);

/* Where the parts of a row are, under this policy. */
void kith_policy_blind_layout(struct kith_blind_layout *out, const struct kith_policy *policy);
/* What two sides must agree on: standardiser and section. */
KITH_MUST_USE enum kith_err kith_policy_blind_hash(struct kith_hash *out,
                                                   const struct kith_policy *policy);

#endif
