/* The [source] section: a file, or a query of a database. */
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/dsn.h"
#include "daemon/pipeline/query.h"
#include "daemon/service/config.h"

static enum kith_err read_query(struct kith_agency_config *config, struct kith_fault *fault)
{
  const char *text = kith_ini_get(config->ini, "source", "query");
  const char *path = kith_ini_get(config->ini, "source", "query_file");
  enum kith_err err;

  if (!text == !path)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "[source] type = odbc: expected either query or query_file");
  err = path ? kith_query_load(&config->query, path, fault)
             : kith_query_check(&config->query, text, "[source] query", fault);
  config->source.place.query = config->query;
  return err;
}

static enum kith_err read_database(struct kith_agency_config *config, struct kith_fault *fault)
{
  struct kith_table_place *place = &config->source.place;
  uint64_t timeout_s = 0;
  enum kith_err err;

  place->kind = KITH_TABLE_ODBC;
  if ((err = kith_ini_require(config->ini, &place->dsn, "source", "dsn", fault)) != KITH_OK)
    return err;
  if ((err = kith_dsn_check(place->dsn, fault)) != KITH_OK)
    return kith_fail_at(fault, err, "[source]");
  if ((err = read_query(config, fault)) != KITH_OK ||
      (err = kith_ini_u64(config->ini, &timeout_s, "source", "timeout", 1, KITH_TABLE_TIMEOUT_S_MAX,
                          KITH_TABLE_TIMEOUT_S, fault)) != KITH_OK)
    return err;
  place->timeout_s = (unsigned)timeout_s;
  place->credential = kith_ini_get(config->ini, "source", "credential");
  return KITH_OK;
}

enum kith_err kith_agency_config_source(struct kith_agency_config *config, struct kith_fault *fault)
{
  const char *type = kith_ini_get(config->ini, "source", "type");

  if (!type || strcmp(type, "file") == 0)
    return kith_ini_require(config->ini, &config->source.place.path, "source", "file", fault);
  if (strcmp(type, "odbc") == 0)
    return read_database(config, fault);
  return kith_fail(fault, KITH_ERR_CONFIG, "[source] type: expected file or odbc");
}
