#include "crypto/jobkey.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "crypto/kdf.h"

static const uint8_t magic[8] = {'K', 'I', 'T', 'H', 'J', 'O', 'B', 'K'};

enum kith_err kith_jobkey_make(struct kith_secret **out, const char *path, struct kith_fault *fault)
{
  struct kith_secret *file = NULL;
  struct kith_secret *key = NULL;
  enum kith_err err;

  if (kith_file_exists(path))
    return kith_fail(fault, KITH_ERR_CREATE, "%s: is there already; a job has a key of its own",
                     path);
  err = kith_secret_new(&file, KITH_JOBKEY_FILE_BYTES);
  if (err == KITH_OK)
    err = kith_secret_random(&key, KITH_JOBKEY_BYTES);
  if (err != KITH_OK) {
    (void)kith_fail(fault, err, "no memory for a key");
    goto out;
  }
  memcpy(kith_secret_bytes(file), magic, sizeof magic);
  memcpy(kith_secret_bytes(file) + sizeof magic, kith_secret_peek(key), KITH_JOBKEY_BYTES);
  err = kith_file_write(path, 0600, kith_secret_peek(file), KITH_JOBKEY_FILE_BYTES, fault);
  if (err == KITH_OK) {
    *out = key;
    key = NULL;
  }
out:
  kith_secret_free(key);
  kith_secret_free(file);
  return err;
}

enum kith_err kith_jobkey_load(struct kith_secret **out, const char *path, struct kith_fault *fault)
{
  struct kith_secret *file = NULL;
  struct stat status;
  enum kith_err err;

  if (stat(path, &status) == 0 && (status.st_mode & 077) != 0)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "%s: others may read or write it: chmod 600, if nobody did", path);
  err = kith_secret_read_file(&file, path, KITH_JOBKEY_FILE_BYTES, fault);
  if (err == KITH_ERR_LIMIT ||
      (err == KITH_OK && (kith_secret_len(file) != KITH_JOBKEY_FILE_BYTES ||
                          memcmp(kith_secret_peek(file), magic, sizeof magic) != 0)))
    err = kith_fail(fault, KITH_ERR_DATA, "%s: expected the key of a job, 40 bytes", path);
  if (err == KITH_OK &&
      kith_secret_copy(out, kith_secret_peek(file) + sizeof magic, KITH_JOBKEY_BYTES) != KITH_OK)
    err = kith_fail(fault, KITH_ERR_MEMORY, "no memory for a key");
  kith_secret_free(file);
  return err;
}

enum kith_err kith_jobkey_for(struct kith_secret **out, const struct kith_secret *key,
                              const char *use)
{
  return kith_hkdf(out, KITH_JOBKEY_BYTES, NULL, 0, key, use);
}
