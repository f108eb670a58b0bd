#include "proto/letter.h"

#include "base/mem.h"
#include "crypto/seal.h"
#include "tests/unit/statements.h"

static struct kith_identity *author;
static struct kith_identity *reader;

static int set_up(void **state)
{
  bool locked;

  (void)state;
  srand(statements_seed());
  return kith_crypto_init(&locked) == KITH_OK && kith_identity_new(&author) == KITH_OK &&
                 kith_identity_new(&reader) == KITH_OK
             ? 0
             : -1;
}

static int tear_down(void **state)
{
  (void)state;
  kith_identity_free(author);
  kith_identity_free(reader);
  return 0;
}

static void random_proof(struct kith_leaf_proof *out)
{
  random_fill(out->handle, sizeof out->handle);
  out->number = (uint32_t)rand();
  random_fill(out->nonce, sizeof out->nonce);
  out->path.n = (unsigned)random_between(0, KITH_MERKLE_PATH_MAX);
  out->path.sides = (uint32_t)((unsigned)rand() & ((1ull << out->path.n) - 1));
  random_fill(out->path.hashes, out->path.n * sizeof *out->path.hashes);
}

static void random_words(char *out, size_t max)
{
  size_t len = (size_t)random_between(1, max - 1);

  for (size_t i = 0; i < len; i++)
    out[i] = (char)random_between(0x20, 0x7e);
  out[len] = '\0';
}

static void random_context(struct kith_context *out)
{
  size_t bytes;
  size_t n;

  out->n_attributes = (unsigned)random_between(1, KITH_CONTEXT_ATTRIBUTES_MAX);
  for (unsigned i = 0; i < out->n_attributes; i++)
    snprintf(out->attributes[i], sizeof out->attributes[i], "attribute_%u", i);
  bytes = kith_context_entry_bytes(out->n_attributes);
  n = (size_t)random_between(1, KITH_CONTEXT_BYTES_MAX / bytes);
  out->len = n * bytes;
  random_fill(out->entries, out->len);
  for (size_t i = 0; i < n; i++) {
    out->entries[i * bytes] = (uint8_t)(i >> 8);
    out->entries[i * bytes + 1] = (uint8_t)i;
  }
}

static struct kith_letter *random_letter(enum kith_letter_kind kind)
{
  struct kith_letter *letter = KITH_NEW(struct kith_letter);
  struct kith_disclosure_answer *answer = &letter->body.answer;
  struct kith_disclosure_request *request = &letter->body.request;

  assert_non_null(letter);
  letter->kind = kind;
  random_fill(letter->round, sizeof letter->round);
  strcpy(letter->author, "horizon");
  strcpy(letter->reader, "police");
  letter->time = 1 + rand();
  if (kind == KITH_LETTER_REQUEST) {
    random_proof(&request->proof);
    random_fill(request->nonce, sizeof request->nonce);
    request->expires = 1 + rand();
    request->n_fields = (unsigned)random_between(1, KITH_FIELDS_MAX);
    for (unsigned i = 0; i < request->n_fields; i++)
      snprintf(request->fields[i], sizeof request->fields[i], "field_%u", i);
    strcpy(request->reason, "early_help");
    random_words(request->words, sizeof request->words);
    random_words(request->gateway, sizeof request->gateway);
  } else if (kind == KITH_LETTER_ANSWER) {
    random_fill(&answer->request, sizeof answer->request);
    answer->verdict = rand() % 2 ? KITH_DISCLOSURE_GRANTED : KITH_DISCLOSURE_REDUCED;
    random_words(answer->reference, sizeof answer->reference);
    answer->n_fields = (unsigned)random_between(0, KITH_FIELDS_MAX);
    for (unsigned i = 0; i < answer->n_fields; i++) {
      snprintf(answer->fields[i].field, sizeof answer->fields[i].field, "field_%u", i);
      random_words(answer->fields[i].value, sizeof answer->fields[i].value);
    }
    random_words(answer->marker, sizeof answer->marker);
    answer->n_tokens = (unsigned)random_between(0, KITH_TOKENS_MAX);
    random_fill(answer->tokens, answer->n_tokens * sizeof answer->tokens[0]);
  } else if (kind == KITH_LETTER_CONTEXT) {
    random_context(&letter->body.context);
  } else {
    random_proof(&letter->body.feedback.proof);
    random_fill(letter->body.feedback.nonce, KITH_REQUEST_NONCE_BYTES);
    letter->body.feedback.wrong = rand() % 2;
    strcpy(letter->body.feedback.reason, "other_person");
    random_fill(letter->body.feedback.token, KITH_TOKEN_BYTES);
  }
  return letter;
}

static struct kith_envelope envelope_of(const struct kith_letter *letter)
{
  struct kith_envelope envelope = {.kind = letter->kind};

  memcpy(envelope.round, letter->round, sizeof envelope.round);
  memcpy(envelope.author, letter->author, sizeof envelope.author);
  memcpy(envelope.reader, letter->reader, sizeof envelope.reader);
  return envelope;
}

static void letters_come_back(void **state)
{
  struct kith_buf bytes = {0};
  struct kith_buf core = {0};
  struct kith_buf again = {0};

  (void)state;
  for (unsigned n = 0; n < 300; n++) {
    enum kith_letter_kind kind = (enum kith_letter_kind)(1 + n % 4);
    struct kith_letter *letter = random_letter(kind);
    struct kith_letter *read = KITH_NEW(struct kith_letter);

    assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_OK);
    assert_int_equal(bytes.len % KITH_LETTER_STEP_BYTES, 0);
    assert_true(bytes.len <= KITH_LETTER_BYTES_MAX);
    assert_int_equal(kith_letter_verify(bytes.bytes, bytes.len, kind, author->public_keys.sign),
                     KITH_OK);
    assert_int_equal(kith_letter_verify(bytes.bytes, bytes.len, kind, reader->public_keys.sign),
                     KITH_ERR_NO);
    assert_int_equal(kith_letter_verify(bytes.bytes, bytes.len,
                                        (enum kith_letter_kind)(1 + (n + 1) % 4),
                                        author->public_keys.sign),
                     KITH_ERR_NO);
    assert_int_equal(kith_letter_read(read, kind, bytes.bytes, bytes.len), KITH_OK);
    kith_buf_clear(&core);
    kith_buf_clear(&again);
    kith_letter_core_write(&core, letter);
    kith_letter_core_write(&again, read);
    assert_int_equal(core.len, again.len);
    assert_memory_equal(core.bytes, again.bytes, core.len);
    if (n < 8)
      corpus_write("letter", (int)n, bytes.bytes, bytes.len);
    kith_free(read);
    kith_free(letter);
  }
  kith_buf_free(&bytes);
  kith_buf_free(&core);
  kith_buf_free(&again);
}

static void context_that_makes_no_sense_is_refused(void **state)
{
  struct kith_letter *letter = random_letter(KITH_LETTER_CONTEXT);
  struct kith_letter *before = KITH_NEW(struct kith_letter);
  struct kith_context *context = &letter->body.context;
  struct kith_buf bytes = {0};
  size_t step;

#define REFUSED(change)                                                                            \
  do {                                                                                             \
    *before = *letter;                                                                             \
    change;                                                                                        \
    assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_ERR_INTERNAL);                \
    *letter = *before;                                                                             \
  } while (0)
  (void)state;
  random_context(context);
  context->n_attributes = 2;
  strcpy(context->attributes[0], "ward");
  strcpy(context->attributes[1], "school");
  step = kith_context_entry_bytes(2);
  context->len = 3 * step;
  for (unsigned i = 0; i < 3; i++)
    memset(context->entries + i * step, (int)i, KITH_CONTEXT_TAG_BYTES);
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_OK);
  assert_int_equal(bytes.len, KITH_LETTER_STEP_BYTES);
  REFUSED(context->len = 0);
  REFUSED(context->len -= 1);
  REFUSED(context->len += 1);
  REFUSED(context->n_attributes = 0);
  REFUSED(context->n_attributes = 1);
  REFUSED(strcpy(context->attributes[1], "ward"));
  REFUSED(strcpy(context->attributes[1], "Ward"));
  REFUSED(context->attributes[0][0] = '\0');
  REFUSED(memset(context->entries + step, 0, KITH_CONTEXT_TAG_BYTES));
  REFUSED(memset(context->entries + step, 2, KITH_CONTEXT_TAG_BYTES));
  REFUSED(memset(context->entries + step, 9, KITH_CONTEXT_TAG_BYTES));
#undef REFUSED
  kith_buf_free(&bytes);
  kith_free(before);
  kith_free(letter);
}

/* Each bit of a letter that is altered: it can't be read, or it is not signed. */
static void altered_letters_are_refused(void **state)
{
  struct kith_letter *letter = random_letter(KITH_LETTER_FEEDBACK);
  struct kith_buf bytes = {0};

  (void)state;
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_OK);
  for (size_t bit = 0; bit < 8 * bytes.len; bit += 7) {
    bytes.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(
        kith_letter_verify(bytes.bytes, bytes.len, KITH_LETTER_FEEDBACK, author->public_keys.sign),
        KITH_OK);
    bytes.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t len = 0; len < bytes.len; len += 97)
    assert_int_equal(kith_letter_read(letter, KITH_LETTER_FEEDBACK, bytes.bytes, len),
                     KITH_ERR_DATA);
  kith_buf_free(&bytes);
  kith_free(letter);
}

/* What the writer would not write, because the reader would not read it. */
static void answers_that_make_no_sense_are_refused(void **state)
{
  struct kith_letter *letter = random_letter(KITH_LETTER_ANSWER);
  struct kith_disclosure_answer *answer = &letter->body.answer;
  struct kith_buf bytes = {0};

#define REFUSED(change)                                                                            \
  do {                                                                                             \
    struct kith_disclosure_answer before = *answer;                                                \
    change;                                                                                        \
    assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_ERR_INTERNAL);                \
    *answer = before;                                                                              \
  } while (0)
  (void)state;
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_OK);
  REFUSED(answer->verdict = KITH_DISCLOSURE_REFUSED);
  REFUSED(answer->verdict = KITH_DISCLOSURE_EXPIRED);
  REFUSED(answer->verdict = 0);
  REFUSED(strcpy(answer->reason, "other"));
  REFUSED(answer->reference[0] = '\0');
  REFUSED(strcpy(answer->marker, "two\nlines"));
  answer->n_fields = 2;
  strcpy(answer->fields[0].field, "surname");
  strcpy(answer->fields[1].field, "surname");
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_ERR_INTERNAL);
  memset(answer, 0, sizeof *answer);
  answer->verdict = KITH_DISCLOSURE_REFUSED;
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_ERR_INTERNAL);
  strcpy(answer->reason, "no such reason");
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_ERR_INTERNAL);
  strcpy(answer->reason, "safety");
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_OK);
#undef REFUSED
  kith_buf_free(&bytes);
  kith_free(letter);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
  struct kith_letter *letter = random_letter(KITH_LETTER_REQUEST);
  struct kith_disclosure_request *request = &letter->body.request;
  struct kith_buf bytes = {0};

#define REFUSED(change)                                                                            \
  do {                                                                                             \
    struct kith_disclosure_request before = *request;                                              \
    change;                                                                                        \
    assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_ERR_INTERNAL);                \
    *request = before;                                                                             \
  } while (0)
  (void)state;
  REFUSED(request->n_fields = 0);
  REFUSED((request->n_fields = 2, strcpy(request->fields[1], request->fields[0])));
  REFUSED(strcpy(request->fields[0], "Surname"));
  REFUSED(strcpy(request->reason, "no code"));
  REFUSED(request->words[0] = '\0');
  REFUSED(strcpy(request->words, "\x1b[31m"));
  REFUSED(strcpy(request->gateway, ""));
  REFUSED((request->proof.path.n = 1, request->proof.path.sides = 2));
#undef REFUSED
  kith_buf_free(&bytes);
  kith_free(letter);
}

static void letters_open_for_whom_they_are_meant(void **state)
{
  struct kith_letter *letter = random_letter(KITH_LETTER_REQUEST);
  struct kith_letter *read = KITH_NEW(struct kith_letter);
  struct kith_envelope envelope = envelope_of(letter);
  struct kith_envelope other;
  struct kith_buf bytes = {0};
  struct kith_hash id;
  uint8_t *sealed;
  size_t len;

#define OPEN(key, signer)                                                                          \
  kith_letter_open(read, NULL, NULL, (key)->seal, (signer)->public_keys.sign, &other, &id, sealed, \
                   len)
  (void)state;
  assert_int_equal(kith_letter_write(&bytes, letter, author), KITH_OK);
  kith_letter_hash(&id, letter->kind, bytes.bytes, bytes.len);
  assert_int_equal(
      kith_letter_seal(&sealed, &len, reader->public_keys.seal, &envelope, bytes.bytes, bytes.len),
      KITH_OK);
  other = envelope;
  assert_int_equal(OPEN(reader, author), KITH_OK);
  assert_string_equal(read->body.request.words, letter->body.request.words);
  assert_int_equal(OPEN(author, author), KITH_ERR_NO);
  assert_int_equal(OPEN(reader, reader), KITH_ERR_NO);
  other.round[0] ^= 1;
  assert_int_equal(OPEN(reader, author), KITH_ERR_NO);
  other = envelope;
  strcpy(other.author, "health");
  assert_int_equal(OPEN(reader, author), KITH_ERR_NO);
  other = envelope;
  other.kind = KITH_LETTER_FEEDBACK;
  assert_int_equal(OPEN(reader, author), KITH_ERR_NO);
  other = envelope;
  id.bytes[0] ^= 1;
  assert_int_equal(OPEN(reader, author), KITH_ERR_NO);
  id.bytes[0] ^= 1;
  sealed[len - 1] ^= 1;
  assert_int_equal(OPEN(reader, author), KITH_ERR_NO);
  kith_free(sealed);

  /* Sealed under another name than the one that is signed inside. */
  strcpy(envelope.author, "somebody");
  other = envelope;
  assert_int_equal(
      kith_letter_seal(&sealed, &len, reader->public_keys.seal, &envelope, bytes.bytes, bytes.len),
      KITH_OK);
  assert_int_equal(OPEN(reader, author), KITH_ERR_NO);
#undef OPEN
  kith_free(sealed);
  kith_buf_free(&bytes);
  kith_free(read);
  kith_free(letter);
}

/* Every leaf of trees of every size leads to the root, in its own place only. */
static void paths_lead_to_the_root(void **state)
{
  enum { LEAVES_MAX = 40 };
  struct kith_hash leaves[LEAVES_MAX];
  struct kith_merkle_path path;
  struct kith_hash root;
  struct kith_hash found;

  (void)state;
  random_fill(leaves, sizeof leaves);
  assert_int_equal(kith_merkle_prove(&path, leaves, 0, 0), KITH_ERR_LIMIT);
  for (size_t n = 1; n <= LEAVES_MAX; n++) {
    assert_int_equal(kith_merkle_root(&root, leaves, n), KITH_OK);
    assert_int_equal(kith_merkle_prove(&path, leaves, n, n), KITH_ERR_LIMIT);
    for (size_t i = 0; i < n; i++) {
      assert_int_equal(kith_merkle_prove(&path, leaves, n, i), KITH_OK);
      kith_merkle_follow(&found, &path, &leaves[i]);
      assert_memory_equal(&found, &root, sizeof root);
      kith_merkle_follow(&found, &path, &leaves[(i + 1) % LEAVES_MAX]);
      assert_memory_not_equal(&found, &root, sizeof root);
      if (path.n) {
        path.sides ^= 1;
        kith_merkle_follow(&found, &path, &leaves[i]);
        assert_memory_not_equal(&found, &root, sizeof root);
      }
    }
  }
}

static void commitments_bind_words(void **state)
{
  struct kith_letter *letter = random_letter(KITH_LETTER_REQUEST);
  struct kith_disclosure_request *request = &letter->body.request;
  struct kith_hash first;
  struct kith_hash other;

  (void)state;
  strcpy(request->words, "a visit");
  assert_int_equal(kith_words_commit(&first, request), KITH_OK);
  strcpy(request->words, "a visiT");
  assert_int_equal(kith_words_commit(&other, request), KITH_OK);
  assert_memory_not_equal(&first, &other, sizeof first);
  strcpy(request->words, "a visit");
  strcpy(request->reason, "early_helq");
  assert_int_equal(kith_words_commit(&other, request), KITH_OK);
  assert_memory_not_equal(&first, &other, sizeof first);
  strcpy(request->reason, "early_help");
  request->nonce[15] ^= 1;
  assert_int_equal(kith_words_commit(&other, request), KITH_OK);
  assert_memory_not_equal(&first, &other, sizeof first);
  kith_free(letter);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(context_that_makes_no_sense_is_refused),
      cmocka_unit_test(letters_come_back),
      cmocka_unit_test(altered_letters_are_refused),
      cmocka_unit_test(answers_that_make_no_sense_are_refused),
      cmocka_unit_test(requests_that_make_no_sense_are_refused),
      cmocka_unit_test(letters_open_for_whom_they_are_meant),
      cmocka_unit_test(paths_lead_to_the_root),
      cmocka_unit_test(commitments_bind_words),
  };

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
