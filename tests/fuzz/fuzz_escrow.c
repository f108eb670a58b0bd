/* Share files: what is read keeps within its limits, and nobody who is no holder opens one. */
#include <stdlib.h>
#include <string.h>

#include "crypto/escrow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct kith_identity *stranger;
  static const char *const name = "share";
  struct kith_identity *found = NULL;
  uint8_t file[1][KITH_SHARE_BYTES];
  struct kith_escrow escrow;
  bool locked;
  enum kith_err err;

  require(kith_crypto_init(&locked) == KITH_OK);
  require(stranger || kith_identity_new(&stranger) == KITH_OK);
  err = kith_escrow_parse(&escrow, data, size, NULL);
  require(err == KITH_OK || err == KITH_ERR_DATA || err == KITH_ERR_NO);
  if (err != KITH_OK)
    return 0;
  require(size == KITH_SHARE_BYTES && escrow.threshold >= 1 && escrow.threshold <= escrow.n &&
          escrow.n <= KITH_SHARES_MAX && escrow.number >= 1 && escrow.number <= escrow.n);
  memcpy(file[0], data, size);
  require(kith_escrow_recover(&found, file, &name, 1, stranger, NULL) != KITH_OK);
  return 0;
}
