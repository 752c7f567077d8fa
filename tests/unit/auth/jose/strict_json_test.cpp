// J5: JSON as a gateway reads it, over JSONTestSuite and over our own tightenings.
#include "auth/jose/strict_json.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "support.hpp"

namespace sallyport::jose {
namespace {

TEST(StrictJson, GivesTheVerdictsOfJsonTestSuite) {
  int accepted = 0, refused = 0, free_accepted = 0, free_refused = 0, on_purpose = 0;
  const std::filesystem::path folder =
      std::string(SALLYPORT_TEST_DATA) + "/vectors/json-test-suite/test_parsing";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool good =
        parse_strict_json(test::read_vector("json-test-suite/test_parsing/" + name)).has_value();
    if (name.starts_with("y_object_duplicated_")) {
      EXPECT_FALSE(good) << name;  // allowed by RFC 8259, but it has two meanings
      ++on_purpose;
    } else if (name.starts_with("y_")) {
      EXPECT_TRUE(good) << name;
      ++accepted;
    } else if (name.starts_with("n_")) {
      EXPECT_FALSE(good) << name;
      ++refused;
    } else {
      ++(good ? free_accepted : free_refused);
    }
  }
  std::cout << "JSONTestSuite: " << accepted << " y_ accepted, " << refused
            << " n_ refused, i_: " << free_accepted << " accepted and " << free_refused << " refused; "
            << on_purpose << " y_ refused on purpose (duplicate members)\n";
  EXPECT_GE(accepted, 90);
  EXPECT_GE(refused, 180);
  EXPECT_EQ(on_purpose, 2);
}

TEST(StrictJson, RefusesWhatHasTwoMeanings) {
  const std::pair<const char*, std::string> rows[] = {
      {"duplicate member", R"({"exp":1,"exp":2})"},
      {"duplicate by escape", R"({"exp":1,"\u0065xp":2})"},
      {"duplicate deep inside", R"({"a":[{"b":{"c":1,"d":2,"c":3}}]})"},
      {"duplicate of the empty name", R"({"":1,"":2})"},
      {"bytes behind", R"({} {})"},
      {"NUL behind", std::string("{}\0", 3)},
      {"comment", R"({/* */})"},
      {"trailing comma", R"({"a":1,})"},
      {"NaN", R"({"a":NaN})"},
      {"infinite", R"({"a":1e999})"},
      {"beyond 64 bits", R"({"a":18446744073709551616})"},
      {"below 64 bits", R"({"a":-9223372036854775809})"},
      {"overlong UTF-8", "\"\xc0\xaf\""},
      {"surrogate as UTF-8", "\"\xed\xa0\x80\""},
      {"lone surrogate", R"("\ud800")"},
      {"byte order mark", "\xef\xbb\xbf{}"},
      {"nothing", ""},
      {"blank", " "},
      {"incomplete", R"({"a":)"},
  };
  for (const auto& [name, text] : rows) EXPECT_FALSE(parse_strict_json(text)) << name;
}

TEST(StrictJson, NamesTheMemberThatIsThereTwice) {
  EXPECT_EQ(parse_strict_json(R"({"exp":1,"exp":2})").error(), "duplicate member \"exp\"");
}

TEST(StrictJson, FindsADuplicateAmongManyMembers) {
  std::string text = "{";
  for (int i = 0; i < 500; ++i) text += "\"m" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(parse_strict_json(text + "\"last\":0}"));
  EXPECT_FALSE(parse_strict_json(text + "\"m250\":0}"));
}

TEST(StrictJson, TellsEqualNamesOfDifferentObjectsApart) {
  EXPECT_TRUE(parse_strict_json(R"({"a":{"a":{"a":1},"b":2},"b":[{"a":1},{"a":1}]})"));
}

TEST(StrictJson, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_strict_json(nested(16)));
  EXPECT_FALSE(parse_strict_json(nested(17)));
  EXPECT_FALSE(parse_strict_json(nested(100), 1000));  // a wish beyond the limit is cut
}

TEST(StrictJson, ReadsTheLastBytesOfEachNumberKind) {
  EXPECT_EQ(parse_strict_json("18446744073709551615")->as_uint64(), 18446744073709551615u);
  EXPECT_EQ(parse_strict_json("-9223372036854775808")->as_int64(), INT64_MIN);
  EXPECT_EQ(parse_strict_json("1.5")->as_double(), 1.5);
}

TEST(StrictJson, AParserIsGoodAgainAfterARefusal) {
  StrictJsonParser parser;
  EXPECT_FALSE(parser.parse(R"({"a":{"b":1,"b":2}})"));
  EXPECT_FALSE(parser.parse(R"({"a":{"b":)"));
  const auto value = parser.parse(R"({"b":{"a":1}})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("b").at("a").as_int64(), 1);
}

}  // namespace
}  // namespace sallyport::jose
