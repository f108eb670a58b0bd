/* What a driver says went wrong, in our words.
 *
 * A driver's own text may hold values of records, the connection string or a password: it is never
 * shown. It is searched for a few phrases where the SQLSTATE alone doesn't tell a wrong password
 * from a machine that is down; what is shown is ours, with the SQLSTATE. */
#ifndef KITH_DAEMON_ODBC_FAILURE_H
#define KITH_DAEMON_ODBC_FAILURE_H

#include "base/err.h"

enum kith_odbc_phase { KITH_ODBC_LOGIN, KITH_ODBC_QUERY, KITH_ODBC_ROWS };

/* What the state stands for; `text` is the driver's, "" where there is none. */
enum kith_err kith_odbc_explain(struct kith_fault *fault, enum kith_odbc_phase phase,
                                const char *sqlstate, const char *text);

#endif
