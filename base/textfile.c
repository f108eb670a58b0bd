#include "base/textfile.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/infile.h"
#include "base/mem.h"
#include "base/text.h"

enum { RAW_BYTES = 64 * 1024, SEQUENCE_MAX = 4 };

enum charset { CHARSET_ASCII, CHARSET_UTF8, CHARSET_1252, CHARSET_UTF16LE, CHARSET_UTF16BE };

static const char *const names[] = {"ASCII", "UTF-8", "Windows-1252", "UTF-16LE", "UTF-16BE"};
static const char *const iconv_names[] = {NULL, NULL, "CP1252", "UTF-16LE", "UTF-16BE"};

struct kith_textfile {
  const char *path;
  struct kith_infile *file;
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
  char high[128][SEQUENCE_MAX]; /* the bytes above 127 of a character set of bytes, in UTF-8 */
};

enum kith_err kith_textfile_open(struct kith_textfile **out, const char *path, bool detect,
                                 struct kith_fault *fault)
{
  struct kith_textfile *file = KITH_NEW(struct kith_textfile);
  enum kith_err err;

  if (!file)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  file->path = path;
  file->detect = detect;
  err = kith_infile_open(&file->file, path, fault);
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
  kith_infile_free(file->file);
  kith_free(file);
}

/* Up to `cap` bytes of the file, unpacked; none: it is at its end. */
static enum kith_err file_read(struct kith_textfile *file, uint8_t *out, size_t cap, size_t *len,
                               struct kith_fault *fault)
{
  enum kith_err err = kith_infile_read(file->file, out, cap, len, fault);

  file->at_end = err == KITH_OK && *len == 0;
  return err;
}

/* Adds to the raw bytes what there is room for. */
static enum kith_err raw_read(struct kith_textfile *file, struct kith_fault *fault)
{
  size_t got;
  enum kith_err err;

  memmove(file->raw, file->raw + file->at, file->len - file->at);
  file->len -= file->at;
  file->at = 0;
  err = file_read(file, file->raw + file->len, RAW_BYTES - file->len, &got, fault);
  file->len += got;
  return err;
}

/* ---- detection */

/* What iconv makes of each byte above 127; what is no character, a byte that is no UTF-8. */
static void high_make(struct kith_textfile *file)
{
  for (unsigned i = 0; i < KITH_COUNT_OF(file->high); i++) {
    char byte = (char)(i + 128);
    char *from = &byte;
    char *to = file->high[i];
    size_t rest = 1;
    size_t room = SEQUENCE_MAX - 1;

    if (iconv(file->converter, &from, &rest, &to, &room) == (size_t)-1)
      file->high[i][0] = (char)0xff;
    (void)iconv(file->converter, NULL, NULL, NULL, NULL);
  }
}

static enum kith_err charset_set(struct kith_textfile *file, enum charset charset,
                                 struct kith_fault *fault)
{
  file->charset = charset;
  if (!iconv_names[charset])
    return KITH_OK;
  file->converter = iconv_open("UTF-8", iconv_names[charset]);
  file->has_converter = file->converter != (iconv_t)-1; /* NOLINT: as iconv_open says */
  if (!file->has_converter)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "%s: looks like %s, which this system can't convert; save it as UTF-8",
                     file->path, names[charset]);
  if (charset == CHARSET_1252)
    high_make(file);
  return KITH_OK;
}

/* Latin text in UTF-16 has a zero in every other place. */
static bool zeros_alternate(const uint8_t *bytes, size_t len, size_t place)
{
  size_t n[2] = {0, 0};

  for (size_t i = 0; i < len; i++)
    n[i % 2] += bytes[i] == 0;
  return len >= 4 && n[place] * 10 > len / 2 * 7 && n[1 - place] * 10 < len / 2;
}

/* People give the file that their spreadsheet keeps. */
static enum kith_err other_refuse(const struct kith_textfile *file, struct kith_fault *fault)
{
  static const struct {
    const char *magic;
    const char *what;
  } others[] = {{"PK\003\004", "a spreadsheet's own file (.xlsx, .ods) or an archive"},
                {"\320\317\021\340", "a spreadsheet's own file (.xls)"},
                {"%PDF", "a PDF document"},
                {"SQLite format 3", "a database; see kith-odbc(8)"}};

  for (size_t i = 0; i < KITH_COUNT_OF(others); i++) {
    size_t n = strlen(others[i].magic);

    if (file->len >= n && memcmp(file->raw, others[i].magic, n) == 0)
      return kith_fail(fault, KITH_ERR_DATA, "%s: is %s; save the table as CSV (UTF-8)", file->path,
                       others[i].what);
  }
  return KITH_OK;
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
  if (other_refuse(file, fault) != KITH_OK)
    return KITH_ERR_DATA;
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

/* How many bytes at the start are ASCII. */
static size_t ascii_len(const uint8_t *at, size_t len)
{
  size_t i = 0;

  for (uint64_t word; len - i >= sizeof word; i += sizeof word) {
    memcpy(&word, at + i, sizeof word);
    if (word & 0x8080808080808080u)
      break;
  }
  while (i < len && at[i] < 0x80)
    i++;
  return i;
}

/* Decides between UTF-8 and Windows-1252 at the first bytes that tell. */
static enum kith_err decide(struct kith_textfile *file, struct kith_fault *fault)
{
  const uint8_t *raw = file->raw;
  size_t n_utf8 = 0;
  size_t n_other = 0;

  file->held = 0;
  for (size_t i = file->at; i < file->len;) {
    size_t n = ascii_len(raw + i, file->len - i);

    i += n;
    if (i == file->len)
      break;
    n = sequence_len(raw + i, file->len - i);
    if (n == 0 && !file->at_end && sequence_starts(raw + i, file->len - i)) {
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

static size_t convert_1252(struct kith_textfile *file, uint8_t *out, size_t cap)
{
  size_t n = 0;

  while (file->at < file->len && cap - n >= SEQUENCE_MAX) {
    size_t rest = file->len - file->at < cap - n ? file->len - file->at : cap - n;
    size_t plain = ascii_len(file->raw + file->at, rest);

    memcpy(out + n, file->raw + file->at, plain);
    n += plain;
    file->at += plain;
    if (plain == rest || cap - n < SEQUENCE_MAX)
      continue;
    for (const char *from = file->high[file->raw[file->at] - 128]; *from != '\0'; from++)
      out[n++] = (uint8_t)*from;
    file->at++;
  }
  return n;
}

/* Converts until the room or the raw bytes are used up. What is no text in the character set comes
 * as a byte that is no UTF-8. */
static size_t convert_utf16(struct kith_textfile *file, uint8_t *out, size_t cap)
{
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
    file->at += rest < 2 ? rest : 2;
    (void)iconv(file->converter, NULL, NULL, NULL, NULL);
  }
  return cap - room;
}

/* The raw bytes that are left, as they are. */
static size_t take(struct kith_textfile *file, uint8_t *out, size_t cap)
{
  size_t n = file->len - file->held - file->at;

  if (n > cap)
    n = cap;
  memcpy(out, file->raw + file->at, n);
  file->at += n;
  return n;
}

enum kith_err kith_textfile_read(struct kith_textfile *file, uint8_t *out, size_t cap, size_t *len,
                                 struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  *len = 0;
  while (*len == 0 && err == KITH_OK && !(file->at_end && file->at == file->len)) {
    bool as_it_is =
        file->started && !file->has_converter && !(file->charset == CHARSET_ASCII && file->detect);

    if (as_it_is && file->at == file->len)
      return file_read(file, out, cap, len, fault);
    if (!file->at_end && (file->at + file->held == file->len || file->has_converter))
      err = raw_read(file, fault);
    if (err == KITH_OK && !file->started)
      err = start(file, fault);
    if (err == KITH_OK && file->charset == CHARSET_ASCII && file->detect)
      err = decide(file, fault);
    if (err != KITH_OK)
      return err;
    if (!file->has_converter)
      *len = take(file, out, cap);
    else if (file->charset == CHARSET_1252)
      *len = convert_1252(file, out, cap);
    else
      *len = convert_utf16(file, out, cap);
  }
  return err;
}

double kith_textfile_share(const struct kith_textfile *file)
{
  return kith_infile_share(file->file);
}

const char *kith_textfile_charset(const struct kith_textfile *file)
{
  return names[file->charset];
}
