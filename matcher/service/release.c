#include "proto/release.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/cohort.h"
#include "matcher/linkage/linkage.h"
#include "matcher/service/intake.h"
#include "matcher/service/service.h"

enum { LIST_KEY_BYTES = KITH_ROUND_ID_BYTES + KITH_MEMBER_ID_BYTES };

static struct kith_bytes list_key(uint8_t key[LIST_KEY_BYTES], const kith_round_id round,
                                  const char *recipient)
{
  memcpy(key, round, KITH_ROUND_ID_BYTES);
  memcpy(key + KITH_ROUND_ID_BYTES, recipient, strlen(recipient));
  return (struct kith_bytes){key, KITH_ROUND_ID_BYTES + strlen(recipient)};
}

/* ---- from clusters to the list
 * --------------------------------------------------------------------- */

static void cohort_head(struct kith_cohort *cohort, const struct kith_matcher_round *round,
                        uint32_t threshold_ppm)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);

  memcpy(cohort->round, round->node->id, sizeof cohort->round);
  cohort->policy = view->open.policy;
  cohort->charter = view->open.charter;
  cohort->roster = view->roster_hash;
  snprintf(cohort->threshold, sizeof cohort->threshold, "%u.%06u", threshold_ppm / KITH_PPM,
           threshold_ppm % KITH_PPM);
  for (unsigned i = 0; i < view->n_seats; i++) {
    if (!kith_matcher_takes_part(round, &view->seats[i]))
      continue;
    memcpy(cohort->agencies[cohort->n_agencies].agency, view->seats[i].member,
           sizeof view->seats[i].member);
    cohort->agencies[cohort->n_agencies++].manifest = view->seats[i].manifest_hash;
  }
}

static enum kith_err cohort_people(struct kith_cohort *cohort,
                                   const struct kith_cohort_selection *selection,
                                   const struct kith_linkage_result *result,
                                   const struct kith_intake_rows *parties)
{
  cohort->people = KITH_NEW_ARRAY(struct kith_cohort_person, selection->n);
  cohort->records = KITH_NEW_ARRAY(struct kith_cohort_record, selection->n_records);
  if (!cohort->people || !cohort->records)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < selection->n; i++) {
    const struct kith_cohort_member *member = &selection->members[i];
    const struct kith_cluster *cluster = &result->clusters[member->cluster];

    cohort->people[i] = (struct kith_cohort_person){
        .number = (uint32_t)i + 1,
        .confidence = cluster->confidence,
        .weakest = cluster->weakest,
        .flags = cluster->flags,
        .first = cohort->n_records,
        .n_records = member->n_records,
    };
    for (uint32_t k = 0; k < member->n_records; k++) {
      const struct kith_cohort_record_ref *ref = &selection->records[member->first + k];
      struct kith_cohort_record *record = &cohort->records[cohort->n_records++];

      record->agency = ref->party;
      memcpy(record->handle, parties[ref->party].handles + (size_t)ref->row * KITH_HANDLE_BYTES,
             KITH_HANDLE_BYTES);
      kith_random_bytes(record->nonce, sizeof record->nonce);
    }
  }
  cohort->n_people = selection->n;
  return KITH_OK;
}

static enum kith_err select_cohort(struct kith_cohort *cohort,
                                   const struct kith_matcher_round *round,
                                   const struct kith_linkage_result *result,
                                   const struct kith_intake_rows *parties, unsigned n_parties)
{
  const struct kith_encodings *encodings[KITH_AGENCIES_MAX];
  const char *names[KITH_AGENCIES_MAX];
  struct kith_cohort_selection selection = {0};
  struct kith_linkage_input input = {
      .n_parties = n_parties, .parties = encodings, .policy = &round->policy};
  enum kith_err err;

  cohort_head(cohort, round, result->threshold);
  for (unsigned i = 0; i < n_parties; i++) {
    encodings[i] = &parties[i].encodings;
    names[i] = cohort->agencies[i].agency;
  }
  err = kith_cohort_select(&selection, &input, result, names, NULL);
  if (err == KITH_OK)
    err = cohort_people(cohort, &selection, result, parties);
  kith_cohort_selection_free(&selection);
  return err;
}

/* ---- sealing and storing
 * ------------------------------------------------------------------------------ */

/* Seals the list to each recipient; the readable list is wiped as soon as that is done. */
static enum kith_err store_lists(struct kith_matcher *matcher, struct kith_txn *txn,
                                 const struct kith_matcher_round *round,
                                 const struct kith_buf *list, struct kith_release *release)
{
  const struct kith_open *open = &kith_node_round_view(round->node)->open;
  enum kith_err err = KITH_OK;

  (void)matcher;
  for (unsigned i = 0; err == KITH_OK && i < open->n_recipients; i++) {
    const struct kith_member *member =
        kith_charter_member(&round->node->charter, open->recipients[i]);
    KITH_AUTO_FREE uint8_t *sealed = NULL;
    uint8_t key[LIST_KEY_BYTES];
    size_t len = 0;

    err = kith_cohort_seal(&sealed, &len, member->keys.seal, round->node->id, member->id,
                           list->bytes, list->len);
    if (err != KITH_OK)
      break;
    err = kith_store_put(txn, KITH_TABLE_LISTS, list_key(key, round->node->id, member->id),
                         (struct kith_bytes){sealed, len});
    memcpy(release->lists[i].recipient, member->id, sizeof release->lists[i].recipient);
    kith_sealed_list_hash(&release->lists[i].list, sealed, len);
  }
  release->n_lists = open->n_recipients;
  return err;
}

static enum kith_err release_statement(struct kith_release *release,
                                       const struct kith_cohort *cohort)
{
  release->roster = cohort->roster;
  release->charter = cohort->charter;
  release->policy = cohort->policy;
  memcpy(release->threshold, cohort->threshold, sizeof release->threshold);
  release->n_manifests = cohort->n_agencies;
  for (unsigned i = 0; i < cohort->n_agencies; i++) {
    memcpy(release->manifests[i].agency, cohort->agencies[i].agency,
           sizeof release->manifests[i].agency);
    release->manifests[i].manifest = cohort->agencies[i].manifest;
  }
  kith_cohort_root(&release->leaf_root, cohort);
  return KITH_OK;
}

enum kith_err kith_matcher_release(struct kith_matcher *matcher, struct kith_matcher_round *round,
                                   const struct kith_linkage_result *result,
                                   const struct kith_intake_rows *parties, unsigned n_parties)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_RELEASE};
  struct kith_cohort cohort = {0};
  struct kith_txn *txn = NULL;
  struct kith_buf list;
  int64_t retention = (int64_t)round->policy.retention_days * 86400;
  enum kith_err err;

  kith_buf_init(&list, KITH_LIST_BYTES_MAX);
  err = select_cohort(&cohort, round, result, parties, n_parties);
  if (err == KITH_OK)
    err = kith_cohort_write(&list, &cohort);
  if (err == KITH_OK)
    err = release_statement(&statement.body.release, &cohort);
  if (err == KITH_OK)
    err = kith_node_begin(&txn, matcher->node);
  if (err == KITH_OK) {
    err = store_lists(matcher, txn, round, &list, &statement.body.release);
    if (err == KITH_OK)
      err = kith_matcher_move_in(matcher, txn, round, KITH_ROUND_RELEASED,
                                 kith_node_now(matcher->node) + retention, &statement);
    else
      kith_txn_abort(txn);
  }
  if (list.bytes)
    kith_wipe(list.bytes, list.len);
  kith_buf_free(&list);
  kith_cohort_free(&cohort);
  return err;
}

enum kith_err kith_release_list_load(struct kith_matcher *matcher,
                                     const struct kith_matcher_round *round, const char *recipient,
                                     uint8_t **out, size_t *len)
{
  uint8_t key[LIST_KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, matcher->node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_store_get(txn, KITH_TABLE_LISTS, list_key(key, round->node->id, recipient), out, len);
  kith_txn_abort(txn);
  return err;
}
