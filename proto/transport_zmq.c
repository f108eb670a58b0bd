#include "proto/transport_zmq.h"

#include <errno.h>

#include "proto/limits.h"

enum { DESCRIPTORS_MAX = 64 };

enum kith_err kith_zmq_set_int(void *socket, int option, int value)
{
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0 ? KITH_OK : KITH_ERR_INTERNAL;
}

enum kith_err kith_zmq_set_limits(void *socket)
{
  static const struct {
    int option;
    int value;
  } limits[] = {
      {ZMQ_SNDHWM, KITH_QUEUE_MESSAGES},
      {ZMQ_RCVHWM, KITH_QUEUE_MESSAGES},
      {ZMQ_HANDSHAKE_IVL, KITH_HANDSHAKE_MS},
      {ZMQ_HEARTBEAT_IVL, KITH_HEARTBEAT_MS},
      {ZMQ_HEARTBEAT_TIMEOUT, KITH_HEARTBEAT_TIMEOUT_MS},
      {ZMQ_HEARTBEAT_TTL, KITH_HEARTBEAT_TIMEOUT_MS},
      {ZMQ_LINGER, KITH_LINGER_MS},
      {ZMQ_TCP_KEEPALIVE, 1},
      {ZMQ_IPV6, 1},
  };
  int64_t message_max = KITH_MESSAGE_BYTES_MAX;

  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    if (kith_zmq_set_int(socket, limits[i].option, limits[i].value) != KITH_OK)
      return KITH_ERR_INTERNAL;
  if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, sizeof message_max) != 0)
    return KITH_ERR_INTERNAL;
  return KITH_OK;
}

enum kith_err kith_zmq_set_curve(void *socket, const struct kith_identity *identity)
{
  if (zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, identity->public_keys.curve, KITH_PUBLIC_BYTES) !=
          0 ||
      zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, kith_secret_peek(identity->curve),
                     kith_secret_len(identity->curve)) != 0)
    return KITH_ERR_INTERNAL;
  return KITH_OK;
}

enum kith_err kith_zmq_wait(void *socket, const int *fds, unsigned n_fds, int timeout_ms,
                            bool *socket_ready)
{
  zmq_pollitem_t items[1 + DESCRIPTORS_MAX] = {{socket, 0, ZMQ_POLLIN, 0}};

  *socket_ready = false;
  if (n_fds > DESCRIPTORS_MAX)
    return KITH_ERR_INTERNAL;
  for (unsigned i = 0; i < n_fds; i++)
    items[1 + i] = (zmq_pollitem_t){NULL, fds[i], ZMQ_POLLIN, 0};
  if (zmq_poll(items, (int)(1 + n_fds), timeout_ms) < 0)
    return errno == EINTR ? KITH_OK : KITH_ERR_INTERNAL;
  *socket_ready = (items[0].revents & ZMQ_POLLIN) != 0;
  return KITH_OK;
}
