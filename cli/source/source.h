/* What the files of `kith source` share: what is to be checked, and what was found. */
#ifndef KITH_CLI_SOURCE_SOURCE_H
#define KITH_CLI_SOURCE_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "daemon/pipeline/objections.h"
#include "daemon/pipeline/propose.h"
#include "daemon/pipeline/quality.h"
#include "daemon/pipeline/source.h"
#include "daemon/service/config.h"
#include "proto/policy.h"

enum { KITH_COLUMN_TEXT_BYTES = 64, KITH_COLUMN_ROLE_BYTES = 96 };

/* A column of the table, for showing: its name without control characters, cut to fit. */
struct kith_column {
  char name[KITH_COLUMN_TEXT_BYTES];
  char role[KITH_COLUMN_ROLE_BYTES]; /* "id", fields, or "": ignored */
};

struct kith_source_check {
  /* What was asked for; borrowed. */
  const char *path;
  const char *config_path;
  const char *policy_path;
  const char *objections_path;
  const char *profile_name; /* NULL: the configuration's, or the standard one */
  const char *dsn;          /* of a database, with query_path; NULL: none is named */
  const char *query_path;
  const char *credential; /* NULL: the configuration's, or none */
  uint64_t timeout_s;     /* 0: the configuration's, or the default */
  bool quiet;
  /* Sees every row with its fate; record and outcomes are NULL where it was not looked at (set
   * aside, objected to). May be NULL. */
  void (*see)(void *context, const struct kith_source_row *row, const struct kith_record *record,
              const enum kith_outcome outcomes[KITH_FIELD_COUNT], enum kith_scope_reason reason);
  void *see_context;
  /* What it was read with. */
  struct kith_agency_config config;
  bool has_config;
  struct kith_source_spec spec;
  struct kith_profile *profile; /* owned */
  char *query;                  /* owned */
  char *own_credential;
  struct kith_policy policy;
  bool has_policy; /* one was given, else it is kith's default */
  struct kith_objections *objections;
  struct kith_standardise_options standardise;
  struct kith_scope_rules rules;
  /* What was found. */
  struct kith_source *source;
  struct kith_quality *quality;
  const struct kith_quality_report *report; /* the quality's */
  struct kith_column *columns;              /* owned */
  size_t n_columns;
  char name[256]; /* of the table, for showing */
  /* Of a table without the standard columns that nobody named a profile for. */
  const char *propose_path;    /* borrowed: where to write it; NULL: nowhere */
  struct kith_table *proposed; /* owned; the proposal points into it */
  struct kith_proposer *proposer;
  const struct kith_proposal *proposal; /* the proposer's; NULL: there is none */
};

/* Options, documents, source and columns; then rows can be read. */
KITH_MUST_USE enum kith_err kith_source_check_open(struct kith_source_check *check,
                                                   struct kith_fault *fault);
/* The whole table into check->report. */
KITH_MUST_USE enum kith_err kith_source_check_read(struct kith_source_check *check,
                                                   struct kith_fault *fault);
void kith_source_check_free(struct kith_source_check *check);

/* source_database.c: options of every command that reads a source; what is wrong with them and the
 * operands, NULL where nothing is; and check->spec.place. */
struct kith_cli_option;
enum { KITH_SOURCE_DATABASE_OPTIONS = 4 };
void kith_source_database_options(struct kith_cli_option *out, struct kith_source_check *check);
const char *kith_source_misfit(const struct kith_source_check *check, int n_operands);
KITH_MUST_USE enum kith_err kith_source_place(struct kith_source_check *check,
                                              struct kith_fault *fault);

/* The name of the profile that the table is read with. */
const char *kith_source_profile(const struct kith_source_check *check);

/* source_propose.c: a proposal into check->proposal, where one is wanted and the table can be read
 * twice; `err`: what opening it with the standard columns gave. Then it as text, as JSON and as a
 * part of a page, and into check->propose_path. */
KITH_MUST_USE enum kith_err kith_source_propose(struct kith_source_check *check, enum kith_err err,
                                                struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_source_propose_write(const struct kith_source_check *check,
                                                      struct kith_fault *fault);
int kith_source_proposal_print(const struct kith_source_check *check);
json_t *kith_source_proposal_json(const struct kith_source_check *check);
void kith_source_proposal_html(struct kith_buf *page, const struct kith_source_check *check);

/* source_columns.c: what each column is read as; and, for a table that can't be read so, a word on
 * standard error about the built-in profile that fits it. */
KITH_MUST_USE enum kith_err kith_source_columns(struct kith_source_check *check,
                                                struct kith_fault *fault);
void kith_source_advise(const struct kith_source_check *check);

/* source_table.c, source_json.c, source_html.c: the report; the exit status of printing it. */
int kith_source_print(const struct kith_source_check *check);
json_t *kith_source_json(const struct kith_source_check *check);
KITH_MUST_USE enum kith_err kith_source_html(const struct kith_source_check *check,
                                             const char *path, struct kith_fault *fault);

/* The part of it on what a round would take. */
KITH_MUST_USE enum kith_err kith_source_print_scope(const struct kith_source_check *check);

/* Text for a terminal: what could steer one is '?'; cut to fit, between letters. */
void kith_source_show(char *out, size_t cap, const char *text);

/* "UTF-8, columns parted by commas", or "" where the table is no file. */
const char *kith_source_format(const struct kith_source_check *check);

/* "12.5%" in one of eight static buffers; "-" of none. */
const char *kith_source_percent(uint64_t n, uint64_t of);
/* "1,234", likewise. */
const char *kith_source_count(uint64_t n);
/* "12 MB", likewise. */
const char *kith_source_bytes(uint64_t n);

int kith_source_preview(int argc, char **argv);

/* source_profiles.c, subject.c: verbs of their own. */
int kith_source_profiles(int argc, char **argv);
int kith_source_subject(int argc, char **argv);

/* ---- subject.c */

/* A person's id from the first and only line of a file, "-" for standard input: an id is never an
 * argument, which other users of the machine can read. The caller wipes it. */
KITH_MUST_USE enum kith_err kith_source_id_read(char out[KITH_ID_BYTES_MAX + 1], const char *path,
                                                struct kith_fault *fault);

#endif
