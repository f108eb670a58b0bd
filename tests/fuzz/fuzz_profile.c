/* A profile over a header and a row: what comes out is text within its bounds. The input is the
 * profile, a line "---", then lines: the cells of the header, and those of the row. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/pipeline/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = 24 };

static void require(int holds)
{
  if (!holds)
    abort();
}

/* The next line, terminated in place; "" after the last. */
static char *line(char **text)
{
  char *start = *text;
  char *end = strchr(start, '\n');

  *text = end ? end + 1 : start + strlen(start);
  if (end)
    *end = '\0';
  return start;
}

static void apply(const struct kith_profile *profile, char *text)
{
  const char *header[COLUMNS_MAX];
  const char *cells[COLUMNS_MAX];
  const char *fields[KITH_FIELD_COUNT];
  struct kith_layout *layout = NULL;
  struct kith_fault fault;
  size_t n = 0;

  for (; n < COLUMNS_MAX && *text; n++) {
    header[n] = line(&text);
    cells[n] = line(&text);
    if (!kith_utf8_valid(header[n], strlen(header[n])) ||
        !kith_utf8_valid(cells[n], strlen(cells[n])))
      return;
  }
  if (kith_layout_new(&layout, profile, header, n, "fuzz", &fault) != KITH_OK)
    return;
  require(kith_layout_id_is_row(layout) || kith_layout_id_column(layout) < n);
  require(kith_layout_ignored(layout) <= n);
  require(kith_layout_apply(layout, cells, fields) != NULL);
  for (unsigned f = 0; f < KITH_FIELD_COUNT; f++) {
    require((fields[f] != NULL) == kith_layout_has(layout, (enum kith_field)f));
    require(!fields[f] || kith_utf8_valid(fields[f], strlen(fields[f])));
  }
  kith_layout_free(layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_profile *profile = NULL;
  struct kith_fault fault;
  char *text = kith_calloc(size + 1, 1);
  char *cut;

  if (!text)
    return 0;
  memcpy(text, data, size);
  cut = strstr(text, "\n---\n");
  if (cut)
    *cut = '\0';
  if (kith_profile_parse(&profile, text, "fuzz", &fault) == KITH_OK) {
    if (cut)
      apply(profile, cut + 5);
    kith_profile_free(profile);
  }
  kith_free(text);
  return 0;
}
