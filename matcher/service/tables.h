/* The matcher's tables, after the node's own. */
#ifndef KITH_MATCHER_SERVICE_TABLES_H
#define KITH_MATCHER_SERVICE_TABLES_H

#include "proto/node.h"

enum kith_matcher_table {
  KITH_TABLE_BATCHES = KITH_NODE_TABLES, /* round, agency, number BE -> rows, sealed */
  KITH_TABLE_BATCH_HASHES,               /* the same key -> batch hash */
  KITH_TABLE_LISTS,                      /* round, recipient -> sealed list */
  KITH_TABLE_REVIEWS,                    /* round -> what governance is shown */
  KITH_TABLE_PROPOSALS,                  /* hash of the core -> statement, with those who signed */
  KITH_TABLE_JOURNAL,                    /* round, run, number BE -> units that are done, sealed */
  KITH_TABLE_LETTERS,                    /* round, number BE, 'h' -> head or 'b' -> bytes, boxed */
  KITH_MATCHER_TABLES_END
};

#endif
