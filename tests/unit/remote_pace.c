/* Brakes and addresses: what the HTTP client decides without a network. */
#include "test.h"

#include "remote/address.h"
#include "remote/pace.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* ---- the breaker ---- */

static void fail_often(struct ed_pace *p, int n, int64_t now)
{
    for (int i = 0; i < n; i++)
        ed_pace_ended(p, ED_ATTEMPT_FAILED, 0, now);
}

TEST(a_breaker_opens_at_the_fifth_failure_in_a_row)
{
    struct ed_pace p;
    ed_pace_init(&p, 4, 1);
    fail_often(&p, 4, 1000);
    ed_pace_ended(&p, ED_ATTEMPT_WELL, 0, 1000);
    fail_often(&p, 4, 1000);
    assert_int_equal(ed_pace_breaker(&p, 1000), ED_BREAKER_CLOSED);
    assert_int_equal(ed_pace_ready(&p, 0, 1000), 1000);
    assert_int_equal(ed_pace_ended(&p, ED_ATTEMPT_FAILED, 0, 1000), 1);
    assert_int_equal(ed_pace_breaker(&p, 1000), ED_BREAKER_OPEN);
    assert_int_equal(ed_pace_ready(&p, 0, 1000), 6000);
}

TEST(half_open_lets_one_in_and_what_he_finds_decides)
{
    struct ed_pace p;
    ed_pace_init(&p, 4, 1);
    fail_often(&p, 5, 1000);
    assert_int_equal(ed_pace_breaker(&p, 6000), ED_BREAKER_HALF_OPEN);
    assert_int_equal(ed_pace_ready(&p, 0, 6000), 6000);
    assert_int_equal(ed_pace_ready(&p, 1, 6000), INT64_MAX);
    assert_int_equal(ed_pace_ended(&p, ED_ATTEMPT_FAILED, 0, 6000), 1);
    assert_int_equal(ed_pace_ready(&p, 0, 6000), 16000); /* twice as long */
    assert_int_equal(ed_pace_ended(&p, ED_ATTEMPT_WELL, 0, 16000), 0);
    assert_int_equal(ed_pace_breaker(&p, 16000), ED_BREAKER_CLOSED);
    fail_often(&p, 5, 20000);
    assert_int_equal(ed_pace_ready(&p, 0, 20000), 25000); /* and short again */
}

TEST(stragglers_do_not_prolong_what_is_open_and_there_is_an_end_to_doubling)
{
    struct ed_pace p;
    ed_pace_init(&p, 4, 1);
    fail_often(&p, 9, 1000);
    assert_int_equal(ed_pace_ready(&p, 0, 1000), 6000);
    int64_t now = 1000;
    for (int i = 0; i < 20; i++) {
        int64_t next = ed_pace_ready(&p, 0, now);
        assert_true(next - now <= p.open_max_ms);
        fail_often(&p, 1, next);
        now = next;
    }
    assert_int_equal(ed_pace_ready(&p, 0, now) - now, p.open_max_ms);
}

TEST(what_the_endpoint_asks_for_is_kept_within_reason)
{
    struct ed_pace p;
    ed_pace_init(&p, 4, 1);
    ed_pace_ended(&p, ED_ATTEMPT_CROWDED, 7000, 1000);
    assert_int_equal(ed_pace_ready(&p, 0, 1000), 8000);
    ed_pace_ended(&p, ED_ATTEMPT_CROWDED, 1000, 1000); /* the longer one stands */
    assert_int_equal(ed_pace_ready(&p, 0, 1000), 8000);
    ed_pace_ended(&p, ED_ATTEMPT_CROWDED, INT64_C(86400000), 1000);
    assert_int_equal(ed_pace_ready(&p, 0, 1000), 1000 + p.open_max_ms);
}

TEST(who_is_crowded_is_asked_half_as_often_and_then_more_again)
{
    struct ed_pace p;
    ed_pace_init(&p, 8, 1);
    assert_int_equal(ed_pace_ready(&p, 7, 0), 0);
    assert_int_equal(ed_pace_ready(&p, 8, 0), INT64_MAX);
    ed_pace_ended(&p, ED_ATTEMPT_CROWDED, 0, 0);
    assert_int_equal(ed_pace_ready(&p, 3, 0), 0);
    assert_int_equal(ed_pace_ready(&p, 4, 0), INT64_MAX);
    for (int i = 0; i < 10; i++) {
        ed_pace_ended(&p, ED_ATTEMPT_CROWDED, 0, 0);
        ed_pace_ended(&p, ED_ATTEMPT_CROWDED, 0, 0);
        ed_pace_ended(&p, ED_ATTEMPT_WELL, 0, 0);
    }
    assert_true(p.window >= 1);
    for (int i = 0; i < 100; i++)
        ed_pace_ended(&p, ED_ATTEMPT_WELL, 0, 0);
    assert_int_equal(ed_pace_ready(&p, 7, 0), 0);
    assert_int_equal(ed_pace_ready(&p, 8, 0), INT64_MAX);
}

TEST(waits_grow_by_chance_within_their_bounds)
{
    uint64_t seed = test_seed();
    struct ed_pace p;
    ed_pace_init(&p, 1, seed);
    for (int round = 0; round < 1000; round++) {
        int64_t wait = 0;
        for (int i = 0; i < 12; i++) {
            int64_t next = ed_pace_wait(&p, wait), before = wait > 250 ? wait : 250;
            assert_true(next >= p.wait_min_ms && next <= p.wait_max_ms && next <= 3 * before);
            wait = next;
        }
    }
    struct ed_pace a, b;
    ed_pace_init(&a, 1, seed);
    ed_pace_init(&b, 1, seed + 1000);
    int same = 0;
    for (int i = 0; i < 100; i++)
        same += ed_pace_wait(&a, 1000) == ed_pace_wait(&b, 1000);
    assert_true(same < 10);
}

/* ---- addresses ---- */

static enum ed_address kind_of(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return ed_address_of((const struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return ed_address_of((const struct sockaddr *)&in6);
}

TEST(an_address_is_public_only_when_it_plainly_is)
{
    static const char *const loopback[] = {"127.0.0.1", "127.255.255.254", "::1",
                                           "::ffff:127.0.0.1"};
    static const char *const private[] = {
        "10.0.0.1",        "172.16.0.1",   "172.31.255.255", "192.168.1.1",     "169.254.169.254",
        "100.64.0.1",      "0.0.0.0",      "224.0.0.1",      "255.255.255.255", "192.0.2.1",
        "198.19.0.1",      "::",           "fe80::1",        "fc00::1",         "fd12::1",
        "ff02::1",         "::10.0.0.1",   "2001:db8::1",    "2001::1",         "64:ff9b::10.0.0.1",
        "::ffff:10.0.0.1", "2002:a00:1::1"};
    static const char *const public[] = {
        "1.1.1.1",        "172.15.0.1",     "172.32.0.1",         "100.128.0.1",
        "169.253.1.1",    "223.255.1.1",    "2606:4700:4700::11", "64:ff9b::1.1.1.1",
        "::ffff:1.1.1.1", "2002:101:101::1"};
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
        assert_int_equal(kind_of(loopback[i]), ED_ADDRESS_LOOPBACK);
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        if (kind_of(private[i]) != ED_ADDRESS_PRIVATE)
            fail_msg("%s is not private", private[i]);
    for (size_t i = 0; i < sizeof public / sizeof *public; i++)
        if (kind_of(public[i]) != ED_ADDRESS_PUBLIC)
            fail_msg("%s is not public", public[i]);
}

TEST(this_machine_is_known_by_its_names_alone)
{
    assert_true(ed_address_is_loopback("localhost"));
    assert_true(ed_address_is_loopback("LOCALHOST"));
    assert_true(ed_address_is_loopback("a.localhost"));
    assert_true(ed_address_is_loopback("127.1.2.3"));
    assert_true(ed_address_is_loopback("[::1]"));
    assert_false(ed_address_is_loopback("localhost.example"));
    assert_false(ed_address_is_loopback("127.0.0.1.example"));
    assert_false(ed_address_is_loopback("notlocalhost"));
    assert_false(ed_address_is_loopback("10.0.0.1"));
    assert_false(ed_address_is_loopback("[fe80::1]"));
    assert_false(ed_address_is_loopback(""));
}

TEST(a_budget_spreads_beginnings_evenly_and_saves_nothing_up)
{
    struct ed_pace p;
    ed_pace_init(&p, 4, 1);
    p.interval_ms = 60000.0 / 90; /* 666 2/3 ms */
    int64_t now = 1000, n = 0;
    for (; now < 61000; now++)
        if (ed_pace_ready(&p, 0, now) == now) {
            ed_pace_began(&p, now);
            assert_true(ed_pace_ready(&p, 0, now) > now);
            n++;
        }
    assert_true(n == 90); /* the thirds of a millisecond are not lost */
    now += 600000; /* nobody asked for a while: one may begin, and the next one waits again */
    assert_int_equal(ed_pace_ready(&p, 0, now), now);
    ed_pace_began(&p, now);
    assert_int_equal(ed_pace_ready(&p, 0, now), now + 667);
    p.interval_ms = 0;
    ed_pace_began(&p, now);
    assert_int_equal(ed_pace_ready(&p, 0, now), now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_spreads_beginnings_evenly_and_saves_nothing_up),
        cmocka_unit_test(a_breaker_opens_at_the_fifth_failure_in_a_row),
        cmocka_unit_test(half_open_lets_one_in_and_what_he_finds_decides),
        cmocka_unit_test(stragglers_do_not_prolong_what_is_open_and_there_is_an_end_to_doubling),
        cmocka_unit_test(what_the_endpoint_asks_for_is_kept_within_reason),
        cmocka_unit_test(who_is_crowded_is_asked_half_as_often_and_then_more_again),
        cmocka_unit_test(waits_grow_by_chance_within_their_bounds),
        cmocka_unit_test(an_address_is_public_only_when_it_plainly_is),
        cmocka_unit_test(this_machine_is_known_by_its_names_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
