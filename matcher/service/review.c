/* The review of a round: what governance is shown before it decides on the threshold. */
#include "proto/review.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/curve.h"
#include "matcher/service/service.h"
#include "matcher/service/tables.h"

enum { DAY_S = 86400 };

bool kith_review_decided(struct kith_policy *policy, const struct kith_round_view *view)
{
  if (view->decided) {
    policy->threshold.auto_default = false;
    policy->threshold.default_probability = (struct kith_ratio){view->decision.threshold, KITH_PPM};
  }
  return view->decided || !policy->threshold.review;
}

/* ---- the numbers */

static void put_numbers(uint32_t out[KITH_REVIEW_NUMBERS], const struct kith_people_count *count)
{
  const struct kith_estimate *wrong = &count->wrong;
  const struct kith_estimate *missed = &count->missed;

  out[KITH_REVIEW_LISTED] = (uint32_t)count->listed;
  out[KITH_REVIEW_WRONG] = (uint32_t)lround(wrong->expected);
  out[KITH_REVIEW_WRONG_LOW] = (uint32_t)lround(wrong->low);
  out[KITH_REVIEW_WRONG_HIGH] = (uint32_t)lround(wrong->high);
  out[KITH_REVIEW_MISSED] = (uint32_t)lround(missed->expected);
  out[KITH_REVIEW_MISSED_LOW] = (uint32_t)lround(missed->low);
  out[KITH_REVIEW_MISSED_HIGH] = (uint32_t)lround(missed->high);
}

static void fill(struct kith_review *review, const struct kith_linkage_result *result)
{
  const struct kith_people_curve *curve = result->people;

  review->recommended = result->threshold;
  review->n_points = curve->n_points;
  for (unsigned i = 0; i < curve->n_points; i++) {
    const struct kith_people_point *point = &curve->points[i];
    unsigned group = 0;

    review->thresholds[i] = point->threshold;
    put_numbers(review->numbers[i][group++], &point->all);
    for (unsigned n = 1; n <= curve->n_parties; n++)
      put_numbers(review->numbers[i][group++], &point->services[n]);
    for (unsigned p = 0; p < curve->n_parties; p++)
      for (unsigned q = p + 1; q < curve->n_parties; q++)
        put_numbers(review->numbers[i][group++], &point->pairs[p][q]);
  }
}

static enum kith_err make(struct kith_buf *out, const struct kith_matcher_round *round,
                          const struct kith_linkage_result *result, const char *const *names)
{
  struct kith_review *review = KITH_NEW(struct kith_review);
  enum kith_err err;

  if (!review)
    return KITH_ERR_MEMORY;
  memcpy(review->round, round->node->id, sizeof review->round);
  review->minimum = round->policy.minimum_count;
  review->n_agencies = result->n_parties;
  for (unsigned p = 0; p < result->n_parties; p++)
    memccpy(review->agencies[p], names[p], 0, sizeof review->agencies[p]);
  fill(review, result);
  kith_review_protect(review);
  err = kith_review_write(out, review);
  kith_free(review);
  return err;
}

/* ---- the state */

static struct kith_bytes key_of(const kith_round_id id)
{
  return (struct kith_bytes){id, KITH_ROUND_ID_BYTES};
}

enum kith_err kith_review_begin(struct kith_matcher *matcher, struct kith_matcher_round *round,
                                const struct kith_linkage_result *result, const char *const *names)
{
  int64_t days = round->policy.review_days > 0 ? (int64_t)round->policy.review_days : 1;
  struct kith_txn *txn = NULL;
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, KITH_REVIEW_BYTES_MAX);
  err = make(&buf, round, result, names);
  if (err == KITH_OK)
    err = kith_node_begin(&txn, matcher->node);
  if (err == KITH_OK) {
    err = kith_store_put(txn, KITH_TABLE_REVIEWS, key_of(round->node->id),
                         (struct kith_bytes){buf.bytes, buf.len});
    if (err == KITH_OK)
      err = kith_matcher_move_in(matcher, txn, round, KITH_ROUND_REVIEW,
                                 kith_node_now(matcher->node) + days * DAY_S, NULL);
    else
      kith_txn_abort(txn);
  }
  kith_buf_free(&buf);
  return err;
}

enum kith_err kith_review_load(struct kith_matcher *matcher, const struct kith_matcher_round *round,
                               uint8_t **out, size_t *len)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, matcher->node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_store_get(txn, KITH_TABLE_REVIEWS, key_of(round->node->id), out, len);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_review_destroy(struct kith_matcher *matcher, const kith_round_id id)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err = kith_store_delete_prefix(txn, KITH_TABLE_REVIEWS, key_of(id));
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_reply_error kith_review_check(struct kith_matcher *matcher,
                                        const struct kith_matcher_round *round,
                                        const struct kith_threshold_decision *decision)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  const struct kith_threshold *band = &round->policy.threshold;
  double threshold = (double)decision->threshold / KITH_PPM;
  struct kith_hash hash;
  size_t len = 0;

  if (kith_review_load(matcher, round, &bytes, &len) != KITH_OK)
    return KITH_REPLY_WRONG_STATE;
  kith_review_hash(&hash, bytes, len);
  if (!kith_hash_equal(&hash, &decision->review))
    return KITH_REPLY_BAD_REFERENCE;
  if (threshold < kith_ratio_double(band->min) - 1e-9 ||
      threshold > kith_ratio_double(band->max) + 1e-9)
    return KITH_REPLY_DENIED;
  return KITH_REPLY_OK;
}
