/* Operations: what people ask for with the token, done one after the other by a thread of its own.
 *
 * An operation goes to the control topic and its answer comes out of the operations' topic, which
 * takes seconds where the pipeline is busy: its connection is suspended meanwhile, and woken with
 * the answer. The line is short, since people are slow; whoever finds it full may come again. */
#include "serve/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <signal.h>

#define ROOM 16

struct ed_operator {
    struct ed_serve *serve;
    pthread_t thread;
    int has_thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t came;
    struct ed_exchange *first, **last;
    size_t n;
    int stopping;
};

static struct ed_exchange *line_take(struct ed_operator *op)
{
    pthread_mutex_lock(&op->lock);
    while (!op->first && !op->stopping)
        pthread_cond_wait(&op->came, &op->lock);
    struct ed_exchange *x = op->first;
    if (x) {
        op->first = x->next;
        op->n--;
        if (!op->first)
            op->last = &op->first;
    }
    pthread_mutex_unlock(&op->lock);
    return x;
}

/* What is left when we are asked to stop is told so. NULL: nothing is left. */
static void *operator_main(void *p)
{
    struct ed_operator *op = p;
    const struct ed_serve_backend *backend = &op->serve->o.backend;
    struct ed_exchange *x;
    while ((x = line_take(op))) {
        if (atomic_load(&op->serve->stopping)) {
            ed_exchange_fail(x, 503, "eddy is about to end");
        } else {
            x->status = backend->operate(backend->user, (eddy_str){x->in.at, x->in.n}, &x->out);
            x->type = x->status < 400 ? ED_TYPE_JSON : ED_TYPE_PROBLEM;
            atomic_store(&x->answered, 1);
        }
        MHD_resume_connection(x->connection);
    }
    return NULL;
}

eddy_status ed_operator_new(struct ed_serve *serve, struct ed_operator **ret, eddy_error *err)
{
    sigset_t every, before;
    struct ed_operator *op = ed_alloc_zero(1, sizeof *op);
    if (!op)
        return eddy_fail_nomem(err, "serve", sizeof *op);
    op->serve = serve;
    op->last = &op->first;
    pthread_mutex_init(&op->lock, NULL);
    pthread_cond_init(&op->came, NULL);
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    op->has_thread = pthread_create(&op->thread, NULL, operator_main, op) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *ret = op;
    return op->has_thread ? EDDY_OK : eddy_fail(err, EDDY_NOMEM, "serve: cannot start a thread");
}

void ed_operator_take(struct ed_operator *op, struct ed_exchange *x)
{
    pthread_mutex_lock(&op->lock);
    int room = op->n < ROOM && !op->stopping;
    if (room) {
        MHD_suspend_connection(x->connection); /* before anybody can wake it */
        x->next = NULL;
        *op->last = x;
        op->last = &x->next;
        op->n++;
        pthread_cond_signal(&op->came);
    }
    pthread_mutex_unlock(&op->lock);
    if (!room)
        ed_exchange_fail(x, 503, "too many operations wait; try again");
}

void ed_operator_stop(struct ed_operator *op)
{
    if (!op)
        return;
    pthread_mutex_lock(&op->lock);
    op->stopping = 1;
    pthread_cond_signal(&op->came);
    pthread_mutex_unlock(&op->lock);
    if (op->has_thread)
        pthread_join(op->thread, NULL);
}

void ed_operator_free(struct ed_operator *op)
{
    if (!op)
        return;
    pthread_cond_destroy(&op->came);
    pthread_mutex_destroy(&op->lock);
    ed_free(op);
}
