// Which server to talk to. A single server is the simplest answer; Sentinel asks around before each
// connection.
#pragma once

#include <cstdint>
#include <string>

#include "auth/store_error.hpp"
#include "auth/task.hpp"

namespace sallyport::stores::redis {

struct Endpoint {
  std::string host;  // IP literal or DNS name, resolved anew at each connection
  std::uint16_t port = 0;
  std::string unix_path;  // instead of host and port

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  std::string name() const {
    if (!unix_path.empty()) return unix_path;
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
};

class Topology {
 public:
  virtual ~Topology() = default;
  // Where the master is now. Asked before every attempt to connect; the connection then checks the role
  // itself.
  virtual Task<StoreResult<Endpoint>> master() = 0;
  // The last answer led to a server that is no master.
  virtual void misled() {}
};

class SingleServer final : public Topology {
 public:
  explicit SingleServer(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  Task<StoreResult<Endpoint>> master() override { co_return endpoint_; }

 private:
  Endpoint endpoint_;
};

}  // namespace sallyport::stores::redis
