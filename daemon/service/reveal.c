#include "daemon/service/reveal.h"

#ifdef KITH_TESTING

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

static enum kith_err write_rows(struct kith_agency *agency, const struct kith_agency_round *round,
                                uint32_t n_batches, FILE *stream)
{
  enum kith_err err = KITH_OK;

  for (uint32_t i = 0; err == KITH_OK && i < n_batches; i++) {
    KITH_AUTO_FREE uint8_t *rows = NULL;
    size_t len = 0;

    err = kith_outbox_batch(agency, round, i, &rows, &len);
    if (err == KITH_OK && fwrite(rows, 1, len, stream) != len)
      err = KITH_ERR_IO;
  }
  return err;
}

enum kith_err kith_agency_reveal(struct kith_agency *agency, const struct kith_agency_round *round,
                                 uint32_t n_batches)
{
  const char *dir = getenv("KITH_TEST_REVEAL");
  char id[2 * KITH_ROUND_ID_BYTES + 1];
  char name[KITH_MEMBER_ID_BYTES + sizeof id + 8];
  KITH_AUTO_FREE char *path = NULL;
  struct kith_file_out *file = NULL;
  enum kith_err err;

  if (!dir)
    return KITH_OK;
  kith_hex_encode(id, round->node->id, KITH_ROUND_ID_BYTES);
  (void)snprintf(name, sizeof name, "%s.%s.rows", agency->node->id, id);
  path = kith_path_join(dir, name);
  if (!path)
    return KITH_ERR_MEMORY;
  err = kith_file_out_new(&file, path, 0600, NULL);
  if (err == KITH_OK)
    err = write_rows(agency, round, n_batches, kith_file_out_stream(file));
  if (err == KITH_OK)
    err = kith_file_out_commit(file, NULL);
  kith_file_out_free(file);
  return err;
}

#else

/* ISO C forbids an empty translation unit. */
typedef int kith_reveal_unused;

#endif
