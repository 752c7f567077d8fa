// Which request may leave HTTP, and which 101 is an answer to it.
#include "gateway/http1/upgrade.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::http1 {
namespace {

using gateway::Field;
using gateway::FieldId;
using gateway::RequestHead;
using gateway::ResponseHead;

RequestHead websocket_request() {
  RequestHead head;
  head.method = "GET";
  head.upgrade = true;
  head.fields = {{FieldId::upgrade, "Upgrade", "websocket"},
                 {FieldId::sec_websocket_version, "Sec-WebSocket-Version", "13"},
                 {FieldId::sec_websocket_key, "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  return head;
}

TEST(Upgrade, OpensAWebSocketThatAsksAsRfc6455Says) {
  const Upgrade upgrade = wanted_upgrade(websocket_request(), {});
  EXPECT_EQ(upgrade.protocol, "websocket");
  EXPECT_TRUE(upgrade.websocket);
  EXPECT_EQ(upgrade.refusal, 0u);
}

TEST(Upgrade, RefusesAWebSocketThatCouldNotBeOpened) {
  struct Row {
    const char* name;
    void (*spoil)(RequestHead&);
    unsigned status;
  };
  const std::vector<Row> rows = {
      {"POST", [](RequestHead& h) { h.method = "POST"; }, 400},
      {"HTTP/1.0", [](RequestHead& h) { h.version = gateway::Version::http10; }, 400},
      {"a body", [](RequestHead& h) { h.framing = gateway::Framing::length; }, 400},
      {"no key", [](RequestHead& h) { h.fields.pop_back(); }, 400},
      {"a bad key", [](RequestHead& h) { h.fields.back().value = "short"; }, 400},
      {"two keys", [](RequestHead& h) { h.fields.push_back(Field(h.fields.back())); }, 400},
      {"version 8", [](RequestHead& h) { h.fields[1].value = "8"; }, 426},
      {"no version", [](RequestHead& h) { h.fields.erase(h.fields.begin() + 1); }, 426},
      {"two versions", [](RequestHead& h) { h.fields.push_back(Field(h.fields[1])); }, 426}};
  for (const Row& row : rows) {
    RequestHead head = websocket_request();
    row.spoil(head);
    const Upgrade upgrade = wanted_upgrade(head, {});
    EXPECT_EQ(upgrade.refusal, row.status) << row.name;
    EXPECT_EQ(upgrade.protocol, "") << row.name;
  }
}

TEST(Upgrade, LetsOtherProtocolsThroughByTheRoutesListOnly) {
  RequestHead head = websocket_request();
  head.fields[0].value = "acme/2, other";
  EXPECT_EQ(wanted_upgrade(head, {}).protocol, "");
  EXPECT_EQ(wanted_upgrade(head, {}).refusal, 0u);
  const std::vector<std::string> allowed{"acme/2"};
  EXPECT_EQ(wanted_upgrade(head, allowed).protocol, "acme/2");
  EXPECT_FALSE(wanted_upgrade(head, allowed).websocket);
}

TEST(Upgrade, NeverSwitchesToH2c) {
  RequestHead head = websocket_request();
  head.fields[0].value = "h2c";
  const std::vector<std::string> allowed{"h2c", "H2C"};
  EXPECT_EQ(wanted_upgrade(head, allowed).protocol, "");
}

TEST(Upgrade, NeedsConnectionToNameIt) {
  RequestHead head = websocket_request();
  head.upgrade = false;
  EXPECT_EQ(wanted_upgrade(head, {}).protocol, "");
  EXPECT_EQ(wanted_upgrade(head, {}).refusal, 0u);
}

TEST(Upgrade, TakesA101OnlyForTheProtocolThatWasAsked) {
  const auto answers = [](unsigned status, std::vector<Field> fields) {
    ResponseHead head;
    head.status = status;
    head.fields = std::move(fields);
    return switches_to(head, "websocket");
  };
  const Field asked{FieldId::upgrade, "Upgrade", "WebSocket"};
  const Field other{FieldId::upgrade, "Upgrade", "h2c"};
  EXPECT_TRUE(answers(101, {asked}));
  EXPECT_FALSE(answers(101, {}));
  EXPECT_FALSE(answers(101, {other}));
  EXPECT_FALSE(answers(101, {asked, other}));
  EXPECT_FALSE(answers(200, {asked}));
}

}  // namespace
}  // namespace sallyport::http1
