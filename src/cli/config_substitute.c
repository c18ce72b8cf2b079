/* ${VAR}, ${VAR:-default} and ${file:/path} in values.
 *
 * Secrets belong in files or in the environment, not in a configuration that is shown around. So
 * what was put in is marked: messages and printouts show the ${...}, never what stood for it. One
 * pass: what is put in is not looked at again, so a value cannot smuggle in another reference. */
#include "cli/config_inner.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "cli/usage.h"

#include <errno.h>
#include <string.h>

struct place {
    struct ed_config *config;
    const char *key;
    const struct ed_origin *origin;
};

/* The content of a file without the newline at its end. */
static int add_file(const struct place *p, const char *path, struct ed_bytes *out)
{
    char name[200];
    ed_shown(path, name, sizeof name);
    FILE *in = fopen(path, "rb");
    if (!in) {
        ed_config_complain_at(p->config, p->origin, p->key, "cannot open the file %s: %s", name,
                              strerror(errno));
        return 0;
    }
    char *bytes = ed_alloc(ED_VALUE_MAX + 1);
    size_t n = bytes ? fread(bytes, 1, ED_VALUE_MAX + 1, in) : 0;
    int good = 0;
    if (!bytes)
        p->config->failed = 1;
    else if (ferror(in))
        ed_config_complain_at(p->config, p->origin, p->key, "cannot read the file %s: %s", name,
                              strerror(errno));
    else if (n > ED_VALUE_MAX)
        ed_config_complain_at(p->config, p->origin, p->key, "the file %s is larger than %d bytes",
                              name, ED_VALUE_MAX);
    else if (memchr(bytes, 0, n))
        ed_config_complain_at(p->config, p->origin, p->key, "the file %s is not text", name);
    else
        good = 1;
    fclose(in);
    if (good && n && bytes[n - 1] == '\n')
        n -= n > 1 && bytes[n - 2] == '\r' ? 2 : 1;
    if (good)
        ed_bytes_add(out, bytes, n);
    ed_free(bytes);
    return good;
}

static int add_variable(const struct place *p, const char *reference, struct ed_bytes *out)
{
    const char *fallback = strstr(reference, ":-");
    size_t n_name = fallback ? (size_t)(fallback - reference) : strlen(reference);
    size_t legal =
        strspn(reference, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    char name[ED_SHOWN_TEXT];
    ed_shown(reference, name, sizeof name);
    if (n_name == 0 || legal != n_name) {
        ed_config_complain_at(p->config, p->origin, p->key,
                              "'${%s}' is not ${VAR}, ${VAR:-default} or ${file:/path}", name);
        return 0;
    }
    const char *value = ed_config_variable(p->config, reference, n_name);
    if (fallback && (!value || !*value))
        value = fallback + 2;
    if (!value) {
        ed_config_complain_at(p->config, p->origin, p->key,
                              "%s is not set in the environment (${%s:-default} gives a default)",
                              name, name);
        return 0;
    }
    ed_bytes_add_str(out, value);
    return 1;
}

/* Everything of text into out; *ret_put is set when something was put in. */
static int substitute(const struct place *p, const char *text, struct ed_bytes *out, int *ret_put)
{
    while (*text && !out->failed) {
        size_t plain = strcspn(text, "$");
        if (strncmp(text + plain, "$${", 3) == 0) {
            ed_bytes_add(out, text, plain);
            ed_bytes_add_str(out, "${");
            text += plain + 3;
            continue;
        }
        if (strncmp(text + plain, "${", 2) != 0) {
            plain += text[plain] == '$';
            ed_bytes_add(out, text, plain);
            text += plain;
            continue;
        }
        ed_bytes_add(out, text, plain);
        text += plain + 2;
        size_t n = strcspn(text, "}");
        if (!text[n]) {
            ed_config_complain_at(p->config, p->origin, p->key, "a ${ is not closed by }");
            return 0;
        }
        const char *reference = ed_config_copy(p->config, text, n);
        if (!reference)
            return 0;
        *ret_put = 1;
        if (!(strncmp(reference, "file:", 5) == 0 ? add_file(p, reference + 5, out)
                                                  : add_variable(p, reference, out)))
            return 0;
        text += n + 1;
    }
    return 1;
}

int ed_config_substitute(struct ed_config *config, const char *text, const char *key,
                         const struct ed_origin *origin, struct ed_value *ret)
{
    struct place p = {config, key, origin};
    struct ed_bytes out;
    int put = 0;
    ed_bytes_init(&out, ED_VALUE_MAX);
    int good = substitute(&p, text, &out, &put);
    if (good && out.failed) {
        /* The ceiling or the memory: which of them, the length tells. */
        if (out.n + strlen(text) >= ED_VALUE_MAX / 2)
            ed_config_complain_at(config, origin, key, "the value is longer than %d bytes",
                                  ED_VALUE_MAX);
        else
            config->failed = 1;
        good = 0;
    }
    if (good) {
        ret->text = ed_config_copy(config, out.n ? out.at : "", out.n);
        ret->written = put ? ed_config_copy(config, text, strlen(text)) : NULL;
        good = !config->failed;
    }
    ed_bytes_clear(&out);
    return good;
}
