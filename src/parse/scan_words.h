/* Scan words: made by tools/make-scan-words, where the lists are; do not change it here. */
#ifndef ED_PARSE_SCAN_WORDS_H
#define ED_PARSE_SCAN_WORDS_H

#include <stdint.h>

enum scan_list {
    LIST_UNIT = 1,
    LIST_DATE = 2,
    LIST_EXT = 4,
    LIST_BOOL = 8,
    LIST_MSGKEY = 16,
    LIST_PREP = 32,
    LIST_POLAR = 64
};

#define SCAN_SLOTS           1024
#define SCAN_MULTIPLIER_LOW  UINT64_C(0x9E3779B97F4A7C15)
#define SCAN_MULTIPLIER_HIGH UINT64_C(0xD6E8FEB86659FD93)
#define SCAN_SHIFT           54

/* Folded, its bytes as two little-endian numbers filled up with zeros. */
struct scan_word {
    uint64_t low, high;
    uint8_t lists, polar;
};

static const struct scan_word scan_words[209] = {
    {0, 0, 0, 0},
    {0x646574726f6261, 0x0, LIST_POLAR, 14},               /* aborted */
    {0x6465747065636361, 0x0, LIST_POLAR, 11},             /* accepted */
    {0x73736572646461, 0x0, LIST_PREP, 0},                 /* address */
    {0x6d61, 0x0, LIST_UNIT, 0},                           /* am */
    {0x727061, 0x0, LIST_DATE, 0},                         /* apr */
    {0x7461, 0x0, LIST_PREP, 0},                           /* at */
    {0x677561, 0x0, LIST_DATE, 0},                         /* aug */
    {0x6c62616c69617661, 0x65, LIST_POLAR, 44},            /* available */
    {0x62, 0x0, LIST_UNIT, 0},                             /* b */
    {0x6b6162, 0x0, LIST_EXT, 0},                          /* bak */
    {0x7962, 0x0, LIST_PREP, 0},                           /* by */
    {0x65747962, 0x0, LIST_UNIT, 0},                       /* byte */
    {0x7365747962, 0x0, LIST_UNIT, 0},                     /* bytes */
    {0x746f6e6e6163, 0x0, LIST_POLAR, 35},                 /* cannot */
    {0x746163, 0x0, LIST_EXT, 0},                          /* cat */
    {0x746463, 0x0, LIST_UNIT, 0},                         /* cdt */
    {0x74736563, 0x0, LIST_UNIT, 0},                       /* cest */
    {0x746563, 0x0, LIST_UNIT, 0},                         /* cet */
    {0x676663, 0x0, LIST_EXT, 0},                          /* cfg */
    {0x7373616c63, 0x0, LIST_EXT, 0},                      /* class */
    {0x746e65696c63, 0x0, LIST_PREP, 0},                   /* client */
    {0x65736f6c63, 0x0, LIST_POLAR, 22},                   /* close */
    {0x6465736f6c63, 0x0, LIST_POLAR, 22},                 /* closed */
    {0x6e63, 0x0, LIST_EXT, 0},                            /* cn */
    {0x6d6f63, 0x0, LIST_EXT, 0},                          /* com */
    {0x666e6f63, 0x0, LIST_EXT, 0},                        /* conf */
    {0x657463656e6e6f63, 0x64, LIST_POLAR, 29},            /* connected */
    {0x74707572726f63, 0x0, LIST_POLAR, 42},               /* corrupt */
    {0x6574707572726f63, 0x64, LIST_POLAR, 42},            /* corrupted */
    {0x707063, 0x0, LIST_EXT, 0},                          /* cpp */
    {0x64656873617263, 0x0, LIST_POLAR, 15},               /* crashed */
    {0x6c61636974697263, 0x0, LIST_POLAR, 4},              /* critical */
    {0x747263, 0x0, LIST_EXT, 0},                          /* crt */
    {0x737363, 0x0, LIST_EXT, 0},                          /* css */
    {0x747363, 0x0, LIST_UNIT, 0},                         /* cst */
    {0x767363, 0x0, LIST_EXT, 0},                          /* csv */
    {0x746164, 0x0, LIST_EXT, 0},                          /* dat */
    {0x796164, 0x0, LIST_UNIT, 0},                         /* day */
    {0x73796164, 0x0, LIST_UNIT, 0},                       /* days */
    {0x6264, 0x0, LIST_EXT, 0},                            /* db */
    {0x6564, 0x0, LIST_EXT, 0},                            /* de */
    {0x6775626564, 0x0, LIST_POLAR, 0},                    /* debug */
    {0x636564, 0x0, LIST_DATE, 0},                         /* dec */
    {0x6465696e6564, 0x0, LIST_POLAR, 8},                  /* denied */
    {0x64656c6261736964, 0x0, LIST_POLAR, 28},             /* disabled */
    {0x656e6e6f63736964, 0x64657463, LIST_POLAR, 30},      /* disconnected */
    {0x6c6c64, 0x0, LIST_EXT, 0},                          /* dll */
    {0x6e69616d6f64, 0x0, LIST_PREP, 0},                   /* domain */
    {0x6e776f64, 0x0, LIST_POLAR, 18},                     /* down */
    {0x746465, 0x0, LIST_UNIT, 0},                         /* edt */
    {0x756465, 0x0, LIST_EXT, 0},                          /* edu */
    {0x64656c62616e65, 0x0, LIST_POLAR, 27},               /* enabled */
    {0x727265, 0x0, LIST_MSGKEY, 0},                       /* err */
    {0x726f727265, 0x0, LIST_MSGKEY | LIST_POLAR, 3},      /* error */
    {0x73726f727265, 0x0, LIST_POLAR, 3},                  /* errors */
    {0x747365, 0x0, LIST_UNIT, 0},                         /* est */
    {0x746e657665, 0x0, LIST_MSGKEY, 0},                   /* event */
    {0x6465646565637865, 0x0, LIST_POLAR, 40},             /* exceeded */
    {0x6f69747065637865, 0x6e, LIST_MSGKEY, 0},            /* exception */
    {0x657865, 0x0, LIST_EXT, 0},                          /* exe */
    {0x64657269707865, 0x0, LIST_POLAR, 41},               /* expired */
    {0x6c696166, 0x0, LIST_POLAR, 6},                      /* fail */
    {0x64656c696166, 0x0, LIST_POLAR, 6},                  /* failed */
    {0x736c696166, 0x0, LIST_POLAR, 6},                    /* fails */
    {0x6572756c696166, 0x0, LIST_POLAR, 6},                /* failure */
    {0x65736c6166, 0x0, LIST_BOOL | LIST_POLAR, 38},       /* false */
    {0x6c61746166, 0x0, LIST_POLAR, 5},                    /* fatal */
    {0x626566, 0x0, LIST_DATE, 0},                         /* feb */
    {0x656c6966, 0x0, LIST_PREP, 0},                       /* file */
    {0x726f66, 0x0, LIST_PREP, 0},                         /* for */
    {0x7266, 0x0, LIST_EXT, 0},                            /* fr */
    {0x697266, 0x0, LIST_DATE, 0},                         /* fri */
    {0x6d6f7266, 0x0, LIST_PREP, 0},                       /* from */
    {0x67, 0x0, LIST_UNIT, 0},                             /* g */
    {0x6267, 0x0, LIST_UNIT, 0},                           /* gb */
    {0x7a6867, 0x0, LIST_UNIT, 0},                         /* ghz */
    {0x626967, 0x0, LIST_UNIT, 0},                         /* gib */
    {0x746d67, 0x0, LIST_UNIT, 0},                         /* gmt */
    {0x766f67, 0x0, LIST_EXT, 0},                          /* gov */
    {0x7a67, 0x0, LIST_EXT, 0},                            /* gz */
    {0x68, 0x0, LIST_UNIT, 0},                             /* h */
    {0x74736f68, 0x0, LIST_PREP, 0},                       /* host */
    {0x72756f68, 0x0, LIST_UNIT, 0},                       /* hour */
    {0x7372756f68, 0x0, LIST_UNIT, 0},                     /* hours */
    {0x707068, 0x0, LIST_EXT, 0},                          /* hpp */
    {0x6d7468, 0x0, LIST_EXT, 0},                          /* htm */
    {0x6c6d7468, 0x0, LIST_EXT, 0},                        /* html */
    {0x7a68, 0x0, LIST_UNIT, 0},                           /* hz */
    {0x6e69, 0x0, LIST_PREP, 0},                           /* in */
    {0x6f666e69, 0x0, LIST_POLAR, 1},                      /* info */
    {0x696e69, 0x0, LIST_EXT, 0},                          /* ini */
    {0x64696c61766e69, 0x0, LIST_POLAR, 32},               /* invalid */
    {0x6f69, 0x0, LIST_EXT, 0},                            /* io */
    {0x6e616a, 0x0, LIST_DATE, 0},                         /* jan */
    {0x72616a, 0x0, LIST_EXT, 0},                          /* jar */
    {0x6176616a, 0x0, LIST_EXT, 0},                        /* java */
    {0x706a, 0x0, LIST_EXT, 0},                            /* jp */
    {0x736a, 0x0, LIST_EXT, 0},                            /* js */
    {0x6e6f736a, 0x0, LIST_EXT, 0},                        /* json */
    {0x6c756a, 0x0, LIST_DATE, 0},                         /* jul */
    {0x6e756a, 0x0, LIST_DATE, 0},                         /* jun */
    {0x6b, 0x0, LIST_UNIT, 0},                             /* k */
    {0x626b, 0x0, LIST_UNIT, 0},                           /* kb */
    {0x79656b, 0x0, LIST_EXT, 0},                          /* key */
    {0x62696b, 0x0, LIST_UNIT, 0},                         /* kib */
    {0x64656c6c696b, 0x0, LIST_POLAR, 13},                 /* killed */
    {0x6b636f6c, 0x0, LIST_EXT, 0},                        /* lock */
    {0x676f6c, 0x0, LIST_EXT, 0},                          /* log */
    {0x74736f6c, 0x0, LIST_POLAR, 16},                     /* lost */
    {0x6d, 0x0, LIST_UNIT, 0},                             /* m */
    {0x74736566696e616d, 0x0, LIST_EXT, 0},                /* manifest */
    {0x72616d, 0x0, LIST_DATE, 0},                         /* mar */
    {0x79616d, 0x0, LIST_DATE, 0},                         /* may */
    {0x626d, 0x0, LIST_UNIT, 0},                           /* mb */
    {0x74646d, 0x0, LIST_UNIT, 0},                         /* mdt */
    {0x6567617373656d, 0x0, LIST_MSGKEY, 0},               /* message */
    {0x7a686d, 0x0, LIST_UNIT, 0},                         /* mhz */
    {0x62696d, 0x0, LIST_UNIT, 0},                         /* mib */
    {0x6e696d, 0x0, LIST_UNIT, 0},                         /* min */
    {0x736e696d, 0x0, LIST_UNIT, 0},                       /* mins */
    {0x6574756e696d, 0x0, LIST_UNIT, 0},                   /* minute */
    {0x736574756e696d, 0x0, LIST_UNIT, 0},                 /* minutes */
    {0x676e697373696d, 0x0, LIST_POLAR, 46},               /* missing */
    {0x6e6f6d, 0x0, LIST_DATE, 0},                         /* mon */
    {0x736d, 0x0, LIST_UNIT, 0},                           /* ms */
    {0x67736d, 0x0, LIST_MSGKEY, 0},                       /* msg */
    {0x74736d, 0x0, LIST_UNIT, 0},                         /* mst */
    {0x6d756d, 0x0, LIST_EXT, 0},                          /* mum */
    {0x656d616e, 0x0, LIST_PREP, 0},                       /* name */
    {0x74656e, 0x0, LIST_EXT, 0},                          /* net */
    {0x6f6e, 0x0, LIST_BOOL | LIST_POLAR, 34},             /* no */
    {0x65646f6e, 0x0, LIST_PREP, 0},                       /* node */
    {0x746f6e, 0x0, LIST_POLAR, 33},                       /* not */
    {0x766f6e, 0x0, LIST_DATE, 0},                         /* nov */
    {0x736e, 0x0, LIST_UNIT, 0},                           /* ns */
    {0x74636f, 0x0, LIST_DATE, 0},                         /* oct */
    {0x666f, 0x0, LIST_PREP, 0},                           /* of */
    {0x66666f, 0x0, LIST_BOOL | LIST_POLAR, 20},           /* off */
    {0x6b6f, 0x0, LIST_POLAR, 26},                         /* ok */
    {0x6e6f, 0x0, LIST_BOOL | LIST_PREP | LIST_POLAR, 19}, /* on */
    {0x6e65706f, 0x0, LIST_POLAR, 21},                     /* open */
    {0x64656e65706f, 0x0, LIST_POLAR, 21},                 /* opened */
    {0x67726f, 0x0, LIST_EXT, 0},                          /* org */
    {0x63696e6170, 0x0, LIST_POLAR, 7},                    /* panic */
    {0x68746170, 0x0, LIST_PREP, 0},                       /* path */
    {0x746470, 0x0, LIST_UNIT, 0},                         /* pdt */
    {0x6d6570, 0x0, LIST_EXT, 0},                          /* pem */
    {0x646970, 0x0, LIST_EXT, 0},                          /* pid */
    {0x6d70, 0x0, LIST_UNIT, 0},                           /* pm */
    {0x69747265706f7270, 0x7365, LIST_EXT, 0},             /* properties */
    {0x747370, 0x0, LIST_UNIT, 0},                         /* pst */
    {0x7970, 0x0, LIST_EXT, 0},                            /* py */
    {0x6e6f73616572, 0x0, LIST_MSGKEY, 0},                 /* reason */
    {0x64657375666572, 0x0, LIST_POLAR, 9},                /* refused */
    {0x64657463656a6572, 0x0, LIST_POLAR, 10},             /* rejected */
    {0x7572, 0x0, LIST_EXT, 0},                            /* ru */
    {0x73, 0x0, LIST_UNIT, 0},                             /* s */
    {0x746173, 0x0, LIST_DATE, 0},                         /* sat */
    {0x636573, 0x0, LIST_UNIT, 0},                         /* sec */
    {0x646e6f636573, 0x0, LIST_UNIT, 0},                   /* second */
    {0x73646e6f636573, 0x0, LIST_UNIT, 0},                 /* seconds */
    {0x73636573, 0x0, LIST_UNIT, 0},                       /* secs */
    {0x706573, 0x0, LIST_DATE, 0},                         /* sep */
    {0x726576726573, 0x0, LIST_PREP, 0},                   /* server */
    {0x6873, 0x0, LIST_EXT, 0},                            /* sh */
    {0x6f73, 0x0, LIST_EXT, 0},                            /* so */
    {0x6b636f73, 0x0, LIST_EXT, 0},                        /* sock */
    {0x7472617473, 0x0, LIST_POLAR, 23},                   /* start */
    {0x64657472617473, 0x0, LIST_POLAR, 23},               /* started */
    {0x676e697472617473, 0x0, LIST_POLAR, 23},             /* starting */
    {0x706f7473, 0x0, LIST_POLAR, 24},                     /* stop */
    {0x646570706f7473, 0x0, LIST_POLAR, 24},               /* stopped */
    {0x676e6970706f7473, 0x0, LIST_POLAR, 24},             /* stopping */
    {0x6564656563637573, 0x64, LIST_POLAR, 25},            /* succeeded */
    {0x73736563637573, 0x0, LIST_POLAR, 25},               /* success */
    {0x6673736563637573, 0x6c75, LIST_POLAR, 25},          /* successful */
    {0x6e7573, 0x0, LIST_DATE, 0},                         /* sun */
    {0x737973, 0x0, LIST_EXT, 0},                          /* sys */
    {0x726174, 0x0, LIST_EXT, 0},                          /* tar */
    {0x6274, 0x0, LIST_UNIT, 0},                           /* tb */
    {0x756874, 0x0, LIST_DATE, 0},                         /* thu */
    {0x64656d6974, 0x0, LIST_POLAR, 12},                   /* timed */
    {0x74756f656d6974, 0x0, LIST_POLAR, 12},               /* timeout */
    {0x706d74, 0x0, LIST_EXT, 0},                          /* tmp */
    {0x6f74, 0x0, LIST_PREP, 0},                           /* to */
    {0x65757274, 0x0, LIST_BOOL | LIST_POLAR, 37},         /* true */
    {0x657574, 0x0, LIST_DATE, 0},                         /* tue */
    {0x747874, 0x0, LIST_EXT, 0},                          /* txt */
    {0x6b75, 0x0, LIST_EXT, 0},                            /* uk */
    {0x656c62616e75, 0x0, LIST_POLAR, 36},                 /* unable */
    {0x616c696176616e75, 0x656c62, LIST_POLAR, 45},        /* unavailable */
    {0x6168636165726e75, 0x656c62, LIST_POLAR, 43},        /* unreachable */
    {0x7075, 0x0, LIST_POLAR, 17},                         /* up */
    {0x7375, 0x0, LIST_UNIT, 0},                           /* us */
    {0x72657375, 0x0, LIST_PREP, 0},                       /* user */
    {0x637475, 0x0, LIST_UNIT, 0},                         /* utc */
    {0x64696c6176, 0x0, LIST_POLAR, 31},                   /* valid */
    {0x616976, 0x0, LIST_PREP, 0},                         /* via */
    {0x726177, 0x0, LIST_EXT, 0},                          /* war */
    {0x6e726177, 0x0, LIST_POLAR, 2},                      /* warn */
    {0x676e696e726177, 0x0, LIST_POLAR, 2},                /* warning */
    {0x646577, 0x0, LIST_DATE, 0},                         /* wed */
    {0x68746977, 0x0, LIST_PREP, 0},                       /* with */
    {0x6c6d78, 0x0, LIST_EXT, 0},                          /* xml */
    {0x6c6d6179, 0x0, LIST_EXT, 0},                        /* yaml */
    {0x736579, 0x0, LIST_BOOL | LIST_POLAR, 39},           /* yes */
    {0x6c6d79, 0x0, LIST_EXT, 0},                          /* yml */
    {0x70697a, 0x0, LIST_EXT, 0},                          /* zip */
};

/* By hash; what is taken goes to the next. 0: free. */
static const uint16_t scan_slots[SCAN_SLOTS] = {
    0,   0,   0,   0,   0,   0,   122, 0,   0,   77,  0,   0,   16,  23,  0,   0,   129, 0,   0,
    0,   0,   0,   0,   24,  0,   0,   0,   130, 0,   0,   0,   0,   0,   0,   159, 0,   0,   28,
    131, 0,   0,   40,  0,   0,   0,   0,   33,  146, 0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   164, 0,   0,   0,   0,   155, 82,  0,   0,   25,  0,   0,   187, 0,   0,   0,   157,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   6,   0,   0,   0,   0,   0,   0,
    0,   0,   80,  0,   0,   0,   0,   0,   0,   0,   0,   1,   0,   0,   197, 0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   166, 0,   12,
    102, 111, 0,   0,   0,   0,   0,   204, 0,   0,   0,   0,   0,   0,   0,   134, 21,  49,  171,
    0,   0,   173, 0,   0,   0,   0,   0,   58,  14,  0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   101, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   182, 0,   0,   0,   0,
    48,  0,   0,   0,   0,   0,   115, 3,   133, 0,   0,   0,   0,   0,   0,   0,   0,   67,  76,
    138, 0,   0,   0,   0,   0,   0,   136, 186, 36,  0,   163, 0,   0,   100, 0,   0,   20,  0,
    0,   0,   0,   0,   0,   0,   18,  0,   194, 0,   0,   0,   0,   0,   0,   0,   0,   0,   86,
    0,   62,  0,   0,   0,   0,   50,  0,   0,   158, 0,   0,   0,   0,   160, 0,   0,   2,   0,
    0,   126, 35,  0,   19,  0,   121, 123, 0,   0,   0,   29,  0,   0,   0,   0,   81,  0,   0,
    7,   0,   42,  143, 0,   0,   0,   0,   125, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    151, 70,  0,   0,   0,   0,   61,  0,   0,   0,   0,   0,   0,   0,   13,  0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   53,  69,  0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   206, 0,   0,
    0,   0,   0,   0,   38,  0,   0,   0,   0,   15,  162, 0,   0,   110, 103, 190, 0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   44,  0,   0,   0,   0,   0,   0,   0,   0,   57,  0,   0,   0,   0,   0,   107, 0,
    208, 0,   0,   0,   0,   0,   0,   0,   116, 0,   0,   0,   0,   0,   0,   64,  119, 5,   0,
    0,   0,   0,   0,   0,   98,  0,   78,  0,   0,   0,   0,   140, 0,   152, 0,   127, 0,   0,
    54,  0,   0,   0,   60,  0,   26,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    10,  0,   59,  0,   0,   0,   0,   0,   169, 0,   0,   0,   0,   200, 0,   0,   0,   105, 0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   189, 87,  56,  0,   0,
    0,   0,   73,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    196, 0,   148, 0,   68,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   109, 0,   0,
    0,   150, 176, 65,  0,   0,   0,   0,   0,   128, 174, 0,   104, 0,   0,   0,   0,   0,   0,
    0,   63,  0,   47,  0,   0,   0,   0,   0,   83,  9,   184, 0,   4,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   193, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   112, 0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   114, 141, 0,   0,   0,   0,   0,   0,   0,   165, 0,
    0,   0,   0,   201, 168, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   91,  74,  154, 175, 90,  0,   0,   0,   0,   0,   0,   0,
    0,   72,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   39,
    0,   0,   0,   41,  172, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    137, 0,   0,   0,   0,   30,  0,   0,   88,  0,   0,   0,   118, 0,   0,   0,   0,   0,   51,
    124, 0,   0,   0,   0,   0,   0,   89,  177, 27,  167, 0,   0,   95,  0,   0,   0,   0,   0,
    0,   71,  0,   185, 84,  0,   0,   0,   0,   120, 0,   0,   145, 207, 0,   32,  0,   0,   0,
    0,   0,   43,  0,   0,   0,   0,   0,   0,   0,   132, 199, 0,   0,   0,   0,   108, 0,   0,
    0,   0,   97,  0,   0,   0,   0,   34,  0,   11,  139, 0,   0,   0,   0,   0,   0,   0,   8,
    0,   0,   85,  0,   0,   0,   198, 0,   17,  0,   106, 0,   156, 0,   0,   0,   203, 0,   0,
    0,   0,   79,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   45,  0,
    94,  0,   0,   0,   0,   149, 0,   0,   0,   0,   92,  0,   0,   0,   0,   0,   0,   144, 188,
    0,   0,   0,   0,   0,   195, 0,   181, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   205, 0,   0,   0,
    0,   0,   0,   75,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   135, 55,  0,   0,   31,
    0,   0,   117, 0,   0,   0,   0,   0,   22,  99,  113, 142, 179, 183, 191, 0,   96,  0,   0,
    180, 0,   0,   0,   170, 0,   0,   147, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   93,  52,  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   66,  0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   178, 0,   0,   0,   37,  0,   202, 0,
    0,   46,  0,   0,   0,   0,   0,   0,   153, 0,   0,   0,   161, 0,   0,   192, 0,
};

#endif
