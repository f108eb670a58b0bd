#include "proto/node.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

static const char *const node_tables[KITH_NODE_TABLES] = {
    "meta", "documents", "rounds", "statements", "pending", "audit",
};

enum { TABLES_MAX = 16 };

static const char high_water_name[] = "clock";

static struct kith_bytes bytes_of(const void *bytes, size_t len)
{
  return (struct kith_bytes){bytes, len};
}

/* ---- the clock */

static enum kith_err high_water_load(struct kith_node *node)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_store_get(txn, KITH_TABLE_META, bytes_of(high_water_name, sizeof high_water_name - 1),
                       &value, &len);
  if (err == KITH_OK && len == sizeof node->high_water)
    memcpy(&node->high_water, value, sizeof node->high_water);
  else if (err == KITH_ERR_NOT_FOUND)
    err = KITH_OK;
  else if (err == KITH_OK)
    err = KITH_ERR_INTERNAL;
  kith_txn_abort(txn);
  return err;
}

int64_t kith_node_now(struct kith_node *node)
{
  int64_t now = kith_clock_now();

  return now > node->high_water ? now : node->high_water;
}

enum kith_err kith_node_begin(struct kith_txn **txn, struct kith_node *node)
{
  int64_t now = kith_node_now(node);
  enum kith_err err = kith_txn_begin(txn, node->store, true);

  if (err != KITH_OK)
    return err;
  err = kith_store_put(*txn, KITH_TABLE_META, bytes_of(high_water_name, sizeof high_water_name - 1),
                       bytes_of(&now, sizeof now));
  if (err != KITH_OK) {
    kith_txn_abort(*txn);
    *txn = NULL;
    return err;
  }
  node->high_water = now;
  return KITH_OK;
}

/* ---- opening */

/* The charter must know this node by all its keys: a node that speaks with other keys than the
 * others look for would only be refused, one message after another. */
static enum kith_err check_membership(const struct kith_node *node, enum kith_role role,
                                      struct kith_fault *fault)
{
  const struct kith_member *self = kith_charter_member(&node->charter, node->id);

  if (!self)
    return kith_fail(fault, KITH_ERR_CONFIG, "the charter (version %llu) has no member '%s'",
                     (unsigned long long)node->charter.version, node->id);
  if (self->role != role)
    return kith_fail(fault, KITH_ERR_CONFIG, "the charter has '%s' as %s, not as %s", node->id,
                     kith_role_name(self->role), kith_role_name(role));
  if (memcmp(&self->keys, &node->identity->public_keys, sizeof self->keys) != 0)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "the charter has other keys for '%s' than this node's key file: send the "
                     "member card again, or take the right key file",
                     node->id);
  return KITH_OK;
}

static enum kith_err stored_charter_load(struct kith_node *node, struct kith_fault *fault)
{
  struct kith_signed document = {0};
  enum kith_err err = kith_node_document(node, &document, KITH_DOCUMENT_CHARTER, NULL);

  if (err != KITH_OK)
    return err;
  err = kith_charter_parse(&node->charter, document.bytes, document.len, "stored charter", fault);
  if (err == KITH_OK)
    kith_signed_hash(&node->charter_hash, &document);
  kith_signed_free(&document);
  return err;
}

static enum kith_err charter_load(struct kith_node *node, const char *path,
                                  struct kith_fault *fault)
{
  struct kith_signed document = {0};
  enum kith_err stored = stored_charter_load(node, fault);
  enum kith_err err;

  if (stored != KITH_OK && stored != KITH_ERR_NOT_FOUND)
    return stored;
  if (stored == KITH_OK && !kith_file_exists(path))
    return KITH_OK;
  err = kith_signed_load(&document, KITH_DOCUMENT_CHARTER, path, fault);
  if (err != KITH_OK)
    return err;
  err = kith_node_take_document(node, &document, fault);
  kith_signed_free(&document);
  if (err == KITH_ERR_EXISTS)
    return KITH_OK;
  /* An older file beside a newer stored charter is what a node has after every update. */
  if (err == KITH_ERR_DENIED && stored == KITH_OK)
    return KITH_OK;
  return err;
}

static enum kith_err store_open(struct kith_node *node, const char *state_dir,
                                const struct kith_node_options *options, struct kith_fault *fault)
{
  const char *tables[TABLES_MAX];
  KITH_AUTO_FREE char *store_dir = kith_path_join(state_dir, "store");
  KITH_AUTO_FREE char *keys_dir = kith_path_join(state_dir, "keys");
  struct kith_store_options store_options = {tables, KITH_NODE_TABLES + options->n_tables,
                                             options->map_bytes};
  enum kith_err err;

  node->audit_export.path = kith_path_join(state_dir, "audit.export");
  if (!store_dir || !keys_dir || !node->audit_export.path)
    return KITH_ERR_MEMORY;
  if (store_options.n_tables > TABLES_MAX)
    return KITH_ERR_INTERNAL;
  memcpy(tables, node_tables, sizeof node_tables);
  memcpy(tables + KITH_NODE_TABLES, options->tables, options->n_tables * sizeof *tables);
  if ((err = kith_dir_make(state_dir, 0700, fault)) != KITH_OK ||
      (err = kith_store_open(&node->store, store_dir, &store_options, fault)) != KITH_OK)
    return err;
  return kith_roundkeys_open(&node->keys, keys_dir, node->identity->storage, fault);
}

enum kith_err kith_node_open(struct kith_node **out, const struct kith_node_config *config,
                             const struct kith_node_options *options, struct kith_fault *fault)
{
  struct kith_node *node = KITH_NEW(struct kith_node);
  enum kith_err err;

  if (!node)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  memcpy(node->id, config->id, sizeof node->id);
  node->pinned = config->pinned;
  node->identity = options->identity;
  node->borrows_identity = options->identity != NULL;
  if ((!node->identity &&
       (err = kith_node_config_identity(&node->identity, config, fault)) != KITH_OK) ||
      (err = store_open(node, config->state_dir, options, fault)) != KITH_OK ||
      (err = high_water_load(node)) != KITH_OK ||
      (err = charter_load(node, config->charter_file, fault)) != KITH_OK ||
      (err = check_membership(node, options->role, fault)) != KITH_OK) {
    kith_node_close(node);
    return err;
  }
  *out = node;
  return KITH_OK;
}

void kith_node_close(struct kith_node *node)
{
  if (!node)
    return;
  kith_free(node->audit_export.path);
  kith_roundkeys_free(node->keys);
  kith_store_close(node->store);
  if (!node->borrows_identity)
    kith_identity_free(node->identity);
  kith_free(node);
}
