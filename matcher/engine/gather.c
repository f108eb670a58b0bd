#include "matcher/engine/gather.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

/* The slot of a unit under way, or a vacant one; KITH_ENGINE_THREADS_MAX: there is none. */
static size_t slot_of(struct kith_gather *gather, size_t unit)
{
  size_t vacant = KITH_ENGINE_THREADS_MAX;
  for (size_t i = 0; i < KITH_ENGINE_THREADS_MAX; i++) {
    if (gather->open[i].used && gather->open[i].unit == unit)
      return i;
    if (!gather->open[i].used && vacant == KITH_ENGINE_THREADS_MAX)
      vacant = i;
  }
  if (vacant < KITH_ENGINE_THREADS_MAX) {
    gather->open[vacant].used = true;
    gather->open[vacant].unit = unit;
    kith_buf_clear(&gather->open[vacant].pairs);
  }
  return vacant;
}

enum kith_err kith_gather_add(struct kith_gather *gather, size_t unit, const void *pair, size_t len)
{
  const size_t slot = slot_of(gather, unit);
  if (slot == KITH_ENGINE_THREADS_MAX)
    return KITH_ERR_INTERNAL;
  kith_buf_append(&gather->open[slot].pairs, pair, len);
  return kith_buf_err(&gather->open[slot].pairs);
}

enum kith_err kith_gather_done(struct kith_gather *gather, size_t unit, size_t pair_bytes,
                               uint64_t comparisons)
{
  const size_t slot = slot_of(gather, unit);
  uint8_t head[KITH_GATHER_HEAD_BYTES];
  if (slot == KITH_ENGINE_THREADS_MAX)
    return KITH_ERR_INTERNAL;
  const struct kith_buf *pairs = &gather->open[slot].pairs;
  kith_put_le(head, 4, unit);
  kith_put_le(head + 4, 4, pairs->len / pair_bytes);
  kith_buf_append(&gather->done, head, sizeof head);
  if (pairs->len > 0)
    kith_buf_append(&gather->done, pairs->bytes, pairs->len);
  gather->open[slot].used = false;
  gather->comparisons += comparisons;
  return kith_buf_err(&gather->done);
}

void kith_gather_written(struct kith_gather *gather)
{
  kith_buf_clear(&gather->done);
  gather->comparisons = 0;
}

void kith_gather_clear(struct kith_gather *gather)
{
  kith_gather_written(gather);
  for (size_t i = 0; i < KITH_ENGINE_THREADS_MAX; i++)
    gather->open[i].used = false;
}

void kith_gather_free(struct kith_gather *gather)
{
  for (size_t i = 0; i < KITH_ENGINE_THREADS_MAX; i++)
    kith_buf_free(&gather->open[i].pairs);
  kith_buf_free(&gather->done);
  memset(gather, 0, sizeof *gather);
}

enum kith_err kith_gather_read(const struct kith_gather_reader *reader, const uint8_t *bytes,
                               size_t len, size_t pair_bytes, uint64_t n_units)
{
  enum kith_err err = KITH_OK;
  for (size_t at = 0; at < len && !err;) {
    if (len - at < KITH_GATHER_HEAD_BYTES)
      return KITH_ERR_DATA;
    const uint32_t unit = (uint32_t)kith_get_le(bytes + at, 4);
    const size_t n = kith_get_le(bytes + at + 4, 4);
    at += KITH_GATHER_HEAD_BYTES;
    if (unit >= n_units || n > (len - at) / pair_bytes)
      return KITH_ERR_DATA;
    err = reader->unit(reader->context, unit);
    for (size_t i = 0; i < n && !err; i++, at += pair_bytes)
      err = reader->pair(reader->context, bytes + at);
  }
  return err;
}
