#include "engine/templates.h"
eddy_status eddy_miner_records(eddy_miner *miner, eddy_arena *arena,
                                        const eddy_record **ret, size_t *n_ret, eddy_error *err)
{(void)miner;(void)arena;(void)ret;(void)n_ret;(void)err;return EDDY_OK;}
