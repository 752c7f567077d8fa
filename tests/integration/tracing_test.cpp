// Spans for a collector, by the real gateway: they join with what the upstream saw, an unsampled request
// leaves none, and a collector that is gone or busy harms nobody.
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <atomic>

#include "tests/integration/proxy_world.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

namespace json = boost::json;

constexpr const char* kTrace = "0af7651916cd43dd8448eb211c80319c";
constexpr const char* kCaller = "b7ad6b7169203331";
constexpr const char* kKey = "an-api-key-that-nobody-sees";

std::string traceparent(const char* flags) {
  return std::string("00-") + kTrace + "-" + kCaller + "-" + flags;
}

class Tracing : public ::testing::Test {
 protected:
  std::string yaml(const std::string& endpoint, const std::string& sample) const {
    return proxy_config(upstream_.url(),
                        "admin: {address: \"127.0.0.1:" + std::to_string(admin_port_) +
                            "\", token: the-admin-token-of-the-test}\ntracing: {endpoint: \"" + endpoint +
                            "\", sample: " + sample + ", service: edge, headers: {X-Key: " + kKey + "}}\n");
  }
  void start(const std::string& endpoint, const std::string& sample = "0") {
    gateway_ = std::make_unique<GatewayProcess>(SALLYPORT_BINARY, yaml(endpoint, sample));
  }
  Response get(const std::string& target, const Headers& headers = {}) const {
    return HttpClient(gateway_->port()).get(target, headers);
  }
  // sallyport_spans_total of this outcome.
  double counted(const std::string& outcome) const {
    const std::string text = HttpClient(admin_port_).get("/metrics").body;
    const std::string name = "sallyport_spans_total{outcome=\"" + outcome + "\"} ";
    const std::size_t at = text.find(name);
    return at == text.npos ? -1 : std::stod(text.substr(at + name.size()));
  }
  bool wait_until_counted(const std::string& outcome, double count) const {
    return poll_until([&] { return counted(outcome) >= count; });
  }
  // Every span that the collector was sent, in their order.
  std::vector<json::object> spans() const {
    std::vector<json::object> all;
    for (const RecordedRequest& request : collector_.requests("/v1/traces")) {
      const json::value document = json::parse(request.body);
      for (const json::value& resource : document.at("resourceSpans").as_array())
        for (const json::value& scope : resource.at("scopeSpans").as_array())
          for (const json::value& span : scope.at("spans").as_array()) all.push_back(span.as_object());
    }
    return all;
  }

  Origin upstream_, collector_;
  std::uint16_t admin_port_ = free_port();
  std::unique_ptr<GatewayProcess> gateway_;
};

std::string member(const json::object& span, const char* name) {
  const json::value* value = span.if_contains(name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

TEST_F(Tracing, ASampledRequestGivesTwoSpansThatJoinWithTheUpstreams) {
  start(collector_.url() + "/v1/traces");
  EXPECT_EQ(get("/orders/7?ticket=secret", {{"traceparent", traceparent("01")}}).status, 200);
  ASSERT_TRUE(wait_until_counted("sent", 2));
  const std::vector<json::object> all = spans();
  ASSERT_EQ(all.size(), 2u);
  for (const json::object& span : all) EXPECT_EQ(member(span, "traceId"), kTrace);
  EXPECT_EQ(member(all[0], "parentSpanId"), kCaller);
  EXPECT_EQ(member(all[1], "parentSpanId"), member(all[0], "spanId"));
  EXPECT_EQ(upstream_.last().headers.all("traceparent"),
            std::vector<std::string>{std::string("00-") + kTrace + "-" + member(all[1], "spanId") + "-01"});
  const RecordedRequest sent = collector_.last();
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(sent.headers.get("X-Key"), kKey);
  EXPECT_NE(sent.body.find(R"({"key":"service.name","value":{"stringValue":"edge"}})"), std::string::npos);
  EXPECT_EQ(sent.body.find("secret"), std::string::npos);
  EXPECT_EQ(gateway_->stop(), 0);
  EXPECT_NE(gateway_->access_log().find(std::string(R"("trace_id":")") + kTrace), std::string::npos);
  EXPECT_EQ((gateway_->access_log() + gateway_->log()).find(kKey), std::string::npos);
}

TEST_F(Tracing, AnUnsampledRequestGivesNoneAndItsTraceparentGoesOnAsItCame) {
  start(collector_.url() + "/v1/traces", "1");
  EXPECT_EQ(get("/quiet", {{"traceparent", traceparent("00")}}).status, 200);
  EXPECT_EQ(upstream_.last().headers.get("traceparent"), traceparent("00"));
  EXPECT_EQ(get("/told").status, 200);  // handed over behind it
  ASSERT_TRUE(wait_until_counted("sent", 2));
  const std::vector<json::object> all = spans();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(member(all[0], "parentSpanId"), "") << "the trace begins here";
  EXPECT_EQ(upstream_.last().headers.get("traceparent"),
            "00-" + member(all[0], "traceId") + "-" + member(all[1], "spanId") + "-01");
}

TEST_F(Tracing, ACollectorThatIsGoneHarmsNobodyAndIsCounted) {
  start("http://127.0.0.1:" + std::to_string(free_port()) + "/v1/traces", "1");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get("/").status, 200);
  ASSERT_TRUE(wait_until_counted("failed", 40));
  EXPECT_EQ(counted("sent"), 0);
  EXPECT_TRUE(gateway_->wait_for_log("tracing.endpoint: cannot connect"));
}

TEST_F(Tracing, ABusyCollectorGetsABatchOnceMoreWhenItSaysWhen) {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  collector_.on("/v1/traces", [calls](Exchange& exchange) {
    exchange.send((*calls)++ == 0 ? "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
                                  : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  });
  start(collector_.url() + "/v1/traces", "1");
  EXPECT_EQ(get("/").status, 200);
  ASSERT_TRUE(wait_until_counted("sent", 2));
  const std::vector<RecordedRequest> requests = collector_.requests("/v1/traces");
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_EQ(counted("failed"), 0);
}

TEST_F(Tracing, WhatWaitsAtTheEndIsSentAndACollectorThatHangsDoesNotHoldItUp) {
  start(collector_.url() + "/v1/traces", "1");
  EXPECT_EQ(get("/").status, 200);
  EXPECT_EQ(gateway_->stop(), 0);
  EXPECT_EQ(spans().size(), 2u);

  auto gate = std::make_shared<Gate>();
  Answer held;
  held.before_head = gate;
  collector_.on("/v1/traces", held);
  gateway_->start();
  EXPECT_EQ(get("/").status, 200);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(gateway_->stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4)) << "its timeout is 5 s";
  gate->open();
}

TEST_F(Tracing, AReloadTakesAnotherCollectorAndSwitchesItOff) {
  start(collector_.url() + "/v1/traces", "1");
  const auto reload = [&](const std::string& text) {
    gateway_->write_config(text);
    return HttpClient(admin_port_)
        .call("POST", "/admin/reload",
              {{"Host", "127.0.0.1"}, {"Authorization", "Bearer the-admin-token-of-the-test"}})
        .status;
  };
  Origin other;
  ASSERT_EQ(reload(yaml(other.url() + "/elsewhere", "1")), 200);
  EXPECT_EQ(get("/").status, 200);
  ASSERT_TRUE(wait_until_counted("sent", 2));
  EXPECT_EQ(other.requests("/elsewhere").size(), 1u);
  EXPECT_TRUE(collector_.requests().empty());

  const std::string before = yaml(other.url() + "/elsewhere", "1");
  ASSERT_EQ(reload(before.substr(0, before.find("tracing:"))), 200);
  EXPECT_EQ(get("/", {{"traceparent", traceparent("01")}}).status, 200);
  EXPECT_EQ(upstream_.last().headers.get("traceparent"), traceparent("01")) << "as it came";
}

}  // namespace
}  // namespace sallyport::testing
