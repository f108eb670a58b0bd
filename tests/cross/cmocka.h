/* As much of cmocka as the engine's tests use, for processors of which this system has no cmocka:
 * the first assertion that fails ends the program. */
#ifndef KITH_TESTS_CROSS_CMOCKA_H
#define KITH_TESTS_CROSS_CMOCKA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
};
#define cmocka_unit_test(test) ((struct CMUnitTest){#test, (test)})
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
  cross_run((tests), sizeof(tests) / sizeof((tests)[0]))

static inline int cross_run(const struct CMUnitTest *tests, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    void *state = NULL;
    tests[i].run(&state);
    printf("ok %s\n", tests[i].name);
    (void)fflush(stdout);
  }
  return 0;
}

#define CROSS_CHECK(is, text)                                                                      \
  ((is) ? (void)0                                                                                  \
        : (printf("not ok: %s:%d: %s\n", __FILE__, __LINE__, (text)), (void)fflush(stdout),        \
           exit(1)))
#define assert_true(x) CROSS_CHECK((x), #x)
#define assert_false(x) CROSS_CHECK(!(x), "not " #x)
#define assert_non_null(x) CROSS_CHECK((x) != NULL, #x)
#define assert_int_equal(a, b) CROSS_CHECK((uintmax_t)(a) == (uintmax_t)(b), #a " == " #b)
#define assert_ptr_equal(a, b) CROSS_CHECK((a) == (b), #a " == " #b)
#define assert_string_equal(a, b) CROSS_CHECK(strcmp((a), (b)) == 0, #a " == " #b)
#define assert_memory_equal(a, b, n) CROSS_CHECK(memcmp((a), (b), (n)) == 0, #a " == " #b)
#define fail_msg(...) (printf(__VA_ARGS__), CROSS_CHECK(0, "fail_msg"))
#define test_calloc(n, size) calloc((n), (size))
#define test_free(block) free(block)

#endif
