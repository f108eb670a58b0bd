/* The agency's officers: who they are, what they are shown of a round, what they have decided
 * (proto/officer.h). The list is signed off-line with the agency's own key and handed in on the
 * control socket: who may only use the socket can't make themselves, or a second key of theirs, an
 * officer. Lists and decisions are kept for good; each change is in the audit log. */
#ifndef KITH_DAEMON_SERVICE_OFFICERS_H
#define KITH_DAEMON_SERVICE_OFFICERS_H

#include <jansson.h>

#include "base/buf.h"
#include "daemon/service/agency.h"
#include "proto/officer.h"

/* ---- officers.c: the list in force */

/* The newest list of the store. One that another key of the agency's has signed gives nobody. */
KITH_MUST_USE enum kith_err kith_agency_officers_load(struct kith_agency *agency,
                                                      struct kith_fault *fault);
/* Takes a list of a higher version, or again the one held. Errors as of kith_officers_accept. */
KITH_MUST_USE enum kith_err kith_agency_officers_take(struct kith_agency *agency,
                                                      const struct kith_signed *document,
                                                      struct kith_fault *fault);

/* ---- showing.c: what is shown */

/* Counts the records in scope, reading the source, and keeps the number with the round: what
 * officers sign must not change while they look at it. `again`: even where it is known. */
KITH_MUST_USE enum kith_err kith_agency_count_scope(struct kith_agency *agency,
                                                    struct kith_agency_round *round, bool again,
                                                    struct kith_fault *fault);
/* In plain words, what would leave, to whom, for what, under which gateway, until when, and how
 * that differs from the last round; the same bytes until something of it changes. kith_buf_free. */
KITH_MUST_USE enum kith_err kith_agency_showing(const struct kith_agency *agency,
                                                const struct kith_agency_round *round,
                                                struct kith_buf *out);

/* ---- decisions.c: what was decided */

KITH_MUST_USE enum kith_err kith_agency_decisions_load(struct kith_agency *agency,
                                                       struct kith_agency_round *round);
/* Whether an officer can still decide on the round. */
bool kith_agency_undecided(const struct kith_agency *agency, const struct kith_agency_round *round);
/* Of the officers on the list, how many have decided to join, by what would be shown now. */
KITH_MUST_USE enum kith_err kith_agency_joined_by(const struct kith_agency *agency,
                                                  const struct kith_agency_round *round,
                                                  unsigned *n);
/* Verifies an officer's decision on what would be shown now, keeps it, and where enough have
 * decided so, the agency has: to join as many as the policy says, to decline one. The same bytes
 * again are KITH_OK. KITH_ERR_DENIED with *fault: no decision of an officer on this. KITH_ERR_NO:
 * the round is past deciding. */
KITH_MUST_USE enum kith_err kith_agency_decide(struct kith_agency *agency,
                                               struct kith_agency_round *round,
                                               enum kith_officer_kind kind, const void *bytes,
                                               size_t len, struct kith_fault *fault);
/* For all decisions on a round: whether it is an officer's, on this, and new: one that is older
 * than their last is a replay. *kept: the decision with its officer. *repeated: it is their last,
 * byte for byte. KITH_ERR_DENIED with *fault. */
KITH_MUST_USE enum kith_err kith_agency_decision_check(const struct kith_agency *agency,
                                                       const struct kith_agency_round *round,
                                                       const struct kith_officer_question *question,
                                                       const struct kith_officer_decision *decision,
                                                       struct kith_kept_decision *kept,
                                                       bool *repeated, struct kith_fault *fault);
/* Keeps it with the text that was shown and an audit entry. Where the transaction is not committed,
 * the caller takes it off round->n_decisions again. */
KITH_MUST_USE enum kith_err kith_agency_decision_keep(struct kith_agency *agency,
                                                      struct kith_txn *txn,
                                                      struct kith_agency_round *round,
                                                      const struct kith_kept_decision *kept,
                                                      const struct kith_buf *text);
/* [{"officer", "fingerprint", "decision", "time", "reason", "on_list"}], oldest first. */
json_t *kith_agency_decisions_json(const struct kith_agency *agency,
                                   const struct kith_agency_round *round);
/* What the round waits for, in words; "" where for no officer. */
enum { KITH_WAITING_BYTES = 160 };
KITH_MUST_USE enum kith_err kith_agency_waiting(const struct kith_agency *agency,
                                                const struct kith_agency_round *round,
                                                char out[KITH_WAITING_BYTES]);

#endif
