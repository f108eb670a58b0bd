/* The files that `kith setup` writes besides keys. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/documents.h"
#include "cli/setup/setup.h"
#include "daemon/pipeline/dsn.h"
#include "daemon/pipeline/profile.h"
#include "daemon/pipeline/query.h"

char *kith_setup_absolute(const char *path)
{
  char here[PATH_MAX];

  if (path[0] == '/')
    return kith_strdup(path);
  return getcwd(here, sizeof here) ? kith_path_join(here, path) : NULL;
}

/* A line end or a comment sign would become configuration of its own. */
static bool fits_a_line(const char *value)
{
  return !value || !strpbrk(value, "\r\n;#");
}

/* ---- configuration
 * ------------------------------------------------------------------------------------ */

static enum kith_err append_keys(struct kith_buf *text, const struct kith_setup *setup,
                                 struct kith_fault *fault)
{
  kith_buf_append_string(text, "governance_keys =");
  for (size_t i = 0; i < setup->governance_keys.n; i++) {
    uint8_t key[KITH_PUBLIC_BYTES];
    char base64[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)];
    enum kith_err err = kith_cli_sign_key(key, setup->governance_keys.items[i], fault);

    if (err != KITH_OK)
      return err;
    kith_base64_encode(base64, key, sizeof key);
    kith_buf_printf(text, " %s", base64);
  }
  kith_buf_printf(text, "\ngovernance_threshold = %u\n", (unsigned)setup->governance_threshold);
  return KITH_OK;
}

/* The profile is read once, so that a wrong one is told now. */
static enum kith_err append_profile(struct kith_buf *text, const struct kith_setup *setup,
                                    struct kith_fault *fault)
{
  const bool is_file = strpbrk(setup->profile, "/.") != NULL;
  KITH_AUTO_FREE char *path = is_file ? kith_setup_absolute(setup->profile) : NULL;
  struct kith_profile *profile = NULL;
  enum kith_err err = kith_profile_load(&profile, setup->profile, fault);

  kith_profile_free(profile);
  if (err == KITH_OK && is_file && !path)
    err = kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if (err == KITH_OK)
    kith_buf_printf(text, "# How its columns are laid out, see kith-profile(5).\nprofile = %s\n",
                    path ? path : setup->profile);
  return err;
}

/* Read once, so that a wrong data source or query is told now. */
static enum kith_err append_database(struct kith_buf *text, const struct kith_setup *setup,
                                     struct kith_fault *fault)
{
  const bool is_file = setup->credential && strchr(setup->credential, '/');
  KITH_AUTO_FREE char *query = kith_setup_absolute(setup->query_path);
  KITH_AUTO_FREE char *credential = is_file ? kith_setup_absolute(setup->credential) : NULL;
  KITH_AUTO_FREE char *checked = NULL;
  enum kith_err err = kith_dsn_check(setup->dsn, fault);

  if (err == KITH_OK)
    err = kith_query_load(&checked, setup->query_path, fault);
  if (err == KITH_OK && (!query || (is_file && !credential)))
    err = kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  /* A blank before a semicolon would begin a comment. */
  if (err == KITH_OK && (strstr(setup->dsn, " ;") || setup->dsn[0] == ';'))
    err = kith_fail(fault, KITH_ERR_USAGE, "--odbc: no blank before a semicolon, please");
  if (err != KITH_OK)
    return err;
  kith_buf_printf(text,
                  "\n[source]\n# The people: the rows of one query, which only reads.\n"
                  "type = odbc\ndsn = %s\nquery_file = %s\n",
                  setup->dsn, query);
  if (setup->credential)
    kith_buf_printf(text, "# Two lines, user = and password =.%s\ncredential = %s\n",
                    is_file ? "" : " Under systemd, as peers.conf loads it.",
                    is_file ? credential : setup->credential);
  return KITH_OK;
}

static enum kith_err append_file(struct kith_buf *text, const struct kith_setup *setup,
                                 struct kith_fault *fault)
{
  KITH_AUTO_FREE char *source = kith_setup_absolute(setup->source);

  if (!source)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  kith_buf_printf(text,
                  "\n[source]\n# The table of people: CSV with a header.\n"
                  "file = %s\n",
                  source);
  return KITH_OK;
}

static enum kith_err append_daemon(struct kith_buf *text, const struct kith_setup *setup,
                                   struct kith_fault *fault)
{
  if (setup->role == KITH_ROLE_AGENCY) {
    enum kith_err err =
        setup->dsn ? append_database(text, setup, fault) : append_file(text, setup, fault);

    if (err == KITH_OK && setup->profile)
      err = append_profile(text, setup, fault);
    if (err != KITH_OK)
      return err;
    kith_buf_printf(text,
                    "\n[agency]\n# Officers' commands come in here (group "
                    "kith-officers).\ncontrol_socket = %s/control\nallow_trial = %s\n",
                    setup->home, setup->allow_trial ? "yes" : "no");
  } else {
    kith_buf_printf(text, "\n[matcher]\nlisten = %s\n", setup->listen);
  }
  return KITH_OK;
}

static const char *config_name(enum kith_role role)
{
  return role == KITH_ROLE_AGENCY    ? "kithd.conf"
         : role == KITH_ROLE_MATCHER ? "kith-matcher.conf"
                                     : "kith.conf";
}

enum kith_err kith_setup_write_config(const struct kith_setup *setup, struct kith_fault *fault)
{
  KITH_AUTO_FREE char *path = kith_path_join(setup->home, config_name(setup->role));
  KITH_AUTO_FREE char *passphrase =
      setup->passphrase_path ? kith_setup_absolute(setup->passphrase_path) : NULL;
  struct kith_buf text;
  enum kith_err err;

  if (!path || (setup->passphrase_path && !passphrase))
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if (!fits_a_line(setup->home) || !fits_a_line(setup->source) || !fits_a_line(setup->profile) ||
      !fits_a_line(setup->listen) || !fits_a_line(setup->query_path) ||
      !fits_a_line(setup->credential) || !fits_a_line(passphrase))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "a path or an address with a line end, ';' or '#' can't be configured");
  kith_buf_init(&text, KITH_DOCUMENT_BYTES_MAX);
  kith_buf_printf(&text,
                  "# Made by 'kith setup'. See kithd.conf(5).\n[node]\nid = %s\nstate_dir = %s\n"
                  "key_file = %s\n",
                  setup->id, setup->state_path, setup->key_path);
  if (passphrase)
    kith_buf_printf(&text,
                    "# Under systemd the credential \"passphrase\" takes its place: leave this "
                    "out.\npassphrase_file = %s\n",
                    passphrase);
  kith_buf_printf(&text, "charter_file = %s\n", setup->charter_path);
  err = append_keys(&text, setup, fault);
  if (err == KITH_OK && setup->is_daemon)
    err = append_daemon(&text, setup, fault);
  if (err == KITH_OK && (err = kith_buf_err(&text)) != KITH_OK)
    kith_fail(fault, err, "out of memory");
  if (err == KITH_OK)
    err = kith_file_write(path, 0600, text.bytes, text.len, fault);
  kith_buf_free(&text);
  return err;
}

/* ---- the unit's drop-in
 * ---------------------------------------------------------------------------------- */

/* The host of tcp://HOST:PORT and its port; false where it is another form. */
static bool split_address(const char *address, char *host, size_t cap, char *port, size_t port_cap)
{
  const char *start = strstr(address, "://");
  const char *colon = strrchr(address, ':');
  size_t len;

  if (!start || !colon || colon < start + 3)
    return false;
  start += 3;
  if (*start == '[' && colon[-1] == ']') {
    start++;
    len = (size_t)(colon - 1 - start);
  } else {
    len = (size_t)(colon - start);
  }
  if (len == 0 || len >= cap || strlen(colon + 1) >= port_cap)
    return false;
  memcpy(host, start, len);
  host[len] = '\0';
  (void)snprintf(port, port_cap, "%s", colon + 1);
  return true;
}

static bool is_numeric(const char *host)
{
  return strspn(host, "0123456789.") == strlen(host) || strchr(host, ':') != NULL;
}

/* The matcher, and the database with its credential, which systemd hands over. */
static void append_agency(struct kith_buf *text, const struct kith_setup *setup, const char *host)
{
  if (is_numeric(host))
    kith_buf_printf(text, "IPAddressAllow=%s\n", host);
  else
    kith_buf_printf(text, "# IPAddressAllow= the address of %s, and of the name server\n", host);
  if (!setup->dsn)
    return;
  for (size_t i = 0; i < setup->database_networks.n; i++)
    kith_buf_printf(text, "# The database.\nIPAddressAllow=%s\n",
                    setup->database_networks.items[i]);
  if (!setup->database_networks.n)
    kith_buf_append_string(text, "# IPAddressAllow= the database's address (--database-network), "
                                 "unless it is reached by a Unix socket\n");
  if (setup->credential && !strchr(setup->credential, '/'))
    kith_buf_printf(text, "LoadCredential=%s:/etc/kith/%s\n", setup->credential, setup->credential);
}

enum kith_err kith_setup_write_drop_in(const struct kith_setup *setup,
                                       const struct kith_charter *charter, struct kith_fault *fault)
{
  const bool agency = setup->role == KITH_ROLE_AGENCY;
  const char *unit = agency ? "kithd.service.d" : "kith-matcher.service.d";
  KITH_AUTO_FREE char *dir = kith_path_join(setup->home, unit);
  KITH_AUTO_FREE char *path = dir ? kith_path_join(dir, "peers.conf") : NULL;
  char host[KITH_ADDRESS_BYTES];
  char port[16];
  struct kith_buf text;
  enum kith_err err;

  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if (!split_address(agency ? charter->matcher_address : setup->listen, host, sizeof host, port,
                     sizeof port))
    return kith_fail(fault, KITH_ERR_CONFIG, "tcp://HOST:PORT was expected as an address");
  kith_buf_init(&text, KITH_DOCUMENT_BYTES_MAX);
  kith_buf_printf(&text, "# Made by 'kith setup'; goes to /etc/systemd/system/%s/.\n[Service]\n",
                  unit);
  if (!agency) {
    kith_buf_printf(&text, "SocketBindAllow=tcp:%s\n", port);
    for (size_t i = 0; i < setup->peer_networks.n; i++)
      kith_buf_printf(&text, "IPAddressAllow=%s\n", setup->peer_networks.items[i]);
    if (!setup->peer_networks.n)
      kith_buf_append_string(&text, "# IPAddressAllow= the members' networks (--peer-network): "
                                    "nobody gets in before that\n");
  } else {
    append_agency(&text, setup, host);
  }
  if ((err = kith_buf_err(&text)) != KITH_OK)
    kith_fail(fault, err, "out of memory");
  if (err == KITH_OK)
    err = kith_dir_make(dir, 0755, fault);
  if (err == KITH_OK)
    err = kith_file_write(path, 0644, text.bytes, text.len, fault);
  kith_buf_free(&text);
  return err;
}
