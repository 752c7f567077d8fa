#include "gateway/own_key_watch.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include "gateway/issuers.hpp"

namespace sallyport::gateway {
namespace {

UnixSeconds wall_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

std::vector<jose::KeyDirectory> folders_of(const config::Tokens& tokens) {
  std::vector<jose::KeyDirectory> folders;
  const auto algorithm = jose::parse_algorithm(tokens.signing.algorithm);
  if (tokens.issuer.empty() || !algorithm) return folders;
  if (tokens.signing.secret.empty() && !tokens.signing.keys.empty() && tokens.signing.keys != "store")
    folders.emplace_back(tokens.signing.keys, *algorithm);
  if (!tokens.refresh.keys.empty() && tokens.refresh.keys != tokens.signing.keys &&
      tokens.refresh.keys != "store")
    folders.emplace_back(tokens.refresh.keys, *algorithm);
  return folders;
}

}  // namespace

jose::RotationRules rotation_rules(const config::Tokens& tokens) {
  jose::RotationRules rules;
  rules.every = tokens.signing.rotate_every;
  rules.token_life = tokens.access_ttl + tokens.clock_skew;
  // No limit on sessions: as long as the default one.
  const auto absolute =
      tokens.refresh.absolute_ttl.count() > 0 ? tokens.refresh.absolute_ttl : config::Refresh{}.absolute_ttl;
  rules.remember = std::max<std::chrono::seconds>(absolute, rules.token_life);
  return rules;
}

struct OwnKeyWatch::Seen {
  config::Tokens tokens;
  jose::RotationRules rules;
  std::vector<jose::KeyDirectory> folders;
  std::vector<std::optional<jose::KeyDirectory::Stamp>> stamps;
};

struct OwnKeyWatch::Found {
  std::optional<jose::OwnKeys> keys;  // newer ones
  std::string problem;
};

namespace {

// Blocking, on the helper's thread.
template <typename Found, typename Seen>
Found look_at(Seen& seen) {
  Found found;
  const UnixSeconds now = wall_now();
  const bool signs = seen.tokens.signing.secret.empty();
  if (signs) {
    const auto tended = seen.folders.front().tend(seen.rules, now);
    if (!tended) found.problem = tended.error();
  }
  // Stamps before keys: what changes in between is seen the next time.
  std::vector<std::optional<jose::KeyDirectory::Stamp>> stamps;
  for (const jose::KeyDirectory& folder : seen.folders) stamps.push_back(folder.stamp());
  if (stamps == seen.stamps) return found;
  auto keys = open_own_keys(seen.tokens, now);
  if (!keys) {
    found.problem = keys.error();  // tried again each time until it is whole
    return found;
  }
  seen.stamps = std::move(stamps);
  found.keys = std::move(*keys);
  return found;
}

}  // namespace

OwnKeyWatch::OwnKeyWatch(net::io_context& control, const config::Tokens& tokens, Publish publish)
    : control_(control), publish_(std::move(publish)), seen_(std::make_shared<Seen>()), timer_(control) {
  seen_->tokens = tokens;
  seen_->rules = rotation_rules(tokens);
  seen_->folders = folders_of(tokens);
}

OwnKeyWatch::~OwnKeyWatch() { helper_.join(); }

bool OwnKeyWatch::wanted(const config::Tokens& tokens) { return !folders_of(tokens).empty(); }

void OwnKeyWatch::start(std::shared_ptr<OwnKeySource> self) { look(std::move(self)); }

void OwnKeyWatch::stop() {
  stopped_ = true;
  timer_.cancel();
  waiting_.clear();
  next_waiting_.clear();
}

void OwnKeyWatch::wish(std::function<void()> done) {
  if (stopped_) return done();
  // A look that is under way may have passed the change already: the next one hasn't.
  next_waiting_.push_back(std::move(done));
  if (!looking_) timer_.cancel();
}

void OwnKeyWatch::wait(std::shared_ptr<OwnKeySource> self) {
  const SteadyTime due = looked_ + (next_waiting_.empty() ? kEvery : kGap);
  timer_.expires_at(due);
  timer_.async_wait([this, due, self = std::move(self)](const boost::system::error_code& ec) mutable {
    if (stopped_) return;
    // A wish: due earlier now.
    if (ec && std::chrono::steady_clock::now() < due) return wait(std::move(self));
    look(std::move(self));
  });
}

void OwnKeyWatch::look(std::shared_ptr<OwnKeySource> self) {
  looking_ = true;
  looked_ = std::chrono::steady_clock::now();
  waiting_ = std::exchange(next_waiting_, {});
  auto work = net::make_work_guard(control_);
  // The helper gives `self` away before its job ends: it could not join its own thread.
  net::post(helper_, [this, seen = seen_, work = std::move(work), self = std::move(self)]() mutable {
    Found result;
    try {
      result = look_at<Found>(*seen);
    } catch (const std::exception& error) {
      result.problem = error.what();
    }
    net::post(control_, [this, result = std::move(result), self = std::move(self)]() mutable {
      found(std::move(result), std::move(self));
    });
  });
}

void OwnKeyWatch::found(Found result, std::shared_ptr<OwnKeySource> self) {
  looking_ = false;
  if (stopped_) return;
  if (!result.problem.empty() && result.problem != said_)
    spdlog::error("our own keys: {}; those in use stay", result.problem);
  said_ = std::move(result.problem);
  if (result.keys) publish_(std::move(*result.keys));
  for (const auto& done : std::exchange(waiting_, {})) done();
  wait(std::move(self));
}

}  // namespace sallyport::gateway
