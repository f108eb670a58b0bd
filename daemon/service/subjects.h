/* Who was encoded in which round, so that a person who asks can be told.
 *
 * For each round the agency keeps a log: HMAC(the agency's log key, record id) of every record that
 * it encoded, and some counts. The log key stays (a key file of no round, wrapped like the others);
 * a log is sealed under a key file of its own, and both go when [agency] subject_log_days have
 * passed since the encoding, whatever became of the round. 32 bytes a record and round; a log is
 * in memory only while it is made or asked (11 MB for 350,000 records). */
#ifndef KITH_DAEMON_SERVICE_SUBJECTS_H
#define KITH_DAEMON_SERVICE_SUBJECTS_H

#include <jansson.h>

#include "daemon/pipeline/objections.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/service/agency.h"
#include "proto/letter.h"

/* What a log says besides the ids. */
struct kith_subject_log {
  int64_t encoded_at;
  uint32_t n; /* records encoded */
  uint64_t n_set_aside;
  uint64_t n_missed; /* objections without a record */
  struct kith_scope_counts scope;
  uint8_t *hashes; /* n x KITH_HASH_BYTES, in order; owned; NULL: only the rest was asked for */
  bool other_key;  /* it was made under a log key that is gone: nobody can be found in it */
};
void kith_subject_log_free(struct kith_subject_log *log); /* takes a zeroed one */

/* Replaces the round's log. KITH_OK without one where the configuration keeps none. */
KITH_MUST_USE enum kith_err kith_subjects_keep(struct kith_agency *agency,
                                               const struct kith_agency_round *round,
                                               const struct kith_encoded *encoded,
                                               uint64_t n_missed);
/* KITH_ERR_NOT_FOUND: there is none, or it is destroyed. */
KITH_MUST_USE enum kith_err kith_subjects_load(struct kith_agency *agency,
                                               struct kith_subject_log *out,
                                               const kith_round_id round, bool with_hashes);
/* *found: whether the record was encoded. */
KITH_MUST_USE enum kith_err kith_subjects_find(struct kith_agency *agency,
                                               const struct kith_subject_log *log, const char *id,
                                               bool *found);
/* Each id of the list that was encoded in the round. KITH_ERR_CANCELLED from the visit is an end,
 * and KITH_OK. KITH_ERR_NOT_FOUND: there is no log, or its key is gone, and nobody can tell. */
typedef enum kith_err kith_subject_visit(void *context, const char *id);
KITH_MUST_USE enum kith_err kith_subjects_each(struct kith_agency *agency,
                                               const kith_round_id round,
                                               const struct kith_objections *list,
                                               kith_subject_visit *visit, void *context);
/* Whether there is any; none where the configuration keeps no log. */
KITH_MUST_USE enum kith_err kith_subjects_any(struct kith_agency *agency, bool *found,
                                              const kith_round_id round,
                                              const struct kith_objections *list);
/* What was disclosed of a record, kept as long as the round's log, and boxed like it. Neither the
 * id nor a value is kept. */
struct kith_disclosed {
  int64_t time;
  kith_member_id recipient;
  kith_member_id reason;
  bool reduced; /* fewer fields than were asked for */
  unsigned n_fields;
  char fields[KITH_FIELDS_MAX][KITH_FIELD_NAME_BYTES];
};
/* KITH_OK without keeping it where the configuration keeps no log. */
KITH_MUST_USE enum kith_err kith_subjects_disclosed(struct kith_agency *agency,
                                                    struct kith_txn *txn, const kith_round_id round,
                                                    const char *id,
                                                    const struct kith_disclosed *disclosed);
typedef enum kith_err kith_disclosed_visit(void *context, const struct kith_disclosed *disclosed);
/* Of one record, in one round; none is KITH_OK. */
KITH_MUST_USE enum kith_err kith_subjects_each_disclosed(struct kith_agency *agency,
                                                         const kith_round_id round, const char *id,
                                                         kith_disclosed_visit *visit,
                                                         void *context);
/* That the record was in a wrong link: the token of it, kept like the disclosures. *number says
 * where, for taking it back; UINT32_MAX: the configuration keeps no log. */
KITH_MUST_USE enum kith_err kith_subjects_wrong(struct kith_agency *agency, struct kith_txn *txn,
                                                const kith_round_id round, const char *id,
                                                const uint8_t token[KITH_TOKEN_BYTES],
                                                uint32_t *number);
KITH_MUST_USE enum kith_err kith_subjects_wrong_back(struct kith_agency *agency,
                                                     struct kith_txn *txn,
                                                     const kith_round_id round, uint32_t number);
/* The tokens of the record in all rounds, at most KITH_TOKENS_MAX. */
KITH_MUST_USE enum kith_err kith_subjects_tokens(struct kith_agency *agency, const char *id,
                                                 uint8_t (*out)[KITH_TOKEN_BYTES], unsigned *n);
/* Destroys logs whose time is over. */
KITH_MUST_USE enum kith_err kith_subjects_expire(struct kith_agency *agency);

/* ---- subject_report.c */

/* What the policy's scope and evidence say of a row that was not set aside. */
enum kith_scope_reason kith_subject_row_judge(const struct kith_scope_rules *rules,
                                              const struct kith_policy *policy,
                                              const struct kith_source_row *row,
                                              const struct kith_profile *profile);

/* All that this agency's kith knows about one person: {"ok": true, ...}, docs/protocol.md. Reads
 * the source. */
KITH_MUST_USE enum kith_err kith_subject_report(struct kith_agency *agency, json_t **out,
                                                const char *id, struct kith_fault *fault);

#endif
