/* What we cannot do is refused by name, never passed over: a wrong vector looks like a right one.
 */
#include "embed/model_file.h"

#include "embed/mapping.h"

#include "base/error.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define JSON_MAX ((size_t)64 << 20) /* bytes; tokenizer.json of a large vocabulary has 17 MB */

eddy_status ed_model_file_open(struct ed_model_file *file, const char *dir, const char *name,
                               json_type type, eddy_error *err)
{
    char path[PATH_MAX];
    *file = (struct ed_model_file){dir, name, NULL};
    if (snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path &&
        access(path, F_OK) != 0)
        return EDDY_OK;
    struct ed_mapping mapping;
    eddy_status st = ed_map(dir, name, JSON_MAX, &mapping, err);
    if (st != EDDY_OK)
        return st;
    json_error_t problem;
    file->root = json_loadb(mapping.n ? mapping.at : "", mapping.n, 0, &problem);
    size_t n = mapping.n;
    ed_unmap(&mapping);
    if (!file->root && json_error_code(&problem) == json_error_out_of_memory)
        return eddy_fail_nomem(err, name, n);
    if (!file->root)
        return ed_model_wrong(file, err, "line %d: %s", problem.line, problem.text);
    if (json_typeof(file->root) != type)
        return eddy_fail(err, EDDY_FORMAT, "model %s: %s holds no JSON %s", dir, name,
                         type == JSON_ARRAY ? "list" : "object");
    return EDDY_OK;
}

void ed_model_file_close(struct ed_model_file *file)
{
    json_decref(file->root);
    file->root = NULL;
}

eddy_status ed_model_number(const struct ed_model_file *file, const json_t *object, const char *key,
                            size_t min, size_t max, size_t *ret, eddy_error *err)
{
    const json_t *value = json_object_get(object, key);
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < (json_int_t)min || n > (json_int_t)max)
        return ed_model_wrong(file, err, "%s wants a whole number from %zu to %zu", key, min, max);
    *ret = (size_t)n;
    return EDDY_OK;
}

const char *ed_model_word(const json_t *object, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(object, key);
    const char *word = json_string_value(value);
    return word ? word : value && !json_is_null(value) ? "" : otherwise;
}

void ed_model_flag(const json_t *object, const char *key, int *flag)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_boolean(value))
        *flag = json_is_true(value);
}

eddy_status ed_model_unsupported(const struct ed_model_file *file, const char *key,
                                 const char *value, eddy_error *err)
{
    return ed_model_wrong(file, err, "%s \"%.60s\" is not supported", key, value);
}

eddy_status ed_model_wrong(const struct ed_model_file *file, eddy_error *err, const char *format,
                           ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return eddy_fail(err, EDDY_FORMAT, "model %s: %s: %s", file->dir, file->name, text);
}
