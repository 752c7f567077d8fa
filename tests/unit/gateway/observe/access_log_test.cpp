// The access log: claims that an operator wants and the trace that a request belongs to. Each line stays one
// JSON object, whatever a stranger says.
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
  config::Log rules;
  rules.claims = wanted;
  append_access_line(line, context, nullptr, {}, rules);
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

TEST(AccessLog, MasksClientsWhereItIsTold) {
  const auto logged = [](const char* client, bool mask) {
    config::Log rules;
    rules.mask_clients = mask;
    RequestContext context;
    context.provenance.client = client;
    std::string access, audit;
    append_access_line(access, context, nullptr, {}, rules);
    append_audit_line(audit, {}, {"login", "ada", {}, {}, client, {}}, rules);
    const json::value line = json::parse(access);
    const json::value* told = line.as_object().if_contains("client");
    EXPECT_EQ(audit.find("\"client\"") == audit.npos, told == nullptr);
    const std::string text(told == nullptr ? std::string() : std::string(told->as_string()));
    EXPECT_NE(audit.find(text), audit.npos);
    return text;
  };
  EXPECT_EQ(logged("192.0.2.77", false), "192.0.2.77");
  EXPECT_EQ(logged("192.0.2.77", true), "192.0.2.0");
  EXPECT_EQ(logged("2001:db8:1:2:3:4:5:6", true), "2001:db8:1::");
  EXPECT_EQ(logged("unknown", true), "");
}

TEST(AccessLog, NamesTheTraceOfAValidTraceparentAlone) {
  constexpr std::string_view kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto logged = [](const std::vector<std::string_view>& values) {
    RequestHead head;
    for (const std::string_view value : values) {
      Field& field = head.fields.emplace_back();
      field.name = "traceparent";
      field.value = value;
      field.id = FieldId::traceparent;
    }
    std::string line;
    append_access_line(line, RequestContext(), &head, {}, config::Log());
    const json::object object = json::parse(line).as_object();
    const json::value* trace = object.if_contains("trace_id");
    return trace == nullptr ? std::string() : std::string(trace->as_string());
  };
  EXPECT_EQ(logged({kGood}), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(logged({}), "");
  EXPECT_EQ(logged({"00-nonsense"}), "");
  EXPECT_EQ(logged({kGood, kGood}), "") << "two are none (W3C Trace Context 3.2)";
}

TEST(AccessLog, NamesTheTraceThatBeganHere) {
  RequestContext context;
  context.trace = decide_trace({}, 1, Chance{0xab}, Chance{});
  std::string line;
  append_access_line(line, context, nullptr, {}, config::Log());
  EXPECT_EQ(json::parse(line).at("trace_id").as_string(), "ab" + std::string(30, '0'));
}

}  // namespace
}  // namespace sallyport::gateway
