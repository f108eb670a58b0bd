#include "proto/gateway.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void kith_gateway_unstated(char out[KITH_TEXT_BYTES], const char *agency)
{
  (void)snprintf(out, KITH_TEXT_BYTES, "state the lawful gateway of %s before signing", agency);
}

bool kith_gateway_is_stated(const struct kith_policy_agency *agency)
{
  char unstated[KITH_TEXT_BYTES];

  kith_gateway_unstated(unstated, agency->id);
  return agency->gateway[0] != '\0' && strcmp(agency->gateway, unstated) != 0;
}

bool kith_gateway_needs_more(enum kith_agency_kind kind)
{
  return kind == KITH_KIND_HEALTH || kind == KITH_KIND_CHILDRENS_SERVICES;
}

/* ---- reading a citation: words and numbers, in lower case, apart by one blank each ------------
 */

static void words_of(char out[2 * KITH_TEXT_BYTES], const char *text)
{
  size_t at = 0;

  out[at++] = ' ';
  for (; *text && at + 3 < 2 * (size_t)KITH_TEXT_BYTES; text++) {
    unsigned char c = (unsigned char)*text;
    bool letter = isalpha(c);
    bool digit = isdigit(c);
    bool was_digit = isdigit((unsigned char)out[at - 1]);

    /* The section sign is the word; what else is not ASCII, as a blank that does not break, parts
     * words. */
    if (c == 0xc2 && (unsigned char)text[1] == 0xa7) {
      if (out[at - 1] != ' ')
        out[at++] = ' ';
      out[at++] = 's';
      text++;
      continue;
    }

    if (!letter && !digit) {
      if (out[at - 1] != ' ')
        out[at++] = ' ';
      continue;
    }
    /* "s16" is two words; "16a" is one, and another section than 16. */
    if (digit && !was_digit && out[at - 1] != ' ')
      out[at++] = ' ';
    out[at++] = (char)tolower(c);
  }
  if (out[at - 1] != ' ')
    out[at++] = ' ';
  out[at] = '\0';
}

static void blank_out(char *words, const char *phrase)
{
  for (char *found = strstr(words, phrase); found; found = strstr(found, phrase))
    memset(found + 1, '-', strlen(phrase) - 2);
}

static unsigned count_of(const char *words, const char *phrase)
{
  unsigned n = 0;

  /* One blank is the end of a phrase and the beginning of the next. */
  for (const char *found = strstr(words, phrase); found;
       found = strstr(found + strlen(phrase) - 1, phrase))
    n++;
  return n;
}

static bool cites_other_section(const char *words)
{
  static const char *const marks[] = {" s ", " ss ", " sec ", " section ", " sections "};

  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    for (const char *found = strstr(words, marks[i]); found; found = strstr(found + 1, marks[i])) {
      const char *number = found + strlen(marks[i]);

      if (isdigit((unsigned char)*number) && strncmp(number, "16 ", 3) != 0)
        return true;
    }
  return false;
}

static bool cites_section_16(const char *words)
{
  return strstr(words, " s 16 ") || strstr(words, " ss 16 ") || strstr(words, " sec 16 ") ||
         strstr(words, " section 16 ") || strstr(words, " sections 16 ");
}

bool kith_gateway_is_section_16_alone(const char *text)
{
  static const char *const others[] = {" regulation ", " regulations ", " direction ",
                                       " directions ", " order ",       " consent ",
                                       " schedule ",   " common law ",  " notice "};
  char words[2 * KITH_TEXT_BYTES];

  words_of(words, text);
  blank_out(words, " data protection act ");
  blank_out(words, " in order to "); /* no order of a court */
  if (!(strstr(words, " pcsc ") || strstr(words, " pcsca ") ||
        strstr(words, " sentencing and courts ") || strstr(words, " sentencing courts ")) ||
      !cites_section_16(words))
    return false;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strstr(words, others[i]))
      return false;
  return count_of(words, " act ") + count_of(words, " acts ") <= 1 && !cites_other_section(words);
}

const char *kith_gateway_to_disclose(const struct kith_policy *policy,
                                     const struct kith_charter *charter, const char *agency)
{
  const char *gateway = kith_policy_answers(policy, agency);
  const struct kith_member *member = kith_charter_member(charter, agency);

  if (gateway && !policy->trial && member && kith_gateway_needs_more(member->kind) &&
      kith_gateway_is_section_16_alone(gateway))
    return NULL;
  return gateway;
}

/* ---- all of a policy's */

enum kith_err kith_gateways_check(const struct kith_policy *policy,
                                  const struct kith_charter *charter,
                                  char culprit[KITH_MEMBER_ID_BYTES], struct kith_fault *fault)
{
  for (unsigned i = 0; !policy->trial && i < policy->n_agencies; i++) {
    const struct kith_policy_agency *agency = &policy->agencies[i];
    const struct kith_member *member = kith_charter_member(charter, agency->id);

    memcpy(culprit, agency->id, KITH_MEMBER_ID_BYTES);
    if (!kith_gateway_is_stated(agency))
      return kith_fail(fault, KITH_ERR_DENIED, "the policy states no lawful gateway of %s",
                       agency->id);
    if (member && kith_gateway_needs_more(member->kind) &&
        kith_gateway_is_section_16_alone(agency->gateway))
      return kith_fail(fault, KITH_ERR_DENIED,
                       "%s is a health or social care authority, and the gateway that the policy "
                       "states for it is section 16 alone, which authorises nothing from such an "
                       "authority",
                       agency->id);
  }
  culprit[0] = '\0';
  return KITH_OK;
}
