#include "proto/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

static const char *const whitespace = " \t";

static enum kith_err signers_read(struct kith_signers *out, const char *keys, unsigned threshold,
                                  struct kith_fault *fault)
{
  memset(out, 0, sizeof *out);
  out->threshold = threshold;
  for (keys += strspn(keys, whitespace); *keys; keys += strspn(keys, whitespace)) {
    char word[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)] = "";
    size_t len = strcspn(keys, whitespace);

    if (out->n_keys == KITH_GOVERNANCE_KEYS_MAX)
      return kith_fail(fault, KITH_ERR_CONFIG, "[node] governance_keys: more than %d keys",
                       KITH_GOVERNANCE_KEYS_MAX);
    if (len >= sizeof word)
      return kith_fail(fault, KITH_ERR_CONFIG, "[node] governance_keys: key %u is too long",
                       out->n_keys + 1);
    memcpy(word, keys, len);
    if (kith_base64_decode(out->keys[out->n_keys], KITH_PUBLIC_BYTES, word) != KITH_OK)
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "[node] governance_keys: key %u is not 32 bytes in base64; take it from "
                       "'kith key show' of the governance lead",
                       out->n_keys + 1);
    out->n_keys++;
    keys += len;
  }
  if (threshold > out->n_keys)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "[node] governance_threshold is %u, but there are %u governance_keys",
                     threshold, out->n_keys);
  return KITH_OK;
}

enum kith_err kith_node_config_read(struct kith_node_config *out, struct kith_ini *ini,
                                    struct kith_fault *fault)
{
  const char *id = NULL;
  const char *keys = NULL;
  uint64_t threshold = 1;
  enum kith_err err;

  memset(out, 0, sizeof *out);
  if ((err = kith_ini_require(ini, &id, "node", "id", fault)) != KITH_OK ||
      (err = kith_ini_require(ini, &out->state_dir, "node", "state_dir", fault)) != KITH_OK ||
      (err = kith_ini_require(ini, &out->key_file, "node", "key_file", fault)) != KITH_OK ||
      (err = kith_ini_require(ini, &out->charter_file, "node", "charter_file", fault)) != KITH_OK ||
      (err = kith_ini_require(ini, &keys, "node", "governance_keys", fault)) != KITH_OK ||
      (err = kith_ini_u64(ini, &threshold, "node", "governance_threshold", 1,
                          KITH_GOVERNANCE_KEYS_MAX, 1, fault)) != KITH_OK)
    return err;
  out->passphrase_file = kith_ini_get(ini, "node", "passphrase_file");
  if (!kith_member_id_valid(id))
    return kith_fail(fault, KITH_ERR_CONFIG, "[node] id: 1 to 32 of a-z, 0-9 and _ were expected");
  strncpy(out->id, id, sizeof out->id - 1);
  return signers_read(&out->pinned, keys, (unsigned)threshold, fault);
}

enum kith_err kith_node_config_identity(struct kith_identity **out,
                                        const struct kith_node_config *config,
                                        struct kith_fault *fault)
{
  const char *credentials = getenv("CREDENTIALS_DIRECTORY");
  KITH_AUTO_FREE char *path = NULL;
  struct kith_secret *passphrase = NULL;
  enum kith_err err;

  if (config->passphrase_file)
    path = kith_strdup(config->passphrase_file);
  else if (credentials)
    path = kith_path_join(credentials, "passphrase");
  else
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "no passphrase: set [node] passphrase_file, or start under systemd with "
                     "LoadCredential=passphrase:FILE");
  if (!path)
    return KITH_ERR_MEMORY;
  err = kith_passphrase_read(&passphrase, path, fault);
  if (err == KITH_OK)
    err = kith_identity_load(out, config->key_file, passphrase, fault);
  kith_secret_free(passphrase);
  return err;
}
