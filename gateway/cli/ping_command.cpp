// ping: is the running gateway ready? For container health checks, which have no curl.
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>

#include "gateway/cli/command.hpp"
#include "gateway/net/deadlines.hpp"
#include "gateway/net/stream.hpp"

namespace sallyport::cli {
namespace {

using tcp = boost::asio::ip::tcp;
constexpr std::chrono::seconds kPatience{3};

struct Answer {
  boost::system::error_code ec;
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
    if (listener.tls.empty() && !listener.proxy_protocol) return Target{listener.address, false, false};
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

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

Task<> run_ping(gateway::Stream& stream, tcp::endpoint endpoint, bool tls, std::string request,
                Answer& answer) {
  answer.ec = co_await stream.connect(endpoint);
  if (!answer.ec && tls) {
    // Our own process on our own host: there is no name to verify.
    const std::unique_ptr<SSL_CTX, ContextFree> context(SSL_CTX_new(TLS_client_method()));
    gateway::Ssl ssl(SSL_new(context.get()));
    SSL_set_connect_state(ssl.get());
    answer.ec = co_await stream.handshake(std::move(ssl));
  }
  if (answer.ec) co_return;
  std::array<iovec, 1> pieces{gateway::piece_of(request)};
  answer.ec = co_await stream.write_all(pieces);
  std::string head;
  std::array<char, 1024> buffer{};
  while (!answer.ec && head.size() < 12) {
    const gateway::IoResult read = co_await stream.read_some(buffer);
    answer.ec = read.ec;
    head.append(buffer.data(), read.bytes);
  }
  if (!answer.ec) answer.status = status_of(head);
}

int ping(const config::Config& config) {
  const auto target = target_of(config);
  if (!target) {
    complain("no listener is configured");
    return kWrongInput;
  }
  boost::system::error_code ec;
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
  gateway::Deadlines deadlines(std::chrono::steady_clock::now());  // never ticked: kPatience bounds the whole
  gateway::Socket socket(context.get_executor());
  if (const auto failed = socket.open(endpoint.protocol())) {
    complain("no socket: " + failed.message());
    return kNotThere;
  }
  gateway::Stream stream(std::move(socket), deadlines);
  Answer answer;
  std::exception_ptr thrown;
  spawn(context, run_ping(stream, endpoint, target->tls, request, answer), [&](std::exception_ptr e) {
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
