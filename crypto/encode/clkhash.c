#include "crypto/encode/clkhash.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

enum {
  BLAKE_BYTES = 64,
  BLAKE_PIECES = BLAKE_BYTES / 2,
  SHA1_BYTES = 20,
  MD5_BYTES = 16,
  POSITION_BYTES = 24,
  FIRST_SURROGATE = 0xd800
};

struct kith_clkhash_encoder {
  struct kith_clkhash_schema *schema; /* borrowed */
  struct kith_secret *keys;
  EVP_MAC_CTX **macs; /* 2 for each feature: SHA-1, MD5; NULL where blakeHash */
  uint8_t *wide;      /* the filter before folding */
  size_t wide_bytes;
  struct kith_buf value; /* as it is tokenised */
  uint32_t *points;      /* its code points, with blanks around */
  size_t points_cap;
  struct kith_buf token;
};

/* ---- life ---- */

static EVP_MAC_CTX *mac_new(const char *digest, const uint8_t *key, size_t len)
{
  char name[8];
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                         OSSL_PARAM_construct_end()};
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

  (void)snprintf(name, sizeof name, "%s", digest);
  params[0].data_size = strlen(name);
  EVP_MAC_free(hmac);
  if (context && EVP_MAC_init(context, key, len, params))
    return context;
  EVP_MAC_CTX_free(context);
  return NULL;
}

static enum kith_err macs_new(struct kith_clkhash_encoder *encoder)
{
  const struct kith_clkhash_schema *schema = encoder->schema;

  for (unsigned i = 0; i < schema->n_features; i++) {
    const uint8_t *key = kith_secret_peek(encoder->keys) + 2 * schema->key_size * i;

    if (schema->features[i].ignored || schema->features[i].blake)
      continue;
    encoder->macs[2 * i] = mac_new("SHA1", key, schema->key_size);
    encoder->macs[2 * i + 1] = mac_new("MD5", key + schema->key_size, schema->key_size);
    if (!encoder->macs[2 * i] || !encoder->macs[2 * i + 1])
      return KITH_ERR_MEMORY;
  }
  return KITH_OK;
}

enum kith_err kith_clkhash_encoder_new(struct kith_clkhash_encoder **out,
                                       struct kith_clkhash_schema *schema,
                                       const struct kith_secret *secret)
{
  struct kith_clkhash_encoder *encoder = KITH_NEW(struct kith_clkhash_encoder);
  enum kith_err err;

  if (!encoder)
    return KITH_ERR_MEMORY;
  encoder->schema = schema;
  encoder->wide_bytes = ((size_t)schema->wide_bits + 7) / 8;
  encoder->wide = kith_calloc(encoder->wide_bytes, 1);
  encoder->macs = KITH_NEW_ARRAY(EVP_MAC_CTX *, 2 * (size_t)schema->n_features);
  err = encoder->wide && encoder->macs ? kith_clkhash_keys(&encoder->keys, schema, secret)
                                       : KITH_ERR_MEMORY;
  if (err == KITH_OK)
    err = macs_new(encoder);
  if (err != KITH_OK) {
    kith_clkhash_encoder_free(encoder);
    return err;
  }
  *out = encoder;
  return KITH_OK;
}

static void buf_wipe_free(struct kith_buf *buf)
{
  if (buf->bytes)
    kith_wipe(buf->bytes, buf->cap);
  kith_buf_free(buf);
}

void kith_clkhash_encoder_free(struct kith_clkhash_encoder *encoder)
{
  if (!encoder)
    return;
  for (unsigned i = 0; encoder->macs && i < 2 * encoder->schema->n_features; i++)
    EVP_MAC_CTX_free(encoder->macs[i]);
  kith_free(encoder->macs);
  kith_secret_free(encoder->keys);
  buf_wipe_free(&encoder->value);
  buf_wipe_free(&encoder->token);
  if (encoder->points)
    kith_wipe(encoder->points, encoder->points_cap * sizeof *encoder->points);
  kith_free(encoder->points);
  if (encoder->wide)
    kith_wipe(encoder->wide, encoder->wide_bytes);
  kith_free(encoder->wide);
  kith_free(encoder);
}

/* ---- bits of a token ---- */

static void set_bit(uint8_t *filter, uint64_t bit)
{
  filter[bit / 8] = (uint8_t)(filter[bit / 8] | 0x80u >> bit % 8);
}

static enum kith_err blake_bits(struct kith_clkhash_encoder *encoder, unsigned feature, unsigned k)
{
  const uint8_t *key = kith_secret_peek(encoder->keys) + 2 * encoder->schema->key_size * feature;
  uint32_t mask = encoder->schema->wide_bits - 1;

  for (unsigned i = 0; i < k; i += BLAKE_PIECES) {
    unsigned char salt[crypto_generichash_blake2b_SALTBYTES] = {0};
    uint8_t hash[BLAKE_BYTES];

    (void)snprintf((char *)salt, sizeof salt, "%u", i / BLAKE_PIECES);
    if (crypto_generichash_blake2b_salt_personal(hash, sizeof hash, encoder->token.bytes,
                                                 encoder->token.len, key, encoder->schema->key_size,
                                                 salt, NULL) != 0)
      return KITH_ERR_INTERNAL;
    for (unsigned j = 0; j < BLAKE_PIECES && i + j < k; j++)
      set_bit(encoder->wide, (hash[2 * j] | (uint32_t)hash[2 * j + 1] << 8) & mask);
  }
  return KITH_OK;
}

/* The HMAC of the token and `more` as a big-endian number modulo the length. */
static enum kith_err mac_residue(uint64_t *out, EVP_MAC_CTX *mac, const struct kith_buf *token,
                                 const uint8_t *more, size_t more_len, uint64_t length)
{
  uint8_t bytes[SHA1_BYTES];
  size_t len = 0;
  uint64_t residue = 0;

  /* No key given: the same key from the start. */
  if (!EVP_MAC_init(mac, NULL, 0, NULL) || !EVP_MAC_update(mac, token->bytes, token->len) ||
      !EVP_MAC_update(mac, more, more_len) || !EVP_MAC_final(mac, bytes, &len, sizeof bytes))
    return KITH_ERR_INTERNAL;
  for (size_t i = 0; i < len; i += 4) {
    uint64_t word = (uint64_t)bytes[i] << 24 | (uint64_t)bytes[i + 1] << 16 |
                    (uint64_t)bytes[i + 2] << 8 | bytes[i + 3];

    residue = (residue << 32 | word) % length;
  }
  *out = residue;
  return KITH_OK;
}

static enum kith_err double_bits(struct kith_clkhash_encoder *encoder, unsigned feature, unsigned k,
                                 struct kith_fault *fault)
{
  uint64_t length = encoder->schema->wide_bits;
  EVP_MAC_CTX *const *macs = encoder->macs + (size_t)2 * feature;
  uint8_t more[4] = {0};
  uint64_t a = 0;
  uint64_t b = 0;
  enum kith_err err = mac_residue(&a, macs[0], &encoder->token, more, 0, length);

  if (err == KITH_OK)
    err = mac_residue(&b, macs[1], &encoder->token, more, 0, length);
  for (int32_t i = 0;
       err == KITH_OK && b == 0 && encoder->schema->features[feature].prevent_singularity; i++) {
    if (i == FIRST_SURROGATE)
      return kith_fail(fault, KITH_ERR_DATA, "its singularity can't be prevented");
    err = mac_residue(&b, macs[1], &encoder->token, more, (size_t)utf8proc_encode_char(i, more),
                      length);
  }
  for (unsigned i = 0; err == KITH_OK && i < k; i++) {
    set_bit(encoder->wide, a);
    a += b;
    if (a >= length)
      a -= length;
  }
  return err;
}

/* ---- tokens ---- */

static void token_point(struct kith_buf *token, enum kith_clkhash_encoding encoding, uint32_t c)
{
  uint8_t bytes[4];
  size_t n = 4;

  if (encoding == KITH_CLKHASH_UTF32 || encoding == KITH_CLKHASH_UTF16) {
    uint32_t units = c;

    if (encoding == KITH_CLKHASH_UTF16) {
      n = c >= 0x10000 ? 4 : 2;
      if (n == 4)
        units = (0xd7c0 + (c >> 10)) | (0xdc00 + (c & 0x3ff)) << 16;
    }
    for (size_t i = 0; i < 4; i++)
      bytes[i] = (uint8_t)(units >> 8 * i);
  } else {
    n = (size_t)utf8proc_encode_char((utf8proc_int32_t)c, bytes);
  }
  kith_buf_append(token, bytes, n);
}

struct share { /* how many bits each token sets */
  unsigned feature;
  size_t n_tokens;
  size_t at; /* tokens so far */
};

static enum kith_err token_add(struct kith_clkhash_encoder *encoder, struct share *share,
                               const uint32_t *points, size_t n, struct kith_fault *fault)
{
  const struct kith_clkhash_feature *feature = &encoder->schema->features[share->feature];
  char position[POSITION_BYTES] = "";
  size_t k = feature->amount;
  enum kith_err err;

  if (feature->per_feature)
    k = feature->amount / share->n_tokens + (share->at < feature->amount % share->n_tokens);
  share->at++;
  if (feature->comparison == KITH_CLKHASH_NGRAM && feature->positional)
    (void)snprintf(position, sizeof position, "%zu ", share->at);
  kith_buf_clear(&encoder->token);
  if (feature->encoding == KITH_CLKHASH_UTF16 || feature->encoding == KITH_CLKHASH_UTF32)
    token_point(&encoder->token, feature->encoding, 0xfeff);
  for (size_t i = 0; position[i]; i++)
    token_point(&encoder->token, feature->encoding, (unsigned char)position[i]);
  for (size_t i = 0; i < n; i++)
    token_point(&encoder->token, feature->encoding, points[i]);
  if ((err = kith_buf_err(&encoder->token)) != KITH_OK)
    return err;
  return feature->blake ? blake_bits(encoder, share->feature, (unsigned)k)
                        : double_bits(encoder, share->feature, (unsigned)k, fault);
}

/* Code points of the text with `pad` blanks on both sides. */
static enum kith_err points_fill(struct kith_clkhash_encoder *encoder, size_t *n, const char *text,
                                 size_t pad, bool ascii, struct kith_fault *fault)
{
  size_t need = strlen(text) + 2 * pad;
  size_t at = 0;

  if (need > encoder->points_cap) {
    uint32_t *points = kith_calloc(2 * need, sizeof *points);

    if (!points)
      return KITH_ERR_MEMORY;
    if (encoder->points)
      kith_wipe(encoder->points, encoder->points_cap * sizeof *points);
    kith_free(encoder->points);
    encoder->points = points;
    encoder->points_cap = 2 * need;
  }
  for (size_t i = 0; i < pad; i++)
    encoder->points[at++] = ' ';
  while (*text) {
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);

    if (len <= 0)
      return kith_fail(fault, KITH_ERR_DATA, "expected UTF-8");
    if (ascii && c >= 0x80)
      return kith_fail(fault, KITH_ERR_DATA, "expected ASCII characters only");
    encoder->points[at++] = (uint32_t)c;
    text += len;
  }
  for (size_t i = 0; i < pad; i++)
    encoder->points[at++] = ' ';
  *n = at;
  return KITH_OK;
}

static enum kith_err text_tokens(struct kith_clkhash_encoder *encoder, unsigned index,
                                 const char *text, struct kith_fault *fault)
{
  const struct kith_clkhash_feature *feature = &encoder->schema->features[index];
  struct share share = {.feature = index, .n_tokens = 1};
  size_t n = 0;
  size_t window;
  enum kith_err err =
      points_fill(encoder, &n, text, feature->comparison == KITH_CLKHASH_NGRAM ? feature->n - 1 : 0,
                  feature->encoding == KITH_CLKHASH_ASCII, fault);

  if (err != KITH_OK)
    return err;
  window = feature->comparison == KITH_CLKHASH_NGRAM ? feature->n : n;
  share.n_tokens = n - window + 1;
  for (size_t i = 0; err == KITH_OK && i < share.n_tokens; i++)
    err = token_add(encoder, &share, encoder->points + i, window, fault);
  return err;
}

static enum kith_err numeric_tokens(struct kith_clkhash_encoder *encoder, unsigned index,
                                    const char *text, struct kith_fault *fault)
{
  const struct kith_clkhash_numeric *numeric = &encoder->schema->features[index].numeric;
  struct share share = {.feature = index, .n_tokens = 2 * (size_t)numeric->resolution + 1};
  BIGNUM *number = BN_new();
  enum kith_err err = number ? kith_clkhash_numeric_first(numeric, number, text) : KITH_ERR_MEMORY;

  if (err == KITH_ERR_DATA)
    (void)kith_fail(fault, err, "expected a number");
  for (size_t i = 0; err == KITH_OK && i < share.n_tokens; i++) {
    char *decimal = BN_bn2dec(number);
    size_t n = 0;

    err = decimal ? points_fill(encoder, &n, decimal, 0, false, fault) : KITH_ERR_MEMORY;
    if (err == KITH_OK)
      err = token_add(encoder, &share, encoder->points, n, fault);
    if (err == KITH_OK && !BN_add(number, number, numeric->step))
      err = KITH_ERR_MEMORY;
    if (decimal)
      OPENSSL_clear_free(decimal, strlen(decimal) + 1);
  }
  BN_clear_free(number);
  return err;
}

/* ---- a row ---- */

static bool bit_at(const uint8_t *bytes, size_t bit)
{
  return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static void fold(uint8_t *bytes, size_t bits)
{
  size_t half = bits / 2;

  if (half % 8 == 0) {
    for (size_t i = 0; i < half / 8; i++)
      bytes[i] ^= bytes[half / 8 + i];
    return;
  }
  for (size_t i = 0; i < half; i++)
    if (bit_at(bytes, half + i))
      bytes[i / 8] = (uint8_t)(bytes[i / 8] ^ 0x80u >> i % 8);
}

static enum kith_err feature_encode(struct kith_clkhash_encoder *encoder, unsigned index,
                                    const char *value, struct kith_fault *fault)
{
  const struct kith_clkhash_feature *feature = &encoder->schema->features[index];
  const char *text;
  enum kith_err err;

  kith_buf_clear(&encoder->value);
  err = kith_clkhash_value_format(feature, &encoder->value, value, fault);
  if (err != KITH_OK)
    return err;
  text = (const char *)encoder->value.bytes;
  if (!text[0])
    return KITH_OK;
  return feature->comparison == KITH_CLKHASH_NUMERIC ? numeric_tokens(encoder, index, text, fault)
                                                     : text_tokens(encoder, index, text, fault);
}

enum kith_err kith_clkhash_encode(struct kith_clkhash_encoder *encoder, uint8_t *filter,
                                  const char *const *values, size_t n_values,
                                  struct kith_fault *fault)
{
  const struct kith_clkhash_schema *schema = encoder->schema;
  size_t bytes = ((size_t)schema->bits + 7) / 8;
  enum kith_err err = KITH_OK;

  memset(filter, 0, bytes);
  if (n_values != schema->n_features)
    return kith_fail(fault, KITH_ERR_DATA, "%zu fields, expected %u", n_values, schema->n_features);
  memset(encoder->wide, 0, encoder->wide_bytes);
  for (unsigned i = 0; err == KITH_OK && i < schema->n_features; i++) {
    if (schema->features[i].ignored)
      continue;
    err = feature_encode(encoder, i, values[i], fault);
    if (err == KITH_ERR_DATA)
      (void)kith_fail_at(fault, err, "column %u (\"%.80s\")", i + 1,
                         schema->features[i].identifier);
    else if (err != KITH_OK)
      (void)kith_fail(fault, err, "%s", kith_err_name(err));
  }
  if (err != KITH_OK)
    return err;
  for (unsigned i = 0; i < schema->folds; i++)
    fold(encoder->wide, (size_t)schema->wide_bits >> i);
  memcpy(filter, encoder->wide, bytes);
  if (schema->bits % 8)
    filter[bytes - 1] = (uint8_t)(filter[bytes - 1] & 0xff00u >> schema->bits % 8);
  return KITH_OK;
}
