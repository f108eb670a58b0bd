/* `kith link`: the agencies' pipeline and the matcher's linkage in one process. */
#include "cli/link/link.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/documents.h"
#include "cli/link/link_blind.h"
#include "crypto/secret.h"
#include "matcher/engine/engine.h"
#include "proto/policy_blind.h"

enum { SECRET_BYTES = 32, SECRET_FILE_BYTES_MAX = 4096 };
#define IDS_FILE_BYTES_MAX ((size_t)1 << 32)

/* ---- the policy */

static enum kith_err load_policy(struct kith_link *link, struct kith_fault *fault)
{
  if (link->policy_path) {
    struct kith_signed document = {0};
    enum kith_err err = kith_cli_policy_load(&document, &link->policy, link->policy_path, fault);
    kith_signed_free(&document);
    return err;
  }
  char agencies[KITH_LINKAGE_PARTIES_MAX][KITH_MEMBER_ID_BYTES] = {{0}};
  for (unsigned p = 0; p < link->n_parties; p++)
    (void)snprintf(agencies[p], sizeof agencies[p], "%s", link->names[p]);
  kith_policy_default(&link->policy, (const char(*)[KITH_MEMBER_ID_BYTES])agencies,
                      link->n_parties);
  if (link->address_filter)
    kith_policy_add_address_filter(&link->policy);
  if (link->protection == KITH_PROTECTION_BLIND)
    kith_policy_default_blind(&link->policy);
  return KITH_OK;
}

/* Whether `name` stands in the list "a,b,c". */
static bool list_has(const char *list, const char *name)
{
  size_t len = strlen(name);
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
      return true;
  return false;
}

static bool is_of_both_names(const char *field)
{
  enum kith_field of = kith_field_of_policy(field);
  return of == KITH_FIELD_NAMES || of == KITH_FIELD_NAME_FORMS;
}

bool kith_link_has_field(const struct kith_link *link, const char *field)
{
  if (is_of_both_names(field))
    return list_has(link->fields, "given_name") && list_has(link->fields, "surname");
  return list_has(link->fields, field);
}

static enum kith_err check_names(const char *list, struct kith_fault *fault)
{
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
    char name[32];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
    if (kith_field_find(name) == KITH_FIELD_COUNT)
      return kith_fail(fault, KITH_ERR_USAGE,
                       "--fields: \"%s\" is no standard column; they are given_name, middle_names, "
                       "surname, known_as, date_of_birth, sex, street, town, postcode",
                       name);
  }
  return KITH_OK;
}

/* Of the minimum evidence, what the columns that are left can give: a group that has none of them
 * asks for nothing. */
static void narrow_evidence(struct kith_link *link)
{
  struct kith_evidence *evidence = &link->policy.evidence;
  unsigned n_groups = 0;
  for (unsigned i = 0; i < evidence->n_groups; i++) {
    struct kith_evidence_group *group = &evidence->groups[n_groups];
    *group = evidence->groups[i];
    unsigned n = 0;
    for (unsigned j = 0; j < group->n; j++) {
      if (is_of_both_names(group->fields[j])
              ? list_has(link->fields, "given_name") || list_has(link->fields, "surname")
              : list_has(link->fields, group->fields[j]))
        memmove(group->fields[n++], group->fields[j], sizeof group->fields[j]);
    }
    group->n = n;
    n_groups += n > 0;
  }
  evidence->n_groups = n_groups;
}

static enum kith_err narrow_fields(struct kith_link *link, struct kith_fault *fault)
{
  enum kith_err err = link->fields ? check_names(link->fields, fault) : KITH_OK;
  if (err || !link->fields)
    return err;
  if (link->policy.protection == KITH_PROTECTION_BLIND)
    kith_link_blind_narrow(link);
  unsigned n = 0;
  unsigned n_compared = 0; /* in the first filter */
  for (unsigned i = 0; i < link->policy.n_fields; i++)
    if (kith_link_has_field(link, link->policy.fields[i].field))
      link->policy.fields[n++] = link->policy.fields[i];
  for (unsigned i = 0; i < n; i++)
    n_compared += link->policy.fields[i].filter == 0;
  if (n_compared == 0)
    return kith_fail(fault, KITH_ERR_USAGE, "--fields: the policy %s none of these columns",
                     n ? "compares" : "encodes");
  link->policy.n_fields = n;
  if (link->policy.protection == KITH_PROTECTION_BLIND && link->policy.blind.n_keys == 0)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--fields: none of the policy's match keys is of these columns alone");
  narrow_evidence(link);
  return KITH_OK;
}

static enum kith_err set_threshold(struct kith_link *link, struct kith_fault *fault)
{
  struct kith_threshold *threshold = &link->policy.threshold;
  if (!link->threshold)
    return KITH_OK;
  threshold->auto_default = strcmp(link->threshold, "auto") == 0;
  if (threshold->auto_default)
    return KITH_OK;
  enum kith_err err = kith_ratio_parse(&threshold->default_probability, link->threshold, fault);
  return err ? kith_fail_at(fault, err, "--threshold") : KITH_OK;
}

/* ---- objections and profiles */

/* PARTY=VALUE is for one party, VALUE for all: gives the value, and the parties [*first, *end). */
static const char *for_parties(const struct kith_link *link, const char *text, unsigned *first,
                               unsigned *end)
{
  const char *equals = strchr(text, '=');
  *first = 0;
  *end = link->n_parties;
  for (unsigned p = 0; equals && p < link->n_parties; p++)
    if (strncmp(link->names[p], text, (size_t)(equals - text)) == 0 &&
        link->names[p][equals - text] == '\0') {
      *first = p;
      *end = p + 1;
      return equals + 1;
    }
  return text;
}

static enum kith_err load_objections(struct kith_link *link, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < link->objection_paths.n && !err; i++) {
    unsigned first;
    unsigned end;
    const char *path = for_parties(link, link->objection_paths.items[i], &first, &end);
    for (unsigned p = first; p < end && !err; p++) {
      if (link->objections[p])
        err = kith_fail(fault, KITH_ERR_USAGE, "--objections: %s has two lists", link->names[p]);
      else
        err = kith_objections_load(&link->objections[p], path, fault);
    }
  }
  return err;
}

static enum kith_err load_profiles(struct kith_link *link, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < link->profile_names.n && !err; i++) {
    unsigned first;
    unsigned end;
    const char *name = for_parties(link, link->profile_names.items[i], &first, &end);
    for (unsigned p = first; p < end && !err; p++) {
      if (link->profiles[p])
        err = kith_fail(fault, KITH_ERR_USAGE, "--profile: %s has two profiles", link->names[p]);
      else
        err = kith_profile_load(&link->profiles[p], name, fault);
    }
  }
  return err;
}

/* ---- records to encodings */

static void show_share(void *context, double share)
{
  kith_cli_progress_update(context, share, share);
}

static enum kith_err make_secret(struct kith_secret **out, const struct kith_link *link,
                                 struct kith_fault *fault)
{
  enum kith_err err = kith_cli_crypto(fault);
  if (!err && link->secret_path)
    return kith_secret_read_file(out, link->secret_path, SECRET_FILE_BYTES_MAX, fault);
  if (!err && (err = kith_secret_random(out, SECRET_BYTES)) != KITH_OK)
    err = kith_fail(fault, err, "no memory for a secret");
  return err;
}

static enum kith_err encode_files(struct kith_link *link, const struct kith_secret *secret,
                                  struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  for (unsigned p = 0; p < link->n_parties && !err; p++) {
    struct kith_cli_progress progress;
    const struct kith_pipeline_options options = {.progress = show_share,
                                                  .progress_context = &progress,
                                                  .cancel = kith_cli_cancel_on_signal(),
                                                  .objections = link->objections[p]};
    struct kith_source_spec source = kith_source_of_file(link->paths[p]);
    source.profile = link->profiles[p];
    source.strict = link->strict;
    kith_cli_progress_start(&progress, link->names[p], "files", link->quiet);
    err = kith_pipeline_run(&link->parties[p], &link->policy, kith_secret_peek(secret),
                            kith_secret_len(secret), &source, &options, fault);
    kith_cli_progress_finish(&progress);
  }
  return err;
}

/* ---- encodings that are there already */

/* One id a line. */
static enum kith_err read_ids(struct kith_ids *ids, const char *path, size_t n,
                              struct kith_fault *fault)
{
  uint8_t *text = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&text, &len, path, IDS_FILE_BYTES_MAX, fault);
  char *line = (char *)text;
  while (!err && line < (char *)text + len) {
    char *end = strchrnul(line, '\n');
    bool last = *end == '\0';
    *end = '\0';
    if (*line == '\0' || end - line > KITH_ID_BYTES_MAX || (last && end != (char *)text + len))
      err = kith_fail(fault, KITH_ERR_DATA, "%s: line %zu: expected an id of up to %d bytes", path,
                      ids->n + 1, KITH_ID_BYTES_MAX);
    else if ((err = kith_ids_add(ids, line)) != KITH_OK)
      err = kith_fail(fault, err, "%s: no memory for its ids", path);
    line = end + 1;
  }
  kith_free(text);
  if (!err && ids->n != n)
    err = kith_fail(fault, KITH_ERR_DATA, "%s: %zu ids, but %zu encodings", path, ids->n, n);
  return err;
}

static enum kith_err number_rows(struct kith_ids *ids, size_t n, struct kith_fault *fault)
{
  for (size_t row = 0; row < n; row++) {
    char number[24];
    (void)snprintf(number, sizeof number, "%zu", row);
    enum kith_err err = kith_ids_add(ids, number);
    if (err)
      return kith_fail(fault, err, "no memory for the row numbers");
  }
  return KITH_OK;
}

static enum kith_err read_encodings(struct kith_link *link, unsigned p, struct kith_fault *fault)
{
  struct kith_encoded *party = &link->parties[p];
  char ids_path[4096];
  int len = snprintf(ids_path, sizeof ids_path, "%s.ids", link->paths[p]);
  enum kith_err err =
      kith_encodings_read(&party->encodings, link->paths[p], KITH_ENCODINGS_DETECT, 0, fault);
  if (!err && link->policy.masked_dice && link->policy.mask && party->encodings.n &&
      !party->encodings.masks)
    err = kith_fail(fault, KITH_ERR_DATA, "%s: no presence masks, which the policy asks for",
                    link->paths[p]);
  if (!err && party->encodings.n && party->encodings.bits != link->policy.bits)
    err = kith_fail(fault, KITH_ERR_DATA, "%s: rows of %u bits, but the policy has %u",
                    link->paths[p], party->encodings.bits, link->policy.bits);
  if (!err && party->encodings.n && party->encodings.stride != kith_policy_row_bytes(&link->policy))
    err = kith_fail(fault, KITH_ERR_DATA,
                    "%s: rows of %zu bytes in all filters, but the policy's filters have %zu",
                    link->paths[p], party->encodings.stride, kith_policy_row_bytes(&link->policy));
  for (unsigned q = 0; q < p && !err; q++)
    err = kith_encodings_comparable(&link->parties[q].encodings, link->paths[q], &party->encodings,
                                    link->paths[p], fault);
  if (err)
    return err;
  party->n_in_scope = party->encodings.n;
  if (len > 0 && (size_t)len < sizeof ids_path && kith_file_exists(ids_path))
    return read_ids(&party->ids, ids_path, party->encodings.n, fault);
  return number_rows(&party->ids, party->encodings.n, fault);
}

/* ---- all of it */

static enum kith_err run_linkage(struct kith_link *link, const struct kith_secret *secret,
                                 struct kith_fault *fault)
{
  const struct kith_encodings *encodings[KITH_LINKAGE_PARTIES_MAX];
  struct kith_cli_progress progress;
  for (unsigned p = 0; p < link->n_parties; p++)
    encodings[p] = &link->parties[p].encodings;
  uint64_t sparse[KITH_LINKAGE_PARTIES_MAX];
  for (unsigned p = 0; p < link->n_parties; p++)
    sparse[p] = link->parties[p].scope.n[KITH_SCOPE_SPARSE];
  const struct kith_linkage_input input = {.n_parties = link->n_parties,
                                           .parties = encodings,
                                           .policy = &link->policy,
                                           .names = (const char *const *)link->names,
                                           .sparse = sparse,
                                           .within = link->within,
                                           .n_threads = (unsigned)link->n_threads,
                                           .pairs_max = link->pairs_max,
                                           .progress = show_share,
                                           .progress_context = &progress,
                                           .cancel = kith_cli_cancel_on_signal()};
  kith_cli_progress_start(&progress, "link", "runs", link->quiet);
  enum kith_err err = link->blind ? kith_link_blind_run(link, secret, &input, fault)
                                  : kith_linkage_run(&link->result, &input, fault);
  kith_cli_progress_finish(&progress);
  return err ? err
             : kith_cohort_select(&link->cohort, &input, &link->result,
                                  (const char *const *)link->names, fault);
}

static enum kith_err read_terms(struct kith_link *link, struct kith_fault *fault)
{
  enum kith_err err = kith_cli_party_names(&link->names, link->paths, link->n_parties, fault);
  if (!err)
    err = load_policy(link, fault);
  if (!err && link->policy.protection == KITH_PROTECTION_BLIND)
    err = kith_link_blind_check(link, fault);
  if (!err)
    err = narrow_fields(link, fault);
  if (!err)
    err = set_threshold(link, fault);
  if (!err)
    err = load_objections(link, fault);
  return err ? err : load_profiles(link, fault);
}

static enum kith_err run_stages(struct kith_link *link, struct kith_fault *fault)
{
  struct kith_secret *secret = NULL;
  enum kith_err err = read_terms(link, fault);
  int64_t start_ms = kith_clock_monotonic_ms();
  if (!err && !link->encodings)
    err = make_secret(&secret, link, fault);
  if (!err && !link->encodings)
    err = link->policy.protection == KITH_PROTECTION_BLIND
              ? kith_link_blind_read(link, secret, fault)
              : encode_files(link, secret, fault);
  for (unsigned p = 0; p < link->n_parties && !err && link->encodings; p++)
    err = read_encodings(link, p, fault);
  int64_t encoded_ms = kith_clock_monotonic_ms();
  if (!err)
    err = run_linkage(link, secret, fault);
  kith_secret_free(secret);
  link->encode_ms = encoded_ms - start_ms;
  link->link_ms = kith_clock_monotonic_ms() - encoded_ms;
  return err ? err : kith_link_write(link, fault);
}

static int run_link(struct kith_link *link)
{
  struct kith_fault fault = {0};
  enum kith_err err = run_stages(link, &fault);
  if (err && !fault.err)
    (void)kith_fail(&fault, err, "linking failed: %s", kith_err_name(err));
  int status = err ? kith_cli_fail(&fault) : kith_link_say(link);
  kith_link_blind_free(link->blind);
  kith_cohort_selection_free(&link->cohort);
  kith_linkage_result_free(&link->result);
  for (unsigned p = 0; p < link->n_parties; p++) {
    kith_encoded_free(&link->parties[p]);
    kith_objections_free(link->objections[p]);
    kith_profile_free(link->profiles[p]);
  }
  kith_cli_party_names_free(link->names, link->n_parties);
  return status;
}

static enum kith_err check_usage(struct kith_link *link, int n_operands, struct kith_fault *fault)
{
  if (!link->out)
    return kith_fail(fault, KITH_ERR_USAGE, "--out is missing");
  if (n_operands < 1)
    return kith_fail(fault, KITH_ERR_USAGE, "expected one file of records per agency");
  if (n_operands > KITH_LINKAGE_PARTIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "%d files, at most %d can be linked", n_operands,
                     KITH_LINKAGE_PARTIES_MAX);
  if (link->encodings &&
      (link->secret_path || link->fields || link->objection_paths.n || link->profile_names.n))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--encodings: the files are encoded already, --secret-file, --fields and "
                     "--objections do not go with it");
  if (link->address_filter && link->policy_path)
    return kith_fail(
        fault, KITH_ERR_USAGE,
        "--address-filter: goes with kith's default policy; --policy says itself which "
        "filters there are");
  link->protection = KITH_PROTECTION_CLK;
  if (link->protection_name && !kith_protection_parse(&link->protection, link->protection_name))
    return kith_fail(fault, KITH_ERR_USAGE, "--protection: expected clk or blind");
  if (link->protection_name && link->policy_path)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--protection: goes with kith's default policy; --policy says itself which");
  if (link->address_filter && link->protection == KITH_PROTECTION_BLIND)
    return kith_fail(fault, KITH_ERR_USAGE, "--address-filter: blind comparison has no filters");
  link->n_parties = (unsigned)n_operands;
  link->within |= n_operands == 1;
  return KITH_OK;
}

int kith_cmd_link(int argc, char **argv)
{
  static struct kith_link link;
  link = (struct kith_link){.n_threads = kith_cli_processors(), .pairs_max = 200000000};
  if (link.n_threads > KITH_ENGINE_THREADS_MAX)
    link.n_threads = KITH_ENGINE_THREADS_MAX;
  const struct kith_cli_option options[] = {
      {"out", KITH_CLI_STRING, &link.out, "DIR", "where the results go", 0, 0, NULL},
      {"policy", KITH_CLI_STRING, &link.policy_path, "FILE", "instead of kith's default policy", 0,
       0, NULL},
      {"fields", KITH_CLI_STRING, &link.fields, "LIST", "only these columns: a,b,c", 0, 0, NULL},
      {"protection", KITH_CLI_STRING, &link.protection_name, "WHAT",
       "of the default policy: clk, or blind as in a round (docs/blind.md)", 0, 0, NULL},
      {"address-filter", KITH_CLI_FLAG, &link.address_filter, NULL,
       "the default policy with a second filter, of street and town", 0, 0, NULL},
      {"profile", KITH_CLI_LIST, &link.profile_names, "[PARTY=]NAME|FILE",
       "how the columns of the party's file, or of all, are laid out (standard)", 0, 0, NULL},
      {"objections", KITH_CLI_LIST, &link.objection_paths, "[PARTY=]FILE",
       "ids of people who objected: left out (of one party, or of all)", 0, 0, NULL},
      {"within", KITH_CLI_FLAG, &link.within, NULL,
       "also link inside each file (one file implies it)", 0, 0, NULL},
      {"strict", KITH_CLI_FLAG, &link.strict, NULL,
       "stop at the first bad row (else it is set aside)", 0, 0, NULL},
      {"secret-file", KITH_CLI_STRING, &link.secret_path, "FILE",
       "its bytes are the linkage secret (else random)", 0, 0, NULL},
      {"threshold", KITH_CLI_STRING, &link.threshold, "P",
       "match probability that links, or auto (the policy's)", 0, 0, NULL},
      {"encodings", KITH_CLI_FLAG, &link.encodings, NULL,
       "the files are encodings; FILE.ids has one id a line", 0, 0, NULL},
      {"threads", KITH_CLI_U64, &link.n_threads, "N", "threads (all processors)", 1,
       KITH_ENGINE_THREADS_MAX, NULL},
      {"max-pairs", KITH_CLI_U64, &link.pairs_max, "N",
       "stop with an error where there are more candidates", 1, UINT64_C(1) << 31, NULL},
      {"json", KITH_CLI_FLAG, &link.json, NULL, "print report.json", 0, 0, NULL},
      {"quiet", KITH_CLI_FLAG, &link.quiet, NULL, "no progress and no summary", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith link [OPTIONS] --out DIR A.csv [B.csv ...]",
      .about =
          "Finds which records of the files are of one person: reads, standardises, encodes,\n"
          "compares, scores, clusters and selects, all on this machine. A file's base name is\n"
          "its party, the column \"id\" its records' ids. Writes pairs.csv, clusters.csv,\n"
          "cohort.csv, report.json and report.html.",
      .examples = "  $ kith link --out linked police.csv education.csv health.csv\n"
                  "  $ kith link --within --fields given_name,surname,date_of_birth --out twice "
                  "clients.csv\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  struct kith_fault fault = {0};
  int first = 0;
  int status = 0;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (check_usage(&link, argc - first, &fault))
    return kith_cli_fail(&fault);
  link.paths = argv + first;
  return run_link(&link);
}
