// Starts, stops and restarts the gateway; it counts as started once it says where it listens.
#include "tests/support/gateway_process.hpp"

#include <signal.h>

#include <charconv>
#include <stdexcept>

namespace sallyport::testing {

std::vector<std::uint16_t> listening_ports(std::string_view log) {
  constexpr std::string_view kMark = "listening on ";
  std::vector<std::uint16_t> ports;
  for (std::size_t at = log.find(kMark); at != log.npos; at = log.find(kMark, at)) {
    at += kMark.size();
    std::string_view line = log.substr(at, log.find('\n', at) - at);
    if (log.find('\n', at) == log.npos) break;  // not whole yet
    std::string_view address = line.substr(0, line.find(' '));
    std::size_t colon = address.rfind(':');
    std::uint16_t port = 0;
    if (colon != address.npos)
      if (std::from_chars(address.data() + colon + 1, address.data() + address.size(), port).ec ==
          std::errc{})
        ports.push_back(port);
  }
  return ports;
}

GatewayProcess::GatewayProcess(std::string binary, std::string yaml, GatewayOptions options)
    : binary_(std::move(binary)), options_(std::move(options)) {
  write_config(yaml);
  for (const auto& [name, text] : options_.files) dir_.write(name, text);
  start();
}

void GatewayProcess::start() {
  if (process_ && process_->running()) throw std::logic_error("the gateway runs already");
  ProcessOptions how;
  how.env = options_.env;
  how.directory = dir_.path().string();
  process_ =
      std::make_unique<Process>(std::vector<std::string>{binary_, "serve", "--config", config_path()}, how);
  bool ready = process_->wait_until([&](const std::string&, const std::string& err) {
    return listening_ports(err).size() >= options_.listeners;
  });
  if (ready && !options_.wait_for.empty()) ready = process_->wait_for_output(options_.wait_for);
  if (!ready) {
    std::optional<int> code = process_->wait(std::chrono::milliseconds(0));
    throw std::runtime_error(
        (code ? "the gateway ended with code " + std::to_string(*code) : "the gateway isn't ready") +
        "; its log:\n" + log());
  }
  ports_ = listening_ports(log());
}

bool GatewayProcess::wait_for_log(const std::string& text, std::size_t times) {
  return process_->wait_until([&](const std::string&, const std::string& err) {
    std::size_t found = 0;
    for (std::size_t at = err.find(text); at != err.npos; at = err.find(text, at + 1)) ++found;
    return found >= times;
  });
}

int GatewayProcess::stop(std::chrono::milliseconds time) {
  process_->signal(SIGTERM);
  std::optional<int> code = process_->wait(time);
  if (!code) throw std::runtime_error("the gateway still runs after SIGTERM; its log:\n" + log());
  return *code;
}

void GatewayProcess::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

Outcome GatewayProcess::command(std::vector<std::string> args, std::string stdin_text) const {
  std::vector<std::string> argv{binary_};
  argv.insert(argv.end(), args.begin(), args.end());
  argv.insert(argv.end(), {"--config", config_path()});
  ProcessOptions how;
  how.env = options_.env;
  how.directory = dir_.path().string();
  how.stdin_text = std::move(stdin_text);
  return run(std::move(argv), how);
}

}  // namespace sallyport::testing
