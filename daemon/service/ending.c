#include "daemon/service/agency.h"

#include <string.h>

#include "daemon/service/encode_job.h"

static const struct kith_round_view *view_of(const struct kith_agency_round *round)
{
  return kith_node_round_view(round->node);
}

static bool attested(const struct kith_agency *agency, const struct kith_agency_round *round,
                     enum kith_destroyed what)
{
  const struct kith_charter *charter = &round->node->charter;
  const struct kith_member *self = kith_charter_member(charter, agency->node->id);

  return self && (view_of(round)->destroyed[self - charter->members] & 1u << what);
}

enum kith_err kith_agency_attest(struct kith_agency *agency, struct kith_agency_round *round,
                                 enum kith_destroyed what)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_DESTROYED};
  struct kith_audit_head head;
  struct kith_txn *txn = NULL;
  enum kith_err err;

  if (attested(agency, round, what))
    return KITH_OK;
  if ((err = kith_node_begin(&txn, agency->node)) != KITH_OK)
    return err;
  err = kith_node_audit(agency->node, txn, KITH_AUDIT_DESTROYED, round->node->id, NULL, NULL, what);
  if (err == KITH_OK)
    err = kith_audit_head(txn, KITH_TABLE_AUDIT, &head);
  if (err != KITH_OK) {
    kith_txn_abort(txn);
    return err;
  }
  if ((err = kith_txn_commit(txn)) != KITH_OK)
    return err;
  statement.body.destroyed.what = what;
  statement.body.destroyed.audit_seq = head.seq;
  statement.body.destroyed.audit_head = head.head;
  return kith_agency_post(agency, round, &statement);
}

enum kith_err kith_agency_after_manifest(struct kith_agency *agency,
                                         struct kith_agency_round *round)
{
  char name[KITH_KEY_NAME_BYTES];
  enum kith_err err = KITH_OK;

  for (uint32_t attempt = 1; err == KITH_OK && attempt <= view_of(round)->attempt; attempt++) {
    kith_agency_key_name(name, 's', attempt);
    err = kith_roundkey_destroy(agency->node->keys, round->node->id, name, NULL);
    kith_agency_key_name(name, 'p', attempt);
    if (err == KITH_OK)
      err = kith_roundkey_destroy(agency->node->keys, round->node->id, name, NULL);
  }
  return err == KITH_OK ? kith_agency_attest(agency, round, KITH_DESTROYED_SECRET) : err;
}

enum kith_err kith_agency_after_release(struct kith_agency *agency, struct kith_agency_round *round)
{
  enum kith_err err = kith_roundkey_destroy(agency->node->keys, round->node->id, "outbox", NULL);

  if (err == KITH_OK && !attested(agency, round, KITH_DESTROYED_ENCODINGS))
    err = kith_outbox_delete(agency, round->node->id, false);
  if (err == KITH_OK)
    err = kith_agency_after_manifest(agency, round);
  return err == KITH_OK ? kith_agency_attest(agency, round, KITH_DESTROYED_ENCODINGS) : err;
}

/* Whether this agency ever had anything of the round to destroy: one that was only invited says
 * nothing. */
static bool took_part(const struct kith_agency *agency, const struct kith_agency_round *round)
{
  const struct kith_seat *own = kith_round_seat(view_of(round), agency->node->id);

  return round->decision == KITH_DECISION_JOIN || (own && own->joined);
}

enum kith_err kith_agency_end(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_txn *txn = NULL;
  enum kith_err err;

  if (agency->job && kith_encode_job_is_of(agency->job, round->node->id)) {
    kith_encode_job_free(agency->job);
    agency->job = NULL;
  }
  if ((err = kith_roundkey_destroy_all(agency->node->keys, round->node->id, NULL)) != KITH_OK ||
      (err = kith_outbox_delete(agency, round->node->id, true)) != KITH_OK)
    return err;
  if (took_part(agency, round) && !attested(agency, round, KITH_DESTROYED_ALL))
    return kith_agency_attest(agency, round, KITH_DESTROYED_ALL);
  if ((err = kith_node_begin(&txn, agency->node)) != KITH_OK)
    return err;
  round->finished = true;
  err = kith_node_pending_clear(txn, round->node->id);
  if (err == KITH_OK)
    err = kith_agency_round_store(agency, txn, round);
  if (err == KITH_OK)
    err = kith_node_audit(agency->node, txn, KITH_AUDIT_ROUND_STATE, round->node->id, NULL, NULL,
                          view_of(round)->aborted ? KITH_ROUND_ABORTED : KITH_ROUND_CLOSED);
  if (err == KITH_OK)
    err = kith_txn_commit(txn);
  else
    kith_txn_abort(txn);
  if (err == KITH_OK)
    round->problem[0] = '\0';
  else
    round->finished = false;
  return err;
}

static bool time_is_over(const struct kith_agency *agency, const struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  int64_t now = kith_node_now(agency->node);

  if (view->released)
    return now >= view->released_at + (int64_t)round->policy.retention_days * 86400;
  return now >= view->open.expires || now >= round->policy.expires;
}

enum kith_err kith_agency_expire(struct kith_agency *agency)
{
  enum kith_err err = KITH_OK;

  for (unsigned i = 0; err == KITH_OK && i < agency->n_rounds; i++) {
    struct kith_agency_round *round = agency->rounds[i];

    if (round->finished || round->expired || !time_is_over(agency, round))
      continue;
    if (agency->job && kith_encode_job_is_of(agency->job, round->node->id)) {
      kith_encode_job_free(agency->job);
      agency->job = NULL;
    }
    err = kith_roundkey_destroy_all(agency->node->keys, round->node->id, NULL);
    if (err == KITH_OK)
      err = kith_outbox_delete(agency, round->node->id, true);
    round->expired = err == KITH_OK;
  }
  return err;
}
