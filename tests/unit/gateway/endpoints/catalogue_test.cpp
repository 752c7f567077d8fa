// The table of endpoints holds each of them once, with what router, acts and document need.
#include "gateway/endpoints/catalogue.hpp"

#include <gtest/gtest.h>

#include <set>

#include "gateway/endpoints/endpoints.hpp"

namespace sallyport::gateway::endpoints {
namespace {

TEST(Catalogue, HoldsEveryEndpointOnce) {
  std::set<OwnEndpoint> seen;
  std::set<std::string_view> names;
  for (const Entry& entry : catalogue()) {
    EXPECT_TRUE(seen.insert(entry.endpoint).second) << entry.name;
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(&entry_of(entry.endpoint), &entry);
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    EXPECT_EQ(entry.request.empty(), entry.body == BodyKind::none) << entry.name;
    EXPECT_TRUE(entry.success != 204 || entry.response.empty()) << entry.name;
  }
  // The last enumerator: whoever adds one adds its row.
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(OwnEndpoint::account_style) + 1);
}

TEST(Catalogue, KnowsWhereTheConfigurationHasThem) {
  config::Config config;
  config.auth.endpoints.sessions = "/auth/sessions";
  EXPECT_EQ(path_of(entry_of(OwnEndpoint::sessions), config), "/auth/sessions");
  EXPECT_EQ(path_of(entry_of(OwnEndpoint::session), config), "/auth/sessions/{id}");
  EXPECT_EQ(path_of(entry_of(OwnEndpoint::login), config), "");
}

TEST(Catalogue, NoSecretStandsInWhatIsPublic) {
  for (const Entry& entry : catalogue()) {
    if (!entry.is_public) continue;
    EXPECT_TRUE(entry.request.empty()) << entry.name;
    EXPECT_TRUE(needs_no_token(entry.endpoint)) << entry.name;
  }
}

}  // namespace
}  // namespace sallyport::gateway::endpoints
