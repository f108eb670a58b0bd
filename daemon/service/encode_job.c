#include "daemon/service/encode_job.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

enum { OWN_BYTES = 32 };

struct kith_encode_job {
  kith_round_id round;
  struct kith_policy policy;
  const struct kith_source_spec *source;
  const char *objections;
  uint64_t n_missed;
  struct kith_secret *secret;
  pthread_t thread;
  bool joined;
  atomic_bool cancel;
  atomic_bool done;
  atomic_uint progress;
  enum kith_err err;
  struct kith_fault fault;
  struct kith_encoded result;
  struct kith_scope_rules evidence; /* the policy's, whatever its scope */
  uint64_t linkable[KITH_PIPELINE_THREADS_MAX];
  struct kith_quality_summary quality;
  struct kith_blind_job blind; /* under such a policy */
};

static void progress(void *context, double share)
{
  struct kith_encode_job *job = context;

  atomic_store(&job->progress, (unsigned)(share * 1000));
}

/* Counts on each thread apart. A row in scope has the evidence. */
static void look(void *context, unsigned thread, const struct kith_record *record,
                 const enum kith_outcome outcomes[KITH_FIELD_COUNT], bool in_scope)
{
  struct kith_encode_job *job = context;

  (void)outcomes;
  if (in_scope || kith_scope_judge(&job->evidence, record, false) == KITH_SCOPE_IN)
    job->linkable[thread]++;
}

static void quality_sum(struct kith_encode_job *job)
{
  job->quality =
      (struct kith_quality_summary){.rows = job->result.encodings.n,
                                    .set_aside = job->result.n_set_aside,
                                    .objected = job->result.scope.n[KITH_SCOPE_OBJECTED]};
  for (unsigned i = 0; i < KITH_PIPELINE_THREADS_MAX; i++)
    job->quality.linkable += job->linkable[i];
}

/* What the agency is to itself: people, and histograms of those who are alike. */
static enum kith_err job_blind(struct kith_encode_job *job,
                               const struct kith_pipeline_options *options)
{
  struct kith_blind_job *blind = &job->blind;
  enum kith_err err = kith_secret_random(&blind->own, OWN_BYTES);

  if (err == KITH_OK)
    err = kith_blind_read(&blind->agency, &job->result, &job->policy, blind->own, job->source,
                          options, &job->fault);
  if (err == KITH_OK)
    err = kith_blind_merge_duplicates(&blind->agency);
  for (unsigned step = 0; step < KITH_BLIND_STEPS && err == KITH_OK; step++)
    err = kith_blind_within(&blind->near[step], &blind->agency, blind->own,
                            kith_blind_step_people(blind->agency.n_people, step));
  return err;
}

/* The list is read anew for each round, and nothing is encoded without it. */
static void job_encode(struct kith_encode_job *job, struct kith_pipeline_options *options)
{
  job->err = kith_scope_rules_make(&job->evidence, &job->policy, &job->fault);
  job->evidence.scope = (struct kith_scope){0};
  options->look = look;
  options->look_context = job;
  if (job->err == KITH_OK && job->objections)
    job->err = kith_objections_load(&options->objections, job->objections, &job->fault);
  if (job->err == KITH_OK && job->policy.protection == KITH_PROTECTION_BLIND)
    job->err = job_blind(job, options);
  else if (job->err == KITH_OK)
    job->err = kith_pipeline_run(&job->result, &job->policy, kith_secret_peek(job->secret),
                                 kith_secret_len(job->secret), job->source, options, &job->fault);
  if (job->err == KITH_OK)
    quality_sum(job);
  if (job->err == KITH_OK && options->objections)
    job->n_missed = kith_objections_missed(options->objections);
  kith_objections_free(options->objections);
}

static void *job_main(void *context)
{
  struct kith_encode_job *job = context;
  struct kith_pipeline_options options = {0};

  unsigned processors = kith_pipeline_threads(0);

  /* One is left to sockets and to the other services of the machine. */
  options.n_threads = processors > 1 ? processors - 1 : 1;
  options.progress = progress;
  options.progress_context = job;
  options.cancel = &job->cancel;
  job_encode(job, &options);
  kith_secret_free(job->secret);
  job->secret = NULL;
  atomic_store(&job->done, true);
  return NULL;
}

enum kith_err kith_encode_job_new(struct kith_encode_job **out, const kith_round_id round,
                                  const struct kith_policy *policy,
                                  const struct kith_source_spec *source, const char *objections,
                                  struct kith_secret *linkage_secret)
{
  struct kith_encode_job *job = KITH_NEW(struct kith_encode_job);

  if (job) {
    memcpy(job->round, round, sizeof job->round);
    job->policy = *policy;
    job->secret = linkage_secret;
    job->source = source;
    job->objections = objections;
  } else {
    kith_secret_free(linkage_secret);
    return KITH_ERR_MEMORY;
  }
  if (pthread_create(&job->thread, NULL, job_main, job) != 0) {
    job->joined = true;
    kith_encode_job_free(job);
    return KITH_ERR_MEMORY;
  }
  *out = job;
  return KITH_OK;
}

void kith_encode_job_free(struct kith_encode_job *job)
{
  if (!job)
    return;
  atomic_store(&job->cancel, true);
  if (!job->joined)
    pthread_join(job->thread, NULL);
  kith_encoded_free(&job->result);
  kith_secret_free(job->secret);
  kith_secret_free(job->blind.own);
  kith_blind_agency_free(&job->blind.agency);
  for (unsigned step = 0; step < KITH_BLIND_STEPS; step++)
    kith_blind_histogram_free(&job->blind.near[step]);
  kith_free(job);
}

bool kith_encode_job_is_of(const struct kith_encode_job *job, const kith_round_id round)
{
  return memcmp(job->round, round, sizeof job->round) == 0;
}

bool kith_encode_job_done(const struct kith_encode_job *job)
{
  return atomic_load(&job->done);
}

unsigned kith_encode_job_progress(const struct kith_encode_job *job)
{
  return atomic_load(&job->progress);
}

enum kith_err kith_encode_job_result(struct kith_encode_job *job, const struct kith_encoded **out,
                                     struct kith_fault *fault)
{
  if (!job->joined)
    pthread_join(job->thread, NULL);
  job->joined = true;
  if (job->err != KITH_OK)
    *fault = job->fault;
  else
    *out = &job->result;
  return job->err;
}

const struct kith_blind_job *kith_encode_job_blind(const struct kith_encode_job *job)
{
  return &job->blind;
}

uint64_t kith_encode_job_missed(const struct kith_encode_job *job)
{
  return job->n_missed;
}

const struct kith_quality_summary *kith_encode_job_quality(const struct kith_encode_job *job)
{
  return &job->quality;
}
