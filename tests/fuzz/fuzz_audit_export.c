/* An exported audit log: it verifies, or it is said where it breaks. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proto/audit_more.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

/* What follows the log: what can be read is written as it was. */
static enum kith_err see(void *context, const void *bytes, size_t len)
{
  struct kith_audit_thing thing;
  struct kith_buf again;
  enum kith_err err = kith_audit_thing_read(&thing, bytes, len);

  (void)context;
  if (err != KITH_OK)
    return err;
  kith_buf_init(&again, 0);
  require(kith_audit_thing_write(&again, &thing) == KITH_OK);
  require(again.len == len && memcmp(again.bytes, bytes, len) == 0);
  kith_buf_free(&again);
  kith_signed_free(&thing.charter);
  return KITH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const struct kith_audit_evidence evidence = {.more = see};
  struct kith_audit_report report;
  struct kith_audit_entry entry;
  struct kith_fault fault = {0};
  bool locked;
  enum kith_err err;

  require(kith_crypto_init(&locked) == KITH_OK);
  err = kith_audit_export_check(&report, data, size, &evidence, &fault);
  require(err == KITH_OK || ((err == KITH_ERR_NO || err == KITH_ERR_DATA) && fault.text[0]));
  require(err != KITH_OK || (report.broken_at == 0 && report.n_entries <= size / 4 &&
                             report.last_time >= report.first_time && report.member[0]));
  /* The same bytes as one entry. */
  if (kith_audit_entry_read(&entry, data, size) == KITH_OK)
    require(entry.seq >= 1 && entry.n_values <= KITH_AUDIT_VALUES_MAX &&
            strlen(kith_audit_event_name(entry.event)) > 0);
  return 0;
}
