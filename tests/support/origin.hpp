// The upstream of the tests: an HTTP/1.1 server on 127.0.0.1 that records each request byte for byte and
// answers as the test wants: well, slowly, cut short, or wrong. One thread per connection, so a held answer
// holds nobody else. A path without an answer is echoed: 200 and
// {"method","target","headers":{"lower-name":[values]},"body"} as JSON.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/gate.hpp"
#include "tests/support/http_text.hpp"
#include "tests/support/message_stream.hpp"
#include "tests/support/socket.hpp"

namespace sallyport::testing {

struct RecordedRequest {
  std::string raw;  // every byte: head and body as framed
  std::string method, target;
  Headers headers;
  std::string body;  // decoded
  Headers trailers;
  std::size_t connection = 0;  // the how-manieth accepted connection it came on, from 1
  bool complete = true;        // false: the peer ended inside it
};

enum class Ending { keep, close, reset };

struct Answer {
  int status = 200;
  Headers headers;  // Content-Length or Transfer-Encoding is added as `chunk` says
  std::string body;
  std::size_t chunk = 0;                   // over 0: chunked in pieces of this size
  std::optional<std::string> raw;          // exactly these bytes instead of all above (malformed answers)
  std::shared_ptr<Gate> before_body_read;  // head read, body left in the socket: a slow reader
  std::shared_ptr<Gate> before_head;       // request recorded, nothing answered yet
  std::shared_ptr<Gate> inside_body;       // half of the body sent
  std::optional<std::size_t> cut_after;    // the connection ends after this many bytes of the message
  Ending ending =
      Ending::keep;  // `close` also says Connection: close; with cut_after: how it is cut (keep: close)
};

// What a handler of one request can do, for everything that an Answer can't say (events, tunnels).
class Exchange {
 public:
  const RecordedRequest& request() const { return request_; }
  Io send(std::string_view bytes);
  MessageStream& stream() { return stream_; }  // what the client sends behind the request
  bool wait(Gate& gate);                       // false when the origin is being stopped
  bool closed_by_peer(std::chrono::milliseconds time = kPatience);
  void finish(Ending ending) { ending_ = ending; }  // default: close
  int fd() const { return fd_; }

 private:
  friend class Origin;
  Exchange(class Origin& origin, int fd, MessageStream& stream, RecordedRequest request)
      : origin_(origin), fd_(fd), stream_(stream), request_(std::move(request)) {}

  class Origin& origin_;
  int fd_;
  MessageStream& stream_;
  RecordedRequest request_;
  Ending ending_ = Ending::close;
};

class Origin {
 public:
  using Handler = std::function<void(Exchange&)>;

  explicit Origin(std::uint16_t port = 0);
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // For each request to `path` (the target without its query); replaces an earlier answer.
  void on(const std::string& path, Answer answer);
  void on(const std::string& path, Handler handler);
  // Connections from now on end right after accept, without a byte.
  void close_after_accept(Ending how = Ending::close);

  std::vector<RecordedRequest> requests() const;  // in the order they were read
  std::vector<RecordedRequest> requests(const std::string& path) const;
  RecordedRequest last() const;                          // throws when there was none
  std::size_t connections() const { return accepted_; }  // accepted so far
  bool wait_for_requests(std::size_t n, std::chrono::milliseconds time = kPatience);

 private:
  friend class Exchange;
  struct Client {
    Fd fd;
    std::size_t number = 0;
    bool done = false;
    std::thread thread;
  };

  void accept_loop();
  void serve(Client& client);
  bool serve_one(Client& client, MessageStream& stream);  // false: the connection is to end
  Ending perform(const Answer& answer, int fd, const RecordedRequest& request);
  bool hold(Gate& gate);
  void finish(Client& client, Ending how);

  Fd listener_, wake_;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> accepted_ = 0;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, Handler> handlers_;
  std::vector<RecordedRequest> requests_;
  std::list<Client> clients_;
  std::vector<Gate*> held_;
  std::optional<Ending> refuse_;
  bool stopping_ = false;
  std::thread acceptor_;
};

}  // namespace sallyport::testing
