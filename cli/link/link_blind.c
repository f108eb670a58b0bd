#include "cli/link/link_blind.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/kdf.h"
#include "proto/policy_blind.h"

enum { SECRET_BYTES = 32 };

enum kith_err kith_link_blind_check(const struct kith_link *link, struct kith_fault *fault)
{
  if (link->n_parties < 2)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "blind comparison is between files: give two, or a policy with clk");
  if (link->encodings)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--encodings: under a blind policy there are none, only files of people");
  for (unsigned p = 0; p < link->n_parties; p++)
    if (strlen(link->names[p]) >= KITH_MEMBER_ID_BYTES)
      return kith_fail(fault, KITH_ERR_USAGE, "%s: the file's base name is longer than %d bytes",
                       link->names[p], KITH_MEMBER_ID_BYTES - 1);
  return KITH_OK;
}

/* ---- fewer columns */

static bool has_part(const struct kith_link *link, enum kith_blind_part part)
{
  static const char *const columns[KITH_PART_COUNT] = {
      [KITH_PART_BIRTH] = "date_of_birth",
      [KITH_PART_BIRTH_YEAR] = "date_of_birth",
      [KITH_PART_BIRTH_MONTH_DAY] = "date_of_birth",
      [KITH_PART_GIVEN_NAME] = "given_name",
      [KITH_PART_SURNAME] = "surname",
      [KITH_PART_GIVEN_FORM] = "given_name",
      [KITH_PART_SURNAME_FORM] = "surname",
      [KITH_PART_GIVEN_3] = "given_name",
      [KITH_PART_SURNAME_3] = "surname",
      [KITH_PART_GIVEN_INITIAL] = "given_name",
      [KITH_PART_SURNAME_INITIAL] = "surname",
      [KITH_PART_INITIALS] = "names",
      [KITH_PART_FORMS] = "names",
      [KITH_PART_POSTCODE] = "postcode",
      [KITH_PART_DISTRICT] = "postcode",
      [KITH_PART_SEX] = "sex",
      [KITH_PART_HOME] = "postcode",
  };

  return kith_link_has_field(link, columns[part]);
}

void kith_link_blind_narrow(struct kith_link *link)
{
  struct kith_policy_blind *blind = &link->policy.blind;
  unsigned n_keys = 0;
  unsigned n_fields = 0;

  for (unsigned k = 0; k < blind->n_keys; k++) {
    struct kith_blind_key_terms key = blind->keys[k];
    bool kept = true;

    for (unsigned i = 0; i < key.n; i++) {
      if (key.parts[i] == KITH_PART_HOME && !kith_link_has_field(link, "street"))
        key.parts[i] = KITH_PART_POSTCODE;
      kept &= has_part(link, key.parts[i]);
    }
    if (kept)
      blind->keys[n_keys++] = key;
  }
  for (unsigned f = 0; f < blind->n_fields; f++)
    if (kith_link_has_field(link, blind->fields[f].field))
      blind->fields[n_fields++] = blind->fields[f];
  blind->n_keys = n_keys;
  blind->n_fields = n_fields;
}

/* ---- files */

static enum kith_err agency_secret(struct kith_secret **out, const struct kith_secret *secret,
                                   const char *name)
{
  static const char label[] = "kith blind agency v1";
  uint8_t info[sizeof label + KITH_MEMBER_ID_BYTES];
  size_t len = strlen(name);

  memcpy(info, label, sizeof label);
  memcpy(info + sizeof label, name, len);
  return kith_hkdf_info(out, SECRET_BYTES, NULL, 0, secret, info, sizeof label + len);
}

static void show_share(void *context, double share)
{
  kith_cli_progress_update(context, share, share);
}

static enum kith_err read_file(struct kith_link *link, unsigned p, const struct kith_secret *secret,
                               struct kith_fault *fault)
{
  struct kith_cli_progress progress;
  const struct kith_pipeline_options options = {.progress = show_share,
                                                .progress_context = &progress,
                                                .cancel = kith_cli_cancel_on_signal(),
                                                .objections = link->objections[p]};
  struct kith_source_spec source = kith_source_of_file(link->paths[p]);
  struct kith_blind_agency *agency = &link->blind->agencies[p];
  enum kith_err err = agency_secret(&link->blind->secrets[p], secret, link->names[p]);

  if (err != KITH_OK)
    return kith_fail(fault, err, "no memory for a key");
  source.profile = link->profiles[p];
  source.strict = link->strict;
  kith_cli_progress_start(&progress, link->names[p], "files", link->quiet);
  err = kith_blind_read(agency, &link->parties[p], &link->policy, link->blind->secrets[p], &source,
                        &options, fault);
  kith_cli_progress_finish(&progress);
  if (err == KITH_OK && (err = kith_blind_merge_duplicates(agency)) != KITH_OK)
    (void)kith_fail(fault, err, "%s: out of memory", link->paths[p]);
  link->blind->n_people[p] = agency->n_people;
  return err;
}

enum kith_err kith_link_blind_read(struct kith_link *link, const struct kith_secret *secret,
                                   struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  link->blind = KITH_NEW(struct kith_link_blind);
  if (!link->blind)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  for (unsigned p = 0; p < link->n_parties && err == KITH_OK; p++)
    err = read_file(link, p, secret, fault);
  return err;
}

/* ---- submissions */

struct side {
  unsigned party;
  uint8_t *bytes; /* owned */
  size_t len;
  struct kith_blind_submission submission;
};

/* What an agency sends, and what the matcher makes of it. */
static enum kith_err side_make(struct side *side, struct kith_link *link,
                               const struct kith_secret *pair_key, bool high,
                               struct kith_fault *fault)
{
  struct kith_link_blind *blind = link->blind;
  const struct kith_blind_agency *agency = &blind->agencies[side->party];
  const char *name = link->names[side->party];
  struct kith_hash terms;
  int64_t start_ms = kith_clock_monotonic_ms();
  enum kith_err err = kith_blind_submit(&side->bytes, &side->len, agency, pair_key,
                                        blind->secrets[side->party], high);

  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: can't be submitted: %s", name, kith_err_name(err));
  blind->submit_ms += kith_clock_monotonic_ms() - start_ms;
  blind->n_bytes += side->len;
  start_ms = kith_clock_monotonic_ms();
  err = kith_policy_blind_hash(&terms, &link->policy);
  if (err == KITH_OK)
    err = kith_blind_parse(&side->submission, side->bytes, side->len, name, fault);
  if (err == KITH_OK)
    err = kith_blind_expect(&side->submission, &agency->layout, &terms, high, name, fault);
  blind->n_rows += side->submission.n_rows;
  blind->join_ms += kith_clock_monotonic_ms() - start_ms;
  return err;
}

static enum kith_err compare_two(struct kith_link *link, const struct kith_secret *secret,
                                 unsigned p, unsigned q, struct kith_fault *fault)
{
  bool in_order = strcmp(link->names[p], link->names[q]) < 0;
  struct side low = {.party = in_order ? p : q};
  struct side high = {.party = in_order ? q : p};
  struct kith_secret *key = NULL;
  int64_t start_ms;
  enum kith_err err = kith_blind_pair_key(&key, secret, NULL, 0, link->names[p], link->names[q]);

  if (err != KITH_OK)
    return kith_fail(fault, err, "no key for %s and %s", link->names[p], link->names[q]);
  err = side_make(&low, link, key, false, fault);
  if (err == KITH_OK)
    err = side_make(&high, link, key, true, fault);
  kith_secret_free(key);
  start_ms = kith_clock_monotonic_ms();
  if (err == KITH_OK)
    err = kith_blind_join(&link->blind->pairs[p][q], &low.submission, &high.submission,
                          link->names[low.party], link->names[high.party], fault);
  link->blind->join_ms += kith_clock_monotonic_ms() - start_ms;
  kith_free(low.bytes);
  kith_free(high.bytes);
  return err;
}

static enum kith_err look_within(struct kith_link *link, unsigned p, unsigned q)
{
  struct kith_link_blind *blind = link->blind;
  int64_t start_ms = kith_clock_monotonic_ms();
  enum kith_err err = kith_blind_within(&blind->within[p][q], &blind->agencies[p],
                                        blind->secrets[p], (size_t)blind->n_people[q]);

  blind->within_ms += kith_clock_monotonic_ms() - start_ms;
  return err;
}

static enum kith_err compare_all(struct kith_link *link, const struct kith_secret *secret,
                                 const struct kith_linkage_input *input, struct kith_fault *fault)
{
  unsigned n = link->n_parties;
  double pairs = n * (n - 1) / 2.0;
  unsigned done = 0;
  enum kith_err err = KITH_OK;

  for (unsigned p = 0; p < n; p++)
    for (unsigned q = p + 1; q < n && err == KITH_OK; q++) {
      if (input->cancel && atomic_load(input->cancel))
        return kith_fail(fault, KITH_ERR_CANCELLED, "stopped");
      err = compare_two(link, secret, p, q, fault);
      if (err == KITH_OK && ((err = look_within(link, p, q)) != KITH_OK ||
                             (err = look_within(link, q, p)) != KITH_OK))
        err = kith_fail(fault, err, "out of memory");
      input->progress(input->progress_context, 0.95 * ++done / pairs);
    }
  return err;
}

enum kith_err kith_link_blind_run(struct kith_link *link, const struct kith_secret *secret,
                                  const struct kith_linkage_input *input, struct kith_fault *fault)
{
  const struct kith_blind_input blind = {.input = input,
                                         .n_people = link->blind->n_people,
                                         .pairs = link->blind->pairs,
                                         .within = link->blind->within};
  enum kith_err err = compare_all(link, secret, input, fault);

  if (err == KITH_OK)
    err = kith_blind_link(&link->result, &blind, fault);
  if (err == KITH_OK && (err = kith_link_blind_expand(link)) != KITH_OK)
    (void)kith_fail(fault, err, "out of memory");
  if (err == KITH_OK)
    input->progress(input->progress_context, 1);
  return err;
}

void kith_link_blind_free(struct kith_link_blind *blind)
{
  if (!blind)
    return;
  for (unsigned p = 0; p < KITH_LINKAGE_PARTIES_MAX; p++) {
    kith_blind_agency_free(&blind->agencies[p]);
    kith_secret_free(blind->secrets[p]);
    for (unsigned q = 0; q < KITH_LINKAGE_PARTIES_MAX; q++) {
      kith_blind_pairs_free(&blind->pairs[p][q]);
      kith_blind_histogram_free(&blind->within[p][q]);
    }
  }
  kith_free(blind);
}

/* ---- the report */

void kith_link_blind_say(const struct kith_link *link)
{
  for (unsigned p = 0; p < link->n_parties; p++) {
    const struct kith_blind_agency *agency = &link->blind->agencies[p];

    if (agency->n > agency->n_people)
      (void)fprintf(stderr, "link: %zu records of %s are of people that it has already\n",
                    agency->n - agency->n_people, link->names[p]);
  }
}

json_t *kith_link_blind_json(const struct kith_link *link)
{
  const struct kith_link_blind *blind = link->blind;
  json_t *duplicates = json_object();
  uint64_t candidates = 0;
  int bad = 0;

  for (unsigned p = 0; p < link->n_parties; p++) {
    bad |= json_object_set_new(
        duplicates, link->names[p],
        json_integer((json_int_t)(blind->agencies[p].n - blind->agencies[p].n_people)));
    for (unsigned q = p + 1; q < link->n_parties; q++)
      candidates += blind->pairs[p][q].n;
  }
  if (bad) {
    json_decref(duplicates);
    return NULL;
  }
  return json_pack("{s:o,s:I,s:I,s:I,s:{s:f,s:f,s:f}}", "duplicates", duplicates, "rows",
                   (json_int_t)blind->n_rows, "bytes", (json_int_t)blind->n_bytes, "candidates",
                   (json_int_t)candidates, "timings_s", "submissions",
                   (double)blind->submit_ms / 1000, "joins", (double)blind->join_ms / 1000,
                   "within", (double)blind->within_ms / 1000);
}
