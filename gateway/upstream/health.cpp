#include "gateway/upstream/health.hpp"

#include <spdlog/spdlog.h>

#include <array>

namespace sallyport::upstream {

using gateway::error_code;
using http1::Progress;

namespace {

constexpr std::size_t kHeadRoom = 16 * 1024;  // for the head of an answer

void report(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    spdlog::critical("health checks failed: {}", e.what());
  }
}

std::string host_of(const config::Upstream::Server& server) {
  if (!server.unix_path.empty()) return "localhost";
  const bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

}  // namespace

bool HealthState::checked(bool good) {
  if (good == healthy_) {
    against_ = 0;
    return false;
  }
  if (++against_ < (healthy_ ? fall_ : rise_)) return false;
  healthy_ = good;
  against_ = 0;
  return true;
}

struct HealthChecks::Group {
  Group(std::size_t index_, const config::Upstream& config_, net::any_io_executor executor,
        gateway::Deadlines& deadlines, Resolver& resolver, const http1::HeadLimits& limits,
        std::shared_ptr<const TlsClient> tls)
      : index(index_),
        config(config_),
        connector(executor, deadlines, resolver, config, limits, std::move(tls)) {}
  std::size_t index;
  config::Upstream config;
  Connector connector;
  std::vector<HealthState> states;  // by server
};

HealthChecks::HealthChecks(net::any_io_executor executor, const std::vector<config::Upstream>& upstreams,
                           const std::vector<std::shared_ptr<const TlsClient>>& tls, Tell tell,
                           const HealthChecks* before)
    : executor_(executor),
      tell_(std::move(tell)),
      deadlines_(std::chrono::steady_clock::now()),
      resolver_(executor),
      ticker_(executor) {
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    if (!upstreams[i].health) continue;
    http1::HeadLimits limits;
    limits.head_size = kHeadRoom;
    groups_.push_back(
        std::make_unique<Group>(i, upstreams[i], executor, deadlines_, resolver_, limits, tls[i]));
    const config::Health& rules = *upstreams[i].health;
    for (const auto& server : upstreams[i].servers)
      groups_.back()->states.emplace_back(
          rules.fall, rules.rise, before == nullptr || before->is_well(upstreams[i].name, server.url));
  }
}

HealthChecks::~HealthChecks() = default;

bool HealthChecks::is_well(const std::string& upstream, const std::string& url) const {
  for (const auto& group : groups_) {
    if (group->config.name != upstream) continue;
    for (std::size_t server = 0; server < group->config.servers.size(); ++server)
      if (group->config.servers[server].url == url) return group->states[server].healthy();
  }
  return true;
}

void HealthChecks::start(std::shared_ptr<HealthChecks> self) {
  if (groups_.empty()) return;
  const auto ended = [self = std::move(self)](std::exception_ptr error) { report(error); };
  spawn(executor_, tick(), ended);
  for (const auto& group : groups_)
    for (std::size_t server = 0; server < group->config.servers.size(); ++server) {
      if (!group->states[server].healthy()) tell_(group->index, server, false);
      spawn(executor_, watch(*group, server), ended);
    }
}

void HealthChecks::stop() {
  stopping_ = true;
  ticker_.cancel();
  for (const auto& pause : pauses_) pause->cancel();
}

Task<> HealthChecks::tick() {
  // After stop() on to the end of the last check, whose deadlines then have all passed.
  while (!stopping_ || running_ > 0) {
    deadlines_.tick(std::chrono::steady_clock::now() + std::chrono::hours(stopping_ ? 24 : 0));
    ticker_.expires_after(gateway::Deadlines::kTick);
    auto [ec] = co_await ticker_.async_wait(kAwait);
    (void)ec;
  }
}

Task<> HealthChecks::watch(Group& group, std::size_t server) {
  const config::Health& rules = *group.config.health;
  net::steady_timer& pause = *pauses_.emplace_back(std::make_unique<net::steady_timer>(executor_));
  HealthState& state = group.states[server];
  ++running_;
  while (!stopping_) {
    const SteadyTime next = std::chrono::steady_clock::now() + rules.interval;
    std::string reason;
    const bool good = co_await ask(group, server, reason);
    if (stopping_) break;
    if (state.checked(good)) {
      const std::string& url = group.config.servers[server].url;
      if (good)
        spdlog::info("upstream {}: {} is well again", group.config.name, url);
      else
        spdlog::warn("upstream {}: {} gets no requests: {}", group.config.name, url, reason);
      tell_(group.index, server, good);
    }
    pause.expires_at(next);
    auto [ec] = co_await pause.async_wait(kAwait);
    (void)ec;
  }
  --running_;
}

// A connection of its own each time: that the server takes one is part of the question.
Task<bool> HealthChecks::ask(Group& group, std::size_t server, std::string& reason) {
  const config::Health& rules = *group.config.health;
  const SteadyTime until = std::chrono::steady_clock::now() + rules.timeout;
  error_code ec;
  std::unique_ptr<Connection> connection = co_await group.connector.open(server, until, ec, reason);
  if (!connection) co_return false;
  connection->stream.never_after(until);
  connection->stream.read_until(until);
  connection->stream.write_until(until);
  std::string request = "GET " + rules.path + " HTTP/1.1\r\nHost: " + host_of(group.config.servers[server]) +
                        "\r\nUser-Agent: sallyport-health\r\nConnection: close\r\n\r\n";
  std::array<iovec, 1> pieces{gateway::piece_of(request)};
  ec = co_await connection->stream.write_all(pieces);
  if (ec) {
    reason = ec.message();
    co_return false;
  }
  connection->reader.reset(false);
  std::vector<char> buffer(kHeadRoom);
  for (std::size_t filled = 0, seen = 0;;) {
    const gateway::IoResult got =
        co_await connection->stream.read_some({buffer.data() + filled, buffer.size() - filled});
    if (got.ec) {
      reason = got.ec == net::error::timed_out ? "no answer in time" : "closed without an answer";
      co_return false;
    }
    filled += got.bytes;
    for (;;) {
      const http1::HeadStep step = connection->reader.read_head({buffer.data() + seen, filled - seen});
      if (step.progress == Progress::need_more) break;
      if (step.progress == Progress::refused) {
        reason = std::string("a broken answer: ") + std::string(step.refusal.code);
        co_return false;
      }
      const unsigned status = connection->reader.head().status;
      if (status >= 200) {
        reason = "status " + std::to_string(status);
        co_return status < 400;
      }
      seen += step.consumed;  // 1xx
      connection->reader.reset(false);
    }
    if (filled == buffer.size()) {
      reason = "a head that is too large";
      co_return false;
    }
  }
}

}  // namespace sallyport::upstream
