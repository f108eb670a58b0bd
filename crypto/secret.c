#include "crypto/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/mem.h"

struct kith_secret {
  size_t len;
  uint8_t *bytes; /* sodium_malloc: between guard pages, locked where the limit lets it */
};

#ifdef KITH_TESTING
kith_secret_hook *kith_secret_on_free;
#endif

/* Each secret locks a page of its own; a node in a round holds a few dozen of them. */
enum { LOCKED_PAGES_NEEDED = 64 };

/* Tries what will be needed: a limit of 64 KiB locks the first secrets and not the later ones. */
static bool memory_locks(void)
{
  size_t len = LOCKED_PAGES_NEEDED * (size_t)sysconf(_SC_PAGESIZE);
  void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool locks;

  if (pages == MAP_FAILED)
    return false;
  locks = mlock(pages, len) == 0;
  munmap(pages, len);
  return locks;
}

enum kith_err kith_crypto_init(bool *locked)
{
  if (sodium_init() < 0)
    return KITH_ERR_INTERNAL;
  *locked = memory_locks();
  return KITH_OK;
}

enum kith_err kith_secret_new(struct kith_secret **out, size_t len)
{
  struct kith_secret *secret = KITH_NEW(struct kith_secret);

  if (!secret)
    return KITH_ERR_MEMORY;
  if (!kith_failpoint("alloc"))
    secret->bytes = sodium_malloc(len);
  if (!secret->bytes) {
    kith_free(secret);
    return KITH_ERR_MEMORY;
  }
  sodium_memzero(secret->bytes, len);
  secret->len = len;
  *out = secret;
  return KITH_OK;
}

enum kith_err kith_secret_random(struct kith_secret **out, size_t len)
{
  enum kith_err err = kith_secret_new(out, len);

  if (err == KITH_OK)
    randombytes_buf((*out)->bytes, len);
  return err;
}

enum kith_err kith_secret_copy(struct kith_secret **out, const void *bytes, size_t len)
{
  enum kith_err err = kith_secret_new(out, len);

  if (err == KITH_OK && len)
    memcpy((*out)->bytes, bytes, len);
  return err;
}

/* Reads up to secret->len bytes; *got says how many there were. */
static enum kith_err read_all(struct kith_secret *secret, size_t *got, int fd)
{
  size_t used = 0;

  while (used < secret->len) {
    ssize_t n = read(fd, secret->bytes + used, secret->len - used);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return KITH_ERR_IO;
    if (n == 0)
      break;
    used += (size_t)n;
  }
  *got = used;
  return KITH_OK;
}

enum kith_err kith_secret_read_file(struct kith_secret **out, const char *path, size_t max,
                                    struct kith_fault *fault)
{
  struct kith_secret *buffer = NULL;
  struct stat status;
  size_t room = max;
  size_t got = 0;
  enum kith_err err = KITH_ERR_IO;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

  assert(max < SIZE_MAX);
  if (fd < 0)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: can't be opened: %s", path, strerror(errno));
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    err = kith_fail(fault, KITH_ERR_NO_INPUT, "%s: is a directory, expected a file", path);
    goto out;
  }
  /* Read straight into locked memory; one byte more shows that there is more. */
  if (S_ISREG(status.st_mode) && status.st_size > 0 && (size_t)status.st_size < max)
    room = (size_t)status.st_size;
  err = kith_secret_new(&buffer, room + 1);
  if (err == KITH_OK)
    err = read_all(buffer, &got, fd);
  if (err != KITH_OK) {
    (void)kith_fail(fault, err, "%s: %s", path, kith_err_name(err));
    goto out;
  }
  if (got == 0 || got > room)
    err = kith_fail(fault, got ? KITH_ERR_LIMIT : KITH_ERR_DATA,
                    "%s: expected a secret of 1 to %zu bytes", path, max);
  else if (kith_secret_copy(out, buffer->bytes, got) != KITH_OK)
    err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
out:
  kith_secret_free(buffer);
  close(fd);
  return err;
}

uint8_t *kith_secret_bytes(struct kith_secret *secret)
{
  return secret->bytes;
}

const uint8_t *kith_secret_peek(const struct kith_secret *secret)
{
  return secret->bytes;
}

size_t kith_secret_len(const struct kith_secret *secret)
{
  return secret->len;
}

bool kith_secret_equal(const struct kith_secret *a, const struct kith_secret *b)
{
  return a->len == b->len && kith_equal(a->bytes, b->bytes, a->len);
}

void kith_secret_free(struct kith_secret *secret)
{
  if (!secret)
    return;
  sodium_memzero(secret->bytes, secret->len);
#ifdef KITH_TESTING
  if (kith_secret_on_free)
    kith_secret_on_free(secret->bytes, secret->len);
#endif
  sodium_free(secret->bytes);
  kith_free(secret);
}

bool kith_equal(const void *a, const void *b, size_t len)
{
  return sodium_memcmp(a, b, len) == 0;
}

void kith_wipe(void *bytes, size_t len)
{
  sodium_memzero(bytes, len);
}

void kith_random_bytes(void *out, size_t len)
{
  randombytes_buf(out, len);
}
