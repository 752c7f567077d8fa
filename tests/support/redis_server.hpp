// A real Redis of one test: on a port (or Unix socket) of its own, in a folder of its own, killable and
// restartable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/message_stream.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {

// A second port that speaks TLS, with certificates by path.
struct RedisTls {
  std::string certificate, key;
  std::string client_ca;  // asks for client certificates of it; empty: for none
};

struct RedisOptions {
  bool append_only = false;  // AOF with appendfsync always: survives kill()
  bool unix_socket = false;  // beside the port
  std::string password;      // requirepass; empty: none
  std::optional<RedisTls> tls;
  std::vector<std::string> extra;  // more arguments, e.g. {"--maxmemory-policy", "allkeys-lru"}
};

// One reply of RESP2.
struct RedisReply {
  char type = '-';                // + status, - error, : integer, $ string, * array, _ nil
  std::string text;               // of + - $ and the digits of :
  std::vector<RedisReply> items;  // of *
};

class RedisServer {
 public:
  explicit RedisServer(RedisOptions options = {});  // starts it; throws when it isn't ready in time
  ~RedisServer();

  static bool available();  // is there a Redis on this machine?

  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  std::string url(int database = 0) const;  // redis://127.0.0.1:PORT/N (with the password, when there is one)
  std::string socket_path() const { return dir_ / "redis.sock"; }
  std::string unix_url(int database = 0) const;
  pid_t pid() const { return process_->pid(); }
  bool running() const { return process_ && process_->running(); }
  const TempDir& dir() const { return dir_; }

  void stop();  // SIGTERM: an orderly end, AOF and RDB written
  void kill();  // SIGKILL
  // Again on the same port with the same data; `more` arguments for this time.
  void start(const std::vector<std::string>& more = {});
  void pause();   // SIGSTOP: connections stand, nothing answers
  void resume();  // SIGCONT

  // A command on a connection of its own; throws when there is no answer.
  RedisReply command(const std::vector<std::string>& words, std::chrono::milliseconds time = kPatience) const;
  // The value of `name:` in INFO or CLUSTER INFO (`words`); empty: not there, or no answer.
  std::string info(const std::string& name, const std::vector<std::string>& words = {"INFO"}) const;
  // Asks until it has that value; false: not in time.
  bool wait_for_info(const std::string& name, const std::string& value,
                     const std::vector<std::string>& words = {"INFO"}) const;

 private:
  RedisOptions options_;
  TempDir dir_;
  std::uint16_t port_;
  std::uint16_t tls_port_ = 0;
  std::unique_ptr<Process> process_;
};

// The program of Redis on this machine, which acts by the name that it is called by; empty: there is none.
std::string redis_program();

// One command to a server of the test (a Sentinel too); throws when there is no answer.
RedisReply redis_command(std::uint16_t port, const std::string& password,
                         const std::vector<std::string>& words, std::chrono::milliseconds time = kPatience);

// Asks every few milliseconds until it is so; false: not in time. For what nobody tells us of.
bool poll_until(const std::function<bool()>& so, std::chrono::milliseconds time = kPatience);

}  // namespace sallyport::testing
