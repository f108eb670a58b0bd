#include <math.h>
#include <string.h>

#include "base/json.h"
#include "crypto/encode/clkhash_parts.h"

/* Doubles up to here are all whole numbers that they stand for. */
#define EXACT_MAX 9007199254740992.0

/* A fault of PCRE2 or of ours about a key. */
static void refuse_why(struct kith_json_reader *reader, enum kith_err err, const char *key,
                       const char *why)
{
  if (err == KITH_ERR_CONFIG)
    kith_json_refuse(reader, key, "%s", why);
  else if (err != KITH_OK && reader->err == KITH_OK)
    reader->err = kith_fail(reader->fault, err, "%s: %s", reader->place, kith_err_name(err));
}

int64_t kith_clkhash_whole(struct kith_json_reader *reader, const char *key, int64_t min,
                           int64_t max, int64_t fallback)
{
  const json_t *value = kith_json_has(reader, key) ? json_object_get(reader->object, key) : NULL;
  double real = json_is_real(value) ? json_real_value(value) : 0.5;

  if (real == trunc(real) && real >= (double)min && real <= (double)max && fabs(real) <= EXACT_MAX)
    return (int64_t)real;
  return fallback < min ? kith_json_int(reader, key, min, max)
                        : kith_json_int_or(reader, key, min, max, fallback);
}

/* The index of the string in the list, or n with a refusal. */
static size_t choice(struct kith_json_reader *reader, const char *key, const char *text,
                     const char *const *list, size_t n)
{
  size_t i = 0;

  while (i < n && strcmp(list[i], text) != 0)
    i++;
  if (i == n)
    kith_json_refuse(reader, key, "is not a value that is known here");
  return i;
}

/* ---- format ---- */

static void encoding_read(struct kith_clkhash_feature *out, struct kith_json_reader *format)
{
  static const char *const names[] = {"utf-8", "ascii", "utf-16", "utf-32"};
  static const enum kith_clkhash_encoding encodings[] = {KITH_CLKHASH_UTF8, KITH_CLKHASH_ASCII,
                                                         KITH_CLKHASH_UTF16, KITH_CLKHASH_UTF32};
  size_t i = choice(format, "encoding", kith_json_string(format, "encoding", names[0]), names, 4);

  if (i < 4)
    out->encoding = encodings[i];
}

static void string_read(struct kith_clkhash_feature *out, struct kith_json_reader *format)
{
  static const char *const names[] = {"mixed", "upper", "lower"};
  static const enum kith_clkhash_case cases[] = {KITH_CLKHASH_MIXED, KITH_CLKHASH_UPPER,
                                                 KITH_CLKHASH_LOWER};
  char why[128] = "";
  size_t i;

  encoding_read(out, format);
  out->max_length = INT64_MAX;
  if (kith_json_has(format, "pattern")) {
    const char *pattern = kith_json_string(format, "pattern", NULL);

    out->format = KITH_CLKHASH_PATTERN;
    if (format->err == KITH_OK && !out->ignored)
      refuse_why(format,
                 kith_clkhash_regex_new(&out->pattern, pattern, KITH_CLKHASH_REGEX_WHOLE, why),
                 "pattern", why);
    return;
  }
  out->format = KITH_CLKHASH_STRING;
  i = choice(format, "case", kith_json_string(format, "case", names[0]), names, 3);
  if (i < 3)
    out->letter_case = cases[i];
  out->min_length = kith_clkhash_whole(format, "minLength", 0, INT64_MAX, 0);
  out->max_length = kith_clkhash_whole(format, "maxLength", 1, INT64_MAX, INT64_MAX);
}

static void enum_read(struct kith_clkhash_feature *out, struct kith_json_reader *format)
{
  out->format = KITH_CLKHASH_ENUM;
  out->values = kith_json_array(format, "values", 0, SIZE_MAX);
  for (size_t i = 0; i < json_array_size(out->values); i++)
    if (!json_is_string(json_array_get(out->values, i)))
      kith_json_refuse(format, "values", "expected strings");
}

static void date_read(struct kith_clkhash_feature *out, struct kith_json_reader *format)
{
  const char *text = kith_json_string(format, "format", NULL);
  char why[128] = "";

  out->format = KITH_CLKHASH_DATE;
  if (format->err == KITH_OK && !out->ignored)
    refuse_why(format, kith_clkhash_date_new(&out->date, text, why), "format", why);
}

static enum kith_err format_read(struct kith_clkhash_feature *out, struct kith_json_reader *feature)
{
  static const char *const names[] = {"string", "integer", "date", "enum"};
  struct kith_json_reader format;

  kith_json_nested(&format, feature, "format", true);
  switch (choice(&format, "type", kith_json_string(&format, "type", NULL), names, 4)) {
  case 0:
    string_read(out, &format);
    break;
  case 1:
    out->format = KITH_CLKHASH_INTEGER;
    out->has_minimum = kith_json_has(&format, "minimum");
    out->has_maximum = kith_json_has(&format, "maximum");
    out->minimum = kith_clkhash_whole(&format, "minimum", INT64_MIN, INT64_MAX, 0);
    out->maximum = kith_clkhash_whole(&format, "maximum", INT64_MIN, INT64_MAX, 0);
    break;
  case 2:
    date_read(out, &format);
    break;
  case 3:
    enum_read(out, &format);
    break;
  default:
    break;
  }
  (void)kith_json_string(&format, "description", "");
  return kith_json_done(&format);
}

/* ---- hashing ---- */

static enum kith_err numeric_read(struct kith_clkhash_feature *out, struct kith_json_reader *reader)
{
  json_t *threshold = json_object_get(reader->object, "thresholdDistance");
  unsigned resolution =
      (unsigned)kith_json_int(reader, "resolution", 1, KITH_CLKHASH_RESOLUTION_MAX);
  unsigned precision =
      (unsigned)kith_json_int_or(reader, "fractional_precision", 0, KITH_CLKHASH_PRECISION_MAX, 0);

  if (!json_is_number(threshold) || json_number_value(threshold) <= 0)
    kith_json_refuse(reader, "thresholdDistance", "expected a number above 0");
  if (reader->err == KITH_OK && !out->ignored)
    refuse_why(reader, kith_clkhash_numeric_new(&out->numeric, threshold, resolution, precision),
               "thresholdDistance", "rounds to 0, or is too large, at this fractional_precision");
  return reader->err;
}

static enum kith_err comparison_read(struct kith_clkhash_feature *out,
                                     struct kith_json_reader *hashing)
{
  static const char *const names[] = {"ngram", "exact", "numeric"};
  struct kith_json_reader reader;

  kith_json_nested(&reader, hashing, "comparison", true);
  switch (choice(&reader, "type", kith_json_string(&reader, "type", NULL), names, 3)) {
  case 0:
    out->comparison = KITH_CLKHASH_NGRAM;
    out->n = (unsigned)kith_json_int(&reader, "n", 1, KITH_CLKHASH_N_MAX);
    out->positional = kith_json_bool_or(&reader, "positional", false);
    break;
  case 1:
    out->comparison = KITH_CLKHASH_EXACT;
    break;
  case 2:
    out->comparison = KITH_CLKHASH_NUMERIC;
    return numeric_read(out, &reader);
  default:
    break;
  }
  return reader.err;
}

static enum kith_err strategy_read(struct kith_clkhash_feature *out,
                                   struct kith_json_reader *hashing)
{
  struct kith_json_reader reader;

  kith_json_nested(&reader, hashing, "strategy", true);
  out->per_feature = kith_json_has(&reader, "bitsPerFeature");
  if (out->per_feature && kith_json_has(&reader, "bitsPerToken"))
    kith_json_refuse(&reader, NULL, "expected one of bitsPerToken and bitsPerFeature");
  out->amount = (unsigned)kith_clkhash_whole(
      &reader, out->per_feature ? "bitsPerFeature" : "bitsPerToken", 1, KITH_CLKHASH_AMOUNT_MAX, 0);
  return kith_json_done(&reader);
}

enum kith_err kith_clkhash_hash_read(struct kith_clkhash_feature *out,
                                     struct kith_json_reader *above, bool required)
{
  static const char *const names[] = {"blakeHash", "doubleHash"};
  struct kith_json_reader reader;

  out->blake = true;
  kith_json_nested(&reader, above, "hash", required);
  if (!reader.object)
    return reader.err;
  out->blake = choice(&reader, "type", kith_json_string(&reader, "type", NULL), names, 2) == 0;
  if (!out->blake)
    out->prevent_singularity = kith_json_bool_or(&reader, "prevent_singularity", false);
  else if (kith_json_has(&reader, "prevent_singularity") && !out->ignored &&
           !json_is_null(json_object_get(reader.object, "prevent_singularity")))
    kith_json_refuse(&reader, "prevent_singularity", "is for doubleHash only");
  return reader.err;
}

static enum kith_err missing_read(struct kith_clkhash_feature *out,
                                  struct kith_json_reader *hashing)
{
  struct kith_json_reader reader;

  kith_json_nested(&reader, hashing, "missingValue", false);
  if (!reader.object)
    return reader.err;
  out->sentinel = kith_json_string(&reader, "sentinel", NULL);
  if (kith_json_has(&reader, "replaceWith"))
    out->replacement = kith_json_string(&reader, "replaceWith", NULL);
  return reader.err;
}

static enum kith_err hashing_read(struct kith_clkhash_feature *out,
                                  struct kith_json_reader *feature)
{
  struct kith_json_reader hashing;
  enum kith_err err;

  kith_json_nested(&hashing, feature, "hashing", true);
  if (hashing.err != KITH_OK)
    return hashing.err;
  if ((err = comparison_read(out, &hashing)) != KITH_OK ||
      (err = strategy_read(out, &hashing)) != KITH_OK ||
      (err = kith_clkhash_hash_read(out, &hashing, false)) != KITH_OK ||
      (err = missing_read(out, &hashing)) != KITH_OK)
    return err;
  return kith_json_done(&hashing);
}

/* ---- a feature ---- */

enum kith_err kith_clkhash_feature_read(struct kith_clkhash_feature *out, json_t *object,
                                        const char *place, struct kith_fault *fault)
{
  struct kith_json_reader reader;
  enum kith_err err;

  kith_json_begin(&reader, object, place, fault);
  out->identifier = kith_json_string(&reader, "identifier", NULL);
  out->ignored = kith_json_bool_or(&reader, "ignored", false);
  (void)kith_json_string(&reader, "description", "");
  if (out->ignored && !kith_json_has(&reader, "format") && !kith_json_has(&reader, "hashing"))
    return kith_json_done(&reader);
  if (reader.err != KITH_OK)
    return reader.err;
  err = format_read(out, &reader);
  return err == KITH_OK ? hashing_read(out, &reader) : err;
}

void kith_clkhash_feature_free(struct kith_clkhash_feature *feature)
{
  kith_clkhash_regex_free(&feature->pattern);
  kith_clkhash_regex_free(&feature->date.regex);
  kith_clkhash_numeric_free(&feature->numeric);
}
