/* What a recipient was told about the handles of a list. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/recipient/recipient.h"
#include "cli/recipient/recipient_context.h"
#include "proto/withdrawal.h"

enum { HANDLE_HEX_BYTES = 2 * KITH_HANDLE_BYTES + 1, HEX_ID_BYTES = 2 * KITH_HASH_BYTES + 1 };

const char *kith_asked_state_name(const struct kith_asked *asked)
{
  if (asked->answer)
    return kith_disclosure_verdict_name(asked->answer->body.answer.verdict);
  return asked->state == KITH_ASKED_WRITTEN     ? "not sent yet"
         : asked->state == KITH_ASKED_SENT      ? "waiting"
         : asked->state == KITH_ASKED_WITHDRAWN ? "withdrawn"
                                                : "refused by the matcher";
}

static json_t *fields_json(const struct kith_disclosure_answer *answer)
{
  json_t *fields = json_object();

  for (unsigned i = 0; i < answer->n_fields; i++)
    json_object_set_new(fields, answer->fields[i].field, json_string(answer->fields[i].value));
  return fields;
}

static json_t *tokens_json(const struct kith_disclosure_answer *answer)
{
  json_t *tokens = json_array();

  for (unsigned i = 0; i < answer->n_tokens; i++) {
    char text[2 * KITH_TOKEN_BYTES + 1];

    kith_hex_encode(text, answer->tokens[i], KITH_TOKEN_BYTES);
    json_array_append_new(tokens, json_string(text));
  }
  return tokens;
}

/* Answers before questions that are open; then the later. */
static json_int_t rank(const struct kith_asked *asked)
{
  return asked->answer ? (json_int_t)1 << 40 | asked->answer->time : asked->letter->time;
}

static enum kith_err told_visit(void *context, struct kith_asked *asked)
{
  json_t *told = context;
  const struct kith_disclosure_request *request = &asked->letter->body.request;
  const struct kith_disclosure_answer *answer = asked->answer ? &asked->answer->body.answer : NULL;
  char handle[HANDLE_HEX_BYTES];
  char id[HEX_ID_BYTES];
  json_t *entry;

  if (asked->kind != KITH_LETTER_REQUEST)
    return KITH_OK;
  kith_hex_encode(handle, request->proof.handle, KITH_HANDLE_BYTES);
  kith_hex_encode(id, asked->id.bytes, KITH_HASH_BYTES);
  if (json_integer_value(json_object_get(json_object_get(told, handle), "rank")) > rank(asked))
    return KITH_OK;
  entry = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:I, s:I, s:o}", "state",
                    kith_asked_state_name(asked), "request", id, "refusal",
                    answer ? answer->reason : "", "reference", answer ? answer->reference : "",
                    "fields", answer ? fields_json(answer) : json_object(), "marker",
                    answer ? answer->marker : "", "asked", (json_int_t)asked->letter->time, "rank",
                    rank(asked), "tokens", answer ? tokens_json(answer) : json_array());
  return entry && json_object_set_new(told, handle, entry) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_recipient_told(const struct kith_recipient *recipient, const kith_round_id round,
                                  json_t **out)
{
  json_t *told = json_object();
  enum kith_err err = told ? kith_asked_each(recipient, round, told_visit, told) : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    *out = told;
  else
    json_decref(told);
  return err;
}

/* ---- records that are withdrawn */

struct withdrawing {
  const struct kith_round_view *view;
  struct kith_buf ids; /* of requests about withdrawn records, whose answer is still there */
};

static enum kith_err withdraw_visit(void *context, struct kith_asked *asked)
{
  struct withdrawing *withdrawing = context;

  if (asked->kind == KITH_LETTER_REQUEST && asked->state != KITH_ASKED_WITHDRAWN &&
      kith_withdrawal_of(withdrawing->view, asked->letter->reader,
                         asked->letter->body.request.proof.handle))
    kith_buf_append(&withdrawing->ids, asked->id.bytes, KITH_HASH_BYTES);
  return kith_buf_err(&withdrawing->ids);
}

static enum kith_err withdraw_one(const struct kith_recipient *recipient, const kith_round_id round,
                                  const uint8_t *id)
{
  struct kith_asked asked = {0};
  struct kith_hash hash;
  enum kith_err err;

  memcpy(hash.bytes, id, KITH_HASH_BYTES);
  err = kith_asked_get(recipient, &asked, round, &hash);
  if (err != KITH_OK)
    return err;
  if (asked.answer)
    kith_free_wiped(asked.answer, sizeof *asked.answer);
  if (asked.answer_bytes)
    kith_free_wiped(asked.answer_bytes, asked.answer_len);
  asked.answer = NULL;
  asked.answer_bytes = NULL;
  asked.answer_len = 0;
  asked.state = KITH_ASKED_WITHDRAWN;
  err = kith_asked_put(recipient, &asked, KITH_AUDIT_RECORD_WITHDRAWN);
  kith_asked_free(&asked);
  return err;
}

enum kith_err kith_recipient_withdraw(const struct kith_recipient *recipient,
                                      const struct kith_round_view *view, struct kith_fault *fault)
{
  struct withdrawing withdrawing = {.view = view};
  enum kith_err err;

  if (!view->n_withdrawals)
    return KITH_OK;
  kith_buf_init(&withdrawing.ids, 0);
  err = kith_asked_each(recipient, view->round, withdraw_visit, &withdrawing);
  for (size_t i = 0; err == KITH_OK && i < withdrawing.ids.len; i += KITH_HASH_BYTES)
    err = withdraw_one(recipient, view->round, withdrawing.ids.bytes + i);
  if (err == KITH_OK)
    err = kith_recipient_context_withdraw(recipient, view);
  kith_buf_free(&withdrawing.ids);
  return err == KITH_OK
             ? KITH_OK
             : kith_fail(fault, err, "what was told of withdrawn records can't be taken out: %s",
                         kith_err_name(err));
}

enum kith_err kith_recipient_audit(struct kith_home *home, uint8_t **out, size_t *len,
                                   struct kith_fault *fault)
{
  struct kith_recipient recipient = {0};
  enum kith_err err = kith_recipient_open(&recipient, home, fault);

  if (err == KITH_OK) {
    err = kith_node_audit_piece(recipient.node, 0, KITH_AUDIT_EXPORT_BYTES_MAX, out, len);
    if (err != KITH_OK)
      err = kith_fail(fault, err, "the audit log can't be exported: %s", kith_err_name(err));
  }
  kith_recipient_close(&recipient);
  return err;
}
