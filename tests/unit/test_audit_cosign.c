#include "proto/audit_cosign.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

enum { LOG, N_SIZES = 40 };
static const char *const tables[] = {"audit"};
static const struct kith_store_options options = {tables, 1, 4 << 20};
static struct kith_identity *owner;    /* of the log "ash" */
static struct kith_identity *cosigner; /* "oak" */

static struct kith_txn *begin(struct kith_store **store, void **state, const char *name)
{
  struct kith_txn *txn;

  assert_int_equal(kith_store_open(store, unit_path(state, name), &options, NULL), KITH_OK);
  assert_int_equal(kith_txn_begin(&txn, *store, true), KITH_OK);
  return txn;
}

static void end(struct kith_txn *txn, struct kith_store *store)
{
  kith_txn_abort(txn);
  kith_store_close(store);
}

static void grow(struct kith_txn *txn, unsigned n, enum kith_audit_event event)
{
  for (unsigned i = 0; i < n; i++)
    assert_int_equal(kith_audit_append(txn, LOG, 1, event, NULL, 0, NULL), KITH_OK);
}

static uint64_t log_len(struct kith_txn *txn)
{
  struct kith_audit_head head;

  assert_int_equal(kith_audit_head(txn, LOG, &head), KITH_OK);
  return head.seq;
}

/* What the owner shows: its checkpoint, and a proof from `old`. */
struct shown {
  struct kith_checkpoint checkpoint;
  struct kith_tree_proof proof;
};

static struct shown show(struct kith_txn *log, uint64_t old)
{
  struct shown shown;

  assert_int_equal(kith_audit_checkpoint(log, LOG, &shown.checkpoint, "ash", owner), KITH_OK);
  assert_int_equal(kith_audit_consistency(log, LOG, &shown.proof, old), KITH_OK);
  return shown;
}

static enum kith_err cosign(struct kith_txn *txn, const struct shown *shown, int64_t time,
                            struct kith_cosignature *out)
{
  const struct kith_audit_cosigning cosigning = {.log = "ash",
                                                 .sign_key = owner->public_keys.sign,
                                                 .checkpoint = &shown->checkpoint,
                                                 .proof = &shown->proof,
                                                 .cosigner = "oak",
                                                 .identity = cosigner,
                                                 .time = time};

  return kith_audit_cosign(txn, LOG, &cosigning, out);
}

static enum kith_err keep(struct kith_txn *log, uint64_t seq,
                          const struct kith_cosignature *cosignature)
{
  return kith_audit_cosignature_keep(log, LOG, "ash", seq, cosignature, cosigner->public_keys.sign);
}

static uint64_t last_of(struct kith_txn *txn)
{
  struct kith_checkpoint last;

  assert_int_equal(kith_audit_cosigned_last(txn, LOG, "ash", &last), KITH_OK);
  return last.seq;
}

static uint64_t kept_of(struct kith_txn *log)
{
  uint64_t seq;

  assert_int_equal(kith_audit_cosignature_seq(log, LOG, "oak", &seq), KITH_OK);
  return seq;
}

/* ---- a log that only grows */

static void a_log_is_cosigned_as_it_grows(void **state)
{
  struct kith_store *ash;
  struct kith_store *oak;
  struct kith_txn *log = begin(&ash, state, "grows");
  struct kith_txn *txn = begin(&oak, state, "grows-oak");
  struct kith_cosignature cosignature;

  assert_int_equal(last_of(txn), 0);
  assert_int_equal(kept_of(log), 0);
  for (uint64_t old = 0; old < N_SIZES; old = log_len(log)) {
    struct shown shown;

    grow(log, 1 + (unsigned)old % 5, KITH_AUDIT_STATEMENT);
    shown = show(log, old);
    assert_int_equal(cosign(txn, &shown, 1000 + (int64_t)old, &cosignature), KITH_OK);
    assert_string_equal(cosignature.member, "oak");
    assert_int_equal(cosignature.time, 1000 + (int64_t)old);
    assert_int_equal(last_of(txn), log_len(log));
    assert_int_equal(keep(log, log_len(log), &cosignature), KITH_OK);
    assert_int_equal(kept_of(log), log_len(log));
  }
  assert_int_equal(log_len(txn), 0); /* cosigning makes no log grow */
  end(log, ash);
  end(txn, oak);
}

static void what_is_cosigned_gets_the_same_cosignature_again(void **state)
{
  struct kith_store *ash;
  struct kith_store *oak;
  struct kith_txn *log = begin(&ash, state, "again");
  struct kith_txn *txn = begin(&oak, state, "again-oak");
  struct kith_cosignature first;
  struct kith_cosignature again;
  struct shown shown;

  grow(log, 3, KITH_AUDIT_STATEMENT);
  shown = show(log, 0);
  assert_int_equal(cosign(txn, &shown, 1000, &first), KITH_OK);
  assert_int_equal(cosign(txn, &shown, 2000, &again), KITH_OK);
  assert_int_equal(again.time, 1000);
  assert_memory_equal(again.signature, first.signature, KITH_SIGN_BYTES);
  end(log, ash);
  end(txn, oak);
}

/* The same member, in a newer charter: its log begins anew, and is no contradiction of the old one.
 */
static void another_key_begins_another_log(void **state)
{
  struct kith_store *ash;
  struct kith_store *oak;
  struct kith_store *renewed;
  struct kith_txn *log = begin(&ash, state, "renewed-old");
  struct kith_txn *txn = begin(&oak, state, "renewed-oak");
  struct kith_txn *next = begin(&renewed, state, "renewed-new");
  struct kith_identity *old = owner;
  struct kith_cosignature cosignature;
  struct shown shown;

  grow(log, 5, KITH_AUDIT_STATEMENT);
  shown = show(log, 0);
  assert_int_equal(cosign(txn, &shown, 1, &cosignature), KITH_OK);
  assert_int_equal(kith_identity_new(&owner), KITH_OK);
  for (uint64_t n = 2; n <= 7; n += 5) { /* shorter than the old log, then longer */
    grow(next, (unsigned)(n - log_len(next)), KITH_AUDIT_STARTED);
    shown = show(next, n == 2 ? 0 : 2);
    assert_int_equal(cosign(txn, &shown, 2, &cosignature), KITH_OK);
    assert_int_equal(last_of(txn), n);
  }
  kith_identity_free(owner);
  owner = old;
  assert_int_equal(log_len(txn), 0); /* and nobody is accused */
  end(log, ash);
  end(txn, oak);
  end(next, renewed);
}

/* ---- a log that does not */

static void another_past_is_not_cosigned(void **state)
{
  struct kith_store *ash;
  struct kith_store *oak;
  struct kith_store *forked;
  struct kith_txn *log = begin(&ash, state, "past");
  struct kith_txn *txn = begin(&oak, state, "past-oak");
  struct kith_txn *fork = begin(&forked, state, "past-fork");
  struct kith_cosignature cosignature;
  struct kith_cosignature untouched = {.time = 7};
  struct shown shown;

  grow(log, 5, KITH_AUDIT_STATEMENT);
  shown = show(log, 0);
  assert_int_equal(cosign(txn, &shown, 1000, &cosignature), KITH_OK);
  grow(fork, 5, KITH_AUDIT_CONFIGURED); /* the same size, another root */
  shown = show(fork, 0);
  assert_int_equal(cosign(txn, &shown, 1001, &untouched), KITH_ERR_FULL);
  assert_int_equal(log_len(txn), 1); /* the evidence, once */
  grow(fork, 3, KITH_AUDIT_STATEMENT);
  shown = show(fork, 5); /* longer, with the best proof that there is */
  assert_int_equal(cosign(txn, &shown, 1002, &untouched), KITH_ERR_FULL);
  assert_int_equal(log_len(txn), 1);
  assert_int_equal(untouched.time, 7);
  assert_int_equal(last_of(txn), 5);

  grow(log, 3, KITH_AUDIT_STATEMENT); /* the history that was cosigned goes on */
  shown = show(log, 5);
  assert_int_equal(cosign(txn, &shown, 1003, &cosignature), KITH_OK);
  assert_int_equal(last_of(txn), 8);
  end(log, ash);
  end(txn, oak);
  end(fork, forked);
}

static void false_and_shorter_checkpoints_are_not_cosigned(void **state)
{
  struct kith_store *ash;
  struct kith_store *oak;
  struct kith_txn *log = begin(&ash, state, "false");
  struct kith_txn *txn = begin(&oak, state, "false-oak");
  struct kith_cosignature cosignature;
  struct shown of_4;
  struct shown bad;

  grow(log, 4, KITH_AUDIT_STATEMENT);
  of_4 = show(log, 0);
  grow(log, 4, KITH_AUDIT_STATEMENT);
  bad = show(log, 0);
  bad.checkpoint.signature[5] ^= 1;
  assert_int_equal(cosign(txn, &bad, 1, &cosignature), KITH_ERR_NO);
  bad = show(log, 0);
  bad.checkpoint.seq++;
  assert_int_equal(cosign(txn, &bad, 1, &cosignature), KITH_ERR_NO);
  assert_int_equal(last_of(txn), 0);
  bad = show(log, 0);
  assert_int_equal(cosign(txn, &bad, 1, &cosignature), KITH_OK);
  assert_int_equal(cosign(txn, &of_4, 1, &cosignature), KITH_ERR_NOT_FOUND);
  assert_int_equal(last_of(txn), 8);
  assert_int_equal(log_len(txn), 0);
  end(log, ash);
  end(txn, oak);
}

/* ---- what the owner keeps */

static void only_true_cosignatures_are_kept_and_the_longest(void **state)
{
  struct kith_store *ash;
  struct kith_store *oak;
  struct kith_txn *log = begin(&ash, state, "keep");
  struct kith_txn *txn = begin(&oak, state, "keep-oak");
  struct kith_cosignature of_3;
  struct kith_cosignature of_5;
  struct kith_cosignature bad;
  struct shown shown;

  grow(log, 3, KITH_AUDIT_STATEMENT);
  shown = show(log, 0);
  assert_int_equal(cosign(txn, &shown, 1, &of_3), KITH_OK);
  grow(log, 2, KITH_AUDIT_STATEMENT);
  shown = show(log, 3);
  assert_int_equal(cosign(txn, &shown, 2, &of_5), KITH_OK);

  assert_int_equal(keep(log, 4, &of_5), KITH_ERR_NO); /* over another size */
  assert_int_equal(keep(log, 6, &of_5), KITH_ERR_NOT_FOUND);
  assert_int_equal(keep(log, 0, &of_5), KITH_ERR_NOT_FOUND);
  bad = of_5;
  bad.time++;
  assert_int_equal(keep(log, 5, &bad), KITH_ERR_NO);
  bad = of_5;
  bad.signature[0] ^= 1;
  assert_int_equal(keep(log, 5, &bad), KITH_ERR_NO);
  assert_int_equal(
      kith_audit_cosignature_keep(log, LOG, "elm", 5, &of_5, cosigner->public_keys.sign),
      KITH_ERR_NO); /* of another's log */
  assert_int_equal(kith_audit_cosignature_keep(log, LOG, "ash", 5, &of_5, owner->public_keys.sign),
                   KITH_ERR_NO);
  assert_int_equal(kept_of(log), 0);

  assert_int_equal(keep(log, 5, &of_5), KITH_OK);
  assert_int_equal(keep(log, 5, &of_5), KITH_OK);
  assert_int_equal(keep(log, 3, &of_3), KITH_OK); /* late */
  assert_int_equal(kept_of(log), 5);
  end(log, ash);
  end(txn, oak);
}

struct seen {
  unsigned cosigned;
  unsigned cosignatures;
};

static enum kith_err see(void *context, const struct kith_audit_thing *thing)
{
  struct seen *seen = context;
  struct kith_audit_thing again;
  struct kith_buf frame;

  kith_buf_init(&frame, 0);
  assert_int_equal(kith_audit_thing_write(&frame, thing), KITH_OK);
  assert_int_equal(kith_audit_thing_read(&again, frame.bytes, frame.len), KITH_OK);
  kith_buf_free(&frame);
  assert_int_equal(again.kind, thing->kind);
  assert_string_equal(again.member, thing->member);
  assert_memory_equal(&again.checkpoint, &thing->checkpoint, sizeof again.checkpoint);
  assert_int_equal(again.time, thing->time);
  if (thing->kind == KITH_AUDIT_MORE_COSIGNED) {
    seen->cosigned++;
    assert_string_equal(thing->member, "ash");
    assert_int_equal(kith_checkpoint_verify(&again.checkpoint, "ash", owner->public_keys.sign),
                     KITH_OK);
  } else {
    struct kith_cosignature cosignature = {.time = again.time};

    seen->cosignatures++;
    assert_string_equal(thing->member, "oak");
    memcpy(cosignature.signature, again.checkpoint.signature, KITH_SIGN_BYTES);
    assert_int_equal(
        kith_cosignature_verify(&cosignature, &again.checkpoint, "ash", cosigner->public_keys.sign),
        KITH_OK);
  }
  return KITH_OK;
}

static void an_export_brings_both_sides(void **state)
{
  struct kith_store *ash;
  struct kith_store *oak;
  struct kith_txn *log = begin(&ash, state, "both");
  struct kith_txn *txn = begin(&oak, state, "both-oak");
  struct kith_cosignature cosignature;
  struct seen of_ash = {0};
  struct seen of_oak = {0};
  struct shown shown;

  grow(log, 3, KITH_AUDIT_STATEMENT);
  shown = show(log, 0);
  assert_int_equal(cosign(txn, &shown, 99, &cosignature), KITH_OK);
  assert_int_equal(keep(log, 3, &cosignature), KITH_OK);
  assert_int_equal(kith_audit_each_cosigned(log, LOG, see, &of_ash), KITH_OK);
  assert_int_equal(kith_audit_each_cosigned(txn, LOG, see, &of_oak), KITH_OK);
  assert_int_equal(of_ash.cosignatures, 1);
  assert_int_equal(of_ash.cosigned, 0);
  assert_int_equal(of_oak.cosigned, 1);
  assert_int_equal(of_oak.cosignatures, 0);
  end(log, ash);
  end(txn, oak);
}

static int set_up(void **state)
{
  return unit_folder_make(state) == 0 && kith_identity_new(&owner) == KITH_OK &&
                 kith_identity_new(&cosigner) == KITH_OK
             ? 0
             : -1;
}

static int tear_down(void **state)
{
  kith_identity_free(owner);
  kith_identity_free(cosigner);
  return unit_folder_remove(state);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_log_is_cosigned_as_it_grows),
      cmocka_unit_test(what_is_cosigned_gets_the_same_cosignature_again),
      cmocka_unit_test(another_key_begins_another_log),
      cmocka_unit_test(another_past_is_not_cosigned),
      cmocka_unit_test(false_and_shorter_checkpoints_are_not_cosigned),
      cmocka_unit_test(only_true_cosignatures_are_kept_and_the_longest),
      cmocka_unit_test(an_export_brings_both_sides),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
