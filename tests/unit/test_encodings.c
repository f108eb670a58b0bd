/* Files of encodings: what is written comes back, and what is wrong is refused. */
#include "tests/unit/unit.h"

#include <zlib.h>

#include "base/mem.h"
#include "proto/encodings.h"

enum { HEADER = 140 };

static void make(struct kith_encodings *enc, size_t n, unsigned bits, bool masks)
{
  kith_encodings_init(enc);
  assert_int_equal(kith_encodings_alloc(enc, n, bits, masks), KITH_OK);
  for (size_t i = 0; i < n * enc->row_bytes; i++)
    enc->filters[i] = (uint8_t)(i * 37 + 11);
  for (size_t i = 0; i < n && bits % 8; i++) {
    uint8_t *last = kith_encodings_row(enc, i) + enc->row_bytes - 1;
    *last = (uint8_t)(*last & ~(0xffu >> bits % 8));
  }
  if (!masks)
    return;
  enc->has_schema = true;
  memset(enc->schema_hash, 7, sizeof enc->schema_hash);
  memset(enc->key_check, 9, sizeof enc->key_check);
  enc->n_fields = 3;
  for (unsigned f = 0; f < 3; f++)
    enc->field_weights[f] = 100 + f;
  for (size_t i = 0; i < n; i++)
    enc->masks[i] = (uint16_t)(i % 8);
}

static void assert_same(const struct kith_encodings *a, const struct kith_encodings *b)
{
  assert_int_equal(a->n, b->n);
  assert_int_equal(a->bits, b->bits);
  assert_int_equal(a->row_bytes, b->row_bytes);
  assert_memory_equal(a->filters, b->filters, a->n * a->row_bytes);
  assert_int_equal(!a->masks, !b->masks);
  if (a->masks)
    assert_memory_equal(a->masks, b->masks, a->n * sizeof a->masks[0]);
  assert_int_equal(a->has_schema, b->has_schema);
  assert_memory_equal(a->schema_hash, b->schema_hash, sizeof a->schema_hash);
  assert_memory_equal(a->key_check, b->key_check, sizeof a->key_check);
  assert_int_equal(a->n_fields, b->n_fields);
  assert_memory_equal(a->field_weights, b->field_weights, sizeof a->field_weights);
}

static uint8_t *print(const struct kith_encodings *enc, enum kith_encodings_format format,
                      size_t *len)
{
  char *bytes = NULL;
  FILE *stream = open_memstream(&bytes, len);
  assert_non_null(stream);
  assert_int_equal(kith_encodings_print(stream, enc, format), KITH_OK);
  assert_int_equal(fclose(stream), 0);
  return (uint8_t *)bytes;
}

static void test_round_trip(void **state)
{
  static const unsigned bits[] = {1, 8, 61, 64, 1000, 1024, 131072};
  for (size_t i = 0; i < KITH_COUNT_OF(bits); i++)
    for (unsigned masks = 0; masks < 2; masks++)
      for (size_t n = 0; n < 20; n += 9) {
        struct kith_encodings enc, back;
        const char *path = unit_path(state, "a.enc");
        make(&enc, n, bits[i], masks);
        assert_int_equal(kith_encodings_write(path, &enc, KITH_ENCODINGS_KITH, NULL), KITH_OK);
        assert_int_equal(kith_encodings_read(&back, path, KITH_ENCODINGS_DETECT, 0, NULL), KITH_OK);
        assert_same(&enc, &back);
        kith_encodings_free(&back);
        kith_encodings_free(&enc);
        make(&enc, n, bits[i], false);
        assert_int_equal(kith_encodings_write(path, &enc, KITH_ENCODINGS_RAW, NULL), KITH_OK);
        assert_int_equal(kith_encodings_read(&back, path, KITH_ENCODINGS_DETECT, bits[i], NULL),
                         KITH_OK);
        assert_same(&enc, &back);
        kith_encodings_free(&back);
        assert_int_equal(kith_encodings_write(path, &enc, KITH_ENCODINGS_CLKHASH, NULL), KITH_OK);
        assert_int_equal(kith_encodings_read(&back, path, KITH_ENCODINGS_DETECT, 0, NULL), KITH_OK);
        assert_int_equal(back.bits, n ? enc.row_bytes * 8 : 0);
        assert_memory_equal(back.filters, enc.filters, n * enc.row_bytes);
        kith_encodings_free(&back);
        kith_encodings_free(&enc);
      }
}

/* ---- several filters a row */

enum { HEADER_FILTERS = 176 };

static void make_filters(struct kith_encodings *enc, size_t n)
{
  static const unsigned bits[] = {1024, 12, 64};

  kith_encodings_init(enc);
  assert_int_equal(kith_encodings_alloc_filters(enc, n, bits, 3, true), KITH_OK);
  assert_int_equal(enc->bits, 1024);
  assert_int_equal(enc->row_bytes, 128);
  assert_int_equal(enc->stride, 128 + 2 + 8);
  enc->n_fields = 3;
  for (unsigned f = 0; f < 3; f++) {
    enc->field_weights[f] = 100 + f;
    enc->field_filters[f] = (uint8_t)f;
  }
  for (size_t i = 0; i < n; i++) {
    memset(kith_encodings_row(enc, i), (int)i + 1, enc->stride);
    kith_encodings_row(enc, i)[129] = 0x30;
    enc->masks[i] = (uint16_t)(i % 8);
  }
}

static void test_filters(void **state)
{
  struct kith_encodings enc, back;
  uint32_t weights[KITH_ENCODINGS_FIELDS_MAX];
  const char *path = unit_path(state, "filters.kith");

  make_filters(&enc, 5);
  assert_int_equal(kith_encodings_check(&enc, "test", NULL), KITH_OK);
  assert_ptr_equal(kith_encodings_filter(&enc, 2, 0), enc.filters + 2 * 138);
  assert_ptr_equal(kith_encodings_filter(&enc, 2, 1), enc.filters + 2 * 138 + 128);
  assert_ptr_equal(kith_encodings_filter(&enc, 2, 2), enc.filters + 2 * 138 + 130);
  assert_int_equal(kith_encodings_filter_fields(&enc, 1), 2);
  kith_encodings_filter_weights(&enc, 1, weights);
  assert_int_equal(weights[0], 0);
  assert_int_equal(weights[1], 101);
  assert_int_equal(kith_encodings_write(path, &enc, KITH_ENCODINGS_KITH, NULL), KITH_OK);
  assert_int_equal(kith_encodings_read(&back, path, KITH_ENCODINGS_DETECT, 0, NULL), KITH_OK);
  assert_same(&enc, &back);
  assert_int_equal(back.stride, enc.stride);
  assert_memory_equal(back.filters, enc.filters, 5 * enc.stride);
  assert_memory_equal(back.filter_bits, enc.filter_bits, sizeof enc.filter_bits);
  assert_memory_equal(back.field_filters, enc.field_filters, sizeof enc.field_filters);
  assert_int_equal(kith_encodings_comparable(&enc, "a", &back, "b", NULL), KITH_OK);
  back.field_filters[2] = 1;
  assert_int_equal(kith_encodings_comparable(&enc, "a", &back, "b", NULL), KITH_ERR_DATA);
  back.field_filters[2] = 3;
  assert_int_equal(kith_encodings_check(&back, "b", NULL), KITH_ERR_DATA);
  back.field_filters[2] = 2;
  kith_encodings_row(&back, 3)[129] = 0x31; /* a pad bit of the second filter */
  assert_int_equal(kith_encodings_check(&back, "b", NULL), KITH_ERR_DATA);
  kith_encodings_free(&back);
  kith_encodings_free(&enc);
}

/* Written with a number of rows that turns out otherwise: the same bytes. */
static void test_row_by_row(void **state)
{
  const char *path = unit_path(state, "rows.kith");
  struct kith_encodings_writer writer;
  struct kith_encodings enc;
  uint8_t written[4096];
  size_t len = 0;
  uint8_t *bytes;

  make_filters(&enc, 7);
  bytes = print(&enc, KITH_ENCODINGS_KITH, &len);
  for (size_t n = 0; n < 9; n += 4) {
    FILE *file = fopen(path, "w+b");
    struct kith_encodings like = enc;

    like.n = n;
    kith_encodings_begin(&writer, file, &like, true);
    kith_encodings_add(&writer, enc.filters, enc.masks, 3);
    kith_encodings_add(&writer, enc.filters, enc.masks, 0);
    kith_encodings_add(&writer, kith_encodings_row(&enc, 3), enc.masks + 3, 4);
    assert_int_equal(kith_encodings_end(&writer), KITH_OK);
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    assert_int_equal(fread(written, 1, sizeof written, file), len);
    assert_memory_equal(written, bytes, len);
    fclose(file);
  }
  free(bytes);
  kith_encodings_free(&enc);
}

static void refuse_filters(const uint8_t *bytes, size_t len, size_t at, uint8_t value)
{
  uint8_t *copy = kith_memdup(bytes, len);
  struct kith_encodings enc;
  struct kith_fault fault = {0};

  copy[at] = value;
  uint32_t crc = (uint32_t)crc32_z(0, copy, len - 4);
  for (unsigned i = 0; i < 4; i++)
    copy[len - 4 + i] = (uint8_t)(crc >> 8 * i);
  assert_int_equal(kith_encodings_parse_kith(&enc, copy, len, "a", &fault), KITH_ERR_DATA);
  assert_null(enc.filters);
  kith_free(copy);
}

static void test_filters_refused(void **state)
{
  struct kith_encodings enc;
  size_t len = 0;

  (void)state;
  make_filters(&enc, 5);
  uint8_t *bytes = print(&enc, KITH_ENCODINGS_KITH, &len);
  assert_int_equal(bytes[8], 2);
  assert_int_equal(len, HEADER_FILTERS + 5 * (2 + 138) + 4);
  refuse_filters(bytes, len, 8, 1);
  refuse_filters(bytes, len, 8, 3);
  refuse_filters(bytes, len, 12, 1);  /* not the first filter's length */
  refuse_filters(bytes, len, 140, 1); /* filters */
  refuse_filters(bytes, len, 140, 2);
  refuse_filters(bytes, len, 140, 5);
  refuse_filters(bytes, len, 142, 1); /* zeros */
  refuse_filters(bytes, len, 148, 0); /* the second's length */
  refuse_filters(bytes, len, 148, 99);
  refuse_filters(bytes, len, 150, 99);
  refuse_filters(bytes, len, 156, 8); /* a fourth that is none */
  refuse_filters(bytes, len, 162, 3); /* a field's filter */
  refuse_filters(bytes, len, 163, 1); /* of a field that there is none */
  for (size_t cut = 1; cut < len; cut += 37)
    assert_int_equal(
        kith_encodings_parse_kith(&(struct kith_encodings){0}, bytes, len - cut, "a", NULL),
        KITH_ERR_DATA);
  free(bytes);
  kith_encodings_free(&enc);
}

static void test_gzip(void **state)
{
  struct kith_encodings enc, back;
  struct kith_fault fault;
  make(&enc, 300, 1024, true);
  size_t len = 0;
  uint8_t *bytes = print(&enc, KITH_ENCODINGS_KITH, &len);
  const char *path = unit_path(state, "a.kith.gz");
  gzFile file = gzopen(path, "wb");
  assert_int_equal(gzwrite(file, bytes, (unsigned)len), (int)len);
  assert_int_equal(gzclose(file), Z_OK);
  assert_int_equal(kith_encodings_read(&back, path, KITH_ENCODINGS_DETECT, 0, NULL), KITH_OK);
  assert_same(&enc, &back);
  kith_encodings_free(&back);
  assert_int_equal(truncate(path, 500), 0);
  assert_int_equal(kith_encodings_read(&back, path, KITH_ENCODINGS_DETECT, 0, &fault),
                   KITH_ERR_DATA);
  free(bytes);
  kith_encodings_free(&enc);
}

/* Known bytes: the format must not drift. */
static void test_kith_bytes(void **state)
{
  (void)state;
  struct kith_encodings enc;
  make(&enc, 1, 12, true);
  enc.masks[0] = 5;
  size_t len = 0;
  uint8_t *bytes = print(&enc, KITH_ENCODINGS_KITH, &len);
  assert_int_equal(len, HEADER + 4 + 4);
  assert_memory_equal(bytes, "KITHENC\n\1\0\3\0\x0c\0\0\0\1\0\0\0\0\0\0\0\7\7", 26);
  assert_memory_equal(bytes + 54, "\7\7\11\11", 4);
  assert_memory_equal(bytes + 72, "\3\0\0\0\x64\0\0\0\x65\0\0\0\x66\0\0\0\0\0\0\0", 20);
  assert_memory_equal(bytes + HEADER, "\5\0\x0b\x30", 4);
  uint32_t crc = (uint32_t)crc32(0, bytes, (unsigned)len - 4);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(bytes[len - 4 + i], crc >> 8 * i & 0xff);
  free(bytes);
  kith_encodings_free(&enc);
}

/* ---- refusals of the kith format: one byte changed, the checksum made good again */

static enum kith_err parse_changed(const uint8_t *good, size_t len, size_t at, uint8_t value)
{
  struct kith_encodings enc;
  uint8_t *bytes = kith_memdup(good, len);
  bytes[at] = value;
  uint32_t crc = (uint32_t)crc32(0, bytes, (unsigned)len - 4);
  for (unsigned i = 0; i < 4; i++)
    bytes[len - 4 + i] = (uint8_t)(crc >> 8 * i);
  enum kith_err err = kith_encodings_parse_kith(&enc, bytes, len, "x", NULL);
  kith_free(bytes);
  kith_encodings_free(&enc);
  return err;
}

static void test_kith_refusals(void **state)
{
  (void)state;
  struct kith_encodings enc, back;
  make(&enc, 5, 61, true);
  size_t len = 0;
  uint8_t *bytes = print(&enc, KITH_ENCODINGS_KITH, &len);
  assert_int_equal(parse_changed(bytes, len, 0, 'K'), KITH_OK);
  static const struct {
    size_t at;
    uint8_t value;
  } bad[] = {
      {0, 'k'},           /* magic */
      {8, 2},             /* version */
      {10, 7},            /* unknown flag */
      {10, 1},            /* a schema hash that is not declared */
      {10, 2},            /* without masks the length is wrong */
      {12, 0},            /* bits */
      {12, 65},           /* a byte more a row */
      {12, 57},           /* pad bits set: as many bytes, fewer bits */
      {14, 0x20},         /* too many bits */
      {16, 4},            /* rows */
      {23, 1},            /* 2^56 rows */
      {72, 17},           /* too many fields */
      {72, 2},            /* a weight beyond the fields */
      {73, 1},            /* too many fields */
      {74, 1},            /* reserved */
      {79, 1},            /* sum of weights */
      {HEADER, 0x08},     /* a field that does not exist */
      {HEADER + 1, 0x80}, /* the same */
      {HEADER + 9, 0xff}, /* pad bits */
  };
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_int_equal(parse_changed(bytes, len, bad[i].at, bad[i].value), KITH_ERR_DATA);
  for (size_t cut = 0; cut < len; cut++)
    assert_int_equal(kith_encodings_parse_kith(&back, bytes, cut, "x", NULL), KITH_ERR_DATA);
  for (size_t i = 0; i < len; i++) { /* any damaged bit is seen */
    bytes[i] ^= 0x10;
    assert_int_equal(kith_encodings_parse_kith(&back, bytes, len, "x", NULL), KITH_ERR_DATA);
    assert_null(back.filters);
    bytes[i] ^= 0x10;
  }
  free(bytes);
  kith_encodings_free(&enc);
}

static void test_clkhash(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    enum kith_err err;
    size_t n;
    unsigned bits;
  } cases[] = {
      {"{\"clks\": [\"AAE=\", \"/w8=\"]}", KITH_OK, 2, 16},
      {"{\"clks\": []}", KITH_OK, 0, 0},
      {" {\n\"clks\" : [ \"AAEC\" ] } \n", KITH_OK, 1, 24},
      {"{\"clks\": [\"\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE=\", \"AAEC\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAEC\", \"AAE=\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE=\", \"AAECAAEC\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAF=\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"A===\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"====\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"-_8=\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AA E\"]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [1]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE=\", null]}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": \"AAE=\"}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE=\"], \"more\": 1}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE=\"], \"clks\": []}", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE=\"]} x", KITH_ERR_DATA, 0, 0},
      {"{\"clks\": [\"AAE=\"]", KITH_ERR_DATA, 0, 0},
      {"[\"AAE=\"]", KITH_ERR_DATA, 0, 0},
      {"{}", KITH_ERR_DATA, 0, 0},
      {"", KITH_ERR_DATA, 0, 0},
  };
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_encodings enc;
    struct kith_fault fault = {0};
    assert_int_equal(
        kith_encodings_parse_clkhash(&enc, cases[i].text, strlen(cases[i].text), "a.json", &fault),
        cases[i].err);
    assert_int_equal(enc.n, cases[i].n);
    assert_int_equal(enc.bits, cases[i].bits);
    assert_true(!cases[i].err || strncmp(fault.text, "a.json", 6) == 0);
    kith_encodings_free(&enc);
  }
}

static void test_raw_and_files(void **state)
{
  struct kith_encodings enc;
  struct kith_fault fault;
  assert_int_equal(kith_encodings_parse_raw(&enc, "\xff\xf8\x01\x08", 4, 13, "x", NULL), KITH_OK);
  assert_int_equal(enc.n, 2);
  assert_int_equal(enc.row_bytes, 2);
  kith_encodings_free(&enc);
  assert_int_equal(kith_encodings_parse_raw(&enc, "\xff\xf8\x01\x08", 4, 12, "x", NULL),
                   KITH_ERR_DATA);
  assert_int_equal(kith_encodings_parse_raw(&enc, "\xff\xf8\x01", 3, 13, "x", NULL), KITH_ERR_DATA);
  assert_int_equal(kith_encodings_parse_raw(&enc, "\xff", 1, 0, "x", NULL), KITH_ERR_DATA);
  assert_int_equal(kith_encodings_parse_raw(&enc, "\xff", 1, UINT32_MAX, "x", NULL), KITH_ERR_DATA);
  assert_int_equal(
      kith_encodings_read(&enc, unit_path(state, "none"), KITH_ENCODINGS_DETECT, 0, &fault),
      KITH_ERR_NO_INPUT);
  assert_int_equal(kith_encodings_read(&enc, *state, KITH_ENCODINGS_DETECT, 0, &fault),
                   KITH_ERR_NO_INPUT);
  const char *path = unit_file(state, "empty", "", 0);
  assert_int_equal(kith_encodings_read(&enc, path, KITH_ENCODINGS_DETECT, 0, &fault),
                   KITH_ERR_DATA);
  assert_int_equal(kith_encodings_read(&enc, path, KITH_ENCODINGS_DETECT, 64, &fault), KITH_OK);
  assert_int_equal(enc.n, 0);
  kith_encodings_free(&enc);
  struct kith_encodings good;
  make(&good, 3, 64, true);
  path = unit_path(state, "good.kith");
  assert_int_equal(kith_encodings_write(path, &good, KITH_ENCODINGS_KITH, NULL), KITH_OK);
  assert_int_equal(kith_encodings_read(&enc, path, KITH_ENCODINGS_DETECT, 72, &fault),
                   KITH_ERR_DATA);
  assert_int_equal(kith_encodings_write("/nowhere/x", &good, KITH_ENCODINGS_KITH, &fault),
                   KITH_ERR_CREATE);
  kith_encodings_free(&good);
}

static void test_comparable(void **state)
{
  (void)state;
  struct kith_encodings a, b;
  struct kith_fault fault;
  make(&a, 3, 64, true);
  make(&b, 4, 64, true);
  assert_int_equal(kith_encodings_comparable(&a, "a", &b, "b", &fault), KITH_OK);
  b.key_check[0] ^= 1;
  assert_int_equal(kith_encodings_comparable(&a, "a", &b, "b", &fault), KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "secret"));
  b.schema_hash[0] ^= 1;
  assert_int_equal(kith_encodings_comparable(&a, "a", &b, "b", &fault), KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "schema"));
  kith_encodings_free(&b);
  make(&b, 4, 64, true);
  b.field_weights[1]++;
  assert_int_equal(kith_encodings_comparable(&a, "a", &b, "b", &fault), KITH_ERR_DATA);
  kith_encodings_free(&b);
  make(&b, 4, 65, true);
  assert_int_equal(kith_encodings_comparable(&a, "a", &b, "b", &fault), KITH_ERR_DATA);
  kith_encodings_free(&b);
  make(&b, 0, 0, false);
  assert_int_equal(kith_encodings_comparable(&a, "a", &b, "b", &fault), KITH_OK);
  kith_encodings_free(&a);
  kith_encodings_free(&b);
}

static void test_failing_memory(void **state)
{
  struct kith_encodings enc, back;
  make(&enc, 20, 64, true);
  const char *kith = unit_path(state, "m.kith");
  const char *json = unit_path(state, "m.json");
  assert_int_equal(kith_encodings_write(kith, &enc, KITH_ENCODINGS_KITH, NULL), KITH_OK);
  assert_int_equal(kith_encodings_write(json, &enc, KITH_ENCODINGS_CLKHASH, NULL), KITH_OK);
  for (unsigned i = 0; i < 2; i++)
    UNIT_EACH_ALLOCATION(n)
    {
      enum kith_err err =
          kith_encodings_read(&back, i ? json : kith, KITH_ENCODINGS_DETECT, 0, NULL);
      assert_true(err == KITH_OK || err == KITH_ERR_MEMORY || (i && err == KITH_ERR_DATA));
      assert_true(!err || !back.filters);
      kith_encodings_free(&back);
      if (!err)
        unit_allocations_done();
    }
  kith_encodings_free(&enc);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_filters),
      cmocka_unit_test(test_row_by_row),     cmocka_unit_test(test_filters_refused),
      cmocka_unit_test(test_gzip),           cmocka_unit_test(test_kith_bytes),
      cmocka_unit_test(test_kith_refusals),  cmocka_unit_test(test_clkhash),
      cmocka_unit_test(test_raw_and_files),  cmocka_unit_test(test_comparable),
      cmocka_unit_test(test_failing_memory),
  };
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
