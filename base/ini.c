#include "base/ini.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* libinih cuts longer names of sections in silence, so they are refused before it sees them. */
enum {
  FILE_MAX_BYTES = 1 << 20,
  LINE_MAX_BYTES = 1000,
  SECTION_MAX_BYTES = 49,
  ENTRIES_MAX = 4096
};

struct entry {
  char *section;
  char *key;
  char *value;
  unsigned line;
  bool known;
};

struct kith_ini {
  char *path;
  struct entry *entries;
  size_t n_entries;
};

struct load {
  struct kith_ini *ini;
  const char *at; /* what libinih has not read yet */
  unsigned line;
  enum kith_err err; /* the first one stays */
  struct kith_fault *fault;
};

static struct entry *find(const struct kith_ini *ini, const char *section, const char *key)
{
  for (size_t i = 0; i < ini->n_entries; i++) {
    if (strcmp(ini->entries[i].section, section) == 0 && strcmp(ini->entries[i].key, key) == 0)
      return &ini->entries[i];
  }
  return NULL;
}

static void refuse(struct load *load, enum kith_err err, const char *problem)
{
  if (load->err == KITH_OK)
    load->err =
        kith_fail(load->fault, err, "%s: line %u: %s", load->ini->path, load->line, problem);
}

/* Gives libinih one line, as fgets does. */
static char *line_read(char *out, int size, void *context)
{
  struct load *load = context;
  size_t len = strcspn(load->at, "\n");
  bool ends = load->at[len] == '\n';

  if (*load->at == '\0' || load->err != KITH_OK)
    return NULL;
  load->line++;
  if (len > LINE_MAX_BYTES || len + 2 > (size_t)size) {
    refuse(load, KITH_ERR_CONFIG, "the line is too long");
    return NULL;
  }
  if (*load->at == '[' && len > SECTION_MAX_BYTES + 2) {
    refuse(load, KITH_ERR_CONFIG, "the section's name is too long");
    return NULL;
  }
  memcpy(out, load->at, len);
  out[len] = '\n';
  out[len + 1] = '\0';
  load->at += len + (ends ? 1 : 0);
  return out;
}

static int entry_add(void *context, const char *section, const char *key, const char *value)
{
  struct load *load = context;
  struct kith_ini *ini = load->ini;
  struct entry *entry;

  if (load->err != KITH_OK)
    return 0;
  if (find(ini, section, key)) {
    refuse(load, KITH_ERR_CONFIG, "the key was given before");
    return 0;
  }
  if (ini->n_entries == ENTRIES_MAX) {
    refuse(load, KITH_ERR_CONFIG, "too many entries");
    return 0;
  }
  entry = kith_realloc(ini->entries, ini->n_entries + 1, sizeof *ini->entries);
  if (!entry) {
    refuse(load, KITH_ERR_MEMORY, "no memory");
    return 0;
  }
  ini->entries = entry;
  entry += ini->n_entries++;
  *entry = (struct entry){.section = kith_strdup(section),
                          .key = kith_strdup(key),
                          .value = kith_strdup(value),
                          .line = load->line};
  if (!entry->section || !entry->key || !entry->value) {
    refuse(load, KITH_ERR_MEMORY, "no memory");
    return 0;
  }
  return 1;
}

static enum kith_err parse(struct kith_ini *ini, const char *text, struct kith_fault *fault)
{
  struct load load = {.ini = ini, .at = text, .fault = fault};
  int result;

  ini_use_stack = false;
  ini_max_line = LINE_MAX_BYTES + 3;
  ini_initial_alloc = LINE_MAX_BYTES + 3;
  ini_allow_multiline = false; /* an indented line is a line like others */
  result = ini_parse_stream(line_read, &load, entry_add, &load);
  if (load.err != KITH_OK)
    return load.err;
  if (result == -2)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", ini->path);
  if (result != 0)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "%s: line %d: expected [section], key = value, or a comment", ini->path,
                     result);
  return KITH_OK;
}

enum kith_err kith_ini_parse(struct kith_ini **out, const char *text, const char *name,
                             struct kith_fault *fault)
{
  struct kith_ini *ini = KITH_NEW(struct kith_ini);
  enum kith_err err;

  if (ini)
    ini->path = kith_strdup(name);
  if (!ini || !ini->path)
    err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", name);
  else if (!kith_utf8_valid(text, strlen(text)))
    err = kith_fail(fault, KITH_ERR_CONFIG, "%s: is not UTF-8 text", name);
  else
    err = parse(ini, text, fault);
  if (err == KITH_OK)
    *out = ini;
  else
    kith_ini_free(ini);
  return err;
}

enum kith_err kith_ini_load(struct kith_ini **out, const char *path, struct kith_fault *fault)
{
  uint8_t *bytes = NULL;
  size_t len;
  enum kith_err err = kith_file_read(&bytes, &len, path, FILE_MAX_BYTES, fault);

  if (err != KITH_OK)
    return err;
  if (strlen((const char *)bytes) != len)
    err = kith_fail(fault, KITH_ERR_CONFIG, "%s: is not UTF-8 text", path);
  else
    err = kith_ini_parse(out, (const char *)bytes, path, fault);
  kith_free(bytes);
  return err;
}

const char *kith_ini_get(struct kith_ini *ini, const char *section, const char *key)
{
  struct entry *entry = find(ini, section, key);

  if (!entry)
    return NULL;
  entry->known = true;
  return entry->value;
}

enum kith_err kith_ini_require(struct kith_ini *ini, const char **out, const char *section,
                               const char *key, struct kith_fault *fault)
{
  const char *value = kith_ini_get(ini, section, key);

  if (!value || *value == '\0')
    return kith_fail(fault, KITH_ERR_CONFIG, "%s: [%s] %s is missing", ini->path, section, key);
  *out = value;
  return KITH_OK;
}

enum kith_err kith_ini_u64(struct kith_ini *ini, uint64_t *out, const char *section,
                           const char *key, uint64_t min, uint64_t max, uint64_t fallback,
                           struct kith_fault *fault)
{
  const char *value = kith_ini_get(ini, section, key);

  if (!value) {
    *out = fallback;
    return KITH_OK;
  }
  if (kith_u64_parse(out, value, min, max) != KITH_OK)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "%s: line %u: [%s] %s: expected a whole number from %llu to %llu", ini->path,
                     find(ini, section, key)->line, section, key, (unsigned long long)min,
                     (unsigned long long)max);
  return KITH_OK;
}

enum kith_err kith_ini_bool(struct kith_ini *ini, bool *out, const char *section, const char *key,
                            bool fallback, struct kith_fault *fault)
{
  /* As systemd.syntax(7) has them. */
  static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};
  const char *value = kith_ini_get(ini, section, key);

  if (!value) {
    *out = fallback;
    return KITH_OK;
  }
  for (size_t i = 0; i < KITH_COUNT_OF(words); i++) {
    if (strcmp(value, words[i]) == 0) {
      *out = i % 2 == 1;
      return KITH_OK;
    }
  }
  return kith_fail(fault, KITH_ERR_CONFIG, "%s: line %u: [%s] %s: expected yes or no", ini->path,
                   find(ini, section, key)->line, section, key);
}

enum kith_err kith_ini_done(struct kith_ini *ini, struct kith_fault *fault)
{
  for (size_t i = 0; i < ini->n_entries; i++) {
    const struct entry *entry = &ini->entries[i];

    if (!entry->known)
      return kith_fail(fault, KITH_ERR_CONFIG, "%s: line %u: [%s] %s is not known", ini->path,
                       entry->line, entry->section, entry->key);
  }
  return KITH_OK;
}

void kith_ini_free(struct kith_ini *ini)
{
  if (!ini)
    return;
  for (size_t i = 0; i < ini->n_entries; i++) {
    kith_free(ini->entries[i].section);
    kith_free(ini->entries[i].key);
    kith_free(ini->entries[i].value);
  }
  kith_free(ini->entries);
  kith_free(ini->path);
  kith_free(ini);
}
