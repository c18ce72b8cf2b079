/* Alarms: golden bodies for each sink, and names that would like to be markup. */
#include "test.h"

#include "remote/alarms.h"

static const char line[] =
    "{\"id\":\"news-alert-7\",\"rule\":\"big\",\"severity\":\"critical\",\"state\":\"firing\","
    "\"template\":null,\"event\":\"E12\",\"reason\":\"grew\",\"name\":\"<!here> \\\"A\\\" & "
    "{{rule}}\","
    "\"size\":41,\"rate\":12.5,\"keywords\":[\"harbour\",\"crane\"],"
    "\"starts\":\"2031-03-02T06:10:00.000Z\"}";

static json_t *alert(void)
{
    json_t *json = json_loads(line, 0, NULL);
    assert_non_null(json);
    return json;
}

static void must_be(struct ed_bytes *b, json_t *json, const char *wanted)
{
    assert_false(b->failed);
    assert_string_equal(b->at, wanted);
    ed_bytes_clear(b);
    json_decref(json);
}

TEST(identity_is_in_labels_and_what_changes_in_annotations)
{
    struct ed_bytes b;
    json_t *json = alert();
    ed_bytes_init(&b, 0);
    ed_alarm_alertmanager(&b, json, "news", "http://localhost:7411/", 1000, 241000);
    must_be(&b, json,
            "{\"labels\":{\"alertname\":\"big\",\"event\":\"E12\",\"pipeline\":\"news\","
            "\"severity\":\"critical\"},\"annotations\":{\"summary\":\"<!here> \\\"A\\\" & "
            "{{rule}}\",\"reason\":\"grew\",\"size\":\"41\",\"rate\":\"12.5\",\"keywords\":"
            "\"harbour, crane\"},\"startsAt\":\"1970-01-01T00:00:01.000Z\",\"endsAt\":"
            "\"1970-01-01T00:04:01.000Z\",\"generatorURL\":\"http://localhost:7411/\"}");
}

TEST(a_name_is_no_markup_of_slack)
{
    struct ed_bytes b;
    json_t *json = alert();
    ed_bytes_init(&b, 0);
    ed_alarm_slack(&b, json, "news", "");
    must_be(&b, json,
            "{\"text\":\"Alert: *big* &lt;!here&gt; \\\"A\\\" &amp; {{rule}} (news, E12, 41 "
            "documents, grew)\"}");
}

TEST(a_template_is_filled_once_and_its_values_stay_inside_their_quotes)
{
    struct ed_bytes b;
    json_t *json = alert();
    ed_bytes_init(&b, 0);
    ed_alarm_template(&b, "{\"t\":\"{{name}}\",\"n\":\"{{size}}|{{no}}|{{pipeline}}\"} {{", json,
                      "news", "");
    must_be(&b, json, "{\"t\":\"<!here> \\\"A\\\" & {{rule}}\",\"n\":\"41||news\"} {{");
}

TEST(what_it_is_about)
{
    json_t *json = json_loads("{\"event\":null,\"template\":\"t1-ab\"}", 0, NULL);
    assert_string_equal(ed_alarm_subject(json), "t1-ab");
    json_decref(json);
    json = json_loads("{}", 0, NULL);
    assert_string_equal(ed_alarm_subject(json), "");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_in_labels_and_what_changes_in_annotations),
        cmocka_unit_test(a_name_is_no_markup_of_slack),
        cmocka_unit_test(a_template_is_filled_once_and_its_values_stay_inside_their_quotes),
        cmocka_unit_test(what_it_is_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
