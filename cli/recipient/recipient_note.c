#include "cli/recipient/recipient_note.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "cli/recipient/recipient_context.h"
#include "cli/recipient/recipient_parts.h"

enum { VALUES = 4, NUMBER_BYTES = 4, RECORD_BYTES_MAX = 2048 };

static struct kith_bytes key_of(uint8_t key[KITH_RECIPIENT_KEY_BYTES], const kith_round_id round,
                                uint32_t number)
{
  uint8_t id[NUMBER_BYTES];

  kith_put_be(id, sizeof id, number);
  return kith_recipient_key(key, round, 'n', id, sizeof id);
}

/* ---- put */

static enum kith_err put(const struct kith_recipient *recipient, struct kith_bytes at,
                         struct kith_bytes value)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, recipient->node);

  if (err != KITH_OK)
    return err;
  err = value.len ? kith_store_put(txn, KITH_RECIPIENT_TABLE, at, value)
                  : kith_store_delete(txn, KITH_RECIPIENT_TABLE, at);
  if (err == KITH_OK || err == KITH_ERR_NOT_FOUND)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_note_put(const struct kith_recipient *recipient, const kith_round_id round,
                            const struct kith_note *note)
{
  KITH_AUTO_FREE uint8_t *boxed = NULL;
  uint8_t key[KITH_RECIPIENT_KEY_BYTES];
  struct kith_bytes at = key_of(key, round, note->number);
  size_t len = 0;
  struct kith_buf buf;
  enum kith_err err;

  if (!note->reference[0] && !note->words[0])
    return put(recipient, at, (struct kith_bytes){NULL, 0});
  kith_buf_init(&buf, RECORD_BYTES_MAX);
  kith_write_array(&buf, VALUES);
  kith_write_u64(&buf, 1);
  kith_write_u64(&buf, (uint64_t)note->time);
  kith_write_bin(&buf, (const uint8_t *)note->reference, strlen(note->reference));
  kith_write_bin(&buf, (const uint8_t *)note->words, strlen(note->words));
  err = kith_buf_err(&buf);
  if (err == KITH_OK)
    err = kith_recipient_box(recipient, round, at, (struct kith_bytes){buf.bytes, buf.len}, &boxed,
                             &len);
  if (err == KITH_OK)
    err = put(recipient, at, (struct kith_bytes){boxed, len});
  if (buf.bytes)
    kith_wipe(buf.bytes, buf.len);
  kith_buf_free(&buf);
  return err;
}

/* ---- all of a round */

struct walk {
  const struct kith_recipient *recipient;
  json_t *notes;
};

static enum kith_err note_read(json_t **out, const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  size_t reference_len = 0;
  size_t words_len = 0;
  const uint8_t *reference;
  const uint8_t *words;
  uint64_t time;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, VALUES);
  (void)kith_read_u64(&reader, 1, 1);
  time = kith_read_u64(&reader, 0, INT64_MAX);
  reference = kith_read_bin(&reader, &reference_len, 0, KITH_NOTE_REFERENCE_BYTES - 1);
  words = kith_read_bin(&reader, &words_len, 0, KITH_NOTE_WORDS_BYTES - 1);
  if ((err = kith_reader_done(&reader)) != KITH_OK)
    return err;
  *out = json_pack("{s:s%, s:s%, s:I}", "reference", reference, reference_len, "words", words,
                   words_len, "time", (json_int_t)time);
  return *out ? KITH_OK : KITH_ERR_MEMORY;
}

static enum kith_err note_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  const struct walk *walk = context;
  const uint8_t *id = (const uint8_t *)key.bytes + KITH_RECIPIENT_PREFIX_BYTES;
  char number[16];
  uint8_t *opened = NULL;
  json_t *note = NULL;
  size_t len = 0;
  enum kith_err err;

  if (key.len != KITH_RECIPIENT_PREFIX_BYTES + NUMBER_BYTES)
    return KITH_ERR_INTERNAL;
  err = kith_recipient_unbox(walk->recipient, key, value, &opened, &len);
  if (err != KITH_OK)
    return err;
  err = note_read(&note, opened, len);
  kith_free_wiped(opened, len);
  if (err != KITH_OK)
    return err == KITH_ERR_DATA ? KITH_ERR_INTERNAL : err;
  (void)snprintf(number, sizeof number, "%u",
                 (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]);
  return json_object_set_new(walk->notes, number, note) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_notes(const struct kith_recipient *recipient, const kith_round_id round,
                         json_t **out)
{
  struct walk walk = {.recipient = recipient, .notes = json_object()};
  uint8_t key[KITH_RECIPIENT_KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err =
      walk.notes ? kith_txn_begin(&txn, recipient->node->store, false) : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_RECIPIENT_TABLE, kith_recipient_key(key, round, 'n', NULL, 0),
                          note_visit, &walk);
  kith_txn_abort(txn);
  if (err == KITH_OK)
    *out = walk.notes;
  else
    json_decref(walk.notes);
  return err;
}

const json_t *kith_note_of(const json_t *notes, uint32_t number)
{
  char key[16];

  (void)snprintf(key, sizeof key, "%u", number);
  return json_object_get(notes, key);
}

enum kith_err kith_recipient_known(struct kith_home *home, const kith_round_id round, json_t **told,
                                   json_t **notes, json_t **context, struct kith_fault *fault)
{
  struct kith_recipient recipient = {0};
  enum kith_err err = kith_recipient_open(&recipient, home, fault);

  if (err != KITH_OK)
    return err;
  if ((err = kith_recipient_told(&recipient, round, told)) != KITH_OK)
    err = kith_fail(fault, err, "what was asked can't be read: %s", kith_err_name(err));
  else if ((err = kith_notes(&recipient, round, notes)) != KITH_OK)
    err = kith_fail(fault, err, "the notes can't be read: %s", kith_err_name(err));
  else if (context && (err = kith_recipient_context(&recipient, round, context)) != KITH_OK)
    err = kith_fail(fault, err, "what was told unasked can't be read: %s", kith_err_name(err));
  kith_recipient_close(&recipient);
  return err;
}
