/* One JSON file of a model directory, while it is read. */
#ifndef ED_EMBED_MODEL_FILE_H
#define ED_EMBED_MODEL_FILE_H

#include <eddy/error.h>

#include <jansson.h>

struct ed_model_file {
    const char *dir, *name;
    json_t *root; /* NULL: the file is not there */
};

/* Read dir/name, whose value must be of that type, so that another does not look like one without
 * any key. Where there is no such file root is NULL.
 *
 * EDDY_UNAVAILABLE  it is there but cannot be read
 * EDDY_FORMAT       it is no JSON, of another type, or too large
 * EDDY_NOMEM
 * Closing does no harm after a failure. */
eddy_status ed_model_file_open(struct ed_model_file *file, const char *dir, const char *name,
                               json_type type, eddy_error *err);
void ed_model_file_close(struct ed_model_file *file);

/* A key of object that must be a whole number in [min, max]. */
eddy_status ed_model_number(const struct ed_model_file *file, const json_t *object, const char *key,
                            size_t min, size_t max, size_t *ret, eddy_error *err);
/* The string of a key; otherwise when it is not there. "" when it is no string. */
const char *ed_model_word(const json_t *object, const char *key, const char *otherwise);
/* A flag keeps what it had where the key is missing or null. */
void ed_model_flag(const json_t *object, const char *key, int *flag);

/* EDDY_FORMAT, with a sentence that names file, key and value. */
eddy_status ed_model_unsupported(const struct ed_model_file *file, const char *key,
                                 const char *value, eddy_error *err);
/* EDDY_FORMAT: "model DIR: NAME: " and what is wrong. */
__attribute__((format(printf, 3, 4))) eddy_status
ed_model_wrong(const struct ed_model_file *file, eddy_error *err, const char *format, ...);

#endif
