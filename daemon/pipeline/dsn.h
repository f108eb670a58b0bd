/* A data source as ODBC has it: a name of odbc.ini, or a connection string (KEYWORD=value;...), in
 * which a credential has no place. */
#ifndef KITH_DAEMON_PIPELINE_DSN_H
#define KITH_DAEMON_PIPELINE_DSN_H

#include <stdbool.h>

#include "base/err.h"

enum { KITH_DSN_BYTES_MAX = 1024, KITH_DSN_NAME_BYTES_MAX = 64 };

/* A connection string, and not a name. */
bool kith_dsn_is_string(const char *dsn);
/* KITH_ERR_CONFIG: neither of both, or one with a user or a password; the text is not shown. */
KITH_MUST_USE enum kith_err kith_dsn_check(const char *dsn, struct kith_fault *fault);
/* For messages: the name, or "database" of a connection string, which may name machines. */
const char *kith_dsn_shown(const char *dsn);

#endif
