/* A profile over the columns of one table: which they are, and what is taken apart. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/secret.h"
#include "daemon/pipeline/fold.h"
#include "daemon/pipeline/profile_parts.h"

enum { NONE = UINT32_MAX, TEXT_BYTES = KITH_FIELD_BYTES_MAX + 1 };

struct from {
  unsigned n; /* 0: the table has none of the columns */
  uint32_t columns[KITH_JOINED_MAX];
};

struct kith_layout {
  const struct kith_profile *profile;
  struct from from[KITH_KEY_COUNT];
  size_t n_ignored;
  bool id_is_row;
  char joined[KITH_KEY_COUNT][TEXT_BYTES];
  char split[KITH_FIELD_COUNT][TEXT_BYTES];
};

/* ---- columns */

static char plain(char c)
{
  return c == '_' || c == '-' ? ' ' : (char)tolower((unsigned char)c);
}

bool kith_profile_same_column(const char *a, const char *b)
{
  a += a ? strspn(a, " _-") : 0;
  b += b ? strspn(b, " _-") : 0;
  while (a && b) {
    size_t blanks_a = strspn(a, " _-");
    size_t blanks_b = strspn(b, " _-");

    a += blanks_a;
    b += blanks_b;
    if (*a == '\0' || *b == '\0')
      return *a == *b;
    if ((blanks_a == 0) != (blanks_b == 0) || plain(*a++) != plain(*b++))
      return false;
  }
  return false;
}

/* "#3": the third; NONE: it is no place. */
static uint32_t place_of(const char *name, size_t n_columns)
{
  uint64_t number;

  return name[0] == '#' && kith_u64_parse(&number, name + 1, 1, n_columns) == KITH_OK
             ? (uint32_t)number - 1
             : NONE;
}

struct header {
  const char *const *names;
  size_t n;
  const char *table;
  bool named; /* else these are no names */
};

/* NONE: no such column. */
static enum kith_err column_find(uint32_t *out, const struct header *header, const char *name,
                                 struct kith_fault *fault)
{
  *out = place_of(name, header->n);
  if (*out != NONE || !header->named)
    return KITH_OK;
  for (size_t i = 0; i < header->n; i++) {
    if (!kith_profile_same_column(header->names[i], name))
      continue;
    if (*out != NONE)
      return kith_fail(fault, KITH_ERR_DATA,
                       "%s: row 1: columns %u and %zu have the same name, \"%s\"", header->table,
                       *out + 1, i + 1, name);
    *out = (uint32_t)i;
  }
  return KITH_OK;
}

static enum kith_err choice_find(struct from *from, const struct header *header,
                                 const struct kith_profile_choice *choice, struct kith_fault *fault)
{
  struct from found = {.n = choice->n_names};

  for (unsigned i = 0; i < choice->n_names; i++) {
    enum kith_err err = column_find(&found.columns[i], header, choice->names[i], fault);

    if (err != KITH_OK)
      return err;
    if (found.columns[i] == NONE)
      return KITH_OK;
  }
  *from = found;
  return KITH_OK;
}

static enum kith_err key_find(struct kith_layout *layout, unsigned key, const struct header *header,
                              struct kith_fault *fault)
{
  const struct kith_profile_column *column = &layout->profile->columns[key];
  struct from *from = &layout->from[key];

  if (key == KITH_KEY_ID && strcmp(column->choices[0].names[0], "#row") == 0) {
    layout->id_is_row = true;
    return KITH_OK;
  }
  for (unsigned c = 0; c < column->n_choices && from->n == 0; c++) {
    enum kith_err err = choice_find(from, header, &column->choices[c], fault);

    if (err != KITH_OK)
      return err;
  }
  if (from->n > 0 || column->n_choices == 0 || column->optional)
    return KITH_OK;
  return kith_fail(
      fault, KITH_ERR_DATA,
      "%s: row 1: no column \"%s\", which the profile %s has for %s; name another profile: "
      "`kith source check` says which fits best",
      header->table, column->choices[0].names[0], layout->profile->name,
      kith_profile_key_name(key));
}

static enum kith_err count_ignored(struct kith_layout *layout, size_t n_columns)
{
  bool *used = kith_calloc(n_columns + 1, sizeof *used);

  if (!used)
    return KITH_ERR_MEMORY;
  for (unsigned key = 0; key < KITH_KEY_COUNT; key++)
    for (unsigned i = 0; i < layout->from[key].n; i++)
      used[layout->from[key].columns[i]] = true;
  for (size_t i = 0; i < n_columns; i++)
    layout->n_ignored += !used[i];
  kith_free(used);
  return KITH_OK;
}

enum kith_err kith_layout_new(struct kith_layout **out, const struct kith_profile *profile,
                              const char *const *header, size_t n_columns, const char *table,
                              struct kith_fault *fault)
{
  const struct header columns = {header, n_columns, table, !profile->headerless};
  struct kith_layout *layout = KITH_NEW(struct kith_layout);
  enum kith_err err = layout ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK) {
    layout->profile = profile;
    for (unsigned key = 0; key < KITH_KEY_COUNT && err == KITH_OK; key++)
      err = key_find(layout, key, &columns, fault);
    if (err == KITH_OK)
      err = count_ignored(layout, n_columns);
  }
  if (err == KITH_ERR_MEMORY)
    err = kith_fail(fault, err, "%s: no memory", table);
  if (err == KITH_OK)
    *out = layout;
  else
    kith_layout_free(layout);
  return err;
}

void kith_layout_free(struct kith_layout *layout)
{
  if (!layout)
    return;
  kith_wipe(layout->joined, sizeof layout->joined);
  kith_wipe(layout->split, sizeof layout->split);
  kith_free(layout);
}

bool kith_layout_has(const struct kith_layout *layout, enum kith_field field)
{
  const struct from *from = layout->from;
  const unsigned address = layout->profile->address_format;
  const bool full_name = from[KITH_KEY_FULL_NAME].n > 0;

  switch (field) {
  case KITH_FIELD_GIVEN_NAME:
  case KITH_FIELD_MIDDLE_NAMES:
    return from[field].n > 0 || from[KITH_KEY_GIVEN_NAMES].n > 0 || full_name;
  case KITH_FIELD_SURNAME:
    return from[field].n > 0 || full_name;
  case KITH_FIELD_STREET:
    return from[field].n > 0 || from[KITH_KEY_ADDRESS].n > 0;
  case KITH_FIELD_TOWN:
    return from[field].n > 0 ||
           (from[KITH_KEY_ADDRESS].n > 0 && address >= KITH_ADDRESS_STREET_TOWN);
  case KITH_FIELD_POSTCODE:
    return from[field].n > 0 ||
           (from[KITH_KEY_ADDRESS].n > 0 && address == KITH_ADDRESS_STREET_TOWN_POSTCODE);
  default:
    return from[field].n > 0;
  }
}

size_t kith_layout_id_column(const struct kith_layout *layout)
{
  return layout->from[KITH_KEY_ID].columns[0];
}

bool kith_layout_id_is_row(const struct kith_layout *layout)
{
  return layout->id_is_row;
}

const uint32_t *kith_layout_columns(const struct kith_layout *layout, unsigned key, unsigned *n)
{
  *n = layout->from[key].n;
  return layout->from[key].columns;
}

bool kith_layout_uses(const struct kith_layout *layout, size_t column)
{
  for (unsigned key = 0; key < KITH_KEY_COUNT; key++)
    for (unsigned i = 0; i < layout->from[key].n; i++)
      if (layout->from[key].columns[i] == column)
        return true;
  return false;
}

size_t kith_layout_ignored(const struct kith_layout *layout)
{
  return layout->n_ignored;
}

/* ---- rows */

/* Whole code points only. */
static void append(char out[TEXT_BYTES], size_t *len, const char *text, size_t n)
{
  for (size_t at = 0, step; at < n; at += step) {
    step = kith_fold_step(text + at);
    if (*len + step >= TEXT_BYTES)
      break;
    memcpy(out + *len, text + at, step);
    *len += step;
  }
  out[*len] = '\0';
}

/* A part of an id: different parts are different ids, so a '/' in them is doubled. */
static void append_id(char out[TEXT_BYTES], size_t *len, const char *part, bool separated)
{
  append(out, len, "/", separated);
  while (*part) {
    size_t n = strcspn(part, "/");

    append(out, len, part, n);
    part += n;
    if (*part == '/') {
      append(out, len, "//", 2);
      part++;
    }
  }
}

/* NULL: the table has no such column. */
static const char *value_of(struct kith_layout *layout, unsigned key, const char *const *cells)
{
  const struct from *from = &layout->from[key];
  size_t len = 0;

  if (from->n < 2)
    return from->n ? cells[from->columns[0]] : NULL;
  layout->joined[key][0] = '\0';
  for (unsigned i = 0; i < from->n; i++) {
    const char *cell = cells[from->columns[i]];

    if (key == KITH_KEY_ID)
      append_id(layout->joined[key], &len, cell, i > 0);
    else if (*cell) {
      append(layout->joined[key], &len, " ", len > 0);
      append(layout->joined[key], &len, cell, strlen(cell));
    }
  }
  return layout->joined[key];
}

/* A part of a text as the field, without blanks at its ends. */
static void put(struct kith_layout *layout, const char *fields[KITH_FIELD_COUNT],
                enum kith_field field, const char *text, size_t n)
{
  size_t len = 0;

  for (; n > 0 && *text == ' '; n--)
    text++;
  while (n > 0 && text[n - 1] == ' ')
    n--;
  layout->split[field][0] = '\0';
  append(layout->split[field], &len, text, n);
  fields[field] = layout->split[field];
}

static void split_given(struct kith_layout *layout, const char *fields[KITH_FIELD_COUNT],
                        const char *text, size_t n)
{
  size_t first;

  for (; n > 0 && *text == ' '; n--)
    text++;
  for (first = 0; first < n && text[first] != ' ';)
    first++;
  put(layout, fields, KITH_FIELD_GIVEN_NAME, text, first);
  if (layout->from[KITH_FIELD_MIDDLE_NAMES].n == 0)
    put(layout, fields, KITH_FIELD_MIDDLE_NAMES, text + first, n - first);
}

/* Where the surname in front ends: after the words in capitals, if others follow ("VAN DYCK Ann"),
 * else after the first word. */
static size_t surname_end(const char *text)
{
  const size_t start = strspn(text, " ");
  size_t end = start + strcspn(text + start, " ");

  for (size_t at = start, next; text[at]; at = next + strspn(text + next, " ")) {
    next = at + strcspn(text + at, " ");
    if (next - at < 2 || strcspn(text + at, "abcdefghijklmnopqrstuvwxyz") < next - at)
      return end;
    end = next;
  }
  return start + strcspn(text + start, " ");
}

/* A comma says which side is the surname, whatever the format. */
static void split_name(struct kith_layout *layout, const char *fields[KITH_FIELD_COUNT],
                       const char *text)
{
  const size_t n = strlen(text);
  const char *comma = strchr(text, ',');
  size_t end = n;
  size_t cut;

  if (comma) {
    put(layout, fields, KITH_FIELD_SURNAME, text, (size_t)(comma - text));
    split_given(layout, fields, comma + 1, n - (size_t)(comma - text) - 1);
    return;
  }
  while (end > 0 && text[end - 1] == ' ')
    end--;
  if (layout->profile->name_format == KITH_NAME_SURNAME_FIRST) {
    cut = surname_end(text);
    put(layout, fields, KITH_FIELD_SURNAME, text, cut);
    split_given(layout, fields, text + cut, n - cut);
    return;
  }
  for (cut = end; cut > 0 && text[cut - 1] != ' ';)
    cut--;
  put(layout, fields, KITH_FIELD_SURNAME, text + cut, end - cut);
  split_given(layout, fields, text, cut);
}

/* A British postcode by its form: a letter and one to three more of letters and digits, then a
 * digit and two letters. */
static bool like_postcode(const char *text, size_t n)
{
  char code[8];
  size_t len = 0;
  size_t digits = 0;

  for (size_t i = 0; i < n; i++) {
    if (text[i] == ' ')
      continue;
    if (!isalnum((unsigned char)text[i]) || len == sizeof code)
      return false;
    code[len++] = text[i];
  }
  if (len < 5 || len > 7 || !isalpha((unsigned char)code[0]) ||
      !isdigit((unsigned char)code[len - 3]) || !isalpha((unsigned char)code[len - 2]) ||
      !isalpha((unsigned char)code[len - 1]))
    return false;
  for (size_t i = 1; i < len - 3; i++)
    digits += isdigit((unsigned char)code[i]) != 0;
  return digits > 0;
}

/* The part after the last comma of text[0 .. n): where it starts. */
static size_t last_part(const char *text, size_t n)
{
  while (n > 0 && text[n - 1] != ',')
    n--;
  return n;
}

static void split_address(struct kith_layout *layout, const char *fields[KITH_FIELD_COUNT],
                          const char *text)
{
  const unsigned format = layout->profile->address_format;
  size_t end = strlen(text);
  size_t last = last_part(text, end);

  if (format == KITH_ADDRESS_STREET_TOWN_POSTCODE) {
    bool is = like_postcode(text + last, end - last);

    put(layout, fields, KITH_FIELD_POSTCODE, text + last, is ? end - last : 0);
    if (is) {
      end = last > 0 ? last - 1 : 0;
      last = last_part(text, end);
    }
  }
  if (format >= KITH_ADDRESS_STREET_TOWN) {
    put(layout, fields, KITH_FIELD_TOWN, text + last, last > 0 ? end - last : 0);
    if (last > 0)
      end = last - 1;
  }
  put(layout, fields, KITH_FIELD_STREET, text, end);
}

const char *kith_layout_apply(struct kith_layout *layout, const char *const *cells,
                              const char *fields[KITH_FIELD_COUNT])
{
  const char *text;

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    fields[i] = NULL;
  if ((text = value_of(layout, KITH_KEY_ADDRESS, cells)))
    split_address(layout, fields, text);
  if ((text = value_of(layout, KITH_KEY_FULL_NAME, cells)))
    split_name(layout, fields, text);
  if ((text = value_of(layout, KITH_KEY_GIVEN_NAMES, cells)))
    split_given(layout, fields, text, strlen(text));
  /* What has a column of its own is taken from there. */
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    if ((text = value_of(layout, i, cells)))
      fields[i] = text;
  return layout->id_is_row ? "" : value_of(layout, KITH_KEY_ID, cells);
}

const char *kith_layout_other_birth(struct kith_layout *layout, const char *const *cells)
{
  return value_of(layout, KITH_KEY_OTHER_BIRTH, cells);
}
