/* A proposal as the text of a profile; and whether a profile that comes with kith reads the table
 * in the same way. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/profile_parts.h"
#include "daemon/pipeline/propose_parts.h"

enum { NAME_MAX_BYTES = 200 };

/* ---- columns */

/* Whether a profile can name the column as it is, and means this one alone. */
static bool can_be_named(const struct kith_proposal *proposal, size_t column)
{
  const char *name = proposal->columns[column].name;
  size_t len = name ? strlen(name) : 0;

  if (len == 0 || len > NAME_MAX_BYTES || name[0] == '#' || name[0] == ';' ||
      name[len - 1] == '?' || strpbrk(name, "|+;\"") || name[strspn(name, " _-")] == '\0')
    return false;
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
      return false;
  for (size_t i = 0; i < proposal->n_columns; i++)
    if (i != column && kith_profile_same_column(proposal->columns[i].name, name))
      return false;
  return true;
}

static void put_column(struct kith_buf *out, const struct kith_proposal *proposal, size_t column)
{
  if (can_be_named(proposal, column))
    kith_buf_append_string(out, proposal->columns[column].name);
  else
    kith_buf_printf(out, "#%zu", column + 1);
}

/* ---- the text */

static bool has_key(const struct kith_proposal_column *column, const char *key, unsigned part)
{
  return column->key && strcmp(column->key, key) == 0 && (column->part == part || part == 0);
}

static void put_reason(struct kith_buf *out, const struct kith_proposal_column *column)
{
  kith_buf_printf(out, "# %s: %s\n", kith_sure_name(column->sure), column->reason);
}

/* "key = a + b", after a comment for each column. */
static void put_key(struct kith_buf *out, const struct kith_proposal *proposal, const char *key)
{
  unsigned n = 0;

  for (size_t i = 0; i < proposal->n_columns; i++) {
    if (!has_key(&proposal->columns[i], key, 0))
      continue;
    put_reason(out, &proposal->columns[i]);
    n++;
  }
  if (n == 0)
    return;
  kith_buf_printf(out, "%s = ", key);
  for (unsigned part = n > 1; part <= n; part++) {
    for (size_t i = 0; i < proposal->n_columns; i++) {
      if (!has_key(&proposal->columns[i], key, part))
        continue;
      kith_buf_append_string(out, part > 1 ? " + " : "");
      put_column(out, proposal, i);
      if (part == 0)
        break;
    }
    if (n == 1)
      break;
  }
  kith_buf_append_string(out, "\n");
}

static void put_id(struct kith_buf *out, const struct kith_proposal *proposal)
{
  if (proposal->row_id)
    kith_buf_append_string(out, "# unsure: no column names the rows, so their numbers do\n"
                                "id = #row\n");
  for (size_t i = 0; i < proposal->n_columns; i++) {
    if (!proposal->columns[i].is_id)
      continue;
    put_reason(out, &proposal->columns[i]);
    kith_buf_append_string(out, "id = ");
    put_column(out, proposal, i);
    kith_buf_append_string(out, "\n");
  }
}

static void put_unused(struct kith_buf *out, const struct kith_proposal *proposal)
{
  bool any = false;

  for (size_t i = 0; i < proposal->n_columns; i++) {
    char called[KITH_COLUMN_CALLED_BYTES];

    if (proposal->columns[i].key)
      continue;
    kith_proposal_called(called, proposal, i);
    kith_buf_printf(out, "%s#   %s: %s\n", any ? "" : "# Not used:\n", called,
                    proposal->columns[i].reason);
    any = true;
  }
  for (unsigned i = 0; i < proposal->n_missing; i++)
    kith_buf_printf(out, "%s%s%s", i == 0 ? "# Not found: " : ", ", proposal->missing[i],
                    i + 1 == proposal->n_missing ? "\n" : "");
}

static void put_formats(struct kith_buf *out, const struct kith_proposal *proposal)
{
  const struct {
    const char *key;
    const char *value;
  } formats[] = {{"full_name", proposal->name_format},
                 {"address", proposal->address_format},
                 {"dates", proposal->date_order},
                 {"header", proposal->headerless ? "none" : NULL}};

  kith_buf_append_string(out, "[formats]\n");
  for (size_t i = 0; i < KITH_COUNT_OF(formats); i++)
    if (formats[i].value)
      kith_buf_printf(out, "%s = %s\n", formats[i].key, formats[i].value);
}

/* A line for people, on one line and not too long for one. */
static void put_about(struct kith_buf *out, const char *about)
{
  const char *end = about + strnlen(about, NAME_MAX_BYTES);

  kith_buf_append_string(out, "[profile]\nabout = ");
  for (; about < end; about++) {
    unsigned char c = (unsigned char)*about;
    char shown = c < 0x20 || c == ';' || c == 0x7f ? ' ' : *about;

    if (c < 0x80)
      kith_buf_append(out, &shown, 1);
  }
  kith_buf_append_string(out, "\n");
}

enum kith_err kith_proposal_write(struct kith_buf *out, const struct kith_proposal *proposal,
                                  const char *about)
{
  kith_buf_printf(out,
                  "# Proposed by kith from the names of the columns and %llu of the rows. It is a "
                  "guess:\n# look at each line, first at those that are not sure.\n",
                  (unsigned long long)proposal->sample);
  if (proposal->builtin)
    kith_buf_printf(out, "# The profile \"%s\", which comes with kith, reads them the same way.\n",
                    proposal->builtin);
  for (unsigned i = 0; i < proposal->n_notes; i++)
    kith_buf_printf(out, "# Mind: %s.\n", proposal->notes[i]);
  put_about(out, about);
  kith_buf_append_string(out, "[columns]\n");
  put_id(out, proposal);
  for (unsigned key = 0; key < KITH_KEY_COUNT; key++)
    if (key != KITH_KEY_ID)
      put_key(out, proposal, kith_profile_key_name(key));
  put_unused(out, proposal);
  put_formats(out, proposal);
  return kith_buf_err(out);
}

/* ---- profiles that come with kith */

static bool layouts_agree(const struct kith_layout *mine, const struct kith_layout *other,
                          unsigned key)
{
  unsigned n;
  unsigned n_other;
  const uint32_t *columns = kith_layout_columns(mine, key, &n);
  const uint32_t *others = kith_layout_columns(other, key, &n_other);

  return n == n_other && memcmp(columns, others, n * sizeof *columns) == 0;
}

static bool reads_the_same(const struct kith_layout *mine, const struct kith_layout *other,
                           const struct kith_proposal *proposal, const struct kith_profile *a,
                           const struct kith_profile *b)
{
  for (unsigned key = 0; key < KITH_KEY_COUNT; key++) {
    /* Where no given name has two words, both are the same. */
    if (key != KITH_KEY_GIVEN_NAMES && key != KITH_FIELD_GIVEN_NAME && key != KITH_FIELD_CRN &&
        !layouts_agree(mine, other, key))
      return false;
  }
  return kith_layout_has(mine, KITH_FIELD_GIVEN_NAME) ==
             kith_layout_has(other, KITH_FIELD_GIVEN_NAME) &&
         (!proposal->name_format || a->name_format == b->name_format) &&
         (!proposal->address_format || a->address_format == b->address_format) &&
         (!proposal->date_order || a->date_order == b->date_order);
}

/* NULL, or the i-th such profile where it reads the table as `profile` does. */
static enum kith_err builtin_compare(struct kith_proposer *proposer,
                                     const struct kith_profile *profile,
                                     const struct kith_layout *mine, size_t i)
{
  struct kith_profile_text text = kith_profile_builtin(i);
  struct kith_profile *other = NULL;
  struct kith_layout *layout = NULL;
  enum kith_err err = kith_profile_load(&other, text.name, NULL);

  if (err == KITH_OK)
    err = kith_layout_new(&layout, other, proposer->header, proposer->n_columns, "", NULL);
  if (err == KITH_OK && reads_the_same(mine, layout, &proposer->proposal, profile, other))
    proposer->proposal.builtin = text.name;
  kith_layout_free(layout);
  kith_profile_free(other);
  return err == KITH_ERR_MEMORY ? err : KITH_OK;
}

enum kith_err kith_proposer_builtin(struct kith_proposer *proposer)
{
  struct kith_profile *profile = NULL;
  struct kith_layout *layout = NULL;
  struct kith_buf text;
  enum kith_err err;

  if (proposer->proposal.headerless)
    return KITH_OK;
  kith_buf_init(&text, 0);
  err = kith_proposal_write(&text, &proposer->proposal, "");
  kith_buf_append(&text, "", 1);
  if (err == KITH_OK)
    err = kith_buf_err(&text);
  if (err == KITH_OK)
    err = kith_profile_parse(&profile, (const char *)text.bytes, "", NULL);
  if (err == KITH_OK)
    err = kith_layout_new(&layout, profile, proposer->header, proposer->n_columns, "", NULL);
  for (size_t i = 0; err == KITH_OK && kith_profile_builtin(i).name && !proposer->proposal.builtin;
       i++)
    err = builtin_compare(proposer, profile, layout, i);
  kith_layout_free(layout);
  kith_profile_free(profile);
  kith_buf_free(&text);
  return err;
}
