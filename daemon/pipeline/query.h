/* The query of a source that is a database: one statement, which only reads.
 *
 * What is accepted: one statement that begins with SELECT, WITH, TABLE or VALUES (or parentheses
 * around one), with one semicolon at most, at its end, which is left out. Refused are words that
 * change something in some database, wherever they stand outside quotes (INSERT, INTO, DELETE, SET,
 * EXEC, ...; some databases take two statements without a semicolon between them), and text that
 * databases read in different ways, so that a part of it could be a statement in one of them and a
 * string in another: dollar quotes, q'...', a backslash before a quote, comments in comments,
 * comments that MySQL executes. A column with such a name has to be quoted.
 *
 * This finds mistakes early and says what they are. What holds is the account, which should have
 * only the right to read, and the transaction, which is read-only where the database has such
 * (daemon/odbc/dialect.h) and is never committed. */
#ifndef KITH_DAEMON_PIPELINE_QUERY_H
#define KITH_DAEMON_PIPELINE_QUERY_H

#include "base/err.h"

enum { KITH_QUERY_BYTES_MAX = 64 * 1024 };

/* A fresh copy of the statement, without what follows it (kith_free). `name` is where it stands,
 * for the fault, which has a line of it and never its text. KITH_ERR_CONFIG, KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_query_check(char **out, const char *text, const char *name,
                                             struct kith_fault *fault);
/* The same of a file, which may have comments. Also KITH_ERR_NO_INPUT, KITH_ERR_IO. */
KITH_MUST_USE enum kith_err kith_query_load(char **out, const char *path, struct kith_fault *fault);

#endif
