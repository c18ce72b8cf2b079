/* Points: named places where a test may stop the program dead (kill -9 of itself), hold it, or hand
 * over to another simulated process; and mutants: deliberate mistakes that the simulation must
 * find. In the program that people run both are nothing: only tests define EDDY_POINTS. */
#ifndef ED_BASE_POINT_H
#define ED_BASE_POINT_H

#ifdef EDDY_POINTS

void ed_point(const char *name);

enum ed_mutant {
    ED_MUTANT_NONE,
    ED_MUTANT_READ_BEFORE_FENCE,   /* the state is read before the predecessor is fenced */
    ED_MUTANT_OFFSETS_OUTSIDE,     /* input offsets are told outside of the transaction */
    ED_MUTANT_STATE_BEFORE_COMMIT, /* the store is written before the commit is known */
    ED_MUTANT_LOST_ON_REBUILD,     /* the epoch under way is dropped with a broken producer */
    ED_MUTANT_STORE_UNHASHED,      /* the store is believed without its hash */
    ED_MUTANT_COMMIT_GUESSED,      /* a commit that timed out is taken for done */
    ED_MUTANT_DOUBT_IGNORED,       /* no fence after a request that may linger (KIP-890) */
    ED_MUTANT_RESENT_BLINDLY,      /* a new producer sends the epoch again without looking */
    ED_MUTANT_FOREIGN_IGNORED,     /* it goes on though somebody else has committed meanwhile */
    ED_MUTANT_FORGOTTEN_UNREAD,    /* the log's beginning is deleted though some of it counts */
    ED_MUTANTS
};
extern enum ed_mutant ed_mutant_now;
#define ED_MUTANT(which) (ed_mutant_now == (ED_MUTANT_##which))

#else

#define ed_point(name)   ((void)0)
#define ED_MUTANT(which) 0

#endif
#endif
