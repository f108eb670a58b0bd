/* What `kith audit privacy` found: for people, programs and `kith policy sign`. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/attack/interval.h"
#include "cli/cli.h"
#include "cli/page.h"
#include "cli/page_style.h"
#include "cli/privacy/privacy.h"
#include "cli/verbs.h"

enum { FRESH_DAYS = 92, DAY_S = 86400, AUDIT_BYTES_MAX = 1 << 20 };
static const char caveat[] = "A lower bound; grows with size. A better attack finds more.";
static const char *const who_names[] = {"matcher", "insider", "all lists", "control"};

static const char *words_of(const struct kith_privacy_attack *attack)
{
  static const char *const words[][2] = {
      {"frequency", "which fields are missing, how full a row is"},
      {"graph", "graph matching"},
      {"dictionary", "an agency helps: the list is tried with its key"},
      {"every list", "the exact list of every agency"},
      {"unmasked", "control: signatures without their masks"}};

  for (size_t i = 0; i < KITH_COUNT_OF(words); i++)
    if (strcmp(words[i][0], attack->name) == 0)
      return words[i][1];
  return attack->name;
}

double kith_privacy_largest(const struct kith_privacy *run)
{
  double largest = 0;

  for (unsigned i = 0; i < run->n_attacks; i++) {
    double share = kith_interval(run->attacks[i].hits, run->attacks[i].n).share;

    if (run->attacks[i].who == KITH_PRIVACY_MATCHER && share > largest)
      largest = share;
  }
  return largest;
}

json_t *kith_privacy_json(const struct kith_privacy *run)
{
  json_t *attacks = json_array();
  char now[KITH_TIME_BYTES];
  json_t *json;

  for (unsigned i = 0; i < run->n_attacks; i++) {
    const struct kith_privacy_attack *attack = &run->attacks[i];
    struct kith_interval interval = kith_interval(attack->hits, attack->n);
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:f, s:f}", "attack", attack->name, "who",
                  who_names[attack->who], "known", (json_int_t)attack->known, "recognised",
                  (json_int_t)attack->hits, "people", (json_int_t)attack->n, "share",
                  interval.share, "low", interval.low, "high", interval.high);

    if (object && attack->guesses_per_s > 0)
      (void)json_object_set_new(object, "guesses_per_s", json_real(attack->guesses_per_s));
    (void)json_array_append_new(attacks, object);
  }
  kith_time_format(now, kith_clock_now());
  json = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:f, s:o, s:s}", "kith", "privacy-audit",
                   "format", 1, "policy", run->policy_hash, "time", now, "protection",
                   kith_protection_name(run->policy.protection), "list",
                   run->list_path ? "another" : "exact", "largest", kith_privacy_largest(run),
                   "attacks", attacks, "note", caveat);
  if (json && run->policy.privacy_bound.denominator)
    (void)json_object_set_new(json, "bound",
                              json_real(kith_ratio_double(run->policy.privacy_bound)));
  return json;
}

/* ---- a table */

int kith_privacy_print(const struct kith_privacy *run)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "ATTACK", "BY", "KNOWN", "PEOPLE", "RECOGNISED", "95% INTERVAL");
  for (unsigned i = 0; i < run->n_attacks; i++) {
    const struct kith_privacy_attack *attack = &run->attacks[i];
    struct kith_interval interval = kith_interval(attack->hits, attack->n);
    char known[16];
    char people[32];
    char share[32];
    char range[48];

    (void)snprintf(known, sizeof known, "%u", attack->known);
    (void)snprintf(people, sizeof people, "%llu", (unsigned long long)attack->n);
    (void)snprintf(share, sizeof share, "%.2f%%", 100 * interval.share);
    (void)snprintf(range, sizeof range, "%.2f%% to %.2f%%", 100 * interval.low,
                   100 * interval.high);
    KITH_CLI_ROW(&table, words_of(attack), who_names[attack->who], known, people, share, range);
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (err != KITH_OK)
    return kith_cli_error(err, "not enough memory");
  for (unsigned i = 0; i < run->n_attacks; i++)
    if (run->attacks[i].guesses_per_s > 0)
      printf("\nWith a key: %.0f guesses a second.", run->attacks[i].guesses_per_s);
  printf("\nThe attacker held %s. %s\n",
         run->list_path ? "another list of the same people" : "the exact list of the first file",
         caveat);
  return kith_cli_finish_stdout();
}

/* ---- a page */

static void page_rows(struct kith_buf *page, const struct kith_privacy *run)
{
  kith_page_put(page, "<table><thead><tr><th>Attack</th><th>By</th><th>Pairs known</th>"
                      "<th>People</th><th>Recognised</th><th>95%% interval</th></tr></thead>"
                      "<tbody>\n");
  for (unsigned i = 0; i < run->n_attacks; i++) {
    const struct kith_privacy_attack *attack = &run->attacks[i];
    struct kith_interval interval = kith_interval(attack->hits, attack->n);

    kith_page_put(page,
                  "<tr><td>%s</td><td>%s</td><td>%u</td><td>%llu</td><td>%.2f%%</td>"
                  "<td>%.2f%% to %.2f%%</td></tr>\n",
                  words_of(attack), who_names[attack->who], attack->known,
                  (unsigned long long)attack->n, 100 * interval.share, 100 * interval.low,
                  100 * interval.high);
  }
  kith_page_put(page, "</tbody></table>\n");
}

static void page_put(struct kith_buf *page, const struct kith_privacy *run)
{
  bool bounded = run->policy.privacy_bound.denominator != 0;
  double largest = kith_privacy_largest(run);
  bool kept = bounded && largest <= kith_ratio_double(run->policy.privacy_bound);
  char now[KITH_TIME_BYTES];

  kith_time_format(now, kith_clock_now());
  kith_page_put(
      page, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
            "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, "
            "initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n"
            "<title>Privacy audit</title>\n<style>\n");
  kith_buf_append_string(page, kith_page_style);
  kith_page_put(page, "</style>\n</head>\n<body>\n<main>\n<h1>Privacy audit of ");
  kith_page_text(page, run->policy.name);
  kith_page_put(page,
                "</h1>\n<p class=\"verdict %s\">The matcher, with a list in hand, recognised up to "
                "<strong>%.2f%%</strong> of people. %s</p>\n",
                kept ? "ready" : (bounded ? "stop" : "remarks"), 100 * largest,
                kept ? "The policy's bound is kept."
                     : (bounded ? "The policy's bound is exceeded." : "The policy has no bound."));
  kith_page_put(page,
                "<p>%s The attacker held %s. Rows of the insider are of a matcher that an agency "
                "helps; rows of the control have the protection taken away, and show that the "
                "attack works. Neither counts for the bound.</p>\n",
                caveat,
                run->list_path ? "another list of the same people"
                               : "the exact list of the first file");
  page_rows(page, run);
  for (unsigned i = 0; i < run->n_attacks; i++)
    if (run->attacks[i].guesses_per_s > 0)
      kith_page_put(page, "<p>With a key: %.0f guesses a second on this machine.</p>\n",
                    run->attacks[i].guesses_per_s);
  kith_page_put(page, "<p class=\"small\">Policy %s, at %s.</p>\n</main>\n</body>\n</html>\n",
                run->policy_hash, now);
}

enum kith_err kith_privacy_html(const struct kith_privacy *run, struct kith_fault *fault)
{
  struct kith_buf page;
  enum kith_err err;

  kith_buf_init(&page, 0);
  page_put(&page, run);
  err = kith_buf_err(&page);
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "not enough memory for the page");
  else
    err = kith_file_write(run->html, 0644, page.bytes, page.len, fault);
  kith_buf_free(&page);
  return err;
}

/* ---- for who signs */

bool kith_privacy_beside(char *out, size_t size, const char *policy_path)
{
  int len = snprintf(out, size, "%s.audit", policy_path);

  return len > 0 && (size_t)len < size;
}

static void judge(char *reason, const json_t *json, const struct kith_policy *policy,
                  const char *hash, int64_t now)
{
  const char *kith = json_string_value(json_object_get(json, "kith"));
  const char *of = json_string_value(json_object_get(json, "policy"));
  const char *time = json_string_value(json_object_get(json, "time"));
  const json_t *largest = json_object_get(json, "largest");
  int64_t at;

  if (!kith || strcmp(kith, "privacy-audit") != 0 || !of || !time || !json_is_number(largest) ||
      kith_time_parse(&at, time) != KITH_OK)
    (void)snprintf(reason, KITH_PRIVACY_REASON_BYTES, "is no result of 'kith audit privacy'");
  else if (strcmp(of, hash) != 0)
    (void)snprintf(reason, KITH_PRIVACY_REASON_BYTES, "is of another version of the policy");
  else if (now - at > (int64_t)FRESH_DAYS * DAY_S || at > now + DAY_S)
    (void)snprintf(reason, KITH_PRIVACY_REASON_BYTES, "is older than %d days", FRESH_DAYS);
  else if (policy->privacy_bound.denominator &&
           json_number_value(largest) > kith_ratio_double(policy->privacy_bound))
    (void)snprintf(reason, KITH_PRIVACY_REASON_BYTES, "shows that privacy_bound is exceeded");
}

void kith_privacy_stale(char reason[KITH_PRIVACY_REASON_BYTES], const struct kith_policy *policy,
                        const char *hash, const char *path, int64_t now)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  struct kith_fault fault = {0};
  size_t len = 0;
  json_t *json = NULL;

  reason[0] = '\0';
  if (!kith_file_exists(path)) {
    (void)snprintf(reason, KITH_PRIVACY_REASON_BYTES, "is not there");
    return;
  }
  if (kith_file_read(&bytes, &len, path, AUDIT_BYTES_MAX, &fault) != KITH_OK ||
      kith_json_parse(&json, bytes, len, path, &fault) != KITH_OK)
    (void)snprintf(reason, KITH_PRIVACY_REASON_BYTES, "can't be read: %.300s", fault.text);
  else
    judge(reason, json, policy, hash, now);
  json_decref(json);
}
