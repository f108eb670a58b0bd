/* What `kith match` reads: files of encodings, plain or sealed for a job. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/match/match.h"
#include "crypto/sealed.h"

enum { CONTEXT_BYTES = 512 };

/* A sealed file opens in its own party's place only. */
static void make_context(char out[CONTEXT_BYTES], const char *name)
{
  (void)snprintf(out, CONTEXT_BYTES, "kith match encodings %s", name);
}

/* ---- sealed files */

static enum kith_err read_all(uint8_t *bytes, size_t cap, size_t *len,
                              struct kith_sealed_in *sealed, const char *path,
                              struct kith_fault *fault)
{
  FILE *stream = kith_sealed_in_stream(sealed);
  *len = fread(bytes, 1, cap, stream);
  enum kith_err err = kith_sealed_in_finish(sealed);
  if (err == KITH_ERR_IO)
    return kith_fail(fault, err, "%s: can't be read", path);
  if (err)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: sealed under another key or for another party, altered, or cut short",
                     path);
  return KITH_OK;
}

static enum kith_err open_sealed(struct kith_sealed_in **out, FILE *file, const char *path,
                                 const char *name, const struct kith_secret *key,
                                 struct kith_fault *fault)
{
  char context[CONTEXT_BYTES];
  make_context(context, name);
  enum kith_err err = kith_sealed_in_new(out, file, key, context);
  if (err == KITH_ERR_DATA)
    return kith_fail(fault, err, "%s: is not sealed, but --key is given: seal it first", path);
  return err ? kith_fail(fault, err, "%s: can't be opened: %s", path, kith_err_name(err)) : KITH_OK;
}

static enum kith_err read_sealed(struct kith_encodings *out, const char *path, const char *name,
                                 const struct kith_secret *key, struct kith_fault *fault)
{
  struct kith_sealed_in *sealed = NULL;
  struct stat status;
  uint8_t *bytes = NULL;
  size_t len = 0;
  FILE *file = fopen(path, "re");
  enum kith_err err = KITH_OK;
  if (!file)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: can't be opened: %s", path, strerror(errno));
  if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode))
    err = kith_fail(fault, KITH_ERR_NO_INPUT, "%s: expected a file", path);
  else if ((uint64_t)status.st_size > KITH_ENCODINGS_FILE_BYTES_MAX)
    err = kith_fail(fault, KITH_ERR_LIMIT, "%s: more than %zu bytes", path,
                    KITH_ENCODINGS_FILE_BYTES_MAX);
  if (!err)
    err = open_sealed(&sealed, file, path, name, key, fault);
  if (err)
    goto out;
  /* What is in a sealed file is shorter than the file. */
  bytes = kith_calloc((size_t)status.st_size, 1);
  err = bytes ? read_all(bytes, (size_t)status.st_size, &len, sealed, path, fault)
              : kith_fail(fault, KITH_ERR_MEMORY, "%s: not enough memory to read it", path);
  if (!err)
    err = kith_encodings_parse_kith(out, bytes, len, path, fault);
out:
  if (bytes)
    kith_wipe(bytes, (size_t)status.st_size);
  kith_free(bytes);
  kith_sealed_in_free(sealed);
  (void)fclose(file); /* only read */
  return err;
}

static bool is_sealed(const char *path)
{
  uint8_t first[8];
  FILE *file = fopen(path, "re");
  bool sealed = file && kith_sealed_is(first, fread(first, 1, sizeof first, file));
  if (file)
    (void)fclose(file); /* only read */
  return sealed;
}

static enum kith_err read_one(struct kith_match *match, unsigned p, struct kith_fault *fault)
{
  const char *path = match->paths[p];
  struct kith_encodings *file = &match->files[p];
  if (!match->key && is_sealed(path))
    return kith_fail(fault, KITH_ERR_DATA, "%s: is sealed: --key FILE opens it", path);
  if (!match->key)
    return kith_encodings_read(file, path, KITH_ENCODINGS_DETECT, (unsigned)match->bits, fault);
  enum kith_err err = read_sealed(file, path, match->names[p], match->key, fault);
  if (!err && match->bits && file->n > 0 && file->bits != match->bits)
    err = kith_fail(fault, KITH_ERR_DATA, "%s: rows of %u bits, but %u were asked for", path,
                    file->bits, (unsigned)match->bits);
  return err;
}

/* ---- what is compared, and how */

/* Masked where every file with rows has masks, else Dice. */
static enum kith_err choose_similarity(enum kith_similarity_kind *out,
                                       const struct kith_match *match, struct kith_fault *fault)
{
  const char *without = NULL;
  bool some = false;
  for (unsigned p = 0; p < match->n_files; p++) {
    some |= match->files[p].masks != NULL;
    if (match->files[p].n > 0 && !match->files[p].masks)
      without = match->paths[p];
  }
  *out = some && !without ? KITH_SIMILARITY_MASKED : KITH_SIMILARITY_DICE;
  enum kith_err err =
      match->similarity ? kith_similarity_parse(out, match->similarity, fault) : KITH_OK;
  if (err)
    return kith_fail_at(fault, err, "--similarity");
  if (*out == KITH_SIMILARITY_MASKED && without)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: no presence masks, which --similarity masked needs: encode with a policy "
                     "that has a mask, or use --similarity dice",
                     without);
  return KITH_OK;
}

static void hash_file(struct kith_hasher *hasher, const struct kith_encodings *file,
                      const char *name)
{
  kith_hasher_part(hasher, name, strlen(name));
  kith_hasher_u64(hasher, file->n);
  kith_hasher_u64(hasher, file->bits);
  kith_hasher_u64(hasher, file->stride);
  kith_hasher_part(hasher, file->schema_hash, sizeof file->schema_hash);
  kith_hasher_part(hasher, file->key_check, sizeof file->key_check);
  for (unsigned f = 0; f < KITH_ENCODINGS_FIELDS_MAX; f++)
    kith_hasher_u64(hasher, file->field_weights[f]);
  kith_hasher_part(hasher, file->filters, file->n * file->stride);
  kith_hasher_u64(hasher, file->masks != NULL);
  for (size_t i = 0; file->masks && i < file->n; i++) {
    uint8_t mask[2] = {(uint8_t)file->masks[i], (uint8_t)(file->masks[i] >> 8)};
    kith_hasher_part(hasher, mask, sizeof mask);
  }
}

/* Runs of one identity have the same pairs.csv. */
static void find_identity(struct kith_match *match)
{
  struct kith_hasher hasher;
  kith_hasher_init(&hasher, "kith match run v1");
  kith_hasher_u64(&hasher, match->terms.threshold.numerator);
  kith_hasher_u64(&hasher, match->terms.threshold.denominator);
  kith_hasher_part(&hasher, kith_similarity_name(match->terms.similarity),
                   strlen(kith_similarity_name(match->terms.similarity)));
  kith_hasher_u64(&hasher, match->terms.within);
  kith_hasher_u64(&hasher, match->n_files);
  for (unsigned p = 0; p < match->n_files; p++)
    hash_file(&hasher, &match->files[p], match->names[p]);
  kith_hasher_final(&hasher, &match->run);
}

enum kith_err kith_match_read(struct kith_match *match, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  for (unsigned p = 0; p < match->n_files && !err; p++) {
    err = read_one(match, p, fault);
    for (unsigned q = 0; q < p && !err; q++)
      err = kith_encodings_comparable(&match->files[q], match->paths[q], &match->files[p],
                                      match->paths[p], fault);
  }
  match->terms.threshold = match->threshold;
  match->terms.within = match->within;
  if (!err)
    err = choose_similarity(&match->terms.similarity, match, fault);
  if (!err && (match->journal || match->shard))
    find_identity(match);
  return err;
}

/* ---- sealing */

static enum kith_err seal_to(const char *path, const char *name, const struct kith_encodings *file,
                             const struct kith_secret *key, struct kith_fault *fault)
{
  char context[CONTEXT_BYTES];
  struct kith_file_out *out = NULL;
  struct kith_sealed_out *sealed = NULL;
  enum kith_err err = kith_file_out_new(&out, path, 0600, fault);
  if (err)
    return err;
  make_context(context, name);
  err = kith_sealed_out_new(&sealed, kith_file_out_stream(out), key, context);
  if (!err)
    err = kith_encodings_print(kith_sealed_out_stream(sealed), file, KITH_ENCODINGS_KITH);
  if (!err)
    err = kith_sealed_out_finish(sealed);
  if (err)
    (void)kith_fail(fault, err, "%s: can't be written: %s", path, kith_err_name(err));
  kith_sealed_out_free(sealed);
  if (!err)
    err = kith_file_out_commit(out, fault);
  kith_file_out_free(out);
  return err;
}

static enum kith_err seal_one(const struct kith_match *match, unsigned p, const char *dir,
                              struct kith_fault *fault)
{
  struct kith_encodings file;
  char name[CONTEXT_BYTES];
  (void)snprintf(name, sizeof name, "%s.sealed", match->names[p]);
  KITH_AUTO_FREE char *path = kith_path_join(dir, name);
  kith_encodings_init(&file);
  enum kith_err err = path ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "no memory");
  if (!err)
    err = kith_encodings_read(&file, match->paths[p], KITH_ENCODINGS_DETECT, (unsigned)match->bits,
                              fault);
  if (!err)
    err = seal_to(path, match->names[p], &file, match->key, fault);
  kith_encodings_free(&file);
  return err;
}

enum kith_err kith_match_seal(const struct kith_match *match, const char *dir,
                              struct kith_fault *fault)
{
  enum kith_err err = kith_dir_make(dir, 0700, fault);
  for (unsigned p = 0; p < match->n_files && !err; p++)
    err = seal_one(match, p, dir, fault);
  return err;
}
