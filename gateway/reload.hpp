// Everything of a reload that can fail, done before anything of it is in force: the file is read and judged,
// keys and certificates loaded, new ports opened. All or nothing: what comes out is only adopted
// (gateway.cpp), and that can't fail.
#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/time.hpp"
#include "gateway/net/tls_files.hpp"
#include "gateway/reload_plan.hpp"
#include "gateway/runtime.hpp"

namespace sallyport::gateway {

// Listening sockets, one of each address for each worker. Closes those that nobody took.
class OpenedListeners {
 public:
  OpenedListeners() = default;
  explicit OpenedListeners(std::size_t workers) : by_worker_(workers) {}
  OpenedListeners(OpenedListeners&&) noexcept = default;
  OpenedListeners& operator=(OpenedListeners&&) noexcept = default;
  ~OpenedListeners();

  // `probe`: whether anybody else holds the port (SO_REUSEPORT would hide it). A port 0 becomes the one that
  // was given. The error names address and cause.
  boost::system::result<void, std::string> open(config::Address& address, bool probe);
  // Those that listen already, at least one and at most one for each worker: two workers may share one.
  void put(const std::vector<int>& descriptors);
  std::vector<int> take(std::size_t worker) { return std::move(by_worker_[worker]); }

 private:
  std::vector<std::vector<int>> by_worker_;
};

struct Reload {
  std::shared_ptr<const Runtime> runtime;
  ReloadPlan plan;
  TlsFilesWatch::Loaded tls;
  std::vector<config::Address> addresses;  // by listener, with the port that it really has
  OpenedListeners opened;
};

using Problems = std::vector<std::string>;

// `addresses`: of the running listeners, with their real ports. Blocking.
boost::system::result<Reload, Problems> prepare_reload(const std::string& path, const Runtime& running,
                                                       const std::vector<config::Address>& addresses,
                                                       std::size_t workers, TlsFilesWatch& tls,
                                                       UnixSeconds now);

// How it went, for whoever asked for it.
struct ReloadOutcome {
  bool good = false;
  std::vector<std::string> changed;  // Change::text()
  Problems problems;
};

// What became of the reloads so far, for metrics and status.
struct ReloadRecord {
  std::uint64_t succeeded = 0, failed = 0;
  UnixSeconds in_force_since{};  // when the configuration in force was read
  UnixSeconds last_tried{};      // {}: never
  std::string last_trigger;
  ReloadOutcome last{true, {}, {}};
};

// One line for the logs: what changed, or why it was refused; cut to a length that a log bears.
std::string summary(const ReloadOutcome& outcome);

}  // namespace sallyport::gateway
