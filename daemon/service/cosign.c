/* This agency and the matcher cosign each other's audit logs (docs/protocol.md, section 9.1). */
#include <string.h>

#include "base/log.h"
#include "daemon/service/agency.h"

/* Said once until it changes: a round does not wait for cosignatures, and an officer finds it in
 * the log. */
static void warn(struct kith_agency *agency, const char *why)
{
  if (agency->cosign_warned == why)
    return;
  agency->cosign_warned = why;
  if (why)
    kith_log(KITH_LOG_WARNING, "audit.not_cosigned", KITH_LOG_STR("why", why));
}

/* Static texts: they are compared by address. */
static const char *reason_of(enum kith_err err)
{
  static const char forged[] = "the matcher's signature of its audit log is false";
  static const char other[] = "the matcher's audit log does not continue what was cosigned: "
                              "compare exports with 'kith audit verify'";

  return err == KITH_ERR_NO                                  ? forged
         : err == KITH_ERR_FULL || err == KITH_ERR_NOT_FOUND ? other
                                                             : kith_err_name(err);
}

/* Cosigns what the matcher has shown, sends that with our own log's checkpoint, and keeps what it
 * cosigns of ours. */
static enum kith_err exchange_cosignatures(struct kith_agency *agency,
                                           const struct kith_member *matcher,
                                           const struct kith_reply *shown)
{
  struct kith_request request = {.type = KITH_REQUEST_COSIGN_PUT};
  struct kith_cosignature cosignature = {0};
  struct kith_cosign_state ours = {0};
  struct kith_reply reply;
  enum kith_err err =
      kith_node_cosign(agency->node, &cosignature, matcher, &shown->body.cosign_get.checkpoint,
                       &shown->body.cosign_get.proof);

  if (err == KITH_OK)
    err = kith_node_cosign_state(agency->node, &ours, matcher->id, shown->body.cosign_get.held);
  if (err != KITH_OK)
    return err;
  request.body.cosign_put.seq = shown->body.cosign_get.checkpoint.seq;
  request.body.cosign_put.time = cosignature.time;
  memcpy(request.body.cosign_put.signature, cosignature.signature, KITH_SIGN_BYTES);
  request.body.cosign_put.checkpoint = ours.checkpoint;
  request.body.cosign_put.proof = ours.proof;
  err = kith_agency_exchange(agency, &reply, &request);
  if (err != KITH_OK)
    return err;
  if (reply.error != KITH_REPLY_OK) {
    warn(agency, kith_reply_error_name(reply.error));
  } else {
    cosignature.time = reply.body.cosign_put.time;
    memcpy(cosignature.signature, reply.body.cosign_put.signature, KITH_SIGN_BYTES);
    err = kith_node_cosignature_keep(agency->node, matcher, ours.checkpoint.seq, &cosignature);
    if (err == KITH_OK)
      warn(agency, NULL);
  }
  kith_reply_free(&reply);
  return err;
}

static enum kith_err cosign(struct kith_agency *agency)
{
  const struct kith_member *matcher = kith_charter_matcher(&agency->node->charter);
  struct kith_request request = {.type = KITH_REQUEST_COSIGN_GET};
  struct kith_cosign_state ours = {0};
  struct kith_reply shown;
  enum kith_err err = kith_node_cosign_state(agency->node, &ours, matcher->id, 0);

  if (err != KITH_OK)
    return err;
  request.body.cosign_get.old = ours.held;
  err = kith_agency_exchange(agency, &shown, &request);
  if (err != KITH_OK)
    return err;
  if (shown.error == KITH_REPLY_BAD_REFERENCE)
    err = KITH_ERR_NOT_FOUND; /* its log has become shorter */
  else if (shown.error != KITH_REPLY_OK)
    warn(agency, kith_reply_error_name(shown.error));
  else if (shown.body.cosign_get.cosigned != shown.body.cosign_get.checkpoint.seq ||
           shown.body.cosign_get.held != ours.checkpoint.seq ||
           ours.cosigned != ours.checkpoint.seq)
    err = exchange_cosignatures(agency, matcher, &shown);
  kith_reply_free(&shown);
  return err;
}

enum kith_err kith_agency_cosign(struct kith_agency *agency)
{
  enum kith_err err = cosign(agency);

  if (err == KITH_ERR_CANCELLED)
    return err;
  if (err != KITH_OK && err != KITH_ERR_TIMEOUT)
    warn(agency, reason_of(err));
  return KITH_OK;
}
