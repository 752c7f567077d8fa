// What the webhook gets, when it gets it again, and how its receiver knows us.
#include "gateway/messages.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace sallyport::gateway {
namespace {

using namespace std::chrono_literals;

TEST(LinkTo, PutsTheTokenWhereThePageWantsIt) {
  EXPECT_EQ(link_to("https://a.example/reset", "T"), "https://a.example/reset?token=T");
  EXPECT_EQ(link_to("https://a.example/reset?lang=de", "T"), "https://a.example/reset?lang=de&token=T");
  EXPECT_EQ(link_to("https://a.example/#/reset", "T"), "https://a.example/?token=T#/reset");
  EXPECT_EQ(link_to("https://a.example/#/a?b", "T"), "https://a.example/?token=T#/a?b");
  EXPECT_EQ(link_to("https://a.example/r/{token}/now", "T"), "https://a.example/r/T/now");
  EXPECT_EQ(link_to("https://a.example/#t={token}", "T"), "https://a.example/#t=T");
}

Message message() {
  return {"reset_password",           "m1", "u1", "ada\"", "ada@example.com", config::Secret("T"),
          UnixSeconds(1'700'000'000s)};
}

TEST(MessageJson, SaysWhatTheMailNeeds) {
  EXPECT_EQ(boost::json::parse(message_json(message(), "https://a.example/").reveal()),
            boost::json::parse(R"({
    "event": "reset_password", "id": "m1", "user_id": "u1", "username": "ada\"", "email": "ada@example.com",
    "token": "T", "link": "https://a.example/?token=T", "expires": "2023-11-14T22:13:20Z"})"));
  EXPECT_EQ(message_json(message(), "").reveal().find("link"), std::string_view::npos);
}

// Computed by: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
TEST(MessageSignature, CoversTheTimeAndTheBody) {
  const config::Secret secret("secret");
  const std::string signature = message_signature(secret, UnixSeconds(1'700'000'000s), R"({"a":1})");
  EXPECT_EQ(signature, "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686");
  EXPECT_NE(signature, message_signature(secret, UnixSeconds(1'700'000'000s), R"({"a":2})"));
  EXPECT_NE(signature.substr(13),
            message_signature(secret, UnixSeconds(1'700'000'001s), R"({"a":1})").substr(13));
  EXPECT_NE(signature, message_signature(config::Secret("other"), UnixSeconds(1'700'000'000s), R"({"a":1})"));
}

TEST(Delivery, IsTriedAgainWhereAnotherTimeMayBeBetter) {
  for (const unsigned status : {200u, 202u, 204u})
    EXPECT_EQ(judge_delivery(status), Delivery::done) << status;
  for (const unsigned status : {0u, 408u, 425u, 429u, 500u, 503u})
    EXPECT_EQ(judge_delivery(status), Delivery::again) << status;
  for (const unsigned status : {301u, 400u, 401u, 404u, 413u, 422u})
    EXPECT_EQ(judge_delivery(status), Delivery::never) << status;
}

TEST(Delivery, PausesLongerAndLongerAndNeverForHours) {
  EXPECT_EQ(pause_after(1, 0), 1s);
  EXPECT_EQ(pause_after(2, 0), 2s);
  EXPECT_EQ(pause_after(5, 0), 16s);
  EXPECT_EQ(pause_after(5, 1), 8s);
  EXPECT_EQ(pause_after(60, 0), 5min);
}

}  // namespace
}  // namespace sallyport::gateway
