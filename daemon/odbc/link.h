/* Of the reader only: handles of unixODBC, from the login to the last error. */
#ifndef KITH_DAEMON_ODBC_LINK_H
#define KITH_DAEMON_ODBC_LINK_H

#include <sql.h>
#include <sqlext.h>
#include <sqlucode.h>
#include <stdbool.h>

#include "base/err.h"
#include "daemon/odbc/dialect.h"
#include "daemon/odbc/failure.h"
#include "daemon/odbc/reader.h"

struct kith_odbc {
  SQLHENV environment;
  SQLHDBC connection;
  SQLHSTMT statement;
  bool connected;
  const struct kith_dialect *dialect;
};

/* Logs in, begins the transaction and has a statement. The object is zeroed; close it in any case.
 */
KITH_MUST_USE enum kith_err kith_odbc_open(struct kith_odbc *odbc,
                                           const struct kith_odbc_request *request,
                                           struct kith_fault *fault);
/* Nothing is committed. */
void kith_odbc_close(struct kith_odbc *odbc);

/* Runs a statement of ours or of the request, put together from two parts. */
KITH_MUST_USE enum kith_err kith_odbc_run(struct kith_odbc *odbc, const char *first,
                                          const char *second, struct kith_fault *fault);
/* The fault of what the driver says of a handle. */
enum kith_err kith_odbc_failed(SQLSMALLINT type, SQLHANDLE handle, enum kith_odbc_phase phase,
                               struct kith_fault *fault);

#endif
