#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

enum {
  BLAKE_BYTES = 64,
  BLAKE_PIECES = BLAKE_BYTES / 2,
  SHA1_BYTES = 20,
  POSITION_BYTES = 24,
  FIRST_SURROGATE = 0xd800,
  VECTOR_BYTES = 32
};

/* ---- bits of a token ---- */

typedef uint64_t words __attribute__((vector_size(VECTOR_BYTES)));

enum { CHUNK_WORDS = 4 };

/* In chunks of 128 bytes, which registers hold while all masks are gone through; then what is left.
 * Compiled into each of those that call it, for their kind of processor. */
__attribute__((always_inline)) static inline void or_masks(uint8_t *to, const uint8_t *const *masks,
                                                           size_t n, size_t bytes, bool fresh)
{
  words *out = (words *)__builtin_assume_aligned(to, VECTOR_BYTES);
  const size_t n_words = bytes / VECTOR_BYTES;
  size_t at = 0;

  for (; at + CHUNK_WORDS <= n_words; at += CHUNK_WORDS) {
    words a = {0};
    words b = {0};
    words c = {0};
    words d = {0};

    if (!fresh) {
      a = out[at];
      b = out[at + 1];
      c = out[at + 2];
      d = out[at + 3];
    }
    for (size_t i = 0; i < n; i++) {
      const words *in = (const words *)__builtin_assume_aligned(masks[i], VECTOR_BYTES) + at;

      a |= in[0];
      b |= in[1];
      c |= in[2];
      d |= in[3];
    }
    out[at] = a;
    out[at + 1] = b;
    out[at + 2] = c;
    out[at + 3] = d;
  }
  if (fresh && at < n_words)
    memset(out + at, 0, (n_words - at) * VECTOR_BYTES);
  for (; at < n_words; at++)
    for (size_t i = 0; i < n; i++)
      out[at] |= ((const words *)__builtin_assume_aligned(masks[i], VECTOR_BYTES))[at];
}

void kith_clkhash_or_plain(uint8_t *to, const uint8_t *const *masks, size_t n, size_t bytes,
                           bool fresh)
{
  or_masks(to, masks, n, bytes, fresh);
}

#ifdef __x86_64__
/* Half the instructions of what every processor of this kind has. */
__attribute__((target("avx2"))) static void or_avx2(uint8_t *to, const uint8_t *const *masks,
                                                    size_t n, size_t bytes, bool fresh)
{
  or_masks(to, masks, n, bytes, fresh);
}
#endif

void kith_clkhash_or(uint8_t *to, const uint8_t *const *masks, size_t n, size_t bytes, bool fresh)
{
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) {
    or_avx2(to, masks, n, bytes, fresh);
    return;
  }
#endif
  kith_clkhash_or_plain(to, masks, n, bytes, fresh);
}

static void bits_set(uint8_t *filter, const uint32_t *positions, size_t n)
{
  for (size_t i = 0; i < n; i++)
    filter[positions[i] / 8] = (uint8_t)(filter[positions[i] / 8] | 0x80u >> positions[i] % 8);
}

/* Decimal, without a terminator; returns the digits. */
static size_t decimal_write(char out[POSITION_BYTES], size_t number)
{
  char digits[POSITION_BYTES];
  size_t at = sizeof digits;
  size_t len;

  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  len = sizeof digits - at;
  memcpy(out, digits + at, len);
  return len;
}

static enum kith_err blake_positions(struct kith_clkhash_encoder *encoder, unsigned feature,
                                     unsigned k)
{
  const uint8_t *key = kith_secret_peek(encoder->keys) + 2 * encoder->schema->key_size * feature;
  uint32_t mask = encoder->schema->wide_bits - 1;

  for (unsigned i = 0; i < k; i += BLAKE_PIECES) {
    char number[POSITION_BYTES] = {0};
    unsigned char salt[crypto_generichash_blake2b_SALTBYTES] = {0};
    uint8_t hash[BLAKE_BYTES];

    (void)decimal_write(number, i / BLAKE_PIECES); /* k is at most 2^20: 5 digits */
    memcpy(salt, number, sizeof salt);
    if (crypto_generichash_blake2b_salt_personal(hash, sizeof hash, encoder->token.bytes,
                                                 encoder->token.len, key, encoder->schema->key_size,
                                                 salt, NULL) != 0)
      return KITH_ERR_INTERNAL;
    for (unsigned j = 0; j < BLAKE_PIECES && i + j < k; j++)
      encoder->positions[i + j] = (hash[2 * j] | (uint32_t)hash[2 * j + 1] << 8) & mask;
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

static enum kith_err double_positions(struct kith_clkhash_encoder *encoder, unsigned feature,
                                      unsigned k, struct kith_fault *fault)
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
    encoder->positions[i] = (uint32_t)a;
    a += b;
    if (a >= length)
      a -= length;
  }
  return err;
}

/* ---- bytes of a token ---- */

static void point_append(struct kith_buf *token, enum kith_clkhash_encoding encoding, uint32_t c)
{
  uint8_t bytes[4];
  size_t n = 4;
  uint32_t units = c;

  if (encoding == KITH_CLKHASH_UTF16) {
    n = c >= 0x10000 ? 4 : 2;
    if (n == 4)
      units = (0xd7c0 + (c >> 10)) | (0xdc00 + (c & 0x3ff)) << 16;
  }
  for (size_t i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(units >> 8 * i);
  kith_buf_append(token, bytes, n);
}

static void text_append(struct kith_buf *token, enum kith_clkhash_encoding encoding,
                        const char *text, size_t len)
{
  size_t at = 0;

  if (encoding == KITH_CLKHASH_UTF8 || encoding == KITH_CLKHASH_ASCII) {
    kith_buf_append(token, text, len);
    return;
  }
  while (at < len) {
    utf8proc_int32_t c = 0;

    at += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text + at, -1, &c);
    point_append(token, encoding, (uint32_t)c);
  }
}

/* Into encoder->token. */
static enum kith_err token_make(struct kith_clkhash_encoder *encoder,
                                const struct kith_clkhash_feature *feature, size_t position,
                                const char *gram, size_t len)
{
  kith_buf_clear(&encoder->token);
  if (feature->encoding == KITH_CLKHASH_UTF16 || feature->encoding == KITH_CLKHASH_UTF32)
    point_append(&encoder->token, feature->encoding, 0xfeff);
  if (position) {
    char digits[POSITION_BYTES];
    size_t n = decimal_write(digits, position);

    digits[n++] = ' ';
    text_append(&encoder->token, feature->encoding, digits, n);
  }
  text_append(&encoder->token, feature->encoding, gram, len);
  return kith_buf_err(&encoder->token);
}

/* ---- a token ---- */

/* How a token is remembered; a key of nothing if it can't be. */
static void key_make(const struct kith_clkhash_encoder *encoder, struct kith_bloom_cache_key *key,
                     unsigned feature, uint32_t k, size_t position, const char *gram, size_t len)
{
  if (!encoder->masks && k > encoder->n_remembered)
    *key = (struct kith_bloom_cache_key){0};
  else
    kith_bloom_cache_key_tagged(key, feature, (uint64_t)position << 32 | k, gram, len);
}

/* Puts the bits of a token that is remembered into `to`. */
static void place_use(const struct kith_clkhash_encoder *encoder, uint8_t *to, const void *place,
                      uint32_t k)
{
  const uint8_t *mask = place;

  if (encoder->masks)
    kith_clkhash_or(to, &mask, 1, encoder->wide_bytes, false);
  else
    bits_set(to, place, k);
}

static void place_fill(const struct kith_clkhash_encoder *encoder, void *place, uint32_t k)
{
  if (encoder->masks) {
    memset(place, 0, encoder->wide_bytes);
    bits_set(place, encoder->positions, k);
  } else {
    memcpy(place, encoder->positions, k * sizeof *encoder->positions);
  }
}

struct share { /* how many bits each token sets */
  unsigned feature;
  size_t n_tokens;
  size_t at;     /* tokens so far */
  size_t n_keys; /* of the first tokens that encoder->token_keys has */
};

/* How many bits the next token sets, and where it stands, from 1; 0: that does not matter. */
static uint32_t share_next(const struct kith_clkhash_encoder *encoder, struct share *share,
                           size_t *position)
{
  const struct kith_clkhash_feature *feature = &encoder->schema->features[share->feature];
  uint32_t k = feature->amount;

  if (feature->per_feature)
    k = (uint32_t)(feature->amount / share->n_tokens +
                   (share->at < feature->amount % share->n_tokens));
  share->at++;
  *position = feature->comparison == KITH_CLKHASH_NGRAM && feature->positional ? share->at : 0;
  return k;
}

/* What is remembered of the first tokens of a value is fetched: grams of `window` bytes. */
static void tokens_approach(struct kith_clkhash_encoder *encoder, struct share *share,
                            const char *text, size_t window)
{
  struct share coming = *share;

  share->n_keys =
      share->n_tokens < KITH_CLKHASH_TOKENS_NEAR ? share->n_tokens : KITH_CLKHASH_TOKENS_NEAR;
  for (size_t i = 0; i < share->n_keys; i++) {
    size_t position;
    const uint32_t k = share_next(encoder, &coming, &position);

    key_make(encoder, &encoder->token_keys[i], share->feature, k, position, text + i, window);
    kith_bloom_cache_approach(encoder->tokens, &encoder->token_keys[i]);
  }
}

static enum kith_err token_add(struct kith_clkhash_encoder *encoder, uint8_t *to,
                               struct share *share, const char *gram, size_t len,
                               struct kith_fault *fault)
{
  const struct kith_clkhash_feature *feature = &encoder->schema->features[share->feature];
  const bool is_known = share->at < share->n_keys;
  /* The last of them is for a token that was not fetched. */
  struct kith_bloom_cache_key *key =
      &encoder->token_keys[is_known ? share->at : KITH_CLKHASH_TOKENS_NEAR];
  size_t position;
  const uint32_t k = share_next(encoder, share, &position);
  enum kith_err err;
  void *place;

  if (k == 0)
    return KITH_OK;
  if (!is_known)
    key_make(encoder, key, share->feature, k, position, gram, len);
  place = kith_bloom_cache_find(encoder->tokens, key);
  if (place) {
    place_use(encoder, to, place, k);
    return KITH_OK;
  }
  err = token_make(encoder, feature, position, gram, len);
  if (err == KITH_OK)
    err = feature->blake ? blake_positions(encoder, share->feature, k)
                         : double_positions(encoder, share->feature, k, fault);
  if (err == KITH_OK)
    bits_set(to, encoder->positions, k);
  if (err == KITH_OK && (place = kith_bloom_cache_take(encoder->tokens, key)))
    place_fill(encoder, place, k);
  return err;
}

enum kith_err kith_clkhash_gram_add(struct kith_clkhash_encoder *encoder, uint8_t *to,
                                    unsigned index, size_t n_tokens, size_t at, const char *gram,
                                    struct kith_fault *fault)
{
  struct share share = {.feature = index, .n_tokens = n_tokens, .at = at};

  return token_add(encoder, to, &share, gram, 1, fault);
}

/* ---- texts ---- */

static bool is_ascii(const char *text, size_t len)
{
  unsigned char all = 0;

  for (size_t i = 0; i < len; i++)
    all = (unsigned char)(all | (unsigned char)text[i]);
  return all < 0x80;
}

/* The text between `pad` blanks into encoder->padded. */
static enum kith_err pad_fill(struct kith_clkhash_encoder *encoder, const char *text, size_t len,
                              size_t pad)
{
  struct kith_buf *padded = &encoder->padded;

  kith_buf_clear(padded);
  for (size_t i = 0; i < pad; i++)
    kith_buf_append(padded, " ", 1);
  kith_buf_append(padded, text, len);
  for (size_t i = 0; i < pad; i++)
    kith_buf_append(padded, " ", 1);
  return kith_buf_err(padded);
}

/* Where each code point of encoder->padded starts, and the end. */
static enum kith_err starts_fill(struct kith_clkhash_encoder *encoder, size_t *n,
                                 struct kith_fault *fault)
{
  const struct kith_buf *padded = &encoder->padded;
  size_t at = 0;

  if (padded->len + 1 > encoder->starts_cap) {
    uint32_t *starts = kith_calloc(2 * padded->len + 1, sizeof *starts);

    if (!starts)
      return KITH_ERR_MEMORY;
    kith_free(encoder->starts);
    encoder->starts = starts;
    encoder->starts_cap = 2 * padded->len + 1;
  }
  *n = 0;
  while (at < padded->len) {
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t len =
        utf8proc_iterate(padded->bytes + at, (utf8proc_ssize_t)(padded->len - at), &c);

    if (len <= 0)
      return kith_fail(fault, KITH_ERR_DATA, "expected UTF-8");
    encoder->starts[(*n)++] = (uint32_t)at;
    at += (size_t)len;
  }
  encoder->starts[*n] = (uint32_t)at;
  return KITH_OK;
}

static enum kith_err exact_add(struct kith_clkhash_encoder *encoder, uint8_t *to, unsigned index,
                               const char *text, size_t len, struct kith_fault *fault)
{
  struct share share = {.feature = index, .n_tokens = 1};

  return token_add(encoder, to, &share, text, len, fault);
}

static enum kith_err grams_add(struct kith_clkhash_encoder *encoder, uint8_t *to, unsigned index,
                               const char *text, size_t len, bool ascii, struct kith_fault *fault)
{
  size_t window = encoder->schema->features[index].n;
  struct share share = {.feature = index};
  const char *padded;
  size_t n = 0;
  enum kith_err err = pad_fill(encoder, text, len, window - 1);

  if (err != KITH_OK)
    return err;
  padded = (const char *)encoder->padded.bytes;
  if (ascii) {
    share.n_tokens = encoder->padded.len - window + 1;
    tokens_approach(encoder, &share, padded, window);
    for (size_t i = 0; err == KITH_OK && i < share.n_tokens; i++)
      err = token_add(encoder, to, &share, padded + i, window, fault);
    return err;
  }
  err = starts_fill(encoder, &n, fault);
  if (err != KITH_OK)
    return err;
  share.n_tokens = n - window + 1;
  for (size_t i = 0; err == KITH_OK && i < share.n_tokens; i++)
    err = token_add(encoder, to, &share, padded + encoder->starts[i],
                    encoder->starts[i + window] - encoder->starts[i], fault);
  return err;
}

static enum kith_err numeric_add(struct kith_clkhash_encoder *encoder, uint8_t *to, unsigned index,
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
    size_t len = decimal ? strlen(decimal) : 0;

    if (!decimal)
      err = KITH_ERR_MEMORY;
    else if (len - (decimal[0] == '-') > KITH_CLKHASH_DIGITS_MAX)
      err = kith_fail(fault, KITH_ERR_DATA, "expected a shorter number");
    else
      err = token_add(encoder, to, &share, decimal, len, fault);
    if (err == KITH_OK && !BN_add(number, number, numeric->step))
      err = KITH_ERR_MEMORY;
    if (decimal)
      OPENSSL_clear_free(decimal, len + 1);
  }
  BN_clear_free(number);
  return err;
}

enum kith_err kith_clkhash_tokens_add(struct kith_clkhash_encoder *encoder, uint8_t *to,
                                      unsigned index, const char *text, size_t len,
                                      struct kith_fault *fault)
{
  const struct kith_clkhash_feature *feature = &encoder->schema->features[index];
  bool ascii = is_ascii(text, len);

  if (feature->comparison == KITH_CLKHASH_NUMERIC)
    return numeric_add(encoder, to, index, text, fault);
  if (feature->encoding == KITH_CLKHASH_ASCII && !ascii)
    return kith_fail(fault, KITH_ERR_DATA, "expected ASCII characters only");
  return feature->comparison == KITH_CLKHASH_EXACT
             ? exact_add(encoder, to, index, text, len, fault)
             : grams_add(encoder, to, index, text, len, ascii, fault);
}
