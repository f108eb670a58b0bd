#include "proto/officer.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proto/document.h"

static const char decision_label[] = "kith officer decision v1";

/* ---- the list */

/* Of an officer in a list and of a card. */
static void officer_read(struct kith_officer *out, struct kith_json_reader *reader)
{
  kith_document_member(reader, "id", out->id);
  kith_document_text(reader, "role", out->role, sizeof out->role, true);
  (void)kith_json_string(reader, "key", NULL);
  kith_document_key(reader, "key", json_object_get(reader->object, "key"), true, out->key);
}

static void listed_read(struct kith_officers *out, struct kith_json_reader *reader)
{
  struct kith_officer *officer = &out->officers[out->n];

  officer_read(officer, reader);
  officer->valid_from = kith_document_time(reader, "valid_from");
  officer->expires = kith_document_time(reader, "expires");
  if (reader->err == KITH_OK && officer->expires <= officer->valid_from)
    kith_json_refuse(reader, "expires", "is not after valid_from");
  for (unsigned i = 0; i < out->n && reader->err == KITH_OK; i++) {
    if (strcmp(officer->id, out->officers[i].id) == 0)
      kith_json_refuse(reader, "id", "officers[%u] has the same; each needs their own", i);
    else if (memcmp(officer->key, out->officers[i].key, KITH_PUBLIC_BYTES) == 0)
      kith_json_refuse(reader, "key", "officers[%u] has the same; each needs their own", i);
  }
}

static void officers_read(struct kith_officers *out, struct kith_json_reader *reader)
{
  json_t *array;

  kith_document_head(reader, "officers");
  kith_document_member(reader, "member", out->member);
  out->version = (uint64_t)kith_json_int(reader, "version", 1, KITH_VERSION_MAX);
  array = kith_json_array(reader, "officers", 0, KITH_OFFICERS_MAX);
  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    struct kith_json_reader nested;
    char place[sizeof nested.place];

    (void)snprintf(place, sizeof place, "%.120s: officers[%zu]", reader->place, i);
    kith_json_begin(&nested, json_array_get(array, i), place, reader->fault);
    listed_read(out, &nested);
    reader->err = kith_json_done(&nested);
    out->n++;
  }
}

enum kith_err kith_officers_parse(struct kith_officers *out, const void *bytes, size_t len,
                                  const char *name, struct kith_fault *fault)
{
  struct kith_officers *officers = KITH_NEW(struct kith_officers);
  struct kith_json_reader reader;
  json_t *json = NULL;
  enum kith_err err;

  if (!officers)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: out of memory", name);
  err = kith_json_parse(&json, bytes, len, name, fault);
  if (err == KITH_OK) {
    kith_json_begin(&reader, json, name, fault);
    officers_read(officers, &reader);
    err = kith_json_done(&reader);
  }
  if (err == KITH_OK)
    *out = *officers;
  json_decref(json);
  kith_free(officers);
  return err;
}

enum kith_err kith_officer_card_parse(struct kith_officer *out, const void *bytes, size_t len,
                                      const char *name, struct kith_fault *fault)
{
  struct kith_officer officer = {0};
  struct kith_json_reader reader;
  json_t *json = NULL;
  enum kith_err err = kith_json_parse(&json, bytes, len, name, fault);

  if (err != KITH_OK)
    return err;
  kith_json_begin(&reader, json, name, fault);
  kith_document_head(&reader, "officer");
  officer_read(&officer, &reader);
  err = kith_json_done(&reader);
  if (err == KITH_OK)
    *out = officer;
  json_decref(json);
  return err;
}

/* 0, or another number where memory ran out. */
static int officer_put(json_t *object, const struct kith_officer *officer)
{
  int bad = json_object_set_new(object, "id", json_string(officer->id));

  bad |= json_object_set_new(object, "role", json_string(officer->role));
  return bad | json_object_set_new(object, "key", kith_document_key_json(officer->key));
}

static json_t *listed_json(const struct kith_officers *officers)
{
  json_t *array = json_array();
  int bad = 0;

  for (unsigned i = 0; i < officers->n; i++) {
    const struct kith_officer *officer = &officers->officers[i];
    json_t *object = json_object();

    bad |= officer_put(object, officer);
    bad |= json_object_set_new(object, "valid_from", kith_document_time_json(officer->valid_from));
    bad |= json_object_set_new(object, "expires", kith_document_time_json(officer->expires));
    bad |= json_array_append_new(array, object);
  }
  if (!bad)
    return array;
  json_decref(array);
  return NULL;
}

enum kith_err kith_officers_print(struct kith_buf *out, const struct kith_officers *officers)
{
  return kith_document_dump(out, json_pack("{s:s, s:i, s:s, s:I, s:o}", "kith", "officers",
                                           "format", 1, "member", officers->member, "version",
                                           (json_int_t)officers->version, "officers",
                                           listed_json(officers)));
}

enum kith_err kith_officer_card_print(struct kith_buf *out, const struct kith_officer *officer)
{
  json_t *object = json_pack("{s:s, s:i}", "kith", "officer", "format", 1);

  if (officer_put(object, officer) != 0) {
    json_decref(object);
    object = NULL;
  }
  return kith_document_dump(out, object);
}

enum kith_err kith_officers_sign(struct kith_signed *out, const struct kith_officers *officers,
                                 const struct kith_identity *identity)
{
  struct kith_signed document = {0};
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  err = kith_officers_print(&buf, officers);
  if (err == KITH_OK)
    err = kith_signed_from_bytes(&document, KITH_DOCUMENT_OFFICERS, buf.bytes, buf.len);
  if (err == KITH_OK)
    err = kith_signed_sign(&document, identity);
  kith_buf_free(&buf);
  if (err != KITH_OK) {
    kith_signed_free(&document);
    return err;
  }
  *out = document;
  return KITH_OK;
}

static enum kith_err officers_check(const struct kith_officers *officers, const char *member,
                                    const uint8_t sign_key[KITH_PUBLIC_BYTES],
                                    const struct kith_officers *current, struct kith_fault *fault)
{
  if (strcmp(officers->member, member) != 0)
    return kith_fail(fault, KITH_ERR_DENIED, "the list has the officers of another member");
  if (kith_officer_by_key(officers, sign_key))
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the member's own key can't be an officer's: 'kith officer new' makes one");
  if (current && officers->version <= current->version)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the list has version %llu, and version %llu is held: an older one, or "
                     "another of the same version, is not taken",
                     (unsigned long long)officers->version, (unsigned long long)current->version);
  return KITH_OK;
}

enum kith_err kith_officers_accept(struct kith_officers *out, const struct kith_signed *document,
                                   const char *member, const uint8_t sign_key[KITH_PUBLIC_BYTES],
                                   const struct kith_officers *current,
                                   const struct kith_hash *current_hash, struct kith_fault *fault)
{
  struct kith_signers signers = {.threshold = 1, .n_keys = 1};
  struct kith_officers *officers = NULL;
  struct kith_hash hash;
  enum kith_err err;

  if (document->kind != KITH_DOCUMENT_OFFICERS)
    return kith_fail(fault, KITH_ERR_DATA, "a list of officers was expected");
  memcpy(signers.keys[0], sign_key, KITH_PUBLIC_BYTES);
  err = kith_signed_verify(document, &signers, fault);
  if (err != KITH_OK)
    return err;
  kith_signed_hash(&hash, document);
  if (current && current_hash && kith_hash_equal(&hash, current_hash))
    return kith_fail(fault, KITH_ERR_EXISTS, "this list of officers is held already");
  officers = KITH_NEW(struct kith_officers);
  if (!officers)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_officers_parse(officers, document->bytes, document->len, "officers", fault);
  if (err == KITH_OK)
    err = officers_check(officers, member, sign_key, current, fault);
  if (err == KITH_OK)
    *out = *officers;
  kith_free(officers);
  return err;
}

const struct kith_officer *kith_officer_by_id(const struct kith_officers *officers, const char *id)
{
  for (unsigned i = 0; i < officers->n; i++)
    if (strcmp(officers->officers[i].id, id) == 0)
      return &officers->officers[i];
  return NULL;
}

const struct kith_officer *kith_officer_by_key(const struct kith_officers *officers,
                                               const uint8_t key[KITH_PUBLIC_BYTES])
{
  for (unsigned i = 0; i < officers->n; i++)
    if (memcmp(officers->officers[i].key, key, KITH_PUBLIC_BYTES) == 0)
      return &officers->officers[i];
  return NULL;
}

void kith_officer_key_hash(struct kith_hash *out, const uint8_t key[KITH_PUBLIC_BYTES])
{
  kith_hash_bytes(out, "kith officer key v1", key, KITH_PUBLIC_BYTES);
}

void kith_officer_fingerprint(char out[KITH_FINGERPRINT_BYTES],
                              const uint8_t key[KITH_PUBLIC_BYTES])
{
  struct kith_hash hash;

  kith_officer_key_hash(&hash, key);
  kith_fingerprint_text(out, hash.bytes);
}

/* ---- decisions */

const char *kith_officer_kind_name(enum kith_officer_kind kind)
{
  static const char *const names[] = {"unknown", "join",   "decline",
                                      "approve", "refuse", "withdraw"};
  size_t i = (size_t)kind;

  return names[i < KITH_COUNT_OF(names) ? i : 0];
}

static const char *const reason_names[] = {"none", "purpose", "gateway", "scope", "data", "other"};

const char *kith_officer_reason_name(unsigned reason)
{
  return reason < KITH_COUNT_OF(reason_names) ? reason_names[reason] : "unknown";
}

enum kith_err kith_officer_reason_parse(enum kith_officer_reason *out, const char *name)
{
  for (size_t i = 1; i < KITH_COUNT_OF(reason_names); i++) {
    if (strcmp(reason_names[i], name) == 0) {
      *out = (enum kith_officer_reason)i;
      return KITH_OK;
    }
  }
  return KITH_ERR_DATA;
}

void kith_officer_subject(struct kith_hash *out, const void *text, size_t len)
{
  kith_hash_bytes(out, "kith officer text v1", text, len);
}

enum { CORE_VERSION = 1, CORE_VALUES = 8, CORE_BYTES_MAX = 256 };

static void core_write(struct kith_buf *buf, const struct kith_officer_decision *decision)
{
  kith_write_array(buf, CORE_VALUES);
  kith_write_u64(buf, CORE_VERSION);
  kith_write_u64(buf, decision->kind);
  kith_write_string(buf, decision->member);
  kith_write_bin(buf, decision->round, KITH_ROUND_ID_BYTES);
  kith_write_bin(buf, decision->subject.bytes, KITH_HASH_BYTES);
  kith_write_bin(buf, decision->key, KITH_PUBLIC_BYTES);
  kith_write_u64(buf, (uint64_t)decision->time);
  kith_write_u64(buf, decision->reason);
}

enum kith_err kith_officer_decide(struct kith_officer_decision *out,
                                  const struct kith_officer_question *question, int64_t time,
                                  uint32_t reason, const struct kith_identity *officer)
{
  struct kith_officer_decision decision = {
      .kind = question->kind, .subject = question->subject, .time = time, .reason = reason};
  struct kith_buf core;
  enum kith_err err;

  if (!kith_member_id_valid(question->member) || reason > KITH_OFFICER_REASON_MAX || time < 0)
    return KITH_ERR_DATA;
  (void)snprintf(decision.member, sizeof decision.member, "%s", question->member);
  memcpy(decision.round, question->round, sizeof decision.round);
  memcpy(decision.key, officer->public_keys.sign, sizeof decision.key);
  kith_buf_init(&core, CORE_BYTES_MAX);
  core_write(&core, &decision);
  err = kith_buf_err(&core);
  if (err == KITH_OK)
    err = kith_sign(decision.signature, officer, decision_label, core.bytes, core.len);
  kith_buf_free(&core);
  if (err == KITH_OK)
    *out = decision;
  return err;
}

void kith_officer_decision_write(struct kith_buf *buf, const struct kith_officer_decision *decision)
{
  struct kith_buf core;

  kith_buf_init(&core, CORE_BYTES_MAX);
  core_write(&core, decision);
  kith_write_array(buf, 2);
  kith_write_bin(buf, core.bytes, core.len);
  kith_write_bin(buf, decision->signature, KITH_SIGN_BYTES);
  if (buf->err == KITH_OK)
    buf->err = kith_buf_err(&core);
  kith_buf_free(&core);
}

static enum kith_err core_read(struct kith_officer_decision *out, const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, CORE_VALUES);
  (void)kith_read_u64(&reader, CORE_VERSION, CORE_VERSION);
  out->kind = (enum kith_officer_kind)kith_read_u64(&reader, 1, KITH_OFFICER_KINDS - 1);
  kith_read_member(&reader, out->member);
  kith_read_bin_exact(&reader, out->round, sizeof out->round);
  kith_read_bin_exact(&reader, out->subject.bytes, sizeof out->subject.bytes);
  kith_read_bin_exact(&reader, out->key, sizeof out->key);
  out->time = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  out->reason = (uint32_t)kith_read_u64(&reader, 0, KITH_OFFICER_REASON_MAX);
  return kith_reader_done(&reader);
}

enum kith_err kith_officer_decision_read(struct kith_officer_decision *out, const void *bytes,
                                         size_t len)
{
  struct kith_officer_decision decision = {0};
  struct kith_reader reader;
  const uint8_t *core;
  size_t core_len;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 2);
  core = kith_read_bin(&reader, &core_len, 1, CORE_BYTES_MAX);
  kith_read_bin_exact(&reader, decision.signature, sizeof decision.signature);
  err = kith_reader_done(&reader);
  if (err == KITH_OK)
    err = core_read(&decision, core, core_len);
  if (err == KITH_OK)
    *out = decision;
  return err;
}

/* What is asked and what was signed: one message for each that differs. */
static enum kith_err question_check(const struct kith_officer_decision *decision,
                                    const struct kith_officer_question *question,
                                    struct kith_fault *fault)
{
  if (strcmp(decision->member, question->member) != 0)
    return kith_fail(fault, KITH_ERR_DENIED, "the decision is for another member");
  if (memcmp(decision->round, question->round, KITH_ROUND_ID_BYTES) != 0)
    return kith_fail(fault, KITH_ERR_DENIED, "the decision is for another round");
  if (decision->kind != question->kind)
    return kith_fail(fault, KITH_ERR_DENIED, "the decision is to %s, not to %s",
                     kith_officer_kind_name(decision->kind),
                     kith_officer_kind_name(question->kind));
  if (!kith_hash_equal(&decision->subject, &question->subject))
    return kith_fail(fault, KITH_ERR_DENIED,
                     "what was decided on is not what would be shown now; look at it again");
  return KITH_OK;
}

static enum kith_err signature_check(const struct kith_officer_decision *decision,
                                     struct kith_fault *fault)
{
  struct kith_buf core;
  enum kith_err err;

  kith_buf_init(&core, CORE_BYTES_MAX);
  core_write(&core, decision);
  err = kith_buf_err(&core);
  if (err == KITH_OK)
    err = kith_verify(decision->signature, decision->key, decision_label, core.bytes, core.len);
  kith_buf_free(&core);
  if (err == KITH_ERR_NO)
    return kith_fail(fault, KITH_ERR_DENIED, "the officer's signature is false");
  return err == KITH_OK ? KITH_OK : kith_fail(fault, err, "%s", kith_err_name(err));
}

enum kith_err kith_officer_decision_verify(const struct kith_officer **out,
                                           const struct kith_officer_decision *decision,
                                           const struct kith_officers *officers,
                                           const struct kith_officer_question *question,
                                           struct kith_fault *fault)
{
  const struct kith_officer *officer = kith_officer_by_key(officers, decision->key);
  enum kith_err err;

  if (!officer)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the key is of no officer on this member's list ('kith officer list')");
  if (strcmp(officers->member, question->member) != 0)
    return kith_fail(fault, KITH_ERR_DENIED, "the list has the officers of another member");
  err = question_check(decision, question, fault);
  if (err != KITH_OK)
    return err;
  if (decision->time < officer->valid_from || decision->time >= officer->expires)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the key of officer '%s' is not valid at the decision's time; "
                     "'kith officer list' says when it is",
                     officer->id);
  err = signature_check(decision, fault);
  if (err == KITH_OK && out)
    *out = officer;
  return err;
}

enum kith_err kith_officer_decision_fresh(const struct kith_officer_decision *decision, int64_t now,
                                          struct kith_fault *fault)
{
  if (decision->time > now + KITH_CLOCK_SKEW_S)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the decision's time is in the future: the clocks of the officer's machine "
                     "and of kithd's differ by more than %d seconds",
                     KITH_CLOCK_SKEW_S);
  if (decision->time < now - KITH_OFFICER_AGE_MAX_S)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the decision was made more than %d minutes ago; decide again",
                     KITH_OFFICER_AGE_MAX_S / 60);
  return KITH_OK;
}

unsigned kith_officer_decisions_count(const struct kith_officers *officers,
                                      const struct kith_officer_question *question,
                                      const struct kith_officer_decision *decisions, unsigned n)
{
  bool counted[KITH_OFFICERS_MAX] = {false};
  unsigned count = 0;

  for (unsigned i = 0; i < n; i++) {
    const struct kith_officer *officer;

    if (kith_officer_decision_verify(&officer, &decisions[i], officers, question, NULL) != KITH_OK)
      continue;
    count += !counted[officer - officers->officers];
    counted[officer - officers->officers] = true;
  }
  return count;
}

bool kith_officer_decisions_satisfy(const struct kith_officers *officers,
                                    const struct kith_officer_question *question,
                                    const struct kith_officer_decision *decisions, unsigned n,
                                    unsigned needed)
{
  return kith_officer_decisions_count(officers, question, decisions, n) >= (needed ? needed : 1);
}
