/* Of `kith match` only: the journal's file as a list of records, each whole and in its place, that
 * grows at its end. The layout is in match_journal.h. */
#ifndef KITH_CLI_MATCH_MATCH_RECORDS_H
#define KITH_CLI_MATCH_MATCH_RECORDS_H

#include <stdint.h>

#include "base/err.h"
#include "cli/match/match_journal.h"

enum { KITH_MATCH_JOURNAL_HEADER_BYTES = 64 };

enum kith_match_record {
  KITH_MATCH_RECORD_PART = 1,
  KITH_MATCH_RECORD_UNITS = 2,
  KITH_MATCH_RECORD_DONE = 3
};

/* Life: kith_match_records_open, append and cut, kith_match_records_close. */
struct kith_match_records {
  int fd;                        /* locked; -1: none */
  uint64_t offset;               /* of the next record */
  uint64_t number;               /* of the next record */
  const char *path;              /* borrowed */
  const struct kith_secret *key; /* borrowed; NULL: not sealed */
  uint8_t header[KITH_MATCH_JOURNAL_HEADER_BYTES];
  uint8_t *bytes; /* owned: a record */
};

/* Takes a record that is whole. KITH_ERR_DATA: it and what follows is cut off. */
typedef enum kith_err kith_match_record_reader(void *context, uint32_t type, const uint8_t *bytes,
                                               size_t len, uint64_t offset);

KITH_MUST_USE enum kith_err
kith_match_records_open(struct kith_match_records *out, const char *path,
                        const struct kith_match_journal_identity *identity,
                        const struct kith_secret *key, kith_match_record_reader *reader,
                        void *context, uint64_t *torn_bytes, struct kith_fault *fault);
void kith_match_records_close(struct kith_match_records *records);

/* Writes and syncs. */
KITH_MUST_USE enum kith_err kith_match_records_append(struct kith_match_records *records,
                                                      enum kith_match_record type,
                                                      const void *bytes, size_t len,
                                                      struct kith_fault *fault);
/* Cuts the file back to the record of that offset and number. */
KITH_MUST_USE enum kith_err kith_match_records_cut(struct kith_match_records *records,
                                                   uint64_t offset, uint64_t number,
                                                   struct kith_fault *fault);

#endif
