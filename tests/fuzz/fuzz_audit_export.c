/* An exported audit log: it verifies, or it is said where it breaks. */
#include <stdlib.h>
#include <string.h>

#include "proto/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_audit_report report;
  struct kith_audit_entry entry;
  struct kith_fault fault = {0};
  bool locked;
  enum kith_err err;

  require(kith_crypto_init(&locked) == KITH_OK);
  err = kith_audit_export_check(&report, data, size, NULL, &fault);
  require(err == KITH_OK || ((err == KITH_ERR_NO || err == KITH_ERR_DATA) && fault.text[0]));
  require(err != KITH_OK || (report.broken_at == 0 && report.n_entries <= size / 4 &&
                             report.last_time >= report.first_time && report.member[0]));
  /* The same bytes as one entry. */
  if (kith_audit_entry_read(&entry, data, size) == KITH_OK)
    require(entry.seq >= 1 && entry.n_values <= KITH_AUDIT_VALUES_MAX &&
            strlen(kith_audit_event_name(entry.event)) > 0);
  return 0;
}
