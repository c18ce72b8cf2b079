/* tree: themes over topics over events, as the events topic has them. */
#ifndef ED_CLI_TREE_H
#define ED_CLI_TREE_H

#include "cli/look.h"
#include "cli/view.h"

/* Read and print it: active events of at least size_min documents below their topics, the largest
 * first; with json one object a line, parents before their children. Statuses as ed_look. */
eddy_status ed_tree_print(struct ed_config *config, const char *dir, double size_min, int json,
                          struct ed_view *view, eddy_error *err);

#endif
