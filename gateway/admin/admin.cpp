#include "gateway/admin/admin.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>

#include "gateway/date.hpp"
#include "gateway/net/listen.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kMaxConnections = 64;
constexpr std::size_t kBlock = 32 * 1024;

void report(std::exception_ptr error) {
  if (error) spdlog::error("the admin listener failed on a connection");
}

}  // namespace

Admin::Admin(net::io_context& control, const config::Admin& config, const Follower& follower,
             const KeyKeeper& keys, const Shared& shared, Metrics& metrics)
    : control_(control),
      address_(config.address),
      follower_(follower),
      keys_(keys),
      shared_(shared),
      metrics_(metrics),
      acceptor_(control),
      deadlines_(std::chrono::steady_clock::now()),
      blocks_(kBlock, 4),
      scratch_(http1::HeadLimits{}, blocks_, 4),
      ticker_(control) {}

boost::system::result<void, std::string> Admin::listen() {
  if (auto free = probe_port(address_); !free) return free.error();
  auto descriptor = open_listener(address_, 64);
  if (!descriptor) return descriptor.error();
  const bool v6 = address_.host.find(':') != std::string::npos;
  acceptor_.assign(v6 ? net::ip::tcp::v6() : net::ip::tcp::v4(), *descriptor);
  net::co_spawn(control_, accept(), report);
  net::co_spawn(control_, tick(), report);
  return {};
}

void Admin::stop() {
  draining_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  ticker_.cancel();
  for (http1::ServerConnection* connection : connections_) connection->abort();
}

Task<> Admin::tick() {
  while (!draining_) {
    deadlines_.tick(std::chrono::steady_clock::now());
    ticker_.expires_after(Deadlines::kTick);
    auto [ec] = co_await ticker_.async_wait(kAwait);
    (void)ec;
  }
}

Task<> Admin::accept() {
  while (!draining_) {
    auto [ec, socket] = co_await acceptor_.async_accept(kAwait);
    if (ec == net::error::operation_aborted) co_return;
    if (ec) {
      net::steady_timer pause(control_, std::chrono::milliseconds(100));
      auto [ignored] = co_await pause.async_wait(kAwait);
      (void)ignored;
      continue;
    }
    if (connections_.size() >= kMaxConnections) continue;
    Stream::Socket generic(std::move(socket));
    Task<> connection = serve(std::move(generic));
    net::co_spawn(control_, std::move(connection), report);
  }
}

Task<> Admin::serve(Stream::Socket socket) {
  Stream stream(std::move(socket), deadlines_);
  http1::ServerConnection::Host host{deadlines_, scratch_, blocks_, limits_, draining_, {}};
  host.handle = [this](http1::ServerConnection& connection, const http1::Refusal* refusal) {
    return answer(connection, refusal);
  };
  http1::ServerConnection connection(stream, host);
  connections_.insert(&connection);
  co_await connection.run();
  connections_.erase(&connection);
}

Task<> Admin::answer(http1::ServerConnection& connection, const http1::Refusal* refusal) {
  const std::string date =
      imf_fixdate(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  ReplyContext context;
  context.date = date;
  OwnAnswer answer{200, nullptr, "text/plain", "ok\n"};
  const std::string_view path = connection.request().raw_path;
  const std::string_view method = connection.request().method;
  std::string body;
  if (refusal != nullptr) {
    answer.refusal = &reply_for(verdict_for_status(refusal->status));
  } else if (path.starts_with("/admin/")) {
    // Nothing stands there in this version, and nobody without the token may know.
    answer.refusal = &reply_for(Verdict::token_missing);
  } else if (path != "/livez" && path != "/readyz" && path != "/metrics") {
    answer.refusal = &reply_for(Verdict::not_found);
  } else if (method != "GET" && method != "HEAD") {
    answer.refusal = &reply_for(Verdict::method_not_allowed);
    context.allow = "GET, HEAD";
  } else if (path == "/metrics") {
    metrics_.process(
        shared_.connections.load(), follower_.status().ready && !shared_.draining,
        (shared_.access ? shared_.access->dropped() : 0) + (shared_.audit ? shared_.audit->dropped() : 0));
    metrics_.token_cache(shared_.token_cache_hits, shared_.token_cache_misses);
    body = metrics_.text();
    answer.content_type = "text/plain; version=0.0.4";
    answer.body = body;
  } else if (path == "/readyz") {
    const Follower::Status status = follower_.status();
    const std::string keys = keys_.problem();
    const bool ready = status.ready && status.problem.empty() && keys.empty() && !shared_.draining;
    answer.status = ready ? 200 : 503;
    body = ready              ? "ready\n"
           : shared_.draining ? "draining\n"
                              : "not ready: " + (status.problem.empty() ? keys : status.problem) + "\n";
    body += "revocations read: " + std::to_string(status.entries) + "\n";
    answer.body = body;
  }
  if (answer.refusal != nullptr) answer.status = answer.refusal->status;
  (void)co_await connection.answer(answer, context);
}

}  // namespace sallyport::gateway
