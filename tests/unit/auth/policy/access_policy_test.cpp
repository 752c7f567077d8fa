// A route's `allow`: all keys hold, of a list any one.
#include "auth/policy/access_policy.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sallyport::policy {
namespace {

jose::Claims claims() {
  jose::Claims claims;
  claims.issuer = "https://auth.example.com";
  claims.roles = {"clerk", "reader"};
  claims.scopes = {"orders:read"};
  claims.all =
      boost::json::parse(R"({"rol": "api_access", "level": 3, "big": 18446744073709551615, "beta": true,
      "ratio": 1.5, "none": null, "groups": ["a", "b", 7], "realm_access": {"roles": ["admin"]},
      "https://example.com/tenant": "acme", "nested": {"deep": {"x": "y"}}})")
          .as_object();
  return claims;
}

bool permits(const config::Allow& allow) { return AccessPolicy(allow).permits(claims()); }

TEST(AccessPolicy, PermitsEverybodyWhenEmpty) {
  EXPECT_TRUE(AccessPolicy().permits(claims()));
  EXPECT_TRUE(AccessPolicy(config::Allow{}).empty());
}

TEST(AccessPolicy, TakesAnyOfTheRolesScopesAndIssuers) {
  EXPECT_TRUE(permits({.roles = {"admin", "clerk"}}));
  EXPECT_FALSE(permits({.roles = {"admin"}}));
  EXPECT_FALSE(permits({.roles = {"Clerk"}}));
  EXPECT_TRUE(permits({.scopes = {"orders:write", "orders:read"}}));
  EXPECT_FALSE(permits({.scopes = {"orders"}}));
  EXPECT_TRUE(permits({.issuers = {"https://auth.example.com"}}));
  EXPECT_FALSE(permits({.issuers = {"https://auth.example.com/"}}));
}

// S4: the sample's `rol: api_access`.
TEST(AccessPolicy, ComparesClaimsByNameAndPath) {
  EXPECT_TRUE(permits({.claims = {{"rol", {"api_access"}}}}));
  EXPECT_FALSE(permits({.claims = {{"rol", {"api"}}}}));
  EXPECT_FALSE(permits({.claims = {{"absent", {"api_access"}}}}));
  EXPECT_TRUE(permits({.claims = {{"realm_access.roles", {"user", "admin"}}}}));
  EXPECT_TRUE(permits({.claims = {{"nested.deep.x", {"y"}}}}));
  EXPECT_FALSE(permits({.claims = {{"nested.deep", {"y"}}}}));
  EXPECT_TRUE(permits({.claims = {{"https://example.com/tenant", {"acme"}}}}));
  EXPECT_TRUE(permits({.claims = {{"groups", {"b"}}}}));
}

TEST(AccessPolicy, ComparesNumbersAndFlagsAsJsonWritesThem) {
  EXPECT_TRUE(permits({.claims = {{"level", {"3"}}}}));
  EXPECT_TRUE(permits({.claims = {{"big", {"18446744073709551615"}}}}));
  EXPECT_TRUE(permits({.claims = {{"groups", {"7"}}}}));
  EXPECT_TRUE(permits({.claims = {{"beta", {"true"}}}}));
  EXPECT_FALSE(permits({.claims = {{"beta", {"1"}}}}));
  EXPECT_FALSE(permits({.claims = {{"ratio", {"1.5"}}}}));
  EXPECT_FALSE(permits({.claims = {{"none", {"null"}}}}));
}

TEST(AccessPolicy, WantsAllKeysToHold) {
  EXPECT_TRUE(permits({.roles = {"clerk"}, .claims = {{"rol", {"api_access"}}, {"level", {"3", "4"}}}}));
  EXPECT_FALSE(permits({.roles = {"clerk"}, .claims = {{"rol", {"api_access"}}, {"level", {"4"}}}}));
  EXPECT_FALSE(permits({.roles = {"clerk"}, .scopes = {"none"}}));
}

TEST(AccessPolicy, AsksForEachWhereTheKeySaysAll) {
  EXPECT_TRUE(permits({.all_roles = {"clerk", "reader"}}));
  EXPECT_FALSE(permits({.all_roles = {"clerk", "admin"}}));
  EXPECT_TRUE(permits({.all_scopes = {"orders:read"}}));
  EXPECT_FALSE(permits({.all_scopes = {"orders:read", "orders:write"}}));
  EXPECT_TRUE(permits({.all_claims = {{"groups", {"a", "b", "7"}}}}));
  EXPECT_FALSE(permits({.all_claims = {{"groups", {"a", "c"}}}}));
  EXPECT_FALSE(permits({.all_claims = {{"absent", {"a"}}}}));
  EXPECT_TRUE(permits({.all_claims = {{"rol", {"api_access"}}, {"realm_access.roles", {"admin"}}}}));
  EXPECT_TRUE(permits({.roles = {"admin", "clerk"}, .all_roles = {"reader"}}))
      << "any of these, and that one";
  EXPECT_FALSE(permits({.roles = {"admin"}, .all_roles = {"reader"}}));
}

TEST(AccessPolicy, AsksWhetherAClaimIsThereWhateverItSays) {
  EXPECT_TRUE(permits({.has = {"rol", "nested.deep", "ratio", "https://example.com/tenant"}}));
  EXPECT_FALSE(permits({.has = {"rol", "absent"}}));
  jose::Claims empty;
  empty.all = boost::json::parse(R"({"a":null,"b":"","c":[],"d":{},"e":false,"f":0})").as_object();
  for (const char* name : {"a", "b", "c", "d"})
    EXPECT_FALSE(AccessPolicy({.has = {name}}).permits(empty)) << name;
  for (const char* name : {"e", "f"}) EXPECT_TRUE(AccessPolicy({.has = {name}}).permits(empty)) << name;
}

TEST(AccessPolicy, IsNotEmptyWhateverKeyItHas) {
  for (const config::Allow& one : std::initializer_list<config::Allow>{{.roles = {"x"}},
                                                                       {.all_roles = {"x"}},
                                                                       {.scopes = {"x"}},
                                                                       {.all_scopes = {"x"}},
                                                                       {.issuers = {"x"}},
                                                                       {.claims = {{"x", {"y"}}}},
                                                                       {.all_claims = {{"x", {"y"}}}},
                                                                       {.has = {"x"}}}) {
    EXPECT_FALSE(AccessPolicy(one).empty());
    EXPECT_FALSE(permits(one));
  }
}

}  // namespace
}  // namespace sallyport::policy
