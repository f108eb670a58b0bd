#include "proto/withdrawal.h"

#include <string.h>

#include "base/mem.h"

static const char *const reason_names[KITH_WITHDRAW_REASONS] = {
    [KITH_WITHDRAW_OBJECTION] = "objection",
    [KITH_WITHDRAW_ERASURE] = "erasure",
    [KITH_WITHDRAW_ERROR] = "error",
    [KITH_WITHDRAW_OTHER] = "other",
};

const char *kith_withdraw_reason_name(enum kith_withdraw_reason reason)
{
  return reason > 0 && reason < KITH_WITHDRAW_REASONS ? reason_names[reason] : "unknown";
}

enum kith_err kith_withdraw_reason_parse(enum kith_withdraw_reason *out, const char *name)
{
  for (unsigned i = 1; i < KITH_WITHDRAW_REASONS; i++)
    if (strcmp(name, reason_names[i]) == 0) {
      *out = (enum kith_withdraw_reason)i;
      return KITH_OK;
    }
  return KITH_ERR_NOT_FOUND;
}

void kith_withdrawal_index(struct kith_hash *out, const kith_round_id round, const char *agency,
                           const uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, "kith withdrawal v1");
  kith_hasher_part(&hasher, round, KITH_ROUND_ID_BYTES);
  kith_hasher_part(&hasher, agency, strlen(agency));
  kith_hasher_part(&hasher, handle, KITH_HANDLE_BYTES);
  kith_hasher_final(&hasher, out);
}

struct kith_withdrawals kith_withdrawals_all(const struct kith_round_view *view)
{
  return (struct kith_withdrawals){view->round, view->n_withdrawals, view->withdrawals};
}

static const struct kith_withdrawal *find(const struct kith_withdrawals *withdrawals,
                                          const char *agency, const struct kith_hash *index)
{
  for (uint32_t i = 0; i < withdrawals->n; i++)
    if (kith_hash_equal(&withdrawals->items[i].said.index, index) &&
        strcmp(withdrawals->items[i].agency, agency) == 0)
      return &withdrawals->items[i];
  return NULL;
}

const struct kith_withdrawal *kith_withdrawal_find(const struct kith_round_view *view,
                                                   const char *agency,
                                                   const struct kith_hash *index)
{
  const struct kith_withdrawals all = kith_withdrawals_all(view);

  return find(&all, agency, index);
}

bool kith_withdrawals_any(const struct kith_withdrawals *withdrawals, const char *agency)
{
  for (uint32_t i = 0; i < withdrawals->n; i++)
    if (strcmp(withdrawals->items[i].agency, agency) == 0)
      return true;
  return false;
}

const struct kith_withdrawal *kith_withdrawals_of(const struct kith_withdrawals *withdrawals,
                                                  const char *agency,
                                                  const uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_hash index;

  if (!withdrawals->n)
    return NULL;
  kith_withdrawal_index(&index, withdrawals->round, agency, handle);
  return find(withdrawals, agency, &index);
}

const struct kith_withdrawal *kith_withdrawal_of(const struct kith_round_view *view,
                                                 const char *agency,
                                                 const uint8_t handle[KITH_HANDLE_BYTES])
{
  const struct kith_withdrawals all = kith_withdrawals_all(view);

  return kith_withdrawals_of(&all, agency, handle);
}

uint32_t kith_withdrawals_by(const struct kith_round_view *view, const char *agency)
{
  uint32_t n = 0;

  for (uint32_t i = 0; i < view->n_withdrawals; i++)
    n += strcmp(view->withdrawals[i].agency, agency) == 0;
  return n;
}

enum kith_err kith_withdrawal_take(struct kith_round_view *view,
                                   const struct kith_statement *statement)
{
  const struct kith_withdraw *withdraw = &statement->body.withdraw;
  const struct kith_seat *seat = kith_round_seat(view, statement->author);
  struct kith_withdrawal *more;

  if (!seat || !seat->manifested || !kith_hash_equal(&withdraw->roster, &view->roster_hash) ||
      withdraw->number != kith_withdrawals_by(view, statement->author) + 1 ||
      kith_withdrawal_find(view, statement->author, &withdraw->index))
    return KITH_ERR_NOT_FOUND;
  more = kith_realloc(view->withdrawals, view->n_withdrawals + 1, sizeof *more);
  if (!more)
    return KITH_ERR_MEMORY;
  view->withdrawals = more;
  more += view->n_withdrawals++;
  memset(more, 0, sizeof *more);
  memcpy(more->agency, statement->author, sizeof more->agency);
  more->time = statement->time;
  more->after_release = view->released;
  more->said = *withdraw;
  return KITH_OK;
}

enum kith_err kith_withdrawals_mark(struct kith_cohort *cohort, const struct kith_round_view *view,
                                    struct kith_fault *fault)
{
  for (size_t i = 0; view->n_withdrawals && i < cohort->n_records; i++) {
    struct kith_cohort_record *record = &cohort->records[i];
    const char *agency = cohort->agencies[record->agency].agency;
    const struct kith_withdrawal *withdrawal = kith_withdrawal_of(view, agency, record->handle);

    if (withdrawal && !withdrawal->after_release)
      return kith_fail(fault, KITH_ERR_NO,
                       "the list names a record that %s had withdrawn before the release: the "
                       "matcher did not leave it out",
                       agency);
    record->withdrawn = withdrawal != NULL;
  }
  return KITH_OK;
}
