#include "base/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

enum {
  PACKED_BYTES = 32 * 1024,
  READ_MAX = 1 << 30,
  GZIP_WINDOW = 15 + 16 /* zlib's way to say: a gzip header, any window */
};

static const uint8_t gzip_magic[] = {0x1f, 0x8b};

struct kith_infile {
  const char *path;
  int fd; /* -1: none */
  struct stat opened;
  uint64_t n_read; /* bytes of the file itself */
  bool started;
  bool at_end; /* of the file itself */
  bool is_packed;
  bool in_member;               /* a gzip member is not at its end */
  z_stream zip;                 /* where is_packed */
  uint8_t packed[PACKED_BYTES]; /* [at, len) are still to be given or unpacked */
  size_t at;
  size_t len;
};

enum kith_err kith_infile_open(struct kith_infile **out, const char *path, struct kith_fault *fault)
{
  struct kith_infile *file = KITH_NEW(struct kith_infile);
  enum kith_err err = KITH_OK;

  if (!file)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  file->path = path;
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file->fd < 0 || fstat(file->fd, &file->opened) != 0)
    err = kith_fail(fault, KITH_ERR_NO_INPUT, "%s: can't be opened: %s", path, strerror(errno));
  else if (S_ISDIR(file->opened.st_mode))
    err = kith_fail(fault, KITH_ERR_NO_INPUT, "%s: is a directory, expected a CSV file", path);
  if (err == KITH_OK)
    *out = file;
  else
    kith_infile_free(file);
  return err;
}

void kith_infile_free(struct kith_infile *file)
{
  if (!file)
    return;
  if (file->is_packed)
    (void)inflateEnd(&file->zip);
  if (file->fd >= 0)
    close(file->fd);
  kith_free(file);
}

static enum kith_err check_unchanged(const struct kith_infile *file, struct kith_fault *fault)
{
  const struct stat *before = &file->opened;
  struct stat now;

  if (!S_ISREG(before->st_mode))
    return KITH_OK;
  if (fstat(file->fd, &now) != 0)
    return kith_fail(fault, KITH_ERR_IO, "%s: read error: %s", file->path, strerror(errno));
  if (now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
      now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
    return KITH_OK;
  return kith_fail(fault, KITH_ERR_DATA,
                   "%s: was changed while it was read; expected a file that is finished",
                   file->path);
}

/* As it stands in the file: `cap` bytes, fewer only at the end. */
static enum kith_err plain_read(struct kith_infile *file, uint8_t *out, size_t cap, size_t *len,
                                struct kith_fault *fault)
{
  *len = 0;
  while (*len < cap && !file->at_end) {
    ssize_t got = read(file->fd, out + *len, cap - *len < READ_MAX ? cap - *len : READ_MAX);

    if (got < 0 && errno == EINTR)
      return kith_fail(fault, KITH_ERR_CANCELLED, "%s: stopped", file->path);
    if (got < 0)
      return kith_fail(fault, KITH_ERR_IO, "%s: read error: %s", file->path, strerror(errno));
    file->at_end = got == 0;
    file->n_read += (uint64_t)got;
    *len += (size_t)got;
  }
  return file->at_end ? check_unchanged(file, fault) : KITH_OK;
}

static enum kith_err start(struct kith_infile *file, struct kith_fault *fault)
{
  enum kith_err err = plain_read(file, file->packed, sizeof gzip_magic, &file->len, fault);

  if (err != KITH_OK)
    return err;
  file->started = true;
  if (file->len < sizeof gzip_magic || memcmp(file->packed, gzip_magic, sizeof gzip_magic) != 0)
    return KITH_OK;
  if (inflateInit2(&file->zip, GZIP_WINDOW) != Z_OK)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory to unpack it", file->path);
  file->is_packed = true;
  file->in_member = true;
  return KITH_OK;
}

/* ---- gzip */

static enum kith_err refuse(const struct kith_infile *file, struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_DATA, "%s: the gzip file is damaged or was cut", file->path);
}

/* More of the file behind the packed bytes that are left. */
static enum kith_err packed_fill(struct kith_infile *file, struct kith_fault *fault)
{
  size_t got;
  enum kith_err err;

  memmove(file->packed, file->packed + file->at, file->len - file->at);
  file->len -= file->at;
  file->at = 0;
  err = plain_read(file, file->packed + file->len, PACKED_BYTES - file->len, &got, fault);
  file->len += got;
  return err;
}

/* Behind a member: another, or zeros to the end. */
static enum kith_err member_next(struct kith_infile *file, struct kith_fault *fault)
{
  size_t left = file->len - file->at;

  if (left >= sizeof gzip_magic &&
      memcmp(file->packed + file->at, gzip_magic, sizeof gzip_magic) == 0) {
    file->in_member = true;
    return inflateReset(&file->zip) == Z_OK ? KITH_OK : refuse(file, fault);
  }
  for (; file->at < file->len; file->at++)
    if (file->packed[file->at] != 0)
      return kith_fail(fault, KITH_ERR_DATA, "%s: something else follows the gzip data",
                       file->path);
  return KITH_OK;
}

/* Unpacks what there is into [*len, cap) of out. */
static enum kith_err unpack(struct kith_infile *file, uint8_t *out, size_t cap, size_t *len,
                            struct kith_fault *fault)
{
  z_stream *zip = &file->zip;
  int result;

  zip->next_in = file->packed + file->at;
  zip->avail_in = (uInt)(file->len - file->at);
  zip->next_out = out + *len;
  zip->avail_out = (uInt)(cap - *len < READ_MAX ? cap - *len : READ_MAX);
  result = inflate(zip, Z_NO_FLUSH);
  file->at = file->len - zip->avail_in;
  *len = (size_t)(zip->next_out - out);
  if (result == Z_STREAM_END)
    file->in_member = false;
  if (result == Z_MEM_ERROR)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory to unpack it", file->path);
  return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? KITH_OK
                                                                           : refuse(file, fault);
}

static enum kith_err packed_read(struct kith_infile *file, uint8_t *out, size_t cap, size_t *len,
                                 struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  while (err == KITH_OK && *len < cap) {
    if (file->len - file->at < sizeof gzip_magic && !file->at_end)
      err = packed_fill(file, fault);
    else if (file->at == file->len && !file->in_member)
      break;
    else if (file->at == file->len)
      /* What there was is given first. */
      return *len ? KITH_OK : refuse(file, fault);
    else
      err = file->in_member ? unpack(file, out, cap, len, fault) : member_next(file, fault);
  }
  return err;
}

enum kith_err kith_infile_read(struct kith_infile *file, uint8_t *out, size_t cap, size_t *len,
                               struct kith_fault *fault)
{
  enum kith_err err = file->started ? KITH_OK : start(file, fault);
  size_t sniffed;
  size_t got;

  *len = 0;
  if (err != KITH_OK)
    return err;
  if (file->is_packed)
    return packed_read(file, out, cap, len, fault);
  sniffed = file->len - file->at < cap ? file->len - file->at : cap;
  memcpy(out, file->packed + file->at, sniffed);
  file->at += sniffed;
  err = plain_read(file, out + sniffed, cap - sniffed, &got, fault);
  *len = sniffed + got;
  return err;
}

double kith_infile_share(const struct kith_infile *file)
{
  uint64_t size = (uint64_t)file->opened.st_size;

  if (!S_ISREG(file->opened.st_mode) || size == 0)
    return 0;
  return file->n_read < size ? (double)file->n_read / (double)size : 1;
}
