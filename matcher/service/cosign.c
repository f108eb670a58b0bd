/* The matcher and an agency cosign each other's audit logs, as the agency asks (docs/protocol.md,
 * section 9.1). */
#include <string.h>

#include "base/log.h"
#include "matcher/service/service.h"

enum kith_reply_error kith_matcher_cosign_get(struct kith_matcher *matcher,
                                              const struct kith_member *member,
                                              const struct kith_request *request,
                                              struct kith_reply *reply)
{
  struct kith_cosign_state state = {0};
  enum kith_err err;

  if (member->role != KITH_ROLE_AGENCY)
    return KITH_REPLY_DENIED;
  err = kith_node_cosign_state(matcher->node, &state, member->id, request->body.cosign_get.old);
  reply->body.cosign_get.checkpoint = state.checkpoint;
  reply->body.cosign_get.proof = state.proof;
  reply->body.cosign_get.cosigned = state.cosigned;
  reply->body.cosign_get.held = state.held;
  return err == KITH_OK              ? KITH_REPLY_OK
         : err == KITH_ERR_NOT_FOUND ? KITH_REPLY_BAD_REFERENCE
                                     : KITH_REPLY_INTERNAL;
}

static enum kith_reply_error error_of(enum kith_err err)
{
  switch (err) {
  case KITH_OK:
    return KITH_REPLY_OK;
  case KITH_ERR_NO:
    return KITH_REPLY_BAD_SIGNATURE;
  case KITH_ERR_NOT_FOUND:
    return KITH_REPLY_BAD_REFERENCE;
  case KITH_ERR_FULL:
    return KITH_REPLY_CONFLICT;
  default:
    return KITH_REPLY_INTERNAL;
  }
}

enum kith_reply_error kith_matcher_cosign_put(struct kith_matcher *matcher,
                                              const struct kith_member *member,
                                              const struct kith_request *request,
                                              struct kith_reply *reply)
{
  struct kith_cosignature theirs = {.time = request->body.cosign_put.time};
  struct kith_cosignature ours = {0};
  enum kith_err err;

  if (member->role != KITH_ROLE_AGENCY)
    return KITH_REPLY_DENIED;
  memcpy(theirs.signature, request->body.cosign_put.signature, KITH_SIGN_BYTES);
  err = kith_node_cosignature_keep(matcher->node, member, request->body.cosign_put.seq, &theirs);
  if (err == KITH_OK)
    err = kith_node_cosign(matcher->node, &ours, member, &request->body.cosign_put.checkpoint,
                           &request->body.cosign_put.proof);
  if (err == KITH_ERR_FULL && kith_matcher_may_note(matcher, member->id))
    kith_log(KITH_LOG_ERROR, "audit.contradiction", KITH_LOG_STR("member", member->id));
  reply->body.cosign_put.time = ours.time;
  memcpy(reply->body.cosign_put.signature, ours.signature, KITH_SIGN_BYTES);
  return error_of(err);
}
