#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/subjects.h"
#include "proto/audit.h"

static const struct kith_disclosure_request *request_of(const struct kith_disclosure *disclosure)
{
  return &disclosure->letter->body.request;
}

static bool tells(enum kith_disclosure_verdict verdict)
{
  return verdict == KITH_DISCLOSURE_GRANTED || verdict == KITH_DISCLOSURE_REDUCED;
}

/* ---- what an officer reads and signs */

static void put_time(struct kith_buf *out, const char *what, int64_t time)
{
  char text[KITH_TIME_BYTES];

  kith_time_format(text, time);
  kith_buf_printf(out, "%-14s %s\n", what, text);
}

static void put_record(struct kith_buf *out, const struct kith_source_record *record)
{
  const json_t *pair;
  size_t i;

  if (!record || !record->found) {
    kith_buf_append_string(out, "\nthe record is not in the source any more\n");
    return;
  }
  kith_buf_append_string(out, "\nthe record, as the source has it:\n");
  json_array_foreach(record->columns, i, pair)
  {
    kith_buf_printf(out, "  %-20s %s\n", json_string_value(json_array_get(pair, 0)),
                    json_string_value(json_array_get(pair, 1)));
  }
  if (record->marker[0])
    kith_buf_printf(out, "  SAFETY MARKER        %s\n", record->marker);
  if (record->n_tokens)
    kith_buf_printf(out, "  CARE                 it was in a wrong link before, %u time%s\n",
                    record->n_tokens, record->n_tokens == 1 ? "" : "s");
}

static void put_choice(struct kith_buf *out, const struct kith_source_record *record,
                       const struct kith_disclosure_choice *choice)
{
  if (!tells(choice->verdict)) {
    kith_buf_printf(out, "\ndecision: nothing is told, because %s (%s)\n",
                    kith_refusal_words(choice->refusal, NULL), choice->refusal);
    return;
  }
  kith_buf_append_string(out, "\ndecision: this is told:\n");
  kith_buf_printf(out, "  %-20s %s\n", "reference", record ? record->id : "");
  for (unsigned i = 0; i < choice->n_fields; i++) {
    const char *value = record && record->found
                            ? json_string_value(json_object_get(record->fields, choice->fields[i]))
                            : NULL;

    kith_buf_printf(out, "  %-20s %s\n", choice->fields[i],
                    value ? value : "(not in the source: left out)");
  }
  if (record && record->marker[0])
    kith_buf_printf(out, "  %-20s %s\n", "safety marker", record->marker);
}

enum kith_err kith_disclosure_text(struct kith_buf *out, const struct kith_agency *agency,
                                   const struct kith_agency_round *round,
                                   const struct kith_disclosure *disclosure,
                                   const struct kith_source_record *record,
                                   const struct kith_disclosure_choice *choice)
{
  const struct kith_disclosure_request *request = request_of(disclosure);
  const char *answers = kith_policy_answers(&round->policy, agency->node->id);
  char hex[2 * KITH_HASH_BYTES + 1];

  kith_hex_encode(hex, disclosure->id.bytes, KITH_HASH_BYTES);
  kith_buf_printf(out, "%-14s %s\n", "request", hex);
  kith_hex_encode(hex, round->node->id, KITH_ROUND_ID_BYTES);
  kith_buf_printf(out, "%-14s %s\n", "round", hex);
  kith_buf_printf(out, "%-14s %s\n", "asked by", disclosure->letter->author);
  kith_buf_printf(out, "%-14s %s\n", "asked of", agency->node->id);
  put_time(out, "asked at", disclosure->letter->time);
  put_time(out, "expires", request->expires);
  kith_buf_printf(out, "%-14s %s\n", "policy", round->policy.name);
  kith_buf_printf(out, "%-14s %s\n", "purpose", round->policy.purpose);
  kith_buf_printf(out, "%-14s %s\n", "their gateway", request->gateway);
  kith_buf_printf(out, "%-14s %s\n", "our gateway", answers ? answers : "none");
  kith_buf_printf(out, "%-14s %s\n", "reason", request->reason);
  kith_buf_printf(out, "%-14s %s\n", "in words", request->words);
  kith_buf_printf(out, "%-14s", "asked for");
  for (unsigned i = 0; i < request->n_fields; i++)
    kith_buf_printf(out, " %s", request->fields[i]);
  kith_buf_append_string(out, "\n");
  put_record(out, record);
  if (choice)
    put_choice(out, record, choice);
  return kith_buf_err(out);
}

/* ---- the answer */

static void answer_fill(struct kith_disclosure_answer *answer,
                        const struct kith_source_record *record,
                        const struct kith_disclosure_choice *choice)
{
  answer->verdict = choice->verdict;
  if (!tells(choice->verdict)) {
    memcpy(answer->reason, choice->refusal, sizeof answer->reason);
    return;
  }
  strncpy(answer->reference, record->id, sizeof answer->reference - 1);
  for (unsigned i = 0; i < choice->n_fields; i++) {
    const char *value = json_string_value(json_object_get(record->fields, choice->fields[i]));

    if (!value)
      continue;
    memcpy(answer->fields[answer->n_fields].field, choice->fields[i], KITH_FIELD_NAME_BYTES);
    strncpy(answer->fields[answer->n_fields].value, value, KITH_DISCLOSED_BYTES - 1);
    answer->n_fields++;
  }
  memcpy(answer->marker, record->marker, sizeof answer->marker);
  answer->n_tokens = record->n_tokens;
  memcpy(answer->tokens, record->tokens, sizeof answer->tokens);
}

/* Sealed to the recipient's key of the round's charter. */
static enum kith_err answer_seal(struct kith_disclosure *disclosure,
                                 const struct kith_agency_round *round,
                                 const struct kith_letter *letter, const struct kith_buf *bytes)
{
  const struct kith_member *recipient = kith_charter_member(&round->node->charter, letter->reader);
  struct kith_envelope envelope = {.kind = KITH_LETTER_ANSWER};

  if (!recipient)
    return KITH_ERR_NOT_FOUND;
  memcpy(envelope.round, letter->round, sizeof envelope.round);
  memcpy(envelope.author, letter->author, sizeof envelope.author);
  memcpy(envelope.reader, letter->reader, sizeof envelope.reader);
  return kith_letter_seal(&disclosure->sealed, &disclosure->sealed_len, recipient->keys.seal,
                          &envelope, bytes->bytes, bytes->len);
}

enum kith_err kith_disclosure_answer(struct kith_agency *agency,
                                     const struct kith_agency_round *round,
                                     struct kith_disclosure *disclosure,
                                     const struct kith_source_record *record,
                                     const struct kith_disclosure_choice *choice)
{
  struct kith_letter *letter = KITH_NEW(struct kith_letter);
  struct kith_buf bytes;
  enum kith_err err = KITH_ERR_MEMORY;

  kith_buf_init(&bytes, KITH_LETTER_BYTES_MAX);
  if (!letter)
    return err;
  letter->kind = KITH_LETTER_ANSWER;
  memcpy(letter->round, round->node->id, sizeof letter->round);
  memcpy(letter->author, agency->node->id, sizeof letter->author);
  memcpy(letter->reader, disclosure->letter->author, sizeof letter->reader);
  letter->time = kith_node_now(agency->node);
  letter->body.answer.request = disclosure->id;
  answer_fill(&letter->body.answer, record, choice);
  err = kith_letter_write(&bytes, letter, agency->node->identity);
  if (err == KITH_OK)
    err = answer_seal(disclosure, round, letter, &bytes);
  if (err == KITH_OK) {
    disclosure->state = KITH_DISCLOSURE_ANSWERED;
    disclosure->answered = letter->time;
    disclosure->verdict = choice->verdict;
    memcpy(disclosure->refusal, choice->refusal, sizeof disclosure->refusal);
  }
  if (bytes.bytes)
    kith_wipe(bytes.bytes, bytes.len);
  kith_buf_free(&bytes);
  kith_free_wiped(letter, sizeof *letter);
  return err;
}

/* ---- keeping it */

enum kith_err kith_disclosure_audit(struct kith_agency *agency, struct kith_txn *txn,
                                    enum kith_audit_event event,
                                    const struct kith_disclosure *disclosure)
{
  const struct kith_disclosure_request *request = request_of(disclosure);
  struct kith_audit_value values[KITH_AUDIT_VALUES_MAX];
  struct kith_hash words;
  unsigned n = 0;
  enum kith_err err = kith_words_commit(&words, request);

  if (err != KITH_OK)
    return err;
  values[n++] = kith_audit_round("round", disclosure->letter->round);
  values[n++] = kith_audit_id("member", disclosure->letter->author);
  values[n++] = kith_audit_hash("hash", &disclosure->id);
  values[n++] = kith_audit_id("reason", request->reason);
  values[n++] = kith_audit_hash("words", &words);
  if (disclosure->verdict)
    values[n++] = kith_audit_number("verdict", disclosure->verdict);
  if (disclosure->refusal[0])
    values[n++] = kith_audit_id("refusal", disclosure->refusal);
  if ((event == KITH_AUDIT_DISCLOSURE_APPROVED || event == KITH_AUDIT_DISCLOSURE_REFUSED) &&
      disclosure->n_decisions) {
    struct kith_hash officer;

    kith_officer_key_hash(&officer, disclosure->decisions[disclosure->n_decisions - 1].key);
    values[n++] = kith_audit_hash("officer", &officer);
  }
  return kith_audit_append(txn, KITH_TABLE_AUDIT, kith_node_now(agency->node), event, values, n,
                           NULL);
}

static enum kith_err subject_keep(struct kith_agency *agency, struct kith_txn *txn,
                                  const struct kith_disclosure *disclosure,
                                  const struct kith_disclosure_choice *choice, const char *id)
{
  struct kith_disclosed disclosed = {.time = disclosure->answered,
                                     .reduced = choice->verdict == KITH_DISCLOSURE_REDUCED,
                                     .n_fields = choice->n_fields};

  memcpy(disclosed.recipient, disclosure->letter->author, sizeof disclosed.recipient);
  memcpy(disclosed.reason, request_of(disclosure)->reason, sizeof disclosed.reason);
  memcpy(disclosed.fields, choice->fields, sizeof disclosed.fields);
  return kith_subjects_disclosed(agency, txn, disclosure->letter->round, id, &disclosed);
}

enum kith_err kith_disclosure_keep(struct kith_agency *agency, const struct kith_disclosures *box,
                                   const struct kith_disclosure *disclosure,
                                   const struct kith_disclosure_choice *choice,
                                   const char *record_id)
{
  enum kith_audit_event event = tells(choice->verdict) ? KITH_AUDIT_DISCLOSURE_APPROVED
                                : choice->verdict == KITH_DISCLOSURE_EXPIRED
                                    ? KITH_AUDIT_DISCLOSURE_EXPIRED
                                    : KITH_AUDIT_DISCLOSURE_REFUSED;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_disclosure_put(box, txn, disclosure);
  if (err == KITH_OK)
    err = kith_disclosure_audit(agency, txn, event, disclosure);
  if (err == KITH_OK && tells(choice->verdict) && disclosure->state == KITH_DISCLOSURE_ANSWERED)
    err = subject_keep(agency, txn, disclosure, choice, record_id);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}
