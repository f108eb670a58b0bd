/* The CSV parser: its vectors against a byte by byte scan, its rows against an oracle
 * (csv_oracle.h) and, for CSV that is in order, against libcsv; cut into pieces at every place. */
#include "tests/unit/unit.h"

#include <csv.h>

#include "base/mem.h"
#include "tests/unit/csv_oracle.h"

static uint64_t seed;

/* SplitMix64. */
static unsigned below(unsigned n)
{
  uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return (unsigned)((z ^ z >> 31) % n);
}

static void windows(void **state)
{
  enum { WINDOWS = 3, BYTES = WINDOWS * KITH_CSV_WINDOW_BYTES };
  uint8_t text[BYTES];

  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) { /* each byte in each place */
    for (unsigned place = 0; place < KITH_CSV_WINDOW_BYTES; place++) {
      struct kith_csv_window fast[1];
      struct kith_csv_window plain[1];

      memset(text, 'a', KITH_CSV_WINDOW_BYTES);
      text[place] = (uint8_t)byte;
      kith_csv_scan(fast, text, 1, ';');
      kith_csv_scan_plain(plain, text, 1, ';');
      assert_memory_equal(fast, plain, sizeof fast);
      assert_int_equal(plain[0].special >> place & 1, byte <= 13 || byte == '"' || byte == ';');
      assert_int_equal(plain[0].high >> place & 1, byte > 127);
    }
  }
  for (unsigned i = 0; i < 20000; i++) {
    struct kith_csv_window fast[WINDOWS];
    struct kith_csv_window plain[WINDOWS];
    char delimiter = ",;\t|"[i % 4];

    for (size_t j = 0; j < BYTES; j++)
      text[j] = (uint8_t)below(256);
    kith_csv_scan(fast, text, WINDOWS, delimiter);
    kith_csv_scan_plain(plain, text, WINDOWS, delimiter);
    assert_memory_equal(fast, plain, sizeof fast);
  }
}

static struct kith_csv_block *block_of(size_t cap)
{
  struct kith_csv_block *block = NULL;

  assert_int_equal(kith_csv_block_make(&block, 1024), KITH_OK);
  assert_int_equal(kith_csv_block_grow(block, cap), KITH_OK);
  return block;
}

static void same(const struct kith_csv_parser *parser, struct kith_csv_block *block,
                 const uint8_t *text, size_t len, struct pieces pieces)
{
  struct kith_buf want = {0};
  struct kith_buf got = {0};

  oracle_rows(&want, parser, text, len);
  pieces_rows(&got, *parser, block, text, len, &pieces);
  kith_buf_append(&want, "", 1);
  kith_buf_append(&got, "", 1);
  if (want.len != got.len || memcmp(want.bytes, got.bytes, want.len) != 0)
    fail_msg("of %.*s\nwant %s\ngot %s", (int)len, (const char *)text, (char *)want.bytes,
             (char *)got.bytes);
  kith_buf_free(&want);
  kith_buf_free(&got);
}

/* Text of the characters that matter, of lines that look like rows now and then. */
static size_t random_text(uint8_t *out, size_t cap, char delimiter)
{
  static const char *const words[] = {
      "\"",    "\"",       "\"\"", "\n",           "\n", "\r\n", "\r",       " ",     "a",
      "smith", "\xc3\xa9", "\xe9", "\xef\xbb\xbf", "\t", ";",    "O\"Brien", "\"a\"", "\"x\"\"y\""};
  size_t want = below((unsigned)cap);
  unsigned quotes = below(8);
  size_t len = 0;

  while (len + 8 < want) {
    unsigned which = below(40);

    if (below(500) == 0) {
      out[len++] = '\0';
    } else if (which < KITH_COUNT_OF(words) && (quotes || which > 2)) {
      memcpy(out + len, words[which], strlen(words[which]));
      len += strlen(words[which]);
    } else if (which < 30) {
      out[len++] = (uint8_t)delimiter;
    } else {
      out[len++] = (uint8_t)('a' + which % 26);
    }
  }
  return len;
}

static struct kith_csv_parser random_rules(void)
{
  return (struct kith_csv_parser){
      .delimiter = ",;\t|"[below(4)],
      .max_field_bytes = below(3) ? 1000 : 1 + below(20),
      .max_row_bytes = below(3) ? 1000 : 1 + below(60),
      .max_columns = 1 + below(12),
      .line = 1,
  };
}

static void random_texts(void **state)
{
  enum { CAP = 400 };
  struct kith_csv_block *block = block_of(KITH_CSV_TEXT_BYTES);

  (void)state;
  for (unsigned i = 0; i < 30000; i++) {
    struct kith_csv_parser parser = random_rules();
    uint8_t text[CAP];
    size_t len = random_text(text, CAP, parser.delimiter);

    same(&parser, block, text, len, (struct pieces){0});
    same(&parser, block, text, len, (struct pieces){{1 + below(9), below(70), below(3)}, false});
  }
  kith_csv_block_free(block);
}

/* The end of what has been read, at every place of a text. */
static void every_cut(void **state)
{
  static const char *const texts[] = {
      "a,b,c\r\n1,\"x \"\"y\"\"\r\nz\",3\r\n\r\n4,5\r6,7,8",
      "a,b\n1,\"open\n2,\"x\"y\n3,\"\"\"\"\n\"\",\n4,O\"Brien\n",
      "a,b,c\n1,\"x,2\n1,x,2\n1,x,2\n1,x,2\n1,x,2\n1,x,2\n1,x,2\n1,x,2\n1,x,2\n1,x\",2\n9,9,9\n",
      "a\n\n\"\"\n\r\n\r\r\n\"\r\n\"\r\n",
  };
  struct kith_csv_block *block = block_of(KITH_CSV_TEXT_BYTES);

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(texts); i++) {
    for (size_t max_row = 1; max_row < 80; max_row += max_row < 40 ? 1 : 39) {
      for (size_t cut = 0; cut < strlen(texts[i]); cut++) {
        struct kith_csv_parser parser = {.delimiter = ',',
                                         .max_field_bytes = 60,
                                         .max_columns = 4,
                                         .max_row_bytes = max_row,
                                         .line = 1};

        same(&parser, block, (const uint8_t *)texts[i], strlen(texts[i]),
             (struct pieces){{cut, 1, 1000}, false});
      }
    }
  }
  kith_csv_block_free(block);
}

/* ---- libcsv */

static void library_field(void *bytes, size_t len, void *context)
{
  kith_buf_append_string(context, "<");
  if (len)
    kith_buf_append(context, bytes, len);
  kith_buf_append_string(context, ">");
}

static void library_row(int character, void *context)
{
  (void)character;
  kith_buf_append_string(context, "\n");
}

static int library_no_space(unsigned char character)
{
  (void)character;
  return 0;
}

static void library_rows(struct kith_buf *out, const uint8_t *text, size_t len, char delimiter)
{
  struct csv_parser library;

  assert_int_equal(csv_init(&library, CSV_STRICT | CSV_STRICT_FINI), 0);
  csv_set_delim(&library, (unsigned char)delimiter);
  csv_set_space_func(&library, library_no_space);
  assert_int_equal(csv_parse(&library, text, len, library_field, library_row, out), len);
  assert_int_equal(csv_fini(&library, library_field, library_row, out), 0);
  csv_free(&library);
}

/* A table in order, some fields in quotes, as RFC 4180 has them. */
static void ordered_table(struct kith_buf *out, char delimiter)
{
  static const char *const ends[] = {"\n", "\r\n", "\r"};
  const char *end = ends[below(3)];
  size_t n_columns = 1 + below(6);
  size_t n_rows = 1 + below(30);

  for (size_t row = 0; row < n_rows; row++) {
    for (size_t column = 0; column < n_columns; column++) {
      bool quoted = below(3) == 0;

      if (column)
        kith_buf_append(out, &delimiter, 1);
      kith_buf_append_string(out, quoted ? "\"" : "x");
      for (size_t n = below(12); n > 0; n--) {
        const char *piece =
            quoted ? (const char *[]){"\"\"", "\n", "\r\n", ",;\t|", "a", " "}[below(6)]
                   : (const char *[]){"b", " ", "\xc3\xa9"}[below(3)];
        kith_buf_append_string(out, piece);
      }
      if (quoted)
        kith_buf_append_string(out, "\"");
    }
    if (row + 1 < n_rows || below(2))
      kith_buf_append_string(out, end);
  }
}

static void as_libcsv_says(void **state)
{
  struct kith_csv_block *block = block_of(1 << 20);

  (void)state;
  for (unsigned i = 0; i < 5000; i++) {
    struct kith_csv_parser parser = {.delimiter = ",;\t|"[i % 4],
                                     .max_field_bytes = 1 << 20,
                                     .max_row_bytes = 1 << 20,
                                     .max_columns = 8,
                                     .line = 1};
    struct pieces pieces = {{1 + below(100), 1 + below(100), 1 + below(100)}, true};
    struct kith_buf text = {0};
    struct kith_buf want = {0};
    struct kith_buf got = {0};

    ordered_table(&text, parser.delimiter);
    library_rows(&want, text.bytes, text.len, parser.delimiter);
    pieces_rows(&got, parser, block, text.bytes, text.len, &pieces);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.bytes, want.bytes, want.len);
    kith_buf_free(&text);
    kith_buf_free(&want);
    kith_buf_free(&got);
  }
  kith_csv_block_free(block);
}

int main(void)
{
  const char *given = getenv("KITH_TEST_SEED");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows),
      cmocka_unit_test(every_cut),
      cmocka_unit_test(random_texts),
      cmocka_unit_test(as_libcsv_says),
  };

  seed = given ? strtoull(given, NULL, 10) : 20261123;
  print_message("seed %llu\n", (unsigned long long)seed);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
