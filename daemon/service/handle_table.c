#include "daemon/service/handle_table.h"

#include <string.h>

#include "base/mem.h"

enum { KEY_BYTES = KITH_ROUND_ID_BYTES + KITH_HASH_BYTES };

static struct kith_bytes entry_key(uint8_t key[KEY_BYTES], const kith_round_id round,
                                   const struct kith_hash *index)
{
  memcpy(key, round, KITH_ROUND_ID_BYTES);
  memcpy(key + KITH_ROUND_ID_BYTES, index->bytes, KITH_HASH_BYTES);
  return (struct kith_bytes){key, KEY_BYTES};
}

enum kith_err kith_handle_table_put(struct kith_txn *txn, enum kith_agency_table table,
                                    struct kith_handles *handles, const kith_round_id round,
                                    const struct kith_hash *index,
                                    const uint8_t handle[KITH_HANDLE_BYTES], const void *bytes,
                                    size_t len)
{
  uint8_t key[KEY_BYTES];
  struct kith_buf sealed;
  enum kith_err err;

  kith_buf_init(&sealed, 0);
  err = kith_handle_seal(handles, &sealed, handle, bytes, len);
  if (err == KITH_OK)
    err = kith_store_put(txn, table, entry_key(key, round, index),
                         (struct kith_bytes){sealed.bytes, sealed.len});
  kith_buf_free(&sealed);
  return err;
}

enum kith_err kith_handle_table_get(const struct kith_agency *agency, enum kith_agency_table table,
                                    const kith_round_id round, const struct kith_secret *table_key,
                                    const uint8_t handle[KITH_HANDLE_BYTES], struct kith_buf *out)
{
  KITH_AUTO_FREE uint8_t *sealed = NULL;
  struct kith_handles *handles = NULL;
  struct kith_txn *txn = NULL;
  struct kith_hash index;
  uint8_t key[KEY_BYTES];
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, agency->node->store, false);

  kith_handle_index(&index, round, handle);
  if (err == KITH_OK)
    err = kith_store_get(txn, table, entry_key(key, round, &index), &sealed, &len);
  kith_txn_abort(txn);
  if (err == KITH_OK)
    err = kith_handles_new(&handles, round, table_key);
  if (err == KITH_OK)
    err = kith_handle_open(handles, out, handle, sealed, len);
  kith_handles_free(handles);
  return err;
}
