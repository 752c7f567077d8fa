// The rules for a new password (S3.8, S4.2).
#include "auth/users/password_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::users {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PasswordPolicy, AsksOnlyForLengthByDefault) {
  EXPECT_THAT(password_problems({}, "correct horse", "ada"), IsEmpty());
  EXPECT_THAT(password_problems({}, "short", "ada"), ElementsAre(HasSubstr("at least 12")));
  EXPECT_THAT(password_problems({}, std::string(129, 'x'), "ada"), ElementsAre(HasSubstr("at most 128")));
}

TEST(PasswordPolicy, CountsCharactersNotBytes) {
  config::PasswordPolicy policy;
  policy.min_length = 8;
  EXPECT_THAT(password_problems(policy, "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F", "ada"),
              ElementsAre(HasSubstr("at least 8")));
}

TEST(PasswordPolicy, NamesEveryRuleThatIsBroken) {
  const config::PasswordPolicy policy{
      .min_length = 6, .max_length = 128, .upper = true, .lower = true, .digit = true, .symbol = true};
  EXPECT_THAT(password_problems(policy, "     ", "ada"),
              ElementsAre(HasSubstr("at least 6"), HasSubstr("upper case"), HasSubstr("lower case"),
                          HasSubstr("digit")));
  EXPECT_THAT(password_problems(policy, "abcDEF", "ada"),
              ElementsAre(HasSubstr("digit"), HasSubstr("symbol")));
  EXPECT_THAT(password_problems(policy, "abcDE1!", "ada"), IsEmpty());
}

TEST(PasswordPolicy, NeverAllowsMoreThanCanBeHashed) {
  const config::PasswordPolicy policy{.min_length = 6, .max_length = 100000};
  EXPECT_THAT(password_problems(policy, std::string(129, 'x'), "ada"), ElementsAre(HasSubstr("at most 128")));
}

TEST(PasswordPolicy, RefusesControlCharactersBrokenTextAndTheUsersName) {
  EXPECT_THAT(password_problems({}, "correct\thorse staple", "ada"), ElementsAre(HasSubstr("control")));
  EXPECT_THAT(password_problems({}, "correct horse \xFF", "ada"), ElementsAre(HasSubstr("UTF-8")));
  EXPECT_THAT(password_problems({}, "Ada@Example.com", "ada@example.com"),
              ElementsAre(HasSubstr("user name")));
}

}  // namespace
}  // namespace sallyport::users
