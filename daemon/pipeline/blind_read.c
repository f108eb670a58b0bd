/* A table of people to what blind comparison needs of each. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/encode/signature.h"
#include "crypto/kdf.h"
#include "daemon/pipeline/blind.h"
#include "daemon/pipeline/blind_parts.h"
#include "daemon/pipeline/block.h"
#include "proto/policy_blind.h"

enum { FIRST = 1024, LOOK = 256, HANDLE_KEY_BYTES = 16, HANDLE_TRIES = 16 };

struct reading {
  struct kith_blind_agency *agency;
  struct kith_encoded *out;
  struct kith_work_terms terms;
  enum kith_field fields[KITH_BLIND_FIELDS_MAX];
  size_t cap; /* of the rows of *out */
  struct kith_source *source;
};

/* ---- one record */

static unsigned texts_of(const char *texts[2 * KITH_VALUES_MAX], const struct kith_record *record,
                         enum kith_field field)
{
  static const enum kith_field both[] = {KITH_FIELD_GIVEN_NAME, KITH_FIELD_SURNAME};
  unsigned n = 0;

  if (field == KITH_FIELD_NAME_FORMS) {
    for (unsigned i = 0; i < record->name_forms.n; i++)
      texts[n++] = record->name_forms.text[i];
    return n;
  }
  for (unsigned k = 0; k < (field == KITH_FIELD_NAMES ? 2u : 1u); k++) {
    const struct kith_values *values = &record->values[field == KITH_FIELD_NAMES ? both[k] : field];

    for (unsigned i = 0; i < values->n; i++)
      texts[n++] = values->text[i];
  }
  return n;
}

static int compare_numbers(const void *left, const void *right)
{
  const uint32_t *a = left;
  const uint32_t *b = right;

  return (*a > *b) - (*a < *b);
}

static enum kith_err pool_add(struct kith_blind_agency *agency, const uint32_t *grams, unsigned n)
{
  if (n == 0)
    return KITH_OK;
  if (agency->pool_len + n > agency->pool_cap) {
    size_t cap = 2 * agency->pool_cap + FIRST;
    enum kith_err err =
        kith_wiping_grow(&agency->pool, agency->pool_len, cap, sizeof *agency->pool);

    if (err != KITH_OK)
      return err;
    agency->pool_cap = cap;
  }
  memcpy(agency->pool + agency->pool_len, grams, n * sizeof *grams);
  agency->pool_len += n;
  return KITH_OK;
}

static enum kith_err field_add(struct reading *reading, struct kith_blind_record *to, unsigned f,
                               const struct kith_record *record)
{
  struct kith_blind_agency *agency = reading->agency;
  const char *texts[2 * KITH_VALUES_MAX];
  unsigned n_texts = texts_of(texts, record, reading->fields[f]);
  char room[KITH_VALUE_BYTES + 2 * KITH_Q_PADDING];
  uint32_t numbers[KITH_GRAMS_MAX] = {0};
  unsigned n = 0;
  unsigned n_all = 0;
  enum kith_err err = KITH_OK;

  for (unsigned i = 0; i < n_texts && err == KITH_OK; i++) {
    struct kith_gram grams[KITH_GRAMS_MAX];
    unsigned n_grams = kith_grams_add(grams, 0, room, texts[i], agency->policy->blind.fields[f].q);

    for (unsigned k = 0; k < n_grams && n_all < KITH_GRAMS_MAX && err == KITH_OK; k++)
      err =
          kith_blind_grams_add(&numbers[n_all++], &agency->grams, f, grams[k].bytes, grams[k].len);
  }
  if (err != KITH_OK)
    return err;
  qsort(numbers, n_all, sizeof *numbers, compare_numbers);
  for (unsigned i = 0; i < n_all; i++)
    if (n == 0 || numbers[i] != numbers[n - 1])
      numbers[n++] = numbers[i];
  to->first[f] = (uint32_t)agency->pool_len;
  to->n[f] = (uint16_t)n;
  to->missing |= (uint16_t)((n == 0) << f);
  kith_wipe(room, sizeof room);
  return pool_add(agency, numbers, n);
}

static void digests_of(struct kith_blind_agency *agency, struct kith_match_digest *out,
                       const struct kith_record *record)
{
  struct kith_blind_parts parts;

  kith_blind_parts_of(&parts, record);
  for (unsigned k = 0; k < agency->layout.n_keys; k++) {
    const struct kith_blind_key_terms *key = &agency->policy->blind.keys[k];
    const char *texts[KITH_BLIND_PARTS_MAX];

    for (unsigned i = 0; i < key->n; i++)
      texts[i] = parts.text[key->parts[i]];
    (void)kith_match_digest(&out[k], texts, key->n); /* zero bytes where it has no value */
  }
  kith_wipe(&parts, sizeof parts);
}

static enum kith_err records_grow(struct kith_blind_agency *agency)
{
  size_t cap = agency->cap ? agency->cap * 2 : FIRST;
  enum kith_err err;

  if (agency->n < agency->cap)
    return KITH_OK;
  err = kith_wiping_grow(&agency->records, agency->n, cap, sizeof *agency->records);
  if (err == KITH_OK)
    err = kith_wiping_grow(&agency->digests, agency->n * agency->layout.n_keys,
                           cap * agency->layout.n_keys, sizeof *agency->digests);
  if (err == KITH_OK)
    agency->cap = cap;
  return err;
}

static enum kith_err record_add(struct reading *reading, const struct kith_record *record,
                                uint32_t row)
{
  struct kith_blind_agency *agency = reading->agency;
  enum kith_err err = records_grow(agency);
  struct kith_blind_record *to;

  if (err != KITH_OK)
    return err;
  to = &agency->records[agency->n];
  *to = (struct kith_blind_record){.row = row, .person = (uint32_t)agency->n};
  for (unsigned f = 0; f < agency->layout.n_fields && err == KITH_OK; f++)
    err = field_add(reading, to, f, record);
  if (err == KITH_OK) {
    digests_of(agency, agency->digests + agency->n * agency->layout.n_keys, record);
    agency->n++;
  }
  return err;
}

/* ---- rows */

static enum kith_err rows_grow(struct reading *reading)
{
  struct kith_encoded *out = reading->out;
  size_t n = out->encodings.n;
  size_t cap = reading->cap ? reading->cap * 2 : FIRST;
  enum kith_err err;

  if (n < reading->cap)
    return KITH_OK;
  err = kith_wiping_grow(&out->source_rows, n, cap, sizeof *out->source_rows);
  if (err == KITH_OK)
    err = kith_wiping_grow(&out->in_scope, n, cap, sizeof *out->in_scope);
  if (err == KITH_OK)
    reading->cap = cap;
  return err;
}

static enum kith_err judge_row(struct reading *reading, const struct kith_source_row *row)
{
  const struct kith_pipeline_options *options = reading->terms.options;
  struct kith_encoded *out = reading->out;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  const char *fields[KITH_FIELD_COUNT];
  enum kith_scope_reason reason;
  struct kith_record record;
  enum kith_err err = KITH_OK;
  bool conflict;

  for (unsigned f = 0; f < KITH_FIELD_COUNT; f++)
    fields[f] = row->fields[f] ? row->fields[f] : "";
  kith_standardise(&record, outcomes, fields, &reading->terms.standardise);
  conflict = kith_scope_births_differ(record.birth, row->other_birth, &reading->terms.standardise);
  kith_scope_drop_date(&record, reading->agency->policy);
  reason = kith_scope_judge(&reading->terms.rules, &record, conflict);
  out->scope.n[reason]++;
  out->in_scope[out->encodings.n] = reason == KITH_SCOPE_IN;
  if (reason == KITH_SCOPE_IN)
    err = record_add(reading, &record, (uint32_t)out->encodings.n);
  if (options->look)
    options->look(options->look_context, 0, &record, outcomes, reason == KITH_SCOPE_IN);
  kith_wipe(&record, sizeof record);
  return err;
}

static enum kith_err row_add(struct reading *reading, const struct kith_source_row *row)
{
  struct kith_objections *list = reading->terms.options->objections;
  struct kith_encoded *out = reading->out;
  enum kith_err err = rows_grow(reading);

  if (err != KITH_OK)
    return err;
  out->source_rows[out->encodings.n] = row->row;
  if (row->rule != KITH_ROW_FINE)
    out->n_set_aside++;
  else if (list && kith_objections_hit(list, row->id))
    out->scope.n[KITH_SCOPE_OBJECTED]++;
  else
    err = judge_row(reading, row);
  out->encodings.n++;
  return err;
}

static enum kith_err read_rows(struct reading *reading, struct kith_fault *fault)
{
  const struct kith_pipeline_options *options = reading->terms.options;
  struct kith_source_row row;
  enum kith_err err;

  while ((err = kith_source_next(reading->source, &row, fault)) == KITH_OK) {
    if ((err = row_add(reading, &row)) != KITH_OK)
      return kith_fail(fault, err, "row %llu: %s", (unsigned long long)row.row, kith_err_name(err));
    if (reading->out->encodings.n % LOOK)
      continue;
    if (options->cancel && atomic_load(options->cancel))
      return kith_fail(fault, KITH_ERR_CANCELLED, "stopped after row %llu",
                       (unsigned long long)row.row);
    if (options->progress)
      options->progress(options->progress_context, kith_source_share(reading->source));
  }
  if (err == KITH_ERR_NOT_FOUND && options->progress)
    options->progress(options->progress_context, 1);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* ---- handles */

static int compare_handles(const void *left, const void *right)
{
  const uint64_t *a = left;
  const uint64_t *b = right;

  return (*a > *b) - (*a < *b);
}

static bool all_differ(const struct kith_blind_agency *agency, uint64_t *room)
{
  for (size_t i = 0; i < agency->n; i++)
    room[i] = agency->records[i].handle;
  qsort(room, agency->n, sizeof *room, compare_handles);
  for (size_t i = 1; i < agency->n; i++)
    if (room[i] == room[i - 1])
      return false;
  return true;
}

/* From the record's id; all are drawn again in the rare case that two are equal. */
static void draw_handles(struct kith_blind_agency *agency, const struct kith_ids *ids,
                         const uint8_t *key, uint8_t attempt)
{
  for (size_t i = 0; i < agency->n; i++) {
    const char *id = kith_ids_at(ids, agency->records[i].row);
    uint8_t message[1 + KITH_ID_BYTES_MAX];
    uint8_t hash[crypto_shorthash_BYTES];
    size_t len = strlen(id);

    message[0] = attempt;
    memcpy(message + 1, id, len);
    (void)crypto_shorthash(hash, message, 1 + len, key);
    agency->records[i].handle = kith_get_le(hash, KITH_BLIND_HANDLE_BITS / 8);
  }
}

static enum kith_err make_handles(struct kith_blind_agency *agency, const struct kith_ids *ids,
                                  const struct kith_secret *secret)
{
  KITH_AUTO_FREE uint64_t *room = KITH_NEW_ARRAY(uint64_t, agency->n);
  struct kith_secret *key = NULL;
  enum kith_err err =
      room ? kith_hkdf(&key, HANDLE_KEY_BYTES, NULL, 0, secret, "kith blind handle v1")
           : KITH_ERR_MEMORY;
  bool differ = false;

  for (uint8_t attempt = 0; err == KITH_OK && !differ && attempt < HANDLE_TRIES; attempt++) {
    draw_handles(agency, ids, kith_secret_peek(key), attempt);
    differ = all_differ(agency, room);
  }
  kith_secret_free(key);
  return err == KITH_OK && !differ ? KITH_ERR_INTERNAL : err;
}

/* A row's encoding is its handle. */
static enum kith_err give_rows(struct reading *reading)
{
  static const unsigned bits = 64;
  struct kith_encoded *out = reading->out;
  struct kith_blind_agency *agency = reading->agency;
  struct kith_encodings encodings;
  enum kith_err err = kith_encodings_alloc(&encodings, out->encodings.n, bits, false);

  if (err != KITH_OK)
    return err;
  for (size_t i = 0; i < agency->n; i++)
    kith_put_le(kith_encodings_row(&encodings, agency->records[i].row), sizeof(uint64_t),
                agency->records[i].handle | UINT64_C(1) << KITH_BLIND_HANDLE_BITS);
  out->encodings = encodings;
  out->n_in_scope = out->scope.n[KITH_SCOPE_IN];
  out->n_out_of_scope = kith_scope_counts_out(&out->scope);
  return KITH_OK;
}

/* ---- all of it */

static enum kith_err fields_of(struct reading *reading, struct kith_fault *fault)
{
  const struct kith_policy *policy = reading->agency->policy;

  if (strcmp(policy->standardiser, KITH_STANDARDISER) != 0)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "the policy asks for the standardiser \"%s\"; this program has \"%s\"",
                     policy->standardiser, KITH_STANDARDISER);
  for (unsigned f = 0; f < policy->blind.n_fields; f++) {
    reading->fields[f] = kith_field_of_policy(policy->blind.fields[f].field);
    if (reading->fields[f] == KITH_FIELD_UNKNOWN)
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "the policy has a field \"%s\", which is no standard field",
                       policy->blind.fields[f].field);
  }
  return KITH_OK;
}

enum kith_err kith_blind_read(struct kith_blind_agency *agency, struct kith_encoded *out,
                              const struct kith_policy *policy, const struct kith_secret *secret,
                              const struct kith_source_spec *spec,
                              const struct kith_pipeline_options *options, struct kith_fault *fault)
{
  struct kith_blind_agency made = {.policy = policy};
  struct kith_encoded encoded = {0};
  struct reading reading = {.agency = &made, .out = &encoded};
  enum kith_err err = kith_work_terms_make(&reading.terms, policy, options, fault);

  kith_policy_blind_layout(&made.layout, policy);
  if (err == KITH_OK)
    err = fields_of(&reading, fault);
  if (err == KITH_OK && spec->profile)
    reading.terms.standardise.date_order = kith_profile_date_order(spec->profile);
  if (err == KITH_OK)
    err = kith_source_open(&reading.source, spec, fault);
  if (err == KITH_OK)
    err = read_rows(&reading, fault);
  if (err == KITH_OK) {
    kith_source_take_ids(reading.source, &encoded.ids);
    if ((err = make_handles(&made, &encoded.ids, secret)) != KITH_OK ||
        (err = give_rows(&reading)) != KITH_OK)
      err = kith_fail(fault, err, "no memory for the records of the source");
  }
  kith_source_free(reading.source);
  if (err != KITH_OK) {
    encoded.encodings.n = encoded.encodings.filters ? encoded.encodings.n : 0;
    kith_encoded_free(&encoded);
    kith_blind_agency_free(&made);
    return err;
  }
  *agency = made;
  *out = encoded;
  return KITH_OK;
}

enum kith_err kith_blind_records_add(struct kith_blind_agency *agency,
                                     const struct kith_record *record)
{
  struct reading reading = {.agency = agency};
  enum kith_err err;

  kith_policy_blind_layout(&agency->layout, agency->policy);
  err = fields_of(&reading, NULL);
  return err == KITH_OK ? record_add(&reading, record, (uint32_t)agency->n) : err;
}

void kith_blind_agency_free(struct kith_blind_agency *agency)
{
  kith_free_wiped(agency->records, agency->cap * sizeof *agency->records);
  kith_free_wiped(agency->digests, agency->cap * agency->layout.n_keys * sizeof *agency->digests);
  kith_free_wiped(agency->pool, agency->pool_cap * sizeof *agency->pool);
  kith_blind_grams_free(agency->grams);
  kith_free(agency->people);
  *agency = (struct kith_blind_agency){0};
}
