/* What recipients found at the door. */
#include <string.h>

#include "base/mem.h"
#include "daemon/service/disclosure.h"
#include "daemon/service/subjects.h"

static enum kith_err store(struct kith_agency *agency, const struct kith_agency_round *round,
                           const struct kith_disclosures *box, const struct kith_letters_read *read,
                           const struct kith_hash *id, const struct kith_letter *letter,
                           const char *record_id, uint32_t old_number)
{
  struct kith_feedback_said said = {
      .wrong = letter->body.feedback.wrong, .number = UINT32_MAX, .time = letter->time};
  const struct kith_feedback *feedback = &letter->body.feedback;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_subjects_wrong_back(agency, txn, round->node->id, old_number);
  if (err == KITH_OK && feedback->wrong)
    err =
        kith_subjects_wrong(agency, txn, round->node->id, record_id, feedback->token, &said.number);
  if (err == KITH_OK)
    err = kith_feedback_put(box, txn, letter->author, feedback->proof.handle, &said);
  if (err == KITH_OK)
    err = kith_nonce_put(box, txn, feedback->nonce);
  if (err == KITH_OK)
    err = kith_letters_read_put(box, txn, read);
  if (err == KITH_OK)
    err = kith_node_audit(agency->node, txn, KITH_AUDIT_FEEDBACK, round->node->id, letter->author,
                          id, 0);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

/* A matcher may give a letter late, or once more: neither takes back what was said since. */
static enum kith_err check_time(const struct kith_agency *agency,
                                const struct kith_disclosures *box,
                                const struct kith_letter *letter)
{
  enum kith_err err;

  if (letter->time > kith_node_now(agency->node) + KITH_CLOCK_SKEW_S)
    return KITH_ERR_NO;
  err = kith_nonce_check(box, letter->body.feedback.nonce);
  return err == KITH_ERR_EXISTS ? KITH_ERR_NO : err;
}

enum kith_err kith_feedback_take(struct kith_agency *agency, const struct kith_agency_round *round,
                                 const struct kith_disclosures *box, struct kith_letters_read *read,
                                 const struct kith_hash *id, const struct kith_letter *letter)
{
  const struct kith_feedback *feedback = &letter->body.feedback;
  const struct kith_round_view *view = kith_node_round_view(round->node);
  struct kith_letters_read counted = *read;
  struct kith_feedback_said before = {.number = UINT32_MAX};
  struct kith_buf record_id = {0};
  enum kith_err err = kith_leaf_check(&feedback->proof, round->node->id, agency->node->id,
                                      &view->release.leaf_root);

  if (err == KITH_OK)
    err = check_time(agency, box, letter);
  if (err == KITH_OK)
    err = kith_outbox_record(agency, round->node->id, feedback->proof.handle, &record_id);
  if (err == KITH_OK) {
    /* The last word about a handle counts, once. */
    err = kith_feedback_get(box, letter->author, feedback->proof.handle, &before);
    if (err == KITH_OK) {
      counted.n_wrong -= before.wrong;
      counted.n_right -= !before.wrong;
    }
    if (err == KITH_OK && letter->time < before.time)
      err = KITH_ERR_NO;
    err = err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
  }
  counted.n_wrong += feedback->wrong;
  counted.n_right += !feedback->wrong;
  if (err == KITH_OK)
    err = store(agency, round, box, &counted, id, letter, (const char *)record_id.bytes,
                before.number);
  if (err == KITH_OK)
    *read = counted;
  if (record_id.bytes)
    kith_wipe(record_id.bytes, record_id.len);
  kith_buf_free(&record_id);
  return err;
}

static json_int_t shown_count(uint32_t n, unsigned minimum)
{
  return n < minimum ? -1 : (json_int_t)kith_count_rounded(n);
}

json_t *kith_disclosures_feedback(struct kith_agency *agency, const struct kith_agency_round *round)
{
  struct kith_disclosures *box = NULL;
  struct kith_letters_read read = {0};
  enum kith_err err;

  if (!kith_disclosures_may_be(agency, round))
    return json_null();
  err = kith_disclosures_open(&box, agency, round->node->id);
  if (err == KITH_OK)
    err = kith_letters_read_get(box, &read);
  kith_disclosures_close(box);
  if (err != KITH_OK)
    return NULL;
  /* -1: hidden */
  return json_pack("{s:I, s:I}", "right", shown_count(read.n_right, round->policy.minimum_count),
                   "wrong", shown_count(read.n_wrong, round->policy.minimum_count));
}
