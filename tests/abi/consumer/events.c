/* Somebody else's program, in C99: two events from ten lines of news, with libeddy alone. It needs
 * no model, no file and no set-up, and prints nothing but its own answer. */
#include <eddy/eddy.h>

#include <stdio.h>
#include <string.h>

static const char *const lines[] = {
    "Fire destroys warehouse at Gannet Quay harbour",
    "Central bank lowers interest rates by half a point",
    "Harbour fire: crews fight blaze in Gannet Quay warehouse",
    "Interest rates cut: central bank lowers rates to two percent",
    "Warehouse blaze at Gannet Quay harbour still burning",
    "Markets rise as central bank lowers interest rates",
    "Gannet Quay harbour warehouse fire under control",
    "Central bank explains why interest rates are lowered",
    "Smoke from warehouse fire at Gannet Quay harbour drifts over town",
    "Savers angry as central bank lowers interest rates",
};
enum { N = sizeof lines / sizeof *lines };

int main(void)
{
    eddy_error err;
    eddy_engine_options options;
    eddy_clusterer *cl = NULL;
    eddy_row rows[N];
    eddy_assignment answers[N];
    const uint64_t *ids = NULL;
    size_t n_ids = 0, i;
    int code = 1;
    eddy_arena *arena = eddy_arena_new(1 << 20);

    memset(&err, 0, sizeof err);
    memset(rows, 0, sizeof rows);
    if (!arena)
        return 1;
    eddy_engine_options_init(&options);
    options.dense_dim = 0;   /* words only: no model, no file */
    options.threshold = 0.2; /* ten documents are too few to learn one */
    if (eddy_clusterer_new(&options, &cl, &err) != EDDY_OK)
        goto out;
    for (i = 0; i < N; i++) {
        eddy_str none = {NULL, 0}, text;
        text.at = lines[i];
        text.n = strlen(lines[i]);
        if (eddy_terms_read(none, text, arena, &rows[i].terms, &rows[i].n_terms, &err) != EDDY_OK)
            goto out;
        rows[i].id = rows[i].title = text;
        rows[i].time_ms = 1700000000000 + 60000 * (int64_t)i;
    }
    if (eddy_clusterer_assign(cl, rows, N, answers, &err) != EDDY_OK ||
        eddy_clusterer_flush(cl, &err) != EDDY_OK ||
        eddy_clusterer_events(cl, arena, &ids, &n_ids, &err) != EDDY_OK)
        goto out;
    for (i = 0; i < n_ids; i++) {
        eddy_event event;
        if (eddy_clusterer_event(cl, ids[i], arena, &event, &err) != EDDY_OK)
            goto out;
        printf("%.0f documents: %.*s\n", event.size, (int)event.name.n, event.name.at);
    }
    code = 0;
out:
    if (code)
        fprintf(stderr, "%s\n", err.text);
    eddy_clusterer_free(cl);
    eddy_arena_free(arena);
    return code;
}
