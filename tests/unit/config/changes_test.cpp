// What differs between two configurations, by name and never by value.
#include "config/changes.hpp"

#include <gmock/gmock.h>

#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using test::kBase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Config loaded(const std::string& yaml, const Environment& environment = {}) {
  Loaded out = test::load(yaml, environment);
  EXPECT_EQ(test::shown(out.problems), "");
  return std::move(out.config);
}

std::vector<std::string> between(const std::string& before, const std::string& after) {
  std::vector<std::string> texts;
  for (const Change& change : changes(loaded(before), loaded(after))) texts.push_back(change.text());
  return texts;
}

TEST(Changes, AFileThatOnlyMovedItsLinesChangesNothing) {
  EXPECT_THAT(between(kBase, kBase), IsEmpty());
  EXPECT_THAT(between(kBase, "# a remark\n\n" + kBase), IsEmpty());
  EXPECT_THAT(between(kBase, kBase + "limits: {head: 10s}\n"), IsEmpty()) << "the default, now written down";
}

TEST(Changes, ASettingIsNamedByItsDottedKey) {
  const std::string more = kBase + "log: {level: debug}\nlimits: {keep_alive: 5s}\n";
  EXPECT_THAT(between(kBase, more), ElementsAre("limits.keep_alive", "log.level"));
  EXPECT_THAT(between(more, kBase), ElementsAre("limits.keep_alive", "log.level"));
}

TEST(Changes, ARouteInFrontOfOthersChangesNoneOfThem) {
  std::string more = kBase;
  more.insert(more.find("  - {path: /api/"),
              "  - {path: /new/, host: x.example, upstream: orders, auth: required}\n");
  EXPECT_THAT(between(kBase, more), ElementsAre("routes[x.example/new/] added"));
  EXPECT_THAT(between(more, kBase), ElementsAre("routes[x.example/new/] removed"));
}

TEST(Changes, ARuleOfARouteIsNamedWithTheRoute) {
  const std::string open = kBase + "  - {path: /x/, upstream: orders, auth: required, allow: {roles: [a]}}\n";
  const std::string shut =
      kBase + "  - {path: /x/, upstream: orders, auth: required, allow: {roles: [a, b]}}\n";
  const std::string claims =
      kBase + "  - {path: /x/, upstream: orders, auth: required, allow: {roles: [a], claims: {rol: [c]}}}\n";
  EXPECT_THAT(between(open, shut), ElementsAre("routes[/x/].allow.roles"));
  EXPECT_THAT(between(open, claims), ElementsAre("routes[/x/].allow.claims.rol"));
}

TEST(Changes, TwoRoutesOfOnePathAreToldApart) {
  const std::string both = kBase +
                           "  - {path: /x, methods: [GET], upstream: orders, auth: none}\n"
                           "  - {path: /x, methods: [PUT], upstream: orders, auth: required}\n";
  const std::string other = kBase +
                            "  - {path: /x, methods: [GET], upstream: orders, auth: none}\n"
                            "  - {path: /x, methods: [PUT], upstream: orders, auth: optional}\n";
  EXPECT_THAT(between(both, other), ElementsAre("routes[/x#2].auth"));
}

TEST(Changes, AServerMoreIsAnItemOfItsUpstream) {
  std::string more = kBase;
  more.replace(more.find("[\"http://10.0.0.5:8080\"]"), 24,
               "[\"http://10.0.0.5:8080\", \"http://10.0.0.6:8080\"]");
  EXPECT_THAT(between(kBase, more), ElementsAre("upstreams.orders.servers[http://10.0.0.6:8080] added"));
}

TEST(Changes, AListIsNotMistakenForAnotherOfTheSameLetters) {
  const std::string two =
      kBase + "  - {path: /x/, upstream: orders, auth: required, allow: {roles: [ab, c]}}\n";
  const std::string same =
      kBase + "  - {path: /x/, upstream: orders, auth: required, allow: {roles: [a, bc]}}\n";
  EXPECT_THAT(between(two, same), ElementsAre("routes[/x/].allow.roles"));
}

TEST(Changes, SecretsAreComparedAndNeverTold) {
  const std::string yaml = kBase + "admin: {address: 127.0.0.1:9901, token: \"${env:TOKEN}\"}\n";
  const Config before = loaded(yaml, {{"TOKEN", "the-first-secret"}});
  const Config same = loaded(yaml, {{"TOKEN", "the-first-secret"}});
  const Config after = loaded(yaml, {{"TOKEN", "another-secret!!"}});
  EXPECT_THAT(changes(before, same), IsEmpty());
  const std::vector<Change> found = changes(before, after);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text(), "admin.token");
}

TEST(Changes, EachDefaultedExampleDiffersFromTheBaseByTheSectionsThatItHas) {
  const std::string store = kBase + "store: redis://127.0.0.1:6379/0\n";
  EXPECT_TRUE(touch(changes(loaded(kBase), loaded(store)), "store"));
  EXPECT_FALSE(touch(changes(loaded(kBase), loaded(store)), "routes"));
}

TEST(IsIn, ASettingIsInItselfAndInTheSectionsAroundIt) {
  EXPECT_TRUE(is_in("tokens.refresh.idle_ttl", "tokens.refresh"));
  EXPECT_TRUE(is_in("tokens.refresh.idle_ttl", "tokens"));
  EXPECT_TRUE(is_in("workers", "workers"));
  EXPECT_TRUE(is_in("routes[/x/].auth", "routes"));
  EXPECT_FALSE(is_in("tokens.issuers[a].jwks", "tokens.issuer"));
  EXPECT_FALSE(is_in("tokens", "tokens.issuer"));
}

}  // namespace
}  // namespace sallyport::config
