#include "daemon/service/agency.h"

#include <string.h>

#include "base/mem.h"
#include "daemon/service/encode_job.h"
#include "daemon/service/reveal.h"
#include "daemon/service/subjects.h"
#include "proto/batch.h"
#include "proto/keying.h"
#include "proto/submission.h"

static const struct kith_round_view *view_of(const struct kith_agency_round *round)
{
  return kith_node_round_view(round->node);
}

/* ---- encoding, then the intent
 * ------------------------------------------------------------------------ */

static enum kith_err start_job(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_secret *secret = NULL;
  struct kith_secret *linkage = NULL;
  enum kith_err err = kith_agency_round_secret(agency, &secret, round);

  if (err == KITH_OK)
    err = kith_linkage_secret(&linkage, &view_of(round)->roster_hash, secret);
  kith_secret_free(secret);
  agency->job_noticed = false;
  if (err == KITH_OK)
    err = kith_encode_job_new(&agency->job, round->node->id, &round->policy, &agency->config.source,
                              agency->config.objections, linkage);
  return err;
}

static enum kith_err say_intent(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_INTENT};
  struct kith_intent *intent = &statement.body.intent;
  struct kith_batch_plan plan;

  kith_batch_plan_make(&plan, &round->policy, round->n_records,
                       kith_round_roster_size(view_of(round)));
  intent->roster = view_of(round)->roster_hash;
  intent->n_records = round->n_records;
  intent->row_bytes = (uint32_t)plan.row_bytes;
  intent->n_batches = (uint32_t)plan.n_batches;
  if (plan.n_batches > KITH_BATCHES_MAX) {
    kith_agency_problem(round, "more records than a round can take; narrow the scope");
    return KITH_OK;
  }
  return kith_agency_post(agency, round, &statement);
}

/* A table of a city takes seconds of all processors: a refused one is read again every 30 turns. */
enum { TURNS_A_SOURCE = 30 };

enum kith_err kith_agency_prepare(struct kith_agency *agency, struct kith_agency_round *round)
{
  enum kith_err err;

  if (round->outbox_ready)
    return say_intent(agency, round);
  if (!agency->job)
    return kith_clock_monotonic_ms() < round->source_again_ms ? KITH_OK : start_job(agency, round);
  if (!kith_encode_job_is_of(agency->job, round->node->id) || !kith_encode_job_done(agency->job))
    return KITH_OK;
  err = kith_outbox_fill(agency, round, agency->job);
  kith_encode_job_free(agency->job);
  agency->job = NULL;
  if (err != KITH_OK) {
    /* The officer sees the problem and mends the source; it is tried again until the deadline. */
    round->source_again_ms =
        kith_clock_monotonic_ms() + (int64_t)TURNS_A_SOURCE * agency->config.poll_ms;
    return round->problem[0] ? KITH_OK : err;
  }
  round->problem[0] = '\0';
  return say_intent(agency, round);
}

/* ---- batches, then the manifest
 * ------------------------------------------------------------------------- */

enum kith_err kith_agency_check_counts(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  enum kith_err err;

  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];

    if (!seat->in_roster || seat->intent.n_records >= round->policy.minimum_batch)
      continue;
    err = kith_agency_post_abort(agency, round, KITH_REASON_TOO_FEW_RECORDS, seat->member);
    return err == KITH_OK ? KITH_ERR_NO : err;
  }
  return KITH_OK;
}

static enum kith_err send_batch(struct kith_agency *agency, struct kith_agency_round *round,
                                uint32_t number)
{
  struct kith_request request = {.type = KITH_REQUEST_BATCH_PUT};
  struct kith_reply reply;
  KITH_AUTO_FREE uint8_t *rows = NULL;
  size_t len = 0;
  enum kith_err err = kith_outbox_batch(agency, round, number, &rows, &len);

  if (err != KITH_OK)
    return err;
  memcpy(request.body.batch_put.round, round->node->id, KITH_ROUND_ID_BYTES);
  request.body.batch_put.number = number;
  request.body.batch_put.rows = (struct kith_span){rows, len};
  kith_batch_hash(&request.body.batch_put.hash, round->node->id, agency->node->id, number, rows,
                  len);
  err = kith_agency_exchange(agency, &reply, &request);
  kith_wipe(rows, len);
  if (err != KITH_OK)
    return err;
  if (reply.error != KITH_REPLY_OK) {
    kith_agency_problem(round, "the matcher refused batch %u: %s", number,
                        kith_reply_error_name(reply.error));
    err = KITH_ERR_NO;
  }
  kith_reply_free(&reply);
  return err;
}

/* Asks what the matcher has, and sends the rest. */
static enum kith_err send_missing(struct kith_agency *agency, struct kith_agency_round *round,
                                  uint32_t n_batches)
{
  struct kith_request request = {.type = KITH_REQUEST_BATCH_STATUS};
  uint8_t held[KITH_BATCHES_MAX / 8] = {0};
  struct kith_reply reply;
  enum kith_err err;

  memcpy(request.body.batch_status.round, round->node->id, KITH_ROUND_ID_BYTES);
  if ((err = kith_agency_exchange(agency, &reply, &request)) != KITH_OK)
    return err;
  if (reply.error != KITH_REPLY_OK || reply.body.batch_status.len != (n_batches + 7) / 8) {
    kith_reply_free(&reply);
    return KITH_ERR_NO;
  }
  memcpy(held, reply.body.batch_status.bytes, reply.body.batch_status.len);
  kith_reply_free(&reply);
  for (uint32_t i = 0; err == KITH_OK && i < n_batches; i++)
    if (!(held[i / 8] & 1u << i % 8))
      err = send_batch(agency, round, i);
  return err;
}

static enum kith_err say_manifest(struct kith_agency *agency, struct kith_agency_round *round,
                                  uint32_t n_batches)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_MANIFEST};
  struct kith_manifest *manifest = &statement.body.manifest;
  enum kith_err err = KITH_OK;

  manifest->roster = view_of(round)->roster_hash;
  manifest->n_records = round->n_records;
  manifest->n_batches = n_batches;
  manifest->batches = KITH_NEW_ARRAY(struct kith_hash, n_batches);
  if (!manifest->batches)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; err == KITH_OK && i < n_batches; i++) {
    uint8_t *rows = NULL;
    size_t len = 0;

    err = kith_outbox_batch(agency, round, i, &rows, &len);
    if (err == KITH_OK)
      kith_batch_hash(&manifest->batches[i], round->node->id, agency->node->id, i, rows, len);
    if (rows)
      kith_wipe(rows, len);
    kith_free(rows);
  }
  if (err == KITH_OK) {
    kith_manifest_root(&manifest->root, round->node->id, agency->node->id, round->n_records,
                       manifest->batches, n_batches);
    err = kith_agency_post(agency, round, &statement);
  }
  kith_free(manifest->batches);
  return err;
}

/* Whether somebody has objected since the records were encoded, or nobody can tell: then nothing
 * more is sent. The intent has said how many records there are, so none can be left out now. */
static bool objected_since(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_objections *list = NULL;
  struct kith_fault fault = {0};
  bool found = true;
  enum kith_err err;

  if (!agency->config.objections)
    return false;
  err = kith_objections_load(&list, agency->config.objections, &fault);
  if (err != KITH_OK)
    kith_agency_problem(round, "%s", fault.text);
  else if ((err = kith_subjects_any(agency, &found, round->node->id, list)) != KITH_OK)
    kith_agency_problem(round, "the list of objections can't be compared: %s", kith_err_name(err));
  else if (found)
    kith_agency_problem(round, "somebody has objected since this agency's records were encoded: "
                               "they are not sent; ask governance to abort the round");
  else
    round->problem[0] = '\0';
  kith_objections_free(list);
  return err != KITH_OK || found;
}

enum kith_err kith_agency_submit(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_seat *own = kith_round_seat(view_of(round), agency->node->id);
  enum kith_err err;

  if (objected_since(agency, round))
    return KITH_OK;
  err = send_missing(agency, round, own->intent.n_batches);
  if (err == KITH_ERR_NO) /* refused: the round has moved on, the next turn sees how */
    return KITH_OK;
  if (err == KITH_OK)
    err = kith_agency_reveal(agency, round, own->intent.n_batches);
  return err == KITH_OK ? say_manifest(agency, round, own->intent.n_batches) : err;
}
