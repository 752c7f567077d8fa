// Forms and the proof of an OAuth client, without a gateway around.
#include "gateway/endpoints/oauth_client.hpp"

#include <gtest/gtest.h>

namespace sallyport::gateway::endpoints {
namespace {

TEST(Form, IsTakenApartAndDecoded) {
  const auto form = Form::parse("grant_type=password&username=a%2Bb&password=p+q%26r&empty=&flag&&scope=x");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->find("username"), "a+b");
  EXPECT_EQ(form->find("password"), "p q&r");
  EXPECT_EQ(form->find("empty"), std::nullopt);  // RFC 6749 3.2: as if it weren't there
  EXPECT_EQ(form->find("flag"), std::nullopt);
  EXPECT_EQ(form->find("scope"), "x");
  EXPECT_EQ(form->find("nothing"), std::nullopt);
}

TEST(Form, IsRefusedWhereItHasTwoMeanings) {
  std::string many;
  for (int i = 0; i < 33; ++i) many += "a" + std::to_string(i) + "=1&";
  for (const std::string& text : {std::string("a=1&a=2"), std::string("a=%"), std::string("a=%g0"),
                                  std::string("%zz=1"), std::string("a=%ff"), std::string("a=1&%61=2"), many})
    EXPECT_FALSE(Form::parse(text)) << text;
}

TEST(Form, IsKnownByItsContentType) {
  const auto says = [](std::string_view type, std::string_view encoding = "identity") {
    RequestHead head;
    head.fields.push_back({FieldId::content_type, "Content-Type", type});
    head.fields.push_back({FieldId::other, "Content-Encoding", encoding});
    return says_form(head);
  };
  EXPECT_TRUE(says("application/x-www-form-urlencoded"));
  EXPECT_TRUE(says("Application/X-WWW-Form-Urlencoded; charset=UTF-8"));
  EXPECT_FALSE(says("application/json"));
  EXPECT_FALSE(says("multipart/form-data; boundary=x"));
  EXPECT_FALSE(says("application/x-www-form-urlencoded", "gzip"));
  EXPECT_FALSE(says_form(RequestHead{}));
}

class Client : public ::testing::Test {
 protected:
  Client() {
    config::Client app;
    app.name = "app";
    config::Client shop;
    shop.name = "shop";
    shop.secret = {config::Secret("old+secret"), config::Secret("new secret")};
    clients_ = {app, shop};
  }
  boost::system::result<OAuthClient, OAuthFailure> check(std::string_view body,
                                                         std::vector<std::string_view> fields = {}) {
    return authenticate(clients_, fields, *Form::parse(body));
  }
  std::vector<config::Client> clients_;
};

TEST_F(Client, EitherSecretIsGoodWhileOneIsReplaced) {
  EXPECT_TRUE(check("client_id=shop&client_secret=old%2Bsecret"));
  EXPECT_TRUE(check("client_id=shop&client_secret=new+secret"));
  EXPECT_TRUE(check("", {"Basic c2hvcDpvbGQrc2VjcmV0"}));      // shop:old+secret, as curl sends it
  EXPECT_TRUE(check("", {"basic c2hvcDpvbGQlMkJzZWNyZXQ="}));  // shop:old%2Bsecret, as the RFC wants it
  EXPECT_FALSE(check("client_id=shop&client_secret=old+secret"));
  const auto proven = check("client_id=shop&client_secret=new+secret");
  EXPECT_TRUE(proven->proven);
  EXPECT_EQ(proven->id, "shop");
  const auto open = check("client_id=app");
  EXPECT_FALSE(open->proven);
  EXPECT_TRUE(open->may(config::Grant::password));
}

TEST_F(Client, IsRefusedWithTheRightWord) {
  struct Row {
    const char* body;
    std::vector<std::string_view> fields;
    unsigned status;
    const char* error;
  };
  const std::vector<Row> rows{
      {"", {}, 401, "invalid_client"},
      {"client_id=eve", {}, 401, "invalid_client"},
      {"client_id=shop", {}, 401, "invalid_client"},
      {"client_id=app&client_secret=x", {}, 401, "invalid_client"},
      {"", {"Basic !"}, 401, "invalid_client"},
      {"", {"Basic c2hvcA"}, 401, "invalid_client"},  // without padding
      {"", {"Digest x"}, 401, "invalid_client"},
      {"client_secret=x", {"Basic c2hvcDpvbGQrc2VjcmV0"}, 400, "invalid_request"},
      {"client_id=app", {"Basic c2hvcDpvbGQrc2VjcmV0"}, 400, "invalid_request"},
      {"", {"Basic YQ==", "Basic YQ=="}, 400, "invalid_request"},
  };
  for (const Row& row : rows) {
    const auto refused = check(row.body, row.fields);
    ASSERT_FALSE(refused) << row.body;
    EXPECT_EQ(refused.error().status, row.status) << row.body;
    EXPECT_EQ(refused.error().error, row.error) << row.body;
  }
}

TEST_F(Client, IsNobodyWhereNoneIsConfigured) {
  clients_.clear();
  const auto nobody = check("client_id=whatever");
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->id, "");
  EXPECT_FALSE(nobody->proven);
  EXPECT_FALSE(check("client_id=whatever&client_secret=x"));
}

TEST(OAuthFailure, SaysInvalidGrantOfWhateverIsWrongWithTheGrant) {
  using sessions::RefreshFailure;
  for (const RefreshFailure kind : {RefreshFailure::invalid, RefreshFailure::expired, RefreshFailure::idle,
                                    RefreshFailure::reused, RefreshFailure::superseded}) {
    const OAuthFailure failure = oauth_failure(failure_of(sessions::RefreshError{kind, {}}));
    EXPECT_EQ(failure.status, 400u);
    EXPECT_EQ(failure.error, "invalid_grant");
    EXPECT_EQ(failure.reason, sessions::to_string(kind));
  }
  const OAuthFailure store = oauth_failure(failure_of(StoreError{}));
  EXPECT_EQ(store.status, 503u);
  EXPECT_GT(store.retry_after.count(), 0);
}

}  // namespace
}  // namespace sallyport::gateway::endpoints
