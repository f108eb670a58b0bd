/* Lists of objections: what is on them, and lists that must stop the encoding. */
#include "daemon/pipeline/objections.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static enum kith_err load(struct kith_objections **out, void **state, const char *text,
                          struct kith_fault *fault)
{
  return kith_objections_load(out, unit_file(state, "objections.csv", text, strlen(text)), fault);
}

static void ids(void **state)
{
  struct kith_objections *list = NULL;

  assert_int_equal(load(&list, state,
                        "reason,ID,date\nby letter,a-1,2026-01-01\n,\"b,2\",\n,a-1,\n, c3 ,\n"
                        ",\xc3\xa9t\xc3\xa9,\n",
                        NULL),
                   KITH_OK);
  assert_int_equal(kith_objections_n(list), 4);
  assert_int_equal(kith_objections_missed(list), 4);
  assert_true(kith_objections_hit(list, "a-1"));
  assert_true(kith_objections_hit(list, "a-1"));
  assert_int_equal(kith_objections_missed(list), 3);
  assert_true(kith_objections_hit(list, "b,2"));
  assert_true(kith_objections_hit(list, " c3 "));
  assert_true(kith_objections_hit(list, "\xc3\xa9t\xc3\xa9"));
  assert_int_equal(kith_objections_missed(list), 0);
  /* Ids are what the source has, byte for byte. */
  assert_false(kith_objections_hit(list, "c3"));
  assert_false(kith_objections_hit(list, "A-1"));
  assert_false(kith_objections_hit(list, "a-11"));
  assert_false(kith_objections_hit(list, ""));
  kith_objections_free(list);
}

static void nobody(void **state)
{
  struct kith_objections *list = NULL;

  assert_int_equal(load(&list, state, "id\n", NULL), KITH_OK);
  assert_int_equal(kith_objections_n(list), 0);
  assert_false(kith_objections_hit(list, "a"));
  kith_objections_free(list);
  kith_objections_free(NULL);
}

static void refusals(void **state)
{
  static const struct {
    const char *text;
    const char *problem;
  } cases[] = {
      {"", "header"},
      {"name\nx\n", "row 1: no column \"id\""},
      {"a-1\na-2\n", "row 1: no column \"id\""},
      {"id,ID\na,b\n", "columns 1 and 2 are both"},
      {"id,x\na\n", "row 2: has more or fewer fields"},
      {"id\na\nb,c\n", "row 3: has more or fewer fields"},
      {"id,x\na,1\n,2\n", "row 3: has no id"},
      {"id,x\n  ,2\n", "row 2: has no id"},
      {"id,x\na\tb,2\n", "row 2: has an unusable id"},
      {"id,x\n\"a\nb\",2\n", "row 2: has an unusable id"},
      {"id,x\nsecret\xff,\xc3\xa1\n", "row 2: is not UTF-8"},
      {"id,x\n\xc3\xa1,\xff\n", "row 2: is not UTF-8"},
      {"id,x\n\"se\"cret,2\n", "row 2: a quote out of place"},
      {"id,x\n\"secret,2\n", "row 2: a quote opens here and is not closed"},
  };
  char text[400] = "id\n";

  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_objections *list = NULL;
    struct kith_fault fault = {0};

    assert_int_equal(load(&list, state, cases[i].text, &fault), KITH_ERR_DATA);
    assert_null(list);
    if (!strstr(fault.text, cases[i].problem) || strncmp(fault.text, "objections: ", 12) != 0)
      fail_msg("case %zu: %s", i, fault.text);
    assert_null(strstr(fault.text, "secret"));
  }
  memset(text + 3, 'a', 129);
  strcpy(text + 3 + 129, "\n");
  {
    struct kith_objections *list = NULL;
    struct kith_fault fault = {0};

    assert_int_equal(load(&list, state, text, &fault), KITH_ERR_DATA);
    assert_int_equal(kith_objections_load(&list, "/nowhere/objections.csv", &fault),
                     KITH_ERR_NO_INPUT);
    assert_int_equal(kith_objections_load(&list, "/", &fault), KITH_ERR_NO_INPUT);
    assert_null(list);
  }
}

static void many(void **state)
{
  enum { N = 100000 };
  size_t cap = (size_t)N * 16;
  char *text = malloc(cap);
  size_t len = (size_t)snprintf(text, cap, "id\n");
  struct kith_objections *list = NULL;
  char id[32];

  for (int i = 0; i < N; i++)
    len += (size_t)snprintf(text + len, cap - len, "person-%d\n", i);
  assert_int_equal(load(&list, state, text, NULL), KITH_OK);
  assert_int_equal(kith_objections_n(list), N);
  for (int i = 0; i < 2 * N; i++) {
    snprintf(id, sizeof id, "person-%d", i);
    assert_int_equal(kith_objections_hit(list, id), i < N);
  }
  assert_int_equal(kith_objections_missed(list), 0);
  kith_objections_free(list);
  free(text);
}

static void out_of_memory(void **state)
{
  const char *path = unit_file(state, "o.csv", "id\na\nb\n", 7);

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_objections *list = NULL;
    enum kith_err err = kith_objections_load(&list, path, NULL);

    if (err == KITH_OK) {
      unit_allocations_done();
      assert_int_equal(kith_objections_n(list), 2);
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_null(list);
    }
    kith_objections_free(list);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(ids), cmocka_unit_test(nobody),
                                     cmocka_unit_test(refusals), cmocka_unit_test(many),
                                     cmocka_unit_test(out_of_memory)};

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
