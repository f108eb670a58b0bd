/* The standardiser fingerprint: a differing library or table is found before a round. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
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

enum kith_err kith_pipeline_fingerprint(struct kith_hash *out, const struct kith_policy *policy)
{
  static const char key[] = "kith standardiser fingerprint, a key that is public";
  struct kith_row_encoder *encoder = NULL;
  uint8_t *filter = NULL;
  struct kith_hasher hasher;
  enum kith_err err =
      kith_row_encoder_new(&encoder, policy, (const uint8_t *)key, sizeof key - 1, NULL);

  if (err != KITH_OK)
    return err;
  filter = kith_calloc(kith_row_encoder_bytes(encoder), 1);
  if (!filter) {
    err = KITH_ERR_MEMORY;
    goto done;
  }
  kith_hasher_init(&hasher, "kith standardiser v1");
  hash_text(&hasher, KITH_STANDARDISER);
  hash_tables(&hasher);
  for (size_t i = 0; i < kith_corpus_n; i++) {
    struct kith_record record;
    enum kith_outcome outcomes[KITH_FIELD_COUNT];
    uint16_t mask;

    kith_standardise(&record, outcomes, kith_corpus[i].fields, NULL);
    hash_record(&hasher, &record, outcomes);
    err = kith_row_encoder_encode(encoder, filter, &mask, &record);
    if (err != KITH_OK)
      goto done;
    kith_hasher_part(&hasher, filter, kith_row_encoder_bytes(encoder));
    kith_hasher_u64(&hasher, mask);
  }
  kith_hasher_final(&hasher, out);
done:
  kith_free(filter);
  kith_row_encoder_free(encoder);
  return err;
}
