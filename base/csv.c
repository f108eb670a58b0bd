#include "base/csv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/csv_parse.h"
#include "base/mem.h"
#include "base/textfile.h"

enum { FIELD_BYTES = 64 * 1024, ROW_BYTES = 1024 * 1024, COLUMNS = 1024 };

struct kith_csv {
  char *path;
  struct kith_textfile *file;
  struct kith_csv_parser parser;
  bool at_end;   /* of the file */
  uint8_t *tail; /* read, and not given yet */
  size_t tail_len;
  size_t tail_cap;
  enum kith_err err; /* sticky */

  char **header; /* NULL until it is read */
  size_t n_header;
  bool same_names;
  bool names_shown; /* the header looks like names of columns, not like somebody's record */

  struct kith_csv_block *block; /* of kith_csv_next */
  size_t n_given;               /* of the block's rows */
  double share_before;          /* of the file, read before the block */
  double share_with;            /* and with it */
};

/* ---- errors */

const char *kith_csv_problem_text(enum kith_csv_problem problem)
{
  static const char *const texts[] = {
      [KITH_CSV_FINE] = "fine",
      [KITH_CSV_RAGGED] = "more or fewer fields than the header",
      [KITH_CSV_BAD_TEXT] = "not UTF-8",
      [KITH_CSV_MARK] = "a byte order mark inside the file; expected one file, not several in one",
      [KITH_CSV_NUL] = "the field has a NUL byte; expected UTF-8 text (is it UTF-16?)",
      [KITH_CSV_QUOTE] = "a quote out of place; expected them around all of a field, \"\" in it",
      [KITH_CSV_QUOTE_OPEN] = "a quote opens here and is not closed; in a field it is \"\"",
      [KITH_CSV_LONG_FIELD] = "the field is longer than the limit",
      [KITH_CSV_LONG_ROW] = "the row is longer than the limit",
      [KITH_CSV_MANY_COLUMNS] = "the row has more columns than the limit",
  };

  return texts[problem];
}

enum { PLACE_BYTES = 160 };

/* "row 3 (line 5), column 2 (born)" */
static void place_write(char out[PLACE_BYTES], const struct kith_csv *csv,
                        const struct kith_csv_row *row)
{
  int len = snprintf(out, PLACE_BYTES, "row %llu", (unsigned long long)row->row);

  if (row->line != row->row)
    len += snprintf(out + len, (size_t)(PLACE_BYTES - len), " (line %llu)",
                    (unsigned long long)row->line);
  if (row->problem == KITH_CSV_RAGGED)
    return;
  len += snprintf(out + len, (size_t)(PLACE_BYTES - len), ", column %u", row->bad_column + 1);
  if (csv->names_shown && row->bad_column < csv->n_header && *csv->header[row->bad_column])
    (void)snprintf(out + len, (size_t)(PLACE_BYTES - len), " (%.64s)",
                   csv->header[row->bad_column]);
}

enum kith_err kith_csv_refuse(const struct kith_csv *csv, const struct kith_csv_row *row,
                              struct kith_fault *fault)
{
  char place[PLACE_BYTES];

  place_write(place, csv, row);
  if (row->problem == KITH_CSV_RAGGED)
    return kith_fail(fault, KITH_ERR_DATA, "%s: %s: %s; expected %zu fields, found %zu", csv->path,
                     place, kith_csv_problem_text(row->problem), csv->n_header, row->n_fields);
  return kith_fail(fault, KITH_ERR_DATA, "%s: %s: %s", csv->path, place,
                   kith_csv_problem_text(row->problem));
}

/* ---- reading */

/* More text for a block whose rows are not whole. */
static enum kith_err block_more(struct kith_csv *csv, struct kith_csv_block *block,
                                struct kith_fault *fault)
{
  size_t got = 0;
  enum kith_err err = KITH_OK;

  if (block->at > 0) {
    block->len -= block->at;
    memmove(block->text, block->text + block->at, block->len);
    block->at = 0;
    block->scanned = 0;
  }
  if (block->len > block->cap / 2)
    err = kith_csv_block_grow(block, 2 * block->cap);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: no memory for a row", csv->path);
  err =
      kith_textfile_read(csv->file, block->text + block->len, block->cap - block->len, &got, fault);
  if (err != KITH_OK)
    return err;
  block->len += got;
  csv->at_end = got == 0;
  return KITH_OK;
}

/* Keeps the text that is no row yet for the next block. */
static enum kith_err tail_keep(struct kith_csv *csv, const struct kith_csv_block *block,
                               struct kith_fault *fault)
{
  const size_t len = block->len - block->at;

  if (len > csv->tail_cap) {
    uint8_t *tail = kith_realloc(csv->tail, len, 1);

    if (!tail)
      return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory for a row", csv->path);
    csv->tail = tail;
    csv->tail_cap = len;
  }
  if (len)
    memcpy(csv->tail, block->text + block->at, len);
  csv->tail_len = len;
  return KITH_OK;
}

static enum kith_err block_fill(struct kith_csv *csv, struct kith_csv_block *block, size_t rows_max,
                                struct kith_fault *fault)
{
  enum kith_err err;

  kith_csv_block_clear(block);
  csv->share_before = csv->share_with;
  err = kith_csv_block_grow(block, csv->tail_len);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: no memory for a row", csv->path);
  if (csv->tail_len)
    memcpy(block->text, csv->tail, csv->tail_len);
  block->len = csv->tail_len;
  for (;;) {
    kith_csv_parse(&csv->parser, block, rows_max, !csv->at_end);
    if (block->n_rows > 0) {
      csv->share_with = kith_textfile_share(csv->file);
      return tail_keep(csv, block, fault);
    }
    if (csv->at_end)
      return KITH_ERR_NOT_FOUND;
    err = block_more(csv, block, fault);
    if (err != KITH_OK)
      return err;
  }
}

enum kith_err kith_csv_read(struct kith_csv *csv, struct kith_csv_block *block,
                            struct kith_fault *fault)
{
  if (csv->err == KITH_ERR_NOT_FOUND)
    return csv->err;
  if (csv->err != KITH_OK)
    return kith_fail(fault, csv->err, "%s: not read on after an error", csv->path);
  csv->err = block_fill(csv, block, KITH_CSV_ROWS_MAX, fault);
  return csv->err;
}

enum kith_err kith_csv_next(struct kith_csv *csv, struct kith_csv_row *row,
                            struct kith_fault *fault)
{
  if (csv->n_given == csv->block->n_rows) {
    enum kith_err err = kith_csv_read(csv, csv->block, fault);

    csv->n_given = 0;
    if (err != KITH_OK) {
      csv->block->n_rows = 0;
      return err;
    }
  }
  *row = csv->block->rows[csv->n_given++];
  return KITH_OK;
}

double kith_csv_share(const struct kith_csv *csv)
{
  const double given = csv->block->n_rows ? (double)csv->n_given / (double)csv->block->n_rows : 1;

  return csv->share_before + given * (csv->share_with - csv->share_before);
}

/* ---- opening */

/* Names of columns begin with a letter; a record has numbers, dates or gaps. Where the header
 * may be a record its words are kept out of messages. */
static bool looks_like_names(char *const *header, size_t n)
{
  bool any = false;

  for (size_t i = 0; i < n; i++) {
    if (*header[i] && !isalpha((unsigned char)header[i][0]) && header[i][0] != '_')
      return false;
    any |= *header[i] != '\0';
  }
  return any;
}

static enum kith_err header_check(struct kith_csv *csv, struct kith_fault *fault)
{
  bool named = false;

  for (size_t i = 0; i < csv->n_header; i++) {
    for (size_t j = 0; j < i && *csv->header[i] && !csv->same_names; j++) {
      if (strcmp(csv->header[i], csv->header[j]) == 0)
        return kith_fail(fault, KITH_ERR_DATA,
                         "%s: row 1: columns %zu and %zu have the same name; expected a header "
                         "with a name of its own for each column",
                         csv->path, j + 1, i + 1);
    }
    named |= *csv->header[i] != '\0';
  }
  if (!named)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: row 1 has no names; expected a header with a name for each column",
                     csv->path);
  csv->names_shown = looks_like_names(csv->header, csv->n_header);
  return KITH_OK;
}

static enum kith_err header_copy(struct kith_csv *csv, const struct kith_csv_row *row,
                                 struct kith_fault *fault)
{
  csv->header = KITH_NEW_ARRAY(char *, row->n_fields);
  if (!csv->header)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", csv->path);
  for (size_t i = 0; i < row->n_fields; i++) {
    csv->header[i] = kith_strndup(row->fields[i], row->lens[i]);
    if (!csv->header[i])
      return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", csv->path);
    csv->n_header = i + 1;
  }
  csv->parser.n_header = csv->n_header;
  return header_check(csv, fault);
}

static enum kith_err header_read(struct kith_csv *csv, struct kith_fault *fault)
{
  enum kith_err err = block_fill(csv, csv->block, 1, fault);
  const struct kith_csv_row *row = csv->block->rows;

  csv->n_given = csv->block->n_rows;
  if (err == KITH_ERR_NOT_FOUND)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is empty; expected a header row", csv->path);
  if (err != KITH_OK)
    return err;
  if (row->problem != KITH_CSV_FINE)
    return kith_csv_refuse(csv, row, fault);
  if (row->n_fields == 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: row 1 is blank; expected a header row", csv->path);
  return header_copy(csv, row, fault);
}

/* A line "sep=;" says itself what parts fields, as Excel does, and is passed over. */
static bool delimiter_said(struct kith_csv *csv)
{
  const uint8_t *at = csv->tail;

  if (csv->tail_len < 6 || strncasecmp((const char *)at, "sep=", 4) != 0 ||
      (at[5] != '\r' && at[5] != '\n') || at[4] == '"' || (at[4] != '\t' && !ispunct(at[4])))
    return false;
  csv->parser.delimiter = (char)at[4];
  csv->parser.line++;
  csv->parser.lf_pending = at[5] == '\r';
  csv->tail_len -= 6;
  memmove(csv->tail, csv->tail + 6, csv->tail_len);
  return true;
}

/* What parts the fields of the first line: the commonest of the usual ones, a comma if there is
 * none. */
static void delimiter_find(struct kith_csv *csv)
{
  static const char usual[] = {',', ';', '\t', '|'};
  const char *at = (const char *)csv->tail;
  size_t n[sizeof usual] = {0};
  bool quoted = false;

  for (size_t i = 0; i < csv->tail_len && (quoted || (at[i] != '\n' && at[i] != '\r')); i++) {
    quoted ^= at[i] == '"';
    for (size_t d = 0; d < sizeof usual && !quoted; d++)
      n[d] += at[i] == usual[d];
  }
  for (size_t d = 0, best = 0; d < sizeof usual; d++) {
    if (n[d] > best) {
      best = n[d];
      csv->parser.delimiter = usual[d];
    }
  }
}

static enum kith_err text_open(struct kith_csv *csv, bool detect, struct kith_fault *fault)
{
  enum kith_err err = kith_csv_block_make(&csv->block, csv->parser.max_columns);

  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: no memory", csv->path);
  err = kith_textfile_open(&csv->file, csv->path, detect, fault);
  if (err == KITH_OK)
    err = block_more(csv, csv->block, fault);
  if (err == KITH_OK)
    err = tail_keep(csv, csv->block, fault);
  if (err == KITH_OK && detect && !delimiter_said(csv))
    delimiter_find(csv);
  return err;
}

enum kith_err kith_csv_open(struct kith_csv **out, const char *path,
                            const struct kith_csv_limits *limits, struct kith_fault *fault)
{
  const struct kith_csv_limits none = {0};
  struct kith_csv *csv = KITH_NEW(struct kith_csv);
  enum kith_err err;

  if (!limits)
    limits = &none;
  if (!csv)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  csv->parser = (struct kith_csv_parser){
      .delimiter = ',',
      .max_field_bytes = limits->max_field_bytes ? limits->max_field_bytes : FIELD_BYTES,
      .max_row_bytes = limits->max_row_bytes ? limits->max_row_bytes : ROW_BYTES,
      .max_columns = limits->max_columns ? limits->max_columns : COLUMNS,
      .line = 1};
  csv->same_names = limits->same_names;
  csv->path = kith_strdup(path);
  err = csv->path ? text_open(csv, limits->detect, fault)
                  : kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  if (err == KITH_OK)
    err = header_read(csv, fault);
  if (err != KITH_OK) {
    kith_csv_free(csv);
    return err;
  }
  *out = csv;
  return KITH_OK;
}

enum kith_err kith_csv_block_new(struct kith_csv_block **out, const struct kith_csv *csv)
{
  return kith_csv_block_make(out, csv->parser.max_columns);
}

/* ---- what is known */

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
  return csv->parser.delimiter;
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
  kith_csv_block_free(csv->block);
  kith_textfile_free(csv->file);
  kith_free(csv->tail);
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
