/* eddy/eddy.h: all of libeddy, for those who want it in one line. */
#ifndef EDDY_EDDY_H
#define EDDY_EDDY_H

#include <eddy/doc.h>
#include <eddy/embed.h>
#include <eddy/engine.h>
#include <eddy/error.h>
#include <eddy/layout.h>
#include <eddy/reason.h>
#include <eddy/score.h>
#include <eddy/templates.h>

#endif
