#include "auth/jose/key_rotation.hpp"

#include <algorithm>

namespace sallyport::jose {
namespace {

constexpr std::size_t kCrowded = kMaxKeys - 8;  // from here on only keys with living tokens are kept

}  // namespace

RotationPlan plan_rotation(const Entries& entries, Algorithm algorithm, const RotationRules& rules,
                           UnixSeconds now) {
  RotationPlan plan;
  const KeyInfo *current = nullptr, *next = nullptr;
  const auto keep =
      entries.size() >= kCrowded ? rules.token_life : std::max(rules.remember, rules.token_life);
  for (const KeyInfo& key : entries) {
    if (key.is_refresh()) continue;
    const bool ours = key.kind == to_string(algorithm);
    if (key.is_current() && ours) current = &key;
    if (key.is_next() && ours) next = &key;
    // A next key of another algorithm: the configuration has changed its mind.
    if ((key.is_next() && !ours) || (key.retired && now >= *key.retired + keep)) plan.drop.push_back(key.id);
  }
  if (rules.every.count() == 0 || current == nullptr) return plan;
  const auto ahead = std::min(rules.every, kPublishAhead);
  plan.promote =
      next != nullptr && now >= current->current_since() + rules.every && now >= next->created + ahead;
  plan.make_next = next == nullptr || plan.promote;
  return plan;
}

}  // namespace sallyport::jose
