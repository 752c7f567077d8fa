#include "auth/jose/key_refresher.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::jose {
namespace {
constexpr std::size_t kShownSkips = 3;  // an issuer may list a thousand keys that we can't use
}

std::optional<SteadyTime> KeyRefresher::due() const { return fetching_ ? std::nullopt : std::optional(due_); }

bool KeyRefresher::known_absent(std::string_view id, SteadyTime now) const {
  return std::any_of(absent_.begin(), absent_.end(),
                     [&](const Absent& absent) { return absent.id == id && now < absent.until; });
}

bool KeyRefresher::wish(std::string_view id, SteadyTime now) {
  if (id.size() > kMaxId || known_absent(id, now)) return false;
  // The fetch under way may have been answered before the key was there: its end proves no absence, so the id
  // isn't noted.
  if (fetching_) return true;
  if (due_ > now) {
    if (wished_ && now < *wished_ + rules_.wish_gap) return false;
    wished_ = now;
    due_ = now;
  }
  if (wishes_.size() < kMaxAbsent && std::find(wishes_.begin(), wishes_.end(), id) == wishes_.end())
    wishes_.emplace_back(id);
  return true;
}

void KeyRefresher::begin() { fetching_ = true; }

void KeyRefresher::settle_wishes(SteadyTime now) {
  for (std::string& id : wishes_) {
    const auto has = [&](const Key& key) { return key.id == id; };
    if (!id.empty() && std::any_of(keys_->keys().begin(), keys_->keys().end(), has)) continue;
    if (absent_.size() == kMaxAbsent) absent_.pop_front();
    absent_.push_back({std::move(id), now + rules_.absent_for});
  }
  wishes_.clear();
}

KeyRefresher::Answer KeyRefresher::answered(KeyResult<ParsedKeySet> result, SteadyTime now) {
  fetching_ = false;
  Answer answer;
  if (!result) {
    const unsigned doublings = std::min(failures_++, 16u);
    due_ = now + std::min(rules_.first_retry * (1u << doublings), rules_.longest_retry);
    wishes_.clear();
    answer.failed = true;
    if (problem_ != result.error())
      answer.message = result.error() + (keys_ ? "; the last good keys stay in use" : "");
    problem_ = std::move(result.error());
    return answer;
  }
  const bool recovered = failures_ > 0 && keys_ != nullptr;
  failures_ = 0;
  problem_.clear();
  due_ = now + rules_.every;
  std::string fingerprint = result->keys->jwks();
  answer.changed = keys_ == nullptr || fingerprint != fingerprint_;
  if (answer.changed) {
    const bool first = keys_ == nullptr;
    keys_ = std::move(result->keys);
    fingerprint_ = std::move(fingerprint);
    absent_.clear();
    const std::size_t count = keys_->keys().size();
    answer.message = std::string(first ? "loaded " : "its keys changed: ") + std::to_string(count) +
                     (count == 1 ? " key" : " keys");
    const std::size_t shown = std::min(result->skipped.size(), kShownSkips);
    for (std::size_t i = 0; i < shown; ++i) answer.message += "; skipped " + result->skipped[i];
    if (result->skipped.size() > shown)
      answer.message += "; and " + std::to_string(result->skipped.size() - shown) + " more";
  } else if (recovered) {
    answer.message = "its keys can be fetched again, unchanged";
  }
  settle_wishes(now);
  return answer;
}

}  // namespace sallyport::jose
