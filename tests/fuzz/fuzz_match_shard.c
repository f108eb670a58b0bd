/* The merge of a shard that may be anything. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/match/match_shard.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
  char path[64];
  char *paths[] = {path};
  const struct kith_match_expected expected = {.within = false};
  uint64_t n_pairs;
  struct kith_fault fault = {0};
  int fd = fuzz_file_open(path, data, len);
  enum kith_err err = kith_match_merge("/dev/null", paths, 1, &expected, NULL, &n_pairs, &fault);
  if (err && fault.err != err)
    abort();
  close(fd);
  return 0;
}
