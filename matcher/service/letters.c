#include "matcher/service/service.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/seal.h"
#include "proto/gateway.h"

/* A letter is kept in two values, so that looking through heads does not read the letters. Both are
 * boxed: a long-term key of a reader that is stolen later must open nothing that LMDB has left in a
 * free page. */
enum { KEY_BYTES = KITH_ROUND_ID_BYTES + 4 + 1, HEAD_BYTES_MAX = 256, DAY_S = 86400 };

static const char key_name[] = "letters";

struct head {
  uint32_t number;
  kith_member_id author;
  kith_member_id reader;
  enum kith_letter_kind kind;
  struct kith_hash id;
  int64_t time;
  struct kith_hash sealed; /* hash of the bytes */
};

static struct kith_bytes letter_key(uint8_t key[KEY_BYTES], const kith_round_id round,
                                    uint32_t number, char part)
{
  memcpy(key, round, KITH_ROUND_ID_BYTES);
  for (unsigned i = 0; i < 4; i++)
    key[KITH_ROUND_ID_BYTES + i] = (uint8_t)(number >> (24 - 8 * i));
  key[KEY_BYTES - 1] = (uint8_t)part;
  return (struct kith_bytes){key, KEY_BYTES};
}

static enum kith_err box_put(struct kith_txn *txn, const struct kith_secret *secret,
                             struct kith_bytes key, const void *bytes, size_t len)
{
  KITH_AUTO_FREE uint8_t *sealed = kith_calloc(len + KITH_BOX_OVERHEAD, 1);
  enum kith_err err = sealed ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = kith_box(sealed, secret, key.bytes, key.len, bytes, len);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_LETTERS, key,
                         (struct kith_bytes){sealed, len + KITH_BOX_OVERHEAD});
  return err;
}

static enum kith_err box_open(uint8_t **out, size_t *len, const struct kith_secret *secret,
                              struct kith_bytes key, struct kith_bytes value)
{
  uint8_t *opened;
  enum kith_err err;

  if (value.len < KITH_BOX_OVERHEAD)
    return KITH_ERR_INTERNAL;
  opened = kith_calloc(value.len - KITH_BOX_OVERHEAD + 1, 1);
  if (!opened)
    return KITH_ERR_MEMORY;
  err = kith_box_open(opened, secret, key.bytes, key.len, value.bytes, value.len);
  if (err != KITH_OK) {
    kith_free(opened);
    return KITH_ERR_INTERNAL;
  }
  *out = opened;
  *len = value.len - KITH_BOX_OVERHEAD;
  return KITH_OK;
}

static enum kith_err head_put(struct kith_txn *txn, const struct kith_secret *secret,
                              struct kith_bytes key, const struct head *head)
{
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, HEAD_BYTES_MAX);
  kith_write_array(&buf, 6);
  kith_write_string(&buf, head->author);
  kith_write_string(&buf, head->reader);
  kith_write_u64(&buf, head->kind);
  kith_write_bin(&buf, head->id.bytes, KITH_HASH_BYTES);
  kith_write_u64(&buf, (uint64_t)head->time);
  kith_write_bin(&buf, head->sealed.bytes, KITH_HASH_BYTES);
  err = kith_buf_err(&buf);
  if (err == KITH_OK)
    err = box_put(txn, secret, key, buf.bytes, buf.len);
  kith_buf_free(&buf);
  return err;
}

static enum kith_err head_read(struct head *out, const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 6);
  kith_read_member(&reader, out->author);
  kith_read_member(&reader, out->reader);
  out->kind =
      (enum kith_letter_kind)kith_read_u64(&reader, KITH_LETTER_REQUEST, KITH_LETTER_KINDS - 1);
  kith_read_bin_exact(&reader, out->id.bytes, KITH_HASH_BYTES);
  out->time = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  kith_read_bin_exact(&reader, out->sealed.bytes, KITH_HASH_BYTES);
  return kith_reader_done(&reader);
}

/* ---- looking through the heads of a round */

struct walk {
  const struct kith_secret *secret;
  enum kith_err (*look)(struct walk *walk, const struct head *head);
  uint32_t last; /* the highest number */
  /* of put: */
  const struct head *fresh;
  uint32_t same; /* number of the letter with this id, author, reader and kind */
  bool same_bytes;
  bool asked;          /* the request that an answer is to is there */
  uint32_t n_author;   /* letters of this author */
  uint32_t n_requests; /* requests of this author */
  uint32_t n_today;
  /* of get: */
  const char *reader;
  uint32_t after;
  struct kith_letters *found;
  struct kith_txn *txn;
  const uint8_t *round;
  size_t room;
};

static enum kith_err walk_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct walk *walk = context;
  const uint8_t *bytes = key.bytes;
  KITH_AUTO_FREE uint8_t *opened = NULL;
  struct head head = {0};
  size_t len = 0;
  enum kith_err err;

  if (key.len != KEY_BYTES || bytes[KEY_BYTES - 1] != 'h')
    return KITH_OK;
  head.number = (uint32_t)kith_get_be(bytes + KITH_ROUND_ID_BYTES, 4);
  err = box_open(&opened, &len, walk->secret, key, value);
  if (err == KITH_OK)
    err = head_read(&head, opened, len);
  walk->last = head.number;
  return err == KITH_OK ? walk->look(walk, &head) : err;
}

static enum kith_err walk_round(struct walk *walk, struct kith_txn *txn, const kith_round_id round)
{
  return kith_store_each(txn, KITH_TABLE_LETTERS, (struct kith_bytes){round, KITH_ROUND_ID_BYTES},
                         walk_visit, walk);
}

/* ---- taking a letter */

bool kith_letters_concern(const struct kith_matcher_round *round, const struct kith_member *member)
{
  const struct kith_release *release = &kith_node_round_view(round->node)->release;

  if (!kith_node_round_view(round->node)->released)
    return false;
  for (unsigned i = 0; member->role == KITH_ROLE_RECIPIENT && i < release->n_lists; i++)
    if (strcmp(release->lists[i].recipient, member->id) == 0)
      return true;
  for (unsigned i = 0; member->role == KITH_ROLE_AGENCY && i < release->n_manifests; i++)
    if (strcmp(release->manifests[i].agency, member->id) == 0)
      return true;
  return false;
}

/* Who may write what to whom. */
static bool may_write(const struct kith_matcher_round *round, const struct kith_member *author,
                      const char *reader_id, enum kith_letter_kind kind)
{
  const struct kith_member *reader = kith_charter_member(&round->node->charter, reader_id);
  bool to_agency = kind == KITH_LETTER_REQUEST || kind == KITH_LETTER_FEEDBACK;

  return reader && kith_letters_concern(round, reader) &&
         author->role == (to_agency ? KITH_ROLE_RECIPIENT : KITH_ROLE_AGENCY) &&
         reader->role == (to_agency ? KITH_ROLE_AGENCY : KITH_ROLE_RECIPIENT) &&
         (kind == KITH_LETTER_CONTEXT ? kith_policy_context_of(&round->policy, author->id) != NULL
                                      : round->policy.disclosure.present) &&
         (kind == KITH_LETTER_CONTEXT || kind == KITH_LETTER_FEEDBACK ||
          (kith_policy_asks(&round->policy, to_agency ? author->id : reader->id) &&
           kith_gateway_to_disclose(&round->policy, &round->node->charter,
                                    to_agency ? reader->id : author->id)));
}

static enum kith_err look_put(struct walk *walk, const struct head *head)
{
  const struct head *fresh = walk->fresh;

  if (fresh->kind == KITH_LETTER_ANSWER && head->kind == KITH_LETTER_REQUEST &&
      kith_hash_equal(&head->id, &fresh->id) && strcmp(head->author, fresh->reader) == 0 &&
      strcmp(head->reader, fresh->author) == 0)
    walk->asked = true;
  if (strcmp(head->author, fresh->author) != 0)
    return KITH_OK;
  walk->n_author++;
  if (head->kind == KITH_LETTER_REQUEST) {
    walk->n_requests++;
    walk->n_today += head->time > fresh->time - DAY_S;
  }
  if (head->kind == fresh->kind && kith_hash_equal(&head->id, &fresh->id)) {
    walk->same = head->number;
    walk->same_bytes =
        strcmp(head->reader, fresh->reader) == 0 && kith_hash_equal(&head->sealed, &fresh->sealed);
  }
  return KITH_OK;
}

static enum kith_reply_error check(const struct kith_matcher_round *round, const struct walk *walk)
{
  const struct kith_policy_disclosure *limits = &round->policy.disclosure;

  if (walk->same)
    return walk->same_bytes ? KITH_REPLY_OK : KITH_REPLY_CONFLICT;
  if (walk->fresh->kind == KITH_LETTER_ANSWER && !walk->asked)
    return KITH_REPLY_NOT_FOUND;
  if (walk->n_author >= KITH_LETTERS_MAX || walk->last == UINT32_MAX ||
      (walk->fresh->kind == KITH_LETTER_REQUEST &&
       (walk->n_requests >= limits->requests_per_round ||
        walk->n_today >= limits->requests_per_day)))
    return KITH_REPLY_LIMIT;
  return KITH_REPLY_OK;
}

static enum kith_audit_event event_of(enum kith_letter_kind kind)
{
  return kind == KITH_LETTER_REQUEST   ? KITH_AUDIT_DISCLOSURE_REQUESTED
         : kind == KITH_LETTER_ANSWER  ? KITH_AUDIT_DISCLOSURE_ANSWERED
         : kind == KITH_LETTER_CONTEXT ? KITH_AUDIT_CONTEXT
                                       : KITH_AUDIT_FEEDBACK;
}

static enum kith_err store_letter(struct kith_matcher *matcher, struct kith_txn *txn,
                                  const struct kith_matcher_round *round,
                                  const struct kith_secret *secret, const struct head *head,
                                  const struct kith_span *sealed)
{
  uint8_t key[KEY_BYTES];
  enum kith_err err =
      head_put(txn, secret, letter_key(key, round->node->id, head->number, 'h'), head);

  if (err == KITH_OK)
    err = box_put(txn, secret, letter_key(key, round->node->id, head->number, 'b'), sealed->bytes,
                  sealed->len);
  if (err == KITH_OK)
    err = kith_node_audit(matcher->node, txn, event_of(head->kind), round->node->id, head->author,
                          &head->id, 0);
  return err;
}

/* What is refused for its number is worth an entry, but not ever new ones. */
static void note_refusal(struct kith_matcher *matcher, const struct kith_matcher_round *round,
                         const struct head *head, enum kith_reply_error error)
{
  struct kith_txn *txn = NULL;

  if (!kith_matcher_may_note(matcher, head->author) ||
      kith_node_begin(&txn, matcher->node) != KITH_OK)
    return;
  if (kith_node_audit(matcher->node, txn, KITH_AUDIT_DISCLOSURE_REFUSED, round->node->id,
                      head->author, &head->id, error) != KITH_OK) {
    kith_txn_abort(txn);
    return;
  }
  /* The refusal stands whether or not its note could be kept. */
  if (kith_txn_commit(txn) != KITH_OK)
    return;
}

static enum kith_err take(struct kith_matcher *matcher, const struct kith_matcher_round *round,
                          struct head *head, const struct kith_span *sealed,
                          enum kith_reply_error *error)
{
  struct walk walk = {.look = look_put, .fresh = head};
  struct kith_secret *secret = NULL;
  struct kith_txn *txn = NULL;
  enum kith_err err =
      kith_roundkey_ensure(matcher->node->keys, &secret, round->node->id, key_name, NULL);

  if (err == KITH_OK)
    err = kith_node_begin(&txn, matcher->node);
  walk.secret = secret;
  if (err == KITH_OK)
    err = walk_round(&walk, txn, round->node->id);
  if (err == KITH_OK) {
    *error = check(round, &walk);
    head->number = walk.same ? walk.same : walk.last + 1;
  }
  if (err == KITH_OK && *error == KITH_REPLY_OK && !walk.same)
    err = store_letter(matcher, txn, round, secret, head, sealed);
  kith_secret_free(secret);
  if (err == KITH_OK && *error == KITH_REPLY_OK && !walk.same)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_reply_error kith_letters_put(struct kith_matcher *matcher,
                                       struct kith_matcher_round *round,
                                       const struct kith_member *author,
                                       const struct kith_request *request, uint32_t *number)
{
  const struct kith_span *sealed = &request->body.letter_put.sealed;
  enum kith_reply_error error = KITH_REPLY_INTERNAL;
  struct head head = {.kind = request->body.letter_put.kind,
                      .id = request->body.letter_put.id,
                      .time = kith_node_now(matcher->node)};

  if (round->state != KITH_ROUND_RELEASED || kith_node_round_view(round->node)->closed)
    return KITH_REPLY_WRONG_STATE;
  if (!may_write(round, author, request->body.letter_put.reader, head.kind))
    return KITH_REPLY_DENIED;
  memcpy(head.author, author->id, sizeof head.author);
  memcpy(head.reader, request->body.letter_put.reader, sizeof head.reader);
  kith_hash_bytes(&head.sealed, "kith sealed letter v1", sealed->bytes, sealed->len);
  if (take(matcher, round, &head, sealed, &error) != KITH_OK)
    return KITH_REPLY_INTERNAL;
  if (error != KITH_REPLY_OK)
    note_refusal(matcher, round, &head, error);
  *number = head.number;
  return error;
}

/* ---- giving letters */

/* Room for all but the bytes of a letter in a message. */
enum { LETTER_OVERHEAD = 128, LETTERS_AT_ONCE = 64 };

static enum kith_err look_get(struct walk *walk, const struct head *head)
{
  struct kith_letter_entry *entry = &walk->found->letters[walk->found->n];
  KITH_AUTO_FREE uint8_t *boxed = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = letter_key(key, walk->round, head->number, 'b');
  uint8_t *opened = NULL;
  size_t boxed_len = 0;
  size_t len = 0;
  enum kith_err err;

  if (head->number <= walk->after || strcmp(head->reader, walk->reader) != 0)
    return KITH_OK;
  err = kith_store_get(walk->txn, KITH_TABLE_LETTERS, at, &boxed, &boxed_len);
  if (err == KITH_OK)
    err = box_open(&opened, &len, walk->secret, at, (struct kith_bytes){boxed, boxed_len});
  if (err != KITH_OK)
    return err;
  if (walk->found->n == LETTERS_AT_ONCE || len + LETTER_OVERHEAD > walk->room) {
    kith_free(opened);
    return KITH_ERR_CANCELLED;
  }
  walk->room -= len + LETTER_OVERHEAD;
  *entry = (struct kith_letter_entry){
      .number = head->number, .kind = head->kind, .id = head->id, .sealed = {opened, len}};
  memcpy(entry->author, head->author, sizeof entry->author);
  walk->found->n++;
  return KITH_OK;
}

enum kith_err kith_letters_get(struct kith_matcher *matcher, const struct kith_matcher_round *round,
                               const char *reader, uint32_t after, struct kith_letters *out)
{
  struct walk walk = {.look = look_get,
                      .reader = reader,
                      .after = after,
                      .found = out,
                      .round = round->node->id,
                      .room = KITH_MESSAGE_BYTES_MAX - LETTER_OVERHEAD};
  struct kith_secret *secret = NULL;
  enum kith_err err;

  *out = (struct kith_letters){0};
  out->letters = KITH_NEW_ARRAY(struct kith_letter_entry, LETTERS_AT_ONCE);
  if (!out->letters)
    return KITH_ERR_MEMORY;
  err = kith_roundkey_load(matcher->node->keys, &secret, round->node->id, key_name, NULL);
  if (err == KITH_ERR_NOT_FOUND)
    return KITH_OK;
  walk.secret = secret;
  if (err == KITH_OK)
    err = kith_txn_begin(&walk.txn, matcher->node->store, false);
  if (err == KITH_OK)
    err = walk_round(&walk, walk.txn, round->node->id);
  kith_txn_abort(walk.txn);
  kith_secret_free(secret);
  return err;
}

void kith_letters_free(struct kith_letters *letters)
{
  for (uint32_t i = 0; i < letters->n; i++)
    kith_free((uint8_t *)letters->letters[i].sealed.bytes);
  kith_free(letters->letters);
  *letters = (struct kith_letters){0};
}

enum kith_err kith_letters_delete(struct kith_matcher *matcher, const kith_round_id id)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, matcher->node);

  if (err != KITH_OK)
    return err;
  err = kith_store_delete_prefix(txn, KITH_TABLE_LETTERS,
                                 (struct kith_bytes){id, KITH_ROUND_ID_BYTES});
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}
