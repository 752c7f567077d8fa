// When a stream ends: with its token, with its session, or because either was revoked.
#include "gateway/streams.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::gateway {
namespace {

UnixSeconds at(long long seconds) { return UnixSeconds(std::chrono::seconds(seconds)); }

std::shared_ptr<jose::Claims> claims(std::string token = "t1", std::string session = "s1") {
  auto made = std::make_shared<jose::Claims>();
  made->issuer = "https://auth.example.com";
  made->subject = "ada";
  made->token_id = std::move(token);
  made->session_id = std::move(session);
  made->own = true;
  made->issued_at = at(1000);
  made->expires = at(1600);
  return made;
}

std::shared_ptr<const revocation::RevocationSet> revoking(revocation::Kind kind, std::string id) {
  revocation::Event event;
  event.kind = kind;
  event.issuer = "https://auth.example.com";
  event.id = std::move(id);
  event.until = at(9000);
  const std::vector<revocation::Event> events{event};
  return revocation::RevocationSet::empty()->with(events);
}

struct Listener {
  std::vector<StreamEnd> heard;
  std::function<void(StreamEnd)> told() {
    return [this](StreamEnd why) { heard.push_back(why); };
  }
};

TEST(StreamLimit, IsTheEndOfTheTokenOrOfTheSession) {
  using config::StreamEnds;
  const std::chrono::seconds month{30 * 86400};
  const jose::Claims own = *claims();
  jose::Claims foreign = own;
  foreign.own = false;
  jose::Claims alone = own;
  alone.session_id.clear();
  const UnixSeconds expired = at(1605);
  EXPECT_EQ(stream_limit(own, StreamEnds::token, expired, month), expired);
  EXPECT_EQ(stream_limit(own, StreamEnds::session, expired, month), at(1000) + month);
  EXPECT_EQ(stream_limit(own, StreamEnds::session, expired, std::nullopt), std::nullopt);
  EXPECT_EQ(stream_limit(foreign, StreamEnds::session, expired, month), expired);
  EXPECT_EQ(stream_limit(alone, StreamEnds::session, expired, month), expired);
}

TEST(OpenStreams, EndsAStreamAtItsLimitAndNotBefore) {
  OpenStreams streams;
  Listener listener;
  OpenStreams::Entry entry(streams, claims(), at(1605), listener.told());
  streams.tick(at(1604));
  EXPECT_TRUE(listener.heard.empty());
  streams.tick(at(1605));
  streams.tick(at(1606));
  EXPECT_EQ(listener.heard, std::vector{StreamEnd::expired});
  EXPECT_EQ(entry.ended(), StreamEnd::expired);
}

TEST(OpenStreams, GoesOnWithoutALimit) {
  OpenStreams streams;
  Listener listener;
  OpenStreams::Entry entry(streams, claims(), std::nullopt, listener.told());
  streams.tick(at(1'000'000'000));
  EXPECT_TRUE(listener.heard.empty());
}

TEST(OpenStreams, EndsThoseThatANewIndexRevokesAndNoOther) {
  OpenStreams streams;
  Listener mine, theirs;
  OpenStreams::Entry one(streams, claims("t1", "s1"), std::nullopt, mine.told());
  OpenStreams::Entry two(streams, claims("t2", "s2"), std::nullopt, theirs.told());
  const auto index = revoking(revocation::Kind::session, "s1");
  streams.recheck(*index, at(1100));
  streams.recheck(*index, at(1101));
  EXPECT_EQ(mine.heard, std::vector{StreamEnd::revoked});
  EXPECT_TRUE(theirs.heard.empty());
}

TEST(OpenStreams, ForgetsAStreamThatHasEndedByItself) {
  OpenStreams streams;
  Listener listener;
  {
    OpenStreams::Entry entry(streams, claims(), at(1605), listener.told());
    EXPECT_EQ(streams.size(), 1u);
  }
  EXPECT_EQ(streams.size(), 0u);
  streams.tick(at(2000));
  streams.recheck(*revoking(revocation::Kind::token, "t1"), at(1100));
  EXPECT_TRUE(listener.heard.empty());
}

TEST(OpenStreams, TellsAStreamOnceThoughItIsRevokedAndExpired) {
  OpenStreams streams;
  Listener listener;
  OpenStreams::Entry entry(streams, claims(), at(1605), listener.told());
  streams.recheck(*revoking(revocation::Kind::token, "t1"), at(1100));
  streams.tick(at(2000));
  EXPECT_EQ(listener.heard, std::vector{StreamEnd::revoked});
}

}  // namespace
}  // namespace sallyport::gateway
