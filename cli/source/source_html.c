/* The report of `kith source check` as one web page: no script, nothing fetched, fit for a screen
 * or paper. It is well-formed XML too. All text that comes from the table or the command line (its
 * name, column names) goes through kith_page_text(). */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/page.h"
#include "cli/page_style.h"
#include "cli/source/source.h"

enum { LISTED_MAX = 100 };

typedef unsigned long long ull;

struct page {
  struct kith_buf buf;
  const struct kith_source_check *check;
  const struct kith_quality_report *report;
  uint64_t read; /* rows that were not set aside */
};

/* ---- writing */

static void put_text(struct page *page, const char *open, const char *value, const char *close)
{
  kith_buf_append_string(&page->buf, open);
  kith_page_text(&page->buf, value);
  kith_buf_append_string(&page->buf, close);
}

/* ---- the top */

static void tile(struct page *page, const char *number, const char *what)
{
  kith_page_put(&page->buf, "<div class=\"tile\"><strong>%s</strong><span>%s</span></div>\n",
                number, what);
}

static void top(struct page *page)
{
  static const char *const classes[] = {"ready", "remarks", "stop"};
  const struct kith_quality_summary *summary = &page->report->summary;
  char now[KITH_TIME_BYTES];

  kith_time_format(now, kith_clock_now());
  put_text(page, "<h1>Data quality of ", page->check->name, "</h1>\n");
  kith_page_put(&page->buf, "<p class=\"verdict %s\">This file is <strong>%s</strong>.</p>\n",
                classes[page->report->verdict], kith_verdict_name(page->report->verdict));
  kith_page_put(&page->buf, "<div class=\"tiles\">\n");
  tile(page, kith_source_count(summary->rows), "rows in the file");
  tile(page, kith_source_count(summary->set_aside), "rows that can't be read");
  tile(page, kith_source_percent(summary->linkable, page->read), "of the rest can be linked");
  tile(page, kith_source_count(page->report->n_leaving), "records a round would take");
  kith_page_put(&page->buf, "</div>\n<p class=\"small\">Checked %.10s at %.5s UTC, by ", now,
                now + 11);
  kith_page_put(&page->buf, "%s (standardiser %s). ",
                page->check->has_policy ? "the policy that was given" : "kith's default policy",
                KITH_STANDARDISER);
  if (kith_source_format(page->check)[0])
    kith_page_put(&page->buf, "The file was read as %s. ", kith_source_format(page->check));
  kith_page_put(&page->buf,
                "This page has counts and row numbers, and no value of the file.</p>\n");
}

static void findings(struct page *page)
{
  const struct kith_quality_report *report = page->report;
  static const char *const labels[] = {"Note", "Remark", "Stop"};
  static const char *const classes[] = {"note", "remark", "stop"};

  kith_page_put(&page->buf, "<h2>What to look at</h2>\n");
  if (report->n_findings == 0)
    kith_page_put(&page->buf, "<p>Nothing stands out.</p>\n");
  else
    kith_page_put(&page->buf, "<ul class=\"findings\">\n");
  for (unsigned i = 0; i < report->n_findings; i++) {
    const struct kith_finding *finding = &report->findings[i];

    kith_page_put(&page->buf, "<li class=\"%s\"><span class=\"label\">%s</span> ",
                  classes[finding->severity], labels[finding->severity]);
    kith_page_text(&page->buf, finding->text);
    if (finding->remedy[0])
      put_text(page, " <em>", finding->remedy, "</em>");
    kith_page_put(&page->buf, "</li>\n");
  }
  if (report->n_findings > 0)
    kith_page_put(&page->buf, "</ul>\n");
}

/* ---- fields */

/* From good to bad; the bar has them in this order. */
static const struct {
  enum kith_outcome outcome;
  const char *css;
  const char *name;
} parts[] = {
    {KITH_VALUE_FINE, "c-fine", "fine"},
    {KITH_VALUE_REPAIRED, "c-repaired", "repaired"},
    {KITH_VALUE_PARTIAL, "c-partial", "known in part"},
    {KITH_VALUE_IMPLAUSIBLE, "c-implausible", "implausible"},
    {KITH_VALUE_PLACEHOLDER, "c-placeholder", "placeholder"},
    {KITH_VALUE_UNUSABLE, "c-unusable", "unusable"},
    {KITH_VALUE_MISSING, "c-missing", "missing"},
};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

static void legend(struct page *page)
{
  kith_page_put(&page->buf, "<p class=\"legend\">");
  for (unsigned i = 0; i < N_PARTS; i++)
    kith_page_put(&page->buf,
                  "<span><svg width=\"12\" height=\"12\" aria-hidden=\"true\"><rect width=\"12\" "
                  "height=\"12\" class=\"%s\"/></svg> %s</span> ",
                  parts[i].css, parts[i].name);
  kith_page_put(&page->buf, "</p>\n");
}

static void field_bar(struct page *page, const char *name, const struct kith_quality_field *field)
{
  double at = 0;

  kith_page_put(
      &page->buf,
      "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"%s:",
      name);
  for (unsigned i = 0; i < N_PARTS; i++) {
    if (field->n[parts[i].outcome] > 0)
      kith_page_put(&page->buf, " %s %s,",
                    kith_source_percent(field->n[parts[i].outcome], page->read), parts[i].name);
  }
  kith_page_put(&page->buf, " of %s rows\">", kith_source_count(page->read));
  for (unsigned i = 0; i < N_PARTS; i++) {
    double width = page->read ? 100 * (double)field->n[parts[i].outcome] / (double)page->read : 0;

    if (width > 0)
      kith_page_put(&page->buf,
                    "<rect x=\"%.3f\" y=\"0\" width=\"%.3f\" height=\"10\" class=\"%s\"/>", at,
                    width, parts[i].css);
    at += width;
  }
  kith_page_put(&page->buf, "</svg>");
}

static void field_cells(struct page *page, const struct kith_quality_field *field)
{
  static const enum kith_outcome shown[] = {KITH_VALUE_MISSING,  KITH_VALUE_PLACEHOLDER,
                                            KITH_VALUE_UNUSABLE, KITH_VALUE_IMPLAUSIBLE,
                                            KITH_VALUE_PARTIAL,  KITH_VALUE_REPAIRED};

  for (unsigned i = 0; i < sizeof shown / sizeof shown[0]; i++)
    kith_page_put(&page->buf, "<td%s>%s</td>", field->n[shown[i]] ? "" : " class=\"zero\"",
                  kith_source_count(field->n[shown[i]]));
  if (field->n_valued > 0)
    kith_page_put(&page->buf, "<td>%s</td><td>%s</td>", kith_source_count(field->n_distinct),
                  kith_source_percent(field->n_commonest, field->n_valued));
  else
    kith_page_put(&page->buf, "<td>-</td><td>-</td>");
}

static void fields(struct page *page)
{
  bool absent = false;

  kith_page_put(&page->buf, "<h2>Fields</h2>\n");
  legend(page);
  kith_page_put(
      &page->buf,
      "<div class=\"wide\"><table><caption>What became of each field of the %s rows that can "
      "be read</caption>\n<thead><tr><th scope=\"col\">Field</th><th scope=\"col\" "
      "class=\"chart\">Share"
      "</th><th scope=\"col\">Missing</th><th scope=\"col\">Placeholder</th>"
      "<th scope=\"col\">Unusable</th><th scope=\"col\">Implausible</th>"
      "<th scope=\"col\">Known in part</th><th scope=\"col\">Repaired</th>"
      "<th scope=\"col\">Different values</th><th scope=\"col\">Share of the commonest</th>"
      "</tr></thead>\n<tbody>\n",
      kith_source_count(page->read));
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    const struct kith_quality_field *field = &page->report->fields[i];
    const char *name = kith_field_name((enum kith_field)i);

    absent = absent || !field->column;
    if (!field->column)
      continue;
    kith_page_put(&page->buf, "<tr><th scope=\"row\">%s</th><td class=\"chart\">", name);
    field_bar(page, name, field);
    kith_page_put(&page->buf, "</td>");
    field_cells(page, field);
    kith_page_put(&page->buf, "</tr>\n");
  }
  kith_page_put(&page->buf, "</tbody></table></div>\n");
  if (!absent)
    return;
  kith_page_put(&page->buf, "<p class=\"small\">The file has no column for:");
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    if (!page->report->fields[i].column)
      kith_page_put(&page->buf, "%s %s", absent ? "" : ",", kith_field_name((enum kith_field)i)),
          absent = false;
  }
  kith_page_put(&page->buf, ".</p>\n");
}

/* ---- bars of counts */

static void count_row(struct page *page, const char *name, uint64_t n, uint64_t most,
                      const char *css)
{
  kith_page_put(
      &page->buf,
      "<tr><th scope=\"row\">%s</th><td class=\"chart\"><svg class=\"bar\" "
      "viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s: %s "
      "rows\"><rect x=\"0\" y=\"0\" width=\"%.3f\" height=\"10\" class=\"%s\"/></svg></td>"
      "<td>%s</td><td>%s</td></tr>\n",
      name, name, kith_source_count(n), most ? 100 * (double)n / (double)most : 0, css,
      kith_source_count(n), kith_source_percent(n, page->read));
}

static void count_table(struct page *page, const char *caption, const char *what)
{
  kith_page_put(
      &page->buf,
      "<table class=\"counts\"><caption>%s</caption>\n<thead><tr><th scope=\"col\">%s</th>"
      "<th scope=\"col\" class=\"chart\">Chart</th><th scope=\"col\">Rows</th><th "
      "scope=\"col\">Share</th>"
      "</tr></thead>\n<tbody>\n",
      caption, what);
}

static void ages(struct page *page)
{
  uint64_t most = 0;

  for (unsigned i = 0; i < KITH_AGE_BANDS; i++)
    most = page->report->ages[i] > most ? page->report->ages[i] : most;
  kith_page_put(&page->buf, "<h2>Ages</h2>\n");
  count_table(page, "Whole years on the policy's day, or else today", "Age");
  for (unsigned i = 0; i < KITH_AGE_BANDS; i++)
    count_row(page, kith_age_band_name((enum kith_age_band)i), page->report->ages[i], most,
              i == KITH_AGE_UNBORN || i == KITH_AGE_UNKNOWN ? "c-unusable" : "c-plain");
  kith_page_put(&page->buf, "</tbody></table>\n");
}

static void scope(struct page *page)
{
  const struct kith_quality_report *report = page->report;

  kith_page_put(&page->buf, "<h2>What a round would take</h2>\n");
  count_table(page, "What becomes of the rows that can be read", "Row");
  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++) {
    if (i == KITH_SCOPE_IN || report->scope.n[i] > 0)
      count_row(page, kith_scope_reason_name((enum kith_scope_reason)i), report->scope.n[i],
                page->read, i == KITH_SCOPE_IN ? "c-fine" : "c-plain");
  }
  kith_page_put(&page->buf,
                "</tbody></table>\n<div class=\"leaves\"><h3>What would leave the building</h3>\n"
                "<p><strong>%s</strong> records, each as a keyed encoding of <strong>%u</strong> "
                "fields in <strong>%u</strong> bits; ",
                kith_source_count(report->n_leaving), report->n_fields, report->bits);
  if (report->n_coarsened > 0)
    kith_page_put(&page->buf,
                  "%s of them without a field that they have, because too few records "
                  "lack the same fields; ",
                  kith_source_count(report->n_coarsened));
  kith_page_put(
      &page->buf,
      "%s in all. No name, date, address or number leaves: an encoding can't be read without "
      "the round's key, which the matcher does not have.</p></div>\n",
      kith_source_bytes(report->bytes));
}

/* ---- rows */

static void rows_row(struct page *page, const char *what, const char *problem,
                     const struct kith_quality_rows *rows)
{
  if (rows->n == 0)
    return;
  kith_page_put(&page->buf, "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"list\">", what,
                problem);
  for (size_t i = 0; i < rows->n && i < LISTED_MAX; i++)
    kith_page_put(&page->buf, "%s%llu", i ? ", " : "", (ull)rows->rows[i]);
  kith_page_put(&page->buf, "%s</td></tr>\n", rows->n > LISTED_MAX ? " and others" : "");
}

static void put_place(struct page *page, const char *before, const struct kith_row_fault *fault)
{
  char place[64];

  kith_row_place(place, sizeof place, fault->row, fault->line);
  kith_page_put(&page->buf, "%s%s", before, place);
}

static void aside_rows(struct page *page)
{
  size_t n;
  const struct kith_row_fault *faults = kith_source_faults(page->check->source, &n);

  for (unsigned rule = KITH_ROW_FINE + 1; rule < KITH_ROW_RULE_COUNT; rule++) {
    size_t shown = 0;

    if (kith_source_set_aside(page->check->source, (enum kith_row_rule)rule) == 0)
      continue;
    kith_page_put(&page->buf,
                  "<tr><th scope=\"row\">row set aside</th><td>%s</td><td class=\"list\">",
                  kith_row_rule_name((enum kith_row_rule)rule));
    for (size_t i = 0; i < n && shown <= LISTED_MAX; i++) {
      if (faults[i].rule != rule)
        continue;
      if (shown++ == LISTED_MAX)
        kith_page_put(&page->buf, " and others");
      else
        put_place(page, shown > 1 ? ", " : "", &faults[i]);
    }
    kith_page_put(&page->buf, "</td></tr>\n");
  }
}

static void rows(struct page *page)
{
  const struct kith_quality_report *report = page->report;

  kith_page_put(
      &page->buf,
      "<h2>Rows to look at</h2>\n<div class=\"wide\"><table><caption>Numbers as a spreadsheet "
      "counts them; the header is row 1</caption>\n<thead><tr><th scope=\"col\">What</th>"
      "<th scope=\"col\">Problem</th><th scope=\"col\">Rows</th></tr></thead>\n<tbody>\n");
  aside_rows(page);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    const char *name = kith_field_name((enum kith_field)i);
    const struct kith_quality_rows *of = report->fields[i].rows;

    rows_row(page, name, "can't be used", &of[KITH_VALUE_UNUSABLE]);
    rows_row(page, name, "implausible", &of[KITH_VALUE_IMPLAUSIBLE]);
    rows_row(page, name, "placeholder", &of[KITH_VALUE_PLACEHOLDER]);
    if (i == KITH_FIELD_DATE_OF_BIRTH)
      rows_row(page, name, "known in part", &of[KITH_VALUE_PARTIAL]);
  }
  rows_row(page, "evidence", "too little to be linked by", &report->sparse);
  rows_row(page, "people", "the same as an earlier row", &report->same.first);
  rows_row(page, "people", "likely the same as another row", &report->alike.first);
  rows_row(page, "people", "one number, several dates of birth", &report->number_dates.first);
  rows_row(page, "people", "one name and postcode, several dates of birth",
           &report->name_dates.first);
  kith_page_put(&page->buf, "</tbody></table></div>\n");
}

static void columns(struct page *page)
{
  const struct kith_source_check *check = page->check;

  kith_page_put(
      &page->buf,
      "<h2>Columns</h2>\n<table><caption>What each column of the file is read as</caption>\n"
      "<thead><tr><th scope=\"col\">Column</th><th scope=\"col\">Read as</th></tr></thead>\n"
      "<tbody>\n");
  for (size_t i = 0; i < check->n_columns; i++) {
    put_text(page, "<tr><th scope=\"row\">", check->columns[i].name, "</th>");
    kith_page_put(&page->buf, "<td>%s</td></tr>\n",
                  check->columns[i].role[0] ? check->columns[i].role : "ignored: it stays here");
  }
  kith_page_put(&page->buf, "</tbody></table>\n");
}

static void page_start(struct page *page, const char *title)
{
  kith_page_put(
      &page->buf,
      "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
      "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n");
  kith_page_put(&page->buf, "<title>%s of ", title);
  put_text(page, "", page->check->name, "</title>\n<style>\n");
  kith_buf_append_string(&page->buf, kith_page_style);
  kith_page_put(&page->buf, "</style>\n</head>\n<body>\n<main>\n");
}

static void report_put(struct page *page)
{
  page->read = page->report->summary.rows - page->report->summary.set_aside;
  page_start(page, "Data quality");
  top(page);
  findings(page);
  if (page->check->proposal)
    kith_source_proposal_html(&page->buf, page->check);
  fields(page);
  scope(page);
  ages(page);
  rows(page);
  columns(page);
}

/* Of a table that can't be read yet. */
static void proposal_put(struct page *page)
{
  page_start(page, "Columns");
  put_text(page, "<h1>Columns of ", page->check->name, "</h1>\n");
  kith_page_put(&page->buf,
                "<p class=\"verdict stop\">This file does not have the standard columns: "
                "<strong>name a profile</strong> to have it checked.</p>\n");
  kith_source_proposal_html(&page->buf, page->check);
}

enum kith_err kith_source_html(const struct kith_source_check *check, const char *path,
                               struct kith_fault *fault)
{
  struct page page = {.check = check, .report = check->report};
  enum kith_err err;

  kith_buf_init(&page.buf, 0);
  if (check->report)
    report_put(&page);
  else
    proposal_put(&page);
  kith_page_put(&page.buf, "</main>\n</body>\n</html>\n");
  err = kith_buf_err(&page.buf);
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "not enough memory for the page");
  else
    err = kith_file_write(path, 0640, page.buf.bytes, page.buf.len, fault);
  kith_buf_free(&page.buf);
  return err;
}
