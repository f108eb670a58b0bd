#include "daemon/pipeline/words.h"

#include <endian.h>
#include <string.h>

#include "base/mem.h"

/* Latin letters that have no decomposition; then Greek and Cyrillic (of Russian, Ukrainian,
 * Bulgarian, Serbian and Kazakh) as passports roughly write them. */
KITH_WORDS_CONST struct kith_letter kith_letters[] = {
    /* clang-format off */
    {0x00df, "ss"}, {0x00e6, "ae"}, {0x00f0, "d"}, {0x00f8, "o"}, {0x00fe, "th"}, {0x0111, "d"},
    {0x0127, "h"}, {0x0131, "i"}, {0x0138, "k"}, {0x0142, "l"}, {0x014b, "ng"}, {0x0153, "oe"},
    {0x0167, "t"}, {0x0180, "b"}, {0x0192, "f"}, {0x0199, "k"}, {0x019a, "l"}, {0x01b4, "y"},
    {0x01dd, "e"}, {0x01e5, "g"}, {0x0225, "z"}, {0x0237, "j"}, {0x0253, "b"}, {0x0254, "o"},
    {0x0256, "d"}, {0x0257, "d"}, {0x0259, "a"}, {0x025b, "e"}, {0x0263, "g"}, {0x0268, "i"},
    {0x0269, "i"}, {0x026b, "l"}, {0x0272, "n"}, {0x0275, "o"}, {0x0289, "u"}, {0x028b, "v"},
    {0x03b1, "a"}, {0x03b2, "v"}, {0x03b3, "g"}, {0x03b4, "d"}, {0x03b5, "e"}, {0x03b6, "z"},
    {0x03b7, "i"}, {0x03b8, "th"}, {0x03b9, "i"}, {0x03ba, "k"}, {0x03bb, "l"}, {0x03bc, "m"},
    {0x03bd, "n"}, {0x03be, "x"}, {0x03bf, "o"}, {0x03c0, "p"}, {0x03c1, "r"}, {0x03c2, "s"},
    {0x03c3, "s"}, {0x03c4, "t"}, {0x03c5, "y"}, {0x03c6, "f"}, {0x03c7, "ch"}, {0x03c8, "ps"},
    {0x03c9, "o"}, {0x0430, "a"}, {0x0431, "b"}, {0x0432, "v"}, {0x0433, "g"}, {0x0434, "d"},
    {0x0435, "e"}, {0x0436, "zh"}, {0x0437, "z"}, {0x0438, "i"}, {0x043a, "k"}, {0x043b, "l"},
    {0x043c, "m"}, {0x043d, "n"}, {0x043e, "o"}, {0x043f, "p"}, {0x0440, "r"}, {0x0441, "s"},
    {0x0442, "t"}, {0x0443, "u"}, {0x0444, "f"}, {0x0445, "kh"}, {0x0446, "ts"}, {0x0447, "ch"},
    {0x0448, "sh"}, {0x0449, "shch"}, {0x044a, ""}, {0x044b, "y"}, {0x044c, ""}, {0x044d, "e"},
    {0x044e, "yu"}, {0x044f, "ya"}, {0x0452, "dj"}, {0x0454, "ye"}, {0x0455, "dz"}, {0x0456, "i"},
    {0x0458, "j"}, {0x0459, "lj"}, {0x045a, "nj"}, {0x045b, "c"}, {0x045f, "dz"}, {0x0491, "g"},
    {0x0493, "g"}, {0x049b, "k"}, {0x04a3, "n"}, {0x04af, "u"}, {0x04b1, "u"}, {0x04bb, "h"},
    {0x04d9, "a"}, {0x04e9, "o"}, {0x1e9c, "s"}, {0xa723, "a"},
    /* clang-format on */
};
const size_t kith_n_letters = KITH_COUNT_OF(kith_letters);

static KITH_WORDS_CONST struct kith_word placeholders[] = {
    /* clang-format off */
    {"anon", ""}, {"anonymous", ""}, {"awaited", ""}, {"blank", ""}, {"do not use", ""},
    {"missing", ""}, {"n.a", ""}, {"n.k", ""}, {"n/a", ""}, {"n/k", ""}, {"nil", ""}, {"nk", ""},
    {"no data", ""}, {"no info", ""}, {"no information", ""}, {"no name", ""}, {"no record", ""},
    {"no trace", ""}, {"noname", ""}, {"none", ""}, {"not applicable", ""}, {"not available", ""},
    {"not available yet", ""}, {"not disclosed", ""}, {"not given", ""}, {"not known", ""},
    {"not provided", ""}, {"not recorded", ""}, {"not specified", ""}, {"not stated", ""},
    {"nothing", ""}, {"null", ""}, {"pending", ""}, {"prefer not to say", ""}, {"refused", ""},
    {"tba", ""}, {"tbc", ""}, {"tbd", ""}, {"test", ""}, {"testing", ""}, {"to follow", ""},
    {"u/k", ""}, {"undefined", ""}, {"undisclosed", ""}, {"unidentified", ""}, {"unk", ""},
    {"unknown", ""}, {"unknwn", ""}, {"unkown", ""}, {"unspecified", ""}, {"withheld", ""},
    {"xxx", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word name_placeholders[] = {
    /* clang-format off */
    {"a baby", ""}, {"a n other", ""}, {"an other", ""}, {"babe", ""}, {"baby", ""},
    {"baby a", ""}, {"baby b", ""}, {"baby boy", ""}, {"baby girl", ""}, {"baby girl 1", ""},
    {"baby of", ""}, {"boy", ""}, {"child", ""}, {"female", ""}, {"female infant", ""},
    {"fetus", ""}, {"fnu", ""}, {"foetus", ""}, {"forename", ""}, {"girl", ""}, {"infant", ""},
    {"infant female", ""}, {"infant male", ""}, {"jane doe", ""}, {"john doe", ""}, {"lnu", ""},
    {"male", ""}, {"male infant", ""}, {"new born", ""}, {"newborn", ""}, {"nil surname", ""},
    {"no first name", ""}, {"no forename", ""}, {"no given name", ""}, {"no last name", ""},
    {"no surname", ""}, {"one name", ""}, {"only name", ""}, {"patient", ""}, {"single name", ""},
    {"stillborn", ""}, {"surname", ""}, {"test patient", ""}, {"test pupil", ""},
    {"test record", ""}, {"unk female", ""}, {"unk male", ""}, {"unknown female", ""},
    {"unknown male", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word address_placeholders[] = {
    /* clang-format off */
    {"aa11aa", ""}, {"address unknown", ""}, {"gone away", ""}, {"homeless", ""}, {"n.f.a", ""},
    {"nfa", ""}, {"no abode", ""}, {"no address", ""}, {"no fixed abode", ""},
    {"no fixed address", ""}, {"no known address", ""}, {"no postcode", ""},
    {"not at this address", ""}, {"of no address", ""}, {"of no fixed abode", ""},
    {"rough sleeper", ""}, {"rough sleeping", ""}, {"sofa surfing", ""}, {"xx11xx", ""},
    {"xx999xx", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word titles[] = {
    /* clang-format off */
    {"capt", ""}, {"cllr", ""}, {"dame", ""}, {"dr", ""}, {"frau", ""}, {"herr", ""}, {"hon", ""},
    {"imam", ""}, {"lady", ""}, {"lord", ""}, {"madam", ""}, {"madame", ""}, {"mast", ""},
    {"master", ""}, {"messrs", ""}, {"miss", ""}, {"mlle", ""}, {"mme", ""}, {"mons", ""},
    {"monsieur", ""}, {"mr", ""}, {"mrs", ""}, {"ms", ""}, {"mstr", ""}, {"mx", ""}, {"pani", ""},
    {"prof", ""}, {"professor", ""}, {"pte", ""}, {"rabbi", ""}, {"rev", ""}, {"revd", ""},
    {"reverend", ""}, {"senor", ""}, {"senora", ""}, {"sgt", ""}, {"sheikh", ""}, {"shri", ""},
    {"sir", ""}, {"smt", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word suffixes[] = {
    /* clang-format off */
    {"bsc", ""}, {"esq", ""}, {"ii", ""}, {"iii", ""}, {"jnr", ""}, {"jr", ""}, {"kc", ""},
    {"mbe", ""}, {"msc", ""}, {"obe", ""}, {"phd", ""}, {"qc", ""}, {"snr", ""}, {"sr", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word notes[] = {
    /* clang-format off */
    {"archived", ""}, {"deceased", ""}, {"deleted", ""},
    {"dnu", ""}, {"do", "not use"}, {"dup", ""}, {"duplicate", ""}, {"merged", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word aliases[] = {
    /* clang-format off */
    {"a", "k a"}, {"aka", ""}, {"alias", ""}, {"also", "known as"}, {"formerly", ""},
    {"known", "as"}, {"nee", ""}, {"previously", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word bracket_notes[] = {
    /* clang-format off */
    {"adopted", ""}, {"birth", "name"}, {"boy", ""}, {"changed", ""}, {"child", ""}, {"dec", ""},
    {"elder", ""}, {"english", "name"}, {"f", ""}, {"female", ""}, {"girl", ""},
    {"junior", ""}, {"legal", ""}, {"m", ""}, {"maiden", ""}, {"male", ""},
    {"married", ""}, {"name", ""}, {"new", ""}, {"nickname", ""}, {"now", ""},
    {"old", ""}, {"preferred", ""}, {"senior", ""}, {"temp", ""}, {"test", ""},
    {"twin", ""}, {"twin1", ""}, {"twin2", ""}, {"younger", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word prefixes[] = {
    /* clang-format off */
    {"abd", ""}, {"abdel", ""}, {"abdul", ""}, {"abdur", ""}, {"al", ""}, {"el", ""}, {"ul", ""},
    {"ur", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word surname_prefixes[] = {
    /* clang-format off */
    {"d", ""}, {"fitz", ""}, {"mac", ""}, {"mc", ""}, {"o", ""}, {"st", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word street_words[] = {
    /* clang-format off */
    {"apartment", "flat"}, {"apt", "flat"}, {"av", "avenue"}, {"ave", "avenue"},
    {"bldg", "building"}, {"bldgs", "buildings"}, {"blvd", "boulevard"}, {"cct", "circuit"},
    {"cl", "close"}, {"clo", "close"}, {"cr", "crescent"}, {"cres", "crescent"},
    {"cresc", "crescent"}, {"crt", "court"}, {"ct", "court"}, {"dr", "drive"}, {"drv", "drive"},
    {"gdn", "garden"}, {"gdns", "gardens"}, {"gr", "grove"}, {"gro", "grove"}, {"grv", "grove"},
    {"hse", "house"}, {"hwy", "highway"}, {"la", "lane"}, {"ldg", "lodge"}, {"ln", "lane"},
    {"nth", "north"}, {"pde", "parade"}, {"pk", "park"}, {"pl", "place"}, {"rd", "road"},
    {"sq", "square"}, {"st", "street"}, {"sth", "south"}, {"str", "street"}, {"tce", "terrace"},
    {"ter", "terrace"}, {"terr", "terrace"}, {"wy", "way"},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word sexes[] = {
    /* clang-format off */
    {"0", ""}, {"01", "m"}, {"02", "f"}, {"1", "m"}, {"2", "f"}, {"9", ""}, {"boy", "m"},
    {"f", "f"}, {"female", "f"}, {"girl", "f"}, {"i", ""}, {"indeterminate", ""}, {"m", "m"},
    {"male", "m"}, {"man", "m"}, {"not specified", ""}, {"other", ""}, {"u", ""}, {"woman", "f"},
    {"x", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word months[] = {
    /* clang-format off */
    {"abril", "04"}, {"agosto", "08"}, {"aout", "08"}, {"apr", "04"}, {"april", "04"},
    {"aprile", "04"}, {"aprilie", "04"}, {"aug", "08"}, {"august", "08"}, {"avril", "04"},
    {"awst", "08"}, {"chwefror", "02"}, {"czerwca", "06"}, {"czerwiec", "06"}, {"dec", "12"},
    {"december", "12"}, {"decembre", "12"}, {"decembrie", "12"}, {"dezember", "12"},
    {"dezembro", "12"}, {"dicembre", "12"}, {"diciembre", "12"}, {"ebrill", "04"}, {"enero", "01"},
    {"feb", "02"}, {"febbraio", "02"}, {"febrero", "02"}, {"februar", "02"}, {"februarie", "02"},
    {"february", "02"}, {"fevereiro", "02"}, {"fevrier", "02"}, {"gennaio", "01"},
    {"giugno", "06"}, {"gorffennaf", "07"}, {"grudnia", "12"}, {"grudzien", "12"},
    {"hydref", "10"}, {"i", "01"}, {"ianuarie", "01"}, {"ii", "02"}, {"iii", "03"},
    {"ionawr", "01"}, {"iulie", "07"}, {"iunie", "06"}, {"iv", "04"}, {"ix", "09"}, {"jan", "01"},
    {"janeiro", "01"}, {"januar", "01"}, {"january", "01"}, {"janvier", "01"}, {"juillet", "07"},
    {"juin", "06"}, {"jul", "07"}, {"julho", "07"}, {"juli", "07"}, {"julio", "07"},
    {"july", "07"}, {"jun", "06"}, {"june", "06"}, {"junho", "06"}, {"juni", "06"},
    {"junio", "06"}, {"kwiecien", "04"}, {"kwietnia", "04"}, {"lipca", "07"}, {"lipiec", "07"},
    {"listopad", "11"}, {"listopada", "11"}, {"luglio", "07"}, {"lutego", "02"}, {"luty", "02"},
    {"maggio", "05"}, {"mai", "05"}, {"maio", "05"}, {"maj", "05"}, {"maja", "05"}, {"mar", "03"},
    {"marca", "03"}, {"march", "03"}, {"marco", "03"}, {"mars", "03"}, {"martie", "03"},
    {"marz", "03"}, {"marzec", "03"}, {"marzo", "03"}, {"mawrth", "03"}, {"may", "05"},
    {"mayo", "05"}, {"medi", "09"}, {"mehefin", "06"}, {"noiembrie", "11"}, {"nov", "11"},
    {"november", "11"}, {"novembre", "11"}, {"novembro", "11"}, {"noviembre", "11"}, {"oct", "10"},
    {"october", "10"}, {"octobre", "10"}, {"octombrie", "10"}, {"octubre", "10"},
    {"oktober", "10"}, {"ottobre", "10"}, {"outubro", "10"}, {"pazdziernik", "10"},
    {"pazdziernika", "10"}, {"rhagfyr", "12"}, {"sep", "09"}, {"sept", "09"}, {"september", "09"},
    {"septembre", "09"}, {"septembrie", "09"}, {"septiembre", "09"}, {"setembro", "09"},
    {"settembre", "09"}, {"sierpien", "08"}, {"sierpnia", "08"}, {"styczen", "01"},
    {"stycznia", "01"}, {"tachwedd", "11"}, {"v", "05"}, {"vi", "06"}, {"vii", "07"},
    {"viii", "08"}, {"wrzesien", "09"}, {"wrzesnia", "09"}, {"xi", "11"}, {"xii", "12"},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word particles[] = {
    /* clang-format off */
    {"ab", ""}, {"abu", ""}, {"af", ""}, {"al", ""}, {"ap", ""}, {"av", ""}, {"bin", ""},
    {"bint", ""}, {"binte", ""}, {"binti", ""}, {"da", ""}, {"dal", ""}, {"de", ""}, {"degli", ""},
    {"dei", ""}, {"del", ""}, {"dela", ""}, {"della", ""}, {"den", ""}, {"der", ""}, {"di", ""},
    {"dit", ""}, {"dos", ""}, {"du", ""}, {"el", ""}, {"es", ""}, {"ferch", ""}, {"fitz", ""},
    {"het", ""}, {"ibn", ""}, {"la", ""}, {"las", ""}, {"le", ""}, {"les", ""}, {"los", ""},
    {"mac", ""}, {"mc", ""}, {"nic", ""}, {"op", ""}, {"santa", ""}, {"st", ""}, {"ten", ""},
    {"ter", ""}, {"ud", ""}, {"ul", ""}, {"um", ""}, {"umm", ""}, {"ur", ""}, {"uz", ""},
    {"van", ""}, {"vande", ""}, {"vanden", ""}, {"vander", ""}, {"verch", ""}, {"vom", ""},
    {"von", ""}, {"zu", ""}, {"zum", ""}, {"zur", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word fillers[] = {
    /* clang-format off */
    {"bano", ""}, {"begam", ""}, {"begum", ""}, {"bhai", ""}, {"bi", ""}, {"bibi", ""},
    {"devi", ""}, {"kaur", ""}, {"khatoon", ""}, {"khatun", ""}, {"kour", ""}, {"kumar", ""},
    {"kumari", ""}, {"md", ""}, {"mia", ""}, {"miah", ""}, {"mohamad", ""}, {"mohamed", ""},
    {"mohammad", ""}, {"mohammed", ""}, {"mohd", ""}, {"muhammad", ""}, {"muhammed", ""},
    {"sayed", ""}, {"shaikh", ""}, {"sheikh", ""}, {"singh", ""}, {"sk", ""}, {"syed", ""},
    {"thi", ""}, {"uddin", ""}, {"ullah", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word date_notes[] = {
    /* clang-format off */
    {"about", "~"}, {"abt", "~"}, {"approx", "~"}, {"approximately", "~"}, {"around", "~"},
    {"born", ""}, {"c", "~"}, {"ca", "~"}, {"circa", "~"}, {"de", ""}, {"dob", ""},
    {"est", "~"}, {"estimated", "~"}, {"fri", ""}, {"friday", ""}, {"mon", ""}, {"monday", ""},
    {"of", ""}, {"sat", ""}, {"saturday", ""}, {"sun", ""}, {"sunday", ""}, {"the", ""},
    {"thu", ""}, {"thur", ""}, {"thurs", ""}, {"thursday", ""}, {"tue", ""}, {"tues", ""},
    {"tuesday", ""}, {"wed", ""}, {"wednesday", ""}, {"weds", ""},
    /* clang-format on */
};

/* `starts` is what the test of the lists says it must be. */
#define LIST(name, starts)                                                                         \
  {                                                                                                \
    name, KITH_COUNT_OF(name), starts                                                              \
  }
const struct kith_words kith_word_lists[KITH_WORD_LISTS] = {
    [KITH_WORDS_PLACEHOLDERS] = LIST(placeholders, 0x00a32c164c22400d),
    [KITH_WORDS_NAME_PLACEHOLDERS] = LIST(name_placeholders, 0x078288863622e080),
    [KITH_WORDS_ADDRESS_PLACEHOLDERS] = LIST(address_placeholders, 0x0003810000102981),
    [KITH_WORDS_TITLES] = LIST(titles, 0xb00a659b3064749c),
    [KITH_WORDS_SUFFIXES] = LIST(suffixes, 0x0540480221990100),
    [KITH_WORDS_NOTES] = LIST(notes, 0x00020c0302000000),
    [KITH_WORDS_BRACKET_NOTES] = LIST(bracket_notes, 0x4c22888a3a820c04),
    [KITH_WORDS_ALIASES] = LIST(aliases, 0x02000080080c0004),
    [KITH_WORDS_PREFIXES] = LIST(prefixes, 0x0000802080080200),
    [KITH_WORDS_SURNAME_PREFIXES] = LIST(surname_prefixes, 0x1008000052000200),
    [KITH_WORDS_PARTICLES] = LIST(particles, 0x224aaa2bfaaa2a42),
    [KITH_WORDS_FILLERS] = LIST(fillers, 0x00010416d0f9e040),
    [KITH_WORDS_EUROPE] = {kith_words_europe, KITH_WORDS_EUROPE_N, 0xfffffffffefeffff},
    [KITH_WORDS_WORLD] = {kith_words_world, KITH_WORDS_WORLD_N, 0xfffffeffffffffff},
    [KITH_WORDS_STREET_WORDS] = LIST(street_words, 0x1c70428627e2880c),
    [KITH_WORDS_SEXES] = LIST(sexes, 0x2c0b8000f081a506),
    [KITH_WORDS_MONTHS] = LIST(months, 0x645a923bfaf267c9),
    [KITH_WORDS_DATE_NOTES] = LIST(date_notes, 0x10608c4266d00240),
};

/* The first eight bytes as a number that sorts as they do. */
static uint64_t head_of(const char *word)
{
  uint64_t head = 0;

  for (unsigned i = 0; i < 8; i++) {
    if (word[i] == '\0')
      return head << 8 * (8 - i);
    head = head << 8 | (uint8_t)word[i];
  }
  return head;
}

static uint64_t head_of_entry(const struct kith_word *entry)
{
  uint64_t head;

  memcpy(&head, entry->word, sizeof head);
  return be64toh(head);
}

const struct kith_word *kith_word_find(enum kith_word_list list, const char *word)
{
  const struct kith_words *words = &kith_word_lists[list];
  const struct kith_word *first = words->words;
  size_t n = words->n;
  uint64_t head;

  if (word[0] == '\0' || !(words->starts >> kith_word_start(word) & 1))
    return NULL;
  /* To the first of those that are not below. */
  head = head_of(word);
  while (n > 1) {
    size_t half = n / 2;

    first = head_of_entry(first + half) < head ? first + half : first;
    n -= half;
  }
  for (size_t at = (size_t)(first - words->words); at < words->n; at++) {
    uint64_t other = head_of_entry(&words->words[at]);

    if (other > head)
      break;
    if (other == head && strcmp(word, words->words[at].word) == 0)
      return &words->words[at];
  }
  return NULL;
}
