/* The matcher's service: one thread that owns the socket and the store, answers requests, and moves
 * each round from state to state; and one thread that matches, when a round is ready.
 *
 * Every change of state is one transaction together with the statement that causes it and its audit
 * entry, so that a matcher that is killed goes on from what it committed. */
#ifndef KITH_MATCHER_SERVICE_SERVICE_H
#define KITH_MATCHER_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/service/config.h"
#include "matcher/service/tables.h"
#include "proto/daemon_main.h"
#include "proto/message.h"
#include "proto/node.h"
#include "proto/transport.h"

struct kith_matching;

struct kith_matcher_round {
  struct kith_node_round *node; /* its log and charter */
  struct kith_policy policy;
  enum kith_round_state state;
  int64_t deadline; /* of the state; 0: none */
  bool destroyed;   /* encodings, once released; everything, once closed or aborted */
};

struct kith_matcher {
  struct kith_matcher_config config;
  struct kith_node *node;
  struct kith_server *server;
  unsigned n_rounds;
  struct kith_matcher_round **rounds; /* owned, in the order in which they were opened */
  struct kith_matching *matching;     /* the one that runs; NULL: none */
  struct {
    kith_member_id member;
    int64_t hour;
    unsigned n;
  } notes[KITH_MEMBERS_MAX]; /* audit entries that a member has caused by what was not taken */
  int64_t stuck_logged_ms;   /* when "round.stuck" was last logged; 0: never */
};

/* Opens the node, binds the socket, takes up the rounds where they were left. */
KITH_MUST_USE enum kith_err kith_matcher_new(struct kith_matcher **out, const char *config_path,
                                             struct kith_fault *fault);
void kith_matcher_free(struct kith_matcher *matcher);

/* Serves until *stop is set by a signal. */
KITH_MUST_USE enum kith_err kith_matcher_run(struct kith_matcher *matcher, const volatile int *stop,
                                             const struct kith_daemon_hooks *hooks,
                                             struct kith_fault *fault);

/* ---- requests.c */

/* Lets the charter's members in, and nobody else. */
KITH_MUST_USE enum kith_err kith_matcher_allow_members(struct kith_matcher *matcher);

/* Answers one request of a member; the reply's bytes go to `out`. */
KITH_MUST_USE enum kith_err kith_matcher_answer(struct kith_matcher *matcher, struct kith_buf *out,
                                                const struct kith_member *member, const void *bytes,
                                                size_t len);

/* ---- cosign.c: bodies of cosign.get and cosign.put */

enum kith_reply_error kith_matcher_cosign_get(struct kith_matcher *matcher,
                                              const struct kith_member *member,
                                              const struct kith_request *request,
                                              struct kith_reply *reply);
enum kith_reply_error kith_matcher_cosign_put(struct kith_matcher *matcher,
                                              const struct kith_member *member,
                                              const struct kith_request *request,
                                              struct kith_reply *reply);

/* ---- rounds.c */

KITH_MUST_USE enum kith_err kith_matcher_rounds_load(struct kith_matcher *matcher,
                                                     struct kith_fault *fault);
void kith_matcher_rounds_free(struct kith_matcher *matcher);
struct kith_matcher_round *kith_matcher_round_find(struct kith_matcher *matcher,
                                                   const kith_round_id id);
/* A statement from a member: checks, stores, moves the round on. *index is its place. */
enum kith_reply_error kith_matcher_take_statement(struct kith_matcher *matcher,
                                                  const struct kith_member *member,
                                                  const kith_round_id id, const void *bytes,
                                                  size_t len, uint32_t *index);

/* A statement that was added to the log in memory but could not be stored must leave it again. */
void kith_matcher_round_reload(struct kith_matcher *matcher, struct kith_matcher_round *round);

/* Whether one more audit entry may be written of what a member did that changed nothing: refused
 * and repeated messages are free to send, and must not fill the store. */
bool kith_matcher_may_note(struct kith_matcher *matcher, const char *member);

/* ---- advance.c */

/* Moves the round through all states that it is ready to leave. */
KITH_MUST_USE enum kith_err kith_matcher_advance(struct kith_matcher *matcher,
                                                 struct kith_matcher_round *round);
/* Stores a statement of the matcher's own and the round's new state in one transaction. */
KITH_MUST_USE enum kith_err kith_matcher_move(struct kith_matcher *matcher,
                                              struct kith_matcher_round *round,
                                              enum kith_round_state state, int64_t deadline,
                                              struct kith_statement *statement);
/* The same, within a transaction that the caller began, and which is always ended. */
KITH_MUST_USE enum kith_err kith_matcher_move_in(struct kith_matcher *matcher, struct kith_txn *txn,
                                                 struct kith_matcher_round *round,
                                                 enum kith_round_state state, int64_t deadline,
                                                 struct kith_statement *statement);
/* Whether the seat's records are matched: it has submitted, and is among those that governance has
 * consented to where it has said so. A manifest that comes after the consent changes nothing. */
bool kith_matcher_takes_part(const struct kith_matcher_round *round, const struct kith_seat *seat);
KITH_MUST_USE enum kith_err kith_matcher_abort_round(struct kith_matcher *matcher,
                                                     struct kith_matcher_round *round,
                                                     enum kith_reason reason, const char *culprit);
KITH_MUST_USE enum kith_err kith_matcher_round_store(struct kith_matcher *matcher,
                                                     struct kith_txn *txn,
                                                     const struct kith_matcher_round *round);

/* ---- release.c */

struct kith_linkage_result;
struct kith_intake_rows;

/* Seals the cohort list to every recipient and moves the round to released, in one transaction. */
KITH_MUST_USE enum kith_err kith_matcher_release(struct kith_matcher *matcher,
                                                 struct kith_matcher_round *round,
                                                 const struct kith_linkage_result *result,
                                                 const struct kith_intake_rows *parties,
                                                 unsigned n_parties);
/* A copy of a recipient's sealed list (kith_free). */
KITH_MUST_USE enum kith_err kith_release_list_load(struct kith_matcher *matcher,
                                                   const struct kith_matcher_round *round,
                                                   const char *recipient, uint8_t **out,
                                                   size_t *len);

/* ---- review.c */

/* Whether the round's threshold is decided: by governance, whose word is put into *policy, or by
 * the policy itself. */
bool kith_review_decided(struct kith_policy *policy, const struct kith_round_view *view);
/* Keeps what governance may see of the result, and moves the round to review. */
KITH_MUST_USE enum kith_err kith_review_begin(struct kith_matcher *matcher,
                                              struct kith_matcher_round *round,
                                              const struct kith_linkage_result *result,
                                              const char *const *names);
/* A copy of it (kith_free). KITH_ERR_NOT_FOUND. */
KITH_MUST_USE enum kith_err kith_review_load(struct kith_matcher *matcher,
                                             const struct kith_matcher_round *round, uint8_t **out,
                                             size_t *len);
KITH_MUST_USE enum kith_err kith_review_destroy(struct kith_matcher *matcher,
                                                const kith_round_id id);
/* A decision outside the policy's band is denied; one on other numbers is a bad reference. */
enum kith_reply_error kith_review_check(struct kith_matcher *matcher,
                                        const struct kith_matcher_round *round,
                                        const struct kith_threshold_decision *decision);

/* ---- proposals.c */

/* Those of a charter's governance keys that the charter in force still lists, and how many of them
 * must sign: a key that was taken out can't decide on a round that is under way. */
void kith_matcher_signers(struct kith_signers *out, const struct kith_matcher *matcher,
                          const struct kith_charter *charter);
/* Takes a joint statement that some have signed; says it once enough have. */
enum kith_reply_error kith_proposal_put(struct kith_matcher *matcher,
                                        const struct kith_member *member,
                                        const struct kith_span *given, struct kith_reply *reply);
/* Copies of what waits (held: kith_free each, also after an error) and spans over them; room for
 * KITH_PROPOSALS_MAX of both. */
KITH_MUST_USE enum kith_err kith_proposals_load(struct kith_matcher *matcher, uint8_t **held,
                                                struct kith_span *spans, uint32_t *n);

/* ---- letters.c: between recipients and agencies of a released round; sealed, and kept boxed under
 * a round key that goes with the list */

enum kith_reply_error kith_letters_put(struct kith_matcher *matcher,
                                       struct kith_matcher_round *round,
                                       const struct kith_member *author,
                                       const struct kith_request *request, uint32_t *number);
/* Letters to the member after a number, as many as fit. KITH_ERR_MEMORY and what the store says;
 * free with kith_letters_free. */
struct kith_letters {
  uint32_t n;
  struct kith_letter_entry *letters; /* owned, with the bytes */
};
KITH_MUST_USE enum kith_err kith_letters_get(struct kith_matcher *matcher,
                                             const struct kith_matcher_round *round,
                                             const char *reader, uint32_t after,
                                             struct kith_letters *out);
void kith_letters_free(struct kith_letters *letters);
/* Whether the member may read and write letters of the round: its state aside. */
bool kith_letters_concern(const struct kith_matcher_round *round, const struct kith_member *member);
/* After the round's keys are destroyed. */
KITH_MUST_USE enum kith_err kith_letters_delete(struct kith_matcher *matcher,
                                                const kith_round_id id);

/* ---- matching.c */

/* Starts the matching thread on the round's intake. KITH_ERR_EXISTS where one runs. */
KITH_MUST_USE enum kith_err kith_matching_start(struct kith_matcher *matcher,
                                                struct kith_matcher_round *round,
                                                struct kith_fault *fault);
bool kith_matching_is_of(const struct kith_matching *matching,
                         const struct kith_matcher_round *round);
bool kith_matching_done(const struct kith_matching *matching);
/* Thousandths. */
uint32_t kith_matching_progress(const struct kith_matching *matching);
/* Joins the thread, and releases the round or, where matching failed, aborts it. */
KITH_MUST_USE enum kith_err kith_matching_finish(struct kith_matcher *matcher,
                                                 struct kith_matcher_round *round);
/* Cancels and joins. */
void kith_matching_cancel(struct kith_matcher *matcher);

#endif
