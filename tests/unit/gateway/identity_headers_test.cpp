// Claims as header lines: what is fit, what is left out (SECURITY H6, B9).
#include "gateway/identity_headers.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace sallyport::gateway {
namespace {

jose::Claims claims(const char* json) {
  jose::Claims claims;
  claims.all = boost::json::parse(json).as_object();
  return claims;
}

TEST(IdentityHeaders, SayWhoItIs) {
  jose::Claims who =
      claims(R"({"tenant":"t1","level":3,"vip":true,"groups":["a","b"],"nested":{"deep":"x"},"none":null})");
  who.issuer = "https://i";
  who.subject = "s";
  who.roles = {"clerk", "admin"};
  who.scopes = {"read", "write"};
  who.session_id = "sid";
  EXPECT_EQ(identity_headers(who, {{"groups", "X-Groups"},
                                   {"level", "X-Level"},
                                   {"nested", "X-Nested"},
                                   {"none", "X-None"},
                                   {"tenant", "X-Tenant"},
                                   {"vip", "X-Vip"},
                                   {"absent", "X-Absent"},
                                   {"tenant2", "Bad Name"}}),
            "X-Auth-Issuer: https://i\r\nX-Auth-Subject: s\r\nX-Auth-Roles: clerk,admin\r\nX-Auth-Scopes: "
            "read,write\r\n"
            "X-Auth-Session: sid\r\nX-Groups: a,b\r\nX-Level: 3\r\nX-Tenant: t1\r\nX-Vip: true\r\n");
}

TEST(IdentityHeaders, AreWrittenOnceForAToken) {
  jose::Claims who = claims(R"({"tenant":"t1"})");
  who.subject = "s";
  who.roles = {"clerk"};
  const std::map<std::string, std::string> wanted{{"tenant", "X-Tenant"}};
  const std::string anew = identity_headers(who, wanted);
  EXPECT_EQ(anew, "X-Auth-Subject: s\r\nX-Auth-Roles: clerk\r\nX-Tenant: t1\r\n");
  EXPECT_EQ(standard_identity_headers(who), identity_headers(who, {}));
  who.lines = "X-Auth-Subject: written before\r\n";
  EXPECT_EQ(identity_headers(who, wanted), "X-Auth-Subject: written before\r\nX-Tenant: t1\r\n");
}

TEST(IdentityHeaders, WriteListsAndObjectsAsJsonWhereTheRouteSaysSo) {
  const jose::Claims who = claims(R"({"groups":["a,b","c\r\nX-Auth-Roles: admin"],"org":{"id":7},"t":"x"})");
  EXPECT_EQ(
      identity_headers(who, {{"groups", "X-Groups"}, {"org", "X-Org"}, {"org.id", "X-Id"}, {"t", "X-T"}},
                       config::ClaimFormat::json),
      "X-Groups: [\"a,b\",\"c\\r\\nX-Auth-Roles: admin\"]\r\nX-Org: {\"id\":7}\r\nX-Id: 7\r\nX-T: x\r\n");
}

TEST(IdentityHeaders, LeaveOutWhatWouldReadAsSomethingElse) {
  for (const std::string& bad :
       {std::string("a\r\nX-Auth-Roles: admin"), std::string("a\n"), std::string("a\0b", 3),
        std::string("\x7f"), std::string("\x1b[0m"), std::string(" admin"), std::string("admin "),
        std::string(), std::string("a\tb"), std::string(kMaxIdentityValue + 1, 'x')}) {
    jose::Claims who;
    who.subject = bad;
    who.roles = {bad, "ok"};
    EXPECT_EQ(identity_headers(who, {}), "X-Auth-Roles: ok\r\n");
    EXPECT_FALSE(fit_for_header(bad));
  }
  jose::Claims who;
  who.roles = {"a,admin", "b"};
  EXPECT_EQ(identity_headers(who, {}), "X-Auth-Roles: b\r\n") << "a comma makes no second role";
  EXPECT_TRUE(fit_for_header(std::string(kMaxIdentityValue, 'x')));
  EXPECT_TRUE(fit_for_header("J\xc3\xb6rg"));
}

}  // namespace
}  // namespace sallyport::gateway
