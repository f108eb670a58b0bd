/* Strict reading of JSON documents with jansson: duplicate keys, trailing bytes and unknown
 * keys are refused, and each error names the place ("policy.json: linkage.bits: ...").
 *
 * A reader walks an object: every kith_json_* getter marks its key as known, and
 * kith_json_done refuses the keys that nobody asked for. The first error sticks. */
#ifndef KITH_BASE_JSON_H
#define KITH_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Parses exactly `len` bytes. `name` (a file's name) goes into the fault. The caller owns
 * *out (json_decref). */
KITH_MUST_USE enum kith_err kith_json_parse(json_t **out, const void *bytes, size_t len,
                                            const char *name, struct kith_fault *fault);

enum { KITH_JSON_KEYS_MAX = 64 };

struct kith_json_reader {
  json_t *object;  /* borrowed */
  char place[160]; /* "policy.json: linkage" */
  const char *known[KITH_JSON_KEYS_MAX];
  size_t n_known;
  enum kith_err err;        /* sticky */
  struct kith_fault *fault; /* borrowed, may be NULL */
};

void kith_json_begin(struct kith_json_reader *reader, json_t *object, const char *place,
                     struct kith_fault *fault);
/* A nested reader; shares the fault. Its error must be merged by checking it with done. Where
 * the key is absent and not required, nested->object is NULL and every key of it is absent. */
void kith_json_nested(struct kith_json_reader *nested, struct kith_json_reader *reader,
                      const char *key, bool required);
bool kith_json_has(struct kith_json_reader *reader, const char *key);
/* Strings are borrowed from the document. A missing required value, a wrong type or a value
 * out of range sets the sticky error; a missing optional value gives `fallback`. After an error
 * getters give "", `min`, `fallback` or NULL (an empty array to jansson). */
const char *kith_json_string(struct kith_json_reader *reader, const char *key,
                             const char *fallback); /* NULL fallback: required */
int64_t kith_json_int(struct kith_json_reader *reader, const char *key, int64_t min, int64_t max);
int64_t kith_json_int_or(struct kith_json_reader *reader, const char *key, int64_t min, int64_t max,
                         int64_t fallback);
bool kith_json_bool_or(struct kith_json_reader *reader, const char *key, bool fallback);
json_t *kith_json_array(struct kith_json_reader *reader, const char *key, size_t min, size_t max);
json_t *kith_json_object(struct kith_json_reader *reader, const char *key);
/* Records an error of the caller's own about `key`. */
void kith_json_refuse(struct kith_json_reader *reader, const char *key, const char *format, ...)
    KITH_PRINTF(3, 4);
/* The sticky error, or KITH_ERR_DATA where the object has a key that was not asked for. */
KITH_MUST_USE enum kith_err kith_json_done(struct kith_json_reader *reader);

#endif
