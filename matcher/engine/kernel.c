#include "matcher/engine/kernel.h"

#include <stdlib.h>
#include <string.h>

#include "matcher/engine/engine.h"

static bool always(void)
{
  return true;
}

#if defined(__x86_64__)
static bool has_popcnt(void)
{
  return __builtin_cpu_supports("popcnt");
}

static bool has_avx2(void)
{
  return __builtin_cpu_supports("avx2") && has_popcnt();
}

static bool has_avx512bw(void)
{
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && has_avx2();
}

static bool has_avx512(void)
{
  return has_avx512bw() && __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

#if defined(__x86_64__)
#define KERNEL_NAMES "avx512, avx512bw, avx2, popcnt or scalar"
#elif defined(__aarch64__)
#define KERNEL_NAMES "neon or scalar"
#else
#define KERNEL_NAMES "scalar"
#endif

static const struct kith_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, kith_kernel_scan_avx512, kith_kernel_sieve_avx512,
     kith_kernel_apart_avx512, kith_kernel_near_avx512, kith_kernel_count_avx512, 0.19, 0.02, 50,
     0.95},
    {"avx512bw", has_avx512bw, kith_kernel_scan_avx512bw, kith_kernel_sieve_avx512,
     kith_kernel_apart_avx2, kith_kernel_near_avx2, kith_kernel_count_avx2, 0.4, 0.02, 60, 2},
    {"avx2", has_avx2, kith_kernel_scan_avx2, kith_kernel_sieve_avx2, kith_kernel_apart_avx2,
     kith_kernel_near_avx2, kith_kernel_count_avx2, 0.5, 0.022, 60, 2},
    {"popcnt", has_popcnt, kith_kernel_scan_popcnt, kith_kernel_sieve_scalar,
     kith_kernel_apart_popcnt, kith_kernel_near_popcnt, kith_kernel_count_popcnt, 1.15, 0.1, 100,
     4},
#elif defined(__aarch64__)
    {"neon", always, kith_kernel_scan_neon, kith_kernel_sieve_neon, kith_kernel_apart_neon,
     kith_kernel_near_neon, kith_kernel_count_neon, 0.8, 0.035, 70, 4},
#endif
    {"scalar", always, kith_kernel_scan_scalar, kith_kernel_sieve_scalar, kith_kernel_apart_scalar,
     kith_kernel_near_scalar, kith_kernel_count_scalar, 2.2, 0.1, 150, 12},
};

const struct kith_kernel *kith_kernel_table(size_t *n)
{
  *n = sizeof kernels / sizeof kernels[0];
  return kernels;
}

enum kith_err kith_kernel_choose(const struct kith_kernel **out, const char *name,
                                 struct kith_fault *fault)
{
  if (!name)
    name = getenv("KITH_KERNEL"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
  bool known = false;
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
    bool wanted = !name || !*name || strcmp(name, kernels[i].name) == 0;
    known |= wanted;
    if (wanted && kernels[i].usable()) {
      *out = &kernels[i];
      return KITH_OK;
    }
  }
  if (known)
    return kith_fail(fault, KITH_ERR_USAGE, "this processor can't run the kernel %s", name);
  return kith_fail(fault, KITH_ERR_USAGE, "no such kernel: expected " KERNEL_NAMES);
}

const char *kith_engine_kernel_name(size_t i, bool *usable)
{
  if (i >= sizeof kernels / sizeof kernels[0])
    return NULL;
  *usable = kernels[i].usable();
  return kernels[i].name;
}
