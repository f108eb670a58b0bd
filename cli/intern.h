/* Strings to numbers 0, 1, ...: one number for each different string, in the order of arrival.
 *
 * Life: zero bytes, add, kith_intern_free. For what a person's own files hold: the hash is no
 * defence against files that are made to be slow. */
#ifndef KITH_CLI_INTERN_H
#define KITH_CLI_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define KITH_INTERN_NONE UINT32_MAX

struct kith_intern {
  char *text; /* owned; the strings, each with its terminator */
  size_t text_len;
  size_t text_room;
  size_t *offsets; /* owned, n */
  uint32_t n;
  uint32_t room;
  uint32_t *slots; /* owned; number + 1, 0: free */
  size_t n_slots;  /* a power of two, or 0 */
};

/* The number of `string`, a new one where it was not there. */
KITH_MUST_USE enum kith_err kith_intern_add(struct kith_intern *intern, uint32_t *number,
                                            const char *string);
/* KITH_INTERN_NONE where it is not there. */
uint32_t kith_intern_find(const struct kith_intern *intern, const char *string);
/* Valid until the next add. */
const char *kith_intern_at(const struct kith_intern *intern, uint32_t number);
void kith_intern_free(struct kith_intern *intern);

#endif
