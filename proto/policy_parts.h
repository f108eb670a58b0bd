/* Of proto/policy*.c only: what their readers and printers share, and the part of a policy that
 * speaks of records (scope, evidence, dates, source). */
#ifndef KITH_PROTO_POLICY_PARTS_H
#define KITH_PROTO_POLICY_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "proto/policy.h"

/* scope, evidence, dates and source; defaults where they are missing. */
void kith_policy_records_read(struct kith_policy *out, struct kith_json_reader *reader);
/* 0, or another number where memory ran out. */
int kith_policy_records_put(json_t *object, const struct kith_policy *policy);

/* policy_filters.c: "bits" or "filters"; a field's filter, after its own keys; and whether each
 * filter has a field. */
void kith_policy_filters_read(struct kith_policy *out, struct kith_json_reader *reader);
void kith_policy_field_filter_read(const struct kith_policy *policy,
                                   struct kith_policy_field *field,
                                   struct kith_json_reader *reader);
void kith_policy_filters_check(const struct kith_policy *policy, struct kith_json_reader *reader);
int kith_policy_filters_put(json_t *object, const struct kith_policy *policy);
void kith_policy_leaks_read(struct kith_policy *out, struct kith_json_reader *reader);
int kith_policy_leaks_put(json_t *object, const struct kith_policy *policy);

/* policy_disclosure.c: the optional section "disclosure". */
void kith_policy_disclosure_read(struct kith_policy *out, struct kith_json_reader *reader);
int kith_policy_disclosure_put(json_t *object, const struct kith_policy *policy);

/* policy_context.c: the optional section "context"; after agencies and scope. */
void kith_policy_context_read(struct kith_policy *out, struct kith_json_reader *reader);
int kith_policy_context_put(json_t *object, const struct kith_policy *policy);

/* policy_blind.c: what stands in the place of filters, fields and bounds. */
void kith_policy_blind_read(struct kith_policy *out, struct kith_json_reader *reader);
int kith_policy_blind_put(json_t *object, const struct kith_policy *policy);

/* "PLACE: KEY[i]", to begin the reader of an array's element. */
static inline void element_begin(struct kith_json_reader *nested,
                                 const struct kith_json_reader *reader, const char *key,
                                 const json_t *array, size_t i)
{
  char place[sizeof nested->place];

  (void)snprintf(place, sizeof place, "%.110s%s%s[%zu]", reader->place,
                 strchr(reader->place, ':') ? "." : ": ", key, i);
  kith_json_begin(nested, json_array_get(array, i), place, reader->fault);
}

/* Ends a nested reader, whose error becomes the outer one's. */
static inline void nested_end(struct kith_json_reader *reader, struct kith_json_reader *nested)
{
  if (reader->err == KITH_OK)
    reader->err = kith_json_done(nested);
}

static inline unsigned number(struct kith_json_reader *reader, const char *key, int64_t min,
                              int64_t max)
{
  return (unsigned)kith_json_int(reader, key, min, max);
}

static inline struct kith_ratio ratio(struct kith_json_reader *reader, const char *key)
{
  struct kith_ratio out = {1, 1};
  const char *text = kith_json_string(reader, key, NULL);

  if (reader->err == KITH_OK && kith_ratio_parse(&out, text, NULL) != KITH_OK)
    kith_json_refuse(reader, key, "expected a number from 0 to 1 in quotes, such as \"0.85\"");
  return out;
}

/* A name, for fields and the standardiser's version; `key` says where `value` stands. */
static inline void name_copy(struct kith_json_reader *reader, const char *key, const json_t *value,
                             char out[KITH_FIELD_NAME_BYTES])
{
  const char *text = json_is_string(value) ? json_string_value(value) : "";
  size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

  if (reader->err != KITH_OK)
    return;
  if (len == 0 || len >= KITH_FIELD_NAME_BYTES || text[len] != '\0')
    kith_json_refuse(reader, key, "expected a name: 1 to %d of a-z, 0-9, _ and -",
                     KITH_FIELD_NAME_BYTES - 1);
  else
    memcpy(out, text, len + 1);
}

static inline void name_read(struct kith_json_reader *reader, const char *key,
                             char out[KITH_FIELD_NAME_BYTES])
{
  (void)kith_json_string(reader, key, NULL);
  name_copy(reader, key, json_object_get(reader->object, key), out);
}

/* Each puts values into an object and gives 0, or another number where memory ran out. */

static inline int put(json_t *object, const char *key, json_t *value)
{
  return json_object_set_new(object, key, value);
}

static inline int put_number(json_t *object, const char *key, uint64_t number)
{
  return put(object, key, json_integer((json_int_t)number));
}

static inline int put_string(json_t *object, const char *key, const char *text)
{
  return put(object, key, json_string(text));
}

static inline int put_ratio(json_t *object, const char *key, struct kith_ratio ratio)
{
  char text[KITH_RATIO_TEXT_BYTES];

  kith_policy_ratio_text(text, ratio);
  return put_string(object, key, text);
}

#endif
