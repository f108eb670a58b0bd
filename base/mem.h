/* Checked allocation. Every allocation of the project goes through here, so that sizes
 * can't overflow and tests can fail the n-th one. Not for secrets: see crypto/secret.h. */
#ifndef KITH_BASE_MEM_H
#define KITH_BASE_MEM_H

#include <stddef.h>

/* Zeroed memory for n elements of `size` bytes; NULL if it can't be had or n x size
 * overflows. n = 0 gives a valid pointer. Free with kith_free. */
void *kith_calloc(size_t n, size_t size) __attribute__((malloc));

/* Resizes `block` (or NULL) to n x size bytes; NULL on failure, when `block` stays valid. */
void *kith_realloc(void *block, size_t n, size_t size);

/* Zeroed and aligned to `alignment`, a power of two (for vector kernels). Where the alignment is
 * 2 MiB, or the array larger than two of them, the kernel is asked for huge pages: they are had
 * sooner, and what is read all over needs few look-ups of pages. */
void *kith_calloc_aligned(size_t alignment, size_t n, size_t size);

/* The same with whatever bytes it has: for what is filled at once. */
void *kith_alloc_aligned(size_t alignment, size_t n, size_t size);

/* A copy of the string, or of its first `len` bytes with a terminator; NULL if no memory. */
char *kith_strdup(const char *string);
char *kith_strndup(const char *string, size_t len);

/* A copy of `len` bytes. */
void *kith_memdup(const void *bytes, size_t len);

/* Takes NULL. */
void kith_free(void *block);

/* The same for what should not stay in memory, but is too large for crypto/secret.h: overwrites
 * `bytes` bytes first. */
void kith_free_wiped(void *block, size_t bytes);

/* From now on, large blocks go back to the system as they are freed: for a process that keeps to a
 * ceiling. Otherwise the C library keeps more and more of them, and their room is cut up. */
void kith_mem_return_freed(void);

/* Declares that a pointer that goes out of scope is freed with kith_free. */
void kith_free_scope(void *pointer_to_pointer);
#define KITH_AUTO_FREE __attribute__((cleanup(kith_free_scope)))

#define KITH_NEW(type) ((type *)kith_calloc(1, sizeof(type)))
#define KITH_NEW_ARRAY(type, n) ((type *)kith_calloc((n), sizeof(type)))
#define KITH_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
