#include "proto/round.h"

#include <string.h>

#include "proto/keying.h"

const struct kith_seat *kith_round_seat(const struct kith_round_view *view, const char *member)
{
  for (unsigned i = 0; i < view->n_seats; i++)
    if (strcmp(view->seats[i].member, member) == 0)
      return &view->seats[i];
  return NULL;
}

static bool all_have(const struct kith_round_view *view, size_t flag_offset)
{
  for (unsigned i = 0; i < view->n_seats; i++) {
    const bool *flag = (const bool *)((const char *)&view->seats[i] + flag_offset);

    if (view->seats[i].in_roster && !*flag)
      return false;
  }
  return true;
}

enum kith_round_step kith_round_step(const struct kith_round_view *view)
{
  static const struct {
    size_t flag_offset;
    enum kith_round_step step;
  } ladder[] = {
      {offsetof(struct kith_seat, committed), KITH_STEP_COMMIT},
      {offsetof(struct kith_seat, opened), KITH_STEP_OPEN},
      {offsetof(struct kith_seat, confirmed), KITH_STEP_CONFIRM},
      {offsetof(struct kith_seat, intended), KITH_STEP_INTEND},
      {offsetof(struct kith_seat, manifested), KITH_STEP_SUBMIT},
  };

  if (view->aborted)
    return KITH_STEP_ABORTED;
  if (view->closed)
    return KITH_STEP_CLOSED;
  if (view->released)
    return KITH_STEP_RELEASED;
  if (!view->has_roster)
    return KITH_STEP_GATHER;
  for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++)
    if (!all_have(view, ladder[i].flag_offset))
      return ladder[i].step;
  return KITH_STEP_MATCH;
}

unsigned kith_round_roster_size(const struct kith_round_view *view)
{
  unsigned n = 0;

  for (unsigned i = 0; i < view->n_seats; i++)
    n += view->seats[i].in_roster;
  return n;
}

static bool has_role(const struct kith_charter *charter, const char *id, enum kith_role role)
{
  const struct kith_member *member = kith_charter_member(charter, id);

  return member && member->role == role;
}

enum kith_err kith_round_check_open(const struct kith_open *open,
                                    const struct kith_charter *charter,
                                    const struct kith_policy *policy)
{
  if (open->quorum < policy->quorum)
    return KITH_ERR_DENIED;
  for (unsigned i = 0; i < open->n_agencies; i++) {
    bool named = false;

    for (unsigned k = 0; k < policy->n_agencies; k++)
      named = named || strcmp(policy->agencies[k].id, open->agencies[i]) == 0;
    if (!named || !has_role(charter, open->agencies[i], KITH_ROLE_AGENCY))
      return KITH_ERR_DENIED;
  }
  for (unsigned i = 0; i < open->n_recipients; i++) {
    bool named = false;

    for (unsigned k = 0; k < policy->n_recipients; k++)
      named = named || strcmp(policy->recipients[k], open->recipients[i]) == 0;
    if (!named || !has_role(charter, open->recipients[i], KITH_ROLE_RECIPIENT))
      return KITH_ERR_DENIED;
  }
  return KITH_OK;
}

bool kith_round_counts(const struct kith_round_view *view, const char *member)
{
  bool over = view->aborted || view->closed || view->released;

  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    if (member && strcmp(seat->member, member) != 0)
      continue;
    if (seat->intended || (!over && (seat->joined || !member)))
      return true;
  }
  return false;
}

bool kith_round_in_period(const struct kith_policy *policy, int64_t opened_at, int64_t now)
{
  enum { DAY_S = 86400 };

  return opened_at > now - (int64_t)policy->rounds_days * DAY_S;
}

/* Whether all joins but `except`'s name one standardiser. */
static bool one_standardiser(const struct kith_round_view *view, const struct kith_seat *except)
{
  const struct kith_hash *first = NULL;

  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    if (!seat->joined || seat == except || (view->has_roster && !seat->in_roster))
      continue;
    if (first && !kith_hash_equal(first, &seat->join.standardiser))
      return false;
    first = &seat->join.standardiser;
  }
  return true;
}

enum kith_err kith_round_check_joins(const struct kith_round_view *view, enum kith_reason *reason,
                                     kith_member_id culprit)
{
  unsigned n = 0;
  unsigned n_odd = 0;
  const struct kith_seat *odd = NULL;

  memset(culprit, 0, sizeof(kith_member_id));
  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    if (!seat->joined || (view->has_roster && !seat->in_roster))
      continue;
    n++;
    if (!kith_hash_equal(&seat->join.charter, &view->open.charter) ||
        !kith_hash_equal(&seat->join.policy, &view->open.policy)) {
      *reason = KITH_REASON_DOCUMENTS_DIFFER;
      memcpy(culprit, seat->member, sizeof(kith_member_id));
      return KITH_ERR_NO;
    }
  }
  if (one_standardiser(view, NULL))
    return KITH_OK;
  *reason = KITH_REASON_STANDARDISERS_DIFFER;
  for (unsigned i = 0; i < view->n_seats; i++)
    if (view->seats[i].joined && one_standardiser(view, &view->seats[i])) {
      odd = &view->seats[i];
      n_odd++;
    }
  /* Of two that differ nobody can say which is the odd one. */
  if (n > 2 && n_odd == 1)
    memcpy(culprit, odd->member, sizeof(kith_member_id));
  return KITH_ERR_NO;
}

enum kith_err kith_round_judge(const struct kith_round_view *view, const char *complainer,
                               const struct kith_complaint *complaint, enum kith_reason *reason,
                               kith_member_id culprit)
{
  const struct kith_seat *accused = kith_round_seat(view, complaint->accused);
  const struct kith_seat *accuser = kith_round_seat(view, complainer);
  struct kith_secret *contribution = NULL;
  struct kith_secret *key = NULL;
  uint8_t public_key[KITH_SEAL_KEY_BYTES];
  const uint8_t *sealed = NULL;
  bool bad_opening = false;
  enum kith_err err;

  if (!accused || !accuser || !accused->in_roster || !accuser->in_roster || !accused->opened)
    return KITH_ERR_DATA;
  for (unsigned i = 0; i < accused->opening.n; i++)
    if (strcmp(accused->opening.copies[i].member, complainer) == 0)
      sealed = accused->opening.copies[i].sealed;
  if (!sealed)
    return KITH_ERR_DATA;
  err = kith_secret_copy(&key, complaint->round_secret_key, sizeof complaint->round_secret_key);
  if (err == KITH_OK)
    err = kith_seal_public(public_key, key);
  if (err != KITH_OK)
    goto end;
  if (kith_equal(public_key, accuser->join.round_key, sizeof public_key)) {
    err = kith_contribution_open(&contribution, key, &view->roster_hash, accused->member,
                                 complainer, sealed, &accused->commitment.commitment);
    bad_opening = err == KITH_ERR_NO;
    if (bad_opening)
      err = KITH_OK;
  }
  if (err != KITH_OK)
    goto end;
  *reason = bad_opening ? KITH_REASON_BAD_OPENING : KITH_REASON_FALSE_COMPLAINT;
  memcpy(culprit, bad_opening ? accused->member : accuser->member, sizeof(kith_member_id));
end:
  kith_secret_free(contribution);
  kith_secret_free(key);
  return err;
}
