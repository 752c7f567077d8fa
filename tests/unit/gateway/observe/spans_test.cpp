// Spans as a collector reads them: the exact text, what stands in them when something went wrong, and that no
// stranger leaves his place in it or makes it long.
#include "gateway/observe/spans.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <vector>

#include "gateway/runtime.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::string_view kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr Chance kSpans{0, 1, 2, 3, 4, 5, 6, 7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};

// A GET of an order, asked and answered, which began 50 ms before the end.
struct Request {
  Request() {
    rule.upstream = "orders";
    route.config = &rule;
    route.name = "api.example.com/orders/";
    context.route = &route;
    context.trace = decide_trace(kTraceparent, 0, {}, kSpans);
    context.began = end.ended - 50ms;
    context.upstream_asked = end.ended - 40ms;
    context.upstream_answered = end.ended - 10ms;
    context.provenance.request_id = "r1";
    context.provenance.https = true;
    context.path = "/orders/7";
    context.server = "http://10.0.0.5:8080";
    context.status = 200;
    context.attempts = 1;
    head.method = "GET";
    head.host = "api.example.com";
    head.raw_path = "/orders/7";
    head.query = "ticket=secret";
    head.has_query = true;
  }
  std::string text(unsigned expected = 2) const {
    std::string out;
    EXPECT_EQ(append_spans(out, context, &head, end), expected);
    return out;
  }
  json::object span(std::size_t which, unsigned expected = 2) const {
    return json::parse("[" + text(expected) + "]").at(which).as_object();
  }

  config::Route rule;
  CompiledRoute route;
  RequestContext context;
  RequestHead head;
  SpanEnd end{UnixNanos(1'700'000'000'000'000'001ns), SteadyTime(1h)};
};

// The attribute's value as text; "" where there is none.
std::string attribute(const json::object& span, std::string_view key) {
  for (const json::value& one : span.at("attributes").as_array())
    if (one.at("key").as_string() == key) {
      const json::object& value = one.at("value").as_object();
      return std::string(value.begin()->value().as_string());
    }
  return {};
}

TEST(Spans, OfAnAnsweredRequestAreTwoThatJoin) {
  EXPECT_EQ(
      Request().text(),
      R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0001020304050607",)"
      R"("parentSpanId":"b7ad6b7169203331","name":"GET api.example.com/orders/","kind":2,)"
      R"("startTimeUnixNano":"1699999999950000001","endTimeUnixNano":"1700000000000000001","attributes":[)"
      R"({"key":"http.request.method","value":{"stringValue":"GET"}},)"
      R"({"key":"url.scheme","value":{"stringValue":"https"}},)"
      R"({"key":"url.path","value":{"stringValue":"/orders/7"}},)"
      R"({"key":"server.address","value":{"stringValue":"api.example.com"}},)"
      R"({"key":"http.route","value":{"stringValue":"api.example.com/orders/"}},)"
      R"({"key":"http.response.status_code","value":{"intValue":"200"}},)"
      R"({"key":"sallyport.request_id","value":{"stringValue":"r1"}}]},)"
      R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"f8f9fafbfcfdfeff",)"
      R"("parentSpanId":"0001020304050607","name":"GET","kind":3,)"
      R"("startTimeUnixNano":"1699999999960000001","endTimeUnixNano":"1699999999990000001","attributes":[)"
      R"({"key":"http.request.method","value":{"stringValue":"GET"}},)"
      R"({"key":"sallyport.upstream","value":{"stringValue":"orders"}},)"
      R"({"key":"server.address","value":{"stringValue":"10.0.0.5"}},)"
      R"({"key":"server.port","value":{"intValue":"8080"}},)"
      R"({"key":"http.response.status_code","value":{"intValue":"200"}}]})");
}

TEST(Spans, OfATraceThatBeginsHereHaveNoParent) {
  Request request;
  request.context.trace = decide_trace({}, 1, kSpans, kSpans);
  EXPECT_FALSE(request.span(0).contains("parentSpanId"));
  EXPECT_EQ(request.span(1).at("parentSpanId").as_string(), "0001020304050607");
}

TEST(Spans, OfARefusalNameItsErrorAndNoUpstream) {
  Request request;
  request.context.upstream_asked = request.context.upstream_answered = {};
  request.context.status = 401;
  request.context.refusal = "token_missing";
  const json::object span = request.span(0, 1);
  EXPECT_EQ(attribute(span, "error.type"), "token_missing");
  EXPECT_EQ(attribute(span, "http.response.status_code"), "401");
  EXPECT_FALSE(span.contains("status")) << "the client's mistake is no failure of ours";
}

TEST(Spans, OfAFailedUpstreamAreErrors) {
  Request request;
  request.context.upstream_answered = {};
  request.context.status = 504;
  request.context.refusal = "upstream_timeout";
  request.context.attempts = 3;
  for (const std::size_t which : {0u, 1u}) {
    EXPECT_EQ(request.span(which).at("status"), json::parse(R"({"code":2})"));
    EXPECT_EQ(attribute(request.span(which), "error.type"), "upstream_timeout");
  }
  EXPECT_EQ(attribute(request.span(1), "http.response.status_code"), "") << "the 504 is our own";
  EXPECT_EQ(attribute(request.span(1), "http.request.resend_count"), "2");
  EXPECT_EQ(request.span(1).at("endTimeUnixNano"), request.span(0).at("endTimeUnixNano"));

  Request passed_on;
  passed_on.context.status = 500;
  for (const std::size_t which : {0u, 1u}) {
    EXPECT_EQ(attribute(passed_on.span(which), "error.type"), "500");
    EXPECT_TRUE(passed_on.span(which).contains("status"));
  }
}

TEST(Spans, OfOurOwnEndpointsAreNamedAsInTheMetrics) {
  Request request;
  request.context.route = nullptr;
  request.context.endpoint = "login";
  request.context.upstream_asked = {};
  EXPECT_EQ(request.span(0, 1).at("name").as_string(), "GET @login");
  EXPECT_EQ(attribute(request.span(0, 1), "http.route"), "@login");
}

TEST(Spans, OfWhatWasNeverReadAreWholeToo) {
  Request request;
  request.context.route = nullptr;
  request.context.upstream_asked = {};
  std::string out;
  EXPECT_EQ(append_spans(out, request.context, nullptr, request.end), 1u);
  const json::object span = json::parse(out).as_object();
  EXPECT_EQ(span.at("name").as_string(), "HTTP");
  EXPECT_EQ(attribute(span, "http.request.method"), "_OTHER");
  EXPECT_EQ(attribute(span, "url.path"), "");
}

// O2
TEST(Spans, NeverHoldAQuery) { EXPECT_EQ(Request().text().find("ticket"), std::string::npos); }

TEST(Spans, KeepAHostilePathInItsPlace) {
  Request request;
  const std::string hostile = "/a\"}],\"kind\":9,\"\\\x01\xff\xc3";
  request.context.path = hostile;
  const json::object span = request.span(0);
  EXPECT_EQ(span.at("kind").as_int64(), 2);
  EXPECT_EQ(attribute(span, "url.path"), "/a\"}],\"kind\":9,\"\\\x01\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Spans, AreShortWhateverAStrangerSends) {
  Request request;
  const std::string path = "/" + std::string(1022, 'p') + "\xc3\xa4" + std::string(20'000, 'p');
  const std::string host(5'000, 'h'), method(3'000, 'M');
  request.context.path = path;
  request.head.host = host;
  request.head.method = method;
  const json::object span = request.span(0);
  EXPECT_EQ(attribute(span, "url.path"), path.substr(0, 1023)) << "no character is cut in two";
  EXPECT_EQ(attribute(span, "server.address").size(), 255u);
  EXPECT_EQ(attribute(span, "http.request.method"), "_OTHER");
  EXPECT_EQ(span.at("name").as_string(), "HTTP api.example.com/orders/");
  EXPECT_LT(request.text().size(), 4'000u);
}

TEST(SpanBatch, IsOneExportRequest) {
  EXPECT_EQ(
      span_batch("edge \"1\"", std::vector<std::string_view>{"{},{}", "{}"}),
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":)"
      R"({"stringValue":"edge \"1\""}}]},"scopeSpans":[{"scope":{"name":"sallyport","version":")" SALLYPORT_VERSION
      R"("},"spans":[{},{},{}]}]}]})");
}

TEST(SpanBatch, IsOfferedOnceMoreWhereTheCollectorSaysWhen) {
  EXPECT_EQ(pause_before_again(429, 2s, 1), 2s);
  EXPECT_EQ(pause_before_again(503, 30s, 1), 30s);
  EXPECT_FALSE(pause_before_again(503, 2s, 2)) << "once";
  EXPECT_FALSE(pause_before_again(503, 0s, 1)) << "it doesn't say when";
  EXPECT_FALSE(pause_before_again(503, 31s, 1)) << "too long to keep it";
  for (const unsigned status : {200u, 400u, 404u, 500u, 502u})
    EXPECT_FALSE(pause_before_again(status, 2s, 1)) << status;
}

}  // namespace
}  // namespace sallyport::gateway
