// The route table: what is most specific, what a method can and cannot do, and what other readings of a path
// may not change.
#include "gateway/router.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sallyport::gateway {
namespace {

using Kind = Match::Kind;

config::Route route(std::string path, std::string host = "", std::vector<std::string> methods = {}) {
  config::Route route;
  route.path = std::move(path);
  route.host = std::move(host);
  route.methods = std::move(methods);
  return route;
}

Router compile(std::vector<config::Route> routes) {
  config::Config config;
  config.routes = std::move(routes);
  Router::Compiled compiled = Router::compile(config);
  EXPECT_TRUE(compiled.problems.empty()) << compiled.problems.front().message;
  return std::move(compiled.router);
}

// The matched route's index, or -1.
int matched(const Router& router, std::string_view host, std::string_view path,
            std::string_view method = "GET") {
  const Match match = router.match(host, path, method);
  return match.kind == Kind::route ? static_cast<int>(match.route) : -1;
}

Kind found(const Router& router, const std::string& raw, std::string_view method = "GET") {
  std::string scratch;
  return router.find("h", normalise_path(raw, scratch), method).kind;
}

// P2
TEST(Router, MatchesWholeSegmentsAndTheLongestPath) {
  const Router router =
      compile({route("/public/"), route("/public/deep/"), route("/exact"), route("/both/"), route("/both")});
  EXPECT_EQ(matched(router, "", "/public"), 0);
  EXPECT_EQ(matched(router, "", "/public/"), 0);
  EXPECT_EQ(matched(router, "", "/public/x/y"), 0);
  EXPECT_EQ(matched(router, "", "/public-evil"), -1);
  EXPECT_EQ(matched(router, "", "/publi"), -1);
  EXPECT_EQ(matched(router, "", "/public/deep"), 1);
  EXPECT_EQ(matched(router, "", "/public/deep/x"), 1);
  EXPECT_EQ(matched(router, "", "/public/deeper"), 0);
  EXPECT_EQ(matched(router, "", "/exact"), 2);
  EXPECT_EQ(matched(router, "", "/exact/"), -1);
  EXPECT_EQ(matched(router, "", "/exact/x"), -1);
  EXPECT_EQ(matched(router, "", "/both"), 4) << "an own /x beats /x/";
  EXPECT_EQ(matched(router, "", "/both/"), 3);
  EXPECT_EQ(matched(router, "", "/PUBLIC/x"), -1) << "paths have a case";
  EXPECT_EQ(matched(router, "", "/"), -1);
  EXPECT_EQ(matched(router, "", "*"), -1);
  EXPECT_EQ(matched(router, "", ""), -1);
}

TEST(Router, PutsTheHostBeforeThePath) {
  const Router router = compile({route("/deep/path/"), route("/", "*.example.com"),
                                 route("/", "api.example.com"), route("/only/", "b.org")});
  EXPECT_EQ(matched(router, "api.example.com", "/deep/path/x"), 2);
  EXPECT_EQ(matched(router, "API.Example.COM.", "/x"), 2);
  EXPECT_EQ(matched(router, "www.example.com", "/deep/path/x"), 1);
  EXPECT_EQ(matched(router, "a.b.example.com", "/deep/path/x"), 0) << "one label only";
  EXPECT_EQ(matched(router, "a.b.example.com", "/x"), -1);
  EXPECT_EQ(matched(router, "example.com", "/x"), -1);
  EXPECT_EQ(matched(router, "b.org", "/deep/path/x"), 0)
      << "a host without that path doesn't hide the others";
  EXPECT_EQ(matched(router, "b.org", "/only"), 3);
}

TEST(Router, NeverFallsToALessSpecificRouteBecauseOfTheMethod) {
  const Router router = compile({route("/"), route("/x/", "", {"GET", "POST"}), route("/x/", "", {"DELETE"}),
                                 route("/y", "", {"PUT"})});
  EXPECT_EQ(matched(router, "", "/x/1", "GET"), 1);
  EXPECT_EQ(matched(router, "", "/x/1", "HEAD"), 1) << "GET implies HEAD";
  EXPECT_EQ(matched(router, "", "/x/1", "DELETE"), 2);
  const Match match = router.match("", "/x/1", "PATCH");
  EXPECT_EQ(match.kind, Kind::method_not_allowed);
  EXPECT_EQ(match.allow, "DELETE, GET, HEAD, POST");
  EXPECT_EQ(router.match("", "/x/1", "get").kind, Kind::method_not_allowed) << "methods have a case";
  EXPECT_EQ(router.match("", "/y", "HEAD").kind, Kind::method_not_allowed);
  EXPECT_EQ(matched(router, "", "/z", "BREW"), 0);
}

TEST(Router, PrefersARouteThatNamesTheMethod) {
  const Router router = compile({route("/x/"), route("/x/", "", {"POST"})});
  EXPECT_EQ(matched(router, "", "/x/", "POST"), 1);
  EXPECT_EQ(matched(router, "", "/x/", "GET"), 0);
}

TEST(Router, TellsIdenticalRoutes) {
  config::Config config;
  config.routes = {route("/x/", "A.example"), route("/x/", "a.example."), route("/y", "", {"GET"}),
                   route("/y", "", {"POST", "GET"})};
  EXPECT_EQ(Router::compile(config).problems.size(), 2u);
}

TEST(Router, ServesTheGatewaysOwnEndpointsFromTheSameTable) {
  config::Config config;
  config.auth.endpoints.login = "/auth/login";
  config.auth.endpoints.sessions = "/auth/sessions";
  config.routes = {route("/"), route("/auth/login/")};
  const Router::Compiled compiled = Router::compile(config);
  ASSERT_TRUE(compiled.problems.empty());
  const Router& router = compiled.router;
  Match match = router.match("any", "/auth/login", "POST");
  EXPECT_EQ(match.kind, Kind::endpoint);
  EXPECT_EQ(match.endpoint, OwnEndpoint::login);
  match = router.match("any", "/auth/login", "GET");
  EXPECT_EQ(match.kind, Kind::method_not_allowed);
  EXPECT_EQ(match.allow, "POST");
  EXPECT_FALSE(match.has_route);
  match = router.match("", "/auth/sessions/abc", "DELETE");
  EXPECT_EQ(match.endpoint, OwnEndpoint::session);
  EXPECT_EQ(match.id, "abc");
  EXPECT_EQ(router.match("", "/auth/sessions", "GET").endpoint, OwnEndpoint::sessions);
  EXPECT_EQ(matched(router, "", "/auth/sessions/"), 0);
  EXPECT_EQ(matched(router, "", "/auth/sessions/a/b"), 0);

  config.routes = {route("/auth/login")};
  EXPECT_EQ(Router::compile(config).problems.size(), 1u);
}

TEST(Router, PermitsDoubtfulPathsOnlyWhereTheirRouteDoes) {
  config::Route slashes = route("/slashes/"), empties = route("/empties/");
  slashes.encoded_slash_pass = true;
  empties.empty_segments_pass = true;
  const Router router = compile(
      {route("/"), slashes, empties, route("/slashes/admin/"), route("/empties/admin/"), route("/admin")});
  EXPECT_EQ(found(router, "/a/b"), Kind::route);
  EXPECT_EQ(found(router, "/a%2Fb"), Kind::bad_path);
  EXPECT_EQ(found(router, "/a//b"), Kind::bad_path);
  EXPECT_EQ(found(router, "/slashes/a%2Fb"), Kind::route);
  EXPECT_EQ(found(router, "/slashes/a//b"), Kind::bad_path);
  EXPECT_EQ(found(router, "/empties/a//b"), Kind::route);
  EXPECT_EQ(found(router, "/empties/a%2Fb"), Kind::bad_path);
  EXPECT_EQ(found(router, "/slashes/admin%2Fx"), Kind::bad_path) << "decoded it is another route's";
  EXPECT_EQ(found(router, "/empties//admin/x"), Kind::bad_path) << "merged it is another route's";
  EXPECT_EQ(found(router, "/../x"), Kind::bad_path);
}

// CVE-2026-73511, CVE-2026-73551: what a servlet container reads may not be another route.
TEST(Router, RefusesPathsWhoseRouteChangesWithoutParameters) {
  const Router router = compile({route("/"), route("/admin/"), route("/x")});
  EXPECT_EQ(found(router, "/a;b=c/d"), Kind::route);
  EXPECT_EQ(found(router, "/admin;x/d"), Kind::bad_path);
  EXPECT_EQ(found(router, "/admin%3Bx/d"), Kind::bad_path);
  EXPECT_EQ(found(router, "/admin/d;x"), Kind::route);
  EXPECT_EQ(found(router, "/x;y"), Kind::bad_path);
  EXPECT_EQ(found(router, "/;/admin/d"), Kind::bad_path);
}

TEST(Router, FindsOneOfAHundredThousandRoutesByItsSegments) {
  std::vector<config::Route> routes;
  for (int i = 0; i < 100'000; ++i) routes.push_back(route("/tenant" + std::to_string(i) + "/api/"));
  const Router router = compile(std::move(routes));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100'000; ++i)
    ASSERT_EQ(matched(router, "h", "/tenant" + std::to_string(i) + "/api/v1/things/7"), i);
  const auto each =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin) /
      100'000;
  RecordProperty("nanoseconds", static_cast<int>(each.count()));
  EXPECT_LT(each, std::chrono::microseconds(100)) << "a linear search would take milliseconds";
}

}  // namespace
}  // namespace sallyport::gateway
