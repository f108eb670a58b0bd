/* The encoding thread: reads the list of objections and the source, standardises, encodes; touches
 * neither store nor socket. Life: new (starts), poll done, take the result, free (cancels and
 * joins). */
#ifndef KITH_DAEMON_SERVICE_ENCODE_JOB_H
#define KITH_DAEMON_SERVICE_ENCODE_JOB_H

#include <stdbool.h>

#include "base/err.h"
#include "crypto/secret.h"
#include "daemon/pipeline/blind.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/quality.h"
#include "proto/policy.h"
#include "proto/statement.h"

struct kith_encode_job;

/* What a blind submission is made of; the result's rows are then of no use, its ids are. */
struct kith_blind_job {
  struct kith_secret *own; /* random: handles, and what stands for nothing, come from it */
  struct kith_blind_agency agency;
  struct kith_blind_histogram near[KITH_BLIND_STEPS];
};

/* The source spec and the path of the list of objections (NULL: there is none) are borrowed for the
 * job's life; the linkage secret is the job's from now on. */
KITH_MUST_USE enum kith_err
kith_encode_job_new(struct kith_encode_job **out, const kith_round_id round,
                    const struct kith_policy *policy, const struct kith_source_spec *source,
                    const char *objections, struct kith_secret *linkage_secret);
void kith_encode_job_free(struct kith_encode_job *job);

bool kith_encode_job_is_of(const struct kith_encode_job *job, const kith_round_id round);
bool kith_encode_job_done(const struct kith_encode_job *job);
unsigned kith_encode_job_progress(const struct kith_encode_job *job); /* thousandths */

/* After done: joins the thread. The result is the job's, until it is freed; *fault says what is
 * wrong with the source where the job failed. */
KITH_MUST_USE enum kith_err kith_encode_job_result(struct kith_encode_job *job,
                                                   const struct kith_encoded **out,
                                                   struct kith_fault *fault);

/* After a result under a blind policy; the job's. */
const struct kith_blind_job *kith_encode_job_blind(const struct kith_encode_job *job);

/* After the result: ids of the list of objections that no row of the source has. */
uint64_t kith_encode_job_missed(const struct kith_encode_job *job);

/* After a result: what the source is like, to be held against the policy's minima. */
const struct kith_quality_summary *kith_encode_job_quality(const struct kith_encode_job *job);

#endif
