/* `kith source subject`: what an agency answers to a person who asks what was done with their
 * data. The person's id comes from a file or standard input, never from the command line, which
 * other users of the machine can read. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/source/source.h"
#include "cli/verbs.h"
#include "crypto/secret.h"

enum { ID_FILE_BYTES_MAX = KITH_ID_BYTES_MAX + 2 };

enum kith_err kith_source_id_read(char out[KITH_ID_BYTES_MAX + 1], const char *path,
                                  struct kith_fault *fault)
{
  char text[ID_FILE_BYTES_MAX + 1];
  bool standard = strcmp(path, "-") == 0;
  FILE *stream = standard ? stdin : fopen(path, "rbe");
  enum kith_err err = KITH_OK;
  size_t len;

  if (!stream)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: can't be read", path);
  len = fread(text, 1, sizeof text, stream);
  if (ferror(stream))
    err = kith_fail(fault, KITH_ERR_IO, "%s: can't be read", path);
  if (!standard)
    (void)fclose(stream);
  if (len > 0 && text[len - 1] == '\n')
    len--;
  if (len > 0 && text[len - 1] == '\r')
    len--;
  if (err == KITH_OK &&
      (len == 0 || len > KITH_ID_BYTES_MAX || memchr(text, '\0', len) || memchr(text, '\n', len)))
    err = kith_fail(fault, KITH_ERR_DATA,
                    "%s: expected one line, an id of the source of up to %d bytes", path,
                    KITH_ID_BYTES_MAX);
  if (err == KITH_OK) {
    memcpy(out, text, len);
    out[len] = '\0';
  }
  kith_wipe(text, sizeof text);
  return err;
}

static const char *text_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));

  return text ? text : "";
}

static void say_source(const json_t *reply)
{
  long long repeats = (long long)json_integer_value(json_object_get(reply, "repeats"));
  long long unread = (long long)json_integer_value(json_object_get(reply, "unread_rows"));
  const json_t *item;
  size_t i;

  if (json_is_true(json_object_get(reply, "found")))
    printf("in the source      yes, row %lld\n",
           (long long)json_integer_value(json_object_get(reply, "row")));
  else
    printf("in the source      no row has this id\n");
  if (repeats > 0)
    printf("                   %lld more rows have the same id and are set aside\n", repeats);
  if (unread > 0)
    printf("                   %lld rows have no id that can be read\n", unread);
  printf("objected           %s\n", json_is_true(json_object_get(reply, "objected"))
                                        ? "yes: on this agency's list of objections"
                                        : "no");
  json_array_foreach(json_object_get(reply, "now"), i, item)
  {
    printf("in a round now     %s: %s (policy %s, version %lld)\n",
           json_is_true(json_object_get(item, "encoded")) ? "would be encoded"
                                                          : "would not be encoded",
           text_of(item, "words"), text_of(item, "policy"),
           (long long)json_integer_value(json_object_get(item, "version")));
  }
}

static enum kith_err say_rounds(const json_t *reply)
{
  const json_t *rounds = json_object_get(reply, "rounds");
  struct kith_cli_table table = {0};
  const json_t *item;
  enum kith_err err;
  size_t i;

  printf("encoded            in %zu rounds of the last %lld days\n", json_array_size(rounds),
         (long long)json_integer_value(json_object_get(reply, "log_days")));
  if (json_array_size(rounds) == 0)
    return KITH_OK;
  KITH_CLI_ROW(&table, "ROUND", "ENCODED", "POLICY", "VERSION", "STATE", "SENT", "PURPOSE");
  json_array_foreach(rounds, i, item)
  {
    char at[KITH_TIME_BYTES];
    char version[24];

    kith_time_format(at, (int64_t)json_integer_value(json_object_get(item, "encoded_at")));
    (void)snprintf(version, sizeof version, "%lld",
                   (long long)json_integer_value(json_object_get(item, "version")));
    KITH_CLI_ROW(&table, text_of(item, "round"),
                 json_is_true(json_object_get(item, "encoded")) ? at : "can't be told any more",
                 text_of(item, "policy"), version, text_of(item, "state"),
                 json_is_true(json_object_get(item, "sent")) ? "yes" : "no",
                 text_of(item, "purpose"));
  }
  printf("\n");
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  printf("\n");
  json_array_foreach(rounds, i, item)
  {
    if (json_is_true(json_object_get(item, "withdrawn")))
      printf("withdrawn          from round %.8s\n", text_of(item, "round"));
  }
  return err;
}

static void say_disclosures(const json_t *reply)
{
  const json_t *list = json_object_get(reply, "disclosures");
  const json_t *item;
  const json_t *field;
  size_t i;
  size_t k;

  if (json_integer_value(json_object_get(reply, "log_days")) == 0)
    printf("disclosed          not known: [agency] subject_log_days = 0 keeps no log\n");
  else if (json_array_size(list) == 0)
    printf("disclosed          to nobody\n");
  json_array_foreach(list, i, item)
  {
    char at[KITH_TIME_BYTES];

    kith_time_format(at, (int64_t)json_integer_value(json_object_get(item, "time")));
    printf("disclosed          to %s, %s, round %.8s, for %s:", text_of(item, "recipient"), at,
           text_of(item, "round"), text_of(item, "reason"));
    json_array_foreach(json_object_get(item, "fields"), k, field)
        printf(" %s", json_string_value(field));
    printf("\n");
  }
}

static int say(const json_t *reply)
{
  say_source(reply);
  if (json_integer_value(json_object_get(reply, "log_days")) == 0)
    printf("encoded            not known: [agency] subject_log_days = 0 keeps no log\n");
  else if (say_rounds(reply) != KITH_OK)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  say_disclosures(reply);
  return kith_cli_finish_stdout();
}

static enum kith_err ask(json_t **out, const char *home_dir, const char *id_path,
                         struct kith_fault *fault)
{
  char id[KITH_ID_BYTES_MAX + 1];
  struct kith_home home = {0};
  enum kith_err err = kith_home_open(&home, home_dir, fault);

  if (err == KITH_OK && !home.agency)
    err = kith_fail(fault, KITH_ERR_CONFIG,
                    "only an agency knows its records: this home has no kithd.conf");
  if (err == KITH_OK)
    err = kith_source_id_read(id, id_path, fault);
  if (err == KITH_OK)
    err = kith_home_ask(&home, out, json_pack("{s:s, s:s}", "do", "subject", "id", id), fault);
  kith_wipe(id, sizeof id);
  kith_home_close(&home);
  return err;
}

int kith_source_subject(int argc, char **argv)
{
  const char *home = NULL;
  const char *id_path = NULL;
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &home,
       .value = "DIR",
       .help = "this agency's home; $KITH_HOME, ~/.config/kith"},
      {.name = "id-file",
       .kind = KITH_CLI_STRING,
       .out = &id_path,
       .value = "FILE",
       .help = "its one line is the person's id; - is standard input"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith source subject [--home DIR] [--json] --id-file FILE",
      .about =
          "What to answer a person who asks: whether this agency's source has them, whether a\n"
          "round would take them and why not, in which rounds they were encoded, and to whom they\n"
          "were disclosed. Asks kithd, which reads the source; the question is in its audit log,\n"
          "without the id. The id is personal: it is never given on the command line.",
      .examples = "  $ kith source subject --home police --id-file id.txt\n"
                  "  $ kith source subject --json --id-file - < id.txt\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  json_t *reply = NULL;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!id_path || first != argc)
    return kith_cli_usage(spec.usage, "expected --id-file; an id is never an argument");
  if (ask(&reply, home, id_path, &fault) != KITH_OK)
    return kith_cli_fail(&fault);
  if (!json) {
    status = say(reply);
    json_decref(reply);
    return status;
  }
  (void)json_object_del(reply, "ok");
  return kith_cli_json(reply);
}
