#include "gateway/reload_plan.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sallyport::gateway {
namespace {

struct Fixed {
  std::string_view setting;
  std::string_view why;
};

// Built once, and shared by all workers or held by connections for as long as they live.
constexpr std::array<Fixed, 13> kFixed{{
    {"workers", "the threads that serve are started once"},
    {"store", "what runs works on the store that was opened at the start"},
    {"admin.address", "the admin listener is opened once"},
    {"tokens.issuer", "it names every session and revocation that the store holds"},
    {"limits.head_size", "connections hold buffers of that size"},
    {"limits.fields", "connections hold room for that many"},
    {"log.access", "the log is opened once"},
    {"log.audit", "the log is opened once"},
    {"users.source", "where users come from is opened once"},
    {"users.file", "where users come from is opened once; the file itself is read again when it changes"},
    {"users.http", "where users come from is opened once"},
    {"users.postgres", "where users come from is opened once"},
    {"users.hashing", "the threads that check passwords are started once"},
}};

bool is_fixed(std::string_view key, std::string_view setting) {
  // hashing_threads and hashing_queue alike.
  return setting == "users.hashing" ? key.starts_with(setting) : config::is_in(key, setting);
}

bool is_wildcard(const config::Address& address) { return address.host == "0.0.0.0" || address.host == "::"; }
bool is_v6(const config::Address& address) { return address.host.find(':') != std::string::npos; }

bool same(const config::Address& a, const config::Address& b) { return a.host == b.host && a.port == b.port; }

template <typename Item, typename Same>
std::vector<std::size_t> partners(const std::vector<Item>& before, const std::vector<Item>& after,
                                  const Same& is_same) {
  std::vector<std::size_t> found;
  std::vector<bool> taken(before.size());
  for (const Item& item : after) {
    std::size_t at = 0;
    while (at < before.size() && (taken[at] || !is_same(before[at], item))) ++at;
    if (at < before.size()) taken[at] = true;
    found.push_back(at < before.size() ? at : ReloadPlan::kNew);
  }
  return found;
}

}  // namespace

ReloadPlan plan_reload(const config::Config& before, const config::Config& after) {
  ReloadPlan plan;
  plan.changes = config::changes(before, after);
  for (const config::Change& change : plan.changes) {
    const auto fixed = std::find_if(kFixed.begin(), kFixed.end(),
                                    [&](const Fixed& one) { return is_fixed(change.key, one.setting); });
    if (fixed != kFixed.end())
      plan.refused.push_back(change.key + " cannot change while the gateway runs (" +
                             std::string(fixed->why) + "): restart it, or take the change back");
  }
  plan.listeners = partners(
      before.listeners, after.listeners,
      [](const config::Listener& a, const config::Listener& b) { return same(a.address, b.address); });
  plan.upstreams =
      partners(before.upstreams, after.upstreams, [&](const config::Upstream& a, const config::Upstream& b) {
        return a.name == b.name && !config::touch(plan.changes, "upstreams." + a.name);
      });
  return plan;
}

bool overlaps(const config::Address& wanted, const config::Address& ours) {
  return wanted.port == ours.port && wanted.port != 0 && is_v6(wanted) == is_v6(ours) &&
         wanted.host != ours.host && (is_wildcard(wanted) || is_wildcard(ours));
}

}  // namespace sallyport::gateway
