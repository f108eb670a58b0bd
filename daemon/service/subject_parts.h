/* Of subject*.c only: the boxes that the logs are in. */
#ifndef KITH_DAEMON_SERVICE_SUBJECT_PARTS_H
#define KITH_DAEMON_SERVICE_SUBJECT_PARTS_H

#include "daemon/service/subjects.h"

/* Where the key file of a round's boxes is. */
void kith_subject_box_key_place(kith_round_id out, const kith_round_id round);
/* The agency's log key, for good. */
KITH_MUST_USE enum kith_err kith_subject_log_key(struct kith_agency *agency,
                                                 struct kith_secret **out);
/* HMAC(log key, 0x00 || id). KITH_ERR_LIMIT: the id is too long. */
KITH_MUST_USE enum kith_err kith_subject_id_hash(uint8_t out[KITH_HASH_BYTES],
                                                 const struct kith_secret *key, const char *id);
KITH_MUST_USE enum kith_err kith_subject_box_put(struct kith_txn *txn,
                                                 const struct kith_secret *box_key,
                                                 const kith_round_id round, uint32_t number,
                                                 const void *bytes, size_t len);
/* *out: a fresh copy (kith_free). KITH_ERR_NOT_FOUND. */
KITH_MUST_USE enum kith_err kith_subject_box_get(struct kith_txn *txn,
                                                 const struct kith_secret *box_key,
                                                 const kith_round_id round, uint32_t number,
                                                 uint8_t **out, size_t *len);

#endif
