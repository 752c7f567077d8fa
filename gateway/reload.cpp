#include "gateway/reload.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "config/load.hpp"
#include "gateway/net/listen.hpp"

namespace sallyport::gateway {
namespace {

constexpr int kBacklog = 4096;
constexpr std::size_t kLongestSummary = 2000;

// The files behind TLS may have changed where no setting did: such an upstream is another one.
void compare_files(ReloadPlan& plan, const Runtime& before, const Runtime& after) {
  for (std::size_t i = 0; i < plan.upstreams.size(); ++i) {
    if (plan.upstreams[i] == ReloadPlan::kNew) continue;
    const auto& old_one = before.upstream_tls[plan.upstreams[i]];
    const auto& new_one = after.upstream_tls[i];
    if (old_one && new_one && old_one->files() != new_one->files()) plan.upstreams[i] = ReloadPlan::kNew;
  }
}

}  // namespace

OpenedListeners::~OpenedListeners() {
  for (const auto& of_worker : by_worker_)
    for (const int descriptor : of_worker) ::close(descriptor);
}

boost::system::result<void, std::string> OpenedListeners::open(config::Address& address, bool probe) {
  if (probe) {
    if (auto free = probe_port(address); !free) return free.error();
  }
  for (auto& of_worker : by_worker_) {
    auto opened = open_listener(address, kBacklog);
    if (!opened) return opened.error();
    of_worker.push_back(*opened);
  }
  return {};
}

void OpenedListeners::put(const std::vector<int>& descriptors) {
  for (std::size_t i = 0; i < by_worker_.size(); ++i)
    by_worker_[i].push_back(i < descriptors.size()
                                ? descriptors[i]
                                : ::fcntl(descriptors[i % descriptors.size()], F_DUPFD_CLOEXEC, 0));
}

boost::system::result<Reload, Problems> prepare_reload(const std::string& path, const Runtime& running,
                                                       const std::vector<config::Address>& addresses,
                                                       std::size_t workers, TlsFilesWatch& tls,
                                                       UnixSeconds now) {
  config::Loaded loaded = config::load_file(path, config::process_environment());
  if (!loaded.problems.empty()) {
    Problems problems;
    for (const config::Problem& problem : loaded.problems) problems.push_back(problem.text());
    return problems;
  }
  for (const config::Problem& warning : loaded.warnings) spdlog::warn("{}", warning.text());

  Reload next;
  next.plan = plan_reload(running.config, loaded.config);
  if (!next.plan.refused.empty()) {
    Problems problems;
    for (const std::string& refused : next.plan.refused) problems.push_back(path + ": " + refused);
    return problems;
  }
  auto compiled = compile(std::move(loaded.config), now);
  if (!compiled) return Problems{compiled.error()};
  next.runtime = std::move(*compiled);
  compare_files(next.plan, running, *next.runtime);
  auto files = tls.load(next.runtime->config.listeners);
  if (!files) return Problems{files.error()};
  next.tls = std::move(*files);

  next.opened = OpenedListeners(workers);
  for (std::size_t i = 0; i < next.plan.listeners.size(); ++i) {
    const std::size_t same = next.plan.listeners[i];
    config::Address address =
        same == ReloadPlan::kNew ? next.runtime->config.listeners[i].address : addresses[same];
    if (same == ReloadPlan::kNew) {
      const bool ours = std::any_of(addresses.begin(), addresses.end(),
                                    [&](const config::Address& one) { return overlaps(address, one); });
      auto opened = next.opened.open(address, !ours);
      if (!opened) return Problems{opened.error()};
    }
    next.addresses.push_back(std::move(address));
  }
  return next;
}

std::string summary(const ReloadOutcome& outcome) {
  const std::vector<std::string>& lines = outcome.good ? outcome.changed : outcome.problems;
  if (lines.empty()) return outcome.good ? "no setting changed" : "refused";
  std::string all;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (all.size() + lines[i].size() > kLongestSummary)
      return all + " and " + std::to_string(lines.size() - i) + " more";
    all += (i > 0 ? (outcome.good ? ", " : "; ") : "") + lines[i];
  }
  return all;
}

}  // namespace sallyport::gateway
