/* Records that this agency takes out of a round (docs/protocol.md, section 12). An officer decides;
 * what is to be said is kept with the decision, in one transaction, and said when the matcher can
 * take it: at once, or as soon as it has our manifest. */
#ifndef KITH_DAEMON_SERVICE_WITHDRAW_H
#define KITH_DAEMON_SERVICE_WITHDRAW_H

#include <jansson.h>

#include "daemon/service/agency.h"
#include "proto/submission.h"

KITH_MUST_USE enum kith_err kith_withdrawals_load(struct kith_agency *agency,
                                                  struct kith_agency_round *round);
/* Says the first of those that the log has not. For each turn after our manifest. */
KITH_MUST_USE enum kith_err kith_withdrawals_turn(struct kith_agency *agency,
                                                  struct kith_agency_round *round);
/* Whether the record behind the handle is withdrawn, be it said yet or not. */
bool kith_withdrawn(const struct kith_agency *agency, const struct kith_agency_round *round,
                    const uint8_t handle[KITH_HANDLE_BYTES]);
/* The same, of a record's id. KITH_ERR_NOT_FOUND: the round's table is destroyed, and with it who
 * was withdrawn. */
KITH_MUST_USE enum kith_err kith_withdrawn_id(const struct kith_agency *agency,
                                              const struct kith_agency_round *round, const char *id,
                                              bool *withdrawn);

/* [{"number", "index", "reason", "taken": whether the matcher has it, "after_release"}]. */
json_t *kith_withdrawals_json(const struct kith_agency *agency,
                              const struct kith_agency_round *round);
/* Records of the round that are on the list of objections and not withdrawn: how many; null: the
 * list can't be read, or compared. And whether there is such a number: a list, records that were
 * sent, in a round that is not over. Reads the list. */
json_t *kith_withdraw_objected_json(struct kith_agency *agency,
                                    const struct kith_agency_round *round);
bool kith_withdraw_objected_known(const struct kith_agency *agency,
                                  const struct kith_agency_round *round);
/* The control requests "withdraw-show" and "withdraw" (docs/protocol.md): id, or all on the list of
 * objections; reason; and of the second an officer's decision. No id is in a log or an error. */
json_t *kith_withdraw_show(struct kith_agency *agency, struct kith_agency_round *round,
                           const json_t *request);
json_t *kith_withdraw_decide(struct kith_agency *agency, struct kith_agency_round *round,
                             const json_t *request);

#endif
