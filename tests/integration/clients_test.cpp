// Clients that nobody here wrote: oauth4webapi, axios with an interceptor, curl, a browser on the page of the
// endpoints, nginx that asks for every request.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/integration/fleet.hpp"
#include "tests/integration/preset_world.hpp"

namespace sallyport::testing {
namespace {

const std::string kShop = "shop-secret-0123456789+/0123456789==";
const std::string kApi = "api-secret-0123456789-0123456789-0123";

Outcome node(const char* script, std::vector<std::string> args, std::string stdin_text = {}) {
  std::vector<std::string> argv{"node", std::string(SALLYPORT_TEST_DATA "/node/") + script};
  argv.insert(argv.end(), args.begin(), args.end());
  ProcessOptions how;
  how.stdin_text = std::move(stdin_text);
  return run(std::move(argv), std::move(how), std::chrono::seconds(60));
}

TEST(Clients, Oauth4webapiFindsLogsInRefreshesAsksAndRevokes) {
  TempDir state;
  Fleet fleet("sqlite:" + (state / "state.db"),
              {.more = "auth: {clients: {app: {}, shop: {secret: \"" + kShop + "\"}, api: {secret: \"" +
                       kApi + "\", introspect: true}}}\n"});
  fleet.add();
  fleet.login(0, "ada");
  const Outcome outcome =
      node("oauth_client.mjs", {std::to_string(fleet[0].port()), "https://auth.test", kShop, kApi});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(Clients, AxiosRefreshesOnceForFiveCallsAndRepeatsThem) {  // S4.10, S1.27
  PresetWorld world("fullstackmark");
  world.post("/api/accounts", {{"userName", "ada"}, {"password", kUserPassword}});
  const Response pair = world.post("/api/auth/login", {{"userName", "ada"}, {"password", kUserPassword}});
  const Outcome outcome =
      node("axios_client.mjs", {std::to_string(world.gateway().port()),
                                remade(pair.text("accessToken"), 8000), pair.text("refreshToken")});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(Clients, AnApplicationRefreshesBeforeItsCallsAndGuardsItsPages) {  // S0.15, S1.10, S0.14
  PresetWorld world("apothecaric");
  world.post("/auth/register", {{"UserName", "ada"}, {"Password", kUserPassword}});
  const Outcome outcome = node("guard_client.mjs", {std::to_string(world.gateway().port())});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(Clients, CurlSpeaksTheFormsByItself) {  // RFC 6749 4.3 from a shell
  TempDir state;
  Fleet fleet("sqlite:" + (state / "state.db"),
              {.more = "auth: {clients: {shop: {secret: \"" + kShop + "\"}}}\n"});
  fleet.add();
  fleet.login(0, "ada");
  const std::string url = "http://127.0.0.1:" + std::to_string(fleet[0].port());
  const auto curl = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"curl", "-sS", "--noproxy", "*", "-u", "shop:" + kShop});
    return run(std::move(args));
  };
  const Outcome pair = curl({url + "/oauth2/token", "-d", "grant_type=password", "-d", "username=ada",
                             "--data-urlencode", "password=correct horse battery"});
  ASSERT_EQ(pair.code, 0) << pair.err;
  const auto answer = boost::json::parse(pair.out).as_object();
  const std::string refresh(answer.at("refresh_token").as_string());
  EXPECT_EQ(fleet.call(0, std::string(answer.at("access_token").as_string())).status, 200);
  EXPECT_EQ(curl({url + "/oauth2/revoke", "-d", "token=" + refresh, "-w", "%{http_code}"}).out, "200");
  const Outcome refused =
      curl({url + "/oauth2/token", "-d", "grant_type=refresh_token", "-d", "refresh_token=" + refresh});
  EXPECT_EQ(boost::json::parse(refused.out).at("error"), "invalid_grant");
}

TEST(Clients, AValidatorFindsTheDocumentOfEveryPresetGood) {  // S4.11
  for (const char* preset : {"oauth2", "code-maze", "fullstackmark", "codepedia", "apothecaric"}) {
    PresetWorld world(preset,
                      {.auth = ", clients: {app: {}, api: {secret: " + kApi + ", introspect: true}}"});
    const Outcome printed = world.gateway().command({"openapi"});
    EXPECT_EQ(printed.code, 0) << printed.err;
    EXPECT_EQ(world.client().get("/auth/openapi.json").body + "\n", printed.out);
    const Outcome outcome = node("openapi_document.mjs", {}, printed.out);
    EXPECT_EQ(outcome.code, 0) << preset << outcome.out << outcome.err;
  }
}

TEST(Clients, AValidatorFindsTheDocumentOfTheAdminListenerGood) {
  const Outcome printed = run({SALLYPORT_BINARY, "openapi", "--admin"});
  ASSERT_EQ(printed.code, 0) << printed.err;
  const Outcome outcome = node("openapi_document.mjs", {}, printed.out);
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(Clients, AnEditorsSchemaAndTheLoaderAgree) {
  const std::string config = SALLYPORT_SOURCE_DIR "/config/";
  std::vector<std::string> arguments{SALLYPORT_BINARY, config + "examples/quickstart.yaml",
                                     config + "deploy/gateway.yaml", "--"};
  for (const char* name : {"production", "oauth2", "code-maze", "fullstackmark", "codepedia", "apothecaric"})
    arguments.push_back(config + "examples/" + name + ".yaml");
  const Outcome outcome = node("schema_check.mjs", arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

std::string program(std::initializer_list<const char*> places) {
  for (const char* place : places)
    if (std::filesystem::exists(place)) return place;
  return {};
}

TEST(Clients, ABrowserTriesTheEndpointsFromTheirPage) {  // S4.11
  const std::string chromium = program({"/usr/bin/chromium", "/usr/bin/chromium-browser"});
  ASSERT_NE(chromium, "") << "there is no Chromium: apt-get install chromium";
  PresetWorld world("code-maze");
  world.post("/auth/register", {{"userName", "ada"}, {"password", kUserPassword}});
  const Outcome outcome =
      node("docs_page.mjs",
           {"http://127.0.0.1:" + std::to_string(world.gateway().port()) + "/auth/docs", chromium});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(Clients, NginxAsksForEveryRequestAndSendsTheIdentityOn) {
  const std::string nginx = program({"/usr/sbin/nginx"});
  ASSERT_NE(nginx, "") << "there is no nginx: apt-get install nginx-light";
  TempDir state;
  Fleet fleet("sqlite:" + (state / "state.db"));
  fleet.add();
  const Pair pair = fleet.login(0, "ada");
  const std::string socket = state / "nginx.sock";
  const std::string gateway = "http://127.0.0.1:" + std::to_string(fleet[0].port());
  // As README shows it.
  state.write(
      "nginx.conf",
      "daemon off; worker_processes 1; pid " + (state / "nginx.pid") + "; error_log stderr;\n" +
          (geteuid() == 0 ? "user root;\n" : "") +
          "events {}\nhttp {\n  access_log off;\n  client_body_temp_path " + (state / "b") +
          "; proxy_temp_path " + (state / "p") + "; fastcgi_temp_path " + (state / "f") +
          "; uwsgi_temp_path " + (state / "u") + "; scgi_temp_path " + (state / "s") +
          ";\n  server {\n    listen unix:" + socket +
          ";\n    location = /verify {\n      internal;\n      proxy_pass " + gateway +
          "/auth/verify;\n      proxy_pass_request_body off;\n      proxy_set_header Content-Length \"\";\n"
          "      proxy_set_header X-Forwarded-Method $request_method;\n"
          "      proxy_set_header X-Forwarded-Uri $request_uri;\n    }\n"
          "    location / {\n      auth_request /verify;\n"
          "      auth_request_set $subject $upstream_http_x_auth_subject;\n"
          "      proxy_set_header X-Auth-Subject $subject;\n      proxy_pass " +
          fleet.origin().url() + ";\n    }\n  }\n}\n");
  Process server({nginx, "-p", state.path().string(), "-c", state / "nginx.conf"});
  const auto call = [&](const std::string& path, const std::string& token) {
    std::vector<std::string> argv{"curl",
                                  "-s",
                                  "--unix-socket",
                                  socket,
                                  "--retry",
                                  "50",
                                  "--retry-delay",
                                  "0",
                                  "--retry-connrefused",
                                  "--retry-all-errors",
                                  "-o",
                                  "/dev/null",
                                  "-w",
                                  "%{http_code}",
                                  "http://api.test" + path};
    if (!token.empty()) argv.insert(argv.end(), {"-H", "Authorization: Bearer " + token});
    return run(std::move(argv)).out;
  };
  EXPECT_EQ(call("/api/orders?x=1", pair.access), "200");
  EXPECT_EQ(fleet.origin().last().headers.get("X-Auth-Subject").empty(), false);
  EXPECT_EQ(call("/api/orders", with_broken_signature(pair.access)), "401");
  EXPECT_EQ(fleet.origin().requests().size(), 1u);
  server.signal(SIGTERM);
  EXPECT_TRUE(server.wait().has_value());
}

}  // namespace
}  // namespace sallyport::testing
