// The example client, cookies, the account page and the console in a real browser.
#include <gtest/gtest.h>

#include "tests/support/process.hpp"
#include "tests/support/socket.hpp"

namespace sallyport::testing {
namespace {

TEST(Browser, RefreshesForThreeTabsAndEndsThemAll) {  // S0.15, S1.10, S1.27, S4.10
  constexpr std::chrono::seconds kTime{60};
  const Outcome outcome = run({"node", SALLYPORT_TEST_DATA "/node/browser_test.mjs", SALLYPORT_BINARY,
                               SALLYPORT_SOURCE_DIR "/config/examples"},
                              {}, kTime);
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(Browser, LogsInOnThePageAndStaysLoggedInByCookies) {  // S1.16, S1.28
  constexpr std::chrono::seconds kTime{60};
  const Outcome outcome =
      run({"node", SALLYPORT_TEST_DATA "/node/account_page_test.mjs", SALLYPORT_BINARY}, {}, kTime);
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(Browser, ShowsTheConsoleAndActs) {
  constexpr std::chrono::seconds kTime{60};
  const Outcome outcome = run(
      {"node", SALLYPORT_TEST_DATA "/node/console_test.mjs", SALLYPORT_BINARY, std::to_string(free_port())},
      {}, kTime);
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

}  // namespace
}  // namespace sallyport::testing
