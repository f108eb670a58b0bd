/* What `kith policy tune` found, as tables and as JSON: counts and rates. */
#include <stdio.h>

#include "base/mem.h"
#include "cli/policy/tune.h"
#include "cli/verbs.h"

enum { CELL_BYTES = 24 };

static const char *const kinds[KITH_TUNE_KINDS] = {"likely", "rivals", "chance"};

static double missing(const struct kith_tune *tune, unsigned field)
{
  return tune->n_records ? 1 - (double)tune->fields[field].n_with / (double)tune->n_records : 0;
}

static double share_now(const struct kith_tune *tune, unsigned field)
{
  const struct kith_policy *policy = &tune->policy;
  uint64_t sum = 0;

  for (unsigned i = 0; i < policy->n_fields; i++)
    if (policy->fields[i].filter == policy->fields[field].filter)
      sum += policy->fields[i].weight;
  return (double)policy->fields[field].weight / (double)sum;
}

/* ---- tables */

static const char *percent(char out[CELL_BYTES], double share)
{
  (void)snprintf(out, CELL_BYTES, share > 0 && share < 0.001 ? "%.3f%%" : "%.1f%%", 100 * share);
  return out;
}

static const char *arrow(char out[CELL_BYTES], unsigned from, unsigned to)
{
  (void)snprintf(out, CELL_BYTES, from == to ? "%u" : "%u -> %u", from, to);
  return out;
}

static enum kith_err print_evidence(const struct kith_tune *tune)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "FIELD", "MISSING", "VALUES", "TOKENS", "SAME: LIKELY", "RIVALS", "CHANCE",
               "ALIKE: LIKELY", "RIVALS", "CHANCE");
  for (unsigned i = 0; i < tune->policy.n_fields; i++) {
    const struct kith_tune_field *field = &tune->fields[i];
    char cells[9][CELL_BYTES];

    (void)snprintf(cells[1], CELL_BYTES, "%llu", (unsigned long long)field->distinct);
    (void)snprintf(cells[2], CELL_BYTES, "%.1f", field->tokens);
    for (unsigned kind = 0; kind < KITH_TUNE_KINDS; kind++) {
      (void)percent(cells[3 + kind], field->equal[kind]);
      (void)snprintf(cells[6 + kind], CELL_BYTES, "%.2f", field->mean[kind]);
    }
    KITH_CLI_ROW(&table, tune->policy.fields[i].field, percent(cells[0], missing(tune, i)),
                 cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7], cells[8]);
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static const char *signed_percent(char out[CELL_BYTES], double change)
{
  (void)snprintf(out, CELL_BYTES, "%+.2f", 100 * change);
  return out;
}

static enum kith_err print_proposal(const struct kith_tune *tune)
{
  struct kith_cli_table table = {0};
  unsigned n_columns = tune->fast ? 5 : 8;
  const char *heading[] = {
      "FIELD", "FILTER", "SHARE", "BITS A TOKEN", "WEIGHT", "WITHOUT IT: PREC.", "RECALL", "F1"};
  enum kith_err err;

  kith_cli_table_row(&table, n_columns, heading);
  for (unsigned i = 0; i < tune->policy.n_fields; i++) {
    const struct kith_tune_field *field = &tune->fields[i];
    const struct kith_policy_field *now = &tune->policy.fields[i];
    char cells[6][CELL_BYTES];
    char share[2 * CELL_BYTES + 8];
    char from[CELL_BYTES];

    (void)snprintf(share, sizeof share, "%s -> %s", percent(from, share_now(tune, i)),
                   percent(cells[0], field->share));
    kith_cli_table_row(
        &table, n_columns,
        (const char *[]){
            now->field, tune->policy.n_filters ? tune->policy.filters[now->filter].name : "the one",
            share, arrow(cells[1], now->bits_per_token, field->bits_per_token),
            arrow(cells[2], now->weight, field->weight),
            signed_percent(cells[3], field->precision_change),
            signed_percent(cells[4], field->recall_change),
            signed_percent(cells[5], field->f1_change)});
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static unsigned bits_of(const struct kith_policy *policy, unsigned filter)
{
  return filter ? policy->filters[filter].bits : policy->bits;
}

static int print(const struct kith_tune *tune)
{
  enum kith_err err;

  printf(
      "%llu records; %llu pairs that are likely one person, %llu rivals (alike, and hardly one),\n"
      "%llu of any two. Linking them all foretells precision %.3f and recall %.3f.\n\n",
      (unsigned long long)tune->n_records, (unsigned long long)tune->n_pairs[KITH_TUNE_LIKELY],
      (unsigned long long)tune->n_pairs[KITH_TUNE_RIVAL],
      (unsigned long long)tune->n_pairs[KITH_TUNE_CHANCE], tune->precision, tune->recall);
  err = print_evidence(tune);
  printf("\n");
  if (err == KITH_OK)
    err = print_proposal(tune);
  printf("\n");
  for (unsigned f = 0; f == 0 || f < tune->policy.n_filters; f++) {
    char bits[CELL_BYTES];

    printf("filter%s%s: %s bits, of which %.1f%% are set, and %.1f%% as proposed\n",
           tune->policy.n_filters ? " " : "", tune->policy.filters[f].name,
           arrow(bits, bits_of(&tune->policy, f), bits_of(&tune->proposed, f)),
           100 * tune->fill_now[f], 100 * tune->fill[f]);
  }
  if (err != KITH_OK)
    return kith_cli_error(err, "out of memory");
  if (tune->out)
    (void)fprintf(stderr, "%s: next: kith policy check %s\n", tune->out, tune->out);
  return kith_cli_finish_stdout();
}

/* ---- JSON */

static json_t *by_kind(const double values[KITH_TUNE_KINDS])
{
  json_t *object = json_object();

  for (unsigned kind = 0; kind < KITH_TUNE_KINDS; kind++)
    (void)json_object_set_new(object, kinds[kind], json_real(values[kind]));
  return object;
}

static json_t *field_json(const struct kith_tune *tune, unsigned i)
{
  const struct kith_tune_field *field = &tune->fields[i];
  const struct kith_policy_field *now = &tune->policy.fields[i];
  json_t *without = tune->fast ? json_null()
                               : json_pack("{s:f, s:f, s:f}", "precision", field->precision_change,
                                           "recall", field->recall_change, "f1", field->f1_change);

  return json_pack(
      "{s:s, s:i, s:f, s:I, s:f, s:o, s:o, s:{s:f, s:i, s:i}, s:{s:f, s:i, s:i, s:f}, s:o}",
      "field", now->field, "filter", (int)now->filter, "missing", missing(tune, i), "values",
      (json_int_t)field->distinct, "tokens", field->tokens, "same", by_kind(field->equal), "alike",
      by_kind(field->mean), "now", "share", share_now(tune, i), "bits_per_token",
      (int)now->bits_per_token, "weight", (int)now->weight, "proposed", "share", field->share,
      "bits_per_token", (int)field->bits_per_token, "weight", (int)field->weight, "bits_set",
      field->bits_set, "without", without);
}

static json_t *tune_json(const struct kith_tune *tune)
{
  json_t *fields = json_array();
  json_t *filters = json_array();
  int bad = 0;

  for (unsigned i = 0; i < tune->policy.n_fields; i++)
    bad |= json_array_append_new(fields, field_json(tune, i));
  for (unsigned f = 0; f == 0 || f < tune->policy.n_filters; f++)
    bad |= json_array_append_new(
        filters, json_pack("{s:s, s:i, s:i, s:f, s:f}", "name",
                           tune->policy.n_filters ? tune->policy.filters[f].name : "", "bits_now",
                           (int)bits_of(&tune->policy, f), "bits", (int)bits_of(&tune->proposed, f),
                           "fill_now", tune->fill_now[f], "fill", tune->fill[f]));
  if (bad) {
    json_decref(fields);
    json_decref(filters);
    return NULL;
  }
  return json_pack(
      "{s:I, s:{s:I, s:I, s:I}, s:{s:f, s:f, s:f}, s:o, s:o}", "records",
      (json_int_t)tune->n_records, "pairs", "likely", (json_int_t)tune->n_pairs[KITH_TUNE_LIKELY],
      "rivals", (json_int_t)tune->n_pairs[KITH_TUNE_RIVAL], "chance",
      (json_int_t)tune->n_pairs[KITH_TUNE_CHANCE], "foretold", "precision", tune->precision,
      "recall", tune->recall, "f1", tune->f1, "filters", filters, "fields", fields);
}

int kith_tune_show(const struct kith_tune *tune)
{
  return tune->json ? kith_cli_json(tune_json(tune)) : print(tune);
}
