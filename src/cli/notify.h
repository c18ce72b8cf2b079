/* notify: what systemd is told of a service (Type=notify): sd_notify(3) without its library. */
#ifndef ED_CLI_NOTIFY_H
#define ED_CLI_NOTIFY_H

#include <stdint.h>

/* Send lines such as "READY=1" or "STATUS=..." to the socket that $NOTIFY_SOCKET names, without
 * waiting. 1: they are sent, or nobody wants to know; 0: try again later. */
int ed_notify(const char *lines);
/* Milliseconds after which a service that has not sent "WATCHDOG=1" is taken for hung and started
 * anew ($WATCHDOG_USEC, $WATCHDOG_PID); 0: nobody watches this process. */
int64_t ed_notify_watchdog(void);

#endif
