// Writes requests and reads responses over a blocking socket.
#include "tests/support/http_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <charconv>
#include <stdexcept>

namespace sallyport::testing {

namespace {

int status_of(std::string_view line) {  // "HTTP/1.1 200 OK"
  int status = 0;
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' '))
    throw std::runtime_error("not a status line: " + std::string(line));
  auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, status);
  if (error != std::errc{} || end != line.data() + 12)
    throw std::runtime_error("a bad status: " + std::string(line));
  return status;
}

}  // namespace

std::optional<Response> HttpConnection::read_response(bool to_head, Deadline deadline) {
  Response response;
  response.raw = stream_.read_head(deadline);
  if (response.raw.empty()) {
    if (stream_.pending().empty()) return std::nullopt;
    throw std::runtime_error("the connection ended inside a head: " + stream_.pending());
  }
  Head head = parse_head(response.raw);
  response.status = status_of(head.first_line);
  response.version = head.first_line.substr(0, 8);
  response.reason = head.first_line.size() > 13 ? head.first_line.substr(13) : "";
  response.headers = std::move(head.headers);

  if (to_head || response.status < 200 || response.status == 204 || response.status == 304) return response;
  MessageStream::Body body;
  if (response.headers.has("Transfer-Encoding")) {
    if (response.headers.has("Content-Length"))
      throw std::runtime_error("Transfer-Encoding beside Content-Length in a response: " + response.raw);
    body = stream_.read_chunked(deadline);
  } else if (response.headers.has("Content-Length")) {
    if (response.headers.count("Content-Length") != 1)
      throw std::runtime_error("more than one Content-Length in a response: " + response.raw);
    body = stream_.read_length(std::stoull(response.header("Content-Length")), deadline);
  } else {
    body = stream_.read_until_close(deadline);
    response.until_close = true;
  }
  response.raw += body.raw;
  response.body = std::move(body.decoded);
  response.trailers = std::move(body.trailers);
  response.complete = body.complete;
  return response;
}

Response HttpConnection::exchange(std::string_view request, Deadline deadline) {
  send(request, deadline);  // an answer may come although the rest can't be sent
  bool to_head = request.starts_with("HEAD ");
  for (;;) {
    std::optional<Response> response = read_response(to_head, deadline);
    if (!response)
      throw std::runtime_error("the connection ended without a response to: " +
                               std::string(request.substr(0, 200)));
    if (response->status >= 200 || response->status == 101) return *std::move(response);
  }
}

Response HttpConnection::request(std::string_view method, std::string_view target, const Headers& headers,
                                 std::string_view body, Deadline deadline) {
  return exchange(request_text(method, target, headers, body), deadline);
}

bool HttpConnection::closed_by_peer(std::chrono::milliseconds time) {
  Deadline deadline = within(time);
  for (;;) {
    char byte = 0;
    ssize_t n = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return true;
    // Bytes lie before the end: only the hang-up itself counts now.
    pollfd item{fd_.get(), static_cast<short>(n > 0 ? POLLRDHUP : POLLIN | POLLRDHUP), 0};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || ::poll(&item, 1, static_cast<int>(left)) == 0) return false;
    if ((item.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) return true;
  }
}

bool HttpConnection::quiet_and_open() {
  char byte = 0;
  ssize_t n = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && errno == EAGAIN && stream_.pending().empty();
}

void HttpConnection::end_writing() { ::shutdown(fd_.get(), SHUT_WR); }

void HttpConnection::abort() {
  reset_on_close(fd_.get());
  fd_.reset();
}

std::string request_text(std::string_view method, std::string_view target, const Headers& headers,
                         std::string_view body) {
  std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  if (!headers.has("Host")) text += "Host: test.example\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  bool framed = headers.has("Content-Length") || headers.has("Transfer-Encoding");
  if (!framed && (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH"))
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string(body);
}

Response HttpClient::post(std::string_view target, std::string_view json, const Headers& headers) const {
  Headers all = headers;
  if (!json.empty() && !headers.has("Content-Type")) all.add("Content-Type", "application/json");
  return call("POST", target, all, json);
}

Response HttpClient::call(std::string_view method, std::string_view target, const Headers& headers,
                          std::string_view body) const {
  Headers all = headers;
  for (const auto& [name, value] : always_)
    if (!headers.has(name)) all.add(name, value);
  HttpConnection connection(port_);
  return connection.request(method, target, all, body);
}

}  // namespace sallyport::testing
