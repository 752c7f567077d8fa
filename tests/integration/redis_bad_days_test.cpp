// Redis' bad days as clients of the real gateway see them: 503 with Retry-After or the route's degraded mode,
// never a logout, never a revoked token beyond the bound; and all is well once Redis is (CONTRACT section 5).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <iostream>
#include <set>
#include <sstream>

#include "auth/stores/redis/slots.hpp"
#include "tests/integration/fleet.hpp"
#include "tests/integration/proxied_store.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kRoutes =
    "  - {path: /stale/, upstream: api, auth: required, degraded: stale}\n"
    "  - {path: /open/, upstream: api, auth: required, degraded: open}\n";

FleetOptions options(std::string max_staleness = "1s") {
  FleetOptions how;
  how.routes = kRoutes;
  how.more = "revocation: {max_staleness: " + max_staleness + "}\n";
  return how;
}

Response get(Fleet& fleet, std::size_t gateway, const char* path, const std::string& access) {
  return HttpClient(fleet[gateway].port()).get(path, bearer(access));
}

void expect_unavailable(const Response& response) {
  EXPECT_EQ(response.status, 503) << response.body;
  EXPECT_EQ(error_of(response), "store_unavailable");
  EXPECT_TRUE(response.headers.has("Retry-After"));
}

// Asks until the answer has this status; the last answer. There is no event to wait for from outside.
template <typename Ask>
Response ask_until(int status, Ask ask) {
  Response response = ask();
  for (const Deadline end = within(); response.status != status && Clock::now() < end;) response = ask();
  return response;
}

// The session still works in every respect; the pair goes on with it.
void expect_alive(Fleet& fleet, std::size_t gateway, Pair& pair) {
  const Response refreshed = ask_until(200, [&] { return fleet.refresh(gateway, pair.refresh); });
  ASSERT_EQ(refreshed.status, 200) << refreshed.body;
  EXPECT_EQ(pair_of(refreshed).session, pair.session);
  pair = pair_of(refreshed);
  EXPECT_EQ(ask_until(200, [&] { return fleet.call(gateway, pair.access); }).status, 200);
}

void expect_revoked(Fleet& fleet, std::size_t gateway, const Pair& pair) {
  const Response response = ask_until(401, [&] { return fleet.call(gateway, pair.access); });
  EXPECT_EQ(error_of(response), "token_revoked") << response.body;
}

TEST(RedisBadDays, AGatewayThatIsCutOffRefusesByItsBoundAsEachRouteSays) {
  RedisServer redis;
  ProxiedStore way(redis);
  Fleet fleet(redis.url(), options());
  fleet.add();
  fleet.add(way.url());
  Pair living = fleet.login(0, "ada");
  const Pair before = fleet.login(0, "ada"), after = fleet.login(0, "ada");
  EXPECT_EQ(fleet.logout(0, before.access).status, 204);
  expect_revoked(fleet, 1, before);
  EXPECT_EQ(fleet.call(1, after.access).status, 200);

  way.mute(true);
  const auto cut = Clock::now();
  EXPECT_EQ(fleet.logout(0, after.access).status, 204);
  // The index's age counts from the sending of the last answered read, so past the bound nothing passes.
  Clock::time_point asked;
  Response closed;
  do {
    asked = Clock::now();
    closed = get(fleet, 1, "/api/x", after.access);
    ASSERT_FALSE(asked > cut + 1050ms && closed.status == 200) << "accepted past the bound";
  } while (closed.status == 200 && Clock::now() < cut + kPatience);
  expect_unavailable(closed);
  expect_unavailable(get(fleet, 1, "/api/x", living.access));
  EXPECT_EQ(error_of(get(fleet, 1, "/api/x", before.access)), "token_revoked") << "what is known stays so";

  EXPECT_EQ(get(fleet, 1, "/stale/x", living.access).status, 200);
  EXPECT_EQ(get(fleet, 1, "/stale/x", after.access).status, 200) << "the last known index";
  EXPECT_EQ(error_of(get(fleet, 1, "/stale/x", before.access)), "token_revoked");
  EXPECT_EQ(get(fleet, 1, "/open/x", before.access).status, 200) << "asks no index";
  expect_unavailable(fleet.refresh(1, living.refresh));
  EXPECT_EQ(fleet.call(0, living.access).status, 200) << "the others go on";

  way.mute(false);
  EXPECT_EQ(ask_until(200, [&] { return get(fleet, 1, "/api/x", living.access); }).status, 200);
  expect_revoked(fleet, 1, after);
  expect_alive(fleet, 1, living);
}

TEST(RedisBadDays, AGatewayThatHasNeverReadTheLogIsClosedWhateverItsRoutesSay) {
  RedisServer redis;
  ProxiedStore way(redis);
  Fleet fleet(redis.url(), options());
  fleet.add();
  const Pair living = fleet.login(0, "ada");
  way.mute(true);
  GatewayProcess blind(SALLYPORT_BINARY, fleet.yaml(way.url()));
  for (const char* path : {"/api/x", "/stale/x", "/open/x"})
    expect_unavailable(HttpClient(blind.port()).get(path, bearer(living.access)));
  way.mute(false);
  const HttpClient client(blind.port());
  EXPECT_EQ(ask_until(200, [&] { return client.get("/api/x", bearer(living.access)); }).status, 200);
}

TEST(RedisBadDays, AFlushedStoreRefusesAllOwnTokensFromBefore) {
  RedisServer redis;
  Fleet fleet(redis.url(), options("5s"));
  fleet.add();
  fleet.add();
  const Pair living = fleet.login(0, "ada"), ended = fleet.login(0, "ada");
  EXPECT_EQ(fleet.logout(0, ended.access).status, 204);
  expect_revoked(fleet, 1, ended);
  EXPECT_EQ(fleet.call(1, living.access).status, 200);

  redis.command({"FLUSHALL"});
  for (const std::size_t gateway : {0, 1}) {
    expect_revoked(fleet, gateway, living);
    expect_revoked(fleet, gateway, ended);
    EXPECT_EQ(error_of(fleet.refresh(gateway, living.refresh)), "refresh_invalid");
  }
  Pair fresh = fleet.login(0, "ada");
  EXPECT_EQ(fleet.call(0, fresh.access).status, 200);
  EXPECT_EQ(ask_until(200, [&] { return fleet.call(1, fresh.access); }).status, 200);
  expect_alive(fleet, 1, fresh);
  // Whoever starts now knows only the new store: it refuses them too.
  fleet.add();
  expect_revoked(fleet, 2, living);
}

TEST(RedisBadDays, AnOlderSnapshotBringsBackNoSessionThatWasLoggedOutJustNow) {
  RedisServer redis;
  Fleet fleet(redis.url(), options("5s"));
  fleet.add();
  Pair living = fleet.login(0, "ada");
  const Pair ended = fleet.login(0, "ada");
  redis.command({"SAVE"});
  const std::string dump = redis.dir() / "dump.rdb", kept = redis.dir() / "kept.rdb";
  std::filesystem::copy_file(dump, kept);
  EXPECT_EQ(fleet.logout(0, ended.access).status, 204);
  EXPECT_EQ(error_of(fleet.call(0, ended.access)), "token_revoked");

  redis.kill();
  std::filesystem::copy_file(kept, dump, std::filesystem::copy_options::overwrite_existing);
  redis.start();
  ASSERT_TRUE(fleet[0].wait_for_log("reading the revocation log again"));
  ASSERT_TRUE(fleet[0].wait_for_log("what was acknowledged in the last minute stands in the log again"));
  expect_revoked(fleet, 0, ended);
  EXPECT_EQ(error_of(fleet.refresh(0, ended.refresh)), "session_revoked");
  expect_alive(fleet, 0, living);
  // A gateway that never saw the logout knows of it from the store.
  fleet.add();
  expect_revoked(fleet, 1, ended);
  EXPECT_EQ(error_of(fleet.refresh(1, ended.refresh)), "session_revoked");
}

// Redis refuses writes in some way; reads go on, so that requests do.
struct Refusal {
  const char* name;
  std::vector<std::string> begin, end;
  int refresh = 503;  // what it is answered meanwhile
};

class RefusedWrites : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedWrites, AreA503AndLogNobodyOut) {
  RedisServer redis;
  Fleet fleet(redis.url(), options());
  fleet.add();
  Pair living = fleet.login(0, "ada");
  const Pair ended = fleet.login(0, "ada");
  EXPECT_EQ(fleet.logout(0, ended.access).status, 204);

  ASSERT_NE(redis.command(GetParam().begin).type, '-');
  const Response refreshed = fleet.refresh(0, living.refresh);
  EXPECT_EQ(refreshed.status, GetParam().refresh) << refreshed.body;
  if (refreshed.status == 503) expect_unavailable(refreshed);
  if (refreshed.status == 200) living = pair_of(refreshed);
  expect_unavailable(fleet.logout(0, living.access));
  expect_unavailable(HttpClient(fleet[0].port()).post("/auth/login", credentials("ada")));
  EXPECT_EQ(error_of(fleet.call(0, ended.access)), "token_revoked");

  ASSERT_NE(redis.command(GetParam().end).type, '-');
  expect_alive(fleet, 0, living);
  expect_revoked(fleet, 0, ended);
}

INSTANTIATE_TEST_SUITE_P(
    RedisBadDays, RefusedWrites,
    ::testing::Values(
        Refusal{"OutOfMemory", {"CONFIG", "SET", "maxmemory", "1"}, {"CONFIG", "SET", "maxmemory", "0"}, 200},
        Refusal{"ReadOnly", {"REPLICAOF", "127.0.0.1", "1"}, {"REPLICAOF", "NO", "ONE"}},
        Refusal{"TooFewReplicas",
                {"CONFIG", "SET", "min-replicas-to-write", "1"},
                {"CONFIG", "SET", "min-replicas-to-write", "0"}}),
    [](const auto& row) { return row.param.name; });

TEST(RedisBadDays, OneThatStillLoadsIsWaitedFor) {
  RedisOptions slowly;  // a third of a second for each key, and it says so meanwhile
  slowly.extra = {"--key-load-delay", "300000", "--loading-process-events-interval-bytes", "1024",
                  "--rdbcompression", "no"};
  RedisServer redis(slowly);
  Fleet fleet(redis.url(), options());
  fleet.add();
  Pair living = fleet.login(0, "ada");
  for (int i = 0; i < 10; ++i) redis.command({"SET", "filler-" + std::to_string(i), std::string(1000, 'x')});
  redis.command({"SAVE"});
  redis.kill();
  auto refreshed = std::async(std::launch::async, [&] {
    Response response = fleet.refresh(0, living.refresh);
    for (const Deadline end = within(); response.status != 200 && Clock::now() < end;) {
      expect_unavailable(response);
      response = fleet.refresh(0, living.refresh);
    }
    return response;
  });
  redis.start();  // from the thread of the test: Redis ends with the thread that started it
  const Response response = refreshed.get();
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_TRUE(fleet[0].wait_for_log("LOADING")) << "it was seen to load";
  living = pair_of(response);
  expect_alive(fleet, 0, living);
}

TEST(RedisBadDays, OneThatAnswersAfterFiveSecondsIsGivenUpInTime) {
  RedisServer redis;
  ProxiedStore way(redis);
  Fleet fleet(redis.url(), options());
  fleet.add(way.url());
  Pair living = fleet.login(0, "ada");
  way.delay(5s);
  const auto asked = Clock::now();
  expect_unavailable(fleet.refresh(0, living.refresh));
  EXPECT_LT(Clock::now() - asked, 4500ms) << "the store's own deadline, not Redis'";
  expect_unavailable(ask_until(503, [&] { return fleet.call(0, living.access); }));
  EXPECT_EQ(get(fleet, 0, "/stale/x", living.access).status, 200);
  way.delay(0s);
  expect_alive(fleet, 0, living);
}

std::set<std::string> connections(const RedisServer& redis) {
  std::istringstream list(redis.command({"CLIENT", "LIST", "TYPE", "normal"}).text);
  std::set<std::string> ids;
  for (std::string line; std::getline(list, line);) ids.insert(line.substr(0, line.find(' ')));
  return ids;
}

// Redis' `timeout`: an idle connection that was closed is nobody's failed refresh.
TEST(RedisBadDays, OneThatClosesIdleConnectionsIsNotNoticed) {
  RedisServer redis;
  Fleet fleet(redis.url(), options());
  fleet.add();
  Pair living = fleet.login(0, "ada");
  redis.command({"CONFIG", "SET", "timeout", "1"});
  const std::set<std::string> first = connections(redis);
  // All but the one on which the follower waits, which Redis doesn't call idle, and the one on which the
  // gateways compare their keys each second.
  constexpr std::size_t kInUse = 2;
  std::size_t left = first.size();
  ASSERT_GT(left, kInUse);
  for (const Deadline end = within(); left > kInUse && Clock::now() < end;) {
    const std::set<std::string> now = connections(redis);
    left = static_cast<std::size_t>(
        std::count_if(first.begin(), first.end(), [&](const std::string& id) { return now.count(id) > 0; }));
  }
  EXPECT_LE(left, kInUse);
  const Response refreshed = fleet.refresh(0, living.refresh);
  ASSERT_EQ(refreshed.status, 200) << refreshed.body;
  living = pair_of(refreshed);
  expect_alive(fleet, 0, living);
}

// Wherever Redis' words end, it is an answer or a 503, and the session goes on.
TEST(RedisBadDays, OneWhoseRepliesAreCutAnywhereLosesNobody) {
  RedisServer redis;
  ProxiedStore way(redis);
  Fleet fleet(redis.url(), options("5s"));
  fleet.add(way.url());
  Pair living = fleet.login(0, "ada");
  unsigned cut = 0;
  for (std::size_t bytes = 0; bytes < 600; bytes += 23) {
    way.cut_after(bytes);
    const Response response = fleet.refresh(0, living.refresh);
    if (response.status == 200) {
      living = pair_of(response);
    } else {
      expect_unavailable(response);
      ++cut;
    }
    way.cut_after(std::nullopt);
  }
  std::cout << cut << " of 27 refreshes were cut short\n";
  expect_alive(fleet, 0, living);
}

TEST(RedisBadDays, AClusterThatIsDownIsA503AndLogsNobodyOut) {
  RedisCluster redis({.replicas = 0});
  Fleet fleet(redis.url(), options());
  fleet.add();
  Pair living = fleet.login(0, "ada");
  const Pair ended = fleet.login(0, "ada");
  EXPECT_EQ(fleet.logout(0, ended.access).status, 204);
  const std::size_t log = redis.owner_of(stores::redis::slot_of("{log}"));
  const std::size_t gone = (log + 1) % redis.size();
  redis.node(gone).pause();
  ASSERT_TRUE(redis.node(log).wait_for_info("cluster_state", "fail", {"CLUSTER", "INFO"}));
  expect_unavailable(fleet.refresh(0, living.refresh));
  expect_unavailable(fleet.logout(0, living.access));
  EXPECT_TRUE(fleet[0].wait_for_log("CLUSTERDOWN")) << "the log's own node says so";
  expect_unavailable(ask_until(503, [&] { return fleet.call(0, living.access); }));
  EXPECT_EQ(get(fleet, 0, "/stale/x", living.access).status, 200);
  EXPECT_EQ(error_of(get(fleet, 0, "/stale/x", ended.access)), "token_revoked");

  redis.node(gone).resume();
  expect_alive(fleet, 0, living);
  expect_revoked(fleet, 0, ended);
}

}  // namespace
}  // namespace sallyport::testing
