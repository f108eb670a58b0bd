#include "matcher/service/service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "matcher/linkage/linkage.h"
#include "matcher/service/blind.h"
#include "matcher/service/intake.h"
#include "matcher/service/journal.h"

enum { JOURNAL_SHARE = 4 /* of the store's room, that a journal may take */ };

/* The thread reads what the service gave it and writes its result and its journal, which has
 * transactions of its own: nothing else is shared. */
struct kith_matching {
  kith_round_id round;
  struct kith_policy policy;
  unsigned n_parties;
  struct kith_intake_rows parties[KITH_AGENCIES_MAX]; /* in order of the agencies' ids */
  const struct kith_encodings *encodings[KITH_AGENCIES_MAX];
  char ids[KITH_AGENCIES_MAX][KITH_MEMBER_ID_BYTES];
  const char *names[KITH_AGENCIES_MAX];
  bool decided; /* on the threshold, or nobody has to */
  unsigned n_threads;
  pthread_t thread;
  atomic_bool cancel;
  atomic_bool done;
  atomic_uint progress;
  enum kith_err err;
  struct kith_fault fault;
  struct kith_linkage_result result;
  struct kith_matching_journal *journal; /* owned; NULL under blind */
  struct kith_blind_matching blind;      /* under such a policy */
  struct kith_secret *key;               /* owned; of the intake, for that */
  struct kith_withdrawal *withdrawals;   /* owned; those that the matching is without */
  int culprit;                           /* number of the party; -1: none, or it can't be told */
};

static void matching_free(struct kith_matching *matching)
{
  kith_linkage_result_free(&matching->result);
  kith_matching_journal_free(matching->journal);
  kith_secret_free(matching->key);
  kith_free(matching->withdrawals);
  for (unsigned i = 0; i < matching->n_parties; i++)
    kith_intake_rows_free(&matching->parties[i]);
  kith_free(matching);
}

static void progress(void *context, double share)
{
  struct kith_matching *matching = context;

  atomic_store(&matching->progress, (unsigned)(share * 1000));
}

static void *matching_main(void *context)
{
  struct kith_matching *matching = context;
  bool blind = matching->policy.protection == KITH_PROTECTION_BLIND;
  struct kith_linkage_journal journal;
  struct kith_linkage_input input = {
      .n_parties = matching->n_parties,
      .parties = matching->encodings,
      .policy = &matching->policy,
      .names = matching->names,
      .within = true,
      .n_threads = matching->n_threads,
      .progress = progress,
      .progress_context = matching,
      .cancel = &matching->cancel,
  };

  if (blind) {
    matching->err = kith_blind_match(&matching->result, &matching->blind, &input,
                                     &matching->culprit, &matching->fault);
  } else {
    journal = kith_matching_journal_linkage(matching->journal);
    input.journal = &journal;
    matching->err = kith_linkage_run(&matching->result, &input, &matching->fault);
  }
  atomic_store(&matching->done, true);
  return NULL;
}

/* Agencies that submitted; all of the roster, or those that governance consented to. */
static enum kith_err load_parties(struct kith_matcher *matcher,
                                  const struct kith_matcher_round *round,
                                  struct kith_matching *matching, struct kith_fault *fault)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_withdrawals withdrawals = kith_withdrawals_all(view);
  enum kith_err err = KITH_OK;

  for (unsigned i = 0; err == KITH_OK && i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    if (!kith_matcher_takes_part(round, seat))
      continue;
    err = kith_intake_load(matcher->node, &matching->parties[matching->n_parties], round->node->id,
                           seat->member, &seat->manifest, &round->policy, fault);
    if (err != KITH_OK)
      break;
    (void)kith_intake_drop_withdrawn(&matching->parties[matching->n_parties], &withdrawals,
                                     seat->member, NULL);
    memcpy(matching->ids[matching->n_parties], seat->member, sizeof seat->member);
    matching->names[matching->n_parties] = matching->ids[matching->n_parties];
    matching->encodings[matching->n_parties] = &matching->parties[matching->n_parties].encodings;
    matching->n_parties++;
  }
  return err;
}

/* The log is the service's own, and grows while the thread runs. */
static enum kith_err copy_withdrawals(struct kith_matching *matching,
                                      const struct kith_round_view *view)
{
  matching->withdrawals = KITH_NEW_ARRAY(struct kith_withdrawal, view->n_withdrawals);
  if (!matching->withdrawals)
    return KITH_ERR_MEMORY;
  if (view->n_withdrawals)
    memcpy(matching->withdrawals, view->withdrawals,
           view->n_withdrawals * sizeof *matching->withdrawals);
  matching->blind.withdrawals =
      (struct kith_withdrawals){matching->round, view->n_withdrawals, matching->withdrawals};
  return KITH_OK;
}

/* Under blind comparison rows are loaded by the thread, two agencies' at a time. */
static enum kith_err begin_blind(struct kith_matcher *matcher,
                                 const struct kith_matcher_round *round,
                                 struct kith_matching *matching, struct kith_fault *fault)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  struct kith_blind_matching *blind = &matching->blind;
  enum kith_err err = kith_intake_key(matcher->node, &matching->key, round->node->id, fault);

  *blind = (struct kith_blind_matching){.node = matcher->node,
                                        .key = matching->key,
                                        .round = matching->round,
                                        .parties = matching->parties};
  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];
    unsigned p = matching->n_parties;

    if (kith_matcher_takes_part(round, seat)) {
      blind->at[p] = blind->n_roster;
      blind->n_records[p] = seat->manifest.n_records;
      memcpy(matching->ids[p], seat->member, sizeof seat->member);
      matching->names[p] = matching->ids[p];
      matching->encodings[p] = &matching->parties[p].encodings;
      matching->n_parties++;
    }
    blind->n_roster += seat->in_roster;
  }
  return err == KITH_OK ? copy_withdrawals(matching, view) : err;
}

/* Of exactly these agencies' batches, without what is withdrawn, in a round with exactly this
 * policy. */
static enum kith_err open_journal(struct kith_matcher *matcher,
                                  const struct kith_matcher_round *round,
                                  struct kith_matching *matching, struct kith_fault *fault)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  struct kith_secret *key = NULL;
  struct kith_hash identity;
  struct kith_hasher hasher;
  enum kith_err err;

  kith_hasher_init(&hasher, "kith matching");
  kith_hasher_part(&hasher, view->open_hash.bytes, sizeof view->open_hash.bytes);
  for (unsigned i = 0; i < view->n_seats; i++)
    if (kith_matcher_takes_part(round, &view->seats[i])) {
      kith_hasher_part(&hasher, view->seats[i].member, strlen(view->seats[i].member));
      kith_hasher_part(&hasher, view->seats[i].manifest.root.bytes, KITH_HASH_BYTES);
    }
  for (uint32_t i = 0; i < view->n_withdrawals; i++)
    kith_hasher_part(&hasher, view->withdrawals[i].said.index.bytes, KITH_HASH_BYTES);
  kith_hasher_final(&hasher, &identity);
  if ((err = kith_intake_key(matcher->node, &key, round->node->id, fault)) != KITH_OK)
    return err;
  err = kith_matching_journal_new(&matching->journal, matcher->node->store, key, round->node->id,
                                  &identity, matcher->config.map_bytes / JOURNAL_SHARE);
  if (err != KITH_OK)
    kith_secret_free(key);
  return err;
}

/* What has ended needs no journal. A full disk does not matter: the intake's end deletes it. */
static void delete_journal(struct kith_matcher *matcher, const kith_round_id round)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, matcher->node->store, true);

  if (err == KITH_OK)
    err = kith_matching_journal_delete(txn, round);
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  if (err != KITH_OK)
    kith_log(KITH_LOG_WARNING, "matching.journal", KITH_LOG_STR("error", kith_err_name(err)));
}

enum kith_err kith_matching_start(struct kith_matcher *matcher, struct kith_matcher_round *round,
                                  struct kith_fault *fault)
{
  struct kith_matching *matching;
  enum kith_err err;

  if (matcher->matching)
    return KITH_ERR_EXISTS;
  matching = KITH_NEW(struct kith_matching);
  if (!matching)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  memcpy(matching->round, round->node->id, sizeof matching->round);
  matching->policy = round->policy;
  matching->decided = kith_review_decided(&matching->policy, kith_node_round_view(round->node));
  matching->n_threads = matcher->config.threads;
  matching->culprit = -1;
  if (round->policy.protection == KITH_PROTECTION_BLIND) {
    err = begin_blind(matcher, round, matching, fault);
  } else {
    err = load_parties(matcher, round, matching, fault);
    if (err == KITH_OK)
      err = open_journal(matcher, round, matching, fault);
  }
  if (err == KITH_OK && pthread_create(&matching->thread, NULL, matching_main, matching) != 0)
    err = kith_fail(fault, KITH_ERR_MEMORY, "the matching thread can't be started");
  if (err != KITH_OK) {
    matching_free(matching);
    return err;
  }
  matcher->matching = matching;
  return KITH_OK;
}

bool kith_matching_is_of(const struct kith_matching *matching,
                         const struct kith_matcher_round *round)
{
  return memcmp(matching->round, round->node->id, sizeof matching->round) == 0;
}

bool kith_matching_done(const struct kith_matching *matching)
{
  return atomic_load(&matching->done);
}

uint32_t kith_matching_progress(const struct kith_matching *matching)
{
  unsigned progress_now = atomic_load(&matching->progress);

  return progress_now < 1000 ? progress_now : 1000;
}

enum kith_err kith_matching_finish(struct kith_matcher *matcher, struct kith_matcher_round *round)
{
  struct kith_matching *matching = matcher->matching;
  enum kith_err err;

  matcher->matching = NULL;
  pthread_join(matching->thread, NULL);
  err = matching->err;
  if (err == KITH_OK && !matching->decided) {
    err = kith_review_begin(matcher, round, &matching->result, matching->names);
  } else if (err == KITH_OK) {
    err = kith_matcher_release(matcher, round, &matching->result, matching->parties,
                               matching->n_parties);
  } else {
    kith_log(KITH_LOG_ERROR, "matching.failed", KITH_LOG_STR("error", kith_err_name(err)));
    /* Out of memory may pass; what a limit or the data refuses will be refused again. */
    if (err == KITH_ERR_DATA && round->policy.protection == KITH_PROTECTION_BLIND)
      err = kith_matcher_abort_round(matcher, round, KITH_REASON_BAD_SUBMISSION,
                                     matching->culprit < 0 ? NULL
                                                           : matching->names[matching->culprit]);
    else if (err != KITH_ERR_MEMORY)
      err = kith_matcher_abort_round(matcher, round, KITH_REASON_INTERNAL, NULL);
  }
  if (err == KITH_OK)
    delete_journal(matcher, round->node->id);
  matching_free(matching);
  return err;
}

void kith_matching_cancel(struct kith_matcher *matcher)
{
  struct kith_matching *matching = matcher->matching;

  if (!matching)
    return;
  matcher->matching = NULL;
  atomic_store(&matching->cancel, true);
  pthread_join(matching->thread, NULL);
  matching_free(matching);
}
