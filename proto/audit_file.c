/* Verifying a log, in the store or exported. The exported file (kith-audit(5)), numbers
 * little-endian:
 *
 *     magic "KITHAUD\0", version u32 = 2, n u64
 *     n times: length u32, entry
 *     length u32, [member, sign_key bin32, n, root bin32, signature bin64]
 *     until the end: length u32, one more thing (proto/audit_more.h)
 *
 * The signature is a checkpoint's (proto/note.h). */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/audit.h"
#include "proto/audit_chain.h"
#include "proto/wire.h"

enum {
  MAGIC_BYTES = 8,
  VERSION = 2,
  HEADER_BYTES = MAGIC_BYTES + 4 + 8,
  LENGTH_BYTES = 4,
  TRAILER_BYTES_MAX = 256
};
static const char magic[MAGIC_BYTES] = "KITHAUD";

/* ---- the chain */

struct chain {
  struct kith_audit_report *report;
  const struct kith_audit_evidence *evidence; /* or NULL */
  struct kith_fault *fault;
  struct kith_tree tree;
};

static enum kith_err breaks(struct chain *chain, uint64_t seq, const char *why)
{
  chain->report->broken_at = seq;
  return kith_fail(chain->fault, KITH_ERR_NO, "entry %llu: %s", (unsigned long long)seq, why);
}

/* Others' checkpoints against the entry that was just added. */
static enum kith_err chain_against_held(struct chain *chain)
{
  const struct kith_audit_report *report = chain->report;

  for (size_t i = 0; chain->evidence && i < chain->evidence->n_held; i++) {
    const struct kith_checkpoint *held = &chain->evidence->held[i];
    struct kith_hash root;

    if (held->seq != report->n_entries)
      continue;
    kith_tree_root(&chain->tree, &root);
    if (!kith_hash_equal(&held->root, &root))
      return breaks(chain, report->n_entries,
                    "is not the one that this node has signed to others: its past was rewritten");
  }
  return KITH_OK;
}

static enum kith_err chain_add(struct chain *chain, const void *bytes, size_t len)
{
  struct kith_audit_report *report = chain->report;
  uint64_t seq = report->n_entries + 1;
  struct kith_audit_entry entry;
  struct kith_hash leaf;

  if (kith_audit_entry_read(&entry, bytes, len) != KITH_OK)
    return breaks(chain, seq, "is no entry: it was altered");
  if (entry.seq != seq)
    return breaks(chain, seq, "another number stands here: entries were removed, added or moved");
  if (!kith_hash_equal(&entry.previous, &report->head))
    return breaks(chain, seq,
                  "does not hold the hash of the entry before it: one of the two was altered");
  if (entry.time < report->last_time)
    return breaks(chain, seq, "its time is before that of the entry before it");
  if (seq == 1)
    report->first_time = entry.time;
  report->last_time = entry.time;
  report->n_entries = seq;
  kith_audit_entry_hash(&report->head, bytes, len);
  kith_tree_leaf(&leaf, bytes, len);
  kith_tree_add(&chain->tree, &leaf);
  return chain_against_held(chain);
}

static enum kith_err stored_entry(void *context, struct kith_bytes key, struct kith_bytes value)
{
  (void)key; /* in order of seq, which the entry holds as well */
  return chain_add(context, value.bytes, value.len);
}

enum kith_err kith_audit_verify(struct kith_txn *txn, unsigned table, struct kith_audit_report *out,
                                struct kith_fault *fault)
{
  struct chain chain = {.report = out, .fault = fault};
  struct kith_audit_head head;
  enum kith_err err;

  memset(out, 0, sizeof *out);
  err = kith_audit_head(txn, table, &head);
  if (err == KITH_ERR_DATA)
    return breaks(&chain, 1, "the log's head is damaged");
  if (err == KITH_OK)
    err = kith_audit_each_raw(txn, table, stored_entry, &chain);
  if (err == KITH_ERR_NO)
    return err;
  if (err != KITH_OK)
    return kith_fail(fault, err, "the audit log can't be read: %s", kith_err_name(err));
  if (out->n_entries < head.seq)
    return breaks(&chain, out->n_entries + 1, "is missing, and all after it");
  if (out->n_entries > head.seq || !kith_hash_equal(&out->head, &head.head))
    return breaks(&chain, out->n_entries, "is not the one that the log's head names");
  return KITH_OK;
}

/* ---- exporting */

struct kith_audit_export {
  FILE *stream; /* an error sticks, and is found when the file is committed */
  uint64_t n;
  uint64_t total; /* bytes */
};

static void frame_write(struct kith_audit_export *export, const void *bytes, size_t len)
{
  uint8_t length[LENGTH_BYTES];

  kith_put_le(length, sizeof length, len);
  (void)fwrite(length, 1, sizeof length, export->stream);
  (void)fwrite(bytes, 1, len, export->stream);
  export->total += sizeof length + len;
}

static enum kith_err export_entry(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_audit_export *export = context;

  (void)key;
  if (export->total + value.len + LENGTH_BYTES + TRAILER_BYTES_MAX > KITH_AUDIT_EXPORT_BYTES_MAX)
    return KITH_ERR_LIMIT;
  frame_write(export, value.bytes, value.len);
  export->n++;
  return KITH_OK;
}

enum kith_err kith_audit_export_more(struct kith_audit_export *export, const void *bytes,
                                     size_t len)
{
  if (export->total + len + LENGTH_BYTES > KITH_AUDIT_EXPORT_BYTES_MAX)
    return KITH_ERR_LIMIT;
  frame_write(export, bytes, len);
  return KITH_OK;
}

/* The empty log is signed as well. */
static enum kith_err trailer_write(struct kith_buf *out, const struct kith_checkpoint *checkpoint,
                                   const char *member, const struct kith_identity *identity)
{
  struct kith_checkpoint end = *checkpoint;

  if (end.seq == 0) {
    const struct kith_tree empty = {0};
    enum kith_err err;

    kith_tree_root(&empty, &end.root);
    err = kith_checkpoint_sign(&end, member, identity);
    if (err != KITH_OK)
      return err;
  }
  kith_write_array(out, 5);
  kith_write_string(out, member);
  kith_write_bin(out, identity->public_keys.sign, KITH_PUBLIC_BYTES);
  kith_write_u64(out, end.seq);
  kith_write_bin(out, end.root.bytes, KITH_HASH_BYTES);
  kith_write_bin(out, end.signature, sizeof end.signature);
  return kith_buf_err(out);
}

enum kith_err kith_audit_export(struct kith_txn *txn, unsigned table, const char *path,
                                const char *member, const struct kith_identity *identity,
                                kith_audit_more *more, void *context, struct kith_fault *fault)
{
  uint8_t header[HEADER_BYTES] = {0};
  struct kith_audit_export export = {0};
  struct kith_file_out *file = NULL;
  struct kith_checkpoint end;
  struct kith_buf trailer;
  enum kith_err err = kith_audit_checkpoint(txn, table, &end, member, identity);

  kith_buf_init(&trailer, TRAILER_BYTES_MAX);
  if (err == KITH_OK)
    err = trailer_write(&trailer, &end, member, identity);
  if (err != KITH_OK) {
    (void)kith_fail(fault, err, "the audit log can't be signed: %s", kith_err_name(err));
    goto out;
  }
  err = kith_file_out_new(&file, path, 0600, fault);
  if (err != KITH_OK)
    goto out;
  export.stream = kith_file_out_stream(file);
  memcpy(header, magic, MAGIC_BYTES);
  kith_put_le(header + MAGIC_BYTES, 4, VERSION);
  kith_put_le(header + MAGIC_BYTES + 4, 8, end.seq);
  (void)fwrite(header, 1, sizeof header, export.stream);
  export.total = sizeof header;
  err = kith_audit_each_raw(txn, table, export_entry, &export);
  if (err == KITH_OK && export.n != end.seq)
    err = KITH_ERR_DATA;
  if (err == KITH_OK)
    frame_write(&export, trailer.bytes, trailer.len);
  if (err == KITH_OK && more)
    err = more(context, &export);
  if (err != KITH_OK) {
    (void)kith_fail(fault, err, "the audit log can't be exported: %s", kith_err_name(err));
    goto out;
  }
  err = kith_file_out_commit(file, fault);
out:
  kith_file_out_free(file);
  kith_buf_free(&trailer);
  return err;
}

/* ---- checking an exported file */

struct span {
  const uint8_t *bytes;
  size_t len;
};

/* Takes the next frame off `rest`. */
static bool frame_take(struct span *rest, struct span *frame)
{
  uint64_t len;

  if (rest->len < LENGTH_BYTES)
    return false;
  len = kith_get_le(rest->bytes, LENGTH_BYTES);
  if (len > rest->len - LENGTH_BYTES)
    return false;
  *frame = (struct span){rest->bytes + LENGTH_BYTES, (size_t)len};
  rest->bytes += LENGTH_BYTES + len;
  rest->len -= LENGTH_BYTES + (size_t)len;
  return true;
}

static enum kith_err trailer_read(struct kith_audit_report *report,
                                  struct kith_checkpoint *checkpoint, struct span trailer)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, trailer.bytes, trailer.len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 5);
  kith_read_member(&reader, report->member);
  kith_read_bin_exact(&reader, report->sign_key, sizeof report->sign_key);
  checkpoint->seq = kith_read_u64(&reader, 0, UINT64_MAX);
  kith_read_bin_exact(&reader, checkpoint->root.bytes, sizeof checkpoint->root.bytes);
  kith_read_bin_exact(&reader, checkpoint->signature, sizeof checkpoint->signature);
  return kith_reader_done(&reader);
}

/* Whose log it says it is, and whether what it is held against is that member's. */
static enum kith_err check_evidence(struct chain *chain)
{
  const struct kith_audit_report *report = chain->report;
  const struct kith_audit_evidence *evidence = chain->evidence;
  enum kith_err err = KITH_OK;

  if (evidence && evidence->sign_key &&
      memcmp(evidence->sign_key, report->sign_key, KITH_PUBLIC_BYTES) != 0)
    return kith_fail(chain->fault, KITH_ERR_NO,
                     "it is signed with another key than the charter has for '%s'", report->member);
  for (size_t i = 0; err == KITH_OK && evidence && i < evidence->n_held; i++) {
    err = kith_checkpoint_verify(&evidence->held[i], report->member, report->sign_key);
    if (err == KITH_ERR_NO)
      return kith_fail(chain->fault, err, "the checkpoint of entry %llu is not signed by '%s'",
                       (unsigned long long)evidence->held[i].seq, report->member);
  }
  return err;
}

/* The end of the chain against the signature, and against what others hold. */
static enum kith_err check_end(struct chain *chain, const struct kith_checkpoint *end)
{
  struct kith_audit_report *report = chain->report;
  const struct kith_audit_evidence *evidence = chain->evidence;
  enum kith_err err;

  kith_tree_root(&chain->tree, &report->root);
  if (end->seq != report->n_entries || !kith_hash_equal(&end->root, &report->root))
    return breaks(chain, report->n_entries, "is not the last one that was signed");
  err = kith_checkpoint_verify(end, report->member, report->sign_key);
  if (err == KITH_ERR_NO)
    return kith_fail(chain->fault, err, "its signature is not one of the key of '%s'",
                     report->member);
  for (size_t i = 0; err == KITH_OK && evidence && i < evidence->n_held; i++)
    if (evidence->held[i].seq > report->n_entries)
      return breaks(chain, report->n_entries + 1, "is missing: the node has signed it to others");
  return err;
}

/* Goes over the entries' frames to the trailer and all that follows it. */
static enum kith_err trailer_find(struct chain *chain, struct kith_checkpoint *end,
                                  struct span frames, uint64_t n)
{
  struct span frame;

  for (uint64_t i = 0; i < n; i++) {
    if (!frame_take(&frames, &frame)) {
      chain->report->broken_at = i + 1;
      return kith_fail(chain->fault, KITH_ERR_DATA,
                       "entry %llu: the file ends here, of %llu entries",
                       (unsigned long long)(i + 1), (unsigned long long)n);
    }
  }
  if (!frame_take(&frames, &frame) || trailer_read(chain->report, end, frame) != KITH_OK)
    return kith_fail(chain->fault, KITH_ERR_DATA, "its signature is cut or malformed");
  while (frames.len) {
    enum kith_err err;

    if (!frame_take(&frames, &frame))
      return kith_fail(chain->fault, KITH_ERR_DATA, "the file is cut in what follows the log");
    err = chain->evidence && chain->evidence->more
              ? chain->evidence->more(chain->evidence->context, frame.bytes, frame.len)
              : KITH_OK;
    if (err != KITH_OK)
      return kith_fail(chain->fault, err, "what follows the log is malformed");
  }
  return KITH_OK;
}

enum kith_err kith_audit_export_check(struct kith_audit_report *out, const void *bytes, size_t len,
                                      const struct kith_audit_evidence *evidence,
                                      struct kith_fault *fault)
{
  struct chain chain = {.report = out, .evidence = evidence, .fault = fault};
  struct kith_checkpoint end = {0};
  struct span rest = {bytes, len};
  uint64_t n;
  enum kith_err err;

  memset(out, 0, sizeof *out);
  if (len < HEADER_BYTES || memcmp(bytes, magic, MAGIC_BYTES) != 0 ||
      kith_get_le(rest.bytes + MAGIC_BYTES, 4) != VERSION)
    return kith_fail(fault, KITH_ERR_DATA, "is no exported audit log of this version of kith");
  n = kith_get_le(rest.bytes + MAGIC_BYTES + 4, 8);
  rest.bytes += HEADER_BYTES;
  rest.len -= HEADER_BYTES;
  err = trailer_find(&chain, &end, rest, n);
  if (err == KITH_OK)
    err = check_evidence(&chain);
  for (uint64_t i = 0; i < n && err == KITH_OK; i++) {
    struct span frame = {NULL, 0};
    (void)frame_take(&rest, &frame); /* trailer_find has gone over it */
    err = chain_add(&chain, frame.bytes, frame.len);
    if (err == KITH_OK && evidence && evidence->entry)
      err = evidence->entry(evidence->context, frame.bytes, frame.len);
  }
  return err == KITH_OK ? check_end(&chain, &end) : err;
}

enum kith_err kith_audit_export_check_file(struct kith_audit_report *out, const char *path,
                                           const struct kith_audit_evidence *evidence,
                                           struct kith_fault *fault)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&bytes, &len, path, KITH_AUDIT_EXPORT_BYTES_MAX, fault);

  if (err != KITH_OK)
    return err;
  err = kith_audit_export_check(out, bytes, len, evidence, fault);
  return err == KITH_OK ? KITH_OK : kith_fail_at(fault, err, "%s", path);
}
