/* UTF-8 by the table of the Unicode standard (3.9, table 3-7): the second byte has its own range
 * for each lead byte, and that is where overlong forms and surrogates fall out. Plain ASCII goes
 * eight bytes at a time, since that is what most of a stream is. */
#include "base/utf8.h"

#include <string.h>

size_t ed_utf8_next(const char *s, size_t n, int32_t *ret)
{
    const unsigned char *b = (const unsigned char *)s;
    unsigned char lead = b[0];
    if (lead < 0x80) {
        *ret = lead;
        return 1;
    }
    size_t size = lead >= 0xC2 && lead <= 0xDF ? 2 : lead >= 0xE0 && lead <= 0xEF ? 3 : 4;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    *ret = -1;
    if (lead < 0xC2 || lead > 0xF4 || n < size || b[1] < low || b[1] > high)
        return 1;
    int32_t c = lead & (0x7F >> size);
    for (size_t i = 1; i < size; i++) {
        if ((b[i] & 0xC0) != 0x80)
            return 1;
        c = c << 6 | (b[i] & 0x3F);
    }
    *ret = c;
    return size;
}

size_t ed_utf8_valid(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t eight;
        if (n - i >= sizeof eight) {
            memcpy(&eight, s + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof eight;
                continue;
            }
        }
        int32_t c;
        size_t size = ed_utf8_next(s + i, n - i, &c);
        if (c < 0)
            return i;
        i += size;
    }
    return n;
}

size_t ed_utf8_put(int32_t c, char *ret)
{
    if (c < 0x80) {
        ret[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size; i-- > 1; c >>= 6)
        ret[i] = (char)(0x80 | (c & 0x3F));
    ret[0] = (char)(lead[size] | c);
    return size;
}

size_t ed_utf8_cut(const char *s, size_t n, size_t max)
{
    if (n <= max)
        return n;
    while (max > 0 && ((unsigned char)s[max] & 0xC0) == 0x80)
        max--;
    return max;
}
