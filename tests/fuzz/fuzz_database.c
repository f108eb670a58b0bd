/* What is read of a database source: the first byte says what the rest is, a query, a data source
 * or frames of kith-odbc. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/pipeline/dsn.h"
#include "daemon/pipeline/query.h"
#include "daemon/pipeline/rowpipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

/* What was accepted is the start of the text, and is accepted again. */
static void try_query(const char *text)
{
  struct kith_fault fault;
  char *query = NULL;
  char *again = NULL;

  if (kith_query_check(&query, text, "fuzz", &fault) != KITH_OK)
    return;
  require(strncmp(text, query, strlen(query)) == 0);
  require(kith_query_check(&again, query, "fuzz", &fault) == KITH_OK);
  require(strcmp(query, again) == 0);
  kith_free(query);
  kith_free(again);
}

/* To what was accepted no password can be added. */
static void try_dsn(const char *text)
{
  const size_t len = strlen(text);
  char *more;

  if (kith_dsn_check(text, NULL) != KITH_OK)
    return;
  more = kith_calloc(len + 8, 1);
  require(more != NULL);
  memcpy(more, text, len);
  memcpy(more + len, ";PWD=x", 7);
  require(kith_dsn_check(more, NULL) == KITH_ERR_CONFIG);
  kith_free(more);
}

static void try_frames(const uint8_t *bytes, size_t len)
{
  struct kith_rowpipe_frame *frame = KITH_NEW(struct kith_rowpipe_frame);
  size_t used = 0;

  require(frame != NULL);
  while (len > 0 && kith_rowpipe_read(frame, &used, bytes, len) == KITH_OK) {
    require(used > 0 && used <= len);
    for (size_t i = 0; i < frame->n_texts; i++) {
      require(strlen(frame->texts[i]) == frame->lens[i]);
      require(kith_utf8_valid(frame->texts[i], frame->lens[i]));
    }
    bytes += used;
    len -= used;
  }
  kith_free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t *bytes;
  char *text;

  if (size == 0)
    return 0;
  bytes = kith_memdup(data + 1, size - 1);
  text = kith_strndup((const char *)data + 1, size - 1);
  require(bytes && text);
  if (data[0] == 'q')
    try_query(text);
  else if (data[0] == 'd')
    try_dsn(text);
  else
    try_frames(bytes, size - 1);
  kith_free(bytes);
  kith_free(text);
  return 0;
}
