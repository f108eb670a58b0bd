/* `kith evaluate`: what its files share. */
#ifndef KITH_CLI_EVALUATE_EVALUATE_H
#define KITH_CLI_EVALUATE_EVALUATE_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/cli.h"
#include "cli/evaluate/evaluate_cohort.h"
#include "cli/evaluate/evaluation.h"
#include "cli/intern.h"

struct kith_evaluate {
  const char *truth;
  const char *group_by;
  struct kith_cli_list maps;
  const char *dir;
  bool within;
  bool json;

  struct kith_intern parties;
  struct kith_intern ids; /* "PARTY-NUMBER ID": the number is the record's */
  struct kith_intern entities;
  struct kith_intern groups;
  struct kith_intern clusters;
  struct kith_intern handles; /* likewise with handles; handle_record[number] is the record */
  uint32_t *handle_record;    /* owned */
  size_t handle_room;
  struct kith_evaluation_record *records; /* owned */
  size_t n_records;
  size_t records_room;
  struct kith_evaluation_pair *linked; /* owned */
  size_t n_linked;
  size_t linked_room;
  bool has_clusters;
  uint32_t *entries; /* owned; of each record; NULL: the folder has no cohort that can be judged */
  struct kith_intern cohort;
  struct kith_foretold *foretold; /* owned */
  struct kith_evaluation_cohort list;
  bool has_list;
};

/* NULL: out of memory. */
json_t *kith_evaluate_json(const struct kith_evaluate *run, const struct kith_evaluation *result);
/* Tables on standard output; the exit status. */
int kith_evaluate_print(const struct kith_evaluate *run, const struct kith_evaluation *result);

#endif
