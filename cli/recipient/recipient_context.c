#include "cli/recipient/recipient_context.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/recipient/recipient_parts.h"
#include "proto/context.h"
#include "proto/withdrawal.h"

enum { VALUES = 3, RECORD_BYTES_MAX = 1024, HANDLE_HEX_BYTES = 2 * KITH_HANDLE_BYTES + 1 };

static struct kith_bytes key_of(uint8_t key[KITH_RECIPIENT_KEY_BYTES], const kith_round_id round,
                                const uint8_t handle[KITH_HANDLE_BYTES])
{
  return kith_recipient_key(key, round, 'c', handle, handle ? KITH_HANDLE_BYTES : 0);
}

/* ---- taking a letter */

struct taking {
  const struct kith_recipient *recipient;
  struct kith_envelope envelope;
  const struct kith_context *context;
  struct kith_txn *txn;
};

static enum kith_err record_put(const struct taking *taking,
                                const uint8_t handle[KITH_HANDLE_BYTES],
                                const struct kith_context_values *values)
{
  KITH_AUTO_FREE uint8_t *boxed = NULL;
  uint8_t key[KITH_RECIPIENT_KEY_BYTES];
  struct kith_bytes at = key_of(key, taking->envelope.round, handle);
  size_t len = 0;
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, RECORD_BYTES_MAX);
  kith_write_array(&buf, VALUES);
  kith_write_u64(&buf, 1);
  kith_write_string(&buf, taking->envelope.author);
  kith_write_array(&buf, taking->context->n_attributes);
  for (unsigned i = 0; i < taking->context->n_attributes; i++) {
    kith_write_array(&buf, 2);
    kith_write_string(&buf, taking->context->attributes[i]);
    kith_write_string(&buf, values->text[i]);
  }
  err = kith_buf_err(&buf);
  if (err == KITH_OK)
    err = kith_recipient_box(taking->recipient, taking->envelope.round, at,
                             (struct kith_bytes){buf.bytes, buf.len}, &boxed, &len);
  if (err == KITH_OK)
    err = kith_store_put(taking->txn, KITH_RECIPIENT_TABLE, at, (struct kith_bytes){boxed, len});
  if (buf.bytes)
    kith_wipe(buf.bytes, buf.len);
  kith_buf_free(&buf);
  return err;
}

/* An agency's letter is looked through for that agency's own records alone: about another's it can
 * say nothing. */
static enum kith_err records_take(const struct taking *taking, const struct kith_cohort *cohort)
{
  enum kith_err err = KITH_OK;

  for (size_t i = 0; err == KITH_OK && i < cohort->n_records; i++) {
    const struct kith_cohort_record *record = &cohort->records[i];
    struct kith_context_values values;

    if (record->withdrawn ||
        strcmp(cohort->agencies[record->agency].agency, taking->envelope.author) != 0)
      continue;
    err = kith_context_find(&values, taking->context, &taking->envelope, record->handle);
    if (err == KITH_OK)
      err = record_put(taking, record->handle, &values);
    else if (err == KITH_ERR_NOT_FOUND)
      err = KITH_OK;
    kith_wipe(&values, sizeof values);
  }
  return err;
}

static bool terms_hold(const struct kith_context *context, const struct kith_policy *policy,
                       const char *agency)
{
  const struct kith_policy_context *terms = kith_policy_context_of(policy, agency);
  bool same = terms && terms->n_attributes == context->n_attributes;

  for (unsigned i = 0; same && i < context->n_attributes; i++)
    same = strcmp(terms->attributes[i], context->attributes[i]) == 0;
  return same;
}

static enum kith_err letter_keep(struct taking *taking, const struct kith_cohort *cohort,
                                 const struct kith_hash *id)
{
  struct kith_node *node = taking->recipient->node;
  enum kith_err err = kith_node_begin(&taking->txn, node);

  if (err != KITH_OK)
    return err;
  err = records_take(taking, cohort);
  if (err == KITH_OK)
    err = kith_node_audit(node, taking->txn, KITH_AUDIT_CONTEXT, taking->envelope.round,
                          taking->envelope.author, id, 0);
  if (err == KITH_OK)
    return kith_txn_commit(taking->txn);
  kith_txn_abort(taking->txn);
  return err;
}

enum kith_err kith_recipient_context_take(const struct kith_recipient *recipient,
                                          const struct kith_remote_round *round,
                                          const struct kith_policy *policy,
                                          const struct kith_cohort *cohort,
                                          const struct kith_letter_entry *entry)
{
  const struct kith_home *home = recipient->home;
  const struct kith_member *agency = kith_charter_member(&round->charter, entry->author);
  struct kith_letter *letter = KITH_NEW(struct kith_letter);
  struct taking taking = {.recipient = recipient, .envelope = {.kind = KITH_LETTER_CONTEXT}};
  enum kith_err err = letter ? KITH_OK : KITH_ERR_MEMORY;

  memcpy(taking.envelope.round, cohort->round, sizeof taking.envelope.round);
  memcpy(taking.envelope.author, entry->author, sizeof taking.envelope.author);
  memcpy(taking.envelope.reader, home->config.id, sizeof taking.envelope.reader);
  if (err == KITH_OK)
    err = agency ? kith_letter_open(letter, NULL, NULL, home->identity->seal, agency->keys.sign,
                                    &taking.envelope, &entry->id, entry->sealed.bytes,
                                    entry->sealed.len)
                 : KITH_ERR_NO;
  if (err == KITH_OK && !terms_hold(&letter->body.context, policy, entry->author))
    err = KITH_ERR_NO;
  if (err == KITH_OK) {
    taking.context = &letter->body.context;
    err = letter_keep(&taking, cohort, &entry->id);
  }
  if (letter)
    kith_free_wiped(letter, sizeof *letter);
  return err;
}

/* ---- all of a round */

struct kept {
  kith_member_id agency;
  json_t *values; /* owned; those that are there */
};

static enum kith_err kept_read(struct kept *out, const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  unsigned n;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, VALUES);
  (void)kith_read_u64(&reader, 1, 1);
  kith_read_member(&reader, out->agency);
  n = kith_read_array_between(&reader, 1, KITH_CONTEXT_ATTRIBUTES_MAX);
  out->values = json_object();
  for (unsigned i = 0; i < n; i++) {
    char attribute[KITH_FIELD_NAME_BYTES] = "";
    char value[KITH_CONTEXT_VALUE_BYTES] = "";

    kith_read_array(&reader, 2);
    kith_read_string(&reader, attribute, sizeof attribute);
    kith_read_string(&reader, value, sizeof value);
    if (value[0] && json_object_set_new(out->values, attribute, json_string(value)) != 0)
      err = KITH_ERR_MEMORY;
  }
  return err == KITH_OK ? kith_reader_done(&reader) : err;
}

static enum kith_err kept_open(const struct kith_recipient *recipient, struct kept *out,
                               struct kith_bytes key, struct kith_bytes value)
{
  uint8_t *opened = NULL;
  size_t len = 0;
  enum kith_err err;

  if (key.len != KITH_RECIPIENT_PREFIX_BYTES + KITH_HANDLE_BYTES)
    return KITH_ERR_INTERNAL;
  err = kith_recipient_unbox(recipient, key, value, &opened, &len);
  if (err != KITH_OK)
    return err;
  err = kept_read(out, opened, len);
  kith_free_wiped(opened, len);
  return err == KITH_ERR_DATA ? KITH_ERR_INTERNAL : err;
}

struct walk {
  const struct kith_recipient *recipient;
  json_t *out;                        /* of all, or */
  const struct kith_round_view *view; /* of those that are withdrawn in it: */
  struct kith_buf handles;
};

static enum kith_err walk_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct walk *walk = context;
  const uint8_t *handle = (const uint8_t *)key.bytes + KITH_RECIPIENT_PREFIX_BYTES;
  struct kept kept = {0};
  char hex[HANDLE_HEX_BYTES];
  enum kith_err err = kept_open(walk->recipient, &kept, key, value);

  if (err == KITH_OK && walk->view) {
    if (kith_withdrawal_of(walk->view, kept.agency, handle))
      kith_buf_append(&walk->handles, handle, KITH_HANDLE_BYTES);
    err = kith_buf_err(&walk->handles);
  } else if (err == KITH_OK) {
    kith_hex_encode(hex, handle, KITH_HANDLE_BYTES);
    err = json_object_set(walk->out, hex, kept.values) == 0 ? KITH_OK : KITH_ERR_MEMORY;
  }
  json_decref(kept.values);
  return err;
}

static enum kith_err walk_round(struct walk *walk, const kith_round_id round)
{
  uint8_t key[KITH_RECIPIENT_KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, walk->recipient->node->store, false);

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_RECIPIENT_TABLE, key_of(key, round, NULL), walk_visit, walk);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_recipient_context(const struct kith_recipient *recipient,
                                     const kith_round_id round, json_t **out)
{
  struct walk walk = {.recipient = recipient, .out = json_object()};
  enum kith_err err = walk.out ? walk_round(&walk, round) : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    *out = walk.out;
  else
    json_decref(walk.out);
  return err;
}

enum kith_err kith_recipient_context_withdraw(const struct kith_recipient *recipient,
                                              const struct kith_round_view *view)
{
  struct walk walk = {.recipient = recipient, .view = view};
  struct kith_txn *txn = NULL;
  uint8_t key[KITH_RECIPIENT_KEY_BYTES];
  enum kith_err err;

  kith_buf_init(&walk.handles, 0);
  err = walk_round(&walk, view->round);
  if (err == KITH_OK && walk.handles.len) {
    err = kith_node_begin(&txn, recipient->node);
    for (size_t i = 0; err == KITH_OK && i < walk.handles.len; i += KITH_HANDLE_BYTES) {
      err = kith_store_delete(txn, KITH_RECIPIENT_TABLE,
                              key_of(key, view->round, walk.handles.bytes + i));
      if (err == KITH_OK)
        err = kith_node_audit(recipient->node, txn, KITH_AUDIT_RECORD_WITHDRAWN, view->round, NULL,
                              NULL, 0);
    }
    if (err == KITH_OK)
      err = kith_txn_commit(txn);
    else
      kith_txn_abort(txn);
  }
  kith_buf_free(&walk.handles);
  return err;
}
