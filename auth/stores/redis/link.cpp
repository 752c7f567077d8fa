#include "auth/stores/redis/link.hpp"

#include <netinet/tcp.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <utility>
#include <vector>

#include "auth/stores/redis/tls.hpp"

namespace sallyport::stores::redis {
namespace {

// A peer that went without a word (a firewall forgot the connection) is noticed in a minute, not at the next
// login.
void keep_alive(net::generic::stream_protocol::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(net::ip::tcp::no_delay(true), ignored);
  socket.set_option(net::socket_base::keep_alive(true), ignored);
  for (const auto& [name, value] :
       {std::pair{TCP_KEEPIDLE, 30}, std::pair{TCP_KEEPINTVL, 10}, std::pair{TCP_KEEPCNT, 3}})
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof value);
}

}  // namespace

Task<std::optional<std::string>> Link::open(Endpoint endpoint, const std::optional<config::StoreTls>& tls) {
  const auto self = shared_from_this();
  if (tls) {
    auto context = make_tls_context(*tls);
    if (!context) co_return context.error();
    context_ = std::move(*context);
  }
  if (endpoint.unix_path.size() > 107) co_return "the socket's path is too long";
  const error_code connect_ec = co_await connect(endpoint);
  if (connect_ec) co_return connect_ec.message();
  if (!tls) co_return std::nullopt;
  tls_.emplace(socket_, *context_);
  if (!expect_name(tls_->native_handle(), tls->server_name.empty() ? endpoint.host : tls->server_name))
    co_return "the server's name can't be checked";
  auto [ec] = co_await tls_->async_handshake(net::ssl::stream_base::client, kAwait);
  if (ec) co_return tls_failure(tls_->native_handle(), ec);
  co_return std::nullopt;
}

Task<Link::error_code> Link::connect(const Endpoint& endpoint) {
  if (endpoint.unix_path.empty()) co_return co_await connect_tcp(endpoint);
  const net::local::stream_protocol::endpoint at(endpoint.unix_path);
  auto [ec] = co_await socket_.async_connect(at, kAwait);
  co_return ec;
}

Task<Link::error_code> Link::connect_tcp(const Endpoint& endpoint) {
  std::vector<net::ip::tcp::endpoint> addresses;
  error_code ec;
  if (const auto literal = net::ip::make_address(endpoint.host, ec); !ec) {
    addresses.emplace_back(literal, endpoint.port);
  } else {
    const std::string service = std::to_string(endpoint.port);
    auto [resolve_ec, found] = co_await resolver_.async_resolve(endpoint.host, service, kAwait);
    if (resolve_ec) co_return resolve_ec;
    for (const auto& entry : found) addresses.push_back(entry.endpoint());
  }
  ec = net::error::host_not_found;
  for (const auto& address : addresses) {
    if (closed_) co_return net::error::operation_aborted;
    error_code ignored;
    socket_.close(ignored);
    const net::generic::stream_protocol::endpoint at(address);
    auto [connect_ec] = co_await socket_.async_connect(at, kAwait);
    ec = connect_ec;
    if (ec) continue;
    keep_alive(socket_);
    break;
  }
  co_return ec;
}

Task<Link::Read> Link::read(net::mutable_buffer into) {
  const auto self = shared_from_this();
  if (tls_) {
    auto [ec, n] = co_await tls_->async_read_some(into, kAwait);
    co_return Read{ec, n};
  }
  auto [ec, n] = co_await socket_.async_read_some(into, kAwait);
  co_return Read{ec, n};
}

void Link::write(net::const_buffer bytes, std::function<void(error_code)> done) {
  auto then = [self = shared_from_this(), done = std::move(done)](error_code ec, std::size_t) { done(ec); };
  if (tls_)
    net::async_write(*tls_, bytes, std::move(then));
  else
    net::async_write(socket_, bytes, std::move(then));
}

Task<Link::error_code> Link::write(net::const_buffer bytes) {
  const auto self = shared_from_this();
  if (tls_) {
    auto [ec, n] = co_await net::async_write(*tls_, bytes, kAwait);
    co_return ec;
  }
  auto [ec, n] = co_await net::async_write(socket_, bytes, kAwait);
  co_return ec;
}

void Link::close() {
  closed_ = true;
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace sallyport::stores::redis
