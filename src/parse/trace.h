/* Traces: what stack traces look like, line by line, and the exceptions that they name. */
#ifndef ED_PARSE_TRACE_H
#define ED_PARSE_TRACE_H

#include <eddy/layout.h>

enum ed_trace {
    ED_TRACE_NONE,   /* begins a record */
    ED_TRACE_MORE,   /* continues one: blank, indented, or closing brackets */
    ED_TRACE_JAVA,   /* "at ...", "Caused by: ..." and their kin: so does a stack trace of Java, C#,
                        JS */
    ED_TRACE_PYTHON, /* "Traceback ...", "File ..." */
    ED_TRACE_GO,     /* "goroutine 1 [running]:", "created by ..." */
    /* What continues a trace that is under way, and else begins a record: */
    ED_TRACE_RAISED, /* "java.io.IOException: ...", "KeyError" */
    ED_TRACE_NAMED,  /* "subprocess.TimeoutExpired: ...": the same by a name of any kind */
    ED_TRACE_CALL    /* "main.run(0x1)": a frame of Go */
};

/* What a line is that has no header to tell it. */
enum ed_trace ed_trace_line(eddy_str line);

/* Add the classes of exceptions that these lines name, in order, to ret (max), which holds n; those
 * that it has are not added again. Returns how many there are then. They point into lines. */
size_t ed_trace_exceptions(eddy_str lines, eddy_str *ret, size_t n, size_t max);

#endif
