/* `kith threshold show --html`: the curve as one web page. Without its script it is a sentence, a
 * drawing and tables; with it a slider moves them. All text from outside goes through
 * kith_page_text. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/page.h"
#include "cli/page_style.h"
#include "cli/threshold/threshold.h"
#include "cli/threshold/threshold_script.h"

enum {
  PAGE_MODE = 0600,
  DOTS = 100,
  ROW = 20, /* dots side by side */
  WIDTH = 720,
  HEIGHT = 260,
  LEFT = 56, /* room for the numbers of the axes */
  BOTTOM = 40,
  TOP = 12,
  RIGHT = 12
};

static const char style[] =
    "input[type=range] { width: 100%; height: 2.2rem; accent-color: var(--plain); }\n"
    "#say { font-size: 1.3rem; line-height: 1.4; }\n"
    ".icons { display: flex; flex-wrap: wrap; gap: 1.5rem; } .icons figure { margin: 0; flex: 1 1 "
    "18rem; } .icons svg { width: 100%; max-width: 26rem; }\n"
    "circle.off { fill: none; stroke: var(--soft); stroke-width: 1; }\n"
    "#wrong circle.on { fill: var(--unusable); stroke: var(--unusable); }\n"
    "#missed circle.on { fill: var(--plain); stroke: var(--plain); }\n"
    "svg.curve { width: 100%; height: auto; font-size: 13px; }\n"
    "svg.curve text { fill: var(--ink); } .axis { stroke: var(--line); }\n"
    ".wrong-line { fill: none; stroke: var(--unusable); stroke-width: 2.5; }\n"
    ".missed-line { fill: none; stroke: var(--plain); stroke-width: 2.5; stroke-dasharray: 7 4; }\n"
    ".wrong-area { fill: var(--unusable); opacity: .16; }\n"
    ".missed-area { fill: var(--plain); opacity: .16; }\n"
    "#marker { stroke: var(--ink); stroke-width: 2; } .inband { fill: var(--panel); }\n"
    "details.point { margin: .4rem 0; } summary { cursor: pointer; padding: .3rem 0; }\n"
    "[hidden] { display: none; }\n";

struct page {
  struct kith_buf *buf;
  const struct kith_threshold_view *view;
  unsigned start; /* the point shown first */
  double most;    /* people at the top of the drawing */
};

/* ---- numbers */

static double share(double part, double whole)
{
  return part > 0 && whole > 0 ? part / whole : 0;
}

/* Of 100 on the list. */
static long wrong_dots(const struct kith_threshold_cell *cell)
{
  return lround(100 * share(cell->wrong.expected, cell->listed));
}

/* Of 100 who belong. */
static long missed_dots(const struct kith_threshold_cell *cell)
{
  double right = cell->listed - (cell->wrong.expected > 0 ? cell->wrong.expected : 0);

  return lround(100 * share(cell->missed.expected,
                            (right > 0 ? right : 0) +
                                (cell->missed.expected > 0 ? cell->missed.expected : 0)));
}

static double x_of(const struct page *page, double threshold)
{
  double first = page->view->thresholds[0];
  double last = page->view->thresholds[page->view->n_points - 1];

  return LEFT + (threshold - first) / (last > first ? last - first : 1) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct page *page, double people)
{
  double share_of_top = people > page->most ? 1 : people > 0 ? people / page->most : 0;

  return TOP + (1 - share_of_top) * (HEIGHT - TOP - BOTTOM);
}

/* A round number of people that all intervals fit under. */
static double top_of(const struct kith_threshold_view *view)
{
  double most = 10;

  for (unsigned i = 0; i < view->n_points; i++) {
    most = fmax(most, view->cells[i][0].wrong.high);
    most = fmax(most, view->cells[i][0].missed.high);
  }
  /* Four steps of 1, 2 or 5 times a power of ten each. */
  double step = pow(10, floor(log10(most / 4)));
  while (step * 4 < most)
    step *= step * 8 >= most ? 2 : step * 20 >= most ? 5 : 10;
  return step * 4;
}

/* ---- the drawing */

static const struct kith_threshold_figure *figure_at(const struct page *page, unsigned i,
                                                     bool missed)
{
  const struct kith_threshold_cell *cell = &page->view->cells[i][0];

  return missed ? &cell->missed : &cell->wrong;
}

/* What is hidden lies somewhere below the minimum. */
static double high_of(const struct page *page, const struct kith_threshold_figure *figure)
{
  return figure->expected < 0 ? page->view->minimum : figure->high;
}

static void draw(struct page *page, bool missed)
{
  const char *name = missed ? "missed" : "wrong";

  kith_page_put(page->buf, "<polygon class=\"%s-area\" points=\"", name);
  for (unsigned i = 0; i < page->view->n_points; i++)
    kith_page_put(page->buf, "%.1f,%.1f ", x_of(page, page->view->thresholds[i]),
                  y_of(page, high_of(page, figure_at(page, i, missed))));
  for (unsigned i = page->view->n_points; i-- > 0;)
    kith_page_put(page->buf, "%.1f,%.1f ", x_of(page, page->view->thresholds[i]),
                  y_of(page, figure_at(page, i, missed)->low));
  kith_page_put(page->buf, "\"/>\n<polyline class=\"%s-line\" points=\"", name);
  for (unsigned i = 0; i < page->view->n_points; i++) {
    const struct kith_threshold_figure *figure = figure_at(page, i, missed);

    kith_page_put(page->buf, "%.1f,%.1f ", x_of(page, page->view->thresholds[i]),
                  y_of(page, figure->expected < 0 ? page->view->minimum / 2.0 : figure->expected));
  }
  kith_page_put(page->buf, "\"/>\n");
}

static void axes(struct page *page)
{
  for (unsigned i = 0; i <= 4; i++) {
    double people = page->most * i / 4;

    kith_page_put(page->buf,
                  "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\""
                  " y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
                  LEFT, WIDTH - RIGHT, y_of(page, people), y_of(page, people), LEFT - 6,
                  y_of(page, people) + 4, people);
  }
  for (int hundredths = 50; hundredths < 100; hundredths += 10)
    kith_page_put(page->buf, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f</text>\n",
                  x_of(page, hundredths / 100.0), HEIGHT - BOTTOM + 18, hundredths / 100.0);
  kith_page_put(page->buf,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">threshold: how sure a link must be"
                "</text>\n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4);
}

static void drawing(struct page *page)
{
  const struct kith_threshold_view *view = page->view;
  double left = x_of(page, fmax(view->min, view->thresholds[0]));
  double right = x_of(page, fmin(view->max, view->thresholds[view->n_points - 1]));

  kith_page_put(page->buf,
                "<h2>All settings at once</h2>\n<p class=\"legend\"><span>Red, solid: people on "
                "the list who would not belong.</span> <span>Blue, dashed: people who belong and "
                "would be missed.</span> <span>Pale: where the true number most likely lies."
                "</span></p>\n<svg class=\"curve\" viewBox=\"0 0 %d %d\" role=\"img\" "
                "aria-label=\"People wrongly on the list fall, and people missed rise, as the "
                "threshold rises. The table below has the numbers.\">\n",
                WIDTH, HEIGHT);
  if (right > left)
    kith_page_put(page->buf,
                  "<rect class=\"inband\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
                  left, TOP, right - left, HEIGHT - TOP - BOTTOM);
  axes(page);
  draw(page, false);
  draw(page, true);
  kith_page_put(page->buf,
                "<line id=\"marker\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n</svg>\n",
                x_of(page, view->thresholds[page->start]),
                x_of(page, view->thresholds[page->start]), TOP, HEIGHT - BOTTOM);
}

/* ---- dots */

static void dots(struct page *page, const char *id, long on, const char *caption)
{
  kith_page_put(page->buf,
                "<figure><svg id=\"%s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%ssay"
                "\">\n",
                id, ROW * 12, DOTS / ROW * 12, id);
  for (int i = 0; i < DOTS; i++)
    kith_page_put(page->buf, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"4.5\"/>",
                  i < on ? "on" : "off", i % ROW * 12 + 6, i / ROW * 12 + 6);
  kith_page_put(page->buf, "\n</svg>\n<figcaption id=\"%ssay\">%s</figcaption></figure>\n", id,
                caption);
}

static void dots_words(char *out, size_t room, const struct kith_threshold_figure *figure, long on,
                       const char *of, const char *what)
{
  if (figure->expected < 0)
    (void)snprintf(out, room, "Of 100 people %s: too few to show %s.", of, what);
  else if (on == 0)
    (void)snprintf(out, room, "Of 100 people %s, fewer than one %s.", of, what);
  else
    (void)snprintf(out, room, "Of 100 people %s, about %ld %s.", of, on, what);
}

enum { SAY_BYTES = 160 };
struct says {
  char wrong[SAY_BYTES];
  char missed[SAY_BYTES];
};

static void say_dots(struct says *out, const struct kith_threshold_cell *cell)
{
  dots_words(out->wrong, sizeof out->wrong, &cell->wrong, wrong_dots(cell), "on this list",
             "should not be on it");
  dots_words(out->missed, sizeof out->missed, &cell->missed, missed_dots(cell), "who belong on it",
             "would be missed");
}

/* ---- tables */

static void number_cell(struct page *page, const struct kith_threshold_figure *figure)
{
  char text[KITH_THRESHOLD_FIGURE_BYTES];

  kith_threshold_figure_text(text, figure, page->view->minimum);
  kith_page_put(page->buf, "<td>%s</td>", text);
}

static void listed_cell(struct page *page, double listed)
{
  if (listed < 0)
    kith_page_put(page->buf, "<td>fewer than %u</td>", page->view->minimum);
  else
    kith_page_put(page->buf, "<td>%.0f</td>", listed);
}

static void group_row(struct page *page, unsigned i, unsigned g)
{
  const struct kith_threshold_cell *cell = &page->view->cells[i][g];
  char name[2 * KITH_TEXT_BYTES + 16];

  kith_threshold_group_name(name, sizeof name, &page->view->groups[g]);
  kith_page_put(page->buf, "<tr><th scope=\"row\">");
  kith_page_text(page->buf, name);
  kith_page_put(page->buf, "</th>");
  listed_cell(page, cell->listed);
  number_cell(page, &cell->wrong);
  number_cell(page, &cell->missed);
  kith_page_put(page->buf, "</tr>\n");
}

static bool in_band(const struct kith_threshold_view *view, unsigned i)
{
  return view->thresholds[i] >= view->min - 1e-9 && view->thresholds[i] <= view->max + 1e-9;
}

static void point(struct page *page, unsigned i)
{
  const struct kith_threshold_view *view = page->view;
  const struct kith_threshold_cell *cell = &view->cells[i][0];
  char words[KITH_THRESHOLD_WORDS_BYTES];
  struct says says;

  kith_threshold_words(words, view, i);
  say_dots(&says, cell);
  kith_page_put(page->buf,
                "<details class=\"point\" data-threshold=\"%.2f\" data-x=\"%.1f\" data-wrong="
                "\"%ld\" data-missed=\"%ld\" data-inside=\"%d\" data-say=\"%s\" data-wrongsay="
                "\"%s\" data-missedsay=\"%s\"><summary>%.2f: %s</summary>\n",
                view->thresholds[i], x_of(page, view->thresholds[i]), wrong_dots(cell),
                missed_dots(cell), in_band(view, i), words, says.wrong, says.missed,
                view->thresholds[i], words);
  kith_page_put(page->buf,
                "<div class=\"wide\"><table><caption>At %.2f, by number of services and by pair "
                "of services that know a person</caption><thead><tr><th scope=\"col\">known to"
                "</th><th scope=\"col\">on the list</th><th scope=\"col\">would not belong</th>"
                "<th scope=\"col\">would be missed</th></tr></thead><tbody>\n",
                view->thresholds[i]);
  for (unsigned g = 0; g < view->n_groups; g++)
    group_row(page, i, g);
  kith_page_put(page->buf, "</tbody></table></div></details>\n");
}

static void table(struct page *page)
{
  const struct kith_threshold_view *view = page->view;

  kith_page_put(page->buf,
                "<h2>The numbers</h2>\n<div class=\"wide\"><table><thead><tr><th scope=\"col\">"
                "threshold</th><th scope=\"col\">on the list</th><th scope=\"col\">would not "
                "belong</th><th scope=\"col\">would be missed</th><th scope=\"col\">remark</th>"
                "</tr></thead><tbody>\n");
  for (unsigned i = 0; i < view->n_points; i++) {
    const struct kith_threshold_cell *cell = &view->cells[i][0];

    kith_page_put(page->buf, "<tr><th scope=\"row\">%.2f</th>", view->thresholds[i]);
    listed_cell(page, cell->listed);
    number_cell(page, &cell->wrong);
    number_cell(page, &cell->missed);
    kith_page_put(page->buf, "<td>%s</td></tr>\n",
                  !in_band(view, i)                                      ? "not allowed"
                  : i == kith_threshold_nearest(view, view->recommended) ? "recommended"
                                                                         : "");
  }
  kith_page_put(page->buf, "</tbody></table></div>\n");
}

/* ---- the page */

static void head(struct page *page)
{
  kith_page_put(page->buf,
                "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
                "<head>\n<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" "
                "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-%s'; "
                "base-uri 'none'; form-action 'none'\"/>\n<meta name=\"viewport\" content="
                "\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content="
                "\"light dark\"/>\n<title>What a threshold does to people</title>\n<style>\n",
                kith_threshold_script_hash);
  kith_buf_append_string(page->buf, kith_page_style);
  kith_buf_append_string(page->buf, style);
  kith_page_put(page->buf, "</style>\n</head>\n<body>\n<main>\n");
}

static void top(struct page *page)
{
  const struct kith_threshold_view *view = page->view;
  char words[KITH_THRESHOLD_WORDS_BYTES];
  struct says says;

  kith_threshold_words(words, view, page->start);
  say_dots(&says, &view->cells[page->start][0]);
  kith_page_put(page->buf, "<h1>What the threshold does to people</h1>\n<p>");
  kith_page_text(page->buf, view->title);
  kith_page_put(page->buf, ", policy ");
  kith_page_text(page->buf, view->policy);
  kith_page_put(page->buf, ". The list is of people known to: <em>");
  kith_page_text(page->buf, view->rule);
  kith_page_put(page->buf,
                "</em>.</p>\n<p>kith links two records if it is sure enough that they are one "
                "person. The threshold says how sure. A low one puts people on the list who do "
                "not belong: a team goes to the wrong family. A high one misses people who do: a "
                "child is left alone. kith recommends <strong>%.2f</strong>; the policy allows "
                "%.2f to %.2f.</p>\n<p id=\"say\" class=\"verdict remarks\" role=\"status\">%s</p>"
                "\n",
                view->recommended, view->min, view->max, words);
  kith_page_put(page->buf,
                "<p id=\"control\" hidden=\"hidden\"><label for=\"slider\">Threshold: <strong id="
                "\"value\">%.2f</strong> <span id=\"band\" hidden=\"hidden\">(outside what the "
                "policy allows)</span></label><input id=\"slider\" type=\"range\" min=\"0\" "
                "max=\"%u\" step=\"1\" value=\"%u\"/></p>\n<div class=\"icons\">\n",
                view->thresholds[page->start], view->n_points - 1, page->start);
  dots(page, "wrong", wrong_dots(&view->cells[page->start][0]), says.wrong);
  dots(page, "missed", missed_dots(&view->cells[page->start][0]), says.missed);
  kith_page_put(page->buf, "</div>\n");
}

static void foot(struct page *page)
{
  kith_page_put(page->buf,
                "<h2>How sure are these numbers?</h2>\n<p>They are estimates: nobody has looked "
                "at the people. In nine cases of ten the true number should lie between the two "
                "in brackets. People whose records are so unlike that they were never compared as "
                "candidates can't be seen here: the true number of missed people may be higher.</p>"
                "\n");
  if (page->view->minimum)
    kith_page_put(page->buf,
                  "<p>Numbers below %u are not shown, and others are rounded, so that no single "
                  "person can be read off them.</p>\n",
                  page->view->minimum);
}

enum kith_err kith_threshold_html(const struct kith_threshold_view *view, const char *path,
                                  struct kith_fault *fault)
{
  struct kith_buf buf;
  struct page page = {.buf = &buf, .view = view, .most = top_of(view)};
  enum kith_err err;

  page.start = kith_threshold_nearest(view, view->chosen >= 0 ? view->chosen : view->recommended);
  kith_buf_init(&buf, 0);
  head(&page);
  top(&page);
  drawing(&page);
  kith_page_put(&buf, "<h2>By number of services, and by pair</h2>\n<div id=\"points\">\n");
  for (unsigned i = 0; i < view->n_points; i++)
    point(&page, i);
  kith_page_put(&buf, "</div>\n");
  table(&page);
  foot(&page);
  kith_page_put(&buf, "</main>\n<script>");
  kith_buf_append_string(&buf, kith_threshold_script);
  kith_page_put(&buf, "</script>\n</body>\n</html>\n");
  err = kith_buf_err(&buf);
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "not enough memory for the page");
  else
    err = kith_file_write(path, PAGE_MODE, buf.bytes, buf.len, fault);
  kith_buf_free(&buf);
  return err;
}
