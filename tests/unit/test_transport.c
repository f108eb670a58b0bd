#include "proto/transport.h"

#include <zmq.h>

#include "base/clock.h"
#include "crypto/secret.h"
#include "tests/unit/unit.h"

/* Real sockets on loopback. The server is asked between the client's steps, by the same thread. */

enum { SERVER, ALICE, BOB, MALLORY, N_IDENTITIES, WAIT_MS = 5000, NOTHING_MS = 300, STEP_MS = 10 };

static struct kith_identity *identities[N_IDENTITIES];
static struct kith_server *server;
static uint8_t big[KITH_MESSAGE_BYTES_MAX + 1];

static int make_identities(void **state)
{
  bool locked;

  (void)state;
  if (kith_crypto_init(&locked) != KITH_OK)
    return -1;
  for (int i = 0; i < N_IDENTITIES; i++)
    if (kith_identity_new(&identities[i]) != KITH_OK)
      return -1;
  return 0;
}

static int free_identities(void **state)
{
  (void)state;
  for (int i = 0; i < N_IDENTITIES; i++)
    kith_identity_free(identities[i]);
  return 0;
}

/* Alice and Bob are listed. */
static void allow_both(void)
{
  uint8_t keys[2][KITH_PUBLIC_BYTES];

  memcpy(keys[0], identities[ALICE]->public_keys.curve, KITH_PUBLIC_BYTES);
  memcpy(keys[1], identities[BOB]->public_keys.curve, KITH_PUBLIC_BYTES);
  assert_int_equal(kith_server_allow(server, keys, 2), KITH_OK);
}

static int start(void **state)
{
  (void)state;
  if (kith_server_new(&server, "tcp://127.0.0.1:*", identities[SERVER], NULL) != KITH_OK)
    return -1;
  allow_both();
  return 0;
}

static int stop(void **state)
{
  (void)state;
  kith_server_free(server);
  server = NULL;
  return 0;
}

static struct kith_client *client_of(int who, int server_key)
{
  struct kith_client *client = NULL;

  assert_int_equal(kith_client_new(&client, kith_server_address(server),
                                   identities[server_key]->public_keys.curve, identities[who],
                                   NULL),
                   KITH_OK);
  return client;
}

static struct kith_server_counts counts(void)
{
  struct kith_server_counts now;

  kith_server_get_counts(server, &now);
  return now;
}

/* Sends as soon as there is a connection, while the server is served. */
static enum kith_err send_within(struct kith_client *client, const void *bytes, size_t len, int ms)
{
  int64_t end = kith_clock_monotonic_ms() + ms;
  struct kith_incoming in;
  enum kith_err err;

  while ((err = kith_client_send(client, bytes, len)) == KITH_ERR_TIMEOUT &&
         kith_clock_monotonic_ms() < end)
    assert_int_equal(kith_server_receive(server, &in, STEP_MS, NULL, 0), KITH_ERR_TIMEOUT);
  return err;
}

/* Dropped messages end a receive early, so it is asked until the time is up. */
static enum kith_err receive_within(struct kith_incoming *in, int ms)
{
  int64_t end = kith_clock_monotonic_ms() + ms;
  enum kith_err err;

  while ((err = kith_server_receive(server, in, STEP_MS, NULL, 0)) == KITH_ERR_TIMEOUT &&
         kith_clock_monotonic_ms() < end)
    ;
  return err;
}

static void exchange(struct kith_client *client, int who)
{
  struct kith_incoming in;
  const uint8_t *bytes;
  size_t len;

  assert_int_equal(send_within(client, "ping", 4, WAIT_MS), KITH_OK);
  assert_int_equal(receive_within(&in, WAIT_MS), KITH_OK);
  assert_int_equal(in.len, 4);
  assert_memory_equal(in.bytes, "ping", 4);
  assert_memory_equal(in.curve, identities[who]->public_keys.curve, KITH_PUBLIC_BYTES);
  kith_server_reply(server, &in, "pong!", 5);
  assert_int_equal(kith_client_receive(client, &bytes, &len, WAIT_MS, NULL, 0), KITH_OK);
  assert_int_equal(len, 5);
  assert_memory_equal(bytes, "pong!", 5);
}

static void two_members(void **state)
{
  struct kith_client *alice = client_of(ALICE, SERVER);
  struct kith_client *bob = client_of(BOB, SERVER);
  struct kith_client_counts own;

  (void)state;
  for (int i = 0; i < 3; i++) {
    exchange(alice, ALICE);
    exchange(bob, BOB);
  }
  kith_client_get_counts(alice, &own);
  assert_int_equal(own.sent, 3);
  assert_int_equal(own.received_bytes, 15);
  assert_int_equal(counts().received, 6);
  assert_int_equal(counts().sent, 6);
  assert_int_equal(counts().handshakes_refused, 0);
  kith_client_free(alice);
  kith_client_free(bob);
}

/* Never a connection to send by, and the server counts that it refused one. */
static void assert_refused(struct kith_client *client)
{
  int64_t end = kith_clock_monotonic_ms() + WAIT_MS;

  while (counts().handshakes_refused == 0 && kith_clock_monotonic_ms() < end)
    assert_int_equal(send_within(client, "ping", 4, STEP_MS), KITH_ERR_TIMEOUT);
  assert_true(counts().handshakes_refused > 0);
  assert_int_equal(send_within(client, "ping", 4, NOTHING_MS), KITH_ERR_TIMEOUT);
}

static void unlisted_key(void **state)
{
  struct kith_client *mallory = client_of(MALLORY, SERVER);

  (void)state;
  assert_refused(mallory);
  assert_int_equal(counts().received, 0);
  kith_client_free(mallory);
}

static void nobody_is_listed(void **state)
{
  struct kith_client *alice = client_of(ALICE, SERVER);

  (void)state;
  assert_int_equal(kith_server_allow(server, NULL, KITH_MEMBERS_MAX + 1), KITH_ERR_LIMIT);
  {
    uint8_t none[1][KITH_PUBLIC_BYTES] = {{0}};

    assert_int_equal(kith_server_allow(server, none, 0), KITH_OK);
  }
  assert_refused(alice);
  kith_client_free(alice);
}

static void wrong_server_key(void **state)
{
  struct kith_client *alice = client_of(ALICE, BOB);

  (void)state;
  assert_int_equal(send_within(alice, "ping", 4, NOTHING_MS), KITH_ERR_TIMEOUT);
  assert_int_equal(counts().received, 0);
  kith_client_free(alice);
}

/* A socket of another make: without CURVE, or with it. */
static void raw_open(void **context, void **socket, int who, const char *user)
{
  int none = 0;

  *context = zmq_ctx_new();
  *socket = zmq_socket(*context, ZMQ_DEALER);
  assert_non_null(*socket);
  zmq_setsockopt(*socket, ZMQ_LINGER, &none, sizeof none);
  if (user) {
    zmq_setsockopt(*socket, ZMQ_PLAIN_USERNAME, user, strlen(user));
    zmq_setsockopt(*socket, ZMQ_PLAIN_PASSWORD, user, strlen(user));
  }
  if (who) {
    zmq_setsockopt(*socket, ZMQ_CURVE_SERVERKEY, identities[SERVER]->public_keys.curve, 32);
    zmq_setsockopt(*socket, ZMQ_CURVE_PUBLICKEY, identities[who]->public_keys.curve, 32);
    zmq_setsockopt(*socket, ZMQ_CURVE_SECRETKEY, kith_secret_peek(identities[who]->curve), 32);
  }
  assert_int_equal(zmq_connect(*socket, kith_server_address(server)), 0);
}

static void other_mechanisms(void **state)
{
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct kith_incoming in;
    void *context;
    void *socket;

    raw_open(&context, &socket, 0, i ? "alice" : NULL);
    assert_int_equal(zmq_send(socket, "ping", 4, 0), 4);
    assert_int_equal(receive_within(&in, NOTHING_MS), KITH_ERR_TIMEOUT);
    assert_int_equal(counts().received, 0);
    zmq_close(socket);
    zmq_ctx_term(context);
  }
}

static void framing(void **state)
{
  struct kith_incoming in;
  void *context;
  void *socket;

  (void)state;
  raw_open(&context, &socket, ALICE, NULL);
  zmq_send(socket, "one", 3, ZMQ_SNDMORE);
  zmq_send(socket, "two", 3, 0);
  zmq_send(socket, "", 0, ZMQ_SNDMORE);
  zmq_send(socket, "one", 3, ZMQ_SNDMORE);
  zmq_send(socket, "two", 3, 0);
  zmq_send(socket, "good", 4, 0);
  assert_int_equal(receive_within(&in, WAIT_MS), KITH_OK);
  assert_int_equal(in.len, 4);
  assert_memory_equal(in.bytes, "good", 4);
  assert_int_equal(counts().dropped_framing, 2);
  zmq_close(socket);
  zmq_ctx_term(context);
}

/* A key that is struck off loses the connection that it has, not only the next one. */
static void key_removed(void **state)
{
  struct kith_client *alice = client_of(ALICE, SERVER);
  struct kith_client *bob = client_of(BOB, SERVER);
  struct kith_incoming in;
  uint8_t keys[1][KITH_PUBLIC_BYTES];

  (void)state;
  exchange(alice, ALICE);
  exchange(bob, BOB);
  memcpy(keys[0], identities[BOB]->public_keys.curve, KITH_PUBLIC_BYTES);
  assert_int_equal(kith_server_allow(server, keys, 1), KITH_OK);
  assert_int_equal(kith_client_send(alice, "ping", 4), KITH_OK);
  assert_int_equal(receive_within(&in, NOTHING_MS), KITH_ERR_TIMEOUT);
  assert_int_equal(counts().dropped_unlisted, 1);
  exchange(bob, BOB);
  allow_both();
  exchange(alice, ALICE);
  kith_client_free(alice);
  kith_client_free(bob);
}

static void too_big(void **state)
{
  struct kith_client *alice = client_of(ALICE, SERVER);
  struct kith_incoming in;

  (void)state;
  exchange(alice, ALICE);
  assert_int_equal(kith_client_send(alice, big, KITH_BATCH_BYTES_MAX + 1024), KITH_OK);
  assert_int_equal(receive_within(&in, WAIT_MS), KITH_OK);
  assert_int_equal(in.len, KITH_BATCH_BYTES_MAX + 1024);
  assert_int_equal(kith_client_send(alice, big, sizeof big), KITH_OK);
  assert_int_equal(receive_within(&in, NOTHING_MS), KITH_ERR_TIMEOUT);
  assert_int_equal(counts().received, 2);
  exchange(alice, ALICE);
  kith_client_free(alice);
}

/* Who asks and never reads fills a queue of its own, and nobody else's. */
static void slow_client(void **state)
{
  struct kith_client *alice = client_of(ALICE, SERVER);
  struct kith_client *bob = client_of(BOB, SERVER);
  struct kith_incoming in;
  int64_t begin;

  (void)state;
  exchange(bob, BOB);
  assert_int_equal(send_within(alice, "ping", 4, WAIT_MS), KITH_OK);
  assert_int_equal(receive_within(&in, WAIT_MS), KITH_OK);
  begin = kith_clock_monotonic_ms();
  for (int i = 0; i < 1000 && counts().replies_lost == 0; i++)
    kith_server_reply(server, &in, big, KITH_BATCH_BYTES_MAX);
  assert_true(counts().replies_lost > 0);
  exchange(bob, BOB);
  assert_true(kith_clock_monotonic_ms() - begin < WAIT_MS);
  /* It is not cut off: when it starts afresh it is served. */
  assert_int_equal(kith_client_reset(alice), KITH_OK);
  exchange(alice, ALICE);
  kith_client_free(alice);
  kith_client_free(bob);
}

static void reply_to_nobody(void **state)
{
  struct kith_client *alice = client_of(ALICE, SERVER);
  struct kith_incoming in;

  (void)state;
  exchange(alice, ALICE);
  memset(&in, 0, sizeof in);
  memcpy(in.route, "nobody", 6);
  in.route_len = 6;
  kith_server_reply(server, &in, "pong", 4);
  assert_int_equal(counts().replies_lost, 1);
  exchange(alice, ALICE);
  kith_client_free(alice);
}

static void server_restarts(void **state)
{
  struct kith_client *alice = client_of(ALICE, SERVER);
  struct kith_fault fault = {0};
  struct kith_server *second = NULL;
  char address[256];

  (void)state;
  exchange(alice, ALICE);
  snprintf(address, sizeof address, "%s", kith_server_address(server));
  assert_int_equal(kith_server_new(&second, address, identities[SERVER], &fault),
                   KITH_ERR_UNAVAILABLE);
  assert_non_null(strstr(fault.text, address));
  kith_server_free(server);
  server = NULL;
  assert_int_equal(kith_server_new(&server, address, identities[SERVER], &fault), KITH_OK);
  allow_both();
  /* What was queued for the old one may be lost: ask again by a fresh connection. */
  assert_int_equal(kith_client_reset(alice), KITH_OK);
  exchange(alice, ALICE);
  kith_client_free(alice);
}

static void descriptors_wake(void **state)
{
  struct kith_incoming in;
  int ends[2];
  int64_t begin = kith_clock_monotonic_ms();

  (void)state;
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_int_equal(kith_server_receive(server, &in, WAIT_MS, ends, 1), KITH_ERR_TIMEOUT);
  assert_true(kith_clock_monotonic_ms() - begin < WAIT_MS / 2);
  close(ends[0]);
  close(ends[1]);
}

static void bad_addresses(void **state)
{
  struct kith_fault fault = {0};
  struct kith_server *none = NULL;
  struct kith_client *client = NULL;
  char longest[300];

  (void)state;
  assert_int_equal(kith_server_new(&none, "nowhere", identities[SERVER], &fault),
                   KITH_ERR_UNAVAILABLE);
  assert_int_equal(kith_client_new(&client, "nowhere", identities[SERVER]->public_keys.curve,
                                   identities[ALICE], &fault),
                   KITH_ERR_CONFIG);
  memset(longest, 'a', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  assert_int_equal(kith_client_new(&client, longest, identities[SERVER]->public_keys.curve,
                                   identities[ALICE], &fault),
                   KITH_ERR_CONFIG);
  assert_null(none);
  assert_null(client);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(two_members),      TEST(unlisted_key),    TEST(nobody_is_listed), TEST(wrong_server_key),
      TEST(other_mechanisms), TEST(framing),         TEST(key_removed),      TEST(too_big),
      TEST(slow_client),      TEST(reply_to_nobody), TEST(server_restarts),  TEST(descriptors_wake),
      TEST(bad_addresses),
  };

  return cmocka_run_group_tests(tests, make_identities, free_identities);
}
