// The floor: an epoll relay that only moves bytes between a client and the origin, one origin connection for each client.
// What it costs is what the kernel's TCP costs; nothing that reads HTTP can cost less.
//
//     relay LISTEN_PORT ORIGIN_PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kBlock = 64 * 1024, kEvents = 256 };

// One direction's end: what is read here goes to `peer`. `held` bytes wait until the peer takes them.
struct End {
  int fd;
  struct End *peer;
  char *held;
  size_t held_size, held_done;
};

static char block[kBlock];

static void set_interest(int poll, struct End *end, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = end};
  epoll_ctl(poll, EPOLL_CTL_MOD, end->fd, &event);
}

// Both ends go; events of the peer in the same batch are told apart by fd -1. The pair's memory stays until exit:
// a benchmark opens few.
static void close_pair(struct End *end) {
  struct End *ends[] = {end, end->peer};
  for (int i = 0; i < 2; ++i) {
    if (ends[i]->fd >= 0) close(ends[i]->fd);
    ends[i]->fd = -1;
    free(ends[i]->held);
    ends[i]->held = NULL;
  }
}

static void move(int poll, struct End *from) {
  struct End *to = from->peer;
  if (to->held != NULL) return;  // the peer is full: what comes waits in the kernel
  const ssize_t got = recv(from->fd, block, sizeof block, 0);
  if (got <= 0) {
    if (got < 0 && errno == EAGAIN) return;
    close_pair(from);
    return;
  }
  const ssize_t sent = send(to->fd, block, (size_t)got, MSG_NOSIGNAL);
  if (sent == got) return;
  if (sent < 0 && errno != EAGAIN) {
    close_pair(from);
    return;
  }
  const size_t done = sent > 0 ? (size_t)sent : 0;
  to->held_size = (size_t)got - done;
  to->held_done = 0;
  to->held = malloc(to->held_size);
  if (to->held == NULL) exit(1);
  memcpy(to->held, block + done, to->held_size);
  set_interest(poll, to, EPOLLIN | EPOLLOUT);
  set_interest(poll, from, 0);
}

static void flush(int poll, struct End *to) {
  const ssize_t sent = send(to->fd, to->held + to->held_done, to->held_size - to->held_done, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) close_pair(to);
    return;
  }
  to->held_done += (size_t)sent;
  if (to->held_done < to->held_size) return;
  free(to->held);
  to->held = NULL;
  set_interest(poll, to, EPOLLIN);
  set_interest(poll, to->peer, EPOLLIN);
}

// The ends' sockets never wait; the origin's was blocking for its connect only.
static struct End *add(int poll, int fd) {
  struct End *end = calloc(1, sizeof *end);
  if (end == NULL) exit(1);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  end->fd = fd;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  return end;
}

static struct sockaddr_in loopback(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void take(int poll, int listening, const struct sockaddr_in *origin) {
  const int client = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (client < 0) return;
  const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (upstream < 0 || connect(upstream, (const struct sockaddr *)origin, sizeof *origin) != 0) {
    perror("relay: origin");
    close(client);
    if (upstream >= 0) close(upstream);
    return;
  }
  struct End *a = add(poll, client);
  struct End *b = add(poll, upstream);
  a->peer = b;
  b->peer = a;
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: relay LISTEN_PORT ORIGIN_PORT\n"), 2;
  const struct sockaddr_in here = loopback(argv[1]), origin = loopback(argv[2]);
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listening, (const struct sockaddr *)&here, sizeof here) != 0 || listen(listening, 1024) != 0)
    return perror("relay"), 1;
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event);
  for (;;) {
    struct epoll_event events[kEvents];
    const int n = epoll_wait(poll, events, kEvents, -1);
    for (int i = 0; i < n; ++i) {
      struct End *end = events[i].data.ptr;
      if (end == NULL) {
        take(poll, listening, &origin);
        continue;
      }
      if (end->fd >= 0 && (events[i].events & EPOLLOUT) && end->held != NULL) flush(poll, end);
      if (end->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) move(poll, end);
    }
  }
}
