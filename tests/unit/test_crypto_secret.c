#include "crypto/secret.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/unit.h"

/* ---- wiping: the pages are looked at just before they go */

static size_t freed_len;
static size_t freed_n_nonzero;
static unsigned freed_n;

static void look(const uint8_t *bytes, size_t len)
{
  freed_n++;
  freed_len = len;
  freed_n_nonzero = 0;
  for (size_t i = 0; i < len; i++)
    freed_n_nonzero += bytes[i] != 0;
}

static void is_wiped_when_freed(void **state)
{
  struct kith_secret *secret;
  uint8_t ones[100];

  (void)state;
  memset(ones, 0xff, sizeof ones);
  assert_int_equal(kith_secret_copy(&secret, ones, sizeof ones), KITH_OK);
  assert_memory_equal(kith_secret_peek(secret), ones, sizeof ones);
  freed_n = 0;
  kith_secret_on_free = look;
  kith_secret_free(secret);
  kith_secret_free(NULL);
  kith_secret_on_free = NULL;
  assert_int_equal(freed_n, 1);
  assert_int_equal(freed_len, sizeof ones);
  assert_int_equal(freed_n_nonzero, 0);
}

/* The whole block, read through a pointer that is kept, in a child: after the free its pages are
 * gone, so reading them must kill. */
static void is_unmapped_when_freed(void **state)
{
  struct kith_secret *secret;
  int status;
  pid_t child;

  (void)state;
  assert_int_equal(kith_secret_random(&secret, 32), KITH_OK);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const volatile uint8_t *kept = kith_secret_peek(secret);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    kith_secret_free(secret);
    _exit(kept[0] == 0 ? 1 : 2);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  kith_secret_free(secret);
}

/* A write past the end hits a guard page. */
static void has_guard_pages(void **state)
{
  struct kith_secret *secret;
  int status;
  pid_t child;

  (void)state;
  assert_int_equal(kith_secret_new(&secret, 4096), KITH_OK);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    volatile uint8_t *bytes = kith_secret_bytes(secret);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    bytes[4096] = 1;
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  kith_secret_free(secret);
}

/* ---- making and comparing */

static void is_made_zero_random_or_copied(void **state)
{
  static const uint8_t zeros[32];
  struct kith_secret *zero;
  struct kith_secret *a;
  struct kith_secret *b;
  struct kith_secret *empty;

  (void)state;
  assert_int_equal(kith_secret_new(&zero, 32), KITH_OK);
  assert_memory_equal(kith_secret_peek(zero), zeros, 32);
  assert_int_equal(kith_secret_random(&a, 32), KITH_OK);
  assert_int_equal(kith_secret_random(&b, 32), KITH_OK);
  assert_false(kith_secret_equal(a, b));
  assert_false(kith_secret_equal(a, zero));
  kith_secret_free(b);
  assert_int_equal(kith_secret_copy(&b, kith_secret_peek(a), 32), KITH_OK);
  assert_true(kith_secret_equal(a, b));
  kith_secret_bytes(b)[31] ^= 1;
  assert_false(kith_secret_equal(a, b));
  kith_secret_free(b);
  assert_int_equal(kith_secret_copy(&b, kith_secret_peek(a), 31), KITH_OK);
  assert_false(kith_secret_equal(a, b));
  assert_int_equal(kith_secret_len(b), 31);
  assert_int_equal(kith_secret_copy(&empty, NULL, 0), KITH_OK);
  assert_int_equal(kith_secret_len(empty), 0);
  kith_secret_free(zero);
  kith_secret_free(a);
  kith_secret_free(b);
  kith_secret_free(empty);
}

static void reads_exact_bytes_of_a_file(void **state)
{
  struct kith_fault fault;
  struct kith_secret *secret = NULL;
  const char *path = unit_file(state, "exact", "se\0cret\n", 8);

  assert_int_equal(kith_secret_read_file(&secret, path, 8, &fault), KITH_OK);
  assert_int_equal(kith_secret_len(secret), 8);
  assert_memory_equal(kith_secret_peek(secret), "se\0cret\n", 8);
  kith_secret_free(secret);
  secret = NULL;
  assert_int_equal(kith_secret_read_file(&secret, path, 7, &fault), KITH_ERR_LIMIT);
  assert_int_equal(kith_secret_read_file(&secret, path, 1000000, &fault), KITH_OK);
  kith_secret_free(secret);
  secret = NULL;
  path = unit_file(state, "nothing", "", 0);
  assert_int_equal(kith_secret_read_file(&secret, path, 8, &fault), KITH_ERR_DATA);
  path = unit_path(state, "absent");
  assert_int_equal(kith_secret_read_file(&secret, path, 8, &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_secret_read_file(&secret, *state, 8, &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_secret_read_file(&secret, "/dev/zero", 8, NULL), KITH_ERR_LIMIT);
  assert_null(secret);
}

static void reads_a_pipe(void **state)
{
  struct kith_secret *secret;
  char path[64];
  int ends[2];

  (void)state;
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "abc", 3), 3);
  close(ends[1]);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
  assert_int_equal(kith_secret_read_file(&secret, path, 8, NULL), KITH_OK);
  assert_int_equal(kith_secret_len(secret), 3);
  kith_secret_free(secret);
  close(ends[0]);
}

/* ---- the memory-lock limit */

static long locked_kib(void)
{
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  long kib = -1;

  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "VmLck: %ld kB", &kib) == 1)
      break;
  if (status)
    fclose(status);
  return kib;
}

/* The sanitizers' mlock does nothing and says that all is well. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* In a child without privileges under the limit: 0 not locked, 1 locked; 2 and more: a failure. */
static int under_limit(rlim_t bytes)
{
  int status;
  pid_t child = fork();

  assert_true(child >= 0);
  if (child == 0) {
    const struct rlimit limit = {bytes, bytes};
    struct kith_secret *many[100];
    bool locked = false;

    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || (geteuid() == 0 && setuid(65534) != 0))
      _exit(2);
    if (kith_crypto_init(&locked) != KITH_OK)
      _exit(3);
    for (size_t i = 0; i < 100; i++) {
      if (kith_secret_new(&many[i], 32) != KITH_OK)
        _exit(4);
      memset(kith_secret_bytes(many[i]), 0x55, 32);
    }
    if (locked != (locked_kib() >= 400))
      _exit(5);
    for (size_t i = 0; i < 100; i++)
      kith_secret_free(many[i]);
    _exit(locked);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void works_under_any_memory_lock_limit(void **state)
{
  struct rlimit now;

  (void)state;
  if (SANITIZED)
    skip();
  assert_int_equal(under_limit(0), 0);
  assert_int_equal(under_limit(64 * 1024), 0);
  assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &now), 0);
  if (now.rlim_max == RLIM_INFINITY || now.rlim_max >= 4u << 20)
    assert_int_equal(under_limit(4u << 20), 1);
  else
    print_message("skipped: the system's limit for locked memory is below 4 MiB\n");
}

/* ---- failing allocations */

static void survives_failing_allocations(void **state)
{
  const char *path = unit_file(state, "faults", "secret", 6);

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_secret *secret = NULL;
    enum kith_err err = kith_secret_read_file(&secret, path, 100, NULL);

    if (err == KITH_OK) {
      unit_allocations_done();
      kith_secret_free(secret);
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_null(secret);
    }
  }
}

static void compares_and_wipes_buffers(void **state)
{
  uint8_t a[64];
  uint8_t b[64];

  (void)state;
  kith_random_bytes(a, sizeof a);
  memcpy(b, a, sizeof a);
  assert_true(kith_equal(a, b, sizeof a));
  for (size_t i = 0; i < sizeof a; i++) {
    b[i] ^= 0x80;
    assert_false(kith_equal(a, b, sizeof a));
    b[i] ^= 0x80;
  }
  kith_wipe(a, sizeof a);
  memset(b, 0, sizeof b);
  assert_memory_equal(a, b, sizeof a);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_wiped_when_freed),
      cmocka_unit_test(is_unmapped_when_freed),
      cmocka_unit_test(has_guard_pages),
      cmocka_unit_test(is_made_zero_random_or_copied),
      cmocka_unit_test(reads_exact_bytes_of_a_file),
      cmocka_unit_test(reads_a_pipe),
      cmocka_unit_test(works_under_any_memory_lock_limit),
      cmocka_unit_test(survives_failing_allocations),
      cmocka_unit_test(compares_and_wipes_buffers),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
