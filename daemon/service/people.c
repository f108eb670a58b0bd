#include "daemon/service/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/service/handle_table.h"

enum { ENTRIES_A_TRANSACTION = 4096 };

/* In the order of their keys: the table then grows at its end. */
struct entry {
  struct kith_hash index;
  uint8_t own[KITH_HANDLE_BYTES];
  const uint8_t *handle;
};

/* ---- making */

static int compare_entries(const void *a, const void *b)
{
  return memcmp(((const struct entry *)a)->index.bytes, ((const struct entry *)b)->index.bytes,
                KITH_HASH_BYTES);
}

static enum kith_err entries_make(struct entry *entries, const kith_round_id round,
                                  const struct kith_secret *table_key,
                                  const struct kith_person_record *records, size_t n)
{
  enum kith_err err = KITH_OK;

  for (size_t i = 0; err == KITH_OK && i < n; i++) {
    err = kith_handle_of(entries[i].own, round, table_key, records[i].id, strlen(records[i].id));
    kith_handle_index(&entries[i].index, round, entries[i].own);
    entries[i].handle = records[i].handle;
  }
  if (err == KITH_OK && n > 1)
    qsort(entries, n, sizeof *entries, compare_entries);
  return err;
}

static enum kith_err entries_put(struct kith_agency *agency, struct kith_handles *handles,
                                 const kith_round_id round, const struct entry *entries, size_t n)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  for (size_t i = 0; err == KITH_OK && i < n; i++)
    err = kith_handle_table_put(txn, KITH_TABLE_PEOPLE, handles, round, &entries[i].index,
                                entries[i].own, entries[i].handle, KITH_HANDLE_BYTES);
  if (err == KITH_OK)
    err = kith_txn_commit(txn);
  else
    kith_txn_abort(txn);
  kith_store_relax(agency->node->store);
  kith_agency_alive(agency);
  return err;
}

enum kith_err kith_people_keep(struct kith_agency *agency, const kith_round_id round,
                               const struct kith_secret *table_key,
                               const struct kith_person_record *records, size_t n)
{
  struct entry *entries = KITH_NEW_ARRAY(struct entry, n);
  struct kith_handles *handles = NULL;
  enum kith_err err = entries ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = entries_make(entries, round, table_key, records, n);
  if (err == KITH_OK)
    err = kith_handles_new(&handles, round, table_key);
  for (size_t first = 0; err == KITH_OK && first < n; first += ENTRIES_A_TRANSACTION)
    err = entries_put(agency, handles, round, entries + first,
                      n - first < ENTRIES_A_TRANSACTION ? n - first : ENTRIES_A_TRANSACTION);
  kith_handles_free(handles);
  kith_free_wiped(entries, n * sizeof *entries);
  return err;
}

/* ---- reading */

/* Nobody of this id, or an entry that is there and damaged. */
static enum kith_err opened(enum kith_err err)
{
  return err == KITH_ERR_NOT_FOUND ? KITH_ERR_NO : err == KITH_ERR_NO ? KITH_ERR_INTERNAL : err;
}

enum kith_err kith_people_find(const struct kith_agency *agency, const kith_round_id round,
                               const char *id, uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_secret *table_key = NULL;
  uint8_t own[KITH_HANDLE_BYTES];
  struct kith_buf found;
  enum kith_err err = kith_roundkey_load(agency->node->keys, &table_key, round, "table", NULL);

  kith_buf_init(&found, 0);
  if (err == KITH_OK)
    err = kith_handle_of(own, round, table_key, id, strlen(id));
  if (err == KITH_OK)
    err = opened(kith_handle_table_get(agency, KITH_TABLE_PEOPLE, round, table_key, own, &found));
  if (err == KITH_OK && found.len != KITH_HANDLE_BYTES)
    err = KITH_ERR_INTERNAL;
  if (err == KITH_OK)
    memcpy(handle, found.bytes, KITH_HANDLE_BYTES);
  kith_secret_free(table_key);
  kith_buf_free(&found);
  return err;
}
