#include "daemon/service/pairing.h"

#include <string.h>

#include "crypto/encode/blind_key.h"
#include "crypto/seal.h"
#include "proto/keying.h"

enum { PAIR_KEY_BYTES = 32 };

static const struct kith_round_view *view_of(const struct kith_agency_round *round)
{
  return kith_node_round_view(round->node);
}

/* The other agencies of the roster, by id; how many. */
static unsigned list_peers(const struct kith_seat *peers[KITH_AGENCIES_MAX],
                           const struct kith_agency *agency, const struct kith_agency_round *round)
{
  const struct kith_round_view *view = view_of(round);
  unsigned n = 0;

  for (unsigned i = 0; i < view->n_seats; i++)
    if (view->seats[i].in_roster && strcmp(view->seats[i].member, agency->node->id) != 0)
      peers[n++] = &view->seats[i];
  return n;
}

/* ---- the keys, one after the other in one file */

static enum kith_err make(struct kith_agency *agency, struct kith_agency_round *round,
                          struct kith_secret **out)
{
  const struct kith_round_view *view = view_of(round);
  const struct kith_seat *peers[KITH_AGENCIES_MAX];
  unsigned n = list_peers(peers, agency, round);
  char name[KITH_KEY_NAME_BYTES];
  struct kith_secret *own = NULL;
  struct kith_secret *all = NULL;
  enum kith_err err;

  kith_agency_key_name(name, 'x', view->attempt);
  err = kith_roundkey_load(agency->node->keys, &own, round->node->id, name, NULL);
  if (err == KITH_OK)
    err = kith_secret_new(&all, (size_t)n * PAIR_KEY_BYTES);
  for (unsigned i = 0; err == KITH_OK && i < n; i++) {
    struct kith_secret *product = NULL;
    struct kith_secret *key = NULL;

    err = kith_seal_agree(&product, own, peers[i]->join.round_key);
    if (err == KITH_OK)
      err = kith_blind_pair_key(&key, product, view->roster_hash.bytes, KITH_HASH_BYTES,
                                agency->node->id, peers[i]->member);
    if (err == KITH_OK)
      memcpy(kith_secret_bytes(all) + (size_t)i * PAIR_KEY_BYTES, kith_secret_peek(key),
             PAIR_KEY_BYTES);
    kith_secret_free(product);
    kith_secret_free(key);
  }
  kith_secret_free(own);
  if (err == KITH_OK)
    *out = all;
  else
    kith_secret_free(all);
  return err;
}

static enum kith_err ensure(struct kith_agency *agency, struct kith_agency_round *round)
{
  char name[KITH_KEY_NAME_BYTES];
  struct kith_secret *all = NULL;
  enum kith_err err;

  kith_agency_key_name(name, 'p', view_of(round)->attempt);
  err = kith_roundkey_load(agency->node->keys, &all, round->node->id, name, NULL);
  if (err == KITH_ERR_NOT_FOUND && (err = make(agency, round, &all)) == KITH_OK)
    err = kith_roundkey_save(agency->node->keys, round->node->id, name, all, NULL);
  kith_secret_free(all);
  return err;
}

void kith_pairing_keys_free(struct kith_secret *keys[KITH_AGENCIES_MAX], unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    kith_secret_free(keys[i]);
    keys[i] = NULL;
  }
}

enum kith_err kith_pairing_keys(struct kith_agency *agency, const struct kith_agency_round *round,
                                const struct kith_seat *peers[KITH_AGENCIES_MAX],
                                struct kith_secret *keys[KITH_AGENCIES_MAX], unsigned *n)
{
  char name[KITH_KEY_NAME_BYTES];
  struct kith_secret *all = NULL;
  unsigned n_peers = list_peers(peers, agency, round);
  enum kith_err err;

  *n = 0;
  kith_agency_key_name(name, 'p', view_of(round)->attempt);
  err = kith_roundkey_load(agency->node->keys, &all, round->node->id, name, NULL);
  if (err == KITH_OK && kith_secret_len(all) != (size_t)n_peers * PAIR_KEY_BYTES)
    err = KITH_ERR_INTERNAL;
  while (err == KITH_OK && *n < n_peers) {
    err = kith_secret_new(&keys[*n], PAIR_KEY_BYTES);
    if (err != KITH_OK)
      break;
    memcpy(kith_secret_bytes(keys[*n]), kith_secret_peek(all) + (size_t)*n * PAIR_KEY_BYTES,
           PAIR_KEY_BYTES);
    ++*n;
  }
  kith_secret_free(all);
  if (err != KITH_OK) {
    kith_pairing_keys_free(keys, *n);
    *n = 0;
  }
  return err;
}

/* ---- confirmations */

enum kith_err kith_pairing_confirm(struct kith_agency *agency, struct kith_agency_round *round,
                                   struct kith_confirmation *confirmation)
{
  const struct kith_seat *peers[KITH_AGENCIES_MAX];
  struct kith_secret *keys[KITH_AGENCIES_MAX] = {0};
  unsigned n = 0;
  enum kith_err err = ensure(agency, round);

  if (err == KITH_OK)
    err = kith_pairing_keys(agency, round, peers, keys, &n);
  for (unsigned i = 0; err == KITH_OK && i < n; i++) {
    struct kith_secret *key = NULL;

    err = kith_blind_confirmation_key(&key, keys[i]);
    if (err == KITH_OK)
      err = kith_confirmation_mac(confirmation->pairs[i].mac, key, &view_of(round)->roster_hash,
                                  agency->node->id);
    memcpy(confirmation->pairs[i].member, peers[i]->member, sizeof peers[i]->member);
    kith_secret_free(key);
  }
  confirmation->n_pairs = n;
  kith_pairing_keys_free(keys, n);
  return err;
}

static const uint8_t *mac_for(const struct kith_confirmation *confirmation, const char *member)
{
  for (unsigned i = 0; i < confirmation->n_pairs; i++)
    if (strcmp(confirmation->pairs[i].member, member) == 0)
      return confirmation->pairs[i].mac;
  return NULL;
}

enum kith_err kith_pairing_check(struct kith_agency *agency, struct kith_agency_round *round)
{
  const struct kith_seat *peers[KITH_AGENCIES_MAX];
  struct kith_secret *keys[KITH_AGENCIES_MAX] = {0};
  unsigned n = 0;
  enum kith_err err = kith_pairing_keys(agency, round, peers, keys, &n);

  for (unsigned i = 0; err == KITH_OK && i < n; i++) {
    const uint8_t *mac = mac_for(&peers[i]->confirmation, agency->node->id);
    struct kith_secret *key = NULL;

    err = mac ? kith_blind_confirmation_key(&key, keys[i]) : KITH_ERR_NO;
    if (err == KITH_OK)
      err = kith_confirmation_check(mac, key, &view_of(round)->roster_hash, peers[i]->member);
    kith_secret_free(key);
    if (err == KITH_ERR_NO)
      kith_agency_problem(round, "this agency and %s do not have the same key for each other",
                          peers[i]->member);
  }
  kith_pairing_keys_free(keys, n);
  return err;
}
