#include "gateway/follower.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace sallyport::gateway {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{1000};
constexpr std::chrono::seconds kTrimEvery{60};
constexpr std::size_t kEndAgain = 5000;  // sessions: a second or two, in which nothing is followed

UnixSeconds wall_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }
// Both clocks have a say: the store's was read before its answer travelled, ours may run behind the store's.
std::chrono::milliseconds lag_of(UnixMillis appended, UnixMillis store_now) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return std::max(store_now, now) - appended;
}
SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

revocation::LogFollower::Rules rules_of(const config::Config& config) {
  revocation::LogFollower::Rules rules;
  rules.own_issuer = config.tokens.issuer;
  // The age of the index counts from the sending of a read: an idle log must answer well within the bound.
  constexpr std::chrono::milliseconds kShortest{50};
  rules.wait = std::clamp(config.revocation.max_staleness / 4, kShortest, rules.wait);
  return rules;
}

}  // namespace

Follower::Follower(net::io_context& control, stores::Backend& store, const config::Config& config,
                   Shared& shared, Metrics& metrics)
    : control_(control),
      store_(store),
      shared_(shared),
      own_issuer_(config.tokens.issuer),
      max_staleness_(config.revocation.max_staleness),
      metrics_(metrics),
      follower_(rules_of(config)),
      timer_(control) {}

void Follower::follow(std::vector<Worker*> workers) {
  workers_ = std::move(workers);
  spawn(control_, run(), [](std::exception_ptr error) {
    if (error)
      spdlog::critical("the revocation follower failed; revocations of other gateways no longer arrive");
  });
}

void Follower::use(const config::Config& config) {
  max_staleness_ = config.revocation.max_staleness;
  follower_.ask_every(rules_of(config).wait);
  if (stores_.sessions) stores_.sessions->use(config.tokens.refresh);
}

void Follower::stop() {
  stopped_ = true;
  timer_.cancel();
}

Follower::Status Follower::status() const {
  return {shared_.ready.load(),
          follower_.entries_read(),
          problem_,
          follower_.staleness(steady_now()),
          follower_.set()->size(),
          follower_.set()->memory_bytes(),
          follower_.resyncs()};
}

Task<> Follower::pause(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  auto [ec] = co_await timer_.async_wait(kAwait);
  (void)ec;
}

Task<bool> Follower::healthy() {
  std::string said;
  auto wait = kFirstPause;
  while (!stopped_) {
    net::any_io_executor executor = control_.get_executor();
    const stores::Backend::Health health = co_await store_.probe(std::move(executor));
    if (health.ok) {
      for (const std::string& warning : health.warnings) spdlog::warn("store: {}", warning);
      co_return true;
    }
    problem_ = health.message;
    if (said != health.message) spdlog::error("not ready: {}", said = health.message);
    co_await pause(wait);
    wait = std::min(2 * wait, kLongestPause);
  }
  co_return false;
}

// Ends within one read's wait of stop(); the stores go with it, so that the control loop runs dry.
Task<> Follower::run() {
  const bool fit = co_await healthy();
  if (!fit) co_return;
  stores_ = store_.connect(control_.get_executor());
  co_await read_on();
  stores_ = {};
}

Task<> Follower::read_on() {
  SteadyTime trimmed = steady_now();
  bool failing = false, stale = false;
  auto wait = kFirstPause;
  while (!stopped_) {
    auto next = follower_.next_read(steady_now());
    const auto batch = co_await stores_.log->read(std::move(next.from), next.limit, next.wait);
    if (stopped_) co_return;
    if (!batch) {
      follower_.failed();
      if (!std::exchange(failing, true))
        spdlog::error("cannot read the revocation log: {}", batch.error().detail);
      problem_ = batch.error().detail;
      publish(false, {});
      const auto age = follower_.staleness(steady_now());
      if (age && *age > max_staleness_ && !std::exchange(stale, true))
        spdlog::warn("the known revocations are {} ms old: each route now goes by its `degraded`",
                     age->count());
      co_await pause(wait);
      wait = std::min(2 * wait, kLongestPause);
      continue;
    }
    if (std::exchange(failing, false)) spdlog::info("reading the revocation log again");
    wait = kFirstPause;
    stale = false;
    problem_.clear();
    revocation::LogFollower::Step step = follower_.answered(*batch, steady_now(), wall_now());
    if (step.resynced)
      spdlog::warn("the store was replaced or lost entries: reading the revocation log from its beginning");
    publish(step.changed, {});
    if (follower_.ready() && !shared_.ready.exchange(true))
      spdlog::info("ready: {} revocations read", follower_.entries_read());
    for (const UnixMillis appended : step.appended) metrics_.revocation_arrived(lag_of(appended, batch->now));
    metrics_.revocations(follower_.set()->size(), follower_.set()->memory_bytes());
    if (auto due = follower_.compaction(steady_now())) compact(std::move(*due));
    if (!step.reappend.empty()) {
      std::vector<revocation::Event> lost = std::move(step.reappend);
      co_await repeat(std::move(lost));
      if (stopped_) co_return;
    }
    if (steady_now() - trimmed > kTrimEvery) {
      trimmed = steady_now();
      const auto done = co_await stores_.log->trim(follower_.believed_now());
      if (!done) spdlog::warn("cannot trim the revocation log: {}", done.error().detail);
    }
  }
}

// After a reconnect: a fail-over or an older snapshot may have lost what we acknowledged lately. It is
// appended again, and its sessions are ended again, since their records may have come back with the rest.
Task<> Follower::repeat(std::vector<revocation::Event> acknowledged) {
  std::vector<revocation::Event> events = acknowledged;
  const auto appended = co_await stores_.log->append(std::move(events));
  if (!appended) co_return follower_.failed();
  const std::size_t first = acknowledged.size() - std::min(acknowledged.size(), kEndAgain);
  for (std::size_t i = first; i < acknowledged.size() && !stopped_; ++i) {
    const bool done = co_await end_again(acknowledged[i]);
    if (!done) co_return follower_.failed();
  }
  follower_.reappended();
  spdlog::info("what was acknowledged in the last minute stands in the log again: {} revocations",
               acknowledged.size());
}

Task<bool> Follower::end_again(const revocation::Event& event) {
  const auto id = sessions::SessionId::parse(event.id);
  if (event.kind != revocation::Kind::session || event.issuer != own_issuer_ || !id) co_return true;
  const auto found = co_await stores_.sessions->load(*id);
  if (!found) co_return false;
  if (!found->session || found->session->state == sessions::SessionState::ended) co_return true;
  const auto cause = sessions::parse_end_cause(event.reason).value_or(sessions::EndCause::none);
  const auto ended = co_await stores_.sessions->end(found->session->user_id, *id, cause);
  co_return ended.has_value();
}

// Beside everything else: it takes seconds for ten million entries.
void Follower::compact(revocation::LogFollower::Compaction due) {
  net::post(compactor_, [this, due = std::move(due)] {
    net::post(control_, [this, result = due.set->compacted(due.time)] {
      if (follower_.compacted(result)) publish(true, {});
    });
  });
}

// Hands the index (where it changed) and its freshness to every worker; `done` once the last one has it.
void Follower::publish(bool changed, std::function<void()> done) {
  const bool ready = follower_.ready();
  const auto staleness = follower_.staleness(steady_now());
  const SteadyTime as_of = staleness ? steady_now() - *staleness : SteadyTime{};
  const std::shared_ptr<const revocation::RevocationSet> index = changed ? follower_.set() : nullptr;
  const auto left = done ? std::make_shared<std::atomic<std::size_t>>(workers_.size()) : nullptr;
  for (Worker* worker : workers_) {
    worker->post([=](Worker& w) {
      if (index) w.enforce(index);
      w.refresh(ready, as_of);
      if (left && left->fetch_sub(1) == 1) done();
    });
  }
}

void Follower::enforce(std::vector<revocation::Event> events, std::function<void()> done) {
  net::post(control_, [this, events = std::move(events), done = std::move(done)]() mutable {
    follower_.acknowledged(std::move(events), steady_now());
    publish(true, std::move(done));
  });
}

}  // namespace sallyport::gateway
