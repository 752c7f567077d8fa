#include "auth/revocation/log_follower.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::revocation {
namespace {

// An upper bound for what is kept to be appended again: 60 s of logouts at 4000 a second.
constexpr std::size_t kMaxAcknowledged = 240'000;

constexpr std::size_t kSmallestPage = 16;

}  // namespace

LogFollower::LogFollower(Rules rules) : rules_(std::move(rules)), page_(rules_.page) {}

LogFollower::Read LogFollower::next_read(SteadyTime now) {
  sent_ = now;
  return {cursor_, page_, behind_ ? std::chrono::milliseconds(0) : rules_.wait};
}

LogFollower::Step LogFollower::answered(const Batch& batch, SteadyTime now, UnixSeconds wall) {
  Step step;
  believed_now_ = time_.look(std::min(wall, to_seconds(batch.now)), now);
  if (std::exchange(broken_, false)) reappend_ = true;
  if (batch.entries.size() >= page_) page_ = std::min(page_ + kSmallestPage, rules_.page);

  const bool from_beginning = cursor_.empty();
  follow_marker(batch.marker, step);
  // A new store's entries behind an old store's cursor mean nothing: read from the beginning instead.
  if (!step.resynced && batch.gap && !from_beginning) restart(step);
  apply(batch, step);
  if (!step.resynced) {
    cursor_ = batch.cursor;
    behind_ = batch.more;
    if (!batch.more) {
      ready_ = true;
      as_of_ = sent_;
    }
  }

  if (!reappend_) forget_acknowledged(now);
  if (reappend_ && acknowledged_.empty()) reappend_ = false;
  if (reappend_)
    for (const Acknowledged& kept : acknowledged_)
      if (kept.event.until >= believed_now_) step.reappend.push_back(kept.event);
  if (step.reappend.empty()) reappend_ = false;
  return step;
}

// A marker that we didn't know: own tokens issued before it may have been revoked in a log that is gone.
void LogFollower::follow_marker(const Marker& marker, Step& step) {
  if (marker_ == marker) return;
  const bool replaced = marker_.has_value();
  marker_ = marker;
  set_ = set_->with_own_before(rules_.own_issuer, marker.created);
  void_ = true;
  step.changed = true;
  if (!replaced) return;
  reappend_ = true;
  if (!cursor_.empty()) restart(step);
}

void LogFollower::restart(Step& step) {
  cursor_.clear();
  behind_ = true;
  step.resynced = true;
  ++resyncs_;
}

void LogFollower::apply(const Batch& batch, Step& step) {
  entries_read_ += batch.entries.size();
  std::vector<Event> fresh;
  for (const Entry& entry : batch.entries)
    if (!set_->covers(entry.event)) {
      fresh.push_back(entry.event);
      // What stood there at the start is history, not lag.
      if (ready_ && entry.appended) step.appended.push_back(*entry.appended);
    }
  if (fresh.empty()) return;
  add(fresh);
  step.changed = true;
}

void LogFollower::add(const std::vector<Event>& events) {
  set_ = set_->with(events);
  added_ += events.size();
  if (since_) since_->insert(since_->end(), events.begin(), events.end());
}

void LogFollower::failed() {
  broken_ = true;
  page_ = std::max(page_ / 2, std::min(kSmallestPage, rules_.page));
}

void LogFollower::reappended() { reappend_ = false; }

bool LogFollower::acknowledged(std::vector<Event> events, SteadyTime now) {
  const bool changed =
      std::any_of(events.begin(), events.end(), [this](const Event& event) { return !set_->covers(event); });
  if (changed) add(events);
  for (Event& event : events) acknowledged_.push_back({now, std::move(event)});
  while (acknowledged_.size() > kMaxAcknowledged) acknowledged_.pop_front();
  return changed;
}

std::optional<std::chrono::milliseconds> LogFollower::staleness(SteadyTime now) const {
  if (!as_of_) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::max(now, *as_of_) - *as_of_);
}

// Only while answers come: what was acknowledged just before an outage is kept until the outage is over.
void LogFollower::forget_acknowledged(SteadyTime now) {
  while (!acknowledged_.empty() && now - acknowledged_.front().at > rules_.keep_acknowledged)
    acknowledged_.pop_front();
}

// When a quarter was added since the last time, or now and then. Never while catching up.
std::optional<LogFollower::Compaction> LogFollower::compaction(SteadyTime now) {
  if (behind_ || since_ || set_->size() == 0) return std::nullopt;
  if (compacted_) {
    const auto since = now - *compacted_;
    if (since < rules_.compact_every) return std::nullopt;
    if (added_ < set_->size() / 4 && since < 10 * rules_.compact_every) return std::nullopt;
  }
  compacted_ = now;
  added_ = 0;
  since_.emplace();
  void_ = false;
  return Compaction{set_, believed_now_};
}

bool LogFollower::compacted(std::shared_ptr<const RevocationSet> result) {
  if (!since_) return false;
  const std::vector<Event> since = *std::exchange(since_, std::nullopt);
  if (void_) return false;
  set_ = since.empty() ? std::move(result) : result->with(since);
  return true;
}

}  // namespace sallyport::revocation
