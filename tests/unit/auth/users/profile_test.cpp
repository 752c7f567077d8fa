// What a profile field takes, kind by kind (S4.2).
#include "auth/users/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::users {
namespace {

using config::ProfileKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Row {
  const char* value;
  bool good;
};

void judge(ProfileKind kind, std::initializer_list<Row> rows) {
  config::ProfileField field;
  field.kind = kind;
  for (const Row& row : rows) EXPECT_EQ(profile_problems(field, row.value).empty(), row.good) << row.value;
}

TEST(ProfileValues, OfADateAreDaysThatThereAre) {
  judge(ProfileKind::date, {{"1990-12-31", true},
                            {"2024-02-29", true},
                            {"2023-02-29", false},
                            {"1990-13-01", false},
                            {"1990-00-10", false},
                            {"31.12.1990", false},
                            {"1990-1-1", false},
                            {"1990-12-31T00:00", false},
                            {"199x-12-31", false}});
}

TEST(ProfileValues, OfANumberAreWrittenAsJsonDoes) {
  judge(ProfileKind::number, {{"0", true},
                              {"-12", true},
                              {"3.50", true},
                              {"007", false},
                              {"1e9", false},
                              {".5", false},
                              {"5.", false},
                              {"-", false},
                              {"1,5", false},
                              {"NaN", false},
                              {"1234567890123456789012345678901", false}});
}

TEST(ProfileValues, OfAPhoneHaveFourToFifteenDigits) {
  judge(ProfileKind::phone, {{"+49 (30) 123-456", true},
                             {"112", false},
                             {"1120", true},
                             {"123456789012345", true},
                             {"1234567890123456", false},
                             {"+49+30123", false},
                             {"call me", false},
                             {"12345;ext=1", false}});
}

TEST(ProfileValues, OfAnAddressHaveTwoParts) {
  judge(ProfileKind::email, {{"ada@example.com", true}, {"ada", false}, {"a@b@c", false}, {"a b@c", false}});
}

TEST(ProfileValues, AreTextOfTheCharactersAndTheLengthThatAreAllowed) {
  config::ProfileField field;
  field.characters = "A-Za-z0-9_-";
  field.min_length = 3;
  field.max_length = 5;
  EXPECT_THAT(profile_problems(field, "a_-9"), IsEmpty());
  EXPECT_THAT(profile_problems(field, "a b"), ElementsAre("The value must be made of A-Za-z0-9_- only."));
  EXPECT_THAT(profile_problems(field, "!"), ElementsAre(HasSubstr("at least 3"), HasSubstr("made of")));
  EXPECT_THAT(profile_problems(field, "abcdef"), ElementsAre(HasSubstr("at most 5")));
  field.characters.clear();
  EXPECT_THAT(profile_problems(field, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"),
              IsEmpty());  // characters, not bytes
  EXPECT_THAT(profile_problems(field,
                               "a\x01"
                               "b"),
              ElementsAre(HasSubstr("control")));
  EXPECT_THAT(profile_problems(field,
                               "a\xff"
                               "b"),
              ElementsAre(HasSubstr("must be text")));
}

TEST(ProfileValues, AreOneOfTheListWhereThereIsOne) {
  config::ProfileField field;
  field.values = {"S", "M"};
  EXPECT_THAT(profile_problems(field, "M"), IsEmpty());
  EXPECT_THAT(profile_problems(field, "m"), ElementsAre("The value must be one of S, M."));
}

}  // namespace
}  // namespace sallyport::users
