#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/withdraw.h"
#include "proto/gateway.h"

enum { DAY_S = 86400, DROPPED_NOTED_MAX = 64, AT_ONCE = 16 };

struct turn {
  struct kith_agency *agency;
  struct kith_agency_round *round;
  struct kith_disclosures *box;
  struct kith_letters_read read;
};

/* ---- what is wrong with a request; NULL where an officer may see it */

struct counting {
  const char *recipient;
  int64_t since;
  uint32_t n;
  uint32_t n_today;
  uint32_t n_all;
};

static enum kith_err count_visit(void *context, struct kith_disclosure *disclosure)
{
  struct counting *counting = context;

  counting->n_all++;
  if (strcmp(disclosure->letter->author, counting->recipient) == 0) {
    counting->n++;
    counting->n_today += disclosure->came > counting->since;
  }
  return KITH_OK;
}

bool kith_disclosure_reader_stands(const struct kith_agency *agency,
                                   const struct kith_agency_round *round, const char *recipient)
{
  const struct kith_member *now = kith_charter_member(&agency->node->charter, recipient);
  const struct kith_member *then = kith_charter_member(&round->node->charter, recipient);

  return now && then && memcmp(&now->keys, &then->keys, sizeof now->keys) == 0;
}

/* The policy's words, and the charter that is in force now. */
static bool allowed(const struct turn *turn, const struct kith_letter *letter, int64_t now)
{
  const struct kith_disclosure_request *request = &letter->body.request;
  const struct kith_policy *policy = &turn->round->policy;
  const char *asks = kith_policy_asks(policy, letter->author);
  int64_t days = policy->disclosure.answer_days;

  if (!asks || strcmp(asks, request->gateway) != 0 ||
      !kith_gateway_to_disclose(policy, &turn->round->node->charter, turn->agency->node->id) ||
      !kith_policy_reason_allowed(policy, request->reason) ||
      letter->time > now + KITH_CLOCK_SKEW_S || request->expires <= letter->time ||
      request->expires - letter->time > days * DAY_S ||
      !kith_disclosure_reader_stands(turn->agency, turn->round, letter->author))
    return false;
  for (unsigned i = 0; i < request->n_fields; i++)
    if (!kith_policy_disclosable(policy, request->fields[i]))
      return false;
  return true;
}

static enum kith_err judge(const struct turn *turn, const struct kith_letter *letter, int64_t now,
                           const char **refusal)
{
  const struct kith_disclosure_request *request = &letter->body.request;
  const struct kith_round_view *view = kith_node_round_view(turn->round->node);
  const struct kith_policy_disclosure *limits = &turn->round->policy.disclosure;
  struct counting counting = {.recipient = letter->author, .since = now - DAY_S};
  struct kith_buf id = {0};
  enum kith_err err;

  *refusal = NULL;
  if (!allowed(turn, letter, now))
    *refusal = "not_allowed";
  else if (request->expires <= now)
    *refusal = "expired";
  else if (kith_leaf_check(&request->proof, turn->round->node->id, turn->agency->node->id,
                           &view->release.leaf_root) != KITH_OK)
    *refusal = "not_released";
  else if (kith_withdrawn(turn->agency, turn->round, request->proof.handle))
    *refusal = "withdrawn";
  if (*refusal)
    return KITH_OK;
  err = kith_outbox_record(turn->agency, turn->round->node->id, request->proof.handle, &id);
  if (id.bytes)
    kith_wipe(id.bytes, id.len);
  kith_buf_free(&id);
  if (err == KITH_ERR_NO) {
    *refusal = "not_ours";
    return KITH_OK;
  }
  if (err == KITH_OK && (err = kith_nonce_check(turn->box, request->nonce)) == KITH_ERR_EXISTS) {
    *refusal = "replayed";
    return KITH_OK;
  }
  if (err == KITH_OK)
    err = kith_disclosures_each(turn->box, count_visit, &counting);
  if (err == KITH_OK &&
      (counting.n >= limits->requests_per_round || counting.n_today >= limits->requests_per_day))
    *refusal = "over_limit";
  return err;
}

/* ---- taking letters: one transaction each, with how far they were read */

static enum kith_err store_request(struct turn *turn, const struct kith_disclosure *disclosure)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, turn->agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_disclosure_put(turn->box, txn, disclosure);
  if (err == KITH_OK)
    err = kith_nonce_put(turn->box, txn, disclosure->letter->body.request.nonce);
  if (err == KITH_OK)
    err = kith_letters_read_put(turn->box, txn, &turn->read);
  if (err == KITH_OK)
    err = kith_disclosure_audit(turn->agency, txn,
                                disclosure->refusal[0] ? KITH_AUDIT_DISCLOSURE_REFUSED
                                                       : KITH_AUDIT_DISCLOSURE_REQUESTED,
                                disclosure);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static enum kith_err take_request(struct turn *turn, const struct kith_letter_entry *entry,
                                  struct kith_letter *letter, uint8_t *bytes, size_t len)
{
  struct kith_disclosure_choice choice = {.verdict = KITH_DISCLOSURE_REFUSED};
  struct kith_disclosure disclosure = {.id = entry->id,
                                       .state = KITH_DISCLOSURE_WAITING,
                                       .came = kith_node_now(turn->agency->node),
                                       .letter = letter,
                                       .bytes = bytes,
                                       .len = len};
  const char *refusal;
  enum kith_err err = judge(turn, letter, disclosure.came, &refusal);

  if (err == KITH_OK && refusal) {
    strncpy(choice.refusal, refusal, sizeof choice.refusal - 1);
    err = kith_disclosure_answer(turn->agency, turn->round, &disclosure, NULL, &choice);
  }
  if (err == KITH_OK)
    err = store_request(turn, &disclosure);
  kith_disclosure_free(&disclosure); /* the letter, too */
  return err;
}

/* A letter that changes nothing: how far they were read is kept, and a few of them are noted. */
static enum kith_err pass(struct turn *turn, const struct kith_letter_entry *entry, bool dropped)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, turn->agency->node);

  if (err != KITH_OK)
    return err;
  if (dropped && turn->read.n_dropped < DROPPED_NOTED_MAX) {
    turn->read.n_dropped++;
    err = kith_node_audit(turn->agency->node, txn, KITH_AUDIT_LETTER_DROPPED, turn->round->node->id,
                          entry->author, &entry->id, entry->kind);
  }
  if (err == KITH_OK)
    err = kith_letters_read_put(turn->box, txn, &turn->read);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static bool is_recipient(const struct turn *turn, const char *id)
{
  const struct kith_release *release = &kith_node_round_view(turn->round->node)->release;

  for (unsigned i = 0; i < release->n_lists; i++)
    if (strcmp(release->lists[i].recipient, id) == 0)
      return true;
  return false;
}

/* KITH_ERR_NO: it is not what it says. */
static enum kith_err letter_open(const struct turn *turn, const struct kith_letter_entry *entry,
                                 struct kith_letter *letter, uint8_t **bytes, size_t *len)
{
  const struct kith_member *author =
      kith_charter_member(&turn->round->node->charter, entry->author);
  struct kith_envelope envelope = {.kind = entry->kind};

  if (!author || author->role != KITH_ROLE_RECIPIENT || !is_recipient(turn, entry->author) ||
      (entry->kind != KITH_LETTER_REQUEST && entry->kind != KITH_LETTER_FEEDBACK))
    return KITH_ERR_NO;
  memcpy(envelope.round, turn->round->node->id, sizeof envelope.round);
  memcpy(envelope.author, entry->author, sizeof envelope.author);
  memcpy(envelope.reader, turn->agency->node->id, sizeof envelope.reader);
  return kith_letter_open(letter, bytes, len, turn->agency->node->identity->seal, author->keys.sign,
                          &envelope, &entry->id, entry->sealed.bytes, entry->sealed.len);
}

static enum kith_err take_letter(struct turn *turn, const struct kith_letter_entry *entry)
{
  struct kith_letter *letter = KITH_NEW(struct kith_letter);
  struct kith_disclosure known = {0};
  struct counting counting = {.recipient = ""};
  uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = letter ? KITH_OK : KITH_ERR_MEMORY;

  turn->read.number = entry->number;
  if (err == KITH_OK)
    err = letter_open(turn, entry, letter, &bytes, &len);
  if (err == KITH_OK && entry->kind == KITH_LETTER_REQUEST) {
    err = kith_disclosure_get(turn->box, &known, &entry->id);
    kith_disclosure_free(&known);
    if (err == KITH_ERR_NOT_FOUND &&
        (err = kith_disclosures_each(turn->box, count_visit, &counting)) == KITH_OK &&
        counting.n_all < KITH_LETTERS_MAX)
      return take_request(turn, entry, letter, bytes, len);
    if (err == KITH_OK) /* the same again, or more than there is room for */
      err = pass(turn, entry, counting.n_all >= KITH_LETTERS_MAX);
  } else {
    if (err == KITH_OK)
      err =
          kith_feedback_take(turn->agency, turn->round, turn->box, &turn->read, &entry->id, letter);
    if (err == KITH_ERR_NO)
      err = pass(turn, entry, true);
  }
  if (bytes)
    kith_free_wiped(bytes, len);
  if (letter)
    kith_free_wiped(letter, sizeof *letter);
  return err;
}

static enum kith_err take_letters(struct turn *turn)
{
  struct kith_request request = {.type = KITH_REQUEST_LETTER_GET};
  struct kith_reply reply;
  uint32_t n;
  enum kith_err err = KITH_OK;

  do {
    memcpy(request.body.letter_get.round, turn->round->node->id, KITH_ROUND_ID_BYTES);
    request.body.letter_get.after = turn->read.number;
    if ((err = kith_agency_exchange(turn->agency, &reply, &request)) != KITH_OK)
      return err;
    n = reply.error == KITH_REPLY_OK ? reply.body.letter_get.n : 0;
    /* Numbers only rise: a matcher that gives an old letter again is not listened to for ever. */
    for (uint32_t i = 0; err == KITH_OK && i < n; i++)
      if (reply.body.letter_get.letters[i].number > turn->read.number)
        err = take_letter(turn, &reply.body.letter_get.letters[i]);
      else
        n = 0;
    kith_reply_free(&reply);
  } while (err == KITH_OK && n > 0);
  return err;
}

/* ---- answers that are not sent yet, and requests that nobody answered */

struct gathered {
  enum kith_disclosure_state state;
  int64_t expired_at; /* 0: whatever their expiry */
  unsigned n;
  struct kith_hash ids[AT_ONCE];
};

static enum kith_err gather_visit(void *context, struct kith_disclosure *disclosure)
{
  struct gathered *gathered = context;

  if (disclosure->state != gathered->state ||
      (gathered->expired_at && disclosure->letter->body.request.expires > gathered->expired_at))
    return KITH_OK;
  gathered->ids[gathered->n++] = disclosure->id;
  return gathered->n == AT_ONCE ? KITH_ERR_CANCELLED : KITH_OK;
}

static enum kith_err expire_one(struct turn *turn, const struct kith_hash *id)
{
  const struct kith_disclosure_choice choice = {.verdict = KITH_DISCLOSURE_EXPIRED};
  struct kith_disclosure disclosure = {0};
  enum kith_err err = kith_disclosure_get(turn->box, &disclosure, id);

  if (err == KITH_OK)
    err = kith_disclosure_answer(turn->agency, turn->round, &disclosure, NULL, &choice);
  if (err == KITH_OK)
    err = kith_disclosure_keep(turn->agency, turn->box, &disclosure, &choice, NULL);
  kith_disclosure_free(&disclosure);
  return err;
}

static enum kith_err expire_some(struct turn *turn)
{
  struct gathered gathered = {.state = KITH_DISCLOSURE_WAITING,
                              .expired_at = kith_node_now(turn->agency->node)};
  enum kith_err err = kith_disclosures_each(turn->box, gather_visit, &gathered);

  for (unsigned i = 0; err == KITH_OK && i < gathered.n; i++)
    err = expire_one(turn, &gathered.ids[i]);
  return err;
}

static enum kith_err mark_sent(struct turn *turn, struct kith_disclosure *disclosure)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, turn->agency->node);

  if (err != KITH_OK)
    return err;
  disclosure->state = KITH_DISCLOSURE_SENT;
  err = kith_disclosure_put(turn->box, txn, disclosure);
  if (err == KITH_OK)
    err = kith_disclosure_audit(turn->agency, txn, KITH_AUDIT_DISCLOSURE_ANSWERED, disclosure);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static enum kith_err send_one(struct turn *turn, const struct kith_hash *id)
{
  struct kith_request request = {.type = KITH_REQUEST_LETTER_PUT};
  struct kith_disclosure disclosure = {0};
  struct kith_reply reply;
  enum kith_err err = kith_disclosure_get(turn->box, &disclosure, id);

  if (err == KITH_OK) {
    memcpy(request.body.letter_put.round, turn->round->node->id, KITH_ROUND_ID_BYTES);
    memcpy(request.body.letter_put.reader, disclosure.letter->author, sizeof(kith_member_id));
    request.body.letter_put.kind = KITH_LETTER_ANSWER;
    request.body.letter_put.id = *id;
    request.body.letter_put.sealed = (struct kith_span){disclosure.sealed, disclosure.sealed_len};
    err = kith_agency_exchange(turn->agency, &reply, &request);
  }
  if (err == KITH_OK) {
    if (reply.error == KITH_REPLY_OK)
      err = mark_sent(turn, &disclosure);
    else
      kith_agency_problem(turn->round, "the matcher refused an answer to a request: %s",
                          kith_reply_error_name(reply.error));
    kith_reply_free(&reply);
  }
  kith_disclosure_free(&disclosure);
  return err;
}

static enum kith_err send_some(struct turn *turn)
{
  struct gathered gathered = {.state = KITH_DISCLOSURE_ANSWERED};
  enum kith_err err = kith_disclosures_each(turn->box, gather_visit, &gathered);

  for (unsigned i = 0; err == KITH_OK && i < gathered.n; i++)
    err = send_one(turn, &gathered.ids[i]);
  return err;
}

enum kith_err kith_disclosures_turn(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct turn turn = {.agency = agency, .round = round};
  enum kith_err err;

  if (!kith_disclosures_may_be(agency, round))
    return KITH_OK;
  err = kith_disclosures_open(&turn.box, agency, round->node->id);
  if (err == KITH_OK)
    err = kith_letters_read_get(turn.box, &turn.read);
  /* Before the matcher is asked for anything: time passes without it. */
  if (err == KITH_OK)
    err = expire_some(&turn);
  if (err == KITH_OK)
    err = take_letters(&turn);
  if (err == KITH_OK)
    err = send_some(&turn);
  kith_disclosures_close(turn.box);
  return err;
}
