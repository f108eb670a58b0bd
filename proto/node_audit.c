#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/audit_cosign.h"
#include "proto/node.h"

struct exporting {
  struct kith_txn *txn;
  struct kith_audit_export *export;
  struct kith_buf frame;
};

static enum kith_err add(struct exporting *exporting, const struct kith_audit_thing *thing)
{
  enum kith_err err = kith_audit_thing_write(&exporting->frame, thing);

  return err == KITH_OK ? kith_audit_export_more(exporting->export, exporting->frame.bytes,
                                                 exporting->frame.len)
                        : err;
}

/* Stored as [document, signatures] under the kind and the hash; the kind alone leads to the newest.
 */
static enum kith_err add_charter(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct exporting *exporting = context;
  struct kith_buf *frame = &exporting->frame;
  const uint8_t *bytes = value.bytes;

  if (key.len == 1)
    return KITH_OK;
  /* The stored array of two is the frame's rest: only its head differs. */
  if (value.len < 1 || bytes[0] != 0x92)
    return KITH_ERR_DATA;
  kith_buf_clear(frame);
  kith_write_array(frame, 3);
  kith_write_u64(frame, KITH_AUDIT_MORE_CHARTER);
  kith_buf_append(frame, bytes + 1, value.len - 1);
  return kith_buf_err(frame) == KITH_OK
             ? kith_audit_export_more(exporting->export, frame->bytes, frame->len)
             : kith_buf_err(frame);
}

static enum kith_err add_statement(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_audit_thing thing = {.kind = KITH_AUDIT_MORE_STATEMENT};
  const uint8_t *bytes = key.bytes;

  if (key.len != KITH_ROUND_ID_BYTES + 4)
    return KITH_ERR_DATA;
  memcpy(thing.round, bytes, KITH_ROUND_ID_BYTES);
  thing.index = (uint32_t)kith_get_be(bytes + KITH_ROUND_ID_BYTES, 4);
  thing.statement = (struct kith_span){value.bytes, value.len};
  return add(context, &thing);
}

static enum kith_err add_peer(void *context, const struct kith_audit_thing *thing)
{
  return add(context, thing);
}

static enum kith_err add_all(void *context, struct kith_audit_export *export)
{
  static const uint8_t charters = KITH_DOCUMENT_CHARTER;
  struct exporting *exporting = context;
  enum kith_err err;

  exporting->export = export;
  err = kith_store_each(exporting->txn, KITH_TABLE_DOCUMENTS, (struct kith_bytes){&charters, 1},
                        add_charter, exporting);
  if (err == KITH_OK)
    err = kith_store_each(exporting->txn, KITH_TABLE_STATEMENTS, (struct kith_bytes){NULL, 0},
                          add_statement, exporting);
  if (err == KITH_OK)
    err = kith_audit_each_peer(exporting->txn, KITH_TABLE_AUDIT, add_peer, exporting);
  if (err == KITH_OK)
    err = kith_audit_each_cosigned(exporting->txn, KITH_TABLE_AUDIT, add_peer, exporting);
  return err;
}

enum kith_err kith_node_audit_export(struct kith_node *node, const char *path,
                                     struct kith_fault *fault)
{
  struct exporting exporting = {0};
  enum kith_err err;

  kith_buf_init(&exporting.frame, 0);
  err = kith_txn_begin(&exporting.txn, node->store, false);
  if (err == KITH_OK)
    err = kith_audit_export(exporting.txn, KITH_TABLE_AUDIT, path, node->id, node->identity,
                            add_all, &exporting, fault);
  kith_txn_abort(exporting.txn);
  kith_buf_free(&exporting.frame);
  return err;
}

static enum kith_err export_anew(struct kith_node *node)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  struct kith_checkpoint checkpoint;
  size_t len = 0;
  enum kith_err err = kith_node_checkpoint(node, &checkpoint);

  if (err != KITH_OK || (node->audit_export.len && node->audit_export.seq == checkpoint.seq &&
                         !node->audit_export.stale))
    return err;
  err = kith_node_audit_export(node, node->audit_export.path, NULL);
  if (err == KITH_OK)
    err = kith_file_read(&bytes, &len, node->audit_export.path, KITH_AUDIT_EXPORT_BYTES_MAX, NULL);
  if (err != KITH_OK)
    return err;
  kith_hash_bytes(&node->audit_export.hash, "kith audit export v1", bytes, len);
  node->audit_export.seq = checkpoint.seq;
  node->audit_export.len = len;
  node->audit_export.stale = false;
  return KITH_OK;
}

enum kith_err kith_node_audit_piece(struct kith_node *node, uint64_t offset, size_t max,
                                    uint8_t **out, size_t *len)
{
  enum kith_err err = offset == 0 ? export_anew(node) : KITH_OK;
  uint8_t *piece = NULL;
  size_t n;
  int fd;

  if (err != KITH_OK)
    return err;
  if (offset > node->audit_export.len || node->audit_export.len == 0)
    return KITH_ERR_NOT_FOUND;
  n = node->audit_export.len - (size_t)offset < max ? node->audit_export.len - (size_t)offset : max;
  piece = kith_realloc(NULL, n + 1, 1);
  fd = open(node->audit_export.path, O_RDONLY | O_CLOEXEC);
  if (!piece)
    err = KITH_ERR_MEMORY;
  else if (fd < 0 || pread(fd, piece, n, (off_t)offset) != (ssize_t)n)
    err = KITH_ERR_IO;
  if (fd >= 0)
    close(fd);
  if (err != KITH_OK) {
    kith_free(piece);
    return err;
  }
  *out = piece;
  *len = n;
  return KITH_OK;
}
