// Slots of keys by the published vectors, maps of slots, and what each redirection means.
#include "auth/stores/redis/slots.hpp"

#include <gtest/gtest.h>

namespace sallyport::stores::redis {
namespace {

const Endpoint kAsked{"10.0.0.1", 7001, {}};

std::vector<Reply> read(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  std::vector<Reply> replies;
  for (auto next = reader.next(); next && *next; next = reader.next()) replies.push_back(std::move(**next));
  return replies;
}
Reply read_one(std::string_view bytes) { return read(bytes).front(); }

// Appendix A of the Cluster specification, and the check value of CRC-16/XMODEM.
TEST(Slots, FollowThePublishedVectors) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);
  EXPECT_EQ(crc16(""), 0);
  EXPECT_EQ(slot_of("123456789"), 12739u);
  EXPECT_EQ(slot_of("foo"), 12182u);
  EXPECT_EQ(slot_of("bar"), 5061u);
  EXPECT_EQ(slot_of("hello"), 866u);
}

// The specification's own examples of hash tags.
TEST(Slots, AreThoseOfTheHashTagWhereThereIsOne) {
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
  EXPECT_EQ(slot_of("foo{}{bar}"), crc16("foo{}{bar}") % kSlots) << "nothing between the first braces";
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_EQ(slot_of("foo{bar"), crc16("foo{bar") % kSlots);
  EXPECT_EQ(slot_of("}foo{"), crc16("}foo{") % kSlots);
}

const std::string kMap =
    "*3\r\n"
    "*4\r\n:0\r\n:5460\r\n*3\r\n$8\r\n10.0.0.1\r\n:7001\r\n$1\r\na\r\n"
    "*3\r\n$8\r\n10.0.0.2\r\n:7002\r\n$1\r\nb\r\n"
    "*3\r\n:5461\r\n:10922\r\n*4\r\n$0\r\n\r\n:7003\r\n$1\r\nc\r\n*0\r\n"
    "*3\r\n:10924\r\n:16383\r\n*3\r\n$-1\r\n:7004\r\n$1\r\nd\r\n";

TEST(SlotMap, IsReadFromClusterSlots) {
  auto map = SlotMap::read(read_one(kMap), kAsked);
  ASSERT_TRUE(map) << map.error();
  EXPECT_EQ(map->owner(0)->name(), "10.0.0.1:7001");
  EXPECT_EQ(map->owner(5460)->name(), "10.0.0.1:7001");
  EXPECT_EQ(map->owner(5461)->name(), "10.0.0.1:7003") << "an empty host is the one that was asked";
  EXPECT_EQ(map->owner(16383)->name(), "10.0.0.1:7004") << "nil too";
  EXPECT_EQ(map->owner(10923), nullptr);
  EXPECT_EQ(map->covered(), kSlots - 1);
  EXPECT_EQ(map->masters().size(), 3u);
  ASSERT_EQ(map->replicas().size(), 1u);
  EXPECT_EQ(map->replicas()[0].name(), "10.0.0.2:7002");

  map->moved(10923, {"10.0.0.2", 7002, {}});
  map->moved(0, {"10.0.0.1", 7003, {}});
  EXPECT_EQ(map->owner(10923)->name(), "10.0.0.2:7002");
  EXPECT_EQ(map->owner(0)->name(), "10.0.0.1:7003");
  EXPECT_EQ(map->covered(), kSlots);
  EXPECT_EQ(map->masters().size(), 4u);
}

TEST(SlotMap, RefusesWhatNoClusterSays) {
  for (const char* bytes :
       {"*0\r\n", "+OK\r\n", ":1\r\n", "*1\r\n:1\r\n", "*1\r\n*1\r\n:1\r\n",
        "-ERR This instance has cluster support disabled\r\n", "*1\r\n*3\r\n:5\r\n:4\r\n*0\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\nh\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n:0\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\n?\r\n:1\r\n"})
    EXPECT_FALSE(SlotMap::read(read_one(bytes), kAsked)) << bytes;
}

struct Row {
  std::string name;
  std::string replies;
  Redirection::Kind kind;
  unsigned slot = 0;
  std::string to;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Redirections : public ::testing::TestWithParam<Row> {};

TEST_P(Redirections, AreJudged) {
  const Row& row = GetParam();
  const auto judged = redirection_of(read(row.replies), kAsked);
  EXPECT_EQ(judged.kind, row.kind);
  if (row.to.empty()) return;
  EXPECT_EQ(judged.slot, row.slot);
  EXPECT_EQ(judged.to.name(), row.to);
}

using Is = Redirection::Kind;
INSTANTIATE_TEST_SUITE_P(
    Table, Redirections,
    ::testing::Values(
        Row{"answers", "+OK\r\n:1\r\n", Is::none}, Row{"other_errors", "-ERR x\r\n-OOM y\r\n", Is::none},
        Row{"down", "-CLUSTERDOWN The cluster is down\r\n", Is::none},
        Row{"moved", "-MOVED 3999 127.0.0.1:6381\r\n", Is::moved, 3999, "127.0.0.1:6381"},
        Row{"moved_name", "-MOVED 1 redis-1.internal:6381\r\n", Is::moved, 1, "redis-1.internal:6381"},
        Row{"moved_v6", "-MOVED 1 ::1:6381\r\n", Is::moved, 1, "[::1]:6381"},
        Row{"moved_same_host", "-MOVED 1 :6381\r\n", Is::moved, 1, "10.0.0.1:6381"},
        Row{"moved_nowhere", "-MOVED 1 ?:6381\r\n", Is::none},
        Row{"moved_bad_slot", "-MOVED 16384 h:6381\r\n", Is::none},
        Row{"moved_bad_port", "-MOVED 1 h:99999\r\n", Is::none}, Row{"moved_cut", "-MOVED 1\r\n", Is::none},
        Row{"ask", "-ASK 3999 127.0.0.1:6381\r\n", Is::ask, 3999, "127.0.0.1:6381"},
        Row{"ask_for_some", "+OK\r\n-ASK 5 h:1\r\n:1\r\n", Is::ask, 5, "h:1"},
        Row{"moved_beats_ask", "-ASK 5 h:1\r\n-MOVED 5 h:2\r\n", Is::moved, 5, "h:2"},
        Row{"try_again", "-TRYAGAIN Multiple keys request during rehashing of slot\r\n", Is::later},
        Row{"try_again_beats_ask", "-ASK 5 h:1\r\n-TRYAGAIN x\r\n", Is::later}),
    [](const ::testing::TestParamInfo<Row>& tested) { return tested.param.name; });

TEST(Redirections, MergeTheAnswersOfBothNodes) {
  const auto both =
      merged(read(":1\r\n-ASK 5 h:1\r\n:3\r\n"), read("+OK\r\n:10\r\n+OK\r\n:20\r\n+OK\r\n:30\r\n"));
  ASSERT_EQ(both.size(), 3u);
  EXPECT_EQ(both[0].integer, 1);
  EXPECT_EQ(both[1].integer, 20);
  EXPECT_EQ(both[2].integer, 3);
}

}  // namespace
}  // namespace sallyport::stores::redis
