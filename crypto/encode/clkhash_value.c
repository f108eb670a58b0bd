#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

/* Code points that upper case turns into several, and that simple case mapping leaves alone. */
static const uint16_t grows[][2] = {
    {0x149, 0x149},   {0x1f0, 0x1f0},   {0x390, 0x390},   {0x3b0, 0x3b0},   {0x587, 0x587},
    {0x1e96, 0x1e9a}, {0x1f50, 0x1f50}, {0x1f52, 0x1f52}, {0x1f54, 0x1f54}, {0x1f56, 0x1f56},
    {0x1f88, 0x1f8f}, {0x1f98, 0x1f9f}, {0x1fa8, 0x1faf}, {0x1fb2, 0x1fb2}, {0x1fb4, 0x1fb4},
    {0x1fb6, 0x1fb7}, {0x1fbc, 0x1fbc}, {0x1fc2, 0x1fc2}, {0x1fc4, 0x1fc4}, {0x1fc6, 0x1fc7},
    {0x1fcc, 0x1fcc}, {0x1fd2, 0x1fd3}, {0x1fd6, 0x1fd7}, {0x1fe2, 0x1fe4}, {0x1fe6, 0x1fe7},
    {0x1ff2, 0x1ff2}, {0x1ff4, 0x1ff4}, {0x1ff6, 0x1ff7}, {0x1ffc, 0x1ffc}, {0xfb00, 0xfb06},
    {0xfb13, 0xfb17},
};

static bool upper_changes(utf8proc_int32_t c)
{
  for (size_t i = 0; i < KITH_COUNT_OF(grows); i++)
    if (c >= grows[i][0] && c <= grows[i][1])
      return true;
  return utf8proc_toupper(c) != c;
}

static enum kith_err string_check(const struct kith_clkhash_feature *feature, const char *value,
                                  struct kith_fault *fault)
{
  int64_t n = 0;

  for (const char *at = value; *at; n++) {
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)at, -1, &c);

    if (len <= 0)
      return kith_fail(fault, KITH_ERR_DATA, "expected UTF-8");
    if (feature->encoding == KITH_CLKHASH_ASCII && c >= 0x80)
      return kith_fail(fault, KITH_ERR_DATA, "expected ASCII characters only");
    if (feature->letter_case == KITH_CLKHASH_UPPER && upper_changes(c))
      return kith_fail(fault, KITH_ERR_DATA, "expected upper case");
    if (feature->letter_case == KITH_CLKHASH_LOWER && utf8proc_tolower(c) != c)
      return kith_fail(fault, KITH_ERR_DATA, "expected lower case");
    at += len;
  }
  if (n < feature->min_length)
    return kith_fail(fault, KITH_ERR_DATA, "expected at least %lld characters",
                     (long long)feature->min_length);
  if (n > feature->max_length)
    return kith_fail(fault, KITH_ERR_DATA, "expected at most %lld characters",
                     (long long)feature->max_length);
  return KITH_OK;
}

static enum kith_err pattern_check(const struct kith_clkhash_feature *feature,
                                   pcre2_match_data *match, const char *value,
                                   struct kith_fault *fault)
{
  enum kith_err err = string_check(feature, value, fault);

  if (err == KITH_OK)
    err = kith_clkhash_regex_match(&feature->pattern, match, value);
  else
    return err;
  if (err == KITH_ERR_DATA)
    return kith_fail(fault, err, "expected what the schema's pattern describes");
  if (err == KITH_ERR_LIMIT)
    return kith_fail(fault, KITH_ERR_DATA, "the schema's pattern takes too long on it");
  return err;
}

static enum kith_err integer_format(const struct kith_clkhash_feature *feature,
                                    struct kith_buf *out, const char *value,
                                    struct kith_fault *fault)
{
  BIGNUM *number = BN_new();
  BIGNUM *bound = BN_new();
  char *text = NULL;
  enum kith_err err = number && bound ? kith_clkhash_integer_parse(number, value) : KITH_ERR_MEMORY;

  if (err == KITH_ERR_DATA)
    (void)kith_fail(fault, err, "expected a whole number");
  if (err == KITH_OK && feature->has_minimum) {
    err = kith_clkhash_bn_set_int(bound, feature->minimum);
    if (err == KITH_OK && BN_cmp(number, bound) < 0)
      err = kith_fail(fault, KITH_ERR_DATA, "expected at least %lld", (long long)feature->minimum);
  }
  if (err == KITH_OK && feature->has_maximum) {
    err = kith_clkhash_bn_set_int(bound, feature->maximum);
    if (err == KITH_OK && BN_cmp(number, bound) > 0)
      err = kith_fail(fault, KITH_ERR_DATA, "expected at most %lld", (long long)feature->maximum);
  }
  if (err == KITH_OK && !(text = BN_bn2dec(number)))
    err = KITH_ERR_MEMORY;
  if (err == KITH_OK) {
    kith_buf_append_string(out, text);
    OPENSSL_clear_free(text, strlen(text) + 1);
  }
  BN_free(bound);
  BN_clear_free(number);
  return err;
}

static enum kith_err date_format(const struct kith_clkhash_feature *feature,
                                 pcre2_match_data *match, struct kith_buf *out, const char *value,
                                 struct kith_fault *fault)
{
  char text[16];
  enum kith_err err = kith_clkhash_date_format(&feature->date, match, text, value);

  if (err == KITH_ERR_DATA || err == KITH_ERR_LIMIT)
    return kith_fail(fault, KITH_ERR_DATA, "expected a date of the schema's format");
  if (err == KITH_OK)
    kith_buf_append_string(out, text);
  return err;
}

static enum kith_err enum_check(const struct kith_clkhash_feature *feature, const char *value,
                                struct kith_fault *fault)
{
  for (size_t i = 0; i < json_array_size(feature->values); i++)
    if (strcmp(json_string_value(json_array_get(feature->values, i)), value) == 0)
      return KITH_OK;
  return kith_fail(fault, KITH_ERR_DATA, "expected one of the schema's %zu values",
                   json_array_size(feature->values));
}

static enum kith_err format_append(const struct kith_clkhash_feature *feature,
                                   pcre2_match_data *match, struct kith_buf *out, const char *value,
                                   struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  switch (feature->format) {
  case KITH_CLKHASH_INTEGER:
    return integer_format(feature, out, value, fault);
  case KITH_CLKHASH_DATE:
    return date_format(feature, match, out, value, fault);
  case KITH_CLKHASH_STRING:
    err = string_check(feature, value, fault);
    break;
  case KITH_CLKHASH_PATTERN:
    err = pattern_check(feature, match, value, fault);
    break;
  case KITH_CLKHASH_ENUM:
    err = enum_check(feature, value, fault);
    break;
  }
  if (err == KITH_OK)
    kith_buf_append_string(out, value);
  return err;
}

enum kith_err kith_clkhash_value_format(const struct kith_clkhash_feature *feature,
                                        pcre2_match_data *match, struct kith_buf *out,
                                        const char *value, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  if (feature->sentinel && strcmp(feature->sentinel, value) == 0)
    kith_buf_append_string(out, feature->replacement ? feature->replacement : value);
  else
    err = format_append(feature, match, out, value, fault);
  kith_buf_append(out, "", 1);
  return err != KITH_OK ? err : kith_buf_err(out);
}
