// What a logout is about is said once and in one of three words.
#include "gateway/endpoints/scope.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "gateway/endpoints/endpoints.hpp"

namespace sallyport::gateway::endpoints {
namespace {

TEST(LogoutScope, IsReadFromTheQuery) {
  struct Row {
    std::string_view query;
    std::optional<LogoutScope> scope;
  };
  const std::vector<Row> rows{
      {"", LogoutScope::self},
      {"scope=this", LogoutScope::self},
      {"scope=others", LogoutScope::others},
      {"x=1&scope=all&y", LogoutScope::all},
      {"scopes=all", LogoutScope::self},
      {"x=scope=all", LogoutScope::self},
      {"scope", std::nullopt},
      {"scope=", std::nullopt},
      {"scope=ALL", std::nullopt},
      {"scope=all%20", std::nullopt},
      {"scope=this&scope=all", std::nullopt},
      {"scope=all&scope=all", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(logout_scope(row.query), row.scope) << row.query;
}

TEST(LogoutScope, IsNamedAsItWasSaid) {
  for (const std::string_view word : {"this", "others", "all"})
    EXPECT_EQ(to_string(*logout_scope("scope=" + std::string(word))), word);
}

TEST(Endpoints, NeedALiveTokenExceptWhereATokenIsWhatTheyGiveOrJudge) {
  using E = OwnEndpoint;
  for (const E open : {E::register_, E::login, E::refresh, E::logout, E::verify, E::token, E::revoke,
                       E::introspect, E::jwks, E::metadata})
    EXPECT_TRUE(needs_no_token(open)) << static_cast<int>(open);
  for (const E closed : {E::sessions, E::session, E::password, E::me, E::ticket})
    EXPECT_FALSE(needs_no_token(closed)) << static_cast<int>(closed);
}

}  // namespace
}  // namespace sallyport::gateway::endpoints
