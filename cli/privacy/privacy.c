#include "cli/privacy/privacy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/documents.h"

enum { KEY_BYTES = 1024, RECORDS_DEFAULT = 1000 };

/* ---- who is who */

static bool make_key(char key[KEY_BYTES], const char *party, const char *id)
{
  int len = snprintf(key, KEY_BYTES, "%s\n%s", party, id);

  return id[0] != '\0' && len > 0 && len < KEY_BYTES;
}

uint32_t kith_privacy_entity(struct kith_privacy *run, const char *party, const char *id)
{
  char key[KEY_BYTES];
  uint32_t number;

  if (!make_key(key, party, id))
    return KITH_INTERN_NONE;
  if (run->truth_path) {
    number = kith_intern_find(&run->records_of_truth, key);
    return number == KITH_INTERN_NONE ? number : run->entity_of[number];
  }
  if (strcmp(party, run->names[0]) != 0)
    return KITH_INTERN_NONE;
  return kith_intern_add(&run->entities, &number, id) == KITH_OK ? number : KITH_INTERN_NONE;
}

static enum kith_err add_truth(struct kith_privacy *run, const struct kith_csv_row *row,
                               const size_t columns[3], size_t *room, struct kith_fault *fault)
{
  const char *party = row->fields[columns[0]];
  const char *id = row->fields[columns[1]];
  uint32_t before = run->records_of_truth.n;
  char key[KEY_BYTES];
  uint32_t number = 0;
  uint32_t entity = 0;
  enum kith_err err;

  if (!make_key(key, party, id))
    return kith_fail(fault, KITH_ERR_DATA, "%s: row %llu: expected an id of up to %d bytes",
                     run->truth_path, (unsigned long long)row->row, KEY_BYTES / 2);
  err = kith_intern_add(&run->records_of_truth, &number, key);
  if (err == KITH_OK)
    err = kith_intern_add(&run->entities, &entity, row->fields[columns[2]]);
  if (err == KITH_OK && number < before)
    return kith_fail(fault, KITH_ERR_DATA, "%s: row %llu: a record that an earlier row has",
                     run->truth_path, (unsigned long long)row->row);
  if (err == KITH_OK && number >= *room) {
    uint32_t *more = kith_realloc(run->entity_of, 2 * *room + 1024, sizeof *more);

    if (more) {
      run->entity_of = more;
      *room = 2 * *room + 1024;
    } else {
      err = KITH_ERR_MEMORY;
    }
  }
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: not enough memory", run->truth_path);
  run->entity_of[number] = entity;
  return KITH_OK;
}

enum kith_err kith_privacy_truth(struct kith_privacy *run, struct kith_fault *fault)
{
  static const char *const names[] = {"party", "id", "entity"};
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;
  size_t columns[KITH_COUNT_OF(names)];
  size_t room = 0;
  enum kith_err err = kith_csv_open(&csv, run->truth_path, NULL, fault);

  for (size_t i = 0; i < KITH_COUNT_OF(names) && err == KITH_OK; i++) {
    columns[i] = kith_csv_column(csv, names[i]);
    if (columns[i] == SIZE_MAX)
      err = kith_fail(fault, KITH_ERR_DATA, "%s: row 1: expected a column \"%s\"", run->truth_path,
                      names[i]);
  }
  while (err == KITH_OK && (err = kith_csv_next(csv, &row, fault)) == KITH_OK)
    err = row.problem == KITH_CSV_FINE ? add_truth(run, &row, columns, &room, fault)
                                       : kith_csv_refuse(csv, &row, fault);
  kith_csv_free(csv);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* ---- odds and ends */

void kith_privacy_add(struct kith_privacy *run, struct kith_privacy_attack attack)
{
  if (run->n_attacks < KITH_PRIVACY_ATTACKS_MAX)
    run->attacks[run->n_attacks++] = attack;
}

void kith_privacy_shuffle(struct kith_privacy *run, uint32_t *items, size_t n)
{
  for (size_t i = 0; i < n; i++)
    items[i] = (uint32_t)i;
  for (size_t i = n; i > 1; i--) {
    uint32_t k = kith_gen_below(&run->rng, (uint32_t)i);
    uint32_t kept = items[i - 1];

    items[i - 1] = items[k];
    items[k] = kept;
  }
}

const char *kith_privacy_list(const struct kith_privacy *run)
{
  return run->list_name;
}

/* ---- the command */

static enum kith_err read_known(struct kith_privacy *run, const char *text,
                                struct kith_fault *fault)
{
  while (*text) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *text < '0' || *text > '9' || (*end != '\0' && *end != ',') ||
        value > 1000000 || run->n_known == KITH_PRIVACY_KNOWN_MAX)
      return kith_fail(fault, KITH_ERR_USAGE,
                       "--known: expected up to %d numbers with commas between, such as 0,20,400",
                       KITH_PRIVACY_KNOWN_MAX);
    run->known[run->n_known++] = (uint32_t)value;
    text = *end ? end + 1 : end;
  }
  return KITH_OK;
}

static enum kith_err load(struct kith_privacy *run, struct kith_fault *fault)
{
  struct kith_signed document = {0};
  enum kith_err err = kith_cli_crypto(fault);

  if (err == KITH_OK)
    err = kith_cli_policy_load(&document, &run->policy, run->policy_path, fault);
  if (err == KITH_OK)
    kith_cli_hash_text(run->policy_hash, &document);
  kith_signed_free(&document);
  if (err == KITH_OK)
    err = kith_cli_party_names(&run->names, run->paths, run->n_parties, fault);
  if (err == KITH_OK)
    err = kith_cli_party_name(&run->list_name, run->list_path ? run->list_path : run->paths[0],
                              fault);
  if (err == KITH_OK && run->truth_path)
    err = kith_privacy_truth(run, fault);
  return err;
}

static enum kith_err write_out(const struct kith_privacy *run, struct kith_fault *fault)
{
  json_t *json = kith_privacy_json(run);
  char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
  char beside[4096];
  enum kith_err err = KITH_OK;

  json_decref(json);
  if (!text)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if (!run->out && !kith_privacy_beside(beside, sizeof beside, run->policy_path))
    err = kith_fail(fault, KITH_ERR_USAGE, "--policy: the path is too long");
  if (err == KITH_OK)
    err = kith_file_write(run->out ? run->out : beside, 0644, text, strlen(text), fault);
  free(text);
  return err == KITH_OK && run->html ? kith_privacy_html(run, fault) : err;
}

static int run_privacy(struct kith_privacy *run)
{
  struct kith_fault fault = {0};
  bool blind;
  int status;

  kith_gen_seed(&run->rng, run->seed, 0);
  fault.err = load(run, &fault);
  blind = run->policy.protection == KITH_PROTECTION_BLIND;
  if (fault.err == KITH_OK) {
    enum kith_err err = blind ? kith_privacy_blind(run, &fault) : kith_privacy_clk(run, &fault);

    if (err != KITH_OK && fault.err == KITH_OK)
      (void)kith_fail(&fault, err, "the attacks failed: %s", kith_err_name(err));
  }
  if (fault.err == KITH_OK)
    fault.err = write_out(run, &fault);
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else
    status = run->json ? kith_cli_json(kith_privacy_json(run)) : kith_privacy_print(run);
  if (status == 0 && run->policy.privacy_bound.denominator &&
      kith_privacy_largest(run) > kith_ratio_double(run->policy.privacy_bound))
    status = kith_cli_error(KITH_ERR_NO, "the policy's privacy_bound is exceeded");
  kith_cli_party_names_free(run->names, run->n_parties);
  kith_free(run->list_name);
  kith_intern_free(&run->records_of_truth);
  kith_intern_free(&run->entities);
  kith_free(run->entity_of);
  return status;
}

static enum kith_err check_usage(struct kith_privacy *run, const char *known, int n_operands,
                                 struct kith_fault *fault)
{
  if (!run->policy_path)
    return kith_fail(fault, KITH_ERR_USAGE, "--policy is missing");
  if (n_operands < 1 || n_operands > KITH_LINKAGE_PARTIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "expected one file of records per agency, at most %d; 'kith generate' makes "
                     "some of nobody real",
                     KITH_LINKAGE_PARTIES_MAX);
  if (run->list_path && !run->truth_path)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--list: needs --truth, which says who is who in both files");
  run->n_parties = (unsigned)n_operands;
  return read_known(run, known, fault);
}

int kith_audit_privacy(int argc, char **argv)
{
  static struct kith_privacy run;
  const char *known = "0,5,20,100,400";
  run = (struct kith_privacy){.records = RECORDS_DEFAULT, .seed = 1};
  const struct kith_cli_option options[] = {
      {"policy", KITH_CLI_STRING, &run.policy_path, "FILE", "the policy that is attacked", 0, 0,
       NULL},
      {"list", KITH_CLI_STRING, &run.list_path, "FILE",
       "what the attacker holds (else the first file, exactly)", 0, 0, NULL},
      {"truth", KITH_CLI_STRING, &run.truth_path, "FILE",
       "CSV: party,id,entity; judges guesses, attackers don't see it", 0, 0, NULL},
      {"known", KITH_CLI_STRING, &known, "N,...", "how many pairs he knows (0,5,20,100,400)", 0, 0,
       NULL},
      {"records", KITH_CLI_U64, &run.records, "N", "that dense attacks take, at most (1000)", 2,
       KITH_PRIVACY_RECORDS_MAX, NULL},
      {"seed", KITH_CLI_U64, &run.seed, "S", "which records, and which are known (1)", 0,
       UINT64_MAX, NULL},
      {"out", KITH_CLI_STRING, &run.out, "FILE", "the result (the policy's path and .audit)", 0, 0,
       NULL},
      {"html", KITH_CLI_STRING, &run.html, "FILE", "the same as a page", 0, 0, NULL},
      {"json", KITH_CLI_FLAG, &run.json, NULL, "print JSON", 0, 0, NULL}};
  const struct kith_cli_spec spec = {
      .usage = "kith audit privacy --policy FILE [OPTIONS] A.csv [B.csv ...]",
      .about = "Attacks what the policy shows the matcher, on these files and on this machine, and "
               "says which share of people is recognised, as a lower bound: by patterns, by graph "
               "matching with some pairs known, and with a key. Exit status 1 where the share is "
               "above the policy's privacy_bound. 'kith policy sign' looks for the result.",
      .examples = "  $ kith generate --people 5000 --agencies 6 --seed 1 --out city\n"
                  "  $ kith audit privacy --policy policy.json --html privacy.html city/police.csv "
                  "city/health.csv\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (check_usage(&run, known, argc - first, &fault) != KITH_OK)
    return kith_cli_fail(&fault);
  run.paths = argv + first;
  return run_privacy(&run);
}
