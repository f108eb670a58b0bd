/* LMDB behind one small interface: one environment, a fixed list of named tables, short
 * transactions. The only file that includes lmdb.h is base/store.c.
 *
 * One thread owns the environment; another may have transactions of its own, which wait for those
 * that write. Values are copied out. A full map is KITH_ERR_FULL, an
 * ordinary error; a full disk is that or KITH_ERR_IO (LMDB reports a short write so). Deleting
 * does not erase pages: what must vanish is stored sealed, under a key that is a file of its
 * own (crypto/roundkey.h). After kith_txn_commit the transaction is gone, whether it succeeded
 * or not. Never used across a fork.
 * Failpoints: store.commit.before, store.put; store.commit.after is a place to be killed at
 * only, as what is durable can't be reported as failed. */
#ifndef KITH_BASE_STORE_H
#define KITH_BASE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct kith_store;
struct kith_txn;

struct kith_store_options {
  const char *const *tables; /* names, static; a table's id is its index */
  unsigned n_tables;
  size_t map_bytes; /* the most the store may grow to */
};

struct kith_bytes {
  const void *bytes;
  size_t len;
};

/* `dir` is made with mode 0700. A second process on the same environment is refused
 * (KITH_ERR_UNAVAILABLE: a lock file beside it). */
KITH_MUST_USE enum kith_err kith_store_open(struct kith_store **out, const char *dir,
                                            const struct kith_store_options *options,
                                            struct kith_fault *fault);
void kith_store_close(struct kith_store *store);

KITH_MUST_USE enum kith_err kith_txn_begin(struct kith_txn **out, struct kith_store *store,
                                           bool write);
/* Makes the writes durable, or none of them. Frees the transaction either way. */
KITH_MUST_USE enum kith_err kith_txn_commit(struct kith_txn *txn);
/* Takes NULL. */
void kith_txn_abort(struct kith_txn *txn);

/* Lets go of the pages that reading and writing has brought into this process's memory: after bulk
 * work, so that the store's size is not the process's. */
void kith_store_relax(struct kith_store *store);

/* *out is a fresh copy (kith_free), with a terminator after it; KITH_ERR_NOT_FOUND. */
KITH_MUST_USE enum kith_err kith_store_get(struct kith_txn *txn, unsigned table,
                                           struct kith_bytes key, uint8_t **out, size_t *len);
KITH_MUST_USE enum kith_err kith_store_put(struct kith_txn *txn, unsigned table,
                                           struct kith_bytes key, struct kith_bytes value);
/* As put, but KITH_ERR_EXISTS where the key is there. */
KITH_MUST_USE enum kith_err kith_store_add(struct kith_txn *txn, unsigned table,
                                           struct kith_bytes key, struct kith_bytes value);
/* No such key is KITH_OK. */
KITH_MUST_USE enum kith_err kith_store_delete(struct kith_txn *txn, unsigned table,
                                              struct kith_bytes key);
/* Deletes every key that starts with `prefix`. */
KITH_MUST_USE enum kith_err kith_store_delete_prefix(struct kith_txn *txn, unsigned table,
                                                     struct kith_bytes prefix);

/* Calls `visit` for each entry whose key starts with `prefix`, in key order, until it returns
 * an error other than KITH_OK, which is then returned; KITH_ERR_CANCELLED stops early and gives
 * KITH_OK. `key` and `value` are valid during the call only; `visit` must not write. */
typedef enum kith_err kith_store_visit(void *context, struct kith_bytes key,
                                       struct kith_bytes value);
KITH_MUST_USE enum kith_err kith_store_each(struct kith_txn *txn, unsigned table,
                                            struct kith_bytes prefix, kith_store_visit *visit,
                                            void *context);

#endif
