#include "daemon/odbc/dialect.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* PostgreSQL: DECLARE takes nothing that changes rows, a transaction that is READ ONLY refuses what
 * functions write, and one that reads repeatably sees one state of the database from the first row
 * to the last. Dates are ISO, whatever the account is set to.
 *
 * Oracle and MySQL have such transactions, too. SQL Server has none: its functions can't write, and
 * nothing that was written is ever committed (reader.c). */
static const struct kith_dialect dialects[] = {
    {"PostgreSQL",
     {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
      "SET LOCAL DateStyle = 'ISO, YMD'", "SET LOCAL statement_timeout = %u"},
     "DECLARE kith_rows NO SCROLL CURSOR FOR ",
     "FETCH FORWARD 500 FROM kith_rows"},
    {"Oracle", {"SET TRANSACTION READ ONLY"}, NULL, NULL},
    {"MySQL", {"SET SESSION TRANSACTION READ ONLY"}, NULL, NULL},
    {"MariaDB", {"SET SESSION TRANSACTION READ ONLY"}, NULL, NULL},
    {"SQLite", {"PRAGMA query_only = 1"}, NULL, NULL},
};

const struct kith_dialect *kith_dialect_of(const char *dbms_name)
{
  static const struct kith_dialect other = {"", {NULL}, NULL, NULL};

  for (size_t i = 0; i < KITH_COUNT_OF(dialects); i++) {
    if (strncasecmp(dbms_name, dialects[i].name, strlen(dialects[i].name)) == 0)
      return &dialects[i];
  }
  return &other;
}
