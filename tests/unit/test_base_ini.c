#include "base/ini.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static enum kith_err load(void **state, struct kith_ini **ini, const char *text,
                          struct kith_fault *fault)
{
  return kith_ini_load(ini, unit_file(state, "k.conf", text, strlen(text)), fault);
}

static void reads(void **state)
{
  struct kith_ini *ini;
  struct kith_fault fault;
  const char *value;
  uint64_t number;
  bool flag;

  assert_int_equal(load(state, &ini,
                        "# comment\n; comment\n\n[net]\nhost = a b c \n  port=99 ; why\n\n"
                        "[net.two]\non = yes\noff=off\nempty =",
                        &fault),
                   KITH_OK);
  assert_string_equal(kith_ini_get(ini, "net", "host"), "a b c");
  assert_null(kith_ini_get(ini, "net", "Host"));
  assert_null(kith_ini_get(ini, "none", "host"));
  assert_int_equal(kith_ini_u64(ini, &number, "net", "port", 1, 99, 5, &fault), KITH_OK);
  assert_int_equal(number, 99);
  assert_int_equal(kith_ini_u64(ini, &number, "net", "none", 1, 99, 5, &fault), KITH_OK);
  assert_int_equal(number, 5);
  assert_int_equal(kith_ini_u64(ini, &number, "net", "port", 1, 98, 5, &fault), KITH_ERR_CONFIG);
  assert_non_null(strstr(fault.text, "line 6: [net] port: expected a whole number from 1 to 98"));
  assert_int_equal(kith_ini_bool(ini, &flag, "net.two", "on", false, &fault), KITH_OK);
  assert_true(flag);
  assert_int_equal(kith_ini_bool(ini, &flag, "net.two", "off", true, &fault), KITH_OK);
  assert_false(flag);
  assert_int_equal(kith_ini_bool(ini, &flag, "net.two", "none", true, &fault), KITH_OK);
  assert_true(flag);
  assert_int_equal(kith_ini_bool(ini, &flag, "net", "host", true, &fault), KITH_ERR_CONFIG);
  assert_int_equal(kith_ini_require(ini, &value, "net", "host", &fault), KITH_OK);
  assert_int_equal(kith_ini_done(ini, &fault), KITH_ERR_CONFIG);
  assert_non_null(strstr(fault.text, "line 11: [net.two] empty is not known"));
  assert_int_equal(kith_ini_require(ini, &value, "net.two", "empty", &fault), KITH_ERR_CONFIG);
  assert_int_equal(kith_ini_require(ini, &value, "net", "none", &fault), KITH_ERR_CONFIG);
  assert_non_null(strstr(fault.text, "[net] none is missing"));
  assert_int_equal(kith_ini_done(ini, &fault), KITH_OK);
  kith_ini_free(ini);
  kith_ini_free(NULL);
}

static void refuses(void **state)
{
  static const char *const bad[][2] = {
      {"[a]\nx = 1\nx = 2\n", "line 3: the key was given before"},
      {"[a]\nx = 1\n[b]\ny=1\n[a]\nx = 1\n", "line 6: the key was given before"},
      {"[a]\nwords\n", "line 2: expected"},
      {"[a\nx=1\n", "line 1: expected"},
      {"[a]\nx = \xe9\n", "is not UTF-8"},
      {"[this-name-of-a-section-is-so-long-that-libinih-would-cut-it]\nx = 1\n",
       "line 1: the section's name is too long"},
  };
  char longest[1200] = "[a]\nx = ";
  struct kith_ini *ini = NULL;
  struct kith_fault fault;

  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    assert_int_equal(load(state, &ini, bad[i][0], &fault), KITH_ERR_CONFIG);
    if (!strstr(fault.text, bad[i][1]))
      fail_msg("expected \"%s\", got \"%s\"", bad[i][1], fault.text);
  }
  assert_int_equal(kith_ini_load(&ini, unit_file(state, "nul", "[a]\n\0x=1\n", 9), &fault),
                   KITH_ERR_CONFIG);
  assert_int_equal(kith_ini_load(&ini, unit_path(state, "none"), &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_ini_load(&ini, *state, &fault), KITH_ERR_NO_INPUT);
  assert_null(ini);
  memset(longest + 8, 'v', 996);
  assert_int_equal(load(state, &ini, longest, &fault), KITH_OK);
  assert_int_equal(strlen(kith_ini_get(ini, "a", "x")), 996);
  kith_ini_free(ini);
  longest[8 + 996] = 'v';
  assert_int_equal(load(state, &ini, longest, &fault), KITH_ERR_CONFIG);
  assert_non_null(strstr(fault.text, "line 2: the line is too long"));
}

static void memory_runs_out(void **state)
{
  const char *path = unit_file(state, "m.conf", "[a]\nx=1\ny=2\n", 12);

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_ini *ini = NULL;
    enum kith_err err = kith_ini_load(&ini, path, NULL);

    if (err == KITH_OK) {
      assert_string_equal(kith_ini_get(ini, "a", "y"), "2");
      unit_allocations_done();
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
    }
    kith_ini_free(ini);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads),
      cmocka_unit_test(refuses),
      cmocka_unit_test(memory_runs_out),
  };

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
