// From a row of somebody else's table to a user.
#include "auth/stores/postgres/user_row.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/stores/postgres/connection.hpp"

namespace sallyport::stores::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Answer answer(std::vector<std::string> columns, std::vector<Row> rows) {
  return {std::move(columns), std::move(rows), 0};
}

TEST(UserRow, TakesEveryColumnForWhatItSays) {
  const auto user = user_of(
      answer({"id", "name", "password_hash", "email", "email_confirmed", "disabled", "roles", "claims.tenant",
              "profile.first_name"},
             {{"7", "Ada", "HASH", "ada@example.com", "f", "t", "{admin,\"two words\"}", "blue", "Ada"}}));
  ASSERT_TRUE(user) << user.error().text;
  ASSERT_TRUE(user->has_value());
  EXPECT_EQ((*user)->id, "7");
  EXPECT_EQ((*user)->name, "Ada");
  EXPECT_EQ((*user)->password_hash, "HASH");
  EXPECT_EQ((*user)->email, "ada@example.com");
  EXPECT_FALSE((*user)->email_confirmed);
  EXPECT_TRUE((*user)->disabled);
  EXPECT_THAT((*user)->roles, ElementsAre("admin", "two words"));
  EXPECT_EQ((*user)->claims.at("tenant"), "blue");
  EXPECT_EQ((*user)->profile.at("first_name"), "Ada");
}

TEST(UserRow, IsNobodyWhereThereIsNoRowAndTakesNullForNothing) {
  const auto nobody = user_of(answer({"id", "name", "password_hash"}, {}));
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(nobody->has_value());
  const auto user = user_of(answer({"id", "name", "password_hash", "email", "disabled", "roles"},
                                   {{"7", "ada", std::nullopt, std::nullopt, std::nullopt, std::nullopt}}));
  ASSERT_TRUE(user && user->has_value());
  EXPECT_EQ((*user)->password_hash, "");
  EXPECT_FALSE((*user)->disabled);
  EXPECT_TRUE((*user)->email_confirmed);
  EXPECT_THAT((*user)->roles, IsEmpty());
}

TEST(UserRow, SaysWhatIsWrongWithAQueryAndQuotesNoValue) {
  const std::vector<std::string> all{"id", "name", "password_hash"};
  EXPECT_THAT(user_of(answer({"id", "name"}, {})).error().text, HasSubstr("no column password_hash"));
  EXPECT_THAT(user_of(answer({"id", "name", "password_hash", "Email"}, {})).error().text,
              HasSubstr("the column Email"));
  EXPECT_THAT(user_of(answer(all, {{"1", "a", "h"}, {"2", "a", "h"}})).error().text, HasSubstr("2 rows"));
  EXPECT_THAT(user_of(answer(all, {{std::nullopt, "a", "h"}})).error().text, HasSubstr("no id"));
  const auto odd = user_of(answer({"id", "name", "password_hash", "disabled"}, {{"1", "a", "h", "secret"}}));
  EXPECT_THAT(odd.error().text, HasSubstr("the column disabled"));
  EXPECT_EQ(odd.error().text.find("secret"), std::string::npos);
}

TEST(UserRow, ReadsRolesFromAnArrayOrAList) {
  EXPECT_THAT(parse_roles("{}"), IsEmpty());
  EXPECT_THAT(parse_roles(""), IsEmpty());
  EXPECT_THAT(parse_roles("{a,NULL,\"NULL\",\"b \\\"c\\\\\",\"d,e\"}"),
              ElementsAre("a", "NULL", "b \"c\\", "d,e"));
  EXPECT_THAT(parse_roles("a, b c,,d"), ElementsAre("a", "b c", "d"));
}

TEST(Target, IsTakenFromAUrlOrFromWordsAndNeverQuotedInAMessage) {
  for (const char* url : {"postgresql://ada:secret@db.example:5433/shop",
                          "host=db.example port=5433 user=ada "
                          "password=secret dbname=shop"}) {
    const auto target = parse_target(url);
    ASSERT_TRUE(target) << target.error();
    std::map<std::string, std::string> words;
    for (std::size_t i = 0; i < target->keywords.size(); ++i) words[target->keywords[i]] = target->values[i];
    EXPECT_EQ(words["host"], "db.example");
    EXPECT_EQ(words["port"], "5433");
    EXPECT_EQ(words["password"], "secret");
    EXPECT_EQ(words["dbname"], "shop");
    EXPECT_EQ(words["gssencmode"], "disable");
  }
  const auto bad = parse_target("mysql://ada:secret@db");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::stores::postgres
