/* Every bound on what comes from outside, in one place. The matcher's memory for messages in
 * flight is at most KITH_CONNECTIONS_MAX x KITH_QUEUE_MESSAGES x KITH_MESSAGE_BYTES_MAX each way,
 * and in practice one message per member, because a member waits for each reply. */
#ifndef KITH_PROTO_LIMITS_H
#define KITH_PROTO_LIMITS_H

enum {
  KITH_MEMBERS_MAX = 32,         /* of a charter */
  KITH_AGENCIES_MAX = 16,        /* of a round */
  KITH_RECIPIENTS_MAX = 4,       /* of a round */
  KITH_GOVERNANCE_KEYS_MAX = 16, /* of a charter */
  KITH_OFFICERS_MAX = 32,        /* of a member's list */
  KITH_MEMBER_ID_BYTES = 33,     /* with its terminator */
  KITH_FIELDS_MAX = 16,          /* of a policy's filter: one bit of the mask each */
  KITH_FILTERS_MAX = 4,          /* of a record */
  KITH_BITS_MIN = 64,
  KITH_BITS_MAX = 8192,
  KITH_FILTER_BYTES_MAX = KITH_BITS_MAX / 8,

  KITH_DOCUMENT_BYTES_MAX = 256 * 1024,
  KITH_STATEMENT_BYTES_MAX = 256 * 1024, /* a manifest of KITH_BATCHES_MAX hashes fits */
  KITH_STATEMENTS_MAX = 4096,            /* of a round, all attempts */
  KITH_ATTEMPTS_MAX = 8,
  KITH_WITHDRAWALS_MAX = 128,         /* of one agency in a round */
  KITH_BATCH_BYTES_MAX = 1024 * 1024, /* the rows of one batch */
  KITH_BATCHES_MAX = 4096,            /* of one agency: 4 GiB of rows */
  KITH_PROPOSALS_MAX = 64,        /* of governance, held by the matcher, not yet signed by enough */
  KITH_PROPOSALS_OF_ONE_MAX = 16, /* of these, by one author */
  KITH_PROPOSAL_BYTES_MAX = 8192, /* an opening of all agencies, signed by all keys, fits */
  KITH_PROPOSAL_S = 14 * 24 * 3600, /* older ones are forgotten */
  KITH_ROUNDS_MAX = 4096,
  KITH_REVIEW_BYTES_MAX = 256 * 1024,
  KITH_CHUNK_BYTES_MAX = 1024 * 1024, /* of a sealed list */
  KITH_LIST_BYTES_MAX = 1024 * 1024 * 1024,
  KITH_AUDIT_EXPORT_BYTES_MAX = 1024 * 1024 * 1024,
  KITH_LETTER_BYTES_MAX = 32 * 1024, /* from recipient to agency, or back */
  KITH_SEALED_LETTER_BYTES_MAX = KITH_LETTER_BYTES_MAX + 48,
  KITH_LETTERS_MAX = 4096, /* of one author in a round */
  KITH_MESSAGE_BYTES_MAX = KITH_BATCH_BYTES_MAX + 64 * 1024,

  KITH_WIRE_DEPTH_MAX = 6,
  KITH_CONNECTIONS_MAX = 128,
  KITH_QUEUE_MESSAGES = 4, /* high-water mark of a socket, each way */
  KITH_HANDSHAKE_MS = 10000,
  KITH_HEARTBEAT_MS = 15000,
  KITH_HEARTBEAT_TIMEOUT_MS = 45000,
  KITH_LINGER_MS = 1000,
  KITH_REPLY_MS = 20000,  /* a client waits so long for a reply before it asks again */
  KITH_CLOCK_SKEW_S = 300 /* a statement from further in the future is refused */
};

#endif
