/* What the name of a column says of it. A name is cut into words: DateOfBirth, DATE_OF_BIRTH,
 * "Date of Birth" and "D.O.B." all have theirs; then the longest phrase that is known counts, less
 * where other words stand beside it. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/fold.h"
#include "daemon/pipeline/propose_parts.h"

enum { TOKENS_MAX = 12, TOKEN_BYTES = 24, SPACED_BYTES = 256 };

struct tokens {
  unsigned n;
  char token[TOKENS_MAX][TOKEN_BYTES];
};

struct phrase {
  const char *words; /* with single blanks */
  enum kith_role role;
  double strength;
  bool plural;
};

#define P(words, role, strength)                                                                   \
  {                                                                                                \
    words, KITH_ROLE_##role, strength, false                                                       \
  }
#define PLURAL(words)                                                                              \
  {                                                                                                \
    words, KITH_ROLE_GIVEN, 1, true                                                                \
  }

static const struct phrase phrases[] = {
    /* clang-format off */
    P("given name", GIVEN, 1), P("forename", GIVEN, 1), P("first name", GIVEN, 1),
    P("fname", GIVEN, 1), P("firstname", GIVEN, 1), P("fore name", GIVEN, 1),
    P("christian name", GIVEN, 1), P("first", GIVEN, 0.8), P("given", GIVEN, 0.8),
    P("vorname", GIVEN, 1), P("prenom", GIVEN, 1), P("imie", GIVEN, 1), P("fn", GIVEN, 0.7),
    PLURAL("given names"), PLURAL("forenames"), PLURAL("first names"), PLURAL("fore names"),
    PLURAL("firstnames"), PLURAL("christian names"), PLURAL("vornamen"), PLURAL("prenoms"),
    P("middle name", MIDDLE, 1), P("middle names", MIDDLE, 1), P("middlename", MIDDLE, 1),
    P("middlenames", MIDDLE, 1), P("middle", MIDDLE, 0.9), P("other names", MIDDLE, 0.9),
    P("other name", MIDDLE, 0.8), P("other forenames", MIDDLE, 1), P("mname", MIDDLE, 1),
    P("mid name", MIDDLE, 1),
    P("middle initial", MIDDLE, 0.9), P("middle initials", MIDDLE, 0.9),
    P("other given names", MIDDLE, 1), P("additional names", MIDDLE, 0.9),
    P("surname", SURNAME, 1), P("last name", SURNAME, 1), P("lastname", SURNAME, 1),
    P("family name", SURNAME, 1), P("familyname", SURNAME, 1), P("lname", SURNAME, 1),
    P("sname", SURNAME, 0.9), P("second name", SURNAME, 0.6), P("last", SURNAME, 0.8),
    P("nachname", SURNAME, 1), P("nazwisko", SURNAME, 1), P("sn", SURNAME, 0.7),
    P("sur name", SURNAME, 1),
    P("known as", KNOWN_AS, 1), P("alias", KNOWN_AS, 1), P("aliases", KNOWN_AS, 1),
    P("nickname", KNOWN_AS, 1), P("nick name", KNOWN_AS, 1), P("preferred name", KNOWN_AS, 1),
    P("preferred forename", KNOWN_AS, 1), P("preferred first name", KNOWN_AS, 1),
    P("preferred given name", KNOWN_AS, 1), P("aka", KNOWN_AS, 1), P("a k a", KNOWN_AS, 1),
    P("also known as", KNOWN_AS, 1), P("working name", KNOWN_AS, 1), P("known name", KNOWN_AS, 1),
    P("full name", FULL_NAME, 1), P("fullname", FULL_NAME, 1), P("name", FULL_NAME, 0.8),
    P("names", FULL_NAME, 0.8), P("name of", FULL_NAME, 0.9), P("whole name", FULL_NAME, 1),
    P("clientname", FULL_NAME, 0.9), P("patientname", FULL_NAME, 0.9),
    P("name in full", FULL_NAME, 1), P("surname and forenames", FULL_NAME, 1),
    P("surname forename", FULL_NAME, 1), P("surname forenames", FULL_NAME, 1),
    P("forename surname", FULL_NAME, 1), P("forename and surname", FULL_NAME, 1),
    P("first name and surname", FULL_NAME, 1), P("first and last name", FULL_NAME, 1),
    P("surname first name", FULL_NAME, 1), P("forenames and surname", FULL_NAME, 1),
    P("date of birth", BIRTH, 1), P("dob", BIRTH, 1), P("birth date", BIRTH, 1),
    P("birthdate", BIRTH, 1), P("birth dt", BIRTH, 1), P("born", BIRTH, 1), P("birthday", BIRTH, 1),
    P("d o b", BIRTH, 1), P("date birth", BIRTH, 1), P("dateofbirth", BIRTH, 1),
    P("birth", BIRTH, 0.6), P("bdate", BIRTH, 1), P("born on", BIRTH, 1),
    P("dt of birth", BIRTH, 1),
    P("geburtsdatum", BIRTH, 1), P("dofb", BIRTH, 1), P("d of b", BIRTH, 1),
    P("day and month of birth", NONE, 0.9),
    P("year of birth", BIRTH_YEAR, 1), P("birth year", BIRTH_YEAR, 1), P("yob", BIRTH_YEAR, 1),
    P("dob year", BIRTH_YEAR, 1), P("dob yyyy", BIRTH_YEAR, 1), P("by", BIRTH_YEAR, 0.9),
    P("month of birth", BIRTH_MONTH, 1), P("birth month", BIRTH_MONTH, 1),
    P("mob", BIRTH_MONTH, 0.8), P("dob month", BIRTH_MONTH, 1), P("dob mm", BIRTH_MONTH, 1),
    P("bm", BIRTH_MONTH, 0.9), P("day of birth", BIRTH_DAY, 1), P("birth day", BIRTH_DAY, 0.9),
    P("dob day", BIRTH_DAY, 1), P("dob dd", BIRTH_DAY, 1), P("bd", BIRTH_DAY, 0.9),
    P("sex", SEX, 1), P("gender", SEX, 1), P("m f", SEX, 1), P("sex code", SEX, 1),
    P("sex at birth", SEX, 1), P("gender code", SEX, 1), P("male female", SEX, 1),
    P("boy girl", SEX, 1), P("f m", SEX, 1), P("geschlecht", SEX, 1), P("mf", SEX, 0.8),
    P("house", HOUSE, 0.9), P("house no", HOUSE, 1), P("house number", HOUSE, 1),
    P("house name", HOUSE, 1), P("house name or number", HOUSE, 1), P("building", HOUSE, 0.8),
    P("house name number", HOUSE, 1), P("house number name", HOUSE, 1), P("hse no", HOUSE, 1),
    P("flat", HOUSE, 0.8), P("street number", HOUSE, 1), P("street no", HOUSE, 1),
    P("property", HOUSE, 0.8), P("property number", HOUSE, 1), P("door no", HOUSE, 1),
    P("street", STREET, 1), P("street address", STREET, 1), P("road", STREET, 1),
    P("street name", STREET, 1), P("address line", STREET, 0.8), P("addr line", STREET, 0.8),
    P("line", STREET, 0.5), P("road name", STREET, 1), P("house and street", STREET, 1),
    P("number and street", STREET, 1), P("no and street", STREET, 1), P("st address", STREET, 1),
    P("add line", STREET, 0.8), P("adr", ADDRESS, 0.7),
    P("town", TOWN, 1), P("city", TOWN, 1), P("town city", TOWN, 1), P("post town", TOWN, 1),
    P("posttown", TOWN, 1), P("suburb", TOWN, 1), P("locality", TOWN, 0.8), P("village", TOWN, 0.9),
    P("town or city", TOWN, 1), P("municipality", TOWN, 0.9), P("towncity", TOWN, 1),
    P("address", ADDRESS, 0.8), P("full address", ADDRESS, 1), P("addr", ADDRESS, 0.8),
    P("add", ADDRESS, 0.7), P("residence", ADDRESS, 0.8), P("abode", ADDRESS, 0.8),
    P("postcode", POSTCODE, 1), P("post code", POSTCODE, 1), P("pcode", POSTCODE, 1),
    P("p code", POSTCODE, 1), P("pc", POSTCODE, 0.8), P("zip", POSTCODE, 0.9),
    P("zip code", POSTCODE, 1), P("zipcode", POSTCODE, 1), P("postal code", POSTCODE, 1),
    P("postcd", POSTCODE, 1), P("post cd", POSTCODE, 1), P("plz", POSTCODE, 0.9),
    P("postalcode", POSTCODE, 1), P("postcode of usual address", POSTCODE, 1),
    P("nhs", NHS, 0.9), P("nhs number", NHS, 1), P("nhs no", NHS, 1), P("nhsno", NHS, 1),
    P("nhs num", NHS, 1), P("nhs id", NHS, 1), P("nhsnumber", NHS, 1), P("nhsnum", NHS, 1),
    P("upn", UPN, 1), P("unique pupil number", UPN, 1), P("unique pupil no", UPN, 1),
    P("pnc", PNC, 1), P("pnc id", PNC, 1), P("pncid", PNC, 1), P("pnc number", PNC, 1),
    P("pnc no", PNC, 1), P("crn", CRN, 0.9), P("case reference number", CRN, 0.7),
    P("record date", RECORD_DATE, 1), P("last contact", RECORD_DATE, 1),
    P("last seen", RECORD_DATE, 1), P("last appointment", RECORD_DATE, 1),
    P("last event", RECORD_DATE, 1), P("last attendance", RECORD_DATE, 1),
    P("last attended", RECORD_DATE, 1), P("last visit", RECORD_DATE, 1),
    P("last activity", RECORD_DATE, 1), P("last updated", RECORD_DATE, 1),
    P("last update", RECORD_DATE, 1), P("last changed", RECORD_DATE, 0.9),
    P("updated", RECORD_DATE, 0.8), P("modified", RECORD_DATE, 0.7),
    P("registered", RECORD_DATE, 0.9), P("registration date", RECORD_DATE, 0.9),
    P("date registered", RECORD_DATE, 0.9), P("referral date", RECORD_DATE, 1),
    P("date of referral", RECORD_DATE, 1), P("referred on", RECORD_DATE, 1),
    P("date referred", RECORD_DATE, 1), P("event date", RECORD_DATE, 1),
    P("arrival date", RECORD_DATE, 1), P("arrival time", RECORD_DATE, 0.9),
    P("arrived", RECORD_DATE, 0.9), P("visit date", RECORD_DATE, 1),
    P("date of visit", RECORD_DATE, 1), P("attended", RECORD_DATE, 0.8),
    P("attendance date", RECORD_DATE, 1), P("date of attendance", RECORD_DATE, 1),
    P("entry date", RECORD_DATE, 0.9), P("release date", RECORD_DATE, 0.9),
    P("reception date", RECORD_DATE, 0.9), P("date seen", RECORD_DATE, 1),
    P("contact date", RECORD_DATE, 1), P("date of contact", RECORD_DATE, 1),
    P("incident date", RECORD_DATE, 1), P("date of incident", RECORD_DATE, 1),
    P("start date", RECORD_DATE, 0.8), P("date started", RECORD_DATE, 0.8),
    P("date joined", RECORD_DATE, 0.8), P("admission date", RECORD_DATE, 0.9),
    P("appointment date", RECORD_DATE, 1), P("date", RECORD_DATE, 0.6),
    P("created", RECORD_DATE, 0.7), P("date created", RECORD_DATE, 0.7),
    P("id", ID, 1), P("ref", ID, 1), P("reference", ID, 1), P("ref no", ID, 1),
    P("reference number", ID, 1), P("reference no", ID, 1), P("no", ID, 0.8), P("number", ID, 0.8),
    P("urn", ID, 1), P("record id", ID, 1), P("unique id", ID, 1), P("identifier", ID, 1),
    P("unique identifier", ID, 1), P("case id", ID, 1), P("case number", ID, 1),
    P("case no", ID, 1), P("key", ID, 0.8), P("local id", ID, 1), P("unique reference", ID, 1),
    P("attendance number", ID, 1), P("attendance id", ID, 1), P("visit ref", ID, 1),
    P("noms number", ID, 1), P("prison number", ID, 1), P("hospital number", ID, 1),
    P("mrn", ID, 1),
    P("admission number", ID, 1), P("admission no", ID, 1), P("membership number", ID, 1),
    P("index", ID, 0.7), P("row", ID, 0.7), P("rowid", ID, 1), P("recid", ID, 1), P("uid", ID, 1),
    P("code", ID, 0.5), P("pas number", ID, 1), P("ref number", ID, 1), P("rec id", ID, 1),
    P("unit number", ID, 0.9), P("soc sec id", NONE, 0.9),
    /* No standard field has these. */
    P("ethnicity", NONE, 1), P("ethnic", NONE, 1), P("ethnic group", NONE, 1),
    P("ethnic origin", NONE, 1), P("ethnicity code", NONE, 1), P("religion", NONE, 1),
    P("faith", NONE, 1), P("nationality", NONE, 1), P("language", NONE, 1),
    P("first language", NONE, 1), P("preferred language", NONE, 1), P("title", NONE, 1),
    P("prefix", NONE, 1), P("salutation", NONE, 1), P("suffix", NONE, 1), P("phone", NONE, 1),
    P("telephone", NONE, 1), P("mobile", NONE, 1), P("tel", NONE, 1), P("phone number", NONE, 1),
    P("telephone number", NONE, 1), P("mobile number", NONE, 1), P("tel no", NONE, 1),
    P("mobile no", NONE, 1), P("phone no", NONE, 1), P("telephone no", NONE, 1),
    P("contact number", NONE, 1), P("contact no", NONE, 1), P("home phone", NONE, 1),
    P("email", NONE, 1), P("e mail", NONE, 1), P("email address", NONE, 1),
    P("e mail address", NONE, 1), P("ip address", NONE, 1), P("notes", NONE, 1), P("note", NONE, 1),
    P("comments", NONE, 1), P("remarks", NONE, 1), P("age", NONE, 1), P("status", NONE, 1),
    P("type", NONE, 1), P("country", NONE, 1), P("country of birth", NONE, 1),
    P("place of birth", NONE, 1), P("birth place", NONE, 1), P("birthplace", NONE, 1),
    P("town of birth", NONE, 1), P("marital status", NONE, 1), P("occupation", NONE, 1),
    P("disability", NONE, 1), P("ward", NONE, 1), P("county", NONE, 1), P("district", NONE, 1),
    P("region", NONE, 1), P("state", NONE, 0.9), P("lsoa", NONE, 1), P("uprn", NONE, 1),
    P("year group", NONE, 1), P("form", NONE, 0.8), P("class", NONE, 0.9), P("initials", NONE, 0.9),
    P("initial", NONE, 0.8), P("date of death", NONE, 1), P("dod", NONE, 1), P("death", NONE, 1),
    P("deceased", NONE, 1), P("consent", NONE, 1), P("sexuality", NONE, 1),
    P("sexual orientation", NONE, 1), P("pronouns", NONE, 1), P("ni number", NONE, 1),
    P("nino", NONE, 1), P("national insurance number", NONE, 1), P("passport", NONE, 1),
    P("passport number", NONE, 1), P("end date", NONE, 0.9), P("date closed", NONE, 0.9),
    P("closed", NONE, 0.9), P("offence", NONE, 1), P("reason", NONE, 1), P("diagnosis", NONE, 1),
    P("chief complaint", NONE, 1), P("outcome", NONE, 1), P("priority", NONE, 1),
    P("maiden name", NONE, 0.9), P("previous name", NONE, 0.9), P("previous surname", NONE, 0.9),
    P("former name", NONE, 0.9), P("former surname", NONE, 0.9), P("birth name", NONE, 0.9),
    P("surname at birth", NONE, 0.9), P("name at birth", NONE, 0.9), P("user name", NONE, 0.8),
    P("previous address", NONE, 0.9), P("previous postcode", NONE, 0.9), P("username", NONE, 0.9),
    P("file name", NONE, 1), P("height", NONE, 1), P("weight", NONE, 1), P("score", NONE, 1),
    /* clang-format on */
};

/* Words beside a phrase that change nothing. */
static const char *const fillers[] = {
    "client", "clients", "patient",   "person",  "persons", "service", "user",     "users",
    "pupil",  "pupils",  "student",   "child",   "childs",  "yp",      "young",    "nominal",
    "legal",  "current", "primary",   "main",    "home",    "the",     "of",       "offender",
    "member", "their",   "full",      "o",       "usual",   "stated",  "resident", "participant",
    "your",   "details", "applicant", "subject", "s",       "people",  "adult",    "individual",
    "c",      "txt",     "str",       "fld",     "dt",      "dm",      "customer", "beneficiary"};

/* Words that make it somebody else's. */
static const char *const others[] = {
    "mother",    "mothers",  "father",   "fathers",  "mum",       "dad",       "parent",
    "parents",   "carer",    "carers",   "guardian", "guardians", "partner",   "partners",
    "spouse",    "sibling",  "siblings", "nok",      "kin",       "emergency", "gp",
    "doctor",    "practice", "school",   "schools",  "worker",    "workers",   "keyworker",
    "officer",   "officers", "staff",    "manager",  "referrer",  "referrers", "teacher",
    "tutor",     "employer", "agency",   "org",      "victim",    "victims",   "organisation",
    "solicitor", "surgery",  "hospital", "team",     "relative",  "contact1",  "caseworker",
    "witness",   "landlord", "company",  "husband",  "wife",      "advocate",  "coordinator"};

static bool listed(const char *const *list, size_t n, const char *word)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(list[i], word) == 0)
      return true;
  return false;
}

/* ---- cutting a name into words */

/* A blank where a word starts inside one: dateOfBirth, DOBDate, addr1. */
static bool starts_word(const char *text, size_t at)
{
  const unsigned char before = at > 0 ? (unsigned char)text[at - 1] : ' ';
  const unsigned char here = (unsigned char)text[at];

  if (islower(before) && isupper(here))
    return true;
  if (isupper(before) && isupper(here) && islower((unsigned char)text[at + 1]))
    return !(text[at + 1] == 's' && !isalpha((unsigned char)text[at + 2]));
  return (isalpha(before) && isdigit(here)) || (isdigit(before) && isalpha(here));
}

/* "(s)" stays with its word; the dots of "D.O.B." go. */
static void space_out(char out[SPACED_BYTES], const char *text)
{
  size_t len = 0;

  for (size_t i = 0; text[i] != '\0' && len + 3 < SPACED_BYTES; i++) {
    if (starts_word(text, i))
      out[len++] = ' ';
    if (strncasecmp(text + i, "(s)", 3) == 0) {
      out[len++] = 's';
      i += 2;
    } else if (text[i] == '\'' || (text[i] == '.' && i > 0 && isalpha((uint8_t)text[i - 1]) &&
                                   (i == 1 || !isalpha((uint8_t)text[i - 2])))) {
      continue;
    } else {
      out[len++] = text[i];
    }
  }
  out[len] = '\0';
}

static void tokens_read(struct tokens *out, const char *name)
{
  char spaced[SPACED_BYTES];
  char folded[KITH_FOLDED_BYTES];
  const char *at = folded;
  bool mended;

  out->n = 0;
  space_out(spaced, name);
  /* What was cut inside a character is no text. */
  if (strlen(name) + 3 >= SPACED_BYTES / 2 || kith_fold(folded, &mended, spaced) == 0)
    return;
  while (*at != '\0' && out->n < TOKENS_MAX) {
    char *token = out->token[out->n];
    size_t len = 0;

    while (*at != '\0' && !isalnum((unsigned char)*at))
      at++;
    for (; isalnum((unsigned char)*at); at++)
      if (len + 1 < TOKEN_BYTES)
        token[len++] = *at;
    token[len] = '\0';
    out->n += len > 0;
  }
  kith_wipe(folded, sizeof folded);
}

/* ---- what the words say */

/* How many tokens from `at` on the phrase takes; 0: it is not there. */
static unsigned phrase_at(const struct tokens *tokens, unsigned at, const char *words)
{
  unsigned n = 0;

  for (; *words != '\0'; n++) {
    size_t len = strcspn(words, " ");

    if (at + n >= tokens->n || strlen(tokens->token[at + n]) != len ||
        memcmp(tokens->token[at + n], words, len) != 0)
      return 0;
    words += len + (words[len] == ' ');
  }
  return n;
}

struct found {
  const struct phrase *phrase;
  unsigned at;
  unsigned n;
};

/* The longest phrase; of equal ones the surer, then the later. */
static struct found phrase_find(const struct tokens *tokens)
{
  struct found best = {0};

  for (size_t i = 0; i < KITH_COUNT_OF(phrases); i++) {
    for (unsigned at = 0; at < tokens->n; at++) {
      unsigned n = phrase_at(tokens, at, phrases[i].words);

      if (n > best.n || (n == best.n && n > 0 && phrases[i].strength >= best.phrase->strength))
        best = (struct found){&phrases[i], at, n};
    }
  }
  return best;
}

/* Left over beside the phrase: 1 for each word that means something. */
static unsigned rest_count(struct kith_hint *hint, const struct tokens *tokens,
                           const struct found *found)
{
  unsigned rest = 0;

  for (unsigned i = 0; i < tokens->n; i++) {
    const char *token = tokens->token[i];

    if (i >= found->at && i < found->at + found->n)
      continue;
    if (token[strspn(token, "0123456789")] == '\0') {
      hint->number = (unsigned)(token[0] - '0');
      continue;
    }
    rest += !listed(fillers, KITH_COUNT_OF(fillers), token);
  }
  return rest;
}

/* "Column 3", "F7", "Unnamed: 2", "A", "". */
static bool is_generic(const struct tokens *tokens)
{
  static const char *const words[] = {"column", "col",    "field",   "f", "v",   "var",
                                      "x",      "spalte", "unnamed", "c", "fld", "attribute"};
  unsigned numbers = 0;
  unsigned known = 0;

  for (unsigned i = 0; i < tokens->n; i++) {
    const char *token = tokens->token[i];

    if (token[strspn(token, "0123456789")] == '\0')
      numbers++;
    else if (listed(words, KITH_COUNT_OF(words), token) || token[1] == '\0')
      known++;
  }
  return tokens->n == numbers + known && known <= 1 && tokens->n <= 2;
}

static void set_number_role(struct kith_hint *hint)
{
  if (hint->number == 0)
    return;
  /* Address 1 is a street; forename 2 is a middle name. */
  if (hint->role == KITH_ROLE_ADDRESS)
    hint->role = KITH_ROLE_STREET;
  if (hint->role == KITH_ROLE_STREET && hint->number > 1)
    hint->strength *= 0.5;
  if (hint->role == KITH_ROLE_GIVEN && hint->number > 1)
    hint->role = KITH_ROLE_MIDDLE;
  if (hint->role == KITH_ROLE_SURNAME && hint->number > 1)
    hint->strength *= 0.5;
}

struct kith_hint kith_hint_of(const char *name)
{
  struct kith_hint hint = {.role = KITH_ROLE_NONE};
  struct tokens tokens;
  struct found found;
  unsigned rest;

  tokens_read(&tokens, name);
  for (unsigned i = 0; i < tokens.n; i++)
    hint.others = hint.others || listed(others, KITH_COUNT_OF(others), tokens.token[i]);
  hint.generic = is_generic(&tokens);
  found = phrase_find(&tokens);
  if (found.n == 0)
    return hint;
  rest = rest_count(&hint, &tokens, &found);
  hint.role = found.phrase->role;
  hint.plural = found.phrase->plural;
  hint.strength = found.phrase->strength;
  /* "Hospital number" is a phrase, "hospital" beside one is another's. */
  hint.others = false;
  for (unsigned i = 0; i < tokens.n; i++)
    if (i < found.at || i >= found.at + found.n)
      hint.others = hint.others || listed(others, KITH_COUNT_OF(others), tokens.token[i]);
  for (unsigned i = 0; i < rest; i++)
    hint.strength *= 0.7;
  hint.generic = hint.generic && hint.strength < 0.5;
  set_number_role(&hint);
  return hint;
}
