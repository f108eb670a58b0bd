#include "cli/threshold/threshold_round.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/verbs.h"
#include "proto/review.h"

/* ---- what the matcher shows */

struct fetched {
  struct kith_home home;
  kith_round_id id;
  struct kith_remote_round round;
  struct kith_policy policy;
  struct kith_review *review; /* owned */
  struct kith_hash review_hash;
};

static enum kith_err fetch_policy(struct fetched *fetched, struct kith_fault *fault)
{
  const struct kith_open *open = &kith_round_log_view(fetched->round.log)->open;
  struct kith_request request = {.type = KITH_REQUEST_DOCUMENT_GET};
  struct kith_reply reply;
  struct kith_hash found;
  enum kith_err err;

  request.body.document_get.kind = KITH_DOCUMENT_POLICY;
  request.body.document_get.hash = open->policy;
  if ((err = kith_home_call(&fetched->home, &reply, &request, fault)) != KITH_OK)
    return err;
  const struct kith_signed *document = &reply.body.document_get.document;
  kith_signed_hash(&found, document);
  /* The round's open statement, which governance signed, names it. */
  if (document->kind != KITH_DOCUMENT_POLICY || !kith_hash_equal(&found, &open->policy))
    err = kith_fail(fault, KITH_ERR_NO, "the matcher sent another policy than the round names");
  else
    err = kith_policy_parse(&fetched->policy, document->bytes, document->len, "policy of the round",
                            fault);
  kith_reply_free(&reply);
  return err;
}

static enum kith_err fetch_review(struct fetched *fetched, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_REVIEW_GET};
  struct kith_reply reply;
  enum kith_err err;

  memcpy(request.body.review_get.round, fetched->id, KITH_ROUND_ID_BYTES);
  if ((err = kith_home_call(&fetched->home, &reply, &request, fault)) != KITH_OK)
    return kith_fail_at(fault, err, "the round's review");
  kith_review_hash(&fetched->review_hash, reply.body.review_get.bytes, reply.body.review_get.len);
  fetched->review = KITH_NEW(struct kith_review);
  err = fetched->review ? kith_review_read(fetched->review, reply.body.review_get.bytes,
                                           reply.body.review_get.len)
                        : KITH_ERR_MEMORY;
  kith_reply_free(&reply);
  if (err == KITH_OK && memcmp(fetched->review->round, fetched->id, KITH_ROUND_ID_BYTES) != 0)
    err = KITH_ERR_DATA;
  return err == KITH_OK ? KITH_OK : kith_fail(fault, err, "the matcher's review can't be read");
}

static enum kith_err fetch(struct fetched *out, const struct kith_threshold_home *where,
                           const char *round, struct kith_fault *fault)
{
  enum kith_err err = kith_cli_round_id(out->id, round, fault);

  if (err == KITH_OK)
    err = kith_home_open(&out->home, where->home, fault);
  if (err == KITH_OK)
    err = kith_home_connect(&out->home, where->passphrase_file, fault);
  if (err == KITH_OK)
    err = kith_remote_round_fetch(&out->round, &out->home, out->id, fault);
  if (err == KITH_OK)
    err = fetch_policy(out, fault);
  return err == KITH_OK ? fetch_review(out, fault) : err;
}

static void fetched_free(struct fetched *fetched)
{
  kith_free(fetched->review);
  kith_remote_round_free(&fetched->round);
  kith_home_close(&fetched->home);
}

/* ---- as a view */

static struct kith_threshold_figure figure_of(const uint32_t numbers[3])
{
  if (numbers[0] == KITH_REVIEW_HIDDEN)
    return (struct kith_threshold_figure){-1, -1, -1};
  return (struct kith_threshold_figure){numbers[0], numbers[1], numbers[2]};
}

static struct kith_threshold_cell cell_of(const uint32_t numbers[KITH_REVIEW_NUMBERS])
{
  uint32_t listed = numbers[KITH_REVIEW_LISTED];

  return (struct kith_threshold_cell){listed == KITH_REVIEW_HIDDEN ? -1 : (double)listed,
                                      figure_of(numbers + KITH_REVIEW_WRONG),
                                      figure_of(numbers + KITH_REVIEW_MISSED)};
}

static void name_groups(struct kith_threshold_view *out, const struct kith_review *review)
{
  out->n_groups = 1;
  for (unsigned n = 1; n <= review->n_agencies; n++)
    out->groups[out->n_groups++].services = n;
  for (unsigned p = 0; p < review->n_agencies; p++)
    for (unsigned q = p + 1; q < review->n_agencies; q++) {
      struct kith_threshold_group *group = &out->groups[out->n_groups++];

      (void)snprintf(group->party_a, sizeof group->party_a, "%s", review->agencies[p]);
      (void)snprintf(group->party_b, sizeof group->party_b, "%s", review->agencies[q]);
    }
}

static void view_of(struct kith_threshold_view *out, const struct fetched *fetched,
                    const char *round)
{
  const struct kith_round_view *view = kith_round_log_view(fetched->round.log);
  const struct kith_review *review = fetched->review;

  *out = (struct kith_threshold_view){0};
  (void)snprintf(out->title, sizeof out->title, "Round %s", round);
  (void)snprintf(out->policy, sizeof out->policy, "%s", fetched->policy.name);
  (void)snprintf(out->rule, sizeof out->rule, "%s", fetched->policy.rule);
  out->min = kith_ratio_double(fetched->policy.threshold.min);
  out->max = kith_ratio_double(fetched->policy.threshold.max);
  out->recommended = (double)review->recommended / KITH_PPM;
  out->chosen = view->decided ? (double)view->decision.threshold / KITH_PPM : -1;
  out->minimum = review->minimum;
  out->n_points = review->n_points;
  name_groups(out, review);
  for (unsigned i = 0; i < review->n_points; i++) {
    out->thresholds[i] = (double)review->thresholds[i] / KITH_PPM;
    for (unsigned g = 0; g < out->n_groups; g++)
      out->cells[i][g] = cell_of(review->numbers[i][g]);
  }
}

enum kith_err kith_threshold_of_round(struct kith_threshold_view *out,
                                      const struct kith_threshold_home *where, const char *round,
                                      struct kith_fault *fault)
{
  struct fetched fetched = {0};
  enum kith_err err = fetch(&fetched, where, round, fault);

  if (err == KITH_OK)
    view_of(out, &fetched, round);
  fetched_free(&fetched);
  return err;
}

/* ---- set */

static enum kith_err decide(const struct kith_threshold_home *where, const char *round,
                            struct kith_ratio threshold, struct kith_said *said,
                            struct kith_fault *fault)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_DECISION};
  struct kith_threshold_decision *decision = &statement.body.decision;
  struct fetched fetched = {0};
  double value = kith_ratio_double(threshold);
  enum kith_err err = fetch(&fetched, where, round, fault);

  if (err == KITH_OK && (value < kith_ratio_double(fetched.policy.threshold.min) - 1e-9 ||
                         value > kith_ratio_double(fetched.policy.threshold.max) + 1e-9))
    err = kith_fail(fault, KITH_ERR_DENIED, "the policy allows thresholds from %.2f to %.2f",
                    kith_ratio_double(fetched.policy.threshold.min),
                    kith_ratio_double(fetched.policy.threshold.max));
  if (err == KITH_OK) {
    const struct kith_round_view *view = kith_round_log_view(fetched.round.log);

    memcpy(statement.round, fetched.id, sizeof statement.round);
    statement.attempt = view->attempt;
    decision->roster = view->roster_hash;
    decision->review = fetched.review_hash;
    decision->threshold = (uint32_t)lrint(value * KITH_PPM);
    err = kith_home_say(&fetched.home, &statement, said, fault);
  }
  fetched_free(&fetched);
  return err;
}

int kith_threshold_set(int argc, char **argv)
{
  struct kith_threshold_home where = {0};
  const struct kith_cli_option options[] = {
      {"home", KITH_CLI_STRING, &where.home, "DIR",
       "this member's home; $KITH_HOME, ~/.config/kith", 0, 0, NULL},
      {"passphrase-file", KITH_CLI_STRING, &where.passphrase_file, "FILE",
       "its first line unwraps the key file", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith threshold set [--home DIR] ROUND THRESHOLD",
      .about = "Signs governance's decision on the threshold of a round in review, and on the\n"
               "numbers it was chosen from. Signed by enough governance keys, the round goes on at "
               "once;\n"
               "there is one decision.",
      .examples = "  $ kith threshold set --home lead 6f1c... 0.85\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  struct kith_fault fault = {0};
  struct kith_said said = {0};
  struct kith_ratio threshold;
  int first = 0;
  int status = 0;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (argc - first != 2)
    return kith_cli_usage(spec.usage, "expected a round and a threshold");
  if (kith_ratio_parse(&threshold, argv[first + 1], &fault) != KITH_OK ||
      threshold.numerator == 0 || threshold.numerator >= threshold.denominator)
    return kith_cli_usage(spec.usage, "a threshold is above 0 and below 1");
  fault.err = decide(&where, argv[first], threshold, &said, &fault);
  if (fault.err == KITH_OK)
    kith_said_print(&said);
  return fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
}
