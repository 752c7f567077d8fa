// The JSON bodies of strangers: what is read, what is refused, and that every problem is named at once.
#include "gateway/endpoints/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace sallyport::gateway::endpoints {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

RequestHead head_with(std::vector<std::pair<std::string_view, std::string_view>> fields) {
  RequestHead head;
  for (const auto& [name, value] : fields)
    head.fields.push_back({name == "Content-Type" ? FieldId::content_type : FieldId::other, name, value});
  return head;
}

TEST(JsonBody, IsKnownByItsContentType) {
  struct Row {
    std::string_view name, value;
    bool json;
  };
  const std::vector<Row> rows{
      {"plain", "application/json", true},
      {"with charset", "application/json; charset=utf-8", true},
      {"in capitals", "Application/JSON;charset=UTF-8", true},
      {"with a quoted charset", "application/json; charset=\"utf-8\"", true},
      {"with nothing behind the semicolon", "application/json;", true},
      {"another charset", "application/json; charset=latin1", false},
      {"another parameter", "application/json; profile=x", false},
      {"a form", "application/x-www-form-urlencoded", false},
      {"a longer name", "application/jsonp", false},
      {"text", "text/plain", false},
      {"empty", "", false},
  };
  for (const Row& row : rows)
    EXPECT_EQ(says_json(head_with({{"Content-Type", row.value}})), row.json) << row.name;
}

TEST(JsonBody, IsNotKnownWithoutATypeWithTwoOrEncoded) {
  EXPECT_FALSE(says_json(head_with({})));
  EXPECT_FALSE(
      says_json(head_with({{"Content-Type", "application/json"}, {"Content-Type", "application/json"}})));
  EXPECT_FALSE(says_json(head_with({{"Content-Type", "application/json"}, {"content-encoding", "gzip"}})));
  EXPECT_TRUE(says_json(head_with({{"Content-Type", "application/json"}, {"Content-Encoding", "identity"}})));
}

TEST(JsonBody, IsRefusedUnlessItIsOneObjectOfOneMeaning) {
  struct Row {
    std::string_view name, text;
  };
  const std::vector<Row> rows{
      {"nothing", ""},
      {"an array", "[]"},
      {"a string", "\"x\""},
      {"half an object", "{\"a\":"},
      {"two objects", "{}{}"},
      {"a member twice", R"({"username":"a","username":"b"})"},
      {"a trailing comma", R"({"a":1,})"},
      {"bytes that are no UTF-8", "{\"a\":\"\xff\"}"},
      {"too deep", R"({"a":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]})"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_object(row.text);
    ASSERT_FALSE(parsed) << row.name;
    EXPECT_FALSE(parsed.error().empty()) << row.name;
  }
}

TEST(Fields, AreTakenAsTextAndUnknownOnesIgnored) {
  const auto object = parse_object(R"({"username":"ada","password":"pw","device":null,"more":[1,2]})");
  ASSERT_TRUE(object);
  const Dialect dialect;
  Fields fields(*object, dialect);
  EXPECT_EQ(fields.required("username"), "ada");
  EXPECT_EQ(fields.required_secret("password").reveal(), "pw");
  EXPECT_EQ(fields.optional("device"), std::nullopt);
  EXPECT_EQ(fields.optional("absent"), std::nullopt);
  EXPECT_TRUE(fields.optional_secret("absent").empty());
  EXPECT_TRUE(fields.good());
}

TEST(Fields, NameEveryMissingAndEveryWrongOne) {
  const auto object = parse_object(R"({"password":7,"device":{},"token":null})");
  ASSERT_TRUE(object);
  const Dialect dialect;
  Fields fields(*object, dialect);
  EXPECT_EQ(fields.required("username"), "");
  EXPECT_TRUE(fields.required_secret("password").empty());
  EXPECT_EQ(fields.optional("device"), std::nullopt);
  EXPECT_EQ(fields.required("token"), "");
  EXPECT_FALSE(fields.good());
  EXPECT_THAT(fields.problems(), ElementsAre(Pair("device", ElementsAre("This field must be a string.")),
                                             Pair("password", ElementsAre("This field must be a string.")),
                                             Pair("token", ElementsAre("This field is required.")),
                                             Pair("username", ElementsAre("This field is required."))));
}

TEST(Fields, KeepAPasswordWithEscapesAndNulsWhole) {
  const auto object = parse_object(R"({"password":"a\u0000b\u00e9"})");
  ASSERT_TRUE(object);
  const Dialect dialect;
  Fields fields(*object, dialect);
  EXPECT_EQ(fields.required_secret("password").reveal(),
            std::string_view("a\0b\xc3\xa9", 5));  // S10: refused later
}

}  // namespace
}  // namespace sallyport::gateway::endpoints
