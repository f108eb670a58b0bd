/* The hardened ZeroMQ sockets: a server (the matcher's ROUTER with its ZAP handler) and a client (a
 * member's DEALER). The only files that include zmq.h are proto/transport*.c. Every limit is set
 * from proto/limits.h.
 *
 * The server denies by default: its ZAP handler is bound before the ROUTER and outlives it, admits
 * only keys of the list that kith_server_allow set, and each received message carries the CURVE key
 * that its connection proved, checked against the list as it is *now*; messages without one, or of
 * a key no longer listed, are dropped and counted. The routing id stays inside this file. Each
 * object is used by one thread. Failpoints: transport.send.before, transport.send.after. */
#ifndef KITH_PROTO_TRANSPORT_H
#define KITH_PROTO_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/identity.h"
#include "crypto/secret.h"
#include "proto/limits.h"

struct kith_server;

/* Binds to `address` ("tcp://127.0.0.1:7420"; port "*" takes a free one, see kith_server_address).
 */
KITH_MUST_USE enum kith_err kith_server_new(struct kith_server **out, const char *address,
                                            const struct kith_identity *identity,
                                            struct kith_fault *fault);
void kith_server_free(struct kith_server *server);
const char *kith_server_address(const struct kith_server *server); /* the bound endpoint */

/* Replaces the allow-list. Takes effect on the next message and on the next handshake. */
KITH_MUST_USE enum kith_err kith_server_allow(struct kith_server *server,
                                              const uint8_t (*curve_keys)[KITH_PUBLIC_BYTES],
                                              unsigned n);

enum { KITH_ROUTE_BYTES = 256 };

struct kith_incoming {
  uint8_t curve[KITH_PUBLIC_BYTES]; /* proved by the connection */
  uint8_t route[KITH_ROUTE_BYTES];  /* opaque: for kith_server_reply */
  size_t route_len;
  const uint8_t *bytes; /* valid until the next receive */
  size_t len;
};

/* Waits up to timeout_ms for a message (or until one of the n_fds descriptors in `fds` is
 * readable). KITH_ERR_TIMEOUT: neither a message. Malformed framing (not exactly one payload frame)
 * is dropped. */
KITH_MUST_USE enum kith_err kith_server_receive(struct kith_server *server,
                                                struct kith_incoming *out, int timeout_ms,
                                                const int *fds, unsigned n_fds);
/* Never blocks: a member whose queue is full or who is gone loses the reply (it asks again). */
void kith_server_reply(struct kith_server *server, const struct kith_incoming *to,
                       const void *bytes, size_t len);

struct kith_server_counts {
  uint64_t received;
  uint64_t received_bytes;
  uint64_t sent;
  uint64_t sent_bytes;
  uint64_t handshakes_refused;
  uint64_t dropped_unlisted; /* a message whose key is not listed now */
  uint64_t dropped_framing;
  uint64_t replies_lost;
};
void kith_server_get_counts(const struct kith_server *server, struct kith_server_counts *out);

struct kith_client;

/* Connects (in the background) to the matcher with its CURVE public key. */
KITH_MUST_USE enum kith_err kith_client_new(struct kith_client **out, const char *address,
                                            const uint8_t server_key[KITH_PUBLIC_BYTES],
                                            const struct kith_identity *identity,
                                            struct kith_fault *fault);
void kith_client_free(struct kith_client *client);
/* Queues one frame. KITH_ERR_TIMEOUT where nothing can be queued (not connected). */
KITH_MUST_USE enum kith_err kith_client_send(struct kith_client *client, const void *bytes,
                                             size_t len);
/* Waits for a frame (or for one of the descriptors): bytes valid until the next receive. */
KITH_MUST_USE enum kith_err kith_client_receive(struct kith_client *client, const uint8_t **bytes,
                                                size_t *len, int timeout_ms, const int *fds,
                                                unsigned n_fds);
/* Drops the connection and starts afresh, forgetting queued frames: after a reply that never came.
 */
KITH_MUST_USE enum kith_err kith_client_reset(struct kith_client *client);

struct kith_client_counts {
  uint64_t sent;
  uint64_t sent_bytes;
  uint64_t received;
  uint64_t received_bytes;
};
void kith_client_get_counts(const struct kith_client *client, struct kith_client_counts *out);

#endif
