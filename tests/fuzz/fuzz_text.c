/* Text forms that are canonical: what is accepted is written the same again. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

static void try_base64(const char *text, size_t size)
{
  size_t len;
  uint8_t *bytes = kith_calloc(size + 1, 1);
  char *again = kith_calloc(KITH_BASE64_BYTES(size), 1);

  require(bytes && again);
  if (kith_base64_decode_any(bytes, &len, size, text, size) == KITH_OK) {
    kith_base64_encode(again, bytes, len);
    require(strlen(again) == size && memcmp(again, text, size) == 0);
    require(kith_base64_decode(bytes, len, again) == KITH_OK);
  }
  kith_free(bytes);
  kith_free(again);
}

static void try_json(const char *text, size_t size)
{
  json_t *json;
  struct kith_json_reader reader;
  struct kith_fault fault;

  if (kith_json_parse(&json, text, size, "fuzz", &fault) != KITH_OK)
    return;
  kith_json_begin(&reader, json, "fuzz", &fault);
  require(kith_json_string(&reader, "s", NULL) != NULL);
  require(kith_json_int_or(&reader, "i", 1, 5, 2) <= 5);
  kith_json_array(&reader, "a", 0, 3);
  if (kith_json_done(&reader) == KITH_OK)
    require(json_is_object(json) && json_object_size(json) <= 3);
  json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = kith_strndup((const char *)data, size);
  char time[KITH_TIME_BYTES];
  uint8_t bytes[4];
  char hex[9];
  struct kith_ratio ratio;
  uint64_t number;
  int64_t seconds;

  require(text != NULL);
  try_base64((const char *)data, size);
  try_json((const char *)data, size);
  if (kith_time_parse(&seconds, text) == KITH_OK) {
    kith_time_format(time, seconds);
    require(strcmp(time, text) == 0);
  }
  if (kith_hex_decode(bytes, sizeof bytes, text) == KITH_OK) {
    kith_hex_encode(hex, bytes, sizeof bytes);
    require(strcasecmp(hex, text) == 0);
  }
  if (kith_ratio_parse(&ratio, text, NULL) == KITH_OK)
    require(ratio.denominator > 0 && ratio.numerator <= ratio.denominator);
  if (kith_u64_parse(&number, text, 5, 500) == KITH_OK)
    require(number >= 5 && number <= 500);
  if (kith_utf8_valid((const char *)data, size)) {
    json_t *string = json_stringn((const char *)data, size); /* jansson checks it too */

    require(string != NULL);
    json_decref(string);
  }
  kith_free(text);
  return 0;
}
