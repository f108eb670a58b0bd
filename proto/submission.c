#include "proto/submission.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"

static const char entry_label[] = "kith handle entry v1";
/* label || 0x00 || round || handle: what an entry's key is made of, and what its box is bound to */
enum {
  ENTRY_CONTEXT_BYTES = sizeof entry_label + KITH_ROUND_ID_BYTES + KITH_HANDLE_BYTES,
  ENTRY_KEY_BYTES = 32,
  LENGTH_BYTES = 2,
  ENTRY_PLAIN_MAX = (LENGTH_BYTES + KITH_RECORD_ID_BYTES_MAX + KITH_RECORD_ID_PADDING - 1) /
                    KITH_RECORD_ID_PADDING * KITH_RECORD_ID_PADDING
};

void kith_batch_hash(struct kith_hash *out, const kith_round_id round, const char *member,
                     uint64_t number, const void *rows, size_t len)
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, "kith batch v1");
  kith_hasher_part(&hasher, round, KITH_ROUND_ID_BYTES);
  kith_hasher_part(&hasher, member, strlen(member));
  kith_hasher_u64(&hasher, number);
  kith_hasher_part(&hasher, rows, len);
  kith_hasher_final(&hasher, out);
}

void kith_manifest_root(struct kith_hash *out, const kith_round_id round, const char *member,
                        uint64_t n_records, const struct kith_hash *batches, size_t n_batches)
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, "kith manifest v1");
  kith_hasher_part(&hasher, round, KITH_ROUND_ID_BYTES);
  kith_hasher_part(&hasher, member, strlen(member));
  kith_hasher_u64(&hasher, n_records);
  for (size_t i = 0; i < n_batches; i++)
    kith_hasher_part(&hasher, batches[i].bytes, sizeof batches[i].bytes);
  kith_hasher_final(&hasher, out);
}

enum kith_err kith_handle_of(uint8_t out[KITH_HANDLE_BYTES], const kith_round_id round,
                             const struct kith_secret *table_key, const void *record_id, size_t len)
{
  static const char label[] = "kith handle v1";
  uint8_t text[sizeof label + KITH_ROUND_ID_BYTES + KITH_RECORD_ID_BYTES_MAX];
  const size_t head = sizeof label + KITH_ROUND_ID_BYTES;
  uint8_t mac[KITH_HASH_BYTES];
  enum kith_err err;

  if (len > KITH_RECORD_ID_BYTES_MAX)
    return KITH_ERR_LIMIT;
  memcpy(text, label, sizeof label);
  memcpy(text + sizeof label, round, KITH_ROUND_ID_BYTES);
  memcpy(text + head, record_id, len);
  err = kith_hmac(mac, table_key, text, head + len);
  memcpy(out, mac, KITH_HANDLE_BYTES);
  kith_wipe(text, head + len);
  kith_wipe(mac, sizeof mac);
  return err;
}

void kith_handle_index(struct kith_hash *out, const kith_round_id round,
                       const uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, "kith handle index v1");
  kith_hasher_part(&hasher, round, KITH_ROUND_ID_BYTES);
  kith_hasher_part(&hasher, handle, KITH_HANDLE_BYTES);
  kith_hasher_final(&hasher, out);
}

struct kith_handles {
  kith_round_id round;
  struct kith_secret *table_key;
  struct kith_secret *entry_key; /* of the entry at hand */
  struct kith_secret *plain;     /* of the entry at hand, ENTRY_PLAIN_MAX bytes */
};

enum kith_err kith_handles_new(struct kith_handles **out, const kith_round_id round,
                               const struct kith_secret *table_key)
{
  struct kith_handles *handles;

  if (kith_secret_len(table_key) != KITH_TABLE_KEY_BYTES)
    return KITH_ERR_DATA;
  handles = KITH_NEW(struct kith_handles);
  if (!handles ||
      kith_secret_copy(&handles->table_key, kith_secret_peek(table_key), KITH_TABLE_KEY_BYTES) !=
          KITH_OK ||
      kith_secret_new(&handles->entry_key, ENTRY_KEY_BYTES) != KITH_OK ||
      kith_secret_new(&handles->plain, ENTRY_PLAIN_MAX) != KITH_OK) {
    kith_handles_free(handles);
    return KITH_ERR_MEMORY;
  }
  memcpy(handles->round, round, KITH_ROUND_ID_BYTES);
  *out = handles;
  return KITH_OK;
}

void kith_handles_free(struct kith_handles *handles)
{
  if (!handles)
    return;
  kith_secret_free(handles->table_key);
  kith_secret_free(handles->entry_key);
  kith_secret_free(handles->plain);
  kith_free(handles);
}

/* Sets handles->entry_key, and the context. */
static enum kith_err entry_key(struct kith_handles *handles, uint8_t context[ENTRY_CONTEXT_BYTES],
                               const uint8_t handle[KITH_HANDLE_BYTES])
{
  memcpy(context, entry_label, sizeof entry_label);
  memcpy(context + sizeof entry_label, handles->round, KITH_ROUND_ID_BYTES);
  memcpy(context + sizeof entry_label + KITH_ROUND_ID_BYTES, handle, KITH_HANDLE_BYTES);
  return kith_hmac(kith_secret_bytes(handles->entry_key), handles->table_key, context,
                   ENTRY_CONTEXT_BYTES);
}

enum kith_err kith_handle_seal(struct kith_handles *handles, struct kith_buf *out,
                               const uint8_t handle[KITH_HANDLE_BYTES], const void *record_id,
                               size_t len)
{
  uint8_t context[ENTRY_CONTEXT_BYTES];
  uint8_t boxed[ENTRY_PLAIN_MAX + KITH_BOX_OVERHEAD];
  uint8_t *plain = kith_secret_bytes(handles->plain);
  size_t plain_len;
  enum kith_err err;

  if (len > KITH_RECORD_ID_BYTES_MAX)
    return KITH_ERR_LIMIT;
  plain_len = (LENGTH_BYTES + len + KITH_RECORD_ID_PADDING - 1) / KITH_RECORD_ID_PADDING *
              KITH_RECORD_ID_PADDING;
  memset(plain, 0, plain_len);
  plain[0] = (uint8_t)(len & 0xff);
  plain[1] = (uint8_t)(len >> 8);
  if (len)
    memcpy(plain + LENGTH_BYTES, record_id, len);
  err = entry_key(handles, context, handle);
  if (err == KITH_OK)
    err = kith_box(boxed, handles->entry_key, context, sizeof context, plain, plain_len);
  if (err == KITH_OK) {
    kith_buf_clear(out);
    kith_buf_append(out, boxed, plain_len + KITH_BOX_OVERHEAD);
    err = kith_buf_err(out);
  }
  kith_wipe(plain, plain_len);
  return err;
}

enum kith_err kith_handle_open(struct kith_handles *handles, struct kith_buf *out,
                               const uint8_t handle[KITH_HANDLE_BYTES], const void *entry,
                               size_t len)
{
  uint8_t context[ENTRY_CONTEXT_BYTES];
  uint8_t *plain = kith_secret_bytes(handles->plain);
  size_t plain_len;
  size_t id_len;
  enum kith_err err;

  if (len < KITH_BOX_OVERHEAD + KITH_RECORD_ID_PADDING || len > KITH_BOX_OVERHEAD + ENTRY_PLAIN_MAX)
    return KITH_ERR_NO;
  plain_len = len - KITH_BOX_OVERHEAD;
  err = entry_key(handles, context, handle);
  if (err == KITH_OK)
    err = kith_box_open(plain, handles->entry_key, context, sizeof context, entry, len);
  if (err != KITH_OK)
    return err;
  id_len = plain[0] | (size_t)plain[1] << 8;
  if (LENGTH_BYTES + id_len > plain_len) {
    err = KITH_ERR_NO;
  } else {
    kith_buf_clear(out);
    kith_buf_append(out, plain + LENGTH_BYTES, id_len);
    err = kith_buf_err(out);
  }
  kith_wipe(plain, plain_len);
  return err;
}
