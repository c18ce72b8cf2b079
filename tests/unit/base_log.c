/* label: threads */
/* The log: a line is a line whatever is in it, and nobody can flood it. */
#include "test.h"

#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

/* Standard error goes to a file while the body runs. */
static int before, into;

static void catch_start(void)
{
    char path[] = "/tmp/eddy-log-XXXXXX";
    fflush(stderr);
    before = dup(STDERR_FILENO);
    into = mkstemp(path);
    unlink(path);
    dup2(into, STDERR_FILENO);
}

static void catch_end(char *ret, size_t room)
{
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t n = pread(into, ret, room - 1, 0);
    assert_true(n >= 0);
    ret[n] = 0;
    close(into);
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        n++;
    return n;
}

TEST(a_line_is_logfmt_and_stays_one_line)
{
    char text[5000];
    catch_start();
    ed_log(ED_LOG_WARN, "source", "a \"quoted\" back\\slash, a %s", "line\nbreak and \x1b[31m");
    ed_log(ED_LOG_DEBUG, "source", "not said");
    ed_log_up_to(ED_LOG_ERROR);
    ed_log(ED_LOG_WARN, "source", "not said either");
    ed_log_up_to(ED_LOG_INFO);
    catch_end(text, sizeof text);
    assert_int_equal(count_of(text, "\n"), 1);
    assert_memory_equal(text, "ts=20", 5);
    assert_non_null(strstr(text, "Z level=warn sub=source msg=\"a \\\"quoted\\\" back\\\\slash, a "
                                 "line break and  [31m\"\n"));
}

TEST(a_long_line_is_cut)
{
    static char large[5000], text[10000];
    memset(large, '"', sizeof large - 1);
    catch_start();
    ed_log(ED_LOG_ERROR, "journal", "%s", large);
    catch_end(text, sizeof text);
    assert_int_equal(count_of(text, "\n"), 1);
    assert_true(strlen(text) < 2200);
}

static void *shout(void *p)
{
    for (int i = 0; i < 1000; i++)
        ed_log(ED_LOG_WARN, "source", "again and again %d", i);
    return p;
}

TEST(who_repeats_himself_is_cut_short_from_any_thread)
{
    char text[20000];
    pthread_t threads[4];
    catch_start();
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, shout, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    catch_end(text, sizeof text);
    assert_int_equal(count_of(text, "again and again"), ED_LOG_BURST);
    assert_int_equal(count_of(text, "\"\n"), ED_LOG_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_logfmt_and_stays_one_line),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(who_repeats_himself_is_cut_short_from_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
