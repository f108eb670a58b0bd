/* Words by which the proposer knows what a column holds: names that are frequent in Britain and
 * some other countries, its larger towns, and what roads are called. Written by hand for kith from
 * what is commonly known; no list was copied. They are evidence for a proposal only, and play no
 * part in standardisation. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/propose_parts.h"
#include "daemon/pipeline/words.h"

static const char *const given_names[] = {
    /* clang-format off */
    "aaron", "abdi", "abdul", "abdullah", "abena", "abigail", "abiola", "ada", "adam",
    "agnieszka", "ahmed", "aisha", "akua", "alan", "alana", "albert", "albie", "aleksandra",
    "alessandra", "alexander", "alexandru", "alfie", "ali", "alice", "alison", "ama", "amal",
    "amanda", "amandeep", "amber", "amelia", "amelie", "amina", "amit", "amy", "ana", "andreas",
    "andrei", "andrew", "andrzej", "angela", "anil", "anjali", "ann", "anna", "anne", "anthony",
    "antonio", "arabella", "archie", "aria", "arjun", "arthur", "aryan", "asif", "ava", "ayesha",
    "bailey", "balwinder", "barbara", "barry", "beatriz", "ben", "benjamin", "bernd", "bethany",
    "bilal", "birgit", "blessing", "bonnie", "bradley", "brian", "brianna", "bridget", "brodie",
    "cade", "caitlin", "caleb", "callum", "cameron", "campbell", "carl", "carlos", "carmen",
    "carol", "catherine", "charlie", "charlotte", "chelsea", "chiamaka", "chiara", "chinedu",
    "chloe", "christian", "christine", "christopher", "claire", "colin", "connor", "craig",
    "cristina", "cyril", "daisy", "daniel", "danielle", "darren", "david", "dawn", "dean",
    "deborah", "delilah", "dennis", "derek", "diane", "dmytro", "dominic", "doris", "dorothy",
    "dylan", "ebony", "edward", "eileen", "elena", "elijah", "eliza", "elizabeth", "ella",
    "elsie", "emeka", "emilia", "emily", "emma", "eric", "erin", "ernest", "esme", "ethan", "eva",
    "evelyn", "evie", "ewa", "ezra", "fatima", "fatuma", "finley", "florence", "florin", "flynn",
    "francis", "frank", "frankie", "fred", "freddie", "frederick", "freya", "funmi", "gabriele",
    "gareth", "gary", "gemma", "geoffrey", "george", "georgia", "gerald", "gillian", "giulia",
    "giuseppe", "grace", "graham", "guenther", "gurpreet", "hafsa", "hallie", "hamza", "hannah",
    "hans", "harley", "harold", "harper", "harpreet", "harrison", "harry", "hassan", "hayden",
    "heinz", "helen", "helga", "henry", "hodan", "holly", "hugo", "hui", "hussein", "ian",
    "ibrahim", "imogen", "imran", "ines", "ioana", "ionut", "irene", "iryna", "isaac", "isabella",
    "isabelle", "isla", "ivan", "ivy", "jack", "jacob", "jacqueline", "jacques", "jade", "jake",
    "jakub", "james", "jamie", "jan", "jane", "janet", "jarrod", "jasbir", "jasmine", "jason",
    "jaspreet", "jaxon", "jayden", "jean", "jennifer", "jessica", "jing", "joan", "joanna",
    "joanne", "joao", "joe", "joel", "john", "jordan", "jose", "joseph", "joshua", "joyce",
    "juan", "jude", "juergen", "julia", "julie", "jun", "karen", "karin", "karl", "katarzyna",
    "kate", "katherine", "kathleen", "katie", "kayla", "keith", "kelly", "kenneth", "kevin",
    "khadija", "khalid", "kieran", "kiran", "klaus", "kofi", "krzysztof", "kwabena", "kwame",
    "kyle", "lachlan", "lara", "laura", "lauren", "leanne", "lee", "leo", "leonard", "lesley",
    "lewis", "liam", "lily", "linda", "ling", "linh", "lisa", "logan", "lottie", "louie", "luca",
    "lucas", "lucy", "luis", "lukasz", "luke", "luna", "lynn", "madison", "magdalena", "maisie",
    "maja", "malgorzata", "manjit", "manuel", "marcin", "marco", "margaret", "maria", "marie",
    "mark", "martin", "martina", "mary", "maryam", "mason", "mateusz", "matilda", "matthew",
    "maureen", "max", "maya", "meera", "megan", "mei", "mia", "michael", "michal", "michelle",
    "miguel", "mihai", "mila", "millie", "ming", "minh", "mitchell", "mohammad", "mohammed",
    "monika", "muhammad", "nasreen", "natalie", "nataliia", "natasha", "nathalie", "nathan",
    "neha", "neil", "ngozi", "nguyet", "nicola", "nigel", "noah", "noor", "oksana", "oleksandr",
    "olena", "oliver", "olivia", "oluwaseun", "omar", "oscar", "owen", "paige", "parveen",
    "patricia", "patrick", "paul", "pauline", "pawel", "pedro", "penelope", "peter", "petra",
    "philip", "phoebe", "pierre", "piotr", "pooja", "poppy", "precious", "priya", "rachel",
    "rahul", "raj", "ramesh", "rashid", "ravi", "raymond", "rebecca", "reece", "reginald",
    "rekha", "renate", "reuben", "rhys", "richard", "riley", "robert", "roger", "rohan", "roman",
    "ronald", "rory", "rosa", "rosie", "ruby", "rukhsana", "russell", "ryan", "sabine", "sam",
    "samantha", "samina", "samira", "samuel", "sana", "sandra", "sanjay", "sarah", "scott",
    "sean", "sebastian", "selam", "shabnam", "shannon", "sharon", "shaun", "sheila", "sidney",
    "sienna", "simon", "simran", "sophia", "sophie", "stacey", "stanley", "stefan", "stephanie",
    "stephen", "steven", "stuart", "sukhwinder", "sunita", "suresh", "susan", "sylvie", "tahlia",
    "tariq", "tayla", "temitope", "teresa", "tetiana", "thanh", "theo", "theodore", "thomas",
    "tiago", "tina", "toby", "tom", "tomasz", "tommy", "tracey", "trevor", "tunde", "tyler",
    "umar", "ursula", "ute", "uwe", "vasile", "victoria", "vijay", "vincent", "violet", "walter",
    "wayne", "wei", "wendy", "werner", "william", "willow", "wolfgang", "xin", "yan", "yasmin",
    "yaw", "yi", "yonas", "yusuf", "zac", "zachary", "zain", "zainab", "zali", "zara", "zofia",
    /* clang-format on */
};

static const char *const surnames[] = {
    /* clang-format off */
    "abdi", "adams", "adebayo", "adeyemi", "ahmed", "akhtar", "albrecht", "ali", "allen",
    "anderson", "andrews", "appiah", "armstrong", "arnold", "asante", "aziz", "bailey", "bains",
    "baker", "baldwin", "banks", "barker", "barnes", "bartlett", "bates", "bauer", "baumann",
    "beck", "becker", "begum", "bekele", "bell", "bennett", "berger", "bergmann", "bibi", "bird",
    "bishop", "boateng", "boehm", "bondarenko", "bradley", "brandt", "braun", "brooks", "brown",
    "burgess", "burns", "burton", "busch", "butler", "butt", "byrne", "campbell", "carr",
    "carter", "chan", "chapman", "chaudhry", "chen", "cheung", "chowdhury", "clark", "clarke",
    "cole", "coleman", "collins", "cook", "cooke", "cooper", "cox", "cross", "cunningham",
    "davies", "davis", "day", "dean", "desai", "dhillon", "dietrich", "dixon", "doherty", "doyle",
    "dumitru", "edwards", "elliott", "ellis", "engel", "evans", "eze", "farah", "fernandes",
    "ferrari", "ferreira", "fischer", "fisher", "fletcher", "ford", "foster", "fox", "francis",
    "frank", "franke", "freeman", "french", "friedrich", "fuchs", "gallagher", "garcia",
    "gardner", "gibson", "gill", "gonzalez", "goode", "goodwin", "graf", "graham", "gray",
    "green", "grewal", "griffiths", "gross", "guenther", "gupta", "haas", "hahn", "haile", "hall",
    "hamilton", "harding", "harris", "harrison", "hart", "hartmann", "harvey", "hassan",
    "hawkins", "hayes", "heinrich", "hewitt", "hill", "hodgson", "hoffmann", "hofmann", "holland",
    "holmes", "hopkins", "horn", "howard", "huang", "huber", "hudson", "hughes", "hunt",
    "hussain", "hussein", "ionescu", "iqbal", "ivanov", "jackson", "jaeger", "james", "jenkins",
    "johal", "johnson", "jones", "joshi", "jung", "kaiser", "kaminska", "kaminski", "kaur",
    "keller", "kelly", "kennedy", "khan", "king", "klein", "knight", "koch", "koehler",
    "kovalenko", "kowalczyk", "kowalska", "kowalski", "kraus", "krause", "kravchenko", "krueger",
    "kuehn", "kuhn", "kumar", "lang", "lange", "lawrence", "lawson", "lee", "lehmann",
    "lewandowski", "lewis", "li", "lin", "liu", "lloyd", "long", "lopez", "lorenz", "lowe",
    "ludwig", "macdonald", "mahmood", "malik", "mann", "marshall", "martin", "martinez", "mason",
    "matthews", "may", "mccarthy", "mcdonald", "mehta", "meier", "mensah", "meyer", "miah",
    "miller", "mills", "mirza", "mistry", "moeller", "mohamed", "moore", "morgan", "morris",
    "moyo", "mueller", "murphy", "murray", "nair", "ncube", "nelson", "neumann", "newman",
    "nguyen", "nicholson", "north", "nowak", "nwosu", "obrien", "oconnor", "ogunleye", "okafor",
    "okonkwo", "olawale", "osborne", "osei", "osullivan", "otto", "owen", "owusu", "page",
    "palmer", "parker", "parmar", "parsons", "patel", "paterson", "payne", "pearson", "pereira",
    "perez", "perry", "peters", "petersen", "petrov", "pfeiffer", "pham", "phillips", "pohl",
    "popa", "popescu", "porter", "potter", "powell", "price", "quinn", "radu", "rahman", "rai",
    "raja", "rankine", "read", "rees", "reid", "reynolds", "richards", "richter", "riley",
    "roberts", "robertson", "robinson", "rodriguez", "rogers", "rose", "ross", "rossi", "roth",
    "russo", "ryan", "sanchez", "sanders", "sandhu", "santos", "sauer", "saunders", "schaefer",
    "schmidt", "schneider", "scholz", "schreiber", "schroeder", "schulte", "schulz", "schumacher",
    "schuster", "schwarz", "scott", "seidel", "shah", "sharma", "sharp", "shaw", "sheikh",
    "shepherd", "shevchenko", "sidhu", "silva", "simmons", "simon", "simpson", "singh", "skinner",
    "smith", "sommer", "spencer", "stan", "stein", "stephens", "stephenson", "stevens", "stewart",
    "stone", "sutton", "sykes", "szymanski", "taylor", "tekle", "tesfaye", "thomas", "thompson",
    "thomson", "tkachenko", "tomlinson", "tran", "tucker", "turner", "uddin", "vogel", "vogt",
    "voigt", "wade", "wagner", "walker", "wallace", "walsh", "walter", "wang", "ward", "warren",
    "warsame", "waters", "watson", "watts", "webb", "weber", "webster", "weiss", "wells",
    "werner", "west", "wheeler", "white", "whitehead", "wilkins", "wilkinson", "williams",
    "wilson", "winkler", "winter", "wisniewska", "wisniewski", "wojcik", "wolf", "wolff", "wong",
    "wood", "woods", "wozniak", "wright", "yang", "yates", "young", "zhang", "ziegler",
    "zielinski", "zimmermann",
    /* clang-format on */
};

static const char *const towns[] = {
    /* clang-format off */
    "aberdeen", "adelaide", "ashford", "atherstone", "aylesbury", "ayr", "ballarat", "banbury",
    "bangor", "barnet", "barnsley", "barry", "basildon", "basingstoke", "bath", "bedford",
    "bedworth", "belfast", "bendigo", "berlin", "birkenhead", "birmingham", "blackburn",
    "blackpool", "blacktown", "bolton", "bournemouth", "bradford", "brentwood", "brighton",
    "brisbane", "bristol", "bromley", "bundaberg", "burnley", "burton", "burton on trent", "bury",
    "cairns", "cambridge", "campbelltown", "canberra", "canterbury", "cardiff", "carlisle",
    "chatham", "chelmsford", "cheltenham", "chester", "chesterfield", "chicago", "colchester",
    "corby", "cork", "coventry", "crawley", "crewe", "croydon", "dandenong", "darlington",
    "dartford", "darwin", "daventry", "derby", "derry", "doncaster", "dover", "dublin", "dudley",
    "dundee", "durham", "ealing", "eastbourne", "edinburgh", "enfield", "exeter", "falkirk",
    "frankston", "gateshead", "geelong", "gillingham", "glasgow", "gloucester", "gold coast",
    "gravesend", "greenwich", "grimsby", "guildford", "hackney", "halesowen", "halifax",
    "hamburg", "harlow", "harrogate", "harrow", "hartlepool", "hastings", "hemel hempstead",
    "hereford", "hertford", "high wycombe", "hinckley", "hobart", "hounslow", "hove",
    "huddersfield", "hull", "ilford", "inverness", "ipswich", "islington", "kendal", "kenilworth",
    "kettering", "kidderminster", "kilmarnock", "kingston", "kingston upon hull", "koeln",
    "krakow", "lancaster", "leamington", "leamington spa", "leeds", "leicester", "lewisham",
    "lincoln", "lisburn", "liverpool", "llanelli", "london", "londonderry", "los angeles",
    "loughborough", "luton", "macclesfield", "mackay", "maidenhead", "maidstone", "manchester",
    "mansfield", "margate", "melbourne", "merthyr tydfil", "middlesbrough", "milton keynes",
    "muenchen", "new york", "newcastle", "newcastle upon tyne", "newport", "newry", "northampton",
    "norwich", "nottingham", "nuneaton", "oldham", "oxford", "paisley", "parramatta", "penrith",
    "perth", "peterborough", "plymouth", "poole", "portsmouth", "preston", "reading", "redditch",
    "rochdale", "rockhampton", "romford", "rotherham", "rugby", "salford", "scarborough",
    "scunthorpe", "sheffield", "shrewsbury", "slough", "solihull", "south shields", "southam",
    "southampton", "southend", "southend on sea", "st albans", "st helens", "stafford",
    "stevenage", "stirling", "stockport", "stoke on trent", "stourbridge", "stratford upon avon",
    "sunderland", "sutton", "sutton coldfield", "swansea", "swindon", "sydney", "tamworth",
    "taunton", "telford", "toowoomba", "torquay", "tottenham", "townsville", "truro", "uxbridge",
    "wakefield", "walsall", "warrington", "warszawa", "warwick", "watford", "wellingborough",
    "wembley", "west bromwich", "wigan", "winchester", "windsor", "woking", "wollongong",
    "wolverhampton", "worcester", "worthing", "wrexham", "york",
    /* clang-format on */
};

static const char *const roads[] = {
    /* clang-format off */
    "av", "ave", "avenue", "bank", "boulevard", "circuit", "cl", "close", "common", "court",
    "cove", "cres", "crescent", "croft", "cross", "dell", "dr", "drive", "end", "field", "fields",
    "gardens", "gate", "gdns", "glade", "glebe", "green", "grove", "heath", "hill", "la", "lane",
    "ln", "lodge", "mead", "meadow", "mews", "mount", "parade", "park", "pk", "pl", "place", "rd",
    "ride", "rise", "road", "row", "sq", "square", "st", "street", "tce", "terrace", "vale",
    "view", "walk", "way", "wharf", "yard",
    /* clang-format on */
};

static int compare(const void *word, const void *entry)
{
  return strcmp(word, *(const char *const *)entry);
}

#define LISTED(list, word) (bsearch((word), (list), KITH_COUNT_OF(list), sizeof *(list), compare))

bool kith_word_is_given_name(const char *word)
{
  return LISTED(given_names, word) ||
         (!LISTED(surnames, word) &&
          (kith_word_find(KITH_WORDS_EUROPE, word) || kith_word_find(KITH_WORDS_WORLD, word)));
}

bool kith_word_is_surname(const char *word)
{
  return LISTED(surnames, word) != NULL;
}

bool kith_word_is_town(const char *text)
{
  return LISTED(towns, text) != NULL;
}

bool kith_word_is_road(const char *word)
{
  return LISTED(roads, word) != NULL;
}
