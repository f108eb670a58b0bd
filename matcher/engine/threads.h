/* A loop over items on several threads. */
#ifndef KITH_MATCHER_ENGINE_THREADS_H
#define KITH_MATCHER_ENGINE_THREADS_H

#include <stddef.h>

/* Calls work(context, first, end) for slices of [0, n), each item once, the calling thread among
 * those that work. A thread that can't be started is done without. */
void kith_engine_parallel(unsigned n_threads, size_t n, size_t slice,
                          void (*work)(void *context, size_t first, size_t end), void *context);

#endif
