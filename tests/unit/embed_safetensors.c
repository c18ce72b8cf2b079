/* Weights: what is in the file is what comes out, and nothing in a file is trusted. */
#include "test.h"

#include "embed/safetensors.h"

#include <math.h>

/* A file in memory: header, then n bytes of data. pad shifts the data against 8 bytes. */
struct made {
    _Alignas(64) char bytes[4096];
    size_t n;
};

static void make(struct made *file, const char *header, const void *data, size_t n, size_t pad)
{
    uint64_t n_header = strlen(header) + pad;
    memcpy(file->bytes, &n_header, 8);
    memcpy(file->bytes + 8, header, strlen(header));
    memset(file->bytes + 8 + strlen(header), ' ', pad);
    if (n)
        memcpy(file->bytes + 8 + n_header, data, n);
    file->n = 8 + n_header + n;
}

/* Blanks that bring the data of this header to a multiple of 8, and extra more. */
static size_t pad_for(const char *header, size_t extra)
{
    return (8 - strlen(header) % 8) % 8 + extra;
}

static eddy_status open_made(const struct made *file, struct ed_safetensors *ret, eddy_error *err)
{
    return ed_safetensors_init(ret, file->bytes, file->n, "file", err);
}

static const float six[] = {1, -2, 3.5f, 0, 1e-20f, -7};

TEST(floats_are_used_in_place)
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"bert.b\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[24,36]}}";
    struct made made;
    struct ed_safetensors file;
    eddy_error err = {0};
    const float *at = NULL;
    char data[36];
    memcpy(data, six, 24);
    memcpy(data + 24, six, 12);
    make(&made, header, data, sizeof data, pad_for(header, 0));
    CHECK_OK(open_made(&made, &file, &err), &err);
    CHECK_OK(ed_safetensors_floats(&file, "a", 2, 3, &at, &err), &err);
    assert_ptr_equal(at, made.bytes + made.n - 36);
    assert_memory_equal(at, six, sizeof six);
    CHECK_OK(ed_safetensors_floats(&file, "b", 0, 3, &at, &err), &err);
    assert_memory_equal(at, six, 12);
    ed_safetensors_clear(&file);

    make(&made, header, data, sizeof data, pad_for(header, 1)); /* unaligned: copied */
    CHECK_OK(open_made(&made, &file, &err), &err);
    CHECK_OK(ed_safetensors_floats(&file, "a", 2, 3, &at, &err), &err);
    assert_int_equal((uintptr_t)at % 64, 0);
    assert_memory_equal(at, six, sizeof six);
    ed_safetensors_clear(&file);
}

TEST(half_floats_are_converted_exactly)
{
    static const uint16_t halves[] = {0x3C00, 0xC000, 0x7BFF, 0x0001,
                                      0x83FF, 0x0400, 0x7C00, 0xFC00};
    static const float f16[] = {1,        -2,       65504,    0x1p-24f, -1023 * 0x1p-24f,
                                0x1p-14f, INFINITY, -INFINITY};
    static const uint16_t brains[] = {0x3F80, 0xC000, 0x4049, 0x0000,
                                      0x0001, 0x7F80, 0x8000, 0x3EAB};
    struct made made;
    struct ed_safetensors file;
    eddy_error err = {0};
    const float *at = NULL;
    make(&made, "{\"a\":{\"dtype\":\"F16\",\"shape\":[2,4],\"data_offsets\":[0,16]}}", halves, 16,
         0);
    CHECK_OK(open_made(&made, &file, &err), &err);
    CHECK_OK(ed_safetensors_floats(&file, "a", 2, 4, &at, &err), &err);
    assert_memory_equal(at, f16, sizeof f16);
    ed_safetensors_clear(&file);

    make(&made, "{\"a\":{\"dtype\":\"BF16\",\"shape\":[8],\"data_offsets\":[0,16]}}", brains, 16,
         0);
    CHECK_OK(open_made(&made, &file, &err), &err);
    CHECK_OK(ed_safetensors_floats(&file, "a", 0, 8, &at, &err), &err);
    for (size_t i = 0; i < 8; i++) {
        uint32_t bits;
        memcpy(&bits, &at[i], 4);
        assert_int_equal(bits, (uint32_t)brains[i] << 16);
    }
    ed_safetensors_clear(&file);
}

TEST(each_wrong_file_is_told_apart)
{
    static const struct {
        const char *header, *says;
    } cases[] = {
        {"", "no JSON object"},
        {"[]", "no JSON object: another kind"},
        {"{\"a\":1}", "tensor a wants dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "tensor a wants dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}",
         "tensor a wants dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}",
         "(of at most 8)"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}", "dimension 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[0,28]}}",
         "[0, 28) of 24 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}", "[8, 4) of 24 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "8 bytes do not fit"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4],\"data_offsets\":[0,0]}}",
         "0 bytes do not fit"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
         "tensors a and b overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
         "duplicate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made made;
        struct ed_safetensors file;
        eddy_error err = {0};
        make(&made, cases[i].header, six, sizeof six, 0);
        assert_int_equal(open_made(&made, &file, &err), EDDY_FORMAT);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: want \"%s\"", err.text, cases[i].says);
        assert_ptr_equal(strstr(err.text, "file: "), err.text);
        ed_safetensors_clear(&file);
    }
}

TEST(a_cut_file_is_no_file)
{
    struct made made;
    make(&made, "{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]}}", six,
         sizeof six, 0);
    for (size_t n = 0; n < made.n; n++) {
        struct ed_safetensors file;
        char *exact = ed_alloc(n); /* so that reading past the end is seen */
        memcpy(exact, made.bytes, n);
        assert_int_equal(ed_safetensors_init(&file, exact, n, "file", NULL), EDDY_FORMAT);
        ed_free(exact);
    }
    memset(made.bytes, 0xFF, 8);
    struct ed_safetensors file;
    assert_int_equal(open_made(&made, &file, NULL), EDDY_FORMAT);
}

TEST(a_tensor_must_be_what_is_asked_for)
{
    static const char header[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"i\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[24,32]},"
        "\"q\":{\"dtype\":\"F8_E4M3\",\"shape\":[9],\"data_offsets\":[32,33]}}";
    static const struct {
        const char *name;
        size_t rows, cols;
        const char *says;
    } cases[] = {{"z", 0, 1, "no tensor z"},
                 {"a", 3, 2, "tensor a is (2, 3), not (3, 2)"},
                 {"a", 0, 6, "tensor a is (2, 3), not (6)"},
                 {"i", 0, 1, "tensor i is I64"},
                 {"q", 0, 9, "tensor q is F8_E4M3"}};
    struct made made;
    struct ed_safetensors file;
    char data[33] = {0};
    make(&made, header, data, sizeof data, 0);
    CHECK_OK(open_made(&made, &file, NULL), &(eddy_error){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_error err = {0};
        const float *at = six;
        assert_int_equal(
            ed_safetensors_floats(&file, cases[i].name, cases[i].rows, cases[i].cols, &at, &err),
            EDDY_FORMAT);
        assert_ptr_equal(at, six);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: want \"%s\"", err.text, cases[i].says);
    }
    ed_safetensors_clear(&file);
}

TEST(it_survives_any_lost_allocation)
{
    static const uint16_t halves[] = {0x3C00, 0xC000};
    struct made made;
    make(&made, "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", halves, 4, 0);
    EACH_ALLOC_FAILS (k) {
        struct ed_safetensors file;
        const float *at = NULL;
        eddy_status st = open_made(&made, &file, NULL);
        if (st == EDDY_OK)
            st = ed_safetensors_floats(&file, "a", 0, 2, &at, NULL);
        assert_true(st == EDDY_OK ? at && at[1] == -2 : st == EDDY_NOMEM && !at);
        ed_safetensors_clear(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_used_in_place),
        cmocka_unit_test(half_floats_are_converted_exactly),
        cmocka_unit_test(each_wrong_file_is_told_apart),
        cmocka_unit_test(a_cut_file_is_no_file),
        cmocka_unit_test(a_tensor_must_be_what_is_asked_for),
        cmocka_unit_test(it_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
