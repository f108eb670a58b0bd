/* For tests of a round's log: a charter with real keys, and every statement of a round as its
 * author would make it. The same each time but for the sealed copies, so that a statement can be
 * made before what it refers to is there. */
#ifndef KITH_TESTS_UNIT_ROUNDS_H
#define KITH_TESTS_UNIT_ROUNDS_H

#include "proto/keying.h"
#include "proto/round.h"
#include "tests/unit/unit.h"

enum { ASH, BIRCH, CEDAR, N_AGENCIES, DOGWOOD = N_AGENCIES, HUB, LEAD, READER, STRANGER, N_PEOPLE };

static const struct {
  const char *id;
  enum kith_role role;
} people[N_PEOPLE] = {
    [ASH] = {"ash", KITH_ROLE_AGENCY},          [BIRCH] = {"birch", KITH_ROLE_AGENCY},
    [CEDAR] = {"cedar", KITH_ROLE_AGENCY},      [DOGWOOD] = {"dogwood", KITH_ROLE_AGENCY},
    [HUB] = {"hub", KITH_ROLE_MATCHER},         [LEAD] = {"lead", KITH_ROLE_GOVERNANCE},
    [READER] = {"reader", KITH_ROLE_RECIPIENT}, [STRANGER] = {"stranger", KITH_ROLE_AGENCY},
};

enum { NOW = 1000000000 };

static struct kith_identity *identities[N_PEOPLE];
static struct kith_charter charter; /* all but the stranger; dogwood is not invited */
static uint8_t round_keys[N_AGENCIES][KITH_SEAL_KEY_BYTES];
static struct kith_secret *round_secret_keys[N_AGENCIES];
static struct kith_secret *contributions[N_AGENCIES];
static struct kith_round_log *log_;
static const struct kith_round_view *view;
/* Of the round that goes well. */
static struct kith_hash open_hash;
static struct kith_hash join_hashes[N_AGENCIES];
static struct kith_hash roster_hash;
static struct kith_hash manifest_hashes[N_AGENCIES];

static inline int person_of(const char *id)
{
  for (int i = 0; i < N_PEOPLE; i++)
    if (strcmp(people[i].id, id) == 0)
      return i;
  return -1;
}

static inline void log_renew(void)
{
  kith_round_log_free(log_);
  assert_int_equal(kith_round_log_new(&log_), KITH_OK);
  view = kith_round_log_view(log_);
}

static inline struct kith_hash hash_of(uint8_t tag)
{
  struct kith_hash hash = {{tag, 1}};

  return hash;
}

static inline struct kith_statement begin(enum kith_statement_type type, int author)
{
  struct kith_statement s;

  memset(&s, 0, sizeof s);
  s.type = type;
  memset(s.round, 7, sizeof s.round);
  s.attempt = view->attempt;
  snprintf(s.author, sizeof s.author, "%s", people[author].id);
  s.time = NOW;
  return s;
}

static inline struct kith_statement opening_of(int author)
{
  struct kith_statement s = begin(KITH_STATEMENT_OPENING, author);
  struct kith_opening *opening = &s.body.opening;

  opening->roster = roster_hash;
  kith_commitment(&opening->commitment, &roster_hash, people[author].id, contributions[author]);
  opening->n = N_AGENCIES;
  for (int i = 0; i < N_AGENCIES; i++) {
    strcpy(opening->copies[i].member, people[i].id);
    assert_int_equal(kith_contribution_seal(opening->copies[i].sealed, round_keys[i], &roster_hash,
                                            people[author].id, people[i].id, contributions[author]),
                     KITH_OK);
  }
  return s;
}

static inline struct kith_statement open_of(void)
{
  struct kith_statement s = begin(KITH_STATEMENT_OPEN, LEAD);

  s.body.open.charter = hash_of(1);
  s.body.open.policy = hash_of(2);
  s.body.open.n_agencies = N_AGENCIES;
  for (int i = 0; i < N_AGENCIES; i++)
    strcpy(s.body.open.agencies[i], people[i].id);
  s.body.open.n_recipients = 1;
  strcpy(s.body.open.recipients[0], people[READER].id);
  s.body.open.quorum = 2;
  s.body.open.gather_s = s.body.open.keying_s = s.body.open.submit_s = 60;
  s.body.open.expires = NOW * 2ll;
  return s;
}

static inline struct kith_statement release_of(void)
{
  struct kith_statement s = begin(KITH_STATEMENT_RELEASE, HUB);
  struct kith_release *release = &s.body.release;

  release->roster = roster_hash;
  release->charter = hash_of(1);
  release->policy = hash_of(2);
  strcpy(release->threshold, "0.95");
  release->n_manifests = N_AGENCIES;
  for (int i = 0; i < N_AGENCIES; i++) {
    strcpy(release->manifests[i].agency, people[i].id);
    release->manifests[i].manifest = manifest_hashes[i];
  }
  release->n_lists = 1;
  strcpy(release->lists[0].recipient, people[READER].id);
  return s;
}

static inline struct kith_statement manifest_of(int author)
{
  static struct kith_hash batches[2];
  struct kith_statement s = begin(KITH_STATEMENT_MANIFEST, author);

  s.body.manifest.roster = roster_hash;
  s.body.manifest.n_records = 100 + (uint32_t)author;
  s.body.manifest.n_batches = 2;
  s.body.manifest.batches = batches; /* not the statement's: never freed with it */
  return s;
}

static inline struct kith_statement consent_of(void)
{
  struct kith_statement s = begin(KITH_STATEMENT_CONSENT, LEAD);

  s.body.consent.roster = roster_hash;
  s.body.consent.n = 2;
  strcpy(s.body.consent.agencies[0], people[ASH].id);
  strcpy(s.body.consent.agencies[1], people[BIRCH].id);
  return s;
}

static inline struct kith_statement decision_of(void)
{
  struct kith_statement s = begin(KITH_STATEMENT_DECISION, LEAD);

  s.body.decision.roster = roster_hash;
  s.body.decision.threshold = 850000;
  return s;
}

static inline struct kith_statement withdraw_of(int author, uint32_t number, uint8_t record)
{
  struct kith_statement s = begin(KITH_STATEMENT_WITHDRAW, author);

  s.body.withdraw = (struct kith_withdraw){.roster = roster_hash,
                                           .number = number,
                                           .reason = KITH_WITHDRAW_OBJECTION,
                                           .index = hash_of(record)};
  return s;
}

static inline struct kith_statement retry_of(void)
{
  struct kith_statement s = begin(KITH_STATEMENT_RETRY, HUB);

  s.body.retry.attempt = s.attempt + 1;
  s.body.retry.reason = KITH_REASON_NO_QUORUM;
  return s;
}

/* As the author may say it when its time has come; `author` counts for agencies' types only. */
static inline struct kith_statement statement_of(enum kith_statement_type type, int author)
{
  struct kith_statement s = begin(type, author);

  switch (type) {
  case KITH_STATEMENT_OPEN:
    return open_of();
  case KITH_STATEMENT_JOIN:
    s.body.join = (struct kith_join){open_hash, hash_of(1), hash_of(2), hash_of(3), {0}};
    memcpy(s.body.join.round_key, round_keys[author], KITH_SEAL_KEY_BYTES);
    return s;
  case KITH_STATEMENT_ROSTER:
    s = begin(type, HUB);
    s.body.roster.n = N_AGENCIES;
    memcpy(s.body.roster.joins, join_hashes, sizeof join_hashes);
    return s;
  case KITH_STATEMENT_COMMITMENT:
    s.body.commitment.roster = roster_hash;
    kith_commitment(&s.body.commitment.commitment, &roster_hash, people[author].id,
                    contributions[author]);
    return s;
  case KITH_STATEMENT_OPENING:
    return opening_of(author);
  case KITH_STATEMENT_CONFIRMATION:
    s.body.confirmation.roster = roster_hash;
    return s;
  case KITH_STATEMENT_COMPLAINT:
    s.body.complaint.roster = roster_hash;
    strcpy(s.body.complaint.accused, people[author == BIRCH ? CEDAR : BIRCH].id);
    memcpy(s.body.complaint.round_secret_key, kith_secret_peek(round_secret_keys[author]),
           KITH_SEAL_KEY_BYTES);
    return s;
  case KITH_STATEMENT_INTENT:
    s.body.intent = (struct kith_intent){roster_hash, 100 + (uint32_t)author, 2, 50};
    return s;
  case KITH_STATEMENT_MANIFEST:
    return manifest_of(author);
  case KITH_STATEMENT_CONSENT:
    return consent_of();
  case KITH_STATEMENT_DECISION:
    return decision_of();
  case KITH_STATEMENT_WITHDRAW:
    return withdraw_of(author, 1, 77);
  case KITH_STATEMENT_RELEASE:
    return release_of();
  case KITH_STATEMENT_DESTROYED:
    s.body.destroyed.what = KITH_DESTROYED_SECRET;
    s.body.destroyed.audit_seq = 5;
    return s;
  case KITH_STATEMENT_RETRY:
    return retry_of();
  case KITH_STATEMENT_DECLINE:
    s.body.ending.open = open_hash;
    s.body.ending.reason = KITH_REASON_OFFICER;
    return s;
  default: /* close and abort */
    s = begin(type, LEAD);
    s.body.ending.reason = KITH_REASON_GOVERNANCE;
    return s;
  }
}

/* Adds it, signed by `signer`; whatever is refused must leave the log as it was. */
static inline enum kith_err add_at(const struct kith_statement *s, int signer, int64_t now,
                                   struct kith_hash *hash)
{
  static struct kith_round_view before;
  const struct kith_statement *parsed = NULL;
  struct kith_fault fault = {0};
  struct kith_buf bytes;
  enum kith_err err;

  memcpy(&before, view, sizeof before);
  kith_buf_init(&bytes, 0);
  assert_int_equal(kith_statement_write(&bytes, s, identities[signer]), KITH_OK);
  err = kith_round_log_add(log_, &charter, bytes.bytes, bytes.len, now, &parsed, &fault);
  if (err == KITH_OK) {
    assert_non_null(parsed);
    assert_int_equal(parsed->type, s->type);
    assert_string_equal(parsed->author, s->author);
    assert_int_equal(view->n_statements, before.n_statements + 1);
    if (hash)
      kith_statement_hash(hash, bytes.bytes, bytes.len);
  } else {
    assert_memory_equal(&before, view, sizeof before);
    assert_null(parsed);
    assert_int_equal(fault.err, err);
    assert_true(fault.text[0] != '\0');
  }
  kith_buf_free(&bytes);
  return err;
}

static inline enum kith_err add(const struct kith_statement *s)
{
  int signer = person_of(s->author);

  return add_at(s, signer < 0 ? STRANGER : signer, NOW, NULL);
}

static inline enum kith_err add_new(enum kith_statement_type type, int author)
{
  struct kith_statement s = statement_of(type, author);

  return add(&s);
}

/* It refers to something that is not there. */
#define REFUSED(s) assert_int_equal(add(s), KITH_ERR_NOT_FOUND)

static inline void add_kept(enum kith_statement_type type, int author, struct kith_hash *hash)
{
  struct kith_statement s = statement_of(type, author);

  assert_int_equal(add_at(&s, person_of(s.author), NOW, hash), KITH_OK);
}

/* Stages of the round that goes well: what all have said. */
enum stage {
  EMPTY,
  OPENED,
  JOINED,
  ROSTERED,
  COMMITTED,
  REVEALED,
  CONFIRMED,
  INTENDED,
  MANIFESTED,
  RELEASED,
  CLOSED
};

static inline void play_all(enum kith_statement_type type, struct kith_hash *hashes)
{
  for (int i = 0; i < N_AGENCIES; i++)
    add_kept(type, i, hashes ? &hashes[i] : NULL);
}

/* One stage on. */
static inline void play(enum stage stage)
{
  switch (stage) {
  case OPENED:
    add_kept(KITH_STATEMENT_OPEN, LEAD, &open_hash);
    break;
  case JOINED:
    play_all(KITH_STATEMENT_JOIN, join_hashes);
    break;
  case ROSTERED:
    add_kept(KITH_STATEMENT_ROSTER, HUB, NULL);
    roster_hash = view->roster_hash;
    break;
  case COMMITTED:
    play_all(KITH_STATEMENT_COMMITMENT, NULL);
    break;
  case REVEALED:
    play_all(KITH_STATEMENT_OPENING, NULL);
    break;
  case CONFIRMED:
    play_all(KITH_STATEMENT_CONFIRMATION, NULL);
    break;
  case INTENDED:
    play_all(KITH_STATEMENT_INTENT, NULL);
    break;
  case MANIFESTED:
    play_all(KITH_STATEMENT_MANIFEST, manifest_hashes);
    break;
  case RELEASED:
    add_kept(KITH_STATEMENT_RELEASE, HUB, NULL);
    break;
  case CLOSED:
    add_kept(KITH_STATEMENT_CLOSE, LEAD, NULL);
    break;
  case EMPTY:
    break;
  }
}

/* A new log at this stage. */
static inline void play_to(enum stage stage)
{
  log_renew();
  for (int i = EMPTY; i <= (int)stage; i++)
    play((enum stage)i);
}

static inline int rounds_set_up(void **state)
{
  bool locked;

  (void)state;
  if (kith_crypto_init(&locked) != KITH_OK)
    return -1;
  charter.governance.threshold = 1;
  for (int i = 0; i < N_PEOPLE; i++) {
    if (kith_identity_new(&identities[i]) != KITH_OK)
      return -1;
    if (i == STRANGER)
      continue;
    snprintf(charter.members[i].id, sizeof charter.members[i].id, "%s", people[i].id);
    charter.members[i].role = people[i].role;
    charter.members[i].keys = identities[i]->public_keys;
    charter.n_members++;
    if (people[i].role == KITH_ROLE_GOVERNANCE)
      memcpy(charter.governance.keys[charter.governance.n_keys++], identities[i]->public_keys.sign,
             KITH_PUBLIC_BYTES);
  }
  for (int i = 0; i < N_AGENCIES; i++)
    if (kith_seal_keypair(round_keys[i], &round_secret_keys[i]) != KITH_OK ||
        kith_secret_random(&contributions[i], KITH_CONTRIBUTION_BYTES) != KITH_OK)
      return -1;
  play_to(CLOSED);
  return 0;
}

static inline int rounds_tear_down(void **state)
{
  (void)state;
  kith_round_log_free(log_);
  for (int i = 0; i < N_PEOPLE; i++)
    kith_identity_free(identities[i]);
  for (int i = 0; i < N_AGENCIES; i++) {
    kith_secret_free(round_secret_keys[i]);
    kith_secret_free(contributions[i]);
  }
  return 0;
}

#endif
