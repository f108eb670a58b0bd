#include "daemon/pipeline/corpus.h"

#include "base/mem.h"

/* given_name, middle_names, surname, known_as, date_of_birth, sex, street, town, postcode */
/* clang-format off */
const struct kith_corpus_row kith_corpus[] = {
    {{"Anna", "Maria", "Example", "Annie", "1985-04-20", "F", "3 High St", "Coventry", "CV1 1AB"}},
    {{"JOHN", "", "SAMPLE", "", "20/04/1985", "m", "Flat 2, 14 Station Rd.", "COVENTRY", "cv11ab"}},
    {{NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL}},
    {{" ", "-", "?", "...", "//", "-", "n/a", "Unknown", "N/K"}},
    {{"Mr. Peter", "J.", "O'Specimen", "", "1/2/1990", "Male", "St Anne's Cl", "", "M1 1AE"}},
    {{"Peter", "J", "O Specimen", "Pete", "1 Feb 1990", "1", "The Ldg, Mill Ln", "", "m11ae"}},
    {{"Mary-Jane", "", "Model-Muster", "", "1990-02-01T00:00:00", "2", "", "", "EC1A 1BB"}},
    {{"Mary Jane", "", "Muster Model", "", "February 1, 1990", "female", "", "", "EC1A1BB"}},
    {{"Zoë", "Chloé", "Müller", "", "19900201", "W", "", "Köln", "50667"}},
    {{"Zoe\xcc\x88", "Chloe\xcc\x81", "Mu\xcc\x88ller", "", "01.02.1990", "woman", "", "", "50667"}},
    {{"ZoÃ«", "ChloÃ©", "MÃ¼ller", "", "2/1990", "9", "", "", "D-50667"}},
    {{"Łukasz", "Józef", "Wiśniewski", "", "31/12/99", "U", "", "Łódź", "90-001"}},
    {{"\xc3\x85\xc2\x81ukasz", "JÃ³zef", "WiÅ›niewski", "", "31/12/1999", "X", "", "", "90001"}},
    {{"Søren", "Þór", "Æðelstan-Bjørnsson", "", "12/31/1999", "0", "", "", "SW1A 0AA"}},
    {{"ŒUVRE", "ẞ", "Strauß", "", "1999-31-12", "i", "", "", "SW1A OAA"}},
    {{"Đorđe", "Ħ", "İstanbullu", "", "29/02/2000", "F", "", "", "5W1A 0AA"}},
    {{"Ənvər", "ŋ", "Iğdır ıssız", "", "29/02/2001", "F", "", "", "SW1A"}},
    {{"Мария", "Йожеф", "Щербакова", "", "31/04/2001", "F", "", "", "sw1a 0a"}},
    {{"Олександр", "Ґ", "Їжакевич", "", "01/01/1980", "M", "", "Київ", "01001"}},
    {{"Γιώργος", "", "Παπαδόπουλος", "", "01/01/01", "M", "", "Αθήνα", "105 57"}},
    {{"محمد", "", "عَلِي", "", "1900-01-01", "M", "", "", "NFA"}},
    {{"王", "小明", "李", "", "1980", "M", "No Fixed Abode", "", "ZZ99 3VZ"}},
    {{"प्रिया", "", "शर्मा", "", "xx/05/1980", "F", "NFA", "", "No fixed abode"}},
    {{"Nguyễn Thị", "", "Đỗ", "", "00/05/1980", "F", "12a-14 Broad Ave", "", "K1A 0B1"}},
    {{"ｆｕｌｌ", "ﬁ", "Ⅷ", "", "1980-05", "F", "", "", "１２３４"}},
    {{"Mohammed", "Abdul Rahman", "Al-Specimen", "", "05/1980", "M", "", "", "CV12 3"}},
    {{"MOHD", "Abdulrahman", "alspecimen", "", "May 1980", "M", "", "", "CV"}},
    {{"Master Khalid Hussein", "Ul Haq", "Mc Test-Case", "", "35/17/1985", "M", "", "", "HELLO"}},
    {{"Baby", "Not Known", "Sample (DECEASED)", "", "17/13/1985", "M", "", "", "CV1 1AB1234"}},
    {{"Male Infant", "XX", "Sample **DUP**", "", "9999-12-31", "M", "", "", ""}},
    {{"Robert (Bob)", "(Male)", "Sample - DO NOT USE", "", "0001-01-01", "M", "", "", ""}},
    {{"Roberta aka Bobbie", "Jnr", "Sample Jr", "", "1111-11-11", "M", "", "", ""}},
    {{"R0bert", "5teven", "Samp1e", "R.", "31-Sept-1970", "M", "", "", ""}},
    {{"123", "4", "Sample (nee Example)", "", "30-Sep-1970", "M", "", "", ""}},
    {{"", "", "SAMPLE, John Peter", "", "1st of May", "M", "", "", ""}},
    {{"Jane", "", "SAMPLE, John", "", "1st May 1970", "M", "", "", ""}},
    {{"Dr", "Prof", "Mr", "", "22nd Aug 1970", "M", "", "", ""}},
    {{"D'Arcy", "D\xe2\x80\x99", "D`Example", "", "1970/08/22", "M", "", "", ""}},
    {{"Lastnameless", "", "FNU", "", "22081970", "M", "", "", ""}},
    {{"A B C D E F G H I J K L M N O P Q R S T U V W X Y Z", "", "aa bb cc dd ee ff gg hh ii jj kk ll mm",
      "", "2026-12-31", "M", "1 a b c d e f g h i j k l m n o p", "", ""}},
    {{"Hubertblaine-wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren", "", "x", "", "31/12/26",
      "M", "", "", ""}},
    {{"Anna\xe2\x80\x8b", "Anna\xc2\xa0Maria", "Exam\xc2\xadple", "", "31/12/27", "M", "", "", ""}},
};
/* clang-format on */
const size_t kith_corpus_n = KITH_COUNT_OF(kith_corpus);
