#include "cli/home.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/documents.h"
#include "cli/verbs.h"

enum kith_err kith_cli_round_id(kith_round_id out, const char *text, struct kith_fault *fault)
{
  if (text && kith_hex_decode(out, KITH_ROUND_ID_BYTES, text) == KITH_OK)
    return KITH_OK;
  return kith_fail(fault, KITH_ERR_USAGE,
                   "a round's id, 32 hex digits, was expected; 'kith round list' shows them");
}

/* ---- opening
 * ---------------------------------------------------------------------------------------- */

static enum kith_err find_dir(struct kith_home *home, const char *dir, struct kith_fault *fault)
{
  const char *from_environment = getenv("KITH_HOME");
  const char *user = getenv("HOME");

  home->dir = dir ? dir : from_environment;
  if (home->dir)
    return KITH_OK;
  if (!user)
    return kith_fail(fault, KITH_ERR_CONFIG, "which home? Give --home DIR or set KITH_HOME");
  home->own_dir = kith_path_join(user, ".config/kith");
  home->dir = home->own_dir;
  return home->dir ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
}

static enum kith_err load_config(struct kith_home *home, struct kith_fault *fault)
{
  KITH_AUTO_FREE char *agency = kith_path_join(home->dir, "kithd.conf");
  KITH_AUTO_FREE char *other = kith_path_join(home->dir, "kith.conf");
  const char *socket;
  enum kith_err err;

  if (!agency || !other)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  home->agency = kith_file_exists(agency);
  if (!home->agency && !kith_file_exists(other))
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "%s: neither kithd.conf nor kith.conf is there; 'kith setup' makes them",
                     home->dir);
  if ((err = kith_ini_load(&home->ini, home->agency ? agency : other, fault)) != KITH_OK ||
      (err = kith_node_config_read(&home->config, home->ini, fault)) != KITH_OK)
    return err;
  if (!home->agency)
    return kith_ini_done(home->ini, fault);
  socket = kith_ini_get(home->ini, "agency", "control_socket");
  home->control_socket = kith_strdup(socket ? socket : "/run/kithd/control");
  return home->control_socket ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
}

enum kith_err kith_home_open(struct kith_home *out, const char *dir, struct kith_fault *fault)
{
  struct kith_home home = {0};
  enum kith_err err = find_dir(&home, dir, fault);

  if (err == KITH_OK)
    err = load_config(&home, fault);
  if (err != KITH_OK) {
    kith_home_close(&home);
    return err;
  }
  *out = home;
  return KITH_OK;
}

void kith_home_close(struct kith_home *home)
{
  kith_client_free(home->client);
  kith_identity_free(home->identity);
  kith_signed_free(&home->charter_document);
  kith_ini_free(home->ini);
  kith_free(home->control_socket);
  kith_free(home->own_dir);
  memset(home, 0, sizeof *home);
}

static enum kith_err take_charter(struct kith_home *home, struct kith_signed *document,
                                  const struct kith_charter *current, struct kith_fault *fault)
{
  struct kith_charter charter;
  enum kith_err err = kith_charter_accept(&charter, document, &home->config.pinned, current,
                                          kith_clock_now(), fault);

  if (err != KITH_OK) {
    kith_signed_free(document);
    return err;
  }
  kith_signed_free(&home->charter_document);
  home->charter_document = *document;
  home->charter = charter;
  kith_signed_hash(&home->charter_hash, document);
  memset(document, 0, sizeof *document);
  return KITH_OK;
}

enum kith_err kith_home_unlock(struct kith_home *home, const char *passphrase_file,
                               struct kith_fault *fault)
{
  struct kith_signed document = {0};
  enum kith_err err;

  if (!passphrase_file)
    passphrase_file = home->config.passphrase_file;
  if ((err = kith_cli_crypto(fault)) != KITH_OK ||
      (err = kith_cli_identity(&home->identity, home->config.key_file, passphrase_file, fault)) !=
          KITH_OK ||
      (err = kith_signed_load(&document, KITH_DOCUMENT_CHARTER, home->config.charter_file,
                              fault)) != KITH_OK)
    return err;
  return take_charter(home, &document, NULL, fault);
}

/* ---- the matcher
 * -------------------------------------------------------------------------------------- */

enum kith_err kith_home_call(struct kith_home *home, struct kith_reply *out,
                             struct kith_request *request, struct kith_fault *fault)
{
  return kith_call(home->client, out, request, KITH_CALL_MS, fault);
}

enum kith_err kith_home_document(struct kith_home *home, struct kith_signed *out,
                                 enum kith_document_kind kind, const struct kith_hash *hash,
                                 struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_DOCUMENT_GET};
  struct kith_reply reply;
  struct kith_hash found;
  enum kith_err err;

  request.body.document_get.kind = kind;
  request.body.document_get.newest = hash == NULL;
  if (hash)
    request.body.document_get.hash = *hash;
  if ((err = kith_home_call(home, &reply, &request, fault)) != KITH_OK)
    return err;
  *out = reply.body.document_get.document;
  memset(&reply.body.document_get.document, 0, sizeof reply.body.document_get.document);
  kith_reply_free(&reply);
  kith_signed_hash(&found, out);
  if (out->kind == kind && (!hash || kith_hash_equal(hash, &found)))
    return KITH_OK;
  kith_signed_free(out);
  return kith_fail(fault, KITH_ERR_NO, "the matcher sent another document than was asked for");
}

/* A newer charter at the matcher comes into force here as it does at every node: by its signatures.
 */
static enum kith_err follow_charter(struct kith_home *home, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_HELLO};
  struct kith_signed document = {0};
  struct kith_charter current = home->charter;
  struct kith_reply reply;
  bool same;
  enum kith_err err = kith_home_call(home, &reply, &request, fault);

  if (err != KITH_OK)
    return err;
  same = kith_hash_equal(&reply.body.hello.charter, &home->charter_hash);
  kith_reply_free(&reply);
  if (same)
    return KITH_OK;
  if ((err = kith_home_document(home, &document, KITH_DOCUMENT_CHARTER, NULL, fault)) != KITH_OK)
    return err;
  if (take_charter(home, &document, &current, NULL) != KITH_OK)
    return KITH_OK; /* ours is the newer one: governance has still to publish it */
  return kith_signed_save(&home->charter_document, home->config.charter_file, fault);
}

enum kith_err kith_home_connect(struct kith_home *home, const char *passphrase_file,
                                struct kith_fault *fault)
{
  enum kith_err err = kith_home_unlock(home, passphrase_file, fault);

  if (err == KITH_OK)
    err = kith_client_new(&home->client, home->charter.matcher_address,
                          kith_charter_matcher(&home->charter)->keys.curve, home->identity, fault);
  return err == KITH_OK ? follow_charter(home, fault) : err;
}

enum kith_err kith_home_publish(struct kith_home *home, const struct kith_signed *document,
                                struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_DOCUMENT_PUT};
  struct kith_reply reply;
  enum kith_err err;

  request.body.document_put = *document; /* borrowed for the call */
  err = kith_home_call(home, &reply, &request, fault);
  if (err == KITH_OK)
    kith_reply_free(&reply);
  return err;
}
