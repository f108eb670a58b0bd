#include "base/json.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static json_t *parse(const char *text)
{
  json_t *json = NULL;

  assert_int_equal(kith_json_parse(&json, text, strlen(text), "t.json", NULL), KITH_OK);
  return json;
}

static void parses_strictly(void **state)
{
  static const struct {
    const char *text;
    size_t len;
    const char *problem;
  } bad[] = {
      {"", 0, "too early"},
      {"{", 1, "too early"},
      {"{\"a\": 1, \"a\": 2}", 16, "given twice"},
      {"{\"x\": {\"a\": 1, \"a\": 2}}", 23, "given twice"},
      {"{} {}", 5, "follows the end"},
      {"{}x", 3, "follows the end"},
      {"{}\0", 3, ""},
      {"{\"a\": \"\xe9\"}", 10, "UTF-8"},
      {"{\"a\\u0000\": 1}", 14, "NUL"},
      {"{\"a\": \"\\u0000\"}", 15, "NUL"},
      {"{\"a\": 123456789012345678901234567890}", 37, "out of range"},
      {"{\"a\": 1,}", 9, "well-formed"},
      {"{a: 1}", 6, "well-formed"},
      {"{\"a\": NaN}", 10, "well-formed"},
      {"{\"a\": 01}", 9, "well-formed"},
      {"\"secret-name\"", 13, "well-formed"},
      {"{\"a\": secret-name}", 18, "well-formed"},
  };
  json_t *json = NULL;
  char *deep;
  struct kith_fault fault;

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    assert_int_equal(kith_json_parse(&json, bad[i].text, bad[i].len, "t.json", &fault),
                     KITH_ERR_DATA);
    assert_null(json);
    assert_memory_equal(fault.text, "t.json: line ", 13);
    assert_non_null(strstr(fault.text, bad[i].problem));
    assert_null(strstr(fault.text, "secret"));
  }
  deep = kith_calloc(100001, 1);
  memset(deep, '[', 100000);
  assert_int_equal(kith_json_parse(&json, deep, 100000, "t.json", &fault), KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "too deep"));
  kith_free(deep);
}

static void reads_what_is_there(void **state)
{
  json_t *json =
      parse("{\"s\": \"text\", \"i\": -5, \"b\": true, \"a\": [1, 2], \"o\": {\"n\": 1}}");
  struct kith_json_reader reader;
  struct kith_json_reader nested;
  struct kith_json_reader absent;

  (void)state;
  kith_json_begin(&reader, json, "t.json", NULL);
  assert_true(kith_json_has(&reader, "s"));
  assert_false(kith_json_has(&reader, "none"));
  assert_string_equal(kith_json_string(&reader, "s", NULL), "text");
  assert_string_equal(kith_json_string(&reader, "none", "fallback"), "fallback");
  assert_int_equal(kith_json_int(&reader, "i", -5, 5), -5);
  assert_int_equal(kith_json_int_or(&reader, "j", 0, 5, 9), 9);
  assert_true(kith_json_bool_or(&reader, "b", false));
  assert_true(kith_json_bool_or(&reader, "c", true));
  assert_int_equal(json_array_size(kith_json_array(&reader, "a", 2, 2)), 2);
  kith_json_nested(&nested, &reader, "o", true);
  assert_int_equal(kith_json_int(&nested, "n", 1, 1), 1);
  assert_int_equal(kith_json_done(&nested), KITH_OK);
  kith_json_nested(&absent, &reader, "p", false);
  assert_null(absent.object);
  assert_int_equal(kith_json_int_or(&absent, "n", 0, 5, 3), 3);
  assert_int_equal(kith_json_done(&absent), KITH_OK);
  assert_int_equal(kith_json_done(&reader), KITH_OK);
  json_decref(json);
}

enum getter { STRING, STRING_OR, INT, INT_OR, BOOL_OR, ARRAY, OBJECT, NESTED, NONE };

static void get(struct kith_json_reader *reader, enum getter getter)
{
  struct kith_json_reader nested;

  switch (getter) {
  case STRING:
    assert_string_equal(kith_json_string(reader, "k", NULL), "");
    break;
  case STRING_OR:
    assert_string_equal(kith_json_string(reader, "k", "f"), "f");
    break;
  case INT:
    assert_int_equal(kith_json_int(reader, "k", 3, 5), 3);
    break;
  case INT_OR:
    assert_int_equal(kith_json_int_or(reader, "k", 3, 5, 4), 4);
    break;
  case BOOL_OR:
    assert_true(kith_json_bool_or(reader, "k", true));
    break;
  case ARRAY:
    assert_null(kith_json_array(reader, "k", 1, 2));
    break;
  case OBJECT:
    assert_null(kith_json_object(reader, "k"));
    break;
  case NESTED:
    kith_json_nested(&nested, reader, "k", true);
    assert_int_equal(kith_json_done(&nested), KITH_ERR_DATA);
    reader->err = nested.err;
    break;
  case NONE:
    break;
  }
}

static void refuses(void **state)
{
  static const struct {
    const char *text;
    enum getter getter;
    const char *fault;
  } bad[] = {
      {"{}", STRING, "t.json: k: is missing"},
      {"{}", INT, "t.json: k: is missing"},
      {"{}", ARRAY, "t.json: k: is missing"},
      {"{}", OBJECT, "t.json: k: is missing"},
      {"{}", NESTED, "t.json: k: is missing"},
      {"{\"k\": 1}", STRING, "t.json: k: expected a string"},
      {"{\"k\": null}", STRING_OR, "t.json: k: expected a string"},
      {"{\"k\": 2}", INT, "t.json: k: expected a whole number from 3 to 5"},
      {"{\"k\": 6}", INT, "t.json: k: expected a whole number from 3 to 5"},
      {"{\"k\": 4.0}", INT, "t.json: k: expected a whole number from 3 to 5"},
      {"{\"k\": \"4\"}", INT, "t.json: k: expected a whole number from 3 to 5"},
      {"{\"k\": 6}", INT_OR, "t.json: k: expected a whole number from 3 to 5"},
      {"{\"k\": 1}", BOOL_OR, "t.json: k: expected true or false"},
      {"{\"k\": []}", ARRAY, "t.json: k: expected an array of 1 to 2 elements"},
      {"{\"k\": [1, 2, 3]}", ARRAY, "t.json: k: expected an array of 1 to 2 elements"},
      {"{\"k\": {}}", ARRAY, "t.json: k: expected an array of 1 to 2 elements"},
      {"{\"k\": []}", OBJECT, "t.json: k: expected an object"},
      {"{\"k\": []}", NESTED, "t.json: k: expected an object"},
      {"{\"k\": {\"x\": 1}}", NESTED, "t.json: k.x: is not known here"},
      {"{\"other\": 1}", NONE, "t.json: other: is not known here"},
      {"{\"a\\nb\": 1}", NONE, "t.json: a?b: is not known here"},
      {"[]", NONE, "t.json: expected an object"},
  };

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    json_t *json = parse(bad[i].text);
    struct kith_fault fault = {0};
    struct kith_json_reader reader;

    kith_json_begin(&reader, json, "t.json", &fault);
    get(&reader, bad[i].getter);
    assert_int_equal(kith_json_done(&reader), KITH_ERR_DATA);
    assert_string_equal(fault.text, bad[i].fault);
    json_decref(json);
  }
}

static void first_error_sticks(void **state)
{
  json_t *json = parse("{\"a\": 1, \"b\": \"x\"}");
  struct kith_fault fault = {0};
  struct kith_json_reader reader;
  struct kith_json_reader nested;

  (void)state;
  kith_json_begin(&reader, json, "t.json: outer", &fault);
  kith_json_refuse(&reader, "a", "the %s one", "first");
  assert_string_equal(kith_json_string(&reader, "b", NULL), "");
  kith_json_refuse(&reader, "b", "the second one");
  kith_json_nested(&nested, &reader, "c", true);
  assert_int_equal(kith_json_done(&nested), KITH_ERR_DATA);
  assert_int_equal(kith_json_done(&reader), KITH_ERR_DATA);
  assert_string_equal(fault.text, "t.json: outer.a: the first one");
  json_decref(json);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parses_strictly),
      cmocka_unit_test(reads_what_is_there),
      cmocka_unit_test(refuses),
      cmocka_unit_test(first_error_sticks),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
