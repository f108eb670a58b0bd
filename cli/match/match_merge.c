/* All shards of a run at once, each read in order: pairs.csv in the memory of a buffer a shard. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/match/match_shard.h"
#include "cli/match/match_shard_format.h"
#include "cli/match/match_slice.h"
#include "crypto/sealed.h"

enum { FILES_BESIDE = 16 /* that the process has open for other things */ };

/* One shard that is being read. */
struct source {
  const char *path;
  FILE *file;
  struct kith_sealed_in *sealed;
  FILE *stream; /* one of the two */
  struct kith_hasher hasher;
  struct kith_match_shard shard;
  char *names[KITH_MATCH_FILES_MAX]; /* owned */
  uint64_t left;                     /* pairs */
  bool has_next;
  struct kith_match_pair next;
};

static enum kith_err damaged(const struct source *source, const char *how, struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_DATA, "%s: %s: run this shard again", source->path, how);
}

static enum kith_err get(struct source *source, void *out, size_t len, struct kith_fault *fault)
{
  if (fread(out, 1, len, source->stream) != len) {
    if (ferror(source->file))
      return kith_fail(fault, KITH_ERR_IO, "%s: can't be read: %s", source->path, strerror(errno));
    if (source->sealed && ferror(source->stream))
      return damaged(source, "sealed under another key, altered or cut short", fault);
    return damaged(source, "cut short", fault);
  }
  return KITH_OK;
}

static enum kith_err get_hashed(struct source *source, void *out, size_t len,
                                struct kith_fault *fault)
{
  enum kith_err err = get(source, out, len, fault);
  if (!err)
    kith_hasher_part(&source->hasher, out, len);
  return err;
}

/* After the last pair. */
static enum kith_err get_end(struct source *source, struct kith_fault *fault)
{
  struct kith_hash want;
  struct kith_hash hash;
  kith_hasher_final(&source->hasher, &hash);
  enum kith_err err = get(source, want.bytes, sizeof want.bytes, fault);
  if (err)
    return err;
  if (!kith_hash_equal(&want, &hash))
    return damaged(source, "damaged: its checksum does not match", fault);
  if (source->sealed ? kith_sealed_in_finish(source->sealed) != KITH_OK
                     : fgetc(source->stream) != EOF)
    return damaged(source, "damaged: something follows its end", fault);
  return KITH_OK;
}

static bool plausible(const struct source *source, const struct kith_match_pair *pair)
{
  return pair->file_a < source->shard.n_files && pair->file_b < source->shard.n_files &&
         (pair->file_a < pair->file_b ||
          (pair->file_a == pair->file_b && pair->row_a < pair->row_b)) &&
         pair->millionths <= 1000000;
}

/* The next pair, or none. */
static enum kith_err advance(struct source *source, struct kith_fault *fault)
{
  uint8_t bytes[KITH_MATCH_PAIR_BYTES];
  struct kith_match_pair pair;
  if (source->left == 0) {
    source->has_next = false;
    return get_end(source, fault);
  }
  enum kith_err err = get_hashed(source, bytes, sizeof bytes, fault);
  if (err)
    return err;
  kith_match_pair_get(&pair, bytes);
  if (!plausible(source, &pair) ||
      (source->has_next && kith_match_pair_compare(&source->next, &pair) >= 0))
    return damaged(source, "damaged: its pairs are not in order", fault);
  source->next = pair;
  source->has_next = true;
  source->left--;
  return KITH_OK;
}

/* ---- opening */

static enum kith_err get_names(struct source *source, struct kith_fault *fault)
{
  for (unsigned f = 0; f < source->shard.n_files; f++) {
    uint8_t frame[2];
    enum kith_err err = get_hashed(source, frame, sizeof frame, fault);
    if (err)
      return err;
    size_t len = kith_get_le(frame, 2);
    source->names[f] = kith_calloc(len + 1, 1);
    if (!source->names[f])
      return kith_fail(fault, KITH_ERR_MEMORY, "no memory");
    if ((err = get_hashed(source, source->names[f], len, fault)))
      return err;
    if (strlen(source->names[f]) != len || len == 0)
      return damaged(source, "damaged: wrong names", fault);
  }
  return KITH_OK;
}

static enum kith_err get_header(struct source *source, struct kith_fault *fault)
{
  uint8_t header[KITH_MATCH_SHARD_HEADER_BYTES];
  enum kith_err err = get_hashed(source, header, sizeof header, fault);
  if (err)
    return err;
  if (memcmp(header, KITH_MATCH_SHARD_MAGIC, 8) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is no shard of kith match", source->path);
  if (kith_get_le(header + 8, 4) != KITH_MATCH_SHARD_VERSION)
    return kith_fail(fault, KITH_ERR_DATA, "%s: a shard of another version of kith", source->path);
  source->shard.index = (uint32_t)kith_get_le(header + 12, 4);
  source->shard.count = (uint32_t)kith_get_le(header + 16, 4);
  source->shard.n_files = (uint32_t)kith_get_le(header + 20, 4);
  source->left = kith_get_le(header + 24, 8);
  memcpy(source->shard.run.bytes, header + 32, sizeof source->shard.run.bytes);
  source->shard.terms = (struct kith_match_terms){
      .threshold = {(uint32_t)kith_get_le(header + 64, 4), (uint32_t)kith_get_le(header + 68, 4)},
      .similarity = (enum kith_similarity_kind)kith_get_le(header + 72, 4),
      .within = kith_get_le(header + 76, 4) != 0};
  if (source->shard.n_files < 1 || source->shard.n_files > KITH_MATCH_FILES_MAX ||
      source->shard.index < 1 || source->shard.index > source->shard.count ||
      source->shard.count > KITH_MATCH_SHARDS_MAX)
    return damaged(source, "damaged: its header is wrong", fault);
  source->shard.names = source->names;
  return get_names(source, fault);
}

static enum kith_err unseal(struct source *source, const struct kith_secret *key,
                            struct kith_fault *fault)
{
  uint8_t first[8];
  size_t n = fread(first, 1, sizeof first, source->file);
  bool is_sealed = kith_sealed_is(first, n);
  if (is_sealed != (key != NULL))
    return kith_fail(fault, KITH_ERR_DATA, "%s: %s", source->path,
                     is_sealed ? "is sealed: --key FILE opens it"
                               : "is not sealed, but --key is given: is it of this job?");
  rewind(source->file);
  if (!key)
    return KITH_OK;
  enum kith_err err =
      kith_sealed_in_new(&source->sealed, source->file, key, KITH_MATCH_SHARD_CONTEXT);
  if (err)
    return kith_fail(fault, err, "%s: can't be opened with this key: %s", source->path,
                     kith_err_name(err));
  source->stream = kith_sealed_in_stream(source->sealed);
  return KITH_OK;
}

static enum kith_err source_open(struct source *source, const char *path,
                                 const struct kith_secret *key, struct kith_fault *fault)
{
  *source = (struct source){.path = path, .file = fopen(path, "re")};
  kith_hasher_init(&source->hasher, KITH_MATCH_SHARD_LABEL);
  if (!source->file)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: can't be opened: %s", path, strerror(errno));
  source->stream = source->file;
  enum kith_err err = unseal(source, key, fault);
  return err ? err : get_header(source, fault);
}

static void source_close(struct source *source)
{
  kith_sealed_in_free(source->sealed);
  if (source->file)
    (void)fclose(source->file); /* only read */
  for (unsigned f = 0; f < KITH_MATCH_FILES_MAX; f++)
    kith_free(source->names[f]);
}

/* ---- all of them */

static bool same_run(const struct source *a, const struct source *b)
{
  return a->shard.count == b->shard.count && a->shard.n_files == b->shard.n_files &&
         kith_hash_equal(&a->shard.run, &b->shard.run);
}

/* Each shard of one run, once. `at`: a source for each of them, by its number. */
static enum kith_err check_all(const struct source **at, const struct source *sources, unsigned n,
                               struct kith_fault *fault)
{
  for (unsigned s = 0; s < n; s++) {
    const struct source *source = &sources[s];
    const uint32_t place = source->shard.index - 1;
    if (!same_run(source, &sources[0]))
      return kith_fail(fault, KITH_ERR_DATA,
                       "%s: of another run than %s: other encodings, threshold, similarity, "
                       "--within or number of shards",
                       source->path, sources[0].path);
    if (at[place])
      return kith_fail(fault, KITH_ERR_DATA, "%s: shard %u/%u, which %s is too", source->path,
                       source->shard.index, source->shard.count, at[place]->path);
    at[place] = source;
  }
  for (uint32_t i = 0; i < sources[0].shard.count; i++)
    if (!at[i])
      return kith_fail(fault, KITH_ERR_DATA, "shard %u/%u is missing", i + 1,
                       sources[0].shard.count);
  return KITH_OK;
}

static enum kith_err check_expected(const struct source *source,
                                    const struct kith_match_expected *expected,
                                    struct kith_fault *fault)
{
  const struct kith_match_terms *terms = &source->shard.terms;
  const char *differs = NULL;
  if (expected->threshold && (expected->threshold->numerator != terms->threshold.numerator ||
                              expected->threshold->denominator != terms->threshold.denominator))
    differs = "--threshold";
  else if (expected->similarity && *expected->similarity != terms->similarity)
    differs = "--similarity";
  else if (expected->within && !terms->within)
    differs = "--within";
  return differs ? kith_fail(fault, KITH_ERR_DATA, "%s: the shards are of a run with another %s",
                             source->path, differs)
                 : KITH_OK;
}

/* A heap of sources by their next pairs. */
static void sift(struct source **heap, size_t n, size_t at)
{
  for (;;) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child < n && child <= 2 * at + 2; child++)
      if (kith_match_pair_compare(&heap[child]->next, &heap[least]->next) < 0)
        least = child;
    if (least == at)
      return;
    struct source *moved = heap[at];
    heap[at] = heap[least];
    heap[least] = moved;
    at = least;
  }
}

static enum kith_err merge(FILE *out, struct source *sources, struct source **heap, unsigned n,
                           uint64_t *n_pairs, struct kith_fault *fault)
{
  size_t n_heap = 0;
  enum kith_err err = KITH_OK;
  struct kith_match_pair latest = {0};
  for (unsigned s = 0; s < n && !err; s++) {
    err = advance(&sources[s], fault);
    if (!err && sources[s].has_next)
      heap[n_heap++] = &sources[s];
  }
  for (size_t i = n_heap; i-- > 0 && !err;)
    sift(heap, n_heap, i);
  kith_match_print_header(out);
  while (n_heap > 0 && !err) {
    struct source *first = heap[0];
    if (*n_pairs > 0 && kith_match_pair_compare(&latest, &first->next) == 0)
      return kith_fail(fault, KITH_ERR_DATA, "%s: has a pair that another shard has, too",
                       first->path);
    latest = first->next;
    kith_match_print_pair(out, sources[0].names, &latest);
    (*n_pairs)++;
    err = advance(first, fault);
    if (!err && !first->has_next)
      heap[0] = heap[--n_heap];
    sift(heap, n_heap, 0);
  }
  return err;
}

static enum kith_err merge_to(const char *out, struct source *sources, unsigned n,
                              const struct kith_match_expected *expected, uint64_t *n_pairs,
                              struct kith_fault *fault)
{
  struct kith_file_out *file = NULL;
  const struct source **at = KITH_NEW_ARRAY(const struct source *, KITH_MATCH_SHARDS_MAX);
  struct source **heap = KITH_NEW_ARRAY(struct source *, n);
  enum kith_err err = at && heap ? check_all(at, sources, n, fault)
                                 : kith_fail(fault, KITH_ERR_MEMORY, "no memory");
  if (!err)
    err = check_expected(&sources[0], expected, fault);
  if (!err && out)
    err = kith_file_out_new(&file, out, 0644, fault);
  if (!err)
    err = merge(out ? kith_file_out_stream(file) : stdout, sources, heap, n, n_pairs, fault);
  if (!err && out)
    err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  kith_free(heap);
  kith_free(at);
  return err;
}

enum kith_err kith_match_merge(const char *out, char *const *paths, unsigned n_paths,
                               const struct kith_match_expected *expected,
                               const struct kith_secret *key, uint64_t *n_pairs,
                               struct kith_fault *fault)
{
  struct source *sources = KITH_NEW_ARRAY(struct source, n_paths);
  struct rlimit limit;
  unsigned n_open = 0;
  enum kith_err err = sources ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "no memory");
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n_paths + FILES_BESIDE) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* what can't be opened will say so */
  }
  *n_pairs = 0;
  for (; n_open < n_paths && !err; n_open++)
    err = source_open(&sources[n_open], paths[n_open], key, fault);
  if (!err)
    err = merge_to(out, sources, n_paths, expected, n_pairs, fault);
  for (unsigned s = 0; s < n_open; s++)
    source_close(&sources[s]);
  kith_free(sources);
  return err;
}
