#include <string.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

/* A pattern that backtracks without end must not hang the program. */
enum { MATCH_LIMIT = 5000000, HEAP_LIMIT_KIB = 65536, PATTERN_BYTES_MAX = 65536 };

static void *regex_malloc(size_t len, void *context)
{
  (void)context;
  return kith_calloc(len, 1);
}

static void regex_release(void *block, void *context)
{
  (void)context;
  kith_free(block);
}

enum kith_err kith_clkhash_regex_compile(struct kith_clkhash_regex *out, const char *pattern,
                                         unsigned flags, char why[128])
{
  uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C;
  pcre2_general_context *general = pcre2_general_context_create(regex_malloc, regex_release, NULL);
  pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
  struct kith_clkhash_regex regex = {0};
  enum kith_err err = KITH_ERR_MEMORY;
  int code = 0;
  size_t offset = 0;

  if (flags & KITH_CLKHASH_REGEX_WHOLE)
    options |= PCRE2_ENDANCHORED;
  if (flags & KITH_CLKHASH_REGEX_CASELESS)
    options |= PCRE2_CASELESS;
  if (!context || pcre2_set_newline(context, PCRE2_NEWLINE_LF) != 0)
    goto done;
  regex.code =
      pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &offset, context);
  if (!regex.code && code != PCRE2_ERROR_HEAP_FAILED) {
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, 128) < 0)
      (void)memcpy(why, "not a regular expression", sizeof "not a regular expression");
    err = KITH_ERR_CONFIG;
    goto done;
  }
  regex.limits = pcre2_match_context_create(general);
  if (!regex.code || !regex.limits)
    goto done;
  (void)pcre2_set_match_limit(regex.limits, MATCH_LIMIT);
  (void)pcre2_set_heap_limit(regex.limits, HEAP_LIMIT_KIB);
  *out = regex;
  memset(&regex, 0, sizeof regex);
  err = KITH_OK;

done:
  kith_clkhash_regex_free(&regex);
  pcre2_compile_context_free(context);
  pcre2_general_context_free(general);
  return err;
}

void kith_clkhash_regex_free(struct kith_clkhash_regex *regex)
{
  pcre2_match_context_free(regex->limits);
  pcre2_code_free(regex->code);
  memset(regex, 0, sizeof *regex);
}

enum kith_err kith_clkhash_match_new(pcre2_match_data **out)
{
  pcre2_general_context *general = pcre2_general_context_create(regex_malloc, regex_release, NULL);
  pcre2_match_data *match =
      general ? pcre2_match_data_create(KITH_CLKHASH_DATE_PARTS_MAX + 1, general) : NULL;

  pcre2_general_context_free(general);
  if (!match)
    return KITH_ERR_MEMORY;
  *out = match;
  return KITH_OK;
}

enum kith_err kith_clkhash_regex_match(const struct kith_clkhash_regex *regex,
                                       pcre2_match_data *match, const char *text)
{
  int n = pcre2_match(regex->code, (PCRE2_SPTR)text, strlen(text), 0, 0, match, regex->limits);

  if (n >= 0)
    return KITH_OK;
  if (n == PCRE2_ERROR_NOMEMORY)
    return KITH_ERR_MEMORY;
  return n == PCRE2_ERROR_NOMATCH ? KITH_ERR_DATA : KITH_ERR_LIMIT;
}

/* ---- from Python's language to PCRE2's */

/* The escapes that both read alike, outside and inside a class. */
static bool escape_common(char c, bool in_class)
{
  if ((unsigned char)c >= 0x80 || (c >= '0' && c <= '9'))
    return true;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
    return strchr(in_class ? "bdDwWafnrtx" : "AbBdDwWafnrtx", c) != NULL;
  return c != '\0';
}

/* What follows "(?" that both read alike; flags for the whole expression only at its start. */
static bool group_common(const char *after, bool at_start)
{
  static const char *const known[] = {":", "=", "!", "<=", "<!", "P<", "P=", "#", "(", ">"};

  for (size_t i = 0; i < KITH_COUNT_OF(known); i++)
    if (strncmp(after, known[i], strlen(known[i])) == 0)
      return true;
  /* Flags: (?i), (?i-s:...) */
  for (size_t i = 0; after[i]; i++)
    if (!strchr("imsx-", after[i]))
      return i > 0 && (after[i] == ':' || (after[i] == ')' && at_start && !memchr(after, '-', i)));
  return false;
}

/* The length of a repeat at the start of the text, 0: none. A brace that is none is itself. */
static size_t repeat_len(const char *text)
{
  size_t n = 1;
  size_t low;

  if (*text == '*' || *text == '+' || *text == '?')
    return 1;
  if (*text != '{')
    return 0;
  n += low = strspn(text + 1, "0123456789");
  if (text[n] == ',')
    n += 1 + strspn(text + n + 1, "0123456789");
  else if (low == 0)
    return 0;
  return text[n] == '}' ? n + 1 : 0;
}

/* Whether what Python refuses follows: a repeat of a place, or of a repeat, both of which PCRE2
 * takes. `python` is at the element's start, n its length. */
static bool repeat_wrong(const char *python, size_t n)
{
  bool place =
      *python == '^' || *python == '$' || (*python == '\\' && n == 2 && strchr("AbBZ", python[1]));
  size_t repeat = repeat_len(python + n);

  if (place || !repeat)
    return place && repeat;
  python += n + repeat;
  if (*python == '?' || *python == '+')
    python++;
  return repeat_len(python) != 0;
}

/* Translates the escape at `at` (a backslash); the number of bytes read, 0: not served. */
static size_t escape_translate(struct kith_buf *out, const char *at, bool in_class)
{
  switch (at[1]) {
  case 's':
    kith_buf_printf(out, in_class ? "%s" : "[%s]", KITH_CLKHASH_BLANKS);
    return 2;
  case 'S':
    if (in_class)
      return 0;
    kith_buf_printf(out, "[^%s]", KITH_CLKHASH_BLANKS);
    return 2;
  case 'v':
    kith_buf_append_string(out, "\\x0b");
    return 2;
  case 'Z':
    if (in_class)
      return 0;
    kith_buf_append_string(out, "\\z");
    return 2;
  case 'u':
    for (int i = 2; i < 6; i++)
      if (!at[i] || !strchr("0123456789abcdefABCDEF", at[i]))
        return 0;
    kith_buf_printf(out, "\\x{%.4s}", at + 2);
    return 6;
  default:
    if (!escape_common(at[1], in_class))
      return 0;
    kith_buf_append(out, at, 2);
    return 2;
  }
}

/* Translates an element inside a class; *in_class is unset at its end. */
static size_t class_translate(struct kith_buf *out, const char *at, bool *in_class, bool first)
{
  if (at[0] == '\\')
    return escape_translate(out, at, true);
  if (at[0] == '[') {
    /* Not the start of [:alpha:]. */
    kith_buf_append_string(out, "\\[");
    return 1;
  }
  if (at[0] == ']' && !first)
    *in_class = false;
  kith_buf_append(out, at, 1);
  return 1;
}

static const char *pattern_translate(struct kith_buf *out, const char *python)
{
  bool in_class = false;
  size_t class_start = 0;

  for (size_t at = 0; python[at];) {
    size_t n = 1;

    if (in_class) {
      n = class_translate(out, python + at, &in_class, at == class_start);
    } else if (python[at] == '\\') {
      n = escape_translate(out, python + at, false);
    } else if (python[at] == '[') {
      in_class = true;
      n = python[at + 1] == '^' ? 2 : 1;
      kith_buf_append(out, python + at, n);
      class_start = at + n;
    } else if (python[at] == '(' && python[at + 1] == '*') {
      return "nothing to repeat after a bracket";
    } else if (python[at] == '(' && python[at + 1] == '?' &&
               !group_common(python + at + 2, at == 0)) {
      return "a kind of group that is not served";
    } else if (python[at] == '{' && python[at + 1] == ',') {
      /* No lower bound is 0 to Python, a plain text to PCRE2. */
      kith_buf_append_string(out, "{0,");
      n = 2;
    } else {
      kith_buf_append(out, python + at, 1);
    }
    if (n == 0)
      return "an escape that is not served";
    if (!in_class && repeat_wrong(python + at, n))
      return "nothing to repeat";
    at += n;
  }
  return NULL;
}

enum kith_err kith_clkhash_regex_new(struct kith_clkhash_regex *out, const char *python,
                                     unsigned flags, char why[128])
{
  struct kith_buf pattern;
  const char *wrong;
  enum kith_err err;

  kith_buf_init(&pattern, PATTERN_BYTES_MAX);
  wrong = pattern_translate(&pattern, python);
  kith_buf_append(&pattern, "", 1);
  err = kith_buf_err(&pattern);
  if (wrong) {
    err = KITH_ERR_CONFIG;
    memcpy(why, wrong, strlen(wrong) + 1);
  } else if (err == KITH_ERR_LIMIT) {
    err = KITH_ERR_CONFIG;
    memcpy(why, "too long", sizeof "too long");
  } else if (err == KITH_OK) {
    err = kith_clkhash_regex_compile(out, (const char *)pattern.bytes, flags, why);
  }
  kith_buf_free(&pattern);
  return err;
}
