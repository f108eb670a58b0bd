/* The agency against itself (docs/blind.md, 5): what pairs of two people look like that share a
 * match key, and how many there are. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/kdf.h"
#include "daemon/pipeline/blind.h"

enum { KEY_BYTES = 32, RANDOM_BYTES = 32 };

/* One side of a pair: who, and as one of how many. */
struct meeting {
  uint32_t drawn;
  uint32_t other;
};

struct meetings {
  struct meeting *items; /* owned */
  size_t n;
  size_t cap;
};

static enum kith_err meetings_add(struct meetings *to, uint32_t drawn, uint32_t other)
{
  if (to->n == to->cap) {
    size_t cap = to->cap * 2 + 1024;
    struct meeting *grown = kith_realloc(to->items, cap, sizeof *grown);

    if (!grown)
      return KITH_ERR_MEMORY;
    to->items = grown;
    to->cap = cap;
  }
  to->items[to->n++] = (struct meeting){drawn, other};
  return KITH_OK;
}

static int compare_meetings(const void *left, const void *right)
{
  const struct meeting *a = left;
  const struct meeting *b = right;

  if (a->drawn != b->drawn)
    return a->drawn < b->drawn ? -1 : 1;
  return (a->other > b->other) - (a->other < b->other);
}

/* ---- who meets whom */

static size_t end_of_value(const struct kith_blind_holder *holders, size_t n, size_t first)
{
  size_t end = first + 1;

  while (end < n &&
         memcmp(&holders[end].digest, &holders[first].digest, sizeof holders[end].digest) == 0)
    end++;
  return end;
}

/* As the two sides of a pair number theirs: each in an order of its own, the first m of each. */
static enum kith_err meet_value(struct meetings *to, const struct kith_blind_agency *agency,
                                const bool *drawn, const struct kith_blind_holder *left,
                                const struct kith_blind_holder *right, size_t n)
{
  unsigned n_left = 0;
  enum kith_err err = KITH_OK;

  for (size_t i = 0; i < n && n_left < agency->layout.occurrences; i++) {
    if (!drawn[left[i].record])
      continue;
    n_left++;
    for (size_t k = 0; k < n && k < agency->layout.occurrences && err == KITH_OK; k++)
      if (left[i].record != right[k].record)
        err = meetings_add(to, left[i].record, right[k].record);
  }
  return err;
}

static enum kith_err meet_key(struct meetings *to, const struct kith_blind_agency *agency,
                              const bool *drawn, const struct kith_secret *secret,
                              unsigned match_key)
{
  struct kith_blind_holder *left = NULL;
  struct kith_blind_holder *right = NULL;
  size_t n = 0;
  enum kith_err err = kith_blind_holders(&left, &n, agency, match_key, secret, 2);

  if (err == KITH_OK)
    err = kith_blind_holders(&right, &n, agency, match_key, secret, 3);
  for (size_t first = 0, end; first < n && err == KITH_OK; first = end) {
    end = end_of_value(left, n, first);
    if (end - first > 1)
      err = meet_value(to, agency, drawn, left + first, right + first, end - first);
  }
  kith_free(left);
  kith_free(right);
  return err;
}

/* ---- who is drawn */

struct lot {
  uint64_t number;
  uint32_t record;
};

static int compare_lots(const void *left, const void *right)
{
  const struct lot *a = left;
  const struct lot *b = right;

  return (a->number > b->number) - (a->number < b->number);
}

static enum kith_err draw(bool *drawn, const struct kith_blind_agency *agency, size_t n,
                          const uint8_t *key)
{
  KITH_AUTO_FREE struct lot *lots = KITH_NEW_ARRAY(struct lot, agency->n_people);

  if (!lots)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < agency->n_people; i++) {
    uint8_t message[sizeof(uint64_t)];
    uint8_t hash[crypto_shorthash_BYTES];

    kith_put_le(message, sizeof message, agency->records[agency->people[i]].handle);
    (void)crypto_shorthash(hash, message, sizeof message, key);
    lots[i] = (struct lot){kith_get_le(hash, sizeof hash), agency->people[i]};
  }
  if (agency->n_people > 1)
    qsort(lots, agency->n_people, sizeof *lots, compare_lots);
  for (size_t i = 0; i < n; i++)
    drawn[lots[i].record] = true;
  return KITH_OK;
}

/* ---- their distances, as cells */

struct looking {
  const struct kith_blind_agency *agency;
  struct kith_blind_key key;
  struct kith_blind_twins *twins;
  uint32_t *seeds; /* owned */
  uint32_t *cells; /* owned; one for each pair that counts */
  size_t n;
};

static uint32_t cell_of(const struct looking *with, uint32_t a, uint32_t b, unsigned n_keys)
{
  static const uint8_t noise[KITH_BLIND_ROW_BYTES_MAX];
  const struct kith_blind_layout *layout = &with->agency->layout;
  uint8_t left[KITH_BLIND_ROW_BYTES_MAX];
  uint8_t right[KITH_BLIND_ROW_BYTES_MAX];
  uint8_t distances[KITH_BLIND_FIELDS_MAX] = {0};
  uint8_t missing[KITH_BLIND_FIELDS_MAX];
  size_t at = 0;

  kith_blind_signatures(left, with->agency, a, with->seeds, noise);
  kith_blind_signatures(right, with->agency, b, with->seeds, noise);
  for (unsigned f = 0; f < layout->n_fields; f++) {
    for (size_t end = at + layout->bits[f] / 8; at < end; at++)
      distances[f] = (uint8_t)(distances[f] + __builtin_popcount(left[at] ^ right[at]));
    missing[f] = (uint8_t)((with->agency->records[a].missing >> f & 1) +
                           (with->agency->records[b].missing >> f & 1));
  }
  return kith_blind_cell(layout, distances, missing, n_keys);
}

/* A random number in [0, 1) of a pair, the same whichever comes first. */
static double chance_of(const struct kith_blind_agency *agency, const uint8_t *key, uint32_t a,
                        uint32_t b)
{
  uint64_t left = agency->records[a].handle;
  uint64_t right = agency->records[b].handle;
  uint8_t message[2 * sizeof left];
  uint8_t hash[crypto_shorthash_BYTES];

  kith_put_le(message, sizeof left, left < right ? left : right);
  kith_put_le(message + sizeof left, sizeof left, left < right ? right : left);
  (void)crypto_shorthash(hash, message, sizeof message, key);
  return (double)(kith_get_le(hash, sizeof hash) >> 11) * 0x1p-53;
}

static enum kith_err look(struct looking *with, struct meetings *meetings, const uint8_t *key)
{
  const struct kith_blind_agency *agency = with->agency;

  with->cells = KITH_NEW_ARRAY(uint32_t, meetings->n);
  with->seeds = KITH_NEW_ARRAY(uint32_t, kith_blind_grams_n(agency->grams) + 1);
  if (!with->cells || !with->seeds)
    return KITH_ERR_MEMORY;
  kith_blind_grams_seed(with->seeds, agency->grams, &with->key);
  if (meetings->n > 1)
    qsort(meetings->items, meetings->n, sizeof *meetings->items, compare_meetings);
  for (size_t first = 0, end; first < meetings->n; first = end) {
    const struct meeting *met = &meetings->items[first];

    for (end = first + 1; end < meetings->n && compare_meetings(met, &meetings->items[end]) == 0;)
      end++;
    if (chance_of(agency, key, met->drawn, met->other) >=
        kith_blind_twins_probability(with->twins, met->drawn, met->other))
      with->cells[with->n++] = cell_of(with, met->drawn, met->other, (unsigned)(end - first));
  }
  return KITH_OK;
}

/* ---- counts, rounded at random so that their mean stays */

static int compare_cells(const void *left, const void *right)
{
  const uint32_t *a = left;
  const uint32_t *b = right;

  return (*a > *b) - (*a < *b);
}

static uint32_t round_count(size_t n, unsigned base, uint32_t cell, const uint8_t *key)
{
  uint8_t message[sizeof cell];
  uint8_t hash[crypto_shorthash_BYTES];
  size_t rest = n % base;

  kith_put_le(message, sizeof message, cell);
  (void)crypto_shorthash(hash, message, sizeof message, key);
  return (uint32_t)(n - rest + (kith_get_le(hash, sizeof hash) % base < rest ? base : 0));
}

static enum kith_err count_cells(struct kith_blind_histogram *out, struct looking *with,
                                 const uint8_t *key)
{
  unsigned base = with->agency->policy->minimum_count;

  out->counts = kith_calloc(with->n, sizeof *out->counts);
  if (!out->counts)
    return KITH_ERR_MEMORY;
  if (with->n > 1)
    qsort(with->cells, with->n, sizeof *with->cells, compare_cells);
  for (size_t first = 0, end; first < with->n; first = end) {
    uint32_t count;

    for (end = first + 1; end < with->n && with->cells[end] == with->cells[first];)
      end++;
    count = round_count(end - first, base, with->cells[first], key);
    if (count)
      out->counts[out->n++] = (struct kith_blind_count){with->cells[first], count};
  }
  return KITH_OK;
}

enum kith_err kith_blind_within(struct kith_blind_histogram *out,
                                const struct kith_blind_agency *agency,
                                const struct kith_secret *secret, size_t n_peer)
{
  size_t n = kith_blind_step_people(agency->n_people, kith_blind_step(agency->n_people, n_peer));
  KITH_AUTO_FREE bool *drawn = KITH_NEW_ARRAY(bool, agency->n);
  struct kith_blind_histogram made = {0};
  struct looking with = {.agency = agency};
  struct meetings meetings = {0};
  struct kith_secret *pair = NULL;
  struct kith_secret *random = NULL;
  enum kith_err err = drawn ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = kith_hkdf(&pair, KEY_BYTES, NULL, 0, secret, "kith blind within v1");
  if (err == KITH_OK)
    err = kith_hkdf(&random, RANDOM_BYTES, NULL, 0, secret, "kith blind rounding v1");
  if (err == KITH_OK)
    err = kith_blind_key_init(&with.key, pair);
  if (err == KITH_OK)
    err = kith_blind_twins_new(&with.twins, agency);
  if (err == KITH_OK)
    err = draw(drawn, agency, n, kith_secret_peek(random));
  for (unsigned k = 0; k < agency->layout.n_keys && err == KITH_OK; k++)
    err = meet_key(&meetings, agency, drawn, secret, k);
  if (err == KITH_OK)
    err = look(&with, &meetings, kith_secret_peek(random) + RANDOM_BYTES / 2);
  if (err == KITH_OK)
    err = count_cells(&made, &with, kith_secret_peek(random));
  made.comparisons = n && agency->n_people ? (double)n * (double)(agency->n_people - 1) : 0;
  kith_blind_key_free(&with.key);
  kith_blind_twins_free(with.twins);
  kith_free(with.seeds);
  kith_free(with.cells);
  kith_free(meetings.items);
  kith_secret_free(pair);
  kith_secret_free(random);
  if (err == KITH_OK)
    *out = made;
  else
    kith_blind_histogram_free(&made);
  return err;
}
