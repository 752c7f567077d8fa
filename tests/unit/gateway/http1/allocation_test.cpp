// The hot path allocates nothing after the first request: head in, route, head out, and the same back.
#include <gtest/gtest.h>

#include "gateway/http1/forward_rules.hpp"
#include "gateway/http1/reader.hpp"
#include "gateway/path.hpp"
#include "gateway/router.hpp"
#include "tests/unit/counted_allocations.hpp"

namespace sallyport::http1 {
namespace {

constexpr std::string_view kRequest =
    "POST /api/orders/%31?x=1 HTTP/1.1\r\nHost: api.example.com:8443\r\nUser-Agent: a browser of this time "
    "(any; like another)\r\n"
    "Accept: application/json\r\nAccept-Encoding: gzip, br\r\nAccept-Language: en\r\nAuthorization: Bearer "
    "x.y.z\r\n"
    "Cookie: a=b\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nX-Custom: "
    "value\r\nConnection: keep-alive\r\n\r\n";
constexpr std::string_view kBody = "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-A: b\r\nDate: "
    "d\r\n\r\n";

TEST(HotPath, AllocatesNothingAfterTheFirstRequests) {
  config::Config config;
  config.routes.resize(1);
  config.routes[0].path = "/api/orders/";
  config.routes[0].host = "api.example.com";
  const gateway::Router router = gateway::Router::compile(config).router;
  const ForwardPolicy policy = ForwardPolicy::compile(config.routes[0], config.auth);
  RequestReader request({});
  ResponseReader response({});
  std::string scratch, out;
  std::size_t before = 0;
  for (int round = 0; round < 20; ++round) {
    if (round == 2) before = test::allocations;
    out.clear();
    request.reset();
    ASSERT_EQ(request.read_head(kRequest).progress, Progress::complete);
    const gateway::NormalPath path = gateway::normalise_path(request.head().raw_path, scratch);
    ASSERT_EQ(router.find(request.head().host, path, request.head().method).kind,
              gateway::Match::Kind::route);
    append_request_head(out, request.head(), policy, {.path = path.path});
    for (std::string_view rest = kBody;;) {
      const BodyStep step = request.read_body(rest);
      rest.remove_prefix(step.consumed);
      if (step.progress == Progress::complete) break;
      ASSERT_GT(step.consumed, 0u);
    }
    response.reset(false);
    ASSERT_EQ(response.read_head(kResponse).progress, Progress::complete);
    append_response_head(out, response.head(), policy, {});
  }
  EXPECT_EQ(test::allocations, before);
}

}  // namespace
}  // namespace sallyport::http1
