/* What tests hold the CSV reader against: the rules of base/csv.h once more, byte by byte over a
 * text that is all there, with no thought of speed. And the reader's parser, fed piece by piece.
 * Both write their rows as one text, a line each:
 *
 *   ROW (LINE) PROBLEM@COLUMN <field><field>... */
#ifndef KITH_TESTS_UNIT_CSV_ORACLE_H
#define KITH_TESTS_UNIT_CSV_ORACLE_H

#include <string.h>

#include "base/buf.h"
#include "base/csv_parse.h"
#include "base/text.h"

struct oracle {
  const struct kith_csv_parser *rules; /* only its limits, delimiter and columns */
  const uint8_t *text;
  size_t len;
  size_t n_header;
  bool after_quote;
  /* Of a row: */
  size_t begin;
  size_t at;
  size_t n;
  size_t lines; /* line ends so far */
  size_t field_lines;
  enum kith_csv_problem problem;
  size_t column;
  bool stray;
  size_t stray_column;
  bool text_bad;
  size_t text_column;
  struct kith_buf fields;
};

static inline bool oracle_line_end(const struct oracle *o, size_t at)
{
  return at < o->len && (o->text[at] == '\n' || o->text[at] == '\r');
}

static inline void oracle_problem(struct oracle *o, enum kith_csv_problem problem, size_t column)
{
  if (o->problem == KITH_CSV_FINE) {
    o->problem = problem;
    o->column = column;
  }
}

/* The row ends with the line of `at`. */
static inline bool oracle_cut(struct oracle *o, enum kith_csv_problem problem, size_t at)
{
  o->problem = problem;
  o->column = o->n;
  for (o->at = at; o->at < o->len && !oracle_line_end(o, o->at);)
    o->at++;
  return false;
}

static inline void oracle_field(struct oracle *o, const struct kith_buf *field, size_t raw_len)
{
  if (o->n >= o->rules->max_columns)
    oracle_problem(o, KITH_CSV_MANY_COLUMNS, o->n);
  if (raw_len > o->rules->max_field_bytes)
    oracle_problem(o, KITH_CSV_LONG_FIELD, o->n);
  if (!o->text_bad && !kith_utf8_valid((const char *)field->bytes, field->len)) {
    o->text_bad = true;
    o->text_column = o->n;
  }
  kith_buf_append_string(&o->fields, "<");
  if (field->len)
    kith_buf_append(&o->fields, field->bytes, field->len);
  kith_buf_append_string(&o->fields, ">");
  o->n++;
}

/* Whether each line of [begin, end), taken alone, has as many delimiters as the header. */
static inline bool oracle_like_rows(const struct oracle *o, size_t quote)
{
  size_t begin = quote;
  size_t parts = 0;
  size_t lines = 0;

  while (begin > o->begin && !oracle_line_end(o, begin - 1))
    begin--;
  for (size_t i = begin; i <= o->at && lines < KITH_CSV_LINES_LIKE_ROWS; i++) {
    parts += o->text[i] == (uint8_t)o->rules->delimiter;
    if (!oracle_line_end(o, i) || (o->text[i] == '\r' && i + 1 < o->len && o->text[i + 1] == '\n'))
      continue;
    if (parts + 1 != o->n_header)
      return false;
    parts = 0;
    lines++;
  }
  return o->n_header >= 2 && lines == KITH_CSV_LINES_LIKE_ROWS;
}

/* False: the row was cut. */
static inline bool oracle_quoted(struct oracle *o)
{
  const size_t quote = o->at++;
  struct kith_buf field = {0};
  bool closed = false;

  o->field_lines = o->lines;
  for (; !closed; o->at++) {
    uint8_t byte = o->at < o->len ? o->text[o->at] : 0;

    if (o->at - o->begin >= o->rules->max_row_bytes || o->at >= o->len ||
        (oracle_line_end(o, o->at) && oracle_like_rows(o, quote))) {
      kith_buf_free(&field);
      o->lines = o->field_lines;
      return oracle_cut(o, KITH_CSV_QUOTE_OPEN, quote);
    }
    if (byte == '"' && o->at + 1 < o->len && o->text[o->at + 1] == '"')
      o->at++;
    else if (byte == '"')
      closed = true;
    if (byte == 0)
      oracle_problem(o, KITH_CSV_NUL, o->n);
    o->lines +=
        byte == '\n' || (byte == '\r' && (o->at + 1 == o->len || o->text[o->at + 1] != '\n'));
    if (!closed)
      kith_buf_append(&field, &byte, 1);
  }
  if (o->at < o->len && !oracle_line_end(o, o->at) &&
      o->text[o->at] != (uint8_t)o->rules->delimiter) {
    bool same_line = o->lines == o->field_lines;

    kith_buf_free(&field);
    o->lines = o->field_lines;
    return oracle_cut(o, same_line ? KITH_CSV_QUOTE : KITH_CSV_QUOTE_OPEN, quote);
  }
  oracle_field(o, &field, o->at - quote - 2);
  kith_buf_free(&field);
  return true;
}

static inline bool oracle_unquoted(struct oracle *o)
{
  const size_t start = o->at;
  struct kith_buf field = {0};
  bool blank = true;

  for (;; o->at++) {
    uint8_t byte = o->at < o->len ? o->text[o->at] : 0;

    if (o->at - o->begin >= o->rules->max_row_bytes) {
      kith_buf_free(&field);
      return oracle_cut(o, KITH_CSV_LONG_ROW, o->at);
    }
    if (o->at == o->len || oracle_line_end(o, o->at) || byte == (uint8_t)o->rules->delimiter)
      break;
    if (byte == '"' && !o->stray) {
      o->stray = true;
      o->stray_column = o->n;
    }
    if (byte == '"' && blank)
      oracle_problem(o, KITH_CSV_QUOTE, o->n);
    if (byte == 0)
      oracle_problem(o, KITH_CSV_NUL, o->n);
    blank &= byte == ' ' || byte == '\t';
    kith_buf_append(&field, &byte, 1);
  }
  oracle_field(o, &field, o->at - start);
  kith_buf_free(&field);
  return true;
}

static inline void oracle_fields(struct oracle *o)
{
  for (;;) {
    bool quoted =
        o->at < o->len && o->text[o->at] == '"' && o->at - o->begin < o->rules->max_row_bytes;

    if (!(quoted ? oracle_quoted(o) : oracle_unquoted(o)))
      return;
    if (o->at == o->len || oracle_line_end(o, o->at))
      return;
    o->at++;
  }
}

static inline void oracle_judge(struct oracle *o)
{
  if (o->stray && o->after_quote)
    oracle_problem(o, KITH_CSV_QUOTE, o->stray_column);
  if (o->problem == KITH_CSV_QUOTE || o->problem == KITH_CSV_QUOTE_OPEN)
    o->after_quote = true;
  else if (!o->stray && o->n == o->n_header)
    o->after_quote = false;
  if (o->at - o->begin >= 3 && memcmp(o->text + o->begin, "\xef\xbb\xbf", 3) == 0)
    oracle_problem(o, KITH_CSV_MARK, 0);
  if (o->text_bad)
    oracle_problem(o, KITH_CSV_BAD_TEXT, o->text_column);
  if (o->n_header && o->n != o->n_header && o->problem <= KITH_CSV_BAD_TEXT) {
    o->problem = KITH_CSV_RAGGED;
    o->column = 0;
  }
}

static inline void csv_row_write(struct kith_buf *out, uint64_t row, uint64_t line,
                                 enum kith_csv_problem problem, size_t column)
{
  kith_buf_printf(out, "%llu (%llu) %d@%zu ", (unsigned long long)row, (unsigned long long)line,
                  (int)problem, column);
}

/* The first row that is no blank line says how many columns there are, as a header does. */
static inline void oracle_rows(struct kith_buf *out, const struct kith_csv_parser *rules,
                               const uint8_t *text, size_t len)
{
  struct oracle o = {.rules = rules, .text = text, .len = len};
  uint64_t row = 0;
  uint64_t line = 1;

  while (o.at < len) {
    const bool has_header = o.n_header > 0;

    o.begin = o.at;
    o.n = o.lines = o.column = 0;
    o.problem = KITH_CSV_FINE;
    o.stray = o.text_bad = false;
    kith_buf_clear(&o.fields);
    oracle_fields(&o);
    row++;
    if (o.at > o.begin || o.n_header == 1) {
      oracle_judge(&o);
      csv_row_write(
          out, row,
          line + (o.problem == KITH_CSV_QUOTE || o.problem == KITH_CSV_QUOTE_OPEN ? o.lines : 0),
          o.problem, o.column);
      if (o.problem <= KITH_CSV_BAD_TEXT && o.fields.len)
        kith_buf_append(out, o.fields.bytes, o.fields.len);
      kith_buf_append_string(out, "\n");
      if (!has_header)
        o.n_header = o.problem <= KITH_CSV_BAD_TEXT ? o.n : 1;
    } else if (!has_header) {
      csv_row_write(out, row, line, KITH_CSV_FINE, 0);
      kith_buf_append_string(out, "\n");
      o.n_header = 1;
    }
    line += o.lines + 1;
    if (o.at < len)
      o.at += o.text[o.at] == '\r' && o.at + 1 < len && o.text[o.at + 1] == '\n' ? 2 : 1;
  }
  kith_buf_free(&o.fields);
}

/* ---- the parser, in pieces */

static inline void pieces_give(struct kith_buf *out, struct kith_csv_parser *parser,
                               struct kith_csv_block *block, bool fields_only)
{
  for (size_t i = 0; i < block->n_rows; i++) {
    const struct kith_csv_row *row = &block->rows[i];

    if (!fields_only)
      csv_row_write(out, row->row, row->line, row->problem, row->bad_column);
    for (size_t f = 0; f < row->n_fields; f++) {
      kith_buf_append_string(out, "<");
      kith_buf_append(out, row->fields[f], row->lens[f]);
      kith_buf_append_string(out, row->fields[f][row->lens[f]] == '\0' ? ">" : "no end");
    }
    kith_buf_append_string(out, "\n");
  }
  if (parser->n_header == 0 && block->n_rows)
    parser->n_header = block->rows[0].n_fields ? block->rows[0].n_fields : 1;
  block->n_rows = 0;
  block->n_fields = 0;
}

struct pieces {
  size_t sizes[3]; /* in turn; 0, 0, 0: all at once */
  bool fields_only;
};

/* `block` has room for all of the text. */
static inline void pieces_rows(struct kith_buf *out, struct kith_csv_parser parser,
                               struct kith_csv_block *block, const uint8_t *text, size_t len,
                               const struct pieces *pieces)
{
  const bool at_once = !pieces->sizes[0] && !pieces->sizes[1] && !pieces->sizes[2];
  size_t piece = 0;

  kith_csv_block_clear(block);
  for (size_t given = 0;;) {
    size_t n = at_once ? len : pieces->sizes[piece++ % 3];
    bool last;

    n = n < len - given ? n : len - given;
    memmove(block->text, block->text + block->at, block->len - block->at);
    block->len -= block->at;
    block->at = block->scanned = 0;
    if (n)
      memcpy(block->text + block->len, text + given, n);
    block->len += n;
    given += n;
    last = given == len;
    do {
      kith_csv_parse(&parser, block, parser.n_header ? KITH_CSV_ROWS_MAX : 1, !last);
      n = block->n_rows;
      pieces_give(out, &parser, block, pieces->fields_only);
    } while (n);
    if (last)
      return;
  }
}

#endif
