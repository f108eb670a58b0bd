/* Lists of common names, the commonest first, and how people write them. */
#include <string.h>

#include "base/mem.h"
#include "cli/generate/generate.h"

#define LIST(...)                                                                                  \
  {                                                                                                \
    (const char *const[]){__VA_ARGS__},                                                            \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)                                \
  }

/* clang-format off */
#define BRITISH_MALE \
  LIST("James", "David", "John", "Thomas", "Daniel", "Jack", "Michael", "Joshua", "Oliver", \
       "William", "Paul", "George", "Matthew", "Harry", "Andrew", "Mark", "Christopher", \
       "Samuel", "Robert", "Joseph", "Charlie", "Luke", "Adam", "Ryan", "Stephen", "Alexander", \
       "Benjamin", "Callum", "Richard", "Lewis", "Connor", "Peter", "Jacob", "Kevin", "Liam", \
       "Nathan", "Jordan", "Anthony", "Ethan", "Simon", "Jamie", "Noah", "Leo", "Kyle", \
       "Alfie", "Mason", "Tyler", "Brandon", "Aaron", "Dylan", "Archie", "Freddie", "Ian", \
       "Gary", "Craig", "Lee", "Sean", "Jonathan", "Nicholas", "Philip", "Edward", "Patrick", \
       "Reece", "Bradley", "Kieran", "Toby", "Max", "Henry", "Arthur", "Theodore", "Logan", \
       "Finley", "Jayden", "Riley", "Stuart", "Graham", "Keith", "Alan", "Brian", "Roger", \
       "Dennis", "Kenneth", "Owen", "Rhys", "Gareth", "Isaac", "Sebastian", "Elliot", \
       "Dominic", "Zachary", "Frederick", "Albert", "Ronald")
#define BRITISH_FEMALE \
  LIST("Emily", "Sarah", "Olivia", "Charlotte", "Jessica", "Sophie", "Amelia", "Lucy", \
       "Hannah", "Emma", "Rebecca", "Chloe", "Grace", "Laura", "Katie", "Megan", "Susan", \
       "Amy", "Rachel", "Ella", "Lauren", "Lisa", "Samantha", "Abigail", "Karen", "Isabella", \
       "Julie", "Mia", "Poppy", "Nicola", "Elizabeth", "Victoria", "Margaret", "Jennifer", \
       "Georgia", "Molly", "Jade", "Bethany", "Evie", "Lily", "Freya", "Michelle", "Holly", \
       "Eleanor", "Alice", "Louise", "Natasha", "Danielle", "Leah", "Isla", "Zoe", "Gemma", \
       "Daisy", "Mary", "Patricia", "Christine", "Linda", "Kelly", "Anna", "Claire", \
       "Stephanie", "Ruby", "Phoebe", "Imogen", "Harriet", "Florence", "Matilda", "Rosie", \
       "Ava", "Willow", "Erin", "Caitlin", "Paige", "Naomi", "Catherine", "Helen", \
       "Jacqueline", "Janet", "Dorothy", "Joan", "Barbara", "Sheila", "Maureen", "Kathleen", \
       "Millie", "Martha", "Amber", "Shannon", "Courtney", "Maisie")
#define BRITISH_SURNAMES \
  LIST("Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", \
       "Robinson", "Wright", "Thompson", "Evans", "Walker", "White", "Roberts", "Green", \
       "Hall", "Wood", "Jackson", "Clarke", "Harris", "Clark", "Turner", "Hill", "Cooper", \
       "Ward", "Moore", "Morris", "King", "Watson", "Baker", "Harrison", "Morgan", "Patterson", \
       "Allen", "James", "Scott", "Phillips", "Parker", "Bennett", "Young", "Lee", "Martin", \
       "Mitchell", "Cook", "Shaw", "Kelly", "Bailey", "Carter", "Collins", "Murphy", "Bell", \
       "Richardson", "Miller", "Cox", "Marshall", "Simpson", "Price", "Anderson", "Adams", \
       "Wilkinson", "Foster", "Ellis", "Chapman", "Mason", "Murray", "Webb", "Rogers", "Gray", \
       "Hunt", "Mills", "Palmer", "Holmes", "Matthews", "Gibson", "Campbell", "Barnes", \
       "Lloyd", "Knight", "Butler", "Barker", "Jenkins", "Stevens", "Pearson", "Reid", \
       "Fletcher", "Dixon", "Walsh", "O'Brien", "O'Connor", "Byrne", "McCarthy", "O'Neill", \
       "McDonald", "Fisher", "Stewart", "Graham", "Hughes", "Edwards", "Thomas", "Lewis", \
       "Griffiths", "Owen", "Powell", "Francis", "Saunders", "Bradley", "Lane", "Riley", \
       "Burton", "Day", "Hart", "Bishop", "Porter", "Nicholson", "Hopkins", "Lawson", \
       "Brookes", "Hewitt", "Thorpe", "Lambert", "Sutton", "Cartwright", "Hodgson", "Sharpe", \
       "Tranter", "Whitehouse", "Ashby", "Bradshaw", "Cottrell", "Drury", "Farnsworth", \
       "Gilchrist", "Haddon", "Ibbotson", "Jeffcoat", "Kirkby", "Latimer", "Munro", \
       "Northcott", "Ogden", "Pemberton", "Quigley", "Rushton", "Stanway", "Twigg", \
       "Underhill", "Vickers", "Wagstaff", "Yardley", "Penhaligon", "Fairclough", "Beardsley", \
       "Millward", "Satchwell", "Hackett")
#define MUSLIM_MALE \
  LIST("Mohammed", "Ahmed", "Ali", "Hassan", "Ibrahim", "Abdullah", "Yusuf", "Omar", "Hamza", \
       "Bilal", "Imran", "Zain", "Hussain", "Khalid", "Usman", "Adnan", "Asif", "Tariq", \
       "Kamran", "Nadeem", "Faisal", "Junaid", "Haris", "Zeeshan", "Irfan", "Shahid", "Waqas", \
       "Rizwan", "Mohammed Ali", "Abdul Rahman", "Syed", "Amir", "Sajid", "Javed", "Naveed", \
       "Idris")
#define MUSLIM_FEMALE \
  LIST("Fatima", "Aisha", "Maryam", "Zainab", "Khadija", "Amina", "Sana", "Saima", "Nadia", \
       "Shabana", "Rukhsana", "Nasreen", "Samina", "Shazia", "Farah", "Hafsa", "Iqra", \
       "Sumaiya", "Noor", "Rabia", "Uzma", "Bushra", "Hina", "Mehwish", "Sadia", "Tahira", \
       "Yasmin", "Zara")
/* clang-format on */

const struct kith_gen_tradition kith_gen_traditions[] = {
    /* clang-format off */
    {62, KITH_GEN_SHARED, BRITISH_MALE, BRITISH_FEMALE, BRITISH_SURNAMES},
    {3, KITH_GEN_SHARED,
     LIST("Michael", "Marcus", "Anthony", "Leon", "Jermaine", "Devon", "Winston", "Carlton",
          "Jerome", "Tyrone", "Kai", "Malachi", "Andre", "Delroy", "Errol", "Dwayne", "Reuben"),
     LIST("Sharon", "Simone", "Marcia", "Chantelle", "Tanya", "Jasmine", "Keisha", "Monique",
          "Yvonne", "Beverley", "Renee", "Shanice", "Tiana", "Aaliyah", "Camille", "Sonia"),
     LIST("Campbell", "Brown", "Williams", "Clarke", "Francis", "Gordon", "Grant", "Bailey",
          "Henry", "Thompson", "Reid", "Stewart", "Morgan", "Walters", "Samuels", "Edwards",
          "Blake", "Barrett", "Pinnock", "Lawrence", "Wallace", "Anderson", "Palmer")},
    {5, KITH_GEN_SIKH,
     LIST("Gurpreet", "Harpreet", "Manjit", "Jaspreet", "Amarjit", "Sukhdev", "Baljit", "Rajinder",
          "Hardeep", "Kuldip", "Simran", "Arjan", "Jagdeep", "Paramjit", "Ravinder", "Tejinder"),
     LIST("Manpreet", "Harpreet", "Jaswinder", "Kiranjit", "Simran", "Surinder", "Balvinder",
          "Navdeep", "Amrit", "Gurpreet", "Rajvinder", "Parminder", "Jasleen", "Sukhvinder"),
     LIST("Gill", "Sandhu", "Dhillon", "Sidhu", "Grewal", "Bains", "Dhaliwal", "Mann", "Sahota",
          "Chahal", "Johal", "Rai", "Atwal", "Kang", "Virk", "Sohal", "Bassi", "Nijjar")},
    {4, KITH_GEN_SHARED,
     LIST("Rahul", "Amit", "Sanjay", "Vijay", "Ramesh", "Nikhil", "Kiran", "Dev", "Arjun", "Rohan",
          "Ashok", "Hitesh", "Mahesh", "Bhavesh", "Jay", "Aarav", "Dinesh", "Chetan", "Vishal"),
     LIST("Priya", "Anjali", "Nisha", "Hina", "Meera", "Pooja", "Kavita", "Sunita", "Rekha",
          "Bhavna", "Jyoti", "Anita", "Hetal", "Diya", "Riya", "Asha", "Geeta", "Sangita"),
     LIST("Patel", "Shah", "Mistry", "Sharma", "Desai", "Joshi", "Parmar", "Solanki", "Chauhan",
          "Mehta", "Kumar", "Modi", "Lad", "Gandhi", "Trivedi", "Panchal", "Soni", "Vaghela")},
    {7, KITH_GEN_MUSLIM, MUSLIM_MALE, MUSLIM_FEMALE,
     LIST("Khan", "Ahmed", "Hussain", "Ali", "Malik", "Iqbal", "Mahmood", "Akhtar", "Shah", "Mirza",
          "Qureshi", "Chaudhry", "Rashid", "Aslam", "Butt", "Sheikh", "Raja", "Rehman", "Siddiqui",
          "Zaman", "Younis", "Arshad", "Bashir", "Farooq", "Ul-Haq")},
    {2, KITH_GEN_MUSLIM, MUSLIM_MALE, MUSLIM_FEMALE,
     LIST("Miah", "Rahman", "Islam", "Hoque", "Uddin", "Chowdhury", "Alam", "Ali", "Hossain",
          "Ahmed", "Sarkar", "Talukdar", "Karim", "Choudhury", "Haque")},
    {5, KITH_GEN_SLAVIC,
     LIST("Piotr", "Krzysztof", "Andrzej", "Tomasz", "Paweł", "Michał", "Marcin", "Jakub", "Adam",
          "Łukasz", "Grzegorz", "Mateusz", "Kacper", "Szymon", "Filip", "Wojciech", "Stanisław"),
     LIST("Anna", "Katarzyna", "Agnieszka", "Małgorzata", "Magdalena", "Joanna", "Ewa", "Monika",
          "Zuzanna", "Maja", "Oliwia", "Aleksandra", "Natalia", "Zofia", "Karolina", "Elżbieta"),
     LIST("Nowak", "Kowalski", "Wiśniewski", "Wójcik", "Kowalczyk", "Kamiński", "Lewandowski",
          "Zieliński", "Szymański", "Woźniak", "Dąbrowski", "Kozłowski", "Jankowski", "Mazur",
          "Krawczyk", "Piotrowski", "Grabowski", "Pawłowski", "Król", "Wróbel", "Górski")},
    {2, KITH_GEN_SHARED,
     LIST("Andrei", "Alexandru", "Ionuț", "Mihai", "Cristian", "Florin", "Marian", "Gabriel",
          "Ștefan", "Vasile", "Adrian", "Bogdan", "Răzvan", "Darius", "Luca"),
     LIST("Maria", "Elena", "Ioana", "Andreea", "Mihaela", "Cristina", "Alexandra", "Ana",
          "Daniela", "Gabriela", "Ștefania", "Roxana", "Sofia", "Denisa"),
     LIST("Popescu", "Ionescu", "Popa", "Radu", "Dumitru", "Stan", "Stoica", "Gheorghe", "Rusu",
          "Munteanu", "Matei", "Marin", "Constantin", "Ciobanu", "Țăran", "Ungureanu")},
    {4, KITH_GEN_SHARED,
     LIST("Emmanuel", "Samuel", "David", "Daniel", "Chukwuemeka", "Oluwaseun", "Tunde", "Kwame",
          "Kofi", "Ikenna", "Babatunde", "Femi", "Obinna", "Kwabena", "Sunday", "Ayodele"),
     LIST("Blessing", "Grace", "Esther", "Ngozi", "Chioma", "Folake", "Abena", "Ama", "Adaeze",
          "Yetunde", "Oluwakemi", "Akosua", "Mercy", "Ifeoma", "Temitope", "Joy"),
     LIST("Okafor", "Adebayo", "Mensah", "Owusu", "Okonkwo", "Ogunleye", "Boateng", "Eze",
          "Adeyemi", "Osei", "Nwosu", "Asante", "Balogun", "Appiah", "Obi", "Oladipo", "Agyeman")},
    {2, KITH_GEN_PATRONYM,
     LIST("Abdi", "Mohamed", "Hassan", "Ahmed", "Abdirahman", "Farah", "Omar", "Yusuf", "Ali",
          "Abdullahi", "Mahad", "Liban", "Jama", "Warsame", "Ismail", "Guled"),
     LIST("Amina", "Hodan", "Fadumo", "Asha", "Halima", "Sahra", "Ifrah", "Khadra", "Naima",
          "Ayan", "Maryan", "Hibo", "Idil", "Deqa"),
     LIST("Abdi", "Mohamed", "Hassan", "Ahmed", "Farah", "Omar", "Yusuf", "Ali", "Jama",
          "Warsame", "Ismail", "Aden", "Nur", "Hersi")},
    {2, KITH_GEN_SHARED,
     LIST("Ahmad", "Mustafa", "Omar", "Karim", "Yasser", "Khaled", "Rami", "Samir", "Tareq",
          "Mahmoud", "Anas", "Walid", "Ziad", "Nabil"),
     LIST("Layla", "Nour", "Rania", "Huda", "Salma", "Dina", "Reem", "Yara", "Hanan", "Lina",
          "Sawsan", "Mona", "Rasha"),
     LIST("Al-Hassan", "Al-Masri", "Haddad", "Khoury", "Al-Rawi", "Mansour", "Saleh", "Nasser",
          "Al-Jabouri", "Hamdan", "El-Sayed", "Darwish", "Karimi", "Al-Bayati")},
    {2, KITH_GEN_CHINESE,
     LIST("Wei Ming", "Jun Jie", "Zi Hao", "Yi Fan", "Jian Guo", "Hao Ran", "Ming Ze", "Tian Yu",
          "Xiao Long", "Zhi Yuan", "Jia Wei", "Bo Wen"),
     LIST("Xiao Ling", "Mei Hua", "Yu Ting", "Jia Yi", "Xin Yi", "Li Na", "Ya Nan", "Shu Fen",
          "Wen Jing", "Zi Xuan", "Hui Min", "Yan Li"),
     LIST("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Huang", "Zhao", "Wu", "Zhou", "Xu", "Lin",
          "Wong", "Chan", "Cheung", "Lam")},
    /* clang-format on */
};
const uint32_t kith_gen_n_traditions = KITH_COUNT_OF(kith_gen_traditions);

const struct kith_gen_list kith_gen_streets = LIST(
    "High Street", "Station Road", "Church Lane", "Mill Lane", "Orchard Close", "Windmill Road",
    "Park Avenue", "Queens Road", "Kings Road", "Victoria Street", "Albert Street", "Green Lane",
    "Manor Drive", "Chapel Street", "School Lane", "Grove Road", "Meadow Way", "Brook Street",
    "Hawthorn Close", "Beech Avenue", "Elm Grove", "Cedar Drive", "Ash Crescent", "Poplar Road",
    "Cathedral View", "Weavers Walk", "Ribbon Street", "Watchmakers Yard", "Cycle Works Road",
    "Canal Side", "Quarry Gardens", "Spinney Lane", "Foxglove Close", "Heron Way", "Kestrel Rise",
    "Larkspur Gardens", "Nightingale Road", "Oakfield Terrace", "Pinfold Street", "Quinton Park",
    "Rowan Court", "Sycamore Avenue", "Thistle Field", "Upper Spon Row", "Vicarage Hill",
    "Willow Bank", "Yew Tree Lane", "Almond Place", "Bramble Croft", "Coundon Rise");

/* One name, in spellings that all are in use. */
static const char *const spellings[][8] = {
    {"Mohammed", "Muhammad", "Mohamed", "Mohammad", "Muhammed", "Mohamad"},
    {"Ahmed", "Ahmad"},
    {"Hussain", "Hussein", "Husain", "Hussien"},
    {"Yusuf", "Yousuf", "Youssef", "Yousef"},
    {"Aisha", "Ayesha", "Aysha"},
    {"Fatima", "Fatema", "Fatimah"},
    {"Khadija", "Khadijah", "Kadija"},
    {"Zainab", "Zaynab", "Zainib"},
    {"Maryam", "Mariam", "Marium"},
    {"Chaudhry", "Choudhry", "Chowdhury", "Choudhury"},
    {"Rehman", "Rahman"},
    {"Sheikh", "Shaikh"},
    {"Usman", "Osman", "Uthman"},
    {"Catherine", "Katherine", "Kathryn", "Katharine"},
    {"Stephen", "Steven"},
    {"Jonathan", "Jonathon", "Johnathan"},
    {"Nicola", "Nichola"},
    {"Rebecca", "Rebekah"},
    {"Sarah", "Sara"},
    {"Zoe", "Zoey", "Zoë"},
    {"Philip", "Phillip"},
    {"Callum", "Calum"},
    {"Reece", "Rhys"},
    {"Clarke", "Clark"},
    {"Thompson", "Thomson"},
    {"Phillips", "Philips"},
    {"Reid", "Read", "Reed"},
    {"Stewart", "Stuart"},
    {"McDonald", "MacDonald"},
    {"Matthews", "Mathews"},
    {"Aleksandra", "Alexandra"},
    {"Oliwia", "Olivia"},
    {"Zofia", "Sofia", "Sophia"},
    {"Cheung", "Zhang"},
    {"Adebayo", "Adebayor"},
};

static const char *const nicknames[][4] = {
    {"James", "Jim", "Jamie"},
    {"David", "Dave"},
    {"Thomas", "Tom", "Tommy"},
    {"Daniel", "Dan", "Danny"},
    {"Michael", "Mike", "Mick"},
    {"Joshua", "Josh"},
    {"Oliver", "Ollie"},
    {"William", "Will", "Bill", "Billy"},
    {"Matthew", "Matt"},
    {"Andrew", "Andy"},
    {"Christopher", "Chris"},
    {"Samuel", "Sam"},
    {"Robert", "Rob", "Bob", "Bobby"},
    {"Joseph", "Joe"},
    {"Stephen", "Steve"},
    {"Alexander", "Alex"},
    {"Benjamin", "Ben"},
    {"Richard", "Rick", "Dick"},
    {"Anthony", "Tony"},
    {"Nicholas", "Nick"},
    {"Edward", "Ted", "Eddie"},
    {"Patrick", "Paddy", "Pat"},
    {"Kenneth", "Ken"},
    {"Frederick", "Fred", "Freddie"},
    {"Zachary", "Zac"},
    {"Jessica", "Jess"},
    {"Sophie", "Soph"},
    {"Rebecca", "Becky"},
    {"Samantha", "Sam"},
    {"Abigail", "Abby"},
    {"Isabella", "Bella", "Izzy"},
    {"Elizabeth", "Liz", "Beth"},
    {"Victoria", "Vicky"},
    {"Margaret", "Maggie", "Peggy"},
    {"Jennifer", "Jenny"},
    {"Bethany", "Beth"},
    {"Eleanor", "Ellie", "Nell"},
    {"Natasha", "Tasha"},
    {"Patricia", "Pat", "Trish"},
    {"Christine", "Chris"},
    {"Stephanie", "Steph"},
    {"Catherine", "Cathy", "Kate"},
    {"Mohammed", "Mo"},
    {"Gurpreet", "Gary"},
    {"Krzysztof", "Kris"},
    {"Aleksandra", "Ola"},
    {"Małgorzata", "Gosia"},
    {"Agnieszka", "Aga"},
    {"Oluwaseun", "Seun"},
    {"Oluwakemi", "Kemi"},
    {"Chukwuemeka", "Emeka"},
    {"Babatunde", "Tunde"},
    {"Emmanuel", "Manny"},
    {"Alexandru", "Alex"},
};

const char *kith_gen_spelling(struct kith_gen_rng *rng, const char *name)
{
  for (size_t i = 0; i < KITH_COUNT_OF(spellings); i++) {
    uint32_t n = 0;
    bool found = false;

    for (; n < KITH_COUNT_OF(spellings[i]) && spellings[i][n]; n++)
      found = found || strcmp(spellings[i][n], name) == 0;
    if (found)
      return spellings[i][kith_gen_below(rng, n)];
  }
  return NULL;
}

const char *kith_gen_nickname(struct kith_gen_rng *rng, const char *name)
{
  for (size_t i = 0; i < KITH_COUNT_OF(nicknames); i++) {
    uint32_t n = 1;

    if (strcmp(nicknames[i][0], name) != 0)
      continue;
    while (n < KITH_COUNT_OF(nicknames[i]) && nicknames[i][n])
      n++;
    return nicknames[i][1 + kith_gen_below(rng, n - 1)];
  }
  return NULL;
}
