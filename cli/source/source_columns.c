/* What the columns of a table are read as, for showing. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/source/source.h"
#include "daemon/pipeline/profile.h"

/* The bytes of a character that could steer a terminal or turn the direction of what follows: C0
 * and C1 controls, and the marks of U+200B to U+206F; 0 for any other. */
static size_t steering_len(const unsigned char *at)
{
  if (at[0] < 0x20 || at[0] == 0x7f)
    return 1;
  if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
    return 2;
  if (at[0] == 0xe2 && at[1] == 0x80 &&
      ((at[2] >= 0x8b && at[2] <= 0x8f) || (at[2] >= 0xa8 && at[2] <= 0xae)))
    return 3;
  return at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa0 && at[2] <= 0xaf ? 3 : 0;
}

void kith_source_show(char *out, size_t cap, const char *text)
{
  const unsigned char *at = (const unsigned char *)text;
  size_t n = 0;

  while (*at != '\0') {
    size_t steering = steering_len(at);
    size_t len = 1;

    while (!steering && (at[len] & 0xc0) == 0x80)
      len++;
    if (n + len >= cap)
      break;
    memcpy(out + n, steering ? (const unsigned char *)"?" : at, steering ? 1 : len);
    n += steering ? 1 : len;
    at += steering ? steering : len;
  }
  out[n] = '\0';
}

/* ---- what a column is read as */

static void role_add(char role[KITH_COLUMN_ROLE_BYTES], const char *name)
{
  size_t len = strlen(role);

  (void)snprintf(role + len, KITH_COLUMN_ROLE_BYTES - len, "%s%s", len ? ", " : "", name);
}

/* Asks the layout by rows that are empty but for one cell. A column that a profile takes a part of
 * only in some rows may seem to be ignored; what is asked with is a name of two parts. */
static enum kith_err roles_find(struct kith_source_check *check, struct kith_layout *layout)
{
  const char **cells = KITH_NEW_ARRAY(const char *, check->n_columns);

  if (!cells)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < check->n_columns; i++)
    cells[i] = "";
  for (size_t i = 0; i < check->n_columns; i++) {
    const char *fields[KITH_FIELD_COUNT] = {0};
    const char *id;

    cells[i] = "Aa, Bb";
    id = kith_layout_apply(layout, cells, fields);
    if (id && *id)
      role_add(check->columns[i].role, "id");
    for (unsigned f = 0; f < KITH_FIELD_COUNT; f++) {
      if (fields[f] && *fields[f])
        role_add(check->columns[i].role, kith_field_name((enum kith_field)f));
    }
    cells[i] = "";
  }
  kith_free(cells);
  return KITH_OK;
}

static enum kith_err columns_fill(struct kith_source_check *check, const struct kith_table *table,
                                  struct kith_fault *fault)
{
  const char *const *header = kith_table_header(table, &check->n_columns);
  struct kith_profile *standard = NULL;
  struct kith_layout *layout = NULL;
  enum kith_err err = KITH_OK;

  check->columns = KITH_NEW_ARRAY(struct kith_column, check->n_columns);
  if (!check->columns)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  for (size_t i = 0; i < check->n_columns; i++) {
    struct kith_column *column = &check->columns[i];

    /* Without a header these are a person's. */
    if (check->spec.profile && kith_profile_headerless(check->spec.profile))
      (void)snprintf(column->name, sizeof column->name, "column %zu", i + 1);
    else
      kith_source_show(column->name, sizeof column->name, header[i]);
  }
  if (!check->spec.profile)
    err = kith_profile_load(&standard, "standard", fault);
  if (err == KITH_OK)
    err = kith_layout_new(&layout, check->spec.profile ? check->spec.profile : standard, header,
                          check->n_columns, kith_table_name(table), fault);
  if (err == KITH_OK && (err = roles_find(check, layout)) != KITH_OK)
    (void)kith_fail(fault, err, "not enough memory");
  kith_layout_free(layout);
  kith_profile_free(standard);
  return err;
}

enum kith_err kith_source_columns(struct kith_source_check *check, struct kith_fault *fault)
{
  const struct kith_table *table = kith_source_table(check->source);

  (void)snprintf(check->name, sizeof check->name, "%s", kith_table_name(table));
  return columns_fill(check, table, fault);
}

/* ---- advice */

/* How many fields the profile finds in the table; 0 where it does not fit. */
static unsigned fields_found(const char *name, const char *const *header, size_t n_columns)
{
  struct kith_profile *profile = NULL;
  struct kith_layout *layout = NULL;
  struct kith_fault fault = {0};
  unsigned n = 0;

  if (kith_profile_load(&profile, name, &fault) == KITH_OK &&
      kith_layout_new(&layout, profile, header, n_columns, "", &fault) == KITH_OK) {
    for (unsigned f = 0; f < KITH_FIELD_COUNT; f++)
      n += kith_layout_has(layout, (enum kith_field)f);
  }
  kith_layout_free(layout);
  kith_profile_free(profile);
  return n;
}

/* The built-in profile that finds most fields, and how many; fewer than three are chance. */
static const char *best_profile(unsigned *most, const struct kith_table *table)
{
  size_t n_columns;
  const char *const *header = kith_table_header(table, &n_columns);
  const char *best = NULL;

  *most = 2;
  for (size_t i = 0; kith_profile_builtin(i).name; i++) {
    unsigned n = fields_found(kith_profile_builtin(i).name, header, n_columns);

    if (n > *most)
      *most = n, best = kith_profile_builtin(i).name;
  }
  return best;
}

void kith_source_advise(const struct kith_source_check *check)
{
  const char *best;
  unsigned most;

  if (!check->proposal)
    return;
  best = best_profile(&most, check->proposed);
  if (check->proposal->builtin)
    (void)fprintf(stderr,
                  "kith: the profile \"%s\" reads this table as its columns look: try --profile "
                  "%s\n",
                  check->proposal->builtin, check->proposal->builtin);
  else if (best)
    (void)fprintf(stderr,
                  "kith: the profile \"%s\" finds %u fields in this table: try --profile %s; or "
                  "--propose OUT.ini writes a profile for it\n",
                  best, most, best);
  else
    (void)fprintf(stderr, "kith: none of the built-in profiles fits this table either; --propose "
                          "OUT.ini writes one for it, as kith-profile(5) says\n");
}
