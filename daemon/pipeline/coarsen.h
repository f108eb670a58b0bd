/* Of the pipeline only: makes rare patterns of missing fields common (patterns.h) in rows that come
 * block by block.
 *
 * Bits of several fields overlap in a filter, so a field can't be taken out of it. Some rows are
 * therefore kept field by field, encoded, until the end: of each pattern the first ones, fewer than
 * the minimum, and 4,096 more in all, however long the source is.
 *
 * Life: new, see for each block in the source's order, end once, free (wipes). */
#ifndef KITH_DAEMON_PIPELINE_COARSEN_H
#define KITH_DAEMON_PIPELINE_COARSEN_H

#include "daemon/pipeline/block.h"
#include "daemon/pipeline/patterns.h"

struct kith_coarsener;

KITH_MUST_USE enum kith_err kith_coarsener_new(struct kith_coarsener **out,
                                               const struct kith_policy *policy, size_t row_bytes);
void kith_coarsener_free(struct kith_coarsener *coarsener); /* takes NULL */

/* `encoder` is one that the calling thread may use now. */
KITH_MUST_USE enum kith_err kith_coarsener_see(struct kith_coarsener *coarsener,
                                               const struct kith_work_block *block,
                                               struct kith_row_encoder *encoder,
                                               const struct kith_work_terms *terms);
/* As kith_pipeline_coarsen. */
KITH_MUST_USE enum kith_err kith_coarsener_end(struct kith_coarsener *coarsener,
                                               void (*tell)(void *context,
                                                            const struct kith_coarser *row),
                                               void *context, struct kith_coarser_counts *out);

#endif
