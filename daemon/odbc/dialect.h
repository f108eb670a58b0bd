/* How each database is asked to let nothing be written, and to give rows by and by. */
#ifndef KITH_DAEMON_ODBC_DIALECT_H
#define KITH_DAEMON_ODBC_DIALECT_H

enum { KITH_DIALECT_STATEMENTS = 4, KITH_DIALECT_ROWS = 500 };

struct kith_dialect {
  const char *name; /* how the DBMS's own name begins (SQL_DBMS_NAME) */
  /* Said at the start of the transaction; %u: the timeout in milliseconds. NULL: no more. */
  const char *before[KITH_DIALECT_STATEMENTS];
  /* Put before the query, so that it is a cursor, from which rows are asked by `fetch`: a driver
   * that takes a whole result into memory then takes KITH_DIALECT_ROWS at most. NULL: the driver
   * does as it does. */
  const char *cursor;
  const char *fetch;
};

/* The one of the name, or one with nothing to say. */
const struct kith_dialect *kith_dialect_of(const char *dbms_name);

#endif
