/* Tokenizers of tokenizer.json against the library that they must agree with, with every wrong
 * file, and with any bytes.
 *
 * tests/golden/tokenizer was made by tools/make-tokenizer-reference. The real one of wordllama is
 * compared where tools/fetch-model --static has put it. */
#include "test.h"

#include "embed/tokenizer.h"

#include <jansson.h>
#include <unistd.h>

#define GOLDEN "tests/golden/tokenizer/"

static const char *const names[] = {"xlmr", "first", "roberta", "llama"};
enum { NAMES = sizeof names / sizeof *names, TEXTS_MAX = 300 };

static const struct ed_tokenizer_options plain = {.fold = {1, 1, 1}};

static struct ed_tokenizer *tokenizer_open(const char *dir, int bare)
{
    struct ed_tokenizer_options options = {.fold = {1, 1, 1}, .bare = bare};
    struct ed_tokenizer *tok = NULL;
    uint64_t fingerprint = 0;
    eddy_error err = {0};
    CHECK_OK(ed_tokenizer_open(dir, &options, &fingerprint, &tok, &err), &err);
    return tok;
}

static struct ed_tokenizer *golden_open(const char *name)
{
    char dir[128];
    snprintf(dir, sizeof dir, GOLDEN "%s", name);
    return tokenizer_open(dir, 0);
}

/* The JSON values of the lines of a file. */
static size_t lines_read(const char *path, json_t **ret)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    char *line = NULL;
    size_t room = 0, n = 0;
    while (n < TEXTS_MAX && getline(&line, &room, in) > 0)
        ret[n++] = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    free(line);
    fclose(in);
    return n;
}

static void lines_free(json_t **lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        json_decref(lines[i]);
}

static eddy_str text_of(const json_t *line)
{
    return (eddy_str){json_string_value(line), json_string_length(line)};
}

TEST(ids_are_those_of_the_reference)
{
    static json_t *texts[TEXTS_MAX], *wanted[TEXTS_MAX];
    size_t n = lines_read(GOLDEN "texts.jsonl", texts);
    assert_in_range(n, 100, TEXTS_MAX);
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t k = 0; k < NAMES; k++) {
        char path[128];
        snprintf(path, sizeof path, GOLDEN "%s/ids.jsonl", names[k]);
        assert_int_equal(lines_read(path, wanted), n);
        struct ed_tokenizer *tok = golden_open(names[k]);
        struct ed_token_work *work = ed_token_work_new(arena);
        for (size_t i = 0; i < n; i++) {
            const uint32_t *ids;
            size_t n_ids;
            assert_int_equal(
                ed_tokenizer_read(tok, work, text_of(texts[i]), 100000, &ids, &n_ids, NULL),
                EDDY_OK);
            for (size_t j = 0; j < n_ids && j < json_array_size(wanted[i]); j++)
                if (ids[j] != json_integer_value(json_array_get(wanted[i], j)))
                    fail_msg("%s: text %zu, id %zu is %u", names[k], i, j, ids[j]);
            assert_int_equal(n_ids, json_array_size(wanted[i]));
        }
        ed_tokenizer_free(tok);
        lines_free(wanted, n);
    }
    eddy_arena_free(arena);
    lines_free(texts, n);
}

TEST(ids_are_cut_at_the_limit_and_bare_ones_have_nothing_around)
{
    static json_t *texts[TEXTS_MAX];
    size_t n = lines_read(GOLDEN "texts.jsonl", texts);
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t k = 0; k < NAMES; k++) {
        char dir[128];
        snprintf(dir, sizeof dir, GOLDEN "%s", names[k]);
        struct ed_tokenizer *tok = golden_open(names[k]), *bare = tokenizer_open(dir, 1);
        size_t around = ed_tokenizer_around(tok), n_all, n_some, n_bare;
        assert_int_equal(around, k == 1 ? 0 : 2);
        assert_int_equal(ed_tokenizer_around(bare), 0);
        for (size_t i = 0; i < n; i++) {
            struct ed_token_work *one = ed_token_work_new(arena), *two = ed_token_work_new(arena);
            struct ed_token_work *three = ed_token_work_new(arena);
            const uint32_t *all, *some, *inside;
            size_t max = around + 1 + i % 20;
            ed_tokenizer_read(tok, one, text_of(texts[i]), 100000, &all, &n_all, NULL);
            ed_tokenizer_read(tok, two, text_of(texts[i]), max, &some, &n_some, NULL);
            ed_tokenizer_read(bare, three, text_of(texts[i]), 100000, &inside, &n_bare, NULL);
            assert_int_equal(n_some, n_all < max ? n_all : max);
            assert_int_equal(n_bare, n_all - around);
            size_t same = around ? n_some - 1 : n_some;
            if (same)
                assert_memory_equal(some, all, same * sizeof *all);
            if (around)
                assert_int_equal(some[n_some - 1], all[n_all - 1]);
            if (n_bare)
                assert_memory_equal(inside, all + around / 2, n_bare * sizeof *all);
            eddy_arena_reset(arena);
        }
        ed_tokenizer_free(tok);
        ed_tokenizer_free(bare);
    }
    eddy_arena_free(arena);
    lines_free(texts, n);
}

TEST(bytes_that_are_not_utf8_are_passed_over)
{
    uint64_t seed = test_seed();
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t k = 0; k < NAMES; k++) {
        struct ed_tokenizer *tok = golden_open(names[k]);
        struct ed_token_work *work = ed_token_work_new(arena), *other = ed_token_work_new(arena);
        const uint32_t *ids, *clean;
        size_t n, n_clean;
        ed_tokenizer_read(tok, work,
                          (eddy_str){"h\xFF"
                                     "ello\xE4\xB8 wor\xC0ld\xF0",
                                     15},
                          99, &ids, &n, NULL);
        ed_tokenizer_read(tok, other, (eddy_str){"hello world", 11}, 99, &clean, &n_clean, NULL);
        assert_int_equal(n, n_clean);
        assert_memory_equal(ids, clean, n * sizeof *ids);
        for (size_t round = 0; round < 3000; round++) {
            char noise[64];
            for (size_t i = 0; i < sizeof noise; i++)
                noise[i] = (char)test_random(&seed);
            assert_int_equal(
                ed_tokenizer_read(tok, work, (eddy_str){noise, sizeof noise}, 40, &ids, &n, NULL),
                EDDY_OK);
            assert_in_range(n, ed_tokenizer_around(tok), 40);
            for (size_t i = 0; i < n; i++)
                assert_in_range(ids[i], 0, ed_tokenizer_size(tok) - 1);
        }
        ed_tokenizer_free(tok);
    }
    eddy_arena_free(arena);
}

/* ---- wrong files ---- */

static char folder[64];

static void file_write(const json_t *root)
{
    char path[128];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    assert_int_equal(json_dump_file(root, path, 0), 0);
}

/* root with the value at a path of keys, parted by '/', changed to a JSON text. */
static void value_set(json_t *root, const char *path, const char *value)
{
    char key[64];
    size_t n = strcspn(path, "/");
    snprintf(key, sizeof key, "%.*s", (int)n, path);
    json_t *new = path[n] ? NULL : json_loads(value, JSON_DECODE_ANY, NULL);
    if (json_is_array(root) && new)
        json_array_set_new(root, strtoul(key, NULL, 10), new);
    else if (json_is_array(root))
        value_set(json_array_get(root, strtoul(key, NULL, 10)), path + n + 1, value);
    else if (new)
        json_object_set_new(root, key, new);
    else
        value_set(json_object_get(root, key), path + n + 1, value);
}

TEST(what_is_not_supported_is_refused_by_name)
{
    static const struct {
        size_t golden;
        const char *path, *value, *says;
    } cases[] = {
        {0, "model/type", "\"WordLevel\"", "model: type \"WordLevel\" is not supported"},
        {0, "model/unk_id", "null", "model: unk_id wants a whole number from 0"},
        {0, "model/unk_id", "100000", "model: unk_id wants a whole number from 0"},
        {0, "model/vocab", "{}", "model: vocab wants a list"},
        {0, "model/vocab/3", "[\"x\"]", "model: vocab: 3 is no piece with its score"},
        {0, "model/byte_fallback", "true", "model: byte_fallback, but <0x00> is no piece"},
        {0, "normalizer", "{\"type\": \"Nmt\"}", "normalizer: type \"Nmt\" is not supported"},
        {0, "normalizer", "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"a|b\"}}",
         "normalizer: Replace: pattern \"a|b\" is not supported"},
        {0, "normalizer", "{\"type\": \"Precompiled\"}", "precompiled_charsmap is missing"},
        {0, "normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAA\"}",
         "precompiled_charsmap is no precompiled charsmap"},
        {0, "normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/////w==\"}",
         "precompiled_charsmap is no precompiled charsmap"},
        {0, "pre_tokenizer", "{\"type\": \"Digits\"}",
         "pre_tokenizer: type \"Digits\" is not supported"},
        {0, "pre_tokenizer", "{\"type\": \"Metaspace\", \"replacement\": \"ab\"}",
         "Metaspace: replacement \"ab\" is not supported"},
        {0, "pre_tokenizer", "{\"type\": \"ByteLevel\"}", "ByteLevel before Unigram"},
        {0, "post_processor", "{\"type\": \"X\"}", "post_processor: type \"X\" is not supported"},
        {0, "post_processor/single/0/SpecialToken/id", "\"<q>\"", "special_tokens has no \"<q>\""},
        {0, "post_processor/single", "[]", "single holds the text 0 times"},
        {0, "added_tokens/0/single_word", "true", "single_word\" is not supported"},
        {0, "added_tokens/0/id", "77", "added_tokens: \"<s>\" has the id 77, its place is 0"},
        {0, "added_tokens/0/content", "\"\"", "added_tokens: 0 has no content"},
        {2, "model/dropout", "0.5", "model \"dropout\" is not supported"},
        {2, "model/ignore_merges", "true", "model \"ignore_merges\" is not supported"},
        {2, "model/end_of_word_suffix", "\"w\"", "model \"end_of_word_suffix\" is not supported"},
        {2, "model/merges/5", "[\"a\", \"nowhere\"]", "merges: 5 names what is no piece"},
        {2, "model/merges/5", "\"abc\"", "merges: 5 is no pair of pieces"},
        {2, "model/unk_token", "\"<q>\"", "unk_token \"<q>\" is no piece"},
        {2, "model/vocab/<s>", "-1", "model: vocab: the id of \"<s>\" is none"},
        {2, "post_processor/cls", "[\"<s>\", 9999]", "post_processor: a token has an id"},
        {3, "model/vocab", "{\"a\": 0}", "merges: 0 names what is no piece"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128];
        snprintf(path, sizeof path, GOLDEN "%s/tokenizer.json", names[cases[i].golden]);
        json_t *root = json_load_file(path, 0, NULL);
        assert_non_null(root);
        value_set(root, cases[i].path, cases[i].value);
        file_write(root);
        json_decref(root);
        struct ed_tokenizer *tok = NULL;
        uint64_t fingerprint = 5;
        eddy_error err = {0};
        assert_int_equal(ed_tokenizer_open(folder, &plain, &fingerprint, &tok, &err), EDDY_FORMAT);
        assert_null(tok);
        assert_int_equal(fingerprint, 5);
        if (!strstr(err.text, cases[i].says) || !strstr(err.text, "tokenizer.json: "))
            fail_msg("case %zu: %s", i, err.text);
    }
}

TEST(wordpiece_comes_out_of_tokenizer_json_as_well)
{
    json_t *root = json_pack("{s:{s:s,s:{s:i,s:i,s:i,s:i,s:i}}}", "model", "type", "WordPiece",
                             "vocab", "[UNK]", 0, "[CLS]", 1, "[SEP]", 2, "un", 3, "##able", 4);
    assert_non_null(root);
    file_write(root);
    json_decref(root);
    struct ed_tokenizer *tok = tokenizer_open(folder, 0), *bare = tokenizer_open(folder, 1);
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_token_work *work = ed_token_work_new(arena);
    const uint32_t *ids;
    size_t n;
    assert_int_equal(ed_tokenizer_size(tok), 5);
    assert_int_equal(ed_tokenizer_unknown(tok), 0);
    ed_tokenizer_read(tok, work, (eddy_str){"Unable x", 8}, 10, &ids, &n, NULL);
    assert_int_equal(n, 5);
    assert_memory_equal(ids, ((const uint32_t[]){1, 3, 4, 0, 2}), 5 * sizeof *ids);
    ed_tokenizer_read(bare, work, (eddy_str){"Unable x", 8}, 2, &ids, &n, NULL);
    assert_int_equal(n, 2);
    assert_memory_equal(ids, ((const uint32_t[]){3, 4}), 2 * sizeof *ids);
    eddy_arena_free(arena);
    ed_tokenizer_free(tok);
    ed_tokenizer_free(bare);
}

TEST(it_survives_any_lost_allocation)
{
    const char *dirs[] = {GOLDEN "first", GOLDEN "xlmr"};
    for (size_t k = 0; k < 2; k++)
        EACH_ALLOC_FAILS (i) {
            struct ed_tokenizer *tok = NULL;
            uint64_t fingerprint = 0;
            eddy_status st = ed_tokenizer_open(dirs[k], &plain, &fingerprint, &tok, NULL);
            assert_true(st == EDDY_OK ? tok != NULL : st == EDDY_NOMEM && !tok);
            eddy_arena *arena = st == EDDY_OK ? eddy_arena_new(0) : NULL;
            struct ed_token_work *work = arena ? ed_token_work_new(arena) : NULL;
            const uint32_t *ids;
            size_t n;
            if (work) {
                st = ed_tokenizer_read(tok, work, (eddy_str){"Hello  \xFF wor\xC3\xA9ld", 15}, 99,
                                       &ids, &n, NULL);
                assert_true(st == EDDY_OK || st == EDDY_NOMEM);
            }
            eddy_arena_free(arena);
            ed_tokenizer_free(tok);
        }
}

/* ---- a real vocabulary ---- */

static uint64_t set_digest(const struct ed_tokenizer *tok, const char *path, size_t *docs,
                           size_t *n_ids)
{
    char command[1200];
    snprintf(command, sizeof command, "gzip -dc '%s'", path);
    FILE *in = popen(command, "r"); /* a test may; eddy itself starts no shell */
    assert_non_null(in);
    char *line = NULL;
    size_t room = 0;
    uint64_t digest = UINT64_C(14695981039346656037);
    eddy_arena *arena = eddy_arena_new(0);
    for (*docs = *n_ids = 0; getline(&line, &room, in) > 0; ++*docs) {
        eddy_arena_reset(arena);
        json_t *doc = json_loads(line, JSON_ALLOW_NUL, NULL);
        eddy_str title = text_of(json_object_get(doc, "title"));
        eddy_str text = text_of(json_object_get(doc, "text"));
        char *joined = ed_arena_alloc(arena, title.n + 1 + text.n);
        size_t n = 0;
        if (title.n) {
            memcpy(joined, title.at, title.n);
            joined[title.n] = ' ';
            n = title.n + 1;
        }
        memcpy(joined + n, text.at, text.n);
        const uint32_t *ids;
        size_t got;
        assert_int_equal(ed_tokenizer_read(tok, ed_token_work_new(arena),
                                           (eddy_str){joined, n + text.n}, SIZE_MAX, &ids, &got,
                                           NULL),
                         EDDY_OK);
        digest = ed_fnv1a(digest, ids, got * sizeof *ids);
        *n_ids += got;
        json_decref(doc);
    }
    free(line);
    pclose(in);
    eddy_arena_free(arena);
    return digest;
}

TEST(ids_of_all_labelled_sets_are_those_of_the_reference)
{
    const char *data = getenv("EDDY_DATA"), *models = getenv("EDDY_MODEL_DIR");
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char dir[1024], path[1100], name[64];
    if (models && *models)
        snprintf(dir, sizeof dir, "%s/wordllama-256", models);
    else if (cache && *cache)
        snprintf(dir, sizeof dir, "%s/eddy/models/wordllama-256", cache);
    else
        snprintf(dir, sizeof dir, "%s/.cache/eddy/models/wordllama-256", home ? home : "");
    if (access(dir, R_OK) != 0) {
        printf("%s is absent; tools/fetch-model --static fetches it\n", dir);
        skip();
    }
    struct ed_tokenizer *tok = tokenizer_open(dir, 1);
    FILE *list = fopen(GOLDEN "wordllama.tsv", "r");
    assert_non_null(list);
    size_t want_docs, want_ids, docs, ids, sets = 0;
    unsigned long long want;
    while (fscanf(list, "%63s %zu %zu %llx", name, &want_docs, &want_ids, &want) == 4) {
        snprintf(path, sizeof path, "%s/%s.jsonl.gz", data ? data : "../shared/data", name);
        if (access(path, R_OK) != 0)
            continue;
        uint64_t digest = set_digest(tok, path, &docs, &ids);
        if (docs != want_docs || ids != want_ids || digest != want)
            fail_msg("%s: %zu documents, %zu ids, %016llx", name, docs, ids,
                     (unsigned long long)digest);
        sets++;
    }
    fclose(list);
    ed_tokenizer_free(tok);
    printf("%zu sets\n", sets);
    if (!sets)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_those_of_the_reference),
        cmocka_unit_test(ids_are_cut_at_the_limit_and_bare_ones_have_nothing_around),
        cmocka_unit_test(bytes_that_are_not_utf8_are_passed_over),
        cmocka_unit_test(what_is_not_supported_is_refused_by_name),
        cmocka_unit_test(wordpiece_comes_out_of_tokenizer_json_as_well),
        cmocka_unit_test(it_survives_any_lost_allocation),
        cmocka_unit_test(ids_of_all_labelled_sets_are_those_of_the_reference),
    };
    snprintf(folder, sizeof folder, "/tmp/eddy-tokenizer-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[128];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    remove(path);
    rmdir(folder);
    return failed;
}
