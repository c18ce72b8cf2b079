/* Fibers by ucontext. Stacks are kept for the next fiber: crashes are frequent. AddressSanitizer is
 * told of every switch, or it would take one stack for an overflow of another. */
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define STACK ((size_t)1 << 20)
/* Crashed processes leak what they held: that is what crashing means. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#else
#define STACK ((size_t)256 << 10)
#endif
#define SPARE 16

struct sim_fiber {
    ucontext_t here, outside;
    char *stack;
    void (*run)(void *user);
    void *user;
    int done;
    void *fake; /* AddressSanitizer's */
    const void *outside_at;
    size_t outside_n;
};

static char *spare[SPARE];
static int n_spare;
static struct sim_fiber *starting;

static void entered(struct sim_fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fiber->fake, &fiber->outside_at, &fiber->outside_n);
#else
    (void)fiber;
#endif
}

static void leave(struct sim_fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(fiber->done ? NULL : &fiber->fake, fiber->outside_at,
                                   fiber->outside_n);
#endif
    swapcontext(&fiber->here, &fiber->outside);
    entered(fiber);
}

static void first(void)
{
    struct sim_fiber *fiber = starting;
    entered(fiber);
    fiber->run(fiber->user);
    fiber->done = 1;
    leave(fiber);
    abort(); /* nobody resumes what is done */
}

struct sim_fiber *sim_fiber_new(void (*run)(void *user), void *user)
{
    struct sim_fiber *fiber = calloc(1, sizeof *fiber);
    char *stack = n_spare ? spare[--n_spare] : malloc(STACK);
    if (!fiber || !stack || getcontext(&fiber->here)) {
        perror("fiber");
        exit(2);
    }
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(stack, STACK);
#endif
    fiber->stack = stack;
    fiber->run = run;
    fiber->user = user;
    fiber->here.uc_stack.ss_sp = stack;
    fiber->here.uc_stack.ss_size = STACK;
    fiber->here.uc_link = NULL;
    makecontext(&fiber->here, first, 0);
    return fiber;
}

int sim_fiber_resume(struct sim_fiber *fiber)
{
    starting = fiber;
#if defined(__SANITIZE_ADDRESS__)
    void *fake = NULL;
    __sanitizer_start_switch_fiber(&fake, fiber->stack, STACK);
#endif
    swapcontext(&fiber->outside, &fiber->here);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
    return !fiber->done;
}

void sim_fiber_leave(struct sim_fiber *fiber)
{
    leave(fiber);
}

void sim_fiber_drop(struct sim_fiber *fiber)
{
    if (!fiber)
        return;
    if (n_spare < SPARE)
        spare[n_spare++] = fiber->stack;
    else
        free(fiber->stack);
    free(fiber);
}
