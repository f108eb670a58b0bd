/* Of the writer and the reader of shards only: cli/match/match_shard.h has the layout. */
#ifndef KITH_CLI_MATCH_MATCH_SHARD_FORMAT_H
#define KITH_CLI_MATCH_MATCH_SHARD_FORMAT_H

#define KITH_MATCH_SHARD_MAGIC "KITHSHRD"
#define KITH_MATCH_SHARD_LABEL "kith match shard v1"
#define KITH_MATCH_SHARD_CONTEXT "kith match shard"

enum { KITH_MATCH_SHARD_HEADER_BYTES = 80, KITH_MATCH_SHARD_VERSION = 1 };

#endif
