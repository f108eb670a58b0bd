/* Text files: which character set they are in, and what becomes of them. */
#include <zlib.h>

#include "tests/unit/unit.h"

#include "base/csv.h"
#include "base/mem.h"
#include "base/textfile.h"

/* All of it, read `cap` bytes at a time; *charset: as it is known in the end. */
static void check(void **state, const char *bytes, size_t len, const char *charset,
                  const char *want, size_t want_len)
{
  static const size_t caps[] = {KITH_TEXTFILE_READ_MIN, 1000, 1 << 16};
  const char *path = unit_file(state, "text", bytes, len);

  for (size_t i = 0; i < KITH_COUNT_OF(caps); i++) {
    struct kith_textfile *file = NULL;
    uint8_t *out = kith_calloc(want_len + caps[i] + 1, 1);
    size_t n = 0;
    size_t got = 0;

    assert_int_equal(kith_textfile_open(&file, path, true, NULL), KITH_OK);
    do {
      assert_true(n + caps[i] <= want_len + caps[i]);
      out[n + caps[i]] = 0x55;
      assert_int_equal(kith_textfile_read(file, out + n, caps[i], &got, NULL), KITH_OK);
      assert_int_equal(out[n + caps[i]], 0x55);
      n += got;
    } while (got);
    assert_int_equal(n, want_len);
    assert_memory_equal(out, want, want_len);
    assert_string_equal(kith_textfile_charset(file), charset);
    kith_textfile_free(file);
    kith_free(out);
  }
}

#define CHECK(bytes, charset, want)                                                                \
  check(state, bytes, sizeof(bytes) - 1, charset, want, sizeof(want) - 1)

static void character_sets(void **state)
{
  CHECK("", "ASCII", "");
  CHECK("id,name\n1,Ann\n", "ASCII", "id,name\n1,Ann\n");
  CHECK("\xef\xbb\xbfid\n", "UTF-8", "id\n");
  CHECK("1,Zo\xc3\xab\n", "UTF-8", "1,Zo\xc3\xab\n");
  CHECK("1,Zo\xeb\n", "Windows-1252", "1,Zo\xc3\xab\n");
  CHECK("1,\x80\x9f\n", "Windows-1252", "1,\xe2\x82\xac\xc5\xb8\n");
  CHECK("1,\x81\n", "Windows-1252", "1,\xff\n"); /* no character there */
  CHECK("1,Zo\xc3\xab\n2,Zo\xeb\n", "UTF-8", "1,Zo\xc3\xab\n2,Zo\xeb\n");
  CHECK("\xff\xfei\0d\0\n\0\xeb\0", "UTF-16LE", "id\n\xc3\xab");
  CHECK("\xfe\xff\0i\0d\0\n\0\xeb", "UTF-16BE", "id\n\xc3\xab");
  CHECK("i\0d\0,\0n\0\n\0", "UTF-16LE", "id,n\n");
  CHECK("\0i\0d\0,\0n\0\n", "UTF-16BE", "id,n\n");
  CHECK("\xff\xfe\x3d\xd8\x00\xde", "UTF-16LE", "\xf0\x9f\x98\x80"); /* a pair of halves */
  CHECK("\xff\xfe\x3d\xd8"
        "a\0",
        "UTF-16LE",
        "\xff"
        "a"); /* half a pair */
  CHECK("\xff\xfe"
        "a\0b",
        "UTF-16LE", "a\xff"); /* cut */
}

/* The first bytes above 127 come late, and sequences lie across the pieces that are read. */
static void long_files(void **state)
{
  const size_t n = 200000;
  char *ascii = kith_calloc(n + 1, 1);
  char *bytes = kith_calloc(n * 3, 1);
  char *want = kith_calloc(n * 3, 1);

  memset(ascii, 'a', n);
  memcpy(bytes, ascii, n);
  bytes[n] = (char)0xeb;
  memcpy(want, ascii, n);
  memcpy(want + n, "\xc3\xab", 2);
  check(state, bytes, n + 1, "Windows-1252", want, n + 2);
  for (size_t i = 0; i < n; i++)
    memcpy(want + 2 * i, "\xc3\xab", 2);
  check(state, want, 2 * n, "UTF-8", want, 2 * n);
  want[0] = 'x';
  check(state, want + 1, 2 * n - 1, "UTF-8", want + 1, 2 * n - 1);
  for (size_t before = 65530; before < 65540; before++) { /* across the end of a piece */
    memcpy(bytes, ascii, before);
    memcpy(bytes + before, "\xe2\x82\xac\n", 4);
    check(state, bytes, before + 4, "UTF-8", bytes, before + 4);
    memcpy(want, ascii, before);
    memcpy(want + before, "\xc3\xa2\xc3\xab\n", 5);
    memcpy(bytes + before, "\xe2\xeb\n", 3);
    check(state, bytes, before + 3, "Windows-1252", want, before + 5);
  }
  for (size_t between = 55; between < 66; between++) { /* across the end of the room */
    memcpy(bytes, ascii, between + 1);
    bytes[0] = (char)0xeb;
    bytes[between + 1] = (char)0x80;
    memcpy(want, "\xc3\xab", 2);
    memcpy(want + 2, ascii, between);
    memcpy(want + 2 + between, "\xe2\x82\xac", 3);
    check(state, bytes, between + 2, "Windows-1252", want, between + 5);
  }
  memset(bytes, 0xeb, n);
  for (size_t i = 0; i < n; i++)
    memcpy(want + 2 * i, "\xc3\xab", 2);
  check(state, bytes, n, "Windows-1252", want, 2 * n);
  for (size_t i = 0; i < n; i++)
    memcpy(bytes + 2 * i, "\xeb\0", 2);
  bytes[0] = (char)0xff;
  bytes[1] = (char)0xfe;
  check(state, bytes, 2 * n, "UTF-16LE", want, 2 * (n - 1));
  kith_free(ascii);
  kith_free(bytes);
  kith_free(want);
}

static void as_csv(void **state, const char *bytes, size_t len, const char *charset, char delimiter)
{
  const bool said = memcmp(bytes, "sep=", 4) == 0;
  const struct kith_csv_limits limits = {.detect = true};
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;

  assert_int_equal(kith_csv_open(&csv, unit_file(state, "a.csv", bytes, len), &limits, NULL),
                   KITH_OK);
  assert_int_equal(kith_csv_delimiter(csv), delimiter);
  assert_int_equal(kith_csv_column(csv, "name"), 1);
  assert_int_equal(kith_csv_next(csv, &row, NULL), KITH_OK);
  assert_int_equal(row.problem, KITH_CSV_FINE);
  assert_int_equal(row.row, 2);
  assert_int_equal(row.line, said ? 3 : 2);
  assert_string_equal(row.fields[1], "Zo\xc3\xab, or Z");
  assert_string_equal(kith_csv_charset(csv), charset);
  assert_int_equal(kith_csv_next(csv, &row, NULL), KITH_ERR_NOT_FOUND);
  kith_csv_free(csv);
}

#define AS_CSV(bytes, charset, delimiter)                                                          \
  as_csv(state, bytes, sizeof(bytes) - 1, charset, delimiter)

static void delimiters(void **state)
{
  AS_CSV("id,name\n1,\"Zo\xc3\xab, or Z\"\n", "UTF-8", ',');
  AS_CSV("id;name\r\n1;Zo\xeb, or Z\r\n", "Windows-1252", ';');
  AS_CSV("id\tname\n1\tZo\xeb, or Z\n", "Windows-1252", '\t');
  AS_CSV("\xef\xbb\xbfid|name\n1|Zo\xc3\xab, or Z\n", "UTF-8", '|');
  AS_CSV("\"id\";\"name\";\"a,b,c\"\n1;Zo\xeb, or Z;\n", "Windows-1252", ';');
  AS_CSV("sep=;\r\nid;name\r\n1;Zo\xeb, or Z\r\n", "Windows-1252", ';');
  AS_CSV("\xff\xfei\0d\0;\0n\0a\0m\0e\0\r\0\n\0001\0;\0Z\0o\0\xeb\0,\0 \0o\0r\0 \0Z\0\n\0",
         "UTF-16LE", ';');
}

static void refusals(void **state)
{
  struct kith_textfile *file = NULL;
  struct kith_fault fault = {0};
  uint8_t out[KITH_TEXTFILE_READ_MIN];
  size_t len = 0;
  gzFile zipped;

  assert_int_equal(kith_textfile_open(&file, unit_path(state, "none"), true, &fault),
                   KITH_ERR_NO_INPUT);
  assert_int_equal(kith_textfile_open(&file, *state, true, &fault), KITH_ERR_NO_INPUT);
  zipped = gzopen(unit_path(state, "cut.gz"), "wb");
  assert_true(gzwrite(zipped, "id\n1\n", 5) == 5);
  assert_int_equal(gzclose(zipped), Z_OK);
  assert_int_equal(truncate(unit_path(state, "cut.gz"), 22), 0);
  assert_int_equal(kith_textfile_open(&file, unit_path(state, "cut.gz"), true, NULL), KITH_OK);
  enum kith_err err;
  while ((err = kith_textfile_read(file, out, sizeof out, &len, &fault)) == KITH_OK && len)
    ;
  assert_int_equal(err, KITH_ERR_DATA);
  kith_textfile_free(file);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(character_sets),
      cmocka_unit_test(long_files),
      cmocka_unit_test(delimiters),
      cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
