/* For tests of readers of JSON documents: every key in turn is taken away, given a value of another
 * type, given twice, or joined by one that is not known; the reader must refuse each. */
#ifndef KITH_TESTS_UNIT_DOCUMENT_H
#define KITH_TESTS_UNIT_DOCUMENT_H

#include <jansson.h>

#include "base/err.h"
#include "tests/unit/unit.h"

typedef enum kith_err document_reader(const char *text, size_t len, struct kith_fault *fault);

static inline void document_refused(document_reader *read, json_t *root, const char *key,
                                    const char *why)
{
  struct kith_fault fault = {0};
  char *text = json_dumps(root, 0);
  enum kith_err err = read(text, strlen(text), &fault);

  if (err != KITH_ERR_DATA)
    fail_msg("%s with key %s gives error %d", why, key, (int)err);
  if (!strstr(fault.text, key))
    fail_msg("%s with key %s says only: %s", why, key, fault.text);
  if (strncmp(fault.text, "t.json: ", 8) != 0)
    fail_msg("no file in: %s", fault.text);
  free(text);
}

/* The text of `root` with its `key` object member given twice, refused by the parser itself. */
static inline void document_twice(document_reader *read, json_t *root, json_t *object,
                                  const char *key)
{
  struct kith_fault fault = {0};
  json_t *value = json_incref(json_object_get(object, key));
  char marked[128];
  char *text;
  char *at;

  snprintf(marked, sizeof marked, "\"TWICE\":");
  json_object_set(object, "TWICE", value);
  text = json_dumps(root, JSON_COMPACT);
  at = strstr(text, marked);
  assert_non_null(at);
  assert_true(strlen(key) <= 20);
  {
    size_t len = strlen(text) + 32;
    char *changed = malloc(len);

    snprintf(changed, len, "%.*s\"%s\":%s", (int)(at - text), text, key, at + strlen(marked));
    assert_int_equal(read(changed, strlen(changed), &fault), KITH_ERR_DATA);
    assert_non_null(strstr(fault.text, "given twice"));
    free(changed);
  }
  free(text);
  json_object_del(object, "TWICE");
  json_decref(value);
}

/* One key of the object `at`, inside the document `root`. */
static inline void document_mutate_key(document_reader *read, json_t *root, json_t *at,
                                       const char *key, bool optional)
{
  json_t *value = json_incref(json_object_get(at, key));
  json_t *others[] = {json_null(),      json_real(1.5), json_true(),  json_string("\x01"),
                      json_integer(-1), json_array(),   json_object()};

  document_twice(read, root, at, key);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    /* An empty array of members and any truth are in order. */
    bool in_order = (json_is_boolean(value) && json_is_boolean(others[i])) ||
                    (json_is_array(value) && json_is_array(others[i]));

    json_object_set(at, key, others[i]);
    if (!in_order)
      document_refused(read, root, key, "a wrong value");
    json_decref(others[i]);
  }
  if (!optional) {
    json_object_del(at, key);
    document_refused(read, root, key, "a missing value");
  }
  json_object_set(at, key, value);
  json_decref(value);
}

/* `optional`: keys that may be missing, separated and surrounded by blanks. */
static inline void document_mutate(document_reader *read, json_t *root, json_t *at,
                                   const char *optional)
{
  char *keys[64];
  size_t n = 0;

  for (size_t i = 0; i < json_array_size(at); i++)
    document_mutate(read, root, json_array_get(at, i), optional);
  if (!json_is_object(at))
    return;
  /* The names first: changing an object moves its keys. */
  for (void *i = json_object_iter(at); i; i = json_object_iter_next(at, i)) {
    assert_true(n < sizeof keys / sizeof keys[0]);
    keys[n++] = strdup(json_object_iter_key(i));
  }
  json_object_set_new(at, "surplus", json_integer(1));
  document_refused(read, root, "surplus", "an unknown key");
  json_object_del(at, "surplus");
  for (size_t i = 0; i < n; i++) {
    char blanked[64];

    snprintf(blanked, sizeof blanked, " %s ", keys[i]);
    document_mutate_key(read, root, at, keys[i], strstr(optional, blanked) != NULL);
    document_mutate(read, root, json_object_get(at, keys[i]), optional);
    free(keys[i]);
  }
}

/* Sets the value at a path such as "linkage.fields.0.q", from JSON text. */
static inline void document_set(json_t *root, const char *path, const char *value)
{
  char part[64];
  json_t *at = root;
  json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);

  assert_non_null(json);
  for (;;) {
    size_t len = strcspn(path, ".");
    bool last = path[len] == '\0';

    snprintf(part, sizeof part, "%.*s", (int)len, path);
    if (json_is_array(at) && last) {
      if (json_array_set_new(at, strtoul(part, NULL, 10), json) != 0)
        json_array_append_new(at, json_loads(value, JSON_DECODE_ANY, NULL));
      return;
    }
    if (last) {
      json_object_set_new(at, part, json);
      return;
    }
    at =
        json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10)) : json_object_get(at, part);
    assert_non_null(at);
    path += len + 1;
  }
}

/* One change to a good document, and what the refusal must say. */
struct document_change {
  const char *path;
  const char *value;
  const char *problem;
};

static inline void document_changes(document_reader *read, const json_t *good,
                                    const struct document_change *changes, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    json_t *root = json_deep_copy(good);
    struct kith_fault fault = {0};
    char *text;
    enum kith_err err;

    document_set(root, changes[i].path, changes[i].value);
    text = json_dumps(root, 0);
    err = read(text, strlen(text), &fault);
    if (!changes[i].problem && err != KITH_OK)
      fail_msg("%s = %s: %s", changes[i].path, changes[i].value, fault.text);
    if (changes[i].problem && (err != KITH_ERR_DATA || !strstr(fault.text, changes[i].problem)))
      fail_msg("%s = %s: error %d, %s", changes[i].path, changes[i].value, (int)err, fault.text);
    free(text);
    json_decref(root);
  }
}

#endif
