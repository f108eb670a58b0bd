#include "matcher/service/blind.h"

#include <string.h>

#include "base/bytes.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "matcher/linkage/blind.h"
#include "proto/batch.h"
#include "proto/policy_blind.h"

/* Everything that a matching has in memory besides two submissions. */
struct work {
  const struct kith_blind_matching *matching;
  const struct kith_linkage_input *input;
  struct kith_hash terms;
  struct kith_batch_plan plans[KITH_AGENCIES_MAX];
  uint64_t n_people[KITH_LINKAGE_PARTIES_MAX]; /* without those that are withdrawn */
  /* Of those, the handles as rows open them. */
  unsigned n_withdrawn[KITH_AGENCIES_MAX];
  uint64_t withdrawn[KITH_AGENCIES_MAX][KITH_WITHDRAWALS_MAX];
  struct kith_blind_histogram near[KITH_AGENCIES_MAX][KITH_BLIND_STEPS];             /* owned */
  struct kith_blind_pairs pairs[KITH_LINKAGE_PARTIES_MAX][KITH_LINKAGE_PARTIES_MAX]; /* owned */
  struct kith_blind_histogram within[KITH_LINKAGE_PARTIES_MAX]
                                    [KITH_LINKAGE_PARTIES_MAX]; /* of near */
};

/* ---- handles and histograms */

static enum kith_err bad(const struct work *work, unsigned p, const char *what,
                         struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_DATA, "%s: %s", work->input->names[p], what);
}

/* A row is what opens, and a byte that says that it is somebody's. */
static enum kith_err take_handles(struct work *work, unsigned p, const uint8_t *handles, size_t n,
                                  size_t first, struct kith_fault *fault)
{
  struct kith_intake_rows *rows = &work->matching->parties[p];
  const size_t opening = KITH_BLIND_HANDLE_BITS / 8;

  for (size_t i = 0; i < n; i++) {
    uint8_t *to = rows->handles + (first + i) * KITH_HANDLE_BYTES;
    uint8_t *row = kith_encodings_row(&rows->encodings, first + i);

    memcpy(to, handles + i * KITH_HANDLE_BYTES, KITH_HANDLE_BYTES);
    if (first + i > 0 && memcmp(to - KITH_HANDLE_BYTES, to, opening) >= 0)
      return bad(work, p, "handles are not in rising order, or one is there twice", fault);
    memcpy(row, to, opening);
    row[opening] = 1;
  }
  return KITH_OK;
}

/* ---- those that are withdrawn */

static void leave_out_people(struct work *work, unsigned p)
{
  uint8_t handles[KITH_WITHDRAWALS_MAX][KITH_HANDLE_BYTES];
  size_t n = kith_intake_drop_withdrawn(&work->matching->parties[p], &work->matching->withdrawals,
                                        work->input->names[p], handles);

  work->n_people[p] -= n;
  work->n_withdrawn[p] = n < KITH_WITHDRAWALS_MAX ? (unsigned)n : KITH_WITHDRAWALS_MAX;
  for (unsigned i = 0; i < work->n_withdrawn[p]; i++)
    work->withdrawn[p][i] = kith_get_le(handles[i], KITH_BLIND_HANDLE_BITS / 8);
}

static bool is_withdrawn(const struct work *work, unsigned p, uint64_t handle)
{
  for (unsigned i = 0; i < work->n_withdrawn[p]; i++)
    if (work->withdrawn[p][i] == handle)
      return true;
  return false;
}

static void leave_out_pairs(struct work *work, unsigned p, unsigned q)
{
  struct kith_blind_pairs *pairs = &work->pairs[p][q];
  size_t kept = 0;

  for (size_t i = 0; i < pairs->n; i++)
    if (!is_withdrawn(work, p, pairs->items[i].low) && !is_withdrawn(work, q, pairs->items[i].high))
      pairs->items[kept++] = pairs->items[i];
  if (kept < pairs->n)
    kith_wipe(pairs->items + kept, (pairs->n - kept) * sizeof *pairs->items);
  pairs->n = kept;
}

/* ---- batches */

static enum kith_err load_batch(struct work *work, unsigned p, uint32_t number, uint8_t **bytes,
                                size_t *len)
{
  const struct kith_blind_matching *matching = work->matching;
  enum kith_err err = kith_intake_batch(matching->node, matching->key, matching->round,
                                        work->input->names[p], number, bytes, len);

  if (err == KITH_OK && !kith_batch_plan_fits(&work->plans[p], number, *len)) {
    kith_free_wiped(*bytes, *len);
    err = KITH_ERR_INTERNAL; /* it was refused when it came */
  }
  return err;
}

static enum kith_err load_party(struct work *work, unsigned p, struct kith_fault *fault)
{
  struct kith_intake_rows *rows = &work->matching->parties[p];
  const struct kith_batch_plan *plan = &work->plans[p];
  static const unsigned bits = 8 * sizeof(uint64_t);
  uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_encodings_alloc(&rows->encodings, plan->n_records, bits, false);

  if (err == KITH_OK && !(rows->handles = kith_calloc(plan->n_records, KITH_HANDLE_BYTES)))
    err = KITH_ERR_MEMORY;
  for (uint32_t number = 0; err == KITH_OK && number < plan->n_handle_batches; number++) {
    struct kith_batch_place at;

    kith_batch_plan_at(&at, plan, number);
    if ((err = load_batch(work, p, number, &bytes, &len)) == KITH_OK) {
      err = take_handles(work, p, bytes, at.n, at.first, fault);
      kith_free_wiped(bytes, len);
    }
  }
  if (err == KITH_OK &&
      (err = load_batch(work, p, (uint32_t)plan->n_batches - 1, &bytes, &len)) == KITH_OK) {
    err = kith_blind_histograms_read(work->near[p], bytes, len, &plan->layout, plan->n_records);
    kith_free_wiped(bytes, len);
    if (err == KITH_ERR_DATA)
      err = bad(work, p, "its histograms are none", fault);
  }
  if (err == KITH_OK)
    leave_out_people(work, p);
  return err;
}

/* ---- two submissions */

struct side {
  unsigned party;
  uint8_t *bytes; /* owned */
  size_t len;
  struct kith_blind_submission submission;
};

/* The rows of one agency for another, as one submission. */
static enum kith_err load_side(struct side *side, struct work *work, unsigned peer, bool high,
                               struct kith_fault *fault)
{
  const struct kith_blind_matching *matching = work->matching;
  const struct kith_batch_plan *plan = &work->plans[side->party];
  const struct kith_blind_header header = {
      .layout = plan->layout, .high = high, .n_records = plan->n_records, .terms = work->terms};
  unsigned place = matching->at[peer] - (matching->at[peer] > matching->at[side->party]);
  uint32_t first = plan->n_handle_batches + place * plan->n_peer_batches;
  uint8_t head[KITH_BLIND_HEADER_BYTES_MAX];
  size_t at = kith_blind_header_put(head, &header);
  enum kith_err err;

  side->len = at + plan->n_peer_rows * plan->row_bytes;
  side->bytes = kith_alloc_aligned(64, side->len, 1);
  if (!side->bytes)
    return KITH_ERR_MEMORY;
  memcpy(side->bytes, head, at);
  for (uint32_t i = 0; i < plan->n_peer_batches; i++) {
    uint8_t *rows = NULL;
    size_t len = 0;

    if ((err = load_batch(work, side->party, first + i, &rows, &len)) != KITH_OK)
      return err;
    memcpy(side->bytes + at, rows, len);
    kith_free(rows);
    at += len;
  }
  err = kith_blind_parse(&side->submission, side->bytes, side->len, work->input->names[side->party],
                         fault);
  return err == KITH_OK ? kith_blind_expect(&side->submission, &plan->layout, &work->terms, high,
                                            work->input->names[side->party], fault)
                        : err;
}

static enum kith_err compare_two(struct work *work, unsigned p, unsigned q, int *culprit,
                                 struct kith_fault *fault)
{
  struct side low = {.party = p}; /* parties are in order of their ids */
  struct side high = {.party = q};
  enum kith_err err;

  if (kith_failpoint("matching.pair"))
    return KITH_ERR_MEMORY;
  *culprit = (int)p;
  err = load_side(&low, work, q, false, fault);
  if (err == KITH_OK) {
    *culprit = (int)q;
    err = load_side(&high, work, p, true, fault);
  }
  if (err == KITH_OK) {
    *culprit = -1;
    err = kith_blind_join(&work->pairs[p][q], &low.submission, &high.submission,
                          work->input->names[p], work->input->names[q], fault);
  }
  if (err == KITH_OK)
    leave_out_pairs(work, p, q);
  kith_free(low.bytes);
  kith_free(high.bytes);
  return err;
}

static enum kith_err compare_all(struct work *work, int *culprit, struct kith_fault *fault)
{
  const struct kith_linkage_input *input = work->input;
  const struct kith_batch_plan *sent = work->plans;
  unsigned n = input->n_parties;
  unsigned done = 0;
  enum kith_err err = KITH_OK;

  for (unsigned p = 0; p < n && err == KITH_OK; p++) {
    *culprit = (int)p;
    err = load_party(work, p, fault);
  }
  for (unsigned p = 0; p < n; p++)
    for (unsigned q = p + 1; q < n && err == KITH_OK; q++) {
      if (input->cancel && atomic_load(input->cancel))
        return kith_fail(fault, KITH_ERR_CANCELLED, "stopped");
      err = compare_two(work, p, q, culprit, fault);
      work->within[p][q] = work->near[p][kith_blind_step(sent[p].n_records, sent[q].n_records)];
      work->within[q][p] = work->near[q][kith_blind_step(sent[q].n_records, sent[p].n_records)];
      input->progress(input->progress_context, 0.95 * ++done / (n * (n - 1) / 2.0));
    }
  return err;
}

static void work_free(struct work *work)
{
  for (unsigned p = 0; p < KITH_LINKAGE_PARTIES_MAX; p++) {
    for (unsigned q = 0; q < KITH_LINKAGE_PARTIES_MAX; q++)
      kith_blind_pairs_free(&work->pairs[p][q]);
    for (unsigned step = 0; step < KITH_BLIND_STEPS; step++)
      kith_blind_histogram_free(&work->near[p][step]);
  }
  kith_free(work);
}

enum kith_err kith_blind_match(struct kith_linkage_result *out,
                               const struct kith_blind_matching *matching,
                               const struct kith_linkage_input *input, int *culprit,
                               struct kith_fault *fault)
{
  struct work *work = KITH_NEW(struct work);
  enum kith_err err = work ? KITH_OK : KITH_ERR_MEMORY;

  *culprit = -1;
  if (err == KITH_OK)
    err = kith_policy_blind_hash(&work->terms, input->policy);
  if (err != KITH_OK) {
    kith_free(work);
    return kith_fail(fault, err, "out of memory");
  }
  work->matching = matching;
  work->input = input;
  for (unsigned p = 0; p < input->n_parties; p++) {
    kith_batch_plan_make(&work->plans[p], input->policy, matching->n_records[p],
                         matching->n_roster);
    work->n_people[p] = matching->n_records[p];
  }
  err = compare_all(work, culprit, fault);
  if (err == KITH_OK) {
    const struct kith_blind_input blind = {
        .input = input, .n_people = work->n_people, .pairs = work->pairs, .within = work->within};

    *culprit = -1;
    err = kith_blind_link(out, &blind, fault);
  }
  work_free(work);
  return err;
}
