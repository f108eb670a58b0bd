/* Made by encode_vectors.py; do not edit. */
// clang-format off
#ifndef KITH_TESTS_ENCODE_VECTORS_H
#define KITH_TESTS_ENCODE_VECTORS_H

#include <stddef.h>

/* Of so many bits under "a secret\n", over the fields of bloom_fields. */
struct bloom_vector {
  const char *values[5][4];
  unsigned mask;
  const char *filter;
};
struct bloom_field { const char *name; unsigned q; unsigned bits_per_token; };
static const struct bloom_field bloom_fields[5] = {
    {"given_name", 2, 10},
    {"surname", 3, 17},
    {"date_of_birth", 0, 33},
    {"sex", 1, 64},
    {"code", 4, 1},
};
static const struct bloom_vector bloom_64[] = {
    {{{"ANNA"}, {"EXAMPLE"}, {"1985", "04", "20"}, {"F"}, {"QX11AB"},}, 31,
    "ffffffffffffffff"},
    {{{"JOS\303\211", "MARIA"}, {"\305\201UKASZ-\303\223"}, {NULL}, {"M"}, {""},}, 11,
    "ffffffffffffffff"},
    {{{NULL}, {NULL}, {NULL}, {NULL}, {NULL},}, 0,
    "0000000000000000"},
    {{{"A"}, {"", "B"}, {"19850420"}, {NULL}, {"\360\237\231\202\303\251"},}, 23,
    "5cfffe7bbfe7fffb"},
    {{{"", ""}, {"OF MORE THAN TWENTY BYTES \303\211\303\211"},
      {"A WHOLE VALUE OF MORE THAN 21"}, {NULL}, {NULL},}, 6,
    "ffffffffffffffff"},
};
static const struct bloom_vector bloom_1024[] = {
    {{{"ANNA"}, {"EXAMPLE"}, {"1985", "04", "20"}, {"F"}, {"QX11AB"},}, 31,
    "46154a0198040228416988cf72201160ddb8a5868600200023380250e46868190268608321808212f032692c88"
    "110045809f90908c9004231000077232240e1a802809da0401803a07858a2010a25a01c31312d92426b2513900"
    "0022f0526a8288ac011c03e341b3560004804ed9310820804142f202080100687128200b0204"},
    {{{"JOS\303\211", "MARIA"}, {"\305\201UKASZ-\303\223"}, {NULL}, {"M"}, {""},}, 11,
    "a204ca0508c085d22682071340bd508a0a5111649400900041401222498b20804a90228a72004f9340353228cc"
    "0d10399108240055081c311000b4200c00200ba3240c4026040c008800278308a44180d80c506000001ac85008"
    "5242ca926b2880c1922a0001424414902448600842c6000054460510000e06806718ab0a9182"},
    {{{NULL}, {NULL}, {NULL}, {NULL}, {NULL},}, 0,
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000"},
    {{{"A"}, {"", "B"}, {"19850420"}, {NULL}, {"\360\237\231\202\303\251"},}, 23,
    "001c4000900114100040000902040008000020502100400000c480002000000000008400040140800012224000"
    "0020200080000008001200100020200000021008000010110000000000404a008429830401004880c242001000"
    "0000000244400060002a22402000000000002000800040100020020020000000980000208011"},
    {{{"", ""}, {"OF MORE THAN TWENTY BYTES \303\211\303\211"},
      {"A WHOLE VALUE OF MORE THAN 21"}, {NULL}, {NULL},}, 6,
    "f04f35b09dc4dab9686cbf0e6ccf9320c6c5b210c61420b0fa42b4d1b998499340c27b20f8864ce82660ec8d8b"
    "62a885004a68280883200fa7c81149532521a40075d9fccf661c81310c25079a28cbce4078908435fb027c0d90"
    "f494184b10ccf256c3570d4a34c1a81849a45d256407744bad635807c9da41914014f34f5808"},
};
static const char bloom_key_check[] = "8e7d53f9ff1458eddc3d196fa6d8fcf7";

/* `clk` in hexadecimal, NULL: the row is refused. */
struct clkhash_row { const char *values[5]; const char *clk; };
struct clkhash_vector { const char *name; const char *schema; size_t n_values;
  const struct clkhash_row *rows; size_t n_rows; };
static const struct clkhash_row clkhash_rows_0[] = {
    {{"1", "Anna", "Example", "20.04.1985", "f",},
    "c00080d0230a06d75700e648b6c47b411030010cd073345a8f38040482cc6c04446159601c3b28060c04ca0204"
    "5402654855d9bd3514cf000400f9420a108f613070e52330c40222c0dc2f0611e6205ba9081766018ac970688c"
    "d481473042b72a3a6ed58020dc0156919103e20e91010206325904625127d14a01a163259310"},
    {{"2", "", "\303\230sterg\303\245rd \360\237\231\202", "1.2.0987", "m",},
    "8a21907418020014acc4c8d3000424c8b811820b3010100055a02000612100319303018408a2420300d14410e1"
    "0005a43240000490446821922091083928f4e14c2400304691002021cc10528006100042102800e26040c480ce"
    "050001203408478920b00001c20205804451d11c0402080814200020080801000a2988141046"},
    {{"", "\303\205sa", "", "29.02.2024", "m",},
    "80892506021811c4008012063a8cba8603a55a4a642047b20d341011656f9818024118261c2a888200050400d2"
    "2884042c101cd60805352294000241a6184d0050342f75361420212549301588048a70380cc44003245d46b05c"
    "2380400255494d2028a990088203162011cbed485708252522200e20083253020a0502a01380"},
    {{"4", "Anna", "Example", "29.02.2023", "f",}, NULL},
    {{"5", "Anna", "Example", "20.04.1985", "F",}, NULL},
};
static const struct clkhash_row clkhash_rows_1[] = {
    {{"\316\251mega \360\237\231\202", "ab",}, "41dc1558322440"},
    {{"", "x",}, "03f80000000000"},
    {{"abcdefghijklmnopqrstuvwxyz", "0123456789",}, "707c80cd7dbfc0"},
};
static const struct clkhash_row clkhash_rows_2[] = {
    {{"a",}, "60"},
    {{"b",}, "60"},
    {{"c",}, "48"},
    {{"d",}, "a0"},
    {{"e",}, "50"},
};
static const struct clkhash_row clkhash_rows_3[] = {
    {{"Example",}, "1b0230ac13cf9dd3"},
    {{"E",}, "dc9be18a49b6dbba"},
};
static const struct clkhash_row clkhash_rows_4[] = {
    {{"ABC",}, "1040000000410410000000104104000000041041000000010410400000000104"},
    {{"ABc",}, NULL},
    {{"\303\237",}, NULL},
    {{"\303\211-1",}, "0401004010000000000000000401004010040100401004010040100401004010"},
    {{"\357\254\201",}, NULL},
    {{"\341\276\210",}, NULL},
    {{"\305\211",}, NULL},
    {{"\307\204",}, "0000200400801002004008010020040080100200400801002004008010000000"},
    {{"\307\205",}, NULL},
    {{"",}, "0000000000000000000000000000000000000000000000000000000000000000"},
};
static const struct clkhash_row clkhash_rows_5[] = {
    {{"abc",}, "002000100008000400020001000080004000200018000c000600030001800040"},
    {{"Abc",}, NULL},
    {{"\304\260",}, NULL},
    {{"\303\237",}, "0480020008000400100040002000800200010004001200080020009000400100"},
    {{"\307\205",}, NULL},
    {{"\307\206",}, "8020020080080000200200800802002008008000020020080080200200000800"},
};
static const struct clkhash_row clkhash_rows_6[] = {
    {{"\303\251",}, NULL},
    {{"\303\251\303\251",}, "0000000000000000000041041041041041041041041041041000000000000000"},
    {{"\360\237\231\202\360\237\231\202\360\237\231\202",},
    "0004210000021080000008420000002108000000840000004210000001084000"},
    {{"abcd",}, NULL},
};
static const struct clkhash_row clkhash_rows_7[] = {
    {{"abc",}, "002000100008000400020001000080004000200018000c000600030001800040"},
    {{"\303\251",}, NULL},
    {{"~",}, "0000002220000002220000002220000002220000002220000000220000000222"},
};
static const struct clkhash_row clkhash_rows_8[] = {
    {{"AB1",}, "0008000200100084002001000040020010800400200008004002100080040001"},
    {{"AB12",}, "0007000000003800000001800000001c00000000e00000000e00000000700000"},
    {{"ABC1",}, NULL},
    {{"x \011 y",}, "0004001400100050004000400100010004000400100010004000400100010005"},
    {{"xy",}, "0000000000001004010040100401004010040100401004010040100401004000"},
    {{"xyz",}, NULL},
    {{"'z'",}, "0040004000400040004000400040004000400040004000400040004000400040"},
    {{"'z\042",}, NULL},
    {{"[:",}, "4400000004440000004440000004440000004440000004440000004440000000"},
    {{"A\331\243",}, "8000100002400048000100002000048000900002000040000900012000240000"},
    {{"AB1 ",}, NULL},
    {{"x\034y",}, "00800050000800010000a0001000020001400020000400028000400028000500"},
    {{"x\341\240\216y",}, NULL},
    {{"x\342\200\203\302\240y",},
    "0081000204000810002040000100000408001020004080010200040800002000"},
    {{"",}, NULL},
};
static const struct clkhash_row clkhash_rows_9[] = {
    {{"b",}, "1000000000101010101010100000000010101010101000000000101010101010"},
    {{"aab",}, "0080100200400801000000000002004008010020040080100200400801002004"},
    {{"aaab",}, NULL},
    {{"a{,2}b",}, NULL},
};
static const struct clkhash_row clkhash_rows_10[] = {
    {{"NHS-abc",}, "0800400100080020010004002000800400100080020010004002000800400300"},
    {{"nhs-\303\251",}, "0001000000010000000100000001000000010000000100000001000000010000"},
    {{"nhs-1",}, NULL},
};
static const struct clkhash_row clkhash_rows_11[] = {
    {{"13",}, "000000000000000000002aaaa800000000000000000000000000555550000000"},
    {{"+13",}, "000000000000000000002aaaa800000000000000000000000000555550000000"},
    {{"\302\240013 ",}, "000000000000000000002aaaa800000000000000000000000000555550000000"},
    {{"1_3",}, "000000000000000000002aaaa800000000000000000000000000555550000000"},
    {{"1__3",}, NULL},
    {{"_13",}, NULL},
    {{"13_",}, NULL},
    {{"-5",}, "2020202000000000000000000000000020202020202020202020202020202020"},
    {{"-6",}, NULL},
    {{"-0",}, "0002002200200020002002200200020002002200200020002000200200020002"},
    {{"\357\274\221\357\274\223",},
    "000000000000000000002aaaa800000000000000000000000000555550000000"},
    {{"1000000000000000000",},
    "0000000055000000000a800000000150000000002a00000000054000000002a8"},
    {{"1000000000000000001",}, NULL},
    {{"9999999999999999999999999999999999999999",}, NULL},
    {{"+-1",}, NULL},
    {{"0x1",}, NULL},
    {{"1.0",}, NULL},
    {{"",}, NULL},
    {{"-",}, NULL},
    {{"\340\245\253",}, "8000008400000420000021000001080000084000004200004210000210800010"},
};
static const struct clkhash_row clkhash_rows_12[] = {
    {{"69/jan/1 1:2:3%",}, "0808008000080080800808008000080000800808008080080000800008008080"},
    {{"68/DEC/31  23:59:59%",},
    "0000000000000000000000000204081020408102040810204081020408100000"},
    {{"00/Feb/29 00:00:00%",},
    "0000024900000000001248000000000492000000000124800000000009240000"},
    {{"01/Feb/29 00:00:00%",}, NULL},
    {{"01/Feb/28 24:00:00%",}, NULL},
    {{"01/Feb/28 00:00:61%",}, NULL},
    {{"01/Fev/28 00:00:00%",}, NULL},
};
static const struct clkhash_row clkhash_rows_13[] = {
    {{"Monday 60 2023",}, "0000222000000008888000000222200000000888000000022200000000888000"},
    {{"friday 060 2024",}, "0000000000000000005554000000000000000001555000000000000000000555"},
    {{"Sunday 366 2023",}, "2002000020000200202002020020000200002002020020200200002002020020"},
    {{"Sunday 367 2023",}, NULL},
    {{"Sunday 0 2023",}, NULL},
    {{"Mon 1 2023",}, NULL},
};
static const struct clkhash_row clkhash_rows_14[] = {
    {{"19850420",}, "0100080020010004002000800400100080020010004002001800400200080040"},
    {{"1985420",}, "0100080020010004002000800400100080020010004002001800400200080040"},
    {{"1985111",}, "0100400002008020000100401004008020080200001004010000080200800004"},
    {{"198511",}, "0040100010041004000401000100400040004010001004000401000100010040"},
    {{"19851 1",}, "0040100010041004000401000100400040004010001004000401000100010040"},
    {{"00000101",}, NULL},
    {{"\357\274\221\357\274\231850420",},
    "0100080020010004002000800400100080020010004002001800400200080040"},
    {{"198504201",}, NULL},
};
static const struct clkhash_row clkhash_rows_15[] = {
    {{"(May) 1999.",}, "3800000001c00000000c00000000e00000000700000000700000000380000000"},
    {{"(may)1999.",}, NULL},
};
static const struct clkhash_row clkhash_rows_16[] = {
    {{"1",}, "a12224e7443445641461673443451e4166386230216230216230212230a32032"},
    {{"1.9",}, "a12224e7443445641461673443451e4166386230216230216230212230a32032"},
    {{"-1.9",}, "a02230ae882004200222332002018a88222872222262202062b8b02230a22232"},
    {{"1e3",}, "1a8240482308a8070281920692520a89032084b082d4210286a14a202e08a430"},
    {{" 7 ",}, "c80c264d488c406a111c84ca252cc4482c1a4b1d0088402c644c0c08025b3598"},
    {{"1_0",}, "c80406c7c08640601b1c7c4a0504ec402f384915280040f44444a40000df3512"},
    {{"0x10",}, NULL},
    {{"nan",}, NULL},
    {{"inf",}, NULL},
    {{"-inf",}, NULL},
    {{"abc",}, NULL},
    {{"",}, "0000000000000000000000000000000000000000000000000000000000000000"},
    {{"12345678901234567890123",},
    "09a494a68c1a80c03c0d06c5906a0c458404a81006844c9c019aa10c64448c05"},
    {{"1e400",}, NULL},
    {{"1e300",}, "280281224a3df57602a0a208388222228242280a802baaa8a238268222a04a90"},
    {{".5",}, "a02230e7043045241061373043051a4126387220206220206230302230a22032"},
    {{"5.",}, "c10c24494c1c414e144dc4dc656c54494c1a421c0188502d20580d08124b0498"},
    {{".",}, NULL},
    {{"1e",}, NULL},
    {{"1e+2",}, "0d0405040c143555d500100040004103040930a60c24aebeacb64cf5864c2dc6"},
    {{"-12",}, "9f080422a00109f00ac0a02a201e90802a040207e12001aa0000fa002a3800a0"},
    {{"-13",}, "9f080422a00109f00ac0a02a201e90802a040207e12001aa0000fa002a3800a0"},
    {{"1_0.5_0",}, "c80406c7c08640601b1c7c4a0504ec402f384915280040f44444a40000df3512"},
    {{"1._5",}, NULL},
    {{"\331\243.\331\245",},
    "810224e74c3c45661461e7b463651e494e1a621021c230216210290212830092"},
};
static const struct clkhash_row clkhash_rows_17[] = {
    {{"1",}, "00a2002244a000a000b10220228006400288a200308022202084200288820112"},
    {{"-1",}, "00c2006200e0006000e0026002c0024002c0224020c0204020c0204200c20042"},
    {{"3",}, "00a60004448400840095000420840444008c8004108402240084000488840114"},
    {{"2",}, "00a2002244a000a000b10220228006400288a200308022202084200288820112"},
};
static const struct clkhash_row clkhash_rows_18[] = {
    {{"1",}, "25f2e9749f4f036301c051e011eaafe62148a14823580b4c8340c54083755779"},
    {{"1.25",}, "1afd29504cd248ea45d4978d04efb4963408512eeb4842596685ea15cd250474"},
    {{"0.35",}, "c8c4b48ec91c42d244058ad83c2858c80d0aee8d20ac66a4a4650c82a7c28491"},
    {{"-1.25",}, "abe8a9a21cb999a38b290d881c2e6c8b0b838b838989aa0c2890a98989c3cb11"},
    {{"2.675",}, "d582de438541a4415a5a464445fc51244ece01447851e052e464673b456044fc"},
    {{"1e-9",}, "81c6207301e50bea90e3436303c80a4103ebab6124c1a145a1f122c2eee3714b"},
    {{"-0.0",}, "81c6207301e50bea90e3436303c80a4103ebab6124c1a145a1f122c2eee3714b"},
    {{"123456789.05",}, "32a72a28e478606087593a02152907676222a2b71b5617dea9cce7b08cb1f97b"},
};
static const struct clkhash_row clkhash_rows_19[] = {
    {{"7",}, "288100a00eaaa08c00880408801800aab80280108200c0008842aaa008080900"},
    {{"0.1",}, "0042526200260220083012320280a680024c2600b020212020036102048a080b"},
    {{"123456789012345678901234567890",},
    "8101018511030115030140060040080450181114181110341110200400000404"},
    {{"-4.75",}, "02820a4a0a830a22860208088108208420a830a22820a4a0a830820840088108"},
};
static const struct clkhash_row clkhash_rows_20[] = {
    {{"12",}, "100058a04840004a804c2848000400208044014400010312042a2083080420a0"},
    {{"NA",}, NULL},
    {{"-3",}, "000100328249001a4004d20059021000a2400000130100180600884030a04802"},
};
static const struct clkhash_row clkhash_rows_21[] = {
    {{"12",}, "22a6aab0a66188e2822280aaaaaa23aacab2a4a2a8ba22e0a3a2befd7ff0caa3"},
    {{"NA",}, "81a7027745b55bb410f5677763cc9645179fab45748d232535a520b6dc8771d7"},
    {{"1.5",}, NULL},
};
static const struct clkhash_row clkhash_rows_22[] = {
    {{"\077",}, "0000000000000000000000000000000000000000000000000000000000000000"},
    {{"\077\077",}, "404254c4230440110400884484614c62004510004c80014c4216e0000540000c"},
};
static const struct clkhash_row clkhash_rows_23[] = {
    {{"\077",}, NULL},
    {{"e",}, "000000000000000000000000aaaaa00000000000000000000000000155554000"},
};
static const struct clkhash_row clkhash_rows_24[] = {
    {{"ab",}, "0000000000000000000000000200000000000080000000000000000002000000"},
    {{"",}, "0000000000000000000000000000000000000000000000000000000000000000"},
};
static const struct clkhash_vector clkhash_vectors[] = {
    {"typical",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 1024, \042kdf\042: {\042type\042: \042"
    "HKDF\042, \042salt\042: \042a2l0\134naA==\134n\042, \042info\042: \042 dmVjdG9ycw ==\042}}"
    ", \042features\042: [{\042identifier\042: \042x\042, \042ignored\042: true}, {\042identifi"
    "er\042: \042given\042, \042format\042: {\042type\042: \042string\042, \042maxLength\042: 2"
    "0}, \042hashing\042: {\042comparison\042: {\042type\042: \042ngram\042, \042n\042: 2, \042"
    "positional\042: false}, \042strategy\042: {\042bitsPerFeature\042: 200}, \042hash\042: {"
    "\042type\042: \042blakeHash\042}, \042missingValue\042: {\042sentinel\042: \042\042}}}, {"
    "\042identifier\042: \042family\042, \042format\042: {\042type\042: \042string\042}, \042ha"
    "shing\042: {\042comparison\042: {\042type\042: \042ngram\042, \042n\042: 3, \042positional"
    "\042: true}, \042strategy\042: {\042bitsPerToken\042: 9}}}, {\042identifier\042: \042born"
    "\042, \042format\042: {\042type\042: \042date\042, \042format\042: \042%d.%m.%Y\042}, \042"
    "hashing\042: {\042comparison\042: {\042type\042: \042ngram\042, \042n\042: 1, \042position"
    "al\042: true}, \042strategy\042: {\042bitsPerFeature\042: 100}}}, {\042identifier\042: "
    "\042sex\042, \042format\042: {\042type\042: \042enum\042, \042values\042: [\042f\042, \042"
    "m\042]}, \042hashing\042: {\042comparison\042: {\042type\042: \042exact\042}, \042strategy"
    "\042: {\042bitsPerToken\042: 70}}}]}",
    5, clkhash_rows_0, 5},
    {"double, odd length, folds",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 51, \042kdf\042: {\042type\042: \042HK"
    "DF\042, \042hash\042: \042SHA512\042, \042keySize\042: 100}, \042xor_folds\042: 3}, \042fe"
    "atures\042: [{\042identifier\042: \042a\042, \042format\042: {\042type\042: \042string\042"
    ", \042encoding\042: \042utf-16\042}, \042hashing\042: {\042comparison\042: {\042type\042: "
    "\042ngram\042, \042n\042: 2, \042positional\042: false}, \042strategy\042: {\042bitsPerTok"
    "en\042: 3}, \042hash\042: {\042type\042: \042doubleHash\042, \042prevent_singularity\042: "
    "true}}}, {\042identifier\042: \042b\042, \042format\042: {\042type\042: \042string\042, "
    "\042encoding\042: \042utf-32\042}, \042hashing\042: {\042comparison\042: {\042type\042: "
    "\042ngram\042, \042n\042: 1, \042positional\042: false}, \042strategy\042: {\042bitsPerFea"
    "ture\042: 7}, \042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    2, clkhash_rows_1, 3},
    {"singularities",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 5, \042kdf\042: {\042type\042: \042HKD"
    "F\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type\042:"
    " \042string\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042ngram\042, \042"
    "n\042: 1, \042positional\042: true}, \042strategy\042: {\042bitsPerToken\042: 2}, \042hash"
    "\042: {\042type\042: \042doubleHash\042, \042prevent_singularity\042: true}}}]}",
    1, clkhash_rows_2, 5},
    {"folds of blake",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 64, \042kdf\042: {\042type\042: \042HK"
    "DF\042, \042keySize\042: 1}, \042xor_folds\042: 2}, \042features\042: [{\042identifier\042"
    ": \042a\042, \042format\042: {\042type\042: \042string\042}, \042hashing\042: {\042compari"
    "son\042: {\042type\042: \042ngram\042, \042n\042: 2, \042positional\042: false}, \042strat"
    "egy\042: {\042bitsPerToken\042: 40}}}]}",
    1, clkhash_rows_3, 2},
    {"upper",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042case\042: \042upper\042}, \042hashing\042: {\042comparison\042: "
    "{\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042hash\042:"
    " {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_4, 10},
    {"lower",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042case\042: \042lower\042}, \042hashing\042: {\042comparison\042: "
    "{\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042hash\042:"
    " {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_5, 6},
    {"length",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042minLength\042: 2, \042maxLength\042: 3}, \042hashing\042: {\042c"
    "omparison\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}"
    ", \042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_6, 4},
    {"ascii",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042encoding\042: \042ascii\042}, \042hashing\042: {\042comparison"
    "\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042has"
    "h\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_7, 3},
    {"pattern",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042pattern\042: \042[A-Z]{1,2}\134\134d[\134\134dA-Z]\077|x\134\134"
    "s*y|(\077P<q>['\134\134\134\042])z(\077P=q)|[[:]+\042}, \042hashing\042: {\042comparison"
    "\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042has"
    "h\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_8, 15},
    {"pattern without a lower bound",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042pattern\042: \042a{,2}b\134\134Z\042}, \042hashing\042: {\042com"
    "parison\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, "
    "\042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_9, 4},
    {"pattern with flags",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042pattern\042: \042(\077i)nhs\134\134u002d[^\134\134W\134\134d]+"
    "\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042exact\042}, \042strategy"
    "\042: {\042bitsPerToken\042: 20}, \042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_10, 3},
    {"integer",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042integer\042, \042minimum\042: -5, \042maximum\042: 1000000000000000000}, \042has"
    "hing\042: {\042comparison\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsP"
    "erToken\042: 20}, \042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_11, 20},
    {"two-digit years",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042date\042, \042format\042: \042%y/%b/%d %H:%M:%S%%\042}, \042hashing\042: {\042co"
    "mparison\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20},"
    " \042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_12, 7},
    {"days of the year",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042date\042, \042format\042: \042%A %j %Y\042}, \042hashing\042: {\042comparison"
    "\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042has"
    "h\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_13, 6},
    {"adjacent digits",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042date\042, \042format\042: \042%Y%m%d\042}, \042hashing\042: {\042comparison\042:"
    " {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042hash\042"
    ": {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_14, 8},
    {"month only",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042date\042, \042format\042: \042(%B) %Y.\042}, \042hashing\042: {\042comparison"
    "\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042has"
    "h\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_15, 2},
    {"numeric",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042numeric"
    "\042, \042thresholdDistance\042: 5, \042resolution\042: 2}, \042strategy\042: {\042bitsPer"
    "Token\042: 20}, \042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_16, 25},
    {"numeric, in the middle",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042numeric"
    "\042, \042thresholdDistance\042: 4, \042resolution\042: 1}, \042strategy\042: {\042bitsPer"
    "Token\042: 20}, \042hash\042: {\042type\042: \042doubleHash\042}}}]}",
    1, clkhash_rows_17, 4},
    {"numeric, fractions",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042numeric"
    "\042, \042thresholdDistance\042: 0.25, \042resolution\042: 3, \042fractional_precision\042"
    ": 1}, \042strategy\042: {\042bitsPerToken\042: 20}, \042hash\042: {\042type\042: \042doubl"
    "eHash\042}}}]}",
    1, clkhash_rows_18, 8},
    {"numeric, whole distance",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042numeric"
    "\042, \042thresholdDistance\042: 3, \042resolution\042: 1, \042fractional_precision\042: 2"
    "5}, \042strategy\042: {\042bitsPerToken\042: 20}, \042hash\042: {\042type\042: \042doubleH"
    "ash\042}}}]}",
    1, clkhash_rows_19, 4},
    {"numeric of blake",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042integer\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042numeric"
    "\042, \042thresholdDistance\042: 2.5, \042resolution\042: 4}, \042strategy\042: {\042bitsP"
    "erFeature\042: 50}, \042hash\042: {\042type\042: \042blakeHash\042}, \042missingValue\042:"
    " {\042sentinel\042: \042NA\042}}}]}",
    1, clkhash_rows_20, 3},
    {"numeric, replaced",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042integer\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042numeric"
    "\042, \042thresholdDistance\042: 2, \042resolution\042: 4}, \042strategy\042: {\042bitsPer"
    "Token\042: 20}, \042hash\042: {\042type\042: \042doubleHash\042}, \042missingValue\042: {"
    "\042sentinel\042: \042NA\042, \042replaceWith\042: \0421.5\042}}}]}",
    1, clkhash_rows_21, 3},
    {"replaced by nothing",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042ngram\042,"
    " \042n\042: 2, \042positional\042: false}, \042strategy\042: {\042bitsPerToken\042: 20}, "
    "\042hash\042: {\042type\042: \042doubleHash\042}, \042missingValue\042: {\042sentinel\042:"
    " \042\077\042, \042replaceWith\042: \042\042}}}]}",
    1, clkhash_rows_22, 2},
    {"replaced past ASCII",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042, \042encoding\042: \042ascii\042}, \042hashing\042: {\042comparison"
    "\042: {\042type\042: \042exact\042}, \042strategy\042: {\042bitsPerToken\042: 20}, \042has"
    "h\042: {\042type\042: \042doubleHash\042}, \042missingValue\042: {\042sentinel\042: \042"
    "\077\042, \042replaceWith\042: \042\134u00e9\042}}}]}",
    1, clkhash_rows_23, 2},
    {"long grams",
    "{\042version\042: 3, \042clkConfig\042: {\042l\042: 256, \042kdf\042: {\042type\042: \042H"
    "KDF\042}}, \042features\042: [{\042identifier\042: \042a\042, \042format\042: {\042type"
    "\042: \042string\042}, \042hashing\042: {\042comparison\042: {\042type\042: \042ngram\042,"
    " \042n\042: 9, \042positional\042: false}, \042strategy\042: {\042bitsPerFeature\042: 3}, "
    "\042hash\042: {\042type\042: \042blakeHash\042}}}]}",
    1, clkhash_rows_24, 2},
};

#endif
