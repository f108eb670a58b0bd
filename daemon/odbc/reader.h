/* Logs in to a database, runs one query that only reads, and writes its rows as frames
 * (daemon/pipeline/rowpipe.h). What kith-odbc does, once.
 *
 * Text is asked for as UTF-16, whatever the locale or the server's character set is, and dates come
 * as ODBC has them as text, 2011-02-28. NULL is the empty text. A value that is not text, holds a
 * NUL or is over a limit of a CSV file makes its row one to be set aside.
 *
 * The connection is read-only where the driver knows that, the transaction where the database does
 * (dialect.h), and it always ends with a rollback. Memory: a row, and what the driver takes. */
#ifndef KITH_DAEMON_ODBC_READER_H
#define KITH_DAEMON_ODBC_READER_H

#include "base/err.h"

struct kith_odbc_request {
  const char *dsn;
  const char *query;
  const char *credential; /* NULL: none is needed */
  unsigned timeout_s;
};

/* All frames to the descriptor, the end included; a fault is the caller's to write. KITH_ERR_IO
 * where nobody reads them any more. */
KITH_MUST_USE enum kith_err kith_odbc_read(int fd, const struct kith_odbc_request *request,
                                           struct kith_fault *fault);

/* Writes all of it. */
KITH_MUST_USE enum kith_err kith_odbc_write(int fd, const void *bytes, size_t len);

#endif
