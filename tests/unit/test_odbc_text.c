/* What a database source is made of, apart from the database: queries, data sources, credentials,
 * UTF-16, words for a driver's errors, and frames. */
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/odbc/credential.h"
#include "daemon/odbc/dialect.h"
#include "daemon/odbc/failure.h"
#include "daemon/odbc/wide.h"
#include "daemon/pipeline/dsn.h"
#include "daemon/pipeline/query.h"
#include "daemon/pipeline/rowpipe.h"
#include "tests/unit/unit.h"

/* ---- queries */

static void queries_that_read(void **state)
{
  static const char *const good[][2] = {
      {"SELECT 1", "SELECT 1"},
      {"select a from b ;\n", "select a from b "},
      {"-- people\n/* of * the / city */\nSELECT a; -- end",
       "-- people\n/* of * the / city */\nSELECT a"},
      {"WITH x AS (SELECT 1) SELECT * FROM x", NULL},
      {"(SELECT 1) UNION (VALUES (2))", NULL},
      {"TABLE people", NULL},
      {"SELECT 'delete; from', \"update\", `set`, [drop], 'it''s' FROM t", NULL},
      {"SELECT a[1], ARRAY['x', 'drop']  FROM t", NULL},
      {"SELECT replace(a, '-', '') AS b, -1 - -2, a/b, a*b FROM t WHERE a LIKE 'x\\_%'", NULL},
      {"SELECT updated, deleted_at, inserter, settings FROM t", NULL},
      {"SELECT '\xc3\xa9' AS caf\xc3\xa9, N'x', U&'x', e1, 1e5, 0x1F FROM t", NULL},
  };

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(good); i++) {
    struct kith_fault fault = {0};
    char *out = NULL;
    enum kith_err err = kith_query_check(&out, good[i][0], "query", &fault);

    if (err != KITH_OK)
      fail_msg("%s: %s", good[i][0], fault.text);
    assert_string_equal(out, good[i][1] ? good[i][1] : good[i][0]);
    kith_free(out);
  }
}

static void queries_that_do_not(void **state)
{
  static const char *const bad[] = {
      "",
      " \n",
      ";",
      "--",
      "-- x",
      "DELETE FROM t",
      "EXPLAIN SELECT 1",
      "x",
      "1",
      "'x'",
      "\"select\"",
      "SELECT 1; SELECT 2",
      "SELECT 1;;",
      "SELECT 1; x",
      "SELECT 1 INTO t",
      "select 1 Into t",
      "SELECT 1 DELETE FROM t",
      "SELECT 1DELETE FROM t",
      "SELECT 1.DELETE FROM t",
      "SELECT 'a'DELETE FROM t",
      "SELECT (1)DELETE FROM t",
      "WITH x AS (UPDATE t) SELECT 1",
      "SELECT 1 EXEC p",
      "SELECT 1 SET x",
      "SELECT a FROM t FOR UPDATE",
      "SELECT * FROM OPENQUERY(x, 'y')",
      "SELECT 'a",
      "SELECT \"a",
      "SELECT `a",
      "SELECT [a",
      "SELECT /* a",
      "SELECT /* /* */ 1 */",
      "SELECT /*! 1 */ 1",
      "SELECT /*M! 1 */ 1",
      "SELECT 1 --x",
      "SELECT 'a\\'; DELETE'",
      "SELECT 'a\\\\'",
      "SELECT $$a$$",
      "SELECT $x$a$x$",
      "SELECT q'[it's]'",
      "SELECT NQ'{x}'",
      "SELECT \x01",
      "SELECT '\xff'",
      "# x\nSELECT 1",
  };

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    struct kith_fault fault = {0};
    char *out = NULL;

    if (kith_query_check(&out, bad[i], "query", &fault) != KITH_ERR_CONFIG || out)
      fail_msg("not refused: %s", bad[i]);
    assert_memory_equal(fault.text, "query: ", 7);
  }
}

static void query_files(void **state)
{
  struct kith_fault fault = {0};
  char *big = kith_calloc(KITH_QUERY_BYTES_MAX + 2, 1);
  char *out = NULL;

  assert_int_equal(kith_query_load(&out, unit_file(state, "q", "\n\nSELECT 1 INTO x", 17), &fault),
                   KITH_ERR_CONFIG);
  assert_non_null(strstr(fault.text, "line 3: INTO"));
  assert_int_equal(kith_query_load(&out, unit_file(state, "q", "SELECT 1\0DROP", 13), &fault),
                   KITH_ERR_CONFIG);
  assert_int_equal(kith_query_load(&out, unit_path(state, "none"), &fault), KITH_ERR_NO_INPUT);
  memset(big, ' ', KITH_QUERY_BYTES_MAX + 1);
  memcpy(big, "SELECT", 6);
  assert_int_equal(kith_query_check(&out, big, "query", &fault), KITH_ERR_CONFIG);
  big[KITH_QUERY_BYTES_MAX] = '\0';
  UNIT_EACH_ALLOCATION(n)
  {
    enum kith_err err = kith_query_check(&out, big, "query", &fault);

    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
  kith_free(out);
  kith_free(big);
}

/* ---- data sources */

static void data_sources(void **state)
{
  static const char *const good[] = {"people", "a b", "Driver={a;b}};c};Server=x",
                                     "DSN=people;Port=1;", "Driver = {x} ; Server = y"};
  static const char *const bad[] = {"",
                                    "a;b",
                                    "{a}",
                                    "a=b;c",
                                    "=b",
                                    "a=b;=c",
                                    "a=b;UID=x",
                                    "a=b; uid =x",
                                    "User=x",
                                    "user id=x",
                                    "PWD=x",
                                    "a={b",
                                    "a={b}};PWD=x",
                                    "a=b;Password=x",
                                    "a=b\n",
                                    "a=\xff",
                                    "a={x;PWD=y}",
                                    "a=b;pqopt={password=x}",
                                    "UserName=x;a=b"};
  char text[KITH_DSN_BYTES_MAX + 2];

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(good); i++)
    assert_int_equal(kith_dsn_check(good[i], NULL), KITH_OK);
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    struct kith_fault fault = {0};

    if (kith_dsn_check(bad[i], &fault) != KITH_ERR_CONFIG)
      fail_msg("not refused: %s", bad[i]);
    assert_memory_equal(fault.text, "dsn: ", 5);
  }
  memset(text, 'a', sizeof text);
  text[1] = '=';
  text[sizeof text - 1] = '\0';
  assert_int_equal(kith_dsn_check(text, NULL), KITH_ERR_CONFIG);
  text[sizeof text - 2] = '\0';
  assert_int_equal(kith_dsn_check(text, NULL), KITH_OK);
  text[1] = 'a';
  assert_int_equal(kith_dsn_check(text, NULL), KITH_ERR_CONFIG);
  assert_string_equal(kith_dsn_shown("people"), "people");
  assert_string_equal(kith_dsn_shown("Server=secret.example"), "database");
}

/* ---- credentials */

static const char *credential(void **state, const char *text, mode_t mode)
{
  const char *path = unit_file(state, "credential", text, strlen(text));

  assert_int_equal(chmod(path, mode), 0);
  return path;
}

static void credentials(void **state)
{
  static const char *const good[] = {
      "user = reader\npassword = a = b #c\n", "password=a = b #c\nuser=reader",
      "# of the database\n\n  user\t=  reader \t\r\n password =a = b #c\r\n\r\n"};
  struct kith_credential read = {0};
  bool locked;

  assert_int_equal(kith_crypto_init(&locked), KITH_OK);
  for (size_t i = 0; i < KITH_COUNT_OF(good); i++) {
    assert_int_equal(kith_credential_load(&read, credential(state, good[i], 0640), NULL), KITH_OK);
    assert_string_equal(read.user, "reader");
    assert_string_equal(read.password, "a = b #c");
    kith_credential_free(&read);
  }
  assert_int_equal(kith_credential_load(&read, credential(state, "user = x", 0400), NULL), KITH_OK);
  assert_null(read.password);
  kith_credential_free(&read);
  /* A credential of systemd, by its name. */
  assert_int_equal(setenv("CREDENTIALS_DIRECTORY", *state, 1), 0);
  assert_int_equal(kith_credential_load(&read, "credential", NULL), KITH_OK);
  kith_credential_free(&read);
  assert_int_equal(kith_credential_load(&read, "none", NULL), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_credential_load(&read, "../credential", NULL), KITH_ERR_CONFIG);
  assert_int_equal(kith_credential_load(&read, "..", NULL), KITH_ERR_CONFIG);
  assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
  assert_int_equal(kith_credential_load(&read, "credential", NULL), KITH_ERR_CONFIG);
}

static void credentials_refused(void **state)
{
  static const char *const bad[] = {"",
                                    "\n",
                                    "password = Hidden\n",
                                    "user\nHidden\n",
                                    "user = \npassword = Hidden",
                                    "user = x\npassword =\n",
                                    "user = x\nuser = Hidden\n",
                                    "user = x\npassword = y\npassword = Hidden",
                                    "user name = Hidden",
                                    "users = Hidden",
                                    "User = Hidden",
                                    "= Hidden",
                                    "user = x\nHidden",
                                    "user = \xff"};
  static const mode_t loose[] = {0604, 0602, 0601, 0620, 0660, 0644, 0777};
  struct kith_credential read = {0};

  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    struct kith_fault fault = {0};
    enum kith_err err = kith_credential_load(&read, credential(state, bad[i], 0600), &fault);

    if (err != KITH_ERR_CONFIG && err != KITH_ERR_DATA)
      fail_msg("not refused: %s", bad[i]);
    assert_null(read.text);
    assert_null(strstr(fault.text, "Hidden"));
  }
  for (size_t i = 0; i < KITH_COUNT_OF(loose); i++)
    assert_int_equal(kith_credential_load(&read, credential(state, "user = x\n", loose[i]), NULL),
                     KITH_ERR_DENIED);
  UNIT_EACH_ALLOCATION(n)
  {
    enum kith_err err = kith_credential_load(&read, credential(state, "user = x\n", 0600), NULL);

    if (err == KITH_OK)
      unit_allocations_done();
    kith_credential_free(&read);
  }
}

/* ---- UTF-16 */

static void wide_there_and_back(void **state)
{
  static const char text[] = "a\xc3\xa9\xe9\x87\x8e\xf0\xa0\xae\xb7z\xf4\x8f\xbf\xbf";
  uint16_t units[16];
  const uint16_t expected[] = {'a', 0xe9, 0x91ce, 0xd842, 0xdfb7, 'z', 0xdbff, 0xdfff};

  (void)state;
  assert_int_equal(kith_wide_len(text), KITH_COUNT_OF(expected));
  kith_wide_from(units, text);
  assert_memory_equal(units, expected, sizeof expected);
  assert_int_equal(units[KITH_COUNT_OF(expected)], 0);
  /* Cut at any place. */
  for (size_t cut = 0; cut <= KITH_COUNT_OF(expected); cut++) {
    struct kith_wide_reader reader = {0};
    struct kith_buf out;

    kith_buf_init(&out, 0);
    kith_wide_read(&reader, &out, units, cut);
    kith_wide_read(&reader, &out, units + cut, KITH_COUNT_OF(expected) - cut);
    kith_wide_end(&reader);
    assert_false(reader.bad || reader.nul);
    assert_int_equal(out.len, strlen(text));
    assert_memory_equal(out.bytes, text, out.len);
    kith_buf_free(&out);
  }
}

static void wide_that_is_no_text(void **state)
{
  static const uint16_t bad[][3] = {{0xd800, 'a', 'b'},
                                    {'a', 0xdc00, 'b'},
                                    {'a', 'b', 0xd800},
                                    {0xd800, 0xd800, 0xdc00},
                                    {0xdc00, 0xd800, 0xdc00}};

  (void)state;
  for (size_t i = 0; i <= KITH_COUNT_OF(bad); i++) {
    static const uint16_t nul[3] = {'a', 0, 'b'};
    struct kith_wide_reader reader = {0};
    struct kith_buf out;

    kith_buf_init(&out, 0);
    kith_wide_read(&reader, &out, i < KITH_COUNT_OF(bad) ? bad[i] : nul, 3);
    kith_wide_end(&reader);
    assert_int_equal(reader.bad, i < KITH_COUNT_OF(bad));
    assert_int_equal(reader.nul, i == KITH_COUNT_OF(bad));
    assert_true(kith_utf8_valid((const char *)out.bytes, out.len));
    kith_buf_free(&out);
  }
}

/* ---- what goes wrong */

static void failures(void **state)
{
  static const struct {
    enum kith_odbc_phase phase;
    const char *state;
    const char *text;
    enum kith_err err;
    const char *words;
  } cases[] = {
      {KITH_ODBC_LOGIN, "IM002", "", KITH_ERR_CONFIG, "no data source of this name"},
      {KITH_ODBC_LOGIN, "01000", "Can't open lib 'x'", KITH_ERR_CONFIG, "can't be loaded"},
      {KITH_ODBC_LOGIN, "28000", "", KITH_ERR_DENIED, "may not log in"},
      {KITH_ODBC_LOGIN, "08001", "password authentication failed for Hidden", KITH_ERR_DENIED,
       "may not log in"},
      {KITH_ODBC_LOGIN, "08001", "refused", KITH_ERR_UNAVAILABLE, "can't be reached"},
      {KITH_ODBC_LOGIN, "HY000", "", KITH_ERR_UNAVAILABLE, "can't be reached"},
      {KITH_ODBC_QUERY, "42P01", "Hidden", KITH_ERR_CONFIG, "table that is not there"},
      {KITH_ODBC_QUERY, "42999", "Hidden", KITH_ERR_CONFIG, "refuses the query"},
      {KITH_ODBC_QUERY, "XX000", "Hidden", KITH_ERR_CONFIG, "refuses the query"},
      {KITH_ODBC_QUERY, "25006", "", KITH_ERR_CONFIG, "writes"},
      {KITH_ODBC_QUERY, "HY000", "attempt to write a readonly database", KITH_ERR_CONFIG, "writes"},
      {KITH_ODBC_ROWS, "08S01", "", KITH_ERR_UNAVAILABLE, "lost"},
      {KITH_ODBC_ROWS, "57P01", "", KITH_ERR_UNAVAILABLE, "lost"},
      {KITH_ODBC_ROWS, "57014", "", KITH_ERR_UNAVAILABLE, "timeout"},
      {KITH_ODBC_ROWS, "HYT00", "", KITH_ERR_UNAVAILABLE, "timeout"},
      {KITH_ODBC_ROWS, "22P02", "Hidden", KITH_ERR_DATA, "a value of the result"},
      {KITH_ODBC_ROWS, "", "Hidden", KITH_ERR_IO, "SQLSTATE unknown"},
      {KITH_ODBC_ROWS, "Hidde", "Hidden", KITH_ERR_IO, "SQLSTATE unknown"},
  };

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_fault fault = {0};

    assert_int_equal(kith_odbc_explain(&fault, cases[i].phase, cases[i].state, cases[i].text),
                     cases[i].err);
    if (!strstr(fault.text, cases[i].words) || strstr(fault.text, "Hidde"))
      fail_msg("%s: %s", cases[i].state, fault.text);
  }
}

static void dialects(void **state)
{
  (void)state;
  assert_non_null(kith_dialect_of("PostgreSQL")->cursor);
  assert_non_null(strstr(kith_dialect_of("PostgreSQL")->before[0], "READ ONLY"));
  assert_non_null(kith_dialect_of("Oracle8")->before[0]);
  assert_null(kith_dialect_of("Microsoft SQL Server")->before[0]);
  assert_null(kith_dialect_of("")->before[0]);
}

/* ---- frames */

static void frames(void **state)
{
  static const char *const strings[] = {"dsn", "", "\xc3\xa9"};
  struct kith_rowpipe_frame *frame = KITH_NEW(struct kith_rowpipe_frame);
  struct kith_buf buf;
  size_t used = 0;

  (void)state;
  kith_buf_init(&buf, 0);
  kith_rowpipe_strings(&buf, KITH_ROWPIPE_REQUEST, 7, strings, 3);
  kith_rowpipe_strings(&buf, KITH_ROWPIPE_END, 0, NULL, 0);
  assert_int_equal(kith_rowpipe_read(frame, &used, buf.bytes, buf.len), KITH_OK);
  assert_int_equal(frame->type, KITH_ROWPIPE_REQUEST);
  assert_int_equal(frame->a, 7);
  assert_int_equal(frame->n_texts, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_string_equal(frame->texts[i], strings[i]);
    assert_int_equal(frame->lens[i], strlen(strings[i]));
  }
  /* All that is shorter is not there yet. */
  for (size_t len = 0; len < used; len++) {
    size_t none = 0;
    uint8_t *cut = kith_memdup(buf.bytes, len);

    assert_int_equal(kith_rowpipe_read(frame, &none, cut, len), KITH_ERR_NOT_FOUND);
    kith_free(cut);
  }
  assert_int_equal(kith_rowpipe_read(frame, &used, buf.bytes + used, buf.len - used), KITH_OK);
  assert_int_equal(frame->type, KITH_ROWPIPE_END);
  kith_buf_free(&buf);
  kith_free(frame);
}

static void frames_refused(void **state)
{
  static const char *const strings[] = {"abc"};
  static const struct {
    size_t at;
    uint8_t byte;
  } bad[] = {{0, 'X'}, {0, 0},  {1, 0},  {1, 19},    {1, 21 - 1 - 1}, {4, 1},     {13, 2},  {13, 0},
             {14, 8},  {17, 2}, {17, 4}, {20, 0xff}, {21, 0},         {22, 0xff}, {24, 'x'}};
  struct kith_rowpipe_frame *frame = KITH_NEW(struct kith_rowpipe_frame);

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    struct kith_buf buf;
    size_t used = 99;

    kith_buf_init(&buf, 0);
    kith_rowpipe_strings(&buf, KITH_ROWPIPE_ROW, 0, strings, 1);
    assert_int_equal(buf.len, 25);
    buf.bytes[bad[i].at] = bad[i].byte;
    if (kith_rowpipe_read(frame, &used, buf.bytes, buf.len) != KITH_ERR_DATA)
      fail_msg("byte %zu = %u was not refused", bad[i].at, bad[i].byte);
    assert_int_equal(used, 99);
    kith_buf_free(&buf);
  }
  kith_free(frame);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(queries_that_read),
                                     cmocka_unit_test(queries_that_do_not),
                                     cmocka_unit_test(query_files),
                                     cmocka_unit_test(data_sources),
                                     cmocka_unit_test(credentials),
                                     cmocka_unit_test(credentials_refused),
                                     cmocka_unit_test(wide_there_and_back),
                                     cmocka_unit_test(wide_that_is_no_text),
                                     cmocka_unit_test(failures),
                                     cmocka_unit_test(dialects),
                                     cmocka_unit_test(frames),
                                     cmocka_unit_test(frames_refused)};

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
