#include "proto/release.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/seal.h"
#include "proto/wire.h"

enum {
  VERSION = 1,
  FLAGS_MAX = 65535,
  /* the shortest a record and a person of one record can be, so that counts are held against the
   * bytes before anything is allocated */
  RECORD_BYTES_MIN = 1 + 1 + 2 + KITH_HANDLE_BYTES + 2 + KITH_NONCE_BYTES,
  PERSON_BYTES_MIN = 1 + 4 + 1 + RECORD_BYTES_MIN
};

static const char seal_label[] = "kith cohort v1";
enum { CONTEXT_BYTES_MAX = sizeof seal_label + KITH_ROUND_ID_BYTES + KITH_MEMBER_ID_BYTES };

/* ---- what a list must hold to, besides its form ------------------------------------------------
 */

static int record_order(const void *a, const void *b)
{
  const struct kith_cohort_record *const *left = a;
  const struct kith_cohort_record *const *right = b;

  if ((*left)->agency != (*right)->agency)
    return (*left)->agency < (*right)->agency ? -1 : 1;
  return memcmp((*left)->handle, (*right)->handle, KITH_HANDLE_BYTES);
}

static enum kith_err check_no_record_twice(const struct kith_cohort *cohort,
                                           struct kith_fault *fault)
{
  KITH_AUTO_FREE const struct kith_cohort_record **sorted =
      kith_calloc(cohort->n_records, sizeof *sorted);

  if (!sorted)
    return kith_fail(fault, KITH_ERR_MEMORY, "the cohort list: no memory");
  for (size_t i = 0; i < cohort->n_records; i++)
    sorted[i] = &cohort->records[i];
  qsort(sorted, cohort->n_records, sizeof *sorted, record_order);
  for (size_t i = 1; i < cohort->n_records; i++)
    if (record_order(&sorted[i - 1], &sorted[i]) == 0)
      return kith_fail(fault, KITH_ERR_DATA, "the cohort list has a record twice");
  return KITH_OK;
}

static enum kith_err check_agencies(const struct kith_cohort *cohort, struct kith_fault *fault)
{
  if (cohort->n_agencies < 1 || cohort->n_agencies > KITH_AGENCIES_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "the cohort list has %u agencies", cohort->n_agencies);
  for (unsigned i = 0; i < cohort->n_agencies; i++)
    if (!kith_member_id_valid(cohort->agencies[i].agency) ||
        (i && strcmp(cohort->agencies[i - 1].agency, cohort->agencies[i].agency) >= 0))
      return kith_fail(fault, KITH_ERR_DATA,
                       "the cohort list's agencies are not in ascending order of id");
  return KITH_OK;
}

static enum kith_err check_person(const struct kith_cohort *cohort, size_t i, size_t first,
                                  struct kith_fault *fault)
{
  const struct kith_cohort_person *person = &cohort->people[i];

  if (i && person->number <= cohort->people[i - 1].number)
    return kith_fail(fault, KITH_ERR_DATA, "the cohort list: entry %zu is out of order", i + 1);
  if (person->confidence > KITH_CONFIDENCE_ONE || person->weakest > KITH_CONFIDENCE_ONE ||
      person->flags > FLAGS_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "the cohort list: entry %zu: a number out of range",
                     i + 1);
  if (person->n_records < 1 || person->first != first ||
      person->n_records > cohort->n_records - first)
    return kith_fail(fault, KITH_ERR_DATA, "the cohort list: entry %zu: not its records", i + 1);
  for (size_t r = first; r < first + person->n_records; r++)
    if (cohort->records[r].agency >= cohort->n_agencies)
      return kith_fail(fault, KITH_ERR_DATA, "the cohort list: entry %zu: no such agency", i + 1);
  return KITH_OK;
}

static enum kith_err cohort_valid(const struct kith_cohort *cohort, struct kith_fault *fault)
{
  enum kith_err err = check_agencies(cohort, fault);
  size_t first = 0;

  for (size_t i = 0; err == KITH_OK && i < cohort->n_people; i++) {
    err = check_person(cohort, i, first, fault);
    first += cohort->people[i].n_records;
  }
  if (err == KITH_OK && first != cohort->n_records)
    err = kith_fail(fault, KITH_ERR_DATA, "the cohort list has records of nobody");
  return err == KITH_OK ? check_no_record_twice(cohort, fault) : err;
}

/* ---- writing and reading -----------------------------------------------------------------------
 */

static void person_write(struct kith_buf *out, const struct kith_cohort *cohort,
                         const struct kith_cohort_person *person)
{
  kith_write_array(out, 5);
  kith_write_u64(out, person->number);
  kith_write_u64(out, person->confidence);
  kith_write_u64(out, person->weakest);
  kith_write_u64(out, person->flags);
  kith_write_array(out, person->n_records);
  for (uint32_t r = 0; r < person->n_records; r++) {
    const struct kith_cohort_record *record = &cohort->records[person->first + r];
    kith_write_array(out, 3);
    kith_write_u64(out, record->agency);
    kith_write_bin(out, record->handle, KITH_HANDLE_BYTES);
    kith_write_bin(out, record->nonce, KITH_NONCE_BYTES);
  }
}

enum kith_err kith_cohort_write(struct kith_buf *out, const struct kith_cohort *cohort)
{
  enum kith_err err = cohort_valid(cohort, NULL);

  kith_buf_clear(out);
  if (err == KITH_ERR_DATA || cohort->n_people > UINT32_MAX ||
      strnlen(cohort->threshold, sizeof cohort->threshold) == sizeof cohort->threshold)
    return KITH_ERR_INTERNAL;
  if (err != KITH_OK)
    return err;
  kith_write_array(out, 8);
  kith_write_u64(out, VERSION);
  kith_write_bin(out, cohort->round, KITH_ROUND_ID_BYTES);
  kith_write_bin(out, cohort->policy.bytes, KITH_HASH_BYTES);
  kith_write_bin(out, cohort->charter.bytes, KITH_HASH_BYTES);
  kith_write_bin(out, cohort->roster.bytes, KITH_HASH_BYTES);
  kith_write_string(out, cohort->threshold);
  kith_write_array(out, cohort->n_agencies);
  for (unsigned i = 0; i < cohort->n_agencies; i++) {
    kith_write_array(out, 2);
    kith_write_string(out, cohort->agencies[i].agency);
    kith_write_bin(out, cohort->agencies[i].manifest.bytes, KITH_HASH_BYTES);
  }
  kith_write_array(out, (uint32_t)cohort->n_people);
  for (size_t i = 0; i < cohort->n_people; i++)
    person_write(out, cohort, &cohort->people[i]);
  return kith_buf_err(out);
}

static void header_read(struct kith_reader *reader, struct kith_cohort *out)
{
  kith_read_array(reader, 8);
  (void)kith_read_u64(reader, VERSION, VERSION);
  kith_read_bin_exact(reader, out->round, KITH_ROUND_ID_BYTES);
  kith_read_bin_exact(reader, out->policy.bytes, KITH_HASH_BYTES);
  kith_read_bin_exact(reader, out->charter.bytes, KITH_HASH_BYTES);
  kith_read_bin_exact(reader, out->roster.bytes, KITH_HASH_BYTES);
  kith_read_string(reader, out->threshold, sizeof out->threshold);
  out->n_agencies = kith_read_array_between(reader, 1, KITH_AGENCIES_MAX);
  for (unsigned i = 0; i < out->n_agencies; i++) {
    kith_read_array(reader, 2);
    kith_read_member(reader, out->agencies[i].agency);
    kith_read_bin_exact(reader, out->agencies[i].manifest.bytes, KITH_HASH_BYTES);
  }
}

/* `room`: how many records there is memory for. */
static void person_read(struct kith_reader *reader, struct kith_cohort *out,
                        struct kith_cohort_person *person, size_t room)
{
  size_t left = room - out->n_records;
  uint32_t n;

  kith_read_array(reader, 5);
  person->number = (uint32_t)kith_read_u64(reader, 0, UINT32_MAX);
  person->confidence = (uint32_t)kith_read_u64(reader, 0, KITH_CONFIDENCE_ONE);
  person->weakest = (uint32_t)kith_read_u64(reader, 0, KITH_CONFIDENCE_ONE);
  person->flags = (uint32_t)kith_read_u64(reader, 0, FLAGS_MAX);
  n = kith_read_array_between(reader, 1, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX);
  person->first = out->n_records;
  person->n_records = n;
  for (uint32_t r = 0; r < n && reader->err == KITH_OK; r++) {
    struct kith_cohort_record *record = &out->records[out->n_records++];
    kith_read_array(reader, 3);
    record->agency = (uint32_t)kith_read_u64(reader, 0, KITH_AGENCIES_MAX - 1);
    kith_read_bin_exact(reader, record->handle, KITH_HANDLE_BYTES);
    kith_read_bin_exact(reader, record->nonce, KITH_NONCE_BYTES);
  }
}

/* Agencies, people and records; KITH_ERR_MEMORY, or what the reader says. */
static enum kith_err cohort_parse(struct kith_reader *reader, struct kith_cohort *out)
{
  size_t rest;
  size_t people_max;
  size_t room;
  uint32_t n;

  header_read(reader, out);
  if (reader->err != KITH_OK)
    return reader->err;
  rest = reader->len - reader->at;
  people_max = rest / PERSON_BYTES_MIN;
  room = rest / RECORD_BYTES_MIN;
  n = kith_read_array_between(reader, 0,
                              people_max < UINT32_MAX ? (uint32_t)people_max : UINT32_MAX);
  if (reader->err != KITH_OK)
    return reader->err;
  out->people = KITH_NEW_ARRAY(struct kith_cohort_person, n);
  out->records = KITH_NEW_ARRAY(struct kith_cohort_record, room);
  if (!out->people || !out->records)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; i < n && reader->err == KITH_OK; i++)
    person_read(reader, out, &out->people[out->n_people++], room);
  return kith_reader_done(reader);
}

enum kith_err kith_cohort_read(struct kith_cohort *out, const void *bytes, size_t len,
                               struct kith_fault *fault)
{
  struct kith_cohort cohort;
  struct kith_reader reader;
  enum kith_err err;

  memset(&cohort, 0, sizeof cohort);
  if (len > KITH_LIST_BYTES_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "the cohort list has more than %d bytes",
                     KITH_LIST_BYTES_MAX);
  err = kith_reader_init(&reader, bytes, len);
  if (err == KITH_OK)
    err = cohort_parse(&reader, &cohort);
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "the cohort list: %s",
                    err == KITH_ERR_MEMORY ? "no memory" : "malformed");
  else
    err = cohort_valid(&cohort, fault);
  if (err != KITH_OK) {
    kith_cohort_free(&cohort);
    return err;
  }
  *out = cohort;
  return KITH_OK;
}

void kith_cohort_free(struct kith_cohort *cohort)
{
  if (cohort->people)
    kith_wipe(cohort->people, cohort->n_people * sizeof *cohort->people);
  if (cohort->records)
    kith_wipe(cohort->records, cohort->n_records * sizeof *cohort->records);
  kith_free(cohort->people);
  kith_free(cohort->records);
  memset(cohort, 0, sizeof *cohort);
}

/* ---- the leaves --------------------------------------------------------------------------------
 */

static void leaf_hash(struct kith_hash *out, const kith_round_id round, const char *agency,
                      const uint8_t handle[KITH_HANDLE_BYTES], uint32_t number,
                      const uint8_t nonce[KITH_NONCE_BYTES])
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, "kith leaf v1");
  kith_hasher_part(&hasher, round, KITH_ROUND_ID_BYTES);
  kith_hasher_part(&hasher, agency, strlen(agency));
  kith_hasher_part(&hasher, handle, KITH_HANDLE_BYTES);
  kith_hasher_u64(&hasher, number);
  kith_hasher_part(&hasher, nonce, KITH_NONCE_BYTES);
  kith_hasher_final(&hasher, out);
}

void kith_cohort_leaf(struct kith_hash *out, const struct kith_cohort *cohort,
                      const struct kith_cohort_person *person,
                      const struct kith_cohort_record *record)
{
  leaf_hash(out, cohort->round, cohort->agencies[record->agency].agency, record->handle,
            person->number, record->nonce);
}

enum kith_err kith_leaf_prove(struct kith_leaf_proof *out, const struct kith_cohort *cohort,
                              const struct kith_cohort_person *person,
                              const struct kith_cohort_record *record)
{
  KITH_AUTO_FREE struct kith_hash *leaves = KITH_NEW_ARRAY(struct kith_hash, cohort->n_records);
  struct kith_leaf_proof proof = {.number = person->number};
  size_t n = 0;
  enum kith_err err;

  if (!leaves)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < cohort->n_people; i++)
    for (uint32_t r = 0; r < cohort->people[i].n_records; r++)
      kith_cohort_leaf(&leaves[n++], cohort, &cohort->people[i],
                       &cohort->records[cohort->people[i].first + r]);
  memcpy(proof.handle, record->handle, sizeof proof.handle);
  memcpy(proof.nonce, record->nonce, sizeof proof.nonce);
  err = kith_merkle_prove(&proof.path, leaves, n, (size_t)(record - cohort->records));
  if (err == KITH_OK)
    *out = proof;
  return err;
}

enum kith_err kith_leaf_check(const struct kith_leaf_proof *proof, const kith_round_id round,
                              const char *agency, const struct kith_hash *leaf_root)
{
  struct kith_hash leaf;
  struct kith_hash root;

  leaf_hash(&leaf, round, agency, proof->handle, proof->number, proof->nonce);
  kith_merkle_follow(&root, &proof->path, &leaf);
  return kith_hash_equal(&root, leaf_root) ? KITH_OK : KITH_ERR_NO;
}

void kith_cohort_root(struct kith_hash *out, const struct kith_cohort *cohort)
{
  struct kith_merkle tree;

  kith_merkle_init(&tree);
  for (size_t i = 0; i < cohort->n_people; i++) {
    const struct kith_cohort_person *person = &cohort->people[i];
    for (uint32_t r = 0; r < person->n_records; r++) {
      struct kith_hash leaf;
      kith_cohort_leaf(&leaf, cohort, person, &cohort->records[person->first + r]);
      kith_merkle_add(&tree, &leaf);
    }
  }
  kith_merkle_final(&tree, out);
}

enum kith_err kith_cohort_check(const struct kith_cohort *cohort, const kith_round_id round,
                                const struct kith_release *release, struct kith_fault *fault)
{
  struct kith_hash root;
  const char *differs = NULL;

  if (memcmp(cohort->round, round, KITH_ROUND_ID_BYTES) != 0)
    differs = "the round";
  else if (!kith_hash_equal(&cohort->charter, &release->charter))
    differs = "the charter";
  else if (!kith_hash_equal(&cohort->policy, &release->policy))
    differs = "the policy";
  else if (!kith_hash_equal(&cohort->roster, &release->roster))
    differs = "the roster";
  else if (strcmp(cohort->threshold, release->threshold) != 0)
    differs = "the threshold";
  else if (cohort->n_agencies != release->n_manifests)
    differs = "the number of agencies";
  for (unsigned i = 0; !differs && i < cohort->n_agencies; i++)
    if (strcmp(cohort->agencies[i].agency, release->manifests[i].agency) != 0 ||
        !kith_hash_equal(&cohort->agencies[i].manifest, &release->manifests[i].manifest))
      differs = "an agency's manifest";
  kith_cohort_root(&root, cohort);
  if (!differs && !kith_hash_equal(&root, &release->leaf_root))
    differs = "the root over its records";
  if (differs)
    return kith_fail(
        fault, KITH_ERR_NO,
        "the cohort list is not the released one: %s differs from the release statement", differs);
  return KITH_OK;
}

/* ---- sealing -----------------------------------------------------------------------------------
 */

/* The context's length; 0 where the recipient's id is none. */
static size_t seal_context(uint8_t context[CONTEXT_BYTES_MAX], const kith_round_id round,
                           const char *recipient)
{
  size_t id_len = strlen(recipient);

  if (!kith_member_id_valid(recipient))
    return 0;
  memcpy(context, seal_label, sizeof seal_label); /* with its 0x00 */
  memcpy(context + sizeof seal_label, round, KITH_ROUND_ID_BYTES);
  memcpy(context + sizeof seal_label + KITH_ROUND_ID_BYTES, recipient, id_len);
  return sizeof seal_label + KITH_ROUND_ID_BYTES + id_len;
}

enum kith_err kith_cohort_seal(uint8_t **out, size_t *out_len,
                               const uint8_t recipient_key[KITH_SEAL_KEY_BYTES],
                               const kith_round_id round, const char *recipient, const void *list,
                               size_t len)
{
  uint8_t context[CONTEXT_BYTES_MAX];
  size_t context_len = seal_context(context, round, recipient);
  uint8_t *sealed;
  enum kith_err err;

  if (context_len == 0)
    return KITH_ERR_DATA;
  if (len > KITH_LIST_BYTES_MAX)
    return KITH_ERR_LIMIT;
  sealed = kith_calloc(len + KITH_SEAL_OVERHEAD, 1);
  if (!sealed)
    return KITH_ERR_MEMORY;
  err = kith_seal(sealed, recipient_key, context, context_len, list, len);
  if (err != KITH_OK) {
    kith_free(sealed);
    return err;
  }
  *out = sealed;
  *out_len = len + KITH_SEAL_OVERHEAD;
  return KITH_OK;
}

enum kith_err kith_cohort_unseal(uint8_t **out, size_t *out_len, const struct kith_secret *seal_key,
                                 const kith_round_id round, const char *recipient,
                                 const void *sealed, size_t len)
{
  uint8_t context[CONTEXT_BYTES_MAX];
  size_t context_len = seal_context(context, round, recipient);
  uint8_t *list;
  enum kith_err err;

  if (context_len == 0 || len < KITH_SEAL_OVERHEAD)
    return KITH_ERR_NO;
  list = kith_calloc(len - KITH_SEAL_OVERHEAD, 1);
  if (!list)
    return KITH_ERR_MEMORY;
  err = kith_seal_open(list, seal_key, context, context_len, sealed, len);
  if (err != KITH_OK) {
    kith_free(list);
    return err;
  }
  *out = list;
  *out_len = len - KITH_SEAL_OVERHEAD;
  return KITH_OK;
}

void kith_sealed_list_hash(struct kith_hash *out, const void *sealed, size_t len)
{
  kith_hash_bytes(out, "kith sealed list v1", sealed, len);
}
