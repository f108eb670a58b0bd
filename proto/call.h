/* One request and its reply, with repetition: for the command line, which may wait. Daemons use
 * transport.h and message.h in their own loop. */
#ifndef KITH_PROTO_CALL_H
#define KITH_PROTO_CALL_H

#include "base/err.h"
#include "proto/message.h"
#include "proto/transport.h"

/* Sends the request, waits for the reply to it (others are dropped), asks again after KITH_REPLY_MS
 * / 4 by a fresh connection, gives up after timeout_ms. KITH_ERR_UNAVAILABLE with *fault where no
 * answer came; a refusal of the matcher is an error with *fault: denied and bad signature
 * KITH_ERR_DENIED, not found KITH_ERR_NOT_FOUND, others KITH_ERR_NO. *out must be freed
 * (kith_reply_free) and borrows from the client until its next call. */
KITH_MUST_USE enum kith_err kith_call(struct kith_client *client, struct kith_reply *out,
                                      struct kith_request *request, int timeout_ms,
                                      struct kith_fault *fault);

#endif
