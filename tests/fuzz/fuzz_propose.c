/* A header and rows, looked at for a profile: what is proposed is a profile that fits the table,
 * and no value is in it. The input is lines of cells with '|' between them; the first is the
 * header. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/pipeline/profile.h"
#include "daemon/pipeline/propose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = 32, SIZE_LIMIT = 8192 };

static void require(int holds)
{
  if (!holds)
    abort();
}

/* The cells of the line at *text, terminated in place; how many. */
static size_t cells_cut(const char *cells[COLUMNS_MAX], char **text)
{
  size_t n = 0;
  char *at = *text;
  char *end = at + strcspn(at, "\n");

  *text = *end ? end + 1 : end;
  *end = '\0';
  while (n < COLUMNS_MAX) {
    char *bar = strchr(at, '|');

    cells[n++] = at;
    if (!bar)
      break;
    *bar = '\0';
    at = bar + 1;
  }
  return n;
}

static void check_columns(const struct kith_proposal *proposal)
{
  for (size_t i = 0; i < proposal->n_columns; i++) {
    const struct kith_proposal_column *column = &proposal->columns[i];
    char called[KITH_COLUMN_CALLED_BYTES];

    kith_proposal_called(called, proposal, i);
    require(kith_utf8_valid(called, strlen(called)) && strlen(called) > 0);
    require(column->score >= 0 && column->score <= 1);
    require(!proposal->headerless || !column->name);
    require(strlen(column->reason) > 0);
  }
}

static void check_text(const struct kith_proposal *proposal, const char *const *header)
{
  struct kith_profile *profile = NULL;
  struct kith_layout *layout = NULL;
  struct kith_fault fault;
  struct kith_buf text;

  kith_buf_init(&text, 0);
  require(kith_proposal_write(&text, proposal, header[0]) == KITH_OK);
  kith_buf_append(&text, "", 1);
  require(kith_profile_parse(&profile, (const char *)text.bytes, "fuzz", &fault) == KITH_OK);
  require(kith_layout_new(&layout, profile, header, proposal->n_columns, "fuzz", &fault) ==
          KITH_OK);
  require(kith_profile_headerless(profile) == proposal->headerless);
  kith_layout_free(layout);
  kith_profile_free(profile);
  kith_buf_free(&text);
}

static void propose(char *text)
{
  const char *header[COLUMNS_MAX];
  const char *cells[COLUMNS_MAX];
  const struct kith_proposal *proposal;
  struct kith_proposer *proposer;
  const size_t n_columns = cells_cut(header, &text);

  if (kith_proposer_new(&proposer, header, n_columns) != KITH_OK)
    return;
  for (uint64_t row = 2; *text; row++) {
    size_t n = cells_cut(cells, &text);
    const struct kith_table_row found = {.cells = cells,
                                         .n_cells = n,
                                         .row = row,
                                         .problem =
                                             n == n_columns ? KITH_CSV_FINE : KITH_CSV_RAGGED};

    kith_proposer_add(proposer, &found);
  }
  require(kith_proposer_finish(&proposal, proposer) == KITH_OK);
  check_columns(proposal);
  check_text(proposal, header);
  kith_proposer_free(proposer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text;

  if (size > SIZE_LIMIT || memchr(data, 0, size) || !kith_utf8_valid((const char *)data, size))
    return 0;
  text = kith_strndup((const char *)data, size);
  if (text)
    propose(text);
  kith_free(text);
  return 0;
}
