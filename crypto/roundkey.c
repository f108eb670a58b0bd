#include "crypto/roundkey.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/seal.h"

enum { NAME_MAX_LEN = 32, KEY_BYTES = 32, SECRET_BYTES_MAX = 4096 };
/* "<round hex>.<name>" with its terminator; what is bound is a label before the same. */
enum { FILE_NAME_BYTES = 2 * KITH_ROUND_ID_BYTES + 1 + NAME_MAX_LEN + 1 };
static const char place_label[] = "kith round key v1 ";
enum { PLACE_BYTES = sizeof place_label + FILE_NAME_BYTES };

struct kith_roundkeys {
  char *dir;
  struct kith_secret *storage_key;
};

enum kith_err kith_roundkeys_open(struct kith_roundkeys **out, const char *dir,
                                  const struct kith_secret *storage_key, struct kith_fault *fault)
{
  struct kith_roundkeys *keys;
  enum kith_err err = kith_dir_make(dir, 0700, fault);

  if (err != KITH_OK)
    return err;
  keys = KITH_NEW(struct kith_roundkeys);
  if (!keys || !(keys->dir = kith_strdup(dir)) ||
      kith_secret_copy(&keys->storage_key, kith_secret_peek(storage_key),
                       kith_secret_len(storage_key)) != KITH_OK) {
    kith_roundkeys_free(keys);
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", dir);
  }
  *out = keys;
  return KITH_OK;
}

void kith_roundkeys_free(struct kith_roundkeys *keys)
{
  if (!keys)
    return;
  kith_secret_free(keys->storage_key);
  kith_free(keys->dir);
  kith_free(keys);
}

static bool name_valid(const char *name)
{
  size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

  return len >= 1 && len <= NAME_MAX_LEN && name[len] == '\0';
}

/* The file's name in the directory, and its whole path (NULL: no memory). */
static char *key_path(char file_name[FILE_NAME_BYTES], const struct kith_roundkeys *keys,
                      const uint8_t round[KITH_ROUND_ID_BYTES], const char *name)
{
  kith_hex_encode(file_name, round, KITH_ROUND_ID_BYTES);
  snprintf(file_name + 2 * KITH_ROUND_ID_BYTES, FILE_NAME_BYTES - 2 * KITH_ROUND_ID_BYTES, ".%s",
           name);
  return kith_path_join(keys->dir, file_name);
}

static size_t key_place(char place[PLACE_BYTES], const char *file_name)
{
  return (size_t)snprintf(place, PLACE_BYTES, "%s%s", place_label, file_name);
}

static enum kith_err no_memory(const struct kith_roundkeys *keys, struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory for a round key", keys->dir);
}

enum kith_err kith_roundkey_save(struct kith_roundkeys *keys,
                                 const uint8_t round[KITH_ROUND_ID_BYTES], const char *name,
                                 const struct kith_secret *secret, struct kith_fault *fault)
{
  char file_name[FILE_NAME_BYTES];
  char place[PLACE_BYTES];
  KITH_AUTO_FREE char *path = NULL;
  KITH_AUTO_FREE uint8_t *boxed = NULL;
  size_t len = kith_secret_len(secret);
  enum kith_err err;

  if (!name_valid(name) || len == 0 || len > SECRET_BYTES_MAX)
    return kith_fail(fault, KITH_ERR_INTERNAL, "%s: no name or length for a round key", keys->dir);
  path = key_path(file_name, keys, round, name);
  boxed = kith_calloc(len + KITH_BOX_OVERHEAD, 1);
  if (!path || !boxed)
    return no_memory(keys, fault);
  if (kith_file_exists(path))
    return kith_fail(fault, KITH_ERR_EXISTS, "%s: is there already", path);
  err = kith_box(boxed, keys->storage_key, place, key_place(place, file_name),
                 kith_secret_peek(secret), len);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: can't be wrapped: %s", path, kith_err_name(err));
  if (kith_failpoint("roundkey.save.before"))
    return kith_fail(fault, KITH_ERR_IO, "%s: can't be written", path);
  err = kith_file_write(path, 0600, boxed, len + KITH_BOX_OVERHEAD, fault);
  if (err == KITH_OK && kith_failpoint("roundkey.save.after"))
    err = kith_fail(fault, KITH_ERR_IO, "%s: can't be written", path);
  return err;
}

enum kith_err kith_roundkey_load(struct kith_roundkeys *keys, struct kith_secret **out,
                                 const uint8_t round[KITH_ROUND_ID_BYTES], const char *name,
                                 struct kith_fault *fault)
{
  char file_name[FILE_NAME_BYTES];
  char place[PLACE_BYTES];
  KITH_AUTO_FREE char *path = NULL;
  KITH_AUTO_FREE uint8_t *boxed = NULL;
  struct kith_secret *secret = NULL;
  size_t len = 0;
  enum kith_err err;

  if (!name_valid(name))
    return kith_fail(fault, KITH_ERR_INTERNAL, "%s: no name for a round key", keys->dir);
  path = key_path(file_name, keys, round, name);
  if (!path)
    return no_memory(keys, fault);
  if (!kith_file_exists(path))
    return kith_fail(fault, KITH_ERR_NOT_FOUND, "%s: is not there or is destroyed", path);
  err = kith_file_read(&boxed, &len, path, SECRET_BYTES_MAX + KITH_BOX_OVERHEAD, fault);
  if (err != KITH_OK)
    return err;
  if (len <= KITH_BOX_OVERHEAD)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is too short for a round key", path);
  err = kith_secret_new(&secret, len - KITH_BOX_OVERHEAD);
  if (err != KITH_OK)
    return no_memory(keys, fault);
  err = kith_box_open(kith_secret_bytes(secret), keys->storage_key, place,
                      key_place(place, file_name), boxed, len);
  if (err != KITH_OK) {
    kith_secret_free(secret);
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: was altered, moved here, or belongs to another identity", path);
  }
  *out = secret;
  return KITH_OK;
}

enum kith_err kith_roundkey_ensure(struct kith_roundkeys *keys, struct kith_secret **out,
                                   const uint8_t round[KITH_ROUND_ID_BYTES], const char *name,
                                   struct kith_fault *fault)
{
  struct kith_secret *fresh;
  enum kith_err err = kith_roundkey_load(keys, out, round, name, fault);

  if (err != KITH_ERR_NOT_FOUND)
    return err;
  err = kith_secret_random(&fresh, KEY_BYTES);
  if (err != KITH_OK)
    return no_memory(keys, fault);
  err = kith_roundkey_save(keys, round, name, fresh, fault);
  if (err == KITH_OK)
    *out = fresh;
  else
    kith_secret_free(fresh);
  return err;
}

/* Destroys each file whose name is `stem`, or starts with it and `more`. A write that was killed
 * leaves a temporary file, which holds the key as well. */
static enum kith_err destroy_matching(const struct kith_roundkeys *keys, const char *stem,
                                      const char *more, struct kith_fault *fault)
{
  size_t stem_len = strlen(stem);
  struct dirent *entry;
  enum kith_err err = KITH_OK;
  DIR *dir = opendir(keys->dir);

  if (!dir)
    return kith_fail(fault, KITH_ERR_IO, "%s: can't be read: %s", keys->dir, strerror(errno));
  for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
    KITH_AUTO_FREE char *path = NULL;
    const char *rest = entry->d_name + stem_len;
    enum kith_err one;

    if (strncmp(entry->d_name, stem, stem_len) != 0 ||
        (*rest && strncmp(rest, more, strlen(more)) != 0))
      continue;
    path = kith_path_join(keys->dir, entry->d_name);
    one = path ? kith_file_destroy(path, fault) : no_memory(keys, fault);
    if (err == KITH_OK)
      err = one; /* the others are destroyed all the same */
  }
  if (errno != 0 && err == KITH_OK)
    err = kith_fail(fault, KITH_ERR_IO, "%s: can't be read: %s", keys->dir, strerror(errno));
  closedir(dir);
  return err;
}

static enum kith_err destroy_between_failpoints(const struct kith_roundkeys *keys, const char *stem,
                                                const char *more, struct kith_fault *fault)
{
  enum kith_err err;

  if (kith_failpoint("roundkey.destroy.before"))
    return kith_fail(fault, KITH_ERR_IO, "%s: a key can't be destroyed", keys->dir);
  err = destroy_matching(keys, stem, more, fault);
  if (err == KITH_OK && kith_failpoint("roundkey.destroy.after"))
    err = kith_fail(fault, KITH_ERR_IO, "%s: a key can't be destroyed", keys->dir);
  return err;
}

enum kith_err kith_roundkey_destroy(struct kith_roundkeys *keys,
                                    const uint8_t round[KITH_ROUND_ID_BYTES], const char *name,
                                    struct kith_fault *fault)
{
  char file_name[FILE_NAME_BYTES];
  KITH_AUTO_FREE char *path = NULL;

  if (!name_valid(name))
    return kith_fail(fault, KITH_ERR_INTERNAL, "%s: no name for a round key", keys->dir);
  path = key_path(file_name, keys, round, name);
  if (!path)
    return no_memory(keys, fault);
  return destroy_between_failpoints(keys, file_name, ".tmp-", fault);
}

enum kith_err kith_roundkey_destroy_all(struct kith_roundkeys *keys,
                                        const uint8_t round[KITH_ROUND_ID_BYTES],
                                        struct kith_fault *fault)
{
  char stem[2 * KITH_ROUND_ID_BYTES + 1];

  kith_hex_encode(stem, round, KITH_ROUND_ID_BYTES);
  return destroy_between_failpoints(keys, stem, ".", fault);
}
