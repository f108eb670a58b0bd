/* Schemas of versions 1 and 2, made into one of version 3.
 *
 * Version 2 says n-grams, strategy {k | numBits}; version 1 has one k and one hash for all
 * features, and a weight for each that multiplies k. A feature of weight 0 sets no bit: it is
 * ignored, and still takes its keys. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "crypto/encode/clkhash_parts.h"

struct conversion {
  int version;
  int64_t k;    /* version 1 */
  json_t *hash; /* version 1, borrowed */
};

/* {"bitsPerToken": ...} or {"bitsPerFeature": ...}, NULL with the reader's error. A weight of 0
 * in version 1 sets *ignored. */
static json_t *strategy_convert(const struct conversion *conversion,
                                struct kith_json_reader *hashing, bool *ignored)
{
  struct kith_json_reader reader;
  json_t *weight = json_object_get(hashing->object, "weight");
  int64_t amount;
  bool per_feature;

  if (conversion->version == 1) {
    double factor = weight ? json_number_value(weight) : 1;

    if ((weight && !json_is_number(weight)) || factor < 0 || factor > KITH_CLKHASH_AMOUNT_MAX) {
      kith_json_refuse(hashing, "weight", "expected a number of at least 0");
      return NULL;
    }
    amount = (int64_t)rint(factor * (double)conversion->k);
    *ignored = factor <= 0;
    return *ignored ? json_object() : json_pack("{s:I}", "bitsPerToken", (json_int_t)amount);
  }
  kith_json_nested(&reader, hashing, "strategy", true);
  per_feature = kith_json_has(&reader, "numBits");
  if (per_feature && kith_json_has(&reader, "k"))
    kith_json_refuse(&reader, NULL, "expected one of k and numBits");
  amount = kith_json_int(&reader, per_feature ? "numBits" : "k", 1, KITH_CLKHASH_AMOUNT_MAX);
  hashing->err = reader.err;
  return reader.err == KITH_OK ? json_pack("{s:I}", per_feature ? "bitsPerFeature" : "bitsPerToken",
                                           (json_int_t)amount)
                               : NULL;
}

/* A fresh feature, or NULL with the reader's error or for want of memory. */
static json_t *feature_convert(const struct conversion *conversion, struct kith_json_reader *reader)
{
  json_t *feature = json_copy(reader->object);
  struct kith_json_reader hashing;
  bool ignored = false;
  json_t *strategy;
  json_t *made = NULL;
  json_t *hash;
  int64_t n;
  bool positional;

  if (!feature || !kith_json_has(reader, "hashing"))
    return feature;
  kith_json_nested(&hashing, reader, "hashing", true);
  n = kith_json_int(&hashing, "ngram", 1, KITH_CLKHASH_N_MAX);
  positional = kith_json_bool_or(&hashing, "positional", false);
  hash = conversion->version == 1 ? conversion->hash : json_object_get(hashing.object, "hash");
  strategy = hashing.err == KITH_OK ? strategy_convert(conversion, &hashing, &ignored) : NULL;
  reader->err = hashing.err;
  if (strategy && ignored)
    made =
        json_pack("{s:O?,s:b}", "identifier", json_object_get(feature, "identifier"), "ignored", 1);
  else if (strategy)
    made = json_pack("{s:{s:s,s:I,s:b},s:O,s:O*,s:O*}", "comparison", "type", "ngram", "n",
                     (json_int_t)n, "positional", positional, "strategy", strategy, "hash", hash,
                     "missingValue", json_object_get(hashing.object, "missingValue"));
  json_decref(strategy);
  if (made && ignored) {
    json_decref(feature);
    return made;
  }
  if (!made || json_object_set_new(feature, "hashing", made) != 0) {
    json_decref(feature);
    return NULL;
  }
  return feature;
}

static enum kith_err features_convert(const struct conversion *conversion, json_t *into,
                                      const json_t *from, const char *name,
                                      struct kith_fault *fault)
{
  for (size_t i = 0; i < json_array_size(from); i++) {
    struct kith_json_reader reader;
    char place[160];
    json_t *feature;

    (void)snprintf(place, sizeof place, "%.100s: features[%zu]", name, i);
    kith_json_begin(&reader, json_array_get(from, i), place, fault);
    feature = reader.err == KITH_OK ? feature_convert(conversion, &reader) : NULL;
    if (reader.err != KITH_OK) {
      json_decref(feature);
      return reader.err;
    }
    if (!feature || json_array_append_new(into, feature) != 0)
      return KITH_ERR_MEMORY;
  }
  return KITH_OK;
}

enum kith_err kith_clkhash_convert(json_t **out, json_t *document, const char *name,
                                   struct kith_fault *fault)
{
  json_t *version = json_object_get(document, "version");
  double number = json_is_number(version) ? json_number_value(version) : 0;
  struct conversion conversion = {.version = number == 1 ? 1 : 2};
  struct kith_json_reader reader;
  struct kith_json_reader config;
  json_t *features = NULL;
  json_t *made;
  enum kith_err err;

  if (number == 3) {
    *out = json_incref(document);
    return KITH_OK;
  }
  kith_json_begin(&reader, document, name, fault);
  if (number != 1 && number != 2)
    kith_json_refuse(&reader, "version", "expected a linkage schema of version 1, 2 or 3");
  kith_json_nested(&config, &reader, "clkConfig", true);
  if (conversion.version == 1) {
    conversion.k = kith_json_int(&config, "k", 1, KITH_CLKHASH_AMOUNT_MAX);
    conversion.hash = kith_json_object(&config, "hash");
  }
  if (config.err != KITH_OK)
    return config.err;
  features = kith_json_array(&reader, "features", 1, KITH_CLKHASH_FEATURES_MAX);
  if (reader.err != KITH_OK)
    return reader.err;
  made = json_pack("{s:i,s:O,s:[]}", "version", 3, "clkConfig", config.object, "features");
  if (!made)
    return KITH_ERR_MEMORY;
  err = features_convert(&conversion, json_object_get(made, "features"), features, name, fault);
  if (err != KITH_OK) {
    json_decref(made);
    return err;
  }
  *out = made;
  return KITH_OK;
}
