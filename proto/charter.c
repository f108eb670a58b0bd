#include "proto/charter.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/document.h"

/* ---- names */

static const char *const role_names[] = {
    [KITH_ROLE_AGENCY] = "agency",
    [KITH_ROLE_MATCHER] = "matcher",
    [KITH_ROLE_RECIPIENT] = "recipient",
    [KITH_ROLE_GOVERNANCE] = "governance",
};

static const char *const kind_names[] = {
    [KITH_KIND_NONE] = "none",
    [KITH_KIND_POLICE] = "police",
    [KITH_KIND_YOUTH_JUSTICE] = "youth_justice",
    [KITH_KIND_PROBATION] = "probation",
    [KITH_KIND_CHILDRENS_SERVICES] = "childrens_services",
    [KITH_KIND_EDUCATION] = "education",
    [KITH_KIND_HEALTH] = "health",
    [KITH_KIND_FIRE] = "fire",
    [KITH_KIND_PRISON] = "prison",
    [KITH_KIND_CHARITY] = "charity",
    [KITH_KIND_OTHER] = "other",
};

const char *kith_role_name(enum kith_role role)
{
  size_t i = (size_t)role;

  return i >= 1 && i < KITH_COUNT_OF(role_names) ? role_names[i] : "unknown";
}

const char *kith_agency_kind_name(enum kith_agency_kind kind)
{
  size_t i = (size_t)kind;

  return i < KITH_COUNT_OF(kind_names) ? kind_names[i] : "unknown";
}

enum kith_err kith_role_parse(enum kith_role *out, const char *name)
{
  for (size_t i = 1; i < KITH_COUNT_OF(role_names); i++) {
    if (strcmp(role_names[i], name) == 0) {
      *out = (enum kith_role)i;
      return KITH_OK;
    }
  }
  return KITH_ERR_DATA;
}

enum kith_err kith_agency_kind_parse(enum kith_agency_kind *out, const char *name)
{
  for (size_t i = 1; i < KITH_COUNT_OF(kind_names); i++) {
    if (strcmp(kind_names[i], name) == 0) {
      *out = (enum kith_agency_kind)i;
      return KITH_OK;
    }
  }
  return KITH_ERR_DATA;
}

/* ---- reading */

/* Everything of a member but the end of its object. */
static void member_read(struct kith_member *out, struct kith_json_reader *reader)
{
  const char *text;

  kith_document_member(reader, "id", out->id);
  kith_document_text(reader, "name", out->name, sizeof out->name, false);
  text = kith_json_string(reader, "role", NULL);
  if (reader->err == KITH_OK && kith_role_parse(&out->role, text) != KITH_OK)
    kith_json_refuse(reader, "role", "expected agency, matcher, recipient or governance");
  if (reader->err == KITH_OK && out->role == KITH_ROLE_AGENCY) {
    text = kith_json_string(reader, "kind", NULL);
    if (reader->err == KITH_OK && kith_agency_kind_parse(&out->kind, text) != KITH_OK)
      kith_json_refuse(reader, "kind",
                       "expected police, youth_justice, probation, childrens_services, education, "
                       "health, fire, prison, charity or other");
  } else if (kith_json_has(reader, "kind")) {
    kith_json_refuse(reader, "kind", "is for agencies only; take it out");
  }
  (void)kith_json_string(reader, "sign", NULL);
  (void)kith_json_string(reader, "seal", NULL);
  (void)kith_json_string(reader, "curve", NULL);
  kith_document_key(reader, "sign", json_object_get(reader->object, "sign"), true, out->keys.sign);
  kith_document_key(reader, "seal", json_object_get(reader->object, "seal"), false, out->keys.seal);
  kith_document_key(reader, "curve", json_object_get(reader->object, "curve"), false,
                    out->keys.curve);
}

/* What `member` shares with an earlier one that it must not; NULL if nothing. */
static const char *member_clash(const struct kith_member *member, const struct kith_member *earlier)
{
  if (strcmp(member->id, earlier->id) == 0)
    return "id";
  if (memcmp(member->keys.sign, earlier->keys.sign, KITH_PUBLIC_BYTES) == 0)
    return "sign";
  if (memcmp(member->keys.seal, earlier->keys.seal, KITH_PUBLIC_BYTES) == 0)
    return "seal";
  if (memcmp(member->keys.curve, earlier->keys.curve, KITH_PUBLIC_BYTES) == 0)
    return "curve";
  return NULL;
}

static void members_read(struct kith_charter *out, struct kith_json_reader *reader)
{
  json_t *array = kith_json_array(reader, "members", 0, KITH_MEMBERS_MAX);

  for (size_t i = 0; i < json_array_size(array) && reader->err == KITH_OK; i++) {
    struct kith_json_reader nested;
    char place[sizeof nested.place];
    struct kith_member *member = &out->members[i];

    (void)snprintf(place, sizeof place, "%.120s: members[%zu]", reader->place, i);
    kith_json_begin(&nested, json_array_get(array, i), place, reader->fault);
    member_read(member, &nested);
    for (size_t j = 0; j < i && nested.err == KITH_OK; j++) {
      const char *clash = member_clash(member, &out->members[j]);

      if (clash)
        kith_json_refuse(&nested, clash, "members[%zu] has the same; each needs its own", j);
    }
    reader->err = kith_json_done(&nested);
    out->n_members++;
  }
}

static void governance_read(struct kith_signers *out, struct kith_json_reader *reader)
{
  struct kith_json_reader nested;
  json_t *array;

  kith_json_nested(&nested, reader, "governance", true);
  array = kith_json_array(&nested, "keys", 1, KITH_GOVERNANCE_KEYS_MAX);
  for (size_t i = 0; i < json_array_size(array) && nested.err == KITH_OK; i++) {
    char key[48];

    (void)snprintf(key, sizeof key, "keys[%zu]", i);
    kith_document_key(&nested, key, json_array_get(array, i), true, out->keys[i]);
    for (size_t j = 0; j < i && nested.err == KITH_OK; j++) {
      if (memcmp(out->keys[i], out->keys[j], KITH_PUBLIC_BYTES) == 0)
        kith_json_refuse(&nested, key, "is the same as keys[%zu]; each counts once", j);
    }
    out->n_keys++;
  }
  out->threshold =
      (unsigned)kith_json_int(&nested, "threshold", 1, out->n_keys > 0 ? (int64_t)out->n_keys : 1);
  if (reader->err == KITH_OK)
    reader->err = kith_json_done(&nested);
}

/* tcp://HOST:PORT, HOST a name, an IPv4 address or an IPv6 address in brackets. */
static bool address_valid(const char *address)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  const char *host = address + strlen("tcp://");
  const char *port;
  uint64_t number;

  if (strncmp(address, "tcp://", strlen("tcp://")) != 0)
    return false;
  if (host[0] == '[') {
    port = host + 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
    if (port == host + 1 || *port != ']')
      return false;
    port++;
  } else {
    port = host + strspn(host, allowed);
    if (port == host)
      return false;
  }
  return *port == ':' && kith_u64_parse(&number, port + 1, 1, 65535) == KITH_OK;
}

static void charter_read(struct kith_charter *out, struct kith_json_reader *reader)
{
  const char *address;

  kith_document_head(reader, "charter");
  kith_document_text(reader, "name", out->name, sizeof out->name, false);
  out->version = (uint64_t)kith_json_int(reader, "version", 1, KITH_VERSION_MAX);
  out->valid_from = kith_document_time(reader, "valid_from");
  out->expires = kith_document_time(reader, "expires");
  if (reader->err == KITH_OK && out->expires <= out->valid_from)
    kith_json_refuse(reader, "expires", "is not after valid_from");
  governance_read(&out->governance, reader);
  address = kith_json_string(reader, "matcher_address", NULL);
  if (reader->err == KITH_OK &&
      (strlen(address) >= sizeof out->matcher_address || !address_valid(address)))
    kith_json_refuse(reader, "matcher_address",
                     "expected tcp://HOST:PORT, such as \"tcp://192.0.2.1:7420\"");
  if (reader->err == KITH_OK)
    (void)snprintf(out->matcher_address, sizeof out->matcher_address, "%s", address);
  members_read(out, reader);
}

static enum kith_err charter_parse(struct kith_charter *out, const void *bytes, size_t len,
                                   const char *name, bool draft, struct kith_fault *fault)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_json_reader reader;
  unsigned n_matchers = 0;
  json_t *json = NULL;
  enum kith_err err;

  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: out of memory", name);
  err = kith_json_parse(&json, bytes, len, name, fault);
  if (err != KITH_OK)
    goto end;
  kith_json_begin(&reader, json, name, fault);
  charter_read(charter, &reader);
  for (unsigned i = 0; i < charter->n_members; i++)
    n_matchers += charter->members[i].role == KITH_ROLE_MATCHER;
  if (n_matchers > 1 || (n_matchers == 0 && !draft))
    kith_json_refuse(&reader, "members",
                     "has %u matchers, expected exactly one ('kith charter %s')", n_matchers,
                     n_matchers ? "remove" : "add");
  err = kith_json_done(&reader);
  if (err == KITH_OK)
    *out = *charter;
end:
  json_decref(json);
  kith_free(charter);
  return err;
}

enum kith_err kith_charter_parse(struct kith_charter *out, const void *bytes, size_t len,
                                 const char *name, struct kith_fault *fault)
{
  return charter_parse(out, bytes, len, name, false, fault);
}

enum kith_err kith_charter_parse_draft(struct kith_charter *out, const void *bytes, size_t len,
                                       const char *name, struct kith_fault *fault)
{
  return charter_parse(out, bytes, len, name, true, fault);
}

enum kith_err kith_member_parse(struct kith_member *out, const void *bytes, size_t len,
                                const char *name, struct kith_fault *fault)
{
  struct kith_member member = {0};
  struct kith_json_reader reader;
  json_t *json = NULL;
  enum kith_err err = kith_json_parse(&json, bytes, len, name, fault);

  if (err != KITH_OK)
    return err;
  kith_json_begin(&reader, json, name, fault);
  kith_document_head(&reader, "member");
  member_read(&member, &reader);
  err = kith_json_done(&reader);
  if (err == KITH_OK)
    *out = member;
  json_decref(json);
  return err;
}

/* ---- printing */

/* json_object_set_new takes NULL for a failure, and both for one error: only out of memory (or
 * a text that is not UTF-8, which a reader never lets in). */
static int put(json_t *object, const char *key, json_t *value)
{
  return json_object_set_new(object, key, value);
}

static int member_put(json_t *object, const struct kith_member *member)
{
  int bad = put(object, "id", json_string(member->id));

  bad |= put(object, "name", json_string(member->name));
  bad |= put(object, "role", json_string(kith_role_name(member->role)));
  if (member->role == KITH_ROLE_AGENCY)
    bad |= put(object, "kind", json_string(kith_agency_kind_name(member->kind)));
  bad |= put(object, "sign", kith_document_key_json(member->keys.sign));
  bad |= put(object, "seal", kith_document_key_json(member->keys.seal));
  bad |= put(object, "curve", kith_document_key_json(member->keys.curve));
  return bad;
}

static json_t *members_json(const struct kith_charter *charter)
{
  json_t *array = json_array();
  int bad = 0;

  for (unsigned i = 0; i < charter->n_members; i++) {
    json_t *object = json_object();

    bad |= member_put(object, &charter->members[i]);
    bad |= json_array_append_new(array, object);
  }
  if (!bad)
    return array;
  json_decref(array);
  return NULL;
}

static json_t *governance_json(const struct kith_signers *governance)
{
  json_t *object = json_object();
  json_t *keys = json_array();
  int bad = put(object, "threshold", json_integer(governance->threshold));

  for (unsigned i = 0; i < governance->n_keys; i++)
    bad |= json_array_append_new(keys, kith_document_key_json(governance->keys[i]));
  bad |= put(object, "keys", keys);
  if (!bad)
    return object;
  json_decref(object);
  return NULL;
}

static json_t *unless(int bad, json_t *object)
{
  if (!bad)
    return object;
  json_decref(object);
  return NULL;
}

enum kith_err kith_charter_print(struct kith_buf *out, const struct kith_charter *charter)
{
  json_t *object = json_object();
  int bad = put(object, "kith", json_string("charter"));

  bad |= put(object, "format", json_integer(1));
  bad |= put(object, "name", json_string(charter->name));
  bad |= put(object, "version", json_integer((json_int_t)charter->version));
  bad |= put(object, "valid_from", kith_document_time_json(charter->valid_from));
  bad |= put(object, "expires", kith_document_time_json(charter->expires));
  bad |= put(object, "governance", governance_json(&charter->governance));
  bad |= put(object, "matcher_address", json_string(charter->matcher_address));
  bad |= put(object, "members", members_json(charter));
  return kith_document_dump(out, unless(bad, object));
}

enum kith_err kith_member_print(struct kith_buf *out, const struct kith_member *member)
{
  json_t *object = json_object();
  int bad = put(object, "kith", json_string("member"));

  bad |= put(object, "format", json_integer(1));
  bad |= member_put(object, member);
  return kith_document_dump(out, unless(bad, object));
}

/* ---- looking up */

const struct kith_member *kith_charter_member(const struct kith_charter *charter, const char *id)
{
  for (unsigned i = 0; i < charter->n_members; i++) {
    if (strcmp(charter->members[i].id, id) == 0)
      return &charter->members[i];
  }
  return NULL;
}

const struct kith_member *kith_charter_by_curve(const struct kith_charter *charter,
                                                const uint8_t curve[KITH_PUBLIC_BYTES])
{
  for (unsigned i = 0; i < charter->n_members; i++) {
    if (memcmp(charter->members[i].keys.curve, curve, KITH_PUBLIC_BYTES) == 0)
      return &charter->members[i];
  }
  return NULL;
}

const struct kith_member *kith_charter_matcher(const struct kith_charter *charter)
{
  for (unsigned i = 0; i < charter->n_members; i++) {
    if (charter->members[i].role == KITH_ROLE_MATCHER)
      return &charter->members[i];
  }
  return NULL;
}

/* ---- accepting */

static enum kith_err check_time(const struct kith_charter *charter, int64_t now,
                                struct kith_fault *fault)
{
  char text[KITH_TIME_BYTES];

  if (charter->valid_from > now + KITH_CLOCK_SKEW_S) {
    kith_time_format(text, charter->valid_from);
    return kith_fail(fault, KITH_ERR_DENIED,
                     "charter: not valid before %s; check this machine's clock", text);
  }
  if (charter->expires <= now) {
    kith_time_format(text, charter->expires);
    return kith_fail(fault, KITH_ERR_DENIED,
                     "charter: expired at %s; ask the governance lead for a newer one", text);
  }
  return KITH_OK;
}

/* The current one's own bytes are no news and pass. */
static enum kith_err check_version(const struct kith_charter *charter,
                                   const struct kith_signed *document,
                                   const struct kith_charter *current, struct kith_fault *fault)
{
  struct kith_buf buf;
  bool same;
  enum kith_err err;

  if (charter->version > current->version)
    return KITH_OK;
  if (charter->version < current->version)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "charter: version %llu is older than version %llu, which is in force",
                     (unsigned long long)charter->version, (unsigned long long)current->version);
  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  err = kith_charter_print(&buf, current);
  same = err == KITH_OK && buf.len == document->len &&
         memcmp(buf.bytes, document->bytes, buf.len) == 0;
  kith_buf_free(&buf);
  if (err != KITH_OK)
    return kith_fail(fault, err, "charter: out of memory");
  if (!same)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "charter: version %llu is in force with other bytes; two texts of one version "
                     "are never both right: raise the version",
                     (unsigned long long)charter->version);
  return KITH_OK;
}

enum kith_err kith_charter_accept(struct kith_charter *out, const struct kith_signed *document,
                                  const struct kith_signers *pinned,
                                  const struct kith_charter *current, int64_t now,
                                  struct kith_fault *fault)
{
  struct kith_charter *charter;
  enum kith_err err = kith_signed_verify(document, current ? &current->governance : pinned, fault);

  if (err != KITH_OK)
    return err;
  charter = KITH_NEW(struct kith_charter);
  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "charter: out of memory");
  err = kith_charter_parse(charter, document->bytes, document->len, "charter", fault);
  /* Where the keys are replaced, the new ones must agree; where they are not, this repeats. */
  if (err == KITH_OK &&
      (err = kith_signed_verify(document, &charter->governance, fault)) != KITH_OK)
    err = kith_fail_at(fault, err, "by its own governance keys");
  if (err == KITH_OK)
    err = check_time(charter, now, fault);
  if (err == KITH_OK && current)
    err = check_version(charter, document, current, fault);
  if (err == KITH_OK)
    *out = *charter;
  kith_free(charter);
  return err;
}
