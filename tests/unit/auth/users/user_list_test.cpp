// What a file with users may say, and what is told of one that says it wrongly.
#include "auth/users/user_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::users {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* kHash = "$2b$05$qnZba8lCXL55A8ZuHliknuSsP00/eFGawxeS33iJOYQXy4xw.zPVq";
const config::NewUser kFresh{{"user"}, {{"tenant", "default"}}};

std::shared_ptr<const UserList> parsed(std::string text, const std::string& path) {
  auto list = parse_user_list(text, path, kFresh);
  EXPECT_TRUE(list) << (list ? "" : list.error().front());
  return list ? *list : std::make_shared<const UserList>();
}

std::vector<std::string> problems(std::string text, const std::string& path) {
  auto list = parse_user_list(text, path, kFresh);
  return list ? std::vector<std::string>{} : list.error();
}

TEST(UserList, ReadsAllThatAUserMayHaveFromYaml) {
  const auto list =
      parsed(std::string("users:\n") + "  - name: Ada\n    id: \"7\"\n    password_hash: " + kHash +
                 "\n    email: ada@example.com\n    email_confirmed: false\n    disabled: true\n"
                 "    roles: [admin, clerk]\n    claims: {tenant: blue}\n    profile: {first_name: Ada}\n",
             "users.yaml");
  const User* ada = list->find_by_name("aDA");
  ASSERT_NE(ada, nullptr);
  EXPECT_EQ(ada, list->find_by_id("7"));
  EXPECT_EQ(ada->password_hash, kHash);
  EXPECT_EQ(ada->email, "ada@example.com");
  EXPECT_FALSE(ada->email_confirmed);
  EXPECT_TRUE(ada->disabled);
  EXPECT_THAT(ada->roles, ElementsAre("admin", "clerk"));
  EXPECT_THAT(ada->claims, UnorderedElementsAre(Pair("tenant", "blue")));
  EXPECT_THAT(ada->profile, UnorderedElementsAre(Pair("first_name", "Ada")));
}

TEST(UserList, GivesAUserWhoSaysNothingMoreTheRolesAndClaimsOfNewUsers) {
  for (const auto& [text, path] :
       {std::pair(std::string("# staff\r\n\nada:") + kHash + "\r\n", "users.htpasswd"),
        std::pair(std::string("users: [{name: ada, password_hash: ") + kHash + "}]", "users.yml")}) {
    const auto list = parsed(text, path);
    const User* ada = list->find_by_name("ada");
    ASSERT_NE(ada, nullptr) << path;
    EXPECT_EQ(ada->id, "ada");
    EXPECT_TRUE(ada->email_confirmed);
    EXPECT_THAT(ada->roles, ElementsAre("user"));
    EXPECT_THAT(ada->claims, UnorderedElementsAre(Pair("tenant", "default")));
  }
}

TEST(UserList, TellsEveryProblemWithItsPlaceAndNoHash) {
  const auto found = problems(
      std::string("ada:") + kHash + "\nnobody\nADA:" + kHash + "\neve:{SHA}secret\n:x\n", "/etc/users");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_THAT(found[0], HasSubstr("/etc/users:2:1: a line is name:hash"));
  EXPECT_THAT(found[1], HasSubstr("/etc/users:3:1: another user has this name"));
  EXPECT_THAT(found[2], HasSubstr("/etc/users:4:1: the password hash of this user is none that we know"));
  EXPECT_THAT(found[3], HasSubstr("/etc/users:5:1: a name must be"));
  for (const std::string& problem : found) EXPECT_EQ(problem.find("secret"), problem.npos);
}

TEST(UserList, TellsUnknownKeysAndMissingOnesOfYaml) {
  const auto found = problems("users:\n  - name: ada\n    pasword_hash: x\n", "users.yaml");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0], HasSubstr("users.yaml:2:5: users[0]: \"password_hash\" is missing"));
  EXPECT_THAT(found[1], HasSubstr("users.yaml:3:5: "));
  EXPECT_THAT(found[1], HasSubstr("pasword_hash"));
}

TEST(UserList, PagesInTheOrderOfIds) {
  const auto list = parsed(std::string("b:") + kHash + "\na:" + kHash + "\nc:" + kHash + "\n", "users");
  ASSERT_EQ(list->after("", 2).size(), 2u);
  EXPECT_EQ(list->after("", 2).back().id, "b");
  ASSERT_EQ(list->after("b", 2).size(), 1u);
  EXPECT_EQ(list->after("b", 2).front().id, "c");
}

}  // namespace
}  // namespace sallyport::users
