// One end of a socket pair, the script's. What is to be sent waits here until the other end takes it; what
// comes is kept.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sallyport::fuzz {

inline void require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "connection: %s\n", what);
  std::abort();
}

class Peer {
 public:
  enum class End { none, sending, gone };

  explicit Peer(int descriptor) : descriptor_(descriptor) {
    ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(); }

  void send(std::string_view text) {
    if (end_ == End::none) waiting_ += text;
  }
  void end(End end) {
    end_ = std::max(end_, end);
    if (gone()) waiting_.clear();
  }
  void pause(bool paused) { paused_ = paused; }

  // true: something happened.
  bool turn() {
    if (descriptor_ < 0) return false;
    const bool took = !paused_ && take();
    const bool gave = give();
    if (!waiting_.empty() || end_ == End::none || done_) return took || gave;
    done_ = true;
    if (end_ == End::gone)
      close();
    else
      ::shutdown(descriptor_, SHUT_WR);
    return true;
  }

  const std::string& given() const { return given_; }
  const std::string& taken() const { return taken_; }
  bool idle() const { return waiting_.empty() && end_ == End::none; }  // may be told to send more
  bool done() const { return done_; }                                  // its last byte is out
  bool paused() const { return paused_; }
  bool gone() const { return end_ == End::gone; }
  bool sees_end() const { return sees_end_; }  // the gateway has ended it

 private:
  bool take() {
    std::array<char, 16 * 1024> piece;
    bool took = false;
    while (!sees_end_) {
      const ssize_t got = ::recv(descriptor_, piece.data(), piece.size(), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      took = true;
      if (got > 0)
        taken_.append(piece.data(), static_cast<std::size_t>(got));
      else
        sees_end_ = true;
    }
    return took;
  }
  bool give() {
    bool gave = false;
    while (!waiting_.empty()) {
      const ssize_t sent = ::send(descriptor_, waiting_.data(), waiting_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) break;
      gave = true;
      if (sent < 0) {
        waiting_.clear();  // nobody is left to take it
        break;
      }
      given_.append(waiting_, 0, static_cast<std::size_t>(sent));
      waiting_.erase(0, static_cast<std::size_t>(sent));
    }
    return gave;
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  int descriptor_;
  std::string waiting_, given_, taken_;
  End end_ = End::none;
  bool done_ = false;
  bool paused_ = false;
  bool sees_end_ = false;
};

}  // namespace sallyport::fuzz
