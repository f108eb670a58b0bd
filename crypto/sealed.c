#include "crypto/sealed.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"

enum {
  CHUNK_BYTES = KITH_SEALED_CHUNK_BYTES,
  TAG_BYTES = crypto_secretstream_xchacha20poly1305_ABYTES,
  HEADER_BYTES = KITH_SEALED_HEADER_BYTES,
  STREAM_AT = 16,
  VERSION = 1
};
static_assert(STREAM_AT + crypto_secretstream_xchacha20poly1305_HEADERBYTES == HEADER_BYTES,
              "crypto/sealed.h");
static_assert(crypto_secretstream_xchacha20poly1305_KEYBYTES == KITH_SEALED_KEY_BYTES,
              "crypto/sealed.h");

static const uint8_t magic[8] = {'K', 'I', 'T', 'H', 'S', 'E', 'A', 'L'};

/* What both directions have. */
struct sealed {
  FILE *under;               /* borrowed */
  FILE *stream;              /* owned */
  struct kith_secret *state; /* of secretstream */
  struct kith_hash bound;    /* to each chunk */
  uint8_t plain[CHUNK_BYTES];
  uint8_t box[CHUNK_BYTES + TAG_BYTES];
  size_t len; /* of plain */
  size_t at;  /* reading: what was given of it */
  enum kith_err err;
  bool last; /* reading: the last chunk was opened */
};
struct kith_sealed_out {
  struct sealed all;
};
struct kith_sealed_in {
  struct sealed all;
};

static crypto_secretstream_xchacha20poly1305_state *state_of(struct sealed *sealed)
{
  return (void *)kith_secret_bytes(sealed->state);
}

static void sealed_free(struct sealed *sealed)
{
  if (sealed->stream)
    (void)fclose(sealed->stream); /* what it says was asked for in finish */
  kith_secret_free(sealed->state);
  kith_wipe(sealed->plain, sizeof sealed->plain);
}

static enum kith_err stream_key(struct kith_secret **out, const struct kith_secret *key)
{
  assert(kith_secret_len(key) == KITH_SEALED_KEY_BYTES);
  return kith_hkdf(out, KITH_SEALED_KEY_BYTES, NULL, 0, key, "kith sealed file v1");
}

static void bind(struct sealed *sealed, const uint8_t header[HEADER_BYTES], const char *context)
{
  struct kith_hasher hasher;
  kith_hasher_init(&hasher, "kith sealed file v1");
  kith_hasher_part(&hasher, header, HEADER_BYTES);
  kith_hasher_part(&hasher, context, strlen(context));
  kith_hasher_final(&hasher, &sealed->bound);
}

/* ---- writing */

static enum kith_err push(struct sealed *sealed, uint8_t tag)
{
  crypto_secretstream_xchacha20poly1305_push(state_of(sealed), sealed->box, NULL, sealed->plain,
                                             sealed->len, sealed->bound.bytes,
                                             sizeof sealed->bound.bytes, tag);
  if (fwrite(sealed->box, 1, sealed->len + TAG_BYTES, sealed->under) != sealed->len + TAG_BYTES)
    sealed->err = KITH_ERR_IO;
  sealed->len = 0;
  return sealed->err;
}

/* A full chunk is held back until there is more: it may be the last. */
static ssize_t out_write(void *cookie, const char *bytes, size_t len)
{
  struct sealed *sealed = cookie;
  size_t done = 0;
  while (done < len && !sealed->err) {
    if (sealed->len == CHUNK_BYTES && push(sealed, 0))
      break;
    size_t n = len - done < CHUNK_BYTES - sealed->len ? len - done : CHUNK_BYTES - sealed->len;
    memcpy(sealed->plain + sealed->len, bytes + done, n);
    sealed->len += n;
    done += n;
  }
  if (sealed->err)
    errno = EIO;
  return sealed->err ? 0 : (ssize_t)done;
}

static enum kith_err out_begin(struct sealed *sealed, const struct kith_secret *key,
                               const char *context)
{
  uint8_t header[HEADER_BYTES] = {0};
  struct kith_secret *own = NULL;
  enum kith_err err = stream_key(&own, key);
  if (err)
    return err;
  memcpy(header, magic, sizeof magic);
  kith_put_le(header + 8, 4, VERSION);
  crypto_secretstream_xchacha20poly1305_init_push(state_of(sealed), header + STREAM_AT,
                                                  kith_secret_peek(own));
  kith_secret_free(own);
  bind(sealed, header, context);
  if (fwrite(header, 1, sizeof header, sealed->under) != sizeof header)
    return KITH_ERR_IO;
  sealed->stream = fopencookie(sealed, "w", (cookie_io_functions_t){.write = out_write});
  return sealed->stream ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_sealed_out_new(struct kith_sealed_out **out, FILE *under,
                                  const struct kith_secret *key, const char *context)
{
  struct kith_sealed_out *sealed = KITH_NEW(struct kith_sealed_out);
  if (!sealed)
    return KITH_ERR_MEMORY;
  sealed->all.under = under;
  enum kith_err err =
      kith_secret_new(&sealed->all.state, sizeof(crypto_secretstream_xchacha20poly1305_state));
  if (!err)
    err = out_begin(&sealed->all, key, context);
  if (err) {
    kith_sealed_out_free(sealed);
    return err;
  }
  *out = sealed;
  return KITH_OK;
}

FILE *kith_sealed_out_stream(struct kith_sealed_out *sealed)
{
  return sealed->all.stream;
}

enum kith_err kith_sealed_out_finish(struct kith_sealed_out *sealed)
{
  struct sealed *all = &sealed->all;
  if (fflush(all->stream) != 0 || ferror(all->stream))
    all->err = KITH_ERR_IO;
  if (!all->err)
    (void)push(all, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
  return all->err;
}

void kith_sealed_out_free(struct kith_sealed_out *sealed)
{
  if (!sealed)
    return;
  sealed_free(&sealed->all);
  kith_free(sealed);
}

/* ---- reading */

bool kith_sealed_is(const void *bytes, size_t len)
{
  return len >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* Opens the next chunk. */
static enum kith_err pull(struct sealed *sealed)
{
  size_t n = fread(sealed->box, 1, sizeof sealed->box, sealed->under);
  unsigned char tag = 0;
  if (ferror(sealed->under))
    return KITH_ERR_IO;
  if (n < TAG_BYTES || crypto_secretstream_xchacha20poly1305_pull(
                           state_of(sealed), sealed->plain, NULL, &tag, sealed->box, n,
                           sealed->bound.bytes, sizeof sealed->bound.bytes) != 0)
    return KITH_ERR_NO;
  sealed->last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
  sealed->len = n - TAG_BYTES;
  sealed->at = 0;
  return KITH_OK;
}

static ssize_t in_read(void *cookie, char *out, size_t len)
{
  struct sealed *sealed = cookie;
  if (!sealed->err && sealed->at == sealed->len && !sealed->last)
    sealed->err = pull(sealed);
  if (sealed->err) {
    errno = EIO;
    return -1;
  }
  size_t n = sealed->len - sealed->at < len ? sealed->len - sealed->at : len;
  memcpy(out, sealed->plain + sealed->at, n);
  sealed->at += n;
  return (ssize_t)n;
}

static enum kith_err in_begin(struct sealed *sealed, const struct kith_secret *key,
                              const char *context)
{
  uint8_t header[HEADER_BYTES];
  struct kith_secret *own = NULL;
  if (fread(header, 1, sizeof header, sealed->under) != sizeof header ||
      !kith_sealed_is(header, sizeof header) || kith_get_le(header + 8, 4) != VERSION ||
      kith_get_le(header + 12, 4) != 0)
    return ferror(sealed->under) ? KITH_ERR_IO : KITH_ERR_DATA;
  enum kith_err err = stream_key(&own, key);
  if (err)
    return err;
  int refused = crypto_secretstream_xchacha20poly1305_init_pull(
      state_of(sealed), header + STREAM_AT, kith_secret_peek(own));
  kith_secret_free(own);
  if (refused)
    return KITH_ERR_DATA;
  bind(sealed, header, context);
  sealed->stream = fopencookie(sealed, "r", (cookie_io_functions_t){.read = in_read});
  return sealed->stream ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_sealed_in_new(struct kith_sealed_in **out, FILE *under,
                                 const struct kith_secret *key, const char *context)
{
  struct kith_sealed_in *sealed = KITH_NEW(struct kith_sealed_in);
  if (!sealed)
    return KITH_ERR_MEMORY;
  sealed->all.under = under;
  enum kith_err err =
      kith_secret_new(&sealed->all.state, sizeof(crypto_secretstream_xchacha20poly1305_state));
  if (!err)
    err = in_begin(&sealed->all, key, context);
  if (err) {
    kith_sealed_in_free(sealed);
    return err;
  }
  *out = sealed;
  return KITH_OK;
}

FILE *kith_sealed_in_stream(struct kith_sealed_in *sealed)
{
  return sealed->all.stream;
}

enum kith_err kith_sealed_in_finish(struct kith_sealed_in *sealed)
{
  struct sealed *all = &sealed->all;
  if (!all->err && fgetc(all->stream) != EOF)
    return KITH_ERR_NO;
  if (all->err)
    return all->err;
  return all->last && fgetc(all->under) == EOF ? KITH_OK : KITH_ERR_NO;
}

void kith_sealed_in_free(struct kith_sealed_in *sealed)
{
  if (!sealed)
    return;
  sealed_free(&sealed->all);
  kith_free(sealed);
}
