/* Sends each datagram back as a reply, from a socket on a free port of 127.0.0.1, which it prints:
 * what the machine itself makes of a question and its answer. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    uint8_t message[4096];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (void *)&here, size) || getsockname(fd, (void *)&here, &size)) return 1;
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    for (;;) {
        struct sockaddr_in peer;
        size = sizeof peer;
        ssize_t length = recvfrom(fd, message, sizeof message, 0, (void *)&peer, &size);
        if (length < 12) continue;
        message[2] |= 0x80;
        sendto(fd, message, length, 0, (void *)&peer, size);
    }
}
