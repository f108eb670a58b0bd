#include "proto/round.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proto/endorsement.h"
#include "proto/keying.h"
#include "proto/withdrawal.h"

/* What has been said, for telling a repetition from a conflict: the place and the statement's hash.
 */
struct said {
  enum kith_statement_type type;
  uint32_t attempt; /* 0 for types that have one place over all attempts */
  unsigned what;    /* of destroyed; the number of withdraw */
  kith_member_id author;
  struct kith_hash hash;
};

struct kith_round_log {
  struct kith_round_view view;
  struct said said[KITH_STATEMENTS_MAX];
  struct kith_statement latest; /* what the last add gave back */
};

enum kith_err kith_round_log_new(struct kith_round_log **out)
{
  struct kith_round_log *log = KITH_NEW(struct kith_round_log);

  if (!log)
    return KITH_ERR_MEMORY;
  log->view.attempt = 1;
  *out = log;
  return KITH_OK;
}

/* Forgets what the seat has done in this attempt. */
static void seat_clear(struct kith_seat *seat)
{
  struct kith_seat fresh = {0};

  memcpy(fresh.member, seat->member, sizeof fresh.member);
  fresh.invited = seat->invited;
  fresh.declined = seat->declined;
  kith_free(seat->join_bytes);
  kith_free(seat->manifest.batches);
  *seat = fresh;
}

void kith_round_log_free(struct kith_round_log *log)
{
  if (!log)
    return;
  for (unsigned i = 0; i < log->view.n_seats; i++)
    seat_clear(&log->view.seats[i]);
  kith_statement_free(&log->latest);
  kith_free(log->view.withdrawals);
  kith_free(log);
}

const struct kith_round_view *kith_round_log_view(const struct kith_round_log *log)
{
  return &log->view;
}

static struct kith_seat *seat_of(struct kith_round_view *view, const char *member)
{
  for (unsigned i = 0; i < view->n_seats; i++)
    if (strcmp(view->seats[i].member, member) == 0)
      return &view->seats[i];
  return NULL;
}

/* ---- who may say what, and where it stands ----------------------------------------------------
 */

static bool role_may_say(enum kith_role role, const struct kith_statement *statement)
{
  switch (statement->type) {
  case KITH_STATEMENT_OPEN:
  case KITH_STATEMENT_CONSENT:
  case KITH_STATEMENT_DECISION:
  case KITH_STATEMENT_CLOSE:
    return role == KITH_ROLE_GOVERNANCE;
  case KITH_STATEMENT_ROSTER:
  case KITH_STATEMENT_RETRY:
  case KITH_STATEMENT_RELEASE:
    return role == KITH_ROLE_MATCHER;
  case KITH_STATEMENT_DESTROYED:
    return role == KITH_ROLE_AGENCY || role == KITH_ROLE_MATCHER;
  case KITH_STATEMENT_ABORT:
    return role != KITH_ROLE_RECIPIENT;
  default:
    return role == KITH_ROLE_AGENCY;
  }
}

static void place_of(struct said *place, const struct kith_statement *statement)
{
  memset(place, 0, sizeof *place);
  place->type = statement->type;
  switch (statement->type) {
  case KITH_STATEMENT_OPEN:
  case KITH_STATEMENT_DECLINE:
  case KITH_STATEMENT_CONSENT:
  case KITH_STATEMENT_DECISION:
  case KITH_STATEMENT_RELEASE:
  case KITH_STATEMENT_CLOSE:
  case KITH_STATEMENT_ABORT:
    break;
  case KITH_STATEMENT_DESTROYED:
    place->what = statement->body.destroyed.what;
    break;
  case KITH_STATEMENT_WITHDRAW:
    place->what = statement->body.withdraw.number;
    break;
  default:
    place->attempt = statement->attempt;
    break;
  }
  /* There is one open, roster, retry, consent, decision, release and close, whoever says it. */
  if (statement->type != KITH_STATEMENT_OPEN && statement->type != KITH_STATEMENT_CONSENT &&
      statement->type != KITH_STATEMENT_DECISION && statement->type != KITH_STATEMENT_CLOSE)
    memcpy(place->author, statement->author, sizeof place->author);
}

static const struct said *said_before(const struct kith_round_log *log, const struct said *place)
{
  for (uint32_t i = 0; i < log->view.n_statements; i++) {
    const struct said *said = &log->said[i];

    if (said->type == place->type && said->attempt == place->attempt && said->what == place->what &&
        strcmp(said->author, place->author) == 0)
      return said;
  }
  return NULL;
}

/* ---- what each type does to the view; KITH_ERR_NOT_FOUND: it refers to something else ---------
 */

static bool is_roster(const struct kith_round_view *view, const struct kith_hash *hash)
{
  return view->has_roster && kith_hash_equal(&view->roster_hash, hash);
}

static enum kith_err take_open(struct kith_round_view *view, const struct kith_statement *statement,
                               const void *bytes, size_t len)
{
  const struct kith_open *open = &statement->body.open;

  memcpy(view->round, statement->round, sizeof view->round);
  memcpy(view->governance, statement->author, sizeof view->governance);
  view->open = *open;
  view->opened_at = statement->time;
  kith_statement_hash(&view->open_hash, bytes, len);
  view->n_seats = open->n_agencies;
  for (unsigned i = 0; i < open->n_agencies; i++) {
    memcpy(view->seats[i].member, open->agencies[i], sizeof view->seats[i].member);
    view->seats[i].invited = true;
  }
  return KITH_OK;
}

static enum kith_err take_join(struct kith_round_view *view, struct kith_seat *seat,
                               const struct kith_statement *statement, const void *bytes,
                               size_t len)
{
  if (view->has_roster || !seat->invited || seat->declined ||
      !kith_hash_equal(&statement->body.join.open, &view->open_hash))
    return KITH_ERR_NOT_FOUND;
  seat->join_bytes = kith_memdup(bytes, len);
  if (!seat->join_bytes)
    return KITH_ERR_MEMORY;
  seat->join_len = len;
  seat->join = statement->body.join;
  kith_statement_hash(&seat->join_hash, bytes, len);
  seat->joined = true;
  return KITH_OK;
}

static enum kith_err take_decline(struct kith_round_view *view, struct kith_seat *seat,
                                  const struct kith_statement *statement)
{
  if (view->has_roster || seat->joined ||
      !kith_hash_equal(&statement->body.ending.open, &view->open_hash))
    return KITH_ERR_NOT_FOUND;
  seat->declined = true;
  return KITH_OK;
}

static enum kith_err take_roster(struct kith_round_view *view,
                                 const struct kith_statement *statement)
{
  const struct kith_roster *roster = &statement->body.roster;
  struct kith_roster_join joins[KITH_AGENCIES_MAX];
  struct kith_seat *seats[KITH_AGENCIES_MAX];
  unsigned n = 0;
  enum kith_err err;

  /* Seats are in order of id, and so must the roster be. */
  for (unsigned i = 0; i < view->n_seats && n < roster->n; i++) {
    struct kith_seat *seat = &view->seats[i];

    if (!seat->joined || !kith_hash_equal(&seat->join_hash, &roster->joins[n]))
      continue;
    joins[n] = (struct kith_roster_join){seat->member, seat->join_bytes, seat->join_len};
    seats[n++] = seat;
  }
  if (n != roster->n || n < view->open.quorum)
    return KITH_ERR_NOT_FOUND;
  err = kith_roster_hash(&view->roster_hash, view->round, view->attempt, &view->open.charter,
                         &view->open.policy, &view->open_hash, joins, n);
  if (err != KITH_OK)
    return err;
  for (unsigned i = 0; i < n; i++)
    seats[i]->in_roster = true;
  view->n_roster = n;
  view->has_roster = true;
  return KITH_OK;
}

/* Copies must be for exactly the members of the roster, which both sides have in order of id. */
static bool copies_are_for_roster(const struct kith_round_view *view,
                                  const struct kith_opening *opening)
{
  unsigned n = 0;

  for (unsigned i = 0; i < view->n_seats; i++) {
    if (!view->seats[i].in_roster)
      continue;
    if (n >= opening->n || strcmp(opening->copies[n].member, view->seats[i].member) != 0)
      return false;
    n++;
  }
  return n == opening->n;
}

static enum kith_err take_keying(struct kith_round_view *view, struct kith_seat *seat,
                                 const struct kith_statement *statement)
{
  enum kith_round_step step = kith_round_step(view);

  if (statement->type == KITH_STATEMENT_COMMITMENT) {
    if (!is_roster(view, &statement->body.commitment.roster))
      return KITH_ERR_NOT_FOUND;
    seat->commitment = statement->body.commitment;
    seat->committed = true;
  } else if (statement->type == KITH_STATEMENT_OPENING) {
    const struct kith_opening *opening = &statement->body.opening;

    /* Whoever opens before all are committed could be answered by the last one's choice. */
    if (!is_roster(view, &opening->roster) || step < KITH_STEP_OPEN ||
        !kith_hash_equal(&opening->commitment, &seat->commitment.commitment) ||
        !copies_are_for_roster(view, opening))
      return KITH_ERR_NOT_FOUND;
    seat->opening = *opening;
    seat->opened = true;
  } else {
    if (!is_roster(view, &statement->body.confirmation.roster) || step < KITH_STEP_CONFIRM)
      return KITH_ERR_NOT_FOUND;
    seat->confirmation = statement->body.confirmation;
    seat->confirmed = true;
  }
  return KITH_OK;
}

static enum kith_err take_complaint(struct kith_round_view *view, struct kith_seat *seat,
                                    const struct kith_statement *statement)
{
  const struct kith_complaint *complaint = &statement->body.complaint;
  const struct kith_seat *accused = kith_round_seat(view, complaint->accused);

  /* One that can't be judged would give a round key away and leave the attempt alive. */
  if (!is_roster(view, &complaint->roster) || !accused || !accused->in_roster || !accused->opened ||
      view->n_complaints == KITH_AGENCIES_MAX)
    return KITH_ERR_NOT_FOUND;
  memcpy(view->complaints[view->n_complaints].author, seat->member, sizeof seat->member);
  view->complaints[view->n_complaints++].complaint = *complaint;
  return KITH_OK;
}

static enum kith_err take_submission(struct kith_round_view *view, struct kith_seat *seat,
                                     struct kith_statement *statement, const void *bytes,
                                     size_t len)
{
  if (statement->type == KITH_STATEMENT_INTENT) {
    if (!is_roster(view, &statement->body.intent.roster) ||
        kith_round_step(view) < KITH_STEP_INTEND)
      return KITH_ERR_NOT_FOUND;
    seat->intent = statement->body.intent;
    seat->intended = true;
  } else {
    const struct kith_manifest *manifest = &statement->body.manifest;
    struct kith_hash *batches;

    if (!is_roster(view, &manifest->roster) || !seat->intended ||
        manifest->n_records != seat->intent.n_records ||
        manifest->n_batches != seat->intent.n_batches)
      return KITH_ERR_NOT_FOUND;
    batches = kith_memdup(manifest->batches, manifest->n_batches * sizeof *manifest->batches);
    if (!batches)
      return KITH_ERR_MEMORY;
    seat->manifest = *manifest;
    seat->manifest.batches = batches;
    kith_statement_hash(&seat->manifest_hash, bytes, len);
    seat->manifested = true;
  }
  return KITH_OK;
}

/* Consent and release name members who have submitted, no others. */
static enum kith_err take_consent(struct kith_round_view *view,
                                  const struct kith_statement *statement)
{
  const struct kith_consent *consent = &statement->body.consent;

  if (!is_roster(view, &consent->roster))
    return KITH_ERR_NOT_FOUND;
  for (unsigned i = 0; i < consent->n; i++) {
    const struct kith_seat *seat = kith_round_seat(view, consent->agencies[i]);

    if (!seat || !seat->manifested)
      return KITH_ERR_NOT_FOUND;
  }
  view->consent = *consent;
  view->consented = true;
  return KITH_OK;
}

/* The policy's band is looked at by the matcher, which has the policy. */
static enum kith_err take_decision(struct kith_round_view *view,
                                   const struct kith_statement *statement)
{
  if (!is_roster(view, &statement->body.decision.roster) ||
      (kith_round_step(view) < KITH_STEP_MATCH && !view->consented))
    return KITH_ERR_NOT_FOUND;
  view->decision = statement->body.decision;
  view->decided = true;
  return KITH_OK;
}

/* A release after a decision is at that threshold. */
static bool as_decided(const struct kith_round_view *view, const struct kith_release *release)
{
  char decided[sizeof release->threshold];

  (void)snprintf(decided, sizeof decided, "0.%06u", view->decision.threshold);
  return !view->decided || strcmp(decided, release->threshold) == 0;
}

static bool consented_to(const struct kith_round_view *view, const struct kith_release *release)
{
  if (!view->consented || view->consent.n != release->n_manifests)
    return false;
  /* Both are in order of id. */
  for (unsigned i = 0; i < release->n_manifests; i++)
    if (strcmp(view->consent.agencies[i], release->manifests[i].agency) != 0)
      return false;
  return true;
}

static enum kith_err take_release(struct kith_round_view *view,
                                  const struct kith_statement *statement)
{
  const struct kith_release *release = &statement->body.release;

  if (!is_roster(view, &release->roster) ||
      !kith_hash_equal(&release->charter, &view->open.charter) ||
      !kith_hash_equal(&release->policy, &view->open.policy) ||
      release->n_lists != view->open.n_recipients)
    return KITH_ERR_NOT_FOUND;
  for (unsigned i = 0; i < release->n_manifests; i++) {
    const struct kith_seat *seat = kith_round_seat(view, release->manifests[i].agency);

    if (!seat || !seat->manifested ||
        !kith_hash_equal(&seat->manifest_hash, &release->manifests[i].manifest))
      return KITH_ERR_NOT_FOUND;
  }
  for (unsigned i = 0; i < release->n_lists; i++)
    if (strcmp(release->lists[i].recipient, view->open.recipients[i]) != 0)
      return KITH_ERR_NOT_FOUND;
  /* A roster that shrank after joining needs governance's consent to exactly this set. */
  if (!as_decided(view, release))
    return KITH_ERR_NOT_FOUND;
  if (release->n_manifests != view->n_roster && !consented_to(view, release))
    return KITH_ERR_NOT_FOUND;
  view->release = *release;
  view->released_at = statement->time;
  view->released = true;
  return KITH_OK;
}

static enum kith_err take_retry(struct kith_round_view *view,
                                const struct kith_statement *statement)
{
  const struct kith_retry *retry = &statement->body.retry;

  if (retry->attempt != view->attempt + 1 || kith_round_step(view) >= KITH_STEP_INTEND)
    return KITH_ERR_NOT_FOUND;
  for (unsigned i = 0; i < retry->n_excluded; i++)
    if (!kith_round_seat(view, retry->excluded[i]))
      return KITH_ERR_NOT_FOUND;
  for (unsigned i = 0; i < retry->n_excluded; i++)
    seat_of(view, retry->excluded[i])->invited = false;
  for (unsigned i = 0; i < view->n_seats; i++)
    seat_clear(&view->seats[i]);
  view->has_roster = false;
  view->n_roster = 0;
  view->n_complaints = 0;
  memset(&view->roster_hash, 0, sizeof view->roster_hash);
  view->attempt = retry->attempt;
  return KITH_OK;
}

static enum kith_err take_ending(struct kith_round_view *view,
                                 const struct kith_statement *statement)
{
  if (statement->type == KITH_STATEMENT_CLOSE) {
    if (!view->released)
      return KITH_ERR_NOT_FOUND;
    view->closed = true;
    view->closed_at = statement->time;
    return KITH_OK;
  }
  if (view->released)
    return KITH_ERR_NOT_FOUND;
  view->aborted = true;
  view->aborted_at = statement->time;
  view->abort = statement->body.ending;
  memcpy(view->aborted_by, statement->author, sizeof view->aborted_by);
  return KITH_OK;
}

static enum kith_err take_by_agency(struct kith_round_view *view, struct kith_statement *statement,
                                    const void *bytes, size_t len)
{
  struct kith_seat *seat = seat_of(view, statement->author);

  if (!seat)
    return KITH_ERR_DENIED;
  if (statement->type == KITH_STATEMENT_JOIN)
    return take_join(view, seat, statement, bytes, len);
  if (statement->type == KITH_STATEMENT_DECLINE)
    return take_decline(view, seat, statement);
  if (!seat->in_roster)
    return KITH_ERR_NOT_FOUND;
  switch (statement->type) {
  case KITH_STATEMENT_COMMITMENT:
  case KITH_STATEMENT_OPENING:
  case KITH_STATEMENT_CONFIRMATION:
    return take_keying(view, seat, statement);
  case KITH_STATEMENT_COMPLAINT:
    return take_complaint(view, seat, statement);
  case KITH_STATEMENT_WITHDRAW:
    return kith_withdrawal_take(view, statement);
  default:
    return take_submission(view, seat, statement, bytes, len);
  }
}

/* What is over takes no more but its end, that something is destroyed, and tombstones. */
static bool still_taken(const struct kith_round_view *view, enum kith_statement_type type)
{
  if (type == KITH_STATEMENT_DESTROYED || !(view->aborted || view->released))
    return true;
  return view->released &&
         (type == KITH_STATEMENT_CLOSE || (type == KITH_STATEMENT_WITHDRAW && !view->closed));
}

static enum kith_err take(struct kith_round_log *log, const struct kith_charter *charter,
                          struct kith_statement *statement, const void *bytes, size_t len)
{
  struct kith_round_view *view = &log->view;
  const struct kith_member *author = kith_charter_member(charter, statement->author);

  if (!still_taken(view, statement->type))
    return KITH_ERR_NOT_FOUND;
  switch (statement->type) {
  case KITH_STATEMENT_OPEN:
    return take_open(view, statement, bytes, len);
  case KITH_STATEMENT_ROSTER:
    return view->has_roster ? KITH_ERR_NOT_FOUND : take_roster(view, statement);
  case KITH_STATEMENT_CONSENT:
    return take_consent(view, statement);
  case KITH_STATEMENT_DECISION:
    return take_decision(view, statement);
  case KITH_STATEMENT_RELEASE:
    return take_release(view, statement);
  case KITH_STATEMENT_RETRY:
    return take_retry(view, statement);
  case KITH_STATEMENT_CLOSE:
    return take_ending(view, statement);
  case KITH_STATEMENT_ABORT:
    if (author->role == KITH_ROLE_AGENCY && !seat_of(view, statement->author))
      return KITH_ERR_DENIED;
    return take_ending(view, statement);
  case KITH_STATEMENT_DESTROYED:
    if (author->role == KITH_ROLE_AGENCY && !seat_of(view, statement->author))
      return KITH_ERR_DENIED;
    view->destroyed[author - charter->members] |= (uint8_t)(1u << statement->body.destroyed.what);
    return KITH_OK;
  default:
    return take_by_agency(view, statement, bytes, len);
  }
}

/* ---- adding -------------------------------------------------------------------------------------
 */

static enum kith_err check_author(const struct kith_round_log *log,
                                  const struct kith_charter *charter,
                                  const struct kith_statement *statement, const void *bytes,
                                  size_t len, struct kith_fault *fault)
{
  const char *name = kith_statement_name(statement->type);
  const struct kith_member *author = kith_charter_member(charter, statement->author);
  enum kith_err err;

  if (!author)
    return kith_fail(fault, KITH_ERR_DENIED, "%s: its author is no member of the charter", name);
  if (!role_may_say(author->role, statement))
    return kith_fail(fault, KITH_ERR_DENIED, "%s: not for %s to say, who is %s", name, author->id,
                     kith_role_name(author->role));
  err = kith_statement_verify(bytes, len, author->keys.sign);
  if (err == KITH_ERR_NO)
    return kith_fail(fault, err, "%s: the signature is not %s's", name, author->id);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: the signature can't be verified", name);
  if (kith_statement_is_joint(statement->type, author->role) &&
      (err = kith_endorsement_check(bytes, len, author->keys.sign, &charter->governance, fault)) !=
          KITH_OK)
    return kith_fail_at(fault, err, "%s", name);
  if (log->view.n_statements == 0
          ? statement->type != KITH_STATEMENT_OPEN
          : memcmp(statement->round, log->view.round, sizeof statement->round) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: of another round", name);
  return KITH_OK;
}

static enum kith_err check_place(const struct kith_round_log *log,
                                 const struct kith_statement *statement, const struct said *place,
                                 int64_t now, struct kith_fault *fault)
{
  const char *name = kith_statement_name(statement->type);
  const struct said *before = said_before(log, place);

  if (before && kith_hash_equal(&before->hash, &place->hash))
    return kith_fail(fault, KITH_ERR_EXISTS, "%s of %s: held already", name, statement->author);
  if (before)
    return kith_fail(fault, KITH_ERR_FULL, "%s: %s has said otherwise before", name,
                     statement->author);
  if (log->view.n_statements == KITH_STATEMENTS_MAX)
    return kith_fail(fault, KITH_ERR_LIMIT, "more than %d statements in a round",
                     KITH_STATEMENTS_MAX);
  if (now && statement->time > now + KITH_CLOCK_SKEW_S)
    return kith_fail(fault, KITH_ERR_LIMIT,
                     "%s: %s's clock is ahead by more than %d s; set it right", name,
                     statement->author, KITH_CLOCK_SKEW_S);
  if (place->attempt && statement->attempt != log->view.attempt)
    return kith_fail(fault, KITH_ERR_NOT_FOUND, "%s: of attempt %u, the round is at attempt %u",
                     name, statement->attempt, log->view.attempt);
  return KITH_OK;
}

enum kith_err kith_round_log_add(struct kith_round_log *log, const struct kith_charter *charter,
                                 const void *bytes, size_t len, int64_t now,
                                 const struct kith_statement **parsed, struct kith_fault *fault)
{
  struct kith_statement statement;
  struct said place;
  enum kith_err err = kith_statement_read(&statement, bytes, len);

  if (err != KITH_OK)
    return kith_fail(fault, err, "a statement is malformed");
  place_of(&place, &statement);
  kith_statement_hash(&place.hash, bytes, len);
  if ((err = check_author(log, charter, &statement, bytes, len, fault)) != KITH_OK ||
      (err = check_place(log, &statement, &place, now, fault)) != KITH_OK)
    goto refused;
  if ((err = take(log, charter, &statement, bytes, len)) != KITH_OK) {
    kith_fail(fault, err, "%s of %s: it does not follow from what was said before",
              kith_statement_name(statement.type), statement.author);
    goto refused;
  }
  log->said[log->view.n_statements++] = place;
  kith_statement_free(&log->latest);
  log->latest = statement;
  if (parsed)
    *parsed = &log->latest;
  return KITH_OK;

refused:
  kith_statement_free(&statement);
  return err;
}
