#include "cli/match/match_shard.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "cli/match/match_shard_format.h"
#include "crypto/sealed.h"

/* Bytes to a stream, and to the hash. */
struct writer {
  FILE *stream;
  struct kith_hasher hasher;
};

static void put(struct writer *writer, const void *bytes, size_t len)
{
  kith_hasher_part(&writer->hasher, bytes, len);
  (void)fwrite(bytes, 1, len, writer->stream); /* found when the file is finished */
}

static void put_all(struct writer *writer, const struct kith_match_shard *shard,
                    const struct kith_match_pairs *pairs)
{
  uint8_t header[KITH_MATCH_SHARD_HEADER_BYTES];
  struct kith_hash hash;
  kith_hasher_init(&writer->hasher, KITH_MATCH_SHARD_LABEL);
  memcpy(header, KITH_MATCH_SHARD_MAGIC, 8);
  kith_put_le(header + 8, 4, KITH_MATCH_SHARD_VERSION);
  kith_put_le(header + 12, 4, shard->index);
  kith_put_le(header + 16, 4, shard->count);
  kith_put_le(header + 20, 4, shard->n_files);
  kith_put_le(header + 24, 8, pairs->n);
  memcpy(header + 32, shard->run.bytes, sizeof shard->run.bytes);
  kith_put_le(header + 64, 4, shard->terms.threshold.numerator);
  kith_put_le(header + 68, 4, shard->terms.threshold.denominator);
  kith_put_le(header + 72, 4, shard->terms.similarity);
  kith_put_le(header + 76, 4, shard->terms.within);
  put(writer, header, sizeof header);
  for (unsigned f = 0; f < shard->n_files; f++) {
    uint8_t len[2];
    kith_put_le(len, sizeof len, strlen(shard->names[f]));
    put(writer, len, sizeof len);
    put(writer, shard->names[f], strlen(shard->names[f]));
  }
  for (size_t i = 0; i < pairs->n; i++) {
    uint8_t bytes[KITH_MATCH_PAIR_BYTES];
    kith_match_pair_put(bytes, &pairs->items[i]);
    put(writer, bytes, sizeof bytes);
  }
  kith_hasher_final(&writer->hasher, &hash);
  (void)fwrite(hash.bytes, 1, sizeof hash.bytes, writer->stream);
}

enum kith_err kith_match_shard_write(const char *path, const struct kith_match_shard *shard,
                                     const struct kith_match_pairs *pairs,
                                     const struct kith_secret *key, struct kith_fault *fault)
{
  struct kith_file_out *file = NULL;
  struct kith_sealed_out *sealed = NULL;
  struct writer writer;
  enum kith_err err = kith_file_out_new(&file, path, 0600, fault);
  if (err)
    return err;
  writer.stream = kith_file_out_stream(file);
  if (key) {
    err = kith_sealed_out_new(&sealed, writer.stream, key, KITH_MATCH_SHARD_CONTEXT);
    if (err)
      (void)kith_fail(fault, err, "%s: can't be sealed: %s", path, kith_err_name(err));
    else
      writer.stream = kith_sealed_out_stream(sealed);
  }
  if (!err)
    put_all(&writer, shard, pairs);
  if (!err && sealed && kith_sealed_out_finish(sealed))
    err = kith_fail(fault, KITH_ERR_IO, "%s: can't be written", path);
  kith_sealed_out_free(sealed);
  if (!err)
    err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  return err;
}
