/* One control message of any bytes: an order that makes sense, or a reason. */
#include "parse/control.h"

#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void require(int holds)
{
    if (!holds)
        abort();
}

static void require_text(eddy_str s, size_t max)
{
    require(s.n <= max && (!s.n || (s.at[s.n] == 0 && ed_utf8_valid(s.at, s.n) == s.n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eddy_arena *arena = eddy_arena_new((size_t)1 << 24);
    struct ed_order order;
    eddy_reject reject;
    char detail[256];
    eddy_status st = ed_control_parse((const char *)data, size, arena, &order, &reject, detail,
                                      sizeof detail, NULL);
    require(st == EDDY_OK && reject < EDDY_REJECTS);
    if (reject) {
        require(*detail && strlen(detail) < sizeof detail);
    } else {
        const eddy_operation *op = &order.operation;
        require(order.pass || op->event || op->undo || op->kind == EDDY_OPERATION_UNDO);
        require(op->actor > EDDY_ONLINE && op->actor <= EDDY_PERSON);
        require(op->kind != EDDY_OPERATION_LINK || order.pass || fabs(op->strength) > 0);
        for (size_t i = 0; i < op->n_groups; i++)
            require(op->groups[i] != 0);
        require_text(op->name, EDDY_NAME_MAX);
        require_text(op->summary, EDDY_SUMMARY_MAX);
        require_text(op->category, EDDY_CATEGORY_MAX);
        require_text(op->evidence, EDDY_EVIDENCE_MAX);
        require_text(order.id, ED_ORDER_ID_MAX);
        require_text(order.who, ED_ORDER_ID_MAX);
    }
    eddy_arena_free(arena);
    return 0;
}
