/* Readers and writers of files of encodings.
 *
 * The kith format, integers little-endian:
 *
 *   offset  bytes
 *        0      8  "KITHENC" and a newline
 *        8      2  version: 1, or 2 where rows have several filters
 *       10      2  flags: 1 = rows have masks, 2 = schema hash and key check are there
 *       12      4  bits of the first filter
 *       16      8  rows n
 *       24     32  schema hash, zero without flag 2
 *       56     16  key check, zero without flag 2
 *       72      2  fields
 *       74      2  zero
 *       76     64  16 field weights of 4 bytes
 *     (140      2  version 2 only: filters f, 2 to 4
 *      142      2  zero
 *      144     16  4 lengths in bits of 4 bytes; zero from f on
 *      160     16  16 numbers of a byte: the filter that a field is in)
 *      140         (176) n rows: a mask of 2 bytes with flag 1, then each filter's bytes
 *      end      4  CRC-32 (as gzip has it) of all before
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/encodings.h"

static const uint8_t magic[8] = "KITHENC\n";

enum {
  VERSION = 1,
  VERSION_FILTERS = 2,
  FLAG_MASKS = 1,
  FLAG_SCHEMA = 2,
  HEADER_BYTES = 140,
  HEADER_FILTERS_BYTES = KITH_ENCODINGS_HEADER_BYTES_MAX,
  CRC_BYTES = 4,
};

/* zlib takes lengths of 32 bits. */
static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, size_t len)
{
  return (uint32_t)crc32_z(crc, bytes, len);
}

static enum kith_err no_room(enum kith_err err, const char *name, struct kith_fault *fault)
{
  if (err == KITH_ERR_MEMORY)
    return kith_fail(fault, err, "%s: not enough memory for the encodings", name);
  return kith_fail(fault, KITH_ERR_DATA, "%s: rows of 1 to %d bits are possible, at most %lu rows",
                   name, KITH_ENCODINGS_BITS_MAX, (unsigned long)KITH_ENCODINGS_ROWS_MAX);
}

/* ---- kith */

struct kith_header {
  unsigned flags;
  uint64_t n;
  size_t len;                 /* of the header */
  size_t stride;              /* bytes a row, mask included */
  struct kith_encodings like; /* without rows */
};

/* What version 2 has more. */
static enum kith_err parse_filters(struct kith_header *header, const uint8_t *bytes, size_t len,
                                   const char *name, struct kith_fault *fault)
{
  unsigned bits[KITH_ENCODINGS_FILTERS_MAX];
  unsigned n;
  header->len = HEADER_FILTERS_BYTES;
  if (len < HEADER_FILTERS_BYTES + CRC_BYTES)
    return kith_fail(fault, KITH_ERR_DATA, "%s: not a kith encodings file, or cut short", name);
  n = (unsigned)kith_get_le(bytes + 140, 2);
  for (unsigned f = 0; f < KITH_ENCODINGS_FILTERS_MAX; f++)
    bits[f] = (unsigned)kith_get_le(bytes + 144 + 4 * (size_t)f, 4);
  if (n < 2 || n > KITH_ENCODINGS_FILTERS_MAX || kith_get_le(bytes + 142, 2) != 0 ||
      bits[0] != header->like.bits)
    return kith_fail(fault, KITH_ERR_DATA, "%s: wrong filters in the header", name);
  for (unsigned f = 0; f < KITH_ENCODINGS_FILTERS_MAX; f++)
    if (f < n ? bits[f] == 0 || bits[f] > KITH_ENCODINGS_BITS_MAX : bits[f] != 0)
      return kith_fail(fault, KITH_ERR_DATA, "%s: wrong lengths of filters in the header", name);
  kith_encodings_set_filters(&header->like, bits, n);
  memcpy(header->like.field_filters, bytes + 160, sizeof header->like.field_filters);
  return KITH_OK;
}

static enum kith_err parse_header(struct kith_header *header, const uint8_t *bytes, size_t len,
                                  const char *name, struct kith_fault *fault)
{
  *header = (struct kith_header){.len = HEADER_BYTES};
  if (len < HEADER_BYTES + CRC_BYTES || memcmp(bytes, magic, sizeof magic) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: not a kith encodings file, or cut short", name);
  unsigned version = (unsigned)kith_get_le(bytes + 8, 2);
  if (version != VERSION && version != VERSION_FILTERS)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: encodings file of version %u, this kith reads versions 1 and 2", name,
                     version);
  header->flags = (unsigned)kith_get_le(bytes + 10, 2);
  unsigned bits = (unsigned)kith_get_le(bytes + 12, 4);
  header->n = kith_get_le(bytes + 16, 8);
  if (header->flags & ~(unsigned)(FLAG_MASKS | FLAG_SCHEMA) || kith_get_le(bytes + 74, 2) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: unknown flags in the header", name);
  if (bits > KITH_ENCODINGS_BITS_MAX || (bits == 0 && header->n > 0))
    return no_room(KITH_ERR_LIMIT, name, fault);
  kith_encodings_set_filters(&header->like, &bits, 1);
  if (version == VERSION_FILTERS) {
    enum kith_err err = parse_filters(header, bytes, len, name, fault);
    if (err)
      return err;
  }
  header->stride = header->like.stride + (header->flags & FLAG_MASKS ? 2 : 0);
  size_t body = len - header->len - CRC_BYTES;
  if (header->stride == 0 ? body != 0
                          : body % header->stride != 0 || body / header->stride != header->n)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: the header promises %llu rows of %zu bytes, but %zu bytes follow", name,
                     (unsigned long long)header->n, header->stride, body);
  return KITH_OK;
}

static void fill_from_kith(struct kith_encodings *enc, const struct kith_header *header,
                           const uint8_t *bytes)
{
  enc->has_schema = (header->flags & FLAG_SCHEMA) != 0;
  memcpy(enc->schema_hash, bytes + 24, sizeof enc->schema_hash);
  memcpy(enc->key_check, bytes + 56, sizeof enc->key_check);
  enc->n_fields = (unsigned)kith_get_le(bytes + 72, 2);
  for (unsigned f = 0; f < KITH_ENCODINGS_FIELDS_MAX; f++)
    enc->field_weights[f] = (uint32_t)kith_get_le(bytes + 76 + 4 * (size_t)f, 4);
  memcpy(enc->field_filters, header->like.field_filters, sizeof enc->field_filters);
  const uint8_t *at = bytes + header->len;
  for (size_t i = 0; i < enc->n; i++) {
    if (enc->masks) {
      enc->masks[i] = (uint16_t)kith_get_le(at, 2);
      at += 2;
    }
    memcpy(kith_encodings_row(enc, i), at, enc->stride);
    at += enc->stride;
  }
}

enum kith_err kith_encodings_parse_kith(struct kith_encodings *out, const void *bytes, size_t len,
                                        const char *name, struct kith_fault *fault)
{
  struct kith_header header = {0};
  kith_encodings_init(out);
  enum kith_err err = parse_header(&header, bytes, len, name, fault);
  if (err)
    return err;
  struct kith_encodings enc;
  kith_encodings_init(&enc);
  err = kith_encodings_alloc_filters(&enc, header.n, header.like.filter_bits, header.like.n_filters,
                                     (header.flags & FLAG_MASKS) != 0);
  if (err)
    return no_room(err, name, fault);
  fill_from_kith(&enc, &header, bytes);
  err = kith_encodings_check(&enc, name, fault);
  const uint8_t *trailer = (const uint8_t *)bytes + len - CRC_BYTES;
  if (!err && crc_of(0, bytes, len - CRC_BYTES) != kith_get_le(trailer, CRC_BYTES))
    err = kith_fail(fault, KITH_ERR_DATA, "%s: the checksum does not match: the file is damaged",
                    name);
  if (err) {
    kith_encodings_free(&enc);
    return err;
  }
  *out = enc;
  return KITH_OK;
}

static void put_hashed(struct kith_encodings_writer *writer, const uint8_t *bytes, size_t len)
{
  writer->crc = crc_of(writer->crc, bytes, len);
  (void)fwrite(bytes, 1, len, writer->stream); /* kith_encodings_end looks at ferror */
}

void kith_encodings_begin(struct kith_encodings_writer *writer, FILE *stream,
                          const struct kith_encodings *like, bool masked)
{
  bool several = like->n_filters > 1;
  uint8_t *header;

  *writer = (struct kith_encodings_writer){
      .stream = stream, .masked = masked, .stride = like->stride, .header_len = HEADER_BYTES};
  header = writer->header;
  memcpy(header, magic, sizeof magic);
  kith_put_le(header + 8, 2, several ? VERSION_FILTERS : VERSION);
  kith_put_le(header + 10, 2,
              (masked ? (unsigned)FLAG_MASKS : 0u) |
                  (like->has_schema ? (unsigned)FLAG_SCHEMA : 0u));
  kith_put_le(header + 12, 4, like->bits);
  kith_put_le(header + 16, 8, like->n);
  memcpy(header + 24, like->schema_hash, sizeof like->schema_hash);
  memcpy(header + 56, like->key_check, sizeof like->key_check);
  kith_put_le(header + 72, 2, like->n_fields);
  for (unsigned f = 0; f < KITH_ENCODINGS_FIELDS_MAX; f++)
    kith_put_le(header + 76 + 4 * (size_t)f, 4, like->field_weights[f]);
  if (several) {
    writer->header_len = HEADER_FILTERS_BYTES;
    kith_put_le(header + 140, 2, like->n_filters);
    for (unsigned f = 0; f < KITH_ENCODINGS_FILTERS_MAX; f++)
      kith_put_le(header + 144 + 4 * (size_t)f, 4, like->filter_bits[f]);
    memcpy(header + 160, like->field_filters, sizeof like->field_filters);
  }
  (void)fwrite(header, 1, writer->header_len, stream);
}

void kith_encodings_add(struct kith_encodings_writer *writer, const uint8_t *filters,
                        const uint16_t *masks, size_t n)
{
  assert(masks || !writer->masked || n == 0);
  for (size_t i = 0; i < n; i++) {
    uint8_t mask[2];
    if (writer->masked) {
      kith_put_le(mask, sizeof mask, masks[i]);
      put_hashed(writer, mask, sizeof mask);
    }
    put_hashed(writer, filters + i * writer->stride, writer->stride);
  }
  writer->n += n;
}

static uint32_t row_crc(const struct kith_encodings_writer *writer, const uint8_t *filters,
                        uint16_t mask)
{
  uint8_t bytes[2];
  uint32_t crc = 0;

  kith_put_le(bytes, sizeof bytes, mask);
  if (writer->masked)
    crc = crc_of(crc, bytes, sizeof bytes);
  return crc_of(crc, filters, writer->stride);
}

/* A CRC is linear: two contents of one length differ in it by the CRC of their difference, carried
 * on over what follows. So the rows need not be read again. */
void kith_encodings_replace(struct kith_encodings_writer *writer, uint64_t row,
                            const uint8_t *old_filters, uint16_t old_mask, const uint8_t *filters,
                            uint16_t mask)
{
  size_t row_bytes = writer->stride + (writer->masked ? 2 : 0);
  z_off_t after = (z_off_t)((writer->n - row - 1) * row_bytes);
  uint32_t change = row_crc(writer, old_filters, old_mask) ^ row_crc(writer, filters, mask);
  uint8_t bytes[2];

  assert(row < writer->n);
  writer->crc ^= (uint32_t)crc32_combine(change, 0, after);
  if (fseeko(writer->stream, (off_t)(writer->header_len + row * row_bytes), SEEK_SET) != 0) {
    writer->failed = true;
    return;
  }
  kith_put_le(bytes, sizeof bytes, mask);
  if (writer->masked)
    (void)fwrite(bytes, 1, sizeof bytes, writer->stream);
  (void)fwrite(filters, 1, writer->stride, writer->stream);
  writer->failed |= fseeko(writer->stream, 0, SEEK_END) != 0;
}

enum kith_err kith_encodings_end(struct kith_encodings_writer *writer)
{
  size_t body = writer->n * (writer->stride + (writer->masked ? 2 : 0));
  bool known = kith_get_le(writer->header + 16, 8) == writer->n;
  uint8_t trailer[CRC_BYTES];

  kith_put_le(writer->header + 16, 8, writer->n);
  kith_put_le(
      trailer, sizeof trailer,
      crc32_combine(crc_of(0, writer->header, writer->header_len), writer->crc, (z_off_t)body));
  (void)fwrite(trailer, 1, sizeof trailer, writer->stream);
  if (!known && fseeko(writer->stream, 0, SEEK_SET) == 0)
    (void)fwrite(writer->header, 1, writer->header_len, writer->stream);
  else if (!known)
    return KITH_ERR_IO;
  return writer->failed || ferror(writer->stream) ? KITH_ERR_IO : KITH_OK;
}

static enum kith_err print_kith(FILE *stream, const struct kith_encodings *enc)
{
  struct kith_encodings_writer writer;

  kith_encodings_begin(&writer, stream, enc, enc->masks != NULL);
  kith_encodings_add(&writer, enc->filters, enc->masks, enc->n);
  return kith_encodings_end(&writer);
}

/* ---- clkhash */

/* The first row says how long all are. */
static enum kith_err first_row_bytes(size_t *row_bytes, const json_t *clks, const char *name,
                                     struct kith_fault *fault)
{
  const json_t *first = json_array_get(clks, 0);
  size_t len = json_string_length(first); /* 0 for what is no string */
  const char *text = json_string_value(first);
  if (len == 0 || len % 4 != 0 || len / 4 > KITH_ENCODINGS_BITS_MAX / 8 / 3 + 1)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: clks[0]: expected the base64 of 1 to %d bytes as a string", name,
                     KITH_ENCODINGS_BITS_MAX / 8);
  *row_bytes = len / 4 * 3 - (text[len - 1] == '=') - (text[len - 2] == '=');
  return KITH_OK;
}

static enum kith_err fill_from_clks(struct kith_encodings *enc, const json_t *clks,
                                    const char *name, struct kith_fault *fault)
{
  size_t text_len = json_string_length(json_array_get(clks, 0));
  for (size_t i = 0; i < enc->n; i++) {
    const json_t *clk = json_array_get(clks, i);
    if (!json_is_string(clk))
      return kith_fail(fault, KITH_ERR_DATA, "%s: clks[%zu]: expected a string", name, i);
    size_t len = 0;
    if (json_string_length(clk) != text_len ||
        kith_base64_decode_any(kith_encodings_row(enc, i), &len, enc->row_bytes,
                               json_string_value(clk), text_len) ||
        len != enc->row_bytes)
      return kith_fail(fault, KITH_ERR_DATA,
                       "%s: clks[%zu]: expected standard base64 of %zu bytes, as in the first row",
                       name, i, enc->row_bytes);
  }
  return KITH_OK;
}

static enum kith_err encodings_from_clks(struct kith_encodings *enc, const json_t *clks,
                                         const char *name, struct kith_fault *fault)
{
  size_t n = json_array_size(clks);
  size_t row_bytes = 0;
  enum kith_err err = n > 0 ? first_row_bytes(&row_bytes, clks, name, fault) : KITH_OK;
  if (err)
    return err;
  err = kith_encodings_alloc(enc, n, (unsigned)row_bytes * 8, false);
  if (err)
    return no_room(err, name, fault);
  return fill_from_clks(enc, clks, name, fault);
}

enum kith_err kith_encodings_parse_clkhash(struct kith_encodings *out, const void *bytes,
                                           size_t len, const char *name, struct kith_fault *fault)
{
  kith_encodings_init(out);
  json_t *document = NULL;
  enum kith_err err = kith_json_parse(&document, bytes, len, name, fault);
  if (err)
    return err;
  struct kith_encodings enc;
  kith_encodings_init(&enc);
  struct kith_json_reader reader;
  kith_json_begin(&reader, document, name, fault);
  const json_t *clks = kith_json_array(&reader, "clks", 0, KITH_ENCODINGS_ROWS_MAX);
  err = kith_json_done(&reader);
  if (!err)
    err = encodings_from_clks(&enc, clks, name, fault);
  json_decref(document);
  if (err) {
    kith_encodings_free(&enc);
    return err;
  }
  *out = enc;
  return KITH_OK;
}

static enum kith_err print_clkhash(FILE *stream, const struct kith_encodings *enc)
{
  char *text = kith_calloc(KITH_BASE64_BYTES(enc->row_bytes), 1);
  if (!text)
    return KITH_ERR_MEMORY;
  (void)fputs("{\"clks\": [", stream);
  for (size_t i = 0; i < enc->n; i++) {
    kith_base64_encode(text, kith_encodings_row(enc, i), enc->row_bytes);
    (void)fprintf(stream, "%s\"%s\"", i ? ", " : "", text);
  }
  (void)fputs("]}\n", stream);
  kith_free(text);
  return KITH_OK;
}

/* ---- raw */

enum kith_err kith_encodings_parse_raw(struct kith_encodings *out, const void *bytes, size_t len,
                                       unsigned bits, const char *name, struct kith_fault *fault)
{
  kith_encodings_init(out);
  size_t row_bytes = (bits + 7) / 8;
  if (bits == 0 || bits > KITH_ENCODINGS_BITS_MAX)
    return no_room(KITH_ERR_LIMIT, name, fault);
  if (len % row_bytes != 0)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: %zu bytes are not a whole number of rows of %zu bytes (%u bits)", name,
                     len, row_bytes, bits);
  struct kith_encodings enc;
  enum kith_err err = kith_encodings_alloc(&enc, len / row_bytes, bits, false);
  if (err)
    return no_room(err, name, fault);
  if (len > 0)
    memcpy(enc.filters, bytes, len);
  err = kith_encodings_check(&enc, name, fault);
  if (err) {
    kith_encodings_free(&enc);
    return err;
  }
  *out = enc;
  return KITH_OK;
}

/* ---- files */

/* Reads to the end through zlib, which passes plain files on as they are. */
static enum kith_err read_stream(uint8_t **out, size_t *out_len, gzFile file, size_t guess,
                                 const char *path, struct kith_fault *fault)
{
  size_t cap = guess + 1;
  size_t len = 0;
  uint8_t *bytes = kith_calloc(cap, 1);
  enum kith_err err = bytes ? KITH_OK : KITH_ERR_MEMORY;
  while (!err) {
    if (len == cap) {
      cap = cap < KITH_ENCODINGS_FILE_BYTES_MAX / 2 ? cap * 2 : KITH_ENCODINGS_FILE_BYTES_MAX + 1;
      uint8_t *larger = kith_realloc(bytes, cap, 1);
      if (!larger) {
        err = KITH_ERR_MEMORY;
        break;
      }
      bytes = larger;
    }
    unsigned want = cap - len < (1u << 26) ? (unsigned)(cap - len) : 1u << 26;
    int got = gzread(file, bytes + len, want);
    if (got < 0)
      err = kith_fail(fault, KITH_ERR_DATA, "%s: can't be read or is damaged", path);
    if (got <= 0)
      break;
    len += (size_t)got;
    if (len > KITH_ENCODINGS_FILE_BYTES_MAX)
      err = kith_fail(fault, KITH_ERR_LIMIT, "%s: more than %zu bytes", path,
                      KITH_ENCODINGS_FILE_BYTES_MAX);
  }
  int status = Z_OK;
  if (!err)
    (void)gzerror(file, &status);
  if (status != Z_OK && status != Z_STREAM_END) /* Z_BUF_ERROR: gzip data that ends too early */
    err = kith_fail(fault, KITH_ERR_DATA, "%s: can't be read, is cut short or damaged", path);
  if (err) {
    if (err == KITH_ERR_MEMORY)
      err = kith_fail(fault, err, "%s: not enough memory to read it", path);
    kith_free(bytes);
    return err;
  }
  *out = bytes;
  *out_len = len;
  return KITH_OK;
}

static enum kith_err read_file(uint8_t **out, size_t *len, const char *path,
                               struct kith_fault *fault)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: %s", path, strerror(errno));
  struct stat status;
  enum kith_err err = KITH_OK;
  if (fstat(fd, &status) != 0)
    err = kith_fail(fault, KITH_ERR_IO, "%s: %s", path, strerror(errno));
  else if (S_ISDIR(status.st_mode))
    err = kith_fail(fault, KITH_ERR_NO_INPUT, "%s: is a directory", path);
  else if (status.st_size > 0 && (uint64_t)status.st_size > KITH_ENCODINGS_FILE_BYTES_MAX)
    err = kith_fail(fault, KITH_ERR_LIMIT, "%s: more than %zu bytes", path,
                    KITH_ENCODINGS_FILE_BYTES_MAX);
  gzFile file = err ? NULL : gzdopen(fd, "rb");
  if (!file) {
    (void)close(fd);
    return err ? err : kith_fail(fault, KITH_ERR_MEMORY, "%s: not enough memory to read it", path);
  }
  (void)gzbuffer(file, 1u << 18);
  err = read_stream(out, len, file, (size_t)status.st_size, path, fault);
  (void)gzclose_r(file); /* reading: gzerror has been asked */
  return err;
}

enum kith_err kith_encodings_read(struct kith_encodings *out, const char *path,
                                  enum kith_encodings_format format, unsigned bits,
                                  struct kith_fault *fault)
{
  kith_encodings_init(out);
  uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = read_file(&bytes, &len, path, fault);
  if (err)
    return err;
  if (format == KITH_ENCODINGS_DETECT) {
    if (len >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0)
      format = KITH_ENCODINGS_KITH;
    else
      format = bits ? KITH_ENCODINGS_RAW : KITH_ENCODINGS_CLKHASH;
  }
  if (format == KITH_ENCODINGS_KITH)
    err = kith_encodings_parse_kith(out, bytes, len, path, fault);
  else if (format == KITH_ENCODINGS_RAW)
    err = kith_encodings_parse_raw(out, bytes, len, bits, path, fault);
  else
    err = kith_encodings_parse_clkhash(out, bytes, len, path, fault);
  kith_free(bytes);
  if (!err && bits && out->n > 0 && out->bits != bits) {
    err = kith_fail(fault, KITH_ERR_DATA, "%s: rows of %u bits, but %u were asked for", path,
                    out->bits, bits);
    kith_encodings_free(out);
  }
  return err;
}

enum kith_err kith_encodings_print(FILE *stream, const struct kith_encodings *enc,
                                   enum kith_encodings_format format)
{
  enum kith_err err = KITH_OK;
  if (format == KITH_ENCODINGS_CLKHASH)
    err = print_clkhash(stream, enc);
  else if (format == KITH_ENCODINGS_RAW)
    for (size_t i = 0; i < enc->n; i++)
      (void)fwrite(kith_encodings_row(enc, i), 1, enc->row_bytes, stream);
  else
    err = print_kith(stream, enc);
  if (!err && ferror(stream))
    err = KITH_ERR_IO;
  return err;
}

enum kith_err kith_encodings_write(const char *path, const struct kith_encodings *enc,
                                   enum kith_encodings_format format, struct kith_fault *fault)
{
  struct kith_file_out *file = NULL;
  enum kith_err err = kith_file_out_new(&file, path, 0600, fault);
  if (err)
    return err;
  err = kith_encodings_print(kith_file_out_stream(file), enc, format);
  if (err == KITH_ERR_MEMORY)
    err = kith_fail(fault, err, "%s: not enough memory to write it", path);
  else /* a failed write is found, with its cause, by the commit */
    err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  return err;
}
