#include "daemon/service/withdraw.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/control_json.h"
#include "daemon/service/officers.h"
#include "daemon/service/people.h"
#include "daemon/service/subjects.h"
#include "proto/withdrawal.h"

/* ---- the store: round, number BE -> [index bin32, reason] */

enum { KEY_BYTES = KITH_ROUND_ID_BYTES + 4, VALUE_BYTES_MAX = 64 };

static void kept_key(uint8_t out[KEY_BYTES], const kith_round_id round, uint32_t number)
{
  memcpy(out, round, KITH_ROUND_ID_BYTES);
  kith_put_be(out + KITH_ROUND_ID_BYTES, 4, number);
}

static enum kith_err kept_add(struct kith_agency_round *round,
                              const struct kith_kept_withdrawal *kept)
{
  struct kith_kept_withdrawal *more;

  if (round->n_withdrawals == KITH_WITHDRAWALS_MAX)
    return KITH_ERR_LIMIT;
  more = kith_realloc(round->withdrawals, round->n_withdrawals + 1, sizeof *more);
  if (!more)
    return KITH_ERR_MEMORY;
  round->withdrawals = more;
  more[round->n_withdrawals++] = *kept;
  return KITH_OK;
}

static enum kith_err load_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_kept_withdrawal kept = {0};
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, value.bytes, value.len);

  (void)key;
  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 2);
  kith_read_bin_exact(&reader, kept.index.bytes, KITH_HASH_BYTES);
  kept.reason = (enum kith_withdraw_reason)kith_read_u64(&reader, KITH_WITHDRAW_OBJECTION,
                                                         KITH_WITHDRAW_REASONS - 1);
  err = kith_reader_done(&reader);
  return err == KITH_OK ? kept_add(context, &kept) : err;
}

enum kith_err kith_withdrawals_load(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, agency->node->store, false);

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_WITHDRAWALS,
                          (struct kith_bytes){round->node->id, KITH_ROUND_ID_BYTES}, load_visit,
                          round);
  kith_txn_abort(txn);
  return err;
}

static enum kith_err kept_store(struct kith_txn *txn, const struct kith_agency_round *round,
                                const struct kith_kept_withdrawal *kept)
{
  uint8_t key[KEY_BYTES];
  struct kith_buf value;
  enum kith_err err;

  kept_key(key, round->node->id, round->n_withdrawals + 1);
  kith_buf_init(&value, VALUE_BYTES_MAX);
  kith_write_array(&value, 2);
  kith_write_bin(&value, kept->index.bytes, KITH_HASH_BYTES);
  kith_write_u64(&value, kept->reason);
  err = kith_buf_err(&value);
  if (err == KITH_OK)
    err = kith_store_add(txn, KITH_TABLE_WITHDRAWALS, (struct kith_bytes){key, sizeof key},
                         (struct kith_bytes){value.bytes, value.len});
  kith_buf_free(&value);
  return err;
}

/* ---- which record */

static bool kept_has(const struct kith_agency_round *round, const struct kith_hash *index)
{
  for (unsigned i = 0; i < round->n_withdrawals; i++)
    if (kith_hash_equal(&round->withdrawals[i].index, index))
      return true;
  return false;
}

bool kith_withdrawn(const struct kith_agency *agency, const struct kith_agency_round *round,
                    const uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_hash index;

  kith_withdrawal_index(&index, round->node->id, agency->node->id, handle);
  return kept_has(round, &index);
}

/* Under blind comparison that of the record's person. KITH_ERR_NO: there is none, which elsewhere
 * the table of handles says; KITH_ERR_NOT_FOUND: the table key is destroyed. */
static enum kith_err handle_of(const struct kith_agency *agency,
                               const struct kith_agency_round *round, const char *id,
                               uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_secret *key = NULL;
  enum kith_err err;

  if (round->policy.protection == KITH_PROTECTION_BLIND)
    return kith_people_find(agency, round->node->id, id, handle);
  err = kith_roundkey_load(agency->node->keys, &key, round->node->id, "table", NULL);

  if (err == KITH_OK)
    err = kith_handle_of(handle, round->node->id, key, id, strlen(id));
  kith_secret_free(key);
  return err;
}

enum kith_err kith_withdrawn_id(const struct kith_agency *agency,
                                const struct kith_agency_round *round, const char *id,
                                bool *withdrawn)
{
  uint8_t handle[KITH_HANDLE_BYTES];
  enum kith_err err;

  *withdrawn = false;
  if (!round->n_withdrawals)
    return KITH_OK;
  err = handle_of(agency, round, id, handle);
  if (err == KITH_OK)
    *withdrawn = kith_withdrawn(agency, round, handle);
  return err == KITH_ERR_NO ? KITH_OK : err;
}

/* The index of a record that was submitted, or is about to be; *other: of its person, who is known
 * to the round by another record. */
static enum kith_err record_find(struct kith_agency *agency, const struct kith_agency_round *round,
                                 const char *id, struct kith_hash *index, bool *other,
                                 struct kith_fault *fault)
{
  uint8_t handle[KITH_HANDLE_BYTES];
  struct kith_buf found;
  enum kith_err err = handle_of(agency, round, id, handle);

  if (err == KITH_ERR_NOT_FOUND)
    return kith_fail(fault, err,
                     "this agency holds no records of the round: it has sent none yet, "
                     "or they are destroyed");
  kith_buf_init(&found, 0);
  if (err == KITH_OK)
    err = kith_outbox_record(agency, round->node->id, handle, &found);
  if (err == KITH_ERR_NO)
    err = kith_fail(fault, KITH_ERR_NOT_FOUND,
                    "no record with this id was sent in the round; 'kith source subject' says "
                    "in which rounds it was");
  else if (err != KITH_OK)
    err = kith_fail(fault, err, "the record can't be looked up: %s", kith_err_name(err));
  *other = err == KITH_OK && (found.len != strlen(id) || memcmp(found.bytes, id, found.len) != 0);
  if (found.bytes)
    kith_wipe(found.bytes, found.len);
  kith_buf_free(&found);
  if (err == KITH_OK)
    kith_withdrawal_index(index, round->node->id, agency->node->id, handle);
  return err;
}

/* ---- what an officer decides on */

struct asked {
  enum kith_withdraw_reason reason;
  bool objections; /* all that are on the list of objections */
  bool other;      /* the person's handle is another record's */
  unsigned n;
  struct kith_hash *records; /* owned; their indices */
  unsigned n_over;           /* more than the round takes */
  struct kith_buf text;
  struct kith_officer_question question;
};

static void asked_free(struct asked *asked)
{
  kith_free(asked->records);
  kith_buf_free(&asked->text);
}

static enum kith_err asked_add(struct asked *asked, const struct kith_agency_round *round,
                               const struct kith_hash *index)
{
  struct kith_hash *more;

  for (unsigned i = 0; i < asked->n; i++)
    if (kith_hash_equal(&asked->records[i], index))
      return KITH_OK;
  if (round->n_withdrawals + asked->n == KITH_WITHDRAWALS_MAX) {
    asked->n_over++;
    return KITH_OK;
  }
  more = kith_realloc(asked->records, asked->n + 1, sizeof *more);
  if (!more)
    return KITH_ERR_MEMORY;
  asked->records = more;
  more[asked->n++] = *index;
  return KITH_OK;
}

struct objecting {
  struct kith_agency *agency;
  const struct kith_agency_round *round;
  struct asked *asked;
  struct kith_fault *fault;
};

static enum kith_err objecting_visit(void *context, const char *id)
{
  const struct objecting *objecting = context;
  struct kith_hash index;
  bool other = false;
  enum kith_err err =
      record_find(objecting->agency, objecting->round, id, &index, &other, objecting->fault);

  if (err == KITH_OK && !kept_has(objecting->round, &index))
    err = asked_add(objecting->asked, objecting->round, &index);
  return err;
}

/* Those on the list, which is read anew, who are in the round and not withdrawn yet. */
static enum kith_err objected_find(struct asked *asked, struct kith_agency *agency,
                                   const struct kith_agency_round *round, struct kith_fault *fault)
{
  struct objecting objecting = {agency, round, asked, fault};
  struct kith_objections *list = NULL;
  enum kith_err err;

  if (!agency->config.objections)
    return kith_fail(fault, KITH_ERR_CONFIG, "kithd.conf names no list: [source] objections");
  if (!agency->config.subject_log_days)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "who was encoded is not kept ([agency] subject_log_days = 0), so nobody can "
                     "tell who of the list is in the round");
  err = kith_objections_load(&list, agency->config.objections, fault);
  if (err != KITH_OK)
    return err;
  err = kith_subjects_each(agency, round->node->id, list, objecting_visit, &objecting);
  kith_objections_free(list);
  if (err == KITH_ERR_NOT_FOUND && !fault->text[0])
    return kith_fail(
        fault, KITH_ERR_NO,
        "who was encoded in this round is not known here: the log of it, or its key, is "
        "gone. Withdraw each record by its id");
  if (err != KITH_OK && !fault->text[0])
    return kith_fail(fault, err, "the list of objections can't be compared: %s",
                     kith_err_name(err));
  return err;
}

static void text_records(struct kith_buf *text, const struct asked *asked)
{
  for (unsigned i = 0; i < asked->n; i++) {
    char index[2 * KITH_HASH_BYTES + 1];

    kith_hex_encode(index, asked->records[i].bytes, KITH_HASH_BYTES);
    kith_buf_printf(text, "record     %s\n", index);
  }
}

static enum kith_err text_write(struct asked *asked, const struct kith_agency *agency,
                                const struct kith_agency_round *round)
{
  struct kith_buf *text = &asked->text;
  char id[2 * KITH_ROUND_ID_BYTES + 1];
  enum kith_err err;

  kith_hex_encode(id, round->node->id, KITH_ROUND_ID_BYTES);
  kith_buf_init(text, 0);
  if (asked->objections)
    kith_buf_printf(text, "%s withdraws from a round all who are on its list of objections: %u\n\n",
                    agency->node->id, asked->n);
  else
    kith_buf_printf(text, "%s withdraws a record from a round\n\n", agency->node->id);
  kith_buf_printf(text, "round      %s\n", id);
  text_records(text, asked);
  kith_buf_printf(text,
                  "reason     %s\n\n"
                  "%s left out of what the round has not released yet. After the "
                  "release,\nrecipients are told that it is withdrawn, and what was disclosed of "
                  "it is taken out\nof their store; what they have read or copied can't be taken "
                  "back. All members of\nthe round see that this agency has withdrawn a record, "
                  "and the reason; not whose.\nIt can't be undone.\n",
                  kith_withdraw_reason_name(asked->reason),
                  asked->objections ? "Each record is" : "The record is");
  if (round->policy.protection == KITH_PROTECTION_BLIND)
    kith_buf_printf(text,
                    "\nUnder blind comparison one record stands for a person, with what this "
                    "agency's\nother records of them say. The person is withdrawn, with all "
                    "records that were found\nto be theirs.%s\n",
                    asked->other ? " This record is one of those: another stands for the person."
                                 : "");
  err = kith_buf_err(text);
  asked->question =
      (struct kith_officer_question){.member = agency->node->id, .kind = KITH_OFFICER_WITHDRAW};
  memcpy(asked->question.round, round->node->id, KITH_ROUND_ID_BYTES);
  kith_officer_subject(&asked->question.subject, text->bytes, text->len);
  return err;
}

static enum kith_err check_round(const struct kith_agency *agency,
                                 const struct kith_agency_round *round, struct kith_fault *fault)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);

  if (view->aborted || view->closed || round->finished)
    return kith_fail(fault, KITH_ERR_NO, "the round is over: all that was sent in it is destroyed");
  if (!own || !own->in_roster)
    return kith_fail(fault, KITH_ERR_NO, "this agency takes no part in the round");
  if (!round->outbox_ready)
    return kith_fail(fault, KITH_ERR_NO,
                     "this agency has not encoded its records for the round yet: who is on its "
                     "list of objections by then is not sent");
  return KITH_OK;
}

static enum kith_err over_limit(struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_LIMIT,
                   "an agency can withdraw %d records from a round; governance can abort it",
                   KITH_WITHDRAWALS_MAX);
}

static enum kith_err asked_one(struct asked *out, struct kith_agency *agency,
                               const struct kith_agency_round *round, const char *id,
                               struct kith_fault *fault)
{
  struct kith_hash index;
  enum kith_err err = record_find(agency, round, id, &index, &out->other, fault);

  if (err != KITH_OK)
    return err;
  if (kept_has(round, &index))
    return kith_fail(fault, KITH_ERR_NO, "the record is withdrawn from this round already");
  err = asked_add(out, round, &index);
  return err == KITH_OK ? err : kith_fail(fault, err, "%s", kith_err_name(err));
}

static enum kith_err asked_objections(struct asked *out, struct kith_agency *agency,
                                      const struct kith_agency_round *round,
                                      struct kith_fault *fault)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);
  enum kith_err err;

  if (!own->manifested)
    return kith_fail(fault, KITH_ERR_NO,
                     "this agency has not sent its records yet: they are not sent while somebody "
                     "on the list is among them");
  err = objected_find(out, agency, round, fault);
  if (err == KITH_OK && !out->n && !out->n_over)
    return kith_fail(fault, KITH_ERR_NOT_FOUND,
                     "nobody on the list of objections is in the round, or they are withdrawn");
  return err;
}

/* Frees: asked_free, whatever comes back. */
static enum kith_err asked_read(struct asked *out, struct kith_agency *agency,
                                const struct kith_agency_round *round, const json_t *request,
                                struct kith_fault *fault)
{
  const json_t *id = json_object_get(request, "id");
  const char *reason = json_string_value(json_object_get(request, "reason"));
  enum kith_err err;

  out->objections = json_is_true(json_object_get(request, "objections"));
  if (out->objections == (id != NULL) ||
      (id && (!json_is_string(id) || json_string_length(id) == 0 ||
              json_string_length(id) > KITH_RECORD_ID_BYTES_MAX ||
              strlen(json_string_value(id)) != json_string_length(id))))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "\"id\" must be an id of the source, or \"objections\" true");
  if (!reason || kith_withdraw_reason_parse(&out->reason, reason) != KITH_OK ||
      (out->objections && out->reason != KITH_WITHDRAW_OBJECTION))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "\"reason\" must be objection, erasure, error or other; of the list of "
                     "objections, objection");
  if ((err = check_round(agency, round, fault)) != KITH_OK)
    return err;
  err = out->objections ? asked_objections(out, agency, round, fault)
                        : asked_one(out, agency, round, json_string_value(id), fault);
  if (err != KITH_OK)
    return err;
  if (out->n_over)
    return over_limit(fault);
  err = text_write(out, agency, round);
  return err == KITH_OK ? KITH_OK : kith_fail(fault, err, "%s", kith_err_name(err));
}

/* ---- requests */

json_t *kith_withdraw_show(struct kith_agency *agency, struct kith_agency_round *round,
                           const json_t *request)
{
  struct kith_fault fault = {0};
  struct asked asked = {0};
  char hash[2 * KITH_HASH_BYTES + 1];
  json_t *reply;

  fault.err = asked_read(&asked, agency, round, request, &fault);
  if (fault.err == KITH_OK) {
    kith_hex_encode(hash, asked.question.subject.bytes, KITH_HASH_BYTES);
    reply = json_pack("{s:b, s:s, s:o, s:s, s:I, s:o}", "ok", 1, "member", agency->node->id, "text",
                      json_stringn((const char *)asked.text.bytes, asked.text.len), "text_hash",
                      hash, "now", (json_int_t)kith_node_now(agency->node), "decisions",
                      kith_agency_decisions_json(agency, round));
  } else {
    reply = kith_control_refuse(fault.err, fault.text);
  }
  asked_free(&asked);
  return reply;
}

static enum kith_err decision_of(struct kith_officer_decision *out, const json_t *request,
                                 struct kith_fault *fault)
{
  enum kith_err err = kith_control_decision(out, request);

  if (err == KITH_ERR_DENIED)
    return kith_fail(fault, err,
                     "an officer's signed decision is needed: 'kith round withdraw' signs it with "
                     "--officer-key");
  return err == KITH_OK ? err : kith_fail(fault, err, "\"decision\" is no decision in base64");
}

/* The decision and what is to be said of it become durable together. */
static enum kith_err keep(struct kith_agency *agency, struct kith_agency_round *round,
                          const struct asked *asked, const struct kith_kept_decision *decision,
                          struct kith_fault *fault)
{
  const unsigned n_decisions = round->n_decisions;
  const unsigned n_withdrawals = round->n_withdrawals;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err == KITH_OK)
    err = kith_agency_decision_keep(agency, txn, round, decision, &asked->text);
  for (unsigned i = 0; err == KITH_OK && i < asked->n; i++) {
    const struct kith_kept_withdrawal kept = {asked->records[i], asked->reason};

    if ((err = kept_store(txn, round, &kept)) == KITH_OK)
      err = kept_add(round, &kept);
    if (err == KITH_OK)
      err = kith_node_audit(agency->node, txn, KITH_AUDIT_RECORD_WITHDRAWN, round->node->id, NULL,
                            &kept.index, kept.reason);
  }
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  if (err == KITH_OK)
    return KITH_OK;
  round->n_decisions = n_decisions;
  round->n_withdrawals = n_withdrawals;
  return kith_fail(fault, err, "the withdrawal could not be kept: %s", kith_err_name(err));
}

json_t *kith_withdraw_decide(struct kith_agency *agency, struct kith_agency_round *round,
                             const json_t *request)
{
  struct kith_officer_decision decision = {0};
  struct kith_kept_decision kept = {0};
  struct kith_fault fault = {0};
  struct asked asked = {0};
  bool repeated = false;
  json_t *reply;

  fault.err = asked_read(&asked, agency, round, request, &fault);
  if (fault.err == KITH_OK)
    fault.err = decision_of(&decision, request, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_agency_decision_check(agency, round, &asked.question, &decision, &kept,
                                           &repeated, &fault);
  if (fault.err == KITH_OK)
    fault.err = keep(agency, round, &asked, &kept, &fault);
  agency->wake = agency->wake || fault.err == KITH_OK;
  reply = fault.err == KITH_OK
              ? json_pack("{s:b, s:i, s:o}", "ok", 1, "number", (int)round->n_withdrawals,
                          "withdrawals", kith_withdrawals_json(agency, round))
              : kith_control_refuse(fault.err, fault.text);
  asked_free(&asked);
  return reply;
}

json_t *kith_withdrawals_json(const struct kith_agency *agency,
                              const struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  json_t *list = json_array();

  for (unsigned i = 0; list && i < round->n_withdrawals; i++) {
    const struct kith_kept_withdrawal *kept = &round->withdrawals[i];
    const struct kith_withdrawal *taken =
        kith_withdrawal_find(view, agency->node->id, &kept->index);
    char index[2 * KITH_HASH_BYTES + 1];

    kith_hex_encode(index, kept->index.bytes, KITH_HASH_BYTES);
    json_array_append_new(
        list, json_pack("{s:i, s:s, s:s, s:b, s:b}", "number", (int)i + 1, "index", index, "reason",
                        kith_withdraw_reason_name(kept->reason), "taken", taken != NULL,
                        "after_release", taken && taken->after_release));
  }
  return list;
}

json_t *kith_withdraw_objected_json(struct kith_agency *agency,
                                    const struct kith_agency_round *round)
{
  struct kith_fault fault = {0};
  struct asked asked = {0};
  enum kith_err err = objected_find(&asked, agency, round, &fault);
  json_t *n = err == KITH_OK ? json_integer((json_int_t)asked.n + asked.n_over) : json_null();

  asked_free(&asked);
  return n;
}

bool kith_withdraw_objected_known(const struct kith_agency *agency,
                                  const struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);

  return agency->config.objections && agency->config.subject_log_days && own && own->manifested &&
         !view->closed && !view->aborted && !round->finished;
}

/* ---- saying it */

enum kith_err kith_withdrawals_turn(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);
  uint32_t said = kith_withdrawals_by(view, agency->node->id);
  struct kith_statement statement = {.type = KITH_STATEMENT_WITHDRAW};

  if (!own || !own->manifested || said >= round->n_withdrawals || view->closed || view->aborted)
    return KITH_OK;
  statement.body.withdraw = (struct kith_withdraw){.roster = view->roster_hash,
                                                   .number = said + 1,
                                                   .reason = round->withdrawals[said].reason,
                                                   .index = round->withdrawals[said].index};
  return kith_agency_post(agency, round, &statement);
}
