#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/mem.h"

/* Large writes that begin at a page take a third of the kernel's time of small ones. */
enum { PAGE_BYTES = 4096, BUFFER_BYTES = 256 * 1024 };

struct kith_file_out {
  FILE *stream;
  char *path;      /* where it will be */
  char *temporary; /* NULL where `path` is a device or a pipe, which is written in place */
  bool hurry;
  char *buffer; /* of the stream, where it is not the C library's; freed after it */
};

char *kith_path_join(const char *dir, const char *name)
{
  size_t dir_len = strlen(dir);
  size_t name_len = strlen(name);
  char *path = kith_calloc(dir_len + name_len + 2, 1);

  if (!path)
    return NULL;
  memcpy(path, dir, dir_len);
  if (dir_len && dir[dir_len - 1] != '/')
    path[dir_len++] = '/';
  memcpy(path + dir_len, name, name_len);
  return path;
}

/* The folder that holds `path`, a fresh string. */
static char *parent_of(const char *path)
{
  const char *slash = strrchr(path, '/');

  if (!slash)
    return kith_strdup(".");
  return kith_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static enum kith_err parent_sync(const char *path)
{
  KITH_AUTO_FREE char *parent = parent_of(path);

  return parent ? kith_dir_sync(parent) : KITH_ERR_MEMORY;
}

bool kith_file_exists(const char *path)
{
  struct stat status;

  return stat(path, &status) == 0;
}

/* ---- reading */

enum kith_err kith_file_read(uint8_t **out, size_t *len, const char *path, size_t max,
                             struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  uint8_t *bytes = NULL;
  size_t used = 0;
  size_t cap = 0;
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

  if (fd < 0)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: can't be opened: %s", path, strerror(errno));
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    err = kith_fail(fault, KITH_ERR_NO_INPUT, "%s: is a directory, expected a file", path);
    goto out;
  }
  for (;;) {
    ssize_t got;

    /* One byte for the terminator, one to notice that there is more than `max`. */
    if (cap - used < 2) {
      uint8_t *grown;

      cap = cap ? cap * 2 : 4096;
      grown = kith_realloc(bytes, cap, 1);
      if (!grown) {
        err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory to read it", path);
        goto out;
      }
      bytes = grown;
    }
    got = read(fd, bytes + used, cap - used - 1);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      err = kith_fail(fault, KITH_ERR_IO, "%s: read error: %s", path, strerror(errno));
      goto out;
    }
    if (got == 0)
      break;
    used += (size_t)got;
    if (used > max) {
      err = kith_fail(fault, KITH_ERR_LIMIT, "%s: longer than the limit of %zu bytes", path, max);
      goto out;
    }
  }
  bytes[used] = 0;
  *out = bytes;
  *len = used;
out:
  if (err != KITH_OK) {
    if (bytes)
      explicit_bzero(bytes, used); /* it may be a key file */
    kith_free(bytes);
  }
  close(fd);
  return err;
}

/* ---- writing */

/* Sets path and temporary. A symbolic link is followed, so that it stays a link. */
static enum kith_err out_names(struct kith_file_out *file, const char *path,
                               struct kith_fault *fault)
{
  struct stat status;
  char suffix[32];
  bool exists = stat(path, &status) == 0;

  if (exists && S_ISDIR(status.st_mode))
    return kith_fail(fault, KITH_ERR_CREATE, "%s: is a directory, expected a file", path);
  if (exists) {
    char *real = realpath(path, NULL);

    if (!real)
      return kith_fail(fault, KITH_ERR_CREATE, "%s: %s", path, strerror(errno));
    file->path = kith_strdup(real);
    free(real);
  } else {
    file->path = kith_strdup(path);
  }
  if (!file->path)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  if (exists && !S_ISREG(status.st_mode))
    return KITH_OK;
  snprintf(suffix, sizeof suffix, ".tmp-%ld", (long)getpid());
  file->temporary = kith_calloc(strlen(file->path) + sizeof suffix, 1);
  if (!file->temporary)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  memcpy(file->temporary, file->path, strlen(file->path));
  memcpy(file->temporary + strlen(file->path), suffix, strlen(suffix));
  return KITH_OK;
}

static int out_open(const struct kith_file_out *file, mode_t mode)
{
  if (!file->temporary)
    return open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  /* Left by a process of the same number that was killed. */
  unlink(file->temporary);
  return open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
}

enum kith_err kith_file_out_new(struct kith_file_out **out, const char *path, mode_t mode,
                                struct kith_fault *fault)
{
  enum kith_err err;
  int fd;
  struct kith_file_out *file = KITH_NEW(struct kith_file_out);

  if (!file)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  err = out_names(file, path, fault);
  if (err != KITH_OK)
    goto fail;
  fd = out_open(file, mode);
  if (fd < 0) {
    err = kith_fail(fault, KITH_ERR_CREATE, "%s: can't be created: %s", path, strerror(errno));
    kith_free(file->temporary);
    file->temporary = NULL;
    goto fail;
  }
  file->stream = fdopen(fd, "w");
  if (!file->stream) {
    close(fd);
    err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
    goto fail;
  }
  *out = file;
  return KITH_OK;
fail:
  kith_file_out_free(file);
  return err;
}

FILE *kith_file_out_stream(struct kith_file_out *file)
{
  return file->stream;
}

void kith_file_out_hurry(struct kith_file_out *file)
{
  file->hurry = true;
  /* Where there is no memory for it, the C library's buffer does. */
  file->buffer = kith_alloc_aligned(PAGE_BYTES, BUFFER_BYTES, 1);
  if (file->buffer)
    (void)setvbuf(file->stream, file->buffer, _IOFBF, BUFFER_BYTES);
}

/* Flushes, syncs and closes; 0 or an errno. */
static int out_finish(struct kith_file_out *file)
{
  int error = 0;

  errno = 0;
  if (kith_failpoint("file.write") || fflush(file->stream) != 0 || ferror(file->stream))
    error = errno ? errno : EIO;
  else if (file->temporary && !file->hurry &&
           (kith_failpoint("file.sync") || fsync(fileno(file->stream)) != 0))
    error = errno ? errno : EIO;
  errno = 0;
  if (fclose(file->stream) != 0 && error == 0)
    error = errno ? errno : EIO;
  file->stream = NULL;
  return error;
}

enum kith_err kith_file_out_commit(struct kith_file_out *file, struct kith_fault *fault)
{
  int error = out_finish(file);

  if (error != 0)
    return kith_fail(fault, KITH_ERR_IO, "%s: write error: %s", file->path, strerror(error));
  if (!file->temporary)
    return KITH_OK;
  if (kith_failpoint("file.rename.before") || rename(file->temporary, file->path) != 0)
    return kith_fail(fault, KITH_ERR_IO, "%s: can't be put in place: %s", file->path,
                     strerror(errno ? errno : EIO));
  kith_free(file->temporary);
  file->temporary = NULL;
  if (file->hurry)
    return KITH_OK;
  if (kith_failpoint("file.rename.after") || parent_sync(file->path) != KITH_OK)
    return kith_fail(fault, KITH_ERR_IO, "%s: its folder can't be synced", file->path);
  return KITH_OK;
}

void kith_file_out_free(struct kith_file_out *file)
{
  if (!file)
    return;
  if (file->stream)
    fclose(file->stream);
  if (file->temporary)
    unlink(file->temporary);
  kith_free_wiped(file->buffer, BUFFER_BYTES);
  kith_free(file->temporary);
  kith_free(file->path);
  kith_free(file);
}

enum kith_err kith_file_write(const char *path, mode_t mode, const void *bytes, size_t len,
                              struct kith_fault *fault)
{
  struct kith_file_out *file;
  enum kith_err err = kith_file_out_new(&file, path, mode, fault);

  if (err != KITH_OK)
    return err;
  /* Unbuffered: stdio keeps no copy of what may be a key. */
  setvbuf(file->stream, NULL, _IONBF, 0);
  if (len && fwrite(bytes, 1, len, file->stream) != len)
    err = kith_fail(fault, KITH_ERR_IO, "%s: write error: %s", path, strerror(errno));
  else
    err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  return err;
}

/* ---- folders */

enum kith_err kith_dir_sync(const char *path)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int result;

  if (fd < 0)
    return KITH_ERR_IO;
  result = fsync(fd);
  close(fd);
  /* Some file systems can't sync a folder and say so. */
  return result == 0 || errno == EINVAL ? KITH_OK : KITH_ERR_IO;
}

static enum kith_err dir_make_one(const char *path, mode_t mode, struct kith_fault *fault)
{
  struct stat status;

  if (mkdir(path, mode) == 0)
    return parent_sync(path) == KITH_OK
               ? KITH_OK
               : kith_fail(fault, KITH_ERR_IO, "%s: its parent can't be synced", path);
  if (errno != EEXIST)
    return kith_fail(fault, KITH_ERR_CREATE, "%s: can't be made: %s", path, strerror(errno));
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
    return kith_fail(fault, KITH_ERR_CREATE, "%s: is there and is no directory", path);
  return KITH_OK;
}

enum kith_err kith_dir_make(const char *path, mode_t mode, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  KITH_AUTO_FREE char *part = kith_strdup(path);
  size_t len = strlen(path);

  if (!part)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  while (len > 1 && part[len - 1] == '/')
    part[--len] = '\0';
  for (size_t i = 1; i < len && err == KITH_OK; i++) {
    if (part[i] != '/' || part[i - 1] == '/')
      continue;
    part[i] = '\0';
    if (!kith_file_exists(part))
      err = dir_make_one(part, 0755, fault);
    part[i] = '/';
  }
  return err == KITH_OK ? dir_make_one(part, mode, fault) : err;
}

/* ---- destroying */

/* 0 or an errno. */
static int overwrite(int fd, off_t size)
{
  static const uint8_t zeros[4096];

  for (off_t at = 0; at < size;) {
    size_t n = size - at < (off_t)sizeof zeros ? (size_t)(size - at) : sizeof zeros;
    ssize_t done = pwrite(fd, zeros, n, at);

    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return done < 0 ? errno : EIO;
    at += done;
  }
  return fsync(fd) == 0 ? 0 : errno;
}

enum kith_err kith_file_destroy(const char *path, struct kith_fault *fault)
{
  struct stat status;
  int error;
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);

  if (fd < 0 && errno == ENOENT)
    return KITH_OK;
  if (fd < 0)
    return kith_fail(fault, KITH_ERR_IO, "%s: can't be destroyed: %s", path, strerror(errno));
  if (kith_failpoint("file.destroy.before") || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    error = EIO;
  else
    error = overwrite(fd, status.st_size);
  close(fd);
  if (error == 0 && unlink(path) != 0)
    error = errno;
  if (error != 0)
    return kith_fail(fault, KITH_ERR_IO, "%s: can't be destroyed: %s", path, strerror(error));
  if (kith_failpoint("file.destroy.after") || parent_sync(path) != KITH_OK)
    return kith_fail(fault, KITH_ERR_IO, "%s: destroyed, but its folder can't be synced", path);
  return KITH_OK;
}
