#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/officers.h"

enum { KEY_BYTES = KITH_ROUND_ID_BYTES + 4, KEPT_VALUES = 4, KEPT_BYTES_MAX = 512 * 1024 };

/* ---- the store: round, number BE -> [decision bin, officer, version of the list, text bin] */

static void kept_key(uint8_t out[KEY_BYTES], const kith_round_id round, uint32_t number)
{
  memcpy(out, round, KITH_ROUND_ID_BYTES);
  kith_put_be(out + KITH_ROUND_ID_BYTES, 4, number);
}

static enum kith_err kept_add(struct kith_agency_round *round,
                              const struct kith_kept_decision *kept)
{
  struct kith_kept_decision *more;

  if (round->n_decisions == KITH_ROUND_DECISIONS_MAX)
    return KITH_ERR_LIMIT;
  more = kith_realloc(round->decisions, round->n_decisions + 1, sizeof *more);
  if (!more)
    return KITH_ERR_MEMORY;
  round->decisions = more;
  more[round->n_decisions++] = *kept;
  return KITH_OK;
}

static enum kith_err load_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_agency_round *round = context;
  struct kith_kept_decision kept = {0};
  struct kith_reader reader;
  const uint8_t *bytes;
  size_t len;
  enum kith_err err = kith_reader_init(&reader, value.bytes, value.len);

  (void)key;
  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, KEPT_VALUES);
  bytes = kith_read_bin(&reader, &len, 1, KITH_OFFICER_DECISION_BYTES_MAX);
  kith_read_member(&reader, kept.officer);
  (void)kith_read_u64(&reader, 1, UINT64_MAX);
  (void)kith_read_value(&reader, &(size_t){0});
  err = kith_reader_done(&reader);
  if (err == KITH_OK)
    err = kith_officer_decision_read(&kept.decision, bytes, len);
  return err == KITH_OK ? kept_add(round, &kept) : err;
}

enum kith_err kith_agency_decisions_load(struct kith_agency *agency,
                                         struct kith_agency_round *round)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, agency->node->store, false);

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_DECISIONS,
                          (struct kith_bytes){round->node->id, KITH_ROUND_ID_BYTES}, load_visit,
                          round);
  kith_txn_abort(txn);
  return err;
}

static enum kith_err kept_store(struct kith_agency *agency, struct kith_txn *txn,
                                const struct kith_agency_round *round,
                                const struct kith_kept_decision *kept, const struct kith_buf *text)
{
  uint8_t key[KEY_BYTES];
  struct kith_buf bytes;
  struct kith_buf value;
  enum kith_err err;

  kept_key(key, round->node->id, round->n_decisions);
  kith_buf_init(&bytes, KITH_OFFICER_DECISION_BYTES_MAX);
  kith_buf_init(&value, KEPT_BYTES_MAX);
  kith_officer_decision_write(&bytes, &kept->decision);
  kith_write_array(&value, KEPT_VALUES);
  kith_write_bin(&value, bytes.bytes, bytes.len);
  kith_write_string(&value, kept->officer);
  kith_write_u64(&value, agency->officers.version);
  kith_write_bin(&value, text->bytes, text->len);
  err = kith_buf_err(&bytes);
  if (err == KITH_OK)
    err = kith_buf_err(&value);
  if (err == KITH_OK)
    err = kith_store_add(txn, KITH_TABLE_DECISIONS, (struct kith_bytes){key, sizeof key},
                         (struct kith_bytes){value.bytes, value.len});
  kith_buf_free(&bytes);
  kith_buf_free(&value);
  return err;
}

static enum kith_err kept_audit(struct kith_agency *agency, struct kith_txn *txn,
                                const struct kith_kept_decision *kept)
{
  const struct kith_officer_decision *decision = &kept->decision;
  struct kith_audit_value values[6];
  struct kith_hash key;

  kith_officer_key_hash(&key, decision->key);
  values[0] = kith_audit_round("round", decision->round);
  values[1] = kith_audit_id("officer", kept->officer);
  values[2] = kith_audit_hash("key", &key);
  values[3] = kith_audit_number("kind", decision->kind);
  values[4] = kith_audit_hash("subject", &decision->subject);
  values[5] = kith_audit_number("reason", decision->reason);
  return kith_audit_append(txn, KITH_TABLE_AUDIT, kith_node_now(agency->node),
                           KITH_AUDIT_OFFICER_DECISION, values, KITH_COUNT_OF(values), NULL);
}

/* ---- what follows from them */

bool kith_agency_undecided(const struct kith_agency *agency, const struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);

  return own && own->invited && !own->joined && !own->declined && !round->finished &&
         round->decision == KITH_DECISION_NONE && kith_round_step(view) == KITH_STEP_GATHER;
}

static struct kith_officer_question question_of(const struct kith_agency *agency,
                                                const struct kith_agency_round *round,
                                                enum kith_officer_kind kind,
                                                const struct kith_buf *text)
{
  struct kith_officer_question question = {.member = agency->node->id, .kind = kind};

  memcpy(question.round, round->node->id, sizeof question.round);
  kith_officer_subject(&question.subject, text->bytes, text->len);
  return question;
}

/* The latest of the kept decisions by this key; NULL if none. */
static const struct kith_officer_decision *latest_by(const struct kith_agency_round *round,
                                                     const uint8_t key[KITH_PUBLIC_BYTES])
{
  for (unsigned i = round->n_decisions; i > 0; i--)
    if (memcmp(round->decisions[i - 1].decision.key, key, KITH_PUBLIC_BYTES) == 0)
      return &round->decisions[i - 1].decision;
  return NULL;
}

/* Who decided otherwise later is not counted: one decision for each key, the latest. */
static unsigned count_latest(const struct kith_agency *agency,
                             const struct kith_agency_round *round,
                             const struct kith_officer_question *question)
{
  struct kith_officer_decision latest[KITH_ROUND_DECISIONS_MAX];
  unsigned n = 0;

  for (unsigned i = 0; i < round->n_decisions; i++)
    if (latest_by(round, round->decisions[i].decision.key) == &round->decisions[i].decision)
      latest[n++] = round->decisions[i].decision;
  return kith_officer_decisions_count(&agency->officers, question, latest, n);
}

enum kith_err kith_agency_joined_by(const struct kith_agency *agency,
                                    const struct kith_agency_round *round, unsigned *n)
{
  struct kith_officer_question question;
  struct kith_buf text;
  enum kith_err err;

  *n = 0;
  if (!round->n_decisions)
    return KITH_OK;
  err = kith_agency_showing(agency, round, &text);
  if (err != KITH_OK)
    return err;
  question = question_of(agency, round, KITH_OFFICER_JOIN, &text);
  *n = count_latest(agency, round, &question);
  kith_buf_free(&text);
  return KITH_OK;
}

enum kith_err kith_agency_waiting(const struct kith_agency *agency,
                                  const struct kith_agency_round *round,
                                  char out[KITH_WAITING_BYTES])
{
  const unsigned needed = round->policy.officers;
  unsigned n = 0;
  enum kith_err err;

  out[0] = '\0';
  if (!kith_agency_undecided(agency, round))
    return KITH_OK;
  err = kith_agency_joined_by(agency, round, &n);
  if (err != KITH_OK)
    return err;
  if (agency->officers.n < needed)
    (void)snprintf(out, KITH_WAITING_BYTES,
                   "%u officer%s must decide, and %u %s on this agency's list: 'kith officer add'",
                   needed, needed == 1 ? "" : "s", agency->officers.n,
                   agency->officers.n == 1 ? "is" : "are");
  else if (n > 0)
    (void)snprintf(out, KITH_WAITING_BYTES,
                   "%u of %u officers %s decided to join; %u more must decide", n, needed,
                   n == 1 ? "has" : "have", needed - n);
  else
    (void)snprintf(out, KITH_WAITING_BYTES, "%u officer%s must decide", needed,
                   needed == 1 ? "" : "s");
  return KITH_OK;
}

json_t *kith_agency_decisions_json(const struct kith_agency *agency,
                                   const struct kith_agency_round *round)
{
  json_t *list = json_array();

  for (unsigned i = 0; list && i < round->n_decisions; i++) {
    const struct kith_officer_decision *decision = &round->decisions[i].decision;
    const struct kith_officer *listed = kith_officer_by_key(&agency->officers, decision->key);
    char fingerprint[KITH_FINGERPRINT_BYTES];

    kith_officer_fingerprint(fingerprint, decision->key);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:i, s:b}", "officer",
                                          round->decisions[i].officer, "fingerprint", fingerprint,
                                          "decision", kith_officer_kind_name(decision->kind),
                                          "time", (json_int_t)decision->time, "reason",
                                          (int)decision->reason, "on_list", listed != NULL));
  }
  return list;
}

/* ---- a decision comes in */

static enum kith_err check_round(const struct kith_agency *agency,
                                 const struct kith_agency_round *round, enum kith_officer_kind kind,
                                 struct kith_fault *fault)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);

  if (kind == KITH_OFFICER_JOIN && round->decision == KITH_DECISION_DECLINE)
    return kith_fail(fault, KITH_ERR_NO, "an officer of this agency has declined the round");
  if (!own || kith_round_step(view) != KITH_STEP_GATHER || own->joined || own->declined)
    return kith_fail(fault, KITH_ERR_NO,
                     "the round is past deciding: it can be aborted by governance");
  if (kind == KITH_OFFICER_JOIN && round->policy.trial && !agency->config.allow_trial)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "this is a trial round: it writes out who is behind each handle. Set "
                     "[agency] allow_trial = yes if that is meant");
  return KITH_OK;
}

enum kith_err kith_agency_decision_check(const struct kith_agency *agency,
                                         const struct kith_agency_round *round,
                                         const struct kith_officer_question *question,
                                         const struct kith_officer_decision *decision,
                                         struct kith_kept_decision *kept, bool *repeated,
                                         struct kith_fault *fault)
{
  const struct kith_officer_decision *last = latest_by(round, decision->key);
  const struct kith_officer *officer = NULL;
  enum kith_err err;

  if (agency->officers.n == 0)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "this agency has no officers on its list yet: 'kith officer new' makes a key, "
                     "'kith officer add' puts it on the list");
  err = kith_officer_decision_verify(&officer, decision, &agency->officers, question, fault);
  if (err != KITH_OK)
    return err;
  *repeated = last && memcmp(last->signature, decision->signature, sizeof last->signature) == 0;
  if (!*repeated) {
    err = kith_officer_decision_fresh(decision, kith_node_now(agency->node), fault);
    if (err != KITH_OK)
      return err;
    if (last && decision->time <= last->time)
      return kith_fail(fault, KITH_ERR_DENIED, "officer '%s' has decided on this round since",
                       officer->id);
  }
  kept->decision = *decision;
  (void)snprintf(kept->officer, sizeof kept->officer, "%s", officer->id);
  return KITH_OK;
}

enum kith_err kith_agency_decision_keep(struct kith_agency *agency, struct kith_txn *txn,
                                        struct kith_agency_round *round,
                                        const struct kith_kept_decision *kept,
                                        const struct kith_buf *text)
{
  enum kith_err err = kept_store(agency, txn, round, kept, text);

  if (err == KITH_OK)
    err = kept_audit(agency, txn, kept);
  return err == KITH_OK ? kept_add(round, kept) : err;
}

/* The decision, and what it makes the agency do, become durable together. */
static enum kith_err keep(struct kith_agency *agency, struct kith_agency_round *round,
                          const struct kith_kept_decision *kept,
                          const struct kith_officer_question *question, const struct kith_buf *text)
{
  const bool joins = kept->decision.kind == KITH_OFFICER_JOIN;
  const enum kith_decision before = round->decision;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_agency_decision_keep(agency, txn, round, kept, text);
  if (err != KITH_OK) {
    kith_txn_abort(txn);
    return err;
  }
  if (!joins)
    round->decision = KITH_DECISION_DECLINE;
  else if (count_latest(agency, round, question) >= round->policy.officers)
    round->decision = KITH_DECISION_JOIN;
  err = kith_agency_round_store(agency, txn, round);
  if (err == KITH_OK && round->decision != before)
    err = kith_node_audit(agency->node, txn,
                          joins ? KITH_AUDIT_OFFICER_JOINED : KITH_AUDIT_OFFICER_DECLINED,
                          round->node->id, NULL, NULL, 0);
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  if (err == KITH_OK) {
    agency->wake = round->decision != before;
    return KITH_OK;
  }
  round->decision = before;
  round->n_decisions--;
  return err;
}

enum kith_err kith_agency_decide(struct kith_agency *agency, struct kith_agency_round *round,
                                 enum kith_officer_kind kind, const void *bytes, size_t len,
                                 struct kith_fault *fault)
{
  const enum kith_decision wanted =
      kind == KITH_OFFICER_JOIN ? KITH_DECISION_JOIN : KITH_DECISION_DECLINE;
  struct kith_officer_decision decision;
  struct kith_officer_question question;
  struct kith_kept_decision kept = {0};
  struct kith_buf text;
  bool repeated = false;
  enum kith_err err;

  if (kith_officer_decision_read(&decision, bytes, len) != KITH_OK)
    return kith_fail(fault, KITH_ERR_DATA, "the decision can't be read");
  err = kith_agency_showing(agency, round, &text);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s", kith_err_name(err));
  question = question_of(agency, round, kind, &text);
  err = kith_agency_decision_check(agency, round, &question, &decision, &kept, &repeated, fault);
  /* What is decided already, or said again, needs no more. */
  if (err == KITH_OK && !repeated && round->decision != wanted) {
    err = check_round(agency, round, kind, fault);
    if (err == KITH_OK && (err = keep(agency, round, &kept, &question, &text)) != KITH_OK)
      err = kith_fail(fault, err, "the decision could not be kept: %s", kith_err_name(err));
  }
  kith_buf_free(&text);
  if (err == KITH_ERR_DENIED)
    kith_log(KITH_LOG_WARNING, "officer.refused",
             KITH_LOG_STR("decision", kith_officer_kind_name(kind)));
  return err;
}
