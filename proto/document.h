/* What the readers and printers of charter and policy share: getters on top of base/json.h that
 * also check what the value must look like, and canonical JSON text. */
#ifndef KITH_PROTO_DOCUMENT_H
#define KITH_PROTO_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/identity.h"
#include "proto/limits.h"

enum { KITH_VERSION_MAX = 1000000000 };

/* "kith": KIND and "format": 1. */
void kith_document_head(struct kith_json_reader *reader, const char *kind);
/* Words for people: at most cap - 1 bytes, no control characters and none that change the
 * direction of text (what an officer reads must be what is signed). Empty only where it may be. */
void kith_document_text(struct kith_json_reader *reader, const char *key, char *out, size_t cap,
                        bool may_be_empty);
/* "2026-01-01T00:00:00Z" */
int64_t kith_document_time(struct kith_json_reader *reader, const char *key);
bool kith_document_bool(struct kith_json_reader *reader, const char *key);
/* A member's id in the object, or as an element of an array (`key` is for the fault only). */
void kith_document_member(struct kith_json_reader *reader, const char *key,
                          char out[KITH_MEMBER_ID_BYTES]);
void kith_document_member_of(struct kith_json_reader *reader, const char *key, const json_t *value,
                             char out[KITH_MEMBER_ID_BYTES]);
/* 32 bytes in base64; a point that is fit for use. */
void kith_document_key(struct kith_json_reader *reader, const char *key, const json_t *value,
                       bool signing, uint8_t out[KITH_PUBLIC_BYTES]);
json_t *kith_document_key_json(const uint8_t key[KITH_PUBLIC_BYTES]);
json_t *kith_document_time_json(int64_t time);

/* Whether a text passes the rule of kith_document_text. */
bool kith_text_plain(const char *text);

/* Appends the value, indented by two blanks, keys in the order of their making, with a newline
 * at the end. Takes the reference; NULL is KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_document_dump(struct kith_buf *out, json_t *json);

#endif
