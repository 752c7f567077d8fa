// One-time tickets: what is in one, and what isn't one.
#include "gateway/tickets.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace sallyport::gateway {
namespace {

UnixSeconds at(long long seconds) { return UnixSeconds(std::chrono::seconds(seconds)); }

std::vector<jose::MacKey> keys(char fill = 'k') {
  std::vector<jose::MacKey> made;
  made.push_back({std::string(8, fill), config::Secret(std::string(32, fill))});
  return made;
}

Ticket ticket() {
  auto claims = std::make_shared<jose::Claims>();
  claims->key_id = "thumb";
  claims->all = boost::json::parse(R"({"iss":"https://a.example","sub":"ada","jti":"t1","sid":"s1","gen":3,)"
                                   R"("iat":1000,"exp":1600,"roles":["clerk"],"tenant":"blue"})")
                    .as_object();
  Ticket made;
  made.path = "/live";
  made.expires = at(1030);
  made.nonce.fill(7);
  made.claims = claims;
  return made;
}

TEST(Ticket, CarriesTheClaimsOfTheTokenThatAskedForIt) {
  const auto mac_keys = keys();
  const std::string text = write_ticket(ticket(), mac_keys);
  EXPECT_LT(text.size(), 512u);
  const auto read = read_ticket(text, "/live", at(1029), {}, mac_keys);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->claims->subject, "ada");
  EXPECT_EQ(read->claims->session_id, "s1");
  EXPECT_EQ(read->claims->token_id, "t1");
  EXPECT_EQ(read->claims->generation, 3u);
  EXPECT_EQ(read->claims->key_id, "thumb");
  EXPECT_EQ(read->claims->expires, at(1600));
  EXPECT_EQ(read->claims->roles, std::vector<std::string>{"clerk"});
  EXPECT_NE(read->claims->find("tenant"), nullptr);
  EXPECT_TRUE(read->claims->own);
  EXPECT_EQ(read->nonce, ticket().nonce);
}

TEST(Ticket, IsForItsPathItsTimeAndOurKeysAlone) {
  const auto mac_keys = keys();
  const std::string text = write_ticket(ticket(), mac_keys);
  EXPECT_FALSE(read_ticket(text, "/other", at(1000), {}, mac_keys));
  EXPECT_FALSE(read_ticket(text, "/live", at(1030), {}, mac_keys));
  EXPECT_FALSE(read_ticket(text, "/live", at(1000), {}, keys('x')));
}

TEST(Ticket, IsRefusedWithAnyByteChangedOrMissing) {
  const auto mac_keys = keys();
  const std::string text = write_ticket(ticket(), mac_keys);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(read_ticket(changed, "/live", at(1000), {}, mac_keys)) << i;
    EXPECT_FALSE(read_ticket(text.substr(0, i), "/live", at(1000), {}, mac_keys)) << i;
  }
}

TEST(Ticket, IsNotWrittenWhereItsClaimsAreTooLarge) {
  auto claims = std::make_shared<jose::Claims>();
  claims->all["big"] = std::string(10'000, 'x');
  Ticket big = ticket();
  big.claims = claims;
  EXPECT_EQ(write_ticket(big, keys()), "");
}

TEST(TakeTicket, LeavesTheRestOfTheQueryAsItWas) {
  struct Row {
    std::string_view query, text, left;
  };
  for (const Row& row : {Row{"ticket=t1.x", "t1.x", ""}, Row{"a=1&ticket=t1.x&b=%20", "t1.x", "a=1&b=%20"},
                         Row{"ticket=t1.x&a", "t1.x", "a"}, Row{"a&&ticket=x", "x", "a&"},
                         Row{"ticket=x&ticket=y&z", "", "z"}, Row{"ticket", "", ""}}) {
    const auto taken = take_ticket(row.query);
    ASSERT_TRUE(taken) << row.query;
    EXPECT_EQ(taken->text, row.text) << row.query;
    EXPECT_EQ(taken->query, row.left) << row.query;
  }
  EXPECT_FALSE(take_ticket("tickets=1&my=ticket"));
  EXPECT_FALSE(take_ticket(""));
}

TEST(MayCarryATicket, AnUpgradeOrAGetForAnEventStream) {
  RequestHead head;
  head.method = "GET";
  EXPECT_FALSE(may_carry_ticket(head));
  head.fields = {{FieldId::accept, "Accept", "text/html, Text/Event-Stream;q=0.9"}};
  EXPECT_TRUE(may_carry_ticket(head));
  head.method = "POST";
  EXPECT_FALSE(may_carry_ticket(head));
  head.upgrade = true;
  EXPECT_TRUE(may_carry_ticket(head));
}

}  // namespace
}  // namespace sallyport::gateway
