// The processes that take over from a gateway, one from the other (SIGUSR2): children of what the test
// started, which come to the test when their parent ends, and end with it.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "tests/support/gateway_process.hpp"

namespace sallyport::testing {

class Heirs {
 public:
  Heirs() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  Heirs(const Heirs&) = delete;
  ~Heirs() {
    for (const pid_t heir : pids_) ::kill(heir, SIGKILL);
    for (const pid_t heir : pids_) ::waitpid(heir, nullptr, 0);
  }

  pid_t serving(const GatewayProcess& first) const { return pids_.empty() ? first.pid() : pids_.back(); }

  // The pid of the process that serves then; 0: none took over.
  pid_t upgrade(GatewayProcess& first) {
    ::kill(serving(first), SIGUSR2);
    if (!first.wait_for_log(" serves now", pids_.size() + 1)) return 0;
    const std::string log = first.log();
    const std::size_t at = log.rfind("upgrade: process ");
    pids_.push_back(static_cast<pid_t>(std::stol(log.substr(at + 17))));
    return pids_.back();
  }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace sallyport::testing
