/* Blind comparison from files to candidate pairs: what a submission shows and hides, what opens,
 * and what is refused. */
#include <math.h>

#include "crypto/encode/signature.h"
#include "tests/unit/blind.h"

struct sent {
  uint8_t *bytes;
  size_t len;
  struct kith_blind_submission submission;
};

static void send_rows(struct sent *out, const struct agency *agency, const struct kith_secret *key,
                      bool high)
{
  struct kith_fault fault = {0};

  assert_int_equal(
      kith_blind_submit(&out->bytes, &out->len, &agency->blind, key, agency->secret, high),
      KITH_OK);
  if (kith_blind_parse(&out->submission, out->bytes, out->len, "test", &fault) != KITH_OK)
    fail_msg("%s", fault.text);
}

static uint32_t record_of(const struct agency *agency, uint64_t handle)
{
  for (uint32_t i = 0; i < agency->blind.n; i++)
    if (agency->blind.records[i].handle == handle)
      return i;
  fail_msg("a handle that no record has");
  return 0;
}

/* ---- what opens */

/* Signatures without masks, and the distance of two of them in a field. */
struct plain {
  const struct agency *agency;
  uint32_t *seeds; /* owned */
};

static struct plain plain_of(const struct agency *agency, const struct kith_secret *key)
{
  struct plain plain = {agency, calloc(kith_blind_grams_n(agency->blind.grams), sizeof(uint32_t))};
  struct kith_blind_key keys = {0};

  assert_int_equal(kith_blind_key_init(&keys, key), KITH_OK);
  kith_blind_grams_seed(plain.seeds, agency->blind.grams, &keys);
  kith_blind_key_free(&keys);
  return plain;
}

static void check_distances(const struct plain *a, const struct plain *b,
                            const struct kith_blind_pair *pair)
{
  const struct kith_blind_layout *layout = &a->agency->blind.layout;
  const uint8_t noise[64] = {0};
  uint8_t of_a[64];
  uint8_t of_b[64];
  size_t at = 0;

  kith_blind_signatures(of_a, &a->agency->blind, record_of(a->agency, pair->low), a->seeds, noise);
  kith_blind_signatures(of_b, &b->agency->blind, record_of(b->agency, pair->high), b->seeds, noise);
  for (unsigned f = 0; f < layout->n_fields; f++) {
    unsigned distance = 0;

    for (size_t end = at + layout->bits[f] / 8; at < end; at++)
      distance += (unsigned)__builtin_popcount(of_a[at] ^ of_b[at]);
    assert_int_equal(pair->distances[f], distance);
    assert_int_equal(pair->missing[f], 0);
  }
}

static const char *id_of(const struct agency *agency, uint64_t handle)
{
  return kith_ids_at(&agency->encoded.ids, agency->blind.records[record_of(agency, handle)].row);
}

/* Each pair's distances are those of the signatures without masks; the same people have none. */
static void test_distances_are_those_of_signatures(void **state)
{
  char *text[] = {people(0, 300), people(100, 300)};
  struct kith_secret *key = pair_key("secret", "a", "b");
  struct kith_blind_pairs pairs = {0};
  struct agency a;
  struct agency b;
  struct sent low;
  struct sent high;
  struct plain plain[2];
  unsigned n_same = 0;

  agency_make(&a, state, "a.csv", text[0]);
  agency_make(&b, state, "b.csv", text[1]);
  send_rows(&low, &a, key, false);
  send_rows(&high, &b, key, true);
  assert_int_equal(kith_blind_join(&pairs, &low.submission, &high.submission, "a", "b", NULL),
                   KITH_OK);
  plain[0] = plain_of(&a, key);
  plain[1] = plain_of(&b, key);
  for (size_t i = 0; i < pairs.n; i++) {
    const struct kith_blind_pair *pair = &pairs.items[i];

    check_distances(&plain[0], &plain[1], pair);
    if (strcmp(id_of(&a, pair->low), id_of(&b, pair->high)) == 0) {
      n_same++;
      assert_int_equal(kith_blind_similarity(&policy, pair->distances, pair->missing), 1000000);
    }
  }
  assert_true(n_same >= 195); /* of 200; a value that others share may go to them */
  free(plain[0].seeds);
  free(plain[1].seeds);
  kith_blind_pairs_free(&pairs);
  kith_free(low.bytes);
  kith_free(high.bytes);
  kith_secret_free(key);
  agency_free(&a);
  agency_free(&b);
  free(text[0]);
  free(text[1]);
}

/* Fields that one lacks, that both lack; other scripts; one letter; and nothing at all. */
static void test_edges(void **state)
{
  static const char lines_a[] =
      "1,\xd0\xa1\xd0\xb2\xd0\xb5\xd1\x82\xd0\xbb\xd0\xb0\xd0\xbd\xd0\xb0,,"
      "\xd0\x98\xd0\xb2\xd0\xb0\xd0"
      "\xbd\xd0\xbe\xd0\xb2\xd0\xb0,1990-02-03,F,CV1 1AA\n"
      "2,\xe7\x8e\x8b,,\xe8\x8a\xb3,1988-05-06,,\n"
      "3,A,,B,1977-07-08,M,CV2 2BB\n"
      "4,Zed,,,1966-04-05,M,CV3 3CC\n"
      "5,Nora,,Quill,,F,CV4 4DD\n";
  static const char lines_b[] =
      "1,\xd0\xa1\xd0\xb2\xd0\xb5\xd1\x82\xd0\xbb\xd0\xb0\xd0\xbd\xd0\xb0,,"
      "\xd0\x98\xd0\xb2\xd0\xb0\xd0"
      "\xbd\xd0\xbe\xd0\xb2\xd0\xb0,1990-02-03,F,\n"
      "2,\xe7\x8e\x8b,,\xe8\x8a\xb3,1988-05-06,,\n"
      "3,A,,B,1977-07-08,,CV2 2BB\n"
      "4,Zed,,Young,1966-04-05,M,CV3 3CC\n"
      "5,Nora,,Quill,1999-09-09,F,CV4 4DD\n";
  /* Of given_name, surname, name_forms, date_of_birth, postcode, sex. Names of one letter have no
   * form. */
  static const uint8_t missing[5][6] = {{0, 0, 0, 0, 1, 0},
                                        {0, 0, 0, 0, 2, 2},
                                        {0, 0, 2, 0, 0, 1},
                                        {0, 1, 0, 0, 0, 0},
                                        {0, 0, 0, 1, 0, 0}};
  struct kith_secret *key = pair_key("secret", "a", "b");
  struct kith_blind_pairs pairs = {0};
  bool seen[5] = {false};
  struct agency a;
  struct agency b;
  struct sent low;
  struct sent high;

  agency_make(&a, state, "a.csv", lines_a);
  agency_make(&b, state, "b.csv", lines_b);
  send_rows(&low, &a, key, false);
  send_rows(&high, &b, key, true);
  assert_int_equal(kith_blind_join(&pairs, &low.submission, &high.submission, "a", "b", NULL),
                   KITH_OK);
  for (size_t i = 0; i < pairs.n; i++) {
    uint32_t in_a = record_of(&a, pairs.items[i].low);
    uint32_t in_b = record_of(&b, pairs.items[i].high);

    if (in_a != in_b)
      continue;
    seen[in_a] = true;
    for (unsigned f = 0; f < 6; f++) {
      assert_int_equal(pairs.items[i].missing[f], missing[in_a][f]);
      if (!missing[in_a][f] && !(in_a == 3 && f == 2))
        assert_int_equal(pairs.items[i].distances[f], 0);
    }
  }
  for (unsigned i = 0; i < 5; i++)
    assert_true(seen[i]);
  kith_blind_pairs_free(&pairs);
  kith_free(low.bytes);
  kith_free(high.bytes);
  kith_secret_free(key);
  agency_free(&a);
  agency_free(&b);
}

/* A record that has nothing sends as many rows as any other, all filling; an agency of none, none.
 */
static void test_every_field_missing(void **state)
{
  struct kith_evidence evidence = policy.evidence;
  struct kith_secret *key = pair_key("secret", "a", "b");
  struct kith_blind_pairs pairs = {0};
  struct agency a;
  struct agency none;
  struct sent low;
  struct sent high;
  struct sent empty;

  policy.evidence.n_groups = 0;
  agency_make(&a, state, "a.csv", "1,,,,,,\n2,,,,,,\n");
  agency_make(&none, state, "none.csv", "");
  policy.evidence = evidence;
  assert_int_equal(a.blind.n_people, 2);
  send_rows(&low, &a, key, false);
  send_rows(&high, &a, key, true);
  send_rows(&empty, &none, key, true);
  assert_int_equal(low.submission.n_rows, 2 * policy.blind.n_keys);
  assert_int_equal(empty.submission.n_rows, 0);
  assert_int_equal(kith_blind_join(&pairs, &low.submission, &empty.submission, "a", "b", NULL),
                   KITH_OK);
  assert_int_equal(pairs.n, 0);
  kith_blind_pairs_free(&pairs);
  kith_free(low.bytes);
  kith_free(high.bytes);
  kith_free(empty.bytes);
  kith_secret_free(key);
  agency_free(&a);
  agency_free(&none);
}

/* ---- what is hidden */

static bool shares_rows(const struct sent *a, const struct sent *b)
{
  const struct kith_blind_submission *in_a = &a->submission;
  const struct kith_blind_submission *in_b = &b->submission;
  size_t row_bytes = in_a->header.layout.row_bytes;

  for (uint64_t i = 0, k = 0; i < in_a->n_rows && k < in_b->n_rows;) {
    int order =
        memcmp(in_a->rows + i * row_bytes, in_b->rows + k * row_bytes, KITH_BLIND_TOKEN_BYTES);

    if (order == 0)
      return true;
    i += order < 0;
    k += order > 0;
  }
  return false;
}

/* One agency's rows for two peers, and under two secrets, have no token in common; a third agency's
 * key opens none of them. The same key twice: the same tokens, of course. */
static void test_submissions_share_nothing(void **state)
{
  char *text = people(0, 400);
  struct kith_secret *keys[] = {pair_key("secret", "a", "b"), pair_key("secret", "a", "c"),
                                pair_key("other", "a", "b"), pair_key("secret", "c", "b")};
  struct agency a;
  struct sent sent[4];
  struct sent again;

  agency_make(&a, state, "a.csv", text);
  for (unsigned i = 0; i < 4; i++)
    send_rows(&sent[i], &a, keys[i], i == 3);
  for (unsigned i = 0; i < 4; i++)
    for (unsigned k = 0; k < i; k++)
      assert_false(shares_rows(&sent[i], &sent[k]));
  send_rows(&again, &a, keys[0], true);
  assert_true(shares_rows(&sent[0], &again));
  for (unsigned i = 0; i < 4; i++) {
    kith_free(sent[i].bytes);
    kith_secret_free(keys[i]);
  }
  kith_free(again.bytes);
  agency_free(&a);
  free(text);
}

/* Rows of an agency whose records are all alike: each bit of block and openings is set in half of
 * them, digits come in thirds, and filling rows are no exception. */
static void test_rows_look_random(void **state)
{
  char *text = people(0, 1500);
  struct kith_secret *key = pair_key("secret", "a", "b");
  const struct kith_blind_layout *layout;
  unsigned set[KITH_BLIND_ROW_BYTES_MAX * 8] = {0};
  unsigned digits[KITH_BLIND_FIELDS_MAX][3] = {{0}};
  struct agency a;
  struct sent sent;
  double n;

  agency_make(&a, state, "a.csv", text);
  send_rows(&sent, &a, key, false);
  layout = &sent.submission.header.layout;
  n = (double)sent.submission.n_rows;
  assert_int_equal(sent.submission.n_rows, a.blind.n_people * layout->n_keys);
  for (uint64_t i = 0; i < sent.submission.n_rows; i++) {
    const uint8_t *row = sent.submission.rows + i * layout->row_bytes;

    for (size_t b = 0; b < layout->row_bytes * 8; b++)
      set[b] += row[b / 8] >> b % 8 & 1;
    for (unsigned f = 0; f < layout->n_fields; f++)
      digits[f][kith_blind_digit(row + layout->digits, f)]++;
  }
  for (size_t b = 0; b < layout->row_bytes * 8; b++)
    if (b / 8 < layout->digits || b / 8 >= layout->openings)
      assert_true(fabs(set[b] - n / 2) < 6 * sqrt(n / 4));
  for (unsigned f = 0; f < layout->n_fields; f++)
    for (unsigned d = 0; d < 3; d++)
      assert_true(fabs(digits[f][d] - n / 3) < 6 * sqrt(n * 2 / 9));
  kith_free(sent.bytes);
  kith_secret_free(key);
  agency_free(&a);
  free(text);
}

/* ---- what is refused */

static void refuse(const uint8_t *bytes, size_t len, const char *why)
{
  struct kith_blind_submission out;
  struct kith_fault fault = {0};

  assert_int_equal(kith_blind_parse(&out, bytes, len, "s", &fault), KITH_ERR_DATA);
  if (!strstr(fault.text, why))
    fail_msg("expected \"%s\", found \"%s\"", why, fault.text);
}

static void test_bad_submissions(void **state)
{
  char *text = people(0, 20);
  struct kith_secret *key = pair_key("secret", "a", "b");
  struct kith_hash terms;
  struct kith_hash others;
  struct agency a;
  struct sent sent;
  size_t row_bytes;
  size_t head;
  uint8_t *copy;
  uint8_t swap[KITH_BLIND_ROW_BYTES_MAX];

  agency_make(&a, state, "a.csv", text);
  send_rows(&sent, &a, key, false);
  row_bytes = a.blind.layout.row_bytes;
  head = (size_t)(sent.submission.rows - sent.bytes);
  copy = kith_memdup(sent.bytes, sent.len);
  for (size_t len = 0; len < head; len++)
    refuse(copy, len, "not a blind submission");
  for (size_t len = head; len < sent.len; len += row_bytes / 2)
    refuse(copy, len, "bytes of rows");
  copy[0] ^= 1;
  refuse(copy, sent.len, "not a blind submission");
  memcpy(copy, sent.bytes, sent.len);
  copy[9] = 9; /* fields */
  refuse(copy, sent.len, "not a blind submission");
  memcpy(copy, sent.bytes, sent.len);
  copy[head - 40]++; /* records */
  refuse(copy, sent.len, "bytes of rows");
  copy[head - 33] = 0xff;
  refuse(copy, sent.len, "bytes of rows");
  memcpy(copy, sent.bytes, sent.len);
  memcpy(copy + head + row_bytes, copy + head, KITH_BLIND_TOKEN_BYTES);
  refuse(copy, sent.len, "row 1: a token that was sent already");
  memcpy(copy, sent.bytes, sent.len);
  memcpy(swap, copy + head, row_bytes);
  memcpy(copy + head, copy + head + row_bytes, row_bytes);
  memcpy(copy + head + row_bytes, swap, row_bytes);
  refuse(copy, sent.len, "row 1: tokens are not in rising order");
  memcpy(copy, sent.bytes, sent.len);
  copy[head + 2 * row_bytes + a.blind.layout.digits] = 243;
  refuse(copy, sent.len, "row 2: not three-valued");

  assert_int_equal(kith_policy_blind_hash(&terms, &policy), KITH_OK);
  others = terms;
  others.bytes[0] ^= 1;
  assert_int_equal(kith_blind_expect(&sent.submission, &a.blind.layout, &terms, false, "s", NULL),
                   KITH_OK);
  assert_int_equal(kith_blind_expect(&sent.submission, &a.blind.layout, &others, false, "s", NULL),
                   KITH_ERR_DATA);
  assert_int_equal(kith_blind_expect(&sent.submission, &a.blind.layout, &terms, true, "s", NULL),
                   KITH_ERR_DATA);
  kith_free(copy);
  kith_free(sent.bytes);
  kith_secret_free(key);
  agency_free(&a);
  free(text);
}

/* A side that changes what is under a token of both: the match key, the handle, a block. */
static void test_contradictions(void **state)
{
  char *text = people(0, 60);
  struct kith_secret *key = pair_key("secret", "a", "b");
  struct kith_blind_pairs pairs = {0};
  const struct kith_blind_layout *layout;
  struct agency a;
  struct agency b;
  struct sent low;
  struct sent high;
  size_t places[3];
  unsigned refused = 0;

  agency_make(&a, state, "a.csv", text);
  agency_make(&b, state, "b.csv", text);
  send_rows(&low, &a, key, false);
  send_rows(&high, &b, key, true);
  layout = &a.blind.layout;
  places[0] = layout->openings; /* the match key's number */
  places[1] = layout->blocks;   /* one bit of a signature, under one of several tokens */
  places[2] = layout->digits;
  assert_int_equal(kith_blind_join(&pairs, &low.submission, &high.submission, "a", "b", NULL),
                   KITH_OK);
  assert_true(pairs.n >= 60);
  kith_blind_pairs_free(&pairs);
  for (unsigned k = 0; k < 3; k++)
    for (uint64_t i = 0; i < 40; i++) {
      uint8_t *at = high.bytes + (high.submission.rows - high.bytes) + i * layout->row_bytes;
      struct kith_fault fault = {0};
      uint8_t held = at[places[k]];

      at[places[k]] = k == 2 ? (uint8_t)(held / 3 * 3 + (held + 1) % 3) : (uint8_t)(held ^ 1);
      if (kith_blind_join(&pairs, &low.submission, &high.submission, "a", "b", &fault) != KITH_OK) {
        assert_non_null(strstr(fault.text, "a and b contradict each other"));
        refused++;
      }
      kith_blind_pairs_free(&pairs);
      at[places[k]] = held;
    }
  /* Rows that fill match nobody's; all others were caught. */
  assert_true(refused > 90);
  kith_free(low.bytes);
  kith_free(high.bytes);
  kith_secret_free(key);
  agency_free(&a);
  agency_free(&b);
  free(text);
}

static void test_out_of_memory(void **state)
{
  char *text = people(0, 12);
  struct kith_secret *key = pair_key("secret", "a", "b");
  struct agency a;
  struct agency b;
  struct sent low;
  struct sent high;

  agency_make(&a, state, "a.csv", text);
  agency_make(&b, state, "b.csv", text);
  send_rows(&low, &a, key, false);
  send_rows(&high, &b, key, true);
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_blind_histogram histogram = {0};
    struct kith_blind_pairs pairs = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum kith_err err = kith_blind_submit(&bytes, &len, &a.blind, key, a.secret, false);

    if (err == KITH_OK)
      err = kith_blind_within(&histogram, &a.blind, a.secret, 6);
    if (err == KITH_OK)
      err = kith_blind_join(&pairs, &low.submission, &high.submission, "a", "b", NULL);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
    kith_free(bytes);
    kith_blind_histogram_free(&histogram);
    kith_blind_pairs_free(&pairs);
  }
  kith_free(low.bytes);
  kith_free(high.bytes);
  kith_secret_free(key);
  agency_free(&a);
  agency_free(&b);
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_distances_are_those_of_signatures),
      cmocka_unit_test(test_edges),
      cmocka_unit_test(test_every_field_missing),
      cmocka_unit_test(test_submissions_share_nothing),
      cmocka_unit_test(test_rows_look_random),
      cmocka_unit_test(test_bad_submissions),
      cmocka_unit_test(test_contradictions),
      cmocka_unit_test(test_out_of_memory),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return 1;
  return cmocka_run_group_tests(tests, set_up, unit_folder_remove);
}
