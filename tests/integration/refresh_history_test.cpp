// The checker of what clients saw: it is silent about a right history, and catches each planted fault.
#include "tests/support/refresh_history.hpp"

#include <gtest/gtest.h>

#include "auth/sessions/refresh_token.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;
using Kind = Act::Kind;

sessions::SessionId session_id(char fill) {
  sessions::SessionId id;
  id.bytes.fill(static_cast<unsigned char>(fill));
  return id;
}

// A history of one session, told in order; each act takes 10 ms unless a test moves its times.
struct History {
  sessions::RefreshCodec codec{std::vector<jose::MacKey>{{"keyAAAAA", config::Secret(std::string(32, 'a'))}}};
  sessions::RefreshCodec other{std::vector<jose::MacKey>{{"keyBBBBB", config::Secret(std::string(32, 'b'))}}};
  std::string session = session_id('s').text();
  std::vector<Act> acts;
  Act::Time now{1h};

  std::string token(std::uint32_t generation) { return codec.write({session_id('s'), generation}); }

  Act& add(Kind kind, int status, std::string error = {}) {
    Act act;
    act.kind = kind, act.session = session, act.status = status, act.error = std::move(error);
    act.sent = now, act.done = now += 10ms;
    now += 1ms;
    return acts.emplace_back(std::move(act));
  }
  void login() { add(Kind::login, 200).received = token(0); }
  Act& refresh(std::uint32_t from, std::uint32_t to) {
    Act& act = add(Kind::refresh, 200);
    act.presented = token(from), act.received = token(to);
    return act;
  }
  Act& refused(std::uint32_t from, int status, std::string error) {
    Act& act = add(Kind::refresh, status, std::move(error));
    act.presented = token(from);
    return act;
  }
};

TEST(RefreshHistory, ReadsTheNameOfAToken) {
  History h;
  const auto name = name_of_token(h.token(0x01020304));
  ASSERT_TRUE(name);
  EXPECT_EQ(name->session, h.session);
  EXPECT_EQ(name->generation, 0x01020304u);
  EXPECT_FALSE(name_of_token("v1.junk"));
  EXPECT_FALSE(name_of_token(""));
}

TEST(RefreshHistory, IsSilentAboutARightOne) {
  History h;
  h.login();
  h.refresh(0, 1);
  h.refresh(0, 1);  // another tab, or a lost reply
  h.refused(1, 0, "").error.clear();
  h.refresh(1, 2);
  h.refused(0, 409, "refresh_superseded");
  h.refused(2, 503, "store_unavailable");
  h.refresh(2, 3);
  h.add(Kind::call, 200);
  h.add(Kind::logout, 204);
  h.refused(3, 401, "session_revoked");
  h.add(Kind::call, 401, "token_revoked");
  Act& elsewhere = h.add(Kind::call, 200);
  elsewhere.elsewhere = true;  // within the bound
  EXPECT_TRUE(judge(h.acts).none()) << judge(h.acts).text();
}

TEST(RefreshHistory, TakesARefreshAndALogoutAtOnceEitherWay) {
  History h;
  h.login();
  Act& logout = h.add(Kind::logout, 204);
  const auto sent = logout.sent, done = logout.done;
  Act& before = h.refresh(0, 1);
  before.sent = sent, before.done = done;
  Act& after = h.refused(0, 401, "session_revoked");
  after.sent = sent, after.done = done;
  EXPECT_TRUE(judge(h.acts).none()) << judge(h.acts).text();
}

TEST(RefreshHistory, CatchesASecondTokenOfAGeneration) {
  History h;
  h.login();
  h.refresh(0, 1);
  h.refresh(0, 1).received = h.other.write({session_id('s'), 1});
  const Findings findings = judge(h.acts);
  EXPECT_EQ(findings.lineages.size(), 1u);
  EXPECT_TRUE(findings.lost.empty() && findings.resurrected.empty());
}

TEST(RefreshHistory, CatchesASuccessorThatIsNotTheNextGeneration) {
  History h;
  h.login();
  h.refresh(0, 1);
  h.refresh(0, 2);
  EXPECT_EQ(judge(h.acts).lineages.size(), 1u);
}

TEST(RefreshHistory, CatchesASuccessorOfAnotherSession) {
  History h;
  h.login();
  h.refresh(0, 1).received = h.codec.write({session_id('t'), 1});
  EXPECT_EQ(judge(h.acts).lineages.size(), 1u);
}

// The store went back to an older state and a lineage forked from there: no two tokens differ in their text.
TEST(RefreshHistory, CatchesAGenerationThatWasOver) {
  History h;
  h.login();
  h.refresh(0, 1);
  h.refresh(1, 2);
  h.refresh(0, 1);
  EXPECT_EQ(judge(h.acts).lineages.size(), 1u);
}

TEST(RefreshHistory, CatchesALostSession) {
  for (const char* error : {"refresh_reused", "refresh_invalid", "session_revoked", "session_idle"}) {
    History h;
    h.login();
    h.refresh(0, 1);
    h.refused(1, 401, error);
    const Findings findings = judge(h.acts);
    EXPECT_EQ(findings.lost.size(), 1u) << error;
    EXPECT_TRUE(findings.lineages.empty() && findings.resurrected.empty());
  }
  History h;
  h.login();
  h.add(Kind::call, 401, "token_revoked");
  EXPECT_EQ(judge(h.acts).lost.size(), 1u);
}

TEST(RefreshHistory, CatchesALossBeforeALogout) {
  History h;
  h.login();
  h.refused(0, 401, "session_revoked");
  h.add(Kind::logout, 204);
  EXPECT_EQ(judge(h.acts).lost.size(), 1u);
}

TEST(RefreshHistory, CatchesAResurrectedSession) {
  History h;
  h.login();
  h.add(Kind::logout, 204);
  h.refresh(0, 1);
  h.add(Kind::call, 200);
  Act& elsewhere = h.add(Kind::call, 200);
  elsewhere.elsewhere = true;
  elsewhere.sent += 6s;
  const Findings findings = judge(h.acts);
  EXPECT_EQ(findings.resurrected.size(), 3u);
  EXPECT_TRUE(findings.lineages.empty() && findings.lost.empty());
}

TEST(RefreshHistory, AsksNothingOfALogoutThatWasNotAcknowledged) {
  for (const int status : {0, 503}) {
    History h;
    h.login();
    h.add(Kind::logout, status);
    h.refresh(0, 1);
    h.refused(1, 401, "session_revoked");  // it may have been carried out later
    EXPECT_TRUE(judge(h.acts).none()) << status << judge(h.acts).text();
  }
}

TEST(RefreshHistory, KeepsSessionsApart) {
  History h;
  h.login();
  h.add(Kind::logout, 204);
  h.session = session_id('t').text();
  Act& other = h.add(Kind::refresh, 200);
  other.presented = h.codec.write({session_id('t'), 0});
  other.received = h.codec.write({session_id('t'), 1});
  EXPECT_TRUE(judge(h.acts).none()) << judge(h.acts).text();
}

}  // namespace
}  // namespace sallyport::testing
