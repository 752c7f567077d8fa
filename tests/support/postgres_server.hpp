// A real PostgreSQL of one test: a cluster of its own in a folder of its own, on a port of its own, killable
// and restartable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace sallyport::testing {

class PostgresServer {
 public:
  PostgresServer();  // starts it, with the database `shop`; throws when it isn't ready in time
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  std::uint16_t port() const { return port_; }
  // postgresql://shop:PASSWORD@127.0.0.1:PORT/shop
  std::string url() const;

  void kill();  // at once, as a crash does
  void start();
  void pause();  // SIGSTOP of the whole server: connections stand, nothing answers
  void resume();

  // Runs statements; the first column of the first row, or nothing. Throws with the server's words.
  std::string sql(const std::string& statements) const;

 private:
  std::vector<std::string> as_owner(std::vector<std::string> argv) const;
  std::vector<pid_t> processes() const;

  std::filesystem::path dir_;  // not a TempDir: it belongs to the user that the server runs as
  std::uint16_t port_;
  std::unique_ptr<Process> process_;
};

}  // namespace sallyport::testing
