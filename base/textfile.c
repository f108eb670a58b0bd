#include "base/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/text.h"

enum { RAW_BYTES = 64 * 1024, SEQUENCE_MAX = 4 };

enum charset { CHARSET_ASCII, CHARSET_UTF8, CHARSET_1252, CHARSET_UTF16LE, CHARSET_UTF16BE };

static const char *const names[] = {"ASCII", "UTF-8", "Windows-1252", "UTF-16LE", "UTF-16BE"};
static const char *const iconv_names[] = {NULL, NULL, "CP1252", "UTF-16LE", "UTF-16BE"};

struct kith_textfile {
  const char *path;
  gzFile file;
  bool detect;
  bool started;
  bool at_end;
  enum charset charset;
  iconv_t converter;
  bool has_converter;
  uint8_t raw[RAW_BYTES]; /* [at, len) are still to be given */
  size_t at;
  size_t len;
  size_t held; /* of them: the start of a sequence whose rest is still to be read */
};

/* ---- the file */

static enum kith_err file_open(struct kith_textfile *file, struct kith_fault *fault)
{
  struct stat status;
  int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

  if (fd < 0)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: can't be opened: %s", file->path,
                     strerror(errno));
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    close(fd);
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: is a directory, expected a CSV file",
                     file->path);
  }
  file->file = gzdopen(fd, "rb");
  if (!file->file) {
    close(fd);
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", file->path);
  }
  gzbuffer(file->file, RAW_BYTES);
  return KITH_OK;
}

enum kith_err kith_textfile_open(struct kith_textfile **out, const char *path, bool detect,
                                 struct kith_fault *fault)
{
  struct kith_textfile *file = KITH_NEW(struct kith_textfile);
  enum kith_err err;

  if (!file)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  file->path = path;
  file->detect = detect;
  err = file_open(file, fault);
  if (err == KITH_OK)
    *out = file;
  else
    kith_textfile_free(file);
  return err;
}

void kith_textfile_free(struct kith_textfile *file)
{
  if (!file)
    return;
  if (file->has_converter)
    (void)iconv_close(file->converter);
  if (file->file)
    gzclose(file->file);
  kith_free(file);
}

/* Adds to the raw bytes what there is room for. */
static enum kith_err raw_read(struct kith_textfile *file, struct kith_fault *fault)
{
  int error = Z_OK;
  int got;

  memmove(file->raw, file->raw + file->at, file->len - file->at);
  file->len -= file->at;
  file->at = 0;
  got = gzread(file->file, file->raw + file->len, (unsigned)(RAW_BYTES - file->len));
  if (got > 0) {
    file->len += (size_t)got;
    return KITH_OK;
  }
  /* A gzip file that was cut gives its data, then no more, and says so only here. */
  gzerror(file->file, &error);
  if (got == 0 && error == Z_OK) {
    file->at_end = true;
    return KITH_OK;
  }
  if (error == Z_ERRNO)
    return kith_fail(fault, KITH_ERR_IO, "%s: read error: %s", file->path, strerror(errno));
  if (error == Z_MEM_ERROR)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory to unpack it", file->path);
  return kith_fail(fault, KITH_ERR_DATA, "%s: the gzip file is damaged or was cut", file->path);
}

/* ---- detection */

static enum kith_err charset_set(struct kith_textfile *file, enum charset charset,
                                 struct kith_fault *fault)
{
  file->charset = charset;
  if (!iconv_names[charset])
    return KITH_OK;
  file->converter = iconv_open("UTF-8", iconv_names[charset]);
  file->has_converter = file->converter != (iconv_t)-1; /* NOLINT: as iconv_open says */
  return file->has_converter
             ? KITH_OK
             : kith_fail(fault, KITH_ERR_CONFIG,
                         "%s: looks like %s, which this system can't convert; save it "
                         "as UTF-8",
                         file->path, names[charset]);
}

/* Latin text in UTF-16 has a zero in every other place. */
static bool zeros_alternate(const uint8_t *bytes, size_t len, size_t place)
{
  size_t n[2] = {0, 0};

  for (size_t i = 0; i < len; i++)
    n[i % 2] += bytes[i] == 0;
  return len >= 4 && n[place] * 10 > len / 2 * 7 && n[1 - place] * 10 < len / 2;
}

static enum kith_err start(struct kith_textfile *file, struct kith_fault *fault)
{
  static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
  const uint8_t *raw = file->raw;

  file->started = true;
  if (file->len >= sizeof mark && memcmp(raw, mark, sizeof mark) == 0) {
    file->at = sizeof mark;
    return charset_set(file, CHARSET_UTF8, fault);
  }
  if (!file->detect)
    return charset_set(file, CHARSET_UTF8, fault);
  if (file->len >= 2 && raw[0] + raw[1] == 0xff + 0xfe) {
    file->at = 2;
    return charset_set(file, raw[0] == 0xff ? CHARSET_UTF16LE : CHARSET_UTF16BE, fault);
  }
  if (zeros_alternate(raw, file->len, 1))
    return charset_set(file, CHARSET_UTF16LE, fault);
  if (zeros_alternate(raw, file->len, 0))
    return charset_set(file, CHARSET_UTF16BE, fault);
  return KITH_OK;
}

/* The length of the UTF-8 sequence at `at`, 0 for none. */
static size_t sequence_len(const uint8_t *at, size_t len)
{
  size_t n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc2 ? 2 : 0;

  return n && n <= len && kith_utf8_valid((const char *)at, n) ? n : 0;
}

/* Whether the bytes may be the start of a sequence. */
static bool sequence_starts(const uint8_t *at, size_t len)
{
  for (size_t i = 1; i < len; i++)
    if ((at[i] & 0xc0) != 0x80)
      return false;
  return at[0] >= 0xc2 && at[0] < 0xf5 && len < (at[0] >= 0xf0 ? 4u : at[0] >= 0xe0 ? 3u : 2u);
}

/* Decides between UTF-8 and Windows-1252 at the first bytes that tell. */
static enum kith_err decide(struct kith_textfile *file, struct kith_fault *fault)
{
  size_t n_utf8 = 0;
  size_t n_other = 0;

  file->held = 0;
  for (size_t i = file->at; i < file->len;) {
    size_t n = file->raw[i] < 0x80 ? 1 : sequence_len(file->raw + i, file->len - i);

    if (n == 0 && !file->at_end && sequence_starts(file->raw + i, file->len - i)) {
      file->held = file->len - i;
      break;
    }
    n_utf8 += n > 1;
    n_other += n == 0;
    i += n ? n : 1;
  }
  if (n_utf8 + n_other == 0)
    return KITH_OK;
  file->held = 0;
  return charset_set(file, n_utf8 ? CHARSET_UTF8 : CHARSET_1252, fault);
}

/* ---- reading */

/* Converts until the room or the raw bytes are used up. What is no text in the character set comes
 * as a byte that is no UTF-8. */
static size_t convert(struct kith_textfile *file, uint8_t *out, size_t cap)
{
  const size_t unit = file->charset == CHARSET_1252 ? 1 : 2;
  char *to = (char *)out;
  size_t room = cap;

  while (file->at < file->len && room >= SEQUENCE_MAX) {
    char *from = (char *)file->raw + file->at;
    size_t rest = file->len - file->at;
    size_t result = iconv(file->converter, &from, &rest, &to, &room);

    file->at = file->len - rest;
    if (result != (size_t)-1 || errno == E2BIG)
      continue;
    if (errno == EINVAL && !file->at_end)
      break; /* its other half is still to be read */
    *to++ = (char)0xff;
    room--;
    file->at += rest < unit ? rest : unit;
    (void)iconv(file->converter, NULL, NULL, NULL, NULL);
  }
  return cap - room;
}

enum kith_err kith_textfile_read(struct kith_textfile *file, uint8_t *out, size_t cap, size_t *len,
                                 struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  *len = 0;
  while (*len == 0 && err == KITH_OK && !(file->at_end && file->at == file->len)) {
    if (!file->at_end && (file->at + file->held == file->len || file->has_converter))
      err = raw_read(file, fault);
    if (err == KITH_OK && !file->started)
      err = start(file, fault);
    if (err == KITH_OK && file->charset == CHARSET_ASCII && file->detect)
      err = decide(file, fault);
    if (err != KITH_OK)
      return err;
    if (file->has_converter) {
      *len = convert(file, out, cap);
      continue;
    }
    *len = file->len - file->held - file->at;
    if (*len > cap)
      *len = cap;
    memcpy(out, file->raw + file->at, *len);
    file->at += *len;
  }
  return err;
}

const char *kith_textfile_charset(const struct kith_textfile *file)
{
  return names[file->charset];
}
