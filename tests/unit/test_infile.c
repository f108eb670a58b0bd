/* Files as bytes: plain and gzipped, several members, what follows them, damage at every byte,
 * pipes, and files that change while they are read. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <zlib.h>

#include "base/infile.h"
#include "base/mem.h"

enum { BYTES_MAX = 400000 };

/* All of it, `cap` bytes at a time; the bytes that came before an error are counted. */
static enum kith_err read_all(const char *path, size_t cap, uint8_t *out, size_t *n)
{
  struct kith_infile *file = NULL;
  struct kith_fault fault = {0};
  enum kith_err err = kith_infile_open(&file, path, &fault);
  size_t got = 1;

  *n = 0;
  while (err == KITH_OK && got > 0) {
    assert_true(*n + cap <= BYTES_MAX);
    err = kith_infile_read(file, out + *n, cap, &got, &fault);
    if (err == KITH_OK)
      *n += got;
    assert_true(kith_infile_share(file) <= 1);
  }
  if (err == KITH_OK)
    assert_true(*n == 0 || kith_infile_share(file) > 0.999);
  else
    assert_memory_equal(fault.text, path, strlen(path));
  kith_infile_free(file);
  return err;
}

static void check(const char *path, const void *want, size_t len)
{
  static const size_t caps[] = {1, 7, 1000, 70000, BYTES_MAX / 2};
  uint8_t *out = kith_calloc(BYTES_MAX, 1);
  size_t n;

  for (size_t i = len < 1000 ? 0 : 2; i < KITH_COUNT_OF(caps); i++) {
    assert_int_equal(read_all(path, caps[i], out, &n), KITH_OK);
    assert_int_equal(n, len);
    assert_memory_equal(out, want, len);
  }
  kith_free(out);
}

/* Appends a gzip member, or something else, to a file. */
static void add_member(const char *path, const void *bytes, size_t len)
{
  gzFile file = gzopen(path, "ab");

  assert_true(len == 0 || gzwrite(file, bytes, (unsigned)len) == (int)len);
  assert_int_equal(gzclose(file), Z_OK);
}

static void add_bytes(const char *path, const void *bytes, size_t len)
{
  FILE *file = fopen(path, "ab");

  assert_int_equal(fwrite(bytes, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static uint8_t *long_text(size_t len)
{
  uint8_t *text = kith_calloc(len, 1);
  uint32_t x = 1;

  for (size_t i = 0; i < len; i++)
    text[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 27);
  return text;
}

static void plain(void **state)
{
  static const size_t lens[] = {0, 1, 2, 3, 65535, 65536, 65537, 150000};
  uint8_t *text = long_text(150000);

  for (size_t i = 0; i < KITH_COUNT_OF(lens); i++)
    check(unit_file(state, "plain", text, lens[i]), text, lens[i]);
  check(unit_file(state, "magic", "\x1f", 1), "\x1f", 1);
  check(unit_file(state, "almost", "\x1f\x8c..", 4), "\x1f\x8c..", 4);
  kith_free(text);
}

static void members(void **state)
{
  uint8_t *text = long_text(150000);
  const char *path = unit_path(state, "members");

  add_member(path, text, 10);
  check(path, text, 10);
  add_member(path, NULL, 0);
  add_member(path, text + 10, 100000);
  add_member(path, text + 100010, 49990);
  check(path, text, 150000);
  add_bytes(path, "\0\0\0\0\0", 5); /* as a tape's last block has */
  check(path, text, 150000);
  kith_free(text);
}

static void what_follows_is_not_lost(void **state)
{
  static const char *const more[] = {"3,4\n", "\x1f", "\x1f\x8c", "\n"};
  uint8_t out[200];

  for (size_t i = 0; i < KITH_COUNT_OF(more); i++) {
    const char *path = unit_file(state, "more", "", 0);
    size_t n;

    add_member(path, "id,n\n1,2\n", 9);
    add_bytes(path, more[i], strlen(more[i]));
    assert_int_equal(read_all(path, 50, out, &n), KITH_ERR_DATA);
  }
}

/* Cut anywhere, or a byte changed: an error, or (the header's name and time) the same bytes. */
static void damage(void **state)
{
  static const char text[] = "id,n\n1,2\n3,4\n";
  const char *path = unit_file(state, "damaged", "", 0);
  uint8_t packed[200];
  uint8_t out[20000];
  size_t n;
  ssize_t len;
  int fd;

  add_member(path, text, sizeof text - 1);
  fd = open(path, O_RDONLY);
  len = read(fd, packed, sizeof packed);
  close(fd);
  for (ssize_t cut = 2; cut < len; cut++) {
    path = unit_file(state, "damaged", packed, (size_t)cut);
    assert_int_equal(read_all(path, 100, out, &n), KITH_ERR_DATA);
  }
  for (ssize_t i = 2; i < len; i++) {
    packed[i] ^= 0x55;
    path = unit_file(state, "damaged", packed, (size_t)len);
    if (read_all(path, 100, out, &n) == KITH_OK) {
      assert_int_equal(n, sizeof text - 1);
      assert_memory_equal(out, text, n);
    }
    packed[i] ^= 0x55;
  }
}

static void no_file(void **state)
{
  struct kith_infile *file = NULL;
  struct kith_fault fault = {0};

  assert_int_equal(kith_infile_open(&file, unit_path(state, "none"), &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_infile_open(&file, *state, &fault), KITH_ERR_NO_INPUT);
  assert_non_null(strstr(fault.text, "is a directory"));
  assert_null(file);
  kith_infile_free(NULL);
}

/* ---- changes while it is read */

enum change { GROWS, IS_CUT, IS_REPLACED, IS_WRITTEN_ANEW, STAYS, CHANGES };

static void change(const char *path, enum change how, const uint8_t *text)
{
  int fd = open(path, O_WRONLY);
  struct stat before;

  switch (how) {
  case GROWS: /* and seems to be as old as before */
    assert_int_equal(fstat(fd, &before), 0);
    add_bytes(path, "more", 4);
    assert_int_equal(futimens(fd, (const struct timespec[]){before.st_atim, before.st_mtim}), 0);
    break;
  case IS_CUT:
    assert_int_equal(ftruncate(fd, 90000), 0);
    break;
  case IS_WRITTEN_ANEW:
    assert_int_equal(pwrite(fd, text + 1, 10, 120000), 10);
    break;
  case IS_REPLACED: /* the file that was opened is still what it was */
    assert_int_equal(unlink(path), 0);
    break;
  default:
    break;
  }
  close(fd);
}

static void changes(void **state)
{
  static const enum kith_err want[CHANGES] = {
      [GROWS] = KITH_ERR_DATA, [IS_CUT] = KITH_ERR_DATA, [IS_WRITTEN_ANEW] = KITH_ERR_DATA};
  uint8_t *text = long_text(150000);
  uint8_t *out = kith_calloc(50000, 1);

  for (unsigned i = 0; i < CHANGES; i++) {
    const char *path = unit_file(state, "changing", text, 150000);
    struct kith_infile *file = NULL;
    struct kith_fault fault = {0};
    size_t got = 1;
    enum kith_err err = KITH_OK;

    assert_int_equal(kith_infile_open(&file, path, &fault), KITH_OK);
    assert_int_equal(kith_infile_read(file, out, 50000, &got, &fault), KITH_OK);
    usleep(20000); /* so that the time of a change is another one */
    change(path, (enum change)i, text);
    while (err == KITH_OK && got > 0)
      err = kith_infile_read(file, out, 50000, &got, &fault);
    assert_int_equal(err, want[i]);
    if (err != KITH_OK)
      assert_non_null(strstr(fault.text, "was changed while it was read"));
    kith_infile_free(file);
  }
  kith_free(out);
  kith_free(text);
}

/* ---- pipes */

/* A writer that gives a byte or a few at a time. */
static void pipes(void **state)
{
  uint8_t *text = long_text(20000);
  uint8_t *out = kith_calloc(BYTES_MAX, 1);
  const char *path = unit_path(state, "pipe");
  size_t n;
  int status;
  pid_t child;

  assert_int_equal(mkfifo(path, 0600), 0);
  child = fork();
  if (child == 0) {
    int fd = open(path, O_WRONLY);

    for (size_t at = 0; at < 20000;) {
      ssize_t done = write(fd, text + at, at % 7 + 1 < 20000 - at ? at % 7 + 1 : 20000 - at);

      if (done < 0)
        _exit(1);
      at += (size_t)done;
    }
    _exit(0);
  }
  {
    struct kith_infile *file = NULL;

    assert_int_equal(kith_infile_open(&file, path, NULL), KITH_OK);
    assert_int_equal(kith_infile_read(file, out, 15000, &n, NULL), KITH_OK);
    assert_int_equal(n, 15000); /* whole, though it comes in pieces */
    assert_true(kith_infile_share(file) == 0);
    assert_int_equal(kith_infile_read(file, out + n, 15000, &n, NULL), KITH_OK);
    assert_int_equal(n, 5000);
    assert_int_equal(kith_infile_read(file, out + 20000, 100, &n, NULL), KITH_OK);
    assert_int_equal(n, 0);
    assert_memory_equal(out, text, 20000);
    kith_infile_free(file);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  kith_free(out);
  kith_free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain),
      cmocka_unit_test(members),
      cmocka_unit_test(what_follows_is_not_lost),
      cmocka_unit_test(damage),
      cmocka_unit_test(no_file),
      cmocka_unit_test(changes),
      cmocka_unit_test(pipes),
  };
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
