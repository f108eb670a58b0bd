/* Schemas of versions 1 and 2, made into one of version 3.
 *
 * Version 2 says n-grams, strategy {k | numBits}; version 1 has one k and one hash for all
 * features, and a weight for each that multiplies k. A feature of weight 0 sets no bit: it is
 * ignored, and still takes its keys. What version 3 has as well is checked when that is read. */
#include <math.h>
#include <stdio.h>

#include "crypto/encode/clkhash_parts.h"

struct conversion {
  int version;
  int64_t k;    /* version 1 */
  json_t *hash; /* version 1, borrowed */
};

/* Bits a token or a feature; 0 with the reader's error, or where a weight makes it so. */
static int64_t weighted_amount(const struct conversion *conversion,
                               struct kith_json_reader *hashing)
{
  const json_t *weight =
      kith_json_has(hashing, "weight") ? json_object_get(hashing->object, "weight") : NULL;
  double factor = weight ? json_number_value(weight) : 1;
  double amount = rint(factor * (double)conversion->k);

  if ((weight && !json_is_number(weight)) || factor < 0)
    kith_json_refuse(hashing, "weight", "expected a number of at least 0");
  else if (factor > 0 && (amount < 1 || amount > KITH_CLKHASH_AMOUNT_MAX))
    kith_json_refuse(hashing, "weight", "times k it is not from 1 to %d",
                     (int)KITH_CLKHASH_AMOUNT_MAX);
  return hashing->err == KITH_OK ? (int64_t)amount : 0;
}

static int64_t strategy_amount(struct kith_json_reader *hashing, bool *per_feature)
{
  struct kith_json_reader reader;
  int64_t amount;

  kith_json_nested(&reader, hashing, "strategy", true);
  *per_feature = kith_json_has(&reader, "numBits");
  if (*per_feature && kith_json_has(&reader, "k"))
    kith_json_refuse(&reader, NULL, "expected one of k and numBits");
  amount =
      kith_clkhash_whole(&reader, *per_feature ? "numBits" : "k", 1, KITH_CLKHASH_AMOUNT_MAX, 0);
  hashing->err = kith_json_done(&reader);
  return hashing->err == KITH_OK ? amount : 0;
}

/* A fresh hashing of version 3, NULL with the reader's error or for want of memory. */
static json_t *hashing_convert(const struct conversion *conversion,
                               struct kith_json_reader *hashing, bool *weightless)
{
  bool per_feature = false;
  int64_t amount = conversion->version == 1 ? weighted_amount(conversion, hashing)
                                            : strategy_amount(hashing, &per_feature);
  bool positional = kith_json_bool_or(hashing, "positional", false);
  int64_t n;
  json_t *hash =
      conversion->version == 1 ? conversion->hash : json_object_get(hashing->object, "hash");

  *weightless = hashing->err == KITH_OK && amount == 0;
  n = kith_json_int(hashing, "ngram", *weightless ? 0 : 1, KITH_CLKHASH_N_MAX);
  (void)kith_json_has(hashing, "hash");
  (void)kith_json_has(hashing, "missingValue");
  if (conversion->version == 1) {
    /* The two are overwritten by clkhash. */
    (void)kith_json_has(hashing, "strategy");
    (void)kith_json_has(hashing, "comparison");
  }
  if (hashing->err != KITH_OK || (!*weightless && kith_json_done(hashing) != KITH_OK))
    return NULL;
  return json_pack("{s:{s:s,s:I,s:b},s:{s:I},s:O*,s:O*}", "comparison", "type", "ngram", "n",
                   (json_int_t)(n > 0 ? n : 1), "positional", positional, "strategy",
                   per_feature ? "bitsPerFeature" : "bitsPerToken",
                   (json_int_t)(amount > 0 ? amount : 1), "hash", hash, "missingValue",
                   json_object_get(hashing->object, "missingValue"));
}

/* A fresh feature, or NULL with the reader's error or for want of memory. */
static json_t *feature_convert(const struct conversion *conversion, struct kith_json_reader *reader)
{
  json_t *feature = json_copy(reader->object);
  struct kith_json_reader hashing;
  bool weightless = false;
  json_t *made;

  if (!feature || !kith_json_has(reader, "hashing"))
    return feature;
  kith_json_nested(&hashing, reader, "hashing", true);
  made = hashing.err == KITH_OK ? hashing_convert(conversion, &hashing, &weightless) : NULL;
  reader->err = hashing.err;
  if (!made || json_object_set_new(feature, "hashing", made) != 0 ||
      (weightless && json_object_set_new(feature, "ignored", json_true()) != 0)) {
    json_decref(feature);
    return NULL;
  }
  return feature;
}

/* Whether a feature that says it is ignored is a whole feature too, which these versions refuse. */
static bool is_both(const struct conversion *conversion, json_t *object, const char *place)
{
  struct kith_clkhash_feature feature = {0};
  struct kith_json_reader reader;
  json_t *made;
  bool both = false;

  kith_json_begin(&reader, object, place, NULL);
  if (!kith_json_has(&reader, "format") || !kith_json_has(&reader, "hashing"))
    return false;
  made = feature_convert(conversion, &reader);
  if (made && reader.err == KITH_OK)
    both = kith_clkhash_feature_read(&feature, made, place, NULL) == KITH_OK;
  kith_clkhash_feature_free(&feature);
  json_decref(made);
  return both;
}

static enum kith_err features_convert(const struct conversion *conversion, json_t *into,
                                      const json_t *from, const char *name,
                                      struct kith_fault *fault)
{
  for (size_t i = 0; i < json_array_size(from); i++) {
    json_t *object = json_array_get(from, i);
    struct kith_json_reader reader;
    char place[160];
    json_t *feature = NULL;

    (void)snprintf(place, sizeof place, "%.100s: features[%zu]", name, i);
    kith_json_begin(&reader, object, place, fault);
    if (reader.err == KITH_OK && !json_is_true(json_object_get(object, "ignored")))
      feature = feature_convert(conversion, &reader);
    else if (reader.err == KITH_OK && is_both(conversion, object, place))
      kith_json_refuse(&reader, "ignored", "beside format and hashing it is for version 3 only");
    else
      feature = json_incref(object);
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
  struct kith_clkhash_feature hash = {0};
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
    conversion.k = kith_clkhash_whole(&config, "k", 1, KITH_CLKHASH_AMOUNT_MAX, 0);
    conversion.hash = kith_json_object(&config, "hash");
    if (config.err == KITH_OK)
      config.err = kith_clkhash_hash_read(&hash, &config, true);
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
