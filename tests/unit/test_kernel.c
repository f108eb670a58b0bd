/* Kernels one by one: every one that this processor has gives what plain C gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matcher/engine/kernel.h"

/* ---- randomness: splitmix64 */

static uint64_t seed;

static uint64_t next_random(void)
{
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static unsigned below(unsigned n)
{
  return (unsigned)(next_random() % n);
}

/* The words of a bucket, by every kernel and bit by bit. */
static void test_near(void **state)
{
  (void)state;
  uint64_t words[70];
  size_t n_kernels;
  const struct kith_kernel *kernels = kith_kernel_table(&n_kernels);
  for (unsigned round = 0; round < 20000; round++) {
    const size_t n = below(70);
    const unsigned most = below(66);
    const uint64_t query = next_random();
    uint32_t near[70];
    uint32_t want[70];
    size_t n_want = 0;
    for (size_t i = 0; i < n; i++) {
      unsigned distance = 0;
      words[i] = query;
      for (unsigned flips = below(70); flips > 0; flips--)
        words[i] ^= UINT64_C(1) << below(64);
      for (unsigned bit = 0; bit < 64; bit++)
        distance += (unsigned)((words[i] ^ query) >> bit & 1);
      if (distance <= most)
        want[n_want++] = (uint32_t)i;
    }
    for (size_t k = 0; k < n_kernels; k++) {
      if (!kernels[k].usable())
        continue;
      assert_int_equal(kernels[k].near(query, words, n, most, near), n_want);
      assert_memory_equal(near, want, n_want * sizeof want[0]);
    }
  }
}

int main(void)
{
  const char *given = getenv("KITH_TEST_SEED");
  seed = given ? strtoull(given, NULL, 0) : 20261123;
  printf("seed %llu\n", (unsigned long long)seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_near)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
