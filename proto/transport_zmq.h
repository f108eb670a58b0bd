/* What the two sockets share: private to proto/transport_*.c. */
#ifndef KITH_PROTO_TRANSPORT_ZMQ_H
#define KITH_PROTO_TRANSPORT_ZMQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include "base/err.h"
#include "crypto/identity.h"

/* A missing one is a library of another kind: zmq.h 4.3.4 hides it among its drafts. */
enum { KITH_ZMQ_ZAP_ENFORCE_DOMAIN = 93 };

#define KITH_ZAP_DOMAIN "kith"

KITH_MUST_USE enum kith_err kith_zmq_set_int(void *socket, int option, int value);
/* Limits, timeouts and heartbeats that both ends have. */
KITH_MUST_USE enum kith_err kith_zmq_set_limits(void *socket);
/* Our CURVE key pair. libzmq keeps its own copy of the secret key, in memory that is not locked. */
KITH_MUST_USE enum kith_err kith_zmq_set_curve(void *socket, const struct kith_identity *identity);
/* Waits until the socket or one of the descriptors is readable. *socket_ready tells. */
KITH_MUST_USE enum kith_err kith_zmq_wait(void *socket, const int *fds, unsigned n_fds,
                                          int timeout_ms, bool *socket_ready);

/* ---- the ZAP handler (RFC 27): a thread of its own, so that handshakes are answered while the
 * server's thread is busy; the allow-list is behind a mutex. */
struct kith_zap;
KITH_MUST_USE enum kith_err kith_zap_start(struct kith_zap **out, void *context);
/* After the sockets that ask it are closed. */
void kith_zap_stop(struct kith_zap *zap);
KITH_MUST_USE enum kith_err kith_zap_allow(struct kith_zap *zap,
                                           const uint8_t (*keys)[KITH_PUBLIC_BYTES], unsigned n);
bool kith_zap_allows(struct kith_zap *zap, const uint8_t key[KITH_PUBLIC_BYTES]);
uint64_t kith_zap_refused(struct kith_zap *zap);

#endif
