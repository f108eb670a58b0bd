/* `kith round proposals` and `kith round sign`: what governance says in a round with the signatures
 * of several. The first to say it proposes it; the matcher holds it until enough have signed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/round/round.h"
#include "cli/verbs.h"
#include "proto/endorsement.h"

/* A proposal is named by the first digits of its hash: of so many that its author can't find two of
 * one name, and have the one signed that was not read. */
enum {
  NAME_DIGITS = 32,
  HASH_HEX = 2 * KITH_HASH_BYTES + 1,
  ROUND_HEX = 2 * KITH_ROUND_ID_BYTES + 1
};

static void name_of(char out[NAME_DIGITS + 1], const struct kith_hash *hash)
{
  char hex[HASH_HEX];

  kith_hex_encode(hex, hash->bytes, sizeof hash->bytes);
  memcpy(out, hex, NAME_DIGITS);
  out[NAME_DIGITS] = 0;
}

/* ---- giving one to the matcher
 * ------------------------------------------------------------------------ */

static enum kith_err put(struct kith_home *home, struct kith_said *out, const void *bytes,
                         size_t len, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_PROPOSAL_PUT};
  struct kith_reply reply;
  enum kith_err err = kith_proposal_hash(&out->proposal, bytes, len);

  if (err != KITH_OK)
    return kith_fail(fault, err, "the statement can't be made: %s", kith_err_name(err));
  request.body.proposal_put = (struct kith_span){bytes, len};
  if ((err = kith_home_call(home, &reply, &request, fault)) != KITH_OK)
    return err;
  out->said = reply.body.proposal_put.said;
  out->n_signed = reply.body.proposal_put.n_signed;
  out->n_needed = reply.body.proposal_put.n_needed;
  kith_reply_free(&reply);
  return KITH_OK;
}

enum kith_err kith_home_say(struct kith_home *home, struct kith_statement *statement,
                            struct kith_said *out, struct kith_fault *fault)
{
  struct kith_buf bytes;
  enum kith_err err;

  kith_buf_init(&bytes, KITH_STATEMENT_BYTES_MAX);
  memcpy(statement->author, home->config.id, sizeof statement->author);
  statement->time = kith_clock_now();
  err = kith_statement_write(&bytes, statement, home->identity);
  if (err == KITH_OK)
    err = put(home, out, bytes.bytes, bytes.len, fault);
  else
    kith_fail(fault, err, "the statement can't be made: %s", kith_err_name(err));
  kith_buf_free(&bytes);
  return err;
}

void kith_said_print(const struct kith_said *said)
{
  char name[NAME_DIGITS + 1];

  if (said->said)
    return;
  name_of(name, &said->proposal);
  (void)fprintf(stderr,
                "kith: proposed, and signed by %u of %u governance keys; another governance member "
                "signs it with 'kith round sign %s'\n",
                said->n_signed, said->n_needed, name);
}

/* ---- what waits
 * --------------------------------------------------------------------------------------- */

struct proposal {
  struct kith_span bytes; /* borrowed from the reply */
  struct kith_statement statement;
  struct kith_hash hash;
  char name[NAME_DIGITS + 1];
  unsigned n_signed;
  bool mine; /* this member has signed it */
};

struct proposals {
  struct kith_reply reply;
  unsigned n;
  struct proposal *list; /* owned */
};

static void proposals_free(struct proposals *proposals)
{
  for (unsigned i = 0; i < proposals->n; i++)
    kith_statement_free(&proposals->list[i].statement);
  kith_free(proposals->list);
  if (proposals->reply.type)
    kith_reply_free(&proposals->reply);
}

static bool signed_by(const struct kith_home *home, const struct kith_span *bytes,
                      const struct kith_member *author)
{
  struct kith_statement_parts parts;
  const uint8_t *key = home->identity->public_keys.sign;

  if (memcmp(author->keys.sign, key, KITH_PUBLIC_BYTES) == 0)
    return true;
  if (kith_statement_split(&parts, bytes->bytes, bytes->len) != KITH_OK)
    return false;
  for (unsigned i = 0; i < parts.n_endorsements; i++)
    if (memcmp(parts.endorsements[i].key, key, KITH_PUBLIC_BYTES) == 0)
      return true;
  return false;
}

/* The matcher may hold back or make up, and its author may have other keys by now, or none: false
 * is what does not verify. */
static bool take(const struct kith_home *home, struct proposal *out, const struct kith_span *bytes)
{
  const struct kith_member *author;

  if (kith_statement_read(&out->statement, bytes->bytes, bytes->len) != KITH_OK)
    return false;
  out->bytes = *bytes;
  author = kith_charter_member(&home->charter, out->statement.author);
  if (!author || !kith_statement_is_joint(out->statement.type, author->role) ||
      kith_statement_verify(bytes->bytes, bytes->len, author->keys.sign) != KITH_OK ||
      kith_endorsement_count(&out->n_signed, bytes->bytes, bytes->len, author->keys.sign,
                             &home->charter.governance) != KITH_OK ||
      kith_proposal_hash(&out->hash, bytes->bytes, bytes->len) != KITH_OK) {
    kith_statement_free(&out->statement);
    return false;
  }
  name_of(out->name, &out->hash);
  out->mine = signed_by(home, bytes, author);
  return true;
}

static enum kith_err fetch(struct kith_home *home, struct proposals *out, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_PROPOSAL_LIST};
  enum kith_err err = kith_home_call(home, &out->reply, &request, fault);

  if (err != KITH_OK) {
    out->reply.type = 0;
    return err;
  }
  out->list = KITH_NEW_ARRAY(struct proposal, out->reply.body.proposal_list.n + 1);
  if (!out->list)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  for (uint32_t i = 0; i < out->reply.body.proposal_list.n; i++)
    if (take(home, &out->list[out->n], &out->reply.body.proposal_list.statements[i]))
      out->n++;
    else
      (void)fputs("kith: a proposal that does not verify with the charter in force is not shown\n",
                  stderr);
  return KITH_OK;
}

/* ---- in words
 * ----------------------------------------------------------------------------------------- */

static void print_ids(const char *what, const kith_member_id *ids, unsigned n)
{
  printf("  %-12s", what);
  for (unsigned i = 0; i < n; i++)
    printf(" %s", ids[i]);
  puts("");
}

static void print_time(const char *what, int64_t time)
{
  char text[KITH_TIME_BYTES];

  kith_time_format(text, time);
  printf("  %-12s %s\n", what, text);
}

static void print_open(const struct kith_open *open)
{
  char hash[HASH_HEX];

  kith_hex_encode(hash, open->policy.bytes, sizeof open->policy.bytes);
  printf("  %-12s %s\n", "policy", hash);
  print_ids("agencies", open->agencies, open->n_agencies);
  print_ids("recipients", open->recipients, open->n_recipients);
  printf("  %-12s %u\n", "quorum", open->quorum);
  printf("  %-12s %" PRIu32 " h to join, %" PRIu32 " min for keys, %" PRIu32 " h to send\n",
         "deadlines", open->gather_s / 3600, open->keying_s / 60, open->submit_s / 3600);
  print_time("expires", open->expires);
}

static const char *const acts[KITH_STATEMENT_TYPES] = {
    [KITH_STATEMENT_OPEN] = "open a round",
    [KITH_STATEMENT_CONSENT] = "go on with fewer agencies",
    [KITH_STATEMENT_DECISION] = "set the threshold",
    [KITH_STATEMENT_CLOSE] = "close the round",
    [KITH_STATEMENT_ABORT] = "abort the round",
};

static void print_proposal(const struct kith_home *home, const struct proposal *proposal)
{
  const struct kith_statement *statement = &proposal->statement;
  char round[ROUND_HEX];

  kith_hex_encode(round, statement->round, KITH_ROUND_ID_BYTES);
  printf("%s: %s\n", proposal->name, acts[statement->type]);
  printf("  %-12s %s\n", "round", round);
  printf("  %-12s %s\n", "proposed by", statement->author);
  print_time("at", statement->time);
  if (statement->type == KITH_STATEMENT_OPEN)
    print_open(&statement->body.open);
  else if (statement->type == KITH_STATEMENT_DECISION)
    printf("  %-12s 0.%06" PRIu32 "\n", "threshold", statement->body.decision.threshold);
  else if (statement->type == KITH_STATEMENT_CONSENT)
    print_ids("agencies", statement->body.consent.agencies, statement->body.consent.n);
  printf("  %-12s %u of %u governance keys%s\n", "signed by", proposal->n_signed,
         home->charter.governance.threshold, proposal->mine ? ", yours among them" : "");
}

static json_t *proposal_json(const struct kith_home *home, const struct proposal *proposal)
{
  const struct kith_statement *statement = &proposal->statement;
  char round[ROUND_HEX];
  char hash[HASH_HEX];
  char time[KITH_TIME_BYTES];

  kith_hex_encode(round, statement->round, KITH_ROUND_ID_BYTES);
  kith_hex_encode(hash, proposal->hash.bytes, sizeof proposal->hash.bytes);
  kith_time_format(time, statement->time);
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:b}", "proposal", proposal->name,
                   "hash", hash, "type", kith_statement_name(statement->type), "round", round,
                   "author", statement->author, "time", time, "signed", (int)proposal->n_signed,
                   "needed", (int)home->charter.governance.threshold, "mine", proposal->mine);
}

/* ---- the commands
 * ------------------------------------------------------------------------------------- */

struct options {
  const char *home;
  const char *passphrase_file;
  bool json;
};
enum { N_OPTIONS = 3 };

static void set_options(struct kith_cli_option out[N_OPTIONS], struct options *options)
{
  out[0] = (struct kith_cli_option){.name = "home",
                                    .kind = KITH_CLI_STRING,
                                    .out = &options->home,
                                    .value = "DIR",
                                    .help = "this member's home; $KITH_HOME, ~/.config/kith"};
  out[1] = (struct kith_cli_option){.name = "passphrase-file",
                                    .kind = KITH_CLI_STRING,
                                    .out = &options->passphrase_file,
                                    .value = "FILE",
                                    .help = "its first line unwraps the key file"};
  out[2] = (struct kith_cli_option){
      .name = "json", .kind = KITH_CLI_FLAG, .out = &options->json, .help = "print JSON lines"};
}

static enum kith_err connect_and_fetch(struct kith_home *home, struct proposals *out,
                                       const struct options *options, struct kith_fault *fault)
{
  enum kith_err err = kith_home_open(home, options->home, fault);

  if (err == KITH_OK && home->agency)
    err = kith_fail(fault, KITH_ERR_CONFIG, "proposals are for governance: this is an agency");
  if (err == KITH_OK)
    err = kith_home_connect(home, options->passphrase_file, fault);
  return err == KITH_OK ? fetch(home, out, fault) : err;
}

static int print_all(const struct kith_home *home, const struct proposals *proposals, bool json)
{
  for (unsigned i = 0; i < proposals->n; i++) {
    if (json) {
      json_t *line = proposal_json(home, &proposals->list[i]);

      if (!line || json_dumpf(line, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF) {
        json_decref(line);
        break;
      }
      json_decref(line);
    } else {
      print_proposal(home, &proposals->list[i]);
    }
  }
  if (!json && !proposals->n)
    puts("nothing waits for signatures");
  return kith_cli_finish_stdout();
}

int kith_round_proposals(int argc, char **argv)
{
  struct options options = {0};
  struct kith_cli_option table[N_OPTIONS];
  const struct kith_cli_spec spec = {
      .usage = "kith round proposals [--json]",
      .about =
          "What governance members have proposed and too few have signed yet: the opening of a "
          "round, a threshold, an abort. 'kith round sign' adds your signature.",
      .examples = "  $ kith round proposals --home lead\n",
      .options = table,
      .n_options = N_OPTIONS};
  struct proposals proposals = {0};
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  int first;
  int status;

  set_options(table, &options);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc)
    return kith_cli_usage(spec.usage, "takes no operand");
  fault.err = connect_and_fetch(&home, &proposals, &options, &fault);
  status =
      fault.err == KITH_OK ? print_all(&home, &proposals, options.json) : kith_cli_fail(&fault);
  proposals_free(&proposals);
  kith_home_close(&home);
  return status;
}

static enum kith_err find(const struct proposals *proposals, const struct proposal **out,
                          const char *name, struct kith_fault *fault)
{
  size_t len = strlen(name);

  *out = NULL;
  for (unsigned i = 0; i < proposals->n; i++) {
    char hash[HASH_HEX];

    kith_hex_encode(hash, proposals->list[i].hash.bytes, KITH_HASH_BYTES);
    if (len >= NAME_DIGITS && strncmp(hash, name, len) == 0)
      *out = &proposals->list[i];
  }
  return *out ? KITH_OK
              : kith_fail(fault, KITH_ERR_NO,
                          "no proposal of that name waits; 'kith round proposals' shows them");
}

static enum kith_err endorse(struct kith_home *home, const struct proposal *proposal,
                             struct kith_said *said, struct kith_fault *fault)
{
  struct kith_buf bytes;
  enum kith_err err;

  kith_buf_init(&bytes, KITH_STATEMENT_BYTES_MAX);
  err = kith_endorsement_add(&bytes, proposal->bytes.bytes, proposal->bytes.len, home->identity);
  if (err != KITH_OK)
    kith_fail(fault, err, "the proposal can't be signed: %s", kith_err_name(err));
  else
    err = put(home, said, bytes.bytes, bytes.len, fault);
  kith_buf_free(&bytes);
  return err;
}

int kith_round_sign(int argc, char **argv)
{
  struct options options = {0};
  struct kith_cli_option table[N_OPTIONS];
  const struct kith_cli_spec spec = {
      .usage = "kith round sign PROPOSAL",
      .about = "Adds your signature to what another governance member proposed, and shows it. Read "
               "'kith round proposals' first. Signed by enough, it takes effect at once.",
      .examples = "  $ kith round sign --home lead2 3f6c0a1be0927d5188e1d04c2b6fa397\n",
      .options = table,
      .n_options = N_OPTIONS - 1};
  const struct proposal *proposal = NULL;
  struct proposals proposals = {0};
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  struct kith_said said = {0};
  int first;
  int status;

  set_options(table, &options);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one proposal");
  fault.err = connect_and_fetch(&home, &proposals, &options, &fault);
  if (fault.err == KITH_OK)
    fault.err = find(&proposals, &proposal, argv[first], &fault);
  if (fault.err == KITH_OK)
    fault.err = endorse(&home, proposal, &said, &fault);
  if (fault.err == KITH_OK) {
    struct proposal now = *proposal;

    now.n_signed = said.n_signed;
    now.mine = true;
    print_proposal(&home, &now);
    status = kith_cli_finish_stdout();
    kith_said_print(&said);
  } else {
    status = kith_cli_fail(&fault);
  }
  proposals_free(&proposals);
  kith_home_close(&home);
  return status;
}
