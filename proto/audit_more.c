#include "proto/audit_more.h"

#include <string.h>

#include "proto/wire.h"

enum kith_err kith_audit_thing_write(struct kith_buf *out, const struct kith_audit_thing *thing)
{
  kith_buf_clear(out);
  switch (thing->kind) {
  case KITH_AUDIT_MORE_CHARTER:
    kith_write_array(out, 3);
    kith_write_u64(out, thing->kind);
    kith_signed_write(out, &thing->charter);
    break;
  case KITH_AUDIT_MORE_STATEMENT:
    kith_write_array(out, 4);
    kith_write_u64(out, thing->kind);
    kith_write_bin(out, thing->round, sizeof thing->round);
    kith_write_u64(out, thing->index);
    kith_write_bin(out, thing->statement.bytes, thing->statement.len);
    break;
  case KITH_AUDIT_MORE_PEER:
  case KITH_AUDIT_MORE_CONTRADICTION:
  case KITH_AUDIT_MORE_COSIGNED:
  case KITH_AUDIT_MORE_COSIGNATURE:
    kith_write_array(out, thing->kind == KITH_AUDIT_MORE_COSIGNATURE ? 6 : 5);
    kith_write_u64(out, thing->kind);
    kith_write_string(out, thing->member);
    kith_write_u64(out, thing->checkpoint.seq);
    kith_write_bin(out, thing->checkpoint.root.bytes, KITH_HASH_BYTES);
    kith_write_bin(out, thing->checkpoint.signature, KITH_SIGN_BYTES);
    if (thing->kind == KITH_AUDIT_MORE_COSIGNATURE)
      kith_write_u64(out, (uint64_t)thing->time);
    break;
  }
  return kith_buf_err(out);
}

enum kith_err kith_audit_thing_read(struct kith_audit_thing *out, const void *bytes, size_t len)
{
  struct kith_audit_thing thing = {0};
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);
  uint32_t n;

  if (err != KITH_OK)
    return err;
  n = kith_read_array_between(&reader, 3, 6);
  thing.kind = (enum kith_audit_more_kind)kith_read_u64(&reader, KITH_AUDIT_MORE_CHARTER,
                                                        KITH_AUDIT_MORE_COSIGNATURE);
  if (reader.err != KITH_OK)
    return reader.err;
  if (n != (thing.kind == KITH_AUDIT_MORE_CHARTER       ? 3u
            : thing.kind == KITH_AUDIT_MORE_STATEMENT   ? 4u
            : thing.kind == KITH_AUDIT_MORE_COSIGNATURE ? 6u
                                                        : 5u))
    return KITH_ERR_DATA;
  if (thing.kind == KITH_AUDIT_MORE_CHARTER) {
    err = kith_signed_read(&thing.charter, KITH_DOCUMENT_CHARTER, &reader);
  } else if (thing.kind == KITH_AUDIT_MORE_STATEMENT) {
    kith_read_bin_exact(&reader, thing.round, sizeof thing.round);
    thing.index = (uint32_t)kith_read_u64(&reader, 0, KITH_STATEMENTS_MAX);
    thing.statement.bytes =
        kith_read_bin(&reader, &thing.statement.len, 1, KITH_STATEMENT_BYTES_MAX);
  } else {
    kith_read_member(&reader, thing.member);
    thing.checkpoint.seq = kith_read_u64(&reader, 1, UINT64_MAX);
    kith_read_bin_exact(&reader, thing.checkpoint.root.bytes, KITH_HASH_BYTES);
    kith_read_bin_exact(&reader, thing.checkpoint.signature, KITH_SIGN_BYTES);
    if (thing.kind == KITH_AUDIT_MORE_COSIGNATURE)
      thing.time = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  }
  if (err == KITH_OK)
    err = kith_reader_done(&reader);
  if (err == KITH_OK)
    *out = thing;
  else
    kith_signed_free(&thing.charter);
  return err;
}
