#include "daemon/service/officers.h"

#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"

enum { VERSION_KEY_BYTES = 8 };

static void version_key(uint8_t out[VERSION_KEY_BYTES], uint64_t version)
{
  kith_put_be(out, VERSION_KEY_BYTES, version);
}

/* ---- loading */

/* The last one is the newest: keys are versions, most significant byte first. */
static enum kith_err newest_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_buf *newest = context;

  (void)key;
  kith_buf_clear(newest);
  kith_buf_append(newest, value.bytes, value.len);
  return kith_buf_err(newest);
}

static enum kith_err newest_read(struct kith_agency *agency, struct kith_signed *out)
{
  struct kith_buf newest;
  struct kith_reader reader;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, agency->node->store, false);

  kith_buf_init(&newest, 0);
  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_OFFICERS, (struct kith_bytes){NULL, 0}, newest_visit,
                          &newest);
  kith_txn_abort(txn);
  if (err == KITH_OK && newest.len == 0)
    err = KITH_ERR_NOT_FOUND;
  if (err == KITH_OK)
    err = kith_reader_init(&reader, newest.bytes, newest.len);
  if (err == KITH_OK) {
    kith_read_array(&reader, 2);
    err = kith_signed_read(out, KITH_DOCUMENT_OFFICERS, &reader);
  }
  kith_buf_free(&newest);
  return err;
}

enum kith_err kith_agency_officers_load(struct kith_agency *agency, struct kith_fault *fault)
{
  struct kith_signed document = {0};
  enum kith_err err = newest_read(agency, &document);

  if (err == KITH_ERR_NOT_FOUND)
    return KITH_OK;
  if (err != KITH_OK)
    return kith_fail(fault, err, "the list of officers can't be read from the store");
  err = kith_officers_accept(&agency->officers, &document, agency->node->id,
                             agency->node->identity->public_keys.sign, NULL, NULL, fault);
  if (err == KITH_ERR_NO) {
    /* The agency's key was replaced: its version still bounds the next one. */
    err = kith_officers_parse(&agency->officers, document.bytes, document.len, "officers", fault);
    agency->officers.n = 0;
    kith_log(KITH_LOG_WARNING, "officers.unsigned");
  }
  kith_signed_hash(&agency->officers_hash, &document);
  kith_signed_free(&document);
  return err;
}

/* ---- a new list */

static enum kith_err audit_officer(struct kith_agency *agency, struct kith_txn *txn,
                                   enum kith_audit_event event, const struct kith_officer *officer,
                                   uint64_t version)
{
  struct kith_audit_value values[3];
  struct kith_hash key;

  kith_officer_key_hash(&key, officer->key);
  values[0] = kith_audit_id("officer", officer->id);
  values[1] = kith_audit_hash("key", &key);
  values[2] = kith_audit_number("version", version);
  return kith_audit_append(txn, KITH_TABLE_AUDIT, kith_node_now(agency->node), event, values, 3,
                           NULL);
}

static bool has_same(const struct kith_officers *list, const struct kith_officer *officer)
{
  const struct kith_officer *found = kith_officer_by_id(list, officer->id);

  return found && memcmp(found, officer, sizeof *found) == 0;
}

/* The list itself, and each officer who is struck off, new, or listed otherwise than before. */
static enum kith_err audit_list(struct kith_agency *agency, struct kith_txn *txn,
                                const struct kith_officers *list, const struct kith_hash *hash)
{
  const struct kith_officers *old = &agency->officers;
  struct kith_audit_value values[3] = {kith_audit_hash("hash", hash),
                                       kith_audit_number("version", list->version),
                                       kith_audit_number("officers", list->n)};
  enum kith_err err = kith_audit_append(txn, KITH_TABLE_AUDIT, kith_node_now(agency->node),
                                        KITH_AUDIT_OFFICERS, values, 3, NULL);

  for (unsigned i = 0; err == KITH_OK && i < old->n; i++)
    if (!has_same(list, &old->officers[i]))
      err =
          audit_officer(agency, txn, KITH_AUDIT_OFFICER_REMOVED, &old->officers[i], list->version);
  for (unsigned i = 0; err == KITH_OK && i < list->n; i++)
    if (!has_same(old, &list->officers[i]))
      err = audit_officer(agency, txn, KITH_AUDIT_OFFICER_ADDED, &list->officers[i], list->version);
  return err;
}

static enum kith_err list_store(struct kith_agency *agency, const struct kith_officers *list,
                                const struct kith_signed *document, const struct kith_hash *hash)
{
  uint8_t key[VERSION_KEY_BYTES];
  struct kith_buf buf;
  struct kith_txn *txn = NULL;
  enum kith_err err;

  version_key(key, list->version);
  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX + 4096);
  kith_write_array(&buf, 2);
  kith_signed_write(&buf, document);
  if ((err = kith_buf_err(&buf)) == KITH_OK)
    err = kith_node_begin(&txn, agency->node);
  if (err == KITH_OK)
    err = kith_store_add(txn, KITH_TABLE_OFFICERS, (struct kith_bytes){key, sizeof key},
                         (struct kith_bytes){buf.bytes, buf.len});
  kith_buf_free(&buf);
  if (err == KITH_OK)
    err = audit_list(agency, txn, list, hash);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_agency_officers_take(struct kith_agency *agency,
                                        const struct kith_signed *document,
                                        struct kith_fault *fault)
{
  const bool held = agency->officers.version > 0;
  struct kith_officers *list = KITH_NEW(struct kith_officers);
  struct kith_hash hash;
  enum kith_err err;

  if (!list)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  kith_signed_hash(&hash, document);
  err = kith_officers_accept(
      list, document, agency->node->id, agency->node->identity->public_keys.sign,
      held ? &agency->officers : NULL, held ? &agency->officers_hash : NULL, fault);
  if (err == KITH_ERR_EXISTS) {
    kith_free(list);
    return KITH_OK;
  }
  if (err == KITH_OK && (err = list_store(agency, list, document, &hash)) != KITH_OK)
    err = kith_fail(fault, err, "the list of officers could not be kept: %s", kith_err_name(err));
  if (err == KITH_OK) {
    agency->officers = *list;
    agency->officers_hash = hash;
  } else {
    kith_log(KITH_LOG_WARNING, "officers.refused", KITH_LOG_STR("error", kith_err_name(err)));
  }
  kith_free(list);
  return err;
}
