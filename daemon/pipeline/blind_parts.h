/* Of blind_*.c only: the parts of match keys, of a standardised record (docs/blind.md, 2). */
#ifndef KITH_DAEMON_PIPELINE_BLIND_PARTS_H
#define KITH_DAEMON_PIPELINE_BLIND_PARTS_H

#include "daemon/pipeline/record.h"
#include "proto/policy.h"

/* "" where the record lacks it. */
struct kith_blind_parts {
  char text[KITH_PART_COUNT][2 * KITH_VALUE_BYTES];
};
void kith_blind_parts_of(struct kith_blind_parts *out, const struct kith_record *record);

#endif
