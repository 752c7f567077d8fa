// What a reload may do: which settings another configuration changes, which of them can't change while the
// gateway runs, and what of the running one goes on as it is. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/changes.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

struct ReloadPlan {
  static constexpr std::size_t kNew = static_cast<std::size_t>(-1);

  std::vector<config::Change> changes;
  std::vector<std::string> refused;  // a sentence for each setting that needs a restart; then nothing is done
  std::vector<std::size_t> upstreams;  // by upstream: which one of before it is, unchanged; or kNew
  std::vector<std::size_t> listeners;  // by listener: which one of before has its address; or kNew
};

ReloadPlan plan_reload(const config::Config& before, const config::Config& after);

// Would a probe of this port meet a listener of our own that the kernel lets us have beside it: another
// address of the same port, one of the two being the wildcard?
bool overlaps(const config::Address& wanted, const config::Address& ours);

}  // namespace sallyport::gateway
