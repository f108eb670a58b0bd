#include "proto/audit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/tree.h"
#include "proto/audit_chain.h"
#include "proto/wire.h"

enum {
  EVENT_MAX = 65535, /* room for later versions */
  HEAD_BYTES = 8 + 8 + KITH_HASH_BYTES,
  ENTRY_KEY_BYTES = 1 + 8
};

static const char *const event_names[KITH_AUDIT_EVENTS] = {
    [KITH_AUDIT_STARTED] = "started",
    [KITH_AUDIT_STOPPED] = "stopped",
    [KITH_AUDIT_DOCUMENT] = "document",
    [KITH_AUDIT_DOCUMENT_REFUSED] = "document_refused",
    [KITH_AUDIT_STATEMENT] = "statement",
    [KITH_AUDIT_STATEMENT_REFUSED] = "statement_refused",
    [KITH_AUDIT_CONFLICT] = "conflict",
    [KITH_AUDIT_PEER_DENIED] = "peer_denied",
    [KITH_AUDIT_CHECKPOINT] = "checkpoint",
    [KITH_AUDIT_CONTRADICTION] = "contradiction",
    [KITH_AUDIT_ROUND_STATE] = "round_state",
    [KITH_AUDIT_ROUND_KEY] = "round_key",
    [KITH_AUDIT_ROUND_SECRET] = "round_secret",
    [KITH_AUDIT_ENCODED] = "encoded",
    [KITH_AUDIT_BATCH] = "batch",
    [KITH_AUDIT_MATCHED] = "matched",
    [KITH_AUDIT_THRESHOLD] = "threshold",
    [KITH_AUDIT_RELEASED] = "released",
    [KITH_AUDIT_LIST_SERVED] = "list_served",
    [KITH_AUDIT_LIST_OPENED] = "list_opened",
    [KITH_AUDIT_DESTROYED] = "destroyed",
    [KITH_AUDIT_OFFICER_JOINED] = "officer_joined",
    [KITH_AUDIT_OFFICER_DECLINED] = "officer_declined",
    [KITH_AUDIT_DISCLOSURE_REQUESTED] = "disclosure_requested",
    [KITH_AUDIT_DISCLOSURE_REFUSED] = "disclosure_refused",
    [KITH_AUDIT_DISCLOSURE_APPROVED] = "disclosure_approved",
    [KITH_AUDIT_DISCLOSURE_ANSWERED] = "disclosure_answered",
    [KITH_AUDIT_TRIAL_MAP] = "trial_map",
    [KITH_AUDIT_EXPORTED] = "exported",
    [KITH_AUDIT_CONFIGURED] = "configured",
    [KITH_AUDIT_SOURCE_REFUSED] = "source_refused",
    [KITH_AUDIT_SUBJECT_REPORT] = "subject_report",
    [KITH_AUDIT_PROPOSAL] = "proposal",
    [KITH_AUDIT_OFFICERS] = "officers",
    [KITH_AUDIT_OFFICER_ADDED] = "officer_added",
    [KITH_AUDIT_OFFICER_REMOVED] = "officer_removed",
    [KITH_AUDIT_OFFICER_DECISION] = "officer_decision",
    [KITH_AUDIT_DISCLOSURE_EXPIRED] = "disclosure_expired",
    [KITH_AUDIT_LETTER_DROPPED] = "letter_dropped",
    [KITH_AUDIT_FEEDBACK] = "feedback",
    [KITH_AUDIT_RECORD_WITHDRAWN] = "record_withdrawn",
    [KITH_AUDIT_CONTEXT] = "context",
};

const char *kith_audit_event_name(unsigned event)
{
  return event >= 1 && event < KITH_AUDIT_EVENTS ? event_names[event] : "unknown";
}

/* ---- values */

/* An id that does not fit becomes the empty one, which append refuses. */
static void id_set(char out[KITH_MEMBER_ID_BYTES], const char *id)
{
  memset(out, 0, KITH_MEMBER_ID_BYTES);
  if (kith_member_id_valid(id))
    memcpy(out, id, strlen(id));
}

static struct kith_audit_value value_of(const char *name, enum kith_audit_kind kind)
{
  struct kith_audit_value value = {.kind = kind};

  id_set(value.name, name);
  return value;
}

struct kith_audit_value kith_audit_id(const char *name, const char *id)
{
  struct kith_audit_value value = value_of(name, KITH_AUDIT_ID);

  id_set(value.as.id, id);
  return value;
}

struct kith_audit_value kith_audit_number(const char *name, uint64_t number)
{
  struct kith_audit_value value = value_of(name, KITH_AUDIT_NUMBER);

  value.as.number = number;
  return value;
}

struct kith_audit_value kith_audit_round(const char *name, const kith_round_id round)
{
  struct kith_audit_value value = value_of(name, KITH_AUDIT_ROUND);

  memcpy(value.as.round, round, KITH_ROUND_ID_BYTES);
  return value;
}

struct kith_audit_value kith_audit_hash(const char *name, const struct kith_hash *hash)
{
  struct kith_audit_value value = value_of(name, KITH_AUDIT_HASH);

  value.as.hash = *hash;
  return value;
}

static enum kith_err value_write(struct kith_buf *out, const struct kith_audit_value *value)
{
  if (!kith_member_id_valid(value->name))
    return KITH_ERR_DATA;
  kith_write_array(out, 2);
  kith_write_string(out, value->name);
  switch (value->kind) {
  case KITH_AUDIT_ID:
    kith_write_string(out, value->as.id);
    return kith_member_id_valid(value->as.id) ? KITH_OK : KITH_ERR_DATA;
  case KITH_AUDIT_NUMBER:
    kith_write_u64(out, value->as.number);
    return KITH_OK;
  case KITH_AUDIT_ROUND:
    kith_write_bin(out, value->as.round, KITH_ROUND_ID_BYTES);
    return KITH_OK;
  case KITH_AUDIT_HASH:
    kith_write_bin(out, value->as.hash.bytes, KITH_HASH_BYTES);
    return KITH_OK;
  case KITH_AUDIT_SIGNATURE:
    kith_write_bin(out, value->as.signature, KITH_SIGN_BYTES);
    return KITH_OK;
  }
  return KITH_ERR_DATA;
}

/* The kind shows in the value's first byte and, of a bin, its length. */
static void value_read(struct kith_reader *reader, struct kith_audit_value *out)
{
  enum { FIRST_BIN8 = 0xc4, FIRST_FIXSTR = 0xa0, LAST_FIXSTR = 0xbf, FIRST_STR8 = 0xd9 };
  uint8_t first;
  size_t len = 0;
  const uint8_t *bytes;

  kith_read_array(reader, 2);
  kith_read_member(reader, out->name);
  first = reader->err == KITH_OK && reader->at < reader->len ? reader->bytes[reader->at] : 0;
  if ((first >= FIRST_FIXSTR && first <= LAST_FIXSTR) || first == FIRST_STR8) {
    out->kind = KITH_AUDIT_ID;
    kith_read_member(reader, out->as.id);
    return;
  }
  if (first != FIRST_BIN8) {
    out->kind = KITH_AUDIT_NUMBER;
    out->as.number = kith_read_u64(reader, 0, UINT64_MAX);
    return;
  }
  bytes = kith_read_bin(reader, &len, KITH_ROUND_ID_BYTES, KITH_SIGN_BYTES);
  if (!bytes)
    return;
  if (len == KITH_ROUND_ID_BYTES)
    out->kind = KITH_AUDIT_ROUND;
  else if (len == KITH_HASH_BYTES)
    out->kind = KITH_AUDIT_HASH;
  else if (len == KITH_SIGN_BYTES)
    out->kind = KITH_AUDIT_SIGNATURE;
  else
    reader->err = KITH_ERR_DATA;
  if (reader->err == KITH_OK)
    memcpy(&out->as, bytes, len);
}

/* ---- entries */

static enum kith_err entry_write(struct kith_buf *out, const struct kith_audit_head *last,
                                 int64_t time, enum kith_audit_event event,
                                 const struct kith_audit_value *values, unsigned n)
{
  kith_write_array(out, 5);
  kith_write_u64(out, last->seq + 1);
  kith_write_u64(out, (uint64_t)time);
  kith_write_u64(out, event);
  kith_write_array(out, n);
  for (unsigned i = 0; i < n; i++) {
    enum kith_err err = value_write(out, &values[i]);
    if (err != KITH_OK)
      return err;
  }
  kith_write_bin(out, last->head.bytes, sizeof last->head.bytes);
  return kith_buf_err(out);
}

enum kith_err kith_audit_entry_read(struct kith_audit_entry *out, const void *bytes, size_t len)
{
  struct kith_audit_entry entry;
  struct kith_reader reader;
  enum kith_err err;

  memset(&entry, 0, sizeof entry);
  if (len > KITH_AUDIT_ENTRY_BYTES_MAX)
    return KITH_ERR_DATA;
  err = kith_reader_init(&reader, bytes, len);
  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 5);
  entry.seq = kith_read_u64(&reader, 1, UINT64_MAX);
  entry.time = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  entry.event = (unsigned)kith_read_u64(&reader, 1, EVENT_MAX);
  entry.n_values = kith_read_array_between(&reader, 0, KITH_AUDIT_VALUES_MAX);
  for (unsigned i = 0; i < entry.n_values; i++)
    value_read(&reader, &entry.values[i]);
  kith_read_bin_exact(&reader, entry.previous.bytes, sizeof entry.previous.bytes);
  err = kith_reader_done(&reader);
  if (err == KITH_OK)
    *out = entry;
  return err;
}

void kith_audit_entry_hash(struct kith_hash *out, const void *bytes, size_t len)
{
  kith_hash_bytes(out, "kith audit v1", bytes, len);
}

static struct kith_bytes entry_key(uint8_t key[ENTRY_KEY_BYTES], uint64_t seq)
{
  key[0] = 'e';
  kith_put_be(key + 1, 8, seq);
  return (struct kith_bytes){key, ENTRY_KEY_BYTES};
}

static const struct kith_bytes head_key = {"h", 1};
static const struct kith_bytes entry_prefix = {"e", 1};
static const struct kith_bytes tree_key = {"t", 1};

enum kith_err kith_audit_head(struct kith_txn *txn, unsigned table, struct kith_audit_head *out)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_store_get(txn, table, head_key, &bytes, &len);

  if (err == KITH_ERR_NOT_FOUND) {
    memset(out, 0, sizeof *out);
    return KITH_OK;
  }
  if (err != KITH_OK)
    return err;
  if (len != HEAD_BYTES)
    return KITH_ERR_DATA;
  out->seq = kith_get_le(bytes, 8);
  out->time = (int64_t)kith_get_le(bytes + 8, 8);
  memcpy(out->head.bytes, bytes + 16, KITH_HASH_BYTES);
  return KITH_OK;
}

/* ---- the tree, kept beside the head: no checkpoint needs the whole log */

static enum kith_err tree_leaf(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_hash leaf;

  (void)key;
  kith_tree_leaf(&leaf, value.bytes, value.len);
  kith_tree_add(context, &leaf);
  return KITH_OK;
}

static unsigned bits_of(uint64_t n)
{
  unsigned bits = 0;

  for (; n; n &= n - 1)
    bits++;
  return bits;
}

/* Made from the entries where a log has none yet, or one of another size. */
static enum kith_err tree_load(struct kith_txn *txn, unsigned table, struct kith_tree *out,
                               uint64_t n)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  size_t at = 8;
  enum kith_err err = kith_store_get(txn, table, tree_key, &bytes, &len);

  memset(out, 0, sizeof *out);
  if (err != KITH_OK && err != KITH_ERR_NOT_FOUND)
    return err;
  if (err == KITH_OK && len == 8 + bits_of(n) * (size_t)KITH_HASH_BYTES &&
      kith_get_le(bytes, 8) == n) {
    out->n = n;
    for (unsigned level = 0; level < KITH_MERKLE_LEVELS; level++)
      if (n >> level & 1) {
        memcpy(out->left[level].bytes, bytes + at, KITH_HASH_BYTES);
        at += KITH_HASH_BYTES;
      }
    return KITH_OK;
  }
  err = kith_store_each(txn, table, entry_prefix, tree_leaf, out);
  return err == KITH_OK && out->n != n ? KITH_ERR_DATA : err;
}

static enum kith_err tree_store(struct kith_txn *txn, unsigned table, const struct kith_tree *tree)
{
  uint8_t bytes[8 + KITH_MERKLE_LEVELS * KITH_HASH_BYTES];
  size_t len = 8;

  kith_put_le(bytes, 8, tree->n);
  for (unsigned level = 0; level < KITH_MERKLE_LEVELS; level++)
    if (tree->n >> level & 1) {
      memcpy(bytes + len, tree->left[level].bytes, KITH_HASH_BYTES);
      len += KITH_HASH_BYTES;
    }
  return kith_store_put(txn, table, tree_key, (struct kith_bytes){bytes, len});
}

static enum kith_err head_store(struct kith_txn *txn, unsigned table,
                                const struct kith_audit_head *head)
{
  uint8_t bytes[HEAD_BYTES];

  kith_put_le(bytes, 8, head->seq);
  kith_put_le(bytes + 8, 8, (uint64_t)head->time);
  memcpy(bytes + 16, head->head.bytes, KITH_HASH_BYTES);
  return kith_store_put(txn, table, head_key, (struct kith_bytes){bytes, sizeof bytes});
}

enum kith_err kith_audit_append(struct kith_txn *txn, unsigned table, int64_t time,
                                enum kith_audit_event event, const struct kith_audit_value *values,
                                unsigned n, struct kith_audit_head *out)
{
  uint8_t key[ENTRY_KEY_BYTES];
  struct kith_audit_head head;
  struct kith_tree tree;
  struct kith_hash leaf;
  struct kith_buf entry;
  enum kith_err err;

  assert(event >= 1 && event < KITH_AUDIT_EVENTS);
  if (n > KITH_AUDIT_VALUES_MAX)
    return KITH_ERR_DATA;
  err = kith_audit_head(txn, table, &head);
  if (err != KITH_OK)
    return err;
  err = tree_load(txn, table, &tree, head.seq);
  if (err != KITH_OK)
    return err;
  if (time < head.time)
    time = head.time;
  kith_buf_init(&entry, KITH_AUDIT_ENTRY_BYTES_MAX);
  err = entry_write(&entry, &head, time, event, values, n);
  if (err != KITH_OK)
    goto out;
  head.seq++;
  head.time = time;
  kith_audit_entry_hash(&head.head, entry.bytes, entry.len);
  err = kith_store_add(txn, table, entry_key(key, head.seq),
                       (struct kith_bytes){entry.bytes, entry.len});
  if (err == KITH_ERR_EXISTS)
    err = KITH_ERR_DATA; /* the table's head is not the newest entry's: it was tampered with */
  kith_tree_leaf(&leaf, entry.bytes, entry.len);
  kith_tree_add(&tree, &leaf);
  if (err == KITH_OK)
    err = head_store(txn, table, &head);
  if (err == KITH_OK)
    err = tree_store(txn, table, &tree);
  if (err == KITH_OK && out)
    *out = head;
out:
  kith_buf_free(&entry);
  return err;
}

struct each {
  uint64_t from;
  kith_audit_visit *visit;
  void *context;
};

static enum kith_err each_entry(void *context, struct kith_bytes key, struct kith_bytes value)
{
  const struct each *each = context;
  struct kith_audit_entry entry;
  enum kith_err err = kith_audit_entry_read(&entry, value.bytes, value.len);

  (void)key;
  if (err != KITH_OK || entry.seq < each->from)
    return err;
  return each->visit(each->context, &entry);
}

enum kith_err kith_audit_each(struct kith_txn *txn, unsigned table, uint64_t seq,
                              kith_audit_visit *visit, void *context)
{
  struct each each = {seq, visit, context};

  return kith_store_each(txn, table, entry_prefix, each_entry, &each);
}

enum kith_err kith_audit_each_raw(struct kith_txn *txn, unsigned table, kith_store_visit *visit,
                                  void *context)
{
  return kith_store_each(txn, table, entry_prefix, visit, context);
}

/* ---- checkpoints */

enum kith_err kith_audit_checkpoint(struct kith_txn *txn, unsigned table,
                                    struct kith_checkpoint *out, const char *member,
                                    const struct kith_identity *identity)
{
  struct kith_checkpoint checkpoint = {0};
  struct kith_audit_head head;
  struct kith_tree tree;
  enum kith_err err = kith_audit_head(txn, table, &head);

  if (err == KITH_OK && head.seq) {
    checkpoint.seq = head.seq;
    err = tree_load(txn, table, &tree, head.seq);
    if (err == KITH_OK) {
      kith_tree_root(&tree, &checkpoint.root);
      err = kith_checkpoint_sign(&checkpoint, member, identity);
    }
  }
  if (err == KITH_OK)
    *out = checkpoint;
  return err;
}

struct leaves {
  struct kith_hash *hashes;
  uint64_t n;
  uint64_t room;
};

static enum kith_err leaf_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct leaves *leaves = context;

  (void)key;
  if (leaves->n == leaves->room)
    return KITH_ERR_DATA;
  kith_tree_leaf(&leaves->hashes[leaves->n++], value.bytes, value.len);
  return KITH_OK;
}

enum kith_err kith_audit_consistency(struct kith_txn *txn, unsigned table,
                                     struct kith_tree_proof *out, uint64_t old)
{
  struct kith_audit_head head;
  struct leaves leaves = {0};
  enum kith_err err = kith_audit_head(txn, table, &head);

  if (err != KITH_OK)
    return err;
  if (old > head.seq)
    return KITH_ERR_NOT_FOUND;
  out->n = 0;
  if (old == 0 || old == head.seq)
    return KITH_OK;
  leaves.room = head.seq;
  leaves.hashes = kith_realloc(NULL, head.seq, sizeof *leaves.hashes);
  if (!leaves.hashes)
    return KITH_ERR_MEMORY;
  err = kith_store_each(txn, table, entry_prefix, leaf_visit, &leaves);
  if (err == KITH_OK && leaves.n != head.seq)
    err = KITH_ERR_DATA;
  if (err == KITH_OK)
    kith_tree_consistency(out, leaves.hashes, leaves.n, old);
  kith_free(leaves.hashes);
  return err;
}
