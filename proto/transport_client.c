#include "proto/transport.h"

#include <errno.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "proto/transport_zmq.h"

enum { RECONNECT_MS = 100, RECONNECT_MAX_MS = 5000, CONNECT_TIMEOUT_MS = 10000 };

struct kith_client {
  void *context;
  void *socket; /* DEALER */
  char address[256];
  uint8_t server_key[KITH_PUBLIC_BYTES];
  const struct kith_identity *identity; /* borrowed, for a new connection */
  zmq_msg_t payload;
  bool has_payload;
  struct kith_client_counts counts;
};

static enum kith_err connect_socket(struct kith_client *client)
{
  client->socket = zmq_socket(client->context, ZMQ_DEALER);
  /* IMMEDIATE: a frame is queued for a peer that is there, not for one that may never come. */
  if (!client->socket || kith_zmq_set_limits(client->socket) != KITH_OK ||
      kith_zmq_set_int(client->socket, ZMQ_IMMEDIATE, 1) != KITH_OK ||
      kith_zmq_set_int(client->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) != KITH_OK ||
      kith_zmq_set_int(client->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) != KITH_OK ||
      kith_zmq_set_int(client->socket, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS) != KITH_OK ||
      kith_zmq_set_curve(client->socket, client->identity) != KITH_OK ||
      zmq_setsockopt(client->socket, ZMQ_CURVE_SERVERKEY, client->server_key,
                     sizeof client->server_key) != 0)
    return KITH_ERR_INTERNAL;
  return zmq_connect(client->socket, client->address) == 0 ? KITH_OK : KITH_ERR_CONFIG;
}

enum kith_err kith_client_new(struct kith_client **out, const char *address,
                              const uint8_t server_key[KITH_PUBLIC_BYTES],
                              const struct kith_identity *identity, struct kith_fault *fault)
{
  struct kith_client *client = KITH_NEW(struct kith_client);
  enum kith_err err;

  if (!client)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if (strlen(address) >= sizeof client->address) {
    kith_free(client);
    return kith_fail(fault, KITH_ERR_CONFIG, "the matcher's address is too long");
  }
  memcpy(client->address, address, strlen(address));
  memcpy(client->server_key, server_key, sizeof client->server_key);
  client->identity = identity;
  client->context = zmq_ctx_new();
  err = client->context ? connect_socket(client) : KITH_ERR_MEMORY;
  if (err != KITH_OK) {
    kith_fail(fault, err, "can't connect to '%s': %s; tcp://HOST:PORT was expected", address,
              zmq_strerror(errno));
    kith_client_free(client);
    return err;
  }
  *out = client;
  return KITH_OK;
}

static void close_socket(struct kith_client *client)
{
  if (client->has_payload)
    zmq_msg_close(&client->payload);
  client->has_payload = false;
  if (client->socket) {
    int no_linger = 0;

    zmq_setsockopt(client->socket, ZMQ_LINGER, &no_linger, sizeof no_linger);
    zmq_close(client->socket);
  }
  client->socket = NULL;
}

void kith_client_free(struct kith_client *client)
{
  if (!client)
    return;
  close_socket(client);
  if (client->context)
    zmq_ctx_term(client->context);
  kith_free(client);
}

enum kith_err kith_client_reset(struct kith_client *client)
{
  close_socket(client);
  return connect_socket(client);
}

enum kith_err kith_client_send(struct kith_client *client, const void *bytes, size_t len)
{
  /* A reset that failed leaves no socket: the next one makes it. */
  if (!client->socket || kith_failpoint("transport.send.before"))
    return KITH_ERR_TIMEOUT;
  if (zmq_send(client->socket, bytes, len, ZMQ_DONTWAIT) < 0)
    return errno == EAGAIN || errno == EINTR ? KITH_ERR_TIMEOUT : KITH_ERR_INTERNAL;
  client->counts.sent++;
  client->counts.sent_bytes += len;
  (void)kith_failpoint("transport.send.after");
  return KITH_OK;
}

enum kith_err kith_client_receive(struct kith_client *client, const uint8_t **bytes, size_t *len,
                                  int timeout_ms, const int *fds, unsigned n_fds)
{
  bool ready = false;
  bool more = true;
  enum kith_err err;

  if (!client->socket)
    return KITH_ERR_INTERNAL;
  err = kith_zmq_wait(client->socket, fds, n_fds, timeout_ms, &ready);

  if (err != KITH_OK)
    return err;
  if (!ready)
    return KITH_ERR_TIMEOUT;
  for (unsigned frames = 0; more; frames++) {
    if (client->has_payload)
      zmq_msg_close(&client->payload);
    zmq_msg_init(&client->payload);
    client->has_payload = true;
    if (zmq_msg_recv(&client->payload, client->socket, ZMQ_DONTWAIT) < 0)
      return KITH_ERR_TIMEOUT;
    more = zmq_msg_more(&client->payload) != 0;
    /* A reply is one frame: with more, all are dropped. */
    if (frames && !more)
      return KITH_ERR_TIMEOUT;
  }
  *bytes = zmq_msg_data(&client->payload);
  *len = zmq_msg_size(&client->payload);
  client->counts.received++;
  client->counts.received_bytes += *len;
  return KITH_OK;
}

void kith_client_get_counts(const struct kith_client *client, struct kith_client_counts *out)
{
  *out = client->counts;
}
