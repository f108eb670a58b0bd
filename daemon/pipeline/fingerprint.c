/* The standardiser fingerprint: a differing library or table is found before a round. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/blind.h"
#include "daemon/pipeline/corpus.h"
#include "daemon/pipeline/encode.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/standardise.h"
#include "daemon/pipeline/words.h"

static void hash_text(struct kith_hasher *hasher, const char *text)
{
  kith_hasher_part(hasher, text, strlen(text));
}

static void hash_tables(struct kith_hasher *hasher)
{
  for (size_t i = 0; i < kith_n_letters; i++) {
    kith_hasher_u64(hasher, (uint64_t)kith_letters[i].letter);
    hash_text(hasher, kith_letters[i].latin);
  }
  for (size_t i = 0; i < KITH_WORD_LISTS; i++) {
    kith_hasher_u64(hasher, kith_word_lists[i].n);
    for (size_t j = 0; j < kith_word_lists[i].n; j++) {
      hash_text(hasher, kith_word_lists[i].words[j].word);
      hash_text(hasher, kith_word_lists[i].words[j].other);
    }
  }
}

static void hash_values(struct kith_hasher *hasher, const struct kith_values *values)
{
  kith_hasher_u64(hasher, values->n);
  for (unsigned i = 0; i < values->n; i++)
    hash_text(hasher, values->text[i]);
}

static void hash_date(struct kith_hasher *hasher, struct kith_date date)
{
  kith_hasher_u64(hasher, (uint64_t)date.year);
  kith_hasher_u64(hasher, (uint64_t)date.month);
  kith_hasher_u64(hasher, (uint64_t)date.day);
}

static void hash_record(struct kith_hasher *hasher, const struct kith_record *record,
                        const enum kith_outcome outcomes[KITH_FIELD_COUNT])
{
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    kith_hasher_u64(hasher, (uint64_t)outcomes[i]);
    hash_values(hasher, &record->values[i]);
  }
  hash_values(hasher, &record->name_forms);
  hash_date(hasher, record->birth);
  hash_date(hasher, record->record_date);
}

static const char key[] = "kith standardiser fingerprint, a key that is public";

/* Under blind comparison: values of match keys, and signatures. */
static enum kith_err hash_blind(struct kith_hasher *hasher, const struct kith_blind_agency *agency)
{
  static const uint8_t noise[KITH_BLIND_ROW_BYTES_MAX];
  KITH_AUTO_FREE uint32_t *seeds = KITH_NEW_ARRAY(uint32_t, kith_blind_grams_n(agency->grams) + 1);
  struct kith_secret *public_key = NULL;
  struct kith_blind_key keys = {0};
  enum kith_err err = seeds ? kith_secret_copy(&public_key, key, sizeof key - 1) : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = kith_blind_key_init(&keys, public_key);
  if (err == KITH_OK)
    kith_blind_grams_seed(seeds, agency->grams, &keys);
  for (uint32_t i = 0; err == KITH_OK && i < agency->n; i++) {
    uint8_t signatures[KITH_BLIND_ROW_BYTES_MAX];

    kith_blind_signatures(signatures, agency, i, seeds, noise);
    kith_hasher_part(hasher, signatures, agency->layout.block_bytes);
    kith_hasher_u64(hasher, agency->records[i].missing);
    for (unsigned k = 0; k < agency->layout.n_keys; k++)
      kith_hasher_part(hasher, &agency->digests[i * agency->layout.n_keys + k],
                       sizeof *agency->digests);
  }
  kith_blind_key_free(&keys);
  kith_secret_free(public_key);
  return err;
}

/* The standardiser's names and tables, and each record of the corpus as it is standardised and as
 * `add` takes it. */
typedef enum kith_err corpus_add(void *context, struct kith_hasher *hasher,
                                 const struct kith_record *record);
static enum kith_err hash_corpus(struct kith_hasher *hasher, corpus_add *add, void *context)
{
  enum kith_err err = KITH_OK;

  kith_hasher_init(hasher, "kith standardiser v1");
  hash_text(hasher, KITH_STANDARDISER);
  hash_tables(hasher);
  for (size_t i = 0; i < kith_corpus_n && err == KITH_OK; i++) {
    struct kith_record record;
    enum kith_outcome outcomes[KITH_FIELD_COUNT];

    kith_standardise(&record, outcomes, kith_corpus[i].fields, NULL);
    hash_record(hasher, &record, outcomes);
    err = add(context, hasher, &record);
  }
  return err;
}

static enum kith_err add_to_agency(void *context, struct kith_hasher *hasher,
                                   const struct kith_record *record)
{
  (void)hasher; /* the agency is hashed when it is whole */
  return kith_blind_records_add(context, record);
}

static enum kith_err fingerprint_blind(struct kith_hash *out, const struct kith_policy *policy)
{
  struct kith_blind_agency agency = {.policy = policy};
  struct kith_hasher hasher;
  enum kith_err err = hash_corpus(&hasher, add_to_agency, &agency);

  if (err == KITH_OK)
    err = hash_blind(&hasher, &agency);
  if (err == KITH_OK)
    kith_hasher_final(&hasher, out);
  kith_blind_agency_free(&agency);
  return err;
}

struct encoding {
  struct kith_row_encoder *encoder;
  uint8_t *filter;
};

static enum kith_err add_encoded(void *context, struct kith_hasher *hasher,
                                 const struct kith_record *record)
{
  const struct encoding *encoding = context;
  uint16_t mask;
  enum kith_err err = kith_row_encoder_encode(encoding->encoder, encoding->filter, &mask, record);

  if (err != KITH_OK)
    return err;
  kith_hasher_part(hasher, encoding->filter, kith_row_encoder_bytes(encoding->encoder));
  kith_hasher_u64(hasher, mask);
  return KITH_OK;
}

enum kith_err kith_pipeline_fingerprint(struct kith_hash *out, const struct kith_policy *policy)
{
  struct encoding encoding = {0};
  struct kith_hasher hasher;
  enum kith_err err;

  if (policy->protection == KITH_PROTECTION_BLIND)
    return fingerprint_blind(out, policy);
  err = kith_row_encoder_new(&encoding.encoder, policy, (const uint8_t *)key, sizeof key - 1, NULL);
  if (err != KITH_OK)
    return err;
  encoding.filter = kith_calloc(kith_row_encoder_bytes(encoding.encoder), 1);
  err = encoding.filter ? hash_corpus(&hasher, add_encoded, &encoding) : KITH_ERR_MEMORY;
  if (err == KITH_OK)
    kith_hasher_final(&hasher, out);
  kith_free(encoding.filter);
  kith_row_encoder_free(encoding.encoder);
  return err;
}
