#include "base/csv.h"

#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

/* The whole file as one string: rows with their number, the line and the problem where there is
 * one, and fields in <>. Ends with the error's name where there is one; *fault has its text, else
 * that of the last row with a problem. */
static char *read_all(const char *path, const struct kith_csv_limits *limits,
                      struct kith_fault *fault)
{
  struct kith_buf all = {0};
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;
  enum kith_err err;

  memset(fault, 0, sizeof *fault);
  err = kith_csv_open(&csv, path, limits, fault);
  while (err == KITH_OK && (err = kith_csv_next(csv, &row, fault)) == KITH_OK) {
    kith_buf_printf(&all, "%llu", (unsigned long long)row.row);
    if (row.problem != KITH_CSV_FINE) {
      kith_buf_printf(&all, "!%llu", (unsigned long long)row.line);
      assert_int_equal(kith_csv_refuse(csv, &row, fault), KITH_ERR_DATA);
    }
    assert_true(row.n_fields == 0 || row.problem <= KITH_CSV_BAD_TEXT);
    for (size_t i = 0; i < row.n_fields; i++) {
      assert_int_equal(strlen(row.fields[i]), row.lens[i]);
      kith_buf_printf(&all, "<%s>", row.fields[i]);
    }
  }
  if (err != KITH_ERR_NOT_FOUND)
    kith_buf_append_string(&all, kith_err_name(err));
  kith_buf_append(&all, "", 1);
  assert_int_equal(kith_buf_err(&all), KITH_OK);
  kith_csv_free(csv);
  return (char *)all.bytes;
}

struct sample {
  const char *text;
  size_t len;
  const char *rows;
  const char *fault; /* after the path, how it begins */
};
#define SAMPLE(text, rows, fault)                                                                  \
  {                                                                                                \
    (text), sizeof(text) - 1, (rows), (fault)                                                      \
  }

static const struct sample accepted[] = {
    SAMPLE("id,n\n1,2\n", "2<1><2>", ""),
    SAMPLE("id,n\r\n1,2\r\n\r\n3,4\r\n", "2<1><2>4<3><4>", ""),
    SAMPLE("id,n\r1,2\r\r3,4\r", "2<1><2>4<3><4>", ""),
    SAMPLE("id,n\n1,2\r3,4\r\n5,6\n", "2<1><2>3<3><4>4<5><6>", ""),
    SAMPLE("id,n\n1,2", "2<1><2>", ""),
    SAMPLE("id,n\n1,", "2<1><>", ""),
    SAMPLE("id,n\n,", "2<><>", ""),
    SAMPLE("id,n\n1,\"2\"", "2<1><2>", ""),
    SAMPLE("id,n\n", "", ""),
    SAMPLE("id,n", "", ""),
    SAMPLE("id,n\n\n\n1,2\n\n", "4<1><2>", ""),
    SAMPLE("id\n1\n\n2\n", "2<1>3<>4<2>", ""),
    SAMPLE("\xef\xbb\xbf\"id\",n\n1,2\n", "2<1><2>", ""),
    SAMPLE("id,n\n\"a \"\"b\"\",\r\nc\", x \n", "2<a \"b\",\r\nc>< x >", ""),
    SAMPLE("id,n\n\"\",\"\"\n\"\n\",2", "2<><>3<\n><2>", ""),
    SAMPLE("id,n\n\"\"\"\",\"\"\"\"\"\"\n", "2<\"><\"\">", ""),
    /* A quote in a field that doesn't begin with one is a quote. */
    SAMPLE("id,n\n1,O\"Brien\n2,5\" pipe\"\n3,\"\"\n", "2<1><O\"Brien>3<2><5\" pipe\">4<3><>", ""),
    /* Columns without a name. */
    SAMPLE("id,,\n1,2,3\n", "2<1><2><3>", ""),
    SAMPLE("id,n\n1,\xef\xbb\xbf"
           "2\n",
           "2<1><\xef\xbb\xbf"
           "2>",
           ""),
};

/* Rows that are given as bad; the rows around them are read. Field limit 8, row limit 40. */
static const struct sample set_aside[] = {
    SAMPLE("id,n\n1,2,3\n4\n5,6\n", "2!2<1><2><3>3!3<4>4<5><6>",
           ": row 3: more or fewer fields than the header; expected 2 fields, found 1"),
    SAMPLE("id,n\n\xe9,2\n3,\xc3\xa9\n4,Ann\xe9\n", "2!2<\xe9><2>3<3><\xc3\xa9>4!4<4><Ann\xe9>",
           ": row 4, column 2 (n): not UTF-8"),
    SAMPLE("a,b\n1,2\n3,x\0y\n4,5\n", "2<1><2>3!34<4><5>",
           ": row 3, column 2 (b): the field has a NUL"),
    SAMPLE("a,b\n\0,2\n", "2!2", ": row 2, column 1 (a): the field has a NUL"),
    SAMPLE("a,b\n1,2\n\xef\xbb\xbf"
           "a,b\n3,4\n",
           "2<1><2>3!34<3><4>", ": row 3, column 1 (a): a byte order mark inside"),
    /* A quote in the middle of a field in quotes. */
    SAMPLE("a,b\n\"x\"y,1\n2,3\n", "2!23<2><3>", ": row 2, column 1 (a): a quote out of place"),
    SAMPLE("a,b\n1,\"x\" \n2,3\n", "2!23<2><3>", ": row 2, column 2 (b): a quote out of place"),
    SAMPLE("a,b\n3, \"x\"\n4,5\n", "2!23<4><5>", ": row 2, column 2 (b): a quote out of"),
    SAMPLE("a,b\n3, \"x,y\"\n4,5\n", "2!23<4><5>", ": row 2, column 2 (b): a quote out of"),
    /* Never closed: at the end, by the next quote, by the limit; and how it goes on. */
    SAMPLE("a,b\n1,\"x\n2,y\n", "2!23<2><y>", ": row 2, column 2 (b): a quote opens here"),
    SAMPLE("a,b\n1,\"x\n2,y\n3,\"z\"\n", "2!23<2><y>4<3><z>", ": row 2, column 2 (b): a quote"),
    SAMPLE("a,b\n1,\"x\n2,y\n3,\"z\n4,w\n", "2!23<2><y>4!45<4><w>", ": row 4, column 2 (b): a"),
    SAMPLE("a,b\n\"1\n2\",\"x\n3,y\n4,z\n5,w\n6,v\n7,u\n8,t\n9,s\n10,r\n\",q\n",
           "2!33<3><y>4<4><z>5<5><w>6<6><v>7<7><u>8<8><t>9<9><s>10<10><r>11!12",
           ": row 11 (line 12), column 1 (a): a quote"),
    /* Rows look like rows inside of quotes. */
    SAMPLE("a,b\n\"1,2\n,,\n1,\n2,\n3,\n4,\n5,\n6,\n7,\n8,\n9\",\n", "2!2",
           ": row 2, column 1 (a): the field is longer"),
    SAMPLE("a,b\n\"1,2\n1,\n2,\n3,\n4,\n5,\n6,\n7,\n8,\n9\",\n",
           "2!23<1><>4<2><>5<3><>6<4><>7<5><>8<6><>9<7><>10<8><>11<9\"><>",
           ": row 2, column 1 (a): a quote opens here"),
    /* What is left of a field with a quote in its middle. */
    SAMPLE("a,b\n1,\"x\ny \"z\", w\nv\",u\n5,O\"B\n6,\n7,O\"B\n", "2!23!34!45!56<6><>7<7><O\"B>",
           ": row 5, column 2 (b): a quote out of place"),
    /* Limits. */
    SAMPLE("a,b\n1,123456789\n3,4\n", "2!23<3><4>", ": row 2, column 2 (b): the field is longer"),
    SAMPLE("a,b\n123456789\n3,4\n", "2!23<3><4>", ": row 2, column 1 (a): the field is longer"),
    SAMPLE("a,b\n1,\"\n\n5678\n90\"\n3,4\n", "2!23<3><4>", ": row 2, column 2 (b): the field is"),
    SAMPLE("a,b\n1,2,3,4,5\n6,7\n", "2!23<6><7>", ": row 2, column 5: the row has more columns"),
    SAMPLE("a,b\n1,1234567890123456789012345678901234567890,\"\n3,4\n", "2!23<3><4>",
           ": row 2, column 2 (b): the row is longer"),
    SAMPLE("a,b\n1,\"1234567890123456789012345678901234567890\"\r\n3,4\n", "2!23<3><4>",
           ": row 2, column 2 (b): a quote opens here"),
    /* A file without a header: the words of its first record stay out of messages. */
    SAMPLE("7,smith\n8,\"x\"y\n", "2!2", ": row 2, column 2: a quote out of place"),
};

static const struct sample refused[] = {
    SAMPLE("", "bad input data", ": is empty; expected a header row"),
    SAMPLE("\xef\xbb\xbf", "bad input data", ": is empty; expected a header row"),
    SAMPLE("\n\na,b\n", "bad input data", ": row 1 is blank; expected a header row"),
    SAMPLE(",\na,b\n", "bad input data", ": row 1 has no names; expected a header"),
    SAMPLE("a,b,a\n1,2,3\n", "bad input data", ": row 1: columns 1 and 3 have the same name"),
    SAMPLE("a,\xe9\n1,2\n", "bad input data", ": row 1, column 2: not UTF-8"),
    SAMPLE("\xff\xfe"
           "a\0,\0b\0\n\0",
           "bad input data", ": row 1, column 1: the field has a NUL"),
    SAMPLE("\xef\xbb\xbf\xef\xbb\xbf"
           "a,b\n",
           "bad input data", ": row 1, column 1: a byte order"),
    SAMPLE("a,\"b\n1,2\n", "bad input data", ": row 1, column 2: a quote opens here"),
    SAMPLE("123456789,b\n", "bad input data", ": row 1, column 1: the field is longer"),
    SAMPLE("a,b,c,d,e\n", "bad input data", ": row 1, column 5: the row has more columns"),
};

static void check(void **state, const struct sample *samples, size_t n,
                  const struct kith_csv_limits *limits)
{
  for (size_t i = 0; i < n; i++) {
    struct kith_fault fault;
    const char *path = unit_file(state, "a.csv", samples[i].text, samples[i].len);
    KITH_AUTO_FREE char *rows = read_all(path, limits, &fault);
    const char *text = fault.text + (*fault.text ? strlen(path) : 0);

    assert_string_equal(rows, samples[i].rows);
    if (strncmp(text, samples[i].fault, strlen(samples[i].fault)) != 0)
      fail_msg("expected \"%s\", got \"%s\"", samples[i].fault, text);
  }
}

static void reads_what_it_should(void **state)
{
  check(state, accepted, KITH_COUNT_OF(accepted), NULL);
}

static const struct kith_csv_limits narrow = {
    .max_field_bytes = 8, .max_row_bytes = 40, .max_columns = 4};

static void gives_bad_rows(void **state)
{
  check(state, set_aside, KITH_COUNT_OF(set_aside), &narrow);
}

static void refuses_what_it_should(void **state)
{
  check(state, refused, KITH_COUNT_OF(refused), &narrow);
}

static void refuses_no_file(void **state)
{
  struct kith_fault fault;
  struct kith_csv *csv;

  assert_int_equal(kith_csv_open(&csv, unit_path(state, "none.csv"), NULL, &fault),
                   KITH_ERR_NO_INPUT);
  assert_int_equal(kith_csv_open(&csv, *state, NULL, &fault), KITH_ERR_NO_INPUT);
  assert_non_null(strstr(fault.text, "is a directory"));
}

/* Rows of every length around the size of a chunk, and a long quoted field across chunks. */
static void reads_across_chunks(void **state)
{
  for (size_t len = 65500; len < 65560; len++) {
    const struct kith_csv_limits limits = {.max_field_bytes = 200000};
    KITH_AUTO_FREE char *text = kith_calloc(len + 64, 1);
    struct kith_csv *csv;
    struct kith_csv_row row;
    struct kith_fault fault;
    const char *path;

    memcpy(text, "a,b\r\n1,\"", 8);
    memset(text + 8, '\n', len);
    memcpy(text + 8 + len, "\"\r\n\xc3\xa9,2\r\n", 9);
    path = unit_file(state, "c.csv", text, len + 8 + 9);
    assert_int_equal(kith_csv_open(&csv, path, &limits, &fault), KITH_OK);
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_OK);
    assert_int_equal(row.lens[1], len);
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_OK);
    assert_int_equal(row.row, 3);
    assert_string_equal(row.fields[0], "\xc3\xa9");
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_ERR_NOT_FOUND);
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_ERR_NOT_FOUND);
    kith_csv_free(csv);
  }
}

/* As many fields as there can be in a text. */
static void reads_many_fields(void **state)
{
  enum { MANY = 1000, TABLE_ROWS = 300 };
  struct kith_buf text = {0};
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;
  struct kith_fault fault;
  unsigned n = 0;

  for (unsigned i = 0; i < MANY; i++)
    kith_buf_printf(&text, "c%u%s", i, i + 1 < MANY ? "," : "\n");
  for (unsigned r = 0; r < TABLE_ROWS; r++)
    for (unsigned i = 0; i < MANY; i++)
      kith_buf_append_string(&text, i + 1 < MANY ? "," : "\n");
  assert_int_equal(
      kith_csv_open(&csv, unit_file(state, "f.csv", text.bytes, text.len), NULL, &fault), KITH_OK);
  while (kith_csv_next(csv, &row, &fault) == KITH_OK) {
    assert_int_equal(row.row, ++n + 1);
    assert_int_equal(row.problem, KITH_CSV_FINE);
    assert_int_equal(row.n_fields, MANY);
    for (unsigned i = 0; i < MANY; i++)
      assert_true(row.fields[i][0] == '\0' && row.lens[i] == 0);
  }
  assert_int_equal(n, TABLE_ROWS);
  kith_csv_free(csv);
  kith_buf_free(&text);
}

static void reads_gzip(void **state)
{
  const char *path = unit_path(state, "z.csv.gz");
  gzFile file = gzopen(path, "wb");
  struct kith_fault fault;
  char *rows;
  long size;
  FILE *stream;

  assert_int_equal(gzputs(file, "id,n\n1,2\n3,4\n"), 13);
  assert_int_equal(gzclose(file), Z_OK);
  rows = read_all(path, NULL, &fault);
  assert_string_equal(rows, "2<1><2>3<3><4>");
  kith_free(rows);

  stream = fopen(path, "rb");
  fseek(stream, 0, SEEK_END);
  size = ftell(stream);
  fclose(stream);
  for (long cut = 11; cut < size; cut++) {
    assert_int_equal(truncate(path, size - (cut - 10)), 0);
    rows = read_all(path, NULL, &fault);
    assert_non_null(strstr(rows, "bad input data"));
    kith_free(rows);
  }
}

static void finds_columns(void **state)
{
  const char *path = unit_file(state, "h.csv", "id,name\n", 8);
  struct kith_csv *csv;
  size_t n;

  assert_int_equal(kith_csv_open(&csv, path, NULL, NULL), KITH_OK);
  assert_string_equal(kith_csv_header(csv, &n)[1], "name");
  assert_int_equal(n, 2);
  assert_int_equal(kith_csv_column(csv, "name"), 1);
  assert_true(kith_csv_column(csv, "Name") == SIZE_MAX);
  kith_csv_free(csv);
  kith_csv_free(NULL);
}

static void names_may_be_the_same(void **state)
{
  const struct kith_csv_limits limits = {.same_names = true};
  const char *path = unit_file(state, "s.csv", "a,b,b\n1,2,3\n", 12);
  struct kith_fault fault;
  struct kith_csv *csv;
  KITH_AUTO_FREE char *rows = read_all(path, &limits, &fault);

  assert_string_equal(rows, "2<1><2><3>");
  assert_int_equal(kith_csv_open(&csv, path, &limits, &fault), KITH_OK);
  assert_int_equal(kith_csv_column(csv, "b"), 1);
  kith_csv_free(csv);
}

static void memory_runs_out(void **state)
{
  const char *path = unit_file(state, "m.csv", "id,n\n\"a\",2\n3,4\n", 15);

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_csv *csv = NULL;
    struct kith_csv_row row;
    struct kith_fault fault = {0};
    unsigned n_rows = 0;
    enum kith_err err = kith_csv_open(&csv, path, NULL, &fault);

    while (err == KITH_OK && (err = kith_csv_next(csv, &row, &fault)) == KITH_OK)
      n_rows++;
    if (err == KITH_ERR_NOT_FOUND) {
      assert_int_equal(n_rows, 2);
      unit_allocations_done();
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_int_equal(fault.err, KITH_ERR_MEMORY);
    }
    kith_csv_free(csv);
  }
}

static void writes_fields(void **state)
{
  char *text = NULL;
  size_t len;
  FILE *stream = open_memstream(&text, &len);

  (void)state;
  kith_csv_write_field(stream, "plain text");
  putc(',', stream);
  kith_csv_write_field(stream, "");
  putc(',', stream);
  kith_csv_write_field(stream, "a,\"b\"\r\nc");
  fclose(stream);
  assert_string_equal(text, "plain text,,\"a,\"\"b\"\"\r\nc\"");
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_it_should),
      cmocka_unit_test(gives_bad_rows),
      cmocka_unit_test(refuses_what_it_should),
      cmocka_unit_test(refuses_no_file),
      cmocka_unit_test(reads_across_chunks),
      cmocka_unit_test(reads_many_fields),
      cmocka_unit_test(reads_gzip),
      cmocka_unit_test(finds_columns),
      cmocka_unit_test(names_may_be_the_same),
      cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(writes_fields),
  };

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
