/* What a recipient keeps of its disclosures: a node of its own (proto/node.h) under state_dir, with
 * an audit log, and what it asked and was told, boxed under a round key that is destroyed with the
 * round.
 *
 * Life: open (destroys what is past its retention), use, close. */
#ifndef KITH_CLI_RECIPIENT_RECIPIENT_H
#define KITH_CLI_RECIPIENT_RECIPIENT_H

#include "cli/home.h"
#include "proto/letter.h"
#include "proto/node.h"

enum kith_asked_state {
  KITH_ASKED_WRITTEN = 1, /* the matcher has not taken it yet */
  KITH_ASKED_SENT,
  KITH_ASKED_ANSWERED,
  KITH_ASKED_REFUSED,   /* by the matcher */
  KITH_ASKED_WITHDRAWN, /* its agency has withdrawn the record; an answer is taken out */
  KITH_ASKED_STATES
};

/* A request with its answer, or feedback. */
struct kith_asked {
  kith_round_id round;
  struct kith_hash id;
  enum kith_letter_kind kind; /* request or feedback */
  enum kith_asked_state state;
  uint32_t refused;           /* enum kith_reply_error, where the matcher refused it */
  struct kith_letter *letter; /* owned */
  uint8_t *bytes;             /* owned; the letter as it was signed */
  size_t len;
  uint8_t *sealed; /* owned; as it is sent */
  size_t sealed_len;
  struct kith_letter *answer; /* owned; NULL: none yet */
  uint8_t *answer_bytes;      /* owned */
  size_t answer_len;
};
void kith_asked_free(struct kith_asked *asked); /* takes a zeroed one; wipes */

struct kith_recipient {
  struct kith_home *home; /* borrowed */
  struct kith_node *node;
};

/* `home` is unlocked. KITH_ERR_UNAVAILABLE where another kith has it open. */
KITH_MUST_USE enum kith_err kith_recipient_open(struct kith_recipient *out, struct kith_home *home,
                                                struct kith_fault *fault);
void kith_recipient_close(struct kith_recipient *recipient); /* takes a zeroed one */

/* Whether anything of a round is kept; its key is not made by asking. */
bool kith_recipient_has(const struct kith_recipient *recipient, const kith_round_id round);
/* Notes until when what belongs to a released round may be kept, and which numbers are small. */
KITH_MUST_USE enum kith_err kith_recipient_until(const struct kith_recipient *recipient,
                                                 const struct kith_round_view *view,
                                                 const struct kith_policy *policy);
/* The policy's minimum count. KITH_ERR_NOT_FOUND: it was not noted. */
KITH_MUST_USE enum kith_err kith_recipient_minimum(const struct kith_recipient *recipient,
                                                   const kith_round_id round, uint32_t *minimum);
/* Stores it with an audit entry; event 0: without one. */
KITH_MUST_USE enum kith_err kith_asked_put(const struct kith_recipient *recipient,
                                           const struct kith_asked *asked,
                                           enum kith_audit_event event);
/* A letter to the agency with all but its body, which is the caller's to fill in asked->letter. */
KITH_MUST_USE enum kith_err kith_asked_begin(struct kith_asked *asked, const struct kith_home *home,
                                             const kith_round_id round, const char *agency,
                                             enum kith_letter_kind kind);
/* Signs the letter, seals it to its reader, and stores both. KITH_ERR_NOT_FOUND: the charter of the
 * round does not have the reader. */
KITH_MUST_USE enum kith_err kith_asked_seal(const struct kith_recipient *recipient,
                                            struct kith_asked *asked, const struct kith_home *home,
                                            const struct kith_charter *charter,
                                            enum kith_audit_event event);
/* Of one round, in the order of their ids, or (NULL) of all. */
typedef enum kith_err kith_asked_visit(void *context, struct kith_asked *asked);
KITH_MUST_USE enum kith_err kith_asked_each(const struct kith_recipient *recipient,
                                            const uint8_t *round, kith_asked_visit *visit,
                                            void *context);
/* KITH_ERR_NOT_FOUND. */
KITH_MUST_USE enum kith_err kith_asked_get(const struct kith_recipient *recipient,
                                           struct kith_asked *out, const kith_round_id round,
                                           const struct kith_hash *id);
/* An entry about a letter that was not what it said. */
KITH_MUST_USE enum kith_err kith_recipient_dropped(const struct kith_recipient *recipient,
                                                   const kith_round_id round, const char *author,
                                                   const struct kith_hash *id);
/* The number of the last letter that was read; 0: none. */
KITH_MUST_USE enum kith_err kith_recipient_read(const struct kith_recipient *recipient,
                                                const kith_round_id round, uint32_t *number);
KITH_MUST_USE enum kith_err kith_recipient_read_up_to(const struct kith_recipient *recipient,
                                                      const kith_round_id round, uint32_t number);
/* The rounds that something is kept of: *out fresh (kith_free). */
KITH_MUST_USE enum kith_err kith_recipient_rounds(const struct kith_recipient *recipient,
                                                  kith_round_id **out, size_t *n);
/* Destroys all that is kept of the round, the pulled list too. */
KITH_MUST_USE enum kith_err kith_recipient_forget(const struct kith_recipient *recipient,
                                                  const kith_round_id round,
                                                  struct kith_fault *fault);

/* What became of the requests about a round's handles: an object from handle (hex) to {"state",
 * "request", "refusal", "reference", "fields": {}, "marker", "asked"}, of several the one that was
 * answered last, or asked last. */
KITH_MUST_USE enum kith_err kith_recipient_told(const struct kith_recipient *recipient,
                                                const kith_round_id round, json_t **out);
/* Takes what was told of records that are withdrawn out of the store, with an audit entry each;
 * nothing the second time. `view`: the round's verified statements. */
KITH_MUST_USE enum kith_err kith_recipient_withdraw(const struct kith_recipient *recipient,
                                                    const struct kith_round_view *view,
                                                    struct kith_fault *fault);
const char *kith_asked_state_name(const struct kith_asked *asked);

/* The recipient's own audit log, exported (kith_free). `home` is unlocked. */
KITH_MUST_USE enum kith_err kith_recipient_audit(struct kith_home *home, uint8_t **out, size_t *len,
                                                 struct kith_fault *fault);

/* The round's policy, verified, from the matcher. */
KITH_MUST_USE enum kith_err kith_recipient_policy(struct kith_home *home, struct kith_policy *out,
                                                  const struct kith_remote_round *round,
                                                  struct kith_fault *fault);
/* Sends what is written and not taken yet. KITH_ERR_NO: the matcher has refused it, which is kept
 * with it. Whatever else goes wrong, the letter stays as it is, to be sent again. */
KITH_MUST_USE enum kith_err kith_asked_send(const struct kith_recipient *recipient,
                                            struct kith_asked *asked, struct kith_fault *fault);

#endif
