/* templates: the latest picture of each form of log lines, for a table. One owner thread. */
#ifndef ED_CLI_TEMPLATES_H
#define ED_CLI_TEMPLATES_H

#include "base/table.h"
#include "cli/view.h"
#include "publish/publish.h"

struct ed_templates {
    struct ed_template_shot **at; /* (n) */
    size_t n, room;
    struct ed_table places; /* id -> index + 1 */
};

void ed_templates_init(struct ed_templates *templates);
void ed_templates_clear(struct ed_templates *templates);
/* Keep this picture in place of the template's last one; one that was merged leaves. EDDY_NOMEM. */
eddy_status ed_templates_put(struct ed_templates *templates, const struct ed_template_told *told,
                             eddy_str json, eddy_error *err);
/* Those with most lines first, as a table; or as they were told, as JSON Lines. */
void ed_templates_print(struct ed_templates *templates, struct ed_view *view);
void ed_templates_print_json(struct ed_templates *templates, FILE *out);

#endif
