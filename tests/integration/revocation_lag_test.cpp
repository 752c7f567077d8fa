// How long a revocation takes from one gateway to the others over one Redis: as a client sees it, and by the
// followers' own account under a storm of revocations. The machine may be busy, so the bound is told beside
// what a plain request takes at the same time; for the full measurements SALLYPORT_LAG_ROUNDS=1000
// SALLYPORT_LAG_RATE=100, SALLYPORT_FLOOD_RATE=5000 SALLYPORT_FLOOD_SECONDS=20.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "auth/stores/stores.hpp"
#include "tests/integration/fleet.hpp"
#include "tests/support/await.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

unsigned from_env(const char* name, unsigned fallback) {
  const char* text = std::getenv(name);
  return text ? static_cast<unsigned>(std::stoul(text)) : fallback;
}

double percentile(std::vector<double> sorted, double p) {
  std::sort(sorted.begin(), sorted.end());
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(p * static_cast<double>(sorted.size())))];
}

std::string metrics_of(GatewayProcess& gateway) {
  const std::string log = gateway.log(), said = "admin on 127.0.0.1:";
  const auto at = log.find(said);
  if (at == log.npos) throw std::runtime_error("no admin listener: " + log);
  const auto port = static_cast<std::uint16_t>(std::stoul(log.substr(at + said.size())));
  return HttpClient(port).get("/metrics").body;
}

double value_of(const std::string& metrics, const std::string& name) {
  const auto at = metrics.find("\n" + name + " ");
  return at == metrics.npos ? 0 : std::stod(metrics.substr(at + name.size() + 2));
}

// Seconds of CPU that a process has had.
double cpu_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// The upper bound of the bucket that holds this share of the observations, in milliseconds, by the gateway's
// own account.
double bucket_of(const std::string& metrics, double share) {
  const std::string name = "sallyport_revocation_lag_seconds_bucket{le=\"";
  std::vector<std::pair<double, double>> buckets;
  for (std::size_t at = metrics.find(name); at != metrics.npos; at = metrics.find(name, at + 1)) {
    const std::size_t bound = at + name.size();
    if (metrics.compare(bound, 4, "+Inf") == 0) continue;
    buckets.emplace_back(std::stod(metrics.substr(bound)),
                         std::stod(metrics.substr(metrics.find("} ", bound) + 2)));
  }
  for (const auto& [bound, count] : buckets)
    if (count >= share * buckets.back().second) return bound * 1000;
  return -1;
}

TEST(RevocationLag, ATokenRevokedOnOneGatewayIsRefusedOnTheOthersWithinMilliseconds) {
  const unsigned rounds = from_env("SALLYPORT_LAG_ROUNDS", 50);
  const auto interval = std::chrono::microseconds(1'000'000 / from_env("SALLYPORT_LAG_RATE", 100));
  RedisServer redis;
  Fleet fleet(redis.url(), {.more = "admin: {address: \"127.0.0.1:0\"}\n"});
  for (int i = 0; i < 3; ++i) fleet.add();
  std::vector<Pair> sessions;
  for (unsigned i = 0; i < rounds; ++i) sessions.push_back(fleet.login(0, "ada"));
  HttpConnection here(fleet[0].port());
  std::array<HttpConnection, 2> others{HttpConnection(fleet[1].port()), HttpConnection(fleet[2].port())};
  for (const Pair& session : sessions)
    for (HttpConnection& there : others)
      ASSERT_EQ(there.request("GET", "/api/x", bearer(session.access)).status, 200);

  const auto milliseconds_since = [](Clock::time_point then) {
    return std::chrono::duration<double, std::milli>(Clock::now() - then).count();
  };
  std::vector<double> lags, requests;
  auto next = Clock::now();
  for (const Pair& session : sessions) {
    std::this_thread::sleep_until(next);  // the offered rate
    next += interval;
    for (HttpConnection& there : others) {
      const auto asked = Clock::now();
      ASSERT_EQ(there.request("GET", "/api/x", bearer(session.access)).status, 200);
      requests.push_back(milliseconds_since(asked));
    }
    ASSERT_EQ(here.request("POST", "/auth/logout", bearer(session.access)).status, 204);
    const auto acknowledged = Clock::now();
    ASSERT_EQ(here.request("GET", "/api/x", bearer(session.access)).status,
              401);  // in force before the reply left
    for (HttpConnection& there : others) {
      int status = 200;
      Clock::time_point seen;
      do {
        seen = Clock::now();
        status = there.request("GET", "/api/x", bearer(session.access)).status;
      } while (status == 200 && seen - acknowledged < std::chrono::seconds(5));
      ASSERT_EQ(status, 401);
    }
    lags.push_back(milliseconds_since(acknowledged));
  }
  const double p50 = percentile(lags, 0.50), p99 = percentile(lags, 0.99);
  std::cout << "revocation lag as a client of both others sees it, " << rounds << " at one per "
            << interval.count() << " us: p50 " << p50 << " ms, p99 " << p99 << " ms; a plain request: p50 "
            << percentile(requests, 0.50) << " ms, p99 " << percentile(requests, 0.99) << " ms\n";
  for (const std::size_t other : {1, 2}) {
    const std::string metrics = metrics_of(fleet[other]);
    std::cout << "by a follower's own index: p50 <= " << bucket_of(metrics, 0.50)
              << " ms, p99 <= " << bucket_of(metrics, 0.99) << " ms\n";
    EXPECT_EQ(value_of(metrics, "sallyport_revocation_lag_seconds_count"), rounds);
  }
  RecordProperty("lag_p99_ms", std::to_string(p99));
  // Each round is three requests, one after the other, and some wait for a core as any request does.
  EXPECT_LT(p50, 5.0 + 5 * percentile(requests, 0.50));
  // Of few rounds p99 is the worst one: a pause of the machine beside other tests.
  EXPECT_LT(p99, rounds >= 1'000 ? 25.0 + 5 * percentile(requests, 0.99) : 1'000.0);
}

// As if further gateways revoked thousands of sessions a second: all three follow, exactly.
TEST(RevocationLag, AFloodOfRevocationsReachesEveryGatewayWhole) {
  const unsigned rate = from_env("SALLYPORT_FLOOD_RATE", 1000);
  const unsigned seconds = from_env("SALLYPORT_FLOOD_SECONDS", 1);
  const unsigned total = rate * seconds, batch = std::max(1u, rate / 200);
  RedisServer redis;
  Fleet fleet(redis.url(), {.more = "admin: {address: \"127.0.0.1:0\"}\n"});
  for (int i = 0; i < 3; ++i) fleet.add();
  config::Store config;
  config.kind = config::StoreKind::redis;
  config.url = redis.url();
  config.address = {"127.0.0.1", redis.port()};
  const auto backend = stores::open(config, {});
  ASSERT_TRUE(backend) << backend.error();
  net::io_context context;
  const stores::Stores stores = (*backend)->connect(context.get_executor());

  std::vector<pid_t> processes{redis.pid()};
  for (std::size_t i = 0; i < 3; ++i) processes.push_back(fleet[i].pid());
  std::vector<double> cpu;
  for (const pid_t pid : processes) cpu.push_back(cpu_of(pid));
  const auto begin = Clock::now();
  const UnixSeconds until =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::hours(1);
  for (unsigned sent = 0; sent < total; sent += batch) {
    std::this_thread::sleep_until(begin + std::chrono::microseconds(1'000'000ull * sent / rate));
    std::vector<revocation::Event> events;
    for (unsigned i = sent; i < std::min(total, sent + batch); ++i)
      events.push_back({.kind = revocation::Kind::session,
                        .issuer = "https://auth.test",
                        .id = "flood-" + std::to_string(i),
                        .until = until,
                        .reason = "logout"});
    const auto appended = await(context, stores.log->append(std::move(events)));
    ASSERT_TRUE(appended) << appended.error().detail;
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  for (std::size_t i = 0; i < processes.size(); ++i) cpu[i] = (cpu_of(processes[i]) - cpu[i]) / took;

  std::cout << total << " revocations at " << total / took << "/s; CPU: Redis " << 100 * cpu[0] << " %\n";
  for (std::size_t i = 0; i < 3; ++i) {
    std::string metrics = metrics_of(fleet[i]);
    for (const Deadline end = within();
         value_of(metrics, "sallyport_revocations") < total && Clock::now() < end;)
      metrics = metrics_of(fleet[i]);
    EXPECT_EQ(value_of(metrics, "sallyport_revocations"), total);
    std::cout << "gateway " << i << ": lag p50 <= " << bucket_of(metrics, 0.50)
              << " ms, p99 <= " << bucket_of(metrics, 0.99) << " ms, CPU " << 100 * cpu[i + 1] << " %, "
              << value_of(metrics, "sallyport_revocation_index_bytes") / total << " bytes each\n";
  }
}

}  // namespace
}  // namespace sallyport::testing
