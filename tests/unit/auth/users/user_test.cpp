// Names: one meaning on every host, one spelling per person.
#include "auth/users/user.hpp"

#include <gtest/gtest.h>

#include "auth/users/text.hpp"

namespace sallyport::users {
namespace {

TEST(UserName, FoldsAsciiLettersOnly) {
  EXPECT_EQ(folded_name("Ada.Lovelace@Example.COM"), "ada.lovelace@example.com");
  EXPECT_EQ(folded_name("\xC3\x84"), "\xC3\x84");
}

TEST(UserName, AllowsLettersDigitsAndFewSigns) {
  for (const char* name : {"a", "ada", "Ada_Lovelace-1", "ada+test@example.com", "007"})
    EXPECT_TRUE(valid_name(name)) << name;
  EXPECT_TRUE(valid_name(std::string(64, 'x')));
}

TEST(UserName, RefusesWhatCouldBeTakenForAnother) {
  using namespace std::string_view_literals;
  for (const auto name : {""sv, " ada"sv, "ada "sv, "a\0b"sv, "a\nb"sv, "ad\xC3\xA4"sv,
                          "\xD0\xB0"
                          "da"sv,
                          "a/b"sv, "a:b"sv, "{a}"sv}) {
    EXPECT_FALSE(valid_name(name)) << name;
  }
  EXPECT_FALSE(valid_name(std::string(65, 'x')));
}

TEST(Text, CountsCharactersOfValidUtf8) {
  EXPECT_EQ(count_characters("\xC3\xA4"), 1u);
  EXPECT_EQ(count_characters("a\xE2\x82\xAC\xF0\x9F\x94\x91"), 3u);
  EXPECT_EQ(count_characters(""), 0u);
}

TEST(Text, RefusesWhatIsNoUtf8) {
  for (const char* text : {"\x80", "\xC0\x80", "\xC3", "\xED\xA0\x80", "\xE0\x80\x80", "\xF4\x90\x80\x80",
                           "\xF0\x80\x80\x80", "\xFF", "\xE2\x82"}) {
    EXPECT_FALSE(count_characters(text)) << testing::PrintToString(text);
  }
}

TEST(Text, SeesControlCharactersOfEachKind) {
  using namespace std::string_view_literals;
  for (const auto text : {"a\0"sv, "a\x1F"sv, "\x7F"sv, "\xC2\x80"sv, "\xC2\x9F"sv})
    EXPECT_TRUE(has_control(text));
  for (const auto text : {"a b"sv, "\xC2\xA0"sv, "\xC3\x80"sv, "\xE2\x82\xAC"sv})
    EXPECT_FALSE(has_control(text));
}

}  // namespace
}  // namespace sallyport::users
