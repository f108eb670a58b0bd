/* A run of `kith match`: the whole, or a shard of it; in one part, or in several where memory is
 * short; with or without a journal. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/match/match.h"
#include "cli/match/match_journal.h"
#include "crypto/jobkey.h"
#include "matcher/engine/engine.h"

enum {
  PARTS_MAX = 4096,
  PAIRS_SHARE = 4, /* of the memory, one in so many for the pairs */
};

struct run {
  struct kith_match *match;
  struct kith_match_journal *journal; /* NULL: none */
  struct kith_secret *journal_key;    /* NULL: it is not sealed */
  struct kith_engine_journal engine_journal;
  struct kith_match_slice *slice; /* of the part at hand */
  struct kith_engine_options options;
  struct kith_cli_progress progress;
  uint32_t part;
  uint32_t n_parts;
  bool shown; /* that the part at hand goes on */
};

/* ---- what the engine calls */

static struct kith_match_pair map_pair(void *context, const struct kith_pair *pair)
{
  const struct run *run = context;
  return kith_match_slice_pair(run->slice, pair);
}

static enum kith_err take_pairs(void *context, const struct kith_pair *pairs, size_t n)
{
  struct run *run = context;
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < n && !err; i++) {
    const struct kith_match_pair pair = map_pair(run, &pairs[i]);
    err = kith_match_pairs_add(&run->match->pairs, &pair, 1);
  }
  return err;
}

static void say_resumed(struct run *run, double share)
{
  const struct kith_match_journal_state state =
      run->journal ? kith_match_journal_state(run->journal)
                   : (struct kith_match_journal_state){.n_units = 0};
  if (run->shown)
    return;
  run->shown = true;
  run->progress.share_before = state.n_finished ? share : 0;
  if (run->match->quiet)
    return;
  if (state.other_plan)
    (void)fprintf(stderr, "match: the journal is of another plan (another processor, or other "
                          "options): the work begins anew\n");
  else if (state.n_finished)
    (void)fprintf(stderr, "match: the journal has %zu of %zu units; going on\n", state.n_finished,
                  state.n_units);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
  struct run *run = context;
  const double share =
      (run->part + (total ? (double)done / (double)total : 1)) / (double)run->n_parts;
  say_resumed(run, share);
  kith_cli_progress_update(&run->progress, share, (double)done);
}

static void explain(void *context, const char *plan)
{
  const struct run *run = context;
  if (run->n_parts > 1)
    (void)fprintf(stderr, "match: part %u of %u: %s\n", run->part + 1, run->n_parts, plan);
  else
    (void)fprintf(stderr, "match: %s\n", plan);
}

/* ---- memory */

static size_t files_bytes(const struct kith_match *match)
{
  size_t bytes = 0;
  for (unsigned p = 0; p < match->n_files; p++)
    bytes += match->files[p].n *
             (match->files[p].stride + (match->files[p].masks ? sizeof(uint16_t) : 0));
  return bytes;
}

static void list_sets(const struct kith_encodings *out[KITH_ENGINE_PARTIES_MAX],
                      const struct kith_match_slice *slice)
{
  for (unsigned s = 0; s < slice->n_sets; s++)
    out[s] = &slice->sets[s].view;
}

/* What is there for the engine and for copies of rows. */
static size_t memory_left(const struct kith_match *match)
{
  const size_t all = (size_t)(match->memory_bytes - match->memory_bytes / PAIRS_SHARE);
  return all > files_bytes(match) ? all - files_bytes(match) : 0;
}

static enum kith_err part_bytes(size_t *out, struct run *run, uint32_t n_parts)
{
  const struct kith_encodings *sets[KITH_ENGINE_PARTIES_MAX];
  const struct kith_match *match = run->match;
  enum kith_err err = kith_match_slice_cut(run->slice, match->files, match->n_files, match->within,
                                           match->shard ? match->shard : 1,
                                           match->shard ? match->n_shards : n_parts);
  if (err)
    return err;
  list_sets(sets, run->slice);
  run->options.wanted = run->slice->wanted;
  err = kith_engine_bytes_least(out, sets, run->slice->n_sets, &run->options);
  *out += kith_match_slice_bytes(run->slice);
  kith_match_slice_free(run->slice);
  return err;
}

/* As many parts as make each fit: 1, 2, 4, ... A shard is one. */
static enum kith_err find_parts(struct run *run, struct kith_fault *fault)
{
  const struct kith_match *match = run->match;
  size_t bytes = 0;
  run->n_parts = 1;
  if (!match->memory_bytes)
    return KITH_OK;
  for (; run->n_parts <= PARTS_MAX; run->n_parts *= 2) {
    enum kith_err err = part_bytes(&bytes, run, run->n_parts);
    if (err)
      return kith_fail(fault, err, "not enough memory for matching");
    if (bytes <= memory_left(match))
      return KITH_OK;
    if (match->shard)
      break;
  }
  const uint64_t least = (files_bytes(match) + bytes) / (PAIRS_SHARE - 1) * PAIRS_SHARE;
  return kith_fail(fault, KITH_ERR_LIMIT, "--memory: at least %llu MiB are needed%s",
                   (unsigned long long)(least >> 20) + 1, match->shard ? ", or more shards" : "");
}

/* ---- a part */

static enum kith_err run_engine(struct run *run, struct kith_fault *fault)
{
  const struct kith_encodings *sets[KITH_ENGINE_PARTIES_MAX];
  bool done = false;
  enum kith_err err = KITH_OK;
  list_sets(sets, run->slice);
  run->options.wanted = run->slice->wanted;
  if (run->match->memory_bytes)
    run->options.memory_bytes_max = memory_left(run->match) - kith_match_slice_bytes(run->slice);
  if (run->journal) {
    err = kith_match_journal_part(run->journal, run->part, run->n_parts, &run->match->pairs,
                                  map_pair, run, &run->engine_journal, &done);
    run->options.journal = &run->engine_journal;
  }
  if (done && !run->match->quiet)
    (void)fprintf(stderr, "match: the journal has part %u of %u whole\n", run->part + 1,
                  run->n_parts);
  if (err || done)
    return err;
  run->shown = false;
  err = kith_engine_run(sets, run->slice->n_sets, &run->options, take_pairs, run, fault);
  if (!run->journal)
    return err;
  /* What was found counts after a cancellation, too. */
  enum kith_err flushed = kith_match_journal_flush(run->journal, !err);
  if (flushed && (!err || err == KITH_ERR_CANCELLED))
    err = flushed;
  if (kith_match_journal_fault(run->journal)->err)
    *fault = *kith_match_journal_fault(run->journal);
  return err;
}

static enum kith_err run_part(struct run *run, struct kith_fault *fault)
{
  const struct kith_match *match = run->match;
  enum kith_err err = kith_match_slice_cut(run->slice, match->files, match->n_files, match->within,
                                           match->shard ? match->shard : run->part + 1,
                                           match->shard ? match->n_shards : run->n_parts);
  if (!err)
    err = run_engine(run, fault);
  kith_match_slice_free(run->slice);
  return err;
}

/* A fault's text, where the cause is in what the engine called. */
static enum kith_err explain_failure(const struct run *run, enum kith_err err,
                                     struct kith_fault *fault)
{
  const struct kith_match *match = run->match;
  if (err == KITH_ERR_CANCELLED && run->journal)
    return kith_fail(fault, err,
                     "stopped; %s has what is done: the same command goes on from there",
                     match->journal);
  if (fault->err)
    return err;
  if (err == KITH_ERR_LIMIT)
    return kith_fail(fault, err,
                     "more than %zu pairs reach the threshold: raise it, or --max-pairs%s",
                     match->pairs.max, match->memory_bytes ? ", or --memory" : "");
  return kith_fail(fault, err, "matching: %s", kith_err_name(err));
}

static enum kith_err run_parts(struct run *run, struct kith_fault *fault)
{
  const struct kith_match *match = run->match;
  enum kith_err err = find_parts(run, fault);
  kith_cli_progress_start(&run->progress, "match", "pairs", match->quiet);
  for (run->part = 0; run->part < run->n_parts && !err; run->part++)
    err = run_part(run, fault);
  kith_cli_progress_finish(&run->progress);
  return err ? explain_failure(run, err, fault) : KITH_OK;
}

/* ---- the whole */

static enum kith_err set_options(struct run *run, struct kith_fault *fault)
{
  struct kith_match *match = run->match;
  struct kith_engine_options *options = &run->options;
  kith_engine_options_init(options);
  options->similarity = match->terms.similarity;
  options->bound = match->terms.threshold;
  options->n_threads = (unsigned)match->n_threads;
  options->kernel = match->kernel;
  options->explain = match->explain ? explain : NULL;
  options->explain_context = run;
  options->progress = show_progress;
  options->progress_context = run;
  options->cancel = kith_cli_cancel_on_signal();
  match->pairs.max = match->pairs_max;
  /* The array grows by half, and is there twice while it does. */
  const size_t fit = match->memory_bytes / PAIRS_SHARE * 2 / 5 / sizeof(struct kith_match_pair);
  if (match->memory_bytes && fit < match->pairs.max)
    match->pairs.max = fit;
  if (!match->method)
    return KITH_OK;
  enum kith_err err = kith_engine_method_parse(&options->method, match->method, fault);
  return err ? kith_fail_at(fault, err, "--method") : KITH_OK;
}

static enum kith_err open_journal(struct run *run, struct kith_fault *fault)
{
  const struct kith_match *match = run->match;
  const struct kith_match_journal_identity identity = {
      .run = match->run,
      .shard = match->shard ? match->shard : 1,
      .n_shards = match->shard ? match->n_shards : 1,
  };
  if (!match->journal)
    return KITH_OK;
  if (match->key && kith_jobkey_for(&run->journal_key, match->key, "kith match journal v1"))
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for a key");
  return kith_match_journal_open(&run->journal, match->journal, &identity, run->journal_key, fault);
}

static enum kith_err write_csv(const struct kith_match *match, struct kith_fault *fault)
{
  struct kith_file_out *file = NULL;
  FILE *stream = stdout;
  enum kith_err err = match->out ? kith_file_out_new(&file, match->out, 0644, fault) : KITH_OK;
  if (err)
    return err;
  if (file)
    stream = kith_file_out_stream(file);
  kith_match_print_header(stream);
  for (size_t i = 0; i < match->pairs.n; i++)
    kith_match_print_pair(stream, match->names, &match->pairs.items[i]);
  if (file)
    err = kith_file_out_commit(file, fault);
  else if (fflush(stream) != 0 || ferror(stream))
    err = kith_fail(fault, KITH_ERR_IO, "standard output can't be written");
  kith_file_out_free(file);
  return err;
}

static enum kith_err write_result(const struct kith_match *match, struct kith_fault *fault)
{
  const struct kith_match_shard shard = {.index = match->shard,
                                         .count = match->n_shards,
                                         .run = match->run,
                                         .terms = match->terms,
                                         .names = match->names,
                                         .n_files = match->n_files};
  if (!match->shard)
    return write_csv(match, fault);
  return kith_match_shard_write(match->out, &shard, &match->pairs, match->key, fault);
}

enum kith_err kith_match_run(struct kith_match *match, struct kith_fault *fault)
{
  struct run run = {.match = match, .slice = KITH_NEW(struct kith_match_slice)};
  enum kith_err err = run.slice ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "no memory");
  if (!err)
    err = set_options(&run, fault);
  if (!err)
    err = open_journal(&run, fault);
  if (!err)
    err = run_parts(&run, fault);
  if (!err) {
    kith_match_pairs_sort(&match->pairs);
    err = write_result(match, fault);
  }
  if (!err && run.journal)
    err = kith_match_journal_destroy(run.journal, fault);
  kith_match_journal_free(run.journal);
  kith_secret_free(run.journal_key);
  kith_free(run.slice);
  return err;
}
