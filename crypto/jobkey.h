/* The key of one job of several machines: what the encodings, shards and journals of the job are
 * sealed under while they lie on storage that the machines share. A file of 40 bytes, "KITHJOBK"
 * and 32 random ones, that only its owner may read; made for the job and destroyed after it. */
#ifndef KITH_CRYPTO_JOBKEY_H
#define KITH_CRYPTO_JOBKEY_H

#include "base/err.h"
#include "crypto/secret.h"

enum { KITH_JOBKEY_BYTES = 32, KITH_JOBKEY_FILE_BYTES = 40 };

/* Makes the file, mode 0600, and gives its key. KITH_ERR_CREATE: it is there already, or can't be
 * made. */
KITH_MUST_USE enum kith_err kith_jobkey_make(struct kith_secret **out, const char *path,
                                             struct kith_fault *fault);
/* KITH_ERR_NO_INPUT; KITH_ERR_DATA: no such key; KITH_ERR_DENIED: others may read the file. */
KITH_MUST_USE enum kith_err kith_jobkey_load(struct kith_secret **out, const char *path,
                                             struct kith_fault *fault);
/* A key of its own for one use, from the job's. */
KITH_MUST_USE enum kith_err kith_jobkey_for(struct kith_secret **out, const struct kith_secret *key,
                                            const char *use);

#endif
