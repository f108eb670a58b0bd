/* kithd.conf: the [node] section of proto/node.h, and
 *
 *   [source]
 *   type = file                               default; or odbc
 *   file = /var/lib/kith-export/people.csv    the table of people, CSV
 *   profile = police                          how its columns are laid out; default: standard
 *   objections = /var/lib/kith-export/objections.csv   ids that are never encoded; none by default
 *   safety_column = do_not_contact            what to beware of with a person, told with a
 *   or safety_file = /var/lib/.../safety.csv  disclosure; the file has columns id, marker
 *   of type odbc, in place of the file:
 *   dsn = people                              of odbc.ini, or KEYWORD=value;...; no credentials
 *   query = SELECT ...                        or query_file = FILE; see daemon/pipeline/query.h
 *   credential = database                     a systemd credential, or a file; none by default
 *   timeout = 300                             seconds that the database may be silent
 *   [agency]
 *   control_socket = /run/kithd/control       default
 *   allow_trial = no                          whether trial rounds may be joined here
 *   subject_log_days = 2190                   how long it is kept who was encoded; 0: not at all
 *   store_gib = 8                             the most the store may grow to
 *   poll_ms = 2000                            how often the matcher is asked
 *   [notify]
 *   command = /usr/local/bin/tell-officers    run where something waits for people; none by default
 */
#ifndef KITH_DAEMON_SERVICE_CONFIG_H
#define KITH_DAEMON_SERVICE_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ini.h"
#include "daemon/pipeline/source.h"
#include "proto/node.h"

struct kith_agency_config {
  struct kith_ini *ini; /* owns the strings */
  struct kith_node_config node;
  struct kith_source_spec source;
  struct kith_profile *profile; /* owned; NULL: the standard columns */
  char *query;                  /* owned; of a database */
  const char *objections;       /* NULL: there is no list */
  const char *safety_column;    /* NULL: none */
  const char *safety_file;      /* NULL: none */
  unsigned subject_log_days;
  const char *control_socket;
  const char *notify_command; /* NULL: nobody is told (notices.h) */
  bool allow_trial;
  size_t map_bytes;
  int poll_ms;
};

KITH_MUST_USE enum kith_err kith_agency_config_load(struct kith_agency_config *out,
                                                    const char *path, struct kith_fault *fault);
/* Of the configuration only: the section but for profile and objections. */
KITH_MUST_USE enum kith_err kith_agency_config_source(struct kith_agency_config *config,
                                                      struct kith_fault *fault);
void kith_agency_config_free(struct kith_agency_config *config);

#endif
