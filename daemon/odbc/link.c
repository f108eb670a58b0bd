#include "daemon/odbc/link.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/odbc/credential.h"
#include "daemon/odbc/wide.h"
#include "daemon/pipeline/dsn.h"
#include "daemon/pipeline/query.h"
#include "daemon/pipeline/table.h"

enum {
  RECORDS_MAX = 8,
  TEXT_UNITS = 1024,
  NAME_BYTES = 64,
  WIDE_BYTES = sizeof(SQLWCHAR),
  STRING_BYTES_MAX = KITH_DSN_BYTES_MAX + 2 * KITH_CREDENTIAL_BYTES_MAX + 32
};

_Static_assert(sizeof(SQLWCHAR) == sizeof(uint16_t), "unixODBC's text is UTF-16");

/* ---- errors */

enum kith_err kith_odbc_failed(SQLSMALLINT type, SQLHANDLE handle, enum kith_odbc_phase phase,
                               struct kith_fault *fault)
{
  char state[8] = "";
  struct kith_buf text;
  enum kith_err err;

  kith_buf_init(&text, (size_t)RECORDS_MAX * TEXT_UNITS * 4);
  for (int i = 1; i <= RECORDS_MAX; i++) {
    SQLWCHAR units[TEXT_UNITS] = {0};
    SQLWCHAR wide_state[6] = {0};
    struct kith_wide_reader reader = {0};
    SQLINTEGER native = 0;
    SQLSMALLINT len = 0;
    size_t n = 0;

    if (!SQL_SUCCEEDED(SQLGetDiagRecW(type, handle, (SQLSMALLINT)i, wide_state, &native, units,
                                      TEXT_UNITS, &len)))
      break;
    /* The first one tells the cause, if it is no mere warning. */
    for (unsigned c = 0; c < 5 && (i == 1 || strncmp(state, "01", 2) == 0); c++)
      state[c] = (char)(wide_state[c] < 0x80 ? wide_state[c] : '?');
    while (n < TEXT_UNITS && units[n])
      n++;
    kith_wide_read(&reader, &text, units, n);
    kith_buf_append(&text, "\n", 1);
    kith_wipe(units, sizeof units);
  }
  kith_buf_append(&text, "", 1);
  err = kith_odbc_explain(fault, phase, state,
                          kith_buf_err(&text) == KITH_OK ? (const char *)text.bytes : "");
  if (text.bytes)
    kith_wipe(text.bytes, text.len);
  kith_buf_free(&text);
  return err;
}

static enum kith_err no_memory(struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_MEMORY, "kith-odbc has not enough memory");
}

/* ---- logging in */

/* UTF-16 in memory that is wiped. */
static enum kith_err widen(struct kith_secret **out, const char *text, struct kith_fault *fault)
{
  enum kith_err err = kith_secret_new(out, (kith_wide_len(text) + 1) * WIDE_BYTES);

  if (err != KITH_OK)
    return no_memory(fault);
  kith_wide_from((uint16_t *)(void *)kith_secret_bytes(*out), text);
  return KITH_OK;
}

static SQLWCHAR *units_of(struct kith_secret *text)
{
  return text ? (SQLWCHAR *)(void *)kith_secret_bytes(text) : NULL;
}

static SQLSMALLINT len_of(const struct kith_secret *text)
{
  return text ? (SQLSMALLINT)(kith_secret_len(text) / WIDE_BYTES - 1) : 0;
}

static enum kith_err login_name(struct kith_odbc *odbc, const char *dsn,
                                const struct kith_credential *credential, struct kith_fault *fault)
{
  struct kith_secret *name = NULL;
  struct kith_secret *user = NULL;
  struct kith_secret *password = NULL;
  enum kith_err err = widen(&name, dsn, fault);

  if (err == KITH_OK && credential->user)
    err = widen(&user, credential->user, fault);
  if (err == KITH_OK && credential->password)
    err = widen(&password, credential->password, fault);
  if (err == KITH_OK &&
      !SQL_SUCCEEDED(SQLConnectW(odbc->connection, units_of(name), len_of(name), units_of(user),
                                 len_of(user), units_of(password), len_of(password))))
    err = kith_odbc_failed(SQL_HANDLE_DBC, odbc->connection, KITH_ODBC_LOGIN, fault);
  kith_secret_free(name);
  kith_secret_free(user);
  kith_secret_free(password);
  return err;
}

/* ";KEYWORD={value}", with a closing brace doubled; or without braces where none are needed, which
 * more drivers understand of a user. */
static char *put_keyword(char *out, const char *keyword, const char *value, bool always)
{
  const bool braces = always || strpbrk(value, "[]{}(),;?*=!@");

  out += sprintf(out, braces ? ";%s={" : ";%s=", keyword);
  for (; *value != '\0'; value++) {
    if (*value == '}')
      *out++ = '}';
    *out++ = *value;
  }
  if (braces)
    *out++ = '}';
  *out = '\0';
  return out;
}

static enum kith_err login_string(struct kith_odbc *odbc, const char *dsn,
                                  const struct kith_credential *credential,
                                  struct kith_fault *fault)
{
  struct kith_secret *text = NULL;
  struct kith_secret *wide = NULL;
  size_t len = strlen(dsn);
  char *end;
  enum kith_err err = kith_secret_new(&text, STRING_BYTES_MAX);

  if (err != KITH_OK)
    return no_memory(fault);
  end = (char *)kith_secret_bytes(text);
  memcpy(end, dsn, len);
  while (len > 0 && strchr("; \t", end[len - 1]))
    len--;
  end += len;
  *end = '\0';
  if (credential->user)
    end = put_keyword(end, "UID", credential->user, false);
  if (credential->password)
    (void)put_keyword(end, "PWD", credential->password, true);
  err = widen(&wide, (const char *)kith_secret_peek(text), fault);
  if (err == KITH_OK &&
      !SQL_SUCCEEDED(SQLDriverConnectW(odbc->connection, NULL, units_of(wide), len_of(wide), NULL,
                                       0, NULL, SQL_DRIVER_NOPROMPT)))
    err = kith_odbc_failed(SQL_HANDLE_DBC, odbc->connection, KITH_ODBC_LOGIN, fault);
  kith_secret_free(text);
  kith_secret_free(wide);
  return err;
}

static enum kith_err login(struct kith_odbc *odbc, const struct kith_odbc_request *request,
                           struct kith_fault *fault)
{
  struct kith_credential credential = {0};
  enum kith_err err =
      request->credential ? kith_credential_load(&credential, request->credential, fault) : KITH_OK;

  if (err == KITH_OK)
    err = kith_dsn_is_string(request->dsn) ? login_string(odbc, request->dsn, &credential, fault)
                                           : login_name(odbc, request->dsn, &credential, fault);
  kith_credential_free(&credential);
  odbc->connected = err == KITH_OK;
  return err;
}

/* ---- the transaction */

/* A number, as ODBC passes one for a pointer. */
static SQLPOINTER number(size_t value)
{
  return (SQLPOINTER)value; // NOLINT(performance-no-int-to-ptr)
}

static const struct kith_dialect *find_dialect(struct kith_odbc *odbc)
{
  char name[NAME_BYTES] = "";
  SQLSMALLINT len = 0;

  if (!SQL_SUCCEEDED(SQLGetInfo(odbc->connection, SQL_DBMS_NAME, name, sizeof name, &len)))
    name[0] = '\0';
  name[sizeof name - 1] = '\0';
  return kith_dialect_of(name);
}

/* Nothing is committed by itself; what the database has to say of reading only is said. */
static enum kith_err begin(struct kith_odbc *odbc, unsigned timeout_s, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  odbc->dialect = find_dialect(odbc);
  if (!SQL_SUCCEEDED(SQLSetConnectAttr(odbc->connection, SQL_ATTR_AUTOCOMMIT,
                                       number(SQL_AUTOCOMMIT_OFF), SQL_IS_UINTEGER)))
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "the driver has no transactions, so that it can't be "
                     "made sure that nothing is written");
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, odbc->connection, &odbc->statement)))
    return kith_odbc_failed(SQL_HANDLE_DBC, odbc->connection, KITH_ODBC_QUERY, fault);
  /* Drivers without it have the limit of who reads (table_odbc.c) only. */
  (void)SQLSetStmtAttr(odbc->statement, SQL_ATTR_QUERY_TIMEOUT, number(timeout_s), SQL_IS_UINTEGER);
  for (unsigned i = 0; err == KITH_OK && i < KITH_DIALECT_STATEMENTS && odbc->dialect->before[i];
       i++) {
    char text[128];

    (void)snprintf(text, sizeof text, odbc->dialect->before[i], timeout_s * 1000);
    err = kith_odbc_run(odbc, text, "", fault);
    (void)SQLFreeStmt(odbc->statement, SQL_CLOSE);
    if (err != KITH_OK && err != KITH_ERR_UNAVAILABLE)
      err = kith_fail_at(fault, err, "the session can't be made one that only reads");
  }
  return err;
}

enum kith_err kith_odbc_open(struct kith_odbc *odbc, const struct kith_odbc_request *request,
                             struct kith_fault *fault)
{
  const unsigned login_s =
      request->timeout_s < KITH_TABLE_LOGIN_S ? request->timeout_s : (unsigned)KITH_TABLE_LOGIN_S;
  enum kith_err err;

  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &odbc->environment)) ||
      !SQL_SUCCEEDED(SQLSetEnvAttr(odbc->environment, SQL_ATTR_ODBC_VERSION, number(SQL_OV_ODBC3),
                                   SQL_IS_UINTEGER)) ||
      !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, odbc->environment, &odbc->connection)))
    return kith_fail(fault, KITH_ERR_INTERNAL, "unixODBC can't be started");
  /* Hints: what holds is in begin() and in who reads. */
  (void)SQLSetConnectAttr(odbc->connection, SQL_ATTR_LOGIN_TIMEOUT, number(login_s),
                          SQL_IS_UINTEGER);
  (void)SQLSetConnectAttr(odbc->connection, SQL_ATTR_ACCESS_MODE, number(SQL_MODE_READ_ONLY),
                          SQL_IS_UINTEGER);
  err = login(odbc, request, fault);
  return err == KITH_OK ? begin(odbc, request->timeout_s, fault) : err;
}

void kith_odbc_close(struct kith_odbc *odbc)
{
  if (odbc->statement)
    (void)SQLFreeHandle(SQL_HANDLE_STMT, odbc->statement);
  if (odbc->connected) {
    (void)SQLEndTran(SQL_HANDLE_DBC, odbc->connection, SQL_ROLLBACK);
    (void)SQLDisconnect(odbc->connection);
  }
  if (odbc->connection)
    (void)SQLFreeHandle(SQL_HANDLE_DBC, odbc->connection);
  if (odbc->environment)
    (void)SQLFreeHandle(SQL_HANDLE_ENV, odbc->environment);
  *odbc = (struct kith_odbc){0};
}

enum kith_err kith_odbc_run(struct kith_odbc *odbc, const char *first, const char *second,
                            struct kith_fault *fault)
{
  const size_t n_first = kith_wide_len(first);
  const size_t n = n_first + kith_wide_len(second);
  KITH_AUTO_FREE uint16_t *text = KITH_NEW_ARRAY(uint16_t, n + 1);
  SQLRETURN status;

  if (!text)
    return no_memory(fault);
  kith_wide_from(text, first);
  kith_wide_from(text + n_first, second);
  status = SQLExecDirectW(odbc->statement, text, (SQLINTEGER)n);
  if (!SQL_SUCCEEDED(status) && status != SQL_NO_DATA)
    return kith_odbc_failed(SQL_HANDLE_STMT, odbc->statement, KITH_ODBC_QUERY, fault);
  return KITH_OK;
}
