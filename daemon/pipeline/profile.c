#include "daemon/pipeline/profile.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/ini.h"
#include "base/mem.h"
#include "daemon/pipeline/profile_parts.h"

/* ---- the text of a profile */

const char *kith_profile_key_name(unsigned key)
{
  switch (key) {
  case KITH_KEY_ID:
    return "id";
  case KITH_KEY_GIVEN_NAMES:
    return "given_names";
  case KITH_KEY_FULL_NAME:
    return "full_name";
  case KITH_KEY_ADDRESS:
    return "address";
  case KITH_KEY_OTHER_BIRTH:
    return "other_date_of_birth";
  default:
    return kith_field_name((enum kith_field)key);
  }
}

/* Cuts what is between blanks out of the line; *line goes on after the separator. */
static char *next_part(char **line, char separator)
{
  char *part = *line + strspn(*line, " \t");
  char *end = strchr(part, separator);

  *line = end ? end + 1 : NULL;
  if (!end)
    end = part + strlen(part);
  while (end > part && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  *end = '\0';
  return part;
}

static enum kith_err read_choice(struct kith_profile_choice *choice, char *text)
{
  for (char *rest = text; rest;) {
    char *name = next_part(&rest, '+');

    if (*name == '\0' || choice->n_names == KITH_JOINED_MAX)
      return KITH_ERR_CONFIG;
    choice->names[choice->n_names++] = name;
  }
  return KITH_OK;
}

/* "a | b + c ?" */
static enum kith_err read_columns(struct kith_profile_column *column, const char *value)
{
  size_t len = strlen(value);
  char *rest;

  column->text = kith_strdup(value);
  if (!column->text)
    return KITH_ERR_MEMORY;
  if (len && value[len - 1] == '?') {
    column->optional = true;
    column->text[len - 1] = '\0';
  }
  for (rest = column->text; rest;) {
    char *text = next_part(&rest, '|');

    if (column->n_choices == KITH_CHOICES_MAX ||
        read_choice(&column->choices[column->n_choices++], text) != KITH_OK)
      return KITH_ERR_CONFIG;
  }
  return KITH_OK;
}

static enum kith_err read_all_columns(struct kith_profile *profile, struct kith_ini *ini,
                                      struct kith_fault *fault)
{
  for (unsigned key = 0; key < KITH_KEY_COUNT; key++) {
    const char *value = kith_ini_get(ini, "columns", kith_profile_key_name(key));
    enum kith_err err = value ? read_columns(&profile->columns[key], value) : KITH_OK;

    if (err == KITH_ERR_MEMORY)
      return kith_fail(fault, err, "%s: no memory", profile->name);
    if (err != KITH_OK)
      return kith_fail(fault, err,
                       "%s: [columns] %s: expected names of columns, up to %d with '|' between "
                       "them, each of up to %d joined by '+', and '?' at the end if they may be "
                       "absent",
                       profile->name, kith_profile_key_name(key), KITH_CHOICES_MAX,
                       KITH_JOINED_MAX);
  }
  if (!profile->columns[KITH_KEY_ID].text || profile->columns[KITH_KEY_ID].optional)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "%s: [columns] id: expected the column that names each row", profile->name);
  return KITH_OK;
}

static enum kith_err read_format(unsigned *out, const struct kith_profile *profile,
                                 struct kith_ini *ini, const char *key, const char *const *names,
                                 size_t n, struct kith_fault *fault)
{
  const char *value = kith_ini_get(ini, "formats", key);

  *out = 0;
  for (unsigned i = 0; value && i < n; i++) {
    if (strcmp(value, names[i]) != 0)
      continue;
    *out = i;
    return KITH_OK;
  }
  return value ? kith_fail(fault, KITH_ERR_CONFIG,
                           "%s: [formats] %s: expected one of those of kith-profile(5), such as "
                           "\"%s\"",
                           profile->name, key, names[0])
               : KITH_OK;
}

static enum kith_err read_formats(struct kith_profile *profile, struct kith_ini *ini,
                                  struct kith_fault *fault)
{
  static const char *const names[] = {"surname, forenames", "forenames surname"};
  static const char *const addresses[] = {"street", "street, town", "street, town, postcode"};
  static const char *const orders[] = {"dmy", "mdy", "ymd"};
  static const char *const headers[] = {"names", "none"};
  unsigned order = 0;
  unsigned header = 0;
  enum kith_err err = read_format(&profile->name_format, profile, ini, "full_name", names,
                                  KITH_COUNT_OF(names), fault);

  if (err == KITH_OK)
    err = read_format(&profile->address_format, profile, ini, "address", addresses,
                      KITH_COUNT_OF(addresses), fault);
  if (err == KITH_OK)
    err = read_format(&order, profile, ini, "dates", orders, KITH_COUNT_OF(orders), fault);
  if (err == KITH_OK)
    err = read_format(&header, profile, ini, "header", headers, KITH_COUNT_OF(headers), fault);
  profile->headerless = header == 1;
  profile->date_order = (enum kith_date_order)order;
  return err;
}

static enum kith_err profile_read(struct kith_profile **out, struct kith_ini *ini, const char *name,
                                  struct kith_fault *fault)
{
  struct kith_profile *profile = KITH_NEW(struct kith_profile);
  const char *about = kith_ini_get(ini, "profile", "about");
  enum kith_err err = KITH_OK;

  if (profile) {
    profile->name = kith_strdup(name);
    profile->about = kith_strdup(about ? about : "");
  }
  if (!profile || !profile->name || !profile->about)
    err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", name);
  if (err == KITH_OK)
    err = read_all_columns(profile, ini, fault);
  if (err == KITH_OK)
    err = read_formats(profile, ini, fault);
  if (err == KITH_OK)
    err = kith_ini_done(ini, fault);
  if (err == KITH_OK)
    *out = profile;
  else
    kith_profile_free(profile);
  return err;
}

enum kith_err kith_profile_parse(struct kith_profile **out, const char *text, const char *name,
                                 struct kith_fault *fault)
{
  struct kith_ini *ini = NULL;
  enum kith_err err = kith_ini_parse(&ini, text, name, fault);

  if (err == KITH_OK)
    err = profile_read(out, ini, name, fault);
  kith_ini_free(ini);
  return err;
}

enum kith_err kith_profile_load(struct kith_profile **out, const char *name,
                                struct kith_fault *fault)
{
  struct kith_ini *ini = NULL;
  enum kith_err err;

  for (size_t i = 0; kith_profile_builtin(i).name; i++)
    if (strcmp(kith_profile_builtin(i).name, name) == 0)
      return kith_profile_parse(out, kith_profile_builtin(i).text, name, fault);
  if (!strchr(name, '/') && !strchr(name, '.'))
    return kith_fail(
        fault, KITH_ERR_NO_INPUT,
        "no profile \"%s\"; there are those of `kith source profiles`, and files, with a "
        "'/' or a '.' in their names",
        name);
  err = kith_ini_load(&ini, name, fault);
  if (err == KITH_OK)
    err = profile_read(out, ini, name, fault);
  kith_ini_free(ini);
  return err;
}

void kith_profile_free(struct kith_profile *profile)
{
  if (!profile)
    return;
  for (unsigned key = 0; key < KITH_KEY_COUNT; key++)
    kith_free(profile->columns[key].text);
  kith_free(profile->name);
  kith_free(profile->about);
  kith_free(profile);
}

const char *kith_profile_name(const struct kith_profile *profile)
{
  return profile->name;
}

const char *kith_profile_about(const struct kith_profile *profile)
{
  return profile->about;
}

enum kith_date_order kith_profile_date_order(const struct kith_profile *profile)
{
  return profile->date_order;
}

bool kith_profile_headerless(const struct kith_profile *profile)
{
  return profile->headerless;
}
