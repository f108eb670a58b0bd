#include "cli/recipient/recipient.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/recipient_parts.h"
#include "crypto/seal.h"

static const char *const table_names[] = {"asked"};
static const char key_name[] = "letters";

enum {
  PREFIX_BYTES = KITH_RECIPIENT_PREFIX_BYTES,
  KEY_BYTES = KITH_RECIPIENT_KEY_BYTES,
  RECORD_BYTES_MAX = 160 * 1024,
  DAY_S = 86400,
  MAP_BYTES = 1 << 30,
  VALUES = 7
};

void kith_asked_free(struct kith_asked *asked)
{
  if (asked->letter)
    kith_free_wiped(asked->letter, sizeof *asked->letter);
  if (asked->answer)
    kith_free_wiped(asked->answer, sizeof *asked->answer);
  if (asked->bytes)
    kith_free_wiped(asked->bytes, asked->len);
  if (asked->answer_bytes)
    kith_free_wiped(asked->answer_bytes, asked->answer_len);
  kith_free(asked->sealed);
  memset(asked, 0, sizeof *asked);
}

struct kith_bytes kith_recipient_key(uint8_t key[KEY_BYTES], const kith_round_id round, char kind,
                                     const void *id, size_t id_len)
{
  memcpy(key, round, KITH_ROUND_ID_BYTES);
  key[KITH_ROUND_ID_BYTES] = (uint8_t)kind;
  if (id_len)
    memcpy(key + PREFIX_BYTES, id, id_len);
  return (struct kith_bytes){key, PREFIX_BYTES + id_len};
}

static struct kith_bytes key_of(uint8_t key[KEY_BYTES], const kith_round_id round, char kind,
                                const struct kith_hash *id)
{
  return kith_recipient_key(key, round, kind, id ? id->bytes : NULL, id ? KITH_HASH_BYTES : 0);
}

enum kith_err kith_recipient_box(const struct kith_recipient *recipient, const kith_round_id round,
                                 struct kith_bytes key, struct kith_bytes value, uint8_t **out,
                                 size_t *len)
{
  struct kith_secret *secret = NULL;
  uint8_t *boxed = NULL;
  enum kith_err err = kith_roundkey_ensure(recipient->node->keys, &secret, round, key_name, NULL);

  if (err == KITH_OK) {
    boxed = kith_calloc(value.len + KITH_BOX_OVERHEAD, 1);
    err = boxed ? kith_box(boxed, secret, key.bytes, key.len, value.bytes, value.len)
                : KITH_ERR_MEMORY;
  }
  kith_secret_free(secret);
  if (err == KITH_OK) {
    *out = boxed;
    *len = value.len + KITH_BOX_OVERHEAD;
  } else {
    kith_free(boxed);
  }
  return err;
}

enum kith_err kith_recipient_unbox(const struct kith_recipient *recipient, struct kith_bytes key,
                                   struct kith_bytes value, uint8_t **out, size_t *len)
{
  struct kith_secret *secret = NULL;
  uint8_t *opened = NULL;
  enum kith_err err;

  if (key.len < PREFIX_BYTES || value.len < KITH_BOX_OVERHEAD)
    return KITH_ERR_INTERNAL;
  err = kith_roundkey_load(recipient->node->keys, &secret, key.bytes, key_name, NULL);
  if (err == KITH_OK) {
    opened = kith_calloc(value.len - KITH_BOX_OVERHEAD + 1, 1);
    err = opened ? kith_box_open(opened, secret, key.bytes, key.len, value.bytes, value.len)
                 : KITH_ERR_MEMORY;
  }
  kith_secret_free(secret);
  if (err == KITH_OK) {
    *out = opened;
    *len = value.len - KITH_BOX_OVERHEAD;
  } else {
    kith_free(opened);
  }
  return err == KITH_ERR_DATA || err == KITH_ERR_NO ? KITH_ERR_INTERNAL : err;
}

/* ---- rounds */

struct rounds {
  kith_round_id *ids;
  size_t n;
  int64_t over_at; /* only those that are past their time then; 0: all */
};

static enum kith_err round_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct rounds *rounds = context;
  const uint8_t *bytes = key.bytes;
  kith_round_id *more;
  int64_t until;

  if (key.len != PREFIX_BYTES || bytes[KITH_ROUND_ID_BYTES] != 'u' || value.len != sizeof until)
    return KITH_OK;
  memcpy(&until, value.bytes, sizeof until);
  if (rounds->over_at && until > rounds->over_at)
    return KITH_OK;
  more = kith_realloc(rounds->ids, rounds->n + 1, sizeof *more);
  if (!more)
    return KITH_ERR_MEMORY;
  rounds->ids = more;
  memcpy(more[rounds->n++], bytes, KITH_ROUND_ID_BYTES);
  return KITH_OK;
}

static enum kith_err rounds_find(const struct kith_recipient *recipient, struct rounds *rounds)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, recipient->node->store, false);

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_RECIPIENT_TABLE, (struct kith_bytes){NULL, 0}, round_visit,
                          rounds);
  kith_txn_abort(txn);
  if (err != KITH_OK)
    kith_free(rounds->ids);
  return err;
}

enum kith_err kith_recipient_rounds(const struct kith_recipient *recipient, kith_round_id **out,
                                    size_t *n)
{
  struct rounds rounds = {0};
  enum kith_err err = rounds_find(recipient, &rounds);

  if (err == KITH_OK) {
    *out = rounds.ids;
    *n = rounds.n;
  }
  return err;
}

bool kith_recipient_has(const struct kith_recipient *recipient, const kith_round_id round)
{
  struct rounds rounds = {0};
  bool found = false;

  if (rounds_find(recipient, &rounds) != KITH_OK)
    return false;
  for (size_t i = 0; i < rounds.n; i++)
    found |= memcmp(rounds.ids[i], round, KITH_ROUND_ID_BYTES) == 0;
  kith_free(rounds.ids);
  return found;
}

static enum kith_err clear_put(const struct kith_recipient *recipient, const kith_round_id round,
                               char kind, const void *bytes, size_t len)
{
  uint8_t key[KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, recipient->node);

  if (err != KITH_OK)
    return err;
  err = kith_store_put(txn, KITH_RECIPIENT_TABLE, key_of(key, round, kind, NULL),
                       (struct kith_bytes){bytes, len});
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_recipient_until(const struct kith_recipient *recipient,
                                   const struct kith_round_view *view,
                                   const struct kith_policy *policy)
{
  int64_t until = view->released_at + (int64_t)policy->retention_days * DAY_S;
  uint32_t minimum = policy->minimum_count;
  enum kith_err err = clear_put(recipient, view->round, 'm', &minimum, sizeof minimum);

  return err != KITH_OK ? err : clear_put(recipient, view->round, 'u', &until, sizeof until);
}

enum kith_err kith_recipient_read_up_to(const struct kith_recipient *recipient,
                                        const kith_round_id round, uint32_t number)
{
  return clear_put(recipient, round, 'r', &number, sizeof number);
}

/* KITH_ERR_NOT_FOUND. */
static enum kith_err number_get(const struct kith_recipient *recipient, const kith_round_id round,
                                char kind, uint32_t *number)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, recipient->node->store, false);

  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_RECIPIENT_TABLE, key_of(key, round, kind, NULL), &value, &len);
  kith_txn_abort(txn);
  if (err == KITH_OK && len != sizeof *number)
    return KITH_ERR_INTERNAL;
  if (err == KITH_OK)
    memcpy(number, value, sizeof *number);
  return err;
}

enum kith_err kith_recipient_minimum(const struct kith_recipient *recipient,
                                     const kith_round_id round, uint32_t *minimum)
{
  return number_get(recipient, round, 'm', minimum);
}

enum kith_err kith_recipient_read(const struct kith_recipient *recipient, const kith_round_id round,
                                  uint32_t *number)
{
  enum kith_err err;

  *number = 0;
  err = number_get(recipient, round, 'r', number);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_recipient_forget(const struct kith_recipient *recipient,
                                    const kith_round_id round, struct kith_fault *fault)
{
  struct kith_kept kept = {0};
  struct kith_txn *txn = NULL;
  char hex[KITH_ROUND_HEX_BYTES];
  enum kith_err err;

  kith_hex_encode(hex, round, KITH_ROUND_ID_BYTES);
  err = kith_kept_init(&kept, recipient->home, hex, fault);
  if (err == KITH_OK)
    err = kith_roundkey_destroy_all(recipient->node->keys, round, fault);
  if (err == KITH_OK)
    err = kith_kept_destroy(&kept, fault);
  kith_kept_free(&kept);
  if (err == KITH_OK)
    err = kith_node_begin(&txn, recipient->node);
  if (err != KITH_OK)
    return err;
  err = kith_store_delete_prefix(txn, KITH_RECIPIENT_TABLE,
                                 (struct kith_bytes){round, KITH_ROUND_ID_BYTES});
  if (err == KITH_OK)
    err = kith_node_audit(recipient->node, txn, KITH_AUDIT_DESTROYED, round, NULL, NULL,
                          KITH_DESTROYED_ALL);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* ---- opening */

static enum kith_err sweep(struct kith_recipient *recipient, struct kith_fault *fault)
{
  struct rounds rounds = {.over_at = kith_node_now(recipient->node)};
  enum kith_err err = rounds_find(recipient, &rounds);

  if (err != KITH_OK)
    return err;
  for (size_t i = 0; err == KITH_OK && i < rounds.n; i++)
    err = kith_recipient_forget(recipient, rounds.ids[i], fault);
  kith_free(rounds.ids);
  return err;
}

enum kith_err kith_recipient_open(struct kith_recipient *out, struct kith_home *home,
                                  struct kith_fault *fault)
{
  const struct kith_node_options options = {.role = KITH_ROLE_RECIPIENT,
                                            .tables = table_names,
                                            .n_tables = KITH_COUNT_OF(table_names),
                                            .map_bytes = MAP_BYTES,
                                            .identity = home->identity};
  struct kith_recipient recipient = {.home = home};
  enum kith_err err = kith_node_open(&recipient.node, &home->config, &options, fault);

  if (err == KITH_OK)
    err = sweep(&recipient, fault);
  if (err != KITH_OK) {
    kith_recipient_close(&recipient);
    return kith_fail_at(fault, err, "state_dir");
  }
  *out = recipient;
  return KITH_OK;
}

void kith_recipient_close(struct kith_recipient *recipient)
{
  kith_node_close(recipient->node);
  *recipient = (struct kith_recipient){0};
}

/* ---- what was asked */

static enum kith_err audit(const struct kith_recipient *recipient, struct kith_txn *txn,
                           const struct kith_asked *asked, enum kith_audit_event event)
{
  struct kith_audit_value values[KITH_AUDIT_VALUES_MAX];
  struct kith_hash words;
  unsigned n = 0;
  enum kith_err err = KITH_OK;

  values[n++] = kith_audit_round("round", asked->round);
  values[n++] = kith_audit_id("member", asked->letter->reader);
  values[n++] = kith_audit_hash("hash", &asked->id);
  if (asked->kind == KITH_LETTER_REQUEST) {
    values[n++] = kith_audit_id("reason", asked->letter->body.request.reason);
    err = kith_words_commit(&words, &asked->letter->body.request);
    values[n++] = kith_audit_hash("words", &words);
  }
  if (asked->answer)
    values[n++] = kith_audit_number("verdict", asked->answer->body.answer.verdict);
  if (asked->answer && asked->answer->body.answer.reason[0])
    values[n++] = kith_audit_id("refusal", asked->answer->body.answer.reason);
  return err == KITH_OK ? kith_audit_append(txn, KITH_TABLE_AUDIT, kith_node_now(recipient->node),
                                            event, values, n, NULL)
                        : err;
}

static void asked_write(struct kith_buf *out, const struct kith_asked *asked)
{
  kith_write_array(out, VALUES);
  kith_write_u64(out, 1);
  kith_write_u64(out, asked->kind);
  kith_write_u64(out, asked->state);
  kith_write_u64(out, asked->refused);
  kith_write_bin(out, asked->bytes, asked->len);
  kith_write_bin(out, asked->sealed, asked->sealed_len);
  kith_write_bin(out, asked->answer_bytes, asked->answer_len);
}

enum kith_err kith_asked_put(const struct kith_recipient *recipient, const struct kith_asked *asked,
                             enum kith_audit_event event)
{
  KITH_AUTO_FREE uint8_t *boxed = NULL;
  size_t boxed_len = 0;
  struct kith_txn *txn = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = key_of(key, asked->round, 'd', &asked->id);
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, RECORD_BYTES_MAX);
  asked_write(&buf, asked);
  err = kith_buf_err(&buf);
  if (err == KITH_OK)
    err = kith_recipient_box(recipient, asked->round, at, (struct kith_bytes){buf.bytes, buf.len},
                             &boxed, &boxed_len);
  if (err == KITH_OK)
    err = kith_node_begin(&txn, recipient->node);
  if (err == KITH_OK) {
    err = kith_store_put(txn, KITH_RECIPIENT_TABLE, at, (struct kith_bytes){boxed, boxed_len});
    if (err == KITH_OK && event)
      err = audit(recipient, txn, asked, event);
    if (err == KITH_OK)
      err = kith_txn_commit(txn);
    else
      kith_txn_abort(txn);
  }
  if (buf.bytes)
    kith_wipe(buf.bytes, buf.len);
  kith_buf_free(&buf);
  return err;
}

static enum kith_err part_read(struct kith_reader *reader, size_t min, size_t max, uint8_t **out,
                               size_t *len)
{
  const uint8_t *bytes = kith_read_bin(reader, len, min, max);

  if (reader->err != KITH_OK)
    return reader->err;
  *out = *len ? kith_memdup(bytes, *len) : NULL;
  return *len && !*out ? KITH_ERR_MEMORY : KITH_OK;
}

static enum kith_err letter_of(struct kith_letter **out, enum kith_letter_kind kind,
                               const uint8_t *bytes, size_t len)
{
  *out = KITH_NEW(struct kith_letter);
  return *out ? kith_letter_read(*out, kind, bytes, len) : KITH_ERR_MEMORY;
}

static enum kith_err asked_read(struct kith_asked *out, const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, VALUES);
  (void)kith_read_u64(&reader, 1, 1);
  out->kind =
      (enum kith_letter_kind)kith_read_u64(&reader, KITH_LETTER_REQUEST, KITH_LETTER_FEEDBACK);
  out->state =
      (enum kith_asked_state)kith_read_u64(&reader, KITH_ASKED_WRITTEN, KITH_ASKED_STATES - 1);
  out->refused = (uint32_t)kith_read_u64(&reader, 0, KITH_REPLY_ERRORS);
  if ((err = part_read(&reader, 1, KITH_LETTER_BYTES_MAX, &out->bytes, &out->len)) != KITH_OK ||
      (err = part_read(&reader, 1, KITH_SEALED_LETTER_BYTES_MAX, &out->sealed, &out->sealed_len)) !=
          KITH_OK ||
      (err = part_read(&reader, 0, KITH_LETTER_BYTES_MAX, &out->answer_bytes, &out->answer_len)) !=
          KITH_OK ||
      (err = kith_reader_done(&reader)) != KITH_OK)
    return err;
  err = letter_of(&out->letter, out->kind, out->bytes, out->len);
  if (err == KITH_OK && out->answer_bytes)
    err = letter_of(&out->answer, KITH_LETTER_ANSWER, out->answer_bytes, out->answer_len);
  return err;
}

static enum kith_err asked_open(const struct kith_recipient *recipient, struct kith_asked *out,
                                struct kith_bytes key, struct kith_bytes value)
{
  uint8_t *opened = NULL;
  size_t len = 0;
  enum kith_err err;

  memcpy(out->round, key.bytes, KITH_ROUND_ID_BYTES);
  memcpy(out->id.bytes, (const uint8_t *)key.bytes + PREFIX_BYTES, KITH_HASH_BYTES);
  err = kith_recipient_unbox(recipient, key, value, &opened, &len);
  if (err == KITH_OK)
    err = asked_read(out, opened, len);
  if (opened)
    kith_free_wiped(opened, len);
  if (err != KITH_OK)
    kith_asked_free(out);
  return err == KITH_ERR_DATA || err == KITH_ERR_NO ? KITH_ERR_INTERNAL : err;
}

enum kith_err kith_asked_get(const struct kith_recipient *recipient, struct kith_asked *out,
                             const kith_round_id round, const struct kith_hash *id)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  struct kith_asked asked = {0};
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = key_of(key, round, 'd', id);
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, recipient->node->store, false);

  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_RECIPIENT_TABLE, at, &value, &len);
  kith_txn_abort(txn);
  if (err == KITH_OK)
    err = asked_open(recipient, &asked, at, (struct kith_bytes){value, len});
  if (err == KITH_OK)
    *out = asked;
  return err;
}

struct walk {
  const struct kith_recipient *recipient;
  kith_asked_visit *visit;
  void *context;
};

static enum kith_err walk_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  const struct walk *walk = context;
  struct kith_asked asked = {0};
  enum kith_err err;

  if (key.len != KEY_BYTES)
    return KITH_OK;
  err = asked_open(walk->recipient, &asked, key, value);
  if (err == KITH_OK)
    err = walk->visit(walk->context, &asked);
  kith_asked_free(&asked);
  return err;
}

enum kith_err kith_asked_each(const struct kith_recipient *recipient, const uint8_t *round,
                              kith_asked_visit *visit, void *context)
{
  struct walk walk = {recipient, visit, context};
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, recipient->node->store, false);

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_RECIPIENT_TABLE,
                          (struct kith_bytes){round, round ? KITH_ROUND_ID_BYTES : 0}, walk_visit,
                          &walk);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_recipient_dropped(const struct kith_recipient *recipient,
                                     const kith_round_id round, const char *author,
                                     const struct kith_hash *id)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, recipient->node);

  if (err != KITH_OK)
    return err;
  err = kith_node_audit(recipient->node, txn, KITH_AUDIT_LETTER_DROPPED, round, author, id, 0);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* ---- the matcher */

enum kith_err kith_recipient_policy(struct kith_home *home, struct kith_policy *out,
                                    const struct kith_remote_round *round, struct kith_fault *fault)
{
  const struct kith_hash *hash = &kith_round_log_view(round->log)->open.policy;
  struct kith_signed document = {0};
  enum kith_err err = kith_home_document(home, &document, KITH_DOCUMENT_POLICY, hash, fault);

  if (err != KITH_OK)
    return err;
  /* The hash is in the signed open statement; the signatures are the governance's of then. */
  err = kith_signed_verify(&document, &round->charter.governance, fault);
  if (err == KITH_OK)
    err = kith_policy_parse(out, document.bytes, document.len, "policy of the round", fault);
  kith_signed_free(&document);
  return err;
}

enum kith_err kith_asked_send(const struct kith_recipient *recipient, struct kith_asked *asked,
                              struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_LETTER_PUT};
  struct kith_fault refused = {0};
  struct kith_reply reply;
  enum kith_err err;

  memcpy(request.body.letter_put.round, asked->round, KITH_ROUND_ID_BYTES);
  memcpy(request.body.letter_put.reader, asked->letter->reader, sizeof(kith_member_id));
  request.body.letter_put.kind = asked->kind;
  request.body.letter_put.id = asked->id;
  request.body.letter_put.sealed = (struct kith_span){asked->sealed, asked->sealed_len};
  err = kith_home_call(recipient->home, &reply, &request, &refused);
  if (err == KITH_OK) {
    kith_reply_free(&reply);
    asked->state = KITH_ASKED_SENT;
    return kith_asked_put(recipient, asked, 0);
  }
  /* Only what the matcher has decided is a refusal. */
  if (err != KITH_ERR_NO && err != KITH_ERR_DENIED && err != KITH_ERR_NOT_FOUND)
    return kith_fail(fault, err, "%.150s; the letter is kept, and 'kith disclosure pull' sends it",
                     refused.text[0] ? refused.text : kith_err_name(err));
  asked->state = KITH_ASKED_REFUSED;
  asked->refused = 1;
  err = kith_asked_put(recipient, asked, KITH_AUDIT_DISCLOSURE_REFUSED);
  return err == KITH_OK ? kith_fail(fault, KITH_ERR_NO, "%s", refused.text) : err;
}
