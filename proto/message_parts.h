/* Pieces that requests and replies have in common; for proto/message*.c only. */
#ifndef KITH_PROTO_MESSAGE_PARTS_H
#define KITH_PROTO_MESSAGE_PARTS_H

#include "proto/message.h"

enum { KITH_MESSAGE_VERSION = 1 };

static inline void write_round(struct kith_buf *buf, const kith_round_id round)
{
  kith_write_bin(buf, round, KITH_ROUND_ID_BYTES);
}

static inline void read_round(struct kith_reader *reader, kith_round_id out)
{
  kith_read_bin_exact(reader, out, KITH_ROUND_ID_BYTES);
}

static inline void write_hash(struct kith_buf *buf, const struct kith_hash *hash)
{
  kith_write_bin(buf, hash->bytes, sizeof hash->bytes);
}

static inline void read_hash(struct kith_reader *reader, struct kith_hash *out)
{
  kith_read_bin_exact(reader, out->bytes, sizeof out->bytes);
}

static inline void write_span(struct kith_buf *buf, const struct kith_span *span)
{
  kith_write_bin(buf, span->bytes, span->len);
}

static inline void read_span(struct kith_reader *reader, struct kith_span *out, size_t min,
                             size_t max)
{
  out->bytes = kith_read_bin(reader, &out->len, min, max);
}

static inline enum kith_document_kind read_kind(struct kith_reader *reader)
{
  return (enum kith_document_kind)kith_read_u64(reader, KITH_DOCUMENT_CHARTER,
                                                KITH_DOCUMENT_POLICY);
}

#endif
