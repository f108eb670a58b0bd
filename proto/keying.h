/* The computations of the round secret (docs/protocol.md, section 5). Pure: bytes in, bytes out;
 * who said what, and when, is the caller's.
 *
 * Everything is bound to the roster's hash, which covers the round, the attempt, the documents and
 * every join: what was said in one roster is refused in another. */
#ifndef KITH_PROTO_KEYING_H
#define KITH_PROTO_KEYING_H

#include <stdint.h>

#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "proto/statement.h"

struct kith_roster_join {
  const char *member;   /* its author */
  const uint8_t *bytes; /* the exact statement */
  size_t len;
};

/* Joins in strictly ascending order of member id, 1 .. KITH_AGENCIES_MAX; KITH_ERR_DATA otherwise.
 */
KITH_MUST_USE enum kith_err kith_roster_hash(struct kith_hash *out, const kith_round_id round,
                                             uint32_t attempt, const struct kith_hash *charter,
                                             const struct kith_hash *policy,
                                             const struct kith_hash *open,
                                             const struct kith_roster_join *joins, unsigned n);

/* A contribution is a secret of KITH_CONTRIBUTION_BYTES. */
void kith_commitment(struct kith_hash *out, const struct kith_hash *roster, const char *member,
                     const struct kith_secret *contribution);

/* The author's copy for one member, sealed to that member's round key. KITH_ERR_NO: a round key of
 * small order. */
KITH_MUST_USE enum kith_err kith_contribution_seal(uint8_t out[KITH_SEALED_CONTRIBUTION_BYTES],
                                                   const uint8_t round_key[KITH_SEAL_KEY_BYTES],
                                                   const struct kith_hash *roster,
                                                   const char *author, const char *member,
                                                   const struct kith_secret *contribution);
/* Opens the author's copy for `member` and holds it against the author's commitment. KITH_ERR_NO:
 * not sealed to this key, roster, author and member, or not what was committed to. */
KITH_MUST_USE enum kith_err
kith_contribution_open(struct kith_secret **out, const struct kith_secret *round_secret_key,
                       const struct kith_hash *roster, const char *author, const char *member,
                       const uint8_t sealed[KITH_SEALED_CONTRIBUTION_BYTES],
                       const struct kith_hash *commitment);

struct kith_contribution {
  const char *member;
  const struct kith_secret *bytes;
};

/* The round secret, 32 bytes. Contributions in strictly ascending order of member id, 1 ..
 * KITH_AGENCIES_MAX; KITH_ERR_DATA otherwise. */
KITH_MUST_USE enum kith_err kith_round_secret(struct kith_secret **out,
                                              const struct kith_hash *roster,
                                              const struct kith_contribution *contributions,
                                              unsigned n);

/* What the round secret gives: HKDF(salt = roster hash, ikm = round secret, info = label), 32
 * bytes. The linkage secret is what field keys are made of. */
KITH_MUST_USE enum kith_err kith_linkage_secret(struct kith_secret **out,
                                                const struct kith_hash *roster,
                                                const struct kith_secret *round_secret);
KITH_MUST_USE enum kith_err kith_confirmation_key(struct kith_secret **out,
                                                  const struct kith_hash *roster,
                                                  const struct kith_secret *round_secret);

enum { KITH_CONFIRMATION_BYTES = 32 };
KITH_MUST_USE enum kith_err kith_confirmation_mac(uint8_t out[KITH_CONFIRMATION_BYTES],
                                                  const struct kith_secret *confirmation_key,
                                                  const struct kith_hash *roster,
                                                  const char *member);
/* KITH_ERR_NO where the mac is not this member's in this roster under this key. */
KITH_MUST_USE enum kith_err kith_confirmation_check(const uint8_t mac[KITH_CONFIRMATION_BYTES],
                                                    const struct kith_secret *confirmation_key,
                                                    const struct kith_hash *roster,
                                                    const char *member);

#endif
