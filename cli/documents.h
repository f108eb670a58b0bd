/* What `kith charter` and `kith policy` share: signed documents as files, and how they are shown.
 */
#ifndef KITH_CLI_DOCUMENTS_H
#define KITH_CLI_DOCUMENTS_H

#include <jansson.h>

#include "base/err.h"
#include "cli/verbs.h"
#include "proto/charter.h"
#include "proto/policy.h"
#include "proto/signed.h"

/* "2026-01-01T00:00:00Z", or a date alone: its first second. KITH_ERR_USAGE naming `option`. */
KITH_MUST_USE enum kith_err kith_cli_time(int64_t *out, const char *text, const char *option,
                                          struct kith_fault *fault);

/* A public signing key: base64, or a member's card. */
KITH_MUST_USE enum kith_err kith_cli_sign_key(uint8_t out[KITH_PUBLIC_BYTES], const char *text,
                                              struct kith_fault *fault);

/* A governance key by its fingerprint in the charter, as base64 or as a card. KITH_ERR_NO. */
KITH_MUST_USE enum kith_err kith_cli_pin_key(uint8_t out[KITH_PUBLIC_BYTES], const char *pin,
                                             const struct kith_charter *charter,
                                             struct kith_fault *fault);

/* Reads the card at `path`. */
KITH_MUST_USE enum kith_err kith_cli_card(struct kith_member *out, const char *path,
                                          struct kith_fault *fault);

/* The document at `path`, parsed but not verified. `charter` may still lack its matcher where
 * `draft`. Free `document` with kith_signed_free. */
KITH_MUST_USE enum kith_err kith_cli_charter_load(struct kith_signed *document,
                                                  struct kith_charter *charter, const char *path,
                                                  bool draft, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_cli_policy_load(struct kith_signed *document,
                                                 struct kith_policy *policy, const char *path,
                                                 struct kith_fault *fault);

/* Adds the key file's signature to the file's document and saves it. */
KITH_MUST_USE enum kith_err kith_cli_sign(struct kith_signed *document, const char *path,
                                          const char *key_file, const char *passphrase_file,
                                          struct kith_fault *fault);
/* The number of different signers who signed validly. */
unsigned kith_cli_count_signed(const struct kith_signed *document,
                               const struct kith_signers *signers);

/* Whether the key is one of the signers. */
bool kith_cli_is_signer(const struct kith_signers *signers, const uint8_t key[KITH_PUBLIC_BYTES]);

/* The hash by which rounds name the document, in hex. */
void kith_cli_hash_text(char out[2 * KITH_HASH_BYTES + 1], const struct kith_signed *document);
/* [{"key": ...}, ...] */
json_t *kith_cli_signatures_json(const struct kith_signed *document);

#endif
