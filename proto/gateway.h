/* The lawful gateway that an agency rests on, as a policy states it: a sentence for people, of
 * which a program can check two things only. Neither is legal advice.
 *
 * (1) It is stated at all. (2) For a health or social care authority it is not section 16 of the
 * Police, Crime, Sentencing and Courts Act 2022 alone: that section authorises neither patient
 * information nor personal information disclosed by such an authority. */
#ifndef KITH_PROTO_GATEWAY_H
#define KITH_PROTO_GATEWAY_H

#include <stdbool.h>

#include "base/err.h"
#include "proto/charter.h"
#include "proto/policy.h"

/* The text that the default policy has in a gateway's place. */
void kith_gateway_unstated(char out[KITH_TEXT_BYTES], const char *agency);
/* Whether governance has named the agency's gateway: neither empty nor that text. */
bool kith_gateway_is_stated(const struct kith_policy_agency *agency);

/* Whether the text names section 16 of that Act and no other source of a power: no other section,
 * Act, regulation, direction, order or consent. The Data Protection Act and the UK GDPR are none:
 * they ask for a lawful basis, and give no power to disclose. */
bool kith_gateway_is_section_16_alone(const char *text);
/* Whether section 16 is not enough for an authority of this kind. */
bool kith_gateway_needs_more(enum kith_agency_kind kind);

/* The gateway under which an agency may disclose to a recipient: the policy's disclosure section
 * has it (kith_policy_answers), and it is not section 16 alone of an authority of which that is not
 * enough, but in a trial. NULL where there is none. `charter` says the kinds. */
const char *kith_gateway_to_disclose(const struct kith_policy *policy,
                                     const struct kith_charter *charter, const char *agency);

/* Whether the gateways of the policy let its agencies take part, with the kinds that the charter
 * gives them; in a trial, where nobody is real, they all do. KITH_ERR_DENIED, with the first agency
 * that may not in `culprit` and why in *fault. */
KITH_MUST_USE enum kith_err kith_gateways_check(const struct kith_policy *policy,
                                                const struct kith_charter *charter,
                                                char culprit[KITH_MEMBER_ID_BYTES],
                                                struct kith_fault *fault);

#endif
