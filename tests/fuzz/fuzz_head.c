/* Any bytes as a head: what is taken, written and taken again is the same (an older head may know
 * fewer topics, so its own bytes may differ); what is refused leaves nothing. */
#include "journal/head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ed_head head = {0}, none = {0};
    eddy_error err = {0};
    eddy_status st = ed_head_read((eddy_str){(const char *)data, n}, &head, &err);
    if (st != EDDY_OK) {
        if (st != EDDY_FORMAT || !*err.text || memcmp(&head, &none, sizeof head) != 0)
            abort();
        return 0;
    }
    struct ed_bytes once, twice;
    ed_bytes_init(&once, 0);
    ed_bytes_init(&twice, 0);
    ed_head_write(&head, &once);
    if (once.failed || once.n < n ||
        ed_head_read((eddy_str){once.at, once.n}, &none, &err) != EDDY_OK)
        abort();
    ed_head_write(&none, &twice);
    if (twice.failed || once.n != twice.n || memcmp(once.at, twice.at, once.n) != 0)
        abort();
    ed_bytes_clear(&once);
    ed_bytes_clear(&twice);
    ed_head_clear(&head);
    ed_head_clear(&none);
    return 0;
}
