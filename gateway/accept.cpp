// How clients come in: accept, the limits on connections, the PROXY header and TLS, then the connection's
// life.
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "gateway/client.hpp"
#include "gateway/handle_request.hpp"
#include "gateway/net/beginning.hpp"
#include "gateway/net/listen.hpp"
#include "gateway/redirect.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};  // without descriptors
constexpr std::chrono::milliseconds kRoomPause{20};     // another worker may have closed one by then
constexpr std::size_t kShedAtOnce = 32;
constexpr unsigned kAcceptAtOnce = 32;         // then those who are connected have their turn
constexpr std::chrono::seconds kShedAfter{1};  // who has been quiet for less is about to ask again

void report(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    spdlog::error("a connection failed: {}", e.what());
  }
}

IpAddress address_of(const sockaddr_storage& from) {
  IpAddress address;
  if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    address.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    std::memcpy(address.bytes.data() + 12, &v4.sin_addr, 4);
  }
  return address;
}

bool someone_waits(int listening) {
  pollfd poll{listening, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0;
}

// The place that a connection takes among all: given back when it ends, however it ends.
struct Place {
  explicit Place(Shared& all) : shared(&all) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (counted) shared->by_address.leave(address);
    shared->connections.fetch_sub(1, std::memory_order_relaxed);
  }
  bool count(const IpAddress& of) {
    address = of;
    return counted = shared->by_address.enter(of);
  }
  Shared* shared;
  IpAddress address;
  bool counted = false;
};

struct Running {
  explicit Running(unsigned& all) : number(all) { ++number; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { --number; }
  unsigned& number;
};

}  // namespace

bool Worker::may_complain() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - complained_ < std::chrono::seconds(1)) return false;
  complained_ = now;
  return true;
}

// At the cap further clients are not accepted and closed, which they would see as an outage, but left in the
// kernel's queue: they are served as soon as there is room. Room is made by closing connections that have
// been waiting for a request the longest, as a keep-alive timeout would.
Task<> Worker::wait_for_room(int listening) {
  if (someone_waits(listening)) {
    if (may_complain())
      spdlog::warn("{} client connections: new ones wait (limits.connections, or the descriptor limit)",
                   shared_.connections.load());
    shed_idle();
  }
  room_.expires_after(kRoomPause);
  auto [ec] = co_await room_.async_wait(kAwait);
  (void)ec;
}

void Worker::shed_idle() {
  const SteadyTime now = std::chrono::steady_clock::now();
  std::vector<Client*> idle;
  for (Client& client : *clients_)
    if (client.waits_for_request() && now - client.connection.waiting_since() >= kShedAfter)
      idle.push_back(&client);
  const std::size_t n = std::min(kShedAtOnce, idle.size());
  std::partial_sort(idle.begin(), idle.begin() + static_cast<std::ptrdiff_t>(n), idle.end(),
                    [](const Client* a, const Client* b) {
                      return a->connection.waiting_since() < b->connection.waiting_since();
                    });
  for (std::size_t i = 0; i < n; ++i) idle[i]->stream.cancel();
}

Task<> Worker::accept(std::shared_ptr<Door> door) {
  net::ip::tcp::acceptor& acceptor = door->acceptor;
  error_code ignored;
  acceptor.native_non_blocking(true, ignored);
  std::optional<Running> accepting(std::in_place, accepting_);
  for (unsigned accepted = 0; acceptor.is_open();) {
    if (door->closing && std::chrono::steady_clock::now() > door->closed_by) break;
    const int listening = acceptor.native_handle();
    // The place is taken before the connection is, so that the cap is exact over all workers.
    if (shared_.connections.fetch_add(1, std::memory_order_relaxed) >= shared_.connection_cap) {
      shared_.connections.fetch_sub(1, std::memory_order_relaxed);
      if (door->closing && !someone_waits(listening)) break;
      co_await wait_for_room(listening);
      continue;
    }
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int fd =
        ::accept4(listening, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      const int code = errno;
      const bool nobody = code == EAGAIN || code == EWOULDBLOCK;
      const bool no_means = code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
      shared_.connections.fetch_sub(1, std::memory_order_relaxed);
      if (door->closing && nobody) break;
      if (nobody) {
        auto [ec] = co_await acceptor.async_wait(net::ip::tcp::acceptor::wait_read, kAwait);
        if (ec && !door->closing) break;
      } else if (no_means) {
        if (may_complain())
          spdlog::warn("no descriptor for another connection ({}); accepting again in {} ms",
                       std::strerror(code), kAcceptPause.count());
        shed_idle();
        net::steady_timer pause(io_, kAcceptPause);
        auto [ec] = co_await pause.async_wait(kAwait);
        if (ec) break;
      }
      continue;
    }
    Socket socket(io_.get_executor(), fd);
    Task<> connection = serve(std::move(socket), address_of(from), door);
    spawn(io_, std::move(connection), report);
    if (++accepted % kAcceptAtOnce == 0) co_await net::post(io_.get_executor(), kAwait);
  }
  acceptor.close(ignored);
  accepting.reset();
  check_drained();
}

// PROXY header and TLS. False: the connection ends here. `address` becomes the client's.
Task<bool> Worker::begin(Stream& stream, IpAddress& address, const Door& door) {
  const SteadyTime began = std::chrono::steady_clock::now();
  const ServingPtr serving = serving_;
  const auto& limits = serving->runtime->config.limits;
  const std::shared_ptr<const TlsServer> tls = door.tls;
  if (door.rules.proxy_protocol) {
    if (!serving->runtime->trusted_proxies.contains(address)) {
      if (may_complain())
        spdlog::warn("{} connects to {}, which takes PROXY headers of trusted_proxies only: closed",
                     to_text(address), to_text(door.rules.address));
      co_return false;
    }
    const ProxyHeader header =
        co_await read_proxy_header(stream, began + (tls ? limits.tls_handshake : limits.head));
    if (header.state == ProxyHeader::State::refused && may_complain())
      spdlog::warn("{}: {}: closed", to_text(address), header.reason);
    if (header.state != ProxyHeader::State::complete) co_return false;
    if (header.names_client) address = header.client;
  }
  if (!tls) co_return true;
  std::shared_ptr<const TlsServer> server = tls;
  const error_code ec = co_await accept_tls(stream, std::move(server), began + limits.tls_handshake);
  if (ec) spdlog::debug("{}: no TLS handshake: {}", to_text(address), ec.message());
  co_return !ec;
}

Task<> Worker::serve(Socket socket, IpAddress address, std::shared_ptr<Door> door) {
  Place place(shared_);
  set_no_delay(socket);
  struct Visit {
    Arrival arrival;
    const Door& door;
  } visit{{}, *door};
  Arrival& arrival = visit.arrival;
  arrival.tls = door->tls != nullptr;
  http1::ServerConnection::Host host{deadlines_,    scratch_,          blocks_, connection_limits_,
                                     door->closing, door->closes_idle, {}};
  host.handle = [this, &visit](http1::ServerConnection& connection, const http1::Refusal* refusal) {
    const config::Listener& rules = visit.door.rules;
    return rules.redirect.empty()
               ? handle_request(*this, connection, visit.arrival, refusal)
               : redirect_request(*this, connection, visit.arrival, refusal, rules.redirect_port);
  };
  // An address that has its fill needs no handshake; behind a load balancer its PROXY header names it first.
  const bool late = door->rules.proxy_protocol;
  if (late || place.count(address)) {
    Client client(std::move(socket), deadlines_, host, door);
    clients_->push_back(client);
    struct Leave {
      Worker& worker;
      Client& client;
      ~Leave() { worker.clients_->erase(Clients::s_iterator_to(client)); }
    } leave{*this, client};
    bool begun = true;
    if (late || arrival.tls) begun = co_await begin(client.stream, address, *door);
    if (begun && (!late || place.count(address))) {
      const std::string peer = to_text(address);
      arrival.peer = peer;
      arrival.address = address;
      client.served = true;
      co_await client.connection.run();
    } else if (begun && may_complain()) {
      spdlog::warn("{} has as many connections as limits.per_address allows: closed", to_text(address));
    }
  } else if (may_complain()) {
    spdlog::warn("{} has as many connections as limits.per_address allows: closed", to_text(address));
  }
  if (shared_.connections.load(std::memory_order_relaxed) >= shared_.connection_cap) room_.cancel();
  check_drained();
}

}  // namespace sallyport::gateway
