/* Configurations: no YAML breaks the reader, and what is taken is printed so that it reads back.
 * The first line also goes through --set, for it takes other ways. */
#include "cli/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char *const environment[] = {"HOME=/h", "NAME=whirl", "EMPTY=", NULL};

static void check_reads_back(const struct ed_config *config)
{
    char *text = NULL;
    size_t n = 0;
    struct ed_config again;
    FILE *out = open_memstream(&text, &n);
    if (!out || ed_config_print(config, out, NULL) != EDDY_OK || fclose(out) != 0)
        abort();
    if (ed_config_init(&again, environment, NULL) != EDDY_OK)
        abort();
    ed_config_read_text(&again, "printed", text, n);
    if (ed_config_finish(&again, NULL) != EDDY_OK) {
        fprintf(stderr, "%s\n%s\n", text, again.complaints.n ? again.complaints.at[0] : "");
        abort();
    }
    ed_config_clear(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ed_config config;
    char *text = malloc(n + 1);
    memcpy(text, data, n);
    text[n] = 0;
    /* Not every file of this machine is ours to open, nor ends. */
    if (strlen(text) == n && !strstr(text, "file:") &&
        ed_config_init(&config, environment, NULL) == EDDY_OK) {
        ed_config_read_text(&config, "fuzz.yaml", text, n);
        text[strcspn(text, "\n")] = 0;
        ed_config_set(&config, text);
        if (ed_config_finish(&config, NULL) == EDDY_OK)
            check_reads_back(&config);
        ed_config_clear(&config);
    }
    free(text);
    return 0;
}
