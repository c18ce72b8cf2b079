/* Kinds of addresses, as the registries of special-purpose addresses have them (RFC 6890 and what
 * was added since). Everything that is not plainly public is private: a new kind of special address
 * is better refused than reached. */
#include "remote/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct range4 {
    uint32_t net;
    int bits;
    enum ed_address kind;
};

static const struct range4 ranges4[] = {
    {0x7f000000, 8, ED_ADDRESS_LOOPBACK}, /* 127.0.0.0 */
    {0x00000000, 8, ED_ADDRESS_PRIVATE},  /* 0.0.0.0: this network; connects to this machine */
    {0x0a000000, 8, ED_ADDRESS_PRIVATE},  /* 10.0.0.0 */
    {0x64400000, 10, ED_ADDRESS_PRIVATE}, /* 100.64.0.0: behind a carrier */
    {0xa9fe0000, 16, ED_ADDRESS_PRIVATE}, /* 169.254.0.0: the link, and metadata services */
    {0xac100000, 12, ED_ADDRESS_PRIVATE}, /* 172.16.0.0 */
    {0xc0000000, 24, ED_ADDRESS_PRIVATE}, /* 192.0.0.0: protocols */
    {0xc0000200, 24, ED_ADDRESS_PRIVATE}, /* 192.0.2.0: documents */
    {0xc0a80000, 16, ED_ADDRESS_PRIVATE}, /* 192.168.0.0 */
    {0xc6120000, 15, ED_ADDRESS_PRIVATE}, /* 198.18.0.0: measurements */
    {0xc6336400, 24, ED_ADDRESS_PRIVATE}, /* 198.51.100.0: documents */
    {0xcb007100, 24, ED_ADDRESS_PRIVATE}, /* 203.0.113.0: documents */
    {0xe0000000, 3, ED_ADDRESS_PRIVATE},  /* 224.0.0.0 and up: groups, reserved, broadcast */
};

static enum ed_address kind4(uint32_t address)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof *ranges4; i++)
        if ((address ^ ranges4[i].net) >> (32 - ranges4[i].bits) == 0)
            return ranges4[i].kind;
    return ED_ADDRESS_PUBLIC;
}

static uint32_t word(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static enum ed_address kind6(const unsigned char *b)
{
    static const unsigned char zero[12], nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(b, mapped, 12) == 0 || memcmp(b, nat64, 12) == 0)
        return kind4(word(b + 12));
    if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
        return kind4(word(b + 2));
    if (memcmp(b, zero, 12) == 0)
        return word(b + 12) == 1 ? ED_ADDRESS_LOOPBACK : ED_ADDRESS_PRIVATE;
    /* Of the rest only 2000::/3 is in public use, without the documents' 2001:db8::/32 and Teredo,
     * whose inner address is scrambled. */
    if (b[0] >> 5 != 1 || word(b) == 0x20010db8 || word(b) == 0x20010000)
        return ED_ADDRESS_PRIVATE;
    return ED_ADDRESS_PUBLIC;
}

enum ed_address ed_address_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return kind4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return kind6(in.sin6_addr.s6_addr);
    }
    return ED_ADDRESS_PRIVATE;
}

int ed_address_is_loopback(const char *host)
{
    char bare[64];
    struct in_addr in;
    struct in6_addr in6;
    size_t n = strlen(host);
    if (strcasecmp(host, "localhost") == 0 ||
        (n > 10 && strcasecmp(host + n - 10, ".localhost") == 0)) /* RFC 6761 */
        return 1;
    if (inet_pton(AF_INET, host, &in) == 1)
        return kind4(ntohl(in.s_addr)) == ED_ADDRESS_LOOPBACK;
    if (n >= 2 && n - 2 < sizeof bare && *host == '[' && host[n - 1] == ']') {
        memcpy(bare, host + 1, n - 2);
        bare[n - 2] = 0;
        host = bare;
    }
    return inet_pton(AF_INET6, host, &in6) == 1 && kind6(in6.s6_addr) == ED_ADDRESS_LOOPBACK;
}
