/* Made-up rows that show what the standardiser does, for the fingerprint. Nobody in them is real.
 */
#ifndef KITH_DAEMON_PIPELINE_CORPUS_H
#define KITH_DAEMON_PIPELINE_CORPUS_H

#include <stddef.h>

#include "daemon/pipeline/record.h"

struct kith_corpus_row {
  const char *fields[KITH_FIELD_COUNT]; /* NULL: missing */
};
extern const struct kith_corpus_row kith_corpus[];
extern const size_t kith_corpus_n;

#endif
