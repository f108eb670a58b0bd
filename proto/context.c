#include "proto/context.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"

enum {
  VALUE_BYTES = KITH_CONTEXT_VALUE_BYTES - 1,
  PLAIN_BYTES_MAX = KITH_CONTEXT_ATTRIBUTES_MAX * VALUE_BYTES
};

size_t kith_context_entry_bytes(unsigned n_attributes)
{
  return KITH_CONTEXT_TAG_BYTES + KITH_BOX_OVERHEAD + (size_t)n_attributes * VALUE_BYTES;
}

bool kith_context_value_valid(const char *text)
{
  size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

  return len > 0 && len <= VALUE_BYTES && text[len] == '\0';
}

/* ---- age bands: of school years and of what the law of children and young people goes by */

static const struct {
  int from;
  const char *name;
} bands[] = {{0, "0-4"},    {5, "5-10"},   {11, "11-15"},      {16, "16-17"},
             {18, "18-25"}, {26, "26-64"}, {65, "65-and-over"}};

static int age_on(struct kith_date birth, struct kith_date on)
{
  bool to_come = birth.month > on.month || (birth.month == on.month && birth.day > on.day);

  return on.year - birth.year - to_come;
}

static const char *band_of(int age)
{
  const char *name = NULL;

  for (size_t i = 0; i < KITH_COUNT_OF(bands) && bands[i].from <= age; i++)
    name = bands[i].name;
  return name;
}

const char *kith_context_age_band(struct kith_date birth, struct kith_date on)
{
  struct kith_date first = birth;
  struct kith_date last = birth;
  const char *name;

  if (!birth.year || (!birth.month && birth.day))
    return NULL;
  if (!birth.month)
    first.month = 1, last.month = 12;
  if (!birth.day)
    first.day = 1, last.day = 31;
  name = band_of(age_on(last, on));
  return name && name == band_of(age_on(first, on)) ? name : NULL;
}

/* ---- entries */

void kith_context_tag(uint8_t out[KITH_CONTEXT_TAG_BYTES], const struct kith_envelope *envelope,
                      const uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_hasher hasher;
  struct kith_hash hash;

  kith_hasher_init(&hasher, "kith context tag v1");
  kith_hasher_part(&hasher, envelope->round, KITH_ROUND_ID_BYTES);
  kith_hasher_part(&hasher, envelope->author, strlen(envelope->author));
  kith_hasher_part(&hasher, envelope->reader, strlen(envelope->reader));
  kith_hasher_part(&hasher, handle, KITH_HANDLE_BYTES);
  kith_hasher_final(&hasher, &hash);
  memcpy(out, hash.bytes, KITH_CONTEXT_TAG_BYTES);
}

/* HMAC(handle, label || 0x00 || round || agency || 0x00 || recipient). */
static enum kith_err entry_key(struct kith_secret **out, const struct kith_envelope *envelope,
                               const uint8_t handle[KITH_HANDLE_BYTES])
{
  static const char label[] = "kith context entry v1";
  uint8_t info[sizeof label + KITH_ROUND_ID_BYTES + 2 * KITH_MEMBER_ID_BYTES];
  size_t author_len = strlen(envelope->author) + 1;
  size_t reader_len = strlen(envelope->reader);
  struct kith_secret *secret = NULL;
  uint8_t key[32];
  enum kith_err err;

  memcpy(info, label, sizeof label);
  memcpy(info + sizeof label, envelope->round, KITH_ROUND_ID_BYTES);
  memcpy(info + sizeof label + KITH_ROUND_ID_BYTES, envelope->author, author_len);
  memcpy(info + sizeof label + KITH_ROUND_ID_BYTES + author_len, envelope->reader, reader_len);
  err = kith_secret_copy(&secret, handle, KITH_HANDLE_BYTES);
  if (err == KITH_OK)
    err =
        kith_hmac(key, secret, info, sizeof label + KITH_ROUND_ID_BYTES + author_len + reader_len);
  if (err == KITH_OK)
    err = kith_secret_copy(out, key, sizeof key);
  kith_secret_free(secret);
  kith_wipe(key, sizeof key);
  return err;
}

enum kith_err kith_context_seal(uint8_t *out, const struct kith_envelope *envelope,
                                const uint8_t handle[KITH_HANDLE_BYTES],
                                const struct kith_context_values *values, unsigned n_attributes)
{
  uint8_t plain[PLAIN_BYTES_MAX] = {0};
  struct kith_secret *key = NULL;
  enum kith_err err = entry_key(&key, envelope, handle);

  for (unsigned i = 0; i < n_attributes; i++)
    memcpy(plain + (size_t)i * VALUE_BYTES, values->text[i], strlen(values->text[i]));
  kith_context_tag(out, envelope, handle);
  if (err == KITH_OK)
    err = kith_box(out + KITH_CONTEXT_TAG_BYTES, key, out, KITH_CONTEXT_TAG_BYTES, plain,
                   (size_t)n_attributes * VALUE_BYTES);
  kith_secret_free(key);
  kith_wipe(plain, sizeof plain);
  return err;
}

/* Each value valid or missing, with nothing behind its end. */
static enum kith_err values_read(struct kith_context_values *out, const uint8_t *plain, unsigned n)
{
  memset(out, 0, sizeof *out);
  for (unsigned i = 0; i < n; i++) {
    const uint8_t *at = plain + (size_t)i * VALUE_BYTES;
    size_t len;

    memcpy(out->text[i], at, VALUE_BYTES);
    len = strlen(out->text[i]);
    for (size_t k = len; k < VALUE_BYTES; k++)
      if (at[k])
        return KITH_ERR_NO;
    if (len && !kith_context_value_valid(out->text[i]))
      return KITH_ERR_NO;
  }
  return KITH_OK;
}

static const uint8_t *entry_find(const struct kith_context *context,
                                 const uint8_t tag[KITH_CONTEXT_TAG_BYTES])
{
  size_t bytes = kith_context_entry_bytes(context->n_attributes);
  size_t from = 0;
  size_t to = context->len / bytes;

  while (from < to) {
    size_t middle = from + (to - from) / 2;
    const uint8_t *entry = context->entries + middle * bytes;
    int order = memcmp(tag, entry, KITH_CONTEXT_TAG_BYTES);

    if (order == 0)
      return entry;
    if (order < 0)
      to = middle;
    else
      from = middle + 1;
  }
  return NULL;
}

enum kith_err kith_context_find(struct kith_context_values *out, const struct kith_context *context,
                                const struct kith_envelope *envelope,
                                const uint8_t handle[KITH_HANDLE_BYTES])
{
  size_t len = (size_t)context->n_attributes * VALUE_BYTES;
  uint8_t tag[KITH_CONTEXT_TAG_BYTES];
  uint8_t plain[PLAIN_BYTES_MAX];
  struct kith_secret *key = NULL;
  const uint8_t *entry;
  enum kith_err err;

  kith_context_tag(tag, envelope, handle);
  entry = entry_find(context, tag);
  if (!entry)
    return KITH_ERR_NOT_FOUND;
  err = entry_key(&key, envelope, handle);
  if (err == KITH_OK)
    err = kith_box_open(plain, key, tag, sizeof tag, entry + KITH_CONTEXT_TAG_BYTES,
                        len + KITH_BOX_OVERHEAD);
  kith_secret_free(key);
  if (err == KITH_OK)
    err = values_read(out, plain, context->n_attributes);
  if (err != KITH_OK)
    kith_wipe(out, sizeof *out);
  kith_wipe(plain, sizeof plain);
  return err;
}
