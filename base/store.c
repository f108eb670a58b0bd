#include "base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/mem.h"

struct kith_store {
  MDB_env *env;
  MDB_dbi *tables;
  unsigned n_tables;
  int lock_fd;
};

struct kith_txn {
  MDB_txn *txn;
  struct kith_store *store;
};

static enum kith_err map_error(int result)
{
  switch (result) {
  case MDB_SUCCESS:
    return KITH_OK;
  case MDB_NOTFOUND:
    return KITH_ERR_NOT_FOUND;
  case MDB_KEYEXIST:
    return KITH_ERR_EXISTS;
  case MDB_MAP_FULL:
  case MDB_TXN_FULL:
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return KITH_ERR_FULL;
  case MDB_BAD_VALSIZE:
    return KITH_ERR_LIMIT;
  case MDB_INVALID:
  case MDB_VERSION_MISMATCH:
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
    return KITH_ERR_DATA;
  case EACCES:
  case EPERM:
    return KITH_ERR_DENIED;
  case ENOMEM:
    return KITH_ERR_MEMORY;
  default:
    /* Positive results are errno values, negative ones LMDB's own: misuse. */
    return result > 0 ? KITH_ERR_IO : KITH_ERR_INTERNAL;
  }
}

/* ---- environment */

static enum kith_err lock_take(struct kith_store *store, const char *dir, struct kith_fault *fault)
{
  KITH_AUTO_FREE char *path = kith_path_join(dir, "owner.lock");

  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", dir);
  store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (store->lock_fd < 0)
    return kith_fail(fault, errno == EACCES ? KITH_ERR_DENIED : KITH_ERR_IO,
                     "%s: can't be opened: %s", path, strerror(errno));
  if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
    return kith_fail(fault, KITH_ERR_UNAVAILABLE,
                     "%s: in use by another process; one program at a time may open it", dir);
  return KITH_OK;
}

static int env_open(struct kith_store *store, const char *dir,
                    const struct kith_store_options *options)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t map_bytes = (options->map_bytes + page - 1) / page * page;
  int n_stale;
  int result = mdb_env_create(&store->env);

  if (result == 0)
    result = mdb_env_set_maxdbs(store->env, options->n_tables);
  if (result == 0)
    result = mdb_env_set_mapsize(store->env, map_bytes);
  /* NOTLS: a reader belongs to its transaction, so that a thread may read while it writes. */
  if (result == 0)
    result = mdb_env_open(store->env, dir, MDB_NOTLS, 0600);
  /* A reader of a killed process would keep old pages from being used again. */
  if (result == 0)
    result = mdb_reader_check(store->env, &n_stale);
  return result;
}

static int tables_open(struct kith_store *store, const struct kith_store_options *options)
{
  MDB_txn *txn;
  int result = mdb_txn_begin(store->env, NULL, 0, &txn);

  if (result != 0)
    return result;
  for (unsigned i = 0; i < options->n_tables; i++) {
    result = mdb_dbi_open(txn, options->tables[i], MDB_CREATE, &store->tables[i]);
    if (result != 0) {
      mdb_txn_abort(txn);
      return result;
    }
  }
  return mdb_txn_commit(txn);
}

enum kith_err kith_store_open(struct kith_store **out, const char *dir,
                              const struct kith_store_options *options, struct kith_fault *fault)
{
  int result;
  enum kith_err err;
  struct kith_store *store = KITH_NEW(struct kith_store);

  if (!store)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", dir);
  store->lock_fd = -1;
  store->n_tables = options->n_tables;
  store->tables = KITH_NEW_ARRAY(MDB_dbi, options->n_tables);
  if (!store->tables) {
    err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", dir);
    goto fail;
  }
  err = kith_dir_make(dir, 0700, fault);
  if (err == KITH_OK)
    err = lock_take(store, dir, fault);
  if (err != KITH_OK)
    goto fail;
  result = env_open(store, dir, options);
  if (result == 0)
    result = tables_open(store, options);
  if (result != 0) {
    err = kith_fail(fault, map_error(result), "%s: the store can't be opened: %s", dir,
                    mdb_strerror(result));
    goto fail;
  }
  *out = store;
  return KITH_OK;
fail:
  kith_store_close(store);
  return err;
}

void kith_store_close(struct kith_store *store)
{
  if (!store)
    return;
  if (store->env)
    mdb_env_close(store->env);
  if (store->lock_fd >= 0)
    close(store->lock_fd);
  kith_free(store->tables);
  kith_free(store);
}

void kith_store_relax(struct kith_store *store)
{
  MDB_envinfo info;

  /* Read only: LMDB writes through the file, so the pages are clean, and come back when asked for.
   */
  if (mdb_env_info(store->env, &info) == MDB_SUCCESS && info.me_mapaddr)
    (void)madvise(info.me_mapaddr, info.me_mapsize, MADV_DONTNEED);
}

/* ---- transactions */

enum kith_err kith_txn_begin(struct kith_txn **out, struct kith_store *store, bool write)
{
  int result;
  struct kith_txn *txn = KITH_NEW(struct kith_txn);

  if (!txn)
    return KITH_ERR_MEMORY;
  txn->store = store;
  result = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &txn->txn);
  if (result != 0) {
    kith_free(txn);
    return map_error(result);
  }
  *out = txn;
  return KITH_OK;
}

enum kith_err kith_txn_commit(struct kith_txn *txn)
{
  int result;

  if (kith_failpoint("store.commit.before")) {
    kith_txn_abort(txn);
    return KITH_ERR_IO;
  }
  /* LMDB has freed its transaction when this returns, even with an error. */
  result = mdb_txn_commit(txn->txn);
  kith_free(txn);
  /* A place to be killed at only: what is durable can't be reported as failed. */
  (void)kith_failpoint("store.commit.after");
  return map_error(result);
}

void kith_txn_abort(struct kith_txn *txn)
{
  if (!txn)
    return;
  mdb_txn_abort(txn->txn);
  kith_free(txn);
}

/* ---- entries */

static MDB_val to_val(struct kith_bytes bytes)
{
  return (MDB_val){.mv_size = bytes.len, .mv_data = (void *)(uintptr_t)bytes.bytes};
}

enum kith_err kith_store_get(struct kith_txn *txn, unsigned table, struct kith_bytes key,
                             uint8_t **out, size_t *len)
{
  MDB_val mdb_key = to_val(key);
  MDB_val value;
  uint8_t *copy;
  int result;

  if (table >= txn->store->n_tables)
    return KITH_ERR_INTERNAL;
  result = mdb_get(txn->txn, txn->store->tables[table], &mdb_key, &value);
  if (result != 0)
    return map_error(result);
  copy = kith_calloc(value.mv_size + 1, 1);
  if (!copy)
    return KITH_ERR_MEMORY;
  memcpy(copy, value.mv_data, value.mv_size);
  *out = copy;
  *len = value.mv_size;
  return KITH_OK;
}

static enum kith_err put(struct kith_txn *txn, unsigned table, struct kith_bytes key,
                         struct kith_bytes value, unsigned flags)
{
  MDB_val mdb_key = to_val(key);
  MDB_val mdb_value = to_val(value);

  if (table >= txn->store->n_tables)
    return KITH_ERR_INTERNAL;
  if (kith_failpoint("store.put"))
    return KITH_ERR_IO;
  return map_error(mdb_put(txn->txn, txn->store->tables[table], &mdb_key, &mdb_value, flags));
}

enum kith_err kith_store_put(struct kith_txn *txn, unsigned table, struct kith_bytes key,
                             struct kith_bytes value)
{
  return put(txn, table, key, value, 0);
}

enum kith_err kith_store_add(struct kith_txn *txn, unsigned table, struct kith_bytes key,
                             struct kith_bytes value)
{
  return put(txn, table, key, value, MDB_NOOVERWRITE);
}

enum kith_err kith_store_delete(struct kith_txn *txn, unsigned table, struct kith_bytes key)
{
  MDB_val mdb_key = to_val(key);
  int result;

  if (table >= txn->store->n_tables)
    return KITH_ERR_INTERNAL;
  result = mdb_del(txn->txn, txn->store->tables[table], &mdb_key, NULL);
  return result == MDB_NOTFOUND ? KITH_OK : map_error(result);
}

/* Moves the cursor to the first key from `prefix` on; LMDB has no empty keys to look for. */
static int cursor_seek(MDB_cursor *cursor, MDB_val *key, MDB_val *value, struct kith_bytes prefix)
{
  *key = to_val(prefix);
  return mdb_cursor_get(cursor, key, value, prefix.len ? MDB_SET_RANGE : MDB_FIRST);
}

static bool has_prefix(const MDB_val *key, struct kith_bytes prefix)
{
  return key->mv_size >= prefix.len &&
         (prefix.len == 0 || memcmp(key->mv_data, prefix.bytes, prefix.len) == 0);
}

enum kith_err kith_store_delete_prefix(struct kith_txn *txn, unsigned table,
                                       struct kith_bytes prefix)
{
  MDB_cursor *cursor;
  MDB_val key;
  MDB_val value;
  int result;

  if (table >= txn->store->n_tables)
    return KITH_ERR_INTERNAL;
  result = mdb_cursor_open(txn->txn, txn->store->tables[table], &cursor);
  if (result != 0)
    return map_error(result);
  /* Sought anew after each deletion: a cursor's next step after one is easy to get wrong. */
  while ((result = cursor_seek(cursor, &key, &value, prefix)) == 0 && has_prefix(&key, prefix)) {
    result = mdb_cursor_del(cursor, 0);
    if (result != 0)
      break;
  }
  mdb_cursor_close(cursor);
  return result == MDB_NOTFOUND ? KITH_OK : map_error(result);
}

enum kith_err kith_store_each(struct kith_txn *txn, unsigned table, struct kith_bytes prefix,
                              kith_store_visit *visit, void *context)
{
  MDB_cursor *cursor;
  MDB_val key;
  MDB_val value;
  int result;
  enum kith_err err = KITH_OK;

  if (table >= txn->store->n_tables)
    return KITH_ERR_INTERNAL;
  result = mdb_cursor_open(txn->txn, txn->store->tables[table], &cursor);
  if (result != 0)
    return map_error(result);
  result = cursor_seek(cursor, &key, &value, prefix);
  while (result == 0 && err == KITH_OK && has_prefix(&key, prefix)) {
    err = visit(context, (struct kith_bytes){key.mv_data, key.mv_size},
                (struct kith_bytes){value.mv_data, value.mv_size});
    if (err == KITH_OK)
      result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
  }
  mdb_cursor_close(cursor);
  if (err != KITH_OK)
    return err == KITH_ERR_CANCELLED ? KITH_OK : err;
  return result == MDB_NOTFOUND ? KITH_OK : map_error(result);
}
