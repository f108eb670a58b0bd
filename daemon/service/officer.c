#include "daemon/service/agency.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/control_json.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/encode_job.h"
#include "daemon/service/officers.h"
#include "daemon/service/subjects.h"
#include "daemon/service/withdraw.h"
#include "proto/submission.h"

/* Requests: {"do": "status"}, {"do": "rounds"}, {"do": "subject", "id": ID}, {"do": "audit",
 * "offset": N}, {"do": "officers"}, {"do": "officers-put", "document": BASE64, "signature":
 * BASE64},
 * {"do": "show" | "recount" | "join" | "decline" | "trial-map", "round": HEX, "after": HEX,
 * "decision": BASE64},
 * {"do": "withdraw-show" | "withdraw", "round": HEX, "id": ID | "objections": true, "reason": CODE,
 * "decision": BASE64}.
 * Replies: {"ok": true, ...} or {"ok": false, "error": TEXT, "exit": N}. */

enum { TRIAL_PAGE = 500 };

/* ---- one round, in words
 * --------------------------------------------------------------------------- */

static const char *decision_name(enum kith_decision decision)
{
  static const char *const names[] = {"none", "join", "decline"};

  return names[decision];
}

static json_t *round_json(const struct kith_agency *agency, const struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  char waiting[KITH_WAITING_BYTES] = "";
  bool encoding = agency->job && kith_encode_job_is_of(agency->job, round->node->id);
  unsigned progress = encoding ? kith_encode_job_progress(agency->job) : round->progress;
  enum kith_err err = kith_agency_waiting(agency, round, waiting);
  json_t *object =
      json_pack("{s:o, s:s, s:i, s:I, s:I, s:i, s:s, s:b, s:b, s:s, s:s}", "round",
                kith_control_hex(round->node->id, KITH_ROUND_ID_BYTES), "state",
                round->state ? kith_round_state_name(round->state) : "announced", "attempt",
                (int)view->attempt, "opened", (json_int_t)view->opened_at, "deadline",
                (json_int_t)round->deadline, "progress", (int)progress, "decision",
                decision_name(round->decision), "trial", round->policy.trial, "finished",
                round->finished, "problem", round->problem, "waiting", waiting);

  if (err != KITH_OK) {
    json_decref(object);
    return NULL;
  }
  if (object && view->aborted) {
    json_object_set_new(object, "reason", json_string(kith_reason_name(view->abort.reason)));
    json_object_set_new(object, "culprit", json_string(view->abort.culprit));
  }
  return object;
}

/* Records left out because others stand for their people; -1: hidden, as few as they are. */
static json_t *duplicates_json(const struct kith_agency_round *round)
{
  uint64_t n = round->n_duplicates;

  return json_integer(n && n < round->policy.minimum_count ? -1
                                                           : (json_int_t)kith_count_rounded(n));
}

static json_t *fields_json(const struct kith_policy *policy)
{
  json_t *fields = json_array();

  for (unsigned i = 0; i < policy->n_fields; i++)
    json_array_append_new(fields, json_string(policy->fields[i].field));
  return fields;
}

static json_t *members_json(const kith_member_id *members, unsigned n)
{
  json_t *array = json_array();

  for (unsigned i = 0; i < n; i++)
    json_array_append_new(array, json_string(members[i]));
  return array;
}

static const char *own_gateway(const struct kith_agency *agency, const struct kith_policy *policy)
{
  for (unsigned i = 0; i < policy->n_agencies; i++)
    if (strcmp(policy->agencies[i].id, agency->node->id) == 0)
      return policy->agencies[i].gateway;
  return "";
}

static void set_policy(json_t *object, const struct kith_agency *agency,
                       const struct kith_agency_round *round)
{
  const struct kith_open *open = &kith_node_round_view(round->node)->open;
  const struct kith_policy *policy = &round->policy;

  json_object_set_new(object, "purpose", json_string(policy->purpose));
  json_object_set_new(object, "policy", json_string(policy->name));
  json_object_set_new(object, "policy_hash", kith_control_hex(open->policy.bytes, KITH_HASH_BYTES));
  json_object_set_new(object, "gateway", json_string(own_gateway(agency, policy)));
  json_object_set_new(object, "fields", fields_json(policy));
  json_object_set_new(object, "bits", json_integer(policy->bits));
  json_object_set_new(object, "mask", json_boolean(policy->mask));
  json_object_set_new(object, "agencies", members_json(open->agencies, open->n_agencies));
  json_object_set_new(object, "recipients", members_json(open->recipients, open->n_recipients));
  json_object_set_new(object, "rule", json_string(policy->rule));
  json_object_set_new(object, "expires", json_integer((json_int_t)open->expires));
  json_object_set_new(object, "retention_days", json_integer(policy->retention_days));
}

static const char count_problem[] = "the records in scope can't be counted";

/* What an officer reads before deciding: what would leave, to whom, for what, until when. "text" is
 * what they sign. */
static json_t *do_show(struct kith_agency *agency, struct kith_agency_round *round, bool recount)
{
  struct kith_fault fault = {0};
  struct kith_hash subject;
  struct kith_buf text;
  json_t *object;
  enum kith_err err = KITH_OK;

  if (recount || kith_agency_undecided(agency, round))
    err = kith_agency_count_scope(agency, round, recount, &fault);
  if (err != KITH_OK && recount)
    return kith_control_refuse(err, fault.text);
  if (err != KITH_OK)
    kith_agency_problem(round, "%s: %s", count_problem, fault.text);
  else if (round->counted_at &&
           strncmp(round->problem, count_problem, sizeof count_problem - 1) == 0)
    round->problem[0] = '\0';
  object = round_json(agency, round);
  if (!object || kith_agency_showing(agency, round, &text) != KITH_OK) {
    json_decref(object);
    return NULL;
  }
  kith_officer_subject(&subject, text.bytes, text.len);
  json_object_set_new(object, "ok", json_true());
  json_object_set_new(object, "member", json_string(agency->node->id));
  set_policy(object, agency, round);
  json_object_set_new(object, "officers_needed", json_integer(round->policy.officers));
  json_object_set_new(object, "decisions", kith_agency_decisions_json(agency, round));
  json_object_set_new(object, "now", json_integer((json_int_t)kith_node_now(agency->node)));
  json_object_set_new(object, "withdrawals", kith_withdrawals_json(agency, round));
  if (kith_withdraw_objected_known(agency, round))
    json_object_set_new(object, "objected", kith_withdraw_objected_json(agency, round));
  json_object_set_new(object, "feedback", kith_disclosures_feedback(agency, round));
  if (round->outbox_ready && round->policy.protection == KITH_PROTECTION_BLIND)
    json_object_set_new(object, "duplicates", duplicates_json(round));
  json_object_set_new(object, "text", json_stringn((const char *)text.bytes, text.len));
  json_object_set_new(object, "text_hash", kith_control_hex(subject.bytes, KITH_HASH_BYTES));
  kith_buf_free(&text);
  return object;
}

/* ---- verbs
 * -------------------------------------------------------------------------------------------- */

static json_t *do_status(struct kith_agency *agency)
{
  struct kith_client_counts counts;
  int n_waiting = 0;

  for (unsigned i = 0; i < agency->n_rounds; i++)
    n_waiting += kith_agency_undecided(agency, agency->rounds[i]);
  kith_client_get_counts(agency->client, &counts);
  return json_pack("{s:b, s:s, s:s, s:I, s:b, s:I, s:i, s:i, s:i, s:I, s:I}", "ok", 1, "member",
                   agency->node->id, "charter", agency->node->charter.name, "charter_version",
                   (json_int_t)agency->node->charter.version, "connected", agency->connected,
                   "last_answer", (json_int_t)agency->last_answer, "rounds", (int)agency->n_rounds,
                   "rounds_to_decide", n_waiting, "officers", (int)agency->officers.n, "sent_bytes",
                   (json_int_t)counts.sent_bytes, "received_bytes",
                   (json_int_t)counts.received_bytes);
}

static json_t *do_rounds(struct kith_agency *agency)
{
  json_t *rounds = json_array();

  for (unsigned i = 0; i < agency->n_rounds; i++)
    json_array_append_new(rounds, round_json(agency, agency->rounds[i]));
  return json_pack("{s:b, s:o}", "ok", 1, "rounds", rounds);
}

/* Bytes of a base64 string in a request (kith_free); KITH_ERR_DATA where it is none. */
static enum kith_err request_bytes(uint8_t **out, size_t *len, const json_t *request,
                                   const char *key)
{
  const json_t *value = json_object_get(request, key);
  size_t text_len = json_string_length(value);
  uint8_t *bytes;
  enum kith_err err;

  if (!json_is_string(value) || text_len == 0)
    return KITH_ERR_DATA;
  bytes = kith_realloc(NULL, text_len, 1);
  if (!bytes)
    return KITH_ERR_MEMORY;
  err = kith_base64_decode_any(bytes, len, text_len, json_string_value(value), text_len);
  if (err != KITH_OK) {
    kith_free(bytes);
    return err;
  }
  *out = bytes;
  return KITH_OK;
}

static json_t *do_decide(struct kith_agency *agency, struct kith_agency_round *round,
                         enum kith_officer_kind kind, const json_t *request)
{
  KITH_AUTO_FREE uint8_t *decision = NULL;
  struct kith_fault fault = {0};
  json_t *object;
  size_t len = 0;
  enum kith_err err;

  if (!json_object_get(request, "decision"))
    return kith_control_refuse(KITH_ERR_DENIED,
                               "an officer's signed decision is needed: 'kith round join' and "
                               "'decline' sign it with --officer-key");
  err = request_bytes(&decision, &len, request, "decision");
  if (err == KITH_ERR_DATA)
    return kith_control_refuse(err, "\"decision\" is no decision in base64");
  if (err == KITH_OK)
    err = kith_agency_decide(agency, round, kind, decision, len, &fault);
  if (err != KITH_OK)
    return kith_control_refuse(err, fault.text[0] ? fault.text : kith_err_name(err));
  object = round_json(agency, round);
  if (object)
    json_object_set_new(object, "ok", json_true());
  return object;
}

/* ---- the list of officers */

static json_t *do_officers(const struct kith_agency *agency)
{
  const struct kith_officers *list = &agency->officers;
  json_t *officers = json_array();

  for (unsigned i = 0; officers && i < list->n; i++) {
    const struct kith_officer *officer = &list->officers[i];
    char fingerprint[KITH_FINGERPRINT_BYTES];
    char key[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)];

    kith_officer_fingerprint(fingerprint, officer->key);
    kith_base64_encode(key, officer->key, KITH_PUBLIC_BYTES);
    json_array_append_new(officers,
                          json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", officer->id, "role",
                                    officer->role, "fingerprint", fingerprint, "key", key,
                                    "valid_from", (json_int_t)officer->valid_from, "expires",
                                    (json_int_t)officer->expires));
  }
  return json_pack("{s:b, s:s, s:I, s:o}", "ok", 1, "member", agency->node->id, "version",
                   (json_int_t)list->version, "officers", officers);
}

static json_t *do_officers_put(struct kith_agency *agency, const json_t *request)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  KITH_AUTO_FREE uint8_t *signature = NULL;
  struct kith_signed document = {0};
  struct kith_fault fault = {0};
  size_t len = 0;
  size_t signature_len = 0;
  enum kith_err err = request_bytes(&bytes, &len, request, "document");

  if (err == KITH_OK)
    err = request_bytes(&signature, &signature_len, request, "signature");
  if (err == KITH_OK && signature_len != KITH_SIGN_BYTES)
    err = KITH_ERR_DATA;
  if (err == KITH_OK)
    err = kith_signed_from_bytes(&document, KITH_DOCUMENT_OFFICERS, bytes, len);
  if (err != KITH_OK)
    return kith_control_refuse(
        err, "a list of officers and the agency's signature were expected, in base64");
  memcpy(document.signatures[0].key, agency->node->identity->public_keys.sign, KITH_PUBLIC_BYTES);
  memcpy(document.signatures[0].signature, signature, KITH_SIGN_BYTES);
  document.n_signatures = 1;
  err = kith_agency_officers_take(agency, &document, &fault);
  kith_signed_free(&document);
  return err == KITH_OK ? do_officers(agency) : kith_control_refuse(err, fault.text);
}

static enum kith_err trial_visit(void *context, const uint8_t *handle, const char *id)
{
  json_t *entry = json_pack("[o, s]", kith_control_hex(handle, KITH_HANDLE_BYTES), id);

  return entry && json_array_append_new(context, entry) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

static json_t *do_trial_map(struct kith_agency *agency, struct kith_agency_round *round,
                            const char *after_hex)
{
  uint8_t after[KITH_HASH_BYTES] = {0};
  bool first = after_hex[0] == '\0';
  bool more = false;
  json_t *entries;
  enum kith_err err;

  if (!round->policy.trial)
    return kith_control_refuse(KITH_ERR_DENIED,
                               "only a trial round has a map from handles to records");
  if (!first && kith_hex_decode(after, sizeof after, after_hex) != KITH_OK)
    return kith_control_refuse(KITH_ERR_USAGE, "\"after\" is not what the last page ended with");
  entries = json_array();
  err = kith_outbox_trial_map(agency, round, after, TRIAL_PAGE, &more, trial_visit, entries);
  if (err == KITH_OK && first)
    err = kith_agency_round_save(agency, round, KITH_AUDIT_TRIAL_MAP, 0);
  if (err != KITH_OK) {
    json_decref(entries);
    return kith_control_refuse(
        err, err == KITH_ERR_NOT_FOUND
                 ? "the map is not there: it is made when the agency submits, and "
                   "destroyed when the round ends"
                 : "the map can't be read");
  }
  return json_pack("{s:b, s:s, s:o, s:b, s:o}", "ok", 1, "party", agency->node->id, "entries",
                   entries, "more", more, "after", kith_control_hex(after, sizeof after));
}

/* The id is personal: it is in no log and in no error. */
static json_t *do_subject(struct kith_agency *agency, const json_t *request)
{
  const json_t *id = json_object_get(request, "id");
  struct kith_fault fault = {0};
  json_t *reply = NULL;
  enum kith_err err;

  if (!json_is_string(id) || json_string_length(id) == 0 ||
      json_string_length(id) > KITH_ID_BYTES_MAX ||
      strlen(json_string_value(id)) != json_string_length(id))
    return kith_control_refuse(KITH_ERR_USAGE, "\"id\" must be an id of the source");
  err = kith_subject_report(agency, &reply, json_string_value(id), &fault);
  if (err == KITH_OK)
    return reply;
  return kith_control_refuse(err, fault.text[0] ? fault.text : "the report can't be made");
}

/* The log in pieces, as it is exported. */
static json_t *do_audit(struct kith_agency *agency, const json_t *request)
{
  enum { PIECE = 1024 * 1024 };
  json_int_t offset = json_integer_value(json_object_get(request, "offset"));
  KITH_AUTO_FREE uint8_t *piece = NULL;
  KITH_AUTO_FREE char *base64 = NULL;
  size_t len = 0;
  enum kith_err err =
      offset < 0 ? KITH_ERR_USAGE
                 : kith_node_audit_piece(agency->node, (uint64_t)offset, PIECE, &piece, &len);

  if (err != KITH_OK)
    return kith_control_refuse(err, "the audit log can't be exported");
  base64 = kith_realloc(NULL, KITH_BASE64_BYTES(len), 1);
  if (!base64)
    return NULL;
  kith_base64_encode(base64, piece, len);
  return json_pack(
      "{s:b, s:I, s:o, s:s}", "ok", 1, "total", (json_int_t)agency->node->audit_export.len, "hash",
      kith_control_hex(agency->node->audit_export.hash.bytes, KITH_HASH_BYTES), "piece", base64);
}

static json_t *answer_about_round(struct kith_agency *agency, const char *verb,
                                  const json_t *request)
{
  const char *id_hex = json_string_value(json_object_get(request, "round"));
  const char *after = json_string_value(json_object_get(request, "after"));
  struct kith_agency_round *round;
  kith_round_id id;

  if (!id_hex || kith_hex_decode(id, sizeof id, id_hex) != KITH_OK)
    return kith_control_refuse(KITH_ERR_USAGE, "\"round\" must be the 32 hex digits of a round");
  round = kith_agency_round_find(agency, id);
  if (!round)
    return kith_control_refuse(KITH_ERR_NOT_FOUND,
                               "no such round is known here; see 'kith round list'");
  if (strcmp(verb, "show") == 0)
    return do_show(agency, round, false);
  if (strcmp(verb, "recount") == 0)
    return do_show(agency, round, true);
  if (strcmp(verb, "join") == 0)
    return do_decide(agency, round, KITH_OFFICER_JOIN, request);
  if (strcmp(verb, "decline") == 0)
    return do_decide(agency, round, KITH_OFFICER_DECLINE, request);
  if (strcmp(verb, "withdraw-show") == 0)
    return kith_withdraw_show(agency, round, request);
  if (strcmp(verb, "withdraw") == 0)
    return kith_withdraw_decide(agency, round, request);
  if (strcmp(verb, "trial-map") == 0)
    return do_trial_map(agency, round, after ? after : "");
  return kith_control_refuse(KITH_ERR_USAGE, "unknown request");
}

enum kith_err kith_officer_answer(struct kith_agency *agency, char **out, const char *request,
                                  size_t len)
{
  json_t *object = json_loadb(request, len, JSON_REJECT_DUPLICATES, NULL);
  const char *verb = json_string_value(json_object_get(object, "do"));
  json_t *reply;
  char *text;

  if (!verb)
    reply = kith_control_refuse(KITH_ERR_USAGE, "one JSON object with \"do\" was expected");
  else if (strcmp(verb, "status") == 0)
    reply = do_status(agency);
  else if (strcmp(verb, "rounds") == 0)
    reply = do_rounds(agency);
  else if (strcmp(verb, "officers") == 0)
    reply = do_officers(agency);
  else if (strcmp(verb, "officers-put") == 0)
    reply = do_officers_put(agency, object);
  else if (strcmp(verb, "audit") == 0)
    reply = do_audit(agency, object);
  else if (strcmp(verb, "subject") == 0)
    reply = do_subject(agency, object);
  else if (strcmp(verb, "disclosures") == 0)
    reply = kith_disclosures_list(agency, object);
  else if (strcmp(verb, "disclosure-show") == 0)
    reply = kith_disclosures_show(agency, object);
  else if (strcmp(verb, "disclosure-decide") == 0)
    reply = kith_disclosures_decide(agency, object);
  else
    reply = answer_about_round(agency, verb, object);
  json_decref(object);
  text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
  json_decref(reply);
  if (!text)
    return KITH_ERR_MEMORY;
  *out = kith_strdup(text);
  free(text);
  return *out ? KITH_OK : KITH_ERR_MEMORY;
}
