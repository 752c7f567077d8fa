// The API behind the contenders: answers every request at once, from memory, and costs as little as it can.
// GET: 1 KiB of JSON, or 1 MiB where the path starts with /big; POST: reads the body (Content-Length) and answers as GET.
//
//     origin PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kHead = 16 * 1024, kBlock = 256 * 1024, kEvents = 256, kSmall = 1024, kBig = 1024 * 1024 };

struct Client {
  int fd;
  size_t filled;       // bytes of a head that isn't whole yet
  size_t body_left;    // of the request under way
  const char *answer;  // what is still to be sent
  size_t answer_left;
  const char *next;  // the answer to the request whose body comes
  size_t next_size;
  char head[kHead];
};

static char body[kBlock];
static char *small, *big;
static size_t small_size, big_size;

static char *make_answer(size_t size, size_t *whole) {
  char *answer = malloc(size + 256);
  if (answer == NULL) exit(1);
  const int head = sprintf(answer,
                           "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\n"
                           "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: %zu\r\n\r\n",
                           size);
  memset(answer + head, 'x', size);
  memcpy(answer + head, "{\"x\":\"", 6);
  memcpy(answer + head + size - 2, "\"}", 2);
  *whole = (size_t)head + size;
  return answer;
}

static void drop(struct Client *client) {
  close(client->fd);
  free(client);
}

static void watch(int poll, struct Client *client, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = client};
  epoll_ctl(poll, EPOLL_CTL_MOD, client->fd, &event);
}

// 0: goes on; -1: the connection is over.
static int flush(int poll, struct Client *client, int waiting) {
  while (client->answer_left > 0) {
    const ssize_t sent = send(client->fd, client->answer, client->answer_left, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) return -1;
      if (!waiting) watch(poll, client, EPOLLOUT);
      return 0;
    }
    client->answer += sent;
    client->answer_left -= (size_t)sent;
  }
  if (waiting) watch(poll, client, EPOLLIN);
  return 0;
}

static int answer(int poll, struct Client *client) {
  client->answer = client->next;
  client->answer_left = client->next_size;
  return flush(poll, client, 0);
}

static int serve(int poll, struct Client *client) {
  if (client->body_left > 0) {
    const size_t room = client->body_left < kBlock ? client->body_left : kBlock;
    const ssize_t got = recv(client->fd, body, room, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : -1;
    client->body_left -= (size_t)got;
    return client->body_left == 0 ? answer(poll, client) : 0;
  }
  const ssize_t got = recv(client->fd, client->head + client->filled, kHead - 1 - client->filled, 0);
  if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : -1;
  client->filled += (size_t)got;
  client->head[client->filled] = 0;
  const char *end = memmem(client->head, client->filled, "\r\n\r\n", 4);
  if (end == NULL) return client->filled == kHead - 1 ? -1 : 0;
  const int wants_big = strstr(client->head, " /big") != NULL && strstr(client->head, " /big") < end;
  client->next = wants_big ? big : small;
  client->next_size = wants_big ? big_size : small_size;
  const size_t behind = client->filled - (size_t)(end + 4 - client->head);
  client->filled = 0;
  const char *length = client->head[0] == 'P' ? strcasestr(client->head, "\r\nContent-Length:") : NULL;
  const size_t size = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
  if (behind > size) return -1;  // nobody here pipelines
  client->body_left = size - behind;
  return client->body_left == 0 ? answer(poll, client) : 0;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: origin PORT\n"), 2;
  small = make_answer(kSmall, &small_size);
  big = make_answer(kBig, &big_size);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listening, (const struct sockaddr *)&here, sizeof here) != 0 || listen(listening, 4096) != 0)
    return perror("origin"), 1;
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event);
  for (;;) {
    struct epoll_event events[kEvents];
    const int n = epoll_wait(poll, events, kEvents, -1);
    for (int i = 0; i < n; ++i) {
      struct Client *client = events[i].data.ptr;
      if (client == NULL) {
        const int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        client = calloc(1, sizeof *client);
        if (client == NULL) exit(1);
        client->fd = fd;
        struct epoll_event added = {.events = EPOLLIN, .data.ptr = client};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &added);
        continue;
      }
      const int over = events[i].events & EPOLLOUT ? flush(poll, client, 1) : serve(poll, client);
      if (over != 0) drop(client);
    }
  }
}
