/* Letters of each kind: what is read keeps within its limits, and its core is written to the bytes
 * that were signed. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_letter *letter = KITH_NEW(struct kith_letter);
  struct kith_reader reader;
  struct kith_buf core = {0};
  bool locked;

  require(kith_crypto_init(&locked) == KITH_OK && letter);
  for (unsigned kind = 1; kind < KITH_LETTER_KINDS; kind++) {
    enum kith_err err = kith_letter_read(letter, (enum kith_letter_kind)kind, data, size);
    const uint8_t *bytes;
    size_t len = 0;

    require(err == KITH_OK || err == KITH_ERR_DATA);
    if (err != KITH_OK)
      continue;
    kith_buf_clear(&core);
    kith_letter_core_write(&core, letter);
    require(kith_buf_err(&core) == KITH_OK);
    require(kith_reader_init(&reader, data, size) == KITH_OK);
    kith_read_array(&reader, 3);
    bytes = kith_read_bin(&reader, &len, 1, KITH_LETTER_BYTES_MAX);
    require(len == core.len && memcmp(bytes, core.bytes, len) == 0);
    if (kind == KITH_LETTER_REQUEST)
      require(letter->body.request.n_fields >= 1 &&
              letter->body.request.n_fields <= KITH_FIELDS_MAX &&
              letter->body.request.proof.path.n <= KITH_MERKLE_PATH_MAX);
  }
  kith_buf_free(&core);
  kith_free(letter);
  return 0;
}
