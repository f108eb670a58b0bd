/* Of the standardiser only: the readers of each kind of field. */
#ifndef KITH_DAEMON_PIPELINE_PARTS_H
#define KITH_DAEMON_PIPELINE_PARTS_H

#include "daemon/pipeline/fold.h"
#include "daemon/pipeline/standardise.h"
#include "daemon/pipeline/words.h"

/* Adds a value unless it is there, is empty, or there is no room. A long one is cut. */
void kith_values_add(struct kith_values *values, const char *text, size_t len);

/* Folded text without blanks and punctuation at its ends, inner blanks single; 0 if nothing is
 * left. In place. */
size_t kith_text_trim(char *text);

/* A name as folded and trimmed text. Parts in brackets and after "aka" go to `also` (or, where it
 * is NULL, to out); a comma's right side goes to `right` if that is given. */
enum kith_outcome kith_read_name(struct kith_values *out, struct kith_values *also,
                                 struct kith_values *right, const char *text, bool is_surname);
/* Folded and trimmed text each. */
enum kith_outcome kith_read_date(struct kith_date *out, const char *text);
enum kith_outcome kith_read_sex(struct kith_values *out, const char *text);
enum kith_outcome kith_read_postcode(struct kith_values *out, const char *text);
enum kith_outcome kith_read_address(struct kith_values *out, const char *text);

#endif
