/* The options of the kept states: tests/golden/state and the seeds of fuzz_state. */
#ifndef EDDY_TEST_STATE_OPTIONS_H
#define EDDY_TEST_STATE_OPTIONS_H

#include <eddy/engine.h>

static inline eddy_engine_options state_options(void)
{
    eddy_engine_options o;
    eddy_engine_options_init(&o);
    o.dense_dim = 8;
    o.terms_dim = 16;
    o.detail = 3;
    o.fade_ms = 60000;
    o.repair_every = 50;
    o.events_max = 100;
    o.words_max = 1024;
    o.neighbours = 8;
    o.window = 40;
    return o;
}

#endif
