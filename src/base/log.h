/* Logs of the program: one logfmt line for one event, on standard error.
 *
 *     ts=2031-05-14T08:30:00.000Z level=warn sub=source msg="topic news: leader not available"
 *
 * Program folders only: libeddy is silent and never includes this. Document text is never logged.
 * A place in the code that repeats itself is cut short: after ED_LOG_BURST lines within
 * ED_LOG_WINDOW_MS its lines are only counted, and the next one that is written says how many
 * there were (repeated=N). Any thread; a line is one write, so lines never mix. */
#ifndef ED_BASE_LOG_H
#define ED_BASE_LOG_H

enum ed_log_level { ED_LOG_ERROR, ED_LOG_WARN, ED_LOG_INFO, ED_LOG_DEBUG };

#define ED_LOG_BURST     5
#define ED_LOG_WINDOW_MS 10000

/* Write lines up to this level; ED_LOG_INFO until told otherwise. */
void ed_log_up_to(enum ed_log_level level);

/* sub: the folder that speaks, a plain word. format: a sentence; must be a string literal, as
 * its address is what repeated lines are known by. Longer than 1,000 bytes is cut. */
__attribute__((format(printf, 3, 4))) void ed_log(enum ed_log_level level, const char *sub,
                                                  const char *format, ...);

#endif
