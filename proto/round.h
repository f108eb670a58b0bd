/* The verified log of a round: what its members have said, in the matcher's order, checked one by
 * one, by agencies, matcher and command line alike. Pure: no store, no clock, no socket.
 *
 * Life: kith_round_log_new, kith_round_log_add for each statement in order, queries,
 * kith_round_log_free. What is added first must be the open statement. A statement that is refused
 * leaves the log as it was.
 *
 * Each author has one place for a type in an attempt (`destroyed`: one for each `what`, over all
 * attempts; open, consent, decision, release, close: one over all; abort: the first ends the
 * round; withdraw: one for each number). After a release only close, destroyed and, until it is
 * closed, withdraw are taken, after an abort only destroyed. */
#ifndef KITH_PROTO_ROUND_H
#define KITH_PROTO_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/hash.h"
#include "proto/charter.h"
#include "proto/policy.h"
#include "proto/statement.h"

/* One agency's place in the current attempt. Bodies are valid where the flag is set. */
struct kith_seat {
  kith_member_id member;
  bool invited;  /* in the open statement, not excluded by a retry */
  bool declined; /* over all attempts */
  bool joined;
  bool committed;
  bool opened;
  bool confirmed;
  bool intended;
  bool manifested;
  bool in_roster;
  struct kith_join join;
  struct kith_hash join_hash;
  uint8_t *join_bytes; /* owned by the log: the exact statement, for the roster's hash */
  size_t join_len;
  struct kith_commitment commitment;
  struct kith_opening opening;
  struct kith_confirmation confirmation;
  struct kith_intent intent;
  struct kith_manifest manifest;  /* its array is owned by the log */
  struct kith_hash manifest_hash; /* of the statement */
};

/* A record that its agency has taken out of the round (proto/withdrawal.h). */
struct kith_withdrawal {
  kith_member_id agency;
  int64_t time;
  bool after_release; /* a tombstone: a list may name the record */
  struct kith_withdraw said;
};

struct kith_round_view {
  kith_round_id round;
  uint32_t n_statements;
  struct kith_open open;
  struct kith_hash open_hash;
  kith_member_id governance; /* who opened it */
  int64_t opened_at;
  uint32_t attempt;
  unsigned n_seats; /* the open statement's agencies, in order of id */
  struct kith_seat seats[KITH_AGENCIES_MAX];
  bool has_roster;
  unsigned n_roster; /* seats with in_roster */
  struct kith_hash roster_hash;
  unsigned n_complaints; /* of the current attempt */
  struct {
    kith_member_id author;
    struct kith_complaint complaint;
  } complaints[KITH_AGENCIES_MAX];
  bool consented;
  struct kith_consent consent;
  bool decided; /* on the threshold */
  struct kith_threshold_decision decision;
  uint32_t n_withdrawals;
  struct kith_withdrawal *withdrawals; /* owned by the log; in the order of the statements */
  bool released;
  int64_t released_at;
  struct kith_release release;
  bool closed;
  int64_t closed_at;
  bool aborted;
  int64_t aborted_at;
  kith_member_id aborted_by;
  struct kith_ending abort;            /* reason and culprit */
  uint8_t destroyed[KITH_MEMBERS_MAX]; /* by index of the charter's member: bit (1 << what) */
};

struct kith_round_log;

KITH_MUST_USE enum kith_err kith_round_log_new(struct kith_round_log **out);
void kith_round_log_free(struct kith_round_log *log);

/* Checks and adds one statement; *parsed (may be NULL) is borrowed from the log until the next add.
 *   KITH_ERR_DATA    malformed, or another round's
 *   KITH_ERR_DENIED  the author is not a member, or not in the role that may say this
 *   KITH_ERR_NO      the signature is false
 *   KITH_ERR_EXISTS  the same bytes are in this place: nothing is added
 *   KITH_ERR_FULL    other bytes are in this place: a conflict
 *   KITH_ERR_NOT_FOUND  it refers to something (roster, join, open, attempt) that is not there or
 *                    not the current one
 *   KITH_ERR_LIMIT   too many statements, or a time further ahead of `now` than KITH_CLOCK_SKEW_S
 *                    (now 0: the time is not looked at, for what is read back from one's own store)
 * Always with *fault. */
KITH_MUST_USE enum kith_err kith_round_log_add(struct kith_round_log *log,
                                               const struct kith_charter *charter,
                                               const void *bytes, size_t len, int64_t now,
                                               const struct kith_statement **parsed,
                                               struct kith_fault *fault);

const struct kith_round_view *kith_round_log_view(const struct kith_round_log *log);

/* NULL where the member has no seat. */
const struct kith_seat *kith_round_seat(const struct kith_round_view *view, const char *member);

/* How far the current attempt is: what every seat of the roster has done. */
enum kith_round_step {
  KITH_STEP_GATHER,  /* no roster yet */
  KITH_STEP_COMMIT,  /* commitments missing */
  KITH_STEP_OPEN,    /* openings missing */
  KITH_STEP_CONFIRM, /* confirmations missing */
  KITH_STEP_INTEND,  /* intents missing */
  KITH_STEP_SUBMIT,  /* manifests missing */
  KITH_STEP_MATCH,   /* all manifests there */
  KITH_STEP_RELEASED,
  KITH_STEP_CLOSED,
  KITH_STEP_ABORTED
};
enum kith_round_step kith_round_step(const struct kith_round_view *view);

/* How many agencies are in the roster; 0: there is none yet. */
unsigned kith_round_roster_size(const struct kith_round_view *view);
/* Whether the open statement keeps within its charter and its policy: everybody invited is in both,
 * in that role, and the quorum is no lower than the policy's. KITH_ERR_DENIED if not. */
KITH_MUST_USE enum kith_err kith_round_check_open(const struct kith_open *open,
                                                  const struct kith_charter *charter,
                                                  const struct kith_policy *policy);

/* Whether the round counts towards a policy's rounds_max: records of the member (of anybody, where
 * it is NULL) were announced in it, or may still be. One that ended before asked nobody anything.
 */
bool kith_round_counts(const struct kith_round_view *view, const char *member);
/* Whether a round that was opened then lies in the policy's period at `now`. */
bool kith_round_in_period(const struct kith_policy *policy, int64_t opened_at, int64_t now);

/* Whether the roster's joins (without a roster yet: all joins so far) name the documents of the
 * open statement and one standardiser. KITH_OK, or KITH_ERR_NO with the reason and the culprit: the
 * first whose documents differ from the open statement's; the one whose standardiser differs from
 * that of all the others (empty where there is no such one). */
KITH_MUST_USE enum kith_err kith_round_check_joins(const struct kith_round_view *view,
                                                   enum kith_reason *reason,
                                                   kith_member_id culprit);

/* Opens the accused's copy for the complainer with the key that the complaint gives away: sets
 * *reason and culprit to the accused (bad opening) or the complainer (false complaint).
 * KITH_ERR_DATA where the complaint names nobody of the roster or comes before the accused's
 * opening. */
KITH_MUST_USE enum kith_err kith_round_judge(const struct kith_round_view *view,
                                             const char *complainer,
                                             const struct kith_complaint *complaint,
                                             enum kith_reason *reason, kith_member_id culprit);

#endif
