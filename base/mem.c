#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/failpoint.h"

enum { HUGE_PAGE_BYTES = 2 << 20, RETURNED_BYTES = 256 * 1024 };

void *kith_calloc(size_t n, size_t size)
{
  if (kith_failpoint("alloc"))
    return NULL;
  return calloc(n ? n : 1, size ? size : 1);
}

void *kith_realloc(void *block, size_t n, size_t size)
{
  if (kith_failpoint("alloc"))
    return NULL;
  return reallocarray(block, n ? n : 1, size ? size : 1);
}

void *kith_alloc_aligned(size_t alignment, size_t n, size_t size)
{
  size_t bytes;
  void *block;

  if (kith_failpoint("alloc") || __builtin_mul_overflow(n, size, &bytes))
    return NULL;
  if (bytes >= 2 * HUGE_PAGE_BYTES && alignment < HUGE_PAGE_BYTES)
    alignment = HUGE_PAGE_BYTES;
  if (__builtin_add_overflow(bytes, alignment, &bytes))
    return NULL;
  bytes -= bytes % alignment;
  block = aligned_alloc(alignment, bytes);
  if (block && alignment >= HUGE_PAGE_BYTES)
    (void)madvise(block, bytes, MADV_HUGEPAGE); /* it works without */
  return block;
}

void *kith_calloc_aligned(size_t alignment, size_t n, size_t size)
{
  void *block = kith_alloc_aligned(alignment, n, size);

  if (block)
    memset(block, 0, n * size);
  return block;
}

char *kith_strdup(const char *string)
{
  return kith_strndup(string, strlen(string));
}

char *kith_strndup(const char *string, size_t len)
{
  char *copy = len < SIZE_MAX ? kith_calloc(len + 1, 1) : NULL;

  if (copy)
    memcpy(copy, string, len);
  return copy;
}

void *kith_memdup(const void *bytes, size_t len)
{
  void *copy = kith_calloc(len, 1);

  if (copy && len)
    memcpy(copy, bytes, len);
  return copy;
}

void kith_free(void *block)
{
  free(block);
}

void kith_free_wiped(void *block, size_t bytes)
{
  if (block)
    explicit_bzero(block, bytes);
  free(block);
}

void kith_free_scope(void *pointer_to_pointer)
{
  kith_free(*(void **)pointer_to_pointer);
}

void kith_mem_return_freed(void)
{
  (void)mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES); /* where it can't be set, more is kept */
}
