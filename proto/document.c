#include "proto/document.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/public.h"
#include "proto/wire.h"

void kith_document_head(struct kith_json_reader *reader, const char *kind)
{
  if (strcmp(kith_json_string(reader, "kith", NULL), kind) != 0)
    kith_json_refuse(reader, "kith", "expected \"%s\": this is another document", kind);
  (void)kith_json_int(reader, "format", 1, 1);
}

/* C0, DEL, C1 (as UTF-8: C2 80 to C2 9F), U+2028 to U+202E (E2 80 A8 to AE: line separators and
 * direction), U+2066 to U+2069 (E2 81 A6 to A9: direction). */
bool kith_text_plain(const char *text)
{
  for (const uint8_t *c = (const uint8_t *)text; *c; c++) {
    if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f))
      return false;
    if (c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae)
      return false;
    if (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)
      return false;
  }
  return true;
}

void kith_document_text(struct kith_json_reader *reader, const char *key, char *out, size_t cap,
                        bool may_be_empty)
{
  const char *text = kith_json_string(reader, key, NULL);

  out[0] = '\0';
  if (reader->err != KITH_OK)
    return;
  if (text[0] == '\0' && !may_be_empty)
    kith_json_refuse(reader, key, "is empty; say it in words");
  else if (strlen(text) >= cap)
    kith_json_refuse(reader, key, "is too long; at most %zu bytes", cap - 1);
  else if (!kith_text_plain(text))
    kith_json_refuse(reader, key, "has a line break or a control character; write it on one line");
  else
    memcpy(out, text, strlen(text) + 1);
}

int64_t kith_document_time(struct kith_json_reader *reader, const char *key)
{
  int64_t time = 0;
  const char *text = kith_json_string(reader, key, NULL);

  if (reader->err == KITH_OK && kith_time_parse(&time, text) != KITH_OK)
    kith_json_refuse(reader, key, "expected a time in UTC such as \"2026-01-01T00:00:00Z\"");
  return time;
}

bool kith_document_bool(struct kith_json_reader *reader, const char *key)
{
  if (!kith_json_has(reader, key))
    kith_json_refuse(reader, key, "is missing");
  return kith_json_bool_or(reader, key, false);
}

void kith_document_member_of(struct kith_json_reader *reader, const char *key, const json_t *value,
                             char out[KITH_MEMBER_ID_BYTES])
{
  out[0] = '\0';
  if (reader->err != KITH_OK)
    return;
  if (!json_is_string(value) || !kith_member_id_valid(json_string_value(value)))
    kith_json_refuse(reader, key, "expected a member's id: 1 to %d of a-z, 0-9 and _",
                     KITH_MEMBER_ID_BYTES - 1);
  else
    memcpy(out, json_string_value(value), strlen(json_string_value(value)) + 1);
}

void kith_document_member(struct kith_json_reader *reader, const char *key,
                          char out[KITH_MEMBER_ID_BYTES])
{
  (void)kith_json_string(reader, key, NULL);
  kith_document_member_of(reader, key, json_object_get(reader->object, key), out);
}

void kith_document_key(struct kith_json_reader *reader, const char *key, const json_t *value,
                       bool signing, uint8_t out[KITH_PUBLIC_BYTES])
{
  memset(out, 0, KITH_PUBLIC_BYTES);
  if (reader->err != KITH_OK)
    return;
  if (!value)
    kith_json_refuse(reader, key, "is missing");
  else if (!json_is_string(value) ||
           kith_base64_decode(out, KITH_PUBLIC_BYTES, json_string_value(value)) != KITH_OK)
    kith_json_refuse(reader, key, "expected a key of 32 bytes in base64 ('kith key show')");
  else if (!(signing ? kith_sign_key_valid(out) : kith_exchange_key_valid(out)))
    kith_json_refuse(reader, key, "is a weak key; make a new one with 'kith key new'");
}

json_t *kith_document_key_json(const uint8_t key[KITH_PUBLIC_BYTES])
{
  char text[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)];

  kith_base64_encode(text, key, KITH_PUBLIC_BYTES);
  return json_string(text);
}

json_t *kith_document_time_json(int64_t time)
{
  char text[KITH_TIME_BYTES];

  kith_time_format(text, time);
  return json_string(text);
}

static int dump_to_buf(const char *bytes, size_t len, void *buf)
{
  kith_buf_append(buf, bytes, len);
  return kith_buf_err(buf) == KITH_OK ? 0 : -1;
}

enum kith_err kith_document_dump(struct kith_buf *out, json_t *json)
{
  enum kith_err err = KITH_ERR_MEMORY;

  if (!json)
    return err;
  if (json_dump_callback(json, dump_to_buf, out, JSON_INDENT(2)) == 0) {
    kith_buf_append_string(out, "\n");
    err = kith_buf_err(out);
  } else if (kith_buf_err(out) != KITH_OK) {
    err = kith_buf_err(out);
  }
  json_decref(json);
  return err;
}
