#include "daemon/service/agency.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/seal.h"
#include "daemon/service/context.h"
#include "daemon/service/encode_job.h"
#include "daemon/service/handle_table.h"
#include "daemon/service/pairing.h"
#include "daemon/service/people.h"
#include "daemon/service/subjects.h"
#include "proto/batch.h"
#include "proto/submission.h"

enum { ROUND_KEY_BYTES = KITH_ROUND_ID_BYTES + 32 };

struct round_key {
  uint8_t bytes[ROUND_KEY_BYTES];
  size_t len;
};

static struct kith_bytes round_key(struct round_key *key, const kith_round_id round,
                                   const void *rest, size_t len)
{
  memcpy(key->bytes, round, KITH_ROUND_ID_BYTES);
  memcpy(key->bytes + KITH_ROUND_ID_BYTES, rest, len);
  key->len = KITH_ROUND_ID_BYTES + len;
  return (struct kith_bytes){key->bytes, key->len};
}

static struct kith_bytes batch_key(struct round_key *key, const kith_round_id round,
                                   uint32_t number)
{
  uint8_t big_endian[4];

  kith_put_be(big_endian, sizeof big_endian, number);
  return round_key(key, round, big_endian, sizeof big_endian);
}

/* ---- filling: rows in random order, each under its handle
 * --------------------------------------- */

/* Records in the order of their handles' index: as random as any other order to who has not the
 * table key, and the tables grow at their end, where random places would touch all of their pages
 * in every transaction. */
struct place {
  struct kith_hash index;
  uint32_t record;
  uint8_t handle[KITH_HANDLE_BYTES];
  uint32_t row; /* under blind: of the source */
};

struct filler {
  struct kith_agency *agency;
  struct kith_agency_round *round;
  const struct kith_encoded *encoded;
  struct kith_secret *outbox_key;
  struct kith_secret *table_key;
  struct kith_handles *handles;
  struct place *places;
  size_t n_places;
  uint8_t *rows; /* of one batch */
  uint8_t *sealed;
  size_t row_bytes;
};

static int compare_places(const void *a, const void *b)
{
  return memcmp(((const struct place *)a)->index.bytes, ((const struct place *)b)->index.bytes,
                KITH_HASH_BYTES);
}

static enum kith_err place_records(struct filler *filler, uint32_t *n)
{
  const struct kith_encoded *encoded = filler->encoded;
  enum kith_err err = KITH_OK;

  *n = 0;
  filler->places = KITH_NEW_ARRAY(struct place, encoded->encodings.n);
  if (!filler->places)
    return KITH_ERR_MEMORY;
  filler->n_places = encoded->encodings.n;
  for (size_t i = 0; err == KITH_OK && i < encoded->encodings.n; i++) {
    const char *id = kith_ids_at(&encoded->ids, i);
    struct place *place = &filler->places[*n];

    if (!encoded->in_scope[i])
      continue;
    place->record = (uint32_t)i;
    err = kith_handle_of(place->handle, filler->round->node->id, filler->table_key, id, strlen(id));
    kith_handle_index(&place->index, filler->round->node->id, place->handle);
    (*n)++;
  }
  qsort(filler->places, *n, sizeof *filler->places, compare_places);
  return err;
}

/* In a trial round the handle itself is kept with the record's id. */
static enum kith_err keep_trial_entry(struct filler *filler, struct kith_txn *txn,
                                      const struct place *place, const char *id)
{
  struct round_key key;
  struct kith_bytes at =
      round_key(&key, filler->round->node->id, place->index.bytes, sizeof place->index.bytes);
  size_t len = KITH_HANDLE_BYTES + strlen(id);
  KITH_AUTO_FREE uint8_t *plain = kith_calloc(len, 1);
  KITH_AUTO_FREE uint8_t *sealed = kith_calloc(len + KITH_BOX_OVERHEAD, 1);
  enum kith_err err;

  if (!plain || !sealed)
    return KITH_ERR_MEMORY;
  memcpy(plain, place->handle, KITH_HANDLE_BYTES);
  memcpy(plain + KITH_HANDLE_BYTES, id, len - KITH_HANDLE_BYTES);
  err = kith_box(sealed, filler->table_key, at.bytes, at.len, plain, len);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_TRIAL, at,
                         (struct kith_bytes){sealed, len + KITH_BOX_OVERHEAD});
  return err;
}

static enum kith_err keep_handle(struct filler *filler, struct kith_txn *txn,
                                 const struct place *place, const char *id)
{
  enum kith_err err =
      kith_handle_table_put(txn, KITH_TABLE_HANDLES, filler->handles, filler->round->node->id,
                            &place->index, place->handle, id, strlen(id));

  return err == KITH_OK && filler->round->policy.trial ? keep_trial_entry(filler, txn, place, id)
                                                       : err;
}

static enum kith_err put_batch(struct filler *filler, struct kith_txn *txn, uint32_t number,
                               const uint8_t *bytes, size_t len)
{
  struct round_key key;
  struct kith_bytes at = batch_key(&key, filler->round->node->id, number);
  enum kith_err err = kith_box(filler->sealed, filler->outbox_key, at.bytes, at.len, bytes, len);

  return err == KITH_OK
             ? kith_store_put(txn, KITH_TABLE_OUTBOX, at,
                              (struct kith_bytes){filler->sealed, len + KITH_BOX_OVERHEAD})
             : err;
}

static enum kith_err fill_batch(struct filler *filler, struct kith_txn *txn, uint32_t number,
                                uint32_t first, uint32_t n)
{
  const struct kith_encodings *enc = &filler->encoded->encodings;
  enum kith_err err = KITH_OK;

  for (uint32_t i = 0; err == KITH_OK && i < n; i++) {
    const struct place *place = &filler->places[first + i];
    uint32_t record = place->record;

    kith_batch_row_write(filler->rows + i * filler->row_bytes, place->handle,
                         enc->masks ? enc->masks[record] : 0, kith_encodings_row(enc, record),
                         enc->stride);
    err = keep_handle(filler, txn, place, kith_ids_at(&filler->encoded->ids, record));
  }
  return err == KITH_OK ? put_batch(filler, txn, number, filler->rows, n * filler->row_bytes) : err;
}

static enum kith_err fill_end(struct filler *filler, struct kith_txn *txn, enum kith_err err)
{
  if (err == KITH_OK)
    err = kith_txn_commit(txn);
  else
    kith_txn_abort(txn);
  kith_store_relax(filler->agency->node->store);
  kith_agency_alive(filler->agency);
  return err;
}

static enum kith_err fill_batches(struct filler *filler, uint32_t n_records)
{
  uint32_t full = kith_batch_rows_max(filler->row_bytes);
  enum kith_err err = KITH_OK;

  for (uint32_t first = 0, number = 0; err == KITH_OK && first < n_records;
       first += full, number++) {
    uint32_t n = n_records - first < full ? n_records - first : full;
    struct kith_txn *txn = NULL;

    if ((err = kith_node_begin(&txn, filler->agency->node)) != KITH_OK)
      break;
    err = fill_end(filler, txn, fill_batch(filler, txn, number, first, n));
  }
  return err;
}

/* ---- filling under blind comparison: handles, rows for each peer, histograms */

static int compare_by_handle(const void *a, const void *b)
{
  return memcmp(((const struct place *)a)->handle, ((const struct place *)b)->handle,
                KITH_HANDLE_BYTES);
}

/* Of every record, whoever stands for its person. places: as people->people has them. */
static enum kith_err keep_people(const struct filler *filler,
                                 const struct kith_blind_agency *people)
{
  KITH_AUTO_FREE uint32_t *place_of = KITH_NEW_ARRAY(uint32_t, people->n);
  struct kith_person_record *records = KITH_NEW_ARRAY(struct kith_person_record, people->n);
  enum kith_err err = place_of && records ? KITH_OK : KITH_ERR_MEMORY;

  for (uint32_t i = 0; err == KITH_OK && i < people->n_people; i++)
    place_of[people->people[i]] = i;
  for (size_t i = 0; err == KITH_OK && i < people->n; i++) {
    const struct kith_blind_record *record = &people->records[i];

    records[i].id = kith_ids_at(&filler->encoded->ids, record->row);
    memcpy(records[i].handle, filler->places[place_of[record->person]].handle, KITH_HANDLE_BYTES);
  }
  if (err == KITH_OK)
    err = kith_people_keep(filler->agency, filler->round->node->id, filler->table_key, records,
                           people->n);
  kith_free_wiped(records, people->n * sizeof *records);
  return err;
}

/* A handle is the one in the rows' openings, and random bytes. */
static enum kith_err place_people(struct filler *filler, const struct kith_blind_agency *people)
{
  enum kith_err err;

  filler->places = KITH_NEW_ARRAY(struct place, people->n_people);
  if (!filler->places)
    return KITH_ERR_MEMORY;
  filler->n_places = people->n_people;
  for (size_t i = 0; i < people->n_people; i++) {
    const struct kith_blind_record *record = &people->records[people->people[i]];
    struct place *place = &filler->places[i];

    kith_random_bytes(place->handle, KITH_HANDLE_BYTES);
    kith_put_le(place->handle, KITH_BLIND_HANDLE_BITS / 8, record->handle);
    kith_handle_index(&place->index, filler->round->node->id, place->handle);
    place->row = record->row;
  }
  err = keep_people(filler, people);
  qsort(filler->places, filler->n_places, sizeof *filler->places, compare_by_handle);
  return err;
}

static enum kith_err fill_handles(struct filler *filler, const struct kith_batch_plan *plan)
{
  enum kith_err err = KITH_OK;

  for (uint32_t number = 0; err == KITH_OK && number < plan->n_handle_batches; number++) {
    struct kith_batch_place at;
    struct kith_txn *txn = NULL;

    kith_batch_plan_at(&at, plan, number);
    if ((err = kith_node_begin(&txn, filler->agency->node)) != KITH_OK)
      break;
    for (uint32_t i = 0; err == KITH_OK && i < at.n; i++) {
      const struct place *place = &filler->places[at.first + i];

      memcpy(filler->rows + (size_t)i * KITH_HANDLE_BYTES, place->handle, KITH_HANDLE_BYTES);
      err = keep_handle(filler, txn, place, kith_ids_at(&filler->encoded->ids, place->row));
    }
    if (err == KITH_OK)
      err = put_batch(filler, txn, number, filler->rows, at.n * (size_t)KITH_HANDLE_BYTES);
    err = fill_end(filler, txn, err);
  }
  return err;
}

static enum kith_err fill_peer(struct filler *filler, const struct kith_batch_plan *plan,
                               const struct kith_blind_job *job, unsigned peer, const char *id,
                               const struct kith_secret *key)
{
  uint32_t number = plan->n_handle_batches + peer * plan->n_peer_batches;
  uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_blind_submit(&bytes, &len, &job->agency, key, job->own,
                                        strcmp(filler->agency->node->id, id) > 0);
  const uint8_t *rows = err == KITH_OK ? bytes + len - plan->n_peer_rows * plan->row_bytes : NULL;

  for (uint32_t i = 0; err == KITH_OK && i < plan->n_peer_batches; i++, number++) {
    struct kith_batch_place at;
    struct kith_txn *txn = NULL;

    kith_batch_plan_at(&at, plan, number);
    if ((err = kith_node_begin(&txn, filler->agency->node)) == KITH_OK)
      err = fill_end(
          filler, txn,
          put_batch(filler, txn, number, rows + at.first * at.row_bytes, at.n * at.row_bytes));
  }
  kith_free(bytes);
  return err;
}

static enum kith_err fill_near(struct filler *filler, const struct kith_batch_plan *plan,
                               const struct kith_blind_job *job)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_blind_histograms_write(&bytes, &len, job->near, KITH_BATCH_BYTES_MAX);

  if (err == KITH_ERR_LIMIT)
    kith_agency_problem(filler->round, "more kinds of people who are alike than a round can take; "
                                       "narrow the scope");
  if (err == KITH_OK)
    err = kith_node_begin(&txn, filler->agency->node);
  return err == KITH_OK
             ? fill_end(filler, txn,
                        put_batch(filler, txn, (uint32_t)plan->n_batches - 1, bytes, len))
             : err;
}

static enum kith_err fill_blind(struct filler *filler, const struct kith_blind_job *job,
                                uint32_t *n)
{
  const struct kith_seat *peers[KITH_AGENCIES_MAX];
  struct kith_secret *keys[KITH_AGENCIES_MAX] = {0};
  unsigned n_peers = 0;
  struct kith_batch_plan plan;
  enum kith_err err = kith_pairing_keys(filler->agency, filler->round, peers, keys, &n_peers);

  *n = (uint32_t)job->agency.n_people;
  kith_batch_plan_make(&plan, &filler->round->policy, *n, n_peers + 1);
  if (err == KITH_OK && plan.n_batches > KITH_BATCHES_MAX) {
    kith_agency_problem(filler->round, "more records than a round can take; narrow the scope");
    err = KITH_ERR_LIMIT;
  }
  if (err == KITH_OK)
    err = place_people(filler, &job->agency);
  if (err == KITH_OK)
    err = fill_handles(filler, &plan);
  for (unsigned i = 0; err == KITH_OK && i < n_peers; i++)
    err = fill_peer(filler, &plan, job, i, peers[i]->member, keys[i]);
  if (err == KITH_OK)
    err = fill_near(filler, &plan, job);
  kith_pairing_keys_free(keys, n_peers);
  if (err == KITH_OK)
    filler->round->n_duplicates = job->agency.n - job->agency.n_people;
  return err;
}

static enum kith_err filler_init(struct filler *filler, struct kith_agency *agency,
                                 struct kith_agency_round *round,
                                 const struct kith_encoded *encoded)
{
  struct kith_roundkeys *keys = agency->node->keys;
  enum kith_err err;

  *filler = (struct filler){.agency = agency, .round = round, .encoded = encoded};
  filler->row_bytes = kith_batch_row_bytes(kith_policy_row_bytes(&round->policy));
  filler->rows = kith_calloc(KITH_BATCH_BYTES_MAX, 1);
  filler->sealed = kith_calloc(KITH_BATCH_BYTES_MAX + KITH_BOX_OVERHEAD, 1);
  if (!filler->rows || !filler->sealed)
    return KITH_ERR_MEMORY;
  if ((err = kith_roundkey_ensure(keys, &filler->outbox_key, round->node->id, "outbox", NULL)) !=
          KITH_OK ||
      (err = kith_roundkey_ensure(keys, &filler->table_key, round->node->id, "table", NULL)) !=
          KITH_OK)
    return err;
  return kith_handles_new(&filler->handles, round->node->id, filler->table_key);
}

static void filler_free(struct filler *filler)
{
  kith_free_wiped(filler->places, filler->n_places * sizeof *filler->places);
  kith_handles_free(filler->handles);
  kith_secret_free(filler->outbox_key);
  kith_secret_free(filler->table_key);
  if (filler->rows)
    kith_wipe(filler->rows, KITH_BATCH_BYTES_MAX);
  kith_free(filler->rows);
  kith_free(filler->sealed);
}

/* The gate: a source that the policy's minima keep out of the round. What is said anew is audited;
 * the number is that of rows which can be linked. */
static enum kith_err check_quality(struct kith_agency *agency, struct kith_agency_round *round,
                                   const struct kith_quality_summary *quality)
{
  char text[KITH_QUALITY_TEXT_BYTES];
  enum kith_err err = kith_quality_gate(quality, &round->policy.source, text);

  if (err == KITH_OK || strcmp(text, round->problem) == 0)
    return err;
  kith_agency_problem(round, "%s", text);
  err = kith_agency_round_save(agency, round, KITH_AUDIT_SOURCE_REFUSED, quality->linkable);
  return err == KITH_OK ? KITH_ERR_NO : err;
}

static enum kith_err fill(struct filler *filler, struct kith_encode_job *job, uint32_t *n)
{
  enum kith_err err;

  if (filler->round->policy.protection == KITH_PROTECTION_BLIND)
    return fill_blind(filler, kith_encode_job_blind(job), n);
  err = place_records(filler, n);
  return err == KITH_OK ? fill_batches(filler, *n) : err;
}

/* What is told unasked, of the same records. */
static enum kith_err fill_context(struct filler *filler, uint32_t n)
{
  bool blind = filler->round->policy.protection == KITH_PROTECTION_BLIND;
  struct kith_context_ref *refs = KITH_NEW_ARRAY(struct kith_context_ref, n);
  enum kith_err err;

  if (!refs)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; i < n; i++) {
    const struct place *place = &filler->places[i];

    refs[i].id = kith_ids_at(&filler->encoded->ids, blind ? place->row : place->record);
    memcpy(refs[i].handle, place->handle, KITH_HANDLE_BYTES);
  }
  err = kith_context_fill(filler->agency, filler->round, refs, n);
  kith_free_wiped(refs, n * sizeof *refs);
  return err;
}

enum kith_err kith_outbox_fill(struct kith_agency *agency, struct kith_agency_round *round,
                               struct kith_encode_job *job)
{
  const struct kith_encoded *encoded = NULL;
  struct kith_fault fault = {0};
  struct filler filler = {0};
  uint32_t n = 0;
  enum kith_err err = kith_encode_job_result(job, &encoded, &fault);

  if (err != KITH_OK) {
    kith_agency_problem(round, "%s", fault.text[0] ? fault.text : kith_err_name(err));
    return err;
  }
  if ((err = check_quality(agency, round, kith_encode_job_quality(job))) != KITH_OK)
    return err;
  /* What a killed process left behind is of handles that nobody else has. */
  if ((err = kith_outbox_delete(agency, round->node->id, true)) != KITH_OK ||
      (err = filler_init(&filler, agency, round, encoded)) != KITH_OK ||
      (err = fill(&filler, job, &n)) != KITH_OK || (err = fill_context(&filler, n)) != KITH_OK ||
      (err = kith_subjects_keep(agency, round, encoded, kith_encode_job_missed(job))) != KITH_OK)
    goto end;
  round->outbox_ready = true;
  round->n_records = n;
  err = kith_agency_round_save(agency, round, KITH_AUDIT_ENCODED, n);
  if (err != KITH_OK)
    round->outbox_ready = false;
end:
  filler_free(&filler);
  return err;
}

/* ---- reading
 * ------------------------------------------------------------------------------------------ */

enum kith_err kith_outbox_batch(struct kith_agency *agency, const struct kith_agency_round *round,
                                uint32_t number, uint8_t **rows, size_t *len)
{
  struct round_key key;
  struct kith_bytes place = batch_key(&key, round->node->id, number);
  KITH_AUTO_FREE uint8_t *sealed = NULL;
  struct kith_secret *secret = NULL;
  struct kith_txn *txn = NULL;
  uint8_t *opened = NULL;
  size_t sealed_len = 0;
  enum kith_err err =
      kith_roundkey_load(agency->node->keys, &secret, round->node->id, "outbox", NULL);

  if (err == KITH_OK)
    err = kith_txn_begin(&txn, agency->node->store, false);
  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_TABLE_OUTBOX, place, &sealed, &sealed_len);
  kith_txn_abort(txn);
  kith_store_relax(agency->node->store);
  if (err == KITH_OK && sealed_len < KITH_BOX_OVERHEAD)
    err = KITH_ERR_INTERNAL;
  if (err == KITH_OK) {
    opened = kith_calloc(sealed_len - KITH_BOX_OVERHEAD, 1);
    err = opened ? kith_box_open(opened, secret, place.bytes, place.len, sealed, sealed_len)
                 : KITH_ERR_MEMORY;
  }
  kith_secret_free(secret);
  if (err != KITH_OK) {
    kith_free(opened); /* nothing was opened into it */
    return err;
  }
  *rows = opened;
  *len = sealed_len - KITH_BOX_OVERHEAD;
  return KITH_OK;
}

enum kith_err kith_outbox_delete(struct kith_agency *agency, const kith_round_id id, bool tables)
{
  struct kith_bytes prefix = {id, KITH_ROUND_ID_BYTES};
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_store_delete_prefix(txn, KITH_TABLE_OUTBOX, prefix);
  if (err == KITH_OK && tables)
    err = kith_store_delete_prefix(txn, KITH_TABLE_HANDLES, prefix);
  if (err == KITH_OK && tables)
    err = kith_store_delete_prefix(txn, KITH_TABLE_TRIAL, prefix);
  if (err == KITH_OK && tables)
    err = kith_store_delete_prefix(txn, KITH_TABLE_PEOPLE, prefix);
  if (err == KITH_OK && tables)
    err = kith_store_delete_prefix(txn, KITH_TABLE_DISCLOSURES, prefix);
  if (err == KITH_OK && tables)
    err = kith_store_delete_prefix(txn, KITH_TABLE_NOTICES, prefix);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_outbox_record(struct kith_agency *agency, const kith_round_id round,
                                 const uint8_t handle[KITH_HANDLE_BYTES], struct kith_buf *id)
{
  struct kith_secret *table_key = NULL;
  enum kith_err err = kith_roundkey_load(agency->node->keys, &table_key, round, "table", NULL);

  if (err != KITH_OK)
    return err;
  err = kith_handle_table_get(agency, KITH_TABLE_HANDLES, round, table_key, handle, id);
  if (err == KITH_OK) {
    kith_buf_append(id, "", 1);
    id->len -= kith_buf_err(id) == KITH_OK;
    err = kith_buf_err(id);
  }
  kith_secret_free(table_key);
  return err == KITH_ERR_NOT_FOUND ? KITH_ERR_NO : err;
}
