#include "proto/transport_zmq.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/secret.h"
#include "proto/limits.h"

/* ZMQ RFC 27: version, request id, domain, address, identity, mechanism, credentials. */
enum {
  FRAME_VERSION,
  FRAME_REQUEST,
  FRAME_DOMAIN,
  FRAME_ADDRESS,
  FRAME_IDENTITY,
  FRAME_MECHANISM,
  FRAME_KEY,
  N_FRAMES,
  FRAME_BYTES = 256
};

struct kith_zap {
  void *socket;  /* REP; the thread's after the start */
  void *stop;    /* PAIR, written by kith_zap_stop */
  void *stopped; /* PAIR, the thread's end */
  pthread_t thread;
  pthread_mutex_t lock;
  unsigned n_keys;
  uint8_t keys[KITH_MEMBERS_MAX][KITH_PUBLIC_BYTES];
  uint64_t refused;
};

struct zap_request {
  unsigned n_frames;
  size_t lens[N_FRAMES];
  uint8_t frames[N_FRAMES][FRAME_BYTES];
};

/* Takes all frames of the request, however many there are; false where nothing came. */
static bool request_receive(void *socket, struct zap_request *request)
{
  int more = 1;

  memset(request, 0, sizeof *request);
  for (unsigned i = 0; more; i++) {
    uint8_t frame[FRAME_BYTES];
    size_t more_len = sizeof more;
    int len = zmq_recv(socket, frame, sizeof frame, 0);

    if (len < 0)
      return false;
    if (i < N_FRAMES && (size_t)len <= sizeof frame) {
      memcpy(request->frames[i], frame, (size_t)len);
      request->lens[i] = (size_t)len;
    }
    request->n_frames = i + 1;
    if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_len) != 0)
      return false;
  }
  return true;
}

static bool frame_is(const struct zap_request *request, unsigned frame, const char *text)
{
  return request->lens[frame] == strlen(text) &&
         memcmp(request->frames[frame], text, request->lens[frame]) == 0;
}

bool kith_zap_allows(struct kith_zap *zap, const uint8_t key[KITH_PUBLIC_BYTES])
{
  bool found = false;

  pthread_mutex_lock(&zap->lock);
  for (unsigned i = 0; i < zap->n_keys; i++)
    found = found || memcmp(zap->keys[i], key, KITH_PUBLIC_BYTES) == 0;
  pthread_mutex_unlock(&zap->lock);
  return found;
}

static bool request_allowed(struct kith_zap *zap, const struct zap_request *request)
{
  return request->n_frames == N_FRAMES && frame_is(request, FRAME_VERSION, "1.0") &&
         frame_is(request, FRAME_DOMAIN, KITH_ZAP_DOMAIN) &&
         frame_is(request, FRAME_MECHANISM, "CURVE") &&
         request->lens[FRAME_KEY] == KITH_PUBLIC_BYTES &&
         kith_zap_allows(zap, request->frames[FRAME_KEY]);
}

static void answer(struct kith_zap *zap, const struct zap_request *request)
{
  bool allowed = request_allowed(zap, request);
  char user_id[2 * KITH_PUBLIC_BYTES + 1] = "";

  if (allowed) {
    kith_hex_encode(user_id, request->frames[FRAME_KEY], KITH_PUBLIC_BYTES);
  } else {
    pthread_mutex_lock(&zap->lock);
    zap->refused++;
    pthread_mutex_unlock(&zap->lock);
  }
  /* A failed send leaves the handshake unanswered, which refuses it as well. */
  if (zmq_send(zap->socket, "1.0", 3, ZMQ_SNDMORE) < 0 ||
      zmq_send(zap->socket, request->frames[FRAME_REQUEST], request->lens[FRAME_REQUEST],
               ZMQ_SNDMORE) < 0 ||
      zmq_send(zap->socket, allowed ? "200" : "400", 3, ZMQ_SNDMORE) < 0 ||
      zmq_send(zap->socket, "", 0, ZMQ_SNDMORE) < 0 ||
      zmq_send(zap->socket, user_id, strlen(user_id), ZMQ_SNDMORE) < 0 ||
      zmq_send(zap->socket, "", 0, 0) < 0)
    return;
}

static void *zap_main(void *context)
{
  struct kith_zap *zap = context;
  zmq_pollitem_t items[] = {{zap->socket, 0, ZMQ_POLLIN, 0}, {zap->stopped, 0, ZMQ_POLLIN, 0}};

  for (;;) {
    struct zap_request request;

    if (zmq_poll(items, 2, -1) < 0)
      continue;
    if (items[1].revents & ZMQ_POLLIN)
      return NULL;
    if ((items[0].revents & ZMQ_POLLIN) && request_receive(zap->socket, &request))
      answer(zap, &request);
  }
}

enum kith_err kith_zap_start(struct kith_zap **out, void *context)
{
  struct kith_zap *zap = KITH_NEW(struct kith_zap);
  char endpoint[64];

  if (!zap)
    return KITH_ERR_MEMORY;
  pthread_mutex_init(&zap->lock, NULL);
  snprintf(endpoint, sizeof endpoint, "inproc://kith-zap-stop-%p", (void *)zap);
  zap->socket = zmq_socket(context, ZMQ_REP);
  zap->stop = zmq_socket(context, ZMQ_PAIR);
  zap->stopped = zmq_socket(context, ZMQ_PAIR);
  if (zap->socket && zap->stop && zap->stopped &&
      kith_zmq_set_int(zap->socket, ZMQ_LINGER, 0) == KITH_OK &&
      zmq_bind(zap->socket, "inproc://zeromq.zap.01") == 0 && zmq_bind(zap->stop, endpoint) == 0 &&
      zmq_connect(zap->stopped, endpoint) == 0 &&
      pthread_create(&zap->thread, NULL, zap_main, zap) == 0) {
    *out = zap;
    return KITH_OK;
  }
  if (zap->socket)
    zmq_close(zap->socket);
  if (zap->stop)
    zmq_close(zap->stop);
  if (zap->stopped)
    zmq_close(zap->stopped);
  pthread_mutex_destroy(&zap->lock);
  kith_free(zap);
  return KITH_ERR_INTERNAL;
}

void kith_zap_stop(struct kith_zap *zap)
{
  if (!zap)
    return;
  zmq_send(zap->stop, "", 0, 0);
  pthread_join(zap->thread, NULL);
  zmq_close(zap->socket);
  zmq_close(zap->stop);
  zmq_close(zap->stopped);
  pthread_mutex_destroy(&zap->lock);
  kith_free(zap);
}

enum kith_err kith_zap_allow(struct kith_zap *zap, const uint8_t (*keys)[KITH_PUBLIC_BYTES],
                             unsigned n)
{
  if (n > KITH_MEMBERS_MAX)
    return KITH_ERR_LIMIT;
  pthread_mutex_lock(&zap->lock);
  memcpy(zap->keys, keys, (size_t)n * KITH_PUBLIC_BYTES);
  zap->n_keys = n;
  pthread_mutex_unlock(&zap->lock);
  return KITH_OK;
}

uint64_t kith_zap_refused(struct kith_zap *zap)
{
  uint64_t refused;

  pthread_mutex_lock(&zap->lock);
  refused = zap->refused;
  pthread_mutex_unlock(&zap->lock);
  return refused;
}
