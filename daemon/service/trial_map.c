/* Who is behind each handle of a trial round: read back from what outbox.c kept. */
#include <string.h>

#include "base/mem.h"
#include "crypto/seal.h"
#include "daemon/service/agency.h"

struct trial_walk {
  const struct kith_secret *key;
  uint8_t *after;
  unsigned left;
  bool more;
  kith_trial_visit *visit;
  void *context;
};

static enum kith_err trial_entry(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct trial_walk *walk = context;
  const uint8_t *index = (const uint8_t *)key.bytes + KITH_ROUND_ID_BYTES;
  KITH_AUTO_FREE uint8_t *plain = NULL;
  enum kith_err err;

  if (key.len != KITH_ROUND_ID_BYTES + KITH_HASH_BYTES ||
      value.len < KITH_BOX_OVERHEAD + KITH_HANDLE_BYTES)
    return KITH_ERR_INTERNAL;
  if (memcmp(index, walk->after, KITH_HASH_BYTES) <= 0)
    return KITH_OK;
  if (walk->left-- == 0) {
    walk->more = true;
    return KITH_ERR_CANCELLED;
  }
  plain = kith_calloc(value.len - KITH_BOX_OVERHEAD + 1, 1);
  if (!plain)
    return KITH_ERR_MEMORY;
  err = kith_box_open(plain, walk->key, key.bytes, key.len, value.bytes, value.len);
  if (err == KITH_OK)
    err = walk->visit(walk->context, plain, (const char *)plain + KITH_HANDLE_BYTES);
  memcpy(walk->after, index, KITH_HASH_BYTES);
  return err;
}

enum kith_err kith_outbox_trial_map(struct kith_agency *agency,
                                    const struct kith_agency_round *round, uint8_t *after,
                                    unsigned max, bool *more, kith_trial_visit *visit,
                                    void *context)
{
  struct trial_walk walk = {NULL, after, max, false, visit, context};
  struct kith_secret *key = NULL;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_roundkey_load(agency->node->keys, &key, round->node->id, "table", NULL);

  if (err == KITH_OK)
    err = kith_txn_begin(&txn, agency->node->store, false);
  walk.key = key;
  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_TRIAL,
                          (struct kith_bytes){round->node->id, KITH_ROUND_ID_BYTES}, trial_entry,
                          &walk);
  kith_txn_abort(txn);
  kith_secret_free(key);
  *more = walk.more;
  return err;
}
