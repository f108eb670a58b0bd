/* The charter: who takes part, in which role, with which keys; signed by the governance keys.
 *
 *   { "kith": "charter", "format": 1, "name": "...", "version": 1,
 *     "valid_from": "2026-01-01T00:00:00Z", "expires": "...",
 *     "governance": { "threshold": 1, "keys": ["BASE64", ...] },
 *     "matcher_address": "tcp://192.0.2.1:7420",
 *     "members": [ { "id": "police", "name": "...", "role": "agency", "kind": "police",
 *                    "sign": "BASE64", "seal": "BASE64", "curve": "BASE64" }, ... ] }
 *
 * A member's card (the file that `kith setup` writes for the governance lead) is one such member
 * object with "kith": "member", "format": 1. */
#ifndef KITH_PROTO_CHARTER_H
#define KITH_PROTO_CHARTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/identity.h"
#include "proto/limits.h"
#include "proto/signed.h"

enum kith_role {
  KITH_ROLE_AGENCY = 1,
  KITH_ROLE_MATCHER,
  KITH_ROLE_RECIPIENT,
  KITH_ROLE_GOVERNANCE
};

/* What an agency is in law: the gateways that it may rest on differ. */
enum kith_agency_kind {
  KITH_KIND_NONE = 0, /* not an agency */
  KITH_KIND_POLICE,
  KITH_KIND_YOUTH_JUSTICE,
  KITH_KIND_PROBATION,
  KITH_KIND_CHILDRENS_SERVICES,
  KITH_KIND_EDUCATION,
  KITH_KIND_HEALTH,
  KITH_KIND_FIRE,
  KITH_KIND_PRISON,
  KITH_KIND_CHARITY,
  KITH_KIND_OTHER
};

enum { KITH_NAME_BYTES = 128, KITH_ADDRESS_BYTES = 128 };

struct kith_member {
  char id[KITH_MEMBER_ID_BYTES];
  char name[KITH_NAME_BYTES];
  enum kith_role role;
  enum kith_agency_kind kind;
  struct kith_public keys;
};

struct kith_charter {
  char name[KITH_NAME_BYTES];
  uint64_t version;
  int64_t valid_from;
  int64_t expires;
  struct kith_signers governance;
  char matcher_address[KITH_ADDRESS_BYTES];
  unsigned n_members;
  struct kith_member members[KITH_MEMBERS_MAX]; /* ids, and keys of a kind, all different */
};

/* Exactly one matcher, no weak or equal keys, strict JSON. `name` goes into the fault. */
KITH_MUST_USE enum kith_err kith_charter_parse(struct kith_charter *out, const void *bytes,
                                               size_t len, const char *name,
                                               struct kith_fault *fault);
/* The same for a charter in the making, which may still lack its matcher. */
KITH_MUST_USE enum kith_err kith_charter_parse_draft(struct kith_charter *out, const void *bytes,
                                                     size_t len, const char *name,
                                                     struct kith_fault *fault);
/* Canonical JSON text: two-space indents, keys in the order above, a newline at the end. */
KITH_MUST_USE enum kith_err kith_charter_print(struct kith_buf *out,
                                               const struct kith_charter *charter);
KITH_MUST_USE enum kith_err kith_member_parse(struct kith_member *out, const void *bytes,
                                              size_t len, const char *name,
                                              struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_member_print(struct kith_buf *out,
                                              const struct kith_member *member);

/* NULL where there is none. */
const struct kith_member *kith_charter_member(const struct kith_charter *charter, const char *id);
const struct kith_member *kith_charter_by_curve(const struct kith_charter *charter,
                                                const uint8_t curve[KITH_PUBLIC_BYTES]);
const struct kith_member *kith_charter_matcher(const struct kith_charter *charter);

/* Verifies against the pinned signers (at the first installation) or, where `current` is not
 * NULL, against current's governance keys and, if the new one replaces them, against its own as
 * well; a version at or below current's with other bytes is KITH_ERR_DENIED, expired or not yet
 * valid at `now` is KITH_ERR_DENIED. Parses only after the signatures hold. */
KITH_MUST_USE enum kith_err kith_charter_accept(struct kith_charter *out,
                                                const struct kith_signed *document,
                                                const struct kith_signers *pinned,
                                                const struct kith_charter *current, int64_t now,
                                                struct kith_fault *fault);

const char *kith_role_name(enum kith_role role);
const char *kith_agency_kind_name(enum kith_agency_kind kind);
KITH_MUST_USE enum kith_err kith_role_parse(enum kith_role *out, const char *name);
KITH_MUST_USE enum kith_err kith_agency_kind_parse(enum kith_agency_kind *out, const char *name);

#endif
