#include "base/csv.h"

#include <csv.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/textfile.h"

enum { CHUNK_BYTES = 64 * 1024, FIELD_BLOCK_BYTES = 1024 };

struct kith_csv {
  char *path;
  struct kith_textfile *file;
  char delimiter;
  struct csv_parser parser;
  bool parser_ready;
  size_t max_field_bytes;
  size_t max_columns;

  uint8_t *chunk; /* CHUNK_BYTES; [chunk_at, chunk_len) are still to be parsed */
  size_t chunk_at;
  size_t chunk_len;
  bool at_end;

  /* The row that is being read: fields one after the other, each with a terminator. */
  struct kith_buf text;
  size_t *lens; /* max_columns of them */
  size_t n_fields;
  uint64_t row;   /* of the row being read, then of the row given */
  bool row_ready; /* the fields are a whole row */
  int last_end;   /* the character that ended the last line */
  const char **fields;

  char **header; /* NULL until it is read */
  size_t n_header;
  bool names_shown; /* the header looks like names of columns, not like somebody's record */

  enum kith_err err; /* sticky: from a callback, which can't return one */
  const char *problem;
};

/* ---- callbacks of libcsv */

static void refuse(struct kith_csv *csv, enum kith_err err, const char *problem)
{
  if (csv->err == KITH_OK) {
    csv->err = err;
    csv->problem = problem;
  }
}

static const char too_long[] =
    "the field is longer than the limit (a quote that is never closed, perhaps)";

static void field_end(void *bytes, size_t len, void *context)
{
  struct kith_csv *csv = context;

  if (csv->err != KITH_OK)
    return;
  if (csv->n_fields == csv->max_columns) {
    refuse(csv, KITH_ERR_LIMIT, "the row has more columns than the limit");
    return;
  }
  if (len > csv->max_field_bytes) {
    refuse(csv, KITH_ERR_LIMIT, too_long);
    return;
  }
  if (len && memchr(bytes, 0, len)) {
    refuse(csv, KITH_ERR_DATA, "the field has a NUL byte; expected UTF-8 text (is it UTF-16?)");
    return;
  }
  kith_buf_append(&csv->text, bytes, len);
  kith_buf_append(&csv->text, "", 1);
  if (kith_buf_err(&csv->text) != KITH_OK) {
    refuse(csv, kith_buf_err(&csv->text), "no memory for the row");
    return;
  }
  csv->lens[csv->n_fields++] = len;
}

/* Called at each line's end, blank lines included, which count as rows: a spreadsheet shows
 * them. The "\n" of "\r\n" ends no second line. */
static void line_end(int character, void *context)
{
  struct kith_csv *csv = context;
  bool second_half = character == CSV_LF && csv->last_end == CSV_CR && csv->n_fields == 0;

  csv->last_end = second_half ? 0 : character;
  if (second_half)
    return;
  /* In a file of one column a blank line is a row with an empty field. */
  if (csv->n_fields == 0 && csv->n_header == 1 && character != -1)
    field_end(NULL, 0, csv);
  csv->row++;
  /* A blank first line is given too: it is a missing header. */
  csv->row_ready = csv->n_fields > 0 || !csv->header || csv->err != KITH_OK;
}

/* RFC 4180: "spaces are considered part of a field". */
static int no_space(unsigned char character)
{
  (void)character;
  return 0;
}

static void *parser_realloc(void *block, size_t size)
{
  return kith_realloc(block, size, 1);
}

/* ---- errors */

/* The row that is being read, for messages, and how many of its fields are complete. */
static enum kith_err fail_here(const struct kith_csv *csv, struct kith_fault *fault,
                               enum kith_err err, const char *problem)
{
  unsigned long long row = csv->row + (csv->row_ready ? 0 : 1);
  size_t column = csv->n_fields;

  if (csv->names_shown && column < csv->n_header)
    return kith_fail(fault, err, "%s: row %llu, column %zu (%.64s): %s", csv->path, row, column + 1,
                     csv->header[column], problem);
  return kith_fail(fault, err, "%s: row %llu, column %zu: %s", csv->path, row, column + 1, problem);
}

static enum kith_err fail_parser(const struct kith_csv *csv, struct kith_fault *fault)
{
  if (csv_error((struct csv_parser *)&csv->parser) == CSV_EPARSE)
    return fail_here(csv, fault, KITH_ERR_DATA,
                     "a quote out of place; expected quotes around the whole field, and \"\" for "
                     "a quote in it");
  return fail_here(csv, fault, KITH_ERR_MEMORY, "no memory for the field");
}

/* ---- reading */

static enum kith_err chunk_read(struct kith_csv *csv, struct kith_fault *fault)
{
  enum kith_err err;

  csv->chunk_at = 0;
  csv->chunk_len = 0;
  err = kith_textfile_read(csv->file, csv->chunk, CHUNK_BYTES, &csv->chunk_len, fault);
  if (err == KITH_ERR_DATA)
    return kith_fail(fault, err, "%s: after row %llu: the gzip file is damaged or was cut",
                     csv->path, (unsigned long long)csv->row);
  csv->at_end = err == KITH_OK && csv->chunk_len == 0;
  return err;
}

/* Bytes up to and with the next line end, so that a call of libcsv ends one row at most. */
static size_t piece_len(const struct kith_csv *csv)
{
  const uint8_t *at = csv->chunk + csv->chunk_at;
  size_t len = csv->chunk_len - csv->chunk_at;
  const uint8_t *end = memchr(at, CSV_LF, len);

  if (end)
    len = (size_t)(end - at) + 1;
  end = memchr(at, CSV_CR, len);
  return end ? (size_t)(end - at) + 1 : len;
}

static enum kith_err piece_parse(struct kith_csv *csv, struct kith_fault *fault)
{
  size_t len = piece_len(csv);
  size_t done = csv_parse(&csv->parser, csv->chunk + csv->chunk_at, len, field_end, line_end, csv);

  if (csv->err != KITH_OK)
    return fail_here(csv, fault, csv->err, csv->problem);
  if (done != len)
    return fail_parser(csv, fault);
  /* A field that is not at its end yet is bounded here. */
  if (!csv->row_ready && csv->parser.entry_pos > csv->max_field_bytes)
    return fail_here(csv, fault, KITH_ERR_LIMIT, too_long);
  csv->chunk_at += len;
  return KITH_OK;
}

static enum kith_err last_piece(struct kith_csv *csv, struct kith_fault *fault)
{
  if (csv_fini(&csv->parser, field_end, line_end, csv) != 0)
    return fail_here(csv, fault, KITH_ERR_DATA, "the file ends inside a quoted field");
  if (csv->err != KITH_OK)
    return fail_here(csv, fault, csv->err, csv->problem);
  return csv->row_ready ? KITH_OK : KITH_ERR_NOT_FOUND;
}

/* Reads until a row is complete. */
static enum kith_err row_read(struct kith_csv *csv, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  csv->row_ready = false;
  csv->n_fields = 0;
  kith_buf_clear(&csv->text);
  while (err == KITH_OK && !csv->row_ready) {
    if (csv->at_end)
      return KITH_ERR_NOT_FOUND;
    if (csv->chunk_at < csv->chunk_len) {
      err = piece_parse(csv, fault);
      continue;
    }
    err = chunk_read(csv, fault);
    if (err == KITH_OK && csv->at_end)
      err = last_piece(csv, fault);
  }
  return err;
}

enum kith_err kith_csv_next(struct kith_csv *csv, struct kith_csv_row *row,
                            struct kith_fault *fault)
{
  const char *at;
  enum kith_err err = csv->err;

  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: not read on after an error", csv->path);
  err = row_read(csv, fault);
  if (err != KITH_OK) {
    if (err != KITH_ERR_NOT_FOUND)
      csv->err = err;
    return err;
  }
  *row = (struct kith_csv_row){.fields = csv->fields,
                               .lens = csv->lens,
                               .n_fields = csv->n_fields,
                               .row = csv->row,
                               .ragged = csv->n_fields != csv->n_header};
  at = (const char *)csv->text.bytes;
  for (size_t i = 0; i < csv->n_fields; i++) {
    csv->fields[i] = at;
    if (!row->bad_text && !kith_utf8_valid(at, csv->lens[i])) {
      row->bad_text = true;
      row->bad_column = i;
    }
    at += csv->lens[i] + 1;
  }
  return KITH_OK;
}

/* ---- opening */

/* Names of columns begin with a letter; a record has numbers, dates or gaps. Where the header
 * may be a record its words are kept out of messages. */
static bool looks_like_names(char *const *header, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (!isalpha((unsigned char)header[i][0]) && header[i][0] != '_')
      return false;
  }
  return true;
}

static enum kith_err header_check(struct kith_csv *csv, struct kith_fault *fault)
{
  for (size_t i = 0; i < csv->n_header; i++) {
    if (!kith_utf8_valid(csv->header[i], strlen(csv->header[i])))
      return kith_fail(fault, KITH_ERR_DATA,
                       "%s: row 1, column %zu: the column's name is not UTF-8 text", csv->path,
                       i + 1);
    for (size_t j = 0; j < i; j++) {
      if (strcmp(csv->header[i], csv->header[j]) == 0)
        return kith_fail(fault, KITH_ERR_DATA,
                         "%s: row 1: columns %zu and %zu have the same name; expected a header "
                         "with a name of its own for each column",
                         csv->path, j + 1, i + 1);
    }
  }
  csv->names_shown = looks_like_names(csv->header, csv->n_header);
  return KITH_OK;
}

static enum kith_err header_read(struct kith_csv *csv, struct kith_fault *fault)
{
  const char *at;
  enum kith_err err = row_read(csv, fault);

  if (err == KITH_ERR_NOT_FOUND)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is empty; expected a header row", csv->path);
  if (err != KITH_OK)
    return err;
  if (csv->n_fields == 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: row 1 is blank; expected a header row", csv->path);
  csv->header = KITH_NEW_ARRAY(char *, csv->n_fields);
  if (!csv->header)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", csv->path);
  at = (const char *)csv->text.bytes;
  for (size_t i = 0; i < csv->n_fields; i++) {
    csv->header[i] = kith_strdup(at);
    if (!csv->header[i])
      return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", csv->path);
    csv->n_header = i + 1;
    at += csv->lens[i] + 1;
  }
  return header_check(csv, fault);
}

/* What parts the fields of the first line: the commonest of the usual ones, a comma if there is
 * none. A line "sep=;" says so itself, as Excel does, and is passed over. */
static void delimiter_find(struct kith_csv *csv)
{
  static const char usual[] = {',', ';', '\t', '|'};
  const char *at = (const char *)csv->chunk;
  size_t n[sizeof usual] = {0};
  bool quoted = false;

  if (csv->chunk_len > 5 && strncasecmp(at, "sep=", 4) == 0 && (at[5] == '\r' || at[5] == '\n')) {
    csv->delimiter = at[4];
    csv->chunk_at = csv->chunk_len > 6 && at[5] == '\r' && at[6] == '\n' ? 7 : 6;
    return;
  }
  for (size_t i = 0; i < csv->chunk_len && (quoted || (at[i] != '\n' && at[i] != '\r')); i++) {
    quoted ^= at[i] == '"';
    for (size_t d = 0; d < sizeof usual && !quoted; d++)
      n[d] += at[i] == usual[d];
  }
  for (size_t d = 0, best = 0; d < sizeof usual; d++) {
    if (n[d] > best) {
      best = n[d];
      csv->delimiter = usual[d];
    }
  }
}

static enum kith_err parser_make(struct kith_csv *csv, struct kith_fault *fault)
{
  csv->chunk = kith_calloc(CHUNK_BYTES, 1);
  csv->lens = KITH_NEW_ARRAY(size_t, csv->max_columns);
  csv->fields = KITH_NEW_ARRAY(const char *, csv->max_columns);
  if (!csv->chunk || !csv->lens || !csv->fields ||
      csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", csv->path);
  csv->parser_ready = true;
  csv_set_space_func(&csv->parser, no_space);
  csv_set_realloc_func(&csv->parser, parser_realloc);
  csv_set_free_func(&csv->parser, kith_free);
  csv_set_blk_size(&csv->parser, FIELD_BLOCK_BYTES);
  return KITH_OK;
}

enum kith_err kith_csv_open(struct kith_csv **out, const char *path,
                            const struct kith_csv_limits *limits, struct kith_fault *fault)
{
  const bool detect = limits && limits->detect;
  enum kith_err err;
  struct kith_csv *csv = KITH_NEW(struct kith_csv);

  if (!csv)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  csv->max_field_bytes = limits && limits->max_field_bytes ? limits->max_field_bytes : 64 * 1024;
  csv->max_columns = limits && limits->max_columns ? limits->max_columns : 1024;
  csv->path = kith_strdup(path);
  err = csv->path ? parser_make(csv, fault) : kith_fail(fault, KITH_ERR_MEMORY, "no memory");
  if (err == KITH_OK)
    err = kith_textfile_open(&csv->file, csv->path, detect, fault);
  if (err == KITH_OK)
    err = chunk_read(csv, fault);
  if (err != KITH_OK)
    goto fail;
  csv->delimiter = ',';
  if (detect)
    delimiter_find(csv);
  csv_set_delim(&csv->parser, (unsigned char)csv->delimiter);
  err = header_read(csv, fault);
  if (err != KITH_OK)
    goto fail;
  *out = csv;
  return KITH_OK;
fail:
  kith_csv_free(csv);
  return err;
}

const char *const *kith_csv_header(const struct kith_csv *csv, size_t *n_columns)
{
  *n_columns = csv->n_header;
  return (const char *const *)csv->header;
}

const char *kith_csv_charset(const struct kith_csv *csv)
{
  return kith_textfile_charset(csv->file);
}

char kith_csv_delimiter(const struct kith_csv *csv)
{
  return csv->delimiter;
}

size_t kith_csv_column(const struct kith_csv *csv, const char *name)
{
  for (size_t i = 0; i < csv->n_header; i++) {
    if (strcmp(csv->header[i], name) == 0)
      return i;
  }
  return SIZE_MAX;
}

void kith_csv_free(struct kith_csv *csv)
{
  if (!csv)
    return;
  for (size_t i = 0; i < csv->n_header; i++)
    kith_free(csv->header[i]);
  kith_free(csv->header);
  if (csv->parser_ready)
    csv_free(&csv->parser);
  kith_textfile_free(csv->file);
  kith_buf_free(&csv->text);
  kith_free(csv->chunk);
  kith_free(csv->lens);
  kith_free(csv->fields);
  kith_free(csv->path);
  kith_free(csv);
}

/* ---- writing */

void kith_csv_write_field(FILE *stream, const char *field)
{
  if (!strpbrk(field, ",\"\r\n")) {
    fputs(field, stream);
    return;
  }
  putc('"', stream);
  for (; *field != '\0'; field++) {
    if (*field == '"')
      putc('"', stream);
    putc(*field, stream);
  }
  putc('"', stream);
}
