#include "daemon/service/agency.h"

#include <string.h>

#include "daemon/service/context.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/withdraw.h"
#include "proto/gateway.h"

/* Rounds of the policy's period that this agency sent records to, or may yet, but for this one. */
static unsigned rounds_before(const struct kith_agency *agency,
                              const struct kith_agency_round *round)
{
  unsigned n = 0;

  for (unsigned i = 0; i < agency->n_rounds; i++) {
    const struct kith_round_view *view = kith_node_round_view(agency->rounds[i]->node);

    n += agency->rounds[i] != round &&
         kith_round_in_period(&round->policy, view->opened_at, kith_node_now(agency->node)) &&
         kith_round_counts(view, agency->node->id);
  }
  return n;
}

/* Whether this agency may take part at all; says why not. */
static bool may_join(const struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_policy_agency *own = NULL;
  struct kith_fault gateways = {0};
  kith_member_id culprit;

  for (unsigned i = 0; i < round->policy.n_agencies; i++)
    if (strcmp(round->policy.agencies[i].id, agency->node->id) == 0)
      own = &round->policy.agencies[i];
  if (!own)
    kith_agency_problem(round, "the policy does not name this agency");
  else if (kith_gateways_check(&round->policy, &round->node->charter, culprit, &gateways) !=
           KITH_OK)
    kith_agency_problem(round, "%s", gateways.text);
  else if (round->policy.trial && !agency->config.allow_trial)
    kith_agency_problem(round, "this is a trial round, and [agency] allow_trial is not set here");
  else if (!kith_hash_equal(&view->open.charter, &agency->node->charter_hash))
    kith_agency_problem(round, "the round is under another charter than the one in force here");
  else if (kith_round_check_open(&view->open, &round->node->charter, &round->policy) != KITH_OK)
    kith_agency_problem(round, "the round names members, or a quorum, that its policy does not");
  else if (kith_node_now(agency->node) >= round->policy.expires)
    kith_agency_problem(round, "the round's policy has expired");
  else if (round->policy.rounds_max && rounds_before(agency, round) >= round->policy.rounds_max)
    kith_agency_problem(round, "the policy allows %u rounds in %u days, and there were as many",
                        round->policy.rounds_max, round->policy.rounds_days);
  else
    return true;
  return false;
}

static enum kith_err decline(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_DECLINE};

  statement.body.ending.open = kith_node_round_view(round->node)->open_hash;
  statement.body.ending.reason = KITH_REASON_OFFICER;
  return kith_agency_post(agency, round, &statement);
}

static enum kith_err gather(struct kith_agency *agency, struct kith_agency_round *round,
                            const struct kith_seat *own)
{
  if (!own->invited || own->declined || own->joined)
    return KITH_OK;
  if (round->decision == KITH_DECISION_DECLINE)
    return decline(agency, round);
  if (round->decision == KITH_DECISION_JOIN && may_join(agency, round))
    return kith_agency_join(agency, round);
  return KITH_OK;
}

static enum kith_err intend(struct kith_agency *agency, struct kith_agency_round *round,
                            const struct kith_seat *own)
{
  enum kith_err err = kith_agency_verify(agency, round);

  if (err != KITH_OK)
    return err == KITH_ERR_NO ? KITH_OK : err;
  return own->intended ? KITH_OK : kith_agency_prepare(agency, round);
}

static enum kith_err submitted(struct kith_agency *agency, struct kith_agency_round *round)
{
  enum kith_err err = kith_withdrawals_turn(agency, round);

  return err == KITH_OK ? kith_agency_after_manifest(agency, round) : err;
}

static enum kith_err submit(struct kith_agency *agency, struct kith_agency_round *round,
                            const struct kith_seat *own)
{
  enum kith_err err;

  if (own->manifested)
    return submitted(agency, round);
  err = kith_agency_verify(agency, round);
  if (err == KITH_OK)
    err = kith_agency_check_counts(agency, round);
  if (err != KITH_OK)
    return err == KITH_ERR_NO ? KITH_OK : err;
  return kith_agency_submit(agency, round);
}

static enum kith_err released(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  int64_t retention = (int64_t)round->policy.retention_days * 86400;
  enum kith_err err;

  if (kith_node_now(agency->node) >= view->released_at + retention)
    return kith_agency_end(agency, round);
  err = kith_withdrawals_turn(agency, round);
  if (err == KITH_OK)
    err = kith_agency_after_release(agency, round);
  if (err == KITH_OK)
    err = kith_context_turn(agency, round);
  return err == KITH_OK ? kith_disclosures_turn(agency, round) : err;
}

/* What this agency must not go on with, whatever the matcher relays: after the round's or the
 * policy's end, or where an officer declined while the join was on its way. */
static bool must_stop(const struct kith_agency *agency, const struct kith_agency_round *round,
                      const struct kith_seat *own, enum kith_reason *reason)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  int64_t now = kith_node_now(agency->node);

  if (!own->joined || kith_round_step(view) >= KITH_STEP_RELEASED)
    return false;
  *reason = KITH_REASON_POLICY_EXPIRED;
  if (now >= view->open.expires || now >= round->policy.expires)
    return true;
  *reason = KITH_REASON_OFFICER;
  return round->decision == KITH_DECISION_DECLINE;
}

enum kith_err kith_agency_act(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);
  enum kith_round_step step = kith_round_step(view);
  enum kith_reason reason;

  if (round->finished)
    return KITH_OK;
  if (step == KITH_STEP_ABORTED || step == KITH_STEP_CLOSED)
    return kith_agency_end(agency, round);
  if (!own)
    return KITH_OK;
  if (must_stop(agency, round, own, &reason))
    return kith_agency_post_abort(agency, round, reason, NULL);
  /* A retry without this agency: the keys of the attempts before serve nothing any more. */
  if (!own->invited && !own->in_roster)
    return kith_roundkey_destroy_all(agency->node->keys, round->node->id, NULL);
  if (step == KITH_STEP_GATHER)
    return gather(agency, round, own);
  if (!own->in_roster)
    return KITH_OK;
  switch (step) {
  case KITH_STEP_COMMIT:
    return own->committed ? KITH_OK : kith_agency_commit(agency, round);
  case KITH_STEP_OPEN:
    return own->opened ? KITH_OK : kith_agency_open_contribution(agency, round);
  case KITH_STEP_CONFIRM:
    return own->confirmed ? KITH_OK : kith_agency_confirm(agency, round);
  case KITH_STEP_INTEND:
    return intend(agency, round, own);
  case KITH_STEP_SUBMIT:
    return submit(agency, round, own);
  case KITH_STEP_MATCH:
    return submitted(agency, round);
  case KITH_STEP_RELEASED:
    return released(agency, round);
  default:
    return KITH_OK;
  }
}
