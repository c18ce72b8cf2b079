/* Members that die, join and leave on a real broker: nothing is lost, little comes twice. */
#include "kafka/broker.h"

#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { PARTITIONS = 4, EACH = 5000 };

static const char *self; /* how to start this program */

/* ---- a member that dies ---- */

/* Read 500 of one partition, have 200 of them answered, leave time for the commit, and die without
 * a word. Never returns. */
static void read_and_die(const char *topic, const char *group)
{
    struct ed_source *source = source_open(topic, group, 1, 0);
    eddy_raw raws[50];
    struct ed_offset done = {NULL, 0, 200};
    for (size_t total = 0, n = 0; total < 500; total += n) {
        int end = 0;
        if (ed_source_read(source, 0, 1000, raws, 50, &n, &end, NULL) != EDDY_OK)
            _exit(1);
        if (n)
            done.topic = raws[0].position.topic;
    }
    ed_source_done(source, &done, 1, NULL);
    usleep(2500 * 1000);
    _exit(9);
}

TEST(what_a_killed_member_had_not_answered_comes_again)
{
    const char *topic = own("kill"), *group = own("kill-group");
    topic_make(topic, 1);
    produce(topic, 0, 0, 1000);
    char command[300];
    snprintf(command, sizeof command, "%s die %s %s", self, topic, group);
    assert_int_equal(WEXITSTATUS(system(command)), 9);
    assert_int_equal(committed(group, topic, 0), 200);

    struct ed_source *source = source_open(topic, group, 1, 0);
    int64_t next = 200, until = ed_monotonic_ms() + 30000;
    while (next < 1000 && ed_monotonic_ms() < until) {
        eddy_raw raws[50];
        size_t n = 0;
        int end = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 0, 100, raws, 50, &n, &end, &err), &err);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(raws[i].position.offset, next++);
    }
    assert_int_equal(next, 1000);
    ed_source_free(source);
    assert_int_equal(committed(group, topic, 0), 200); /* still nothing answered */
}

/* ---- members that join and leave ---- */

struct tally {
    pthread_mutex_t lock;
    unsigned char seen[PARTITIONS][EACH];
    size_t different, twice;
};

struct member {
    const char *topic, *group;
    struct tally *tally;
    atomic_int leave;
    atomic_size_t read;
    int wrong;
};

static void tally_add(struct tally *t, const eddy_raw *raws, size_t n)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < n; i++) {
        unsigned char *seen = &t->seen[raws[i].position.partition][raws[i].position.offset];
        t->different += !*seen;
        t->twice += *seen;
        *seen = 1;
    }
    pthread_mutex_unlock(&t->lock);
}

static size_t tally_of(struct tally *t)
{
    pthread_mutex_lock(&t->lock);
    size_t n = t->different;
    pthread_mutex_unlock(&t->lock);
    return n;
}

/* Reads, answers a little later, as a pipeline does. */
static void *member_main(void *p)
{
    struct member *m = p;
    struct ed_source *source = source_open(m->topic, m->group, 1, 0);
    while (!atomic_load(&m->leave)) {
        eddy_raw raws[20];
        size_t n = 0;
        int end = 0;
        if (ed_source_read(source, 0, 50, raws, 20, &n, &end, NULL) != EDDY_OK) {
            m->wrong = 1;
            break;
        }
        usleep(5000);
        tally_add(m->tally, raws, n);
        atomic_fetch_add(&m->read, n);
        for (size_t i = 0; i < n; i++) {
            const eddy_position *at = &raws[i].position;
            ed_source_done(source, &(struct ed_offset){at->topic, at->partition, at->offset + 1}, 1,
                           NULL);
        }
    }
    ed_source_free(source);
    return NULL;
}

static void wait_for(struct tally *t, size_t n)
{
    int64_t until = ed_monotonic_ms() + 30000;
    while (tally_of(t) < n && ed_monotonic_ms() < until)
        usleep(20 * 1000);
    if (tally_of(t) < n)
        fail_msg("%zu of %zu messages", tally_of(t), n);
}

TEST(a_member_that_joins_and_leaves_loses_nothing)
{
    static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const char *topic = own("join"), *group = own("join-group");
    topic_make(topic, PARTITIONS);
    for (int p = 0; p < PARTITIONS; p++)
        produce(topic, p, 0, EACH);
    struct member a = {topic, group, &tally, 0, 0, 0}, b = {topic, group, &tally, 0, 0, 0};
    pthread_t first, second;
    pthread_create(&first, NULL, member_main, &a);
    wait_for(&tally, 1000);
    pthread_create(&second, NULL, member_main, &b);
    while (atomic_load(&b.read) < 500 && tally_of(&tally) < PARTITIONS * EACH)
        usleep(20 * 1000);
    atomic_store(&b.leave, 1);
    pthread_join(second, NULL);
    wait_for(&tally, PARTITIONS * EACH);
    atomic_store(&a.leave, 1);
    pthread_join(first, NULL);
    assert_false(a.wrong || b.wrong);
    printf("first member %zu, second %zu, twice %zu of %d\n", (size_t)a.read, (size_t)b.read,
           tally.twice, PARTITIONS * EACH);
    assert_true(b.read > 500);      /* the second did take part */
    assert_true(tally.twice < 500); /* a revocation waits for answers */
    for (int p = 0; p < PARTITIONS; p++)
        assert_int_equal(committed(group, topic, p), EACH);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_killed_member_had_not_answered_comes_again),
        cmocka_unit_test(a_member_that_joins_and_leaves_loses_nothing),
    };
    broker();
    ed_log_up_to(ED_LOG_WARN);
    if (argc == 4 && !strcmp(argv[1], "die"))
        read_and_die(argv[2], argv[3]);
    self = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
