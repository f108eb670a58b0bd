#include "proto/transport.h"

#include <errno.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/transport_zmq.h"

struct kith_server {
  void *context;
  void *socket; /* ROUTER */
  struct kith_zap *zap;
  char address[256];
  zmq_msg_t payload; /* of the last message received */
  bool has_payload;
  struct kith_server_counts counts;
};

static enum kith_err socket_open(struct kith_server *server, const char *address,
                                 const struct kith_identity *identity, struct kith_fault *fault)
{
  size_t len = sizeof server->address;

  server->socket = zmq_socket(server->context, ZMQ_ROUTER);
  if (!server->socket || kith_zmq_set_limits(server->socket) != KITH_OK ||
      kith_zmq_set_int(server->socket, ZMQ_ROUTER_MANDATORY, 1) != KITH_OK ||
      kith_zmq_set_int(server->socket, ZMQ_BACKLOG, KITH_CONNECTIONS_MAX) != KITH_OK ||
      kith_zmq_set_int(server->socket, ZMQ_CURVE_SERVER, 1) != KITH_OK ||
      kith_zmq_set_int(server->socket, KITH_ZMQ_ZAP_ENFORCE_DOMAIN, 1) != KITH_OK ||
      zmq_setsockopt(server->socket, ZMQ_ZAP_DOMAIN, KITH_ZAP_DOMAIN, strlen(KITH_ZAP_DOMAIN)) !=
          0 ||
      kith_zmq_set_curve(server->socket, identity) != KITH_OK)
    return kith_fail(fault, KITH_ERR_INTERNAL, "the transport can't be set up: %s",
                     zmq_strerror(errno));
  if (zmq_bind(server->socket, address) != 0)
    return kith_fail(fault, KITH_ERR_UNAVAILABLE, "can't listen on %s: %s", address,
                     zmq_strerror(errno));
  if (zmq_getsockopt(server->socket, ZMQ_LAST_ENDPOINT, server->address, &len) != 0)
    return kith_fail(fault, KITH_ERR_INTERNAL, "the bound address can't be read");
  return KITH_OK;
}

enum kith_err kith_server_new(struct kith_server **out, const char *address,
                              const struct kith_identity *identity, struct kith_fault *fault)
{
  struct kith_server *server = KITH_NEW(struct kith_server);
  enum kith_err err = KITH_ERR_MEMORY;

  if (!server)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  server->context = zmq_ctx_new();
  if (server->context) {
    zmq_ctx_set(server->context, ZMQ_MAX_SOCKETS, KITH_CONNECTIONS_MAX);
    err = kith_zap_start(&server->zap, server->context);
  }
  if (err == KITH_OK)
    err = socket_open(server, address, identity, fault);
  else
    kith_fail(fault, err, "the transport's authentication can't be started");
  if (err != KITH_OK) {
    kith_server_free(server);
    return err;
  }
  *out = server;
  return KITH_OK;
}

void kith_server_free(struct kith_server *server)
{
  if (!server)
    return;
  if (server->has_payload)
    zmq_msg_close(&server->payload);
  if (server->socket)
    zmq_close(server->socket);
  kith_zap_stop(server->zap);
  if (server->context)
    zmq_ctx_term(server->context);
  kith_free(server);
}

const char *kith_server_address(const struct kith_server *server)
{
  return server->address;
}

enum kith_err kith_server_allow(struct kith_server *server,
                                const uint8_t (*curve_keys)[KITH_PUBLIC_BYTES], unsigned n)
{
  return kith_zap_allow(server->zap, curve_keys, n);
}

/* Drops the rest of a message's frames. */
static void drain(void *socket)
{
  zmq_msg_t frame;
  int more = 1;

  while (more) {
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0)
      more = 0;
    else
      more = zmq_msg_more(&frame);
    zmq_msg_close(&frame);
  }
}

/* Route and payload, exactly two frames. KITH_ERR_TIMEOUT: nothing there; KITH_ERR_DATA: dropped.
 */
static enum kith_err receive_frames(struct kith_server *server, struct kith_incoming *out)
{
  int len = zmq_recv(server->socket, out->route, sizeof out->route, ZMQ_DONTWAIT);
  int more = 0;
  size_t more_len = sizeof more;

  if (len < 0)
    return errno == EAGAIN || errno == EINTR ? KITH_ERR_TIMEOUT : KITH_ERR_INTERNAL;
  server->counts.received++;
  if (zmq_getsockopt(server->socket, ZMQ_RCVMORE, &more, &more_len) != 0)
    return KITH_ERR_INTERNAL;
  if ((size_t)len > sizeof out->route || !more) {
    if (more)
      drain(server->socket);
    return KITH_ERR_DATA;
  }
  out->route_len = (size_t)len;
  if (server->has_payload)
    zmq_msg_close(&server->payload);
  zmq_msg_init(&server->payload);
  server->has_payload = true;
  if (zmq_msg_recv(&server->payload, server->socket, ZMQ_DONTWAIT) < 0)
    return KITH_ERR_DATA;
  if (zmq_msg_more(&server->payload)) {
    drain(server->socket);
    return KITH_ERR_DATA;
  }
  out->bytes = zmq_msg_data(&server->payload);
  out->len = zmq_msg_size(&server->payload);
  server->counts.received_bytes += out->len;
  return KITH_OK;
}

/* The key that the connection proved, if it is listed now. */
static bool identify(struct kith_server *server, struct kith_incoming *out)
{
  const char *user_id = zmq_msg_gets(&server->payload, "User-Id");

  return user_id && kith_hex_decode(out->curve, sizeof out->curve, user_id) == KITH_OK &&
         kith_zap_allows(server->zap, out->curve);
}

enum kith_err kith_server_receive(struct kith_server *server, struct kith_incoming *out,
                                  int timeout_ms, const int *fds, unsigned n_fds)
{
  bool ready = false;
  enum kith_err err = kith_zmq_wait(server->socket, fds, n_fds, timeout_ms, &ready);

  if (err != KITH_OK)
    return err;
  if (!ready)
    return KITH_ERR_TIMEOUT;
  err = receive_frames(server, out);
  if (err == KITH_ERR_DATA) {
    server->counts.dropped_framing++;
    return KITH_ERR_TIMEOUT;
  }
  if (err == KITH_OK && !identify(server, out)) {
    server->counts.dropped_unlisted++;
    return KITH_ERR_TIMEOUT;
  }
  return err;
}

void kith_server_reply(struct kith_server *server, const struct kith_incoming *to,
                       const void *bytes, size_t len)
{
  if (kith_failpoint("transport.send.before")) {
    server->counts.replies_lost++;
    return;
  }
  /* The route fails at once where the peer is gone or its queue is full: then it asks again. */
  if (zmq_send(server->socket, to->route, to->route_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
      zmq_send(server->socket, bytes, len, ZMQ_DONTWAIT) < 0) {
    server->counts.replies_lost++;
    return;
  }
  server->counts.sent++;
  server->counts.sent_bytes += len;
  (void)kith_failpoint("transport.send.after");
}

void kith_server_get_counts(const struct kith_server *server, struct kith_server_counts *out)
{
  *out = server->counts;
  out->handshakes_refused = kith_zap_refused(server->zap);
}
