// Another program in place of this one without closing a door: the listening sockets go on to a successor,
// which says when it serves. Until then nobody but the old one accepts, afterwards nobody but the new one,
// and whoever connected in between waits in the kernel's queue, which is the sockets' own.
#pragma once

#include <sys/types.h>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "auth/task.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

// One address with its listening sockets.
struct OpenDoor {
  config::Address address;
  std::vector<int> descriptors;
};

// "127.0.0.1:8080=5,6;[::1]:8443=7,8", and back; what isn't of this form is left out. Pure.
std::string doors_text(const std::vector<OpenDoor>& doors);
std::vector<OpenDoor> parse_doors(std::string_view text);

// What a predecessor left to this process. Owns the sockets until they are taken.
class Inheritance {
 public:
  Inheritance() = default;
  ~Inheritance();
  Inheritance(const Inheritance&) = delete;
  Inheritance& operator=(const Inheritance&) = delete;

  // Reads the environment and takes what is there out of it. Before there are threads. A descriptor that
  // doesn't listen at its address is nobody's.
  void claim();
  bool empty() const { return heard_ < 0; }
  std::size_t widest() const;  // the most sockets that one address has: so many workers there were

  // The sockets of this address, owned; empty: there are none. A port 0 becomes the one that they have.
  std::vector<int> take(config::Address& address);
  // We serve: the predecessor may go.
  void announce();

 private:
  std::vector<OpenDoor> doors_;
  int heard_ = -1;  // where the predecessor listens for the word
};

// Starts `program` (a path) with `arguments` and these sockets, and waits until it says that it serves. The
// result is empty then, else it says why not, and the successor is gone. Takes the descriptors. On the
// control thread; `pid` is set as soon as there is a process.
Task<std::string> start_heir(net::io_context& control, std::string program,
                             std::vector<std::string> arguments, std::vector<OpenDoor> doors,
                             std::chrono::seconds patience, pid_t& pid);

// The absolute path of the running program; of another one by now where it was replaced.
std::string own_program();

// Tells systemd (or whoever set NOTIFY_SOCKET): "READY=1", "STOPPING=1", ... Nobody asked: does nothing.
void notify_manager(const std::string& state);

}  // namespace sallyport::gateway
