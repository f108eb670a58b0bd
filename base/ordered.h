/* Work that is cut into blocks: one thread fills blocks, all threads work on them, that one
 * included, and they are given in the order in which they were filled. What is done to a block
 * therefore does not depend on the number of threads.
 *
 * Life: new, next until false, free (stops the threads; blocks that were not given are dropped).
 * The blocks are the caller's: an array with an element for each slot, given by its index. All
 * functions are called by one thread, in which fill runs too; work runs in any. */
#ifndef KITH_BASE_ORDERED_H
#define KITH_BASE_ORDERED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { KITH_ORDERED_THREADS_MAX = 64 };

struct kith_ordered_how {
  /* Fills a slot; sets *ended when there is nothing more. Returns whether anything is in the slot,
   * which may be so although the end was reached. */
  bool (*fill)(void *context, size_t slot, bool *ended);
  void (*work)(void *context, size_t slot, unsigned thread); /* thread 0 is the caller's */
  void *context;
};

struct kith_ordered;

/* 0: as many as there are processors for this process; at most KITH_ORDERED_THREADS_MAX. */
unsigned kith_ordered_threads(unsigned n_threads);
/* Two slots a thread: one at work, one to go on with. */
size_t kith_ordered_slots(unsigned n_threads);

/* Where the machine has no more threads, those that there are do the work. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err
kith_ordered_new(struct kith_ordered **out, const struct kith_ordered_how *how, unsigned n_threads);
void kith_ordered_free(struct kith_ordered *ordered); /* takes NULL */

/* The next block, the caller's until the next call; false at the end. */
bool kith_ordered_next(struct kith_ordered *ordered, size_t *slot);

#endif
