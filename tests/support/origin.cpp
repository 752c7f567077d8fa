// The recording upstream: an accept thread and a thread per connection over blocking sockets.
#include "tests/support/origin.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <stdexcept>

namespace sallyport::testing {

namespace {

constexpr std::chrono::minutes kConnectionLife{5};  // a bound for threads of a test that hangs

std::string path_of(std::string_view target) { return std::string(target.substr(0, target.find('?'))); }

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

Answer echo(const RecordedRequest& request) {
  boost::json::object headers;
  for (const auto& [name, value] : request.headers) {
    boost::json::value& values = headers[lower(name)];
    if (!values.is_array()) values.emplace_array();
    values.get_array().emplace_back(value);
  }
  boost::json::object object{{"method", request.method},
                             {"target", request.target},
                             {"headers", std::move(headers)},
                             {"body", request.body}};
  Answer answer;
  answer.headers = {{"Content-Type", "application/json"}};
  answer.body = boost::json::serialize(object);
  return answer;
}

std::string head_of(const Answer& answer, bool has_body) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Answer\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  bool framed = answer.headers.has("Content-Length") || answer.headers.has("Transfer-Encoding");
  if (!framed && answer.chunk > 0)
    head += "Transfer-Encoding: chunked\r\n";
  else if (!framed && has_body)
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  if (answer.ending == Ending::close && !answer.headers.has("Connection")) head += "Connection: close\r\n";
  return head + "\r\n";
}

std::string body_of(const Answer& answer) {
  if (answer.chunk == 0) return answer.body;
  std::string framed;
  for (std::size_t at = 0; at < answer.body.size(); at += answer.chunk) {
    std::string piece = answer.body.substr(at, answer.chunk);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    framed += size + piece + "\r\n";
  }
  return framed + "0\r\n\r\n";
}

}  // namespace

Io Exchange::send(std::string_view bytes) { return send_all(fd_, bytes); }

bool Exchange::wait(Gate& gate) { return origin_.hold(gate); }

bool Exchange::closed_by_peer(std::chrono::milliseconds time) {
  Deadline deadline = within(time);
  for (;;) {
    Received received = receive_some(fd_, 65536, deadline);
    if (received.status == Io::timed_out) return false;
    if (received.status != Io::ok) return true;
  }
}

Origin::Origin(std::uint16_t port)
    : listener_(listen_tcp(port)), wake_(::eventfd(0, EFD_CLOEXEC)), port_(port_of(listener_.get())) {
  acceptor_ = std::thread(&Origin::accept_loop, this);
}

Origin::~Origin() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Gate* gate : held_) gate->open();
    for (Client& client : clients_)
      if (client.fd) ::shutdown(client.fd.get(), SHUT_RDWR);
  }
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(wake_.get(), &one, sizeof one);
  acceptor_.join();
  for (Client& client : clients_) client.thread.join();  // no lock: only the acceptor changed the list
}

void Origin::on(const std::string& path, Answer answer) {
  std::lock_guard lock(mutex_);
  handlers_.erase(path);
  answers_.insert_or_assign(path, std::move(answer));
}

void Origin::on(const std::string& path, Handler handler) {
  std::lock_guard lock(mutex_);
  answers_.erase(path);
  handlers_.insert_or_assign(path, std::move(handler));
}

void Origin::close_after_accept(Ending how) {
  std::lock_guard lock(mutex_);
  refuse_ = how;
}

std::vector<RecordedRequest> Origin::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<RecordedRequest> Origin::requests(const std::string& path) const {
  std::vector<RecordedRequest> found = requests();
  std::erase_if(found, [&](const RecordedRequest& request) { return path_of(request.target) != path; });
  return found;
}

RecordedRequest Origin::last() const {
  std::lock_guard lock(mutex_);
  if (requests_.empty()) throw std::runtime_error("no request reached the origin");
  return requests_.back();
}

bool Origin::wait_for_requests(std::size_t n, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [&] { return requests_.size() >= n; });
}

void Origin::accept_loop() {
  for (;;) {
    pollfd items[] = {{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(items, 2, -1) < 0) continue;
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    std::erase_if(clients_, [](Client& client) {
      if (client.done) client.thread.join();
      return client.done;
    });
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) continue;
    std::size_t number = ++accepted_;
    if (refuse_) {
      if (*refuse_ == Ending::reset) reset_on_close(fd.get());
      continue;
    }
    Client& client = clients_.emplace_back();
    client.fd = std::move(fd);
    client.number = number;
    client.thread = std::thread(&Origin::serve, this, std::ref(client));
  }
}

void Origin::serve(Client& client) {
  MessageStream stream(client.fd.get());
  try {
    while (serve_one(client, stream)) {
    }
  } catch (const std::exception&) {
    finish(client, Ending::close);  // not HTTP, or silent too long: what came is recorded
  }
  std::lock_guard lock(mutex_);
  client.done = true;
}

bool Origin::serve_one(Client& client, MessageStream& stream) {
  const Deadline deadline = Clock::now() + kConnectionLife;
  RecordedRequest request;
  request.connection = client.number;
  auto record = [&] {
    std::lock_guard lock(mutex_);
    requests_.push_back(request);
    changed_.notify_all();
  };

  request.raw = stream.read_head(deadline);
  if (request.raw.empty()) {
    request.raw = stream.pending();
    request.complete = false;
    if (!request.raw.empty()) record();
    finish(client, Ending::close);
    return false;
  }
  Head head = parse_head(request.raw);
  std::size_t space = head.first_line.find(' '), last_space = head.first_line.rfind(' ');
  request.method = head.first_line.substr(0, space);
  if (last_space > space) request.target = head.first_line.substr(space + 1, last_space - space - 1);
  request.headers = std::move(head.headers);

  std::optional<Answer> answer;
  Handler handler;
  {
    std::lock_guard lock(mutex_);
    std::string path = path_of(request.target);
    if (auto found = answers_.find(path); found != answers_.end()) answer = found->second;
    if (auto found = handlers_.find(path); found != handlers_.end()) handler = found->second;
  }
  if (answer && answer->before_body_read) hold(*answer->before_body_read);
  MessageStream::Body body;
  try {
    if (request.headers.has("Transfer-Encoding"))
      body = stream.read_chunked(deadline);
    else if (request.headers.has("Content-Length"))
      body = stream.read_length(std::stoull(request.headers.get("Content-Length")), deadline);
  } catch (const std::exception&) {
    request.complete = false;
    record();
    throw;
  }
  request.raw += body.raw;
  request.body = std::move(body.decoded);
  request.trailers = std::move(body.trailers);
  request.complete = body.complete;
  record();

  Ending ending = Ending::close;
  if (handler) {
    Exchange exchange(*this, client.fd.get(), stream, request);
    handler(exchange);
    ending = exchange.ending_;
  } else {
    ending = perform(answer ? *answer : echo(request), client.fd.get(), request);
  }
  if (same_name(request.headers.get("Connection"), "close") && ending == Ending::keep) ending = Ending::close;
  if (ending == Ending::keep && request.complete) return true;
  finish(client, ending);
  return false;
}

Ending Origin::perform(const Answer& answer, int fd, const RecordedRequest& request) {
  if (answer.before_head) hold(*answer.before_head);
  bool has_body = answer.status >= 200 && answer.status != 204 && answer.status != 304;
  std::string head = answer.raw ? *answer.raw : head_of(answer, has_body);
  std::string body = answer.raw || !has_body || request.method == "HEAD" ? std::string() : body_of(answer);
  if (answer.cut_after) {
    std::string message = (head + body).substr(0, *answer.cut_after);
    send_all(fd, message);
    return answer.ending == Ending::keep ? Ending::close : answer.ending;
  }
  std::size_t half = answer.inside_body ? body.size() / 2 : body.size();
  if (send_all(fd, head + body.substr(0, half)) != Io::ok) return Ending::close;
  if (answer.inside_body) {
    hold(*answer.inside_body);
    if (send_all(fd, std::string_view(body).substr(half)) != Io::ok) return Ending::close;
  }
  return answer.ending;
}

// Waits at a gate that the destructor can open too.
bool Origin::hold(Gate& gate) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    held_.push_back(&gate);
  }
  gate.wait(kConnectionLife);
  std::lock_guard lock(mutex_);
  held_.erase(std::find(held_.begin(), held_.end(), &gate));
  return !stopping_;
}

void Origin::finish(Client& client, Ending how) {
  std::lock_guard lock(mutex_);
  if (how == Ending::reset) reset_on_close(client.fd.get());
  client.fd.reset();
}

}  // namespace sallyport::testing
