// Claims that an operator wants in the access log: each line stays one JSON object, whatever a token says.
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include "gateway/observe/access_log.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;

json::object line_of(const char* claims, const std::vector<std::string>& wanted) {
  RequestContext context;
  if (claims != nullptr) {
    auto who = std::make_shared<jose::Claims>();
    who->subject = "ada";
    who->all = json::parse(claims).as_object();
    context.claims = std::move(who);
  }
  std::string line;
  append_access_line(line, context, nullptr, {}, wanted);
  EXPECT_TRUE(line.ends_with("}\n"));
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line";
  return json::parse(line).as_object();
}

TEST(AccessLog, RepeatsTheClaimsThatItIsAskedFor) {
  const auto line = line_of(R"({"tenant":"acme","realm_access":{"roles":["a","b"]},"secret":"s"})",
                            {"tenant", "realm_access.roles", "absent"});
  EXPECT_EQ(line.at("claims"), json::parse(R"({"tenant":"acme","realm_access.roles":["a","b"]})"));
}

TEST(AccessLog, SaysNothingOfClaimsWhereThereAreNone) {
  EXPECT_FALSE(line_of(R"({"tenant":"acme"})", {}).contains("claims"));
  EXPECT_FALSE(line_of(R"({"tenant":"acme"})", {"absent"}).contains("claims"));
  EXPECT_FALSE(line_of(nullptr, {"tenant"}).contains("claims"));
}

// O2: no text of a token ends the line or begins a member.
TEST(AccessLog, KeepsHostileClaimsInTheirPlace) {
  const auto line = line_of(R"({"t\"x":"a\"}\n{\"status\":200,\u0000\u001b"})", {"t\"x"});
  EXPECT_EQ(line.at("claims").at("t\"x").as_string(), json::string_view("a\"}\n{\"status\":200,\0\x1b", 20));
}

}  // namespace
}  // namespace sallyport::gateway
