/* What a recipient was told about the handles of a list. */
#include <string.h>

#include "base/text.h"
#include "cli/recipient.h"

enum { HANDLE_HEX_BYTES = 2 * KITH_HANDLE_BYTES + 1, HEX_ID_BYTES = 2 * KITH_HASH_BYTES + 1 };

const char *kith_asked_state_name(const struct kith_asked *asked)
{
  if (asked->answer)
    return kith_disclosure_verdict_name(asked->answer->body.answer.verdict);
  return asked->state == KITH_ASKED_WRITTEN ? "not sent yet"
         : asked->state == KITH_ASKED_SENT  ? "waiting"
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

enum kith_err kith_recipient_told(struct kith_home *home, const kith_round_id round, json_t **out,
                                  struct kith_fault *fault)
{
  struct kith_recipient recipient = {0};
  json_t *told = json_object();
  enum kith_err err = kith_recipient_open(&recipient, home, fault);

  if (err == KITH_OK && !told)
    err = kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if (err == KITH_OK && (err = kith_asked_each(&recipient, round, told_visit, told)) != KITH_OK)
    err = kith_fail(fault, err, "what was asked can't be read: %s", kith_err_name(err));
  kith_recipient_close(&recipient);
  if (err == KITH_OK)
    *out = told;
  else
    json_decref(told);
  return err;
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
