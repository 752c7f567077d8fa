// The admin listener's OpenAPI document and what it answers are the same thing (CONTRACT section 7): every
// call of the document is made, every answer must be one that the document tells of, member by member.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {
namespace {

using boost::json::object;
using boost::json::value;

constexpr const char* kToken = "the-admin-token-of-the-test";

// What isn't as the schema says, and where; empty: all is. A member that the schema doesn't name is wrong
// too.
std::string misfit(const value& told, const object& schema, const object& schemas,
                   const std::string& where = "$") {
  if (const value* link = schema.if_contains("$ref")) {
    const std::string name(link->as_string());
    return misfit(told, schemas.at(name.substr(name.rfind('/') + 1)).as_object(), schemas, where);
  }
  const std::string type(schema.at("type").as_string());
  if (type == "object") {
    if (!told.is_object()) return where + " is no object";
    static const object kNone;
    const value *properties = schema.if_contains("properties"), *required = schema.if_contains("required"),
                *others = schema.if_contains("additionalProperties");
    const object& known = properties != nullptr ? properties->as_object() : kNone;
    if (required != nullptr)
      for (const value& name : required->as_array())
        if (!told.as_object().contains(name.as_string())) return where + " lacks " + name.as_string().c_str();
    for (const auto& member : told.as_object()) {
      const value* rule = known.if_contains(member.key());
      if (rule == nullptr) rule = others;
      if (rule == nullptr && properties == nullptr) continue;  // an object and no more is said
      if (rule == nullptr) return where + " has " + std::string(member.key());
      std::string wrong =
          misfit(member.value(), rule->as_object(), schemas, where + "." + std::string(member.key()));
      if (!wrong.empty()) return wrong;
    }
    return {};
  }
  if (type == "array") {
    if (!told.is_array()) return where + " is no array";
    for (const value& one : told.as_array()) {
      std::string wrong = misfit(one, schema.at("items").as_object(), schemas, where + "[]");
      if (!wrong.empty()) return wrong;
    }
    return {};
  }
  if (type == "integer") return told.is_int64() || told.is_uint64() ? "" : where + " is no integer";
  if (type == "boolean") return told.is_bool() ? "" : where + " is no boolean";
  if (!told.is_string()) return where + " is no string";
  if (const value* words = schema.if_contains("enum")) {
    const auto& all = words->as_array();
    if (std::find(all.begin(), all.end(), told) == all.end())
      return where + " is none of its words: " + told.as_string().c_str();
  }
  return {};
}

TEST(SchemaChecker, TellsWhatIsWrong) {
  const object schema = boost::json::parse(R"({"type":"object","required":["a"],"properties":{
      "a":{"type":"integer"},"b":{"$ref":"#/components/schemas/B"},"m":{"type":"object","additionalProperties":
      {"type":"string"}}}})")
                            .as_object();
  const object schemas =
      boost::json::parse(R"({"B":{"type":"array","items":{"type":"string","enum":["x","y"]}}})").as_object();
  const struct {
    const char *told, *wrong;
  } rows[] = {{R"({"a":1})", ""},
              {R"({"a":1,"b":["x","y"],"m":{"any":"text"}})", ""},
              {R"([])", "$ is no object"},
              {R"({})", "$ lacks a"},
              {R"({"a":"1"})", "$.a is no integer"},
              {R"({"a":1,"c":1})", "$ has c"},
              {R"({"a":1,"b":{}})", "$.b is no array"},
              {R"({"a":1,"b":["z"]})", "$.b[] is none of its words: z"},
              {R"({"a":1,"m":{"any":1}})", "$.m.any is no string"}};
  for (const auto& row : rows)
    EXPECT_EQ(misfit(boost::json::parse(row.told), schema, schemas), row.wrong) << row.told;
}

class AdminDocument : public ::testing::Test {
 protected:
  void start(const std::string& store = "memory:", GatewayOptions how = {}) {
    gateway_ = std::make_unique<GatewayProcess>(
        SALLYPORT_BINARY,
        "workers: 2\nlisteners: [{address: \"127.0.0.1:0\"}]\nstore: \"" + store +
            "\"\nadmin: {address: \"127.0.0.1:" + std::to_string(port_) + "\", token: " + kToken +
            "}\nlog: {access: \"off\"}\ntokens: {issuer: \"https://gw.example\", audience: [api], signing: "
            "{keys: keys/}}\nusers: {registration: true, new: {roles: [user]}, reset: {page: "
            "\"https://app.example/reset\"}}\nupstreams: {api: {servers: [\"" +
            origin_.url() + "\"]}}\nroutes:\n  - {path: /api/, upstream: api, auth: required}\n",
        how);
    const Response served = admin("GET", "/admin/openapi.json");
    ASSERT_EQ(served.status, 200) << served.raw;
    document_ = served.json().as_object();
  }
  void start_ready() {
    GatewayOptions how;
    how.wait_for = "ready:";
    start("memory:", how);
  }
  Response admin(const std::string& method, const std::string& target, const std::string& body = {},
                 const std::string& token = kToken) const {
    return HttpClient(port_).call(method, target,
                                  {{"Host", "127.0.0.1"}, {"Authorization", "Bearer " + token}}, body);
  }
  HttpClient client() const { return HttpClient(gateway_->port()); }
  Response login() const {
    const std::string who = R"({"username":"ada","password":"correct horse battery"})";
    (void)client().post("/auth/register", who);  // taken the second time
    return client().post("/auth/login", who);
  }
  const object& paths() const { return document_.at("paths").as_object(); }

  // Is that answer one of the operation's?
  void expect_told(const std::string& method, const std::string& path, const Response& response) const {
    const std::string what = method + " " + path + "\n" + response.raw;
    const auto& responses = paths().at(path).at(lower_case(method)).at("responses").as_object();
    const value* told = responses.if_contains(std::to_string(response.status));
    ASSERT_NE(told, nullptr) << what;
    const std::string type = response.header("Content-Type");
    const value* content = told->at("content").as_object().if_contains(type.substr(0, type.find(';')));
    ASSERT_NE(content, nullptr) << what;
    const object& schema = content->at("schema").as_object();
    if (type != "application/json") {
      EXPECT_EQ(schema.at("type").as_string(), "string") << what;
      return;
    }
    const auto& schemas = document_.at("components").at("schemas").as_object();
    EXPECT_EQ(misfit(response.json(), schema, schemas), "") << what;
  }
  static std::string lower_case(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  }
  static std::string upper_case(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }
  static std::string filled(std::string path, const std::string& id) {
    if (const auto at = path.find("{id}"); at != path.npos) path.replace(at, 4, id);
    return path;
  }
  // The id that a call of this path is about, for a user and a session that are there.
  static std::string id_for(const std::string& path, const Response& pair) {
    return path.starts_with("/admin/sessions/") ? pair.text("session_id") : "ada";
  }

  Origin origin_;
  std::uint16_t port_ = free_port();
  std::unique_ptr<GatewayProcess> gateway_;
  object document_;
};

TEST_F(AdminDocument, TellsWhatEveryCallAnswers) {
  start_ready();
  EXPECT_EQ(document_.at("openapi").as_string(), "3.1.0");
  EXPECT_EQ(document_.at("components").at("securitySchemes").at("admin").at("scheme").as_string(), "bearer");
  std::size_t calls = 0;
  for (const auto& path : paths())
    for (const auto& operation : path.value().as_object()) {
      const std::string method = upper_case(std::string(operation.key())), where(path.key());
      (void)admin("POST", "/admin/users/ada/enable");  // the call before may have barred her
      const Response pair = login();
      const std::string body = operation.value().as_object().contains("requestBody")
                                   ? R"({"session":")" + pair.text("session_id") + "\"}"
                                   : "";
      const std::string target = filled(where, id_for(where, pair));
      const Response answer = admin(method, target, body);
      EXPECT_EQ(answer.status, 200) << method << " " << where << "\n" << answer.raw;
      expect_told(method, where, answer);
      ++calls;
    }
  EXPECT_GE(calls, 21u);
}

TEST_F(AdminDocument, TellsWhatIsRefused) {
  start_ready();
  const Response pair = login();
  const struct {
    const char *method, *path, *id, *query, *body;
    int status;
  } rows[] = {
      {"GET", "/admin/users", "", "?limit=1&search=ADA", "", 200},
      {"GET", "/admin/users/{id}", "nobody", "", "", 404},
      {"DELETE", "/admin/users/{id}/sessions", "nobody", "", "", 404},
      {"POST", "/admin/users/{id}/disable", "nobody", "", "", 404},
      {"POST", "/admin/users/{id}/enable", "nobody", "", "", 404},
      {"POST", "/admin/users/{id}/reset-token", "nobody", "", "", 404},
      {"POST", "/admin/users/{id}/disable", "ada", "", "", 200},
      {"POST", "/admin/users/{id}/reset-token", "ada", "", "", 409},
      {"GET", "/admin/sessions/{id}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", "", 404},
      {"DELETE", "/admin/sessions/{id}", "no-session", "", "", 404},
      {"POST", "/admin/revoke", "", "", "[", 400},
      {"POST", "/admin/revoke", "", "", "{}", 422},
      {"POST", "/admin/revoke", "", "", R"({"user":"nobody"})", 404},
      {"POST", "/admin/revoke", "", "", R"({"key":"some-key"})", 200},
      {"POST", "/admin/revoke", "", "", R"({"everything":true})", 200},
  };
  for (const auto& row : rows) {
    const Response answer = admin(row.method, filled(row.path, row.id) + row.query, row.body);
    EXPECT_EQ(answer.status, row.status) << row.method << " " << row.path << "\n" << answer.raw;
    expect_told(row.method, row.path, answer);
  }
  const std::string spent = R"({"token":")" + pair.text("access_token") + "\"}";
  const Response revoked = admin("POST", "/admin/revoke", spent);
  EXPECT_EQ(revoked.status, 200) << revoked.raw;
  expect_told("POST", "/admin/revoke", revoked);

  gateway_->write_config("listeners: [");
  const Response reload = admin("POST", "/admin/reload");
  EXPECT_EQ(reload.status, 422) << reload.raw;
  expect_told("POST", "/admin/reload", reload);
  expect_told("GET", "/admin/status", admin("GET", "/admin/status"));  // which tells of it
}

// A page of users, and the cursor of the next one.
TEST_F(AdminDocument, TellsOfTheNextPage) {
  start_ready();
  for (const char* name : {"ada", "grace"})
    (void)client().post("/auth/register",
                        R"({"username":")" + std::string(name) + R"(","password":"correct horse battery"})");
  const Response page = admin("GET", "/admin/users?limit=1");
  EXPECT_NE(page.text("next"), "") << page.raw;
  expect_told("GET", "/admin/users", page);
}

TEST_F(AdminDocument, TellsWhatIsAnsweredWithoutTheStore) {
  start("redis://127.0.0.1:" + std::to_string(free_port()) + "/0");
  const struct {
    const char *method, *path, *body;
    int status;
  } rows[] = {{"GET", "/livez", "", 200},       {"GET", "/readyz", "", 503},
              {"GET", "/metrics", "", 200},     {"GET", "/admin/status", "", 200},
              {"GET", "/admin/keys", "", 200},  {"GET", "/admin/revocations", "", 200},
              {"GET", "/admin/users", "", 503}, {"POST", "/admin/revoke", R"({"everything":true})", 503}};
  for (const auto& row : rows) {
    const Response answer = admin(row.method, row.path, row.body);
    EXPECT_EQ(answer.status, row.status) << row.path << "\n" << answer.raw;
    EXPECT_EQ(answer.headers.has("Retry-After"), row.status == 503) << row.path;
    expect_told(row.method, row.path, answer);
  }
}

TEST_F(AdminDocument, LeavesOutNoMethodOfAPath) {
  start_ready();
  for (const auto& path : paths()) {
    std::set<std::string> told;
    for (const auto& operation : path.value().as_object()) {
      told.insert(upper_case(std::string(operation.key())));
      if (operation.key() == "get") told.insert("HEAD");
    }
    const std::string target = filled(std::string(path.key()), "ada");
    const Response refused = admin("PATCH", target);
    EXPECT_EQ(refused.status, 405) << refused.raw;
    std::set<std::string> allowed;
    const std::string allow = refused.header("Allow");
    for (std::size_t at = 0; at < allow.size();) {
      const std::size_t end = std::min(allow.find(", ", at), allow.size());
      allowed.insert(allow.substr(at, end - at));
      at = end + 2;
    }
    EXPECT_EQ(allowed, told) << target;
    EXPECT_EQ(admin("GET", target + "/nothing-there").status, 404) << target;
  }
}

// Nothing is told and nothing is done: not even whether a path is one of ours.
TEST_F(AdminDocument, WhoeverHasNoTokenLearnsAndDoesNothing) {
  start_ready();
  const Response pair = login();
  const auto reloads = admin("GET", "/admin/status").json().at("configuration").at("reloads_succeeded");
  const std::vector<Headers> strangers = {
      {{"Host", "127.0.0.1"}},
      {{"Host", "127.0.0.1"}, {"Authorization", "Bearer"}},
      {{"Host", "127.0.0.1"}, {"Authorization", "Bearer "}},
      {{"Host", "127.0.0.1"}, {"Authorization", std::string("Bearer ") + kToken + "x"}},
      {{"Host", "127.0.0.1"}, {"Authorization", "Bearer " + std::string(kToken, 10)}},
      {{"Host", "127.0.0.1"}, {"Authorization", std::string("Basic ") + kToken}},
      {{"Host", "127.0.0.1"}, {"Authorization", kToken}},
      {{"Host", "127.0.0.1"}, {"Cookie", std::string("token=") + kToken}},
      {{"Host", "127.0.0.1"}, {"Authorization", "Bearer " + pair.text("access_token")}}};
  std::size_t asked = 0;
  for (const Headers& stranger : strangers) {
    const Response nowhere = HttpClient(port_).get("/admin/nothing-there", stranger);
    EXPECT_EQ(nowhere.status, 401) << nowhere.raw;
    for (const auto& path : paths())
      for (const auto& operation : path.value().as_object()) {
        if (operation.value().at("security").as_array().empty()) continue;
        const std::string where(path.key()), method = upper_case(std::string(operation.key()));
        const Response refused = HttpClient(port_).call(method, filled(where, id_for(where, pair)), stranger,
                                                        method == "POST" ? R"({"everything":true})" : "");
        EXPECT_EQ(refused.status, 401) << method << " " << where << "\n" << refused.raw;
        EXPECT_NE(refused.header("WWW-Authenticate"), "") << where;
        EXPECT_FALSE(refused.headers.has("Allow")) << where;
        expect_told(method, where, refused);
        const bool is_page = refused.header("Content-Type").starts_with("text/html");
        EXPECT_TRUE(!is_page || where == "/admin/") << "only the console asks for the token by a page";
        if (!is_page) EXPECT_EQ(refused.body, nowhere.body) << where;
        ++asked;
      }
  }
  EXPECT_GE(asked, 18u * strangers.size());
  EXPECT_EQ(client().get("/api/x", bearer(pair.text("access_token"))).status, 200) << "nothing was revoked";
  EXPECT_FALSE(admin("GET", "/admin/users/ada").json().at("disabled").as_bool());
  EXPECT_EQ(admin("GET", "/admin/status").json().at("configuration").at("reloads_succeeded"), reloads);
}

TEST_F(AdminDocument, IsPrintedWithoutAGateway) {
  start_ready();
  const Outcome printed = gateway_->command({"openapi", "--admin"});
  EXPECT_EQ(printed.code, 0) << printed.err;
  EXPECT_EQ(printed.out, admin("GET", "/admin/openapi.json").body + "\n");
  const Outcome nowhere = run({SALLYPORT_BINARY, "openapi", "--admin", "--config", "there-is-none.yaml"});
  EXPECT_EQ(nowhere.code, 0) << nowhere.err;
  EXPECT_EQ(nowhere.out, printed.out);
  EXPECT_EQ(gateway_->command({"openapi", "--admin", "--postman"}).code, 2);
}

}  // namespace
}  // namespace sallyport::testing
