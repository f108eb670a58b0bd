/* A round as the matcher relays it, verified here. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/home.h"

enum { LENGTH_BYTES = 4, STATEMENTS_FILE_MAX = 256 * 1024 * 1024 };

void kith_remote_round_free(struct kith_remote_round *round)
{
  kith_round_log_free(round->log);
  kith_signed_free(&round->charter_document);
  kith_buf_free(&round->statements);
  memset(round, 0, sizeof *round);
}

static void keep(struct kith_buf *statements, const uint8_t *bytes, size_t len)
{
  uint8_t length[LENGTH_BYTES] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16),
                                  (uint8_t)(len >> 24)};

  kith_buf_append(statements, length, sizeof length);
  kith_buf_append(statements, bytes, len);
}

static enum kith_err add(struct kith_remote_round *round, const uint8_t *bytes, size_t len,
                         struct kith_fault *fault)
{
  enum kith_err err = kith_round_log_add(round->log, &round->charter, bytes, len, 0, NULL, fault);

  if (err != KITH_OK)
    return kith_fail_at(fault, KITH_ERR_NO, "what the matcher relays does not verify");
  keep(&round->statements, bytes, len);
  return kith_buf_err(&round->statements);
}

/* The charter that the open statement names: signed by the governance keys that are pinned here. */
static enum kith_err fetch_charter(struct kith_remote_round *round, struct kith_home *home,
                                   const uint8_t *open, size_t len, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_DOCUMENT_GET};
  struct kith_statement statement;
  struct kith_hash found;
  struct kith_reply reply;
  enum kith_err err = kith_statement_read(&statement, open, len);

  if (err != KITH_OK || statement.type != KITH_STATEMENT_OPEN)
    return kith_fail(fault, KITH_ERR_NO, "the round does not begin with an open statement");
  request.body.document_get.kind = KITH_DOCUMENT_CHARTER;
  request.body.document_get.hash = statement.body.open.charter;
  if ((err = kith_home_call(home, &reply, &request, fault)) != KITH_OK)
    return err;
  round->charter_document = reply.body.document_get.document;
  memset(&reply.body.document_get.document, 0, sizeof reply.body.document_get.document);
  kith_reply_free(&reply);
  /* Another one, ever so well signed, may list members that are none, or were. */
  kith_signed_hash(&found, &round->charter_document);
  if (round->charter_document.kind != KITH_DOCUMENT_CHARTER ||
      !kith_hash_equal(&found, &statement.body.open.charter))
    return kith_fail(fault, KITH_ERR_NO, "the matcher sent another charter than the round names");
  err = kith_signed_verify(&round->charter_document, &home->charter.governance, fault);
  if (err != KITH_OK)
    err = kith_signed_verify(&round->charter_document, &home->config.pinned, fault);
  if (err == KITH_OK)
    err = kith_charter_parse(&round->charter, round->charter_document.bytes,
                             round->charter_document.len, "charter of the round", fault);
  return err;
}

static enum kith_err fetch_some(struct kith_remote_round *round, struct kith_home *home,
                                const kith_round_id id, uint32_t *total, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_STATEMENT_GET};
  struct kith_reply reply;
  uint32_t from = kith_round_log_view(round->log)->n_statements;
  enum kith_err err;

  memcpy(request.body.statement_get.round, id, KITH_ROUND_ID_BYTES);
  request.body.statement_get.from = from;
  if ((err = kith_home_call(home, &reply, &request, fault)) != KITH_OK)
    return err;
  if (from == 0 && reply.body.statement_get.n) {
    struct kith_span first = reply.body.statement_get.statements[0];
    KITH_AUTO_FREE uint8_t *copy = kith_memdup(first.bytes, first.len);

    /* Asking for the charter ends what the reply borrows; the rest is asked for again. */
    kith_reply_free(&reply);
    if (!copy)
      return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
    *total = UINT32_MAX;
    err = fetch_charter(round, home, copy, first.len, fault);
    return err == KITH_OK ? add(round, copy, first.len, fault) : err;
  }
  round->state = reply.body.statement_get.state;
  round->deadline = reply.body.statement_get.deadline;
  round->progress = reply.body.statement_get.progress;
  *total = reply.body.statement_get.total;
  if (reply.body.statement_get.n == 0 && *total > from)
    err = kith_fail(fault, KITH_ERR_NO, "the matcher holds statements back that it says are there");
  for (uint32_t i = 0; err == KITH_OK && i < reply.body.statement_get.n; i++)
    err = add(round, reply.body.statement_get.statements[i].bytes,
              reply.body.statement_get.statements[i].len, fault);
  kith_reply_free(&reply);
  return err;
}

enum kith_err kith_remote_round_fetch(struct kith_remote_round *out, struct kith_home *home,
                                      const kith_round_id id, struct kith_fault *fault)
{
  struct kith_remote_round round = {0};
  uint32_t total = 1;
  enum kith_err err = kith_round_log_new(&round.log);

  kith_buf_init(&round.statements, STATEMENTS_FILE_MAX);
  while (err == KITH_OK && kith_round_log_view(round.log)->n_statements < total)
    err = fetch_some(&round, home, id, &total, fault);
  if (err != KITH_OK) {
    kith_remote_round_free(&round);
    return err;
  }
  *out = round;
  return KITH_OK;
}

enum kith_err kith_remote_round_read(struct kith_remote_round *out, const struct kith_home *home,
                                     const char *charter_path, const char *statements_path,
                                     struct kith_fault *fault)
{
  struct kith_remote_round round = {0};
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err;

  kith_buf_init(&round.statements, STATEMENTS_FILE_MAX);
  if ((err = kith_round_log_new(&round.log)) != KITH_OK ||
      (err = kith_signed_load(&round.charter_document, KITH_DOCUMENT_CHARTER, charter_path,
                              fault)) != KITH_OK)
    goto end;
  err = kith_signed_verify(&round.charter_document, &home->charter.governance, fault);
  if (err != KITH_OK)
    err = kith_signed_verify(&round.charter_document, &home->config.pinned, fault);
  if (err == KITH_OK)
    err = kith_charter_parse(&round.charter, round.charter_document.bytes,
                             round.charter_document.len, charter_path, fault);
  if (err == KITH_OK)
    err = kith_file_read(&bytes, &len, statements_path, STATEMENTS_FILE_MAX, fault);
  for (size_t at = 0; err == KITH_OK && at < len;) {
    size_t length = 0;

    if (len - at < LENGTH_BYTES) {
      err = kith_fail(fault, KITH_ERR_DATA, "%s: cut short", statements_path);
      break;
    }
    for (unsigned i = LENGTH_BYTES; i-- > 0;)
      length = length << 8 | bytes[at + i];
    at += LENGTH_BYTES;
    if (length > len - at) {
      err = kith_fail(fault, KITH_ERR_DATA, "%s: cut short", statements_path);
      break;
    }
    err = add(&round, bytes + at, length, fault);
    at += length;
  }
end:
  if (err != KITH_OK) {
    kith_remote_round_free(&round);
    return err;
  }
  *out = round;
  return KITH_OK;
}
