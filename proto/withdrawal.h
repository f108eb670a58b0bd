/* Records that their agency takes out of a round (docs/protocol.md, section 12). Pure.
 *
 * A withdrawal names the record by an index that only those who hold the handle can make: the
 * agency, the matcher until it has destroyed the rows, and a recipient whose list has it. The
 * agency is in it, so that nobody's statement is about another's record. */
#ifndef KITH_PROTO_WITHDRAWAL_H
#define KITH_PROTO_WITHDRAWAL_H

#include "proto/release.h"
#include "proto/round.h"
#include "proto/submission.h"

void kith_withdrawal_index(struct kith_hash *out, const kith_round_id round, const char *agency,
                           const uint8_t handle[KITH_HANDLE_BYTES]);

/* For kith_round_log_add alone: what the statement does to the view. KITH_ERR_NOT_FOUND: of another
 * roster, before the agency's manifest, not the agency's next number, or of a record that is
 * withdrawn already. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_withdrawal_take(struct kith_round_view *view,
                                                 const struct kith_statement *statement);

/* What the agency has said of it; NULL: nothing. The same index in another's statement says nothing
 * of any record. */
const struct kith_withdrawal *kith_withdrawal_find(const struct kith_round_view *view,
                                                   const char *agency,
                                                   const struct kith_hash *index);
/* The withdrawals of a round, or a copy of those that there were at a time. */
struct kith_withdrawals {
  const uint8_t *round;
  uint32_t n;
  const struct kith_withdrawal *items;
};
/* Those that the round's log has. */
struct kith_withdrawals kith_withdrawals_all(const struct kith_round_view *view);
bool kith_withdrawals_any(const struct kith_withdrawals *withdrawals, const char *agency);
/* Of the record behind the handle. */
const struct kith_withdrawal *kith_withdrawals_of(const struct kith_withdrawals *withdrawals,
                                                  const char *agency,
                                                  const uint8_t handle[KITH_HANDLE_BYTES]);
const struct kith_withdrawal *kith_withdrawal_of(const struct kith_round_view *view,
                                                 const char *agency,
                                                 const uint8_t handle[KITH_HANDLE_BYTES]);
uint32_t kith_withdrawals_by(const struct kith_round_view *view, const char *agency);

/* Marks what is withdrawn since the release. KITH_ERR_NO with *fault where the list names a record
 * that was withdrawn before it: the matcher did not leave it out. */
KITH_MUST_USE enum kith_err kith_withdrawals_mark(struct kith_cohort *cohort,
                                                  const struct kith_round_view *view,
                                                  struct kith_fault *fault);

/* "objection", ...: static, for people and the command line. */
const char *kith_withdraw_reason_name(enum kith_withdraw_reason reason);
/* KITH_ERR_NOT_FOUND. */
KITH_MUST_USE enum kith_err kith_withdraw_reason_parse(enum kith_withdraw_reason *out,
                                                       const char *name);

#endif
