#include "daemon/pipeline/dsn.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

bool kith_dsn_is_string(const char *dsn)
{
  return strchr(dsn, '=') != NULL;
}

const char *kith_dsn_shown(const char *dsn)
{
  return kith_dsn_is_string(dsn) ? "database" : dsn;
}

static bool is_credential(const char *keyword, size_t len)
{
  static const char *const keywords[] = {"UID",     "USER", "USERNAME", "USER ID",  "USER NAME",
                                         "LOGONID", "PWD",  "PASS",     "PASSWORD", "PASSPHRASE"};

  for (size_t i = 0; i < KITH_COUNT_OF(keywords); i++) {
    if (strlen(keywords[i]) == len && strncasecmp(keyword, keywords[i], len) == 0)
      return true;
  }
  return false;
}

/* Behind a value, which braces may be around; NULL: they are not closed. */
static const char *value_end(const char *value)
{
  value += strspn(value, " \t");
  if (*value == '{') {
    do
      value = strchr(value + 1, '}');
    while (value && value[1] == '}' && value++);
    if (!value)
      return NULL;
  }
  return value + strcspn(value, ";");
}

static enum kith_err check_keywords(const char *dsn, struct kith_fault *fault)
{
  while (*dsn != '\0') {
    size_t len;

    dsn += strspn(dsn, " \t;");
    if (*dsn == '\0')
      break;
    len = strcspn(dsn, "=;");
    if (len == 0 || dsn[len] != '=')
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "dsn: expected a name of odbc.ini, or KEYWORD=value; for each setting");
    while (len > 0 && (dsn[len - 1] == ' ' || dsn[len - 1] == '\t'))
      len--;
    if (is_credential(dsn, len))
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "dsn: a user or a password has no place in it; they are in the file that "
                       "'credential' names");
    dsn = value_end(strchr(dsn, '=') + 1);
    if (!dsn)
      return kith_fail(fault, KITH_ERR_CONFIG, "dsn: a brace that is not closed");
  }
  return KITH_OK;
}

enum kith_err kith_dsn_check(const char *dsn, struct kith_fault *fault)
{
  const size_t len = strlen(dsn);

  if (len == 0 || len > KITH_DSN_BYTES_MAX || !kith_utf8_valid(dsn, len))
    return kith_fail(fault, KITH_ERR_CONFIG, "dsn: expected 1 to %d bytes of UTF-8",
                     KITH_DSN_BYTES_MAX);
  for (const char *c = dsn; *c != '\0'; c++) {
    if ((uint8_t)*c < 0x20 || *c == 0x7f)
      return kith_fail(fault, KITH_ERR_CONFIG, "dsn: a control character");
  }
  if (!kith_dsn_is_string(dsn))
    return len <= KITH_DSN_NAME_BYTES_MAX && !strpbrk(dsn, ";{}[]")
               ? KITH_OK
               : kith_fail(fault, KITH_ERR_CONFIG,
                           "dsn: expected a name of odbc.ini, or KEYWORD=value; for each setting");
  /* Inside of values too: some drivers hand them on to a library with passwords of its own. */
  if (strcasestr(dsn, "password") || strcasestr(dsn, "pwd="))
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "dsn: a password has no place in it; it is in the file that 'credential' "
                     "names");
  return check_keywords(dsn, fault);
}
