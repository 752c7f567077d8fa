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

}  // namespace
}  // namespace sallyport::policy
