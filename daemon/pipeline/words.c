#include "daemon/pipeline/words.h"

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
    {"unknown", ""}, {"unkown", ""}, {"unk", ""}, {"unknwn", ""}, {"u/k", ""}, {"n/k", ""},
    {"nk", ""}, {"n.k.", ""}, {"n/a", ""}, {"n.a.", ""}, {"none", ""}, {"nil", ""}, {"null", ""},
    {"blank", ""}, {"missing", ""}, {"tba", ""}, {"tbc", ""}, {"tbd", ""}, {"undefined", ""},
    {"unspecified", ""}, {"unidentified", ""}, {"withheld", ""}, {"refused", ""}, {"anon", ""},
    {"anonymous", ""}, {"test", ""}, {"testing", ""}, {"not known", ""}, {"not recorded", ""},
    {"not stated", ""}, {"not given", ""}, {"not available", ""}, {"not applicable", ""},
    {"not provided", ""}, {"not specified", ""}, {"no name", ""}, {"noname", ""}, {"no data", ""},
    {"no record", ""}, {"to follow", ""}, {"do not use", ""}, {"no trace", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word name_placeholders[] = {
    /* clang-format off */
    {"baby", ""}, {"babe", ""}, {"infant", ""}, {"newborn", ""}, {"baby boy", ""},
    {"baby girl", ""}, {"baby of", ""}, {"male infant", ""}, {"female infant", ""},
    {"infant male", ""}, {"infant female", ""}, {"test patient", ""}, {"test pupil", ""},
    {"test record", ""}, {"no surname", ""}, {"no forename", ""}, {"no first name", ""},
    {"no last name", ""}, {"surname", ""}, {"forename", ""}, {"male", ""}, {"female", ""},
    {"boy", ""}, {"girl", ""}, {"patient", ""}, {"child", ""}, {"john doe", ""}, {"jane doe", ""},
    {"a n other", ""}, {"an other", ""}, {"fnu", ""}, {"lnu", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word address_placeholders[] = {
    /* clang-format off */
    {"nfa", ""}, {"n.f.a.", ""}, {"nfa.", ""}, {"homeless", ""}, {"no fixed abode", ""},
    {"no fixed address", ""}, {"no fixed abode.", ""}, {"of no fixed abode", ""},
    {"no abode", ""}, {"no address", ""}, {"rough sleeper", ""}, {"rough sleeping", ""},
    {"sofa surfing", ""}, {"zz99 3vz", ""}, {"zz993vz", ""}, {"zz99 3cz", ""}, {"zz993cz", ""},
    {"zz99 3wz", ""}, {"zz993wz", ""}, {"zz99 3gz", ""}, {"zz993gz", ""}, {"zz99 3fz", ""},
    {"zz993fz", ""}, {"zz99 3az", ""}, {"zz993az", ""}, {"zz99 3bz", ""}, {"zz993bz", ""},
    {"zz99 3hz", ""}, {"zz993hz", ""}, {"zz99 3zz", ""}, {"zz993zz", ""}, {"xx99 9xx", ""},
    {"aa1 1aa", ""}, {"xx1 1xx", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word titles[] = {
    /* clang-format off */
    {"mr", ""}, {"mrs", ""}, {"miss", ""}, {"ms", ""}, {"mx", ""}, {"mstr", ""}, {"master", ""},
    {"dr", ""}, {"prof", ""}, {"professor", ""}, {"rev", ""}, {"revd", ""}, {"reverend", ""},
    {"sir", ""}, {"dame", ""}, {"lady", ""}, {"lord", ""}, {"madam", ""}, {"mme", ""},
    {"mlle", ""}, {"mons", ""}, {"messrs", ""}, {"cllr", ""}, {"hon", ""}, {"capt", ""},
    {"sgt", ""}, {"pte", ""}, {"imam", ""}, {"sheikh", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word suffixes[] = {
    /* clang-format off */
    {"jr", ""}, {"jnr", ""}, {"snr", ""}, {"sr", ""}, {"esq", ""}, {"phd", ""}, {"obe", ""},
    {"mbe", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word notes[] = {
    /* clang-format off */
    {"deceased", ""}, {"dup", ""}, {"duplicate", ""}, {"dnu", ""}, {"aka", ""}, {"a.k.a", ""},
    {"alias", ""}, {"deleted", ""}, {"archived", ""}, {"merged", ""}, {"do not use", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word bracket_notes[] = {
    /* clang-format off */
    {"new", ""}, {"old", ""}, {"male", ""}, {"female", ""}, {"m", ""}, {"f", ""}, {"dec", ""},
    {"test", ""}, {"temp", ""}, {"nee", ""}, {"now", ""}, {"formerly", ""}, {"previously", ""},
    {"twin", ""}, {"twin1", ""}, {"twin2", ""}, {"adopted", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word prefixes[] = {
    /* clang-format off */
    {"al", ""}, {"el", ""}, {"ul", ""}, {"ur", ""}, {"abd", ""}, {"abdul", ""}, {"abdel", ""},
    {"abdur", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word surname_prefixes[] = {
    /* clang-format off */
    {"o", ""}, {"mc", ""}, {"mac", ""}, {"d", ""}, {"st", ""}, {"fitz", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word spellings[] = {
    /* clang-format off */
    {"mohammed", "muhammad"}, {"mohammad", "muhammad"}, {"mohamed", "muhammad"},
    {"mohamad", "muhammad"}, {"muhammed", "muhammad"}, {"muhamad", "muhammad"},
    {"muhamed", "muhammad"}, {"mohamud", "muhammad"}, {"mohamoud", "muhammad"},
    {"mohammod", "muhammad"}, {"mohamod", "muhammad"}, {"mahomed", "muhammad"},
    {"muhammod", "muhammad"}, {"mohd", "muhammad"}, {"mohmmed", "muhammad"},
    {"mohammded", "muhammad"}, {"muhammud", "muhammad"}, {"hussein", "hussain"},
    {"husain", "hussain"}, {"husein", "hussain"}, {"hossain", "hussain"}, {"hossein", "hussain"},
    {"hussien", "hussain"}, {"hussian", "hussain"}, {"yousuf", "yusuf"}, {"yousef", "yusuf"},
    {"youssef", "yusuf"}, {"yusef", "yusuf"}, {"yosef", "yusuf"}, {"yousif", "yusuf"},
    {"yusif", "yusuf"}, {"yoosuf", "yusuf"}, {"ebrahim", "ibrahim"}, {"ibraheem", "ibrahim"},
    {"ebraheem", "ibrahim"}, {"abdulla", "abdullah"}, {"abdallah", "abdullah"},
    {"abdalla", "abdullah"}, {"rehman", "rahman"}, {"rahmaan", "rahman"}, {"rahaman", "rahman"},
    {"osman", "usman"}, {"uthman", "usman"}, {"othman", "usman"}, {"ousman", "usman"},
    {"omar", "umar"}, {"omer", "umar"}, {"umer", "umar"}, {"fatema", "fatima"},
    {"fatimah", "fatima"}, {"fatma", "fatima"}, {"fathima", "fatima"}, {"faatima", "fatima"},
    {"ayesha", "aisha"}, {"aysha", "aisha"}, {"aishah", "aisha"}, {"aesha", "aisha"},
    {"ayisha", "aisha"}, {"aicha", "aisha"}, {"khadijah", "khadija"}, {"khadeeja", "khadija"},
    {"khadeja", "khadija"}, {"kadija", "khadija"}, {"zaynab", "zainab"}, {"zeinab", "zainab"},
    {"zaineb", "zainab"}, {"mariam", "maryam"}, {"mariyam", "maryam"}, {"marium", "maryam"},
    {"maryum", "maryam"}, {"choudhury", "chowdhury"}, {"chaudhry", "chowdhury"},
    {"choudhry", "chowdhury"}, {"chaudhary", "chowdhury"}, {"chowdhry", "chowdhury"},
    {"chaudhari", "chowdhury"}, {"quraishi", "qureshi"}, {"qureishi", "qureshi"},
    {"kureshi", "qureshi"}, {"siddique", "siddiqui"}, {"siddiqi", "siddiqui"},
    {"sidiqi", "siddiqui"},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word street_words[] = {
    /* clang-format off */
    {"rd", "road"}, {"ave", "avenue"}, {"av", "avenue"}, {"cl", "close"}, {"clo", "close"},
    {"dr", "drive"}, {"drv", "drive"}, {"la", "lane"}, {"ln", "lane"}, {"cres", "crescent"},
    {"cresc", "crescent"}, {"cr", "crescent"}, {"gdns", "gardens"}, {"gdn", "garden"},
    {"ct", "court"}, {"crt", "court"}, {"pl", "place"}, {"sq", "square"}, {"terr", "terrace"},
    {"ter", "terrace"}, {"tce", "terrace"}, {"gr", "grove"}, {"gro", "grove"}, {"grv", "grove"},
    {"pde", "parade"}, {"hse", "house"}, {"apt", "flat"}, {"apartment", "flat"},
    {"str", "street"}, {"st", "street"}, {"blvd", "boulevard"}, {"hwy", "highway"},
    {"cct", "circuit"}, {"wy", "way"}, {"pk", "park"}, {"ldg", "lodge"}, {"bldg", "building"},
    {"bldgs", "buildings"}, {"nth", "north"}, {"sth", "south"},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word sexes[] = {
    /* clang-format off */
    {"m", "m"}, {"male", "m"}, {"man", "m"}, {"boy", "m"}, {"1", "m"}, {"01", "m"}, {"f", "f"},
    {"female", "f"}, {"woman", "f"}, {"girl", "f"}, {"2", "f"}, {"02", "f"}, {"u", ""}, {"0", ""},
    {"9", ""}, {"i", ""}, {"x", ""}, {"not specified", ""}, {"indeterminate", ""}, {"other", ""},
    /* clang-format on */
};

static KITH_WORDS_CONST struct kith_word months[] = {
    /* clang-format off */
    {"jan", "01"}, {"feb", "02"}, {"mar", "03"}, {"apr", "04"}, {"may", "05"}, {"jun", "06"},
    {"jul", "07"}, {"aug", "08"}, {"sep", "09"}, {"oct", "10"}, {"nov", "11"}, {"dec", "12"},
    {"sept", "09"}, {"january", "01"}, {"february", "02"}, {"march", "03"}, {"april", "04"},
    {"june", "06"}, {"july", "07"}, {"august", "08"}, {"september", "09"}, {"october", "10"},
    {"november", "11"}, {"december", "12"},
    /* clang-format on */
};

#define LIST(name)                                                                                 \
  {                                                                                                \
    name, KITH_COUNT_OF(name)                                                                      \
  }
const struct kith_words kith_word_lists[KITH_WORD_LISTS] = {
    [KITH_WORDS_PLACEHOLDERS] = LIST(placeholders),
    [KITH_WORDS_NAME_PLACEHOLDERS] = LIST(name_placeholders),
    [KITH_WORDS_ADDRESS_PLACEHOLDERS] = LIST(address_placeholders),
    [KITH_WORDS_TITLES] = LIST(titles),
    [KITH_WORDS_SUFFIXES] = LIST(suffixes),
    [KITH_WORDS_NOTES] = LIST(notes),
    [KITH_WORDS_BRACKET_NOTES] = LIST(bracket_notes),
    [KITH_WORDS_PREFIXES] = LIST(prefixes),
    [KITH_WORDS_SURNAME_PREFIXES] = LIST(surname_prefixes),
    [KITH_WORDS_SPELLINGS] = LIST(spellings),
    [KITH_WORDS_STREET_WORDS] = LIST(street_words),
    [KITH_WORDS_SEXES] = LIST(sexes),
    [KITH_WORDS_MONTHS] = LIST(months),
};

const struct kith_word *kith_word_find(enum kith_word_list list, const char *word)
{
  const struct kith_words *table = &kith_word_lists[list];

  for (size_t i = 0; i < table->n; i++) {
    if (word[0] == table->words[i].word[0] && strcmp(word, table->words[i].word) == 0)
      return &table->words[i];
  }
  return NULL;
}
