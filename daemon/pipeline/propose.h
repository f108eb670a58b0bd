/* A proposal for the layout of a table that nobody has described: which column is which standard
 * field, in which format, how sure that is, and why. docs/standardisation.md has the method and how
 * often it is right.
 *
 * The evidence is the name of a column and its values in a sample of the rows; from each it is
 * reckoned how likely the column is each field. Nothing of a value is kept but counts and hashes,
 * so that nothing else can come out. A header that may itself be a person's row is not shown.
 *
 * Life: kith_proposer_new, kith_proposer_add for the rows from the first, kith_proposer_finish,
 * kith_proposer_free. Memory: some 35 KB a column, whatever the number of rows; columns beyond
 * KITH_PROPOSE_COLUMNS_MAX are ignored. No state beside it, no clock. */
#ifndef KITH_DAEMON_PIPELINE_PROPOSE_H
#define KITH_DAEMON_PIPELINE_PROPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "daemon/pipeline/profile.h"
#include "daemon/pipeline/table.h"

enum {
  KITH_PROPOSE_COLUMNS_MAX = 256,
  KITH_PROPOSE_ROWS_MAX = 100000, /* no row beyond it is looked at: a reader may stop there */
  KITH_PROPOSE_REASON_BYTES = 224,
  KITH_PROPOSE_NOTES_MAX = 16
};

/* In words, since how often each is right is known (docs/standardisation.md). */
enum kith_sure { KITH_UNSURE, KITH_LIKELY, KITH_SURE };
const char *kith_sure_name(enum kith_sure sure); /* "unsure", "likely", "sure"; static */

struct kith_proposal_column {
  const char *name; /* of the header, borrowed; NULL where it can't be shown */
  const char *key;  /* of a profile: "surname", "full_name", ...; NULL: it is not used */
  bool is_id;       /* it names the rows: alone (key is "id") or beside its field */
  unsigned part;    /* 1 ..: of columns that are joined, the place; 0: it stands alone */
  enum kith_sure sure;
  double score; /* in [0, 1]; sure is made of it */
  char reason[KITH_PROPOSE_REASON_BYTES];
};

struct kith_proposal {
  uint64_t rows;   /* seen */
  uint64_t sample; /* looked at */
  uint64_t ragged; /* seen, with another number of cells than the header */
  /* The first row may be a person instead of names: no name is shown, and the profile names columns
   * by their place and says that there is no header. */
  bool headerless;
  size_t n_columns;
  struct kith_proposal_column *columns;
  bool row_id;             /* no column names the rows: their numbers do */
  const char *name_format; /* as in [formats]; NULL: it does not matter */
  const char *address_format;
  const char *date_order;
  /* A built-in profile that reads the table as proposed; NULL: none. */
  const char *builtin;
  unsigned n_missing; /* keys without a column that a linkage could use */
  const char *missing[KITH_FIELD_COUNT];
  unsigned n_notes; /* what can't be told, in sentences */
  char notes[KITH_PROPOSE_NOTES_MAX][KITH_PROPOSE_REASON_BYTES];
};

struct kith_proposer;

/* The header is borrowed until the proposer is freed. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_proposer_new(struct kith_proposer **out, const char *const *header,
                                              size_t n_columns);
void kith_proposer_add(struct kith_proposer *proposer, const struct kith_table_row *row);
/* The proposal is the proposer's. No profile plays a part in it; those that come with kith are held
 * against it when it is made. */
KITH_MUST_USE enum kith_err kith_proposer_finish(const struct kith_proposal **out,
                                                 struct kith_proposer *proposer);
void kith_proposer_free(struct kith_proposer *proposer); /* takes NULL */

/* The proposal as the text of a profile, with comments that say how sure each line is. `about` is a
 * line for people. */
KITH_MUST_USE enum kith_err
kith_proposal_write(struct kith_buf *out, const struct kith_proposal *proposal, const char *about);
/* A column for people, without control characters: "NAME" with its quotes, or column 3. */
enum { KITH_COLUMN_CALLED_BYTES = 72 };
void kith_proposal_called(char out[KITH_COLUMN_CALLED_BYTES], const struct kith_proposal *proposal,
                          size_t column);

#endif
