#include "proto/audit_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "proto/audit_chain.h"
#include "proto/audit_check_parts.h"

void kith_audit_find(struct kith_audit_check *check, const char *member, const char *format, ...)
{
  struct kith_audit_finding *more =
      kith_realloc(check->findings, check->n_findings + 1, sizeof *more);
  va_list args;

  if (!more) {
    check->err = KITH_ERR_MEMORY;
    return;
  }
  check->findings = more;
  more += check->n_findings++;
  memset(more, 0, sizeof *more);
  (void)snprintf(more->member, sizeof more->member, "%s", member);
  va_start(args, format);
  (void)vsnprintf(more->text, sizeof more->text, format, args);
  va_end(args);
}

static const char *round_text(char out[2 * KITH_ROUND_ID_BYTES + 1], const kith_round_id id)
{
  kith_hex_encode(out, id, KITH_ROUND_ID_BYTES);
  return out;
}

/* ---- one log */

static enum kith_err take_thing(void *context, const void *bytes, size_t len)
{
  struct kith_audit_book *book = context;

  if (book->n_things == book->things_room) {
    size_t room = book->things_room ? 2 * book->things_room : 64;
    struct kith_audit_thing *more = kith_realloc(book->things, room, sizeof *more);

    if (!more)
      return KITH_ERR_MEMORY;
    book->things = more;
    book->things_room = room;
  }
  enum kith_err err = kith_audit_thing_read(&book->things[book->n_things], bytes, len);

  if (err == KITH_OK)
    book->n_things++;
  return err;
}

static enum kith_err grow(struct kith_audit_book *book)
{
  uint64_t room = book->room ? 2 * book->room : 256;
  void *roots = kith_realloc(book->roots, room + 1, sizeof *book->roots);
  void *hashes;
  void *entries;

  if (!roots)
    return KITH_ERR_MEMORY;
  book->roots = roots;
  hashes = kith_realloc(book->hashes, room, sizeof *book->hashes);
  if (!hashes)
    return KITH_ERR_MEMORY;
  book->hashes = hashes;
  entries = kith_realloc(book->entries, room, sizeof *book->entries);
  if (!entries)
    return KITH_ERR_MEMORY;
  book->entries = entries;
  book->room = room;
  return KITH_OK;
}

static enum kith_err take_entry(void *context, const void *bytes, size_t len)
{
  struct kith_audit_book *book = context;
  struct kith_hash leaf;
  enum kith_err err = book->n == book->room ? grow(book) : KITH_OK;

  if (err == KITH_OK)
    err = kith_audit_entry_read(&book->entries[book->n], bytes, len);
  if (err != KITH_OK)
    return err;
  kith_audit_entry_hash(&book->hashes[book->n], bytes, len);
  kith_tree_leaf(&leaf, bytes, len);
  kith_tree_add(&book->tree, &leaf);
  book->n++;
  kith_tree_root(&book->tree, &book->roots[book->n]);
  return KITH_OK;
}

enum kith_err kith_audit_check_new(struct kith_audit_check **out,
                                   const struct kith_charter *charter,
                                   const struct kith_hash *charter_hash)
{
  struct kith_audit_check *check = KITH_NEW(struct kith_audit_check);

  if (!check)
    return KITH_ERR_MEMORY;
  check->charter = charter;
  check->charter_hash = *charter_hash;
  *out = check;
  return KITH_OK;
}

enum kith_err kith_audit_check_add(struct kith_audit_check *check, const char *name, uint8_t *bytes,
                                   size_t len, struct kith_fault *fault)
{
  struct kith_audit_evidence evidence = {.more = take_thing, .entry = take_entry};
  const struct kith_member *member;
  struct kith_audit_book *book = kith_realloc(check->books, check->n_books + 1, sizeof *book);
  enum kith_err err;

  if (!book) {
    kith_free(bytes);
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  }
  check->books = book;
  book += check->n_books++;
  memset(book, 0, sizeof *book);
  book->name = name;
  book->bytes = bytes;
  evidence.context = book;
  err = kith_audit_export_check(&book->report, bytes, len, &evidence, fault);
  member = err == KITH_OK ? kith_charter_member(check->charter, book->report.member) : NULL;
  if (err == KITH_ERR_NO)
    kith_audit_find(check, book->report.member, "%s: %s", name, fault->text);
  else if (err == KITH_OK && !member)
    kith_audit_find(check, book->report.member, "%s: the charter has no member '%s'", name,
                    book->report.member);
  else if (err == KITH_OK &&
           memcmp(member->keys.sign, book->report.sign_key, KITH_PUBLIC_BYTES) != 0)
    kith_audit_find(check, book->report.member,
                    "%s: it is signed with another key than the charter has for '%s'", name,
                    book->report.member);
  else
    book->whole = err == KITH_OK;
  return err == KITH_ERR_NO ? KITH_OK : err;
}

/* ---- two exports of one log */

static void compare_books(struct kith_audit_check *check, const struct kith_audit_book *a,
                          const struct kith_audit_book *b)
{
  uint64_t n = a->n < b->n ? a->n : b->n;

  for (uint64_t i = 0; i < n; i++)
    if (!kith_hash_equal(&a->hashes[i], &b->hashes[i])) {
      kith_audit_find(check, a->report.member,
                      "'%s' has signed two histories: %s and %s differ from entry %llu on",
                      a->report.member, a->name, b->name, (unsigned long long)i + 1);
      return;
    }
}

/* ---- checkpoints that others hold */

static bool is_held(const struct kith_audit_thing *thing)
{
  return thing->kind == KITH_AUDIT_MORE_PEER || thing->kind == KITH_AUDIT_MORE_COSIGNED;
}

/* Whoever holds it: what its owner has not signed says nothing about the owner. */
static bool is_signed(const struct kith_audit_check *check, const struct kith_audit_thing *thing)
{
  const struct kith_member *member = kith_charter_member(check->charter, thing->member);

  return member &&
         kith_checkpoint_verify(&thing->checkpoint, thing->member, member->keys.sign) == KITH_OK;
}

/* Another root of the same size, signed too. */
static bool another_is_held(const struct kith_audit_check *check,
                            const struct kith_audit_book *holder,
                            const struct kith_audit_thing *thing)
{
  for (size_t i = 0; i < holder->n_things; i++) {
    const struct kith_audit_thing *other = &holder->things[i];

    if (is_held(other) && other->checkpoint.seq == thing->checkpoint.seq &&
        strcmp(other->member, thing->member) == 0 &&
        !kith_hash_equal(&other->checkpoint.root, &thing->checkpoint.root) &&
        is_signed(check, other))
      return true;
  }
  return false;
}

static void check_held(struct kith_audit_check *check, const struct kith_audit_book *holder,
                       const struct kith_audit_thing *thing)
{
  const struct kith_checkpoint *held = &thing->checkpoint;
  const struct kith_member *member = kith_charter_member(check->charter, thing->member);
  unsigned long long size = held->seq;

  if (!member)
    return; /* a member of an earlier charter: nothing to hold it against */
  if (kith_checkpoint_verify(held, thing->member, member->keys.sign) != KITH_OK) {
    kith_audit_find(check, holder->report.member,
                    "%s: the checkpoint of entry %llu that it has of '%s' is not signed by '%s'",
                    holder->name, size, thing->member, thing->member);
    return;
  }
  if (thing->kind == KITH_AUDIT_MORE_CONTRADICTION && another_is_held(check, holder, thing))
    kith_audit_find(check, thing->member,
                    "'%s' has signed two histories: %s has both, of %llu entries", thing->member,
                    holder->name, size);
  else if (thing->kind == KITH_AUDIT_MORE_CONTRADICTION)
    kith_audit_find(check, thing->member,
                    "'%s' has shown '%s' %llu entries without a proof that they continue "
                    "those that it had cosigned",
                    thing->member, holder->report.member, size);
  for (size_t i = 0; i < check->n_books; i++) {
    const struct kith_audit_book *book = &check->books[i];

    if (!book->whole || strcmp(book->report.member, thing->member) != 0)
      continue;
    if (held->seq <= book->n && !kith_hash_equal(&book->roots[held->seq], &held->root))
      kith_audit_find(
          check, thing->member,
          "%s: its first %llu entries are not those that '%s' has had '%s' sign: its past was "
          "rewritten at or before entry %llu",
          book->name, size, holder->report.member, thing->member, size);
  }
}

/* Without the log itself: two holders of different roots of one size. */
static void check_two_held(struct kith_audit_check *check, const struct kith_audit_book *a,
                           const struct kith_audit_book *b)
{
  for (size_t i = 0; i < a->n_things; i++)
    for (size_t j = 0; j < b->n_things; j++) {
      const struct kith_audit_thing *left = &a->things[i];
      const struct kith_audit_thing *right = &b->things[j];

      if (is_held(left) && is_held(right) && left->checkpoint.seq == right->checkpoint.seq &&
          strcmp(left->member, right->member) == 0 &&
          !kith_hash_equal(&left->checkpoint.root, &right->checkpoint.root) &&
          is_signed(check, left) && is_signed(check, right))
        kith_audit_find(
            check, left->member,
            "'%s' has signed two histories of %llu entries: one to '%s', another to '%s'",
            left->member, (unsigned long long)left->checkpoint.seq, a->report.member,
            b->report.member);
    }
}

/* A log that is shorter than what its owner has signed to others was cut, unless it was exported
 * before they had it: then a later entry of theirs says so, by its time. */
static void check_cut(struct kith_audit_check *check, const struct kith_audit_book *book)
{
  uint64_t longest = 0;
  const struct kith_audit_book *holder = NULL;
  uint64_t exported = 0;

  for (size_t i = 0; i < check->n_books; i++)
    if (check->books[i].whole && strcmp(check->books[i].report.member, book->report.member) == 0 &&
        check->books[i].n > exported)
      exported = check->books[i].n;
  for (size_t i = 0; i < check->n_books; i++)
    for (size_t j = 0; check->books[i].whole && j < check->books[i].n_things; j++) {
      const struct kith_audit_thing *thing = &check->books[i].things[j];

      if (thing->kind == KITH_AUDIT_MORE_PEER && strcmp(thing->member, book->report.member) == 0 &&
          thing->checkpoint.seq > longest) {
        longest = thing->checkpoint.seq;
        holder = &check->books[i];
      }
    }
  if (holder && longest > exported)
    kith_audit_find(
        check, book->report.member,
        "%s: entry %llu and what follows are missing: '%s' holds a checkpoint of %llu entries. "
        "Export it again; if they stay away, the log was cut",
        book->name, (unsigned long long)book->n + 1, holder->report.member,
        (unsigned long long)longest);
}

/* ---- rounds */

static const struct kith_audit_entry *entry_of(const struct kith_audit_book *book,
                                               enum kith_audit_event event,
                                               const kith_round_id round, uint64_t number,
                                               const struct kith_hash *hash)
{
  for (uint64_t i = 0; i < book->n; i++) {
    const struct kith_audit_entry *entry = &book->entries[i];
    bool same_round = false;
    bool same_number = false;
    bool same_hash = hash == NULL;

    if (entry->event != event)
      continue;
    for (unsigned j = 0; j < entry->n_values; j++) {
      const struct kith_audit_value *value = &entry->values[j];

      same_round |= value->kind == KITH_AUDIT_ROUND &&
                    memcmp(value->as.round, round, KITH_ROUND_ID_BYTES) == 0;
      same_number |= value->kind == KITH_AUDIT_NUMBER && value->as.number == number;
      same_hash |= hash && value->kind == KITH_AUDIT_HASH && kith_hash_equal(&value->as.hash, hash);
    }
    if (same_round && same_number && same_hash)
      return entry;
  }
  return NULL;
}

/* The charter of that hash: the one that all is checked with, or one of the logs that its
 * governance has signed. A fresh copy. */
static struct kith_charter *charter_of(const struct kith_audit_check *check,
                                       const struct kith_hash *hash)
{
  struct kith_charter *out = KITH_NEW(struct kith_charter);

  if (!out)
    return NULL;
  if (kith_hash_equal(hash, &check->charter_hash)) {
    *out = *check->charter;
    return out;
  }
  for (size_t i = 0; i < check->n_books; i++)
    for (size_t j = 0; j < check->books[i].n_things; j++) {
      const struct kith_audit_thing *thing = &check->books[i].things[j];
      struct kith_hash found;

      if (thing->kind != KITH_AUDIT_MORE_CHARTER)
        continue;
      kith_signed_hash(&found, &thing->charter);
      if (kith_hash_equal(&found, hash) &&
          kith_signed_verify(&thing->charter, &check->charter->governance, NULL) == KITH_OK &&
          kith_charter_parse(out, thing->charter.bytes, thing->charter.len, "charter", NULL) ==
              KITH_OK)
        return out;
    }
  kith_free(out);
  return NULL;
}

static struct kith_audit_round *round_of(struct kith_audit_check *check, const kith_round_id id)
{
  struct kith_audit_round *more;

  for (size_t i = 0; i < check->n_rounds; i++)
    if (memcmp(check->rounds[i].id, id, KITH_ROUND_ID_BYTES) == 0)
      return &check->rounds[i];
  more = kith_realloc(check->rounds, check->n_rounds + 1, sizeof *more);
  if (!more) {
    check->err = KITH_ERR_MEMORY;
    return NULL;
  }
  check->rounds = more;
  more += check->n_rounds++;
  memset(more, 0, sizeof *more);
  memcpy(more->id, id, KITH_ROUND_ID_BYTES);
  return more;
}

/* All statements of a round in one log, played again. */
static void replay(struct kith_audit_check *check, const struct kith_audit_book *book, size_t first)
{
  char text[2 * KITH_ROUND_ID_BYTES + 1];
  const char *member = book->report.member;
  struct kith_audit_round *round = round_of(check, book->things[first].round);
  struct kith_round_log *log = NULL;
  struct kith_charter *charter = NULL;
  struct kith_statement open;
  struct kith_fault fault = {0};
  enum kith_err err = round ? kith_round_log_new(&log) : KITH_ERR_MEMORY;

  if (err != KITH_OK) {
    check->err = err;
    return;
  }
  (void)round_text(text, round->id);
  if (kith_statement_read(&open, book->things[first].statement.bytes,
                          book->things[first].statement.len) == KITH_OK) {
    if (open.type == KITH_STATEMENT_OPEN)
      charter = charter_of(check, &open.body.open.charter);
    kith_statement_free(&open);
  }
  if (!charter)
    kith_audit_find(check, member,
                    "%s: round %s: the charter that it was opened under is in no log, or not "
                    "signed by this charter's governance",
                    book->name, text);
  for (size_t i = first; charter && i < book->n_things; i++) {
    const struct kith_audit_thing *thing = &book->things[i];
    uint32_t index = kith_round_log_view(log)->n_statements;
    struct kith_hash hash;

    if (thing->kind != KITH_AUDIT_MORE_STATEMENT ||
        memcmp(thing->round, round->id, KITH_ROUND_ID_BYTES) != 0)
      break;
    kith_statement_hash(&hash, thing->statement.bytes, thing->statement.len);
    if (thing->index != index || !entry_of(book, KITH_AUDIT_STATEMENT, round->id, index, &hash)) {
      kith_audit_find(check, member, "%s: round %s: statement %u is not the one of its log",
                      book->name, text, (unsigned)index);
      break;
    }
    if (kith_round_log_add(log, charter, thing->statement.bytes, thing->statement.len, 0, NULL,
                           &fault) != KITH_OK) {
      kith_audit_find(check, member, "%s: round %s: statement %u does not hold: %s", book->name,
                      text, (unsigned)index, fault.text);
      break;
    }
  }
  if (charter && (!round->log || kith_round_log_view(round->log)->n_statements <
                                     kith_round_log_view(log)->n_statements)) {
    struct kith_round_log *old_log = round->log;
    struct kith_charter *old_charter = round->charter;

    round->log = log;
    round->charter = charter;
    log = old_log;
    charter = old_charter;
  }
  kith_round_log_free(log);
  kith_free(charter);
}

/* Statements that a log's entries tell of, and that the export does not bring. */
static void check_statements_there(struct kith_audit_check *check,
                                   const struct kith_audit_book *book)
{
  uint64_t told = 0;
  uint64_t brought = 0;

  for (uint64_t i = 0; i < book->n; i++)
    told += book->entries[i].event == KITH_AUDIT_STATEMENT;
  for (size_t i = 0; i < book->n_things; i++)
    brought += book->things[i].kind == KITH_AUDIT_MORE_STATEMENT;
  if (told != brought)
    kith_audit_find(check, book->report.member,
                    "%s: its entries tell of %llu statements, and it brings %llu of them",
                    book->name, (unsigned long long)told, (unsigned long long)brought);
}

static void replay_all(struct kith_audit_check *check, const struct kith_audit_book *book)
{
  for (size_t i = 0; i < book->n_things; i++)
    if (book->things[i].kind == KITH_AUDIT_MORE_STATEMENT &&
        (i == 0 || book->things[i - 1].kind != KITH_AUDIT_MORE_STATEMENT ||
         memcmp(book->things[i - 1].round, book->things[i].round, KITH_ROUND_ID_BYTES) != 0))
      replay(check, book, i);
  check_statements_there(check, book);
}

/* The matcher orders a round's statements, for all alike: rosters that differ show here. */
static void compare_statements(struct kith_audit_check *check, const struct kith_audit_book *a,
                               const struct kith_audit_book *b)
{
  char text[2 * KITH_ROUND_ID_BYTES + 1];

  for (size_t i = 0, j = 0; i < a->n_things && j < b->n_things;) {
    const struct kith_audit_thing *left = &a->things[i];
    const struct kith_audit_thing *right = &b->things[j];
    int order;

    if (left->kind != KITH_AUDIT_MORE_STATEMENT) {
      i++;
      continue;
    }
    if (right->kind != KITH_AUDIT_MORE_STATEMENT) {
      j++;
      continue;
    }
    order = memcmp(left->round, right->round, KITH_ROUND_ID_BYTES);
    if (order == 0 && left->index != right->index)
      order = left->index < right->index ? -1 : 1;
    if (order == 0 &&
        (left->statement.len != right->statement.len ||
         memcmp(left->statement.bytes, right->statement.bytes, left->statement.len) != 0)) {
      kith_audit_find(check, "", "round %s: '%s' and '%s' were shown different statements %u",
                      round_text(text, left->round), a->report.member, b->report.member,
                      (unsigned)left->index);
      return;
    }
    i += order <= 0;
    j += order >= 0;
  }
}

/* What a member says it has destroyed is in its own log, at the place that it names. */
static void check_destroyed(struct kith_audit_check *check, const struct kith_audit_book *book,
                            const struct kith_audit_thing *thing)
{
  struct kith_statement statement;
  char text[2 * KITH_ROUND_ID_BYTES + 1];

  if (thing->kind != KITH_AUDIT_MORE_STATEMENT ||
      kith_statement_read(&statement, thing->statement.bytes, thing->statement.len) != KITH_OK)
    return;
  for (size_t i = 0; statement.type == KITH_STATEMENT_DESTROYED && i < check->n_books; i++) {
    const struct kith_audit_book *author = &check->books[i];
    uint64_t seq = statement.body.destroyed.audit_seq;
    const struct kith_audit_entry *entry;

    if (!author->whole || author == book || strcmp(author->report.member, statement.author) != 0 ||
        seq > author->n)
      continue;
    entry =
        entry_of(author, KITH_AUDIT_DESTROYED, thing->round, statement.body.destroyed.what, NULL);
    if (seq == 0 || !entry || entry->seq > seq ||
        !kith_hash_equal(&author->hashes[seq - 1], &statement.body.destroyed.audit_head))
      kith_audit_find(
          check, statement.author,
          "round %s: '%s' has signed that %s were destroyed, and entry %llu of its log does not "
          "say so",
          round_text(text, thing->round), statement.author,
          kith_destroyed_name(statement.body.destroyed.what), (unsigned long long)seq);
  }
  kith_statement_free(&statement);
}

enum kith_err kith_audit_check_finish(struct kith_audit_check *check)
{
  for (size_t i = 0; i < check->n_books; i++) {
    struct kith_audit_book *book = &check->books[i];

    if (!book->whole)
      continue;
    replay_all(check, book);
    kith_audit_check_cosignatures(check, book);
    check_cut(check, book);
    for (size_t j = 0; j < book->n_things; j++) {
      if (is_held(&book->things[j]) || book->things[j].kind == KITH_AUDIT_MORE_CONTRADICTION)
        check_held(check, book, &book->things[j]);
      check_destroyed(check, book, &book->things[j]);
    }
    for (size_t j = 0; j < i; j++) {
      if (!check->books[j].whole)
        continue;
      if (strcmp(check->books[j].report.member, book->report.member) == 0)
        compare_books(check, &check->books[j], book);
      check_two_held(check, &check->books[j], book);
      compare_statements(check, &check->books[j], book);
    }
  }
  if (check->err != KITH_OK)
    return check->err;
  return check->n_findings ? KITH_ERR_NO : KITH_OK;
}

void kith_audit_check_free(struct kith_audit_check *check)
{
  if (!check)
    return;
  for (size_t i = 0; i < check->n_books; i++) {
    struct kith_audit_book *book = &check->books[i];

    for (size_t j = 0; j < book->n_things; j++)
      kith_signed_free(&book->things[j].charter);
    kith_free(book->things);
    kith_free(book->roots);
    kith_free(book->hashes);
    kith_free(book->entries);
    kith_free(book->bytes);
  }
  for (size_t i = 0; i < check->n_rounds; i++) {
    kith_round_log_free(check->rounds[i].log);
    kith_free(check->rounds[i].charter);
  }
  kith_free(check->books);
  kith_free(check->findings);
  kith_free(check->rounds);
  kith_free(check);
}
