#include "crypto/encode/mask.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/encode/permutation.h"
#include "crypto/encode/token.h"

enum { COUNTER_BYTES = 16, SHIFT_BYTES = 4 };

struct kith_masker {
  struct kith_blind_layout layout;
  EVP_CIPHER_CTX *cipher;
  size_t stream_bytes;
  uint8_t *zeros;  /* owned; stream_bytes */
  uint8_t *stream; /* owned; the same */
};

enum kith_err kith_masker_new(struct kith_masker **out, const struct kith_blind_key *key,
                              const struct kith_blind_layout *layout)
{
  struct kith_masker *masker = KITH_NEW(struct kith_masker);

  if (!masker)
    return KITH_ERR_MEMORY;
  masker->layout = *layout;
  masker->stream_bytes = 2 * (size_t)KITH_BLIND_OPENING_BYTES +
                         layout->n_fields * (size_t)SHIFT_BYTES +
                         layout->block_bytes * (1 + KITH_RIFFLES);
  masker->zeros = kith_calloc(masker->stream_bytes, 1);
  masker->stream = kith_calloc(masker->stream_bytes, 1);
  masker->cipher = EVP_CIPHER_CTX_new();
  if (!masker->zeros || !masker->stream || !masker->cipher ||
      EVP_EncryptInit_ex(masker->cipher, EVP_aes_256_ctr(), NULL, kith_secret_peek(key->mask),
                         NULL) != 1) {
    kith_masker_free(masker);
    return KITH_ERR_MEMORY;
  }
  *out = masker;
  return KITH_OK;
}

void kith_masker_free(struct kith_masker *masker)
{
  if (!masker)
    return;
  EVP_CIPHER_CTX_free(masker->cipher); /* wipes its key */
  if (masker->stream)
    kith_wipe(masker->stream, masker->stream_bytes);
  kith_free(masker->stream);
  kith_free(masker->zeros);
  kith_free(masker);
}

static enum kith_err make_stream(struct kith_masker *masker, const uint8_t *token)
{
  uint8_t counter[COUNTER_BYTES] = {0};
  int len = 0;

  memcpy(counter, token, KITH_TOKEN_BYTES);
  return EVP_EncryptInit_ex(masker->cipher, NULL, NULL, NULL, counter) == 1 &&
                 EVP_EncryptUpdate(masker->cipher, masker->stream, &len, masker->zeros,
                                   (int)masker->stream_bytes) == 1
             ? KITH_OK
             : KITH_ERR_INTERNAL;
}

/* Each digit: lo adds s, hi takes it away, modulo 3; without a branch on what is missing. */
static void put_digits(uint8_t *out, const struct kith_blind_layout *layout, uint16_t missing,
                       const uint8_t *shifts, bool high)
{
  unsigned weight = 1;

  memset(out, 0, layout->digit_bytes);
  for (unsigned f = 0; f < layout->n_fields; f++) {
    unsigned s = (unsigned)(3 * kith_get_le(shifts + f * (size_t)SHIFT_BYTES, SHIFT_BYTES) >> 32);
    unsigned digit = ((missing >> f & 1u) + (high ? 3 - s : s)) % 3;

    if (f % KITH_BLIND_DIGITS_A_BYTE == 0)
      weight = 1;
    out[f / KITH_BLIND_DIGITS_A_BYTE] =
        (uint8_t)(out[f / KITH_BLIND_DIGITS_A_BYTE] + digit * weight);
    weight *= 3;
  }
}

static void put_openings(uint8_t *out, const struct kith_mask_record *record, const uint8_t *pads,
                         bool high)
{
  uint8_t own[KITH_BLIND_OPENING_BYTES];
  uint8_t *mine = out + (high ? KITH_BLIND_OPENING_BYTES : 0);

  own[0] = (uint8_t)record->match_key;
  kith_put_le(own + 1, sizeof own - 1, record->handle);
  memcpy(out, pads, 2 * (size_t)KITH_BLIND_OPENING_BYTES);
  for (unsigned i = 0; i < sizeof own; i++)
    mine[i] ^= own[i];
}

enum kith_err kith_mask_row(struct kith_masker *masker, uint8_t *row,
                            const struct kith_mask_record *record, bool high)
{
  const struct kith_blind_layout *layout = &masker->layout;
  uint8_t *block = row + layout->blocks;
  const uint8_t *at = masker->stream;
  const uint8_t *shifts;
  const uint8_t *labels;
  enum kith_err err = make_stream(masker, row);

  if (err != KITH_OK)
    return err;
  put_openings(row + layout->openings, record, at, high);
  shifts = at + 2 * (size_t)KITH_BLIND_OPENING_BYTES;
  put_digits(row + layout->digits, layout, record->missing, shifts, high);
  at = shifts + layout->n_fields * (size_t)SHIFT_BYTES;
  labels = at + layout->block_bytes;
  memcpy(block, record->signatures, layout->block_bytes);
  for (unsigned f = 0; f < layout->n_fields; f++) {
    size_t bytes = layout->bits[f] / 8;

    kith_permute(block, layout->bits[f], labels);
    for (size_t i = 0; i < bytes; i++)
      block[i] ^= at[i];
    block += bytes;
    at += bytes;
    labels += bytes * KITH_RIFFLES;
  }
  return KITH_OK;
}
