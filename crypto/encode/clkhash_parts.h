/* What the parts of the clkhash encoding share; crypto/encode/clkhash.h is the interface. */
#ifndef KITH_CRYPTO_ENCODE_CLKHASH_PARTS_H
#define KITH_CRYPTO_ENCODE_CLKHASH_PARTS_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/encode/bloom_cache.h"
#include "crypto/encode/clkhash.h"

/* ---- regular expressions of Python's, by PCRE2 (clkhash_regex.c) */

struct kith_clkhash_regex {
  pcre2_code *code;
  pcre2_match_context *limits;
};
/* What is blank to Python, for a class of PCRE2's: its own has U+180E and no separators. */
#define KITH_CLKHASH_BLANKS                                                                        \
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"   \
  "\\x{3000}"
enum { KITH_CLKHASH_REGEX_WHOLE = 1, KITH_CLKHASH_REGEX_CASELESS = 2 };

/* KITH_ERR_CONFIG with `why` (static, or PCRE2's words) where the expression is none, or uses
 * what Python's expressions and PCRE2's understand differently. */
KITH_MUST_USE enum kith_err kith_clkhash_regex_new(struct kith_clkhash_regex *out,
                                                   const char *python, unsigned flags,
                                                   char why[128]);
/* The same for an expression in PCRE2's own language. */
KITH_MUST_USE enum kith_err kith_clkhash_regex_compile(struct kith_clkhash_regex *out,
                                                       const char *pattern, unsigned flags,
                                                       char why[128]);
void kith_clkhash_regex_free(struct kith_clkhash_regex *regex); /* takes a zeroed one */
/* KITH_OK; KITH_ERR_DATA: no match; KITH_ERR_LIMIT: too hard to tell. Offsets are in
 * *match, which each thread has its own of, as a schema is shared. */
KITH_MUST_USE enum kith_err kith_clkhash_match_new(pcre2_match_data **out);
KITH_MUST_USE enum kith_err kith_clkhash_regex_match(const struct kith_clkhash_regex *regex,
                                                     pcre2_match_data *match, const char *text);

/* ---- dates by strptime formats (clkhash_date.c) */

enum { KITH_CLKHASH_DATE_PARTS_MAX = 32 };
struct kith_clkhash_date {
  struct kith_clkhash_regex regex;
  char parts[KITH_CLKHASH_DATE_PARTS_MAX]; /* the directive of each group, in order */
  unsigned n_parts;
  char plain[16]; /* the format, where it is one of the usual; else empty */
};
KITH_MUST_USE enum kith_err kith_clkhash_date_new(struct kith_clkhash_date *out, const char *format,
                                                  char why[128]);
/* Writes YYYYMMDD. KITH_ERR_DATA: no such date. */
KITH_MUST_USE enum kith_err kith_clkhash_date_format(const struct kith_clkhash_date *date,
                                                     pcre2_match_data *match, char out[16],
                                                     const char *text);

/* ---- numbers as Python reads them (clkhash_number.c) */

/* The text without blanks at its ends, digits in ASCII, no underscores: a fresh string.
 * KITH_ERR_DATA where it can't be a number. */
KITH_MUST_USE enum kith_err kith_clkhash_number_text(char **out, const char *text);
/* KITH_ERR_DATA: not an integer. */
KITH_MUST_USE enum kith_err kith_clkhash_integer_parse(BIGNUM *out, const char *text);
KITH_MUST_USE enum kith_err kith_clkhash_bn_set_int(BIGNUM *out, int64_t value);

struct kith_clkhash_numeric {
  BIGNUM *step;    /* owned */
  BIGNUM *rounded; /* owned: to 53 bits */
  unsigned resolution;
  unsigned precision;
};
/* thresholdDistance as the document has it. KITH_ERR_CONFIG: rounds to nothing. */
KITH_MUST_USE enum kith_err kith_clkhash_numeric_new(struct kith_clkhash_numeric *out,
                                                     const json_t *threshold, unsigned resolution,
                                                     unsigned precision);
void kith_clkhash_numeric_free(struct kith_clkhash_numeric *numeric);
/* The first of the 2 x resolution + 1 tokens as a number; the others follow in steps. */
KITH_MUST_USE enum kith_err kith_clkhash_numeric_first(const struct kith_clkhash_numeric *numeric,
                                                       BIGNUM *out, const char *text);

/* ---- the schema (clkhash_schema.c, clkhash_feature.c, clkhash_convert.c) */

enum kith_clkhash_format {
  KITH_CLKHASH_STRING,
  KITH_CLKHASH_PATTERN,
  KITH_CLKHASH_INTEGER,
  KITH_CLKHASH_DATE,
  KITH_CLKHASH_ENUM
};
enum kith_clkhash_encoding {
  KITH_CLKHASH_UTF8,
  KITH_CLKHASH_ASCII,
  KITH_CLKHASH_UTF16,
  KITH_CLKHASH_UTF32
};
enum kith_clkhash_case { KITH_CLKHASH_MIXED, KITH_CLKHASH_UPPER, KITH_CLKHASH_LOWER };
enum kith_clkhash_comparison { KITH_CLKHASH_NGRAM, KITH_CLKHASH_EXACT, KITH_CLKHASH_NUMERIC };

struct kith_clkhash_feature {
  const char *identifier;
  bool ignored;
  enum kith_clkhash_format format;
  enum kith_clkhash_encoding encoding;
  enum kith_clkhash_case letter_case;
  int64_t min_length;
  int64_t max_length;
  struct kith_clkhash_regex pattern; /* KITH_CLKHASH_PATTERN */
  struct kith_clkhash_date date;     /* KITH_CLKHASH_DATE */
  bool has_minimum;
  bool has_maximum;
  int64_t minimum;
  int64_t maximum;
  const json_t *values; /* KITH_CLKHASH_ENUM: an array of strings */
  enum kith_clkhash_comparison comparison;
  unsigned n;
  bool positional;
  struct kith_clkhash_numeric numeric;
  bool per_feature; /* `amount` is for the whole value, not for each token */
  unsigned amount;
  bool blake;
  bool prevent_singularity;
  const char *sentinel;    /* NULL: none */
  const char *replacement; /* NULL: the sentinel stays */
};

struct kith_clkhash_schema {
  json_t *document; /* owned; strings of the features are borrowed from it */
  char *name;       /* owned */
  unsigned bits;    /* after folding */
  unsigned wide_bits;
  unsigned folds;
  bool sha512;
  uint8_t *salt; /* owned */
  size_t salt_len;
  uint8_t *info; /* owned */
  size_t info_len;
  size_t key_size;
  unsigned n_features;
  struct kith_clkhash_feature *features; /* owned */
};

/* A document of version 1 or 2 as one of version 3, a fresh reference; 3 as it is. */
KITH_MUST_USE enum kith_err kith_clkhash_convert(json_t **out, json_t *document, const char *name,
                                                 struct kith_fault *fault);
/* Fills *out, zeroed before; kith_clkhash_feature_free also after a failure. */
KITH_MUST_USE enum kith_err kith_clkhash_feature_read(struct kith_clkhash_feature *out,
                                                      json_t *object, const char *place,
                                                      struct kith_fault *fault);
/* The member "hash" of an object. */
KITH_MUST_USE enum kith_err kith_clkhash_hash_read(struct kith_clkhash_feature *out,
                                                   struct kith_json_reader *above, bool required);
/* A whole number, also one like 20.0; absent: the fallback, or, if that is below min, a refusal. */
int64_t kith_clkhash_whole(struct kith_json_reader *reader, const char *key, int64_t min,
                           int64_t max, int64_t fallback);
void kith_clkhash_feature_free(struct kith_clkhash_feature *feature);

/* ---- values (clkhash_value.c) */

/* The value as it is tokenised, appended to `out` with a terminator. KITH_ERR_DATA with the rule
 * in *fault. */
KITH_MUST_USE enum kith_err kith_clkhash_value_format(const struct kith_clkhash_feature *feature,
                                                      pcre2_match_data *match, struct kith_buf *out,
                                                      const char *value, struct kith_fault *fault);

/* ---- tokens and bits (clkhash.c, clkhash_token.c, clkhash_key.c) */

/* How often a feature's values were looked up among those remembered, since the last judgement;
 * beyond it: values that were not. */
struct kith_clkhash_looks {
  uint32_t n;
  uint32_t n_hits;
};

/* What is known of a value of a row to come. */
struct kith_clkhash_ahead {
  struct kith_bloom_cache_key key;
  uint32_t date; /* of kith_clkhash_days_read; a key is there where it is 0 */
};

struct kith_clkhash_days;

enum { KITH_CLKHASH_TOKENS_NEAR = 16 };

struct kith_clkhash_encoder {
  struct kith_clkhash_schema *schema; /* borrowed */
  struct kith_secret *keys;
  EVP_MAC_CTX **macs; /* 2 for each feature: SHA-1, MD5; NULL where blakeHash */
  uint8_t *wide;      /* the filter before folding */
  size_t wide_bytes;
  bool masks;                      /* what is remembered is as long as the filter */
  struct kith_bloom_cache *values; /* the bits of whole values; NULL unless masks */
  struct kith_bloom_cache *tokens; /* of tokens: a mask, or positions, for a feature, k, position */
  size_t n_remembered;             /* positions at most */
  struct kith_bloom_cache_key token_keys[KITH_CLKHASH_TOKENS_NEAR + 1]; /* of a value's tokens */
  struct kith_clkhash_days **days;  /* for each feature, NULL where values are looked up whole */
  struct kith_clkhash_ahead *ahead; /* of rows to come, one after another, by feature */
  const void *expected[KITH_CLKHASH_AHEAD]; /* whose rows they are, as a ring */
  unsigned first_expected;
  unsigned n_expected;
  unsigned n_near;                  /* of those expected, the first that were approached too */
  const uint8_t **masks_found;      /* of a row, not ORed yet; some for each feature */
  struct kith_clkhash_looks *looks; /* for each feature */
  uint32_t *positions;              /* of one token */
  size_t n_positions;
  pcre2_match_data *match; /* of patterns and dates */
  struct kith_buf value;   /* as it is tokenised */
  struct kith_buf padded;  /* with blanks around */
  uint32_t *starts;        /* of its code points */
  size_t starts_cap;
  struct kith_buf token;
};

/* ORs n masks into `to`, or, `fresh`, puts there what they have together. All of `bytes` bytes, a
 * multiple of 32, and aligned to 32. By vectors of 32 bytes where the machine has them. */
void kith_clkhash_or(uint8_t *to, const uint8_t *const *masks, size_t n, size_t bytes, bool fresh);
/* The same for any machine, and what the other is tested against. */
void kith_clkhash_or_plain(uint8_t *to, const uint8_t *const *masks, size_t n, size_t bytes,
                           bool fresh);

/* Sets the bits of a formatted value, one that is not empty, in `to`: encoder->wide_bytes. */
KITH_MUST_USE enum kith_err kith_clkhash_tokens_add(struct kith_clkhash_encoder *encoder,
                                                    uint8_t *to, unsigned index, const char *text,
                                                    size_t len, struct kith_fault *fault);

/* One token of a single character, `at` of n_tokens of a value: its bits in `to`. */
KITH_MUST_USE enum kith_err kith_clkhash_gram_add(struct kith_clkhash_encoder *encoder, uint8_t *to,
                                                  unsigned index, size_t n_tokens, size_t at,
                                                  const char *gram, struct kith_fault *fault);

/* ---- dates by year and day (clkhash_days.c) */

enum { KITH_CLKHASH_DATE_MASKS = 2 };

/* Masks of years and of days, made when they are asked for. *out is NULL where a feature's values
 * are not dates of a usual format, tokenised by single characters. */
KITH_MUST_USE enum kith_err kith_clkhash_days_new(struct kith_clkhash_days **out,
                                                  const struct kith_clkhash_feature *feature,
                                                  size_t mask_bytes);
void kith_clkhash_days_free(struct kith_clkhash_days *days); /* takes NULL; wipes */
/* The date for kith_clkhash_days_masks; 0: kith_clkhash_value_format must see the value. */
uint32_t kith_clkhash_days_read(const struct kith_clkhash_days *days, const char *text, size_t len);
/* The masks that a date's bits are in, which stay. KITH_ERR_NOT_FOUND: there were too many years
 * since it was read. */
KITH_MUST_USE enum kith_err kith_clkhash_days_masks(struct kith_clkhash_encoder *encoder,
                                                    unsigned index, uint32_t date,
                                                    const uint8_t *masks[KITH_CLKHASH_DATE_MASKS],
                                                    struct kith_fault *fault);

/* All keys: 2 x key_size bytes for each feature. */
KITH_MUST_USE enum kith_err kith_clkhash_keys(struct kith_secret **out,
                                              const struct kith_clkhash_schema *schema,
                                              const struct kith_secret *secret);

#endif
