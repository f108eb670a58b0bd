/* Rows for one peer. Each row is made where it lies; sorting by token is the shuffle. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/encode/mask.h"
#include "crypto/encode/signature.h"
#include "crypto/encode/token.h"
#include "crypto/kdf.h"
#include "daemon/pipeline/blind.h"
#include "proto/policy_blind.h"

enum { ORDER_KEY_BYTES = 16, NOISE_KEY_BYTES = 32 };

/* ---- who has a value */

static int compare_holders(const void *left, const void *right)
{
  const struct kith_blind_holder *a = left;
  const struct kith_blind_holder *b = right;
  int order = memcmp(&a->digest, &b->digest, sizeof a->digest);

  return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* A random number of a record, for the order of those that have one value. */
static uint64_t order_of(const uint8_t *key, uint64_t handle, unsigned match_key, uint8_t salt)
{
  uint8_t message[sizeof handle + 2];
  uint8_t hash[crypto_shorthash_BYTES];

  if (!key)
    return handle;
  kith_put_le(message, sizeof handle, handle);
  message[sizeof handle] = (uint8_t)match_key;
  message[sizeof handle + 1] = salt;
  (void)crypto_shorthash(hash, message, sizeof message, key);
  return kith_get_le(hash, sizeof hash);
}

enum kith_err kith_blind_holders(struct kith_blind_holder **out, size_t *n,
                                 const struct kith_blind_agency *agency, unsigned match_key,
                                 const struct kith_secret *secret, uint8_t salt)
{
  static const struct kith_match_digest none;
  size_t n_from = agency->people ? agency->n_people : agency->n;
  struct kith_blind_holder *holders = KITH_NEW_ARRAY(struct kith_blind_holder, n_from);
  struct kith_secret *key = NULL;
  enum kith_err err = holders ? KITH_OK : KITH_ERR_MEMORY;

  *n = 0;
  if (err == KITH_OK && secret)
    err = kith_hkdf(&key, ORDER_KEY_BYTES, NULL, 0, secret, "kith blind order v1");
  for (size_t i = 0; i < n_from && err == KITH_OK; i++) {
    uint32_t record = agency->people ? agency->people[i] : (uint32_t)i;
    const struct kith_match_digest *digest =
        &agency->digests[record * (size_t)agency->layout.n_keys + match_key];

    if (memcmp(digest, &none, sizeof none) != 0)
      holders[(*n)++] =
          (struct kith_blind_holder){*digest,
                                     order_of(key ? kith_secret_peek(key) : NULL,
                                              agency->records[record].handle, match_key, salt),
                                     record};
  }
  kith_secret_free(key);
  if (err != KITH_OK) {
    kith_free(holders);
    return err;
  }
  if (*n > 1)
    qsort(holders, *n, sizeof *holders, compare_holders);
  *out = holders;
  return KITH_OK;
}

/* ---- signatures */

void kith_blind_signatures(uint8_t *out, const struct kith_blind_agency *agency, uint32_t record,
                           const uint32_t *seeds, const uint8_t *noise)
{
  const struct kith_blind_record *of = &agency->records[record];

  for (unsigned f = 0; f < agency->layout.n_fields; f++) {
    size_t bytes = agency->layout.bits[f] / 8;
    uint32_t own[KITH_GRAMS_MAX];

    for (unsigned i = 0; i < of->n[f]; i++)
      own[i] = seeds[agency->pool[of->first[f] + i]];
    if (of->n[f])
      kith_signature(out, agency->layout.bits[f], own, of->n[f]);
    else
      memcpy(out, noise, bytes);
    out += bytes;
    noise += bytes;
  }
}

/* ---- rows */

struct submitting {
  const struct kith_blind_agency *agency;
  struct kith_blind_key key;
  struct kith_masker *masker;
  const struct kith_secret *secret; /* the agency's own */
  struct kith_secret *noise;        /* of its own, for what stands for nothing */
  uint32_t *seeds;                  /* owned; by gram */
  uint8_t *signatures;              /* owned; records x block_bytes */
  uint8_t *rows;
  size_t n_rows;
  bool high;
};

static enum kith_err make_signatures(struct submitting *to)
{
  const struct kith_blind_agency *agency = to->agency;
  size_t bytes = agency->layout.block_bytes;
  size_t noise_bytes = agency->n_people * bytes;
  uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {1};
  uint8_t *noise = kith_calloc(noise_bytes, 1);

  to->seeds = KITH_NEW_ARRAY(uint32_t, kith_blind_grams_n(agency->grams) + 1);
  to->signatures = kith_calloc(agency->n, bytes);
  if (!noise || !to->seeds || !to->signatures) {
    kith_free(noise);
    return KITH_ERR_MEMORY;
  }
  (void)crypto_stream_chacha20(noise, noise_bytes, nonce, kith_secret_peek(to->noise));
  kith_blind_grams_seed(to->seeds, agency->grams, &to->key);
  for (size_t i = 0; i < agency->n_people; i++)
    kith_blind_signatures(to->signatures + agency->people[i] * bytes, agency, agency->people[i],
                          to->seeds, noise + i * bytes);
  kith_free_wiped(noise, noise_bytes);
  return KITH_OK;
}

/* The tokens of the i-th holder of a value: (i, j) for all j, or (j, i) on the other side. */
static enum kith_err holder_rows(struct submitting *to, const struct kith_blind_holder *holder,
                                 unsigned match_key, unsigned number)
{
  const struct kith_blind_layout *layout = &to->agency->layout;
  const struct kith_mask_record record = {.signatures =
                                              to->signatures + holder->record * layout->block_bytes,
                                          .missing = to->agency->records[holder->record].missing,
                                          .match_key = match_key,
                                          .handle = to->agency->records[holder->record].handle};
  enum kith_err err = KITH_OK;

  for (unsigned other = 0; other < layout->occurrences && err == KITH_OK; other++) {
    uint8_t *row = to->rows + to->n_rows++ * layout->row_bytes;

    kith_token(row, &to->key, match_key, &holder->digest, to->high ? other : number,
               to->high ? number : other);
    err = kith_mask_row(to->masker, row, &record, to->high);
  }
  return err;
}

static enum kith_err key_rows(struct submitting *to, unsigned match_key)
{
  struct kith_blind_holder *holders = NULL;
  unsigned number = 0;
  size_t n = 0;
  enum kith_err err = kith_blind_holders(&holders, &n, to->agency, match_key, to->secret, to->high);

  for (size_t i = 0; i < n && err == KITH_OK; i++) {
    bool same =
        i > 0 && memcmp(&holders[i].digest, &holders[i - 1].digest, sizeof holders[i].digest) == 0;

    number = same ? number + 1 : 0;
    if (number < to->agency->layout.occurrences)
      err = holder_rows(to, &holders[i], match_key, number);
  }
  kith_free(holders);
  return err;
}

/* Random rows up to n; digits are drawn again until they could be digits. */
static void fill_rows(struct submitting *to, size_t n)
{
  const struct kith_blind_layout *layout = &to->agency->layout;
  uint8_t *first = to->rows + to->n_rows * layout->row_bytes;
  size_t bytes = (n - to->n_rows) * layout->row_bytes;
  uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {2};
  uint8_t spare[256];
  size_t used = sizeof spare;
  uint64_t round = 0;

  if (bytes == 0)
    return;
  (void)crypto_stream_chacha20(first, bytes, nonce, kith_secret_peek(to->noise));
  for (size_t i = to->n_rows; i < n; i++)
    for (size_t k = 0; k < layout->digit_bytes; k++) {
      uint8_t *digit = to->rows + i * layout->row_bytes + layout->digits + k;

      while (*digit >= KITH_BLIND_DIGITS_END) {
        if (used == sizeof spare) {
          nonce[0] = 3;
          kith_put_le(nonce + 1, sizeof nonce - 1, ++round);
          (void)crypto_stream_chacha20(spare, sizeof spare, nonce, kith_secret_peek(to->noise));
          used = 0;
        }
        *digit = spare[used++];
      }
    }
  to->n_rows = n;
}

/* ---- sorting: by the first bytes of the tokens, then within */

struct place {
  uint64_t token; /* its first bytes */
  uint32_t row;
};

static int compare_places(const void *left, const void *right)
{
  const struct place *a = left;
  const struct place *b = right;

  return (a->token > b->token) - (a->token < b->token);
}

/* Tokens that agree in their first eight bytes, and are in the wrong order: they hardly exist. */
static void settle(uint8_t *rows, size_t n, size_t row_bytes)
{
  uint8_t swap[KITH_BLIND_ROW_BYTES_MAX];

  for (size_t i = 1; i < n; i++)
    for (uint8_t *at = rows + i * row_bytes;
         at > rows && memcmp(at - row_bytes, at, KITH_BLIND_TOKEN_BYTES) > 0; at -= row_bytes) {
      memcpy(swap, at, row_bytes);
      memcpy(at, at - row_bytes, row_bytes);
      memcpy(at - row_bytes, swap, row_bytes);
    }
}

static enum kith_err sort_rows(uint8_t *out, const struct submitting *from)
{
  size_t row_bytes = from->agency->layout.row_bytes;
  KITH_AUTO_FREE struct place *places = KITH_NEW_ARRAY(struct place, from->n_rows);

  if (!places)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < from->n_rows; i++) {
    const uint8_t *row = from->rows + i * row_bytes;

    places[i].row = (uint32_t)i;
    for (unsigned k = 0; k < sizeof places[i].token; k++)
      places[i].token = places[i].token << 8 | row[k];
  }
  if (from->n_rows > 1)
    qsort(places, from->n_rows, sizeof *places, compare_places);
  for (size_t i = 0; i < from->n_rows; i++)
    memcpy(out + i * row_bytes, from->rows + places[i].row * row_bytes, row_bytes);
  settle(out, from->n_rows, row_bytes);
  return KITH_OK;
}

/* ---- all of it */

static enum kith_err submitting_init(struct submitting *to, const struct kith_secret *pair_key,
                                     size_t n_rows)
{
  enum kith_err err = kith_blind_key_init(&to->key, pair_key);

  if (err == KITH_OK)
    err = kith_masker_new(&to->masker, &to->key, &to->agency->layout);
  /* Noise for one peer is no noise for another: it must not repeat. */
  if (err == KITH_OK)
    err = kith_hkdf(&to->noise, NOISE_KEY_BYTES, kith_secret_peek(pair_key),
                    kith_secret_len(pair_key), to->secret, "kith blind noise v1");
  if (err == KITH_OK) {
    to->rows = kith_calloc(n_rows, to->agency->layout.row_bytes);
    err = to->rows ? make_signatures(to) : KITH_ERR_MEMORY;
  }
  return err;
}

static void submitting_free(struct submitting *to)
{
  kith_masker_free(to->masker);
  kith_blind_key_free(&to->key);
  kith_secret_free(to->noise);
  if (to->seeds)
    kith_free_wiped(to->seeds, kith_blind_grams_n(to->agency->grams) * sizeof *to->seeds);
  kith_free_wiped(to->signatures,
                  to->signatures ? to->agency->n * to->agency->layout.block_bytes : 0);
  kith_free(to->rows);
}

enum kith_err kith_blind_submit(uint8_t **out, size_t *len, const struct kith_blind_agency *agency,
                                const struct kith_secret *pair_key,
                                const struct kith_secret *secret, bool high)
{
  struct kith_blind_header header = {
      .layout = agency->layout, .high = high, .n_records = agency->n_people};
  size_t n_rows = kith_blind_rows(&agency->layout, agency->n_people);
  struct submitting to = {.agency = agency, .secret = secret, .high = high};
  uint8_t head[KITH_BLIND_HEADER_BYTES_MAX];
  size_t head_len;
  uint8_t *bytes = NULL;
  enum kith_err err = kith_policy_blind_hash(&header.terms, agency->policy);

  if (err == KITH_OK && n_rows > UINT32_MAX)
    err = KITH_ERR_LIMIT;
  if (err == KITH_OK)
    err = submitting_init(&to, pair_key, n_rows);
  for (unsigned k = 0; k < agency->layout.n_keys && err == KITH_OK; k++)
    err = key_rows(&to, k);
  head_len = kith_blind_header_put(head, &header);
  if (err == KITH_OK) {
    fill_rows(&to, n_rows);
    bytes = kith_alloc_aligned(64, head_len + n_rows * agency->layout.row_bytes, 1);
    err = bytes ? sort_rows(bytes + head_len, &to) : KITH_ERR_MEMORY;
  }
  if (err == KITH_OK) {
    memcpy(bytes, head, head_len);
    *out = bytes;
    *len = head_len + n_rows * agency->layout.row_bytes;
  } else {
    kith_free(bytes);
  }
  submitting_free(&to);
  return err;
}
