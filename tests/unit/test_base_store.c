#include "base/store.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/process.h"
#include "tests/unit/unit.h"

enum { THINGS, OTHERS };
static const char *const tables[] = {"things", "others"};
static const struct kith_store_options options = {tables, 2, 1 << 20};

static struct kith_bytes text(const char *string)
{
  return (struct kith_bytes){string, strlen(string)};
}

static void put_one(struct kith_store *store, const char *key, const char *value)
{
  struct kith_txn *txn;

  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  assert_int_equal(kith_store_put(txn, THINGS, text(key), text(value)), KITH_OK);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
}

static enum kith_err get_one(struct kith_store *store, const char *key, const char *expected)
{
  struct kith_txn *txn;
  uint8_t *value;
  size_t len;
  enum kith_err err;

  assert_int_equal(kith_txn_begin(&txn, store, false), KITH_OK);
  err = kith_store_get(txn, THINGS, text(key), &value, &len);
  kith_txn_abort(txn);
  if (err == KITH_OK) {
    assert_int_equal(len, strlen(expected));
    assert_string_equal((char *)value, expected);
    kith_free(value);
  }
  return err;
}

static struct kith_store *open_store(void **state, const char *name)
{
  struct kith_store *store;

  assert_int_equal(kith_store_open(&store, unit_path(state, name), &options, NULL), KITH_OK);
  return store;
}

static void keeps_values(void **state)
{
  struct kith_store *store = open_store(state, "keeps");
  struct kith_txn *txn;

  put_one(store, "a", "one");
  put_one(store, "a", "two");
  put_one(store, "b", "");
  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  assert_int_equal(kith_store_add(txn, THINGS, text("a"), text("x")), KITH_ERR_EXISTS);
  assert_int_equal(kith_store_add(txn, THINGS, text("c"), text("x")), KITH_OK);
  assert_int_equal(kith_store_put(txn, 2, text("c"), text("x")), KITH_ERR_INTERNAL);
  assert_int_equal(kith_store_put(txn, THINGS, text(""), text("x")), KITH_ERR_LIMIT);
  kith_txn_abort(txn);
  kith_txn_abort(NULL);
  kith_store_close(store);
  kith_store_close(NULL);

  store = open_store(state, "keeps");
  assert_int_equal(get_one(store, "a", "two"), KITH_OK);
  assert_int_equal(get_one(store, "b", ""), KITH_OK);
  assert_int_equal(get_one(store, "c", ""), KITH_ERR_NOT_FOUND);
  kith_store_close(store);
}

static enum kith_err list(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_buf *buf = context;

  kith_buf_printf(buf, "%.*s=%.*s ", (int)key.len, (const char *)key.bytes, (int)value.len,
                  (const char *)value.bytes);
  return value.len == 1 && *(const char *)value.bytes == 'S' ? KITH_ERR_CANCELLED : KITH_OK;
}

static enum kith_err refuse(void *context, struct kith_bytes key, struct kith_bytes value)
{
  (void)context;
  (void)key;
  (void)value;
  return KITH_ERR_DATA;
}

static void assert_listed(struct kith_store *store, const char *prefix, const char *expected)
{
  struct kith_buf buf = {0};
  struct kith_txn *txn;

  assert_int_equal(kith_txn_begin(&txn, store, false), KITH_OK);
  assert_int_equal(kith_store_each(txn, THINGS, text(prefix), list, &buf), KITH_OK);
  kith_txn_abort(txn);
  kith_buf_append(&buf, "", 1);
  assert_string_equal((char *)buf.bytes, expected);
  kith_buf_free(&buf);
}

static void walks_prefixes(void **state)
{
  struct kith_store *store = open_store(state, "walks");
  struct kith_txn *txn;

  assert_listed(store, "", "");
  put_one(store, "a", "1");
  put_one(store, "b1", "2");
  put_one(store, "b2", "3");
  put_one(store, "b", "4");
  put_one(store, "c", "5");
  assert_listed(store, "", "a=1 b=4 b1=2 b2=3 c=5 ");
  assert_listed(store, "b", "b=4 b1=2 b2=3 ");
  assert_listed(store, "d", "");
  put_one(store, "b1", "S");
  assert_listed(store, "b", "b=4 b1=S ");
  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  assert_int_equal(kith_store_each(txn, THINGS, text("b"), refuse, NULL), KITH_ERR_DATA);
  assert_int_equal(kith_store_delete(txn, THINGS, text("zz")), KITH_OK);
  assert_int_equal(kith_store_delete(txn, THINGS, text("a")), KITH_OK);
  assert_int_equal(kith_store_delete_prefix(txn, THINGS, text("b")), KITH_OK);
  assert_int_equal(kith_store_delete_prefix(txn, THINGS, text("b")), KITH_OK);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  assert_listed(store, "", "c=5 ");
  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  assert_int_equal(kith_store_delete_prefix(txn, THINGS, text("")), KITH_OK);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  assert_listed(store, "", "");
  kith_store_close(store);
}

/* Many keys over many pages go with their prefix, and only they. */
static void deletes_many(void **state)
{
  struct kith_store *store = open_store(state, "many");
  struct kith_txn *txn;
  char key[32];

  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  for (int i = 0; i < 3000; i++) {
    snprintf(key, sizeof key, "%c%d", "abc"[i % 3], i);
    assert_int_equal(kith_store_put(txn, THINGS, text(key), text("some value of some length")),
                     KITH_OK);
  }
  assert_int_equal(kith_store_delete_prefix(txn, THINGS, text("b")), KITH_OK);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  for (int i = 0; i < 3000; i++) {
    snprintf(key, sizeof key, "%c%d", "abc"[i % 3], i);
    assert_int_equal(get_one(store, key, "some value of some length"),
                     i % 3 == 1 ? KITH_ERR_NOT_FOUND : KITH_OK);
  }
  kith_store_close(store);
}

static void full_map_is_an_error(void **state)
{
  struct kith_store *store = open_store(state, "full");
  static char value[100000];
  struct kith_txn *txn;
  enum kith_err err = KITH_OK;
  char key[16];

  put_one(store, "kept", "yes");
  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  for (int i = 0; err == KITH_OK; i++) {
    assert_true(i < 20);
    snprintf(key, sizeof key, "%d", i);
    err = kith_store_put(txn, THINGS, text(key), (struct kith_bytes){value, sizeof value});
  }
  assert_int_equal(err, KITH_ERR_FULL);
  kith_txn_abort(txn);
  assert_int_equal(get_one(store, "kept", "yes"), KITH_OK);
  put_one(store, "more", "fits");
  kith_store_close(store);
}

static void second_owner_is_refused(void **state)
{
  struct kith_store *store = open_store(state, "owner");
  struct kith_store *second = NULL;
  struct kith_fault fault;
  pid_t child;
  int status;

  assert_int_equal(kith_store_open(&second, unit_path(state, "owner"), &options, &fault),
                   KITH_ERR_UNAVAILABLE);
  child = fork();
  if (child == 0)
    _exit((int)kith_store_open(&second, unit_path(state, "owner"), &options, &fault));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(WEXITSTATUS(status), KITH_ERR_UNAVAILABLE);
  kith_store_close(store);
  kith_store_close(open_store(state, "owner"));
}

static void damaged_store_is_refused(void **state)
{
  char garbage[8192];
  struct kith_store *store = NULL;
  struct kith_fault fault;

  memset(garbage, 'g', sizeof garbage);
  kith_store_close(open_store(state, "damaged"));
  unit_file(state, "damaged/data.mdb", garbage, sizeof garbage);
  assert_int_equal(kith_store_open(&store, unit_path(state, "damaged"), &options, &fault),
                   KITH_ERR_DATA);
  assert_int_equal(kith_store_open(&store, unit_file(state, "plain", "", 0), &options, &fault),
                   KITH_ERR_CREATE);
  assert_null(store);
}

static void failed_commit_writes_nothing(void **state)
{
  struct kith_store *store = open_store(state, "commit");
  struct kith_txn *txn;

  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  kith_failpoint_arm("store.put", 2);
  assert_int_equal(kith_store_put(txn, THINGS, text("a"), text("1")), KITH_OK);
  assert_int_equal(kith_store_put(txn, THINGS, text("b"), text("1")), KITH_ERR_IO);
  kith_failpoint_arm("store.commit.before", 1);
  assert_int_equal(kith_txn_commit(txn), KITH_ERR_IO);
  kith_failpoint_arm(NULL, 0);
  assert_int_equal(get_one(store, "a", ""), KITH_ERR_NOT_FOUND);
  put_one(store, "a", "2");
  assert_int_equal(get_one(store, "a", "2"), KITH_OK);
  kith_store_close(store);
}

/* A process killed just before or after its commit leaves all of it or nothing, and the lock
 * falls to the next. */
static void killed_at_commit(void **state)
{
  for (int after = 0; after < 2; after++) {
    const char *name = after ? "killed-after" : "killed-before";
    struct kith_store *store;
    int status;
    pid_t child = fork();

    if (child == 0) {
      /* A program reads KITH_KILL at its first failpoint: a test, which is past it, kills
       * itself. */
      struct kith_txn *txn;

      store = open_store(state, name);
      if (kith_txn_begin(&txn, store, true) != KITH_OK ||
          kith_store_put(txn, THINGS, text("a"), text("1")) != KITH_OK)
        _exit(1);
      if (after && kith_txn_commit(txn) != KITH_OK)
        _exit(1);
      kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    store = open_store(state, name);
    assert_int_equal(get_one(store, "a", "1"), after ? KITH_OK : KITH_ERR_NOT_FOUND);
    kith_store_close(store);
  }
}

/* In a child: a commit that the disk has no room for, then one after room was made. */
static int write_past_limit(const char *dir)
{
  static char value[300000];
  struct kith_bytes large = {value, sizeof value};
  struct rlimit limit = {128 * 1024, RLIM_INFINITY};
  struct kith_store *store;
  struct kith_txn *txn;
  enum kith_err err;

  if (kith_process_setup(true, NULL) != KITH_OK ||
      kith_store_open(&store, dir, &options, NULL) != KITH_OK)
    return 1;
  setrlimit(RLIMIT_FSIZE, &limit);
  if (kith_txn_begin(&txn, store, true) != KITH_OK)
    return 2;
  err = kith_store_put(txn, THINGS, text("large"), large);
  if (err != KITH_OK)
    kith_txn_abort(txn);
  else
    err = kith_txn_commit(txn);
  if (err != KITH_ERR_FULL && err != KITH_ERR_IO)
    return 3;
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  if (get_one(store, "kept", "yes") != KITH_OK || get_one(store, "large", "") != KITH_ERR_NOT_FOUND)
    return 4;
  put_one(store, "after", "yes");
  kith_store_close(store);
  return 0;
}

static void full_disk_is_an_error(void **state)
{
  const char *dir = unit_path(state, "disk");
  struct kith_store *store = open_store(state, "disk");
  int status;
  pid_t child;

  put_one(store, "kept", "yes");
  kith_store_close(store);
  child = fork();
  if (child == 0)
    _exit(write_past_limit(dir));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  store = open_store(state, "disk");
  assert_int_equal(get_one(store, "kept", "yes"), KITH_OK);
  assert_int_equal(get_one(store, "after", "yes"), KITH_OK);
  kith_store_close(store);
}

static void memory_runs_out(void **state)
{
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_store *store = NULL;
    struct kith_txn *txn = NULL;
    uint8_t *value = NULL;
    size_t len;
    enum kith_err err = kith_store_open(&store, unit_path(state, "memory"), &options, NULL);

    if (err == KITH_OK)
      err = kith_txn_begin(&txn, store, true);
    if (err == KITH_OK)
      err = kith_store_put(txn, OTHERS, text("a"), text("1"));
    if (err == KITH_OK)
      err = kith_store_get(txn, OTHERS, text("a"), &value, &len);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_true(err == KITH_ERR_MEMORY || err == KITH_ERR_IO);
    kith_free(value);
    kith_txn_abort(txn);
    kith_store_close(store);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_values),
      cmocka_unit_test(walks_prefixes),
      cmocka_unit_test(deletes_many),
      cmocka_unit_test(full_map_is_an_error),
      cmocka_unit_test(full_disk_is_an_error),
      cmocka_unit_test(second_owner_is_refused),
      cmocka_unit_test(damaged_store_is_refused),
      cmocka_unit_test(failed_commit_writes_nothing),
      cmocka_unit_test(killed_at_commit),
      cmocka_unit_test(memory_runs_out),
  };

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
