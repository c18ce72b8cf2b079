/* Names of operations, the same in control messages and in the log. */
#include "base/order.h"

const char *ed_operation_name(eddy_operation_kind kind)
{
    static const char *const names[] = {
        [EDDY_OPERATION_MERGE] = "merge",      [EDDY_OPERATION_SPLIT] = "split",
        [EDDY_OPERATION_MOVE] = "move",        [EDDY_OPERATION_RENAME] = "rename",
        [EDDY_OPERATION_PIN] = "pin",          [EDDY_OPERATION_UNPIN] = "unpin",
        [EDDY_OPERATION_LINK] = "link",        [EDDY_OPERATION_UNDO] = "undo",
        [EDDY_OPERATION_ANSWER] = "answer",    [EDDY_OPERATION_DESCRIBE] = "describe",
        [EDDY_OPERATION_REASSIGN] = "reassign"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : NULL;
}
