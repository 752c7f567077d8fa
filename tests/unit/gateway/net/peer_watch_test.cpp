// A client that went away is noticed without reading from it; one that only ended its request isn't.
#include "gateway/net/peer_watch.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sallyport::gateway {
namespace {

struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); }
  ~Pair() {
    ::close(ends[0]);
    if (ends[1] >= 0) ::close(ends[1]);
  }
  int ends[2] = {-1, -1};
};

TEST(PeerWatches, LeaveAnOpenConnectionAloneAlsoWithBytesUnread) {
  Pair pair;
  ASSERT_EQ(::write(pair.ends[1], "next", 4), 4);
  PeerWatches watches;
  PeerWatches::Watch watch(watches, pair.ends[0], [] { FAIL(); });
  watch.wants(Patience::event_stream);
  watches.check();
  EXPECT_FALSE(watch.gone());
}

TEST(PeerWatches, TakeAHalfCloseForTheEndOfAnEventStreamOnly) {
  for (const Patience patience : {Patience::answer, Patience::event_stream}) {
    Pair pair;
    ASSERT_EQ(::shutdown(pair.ends[1], SHUT_WR), 0);
    int told = 0;
    PeerWatches watches;
    PeerWatches::Watch watch(watches, pair.ends[0], [&told] { ++told; });
    watch.wants(patience);
    watches.check();
    watches.check();
    EXPECT_EQ(told, patience == Patience::event_stream ? 1 : 0);
  }
}

TEST(PeerWatches, SeeAPeerThatIsWhollyGone) {
  Pair pair;
  ::close(pair.ends[1]);
  pair.ends[1] = -1;
  int told = 0;
  PeerWatches watches;
  PeerWatches::Watch watch(watches, pair.ends[0], [&told] { ++told; });
  watches.check();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(watch.gone());
}

TEST(PeerWatches, ForgetAWatchThatDied) {
  Pair pair;
  PeerWatches watches;
  {
    PeerWatches::Watch watch(watches, pair.ends[0], [] { FAIL(); });
  }
  ::close(pair.ends[1]);
  pair.ends[1] = -1;
  watches.check();
}

}  // namespace
}  // namespace sallyport::gateway
