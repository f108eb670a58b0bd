/* Profiles: how an agency's export is laid out, and how its columns become the standard fields.
 *
 * A profile is a small text (kith-profile(5)): under [columns] each standard field with the
 * column or columns of the export that have it, under [formats] how a column that holds several
 * things is taken apart. Those of the usual partners are built in (profiles.c); others are files.
 *
 * Life: kith_profile_load, then for each table kith_layout_new over its header, kith_layout_apply
 * to each row, kith_layout_free; kith_profile_free. Column names are told apart without regard to
 * case, and blanks, underscores and hyphens are alike; "#3" is the third column. Faults name the
 * profile, the section and the key, or the column that a table lacks; never a table's own column,
 * since a table without a header has a person there. */
#ifndef KITH_DAEMON_PIPELINE_PROFILE_H
#define KITH_DAEMON_PIPELINE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "daemon/pipeline/record.h"
#include "daemon/pipeline/standardise.h"

struct kith_profile;

/* `name`: of a built-in profile, or a path (with a '/' or a '.'). KITH_ERR_NO_INPUT: neither;
 * KITH_ERR_CONFIG: not a profile. */
KITH_MUST_USE enum kith_err kith_profile_load(struct kith_profile **out, const char *name,
                                              struct kith_fault *fault);
/* The text of a profile; `name` stands for it in faults. */
KITH_MUST_USE enum kith_err kith_profile_parse(struct kith_profile **out, const char *text,
                                               const char *name, struct kith_fault *fault);
void kith_profile_free(struct kith_profile *profile); /* takes NULL */

const char *kith_profile_name(const struct kith_profile *profile);
const char *kith_profile_about(const struct kith_profile *profile);
enum kith_date_order kith_profile_date_order(const struct kith_profile *profile);
/* The table's first row is a row and no names of columns. */
bool kith_profile_headerless(const struct kith_profile *profile);

/* The i-th built-in profile: static; NULL name after the last. */
struct kith_profile_text {
  const char *name;
  const char *text;
};
struct kith_profile_text kith_profile_builtin(size_t i);

/* Whether two names are of one column: without regard to case; runs of blanks, '_' and '-' are one
 * blank, and none at the ends. NULL is no name. */
bool kith_profile_same_column(const char *a, const char *b);

/* ---- a profile over the columns of one table */

struct kith_layout;

/* KITH_ERR_DATA: a column that the profile needs is not there, or twice. The profile is borrowed.
 */
KITH_MUST_USE enum kith_err kith_layout_new(struct kith_layout **out,
                                            const struct kith_profile *profile,
                                            const char *const *header, size_t n_columns,
                                            const char *table, struct kith_fault *fault);
void kith_layout_free(struct kith_layout *layout); /* takes NULL */

/* The row's id and fields, from n_columns cells; NULL: the table has no such column. They point
 * into the cells or the layout, and are good until the next call. */
const char *kith_layout_apply(struct kith_layout *layout, const char *const *cells,
                              const char *fields[KITH_FIELD_COUNT]);

/* The row's second date of birth; NULL: the table has no such column. */
const char *kith_layout_other_birth(struct kith_layout *layout, const char *const *cells);

bool kith_layout_has(const struct kith_layout *layout, enum kith_field field);
size_t kith_layout_id_column(const struct kith_layout *layout); /* the first, 0-based */
/* Rows are named by their number, which whoever reads them knows: kith_layout_apply gives "". */
bool kith_layout_id_is_row(const struct kith_layout *layout);
/* Whether the profile makes the id or a standard field of the column, 0-based. */
bool kith_layout_uses(const struct kith_layout *layout, size_t column);
/* Columns that the profile does not use. */
size_t kith_layout_ignored(const struct kith_layout *layout);

#endif
