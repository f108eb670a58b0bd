/* The agency's service: one thread that owns the store and the connection to the matcher, looks
 * after the rounds, and answers officers on the control socket while it waits; and one that
 * encodes.
 *
 * The agency asks; the matcher never calls. In each turn the agency takes the statements it has not
 * seen, verifies them itself, and does what the round's log says is its to do. Whatever it says is
 * kept before it is sent, so that after a kill the same bytes are said again. */
#ifndef KITH_DAEMON_SERVICE_AGENCY_H
#define KITH_DAEMON_SERVICE_AGENCY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "daemon/service/config.h"
#include "proto/daemon_main.h"
#include "proto/message.h"
#include "proto/node.h"
#include "proto/officer.h"
#include "proto/submission.h"
#include "proto/transport.h"

enum kith_agency_table {
  KITH_TABLE_OUTBOX = KITH_NODE_TABLES, /* round, number BE -> rows, boxed under "outbox" */
  KITH_TABLE_HANDLES,                   /* round, index of a handle -> entry (proto/submission.h) */
  KITH_TABLE_TRIAL,       /* trial rounds: the same key -> handle, id; under "table" */
  KITH_TABLE_SUBJECTS,    /* round, number BE -> who was encoded (subjects.h) */
  KITH_TABLE_OFFICERS,    /* version BE -> signed list of officers (officers.h) */
  KITH_TABLE_DECISIONS,   /* round, number BE -> an officer's decision, and what was shown */
  KITH_TABLE_DISCLOSURES, /* round, ... (disclosure_store.c) */
  KITH_TABLE_NOTICES,     /* round, event -> how far people were told (notices.c) */
  KITH_TABLE_WITHDRAWALS, /* round, number BE -> a record taken out of it (withdraw.h) */
  KITH_TABLE_PEOPLE,      /* under blind: from a record to its person's handle (people.h) */
  KITH_AGENCY_TABLES_END
};

enum kith_decision { KITH_DECISION_NONE, KITH_DECISION_JOIN, KITH_DECISION_DECLINE };

enum { KITH_PROBLEM_BYTES = 256, KITH_ROUND_DECISIONS_MAX = 64 + KITH_WITHDRAWALS_MAX };

/* An officer's decision as it was taken. */
struct kith_kept_decision {
  struct kith_officer_decision decision;
  char officer[KITH_MEMBER_ID_BYTES]; /* their id on the list at that time */
};

/* A record that an officer has withdrawn. */
struct kith_kept_withdrawal {
  struct kith_hash index;
  enum kith_withdraw_reason reason;
};

struct kith_agency_round {
  struct kith_node_round *node;
  struct kith_policy policy;
  /* What is kept of it: */
  enum kith_decision decision;
  bool verified; /* every confirmation of the attempt below held */
  uint32_t verified_attempt;
  bool outbox_ready; /* all rows are in the outbox */
  uint32_t n_records;
  uint64_t n_duplicates; /* under blind: records found to be of people that others stand for */
  bool finished;         /* everything is destroyed, and the matcher has our statement of it */
  uint64_t n_in_scope;   /* records, as officers are told; valid where counted_at is set */
  int64_t counted_at;
  /* Kept apart from it: */
  unsigned n_decisions;
  struct kith_kept_decision *decisions; /* owned; in the order of their coming */
  unsigned n_withdrawals;
  struct kith_kept_withdrawal *withdrawals; /* owned; that with number 1 first */
  bool expired; /* in this process: destroyed because its time was over */
  /* What the matcher says, for people only: */
  enum kith_round_state state;
  int64_t deadline;
  uint32_t progress;
  int64_t count_again_ms;  /* monotonic: after a count that failed, none is made before */
  int64_t source_again_ms; /* monotonic: a source that was refused is not read again before */
  char problem[KITH_PROBLEM_BYTES]; /* what stands in the way here; empty: nothing */
};

/* The notice that is being given, or was last (notices.h). */
struct kith_notice {
  pid_t pid; /* 0: nothing runs */
  unsigned event;
  kith_round_id round;
  int64_t mark;
  int64_t until_ms; /* monotonic: it is ended then */
  int64_t again_ms; /* monotonic: after a failure, none is given before */
};

struct kith_encode_job;
struct kith_control;

struct kith_agency {
  struct kith_agency_config config;
  struct kith_node *node;
  struct kith_client *client;
  struct kith_control *control;
  struct kith_encode_job *job;   /* NULL: none runs */
  struct kith_officers officers; /* in force; version 0: there is no list */
  struct kith_hash officers_hash;
  unsigned n_rounds;
  struct kith_agency_round **rounds; /* owned */
  bool connected;                    /* the matcher answered the latest request */
  int64_t last_answer;
  int64_t subjects_next; /* when logs of encoded people are looked through again (subjects.h) */
  bool job_noticed;      /* the job's end has cut a wait short: once is enough */
  bool wake;             /* an officer has decided: don't wait for the next turn */
  struct kith_notice notice;
  const char *cosign_warned; /* static: why logs are not cosigned, as it was last logged; NULL */
  const volatile int *stop;
  void (*alive)(void);
};

KITH_MUST_USE enum kith_err kith_agency_new(struct kith_agency **out, const char *config_path,
                                            struct kith_fault *fault);
void kith_agency_free(struct kith_agency *agency);
KITH_MUST_USE enum kith_err kith_agency_run(struct kith_agency *agency, const volatile int *stop,
                                            const struct kith_daemon_hooks *hooks,
                                            struct kith_fault *fault);

/* ---- exchange.c: one request and its reply; officers are answered meanwhile */

/* KITH_ERR_TIMEOUT: no answer. KITH_ERR_CANCELLED: the daemon is to stop. A refusal is KITH_OK with
 * reply->error set. kith_reply_free(out) after use; it borrows until the next exchange. */
KITH_MUST_USE enum kith_err kith_agency_exchange(struct kith_agency *agency, struct kith_reply *out,
                                                 struct kith_request *request);
/* Serves officers until the time is up, the job is done or somebody wakes us. */
KITH_MUST_USE enum kith_err kith_agency_wait(struct kith_agency *agency, int timeout_ms);
/* Keeps and sends a statement of our own. *reply: what the matcher said to it. */
KITH_MUST_USE enum kith_err kith_agency_post(struct kith_agency *agency,
                                             struct kith_agency_round *round,
                                             struct kith_statement *statement);
/* The same for "abort". */
KITH_MUST_USE enum kith_err kith_agency_post_abort(struct kith_agency *agency,
                                                   struct kith_agency_round *round,
                                                   enum kith_reason reason, const char *culprit);

/* In long work: what watches the process is told that it lives. The second is for waits of others'
 * (context: the agency), which go on. */
void kith_agency_alive(const struct kith_agency *agency);
bool kith_agency_alive_waiting(void *context);

/* ---- cosign.c */
/* Has the matcher's log and ours cosigned as far as they have grown. What keeps that from being
 * done is logged, and stops nothing. */
KITH_MUST_USE enum kith_err kith_agency_cosign(struct kith_agency *agency);

/* ---- rounds.c */

KITH_MUST_USE enum kith_err kith_agency_rounds_load(struct kith_agency *agency,
                                                    struct kith_fault *fault);
void kith_agency_rounds_free(struct kith_agency *agency);
struct kith_agency_round *kith_agency_round_find(struct kith_agency *agency,
                                                 const kith_round_id id);
KITH_MUST_USE enum kith_err kith_agency_round_store(struct kith_agency *agency,
                                                    struct kith_txn *txn,
                                                    const struct kith_agency_round *round);
/* In a transaction of its own, with an audit entry of the event. */
KITH_MUST_USE enum kith_err kith_agency_round_save(struct kith_agency *agency,
                                                   const struct kith_agency_round *round,
                                                   enum kith_audit_event event, uint64_t number);
/* Asks for the documents and statements that are new, verifies and stores them, and acts. */
KITH_MUST_USE enum kith_err kith_agency_sync(struct kith_agency *agency);
/* Notes what stands in the way, for the officer and, if it is new, the log. */
void kith_agency_problem(struct kith_agency_round *round, const char *format, ...)
    KITH_PRINTF(2, 3);

/* ---- act.c: what the log says is ours to do now */
KITH_MUST_USE enum kith_err kith_agency_act(struct kith_agency *agency,
                                            struct kith_agency_round *round);

/* ---- keying.c */
KITH_MUST_USE enum kith_err kith_agency_join(struct kith_agency *agency,
                                             struct kith_agency_round *round);
KITH_MUST_USE enum kith_err kith_agency_commit(struct kith_agency *agency,
                                               struct kith_agency_round *round);
KITH_MUST_USE enum kith_err kith_agency_open_contribution(struct kith_agency *agency,
                                                          struct kith_agency_round *round);
KITH_MUST_USE enum kith_err kith_agency_confirm(struct kith_agency *agency,
                                                struct kith_agency_round *round);
/* Verifies every confirmation, once; then round keys are destroyed. KITH_ERR_NO: the round was
 * aborted over one. */
KITH_MUST_USE enum kith_err kith_agency_verify(struct kith_agency *agency,
                                               struct kith_agency_round *round);
KITH_MUST_USE enum kith_err kith_agency_round_secret(struct kith_agency *agency,
                                                     struct kith_secret **out,
                                                     const struct kith_agency_round *round);
/* Names of key files: "x", "c", "s", "p" and the attempt. */
enum { KITH_KEY_NAME_BYTES = 16 };
void kith_agency_key_name(char out[KITH_KEY_NAME_BYTES], char kind, uint32_t attempt);

/* ---- submit.c */
KITH_MUST_USE enum kith_err kith_agency_prepare(struct kith_agency *agency,
                                                struct kith_agency_round *round);
KITH_MUST_USE enum kith_err kith_agency_submit(struct kith_agency *agency,
                                               struct kith_agency_round *round);
/* Whether all counts reach the policy's minimum; aborts the round and gives KITH_ERR_NO if not. */
KITH_MUST_USE enum kith_err kith_agency_check_counts(struct kith_agency *agency,
                                                     struct kith_agency_round *round);

/* ---- outbox.c */
KITH_MUST_USE enum kith_err kith_outbox_fill(struct kith_agency *agency,
                                             struct kith_agency_round *round,
                                             struct kith_encode_job *job);
/* The rows of a batch (kith_free). */
KITH_MUST_USE enum kith_err kith_outbox_batch(struct kith_agency *agency,
                                              const struct kith_agency_round *round,
                                              uint32_t number, uint8_t **rows, size_t *len);
/* Deletes rows (and with `tables` handle tables) of the round. */
KITH_MUST_USE enum kith_err kith_outbox_delete(struct kith_agency *agency, const kith_round_id id,
                                               bool tables);
/* Up to `max` entries of a trial round's map, from behind *after (KITH_HASH_BYTES; all zero: from
 * the start). `visit` gets handle and id. *more: there are others; *after is then the last one
 * given. */
typedef enum kith_err kith_trial_visit(void *context, const uint8_t *handle, const char *id);
KITH_MUST_USE enum kith_err kith_outbox_trial_map(struct kith_agency *agency,
                                                  const struct kith_agency_round *round,
                                                  uint8_t *after, unsigned max, bool *more,
                                                  kith_trial_visit *visit, void *context);

/* The id of the record that a handle of the round stands for, in *id (cleared first; a terminator
 * follows it). KITH_ERR_NO: not a handle of this agency. KITH_ERR_NOT_FOUND: the table is
 * destroyed. */
KITH_MUST_USE enum kith_err kith_outbox_record(struct kith_agency *agency,
                                               const kith_round_id round,
                                               const uint8_t handle[KITH_HANDLE_BYTES],
                                               struct kith_buf *id);

/* ---- ending.c */
/* Destroys what this agency holds of rounds that are past their expiry or retention, be the matcher
 * silent or not; it is attested when the matcher answers again. */
KITH_MUST_USE enum kith_err kith_agency_expire(struct kith_agency *agency);
KITH_MUST_USE enum kith_err kith_agency_after_manifest(struct kith_agency *agency,
                                                       struct kith_agency_round *round);
KITH_MUST_USE enum kith_err kith_agency_after_release(struct kith_agency *agency,
                                                      struct kith_agency_round *round);
KITH_MUST_USE enum kith_err kith_agency_end(struct kith_agency *agency,
                                            struct kith_agency_round *round);
/* Audits and says that something is destroyed, unless that was said. */
KITH_MUST_USE enum kith_err kith_agency_attest(struct kith_agency *agency,
                                               struct kith_agency_round *round,
                                               enum kith_destroyed what);

/* ---- control.c: officers, on a Unix-domain socket of mode 0660 */
KITH_MUST_USE enum kith_err kith_control_open(struct kith_control **out, const char *path,
                                              struct kith_fault *fault);
void kith_control_free(struct kith_control *control);
/* Descriptors to wait for; at most KITH_CONTROL_FDS. */
enum { KITH_CONTROL_FDS = 9 };
unsigned kith_control_fds(const struct kith_control *control, int fds[KITH_CONTROL_FDS]);
/* Serves what is there without waiting. */
void kith_control_serve(struct kith_control *control, struct kith_agency *agency);

/* ---- officer.c: what may be asked there; *out is a fresh string (kith_free), one JSON object */
KITH_MUST_USE enum kith_err kith_officer_answer(struct kith_agency *agency, char **out,
                                                const char *request, size_t len);

#endif
