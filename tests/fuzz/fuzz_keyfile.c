/* A key file: what it costs is bounded before it is paid, and what unwraps wraps again. */
#include <stdlib.h>
#include <string.h>

#include "crypto/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char words[] = "a passphrase";
  enum { MEMORY_KIB = 64, PASSES = 2 }; /* more would only be slow */
  struct kith_keyfile_cost cost;
  struct kith_identity *identity = NULL;
  struct kith_secret *passphrase;
  struct kith_fault fault = {0};
  enum kith_err err;
  bool locked;

  require(kith_crypto_init(&locked) == KITH_OK);
  err = kith_keyfile_parse(&cost, data, size, &fault);
  require(err == KITH_OK || (err == KITH_ERR_DATA && fault.text[0]));
  if (err != KITH_OK)
    return 0;
  require(size == KITH_KEYFILE_BYTES && cost.passes >= 1 &&
          cost.passes <= KITH_KEYFILE_PASSES_MAX && cost.memory_kib <= KITH_KEYFILE_MEMORY_KIB_MAX);
  if (cost.memory_kib > MEMORY_KIB || cost.passes > PASSES)
    return 0;
  require(kith_secret_copy(&passphrase, words, sizeof words - 1) == KITH_OK);
  err = kith_keyfile_unwrap(&identity, data, size, passphrase, &fault);
  require(err == KITH_OK || (err == KITH_ERR_DENIED && !identity));
  if (err == KITH_OK) {
    uint8_t bytes[KITH_KEYFILE_BYTES];
    require(kith_keyfile_wrap(bytes, identity, passphrase, cost) == KITH_OK);
    require(memcmp(bytes, data, 24) == 0);
  }
  kith_identity_free(identity);
  kith_secret_free(passphrase);
  return 0;
}
