/* Address: which machines a name may lead to.
 *
 * What a name resolves to is decided by whoever answers for it, and may change between two looks.
 * So not the name is judged but the address of the very socket that is about to connect. */
#ifndef ED_REMOTE_ADDRESS_H
#define ED_REMOTE_ADDRESS_H

#include <sys/socket.h>

enum ed_address {
    ED_ADDRESS_PUBLIC,
    ED_ADDRESS_PRIVATE, /* of a local network, a link (metadata services), a group, or nobody's */
    ED_ADDRESS_LOOPBACK
};

/* The kind of an IPv4 or IPv6 address; an IPv4 address inside of an IPv6 one counts as itself.
 * Other families are private. */
enum ed_address ed_address_of(const struct sockaddr *address);

/* 1: the host of a URL ("localhost", "127.0.0.1", "::1", "[::1]") is this machine by its name. */
int ed_address_is_loopback(const char *host);

#endif
