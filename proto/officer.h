/* Officers: the people who decide for a member, each with a key of their own.
 *
 * The list of a member's officers, signed by the member's identity over its exact bytes
 * ("kith officers v1"), accepted in rising versions only:
 *
 *   { "kith": "officers", "format": 1, "member": "police", "version": 3,
 *     "officers": [ { "id": "officer_1", "role": "data officer", "key": "BASE64",
 *                     "valid_from": "2026-11-23T10:05:01Z", "expires": "..." }, ... ] }
 *
 * An id is the member's own choice of [a-z0-9_]{1,32}, and no name: it is in audit logs. Ids and
 * keys are all different, so two officers are two keys. An officer's card, which goes from the
 * officer to who keeps the list, is {"kith": "officer", "format": 1, "id", "role", "key"}.
 *
 * A decision is what an officer signs ("kith officer decision v1"):
 *
 *   decision  [core bin, signature bin64]
 *   core      [version=1, kind, member, round bin16, subject bin32, key bin32, time, reason]
 *
 * subject is H("kith officer text v1", the exact bytes that the officer was shown), or another hash
 * of what is decided: of a request, of a record. All of it stays at the member; what leaves is the
 * member's own statement. */
#ifndef KITH_PROTO_OFFICER_H
#define KITH_PROTO_OFFICER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "proto/limits.h"
#include "proto/signed.h"
#include "proto/statement.h"

enum { KITH_ROLE_WORDS_BYTES = 128, KITH_OFFICER_REASON_MAX = 65535 };

/* ---- who may decide */

struct kith_officer {
  char id[KITH_MEMBER_ID_BYTES];
  char role[KITH_ROLE_WORDS_BYTES]; /* what they are, not who; empty only where not said */
  uint8_t key[KITH_PUBLIC_BYTES];   /* Ed25519 */
  int64_t valid_from;               /* both 0 on a card */
  int64_t expires;
};

struct kith_officers {
  char member[KITH_MEMBER_ID_BYTES];
  uint64_t version; /* from 1; 0: there is no list */
  unsigned n;
  struct kith_officer officers[KITH_OFFICERS_MAX];
};

/* Strict JSON; no weak key, no id and no key twice. `name` goes into the fault. */
KITH_MUST_USE enum kith_err kith_officers_parse(struct kith_officers *out, const void *bytes,
                                                size_t len, const char *name,
                                                struct kith_fault *fault);
/* Canonical JSON text, as of a charter. */
KITH_MUST_USE enum kith_err kith_officers_print(struct kith_buf *out,
                                                const struct kith_officers *officers);
KITH_MUST_USE enum kith_err kith_officer_card_parse(struct kith_officer *out, const void *bytes,
                                                    size_t len, const char *name,
                                                    struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_officer_card_print(struct kith_buf *out,
                                                    const struct kith_officer *officer);

/* Prints and signs the list with the member's identity (kith_signed_free). */
KITH_MUST_USE enum kith_err kith_officers_sign(struct kith_signed *out,
                                               const struct kith_officers *officers,
                                               const struct kith_identity *identity);
/* Verifies that `sign_key`, the member's own, has signed, then parses. KITH_ERR_DENIED: another
 * member's list, the member's own key as an officer's, or no higher version than `current` (NULL:
 * none is held). KITH_ERR_EXISTS: the version held, byte for byte, if `current_hash` is its hash.
 */
KITH_MUST_USE enum kith_err
kith_officers_accept(struct kith_officers *out, const struct kith_signed *document,
                     const char *member, const uint8_t sign_key[KITH_PUBLIC_BYTES],
                     const struct kith_officers *current, const struct kith_hash *current_hash,
                     struct kith_fault *fault);

/* NULL where there is none. */
const struct kith_officer *kith_officer_by_id(const struct kith_officers *officers, const char *id);
const struct kith_officer *kith_officer_by_key(const struct kith_officers *officers,
                                               const uint8_t key[KITH_PUBLIC_BYTES]);

/* H("kith officer key v1", key): what audit logs have; the fingerprint is its first 160 bits. */
void kith_officer_key_hash(struct kith_hash *out, const uint8_t key[KITH_PUBLIC_BYTES]);
void kith_officer_fingerprint(char out[KITH_FINGERPRINT_BYTES],
                              const uint8_t key[KITH_PUBLIC_BYTES]);

/* ---- what they decide */

/* Numbers are in signatures: new ones go to the end. */
enum kith_officer_kind {
  KITH_OFFICER_JOIN = 1, /* a round */
  KITH_OFFICER_DECLINE,
  KITH_OFFICER_APPROVE, /* a disclosure */
  KITH_OFFICER_REFUSE,
  KITH_OFFICER_WITHDRAW, /* a record */
  KITH_OFFICER_KINDS
};

/* Why a round is declined. Of other kinds, codes are of those who ask. */
enum kith_officer_reason {
  KITH_OFFICER_REASON_NONE,
  KITH_OFFICER_REASON_PURPOSE, /* not one that this agency serves */
  KITH_OFFICER_REASON_GATEWAY, /* no law that lets it */
  KITH_OFFICER_REASON_SCOPE,   /* more people or fields than are needed */
  KITH_OFFICER_REASON_DATA,    /* the source is not fit */
  KITH_OFFICER_REASON_OTHER,
  KITH_OFFICER_REASONS
};

/* What a decision is about. */
struct kith_officer_question {
  const char *member; /* borrowed */
  kith_round_id round;
  enum kith_officer_kind kind;
  struct kith_hash subject;
};

struct kith_officer_decision {
  enum kith_officer_kind kind;
  kith_member_id member;
  kith_round_id round;
  struct kith_hash subject;
  uint8_t key[KITH_PUBLIC_BYTES]; /* the officer's */
  int64_t time;
  uint32_t reason; /* a code of the kind's; 0: none is given */
  uint8_t signature[KITH_SIGN_BYTES];
};

/* How old a decision may be when it is handed in. */
enum { KITH_OFFICER_AGE_MAX_S = 3600, KITH_OFFICER_DECISION_BYTES_MAX = 512 };

/* H("kith officer text v1", text): the subject of a decision on what was shown. */
void kith_officer_subject(struct kith_hash *out, const void *text, size_t len);

/* Fills the whole decision and signs it with the officer's key file. */
KITH_MUST_USE enum kith_err kith_officer_decide(struct kith_officer_decision *out,
                                                const struct kith_officer_question *question,
                                                int64_t time, uint32_t reason,
                                                const struct kith_identity *officer);
void kith_officer_decision_write(struct kith_buf *buf,
                                 const struct kith_officer_decision *decision);
/* Strict, without trusting it. KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_officer_decision_read(struct kith_officer_decision *out,
                                                       const void *bytes, size_t len);

/* That an officer of the list made this decision on this question: *out (may be NULL) is then
 * theirs, of the list. KITH_ERR_DENIED with *fault: of another member, round, kind or subject, a
 * key that the list does not have or that was not valid at the decision's time, a false signature.
 * When it was made is looked at only by kith_officer_decision_fresh. */
KITH_MUST_USE enum kith_err kith_officer_decision_verify(
    const struct kith_officer **out, const struct kith_officer_decision *decision,
    const struct kith_officers *officers, const struct kith_officer_question *question,
    struct kith_fault *fault);
/* KITH_ERR_DENIED: made more than KITH_OFFICER_AGE_MAX_S before now, or in the future by more than
 * clocks may differ. */
KITH_MUST_USE enum kith_err
kith_officer_decision_fresh(const struct kith_officer_decision *decision, int64_t now,
                            struct kith_fault *fault);

/* How many different keys of the list have decided this question so. A decision that does not
 * verify, by a key that the list has lost since for one, counts nothing; one key counts once. */
unsigned kith_officer_decisions_count(const struct kith_officers *officers,
                                      const struct kith_officer_question *question,
                                      const struct kith_officer_decision *decisions, unsigned n);
/* Whether at least `needed` (and one) have. */
bool kith_officer_decisions_satisfy(const struct kith_officers *officers,
                                    const struct kith_officer_question *question,
                                    const struct kith_officer_decision *decisions, unsigned n,
                                    unsigned needed);

/* "join", ...; static, "unknown" for none. */
const char *kith_officer_kind_name(enum kith_officer_kind kind);
/* "purpose", ...; "none" for 0, "unknown" for what is none. */
const char *kith_officer_reason_name(unsigned reason);
/* But for "none". KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_officer_reason_parse(enum kith_officer_reason *out,
                                                      const char *name);

#endif
