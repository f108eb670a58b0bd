/* A member's home: the directory that `kith setup` filled, and what it leads to. An agency's home
 * has kithd.conf, and its commands go to the daemon's control socket; a governance lead's or a
 * recipient's has kith.conf, and theirs go to the matcher; the matcher's own has kith-matcher.conf.
 *
 * Life: open, use, close (takes a zeroed object). */
#ifndef KITH_CLI_HOME_H
#define KITH_CLI_HOME_H

#include <jansson.h>

#include "base/err.h"
#include "base/ini.h"
#include "proto/call.h"
#include "proto/charter.h"
#include "proto/node.h"
#include "proto/round.h"

struct kith_home {
  const char *dir; /* borrowed, or `own_dir` */
  char *own_dir;
  struct kith_ini *ini;
  bool agency;          /* it has kithd.conf */
  char *control_socket; /* of an agency */
  struct kith_node_config config;
  struct kith_identity *identity; /* of the others */
  struct kith_charter charter;
  struct kith_hash charter_hash;
  struct kith_signed charter_document;
  struct kith_client *client; /* once connected */
};

/* `dir` NULL: $KITH_HOME, else ~/.config/kith. Reads the configuration only. KITH_ERR_CONFIG where
 * the directory is no home. */
KITH_MUST_USE enum kith_err kith_home_open(struct kith_home *out, const char *dir,
                                           struct kith_fault *fault);
void kith_home_close(struct kith_home *home);

/* Unwraps the key file (asking for the passphrase where no file is named), verifies the charter and
 * connects to the matcher; a newer charter there is verified, taken and kept. */
KITH_MUST_USE enum kith_err kith_home_connect(struct kith_home *home, const char *passphrase_file,
                                              struct kith_fault *fault);
/* The key file and the charter of the home, without a connection. */
KITH_MUST_USE enum kith_err kith_home_unlock(struct kith_home *home, const char *passphrase_file,
                                             struct kith_fault *fault);

enum { KITH_CALL_MS = 20000 };
KITH_MUST_USE enum kith_err kith_home_call(struct kith_home *home, struct kith_reply *out,
                                           struct kith_request *request, struct kith_fault *fault);
/* A document that the matcher has, by its hash, or the newest (NULL). Its signatures are not looked
 * at. kith_signed_free. */
KITH_MUST_USE enum kith_err kith_home_document(struct kith_home *home, struct kith_signed *out,
                                               enum kith_document_kind kind,
                                               const struct kith_hash *hash,
                                               struct kith_fault *fault);
/* Publishes a signed document unless the matcher has it. */
KITH_MUST_USE enum kith_err kith_home_publish(struct kith_home *home,
                                              const struct kith_signed *document,
                                              struct kith_fault *fault);
/* Governance's statements (cli/round/proposal.c): said at once where one signature is enough, else
 * proposed, for others to sign. */
struct kith_said {
  bool said;
  unsigned n_signed;
  unsigned n_needed;
  struct kith_hash proposal;
};
/* Signs a joint statement of this member's and gives it to the matcher. */
KITH_MUST_USE enum kith_err kith_home_say(struct kith_home *home, struct kith_statement *statement,
                                          struct kith_said *out, struct kith_fault *fault);
/* Tells a person on standard error where more must sign. */
void kith_said_print(const struct kith_said *said);

/* A round as the matcher relays it, every statement verified here against the charter that it was
 * opened under. */
struct kith_remote_round {
  struct kith_charter charter;
  struct kith_signed charter_document;
  struct kith_round_log *log;
  enum kith_round_state state; /* as the matcher says */
  int64_t deadline;
  uint32_t progress;
  struct kith_buf statements; /* each: length as 4 bytes LE, bytes */
};
KITH_MUST_USE enum kith_err kith_remote_round_fetch(struct kith_remote_round *out,
                                                    struct kith_home *home, const kith_round_id id,
                                                    struct kith_fault *fault);
/* From what was kept: the charter's file and the statements. */
KITH_MUST_USE enum kith_err kith_remote_round_read(struct kith_remote_round *out,
                                                   const struct kith_home *home,
                                                   const char *charter_path,
                                                   const char *statements_path,
                                                   struct kith_fault *fault);
void kith_remote_round_free(struct kith_remote_round *round);

/* Asks the agency's daemon: `request` is consumed. The reply's "ok" is true, else an error with
 * *fault. */
KITH_MUST_USE enum kith_err kith_home_ask(struct kith_home *home, json_t **out, json_t *request,
                                          struct kith_fault *fault);

/* The exported audit log (kith_free): an agency's own, of its daemon; the matcher's for others. */
KITH_MUST_USE enum kith_err kith_home_audit(struct kith_home *home, uint8_t **out, size_t *len,
                                            struct kith_fault *fault);

/* 32 hex digits. KITH_ERR_USAGE. */
KITH_MUST_USE enum kith_err kith_cli_round_id(kith_round_id out, const char *text,
                                              struct kith_fault *fault);

#endif
