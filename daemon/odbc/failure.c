#include "daemon/odbc/failure.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static const char account_words[] =
    "the account may not log in: look at user and password of the credential, and at the "
    "database's rules for logins";
static const char reach_words[] =
    "the database can't be reached: is it running, and are its address and the network right?";
static const char lost_words[] =
    "the connection to the database was lost; what was read is given up, try again";
static const char slow_words[] =
    "the query was stopped, by its time limit or by an administrator; a longer one needs a higher "
    "timeout";
static const char writes_words[] =
    "the query, or a function in it, writes; expected one that only reads";

enum { LOGIN = 1 << KITH_ODBC_LOGIN, QUERY = 1 << KITH_ODBC_QUERY, ROWS = 1 << KITH_ODBC_ROWS };

/* The first one that fits holds. */
static const struct cause {
  unsigned phases;    /* 0: any */
  const char *state;  /* how the SQLSTATE begins */
  const char *phrase; /* NULL: whatever the driver says */
  enum kith_err err;
  const char *words;
} causes[] = {
    {0, "IM002", NULL, KITH_ERR_CONFIG,
     "there is no data source of this name in odbc.ini, or it names no driver; 'odbcinst -q -s' "
     "lists them"},
    {0, "IM003", NULL, KITH_ERR_CONFIG,
     "the driver of the data source can't be loaded; is its package installed?"},
    {LOGIN, "01000", "open lib", KITH_ERR_CONFIG,
     "the driver of the data source can't be loaded; is its package installed?"},
    {0, "IM", NULL, KITH_ERR_CONFIG,
     "the driver can't be used; expected one for ODBC 3 with Unicode"},
    {0, "HYC00", NULL, KITH_ERR_CONFIG,
     "the driver lacks something; expected one for ODBC 3 with Unicode"},
    {0, "28", NULL, KITH_ERR_DENIED, account_words},
    {LOGIN, "", "authentication failed", KITH_ERR_DENIED, account_words},
    {LOGIN, "", "no password supplied", KITH_ERR_DENIED, account_words},
    {LOGIN, "", "pg_hba.conf", KITH_ERR_DENIED, account_words},
    {LOGIN, "", "login failed", KITH_ERR_DENIED, account_words},
    {LOGIN, "", "access denied", KITH_ERR_DENIED, account_words},
    {LOGIN, "", "ORA-01017", KITH_ERR_DENIED, account_words},
    {LOGIN, "", "role \"", KITH_ERR_DENIED, account_words},
    {LOGIN, "", "database \"", KITH_ERR_CONFIG,
     "the server has no database of this name, or not for this account"},
    {LOGIN, "3D", NULL, KITH_ERR_CONFIG, "the server has no database of this name"},
    {LOGIN, "", NULL, KITH_ERR_UNAVAILABLE, reach_words},
    {0, "08", NULL, KITH_ERR_UNAVAILABLE, lost_words},
    {0, "57P", NULL, KITH_ERR_UNAVAILABLE, lost_words},
    {0, "", "terminating connection", KITH_ERR_UNAVAILABLE, lost_words},
    {0, "", "server closed the connection", KITH_ERR_UNAVAILABLE, lost_words},
    {0, "57014", NULL, KITH_ERR_UNAVAILABLE, slow_words},
    {0, "HYT", NULL, KITH_ERR_UNAVAILABLE, slow_words},
    {0, "25006", NULL, KITH_ERR_CONFIG, writes_words},
    {0, "", "read-only transaction", KITH_ERR_CONFIG, writes_words},
    {0, "", "readonly database", KITH_ERR_CONFIG, writes_words},
    {QUERY, "", "DECLARE CURSOR must not", KITH_ERR_CONFIG, writes_words},
    {0, "42501", NULL, KITH_ERR_DENIED,
     "the account may not read one of the query's tables; it needs SELECT on them"},
    {0, "", "permission denied", KITH_ERR_DENIED,
     "the account may not read one of the query's tables; it needs SELECT on them"},
    {0, "42P01", NULL, KITH_ERR_CONFIG, "the query names a table that is not there"},
    {0, "42S02", NULL, KITH_ERR_CONFIG, "the query names a table that is not there"},
    {0, "42703", NULL, KITH_ERR_CONFIG, "the query names a column that is not there"},
    {0, "42S22", NULL, KITH_ERR_CONFIG, "the query names a column that is not there"},
    {0, "42601", NULL, KITH_ERR_CONFIG, "the database finds an error in the query's syntax"},
    {0, "42", NULL, KITH_ERR_CONFIG, "the database refuses the query: try it in another client"},
    {0, "HY001", NULL, KITH_ERR_MEMORY,
     "the driver has not enough memory for the result; look for a setting of it that gives rows by "
     "and by"},
    {0, "07006", NULL, KITH_ERR_CONFIG,
     "the driver can't give a column as Unicode text; take its Unicode version, or cast the column "
     "to text in the query"},
    {0, "22", NULL, KITH_ERR_DATA,
     "a value of the result can't be computed or given as text; look at the query's casts and "
     "computations"},
    {QUERY, "", NULL, KITH_ERR_CONFIG, "the database refuses the query: try it in another client"},
    {0, "", NULL, KITH_ERR_IO, "the rows can't be read to their end"},
};

enum kith_err kith_odbc_explain(struct kith_fault *fault, enum kith_odbc_phase phase,
                                const char *sqlstate, const char *text)
{
  const struct cause *cause = causes;
  bool shown = strlen(sqlstate) == 5;

  for (const char *c = sqlstate; *c != '\0'; c++)
    shown = shown && ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z'));
  while ((cause->phases && !(cause->phases & 1u << phase)) ||
         strncmp(sqlstate, cause->state, strlen(cause->state)) != 0 ||
         (cause->phrase && !strcasestr(text, cause->phrase)))
    cause++;
  return kith_fail(fault, cause->err, "%s (SQLSTATE %s)", cause->words,
                   shown ? sqlstate : "unknown");
}
