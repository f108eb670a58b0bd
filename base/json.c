#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *parse_problem(enum json_error_code code)
{
  switch (code) {
  case json_error_duplicate_key:
    return "a key is given twice";
  case json_error_end_of_input_expected:
    return "something follows the end of the document";
  case json_error_premature_end_of_input:
    return "the document ends too early";
  case json_error_invalid_utf8:
    return "not UTF-8 text";
  case json_error_null_character:
  case json_error_null_byte_in_key:
    return "a NUL character";
  case json_error_numeric_overflow:
    return "a number out of range";
  case json_error_stack_overflow:
    return "nested too deep";
  default:
    return "not well-formed JSON; expected one object or array";
  }
}

enum kith_err kith_json_parse(json_t **out, const void *bytes, size_t len, const char *name,
                              struct kith_fault *fault)
{
  json_error_t error;
  json_t *json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);

  if (!json) {
    enum json_error_code code = json_error_code(&error);

    if (code == json_error_out_of_memory)
      return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory to read it", name);
    /* jansson's own text quotes the document: not for logs. */
    return kith_fail(fault, KITH_ERR_DATA, "%s: line %d, column %d: %s", name, error.line,
                     error.column, parse_problem(code));
  }
  *out = json;
  return KITH_OK;
}

void kith_json_begin(struct kith_json_reader *reader, json_t *object, const char *place,
                     struct kith_fault *fault)
{
  *reader = (struct kith_json_reader){.object = object, .fault = fault};
  snprintf(reader->place, sizeof reader->place, "%s", place);
  if (!json_is_object(object))
    kith_json_refuse(reader, NULL, "expected an object");
}

/* A key that a document brought, made fit for a message. */
static void key_show(char *out, size_t size, const char *key)
{
  size_t n = 0;

  for (; key[n] != '\0' && n + 1 < size; n++)
    out[n] = (key[n] > ' ' && key[n] < 0x7f) ? key[n] : '?';
  out[n] = '\0';
}

void kith_json_refuse(struct kith_json_reader *reader, const char *key, const char *format, ...)
{
  char problem[256];
  char shown[64] = "";
  /* After "FILE: " comes the path inside the document, whose parts are joined by dots. */
  const char *joint = !key ? "" : strchr(reader->place, ':') ? "." : ": ";
  va_list args;

  if (reader->err != KITH_OK)
    return;
  va_start(args, format);
  vsnprintf(problem, sizeof problem, format, args);
  va_end(args);
  if (key)
    key_show(shown, sizeof shown, key);
  reader->err =
      kith_fail(reader->fault, KITH_ERR_DATA, "%s%s%s: %s", reader->place, joint, shown, problem);
}

/* The value of `key`, which is known from now on; NULL if it is absent or an error sticks. */
static json_t *member(struct kith_json_reader *reader, const char *key)
{
  size_t i = 0;

  if (reader->err != KITH_OK)
    return NULL;
  while (i < reader->n_known && strcmp(reader->known[i], key) != 0)
    i++;
  if (i == reader->n_known) {
    if (reader->n_known == KITH_JSON_KEYS_MAX) {
      reader->err = kith_fail(reader->fault, KITH_ERR_INTERNAL, "%s: the reader has too many keys",
                              reader->place);
      return NULL;
    }
    reader->known[reader->n_known++] = key;
  }
  return json_object_get(reader->object, key);
}

static json_t *required_member(struct kith_json_reader *reader, const char *key)
{
  json_t *value = member(reader, key);

  if (!value)
    kith_json_refuse(reader, key, "is missing");
  return value;
}

void kith_json_nested(struct kith_json_reader *nested, struct kith_json_reader *reader,
                      const char *key, bool required)
{
  json_t *value = required ? required_member(reader, key) : member(reader, key);
  char place[sizeof nested->place];

  snprintf(place, sizeof place, "%.*s%s%.60s", (int)sizeof place - 64, reader->place,
           strchr(reader->place, ':') ? "." : ": ", key);
  if (value) {
    kith_json_begin(nested, value, place, reader->fault);
    return;
  }
  *nested = (struct kith_json_reader){.fault = reader->fault, .err = reader->err};
  memcpy(nested->place, place, sizeof place);
}

bool kith_json_has(struct kith_json_reader *reader, const char *key)
{
  return member(reader, key) != NULL;
}

const char *kith_json_string(struct kith_json_reader *reader, const char *key, const char *fallback)
{
  json_t *value = fallback ? member(reader, key) : required_member(reader, key);

  if (json_is_string(value))
    return json_string_value(value);
  if (value)
    kith_json_refuse(reader, key, "expected a string");
  return fallback ? fallback : "";
}

/* `otherwise` where there is no value or it is refused. */
static int64_t int_of(struct kith_json_reader *reader, const char *key, const json_t *value,
                      int64_t min, int64_t max, int64_t otherwise)
{
  if (!value)
    return otherwise;
  if (json_is_integer(value) && json_integer_value(value) >= min &&
      json_integer_value(value) <= max)
    return json_integer_value(value);
  kith_json_refuse(reader, key, "expected a whole number from %lld to %lld", (long long)min,
                   (long long)max);
  return otherwise;
}

int64_t kith_json_int(struct kith_json_reader *reader, const char *key, int64_t min, int64_t max)
{
  return int_of(reader, key, required_member(reader, key), min, max, min);
}

int64_t kith_json_int_or(struct kith_json_reader *reader, const char *key, int64_t min, int64_t max,
                         int64_t fallback)
{
  return int_of(reader, key, member(reader, key), min, max, fallback);
}

bool kith_json_bool_or(struct kith_json_reader *reader, const char *key, bool fallback)
{
  json_t *value = member(reader, key);

  if (json_is_boolean(value))
    return json_is_true(value);
  if (value)
    kith_json_refuse(reader, key, "expected true or false");
  return fallback;
}

json_t *kith_json_array(struct kith_json_reader *reader, const char *key, size_t min, size_t max)
{
  json_t *value = required_member(reader, key);

  if (!value)
    return NULL;
  if (json_is_array(value) && json_array_size(value) >= min && json_array_size(value) <= max)
    return value;
  kith_json_refuse(reader, key, "expected an array of %zu to %zu elements", min, max);
  return NULL;
}

json_t *kith_json_object(struct kith_json_reader *reader, const char *key)
{
  json_t *value = required_member(reader, key);

  if (!value || json_is_object(value))
    return value;
  kith_json_refuse(reader, key, "expected an object");
  return NULL;
}

enum kith_err kith_json_done(struct kith_json_reader *reader)
{
  const char *key;
  json_t *value;

  if (reader->err != KITH_OK)
    return reader->err;
  json_object_foreach(reader->object, key, value)
  {
    size_t i = 0;

    while (i < reader->n_known && strcmp(reader->known[i], key) != 0)
      i++;
    if (i == reader->n_known) {
      kith_json_refuse(reader, key, "is not known here");
      break;
    }
  }
  return reader->err;
}
