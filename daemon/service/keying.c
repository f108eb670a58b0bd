#include "daemon/service/agency.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/service/pairing.h"
#include "proto/keying.h"

void kith_agency_key_name(char out[KITH_KEY_NAME_BYTES], char kind, uint32_t attempt)
{
  snprintf(out, KITH_KEY_NAME_BYTES, "%c%u", kind, attempt);
}

static const struct kith_round_view *view_of(const struct kith_agency_round *round)
{
  return kith_node_round_view(round->node);
}

static const struct kith_seat *own_seat(const struct kith_agency *agency,
                                        const struct kith_agency_round *round)
{
  return kith_round_seat(view_of(round), agency->node->id);
}

/* ---- join
 * ------------------------------------------------------------------------------------------ */

/* The pair is kept before the join is said: without it nothing that is sealed to it opens. */
static enum kith_err round_key_ensure(struct kith_agency *agency, struct kith_agency_round *round,
                                      uint8_t public_key[KITH_SEAL_KEY_BYTES])
{
  char name[KITH_KEY_NAME_BYTES];
  struct kith_secret *key = NULL;
  enum kith_err err;

  kith_agency_key_name(name, 'x', view_of(round)->attempt);
  err = kith_roundkey_load(agency->node->keys, &key, round->node->id, name, NULL);
  if (err == KITH_ERR_NOT_FOUND) {
    err = kith_seal_keypair(public_key, &key);
    if (err == KITH_OK)
      err = kith_roundkey_save(agency->node->keys, round->node->id, name, key, NULL);
  } else if (err == KITH_OK) {
    err = kith_seal_public(public_key, key);
  }
  kith_secret_free(key);
  return err;
}

enum kith_err kith_agency_join(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  struct kith_statement statement = {.type = KITH_STATEMENT_JOIN};
  struct kith_join *join = &statement.body.join;
  enum kith_err err = round_key_ensure(agency, round, join->round_key);

  if (err != KITH_OK)
    return err;
  join->open = view->open_hash;
  join->charter = agency->node->charter_hash;
  join->policy = view->open.policy;
  err = kith_pipeline_fingerprint(&join->standardiser, &round->policy);
  return err == KITH_OK ? kith_agency_post(agency, round, &statement) : err;
}

/* ---- commit, open
 * --------------------------------------------------------------------------------------- */

static enum kith_err contribution_ensure(struct kith_agency *agency,
                                         struct kith_agency_round *round, struct kith_secret **out)
{
  char name[KITH_KEY_NAME_BYTES];

  kith_agency_key_name(name, 'c', view_of(round)->attempt);
  return kith_roundkey_ensure(agency->node->keys, out, round->node->id, name, NULL);
}

enum kith_err kith_agency_commit(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  struct kith_statement statement = {.type = KITH_STATEMENT_COMMITMENT};
  struct kith_secret *contribution = NULL;
  kith_member_id culprit;
  enum kith_reason reason;
  enum kith_err err;

  if (kith_round_check_joins(view, &reason, culprit) != KITH_OK)
    return kith_agency_post_abort(agency, round, reason, culprit);
  if ((err = contribution_ensure(agency, round, &contribution)) != KITH_OK)
    return err;
  statement.body.commitment.roster = view->roster_hash;
  kith_commitment(&statement.body.commitment.commitment, &view->roster_hash, agency->node->id,
                  contribution);
  kith_secret_free(contribution);
  return kith_agency_post(agency, round, &statement);
}

enum kith_err kith_agency_open_contribution(struct kith_agency *agency,
                                            struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  struct kith_statement statement = {.type = KITH_STATEMENT_OPENING};
  struct kith_opening *opening = &statement.body.opening;
  struct kith_secret *contribution = NULL;
  enum kith_err err = contribution_ensure(agency, round, &contribution);

  opening->roster = view->roster_hash;
  opening->commitment = own_seat(agency, round)->commitment.commitment;
  for (unsigned i = 0; err == KITH_OK && i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    if (!seat->in_roster)
      continue;
    memcpy(opening->copies[opening->n].member, seat->member, sizeof seat->member);
    err = kith_contribution_seal(opening->copies[opening->n].sealed, seat->join.round_key,
                                 &view->roster_hash, agency->node->id, seat->member, contribution);
    opening->n++;
  }
  kith_secret_free(contribution);
  return err == KITH_OK ? kith_agency_post(agency, round, &statement) : err;
}

/* ---- confirm
 * ---------------------------------------------------------------------------------------------- */

static const uint8_t *copy_for(const struct kith_opening *opening, const char *member)
{
  for (unsigned i = 0; i < opening->n; i++)
    if (strcmp(opening->copies[i].member, member) == 0)
      return opening->copies[i].sealed;
  return NULL;
}

/* Gives away this attempt's round key, so that everyone can see who lies; the attempt is dead. */
static enum kith_err complain(struct kith_agency *agency, struct kith_agency_round *round,
                              const char *accused, const struct kith_secret *key)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_COMPLAINT};

  statement.body.complaint.roster = view_of(round)->roster_hash;
  memcpy(statement.body.complaint.accused, accused, strlen(accused));
  memcpy(statement.body.complaint.round_secret_key, kith_secret_peek(key), KITH_SEAL_KEY_BYTES);
  kith_agency_problem(round, "the contribution of %s does not open to what it committed to",
                      accused);
  return kith_agency_post(agency, round, &statement);
}

/* Opens every contribution and derives the secret. KITH_ERR_NO: one was bad, and a complaint is
 * said. */
static enum kith_err derive_secret(struct kith_agency *agency, struct kith_agency_round *round,
                                   struct kith_secret **out)
{
  const struct kith_round_view *view = view_of(round);
  struct kith_contribution contributions[KITH_AGENCIES_MAX];
  struct kith_secret *opened[KITH_AGENCIES_MAX] = {0};
  struct kith_secret *key = NULL;
  char name[KITH_KEY_NAME_BYTES];
  unsigned n = 0;
  enum kith_err err;

  kith_agency_key_name(name, 'x', view->attempt);
  err = kith_roundkey_load(agency->node->keys, &key, round->node->id, name, NULL);
  for (unsigned i = 0; err == KITH_OK && i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];
    const uint8_t *sealed;

    if (!seat->in_roster)
      continue;
    sealed = copy_for(&seat->opening, agency->node->id);
    err = sealed ? kith_contribution_open(&opened[n], key, &view->roster_hash, seat->member,
                                          agency->node->id, sealed, &seat->commitment.commitment)
                 : KITH_ERR_INTERNAL;
    if (err == KITH_ERR_NO) {
      enum kith_err said = complain(agency, round, seat->member, key);

      err = said == KITH_OK ? KITH_ERR_NO : said;
      break;
    }
    contributions[n] = (struct kith_contribution){seat->member, opened[n]};
    n++;
  }
  if (err == KITH_OK)
    err = kith_round_secret(out, &view->roster_hash, contributions, n);
  for (unsigned i = 0; i < n; i++)
    kith_secret_free(opened[i]);
  kith_secret_free(key);
  return err;
}

enum kith_err kith_agency_round_secret(struct kith_agency *agency, struct kith_secret **out,
                                       const struct kith_agency_round *round)
{
  char name[KITH_KEY_NAME_BYTES];

  kith_agency_key_name(name, 's', view_of(round)->attempt);
  return kith_roundkey_load(agency->node->keys, out, round->node->id, name, NULL);
}

static enum kith_err secret_ensure(struct kith_agency *agency, struct kith_agency_round *round,
                                   struct kith_secret **out)
{
  char name[KITH_KEY_NAME_BYTES];
  enum kith_err err = kith_agency_round_secret(agency, out, round);

  if (err != KITH_ERR_NOT_FOUND)
    return err;
  if ((err = derive_secret(agency, round, out)) != KITH_OK)
    return err;
  kith_agency_key_name(name, 's', view_of(round)->attempt);
  err = kith_roundkey_save(agency->node->keys, round->node->id, name, *out, NULL);
  if (err != KITH_OK) {
    kith_secret_free(*out);
    *out = NULL;
  }
  return err;
}

enum kith_err kith_agency_confirm(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  struct kith_statement statement = {.type = KITH_STATEMENT_CONFIRMATION};
  struct kith_confirmation *confirmation = &statement.body.confirmation;
  struct kith_secret *secret = NULL;
  struct kith_secret *key = NULL;
  enum kith_err err = secret_ensure(agency, round, &secret);

  if (err == KITH_ERR_NO)
    return KITH_OK; /* the complaint ends the round */
  if (err == KITH_OK)
    err = kith_confirmation_key(&key, &view->roster_hash, secret);
  if (err == KITH_OK)
    err = kith_confirmation_mac(confirmation->mac, key, &view->roster_hash, agency->node->id);
  kith_secret_free(key);
  kith_secret_free(secret);
  if (err == KITH_OK && round->policy.protection == KITH_PROTECTION_BLIND)
    err = kith_pairing_confirm(agency, round, confirmation);
  if (err != KITH_OK)
    return err;
  confirmation->roster = view->roster_hash;
  confirmation->charter = own_seat(agency, round)->join.charter;
  confirmation->policy = own_seat(agency, round)->join.policy;
  confirmation->standardiser = own_seat(agency, round)->join.standardiser;
  return kith_agency_post(agency, round, &statement);
}

/* ---- verify */

static bool documents_agree(const struct kith_round_view *view, const struct kith_seat *own,
                            const struct kith_confirmation *confirmation)
{
  return kith_hash_equal(&confirmation->charter, &view->open.charter) &&
         kith_hash_equal(&confirmation->policy, &view->open.policy) &&
         kith_hash_equal(&confirmation->standardiser, &own->join.standardiser);
}

/* KITH_ERR_NO with the culprit, where one is known, if a confirmation does not hold. */
static enum kith_err check_confirmations(struct kith_agency *agency,
                                         struct kith_agency_round *round,
                                         const struct kith_secret *key, enum kith_reason *reason,
                                         kith_member_id culprit)
{
  const struct kith_round_view *view = view_of(round);

  memset(culprit, 0, sizeof(kith_member_id));
  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];
    enum kith_err err;

    if (!seat->in_roster)
      continue;
    if (!documents_agree(view, own_seat(agency, round), &seat->confirmation)) {
      *reason = KITH_REASON_DOCUMENTS_DIFFER;
      memcpy(culprit, seat->member, sizeof(kith_member_id));
      return KITH_ERR_NO;
    }
    err = kith_confirmation_check(seat->confirmation.mac, key, &view->roster_hash, seat->member);
    /* A mac that does not hold tells that secrets differ, not whose is the wrong one. */
    *reason = KITH_REASON_BAD_CONFIRMATION;
    if (err != KITH_OK)
      return err;
  }
  return KITH_OK;
}

static enum kith_err destroy_round_keys(struct kith_agency *agency, struct kith_agency_round *round)
{
  char name[KITH_KEY_NAME_BYTES];
  enum kith_err err = KITH_OK;

  for (uint32_t attempt = 1; err == KITH_OK && attempt <= view_of(round)->attempt; attempt++) {
    kith_agency_key_name(name, 'x', attempt);
    err = kith_roundkey_destroy(agency->node->keys, round->node->id, name, NULL);
    if (err != KITH_OK)
      return err;
    kith_agency_key_name(name, 'c', attempt);
    err = kith_roundkey_destroy(agency->node->keys, round->node->id, name, NULL);
  }
  return err;
}

/* A complaint gives away the key that opens all contributions to its author: whoever may be wrong,
 * the attempt's secret is none any more. The matcher should have ended the round. */
static enum kith_err heed_complaint(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  kith_member_id culprit;
  enum kith_reason reason;
  enum kith_err err = kith_round_judge(view, view->complaints[0].author,
                                       &view->complaints[0].complaint, &reason, culprit);

  if (err == KITH_OK)
    err = kith_agency_post_abort(agency, round, reason, culprit);
  return err == KITH_OK ? KITH_ERR_NO : err;
}

enum kith_err kith_agency_verify(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  struct kith_secret *secret = NULL;
  struct kith_secret *key = NULL;
  kith_member_id culprit;
  enum kith_reason reason = KITH_REASON_BAD_CONFIRMATION;
  enum kith_err err;

  if (view->n_complaints)
    return heed_complaint(agency, round);
  if (!round->verified || round->verified_attempt != view->attempt) {
    err = kith_agency_round_secret(agency, &secret, round);
    if (err == KITH_OK)
      err = kith_confirmation_key(&key, &view->roster_hash, secret);
    if (err == KITH_OK)
      err = check_confirmations(agency, round, key, &reason, culprit);
    if (err == KITH_OK && round->policy.protection == KITH_PROTECTION_BLIND &&
        (err = kith_pairing_check(agency, round)) == KITH_ERR_NO)
      memset(culprit, 0, sizeof culprit); /* one of the two: which can't be told */
    kith_secret_free(key);
    kith_secret_free(secret);
    if (err == KITH_ERR_NO) {
      err = kith_agency_post_abort(agency, round, reason, culprit);
      return err == KITH_OK ? KITH_ERR_NO : err;
    }
    if (err != KITH_OK)
      return err;
    round->verified = true;
    round->verified_attempt = view->attempt;
    err = kith_agency_round_save(agency, round, KITH_AUDIT_ROUND_SECRET, view->attempt);
    if (err != KITH_OK) {
      round->verified = false;
      return err;
    }
  }
  err = destroy_round_keys(agency, round);
  return err == KITH_OK ? kith_agency_attest(agency, round, KITH_DESTROYED_ROUND_KEYS) : err;
}
