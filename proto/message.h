/* Requests and replies between a member and the matcher (docs/protocol.md, section 3): each with
 * its writer and its reader. Bytes in a read message are borrowed from the input. */
#ifndef KITH_PROTO_MESSAGE_H
#define KITH_PROTO_MESSAGE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "crypto/tree.h"
#include "proto/limits.h"
#include "proto/note.h"
#include "proto/signed.h"
#include "proto/statement.h"
#include "proto/wire.h"

enum kith_request_type {
  KITH_REQUEST_HELLO = 1,
  KITH_REQUEST_DOCUMENT_PUT,
  KITH_REQUEST_DOCUMENT_GET,
  KITH_REQUEST_ROUND_LIST,
  KITH_REQUEST_STATEMENT_PUT,
  KITH_REQUEST_STATEMENT_GET,
  KITH_REQUEST_BATCH_PUT,
  KITH_REQUEST_BATCH_STATUS,
  KITH_REQUEST_COHORT_GET,
  KITH_REQUEST_AUDIT_GET,
  KITH_REQUEST_REVIEW_GET,
  KITH_REQUEST_PROPOSAL_PUT,
  KITH_REQUEST_PROPOSAL_LIST,
  KITH_REQUEST_LETTER_PUT,
  KITH_REQUEST_LETTER_GET,
  KITH_REQUEST_COSIGN_GET,
  KITH_REQUEST_COSIGN_PUT,
  KITH_REQUEST_TYPES
};

enum kith_reply_error {
  KITH_REPLY_OK = 0,
  KITH_REPLY_DENIED,
  KITH_REPLY_MALFORMED,
  KITH_REPLY_UNKNOWN_TYPE,
  KITH_REPLY_NOT_FOUND,
  KITH_REPLY_WRONG_STATE,
  KITH_REPLY_CONFLICT,
  KITH_REPLY_BAD_SIGNATURE,
  KITH_REPLY_LIMIT,
  KITH_REPLY_INTERNAL,
  KITH_REPLY_BAD_REFERENCE,
  KITH_REPLY_STALE,
  KITH_REPLY_ERRORS
};

enum kith_round_state {
  KITH_ROUND_ANNOUNCED = 1,
  KITH_ROUND_GATHERING,
  KITH_ROUND_KEYING,
  KITH_ROUND_SUBMITTING,
  KITH_ROUND_MATCHING,
  KITH_ROUND_REVIEW,
  KITH_ROUND_RELEASED,
  KITH_ROUND_CLOSED,
  KITH_ROUND_ABORTED,
  KITH_ROUND_STATES
};

enum kith_letter_kind { /* proto/letter.h */
                        KITH_LETTER_REQUEST = 1,
                        KITH_LETTER_ANSWER,
                        KITH_LETTER_FEEDBACK,
                        KITH_LETTER_CONTEXT,
                        KITH_LETTER_KINDS
};

struct kith_span { /* borrowed bytes */
  const uint8_t *bytes;
  size_t len;
};

struct kith_request {
  enum kith_request_type type;
  uint64_t request_id;
  union {
    struct kith_signed document_put; /* the reader makes an owned copy: kith_request_free */
    struct {
      enum kith_document_kind kind;
      bool newest;
      struct kith_hash hash;
    } document_get;
    struct {
      kith_round_id round;
      struct kith_span statement;
      struct kith_checkpoint checkpoint;
    } statement_put;
    struct {
      kith_round_id round;
      uint32_t from;
    } statement_get;
    struct {
      kith_round_id round;
      uint32_t number;
      struct kith_hash hash;
      struct kith_span rows;
    } batch_put;
    struct {
      kith_round_id round;
    } batch_status;
    struct {
      kith_round_id round;
      uint64_t offset;
    } cohort_get;
    struct {
      uint64_t offset;
    } audit_get;
    struct {
      kith_round_id round;
    } review_get;
    struct kith_span proposal_put; /* a statement, signed by fewer than are needed, or enough */
    struct {
      kith_round_id round;
      kith_member_id reader;
      enum kith_letter_kind kind;
      struct kith_hash id;
      struct kith_span sealed;
    } letter_put;
    struct {
      kith_round_id round;
      uint32_t after;
    } letter_get;
    struct {
      uint64_t old; /* entries that the proof is to begin with */
    } cosign_get;
    struct {
      uint64_t seq; /* entries of the matcher's log that are cosigned */
      int64_t time;
      uint8_t signature[KITH_SIGN_BYTES];
      struct kith_checkpoint checkpoint; /* of the agency's log, to be cosigned */
      struct kith_tree_proof proof;
    } cosign_put;
  } body;
};

struct kith_letter_entry { /* a letter to the one who asks */
  uint32_t number;         /* from 1, in the order in which they came */
  kith_member_id author;
  enum kith_letter_kind kind;
  struct kith_hash id;
  struct kith_span sealed;
};

struct kith_round_entry {
  kith_round_id round;
  enum kith_round_state state;
  uint32_t attempt;
  int64_t opened;
  int64_t deadline; /* of the state; 0: none */
};

struct kith_reply {
  enum kith_request_type type; /* of the request that it answers */
  uint64_t request_id;
  enum kith_reply_error error; /* if not OK the body is empty */
  union {
    struct {
      char software[64];
      int64_t time;
      struct kith_hash charter;
      uint32_t n_rounds;
    } hello;
    struct kith_hash document_put;
    struct {
      struct kith_hash hash;
      struct kith_signed document; /* owned copy when read: kith_reply_free */
    } document_get;
    struct {
      uint32_t n;
      struct kith_round_entry *rounds; /* owned when read: kith_reply_free */
    } round_list;
    struct {
      uint32_t index;
      struct kith_checkpoint checkpoint;
    } statement_put;
    struct {
      enum kith_round_state state;
      uint32_t attempt;
      int64_t deadline;
      uint32_t progress;
      uint32_t total;
      uint32_t n;
      struct kith_span *statements; /* the array is owned when read, the bytes borrowed */
    } statement_get;
    struct {
      uint32_t held;
      struct kith_checkpoint checkpoint;
    } batch_put;
    struct kith_span batch_status;
    struct {
      uint64_t total;
      struct kith_hash hash;
      struct kith_span chunk;
    } cohort_get;                /* and audit.get */
    struct kith_span review_get; /* proto/review.h */
    struct {
      unsigned n_signed; /* governance keys that stand under it now */
      unsigned n_needed;
      bool said; /* enough have signed: it is in the round's log */
    } proposal_put;
    struct {
      uint32_t n;
      struct kith_span *statements; /* the array is owned when read, the bytes borrowed */
    } proposal_list;
    uint32_t letter_put; /* its number */
    struct {
      uint32_t n;
      struct kith_letter_entry *letters; /* the array is owned when read, the bytes borrowed */
    } letter_get;
    struct {
      struct kith_checkpoint checkpoint; /* of the matcher's log */
      struct kith_tree_proof proof;      /* that it continues the old one */
      uint64_t cosigned; /* entries of it that the agency has cosigned, as the matcher has it */
      uint64_t held;     /* entries of the agency's log that the matcher has cosigned */
    } cosign_get;
    struct { /* the matcher's cosignature of the agency's checkpoint */
      int64_t time;
      uint8_t signature[KITH_SIGN_BYTES];
    } cosign_put;
  } body;
};

KITH_MUST_USE enum kith_err kith_request_write(struct kith_buf *out,
                                               const struct kith_request *request);
/* KITH_ERR_DATA: malformed; *out has type and request_id where those could be read (else 0), so
 * that the refusal can be addressed. KITH_ERR_NOT_FOUND: a type that is not known. */
KITH_MUST_USE enum kith_err kith_request_read(struct kith_request *out, const void *bytes,
                                              size_t len);
void kith_request_free(struct kith_request *request);

KITH_MUST_USE enum kith_err kith_reply_write(struct kith_buf *out, const struct kith_reply *reply);
KITH_MUST_USE enum kith_err kith_reply_read(struct kith_reply *out, const void *bytes, size_t len);
void kith_reply_free(struct kith_reply *reply);

const char *kith_request_name(enum kith_request_type type);
const char *kith_reply_error_name(enum kith_reply_error error);
const char *kith_round_state_name(enum kith_round_state state);
bool kith_round_state_final(enum kith_round_state state); /* closed or aborted */

/* message_letter.c: bodies of letter.put and letter.get. */
void kith_letter_request_write(struct kith_buf *out, const struct kith_request *request);
void kith_letter_request_read(struct kith_reader *reader, struct kith_request *out);
void kith_letter_reply_write(struct kith_buf *out, const struct kith_reply *reply);
KITH_MUST_USE enum kith_err kith_letter_reply_read(struct kith_reader *reader,
                                                   struct kith_reply *out);

/* message_cosign.c: bodies of cosign.get and cosign.put. */
void kith_cosign_request_write(struct kith_buf *out, const struct kith_request *request);
void kith_cosign_request_read(struct kith_reader *reader, struct kith_request *out);
void kith_cosign_reply_write(struct kith_buf *out, const struct kith_reply *reply);
void kith_cosign_reply_read(struct kith_reader *reader, struct kith_reply *out);

void kith_checkpoint_write(struct kith_buf *buf, const struct kith_checkpoint *checkpoint);
void kith_checkpoint_read(struct kith_reader *reader, struct kith_checkpoint *out);

#endif
