#include "proto/call.h"

#include "base/clock.h"
#include "crypto/secret.h"

enum { RETRY_MS = KITH_REPLY_MS / 4, CONNECTING_MS = 20 };

static enum kith_err refusal(const struct kith_reply *reply, struct kith_fault *fault)
{
  enum kith_err err = KITH_ERR_NO;

  if (reply->error == KITH_REPLY_DENIED || reply->error == KITH_REPLY_BAD_SIGNATURE)
    err = KITH_ERR_DENIED;
  else if (reply->error == KITH_REPLY_NOT_FOUND)
    err = KITH_ERR_NOT_FOUND;
  else if (reply->error == KITH_REPLY_INTERNAL)
    err = KITH_ERR_INTERNAL;
  return kith_fail(fault, err, "the matcher refused '%s': %s", kith_request_name(reply->type),
                   kith_reply_error_name(reply->error));
}

/* Sends until the queue takes it or the time is up: a new connection needs its handshake first. */
static enum kith_err send_by(struct kith_client *client, const struct kith_buf *frame,
                             int64_t until_ms)
{
  enum kith_err err;

  while ((err = kith_client_send(client, frame->bytes, frame->len)) == KITH_ERR_TIMEOUT &&
         kith_clock_monotonic_ms() < until_ms) {
    const uint8_t *bytes;
    size_t len;

    if (kith_client_receive(client, &bytes, &len, CONNECTING_MS, NULL, 0) == KITH_ERR_INTERNAL)
      return KITH_ERR_INTERNAL;
  }
  return err;
}

/* One try: KITH_ERR_TIMEOUT where the reply to this request did not come in time. */
static enum kith_err try_once(struct kith_client *client, struct kith_reply *out,
                              const struct kith_buf *frame, const struct kith_request *request,
                              int64_t until_ms)
{
  enum kith_err err = send_by(client, frame, until_ms);

  while (err == KITH_OK) {
    int64_t left_ms = until_ms - kith_clock_monotonic_ms();
    const uint8_t *bytes;
    size_t len;

    if (left_ms <= 0)
      return KITH_ERR_TIMEOUT;
    err = kith_client_receive(client, &bytes, &len, (int)left_ms, NULL, 0);
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

enum kith_err kith_call(struct kith_client *client, struct kith_reply *out,
                        struct kith_request *request, int timeout_ms, struct kith_fault *fault)
{
  int64_t end_ms = kith_clock_monotonic_ms() + timeout_ms;
  struct kith_buf frame;
  enum kith_err err;

  kith_buf_init(&frame, KITH_MESSAGE_BYTES_MAX);
  kith_random_bytes(&request->request_id, sizeof request->request_id);
  err = kith_request_write(&frame, request);
  for (bool first = true; err == KITH_OK; first = false) {
    int64_t now_ms = kith_clock_monotonic_ms();
    int64_t until_ms = now_ms + RETRY_MS < end_ms ? now_ms + RETRY_MS : end_ms;

    if (now_ms >= end_ms) {
      err = kith_fail(fault, KITH_ERR_UNAVAILABLE,
                      "no answer from the matcher: is it running, and is this member in its "
                      "charter with these keys?");
      break;
    }
    if (!first && (err = kith_client_reset(client)) != KITH_OK)
      break;
    err = try_once(client, out, &frame, request, until_ms);
    if (err == KITH_OK) {
      if (out->error != KITH_REPLY_OK) {
        err = refusal(out, fault);
        kith_reply_free(out);
      }
      break;
    }
    err = err == KITH_ERR_TIMEOUT ? KITH_OK : err;
  }
  if (err == KITH_ERR_MEMORY || err == KITH_ERR_LIMIT)
    kith_fail(fault, err, "the request is too long, or out of memory");
  kith_buf_free(&frame);
  return err;
}
