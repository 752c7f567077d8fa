// ping: is the running gateway ready? For container health checks, which have no curl.
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "gateway/cli/command.hpp"

namespace sallyport::cli {
namespace {

namespace ssl = boost::asio::ssl;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kPatience{3};

struct Answer {
  error_code ec;
  unsigned status = 0;
};

struct Target {
  config::Address address;
  bool tls = false;
  bool admin = false;
};

// The admin listener knows; without one, a public listener at least shows that the process takes requests.
std::optional<Target> target_of(const config::Config& config) {
  if (config.admin) return Target{config.admin->address, false, true};
  for (const auto& listener : config.listeners) {
    if (!listener.tls) return Target{listener.address, false, false};
  }
  if (config.listeners.empty()) return std::nullopt;
  return Target{config.listeners.front().address, true, false};
}

unsigned status_of(const std::string& head) {
  if (!head.starts_with("HTTP/1.") || head.size() < 12) return 0;
  unsigned status = 0;
  for (std::size_t i = 9; i < 12; ++i) {
    if (head[i] < '0' || head[i] > '9') return 0;
    status = status * 10 + static_cast<unsigned>(head[i] - '0');
  }
  return status;
}

template <typename Stream>
Task<Answer> ask(Stream& stream, const std::string& request) {
  auto [sent, written] = co_await net::async_write(stream, net::buffer(request), kAwait);
  if (sent) co_return Answer{sent, 0};
  std::string head;
  auto buffer = net::dynamic_buffer(head, 16 * 1024);
  auto [read, size] = co_await net::async_read_until(stream, buffer, "\r\n", kAwait);
  co_return Answer{read, read ? 0 : status_of(head)};
}

Task<> run_ping(tcp::socket& socket, tcp::endpoint endpoint, bool tls, const std::string& request,
                Answer& answer) {
  auto [connected] = co_await socket.async_connect(endpoint, kAwait);
  answer.ec = connected;
  if (connected) co_return;
  if (!tls) {
    answer = co_await ask(socket, request);
    co_return;
  }
  ssl::context context(ssl::context::tls_client);  // our own process on our own host: no name to verify
  ssl::stream<tcp::socket&> stream(socket, context);
  auto [shaken] = co_await stream.async_handshake(ssl::stream_base::client, kAwait);
  answer.ec = shaken;
  if (!shaken) answer = co_await ask(stream, request);
}

int ping(const config::Config& config) {
  const auto target = target_of(config);
  if (!target) {
    complain("no listener is configured");
    return kWrongInput;
  }
  error_code ec;
  auto ip = net::ip::make_address(target->address.host, ec);
  if (ec || target->address.port == 0) {
    complain("the listener has no fixed address to ask");
    return kWrongInput;
  }
  if (ip.is_unspecified())
    ip = ip.is_v4() ? net::ip::address(net::ip::address_v4::loopback()) : net::ip::address_v6::loopback();
  const tcp::endpoint endpoint(ip, target->address.port);
  const std::string where =
      (ip.is_v6() ? "[" + ip.to_string() + "]" : ip.to_string()) + ":" + std::to_string(endpoint.port());
  const std::string request = "GET /readyz HTTP/1.1\r\nHost: " + where + "\r\nConnection: close\r\n\r\n";

  net::io_context context;
  tcp::socket socket(context);
  Answer answer;
  std::exception_ptr thrown;
  net::co_spawn(context, run_ping(socket, endpoint, target->tls, request, answer), [&](std::exception_ptr e) {
    thrown = e;
    context.stop();
  });
  context.run_for(kPatience);
  if (thrown) std::rethrow_exception(thrown);
  if (!context.stopped()) {
    complain(where + " didn't answer within " + std::to_string(kPatience.count()) + " s");
    return kNotThere;
  }
  if (answer.ec || answer.status == 0) {
    complain(where + (answer.ec ? ": " + answer.ec.message() : " answered something that isn't HTTP"));
    return kNotThere;
  }
  const bool ready = target->admin ? answer.status == 200 : answer.status < 500;
  if (!ready) {
    complain(where + " is not ready: status " + std::to_string(answer.status));
    return kNotThere;
  }
  say(target->admin ? "ready" : "alive (without an admin section nobody can ask whether it is ready)");
  return kFine;
}

}  // namespace

void add_ping(CLI::App& app, Invocation& invocation) {
  add_command(app, invocation, "ping", "Ask the running gateway whether it is ready: 0 yes, 3 no",
              "sallyport ping --config gateway.yaml", [&invocation] {
                int code = kFine;
                const auto config = load(invocation, code);
                return config ? ping(*config) : code;
              });
}

}  // namespace sallyport::cli
