/* The report of `kith link` for people: what a linkage study must publish (the GUILD statement,
 * Gilbert and others 2018): data provision, linkage, quality. Counts only, and no value. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/link/link.h"
#include "cli/page.h"
#include "cli/page_style.h"
#include "cli/threshold/threshold.h"
#include "proto/daemon_main.h"

enum { PAGE_MODE = 0600 };

static void head(struct kith_buf *page)
{
  kith_page_put(page, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
                      "<head>\n<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-"
                      "Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri "
                      "'none'; form-action 'none'\"/>\n<meta name=\"viewport\" content=\"width="
                      "device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content="
                      "\"light dark\"/>\n<title>Report of a linkage</title>\n<style>\n");
  kith_buf_append_string(page, kith_page_style);
  kith_page_put(page, "</style>\n</head>\n<body>\n<main>\n<h1>Report of a linkage</h1>\n");
}

static void row(struct kith_buf *page, const char *what, const char *value)
{
  kith_page_put(page, "<tr><th scope=\"row\">%s</th><td class=\"list\">", what);
  kith_page_text(page, value);
  kith_page_put(page, "</td></tr>\n");
}

/* ---- data provision */

static void provision(struct kith_buf *page, const struct kith_link *link)
{
  kith_page_put(page,
                "<h2>Data provision</h2>\n<div class=\"wide\"><table><caption>Rows of each "
                "file</caption><thead><tr><th scope=\"col\">party</th><th scope=\"col\">rows"
                "</th><th scope=\"col\">encoded</th><th scope=\"col\">set aside</th><th scope="
                "\"col\">out of scope</th></tr></thead><tbody>\n");
  for (unsigned p = 0; p < link->n_parties; p++) {
    const struct kith_encoded *party = &link->parties[p];

    kith_page_put(page, "<tr><th scope=\"row\">");
    kith_page_text(page, link->names[p]);
    kith_page_put(page, "</th><td>%zu</td><td>%llu</td><td>%llu</td><td>%llu</td></tr>\n",
                  party->encodings.n, (unsigned long long)party->n_in_scope,
                  (unsigned long long)party->n_set_aside,
                  (unsigned long long)party->n_out_of_scope);
  }
  kith_page_put(page, "</tbody></table></div>\n");
}

/* Of 100 encoded records, how many have the field. */
static double completeness(const struct kith_encodings *encodings, unsigned field)
{
  size_t with = 0;
  size_t encoded = 0;

  for (size_t i = 0; encodings->masks && i < encodings->n; i++) {
    with += encodings->masks[i] >> field & 1;
    encoded += encodings->masks[i] != 0;
  }
  return encoded ? 100 * (double)with / (double)encoded : 0;
}

static void fields(struct kith_buf *page, const struct kith_link *link)
{
  if (!link->policy.mask)
    return;
  kith_page_put(page,
                "<div class=\"wide\"><table><caption>Of 100 encoded records, so many have the "
                "field</caption><thead><tr><th scope=\"col\">field</th>");
  for (unsigned p = 0; p < link->n_parties; p++) {
    kith_page_put(page, "<th scope=\"col\">");
    kith_page_text(page, link->names[p]);
    kith_page_put(page, "</th>");
  }
  kith_page_put(page, "</tr></thead><tbody>\n");
  for (unsigned f = 0; f < link->policy.n_fields; f++) {
    kith_page_put(page, "<tr><th scope=\"row\">");
    kith_page_text(page, link->policy.fields[f].field);
    kith_page_put(page, "</th>");
    for (unsigned p = 0; p < link->n_parties; p++)
      kith_page_put(page, "<td>%.1f</td>", completeness(&link->parties[p].encodings, f));
    kith_page_put(page, "</tr>\n");
  }
  kith_page_put(page, "</tbody></table></div>\n");
}

/* ---- linkage */

static void linkage(struct kith_buf *page, const struct kith_link *link)
{
  const struct kith_threshold *threshold = &link->policy.threshold;
  char bound[KITH_RATIO_TEXT_BYTES];
  char text[256];
  double comparisons = 0;

  for (unsigned p = 0; p < link->n_parties; p++)
    for (unsigned q = p + 1; q < link->n_parties; q++)
      comparisons += (double)link->parties[p].encodings.n * (double)link->parties[q].encodings.n;
  kith_policy_ratio_text(bound, link->result.candidate_bound);
  kith_page_put(page, "<h2>Linkage</h2>\n<table><tbody>\n");
  row(page, "software", "kith " KITH_VERSION);
  row(page, "policy", link->policy.name);
  row(page, "standardiser", link->policy.standardiser);
  row(page, "method",
      "keyed Bloom filters; match probabilities without labels; clusters with at "
      "most one person of a party");
  (void)snprintf(text, sizeof text, "%.2f, %s", (double)link->result.threshold / KITH_PPM,
                 threshold->auto_default ? "the best estimated F1 in the policy's band"
                                         : "as it was given");
  row(page, "threshold", text);
  (void)snprintf(text, sizeof text, "%.0f pairs across parties, all of them; none lost to blocking",
                 comparisons);
  row(page, "comparisons", text);
  (void)snprintf(text, sizeof text, "%zu pairs at a similarity of %s and above",
                 link->result.n_pairs, bound);
  row(page, "candidates", text);
  row(page, "the list is of", link->policy.rule);
  kith_page_put(page, "</tbody></table>\n");
}

/* ---- quality */

static void quality(struct kith_buf *page, const struct kith_threshold_view *view,
                    const struct kith_linkage_result *result)
{
  unsigned at = kith_threshold_nearest(view, view->chosen);
  unsigned step = result->threshold / (KITH_PPM / 100);
  char words[KITH_THRESHOLD_WORDS_BYTES];

  kith_threshold_words(words, view, at);
  kith_page_put(page, "<h2>Quality, estimated</h2>\n<p class=\"verdict remarks\">%s</p>\n", words);
  const struct kith_curve_point *point =
      step >= KITH_CURVE_FIRST && step < KITH_CURVE_FIRST + KITH_CURVE_STEPS
          ? &result->curve[step - KITH_CURVE_FIRST]
          : NULL;
  if (point)
    kith_page_put(page,
                  "<p>Of pairs of records: precision %.3f (%.3f to %.3f), recall %.3f (%.3f to "
                  "%.3f).</p>\n",
                  point->precision, point->precision_low, point->precision_high, point->recall,
                  point->recall_low, point->recall_high);
  kith_page_put(page, "<div class=\"wide\"><table><thead><tr><th scope=\"col\">known to</th><th "
                      "scope=\"col\">on the list</th><th scope=\"col\">would not belong</th><th "
                      "scope=\"col\">would be missed</th></tr></thead><tbody>\n");
  for (unsigned g = 0; g < view->n_groups; g++) {
    char name[2 * KITH_TEXT_BYTES + 16];
    char wrong[KITH_THRESHOLD_FIGURE_BYTES];
    char missed[KITH_THRESHOLD_FIGURE_BYTES];

    kith_threshold_group_name(name, sizeof name, &view->groups[g]);
    kith_threshold_figure_text(wrong, &view->cells[at][g].wrong, view->minimum);
    kith_threshold_figure_text(missed, &view->cells[at][g].missed, view->minimum);
    kith_page_put(page, "<tr><th scope=\"row\">");
    kith_page_text(page, name);
    kith_page_put(page, "</th><td>%.0f</td><td>%s</td><td>%s</td></tr>\n",
                  view->cells[at][g].listed, wrong, missed);
  }
  kith_page_put(page,
                "</tbody></table></div>\n<p class=\"small\">In brackets: where the number "
                "should lie in nine cases of ten. People whose records were never candidates "
                "are not among the missed. <code>kith threshold show</code> has every "
                "threshold; <code>kith evaluate</code> holds all of it against a truth.</p>\n");
}

enum kith_err kith_link_report(const struct kith_link *link, const char *path,
                               struct kith_fault *fault)
{
  struct kith_threshold_view *view = KITH_NEW(struct kith_threshold_view);
  char now[KITH_TIME_BYTES];
  struct kith_buf page;
  enum kith_err err;

  if (!view)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  kith_threshold_of_linkage(view, &link->result, &link->policy, (const char *const *)link->names);
  kith_time_format(now, kith_clock_now());
  kith_buf_init(&page, 0);
  head(&page);
  kith_page_put(
      &page, "<p>%.10s. Counts and shares; no name, date or other value of a record.</p>\n", now);
  provision(&page, link);
  fields(&page, link);
  linkage(&page, link);
  quality(&page, view, &link->result);
  kith_page_put(&page, "</main>\n</body>\n</html>\n");
  err = kith_buf_err(&page);
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "not enough memory for the report");
  else
    err = kith_file_write(path, PAGE_MODE, page.bytes, page.len, fault);
  kith_buf_free(&page);
  kith_free(view);
  return err;
}
