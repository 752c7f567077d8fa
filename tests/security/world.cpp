// The gateway under attack and its origins. See world.hpp.
#include "tests/security/world.hpp"

#include <chrono>
#include <thread>

namespace sallyport::testing {

namespace {

constexpr std::chrono::milliseconds kClosesWithin{8'000};

std::string config_text(const World& world, const std::string& limits) {
  std::string text = R"(
workers: 1
listeners: [{address: "127.0.0.1:0"}]
log: {access: stdout, audit: "off"}
store: "memory:"
)";
  text += limits.empty() ? "limits: {head: 10s, keep_alive: 20s}\n" : limits;
  text += R"(
tokens:
  issuer: https://auth.test
  audience: [api]
  signing: {algorithm: HS256, secret: "${file:own.secret}"}
  refresh: {keys: refresh/}
  issuers:
    - {issuer: https://hmac.test, audience: [api], secret: "${file:hmac.secret}", algorithms: [HS256], clock_skew: 0s}
    - {issuer: https://pem.test, audience: [api], key_file: pem.pem, algorithms: [ES256]}
    - {issuer: https://many.test, audience: [api], jwks: "file:many.json", algorithms: [ES256]}
auth: {expired_header: [Token-Expired, Is-Token-Expired]}
defaults: {timeout: 5s, max_body: 1MiB}
upstreams:
  open: {servers: [")" +
          world.open.url() + R"("]}
  guarded: {servers: [")" +
          world.guarded.url() + R"("]}
routes:
  - {path: /public/, upstream: open, auth: none}
  - {path: /public/private/, upstream: guarded, auth: required}
  - {path: /private/, upstream: guarded, auth: required, forward_authorization: true}
  - {path: /admin/, upstream: guarded, auth: required, allow: {roles: [admin]}}
  - {path: /optional/, upstream: guarded, auth: optional}
  - {path: /post-only/, upstream: open, auth: none, methods: [POST]}
  - {path: /cors/, upstream: guarded, auth: required, cors: {origins: ["https://app.test"]}}
  - {path: /claims/, upstream: guarded, auth: required, claims_to_headers: {tenant: X-Tenant}}
  - {path: /strip/, upstream: open, auth: none, strip_prefix: /strip}
  - {path: /files/, upstream: open, auth: none, encoded_slash: pass}
  - {path: /status, host: admin.test, upstream: guarded, auth: required}
  - {path: /public/, host: admin.test, upstream: guarded, auth: required}
  - {path: /status, host: app.test, upstream: open, auth: none}
)";
  return text;
}

}  // namespace

World::World(const std::string& limits) {
  GatewayOptions options;
  options.files = {
      {"own.secret", std::string(kOwnSecret)},
      {"hmac.secret", std::string(kHmacSecret)},
      {"pem.pem", pem_key.public_pem()},
      {"many.json", R"({"keys":[)" + first_key.jwk() + "," + second_key.jwk() + "]}"},
  };
  options.wait_for = "info ready";  // the revocations are read
  gateway = std::make_unique<GatewayProcess>(SALLYPORT_BINARY, config_text(*this, limits), options);
  // The last worker learns it a moment after the log line: until then a token is 503.
  const Deadline deadline = within();
  while (client().get("/private/ready", bearer_of_good_token()).status == 503 && Clock::now() < deadline)
    std::this_thread::yield();
}

Talk World::talk(std::string_view bytes, std::size_t expected, bool wants_close) const {
  Talk talk;
  HttpConnection connection(port());
  connection.send(bytes);
  const bool to_head = bytes.starts_with("HEAD ");
  try {
    while (talk.responses.size() < expected) {
      auto response = connection.read_response(to_head);
      if (!response) break;
      if (response->status >= 200 || response->status == 101) talk.responses.push_back(*std::move(response));
    }
    if (wants_close) {
      // A further response, where none is due, is part of the story.
      talk.closed = connection.closed_by_peer(kClosesWithin);
      while (talk.closed) {
        auto response = connection.read_response();
        if (!response) break;
        talk.responses.push_back(*std::move(response));
      }
    }
  } catch (const std::exception& error) {
    talk.leftover = error.what();
  }
  return talk;
}

std::string World::good_token(std::string_view extra) const {
  return hs256(R"({"alg":"HS256","typ":"at+jwt"})", payload(kHmacIssuer, 3600, extra), kHmacSecret);
}

std::vector<RecordedRequest> World::seen(std::string_view text) const {
  std::vector<RecordedRequest> found;
  for (const Origin* origin : {&open, &guarded})
    for (const RecordedRequest& request : origin->requests())
      if (request.target.find(text) != std::string::npos || request.body.find(text) != std::string::npos)
        found.push_back(request);
  return found;
}

void World::expect_canary(std::string_view after) {
  const std::string target = "/public/canary-" + std::to_string(++canaries_);
  Response response = client().get(target);
  ASSERT_EQ(response.status, 200) << after;
  EXPECT_EQ(response.text("target"), target) << "another's answer, after " << after;
}

long long unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string payload(std::string_view issuer, long long expires_in, std::string_view extra) {
  return R"({"iss":")" + std::string(issuer) + R"(","aud":"api","sub":"ada","exp":)" +
         std::to_string(unix_now() + expires_in) + std::string(extra) + "}";
}

}  // namespace sallyport::testing
