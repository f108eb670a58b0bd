/* The proposer: its rows, whether there is a header, and the order of what is done. */
#include "daemon/pipeline/propose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/propose_parts.h"

enum { ROWS_WHOLE = 1000 }; /* of these each is looked at, of the next ones every second, ... */

const char *kith_sure_name(enum kith_sure sure)
{
  static const char *const names[] = {"unsure", "likely", "sure"};
  return names[sure];
}

void kith_proposal_note(struct kith_proposal *proposal, const char *format, ...)
{
  va_list arguments;

  if (proposal->n_notes == KITH_PROPOSE_NOTES_MAX)
    return;
  va_start(arguments, format);
  (void)vsnprintf(proposal->notes[proposal->n_notes++], KITH_PROPOSE_REASON_BYTES, format,
                  arguments);
  va_end(arguments);
}

void kith_proposal_called(char out[KITH_COLUMN_CALLED_BYTES], const struct kith_proposal *proposal,
                          size_t column)
{
  const char *name = proposal->columns[column].name;
  size_t len = 1;

  if (!name || name[0] == '\0') {
    (void)snprintf(out, KITH_COLUMN_CALLED_BYTES, "column %zu", column + 1);
    return;
  }
  out[0] = '"';
  while (*name != '\0') {
    size_t step = 1;

    while (((unsigned char)name[step] & 0xc0) == 0x80)
      step++;
    if (len + step + 2 > KITH_COLUMN_CALLED_BYTES)
      break;
    for (size_t i = 0; i < step; i++)
      out[len++] = (unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
    name += step;
  }
  out[len++] = '"';
  out[len] = '\0';
}

/* ---- rows */

enum kith_err kith_proposer_new(struct kith_proposer **out, const char *const *header,
                                size_t n_columns)
{
  struct kith_proposer *proposer = KITH_NEW(struct kith_proposer);
  size_t n = n_columns < KITH_PROPOSE_COLUMNS_MAX ? n_columns : KITH_PROPOSE_COLUMNS_MAX;

  if (!proposer)
    return KITH_ERR_MEMORY;
  proposer->header = header;
  proposer->n_columns = n_columns;
  proposer->n_looked = n;
  proposer->looks = KITH_NEW_ARRAY(struct kith_look, n);
  proposer->hints = KITH_NEW_ARRAY(struct kith_hint, n);
  proposer->chances = kith_calloc(n, sizeof *proposer->chances);
  proposer->roles = KITH_NEW_ARRAY(enum kith_role, n);
  proposer->proposal.columns = KITH_NEW_ARRAY(struct kith_proposal_column, n_columns);
  if (!proposer->looks || !proposer->hints || !proposer->chances || !proposer->roles ||
      !proposer->proposal.columns) {
    kith_proposer_free(proposer);
    return KITH_ERR_MEMORY;
  }
  proposer->proposal.n_columns = n_columns;
  *out = proposer;
  return KITH_OK;
}

void kith_proposer_free(struct kith_proposer *proposer)
{
  if (!proposer)
    return;
  kith_free(proposer->looks);
  kith_free(proposer->hints);
  kith_free(proposer->chances);
  kith_free(proposer->roles);
  kith_free(proposer->proposal.columns);
  kith_free(proposer);
}

static bool is_sampled(uint64_t row)
{
  uint64_t step = 1;

  while (row > ROWS_WHOLE * step)
    step *= 2;
  return row % step == 0;
}

void kith_proposer_add(struct kith_proposer *proposer, const struct kith_table_row *row)
{
  struct kith_proposal *proposal = &proposer->proposal;

  if (proposal->rows == KITH_PROPOSE_ROWS_MAX)
    return;
  proposal->rows++;
  proposal->ragged += row->problem == KITH_CSV_RAGGED;
  if (row->problem != KITH_CSV_FINE || row->n_cells != proposer->n_columns ||
      !is_sampled(proposal->rows))
    return;
  proposal->sample++;
  for (size_t i = 0; i < proposer->n_looked; i++)
    kith_look_add(&proposer->looks[i], row->cells[i]);
}

/* ---- the header */

static bool same_kind(const struct kith_look *look, const char *name, const enum kith_kind *telling,
                      size_t n)
{
  const uint64_t kinds = kith_look_kinds(name);

  for (size_t i = 0; i < n; i++)
    if ((kinds >> telling[i] & 1) && kith_look_share(look, telling[i]) > 0.5)
      return true;
  return false;
}

/* +1: it names a column; -1: it is a value of it; 0: that can't be told. */
static int header_sign(const char *name, const struct kith_hint *hint, struct kith_look *look)
{
  static const enum kith_kind never[] = {KITH_KIND_DATE,      KITH_KIND_POSTCODE, KITH_KIND_NHS,
                                         KITH_KIND_UPN,       KITH_KIND_PNC,      KITH_KIND_NUMBER,
                                         KITH_KIND_COMMA_NAME};
  static const enum kith_kind seldom[] = {KITH_KIND_NUMBERED, KITH_KIND_CODE};
  const double numbers =
      kith_look_share(look, KITH_KIND_DATE) + kith_look_share(look, KITH_KIND_CODE);

  if (name[strspn(name, " ")] == '\0')
    return 0;
  if (same_kind(look, name, never, KITH_COUNT_OF(never)))
    return -1;
  /* "Address line 1" is a name; "12 High Street" has a word of one. */
  if (hint->strength > 0.75)
    return 1;
  if (kith_look_has(look, name) ||
      (!hint->generic && same_kind(look, name, seldom, KITH_COUNT_OF(seldom))))
    return -1;
  return hint->generic || hint->others || hint->strength > 0 ||
         (numbers > 0.8 && strcspn(name, "0123456789") == strlen(name));
}

static void header_judge(struct kith_proposer *proposer)
{
  unsigned names = 0;
  unsigned values = 0;

  for (size_t i = 0; i < proposer->n_looked; i++) {
    int sign;

    proposer->hints[i] = kith_hint_of(proposer->header[i]);
    sign = header_sign(proposer->header[i], &proposer->hints[i], &proposer->looks[i]);
    names += sign > 0;
    values += sign < 0;
  }
  proposer->proposal.headerless = names == 0 || (values > 0 && values * 2 >= names);
  for (size_t i = 0; i < proposer->n_columns; i++)
    proposer->proposal.columns[i].name = proposer->proposal.headerless ? NULL : proposer->header[i];
  if (!proposer->proposal.headerless)
    return;
  for (size_t i = 0; i < proposer->n_looked; i++) {
    proposer->hints[i] = (struct kith_hint){.role = KITH_ROLE_NONE, .generic = true};
    kith_look_add(&proposer->looks[i], proposer->header[i]);
  }
  proposer->proposal.rows++;
  proposer->proposal.sample++;
  kith_proposal_note(
      &proposer->proposal,
      "row 1 %s: it is read as a row, its cells are not shown, and columns are named "
      "by their place",
      values > 0 ? "looks like a person and not like the names of columns"
                 : "may be names of columns or a person, which can't be told");
}

size_t kith_proposer_column(const struct kith_proposer *proposer, enum kith_role role)
{
  for (size_t i = 0; i < proposer->n_looked; i++)
    if (proposer->roles[i] == role)
      return i;
  return SIZE_MAX;
}

enum kith_err kith_proposer_finish(const struct kith_proposal **out, struct kith_proposer *proposer)
{
  struct kith_proposal *proposal = &proposer->proposal;
  enum kith_err err;

  header_judge(proposer);
  for (size_t i = 0; i < proposer->n_looked; i++)
    kith_role_chances(proposer->chances[i], &proposer->hints[i], &proposer->looks[i]);
  kith_proposer_settle(proposer);
  kith_proposer_keys(proposer);
  if (proposal->ragged * 2 > proposal->rows)
    kith_proposal_note(proposal,
                       "most rows have another number of cells than row 1: is there a title "
                       "above the names of columns? Take it out");
  if (proposer->n_columns > proposer->n_looked)
    kith_proposal_note(proposal, "only the first %d columns were looked at",
                       KITH_PROPOSE_COLUMNS_MAX);
  err = kith_proposer_builtin(proposer);
  if (err == KITH_OK)
    *out = proposal;
  return err;
}
