#include "daemon/service/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/scope.h"
#include "daemon/pipeline/source.h"
#include "daemon/service/disclosure.h"
#include "proto/context.h"

/* Of a round's letters of one agency, half are left for answers. */
enum { ROWS_ALIVE = 4096, SEALED_ALIVE = 512, LETTERS_MAX = KITH_LETTERS_MAX / 2, NONE = -1 };

struct making {
  struct kith_agency *agency;
  struct kith_agency_round *round;
  const struct kith_policy_context *terms;
  struct kith_context_ref *refs; /* ascending by id */
  size_t n;
  struct kith_context_values *values;        /* owned; of each of them */
  long columns[KITH_CONTEXT_ATTRIBUTES_MAX]; /* of the source; NONE: it has none */
};

/* ---- values, from the source */

/* Whatever a profile makes the id or a standard field of is never told in this way, by whatever
 * name the policy calls it: names, dates and addresses are for disclosures. */
static void columns_find(struct making *making, const struct kith_source *source)
{
  size_t n;
  const char *const *header = kith_table_header(kith_source_table(source), &n);

  for (unsigned i = 0; i < making->terms->n_attributes; i++) {
    const char *name = making->terms->attributes[i];

    making->columns[i] = NONE;
    for (size_t k = 0; k < n; k++)
      if (making->columns[i] == NONE && strcmp(name, KITH_CONTEXT_AGE_BAND) != 0 &&
          kith_profile_same_column(header[k], name) && !kith_source_uses(source, k))
        making->columns[i] = (long)k;
  }
}

static const char *age_band(const struct making *making, const struct kith_source_row *row)
{
  const struct kith_policy *policy = &making->round->policy;
  const struct kith_profile *profile = making->agency->config.source.profile;
  struct kith_standardise_options options = {0};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  struct kith_record record;
  const char *band;

  if (profile)
    options.date_order = kith_profile_date_order(profile);
  kith_scope_dates(&options, policy);
  kith_standardise(&record, outcomes, row->fields, &options);
  band = kith_context_age_band(record.birth, policy->scope.on);
  kith_wipe(&record, sizeof record);
  return band;
}

static int compare_ids(const void *a, const void *b)
{
  return strcmp(((const struct kith_context_ref *)a)->id, ((const struct kith_context_ref *)b)->id);
}

static void row_take(const struct making *making, const struct kith_source *source,
                     const struct kith_source_row *row)
{
  const struct kith_context_ref wanted = {.id = row->id};
  const struct kith_context_ref *ref =
      bsearch(&wanted, making->refs, making->n, sizeof wanted, compare_ids);
  size_t n_cells;
  const char *const *cells = kith_source_cells(source, &n_cells);

  if (!ref || !cells)
    return;
  for (unsigned i = 0; i < making->terms->n_attributes; i++) {
    char *out = making->values[ref - making->refs].text[i];
    const char *value = NULL;

    if (strcmp(making->terms->attributes[i], KITH_CONTEXT_AGE_BAND) == 0)
      value = age_band(making, row);
    else if (making->columns[i] != NONE && (size_t)making->columns[i] < n_cells)
      value = cells[making->columns[i]];
    if (value && kith_context_value_valid(value))
      memcpy(out, value, strlen(value) + 1);
  }
}

static enum kith_err values_read(struct making *making, struct kith_fault *fault)
{
  struct kith_source_spec spec = making->agency->config.source;
  struct kith_source *source = NULL;
  struct kith_source_row row;
  uint64_t n_rows = 0;
  enum kith_err err;

  spec.place.wait = kith_agency_alive_waiting;
  spec.place.wait_context = making->agency;
  err = kith_source_open(&source, &spec, fault);
  if (err == KITH_OK)
    columns_find(making, source);
  while (err == KITH_OK && (err = kith_source_next(source, &row, fault)) == KITH_OK) {
    if (++n_rows % ROWS_ALIVE == 0)
      kith_agency_alive(making->agency);
    if (row.rule == KITH_ROW_FINE)
      row_take(making, source, &row);
  }
  kith_source_free(source);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* ---- letters */

static int compare_tags(const void *a, const void *b)
{
  return memcmp(a, b, KITH_CONTEXT_TAG_BYTES);
}

/* *out: n entries (kith_free), ascending by tag. */
static enum kith_err entries_make(const struct making *making, const struct kith_envelope *envelope,
                                  size_t bytes, uint8_t **out)
{
  uint8_t *entries = kith_calloc(making->n, bytes);
  enum kith_err err = entries ? KITH_OK : KITH_ERR_MEMORY;

  for (size_t i = 0; err == KITH_OK && i < making->n; i++) {
    if (i % SEALED_ALIVE == 0)
      kith_agency_alive(making->agency);
    err = kith_context_seal(entries + i * bytes, envelope, making->refs[i].handle,
                            &making->values[i], making->terms->n_attributes);
  }
  if (err != KITH_OK) {
    kith_free(entries);
    return err;
  }
  qsort(entries, making->n, bytes, compare_tags);
  *out = entries;
  return KITH_OK;
}

static enum kith_err letter_keep(const struct making *making, const struct kith_disclosures *box,
                                 const struct kith_envelope *envelope,
                                 const uint8_t key[KITH_SEAL_KEY_BYTES],
                                 const struct kith_buf *bytes)
{
  struct kith_context_letter kept = {0};
  struct kith_txn *txn = NULL;
  enum kith_err err =
      kith_letter_seal(&kept.sealed, &kept.len, key, envelope, bytes->bytes, bytes->len);

  if (err != KITH_OK)
    return err;
  memcpy(kept.reader, envelope->reader, sizeof kept.reader);
  kith_letter_hash(&kept.id, KITH_LETTER_CONTEXT, bytes->bytes, bytes->len);
  err = kith_node_begin(&txn, making->agency->node);
  if (err == KITH_OK) {
    err = kith_context_letter_put(box, txn, &kept);
    if (err == KITH_OK)
      err = kith_txn_commit(txn);
    else
      kith_txn_abort(txn);
  }
  kith_free(kept.sealed);
  return err;
}

static enum kith_err letters_make(const struct making *making, const struct kith_disclosures *box,
                                  const struct kith_member *recipient)
{
  size_t bytes = kith_context_entry_bytes(making->terms->n_attributes);
  size_t total = making->n * bytes;
  size_t full = KITH_CONTEXT_BYTES_MAX / bytes * bytes;
  struct kith_envelope envelope = {.kind = KITH_LETTER_CONTEXT};
  KITH_AUTO_FREE struct kith_letter *letter = KITH_NEW(struct kith_letter);
  KITH_AUTO_FREE uint8_t *entries = NULL;
  struct kith_buf buf;
  enum kith_err err = letter ? KITH_OK : KITH_ERR_MEMORY;

  memcpy(envelope.round, making->round->node->id, sizeof envelope.round);
  memcpy(envelope.author, making->agency->node->id, sizeof envelope.author);
  memcpy(envelope.reader, recipient->id, sizeof envelope.reader);
  if (err == KITH_OK)
    err = entries_make(making, &envelope, bytes, &entries);
  kith_buf_init(&buf, KITH_LETTER_BYTES_MAX);
  for (size_t at = 0; err == KITH_OK && at < total; at += full) {
    struct kith_context *context = &letter->body.context;

    letter->kind = KITH_LETTER_CONTEXT;
    memcpy(letter->round, envelope.round, sizeof letter->round);
    memcpy(letter->author, envelope.author, sizeof letter->author);
    memcpy(letter->reader, envelope.reader, sizeof letter->reader);
    letter->time = kith_node_now(making->agency->node);
    context->n_attributes = making->terms->n_attributes;
    memcpy(context->attributes, making->terms->attributes, sizeof context->attributes);
    context->len = total - at < full ? total - at : full;
    memcpy(context->entries, entries + at, context->len);
    err = kith_letter_write(&buf, letter, making->agency->node->identity);
    if (err == KITH_OK)
      err = letter_keep(making, box, &envelope, recipient->keys.seal, &buf);
  }
  kith_buf_free(&buf);
  return err;
}

static enum kith_err fill(struct making *making, struct kith_fault *fault)
{
  const struct kith_open *open = &kith_node_round_view(making->round->node)->open;
  size_t in_a_letter =
      KITH_CONTEXT_BYTES_MAX / kith_context_entry_bytes(making->terms->n_attributes);
  struct kith_disclosures *box = NULL;
  enum kith_err err;

  if ((making->n / in_a_letter + 1) * open->n_recipients > LETTERS_MAX)
    return kith_fail(fault, KITH_ERR_LIMIT,
                     "more records than context can be told of; narrow the scope, or take this "
                     "agency out of the policy's context");
  qsort(making->refs, making->n, sizeof *making->refs, compare_ids);
  err = values_read(making, fault);
  if (err == KITH_OK)
    err = kith_disclosures_open(&box, making->agency, making->round->node->id);
  for (unsigned i = 0; err == KITH_OK && i < open->n_recipients; i++) {
    const struct kith_member *recipient =
        kith_charter_member(&making->round->node->charter, open->recipients[i]);

    if (recipient)
      err = letters_make(making, box, recipient);
  }
  kith_disclosures_close(box);
  return err;
}

enum kith_err kith_context_fill(struct kith_agency *agency, struct kith_agency_round *round,
                                struct kith_context_ref *refs, size_t n)
{
  struct making making = {.agency = agency,
                          .round = round,
                          .terms = kith_policy_context_of(&round->policy, agency->node->id),
                          .refs = refs,
                          .n = n};
  struct kith_fault fault = {0};
  enum kith_err err = KITH_ERR_MEMORY;

  if (!making.terms || !n)
    return KITH_OK;
  making.values = KITH_NEW_ARRAY(struct kith_context_values, n);
  if (making.values)
    err = fill(&making, &fault);
  if (err != KITH_OK)
    kith_agency_problem(round, "the context could not be made: %s",
                        fault.text[0] ? fault.text : kith_err_name(err));
  if (making.values)
    kith_free_wiped(making.values, n * sizeof *making.values);
  return err;
}

/* ---- sending */

/* From then on the letter is the matcher's; one that nobody is to have any more is deleted too. */
static enum kith_err settle(struct kith_agency *agency, const struct kith_agency_round *round,
                            const struct kith_disclosures *box,
                            const struct kith_context_letter *letter, bool sent)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_context_letter_delete(box, txn, &letter->id);
  if (err == KITH_OK && sent)
    err = kith_node_audit(agency->node, txn, KITH_AUDIT_CONTEXT, round->node->id, letter->reader,
                          &letter->id, 0);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

static bool released_to(const struct kith_agency_round *round, const char *recipient)
{
  const struct kith_release *release = &kith_node_round_view(round->node)->release;

  for (unsigned i = 0; i < release->n_lists; i++)
    if (strcmp(release->lists[i].recipient, recipient) == 0)
      return true;
  return false;
}

/* *refused: the matcher has, and there is no use in sending more in this turn. What it will refuse
 * tomorrow, too, is given up, so that others' letters go. */
static enum kith_err send_one(struct kith_agency *agency, struct kith_agency_round *round,
                              const struct kith_disclosures *box,
                              const struct kith_context_letter *letter, bool *refused)
{
  struct kith_request request = {.type = KITH_REQUEST_LETTER_PUT};
  struct kith_reply reply;
  enum kith_err err;

  if (!released_to(round, letter->reader) ||
      !kith_disclosure_reader_stands(agency, round, letter->reader)) {
    kith_agency_problem(round, "context is not sent to %s, who gets no list or has other keys now",
                        letter->reader);
    return settle(agency, round, box, letter, false);
  }
  memcpy(request.body.letter_put.round, round->node->id, KITH_ROUND_ID_BYTES);
  memcpy(request.body.letter_put.reader, letter->reader, sizeof letter->reader);
  request.body.letter_put.kind = KITH_LETTER_CONTEXT;
  request.body.letter_put.id = letter->id;
  request.body.letter_put.sealed = (struct kith_span){letter->sealed, letter->len};
  if ((err = kith_agency_exchange(agency, &reply, &request)) != KITH_OK)
    return err;
  if (reply.error != KITH_REPLY_OK)
    kith_agency_problem(round, "the matcher refused a letter of context to %s: %s", letter->reader,
                        kith_reply_error_name(reply.error));
  *refused = reply.error != KITH_REPLY_OK && reply.error != KITH_REPLY_DENIED &&
             reply.error != KITH_REPLY_CONFLICT;
  if (!*refused)
    err = settle(agency, round, box, letter, reply.error == KITH_REPLY_OK);
  kith_reply_free(&reply);
  return err;
}

enum kith_err kith_context_turn(struct kith_agency *agency, struct kith_agency_round *round)
{
  struct kith_disclosures *box = NULL;
  bool refused = false;
  enum kith_err err;

  if (!kith_policy_context_of(&round->policy, agency->node->id) ||
      !kith_round_seat(kith_node_round_view(round->node), agency->node->id))
    return KITH_OK;
  err = kith_disclosures_open(&box, agency, round->node->id);
  while (err == KITH_OK && !refused) {
    struct kith_context_letter letter = {0};

    err = kith_context_letter_first(box, &letter);
    if (err == KITH_OK)
      err = send_one(agency, round, box, &letter, &refused);
    kith_free(letter.sealed);
  }
  kith_disclosures_close(box);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}
