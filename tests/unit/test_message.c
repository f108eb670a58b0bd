#include "proto/message.h"

#include "tests/unit/messages.h"

static unsigned seed;

static int set_up(void **state)
{
  bool locked;

  (void)state;
  seed = statements_seed();
  return kith_crypto_init(&locked) == KITH_OK ? 0 : -1;
}

/* ---- the same steps for requests and replies: read, hold against the writer's bytes */

typedef enum kith_err copier(struct kith_buf *again, const void *bytes, size_t len);

static enum kith_err copy_request(struct kith_buf *again, const void *bytes, size_t len)
{
  struct kith_request read;
  enum kith_err err = kith_request_read(&read, bytes, len);

  if (err == KITH_OK) {
    err = kith_request_write(again, &read);
    kith_request_free(&read);
  }
  return err;
}

static enum kith_err copy_reply(struct kith_buf *again, const void *bytes, size_t len)
{
  struct kith_reply read;
  enum kith_err err = kith_reply_read(&read, bytes, len);

  if (err == KITH_OK) {
    err = kith_reply_write(again, &read);
    kith_reply_free(&read);
  } else {
    struct kith_reply nothing = {0};

    /* Freed already; for some types the request's id is kept. */
    nothing.type = read.type;
    nothing.request_id = read.request_id;
    nothing.error = read.error;
    assert_memory_equal(&read, &nothing, sizeof read);
  }
  return err;
}

static void copies(copier *copy, const struct kith_buf *bytes)
{
  struct kith_buf again;
  uint8_t *exact = malloc(bytes->len);

  assert_non_null(exact);
  memcpy(exact, bytes->bytes, bytes->len);
  kith_buf_init(&again, 0);
  assert_int_equal(copy(&again, exact, bytes->len), KITH_OK);
  assert_int_equal(again.len, bytes->len);
  assert_memory_equal(again.bytes, bytes->bytes, bytes->len);
  kith_buf_free(&again);
  free(exact);
}

static void refuses_cut(copier *copy, struct kith_buf *bytes)
{
  struct kith_buf again;

  kith_buf_init(&again, 0);
  for (size_t len = 0; len < bytes->len; len++) {
    uint8_t *exact = malloc(len ? len : 1);

    assert_non_null(exact);
    memcpy(exact, bytes->bytes, len);
    assert_int_equal(copy(&again, exact, len), KITH_ERR_DATA);
    free(exact);
  }
  for (int tail = 0; tail < 256; tail++) {
    uint8_t byte = (uint8_t)tail;

    kith_buf_append(bytes, &byte, 1);
    assert_int_equal(copy(&again, bytes->bytes, bytes->len), KITH_ERR_DATA);
    bytes->len--;
  }
  kith_buf_free(&again);
}

/* A changed byte is refused or means something else: never is it passed over. */
static void heeds_every_byte(copier *copy, struct kith_buf *bytes)
{
  struct kith_buf again;

  kith_buf_init(&again, 0);
  for (size_t i = 0; i < bytes->len; i++)
    for (unsigned bit = 0; bit < 8; bit++) {
      bytes->bytes[i] ^= (uint8_t)(1u << bit);
      if (copy(&again, bytes->bytes, bytes->len) == KITH_OK) {
        assert_int_equal(again.len, bytes->len);
        assert_memory_equal(again.bytes, bytes->bytes, bytes->len);
      }
      bytes->bytes[i] ^= (uint8_t)(1u << bit);
    }
  kith_buf_free(&again);
}

static void out_of_memory(copier *copy, const struct kith_buf *bytes)
{
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_buf again;
    enum kith_err err;

    kith_buf_init(&again, 0);
    err = copy(&again, bytes->bytes, bytes->len);
    kith_buf_free(&again);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
}

static void all_of(copier *copy, struct kith_buf *bytes, int i)
{
  copies(copy, bytes);
  if (i)
    return;
  refuses_cut(copy, bytes);
  heeds_every_byte(copy, bytes);
  out_of_memory(copy, bytes);
}

static void requests(void **state)
{
  (void)state;
  srand(seed);
  for (int type = 1; type < KITH_REQUEST_TYPES; type++)
    for (int i = 0; i < 20; i++) {
      struct kith_request request;
      struct kith_request read;
      struct kith_buf bytes;

      random_request(&request, (enum kith_request_type)type);
      kith_buf_init(&bytes, 0);
      assert_int_equal(kith_request_write(&bytes, &request), KITH_OK);
      corpus_write("request", type, bytes.bytes, bytes.len);
      all_of(copy_request, &bytes, i);
      assert_int_equal(kith_request_read(&read, bytes.bytes, bytes.len), KITH_OK);
      assert_int_equal(read.type, request.type);
      assert_true(read.request_id == request.request_id);
      kith_request_free(&read);
      kith_request_free(&request);
      kith_buf_free(&bytes);
    }
}

static void replies(void **state)
{
  (void)state;
  srand(seed + 1);
  for (int type = 1; type < KITH_REQUEST_TYPES; type++)
    for (int i = 0; i < 20 + KITH_REPLY_ERRORS; i++) {
      struct kith_reply reply;
      struct kith_reply read;
      struct kith_buf bytes;

      random_reply(&reply, (enum kith_request_type)type,
                   i < 20 ? KITH_REPLY_OK : (enum kith_reply_error)(i - 20));
      kith_buf_init(&bytes, 0);
      assert_int_equal(kith_reply_write(&bytes, &reply), KITH_OK);
      corpus_write("reply", i < 20 ? type : i, bytes.bytes, bytes.len);
      all_of(copy_reply, &bytes, i);
      assert_int_equal(kith_reply_read(&read, bytes.bytes, bytes.len), KITH_OK);
      assert_int_equal(read.type, reply.type);
      assert_true(read.request_id == reply.request_id);
      assert_int_equal(read.error, reply.error);
      kith_reply_free(&read);
      kith_reply_free(&reply);
      kith_buf_free(&bytes);
    }
}

/* ---- what a refusal can be addressed by */

static void head(struct kith_buf *out, uint64_t version, uint64_t type, uint64_t request_id)
{
  kith_buf_init(out, 0);
  kith_write_array(out, 4);
  kith_write_u64(out, version);
  kith_write_u64(out, type);
  kith_write_u64(out, request_id);
}

static void unknown_types(void **state)
{
  static const uint64_t types[] = {0,       KITH_REQUEST_TYPES,    255,
                                   256 + 1, (uint64_t)1 << 32 | 1, UINT64_MAX};

  (void)state;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    struct kith_request read;
    struct kith_buf bytes;

    head(&bytes, 1, types[i], UINT64_MAX - 5);
    kith_write_string(&bytes, "whatever");
    assert_int_equal(kith_request_read(&read, bytes.bytes, bytes.len), KITH_ERR_NOT_FOUND);
    assert_true(read.request_id == UINT64_MAX - 5);
    assert_int_equal(read.type, 0);
    kith_request_free(&read);
    kith_buf_free(&bytes);
  }
}

static void malformed_bodies(void **state)
{
  (void)state;
  for (int type = 1; type < KITH_REQUEST_TYPES; type++) {
    struct kith_request read;
    struct kith_buf bytes;

    head(&bytes, 1, (uint64_t)type, 77);
    kith_write_u64(&bytes, 0);
    assert_int_equal(kith_request_read(&read, bytes.bytes, bytes.len), KITH_ERR_DATA);
    assert_true(read.request_id == 77);
    assert_int_equal(read.type, type);
    kith_request_free(&read);
    kith_buf_free(&bytes);
    for (uint64_t version = 0; version <= 2; version += 2) {
      head(&bytes, version, KITH_REQUEST_HELLO, 77);
      kith_write_array(&bytes, 0);
      assert_int_equal(kith_request_read(&read, bytes.bytes, bytes.len), KITH_ERR_DATA);
      kith_request_free(&read);
      kith_buf_free(&bytes);
    }
  }
}

/* ---- ranges */

static void request_refused(const struct kith_request *request)
{
  struct kith_buf bytes;
  struct kith_buf again;

  kith_buf_init(&bytes, 0);
  kith_buf_init(&again, 0);
  assert_int_equal(kith_request_write(&bytes, request), KITH_OK);
  if (copy_request(&again, bytes.bytes, bytes.len) != KITH_ERR_DATA)
    fail_msg("%s is taken that must not be", kith_request_name(request->type));
  kith_buf_free(&bytes);
  kith_buf_free(&again);
}

static void reply_refused(const struct kith_reply *reply)
{
  struct kith_buf bytes;
  struct kith_buf again;

  kith_buf_init(&bytes, 0);
  kith_buf_init(&again, 0);
  assert_int_equal(kith_reply_write(&bytes, reply), KITH_OK);
  if (copy_reply(&again, bytes.bytes, bytes.len) != KITH_ERR_DATA)
    fail_msg("reply to %s is taken that must not be", kith_request_name(reply->type));
  kith_buf_free(&bytes);
  kith_buf_free(&again);
}

#define REQUEST_REFUSED(TYPE, ...)                                                                 \
  do {                                                                                             \
    struct kith_request r;                                                                         \
                                                                                                   \
    random_request(&r, (TYPE));                                                                    \
    __VA_ARGS__;                                                                                   \
    request_refused(&r);                                                                           \
    kith_request_free(&r);                                                                         \
  } while (0)

#define REPLY_REFUSED(TYPE, ...)                                                                   \
  do {                                                                                             \
    struct kith_reply r;                                                                           \
                                                                                                   \
    random_reply(&r, (TYPE), KITH_REPLY_OK);                                                       \
    __VA_ARGS__;                                                                                   \
    reply_refused(&r);                                                                             \
    kith_reply_free(&r);                                                                           \
  } while (0)

static uint8_t long_bytes[KITH_CHUNK_BYTES_MAX + 1];

static void request_ranges(void **state)
{
  struct kith_span none = {long_bytes, 0};

  (void)state;
  srand(seed + 2);
  REQUEST_REFUSED(KITH_REQUEST_DOCUMENT_PUT, r.body.document_put.kind = 0);
  REQUEST_REFUSED(KITH_REQUEST_DOCUMENT_PUT, r.body.document_put.kind = 3);
  REQUEST_REFUSED(KITH_REQUEST_DOCUMENT_PUT, r.body.document_put.len = 0);
  REQUEST_REFUSED(KITH_REQUEST_DOCUMENT_PUT, r.body.document_put.n_signatures = 2;
                  r.body.document_put.signatures[1] = r.body.document_put.signatures[0]);
  REQUEST_REFUSED(KITH_REQUEST_DOCUMENT_GET, r.body.document_get.kind = 0);
  REQUEST_REFUSED(KITH_REQUEST_DOCUMENT_GET, r.body.document_get.kind = 3);
  REQUEST_REFUSED(KITH_REQUEST_STATEMENT_PUT, r.body.statement_put.statement = none);
  REQUEST_REFUSED(KITH_REQUEST_STATEMENT_PUT, r.body.statement_put.statement = (struct kith_span){
                                                  long_bytes, KITH_STATEMENT_BYTES_MAX + 1});
  REQUEST_REFUSED(KITH_REQUEST_STATEMENT_GET, r.body.statement_get.from = KITH_STATEMENTS_MAX + 1);
  REQUEST_REFUSED(KITH_REQUEST_BATCH_PUT, r.body.batch_put.number = KITH_BATCHES_MAX);
  REQUEST_REFUSED(KITH_REQUEST_BATCH_PUT, r.body.batch_put.rows = none);
  REQUEST_REFUSED(KITH_REQUEST_BATCH_PUT,
                  r.body.batch_put.rows = (struct kith_span){long_bytes, KITH_BATCH_BYTES_MAX + 1});
  REQUEST_REFUSED(KITH_REQUEST_COHORT_GET, r.body.cohort_get.offset = KITH_LIST_BYTES_MAX + 1ull);
  REQUEST_REFUSED(KITH_REQUEST_AUDIT_GET,
                  r.body.audit_get.offset = KITH_AUDIT_EXPORT_BYTES_MAX + 1ull);
}

static void reply_ranges(void **state)
{
  struct kith_round_entry entry = {.state = KITH_ROUND_KEYING, .attempt = 1};

  (void)state;
  srand(seed + 3);
  REPLY_REFUSED(KITH_REQUEST_HELLO, r.error = KITH_REPLY_ERRORS);
  REPLY_REFUSED(0, (void)r);
  REPLY_REFUSED(KITH_REQUEST_TYPES, (void)r);
  REPLY_REFUSED(KITH_REQUEST_HELLO, r.body.hello.time = -1);
  REPLY_REFUSED(KITH_REQUEST_HELLO, r.body.hello.n_rounds = KITH_ROUNDS_MAX + 1);
  REPLY_REFUSED(KITH_REQUEST_HELLO, r.body.hello.software[0] = '\xff');
  REPLY_REFUSED(KITH_REQUEST_DOCUMENT_GET, r.body.document_get.document.kind = 3);
  for (int i = 0; i < 6; i++) {
    struct kith_reply reply = {.type = KITH_REQUEST_ROUND_LIST};
    struct kith_round_entry bad = entry;

    reply.body.round_list.n = 1;
    reply.body.round_list.rounds = &bad;
    bad.state = i == 0 ? 0 : i == 1 ? KITH_ROUND_STATES : bad.state;
    bad.attempt = i == 2 ? 0 : i == 3 ? KITH_ATTEMPTS_MAX + 1 : bad.attempt;
    bad.opened = i == 4 ? -1 : 0;
    bad.deadline = i == 5 ? -1 : 0;
    reply_refused(&reply);
  }
  REPLY_REFUSED(KITH_REQUEST_STATEMENT_PUT, r.body.statement_put.index = KITH_STATEMENTS_MAX + 1);
  REPLY_REFUSED(KITH_REQUEST_STATEMENT_GET, r.body.statement_get.state = 0);
  REPLY_REFUSED(KITH_REQUEST_STATEMENT_GET, r.body.statement_get.attempt = 0);
  REPLY_REFUSED(KITH_REQUEST_STATEMENT_GET, r.body.statement_get.deadline = -1);
  REPLY_REFUSED(KITH_REQUEST_STATEMENT_GET, r.body.statement_get.progress = 1001);
  REPLY_REFUSED(KITH_REQUEST_STATEMENT_GET, r.body.statement_get.total = KITH_STATEMENTS_MAX + 1);
  REPLY_REFUSED(KITH_REQUEST_BATCH_PUT, r.body.batch_put.held = KITH_BATCHES_MAX + 1);
  REPLY_REFUSED(KITH_REQUEST_BATCH_STATUS,
                r.body.batch_status = (struct kith_span){long_bytes, KITH_BATCHES_MAX / 8 + 1});
  REPLY_REFUSED(KITH_REQUEST_COHORT_GET, r.body.cohort_get.total = KITH_LIST_BYTES_MAX + 1ull);
  REPLY_REFUSED(KITH_REQUEST_COHORT_GET,
                r.body.cohort_get.chunk = (struct kith_span){long_bytes, KITH_CHUNK_BYTES_MAX + 1});
}

/* As long as may be; then a byte more. */
static void long_strings(void **state)
{
  (void)state;
  for (size_t len = 62; len <= 65; len++) {
    struct kith_reply read;
    struct kith_hash hash = {{0}};
    struct kith_buf bytes;
    char text[80] = {0};

    memset(text, 'x', len);
    kith_buf_init(&bytes, 0);
    kith_write_array(&bytes, 5);
    kith_write_u64(&bytes, 1);
    kith_write_u64(&bytes, KITH_REQUEST_HELLO);
    kith_write_u64(&bytes, 9);
    kith_write_u64(&bytes, 0);
    kith_write_array(&bytes, 4);
    kith_write_string(&bytes, text);
    kith_write_u64(&bytes, 1);
    kith_write_bin(&bytes, hash.bytes, sizeof hash.bytes);
    kith_write_u64(&bytes, 1);
    assert_int_equal(kith_reply_read(&read, bytes.bytes, bytes.len),
                     len < sizeof read.body.hello.software ? KITH_OK : KITH_ERR_DATA);
    kith_reply_free(&read);
    kith_buf_free(&bytes);
  }
}

/* The hash of a document is whole, or is not there. */
static void document_hashes(void **state)
{
  uint8_t bytes[40] = {1};

  (void)state;
  for (size_t len = 0; len <= sizeof bytes; len++) {
    struct kith_request read;
    struct kith_buf buf;
    bool good = len == 0 || len == KITH_HASH_BYTES;

    head(&buf, 1, KITH_REQUEST_DOCUMENT_GET, 5);
    kith_write_array(&buf, 2);
    kith_write_u64(&buf, KITH_DOCUMENT_POLICY);
    kith_write_bin(&buf, bytes, len);
    assert_int_equal(kith_request_read(&read, buf.bytes, buf.len), good ? KITH_OK : KITH_ERR_DATA);
    if (good)
      assert_int_equal(read.body.document_get.newest, len == 0);
    kith_buf_free(&buf);
  }
}

/* A checkpoint is all there or not at all. */
static void checkpoints(void **state)
{
  uint8_t bytes[64] = {1};

  (void)state;
  for (unsigned i = 0; i < 8; i++) {
    struct kith_checkpoint read;
    struct kith_reader reader;
    struct kith_buf buf = {0};
    bool good = i == 0 || i == 7;

    kith_write_array(&buf, 3);
    kith_write_u64(&buf, i & 1);
    kith_write_bin(&buf, bytes, i & 2 ? 32 : 0);
    kith_write_bin(&buf, bytes, i & 4 ? 64 : 0);
    assert_int_equal(kith_reader_init(&reader, buf.bytes, buf.len), KITH_OK);
    kith_checkpoint_read(&reader, &read);
    assert_int_equal(kith_reader_done(&reader), good ? KITH_OK : KITH_ERR_DATA);
    kith_buf_free(&buf);
  }
}

static void names(void **state)
{
  (void)state;
  assert_string_equal(kith_request_name(KITH_REQUEST_COHORT_GET), "cohort.get");
  assert_string_equal(kith_request_name(0), "unknown");
  assert_string_equal(kith_request_name(KITH_REQUEST_TYPES), "unknown");
  assert_string_equal(kith_reply_error_name(KITH_REPLY_ERRORS), "unknown");
  assert_string_equal(kith_reply_error_name(KITH_REPLY_STALE), "stale");
  assert_string_equal(kith_round_state_name(0), "unknown");
  for (int a = 1; a < KITH_ROUND_STATES; a++) {
    enum kith_round_state s = (enum kith_round_state)a;

    assert_string_not_equal(kith_round_state_name(s), "unknown");
    assert_int_equal(kith_round_state_final(s), s == KITH_ROUND_CLOSED || s == KITH_ROUND_ABORTED);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests),        cmocka_unit_test(replies),
      cmocka_unit_test(unknown_types),   cmocka_unit_test(malformed_bodies),
      cmocka_unit_test(request_ranges),  cmocka_unit_test(reply_ranges),
      cmocka_unit_test(long_strings),    cmocka_unit_test(checkpoints),
      cmocka_unit_test(document_hashes), cmocka_unit_test(names),
  };

  return cmocka_run_group_tests(tests, set_up, NULL);
}
