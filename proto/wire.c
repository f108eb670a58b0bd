#include "proto/wire.h"

#include <string.h>

#include <msgpack.h>

#include "base/text.h"

/* ---- writing: msgpack-c's packer over a kith_buf, whose error sticks */

static int buf_write(void *context, const char *bytes, size_t len)
{
  kith_buf_append(context, bytes, len);
  return 0;
}

void kith_write_array(struct kith_buf *buf, uint32_t n)
{
  msgpack_packer packer;

  msgpack_packer_init(&packer, buf, buf_write);
  msgpack_pack_array(&packer, n);
}

void kith_write_u64(struct kith_buf *buf, uint64_t number)
{
  msgpack_packer packer;

  msgpack_packer_init(&packer, buf, buf_write);
  msgpack_pack_uint64(&packer, number);
}

void kith_write_bin(struct kith_buf *buf, const void *bytes, size_t len)
{
  msgpack_packer packer;

  msgpack_packer_init(&packer, buf, buf_write);
  msgpack_pack_bin(&packer, len);
  msgpack_pack_bin_body(&packer, bytes, len);
}

void kith_write_string(struct kith_buf *buf, const char *string)
{
  size_t len = strlen(string);
  msgpack_packer packer;

  msgpack_packer_init(&packer, buf, buf_write);
  msgpack_pack_str(&packer, len);
  msgpack_pack_str_body(&packer, string, len);
}

/* ---- reading --------------------------------------------------------------------------------
 *
 * msgpack-c's decoder allocates from declared counts and passes over what follows the value, so
 * the bytes are read in place instead: one header at a time, its length held against what is
 * there. No allocation depends on a number from outside. */

enum value_kind { KIND_U64, KIND_STRING, KIND_BIN, KIND_ARRAY, KIND_BAD };

struct value {
  enum value_kind kind;
  uint64_t number;   /* the integer, or the length or count */
  size_t header_len; /* bytes before the content */
};

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
  uint64_t number = 0;

  for (size_t i = 0; i < n; i++)
    number = number << 8 | bytes[i];
  return number;
}

/* Reads n bytes of a number that must not have fitted the next shorter form. */
static struct value sized(enum value_kind kind, const uint8_t *bytes, size_t len, size_t n,
                          uint64_t shortest)
{
  struct value value = {kind, 0, 1 + n};

  if (len < 1 + n)
    return (struct value){KIND_BAD, 0, 0};
  value.number = big_endian(bytes + 1, n);
  if (value.number < shortest)
    value.kind = KIND_BAD;
  return value;
}

static struct value value_header(const uint8_t *bytes, size_t len)
{
  uint8_t first = len ? bytes[0] : 0xc1;

  if (first <= 0x7f)
    return (struct value){KIND_U64, first, 1};
  if (first >= 0x90 && first <= 0x9f)
    return (struct value){KIND_ARRAY, first & 0x0f, 1};
  if (first >= 0xa0 && first <= 0xbf)
    return (struct value){KIND_STRING, first & 0x1f, 1};
  switch (first) {
  case 0xc4:
    return sized(KIND_BIN, bytes, len, 1, 0);
  case 0xc5:
    return sized(KIND_BIN, bytes, len, 2, 1 << 8);
  case 0xc6:
    return sized(KIND_BIN, bytes, len, 4, 1 << 16);
  case 0xcc:
    return sized(KIND_U64, bytes, len, 1, 1 << 7);
  case 0xcd:
    return sized(KIND_U64, bytes, len, 2, 1 << 8);
  case 0xce:
    return sized(KIND_U64, bytes, len, 4, 1 << 16);
  case 0xcf:
    return sized(KIND_U64, bytes, len, 8, (uint64_t)1 << 32);
  case 0xd9:
    return sized(KIND_STRING, bytes, len, 1, 1 << 5);
  case 0xda:
    return sized(KIND_STRING, bytes, len, 2, 1 << 8);
  case 0xdb:
    return sized(KIND_STRING, bytes, len, 4, 1 << 16);
  case 0xdc:
    return sized(KIND_ARRAY, bytes, len, 2, 1 << 4);
  case 0xdd:
    return sized(KIND_ARRAY, bytes, len, 4, 1 << 16);
  default: /* nil, booleans, floats, negative numbers, maps and extensions are not ours */
    return (struct value){KIND_BAD, 0, 0};
  }
}

/* Walks one value and all in it without recursion: `left[d]` elements are still due at depth d. */
static bool walk(const uint8_t *bytes, size_t len, size_t *value_len)
{
  uint64_t left[KITH_WIRE_DEPTH_MAX + 1] = {1};
  unsigned depth = 0;
  size_t at = 0;

  for (;;) {
    struct value value;

    while (left[depth] == 0) {
      if (depth == 0) {
        *value_len = at;
        return true;
      }
      depth--;
    }
    left[depth]--;
    value = value_header(bytes + at, len - at);
    if (value.kind == KIND_BAD)
      return false;
    at += value.header_len;
    if (value.kind == KIND_ARRAY) {
      /* Each element takes a byte at least. */
      if (depth == KITH_WIRE_DEPTH_MAX || value.number > len - at)
        return false;
      left[++depth] = value.number;
    } else if (value.kind != KIND_U64) {
      if (value.number > len - at)
        return false;
      at += (size_t)value.number;
    }
  }
}

static void refuse(struct kith_reader *reader)
{
  reader->err = KITH_ERR_DATA;
}

enum kith_err kith_reader_init(struct kith_reader *reader, const void *bytes, size_t len)
{
  size_t value_len = 0;

  *reader = (struct kith_reader){bytes, len, 0, KITH_OK};
  /* No bytes may be NULL, to which nothing can be added. */
  if (len == 0 || !walk(bytes, len, &value_len) || value_len != len)
    refuse(reader);
  return reader->err;
}

/* The next value's header if it is of that kind; the cursor is then behind the header. */
static bool next(struct kith_reader *reader, enum value_kind kind, uint64_t *number)
{
  struct value value;

  if (reader->err != KITH_OK)
    return false;
  value = value_header(reader->bytes + reader->at, reader->len - reader->at);
  if (value.kind != kind) {
    refuse(reader);
    return false;
  }
  reader->at += value.header_len;
  *number = value.number;
  return true;
}

uint32_t kith_read_array_between(struct kith_reader *reader, uint32_t min, uint32_t max)
{
  uint64_t n = 0;

  if (!next(reader, KIND_ARRAY, &n))
    return 0;
  if (n < min || n > max) {
    refuse(reader);
    return 0;
  }
  return (uint32_t)n;
}

void kith_read_array(struct kith_reader *reader, uint32_t n)
{
  (void)kith_read_array_between(reader, n, n);
}

uint64_t kith_read_u64(struct kith_reader *reader, uint64_t min, uint64_t max)
{
  uint64_t number = 0;

  if (!next(reader, KIND_U64, &number))
    return 0;
  if (number < min || number > max) {
    refuse(reader);
    return 0;
  }
  return number;
}

static const uint8_t *read_bytes(struct kith_reader *reader, enum value_kind kind, size_t *len,
                                 size_t min, size_t max)
{
  uint64_t number = 0;
  const uint8_t *bytes;

  *len = 0;
  if (!next(reader, kind, &number))
    return NULL;
  if (number < min || number > max || number > reader->len - reader->at) {
    refuse(reader);
    return NULL;
  }
  bytes = reader->bytes + reader->at;
  reader->at += (size_t)number;
  *len = (size_t)number;
  return bytes;
}

const uint8_t *kith_read_bin(struct kith_reader *reader, size_t *len, size_t min, size_t max)
{
  return read_bytes(reader, KIND_BIN, len, min, max);
}

void kith_read_bin_exact(struct kith_reader *reader, void *out, size_t len)
{
  size_t found = 0;
  const uint8_t *bytes = read_bytes(reader, KIND_BIN, &found, len, len);

  if (bytes)
    memcpy(out, bytes, len);
  else
    memset(out, 0, len);
}

void kith_read_string(struct kith_reader *reader, char *out, size_t cap)
{
  size_t len = 0;
  const uint8_t *bytes = read_bytes(reader, KIND_STRING, &len, 0, cap - 1);

  memset(out, 0, cap);
  if (!bytes)
    return;
  if (memchr(bytes, 0, len) || !kith_utf8_valid((const char *)bytes, len)) {
    refuse(reader);
    return;
  }
  memcpy(out, bytes, len);
}

void kith_read_member(struct kith_reader *reader, char out[KITH_MEMBER_ID_BYTES])
{
  kith_read_string(reader, out, KITH_MEMBER_ID_BYTES);
  if (reader->err == KITH_OK && !kith_member_id_valid(out)) {
    memset(out, 0, KITH_MEMBER_ID_BYTES);
    refuse(reader);
  }
}

const uint8_t *kith_read_value(struct kith_reader *reader, size_t *len)
{
  const uint8_t *bytes;

  *len = 0;
  if (reader->err != KITH_OK)
    return NULL;
  bytes = reader->bytes + reader->at;
  if (!walk(bytes, reader->len - reader->at, len)) {
    refuse(reader);
    return NULL;
  }
  reader->at += *len;
  return bytes;
}

enum kith_err kith_reader_done(const struct kith_reader *reader)
{
  if (reader->err != KITH_OK)
    return reader->err;
  return reader->at == reader->len ? KITH_OK : KITH_ERR_DATA;
}

bool kith_member_id_valid(const char *id)
{
  size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_");

  return len >= 1 && len < KITH_MEMBER_ID_BYTES && id[len] == '\0';
}
