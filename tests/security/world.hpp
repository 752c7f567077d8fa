// What the security matrix attacks: the real binary with public, private and role-guarded routes before two
// recording origins. `open` must only ever see what is public, `guarded` only what a good token let through;
// the verdict of a row is what they received, never what the gateway says about it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {

inline constexpr std::string_view kOwnIssuer = "https://auth.test";
inline constexpr std::string_view kOwnSecret = "own-secret-own-secret-own-secret-0123";
inline constexpr std::string_view kHmacIssuer = "https://hmac.test";
inline constexpr std::string_view kHmacSecret = "hmac-secret-hmac-secret-hmac-secret-4";
inline constexpr std::string_view kPemIssuer = "https://pem.test";
inline constexpr std::string_view kManyIssuer = "https://many.test";  // two keys, so `kid` decides

// Everything that came back on one connection for some bytes.
struct Talk {
  std::vector<Response> responses;
  bool closed = false;   // the gateway ended the connection
  std::string leftover;  // bytes behind the last response that are no response

  int status(std::size_t i = 0) const { return i < responses.size() ? responses[i].status : 0; }
};

class World {
 public:
  explicit World(const std::string& limits = "");  // `limits`: a whole section in place of the default

  Origin open, guarded;
  EcKey pem_key, first_key, second_key, stranger;
  std::unique_ptr<GatewayProcess> gateway;

  std::uint16_t port() const { return gateway->port(); }
  HttpClient client() const { return HttpClient(port()); }

  // Sends the bytes on a connection of their own and reads until `expected` final responses came, or until
  // the end. `closed` is then asked for, at most `patience` long.
  Talk talk(std::string_view bytes, std::size_t expected = 1, bool wants_close = true) const;

  // A good token of the foreign HMAC issuer; `extra` is JSON members with a leading comma.
  std::string good_token(std::string_view extra = "") const;
  Headers bearer_of_good_token() const { return bearer(good_token()); }

  // Both origins' requests whose target or body shows `text`.
  std::vector<RecordedRequest> seen(std::string_view text) const;

  // A plain request passes as if nothing had happened before: its own answer, nobody else's.
  void expect_canary(std::string_view after);

 private:
  int canaries_ = 0;
};

// Payloads with their times beside now: "iss", "aud", "sub" and what `extra` adds or, by name, replaces.
long long unix_now();
std::string payload(std::string_view issuer, long long expires_in, std::string_view extra = "");

// A suite on one world, made once for all its tests.
class WorldTest : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    if (!world_) world_ = std::make_unique<World>();
  }
  static void TearDownTestSuite() { world_.reset(); }

 protected:
  static World& world() { return *world_; }

 private:
  static inline std::unique_ptr<World> world_;
};

// The same for tables; the row's name is the test's.
template <typename Row>
class WorldTable : public WorldTest, public ::testing::WithParamInterface<Row> {};

struct RowName {
  template <typename Info>
  std::string operator()(const Info& info) const {
    return info.param.name;
  }
};

}  // namespace sallyport::testing
