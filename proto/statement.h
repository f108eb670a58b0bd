/* Statements: what members say in a round, signed by their authors (docs/protocol.md, section 4).
 * Each type's writer and reader stand side by side in proto/statement_body.c. */
#ifndef KITH_PROTO_STATEMENT_H
#define KITH_PROTO_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "crypto/roundkey.h"
#include "crypto/seal.h"
#include "proto/limits.h"
#include "proto/signed.h"
#include "proto/wire.h"

enum kith_statement_type {
  KITH_STATEMENT_OPEN = 1,
  KITH_STATEMENT_JOIN,
  KITH_STATEMENT_DECLINE,
  KITH_STATEMENT_ROSTER,
  KITH_STATEMENT_COMMITMENT,
  KITH_STATEMENT_OPENING,
  KITH_STATEMENT_CONFIRMATION,
  KITH_STATEMENT_COMPLAINT,
  KITH_STATEMENT_INTENT,
  KITH_STATEMENT_MANIFEST,
  KITH_STATEMENT_CONSENT,
  KITH_STATEMENT_RELEASE,
  KITH_STATEMENT_DESTROYED,
  KITH_STATEMENT_RETRY,
  KITH_STATEMENT_CLOSE,
  KITH_STATEMENT_ABORT,
  KITH_STATEMENT_DECISION,
  KITH_STATEMENT_WITHDRAW,
  KITH_STATEMENT_TYPES
};

enum kith_reason {
  KITH_REASON_GOVERNANCE = 1,
  KITH_REASON_NO_QUORUM,
  KITH_REASON_DOCUMENTS_DIFFER,
  KITH_REASON_STANDARDISERS_DIFFER,
  KITH_REASON_BAD_OPENING,
  KITH_REASON_FALSE_COMPLAINT,
  KITH_REASON_BAD_CONFIRMATION,
  KITH_REASON_CONFLICT,
  KITH_REASON_TOO_FEW_RECORDS,
  KITH_REASON_MEMBER_REMOVED,
  KITH_REASON_POLICY_EXPIRED,
  KITH_REASON_RETENTION_ENDED,
  KITH_REASON_INTERNAL,
  KITH_REASON_OFFICER,
  KITH_REASON_DATA_QUALITY,
  KITH_REASON_NO_DECISION,
  KITH_REASON_BAD_SUBMISSION,
  KITH_REASONS
};

enum kith_destroyed {
  KITH_DESTROYED_ROUND_KEYS = 1,
  KITH_DESTROYED_SECRET,
  KITH_DESTROYED_ENCODINGS,
  KITH_DESTROYED_ALL
};

enum kith_withdraw_reason {
  KITH_WITHDRAW_OBJECTION = 1, /* the person has objected */
  KITH_WITHDRAW_ERASURE,       /* the agency had to erase the record */
  KITH_WITHDRAW_ERROR,         /* the record is wrong, or of somebody else */
  KITH_WITHDRAW_OTHER,
  KITH_WITHDRAW_REASONS
};

typedef uint8_t kith_round_id[KITH_ROUND_ID_BYTES];
typedef char kith_member_id[KITH_MEMBER_ID_BYTES];

struct kith_open {
  struct kith_hash charter;
  struct kith_hash policy;
  unsigned n_agencies; /* 2 .. KITH_AGENCIES_MAX, in ascending order of id, all different */
  kith_member_id agencies[KITH_AGENCIES_MAX];
  unsigned n_recipients; /* 1 .. */
  kith_member_id recipients[KITH_RECIPIENTS_MAX];
  unsigned quorum; /* 2 .. n_agencies */
  uint32_t gather_s;
  uint32_t keying_s;
  uint32_t submit_s;
  int64_t expires;
};

struct kith_join {
  struct kith_hash open;
  struct kith_hash charter;
  struct kith_hash policy;
  struct kith_hash standardiser;
  uint8_t round_key[KITH_SEAL_KEY_BYTES];
};

struct kith_roster {
  unsigned n;
  struct kith_hash joins[KITH_AGENCIES_MAX];
};

struct kith_commitment {
  struct kith_hash roster;
  struct kith_hash commitment;
};

enum { KITH_CONTRIBUTION_BYTES = 32, KITH_SEALED_CONTRIBUTION_BYTES = 32 + KITH_SEAL_OVERHEAD };

struct kith_opening {
  struct kith_hash roster;
  struct kith_hash commitment;
  unsigned n;
  struct {
    kith_member_id member;
    uint8_t sealed[KITH_SEALED_CONTRIBUTION_BYTES];
  } copies[KITH_AGENCIES_MAX];
};

struct kith_confirmation {
  struct kith_hash roster;
  uint8_t mac[32];
  struct kith_hash charter;
  struct kith_hash policy;
  struct kith_hash standardiser;
  /* Under blind comparison: one for each other agency, by id, under the key of the two. */
  unsigned n_pairs;
  struct {
    kith_member_id member;
    uint8_t mac[32];
  } pairs[KITH_AGENCIES_MAX];
};

struct kith_complaint {
  struct kith_hash roster;
  kith_member_id accused;
  uint8_t round_secret_key[KITH_SEAL_KEY_BYTES];
};

struct kith_intent {
  struct kith_hash roster;
  uint32_t n_records;
  uint32_t n_batches;
  uint32_t row_bytes;
};

struct kith_manifest {
  struct kith_hash roster;
  uint32_t n_records;
  uint32_t n_batches;
  struct kith_hash *batches; /* owned */
  struct kith_hash root;
};

struct kith_consent {
  struct kith_hash roster;
  unsigned n;
  kith_member_id agencies[KITH_AGENCIES_MAX];
};

/* Governance's, in review: the threshold, and the numbers that it was chosen from. */
struct kith_threshold_decision {
  struct kith_hash roster;
  struct kith_hash review; /* of the bytes: proto/review.h */
  uint32_t threshold;      /* ppm, 1 .. 999999 */
};

/* An agency takes a record of its own out of the round. */
struct kith_withdraw {
  struct kith_hash roster;
  uint32_t number; /* the agency's withdrawals of the round count from 1, to KITH_WITHDRAWALS_MAX */
  enum kith_withdraw_reason reason;
  struct kith_hash index; /* of the record: proto/withdrawal.h */
};

struct kith_release {
  struct kith_hash roster;
  struct kith_hash charter;
  struct kith_hash policy;
  char threshold[32]; /* the match probability that decided, as a decimal */
  unsigned n_manifests;
  struct {
    kith_member_id agency;
    struct kith_hash manifest; /* of the manifest statement */
  } manifests[KITH_AGENCIES_MAX];
  unsigned n_lists;
  struct {
    kith_member_id recipient;
    struct kith_hash list;
  } lists[KITH_RECIPIENTS_MAX];
  struct kith_hash leaf_root;
};

struct kith_destruction {
  enum kith_destroyed what;
  uint64_t audit_seq;
  struct kith_hash audit_head;
};

struct kith_retry {
  uint32_t attempt; /* the next one */
  unsigned n_excluded;
  kith_member_id excluded[KITH_AGENCIES_MAX];
  enum kith_reason reason;
};

struct kith_ending {     /* decline, close and abort */
  struct kith_hash open; /* decline only */
  enum kith_reason reason;
  kith_member_id culprit; /* abort only; empty where unknown */
};

struct kith_statement {
  enum kith_statement_type type;
  kith_round_id round;
  uint32_t attempt; /* 1 .. KITH_ATTEMPTS_MAX; open, close, abort: 1 or the current one */
  kith_member_id author;
  int64_t time;
  union {
    struct kith_open open;
    struct kith_join join;
    struct kith_roster roster;
    struct kith_commitment commitment;
    struct kith_opening opening;
    struct kith_confirmation confirmation;
    struct kith_complaint complaint;
    struct kith_intent intent;
    struct kith_manifest manifest;
    struct kith_consent consent;
    struct kith_release release;
    struct kith_threshold_decision decision;
    struct kith_withdraw withdraw;
    struct kith_destruction destroyed;
    struct kith_retry retry;
    struct kith_ending ending; /* decline, close, abort */
  } body;
};

/* A statement's bytes, taken apart: [core, signature], or [core, signature, endorsements]. */
struct kith_statement_parts {
  const uint8_t *core; /* borrowed from the bytes, as the signature */
  size_t core_len;
  const uint8_t *signature;
  unsigned n_endorsements; /* 0, but for what governance says jointly: proto/endorsement.h */
  struct kith_signature endorsements[KITH_GOVERNANCE_KEYS_MAX]; /* keys ascending, different */
};
/* Reads the outer array strictly; the core is not looked into. KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_statement_split(struct kith_statement_parts *out,
                                                 const void *bytes, size_t len);
/* The other way round: writes the parts to `out` (cleared first). */
KITH_MUST_USE enum kith_err kith_statement_join(struct kith_buf *out,
                                                const struct kith_statement_parts *parts);

/* Writes [core, signature] to `out` (cleared first). `statement->author` must be the identity's. */
KITH_MUST_USE enum kith_err kith_statement_write(struct kith_buf *out,
                                                 const struct kith_statement *statement,
                                                 const struct kith_identity *identity);

/* Reads the core strictly, without trusting it: `out` is set but nothing is verified yet. Free with
 * kith_statement_free. KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_statement_read(struct kith_statement *out, const void *bytes,
                                                size_t len);
/* The signature over the same bytes, by the author's key. KITH_ERR_NO. */
KITH_MUST_USE enum kith_err kith_statement_verify(const void *bytes, size_t len,
                                                  const uint8_t sign_key[KITH_PUBLIC_BYTES]);
void kith_statement_free(struct kith_statement *statement);

void kith_statement_hash(struct kith_hash *out, const void *bytes, size_t len);

/* "join", "bad opening", ... : static, for people and logs. */
const char *kith_statement_name(enum kith_statement_type type);
const char *kith_reason_name(enum kith_reason reason);
const char *kith_destroyed_name(enum kith_destroyed what);

#endif
