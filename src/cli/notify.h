/* notify: what systemd is told of a service (Type=notify): sd_notify(3) without its library. */
#ifndef ED_CLI_NOTIFY_H
#define ED_CLI_NOTIFY_H

/* Send lines such as "READY=1" or "STATUS=..." to the socket that $NOTIFY_SOCKET names, without
 * waiting. 1: they are sent, or nobody wants to know; 0: try again later. */
int ed_notify(const char *lines);

#endif
