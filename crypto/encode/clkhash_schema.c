#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

enum { FOLDS_MAX = 24, BLAKE_KEY_BYTES_MAX = 64, KEY_SIZE_MAX = 1 << 20 };

/* The value of a base64 digit, -1: none. */
static int digit_of(char c)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;

  return at ? (int)(at - digits) : -1;
}

/* As Python reads base64: what is no digit is left out, also padding before two digits of a group;
 * where a group is padded the rest is not read; bits that are left over don't matter. False where a
 * group is not whole. */
static bool base64_read(uint8_t *out, size_t *len, const char *text)
{
  unsigned n_digits = 0;
  unsigned n_pads = 0;
  uint32_t group = 0;

  for (; *text; text++) {
    int digit = digit_of(*text);

    if (*text == '=' && n_digits >= 2 && n_digits + ++n_pads >= 4)
      return true;
    if (digit < 0)
      continue;
    n_pads = 0;
    group = group << 6 | (uint32_t)digit;
    if (n_digits > 0)
      out[(*len)++] = (uint8_t)(group >> (6 - 2 * n_digits));
    n_digits = (n_digits + 1) % 4;
  }
  return n_digits == 0;
}

/* Base64 of any length as fresh bytes; absent: none. */
static void bytes_read(uint8_t **out, size_t *len, struct kith_json_reader *reader, const char *key)
{
  const char *text = kith_json_string(reader, key, "");

  if (reader->err != KITH_OK || !text[0])
    return;
  *out = kith_calloc(strlen(text), 1);
  if (!*out)
    reader->err = KITH_ERR_MEMORY;
  for (const char *at = text; reader->err == KITH_OK && *at; at++)
    if ((unsigned char)*at >= 0x80)
      kith_json_refuse(reader, key, "expected base64");
  if (reader->err == KITH_OK && !base64_read(*out, len, text))
    kith_json_refuse(reader, key, "expected base64");
}

static enum kith_err kdf_read(struct kith_clkhash_schema *out, struct kith_json_reader *config)
{
  struct kith_json_reader kdf;
  const char *hash;

  kith_json_nested(&kdf, config, "kdf", true);
  if (strcmp(kith_json_string(&kdf, "type", NULL), "HKDF") != 0)
    kith_json_refuse(&kdf, "type", "expected HKDF");
  hash = kith_json_string(&kdf, "hash", "SHA256");
  out->sha512 = strcmp(hash, "SHA512") == 0;
  if (!out->sha512 && strcmp(hash, "SHA256") != 0)
    kith_json_refuse(&kdf, "hash", "expected SHA256 or SHA512");
  bytes_read(&out->salt, &out->salt_len, &kdf, "salt");
  bytes_read(&out->info, &out->info_len, &kdf, "info");
  out->key_size = (size_t)kith_json_int_or(&kdf, "keySize", 1, KEY_SIZE_MAX, 64);
  return kdf.err;
}

static enum kith_err config_read(struct kith_clkhash_schema *out, struct kith_json_reader *top)
{
  struct kith_json_reader config;
  const json_t *folds;

  kith_json_nested(&config, top, "clkConfig", true);
  folds = json_object_get(config.object, "xor_folds");
  out->bits = (unsigned)kith_json_int(&config, "l", 1, KITH_CLKHASH_BITS_MAX);
  /* The documented key has no effect; the other is what folds. */
  (void)kith_clkhash_whole(&config, "xorFolds", 0, INT64_MAX, 0);
  out->folds = json_is_boolean(folds) /* a number to Python */
                   ? json_is_true(folds)
                   : (unsigned)kith_json_int_or(&config, "xor_folds", 0, FOLDS_MAX, 0);
  if ((uint64_t)out->bits << out->folds > KITH_CLKHASH_WIDE_BITS_MAX)
    kith_json_refuse(&config, "xor_folds", "l x 2^xor_folds is above %d",
                     (int)KITH_CLKHASH_WIDE_BITS_MAX);
  out->wide_bits = out->bits << out->folds;
  return config.err == KITH_OK ? kdf_read(out, &config) : config.err;
}

static enum kith_err features_read(struct kith_clkhash_schema *out, const json_t *array,
                                   struct kith_fault *fault)
{
  size_t n = json_array_size(array);

  out->features = KITH_NEW_ARRAY(struct kith_clkhash_feature, n);
  if (!out->features)
    return KITH_ERR_MEMORY;
  out->n_features = (unsigned)n;
  for (size_t i = 0; i < n; i++) {
    char place[160];
    enum kith_err err;

    (void)snprintf(place, sizeof place, "%.100s: features[%zu]", out->name, i);
    err = kith_clkhash_feature_read(&out->features[i], json_array_get(array, i), place, fault);
    if (err != KITH_OK)
      return err;
  }
  return KITH_OK;
}

/* What spans the document. */
static enum kith_err whole_check(const struct kith_clkhash_schema *schema, struct kith_fault *fault)
{
  size_t longest = (size_t)255 * (schema->sha512 ? 64 : 32);
  bool power = (schema->wide_bits & (schema->wide_bits - 1)) == 0;

  if (schema->key_size * 2 * schema->n_features > longest)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "%s: clkConfig.kdf.keySize: 2 keys for each of %u features are more than the "
                     "%zu bytes that HKDF gives",
                     schema->name, schema->n_features, longest);
  for (unsigned i = 0; i < schema->n_features; i++) {
    if (schema->features[i].ignored || !schema->features[i].blake)
      continue;
    if (!power)
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "%s: features[%u].hashing.hash: blakeHash needs a length l that is a power "
                       "of two",
                       schema->name, i);
    if (schema->key_size > BLAKE_KEY_BYTES_MAX)
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "%s: features[%u].hashing.hash: blakeHash needs a keySize of at most %d",
                       schema->name, i, (int)BLAKE_KEY_BYTES_MAX);
  }
  return KITH_OK;
}

static enum kith_err schema_read(struct kith_clkhash_schema *out, json_t *document,
                                 struct kith_fault *fault)
{
  struct kith_json_reader top;
  json_t *features;
  enum kith_err err;

  err = kith_clkhash_convert(&out->document, document, out->name, fault);
  if (err != KITH_OK)
    return err;
  kith_json_begin(&top, out->document, out->name, fault);
  if (top.err != KITH_OK)
    return top.err;
  if ((err = config_read(out, &top)) != KITH_OK)
    return err;
  features = kith_json_array(&top, "features", 1, KITH_CLKHASH_FEATURES_MAX);
  if (top.err != KITH_OK)
    return top.err;
  err = features_read(out, features, fault);
  return err == KITH_OK ? whole_check(out, fault) : err;
}

enum kith_err kith_clkhash_schema_parse(struct kith_clkhash_schema **out, const void *bytes,
                                        size_t len, const char *name, struct kith_fault *fault)
{
  struct kith_clkhash_schema *schema = KITH_NEW(struct kith_clkhash_schema);
  json_t *document = NULL;
  enum kith_err err = KITH_ERR_MEMORY;

  if (schema && (schema->name = kith_strdup(name)) != NULL) {
    err = len <= KITH_CLKHASH_SCHEMA_BYTES_MAX
              ? kith_json_parse(&document, bytes, len, name, fault)
              : kith_fail(fault, KITH_ERR_CONFIG, "%s: a schema of more than %d bytes", name,
                          (int)KITH_CLKHASH_SCHEMA_BYTES_MAX);
    if (err == KITH_OK)
      err = schema_read(schema, document, fault);
  }
  json_decref(document);
  if (err == KITH_OK) {
    *out = schema;
    return KITH_OK;
  }
  kith_clkhash_schema_free(schema);
  if (err == KITH_ERR_MEMORY)
    return kith_fail(fault, err, "%s: no memory for the schema", name);
  if (err == KITH_ERR_DATA || err == KITH_ERR_LIMIT) {
    /* A schema is configuration, to whoever reads the exit status. */
    err = KITH_ERR_CONFIG;
    if (fault)
      fault->err = err;
  }
  return err;
}

void kith_clkhash_schema_free(struct kith_clkhash_schema *schema)
{
  if (!schema)
    return;
  for (unsigned i = 0; i < schema->n_features; i++)
    kith_clkhash_feature_free(&schema->features[i]);
  kith_free(schema->features);
  kith_free(schema->salt);
  kith_free(schema->info);
  kith_free(schema->name);
  json_decref(schema->document);
  kith_free(schema);
}

unsigned kith_clkhash_schema_bits(const struct kith_clkhash_schema *schema)
{
  return schema->bits;
}

enum kith_err kith_clkhash_schema_header(const struct kith_clkhash_schema *schema,
                                         const char *const *header, size_t n_columns,
                                         struct kith_fault *fault)
{
  for (size_t i = 0; i < n_columns && i < schema->n_features; i++)
    if (strcmp(header[i], schema->features[i].identifier) != 0)
      return kith_fail(fault, KITH_ERR_DATA,
                       "row 1: column %zu is not \"%.80s\" as in the schema: the header must be "
                       "the schema's identifiers in their order",
                       i + 1, schema->features[i].identifier);
  if (n_columns != schema->n_features)
    return kith_fail(fault, KITH_ERR_DATA, "row 1: %zu columns, the schema has %u", n_columns,
                     schema->n_features);
  return KITH_OK;
}
