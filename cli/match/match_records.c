#include "cli/match/match_records.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/seal.h"

enum {
  HEADER_BYTES = KITH_MATCH_JOURNAL_HEADER_BYTES,
  CHECK_BYTES = 8,
  HEAD_BYTES = 8, /* of a record */
  PLACE_BYTES = HEADER_BYTES + 12,
  VERSION = 1,
  FLAG_SEALED = 1,
  RECORD_BYTES_MAX = 1 << 30
};
static const uint8_t magic[8] = {'K', 'I', 'T', 'H', 'J', 'R', 'N', 'L'};

static void make_header(uint8_t out[HEADER_BYTES],
                        const struct kith_match_journal_identity *identity, bool sealed)
{
  struct kith_hash hash;
  memcpy(out, magic, sizeof magic);
  kith_put_le(out + 8, 4, VERSION);
  kith_put_le(out + 12, 4, sealed ? FLAG_SEALED : 0);
  kith_put_le(out + 16, 4, identity->shard);
  kith_put_le(out + 20, 4, identity->n_shards);
  memcpy(out + 24, identity->run.bytes, sizeof identity->run.bytes);
  kith_hash_bytes(&hash, "kith match journal header v1", out, HEADER_BYTES - CHECK_BYTES);
  memcpy(out + HEADER_BYTES - CHECK_BYTES, hash.bytes, CHECK_BYTES);
}

/* What a record is bound to: the run, its number and its type. */
static void make_place(uint8_t out[PLACE_BYTES], const struct kith_match_records *records,
                       uint32_t type)
{
  memcpy(out, records->header, HEADER_BYTES);
  kith_put_le(out + HEADER_BYTES, 8, records->number);
  kith_put_le(out + HEADER_BYTES + 8, 4, type);
}

static void checksum(uint8_t out[CHECK_BYTES], const struct kith_match_records *records,
                     uint32_t type, const void *bytes, size_t len)
{
  uint8_t place[PLACE_BYTES];
  struct kith_hasher hasher;
  struct kith_hash hash;
  make_place(place, records, type);
  kith_hasher_init(&hasher, "kith match journal record v1");
  kith_hasher_part(&hasher, place, sizeof place);
  kith_hasher_part(&hasher, bytes, len);
  kith_hasher_final(&hasher, &hash);
  memcpy(out, hash.bytes, CHECK_BYTES);
}

static size_t overhead(const struct kith_match_records *records)
{
  return records->key ? KITH_BOX_OVERHEAD : CHECK_BYTES;
}

/* ---- the file */

static enum kith_err failed(const struct kith_match_records *records, const char *what,
                            struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_IO, "%s: %s: %s", records->path, what,
                   strerror(errno ? errno : EIO));
}

/* *got: fewer than `len` at the end of the file. */
static enum kith_err read_at(const struct kith_match_records *records, uint8_t *out, size_t len,
                             uint64_t offset, size_t *got, struct kith_fault *fault)
{
  for (*got = 0; *got < len;) {
    ssize_t n = pread(records->fd, out + *got, len - *got, (off_t)(offset + *got));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return failed(records, "can't be read", fault);
    if (n == 0)
      break;
    *got += (size_t)n;
  }
  return KITH_OK;
}

static enum kith_err write_at(const struct kith_match_records *records, const uint8_t *bytes,
                              size_t len, uint64_t offset, struct kith_fault *fault)
{
  while (len > 0) {
    ssize_t n = pwrite(records->fd, bytes, len, (off_t)offset);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return failed(records, "can't be written", fault);
    bytes += n;
    len -= (size_t)n;
    offset += (uint64_t)n;
  }
  return KITH_OK;
}

/* Opened and locked. A file that another process removes in between is opened anew. */
static enum kith_err open_locked(struct kith_match_records *records, struct kith_fault *fault)
{
  struct stat status;
  for (;;) {
    records->fd = open(records->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (records->fd < 0)
      return kith_fail(fault, KITH_ERR_CREATE, "%s: can't be opened: %s", records->path,
                       strerror(errno));
    if (fstat(records->fd, &status) != 0 || !S_ISREG(status.st_mode))
      return kith_fail(fault, KITH_ERR_DATA, "%s: expected a file, to keep a journal in",
                       records->path);
    if (flock(records->fd, LOCK_EX | LOCK_NB) != 0)
      return kith_fail(fault, KITH_ERR_DENIED, "%s: in use by another kith: wait for it, or end it",
                       records->path);
    if (fstat(records->fd, &status) == 0 && status.st_nlink > 0)
      break;
    (void)close(records->fd);
    records->fd = -1;
  }
  if ((status.st_mode & 077) != 0 && fchmod(records->fd, 0600) != 0)
    return failed(records, "its mode can't be set to 0600", fault);
  return KITH_OK;
}

enum kith_err kith_match_records_cut(struct kith_match_records *records, uint64_t offset,
                                     uint64_t number, struct kith_fault *fault)
{
  records->offset = offset;
  records->number = number;
  if (ftruncate(records->fd, (off_t)offset) != 0 || fsync(records->fd) != 0)
    return failed(records, "can't be cut", fault);
  return KITH_OK;
}

/* ---- opening */

static enum kith_err begin(struct kith_match_records *records, struct kith_fault *fault)
{
  enum kith_err err = write_at(records, records->header, HEADER_BYTES, 0, fault);
  if (!err)
    err = kith_match_records_cut(records, HEADER_BYTES, 0, fault);
  return err;
}

static enum kith_err check_header(const struct kith_match_records *records, const uint8_t *bytes,
                                  struct kith_fault *fault)
{
  struct kith_hash hash;
  kith_hash_bytes(&hash, "kith match journal header v1", bytes, HEADER_BYTES - CHECK_BYTES);
  if (memcmp(bytes, magic, sizeof magic) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is there and is no journal of kith match",
                     records->path);
  if (kith_get_le(bytes + 8, 4) != VERSION ||
      memcmp(hash.bytes, bytes + HEADER_BYTES - CHECK_BYTES, CHECK_BYTES) != 0)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: a damaged journal, or of another version: remove it", records->path);
  if (memcmp(bytes + 12, records->header + 12, 4) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: this journal %s sealed under a key", records->path,
                     kith_get_le(bytes + 12, 4) ? "is" : "is not");
  if (memcmp(bytes + 16, records->header + 16, 8) != 0)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: the journal of shard %u/%u, but this is shard %u/%u", records->path,
                     (unsigned)kith_get_le(bytes + 16, 4), (unsigned)kith_get_le(bytes + 20, 4),
                     (unsigned)kith_get_le(records->header + 16, 4),
                     (unsigned)kith_get_le(records->header + 20, 4));
  if (memcmp(bytes, records->header, HEADER_BYTES) != 0)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: the journal of another run: the encodings, the threshold, the similarity "
                     "or --within differ. Remove it, or name another file",
                     records->path);
  return KITH_OK;
}

/* A record at the next offset into records->bytes. KITH_ERR_DATA: none that is whole. */
static enum kith_err read_record(struct kith_match_records *records, uint32_t *type, size_t *len,
                                 struct kith_fault *fault)
{
  uint8_t head[HEAD_BYTES];
  uint8_t place[PLACE_BYTES];
  uint8_t check[CHECK_BYTES];
  size_t got;
  enum kith_err err = read_at(records, head, sizeof head, records->offset, &got, fault);
  if (err)
    return err;
  if (got < sizeof head || kith_get_le(head, 4) > RECORD_BYTES_MAX)
    return KITH_ERR_DATA;
  const size_t n = kith_get_le(head, 4);
  *type = (uint32_t)kith_get_le(head + 4, 4);
  uint8_t *bytes = kith_realloc(records->bytes, n + KITH_BOX_OVERHEAD, 2);
  if (!bytes)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory to read it", records->path);
  records->bytes = bytes;
  err = read_at(records, bytes, n + overhead(records), records->offset + sizeof head, &got, fault);
  if (err)
    return err;
  if (got < n + overhead(records))
    return KITH_ERR_DATA;
  if (records->key) {
    uint8_t *plain = bytes + n + KITH_BOX_OVERHEAD;
    make_place(place, records, *type);
    if (kith_box_open(plain, records->key, place, sizeof place, bytes, n + KITH_BOX_OVERHEAD))
      return KITH_ERR_DATA;
    memmove(bytes, plain, n);
  } else {
    checksum(check, records, *type, bytes, n);
    if (memcmp(check, bytes + n, CHECK_BYTES) != 0)
      return KITH_ERR_DATA;
  }
  *len = n;
  return KITH_OK;
}

static enum kith_err read_records(struct kith_match_records *records,
                                  kith_match_record_reader *reader, void *context,
                                  struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  records->offset = HEADER_BYTES;
  records->number = 0;
  for (;;) {
    uint32_t type = 0;
    size_t len = 0;
    err = read_record(records, &type, &len, fault);
    if (!err)
      err = reader(context, type, records->bytes, len, records->offset);
    if (err)
      break;
    records->offset += HEAD_BYTES + len + overhead(records);
    records->number++;
  }
  if (err == KITH_ERR_MEMORY)
    return kith_fail(fault, err, "%s: no memory to read it", records->path);
  return err == KITH_ERR_DATA ? KITH_OK : err;
}

static enum kith_err open_file(struct kith_match_records *records, kith_match_record_reader *reader,
                               void *context, uint64_t *torn_bytes, struct kith_fault *fault)
{
  uint8_t bytes[HEADER_BYTES];
  struct stat status;
  size_t got = 0;
  enum kith_err err = open_locked(records, fault);
  if (!err)
    err = read_at(records, bytes, sizeof bytes, 0, &got, fault);
  if (err)
    return err;
  /* A header that a kill tore, or an empty file. */
  if (got < sizeof bytes && memcmp(bytes, records->header, got) == 0)
    return begin(records, fault);
  if (got < sizeof bytes)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is there and is no journal of kith match",
                     records->path);
  err = check_header(records, bytes, fault);
  if (!err)
    err = read_records(records, reader, context, fault);
  if (!err && fstat(records->fd, &status) != 0)
    err = failed(records, "can't be read", fault);
  if (!err && (uint64_t)status.st_size > records->offset) {
    *torn_bytes = (uint64_t)status.st_size - records->offset;
    err = kith_match_records_cut(records, records->offset, records->number, fault);
  }
  return err;
}

enum kith_err kith_match_records_open(struct kith_match_records *out, const char *path,
                                      const struct kith_match_journal_identity *identity,
                                      const struct kith_secret *key,
                                      kith_match_record_reader *reader, void *context,
                                      uint64_t *torn_bytes, struct kith_fault *fault)
{
  *out = (struct kith_match_records){.fd = -1, .path = path, .key = key};
  make_header(out->header, identity, key != NULL);
  *torn_bytes = 0;
  return open_file(out, reader, context, torn_bytes, fault);
}

void kith_match_records_close(struct kith_match_records *records)
{
  if (records->fd >= 0)
    (void)close(records->fd);
  records->fd = -1;
  kith_free(records->bytes);
  records->bytes = NULL;
}

/* ---- appending */

static void put_sealed(struct kith_match_records *records, uint8_t *out,
                       enum kith_match_record type, const void *bytes, size_t len)
{
  uint8_t place[PLACE_BYTES];
  make_place(place, records, type);
  /* A box can't fail: its key has the length that it should. */
  enum kith_err err = kith_box(out, records->key, place, sizeof place, len ? bytes : "", len);
  assert(err == KITH_OK);
  (void)err;
}

enum kith_err kith_match_records_append(struct kith_match_records *records,
                                        enum kith_match_record type, const void *bytes, size_t len,
                                        struct kith_fault *fault)
{
  const size_t all = HEAD_BYTES + len + overhead(records);
  if (len > RECORD_BYTES_MAX)
    return kith_fail(fault, KITH_ERR_LIMIT, "%s: too many pairs at once for a journal",
                     records->path);
  uint8_t *out = kith_realloc(records->bytes, all, 1);
  if (!out)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", records->path);
  records->bytes = out;
  kith_put_le(out, 4, len);
  kith_put_le(out + 4, 4, type);
  if (records->key) {
    put_sealed(records, out + HEAD_BYTES, type, bytes, len);
  } else {
    if (len > 0)
      memcpy(out + HEAD_BYTES, bytes, len);
    checksum(out + HEAD_BYTES + len, records, type, out + HEAD_BYTES, len);
  }
  if (kith_failpoint("journal.append.before"))
    return failed(records, "can't be written", fault);
  enum kith_err err = write_at(records, out, all / 2, records->offset, fault);
  if (!err && kith_failpoint("journal.append.torn"))
    return failed(records, "can't be written", fault);
  if (!err)
    err = write_at(records, out + all / 2, all - all / 2, records->offset + all / 2, fault);
  if (!err && fdatasync(records->fd) != 0)
    err = failed(records, "can't be synced", fault);
  if (!err && kith_failpoint("journal.append.after"))
    err = failed(records, "can't be synced", fault);
  if (err)
    return err;
  records->offset += all;
  records->number++;
  return KITH_OK;
}
