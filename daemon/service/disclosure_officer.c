/* What officers ask on the control socket: the queue, one request as it is signed, a decision. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/control_json.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/withdraw.h"

enum { FOUND_MAX = 256, PREFIX_MIN = 8 };

static const char *state_name(const struct kith_disclosure *disclosure)
{
  return disclosure->state == KITH_DISCLOSURE_WAITING
             ? "waiting"
             : kith_disclosure_verdict_name(disclosure->verdict);
}

/* ---- the queue */

struct listing {
  struct kith_agency *agency;
  const struct kith_agency_round *round;
  bool all;  /* not only what waits */
  bool more; /* of a round, than there is room for */
  json_t *list;
  unsigned n; /* of this round, in the arrays below */
  json_t *items[FOUND_MAX];
  struct kith_source_record records[FOUND_MAX];
  struct kith_buf ids[FOUND_MAX];
};

static json_t *fields_json(const struct kith_disclosure_request *request)
{
  json_t *fields = json_array();

  for (unsigned i = 0; i < request->n_fields; i++)
    json_array_append_new(fields, json_string(request->fields[i]));
  return fields;
}

static json_t *item_json(const struct listing *listing, const struct kith_disclosure *disclosure)
{
  const struct kith_disclosure_request *request = &disclosure->letter->body.request;
  const struct kith_policy *policy = &listing->round->policy;

  return json_pack(
      "{s:o, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:i}", "id",
      kith_control_hex(disclosure->id.bytes, KITH_HASH_BYTES), "round",
      kith_control_hex(listing->round->node->id, KITH_ROUND_ID_BYTES), "state",
      state_name(disclosure), "refusal", disclosure->refusal, "recipient",
      disclosure->letter->author, "asked", (json_int_t)disclosure->letter->time, "came",
      (json_int_t)disclosure->came, "expires", (json_int_t)request->expires, "reason",
      request->reason, "words", request->words, "gateway", request->gateway, "policy", policy->name,
      "purpose", policy->purpose, "fields", fields_json(request), "officers_needed",
      (int)policy->disclosure.officers, "decisions", (int)disclosure->n_decisions);
}

static enum kith_err list_visit(void *context, struct kith_disclosure *disclosure)
{
  struct listing *listing = context;
  struct kith_buf *id = &listing->ids[listing->n];
  json_t *item;
  enum kith_err err = KITH_ERR_NO;

  if (!listing->all && disclosure->state != KITH_DISCLOSURE_WAITING)
    return KITH_OK;
  if (listing->n == FOUND_MAX) {
    listing->more = true;
    return KITH_ERR_CANCELLED;
  }
  item = item_json(listing, disclosure);
  if (!item || json_array_append_new(listing->list, item) != 0)
    return KITH_ERR_MEMORY;
  if (disclosure->state == KITH_DISCLOSURE_WAITING)
    err = kith_outbox_record(listing->agency, listing->round->node->id,
                             disclosure->letter->body.request.proof.handle, id);
  if (err != KITH_OK)
    return KITH_OK;
  listing->items[listing->n] = item; /* the list owns it */
  listing->n++;
  return KITH_OK;
}

static enum kith_err list_records(struct listing *listing, struct kith_fault *fault)
{
  enum kith_err err;

  for (unsigned i = 0; i < listing->n; i++)
    listing->records[i].id = (const char *)listing->ids[i].bytes;
  err = kith_source_records(listing->agency, listing->records, listing->n, &listing->round->policy,
                            fault);
  for (unsigned i = 0; err == KITH_OK && i < listing->n; i++) {
    const struct kith_source_record *record = &listing->records[i];

    json_object_set_new(listing->items[i], "record",
                        record->found ? json_incref(record->columns) : json_null());
    json_object_set_new(listing->items[i], "marker", json_string(record->marker));
    json_object_set_new(listing->items[i], "wrong_before", json_integer(record->n_tokens));
  }
  return err;
}

static void list_clear(struct listing *listing)
{
  for (unsigned i = 0; i < FOUND_MAX; i++) {
    kith_source_record_free(&listing->records[i]);
    if (listing->ids[i].bytes)
      kith_wipe(listing->ids[i].bytes, listing->ids[i].len);
    kith_buf_free(&listing->ids[i]);
  }
  listing->n = 0;
}

static enum kith_err list_round(struct listing *listing, struct kith_fault *fault)
{
  struct kith_disclosures *box = NULL;
  enum kith_err err = kith_disclosures_open(&box, listing->agency, listing->round->node->id);

  if (err == KITH_OK)
    err = kith_disclosures_each(box, list_visit, listing);
  if (err == KITH_OK)
    err = list_records(listing, fault);
  list_clear(listing);
  kith_disclosures_close(box);
  return err;
}

bool kith_disclosures_may_be(const struct kith_agency *agency,
                             const struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);

  return view->released && !view->closed && !round->finished && !round->expired &&
         kith_round_seat(view, agency->node->id) && round->policy.disclosure.present;
}

json_t *kith_disclosures_list(struct kith_agency *agency, const json_t *request)
{
  struct listing *listing = KITH_NEW(struct listing);
  struct kith_fault fault = {0};
  json_t *list = json_array();
  enum kith_err err = listing && list ? KITH_OK : KITH_ERR_MEMORY;
  bool more;

  for (unsigned i = 0; err == KITH_OK && i < agency->n_rounds; i++) {
    if (!kith_disclosures_may_be(agency, agency->rounds[i]))
      continue;
    listing->agency = agency;
    listing->round = agency->rounds[i];
    listing->all = json_is_true(json_object_get(request, "all"));
    listing->list = list;
    err = list_round(listing, &fault);
  }
  more = listing && listing->more;
  kith_free(listing);
  if (err != KITH_OK) {
    json_decref(list);
    return kith_control_refuse(err, fault.text[0] ? fault.text : "the requests can't be read");
  }
  return json_pack("{s:b, s:o, s:b}", "ok", 1, "disclosures", list, "more", more);
}

/* ---- one request */

struct one {
  struct kith_agency *agency;
  struct kith_agency_round *round;
  struct kith_disclosures *box;
  struct kith_disclosure disclosure;
  struct kith_disclosure_choice choice;
  struct kith_source_record record;
  struct kith_buf id;
  struct kith_buf text;
  const char *why; /* a refusal's text */
  struct kith_fault fault;
};

static void one_free(struct one *one)
{
  kith_disclosure_free(&one->disclosure);
  kith_disclosures_close(one->box);
  kith_source_record_free(&one->record);
  if (one->id.bytes)
    kith_wipe(one->id.bytes, one->id.len);
  kith_buf_free(&one->id);
  if (one->text.bytes)
    kith_wipe(one->text.bytes, one->text.len);
  kith_buf_free(&one->text);
}

struct seeking {
  const char *prefix;
  unsigned n;
  struct kith_hash id;
};

static enum kith_err seek_visit(void *context, struct kith_disclosure *disclosure)
{
  struct seeking *seeking = context;
  char text[2 * KITH_HASH_BYTES + 1];

  kith_hex_encode(text, disclosure->id.bytes, KITH_HASH_BYTES);
  if (strncmp(text, seeking->prefix, strlen(seeking->prefix)) == 0) {
    seeking->n++;
    seeking->id = disclosure->id;
  }
  return KITH_OK;
}

static enum kith_err one_find(struct one *one, const char *prefix)
{
  struct seeking seeking = {.prefix = prefix};
  enum kith_err err = KITH_OK;

  one->why = "the id of a request, or at least 8 digits of it, was expected";
  if (!prefix || strlen(prefix) < PREFIX_MIN)
    return KITH_ERR_USAGE;
  for (unsigned i = 0; err == KITH_OK && i < one->agency->n_rounds; i++) {
    struct kith_disclosures *box = NULL;
    unsigned before = seeking.n;

    if (!kith_disclosures_may_be(one->agency, one->agency->rounds[i]))
      continue;
    err = kith_disclosures_open(&box, one->agency, one->agency->rounds[i]->node->id);
    if (err == KITH_OK)
      err = kith_disclosures_each(box, seek_visit, &seeking);
    if (seeking.n > before) {
      kith_disclosures_close(one->box);
      one->box = box;
      one->round = one->agency->rounds[i];
    } else {
      kith_disclosures_close(box);
    }
  }
  one->why = seeking.n ? "more than one request begins so: give more digits"
                       : "no such request; see 'kith disclosure list'";
  if (err == KITH_OK && seeking.n != 1)
    return KITH_ERR_NOT_FOUND;
  return err == KITH_OK ? kith_disclosure_get(one->box, &one->disclosure, &seeking.id) : err;
}

/* What is to be told: the fields asked for, or fewer. */
static enum kith_err choose_fields(struct one *one, const json_t *fields)
{
  const struct kith_disclosure_request *asked = &one->disclosure.letter->body.request;
  struct kith_disclosure_choice *choice = &one->choice;

  one->why = "\"fields\" must be some of those that were asked for";
  choice->verdict = KITH_DISCLOSURE_GRANTED;
  for (unsigned i = 0; i < asked->n_fields; i++) {
    bool wanted = !json_is_array(fields);

    for (size_t j = 0; j < json_array_size(fields); j++) {
      const char *name = json_string_value(json_array_get(fields, j));

      wanted |= name && strcmp(name, asked->fields[i]) == 0;
    }
    if (wanted)
      memcpy(choice->fields[choice->n_fields++], asked->fields[i], KITH_FIELD_NAME_BYTES);
  }
  if (json_is_array(fields) && choice->n_fields != json_array_size(fields))
    return KITH_ERR_USAGE;
  if (choice->n_fields < asked->n_fields)
    choice->verdict = KITH_DISCLOSURE_REDUCED;
  return KITH_OK;
}

static enum kith_err choose(struct one *one, const json_t *request)
{
  const char *decision = json_string_value(json_object_get(request, "choice"));
  const char *reason = json_string_value(json_object_get(request, "reason"));
  bool by_officer = false;

  one->why = "\"choice\" must be approve or refuse";
  if (!decision)
    return KITH_ERR_USAGE;
  if (strcmp(decision, "approve") == 0)
    return choose_fields(one, json_object_get(request, "fields"));
  if (strcmp(decision, "refuse") != 0)
    return KITH_ERR_USAGE;
  one->why = "the reason must be not_needed, safety, wrong_record, no_gateway, objection or other";
  if (!reason || !kith_refusal_words(reason, &by_officer) || !by_officer)
    return KITH_ERR_USAGE;
  one->choice.verdict = KITH_DISCLOSURE_REFUSED;
  strncpy(one->choice.refusal, reason, sizeof one->choice.refusal - 1);
  return KITH_OK;
}

/* What was well when the request came may be so no more. */
static enum kith_err still_asked(struct one *one)
{
  const struct kith_letter *letter = one->disclosure.letter;

  one->why = "the request is answered already";
  if (one->disclosure.state != KITH_DISCLOSURE_WAITING)
    return KITH_ERR_NO;
  one->why = "the request has expired, and can't be answered any more";
  if (letter->body.request.expires <= kith_node_now(one->agency->node))
    return KITH_ERR_NO;
  one->why = "the recipient's keys are not in the charter any more: it can only be refused";
  if (one->choice.verdict != KITH_DISCLOSURE_REFUSED &&
      !kith_disclosure_reader_stands(one->agency, one->round, letter->author))
    return KITH_ERR_DENIED;
  return KITH_OK;
}

/* The request, the choice, the record as it is now, and the text. */
static enum kith_err one_load(struct one *one, const json_t *request)
{
  enum kith_err err = one_find(one, json_string_value(json_object_get(request, "id")));

  if (err != KITH_OK || (err = choose(one, request)) != KITH_OK ||
      (err = still_asked(one)) != KITH_OK)
    return err;
  one->why = "the record can't be read";
  err = kith_outbox_record(one->agency, one->round->node->id,
                           one->disclosure.letter->body.request.proof.handle, &one->id);
  if (err != KITH_OK)
    return err;
  one->record.id = (const char *)one->id.bytes;
  err = kith_source_records(one->agency, &one->record, 1, &one->round->policy, &one->fault);
  if (err != KITH_OK)
    return err;
  one->why = "the record is not in the source any more: it can only be refused";
  if (!one->record.found && one->choice.verdict != KITH_DISCLOSURE_REFUSED)
    return KITH_ERR_NO;
  one->why = "out of memory";
  return kith_disclosure_text(&one->text, one->agency, one->round, &one->disclosure, &one->record,
                              &one->choice);
}

static json_t *one_refuse(struct one *one, enum kith_err err)
{
  return kith_control_refuse(err, one->fault.text[0] ? one->fault.text : one->why);
}

static struct kith_officer_question question_of(const struct one *one)
{
  struct kith_officer_question question = {.member = one->agency->node->id,
                                           .kind = one->choice.verdict == KITH_DISCLOSURE_REFUSED
                                                       ? KITH_OFFICER_REFUSE
                                                       : KITH_OFFICER_APPROVE};

  memcpy(question.round, one->round->node->id, sizeof question.round);
  kith_officer_subject(&question.subject, one->text.bytes, one->text.len);
  return question;
}

static json_t *decisions_json(const struct kith_disclosure *disclosure)
{
  json_t *list = json_array();

  for (unsigned i = 0; i < disclosure->n_decisions; i++) {
    const struct kith_officer_decision *decision = &disclosure->decisions[i];
    char fingerprint[KITH_FINGERPRINT_BYTES];

    kith_officer_fingerprint(fingerprint, decision->key);
    json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "fingerprint", fingerprint, "decision",
                                          kith_officer_kind_name(decision->kind), "time",
                                          (json_int_t)decision->time));
  }
  return list;
}

json_t *kith_disclosures_show(struct kith_agency *agency, const json_t *request)
{
  struct one *one = KITH_NEW(struct one);
  json_t *reply = NULL;
  enum kith_err err;

  if (!one)
    return NULL;
  one->agency = agency;
  err = one_load(one, request);
  if (err == KITH_OK) {
    struct kith_officer_question question = question_of(one);

    reply = json_pack("{s:b, s:s, s:o, s:o, s:o, s:o, s:i, s:I, s:o}", "ok", 1, "member",
                      agency->node->id, "id",
                      kith_control_hex(one->disclosure.id.bytes, KITH_HASH_BYTES), "round",
                      kith_control_hex(one->round->node->id, KITH_ROUND_ID_BYTES), "text",
                      json_stringn((const char *)one->text.bytes, one->text.len), "text_hash",
                      kith_control_hex(question.subject.bytes, KITH_HASH_BYTES), "kind",
                      (int)question.kind, "now", (json_int_t)kith_node_now(agency->node),
                      "decisions", decisions_json(&one->disclosure));
  } else {
    reply = one_refuse(one, err);
  }
  one_free(one);
  kith_free(one);
  return reply;
}

/* ---- deciding */

/* The decision is the officer's, fresh, and about what would be shown now. */
static enum kith_err decision_take(struct one *one, const json_t *request)
{
  struct kith_officer_question question = question_of(one);
  struct kith_disclosure *disclosure = &one->disclosure;
  struct kith_officer_decision decision;
  enum kith_err err = kith_control_decision(&decision, request);

  one->why = err == KITH_ERR_DENIED
                 ? "an officer's signed decision is needed: approve and refuse sign it with "
                   "--officer-key"
                 : "\"decision\" is no decision in base64";
  if (err != KITH_OK)
    return err;
  err =
      kith_officer_decision_verify(NULL, &decision, &one->agency->officers, &question, &one->fault);
  if (err == KITH_OK)
    err = kith_officer_decision_fresh(&decision, kith_node_now(one->agency->node), &one->fault);
  if (err != KITH_OK)
    return err;
  one->why = "this officer has decided since: an older decision is not taken";
  for (unsigned i = 0; i < disclosure->n_decisions; i++) {
    if (memcmp(disclosure->decisions[i].key, decision.key, sizeof decision.key) != 0)
      continue;
    if (decision.time <= disclosure->decisions[i].time)
      return KITH_ERR_DENIED;
    /* An officer may think again; what counts is the last word. */
    memmove(&disclosure->decisions[i], &disclosure->decisions[i + 1],
            (disclosure->n_decisions - i - 1) * sizeof decision);
    disclosure->n_decisions--;
  }
  one->why = "as many officers have decided as there is room for";
  if (disclosure->n_decisions == KITH_OFFICERS_MAX)
    return KITH_ERR_LIMIT;
  disclosure->decisions[disclosure->n_decisions++] = decision;
  return KITH_OK;
}

/* A record that was withdrawn while the request waited is not disclosed any more. */
static enum kith_err not_withdrawn(struct one *one)
{
  const uint8_t *handle = one->disclosure.letter->body.request.proof.handle;

  if (question_of(one).kind == KITH_OFFICER_REFUSE ||
      !kith_withdrawn(one->agency, one->round, handle))
    return KITH_OK;
  one->why = "the record was withdrawn from the round: refuse the request";
  return KITH_ERR_DENIED;
}

json_t *kith_disclosures_decide(struct kith_agency *agency, const json_t *request)
{
  struct one *one = KITH_NEW(struct one);
  struct kith_officer_question question;
  unsigned have = 0;
  unsigned needed;
  json_t *reply;
  enum kith_err err;

  if (!one)
    return NULL;
  one->agency = agency;
  err = one_load(one, request);
  if (err == KITH_OK)
    err = decision_take(one, request);
  if (err == KITH_OK)
    err = not_withdrawn(one);
  if (err != KITH_OK) {
    reply = one_refuse(one, err);
    goto end;
  }
  question = question_of(one);
  /* Nothing leaves by a refusal: one officer is enough for it. */
  needed = question.kind == KITH_OFFICER_REFUSE ? 1 : one->round->policy.disclosure.officers;
  have = kith_officer_decisions_count(&agency->officers, &question, one->disclosure.decisions,
                                      one->disclosure.n_decisions);
  one->why = "the decision could not be kept";
  if (have >= needed)
    err = kith_disclosure_answer(agency, one->round, &one->disclosure, &one->record, &one->choice);
  if (err == KITH_OK)
    err = kith_disclosure_keep(agency, one->box, &one->disclosure, &one->choice, one->record.id);
  agency->wake = err == KITH_OK;
  reply = err == KITH_OK
              ? json_pack("{s:b, s:s, s:i, s:i}", "ok", 1, "state", state_name(&one->disclosure),
                          "officers", (int)have, "officers_needed", (int)needed)
              : one_refuse(one, err);
end:
  one_free(one);
  kith_free(one);
  return reply;
}
