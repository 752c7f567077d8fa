// Answers the demo's four paths over Beast; single-threaded, so the orders need no lock.
#include "gateway/demo/demo_api.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "auth/task.hpp"

namespace sallyport::demo {

namespace {

namespace http = boost::beast::http;
namespace json = boost::json;
using tcp = net::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr std::size_t kMaxOrders = 100;  // the oldest go first

Response reply(const Request& request, http::status status, const json::value& body) {
  Response response{status, request.version()};
  response.set(http::field::content_type, "application/json");
  response.keep_alive(request.keep_alive());
  response.body() = json::serialize(body) + "\n";
  response.prepare_payload();
  if (request.method() == http::verb::head) response.body().clear();  // its length stays
  return response;
}

json::value whoami(const Request& request) {
  json::object headers;
  for (const auto& field : request) headers[field.name_string()] = field.value();
  return {{"method", request.method_string()}, {"target", request.target()}, {"headers", std::move(headers)}};
}

Response answer(const Request& request, json::array& orders) {
  const std::string_view target = request.target();
  const auto path = target.substr(0, target.find('?'));
  const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
  if (path == "/public/hello" && reads) return reply(request, http::status::ok, {{"hello", "everybody"}});
  if (path == "/api/whoami" && reads) return reply(request, http::status::ok, whoami(request));
  if (path == "/api/orders" && reads) return reply(request, http::status::ok, {{"orders", orders}});
  if (path == "/api/orders" && request.method() == http::verb::post) {
    boost::system::error_code ec;
    json::value item = json::parse(request.body(), ec);
    if (ec) return reply(request, http::status::bad_request, {{"error", "the body isn't JSON"}});
    if (orders.size() >= kMaxOrders) orders.erase(orders.begin());
    orders.push_back({{"by", request["X-Auth-Subject"]}, {"item", std::move(item)}});
    return reply(request, http::status::created, orders.back());
  }
  return reply(request, http::status::not_found, {{"error", "the demo API has no such path"}});
}

Task<> send_events(tcp::socket& socket) {
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: "
      "close\r\n\r\n";
  auto [head_error, head_size] = co_await net::async_write(socket, net::buffer(head), kAwait);
  if (head_error) co_return;
  net::steady_timer timer(socket.get_executor());
  for (unsigned n = 1;; ++n) {
    const std::string event = "id: " + std::to_string(n) + "\ndata: {\"tick\":" + std::to_string(n) + "}\n\n";
    auto [ec, size] = co_await net::async_write(socket, net::buffer(event), kAwait);
    if (ec) co_return;  // the reader left
    timer.expires_after(std::chrono::seconds(1));
    auto [timer_error] = co_await timer.async_wait(kAwait);
    if (timer_error) co_return;
  }
}

Task<> serve(tcp::socket socket, std::shared_ptr<json::array> orders) {
  boost::beast::flat_buffer buffer(64 * 1024);
  for (;;) {
    Request request;
    auto [read_error, read_size] = co_await http::async_read(socket, buffer, request, kAwait);
    if (read_error) co_return;  // gone, or not HTTP: the gateway's business
    if (request.target() == "/api/events" && request.method() == http::verb::get) {
      co_await send_events(socket);
      co_return;
    }
    Response response = answer(request, *orders);
    auto [write_error, write_size] = co_await http::async_write(socket, response, kAwait);
    if (write_error || !response.keep_alive()) co_return;
  }
}

void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

Task<> accept_loop(tcp::acceptor& acceptor) {
  auto orders = std::make_shared<json::array>();
  orders->push_back({{"by", "demo"}, {"item", "a lighthouse"}});
  for (;;) {
    auto [ec, socket] = co_await acceptor.async_accept(kAwait);
    if (ec) co_return;
    Task<> served = serve(std::move(socket), orders);
    spawn(acceptor.get_executor(), std::move(served), rethrow);
  }
}

}  // namespace

DemoApi::DemoApi(net::io_context& io)
    : acceptor_(io, tcp::endpoint(net::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()) {
  spawn(io, accept_loop(acceptor_), rethrow);
}

}  // namespace sallyport::demo
