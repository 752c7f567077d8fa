// The real `sallyport serve` in a folder of its own, started from a YAML text: what integration and security
// tests drive.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {

struct GatewayOptions {
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> files;  // written beside gateway.yaml before the start: name -> text
  std::size_t listeners = 1;                 // how many "listening on" lines to wait for
  std::string wait_for;                      // and this text in its log; empty: nothing more
};

class GatewayProcess {
 public:
  // `binary`: SALLYPORT_BINARY in a test. Throws, with what it logged, when it ends or doesn't listen in
  // time.
  GatewayProcess(std::string binary, std::string yaml, GatewayOptions options = {});

  std::uint16_t port(std::size_t listener = 0) const { return ports_.at(listener); }
  const std::vector<std::uint16_t>& ports() const { return ports_; }
  const TempDir& dir() const { return dir_; }
  std::string config_path() const { return dir_ / "gateway.yaml"; }
  pid_t pid() const { return process_->pid(); }

  std::string log() const { return process_->err(); }         // stderr of the running (or last) process
  std::string access_log() const { return process_->out(); }  // its stdout: access and audit lines
  bool wait_for_log(std::string_view text) { return process_->wait_for_output(text); }
  bool wait_for_log(const std::string& text, std::size_t times);  // until it stands there so often

  // SIGTERM and the exit code; throws when it hasn't ended in time.
  int stop(std::chrono::milliseconds time = kPatience);
  void kill();  // SIGKILL, as a crash does
  void signal(int number) { process_->signal(number); }
  std::optional<int> wait(std::chrono::milliseconds time = kPatience) { return process_->wait(time); }
  void start();  // again, with the same folder and configuration (port 0: another port)
  void write_config(const std::string& yaml) { dir_.write("gateway.yaml", yaml); }

  // Runs another command of the binary in the gateway's folder, e.g. {"user", "add", "ada", ...}; `--config`
  // is added.
  Outcome command(std::vector<std::string> args, std::string stdin_text = {}) const;

 private:
  std::string binary_;
  GatewayOptions options_;
  TempDir dir_;
  std::vector<std::uint16_t> ports_;
  std::unique_ptr<Process> process_;
};

// Ports of the "listening on ADDRESS:PORT" lines in a log, in their order.
std::vector<std::uint16_t> listening_ports(std::string_view log);

}  // namespace sallyport::testing
