/* A journal's records: each chunk of the input (a byte for the type, one for the length) is written
 * as a record that is whole, so that what is read first is sound and its content is not. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/match/match_journal.h"
#include "cli/match/match_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { UNITS_MAX = 4096 };

static enum kith_err ignore(void *context, uint32_t type, const uint8_t *bytes, size_t len,
                            uint64_t offset)
{
  (void)context, (void)type, (void)bytes, (void)len, (void)offset;
  return KITH_OK;
}

static struct kith_match_pair map(void *context, const struct kith_pair *pair)
{
  (void)context, (void)pair;
  return (struct kith_match_pair){0};
}

static void write_records(const char *path, const struct kith_match_journal_identity *identity,
                          const uint8_t *data, size_t len)
{
  struct kith_match_records records;
  uint64_t torn;
  enum kith_err err =
      kith_match_records_open(&records, path, identity, NULL, ignore, NULL, &torn, NULL);
  for (size_t at = 0; at + 2 <= len && !err;) {
    const enum kith_match_record type = (enum kith_match_record)(data[at] % 5);
    size_t n = data[at + 1];
    at += 2;
    n = n < len - at ? n : len - at;
    err = kith_match_records_append(&records, type, data + at, n, NULL);
    at += n;
  }
  kith_match_records_close(&records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
  static bool finished[UNITS_MAX];
  const struct kith_match_journal_identity identity = {.shard = 1, .n_shards = 1};
  char path[] = "/tmp/kith-fuzz-journal-XXXXXX";
  struct kith_match_journal *journal = NULL;
  struct kith_match_pairs pairs = {0};
  struct kith_engine_journal engine;
  bool done = false;
  int fd = mkstemp(path);
  if (fd < 0)
    abort();
  close(fd);
  write_records(path, &identity, data, len);
  if (kith_match_journal_open(&journal, path, &identity, NULL, NULL) != KITH_OK)
    abort(); /* whatever its records say, it is a journal of this run */
  for (uint32_t part = 0; part < 2; part++) {
    memset(finished, 0, sizeof finished);
    if (kith_match_journal_part(journal, part, 2, &pairs, map, NULL, &engine, &done) || done)
      continue;
    if (engine.open(engine.context, 0, 4, 100, finished) == KITH_OK &&
        engine.done(engine.context, 1, 50) == KITH_OK)
      (void)!kith_match_journal_flush(journal, true);
    for (size_t u = 4; u < UNITS_MAX; u++)
      if (finished[u])
        abort();
  }
  kith_match_pairs_free(&pairs);
  kith_match_journal_free(journal);
  unlink(path);
  return 0;
}
