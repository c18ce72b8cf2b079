/* The basic tokenizer of BERT, a code point at a time.
 *
 * The order is the reference's: control characters out, blanks to one kind, Han apart, then
 * accents (NFD without non-spacing marks), then lower case, then punctuation apart. No step looks
 * at a neighbour but NFD's reordering of marks, and of those nearly all are dropped here.
 *
 * The reference is the Rust library `tokenizers`, whose categories stop at Unicode 8 while
 * utf8proc's go on: what came later is a plain letter there. All code points were compared;
 * where the two differ stands in the tables below. Left out: 55 capitals of Unicode 16 and 17,
 * which are in no vocabulary in either case. */
#include "embed/fold.h"

#include <utf8proc.h>

enum category { PLAIN, CONTROL, BLANK, MARK, PUNCTUATION };

struct range {
    int32_t from, to;
};

static int is_in(const struct range *ranges, size_t n, int32_t c)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (c < ranges[middle].from)
            n = middle;
        else if (c > ranges[middle].to)
            low = middle + 1;
        else
            return 1;
    }
    return 0;
}

/* No mark, punctuation, format character or decomposition in here for the reference. Ranges are
 * drawn as wide as that holds. */
static const struct range unknown[] = {
    {0x061D, 0x061D},   {0x07FD, 0x07FD},   {0x0890, 0x08E2},   {0x09FD, 0x09FE},
    {0x0A76, 0x0A76},   {0x0AFA, 0x0AFF},   {0x0B55, 0x0B55},   {0x0C04, 0x0C3C},
    {0x0C77, 0x0C77},   {0x0C84, 0x0C84},   {0x0D00, 0x0D00},   {0x0D3B, 0x0D3C},
    {0x0D81, 0x0D81},   {0x0EBA, 0x0EBA},   {0x0ECE, 0x0ECE},   {0x180F, 0x1886},
    {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},   {0x1DF6, 0x1DFB},   {0x2E43, 0x2E5D},
    {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},
    {0x10D24, 0x10F89}, {0x11070, 0x11074}, {0x110C2, 0x110CD}, {0x111CF, 0x111CF},
    {0x1123E, 0x11241}, {0x1133B, 0x1133B}, {0x11438, 0x1145E}, {0x11660, 0x1166C},
    {0x116B9, 0x116B9}, {0x1182F, 0x11FFF}, {0x12FF1, 0x13455}, {0x16E97, 0x16F4F},
    {0x16FE2, 0x16FE4}, {0x1CF00, 0x1CF46}, {0x1E000, 0x1E4EF}, {0x1E944, 0x1E95F},
};

static const struct range han[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
    {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static enum category category_of(int32_t c)
{
    if (c == 0x1734) /* Hanunoo pamudpod, a spacing mark since Unicode 14 */
        return MARK;
    if (c == 0x166D || c == 0x111C9) /* Canadian syllabics chi sign, Sharada sandhi mark */
        return PUNCTUATION;
    if (is_in(unknown, COUNT(unknown), c))
        return PLAIN;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS: return CONTROL;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return BLANK;
    case UTF8PROC_CATEGORY_MN: return MARK;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return PUNCTUATION;
    default: return PLAIN;
    }
}

static void add(struct ed_folded *ret, int32_t c, int alone)
{
    if (ret->n == ED_FOLDED_MAX)
        return;
    ret->alone[ret->n] = (unsigned char)alone;
    ret->at[ret->n++] = c;
}

/* All that is neither letter nor digit, so $ and + too, which Unicode calls symbols. */
static int is_ascii_punctuation(int32_t c)
{
    return c > ' ' && c < 0x7F && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
           !(c >= '0' && c <= '9');
}

/* Most of most texts. */
static enum ed_fold_kind fold_ascii(int32_t c, const struct ed_fold_flags *flags,
                                    struct ed_folded *ret)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return ED_FOLD_BLANK;
    if (c < ' ' || c == 0x7F)
        return ED_FOLD_DROPPED;
    int is_capital = c >= 'A' && c <= 'Z';
    add(ret, is_capital && flags->lower ? c + 'a' - 'A' : c, is_ascii_punctuation(c));
    return ED_FOLD_LETTERS;
}

enum ed_fold_kind ed_fold(int32_t c, const struct ed_fold_flags *flags, struct ed_folded *ret)
{
    ret->n = 0;
    if (c >= 0 && c < 0x80)
        return fold_ascii(c, flags, ret);
    enum category category = c < 0 || c == 0xFFFD ? CONTROL : category_of(c);
    if (category == CONTROL)
        return ED_FOLD_DROPPED;
    if (category == BLANK)
        return ED_FOLD_BLANK;

    int32_t parts[ED_FOLDED_MAX] = {c};
    utf8proc_ssize_t n = 1;
    if (flags->strip_accents && !is_in(unknown, COUNT(unknown), c))
        n = utf8proc_decompose_char(c, parts, ED_FOLDED_MAX, UTF8PROC_DECOMPOSE, NULL);
    for (utf8proc_ssize_t i = 0; i < n && i < ED_FOLDED_MAX; i++) {
        category = category_of(parts[i]);
        if (category == MARK && flags->strip_accents)
            continue;
        if (parts[i] == 0x130 && flags->lower) { /* the one capital that two letters stand for */
            add(ret, 'i', 0);
            add(ret, 0x307, 0);
            continue;
        }
        int alone = category == PUNCTUATION || (parts[i] < 0x80 && is_ascii_punctuation(parts[i]));
        add(ret, flags->lower ? utf8proc_tolower(parts[i]) : parts[i], alone);
    }
    return flags->split_cjk && is_in(han, COUNT(han), c) ? ED_FOLD_WORD : ED_FOLD_LETTERS;
}
