#include "base/file.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/process.h"
#include "tests/unit/unit.h"

static char *content(const char *path)
{
  uint8_t *bytes;
  size_t len;

  assert_int_equal(kith_file_read(&bytes, &len, path, 1 << 20, NULL), KITH_OK);
  assert_int_equal(strlen((char *)bytes), len);
  return (char *)bytes;
}

static void assert_content(const char *path, const char *expected)
{
  KITH_AUTO_FREE char *text = content(path);

  assert_string_equal(text, expected);
}

/* Files left beside the outputs: there must be none. */
static unsigned temporaries(const char *folder)
{
  unsigned n = 0;
  struct dirent *entry;
  DIR *dir = opendir(folder);

  assert_non_null(dir);
  while ((entry = readdir(dir)))
    n += strstr(entry->d_name, ".tmp-") != NULL;
  closedir(dir);
  return n;
}

static void reads_in_bounds(void **state)
{
  const char *path = unit_file(state, "r", "12345", 5);
  struct kith_fault fault;
  uint8_t *bytes = NULL;
  size_t len = 77;

  assert_int_equal(kith_file_read(&bytes, &len, path, 5, &fault), KITH_OK);
  assert_int_equal(len, 5);
  assert_string_equal((char *)bytes, "12345");
  kith_free(bytes);
  bytes = NULL;
  len = 77;
  assert_int_equal(kith_file_read(&bytes, &len, path, 4, &fault), KITH_ERR_LIMIT);
  assert_int_equal(kith_file_read(&bytes, &len, *state, 4, &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_file_read(&bytes, &len, unit_path(state, "none"), 4, &fault),
                   KITH_ERR_NO_INPUT);
  assert_null(bytes);
  assert_int_equal(len, 77);
  unit_file(state, "empty", "", 0);
  assert_int_equal(kith_file_read(&bytes, &len, unit_path(state, "empty"), 0, &fault), KITH_OK);
  assert_int_equal(len, 0);
  kith_free(bytes);
}

static void writes_whole(void **state)
{
  const char *path = unit_path(state, "w");
  struct stat status;

  assert_int_equal(kith_file_write(path, 0600, "one", 3, NULL), KITH_OK);
  assert_content(path, "one");
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  assert_int_equal(kith_file_write(path, 0600, NULL, 0, NULL), KITH_OK);
  assert_content(path, "");
  assert_int_equal(kith_file_write(*state, 0600, "x", 1, NULL), KITH_ERR_CREATE);
  assert_int_equal(kith_file_write(unit_path(state, "no/w"), 0600, "x", 1, NULL), KITH_ERR_CREATE);
  assert_int_equal(kith_file_write("/dev/null", 0600, "x", 1, NULL), KITH_OK);
  assert_int_equal(stat("/dev/null", &status), 0);
  assert_true(S_ISCHR(status.st_mode));
  assert_int_equal(kith_file_write("/dev/full", 0600, "x", 1, NULL), KITH_ERR_IO);
  assert_int_equal(temporaries(*state), 0);
}

static void follows_links(void **state)
{
  const char *link = unit_path(state, "link");
  const char *target = unit_file(state, "target", "old", 3);
  struct stat status;

  assert_int_equal(symlink(target, link), 0);
  assert_int_equal(kith_file_write(link, 0600, "new", 3, NULL), KITH_OK);
  assert_int_equal(lstat(link, &status), 0);
  assert_true(S_ISLNK(status.st_mode));
  assert_content(target, "new");
}

static void stream_without_commit_leaves_nothing(void **state)
{
  const char *path = unit_file(state, "s", "old", 3);
  struct kith_file_out *file;

  assert_int_equal(kith_file_out_new(&file, path, 0600, NULL), KITH_OK);
  fputs("new", kith_file_out_stream(file));
  kith_file_out_free(file);
  assert_content(path, "old");
  assert_int_equal(kith_file_out_new(&file, path, 0600, NULL), KITH_OK);
  fputs("new", kith_file_out_stream(file));
  assert_int_equal(kith_file_out_commit(file, NULL), KITH_OK);
  kith_file_out_free(file);
  kith_file_out_free(NULL);
  assert_content(path, "new");
  assert_int_equal(temporaries(*state), 0);
}

/* Whatever step fails, the old content or the new one is there, and nothing else. */
static void each_step_fails(void **state)
{
  static const char *const before[] = {"file.write", "file.sync", "file.rename.before"};
  const char *path = unit_file(state, "f", "old", 3);
  struct kith_fault fault;

  for (size_t i = 0; i < KITH_COUNT_OF(before); i++) {
    kith_failpoint_arm(before[i], 1);
    assert_int_equal(kith_file_write(path, 0600, "new", 3, &fault), KITH_ERR_IO);
    assert_content(path, "old");
    assert_int_equal(temporaries(*state), 0);
  }
  kith_failpoint_arm("file.rename.after", 1);
  assert_int_equal(kith_file_write(path, 0600, "new", 3, &fault), KITH_ERR_IO);
  assert_content(path, "new");
  kith_failpoint_arm(NULL, 0);
}

static void memory_runs_out(void **state)
{
  const char *path = unit_path(state, "memory");
  uint8_t *bytes;
  size_t len;

  UNIT_EACH_ALLOCATION(n)
  {
    enum kith_err err = kith_file_write(path, 0600, "x", 1, NULL);

    if (err == KITH_OK)
      err = kith_file_read(&bytes, &len, path, 1, NULL);
    if (err == KITH_OK) {
      kith_free(bytes);
      unit_allocations_done();
    } else {
      /* The folder's sync wants memory too, and reports the one error it knows. */
      assert_true(err == KITH_ERR_MEMORY || err == KITH_ERR_IO);
    }
    assert_int_equal(temporaries(*state), 0);
  }
}

/* In a child, with a limit on file sizes in place of a full disk. */
static void full_disk(void **state)
{
  const char *path = unit_file(state, "full", "old", 3);
  int status;
  pid_t child = fork();

  assert_true(child >= 0);
  if (child == 0) {
    struct rlimit limit = {4096, 4096};
    struct kith_file_out *file;
    enum kith_err err = kith_process_setup(false, NULL);

    setrlimit(RLIMIT_FSIZE, &limit);
    if (err == KITH_OK)
      err = kith_file_out_new(&file, path, 0600, NULL);
    if (err != KITH_OK)
      _exit(99);
    for (int i = 0; i < 10000; i++)
      fputs("line\n", kith_file_out_stream(file));
    err = kith_file_out_commit(file, NULL);
    kith_file_out_free(file);
    _exit((int)err);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), KITH_ERR_IO);
  assert_content(path, "old");
  assert_int_equal(temporaries(*state), 0);
}

static void folders(void **state)
{
  const char *deep = unit_path(state, "a//b/c/");
  struct stat status;
  char *joined;

  assert_int_equal(kith_dir_make(deep, 0700, NULL), KITH_OK);
  assert_int_equal(kith_dir_make(deep, 0700, NULL), KITH_OK);
  assert_int_equal(stat(deep, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
  assert_int_equal(stat(unit_path(state, "a"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0755);
  unit_file(state, "file", "", 0);
  assert_int_equal(kith_dir_make(unit_path(state, "file"), 0700, NULL), KITH_ERR_CREATE);
  assert_int_equal(kith_dir_make(unit_path(state, "file/x"), 0700, NULL), KITH_ERR_CREATE);
  assert_int_equal(kith_dir_sync(unit_path(state, "none")), KITH_ERR_IO);
  joined = kith_path_join("/a", "b");
  assert_string_equal(joined, "/a/b");
  kith_free(joined);
  joined = kith_path_join("/", "b");
  assert_string_equal(joined, "/b");
  kith_free(joined);
}

static void destroys(void **state)
{
  const char *path = unit_file(state, "key", "secret", 6);
  const char *other = unit_path(state, "other");
  static const char zeros[6];
  char back[6];
  FILE *file;

  /* A second name shows what became of the bytes. */
  assert_int_equal(link(path, other), 0);
  kith_failpoint_arm("file.destroy.before", 1);
  assert_int_equal(kith_file_destroy(path, NULL), KITH_ERR_IO);
  kith_failpoint_arm(NULL, 0);
  assert_true(kith_file_exists(path));
  assert_int_equal(kith_file_destroy(path, NULL), KITH_OK);
  assert_false(kith_file_exists(path));
  file = fopen(other, "rb");
  assert_int_equal(fread(back, 1, sizeof back, file), sizeof back);
  fclose(file);
  assert_memory_equal(back, zeros, sizeof back);
  assert_int_equal(kith_file_destroy(path, NULL), KITH_OK);
  assert_int_equal(kith_file_destroy(*state, NULL), KITH_ERR_IO);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_in_bounds), cmocka_unit_test(writes_whole),
      cmocka_unit_test(follows_links),   cmocka_unit_test(stream_without_commit_leaves_nothing),
      cmocka_unit_test(each_step_fails), cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(full_disk),       cmocka_unit_test(folders),
      cmocka_unit_test(destroys),
  };

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
