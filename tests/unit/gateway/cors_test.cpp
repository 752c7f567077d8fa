// Cross-origin answers: only real preflights, only allowed origins (SECURITY P5; CONTRACT section 3, 4).
#include "gateway/cors.hpp"

#include <gtest/gtest.h>

namespace sallyport::gateway {
namespace {

RequestHead request(std::string_view method, Fields fields) {
  RequestHead head;
  head.method = method;
  head.fields = std::move(fields);
  return head;
}

const Field kOrigin{FieldId::origin, "Origin", "https://app.example"};
const Field kMethod{FieldId::access_control_request_method, "Access-Control-Request-Method", "PUT"};

config::Cors cors() {
  config::Cors cors;
  cors.origins = {"https://app.example", "https://b.example"};
  cors.expose = {"X-Total"};
  cors.credentials = true;
  return cors;
}

const CorsPolicy kPolicy(cors(), {"GET", "PUT"}, {"Token-Expired"});

TEST(Cors, TakesOnlyARealPreflightForOne) {
  EXPECT_EQ(preflight_method(request("OPTIONS", {kOrigin, kMethod})), "PUT");
  EXPECT_FALSE(preflight_method(request("OPTIONS", {kOrigin})));
  EXPECT_FALSE(preflight_method(request("OPTIONS", {kMethod})));
  EXPECT_FALSE(preflight_method(request("GET", {kOrigin, kMethod})));
  EXPECT_FALSE(preflight_method(request("OPTIONS", {kOrigin, kOrigin, kMethod})));
  EXPECT_FALSE(preflight_method(request("OPTIONS", {kOrigin, kMethod, kMethod})));
  EXPECT_FALSE(
      preflight_method(request("OPTIONS", {kOrigin, {FieldId::access_control_request_method, "", "P T"}})));
}

TEST(Cors, LetsAllowedOriginsReadTheAnswer) {
  std::string out;
  kPolicy.append_answer(out, request("GET", {kOrigin}));
  EXPECT_EQ(out,
            "Access-Control-Allow-Origin: https://app.example\r\nAccess-Control-Allow-Credentials: true\r\n"
            "Access-Control-Expose-Headers: Token-Expired, WWW-Authenticate, X-Request-Id, Retry-After, "
            "Sallyport-Response, X-Total\r\n"
            "Vary: Origin\r\n");
}

TEST(Cors, SaysNothingToOtherOrigins) {
  for (const char* origin : {"https://evil.example", "null", "", "https://app.example.evil",
                             "https://APP.example", "http://app.example"}) {
    std::string out;
    kPolicy.append_answer(out, request("GET", {{FieldId::origin, "Origin", origin}}));
    EXPECT_EQ(out, "Vary: Origin\r\n") << origin;
  }
  std::string out;
  kPolicy.append_answer(out, request("GET", {}));
  EXPECT_EQ(out, "Vary: Origin\r\n");
}

TEST(Cors, AnswersAPreflight) {
  std::string out;
  kPolicy.append_preflight(out, request("OPTIONS", {kOrigin, kMethod}));
  EXPECT_EQ(out,
            "Access-Control-Allow-Origin: https://app.example\r\nAccess-Control-Allow-Credentials: true\r\n"
            "Access-Control-Allow-Methods: GET, PUT\r\nAccess-Control-Allow-Headers: Authorization, "
            "Content-Type\r\n"
            "Access-Control-Max-Age: 600\r\n"
            "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n");
}

TEST(Cors, NeverMixesTheStarWithCredentials) {
  config::Cors any;
  any.origins = {"*"};
  any.credentials = true;
  std::string out;
  CorsPolicy(any, {}, {})
      .append_answer(out, request("GET", {{FieldId::origin, "Origin", "https://evil.example"}}));
  EXPECT_EQ(out.find("Allow-Credentials"), out.npos);
  EXPECT_EQ(out.find("evil"), out.npos);
}

TEST(Cors, IsSilentWhereItIsOff) {
  std::string out;
  CorsPolicy{}.append_answer(out, request("GET", {kOrigin}));
  CorsPolicy{}.append_preflight(out, request("OPTIONS", {kOrigin, kMethod}));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace sallyport::gateway
