// What a reload may change, what it may not, and what of the running gateway goes on as it is.
#include "gateway/reload_plan.hpp"

#include <gmock/gmock.h>

#include "config/load.hpp"
#include "gateway/config_watch.hpp"
#include "gateway/reload.hpp"

namespace sallyport::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kNew = ReloadPlan::kNew;

const std::string kListeners = "listeners: [{address: \"127.0.0.1:8080\"}, {address: \"127.0.0.1:8081\"}]\n";
const std::string kUpstreams =
    "upstreams: {a: {servers: [\"http://10.0.0.1\"]}, b: {servers: [\"http://10.0.0.2\"]}}\n";
const std::string kRoutes =
    "routes: [{path: /a/, upstream: a, auth: none}, {path: /b/, upstream: b, auth: none}]\n";
const std::string kBase = kListeners + kUpstreams + kRoutes;

config::Config loaded(const std::string& yaml) {
  config::Loaded out = config::load_text(yaml, "/etc/sallyport/gateway.yaml", {});
  for (const auto& problem : out.problems) ADD_FAILURE() << problem.text();
  return std::move(out.config);
}

ReloadPlan plan(const std::string& before, const std::string& after) {
  return plan_reload(loaded(before), loaded(after));
}

TEST(ReloadPlan, WhatIsTheSameGoesOn) {
  const ReloadPlan same = plan(kBase, kBase);
  EXPECT_THAT(same.changes, IsEmpty());
  EXPECT_THAT(same.refused, IsEmpty());
  EXPECT_THAT(same.upstreams, ElementsAre(0, 1));
  EXPECT_THAT(same.listeners, ElementsAre(0, 1));
}

TEST(ReloadPlan, AnUpstreamThatChangedIsNewAndTheOthersGoOnWhereverTheyStand) {
  const std::string after =
      kListeners +
      "upstreams: {c: {servers: [\"http://10.0.0.3\"]}, b: {servers: [\"http://10.0.0.2\"]}, a: {servers: "
      "[\"http://10.0.0.9\"]}}\n" +
      kRoutes;
  EXPECT_THAT(plan(kBase, after).upstreams, ElementsAre(kNew, 1, kNew));
}

TEST(ReloadPlan, AListenerIsKnownByItsAddress) {
  const std::string after =
      "listeners: [{address: \"127.0.0.1:8082\"}, {address: \"127.0.0.1:8081\"}]\n" + kUpstreams + kRoutes;
  EXPECT_THAT(plan(kBase, after).listeners, ElementsAre(kNew, 1));
}

// Port 0 is whatever the kernel gave.
TEST(ReloadPlan, ListenersOfOneWrittenAddressKeepTheirOrder) {
  const std::string two = "listeners: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]\n";
  const std::string three =
      "listeners: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]\n";
  EXPECT_THAT(plan(two + kUpstreams + kRoutes, three + kUpstreams + kRoutes).listeners,
              ElementsAre(0, 1, kNew));
}

TEST(ReloadPlan, WhatNeedsARestartIsRefusedByName) {
  const std::string tokens =
      "tokens: {issuer: \"https://a.example\", audience: [api], signing: {keys: keys/}}\n";
  const struct {
    std::string before, after, named;
  } rows[] = {
      {"", "workers: 3\n", "workers cannot change"},
      {"", "store: redis://127.0.0.1:6379/0\n", "store.url cannot change"},
      {"", "store: {url: \"memory:\", timeout: 1s}\n", "store.timeout cannot change"},
      {"", "admin: {address: \"127.0.0.1:9901\"}\n", "admin.address cannot change"},
      {"admin: {address: \"127.0.0.1:9901\"}\n", "", "admin.address cannot change"},
      {tokens, "tokens: {issuer: \"https://b.example\", audience: [api], signing: {keys: keys/}}\n",
       "tokens.issuer cannot change"},
      {"", "limits: {head_size: 32KiB}\n", "limits.head_size cannot change"},
      {"", "limits: {fields: 50}\n", "limits.fields cannot change"},
      {"", "log: {access: access.log}\n", "log.access cannot change"},
      {"", "log: {audit: \"off\"}\n", "log.audit cannot change"},
      {"", "users: {source: file, file: {path: users.yaml}}\n", "users.source cannot change"},
      {"", "users: {hashing_threads: 2}\n", "users.hashing_threads cannot change"},
      {"", "users: {hashing_queue: 2}\n", "users.hashing_queue cannot change"},
  };
  for (const auto& row : rows) {
    const ReloadPlan refused = plan(row.before + kBase, row.after + kBase);
    ASSERT_FALSE(refused.refused.empty()) << row.named;
    EXPECT_THAT(refused.refused[0], HasSubstr(row.named));
    EXPECT_THAT(refused.refused[0], HasSubstr("restart it"));
  }
}

TEST(ReloadPlan, EverythingElseMayChange) {
  const std::string tokens = "tokens: {issuer: \"https://a.example\", signing: {keys: keys/}, audience: [api";
  const struct {
    std::string before, after;
  } rows[] = {
      {"", "limits: {connections: 5, per_address: 2, keep_alive: 1s, drain: 1s}\n"},
      {"", "log: {level: debug, claims: [tenant]}\n"},
      {"", "trusted_proxies: [10.0.0.0/8]\n"},
      {"", "revocation: {max_staleness: 10s, degraded: open}\n"},
      {tokens + "]}\n", tokens + "]}\nusers: {registration: true, password: {min_length: 20}}\n"},
      {tokens + "]}\n", tokens + "], access_ttl: 1m, refresh: {idle_ttl: 1h, max_sessions_per_user: 3}}\n"},
      {tokens + "]}\n", tokens + ", more], clock_skew: 9s}\n"},
      {"admin: {address: \"127.0.0.1:9901\"}\n",
       "admin: {address: \"127.0.0.1:9901\", token: a-token-of-some-length}\n"},
      {"", "auth: {cors: {origins: [\"https://app.example\"]}}\n"},
  };
  for (const auto& row : rows) {
    const ReloadPlan allowed = plan(row.before + kBase, row.after + kBase);
    EXPECT_THAT(allowed.refused, IsEmpty()) << row.after;
    EXPECT_FALSE(allowed.changes.empty()) << row.after;
  }
}

TEST(Overlaps, OnlyAWildcardBesideAnAddressOfItsPort) {
  EXPECT_TRUE(overlaps({"0.0.0.0", 80}, {"127.0.0.1", 80}));
  EXPECT_TRUE(overlaps({"::1", 80}, {"::", 80}));
  EXPECT_FALSE(overlaps({"0.0.0.0", 80}, {"127.0.0.1", 81}));
  EXPECT_FALSE(overlaps({"0.0.0.0", 80}, {"::1", 80})) << "a listener is of one family";
  EXPECT_FALSE(overlaps({"127.0.0.1", 80}, {"127.0.0.1", 80}));
  EXPECT_FALSE(overlaps({"127.0.0.2", 80}, {"127.0.0.1", 80}));
}

TEST(StampWatch, TellsOfAFileOnceItStoodStill) {
  StampWatch watch;
  watch.loaded("a");
  EXPECT_FALSE(watch.look("a", true));
  EXPECT_FALSE(watch.look("b", true)) << "it may still be written";
  EXPECT_FALSE(watch.look("c", true));
  EXPECT_TRUE(watch.look("c", true));
  watch.loaded("c");
  EXPECT_FALSE(watch.look("c", true));
}

TEST(StampWatch, AFileThatIsGoneIsNoNews) {
  StampWatch watch;
  watch.loaded("a");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(watch.look("-;", false));
  EXPECT_FALSE(watch.look("b", true));
  EXPECT_TRUE(watch.look("b", true)) << "it came back";
}

TEST(StampWatch, WhatWasTriedIsNotTriedAgain) {
  StampWatch watch;
  watch.loaded("good");
  (void)watch.look("bad", true);
  ASSERT_TRUE(watch.look("bad", true));
  watch.loaded("bad");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(watch.look("bad", true));
}

TEST(Summary, SaysWhatChangedOrWhyNot) {
  EXPECT_EQ(summary({true, {"log.level", "routes[/x/] added"}, {}}), "log.level, routes[/x/] added");
  EXPECT_EQ(summary({true, {}, {}}), "no setting changed");
  EXPECT_EQ(summary({false, {}, {"one", "two"}}), "one; two");
}

TEST(Summary, IsNoLongerThanALogBears) {
  const ReloadOutcome many{true, std::vector<std::string>(1000, std::string(100, 'x')), {}};
  EXPECT_LT(summary(many).size(), 2100u);
  EXPECT_THAT(summary(many), HasSubstr(" more"));
}

}  // namespace
}  // namespace sallyport::gateway
