#include "daemon/service/agency.h"

#include "base/log.h"
#include "base/mem.h"
#include "daemon/service/encode_job.h"
#include "daemon/service/notices.h"
#include "daemon/service/officers.h"
#include "daemon/service/subjects.h"

static const char *const table_names[] = {"outbox",      "handles",   "trial",       "subjects",
                                          "officers",    "decisions", "disclosures", "notices",
                                          "withdrawals", "people"};

enum kith_err kith_agency_new(struct kith_agency **out, const char *config_path,
                              struct kith_fault *fault)
{
  struct kith_agency *agency = KITH_NEW(struct kith_agency);
  struct kith_node_options options = {
      .role = KITH_ROLE_AGENCY, .tables = table_names, .n_tables = KITH_COUNT_OF(table_names)};
  const struct kith_member *matcher;
  enum kith_err err;

  if (!agency)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = kith_agency_config_load(&agency->config, config_path, fault)) != KITH_OK)
    goto fail;
  options.map_bytes = agency->config.map_bytes;
  if ((err = kith_node_open(&agency->node, &agency->config.node, &options, fault)) != KITH_OK ||
      (err = kith_agency_officers_load(agency, fault)) != KITH_OK ||
      (err = kith_agency_rounds_load(agency, fault)) != KITH_OK ||
      (err = kith_control_open(&agency->control, agency->config.control_socket, fault)) != KITH_OK)
    goto fail;
  matcher = kith_charter_matcher(&agency->node->charter);
  err = kith_client_new(&agency->client, agency->node->charter.matcher_address, matcher->keys.curve,
                        agency->node->identity, fault);
  if (err != KITH_OK)
    goto fail;
  *out = agency;
  return KITH_OK;

fail:
  kith_agency_free(agency);
  return err;
}

void kith_agency_free(struct kith_agency *agency)
{
  if (!agency)
    return;
  kith_encode_job_free(agency->job);
  kith_notices_end(agency);
  kith_client_free(agency->client);
  kith_control_free(agency->control);
  kith_agency_rounds_free(agency);
  kith_node_close(agency->node);
  kith_agency_config_free(&agency->config);
  kith_free(agency);
}

static enum kith_err note(struct kith_agency *agency, enum kith_audit_event event)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_node_audit(agency->node, txn, event, NULL, NULL, NULL, 0);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

void kith_agency_alive(const struct kith_agency *agency)
{
  if (agency->alive)
    agency->alive();
}

bool kith_agency_alive_waiting(void *context)
{
  kith_agency_alive(context);
  return true;
}

/* A full disk or a lost connection passes; what is left to do is done in a later turn. */
static bool passes(enum kith_err err)
{
  return err == KITH_ERR_TIMEOUT || err == KITH_ERR_FULL || err == KITH_ERR_IO ||
         err == KITH_ERR_MEMORY || err == KITH_ERR_NO || err == KITH_ERR_UNAVAILABLE;
}

enum kith_err kith_agency_run(struct kith_agency *agency, const volatile int *stop,
                              const struct kith_daemon_hooks *hooks, struct kith_fault *fault)
{
  bool was_connected = false;
  enum kith_err err = note(agency, KITH_AUDIT_STARTED);

  agency->stop = stop;
  agency->alive = hooks->alive;
  if (err == KITH_OK)
    hooks->ready(NULL);
  while (err == KITH_OK && !*stop) {
    err = kith_agency_expire(agency);
    if (err == KITH_OK)
      err = kith_subjects_expire(agency);
    if (err == KITH_OK)
      err = kith_agency_sync(agency);
    if (err == KITH_OK)
      err = kith_agency_cosign(agency);
    if (err == KITH_OK || err == KITH_ERR_TIMEOUT) {
      enum kith_err noticed = kith_notices_turn(agency);

      err = noticed == KITH_OK ? err : noticed;
    }
    if (agency->connected != was_connected)
      kith_log(KITH_LOG_INFO, agency->connected ? "matcher.connected" : "matcher.silent");
    was_connected = agency->connected;
    if (err != KITH_OK && err != KITH_ERR_CANCELLED) {
      if (!passes(err))
        break;
      if (err != KITH_ERR_TIMEOUT)
        kith_log(KITH_LOG_WARNING, "turn.failed", KITH_LOG_STR("error", kith_err_name(err)));
    }
    err = kith_agency_wait(agency, agency->config.poll_ms);
  }
  if (err == KITH_OK || err == KITH_ERR_CANCELLED)
    return note(agency, KITH_AUDIT_STOPPED);
  return kith_fail(fault, err, "the daemon can't go on: %s", kith_err_name(err));
}
