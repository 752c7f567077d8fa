// What Sentinels answer, and in which order they are asked.
#include "auth/stores/redis/sentinel.hpp"

#include <gtest/gtest.h>

namespace sallyport::stores::redis {
namespace {

MasterAddress read(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  const auto reply = reader.next();
  return read_master_address(**reply, "mymaster");
}

TEST(Sentinel, NamesTheMaster) {
  const auto address = read("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6380\r\n");
  ASSERT_TRUE(address.master) << address.flaw;
  EXPECT_EQ(address.master->name(), "127.0.0.1:6380");
  EXPECT_EQ(read("*2\r\n$3\r\n::1\r\n$1\r\n7\r\n").master->name(), "[::1]:7");
}

TEST(Sentinel, SaysWhyItIsOfNoUse) {
  EXPECT_EQ(read("*-1\r\n").flaw, "it watches no master named mymaster");
  EXPECT_EQ(read("-NOAUTH Authentication required.\r\n").flaw, "NOAUTH Authentication required.");
  for (const char* bytes :
       {"*0\r\n", "*1\r\n$1\r\na\r\n", "*2\r\n$0\r\n\r\n$1\r\n1\r\n", "*2\r\n$1\r\na\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\na\r\n$5\r\n65536\r\n", "*2\r\n$1\r\na\r\n$1\r\nx\r\n", "*2\r\n:1\r\n:1\r\n", "+OK\r\n"})
    EXPECT_EQ(read(bytes).flaw, "it doesn't answer as a Sentinel does") << bytes;
}

std::string names(const SentinelOrder& order) {
  std::string out;
  for (const Endpoint& sentinel : order.order()) out += sentinel.host;
  return out;
}

TEST(SentinelOrder, BeginsWithWhoAnsweredAndEndsWithWhoMisled) {
  SentinelOrder order({{"a", 1, {}}, {"b", 1, {}}, {"c", 1, {}}});
  EXPECT_EQ(names(order), "abc");
  order.answered({"b", 1, {}});
  EXPECT_EQ(names(order), "bca") << "those before it didn't answer";
  order.misled();
  EXPECT_EQ(names(order), "cab");
  order.answered({"gone", 1, {}});
  EXPECT_EQ(names(order), "cab");
}

}  // namespace
}  // namespace sallyport::stores::redis
