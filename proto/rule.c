#include "proto/rule.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { NODES_MAX = 64, LEVELS_MAX = 8, WORD_BYTES = 40 };

/* A rule is kept in postfix order, for a machine with a stack of truth values: `a and not b` is
 * COUNT a, COUNT b, NOT, AND. */
enum op { OP_COUNT, OP_NOT, OP_AND, OP_OR };

struct node {
  enum op op;
  uint32_t services; /* OP_COUNT: at least `least` of these */
  unsigned least;
};

struct kith_rule {
  unsigned n;
  struct node nodes[NODES_MAX];
};

enum token {
  TOKEN_END,
  TOKEN_WORD,
  TOKEN_OPEN,
  TOKEN_CLOSE,
  TOKEN_LIST,
  TOKEN_UNLIST,
  TOKEN_COMMA
};

struct parser {
  const char *text;
  size_t next;  /* where the token after the current one is looked for */
  size_t start; /* where the current token begins */
  enum token token;
  char word[WORD_BYTES]; /* of a TOKEN_WORD */
  unsigned level;
  const char (*services)[KITH_MEMBER_ID_BYTES];
  unsigned n_services;
  struct kith_rule *rule;
  struct kith_fault *fault;
};

static enum kith_err refuse(const struct parser *parser, const char *what)
{
  return kith_fail(parser->fault, KITH_ERR_CONFIG, "rule: column %zu: %s", parser->start + 1, what);
}

static bool is_word_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static enum kith_err take_word(struct parser *parser)
{
  size_t len = 0;

  while (is_word_char(parser->text[parser->start + len]))
    len++;
  if (len == 0)
    return refuse(parser, "this character has no place in a rule; services and words are written "
                          "with a-z, 0-9 and _");
  if (len >= KITH_MEMBER_ID_BYTES)
    return refuse(parser, "this word is too long to be a service");
  memcpy(parser->word, parser->text + parser->start, len);
  parser->word[len] = '\0';
  parser->token = TOKEN_WORD;
  parser->next = parser->start + len;
  return KITH_OK;
}

static enum kith_err advance(struct parser *parser)
{
  static const char marks[] = "(){},";
  static const enum token tokens[] = {TOKEN_OPEN, TOKEN_CLOSE, TOKEN_LIST, TOKEN_UNLIST,
                                      TOKEN_COMMA};
  const char *mark;
  char c;

  parser->start = parser->next + strspn(parser->text + parser->next, " \t\r\n");
  c = parser->text[parser->start];
  if (c == '\0') {
    parser->token = TOKEN_END;
    parser->next = parser->start;
    return KITH_OK;
  }
  mark = strchr(marks, c);
  if (!mark)
    return take_word(parser);
  parser->token = tokens[mark - marks];
  parser->next = parser->start + 1;
  return KITH_OK;
}

static bool at_word(const struct parser *parser, const char *word)
{
  return parser->token == TOKEN_WORD && strcmp(parser->word, word) == 0;
}

static bool reserved(const char *word)
{
  static const char *const words[] = {"and",   "or", "not",     "at",
                                      "least", "of", "service", "services"};

  for (size_t i = 0; i < KITH_COUNT_OF(words); i++) {
    if (strcmp(words[i], word) == 0)
      return true;
  }
  return false;
}

static enum kith_err expect_word(struct parser *parser, const char *word)
{
  char what[64];

  if (at_word(parser, word))
    return advance(parser);
  (void)snprintf(what, sizeof what, "expected \"%s\"", word);
  return refuse(parser, what);
}

static enum kith_err emit(struct parser *parser, enum op op, uint32_t services, unsigned least)
{
  struct kith_rule *rule = parser->rule;

  if (rule->n == NODES_MAX)
    return refuse(parser, "the rule is too long; it may have 64 conditions and connectives");
  rule->nodes[rule->n++] = (struct node){op, services, least};
  return KITH_OK;
}

/* The bit of the service that the current word names. */
static enum kith_err take_service(struct parser *parser, uint32_t *bit)
{
  char what[128];

  if (parser->token != TOKEN_WORD || reserved(parser->word))
    return refuse(parser, "expected a service, \"not\", \"(\" or \"at least\"");
  for (unsigned i = 0; i < parser->n_services; i++) {
    if (strcmp(parser->services[i], parser->word) == 0) {
      *bit = (uint32_t)1 << i;
      return advance(parser);
    }
  }
  (void)snprintf(what, sizeof what, "\"%s\" is not one of the policy's agencies", parser->word);
  return refuse(parser, what);
}

static enum kith_err take_number(struct parser *parser, unsigned *out)
{
  unsigned number = 0;

  if (parser->token != TOKEN_WORD)
    return refuse(parser, "expected a number after \"at least\"");
  for (const char *c = parser->word; *c; c++) {
    if (*c < '0' || *c > '9' || number > 99)
      return refuse(parser, "expected a number after \"at least\"");
    number = number * 10 + (unsigned)(*c - '0');
  }
  if (number == 0)
    return refuse(parser, "\"at least 0\" always holds; expected 1 or more");
  *out = number;
  return KITH_OK;
}

/* "{" service { "," service } "}" */
static enum kith_err take_list(struct parser *parser, uint32_t *services)
{
  enum kith_err err;

  if (parser->token != TOKEN_LIST)
    return refuse(parser, "expected \"{\" and a list of services");
  *services = 0;
  do {
    uint32_t bit = 0;
    struct parser before;

    if ((err = advance(parser)) != KITH_OK)
      return err;
    before = *parser;
    if ((err = take_service(parser, &bit)) != KITH_OK)
      return err;
    if (*services & bit)
      return refuse(&before, "this service is in the list already");
    *services |= bit;
  } while (parser->token == TOKEN_COMMA);
  if (parser->token != TOKEN_UNLIST)
    return refuse(parser, "expected \",\" or \"}\"");
  return advance(parser);
}

/* What follows "at". */
static enum kith_err take_at_least(struct parser *parser)
{
  struct parser number;
  uint32_t services = 0;
  unsigned least = 0;
  enum kith_err err = expect_word(parser, "least");

  if (err != KITH_OK)
    return err;
  number = *parser;
  if ((err = take_number(parser, &least)) != KITH_OK || (err = advance(parser)) != KITH_OK)
    return err;
  if (at_word(parser, "services") || at_word(parser, "service")) {
    services = (uint32_t)(((uint64_t)1 << parser->n_services) - 1);
    err = advance(parser);
  } else if (at_word(parser, "of")) {
    err = advance(parser);
    if (err == KITH_OK)
      err = take_list(parser, &services);
  } else {
    err = refuse(parser, "expected \"services\" or \"of {\"");
  }
  if (err != KITH_OK)
    return err;
  if (least > (unsigned)__builtin_popcount(services))
    return refuse(&number, "there are not so many services: this could never hold");
  return emit(parser, OP_COUNT, services, least);
}

static enum kith_err take_expression(struct parser *parser);

static enum kith_err take_factor(struct parser *parser)
{
  uint32_t bit = 0;
  enum kith_err err = KITH_OK;

  if (parser->level == LEVELS_MAX)
    return refuse(parser, "nested too deep; a rule may have 8 levels");
  parser->level++;
  if (at_word(parser, "not")) {
    if ((err = advance(parser)) == KITH_OK && (err = take_factor(parser)) == KITH_OK)
      err = emit(parser, OP_NOT, 0, 0);
  } else if (at_word(parser, "at")) {
    if ((err = advance(parser)) == KITH_OK)
      err = take_at_least(parser);
  } else if (parser->token == TOKEN_OPEN) {
    if ((err = advance(parser)) == KITH_OK && (err = take_expression(parser)) == KITH_OK)
      err = parser->token == TOKEN_CLOSE ? advance(parser) : refuse(parser, "expected \")\"");
  } else if ((err = take_service(parser, &bit)) == KITH_OK) {
    err = emit(parser, OP_COUNT, bit, 1);
  }
  parser->level--;
  return err;
}

static enum kith_err take_term(struct parser *parser)
{
  enum kith_err err = take_factor(parser);

  while (err == KITH_OK && at_word(parser, "and")) {
    if ((err = advance(parser)) == KITH_OK && (err = take_factor(parser)) == KITH_OK)
      err = emit(parser, OP_AND, 0, 0);
  }
  return err;
}

static enum kith_err take_expression(struct parser *parser)
{
  enum kith_err err = take_term(parser);

  while (err == KITH_OK && at_word(parser, "or")) {
    if ((err = advance(parser)) == KITH_OK && (err = take_term(parser)) == KITH_OK)
      err = emit(parser, OP_OR, 0, 0);
  }
  return err;
}

enum kith_err kith_rule_parse(struct kith_rule **out, const char *text,
                              const char (*services)[KITH_MEMBER_ID_BYTES], unsigned n_services,
                              struct kith_fault *fault)
{
  struct parser parser = {
      .text = text, .services = services, .n_services = n_services, .fault = fault};
  enum kith_err err;

  if (n_services > KITH_MEMBERS_MAX)
    return kith_fail(fault, KITH_ERR_LIMIT, "rule: more than %d services", KITH_MEMBERS_MAX);
  parser.rule = KITH_NEW(struct kith_rule);
  if (!parser.rule)
    return kith_fail(fault, KITH_ERR_MEMORY, "rule: out of memory");
  if ((err = advance(&parser)) == KITH_OK)
    err = take_expression(&parser);
  if (err == KITH_OK && parser.token != TOKEN_END)
    err = refuse(&parser, "expected \"and\", \"or\" or the end");
  if (err != KITH_OK) {
    kith_rule_free(parser.rule);
    return err;
  }
  *out = parser.rule;
  return KITH_OK;
}

bool kith_rule_holds(const struct kith_rule *rule, uint32_t present)
{
  bool stack[NODES_MAX + 1] = {false};
  unsigned top = 0;

  for (unsigned i = 0; i < rule->n; i++) {
    const struct node *node = &rule->nodes[i];

    switch (node->op) {
    case OP_COUNT:
      stack[top++] = (unsigned)__builtin_popcount(present & node->services) >= node->least;
      break;
    case OP_NOT:
      stack[top - 1] = !stack[top - 1];
      break;
    case OP_AND:
      top--;
      stack[top - 1] = stack[top - 1] && stack[top];
      break;
    case OP_OR:
      top--;
      stack[top - 1] = stack[top - 1] || stack[top];
      break;
    }
  }
  return stack[0];
}

void kith_rule_free(struct kith_rule *rule)
{
  kith_free(rule);
}
