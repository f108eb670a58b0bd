/* Blocks are taken in order, so that the states of the ring are three counters:
 * head <= taken <= tail. */
#include "base/ordered.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "base/mem.h"

struct worker {
  struct kith_ordered *ordered;
  unsigned number; /* 0: the caller's thread */
  pthread_t thread;
};

struct kith_ordered {
  struct kith_ordered_how how;
  bool *done; /* for each slot */
  size_t n_slots;
  struct worker *workers; /* n_threads of them, the first n_started of them at work */
  unsigned n_started;

  pthread_mutex_t mutex; /* over what follows, and done */
  pthread_cond_t work;   /* taken < tail, or stop */
  pthread_cond_t ready;  /* a slot is done */
  uint64_t head;         /* blocks given */
  uint64_t taken;        /* blocks that a thread works on or has worked on */
  uint64_t tail;         /* blocks filled */
  bool stop;

  /* Of the caller's thread alone. */
  bool given; /* the block at head is the caller's until its next call */
  bool ended;
};

unsigned kith_ordered_threads(unsigned n_threads)
{
  cpu_set_t set;
  int n;

  if (n_threads == 0) {
    n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    n_threads = n > 0 ? (unsigned)n : 1;
  }
  return n_threads < KITH_ORDERED_THREADS_MAX ? n_threads : KITH_ORDERED_THREADS_MAX;
}

size_t kith_ordered_slots(unsigned n_threads)
{
  return n_threads > 1 ? 2 * (size_t)n_threads + 1 : 1;
}

/* Works on the next block that is filled; called and left with the mutex held. */
static void block_work(struct kith_ordered *ordered, unsigned thread)
{
  size_t slot = (size_t)(ordered->taken++ % ordered->n_slots);

  pthread_mutex_unlock(&ordered->mutex);
  ordered->how.work(ordered->how.context, slot, thread);
  pthread_mutex_lock(&ordered->mutex);
  ordered->done[slot] = true;
  pthread_cond_signal(&ordered->ready);
}

static void *worker_main(void *context)
{
  const struct worker *worker = context;
  struct kith_ordered *ordered = worker->ordered;

  pthread_mutex_lock(&ordered->mutex);
  while (!ordered->stop) {
    if (ordered->taken < ordered->tail)
      block_work(ordered, worker->number);
    else
      pthread_cond_wait(&ordered->work, &ordered->mutex);
  }
  pthread_mutex_unlock(&ordered->mutex);
  return NULL;
}

/* One step towards the block at head: fills, works or waits. The mutex is held. */
static void step(struct kith_ordered *ordered)
{
  if (!ordered->ended && ordered->tail - ordered->head < ordered->n_slots) {
    size_t slot = (size_t)(ordered->tail % ordered->n_slots);
    bool filled;

    pthread_mutex_unlock(&ordered->mutex);
    filled = ordered->how.fill(ordered->how.context, slot, &ordered->ended);
    pthread_mutex_lock(&ordered->mutex);
    ordered->done[slot] = false;
    if (filled) {
      ordered->tail++;
      pthread_cond_signal(&ordered->work);
    }
  } else if (ordered->taken < ordered->tail) {
    block_work(ordered, 0);
  } else {
    pthread_cond_wait(&ordered->ready, &ordered->mutex);
  }
}

bool kith_ordered_next(struct kith_ordered *ordered, size_t *slot)
{
  bool found = false;

  pthread_mutex_lock(&ordered->mutex);
  ordered->head += ordered->given;
  ordered->given = false;
  while (!found && !(ordered->ended && ordered->head == ordered->tail)) {
    *slot = (size_t)(ordered->head % ordered->n_slots);
    found = ordered->head < ordered->tail && ordered->done[*slot];
    if (!found)
      step(ordered);
  }
  ordered->given = found;
  pthread_mutex_unlock(&ordered->mutex);
  return found;
}

static void workers_start(struct kith_ordered *ordered, unsigned n_threads)
{
  ordered->n_started = 1;
  while (ordered->n_started < n_threads) {
    struct worker *worker = &ordered->workers[ordered->n_started];

    worker->ordered = ordered;
    worker->number = ordered->n_started;
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
      break;
    ordered->n_started++;
  }
}

enum kith_err kith_ordered_new(struct kith_ordered **out, const struct kith_ordered_how *how,
                               unsigned n_threads)
{
  struct kith_ordered *ordered = KITH_NEW(struct kith_ordered);

  if (!ordered)
    return KITH_ERR_MEMORY;
  ordered->how = *how;
  ordered->n_slots = kith_ordered_slots(n_threads);
  (void)pthread_mutex_init(&ordered->mutex, NULL); /* can't fail with default attributes */
  (void)pthread_cond_init(&ordered->work, NULL);
  (void)pthread_cond_init(&ordered->ready, NULL);
  ordered->done = KITH_NEW_ARRAY(bool, ordered->n_slots);
  ordered->workers = KITH_NEW_ARRAY(struct worker, n_threads);
  if (!ordered->done || !ordered->workers) {
    kith_ordered_free(ordered);
    return KITH_ERR_MEMORY;
  }
  workers_start(ordered, n_threads);
  *out = ordered;
  return KITH_OK;
}

void kith_ordered_free(struct kith_ordered *ordered)
{
  if (!ordered)
    return;
  pthread_mutex_lock(&ordered->mutex);
  ordered->stop = true;
  pthread_cond_broadcast(&ordered->work);
  pthread_mutex_unlock(&ordered->mutex);
  for (unsigned i = 1; i < ordered->n_started; i++)
    pthread_join(ordered->workers[i].thread, NULL);
  kith_free(ordered->workers);
  kith_free(ordered->done);
  pthread_cond_destroy(&ordered->ready);
  pthread_cond_destroy(&ordered->work);
  pthread_mutex_destroy(&ordered->mutex);
  kith_free(ordered);
}
