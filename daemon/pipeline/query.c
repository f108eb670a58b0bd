#include "daemon/pipeline/query.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

struct scan {
  const char *start;
  const char *at;
  const char *end;       /* of the statement: where a semicolon stands; NULL: not yet */
  const char *last_word; /* of the statement, for q'...' */
  size_t last_word_len;
  bool begun;
  const char *name;
  struct kith_fault *fault;
};

/* Words that only statements have which change something, or begin another one. */
static const char *const refused_words[] = {
    "ALTER",    "BACKUP", "BEGIN",          "BULK",      "CALL",       "COMMIT",   "COPY",
    "CREATE",   "DBCC",   "DECLARE",        "DELETE",    "DENY",       "DROP",     "EXEC",
    "EXECUTE",  "GRANT",  "INSERT",         "INTO",      "KILL",       "LOAD",     "LOCK",
    "MERGE",    "NOTIFY", "OPENDATASOURCE", "OPENQUERY", "OPENROWSET", "PRAGMA",   "RECONFIGURE",
    "REINDEX",  "RENAME", "RESTORE",        "REVOKE",    "ROLLBACK",   "SHUTDOWN", "SET",
    "TRUNCATE", "UPDATE", "UPDATETEXT",     "UPSERT",    "USE",        "VACUUM",   "WAITFOR",
    "WRITETEXT"};
static const char *const first_words[] = {"SELECT", "WITH", "TABLE", "VALUES"};

static enum kith_err refuse(const struct scan *scan, const char *at, const char *problem)
{
  size_t line = 1;

  for (const char *c = scan->start; c < at; c++)
    line += *c == '\n';
  return kith_fail(scan->fault, KITH_ERR_CONFIG, "%s: line %zu: %s", scan->name, line, problem);
}

static bool is_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_word_start(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (uint8_t)c >= 0x80;
}

static bool is_word(char c)
{
  return is_word_start(c) || (c >= '0' && c <= '9') || c == '$' || c == '#' || c == '@';
}

static bool word_is(const char *word, size_t len, const char *name)
{
  return strlen(name) == len && strncasecmp(word, name, len) == 0;
}

/* ---- what is skipped */

/* From -- to the end of the line. MySQL has it as a comment only with a blank behind. */
static enum kith_err skip_line(struct scan *scan)
{
  if (scan->at[2] != '\0' && !is_blank(scan->at[2]))
    return refuse(scan, scan->at, "a comment needs a blank after --");
  scan->at += strcspn(scan->at, "\n");
  return KITH_OK;
}

/* Some databases have comments in comments, some don't; MySQL executes what is in some. */
static enum kith_err skip_comment(struct scan *scan)
{
  const char *start = scan->at;
  const char *end = strstr(start + 2, "*/");

  if (start[2] == '!' || (start[2] == 'M' && start[3] == '!'))
    return refuse(scan, start, "a comment that some databases execute");
  if (!end)
    return refuse(scan, start, "a comment that is not closed");
  for (const char *c = start + 2; c + 1 < end; c++) {
    if (c[0] == '/' && c[1] == '*')
      return refuse(scan, c, "a comment in a comment, which databases read in different ways");
  }
  scan->at = end + 2;
  return KITH_OK;
}

/* To behind the closing sign, which is doubled where it is meant. */
static enum kith_err skip_quoted(struct scan *scan, char close)
{
  const char *start = scan->at++;

  for (; *scan->at != '\0'; scan->at++) {
    if (*scan->at == '\\' && (scan->at[1] == close || scan->at[1] == '\\'))
      return refuse(scan, scan->at,
                    "a backslash before a quote or a backslash, which databases read in "
                    "different ways");
    if (*scan->at != close)
      continue;
    if (scan->at[1] != close) {
      scan->at++;
      return KITH_OK;
    }
    scan->at++;
  }
  return refuse(scan, start, "a quote that is not closed");
}

/* ---- words */

static enum kith_err take_word(struct scan *scan)
{
  const char *word = scan->at;
  size_t len = 0;

  while (is_word(word[len]))
    len++;
  scan->at += len;
  scan->last_word = word;
  scan->last_word_len = len;
  if (!scan->begun) {
    scan->begun = true;
    for (size_t i = 0; i < KITH_COUNT_OF(first_words); i++) {
      if (word_is(word, len, first_words[i]))
        return KITH_OK;
    }
    return refuse(scan, word, "expected a query that begins with SELECT, WITH, TABLE or VALUES");
  }
  for (size_t i = 0; i < KITH_COUNT_OF(refused_words); i++) {
    if (word_is(word, len, refused_words[i])) {
      char problem[128];

      (void)snprintf(problem, sizeof problem,
                     "%s is not for a query that only reads; a column of this name needs quotes",
                     refused_words[i]);
      return refuse(scan, word, problem);
    }
  }
  return KITH_OK;
}

/* [name] of SQL Server, and not a subscript or ARRAY[...]. */
static bool is_bracket_name(const struct scan *scan)
{
  char before = scan->at > scan->start ? scan->at[-1] : ' ';

  return (is_word_start(scan->at[1]) || scan->at[1] == '#') && !is_word(before) && before != ']' &&
         before != ')';
}

static enum kith_err take_quote(struct scan *scan)
{
  const bool joined = scan->last_word && scan->last_word + scan->last_word_len == scan->at;

  if (*scan->at == '\'' && joined &&
      (word_is(scan->last_word, scan->last_word_len, "q") ||
       word_is(scan->last_word, scan->last_word_len, "nq")))
    return refuse(scan, scan->at, "q'...', which databases read in different ways");
  return skip_quoted(scan, *scan->at == '[' ? ']' : *scan->at);
}

/* One piece: blanks, a comment, something in quotes, a word, a sign. */
static enum kith_err take(struct scan *scan)
{
  const char c = *scan->at;

  if (c == '-' && scan->at[1] == '-')
    return skip_line(scan);
  if (c == '/' && scan->at[1] == '*')
    return skip_comment(scan);
  if (is_blank(c)) {
    scan->at++;
    return KITH_OK;
  }
  if (scan->end)
    return refuse(scan, scan->at, "a second statement; expected one query");
  if ((uint8_t)c < 0x20 || c == 0x7f)
    return refuse(scan, scan->at, "a control character");
  if (c == '$')
    return refuse(scan, scan->at, "a dollar sign outside quotes");
  if (c == '#' && !scan->begun)
    return refuse(scan, scan->at, "expected a query; comments begin with --");
  if (c == '\'' || c == '"' || c == '`' || (c == '[' && is_bracket_name(scan)))
    return take_quote(scan);
  if (is_word_start(c))
    return take_word(scan);
  if (c == ';')
    scan->end = scan->at;
  else if (!scan->begun && c != '(')
    return refuse(scan, scan->at,
                  "expected a query that begins with SELECT, WITH, TABLE or VALUES");
  scan->at++; /* digits, too: some databases read 1DELETE as two words */
  return KITH_OK;
}

enum kith_err kith_query_check(char **out, const char *text, const char *name,
                               struct kith_fault *fault)
{
  struct scan scan = {.start = text, .at = text, .name = name, .fault = fault};
  enum kith_err err = KITH_OK;
  char *copy;

  if (strlen(text) > KITH_QUERY_BYTES_MAX)
    return kith_fail(fault, KITH_ERR_CONFIG, "%s: longer than %d bytes", name,
                     KITH_QUERY_BYTES_MAX);
  if (!kith_utf8_valid(text, strlen(text)))
    return kith_fail(fault, KITH_ERR_CONFIG, "%s: is not UTF-8 text", name);
  while (err == KITH_OK && *scan.at != '\0')
    err = take(&scan);
  if (err == KITH_OK && !scan.begun)
    err = kith_fail(fault, KITH_ERR_CONFIG, "%s: expected a query, found nothing", name);
  if (err != KITH_OK)
    return err;
  copy = kith_strndup(text, scan.end ? (size_t)(scan.end - text) : strlen(text));
  if (!copy)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", name);
  *out = copy;
  return KITH_OK;
}

enum kith_err kith_query_load(char **out, const char *path, struct kith_fault *fault)
{
  uint8_t *text = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&text, &len, path, KITH_QUERY_BYTES_MAX, fault);

  if (err != KITH_OK)
    return err;
  if (memchr(text, '\0', len))
    err = kith_fail(fault, KITH_ERR_CONFIG, "%s: a NUL byte", path);
  else
    err = kith_query_check(out, (const char *)text, path, fault);
  kith_free(text);
  return err;
}
