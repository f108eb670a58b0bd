/* What agencies tell of the people of a list without being asked (proto/context.h), as a recipient
 * keeps it: of records of its list only, boxed, and destroyed with what belongs to the round. */
#ifndef KITH_CLI_RECIPIENT_RECIPIENT_CONTEXT_H
#define KITH_CLI_RECIPIENT_RECIPIENT_CONTEXT_H

#include <jansson.h>

#include "cli/recipient/recipient.h"

/* Opens the letter, and keeps what it has of the list's records, in one transaction with its audit
 * entry. `policy` and `cohort` are of the round. KITH_ERR_NO: it is not what it says, has other
 * attributes than the policy lets that agency tell, or something under a handle of the list that is
 * no context; nothing of it is kept. */
KITH_MUST_USE enum kith_err kith_recipient_context_take(const struct kith_recipient *recipient,
                                                        const struct kith_remote_round *round,
                                                        const struct kith_policy *policy,
                                                        const struct kith_cohort *cohort,
                                                        const struct kith_letter_entry *entry);
/* *out: a fresh object from handle (hex) to {attribute: value}. */
KITH_MUST_USE enum kith_err kith_recipient_context(const struct kith_recipient *recipient,
                                                   const kith_round_id round, json_t **out);
/* Takes what was told of withdrawn records out of the store. */
KITH_MUST_USE enum kith_err kith_recipient_context_withdraw(const struct kith_recipient *recipient,
                                                            const struct kith_round_view *view);

#endif
