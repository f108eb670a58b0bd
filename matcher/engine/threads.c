#include "matcher/engine/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "matcher/engine/engine.h"

struct loop {
  atomic_size_t next;
  size_t n;
  size_t slice;
  void (*work)(void *context, size_t first, size_t end);
  void *context;
};

static void *loop_main(void *argument)
{
  struct loop *loop = argument;
  for (;;) {
    size_t first = atomic_fetch_add(&loop->next, loop->slice);
    if (first >= loop->n)
      return NULL;
    loop->work(loop->context, first, loop->n - first < loop->slice ? loop->n : first + loop->slice);
  }
}

void kith_engine_parallel(unsigned n_threads, size_t n, size_t slice,
                          void (*work)(void *context, size_t first, size_t end), void *context)
{
  struct loop loop = {.n = n, .slice = slice, .work = work, .context = context};
  pthread_t ids[KITH_ENGINE_THREADS_MAX];
  unsigned n_started = 0;
  while (n_started + 1 < n_threads && (n_started + 1) * slice < n &&
         pthread_create(&ids[n_started], NULL, loop_main, &loop) == 0)
    n_started++;
  (void)loop_main(&loop);
  for (unsigned i = 0; i < n_started; i++)
    (void)pthread_join(ids[i], NULL);
}
