/* An agency's list of people who objected to the linkage: ids, as the source has them.
 *
 * A CSV file, plain or gzipped, with a column `id`; others are ignored, and an id may stand there
 * twice. Ids are compared byte for byte. A list that is missing, unreadable or malformed is an
 * error, never an empty list: who asks for one must not encode without it. A list of a header alone
 * is in order.
 *
 * Life: kith_objections_load, kith_objections_hit by one thread, kith_objections_free. Memory:
 * about 28 bytes an id beside its own bytes; 100,000 ids need 4 MB. */
#ifndef KITH_DAEMON_PIPELINE_OBJECTIONS_H
#define KITH_DAEMON_PIPELINE_OBJECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { KITH_OBJECTIONS_MAX = 10000000 };

struct kith_objections;

/* KITH_ERR_NO_INPUT, KITH_ERR_DATA, KITH_ERR_LIMIT, KITH_ERR_IO, with *fault naming file, row and
 * what to do; no id is in it. */
KITH_MUST_USE enum kith_err kith_objections_load(struct kith_objections **out, const char *path,
                                                 struct kith_fault *fault);
void kith_objections_free(struct kith_objections *list); /* takes NULL; wipes the ids */

/* Whether the id is on the list; the list remembers which of its ids were asked for. */
bool kith_objections_hit(struct kith_objections *list, const char *id);

size_t kith_objections_n(const struct kith_objections *list); /* different ids */
const char *kith_objections_id(const struct kith_objections *list, size_t number);
/* Those of them that nobody has asked for: not in the source, if all of it was read. */
size_t kith_objections_missed(const struct kith_objections *list);

#endif
