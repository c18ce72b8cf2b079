/* What the program says on a terminal: errors, headings, folded text, exit codes. */
#include "cli/usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ed_exit_code(const eddy_error *err)
{
    if (err->retriable && err->status != EDDY_UNAVAILABLE)
        return ED_EXIT_TEMPORARY;
    switch (err->status) {
    case EDDY_OK: return ED_EXIT_OK;
    case EDDY_CONFIG: return ED_EXIT_CONFIG;
    case EDDY_UNAVAILABLE: return ED_EXIT_UNAVAILABLE;
    case EDDY_IO: return ED_EXIT_IO;
    case EDDY_INVALID: return ED_EXIT_INTERNAL; /* the configuration was checked before */
    case EDDY_NOMEM:
    case EDDY_FORMAT:
    case EDDY_FENCED:
    case EDDY_STOPPED: return ED_EXIT_FAILURE;
    }
    return ED_EXIT_FAILURE;
}

int ed_exit_with(const eddy_error *err)
{
    fprintf(stderr, "eddy: %s\n", *err->text ? err->text : eddy_status_name(err->status));
    return ed_exit_code(err);
}

int ed_exit_usage(const char *command, const eddy_error *err)
{
    fprintf(stderr, "eddy %s\nTry 'eddy %s --help'.\n", err->text, command);
    return ED_EXIT_USAGE;
}

int ed_exit_flushed(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno == EPIPE) /* a reader that has seen enough is no failure */
        return code;
    fprintf(stderr, "eddy: standard output: %s\n", strerror(errno));
    return ED_EXIT_IO;
}

int ed_colour(FILE *out)
{
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(off && *off) && term && strcmp(term, "dumb") != 0 && isatty(fileno(out));
}

void ed_heading(FILE *out, int colour, const char *heading)
{
    fprintf(out, "%s%s%s", colour ? "\033[1m" : "", heading, colour ? "\033[0m" : "");
}

/* Characters of n bytes of UTF-8: the bytes that begin one. */
static size_t columns(const char *s, size_t n)
{
    size_t columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += ((unsigned char)s[i] & 0xC0) != 0x80;
    return columns;
}

void ed_text_wrap(FILE *out, const char *text, size_t first, const char *margin, size_t width)
{
    size_t column = first;
    int fresh = 1; /* nothing stands on this line yet, behind the margin */
    while (*text) {
        if (*text == '\n') {
            fprintf(out, "\n%s", margin);
            column = strlen(margin);
            fresh = 1;
            text++;
            continue;
        }
        size_t blanks = strspn(text, " ");
        text += blanks;
        size_t n = strcspn(text, " \n"), wide = columns(text, n);
        if (n && !fresh && column + blanks + wide > width) {
            fprintf(out, "\n%s", margin);
            column = strlen(margin);
            blanks = 0;
        }
        fprintf(out, "%*s%.*s", (int)blanks, "", (int)n, text);
        column += blanks + wide;
        fresh = 0;
        text += n;
    }
    fputc('\n', out);
}

char *ed_shown(const char *text, char *ret, size_t n)
{
    size_t i = 0, keep = n > 4 ? n - 4 : 0;
    for (; text[i] && i + 1 < n; i++)
        ret[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i];
    ret[i] = 0;
    if (text[i]) { /* cut, in front of a character and not inside one */
        while (keep && ((unsigned char)text[keep] & 0xC0) == 0x80)
            keep--;
        snprintf(ret + keep, n - keep, "...");
    }
    return ret;
}
