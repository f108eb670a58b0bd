#include "daemon/service/agency.h"

#include <string.h>

#include "base/clock.h"
#include "daemon/service/encode_job.h"

enum { TRIES = 3, CONNECTING_MS = 50 };

/* One wait for a frame, with officers served when they are there. */
static enum kith_err receive(struct kith_agency *agency, const uint8_t **bytes, size_t *len,
                             int timeout_ms)
{
  int fds[KITH_CONTROL_FDS + 1];
  unsigned n = kith_control_fds(agency->control, fds);
  enum kith_err err;

  kith_agency_alive(agency);
  err = kith_client_receive(agency->client, bytes, len, timeout_ms, fds, n);
  if (*agency->stop)
    return KITH_ERR_CANCELLED;
  kith_control_serve(agency->control, agency);
  return err;
}

enum kith_err kith_agency_wait(struct kith_agency *agency, int timeout_ms)
{
  int64_t until_ms = kith_clock_monotonic_ms() + timeout_ms;
  const uint8_t *bytes;
  size_t len;

  while (!agency->wake) {
    int64_t left_ms = until_ms - kith_clock_monotonic_ms();
    enum kith_err err;

    if (left_ms <= 0)
      break;
    if (agency->job && !agency->job_noticed && kith_encode_job_done(agency->job)) {
      agency->job_noticed = true;
      break;
    }
    /* A job that ends is noticed within this time; late replies are dropped. */
    err = receive(agency, &bytes, &len, left_ms > 200 ? 200 : (int)left_ms);
    if (err != KITH_OK && err != KITH_ERR_TIMEOUT)
      return err;
  }
  agency->wake = false;
  return *agency->stop ? KITH_ERR_CANCELLED : KITH_OK;
}

static enum kith_err send_by(struct kith_agency *agency, const struct kith_buf *frame,
                             int64_t until_ms)
{
  const uint8_t *bytes;
  size_t len;
  enum kith_err err;

  while ((err = kith_client_send(agency->client, frame->bytes, frame->len)) == KITH_ERR_TIMEOUT &&
         kith_clock_monotonic_ms() < until_ms) {
    err = receive(agency, &bytes, &len, CONNECTING_MS);
    if (err != KITH_OK && err != KITH_ERR_TIMEOUT)
      return err;
  }
  return err;
}

static enum kith_err try_once(struct kith_agency *agency, struct kith_reply *out,
                              const struct kith_buf *frame, const struct kith_request *request)
{
  int64_t until_ms = kith_clock_monotonic_ms() + KITH_REPLY_MS / TRIES;
  enum kith_err err = send_by(agency, frame, until_ms);

  while (err == KITH_OK) {
    int64_t left_ms = until_ms - kith_clock_monotonic_ms();
    const uint8_t *bytes;
    size_t len;

    if (left_ms <= 0)
      return KITH_ERR_TIMEOUT;
    err = receive(agency, &bytes, &len, (int)left_ms);
    if (err == KITH_ERR_TIMEOUT) {
      err = KITH_OK;
      continue;
    }
    if (err == KITH_OK && kith_reply_read(out, bytes, len) == KITH_OK) {
      /* Of the type too: the caller reads the body as what was asked for. */
      if (out->request_id == request->request_id && out->type == request->type)
        return KITH_OK;
      kith_reply_free(out);
    }
  }
  return err;
}

enum kith_err kith_agency_exchange(struct kith_agency *agency, struct kith_reply *out,
                                   struct kith_request *request)
{
  struct kith_buf frame;
  enum kith_err err;

  kith_buf_init(&frame, KITH_MESSAGE_BYTES_MAX);
  kith_random_bytes(&request->request_id, sizeof request->request_id);
  err = kith_request_write(&frame, request);
  for (unsigned i = 0; err == KITH_OK && i < TRIES; i++) {
    if (i && (err = kith_client_reset(agency->client)) != KITH_OK)
      break;
    err = try_once(agency, out, &frame, request);
    if (err != KITH_ERR_TIMEOUT)
      break;
    if (i + 1 < TRIES)
      err = KITH_OK;
  }
  kith_buf_free(&frame);
  agency->connected = err == KITH_OK;
  if (err == KITH_OK)
    agency->last_answer = kith_node_now(agency->node);
  return err;
}

/* Keeps what the matcher says of its audit log, so that it can't rewrite its past. */
static enum kith_err record_matcher(struct kith_agency *agency,
                                    const struct kith_checkpoint *checkpoint)
{
  const struct kith_member *matcher = kith_charter_matcher(&agency->node->charter);
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);
  enum kith_err recorded;

  if (err != KITH_OK)
    return err;
  recorded = kith_audit_record_peer(txn, KITH_TABLE_AUDIT, kith_node_now(agency->node), matcher->id,
                                    checkpoint, matcher->keys.sign);
  if (recorded != KITH_OK && recorded != KITH_ERR_FULL) {
    kith_txn_abort(txn);
    return recorded;
  }
  err = kith_txn_commit(txn);
  return err == KITH_OK ? recorded : err;
}

enum kith_err kith_agency_post(struct kith_agency *agency, struct kith_agency_round *round,
                               struct kith_statement *statement)
{
  struct kith_request request = {.type = KITH_REQUEST_STATEMENT_PUT};
  struct kith_reply reply;
  struct kith_buf bytes;
  enum kith_err err;

  kith_buf_init(&bytes, KITH_STATEMENT_BYTES_MAX);
  memcpy(statement->round, round->node->id, sizeof statement->round);
  statement->attempt = kith_node_round_view(round->node)->attempt;
  memcpy(request.body.statement_put.round, round->node->id, KITH_ROUND_ID_BYTES);
  err = kith_node_pending(agency->node, &bytes, statement);
  if (err == KITH_OK)
    err = kith_node_checkpoint(agency->node, &request.body.statement_put.checkpoint);
  if (err == KITH_OK) {
    request.body.statement_put.statement = (struct kith_span){bytes.bytes, bytes.len};
    err = kith_agency_exchange(agency, &reply, &request);
  }
  kith_buf_free(&bytes);
  if (err != KITH_OK)
    return err;
  if (reply.error == KITH_REPLY_OK) {
    err = record_matcher(agency, &reply.body.statement_put.checkpoint);
    if (err == KITH_ERR_FULL || err == KITH_ERR_NO) {
      kith_agency_problem(round, "the matcher's audit log contradicts what it said of it before");
      err = KITH_OK;
    }
  } else {
    kith_agency_problem(round, "the matcher refused our '%s': %s",
                        kith_statement_name(statement->type), kith_reply_error_name(reply.error));
  }
  kith_reply_free(&reply);
  return err;
}

enum kith_err kith_agency_post_abort(struct kith_agency *agency, struct kith_agency_round *round,
                                     enum kith_reason reason, const char *culprit)
{
  struct kith_statement abort = {.type = KITH_STATEMENT_ABORT};

  abort.body.ending.reason = reason;
  if (culprit)
    memccpy(abort.body.ending.culprit, culprit, 0, sizeof abort.body.ending.culprit - 1);
  kith_agency_problem(round, "stopped by this agency: %s%s%s", kith_reason_name(reason),
                      culprit && culprit[0] ? ", by " : "", culprit ? culprit : "");
  return kith_agency_post(agency, round, &abort);
}
