/* The agency's side of disclosures (docs/protocol.md, section 11): requests are taken from the
 * matcher, checked, and wait for officers; answers are made once and sent until the matcher has
 * them. What is kept is boxed under the round key "letters", and goes with the round. */
#ifndef KITH_DAEMON_SERVICE_DISCLOSURE_H
#define KITH_DAEMON_SERVICE_DISCLOSURE_H

#include <jansson.h>

#include "daemon/service/agency.h"
#include "proto/letter.h"
#include "proto/officer.h"

enum kith_disclosure_state {
  KITH_DISCLOSURE_WAITING = 1,
  KITH_DISCLOSURE_ANSWERED, /* the matcher has not taken the answer yet */
  KITH_DISCLOSURE_SENT,
  KITH_DISCLOSURE_STATES
};

/* A request with what became of it. */
struct kith_disclosure {
  struct kith_hash id; /* the letter's */
  enum kith_disclosure_state state;
  int64_t came;
  int64_t answered; /* 0: not yet */
  enum kith_disclosure_verdict verdict;
  kith_reason_code refusal;
  struct kith_letter *letter; /* owned; the request, read */
  uint8_t *bytes;             /* owned; the same, as it was signed: the evidence */
  size_t len;
  uint8_t *sealed; /* owned; the answer, as it is sent; NULL: none yet */
  size_t sealed_len;
  unsigned n_decisions; /* of officers, for the same thing or for different ones */
  struct kith_officer_decision decisions[KITH_OFFICERS_MAX];
};
void kith_disclosure_free(struct kith_disclosure *disclosure); /* takes a zeroed one; wipes */

/* ---- disclosure_store.c */

struct kith_disclosures; /* the box of one round. Life: open, use, close */
KITH_MUST_USE enum kith_err kith_disclosures_open(struct kith_disclosures **out,
                                                  struct kith_agency *agency,
                                                  const kith_round_id round);
void kith_disclosures_close(struct kith_disclosures *box);

KITH_MUST_USE enum kith_err kith_disclosure_put(const struct kith_disclosures *box,
                                                struct kith_txn *txn,
                                                const struct kith_disclosure *disclosure);
/* KITH_ERR_NOT_FOUND. */
KITH_MUST_USE enum kith_err kith_disclosure_get(const struct kith_disclosures *box,
                                                struct kith_disclosure *out,
                                                const struct kith_hash *id);
/* In the order of their ids. `visit` may keep nothing of it, and may not write. */
typedef enum kith_err kith_disclosure_visit(void *context, struct kith_disclosure *disclosure);
KITH_MUST_USE enum kith_err kith_disclosures_each(const struct kith_disclosures *box,
                                                  kith_disclosure_visit *visit, void *context);

/* How far the round's letters have been read; zero where none have. */
struct kith_letters_read {
  uint32_t number;
  uint32_t n_dropped;
  uint32_t n_right; /* feedback */
  uint32_t n_wrong;
};
KITH_MUST_USE enum kith_err kith_letters_read_get(const struct kith_disclosures *box,
                                                  struct kith_letters_read *out);
KITH_MUST_USE enum kith_err kith_letters_read_put(const struct kith_disclosures *box,
                                                  struct kith_txn *txn,
                                                  const struct kith_letters_read *read);
/* A nonce, by its hash: KITH_ERR_EXISTS where it was seen with another letter. */
KITH_MUST_USE enum kith_err kith_nonce_check(const struct kith_disclosures *box,
                                             const uint8_t nonce[KITH_REQUEST_NONCE_BYTES]);
KITH_MUST_USE enum kith_err kith_nonce_put(const struct kith_disclosures *box, struct kith_txn *txn,
                                           const uint8_t nonce[KITH_REQUEST_NONCE_BYTES]);

/* What a recipient has said last about a handle. */
struct kith_feedback_said {
  bool wrong;
  uint32_t number; /* as of kith_subjects_wrong */
  int64_t time;    /* of the letter */
};
/* KITH_ERR_NOT_FOUND: nothing. */
KITH_MUST_USE enum kith_err kith_feedback_get(const struct kith_disclosures *box,
                                              const char *recipient,
                                              const uint8_t handle[KITH_HANDLE_BYTES],
                                              struct kith_feedback_said *out);
KITH_MUST_USE enum kith_err kith_feedback_put(const struct kith_disclosures *box,
                                              struct kith_txn *txn, const char *recipient,
                                              const uint8_t handle[KITH_HANDLE_BYTES],
                                              const struct kith_feedback_said *said);

/* A letter of context, sealed, that the matcher has not taken (context.h). */
struct kith_context_letter {
  struct kith_hash id;
  kith_member_id reader;
  uint8_t *sealed; /* owned (kith_free) */
  size_t len;
};
KITH_MUST_USE enum kith_err kith_context_letter_put(const struct kith_disclosures *box,
                                                    struct kith_txn *txn,
                                                    const struct kith_context_letter *letter);
/* The first of them. KITH_ERR_NOT_FOUND: none is left. */
KITH_MUST_USE enum kith_err kith_context_letter_first(const struct kith_disclosures *box,
                                                      struct kith_context_letter *out);
KITH_MUST_USE enum kith_err kith_context_letter_delete(const struct kith_disclosures *box,
                                                       struct kith_txn *txn,
                                                       const struct kith_hash *id);

/* ---- disclosure_feedback.c */

/* Counts it, keeps or takes back the token of a wrong link, and stores *read, in one transaction.
 * KITH_ERR_NO: not about a released handle of ours, of the future, seen before, or older than what
 * this recipient said of the handle since; nothing is stored. */
KITH_MUST_USE enum kith_err
kith_feedback_take(struct kith_agency *agency, const struct kith_agency_round *round,
                   const struct kith_disclosures *box, struct kith_letters_read *read,
                   const struct kith_hash *id, const struct kith_letter *letter);
/* {"right": N, "wrong": N} of a round, rounded, and -1 where it is suppressed; null where there is
 * none. */
json_t *kith_disclosures_feedback(struct kith_agency *agency,
                                  const struct kith_agency_round *round);

/* ---- disclosure_take.c */

/* All that a released round has to do: expires what nobody answered, takes letters, sends answers.
 */
KITH_MUST_USE enum kith_err kith_disclosures_turn(struct kith_agency *agency,
                                                  struct kith_agency_round *round);

/* Whether the recipient has the same keys in the charter in force now as in the round's: with
 * others, or with none, it is told nothing any more. */
bool kith_disclosure_reader_stands(const struct kith_agency *agency,
                                   const struct kith_agency_round *round, const char *recipient);

/* ---- disclosure_record.c: the record as the source has it now */

struct kith_source_record {
  const char *id;    /* borrowed: what is looked for */
  bool found;        /* else nothing below is set */
  json_t *columns;   /* owned; [[column, value], ...], as they stand in the source */
  unsigned n_tokens; /* of wrong links in which it was found before */
  uint8_t tokens[KITH_TOKENS_MAX][KITH_TOKEN_BYTES];
  json_t *fields; /* owned; {field: value} of the fields asked for that the source has */
  char marker[KITH_MARKER_BYTES];
};
void kith_source_record_free(struct kith_source_record *record);
/* Fills all `n` of them in one reading. `policy` says which fields. KITH_ERR_DATA and others with
 * *fault: a list of safety markers that can't be read is an error, as is the source. */
KITH_MUST_USE enum kith_err kith_source_records(struct kith_agency *agency,
                                                struct kith_source_record *records, size_t n,
                                                const struct kith_policy *policy,
                                                struct kith_fault *fault);

/* ---- disclosure_answer.c */

/* What an officer decides, or the daemon in their place. */
struct kith_disclosure_choice {
  enum kith_disclosure_verdict verdict; /* granted here means: the fields below */
  kith_reason_code refusal;
  unsigned n_fields;
  char fields[KITH_FIELDS_MAX][KITH_FIELD_NAME_BYTES];
};

/* The text that an officer is shown and signs: the request, the record, and what would be told.
 * `record` may be NULL for a refusal. */
KITH_MUST_USE enum kith_err kith_disclosure_text(struct kith_buf *out,
                                                 const struct kith_agency *agency,
                                                 const struct kith_agency_round *round,
                                                 const struct kith_disclosure *disclosure,
                                                 const struct kith_source_record *record,
                                                 const struct kith_disclosure_choice *choice);
/* Makes the answer and puts it into the disclosure, in memory. */
KITH_MUST_USE enum kith_err kith_disclosure_answer(struct kith_agency *agency,
                                                   const struct kith_agency_round *round,
                                                   struct kith_disclosure *disclosure,
                                                   const struct kith_source_record *record,
                                                   const struct kith_disclosure_choice *choice);
/* An entry about it: round, recipient, id, reason, commitment to the words, verdict, officers. */
KITH_MUST_USE enum kith_err kith_disclosure_audit(struct kith_agency *agency, struct kith_txn *txn,
                                                  enum kith_audit_event event,
                                                  const struct kith_disclosure *disclosure);
/* Stores what was answered with its audit entry and, where something is told, the subject's. */
KITH_MUST_USE enum kith_err kith_disclosure_keep(struct kith_agency *agency,
                                                 const struct kith_disclosures *box,
                                                 const struct kith_disclosure *disclosure,
                                                 const struct kith_disclosure_choice *choice,
                                                 const char *record_id);

/* ---- disclosure_officer.c: what may be asked on the control socket; NULL is out of memory */
json_t *kith_disclosures_list(struct kith_agency *agency, const json_t *request);
json_t *kith_disclosures_show(struct kith_agency *agency, const json_t *request);
json_t *kith_disclosures_decide(struct kith_agency *agency, const json_t *request);
/* Whether a round can have requests: its key must not be made by asking. */
bool kith_disclosures_may_be(const struct kith_agency *agency,
                             const struct kith_agency_round *round);

#endif
