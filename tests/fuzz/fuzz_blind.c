/* The reader of blind submissions, and the join of one with itself. What it takes must hold the
 * promises of docs/blind.md, 4. */
#include <stdlib.h>
#include <string.h>

#include "matcher/linkage/blind_join.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_blind_submission submission;
  struct kith_blind_pairs pairs = {0};
  struct kith_fault fault;
  uint8_t head[KITH_BLIND_HEADER_BYTES_MAX];
  const struct kith_blind_layout *layout = &submission.header.layout;
  size_t len;

  if (kith_blind_parse(&submission, data, size, "fuzz", &fault) != KITH_OK)
    return 0;
  len = kith_blind_header_put(head, &submission.header);
  require(memcmp(head, data, len) == 0);
  require(len + submission.n_rows * layout->row_bytes == size);
  require(submission.n_rows == kith_blind_rows(layout, submission.header.n_records));
  for (uint64_t i = 1; i < submission.n_rows; i++)
    require(memcmp(submission.rows + (i - 1) * layout->row_bytes,
                   submission.rows + i * layout->row_bytes, KITH_BLIND_TOKEN_BYTES) < 0);
  if (kith_blind_join(&pairs, &submission, &submission, "a", "b", &fault) == KITH_OK)
    require(pairs.n <= submission.n_rows);
  kith_blind_pairs_free(&pairs);
  return 0;
}
