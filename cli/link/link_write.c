#include <jansson.h>
#include <stdio.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/link/link.h"
#include "cli/link/link_blind.h"
#include "cli/threshold/threshold.h"
#include "cli/verbs.h"

/* Who is one person with whom: for the owner's eyes. */
enum { FILE_MODE = 0600 };

static void put_ppm(FILE *stream, uint32_t ppm)
{
  (void)fprintf(stream, "%u.%06u", ppm / KITH_PPM, ppm % KITH_PPM);
}

static void put_record(FILE *stream, const struct kith_link *link, unsigned party, size_t row)
{
  kith_csv_write_field(stream, link->names[party]);
  (void)putc(',', stream);
  kith_csv_write_field(stream, kith_ids_at(&link->parties[party].ids, row));
}

/* ---- the tables */

/* Pairs inside a party are shown where they were asked for, or are linked. */
static bool shows_pair(const struct kith_link *link, const struct kith_linkage_pair *pair)
{
  return pair->linked || pair->party_a != pair->party_b || link->within;
}

static void print_pairs(FILE *stream, const struct kith_link *link)
{
  (void)fputs("party_a,id_a,party_b,id_b,similarity,probability,linked\n", stream);
  for (size_t i = 0; i < link->result.n_pairs; i++) {
    const struct kith_linkage_pair *pair = &link->result.pairs[i];
    if (!shows_pair(link, pair))
      continue;
    put_record(stream, link, pair->party_a, pair->row_a);
    (void)putc(',', stream);
    put_record(stream, link, pair->party_b, pair->row_b);
    (void)putc(',', stream);
    put_ppm(stream, pair->similarity);
    (void)putc(',', stream);
    put_ppm(stream, pair->probability);
    (void)fprintf(stream, ",%d\n", pair->linked);
  }
}

static void print_clusters(FILE *stream, const struct kith_link *link)
{
  (void)fputs("cluster,party,id\n", stream);
  for (unsigned p = 0; p < link->n_parties; p++)
    for (size_t row = 0; row < link->parties[p].encodings.n; row++) {
      (void)fprintf(stream, "%u,", link->result.cluster_of[p][row] + 1);
      put_record(stream, link, p, row);
      (void)putc('\n', stream);
    }
}

/* "police;health", in the order of the parties. */
static void put_services(FILE *stream, const struct kith_link *link, uint32_t parties)
{
  char text[KITH_LINKAGE_PARTIES_MAX * 256] = "";
  size_t len = 0;
  for (unsigned p = 0; p < link->n_parties && len < sizeof text; p++)
    if (parties >> p & 1)
      len += (size_t)snprintf(text + len, sizeof text - len, "%s%.254s", len ? ";" : "",
                              link->names[p]);
  kith_csv_write_field(stream, text);
}

static void print_cohort(FILE *stream, const struct kith_link *link)
{
  (void)fputs("cohort,services,party,id,confidence\n", stream);
  for (size_t i = 0; i < link->cohort.n; i++) {
    const struct kith_cohort_member *member = &link->cohort.members[i];
    const struct kith_cluster *cluster = &link->result.clusters[member->cluster];
    for (uint32_t k = 0; k < member->n_records; k++) {
      const struct kith_cohort_record_ref *record = &link->cohort.records[member->first + k];
      (void)fprintf(stream, "%zu,", i + 1);
      put_services(stream, link, cluster->parties);
      (void)putc(',', stream);
      put_record(stream, link, record->party, record->row);
      (void)putc(',', stream);
      put_ppm(stream, cluster->confidence);
      (void)putc('\n', stream);
    }
  }
}

/* ---- the report */

static double of_ppm(uint32_t ppm)
{
  return (double)ppm / KITH_PPM;
}

static json_t *party_json(const struct kith_link *link, unsigned p)
{
  const struct kith_encoded *party = &link->parties[p];
  const struct kith_objections *list = link->objections[p];
  json_t *scope = json_object();
  int bad = 0;
  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++)
    bad |= json_object_set_new(scope, kith_scope_reason_key((enum kith_scope_reason)i),
                               json_integer((json_int_t)party->scope.n[i]));
  if (bad) {
    json_decref(scope);
    return NULL;
  }
  const json_int_t n_missed = (json_int_t)(list ? kith_objections_missed(list) : 0);
  json_t *out = json_pack("{s:s,s:I,s:I,s:I,s:I}", "party", link->names[p], "records",
                          (json_int_t)party->encodings.n, "encoded", (json_int_t)party->n_in_scope,
                          "set_aside", (json_int_t)party->n_set_aside, "out_of_scope",
                          (json_int_t)party->n_out_of_scope);
  json_t *rest = json_pack(
      "{s:I,s:I,s:I,s:I,s:o}", "sparse", (json_int_t)party->scope.n[KITH_SCOPE_SPARSE], "coarsened",
      (json_int_t)party->n_coarsened, "objected", (json_int_t)party->scope.n[KITH_SCOPE_OBJECTED],
      "objections_without_record", n_missed, "scope", scope);
  bool joined = out && rest && json_object_update(out, rest) == 0;
  json_decref(rest);
  if (joined)
    return out;
  json_decref(out);
  return NULL;
}

static json_t *parties_json(const struct kith_link *link)
{
  json_t *list = json_array();
  for (unsigned p = 0; p < link->n_parties; p++) {
    if (json_array_append_new(list, party_json(link, p))) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

static json_t *point_json(const struct kith_curve_point *point)
{
  return json_pack("{s:f,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "threshold",
                   of_ppm(point->threshold), "links", (json_int_t)point->links, "false_links",
                   point->false_links, "precision", point->precision, "precision_low",
                   point->precision_low, "precision_high", point->precision_high, "recall",
                   point->recall, "recall_low", point->recall_low, "recall_high",
                   point->recall_high, "f1", point->f1);
}

static json_t *curve_json(const struct kith_linkage_result *result)
{
  json_t *list = json_array();
  for (unsigned i = 0; i < KITH_CURVE_STEPS; i++) {
    const struct kith_curve_point *point = &result->curve[i];
    if (json_array_append_new(list, point_json(point))) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

struct counts {
  uint64_t across;
  uint64_t within;
  uint64_t linked_across;
  uint64_t linked_within;
  uint64_t of_two_or_more;
  uint64_t flagged;
};

static struct counts count(const struct kith_linkage_result *result)
{
  struct counts counts = {0};
  for (size_t i = 0; i < result->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &result->pairs[i];
    bool inside = pair->party_a == pair->party_b;
    counts.across += !inside;
    counts.within += inside;
    counts.linked_across += !inside && pair->linked;
    counts.linked_within += inside && pair->linked;
  }
  for (size_t i = 0; i < result->n_clusters; i++) {
    counts.of_two_or_more += result->clusters[i].n_records > 1;
    counts.flagged += (result->clusters[i].flags & ~(uint32_t)KITH_CLUSTER_DUPLICATE) != 0;
  }
  return counts;
}

static json_t *counts_json(const struct kith_link *link)
{
  struct counts counts = count(&link->result);
  return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "pairs_across",
                   (json_int_t)counts.across, "pairs_within", (json_int_t)counts.within,
                   "linked_across", (json_int_t)counts.linked_across, "linked_within",
                   (json_int_t)counts.linked_within, "clusters",
                   (json_int_t)link->result.n_clusters, "clusters_of_two_or_more",
                   (json_int_t)counts.of_two_or_more, "clusters_flagged",
                   (json_int_t)counts.flagged, "cohort_people", (json_int_t)link->cohort.n,
                   "cohort_records", (json_int_t)link->cohort.n_records);
}

static json_t *people_json(const struct kith_link *link)
{
  struct kith_threshold_view *view = KITH_NEW(struct kith_threshold_view);
  json_t *json = NULL;
  if (view) {
    kith_threshold_of_linkage(view, &link->result, &link->policy, (const char *const *)link->names);
    json = kith_threshold_json(view);
  }
  kith_free(view);
  return json;
}

static json_t *report_json(const struct kith_link *link)
{
  char bound[KITH_RATIO_TEXT_BYTES];
  kith_policy_ratio_text(bound, link->result.candidate_bound);
  return json_pack("{s:s,s:i,s:s,s:I,s:s,s:s,s:b,s:b,s:o,s:o,s:f,s:f,s:f,s:{s:f,s:f},s:o,s:o}",
                   "kith", "link report", "format", 1, "policy", link->policy.name,
                   "policy_version", (json_int_t)link->policy.version, "rule", link->policy.rule,
                   "candidate_bound", bound, "random_secret",
                   !link->encodings && !link->secret_path, "within", link->within, "parties",
                   parties_json(link), "counts", counts_json(link), "threshold",
                   of_ppm(link->result.threshold), "estimated_true_pairs", link->result.true_pairs,
                   "duplicate_share", link->result.duplicate_share, "timings_s", "encode",
                   (double)link->encode_ms / 1000, "link", (double)link->link_ms / 1000,
                   "threshold_curve", curve_json(&link->result), "people", people_json(link));
}

/* What only a blind policy has to tell. */
static json_t *whole_report_json(const struct kith_link *link)
{
  json_t *report = report_json(link);

  if (report && link->blind && json_object_set_new(report, "blind", kith_link_blind_json(link))) {
    json_decref(report);
    return NULL;
  }
  return report;
}

static enum kith_err write_report(const struct kith_link *link, const char *path,
                                  struct kith_fault *fault)
{
  json_t *report = whole_report_json(link);
  char *text = report ? json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
  struct kith_file_out *file = NULL;
  json_decref(report);
  if (!text)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  enum kith_err err = kith_file_out_new(&file, path, FILE_MODE, fault);
  if (!err) {
    (void)fprintf(kith_file_out_stream(file), "%s\n", text);
    err = kith_file_out_commit(file, fault);
  }
  kith_file_out_free(file);
  free(text);
  return err;
}

static enum kith_err write_table(const struct kith_link *link, const char *path,
                                 void (*print)(FILE *, const struct kith_link *),
                                 struct kith_fault *fault)
{
  struct kith_file_out *file = NULL;
  enum kith_err err = kith_file_out_new(&file, path, FILE_MODE, fault);
  if (err)
    return err;
  print(kith_file_out_stream(file), link);
  err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  return err;
}

enum kith_err kith_link_write(const struct kith_link *link, struct kith_fault *fault)
{
  static const struct {
    const char *name;
    void (*print)(FILE *, const struct kith_link *);
  } tables[] = {
      {"pairs.csv", print_pairs}, {"clusters.csv", print_clusters}, {"cohort.csv", print_cohort}};
  enum kith_err err = kith_dir_make(link->out, 0755, fault);
  for (size_t i = 0; i < KITH_COUNT_OF(tables) && !err; i++) {
    KITH_AUTO_FREE char *path = kith_path_join(link->out, tables[i].name);
    err = path ? write_table(link, path, tables[i].print, fault)
               : kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  }
  if (err)
    return err;
  KITH_AUTO_FREE char *path = kith_path_join(link->out, "report.json");
  KITH_AUTO_FREE char *page = kith_path_join(link->out, "report.html");
  if (!path || !page)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  err = write_report(link, path, fault);
  return err ? err : kith_link_report(link, page, fault);
}

/* Rows that have no encoding, each reason apart. */
static void say_left_out(const struct kith_link *link)
{
  struct kith_scope_counts counts = {0};
  uint64_t set_aside = 0;
  uint64_t coarsened = 0;

  if (link->blind)
    kith_link_blind_say(link);
  for (unsigned p = 0; p < link->n_parties; p++) {
    set_aside += link->parties[p].n_set_aside;
    coarsened += link->parties[p].n_coarsened;
    kith_scope_counts_add(&counts, &link->parties[p].scope);
  }
  if (set_aside)
    (void)fprintf(stderr, "link: %llu rows were set aside: kith source check says why\n",
                  (unsigned long long)set_aside);
  if (coarsened)
    (void)fprintf(stderr,
                  "link: %llu rows were encoded without a field that they have: fewer than %u rows "
                  "of their file lack the same fields\n",
                  (unsigned long long)coarsened, link->policy.mask_minimum);
  for (unsigned i = KITH_SCOPE_IN + 1; i < KITH_SCOPE_REASON_COUNT; i++)
    if (counts.n[i])
      (void)fprintf(stderr, "link: %llu rows were not encoded: %s\n",
                    (unsigned long long)counts.n[i],
                    kith_scope_reason_name((enum kith_scope_reason)i));
  for (unsigned p = 0; p < link->n_parties; p++)
    if (link->objections[p] && kith_objections_missed(link->objections[p]))
      (void)fprintf(stderr, "link: %zu ids of %s's list of objections are not in its file\n",
                    kith_objections_missed(link->objections[p]), link->names[p]);
}

int kith_link_say(const struct kith_link *link)
{
  if (link->json)
    return kith_cli_json(whole_report_json(link));
  if (link->quiet)
    return 0;
  struct counts counts = count(&link->result);
  (void)fprintf(stderr,
                "link: %llu pairs across and %llu inside files are linked, at a match probability "
                "of %.2f\nlink: %llu people with two or more records; %zu in the cohort (%s)\n",
                (unsigned long long)counts.linked_across, (unsigned long long)counts.linked_within,
                of_ppm(link->result.threshold), (unsigned long long)counts.of_two_or_more,
                link->cohort.n, link->policy.rule);
  say_left_out(link);
  if (!link->encodings && !link->secret_path)
    (void)fputs("link: the secret was random: another run differs in a few pairs\n", stderr);
  return 0;
}
