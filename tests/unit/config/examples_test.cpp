// The files that operators start from, and the pages that describe them, stay true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "config/dump.hpp"
#include "config/load.hpp"
#include "config/reference.hpp"
#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using namespace std::string_view_literals;

using test::shown;
using testing::HasSubstr;
using testing::Not;

const std::string kFolder = std::string(SALLYPORT_SOURCE_DIR) + "/config/";
const Environment kEnvironment{{"REDIS_PASSWORD", "redis-pass-word"}};

// A folder as production.yaml wants it beside itself.
struct Production : test::TemporaryFolder {
  Production() {
    write("secrets/admin", "admin-token-of-the-test\n");
    write("secrets/batch", std::string(48, 'b') + "\n");
  }
  std::string yaml = test::text_of(kFolder + "examples/production.yaml");
  std::string file = path() + "/production.yaml";
};

TEST(Examples, QuickstartLoadsWithoutAnythingAround) {
  const auto loaded = load_file(kFolder + "examples/quickstart.yaml", {});
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(shown(loaded.warnings), "");
  EXPECT_EQ(loaded.config.store.kind, StoreKind::sqlite);
  EXPECT_TRUE(loaded.config.users.registration);
}

TEST(Examples, ProductionLoadsWithItsSecrets) {
  Production production;
  const auto loaded = load_text(production.yaml, production.file, kEnvironment);
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(shown(loaded.warnings), "");
  EXPECT_EQ(loaded.config.store.password.reveal(), "redis-pass-word");
  EXPECT_TRUE(loaded.config.store.tls);
  EXPECT_EQ(loaded.config.routes.size(), 5u);
}

class PresetExample : public testing::TestWithParam<std::string> {};

TEST_P(PresetExample, LoadsWithItsSecrets) {
  test::TemporaryFolder folder;
  for (const char* name : {"signing", "web-shop", "reports"})
    folder.write(std::string("secrets/") + name, std::string(48, name[0]) + "\n");
  const auto yaml = test::text_of(kFolder + "examples/" + GetParam() + ".yaml");
  const auto loaded = load_text(yaml, folder.path() + "/gateway.yaml", {});
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(shown(loaded.warnings), "");
  EXPECT_THAT(yaml, HasSubstr("preset: " + GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Examples, PresetExample,
                         testing::Values("oauth2", "code-maze", "fullstackmark", "codepedia", "apothecaric"));

TEST(Examples, ProductionNamesEverySecretThatIsMissing) {
  test::TemporaryFolder empty;
  const auto loaded =
      load_text(test::text_of(kFolder + "examples/production.yaml"), empty.path() + "/p.yaml", {});
  const auto text = shown(loaded.problems);
  EXPECT_THAT(text, HasSubstr("secrets/admin"));
  EXPECT_THAT(text, HasSubstr("secrets/batch"));
  EXPECT_THAT(text, HasSubstr("REDIS_PASSWORD"));
  EXPECT_EQ(loaded.problems.size(), 3u) << text;
}

// SECURITY 9: YAML config.
TEST(Examples, EveryPrefixAndManyALostByteAreAnsweredWithoutACrash) {
  Production production;
  const auto& yaml = production.yaml;
  std::size_t refused = 0;
  for (std::size_t n = 0; n < yaml.size(); ++n) {
    refused += !load_text(yaml.substr(0, n), production.file, kEnvironment).problems.empty();
    if (n % 4 != 0) continue;
    auto without = yaml;
    without.erase(n, 1);
    load_text(without, production.file, kEnvironment);
  }
  EXPECT_GT(refused, yaml.size() / 2);
}

TEST(Examples, RandomDamageIsAnsweredWithoutACrash) {
  Production production;
  std::mt19937 random(20240501);
  constexpr std::string_view kEvil = "[]{}:,-?&*!|>'\"%@`#\n\t \0\xff\xc3${}~<="sv;
  std::size_t answered = 0;
  for (int round = 0; round < 1000; ++round) {
    auto yaml = production.yaml;
    for (unsigned i = 0; i < 1 + random() % 6; ++i)
      yaml[random() % yaml.size()] = kEvil[random() % kEvil.size()];
    for (const auto& problem : load_text(yaml, production.file, kEnvironment).problems) {
      EXPECT_THAT(problem.text(), Not(HasSubstr("redis-pass-word")));
      EXPECT_EQ(problem.text().find('\n'), std::string::npos) << problem.text();
    }
    ++answered;
  }
  EXPECT_EQ(answered, 1000u);
}

TEST(Dump, ShowsNoSecretAndEverythingElse) {
  Production production;
  const auto loaded = load_text(production.yaml, production.file, kEnvironment);
  const auto text = dump(loaded.config);
  for (const auto* secret : {"redis-pass-word", "admin-token-of-the-test", "bbbbbbbb"})
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  EXPECT_THAT(text, HasSubstr("  token: \"***\"\n"));
  EXPECT_THAT(text, HasSubstr("  url: \"rediss://redis.internal:6380\"\n"));
  EXPECT_THAT(text, HasSubstr("  idle_ttl: 7d\n"));
  EXPECT_THAT(text, HasSubstr("degraded: stale\n"));
  EXPECT_THAT(text, HasSubstr("    login: /api/auth/login\n"));
  EXPECT_THAT(text, HasSubstr("    docs: off\n"));
}

TEST(Dump, LoadsAgainAsTheSameConfiguration) {
  const auto first = load_file(kFolder + "examples/quickstart.yaml", {});
  const auto once = dump(first.config);
  const auto second = test::load(once);
  EXPECT_EQ(shown(second.problems), "") << once;
  EXPECT_EQ(dump(second.config), once);
}

TEST(Dump, ShowsAnItemThatHasNothingSet) {
  Config config;
  config.listeners.emplace_back().tls.emplace_back();
  EXPECT_THAT(dump(config), HasSubstr("listeners:\n  - tls:\n      - {}\n"));
}

TEST(Dump, QuotesWhatYamlOrSubstitutionWouldReadOtherwise) {
  Config config;
  config.log.access = "a: \"b\"\n\\ ${env:X} #";
  config.auth.host = "null";
  const auto text = dump(config);
  EXPECT_THAT(text, HasSubstr("access: \"a: \\\"b\\\"\\x0a\\\\ $${env:X} #\"\n"));
  EXPECT_THAT(text, HasSubstr("host: \"null\"\n"));
}

// The tables in config/README.md come from the descriptions: SALLYPORT_WRITE_README=1 writes them anew.
TEST(Readme, HoldsTheTablesOfEverySetting) {
  const std::string begin = "<!-- settings -->\n", end = "<!-- end of settings -->\n";
  const auto path = kFolder + "README.md";
  auto text = test::text_of(path);
  const auto from = text.find(begin), to = text.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  if (std::getenv("SALLYPORT_WRITE_README") != nullptr) {
    text.replace(from + begin.size(), to - from - begin.size(), reference());
    std::ofstream(path) << text;
  }
  EXPECT_THAT(text, HasSubstr(begin + reference() + end));
  EXPECT_THAT(reference(), HasSubstr("| `tokens.refresh.idle_ttl` | `7d` |"));
  EXPECT_THAT(reference(), HasSubstr("| `routes[].path` | required |"));
}

}  // namespace
}  // namespace sallyport::config
