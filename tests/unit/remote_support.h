/* The scripted endpoint (tests/llm/server) as a child of a test. */
#ifndef EDDY_REMOTE_SUPPORT_H
#define EDDY_REMOTE_SUPPORT_H

#include "test.h"

#include "base/time.h"
#include "remote/http.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct scripted {
    pid_t pid;
    int in; /* it ends when this is closed */
    int shared;
    char url[100];
};

/* A machine without Python skips the test. */
static inline void scripted_spawn(struct scripted *s, const char *const *more)
{
    char *args[20] = {"python3", "tests/llm/server", "--parent"};
    for (size_t i = 3; more && *more; more++)
        args[i++] = (char *)(uintptr_t)*more;
    int in[2], out[2];
    assert_int_equal(pipe(in) | pipe(out), 0);
    fcntl(in[1], F_SETFD, FD_CLOEXEC); /* else the next child holds it open */
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    for (int i = 0; i < 2; i++) {
        posix_spawn_file_actions_addclose(&actions, in[i]);
        posix_spawn_file_actions_addclose(&actions, out[i]);
    }
    if (posix_spawnp(&s->pid, "python3", &actions, NULL, args, environ) != 0)
        exit(77);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    s->in = in[1];
    FILE *said = fdopen(out[0], "r");
    assert_non_null(fgets(s->url, sizeof s->url, said));
    s->url[strcspn(s->url, "\n")] = 0;
    fclose(said);
}

/* One request of the test's own; its body is to be json_decref'ed. */
static inline json_t *scripted_tell(const struct scripted *s, const char *method, const char *path,
                                    const char *body)
{
    struct ed_http_options o;
    struct ed_http *http = NULL;
    struct ed_http_reply reply;
    struct ed_http_request request = {.method = method, .path = path, .body = {body, strlen(body)}};
    eddy_arena *arena = eddy_arena_new(0);
    ed_http_options_init(&o);
    o.url = s->url;
    o.retries = 20; /* it may be playing dead */
    o.pace.failures_max = 100;
    CHECK_OK(ed_http_new(&o, &http, NULL), &(eddy_error){0});
    ed_http_exchange(http, &request, 1, arena, &reply);
    assert_int_equal(reply.cause, ED_HTTP_GOOD);
    json_t *ret = json_loadb(reply.body.at, reply.body.n, 0, NULL);
    assert_non_null(ret);
    ed_http_free(http);
    eddy_arena_free(arena);
    return ret;
}

/* script: JSON Lines; more: further arguments, ended by NULL. Without any, one child serves all
 * tests of this process, one after the other, and ends with it: Python takes its time to start. */
static inline void scripted_start(struct scripted *s, const char *script, const char *const *more)
{
    static struct scripted shared;
    *s = (struct scripted){0};
    if (more)
        scripted_spawn(s, more);
    else if (!shared.pid)
        scripted_spawn(&shared, NULL);
    if (!more) {
        *s = shared;
        s->shared = 1;
    }
    json_decref(scripted_tell(s, "PUT", "/script", script));
}

static inline void scripted_end(struct scripted *s)
{
    if (s->shared)
        return;
    close(s->in);
    waitpid(s->pid, NULL, 0);
}

/* What it was asked so far; to be json_decref'ed. */
static inline json_t *scripted_seen(const struct scripted *s)
{
    return scripted_tell(s, "GET", "/seen", "");
}

static inline size_t scripted_count(const struct scripted *s)
{
    json_t *seen = scripted_seen(s);
    size_t n = (size_t)json_integer_value(json_object_get(seen, "n"));
    json_decref(seen);
    return n;
}

/* The largest that this process was so far. */
static inline long memory_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* What sanitizers and a busy machine add to times that are promised. */
#define SLOW (TEST_SANITIZED ? 10 : 1)

#endif
