#include "base/csv_parse.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* ---- blocks */

enum kith_err kith_csv_block_make(struct kith_csv_block **out, size_t max_columns)
{
  struct kith_csv_block *block = KITH_NEW(struct kith_csv_block);

  if (!block)
    return KITH_ERR_MEMORY;
  block->fields_cap = KITH_CSV_FIELDS_MAX + max_columns;
  /* Not zeroed: a small file would wait longer for that than for its rows. */
  block->rows = kith_realloc(NULL, KITH_CSV_ROWS_MAX, sizeof *block->rows);
  block->fields = kith_realloc(NULL, block->fields_cap, sizeof *block->fields);
  block->lens = kith_realloc(NULL, block->fields_cap, sizeof *block->lens);
  if (!block->rows || !block->fields || !block->lens ||
      kith_csv_block_grow(block, KITH_CSV_TEXT_BYTES) != KITH_OK) {
    kith_csv_block_free(block);
    return KITH_ERR_MEMORY;
  }
  *out = block;
  return KITH_OK;
}

void kith_csv_block_free(struct kith_csv_block *block)
{
  if (!block)
    return;
  kith_free(block->text);
  kith_free(block->windows);
  kith_free(block->rows);
  kith_free(block->fields);
  kith_free(block->lens);
  kith_free(block);
}

enum kith_err kith_csv_block_grow(struct kith_csv_block *block, size_t cap)
{
  const size_t n_windows = cap / KITH_CSV_WINDOW_BYTES + 1;
  struct kith_csv_window *windows;
  uint8_t *text;

  if (cap <= block->cap)
    return KITH_OK;
  text = kith_realloc(block->text, n_windows + 1, KITH_CSV_WINDOW_BYTES);
  if (!text)
    return KITH_ERR_MEMORY;
  block->text = text;
  windows = kith_realloc(block->windows, n_windows, sizeof *windows);
  if (!windows)
    return KITH_ERR_MEMORY;
  block->windows = windows;
  block->cap = cap;
  return KITH_OK;
}

void kith_csv_block_clear(struct kith_csv_block *block)
{
  block->len = 0;
  block->at = 0;
  block->scanned = 0;
  block->n_rows = 0;
  block->n_fields = 0;
}

const struct kith_csv_row *kith_csv_block_rows(const struct kith_csv_block *block, size_t *n)
{
  *n = block->n_rows;
  return block->rows;
}

/* Windows for all of the text, no bits for what is behind it. */
static void scan(struct kith_csv_block *block, char delimiter)
{
  const size_t first = block->scanned / KITH_CSV_WINDOW_BYTES;
  const size_t last = block->len / KITH_CSV_WINDOW_BYTES;
  const uint64_t there = (UINT64_C(1) << block->len % KITH_CSV_WINDOW_BYTES) - 1;

  kith_csv_scan(block->windows + first, block->text + first * KITH_CSV_WINDOW_BYTES,
                last + 1 - first, delimiter);
  block->windows[last].special &= there;
  block->windows[last].high &= there;
  block->scanned = block->len;
}

/* ---- from special byte to special byte */

struct walk {
  const struct kith_csv_window *windows;
  size_t last; /* window */
  size_t len;
  size_t window;
  uint64_t bits; /* those of the window that are still to come */
  uint64_t high; /* not 0: there may have been bytes above 127 since it was set to 0 */
};

static void walk_to(struct walk *walk, size_t at)
{
  walk->window = at / KITH_CSV_WINDOW_BYTES;
  walk->bits = walk->windows[walk->window].special & ~UINT64_C(0) << at % KITH_CSV_WINDOW_BYTES;
}

/* The place of the next one; the text's length after the last. */
static inline size_t walk_next(struct walk *walk)
{
  size_t at;

  while (walk->bits == 0) {
    if (walk->window == walk->last)
      return walk->len;
    walk->window++;
    walk->bits = walk->windows[walk->window].special;
    walk->high |= walk->windows[walk->window].high;
  }
  at = walk->window * KITH_CSV_WINDOW_BYTES + (size_t)__builtin_ctzll(walk->bits);
  walk->bits &= walk->bits - 1;
  return at;
}

/* ---- a row */

struct reading {
  struct kith_csv_parser *parser;
  struct kith_csv_block *block;
  uint8_t *text;
  bool comes;
  struct walk walk;
  size_t plain_bytes; /* a row of fewer is within the limits, and so are its fields */
  /* Of one row: */
  size_t begin;
  size_t end;        /* of its last line end */
  size_t n;          /* fields so far */
  size_t n_lines;    /* line ends in quotes so far */
  size_t n_parts;    /* delimiters of the line so far, those in quotes too */
  size_t quote;      /* where the last field in quotes begins, */
  size_t quote_line; /* and n_lines there */
  bool escaped;      /* a "" is to be made one quote */
  bool stray;        /* a field that doesn't begin with a quote has one, */
  size_t stray_column;
  enum kith_csv_problem problem;
  size_t column; /* of the problem */
};

enum outcome { WHOLE, MORE_NEEDED };

static bool ends_line(uint8_t byte)
{
  return byte == '\n' || byte == '\r';
}

/* The first problem is the row's; a quote hides those before it, because the fields are none. */
static void problem_set(struct reading *row, enum kith_csv_problem problem, size_t column)
{
  if (row->problem != KITH_CSV_FINE)
    return;
  row->problem = problem;
  row->column = column;
}

static inline void field_add(struct reading *row, size_t start, size_t end)
{
  const size_t place = row->block->n_fields + row->n;

  if (row->n < row->parser->max_columns) {
    row->block->fields[place] = (const char *)row->text + start;
    row->block->lens[place] = end - start;
  } else {
    problem_set(row, KITH_CSV_MANY_COLUMNS, row->n);
  }
  if (end - start > row->parser->max_field_bytes)
    problem_set(row, KITH_CSV_LONG_FIELD, row->n);
  row->n++;
}

/* The row ends with the line of `at`, as far as that is there. */
static enum outcome cut_at(struct reading *row, size_t at)
{
  while (at < row->walk.len && !ends_line(row->text[at]))
    at++;
  row->end = at;
  row->parser->skipping = at == row->walk.len && row->comes;
  walk_to(&row->walk, at);
  (void)walk_next(&row->walk);
  return WHOLE;
}

/* The row ends with the line in which its last quote opened. */
static enum outcome cut_at_quote(struct reading *row, enum kith_csv_problem problem)
{
  row->problem = problem;
  row->column = row->n;
  row->n_lines = row->quote_line;
  return cut_at(row, row->quote);
}

static enum outcome cut_long(struct reading *row, size_t at)
{
  row->problem = KITH_CSV_LONG_ROW;
  row->column = row->n;
  return cut_at(row, at);
}

/* A field from behind its opening quote at *at; *at is what comes after it: a delimiter, a line end
 * or the end of the text. *closed: the field is in order. */
static enum outcome quoted_read(struct reading *row, size_t *at, bool *closed)
{
  const struct kith_csv_parser *parser = row->parser;
  const uint8_t delimiter = (uint8_t)parser->delimiter;
  const uint8_t *text = row->text;
  bool like_rows = parser->n_header >= 2;

  *closed = false;
  row->quote = *at;
  row->quote_line = row->n_lines;
  for (;;) {
    size_t i = walk_next(&row->walk);

    if (i - row->begin >= parser->max_row_bytes)
      return cut_at_quote(row, KITH_CSV_QUOTE_OPEN);
    if (i == row->walk.len)
      return row->comes ? MORE_NEEDED : cut_at_quote(row, KITH_CSV_QUOTE_OPEN);
    if (text[i] == '"') {
      if (text[i + 1] == '"') {
        row->escaped = true;
        (void)walk_next(&row->walk);
        continue;
      }
      /* On another line this quote opens a field of another row, nearly always. */
      if (text[i + 1] != delimiter && !ends_line(text[i + 1]))
        return cut_at_quote(row,
                            row->n_lines == row->quote_line ? KITH_CSV_QUOTE : KITH_CSV_QUOTE_OPEN);
      field_add(row, row->quote + 1, i);
      *at = walk_next(&row->walk);
      *closed = true;
      return WHOLE;
    }
    if (text[i] == delimiter) {
      row->n_parts++;
    } else if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n')) {
      row->n_lines++;
      like_rows &= row->n_parts + 1 == parser->n_header;
      row->n_parts = 0;
      if (like_rows && row->n_lines - row->quote_line == KITH_CSV_LINES_LIKE_ROWS)
        return cut_at_quote(row, KITH_CSV_QUOTE_OPEN);
    } else if (text[i] == '\0') {
      problem_set(row, KITH_CSV_NUL, row->n);
    }
  }
}

/* Something in a field without quotes around it that is neither a delimiter nor a line end. */
static void unquoted_mark(struct reading *row, size_t start, size_t at)
{
  const uint8_t *text = row->text;

  if (text[at] == '\0')
    problem_set(row, KITH_CSV_NUL, row->n);
  if (text[at] != '"')
    return;
  while (start < at && (text[start] == ' ' || text[start] == '\t'))
    start++;
  if (start == at) /* blanks and a quote: does the field end at the next delimiter or not? */
    problem_set(row, KITH_CSV_QUOTE, row->n);
  if (!row->stray)
    row->stray_column = row->n;
  row->stray = true;
}

static enum outcome row_read(struct reading *row)
{
  const struct kith_csv_parser *parser = row->parser;
  const uint8_t delimiter = (uint8_t)parser->delimiter;
  size_t start = row->begin;

  for (;;) {
    size_t at = walk_next(&row->walk);
    bool added = false;

    if (at - row->begin >= parser->max_row_bytes)
      return cut_long(row, at);
    if (row->text[at] == '"' && at == start) {
      enum outcome outcome = quoted_read(row, &at, &added);

      if (!added)
        return outcome;
    }
    if (row->text[at] == delimiter) {
      if (!added)
        field_add(row, start, at);
      row->n_parts++;
      start = at + 1;
    } else if (ends_line(row->text[at])) { /* there is one behind the text, too */
      if (at == row->walk.len && row->comes)
        return MORE_NEEDED;
      if (!added)
        field_add(row, start, at);
      row->end = at;
      return WHOLE;
    } else {
      unquoted_mark(row, start, at);
    }
  }
}

/* The usual row: as many fields as the header has, none in quotes or near a limit. All that is
 * known of it is in registers, which is quicker by half. False: row_read is to see it. */
static bool plain_row_read(struct reading *row)
{
  const struct kith_csv_parser *parser = row->parser;
  const uint8_t delimiter = (uint8_t)parser->delimiter;
  const char *text = (const char *)row->text;
  const char **fields = row->block->fields + row->block->n_fields;
  size_t *lens = row->block->lens + row->block->n_fields;
  struct walk walk = row->walk;
  size_t start = row->begin;
  size_t at = start;

  for (size_t n = parser->n_header; n > 0; n--, start = at + 1) {
    at = walk_next(&walk);
    if (n > 1 ? row->text[at] != delimiter : !ends_line(row->text[at]))
      return false;
    *fields++ = text + start;
    *lens++ = at - start;
  }
  if (!parser->n_header || at == walk.len || at - row->begin >= row->plain_bytes)
    return false;
  row->n = parser->n_header;
  row->end = at;
  row->walk = walk;
  return true;
}

/* ---- what becomes of it */

static void unescape(char *field, size_t *len)
{
  char *to = memchr(field, '"', *len);
  const char *from = to;

  while (to && from < field + *len) {
    *to++ = *from;
    from += *from == '"' ? 2 : 1;
  }
  if (to)
    *len = (size_t)(to - field);
}

/* Makes one quote of two in the fields that are in quotes. */
static void unescape_all(const struct reading *row, const char **fields, size_t *lens)
{
  for (size_t i = 0; i < row->n; i++) {
    size_t start = (size_t)((const uint8_t *)fields[i] - row->text);

    if (start > row->begin && row->text[start - 1] == '"')
      unescape((char *)row->text + start, &lens[i]);
  }
}

static void check_text(struct reading *row, const char *const *fields, const size_t *lens)
{
  static const uint8_t mark[] = {0xef, 0xbb, 0xbf};

  if (row->end - row->begin >= sizeof mark &&
      memcmp(row->text + row->begin, mark, sizeof mark) == 0) {
    problem_set(row, KITH_CSV_MARK, 0);
    return;
  }
  for (size_t i = 0; i < row->n; i++) {
    if (!kith_utf8_valid(fields[i], lens[i]))
      problem_set(row, KITH_CSV_BAD_TEXT, i);
  }
}

/* What a broken quote leaves behind is lines with the quotes that should have been its field's. */
static void check_after_quote(struct reading *row)
{
  struct kith_csv_parser *parser = row->parser;

  if (row->stray && parser->after_quote)
    problem_set(row, KITH_CSV_QUOTE, row->stray_column);
  if (row->problem == KITH_CSV_QUOTE || row->problem == KITH_CSV_QUOTE_OPEN)
    parser->after_quote = true;
  else if (!row->stray && row->n == parser->n_header)
    parser->after_quote = false;
}

static void row_give(struct reading *row)
{
  struct kith_csv_parser *parser = row->parser;
  struct kith_csv_block *block = row->block;
  const char **fields = block->fields + block->n_fields;
  size_t *lens = block->lens + block->n_fields;
  bool by_quote;

  if (row->stray | parser->after_quote | (row->problem != KITH_CSV_FINE))
    check_after_quote(row);
  if (row->walk.high && row->problem == KITH_CSV_FINE)
    check_text(row, fields, lens);
  if (parser->n_header && row->n != parser->n_header && row->problem <= KITH_CSV_BAD_TEXT)
    row->problem = KITH_CSV_RAGGED, row->column = 0;
  if (row->problem > KITH_CSV_BAD_TEXT)
    row->n = 0;
  if (row->escaped)
    unescape_all(row, fields, lens);
  for (size_t i = 0; i < row->n; i++)
    row->text[(size_t)((const uint8_t *)fields[i] - row->text) + lens[i]] = '\0';
  by_quote = row->problem == KITH_CSV_QUOTE || row->problem == KITH_CSV_QUOTE_OPEN;
  block->rows[block->n_rows++] = (struct kith_csv_row){
      .fields = fields,
      .lens = lens,
      .n_fields = row->n,
      .row = parser->row,
      .line = parser->line + (by_quote ? row->n_lines : 0),
      .problem = row->problem,
      .bad_column = (uint32_t)row->column,
  };
  block->n_fields += row->n;
}

/* Behind the line end at row->end, which is not there any more: `byte` was. */
static void line_end(struct reading *row, uint8_t byte)
{
  struct kith_csv_parser *parser = row->parser;
  size_t at = row->end;

  parser->line += row->n_lines + 1;
  if (at < row->walk.len)
    at++;
  if (byte == '\r') {
    parser->lf_pending = at == row->walk.len && row->comes;
    if (at < row->walk.len && row->text[at] == '\n') {
      at++;
      (void)walk_next(&row->walk);
    }
  }
  row->block->at = at;
}

/* What is left of a line end or a line of before; the end of neither is in sight if `at` is the
 * text's length. */
static void rest_skip(struct kith_csv_parser *parser, struct kith_csv_block *block)
{
  if (parser->lf_pending && block->at < block->len) {
    parser->lf_pending = false;
    block->at += block->text[block->at] == '\n';
  }
  if (!parser->skipping)
    return;
  while (block->at < block->len && !ends_line(block->text[block->at]))
    block->at++;
  if (block->at == block->len)
    return;
  parser->skipping = false;
  parser->lf_pending = block->text[block->at++] == '\r';
  rest_skip(parser, block);
}

void kith_csv_parse(struct kith_csv_parser *parser, struct kith_csv_block *block, size_t rows_max,
                    bool comes)
{
  struct reading row = {.parser = parser, .block = block, .text = block->text, .comes = comes};
  uint8_t end;

  rest_skip(parser, block);
  if (block->at == block->len)
    return;
  block->text[block->len] = '\n';
  scan(block, parser->delimiter);
  row.walk.windows = block->windows;
  row.walk.last = block->len / KITH_CSV_WINDOW_BYTES;
  row.walk.len = block->len;
  walk_to(&row.walk, block->at);
  row.plain_bytes = parser->max_field_bytes < parser->max_row_bytes ? parser->max_field_bytes
                                                                    : parser->max_row_bytes;
  while (block->n_rows < rows_max && block->at < block->len &&
         block->fields_cap - block->n_fields >= parser->max_columns) {
    row.begin = block->at;
    row.n = row.n_lines = row.n_parts = row.column = 0;
    row.escaped = row.stray = false;
    row.problem = KITH_CSV_FINE;
    row.walk.high = block->windows[row.walk.window].high;
    if (!plain_row_read(&row) && row_read(&row) == MORE_NEEDED)
      return;
    parser->row++;
    end = row.text[row.end];
    if (row.end > row.begin || parser->n_header < 2) {
      /* A blank line, where a header is expected: no columns. */
      if (row.end == row.begin && parser->n_header == 0)
        row.n = 0;
      row_give(&row);
    }
    line_end(&row, end);
  }
}
