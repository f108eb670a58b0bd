/* The reader of statements: what it takes, written again by its writer, has the same core. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "proto/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *core_of(const void *bytes, size_t len, size_t *core_len)
{
  struct kith_statement_parts parts;

  if (kith_statement_split(&parts, bytes, len) != KITH_OK)
    abort();
  *core_len = parts.core_len;
  return parts.core;
}

/* Taken apart and put together it is the same: a statement has one encoding. */
static void parts_are_kept(const uint8_t *data, size_t size)
{
  struct kith_statement_parts parts;
  struct kith_buf again = {0};

  if (kith_statement_split(&parts, data, size) != KITH_OK ||
      kith_statement_join(&again, &parts) != KITH_OK || again.len != size ||
      memcmp(again.bytes, data, size) != 0)
    abort();
  kith_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct kith_identity *identity;
  struct kith_statement statement;
  struct kith_buf again = {0};
  const uint8_t *core;
  const uint8_t *core_again;
  size_t len;
  size_t len_again;
  bool locked;

  if (!identity &&
      (kith_crypto_init(&locked) != KITH_OK || kith_identity_new(&identity) != KITH_OK))
    abort();
  if (kith_statement_read(&statement, data, size) != KITH_OK)
    return 0;
  parts_are_kept(data, size);
  /* Nobody has signed with this key. */
  if (kith_statement_verify(data, size, identity->public_keys.sign) != KITH_ERR_NO ||
      kith_statement_write(&again, &statement, identity) != KITH_OK)
    abort();
  core = core_of(data, size, &len);
  core_again = core_of(again.bytes, again.len, &len_again);
  if (len != len_again || memcmp(core, core_again, len) != 0 ||
      kith_statement_verify(again.bytes, again.len, identity->public_keys.sign) != KITH_OK)
    abort();
  kith_buf_free(&again);
  kith_statement_free(&statement);
  return 0;
}
