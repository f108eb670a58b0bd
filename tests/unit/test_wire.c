#include "proto/wire.h"

#include "tests/unit/unit.h"

/* ---- writing */

static void assert_written(const struct kith_buf *buf, const char *expected, size_t len)
{
  assert_int_equal(kith_buf_err(buf), KITH_OK);
  assert_int_equal(buf->len, len);
  assert_memory_equal(buf->bytes, expected, len);
}

static void writes_integers(void **state)
{
  static const struct {
    uint64_t number;
    const char *bytes;
    size_t len;
  } known[] = {
      {0, "\x00", 1},
      {127, "\x7f", 1},
      {128, "\xcc\x80", 2},
      {255, "\xcc\xff", 2},
      {256, "\xcd\x01\x00", 3},
      {65535, "\xcd\xff\xff", 3},
      {65536, "\xce\x00\x01\x00\x00", 5},
      {UINT32_MAX, "\xce\xff\xff\xff\xff", 5},
      {(uint64_t)UINT32_MAX + 1, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9},
      {UINT64_MAX, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9},
  };

  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    struct kith_buf buf = {0};
    struct kith_reader reader;

    kith_write_u64(&buf, known[i].number);
    assert_written(&buf, known[i].bytes, known[i].len);
    assert_int_equal(kith_reader_init(&reader, buf.bytes, buf.len), KITH_OK);
    assert_true(kith_read_u64(&reader, 0, UINT64_MAX) == known[i].number);
    assert_int_equal(kith_reader_done(&reader), KITH_OK);
    kith_buf_free(&buf);
  }
}

enum length_kind { BIN, STRING, ARRAY };

/* The header's bytes, and the content of `n` zeros (integers, in an array) or letters. */
static const struct {
  enum length_kind kind;
  uint32_t n;
  const char *header;
  size_t header_len;
} known_lengths[] = {
    {BIN, 0, "\xc4\x00", 2},
    {BIN, 255, "\xc4\xff", 2},
    {BIN, 256, "\xc5\x01\x00", 3},
    {BIN, 65535, "\xc5\xff\xff", 3},
    {BIN, 65536, "\xc6\x00\x01\x00\x00", 5},
    {STRING, 0, "\xa0", 1},
    {STRING, 31, "\xbf", 1},
    {STRING, 32, "\xd9\x20", 2},
    {STRING, 255, "\xd9\xff", 2},
    {STRING, 256, "\xda\x01\x00", 3},
    {STRING, 65535, "\xda\xff\xff", 3},
    {STRING, 65536, "\xdb\x00\x01\x00\x00", 5},
    {ARRAY, 0, "\x90", 1},
    {ARRAY, 15, "\x9f", 1},
    {ARRAY, 16, "\xdc\x00\x10", 3},
    {ARRAY, 65535, "\xdc\xff\xff", 3},
    {ARRAY, 65536, "\xdd\x00\x01\x00\x00", 5},
};

static void writes_lengths(void **state)
{
  static char text[65537];
  static char out[65537];

  (void)state;
  for (size_t i = 0; i < sizeof known_lengths / sizeof known_lengths[0]; i++) {
    struct kith_buf buf = {0};
    struct kith_reader reader;
    size_t len = 0;

    memset(text, 'a', known_lengths[i].n);
    text[known_lengths[i].n] = '\0';
    if (known_lengths[i].kind == BIN)
      kith_write_bin(&buf, text, known_lengths[i].n);
    else if (known_lengths[i].kind == STRING)
      kith_write_string(&buf, text);
    else
      kith_write_array(&buf, known_lengths[i].n);
    for (uint32_t k = 0; known_lengths[i].kind == ARRAY && k < known_lengths[i].n; k++)
      kith_write_u64(&buf, 0);
    assert_int_equal(buf.len, known_lengths[i].header_len + known_lengths[i].n);
    assert_memory_equal(buf.bytes, known_lengths[i].header, known_lengths[i].header_len);
    assert_int_equal(kith_reader_init(&reader, buf.bytes, buf.len), KITH_OK);
    if (known_lengths[i].kind == BIN) {
      assert_memory_equal(kith_read_bin(&reader, &len, 0, SIZE_MAX), text, known_lengths[i].n);
      assert_int_equal(len, known_lengths[i].n);
    } else if (known_lengths[i].kind == STRING) {
      kith_read_string(&reader, out, sizeof out);
      assert_string_equal(out, text);
    } else {
      assert_int_equal(kith_read_array_between(&reader, 0, UINT32_MAX), known_lengths[i].n);
      for (uint32_t k = 0; k < known_lengths[i].n; k++)
        (void)kith_read_u64(&reader, 0, 0);
    }
    assert_int_equal(kith_reader_done(&reader), KITH_OK);
    kith_buf_free(&buf);
  }
}

static void writer_errors_stick(void **state)
{
  struct kith_buf buf;

  (void)state;
  kith_buf_init(&buf, 4);
  kith_write_u64(&buf, 1);
  kith_write_string(&buf, "abcd");
  kith_write_u64(&buf, 2);
  assert_int_equal(kith_buf_err(&buf), KITH_ERR_LIMIT);
  kith_buf_free(&buf);
  UNIT_EACH_ALLOCATION(n)
  {
    kith_buf_init(&buf, 0);
    kith_write_array(&buf, 2);
    kith_write_string(&buf, "abcd");
    kith_write_u64(&buf, 2);
    if (kith_buf_err(&buf) == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(kith_buf_err(&buf), KITH_ERR_MEMORY);
    kith_buf_free(&buf);
  }
}

/* ---- refusals */

/* In memory of exactly its size, so that a sanitizer sees a read past the end. */
static enum kith_err init(const void *bytes, size_t len)
{
  struct kith_reader reader;
  uint8_t *exact = malloc(len ? len : 1);
  enum kith_err err;

  assert_non_null(exact);
  memcpy(exact, bytes, len);
  err = kith_reader_init(&reader, exact, len);
  assert_int_equal(reader.err, err);
  free(exact);
  return err;
}

static void refuses_first_bytes(void **state)
{
  (void)state;
  for (unsigned first = 0; first < 256; first++) {
    bool nothing_more = first <= 0x7f || first == 0x90 || first == 0xa0;
    bool sized = (first >= 0xc4 && first <= 0xc6) || (first >= 0xcc && first <= 0xcf) ||
                 (first >= 0xd9 && first <= 0xdd);
    bool fixed = (first >= 0x90 && first <= 0xbf);
    uint8_t bytes[64] = {(uint8_t)first};
    bool taken = false;

    /* Whatever follows, and however much of it. */
    for (unsigned fill = 0; fill < 256; fill++) {
      memset(bytes + 1, (int)fill, sizeof bytes - 1);
      for (size_t len = 1; len <= sizeof bytes; len++) {
        bool ok = init(bytes, len) == KITH_OK;

        if (ok && len == 1 && !nothing_more)
          fail_msg("first byte %02x is taken alone", first);
        taken |= ok;
      }
    }
    /* Lengths whose bytes are alike fit 64 bytes only for the one-byte forms. */
    if (first == 0xc5 || first == 0xc6 || (first >= 0xda && first <= 0xdd))
      continue;
    if (taken != (nothing_more || sized || fixed))
      fail_msg("first byte %02x: %s", first, taken ? "taken" : "refused");
  }
}

static const struct {
  const char *header;
  size_t len;
  size_t content;
  bool good;
} known_forms[] = {
    {"\xcc\x7f", 2, 0, false},
    {"\xcc\x80", 2, 0, true},
    {"\xcd\x00\xff", 3, 0, false},
    {"\xcd\x01\x00", 3, 0, true},
    {"\xce\x00\x00\xff\xff", 5, 0, false},
    {"\xce\x00\x01\x00\x00", 5, 0, true},
    {"\xcf\x00\x00\x00\x00\xff\xff\xff\xff", 9, 0, false},
    {"\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9, 0, true},
    {"\xc4\x05", 2, 5, true},
    {"\xc5\x00\xff", 3, 255, false},
    {"\xc5\x01\x00", 3, 256, true},
    {"\xc6\x00\x00\xff\xff", 5, 65535, false},
    {"\xc6\x00\x01\x00\x00", 5, 65536, true},
    {"\xd9\x1f", 2, 31, false},
    {"\xd9\x20", 2, 32, true},
    {"\xda\x00\xff", 3, 255, false},
    {"\xda\x01\x00", 3, 256, true},
    {"\xdb\x00\x00\xff\xff", 5, 65535, false},
    {"\xdb\x00\x01\x00\x00", 5, 65536, true},
    {"\xdc\x00\x0f", 3, 15, false},
    {"\xdc\x00\x10", 3, 16, true},
    {"\xdd\x00\x00\xff\xff", 5, 65535, false},
    {"\xdd\x00\x01\x00\x00", 5, 65536, true},
    /* The values are there, the types are not ours. */
    {"\xc0", 1, 0, false},
    {"\xc2", 1, 0, false},
    {"\xc3", 1, 0, false},
    {"\xff", 1, 0, false},
    {"\xd0\x80", 2, 0, false},
    {"\xd0\x01", 2, 0, false},
    {"\xd1\x01\x00", 3, 0, false},
    {"\xd2\x01\x00\x00\x00", 5, 0, false},
    {"\xd3\x01\x00\x00\x00\x00\x00\x00\x00", 9, 0, false},
    {"\xca\x00\x00\x00\x00", 5, 0, false},
    {"\xcb\x00\x00\x00\x00\x00\x00\x00\x00", 9, 0, false},
    {"\x80", 1, 0, false},
    {"\x81\x01\x01", 3, 0, false},
    {"\xde\x00\x00", 3, 0, false},
    {"\xdf\x00\x00\x00\x00", 5, 0, false},
    {"\xd4\x01\x01", 3, 0, false},
    {"\xc7\x01\x01\x01", 4, 0, false},
};

static void refuses_longer_forms(void **state)
{
  static uint8_t bytes[70000];
  (void)state;
  for (size_t i = 0; i < sizeof known_forms / sizeof known_forms[0]; i++) {
    enum kith_err err;

    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, known_forms[i].header, known_forms[i].len);
    err = init(bytes, known_forms[i].len + known_forms[i].content);
    if (err != (known_forms[i].good ? KITH_OK : KITH_ERR_DATA))
      fail_msg("form %zu (%02x): %d", i, bytes[0], (int)err);
    if (known_forms[i].good) {
      assert_int_equal(init(bytes, known_forms[i].len + known_forms[i].content + 1), KITH_ERR_DATA);
      for (size_t len = 0; len < known_forms[i].len + known_forms[i].content;
           len += len < 16 ? 1 : 977)
        assert_int_equal(init(bytes, len), KITH_ERR_DATA);
    }
  }
}

static void refuses_depth(void **state)
{
  uint8_t bytes[KITH_WIRE_DEPTH_MAX + 2];

  (void)state;
  memset(bytes, 0x91, sizeof bytes);
  bytes[KITH_WIRE_DEPTH_MAX] = 0x01;
  assert_int_equal(init(bytes, KITH_WIRE_DEPTH_MAX + 1), KITH_OK);
  bytes[KITH_WIRE_DEPTH_MAX] = 0x91;
  bytes[KITH_WIRE_DEPTH_MAX + 1] = 0x01;
  assert_int_equal(init(bytes, KITH_WIRE_DEPTH_MAX + 2), KITH_ERR_DATA);
  bytes[KITH_WIRE_DEPTH_MAX] = 0x90;
  assert_int_equal(init(bytes, KITH_WIRE_DEPTH_MAX + 1), KITH_ERR_DATA);
}

static void refuses_declared_lengths(void **state)
{
  static const char *const headers[] = {"\xdd\x80\x00\x00\x00", "\xdd\xff\xff\xff\xff",
                                        "\xc6\x80\x00\x00\x00", "\xdb\xff\xff\xff\xff"};
  uint8_t inner[10];

  (void)state;
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    assert_int_equal(init(headers[i], 5), KITH_ERR_DATA);
    inner[0] = 0x92;
    inner[1] = 0x01;
    memcpy(inner + 2, headers[i], 5);
    memset(inner + 7, 0, 3);
    assert_int_equal(init(inner, sizeof inner), KITH_ERR_DATA);
  }
  /* Elements that take from each other's bytes. */
  assert_int_equal(init("\x92\x92\x01\x02", 4), KITH_ERR_DATA);
  assert_int_equal(init("\x92\x92\x01\x02\x03", 5), KITH_OK);
  assert_int_equal(init("", 0), KITH_ERR_DATA);
  {
    struct kith_reader reader;

    assert_int_equal(kith_reader_init(&reader, NULL, 0), KITH_ERR_DATA);
    assert_int_equal(kith_reader_done(&reader), KITH_ERR_DATA);
  }
}

static void refuses_text(void **state)
{
  static const char *const bad[] = {
      "\xa1\x00",             /* NUL */
      "\xa3z\x00z",           /* NUL inside */
      "\xa1\x80",             /* a continuation alone */
      "\xa1\xc3",             /* cut */
      "\xa2\xc0\x80",         /* overlong */
      "\xa3\xed\xa0\x80",     /* surrogate */
      "\xa4\xf4\x90\x80\x80", /* past U+10FFFF */
      "\xa1\xff",
  };

  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct kith_reader reader;
    char out[16] = "unchanged";
    size_t len = 1 + ((uint8_t)bad[i][0] & 0x1fu);

    assert_int_equal(kith_reader_init(&reader, bad[i], len), KITH_OK);
    kith_read_string(&reader, out, sizeof out);
    if (reader.err != KITH_ERR_DATA || out[0])
      fail_msg("text %zu was taken", i);
    assert_int_equal(kith_reader_done(&reader), KITH_ERR_DATA);
  }
}

static void limits_text(void **state)
{
  struct kith_reader reader;
  char out[5];

  (void)state;
  assert_int_equal(kith_reader_init(&reader, "\xa4\xc3\xa9\xc3\xa8", 5), KITH_OK);
  kith_read_string(&reader, out, 5);
  assert_string_equal(out, "\xc3\xa9\xc3\xa8");
  assert_int_equal(kith_reader_done(&reader), KITH_OK);
  assert_int_equal(kith_reader_init(&reader, "\xa4\xc3\xa9\xc3\xa8", 5), KITH_OK);
  kith_read_string(&reader, out, 4);
  assert_int_equal(reader.err, KITH_ERR_DATA);
  assert_int_equal(out[0], 0);
}

static void member_ids(void **state)
{
  static const char *const good[] = {"a", "z9_", "_", "0", "abcdefghijklmnopqrstuvwxyz012345"};
  static const char *const bad[] = {"",    "A",        "a b", "a-b",
                                    "a.b", "\xc3\xa9", "a/",  "abcdefghijklmnopqrstuvwxyz0123456"};

  (void)state;
  for (size_t i = 0; i < 5 + 8; i++) {
    const char *id = i < 5 ? good[i] : bad[i - 5];
    struct kith_buf buf = {0};
    struct kith_reader reader;
    char out[KITH_MEMBER_ID_BYTES];

    kith_write_string(&buf, id);
    assert_int_equal(kith_member_id_valid(id), i < 5);
    assert_int_equal(kith_reader_init(&reader, buf.bytes, buf.len), KITH_OK);
    kith_read_member(&reader, out);
    assert_int_equal(kith_reader_done(&reader), i < 5 ? KITH_OK : KITH_ERR_DATA);
    assert_string_equal(out, i < 5 ? id : "");
    kith_buf_free(&buf);
  }
}

/* ---- ranges, kinds, and errors that stick */

static void refuses_ranges(void **state)
{
  struct kith_reader reader;
  uint8_t out[4] = {9, 9, 9, 9};
  size_t len = 7;

  (void)state;
  for (unsigned i = 0; i < 8; i++) {
    static const char value[] = "\x93\x05\xc4\x03"
                                "abc\x91\x01";

    assert_int_equal(kith_reader_init(&reader, value, sizeof value - 1), KITH_OK);
    if (i == 0)
      kith_read_array(&reader, 2);
    else if (i == 1)
      assert_int_equal(kith_read_array_between(&reader, 4, 9), 0);
    else
      kith_read_array(&reader, 3);
    if (i == 2)
      assert_int_equal(kith_read_u64(&reader, 6, 9), 0);
    else if (i == 3)
      assert_int_equal(kith_read_u64(&reader, 0, 4), 0);
    else if (i > 3)
      assert_int_equal(kith_read_u64(&reader, 5, 5), 5);
    if (i == 4) {
      assert_null(kith_read_bin(&reader, &len, 4, 9));
      assert_int_equal(len, 0);
    } else if (i == 5) {
      assert_null(kith_read_bin(&reader, &len, 0, 2));
      assert_int_equal(len, 0);
    } else if (i == 6) {
      kith_read_bin_exact(&reader, out, sizeof out);
      assert_memory_equal(out, "\0\0\0\0", 4);
    } else if (i == 7) {
      assert_int_equal(kith_read_array_between(&reader, 0, 9), 0);
    }
    assert_int_equal(reader.err, KITH_ERR_DATA);
    assert_int_equal(kith_reader_done(&reader), KITH_ERR_DATA);
  }
}

static void errors_stick(void **state)
{
  struct kith_reader reader;
  char text[8] = "text";
  uint8_t bytes[2] = {1, 1};
  char member[KITH_MEMBER_ID_BYTES] = "a";
  size_t len = 3;

  (void)state;
  assert_int_equal(kith_reader_init(&reader, "\x96\x01\xa1x\xc4\x02xy\x90\xa1x\x01", 12), KITH_OK);
  kith_read_array(&reader, 5);
  /* Each of these would be right but for the error. */
  assert_int_equal(kith_read_u64(&reader, 0, 9), 0);
  kith_read_string(&reader, text, sizeof text);
  assert_string_equal(text, "");
  kith_read_bin_exact(&reader, bytes, 2);
  assert_memory_equal(bytes, "\0\0", 2);
  assert_int_equal(kith_read_array_between(&reader, 0, 9), 0);
  kith_read_member(&reader, member);
  assert_string_equal(member, "");
  assert_null(kith_read_value(&reader, &len));
  assert_int_equal(len, 0);
  assert_int_equal(kith_reader_done(&reader), KITH_ERR_DATA);
}

static void done_needs_the_end(void **state)
{
  struct kith_reader reader;
  size_t len;

  (void)state;
  assert_int_equal(kith_reader_init(&reader, "\x92\x01\x92\x02\xa1x", 6), KITH_OK);
  kith_read_array(&reader, 2);
  assert_int_equal(kith_reader_done(&reader), KITH_ERR_DATA);
  assert_int_equal(kith_read_u64(&reader, 1, 1), 1);
  assert_int_equal(kith_reader_done(&reader), KITH_ERR_DATA);
  assert_memory_equal(kith_read_value(&reader, &len), "\x92\x02\xa1x", 4);
  assert_int_equal(len, 4);
  assert_int_equal(kith_reader_done(&reader), KITH_OK);
  assert_null(kith_read_value(&reader, &len));
  assert_int_equal(kith_reader_done(&reader), KITH_ERR_DATA);
}

/* ---- what the writer writes the reader reads */

static uint64_t random_number(void)
{
  uint64_t number = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();

  return number >> (rand() % 64);
}

static void write_random(struct kith_buf *buf, unsigned seed, unsigned depth)
{
  char text[300];
  uint32_t n = (uint32_t)(rand() % (depth ? 5 : 40));

  kith_write_array(buf, n + 3);
  kith_write_u64(buf, random_number());
  memset(text, 'a' + (int)(seed % 26), sizeof text);
  text[rand() % 300] = '\0';
  text[sizeof text - 1] = '\0';
  kith_write_string(buf, text);
  kith_write_bin(buf, text, (size_t)(rand() % 300));
  for (uint32_t i = 0; i < n; i++) {
    if (depth + 1 < KITH_WIRE_DEPTH_MAX && rand() % 2)
      write_random(buf, seed, depth + 1);
    else
      kith_write_u64(buf, random_number());
  }
}

static void read_random(struct kith_reader *reader, unsigned seed, unsigned depth)
{
  char text[300];
  char read[300];
  size_t len;
  uint32_t n = (uint32_t)(rand() % (depth ? 5 : 40));

  kith_read_array(reader, n + 3);
  {
    uint64_t number = random_number();

    assert_true(kith_read_u64(reader, number, number) == number);
  }
  memset(text, 'a' + (int)(seed % 26), sizeof text);
  text[rand() % 300] = '\0';
  text[sizeof text - 1] = '\0';
  kith_read_string(reader, read, sizeof read);
  assert_string_equal(read, text);
  {
    size_t expected = (size_t)(rand() % 300);
    const uint8_t *bytes = kith_read_bin(reader, &len, expected, expected);

    assert_int_equal(len, expected);
    assert_non_null(bytes);
    assert_memory_equal(bytes, text, len);
  }
  for (uint32_t i = 0; i < n; i++) {
    if (depth + 1 < KITH_WIRE_DEPTH_MAX && rand() % 2)
      read_random(reader, seed, depth + 1);
    else
      assert_true(kith_read_u64(reader, 0, UINT64_MAX) == random_number());
  }
  assert_int_equal(reader->err, KITH_OK);
}

static void random_values(void **state)
{
  const char *given = getenv("KITH_TEST_SEED");
  unsigned first = given ? (unsigned)strtoul(given, NULL, 10) : 1;

  (void)state;
  print_message("KITH_TEST_SEED=%u\n", first);
  for (unsigned seed = first; seed < first + 100; seed++) {
    struct kith_buf buf = {0};
    struct kith_reader reader;

    srand(seed);
    write_random(&buf, seed, 0);
    assert_int_equal(kith_buf_err(&buf), KITH_OK);
    assert_int_equal(kith_reader_init(&reader, buf.bytes, buf.len), KITH_OK);
    srand(seed);
    read_random(&reader, seed, 0);
    assert_int_equal(kith_reader_done(&reader), KITH_OK);
    kith_buf_append(&buf, "", 1);
    assert_int_equal(init(buf.bytes, buf.len), KITH_ERR_DATA);
    for (size_t len = 0; len < buf.len - 1; len += 1 + buf.len / 200)
      assert_int_equal(init(buf.bytes, len), KITH_ERR_DATA);
    kith_buf_free(&buf);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_integers),
      cmocka_unit_test(writes_lengths),
      cmocka_unit_test(writer_errors_stick),
      cmocka_unit_test(refuses_first_bytes),
      cmocka_unit_test(refuses_longer_forms),
      cmocka_unit_test(refuses_depth),
      cmocka_unit_test(refuses_declared_lengths),
      cmocka_unit_test(refuses_text),
      cmocka_unit_test(limits_text),
      cmocka_unit_test(member_ids),
      cmocka_unit_test(refuses_ranges),
      cmocka_unit_test(errors_stick),
      cmocka_unit_test(done_needs_the_end),
      cmocka_unit_test(random_values),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
