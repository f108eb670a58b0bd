/* Letters (docs/protocol.md, section 11): what a recipient asks an agency about a person of a
 * released list, what the agency answers, what the recipient found at the door, and what an agency
 * tells unasked (proto/context.h). Sealed to their
 * reader, signed by their author; the matcher only relays them. Pure. */
#ifndef KITH_PROTO_LETTER_H
#define KITH_PROTO_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "proto/limits.h"
#include "proto/message.h"
#include "proto/policy.h"
#include "proto/release.h"
#include "proto/statement.h"

enum kith_disclosure_verdict {
  KITH_DISCLOSURE_GRANTED = 1,
  KITH_DISCLOSURE_REDUCED,
  KITH_DISCLOSURE_REFUSED,
  KITH_DISCLOSURE_EXPIRED,
  KITH_DISCLOSURE_VERDICTS
};

enum {
  KITH_REQUEST_NONCE_BYTES = 16,
  KITH_WORDS_BYTES = 2001, /* with its terminator */
  KITH_MARKER_BYTES = 512,
  KITH_REFERENCE_BYTES = 129,
  KITH_DISCLOSED_BYTES = 1025, /* of one field's value */
  KITH_TOKEN_BYTES = 32,
  KITH_TOKENS_MAX = 8,           /* of one record, told with an answer */
  KITH_LETTER_STEP_BYTES = 4096, /* a letter's length is a multiple of it */
  KITH_CONTEXT_TAG_BYTES = 16,
  KITH_CONTEXT_VALUE_BYTES = 17,     /* with its terminator */
  KITH_CONTEXT_BYTES_MAX = 30 * 1024 /* of the entries of a letter */
};

/* A reason code is written as a member's id is. */
typedef char kith_reason_code[KITH_MEMBER_ID_BYTES];

struct kith_disclosure_request {
  struct kith_leaf_proof proof;
  uint8_t nonce[KITH_REQUEST_NONCE_BYTES];
  int64_t expires;
  unsigned n_fields; /* 1 .. KITH_FIELDS_MAX, all different */
  char fields[KITH_FIELDS_MAX][KITH_FIELD_NAME_BYTES];
  kith_reason_code reason;
  char words[KITH_WORDS_BYTES];
  char gateway[KITH_TEXT_BYTES];
};

struct kith_disclosure_answer {
  struct kith_hash request;
  enum kith_disclosure_verdict verdict;
  kith_reason_code reason; /* empty, or why it was refused */
  /* Empty where nothing is disclosed: */
  char reference[KITH_REFERENCE_BYTES];
  unsigned n_fields;
  struct {
    char field[KITH_FIELD_NAME_BYTES];
    char value[KITH_DISCLOSED_BYTES];
  } fields[KITH_FIELDS_MAX];
  char marker[KITH_MARKER_BYTES];
  /* Of wrong links in which the record was found before (feedback). */
  unsigned n_tokens;
  uint8_t tokens[KITH_TOKENS_MAX][KITH_TOKEN_BYTES];
};

struct kith_feedback {
  struct kith_leaf_proof proof;
  uint8_t nonce[KITH_REQUEST_NONCE_BYTES];
  bool wrong; /* the records are not of one person */
  kith_reason_code reason;
  uint8_t token[KITH_TOKEN_BYTES];
};

/* Entries (proto/context.h), ascending by tag. */
struct kith_context {
  unsigned n_attributes;                                               /* 1 .. */
  char attributes[KITH_CONTEXT_ATTRIBUTES_MAX][KITH_FIELD_NAME_BYTES]; /* all different */
  size_t len; /* from one entry on, a multiple of kith_context_entry_bytes */
  uint8_t entries[KITH_CONTEXT_BYTES_MAX];
};
size_t kith_context_entry_bytes(unsigned n_attributes);

/* Without pointers; some 30 KB, so on the heap; wiped by whoever frees it. */
struct kith_letter {
  enum kith_letter_kind kind;
  kith_round_id round;
  kith_member_id author;
  kith_member_id reader;
  int64_t time;
  union {
    struct kith_disclosure_request request;
    struct kith_disclosure_answer answer;
    struct kith_feedback feedback;
    struct kith_context context;
  } body;
};

/* Signs; *out is cleared first. KITH_ERR_INTERNAL where it breaks what the reader asks for. */
KITH_MUST_USE enum kith_err kith_letter_write(struct kith_buf *out,
                                              const struct kith_letter *letter,
                                              const struct kith_identity *identity);
/* Strict; the signature is not looked at. KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_letter_read(struct kith_letter *out, enum kith_letter_kind kind,
                                             const void *bytes, size_t len);
/* KITH_ERR_NO: not signed by that key as a letter of this kind. KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_letter_verify(const void *bytes, size_t len,
                                               enum kith_letter_kind kind,
                                               const uint8_t sign_key[KITH_PUBLIC_BYTES]);
/* The core alone, appended: what is signed. */
void kith_letter_core_write(struct kith_buf *out, const struct kith_letter *letter);
/* Its id. */
void kith_letter_hash(struct kith_hash *out, enum kith_letter_kind kind, const void *bytes,
                      size_t len);

/* From whom to whom, as the matcher says or as the letter does. */
struct kith_envelope {
  enum kith_letter_kind kind;
  kith_round_id round;
  kith_member_id author;
  kith_member_id reader;
};
/* *out: a fresh buffer (kith_free) of *out_len bytes. */
KITH_MUST_USE enum kith_err kith_letter_seal(uint8_t **out, size_t *out_len,
                                             const uint8_t reader_key[KITH_SEAL_KEY_BYTES],
                                             const struct kith_envelope *envelope,
                                             const void *bytes, size_t len);
/* *out: a fresh buffer of *out_len bytes, which the caller wipes and frees. KITH_ERR_NO: not sealed
 * to this key and envelope, or altered. */
KITH_MUST_USE enum kith_err kith_letter_unseal(uint8_t **out, size_t *out_len,
                                               const struct kith_secret *seal_key,
                                               const struct kith_envelope *envelope,
                                               const void *sealed, size_t len);
/* All that a reader must know: unseals, checks the signature, reads, and holds it against envelope
 * and `id`, its own or, of an answer, its request's. *bytes (NULL: not wanted): a fresh copy of the
 * letter. KITH_ERR_NO: it fails one of these. */
KITH_MUST_USE enum kith_err kith_letter_open(struct kith_letter *out, uint8_t **bytes,
                                             size_t *bytes_len, const struct kith_secret *seal_key,
                                             const uint8_t author_key[KITH_PUBLIC_BYTES],
                                             const struct kith_envelope *envelope,
                                             const struct kith_hash *id, const void *sealed,
                                             size_t len);

/* The commitment to a request's words that goes into audit logs. */
KITH_MUST_USE enum kith_err kith_words_commit(struct kith_hash *out,
                                              const struct kith_disclosure_request *request);

/* Whether the code is one that feedback gives. */
bool kith_feedback_reason(const char *code);
const char *kith_disclosure_verdict_name(enum kith_disclosure_verdict verdict); /* "granted", ... */
/* A reason of a refusal in words; NULL: no such code. *by_officer (may be NULL): one that an
 * officer may give. */
const char *kith_refusal_words(const char *code, bool *by_officer);

#endif
