#include "daemon/odbc/reader.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/odbc/link.h"
#include "daemon/odbc/wide.h"
#include "daemon/pipeline/rowpipe.h"

/* A piece holds nearly every value; rows go out when there are many, so that who reads sees life.
 */
enum { PIECE_UNITS = 4096, NAME_UNITS = 1024, OUT_BYTES = 64 * 1024, OUT_ROWS = 256 };

struct reading {
  struct kith_odbc odbc;
  int fd;
  struct kith_buf out;
  struct kith_buf cell;
  size_t n_waiting; /* rows in `out` */
  size_t n_columns;
};

enum kith_err kith_odbc_write(int fd, const void *bytes, size_t len)
{
  for (size_t done = 0; done < len;) {
    ssize_t n = write(fd, (const char *)bytes + done, len - done);

    if (n < 0 && errno != EINTR)
      return KITH_ERR_IO;
    done += n > 0 ? (size_t)n : 0;
  }
  return KITH_OK;
}

static enum kith_err flush(struct reading *reading, struct kith_fault *fault)
{
  enum kith_err err = kith_buf_err(&reading->out);

  if (err != KITH_OK)
    return kith_fail(fault, err, "kith-odbc has not enough memory");
  err = kith_odbc_write(reading->fd, reading->out.bytes, reading->out.len);
  kith_buf_clear(&reading->out);
  reading->n_waiting = 0;
  return err == KITH_OK ? err : kith_fail(fault, err, "nobody reads the rows any more");
}

/* ---- the header */

static enum kith_err put_header(struct reading *reading, struct kith_fault *fault)
{
  SQLHSTMT statement = reading->odbc.statement;
  size_t frame = kith_rowpipe_begin(&reading->out, KITH_ROWPIPE_HEADER, 0, 0);
  SQLSMALLINT n = 0;

  if (!SQL_SUCCEEDED(SQLNumResultCols(statement, &n)))
    return kith_odbc_failed(SQL_HANDLE_STMT, statement, KITH_ODBC_QUERY, fault);
  if (n < 1 || n > KITH_ROWPIPE_TEXTS_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "the query has %d columns; expected 1 to %d", (int)n,
                     KITH_ROWPIPE_TEXTS_MAX);
  reading->n_columns = (size_t)n;
  for (SQLSMALLINT i = 1; i <= n; i++) {
    struct kith_wide_reader reader = {0};
    SQLWCHAR name[NAME_UNITS];
    SQLSMALLINT len = 0;

    if (!SQL_SUCCEEDED(SQLDescribeColW(statement, (SQLUSMALLINT)i, name, NAME_UNITS, &len, NULL,
                                       NULL, NULL, NULL)))
      return kith_odbc_failed(SQL_HANDLE_STMT, statement, KITH_ODBC_QUERY, fault);
    kith_buf_clear(&reading->cell);
    if (len >= 0 && len < NAME_UNITS)
      kith_wide_read(&reader, &reading->cell, name, (size_t)len);
    kith_wide_end(&reader);
    if (len < 0 || len >= NAME_UNITS || reader.bad || reader.nul)
      return kith_fail(fault, KITH_ERR_DATA, "the name of column %d is not a text that fits", i);
    kith_rowpipe_text(&reading->out, (const char *)reading->cell.bytes, reading->cell.len);
  }
  kith_rowpipe_end(&reading->out, frame, reading->n_columns);
  return flush(reading, fault);
}

/* ---- rows */

/* How many units of a piece there are, by what the driver says of it. */
static size_t piece_units(SQLRETURN status, SQLLEN bytes)
{
  const SQLLEN room = (PIECE_UNITS - 1) * (SQLLEN)sizeof(SQLWCHAR);

  if (status == SQL_SUCCESS_WITH_INFO && (bytes == SQL_NO_TOTAL || bytes > room))
    return PIECE_UNITS - 1;
  return bytes <= 0 ? 0 : (size_t)(bytes > room ? room : bytes) / sizeof(SQLWCHAR);
}

/* The value of the row's column, as UTF-8 in reading->cell; *problem says what is wrong with it. */
static enum kith_err get_cell(struct reading *reading, SQLUSMALLINT column,
                              enum kith_csv_problem *problem, struct kith_fault *fault)
{
  SQLHSTMT statement = reading->odbc.statement;
  struct kith_wide_reader reader = {0};
  SQLWCHAR piece[PIECE_UNITS];
  SQLRETURN status = SQL_SUCCESS_WITH_INFO;

  *problem = KITH_CSV_FINE;
  kith_buf_clear(&reading->cell);
  while (status == SQL_SUCCESS_WITH_INFO && *problem == KITH_CSV_FINE) {
    SQLLEN bytes = 0;

    status = SQLGetData(statement, column, SQL_C_WCHAR, piece, sizeof piece, &bytes);
    if (status == SQL_NO_DATA || (SQL_SUCCEEDED(status) && bytes == SQL_NULL_DATA))
      break;
    if (!SQL_SUCCEEDED(status))
      return kith_odbc_failed(SQL_HANDLE_STMT, statement, KITH_ODBC_ROWS, fault);
    kith_wide_read(&reader, &reading->cell, piece, piece_units(status, bytes));
    /* Not cut: a warning of another kind. */
    if (bytes != SQL_NO_TOTAL && bytes < (SQLLEN)sizeof piece)
      break;
    if (reading->cell.len > KITH_ROWPIPE_FIELD_BYTES_MAX)
      *problem = KITH_CSV_LONG_FIELD;
  }
  kith_wide_end(&reader);
  if (*problem == KITH_CSV_FINE && reading->cell.len > KITH_ROWPIPE_FIELD_BYTES_MAX)
    *problem = KITH_CSV_LONG_FIELD;
  else if (*problem == KITH_CSV_FINE)
    *problem = reader.nul ? KITH_CSV_NUL : reader.bad ? KITH_CSV_BAD_TEXT : KITH_CSV_FINE;
  if (kith_buf_err(&reading->cell) != KITH_OK)
    return kith_fail(fault, KITH_ERR_MEMORY, "kith-odbc has not enough memory");
  return KITH_OK;
}

static enum kith_err put_row(struct reading *reading, struct kith_fault *fault)
{
  size_t frame = kith_rowpipe_begin(&reading->out, KITH_ROWPIPE_ROW, KITH_CSV_FINE, 0);
  size_t row_bytes = 0;

  for (size_t i = 0; i < reading->n_columns; i++) {
    enum kith_csv_problem problem;
    enum kith_err err = get_cell(reading, (SQLUSMALLINT)(i + 1), &problem, fault);

    if (err != KITH_OK)
      return err;
    row_bytes += reading->cell.len + 1;
    if (problem == KITH_CSV_FINE && row_bytes > KITH_ROWPIPE_ROW_BYTES_MAX)
      problem = KITH_CSV_LONG_ROW;
    if (problem != KITH_CSV_FINE) {
      reading->out.len = frame; /* the row again, without its cells */
      frame = kith_rowpipe_begin(&reading->out, KITH_ROWPIPE_ROW, problem, (uint32_t)i);
      kith_rowpipe_end(&reading->out, frame, 0);
      return KITH_OK;
    }
    kith_rowpipe_text(&reading->out, (const char *)reading->cell.bytes, reading->cell.len);
  }
  kith_rowpipe_end(&reading->out, frame, reading->n_columns);
  return KITH_OK;
}

/* The rows of one result; *n of them. */
static enum kith_err put_rows(struct reading *reading, size_t *n, struct kith_fault *fault)
{
  SQLHSTMT statement = reading->odbc.statement;

  for (*n = 0;; ++*n) {
    SQLRETURN status = SQLFetch(statement);
    enum kith_err err;

    if (status == SQL_NO_DATA)
      return flush(reading, fault);
    if (!SQL_SUCCEEDED(status))
      return kith_odbc_failed(SQL_HANDLE_STMT, statement, KITH_ODBC_ROWS, fault);
    if ((err = put_row(reading, fault)) != KITH_OK)
      return err;
    if ((++reading->n_waiting == OUT_ROWS || reading->out.len >= OUT_BYTES) &&
        (err = flush(reading, fault)) != KITH_OK)
      return err;
  }
}

static enum kith_err put_result(struct reading *reading, const char *query,
                                struct kith_fault *fault)
{
  const struct kith_dialect *dialect = reading->odbc.dialect;
  bool first = true;
  size_t n = 0;
  enum kith_err err =
      kith_odbc_run(&reading->odbc, dialect->cursor ? dialect->cursor : "", query, fault);

  if (err == KITH_OK && !dialect->cursor) {
    err = put_header(reading, fault);
    return err == KITH_OK ? put_rows(reading, &n, fault) : err;
  }
  while (err == KITH_OK && (first || n > 0)) {
    (void)SQLFreeStmt(reading->odbc.statement, SQL_CLOSE);
    err = kith_odbc_run(&reading->odbc, dialect->fetch, "", fault);
    if (err == KITH_OK && first)
      err = put_header(reading, fault);
    first = false;
    if (err == KITH_OK)
      err = put_rows(reading, &n, fault);
  }
  return err;
}

enum kith_err kith_odbc_read(int fd, const struct kith_odbc_request *request,
                             struct kith_fault *fault)
{
  struct reading reading = {.fd = fd};
  enum kith_err err;

  kith_buf_init(&reading.out, 0);
  kith_buf_init(&reading.cell, 0);
  err = kith_odbc_open(&reading.odbc, request, fault);
  if (err == KITH_OK) {
    kith_rowpipe_strings(&reading.out, KITH_ROWPIPE_OPENED, 0, NULL, 0);
    err = flush(&reading, fault);
  }
  if (err == KITH_OK)
    err = put_result(&reading, request->query, fault);
  kith_odbc_close(&reading.odbc);
  if (err == KITH_OK) {
    kith_rowpipe_strings(&reading.out, KITH_ROWPIPE_END, 0, NULL, 0);
    err = flush(&reading, fault);
  }
  kith_buf_free(&reading.out);
  kith_buf_free(&reading.cell);
  return err;
}
